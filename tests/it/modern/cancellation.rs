//! 2026-07-28, Cancellation: "The server MUST treat a client disconnect as cancellation of that
//! request"; Streamable HTTP, Cancellation: "The server SHOULD stop work on the cancelled request as
//! soon as practical and MUST NOT send any further messages for it." Here that means: the handler is
//! dropped and never polled again. That disconnects are not propagated is not noticed by the
//! official suite.

use std::sync::Arc;
use std::time::Duration;

use mcp_http::{Arguments, Context, McpServiceBuilder, ServerBuilder, Tool, ToolError};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::h2::{H2, parsed_h2};
use crate::support::messages::{assert_serves, modern, modern_call, stream_head};
use crate::support::server::TestServer;
use crate::support::wire::{PATIENCE, Wire};

/// A call that answers as a stream from its first message on, and then waits.
fn streaming(id: i64) -> String {
    let meta = json!({"progressToken": id});
    let params = json!({"name": "wait", "arguments": {"progress": 1}, "_meta": meta});
    modern(id, "tools/call", params, &[])
}

fn silent(id: i64) -> String {
    modern_call(id, "wait", json!({}))
}

/// A connection on which a call waits before its response has begun.
async fn before_headers(server: &TestServer) -> Wire {
    let mut wire = server.connect().await;
    wire.write(silent(1).as_bytes()).await;
    server.probe.started(1).await;
    wire
}

/// A connection on which a call waits after it has said something.
async fn after_headers(server: &TestServer) -> Wire {
    let mut wire = server.connect().await;
    wire.write(streaming(1).as_bytes()).await;
    stream_head(&mut wire).await;
    let said = wire.event(&mut Vec::new()).await.and_then(|event| event.message());
    assert_eq!(said.expect("a message")["params"]["progress"], 1);
    server.probe.started(1).await;
    wire
}

/// Holds a server, whose one call has been left, to the rule. `polls` is how often its handler had
/// been polled when it was left.
async fn assert_dropped_without_another_poll(server: &TestServer, polls: usize) {
    server.probe.dropped(1).await;
    // What could wake it now finds nobody.
    server.probe.release(1);
    assert_serves(server).await;
    assert_eq!(server.probe.polls(), polls, "polled after the client had left");
    assert_eq!((server.probe.dropped_now(), server.probe.finished_now()), (1, 0));
    assert_eq!(server.service.calls_in_flight(), 0);
}

#[tokio::test]
async fn a_fin_before_the_headers_drops_the_handler_without_another_poll() {
    let server = TestServer::start().await;
    let mut wire = before_headers(&server).await;
    let polls = server.probe.polls();
    wire.fin().await;
    wire.closed().await;
    assert_dropped_without_another_poll(&server, polls).await;
}

#[tokio::test]
async fn a_reset_before_the_headers_drops_the_handler_without_another_poll() {
    let server = TestServer::start().await;
    let wire = before_headers(&server).await;
    let polls = server.probe.polls();
    wire.reset();
    assert_dropped_without_another_poll(&server, polls).await;
}

#[tokio::test]
async fn a_fin_after_the_headers_drops_the_handler_without_another_poll() {
    let server = TestServer::start().await;
    let mut wire = after_headers(&server).await;
    let polls = server.probe.polls();
    wire.fin().await;
    wire.closed().await;
    assert_dropped_without_another_poll(&server, polls).await;
}

#[tokio::test]
async fn a_reset_after_the_headers_drops_the_handler_without_another_poll() {
    let server = TestServer::start().await;
    let wire = after_headers(&server).await;
    let polls = server.probe.polls();
    wire.reset();
    assert_dropped_without_another_poll(&server, polls).await;
}

/// RFC 9113, 8.1 and 6.4. The connection and its other streams live on.
#[tokio::test]
async fn an_rst_stream_before_the_headers_drops_the_handler_without_another_poll() {
    let server = TestServer::start().await;
    let mut h2 = H2::connect(server.addr).await;
    let mut other = h2.clone();
    let call = tokio::spawn(async move { h2.send(parsed_h2(&silent(1))).await });
    server.probe.started(1).await;
    let polls = server.probe.polls();
    call.abort();
    assert_dropped_without_another_poll(&server, polls).await;
    let echo = modern_call(2, "echo", json!({}));
    assert_eq!(other.send(parsed_h2(&echo)).await.status(), 200);
}

#[tokio::test]
async fn an_rst_stream_after_the_headers_drops_the_handler_without_another_poll() {
    let server = TestServer::start().await;
    let mut h2 = H2::connect(server.addr).await;
    let response = h2.send(parsed_h2(&streaming(1))).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    server.probe.started(1).await;
    let polls = server.probe.polls();
    drop(response);
    assert_dropped_without_another_poll(&server, polls).await;
    let echo = modern_call(2, "echo", json!({}));
    assert_eq!(h2.send(parsed_h2(&echo)).await.status(), 200);
}

/// A stream that committed by the deadline alone, and has said nothing, is no different.
#[tokio::test]
async fn a_reset_of_a_silent_stream_drops_the_handler_without_another_poll() {
    let server = TestServer::with(|service| service.commit_after(Duration::ZERO)).await;
    let mut wire = server.connect().await;
    wire.write(silent(1).as_bytes()).await;
    stream_head(&mut wire).await;
    server.probe.started(1).await;
    let polls = server.probe.polls();
    wire.reset();
    assert_dropped_without_another_poll(&server, polls).await;
}

