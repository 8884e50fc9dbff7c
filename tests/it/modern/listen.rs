//! 2026-07-28, Subscriptions: `subscriptions/listen`, its acknowledgement, its filter, its ids and
//! its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use http_body::Body;
use http_body_util::BodyExt;
use hyper::service::Service;
use mcp_http::{Changes, Framing, McpService, ResponseBody, Server, StreamEnd, StreamKind, serve};
use serde_json::{Value, json};

use crate::support::h2::{H2, parsed, parsed_h2};
use crate::support::messages::{assert_serves, listen, modern, modern_call, stream_head};
use crate::support::server::{Probe, TestServer, tools};
use crate::support::wire::{Event, PATIENCE, Wire};

/// Streams end within the first half of this.
const DEADLINE: Duration = Duration::from_millis(200);

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
const CHANGED: &str = "notifications/tools/list_changed";
pub(super) const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// A subscription's stream, read event by event.
pub(super) struct Listen {
    wire: Wire,
    held: Vec<u8>,
}

impl Listen {
    /// Sends a request on a connection of its own, and reads the head of the stream.
    pub(super) async fn begin(server: &TestServer, request: &str) -> Self {
        Self::on(server.connect().await, request).await
    }

    async fn on(mut wire: Wire, request: &str) -> Self {
        wire.write(request.as_bytes()).await;
        stream_head(&mut wire).await;
        Self { wire, held: Vec::new() }
    }

    /// A subscription to changes of tools that was acknowledged.
    async fn tools(server: &TestServer, id: impl Into<Value>) -> Self {
        let mut stream = Self::begin(server, &listen(id, tools_changed())).await;
        assert_eq!(stream.message().await["method"], ACKNOWLEDGED);
        stream
    }

    async fn next(&mut self) -> Option<Event> {
        self.wire.event(&mut self.held).await
    }

    pub(super) async fn message(&mut self) -> Value {
        loop {
            let event = self.next().await.expect("a message before the end of the stream");
            assert_eq!((&event.id, event.retry), (&None, None), "nothing resumes it");
            if let Some(message) = event.message() {
                return message;
            }
        }
    }

    pub(super) async fn end(&mut self) {
        assert_eq!(self.next().await, None);
    }
}

fn tools_changed() -> Value {
    json!({"toolsListChanged": true})
}

pub(super) fn tagged(id: impl Into<Value>) -> Value {
    json!({ SUBSCRIPTION_ID: id.into() })
}

pub(super) fn acknowledgement(id: impl Into<Value>, honoured: Value) -> Value {
    let params = json!({"_meta": tagged(id), "notifications": honoured});
    json!({"jsonrpc": "2.0", "method": ACKNOWLEDGED, "params": params})
}

fn change(id: impl Into<Value>) -> Value {
    json!({"jsonrpc": "2.0", "method": CHANGED, "params": {"_meta": tagged(id)}})
}

/// 2026-07-28, Subscriptions, Graceful Closure; Base Protocol, `_meta`.
#[track_caller]
pub(super) fn assert_result(message: &Value, id: impl Into<Value>) {
    let id = id.into();
    assert_eq!((&message["id"], &message["jsonrpc"]), (&id, &json!("2.0")), "{message}");
    let result = &message["result"];
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["_meta"][SUBSCRIPTION_ID], id);
    assert_eq!(
        result["_meta"]["io.modelcontextprotocol/serverInfo"],
        json!({"name": "test-server", "version": "1.2.3"})
    );
    assert_eq!(result.as_object().map(serde_json::Map::len), Some(2), "{result}");
}

/// 2026-07-28, Subscriptions, Acknowledgment: "The server MUST send
/// `notifications/subscriptions/acknowledged` as the first message carrying the subscription's ID".
/// Here it is the first byte, too.
#[tokio::test]
async fn the_acknowledgement_is_the_first_message_and_comes_at_once() {
    let (server, changes) = TestServer::changing().await;
    for id in [json!(1), json!("listen-1"), json!(-7), json!(9_007_199_254_740_993_u64)] {
        let mut stream = Listen::begin(&server, &listen(id.clone(), tools_changed())).await;
        changes.tools_changed();
        let first = stream.next().await.expect("an event");
        assert_eq!(first.message(), Some(acknowledgement(id.clone(), tools_changed())));
        assert_eq!(stream.message().await, change(id));
    }
}

