//! What a call ends with when it does not end well: 2026-07-28, Tools, Error Handling; Base
//! Protocol, Error Codes and `_meta`.

use std::sync::Arc;
use std::time::Duration;

use mcp_http::{Arguments, Context, ServerBuilder, Tool, ToolError};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::messages::{assert_serves, modern, modern_call};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn send(server: &TestServer, text: &str) -> Answer {
    server.connect().await.send(text).await
}

/// 2026-07-28, Tools, Error Handling: "Tool Execution Errors: Reported in tool results with
/// `isError: true`".
#[tokio::test]
async fn a_tools_failure_is_a_result_that_says_so() {
    let server = TestServer::start().await;
    let answer = send(&server, &modern_call(1, "fail", json!({}))).await;
    let result = &answer.json()["result"];
    assert_eq!((answer.status(), &result["isError"]), (200, &json!(true)));
    assert_eq!(result["content"][0], json!({"type": "text", "text": "it failed"}));
    assert_eq!(result["resultType"], "complete");
    let fine = send(&server, &modern_call(1, "echo", json!({}))).await.json();
    assert_ne!(fine["result"]["isError"], true);
}

/// 2026-07-28, Tools, Error Handling: an unknown tool is a protocol error, `-32602`.
#[tokio::test]
async fn an_unknown_tool_is_invalid_params() {
    let server = TestServer::start().await;
    for name in ["nobody", "Echo", "echo "] {
        let params = json!({"name": name, "arguments": {}});
        let encoded;
        let headers: &[(&str, &str)] = if name == "echo " {
            encoded = "=?base64?ZWNobyA=?=";
            &[("Mcp-Name", encoded)]
        } else {
            &[]
        };
        let answer = send(&server, &modern(2, "tools/call", params, headers)).await;
        assert_eq!(
            (answer.code(), answer.json()["id"].clone()),
            (Some(-32602), json!(2)),
            "{name}"
        );
    }
}

/// `rmcp` answers `tools/call` without a name with -32601. The name is a parameter; so is what is
/// wrong with it.
#[tokio::test]
async fn a_call_without_a_name_is_invalid_params_and_not_an_unknown_method() {
    let server = TestServer::start().await;
    for params in [json!({}), json!({"name": 1}), json!({"name": null}), json!({"arguments": {}})] {
        let text = modern(2, "tools/call", params.clone(), &[("Mcp-Name", "echo")]);
        let answer = send(&server, &text).await;
        let code = answer.code().expect("an error");
        assert!([-32602, -32020].contains(&code), "{params}: {}", answer.text());
        assert_eq!(answer.json()["id"], 2);
        let answer = send(&server, &modern(2, "tools/call", params.clone(), &[])).await;
        assert!([-32602, -32020].contains(&answer.code().expect("an error")), "{params}");
        assert_ne!(answer.status(), 404);
    }
}

/// 2026-07-28, Tools, Calling Tools: `arguments` is an object.
#[tokio::test]
async fn arguments_that_are_no_object_are_refused() {
    let server = TestServer::start().await;
    for arguments in [json!([]), json!("x"), json!(1)] {
        let answer = send(&server, &modern_call(3, "echo", arguments.clone())).await;
        assert_eq!(answer.code(), Some(-32602), "{arguments}: {}", answer.text());
        assert_eq!(answer.json()["id"], 3);
    }
}

/// `rmcp`: a handler's panic hangs the POST for ever. Here it is an answer, as JSON and on a stream,
/// and says nothing of what happened inside.
#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_server_lives() {
    let server = TestServer::start().await;
    let answer = send(&server, &modern_call("p", "panic", json!({}))).await;
    assert_eq!((answer.code(), answer.json()["id"].clone()), (Some(-32603), json!("p")));
    assert!(!answer.text().contains("as told"), "{}", answer.text());
    let streaming = TestServer::with(|service| service.commit_after(Duration::ZERO)).await;
    let answer = send(&streaming, &modern_call("p", "panic", json!({}))).await;
    let last = answer.messages().pop().expect("an answer");
    assert_eq!((&last["error"]["code"], &last["id"]), (&json!(-32603), &json!("p")));
    assert_serves(&server).await;
    assert_eq!(server.service.calls_in_flight(), 0);
}

/// A tool that panics after it has begun to stream.
#[tokio::test]
async fn a_panic_on_a_stream_ends_the_stream_with_an_answer() {
    let more = |builder: ServerBuilder| {
        let tool = Tool::new("late-panic").with_description("Panics late");
        builder.tool(tool, |_: Arguments, cx: Context| async move {
            cx.progress(1.0, None, "begun");
            tokio::task::yield_now().await;
            if std::hint::black_box(true) {
                panic!("as told");
            }
            Ok::<_, ToolError>("unreachable")
        })
    };
    let server = TestServer::with_server(more, |service| service).await;
    let params = json!({"name": "late-panic", "arguments": {}, "_meta": {"progressToken": 1}});
    let answer = send(&server, &modern(4, "tools/call", params, &[])).await;
    let messages = answer.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!((&messages[1]["id"], &messages[1]["error"]["code"]), (&json!(4), &json!(-32603)));
    assert_serves(&server).await;
}

