//! Two MCP services and other routes in one hyper server, each service under a prefix of its own.
//!
//! ```text
//! PORT=8080 PUBLIC_HOST=tools.example.com cargo run --release --example mounted
//! ```
//!
//! `PUBLIC_HOST` is the name that requests carry in `Host` when they get here; with it the server
//! listens on all addresses, and without it on this machine's own alone. Behind a load balancer
//! that overrides `Host`, as one with an Internet NEG in front of Cloud Run must, it is not the name
//! in the clients' URLs but the run.app name that the balancer writes.

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::Service;
use mcp_http::{
    BuildError, Context, McpService, ResponseBody, Server, ServerBuilder, ToolError, WithRoutes,
    serve,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = Server::builder("text", env!("CARGO_PKG_VERSION"))
        .typed_tool("reverse", "Writes a text backwards", reverse)
        .typed_tool("shout", "Writes a text in capitals", shout);
    let numbers = Server::builder("numbers", env!("CARGO_PKG_VERSION")).typed_tool(
        "sum",
        "Adds numbers up",
        sum,
    );
    let (text, numbers) = (mcp("/text/mcp", text)?, mcp("/numbers/mcp", numbers)?);

    let prefixes = Prefixes { text: text.clone(), numbers: numbers.clone() };
    let service = WithRoutes::new(prefixes)
        .route("/", page)
        .health("/health", &text) // one listener: the two drain together
        .metrics("/text/metrics", &text) // not for the public: let nothing in front route them
        .metrics("/numbers/metrics", &numbers);

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let address = if public_host().is_some() { "0.0.0.0" } else { "127.0.0.1" };
    let running = serve(service).bind(format!("{address}:{port}")).await?;
    let port = running.local_addr().port();
    let end = running.until_signal(); // SIGTERM or Ctrl-C, caught from here on
    print_how_to_call(&format!("http://127.0.0.1:{port}"));
    end.await?;
    Ok(())
}

/// Each service has sessions, limits and options of its own. Here they have the same.
fn mcp(endpoint: &str, server: ServerBuilder) -> Result<McpService, BuildError> {
    let service = McpService::builder(server.build()?).endpoint(endpoint);
    let service = service.trusted_hops(trusted_hops());
    match public_host() {
        Some(host) => service.allow_host(host).build(),
        None => service.build(),
    }
}

fn public_host() -> Option<String> {
    std::env::var("PUBLIC_HOST").ok().filter(|host| !host.is_empty())
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

impl Prefixes {
    /// The service whose name stands before `mcp` at the end of the path. What stands before that
    /// is what something in front has left, doubled slashes included: a service finds its endpoint
    /// by the end of the path, too.
    fn of(&self, path: &str) -> Option<&McpService> {
        let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
        match (segments.next()?, segments.next()?) {
            ("mcp", "text") => Some(&self.text),
            ("mcp", "numbers") => Some(&self.numbers),
            _ => None,
        }
    }
}

impl Service<Request<Incoming>> for Prefixes {
    type Response = Response<Either<ResponseBody, Full<Bytes>>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let Some(service) = self.of(request.uri().path()) else {
            let mut response = Response::new(Either::Right(Full::from("not found\n")));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Box::pin(ready(Ok(response)));
        };
        let response = service.call(request);
        Box::pin(async { Ok(response.await?.map(Either::Left)) })
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
