use http::{HeaderMap, HeaderValue};

use super::*;
use crate::protocol::jsonrpc::{ParseLimits, parse};

/// The era that a request was given, or the status and code of its refusal.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Modern,
    ModernNotification,
    Initialize,
    Legacy(Option<ProtocolVersion>),
    Refused(u16, i32),
}

type Headers = Vec<(&'static str, &'static str)>;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn code(refusal: &Refusal) -> i32 {
    let body: serde_json::Value = serde_json::from_slice(&refusal.body()).unwrap();
    i32::try_from(body["error"]["code"].as_i64().unwrap()).unwrap()
}

fn see(pairs: &[(&'static str, &'static str)], body: &str) -> Seen {
    let parsed = parse(body.as_bytes(), ParseLimits::default()).expect("a message");
    match classify(&KnownHeaders::of(&headers(pairs)), &parsed) {
        Ok(Posted::Modern(_)) => Seen::Modern,
        Ok(Posted::ModernNotification) => Seen::ModernNotification,
        Ok(Posted::Initialize(_)) => Seen::Initialize,
        Ok(Posted::Legacy { version }) => Seen::Legacy(version),
        Err(refusal) => Seen::Refused(refusal.status().as_u16(), code(&refusal)),
    }
}

const NEW: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const OLD: (&str, &str) = ("mcp-protocol-version", "2025-11-25");
const UNKNOWN: (&str, &str) = ("mcp-protocol-version", "1900-01-01");
const SESSION: (&str, &str) = ("mcp-session-id", "abc");
const LIST: (&str, &str) = ("mcp-method", "tools/list");

