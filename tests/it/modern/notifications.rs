//! 2026-07-28, Logging and Progress: what a call says before its answer, if it was asked to.

use std::sync::Arc;

use mcp_http::{
    Arguments, Context, HandlerError, LogLevel, Prompt, ServerBuilder, Tool, ToolError,
};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::support::messages::{modern, modern_call, stream_head};
use crate::support::server::TestServer;
use crate::support::wire::Wire;

const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

fn call(id: impl Into<Value>, tool: &str, arguments: Value, meta: Value) -> String {
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    modern(id, "tools/call", params, &[])
}

fn log_at(level: impl Into<Value>) -> String {
    call(1, "log", json!({}), json!({"io.modelcontextprotocol/logLevel": level.into()}))
}

fn progress(id: impl Into<Value>, count: u64, token: impl Into<Value>) -> String {
    call(id, "progress", json!({"count": count}), json!({"progressToken": token.into()}))
}

/// 2026-07-28, Logging, Per-request log level: "The server MUST NOT emit `notifications/message`
/// for a request that does not include this field."
#[tokio::test]
async fn nothing_is_logged_for_a_request_that_names_no_level() {
    let server = TestServer::start().await;
    for text in [
        modern_call(1, "log", json!({})),
        call(1, "log", json!({}), json!({"progressToken": "t"})),
        // A key of another's.
        call(1, "log", json!({}), json!({"logLevel": "debug"})),
    ] {
        let answer = server.connect().await.send(&text).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.text());
        assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
    }
}

/// 2026-07-28, Logging, Per-request log level: "notifications at or above the requested level on
/// the response stream of that request, before the final response".
#[tokio::test]
async fn messages_at_or_above_the_level_come_before_the_answer() {
    let server = TestServer::start().await;
    for (n, level) in LEVELS.into_iter().enumerate() {
        let answer = server.connect().await.send(&log_at(level)).await;
        let messages = answer.messages();
        let (last, logs) = messages.split_last().expect("an answer");
        let seen: Vec<_> = logs
            .iter()
            .map(|log| {
                assert_eq!(log["method"], "notifications/message");
                (log["params"]["level"].as_str().unwrap(), log["params"]["data"].clone())
            })
            .collect();
        let expected: Vec<_> = (n..8).map(|at| (LEVELS[at], json!(format!("l{at}")))).collect();
        assert_eq!(seen, expected, "at {level}");
        assert_eq!(
            (&last["id"], &last["result"]["content"][0]["text"]),
            (&json!(1), &json!("done"))
        );
    }
}

/// 2026-07-28, Base Protocol, Statelessness: "no state should be inferred from previous requests,
/// even those on the same connection".
#[tokio::test]
async fn a_level_holds_for_its_request_alone() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    assert_eq!(wire.send(&log_at("error")).await.messages().len(), 5);
    assert_eq!(wire.send(&modern_call(1, "log", json!({}))).await.messages().len(), 1);
}

/// 2026-07-28, Logging, Error Handling: "Invalid log level: `-32602` (Invalid params)".
#[tokio::test]
async fn an_invalid_level_is_refused() {
    let server = TestServer::start().await;
    for level in
        [json!("verbose"), json!("INFO"), json!(""), json!(3), json!(null), json!(["info"])]
    {
        let answer = server.connect().await.send(&log_at(level.clone())).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32602)), "{level}");
        assert_eq!(answer.json()["id"], 1);
    }
}

/// 2026-07-28, Logging, Capabilities: "Servers that emit log message notifications MUST declare the
/// `logging` capability"; one that does not declare it emits none, whatever is asked for.
#[tokio::test]
async fn a_server_without_logging_declares_and_sends_nothing() {
    let server =
        TestServer::with_server(|server| server.without_logging(), |service| service).await;
    let discover = modern(1, "server/discover", json!({}), &[]);
    let discovered = server.connect().await.send(&discover).await.json();
    assert!(discovered["result"]["capabilities"].get("logging").is_none(), "{discovered}");
    let answer = server.connect().await.send(&log_at("debug")).await;
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.text());
    assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
    // A level that is none is an invalid request, with or without logging.
    let invalid = server.connect().await.send(&log_at("verbose")).await;
    assert_eq!((invalid.status(), invalid.code()), (400, Some(-32602)));
}

/// 2026-07-28, Logging, Per-request log level: "the server MUST NOT deliver it on ... any stream
/// other than the one carrying the response to the request that set the log level". Two calls of a
/// tool run at once, and both wait until the other has begun.
#[tokio::test]
async fn messages_of_a_request_come_on_its_own_stream_alone() {
    let both = Arc::new(Barrier::new(2));
    let meeting = |server: ServerBuilder| {
        server.tool(Tool::new("meet"), move |arguments: Arguments, cx: Context| {
            let both = Arc::clone(&both);
            async move {
                both.wait().await;
                cx.log(LogLevel::Error, arguments.to_value()?);
                both.wait().await;
                Ok::<_, ToolError>("done")
            }
        })
    };
    let server = TestServer::with_server(meeting, |service| service).await;
    let meet = async |who: &str, meta: Value| {
        let answer = server.connect().await.send(&call(1, "meet", json!({"who": who}), meta)).await;
        answer.messages()
    };
    let at = |level: &str| json!({"io.modelcontextprotocol/logLevel": level});
    let (loud, quiet) = tokio::join!(meet("loud", at("debug")), meet("quiet", at("alert")));
    assert_eq!((loud.len(), quiet.len()), (2, 1), "{loud:?} {quiet:?}");
    assert_eq!(loud[0]["params"]["data"], json!({"who": "loud"}));
    let (one, other) = tokio::join!(meet("one", at("error")), meet("other", at("error")));
    for (who, messages) in [("one", one), ("other", other)] {
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(messages[0]["params"]["data"], json!({ "who": who }));
    }
}

