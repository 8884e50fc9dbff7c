//! Cancellation (decision 7): one call in flight with that id, and no answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_http::{Arguments, Context, Tool, ToolError};
use serde_json::json;

use super::{LATEST, Stream, VERSIONS, assert_accepted, gist, gists, json_gist};
use crate::support::messages::{Session, call, call_with_progress, notification, request};
use crate::support::server::TestServer;
use crate::support::wire::PATIENCE;

async fn cancel(server: &TestServer, session: &Session, params: serde_json::Value) {
    let body = notification("notifications/cancelled", params);
    assert_accepted(&session.send(server, &body).await);
}

async fn assert_serves(server: &TestServer, session: &Session) {
    let answer = session.send(server, &request(1, "ping", json!({}))).await;
    assert_eq!(json_gist(&answer), "1={}");
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Cancellation, Behavior Requirements: receivers SHOULD
/// "Stop processing the cancelled request", "Free associated resources", "Not send a response for
/// the cancelled request".
#[tokio::test]
async fn a_cancelled_call_stops_without_another_poll_and_its_post_ends_without_an_answer() {
    let server = TestServer::start().await;
    for (n, version) in VERSIONS.into_iter().enumerate() {
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        wire.write(session.post(&call(5, "wait", json!({}))).as_bytes()).await;
        server.probe.started(n + 1).await;
        let polls = server.probe.polls();
        cancel(&server, &session, json!({"requestId": 5, "reason": "changed my mind"})).await;
        server.probe.dropped(n + 1).await;
        assert_eq!(server.probe.polls(), polls, "{version}");
        let answer = wire.answer().await;
        assert_eq!(answer.status(), 200, "{version}");
        assert_eq!(gists(&answer), [""; 0], "{version}");
        assert_serves(&server, &session).await;
    }
    assert_eq!((server.probe.finished_now(), server.service.calls_in_flight()), (0, 0));
}

/// The same where the cancellation itself wakes the handler: it is dropped, and what it left
/// behind is told.
#[tokio::test]
async fn a_handler_that_waits_for_its_cancellation_is_dropped_and_its_tasks_are_told() {
    let (tell, mut told) = tokio::sync::watch::channel(0);
    let seen = Arc::new(AtomicUsize::new(0));
    let by_handler = Arc::clone(&seen);
    let server = TestServer::with_server(
        move |server| {
            server.tool(Tool::new("listen"), move |_: Arguments, cx: Context| {
                let (tell, seen) = (tell.clone(), Arc::clone(&by_handler));
                async move {
                    cx.progress(1.0, None, "");
                    let cancelled = cx.cancelled();
                    tokio::spawn(async move {
                        cancelled.await;
                        tell.send_modify(|count| *count += 1);
                    });
                    cx.cancelled().await;
                    seen.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, ToolError>("cancelled")
                }
            })
        },
        |service| service,
    )
    .await;
    for (n, version) in VERSIONS.into_iter().enumerate() {
        let session = Session::open(&server, version).await;
        let body = call_with_progress(5, "listen", json!({}), json!("t"));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        stream.expect("t:1").await;
        cancel(&server, &session, json!({"requestId": 5})).await;
        assert_eq!(stream.gists().await, [""; 0], "{version}");
        let told = tokio::time::timeout(PATIENCE, told.wait_for(|&count| count == n + 1)).await;
        told.expect("waited for the task to be told").expect("the tool lives");
    }
    assert_eq!((seen.load(Ordering::SeqCst), server.service.calls_in_flight()), (0, 0));
}

/// The same on a stream.
#[tokio::test]
async fn a_cancelled_stream_ends_without_an_answer_and_has_none_later() {
    let server = TestServer::start().await;
    for (n, version) in VERSIONS.into_iter().enumerate() {
        let session = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &session, 5, 2).await;
        stream.expect("t5:1").await;
        let id = stream.expect("t5:2").await;
        let polls = server.probe.polls();
        cancel(&server, &session, json!({"requestId": 5})).await;
        server.probe.dropped(n + 1).await;
        assert_eq!(server.probe.polls(), polls, "{version}");
        assert_eq!(stream.gists().await, [""; 0], "{version}");
        stream.assert_ended_cleanly(&session).await;
        // Nor does it wait for an answer that never comes.
        let answer = server.connect().await.send(&session.get(Some(&id))).await;
        assert_eq!(answer.status(), 405, "{version}");
        assert_serves(&server, &session).await;
    }
    assert_eq!((server.probe.finished_now(), server.service.calls_in_flight()), (0, 0));
}

