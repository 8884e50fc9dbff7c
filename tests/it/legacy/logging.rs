//! Logging: `logging/setLevel` and what it lets through.

use mcp_http::{Arguments, Context, LogLevel, Tool, ToolError};
use serde_json::json;

use super::{LATEST, Stream, VERSIONS, gists, json_gist};
use crate::support::messages::{Session, call, request};
use crate::support::server::TestServer;

const NAMES: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

async fn set_level(server: &TestServer, session: &Session, level: &str) {
    let body = request(1, "logging/setLevel", json!({ "level": level }));
    let answer = session.send(server, &body).await;
    assert_eq!(answer.json(), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Logging, Setting Log Level: "Only sends error level
/// and above" after `error`, and so for each of RFC 5424's eight levels.
#[tokio::test]
async fn messages_of_the_level_asked_for_and_above_are_sent_in_order_before_the_answer() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for (least, level) in NAMES.into_iter().enumerate() {
            set_level(&server, &session, level).await;
            let mut stream = Stream::open(&server, &session.post(&call(2, "log", json!({})))).await;
            let sent = (least..8).map(|n| format!("{}=l{n}", NAMES[n]));
            let expected: Vec<_> = sent.chain(["2=done".to_owned()]).collect();
            assert_eq!(stream.gists().await, expected, "{version}, {level}");
        }
    }
}

/// Decision 1: what the client did not ask for is dropped before it can choose SSE.
#[tokio::test]
async fn before_a_level_is_asked_for_nothing_is_sent() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let answer = session.send(&server, &call(2, "log", json!({}))).await;
        assert_eq!(json_gist(&answer), "2=done", "{version}");
    }
}

/// 2025-11-25, Logging: the level is the session's; a call that began before keeps its own.
#[tokio::test]
async fn the_level_of_one_session_is_not_that_of_another() {
    let server = TestServer::start().await;
    let loud = Session::open(&server, LATEST).await;
    let quiet = Session::open(&server, LATEST).await;
    set_level(&server, &loud, "emergency").await;
    assert_eq!(json_gist(&quiet.send(&server, &call(2, "log", json!({}))).await), "2=done");
    let answer = loud.send(&server, &call(2, "log", json!({}))).await;
    assert_eq!(gists(&answer), ["emergency=l7", "2=done"]);
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Logging, Error Handling: "Invalid log level: `-32602`
/// (Invalid params)".
#[tokio::test]
async fn an_invalid_level_is_invalid_params_and_changes_nothing() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        set_level(&server, &session, "emergency").await;
        for params in
            [json!({}), json!({"level": "loud"}), json!({"level": "DEBUG"}), json!({"level": 7})]
        {
            let answer = session.send(&server, &request(1, "logging/setLevel", params)).await;
            assert_eq!(json_gist(&answer), "1!-32602", "{version}");
        }
        let answer = session.send(&server, &call(2, "log", json!({}))).await;
        assert_eq!(gists(&answer), ["emergency=l7", "2=done"], "{version}");
    }
}

/// 2025-11-25, Logging, Capabilities: "Servers that emit log message notifications MUST declare
/// the `logging` capability"; one that does not declare it has no such method and emits none.
#[tokio::test]
async fn a_server_without_logging_has_no_such_method() {
    let server =
        TestServer::with_server(|server| server.without_logging(), |service| service).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let body = request(1, "logging/setLevel", json!({"level": "debug"}));
        assert_eq!(json_gist(&session.send(&server, &body).await), "1!-32601", "{version}");
        let answer = session.send(&server, &call(2, "log", json!({}))).await;
        assert_eq!(json_gist(&answer), "2=done", "{version}");
    }
}

/// FACTS, others: "unbounded queues or silently dropped messages for slow readers". A tool that
/// says more at once than may wait is told about to the client: what is missing is counted.
#[tokio::test]
async fn messages_that_are_dropped_are_counted_aloud() {
    let server = TestServer::with_server(
        |server| {
            server.tool(Tool::new("flood"), |_: Arguments, cx: Context| async move {
                for n in 0..5_000 {
                    cx.log(LogLevel::Info, n);
                }
                Ok::<_, ToolError>("done")
            })
        },
        |service| service,
    )
    .await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        set_level(&server, &session, "debug").await;
        let mut stream = Stream::open(&server, &session.post(&call(2, "flood", json!({})))).await;
        let rest = stream.rest().await;
        let said = |n: usize| &rest[n].1["params"]["data"];
        let whole = (0..).take_while(|&n| *said(n) == json!(n)).count();
        assert_eq!(rest.len(), whole + 2, "{version}: then how many are missing, and the answer");
        assert_eq!(said(whole)["dropped"], json!(5_000 - whole), "{version}");
        assert_eq!(super::gist(&rest[whole + 1].1), "2=done", "{version}");
    }
}
