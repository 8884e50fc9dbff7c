//! The crate's own server, with the defaults of `serve()`.
//!
//! `ours ADDRESS`; it prints the address that it listens on, and serves until its standard input
//! ends.

use anyhow::Context as _;
use mcp_http::{Arguments, Context, McpService, Server, Tool, ToolError, serve};
use tokio::io::AsyncReadExt;

/// What `test_simple_text` answers in the official conformance suite.
const TEXT: &str = "This is a simple text response for testing.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).context("no address")?;
    let server = Server::builder("bench", "1.0.0")
        .tool(
            Tool::new("test_simple_text").with_description("A constant text"),
            async |_: Arguments, _: Context| Ok::<_, ToolError>(TEXT.to_owned()),
        )
        .build()?;
    let running = serve(McpService::builder(server).build()?).bind(address).await?;
    println!("{}", running.local_addr());
    // The driver holds the other end; it may die without a word.
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    running.shutdown().await?;
    Ok(())
}
