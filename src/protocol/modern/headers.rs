//! The standard headers of a modern request, which must say what its body says.
//!
//! 2026-07-28, Streamable HTTP, Request Metadata and Server Validation: "Servers that process
//! the request body MUST reject requests where the values specified in the headers do not match
//! the corresponding values in the request body."

use http::HeaderValue;

use super::mismatch::HeaderMismatch;
use super::sentinel;
use crate::protocol::known_headers::{Known, KnownHeaders, Line};

/// What a request's body says, where a header has to say the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyClaims<'a> {
    /// `method`.
    pub(crate) method: &'a str,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`.
    pub(crate) protocol_version: Option<&'a str>,
    /// What `Mcp-Name` mirrors: `params.name`, `params.uri` or `params.taskId`.
    pub(crate) name: Option<&'a str>,
}

/// Checks `MCP-Protocol-Version`, `Mcp-Method` and `Mcp-Name` against the body.
///
/// All of them are required, `Mcp-Name` for `tools/call`, `resources/read`, `prompts/get` and the
/// methods of tasks alone; on other methods nothing in the body corresponds to it, so it is not looked at. What
/// the body lacks is not compared: the header must be there and be well formed, and the body is
/// then refused as what it is, an invalid one (`-32602`).
///
/// # Errors
///
/// The first header, in the order above, that is missing, repeated, malformed or different.
pub(crate) fn check(
    headers: &KnownHeaders<'_>,
    body: &BodyClaims<'_>,
) -> Result<(), HeaderMismatch> {
    let version = required(headers, Known::Version, "MCP-Protocol-Version")?;
    literal("MCP-Protocol-Version", version, body.protocol_version)?;
    let method = required(headers, Known::Method, "Mcp-Method")?;
    literal("Mcp-Method", method, Some(body.method))?;
    if named_by(body.method).is_some() {
        let name = required(headers, Known::Name, "Mcp-Name")?;
        if body.name.is_some_and(|body| sentinel::is_literally(name, body)) {
            return Ok(());
        }
        let name = sentinel::decode(name).map_err(|_| HeaderMismatch::invalid("Mcp-Name"))?;
        compare("Mcp-Name", &name, body.name)?;
    }
    Ok(())
}

/// The member of `params` that `Mcp-Name` mirrors (2026-07-28, Streamable HTTP, Standard Request
/// Headers).
pub(super) fn named_by(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        // ext-tasks, Streamable HTTP: Routing Headers.
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// "Validation failure conditions include: A required standard header … is missing."
fn required<'h>(
    headers: &KnownHeaders<'h>,
    known: Known,
    shown_name: &str,
) -> Result<&'h HeaderValue, HeaderMismatch> {
    match headers.line(known) {
        Line::Once(line) => Ok(line),
        Line::Absent => Err(HeaderMismatch::missing(shown_name)),
        Line::Repeated => Err(HeaderMismatch::repeated(shown_name)),
    }
}

/// Compares a header that knows no encoding.
fn literal(
    shown_name: &str,
    value: &HeaderValue,
    body: Option<&str>,
) -> Result<(), HeaderMismatch> {
    if body.is_some_and(|body| sentinel::is_literally(value, body)) {
        return Ok(());
    }
    let value = sentinel::plain(value).map_err(|_| HeaderMismatch::invalid(shown_name))?;
    compare(shown_name, value, body)
}

