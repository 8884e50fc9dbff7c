//! A small server with real tools. Run it, and call it with the lines that it prints.
//!
//! ```text
//! PORT=8080 cargo run --release --example quickstart      (0 takes any free port)
//! ```

use mcp_http::{Context, McpService, Server, Structured, ToolError, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("quickstart", env!("CARGO_PKG_VERSION"))
        .typed_tool("count_text", "Counts the lines, words and characters of a text", count_text)
        .typed_tool("count_primes", "Counts the primes up to a limit", count_primes)
        .build()?;
    let service = McpService::builder(server).build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    print_how_to_call(&format!("http://{}/mcp", running.local_addr()));
    running.until_signal().await?; // SIGTERM or Ctrl-C
    Ok(())
}

// ---- a typed tool: what it takes and what it gives are types, and so are their schemas ----

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Text {
    /// The text to look at
    text: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Counts {
    lines: usize,
    words: usize,
    characters: usize,
}

async fn count_text(args: Text, _: Context) -> Result<Structured<Counts>, ToolError> {
    Ok(Structured(Counts {
        lines: args.text.lines().count(),
        words: args.text.split_whitespace().count(),
        characters: args.text.chars().count(),
    }))
}

// ---- a tool that takes its time, and says how far it is to a client that asks ----

const MOST: u32 = 10_000_000;
const BLOCK: usize = 20_000;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Primes {
    /// Count the primes up to this number, at most 10,000,000
    limit: u32,
}

async fn count_primes(args: Primes, cx: Context) -> Result<String, ToolError> {
    let limit = args.limit;
    if limit > MOST {
        return Err(ToolError::invalid_argument("limit", format!("must be at most {MOST}")));
    }
    let mut count = 0;
    for from in (0..=limit).step_by(BLOCK) {
        let to = limit.min(from + BLOCK as u32 - 1);
        count += (from..=to).filter(|&number| is_prime(number)).count();
        cx.progress(to.into(), Some(limit.into()), format!("{count} primes up to {to}"));
        // Others want to run, too; and if the client has left, this is where it ends.
        tokio::task::yield_now().await;
    }
    Ok(format!("{count} primes up to {limit}"))
}

fn is_prime(number: u32) -> bool {
    number >= 2 && (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor))
}

// ---- a request of 2026-07-28 stands on its own: one line of curl is a whole client ----

fn print_how_to_call(url: &str) {
    println!("MCP endpoint: {url}\n");
    println!("Call a tool; the answer is plain JSON:");
    println!("{}\n", curl(url, "count_text", r#"{"text":"To be, or not to be"}"#, ""));
    println!("Ask for progress; the answer is a stream:");
    println!("{}", curl(url, "count_primes", r#"{"limit":100000}"#, r#""progressToken":1,"#));
}

fn curl(url: &str, tool: &str, arguments: &str, progress: &str) -> String {
    let meta = format!(
        r#"{{{progress}"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    format!(
        "curl -sN {url} -H 'Content-Type: application/json' -H 'MCP-Protocol-Version: 2026-07-28' \
         -H 'Mcp-Method: tools/call' -H 'Mcp-Name: {tool}' -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\
         \"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments},\
         \"_meta\":{meta}}}}}'"
    )
}
