//! How a server ends: it stops accepting, calls in flight have their answers, and streams end.

use std::time::Duration;

use mcp_http::{McpService, Running, Server, StandaloneStream, serve};
use serde_json::json;

use crate::support::messages::{initialize, modern_call, post, stream_head};
use crate::support::server::{Probe, tools};
use crate::support::wire::{PATIENCE, Wire};

/// A server that the test ends.
async fn start(probe: &Probe, deadline: Duration) -> Running {
    let server = tools(Server::builder("ending", "1"), probe).build().expect("a server");
    let builder = McpService::builder(server).standalone_stream(StandaloneStream::Serve);
    let service = builder.build().expect("a service");
    serve(service).shutdown_deadline(deadline).bind("127.0.0.1:0").await.expect("a free port")
}

async fn end(running: Running) -> mcp_http::Drained {
    let ended = tokio::time::timeout(PATIENCE, running.shutdown()).await;
    ended.expect("waited for the end").expect("the runtime lives")
}

#[tokio::test]
async fn a_server_without_calls_ends_at_once_and_accepts_nobody() {
    let running = start(&Probe::default(), PATIENCE).await;
    let addr = running.local_addr();
    let mut idle = Wire::connect(addr).await;
    assert_eq!(idle.send(&modern_call(1, "echo", json!({}))).await.status(), 200);
    assert_eq!(end(running).await.aborted, 0);
    idle.closed().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_call_in_flight_has_its_answer() {
    let probe = Probe::default();
    let mut running = start(&probe, PATIENCE).await;
    let mut wire = Wire::connect(running.local_addr()).await;
    wire.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    probe.started(1).await;
    running.begin_shutdown();
    probe.release(1);
    assert_eq!(wire.answer().await.json()["result"]["content"][0]["text"], "waited");
    wire.closed().await;
    let ended = tokio::time::timeout(PATIENCE, running.ended()).await.expect("waited for the end");
    assert_eq!(ended.expect("the runtime lives").aborted, 0);
    assert_eq!(probe.dropped_now(), 0);
}

/// A stream that only waits for what may come has no answer to wait for: it ends, whole, so that its
/// client comes back to another instance, and the server need not wait for its deadline.
#[tokio::test]
async fn a_standalone_stream_ends_cleanly() {
    // It ends within half of the time.
    let running = start(&Probe::default(), Duration::from_secs(2)).await;
    let addr = running.local_addr();
    let opened = Wire::connect(addr).await.send(&post(&[], &initialize("2025-11-25"))).await;
    let id = opened.header("mcp-session-id").expect("a session").to_owned();
    let mut wire = Wire::connect(addr).await;
    let headers = [("Mcp-Session-Id", &*id), ("MCP-Protocol-Version", "2025-11-25")];
    wire.write(crate::support::messages::bare("GET", &headers).as_bytes()).await;
    stream_head(&mut wire).await;
    assert_eq!(end(running).await.aborted, 0);
    let remainder = wire.remainder().await;
    assert!(remainder.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&remainder));
}

/// What does not end in time is ended a little before the deadline: its handler is dropped, and its
/// client is told why.
#[tokio::test]
async fn a_call_that_does_not_end_is_answered_with_an_error_before_the_deadline() {
    let probe = Probe::default();
    let running = start(&probe, Duration::from_millis(800)).await;
    let mut wire = Wire::connect(running.local_addr()).await;
    wire.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    probe.started(1).await;
    running.begin_shutdown();
    let answer = wire.answer().await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json()["error"]["code"], -32603);
    assert_eq!(answer.json()["error"]["data"]["reason"], "shutting_down");
    probe.dropped(1).await;
    wire.closed().await;
    assert_eq!(end(running).await.aborted, 0);
}