/// 2026-07-28, Logging, Log Message Notifications: the published message; Per-request log level: of
/// any request, that of a prompt here.
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
    let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
    let text = modern(1, "prompts/get", json!({"name": "says", "_meta": meta}), &[]);
    let messages = server.connect().await.send(&text).await.messages();
    let params = json!({"level": "error", "logger": "database", "data": data});
    let message = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params});
    assert_eq!(messages[0], message);
    assert_eq!(messages.len(), 2);
    let quiet = modern(1, "prompts/get", json!({"name": "says"}), &[]);
    assert_eq!(server.connect().await.send(&quiet).await.messages().len(), 1);
}

/// 2026-07-28, Progress: "it includes a `progressToken` in the request metadata". Without one there
/// is nothing to refer to, and nothing that could choose a stream.
#[tokio::test]
async fn nothing_is_reported_to_who_did_not_ask() {
    let server = TestServer::start().await;
    let answer =
        server.connect().await.send(&modern_call(1, "progress", json!({"count": 5}))).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json()["result"]["content"][0]["text"], "done");
    let level = json!({"io.modelcontextprotocol/logLevel": "debug"});
    let text = call(1, "progress", json!({"count": 5}), level);
    assert_eq!(server.connect().await.send(&text).await.messages().len(), 1);
}

/// 2026-07-28, Progress, Behavior Requirements: only tokens that "were provided in an active
/// request", echoed as they came; "The `progress` value MUST increase with each notification"; all
/// of it before the answer.
#[tokio::test]
async fn progress_carries_the_token_and_comes_before_the_answer() {
    let server = TestServer::start().await;
    for token in [json!("t-1"), json!(""), json!(0), json!(-3), json!(9_007_199_254_740_993_u64)] {
        let answer = server.connect().await.send(&progress("p", 3, token.clone())).await;
        let messages = answer.messages();
        let (last, reports) = messages.split_last().expect("an answer");
        assert_eq!(reports.len(), 3, "{token}");
        for (n, report) in (1..).zip(reports) {
            assert_eq!(report["method"], "notifications/progress");
            assert_eq!(report.get("id"), None);
            let params = &report["params"];
            assert_eq!(params["progressToken"], token);
            assert_eq!((&params["progress"], &params["total"]), (&json!(n), &json!(3)));
            assert_eq!(params["message"], format!("step {n}"));
        }
        assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!("p"), &json!("complete")));
    }
}

/// 2026-07-28, Progress: "Progress tokens MUST be a string or integer value".
#[tokio::test]
async fn a_token_of_another_type_is_refused() {
    let server = TestServer::start().await;
    for token in [json!(null), json!(true), json!(1.5), json!({}), json!(["a"])] {
        let answer = server.connect().await.send(&progress(4, 1, token.clone())).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32602)), "{token}");
        assert_eq!(answer.json()["id"], 4);
    }
}

/// Reads the messages of a stream up to this many.
async fn read(wire: &mut Wire, count: usize) -> Vec<Value> {
    let (mut held, mut messages) = (Vec::new(), Vec::new());
    while messages.len() < count {
        let event = wire.event(&mut held).await.expect("an event");
        messages.extend(event.message());
    }
    messages
}

/// 2026-07-28, Streamable HTTP, Receiving Messages: "These notifications MUST relate to the
/// originating client request." That foreign ones come is not noticed by the suite. Both calls run
/// at once, with the same id.
#[tokio::test]
async fn each_stream_carries_its_own_calls_notifications_alone() {
    let server = TestServer::start().await;
    let mut wires = Vec::new();
    for token in ["a", "b", "c"] {
        let mut wire = server.connect().await;
        let meta = json!({"progressToken": token});
        wire.write(call(1, "wait", json!({"progress": 4}), meta).as_bytes()).await;
        stream_head(&mut wire).await;
        wires.push((token, wire));
    }
    server.probe.started(3).await;
    server.probe.release(3);
    for (token, mut wire) in wires {
        let messages = read(&mut wire, 5).await;
        assert!(
            messages[..4].iter().all(|m| m["params"]["progressToken"] == token),
            "{messages:?}"
        );
        assert_eq!(messages[4]["result"]["content"][0]["text"], "waited");
        assert_eq!(wire.chunk().await, None, "the stream ends with its answer");
    }
}

/// 2026-07-28, Progress, Implementation Notes: "Progress notifications MUST stop after completion";
/// Cancellation: nothing follows an answer. That messages come after it, or two answers, is not
/// noticed by the suite.
#[tokio::test]
async fn what_is_said_after_the_answer_goes_nowhere() {
    let more = |builder: mcp_http::ServerBuilder| {
        let tool = Tool::new("chatter").with_description("Goes on after its answer");
        builder.tool(tool, |_: Arguments, cx: Context| async move {
            cx.progress(1.0, None, "begun");
            tokio::spawn(async move {
                for n in 2..200 {
                    cx.progress(f64::from(n), None, "late");
                    cx.log(LogLevel::Error, "late");
                    tokio::task::yield_now().await;
                }
            });
            Ok::<_, ToolError>("done")
        })
    };
    let server = TestServer::with_server(more, |service| service).await;
    let mut wire = server.connect().await;
    let meta = json!({"progressToken": 1, "io.modelcontextprotocol/logLevel": "debug"});
    for id in 0..20 {
        let answer = wire.send(&call(id, "chatter", json!({}), meta.clone())).await;
        let messages = answer.messages();
        let answers = messages.iter().filter(|message| message.get("id").is_some()).count();
        assert_eq!(answers, 1);
        assert_eq!(messages.last().expect("an answer")["id"], id);
    }
}