/// A request with this method and this `_meta`, if any.
fn request(method: &str, meta: Option<&str>) -> String {
    let params = meta.map(|meta| format!(r#","params":{{"_meta":{meta}}}"#)).unwrap_or_default();
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"{params}}}"#)
}

fn meta(version: &str) -> String {
    format!(
        r#"{{"io.modelcontextprotocol/protocolVersion":"{version}","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    )
}

/// 2026-07-28, Versioning, Backward Compatibility: "A request carrying modern per-request `_meta`
/// is served statelessly ... An `initialize` request selects legacy semantics".
#[test]
fn the_era_of_a_request_is_decided_by_meta_then_method_then_header() {
    use Seen::{Initialize, Legacy, Modern, Refused};
    let new = meta("2026-07-28");
    let list = |meta: Option<&str>| request("tools/list", meta);
    let init = |meta: Option<&str>| request("initialize", meta);
    let other_key = r#"{"com.example/x":1,"progressToken":1}"#;
    let init_header = ("mcp-method", "initialize");
    let cases: Vec<(&str, Headers, String, Seen)> = vec![
        // initialize, with and without modern headers and `_meta`.
        ("bare initialize", vec![], init(None), Initialize),
        ("initialize with legacy header", vec![OLD], init(None), Initialize),
        ("initialize with modern headers", vec![NEW, init_header], init(None), Initialize),
        ("initialize with unknown version header", vec![UNKNOWN], init(None), Initialize),
        ("initialize with another session", vec![SESSION], init(None), Initialize),
        ("initialize with modern meta", vec![NEW, init_header], init(Some(&new)), Modern),
        ("initialize with another meta key", vec![], init(Some(other_key)), Initialize),
        // Requests with modern `_meta`.
        ("modern", vec![NEW, LIST], list(Some(&new)), Modern),
        ("modern with a session id", vec![NEW, LIST, SESSION], list(Some(&new)), Modern),
        ("meta without version header", vec![LIST], list(Some(&new)), Refused(400, -32020)),
        ("meta with legacy header", vec![OLD, LIST], list(Some(&new)), Refused(400, -32020)),
        (
            "meta with duplicate header",
            vec![NEW, NEW, LIST],
            list(Some(&new)),
            Refused(400, -32020),
        ),
        ("meta without method header", vec![NEW], list(Some(&new)), Refused(400, -32020)),
        (
            "method header says otherwise",
            vec![NEW, ("mcp-method", "tools/call")],
            list(Some(&new)),
            Refused(400, -32020),
        ),
        ("duplicate method header", vec![NEW, LIST, LIST], list(Some(&new)), Refused(400, -32020)),
        // Unknown versions.
        (
            "unknown in both",
            vec![UNKNOWN, LIST],
            list(Some(&meta("1900-01-01"))),
            Refused(400, -32022),
        ),
        (
            "unknown in meta alone",
            vec![NEW, LIST],
            list(Some(&meta("1900-01-01"))),
            Refused(400, -32020),
        ),
        ("unknown in header alone", vec![UNKNOWN, LIST], list(Some(&new)), Refused(400, -32020)),
        ("unknown header, no meta", vec![UNKNOWN], list(None), Refused(400, -32022)),
        ("unknown header in a session", vec![UNKNOWN, SESSION], list(None), Refused(400, -32022)),
        (
            "legacy version in modern form",
            vec![OLD, LIST],
            list(Some(&meta("2025-11-25"))),
            Refused(400, -32022),
        ),
        // The header alone.
        ("header without meta", vec![NEW, LIST], list(None), Refused(400, -32602)),
        (
            "header with another meta key",
            vec![NEW, LIST],
            list(Some(other_key)),
            Refused(400, -32602),
        ),
        ("header with a session", vec![NEW, LIST, SESSION], list(None), Refused(400, -32602)),
        // Legacy.
        ("session", vec![SESSION, OLD], list(None), Legacy(Some(ProtocolVersion::V2025_11_25))),
        ("session without version", vec![SESSION], list(None), Legacy(None)),
        ("nothing at all", vec![], list(None), Legacy(None)),
        ("another meta key is not modern", vec![SESSION], list(Some(other_key)), Legacy(None)),
        (
            "client info alone is not modern",
            vec![SESSION],
            list(Some(r#"{"io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"}}"#)),
            Legacy(None),
        ),
        ("duplicate version header", vec![OLD, OLD], list(None), Refused(400, -32600)),
    ];
    for (name, pairs, body, expected) in cases {
        assert_eq!(see(&pairs, &body), expected, "{name}");
    }
}

/// 2026-07-28, Base Protocol, `_meta`: "A request missing any required field is malformed; the
/// server MUST reject it with JSON-RPC error code -32602 ... 400 Bad Request".
#[test]
fn each_required_field_of_meta_is_required() {
    let key = |name: &str| format!("io.modelcontextprotocol/{name}");
    let version = format!(r#""{}":"2026-07-28""#, key("protocolVersion"));
    let capabilities = format!(r#""{}":{{}}"#, key("clientCapabilities"));
    let with = |more: &str| format!("{{{version},{capabilities},{more}}}");
    let see = |meta: &str| see(&[NEW, LIST], &request("tools/list", Some(meta)));
    assert_eq!(see(&format!("{{{version}}}")), Seen::Refused(400, -32602));
    assert_eq!(see(&format!("{{{capabilities}}}")), Seen::Refused(400, -32602));
    assert_eq!(see("{}"), Seen::Refused(400, -32602));
    assert_eq!(see(&format!("{{{version},{capabilities}}}")), Seen::Modern);
    assert_eq!(see(&with(&format!(r#""{}":"info""#, key("logLevel")))), Seen::Modern);
    assert_eq!(see(&with(&format!(r#""{}":"loud""#, key("logLevel")))), Seen::Refused(400, -32602));
    assert_eq!(see(&with(&format!(r#""{}":7"#, key("logLevel")))), Seen::Refused(400, -32602));
    assert_eq!(see(&with(&format!(r#""{}":[]"#, key("clientInfo")))), Seen::Refused(400, -32602));
    assert_eq!(see(&with(r#""progressToken":"x""#)), Seen::Modern);
    assert_eq!(see(&with(r#""progressToken":1.5"#)), Seen::Refused(400, -32602));
    assert_eq!(see(&with(r#""progressToken":null"#)), Seen::Refused(400, -32602));
    let wrong = format!(r#"{{{version},"{}":7}}"#, key("clientCapabilities"));
    assert_eq!(see(&wrong), Seen::Refused(400, -32602));
    let wrong = format!(r#"{{"{}":7,{capabilities}}}"#, key("protocolVersion"));
    assert_eq!(see(&wrong), Seen::Refused(400, -32602));
}

/// 2026-07-28, Streamable HTTP, Standard Request Headers.
#[test]
fn mcp_name_mirrors_the_name_on_three_methods() {
    let body = |method: &str, member: &str| {
        let meta = meta("2026-07-28");
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{member},"_meta":{meta}}}}}"#
        )
    };
    for (method, member, right) in [
        ("tools/call", r#""name":"forecast""#, "forecast"),
        ("prompts/get", r#""name":"greet""#, "greet"),
        ("resources/read", r#""uri":"file:///x""#, "file:///x"),
    ] {
        let head = |name: Option<&'static str>| {
            let mut pairs = vec![NEW, ("mcp-method", method)];
            pairs.extend(name.map(|name| ("mcp-name", name)));
            pairs
        };
        let body = body(method, member);
        assert_eq!(see(&head(Some(right)), &body), Seen::Modern, "{method}");
        assert_eq!(see(&head(Some("wrong")), &body), Seen::Refused(400, -32020), "{method}");
        assert_eq!(see(&head(None), &body), Seen::Refused(400, -32020), "{method}");
    }
    let encoded = [NEW, ("mcp-method", "tools/call"), ("mcp-name", "=?base64?Zm9yZWNhc3Q=?=")];
    assert_eq!(see(&encoded, &body("tools/call", r#""name":"forecast""#)), Seen::Modern);
}

/// 2026-07-28, Streamable HTTP, Sending Messages, 4 and Note.
#[test]
fn notifications_and_responses_follow_meta_and_header() {
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(see(&[NEW], notification), Seen::ModernNotification);
    assert_eq!(see(&[SESSION], notification), Seen::Legacy(None));
    assert_eq!(see(&[UNKNOWN], notification), Seen::Refused(400, -32022));
    assert_eq!(see(&[OLD, OLD], notification), Seen::Refused(400, -32600));
    assert_eq!(see(&[NEW], response), Seen::Refused(400, -32600));
    assert_eq!(see(&[SESSION], response), Seen::Legacy(None));
    assert_eq!(see(&[SESSION, UNKNOWN], response), Seen::Refused(400, -32022));
    let with_meta = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{"_meta":{}}}}}"#,
        meta("2026-07-28")
    );
    assert_eq!(see(&[], &with_meta), Seen::ModernNotification);
}

/// 2025-06-18, Changelog: batches were removed; 2026-07-28, Streamable HTTP, Sending Messages, 4.
#[test]
fn a_batch_is_never_modern() {
    let legacy = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
    assert_eq!(see(&[SESSION], legacy), Seen::Legacy(None));
    assert_eq!(see(&[NEW], legacy), Seen::Refused(400, -32600));
    let modern = format!("[{}]", request("tools/list", Some(&meta("2026-07-28"))));
    assert_eq!(see(&[], &modern), Seen::Refused(400, -32600));
    assert_eq!(see(&[UNKNOWN], legacy), Seen::Refused(400, -32022));
}

/// 2026-07-28, Streamable HTTP, Earlier Revisions; 2025-11-25, Protocol Version Header.
#[test]
fn get_and_delete_are_modern_only_by_their_version_header() {
    let see = |method: Method, pairs: &[(&'static str, &'static str)]| {
        classify_head(&method, &KnownHeaders::of(&headers(pairs)))
            .map_err(|r| (r.status().as_u16(), code(&r)))
    };
    for method in [Method::GET, Method::DELETE] {
        let verb = || if method == Method::GET { Verb::Get } else { Verb::Delete };
        assert_eq!(see(method.clone(), &[]), Ok(verb()));
        assert_eq!(see(method.clone(), &[SESSION, OLD]), Ok(verb()));
        assert_eq!(see(method.clone(), &[SESSION, NEW]), Err((405, -32600)));
        assert_eq!(see(method.clone(), &[SESSION, UNKNOWN]), Err((400, -32022)));
        assert_eq!(see(method.clone(), &[SESSION, OLD, OLD]), Err((400, -32600)));
    }
    assert_eq!(see(Method::POST, &[UNKNOWN]), Ok(Verb::Post));
    for method in [Method::PUT, Method::PATCH, Method::HEAD, Method::TRACE] {
        assert_eq!(see(method, &[]), Err((405, -32600)));
    }
}

#[test]
fn a_session_id_stands_once_in_visible_ascii() {
    assert!(matches!(session_id(&KnownHeaders::of(&headers(&[]))), Ok(None)));
    let once = headers(&[SESSION]);
    assert!(matches!(session_id(&KnownHeaders::of(&once)), Ok(Some("abc"))));
    let twice = headers(&[SESSION, SESSION]);
    let refusal = session_id(&KnownHeaders::of(&twice)).expect_err("a duplicate");
    assert_eq!((refusal.status().as_u16(), code(&refusal)), (400, -32600));
}

#[test]
fn a_refused_request_is_named() {
    let parsed = parse(br#"{"jsonrpc":"2.0","id":"q","method":"x"}"#, ParseLimits::default());
    let refusal =
        classify(&KnownHeaders::of(&headers(&[NEW])), &parsed.unwrap()).expect_err("no meta");
    let body: serde_json::Value = serde_json::from_slice(&refusal.body()).unwrap();
    assert_eq!(body["id"], "q");
}
