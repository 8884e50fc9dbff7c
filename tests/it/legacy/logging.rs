//! Logging: `logging/setLevel` and what it lets through.

use std::sync::Arc;

use mcp_http::{
    Arguments, Context, HandlerError, LogLevel, Prompt, ServerBuilder, Tool, ToolError,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{LATEST, Stream, VERSIONS, gists, json_gist};
use crate::support::messages::{Session, call, initialize, post, request};
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
        let opened = server.connect().await.send(&post(&[], &initialize(version))).await;
        let capabilities = &opened.json()["result"]["capabilities"];
        assert!(capabilities.get("logging").is_none(), "{version}: {capabilities}");
        let session = Session::open(&server, version).await;
        let body = request(1, "logging/setLevel", json!({"level": "debug"}));
        assert_eq!(json_gist(&session.send(&server, &body).await), "1!-32601", "{version}");
        let answer = session.send(&server, &call(2, "log", json!({}))).await;
        assert_eq!(json_gist(&answer), "2=done", "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Logging, Log Message Notifications: the published
/// message; Implementation Considerations: "Include relevant context in data field", "Use
/// consistent logger names", for which the handler names its logger and gives any data.
#[tokio::test]
async fn a_message_has_the_logger_and_the_data_that_its_handler_gives() {
    let data = json!({
        "error": "Connection failed",
        "details": {"host": "localhost", "port": 5432},
    });
    let given = data.clone();
    let says = move |server: ServerBuilder| {
        server.prompt(Prompt::new("says"), move |_: Arguments, cx: Context| {
            cx.log_from("database", LogLevel::Error, &given);
            async { Ok::<_, HandlerError>("Hello") }
        })
    };
    let server = TestServer::with_server(says, |service| service).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        set_level(&server, &session, "info").await;
        let body = request(2, "prompts/get", json!({"name": "says"}));
        let answer = session.send(&server, &body).await;
        let params = json!({"level": "error", "logger": "database", "data": data});
        let message =
            json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params});
        assert_eq!(answer.messages()[0], message, "{version}");
        assert_eq!(answer.messages().len(), 2, "{version}");
    }
}

/// 2025-11-25, Logging, Message Flow: a change of the level is of what the server does from then
/// on. A call that has begun keeps the level that it began with, and the next has the new one.
#[tokio::test]
async fn a_call_that_has_begun_keeps_its_level() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let late = move |server: ServerBuilder| {
        server.tool(Tool::new("late"), move |_: Arguments, cx: Context| {
            let gate = Arc::clone(&waiting);
            async move {
                cx.log(LogLevel::Notice, "begun");
                gate.acquire().await?.forget();
                cx.log(LogLevel::Notice, "ended");
                Ok::<_, ToolError>("done")
            }
        })
    };
    let server = TestServer::with_server(late, |service| service).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        set_level(&server, &session, "info").await;
        let mut stream = Stream::open(&server, &session.post(&call(2, "late", json!({})))).await;
        stream.expect("notice=begun").await;
        set_level(&server, &session, "error").await;
        gate.add_permits(2);
        assert_eq!(stream.gists().await, ["notice=ended", "2=done"], "{version}");
        let next = session.send(&server, &call(3, "late", json!({}))).await;
        assert_eq!(json_gist(&next), "3=done", "{version}");
    }
}

/// A server with tools that say more than may wait: `flood` says 5,000 messages before its
/// response begins, `late-flood` after, and `large` one of 2 MiB.
async fn flooding() -> TestServer {
    let flood = |cx: &Context| (0..5_000).for_each(|n| cx.log(LogLevel::Info, n));
    let tools = move |server: ServerBuilder| {
        server
            .tool(Tool::new("flood"), move |_: Arguments, cx: Context| async move {
                flood(&cx);
                Ok::<_, ToolError>("done")
            })
            .tool(Tool::new("late-flood"), move |_: Arguments, cx: Context| async move {
                cx.log(LogLevel::Info, "begin");
                tokio::task::yield_now().await;
                flood(&cx);
                Ok::<_, ToolError>("done")
            })
            .tool(Tool::new("large"), |_: Arguments, cx: Context| async move {
                cx.log(LogLevel::Info, "begin");
                tokio::task::yield_now().await;
                cx.log(LogLevel::Info, "x".repeat(2 * 1024 * 1024));
                Ok::<_, ToolError>("done")
            })
    };
    TestServer::with_server(tools, |service| service).await
}

/// Calls a tool with every level asked for, and gives the data of the log messages before the
/// answer, which must be there.
async fn said(server: &TestServer, version: &str, tool: &str) -> Vec<Value> {
    let session = Session::open(server, version).await;
    set_level(server, &session, "debug").await;
    let mut stream = Stream::open(server, &session.post(&call(2, tool, json!({})))).await;
    let mut messages: Vec<_> = stream.rest().await.into_iter().map(|(_, it)| it).collect();
    let answer = messages.pop().expect("an answer");
    assert_eq!(super::gist(&answer), "2=done", "{version}, {tool}");
    messages.iter().map(|message| message["params"]["data"].clone()).collect()
}

/// How many messages of a tool are told to be missing.
fn dropped(said: &[Value]) -> u64 {
    said.iter().filter_map(|data| data["dropped"].as_u64()).sum()
}

/// Shows that of the 5,000 messages of a tool those that are not there are counted.
async fn assert_counted(server: &TestServer, tool: &str) {
    for version in VERSIONS {
        let said = said(server, version, tool).await;
        let whole: Vec<_> = said.iter().filter_map(Value::as_u64).collect();
        assert!(whole.is_sorted_by(|a, b| a < b), "{version}");
        assert_eq!(whole.len() as u64 + dropped(&said), 5_000, "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Logging, Implementation Considerations and Security:
/// "Rate limit log messages": a call sends as many as its client takes, and holds a bounded number.
/// FACTS, others: "unbounded queues or silently dropped messages for slow readers". Decision 8:
/// "At a limit: a clear refusal ..., never a silent drop". What a tool says before its response
/// begins never costs a client that is there its answer, and what is missing is counted.
#[tokio::test]
async fn a_flood_of_messages_costs_no_answer_and_what_is_missing_is_counted() {
    assert_counted(&flooding().await, "flood").await;
}

/// The same once the response is a stream.
#[tokio::test]
async fn a_flood_of_messages_on_a_stream_costs_no_answer_and_what_is_missing_is_counted() {
    assert_counted(&flooding().await, "late-flood").await;
}

/// The same for one that is larger than all that a stream may hold.
#[tokio::test]
async fn a_message_that_is_too_large_is_counted_too() {
    let server = flooding().await;
    for version in VERSIONS {
        let said = said(&server, version, "large").await;
        assert_eq!((&said[0], dropped(&said)), (&json!("begin"), 1), "{version}");
    }
}
