//! Streams that end before the platform ends them, and connections that a handler ends.

use std::sync::Arc;
use std::time::Duration;

use mcp_http::{Arguments, Context, McpServiceBuilder, StreamEnd, StreamKind, Tool, ToolError};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{Cut, LATEST, Stream, VERSIONS, json_gist};
use crate::support::messages::{Session, call, modern_call, post};
use crate::support::server::TestServer;

const AGE: Duration = Duration::from_millis(200);

/// A server with a tool `leave` that ends its connection, says a message once it is released, and
/// answers once it is released again.
async fn leaving(
    options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
) -> (TestServer, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let for_tool = gate.clone();
    let leave = move |_: Arguments, cx: Context| {
        let gate = for_tool.clone();
        async move {
            cx.close_stream();
            gate.acquire().await?.forget();
            cx.progress(1.0, None, "released");
            gate.acquire().await?.forget();
            Ok::<_, ToolError>("left")
        }
    };
    let server = TestServer::with_server(
        |server| server.tool(Tool::new("leave").with_description("Leaves"), leave),
        |service| options(service.retry(Duration::from_millis(250))),
    );
    (server.await, gate)
}

/// Decision 12: "legacy streams end cleanly after a `retry` hint and resume by id". 2025-11-25,
/// Transports, Sending Messages to the Server, 6.
#[tokio::test]
async fn a_stream_of_a_call_ends_at_its_age_after_a_retry_and_resumes_without_loss() {
    let server = TestServer::with(|it| it.max_stream_age(AGE)).await;
    let session = Session::open(&server, LATEST).await;
    let mut stream = Stream::waiting(&server, &session, 1, 2).await;
    let prime = stream.event().await.expect("a priming event");
    assert_eq!(prime.data.as_deref(), Some(""));
    stream.expect("t1:1").await;
    let last = stream.expect("t1:2").await;
    let end = stream.events().await;
    assert!(matches!(&*end, [hint] if hint.retry.is_some() && hint.data.is_none()), "{end:?}");
    stream.assert_ended_cleanly(&session).await;

    // Each connection has an age of its own, and none of them is the stream's end.
    let mut again = Stream::open(&server, &session.get(Some(&last))).await;
    assert!(again.events().await.iter().all(|event| event.data.is_none()));
    let mut again = Stream::open(&server, &session.get(Some(&last))).await;
    server.probe.release(1);
    assert_eq!(again.gists().await, ["1=waited"]);
    let streams = &server.service.stats().streams[&StreamKind::Call];
    assert_eq!((streams.ended[&StreamEnd::Aged], streams.open), (2, 0));
}

/// Decision 4: older clients "expect the answer on the stream, so they get ... an early end only
/// where an id was delivered and the platform would cut anyway".
#[tokio::test]
async fn before_2025_11_25_a_stream_ends_early_only_once_an_id_was_given() {
    let quick = Duration::from_millis(20);
    let options =
        |it: McpServiceBuilder| it.max_stream_age(AGE).heartbeat(quick).commit_after(quick);
    let server = TestServer::with(options).await;
    for version in &VERSIONS[..2] {
        let session = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &session, 1, 1).await;
        let last = stream.expect("t1:1").await;
        assert!(stream.events().await.iter().all(|event| event.retry.is_some()), "{version}");

        let mut without = Stream::open(&server, &session.post(&call(2, "wait", json!({})))).await;
        // Many times the age goes by.
        for _ in 0..50 {
            assert!(without.next().await.expect("it goes on").comment, "{version}");
        }
        server.probe.release(2);
        assert_eq!(without.gists().await, ["2=waited"], "{version}: whole, with its answer");
        let mut again = Stream::open(&server, &session.get(Some(&last))).await;
        assert_eq!(again.gists().await, ["1=waited"], "{version}");
    }
}

/// What could not end in time ends as soon as it can.
#[tokio::test]
async fn a_stream_that_is_over_its_age_ends_with_the_first_id_that_it_gives() {
    let quick = Duration::from_millis(20);
    let options =
        |it: McpServiceBuilder| it.max_stream_age(AGE).heartbeat(quick).commit_after(quick);
    let (server, gate) = leaving(options).await;
    let session = Session::open(&server, "2025-06-18").await;
    let call = crate::support::messages::call_with_progress(1, "leave", json!({}), json!("t"));
    let mut stream = Stream::open(&server, &session.post(&call)).await;
    for _ in 0..50 {
        assert!(stream.next().await.expect("it goes on").comment);
    }
    gate.add_permits(1);
    let last = stream.expect("t:1").await;
    let end = stream.events().await;
    assert!(matches!(&*end, [hint] if hint.retry.is_some() && hint.data.is_none()), "{end:?}");
    gate.add_permits(1);
    let mut again = Stream::open(&server, &session.get(Some(&last))).await;
    assert_eq!(again.gists().await, ["1=left"]);
}

