//! `Content-Type` and `Accept`, parsed and not searched (RFC 9110, 8.3 and 12.5.1).

use serde_json::json;

use crate::support::messages::{
    Session, assert_serves, call_with_progress, modern, modern_call, request,
};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn send(server: &TestServer, text: &str) -> Answer {
    server.connect().await.send(text).await
}

#[tokio::test]
async fn json_is_taken_with_parameters_and_in_any_case() {
    let server = TestServer::start().await;
    for value in [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; Charset=\"UTF-8\"",
        "application/json; profile=\"a;b, c\"",
    ] {
        let text = modern(1, "tools/list", json!({}), &[("Content-Type", value)]);
        assert_eq!(send(&server, &text).await.status(), 200, "{value}");
    }
}

/// CVE-2026-33252: a page may post `text/plain` and forms to any server without a preflight, and the
/// server ran what it found in them. 415 (RFC 9110, 15.5.16), and the tool does not run.
#[tokio::test]
async fn cve_2026_33252_a_cross_site_post_of_text_is_refused() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    for value in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; application/json",
        "text/plain, application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
    ] {
        let params = json!({"name": "wait", "arguments": {}});
        let modern = modern(1, "tools/call", params.clone(), &[("Content-Type", value)]);
        let legacy = session.post(&request(1, "tools/call", params));
        let legacy =
            legacy.replace("Content-Type: application/json", &format!("Content-Type: {value}"));
        for text in [modern, legacy] {
            let answer = send(&server, &text).await;
            assert_eq!(answer.status(), 415, "{value}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.json().get("id"), None, "the body was not read");
        }
    }
    assert_eq!(server.probe.polls(), 0);
    assert_serves(&server).await;
}

#[tokio::test]
async fn what_only_resembles_json_is_refused() {
    let server = TestServer::start().await;
    let good = modern_call(1, "echo", json!({}));
    let line = "Content-Type: application/json\r\n";
    assert!(good.contains(line));
    for other in [
        "",
        "Content-Type: \r\n",
        "Content-Type: application/jsonx\r\n",
        "Content-Type: application/json-seq\r\n",
        "Content-Type: application/problem+json\r\n",
        "Content-Type: application/*\r\n",
        "Content-Type: text/json\r\n",
        "Content-Type: json\r\n",
        "Content-Type: application/json;charset=iso-8859-1\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
    ] {
        let answer = send(&server, &good.replace(line, other)).await;
        assert_eq!(answer.status(), 415, "{other:?}");
    }
}

/// What `Accept` left of the choice.
#[derive(Debug, PartialEq)]
enum Choice {
    Json,
    Sse,
    Adaptive,
}

async fn choice(server: &TestServer, accept: &str) -> Choice {
    let line = "Accept: application/json, text/event-stream\r\n";
    let meta = json!({"progressToken": 1});
    let progress = json!({"name": "progress", "arguments": {"count": 1}, "_meta": meta});
    let mut framed = Vec::new();
    for text in [modern_call(1, "echo", json!({})), modern(1, "tools/call", progress, &[])] {
        assert!(text.contains(line));
        let answer = send(server, &text.replace(line, accept)).await;
        // 2026-07-28, Streamable HTTP, Sending Messages, 6: the two there are; there is no 406.
        assert_eq!(answer.status(), 200, "{accept}");
        framed.push(answer.header("content-type") == Some("text/event-stream"));
    }
    match framed[..] {
        [false, false] => Choice::Json,
        [true, true] => Choice::Sse,
        [false, true] => Choice::Adaptive,
        _ => panic!("{accept}: a stream for who says nothing, and none for who does"),
    }
}

/// RFC 9110, 12.5.1: q-values, parameters and ranges; the most specific range decides.
#[tokio::test]
async fn accept_chooses_the_framing() {
    let server = TestServer::start().await;
    for (accept, expected) in [
        ("application/json, text/event-stream", Choice::Adaptive),
        ("text/event-stream,application/json;q=0.5", Choice::Adaptive),
        ("APPLICATION/JSON;charset=utf-8, Text/Event-Stream", Choice::Adaptive),
        ("application/*, text/*;q=0.1", Choice::Adaptive),
        ("*/*", Choice::Adaptive),
        ("application/json", Choice::Json),
        ("application/json;q=0.1, text/html", Choice::Json),
        ("application/json, text/event-stream;q=0", Choice::Json),
        ("*/*, text/event-stream;q=0.000", Choice::Json),
        ("text/event-stream", Choice::Sse),
        ("text/*", Choice::Sse),
        ("application/json;q=0, text/event-stream", Choice::Sse),
        // Substrings are nothing.
        ("application/jsonx, text/event-stream", Choice::Sse),
        ("xapplication/json, text/event-stream", Choice::Sse),
        ("application/json, text/event-streams", Choice::Json),
        ("application/json, text/html;x=\"text/event-stream\"", Choice::Json),
        ("application/json, text/html;x=\", text/event-stream\"", Choice::Json),
        // Neither: served as if nothing had been said.
        ("text/html", Choice::Adaptive),
        ("application/jsonx", Choice::Adaptive),
        ("", Choice::Adaptive),
    ] {
        let line = format!("Accept: {accept}\r\n");
        assert_eq!(choice(&server, &line).await, expected, "{accept}");
    }
    assert_eq!(choice(&server, "").await, Choice::Adaptive, "no header");
    let lines = "Accept: application/json\r\nAccept: text/event-stream\r\n";
    assert_eq!(choice(&server, lines).await, Choice::Adaptive, "two lines are one list");
}

/// The same choice for a legacy call.
#[tokio::test]
async fn accept_chooses_the_framing_of_a_legacy_answer_too() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    let call = call_with_progress(1, "progress", json!({"count": 1}), json!("t"));
    for (accept, sse) in [
        ("application/json, text/event-stream", true),
        ("application/json", false),
        ("text/event-stream", true),
    ] {
        let text = session.post(&call);
        let text = text.replace("application/json, text/event-stream", accept);
        let answer = send(&server, &text).await;
        assert_eq!(answer.header("content-type") == Some("text/event-stream"), sse, "{accept}");
        assert_eq!(answer.messages().last().expect("an answer")["id"], 1);
    }
}
