//! Transports, Listening for Messages from the Server, 3: a GET is a stream or 405, as the server is
//! told; a call's stream is resumed in every mode.

use mcp_http::{McpServiceBuilder, StandaloneStream};
use serde_json::json;

use super::{Cut, LATEST, Stream, VERSIONS, gist, json_gist};
use crate::support::messages::{Session, bare, call};
use crate::support::server::TestServer;

async fn with_policy(policy: StandaloneStream) -> TestServer {
    TestServer::with(|it| it.standalone_stream(policy)).await
}

/// Servers that say nothing on a standalone stream, and why.
async fn silent() -> [(&'static str, TestServer); 2] {
    let refuse = |it: McpServiceBuilder| it.standalone_stream(StandaloneStream::Refuse);
    [
        ("nothing changes", with_policy(StandaloneStream::Auto).await),
        ("told to refuse", TestServer::changing_with(refuse).await.0),
    ]
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Listening for Messages from the Server, 3:
/// "or else return HTTP 405 Method Not Allowed, indicating that the server does not offer an SSE
/// stream at this endpoint"; RFC 9110, 15.5.6: with `Allow`.
#[tokio::test]
async fn where_nothing_would_be_said_a_get_is_405() {
    for (why, server) in silent().await {
        for version in VERSIONS {
            let session = Session::open(&server, version).await;
            let mut wire = server.connect().await;
            // An id that names no stream of this session is as good as none.
            for cursor in [None, Some("x"), Some(""), Some("0-0"), Some("0-1"), Some("1-0")] {
                let answer = wire.send(&session.get(cursor)).await;
                assert_eq!(answer.status(), 405, "{why}, {version}, {cursor:?}");
                assert_eq!(answer.header("allow"), Some("POST, DELETE, OPTIONS"));
                assert_eq!(answer.code(), Some(-32600));
            }
            let answer = wire.send(&session.post(&call(1, "echo", json!({})))).await;
            assert_eq!(json_gist(&answer), "1={}", "the connection and the session live on");
            assert_eq!(server.parked(), 0);
        }
    }
}

/// FACTS, Real clients: cut clients resume by GET + `Last-Event-ID`, "also where the standalone GET
/// is 405, as long as that GET is served".
#[tokio::test]
async fn the_stream_of_a_call_is_resumed_where_the_standalone_stream_is_refused() {
    for (why, server) in silent().await {
        for version in VERSIONS {
            let session = Session::open(&server, version).await;
            let mut stream = Stream::waiting(&server, &session, 1, 2).await;
            let first = stream.expect("t1:1").await;
            stream.cut(Cut::Rst).await;
            server.probe.release(1);
            let mut resumed = Stream::open(&server, &session.get(Some(&first))).await;
            let rest = resumed.rest().await;
            let gists: Vec<_> = rest.iter().map(|(_, message)| gist(message)).collect();
            assert_eq!(gists, ["t1:2", "1=waited"], "{why}, {version}");
            // Of this stream nothing more will come; of others it may.
            let last = rest.last().and_then(|(id, _)| id.as_deref());
            let answer = server.connect().await.send(&session.get(last)).await;
            assert_eq!(answer.header("allow"), Some("POST, GET, DELETE, OPTIONS"));
            assert_eq!(answer.status(), 405, "{why}, {version}");
        }
    }
}

/// What else is wrong with a GET is said first: 404 makes a client begin anew.
#[tokio::test]
async fn a_session_that_is_unknown_is_404_whatever_the_policy() {
    for (why, server) in silent().await {
        for version in VERSIONS {
            let session = Session::open(&server, version).await;
            assert_eq!(session.end(&server).await.status(), 204);
            for cursor in [None, Some("0-1"), Some("1-1")] {
                let answer = server.connect().await.send(&session.get(cursor)).await;
                assert_eq!(answer.status(), 404, "{why}, {version}, {cursor:?}");
            }
            let headers = [("MCP-Protocol-Version", version)];
            let answer = server.connect().await.send(&bare("GET", &headers)).await;
            assert_eq!(answer.status(), 400, "{why}, {version}");
        }
    }
}

/// The option's own words: `Auto` serves where there may be something to say, `Serve` always.
#[tokio::test]
async fn where_something_may_be_said_or_it_is_told_to_a_server_serves() {
    let auto = |it: McpServiceBuilder| it.standalone_stream(StandaloneStream::Auto);
    for server in [
        TestServer::changing_with(auto).await.0,
        TestServer::changing_with(|it| it.standalone_stream(StandaloneStream::Serve)).await.0,
        with_policy(StandaloneStream::Serve).await,
    ] {
        for version in VERSIONS {
            let session = Session::open(&server, version).await;
            let mut stream = Stream::open(&server, &session.get(None)).await;
            let first = stream.next().await.expect("a first byte");
            assert_eq!(first.comment, version != LATEST, "{version}: {first:?}");
        }
    }
}
