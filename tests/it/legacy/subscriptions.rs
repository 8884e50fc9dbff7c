//! 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, Subscriptions and List Changed Notification;
//! Prompts, List Changed Notification: on the standalone streams of sessions.

use mcp_http::StandaloneStream;
use serde_json::{Value, json};

use super::{Cut, LATEST, Stream, VERSIONS, json_gist};
use crate::support::messages::{Session, call, initialize, post, request};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

const UPDATED: &str = "notifications/resources/updated";
const CONFIG: &str = "file:///project/config.json";
const MAIN: &str = "file:///project/src/main.rs";

fn updated(uri: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": uri}})
}

async fn ask(server: &TestServer, session: &Session, method: &str, params: Value) -> Answer {
    session.send(server, &request("s", method, params)).await
}

async fn subscribe(server: &TestServer, session: &Session, uri: &str) {
    let answer = ask(server, session, "resources/subscribe", json!({ "uri": uri })).await;
    assert_eq!(json_gist(&answer), "s={}", "{}", answer.text());
}

async fn unsubscribe(server: &TestServer, session: &Session, uri: &str) {
    let answer = ask(server, session, "resources/unsubscribe", json!({ "uri": uri })).await;
    assert_eq!(json_gist(&answer), "s={}", "{}", answer.text());
}

