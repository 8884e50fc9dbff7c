//! 2025-11-25 (and 2025-03-26, 2025-06-18), Tools, List Changed Notification: what has changed, on
//! the standalone streams of sessions.

use serde_json::{Value, json};

use super::{Cut, LATEST, Stream, VERSIONS, assert_accepted, json_gist};
use crate::support::messages::{Session, call, initialize, notification, post};
use crate::support::server::TestServer;

const CHANGED: &str = "notifications/tools/list_changed";

/// A standalone stream whose first byte has come.
async fn listening(server: &TestServer, session: &Session, cursor: Option<&str>) -> Stream {
    let mut stream = Stream::open(server, &session.get(cursor)).await;
    stream.next().await.expect("a first byte");
    stream
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Tools, List Changed Notification: "servers that declared
/// the `listChanged` capability SHOULD send a notification".
#[tokio::test]
async fn every_session_that_listens_is_told_on_its_standalone_stream() {
    let (server, changes) = TestServer::changing().await;
    let mut streams = Vec::new();
    for version in VERSIONS {
        for _ in 0..3 {
            let session = Session::open(&server, version).await;
            streams.push(listening(&server, &session, None).await);
        }
    }
    assert_eq!(server.parked(), 9);
    for _ in 0..2 {
        changes.tools_changed();
        for stream in &mut streams {
            let (id, message) = stream.message().await;
            assert_eq!(message, json!({"jsonrpc": "2.0", "method": CHANGED, "params": {}}));
            assert!(id.is_some_and(|id| id.starts_with("0-")));
        }
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Sending Messages to the Server, 6: what is on
/// the stream of a call relates to the call.
#[tokio::test]
async fn the_streams_of_calls_carry_nothing_of_it() {
    let (server, changes) = TestServer::changing().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut get = listening(&server, &session, None).await;
        let mut post = Stream::waiting(&server, &session, 1, 1).await;
        post.expect("t1:1").await;
        changes.tools_changed();
        get.expect(CHANGED).await;
        server.probe.release(1);
        assert_eq!(post.gists().await, ["1=waited"], "{version}");
    }
}

/// The issue, What it contains: nothing lost. What changed while a client was away it is told when it
/// comes, once.
#[tokio::test]
async fn a_client_that_was_away_is_told_once_when_it_comes() {
    let (server, changes) = TestServer::changing().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for _ in 0..1_000 {
            changes.tools_changed();
        }
        let mut stream = Stream::open(&server, &session.get(None)).await;
        stream.expect(CHANGED).await;
        stream.cut(Cut::Rst).await;
        server.until_parked(0).await;
        for _ in 0..1_000 {
            changes.tools_changed();
        }
        let mut stream = Stream::open(&server, &session.get(None)).await;
        let id = stream.expect(CHANGED).await;
        assert_eq!(session.end(&server).await.status(), 204);
        assert_eq!(stream.gists().await, [""; 0], "{version}: {id}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Resumability and Redelivery, 2.
#[tokio::test]
async fn a_change_is_replayed_to_a_client_whose_connection_broke_and_to_no_other() {
    let (server, changes) = TestServer::changing().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let other = Session::open(&server, version).await;
        let mut others = listening(&server, &other, None).await;
        let mut stream = listening(&server, &session, None).await;
        changes.tools_changed();
        let first = stream.expect(CHANGED).await;
        others.expect(CHANGED).await;
        stream.cut(Cut::Fin).await;
        changes.tools_changed();
        others.expect(CHANGED).await;
        for _ in 0..2 {
            let mut resumed = Stream::open(&server, &session.get(Some(&first))).await;
            resumed.expect(CHANGED).await;
            resumed.cut(Cut::Rst).await;
        }
        assert_eq!(other.end(&server).await.status(), 204);
        assert_eq!(others.gists().await, [""; 0], "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Lifecycle, Initialization: with
/// `notifications/initialized` a client says that it is ready.
#[tokio::test]
async fn a_client_that_did_not_say_that_it_is_initialized_is_told_nothing() {
    let (server, changes) = TestServer::changing().await;
    for version in VERSIONS {
        let mut wire = server.connect().await;
        let opened = wire.send(&post(&[], &initialize(version))).await;
        let id = opened.header("mcp-session-id").expect("a session").to_owned();
        let session = Session { id, version: version.to_owned() };
        let mut stream = listening(&server, &session, None).await;
        changes.tools_changed();
        assert_eq!(server.service.log_bytes(), 0, "{version}");
        let initialized = notification("notifications/initialized", json!({}));
        assert_accepted(&wire.send(&session.post(&initialized)).await);
        changes.tools_changed();
        stream.expect(CHANGED).await;
        assert_eq!(session.end(&server).await.status(), 204);
        assert_eq!(stream.gists().await, [""; 0], "{version}");
    }
}

/// DESIGN, decision 8: where no client ever listens nothing piles up.
#[tokio::test]
async fn sessions_that_never_listen_hold_one_message_each() {
    let (server, changes) = TestServer::changing().await;
    for _ in 0..20 {
        Session::open(&server, LATEST).await;
    }
    for _ in 0..1_000 {
        changes.tools_changed();
    }
    let one = json!({"jsonrpc": "2.0", "method": CHANGED, "params": {}}).to_string().len();
    assert_eq!(server.service.log_bytes(), 20 * one);
}

/// Decision 5: "the standalone stream starts anew with the change notifications for all that it may
/// have missed". Here the log has no room at all.
#[tokio::test]
async fn what_could_not_be_kept_is_told_all_the_same() {
    let (server, changes) = TestServer::changing_with(|it| it.stream_log(0, 0)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        changes.tools_changed();
        let mut stream = Stream::open(&server, &session.get(None)).await;
        let (id, message) = stream.message().await;
        assert_eq!((id, &message["method"]), (None, &json!(CHANGED)), "{version}");
        // And where somebody is there.
        changes.tools_changed();
        assert_eq!(stream.message().await.1["method"], CHANGED, "{version}");
        let answer = session.send(&server, &call(1, "echo", json!({}))).await;
        assert_eq!(json_gist(&answer), "1={}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Tools, Capabilities: "`listChanged` indicates whether the
/// server will emit notifications". It is declared exactly where it will.
#[tokio::test]
async fn initialize_declares_it_where_it_can_be_told() {
    use mcp_http::StandaloneStream::{Auto, Refuse, Serve};
    let tools = async |server: &TestServer, version: &str| -> Value {
        let opened = server.connect().await.send(&post(&[], &initialize(version))).await;
        opened.json()["result"]["capabilities"]["tools"].clone()
    };
    for version in VERSIONS {
        for (policy, declared) in [(Auto, true), (Serve, true), (Refuse, false)] {
            let options = |it: mcp_http::McpServiceBuilder| it.standalone_stream(policy);
            let expected = if declared { json!({"listChanged": true}) } else { json!({}) };
            let (server, changes) = TestServer::changing_with(options).await;
            assert_eq!(tools(&server, version).await, expected, "{version}, {policy:?}");
            Session::open(&server, version).await;
            changes.tools_changed();
            assert_eq!(server.service.log_bytes() > 0, declared, "{version}, {policy:?}");
            assert_eq!(tools(&TestServer::with(options).await, version).await, json!({}));
        }
        let (server, _) = TestServer::changing_with(|it| it.without_legacy_sessions()).await;
        assert_eq!(tools(&server, version).await, json!({}), "{version}, without sessions");
    }
}
