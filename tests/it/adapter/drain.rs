//! The drain: what a service that ends still takes, what it ends, and what it says.

use std::time::Duration;

use mcp_http::{Running, StreamEnd, StreamKind, serve};
use serde_json::json;

use crate::support::messages::{
    Session, bare, call, call_with_progress, initialize, modern, modern_call, notification, post,
    stream_head,
};
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Event, PATIENCE, Wire};

const LATEST: &str = "2025-11-25";

/// All events that are left of a stream.
async fn events(wire: &mut Wire) -> Vec<Event> {
    let mut held = Vec::new();
    let mut events = Vec::new();
    while let Some(event) = wire.event(&mut held).await {
        if !event.comment {
            events.push(event);
        }
    }
    events
}

fn assert_is_draining(answer: &Answer) {
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("1")));
    assert_eq!(answer.code(), Some(-32603));
    assert!(answer.text().contains("shutting down"), "{}", answer.text());
}

/// The issue, Drain: "readiness turns false, no new session (503 + `Retry-After`)".
#[tokio::test]
async fn a_draining_service_takes_no_new_session_or_stream_and_serves_those_there_are() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    assert!(server.service.is_ready() && server.service.stats().ready);
    server.service.begin_drain(PATIENCE);
    assert!(!server.service.is_ready() && !server.service.stats().ready);

    let mut wire = server.connect().await;
    assert_is_draining(&wire.send(&post(&[], &initialize(LATEST))).await);
    assert_is_draining(&wire.send(&session.get(None)).await);
    assert_eq!(server.service.stats().refused["draining"], 2);

    assert_eq!(wire.send(&session.post(&call(1, "echo", json!({})))).await.status(), 200);
    assert_eq!(wire.send(&modern_call(1, "echo", json!({}))).await.status(), 200);
    let note = notification("notifications/cancelled", json!({"requestId": 9}));
    assert_eq!(wire.send(&session.post(&note)).await.status(), 202);
    assert_eq!(wire.send(&session.delete()).await.status(), 204);
}

/// A client that was cut off may still come for its answer.
#[tokio::test]
async fn a_draining_service_still_resumes_the_streams_of_calls() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let mut wire = server.connect().await;
    wire.write(
        session.post(&call_with_progress(1, "wait", json!({"progress": 1}), json!("t"))).as_bytes(),
    )
    .await;
    stream_head(&mut wire).await;
    server.probe.started(1).await;
    wire.reset();
    server.service.begin_drain(PATIENCE);
    server.probe.release(1);
    let mut wire = server.connect().await;
    wire.write(session.get(Some("1-0")).as_bytes()).await;
    stream_head(&mut wire).await;
    let said = events(&mut wire).await;
    assert_eq!(said.len(), 2, "progress and the answer: {said:?}");
}

/// The issue, Drain: "parked streams end with jittered `retry` in waves".
#[tokio::test]
async fn parked_streams_end_at_moments_of_their_own_each_with_a_retry() {
    let server = TestServer::start().await;
    let mut parked = Vec::new();
    for _ in 0..20 {
        let session = Session::open(&server, LATEST).await;
        let mut wire = server.connect().await;
        wire.write(session.get(None).as_bytes()).await;
        stream_head(&mut wire).await;
        parked.push(wire);
    }
    server.service.begin_drain(Duration::from_secs(2));
    let ends = futures::future::join_all(parked.iter_mut().map(events)).await;
    let retries: std::collections::BTreeSet<_> =
        ends.iter().map(|events| events.last().expect("a hint").retry.expect("a retry")).collect();
    assert!(retries.iter().all(|retry| (500..1_500).contains(retry)), "{retries:?}");
    assert!(retries.len() > 10, "{retries:?}");
    let streams = &server.service.stats().streams[&StreamKind::Standalone];
    assert_eq!((streams.ended[&StreamEnd::Drained], streams.open), (20, 0));
}

/// Each way in which a call may wait for its answer: as a stream or inline, in every era.
#[tokio::test]
async fn a_call_that_does_not_end_in_time_is_told_so_however_it_waits() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let json_alone = |request: String| {
        request.replace("Accept: application/json, text/event-stream", "Accept: application/json")
    };
    let wait = call_with_progress(1, "wait", json!({"progress": 1}), json!("t"));
    let params =
        json!({"name": "wait", "arguments": {"progress": 1}, "_meta": {"progressToken": 1}});
    let requests = [
        session.post(&wait),
        json_alone(session.post(&wait)),
        modern(1, "tools/call", params.clone(), &[]),
        json_alone(modern(1, "tools/call", params, &[])),
    ];
    let mut wires = Vec::new();
    for (at, request) in requests.iter().enumerate() {
        let mut wire = server.connect().await;
        wire.write(request.as_bytes()).await;
        server.probe.started(at + 1).await;
        wires.push(wire);
    }
    server.service.begin_drain(Duration::from_millis(400));
    for (wire, request) in wires.iter_mut().zip(&requests) {
        let head = wire.head().await.expect("a response");
        assert_eq!(head.status, 200, "{request}");
        let answer = match head.header("content-type") {
            Some("text/event-stream") => {
                events(wire).await.pop().and_then(|event| event.message()).expect("an answer")
            }
            _ => {
                let length = head.header("content-length").expect("a length").parse().unwrap();
                serde_json::from_slice(&wire.exactly(length).await).expect("JSON")
            }
        };
        assert_eq!(answer["id"], 1, "{request}");
        assert_eq!(answer["error"]["code"], -32603, "{request}: {answer}");
        assert_eq!(answer["error"]["data"]["reason"], "shutting_down", "{request}");
    }
    server.probe.dropped(4).await;
    let stats = server.service.stats();
    assert_eq!((stats.calls_cut_off, stats.sessions_shut_down, stats.sessions), (4, 1, 0));
    let gone = server.connect().await.send(&session.post(&call(1, "echo", json!({})))).await;
    assert_eq!(gone.status(), 404);
}

/// `serve()` drains its service by itself, also one that is wrapped in another.
#[tokio::test]
async fn a_listener_that_shuts_down_drains_its_service() {
    let server = TestServer::start().await;
    for wrapped in [false, true] {
        let service = server.service.clone();
        let inner = service.clone();
        let running: Running = match wrapped {
            false => serve(service.clone()).bind("127.0.0.1:0").await.expect("a free port"),
            true => {
                let outer = hyper::service::service_fn(move |request| {
                    hyper::service::Service::call(&inner, request)
                });
                serve(outer).bind("127.0.0.1:0").await.expect("a free port")
            }
        };
        let mut wire = Wire::connect(running.local_addr()).await;
        assert_eq!(wire.send(&bare("GET", &[])).await.status(), 400);
        assert_eq!(service.stats().connections.accepted, 1 + u64::from(wrapped));
        running.begin_shutdown();
        // The other listener goes on, and the service with it.
        assert!(service.is_ready());
        wire.closed().await;
    }
    let alone = crate::support::server::Probe::default();
    let built = crate::support::server::tools(mcp_http::Server::builder("alone", "1"), &alone);
    let service = mcp_http::McpService::builder(built.build().unwrap()).build().unwrap();
    let running = serve(service.clone()).bind("127.0.0.1:0").await.expect("a free port");
    running.begin_shutdown();
    assert!(!service.is_ready());
    // A service outlives its listener, and another one may serve it.
    let running = serve(service.clone()).bind("127.0.0.1:0").await.expect("a free port");
    assert!(service.is_ready());
    let opened =
        Wire::connect(running.local_addr()).await.send(&post(&[], &initialize(LATEST))).await;
    assert_eq!(opened.status(), 200);
}
