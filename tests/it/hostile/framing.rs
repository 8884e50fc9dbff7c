//! Bytes that are no HTTP, and HTTP whose framing is wrong: RFC 9112.

use serde_json::json;

use super::World;
use super::case::{Case, Raw, Reply};

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;

/// A good modern request, to be spoilt.
fn good() -> Raw {
    Raw::modern("tools/call", json!({"name": "echo", "arguments": {"x": 1}}))
}

/// A good request whose body is written in chunks.
fn chunked(chunks: &[&str], end: &str) -> Raw {
    let mut body = String::new();
    for chunk in chunks {
        body.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    good().and("Transfer-Encoding", "chunked").body(body + end)
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;

/// What is no head of a request at all.
pub fn no_requests() -> Vec<Case> {
    let text = |text: &str| text.as_bytes().to_vec();
    let head = |lines: &str| format!("POST /mcp HTTP/1.1\r\n{lines}\r\n\r\n").into_bytes();
    let raw: Vec<(&str, Vec<u8>)> = vec![
        ("an empty line alone", text("\r\n\r\n")),
        ("zeroes", vec![0; 64]),
        ("all ones", vec![0xff; 64]),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03random bytes\r\n\r\n".into()),
        ("SSH", text("SSH-2.0-OpenSSH_9.9\r\n\r\n")),
        ("SMTP", text("EHLO evil.example.com\r\n\r\n")),
        ("Redis", text("*1\r\n$4\r\nPING\r\n\r\n")),
        ("JSON without HTTP", text("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r\n\r\n")),
        ("HTTP/0.9", text("GET /mcp\r\n\r\n")),
        ("HTTP/1.2", text("GET /mcp HTTP/1.2\r\nHost: localhost\r\n\r\n")),
        ("HTTP/3.0", text("GET /mcp HTTP/3.0\r\nHost: localhost\r\n\r\n")),
        ("http in small letters", text("GET /mcp http/1.1\r\nHost: localhost\r\n\r\n")),
        ("almost the preface of HTTP/2", text("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")),
        ("RTSP", text("OPTIONS /mcp RTSP/1.0\r\n\r\n")),
        ("no target", text("POST HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("a space in the target", text("POST /m cp HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("a NUL in the target", text("POST /mcp\0 HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        (
            "bytes in the target that are no UTF-8",
            b"POST /mcp\xff HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
        ),
        ("a space before the method", text(" POST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("a method that is no token", text("P@ST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("a header without a colon", head("Host: localhost\r\nAccept")),
        ("a header without a name", head("Host: localhost\r\n: x")),
        ("a space before the colon", head("Host : localhost")),
        ("a space in a header's name", head("Host: localhost\r\nBad Name: x")),
        ("a header's name beyond ASCII", head("Host: localhost\r\nNäme: x")),
        ("a NUL in a header's value", head("Host: localhost\r\nX: a\0b")),
        ("a control byte in a session id", head("Host: localhost\r\nMcp-Session-Id: a\x01b")),
        ("DEL in a session id", head("Host: localhost\r\nMcp-Session-Id: a\x7fb")),
        ("a bare CR in a header's value", head("Host: localhost\r\nX: a\rb")),
        ("a folded header", head("Host: localhost\r\nX: a\r\n b")),
        ("white space before the first header", head(" Host: localhost")),
    ];
    let mut cases: Vec<Case> = raw
        .into_iter()
        .map(|(name, bytes)| Case::new(name, bytes, Reply::NoRequest).fin())
        .collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    cases.push(
        Case::new(
            "garbage after the preface of HTTP/2",
            [&preface[..], &[0xff; 200]].concat(),
            Reply::Closed,
        )
        .fin(),
    );
    cases.push(Case::new("half the preface of HTTP/2", &preface[..10], Reply::Closed).fin());
    cases.push(Case::new("nothing", "", Reply::Closed).fin());
    cases.push(Case::new("half a head", "POST /mcp HTTP/1.1\r\nHos", Reply::NoRequest).fin());
    cases
}

/// The length of the body, told wrong or twice. RFC 9112, section 6.
pub fn lengths() -> Vec<Case> {
    let length = |name: &str, value: &str| {
        Case::new(
            format!("Content-Length {name}"),
            good().with("Content-Length", value),
            Reply::NoRequest,
        )
    };
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let both = chunked(&[PING], "0\r\n\r\n");
    let json = PING.len().to_string();
    vec![
        length("negative", "-1"),
        length("with a sign", "+5"),
        length("no number", "five"),
        length("hexadecimal", "0x10"),
        length("empty", ""),
        length("a list", "5, 5"),
        length("beyond 64 bits", "18446744073709551616"),
        length("of 1,000 digits", &"9".repeat(1_000)),
        Case::new(
            "Content-Length twice, not the same",
            good().and("Content-Length", "10").and("Content-Length", "11"),
            Reply::NoRequest,
        ),
        Case::new(
            "Content-Length twice, the same",
            good()
                .body(PING)
                .and("Content-Length", json.clone())
                .and("Content-Length", json.clone()),
            Reply::Result,
        ),
        Case::new(
            "a body longer than it says",
            good().with("Content-Length", "10"),
            Reply::Error(400, PARSE),
        ),
        Case::new(
            "a body shorter than it says",
            good().with("Content-Length", "4000"),
            Reply::NoRequest,
        )
        .fin(),
        Case::new(
            "no body where one is announced",
            good().body("").with("Content-Length", "10"),
            Reply::NoRequest,
        )
        .fin(),
        Case::new(
            "no length at all",
            good().body("").without("Content-Length"),
            Reply::Error(400, PARSE),
        ),
        // RFC 9112, section 6.1: "the server MUST close the connection after responding to such
        // a request to avoid the potential attacks."
        Case::new(
            "both lengths: the chunks count",
            both.clone().and("Content-Length", "3"),
            Reply::Result,
        )
        .closes(),
        Case::new(
            "both lengths, the other way around",
            {
                let body = format!("{:x}\r\n{PING}\r\n0\r\n\r\n", PING.len());
                good().and("Content-Length", "5").and("Transfer-Encoding", "chunked").body(body)
            },
            Reply::Result,
        )
        .closes(),
        Case::new(
            "a request smuggled behind both lengths",
            {
                let body = format!("0\r\n\r\n{smuggled}");
                good()
                    .and("Transfer-Encoding", "chunked")
                    .and("Content-Length", body.len().to_string())
                    .body(body)
            },
            Reply::Error(400, PARSE),
        )
        .closes(),
        Case::new(
            "Transfer-Encoding without chunked",
            good().with("Transfer-Encoding", "identity"),
            Reply::NoRequest,
        ),
        Case::new(
            "Transfer-Encoding gzip alone",
            good().with("Transfer-Encoding", "gzip"),
            Reply::NoRequest,
        ),
        Case::new(
            "chunked is not last",
            good().with("Transfer-Encoding", "chunked, identity"),
            Reply::NoRequest,
        ),
        Case::new(
            "chunked is not last, on two lines",
            both.clone().and("Transfer-Encoding", "identity"),
            Reply::NoRequest,
        ),
        Case::new(
            "chunked misspelt",
            good().with("Transfer-Encoding", "xchunked"),
            Reply::NoRequest,
        ),
        Case::new(
            "chunked behind a vertical tab",
            good().with("Transfer-Encoding", "\x0bchunked"),
            Reply::NoRequest,
        ),
        Case::new("chunked in HTTP/1.0", both.version("HTTP/1.0"), Reply::NoRequest),
    ]
}

/// Chunked bodies. RFC 9112, section 7.1.
pub fn chunks() -> Vec<Case> {
    let (head, tail) = PING.split_at(70);
    let one_by_one: Vec<&str> = (0..PING.len()).map(|at| &PING[at..=at]).collect();
    let broken = |name: &str, body: String| {
        Case::new(format!("chunks: {name}"), chunked(&[], "").body(body), Reply::NoRequest).fin()
    };
    vec![
        Case::new("one chunk", chunked(&[PING], "0\r\n\r\n"), Reply::Result),
        Case::new("two chunks", chunked(&[head, tail], "0\r\n\r\n"), Reply::Result),
        Case::new("a chunk a byte", chunked(&one_by_one, "0\r\n\r\n"), Reply::Result),
        Case::new(
            "an extension of a chunk",
            chunked(&[], "").body(format!("{:x};a=b\r\n{PING}\r\n0\r\n\r\n", PING.len())),
            Reply::Result,
        ),
        Case::new(
            "zeroes before a chunk's size",
            chunked(&[], "").body(format!("000{:X}\r\n{PING}\r\n0\r\n\r\n", PING.len())),
            Reply::Result,
        ),
        Case::new(
            "trailers are passed over",
            chunked(&[PING], "0\r\nMcp-Method: tools/list\r\nX: y\r\n\r\n"),
            Reply::Result,
        ),
        Case::new("no chunk but the last", chunked(&[], "0\r\n\r\n"), Reply::Error(400, PARSE)),
        Case::new(
            "chunked in capitals",
            good()
                .and("Transfer-Encoding", "CHUNKED")
                .body(format!("{:x}\r\n{PING}\r\n0\r\n\r\n", PING.len())),
            Reply::Result,
        ),
        broken("a size that is no number", format!("zz\r\n{PING}\r\n0\r\n\r\n")),
        broken("a negative size", format!("-5\r\n{PING}\r\n0\r\n\r\n")),
        broken("a size beyond 64 bits", format!("fffffffffffffffff\r\n{PING}\r\n0\r\n\r\n")),
        broken("a size of all ones", format!("ffffffffffffffff\r\n{PING}\r\n0\r\n\r\n")),
        broken("a size that is too small", format!("{:x}\r\n{PING}\r\n0\r\n\r\n", PING.len() - 1)),
        broken("a size that is too large", format!("{:x}\r\n{PING}\r\n0\r\n\r\n", PING.len() + 1)),
        broken("no end", format!("{:x}\r\n{PING}\r\n", PING.len())),
        broken("an end without its empty line", format!("{:x}\r\n{PING}\r\n0\r\n", PING.len())),
        broken(
            "a trailer that is none",
            format!("{:x}\r\n{PING}\r\n0\r\nBad Name\r\n\r\n", PING.len()),
        ),
        broken(
            "an extension of 64 KiB",
            format!("{:x};{}\r\n{PING}\r\n0\r\n\r\n", PING.len(), "x".repeat(65_536)),
        ),
        broken(
            "trailers of 64 KiB",
            format!("{:x}\r\n{PING}\r\n0\r\nX: {}\r\n\r\n", PING.len(), "x".repeat(65_536)),
        ),
    ]
}

/// Request lines and heads that hyper lets through, or refuses with a status of its own.
pub fn heads(world: &World) -> Vec<Case> {
    let get = || world.newest.with_session(Raw::new("GET").and("Accept", "text/event-stream"));
    let many = |count: usize| (0..count).fold(good(), |raw, n| raw.and(format!("X-{n}"), "y"));
    let own = 7;
    vec![
        Case::new("HTTP/1.0", good().version("HTTP/1.0"), Reply::Result).closes(),
        Case::new("HTTP/1.0 with a stream", get().version("HTTP/1.0"), Reply::Stream),
        Case::new("Connection: close", good().and("Connection", "close"), Reply::Result).closes(),
        Case::new(
            "line feeds alone",
            good().bytes().into_iter().filter(|b| *b != b'\r').collect::<Vec<_>>(),
            Reply::Result,
        ),
        Case::new(
            "an empty line before",
            [b"\r\n".to_vec(), good().bytes()].concat(),
            Reply::Result,
        ),
        Case::new("Expect: 100-continue", good().and("Expect", "100-continue"), Reply::Result),
        Case::new("Expect of something else", good().and("Expect", "200-maybe"), Reply::Result),
        Case::new(
            "Upgrade: websocket",
            good().and("Connection", "upgrade").and("Upgrade", "websocket"),
            Reply::Result,
        ),
        Case::new(
            "Upgrade: h2c",
            good()
                .and("Connection", "Upgrade, HTTP2-Settings")
                .and("Upgrade", "h2c")
                .and("HTTP2-Settings", "AAMAAABkAAQCAAAAAAIAAAAA"),
            Reply::Result,
        ),
        Case::new("100 headers", many(100 - own), Reply::Result),
        Case::new("101 headers", many(101 - own), Reply::Status(431)),
        Case::new("10,000 headers", many(10_000), Reply::Status(431)),
        Case::new("a header of 24 KiB", good().and("X", "y".repeat(24 * 1024)), Reply::Result),
        Case::new("a header of 40 KiB", good().and("X", "y".repeat(40 * 1024)), Reply::Status(431)),
        Case::new(
            "a header's name of 40 KiB",
            good().and("x".repeat(40 * 1024), "y"),
            Reply::Status(431),
        ),
        Case::new(
            "a path of 16 KiB",
            good().target(format!("/{}", "x".repeat(16 * 1024))),
            Reply::Error(404, INVALID),
        ),
        Case::new(
            "a query of 16 KiB",
            good().target(format!("/mcp?{}", "x".repeat(16 * 1024))),
            Reply::Result,
        ),
        Case::new(
            "a target of 40 KiB",
            good().target(format!("/{}", "x".repeat(40 * 1024))),
            Reply::Status(431),
        ),
        Case::new("a method of 8 KiB", Raw::new(&"X".repeat(8 * 1024)), Reply::Error(405, INVALID)),
    ]
}