/// 2025-11-25, Cancellation, Behavior Requirements: the one request that it names, and no other.
#[tokio::test]
async fn a_cancellation_stops_the_call_with_that_id_alone() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let before = server.probe.dropped_now();
        let session = Session::open(&server, version).await;
        let mut other = Stream::waiting(&server, &session, 6, 1).await;
        let mut cancelled = Stream::waiting(&server, &session, 5, 1).await;
        cancel(&server, &session, json!({"requestId": 5})).await;
        assert_eq!(cancelled.gists().await, ["t5:1"]);
        server.probe.dropped(before + 1).await;
        server.probe.release(1);
        assert_eq!(other.gists().await, ["t6:1", "6=waited"], "{version}");
        assert_eq!(server.probe.dropped_now(), before + 1);
        // The id is free again.
        let answer = session.send(&server, &call(5, "echo", json!({}))).await;
        assert_eq!(json_gist(&answer), "5={}");
    }
}

/// Decision 7: "`notifications/cancelled` acts only where exactly one call in flight has that id;
/// otherwise it is ignored". Some clients send every request with `id: 1`.
#[tokio::test]
async fn an_ambiguous_cancellation_is_ignored() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let body = |token| call_with_progress(1, "wait", json!({"progress": 1}), json!(token));
        let mut first = Stream::open(&server, &session.post(&body("a"))).await;
        let mut second = Stream::open(&server, &session.post(&body("b"))).await;
        cancel(&server, &session, json!({"requestId": 1})).await;
        assert_eq!(server.service.calls_in_flight(), 2, "{version}");
        server.probe.release(2);
        assert_eq!(first.gists().await, ["a:1", "1=waited"], "{version}");
        assert_eq!(second.gists().await, ["b:1", "1=waited"], "{version}");
    }
    assert_eq!(server.probe.dropped_now(), 0);
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Cancellation, Error Handling: "Invalid cancellation
/// notifications SHOULD be ignored: Unknown request IDs, Already completed requests, Malformed
/// notifications". JSON-RPC 2.0, section 4: the string "5" is not the number 5.
#[tokio::test]
async fn an_unknown_late_or_malformed_cancellation_is_ignored() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &session, 5, 1).await;
        let answer = session.send(&server, &call(6, "echo", json!({}))).await;
        assert_eq!(json_gist(&answer), "6={}");
        for params in [
            json!({"requestId": 99}),
            json!({"requestId": 6}),
            json!({"requestId": "5"}),
            json!({"requestId": 0}),
            json!({"requestId": null}),
            json!({"requestId": [5]}),
            json!({"requestId": {"id": 5}}),
            json!({"requestid": 5}),
            json!({"id": 5}),
            json!({}),
        ] {
            cancel(&server, &session, params).await;
        }
        let bare = json!({"jsonrpc": "2.0", "method": "notifications/cancelled"}).to_string();
        assert_accepted(&session.send(&server, &bare).await);
        server.probe.release(1);
        assert_eq!(stream.gists().await, ["t5:1", "5=waited"], "{version}");
    }
    assert_eq!(server.probe.dropped_now(), 0);
}

/// 2025-11-25, Cancellation, Behavior Requirements: requests "previously issued in the same
/// direction": those of the session, not of another.
#[tokio::test]
async fn a_cancellation_does_not_reach_another_session() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let other = Session::open(&server, LATEST).await;
    let mut stream = Stream::waiting(&server, &session, 5, 1).await;
    cancel(&server, &other, json!({"requestId": 5})).await;
    server.probe.release(1);
    assert_eq!(stream.gists().await, ["t5:1", "5=waited"]);
    assert_eq!(server.probe.dropped_now(), 0);
}

/// A call whose connection broke can still be cancelled, and then has no answer to resume.
#[tokio::test]
async fn a_call_whose_client_is_away_can_be_cancelled() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let mut stream = Stream::waiting(&server, &session, 5, 2).await;
    let id = stream.expect("t5:1").await;
    stream.cut(super::Cut::Fin).await;
    cancel(&server, &session, json!({"requestId": 5})).await;
    server.probe.dropped(1).await;
    let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
    let rest = resumed.rest().await;
    assert_eq!(rest.iter().map(|(_, it)| gist(it)).collect::<Vec<_>>(), ["t5:2"]);
}
