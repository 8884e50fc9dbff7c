//! Streams that wait for what may come, in both eras: they are counted together, apart from calls,
//! and there is an end to their number.

use serde_json::json;

use crate::support::messages::{Session, assert_serves, listen, modern_call, stream_head};
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Wire};

/// Opens a stream on a connection of its own.
async fn open(server: &TestServer, request: &str) -> Wire {
    let mut wire = server.connect().await;
    wire.write(request.as_bytes()).await;
    stream_head(&mut wire).await;
    wire
}

fn listen_to_tools(id: u64) -> String {
    listen(id, json!({"toolsListChanged": true}))
}

#[track_caller]
fn assert_full(answer: &Answer) {
    assert_eq!((answer.status(), answer.code()), (503, Some(-32603)), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert!(answer.text().contains("try again later"), "{}", answer.text());
}

/// The issue, Admission: beyond a limit "503 with `Retry-After` and a JSON-RPC body, before any work
/// is done". A session's newer stream may take the place of its older one: its client has lost that.
#[tokio::test]
async fn one_parked_stream_too_many_is_503_but_a_takeover_is_none() {
    let (server, changes) = TestServer::changing_with(|it| it.max_parked_streams(2)).await;
    let session = Session::open(&server, "2025-11-25").await;
    let other = Session::open(&server, "2025-06-18").await;
    let mut get = open(&server, &session.get(None)).await;
    let modern = open(&server, &listen_to_tools(1)).await;
    assert_eq!(server.parked(), 2);

    for cursor in [None, Some("0-0"), Some("x")] {
        assert_full(&server.connect().await.send(&other.get(cursor)).await);
    }
    let refused = server.connect().await.send(&listen_to_tools(2)).await;
    assert_full(&refused);
    assert_eq!(refused.json()["id"], 2);
    assert_eq!(server.parked(), 2, "what is refused is not counted");

    // The takeover: the older one ends, and gives its place back.
    let mut newer = open(&server, &session.get(None)).await;
    let mut held = Vec::new();
    let mut last = None;
    while let Some(event) = get.event(&mut held).await {
        last = event.retry;
    }
    assert_eq!(last, Some(1_000), "the displaced stream's end");
    server.until_parked(2).await;
    assert_full(&server.connect().await.send(&other.get(None)).await);
    changes.tools_changed();
    let mut held = Vec::new();
    let told = async {
        loop {
            let event = newer.event(&mut held).await.expect("a message");
            if let Some(message) = event.message() {
                break message;
            }
        }
    };
    assert_eq!(told.await["method"], "notifications/tools/list_changed");

    drop(modern);
    server.until_parked(1).await;
    open(&server, &other.get(None)).await;
    assert_serves(&server).await;
}

/// They wait, they do not work: a server full of them still calls, and one full of calls still lets
/// clients listen.
#[tokio::test]
async fn parked_streams_and_calls_take_no_room_from_each_other() {
    let options = |it: mcp_http::McpServiceBuilder| it.max_calls(1).max_parked_streams(3);
    let (server, changes) = TestServer::changing_with(options).await;
    let session = Session::open(&server, "2025-11-25").await;
    let mut call = server.connect().await;
    call.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    server.probe.started(1).await;
    let _listening = (
        open(&server, &session.get(None)).await,
        open(&server, &listen_to_tools(1)).await,
        open(&server, &listen_to_tools(2)).await,
    );
    assert_eq!((server.service.calls_in_flight(), server.parked()), (1, 3));
    let refused = server.connect().await.send(&modern_call(2, "echo", json!({}))).await;
    assert_eq!(refused.status(), 503);
    assert_full(&server.connect().await.send(&listen_to_tools(3)).await);
    server.probe.release(1);
    assert_eq!(call.answer().await.json()["result"]["content"][0]["text"], "waited");
    changes.tools_changed();
    assert_serves(&server).await;
}

/// The stream of a call is the call's, however it is read: resumed, it is not parked.
#[tokio::test]
async fn a_resumed_stream_of_a_call_is_not_parked() {
    let (server, _changes) = TestServer::changing_with(|it| it.max_parked_streams(0)).await;
    let session = Session::open(&server, "2025-11-25").await;
    assert_full(&server.connect().await.send(&session.get(None)).await);
    let arguments = json!({"progress": 1});
    let body = crate::support::messages::call_with_progress(1, "wait", arguments, json!("t"));
    let mut stream = open(&server, &session.post(&body)).await;
    let first = stream.event(&mut Vec::new()).await.and_then(|event| event.id);
    stream.reset();
    let mut resumed = open(&server, &session.get(first.as_deref())).await;
    assert_eq!(server.parked(), 0);
    server.probe.release(1);
    let (mut held, mut messages) = (Vec::new(), Vec::new());
    while let Some(event) = resumed.event(&mut held).await {
        messages.extend(event.message());
    }
    assert_eq!(messages.last().expect("an answer")["result"]["content"][0]["text"], "waited");
}
