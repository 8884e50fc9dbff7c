//! Requests of modern clients that are wrong above HTTP and JSON: 2026-07-28.

use serde_json::{Value, json};

use super::World;
use super::case::{Case, Raw, Reply, meta};

const INVALID: i64 = -32600;
const NO_METHOD: i64 = -32601;
const PARAMS: i64 = -32602;
const MISMATCH: i64 = -32020;
const VERSION: i64 = -32022;

const KEY: &str = "io.modelcontextprotocol/";

fn list() -> Raw {
    Raw::modern("tools/list", json!({}))
}

fn echo() -> Raw {
    Raw::modern("tools/call", json!({"name": "echo"}))
}

fn mismatch(name: impl Into<String>, raw: Raw) -> Case {
    Case::new(name, raw, Reply::Error(400, MISMATCH)).id("1")
}

fn served(name: impl Into<String>, raw: Raw) -> Case {
    Case::new(name, raw, Reply::Result).id("1").no_header("mcp-session-id")
}

/// A request whose `_meta` has these members in place of its own.
fn with_meta(changes: Value) -> Raw {
    let mut meta = meta();
    for (key, value) in changes.as_object().expect("an object") {
        meta[format!("{KEY}{key}")] = value.clone();
    }
    Raw::modern("tools/list", json!({ "_meta": meta }))
}

/// Streamable HTTP, Protocol Version Header, Standard Request Headers, Server Validation.
pub fn headers() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, raw) in
        [("MCP-Protocol-Version", list()), ("Mcp-Method", list()), ("Mcp-Name", echo())]
    {
        cases.push(mismatch(format!("{name} missing"), raw.clone().without(name)));
        cases.push(mismatch(format!("{name} empty"), raw.clone().with(name, "")));
        cases.push(mismatch(format!("{name} beyond ASCII"), raw.clone().with(name, b"echo\xff")));
        cases.push(mismatch(format!("{name} of 16 KiB"), raw.with(name, "x".repeat(16 * 1024))));
    }
    for (name, value, raw) in [
        ("MCP-Protocol-Version", "2026-07-28", list()),
        ("Mcp-Method", "tools/list", list()),
        ("Mcp-Name", "echo", echo()),
    ] {
        cases.push(mismatch(format!("{name} twice, the same"), raw.clone().and(name, value)));
        cases.push(mismatch(
            format!("{name} in a list"),
            raw.with(name, format!("{value}, {value}")),
        ));
    }
    for version in
        ["2025-11-25", "2025-03-26", "1900-01-01", "2026-07-28x", "2026-07-28, 2025-11-25"]
    {
        cases.push(mismatch(
            format!("the header says {version}"),
            list().with("MCP-Protocol-Version", version),
        ));
    }
    for method in [
        "tools/call",
        "TOOLS/LIST",
        "Tools/list",
        "tools/list/",
        "=?base64?dG9vbHMvbGlzdA==?=",
        "initialize",
    ] {
        cases.push(mismatch(format!("Mcp-Method {method}"), list().with("Mcp-Method", method)));
    }
    for name in [
        "fail",
        "Echo",
        "echo%20",
        "\"echo\"",
        "=?base64?ZmFpbA==?=",
        "=?base64?ZWNobw?=",
        "=?base64?ZWNo!!!bw==?=",
        "=?base64?ZWNobw===?=",
        "=?base64?/w==?=",
        "=?base64??=",
        "=?BASE64?ZWNobw==?=",
        "=?base64?ZWNobw==",
        "ZWNobw==",
        "=?base64?ZWNo bw==?=",
        "=?utf-8?b?ZWNobw==?=",
        "=?base64?_w==?=",
    ] {
        cases.push(mismatch(format!("Mcp-Name {name}"), echo().with("Mcp-Name", name)));
    }
    for (method, params) in [
        ("prompts/get", json!({"name": "greet"})),
        ("resources/read", json!({"uri": "file:///etc/passwd"})),
    ] {
        cases.push(mismatch(
            format!("{method} without Mcp-Name"),
            Raw::modern(method, params.clone()).without("Mcp-Name"),
        ));
        cases.push(mismatch(
            format!("{method} of another name"),
            Raw::modern(method, params).with("Mcp-Name", "other"),
        ));
    }
    cases.extend([
        served("Mcp-Name encoded", echo().with("Mcp-Name", "=?base64?ZWNobw==?=")),
        served("Mcp-Name in spaces", echo().with("Mcp-Name", " \t echo  ")),
        served(
            "headers in capitals",
            echo()
                .without("Mcp-Name")
                .without("Mcp-Method")
                .and("MCP-NAME", "echo")
                .and("MCP-METHOD", "tools/call"),
        ),
        served("Mcp-Name where there is none", list().and("Mcp-Name", "=?base64?!?=")),
        served("a session id", list().and("Mcp-Session-Id", "anything")),
        served("two session ids", list().and("Mcp-Session-Id", "a").and("Mcp-Session-Id", "b")),
        served("Last-Event-ID", list().and("Last-Event-ID", "1-1")),
        served("an Mcp-Param that no one knows", echo().and("Mcp-Param-Evil", "=?base64?!?=")),
    ]);
    cases
}