/// A tool that needs what the client may not have declared.
fn needy(builder: ServerBuilder) -> ServerBuilder {
    let tool = |name| Tool::new(name).with_description("Needs sampling");
    builder
        .tool(tool("needy"), |_: Arguments, cx: Context| async move {
            if !cx.client_capabilities().supports("sampling") {
                return Err(ToolError::missing_client_capability("sampling"));
            }
            Ok("has it")
        })
        .tool(tool("late-needy"), |_: Arguments, cx: Context| async move {
            cx.progress(1.0, None, "begun");
            tokio::task::yield_now().await;
            Err::<&str, _>(ToolError::missing_client_capabilities([
                ("elicitation", json!({"url": {}})),
                ("sampling", json!({})),
            ]))
        })
}

/// 2026-07-28, Base Protocol, `_meta`: "the server MUST return a
/// `MissingRequiredClientCapabilityError` (`-32021`) whose `data.requiredCapabilities` lists the
/// missing capabilities. On HTTP, the response status MUST be `400 Bad Request`."
#[tokio::test]
async fn a_capability_that_the_client_lacks_is_named() {
    let server = TestServer::with_server(needy, |service| service).await;
    let answer = send(&server, &modern_call(5, "needy", json!({}))).await;
    assert_eq!((answer.status(), answer.code()), (400, Some(-32021)), "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["id"], 5);
    assert_eq!(body["error"]["data"], json!({"requiredCapabilities": {"sampling": {}}}));
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"sampling": {}}});
    let params = json!({"name": "needy", "arguments": {}, "_meta": meta});
    let answer = send(&server, &modern(5, "tools/call", params, &[])).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "has it", "{}", answer.text());
}

/// 2026-07-28, Base Protocol, Statelessness: "Servers MUST NOT rely on prior requests over the same
/// connection to establish context (e.g., capabilities, ...)".
#[tokio::test]
async fn a_capability_that_another_request_declared_does_not_count() {
    let server = TestServer::with_server(needy, |service| service).await;
    let mut wire = server.connect().await;
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"sampling": {}}});
    let params = json!({"name": "needy", "arguments": {}, "_meta": meta});
    assert_eq!(wire.send(&modern(1, "tools/call", params, &[])).await.status(), 200);
    assert_eq!(wire.send(&modern_call(2, "needy", json!({}))).await.code(), Some(-32021));
}

/// Once a stream has begun its status is sent; the error is still the answer.
#[tokio::test]
async fn a_missing_capability_found_late_is_the_answer_of_the_stream() {
    let server = TestServer::with_server(needy, |service| service).await;
    let params = json!({"name": "late-needy", "arguments": {}, "_meta": {"progressToken": 1}});
    let answer = send(&server, &modern(6, "tools/call", params, &[])).await;
    let last = answer.messages().pop().expect("an answer");
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(6), &json!(-32021)));
    let required = json!({"elicitation": {"url": {}}, "sampling": {}});
    assert_eq!(last["error"]["data"]["requiredCapabilities"], required);
}

/// Some clients send every request with `id: 1` at once (python-sdk#3060); each gets its own answer.
#[tokio::test]
async fn calls_at_once_with_the_same_id_each_get_their_own_answer() {
    let gate = Arc::new(Semaphore::new(0));
    let for_tool = Arc::clone(&gate);
    let (begun, mut all_begun) = tokio::sync::mpsc::unbounded_channel();
    let more = move |builder: ServerBuilder| {
        let tool = Tool::new("hold").with_description("Waits, then echoes");
        builder.tool(tool, move |arguments: Arguments, _: Context| {
            let (gate, begun) = (Arc::clone(&for_tool), begun.clone());
            async move {
                begun.send(()).expect("the test waits");
                gate.acquire().await.expect("an open gate").forget();
                Ok::<_, ToolError>(arguments.raw().to_owned())
            }
        })
    };
    let server = TestServer::with_server(more, |service| service).await;
    let mut wires = Vec::new();
    for n in 0..10 {
        let mut wire = server.connect().await;
        wire.write(modern_call(1, "hold", json!({"n": n})).as_bytes()).await;
        wires.push((n, wire));
        all_begun.recv().await.expect("a call");
    }
    gate.add_permits(10);
    for (n, mut wire) in wires {
        let body: Value = wire.answer().await.json();
        assert_eq!(
            (&body["id"], &body["result"]["content"][0]["text"]),
            (&json!(1), &json!(format!(r#"{{"n":{n}}}"#)))
        );
    }
}

/// DESIGN, decision 8: a limit, and a test at the limit. RFC 9110, 15.6.4 and 10.2.3.
#[tokio::test]
async fn one_call_more_than_may_run_is_refused_with_its_id_and_a_time_to_come_back() {
    let server = TestServer::with(|service| service.max_calls(2)).await;
    let mut wires = Vec::new();
    for id in 0..2 {
        let mut wire = server.connect().await;
        wire.write(modern_call(id, "wait", json!({})).as_bytes()).await;
        wires.push(wire);
    }
    server.probe.started(2).await;
    let answer = send(&server, &modern_call(7, "echo", json!({}))).await;
    assert_eq!((answer.status(), answer.code()), (503, Some(-32603)), "{}", answer.text());
    assert_eq!(answer.json()["id"], 7);
    let retry = answer.header("retry-after").expect("Retry-After");
    assert!(retry.parse::<u32>().is_ok(), "{retry}");
    server.probe.release(2);
    for mut wire in wires {
        assert_eq!(wire.answer().await.status(), 200);
    }
    assert_serves(&server).await;
}
