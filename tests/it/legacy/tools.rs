//! Tools, Error Handling, and what a tool that fails or panics is answered with.

use mcp_http::{Arguments, Context, Tool, ToolError};
use serde_json::json;

use super::{Stream, VERSIONS, json_gist};
use crate::support::messages::{Session, call, call_with_progress, request};
use crate::support::server::TestServer;

/// FACTS, others: "a handler's panic hangs the POST for ever". Decision 13: "A handler's panic is
/// a `-32603` answer, and the process lives."
#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_server_goes_on() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        for id in 1..4 {
            let answer = wire.send(&session.post(&call(id, "panic", json!({})))).await;
            assert_eq!(json_gist(&answer), format!("{id}!-32603"), "{version}");
            assert!(!answer.text().contains("as told"), "what it said is not the client's");
        }
        let answer = wire.send(&session.post(&call(4, "echo", json!({})))).await;
        assert_eq!(json_gist(&answer), "4={}", "{version}");
    }
    assert_eq!(server.service.calls_in_flight(), 0);
}

/// The same once the response is a stream: it has its answer, and ends.
#[tokio::test]
async fn a_panic_on_a_stream_is_its_answer_and_its_end() {
    let server = TestServer::with_server(
        |server| {
            server.tool(Tool::new("late"), |_: Arguments, cx: Context| async move {
                cx.progress(1.0, None, "");
                tokio::task::yield_now().await;
                if std::hint::black_box(true) {
                    panic!("as told");
                }
                Ok::<_, ToolError>("unreachable")
            })
        },
        |service| service,
    )
    .await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let body = call_with_progress(1, "late", json!({}), json!("t"));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        assert_eq!(stream.gists().await, ["t:1", "1!-32603"], "{version}");
        stream.assert_ended_cleanly(&session).await;
    }
    assert_eq!(server.service.calls_in_flight(), 0);
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Tools, Error Handling: "Unknown tools" are protocol
/// errors, `-32602`; decision 15: with HTTP 200. FACTS, others: "`tools/call` without a name
/// -32601".
#[tokio::test]
async fn a_call_of_no_tool_is_invalid_params() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for params in [
            json!({"name": "unknown"}),
            json!({"name": "Echo"}),
            json!({"name": ""}),
            json!({"name": 1}),
            json!({"name": null}),
            json!({"arguments": {}}),
            json!({}),
            json!({"name": "echo", "arguments": []}),
            json!({"name": "echo", "arguments": "x"}),
        ] {
            let body = request(1, "tools/call", params.clone());
            let answer = session.send(&server, &body).await;
            assert_eq!(json_gist(&answer), "1!-32602", "{version}: {params}");
        }
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Tools, Error Handling: a failure is "Reported in tool
/// results with `isError: true`".
#[tokio::test]
async fn a_tools_failure_is_a_result() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let answer = session.send(&server, &call(1, "fail", json!({}))).await;
        assert_eq!(json_gist(&answer), "1=it failed");
        let content = json!([{"type": "text", "text": "it failed"}]);
        let expected = json!({"content": content, "isError": true});
        assert_eq!(answer.json()["result"], expected, "{version}");
    }
}

/// 2025-11-25, Tools, Error Handling: "Input validation errors" are tool execution errors, which
/// the model sees; 2025-06-18 and 2025-03-26, Tools, Error Handling: "Invalid arguments" are
/// protocol errors. Decision 15: "with the offending field named" either way.
#[cfg(feature = "schemars")]
#[tokio::test]
async fn arguments_that_do_not_fit_are_told_as_the_revision_has_it_with_the_field_named() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Add {
        left: i32,
        right: i32,
    }
    let server = TestServer::with_server(
        |server| {
            server.typed_tool("add", "Adds", |add: Add, _: Context| async move {
                Ok::<_, ToolError>((add.left + add.right).to_string())
            })
        },
        |service| service,
    )
    .await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let answer = session.send(&server, &call(1, "add", json!({"left": 1, "right": 2}))).await;
        assert_eq!(json_gist(&answer), "1=3");
        for arguments in [json!({"left": 1}), json!({"left": 1, "right": "two"})] {
            let answer = session.send(&server, &call(1, "add", arguments)).await;
            assert_eq!(answer.status(), 200);
            let message = answer.json();
            let told = if version == super::LATEST {
                assert_eq!(message["result"]["isError"], true, "{message}");
                &message["result"]["content"][0]["text"]
            } else {
                assert_eq!(message["error"]["code"], -32602, "{message}");
                &message["error"]["message"]
            };
            assert!(told.as_str().is_some_and(|told| told.contains("right")), "{version}: {told}");
        }
    }
}
