//! How an answer is framed: JSON unless something must be said before it (2026-07-28, Streamable
//! HTTP, Sending Messages, 6, and Receiving Messages).

use std::time::Duration;

use mcp_http::Framing;
use serde_json::{Value, json};

use crate::support::messages::{modern, modern_call, stream_head};
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Event};

const JSON: Option<&str> = Some("application/json");
const SSE: Option<&str> = Some("text/event-stream");

fn reporting(id: i64, tool: &str, arguments: Value) -> String {
    let meta = json!({"progressToken": "t"});
    modern(id, "tools/call", json!({"name": tool, "arguments": arguments, "_meta": meta}), &[])
}

/// 2026-07-28, Patterns: "Servers MUST NOT initiate JSON-RPC requests"; Streamable HTTP, Receiving
/// Messages: "The server MUST NOT send independent JSON-RPC _requests_ on this stream", "The final
/// JSON-RPC _response_ SHOULD terminate the stream", "Resumable SSE streams via `Last-Event-ID` are
/// not supported", so there are no ids to resume from.
fn assert_lawful(answer: &Answer, id: i64) {
    let events = answer.events();
    assert!(events.iter().all(|event| event.id.is_none() && event.retry.is_none()), "{events:?}");
    let messages: Vec<_> = events.iter().filter_map(Event::message).collect();
    let (last, before) = messages.split_last().expect("an answer");
    for message in before {
        assert_eq!(message.get("id"), None, "no request and no second answer: {message}");
        assert!(message["method"].is_string(), "{message}");
    }
    assert_eq!((&last["id"], last.get("method")), (&json!(id), None));
    assert!(last.get("result").is_some() != last.get("error").is_some(), "{last}");
    assert!(events.last().expect("an event").message().is_some(), "nothing after the answer");
}

/// A client closes its connection after an SSE answer and keeps it after a JSON one: 50 calls are
/// one connection.
#[tokio::test]
async fn a_quick_answer_is_json_of_known_length_on_a_connection_that_stays() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    for id in 0..50 {
        let answer = wire.send(&modern_call(id, "echo", json!({"n": id}))).await;
        assert_eq!((answer.status(), answer.header("content-type")), (200, JSON));
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        assert_ne!(answer.header("connection"), Some("close"));
        assert_eq!(answer.json()["id"], id);
    }
}

/// 2026-07-28, Streamable HTTP, Receiving Messages: "servers SHOULD include the
/// `X-Accel-Buffering: no` header"; nothing in front may store, change or keep back the stream.
#[tokio::test]
async fn a_stream_is_lawful_and_asks_not_to_be_buffered() {
    let server = TestServer::start().await;
    let answer = server.connect().await.send(&reporting(3, "progress", json!({"count": 3}))).await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, SSE));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(answer.header("content-length"), None);
    assert_lawful(&answer, 3);
}

/// Both at once, for every kind of end: an answer, a failure, a panic.
#[tokio::test]
async fn every_stream_is_lawful_however_the_call_ends() {
    let server = TestServer::with(|service| service.framing(Framing::SseOnly)).await;
    for (id, tool) in (0..).zip(["echo", "fail", "panic", "progress", "log", "nobody"]) {
        let meta = json!({"progressToken": 1, "io.modelcontextprotocol/logLevel": "debug"});
        let params = json!({"name": tool, "arguments": {"count": 2}, "_meta": meta});
        let answer = server.connect().await.send(&modern(id, "tools/call", params, &[])).await;
        if answer.header("content-type") == SSE {
            assert_lawful(&answer, id);
        } else {
            // What is refused before it is a call.
            assert_eq!((tool, answer.code()), ("nobody", Some(-32602)));
        }
    }
}

/// `rmcp`: on 2026-07-28 no headers are sent until the first message. Here a silent call's response
/// begins at the commit deadline, with a comment in its first byte, since some proxies withhold the
/// headers until one comes.
#[tokio::test]
async fn a_silent_call_has_its_headers_and_a_first_byte_at_the_commit_deadline() {
    let server = TestServer::with(|service| service.commit_after(Duration::ZERO)).await;
    let mut wire = server.connect().await;
    wire.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    stream_head(&mut wire).await;
    let mut held = Vec::new();
    let first = wire.event(&mut held).await.expect("a first byte");
    assert!(first.comment && first.message().is_none(), "{first:?}");
    assert_eq!(server.probe.finished_now(), 0, "all that while nothing was said");
    server.probe.release(1);
    let answer = wire.event(&mut held).await.and_then(|event| event.message()).expect("an answer");
    assert_eq!(answer["result"]["content"][0]["text"], "waited");
    assert_eq!(wire.chunk().await, None);
}

