//! Tasks: a tool whose work outlives its request. A client that knows the extension gets a handle
//! at once and asks for the result later; any other waits for it as ever. The handler is the same.
//!
//! ```text
//! PORT=8080 cargo run --example tasks      (0 takes any free port)
//! ```
//!
//! A client declares the extension with each request. The answer to the first holds a `taskId`:
//!
//! ```text
//! ask() {   # METHOD NAME PARAMS
//!   curl -s http://127.0.0.1:8080/mcp -H 'Content-Type: application/json' \
//!     -H 'MCP-Protocol-Version: 2026-07-28' -H "Mcp-Method: $1" -H "Mcp-Name: $2" -d '{
//!       "jsonrpc": "2.0", "id": 1, "method": "'"$1"'", "params": {'"$3"', "_meta": {
//!         "io.modelcontextprotocol/protocolVersion": "2026-07-28",
//!         "io.modelcontextprotocol/clientCapabilities": {
//!           "elicitation": {"form": {}},
//!           "extensions": {"io.modelcontextprotocol/tasks": {}}}}}}'
//! }
//! ask tools/call signed_report '"name": "signed_report", "arguments": {"year": 2026}'
//!
//! id=…
//! ask tasks/get $id '"taskId": "'$id'"'
//! ask tasks/update $id '"taskId": "'$id'", "inputResponses": {
//!       "signature": {"action": "accept", "content": {"name": "Ada"}}}'
//! ask tasks/cancel $id '"taskId": "'$id'"'
//! ```

use std::time::Duration;

use mcp_http::{
    Context, Elicit, Elicited, McpService, Server, StringSchema, TaskOptions, TaskSupport, Tool,
    ToolError, serve,
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Report {
    /// The year to report on
    year: u16,
}

async fn report(report: Report, cx: Context) -> Result<String, ToolError> {
    for quarter in 1..=4_u32 {
        // The message is what `tasks/get` says of a task that works.
        cx.progress(quarter.into(), Some(4.0), format!("quarter {quarter}"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(format!("All went well in {}", report.year))
}

/// A task may ask, too: it waits until `tasks/update` brings the answer.
async fn signed_report(args: Report, cx: Context) -> Result<String, ToolError> {
    let form = Elicit::form("Who signs?").with_required("name", StringSchema::new());
    let Elicited::Accept(signed) = cx.elicit("signature", form)? else {
        return Err(ToolError::new("nobody wants to sign it"));
    };
    Ok(format!("{}\nSigned: {}", report(args, cx).await?, signed["name"]))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task = |name: &str, description: &str| {
        Tool::new(name).with_description(description).with_task(TaskSupport::allowed())
    };
    let server = Server::builder("reports", env!("CARGO_PKG_VERSION"))
        .tasks(TaskOptions::new().with_ttl(Duration::from_secs(600)))
        .typed_tool_with(task("report", "Writes a report"), report)
        .typed_tool_with(task("signed_report", "Writes a report that is signed"), signed_report)
        .build()?;
    let service = McpService::builder(server).build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
