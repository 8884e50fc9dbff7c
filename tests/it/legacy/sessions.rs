//! Transports, Session Management: 400 without an id, 404 for a session that is not there and for
//! nothing else, and DELETE.

use serde_json::json;

use super::{LATEST, Stream, VERSIONS, assert_accepted, gist, json_gist};
use crate::support::messages::{Session, bare, call, notification, post, request};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

/// Every kind of request that a client of a session can send, under these headers.
fn requests(headers: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    let resuming = [headers, &[("Last-Event-ID", "1-1")]].concat();
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string();
    vec![
        ("a request", post(headers, &request(1, "ping", json!({})))),
        ("a call", post(headers, &call(1, "echo", json!({})))),
        ("a notification", post(headers, &notification("notifications/initialized", json!({})))),
        ("a response", post(headers, &response)),
        ("a GET", bare("GET", headers)),
        ("a resuming GET", bare("GET", &resuming)),
        ("a DELETE", bare("DELETE", headers)),
    ]
}

async fn send(server: &TestServer, request: &str) -> Answer {
    server.connect().await.send(request).await
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Session Management, 2: "Servers that
/// require a session ID SHOULD respond to requests without an `MCP-Session-Id` header (other than
/// initialization) with HTTP 400 Bad Request."
#[tokio::test]
async fn without_a_session_id_every_request_is_400() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        for headers in [&[][..], &[("MCP-Protocol-Version", version)]] {
            for (what, request) in requests(headers) {
                assert_eq!(send(&server, &request).await.status(), 400, "{what}, {version}");
            }
        }
    }
    assert_eq!(server.service.sessions(), 0);
}

/// 2025-11-25, Transports, Session Management, 3: 404. FACTS: the suite does not notice "unknown
/// sessions accepted"; others: "a GET with an unknown id creates a session", and "DELETE of an
/// unknown session 202".
#[tokio::test]
async fn an_unknown_session_is_404_for_every_request_and_is_not_created() {
    let server = TestServer::start().await;
    let long = "A".repeat(4_000);
    for id in ["0123456789abcdef0123456789abcdef", "x", "~!@#$%^&*()", "..", &long] {
        for version in VERSIONS {
            let headers = [("Mcp-Session-Id", id), ("MCP-Protocol-Version", version)];
            for (what, request) in requests(&headers) {
                assert_eq!(send(&server, &request).await.status(), 404, "{what}, {version}");
            }
        }
    }
    assert_eq!(server.service.sessions(), 0);
}

/// 2025-11-25, Transports, Session Management, 1: an id is what the server made, to the letter.
#[tokio::test]
async fn a_session_id_in_another_case_or_with_more_is_unknown() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let swapped: String = session
        .id
        .chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for id in [swapped, format!("{}A", session.id), session.id[1..].to_owned()] {
        let request = post(&[("Mcp-Session-Id", &id)], &request(1, "ping", json!({})));
        assert_eq!(send(&server, &request).await.status(), 404, "{id}");
    }
}

/// 2025-11-25, Transports, Session Management, 5 and 3: after the DELETE the server "MUST respond
/// to requests containing that session ID with HTTP 404 Not Found".
#[tokio::test]
async fn delete_is_204_without_a_body_and_everything_after_it_is_404() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let other = Session::open(&server, version).await;
        let answer = session.end(&server).await;
        assert_eq!((answer.status(), answer.text()), (204, ""));
        assert_eq!(answer.header("content-type"), None);
        for (what, request) in requests(&session.headers()) {
            assert_eq!(send(&server, &request).await.status(), 404, "{what}, {version}");
        }
        // Nobody else's session ended.
        let answer = other.send(&server, &request(1, "ping", json!({}))).await;
        assert_eq!(json_gist(&answer), "1={}");
        assert_eq!(other.end(&server).await.status(), 204);
    }
    assert_eq!(server.service.sessions(), 0);
}

