//! Requests of legacy clients that are wrong above HTTP and JSON: 2025-03-26 to 2025-11-25.

use serde_json::{Value, json};

use super::case::{Case, Raw, Reply, meta};
use super::{Client, World};
use crate::support::messages::{call, initialize, notification, request};

const INVALID: i64 = -32600;
const NO_METHOD: i64 = -32601;
const PARAMS: i64 = -32602;
const VERSION: i64 = -32022;

fn list() -> String {
    request(1, "tools/list", json!({}))
}

/// Transports, Session Management, 2 and 3.
pub fn sessions(world: &World) -> Vec<Case> {
    let missing = Reply::Error(400, INVALID);
    let unknown = Reply::Error(404, INVALID);
    let with_id = |id: &[u8]| Raw::post(list()).and("Mcp-Session-Id", id);
    let good = world.newest.id.as_bytes();
    let stranger = "A".repeat(good.len());
    let letter = good.iter().position(u8::is_ascii_alphabetic).expect("one in 32 characters");
    let mut other_case = good.to_vec();
    other_case[letter] ^= 0x20;
    let mut cases = Vec::new();
    for (name, id) in [
        ("empty", &b""[..]),
        ("short", b"abc"),
        ("of the right form", stranger.as_bytes()),
        ("with a letter in other case", &other_case),
        ("with something after it", &[good, b"A"].concat()),
        ("with a comma after it", &[good, b", "].concat()),
        ("in quotes", &[b"\"", good, b"\""].concat()),
        ("cut short", &good[..good.len() - 1]),
        ("null", b"null"),
        ("a path", b"../../etc/passwd"),
        ("of 16 KiB", &b"A".repeat(16 * 1024)),
        ("of an ended session", world.ended.id.as_bytes()),
    ] {
        cases.push(Case::new(format!("session id {name}"), with_id(id), unknown.clone()));
    }
    cases.push(Case::new("session id beyond ASCII", with_id("é".as_bytes()), missing.clone()));
    cases.push(Case::new(
        "session id twice",
        with_id(good).and("Mcp-Session-Id", good),
        missing.clone(),
    ));
    cases.push(Case::new(
        "two session ids",
        with_id(good).and("Mcp-Session-Id", world.oldest.id.clone()),
        missing.clone(),
    ));
    cases.push(Case::new(
        "a session id in the query",
        Raw::post(list()).target([b"/mcp?sessionId=", good].concat()),
        missing.clone(),
    ));
    for (name, body) in [
        ("a request", list()),
        ("a ping", request(1, "ping", json!({}))),
        ("a notification", notification("notifications/initialized", json!({}))),
        ("a response", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned()),
        ("a batch", format!("[{}]", list())),
    ] {
        let refused = |kind: &str, raw: Raw, reply: &Reply| {
            Case::new(format!("{name} {kind}"), raw, reply.clone())
        };
        cases.push(
            refused("without a session", Raw::post(body.clone()), &missing).says("Mcp-Session-Id"),
        );
        cases.push(refused(
            "in an unknown session",
            Raw::post(body.clone()).and("Mcp-Session-Id", stranger.clone()),
            &unknown,
        ));
        cases.push(refused("in an ended session", world.ended.post(body), &unknown));
    }
    for method in ["GET", "DELETE"] {
        let raw = Raw::new(method);
        let case = |name: &str, raw: Raw, reply: &Reply| {
            Case::new(format!("{method} {name}"), raw, reply.clone())
        };
        cases.push(case("without a session", raw.clone(), &missing));
        cases.push(case(
            "of an unknown session",
            raw.clone().and("Mcp-Session-Id", stranger.clone()),
            &unknown,
        ));
        cases.push(case("of an ended session", world.ended.with_session(raw.clone()), &unknown));
        cases.push(case(
            "of two sessions",
            world.newest.with_session(raw).and("Mcp-Session-Id", "x"),
            &missing,
        ));
    }
    cases
}

