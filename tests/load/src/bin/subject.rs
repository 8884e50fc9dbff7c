//! The server under test: every option is a knob, its tools do what the scenarios need, and what
//! is not MCP goes to `/control/`.
//!
//! ```text
//! subject [--NAME VALUE]…      `subject --help` lists the names
//! ```
//!
//! It prints `listening on http://127.0.0.1:PORT/mcp` and runs until SIGTERM.

#[path = "subject/control.rs"]
mod control;
#[path = "subject/heap.rs"]
mod heap;
#[path = "subject/knobs.rs"]
mod knobs;
#[path = "subject/tools.rs"]
mod tools;

use std::sync::Arc;

use anyhow::Result;
use mcp_http::{Changes, McpService, serve};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

#[tokio::main]
async fn main() -> Result<()> {
    let knobs = knobs::Knobs::parse(std::env::args().skip(1))?;
    mcp_http_load::limits::raise_open_files();
    let gates = Arc::new(tools::Gates::default());
    let changes = Changes::new();
    let server = tools::register(Arc::clone(&gates)).changes(&changes).build()?;
    let service = knobs.service(McpService::builder(server)).build()?;
    let control = control::Controlled::new(service, gates, changes);
    let running = knobs.serve(serve(control)).bind(("127.0.0.1", knobs.port)).await?;
    println!("listening on http://{}/mcp", running.local_addr());
    let drained = running.until_signal().await?;
    println!("aborted {}", drained.aborted);
    Ok(())
}
