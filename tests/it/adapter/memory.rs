//! Memory: one limit for all that waits to be read, and what happens at it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use mcp_http::{
    Arguments, Context, McpServiceBuilder, Stats, StreamEnd, StreamKind, TaskOptions, Tool,
    ToolError,
};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::support::h2::parsed_h2;
use crate::support::messages::{
    Session, call, call_with_progress, initialize, modern, modern_call, notification, post,
    stream_head,
};
use crate::support::server::TestServer;
use crate::support::wire::PATIENCE;

const LATEST: &str = "2025-11-25";

/// A server that may hold few bytes, with a tool `late` that answers with so many once it is
/// released.
async fn tight(bytes: usize) -> (TestServer, Arc<Semaphore>) {
    tight_with(bytes, |service| service).await
}

async fn tight_with(
    bytes: usize,
    options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
) -> (TestServer, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let lever = gate.clone();
    let late = move |arguments: Arguments, cx: Context| {
        let gate = lever.clone();
        async move {
            let arguments: serde_json::Value = arguments.parse()?;
            cx.progress(1.0, None, "");
            gate.acquire().await?.forget();
            let length = usize::try_from(arguments["bytes"].as_u64().unwrap_or(0))?;
            Ok::<_, ToolError>("x".repeat(length))
        }
    };
    let server = TestServer::with_server(
        |server| {
            let late_tool = Tool::new("late").with_description("Late");
            server.tool(late_tool, late).tasks(TaskOptions::new())
        },
        |service| options(service.max_held_bytes(bytes)),
    );
    (server.await, gate)
}

/// An answer of so many bytes, kept for a client that has gone.
async fn unread_answer(server: &TestServer, gate: &Semaphore, session: &Session, bytes: usize) {
    let mut wire = server.connect().await;
    let late = call_with_progress(1, "late", json!({ "bytes": bytes }), json!("t"));
    wire.write(session.post(&late).as_bytes()).await;
    stream_head(&mut wire).await;
    wire.reset();
    until(server, |stats| stats.streams[&StreamKind::Call].open == 0).await;
    gate.add_permits(1);
    until(server, |stats| stats.calls == 0 && stats.bytes_held > bytes).await;
}

/// Waits until the service is so.
async fn until(server: &TestServer, is_so: impl Fn(&Stats) -> bool) {
    let look = async {
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        while !is_so(&server.service.stats()) {
            looks.tick().await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, look).await;
    reached.unwrap_or_else(|_| panic!("waited in vain: {:?}", server.service.stats()));
}

/// The issue, Memory: what cannot be kept is refused, and refusals say what to do. Admission: "503
/// with `Retry-After` and a JSON-RPC body"; "never for a client's answers, notifications and
/// DELETE".
#[tokio::test]
async fn when_memory_is_short_calls_and_sessions_are_refused_and_nothing_else() {
    // Too little for anything to be worth an eviction.
    let (server, gate) = tight(2_300).await;
    let session = Session::open(&server, LATEST).await;
    unread_answer(&server, &gate, &session, 2_020).await;

    let mut wire = server.connect().await;
    let refused = [
        session.post(&call(2, "echo", json!({}))),
        modern_call(2, "echo", json!({})),
        post(&[], &initialize(LATEST)),
    ];
    for request in refused {
        let answer = wire.send(&request).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")), "{request}");
        assert_eq!(answer.code(), Some(-32603));
        assert!(answer.text().contains("try again later"), "{}", answer.text());
    }
    assert_eq!(server.service.stats().refused["out_of_memory"], 3);
    let note = notification("notifications/cancelled", json!({"requestId": 77}));
    assert_eq!(wire.send(&session.post(&note)).await.status(), 202);
    let response = json!({"jsonrpc": "2.0", "id": 5, "result": {}}).to_string();
    assert_eq!(wire.send(&session.post(&response)).await.status(), 202);
    assert_eq!(wire.send(&session.delete()).await.status(), 204);

    // What held the memory is gone, and there is room again.
    assert_eq!(server.service.stats().bytes_held, 0);
    assert_eq!(wire.send(&modern_call(3, "echo", json!({}))).await.status(), 200);
}

/// The same of the methods of tasks: what is told of one may be as long as any answer, but what
/// lets it go on or end frees memory.
#[tokio::test]
async fn when_memory_is_short_tasks_are_not_told_of_but_updated_and_cancelled() {
    let (server, gate) = tight(2_300).await;
    let session = Session::open(&server, LATEST).await;
    unread_answer(&server, &gate, &session, 2_020).await;

    let mut wire = server.connect().await;
    let about = |method| {
        let capabilities = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        let meta = json!({"io.modelcontextprotocol/clientCapabilities": capabilities});
        let params = json!({"taskId": "none", "inputResponses": {}, "_meta": meta});
        modern(1, method, params, &[])
    };
    let answer = wire.send(&about("tasks/get")).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("5")));
    for method in ["tasks/update", "tasks/cancel"] {
        let answer = wire.send(&about(method)).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{method}");
    }
    assert_eq!(wire.send(&session.delete()).await.status(), 204);
    let answer = wire.send(&about("tasks/get")).await;
    assert_eq!((answer.status(), answer.code()), (200, Some(-32602)));
}

