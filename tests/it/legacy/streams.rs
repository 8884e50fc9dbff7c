//! Transports, Sending Messages to the Server, 6, and Resumability and Redelivery, 1: what a
//! stream looks like: headers, priming, event ids, and its end.

use std::collections::HashSet;

use mcp_http::{Arguments, Context, LogLevel, Tool, ToolError};
use serde_json::json;

use super::{LATEST, Stream, VERSIONS, gist, json_gist};
use crate::support::messages::{Session, call, call_with_progress, request};
use crate::support::server::TestServer;

/// 2025-11-25, Transports, Sending Messages to the Server, 5: `Content-Type: text/event-stream`.
/// FACTS: nginx "buffers a whole SSE response by default; `X-Accel-Buffering: no` cures it".
#[tokio::test]
async fn the_headers_of_a_stream_keep_proxies_from_buffering_changing_and_storing_it() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut post = Stream::waiting(&server, &session, 1, 1).await;
        let id = post.expect("t1:1").await;
        let get = Stream::open(&server, &session.get(None)).await;
        let resumed = Stream::open(&server, &session.get(Some(&id))).await;
        for stream in [&post, &get, &resumed] {
            let header = |name| stream.head.header(name);
            assert_eq!(header("content-type"), Some("text/event-stream"));
            assert_eq!(header("cache-control"), Some("no-cache, no-transform"));
            assert_eq!(header("x-accel-buffering"), Some("no"));
            assert_eq!(header("content-length"), None);
            assert_eq!(header("content-encoding"), None);
        }
    }
}

/// 2025-11-25, Transports, Sending Messages to the Server, 6: "The server SHOULD immediately send
/// an SSE event consisting of an event ID and an empty `data` field in order to prime the client
/// to reconnect". It says how long to wait, too.
#[tokio::test]
async fn from_2025_11_25_on_a_stream_begins_with_a_priming_event() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let mut post = Stream::waiting(&server, &session, 1, 1).await;
    let mut get = Stream::open(&server, &session.get(None)).await;
    for stream in [&mut post, &mut get] {
        let first = stream.next().await.expect("an event");
        assert_eq!(first.data.as_deref(), Some(""), "{first:?}");
        assert!(first.id.is_some_and(|id| !id.is_empty()));
        assert!(first.retry.is_some_and(|retry| retry > 0));
    }
    post.expect("t1:1").await;
    server.probe.release(1);
    // It is primed once.
    let rest = post.events().await;
    assert_eq!(rest.len(), 1, "{rest:?}");
}

/// 2025-06-18 and 2025-03-26, Transports, Sending Messages to the Server, 6, know no priming;
/// decision 4: "older clients break on empty data ..., so they get ids on real messages".
#[tokio::test]
async fn before_2025_11_25_no_event_is_empty_and_messages_have_ids() {
    let server = TestServer::start().await;
    for version in &VERSIONS[..2] {
        let session = Session::open(&server, version).await;
        let mut get = Stream::open(&server, &session.get(None)).await;
        assert!(get.next().await.expect("a first byte").comment, "{version}");
        let body = call_with_progress(1, "progress", json!({"count": 2}), json!("t"));
        let mut post = Stream::open(&server, &session.post(&body)).await;
        let events = post.events().await;
        assert_eq!(events.len(), 3, "{version}: {events:?}");
        for event in events {
            assert!(event.message().is_some(), "{version}: {event:?}");
            assert!(event.id.is_some_and(|id| !id.is_empty()), "{version}");
        }
        assert_eq!(session.end(&server).await.status(), 204);
        let rest = get.events().await;
        assert!(rest.iter().all(|event| event.data.is_none()), "{version}: {rest:?}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Resumability and Redelivery, 1: "the ID
/// MUST be globally unique across all streams within that session". FACTS, others: "every GET and
/// initialize stream starts at event id 0"; the suite does not notice "identical event ids".
#[tokio::test]
async fn event_ids_never_repeat_in_a_session() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let (mut ids, mut events) = (HashSet::new(), 0);
        let mut collect = |id: Option<String>| {
            events += usize::from(id.is_some());
            ids.extend(id);
        };
        for _ in 0..3 {
            let body = call_with_progress(1, "progress", json!({"count": 3}), json!("t"));
            let mut stream = Stream::open(&server, &session.post(&body)).await;
            stream.events().await.into_iter().for_each(|event| collect(event.id));
            // Each takes over from the one before, and is primed anew.
            let mut get = Stream::open(&server, &session.get(None)).await;
            collect(get.next().await.expect("a first byte").id);
        }
        assert_eq!(ids.len(), events, "{version}");
        assert!(events >= 3 * 4, "{version}");
    }
}

/// 2025-11-25 (and 2025-06-18), Transports, Sending Messages to the Server, 6: one response for
/// one request, and then the stream terminates. FACTS: the suite does not notice "two answers to
/// one request, or messages after the answer"; others: "JSON written over an SSE response, and a
/// write after the response was finished".
#[tokio::test]
async fn nothing_follows_the_answer_whatever_the_tool_leaves_behind() {
    let server = TestServer::with_server(
        |server| {
            server.tool(Tool::new("haunt"), |_: Arguments, cx: Context| async move {
                cx.progress(1.0, None, "");
                let ghost = cx.clone();
                tokio::spawn(async move {
                    for n in 2..100 {
                        ghost.progress(f64::from(n), None, "boo");
                        ghost.log(LogLevel::Emergency, "boo");
                        tokio::task::yield_now().await;
                    }
                });
                Ok::<_, ToolError>("done")
            })
        },
        |service| service,
    )
    .await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let body = request(1, "logging/setLevel", json!({"level": "debug"}));
        assert_eq!(json_gist(&session.send(&server, &body).await), "1={}");
        let body = call_with_progress(2, "haunt", json!({}), json!("t"));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let gists = stream.gists().await;
        assert_eq!(gists.last().map(String::as_str), Some("2=done"), "{version}: {gists:?}");
        assert_eq!(gists.iter().filter(|gist| gist.starts_with("2=")).count(), 1);
        // The connection is in step: what comes next is the answer to what is asked next.
        stream.assert_ended_cleanly(&session).await;
        let body = call(3, "haunt", json!({}));
        let answer = session.send(&server, &body).await;
        assert_eq!(answer.messages().last().map(gist).as_deref(), Some("3=done"));
        stream.assert_ended_cleanly(&session).await;
    }
}

/// FACTS: "`RawValue` keeps newlines, which SSE must split": a message is one line, whatever line
/// ends stood in the body that it echoes.
#[tokio::test]
async fn a_token_or_an_id_with_line_ends_stays_on_its_line() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let body = concat!(
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\\nb\",\"method\":\"tools/call\",\"params\":{\r\n",
        "\"name\":\"progress\",\"arguments\":{\"count\":1},",
        "\"_meta\":{\"progressToken\":\n\"t\\r\\nid: 9-9\"}}}"
    );
    let mut stream = Stream::open(&server, &session.post(body)).await;
    let rest = stream.rest().await;
    assert_eq!(rest.len(), 2);
    assert_eq!(rest[0].1["params"]["progressToken"], "t\r\nid: 9-9");
    assert_eq!(rest[1].1["id"], "a\nb");
}
