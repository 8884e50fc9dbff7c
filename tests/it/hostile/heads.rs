//! Well-formed requests whose head is refused: method, path, Host, Origin, media types.

use serde_json::json;

use super::World;
use super::case::{Case, Raw, Reply};

const INVALID: i64 = -32600;

fn good() -> Raw {
    Raw::modern("tools/call", json!({"name": "echo"}))
}

/// RFC 9110, section 15.5.6: "The origin server MUST generate an Allow header field in a 405".
pub fn methods(world: &World) -> Vec<Case> {
    let refused = |method: &str| {
        Case::new(format!("method {method}"), Raw::new(method), Reply::Error(405, INVALID))
            .header("allow", "POST, GET, DELETE, OPTIONS")
    };
    let mut cases: Vec<Case> = [
        "PUT", "PATCH", "TRACE", "HEAD", "PROPFIND", "QUERY", "get", "post", "Post", "FOO", "P0ST!",
    ]
    .map(refused)
    .into();
    for method in ["GET", "DELETE"] {
        // 2026-07-28, Streamable HTTP, Earlier Revisions.
        let modern = Raw::new(method).and("MCP-Protocol-Version", "2026-07-28");
        let case = |name: &str, raw| {
            Case::new(format!("modern {method}{name}"), raw, Reply::Error(405, INVALID))
                .header("allow", "POST, OPTIONS")
        };
        cases.push(case("", modern.clone()));
        cases.push(case(" in a session", modern.and("Mcp-Session-Id", world.newest.id.clone())));
    }
    cases.push(
        Case::new(
            "CONNECT",
            Raw::new("CONNECT").target("localhost:443"),
            Reply::Error(405, INVALID),
        )
        .header("allow", "POST, GET, DELETE, OPTIONS"),
    );
    cases.push(Case::new(
        "PUT with a body",
        {
            let mut put = good().bytes();
            put.splice(..4, *b"PUT");
            put
        },
        Reply::Error(405, INVALID),
    ));
    cases
}

pub fn paths() -> Vec<Case> {
    let at =
        |target: &str, reply| Case::new(format!("target {target}"), good().target(target), reply);
    let unknown = Reply::Error(404, INVALID);
    let mut cases = Vec::new();
    for target in [
        "/mcp",
        "/mcp/",
        "//mcp",
        "//mcp//",
        "/api/v1/mcp",
        "/",
        "/mcp?",
        "/mcp?x=1&y=%zz",
        "http://localhost/mcp",
        "http://127.0.0.1:8080/mcp",
        "HTTP://LOCALHOST/mcp",
    ] {
        cases.push(at(target, Reply::Result).no_header("location"));
    }
    for target in [
        "/mc",
        "/mcpx",
        "/mcp/x",
        "/MCP",
        "/mcp;x=1",
        "/%6Dcp",
        "/mcp%2F",
        "/mcp%00",
        "/mcp/..",
        "/mcp.json",
        "/mcp/sse",
        "/sse",
        "/messages",
        "/favicon.ico",
        "/healthz",
        "/../../etc/passwd",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/mcp/.well-known/openid-configuration",
        "/mcp\u{e9}",
        "http://localhost/other",
    ] {
        cases.push(at(target, unknown.clone()).no_header("location"));
    }
    cases.push(Case::new("OPTIONS *", Raw::new("OPTIONS").target("*"), unknown));
    cases
}

