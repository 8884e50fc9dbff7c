//! 2026-07-28, Subscriptions, Notification Filter: prompts, resources, and single resources on the
//! streams of `subscriptions/listen`.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use http_body::Body;
use hyper::service::Service;
use mcp_http::{Changes, Framing, McpService, ResponseBody, Server};
use serde_json::{Value, json};

use super::listen::{ACKNOWLEDGED, Listen, acknowledgement, assert_result, tagged};
use crate::support::h2::parsed;
use crate::support::messages::{listen, modern};
use crate::support::server::{Probe, TestServer, readable, tools};
use crate::support::wire::Event;

const CONFIG: &str = "file:///project/config.json";
const MAIN: &str = "file:///project/src/main.rs";

fn updated(id: impl Into<Value>, uri: &str) -> Value {
    let params = json!({"_meta": tagged(id), "uri": uri});
    json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params})
}

fn list_changed(id: impl Into<Value>, list: &str) -> Value {
    let method = format!("notifications/{list}/list_changed");
    json!({"jsonrpc": "2.0", "method": method, "params": {"_meta": tagged(id)}})
}

/// A subscription whose whole filter was acknowledged.
async fn listening(server: &TestServer, id: &str, filter: Value) -> Listen {
    let mut stream = Listen::begin(server, &listen(id, filter.clone())).await;
    assert_eq!(stream.message().await, acknowledgement(id, filter));
    stream
}

/// Tells of everything there is.
fn all_changes(changes: &Changes) {
    changes.tools_changed();
    changes.prompts_changed();
    changes.resources_changed();
    for uri in [CONFIG, MAIN, "file:///other"] {
        changes.resource_updated(uri);
    }
}

/// 2026-07-28, Subscriptions, Opening a Stream: "The server MUST NOT send notification types the
/// client has not explicitly requested"; Receiving Notifications: all carry the `subscriptionId`. The
/// acknowledgement names the URIs as they were asked for.
#[tokio::test]
async fn each_subscription_is_told_of_what_it_asked_for_and_of_nothing_else() {
    let (server, changes) = TestServer::watched().await;
    let all = json!({
        "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
        "resourceSubscriptions": [MAIN, CONFIG],
    });
    let cases = [
        ("prompts", json!({"promptsListChanged": true}), vec![list_changed("prompts", "prompts")]),
        (
            "resources",
            json!({"resourcesListChanged": true}),
            vec![list_changed("resources", "resources")],
        ),
        ("main", json!({"resourceSubscriptions": [MAIN]}), vec![updated("main", MAIN)]),
        (
            "both",
            json!({"toolsListChanged": true, "resourceSubscriptions": [MAIN, CONFIG]}),
            vec![list_changed("both", "tools"), updated("both", CONFIG), updated("both", MAIN)],
        ),
        (
            "all",
            all,
            vec![
                list_changed("all", "tools"),
                list_changed("all", "prompts"),
                list_changed("all", "resources"),
                updated("all", CONFIG),
                updated("all", MAIN),
            ],
        ),
    ];
    let mut streams = Vec::new();
    for (id, filter, expected) in cases {
        streams.push((listening(&server, id, filter).await, expected));
    }
    for _ in 0..2 {
        all_changes(&changes);
        for (stream, expected) in &mut streams {
            for message in expected {
                assert_eq!(stream.message().await, *message);
            }
        }
    }
}

/// 2026-07-28, Subscriptions, Multiple Concurrent Subscriptions: "one listening for tools-list
/// changes and another for resource updates". The end of one is none of the other.
#[tokio::test]
async fn subscriptions_of_one_client_are_apart() {
    let (server, changes) = TestServer::watched().await;
    let filter = json!({"resourceSubscriptions": [CONFIG]});
    let first = listening(&server, "1", filter.clone()).await;
    let mut second = listening(&server, "2", filter).await;
    let mut lists = listening(&server, "3", json!({"resourcesListChanged": true})).await;
    assert_eq!(server.parked(), 3);
    drop(first);
    server.until_parked(2).await;
    changes.resource_updated(CONFIG);
    changes.resources_changed();
    assert_eq!(second.message().await, updated("2", CONFIG));
    assert_eq!(lists.message().await, list_changed("3", "resources"));
}

