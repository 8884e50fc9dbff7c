//! Two MCP services and other routes in one hyper server, each service under a prefix of its own.
//!
//! ```text
//! PORT=8080 PUBLIC_HOST=tools.example.com cargo run --release --example mounted
//! ```
//!
//! `PUBLIC_HOST` is the name that requests carry in `Host` when they get here. Behind a load
//! balancer that overrides it, as one with an Internet NEG in front of Cloud Run must, that is not
//! the name in the clients' URLs but the run.app name that the balancer writes.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use mcp_http::{
    BuildError, Context, McpService, ResponseFuture, Server, ServerBuilder, ToolError, WithRoutes,
    serve,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = mcp(Server::builder("text", env!("CARGO_PKG_VERSION"))
        .typed_tool("reverse", "Writes a text backwards", reverse)
        .typed_tool("shout", "Writes a text in capitals", shout))?;
    let numbers = mcp(Server::builder("numbers", env!("CARGO_PKG_VERSION")).typed_tool(
        "sum",
        "Adds numbers up",
        sum,
    ))?;

    let prefixes = Prefixes { text: text.clone(), numbers: numbers.clone() };
    let service = WithRoutes::new(prefixes)
        .route("/", page)
        .health("/health", &text) // one listener: the two drain together
        .metrics("/text/metrics", &text) // not for the public: let nothing in front route them
        .metrics("/numbers/metrics", &numbers);

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    let addr = running.local_addr();
    let end = running.until_signal(); // SIGTERM or Ctrl-C, caught from here on
    print_how_to_call(&format!("http://{addr}"));
    end.await?;
    Ok(())
}

/// Each service has sessions, limits and options of its own. Here they have the same.
fn mcp(server: ServerBuilder) -> Result<McpService, BuildError> {
    let mut service = McpService::builder(server.build()?).trusted_hops(trusted_hops());
    if let Ok(host) = std::env::var("PUBLIC_HOST") {
        service = service.allow_host(host);
    }
    service.build()
}

/// How many proxies append to `X-Forwarded-For`: none if this is reached directly.
fn trusted_hops() -> usize {
    std::env::var("TRUSTED_HOPS").ok().and_then(|hops| hops.parse().ok()).unwrap_or(0)
}

/// The router. A real one is axum's (feature `tower`), or the `match` that you have already.
#[derive(Clone)]
struct Prefixes {
    text: McpService,
    numbers: McpService,
}

impl Service<Request<Incoming>> for Prefixes {
    type Response = <McpService as Service<Request<Incoming>>>::Response;
    type Error = std::convert::Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Incoming>) -> ResponseFuture {
        // An endpoint is found by the end of its path: the prefix may stay where it is. Any other
        // path is answered 404 by whichever service it meets.
        match request.uri().path().split('/').nth(1) {
            Some("numbers") => self.numbers.call(request),
            _ => self.text.call(request),
        }
    }
}

fn page(_: &mcp_http::Head) -> Response<Bytes> {
    let page = "<!doctype html><title>Tools</title><p>MCP endpoints: <code>/text/mcp</code> and \
                <code>/numbers/mcp</code>";
    let mut response = Response::new(Bytes::from_static(page.as_bytes()));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Text {
    text: String,
}

async fn reverse(args: Text, _: Context) -> Result<String, ToolError> {
    Ok(args.text.chars().rev().collect())
}

async fn shout(args: Text, _: Context) -> Result<String, ToolError> {
    Ok(args.text.to_uppercase())
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    numbers: Vec<f64>,
}

async fn sum(args: Numbers, _: Context) -> Result<String, ToolError> {
    Ok(args.numbers.iter().sum::<f64>().to_string())
}

fn print_how_to_call(url: &str) {
    println!("MCP endpoints: {url}/text/mcp and {url}/numbers/mcp\n");
    println!("{}\n", curl(&format!("{url}/text/mcp"), "reverse", r#"{"text":"stressed"}"#));
    println!("{}\n", curl(&format!("{url}/numbers/mcp"), "sum", r#"{"numbers":[19,23]}"#));
    println!("curl -s {url}/health");
}

fn curl(url: &str, tool: &str, arguments: &str) -> String {
    let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    format!(
        "curl -sN {url} -H 'Content-Type: application/json' -H 'MCP-Protocol-Version: 2026-07-28' \
         -H 'Mcp-Method: tools/call' -H 'Mcp-Name: {tool}' -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\
         \"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments},\
         \"_meta\":{meta}}}}}'"
    )
}
