//! A small server with real tools. Run it, and call it with the line that it prints.

use std::time::Instant;

use mcp_http::{Context, McpService, Server, ToolError, serve};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Text {
    /// The text to look at
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Primes {
    /// Find the primes up to this number, at most 10,000,000
    limit: u32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("quickstart", env!("CARGO_PKG_VERSION"))
        .typed_tool("count_words", "Counts the words of a text", count_words)
        .typed_tool("count_primes", "Counts the primes up to a limit", count_primes)
        .build()?;
    let service = McpService::builder(server).build()?;
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    print_how_to_call(&format!("http://{}/mcp", running.local_addr()));
    running.until_signal().await?; // SIGTERM or Ctrl-C
    Ok(())
}

async fn count_words(args: Text, _: Context) -> Result<String, ToolError> {
    Ok(format!("{} words", args.text.split_whitespace().count()))
}

/// A tool that takes its time, and says how far it is to a client that asks.
async fn count_primes(args: Primes, cx: Context) -> Result<String, ToolError> {
    if args.limit > 10_000_000 {
        return Err(ToolError::invalid_argument("limit", "must be at most 10,000,000"));
    }
    let began = Instant::now();
    let mut sieve = vec![true; args.limit as usize + 1];
    let mut count = 0;
    for number in 2..sieve.len() {
        if sieve[number] {
            count += 1;
            sieve.iter_mut().skip(number * number).step_by(number).for_each(|n| *n = false);
        }
        if number % 100_000 == 0 {
            cx.progress(number as f64, Some(args.limit.into()), "sieving");
            tokio::task::yield_now().await; // others want to run, too
        }
    }
    Ok(format!("{count} primes up to {}, found in {:.0?}", args.limit, began.elapsed()))
}

/// A request of the current revision stands on its own: one line of curl is a whole client.
fn print_how_to_call(url: &str) {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let params = format!(r#"{{"name":"count_primes","arguments":{{"limit":1000000}},{meta}}}"#);
    println!("MCP endpoint: {url}\n\nCall it:");
    println!(
        "curl -s {url} -H 'Content-Type: application/json' -H 'MCP-Protocol-Version: 2026-07-28' \
         -H 'Mcp-Method: tools/call' -H 'Mcp-Name: count_primes' \
         -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{params}}}'"
    );
}