/// 2025-11-25, Transports, Listening for Messages from the Server, 4: "The server MAY close the SSE
/// stream at any time"; "it SHOULD follow the same polling behavior": a `retry`.
#[tokio::test]
async fn a_standalone_stream_ends_at_its_age_and_may_be_opened_again() {
    let server = TestServer::with(|it| it.max_stream_age(AGE)).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for _ in 0..2 {
            let mut stream = Stream::open(&server, &session.get(None)).await;
            let end = stream.events().await.pop().expect("a retry hint");
            assert!(end.retry.is_some() && end.data.is_none(), "{version}: {end:?}");
            stream.assert_ended_cleanly(&session).await;
        }
    }
    let streams = &server.service.stats().streams[&StreamKind::Standalone];
    assert_eq!(streams.ended[&StreamEnd::Aged], 6);
}

/// A stream of 2026-07-28 cannot be resumed: it has its answer, however old it is.
#[tokio::test]
async fn a_modern_call_is_not_ended_by_its_age() {
    let quick = Duration::from_millis(20);
    let options =
        |it: McpServiceBuilder| it.max_stream_age(AGE).heartbeat(quick).commit_after(quick);
    let server = TestServer::with(options).await;
    let mut stream = Stream::open(&server, &modern_call(1, "wait", json!({}))).await;
    for _ in 0..50 {
        assert!(stream.next().await.expect("it goes on").comment);
    }
    server.probe.release(1);
    let (_, answer) = stream.message().await;
    assert_eq!(answer["result"]["content"][0]["text"], "waited");
}

/// SEP-1699. 2025-11-25, Transports, Sending Messages to the Server, 6: "After the server has sent
/// an SSE event with an event ID to the client, the server MAY close the connection".
#[tokio::test]
async fn a_handler_ends_its_connection_and_the_client_polls_for_the_rest() {
    let (server, gate) = leaving(|it| it).await;
    let session = Session::open(&server, LATEST).await;
    let call = crate::support::messages::call_with_progress(1, "leave", json!({}), json!("t"));
    let mut stream = Stream::open(&server, &session.post(&call)).await;
    let events = stream.events().await;
    let [prime, hint] = &*events else { panic!("a priming event and a hint: {events:?}") };
    assert_eq!((prime.data.as_deref(), prime.retry), (Some(""), Some(250)));
    assert_eq!((hint.data.as_deref(), hint.retry), (None, Some(250)));
    stream.assert_ended_cleanly(&session).await;

    let id = prime.id.as_deref().expect("a priming event has an id");
    let mut again = Stream::open(&server, &session.get(Some(id))).await;
    gate.add_permits(1);
    let last = again.expect("t:1").await;
    again.cut(Cut::Rst).await;
    gate.add_permits(1);
    let mut again = Stream::open(&server, &session.get(Some(&last))).await;
    assert_eq!(again.gists().await, ["1=left"]);
    let ended = &server.service.stats().streams[&StreamKind::Call].ended;
    assert_eq!(ended[&StreamEnd::Displaced], 1);
}

/// 2025-06-18, Transports, Sending Messages to the Server, 6: "The server SHOULD NOT close the SSE
/// stream before sending the JSON-RPC response".
#[tokio::test]
async fn where_a_client_could_not_come_back_a_handler_ends_nothing() {
    let (server, gate) = leaving(|it| it).await;
    gate.add_permits(100);
    for version in &VERSIONS[..2] {
        let session = Session::open(&server, version).await;
        let answer = session.send(&server, &call(1, "leave", json!({}))).await;
        assert_eq!(json_gist(&answer), "1=left", "{version}");
    }
    let answer = server.connect().await.send(&modern_call(1, "leave", json!({}))).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "left");
    // A client that takes JSON alone.
    let session = Session::open(&server, LATEST).await;
    let mut headers = session.headers();
    headers.push(("Accept", "application/json"));
    let request = post(&headers, &call(1, "leave", json!({})));
    assert_eq!(json_gist(&server.connect().await.send(&request).await), "1=left");
}