/// Decision 15: "a legacy 404 means the session and nothing else": clients begin a new session
/// when they see one (2025-11-25, Transports, Session Management, 4).
#[tokio::test]
async fn in_a_session_that_lives_nothing_is_404() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let with = |name, value| [&session.headers()[..], &[(name, value)]].concat();
    let unspoken = [("Mcp-Session-Id", &*session.id), ("MCP-Protocol-Version", "1999-01-01")];
    let ping = request(1, "ping", json!({}));
    for (what, expected, request) in [
        ("a method", 200, session.post(&request(1, "no/such/method", json!({})))),
        ("a tool", 200, session.post(&call(1, "no-such-tool", json!({})))),
        ("a prompt", 200, session.post(&request(1, "prompts/get", json!({"name": "x"})))),
        ("a resource", 200, session.post(&request(1, "resources/read", json!({"uri": "x:y"})))),
        ("a task", 200, session.post(&request(1, "tasks/get", json!({"taskId": "x"})))),
        (
            "a request to cancel",
            202,
            session.post(&notification("notifications/cancelled", json!({"requestId": 9}))),
        ),
        ("JSON", 400, session.post("{")),
        ("a batch", 400, session.post(&format!("[{ping}]"))),
        ("a version", 400, post(&unspoken, &ping)),
        ("an HTTP method", 405, bare("PATCH", &session.headers())),
        ("a media type", 415, post(&with("Content-Type", "text/plain"), &ping)),
        ("an origin", 403, post(&with("Origin", "https://evil.example"), &ping)),
    ] {
        assert_eq!(send(&server, &request).await.status(), expected, "{what}");
    }
    for id in ["9-9", "x", ""] {
        let stream = Stream::open(&server, &session.get(Some(id))).await;
        assert_eq!(stream.head.status, 200, "an event id: {id:?}");
    }
    assert_eq!(json_gist(&session.send(&server, &ping).await), "1={}");
}

/// 2025-11-25, Transports, Session Management, 3: the call whose answer would have been JSON is
/// answered as every request of an ended session is, and names its request.
#[tokio::test]
async fn delete_answers_a_call_in_flight_with_404_and_its_id() {
    let server = TestServer::start().await;
    for (n, version) in VERSIONS.into_iter().enumerate() {
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        wire.write(session.post(&call(7, "wait", json!({}))).as_bytes()).await;
        server.probe.started(n + 1).await;
        assert_eq!(session.end(&server).await.status(), 204);
        let answer = wire.answer().await;
        assert_eq!((answer.status(), gist(&answer.json())), (404, "7!-32600".to_owned()));
        server.probe.dropped(n + 1).await;
    }
    assert_eq!(server.probe.finished_now(), 0);
    assert_eq!(server.service.calls_in_flight(), 0);
}

/// 2025-11-25, Transports, Sending Messages to the Server, 6: "The SSE stream SHOULD eventually
/// include a JSON-RPC response" and "MAY terminate the SSE stream if the session expires".
#[tokio::test]
async fn delete_answers_a_stream_in_flight_with_an_error_and_ends_it() {
    let server = TestServer::start().await;
    for (n, version) in VERSIONS.into_iter().enumerate() {
        let session = Session::open(&server, version).await;
        let other = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &session, 7, 1).await;
        stream.expect("t7:1").await;
        assert_eq!(session.end(&server).await.status(), 204);
        let rest = stream.rest().await;
        assert_eq!(rest.len(), 1, "{rest:?}");
        assert_eq!(gist(&rest[0].1), "7!-32603");
        assert_eq!(rest[0].1["error"]["data"]["reason"], "session_ended");
        server.probe.dropped(n + 1).await;
        stream.assert_ended_cleanly(&other).await;
    }
    assert_eq!(server.probe.finished_now(), 0);
}

/// 2025-11-25, Transports, Listening for Messages from the Server, 4: "The server MAY close the
/// SSE stream at any time."
#[tokio::test]
async fn delete_ends_the_standalone_stream() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let other = Session::open(&server, version).await;
        let mut stream = Stream::open(&server, &session.get(None)).await;
        assert!(stream.next().await.is_some(), "its first byte");
        assert_eq!(session.end(&server).await.status(), 204);
        assert_eq!(stream.gists().await, [""; 0]);
        stream.assert_ended_cleanly(&other).await;
    }
}

/// 2025-11-25, Lifecycle: a client may open as many sessions as it likes; each is its own.
#[tokio::test]
async fn sessions_of_different_revisions_live_side_by_side() {
    let server = TestServer::start().await;
    let mut sessions = Vec::new();
    for version in VERSIONS {
        sessions.push(Session::open(&server, version).await);
    }
    assert_eq!(server.service.sessions(), VERSIONS.len());
    let mut wire = server.connect().await;
    for session in sessions.iter().chain(&sessions) {
        let answer =
            wire.send(&session.post(&call(1, "echo", json!({"v": session.version})))).await;
        assert_eq!(json_gist(&answer), format!("1={{\"v\":\"{}\"}}", session.version));
        let initialized = notification("notifications/initialized", json!({}));
        assert_accepted(&wire.send(&session.post(&initialized)).await);
    }
}
