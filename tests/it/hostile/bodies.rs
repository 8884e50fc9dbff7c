//! Bodies that are no JSON-RPC message, and messages that only look wrong.
//!
//! JSON-RPC 2.0, sections 4 to 6; RFC 8259; 2025-11-25 and 2026-07-28, Base Protocol, Messages.

use serde_json::json;

use super::World;
use super::case::{Case, Raw, Reply, meta};

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;
const PARAMS: i64 = -32602;

/// The id that a refusal must name, if there is one that could be read.
type Id = Option<&'static str>;

/// Every malformation, posted in each era: the door reads the body before it knows the era.
pub fn malformed(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, body, code, id) in texts().into_iter().chain(structures()) {
        let legacy = world.newest.post(body.clone());
        let modern = Raw::post(body)
            .and("MCP-Protocol-Version", "2026-07-28")
            .and("Mcp-Method", "tools/list");
        for (era, request) in [("legacy", legacy), ("modern", modern)] {
            let case = Case::new(format!("{era}: {name}"), request, Reply::Error(400, code));
            cases.push(match id {
                Some(id) => case.id(id),
                None => case,
            });
        }
    }
    cases
}

/// What is no JSON, or no JSON that this server takes: -32700.
fn texts() -> Vec<(String, Vec<u8>, i64, Id)> {
    let good = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let with = |member: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping",{member}}}"#);
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let in_string = |bytes: &[u8]| {
        [&br#"{"jsonrpc":"2.0","id":1,"method":"pi"#[..], bytes, br#"ng"}"#].concat()
    };
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("an empty body", b"".into()),
        ("white space alone", b" \r\n\t ".into()),
        ("a brace alone", b"{".into()),
        ("a closing brace alone", b"}".into()),
        ("half a message", good.as_bytes()[..25].into()),
        ("a word", b"nonsense".into()),
        ("a form", b"jsonrpc=2.0&id=1&method=ping".into()),
        ("XML", b"<?xml version=\"1.0\"?><methodCall/>".into()),
        ("trailing garbage", format!("{good} x").into()),
        ("two messages", format!("{good}{good}").into()),
        ("a message a line", format!("{good}\n{good}\n").into()),
        ("a NUL after the message", format!("{good}\0").into()),
        ("a NUL before the message", format!("\0{good}").into()),
        ("a byte order mark", format!("\u{feff}{good}").into()),
        ("UTF-16", utf16),
        ("a comma too many", with(r#""params":{},"#).into()),
        ("a comma too few", r#"{"jsonrpc":"2.0" "id":1,"method":"ping"}"#.into()),
        ("a colon too few", r#"{"jsonrpc" "2.0","id":1,"method":"ping"}"#.into()),
        ("single quotes", b"{'jsonrpc':'2.0','id':1,'method':'ping'}".into()),
        ("keys without quotes", b"{jsonrpc:\"2.0\",id:1,method:\"ping\"}".into()),
        ("a comment", format!("/* hi */ {good}").into()),
        ("NaN", with(r#""x":NaN"#).into()),
        ("Infinity", with(r#""x":-Infinity"#).into()),
        ("a leading zero", r#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#.into()),
        ("a leading plus", r#"{"jsonrpc":"2.0","id":+1,"method":"ping"}"#.into()),
        ("a hexadecimal number", r#"{"jsonrpc":"2.0","id":0x1,"method":"ping"}"#.into()),
        ("a number that ends in a dot", with(r#""x":1."#).into()),
        ("True", with(r#""x":True"#).into()),
        ("a raw line feed in a string", in_string(b"\n")),
        ("a raw carriage return in a string", in_string(b"\r")),
        ("a raw tab in a string", in_string(b"\t")),
        ("a raw NUL in a string", in_string(b"\0")),
        ("a raw escape character in a string", in_string(b"\x1b")),
        ("an escape that is none", in_string(br"\x")),
        ("half an escape", in_string(br"\u00")),
        ("a string that does not end", br#"{"jsonrpc":"2.0","id":1,"method":"ping}"#.into()),
        ("invalid UTF-8", in_string(b"\xff")),
        ("UTF-8 cut short", in_string(b"\xe4\xb8")),
        ("overlong UTF-8", in_string(b"\xc0\xaf")),
        ("a surrogate in UTF-8", in_string(b"\xed\xa0\x80")),
        (
            "invalid UTF-8 in an ignored member",
            [&b"{\"\xff\":1,"[..], &good.as_bytes()[1..]].concat(),
        ),
        ("half a surrogate pair as a key", with(r#""\ud800":1"#).into()),
        ("half a surrogate pair as a key of params", with(r#""params":{"\udc00":1}"#).into()),
        ("a batch that does not end", format!("[{good}").into()),
        ("a batch with a comma too many", format!("[{good},]").into()),
        ("a batch and more", format!("[{good}] {good}").into()),
    ];
    let parse = |(name, body): (&str, Vec<u8>)| (name.to_owned(), body, PARSE, None);
    texts.into_iter().map(parse).chain(nested()).collect()
}

/// FACTS, traps of the parts: "`RawValue` and ignored fields accept a nesting of 100,000".
fn nested() -> Vec<(String, Vec<u8>, i64, Id)> {
    let mut cases = Vec::new();
    for (what, open, close) in [("arrays", "[", "]"), ("objects", r#"{"a":"#, "}")] {
        for (place, before, after, outer) in [
            ("arguments", r#""params":{"name":"echo","arguments":"#, "}", 2),
            ("_meta", r#""params":{"_meta":{"x":"#, "}}", 3),
            ("an ignored member", r#""x":"#, "", 1),
            ("the result of a response", r#""result":"#, "", 1),
        ] {
            for depth in [129, 100_000] {
                let depth_here = depth - outer;
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call",{before}{}1{}{after}}}"#,
                    open.repeat(depth_here),
                    close.repeat(depth_here)
                );
                let name = format!("{depth} {what} deep in {place}");
                cases.push((name, body.into_bytes(), PARSE, None));
            }
        }
        cases.push((
            format!("100,000 {what} that do not end"),
            open.repeat(100_000).into(),
            PARSE,
            None,
        ));
    }
    let closing = "]".repeat(100_000);
    cases.push(("100,000 closing brackets".to_owned(), closing.into(), PARSE, None));
    cases
}

/// JSON that is no message: -32600; a message whose params are no object: -32602.
fn structures() -> Vec<(String, Vec<u8>, i64, Id)> {
    let structures: Vec<(&str, &str, i64, Id)> = vec![
        ("null", "null", INVALID, None),
        ("true", "true", INVALID, None),
        ("a number", "42", INVALID, None),
        ("a huge number", "1e308", INVALID, None),
        ("a string", r#""ping""#, INVALID, None),
        ("an empty object", "{}", INVALID, None),
        ("an empty batch", "[]", INVALID, None),
        ("no jsonrpc", r#"{"id":1,"method":"ping"}"#, INVALID, Some("1")),
        ("jsonrpc 1.0", r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, INVALID, Some("1")),
        ("jsonrpc as a number", r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, INVALID, Some("1")),
        ("jsonrpc null", r#"{"jsonrpc":null,"id":"a","method":"ping"}"#, INVALID, Some(r#""a""#)),
        (
            "jsonrpc 2.0 and a space",
            r#"{"jsonrpc":"2.0 ","id":1,"method":"ping"}"#,
            INVALID,
            Some("1"),
        ),
        ("id null", r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, INVALID, None),
        ("id a fraction", r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, INVALID, None),
        (
            "id a whole number with a fraction",
            r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#,
            INVALID,
            None,
        ),
        ("id with an exponent", r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, INVALID, None),
        ("id true", r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, INVALID, None),
        ("id an object", r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, INVALID, None),
        ("id an array", r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, INVALID, None),
        (
            "id half a surrogate pair",
            r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
            INVALID,
            None,
        ),
        ("id alone", r#"{"jsonrpc":"2.0","id":1}"#, INVALID, Some("1")),
        ("method null", r#"{"jsonrpc":"2.0","id":1,"method":null}"#, INVALID, Some("1")),
        ("method a number", r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID, Some("1")),
        ("method an array", r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#, INVALID, Some("1")),
        (
            "method half a surrogate pair",
            r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#,
            INVALID,
            Some("1"),
        ),
        ("id twice", r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"ping"}"#, INVALID, None),
        (
            "id twice, once escaped",
            r#"{"jsonrpc":"2.0","id":1,"i\u0064":2,"method":"ping"}"#,
            INVALID,
            None,
        ),
        (
            "jsonrpc twice",
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
            INVALID,
            Some("1"),
        ),
        (
            "method twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#,
            INVALID,
            Some("1"),
        ),
        (
            "params twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}"#,
            INVALID,
            Some("1"),
        ),
        (
            "name twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"fail"}}"#,
            INVALID,
            Some("1"),
        ),
        (
            "_meta twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{},"_meta":{}}}"#,
            INVALID,
            Some("1"),
        ),
        (
            "progressToken twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":1,"progressToken":2}}}"#,
            INVALID,
            Some("1"),
        ),
        (
            "params an array",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "params null",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "params a number",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":3}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "params a string",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"{}"}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "params true",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":true}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "_meta an array",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":[]}}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "_meta null",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":null}}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "_meta a string",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":"x"}}"#,
            PARAMS,
            Some("1"),
        ),
        (
            "a notification whose params are null",
            r#"{"jsonrpc":"2.0","method":"n","params":null}"#,
            PARAMS,
            None,
        ),
        (
            "a request with a result",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            INVALID,
            Some("1"),
        ),
        (
            "a request with an error",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#,
            INVALID,
            Some("1"),
        ),
        (
            "a response with both",
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            INVALID,
            Some("1"),
        ),
        ("a result without an id", r#"{"jsonrpc":"2.0","result":{}}"#, INVALID, None),
        (
            "an error without an id",
            r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#,
            INVALID,
            None,
        ),
        (
            "an error whose id is null",
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#,
            INVALID,
            None,
        ),
        (
            "an error that is a string",
            r#"{"jsonrpc":"2.0","id":1,"error":"x"}"#,
            INVALID,
            Some("1"),
        ),
    ];
    structures
        .into_iter()
        .map(|(name, body, code, id)| (name.to_owned(), body.into(), code, id))
        .collect()
}

/// Messages that are unusual and right.
pub fn unusual(world: &World) -> Vec<Case> {
    let call = |id: &str, more: &str| {
        let meta = meta();
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo",{more}"_meta":{meta}}}}}"#
        );
        Raw::modern("tools/call", json!({"name": "echo"})).body(body)
    };
    let mut cases = Vec::new();
    let digits = "7".repeat(30);
    let long_number = format!("-{}", "9".repeat(5_000));
    let long_string = format!(r#""{}""#, "a".repeat(10_000));
    for (name, id) in [
        ("an id of zero", "0"),
        ("an id of minus zero", "-0"),
        ("an id of 30 digits", &digits),
        ("an id of 5,000 digits", &long_number),
        ("an empty string as the id", r#""""#),
        ("an id of 10,000 characters", &long_string),
        ("an id with escapes", r#""\u0061\n\"\\\/""#),
        ("an id beyond ASCII", r#""☃ 𝄞""#),
        ("an id of a surrogate pair", r#""\ud834\udd1e""#),
        ("an id with a NUL", r#""\u0000""#),
    ] {
        cases.push(Case::new(name, call(id, ""), Reply::Result).id(id));
    }
    let deep = |open: &str, close: &str| {
        // The envelope and its params are two levels.
        let arguments = format!(r#"{{"a":{}1{}}}"#, open.repeat(125), close.repeat(125));
        call("1", &format!(r#""arguments":{arguments},"#))
    };
    let spaced = " \r\n\t{ \"jsonrpc\" :\n\"2.0\", \"id\":1 ,\"method\":\"ping\" }\r\n";
    let brackets = format!(r#""arguments":{{"a":"{}"}},"#, "[{".repeat(100_000));
    let members: String = (0..5_000).map(|n| format!(r#""k{n}":{n},"#)).collect();
    cases.extend([
        Case::new("128 arrays deep", deep("[", "]"), Reply::Result),
        Case::new("128 objects deep", deep(r#"{"a":"#, "}"), Reply::Result),
        Case::new("brackets in a string", call("1", &brackets), Reply::Result),
        Case::new("5,000 members of params", call("1", &members), Reply::Result),
        Case::new(
            "a key of arguments twice",
            call("1", r#""arguments":{"a":1,"a":2},"#),
            Reply::Result,
        ),
        Case::new(
            "half a surrogate pair in arguments",
            call("1", r#""arguments":{"a":"\ud800"},"#),
            Reply::Result,
        ),
        Case::new(
            "escaped line ends in arguments",
            call("1", r#""arguments":{"a":"\r\n\r\ndata: x"},"#),
            Reply::Result,
        ),
        Case::new(
            "keys of prototypes",
            call("1", r#""__proto__":{},"constructor":1,"#),
            Reply::Result,
        ),
        Case::new("white space between all tokens", world.newest.post(spaced), Reply::Result),
        Case::new(
            "an escaped key and method",
            world.newest.post(r#"{"jsonrpc":"2.\u0030","i\u0064":1,"method":"p\u0069ng"}"#),
            Reply::Result,
        )
        .id("1"),
        Case::new(
            "members that no one knows",
            world.newest.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":[{}],"":null}"#),
            Reply::Result,
        ),
    ]);
    cases
}