/// All revisions, Transports, Security Warning, 1; RFC 9112, section 3.2.
pub fn hosts() -> Vec<Case> {
    let host = |host: &[u8], reply| {
        let name = format!("Host {:?}", String::from_utf8_lossy(host));
        Case::new(name, good().with("Host", host), reply)
    };
    let mut cases = Vec::new();
    for good in [
        "localhost",
        "localhost:8080",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:80",
        "[0:0:0:0:0:0:0:1]",
    ] {
        cases.push(host(good.as_bytes(), Reply::Result));
    }
    for evil in [
        "evil.example.com",
        "evil.example.com:8080",
        "localhost.evil.example.com",
        "127.0.0.1.evil.example.com",
        "evil-localhost",
        "localhostx",
        "0.0.0.0",
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::]",
        "[::ffff:127.0.0.1]",
        "xn--lcalhost-9fb",
    ] {
        cases.push(host(evil.as_bytes(), Reply::Error(403, INVALID)).says("Host"));
    }
    // RFC 9112, section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any
    // HTTP/1.1 request message that lacks a Host header field and to any request message that
    // contains more than one Host header field line or a Host header field with an invalid field
    // value."
    for malformed in [
        &b"user@localhost"[..],
        b"localhost@evil.example.com",
        b"evil.example.com@localhost",
        b"localhost:80:80",
        b"localhost:http",
        b"localhost/mcp",
        b"localhost evil.example.com",
        b"http://localhost",
        b"[::1",
        b"::1",
        b"local\xffhost",
        b"localhost#",
        b"localhost?",
    ] {
        cases.push(host(malformed, Reply::Error(400, INVALID)).says("Host"));
    }
    let bad = Reply::Error(400, INVALID);
    let denied = Reply::Error(403, INVALID);
    cases.extend([
        Case::new("no Host", good().without("Host"), bad.clone()),
        Case::new("no Host on a GET", Raw::new("GET").without("Host"), bad.clone()),
        Case::new("two Hosts, good and evil", good().and("Host", "evil.example.com"), bad.clone()),
        Case::new(
            "two Hosts, evil and good",
            good().with("Host", "evil.example.com").and("Host", "localhost"),
            bad.clone(),
        ),
        Case::new("two Hosts, the same", good().and("Host", "localhost"), bad),
        Case::new(
            "an evil target and a good Host",
            good().target("http://evil.example.com/mcp"),
            denied.clone(),
        ),
        // RFC 9112, section 3.2.2, would have the target count alone; what stands behind this
        // server may not know that.
        Case::new(
            "a good target and an evil Host",
            good().target("http://localhost/mcp").with("Host", "evil.example.com"),
            denied.clone(),
        ),
        Case::new(
            "an evil Host on a GET",
            Raw::new("GET").with("Host", "evil.example.com"),
            denied.clone(),
        ),
        Case::new(
            "an evil Host on a DELETE",
            Raw::new("DELETE").with("Host", "evil.example.com"),
            denied.clone(),
        ),
        Case::new(
            "an evil Host on OPTIONS",
            Raw::new("OPTIONS").with("Host", "evil.example.com"),
            denied.clone(),
        ),
        Case::new(
            "an evil Host on a method unknown",
            Raw::new("FOO").with("Host", "evil.example.com"),
            denied,
        ),
        Case::new(
            "X-Forwarded-Host does not count",
            good().and("X-Forwarded-Host", "evil.example.com"),
            Reply::Result,
        ),
    ]);
    cases
}

/// All revisions, Transports, Security Warning, 1: "If the `Origin` header is present and
/// invalid, servers MUST respond with HTTP 403 Forbidden."
pub fn origins() -> Vec<Case> {
    let origin = |origin: &[u8], reply| {
        let name = format!("Origin {:?}", String::from_utf8_lossy(origin));
        Case::new(name, good().and("Origin", origin), reply)
    };
    let mut cases = Vec::new();
    for good in
        ["http://localhost", "http://localhost:5173", "https://127.0.0.1:8443", "http://[::1]:80"]
    {
        cases.push(
            origin(good.as_bytes(), Reply::Result).header("access-control-allow-origin", good),
        );
    }
    for evil in [
        &b"http://evil.example.com"[..],
        b"https://evil.example.com",
        b"null",
        b"",
        b"*",
        b"localhost",
        b"//localhost",
        b"http://localhost.evil.example.com",
        b"http://evil.example.com:80@localhost",
        b"http://localhost@evil.example.com",
        b"http://user@localhost",
        b"http://localhost/",
        b"http://localhost/evil",
        b"http://localhost?evil",
        b"http://localhost#evil",
        b"http://localhost http://evil.example.com",
        b"http://localhost, http://evil.example.com",
        b"http://localhost:80:80",
        b"http://localhost:port",
        b"http://",
        b"file://",
        b"ftp://localhost",
        b"chrome-extension://localhost",
        b"javascript:alert(1)",
        b"data:text/html,x",
        b"http://127.0.0.2",
        b"http://0.0.0.0",
        b"http://[::ffff:127.0.0.1]",
        b"http://local\xffhost",
        b"http:\\\\localhost",
    ] {
        let case = origin(evil, Reply::Error(403, INVALID));
        cases.push(case.no_header("access-control-allow-origin").says("Origin"));
    }
    let evil = |raw: Raw| raw.and("Origin", "http://evil.example.com");
    let denied = Reply::Error(403, INVALID);
    cases.extend([
        Case::new(
            "two Origins",
            good().and("Origin", "http://localhost").and("Origin", "http://localhost"),
            denied.clone(),
        ),
        Case::new("an evil Origin on a GET", evil(Raw::new("GET")), denied.clone()),
        Case::new("an evil Origin on a DELETE", evil(Raw::new("DELETE")), denied.clone()),
        Case::new("an evil Origin on a HEAD", evil(Raw::new("HEAD")), denied.clone()),
        Case::new("an evil Origin with a good body", evil(good()), denied.clone()),
        Case::new("an evil Origin with a bad body", evil(Raw::post("{")), denied.clone()),
        Case::new(
            "an evil Referer says nothing",
            good().and("Referer", "http://evil.example.com/"),
            Reply::Result,
        ),
    ]);
    cases.extend(preflights(denied));
    cases
}

