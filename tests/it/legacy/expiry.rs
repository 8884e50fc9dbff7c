//! Idle expiry: sessions that nobody uses end, and those in use never do.

use std::time::Duration;

use serde_json::json;

use super::{LATEST, Stream, VERSIONS, json_gist};
use crate::support::messages::{Session, call, initialize, modern, post, request};
use crate::support::server::TestServer;
use crate::support::wire::PATIENCE;

const IDLE: Duration = Duration::from_millis(100);

async fn server() -> TestServer {
    TestServer::with(|it| it.session_idle_timeout(IDLE)).await
}

/// Waits until no more than so many sessions live. To ask for one would keep it alive.
async fn until_sessions(server: &TestServer, count: usize) {
    let look = async {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while server.service.sessions() > count {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("waited for sessions to expire");
}

/// Shows that time enough has gone by: sessions that were opened now have expired since.
async fn outlive_another(server: &TestServer) {
    let kept = server.service.sessions();
    for _ in 0..2 {
        Session::open(server, LATEST).await;
        until_sessions(server, kept).await;
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Session Management, 3: "The server MAY
/// terminate the session at any time, after which it MUST respond to requests containing that
/// session ID with HTTP 404 Not Found."
#[tokio::test]
async fn an_idle_session_expires_and_is_404_from_then_on() {
    let server = server().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        until_sessions(&server, 0).await;
        let ping = request(1, "ping", json!({}));
        for request in
            [session.post(&ping), session.get(None), session.get(Some("0-1")), session.delete()]
        {
            let answer = server.connect().await.send(&request).await;
            assert_eq!(answer.status(), 404, "{version}: {request}");
        }
    }
}

/// FACTS, others: "the idle limit kills calls in flight".
#[tokio::test]
async fn a_session_with_a_call_in_flight_never_expires() {
    let server = server().await;
    for version in VERSIONS {
        // Once as JSON, once as a stream, once with the client gone.
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        wire.write(session.post(&call(1, "wait", json!({}))).as_bytes()).await;
        let streaming = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &streaming, 2, 1).await;
        let away = Session::open(&server, version).await;
        let mut cut = Stream::waiting(&server, &away, 3, 2).await;
        let id = cut.expect("t3:1").await;
        cut.cut(super::Cut::Fin).await;
        outlive_another(&server).await;
        server.probe.release(3);
        assert_eq!(json_gist(&wire.answer().await), "1=waited", "{version}");
        assert_eq!(stream.gists().await, ["t2:1", "2=waited"], "{version}");
        let mut resumed = Stream::open(&server, &away.get(Some(&id))).await;
        assert_eq!(resumed.gists().await, ["t3:2", "3=waited"], "{version}");
        until_sessions(&server, 0).await;
    }
    assert_eq!(server.probe.dropped_now(), 0);
}

/// The issue, What it contains: "idle expiry that never ends a session with ... an open stream";
/// once the stream is gone, the time begins.
#[tokio::test]
async fn a_session_with_an_open_stream_never_expires_and_does_when_it_is_gone() {
    let server = server().await;
    for version in VERSIONS {
        for cut in super::CUTS {
            let session = Session::open(&server, version).await;
            let mut get = Stream::open(&server, &session.get(None)).await;
            get.next().await.expect("a first byte");
            outlive_another(&server).await;
            let answer = session.send(&server, &request(1, "ping", json!({}))).await;
            assert_eq!(json_gist(&answer), "1={}", "{version}");
            get.cut(cut).await;
            until_sessions(&server, 0).await;
        }
    }
}

/// A session lives as long as its client speaks, however long that is.
#[tokio::test]
async fn a_session_in_use_does_not_expire() {
    let server = server().await;
    let session = Session::open(&server, LATEST).await;
    let mut wire = server.connect().await;
    let ping = session.post(&request(1, "ping", json!({})));
    for _ in 0..3 {
        let _other = Session::open(&server, LATEST).await;
        let mut looks = tokio::time::interval(IDLE / 10);
        while server.service.sessions() > 1 {
            assert_eq!(json_gist(&wire.send(&ping).await), "1={}");
            looks.tick().await;
        }
    }
}

/// FACTS, others: "a session is leaked for each `server/discover` or abandoned `initialize`".
#[tokio::test]
async fn an_abandoned_initialize_leaks_no_session_and_a_discover_opens_none() {
    let server = server().await;
    let mut wire = server.connect().await;
    for version in VERSIONS.into_iter().cycle().take(12) {
        assert_eq!(wire.send(&post(&[], &initialize(version))).await.status(), 200);
    }
    until_sessions(&server, 0).await;
    for n in 0..12 {
        let answer = wire.send(&modern(n, "server/discover", json!({}), &[])).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    assert_eq!(server.service.sessions(), 0);
}

/// Decision 4: "Finished streams stay for a retention time"; decision 5: from then on a client
/// that still waits is told so: "Never an empty stream".
#[tokio::test]
async fn after_its_retention_an_answer_is_gone_and_that_is_said() {
    let server = TestServer::with(|it| {
        it.session_idle_timeout(IDLE).stream_retention(Duration::from_millis(1))
    })
    .await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let _keeps_the_session = Stream::open(&server, &session.get(None)).await;
        let mut stream = Stream::waiting(&server, &session, 1, 2).await;
        let (first, second) = (stream.expect("t1:1").await, stream.expect("t1:2").await);
        server.probe.release(1);
        let (last, _) = stream.message().await;
        stream.cut(super::Cut::Fin).await;
        let look = async {
            let mut looks = tokio::time::interval(IDLE / 2);
            loop {
                let mut resumed = Stream::open(&server, &session.get(Some(&first))).await;
                match &*resumed.gists().await {
                    [progress, answer] if progress == "t1:2" && answer == "1=waited" => {}
                    [gone] if gone == "1!-32603" => break,
                    other => panic!("part of a replay: {other:?}"),
                }
                looks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("waited for the answer to be gone");
        let mut resumed = Stream::open(&server, &session.get(Some(&second))).await;
        let rest = resumed.rest().await;
        assert_eq!(rest.len(), 1, "{version}: {rest:?}");
        assert_eq!(rest[0].1["error"]["data"]["reason"], "events_evicted", "{version}");
        // Who has the answer waits for nothing.
        let answer = server.connect().await.send(&session.get(last.as_deref())).await;
        assert_eq!(answer.status(), 405, "{version}");
    }
}