/// 2026-07-28, Subscriptions, Acknowledgment: "The `notifications` field in the acknowledgment
/// reflects the subset the server agreed to honor. Notification types the server does not support are
/// omitted."
#[tokio::test]
async fn what_is_not_supported_is_omitted_and_what_is_unknown_ignored() {
    let (server, changes) = TestServer::changing().await;
    let filter = json!({
        "promptsListChanged": true,
        "toolsListChanged": true,
        "resourcesListChanged": true,
        "resourceSubscriptions": ["file:///project/config.json"],
        "com.example/weather": {"city": "Oslo"},
    });
    let mut stream = Listen::begin(&server, &listen(1, filter)).await;
    assert_eq!(stream.message().await, acknowledgement(1, tools_changed()));
    changes.tools_changed();
    assert_eq!(stream.message().await, change(1));
}

/// FACTS, others: "listen acknowledged but nothing ever delivered". What can never deliver anything
/// is acknowledged as that, and its result ends it at once: nothing is parked.
#[tokio::test]
async fn a_subscription_to_nothing_is_acknowledged_as_that_and_ends() {
    let (server, changes) = TestServer::changing().await;
    for filter in [
        json!({}),
        json!({"toolsListChanged": false}),
        json!({"toolsListChanged": null}),
        json!({"promptsListChanged": true, "resourceSubscriptions": ["file:///a"]}),
        json!({"unknown": true}),
    ] {
        let answer = server.connect().await.send(&listen("l", filter.clone())).await;
        changes.tools_changed();
        assert_eq!(answer.status(), 200, "{filter}");
        let messages: Vec<_> = answer.events().iter().filter_map(Event::message).collect();
        assert_eq!(messages.len(), 2, "{filter}: {messages:?}");
        assert_eq!(messages[0], acknowledgement("l", json!({})));
        assert_result(&messages[1], "l");
        assert_eq!(server.parked(), 0);
    }
}

/// 2026-07-28, Subscriptions, Multiple Concurrent Subscriptions; Receiving Notifications: "All
/// notifications delivered on the stream carry `io.modelcontextprotocol/subscriptionId`". That the id
/// is wrong is not noticed by the suite.
#[tokio::test]
async fn concurrent_subscriptions_are_each_told_under_their_own_id() {
    let (server, changes) = TestServer::changing().await;
    let ids = [json!(1), json!(2), json!("1"), json!(1), json!("")];
    let mut streams = Vec::new();
    for id in ids {
        streams.push((id.clone(), Listen::tools(&server, id).await));
    }
    assert_eq!(server.parked(), 5);
    for _ in 0..3 {
        changes.tools_changed();
        for (id, stream) in &mut streams {
            assert_eq!(stream.message().await, change(id.clone()));
        }
    }
}

/// RFC 9113: they may share a connection.
#[tokio::test]
async fn subscriptions_on_one_connection_are_each_told_on_their_own_stream() {
    let (server, changes) = TestServer::changing().await;
    let mut h2 = H2::connect(server.addr).await;
    let mut bodies = Vec::new();
    for id in 1..=3 {
        let response = h2.send(parsed_h2(&listen(id, tools_changed()))).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        bodies.push((id, response.into_body()));
    }
    for round in 0..3 {
        for (id, body) in &mut bodies {
            let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("a frame");
            let data = frame.expect("more").expect("a body").into_data().expect("data");
            let text = String::from_utf8(data.to_vec()).expect("UTF-8");
            let event: Value =
                serde_json::from_str(text.trim_start_matches("data: ")).expect("a message");
            let first = acknowledgement(*id, tools_changed());
            assert_eq!(event, if round == 0 { first } else { change(*id) });
        }
        changes.tools_changed();
    }
}