/// Streamable HTTP, Server Behavior for Custom Headers; the tool `region`.
pub fn params() -> Vec<Case> {
    let region = |arguments: Value, lines: &[(&str, &str)]| {
        let raw = Raw::modern("tools/call", json!({"name": "region", "arguments": arguments}));
        lines.iter().fold(raw, |raw, (name, value)| raw.and(format!("Mcp-Param-{name}"), *value))
    };
    let bad = |arguments: Value, lines: &[(&str, &str)]| {
        mismatch(format!("region {arguments} {lines:?}"), region(arguments.clone(), lines))
    };
    let good = |arguments: Value, lines: &[(&str, &str)]| {
        served(format!("region {arguments} {lines:?}"), region(arguments.clone(), lines))
    };
    let text = |value: &str| json!({ "region": value });
    let twice = {
        let raw = Raw::modern("tools/call", json!({"name": "region", "arguments": {}}));
        let meta = meta();
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"region","arguments":{{"region":"a","region":"b"}},"_meta":{meta}}}}}"#
        );
        raw.body(body).and("Mcp-Param-Region", "b")
    };
    vec![
        bad(text("us"), &[]),
        bad(text("us"), &[("Region", "eu")]),
        bad(text("us"), &[("Region", "US")]),
        bad(text("us"), &[("Region", "")]),
        bad(text("us"), &[("Region", "us"), ("Region", "us")]),
        bad(text("us"), &[("Region", "us, us")]),
        bad(text(""), &[]),
        bad(json!({}), &[("Region", "us")]),
        bad(json!({"region": null}), &[("Region", "null")]),
        bad(text("Hello"), &[("Region", "=?base64?SGVsbG8?=")]),
        bad(text("Hello"), &[("Region", "=?base64?SGVs!!!bG8=?=")]),
        bad(text("Hello"), &[("Region", "SGVsbG8=")]),
        bad(text("=?base64?SGVsbG8=?="), &[("Region", "=?base64?SGVsbG8=?=")]),
        bad(text("\u{fffd}"), &[("Region", "=?base64?/w==?=")]),
        bad(json!({"count": 42}), &[]),
        bad(json!({"count": 42}), &[("Count", "43")]),
        bad(json!({"count": 42}), &[("Count", "forty-two")]),
        bad(json!({"count": 42}), &[("Count", "042")]),
        bad(json!({"count": "42"}), &[("Count", "42.0")]),
        bad(json!({"count": 9_007_199_254_740_993_u64}), &[("Count", "9007199254740992")]),
        bad(json!({"dry": true}), &[("Dry-Run", "True")]),
        bad(json!({"dry": true}), &[("Dry-Run", "1")]),
        bad(json!({"dry": false}), &[]),
        bad(json!({"where": {"zone": "b"}}), &[]),
        bad(json!({"where": {"zone": "b"}}), &[("Zone", "a")]),
        bad(json!({"zone": "b"}), &[("Zone", "b")]),
        bad(json!({"region": ["us"]}), &[("Region", "us")]),
        mismatch("region beyond ASCII", region(text("é"), &[]).and("Mcp-Param-Region", "é")),
        mismatch("region twice in the arguments", twice),
        good(text("us"), &[("Region", "us")]),
        good(text("us"), &[("REGION", "  us\t")]),
        good(text("Hello"), &[("Region", "=?base64?SGVsbG8=?=")]),
        good(text("SGVsbG8="), &[("Region", "SGVsbG8=")]),
        good(text("=?base64?SGVsbG8="), &[("Region", "=?base64?SGVsbG8=")]),
        good(text("é\n"), &[("Region", "=?base64?w6kK?=")]),
        good(json!({"count": 42}), &[("Count", "42.0")]),
        good(json!({"count": -7}), &[("Count", "-7")]),
        good(json!({"dry": false}), &[("Dry-Run", "false")]),
        good(json!({"where": {"zone": "b"}}), &[("Zone", "b")]),
        good(json!({"region": null, "where": null}), &[]),
        good(json!({"plain": "x"}), &[]),
        good(json!({}), &[("Evil", "x")]),
    ]
}

