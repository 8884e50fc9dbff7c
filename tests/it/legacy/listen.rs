//! Transports, Listening for Messages from the Server: the standalone stream and its takeover.

use mcp_http::serve;
use serde_json::json;

use super::{Cut, LATEST, Stream, VERSIONS, gists, json_gist};
use crate::support::messages::{Session, call, call_with_progress, stream_head};
use crate::support::server::TestServer;
use crate::support::wire::Wire;

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Listening for Messages from the Server, 3:
/// "The server MUST either return `Content-Type: text/event-stream` ... or else ... 405". FACTS:
/// Cloudflare "withholds headers until the first body byte", so there is one at once.
#[tokio::test]
async fn a_get_is_a_stream_whose_first_byte_comes_at_once() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut stream = Stream::open(&server, &session.get(None)).await;
        let first = stream.next().await.expect("a first byte");
        assert_eq!(first.comment, version != LATEST, "{version}: {first:?}");
    }
}

/// Decision 6: "The newest standalone GET takes over and the older one ends cleanly (no 409, no
/// shadow stream)". FACTS, others: "409 until DELETE after a dropped GET".
#[tokio::test]
async fn a_second_get_takes_over_and_the_first_ends_cleanly_with_a_retry() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut first = Stream::open(&server, &session.get(None)).await;
        first.next().await.expect("a first byte");
        let mut second = Stream::open(&server, &session.get(None)).await;
        let rest = first.events().await;
        assert_eq!(rest.len(), 1, "{version}: {rest:?}");
        assert!(rest[0].retry.is_some_and(|retry| retry >= 1_000), "{version}: {rest:?}");
        assert_eq!((&rest[0].data, &rest[0].id), (&None, &None), "{version}");
        first.assert_ended_cleanly(&session).await;
        // The end of the first is not that of the second: a third finds it there.
        second.next().await.expect("a first byte");
        let _third = Stream::open(&server, &session.get(None)).await;
        let rest = second.events().await;
        assert!(rest.len() == 1 && rest[0].retry.is_some(), "{version}: {rest:?}");
    }
}

/// FACTS, others: "409 until DELETE after a dropped GET".
#[tokio::test]
async fn after_a_dropped_get_the_next_one_is_served() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for cut in [Cut::Fin, Cut::Rst, Cut::Rst, Cut::Fin] {
            let mut stream = Stream::open(&server, &session.get(None)).await;
            stream.next().await.expect("a first byte");
            stream.cut(cut).await;
        }
        let mut stream = Stream::open(&server, &session.get(None)).await;
        stream.next().await.expect("a first byte");
    }
}

/// Decision 6: "Two clients that chase each other are slowed: a displaced stream's `retry` doubles
/// with each takeover within a minute, to 60 s at most."
#[tokio::test]
async fn streams_that_chase_each_other_are_told_to_wait_ever_longer() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut current = Stream::open(&server, &session.get(None)).await;
        let mut told = Vec::new();
        for _ in 0..8 {
            current.next().await.expect("a first byte");
            let next = Stream::open(&server, &session.get(None)).await;
            let mut displaced = std::mem::replace(&mut current, next);
            let rest = displaced.events().await;
            told.extend(rest.last().and_then(|event| event.retry));
        }
        let expected = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
        assert_eq!(told, expected, "{version}");
    }
}

