use super::*;
use crate::protocol::jsonrpc::{CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL, PROTOCOL_VERSION};

fn one(body: &str) -> Result<Message<'_>, Invalid> {
    match parse(body.as_bytes(), ParseLimits::default())? {
        Parsed::Single(message) => Ok(message),
        Parsed::Batch(_) => panic!("a batch"),
    }
}

fn request(body: &str) -> Request<'_> {
    match one(body) {
        Ok(Message::Request(request)) => request,
        other => panic!("no request: {other:?}"),
    }
}

fn code(body: &[u8]) -> i32 {
    parse(body, ParseLimits::default()).expect_err("is refused").code.as_i32()
}

#[test]
fn a_request_is_borrowed_and_its_params_stay_raw() {
    let request = request(
        r#" {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x": [1, 2]}}} "#,
    );
    assert!(matches!(request.method, Cow::Borrowed("tools/call")));
    assert_eq!(request.id.as_json(), "1");
    assert_eq!(request.params.get("arguments").unwrap().get(), r#"{"x": [1, 2]}"#);
    assert!(matches!(request.params.get_str("name"), Some(Cow::Borrowed("a"))));
    assert!(request.params.get("Name").is_none());
}

#[test]
fn escaped_keys_and_values_mean_what_they_say() {
    let request = request(
        r#"{"jsonrpc":"2.\u0030","i\u0064":"x","method":"a\/b","params":{"n\u0061me":"\u0041"}}"#,
    );
    assert_eq!(request.method, "a/b");
    assert_eq!(request.params.get_str("name").unwrap(), "A");
}

#[test]
fn the_protocols_part_of_meta_is_picked_out() {
    let request = request(
        r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":7,"x":{},
            "io.modelcontextprotocol/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/clientCapabilities":{},
            "io.modelcontextprotocol/clientInfo":{"name":"c"},
            "io.modelcontextprotocol/logLevel":"info"}}}"#,
    );
    let meta = request.params.meta();
    assert_eq!(meta.progress_token().unwrap().unwrap().get(), "7");
    assert_eq!(meta.protocol_version.unwrap().get(), r#""2026-07-28""#);
    assert_eq!(meta.client_capabilities.unwrap().get(), "{}");
    assert_eq!(meta.client_info.unwrap().get(), r#"{"name":"c"}"#);
    assert_eq!(meta.log_level.unwrap().get(), r#""info""#);
}

/// A key, its quotes and its colon: as most clients write them, and as JSON allows besides.
fn writings(key: &str) -> [String; 4] {
    let escaped = format!("\\u{:04x}{}", key.as_bytes()[0], &key[1..]);
    [
        format!("\"{key}\":"),
        format!("\"{key}\" :"),
        format!("\n\"{key}\"\n: "),
        format!("\"{escaped}\":"),
    ]
}

/// 2025-11-25, Base Protocol, and RFC 8259, section 7: what a key says counts, not how.
#[test]
fn a_key_is_known_however_it_is_written_and_no_other_is() {
    for writing in 0..4 {
        let key = |key: &str| writings(key)[writing].clone();
        let body = format!(
            r#"{{{}"2.0",{}1,{}"m",{}{{{}"n",{}[],{}{{{}7,{}"v",{}{{}},{}{{"a":1}},{}"info"}}}}}}"#,
            key("jsonrpc"),
            key("id"),
            key("method"),
            key("params"),
            key("name"),
            key("arguments"),
            key("_meta"),
            key("progressToken"),
            key(PROTOCOL_VERSION),
            key(CLIENT_INFO),
            key(CLIENT_CAPABILITIES),
            key(LOG_LEVEL),
        );
        let request = request(&body);
        let meta = request.params.meta();
        assert_eq!((request.id.as_json(), &*request.method), ("1", "m"), "{body}");
        assert_eq!(request.params.get_str("name").as_deref(), Some("n"), "{body}");
        assert_eq!(request.params.get("arguments").map(Raw::get), Some("[]"), "{body}");
        assert!(request.params.get("_meta").is_none());
        assert_eq!(meta.progress_token().unwrap().map(Raw::get), Some("7"), "{body}");
        assert_eq!(meta.protocol_version.map(Raw::get), Some(r#""v""#), "{body}");
        assert_eq!(meta.client_info.map(Raw::get), Some("{}"), "{body}");
        assert_eq!(meta.client_capabilities.map(Raw::get), Some(r#"{"a":1}"#), "{body}");
        assert_eq!(meta.log_level.map(Raw::get), Some(r#""info""#), "{body}");
        for outcome in ["result", "error"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,{}{{}}}}"#, key(outcome));
            assert!(matches!(one(&body), Ok(Message::Response(_))), "{body}");
        }
    }
    for other in ["Method", "methods", "metho", "method ", " method", "m\\u0065thods"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"{other}":"m"}}"#);
        assert_eq!(one(&body).unwrap_err().message, "`method` is missing", "{other}");
    }
}

/// The first two are kept elsewhere than the others, and so are those behind an escaped key.
#[test]
fn members_are_found_and_doubled_wherever_they_stand() {
    const KEYS: [&str; 4] = ["name", "b", "arguments", "d"];
    // Up to five members, each with one of the keys, plain or escaped.
    let choices = (2..=5).flat_map(|count| (0..8_usize.pow(count)).map(move |it| (count, it)));
    for (count, choice) in choices {
        let members = (0..count).map(|place| {
            let choice = choice / 8_usize.pow(place) % 8;
            (KEYS[choice / 2], writings(KEYS[choice / 2])[3 * (choice % 2)].clone())
        });
        let members: Vec<_> = members.collect();
        let written = members.iter().enumerate().map(|(at, (_, key))| format!("{key}{at}"));
        let written = written.collect::<Vec<_>>().join(",");
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{{written}}}}}"#);
        let twice =
            (1..members.len()).find(|&at| members[..at].iter().any(|it| it.0 == members[at].0));
        match (twice, one(&body)) {
            (Some(at), Err(invalid)) => {
                let expected = format!("`{}` stands twice in params", members[at].0);
                assert_eq!(invalid.message, expected, "{body}");
            }
            (None, Ok(Message::Request(request))) => {
                for key in KEYS {
                    let at = members.iter().position(|it| it.0 == key).map(|at| at.to_string());
                    assert_eq!(request.params.get(key).map(Raw::get), at.as_deref(), "{body}");
                }
            }
            (twice, parsed) => panic!("{twice:?} {parsed:?} {body}"),
        }
    }
}

#[test]
fn notifications_and_responses_are_told_apart() {
    assert!(matches!(one(r#"{"jsonrpc":"2.0","method":"n"}"#), Ok(Message::Notification(_))));
    let Ok(Message::Response(response)) = one(r#"{"jsonrpc":"2.0","id":"a","result":{}}"#) else {
        panic!("a response")
    };
    assert_eq!((response.id.as_json(), response.outcome.unwrap().get()), ("\"a\"", "{}"));
    let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#;
    let Ok(Message::Response(response)) = one(error) else { panic!("a response") };
    assert!(response.outcome.is_err());
}

/// 2025-11-25, Base Protocol, Messages; JSON-RPC 2.0, sections 4, 5 and 5.1. CVE-2025-53366
/// (crash on malformed input), CVE-2026-27896 (keys in other case are other keys).
#[test]
fn each_kind_of_malformed_body_has_its_code() {
    let cases: &[(&[u8], i32)] = &[
        (b"", -32700),
        (b"  \n", -32700),
        (b"{", -32700),
        (b"nonsense", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"} x", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}{}", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",}", -32700),
        (b"{'jsonrpc':'2.0'}", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700),
        (b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"m\"}", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":NaN,\"method\":\"m\"}", -32700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\nb\"}", -32700),
        (b"null", -32600),
        (b"true", -32600),
        (b"1", -32600),
        (b"-1.5", -32600),
        (b"\"x\"", -32600),
        (b"{}", -32600),
        (b"[]", -32600),
        (b"{\"id\":1,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":null}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"Method\":\"m\"}", -32600),
        (b"{\"JSONRPC\":\"2.0\",\"id\":1,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"method\":\"m\"}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{},\"params\":{}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"a\":1,\"a\":2}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{},\"_meta\":{}}}", -32600),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{\"progressToken\":1,\"progressToken\":2}}}",
            -32600,
        ),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1,{}]}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":3}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":-3}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":0.5}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":true}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":\"x\"}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":[]}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":[1,{}]}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":null}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":1}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":-1}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":1.5}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":\"x\"}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":true}}", -32602),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"result\":{}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"error\":{}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"result\":{}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"error\":{}}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":7}", -32600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}", -32600),
    ];
    for (body, expected) in cases {
        assert_eq!(code(body), *expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_refusal_says_which_rule_was_broken() {
    for body in ["null", "true", "7", "-7", "-1.5", r#""x""#] {
        let refused = one(body).expect_err("is refused");
        assert_eq!(refused.message, "a message must be a JSON object", "{body}");
    }
    for (body, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"m"}"#, "`id` stands twice"),
        (r#"{"id":1,"method":"m"}"#, "`jsonrpc` must be \"2.0\""),
        (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, "`id` must not be null"),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#, "`id` must be a string or an integer"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "`method` must be a string"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#,
            "a request has no `result` and no `error`",
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            "a response has a `result` or an `error`, not both",
        ),
        (r#"{"jsonrpc":"2.0","id":1}"#, "`method` is missing"),
        (r#"{"jsonrpc":"2.0","result":{}}"#, "a response must have an `id`"),
        (r#"{"jsonrpc":"2.0","id":1,"error":7}"#, "`error` must be an object"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"a":2}}"#,
            "`a` stands twice in params",
        ),
    ] {
        assert_eq!(one(body).expect_err("is refused").message, expected, "{body}");
    }
}

#[test]
fn a_refusal_names_the_id_wherever_one_could_be_read() {
    let id = |body: &str| one(body).expect_err("is refused").id.map(|id| id.to_string());
    assert_eq!(id(r#"{"jsonrpc":"1.0","method":"m","id":7}"#).as_deref(), Some("7"));
    assert_eq!(
        id(r#"{"jsonrpc":"2.0","params":[],"method":"m","id":"x"}"#).as_deref(),
        Some("\"x\"")
    );
    assert_eq!(id(r#"{"jsonrpc":"2.0","method":"m","id":1,"id":2}"#), None);
    assert_eq!(id(r#"{"jsonrpc":"2.0","method":"m","id":null}"#), None);
    assert_eq!(id(r#"{"jsonrpc":"2.0","method":"#), None);
}

/// FACTS, traps of the parts: "`RawValue` and ignored fields accept a nesting of 100,000".
#[test]
fn nesting_is_limited_before_anything_recurses() {
    let nested = |open: &str, depth: usize, close: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":{}1{}}}}}"#,
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    // The envelope and its params are two levels.
    assert!(one(&nested("[", 126, "]")).is_ok());
    assert_eq!(code(nested("[", 127, "]").as_bytes()), -32700);
    assert!(one(&nested(r#"{"a":"#, 126, "}")).is_ok());
    assert_eq!(code(nested(r#"{"a":"#, 127, "}").as_bytes()), -32700);
    assert_eq!(code("[".repeat(100_000).as_bytes()), -32700);
    // In an ignored member as well.
    let ignored = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","x":{}}}"#, "[".repeat(100_000));
    assert_eq!(code(ignored.as_bytes()), -32700);
}

/// The count of brackets is only a short cut: what it lets through or not, depth decides.
#[test]
fn depth_is_judged_and_not_the_number_of_brackets() {
    let limits = ParseLimits { depth: 2, ..ParseLimits::default() };
    let beside = br#"{"jsonrpc":"2.0","method":"m","x":[],"y":[],"params":{}}"#;
    assert!(parse(beside, limits).is_ok());
    // An escape in a string hides nothing of what follows.
    assert_eq!(
        parse(br#"{"a long key\n":[[[]]]}"#, limits).expect_err("too deep").code.as_i32(),
        -32700
    );
    // Even where nothing but brackets stands, which is no JSON either.
    for deep in [&b"[[["[..], b"{{{"] {
        let refused = parse(deep, limits).expect_err("too deep");
        assert_eq!(refused.message, "the body is nested deeper than 2 levels");
    }
}

#[test]
fn brackets_in_strings_and_side_by_side_are_no_nesting() {
    let strings = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":"{}","b":"\\\"{}\""}}}}"#,
        "[".repeat(1_000),
        "{".repeat(1_000)
    );
    assert!(one(&strings).is_ok());
    let wide = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":[{}0]}}}}"#,
        "[],{},".repeat(1_000)
    );
    assert!(one(&wide).is_ok());
}

#[test]
fn a_batch_is_judged_message_by_message() {
    let body =
        br#"[{"jsonrpc":"2.0","id":1,"method":"a"}, [7, 8], {"jsonrpc":"2.0","method":"b"}]"#;
    let Ok(Parsed::Batch(items)) = parse(body, ParseLimits::default()) else { panic!("a batch") };
    assert!(matches!(items[0], Ok(Message::Request(_))));
    assert_eq!(items[1].as_ref().expect_err("no message").code, ErrorCode::InvalidRequest);
    assert!(matches!(items[2], Ok(Message::Notification(_))));
}

#[test]
fn a_batch_has_a_limit_and_is_not_empty() {
    let limits = ParseLimits { batch: 2, ..ParseLimits::default() };
    let batch = |count: usize| {
        let items = vec![r#"{"jsonrpc":"2.0","method":"n"}"#; count];
        format!("[{}]", items.join(","))
    };
    assert!(parse(batch(2).as_bytes(), limits).is_ok());
    for count in [3, 4, 100] {
        let refused = parse(batch(count).as_bytes(), limits).expect_err("too many");
        assert_eq!(refused.code, ErrorCode::InvalidRequest);
        assert!(refused.message.contains("more than 2"), "{}", refused.message);
    }
    assert_eq!(parse(b"[]", limits).expect_err("empty").message, "the batch is empty");
    assert_eq!(parse(b"[1,2,3", limits).expect_err("cut").code, ErrorCode::ParseError);
    assert_eq!(parse(b"[1] 2", limits).expect_err("trailing").code, ErrorCode::ParseError);
}

#[test]
fn many_members_are_checked_for_duplicates_too() {
    let members = |last: &str| {
        let mut members: Vec<String> = (0..20).map(|n| format!(r#""k{n}":{n}"#)).collect();
        members.push(format!(r#""{last}":0"#));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{{}}}}}"#, members.join(","))
    };
    assert!(one(&members("other")).is_ok());
    let refused = members("k3");
    assert!(one(&refused).expect_err("a duplicate").message.contains("`k3`"));
}

/// The scanner finds the messages, serde_json names the faults: they must be of one mind.
#[test]
fn a_body_is_no_json_if_serde_json_says_so_and_the_refusal_says_it_in_its_words() {
    let mut refused = 0;
    mutated(20_000, |text| {
        if text.trim_ascii().is_empty() {
            return;
        }
        let parsed = parse(text.as_bytes(), ParseLimits::default());
        let said = parsed.err().filter(|invalid| invalid.code == ErrorCode::ParseError);
        let fault = strict::fault(text).map(|fault| format!("the body is not valid JSON: {fault}"));
        refused += usize::from(fault.is_some());
        assert_eq!(said.map(|invalid| invalid.message.into_owned()), fault, "{text}");
    });
    assert!((4_000..16_000).contains(&refused), "{refused}");
}

#[test]
fn what_only_reading_finds_is_found_where_something_is_read() {
    let message = |body: &str| one(body).expect_err("is refused").message.into_owned();
    for (body, expected) in [
        (r#""\ud800""#, "unexpected end of hex escape at line 1 column 8"),
        (r#"{"\ud800":1}"#, "unexpected end of hex escape at line 1 column 9"),
        ("1e999", "number out of range at line 1 column 5"),
        (r#"{"params":-1e999}"#, "number out of range at line 1 column 16"),
        (r#"{"params":{"_meta":1e999}}"#, "number out of range at line 1 column 24"),
        (r#"{"params":"\udc00"}"#, "lone leading surrogate in hex escape at line 1 column 17"),
        (r#"{"params":{"\udc00":1}}"#, "lone leading surrogate in hex escape at line 1 column 18"),
        (
            r#"{"params":{"_meta":{"\udc00":1}}}"#,
            "lone leading surrogate in hex escape at line 1 column 27",
        ),
    ] {
        assert_eq!(message(body), format!("the body is not valid JSON: {expected}"), "{body}");
    }
    // What is skipped may hold it: nothing is made of it here.
    for skipped in [r#""\ud800""#, "1e999", r#"{"\ud800":[1e999]}"#] {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"m","x":{skipped},"params":{{"a":{skipped},"_meta":{{"b":{skipped}}}}}}}"#
        );
        assert!(one(&body).is_ok(), "{body}");
    }
}

/// Calls `with` with messages, batches and other texts, most of them changed in a few places: the
/// same in each run.
pub(crate) fn mutated(count: usize, mut with: impl FnMut(&str)) {
    #[rustfmt::skip]
    const SEEDS: [&str; 6] = [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1,-2.5e+3]}}}"#,
        r#" {"params" : { "_meta" : {"progressToken":"a\n","x":[{},[]]},"uri":"file:\/\/\u00e9"} , "method":"m","id":"\u0031","jsonrpc":"2.0"} "#,
        r#"[{"jsonrpc":"2.0","id":0,"result":{"a":true,"b":[false,null,0.10]}},{"jsonrpc":"2.0","method":"n"}]"#,
        r#"{"a":{"b":{"c":[[[{"d":"\ud83d\ude00 a string that is a little longer \\"}]]]}}}"#,
        r#"{"long":"0123456789012345678901234567890123456789012345678901234567890123456789é","n":[0,10,1e1,1E-1]}"#,
        r#"{"params":"x","error":{"code":-32600,"message":"\"\/\b\f"}}"#,
    ];
    #[rustfmt::skip]
    const PIECES: [&str; 40] = [
        "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "0", "1", "-", "+", ".", "e", "E", "\\u", "\\ud800",
        "\\n", "null", "true", "false", "{}", "[]", "\"\"", "\"a\":", "é", "😀", "\0", "\u{1f}", "\t", "1e999",
        "\"_meta\":", "\"params\":", "x", "/", "'", "\u{feff}", ",\"a\":1",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).expect("below a usize")
    };
    for _ in 0..count {
        let mut text = SEEDS[below(SEEDS.len())].to_owned();
        for _ in 0..below(4) {
            let from = text.floor_char_boundary(below(text.len() + 1));
            let to = text.ceil_char_boundary(text.len().min(from + below(4)));
            match below(8) {
                0 => text.truncate(from),
                1 => text = [&text[..to], &text[from..]].concat(),
                2 => drop(text.drain(from..to)),
                3 => text.insert(from, ' '),
                4 => text.replace_range(from..to, PIECES[below(PIECES.len())]),
                _ => text.insert_str(from, PIECES[below(PIECES.len())]),
            }
        }
        with(&text);
    }
}
