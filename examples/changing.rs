//! Tools that come and go while the server runs, clients that are told of it, and what a server
//! logs to its clients.
//!
//! ```text
//! PORT=8080 cargo run --example changing      (0 takes any free port)
//! ```
//!
//! `teach` adds a tool that says a word. Legacy clients hear of it on their standalone stream, and
//! those of 2026-07-28 by `subscriptions/listen`; then they list the tools anew.

use mcp_http::{
    Arguments, Changes, Context, LogLevel, McpService, Server, Tool, ToolError, ToolSet, serve,
};

#[derive(serde::Deserialize)]
struct Word {
    name: String,
    word: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let changes = Changes::new();
    let tools = ToolSet::new(&changes); // it announces what is inserted and removed
    let taught = tools.clone();
    let teach = Tool::new("teach").with_input_schema(serde_json::json!({
        "type": "object",
        "properties": {"name": {"type": "string"}, "word": {"type": "string"}},
        "required": ["name", "word"],
    }));
    tools.insert(teach, move |arguments: Arguments, cx: Context| {
        let taught = taught.clone();
        async move {
            let Word { name, word } = arguments.parse()?;
            taught.insert(Tool::new(name.as_str()), move |_: Arguments, _: Context| {
                let word = word.clone();
                async move { Ok::<_, ToolError>(word) }
            })?;
            // To a client that asked for messages of this level.
            cx.log(LogLevel::Info, format!("{name} was taught"));
            Ok::<_, ToolError>(format!("{name} is a tool now"))
        }
    })?;
    let server = Server::builder("words", env!("CARGO_PKG_VERSION"))
        .catalogue(tools)
        .changes(&changes)
        .build()?;
    let service = McpService::builder(server).build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
