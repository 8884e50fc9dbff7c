//! Transports, Resumability and Redelivery: a broken stream goes on where it broke, without loss,
//! repetition or crossing.

use std::sync::Arc;

use mcp_http::{Arguments, Context, LogLevel, McpServiceBuilder, ServerBuilder, Tool, ToolError};
use serde_json::json;
use tokio::sync::Semaphore;

use super::{CUTS, Cut, LATEST, Stream, VERSIONS, gist};
use crate::support::messages::{Session, call_with_progress, post, request};
use crate::support::server::TestServer;

/// FACTS, others: "an answer that is ready while the client is away is lost" and "replay sends the
/// acknowledged event again". 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Resumability
/// and Redelivery, 2: "replay messages that would have been sent after the last event ID", and
/// Sending Messages to the Server, 6: "Disconnection SHOULD NOT be interpreted as the client
/// cancelling its request."
#[tokio::test]
async fn what_came_while_the_client_was_away_is_delivered_once_and_in_order() {
    for version in VERSIONS {
        for cut in CUTS {
            let server = TestServer::start().await;
            let session = Session::open(&server, version).await;
            let mut stream = Stream::waiting(&server, &session, 1, 3).await;
            let id = stream.expect("t1:1").await;
            stream.cut(cut).await;
            server.probe.release(1);
            server.probe.finished(1).await;
            assert_eq!(server.probe.dropped_now(), 0, "a disconnect is no cancellation");
            let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
            assert_eq!(resumed.gists().await, ["t1:2", "t1:3", "1=waited"], "{version}, {cut:?}");
            resumed.assert_ended_cleanly(&session).await;
        }
    }
}

/// The same for what the tool says while the client is away, and for several times away.
#[tokio::test]
async fn what_a_tool_says_while_the_client_is_away_is_delivered_once_and_in_order() {
    for version in VERSIONS {
        for cut in CUTS {
            let gate = Arc::new(Semaphore::new(0));
            let server = stepping(Arc::clone(&gate), |it| it).await;
            let session = Session::open(&server, version).await;
            let body = call_with_progress(1, "steps", json!({}), json!("t"));
            let mut stream = Stream::open(&server, &session.post(&body)).await;
            let mut id = stream.expect("t:0").await;
            for away in 1..=3 {
                stream.cut(cut).await;
                gate.add_permits(2);
                stream = Stream::open(&server, &session.get(Some(&id))).await;
                stream.expect(&format!("t:{}", away * 2 - 1)).await;
                id = stream.expect(&format!("t:{}", away * 2)).await;
            }
            gate.add_permits(2);
            assert_eq!(stream.gists().await, ["t:7", "1=done"], "{version}, {cut:?}");
        }
    }
}

/// The same for what comes after the client is back.
#[tokio::test]
async fn a_resumed_stream_goes_on_live() {
    for version in VERSIONS {
        for cut in CUTS {
            let server = TestServer::start().await;
            let session = Session::open(&server, version).await;
            let mut stream = Stream::waiting(&server, &session, 1, 2).await;
            let id = stream.expect("t1:1").await;
            stream.cut(cut).await;
            let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
            resumed.expect("t1:2").await;
            assert_eq!(server.probe.finished_now() + server.probe.dropped_now(), 0);
            server.probe.release(1);
            assert_eq!(resumed.gists().await, ["1=waited"], "{version}, {cut:?}");
            resumed.assert_ended_cleanly(&session).await;
        }
    }
}

/// 2025-11-25, Transports, Sending Messages to the Server, 6: the priming event's id is one to
/// resume from, before anything was said.
#[tokio::test]
async fn a_stream_cut_after_its_priming_event_is_resumed_whole() {
    for cut in CUTS {
        let server = TestServer::start().await;
        let session = Session::open(&server, LATEST).await;
        let mut stream = Stream::waiting(&server, &session, 1, 2).await;
        let id = stream.next().await.and_then(|event| event.id).expect("a priming event");
        stream.cut(cut).await;
        server.probe.release(1);
        let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
        assert_eq!(resumed.gists().await, ["t1:1", "t1:2", "1=waited"], "{cut:?}");
    }
}

/// FACTS, Peers: "Resuming a call that is cut twice: rmcp 38 of 100 calls whole (events come
/// twice)".
#[tokio::test]
async fn a_stream_cut_twice_is_still_whole() {
    for version in VERSIONS {
        for cut in CUTS {
            let server = TestServer::start().await;
            let session = Session::open(&server, version).await;
            let mut stream = Stream::waiting(&server, &session, 1, 3).await;
            let id = stream.expect("t1:1").await;
            stream.cut(cut).await;
            let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
            let id = resumed.expect("t1:2").await;
            resumed.cut(cut).await;
            server.probe.release(1);
            let mut again = Stream::open(&server, &session.get(Some(&id))).await;
            assert_eq!(again.gists().await, ["t1:3", "1=waited"], "{version}, {cut:?}");
        }
    }
}