/// A standalone stream whose first byte has come.
async fn listening(server: &TestServer, session: &Session) -> Stream {
    let mut stream = Stream::open(server, &session.get(None)).await;
    stream.next().await.expect("a first byte");
    stream
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, Subscriptions: "Clients can subscribe to
/// specific resources and receive notifications when they change".
#[tokio::test]
async fn a_session_is_told_of_the_resources_that_it_subscribed_to_and_no_other_session_is() {
    let (server, changes) = TestServer::watched().await;
    for version in VERSIONS {
        let one = Session::open(&server, version).await;
        let other = Session::open(&server, version).await;
        let mut ones = listening(&server, &one).await;
        let mut others = listening(&server, &other).await;
        changes.resource_updated(CONFIG);
        subscribe(&server, &one, CONFIG).await;
        subscribe(&server, &one, CONFIG).await;
        subscribe(&server, &other, MAIN).await;
        for uri in [CONFIG, "file:///project", "FILE:///project/config.json", MAIN] {
            changes.resource_updated(uri);
        }
        assert_eq!(ones.message().await.1, updated(CONFIG), "{version}");
        assert_eq!(others.message().await.1, updated(MAIN), "{version}");
        for session in [&one, &other] {
            assert_eq!(session.end(&server).await.status(), 204);
        }
        for stream in [&mut ones, &mut others] {
            assert_eq!(stream.gists().await, [""; 0], "{version}");
        }
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), schema, `UnsubscribeRequest`: "cancellation of
/// resources/updated notifications". It takes back what waits as well.
#[tokio::test]
async fn a_session_that_unsubscribed_is_told_nothing_more() {
    let (server, changes) = TestServer::watched().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for uri in [CONFIG, MAIN] {
            subscribe(&server, &session, uri).await;
            changes.resource_updated(uri);
        }
        unsubscribe(&server, &session, CONFIG).await;
        unsubscribe(&server, &session, CONFIG).await;
        unsubscribe(&server, &session, "file:///never").await;
        changes.resource_updated(CONFIG);
        let mut stream = Stream::open(&server, &session.get(None)).await;
        assert_eq!(stream.message().await.1, updated(MAIN), "{version}");
        changes.resource_updated(CONFIG);
        unsubscribe(&server, &session, MAIN).await;
        changes.resource_updated(MAIN);
        assert_eq!(session.end(&server).await.status(), 204);
        assert_eq!(stream.gists().await, [""; 0], "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, and Prompts, List Changed Notification:
/// "servers that declared the `listChanged` capability SHOULD send a notification".
#[tokio::test]
async fn every_session_is_told_that_a_list_has_changed_without_subscribing() {
    let (server, changes) = TestServer::watched().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut stream = listening(&server, &session).await;
        changes.prompts_changed();
        changes.resources_changed();
        changes.tools_changed();
        for list in ["prompts", "resources", "tools"] {
            let method = format!("notifications/{list}/list_changed");
            let expected = json!({"jsonrpc": "2.0", "method": method, "params": {}});
            assert_eq!(stream.message().await.1, expected, "{version}");
        }
    }
}

/// The issue, Change notifications: "coalescing of bursts". Nothing piles up for a client that is
/// away, and it is told of each resource once when it comes.
#[tokio::test]
async fn a_burst_is_told_once_for_each_resource() {
    let (server, changes) = TestServer::watched().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut one = 0;
        for uri in [CONFIG, MAIN] {
            subscribe(&server, &session, uri).await;
            one += updated(uri).to_string().len();
        }
        for _ in 0..2 {
            for _ in 0..1_000 {
                changes.resource_updated(MAIN);
                changes.resource_updated(CONFIG);
            }
            assert_eq!(server.service.log_bytes(), one, "{version}");
            let mut stream = Stream::open(&server, &session.get(None)).await;
            assert_eq!(stream.message().await.1, updated(MAIN), "{version}");
            assert_eq!(stream.message().await.1, updated(CONFIG), "{version}");
            stream.cut(Cut::Rst).await;
            server.until_parked(0).await;
            // What was given is kept for a client that resumes.
            one *= 2;
        }
        assert_eq!(session.end(&server).await.status(), 204);
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Resumability and Redelivery, 2.
#[tokio::test]
async fn an_update_is_replayed_to_a_client_whose_connection_broke() {
    let (server, changes) = TestServer::watched().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        subscribe(&server, &session, CONFIG).await;
        let mut stream = listening(&server, &session).await;
        changes.tools_changed();
        let (id, _) = stream.message().await;
        changes.resource_updated(CONFIG);
        assert_eq!(stream.message().await.1, updated(CONFIG));
        stream.cut(Cut::Rst).await;
        let mut resumed = Stream::open(&server, &session.get(id.as_deref())).await;
        assert_eq!(resumed.message().await.1, updated(CONFIG), "{version}");
    }
}

/// Decision 5: "the standalone stream starts anew with the change notifications for all that it may
/// have missed". Here the log has no room at all.
#[tokio::test]
async fn a_gap_tells_of_all_lists_and_of_every_resource_subscribed_to() {
    let (server, changes) = TestServer::watched_with(|it| it.stream_log(0, 0)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for uri in [MAIN, CONFIG, "file:///never"] {
            subscribe(&server, &session, uri).await;
        }
        unsubscribe(&server, &session, "file:///never").await;
        changes.resource_updated(MAIN);
        let mut stream = Stream::open(&server, &session.get(None)).await;
        for _ in 0..2 {
            let mut told = Vec::new();
            for _ in 0..5 {
                let (id, message) = stream.message().await;
                assert_eq!(id, None, "{version}: {message}");
                told.push(message);
            }
            let lists = ["tools", "prompts", "resources"]
                .map(|list| json!(format!("notifications/{list}/list_changed")));
            let methods: Vec<_> = told.iter().map(|it| it["method"].clone()).collect();
            assert_eq!(methods[..3], lists, "{version}");
            assert_eq!(told[3..], [updated(CONFIG), updated(MAIN)], "{version}");
            // And where somebody is there.
            changes.resource_updated(CONFIG);
        }
    }
}

/// DESIGN, decision 8: everything has a limit and a test at the limit; an error says what to do.
#[tokio::test]
async fn at_the_limit_one_more_subscription_is_an_error_that_says_what_to_do() {
    let (server, changes) = TestServer::watched_with(|it| it.max_subscriptions(2, 10)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for uri in ["u:1", "u:2", "u:1"] {
            subscribe(&server, &session, uri).await;
        }
        let assert_refused = async |uri: &str, says: &str| {
            let params = json!({ "uri": uri });
            let answer = ask(&server, &session, "resources/subscribe", params).await;
            assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{version}");
            assert_eq!(answer.json()["id"], "s");
            assert!(answer.text().contains(says), "{}", answer.text());
        };
        assert_refused("u:3", "2 subscriptions to resources: unsubscribe from some").await;
        unsubscribe(&server, &session, "u:1").await;
        assert_refused("u:345678", "10 bytes in all: unsubscribe from some").await;
        assert_refused(&"u".repeat(8_001), "8000 bytes").await;
        subscribe(&server, &session, "u:34567").await;
        for uri in ["u:1", "u:3", "u:34567"] {
            changes.resource_updated(uri);
        }
        let mut stream = Stream::open(&server, &session.get(None)).await;
        assert_eq!(stream.message().await.1, updated("u:34567"), "{version}");
    }
}

/// By default a session may have 256, and those of others do not count.
#[tokio::test]
async fn a_session_may_subscribe_to_256_resources() {
    let (server, _changes) = TestServer::watched().await;
    for _ in 0..2 {
        let session = Session::open(&server, LATEST).await;
        let mut wire = server.connect().await;
        for n in 0..=256 {
            let params = json!({ "uri": format!("file:///{n}") });
            let request = request(n, "resources/subscribe", params);
            let answer = wire.send(&session.post(&request)).await;
            assert_eq!(answer.code(), (n == 256).then_some(-32602), "{n}");
        }
    }
}

/// What clients subscribe to counts towards what the service may hold in all, and is given back.
#[tokio::test]
async fn where_memory_is_short_a_subscription_is_503() {
    let (server, _changes) = TestServer::watched_with(|it| it.max_held_bytes(10_000)).await;
    let session = Session::open(&server, LATEST).await;
    let long = |n: usize| json!({ "uri": format!("file:///{n}/{}", "u".repeat(4_000)) });
    for n in 0..2 {
        let answer = ask(&server, &session, "resources/subscribe", long(n)).await;
        assert_eq!(json_gist(&answer), "s={}");
    }
    let answer = ask(&server, &session, "resources/subscribe", long(2)).await;
    assert_eq!((answer.status(), answer.code()), (503, Some(-32603)), "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    assert_eq!(session.end(&server).await.status(), 204);
    let session = Session::open(&server, LATEST).await;
    let answer = ask(&server, &session, "resources/subscribe", long(2)).await;
    assert_eq!(json_gist(&answer), "s={}");
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), schema, `SubscribeRequest`: `uri` is required, and a
/// string.
#[tokio::test]
async fn what_is_no_uri_is_an_error_of_the_request() {
    let (server, _changes) = TestServer::watched().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for params in [
            json!({}),
            json!({"uri": null}),
            json!({"uri": 7}),
            json!({"uri": [CONFIG]}),
            json!({"uri": ""}),
            json!({"URI": CONFIG}),
        ] {
            for method in ["resources/subscribe", "resources/unsubscribe"] {
                let answer = ask(&server, &session, method, params.clone()).await;
                let what = format!("{version}, {method}, {params}");
                assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{what}");
            }
        }
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, Capabilities: "`subscribe`: whether the client
/// can subscribe to be notified of changes to individual resources". It is declared exactly where it
/// can, and elsewhere there is no such method.
#[tokio::test]
async fn subscribing_is_declared_where_it_is_served_and_is_no_method_elsewhere() {
    use StandaloneStream::{Auto, Refuse, Serve};
    async fn assert_declared(server: &TestServer, version: &str, is_told: bool) {
        let opened = server.connect().await.send(&post(&[], &initialize(version))).await;
        let capabilities = opened.json()["result"]["capabilities"].clone();
        let (list, resources) = match is_told {
            true => (json!({"listChanged": true}), json!({"subscribe": true, "listChanged": true})),
            false => (json!({}), json!({})),
        };
        assert_eq!(capabilities["prompts"], list, "{version}");
        assert_eq!(capabilities["resources"], resources, "{version}");
        let headers: Vec<_> =
            opened.header("mcp-session-id").map(|id| ("Mcp-Session-Id", id)).into_iter().collect();
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            let body = request(1, method, json!({ "uri": CONFIG }));
            let answer = server.connect().await.send(&post(&headers, &body)).await;
            let code = (!is_told).then_some(-32601);
            assert_eq!((answer.status(), answer.code()), (200, code), "{version}, {method}");
        }
    }
    for version in VERSIONS {
        for (policy, is_told) in [(Auto, true), (Serve, true), (Refuse, false)] {
            let (server, _) = TestServer::watched_with(|it| it.standalone_stream(policy)).await;
            assert_declared(&server, version, is_told).await;
        }
        let (server, _) = TestServer::watched_with(|it| it.without_legacy_sessions()).await;
        assert_declared(&server, version, false).await;
    }
    // With resources, and nothing that would tell of them.
    let server = TestServer::with_server(crate::support::server::readable, |it| it).await;
    assert_declared(&server, LATEST, false).await;
    // With something that would, and no resources.
    let (server, _) = TestServer::changing().await;
    let session = Session::open(&server, LATEST).await;
    let answer = ask(&server, &session, "resources/subscribe", json!({ "uri": CONFIG })).await;
    assert_eq!((answer.status(), answer.code()), (200, Some(-32601)));
}

/// 2025-03-26, Base Protocol, Batching: each of its requests has an answer of its own.
#[tokio::test]
async fn a_batch_may_subscribe_to_several() {
    let (server, changes) = TestServer::watched().await;
    let session = Session::open(&server, VERSIONS[0]).await;
    let batch = [("resources/subscribe", CONFIG), ("resources/subscribe", MAIN)]
        .map(|(method, uri)| request(uri, method, json!({ "uri": uri })));
    let answer = session.send(&server, &format!("[{},{}]", batch[0], batch[1])).await;
    let answers = answer.json();
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
    changes.resource_updated(MAIN);
    changes.resource_updated(CONFIG);
    let mut stream = Stream::open(&server, &session.get(None)).await;
    assert_eq!(stream.message().await.1, updated(MAIN));
    assert_eq!(stream.message().await.1, updated(CONFIG));
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Sending Messages to the Server, 6: what is on
/// the stream of a call relates to the call.
#[tokio::test]
async fn the_streams_of_calls_carry_no_updates() {
    let (server, changes) = TestServer::watched().await;
    let session = Session::open(&server, LATEST).await;
    subscribe(&server, &session, CONFIG).await;
    let mut post = Stream::waiting(&server, &session, 1, 1).await;
    post.expect("t1:1").await;
    changes.resource_updated(CONFIG);
    server.probe.release(1);
    assert_eq!(post.gists().await, ["1=waited"]);
    let answer = session.send(&server, &call(2, "echo", json!({}))).await;
    assert_eq!(json_gist(&answer), "2={}");
    let mut get = Stream::open(&server, &session.get(None)).await;
    assert_eq!(get.message().await.1, updated(CONFIG));
}
