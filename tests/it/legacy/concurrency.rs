//! Many calls at once: each answer goes to the one who asked.

use std::sync::Arc;

use mcp_http::{Arguments, Context, Tool, ToolError};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{LATEST, Stream, VERSIONS, json_gist};
use crate::support::messages::{Session, call, call_with_progress};
use crate::support::server::TestServer;

/// A server with the tool `hold`, which says its arguments, waits until it is released, says them
/// again, and answers with them.
async fn holding() -> (TestServer, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let server = TestServer::with_server(
        move |server| {
            server.tool(Tool::new("hold"), move |arguments: Arguments, cx: Context| {
                let held = Arc::clone(&held);
                async move {
                    cx.progress(1.0, None, arguments.raw());
                    held.acquire().await.expect("an open semaphore").forget();
                    cx.progress(2.0, None, arguments.raw());
                    Ok::<_, ToolError>(arguments.raw().to_owned())
                }
            })
        },
        |service| service,
    )
    .await;
    (server, gate)
}

/// Decision 7: "Some clients send every request with `id: 1` at once; each must get its own
/// answer." FACTS: "claude.ai's connectors send every request with `id: 1`"; CVE-2026-25536:
/// answers leaked across clients.
#[tokio::test]
async fn calls_that_all_have_the_id_1_each_get_their_own_answer_as_json() {
    let (server, gate) = holding().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut wires = Vec::new();
        for n in 0..30 {
            let mut wire = server.connect().await;
            wire.write(session.post(&call(1, "hold", json!({"n": n}))).as_bytes()).await;
            wires.push(wire);
        }
        gate.add_permits(30);
        for (n, mut wire) in wires.into_iter().enumerate().rev() {
            assert_eq!(json_gist(&wire.answer().await), format!("1={{\"n\":{n}}}"), "{version}");
        }
    }
}

/// The same on streams; even their progress tokens are one.
#[tokio::test]
async fn calls_that_all_have_the_id_1_each_get_their_own_stream() {
    let (server, gate) = holding().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut streams = Vec::new();
        for n in 0..30 {
            let body = call_with_progress(1, "hold", json!({"n": n}), json!(1));
            streams.push(Stream::open(&server, &session.post(&body)).await);
        }
        gate.add_permits(30);
        for (n, mut stream) in streams.into_iter().enumerate().rev() {
            let own = format!("{{\"n\":{n}}}");
            for _ in 0..2 {
                let (_, progress) = stream.message().await;
                assert_eq!(progress["params"]["message"], own, "{version}");
            }
            assert_eq!(stream.gists().await, [format!("1={own}")], "{version}");
        }
    }
}

/// The same across sessions.
#[tokio::test]
async fn calls_with_one_id_in_many_sessions_each_get_their_own_answer() {
    let (server, gate) = holding().await;
    let mut streams = Vec::new();
    for n in 0..30 {
        let session = Session::open(&server, VERSIONS[n % 3]).await;
        let body = call_with_progress(1, "hold", json!({"n": n}), json!(1));
        streams.push(Stream::open(&server, &session.post(&body)).await);
    }
    gate.add_permits(30);
    for (n, mut stream) in streams.into_iter().enumerate() {
        let expected = ["1:1".to_owned(), "1:2".to_owned(), format!("1={{\"n\":{n}}}")];
        assert_eq!(stream.gists().await, expected);
    }
}

/// 2025-11-25, Transports, Multiple Connections, 1: a slow call holds up no other, on whichever
/// connection.
#[tokio::test]
async fn a_call_in_flight_holds_up_no_other() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let mut slow = server.connect().await;
    slow.write(session.post(&call(1, "wait", json!({}))).as_bytes()).await;
    server.probe.started(1).await;
    let mut stream = Stream::waiting(&server, &session, 2, 1).await;
    stream.expect("t2:1").await;
    let mut wire = server.connect().await;
    for n in 3..20 {
        let answer = wire.send(&session.post(&call(n, "echo", json!({})))).await;
        assert_eq!(json_gist(&answer), format!("{n}={{}}"));
    }
    server.probe.release(2);
    assert_eq!(json_gist(&slow.answer().await), "1=waited");
    assert_eq!(stream.gists().await, ["2=waited"]);
}

/// Decision 8: "Everything has a limit": one more call than may run is refused with 503 and
/// `Retry-After`, and notifications are not.
#[tokio::test]
async fn one_call_too_many_is_503_and_notifications_are_never_refused() {
    let server = TestServer::with(|it| it.max_calls(2)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut first = Stream::waiting(&server, &session, 1, 1).await;
        let mut second = Stream::waiting(&server, &session, 2, 1).await;
        let answer = session.send(&server, &call(3, "echo", json!({}))).await;
        assert_eq!((answer.status(), &answer.json()["id"]), (503, &json!(3)), "{version}");
        assert!(answer.header("retry-after").is_some());
        let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": 1}});
        super::assert_accepted(&session.send(&server, &cancelled.to_string()).await);
        assert_eq!(first.gists().await, ["t1:1"]);
        server.probe.release(1);
        assert_eq!(second.gists().await, ["t2:1", "2=waited"], "{version}");
        let answer = session.send(&server, &call(3, "echo", json!({}))).await;
        assert_eq!(json_gist(&answer), "3={}", "{version}");
    }
}

/// Decision 8, for sessions: one more than there may be is refused with 503, and an end frees its
/// place.
#[tokio::test]
async fn one_session_too_many_is_503_until_another_ends() {
    let server = TestServer::with(|it| it.max_sessions(2)).await;
    let first = Session::open(&server, LATEST).await;
    let _second = Session::open(&server, LATEST).await;
    let initialize = crate::support::messages::initialize(LATEST);
    let request = crate::support::messages::post(&[], &initialize);
    let answer = server.connect().await.send(&request).await;
    assert_eq!((answer.status(), &answer.json()["id"]), (503, &json!(0)));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("mcp-session-id"), None);
    assert_eq!(first.end(&server).await.status(), 204);
    Session::open(&server, LATEST).await;
}
