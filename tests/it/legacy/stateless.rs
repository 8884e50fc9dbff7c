//! Legacy clients without sessions: no id, no GET, no DELETE, each POST on its own.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CUTS, Stream, VERSIONS, assert_accepted, gist, gists, json_gist};
use crate::support::messages::{
    bare, call, call_with_progress, initialize, notification, post, request,
};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn server() -> TestServer {
    TestServer::with(|it| it.without_legacy_sessions()).await
}

async fn send(server: &TestServer, version: Option<&str>, body: &str) -> Answer {
    let headers: Vec<_> = version.map(|it| ("MCP-Protocol-Version", it)).into_iter().collect();
    server.connect().await.send(&post(&headers, body)).await
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Session Management, 1: a server "MAY
/// assign a session ID".
#[tokio::test]
async fn initialize_negotiates_and_mints_no_id() {
    let server = server().await;
    for version in VERSIONS {
        let answer = send(&server, None, &initialize(version)).await;
        assert!(json_gist(&answer).starts_with("0="));
        assert_eq!(answer.json()["result"]["protocolVersion"], version);
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    let answer = send(&server, None, &initialize("2026-07-28")).await;
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(server.service.sessions(), 0);
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Listening for Messages from the Server, 3,
/// and Session Management, 5: 405.
#[tokio::test]
async fn get_and_delete_are_not_allowed() {
    let server = server().await;
    for version in VERSIONS {
        for more in [&[][..], &[("Mcp-Session-Id", "x")], &[("Last-Event-ID", "1-1")]] {
            let headers = [&[("MCP-Protocol-Version", version)], more].concat();
            for method in ["GET", "DELETE"] {
                let answer = server.connect().await.send(&bare(method, &headers)).await;
                assert_eq!(answer.status(), 405, "{method} {more:?}");
                let allow = answer.header("allow").expect("an Allow header");
                assert!(allow.contains("POST") && !allow.contains(method), "{allow}");
            }
        }
    }
}

/// Each POST stands on its own: no `initialize` before it, no id on it.
#[tokio::test]
async fn every_post_is_served_on_its_own() {
    let server = server().await;
    for version in [None, Some(VERSIONS[0]), Some(VERSIONS[1]), Some(VERSIONS[2])] {
        for (body, expected) in [
            (request(1, "ping", json!({})), "1={}"),
            (call(2, "echo", json!({"a": 1})), r#"2={"a":1}"#),
            (call(3, "fail", json!({})), "3=it failed"),
            (call(4, "panic", json!({})), "4!-32603"),
            (request(5, "unknown", json!({})), "5!-32601"),
        ] {
            assert_eq!(json_gist(&send(&server, version, &body).await), expected, "{version:?}");
        }
        let body = notification("notifications/initialized", json!({}));
        assert_accepted(&send(&server, version, &body).await);
        let body = notification("notifications/cancelled", json!({"requestId": 1}));
        assert_accepted(&send(&server, version, &body).await);
    }
    assert_eq!(server.service.sessions(), 0);
}

/// 2025-11-25 and 2025-06-18, Transports, Protocol Version Header: without the header and "no
/// other way to identify the version", the server "SHOULD assume protocol version `2025-03-26`";
/// an unsupported one is 400.
#[tokio::test]
async fn the_version_is_the_headers_or_2025_03_26() {
    let server = server().await;
    let batch = format!("[{}]", request(1, "ping", json!({})));
    for (version, expected) in [
        (None, 200),
        (Some("2025-03-26"), 200),
        (Some("2025-06-18"), 400),
        (Some("2025-11-25"), 400),
        (Some("1999-01-01"), 400),
    ] {
        assert_eq!(send(&server, version, &batch).await.status(), expected, "{version:?}");
    }
    let ping = request(1, "ping", json!({}));
    assert_eq!(send(&server, Some("1999-01-01"), &ping).await.status(), 400);
}

/// A stream that cannot be resumed says nothing of resuming: no ids, no priming, no `retry`. It
/// has its first byte at once, its messages in order, one answer and an end.
#[tokio::test]
async fn streams_carry_messages_without_ids() {
    let server = server().await;
    for version in VERSIONS {
        let headers = [("MCP-Protocol-Version", version)];
        let body = call_with_progress(1, "progress", json!({"count": 3}), json!("t"));
        let mut stream = Stream::open(&server, &post(&headers, &body)).await;
        let events = stream.events().await;
        let messages: Vec<_> = events.iter().filter_map(|event| event.message()).collect();
        assert_eq!(messages.iter().map(gist).collect::<Vec<_>>(), ["t:1", "t:2", "t:3", "1=done"]);
        assert_eq!(messages.len(), events.len(), "{version}: {events:?}");
        assert!(events.iter().all(|event| event.id.is_none() && event.retry.is_none()));
        let answer = stream.wire.send(&post(&headers, &request(2, "ping", json!({})))).await;
        assert_eq!(json_gist(&answer), "2={}", "{version}");
    }
}

/// Decisions 1 and 11 hold without sessions too.
#[tokio::test]
async fn a_silent_call_becomes_a_stream_with_heartbeats() {
    let moment = Duration::from_millis(1);
    let server =
        TestServer::with(|it| it.without_legacy_sessions().commit_after(moment).heartbeat(moment))
            .await;
    for version in VERSIONS {
        let headers = [("MCP-Protocol-Version", version)];
        let request = post(&headers, &call(1, "wait", json!({})));
        let mut stream = Stream::open(&server, &request).await;
        for _ in 0..4 {
            assert!(stream.next().await.expect("a heartbeat").comment, "{version}");
        }
        server.probe.release(1);
        assert_eq!(stream.gists().await, ["1=waited"], "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Sending Messages to the Server, 6:
/// "Disconnection SHOULD NOT be interpreted as the client cancelling its request", with or without
/// a session.
#[tokio::test]
async fn a_disconnect_is_no_cancellation() {
    for version in VERSIONS {
        for cut in CUTS {
            let server = server().await;
            let headers = [("MCP-Protocol-Version", version)];
            let body = call_with_progress(1, "wait", json!({"progress": 1}), json!("t"));
            let mut stream = Stream::open(&server, &post(&headers, &body)).await;
            stream.message().await;
            stream.cut(cut).await;
            let mut wire = server.connect().await;
            wire.write(post(&headers, &call(2, "wait", json!({}))).as_bytes()).await;
            server.probe.started(2).await;
            wire.fin().await;
            wire.closed().await;
            server.probe.release(2);
            server.probe.finished(2).await;
            assert_eq!(server.probe.dropped_now(), 0, "{version}, {cut:?}");
        }
    }
}

/// 2025-03-26, Base Protocol, Batching: a batch is an array of answers. Several calls have no log
/// to share, so it stays JSON.
#[tokio::test]
async fn a_batch_is_answered_with_an_array() {
    let server = server().await;
    let body = format!(
        "[{},{}]",
        call_with_progress(1, "progress", json!({"count": 2}), json!("t")),
        request(2, "ping", json!({}))
    );
    let answer = send(&server, None, &body).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let Value::Array(messages) = answer.json() else { panic!("{}", answer.text()) };
    let mut gists: Vec<_> = messages.iter().map(gist).collect();
    gists.sort();
    assert_eq!(gists, ["1=done", "2={}"]);
}

/// 2025-11-25, Lifecycle, Operation: both parties MUST "Only use capabilities that were
/// successfully negotiated". Without a session no level can be kept, so that logging is neither
/// declared nor served.
#[tokio::test]
async fn logging_is_neither_declared_nor_served() {
    let server = server().await;
    for version in VERSIONS {
        let answer = send(&server, None, &initialize(version)).await;
        let capabilities = answer.json()["result"]["capabilities"].clone();
        let body = request(1, "logging/setLevel", json!({"level": "debug"}));
        let answer = send(&server, Some(version), &body).await;
        assert_eq!(json_gist(&answer), "1!-32601", "{version}");
        let answer = send(&server, Some(version), &call(2, "log", json!({}))).await;
        assert_eq!(gists(&answer), ["2=done"], "{version}");
        assert_eq!(capabilities, json!({"tools": {}}), "{version}");
    }
}

/// Decision 7 without sessions: nothing can be routed by id, so nothing is.
#[tokio::test]
async fn calls_that_all_have_the_id_1_each_get_their_own_answer() {
    let server = server().await;
    let headers = [("MCP-Protocol-Version", "2025-11-25")];
    let mut wires = Vec::new();
    for n in 0..20 {
        let mut wire = server.connect().await;
        wire.write(post(&headers, &call(1, "echo", json!({"n": n}))).as_bytes()).await;
        wires.push(wire);
    }
    for (n, mut wire) in wires.into_iter().enumerate() {
        assert_eq!(json_gist(&wire.answer().await), format!("1={{\"n\":{n}}}"));
    }
}
