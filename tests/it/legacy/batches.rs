//! 2025-03-26, Base Protocol, Batching, and Transports, Sending Messages to the Server, 3 to 6;
//! from 2025-06-18 on there are no batches.

use serde_json::{Value, json};

use super::{Stream, VERSIONS, assert_accepted, gist};
use crate::support::messages::{Session, call, call_with_progress, notification, post, request};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

const BATCHING: &str = VERSIONS[0];

fn batch<S: AsRef<str>>(messages: &[S]) -> String {
    let messages: Vec<_> = messages.iter().map(AsRef::as_ref).collect();
    format!("[{}]", messages.join(","))
}

/// The gists of a JSON array.
#[track_caller]
fn array(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let Value::Array(messages) = answer.json() else { panic!("no array: {}", answer.text()) };
    messages.iter().map(gist).collect()
}

fn sorted(mut gists: Vec<String>) -> Vec<String> {
    gists.sort();
    gists
}

/// 2025-03-26, Base Protocol, Batching: implementations "MUST support receiving JSON-RPC batches";
/// JSON-RPC 2.0, section 6: an array with the answers, none for notifications.
#[tokio::test]
async fn a_batch_is_answered_with_an_array_of_one_answer_for_each_request() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let body = batch(&[
        call(1, "echo", json!({"n": 1})),
        notification("notifications/initialized", json!({})),
        request("two", "ping", json!({})),
        request(3, "unknown", json!({})),
        call(4, "fail", json!({})),
        call(5, "panic", json!({})),
        json!({"jsonrpc": "2.0", "id": 6, "result": {}}).to_string(),
    ]);
    let answer = session.send(&server, &body).await;
    let expected = ["1={\"n\":1}", "3!-32601", "4=it failed", "5!-32603", "two={}"];
    assert_eq!(sorted(array(&answer)), expected);
    let answer = session.send(&server, &batch(&[request(1, "ping", json!({}))])).await;
    assert_eq!(array(&answer), ["1={}"], "a batch of one is a batch");
}

/// Decision 7, in a batch: equal ids are equal answers to tell apart, one for each.
#[tokio::test]
async fn requests_of_a_batch_with_one_id_get_an_answer_each() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let body = batch(&[1, 2, 3].map(|n| call(1, "echo", json!({"n": n}))));
    let answer = session.send(&server, &body).await;
    assert_eq!(sorted(array(&answer)), ["1={\"n\":1}", "1={\"n\":2}", "1={\"n\":3}"]);
}

/// 2025-03-26, Transports, Sending Messages to the Server, 4: "If the input consists solely of
/// (any number of) JSON-RPC responses or notifications: ... 202 Accepted with no body."
#[tokio::test]
async fn a_batch_of_notifications_or_responses_alone_is_202() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let initialized = notification("notifications/initialized", json!({}));
    let response = json!({"jsonrpc": "2.0", "id": 6, "result": {}}).to_string();
    for messages in [
        vec![initialized.clone()],
        vec![initialized.clone(), initialized.clone()],
        vec![response.clone(), response.clone()],
        vec![initialized, response],
    ] {
        assert_accepted(&session.send(&server, &batch(&messages)).await);
    }
}

/// 2025-03-26, Transports, Sending Messages to the Server, 6: "The SSE stream SHOULD eventually
/// include one JSON-RPC response per each JSON-RPC request", the server "SHOULD NOT close the SSE
/// stream before" and "After all JSON-RPC responses have been sent, the server SHOULD close".
#[tokio::test]
async fn a_batch_with_progress_is_a_stream_that_ends_after_the_last_answer() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let body = batch(&[
        call_with_progress(1, "wait", json!({"progress": 2}), json!("a")),
        call(2, "echo", json!({})),
        call_with_progress(3, "progress", json!({"count": 1}), json!("b")),
        request(4, "ping", json!({})),
        notification("notifications/initialized", json!({})),
    ]);
    let mut stream = Stream::open(&server, &session.post(&body)).await;
    let mut gists = Vec::new();
    while gists.len() < 6 {
        gists.push(gist(&stream.message().await.1));
    }
    let place = |wanted: &str| gists.iter().position(|it| it == wanted).expect(wanted);
    assert!(place("a:1") < place("a:2") && place("b:1") < place("3=done"));
    assert_eq!(sorted(gists), ["2={}", "3=done", "4={}", "a:1", "a:2", "b:1"]);
    server.probe.release(1);
    assert_eq!(stream.gists().await, ["1=waited"]);
    stream.assert_ended_cleanly(&session).await;
}

/// 2025-03-26, Transports, Resumability and Redelivery, 2: the stream of a batch resumes as any.
#[tokio::test]
async fn the_stream_of_a_batch_resumes() {
    for cut in super::CUTS {
        let server = TestServer::start().await;
        let session = Session::open(&server, BATCHING).await;
        let body = batch(&[
            call_with_progress(1, "wait", json!({"progress": 2}), json!("a")),
            call_with_progress(2, "wait", json!({"progress": 1}), json!("b")),
        ]);
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let (id, first) = stream.message().await;
        stream.cut(cut).await;
        server.probe.release(2);
        server.probe.finished(2).await;
        let mut resumed = Stream::open(&server, &session.get(id.as_deref())).await;
        let mut gists = resumed.gists().await;
        gists.push(gist(&first));
        let expected = ["1=waited", "2=waited", "a:1", "a:2", "b:1"];
        assert_eq!(sorted(gists), expected, "{cut:?}");
    }
}