/// 2025-11-25, Transports, Resumability and Redelivery: an event id is "a cursor within that
/// particular stream": an earlier one replays from there, under the same ids, as often as it is
/// asked for.
#[tokio::test]
async fn a_resume_from_an_earlier_id_replays_from_there() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let session = Session::open(&server, version).await;
        let body = call_with_progress(1, "progress", json!({"count": 3}), json!("t"));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let sent = stream.rest().await;
        assert_eq!(sent.len(), 4);
        for from in [0, 1, 2, 0] {
            let id = sent[from].0.as_deref();
            let mut resumed = Stream::open(&server, &session.get(id)).await;
            assert_eq!(resumed.rest().await, sent[from + 1..], "{version}, from {from}");
        }
    }
}

/// 2025-11-25, Transports, Listening for Messages from the Server, 3: either a stream or 405. With
/// the answer nothing is left to say, and nothing is said again. A 405 ends the polling of clients
/// that would ask for ever.
#[tokio::test]
async fn a_resume_from_the_answers_id_repeats_nothing() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let session = Session::open(&server, version).await;
        let body = call_with_progress(1, "progress", json!({"count": 1}), json!("t"));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let (id, answer) = stream.rest().await.pop().expect("an answer");
        assert_eq!(gist(&answer), "1=done");
        let answer = server.connect().await.send(&session.get(id.as_deref())).await;
        assert_eq!(answer.status(), 405, "{version}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")));
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Resumability and Redelivery, 2: "The
/// server MUST NOT replay messages that would have been delivered on a different stream."
#[tokio::test]
async fn the_resume_of_one_stream_never_brings_anothers_messages() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let session = Session::open(&server, version).await;
        let mut cursors = Vec::new();
        for n in 1..=3 {
            let mut stream = Stream::waiting(&server, &session, n, 3).await;
            cursors.push((n, stream.expect(&format!("t{n}:1")).await));
            stream.cut(CUTS[n as usize % 2]).await;
        }
        server.probe.release(3);
        server.probe.finished(3).await;
        for (n, id) in cursors.into_iter().rev() {
            let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
            let expected = [format!("t{n}:2"), format!("t{n}:3"), format!("{n}=waited")];
            assert_eq!(resumed.gists().await, expected, "{version}");
        }
    }
}

/// FACTS, others: "replay across sessions (pmcp, TypeScript, fastmcp event stores)". Another
/// session's event id is none of this one's, so the resume is of nothing but its own.
#[tokio::test]
async fn a_resume_never_brings_another_sessions_messages() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let victim = Session::open(&server, version).await;
        let attacker = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &victim, 1, 3).await;
        let id = stream.expect("t1:1").await;
        stream.cut(Cut::Fin).await;
        server.probe.release(1);
        server.probe.finished(1).await;
        let mut stolen = Stream::open(&server, &attacker.get(Some(&id))).await;
        assert_eq!(attacker.end(&server).await.status(), 204);
        assert_eq!(stolen.gists().await, [""; 0], "{version}");
        let mut resumed = Stream::open(&server, &victim.get(Some(&id))).await;
        assert_eq!(resumed.gists().await, ["t1:2", "t1:3", "1=waited"], "{version}");
    }
}

/// FACTS, others: "a reconnect before the dead GET is noticed gets a stream without
/// notifications". Decision 6: the newest connection takes over, the older one ends cleanly with a
/// hint when to come back, and each message goes to one of them.
#[tokio::test]
async fn a_resume_takes_a_stream_over_from_a_connection_that_still_lives() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let session = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &session, 1, 2).await;
        stream.expect("t1:1").await;
        let id = stream.expect("t1:2").await;
        let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
        let rest = stream.events().await;
        assert_eq!(rest.len(), 1, "{version}: {rest:?}");
        assert!(rest[0].retry.is_some() && rest[0].data.is_none(), "{version}: {rest:?}");
        stream.assert_ended_cleanly(&session).await;
        server.probe.release(1);
        assert_eq!(resumed.gists().await, ["1=waited"], "{version}");
        assert_eq!(server.probe.dropped_now(), 0);
    }
}

/// The same where the old connection is dead but nobody knows: it is never read again.
#[tokio::test]
async fn a_resume_before_the_dead_connection_is_noticed_loses_nothing() {
    for version in VERSIONS {
        let server = TestServer::start().await;
        let session = Session::open(&server, version).await;
        let mut dead = Stream::waiting(&server, &session, 1, 3).await;
        let id = dead.expect("t1:1").await;
        for _ in 0..3 {
            let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
            resumed.expect("t1:2").await;
        }
        let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
        server.probe.release(1);
        assert_eq!(resumed.gists().await, ["t1:2", "t1:3", "1=waited"], "{version}");
    }
}

