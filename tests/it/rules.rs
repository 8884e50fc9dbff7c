//! Rules and facts that span both eras, or that none of the other tables shows.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http_body::Body;
use hyper::service::Service;
use mcp_http::{
    Arguments, BoxFuture, CacheScope, CallToolResult, Context, McpService, Server, Tool,
    ToolCatalogue, ToolError, ToolPage,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::support::h2::parsed;
use crate::support::messages::{call_with_progress, initialize, modern, post};
use crate::support::server::{Probe, TestServer, tools};

/// FACTS, Real clients: a TypeScript client opens "8 [connections] when the terminating chunk comes
/// in a packet of its own". With the answer the body is at its end, without anything to wait for, so
/// that hyper writes both at once.
#[tokio::test]
async fn the_end_of_a_stream_comes_with_its_answer() {
    let server = tools(Server::builder("s", "1"), &Probe::default()).build().expect("a server");
    let service = McpService::builder(server).build().expect("a service");
    let params =
        json!({"name": "progress", "arguments": {"count": 2}, "_meta": {"progressToken": 1}});
    assert_ends_with_its_answer(&service, &modern(1, "tools/call", params, &[])).await;

    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let opened = service.call(parsed(&post(&[], &initialize(version)))).await;
        let opened = opened.expect("infallible");
        let id = opened.headers()["mcp-session-id"].to_str().expect("ASCII");
        let body = call_with_progress(1, "progress", json!({"count": 2}), json!("t"));
        assert_ends_with_its_answer(&service, &post(&[("Mcp-Session-Id", id)], &body)).await;
    }
}

async fn assert_ends_with_its_answer(service: &McpService, request: &str) {
    let response = service.call(parsed(request)).await.expect("infallible");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    loop {
        let frame = poll_fn(|task| Pin::new(&mut body).poll_frame(task)).await;
        let data = frame.expect("an answer").expect("infallible").into_data().expect("data");
        if String::from_utf8_lossy(&data).contains("\"result\"") {
            break;
        }
    }
    let next = poll_fn(|task| Poll::Ready(Pin::new(&mut body).poll_frame(task))).await;
    assert!(matches!(next, Poll::Ready(None)), "{next:?}");
}

/// 2026-07-28, Base Protocol, `_meta`: "Implementations SHOULD NOT use [`clientInfo`] to change the
/// behavior of the client or server, and SHOULD NOT rely on [it] for security decisions."
#[tokio::test]
async fn what_a_client_says_of_itself_changes_nothing() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "echo", "arguments": {"x": 1}})),
        ("tools/call", json!({"name": "nobody"})),
        ("no/such/method", json!({})),
    ] {
        let mut answers = Vec::new();
        for client in ["claude-ai", "cursor", "evil", ""] {
            let mut params = params.clone();
            let info = json!({"name": client, "version": "1"});
            params["_meta"] = json!({"io.modelcontextprotocol/clientInfo": info});
            let answer = wire.send(&modern(1, method, params, &[])).await;
            answers.push((answer.status(), answer.text().to_owned()));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{method}: {answers:?}");
    }
}

/// Three pages, each with a tool.
struct Pages;

impl ToolCatalogue for Pages {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        _: Context,
    ) -> BoxFuture<'static, Result<ToolPage, ToolError>> {
        let page = cursor.map_or(0, |cursor| cursor.parse::<u8>().expect("a page"));
        let tool = Arc::new(Tool::new(format!("t{page}")));
        let list = ToolPage::new([tool]);
        let list = if page < 2 { list.with_next_cursor((page + 1).to_string()) } else { list };
        Box::pin(async move { Ok(list) })
    }

    fn find(
        self: Arc<Self>,
        _: String,
        _: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>> {
        Box::pin(async { Ok(None) })
    }

    fn call(
        self: Arc<Self>,
        name: String,
        _: Arguments,
        _: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
        Box::pin(async { Err(ToolError::unknown_tool(name)) })
    }
}

/// 2026-07-28, Caching, Interaction with Pagination: "Servers MUST apply the same `cacheScope` to
/// all response pages for a given list request."
#[tokio::test]
async fn every_page_of_a_list_has_the_same_cache_scope() {
    for (scope, expected) in [(CacheScope::Private, "private"), (CacheScope::Public, "public")] {
        let server = Server::builder("paged", "1")
            .cache(Duration::from_secs(3), scope)
            .catalogue(Pages)
            .build()
            .expect("a server");
        let service = McpService::builder(server).build().expect("a service");
        let (mut params, mut pages) = (json!({}), 0);
        loop {
            let result = listed(&service, params).await;
            assert_eq!(
                (&result["cacheScope"], &result["ttlMs"]),
                (&json!(expected), &json!(3_000))
            );
            pages += 1;
            match result.get("nextCursor") {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => break,
            }
        }
        assert_eq!(pages, 3);
    }
}

async fn listed(service: &McpService, params: Value) -> Value {
    let request = parsed(&modern(1, "tools/list", params, &[]));
    let body = service.call(request).await.expect("infallible").into_body();
    let bytes = http_body_util::BodyExt::collect(body).await.expect("infallible").to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
    answer["result"].clone()
}

/// FACTS, Platforms: "backend keep-alive is 600 s, so a server's idle keep-alive must be longer
/// (620 s)". Time is paused: it goes on where nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_620_seconds_by_default() {
    let server = TestServer::start().await;
    let mut stream = tokio::net::TcpStream::connect(server.addr).await.expect("connects");
    let request = modern(1, "tools/list", json!({}), &[]);
    stream.write_all(request.as_bytes()).await.expect("writes");
    let answered = Instant::now();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the answer, and an end");
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(answered.elapsed() >= Duration::from_secs(620), "{:?}", answered.elapsed());
}