/// 2025-11-25, Transports, Protocol Version Header: "If the server receives a request with an
/// invalid or unsupported `MCP-Protocol-Version`, it MUST respond with 400 Bad Request."
pub fn versions(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    let saying = |raw: Raw, version: &[u8]| {
        raw.and("Mcp-Session-Id", world.newest.id.clone()).and("MCP-Protocol-Version", version)
    };
    for version in [
        "",
        "1900-01-01",
        "2024-11-05",
        "2025-11-26",
        "2099-12-31",
        "latest",
        "2025-11-25 x",
        "2025-11-25,2025-06-18",
        "v2025-11-25",
        "2025-11-25T00:00:00Z",
        "DRAFT-2026-v1",
        "1.0",
    ] {
        for (method, raw) in
            [("POST", Raw::post(list())), ("GET", Raw::new("GET")), ("DELETE", Raw::new("DELETE"))]
        {
            let raw = saying(raw, version.as_bytes());
            let case = Case::new(
                format!("{method} with version {version:?}"),
                raw,
                Reply::Error(400, VERSION),
            );
            cases.push(case.says("supported"));
        }
    }
    let long = "9".repeat(10_000);
    cases.push(Case::new(
        "a version of 10,000 digits",
        saying(Raw::post(list()), long.as_bytes()),
        Reply::Error(400, VERSION),
    ));
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let raw = saying(Raw::post(list()), version.as_bytes());
        cases.push(Case::new(
            format!("another version that is spoken here: {version}"),
            raw,
            Reply::Result,
        ));
    }
    let bad = Reply::Error(400, INVALID);
    cases.extend([
        Case::new(
            "a version beyond ASCII",
            saying(Raw::post(list()), b"2025-11-25\xff"),
            bad.clone(),
        ),
        Case::new(
            "a version twice",
            saying(Raw::post(list()), b"2025-11-25").and("MCP-Protocol-Version", "2025-11-25"),
            bad.clone(),
        ),
        Case::new(
            "two versions",
            saying(Raw::post(list()), b"2025-11-25").and("MCP-Protocol-Version", "2025-06-18"),
            bad,
        ),
        Case::new(
            "no version in a session",
            Raw::post(list()).and("Mcp-Session-Id", world.newest.id.clone()),
            Reply::Result,
        ),
    ]);
    cases
}