/// 2026-07-28, Streamable HTTP, Receiving Messages: "Request-scoped notifications like
/// `notifications/progress` and `notifications/message` are not delivered on the listen stream";
/// nor is what changes delivered on another. That foreign ones come is not noticed by the suite.
#[tokio::test]
async fn what_calls_say_and_what_changes_never_share_a_stream() {
    let (server, changes) = TestServer::changing().await;
    let mut stream = Listen::tools(&server, 1).await;
    let meta = json!({"progressToken": "t", "io.modelcontextprotocol/logLevel": "debug"});
    let params = json!({"name": "wait", "arguments": {"progress": 2}, "_meta": meta});
    let mut call = server.connect().await;
    call.write(modern(1, "tools/call", params, &[]).as_bytes()).await;
    stream_head(&mut call).await;
    server.probe.started(1).await;
    changes.tools_changed();
    server.probe.release(1);
    let mut held = Vec::new();
    while let Some(event) = call.event(&mut held).await {
        let message = event.message().unwrap_or_default();
        assert_ne!(message["method"], CHANGED, "{message}");
    }
    assert_eq!(stream.message().await, change(1));
    changes.tools_changed();
    assert_eq!(stream.message().await, change(1), "nothing of the call came between");
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

/// DESIGN, decision 8: what waits for a reader that does not read is bounded, here by one
/// notification of each kind.
#[tokio::test]
async fn a_burst_is_told_once_to_a_reader_that_was_slow() {
    let changes = Changes::new();
    let server = tools(Server::builder("s", "1"), &Probe::default()).changes(&changes);
    let service = McpService::builder(server.build().expect("a server")).build().expect("built");
    let response = service.call(parsed(&listen(1, tools_changed()))).await.expect("infallible");
    let mut body = response.into_body();
    for _ in 0..10_000 {
        changes.tools_changed();
    }
    let said = available(&mut body).await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains(ACKNOWLEDGED) && said[1].contains(CHANGED), "{said:?}");
}

/// 2026-07-28, Subscriptions, Cancellation: "The client cancels it — close the SSE stream (HTTP)".
#[tokio::test]
async fn a_disconnect_ends_the_subscription() {
    let (server, changes) = TestServer::changing().await;
    for cut in ["FIN", "RST"] {
        let mut stream = Listen::tools(&server, cut).await;
        let mut other = Listen::tools(&server, "other").await;
        assert_eq!(server.parked(), 2);
        if cut == "FIN" {
            stream.wire.fin().await;
            stream.wire.closed().await;
        } else {
            stream.wire.reset();
        }
        server.until_parked(1).await;
        changes.tools_changed();
        assert_eq!(other.message().await, change("other"), "{cut}");
        drop(other);
        server.until_parked(0).await;
    }
    let mut h2 = H2::connect(server.addr).await;
    let response = h2.send(parsed_h2(&listen(1, tools_changed()))).await;
    assert_eq!(server.parked(), 1);
    drop(response);
    server.until_parked(0).await;
    assert_serves(&server).await;
}

/// 2026-07-28, Subscriptions, Graceful Closure: the server "SHOULD respond to the original
/// `subscriptions/listen` request with a completion result before closing the stream". Over HTTP
/// there is no `notifications/cancelled`, which the schema keeps for stdio. What changed before the
/// end is said before it.
#[tokio::test]
async fn the_end_of_the_server_is_the_result_of_the_request() {
    let (server, changes) = TestServer::changing().await;
    for id in [json!(1), json!("listen-1")] {
        let another = serve(server.service.clone()).shutdown_deadline(DEADLINE);
        let running = another.bind("127.0.0.1:0").await.expect("a free port");
        let wire = Wire::connect(running.local_addr()).await;
        let mut stream = Listen::on(wire, &listen(id.clone(), tools_changed())).await;
        assert_eq!(stream.message().await["method"], ACKNOWLEDGED);
        let idle = Wire::connect(running.local_addr()).await;
        let mut idle = Listen::on(idle, &listen(id.clone(), tools_changed())).await;
        assert_eq!(idle.message().await["method"], ACKNOWLEDGED);
        changes.tools_changed();
        assert_eq!(idle.message().await, change(id.clone()));
        running.begin_shutdown();
        assert_eq!(stream.message().await, change(id.clone()));
        for stream in [&mut stream, &mut idle] {
            assert_result(&stream.message().await, id.clone());
            stream.end().await;
        }
        server.until_parked(0).await;
    }
}

/// Decision 12: "a listen stream ends with its result". Its client may subscribe anew at once.
#[tokio::test]
async fn the_end_of_its_age_is_the_result_of_the_request() {
    let options =
        |service: mcp_http::McpServiceBuilder| service.max_stream_age(Duration::from_millis(100));
    let (server, _changes) = TestServer::changing_with(options).await;
    for _ in 0..3 {
        let mut stream = Listen::tools(&server, 1).await;
        assert_result(&stream.message().await, 1);
        stream.end().await;
        let answer = stream.wire.send(&modern_call(2, "echo", json!({}))).await;
        assert_eq!(answer.status(), 200, "the connection lives on");
    }
    let ended = &server.service.stats().streams[&StreamKind::Listen].ended;
    assert_eq!(ended[&StreamEnd::Aged], 3);
}

