//! 2026-07-28, Base Protocol, `_meta`; Versioning; Streamable HTTP, Request Metadata and Server
//! Validation: what every request must carry, twice.

use serde_json::{Value, json};

use crate::support::messages::{assert_serves, modern, modern_call, post, request};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";

async fn send(server: &TestServer, text: &str) -> Answer {
    server.connect().await.send(text).await
}

/// Sends, and holds the answer to status 400, this code, and the request's id.
async fn refused(server: &TestServer, text: &str, code: i64, id: impl Into<Value>) -> Answer {
    let answer = send(server, text).await;
    assert_eq!((answer.status(), answer.code()), (400, Some(code)), "{text}\n{}", answer.text());
    assert_eq!(answer.json()["id"], id.into(), "{text}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer
}

/// `tools/list` with this `_meta`, all headers good.
fn list_with(id: impl Into<Value>, params: Option<Value>) -> String {
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")];
    let mut body = json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/list"});
    if let Some(params) = params {
        body["params"] = params;
    }
    post(&headers, &body.to_string())
}

/// 2026-07-28, Base Protocol, `_meta`: "A request missing any required field is malformed; the
/// server MUST reject it with JSON-RPC error code `-32602` (Invalid params). On HTTP, the response
/// status MUST be `400 Bad Request`."
#[tokio::test]
async fn each_required_field_of_meta_must_be_there() {
    let server = TestServer::start().await;
    for (n, params) in [
        None,
        Some(json!({})),
        Some(json!({"_meta": {}})),
        Some(json!({"_meta": {CAPABILITIES: {}}})),
        Some(json!({"_meta": {VERSION: "2026-07-28"}})),
        Some(json!({"_meta": {VERSION: "2026-07-28", CLIENT_INFO: {"name": "x", "version": "1"}}})),
        // A key in another case is another key (CVE-2026-27896).
        Some(json!({"_meta": {VERSION: "2026-07-28", CAPABILITIES.to_uppercase(): {}}})),
    ]
    .into_iter()
    .enumerate()
    {
        refused(&server, &list_with(n, params.clone()), -32602, n).await;
        let id = format!("s-{n}");
        refused(&server, &list_with(id.clone(), params), -32602, id).await;
    }
    assert_serves(&server).await;
}

/// 2026-07-28, Base Protocol, `_meta`: the table's types.
#[tokio::test]
async fn a_field_of_meta_of_another_type_is_refused() {
    let server = TestServer::start().await;
    let good = json!({VERSION: "2026-07-28", CAPABILITIES: {}, CLIENT_INFO: {"name": "x"}});
    for (key, value) in [
        (VERSION, json!(20260728)),
        (VERSION, json!({})),
        (CAPABILITIES, json!("all")),
        (CAPABILITIES, json!([])),
        (CAPABILITIES, json!(null)),
        (CLIENT_INFO, json!("me")),
        (CLIENT_INFO, json!([])),
    ] {
        let mut meta = good.clone();
        meta[key] = value;
        refused(&server, &list_with(3, Some(json!({"_meta": meta}))), -32602, 3).await;
    }
}

/// 2026-07-28, Base Protocol, `_meta`: `clientInfo` is not required.
#[tokio::test]
async fn a_client_need_not_say_who_it_is() {
    let server = TestServer::start().await;
    let params = json!({"_meta": {VERSION: "2026-07-28", CAPABILITIES: {}}});
    assert_eq!(send(&server, &list_with(1, Some(params))).await.status(), 200);
}

/// 2026-07-28, Versioning, Protocol Version Negotiation: "it MUST respond with an
/// `UnsupportedProtocolVersionError` listing the versions it does support"; the list is the one
/// that `server/discover` gives. That any version is accepted is not noticed by the suite.
#[tokio::test]
async fn an_unknown_version_is_refused_with_those_that_are_known() {
    let server = TestServer::start().await;
    let discovered = send(&server, &modern(1, "server/discover", json!({}), &[])).await.json();
    for requested in ["v999.0.0", "1900-01-01", "2026-07-29", "", "2025-11-25", "2026-07-28 "] {
        let meta = json!({"_meta": {VERSION: requested}});
        let headers = [("MCP-Protocol-Version", requested), ("Mcp-Method", "tools/list")];
        let body = request("v", "tools/list", meta);
        if requested.trim() != requested {
            // A header loses what surrounds it, so that it says something else.
            refused(&server, &post(&headers, &body), -32020, "v").await;
            continue;
        }
        let answer = refused(&server, &post(&headers, &body), -32022, "v").await;
        let data = &answer.json()["error"]["data"];
        assert_eq!(data["requested"], requested);
        assert_eq!(data["supported"], discovered["result"]["supportedVersions"]);
    }
}

/// 2026-07-28, Streamable HTTP, Protocol Version Header: "If the values do not match, the server
/// MUST reject the request with `400 Bad Request` and a `HeaderMismatch` JSON-RPC error"; Server
/// Validation: "A required standard header (`MCP-Protocol-Version`, ...) is missing." That it is
/// missing is not noticed by the suite.
#[tokio::test]
async fn the_version_header_must_say_what_the_body_says() {
    let server = TestServer::start().await;
    let list = |more: &[(&str, &str)]| modern(5, "tools/list", json!({}), more);
    for header in ["", "v999.0.0", "2025-11-25", "2026-07-29", "2026-07-28, 2026-07-28"] {
        refused(&server, &list(&[("MCP-Protocol-Version", header)]), -32020, 5).await;
    }
    let twice = [("MCP-Protocol-Version", "2026-07-28"), ("MCP-Protocol-Version", "2026-07-28")];
    refused(&server, &list(&twice), -32020, 5).await;
    // The other way round: the body says what nobody speaks, the header what all do.
    let params = json!({"_meta": {VERSION: "v999.0.0"}});
    refused(&server, &modern(5, "tools/list", params, &[]), -32020, 5).await;
}

/// 2026-07-28, Streamable HTTP, Standard Request Headers: `Mcp-Method` is required for all
/// requests; Case Sensitivity: "Header _values_ (such as method names) are case-sensitive."
#[tokio::test]
async fn the_method_header_must_say_what_the_body_says() {
    let server = TestServer::start().await;
    let list = |more: &[(&str, &str)]| modern(6, "tools/list", json!({}), more);
    for header in
        ["", "prompts/list", "TOOLS/LIST", "tools/list2", "tools", "=?base64?dG9vbHMvbGlzdA==?="]
    {
        refused(&server, &list(&[("Mcp-Method", header)]), -32020, 6).await;
    }
    let twice = [("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/list")];
    refused(&server, &list(&twice), -32020, 6).await;
}

/// 2026-07-28, Streamable HTTP, Standard Request Headers: `Mcp-Name` is required for `tools/call`.
#[tokio::test]
async fn the_name_header_must_say_what_the_body_says() {
    let server = TestServer::start().await;
    let params = json!({"name": "echo", "arguments": {}});
    let call = |more: &[(&str, &str)]| modern(7, "tools/call", params.clone(), more);
    for header in ["", "fail", "ECHO", "echo2", "ech"] {
        refused(&server, &call(&[("Mcp-Name", header)]), -32020, 7).await;
    }
    refused(&server, &call(&[("Mcp-Name", "echo"), ("Mcp-Name", "echo")]), -32020, 7).await;
}

/// 2026-07-28, Streamable HTTP, Standard Request Headers: `Mcp-Name` mirrors `params.uri` of
/// `resources/read` and `params.name` of `prompts/get`. That it is unchecked there is not noticed
/// by the suite. The checks come before the method is looked for.
#[tokio::test]
async fn the_name_header_is_checked_on_every_method_that_has_one() {
    let server = TestServer::start().await;
    for (method, params, name) in [
        ("resources/read", json!({"uri": "file:///a"}), "file:///a"),
        ("prompts/get", json!({"name": "p"}), "p"),
    ] {
        for header in ["", "file:///b", "q"] {
            let text = modern(8, method, params.clone(), &[("Mcp-Name", header)]);
            refused(&server, &text, -32020, 8).await;
        }
        let answer = send(&server, &modern(8, method, params.clone(), &[("Mcp-Name", name)])).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
}

/// 2026-07-28, Streamable HTTP, Value Encoding: "servers MUST decode an encoded `Mcp-Name` ...
/// value before comparing it". That it is refused is not noticed by the suite.
#[tokio::test]
async fn an_encoded_name_is_decoded_before_it_is_compared() {
    let server = TestServer::start().await;
    let params = json!({"name": "echo", "arguments": {}});
    let call = |name: &str| modern(9, "tools/call", params.clone(), &[("Mcp-Name", name)]);
    assert_eq!(send(&server, &call("=?base64?ZWNobw==?=")).await.status(), 200);
    for wrong in [
        "=?base64?ZmFpbA==?=", // "fail"
        "=?base64?ZWNobw=?=",  // padding
        "=?base64?ZWNobw?=",   // padding
        "=?base64?ZWN!bw==?=", // alphabet
        "=?base64?ZWNobx==?=", // bits left over
        "=?BASE64?ZWNobw==?=", // "These markers are case-sensitive"
        "=?base64?ZWNobw==",   // a literal
        "=?base64?//79?=",     // not UTF-8
    ] {
        refused(&server, &call(wrong), -32020, 9).await;
    }
}

/// 2026-07-28, Streamable HTTP, Value Encoding: what is no visible ASCII must be encoded, and is
/// then found.
#[tokio::test]
async fn a_name_beyond_ascii_reaches_its_lookup_encoded() {
    let server = TestServer::start().await;
    let params = json!({"name": "wetter-köln", "arguments": {}});
    let call = |name: &str| modern(9, "tools/call", params.clone(), &[("Mcp-Name", name)]);
    let answer = send(&server, &call("=?base64?d2V0dGVyLWvDtmxu?=")).await;
    assert_eq!(answer.code(), Some(-32602), "an unknown tool: {}", answer.text());
    refused(&server, &call("wetter-köln"), -32020, 9).await;
}

/// RFC 9110, 5.5: whitespace around a value is not part of it; 2026-07-28, Streamable HTTP, Case
/// Sensitivity: "Clients and servers MUST use case-insensitive comparisons for header names."
#[tokio::test]
async fn whitespace_around_values_and_the_case_of_names_do_not_count() {
    let server = TestServer::start().await;
    let good = modern_call(1, "echo", json!({}));
    for text in [
        good.replace("Mcp-Name: echo", "Mcp-Name:  \techo  "),
        good.replace("Mcp-Method", "mcp-method").replace("Mcp-Name", "MCP-NAME"),
        good.replace("MCP-Protocol-Version:", "mCP-pROTOCOL-vERSION:"),
    ] {
        assert_ne!(text, good);
        assert_eq!(send(&server, &text).await.status(), 200, "{text}");
    }
}

/// 2026-07-28, Streamable HTTP, Standard Request Headers: on other methods the header means
/// nothing.
#[tokio::test]
async fn a_name_header_on_a_method_without_a_name_is_not_looked_at() {
    let server = TestServer::start().await;
    let list = modern(1, "tools/list", json!({}), &[("Mcp-Name", "anything")]);
    assert_eq!(send(&server, &list).await.status(), 200);
}

/// 2026-07-28, Streamable HTTP, Protocol Version Header: `_meta` alone makes a request modern, the
/// header alone does too, and neither falls back to the legacy era.
#[tokio::test]
async fn half_a_modern_request_is_no_legacy_one() {
    let server = TestServer::start().await;
    let meta = json!({"_meta": {VERSION: "2026-07-28", CAPABILITIES: {}}});
    refused(&server, &post(&[], &request(1, "tools/list", meta)), -32020, 1).await;
    let header = [("MCP-Protocol-Version", "2026-07-28")];
    refused(&server, &post(&header, &request(1, "tools/list", json!({}))), -32602, 1).await;
    assert_eq!(server.service.sessions(), 0);
}
