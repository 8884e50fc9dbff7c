//! The messages that the operations post, and the service that they post them to.

use std::pin::Pin;

use bytes::Bytes;
use futures::FutureExt;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use mcp_http::{
    Arguments, Changes, Content, Context, McpService, ResponseBody, Server, Tool, ToolError,
};
use tokio::runtime::{EnterGuard, Runtime};

/// What `test_simple_text` answers in the official conformance suite.
pub(super) const TEXT: &str = "This is a simple text response for testing.";

pub(super) const BOTH: &str = "application/json, text/event-stream";
pub(super) const SSE: &str = "text/event-stream";

/// Which era a client speaks.
#[derive(Clone, Copy)]
pub(super) enum Era {
    Legacy,
    Modern,
}

/// A service, driven by hand: each of its futures must be ready at its first poll.
pub(super) struct Subject {
    service: McpService,
    pub(super) changes: Changes,
    // Before the runtime: it is entered for as long as the guard lives.
    _entered: EnterGuard<'static>,
}

impl Subject {
    pub(super) fn new() -> Self {
        // It lives as long as the process: the guard borrows it.
        let runtime: &'static Runtime = Box::leak(Box::new(
            tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"),
        ));
        let entered = runtime.enter();
        let changes = Changes::new();
        let server = Server::builder("bench", "1.0.0")
            .changes(&changes)
            .tool(text("test_simple_text"), async |_: Arguments, _: Context| {
                Ok::<_, ToolError>(TEXT.to_owned())
            })
            .tool(text("bytes"), {
                let answer = "x".repeat(64 * 1024);
                move |_: Arguments, _: Context| {
                    let answer = answer.clone();
                    async move { Ok::<_, ToolError>(vec![Content::text(answer)]) }
                }
            })
            .tool(text("progress"), async |_: Arguments, cx: Context| {
                for step in 1..=10 {
                    cx.progress(f64::from(step), Some(10.0), "working");
                }
                Ok::<_, ToolError>(TEXT.to_owned())
            })
            .build()
            .expect("the tools are well formed");
        let service = McpService::builder(server)
            .max_sessions(20_000)
            .max_sessions_per_address(20_000)
            .max_parked_streams(20_000)
            .build()
            .expect("the options are well formed");
        Self { service, changes, _entered: entered }
    }

    /// A request's response, whose head must be there at once.
    pub(super) fn respond(&self, request: Request<Full<Bytes>>) -> Response<ResponseBody> {
        let response = self.service.call(request).now_or_never().expect("it waits for nothing");
        response.expect("it never fails")
    }

    /// A request's response, whose body must be there at once too.
    pub(super) fn answer(&self, request: Request<Full<Bytes>>) -> Bytes {
        let response = self.respond(request);
        debug_assert!(response.status().is_success(), "{}", response.status());
        let body = response.into_body().collect().now_or_never().expect("it waits for nothing");
        body.expect("it never fails").to_bytes()
    }

    /// Opens a legacy session, and returns its id.
    pub(super) fn open(&self) -> String {
        let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"bench","version":"1.0.0"}}}"#;
        let response = self.respond(post(&[], BOTH, initialize.into()));
        let id = response.headers()["mcp-session-id"].to_str().expect("ASCII").to_owned();
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let response = self.respond(post(&session(&id), BOTH, initialized.into()));
        assert_eq!(response.status(), 202);
        id
    }

    /// Opens the standalone stream of a session.
    pub(super) fn listen(&self, id: &str) -> Pin<Box<ResponseBody>> {
        let response = self.respond(bodyless(Method::GET, id));
        assert_eq!(response.status(), 200);
        Box::pin(response.into_body())
    }

    pub(super) fn delete(&self, id: &str) {
        let response = self.respond(bodyless(Method::DELETE, id));
        assert!(response.status().is_success());
    }
}

fn text(name: &'static str) -> Tool {
    Tool::new(name).with_description("A tool of the benchmarks")
}

pub(super) fn session(id: &str) -> [(&'static str, &str); 2] {
    [("mcp-session-id", id), ("mcp-protocol-version", "2025-11-25")]
}

pub(super) fn post(
    headers: &[(&'static str, &str)],
    accept: &str,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::post("/mcp")
        .header("host", "localhost:8080")
        .header("content-type", "application/json")
        .header("accept", accept)
        .header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body)).expect("well formed")
}

fn bodyless(method: Method, id: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost:8080")
        .header("accept", SSE);
    for (name, value) in session(id) {
        request = request.header(name, value);
    }
    request.body(Full::default()).expect("well formed")
}

/// A `tools/call`, as JSON.
pub(super) fn call(era: Era, tool: &str, arguments: &str) -> Bytes {
    let meta = match era {
        Era::Legacy => r#""_meta":{"progressToken":1}"#,
        Era::Modern => {
            r#""_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}"#
        }
    };
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},{meta}}}}}"#
    )
    .into()
}

/// The headers of a `tools/call`.
pub(super) fn call_headers<'a>(
    era: Era,
    tool: &'a str,
    id: &'a str,
) -> Vec<(&'static str, &'a str)> {
    match era {
        Era::Legacy => session(id).to_vec(),
        Era::Modern => vec![
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", tool),
        ],
    }
}