/// A stream that never falls silent ends as well, and what changed before its end is said before it;
/// what changes later is not its business.
#[tokio::test(start_paused = true)]
async fn a_busy_subscription_ends_at_its_age_with_all_that_changed_before() {
    let changes = Changes::new();
    let server = tools(Server::builder("s", "1"), &Probe::default()).changes(&changes);
    let age = Duration::from_secs(60);
    let builder = McpService::builder(server.build().expect("a server")).max_stream_age(age);
    let service = builder.build().expect("a service");
    let response = service.call(parsed(&listen(1, tools_changed()))).await.expect("infallible");
    let mut body = response.into_body();
    assert_eq!(available(&mut body).await.len(), 1);
    changes.tools_changed();
    tokio::time::advance(age).await;
    let frame = poll_fn(|task| Pin::new(&mut body).poll_frame(task)).await;
    assert!(frame.is_some(), "the change that waited");
    changes.tools_changed();
    let said = available(&mut body).await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains(CHANGED) && said[1].contains("\"result\""), "{said:?}");
    changes.tools_changed();
    assert!(available(&mut body).await.is_empty());
}

/// The issue, Drain: "parked streams end with jittered `retry` in waves", and none is opened.
#[tokio::test]
async fn in_a_drain_subscriptions_end_with_their_result_and_new_ones_are_refused() {
    let (server, changes) = TestServer::changing().await;
    let mut streams = Vec::new();
    for id in 0..10 {
        streams.push((id, Listen::tools(&server, id).await));
    }
    server.service.begin_drain(DEADLINE);
    changes.tools_changed();
    let refused = server.connect().await.send(&listen("new", tools_changed())).await;
    assert_eq!((refused.status(), refused.code()), (503, Some(-32603)), "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.json()["id"], "new");
    for (id, stream) in &mut streams {
        assert_eq!(stream.message().await, change(*id), "what changed before the end");
        assert_result(&stream.message().await, *id);
        stream.end().await;
    }
    let ended = &server.service.stats().streams[&StreamKind::Listen].ended;
    assert_eq!(ended[&StreamEnd::Drained], 10);
}

/// 2026-07-28, Streamable HTTP, Receiving Messages, Note: "in particular the `subscriptions/listen`
/// response stream"; "periodically emit an SSE comment line".
#[tokio::test]
async fn a_subscription_without_changes_has_heartbeats() {
    let options =
        |service: mcp_http::McpServiceBuilder| service.heartbeat(Duration::from_millis(5));
    let (server, changes) = TestServer::changing_with(options).await;
    let mut stream = Listen::tools(&server, 1).await;
    for _ in 0..5 {
        let event = stream.next().await.expect("a heartbeat");
        assert!(event.comment && event.data.is_none(), "{event:?}");
    }
    changes.tools_changed();
    assert_eq!(stream.message().await, change(1));
}

/// 2026-07-28, Streamable HTTP, Receiving Messages: headers of a stream.
#[tokio::test]
async fn no_proxy_may_hold_the_stream_back_and_no_client_resumes_it() {
    let (server, _changes) = TestServer::changing().await;
    let more = [("Last-Event-ID", "0-1")];
    let params = json!({"notifications": tools_changed()});
    let mut wire = server.connect().await;
    wire.write(modern(1, "subscriptions/listen", params, &more).as_bytes()).await;
    let head = stream_head(&mut wire).await;
    assert_eq!(head.header("x-accel-buffering"), Some("no"));
    assert_eq!(head.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(head.header("mcp-session-id"), None);
    let first = wire.event(&mut Vec::new()).await.expect("an event");
    assert_eq!((first.id.as_deref(), first.retry), (None, None));
    assert_eq!(first.message(), Some(acknowledgement(1, tools_changed())));
}

/// 2026-07-28, Schema, `SubscriptionsListenRequestParams`: `notifications` is required, and an
/// object whose members have their types.
#[tokio::test]
async fn a_filter_that_is_none_is_an_error_of_the_request() {
    let (server, _changes) = TestServer::changing().await;
    for params in [
        json!({}),
        json!({"notifications": null}),
        json!({"notifications": []}),
        json!({"notifications": [true]}),
        json!({"notifications": "toolsListChanged"}),
        json!({"notifications": {"toolsListChanged": 1}}),
        json!({"notifications": {"toolsListChanged": "true"}}),
    ] {
        let request = modern(7, "subscriptions/listen", params.clone(), &[]);
        let answer = server.connect().await.send(&request).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{params}");
        assert_eq!(answer.json()["id"], 7);
    }
    assert_eq!(server.parked(), 0);
}

/// A stream is the only answer there can be (RFC 9110, 15.5.7).
#[tokio::test]
async fn a_client_that_takes_no_stream_is_told_so() {
    let (server, _changes) = TestServer::changing().await;
    let ask = |accept: &str| {
        let params = json!({"notifications": tools_changed()});
        modern("a", "subscriptions/listen", params, &[("Accept", accept)])
    };
    let answer = server.connect().await.send(&ask("application/json")).await;
    assert_eq!((answer.status(), answer.code()), (406, Some(-32600)), "{}", answer.text());
    assert_eq!(answer.json()["id"], "a");
    assert_eq!(server.parked(), 0);
    for accept in ["text/event-stream", "*/*", "application/json, text/event-stream"] {
        let mut stream = Listen::begin(&server, &ask(accept)).await;
        assert_eq!(stream.message().await, acknowledgement("a", tools_changed()));
    }
}

/// 2026-07-28, Streamable HTTP, Protocol Version Header: 404 and -32601 for a method that is not
/// implemented; Tools, Capabilities. FACTS: the suite "fails when `listChanged` is advertised without
/// a working listen". So it is declared where it works, and works where it is declared.
#[tokio::test]
async fn what_is_declared_works_and_what_does_not_work_is_not_there() {
    let discover = modern(1, "server/discover", json!({}), &[]);
    let changing = TestServer::changing().await.0;
    let json_only = TestServer::changing_with(|it| it.framing(Framing::JsonOnly)).await.0;
    let unchanging = TestServer::start().await;
    for (server, works) in [(changing, true), (json_only, false), (unchanging, false)] {
        let answer = server.connect().await.send(&discover).await;
        let tools = &answer.json()["result"]["capabilities"]["tools"];
        let declared = if works { json!({"listChanged": true}) } else { json!({}) };
        assert_eq!(*tools, declared);
        if works {
            Listen::tools(&server, 1).await;
        } else {
            let answer = server.connect().await.send(&listen(1, tools_changed())).await;
            assert_eq!((answer.status(), answer.code()), (404, Some(-32601)));
            assert_eq!(answer.json()["id"], 1);
        }
    }
}

/// What a tool does to the server is told to those who listen, and the call need not wait for it.
#[tokio::test]
async fn a_tool_may_announce_what_it_changes() {
    let changes = Changes::new();
    let announce = changes.clone();
    let more = |builder: mcp_http::ServerBuilder| {
        let tool = mcp_http::Tool::new("change").with_description("Changes the tools");
        let handler = move |_: mcp_http::Arguments, _: mcp_http::Context| {
            announce.tools_changed();
            async { Ok::<_, mcp_http::ToolError>("changed") }
        };
        builder.tool(tool, handler).changes(&changes)
    };
    let server = TestServer::with_server(more, |service| service).await;
    let mut stream = Listen::tools(&server, 1).await;
    for _ in 0..3 {
        let answer = server.connect().await.send(&modern_call(2, "change", json!({}))).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "changed");
        assert_eq!(stream.message().await, change(1));
    }
}

/// One handle may be given to several servers; it keeps none of them, and none of their streams.
#[tokio::test]
async fn one_handle_tells_the_clients_of_several_services() {
    let changes = Changes::new();
    let start = async || {
        TestServer::with_server(|server| server.changes(&changes), |service| service).await
    };
    let (one, other) = (start().await, start().await);
    let mut streams = [Listen::tools(&one, 1).await, Listen::tools(&other, 1).await];
    changes.tools_changed();
    for stream in &mut streams {
        assert_eq!(stream.message().await, change(1));
    }
    let [first, mut second] = streams;
    drop((one, first));
    changes.tools_changed();
    assert_eq!(second.message().await, change(1));
}