/// 2026-07-28, Streamable HTTP, Receiving Messages, Note: "servers are encouraged to periodically
/// emit an SSE comment line".
#[tokio::test]
async fn a_silent_stream_has_heartbeats() {
    let options = |service: mcp_http::McpServiceBuilder| {
        service.commit_after(Duration::ZERO).heartbeat(Duration::from_millis(5))
    };
    let server = TestServer::with(options).await;
    let mut wire = server.connect().await;
    wire.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    stream_head(&mut wire).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let event = wire.event(&mut held).await.expect("a heartbeat");
        assert!(event.comment && event.data.is_none(), "{event:?}");
    }
    server.probe.release(1);
    loop {
        let event = wire.event(&mut held).await.expect("an answer");
        if let Some(answer) = event.message() {
            assert_eq!(answer["id"], 1);
            break;
        }
    }
    assert_eq!(wire.chunk().await, None, "no heartbeat after the answer");
}

/// A message that was asked for is sent when it is said, not at the commit deadline and not buffered
/// to the end.
#[tokio::test]
async fn progress_arrives_while_the_call_runs() {
    let never = Duration::from_secs(3600);
    let server = TestServer::with(|service| service.commit_after(never)).await;
    let mut wire = server.connect().await;
    wire.write(reporting(1, "wait", json!({"progress": 2})).as_bytes()).await;
    stream_head(&mut wire).await;
    let mut held = Vec::new();
    for n in 1..=2 {
        let message = wire.event(&mut held).await.and_then(|event| event.message());
        assert_eq!(message.expect("a message")["params"]["progress"], n);
    }
    assert_eq!(server.probe.finished_now(), 0);
    server.probe.release(1);
    let answer = wire.event(&mut held).await.and_then(|event| event.message()).expect("an answer");
    assert_eq!(answer["id"], 1);
}

/// `Framing::JsonOnly`: what a handler says before its answer is dropped, and the answer waits.
#[tokio::test]
async fn json_only_is_json_whatever_is_said_and_however_long_it_takes() {
    let options = |service: mcp_http::McpServiceBuilder| {
        service.framing(Framing::JsonOnly).commit_after(Duration::ZERO)
    };
    let server = TestServer::with(options).await;
    let mut wire = server.connect().await;
    let answer = wire.send(&reporting(1, "progress", json!({"count": 3}))).await;
    assert_eq!((answer.header("content-type"), answer.messages().len()), (JSON, 1));
    wire.write(reporting(2, "wait", json!({"progress": 3})).as_bytes()).await;
    server.probe.started(1).await;
    server.probe.release(1);
    let answer = wire.answer().await;
    assert_eq!((answer.header("content-type"), answer.json()["id"].clone()), (JSON, json!(2)));
}

/// `Framing::SseOnly`: a quick answer is a stream of one event.
#[tokio::test]
async fn sse_only_is_a_stream_even_for_a_quick_answer() {
    let server = TestServer::with(|service| service.framing(Framing::SseOnly)).await;
    let answer = server.connect().await.send(&modern_call(1, "echo", json!({}))).await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, SSE));
    assert_lawful(&answer, 1);
    assert_eq!(answer.messages().len(), 1);
}

/// SSE has lines: what has line ends in it must not break out of its event (CVE-2026-44214, -44217,
/// -43968).
#[tokio::test]
async fn cve_2026_44214_44217_43968_line_ends_in_a_message_stay_inside_it() {
    let server = TestServer::with(|service| service.framing(Framing::SseOnly)).await;
    let evil = "a\r\rdata: {}\n\nid: 7\r\nevent: x\n\ndata: {\"id\":1}\n\n\u{2028}";
    // As escapes, and as the line ends that JSON allows between its tokens.
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",\"arguments\":{{\r\n\"x\":\r{}\n\n}},\"_meta\":{{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{{}}}}}}}}",
        json!(evil)
    );
    let headers = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "echo"),
    ];
    let text = crate::support::messages::post(&headers, &body);
    let answer = server.connect().await.send(&text).await;
    assert_lawful(&answer, 1);
    let messages = answer.messages();
    assert_eq!(messages.len(), 1);
    let echoed = messages[0]["result"]["content"][0]["text"].as_str().expect("a text");
    let arguments: Value = serde_json::from_str(echoed).expect("what was sent");
    assert_eq!(arguments["x"], evil);
}

/// The same for an id and a token, which are echoed on every event.
#[tokio::test]
async fn cve_2026_43968_line_ends_in_an_id_or_a_token_stay_inside_them() {
    let server = TestServer::start().await;
    let evil = "x\n\ndata: {}\r\rid: 1\n\n";
    let params =
        json!({"name": "progress", "arguments": {"count": 2}, "_meta": {"progressToken": evil}});
    let answer = server.connect().await.send(&modern(evil, "tools/call", params, &[])).await;
    let messages = answer.messages();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[0]["params"]["progressToken"], evil);
    assert_eq!(messages[2]["id"], evil);
}
