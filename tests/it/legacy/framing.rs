//! Adaptive framing (decision 1): JSON unless something that was asked for is said before the
//! answer, or the answer takes longer than the commit deadline.

use std::sync::Arc;
use std::time::Duration;

use mcp_http::{Arguments, Context, Framing, Tool, ToolError};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{LATEST, Stream, VERSIONS, gist, gists, json_gist};
use crate::support::messages::{Session, call, call_with_progress, post};
use crate::support::server::TestServer;

const MOMENT: Duration = Duration::from_millis(1);

fn accepting(session: &Session, accept: &str, body: &str) -> String {
    post(&[&session.headers()[..], &[("Accept", accept)]].concat(), body)
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Sending Messages to the Server, 5. FACTS,
/// Real clients: a client that closes its connection after each SSE answer keeps it after JSON.
#[tokio::test]
async fn fifty_quick_calls_are_json_on_one_connection() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        for n in 0..50 {
            let answer = wire.send(&session.post(&call(n, "echo", json!({"n": n})))).await;
            assert_eq!(json_gist(&answer), format!("{n}={{\"n\":{n}}}"));
            assert_ne!(answer.header("connection"), Some("close"));
        }
    }
}

/// Decision 1: "Progress without a `progressToken` ... [is] dropped before [it] can choose SSE".
/// 2025-11-25, Progress, Behavior Requirements, 1: notifications "MUST only reference tokens that
/// were provided in an active request".
#[tokio::test]
async fn progress_that_nobody_asked_for_leaves_the_answer_json() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let answer = session.send(&server, &call(1, "progress", json!({"count": 9}))).await;
        assert_eq!(json_gist(&answer), "1=done", "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Progress; Transports, Sending Messages to the Server,
/// 6: messages come "before sending the JSON-RPC response", and after it the stream ends.
#[tokio::test]
async fn progress_that_was_asked_for_comes_in_order_before_the_answer_and_the_end() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for token in [json!("t"), json!(7), json!(0), json!("")] {
            let body = call_with_progress(1, "progress", json!({"count": 3}), token.clone());
            let mut stream = Stream::open(&server, &session.post(&body)).await;
            let messages: Vec<_> = stream.rest().await.into_iter().map(|(_, it)| it).collect();
            assert_eq!(messages.len(), 4, "{version}");
            for (n, message) in (1..).zip(&messages[..3]) {
                let step = format!("step {n}");
                let params =
                    json!({"progressToken": token, "progress": n, "total": 3, "message": step});
                assert_eq!(message["method"], "notifications/progress");
                assert_eq!(message["params"], params, "{version}");
                assert_eq!(message.get("id"), None);
            }
            assert_eq!(gist(&messages[3]), "1=done");
            stream.assert_ended_cleanly(&session).await;
        }
    }
}

/// A token that asks for progress does not make a stream where there is none: 2025-11-25,
/// Progress, Behavior Requirements, 2: receivers MAY "choose not to send any".
#[tokio::test]
async fn a_token_alone_leaves_the_answer_json() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let body = call_with_progress(1, "echo", json!({}), json!("t"));
    assert_eq!(json_gist(&session.send(&server, &body).await), "1={}");
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Progress, Progress Flow: "Progress tokens MUST be a
/// string or integer value".
#[tokio::test]
async fn a_token_that_is_no_string_and_no_integer_is_invalid() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    for token in [json!(1.5), json!(true), json!([]), json!({})] {
        let body = call_with_progress(1, "progress", json!({"count": 1}), token.clone());
        assert_eq!(json_gist(&session.send(&server, &body).await), "1!-32602", "{token}");
    }
}

/// FACTS, others: "silent tools cut at 60 s". Decision 1: a call that has not answered within the
/// commit deadline becomes a stream; decision 11: with heartbeats from the first byte on.
#[tokio::test]
async fn a_silent_call_becomes_a_stream_with_heartbeats_and_the_answer_comes_on_it() {
    let server = TestServer::with(|it| it.commit_after(MOMENT).heartbeat(MOMENT)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut stream = Stream::open(&server, &session.post(&call(1, "wait", json!({})))).await;
        let first = stream.next().await.expect("a first byte before the handler says anything");
        assert_eq!(first.comment, version != LATEST, "{version}: {first:?}");
        for _ in 0..3 {
            assert!(stream.next().await.expect("a heartbeat").comment, "{version}");
        }
        server.probe.release(1);
        assert_eq!(stream.gists().await, ["1=waited"], "{version}");
        stream.assert_ended_cleanly(&session).await;
    }
}

/// Decision 11: "from the first byte of every SSE response, ... whether or not the handler has
/// said anything yet", on the standalone stream and on resumed ones as well.
#[tokio::test]
async fn every_stream_has_heartbeats() {
    let server = TestServer::with(|it| it.heartbeat(MOMENT)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut post = Stream::waiting(&server, &session, 1, 1).await;
        let id = post.expect("t1:1").await;
        let mut get = Stream::open(&server, &session.get(None)).await;
        if version == LATEST {
            assert_eq!(get.next().await.expect("an event").data.as_deref(), Some(""));
        }
        for stream in [&mut post, &mut get] {
            for _ in 0..3 {
                assert!(stream.next().await.expect("a heartbeat").comment, "{version}");
            }
        }
        let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
        for _ in 0..3 {
            assert!(resumed.next().await.expect("a heartbeat").comment, "{version}");
        }
        server.probe.release(1);
        assert_eq!(resumed.gists().await, ["1=waited"]);
    }
}