/// Base Protocol, `_meta`: "A request missing any required field is malformed; the server MUST
/// reject it with JSON-RPC error code -32602 ... 400 Bad Request".
pub fn envelopes() -> Vec<Case> {
    let bad = |name: &str, raw: Raw| Case::new(name, raw, Reply::Error(400, PARAMS)).id("1");
    let without = |key: &str| {
        let mut meta = meta();
        meta.as_object_mut().expect("an object").remove(&format!("{KEY}{key}"));
        Raw::modern("tools/list", json!({ "_meta": meta }))
    };
    let token = |token: Value| {
        let mut meta = meta();
        meta["progressToken"] = token;
        Raw::modern("tools/list", json!({ "_meta": meta }))
    };
    let unspoken = |version: &str| {
        let raw =
            with_meta(json!({"protocolVersion": version})).with("MCP-Protocol-Version", version);
        Case::new(format!("version {version:?} in both"), raw, Reply::Error(400, VERSION))
            .id("1")
            .says("supported")
    };
    let other_case = json!({
        "IO.MODELCONTEXTPROTOCOL/PROTOCOLVERSION": "2026-07-28",
        "io.modelcontextprotocol/ClientCapabilities": {},
    });
    vec![
        bad("no params", list().body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)),
        bad(
            "no _meta",
            list().body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#),
        ),
        bad("an empty _meta", Raw::modern("tools/list", json!({"_meta": {}}))),
        bad("_meta in other case", Raw::modern("tools/list", json!({"_meta": other_case}))),
        bad("no version in _meta", without("protocolVersion")),
        bad("no capabilities", without("clientCapabilities")),
        bad("a version that is a number", with_meta(json!({"protocolVersion": 7}))),
        bad("a version that is null", with_meta(json!({"protocolVersion": null}))),
        bad("a version that is an array", with_meta(json!({"protocolVersion": ["2026-07-28"]}))),
        bad("capabilities null", with_meta(json!({"clientCapabilities": null}))),
        bad("capabilities an array", with_meta(json!({"clientCapabilities": []}))),
        bad("capabilities a string", with_meta(json!({"clientCapabilities": "{}"}))),
        bad("a clientInfo that is an array", with_meta(json!({"clientInfo": []}))),
        bad("a clientInfo that is a string", with_meta(json!({"clientInfo": "x"}))),
        bad("an unknown log level", with_meta(json!({"logLevel": "loud"}))),
        bad("a log level in capitals", with_meta(json!({"logLevel": "INFO"}))),
        bad("a log level that is a number", with_meta(json!({"logLevel": 1}))),
        bad("a progress token null", token(Value::Null)),
        bad("a progress token 1.5", token(json!(1.5))),
        bad("a progress token true", token(json!(true))),
        bad("a progress token an object", token(json!({}))),
        unspoken("1900-01-01"),
        unspoken("2099-01-01"),
        unspoken("v999.0.0"),
        unspoken("2025-11-25"),
        mismatch(
            "an unknown version in _meta alone",
            with_meta(json!({"protocolVersion": "1900-01-01"})),
        ),
        mismatch("an empty version in _meta alone", with_meta(json!({"protocolVersion": ""}))),
        mismatch("a version and a line end", with_meta(json!({"protocolVersion": "2026-07-28\n"}))),
        served("a log level", with_meta(json!({"logLevel": "debug"}))),
        served("a progress token", token(json!("t"))),
        served("a progress token of 30 digits", {
            let body = list().bytes();
            let at =
                body.windows(9).position(|window| window == b"\"_meta\":{").expect("_meta") + 9;
            let head =
                body.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
            let json = [
                &body[head..at],
                b"\"progressToken\":777777777777777777777777777777,",
                &body[at..],
            ]
            .concat();
            list().body(json)
        }),
    ]
}

