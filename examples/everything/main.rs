//! A server that can do everything that this crate can: what the official conformance suites ask
//! for, and what the drivers of real clients in `tests/clients` call. It is a catalogue of the
//! public interface too: a file for each capability.
//!
//! ```text
//! PORT=3000 cargo run --example everything      (0 takes any free port)
//! ```
//!
//! With `PAGE_SIZE=7` every list comes in pages of so many entries at most.

mod asking;
mod prompts;
mod resources;
mod tasks;
mod tools;

use mcp_http::{Changes, McpService, Server, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let changes = Changes::new();
    let mut builder = Server::builder("everything", env!("CARGO_PKG_VERSION"))
        .title("Everything")
        .description("Every feature of mcp-http, for tests")
        .instructions("Call the tools in any order; they do not depend on each other.")
        .changes(&changes);
    builder = tools::add(builder, &changes);
    builder = resources::add(builder, &changes);
    builder = asking::add(builder);
    builder = prompts::add(builder, &changes);
    builder = tasks::add(builder);
    if let Ok(entries) = std::env::var("PAGE_SIZE") {
        builder = builder.page_size(entries.parse()?);
    }
    let service = McpService::builder(builder.build()?).build()?;

    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let running = serve(service).bind(("127.0.0.1", port)).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