/// Decision 7 and 2025-03-26, Cancellation: the cancelled call has no answer, the others have
/// theirs.
#[tokio::test]
async fn a_call_of_a_batch_is_cancelled_alone() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let cancel = notification("notifications/cancelled", json!({"requestId": 1}));
    let mut wire = server.connect().await;
    let body = batch(&[call(1, "wait", json!({})), call(2, "echo", json!({}))]);
    wire.write(session.post(&body).as_bytes()).await;
    server.probe.started(1).await;
    assert_accepted(&session.send(&server, &cancel).await);
    assert_eq!(array(&wire.answer().await), ["2={}"]);
    server.probe.dropped(1).await;

    let body = batch(&[
        call_with_progress(1, "wait", json!({"progress": 1}), json!("a")),
        call(2, "wait", json!({})),
    ]);
    let mut stream = Stream::open(&server, &session.post(&body)).await;
    stream.expect("a:1").await;
    assert_accepted(&session.send(&server, &cancel).await);
    server.probe.dropped(2).await;
    server.probe.release(1);
    assert_eq!(stream.gists().await, ["2=waited"]);
}

/// JSON-RPC 2.0, section 6: each invalid item has an error of its own, without an id if it had
/// none that could be read, and the rest is served.
#[tokio::test]
async fn invalid_items_have_errors_of_their_own() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let body = batch(&[
        "1".to_owned(),
        request(5, "ping", json!({})),
        r#"{"jsonrpc":"1.0","id":6,"method":"ping"}"#.to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
    ]);
    let answer = session.send(&server, &body).await;
    let messages = answer.json();
    let without_id = messages.as_array().expect("an array").iter().filter(|it| it["id"].is_null());
    assert_eq!(without_id.count(), 3, "{messages}");
    let expected = ["5={}", "6!-32600", "null!-32600", "null!-32600", "null!-32600"];
    assert_eq!(sorted(array(&answer)), expected);
    let answer = session.send(&server, "[1,2]").await;
    assert_eq!(array(&answer), ["null!-32600", "null!-32600"]);
}

/// The same on a stream.
#[tokio::test]
async fn invalid_items_have_errors_of_their_own_on_a_stream() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    let body = batch(&[
        "1".to_owned(),
        call_with_progress(5, "progress", json!({"count": 1}), json!("t")),
        r#"{"jsonrpc":"1.0","id":6,"method":"ping"}"#.to_owned(),
    ]);
    let mut stream = Stream::open(&server, &session.post(&body)).await;
    assert_eq!(sorted(stream.gists().await), ["5=done", "6!-32600", "null!-32600", "t:1"]);
    stream.assert_ended_cleanly(&session).await;
}

/// JSON-RPC 2.0, section 6: an empty array is an invalid request, answered with a single object.
#[tokio::test]
async fn an_empty_batch_is_an_invalid_request() {
    let server = TestServer::start().await;
    let session = Session::open(&server, BATCHING).await;
    for body in ["[]", " [ ] "] {
        let answer = session.send(&server, body).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)));
    }
}

/// Decision 8: the limit of 64 messages, and another that the server is told.
#[tokio::test]
async fn a_batch_has_a_limit() {
    for (server, limit) in
        [(TestServer::start().await, 64), (TestServer::with(|it| it.max_batch(3)).await, 3)]
    {
        let session = Session::open(&server, BATCHING).await;
        let pings: Vec<_> = (0..=limit).map(|n| request(n, "ping", json!({}))).collect();
        let answer = session.send(&server, &batch(&pings[..limit])).await;
        assert_eq!(array(&answer).len(), limit);
        let answer = session.send(&server, &batch(&pings)).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)));
    }
}

/// 2025-03-26, Lifecycle, Initialization: "The initialize request MUST NOT be part of a JSON-RPC
/// batch".
#[tokio::test]
async fn an_initialize_in_a_batch_is_refused_and_opens_no_session() {
    let server = TestServer::start().await;
    let initialize = crate::support::messages::initialize(BATCHING);
    let answer = server.connect().await.send(&post(&[], &batch(&[&initialize]))).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.header("mcp-session-id"), None);
    assert_eq!(server.service.sessions(), 0);

    let session = Session::open(&server, BATCHING).await;
    let body = batch(&[initialize, request(1, "ping", json!({}))]);
    let answer = session.send(&server, &body).await;
    assert_eq!(answer.header("mcp-session-id"), None);
    assert_eq!(sorted(array(&answer)), ["0!-32600", "1={}"]);
    assert_eq!(server.service.sessions(), 1);
}

/// 2025-06-18 and 2025-11-25, Transports, Sending Messages to the Server, 3: "The body of the POST
/// request MUST be a single JSON-RPC request, notification, or response"; 2025-06-18, Key Changes,
/// 1: "Remove support for JSON-RPC batching".
#[tokio::test]
async fn later_revisions_have_no_batches() {
    let server = TestServer::start().await;
    for version in &VERSIONS[1..] {
        let session = Session::open(&server, version).await;
        for message in [
            request(1, "ping", json!({})),
            notification("notifications/initialized", json!({})),
            json!({"jsonrpc": "2.0", "id": 6, "result": {}}).to_string(),
        ] {
            let answer = session.send(&server, &batch(&[message])).await;
            assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{version}");
        }
    }
}
