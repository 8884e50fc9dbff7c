//! 2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters: `Mcp-Param-*` against the
//! arguments. That a value differs from the body's is not noticed by the official suite.

use crate::support::messages::{assert_serves, modern, post};
use crate::support::server::TestServer;
use crate::support::wire::Answer;
use serde_json::json;

/// Calls `region` with these arguments, as text, and these headers.
async fn call(server: &TestServer, lines: &[(&str, &str)], arguments: Option<&str>) -> Answer {
    let arguments = arguments.map(|text| format!(r#","arguments":{text}"#)).unwrap_or_default();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":11,"method":"tools/call","params":{{"name":"region"{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
    );
    let mut headers = vec![
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "region"),
    ];
    headers.extend(lines);
    server.connect().await.send(&post(&headers, &body)).await
}

async fn accepted(server: &TestServer, lines: &[(&str, &str)], arguments: &str) {
    let answer = call(server, lines, Some(arguments)).await;
    assert_eq!(answer.status(), 200, "{lines:?} {arguments}\n{}", answer.text());
    assert_eq!(answer.json()["result"]["content"][0]["text"], arguments);
}

/// "Servers MUST reject requests with a `400 Bad Request` HTTP status and JSON-RPC error code
/// `-32020` (`HeaderMismatch`) if any validation fails." The message names the header.
async fn refused(server: &TestServer, lines: &[(&str, &str)], arguments: &str, header: &str) {
    let answer = call(server, lines, Some(arguments)).await;
    assert_eq!(
        (answer.status(), answer.code()),
        (400, Some(-32020)),
        "{lines:?} {arguments}\n{}",
        answer.text()
    );
    assert_eq!(answer.json()["id"], 11);
    let message = answer.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains(&format!("Mcp-Param-{header}")), "{message}");
}