/// 2026-07-28, Subscriptions, Acknowledgment: what is omitted can never be told, and where that is
/// all the subscription ends at once.
#[tokio::test]
async fn what_a_server_does_not_have_is_omitted() {
    let (server, changes) = TestServer::changing().await;
    let filter = json!({
        "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
        "resourceSubscriptions": [CONFIG],
    });
    let mut stream = Listen::begin(&server, &listen(1, filter)).await;
    assert_eq!(stream.message().await, acknowledgement(1, json!({"toolsListChanged": true})));
    all_changes(&changes);
    assert_eq!(stream.message().await, list_changed(1, "tools"));
    let (server, _changes) = TestServer::watched().await;
    let nothing = json!({"resourceSubscriptions": []});
    let answer = server.connect().await.send(&listen(1, nothing)).await;
    let messages: Vec<_> = answer.events().iter().filter_map(Event::message).collect();
    assert_eq!(messages[0], acknowledgement(1, json!({})));
    assert_result(&messages[1], 1);
    assert_eq!((messages.len(), server.parked()), (2, 0));
}

/// The frames of a body that are there without waiting.
async fn available(body: &mut ResponseBody) -> Vec<String> {
    let mut said = Vec::new();
    loop {
        let next = poll_fn(|task| Poll::Ready(Pin::new(&mut *body).poll_frame(task))).await;
        let Poll::Ready(Some(frame)) = next else { return said };
        let data = frame.expect("infallible").into_data().expect("data");
        said.push(String::from_utf8(data.to_vec()).expect("UTF-8"));
    }
}

/// DESIGN, decision 8: what waits for a reader that does not read is bounded: of each resource one
/// notification, in the order in which they were first updated.
#[tokio::test]
async fn a_burst_is_told_once_for_each_resource_to_a_reader_that_was_slow() {
    let changes = Changes::new();
    let server = readable(tools(Server::builder("s", "1"), &Probe::default())).changes(&changes);
    let service = McpService::builder(server.build().expect("a server")).build().expect("built");
    let filter = json!({"resourceSubscriptions": [CONFIG, MAIN]});
    let response = service.call(parsed(&listen(1, filter))).await.expect("infallible");
    let mut body = response.into_body();
    for _ in 0..10_000 {
        changes.resource_updated(MAIN);
        changes.resource_updated(CONFIG);
    }
    let said = available(&mut body).await;
    assert_eq!(said.len(), 3, "{said:?}");
    let expected = [ACKNOWLEDGED, MAIN, CONFIG];
    assert!(said.iter().zip(expected).all(|(said, text)| said.contains(text)), "{said:?}");
}

/// 2026-07-28, Subscriptions, Graceful Closure. What changed before the end is said before it.
#[tokio::test]
async fn the_end_of_a_subscription_comes_after_the_updates_before_it() {
    let (server, changes) = TestServer::watched().await;
    let mut stream =
        listening(&server, "1", json!({"resourceSubscriptions": [CONFIG, MAIN]})).await;
    server.service.begin_drain(std::time::Duration::from_millis(200));
    changes.resource_updated(MAIN);
    changes.resource_updated(CONFIG);
    assert_eq!(stream.message().await, updated("1", MAIN));
    assert_eq!(stream.message().await, updated("1", CONFIG));
    assert_result(&stream.message().await, "1");
    stream.end().await;
}

