//! 2026-07-28, Completion: `completion/complete`.

use mcp_http::{Context, HandlerError, ReadRequest, ResourceTemplate, ServerBuilder};
use serde_json::{Value, json};

use crate::support::messages::modern;
use crate::support::prompts::prompts;
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn complete(server: &TestServer, params: Value) -> Answer {
    server.connect().await.send(&modern(1, "completion/complete", params, &[])).await
}

/// The result without its `_meta`, by which every result says whose it is.
fn result(answer: &Answer) -> Value {
    let mut result = answer.json()["result"].clone();
    result.as_object_mut().expect("a result").remove("_meta");
    result
}

fn of_prompt(name: &str, argument: &str, value: &str) -> Value {
    json!({
        "ref": {"type": "ref/prompt", "name": name},
        "argument": {"name": argument, "value": value},
    })
}

/// 2026-07-28, Completion, Requesting Completions: the published exchanges; Completion Results:
/// "Maximum 100 items per response".
#[tokio::test]
async fn suggestions_are_ranked_counted_and_at_most_100() {
    let server = TestServer::with_server(prompts, |service| service).await;
    let answer = complete(&server, of_prompt("code_review", "language", "py")).await;
    let completion =
        json!({"values": ["python", "pytorch", "pyside"], "total": 3, "hasMore": false});
    assert_eq!(result(&answer), json!({"resultType": "complete", "completion": completion}));
    let mut params = of_prompt("code_review", "framework", "fla");
    params["context"] = json!({"arguments": {"language": "python"}});
    let answer = complete(&server, params).await;
    let completion = json!({"values": ["flask"], "total": 1, "hasMore": false});
    assert_eq!(result(&answer), json!({"resultType": "complete", "completion": completion}));
    let many = complete(&server, of_prompt("code_review", "line", "")).await;
    let many = &many.json()["result"]["completion"];
    assert_eq!(many["values"].as_array().map(Vec::len), Some(100));
    assert_eq!((&many["total"], &many["hasMore"]), (&json!(150), &json!(true)));
}

/// 2026-07-28, Completion, Reference Types: `ref/resource` "References a resource URI or URI
/// template".
#[tokio::test]
async fn a_variable_of_a_template_is_completed() {
    let files = |server: ServerBuilder| {
        let template = ResourceTemplate::new("file:///{path}", "files");
        server
            .resource_template(template, |_: ReadRequest, _: Context| async {
                Ok::<_, HandlerError>("")
            })
            .complete_resource("file:///{path}", "path", ["main.rs", "lib.rs"])
    };
    let server = TestServer::with_server(files, |service| service).await;
    let mut params = of_prompt("", "path", "li");
    params["ref"] = json!({"type": "ref/resource", "uri": "file:///{path}"});
    let answer = complete(&server, params.clone()).await;
    assert_eq!(result(&answer)["completion"]["values"], json!(["lib.rs"]));
    params["ref"]["uri"] = json!("file:///{other}");
    assert_eq!(complete(&server, params).await.code(), Some(-32602));
}

/// 2026-07-28, Completion, Error Handling: "Invalid prompt name: `-32602`", "Missing required
/// arguments: `-32602`"; Security: implementations MUST "Validate all completion inputs".
#[tokio::test]
async fn what_is_not_there_or_does_not_fit_is_invalid() {
    let server = TestServer::with_server(prompts, |service| service).await;
    let with = |member: &str, value: Value| {
        let mut params = of_prompt("code_review", "language", "");
        params[member] = value;
        params
    };
    for params in [
        of_prompt("nobody", "language", ""),
        of_prompt("code_review", "nothing", ""),
        of_prompt("code_review", "language", &"x".repeat(8 * 1024 + 1)),
        with("ref", json!({"type": "ref/resource", "uri": "file:///{path}"})),
        with("ref", json!({"type": "ref/tool", "name": "echo"})),
        with("argument", json!({"name": "language", "value": 1})),
        with("context", json!({"arguments": {"language": 1}})),
        json!({}),
    ] {
        let answer = complete(&server, params.clone()).await;
        assert_eq!(answer.code(), Some(-32602), "{params}: {}", answer.text());
    }
}

/// 2026-07-28, Completion, Error Handling: "Method not found: `-32601` (Capability not supported)".
#[tokio::test]
async fn a_server_that_completes_nothing_has_no_such_method() {
    let server = TestServer::start().await;
    let answer = complete(&server, of_prompt("code_review", "language", "")).await;
    assert_eq!((answer.status(), answer.code()), (404, Some(-32601)));
}
