//! What a client learns without a call: 2026-07-28, Discovery; Tools; Caching; Base Protocol,
//! Result Responses.

use serde_json::{Value, json};

use crate::support::messages::{modern, modern_call};
use crate::support::server::TestServer;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

async fn result(server: &TestServer, request: &str) -> Value {
    let answer = server.connect().await.send(request).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let messages = answer.messages();
    messages.last().expect("an answer")["result"].clone()
}

/// 2026-07-28, Caching: "Servers MUST include caching hints"; "Servers MUST provide a `ttlMs`
/// value that is `>= 0`".
fn assert_cacheable(result: &Value) {
    assert!(result["ttlMs"].is_u64(), "{result}");
    let scope = result["cacheScope"].as_str();
    assert!(matches!(scope, Some("public" | "private")), "{result}");
}

/// 2026-07-28, Discovery: "Servers MUST implement it."
#[tokio::test]
async fn discover_tells_versions_capabilities_and_who_answers() {
    let server = TestServer::start().await;
    let result = result(&server, &modern("d-1", "server/discover", json!({}), &[])).await;
    assert_eq!(result["resultType"], "complete");
    assert_eq!(
        result["supportedVersions"],
        json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"])
    );
    assert_eq!(result["_meta"][SERVER_INFO]["name"], "test-server");
    assert_eq!(result["_meta"][SERVER_INFO]["version"], "1.2.3");
    assert_cacheable(&result);
}

/// 2026-07-28, Tools, Capabilities: "Servers that support tools MUST declare the `tools`
/// capability"; Logging, Capabilities: "Servers that emit log message notifications MUST declare
/// the `logging` capability". What is declared must work, so there is no more than that.
#[tokio::test]
async fn discover_declares_what_is_registered_and_nothing_else() {
    let server = TestServer::start().await;
    let result = result(&server, &modern(1, "server/discover", json!({}), &[])).await;
    let capabilities = result["capabilities"].as_object().expect("an object");
    assert!(capabilities["tools"].is_object() && capabilities["logging"].is_object());
    assert_ne!(capabilities["tools"]["listChanged"], true);
    assert_eq!(capabilities.len(), 2, "{capabilities:?}");
}

/// 2026-07-28, Base Protocol, `_meta`: a request stands for itself; the oldest of clients and the
/// newest of them see the same answer whatever came before it on the connection.
#[tokio::test]
async fn the_answer_to_discover_carries_the_id_as_it_was_sent() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    for id in [json!(0), json!(-7), json!("x"), json!(""), json!(9_007_199_254_740_993_u64)] {
        let answer = wire.send(&modern(id.clone(), "server/discover", json!({}), &[])).await;
        assert_eq!(answer.json()["id"], id);
        assert_eq!(answer.json()["jsonrpc"], "2.0");
    }
}

/// 2026-07-28, Tools, Capabilities: "Servers SHOULD return tools in a deterministic order".
#[tokio::test]
async fn tools_are_listed_in_the_same_order_by_every_instance() {
    let list = modern(1, "tools/list", json!({}), &[]);
    let first = result(&TestServer::start().await, &list).await;
    let server = TestServer::start().await;
    for _ in 0..3 {
        assert_eq!(result(&server, &list).await["tools"], first["tools"]);
    }
    assert_cacheable(&first);
    assert_eq!(first["resultType"], "complete");
    let tools = first["tools"].as_array().expect("a list");
    assert!(tools.iter().all(|tool| tool["inputSchema"]["type"] == "object"), "{first}");
    let names: Vec<_> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    for name in ["echo", "fail", "panic", "progress", "log", "wait", "region"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}

/// 2026-07-28, Tools, x-mcp-header: clients read the annotations from the list.
#[tokio::test]
async fn a_listed_schema_is_the_one_that_was_registered() {
    let server = TestServer::start().await;
    let result = result(&server, &modern(1, "tools/list", json!({}), &[])).await;
    let tools = result["tools"].as_array().expect("a list");
    let region = tools.iter().find(|tool| tool["name"] == "region").expect("the tool");
    let properties = &region["inputSchema"]["properties"];
    assert_eq!(properties["region"]["x-mcp-header"], "Region");
    assert_eq!(properties["where"]["properties"]["zone"]["x-mcp-header"], "Zone");
}

/// 2026-07-28, Pagination, Error Handling: "Invalid cursors SHOULD result in an error with code
/// -32602 (Invalid params)."
#[tokio::test]
async fn a_cursor_that_was_never_given_is_refused() {
    let server = TestServer::start().await;
    let list = modern(1, "tools/list", json!({"cursor": "nonsense"}), &[]);
    let answer = server.connect().await.send(&list).await;
    assert_eq!(answer.code(), Some(-32602), "{}", answer.text());
    assert_eq!(answer.json()["id"], 1);
}

/// 2026-07-28, Base Protocol, Result Responses: "The `result` MUST include a `resultType` field";
/// `_meta`: "Servers SHOULD include ... `io.modelcontextprotocol/serverInfo` ... in every
/// result's `_meta`".
#[tokio::test]
async fn every_result_has_a_type_and_names_the_server() {
    let server = TestServer::start().await;
    let progress =
        json!({"name": "progress", "arguments": {"count": 2}, "_meta": {"progressToken": 1}});
    for request in [
        modern(1, "server/discover", json!({}), &[]),
        modern(1, "tools/list", json!({}), &[]),
        modern_call(1, "echo", json!({})),
        modern_call(1, "fail", json!({})),
        // Framed as a stream.
        modern(1, "tools/call", progress, &[]),
    ] {
        let result = result(&server, &request).await;
        assert_eq!(result["resultType"], "complete", "{request}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "test-server", "{request}");
        assert_eq!(result["_meta"][SERVER_INFO]["version"], "1.2.3", "{request}");
    }
}

/// 2026-07-28, Caching: hints are on what is listed, never on a call.
#[tokio::test]
async fn the_result_of_a_call_has_no_caching_hints() {
    let server = TestServer::start().await;
    let result = result(&server, &modern_call(1, "echo", json!({}))).await;
    assert_eq!((result.get("ttlMs"), result.get("cacheScope")), (None, None));
}
