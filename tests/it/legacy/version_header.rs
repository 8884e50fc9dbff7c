//! Transports, Protocol Version Header.

use serde_json::json;

use super::{LATEST, Stream, VERSIONS, assert_accepted, json_gist};
use crate::support::messages::{
    Session, bare, call_with_progress, initialize, notification, post, request,
};
use crate::support::server::TestServer;

fn headers<'a>(session: &'a Session, version: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![("Mcp-Session-Id", &*session.id)];
    headers.extend(version.map(|version| ("MCP-Protocol-Version", version)));
    headers
}

/// 2025-11-25 and 2025-06-18, Transports, Protocol Version Header: "If the server receives a
/// request with an invalid or unsupported `MCP-Protocol-Version`, it MUST respond with `400 Bad
/// Request`." FACTS: the suite does not notice "any `MCP-Protocol-Version` accepted".
#[tokio::test]
async fn a_version_that_is_not_spoken_here_is_400_for_every_request() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for unspoken in ["2024-11-05", "1999-01-01", "2099-01-01", "2025-11-25x", "1", "latest"] {
            let headers = headers(&session, Some(unspoken));
            for request in [
                post(&headers, &request(1, "ping", json!({}))),
                post(&headers, &notification("notifications/initialized", json!({}))),
                post(&headers, &json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string()),
                bare("GET", &headers),
                bare("DELETE", &headers),
            ] {
                let answer = server.connect().await.send(&request).await;
                assert_eq!(answer.status(), 400, "{unspoken}: {request}");
                assert_eq!(answer.json()["error"]["data"]["requested"], unspoken);
            }
        }
        // The DELETE did not happen.
        let answer = session.send(&server, &request(1, "ping", json!({}))).await;
        assert_eq!(json_gist(&answer), "1={}");
    }
}

/// 2025-11-25, Transports, Protocol Version Header: only an "invalid or unsupported" version MUST
/// be refused; the one sent "SHOULD be the one negotiated", and real clients send another one that
/// is supported. The session stays what it is.
#[tokio::test]
async fn another_legacy_version_is_accepted_and_the_session_keeps_its_own() {
    let server = TestServer::start().await;
    for negotiated in VERSIONS {
        let session = Session::open(&server, negotiated).await;
        for sent in VERSIONS {
            let headers = headers(&session, Some(sent));
            let ping = request(1, "ping", json!({}));
            let answer = server.connect().await.send(&post(&headers, &ping)).await;
            assert_eq!(json_gist(&answer), "1={}", "{negotiated}, {sent}");
            let batch = format!("[{ping}]");
            let answer = server.connect().await.send(&post(&headers, &batch)).await;
            let expected = if negotiated == "2025-03-26" { 200 } else { 400 };
            assert_eq!(answer.status(), expected, "{negotiated}, {sent}");
            let call = call_with_progress(2, "progress", json!({"count": 1}), json!("t"));
            let mut stream = Stream::open(&server, &post(&headers, &call)).await;
            let primed = stream.events().await[0].data.as_deref() == Some("");
            assert_eq!(primed, negotiated == LATEST, "{negotiated}, {sent}");
            let stream = Stream::open(&server, &bare("GET", &headers)).await;
            assert_eq!(stream.head.status, 200, "{negotiated}, {sent}");
        }
    }
}

/// 2025-11-25, Transports, Protocol Version Header: without the header the version is what is
/// known "by relying on the protocol version negotiated during initialization".
#[tokio::test]
async fn without_the_header_the_negotiated_version_holds() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let headers = headers(&session, None);
        let batch = format!("[{}]", request(1, "ping", json!({})));
        let answer = server.connect().await.send(&post(&headers, &batch)).await;
        assert_eq!(answer.status(), if version == "2025-03-26" { 200 } else { 400 }, "{version}");
        let initialized = notification("notifications/initialized", json!({}));
        let answer = server.connect().await.send(&post(&headers, &initialized)).await;
        assert_accepted(&answer);
        let call = call_with_progress(2, "progress", json!({"count": 1}), json!("t"));
        let mut stream = Stream::open(&server, &post(&headers, &call)).await;
        let primed = stream.events().await[0].data.as_deref() == Some("");
        assert_eq!(primed, version == LATEST, "{version}");
        let answer = server.connect().await.send(&bare("DELETE", &headers)).await;
        assert_eq!(answer.status(), 204, "{version}");
    }
}

/// The same: `initialize` and every later request of a client that never heard of the header, as
/// those of 2025-03-26 have not.
#[tokio::test]
async fn a_client_that_never_sends_the_header_is_served() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    let answer = wire.send(&post(&[], &initialize("2025-03-26"))).await;
    let id = answer.header("mcp-session-id").expect("a session id").to_owned();
    let headers = [("Mcp-Session-Id", &*id)];
    let initialized = notification("notifications/initialized", json!({}));
    assert_accepted(&wire.send(&post(&headers, &initialized)).await);
    let answer = wire.send(&post(&headers, &request(1, "tools/list", json!({})))).await;
    assert!(!answer.json()["result"]["tools"].as_array().expect("a list").is_empty());
    assert_eq!(wire.send(&bare("DELETE", &headers)).await.status(), 204);
}
