//! Calls held against annotations: 2026-07-28, Streamable HTTP, "Custom Headers from Tool
//! Parameters" and "Server Behavior for Custom Headers".

use http::HeaderValue;
use serde_json::json;

use super::*;

fn params() -> HeaderParams {
    HeaderParams::from_schema(&json!({
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "limit": {"type": "integer", "x-mcp-header": "Limit"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
            "query": {"type": "string"},
            "options": {
                "type": "object",
                "properties": {
                    "zone": {"type": "string", "x-mcp-header": "Zone"},
                    "deep": {"type": "object", "properties": {
                        "n": {"type": "integer", "x-mcp-header": "N"}
                    }}
                }
            }
        }
    }))
    .unwrap()
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), value);
    }
    headers
}

fn check(lines: &[(&str, &str)], arguments: &str) -> Result<(), String> {
    let checked = params().check(&headers(lines), Some(arguments));
    checked.map_err(|mismatch| mismatch.to_string())
}

fn refused(lines: &[(&str, &str)], arguments: &str, header: &str, fault: &str) {
    let expected = format!("Header mismatch: Mcp-Param-{header} header {fault}");
    assert_eq!(check(lines, arguments), Err(expected), "{lines:?} {arguments}");
}

/// "Parameter value provided | Client MUST include the header | Server MUST validate header
/// matches body".
#[test]
fn a_value_that_is_given_must_match_its_header() {
    for (lines, arguments) in [
        (&[("Mcp-Param-Region", "us-west1")][..], r#"{"region": "us-west1", "query": "SELECT"}"#),
        (&[("mcp-param-region", "us-west1")], r#"{"region": "us-west1"}"#),
        (&[("MCP-PARAM-REGION", "  us-west1 ")], "\n{\"region\" :\t\"us-west1\" } "),
        (&[("Mcp-Param-Limit", "42")], r#"{"limit": 42}"#),
        (&[("Mcp-Param-Limit", "42.0")], r#"{"limit": 42}"#),
        (&[("Mcp-Param-Limit", "42")], r#"{"limit": 42.0}"#),
        (&[("Mcp-Param-Limit", "4.2e1")], r#"{"limit": 420E-1}"#),
        (&[("Mcp-Param-Limit", "0")], r#"{"limit": -0}"#),
        (&[("Mcp-Param-Limit", "-7")], r#"{"limit": -7}"#),
        (&[("Mcp-Param-Limit", "9007199254740991")], r#"{"limit": 9007199254740991}"#),
        (&[("Mcp-Param-Limit", "-9007199254740991")], r#"{"limit": -9007199254740991}"#),
        (&[("Mcp-Param-Dry-Run", "true")], r#"{"dry": true}"#),
        (&[("Mcp-Param-Dry-Run", "=?base64?ZmFsc2U=?=")], r#"{"dry": false}"#),
        (&[("Mcp-Param-Zone", "b")], r#"{"options": {"x": [{}], "zone": "b"}}"#),
        (&[("Mcp-Param-N", "1")], r#"{"options": {"deep": {"n": 1}}}"#),
        (&[("Mcp-Param-Region", "")], r#"{"region": ""}"#),
        (&[("Mcp-Param-Region", "a"), ("Mcp-Param-Limit", "1")], r#"{"limit": 1, "region": "a"}"#),
    ] {
        assert_eq!(check(lines, arguments), Ok(()), "{lines:?} {arguments}");
    }
}

#[test]
fn a_value_that_differs_is_refused_and_named() {
    for (header, value, arguments, body) in [
        ("Region", "us-west1", r#"{"region": "eu-west1"}"#, "eu-west1"),
        ("Region", "US-WEST1", r#"{"region": "us-west1"}"#, "us-west1"),
        ("Region", "", r#"{"region": "us-west1"}"#, "us-west1"),
        ("Region", "1.0", r#"{"region": "1"}"#, "1"),
        ("Limit", "43", r#"{"limit": 42}"#, "42"),
        ("Limit", "-42", r#"{"limit": 42}"#, "42"),
        ("Limit", "42.5", r#"{"limit": 42}"#, "42"),
        ("Limit", "042", r#"{"limit": 42}"#, "42"),
        ("Limit", "+42", r#"{"limit": 42}"#, "42"),
        ("Limit", "forty-two", r#"{"limit": 42}"#, "42"),
        ("Limit", "=?base64?IDQyIA==?=", r#"{"limit": 42}"#, "42"),
        ("Limit", "9007199254740992", r#"{"limit": 9007199254740991}"#, "9007199254740991"),
        ("Dry-Run", "True", r#"{"dry": true}"#, "true"),
        ("Dry-Run", "1", r#"{"dry": true}"#, "true"),
        ("Dry-Run", "true", r#"{"dry": false}"#, "false"),
        ("Zone", "a", r#"{"options": {"zone": "b"}}"#, "b"),
    ] {
        let line = format!("Mcp-Param-{header}");
        let shown = if value.starts_with("=?") { " 42 " } else { value };
        let fault = format!("value '{shown}' does not match body value '{body}'");
        refused(&[(&line, value)], arguments, header, &fault);
    }
}

/// "Client omits header but value is in body | Non-conforming client | Server MUST reject the
/// request".
#[test]
fn a_value_without_its_header_is_refused() {
    for (header, arguments) in [
        ("Region", r#"{"region": "us-west1"}"#),
        ("Region", r#"{"region": ""}"#),
        ("Limit", r#"{"limit": 0}"#),
        ("Dry-Run", r#"{"dry": false}"#),
        ("N", r#"{"options": {"deep": {"n": 1}}}"#),
    ] {
        refused(&[], arguments, header, "is missing");
    }
}

/// "Parameter value is `null`" and "Parameter not in arguments": "Client MUST omit the header |
/// Server MUST NOT expect the header".
#[test]
fn no_value_wants_no_header() {
    for arguments in [
        "{}",
        r#"{"region": null, "limit": null, "dry": null, "options": null}"#,
        r#"{"options": {"zone": null, "deep": {}}}"#,
        r#"{"options": 1}"#,
        r#"{"options": [{"zone": "b"}]}"#,
        r#"{"query": {"region": "x"}, "zone": "b", "n": 1}"#,
        "null",
        "[]",
        r#""region""#,
    ] {
        assert_eq!(check(&[], arguments), Ok(()), "{arguments}");
    }
    assert_eq!(params().check(&HeaderMap::new(), None), Ok(()));
}

/// Server Validation: "Servers that process the request body MUST reject requests where the
/// values specified in the headers do not match the corresponding values in the request body."
#[test]
fn a_header_without_a_value_is_refused() {
    let fault = "value 'x' has no value in the body";
    for arguments in ["{}", r#"{"region": null}"#, "null", "[]"] {
        refused(&[("Mcp-Param-Region", "x")], arguments, "Region", fault);
    }
    refused(&[("Mcp-Param-Zone", "x")], r#"{"zone": "x"}"#, "Zone", fault);
    let absent = params().check(&headers(&[("Mcp-Param-Region", "x")]), None);
    assert_eq!(
        absent.unwrap_err().to_string(),
        format!("Header mismatch: Mcp-Param-Region header {fault}")
    );
}

#[test]
fn scalars_of_another_type_than_declared_are_the_tools_business() {
    for (lines, arguments) in [
        (("Mcp-Param-Region", "42"), r#"{"region": 42}"#),
        (("Mcp-Param-Region", "true"), r#"{"region": true}"#),
        (("Mcp-Param-Limit", "42"), r#"{"limit": "42"}"#),
        (("Mcp-Param-Limit", "42.5"), r#"{"limit": 42.5}"#),
        (("Mcp-Param-Dry-Run", "yes"), r#"{"dry": "yes"}"#),
    ] {
        assert_eq!(check(&[lines], arguments), Ok(()), "{arguments}");
        assert!(check(&[], arguments).is_err(), "{arguments}");
    }
    // But a string is compared as one.
    assert!(check(&[("Mcp-Param-Limit", "42.0")], r#"{"limit": "42"}"#).is_err());
    assert!(check(&[("Mcp-Param-Limit", "4.25e1")], r#"{"limit": 42.5}"#).is_err());
}

#[test]
fn objects_and_arrays_have_no_form_in_a_header() {
    for arguments in [r#"{"region": {}}"#, r#"{"region": ["us"]}"#] {
        assert_eq!(check(&[], arguments), Ok(()));
        let fault = "value 'us' does not match body value, which is an object or an array";
        refused(&[("Mcp-Param-Region", "us")], arguments, "Region", fault);
    }
}

/// Tools, `x-mcp-header`: "Integer values MUST be within the safe range".
#[test]
fn an_integer_beyond_the_safe_range_is_refused_even_if_both_agree() {
    let fault = "does not match body value, an integer beyond the safe range of ±(2^53 - 1)";
    for integer in ["9007199254740992", "-9007199254740992", "1e400"] {
        let arguments = format!("{{\"limit\": {integer}}}");
        refused(&[("Mcp-Param-Limit", integer)], &arguments, "Limit", fault);
        refused(&[], &arguments, "Limit", fault);
    }
}

/// "Servers MUST reject requests with a recognized `Mcp-Param-{Name}` header that contains
/// invalid characters."
#[test]
fn invalid_characters_are_refused_whatever_the_body_has() {
    for value in ["é", "=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?=", "=?base64?/w==?="] {
        for arguments in [r#"{"region": "Hello"}"#, "{}"] {
            let fault = "contains invalid characters";
            refused(&[("Mcp-Param-Region", value)], arguments, "Region", fault);
        }
    }
}

/// Value Encoding: the examples, and the markers taken by the letter.
#[test]
fn an_encoded_value_is_compared_decoded() {
    for (value, region) in [
        ("us-west1", "us-west1"),
        ("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
        ("=?base64?IHBhZGRlZCA=?=", " padded "),
        ("=?base64?bGluZTEKbGluZTI=?=", "line1\nline2"),
        ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
        ("=?base64?SGVsbG8=?=", "Hello"),
        ("SGVsbG8=", "SGVsbG8="),
        ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
        ("=?base64??=", ""),
    ] {
        let arguments = json!({"region": region}).to_string();
        assert_eq!(check(&[("Mcp-Param-Region", value)], &arguments), Ok(()), "{value}");
    }
    // The literal text of a sentinel must have been encoded itself.
    let arguments = r#"{"region": "=?base64?SGVsbG8=?="}"#;
    assert!(check(&[("Mcp-Param-Region", "=?base64?SGVsbG8=?=")], arguments).is_err());
}

#[test]
fn a_repeated_header_is_refused_even_if_the_lines_agree() {
    let line = ("Mcp-Param-Region", "a");
    refused(&[line, line], r#"{"region": "a"}"#, "Region", "is given more than once");
}

#[test]
fn a_repeated_key_on_an_annotated_path_is_refused() {
    let fault = "has more than one value in the body";
    for arguments in [
        r#"{"region": "a", "region": "a"}"#,
        r#"{"region": "b", "region": "a"}"#,
        r#"{"region": null, "region": "a"}"#,
        r#"{"region": "a", "re\u0067ion": "b"}"#,
        r#"{"region": "a", "region": "a", "region": "a"}"#,
    ] {
        refused(&[("Mcp-Param-Region", "a")], arguments, "Region", fault);
    }
    // A repeated object makes all that is annotated below it ambiguous; "N" is read first.
    for (header, arguments) in [
        ("N", r#"{"options": {"zone": "a"}, "options": {}}"#),
        ("N", r#"{"options": {}, "options": {"zone": "a"}}"#),
        ("N", r#"{"options": null, "options": {"zone": "a"}}"#),
        ("Zone", r#"{"options": {"zone": "a", "zone": "a"}}"#),
    ] {
        refused(&[("Mcp-Param-Zone", "a")], arguments, header, fault);
    }
    // Keys that no header mirrors are not looked at.
    assert_eq!(check(&[], r#"{"query": "a", "query": "b"}"#), Ok(()));
}

#[test]
fn keys_are_compared_as_what_they_mean_and_with_their_case() {
    let region = [("Mcp-Param-Region", "a\u{62}")];
    assert_eq!(check(&region, r#"{"\u0072egion": "a\u0062"}"#), Ok(()));
    // CVE-2026-27896: a key in another case is another key.
    assert!(check(&region, r#"{"Region": "ab"}"#).is_err());
    assert_eq!(check(&region, r#"{"Region": "x", "region": "ab"}"#), Ok(()));
}

/// "Intermediate servers that do not recognize an `Mcp-Param-{Name}` header MUST forward it and
/// otherwise ignore it".
#[test]
fn headers_that_no_annotation_names_are_ignored() {
    let lines =
        [("Mcp-Param-Other", "=?base64?!?="), ("Mcp-Param-Other", "é"), ("Mcp-Param-", "x")];
    assert_eq!(check(&lines, "{}"), Ok(()));
    let none = HeaderParams::from_schema(&json!({"type": "object"})).unwrap();
    assert!(none.is_empty());
    let lines = headers(&[("Mcp-Param-Region", "x")]);
    assert_eq!(none.check(&lines, Some(r#"{"region": "y"}"#)), Ok(()));
}

#[test]
fn what_cannot_be_read_is_refused_and_nothing_recurses() {
    let unreadable = "cannot be compared, because the arguments are not valid JSON";
    refused(&[], r#"{"region" "a"}"#, "Dry-Run", unreadable);
    refused(&[], r#"{"\ud800": 1}"#, "Dry-Run", unreadable);
    let fault = "does not match body value, which is not Unicode";
    refused(&[], r#"{"region": "\ud800"}"#, "Region", fault);
    // Values out of the paths are skipped, however deep or large.
    let deep = format!("{{\"query\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(check(&[], &deep), Ok(()));
    let deep = format!("{{\"region\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(check(&[], &deep), Ok(()));
    assert_eq!(check(&[], r#"{"query": 1e999, "options": 1e999, "x": "\ud800"}"#), Ok(()));
}

#[test]
fn a_message_is_short_whatever_the_peer_sent() {
    let long = "x".repeat(100_000);
    let arguments = format!("{{\"region\": \"{}\"}}", "é\\n".repeat(50_000));
    let message = check(&[("Mcp-Param-Region", &long)], &arguments).unwrap_err();
    assert!(message.chars().count() < 300, "{message}");
    assert!(message.contains(r"é\né\n"));
}

#[test]
fn a_property_may_be_annotated_and_have_annotated_ones_below() {
    let params = HeaderParams::from_schema(&json!({"properties": {
        "a": {"type": "string", "x-mcp-header": "A", "properties": {
            "b": {"type": "string", "x-mcp-header": "B"}
        }}
    }}))
    .unwrap();
    let only = |name, value| headers(&[(name, value)]);
    assert_eq!(params.check(&only("mcp-param-a", "x"), Some(r#"{"a": "x"}"#)), Ok(()));
    assert_eq!(params.check(&only("mcp-param-b", "x"), Some(r#"{"a": {"b": "x"}}"#)), Ok(()));
}
