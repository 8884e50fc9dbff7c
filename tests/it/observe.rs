//! What the transport tells `tracing`: what happened, and never whose session it was.
//!
//! These tests subscribe for their own threads alone, while those of other tests run without a
//! subscriber and meet the same callsites. A callsite remembers whether anyone listens, from when
//! it is first met; `subscribe` and `rebuild_interest_cache` keep that from being "nobody".

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex};

use mcp_http::{Arguments, Tool, ToolError};
use serde_json::json;
use tracing::Dispatch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_core::callsite::rebuild_interest_cache;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::support::messages::{
    Session, call, call_with_progress, initialize, modern, modern_call, notification, post,
    stream_head,
};
use crate::support::server::TestServer;
use crate::support::wire::Wire;

/// Takes down every event and every span of every level, whoever it is from.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string");
    }
}

impl Captured {
    fn take_down(&self, what: &str, record: impl FnOnce(&mut Text)) {
        let mut text = Text(what.to_owned());
        record(&mut text);
        self.0.lock().expect("no panic").push(text.0);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }

    /// Waits for an event that a task of the server's is to bring about.
    async fn wait_for(&self, words: &[&str]) {
        let seen = async {
            while !self.has(words) {
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::time::timeout(crate::support::wire::PATIENCE, seen).await;
        seen.unwrap_or_else(|_| panic!("waited for {words:?}: {:#?}", self.lines()));
        // Whichever callsite another thread met for the first time just when this one subscribed
        // asks again before the next step.
        rebuild_interest_cache();
    }

    fn has(&self, words: &[&str]) -> bool {
        self.lines().iter().any(|line| words.iter().all(|word| line.contains(word)))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Captured {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.take_down(attributes.metadata().name(), |text| attributes.record(text));
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.take_down("record", |text| values.record(text));
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let metadata = event.metadata();
        let span = cx.event_span(event).map_or("none", |span| span.name());
        let what = format!("{} {} in={span}", metadata.target(), metadata.level());
        self.take_down(&what, |text| event.record(text));
    }
}

/// Subscribes for this thread, on which the server's tasks run.
fn subscribe(captured: &Captured) -> DefaultGuard {
    // While there is but one subscriber in the process, a new callsite asks that of the thread
    // that meets it, and another test's thread has none: it would be disabled for all. With a
    // second one it asks every subscriber that there is.
    static SECOND: LazyLock<Dispatch> =
        LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));
    LazyLock::force(&SECOND);
    let subscriber = tracing_subscriber::registry().with(captured.clone());
    let subscribed = tracing::subscriber::set_default(subscriber);
    rebuild_interest_cache();
    subscribed
}

/// DESIGN, decision 16: session ids "never appear in logs".
#[tokio::test]
async fn what_happens_is_told_and_no_session_id_is() {
    let captured = Captured::default();
    let _subscribed = subscribe(&captured);

    let server = TestServer::with(|it| it.max_sessions(1)).await;
    let session = Session::open(&server, "2025-11-25").await;
    captured.wait_for(&["mcp_http DEBUG", "session opened", "revision=\"2025-11-25\""]).await;

    // A stream that is opened, taken over, and cut off.
    let mut first = server.connect().await;
    first.write(session.get(None).as_bytes()).await;
    stream_head(&mut first).await;
    let mut second = server.connect().await;
    second.write(session.get(None).as_bytes()).await;
    stream_head(&mut second).await;
    drop((first, second));

    // Calls: at once, as a stream that is cut off and resumed, cancelled, with a panic.
    assert_eq!(session.send(&server, &call(1, "echo", json!({}))).await.status(), 200);
    let mut stream = server.connect().await;
    let wait = call_with_progress(2, "wait", json!({"progress": 1}), json!("t"));
    stream.write(session.post(&wait).as_bytes()).await;
    stream_head(&mut stream).await;
    server.probe.started(1).await;
    drop(stream);
    let mut resumed = server.connect().await;
    resumed.write(session.get(Some("1-0")).as_bytes()).await;
    stream_head(&mut resumed).await;
    drop(resumed);
    let cancel = notification("notifications/cancelled", json!({"requestId": 2}));
    session.send(&server, &cancel).await;
    session.send(&server, &call(3, "panic", json!({}))).await;
    server.connect().await.send(&modern_call(4, "panic", json!({}))).await;

    captured.wait_for(&["mcp_http ERROR", "a handler panicked"]).await;
    captured.wait_for(&["stream opened", "kind=\"standalone\""]).await;
    captured.wait_for(&["stream ended", "kind=\"standalone\"", "why=\"displaced\""]).await;
    captured.wait_for(&["stream resumed"]).await;

    // Refusals: of a session too many, of a host, of what is no message.
    let send = async |text: String| Wire::connect(server.addr).await.send(&text).await.status();
    assert_eq!(send(post(&[], &initialize("2025-11-25"))).await, 503);
    // A warning, unless one of another test's was within the same second.
    captured.wait_for(&["status=503", "reason=\"too_many_sessions\""]).await;
    let evil = [("Host", "evil-host.example"), ("Mcp-Session-Id", &*session.id)];
    assert_eq!(send(post(&evil, "")).await, 403);
    captured.wait_for(&["DEBUG", "status=403", "reason=\"host_not_allowed\""]).await;
    assert_eq!(send(session.post("no message of a peer's")).await, 400);
    captured.wait_for(&["DEBUG", "status=400", "reason=\"malformed\""]).await;

    assert_eq!(session.end(&server).await.status(), 204);
    captured.wait_for(&["session ended", "why=\"deleted\""]).await;
    assert_eq!(send(session.post(&call(5, "echo", json!({})))).await, 404);
    captured.wait_for(&["status=404", "reason=\"session_unknown\""]).await;

    let lines = captured.lines();
    for told in [&session.id[..], "evil-host", "of a peer's"] {
        assert!(!lines.iter().any(|line| line.contains(told)), "{told}: {lines:#?}");
    }
    assert!(captured.has(&["request", "method=\"POST\""]), "{lines:#?}");
}

/// FACTS, Platforms: "`X-Cloud-Trace-Context` or `traceparent`".
#[tokio::test]
async fn a_requests_span_names_its_trace_and_nothing_else_of_its_headers() {
    let captured = Captured::default();
    let _subscribed = subscribe(&captured);
    let server = TestServer::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [("traceparent", &*parent), ("tracestate", "vendor=secret")];
    let mut wire = server.connect().await;
    assert_eq!(wire.send(&post(&headers, &initialize("2025-11-25"))).await.status(), 200);
    let headers = [("traceparent", "00-forged\"}-x-01")];
    assert_eq!(wire.send(&post(&headers, &initialize("2025-11-25"))).await.status(), 200);
    assert!(captured.has(&[&format!("trace_id={trace}")]), "{:#?}", captured.lines());
    assert!(captured.has(&["span_id=00f067aa0ba902b7"]) && captured.has(&["sampled=true"]));
    assert!(!captured.has(&["secret"]) && !captured.has(&["forged"]), "{:#?}", captured.lines());
}

/// What a handler says after its call has become a stream, which a task of its own drives, still
/// belongs to the request.
#[tokio::test]
async fn what_a_handler_logs_is_within_its_request_also_once_it_is_a_stream() {
    let captured = Captured::default();
    let _subscribed = subscribe(&captured);
    let late = |_: Arguments, cx: mcp_http::Context| async move {
        tracing::info!("at once");
        cx.progress(1.0, None, "");
        tokio::task::yield_now().await;
        tracing::info!("as a stream");
        Ok::<_, ToolError>("done")
    };
    let server = TestServer::with_server(|it| it.tool(Tool::new("late"), late), |it| it).await;
    let session = Session::open(&server, "2025-11-25").await;
    let legacy = session.post(&call_with_progress(1, "late", json!({}), json!("t")));
    let meta = json!({"progressToken": "t"});
    let params = json!({"name": "late", "arguments": {}, "_meta": meta});
    for request in [legacy, modern(2, "tools/call", params, &[])] {
        let answer = server.connect().await.send(&request).await;
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.messages().len(), 2, "{}", answer.text());
    }
    for said in ["at once", "as a stream"] {
        let lines = captured.lines();
        let told: Vec<_> = lines.iter().filter(|line| line.contains(said)).collect();
        assert_eq!(told.len(), 2, "{lines:#?}");
        assert!(told.iter().all(|line| line.contains("in=request")), "{told:#?}");
    }
}

/// What does not fit is the server's own fault, and the log is where its author learns of it. The
/// content itself is not told, which may be a client's.
#[cfg(feature = "validation")]
#[tokio::test]
async fn structured_content_that_does_not_fit_is_told_by_tool_and_rule() {
    let captured = Captured::default();
    let _subscribed = subscribe(&captured);
    let schema = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let tool = Tool::new("count").with_output_schema(schema);
    let count = |_: Arguments, _: mcp_http::Context| async {
        mcp_http::CallToolResult::structured(&json!({"a client's name": "and value"}))
    };
    let server = TestServer::with_server(
        |server| server.tool(tool, count).validation(mcp_http::Validation::output()),
        |service| service,
    )
    .await;
    let answer = server.connect().await.send(&modern_call(1, "count", json!({}))).await;
    assert_eq!(answer.code(), Some(-32603));
    captured
        .wait_for(&["mcp_http ERROR", "tool=\"count\"", "rule=\"/additionalProperties/type\""])
        .await;
    assert!(!captured.has(&["a client's name"]) && !captured.has(&["and value"]));
}