/// Decision 15: JSON-RPC errors to accepted legacy calls travel with HTTP 200.
pub fn calls(world: &World) -> Vec<Case> {
    let client = &world.newest;
    let mut cases = calls_refused(client);
    cases.extend(notifications(client));
    let told = |name: &str, client: &Client, body: String| {
        Case::new(name, client.post(body), Reply::Result)
    };
    cases.extend([
        // 2025-11-25, Tools, Error Handling: what a tool refuses is a result with `isError`.
        told("a count that is none", client, call(1, "progress", json!({"count": "many"}))),
        told("a tool that fails", client, call(1, "fail", json!({}))).says(r#""isError":true"#),
        told("arguments null", client, call(1, "echo", Value::Null)),
        told("no arguments", client, request(1, "tools/call", json!({"name": "echo"}))),
        told("a cursor that is null", client, request(1, "tools/list", json!({"cursor": null}))),
        told("a log level", client, request(1, "logging/setLevel", json!({"level": "alert"}))),
        told(
            "a ping without params",
            client,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned(),
        ),
        told("an unknown key of _meta", client, request(1, "ping", json!({"_meta": {"x": [1]}}))),
    ]);
    let panics = call(1, "panic", json!({}));
    cases.push(
        Case::new("a tool that panics", client.post(panics), Reply::Error(200, -32603)).id("1"),
    );
    cases
}

fn calls_refused(client: &Client) -> Vec<Case> {
    let mut cases = Vec::new();
    let token = |token: Value| json!({"name": "echo", "_meta": {"progressToken": token}});
    for (name, method, params, code) in [
        ("no name", "tools/call", json!({}), PARAMS),
        ("a name that is null", "tools/call", json!({"name": null}), PARAMS),
        ("a name that is a number", "tools/call", json!({"name": 1}), PARAMS),
        ("a name that is an array", "tools/call", json!({"name": ["echo"]}), PARAMS),
        ("Name in place of name", "tools/call", json!({"Name": "echo"}), PARAMS),
        ("an empty name", "tools/call", json!({"name": ""}), PARAMS),
        ("an unknown tool", "tools/call", json!({"name": "nope"}), PARAMS),
        ("a tool in other case", "tools/call", json!({"name": "ECHO"}), PARAMS),
        ("a tool and a space", "tools/call", json!({"name": "echo "}), PARAMS),
        (
            "a tool of 100,000 characters",
            "tools/call",
            json!({"name": "x".repeat(100_000)}),
            PARAMS,
        ),
        ("a tool of line ends", "tools/call", json!({"name": "\r\n\r\nHTTP/1.1 200 OK"}), PARAMS),
        ("arguments an array", "tools/call", json!({"name": "echo", "arguments": []}), PARAMS),
        ("arguments a string", "tools/call", json!({"name": "echo", "arguments": "{}"}), PARAMS),
        ("arguments a number", "tools/call", json!({"name": "echo", "arguments": 0}), PARAMS),
        ("arguments true", "tools/call", json!({"name": "echo", "arguments": true}), PARAMS),
        ("a progress token null", "tools/call", token(Value::Null), PARAMS),
        ("a progress token true", "tools/call", token(json!(true)), PARAMS),
        ("a progress token 1.5", "tools/call", token(json!(1.5)), PARAMS),
        ("a progress token an object", "tools/call", token(json!({})), PARAMS),
        ("a progress token an array", "tools/call", token(json!([1])), PARAMS),
        ("a cursor of nobody's", "tools/list", json!({"cursor": "x"}), PARAMS),
        ("an empty cursor", "tools/list", json!({"cursor": ""}), PARAMS),
        ("a cursor that is a number", "tools/list", json!({"cursor": 1}), PARAMS),
        ("no log level", "logging/setLevel", json!({}), PARAMS),
        ("an unknown log level", "logging/setLevel", json!({"level": "loud"}), PARAMS),
        ("a log level in capitals", "logging/setLevel", json!({"level": "INFO"}), PARAMS),
        ("a log level that is a number", "logging/setLevel", json!({"level": 3}), PARAMS),
        ("an unknown method", "no/such", json!({}), NO_METHOD),
        ("an empty method", "", json!({}), NO_METHOD),
        ("a method in other case", "Tools/List", json!({}), NO_METHOD),
        ("a method and a space", "ping ", json!({}), NO_METHOD),
        ("a method of line ends", "\r\n\r\n", json!({}), NO_METHOD),
        ("a method of 100,000 characters", &"x".repeat(100_000), json!({}), NO_METHOD),
        ("a method of JSON-RPC's own", "rpc.discover", json!({}), NO_METHOD),
        ("a modern method", "server/discover", json!({}), NO_METHOD),
        ("a method of the server's", "sampling/createMessage", json!({}), NO_METHOD),
        ("a notification with an id", "notifications/initialized", json!({}), NO_METHOD),
        ("prompts that are not offered", "prompts/list", json!({}), NO_METHOD),
        (
            "resources that are not offered",
            "resources/read",
            json!({"uri": "file:///etc/passwd"}),
            NO_METHOD,
        ),
        ("completion that is not offered", "completion/complete", json!({}), NO_METHOD),
    ] {
        let body = request("q", method, params);
        cases.push(Case::new(name, client.post(body), Reply::Error(200, code)).id(r#""q""#));
    }
    cases
}

/// Transports, Sending Messages to the Server, 4: 202 and no body; Cancellation, Error Handling:
/// what is malformed or unknown is ignored.
fn notifications(client: &Client) -> Vec<Case> {
    let mut cases = Vec::new();
    let cancelled = "notifications/cancelled";
    for (name, method, params) in [
        ("an unknown notification", "notifications/no/such", json!({})),
        ("an empty method", "", json!({})),
        ("initialized once more", "notifications/initialized", json!({})),
        ("a call without an id", "tools/call", json!({"name": "panic"})),
        ("initialize without an id", "initialize", json!({"protocolVersion": "2025-11-25"})),
        ("the cancellation of an unknown request", cancelled, json!({"requestId": 99})),
        ("the cancellation of a huge id", cancelled, json!({"requestId": "9".repeat(100_000)})),
        ("the cancellation of nothing", cancelled, json!({})),
        ("the cancellation of null", cancelled, json!({"requestId": null})),
        ("the cancellation of an object", cancelled, json!({"requestId": {"a": 1}})),
        ("the cancellation of 1.5", cancelled, json!({"requestId": 1.5})),
        (
            "progress of an unknown token",
            "notifications/progress",
            json!({"progressToken": 1, "progress": 1}),
        ),
        ("changed roots", "notifications/roots/list_changed", json!({})),
    ] {
        cases.push(Case::new(
            format!("notification: {name}"),
            client.post(notification(method, params)),
            Reply::Accepted,
        ));
    }
    for (name, body) in [
        ("a result", r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        ("a result that is null", r#"{"jsonrpc":"2.0","id":1,"result":null}"#),
        (
            "a result with a huge id",
            r#"{"jsonrpc":"2.0","id":99999999999999999999999999,"result":{}}"#,
        ),
        ("an error", r#"{"jsonrpc":"2.0","id":"x","error":{"code":-1,"message":"no"}}"#),
        ("an error without a code", r#"{"jsonrpc":"2.0","id":"x","error":{}}"#),
    ] {
        cases.push(Case::new(
            format!("an answer that nobody waits for: {name}"),
            client.post(body),
            Reply::Accepted,
        ));
    }
    cases
}

/// Lifecycle, Initialization and Version Negotiation.
pub fn initializations(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, params) in [
        ("without params", Value::Null),
        (
            "without a version",
            json!({"capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}),
        ),
        (
            "with a version that is a number",
            json!({"protocolVersion": 20_251_125, "capabilities": {}}),
        ),
        ("with a version that is null", json!({"protocolVersion": null, "capabilities": {}})),
        (
            "with capabilities that are an array",
            json!({"protocolVersion": "2025-11-25", "capabilities": []}),
        ),
        (
            "with a clientInfo that is a string",
            json!({"protocolVersion": "2025-11-25", "clientInfo": "x"}),
        ),
        ("with ProtocolVersion", json!({"ProtocolVersion": "2025-11-25"})),
    ] {
        let mut body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize"});
        if !params.is_null() {
            body["params"] = params;
        }
        let case = Case::new(
            format!("initialize {name}"),
            Raw::post(body.to_string()),
            Reply::Error(200, PARAMS),
        );
        cases.push(case.id("1").no_header("mcp-session-id"));
    }
    for version in ["2025-11-25", "2026-07-28", "2024-11-05", "", "latest", "2025-06-18 "] {
        let case = Case::new(
            format!("initialize with version {version:?}"),
            Raw::post(initialize(version)),
            Reply::Result,
        );
        cases.push(case.says(r#""protocolVersion":"2025-11-25""#).opens_session());
    }
    let raw = || Raw::post(initialize("2025-06-18"));
    let opened = |name: &str, raw| {
        Case::new(name, raw, Reply::Result)
            .says(r#""protocolVersion":"2025-06-18""#)
            .opens_session()
    };
    cases.extend([
        opened("initialize with an unknown session id", raw().and("Mcp-Session-Id", "evil")),
        opened("initialize in a session", world.newest.with_session(raw())),
        opened("initialize with an unknown version header", raw().and("MCP-Protocol-Version", "x")),
        opened(
            "initialize with the modern version header",
            raw().and("MCP-Protocol-Version", "2026-07-28"),
        ),
        Case::new(
            "initialize in a batch",
            Raw::post(format!("[{}]", initialize("2025-03-26"))),
            Reply::Error(400, INVALID),
        ),
        Case::new(
            "initialize for a stream alone",
            raw().with("Accept", "text/event-stream"),
            Reply::Stream,
        )
        .opens_session(),
    ]);
    cases
}

/// 2025-03-26, Base Protocol, Batching; 2025-06-18, Key Changes, 1: batches were removed.
pub fn batches(world: &World) -> Vec<Case> {
    let client = &world.oldest;
    let ping = request(1, "ping", json!({}));
    let note = notification("notifications/x", json!({}));
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let of = |items: &[&str]| format!("[{}]", items.join(","));
    let told = |name: &str, body: String, codes: &[Option<i64>]| {
        Case::new(format!("batch: {name}"), client.post(body), Reply::Array(codes.to_vec()))
    };
    let refused = |name: &str, raw: Raw, code| {
        Case::new(format!("batch: {name}"), raw, Reply::Error(400, code))
    };
    let modern = {
        let meta = meta();
        format!(r#"[{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{meta}}}}}]"#)
    };
    let deep = format!("[{}{}]", "[".repeat(127), "]".repeat(127));
    vec![
        told("one request", of(&[&ping]), &[None]),
        // JSON-RPC 2.0, section 6, the examples of an invalid batch.
        told("one number", "[1]".to_owned(), &[Some(INVALID)]),
        told("three numbers", "[1,2,3]".to_owned(), &[Some(INVALID), Some(INVALID), Some(INVALID)]),
        told("a batch in a batch", format!("[[{ping}]]"), &[Some(INVALID)]),
        told(
            "good and bad",
            of(&[&ping, "null", &note, "{}", &ping]),
            &[None, None, Some(INVALID), Some(INVALID)],
        ),
        told("the same id twice", of(&[&ping, &ping]), &[None, None]),
        told("an unknown method", of(&[&request(1, "no/such", json!({}))]), &[Some(NO_METHOD)]),
        told(
            "params that are an array",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}]"#.to_owned(),
            &[Some(PARAMS)],
        ),
        told("initialize", of(&[&initialize("2025-03-26"), &ping]), &[Some(INVALID), None]),
        told("128 deep", deep, &[Some(INVALID)]),
        told("64 requests", of(&[&*ping; 64]), &[None; 64]),
        refused("65 requests", client.post(of(&[&*ping; 65])), INVALID),
        refused("100,000 numbers", client.post(of(&["1"; 100_000])), INVALID),
        refused("none", client.post("[]"), INVALID),
        refused("in 2025-06-18", world.middle.post(of(&[&ping])), INVALID),
        refused("in 2025-11-25", world.newest.post(of(&[&ping])), INVALID),
        refused("of notifications in 2025-11-25", world.newest.post(of(&[&note])), INVALID),
        refused(
            "in 2025-11-25 that says 2025-03-26",
            {
                let raw = Raw::post(of(&[&ping])).and("Mcp-Session-Id", world.newest.id.clone());
                raw.and("MCP-Protocol-Version", "2025-03-26")
            },
            INVALID,
        ),
        refused(
            "modern by its header",
            Raw::post(of(&[&ping])).and("MCP-Protocol-Version", "2026-07-28"),
            INVALID,
        ),
        refused("modern by its _meta", Raw::post(modern), INVALID),
        Case::new("batch: notifications", client.post(of(&[&note, &note])), Reply::Accepted),
        Case::new("batch: responses", client.post(of(&[response, response])), Reply::Accepted),
        Case::new(
            "batch: a notification and a response",
            client.post(of(&[&note, response])),
            Reply::Accepted,
        ),
    ]
}

/// Decision 5: no 400 or 409 that would break clients. 2025-11-25, Transports, Resumability and
/// Redelivery, 2: the server MAY use the header.
pub fn resumptions(world: &World) -> Vec<Case> {
    let from = |id: &[u8]| {
        world
            .newest
            .with_session(Raw::new("GET"))
            .and("Accept", "text/event-stream")
            .and("Last-Event-ID", id)
    };
    let mut cases = Vec::new();
    for id in [
        &b""[..],
        b"0",
        b"1",
        b"-1",
        b"abc",
        b"0-0",
        b"0-1",
        b"0--1",
        b"-1-0",
        b"1-1",
        b"7-3",
        b"01-1",
        b"+1-1",
        b"1-1-1",
        b"0-18446744073709551615",
        b"18446744073709551615-18446744073709551615",
        b"99999999999999999999-1",
        b"1e3-1",
        b"0x1-1",
        b"1_1",
        b"\xff",
        b"../../etc/passwd",
        b"'; DROP TABLE events; --",
    ] {
        let name = format!("Last-Event-ID {:?}", String::from_utf8_lossy(id));
        cases.push(Case::new(name, from(id), Reply::Stream).no_header("mcp-session-id"));
    }
    cases.extend([
        Case::new("Last-Event-ID of 16 KiB", from(&b"9".repeat(16 * 1024)), Reply::Stream),
        Case::new("Last-Event-ID twice", from(b"0-1").and("Last-Event-ID", "0-2"), Reply::Stream),
        Case::new(
            "Last-Event-ID on a POST",
            world.newest.post(list()).and("Last-Event-ID", "x"),
            Reply::Result,
        ),
        Case::new(
            "Last-Event-ID without a session",
            Raw::new("GET").and("Last-Event-ID", "0-1"),
            Reply::Error(400, INVALID),
        ),
        Case::new(
            "Last-Event-ID in an ended session",
            world.ended.with_session(Raw::new("GET")).and("Last-Event-ID", "0-1"),
            Reply::Error(404, INVALID),
        ),
        Case::new(
            "GET with a body",
            world.newest.with_session(Raw::new("GET")).body("{}"),
            Reply::Stream,
        ),
    ]);
    cases
}