/// The heaviest give way, and those who come back for what is gone are told (decision 5).
#[tokio::test]
async fn when_memory_is_short_the_heaviest_gives_way_and_is_told() {
    let (server, gate) = tight(9_000).await;
    let heavy = Session::open(&server, LATEST).await;
    unread_answer(&server, &gate, &heavy, 8_500).await;

    assert_eq!(server.connect().await.send(&modern_call(1, "echo", json!({}))).await.status(), 200);
    let stats = server.service.stats();
    assert!(stats.bytes_held < 1_000 && stats.bytes_evicted > 8_500, "{stats:?}");
    let told = server.connect().await.send(&heavy.get(Some("1-0"))).await.messages();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["id"], &told[0]["error"]["code"]), (&json!(1), &json!(-32603)));
    assert_eq!(told[0]["error"]["data"]["reason"], "events_evicted");
}

/// A connection of HTTP/2 whose client takes so many bytes of each stream and no more, until it reads.
async fn narrow(addr: std::net::SocketAddr, window: u32) -> SendRequest<Full<Bytes>> {
    let stream = tokio::net::TcpStream::connect(addr).await.expect("connects");
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(stream))
        .await
        .expect("speaks HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn sent(
    sender: &mut SendRequest<Full<Bytes>>,
    request: &str,
) -> http::Response<hyper::body::Incoming> {
    let response = tokio::time::timeout(PATIENCE, sender.send_request(parsed_h2(request))).await;
    response.expect("waited for a response").expect("a response")
}

/// A stalled reader of one stream is not to pin what all share.
#[tokio::test]
async fn a_long_answer_over_http2_is_whole_for_who_reads_and_dropped_for_who_does_not() {
    let (server, gate) = tight_with(1024 * 1024, |service| {
        service
            .reader_stall_timeout(Duration::from_millis(100))
            .session_idle_timeout(Duration::from_millis(100))
    })
    .await;
    gate.add_permits(2);
    let mut sender = narrow(server.addr, 1_024).await;
    let late = modern_call(1, "late", json!({ "bytes": 200_000 }));
    let read = sent(&mut sender, &late).await;
    let whole = crate::support::h2::rest(read.into_body()).await;
    assert!(whole.len() > 200_000 && whole.ends_with(b"}"));
    until(&server, |stats| stats.bytes_held == 0).await;

    let unread = sent(&mut sender, &late).await;
    assert!(server.service.stats().bytes_held > 150_000);
    until(&server, |stats| stats.bytes_held < 40_000 && stats.readers_stalled == 1).await;
    // Its length was promised, and it ends short of it: nobody takes that for the whole.
    let rest = tokio::time::timeout(PATIENCE, unread.into_body().collect()).await;
    assert!(rest.expect("waited for the end").is_err());
}

/// A client that takes its stream over again and again, and never reads, takes one place of those
/// that all share.
#[tokio::test]
async fn streams_that_lost_their_session_over_http2_hold_no_place_of_the_parked() {
    let server = TestServer::with(|service| service.max_parked_streams(2)).await;
    let greedy = Session::open(&server, LATEST).await;
    let mut sender = narrow(server.addr, 1).await;
    let mut held = Vec::new();
    for _ in 0..50 {
        let response = sent(&mut sender, &greedy.get(None)).await;
        assert_eq!(response.status(), 200);
        held.push(response);
    }
    let other = Session::open(&server, LATEST).await;
    let mut wire = server.connect().await;
    wire.write(other.get(None).as_bytes()).await;
    stream_head(&mut wire).await;
    // And there is an end to it: each is a stream that hyper holds.
    let mut refused = 0;
    for _ in held.len()..600 {
        let response = sent(&mut sender, &greedy.get(None)).await;
        refused += usize::from(response.status() == 503);
        held.push(response);
    }
    assert_eq!(refused, 600 - 512);
}

/// FACTS, others: "unbounded queues or silently dropped messages for slow readers". Decision 9:
/// over HTTP/2 a peer can hold one stream back while its connection lives.
#[tokio::test]
async fn a_modern_stream_that_is_never_read_over_http2_gives_its_memory_back() {
    let server = TestServer::with(|service| {
        service
            .reader_stall_timeout(Duration::from_millis(100))
            // The sweeps come at a quarter of it.
            .session_idle_timeout(Duration::from_millis(100))
    })
    .await;
    let mut sender = narrow(server.addr, 1_024).await;
    let arguments =
        json!({"name": "wait", "arguments": {"progress": 3_000}, "_meta": {"progressToken": 1}});
    let unread = sent(&mut sender, &modern(1, "tools/call", arguments, &[])).await;
    assert_eq!(unread.status(), 200);
    assert!(server.service.stats().bytes_held > 100_000);

    server.probe.dropped(1).await;
    until(&server, |stats| stats.bytes_held < 1_000 && stats.readers_stalled == 1).await;
    // Whoever reads on after all is told.
    let rest =
        String::from_utf8(crate::support::h2::rest(unread.into_body()).await.to_vec()).unwrap();
    assert!(rest.contains("The stream was not read for too long"), "{}", &rest[rest.len() - 300..]);
    let ended = &server.service.stats().streams[&StreamKind::Call].ended;
    assert_eq!(ended[&StreamEnd::Stalled], 1);
}

/// Bytes that hyper holds and the peer does not take are counted as well.
#[tokio::test]
async fn an_answer_that_is_not_written_yet_counts_until_it_is() {
    // More than the sockets of both sides take.
    const LENGTH: usize = 32 * 1024 * 1024;
    let (server, gate) = tight(256 * 1024 * 1024).await;
    gate.add_permits(1);
    let mut wire = server.connect().await;
    wire.write(modern_call(1, "late", json!({ "bytes": LENGTH })).as_bytes()).await;
    until(&server, |stats| stats.bytes_held > LENGTH).await;
    let answer = wire.answer().await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body.len() > LENGTH);
    until(&server, |stats| stats.bytes_held == 0).await;
}
