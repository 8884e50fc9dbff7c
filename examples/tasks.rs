//! A long job as a task: the client is answered with a handle at once, and asks for the result
//! later. The job asks a question in the middle of its work.
//!
//! ```text
//! cargo run --example tasks
//! ```
//!
//! A client that knows tasks (revision 2026-07-28) declares the extension with each request. Begin
//! a report; the answer holds its `taskId`:
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
//! ask tools/call report '"name": "report", "arguments": {"year": 2026}'
//! ```
//!
//! Look at it, answer its question once it has one, or cancel it:
//!
//! ```text
//! id=…
//! ask tasks/get $id '"taskId": "'$id'"'
//! ask tasks/update $id '"taskId": "'$id'", "inputResponses": {
//!       "currency": {"action": "accept", "content": {"currency": "EUR"}}}'
//! ask tasks/cancel $id '"taskId": "'$id'"'
//! ```
//!
//! To a client that does not declare the extension, the same tool answers with its result.

use std::time::Duration;

use mcp_http::{
    Context, Elicit, Elicited, McpService, Server, SingleSelectSchema, TaskOptions, TaskSupport,
    Tool, ToolError, serve,
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Report {
    /// The year that is reported on
    year: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tool = Tool::new("report")
        .with_description("Writes the report of a year, which takes half a minute")
        .with_task(TaskSupport::allowed().with_poll_interval(Duration::from_secs(2)));
    let server = Server::builder("reports", env!("CARGO_PKG_VERSION"))
        .typed_tool_with(tool, report)
        .tasks(TaskOptions::new().with_ttl(Duration::from_secs(600)))
        .build()?;
    let running = serve(McpService::builder(server).build()?).bind("127.0.0.1:8080").await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}

async fn report(args: Report, cx: Context) -> Result<String, ToolError> {
    // Asked first: a handler runs anew when it is answered, so work belongs after it.
    let choices = SingleSelectSchema::new(["EUR", "USD"]);
    let form = Elicit::form("In which currency?").with_required("currency", choices);
    let Elicited::Accept(answer) = cx.elicit("currency", form)? else {
        return Err(ToolError::new("without a currency there is no report"));
    };
    for month in 1..=12_u8 {
        // Of a task this is the status message; elsewhere it is told as progress.
        cx.progress(month.into(), Some(12.0), format!("adding up month {month}"));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
    Ok(format!("The year {}, in {}", args.year, answer["currency"]))
}