/// The server does not read on while it answers, so that bytes which wait hide the FIN and the RST
/// behind them; the heartbeat that fails tells instead.
#[tokio::test]
async fn with_pipelined_bytes_waiting_the_next_failed_heartbeat_drops_the_handler() {
    let options = |service: McpServiceBuilder| service.heartbeat(Duration::from_millis(10));
    let server = TestServer::with(options).await;
    let mut wire = server.connect().await;
    wire.write((streaming(1) + &modern_call(2, "echo", json!({}))).as_bytes()).await;
    stream_head(&mut wire).await;
    server.probe.started(1).await;
    let polls = server.probe.polls();
    wire.reset();
    assert_dropped_without_another_poll(&server, polls).await;
}

/// The same with the response not yet begun: it begins at the commit deadline, and fails.
#[tokio::test]
async fn with_pipelined_bytes_waiting_a_silent_call_is_dropped_after_the_commit_deadline() {
    let options = |service: McpServiceBuilder| {
        service.commit_after(Duration::from_millis(100)).heartbeat(Duration::from_millis(10))
    };
    let server = TestServer::with(options).await;
    let mut wire = server.connect().await;
    wire.write((silent(1) + &modern_call(2, "echo", json!({}))).as_bytes()).await;
    server.probe.started(1).await;
    wire.reset();
    server.probe.dropped(1).await;
    assert_eq!((server.probe.dropped_now(), server.probe.finished_now()), (1, 0));
    assert_serves(&server).await;
}

/// With a peer that closes both ways instead of resetting.
#[tokio::test]
async fn with_pipelined_bytes_waiting_a_close_is_found_by_a_heartbeat_too() {
    let options = |service: McpServiceBuilder| service.heartbeat(Duration::from_millis(10));
    let server = TestServer::with(options).await;
    let mut wire = server.connect().await;
    wire.write((streaming(1) + &modern_call(2, "echo", json!({}))).as_bytes()).await;
    stream_head(&mut wire).await;
    server.probe.started(1).await;
    drop(wire);
    server.probe.dropped(1).await;
    assert_eq!(server.probe.finished_now(), 0);
}

/// A response that was left hurts no other, over either protocol.
#[tokio::test]
async fn a_disconnect_cancels_its_own_call_and_no_other() {
    let server = TestServer::start().await;
    let mut staying = server.connect().await;
    staying.write(streaming(1).as_bytes()).await;
    stream_head(&mut staying).await;
    let mut leaving = server.connect().await;
    leaving.write(streaming(1).as_bytes()).await;
    stream_head(&mut leaving).await;
    server.probe.started(2).await;
    leaving.reset();
    server.probe.dropped(1).await;
    server.probe.release(1);
    let mut held = Vec::new();
    loop {
        let message = staying.event(&mut held).await.and_then(|event| event.message());
        let message: Value = message.expect("an answer");
        if message.get("id").is_some() {
            assert_eq!(message["result"]["content"][0]["text"], "waited");
            break;
        }
    }
    assert_eq!((server.probe.dropped_now(), server.probe.finished_now()), (1, 1));
}

/// What the handler started is told, through its `Context`; the handler itself does not run again to
/// hear of it.
#[tokio::test]
async fn the_tasks_of_a_handler_are_told_and_the_handler_is_not() {
    for text in [silent_hang(), streaming_hang()] {
        let (started, told, heard) =
            (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let tool = hang(&started, &told, &heard);
        let server = TestServer::with_server(tool, |service| service).await;
        let mut wire = server.connect().await;
        wire.write(text.as_bytes()).await;
        acquire(&started).await;
        wire.reset();
        acquire(&told).await;
        assert_serves(&server).await;
        assert_eq!(heard.available_permits(), 0, "the handler was polled after its client left");
    }
}

fn silent_hang() -> String {
    modern_call(1, "hang", json!({}))
}

fn streaming_hang() -> String {
    let params = json!({"name": "hang", "arguments": {}, "_meta": {"progressToken": 1}});
    modern(1, "tools/call", params, &[])
}

async fn acquire(semaphore: &Semaphore) {
    let permit = tokio::time::timeout(PATIENCE, semaphore.acquire()).await;
    permit.expect("waited for a signal").expect("an open semaphore").forget();
}

/// A tool that reports, starts a task that waits for the cancellation, and waits for it itself.
fn hang(
    started: &Arc<Semaphore>,
    told: &Arc<Semaphore>,
    heard: &Arc<Semaphore>,
) -> impl FnOnce(ServerBuilder) -> ServerBuilder {
    let (started, told, heard) = (Arc::clone(started), Arc::clone(told), Arc::clone(heard));
    move |builder| {
        let tool = Tool::new("hang").with_description("Waits for its cancellation");
        builder.tool(tool, move |_: Arguments, cx: Context| {
            let (started, told, heard) =
                (Arc::clone(&started), Arc::clone(&told), Arc::clone(&heard));
            async move {
                cx.progress(1.0, None, "begun");
                let of_task = cx.clone();
                tokio::spawn(async move {
                    of_task.cancelled().await;
                    told.add_permits(1);
                });
                started.add_permits(1);
                cx.cancelled().await;
                heard.add_permits(1);
                Ok::<_, ToolError>("heard")
            }
        })
    }
}