/// Decision 5: "the resume of a POST stream answers 200 with SSE and a `-32603` answer to its
/// request whose data says `events_evicted`. Never an empty stream, never part of a replay, and no
/// 400 or 409 that would break clients." FACTS, others: "evicted gaps are silent".
#[tokio::test]
async fn a_gap_is_spoken() {
    for version in VERSIONS {
        let gate = Arc::new(Semaphore::new(0));
        let server = stepping(Arc::clone(&gate), |it| it.stream_log(4, 1024 * 1024)).await;
        let session = Session::open(&server, version).await;
        let body = request(1, "logging/setLevel", json!({"level": "info"}));
        assert_eq!(session.send(&server, &body).await.status(), 200);
        let body = request(2, "tools/call", json!({"name": "logs"}));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let mut ids = Vec::new();
        for n in 0..8 {
            ids.push(stream.expect(&format!("info={n}")).await);
            gate.add_permits(1);
        }
        assert_eq!(stream.gists().await, ["2=done"], "what is read in time has no gap");
        for _ in 0..2 {
            let mut resumed = Stream::open(&server, &session.get(Some(&ids[0]))).await;
            let rest = resumed.rest().await;
            assert_eq!(rest.len(), 1, "{version}: {rest:?}");
            assert_eq!(gist(&rest[0].1), "2!-32603", "{version}");
            assert_eq!(rest[0].1["error"]["data"]["reason"], "events_evicted");
        }
    }
}

/// At the same limit, what is still there is replayed.
#[tokio::test]
async fn a_resume_from_within_the_log_meets_no_gap() {
    for version in VERSIONS {
        let gate = Arc::new(Semaphore::new(0));
        let server = stepping(Arc::clone(&gate), |it| it.stream_log(4, 1024 * 1024)).await;
        let session = Session::open(&server, version).await;
        let body = request(1, "logging/setLevel", json!({"level": "info"}));
        assert_eq!(session.send(&server, &body).await.status(), 200);
        let body = request(2, "tools/call", json!({"name": "logs"}));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let mut ids = Vec::new();
        for n in 0..8 {
            ids.push(stream.expect(&format!("info={n}")).await);
            gate.add_permits(1);
        }
        assert_eq!(stream.gists().await, ["2=done"]);
        // Four messages: three of the tool's and the answer.
        let mut resumed = Stream::open(&server, &session.get(Some(&ids[4]))).await;
        assert_eq!(resumed.gists().await, ["info=5", "info=6", "info=7", "2=done"], "{version}");
    }
}

/// A server whose tools `logs` and `steps` log 0 to 7 or report them as progress, the next one
/// for each permit.
async fn stepping(
    gate: Arc<Semaphore>,
    options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
) -> TestServer {
    type Say = fn(&Context, u8);
    let tool = move |say: Say| {
        let gate = Arc::clone(&gate);
        move |_: Arguments, cx: Context| {
            let gate = Arc::clone(&gate);
            async move {
                for n in 0..8 {
                    say(&cx, n);
                    gate.acquire().await.expect("an open semaphore").forget();
                }
                Ok::<_, ToolError>("done")
            }
        }
    };
    let tools = move |server: ServerBuilder| {
        server
            .tool(Tool::new("logs"), tool(|cx, n| cx.log(LogLevel::Info, n)))
            .tool(Tool::new("steps"), tool(|cx, n| cx.progress(n.into(), None, "")))
    };
    TestServer::with_server(tools, options).await
}

/// Decision 5: "Progress that was evicted or coalesced is not a gap".
#[tokio::test]
async fn evicted_progress_is_no_gap() {
    for version in VERSIONS {
        let server = TestServer::with(|it| it.stream_log(4, 1024 * 1024)).await;
        let session = Session::open(&server, version).await;
        let mut stream = Stream::waiting(&server, &session, 1, 20).await;
        let id = stream.message().await.0.expect("an id");
        stream.cut(Cut::Fin).await;
        server.probe.release(1);
        let mut resumed = Stream::open(&server, &session.get(Some(&id))).await;
        let rest = resumed.rest().await;
        assert_eq!(rest.last().map(|(_, it)| gist(it)).as_deref(), Some("1=waited"), "{version}");
        let progress: Vec<_> =
            rest.iter().filter_map(|(_, it)| it["params"]["progress"].as_f64()).collect();
        assert_eq!(progress.len(), rest.len() - 1);
        assert!(progress.is_sorted_by(|a, b| a < b), "{version}: {progress:?}");
    }
}

/// 2025-11-25, Transports, Protocol Version Header and Session Management, 2, hold for a resume as
/// for any other request; it need not carry the version.
#[tokio::test]
async fn a_resume_needs_the_session_and_no_version() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let mut stream = Stream::waiting(&server, &session, 1, 1).await;
    let id = stream.expect("t1:1").await;
    let get = |headers: &[(&str, &str)]| crate::support::messages::bare("GET", headers);
    let cursor = ("Last-Event-ID", &*id);
    let answer = server.connect().await.send(&get(&[cursor])).await;
    assert_eq!(answer.status(), 400);
    server.probe.release(1);
    let mut resumed = Stream::open(&server, &get(&[cursor, ("Mcp-Session-Id", &session.id)])).await;
    assert_eq!(resumed.gists().await, ["1=waited"]);
    // A POST is no resume: the header means nothing on it.
    let headers = [&session.headers()[..], &[cursor]].concat();
    let answer = server.connect().await.send(&post(&headers, &request(2, "ping", json!({})))).await;
    assert_eq!(gist(&answer.json()), "2={}");
}
