use mcp_http::{Context, McpService, Server, ToolError, serve};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Forecast {
    /// City name
    city: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("weather", env!("CARGO_PKG_VERSION"))
        .typed_tool("forecast", "The weather of the next day", |args: Forecast, cx: Context| async move {
            cx.progress(1.0, Some(2.0), "asking the station");
            Ok::<_, ToolError>(format!("Sunny in {}", args.city))
        })
        .build()?;
    let service = McpService::builder(server).build()?;
    let running = serve(service).bind("127.0.0.1:0").await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