/// "Parameter value provided | Client MUST include the header | Server MUST validate header
/// matches body", for each of the primitive types, and nested.
#[tokio::test]
async fn a_value_in_the_body_must_stand_in_its_header() {
    let server = TestServer::start().await;
    for (line, arguments) in [
        (("Mcp-Param-Region", "us-west1"), r#"{"region":"us-west1"}"#),
        (("mcp-param-region", "us-west1"), r#"{"region":"us-west1"}"#),
        (("Mcp-Param-Region", ""), r#"{"region":""}"#),
        (("Mcp-Param-Count", "42"), r#"{"count":42}"#),
        (("Mcp-Param-Count", "-7"), r#"{"count":-7}"#),
        (("Mcp-Param-Count", "9007199254740991"), r#"{"count":9007199254740991}"#),
        (("Mcp-Param-Dry-Run", "true"), r#"{"dry":true}"#),
        (("Mcp-Param-Dry-Run", "false"), r#"{"dry":false}"#),
        (("Mcp-Param-Zone", "b"), r#"{"where":{"zone":"b"}}"#),
    ] {
        accepted(&server, &[line], arguments).await;
    }
    let all = [
        ("Mcp-Param-Zone", "b"),
        ("Mcp-Param-Region", "eu"),
        ("Mcp-Param-Dry-Run", "false"),
        ("Mcp-Param-Count", "0"),
    ];
    let arguments = r#"{"count":0,"dry":false,"region":"eu","plain":"p","where":{"zone":"b"}}"#;
    accepted(&server, &all, arguments).await;
}

/// "Servers that process the request body MUST reject requests where the values specified in the
/// headers do not match the corresponding values in the request body."
#[tokio::test]
async fn a_value_that_differs_from_its_header_is_refused() {
    let server = TestServer::start().await;
    for (header, value, arguments) in [
        ("Region", "us-west1", r#"{"region":"eu-west1"}"#),
        ("Region", "US-WEST1", r#"{"region":"us-west1"}"#),
        ("Region", "us-west", r#"{"region":"us-west1"}"#),
        ("Region", "", r#"{"region":"us-west1"}"#),
        ("Count", "43", r#"{"count":42}"#),
        ("Count", "-42", r#"{"count":42}"#),
        ("Count", "forty-two", r#"{"count":42}"#),
        ("Dry-Run", "True", r#"{"dry":true}"#),
        ("Dry-Run", "1", r#"{"dry":true}"#),
        ("Dry-Run", "true", r#"{"dry":false}"#),
        ("Zone", "a", r#"{"where":{"zone":"b"}}"#),
    ] {
        let line = format!("Mcp-Param-{header}");
        refused(&server, &[(&line, value)], arguments, header).await;
    }
    assert_serves(&server).await;
}

/// Server Validation, Note: "servers SHOULD compare the header value and the body value
/// numerically rather than as strings (e.g., `42.0` and `42` are considered equal)."
#[tokio::test]
async fn integers_are_compared_as_numbers() {
    let server = TestServer::start().await;
    for (header, body) in
        [("42.0", "42"), ("42", "42.0"), ("4.2e1", "42"), ("42", "420e-1"), ("0", "-0")]
    {
        let arguments = format!(r#"{{"count":{body}}}"#);
        accepted(&server, &[("Mcp-Param-Count", header)], &arguments).await;
    }
    for (header, body) in
        [("42.5", "42"), ("42", "42.000001"), ("9007199254740991", "9007199254740990")]
    {
        let arguments = format!(r#"{{"count":{body}}}"#);
        refused(&server, &[("Mcp-Param-Count", header)], &arguments, "Count").await;
    }
    // But a string of digits is a string.
    refused(&server, &[("Mcp-Param-Region", "42.0")], r#"{"region":"42"}"#, "Region").await;
}

/// Schema Extension: "Integer values MUST be within the safe range for JavaScript". Beyond it two
/// readers may take two numbers for one.
#[tokio::test]
async fn an_integer_beyond_the_safe_range_is_refused_even_if_both_agree() {
    let server = TestServer::start().await;
    for integer in ["9007199254740992", "-9007199254740992", "1e400"] {
        let arguments = format!(r#"{{"count":{integer}}}"#);
        refused(&server, &[("Mcp-Param-Count", integer)], &arguments, "Count").await;
    }
}

/// "Parameter value is `null`" and "Parameter not in arguments": "Client MUST omit the header |
/// Server MUST NOT expect the header".
#[tokio::test]
async fn no_header_is_expected_where_there_is_no_value() {
    let server = TestServer::start().await;
    for arguments in [
        "{}",
        r#"{"region":null,"count":null,"dry":null,"where":null}"#,
        r#"{"where":{}}"#,
        r#"{"where":{"zone":null}}"#,
        r#"{"plain":"x"}"#,
        // Not at the annotated path.
        r#"{"zone":"b","where":{"region":"x"}}"#,
    ] {
        accepted(&server, &[], arguments).await;
    }
    assert_eq!(call(&server, &[], None).await.status(), 200);
}

/// "Client omits header but value is in body | Non-conforming client | Server MUST reject the
/// request".
#[tokio::test]
async fn a_value_without_its_header_is_refused() {
    let server = TestServer::start().await;
    for (header, arguments) in [
        ("Region", r#"{"region":"us-west1"}"#),
        ("Region", r#"{"region":""}"#),
        ("Count", r#"{"count":0}"#),
        ("Dry-Run", r#"{"dry":false}"#),
        ("Zone", r#"{"where":{"zone":"b"}}"#),
    ] {
        refused(&server, &[], arguments, header).await;
        // That of another parameter does not help.
        let other = if header == "Zone" { "Mcp-Param-Region" } else { "Mcp-Param-Zone" };
        let answer = call(&server, &[(other, "us-west1")], Some(arguments)).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32020)), "{header}");
    }
}

/// The same the other way round: who routes by the header would act on a value that the call does
/// not have.
#[tokio::test]
async fn a_header_without_its_value_is_refused() {
    let server = TestServer::start().await;
    for arguments in ["{}", r#"{"region":null}"#, r#"{"where":{"region":"us"}}"#] {
        refused(&server, &[("Mcp-Param-Region", "us")], arguments, "Region").await;
    }
    refused(&server, &[("Mcp-Param-Zone", "b")], r#"{"zone":"b"}"#, "Zone").await;
    let answer = call(&server, &[("Mcp-Param-Region", "us")], None).await;
    assert_eq!((answer.status(), answer.code()), (400, Some(-32020)));
}

/// Which of the lines counts is something on which two readers would differ.
#[tokio::test]
async fn a_header_that_stands_twice_is_refused_even_if_the_lines_agree() {
    let server = TestServer::start().await;
    let line = ("Mcp-Param-Region", "us");
    refused(&server, &[line, line], r#"{"region":"us"}"#, "Region").await;
    refused(&server, &[line, ("mcp-param-region", "eu")], r#"{"region":"us"}"#, "Region").await;
}

/// Value Encoding: the examples of the page, and the markers "exactly as shown".
#[tokio::test]
async fn an_encoded_value_is_decoded_before_it_is_compared() {
    let server = TestServer::start().await;
    for (header, region) in [
        ("=?base64?SGVsbG8sIOS4lueVjA==?=", r#"{"region":"Hello, 世界"}"#),
        ("=?base64?IHBhZGRlZCA=?=", r#"{"region":" padded "}"#),
        ("=?base64?bGluZTEKbGluZTI=?=", r#"{"region":"line1\nline2"}"#),
        ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", r#"{"region":"=?base64?literal?="}"#),
        // Encoded without need.
        ("=?base64?SGVsbG8=?=", r#"{"region":"Hello"}"#),
        ("=?base64??=", r#"{"region":""}"#),
        // Half a sentinel is none.
        ("SGVsbG8=", r#"{"region":"SGVsbG8="}"#),
        ("=?base64?SGVsbG8=", r#"{"region":"=?base64?SGVsbG8="}"#),
        ("=?BASE64?SGVsbG8=?=", r#"{"region":"=?BASE64?SGVsbG8=?="}"#),
    ] {
        accepted(&server, &[("Mcp-Param-Region", header)], region).await;
    }
    accepted(&server, &[("Mcp-Param-Count", "=?base64?NDI=?=")], r#"{"count":42}"#).await;
    accepted(&server, &[("Mcp-Param-Dry-Run", "=?base64?dHJ1ZQ==?=")], r#"{"dry":true}"#).await;
    // A text that looks like a sentinel must have been encoded itself.
    let literal = [("Mcp-Param-Region", "=?base64?SGVsbG8=?=")];
    refused(&server, &literal, r#"{"region":"=?base64?SGVsbG8=?="}"#, "Region").await;
}

/// Server Behavior for Custom Headers: "Servers MUST reject requests with a recognized
/// `Mcp-Param-{Name}` header that contains invalid characters", whatever the body says.
#[tokio::test]
async fn invalid_characters_and_invalid_base64_are_refused() {
    let server = TestServer::start().await;
    for value in [
        "=?base64?SGVsbG8?=",     // padding
        "=?base64?SGVs!!!bG8=?=", // alphabet
        "=?base64?SGVsbG9=?=",    // bits left over
        "=?base64?SGVs bG8=?=",   // a space
        "=?base64?/w==?=",        // not UTF-8
        "é",                      // not ASCII
    ] {
        for arguments in [r#"{"region":"Hello"}"#, "{}"] {
            refused(&server, &[("Mcp-Param-Region", value)], arguments, "Region").await;
        }
    }
}

/// "Intermediate servers that do not recognize an `Mcp-Param-{Name}` header MUST forward it and
/// otherwise ignore it": so does the server at the end.
#[tokio::test]
async fn a_header_that_no_annotation_names_is_ignored() {
    let server = TestServer::start().await;
    for line in [("Mcp-Param-Other", "x"), ("Mcp-Param-Plain", "y"), ("Mcp-Param-Other", "é")] {
        accepted(&server, &[line], r#"{"plain":"x"}"#).await;
    }
    let params = json!({"name": "echo", "arguments": {"region": "eu"}});
    let echo = modern(1, "tools/call", params, &[("Mcp-Param-Region", "us")]);
    let answer = server.connect().await.send(&echo).await;
    assert_eq!(answer.status(), 200, "another tool has no such header: {}", answer.text());
}

/// Two values for one key: which of them the header mirrors is open, so neither is taken.
#[tokio::test]
async fn a_key_that_stands_twice_in_the_body_is_refused() {
    let server = TestServer::start().await;
    let line = [("Mcp-Param-Region", "us")];
    for arguments in [r#"{"region":"us","region":"eu"}"#, r#"{"region":"eu","region":"us"}"#] {
        let answer = call(&server, &line, Some(arguments)).await;
        assert_eq!(answer.status(), 400, "{arguments}\n{}", answer.text());
    }
}