/// Streamable HTTP, Protocol Version Header (404 with -32601), Sending Messages, 4 and 5.
pub fn calls(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "prompts/list",
        "resources/list",
        "completion/complete",
        "tasks/list",
        "no/such",
        "rpc.discover",
        "notifications/cancelled",
        "server/Discover",
        "roots/list",
    ] {
        let case = Case::new(
            format!("method {method}"),
            Raw::modern(method, json!({})),
            Reply::Error(404, NO_METHOD),
        );
        cases.push(case.id("1"));
    }
    let refused = |name: &str, raw: Raw| Case::new(name, raw, Reply::Error(200, PARAMS)).id("1");
    let unknown = |name: &str| {
        refused(&format!("tool {name}"), Raw::modern("tools/call", json!({"name": name})))
    };
    let arguments = |arguments: Value| {
        Raw::modern("tools/call", json!({"name": "echo", "arguments": arguments}))
    };
    cases.extend([
        unknown("nope"),
        unknown("ECHO"),
        refused(
            "an unknown tool of line ends",
            Raw::modern("tools/call", json!({"name": "\r\n"})).with("Mcp-Name", "=?base64?DQo=?="),
        ),
        refused(
            "a name that is a number",
            Raw::modern("tools/call", json!({"name": 1})).and("Mcp-Name", "1"),
        ),
        refused(
            "no name, and a header that gives one",
            Raw::modern("tools/call", json!({})).and("Mcp-Name", "echo"),
        ),
        mismatch("no name at all", Raw::modern("tools/call", json!({}))),
        refused("arguments an array", arguments(json!([]))),
        refused("arguments a string", arguments(json!("{}"))),
        refused("a cursor of nobody's", Raw::modern("tools/list", json!({"cursor": "x"}))),
        refused("a cursor that is a number", Raw::modern("tools/list", json!({"cursor": 1}))),
        Case::new(
            "a tool that panics",
            Raw::modern("tools/call", json!({"name": "panic"})),
            Reply::Error(200, -32603),
        )
        .id("1"),
        served("a tool that fails", Raw::modern("tools/call", json!({"name": "fail"})))
            .says(r#""isError":true"#),
        served("server/discover", Raw::modern("server/discover", json!({}))),
        served(
            "server/discover in a legacy session",
            Raw::modern("server/discover", json!({}))
                .and("Mcp-Session-Id", world.newest.id.clone()),
        ),
    ]);
    let version = |raw: Raw| raw.and("MCP-Protocol-Version", "2026-07-28");
    let note = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    cases.extend([
        Case::new("a notification", version(Raw::post(note)), Reply::Accepted),
        Case::new(
            "a call without an id",
            version(Raw::post(
                r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"panic"}}"#,
            )),
            Reply::Accepted,
        ),
        Case::new(
            "a response",
            version(Raw::post(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#)),
            Reply::Error(400, INVALID),
        ),
        Case::new(
            "an error",
            version(Raw::post(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#)),
            Reply::Error(400, INVALID),
        ),
    ]);
    cases
}
