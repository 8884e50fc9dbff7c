//! Validation (feature `validation`): arguments that do not fit the schema never reach the handler,
//! and a result that does not fit its own never reaches the client.
//!
//! ```text
//! PORT=8080 cargo run --features validation --example validation      (0 takes any free port)
//! ```

use mcp_http::{
    Arguments, CallToolResult, Context, McpService, Server, Tool, ToolError, Validation, serve,
};
use serde_json::{Value, json};

async fn forecast(arguments: Arguments, _: Context) -> Result<CallToolResult, ToolError> {
    // It is known to be there, and to be from 1 to 14.
    let days = arguments.to_value()?["days"].as_u64().unwrap_or(1);
    let celsius: Vec<Value> = (0..days).map(|day| json!(20 + day % 3)).collect();
    CallToolResult::structured(&json!({ "celsius": celsius }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tool = Tool::new("forecast")
        .with_input_schema(json!({
            "type": "object",
            "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 14}},
            "required": ["days"],
        }))
        .with_output_schema(json!({
            "type": "object",
            "properties": {"celsius": {"type": "array", "items": {"type": "number"}}},
            "required": ["celsius"],
        }));
    let server = Server::builder("weather", env!("CARGO_PKG_VERSION"))
        .tool(tool, forecast)
        .validation(Validation::both())
        .build()?;
    let service = McpService::builder(server).build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
