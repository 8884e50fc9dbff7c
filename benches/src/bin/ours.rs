//! The crate's own server, with the defaults of `serve()`.
//!
//! `ours ADDRESS [--many]`; it prints the address that it listens on, and serves until its standard
//! input ends. `--many` raises the limits on how many connections, sessions and streams may come
//! from one address, which all of them do here.

use anyhow::{Context as _, Result};
use mcp_http::{
    Arguments, Changes, Context, McpService, McpServiceBuilder, Server, Tool, ToolError, serve,
};
use tokio::io::AsyncReadExt;

/// What `test_simple_text` answers in the official conformance suite.
const TEXT: &str = "This is a simple text response for testing.";

/// More than any scenario opens.
const MANY: usize = 200_000;

#[derive(serde::Deserialize)]
struct Text {
    bytes: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("no address")?;
    let many = arguments.any(|argument| argument == "--many");
    let mut service = McpService::builder(server()?);
    if many {
        service = widened(service);
    }
    let mut serving = serve(service.build()?);
    if many {
        serving = serving.max_connections(MANY);
    }
    let running = serving.bind(address).await?;
    println!("{}", running.local_addr());
    // The driver holds the other end; it may die without a word.
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    running.shutdown().await?;
    Ok(())
}

fn server() -> Result<Server> {
    let changes = Changes::new();
    let announced = changes.clone();
    Ok(Server::builder("bench", "1.0.0")
        .changes(&changes)
        .tool(
            Tool::new("test_simple_text").with_description("A constant text"),
            async |_: Arguments, _: Context| Ok::<_, ToolError>(TEXT.to_owned()),
        )
        .tool(
            Tool::new("text").with_description("A text of so many bytes"),
            async |arguments: Arguments, _: Context| {
                let Text { bytes } = arguments.parse()?;
                Ok::<_, ToolError>("x".repeat(bytes))
            },
        )
        .tool(
            Tool::new("announce").with_description("Tells all clients that the tools changed"),
            move |_: Arguments, _: Context| {
                announced.tools_changed();
                async { Ok::<_, ToolError>("told") }
            },
        )
        .build()?)
}

fn widened(service: McpServiceBuilder) -> McpServiceBuilder {
    service.max_sessions(MANY).max_sessions_per_address(MANY).max_parked_streams(MANY)
}