/// Decision 5: "no 400 or 409 that would break clients". An event id that this session never gave
/// is as good as none: the standalone stream.
#[tokio::test]
async fn a_last_event_id_that_was_never_given_opens_the_standalone_stream() {
    let server = TestServer::start().await;
    let long = "9".repeat(5_000);
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for id in
            ["x", "", "1", "-", "1-", "-1", "0-99", "1-1", "99-0", "01-1", "1-1-1", "é", &long]
        {
            let mut stream = Stream::open(&server, &session.get(Some(id))).await;
            let first = stream.next().await.expect("a first byte");
            assert_eq!(first.comment, version != LATEST, "{version}, {id:?}: {first:?}");
            // It is the standalone stream: the next GET takes it over.
            let _next = Stream::open(&server, &session.get(None)).await;
            let rest = stream.events().await;
            assert!(rest.len() == 1 && rest[0].retry.is_some(), "{version}, {id:?}: {rest:?}");
        }
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Listening for Messages from the Server, 4:
/// "The server MUST NOT send a JSON-RPC response on the stream unless resuming"; Multiple
/// Connections, 2: "MUST NOT broadcast the same message across multiple streams". FACTS: the suite
/// does not notice "POST messages broadcast on the GET stream".
#[tokio::test]
async fn the_standalone_stream_carries_nothing_of_calls() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut get = Stream::open(&server, &session.get(None)).await;
        get.next().await.expect("a first byte");
        let answer = session.send(&server, &call(1, "echo", json!({}))).await;
        assert_eq!(json_gist(&answer), "1={}");
        let body = call_with_progress(2, "progress", json!({"count": 3}), json!("t"));
        let answer = session.send(&server, &body).await;
        assert_eq!(gists(&answer), ["t:1", "t:2", "t:3", "2=done"]);
        // Cut and not resumed, the other stream's messages still are not this one's.
        let mut cut = Stream::waiting(&server, &session, 3, 2).await;
        cut.expect("t3:1").await;
        cut.cut(Cut::Fin).await;
        server.probe.release(1);
        let answer = session.send(&server, &call(4, "echo", json!({}))).await;
        assert_eq!(json_gist(&answer), "4={}");
        assert_eq!(session.end(&server).await.status(), 204);
        assert_eq!(get.gists().await, [""; 0], "{version}");
    }
}

/// FACTS, others: "an unread GET and 16 notifications wedge the whole session". Decision 9: "A
/// slow reader hurts only itself."
#[tokio::test]
async fn streams_that_nobody_reads_hold_up_nothing() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let _unread_get = Stream::open(&server, &session.get(None)).await;
        let body = call_with_progress(1, "progress", json!({"count": 20_000}), json!("unread"));
        let mut unread_post = server.connect().await;
        unread_post.write(session.post(&body).as_bytes()).await;
        for n in 0..20 {
            let body = call_with_progress(n, "progress", json!({"count": 16}), json!("t"));
            let answer = session.send(&server, &body).await;
            assert_eq!(answer.messages().len(), 17, "{version}");
        }
        assert_eq!(json_gist(&session.send(&server, &call(2, "echo", json!({}))).await), "2={}");
        assert_eq!(session.end(&server).await.status(), 204);
    }
}

/// The issue, What it contains: `shutdown()`; 2025-11-25, Transports, Listening for Messages from
/// the Server, 4: "If the server closes the connection without terminating the stream, it SHOULD
/// follow the same polling behavior ...: sending a `retry` field". However the stream was opened.
#[tokio::test]
async fn a_shutdown_ends_the_standalone_stream_with_a_retry() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        for cursor in [None, Some("x"), Some("7-7"), Some("0-99")] {
            let session = Session::open(&server, version).await;
            let another = serve(server.service.clone()).bind("127.0.0.1:0").await;
            let running = another.expect("a free port");
            let mut wire = Wire::connect(running.local_addr()).await;
            wire.write(session.get(cursor).as_bytes()).await;
            let head = stream_head(&mut wire).await;
            let mut stream = Stream { wire, held: Vec::new(), head };
            stream.next().await.expect("a first byte");
            running.begin_shutdown();
            let rest = stream.events().await;
            assert_eq!(rest.len(), 1, "{version}, {cursor:?}: {rest:?}");
            assert!(rest[0].retry.is_some() && rest[0].data.is_none(), "{version}: {rest:?}");
            // Nothing but the connection ended.
            let answer = session.send(&server, &call(1, "echo", json!({}))).await;
            assert_eq!(json_gist(&answer), "1={}");
        }
    }
}
