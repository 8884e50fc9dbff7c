//! Transports, Sending Messages to the Server, 6: "Disconnection SHOULD NOT be interpreted as the
//! client cancelling its request."

use serde_json::json;

use super::{CUTS, Cut, LATEST, Stream, VERSIONS, gist, json_gist};
use crate::support::messages::{Session, call, notification, request};
use crate::support::server::TestServer;

async fn cut(mut wire: crate::support::wire::Wire, cut: Cut) {
    match cut {
        Cut::Fin => {
            wire.fin().await;
            wire.closed().await;
        }
        Cut::Rst => wire.reset(),
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Sending Messages to the Server, 6, where
/// the response has not begun; decision 3: "legacy moves it into a task".
#[tokio::test]
async fn a_disconnect_before_the_headers_lets_the_call_run_to_its_end() {
    for version in VERSIONS {
        for kind in CUTS {
            let server = TestServer::start().await;
            let session = Session::open(&server, version).await;
            let mut wire = server.connect().await;
            wire.write(session.post(&call(1, "wait", json!({}))).as_bytes()).await;
            server.probe.started(1).await;
            cut(wire, kind).await;
            // The session goes on, and others lose nothing.
            let answer = session.send(&server, &call(2, "echo", json!({}))).await;
            assert_eq!(json_gist(&answer), "2={}");
            assert_eq!(server.service.calls_in_flight(), 1, "{version}, {kind:?}");
            server.probe.release(1);
            server.probe.finished(1).await;
            assert_eq!(server.probe.dropped_now(), 0, "{version}, {kind:?}");
        }
    }
}

/// The same once the stream has begun, whether or not the client comes back.
#[tokio::test]
async fn a_disconnect_of_a_stream_lets_the_call_run_to_its_end() {
    for version in VERSIONS {
        for kind in CUTS {
            let server = TestServer::start().await;
            let session = Session::open(&server, version).await;
            let mut stream = Stream::waiting(&server, &session, 1, 1).await;
            stream.expect("t1:1").await;
            stream.cut(kind).await;
            let answer = session.send(&server, &call(2, "echo", json!({}))).await;
            assert_eq!(json_gist(&answer), "2={}");
            assert_eq!(server.service.calls_in_flight(), 1, "{version}, {kind:?}");
            server.probe.release(1);
            server.probe.finished(1).await;
            assert_eq!(server.probe.dropped_now(), 0, "{version}, {kind:?}");
        }
    }
}

/// 2025-11-25, Cancellation: to cancel, the client sends a notification, also for a call whose
/// connection broke before its response began.
#[tokio::test]
async fn a_call_left_before_the_headers_can_still_be_cancelled() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        wire.write(session.post(&call(1, "wait", json!({}))).as_bytes()).await;
        server.probe.started(1).await;
        cut(wire, Cut::Fin).await;
        let body = notification("notifications/cancelled", json!({"requestId": 1}));
        assert_eq!(session.send(&server, &body).await.status(), 202);
        server.probe.dropped(1).await;
        assert_eq!(server.probe.finished_now(), 0, "{version}");
    }
}

/// CVE-2025-53366: crash on disconnect. A client that breaks off in the middle of a request, or
/// leaves at once, harms nobody.
#[tokio::test]
async fn cve_2025_53366_a_client_that_leaves_at_any_byte_harms_nobody() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let request = session.post(&call(1, "echo", json!({"x": 1})));
    for end in (0..=request.len()).step_by(7) {
        let mut wire = server.connect().await;
        wire.write(&request.as_bytes()[..end]).await;
        cut(wire, CUTS[end % 2]).await;
    }
    let answer = session.send(&server, &request_ping()).await;
    assert_eq!(gist(&answer.json()), "9={}");
    assert_eq!(server.service.sessions(), 1);
}

fn request_ping() -> String {
    request(9, "ping", json!({}))
}