/// Case Sensitivity: "Header values (such as method names) are case-sensitive."
fn compare(shown_name: &str, value: &str, body: Option<&str>) -> Result<(), HeaderMismatch> {
    match body {
        Some(body) if body != value => Err(HeaderMismatch::differs(shown_name, value, body)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};

    use super::*;
    use crate::protocol::head;

    fn check(headers: &HeaderMap, body: &BodyClaims<'_>) -> Result<(), HeaderMismatch> {
        super::check(&KnownHeaders::of(headers), body)
    }

    const VERSION: &str = "2026-07-28";

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(name.parse::<HeaderName>().unwrap(), value);
        }
        headers
    }

    fn with(method: &str, name: Option<&str>) -> HeaderMap {
        let mut lines = vec![("MCP-Protocol-Version", VERSION), ("Mcp-Method", method)];
        lines.extend(name.map(|name| ("Mcp-Name", name)));
        headers(&lines)
    }

    fn body<'a>(method: &'a str, name: Option<&'a str>) -> BodyClaims<'a> {
        BodyClaims { method, protocol_version: Some(VERSION), name }
    }

    fn refusal(headers: &HeaderMap, body: &BodyClaims<'_>) -> String {
        check(headers, body).unwrap_err().to_string()
    }

    /// Standard Request Headers: the two example requests, and the table's third method.
    #[test]
    fn the_examples_of_the_specification_pass() {
        for (method, name) in [
            ("tools/call", "get_weather"),
            ("resources/read", "file:///projects/myapp/config.json"),
            ("prompts/get", "greeting"),
        ] {
            assert_eq!(check(&with(method, Some(name)), &body(method, Some(name))), Ok(()));
        }
        for method in ["server/discover", "tools/list", "subscriptions/listen"] {
            assert_eq!(check(&with(method, None), &body(method, None)), Ok(()));
        }
    }

    /// Server Validation: "A required standard header … is missing."
    #[test]
    fn each_required_header_must_be_there() {
        let body = body("tools/call", Some("x"));
        for missing in ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"] {
            let mut headers = with("tools/call", Some("x"));
            headers.remove(missing);
            let expected = format!("Header mismatch: {missing} header is missing");
            assert_eq!(refusal(&headers, &body), expected);
        }
        for method in ["resources/read", "prompts/get"] {
            let expected = "Header mismatch: Mcp-Name header is missing";
            assert_eq!(refusal(&with(method, None), &self::body(method, Some("x"))), expected);
        }
    }

    #[test]
    fn a_repeated_header_is_refused_even_if_the_lines_agree() {
        let body = body("tools/call", Some("x"));
        for (name, value) in
            [("MCP-Protocol-Version", VERSION), ("Mcp-Method", "tools/call"), ("Mcp-Name", "x")]
        {
            let mut headers = with("tools/call", Some("x"));
            headers.append(name, HeaderValue::from_static(value));
            let expected = format!("Header mismatch: {name} header is given more than once");
            assert_eq!(refusal(&headers, &body), expected);
        }
    }

    /// Server Validation: "A header value does not match the corresponding request body value."
    #[test]
    fn each_header_must_match_the_body() {
        let body = body("tools/call", Some("x"));
        for (name, value, actual) in [
            ("MCP-Protocol-Version", "2025-11-25", VERSION),
            ("Mcp-Method", "prompts/get", "tools/call"),
            ("Mcp-Name", "y", "x"),
            // Values are case-sensitive.
            ("Mcp-Method", "TOOLS/CALL", "tools/call"),
            ("Mcp-Name", "X", "x"),
            ("Mcp-Name", "", "x"),
        ] {
            let mut headers = with("tools/call", Some("x"));
            headers.insert(name, HeaderValue::from_static(value));
            let expected = format!(
                "Header mismatch: {name} header value '{value}' does not match body value '{actual}'"
            );
            assert_eq!(refusal(&headers, &body), expected);
        }
    }

    /// Protocol Version Header: the header "MUST match … the request body's `_meta`", also where
    /// the server speaks neither version; what it speaks is asked afterwards.
    #[test]
    fn versions_are_compared_whether_or_not_they_are_known() {
        let mut headers = with("tools/list", None);
        headers.insert(&head::VERSION, HeaderValue::from_static("v999.0.0"));
        let mut body = body("tools/list", None);
        assert!(refusal(&headers, &body).contains("MCP-Protocol-Version"));
        body.protocol_version = Some("v999.0.0");
        assert_eq!(check(&headers, &body), Ok(()));
    }

    /// Server Validation: "A header value contains invalid characters."
    #[test]
    fn invalid_characters_are_refused_and_not_echoed() {
        let body = body("tools/call", Some("x"));
        for name in ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"] {
            let mut headers = with("tools/call", Some("x"));
            headers.insert(name, HeaderValue::from_bytes("é".as_bytes()).unwrap());
            let expected = format!("Header mismatch: {name} header contains invalid characters");
            assert_eq!(refusal(&headers, &body), expected);
        }
        for value in ["=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?="] {
            let headers = with("tools/call", Some(value));
            let expected = "Header mismatch: Mcp-Name header contains invalid characters";
            assert_eq!(refusal(&headers, &body), expected);
        }
    }

    /// Value Encoding: "servers MUST decode an encoded `Mcp-Name` … before comparing it".
    #[test]
    fn only_the_name_may_be_encoded() {
        let encoded = "=?base64?SGVsbG8=?=";
        let method = "prompts/get";
        assert_eq!(check(&with(method, Some(encoded)), &body(method, Some("Hello"))), Ok(()));
        assert!(check(&with(method, Some(encoded)), &body(method, Some(encoded))).is_err());
        // "tools/list" in Base64 is no method.
        let headers = with("=?base64?dG9vbHMvbGlzdA==?=", None);
        assert!(refusal(&headers, &body("tools/list", None)).contains("Mcp-Method"));
    }

    /// RFC 9110, section 5.5: whitespace around a value is not part of it; section 5.1: names of
    /// headers are case-insensitive.
    #[test]
    fn whitespace_around_values_and_the_case_of_names_do_not_count() {
        let headers = headers(&[
            ("mcp-protocol-version", " 2026-07-28 "),
            ("MCP-METHOD", "\ttools/call"),
            ("mCP-nAME", "  get_weather  "),
        ]);
        assert_eq!(check(&headers, &body("tools/call", Some("get_weather"))), Ok(()));
    }

    /// ext-tasks, Streamable HTTP: Routing Headers: `Mcp-Name` is `params.taskId`.
    #[test]
    fn the_methods_of_tasks_are_named_by_their_task() {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            assert_eq!(named_by(method), Some("taskId"));
            assert_eq!(check(&with(method, Some("a")), &body(method, Some("a"))), Ok(()));
            for name in [None, Some("b")] {
                assert!(check(&with(method, name), &body(method, Some("a"))).is_err());
            }
        }
    }

    #[test]
    fn a_name_on_a_method_without_one_is_not_looked_at() {
        for value in ["anything", "=?base64?!?=", "é"] {
            let headers = with("tools/list", Some(value));
            assert_eq!(check(&headers, &body("tools/list", None)), Ok(()));
        }
    }

    #[test]
    fn what_the_body_lacks_is_not_compared_but_its_header_is_required() {
        let mut claims = body("tools/call", None);
        claims.protocol_version = None;
        assert_eq!(check(&with("tools/call", Some("x")), &claims), Ok(()));
        assert!(check(&with("tools/call", None), &claims).is_err());
        assert!(check(&HeaderMap::new(), &claims).is_err());
    }

    #[test]
    fn a_message_is_short_and_clean_whatever_the_peer_sent() {
        let long = "x".repeat(100_000);
        let message =
            refusal(&with("tools/call", Some(&long)), &body("tools/call", Some("\u{0}\n")));
        assert!(message.len() < 200, "{}", message.len());
        assert!(message.ends_with(r"body value '\0\n'"), "{message}");
    }
}