/// DESIGN, decision 8: everything has a limit and a test at the limit; an error says what to do.
#[tokio::test]
async fn a_subscription_that_names_too_many_resources_is_an_error_that_says_what_to_do() {
    let (server, changes) = TestServer::watched_with(|it| it.max_subscriptions(3, 20)).await;
    let most = json!(["u:1", "u:2", "u:2", "u:34567890"]);
    let mut stream =
        Listen::begin(&server, &listen(1, json!({ "resourceSubscriptions": most }))).await;
    let honoured = json!({"resourceSubscriptions": ["u:1", "u:2", "u:34567890"]});
    assert_eq!(stream.message().await, acknowledgement(1, honoured));
    changes.resource_updated("u:34567890");
    assert_eq!(stream.message().await, updated(1, "u:34567890"));
    for (uris, says) in [
        (json!(["u:1", "u:2", "u:3", "u:4"]), "3 subscriptions to resources: open another"),
        (json!(["u:1", "u:2", "u:3456789012345"]), "20 bytes in all: open another"),
        (json!(["u".repeat(8_001)]), "8000 bytes"),
    ] {
        let filter = json!({"toolsListChanged": true, "resourceSubscriptions": uris});
        let answer = server.connect().await.send(&listen("l", filter)).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{}", answer.text());
        assert_eq!(answer.json()["id"], "l");
        assert!(answer.text().contains(says), "{}", answer.text());
    }
    assert_eq!(server.parked(), 1);
}

/// What subscriptions name counts towards what the service may hold in all, and is given back.
#[tokio::test]
async fn where_memory_is_short_a_subscription_to_resources_is_503() {
    let (server, _changes) = TestServer::watched_with(|it| it.max_held_bytes(10_000)).await;
    let long = |n: usize| json!({"resourceSubscriptions": [format!("{n}{}", "u".repeat(3_900))]});
    let mut open = Vec::new();
    for n in 0..2 {
        open.push(listening(&server, "1", long(n)).await);
    }
    let refused = server.connect().await.send(&listen("l", long(2))).await;
    assert_eq!((refused.status(), refused.code()), (503, Some(-32603)), "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    // One that names nothing takes nothing.
    let lists = listening(&server, "2", json!({"toolsListChanged": true})).await;
    open.pop();
    server.until_parked(2).await;
    drop(listening(&server, "3", long(2)).await);
    drop(lists);
}

/// 2026-07-28, Schema, `SubscriptionFilter`.
#[tokio::test]
async fn a_filter_whose_members_are_of_other_types_is_an_error_of_the_request() {
    let (server, _changes) = TestServer::watched().await;
    for filter in [
        json!({"promptsListChanged": "yes"}),
        json!({"resourcesListChanged": 1}),
        json!({"resourceSubscriptions": CONFIG}),
        json!({"resourceSubscriptions": true}),
        json!({"resourceSubscriptions": [CONFIG, 7]}),
        json!({"resourceSubscriptions": [{"uri": CONFIG}]}),
    ] {
        let answer = server.connect().await.send(&listen(1, filter.clone())).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{filter}");
    }
    assert_eq!(server.parked(), 0);
}

/// 2026-07-28, Resources, Capabilities; Prompts, Capabilities: what is declared is served. Nothing is
/// where answers can be no streams.
#[tokio::test]
async fn what_can_be_listened_to_is_declared() {
    let capabilities = async |server: &TestServer| -> Value {
        let request = modern(1, "server/discover", json!({}), &[]);
        let answer = server.connect().await.send(&request).await;
        answer.json()["result"]["capabilities"].clone()
    };
    let (server, _) = TestServer::watched().await;
    let declared = capabilities(&server).await;
    assert_eq!(declared["prompts"], json!({"listChanged": true}));
    assert_eq!(declared["resources"], json!({"subscribe": true, "listChanged": true}));
    let (server, _) = TestServer::watched_with(|it| it.framing(Framing::JsonOnly)).await;
    let declared = capabilities(&server).await;
    assert_eq!((&declared["prompts"], &declared["resources"]), (&json!({}), &json!({})));
    // Legacy clients that cannot be told are no reason.
    let refuse = mcp_http::StandaloneStream::Refuse;
    let (server, _) = TestServer::watched_with(|it| it.standalone_stream(refuse)).await;
    assert_eq!(capabilities(&server).await["resources"]["subscribe"], true);
}

/// 2026-07-28, Subscriptions: `subscriptions/listen` "replaces the former `resources/subscribe` RPC".
#[tokio::test]
async fn the_methods_of_earlier_revisions_are_not_there() {
    let (server, _changes) = TestServer::watched().await;
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        let request = modern(1, method, json!({ "uri": CONFIG }), &[]);
        let answer = server.connect().await.send(&request).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
}