/// The Fetch standard, CORS protocol.
fn preflights(denied: Reply) -> Vec<Case> {
    let preflight = |origin: &str| {
        Raw::new("OPTIONS")
            .and("Origin", origin)
            .and("Access-Control-Request-Method", "POST")
            .and("Access-Control-Request-Headers", "content-type, mcp-session-id, mcp-param-region")
    };
    let evil = "http://evil.example.com";
    vec![
        Case::new("a preflight", preflight("http://localhost:6274"), Reply::Status(204))
            .header("access-control-allow-origin", "http://localhost:6274")
            .header("access-control-allow-methods", "POST, GET, DELETE, OPTIONS")
            .no_header("access-control-allow-credentials"),
        Case::new("a preflight of an evil page", preflight(evil), denied.clone())
            .no_header("access-control-allow-origin")
            .no_header("access-control-allow-methods"),
        Case::new("a preflight of nobody's page", preflight("null"), denied.clone()),
        Case::new(
            "a preflight at an evil Host",
            preflight("http://localhost").with("Host", "evil.example.com"),
            denied,
        ),
        Case::new(
            "a preflight at another path",
            preflight("http://localhost").target("/x"),
            Reply::Error(404, INVALID),
        ),
        Case::new("OPTIONS without an Origin", Raw::new("OPTIONS"), Reply::Status(204))
            .header("allow", "POST, GET, DELETE, OPTIONS")
            .no_header("access-control-allow-origin"),
    ]
}

/// RFC 9110, sections 8.3 and 15.5.16.
pub fn content_types() -> Vec<Case> {
    let of = |value: &str| good().with("Content-Type", value);
    let mut cases = Vec::new();
    for json in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json;",
        "application/json; profile=x",
        " application/json\t",
    ] {
        cases.push(Case::new(format!("Content-Type {json:?}"), of(json), Reply::Result));
    }
    for other in [
        "",
        "json",
        "application",
        "application/",
        "/json",
        "application/jsonp",
        "application/json-rpc",
        "application/vnd.api+json",
        "text/json",
        "text/html",
        "text/event-stream",
        "*/*",
        "application/*",
        "application/octet-stream",
        "application/json, text/plain",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/json;charset=",
        "text/plain; x=application/json",
    ] {
        cases.push(Case::new(
            format!("Content-Type {other:?}"),
            of(other),
            Reply::Error(415, INVALID),
        ));
    }
    let twice = good().and("Content-Type", "text/plain");
    cases.extend([
        Case::new("no Content-Type", good().without("Content-Type"), Reply::Error(415, INVALID)),
        Case::new("two Content-Types that differ", twice, Reply::Error(415, INVALID)),
        Case::new(
            "Content-Type beyond ASCII",
            good().with("Content-Type", b"application/json\xff"),
            Reply::Error(415, INVALID),
        ),
        Case::new("no Content-Type and no body", Raw::new("POST"), Reply::Error(415, INVALID)),
        Case::new(
            "Content-Encoding gzip of what is none",
            good().and("Content-Encoding", "gzip").body(&b"\x1f\x8b\x08\0\0"[..]),
            Reply::Error(400, -32700),
        ),
    ]);
    cases
}

/// There is no 406: RFC 9110, section 12.5.1, lets a server disregard the field.
pub fn accepts(world: &World) -> Vec<Case> {
    let accepting = |value: &[u8]| good().with("Accept", value);
    let mut cases = Vec::new();
    for value in [
        &b"application/json, text/event-stream"[..],
        b"*/*",
        b"application/json",
        b"text/html",
        b"",
        b",,,",
        b"application/json;q=2",
        b"*/*;q=0",
        b"application/json;q=0, text/event-stream;q=0",
        b"\xff/\xff",
        b"application/json;x=\"",
    ] {
        let name = format!("Accept {:?}", String::from_utf8_lossy(value));
        cases.push(Case::new(name, accepting(value), Reply::Result));
    }
    for value in ["text/event-stream", "application/json;q=0, text/event-stream", "text/*"] {
        cases.push(Case::new(
            format!("Accept {value}"),
            accepting(value.as_bytes()),
            Reply::Stream,
        ));
    }
    let long = "a/b,".repeat(4_000);
    let get = |accept: &str| world.newest.with_session(Raw::new("GET").and("Accept", accept));
    cases.extend([
        Case::new("no Accept", good().without("Accept"), Reply::Result),
        Case::new("Accept with 4,000 ranges", accepting(long.as_bytes()), Reply::Result),
        Case::new("GET that accepts JSON alone", get("application/json"), Reply::Stream),
        Case::new("GET without Accept", world.newest.with_session(Raw::new("GET")), Reply::Stream),
    ]);
    cases
}