/// Decision 1: "`Accept` with JSON alone forces JSON", also with progress, and past the commit
/// deadline.
#[tokio::test]
async fn accept_with_json_alone_forces_json() {
    let server = TestServer::with(|it| it.commit_after(MOMENT)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let body = call_with_progress(1, "progress", json!({"count": 3}), json!("t"));
        let request = accepting(&session, "application/json", &body);
        assert_eq!(json_gist(&server.connect().await.send(&request).await), "1=done");

        let mut wire = server.connect().await;
        let body = call_with_progress(2, "wait", json!({"progress": 3}), json!("t"));
        wire.write(accepting(&session, "application/json", &body).as_bytes()).await;
        // One that began later is past its commit deadline, and so is this one.
        let later = Stream::open(&server, &session.post(&call(3, "wait", json!({})))).await;
        server.probe.release(2);
        assert_eq!(json_gist(&wire.answer().await), "2=waited", "{version}");
        drop(later);
    }
}

/// Decision 1: "with SSE alone forces SSE", also for what is answered at once. In a session such
/// a stream has an id to resume from, as every other.
#[tokio::test]
async fn accept_with_sse_alone_forces_sse() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for (body, expected) in [
            (call(1, "echo", json!({})), "1={}"),
            (crate::support::messages::request(2, "ping", json!({})), "2={}"),
            (call(3, "unknown", json!({})), "3!-32602"),
            (call(4, "progress", json!({"count": 3})), "4=done"),
        ] {
            let request = accepting(&session, "text/event-stream", &body);
            let mut stream = Stream::open(&server, &request).await;
            let rest = stream.rest().await;
            assert_eq!(rest.len(), 1, "{version}: {rest:?}");
            assert_eq!(gist(&rest[0].1), expected, "{version}");
            assert!(rest[0].0.is_some(), "{version}: an event id");
        }
    }
}

/// Decision 1: "absent or `*/*` means adaptive"; RFC 9110, 12.5.1. Nothing is answered with 406.
#[tokio::test]
async fn any_other_accept_is_adaptive() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let quick = call(1, "echo", json!({}));
    let talking = call_with_progress(1, "progress", json!({"count": 1}), json!("t"));
    let absent = |body: &str| {
        session.post(body).replace("Accept: application/json, text/event-stream\r\n", "")
    };
    let requests = ["*/*", "application/*, text/*", "text/event-stream;q=0.1, application/json"]
        .map(|accept| [&quick, &talking].map(|body| accepting(&session, accept, body)))
        .into_iter()
        .chain([[absent(&quick), absent(&talking)]]);
    for [quick, talking] in requests {
        assert_eq!(json_gist(&server.connect().await.send(&quick).await), "1={}");
        let mut stream = Stream::open(&server, &talking).await;
        assert_eq!(stream.gists().await, ["t:1", "1=done"]);
    }
}

/// Decision 1: "JSON-only and SSE-only are options".
#[tokio::test]
async fn the_server_can_be_told_to_frame_in_one_way_alone() {
    let talking = call_with_progress(1, "progress", json!({"count": 1}), json!("t"));
    for version in VERSIONS {
        let server = TestServer::with(|it| it.framing(Framing::JsonOnly)).await;
        let session = Session::open(&server, version).await;
        assert_eq!(json_gist(&session.send(&server, &talking).await), "1=done");
        let server = TestServer::with(|it| it.framing(Framing::SseOnly)).await;
        let session = Session::open(&server, version).await;
        let answer = session.send(&server, &call(1, "echo", json!({}))).await;
        assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{version}");
        assert_eq!(gists(&answer), ["1={}"], "{version}");
    }
}

/// An answer that is there when its stream begins goes out with it, in one piece; who did not get it
/// resumes the stream like any other.
#[tokio::test]
async fn a_quick_answer_is_a_stream_in_one_piece_that_can_be_resumed() {
    for version in VERSIONS {
        let server = TestServer::with(|it| it.framing(Framing::SseOnly)).await;
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        wire.write(session.post(&call(1, "echo", json!({}))).as_bytes()).await;
        let head = wire.head().await.expect("a response");
        assert_eq!(head.header("transfer-encoding"), Some("chunked"), "{version}");
        let all = String::from_utf8(wire.chunk().await.expect("all of it")).expect("UTF-8");
        assert_eq!(wire.chunk().await, None, "{version}");
        let priming = if version == LATEST { "id: 1-0\nretry: 1000\ndata: \n\n" } else { "" };
        let event = all.strip_prefix(priming).expect("the priming event comes first");
        assert!(event.starts_with("id: 1-1\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,"), "{event}");
        let resumed = server.connect().await.send(&session.get(Some("1-0"))).await;
        assert_eq!(resumed.text(), event, "{version}");
        assert_eq!(server.connect().await.send(&session.get(Some("1-1"))).await.status(), 405);
    }
}

/// FACTS, others: "progress buffered to the end". Each step is read before the tool takes the
/// next one.
#[tokio::test]
async fn each_message_is_on_the_wire_before_the_tool_goes_on() {
    let step = Arc::new(Semaphore::new(0));
    let steps = Arc::clone(&step);
    let server = TestServer::with_server(
        move |server| {
            server.tool(Tool::new("steps"), move |_: Arguments, cx: Context| {
                let steps = Arc::clone(&steps);
                async move {
                    for n in 1..=5 {
                        cx.progress(f64::from(n), None, "");
                        steps.acquire().await.expect("an open semaphore").forget();
                    }
                    Ok::<_, ToolError>("done")
                }
            })
        },
        |service| service,
    )
    .await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let body = call_with_progress(1, "steps", json!({}), json!("t"));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        for n in 1..=5 {
            stream.expect(&format!("t:{n}")).await;
            step.add_permits(1);
        }
        assert_eq!(stream.gists().await, ["1=done"], "{version}");
    }
}
