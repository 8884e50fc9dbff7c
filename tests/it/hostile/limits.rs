//! Too much, too slow, and not allowed: requests that meet a limit or the application's refusal.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use mcp_http::{Head, McpService, Principal, Refusal, Server, serve};
use serde_json::json;

use super::case::{Case, Raw, Reply, run};
use super::{Client, World};
use crate::support::messages::{
    Session, assert_serves, bare, call, initialize, modern_call, notification, post, request,
};
use crate::support::server::TestServer;
use crate::support::wire::Wire;

const INVALID: i64 = -32600;
const INTERNAL: i64 = -32603;

const MIB: usize = 1024 * 1024;

/// A good request whose body is filled up to a length.
fn of_length(length: usize) -> Raw {
    let good = Raw::modern("tools/call", json!({"name": "echo"}));
    let bytes = good.bytes();
    let body = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let mut body = bytes[body..].to_vec();
    body.resize(length, b' ');
    good.body(body)
}

fn chunked(raw: &Raw, body: &[u8], pieces: usize) -> Raw {
    let mut chunks = Vec::new();
    for piece in body.chunks(pieces) {
        chunks.extend(format!("{:x}\r\n", piece.len()).bytes());
        chunks.extend(piece);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    raw.clone().and("Transfer-Encoding", "chunked").body(chunks)
}

/// RFC 9110, section 15.5.14: "The server MAY terminate the request, if the protocol version in
/// use allows it; otherwise, the server MAY close the connection."
fn oversized(limit: usize) -> Vec<Case> {
    let too_long = |name: &str, raw: Raw| {
        Case::new(name, raw, Reply::Error(413, INVALID))
            .closes()
            .header("connection", "close")
            .says("longer than")
    };
    let pieces = [1_000, 64 * 1024];
    let mut cases = vec![
        Case::new("a body at the limit", of_length(limit), Reply::Result),
        too_long("a byte more", of_length(limit + 1)),
        too_long(
            "a quintillion bytes announced",
            of_length(300).with("Content-Length", "1000000000000000000"),
        ),
        too_long(
            "2^64 - 3 bytes announced",
            of_length(300).with("Content-Length", "18446744073709551613"),
        ),
        too_long(
            "a byte more announced, none sent",
            of_length(0).with("Content-Length", (limit + 1).to_string()),
        ),
        too_long(
            "announced with Expect: 100-continue",
            of_length(0)
                .with("Content-Length", (limit + 1).to_string())
                .and("Expect", "100-continue"),
        ),
    ];
    for size in pieces {
        let whole = of_length(limit);
        let body = |length: usize| vec![b' '; length];
        let name = format!("chunks of {size}, a byte more");
        cases.push(too_long(&name, chunked(&whole, &body(limit + 1), size)));
        cases.push(Case::new(
            format!("chunks of {size}, at the limit"),
            chunked(&whole, &body(limit), size),
            Reply::Error(400, -32700),
        ));
    }
    cases
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_its_connection_closed() {
    let server = TestServer::with(|service| service.max_body_bytes(1_000)).await;
    run(&server, &oversized(1_000)).await;
    let server = TestServer::start().await;
    run(&server, &oversized(4 * MIB)).await;
}

#[tokio::test]
async fn a_body_that_is_late_is_refused_and_its_connection_closed() {
    let deadline = Duration::from_millis(100);
    let server = TestServer::with(|service| service.body_timeout(deadline)).await;
    let session = Client::open(&server, "2025-11-25").await;
    let late = |name: &str, raw: Raw| {
        Case::new(name, raw, Reply::Error(408, INVALID))
            .closes()
            .header("connection", "close")
            .says("did not arrive")
    };
    let good = of_length(300);
    let chunks = |body: &str| good.clone().and("Transfer-Encoding", "chunked").body(body);
    run(
        &server,
        &[
            late("no body", good.clone().body("").with("Content-Length", "10")),
            late("half a body", good.clone().with("Content-Length", "301")),
            late("no chunk", chunks("")),
            late("half a chunk's size", chunks("1")),
            late("half a chunk", chunks("100\r\n{\"jsonrpc\":")),
            late("no last chunk", chunks("2\r\n{}\r\n")),
            late("no end of the trailers", chunks("2\r\n{}\r\n0\r\nX: y\r\n")),
            late("half a body in a session", session.post("{").with("Content-Length", "2")),
        ],
    )
    .await;
}

/// Slow heads, byte by byte or not at all, with a `serve()` of the test's own.
#[tokio::test]
async fn a_head_that_is_late_ends_its_connection() {
    let server = Server::builder("slow", "1").build().expect("a valid server");
    let service = McpService::builder(server).build().expect("a valid service");
    let deadline = Duration::from_millis(100);
    let running = serve(service)
        .first_byte_timeout(deadline)
        .head_timeout(deadline)
        .bind("127.0.0.1:0")
        .await
        .expect("a free port");
    for (bytes, status) in [
        ("", None),
        ("P", Some(408)),
        ("PRI * HTTP/2.0\r\n", Some(408)),
        ("POST /mcp HTTP/1.1\r\n", Some(408)),
        ("POST /mcp HTTP/1.1\r\nHost: localhost\r\n", Some(408)),
        ("POST /mcp HTTP/1.1\r\nHost: localhost\r\nX: y", Some(408)),
    ] {
        let mut wire = Wire::connect(running.local_addr()).await;
        wire.write(bytes.as_bytes()).await;
        assert_eq!(wire.head().await.map(|head| head.status), status, "{bytes:?}");
        wire.closed().await;
    }
    let mut wire = Wire::connect(running.local_addr()).await;
    assert_eq!(wire.send(&bare("GET", &[])).await.status(), 400);
}

/// Decision 8: "a clear refusal (`503` with `Retry-After` for capacity), never a silent drop".
#[tokio::test]
async fn a_session_too_many_is_refused_until_one_ends() {
    let server = TestServer::with(|service| service.max_sessions(1)).await;
    let session = Session::open(&server, "2025-11-25").await;
    let full = |name: &str, raw: Raw| {
        Case::new(name, raw, Reply::Error(503, INTERNAL)).id("0").header("retry-after", "5")
    };
    let client = Client { id: session.id.clone(), version: session.version.clone() };
    let again = Raw::post(initialize("2025-11-25"));
    run(
        &server,
        &[
            full("another session", again.clone()),
            full(
                "another session for streams alone",
                again.clone().with("Accept", "text/event-stream"),
            ),
            full("another session from within one", client.with_session(again.clone())),
            Case::new(
                "a call in the one there is",
                client.post(call(1, "echo", json!({}))),
                Reply::Result,
            ),
        ],
    )
    .await;
    assert_eq!(session.end(&server).await.status(), 204);
    run(&server, &[Case::new("a session after that", again, Reply::Result).opens_session()]).await;
}

/// Decision 8: "answers from the client, notifications and DELETE are never refused for capacity,
/// because calls that run may wait for them."
#[tokio::test]
async fn a_call_too_many_is_refused_and_nothing_else() {
    let server = TestServer::with(|service| service.max_calls(1)).await;
    let world = World::open(&server).await;
    let mut waiting = server.connect().await;
    waiting.write(world.middle.post(call("w", "wait", json!({}))).bytes().as_slice()).await;
    server.probe.started(1).await;
    let client = &world.newest;
    let full = |name: &str, raw: Raw| {
        Case::new(name, raw, Reply::Error(503, INTERNAL)).id("1").header("retry-after", "5")
    };
    for case in [
        full("a legacy call", client.post(call(1, "echo", json!({})))),
        full("a legacy list", client.post(request(1, "tools/list", json!({})))),
        full("a modern call", Raw::modern("tools/call", json!({"name": "echo"}))),
        Case::new("a ping", client.post(request(1, "ping", json!({}))), Reply::Result),
        Case::new(
            "a notification",
            client.post(notification("notifications/x", json!({}))),
            Reply::Accepted,
        ),
        Case::new(
            "a response",
            client.post(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            Reply::Accepted,
        ),
        Case::new("a stream", client.with_session(Raw::new("GET")), Reply::Stream),
        Case::new("another session", Raw::post(initialize("2025-11-25")), Reply::Result),
        Case::new(
            "the end of a session",
            client.with_session(Raw::new("DELETE")),
            Reply::Status(204),
        ),
    ] {
        if let Err(fault) = case.check(&server).await {
            panic!("{}: {fault}", case.name());
        }
    }
    server.probe.release(1);
    assert_eq!(waiting.answer().await.json()["result"]["content"][0]["text"], "waited");
    assert_serves(&server).await;
}

/// 401 and 403 before the body is read, whatever is in it; 2025-11-25, Authorization, Access
/// Token Usage: the challenge stands in `WWW-Authenticate`.
#[tokio::test]
async fn an_unwelcome_caller_is_refused_before_anything_else_is_looked_at() {
    let server = TestServer::with(|service| service.admit(admit)).await;
    let world = World::open(&server).await;
    let evil = |raw: Raw| raw.and("Authorization", "Bearer evil");
    let refused = |name: &str, raw: Raw| {
        Case::new(name, evil(raw), Reply::Error(401, INVALID))
            .header("www-authenticate", "Bearer realm=\"mcp\"")
            .says("No entry")
    };
    let client = &world.newest;
    let good = of_length(300);
    run(
        &server,
        &[
            refused("a good call", good.clone()),
            refused("a bad body", Raw::post("{")),
            refused(
                "a body that is too long",
                good.clone().body("").with("Content-Length", "99999999999"),
            ),
            refused(
                "a body that does not come",
                good.clone().body("").with("Content-Length", "300"),
            ),
            refused("initialize", Raw::post(initialize("2025-11-25"))),
            refused("a call in a session", client.post(call(1, "panic", json!({})))),
            refused("a stream", client.with_session(Raw::new("GET"))),
            refused("the end of a session", client.with_session(Raw::new("DELETE"))),
            refused("an unknown session", Raw::post("{}").and("Mcp-Session-Id", "x")),
            Case::new("another path", evil(good.clone().target("/x")), Reply::Error(404, INVALID)),
            Case::new(
                "an evil Host",
                evil(good.clone().with("Host", "evil.example.com")),
                Reply::Error(403, INVALID),
            ),
            Case::new("another method", evil(Raw::new("PUT")), Reply::Error(405, INVALID)),
            Case::new(
                "a known one who may not",
                good.and("Authorization", "Bearer poor"),
                Reply::Error(403, INVALID),
            )
            .no_header("www-authenticate"),
        ],
    )
    .await;
}

/// Decision 17: "a foreign one gets exactly the answer of an unknown one".
#[tokio::test]
async fn another_principals_session_is_an_unknown_one() {
    let server = TestServer::with(|service| service.admit(admit)).await;
    let alice = [("Authorization", "Bearer alice")];
    let opened = server.connect().await.send(&post(&alice, &initialize("2025-11-25"))).await;
    let id = opened.header("mcp-session-id").expect("a session id").to_owned();
    let unknown = "A".repeat(id.len());
    let bodies = [
        request(1, "tools/list", json!({})),
        call(1, "panic", json!({})),
        notification("notifications/cancelled", json!({"requestId": 1})),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
    ];
    for caller in [Some("Bearer bob"), Some("Bearer Alice"), None] {
        let ask = async |id: &str, body: Option<&str>, method: &str| {
            let mut headers = vec![("Mcp-Session-Id", id)];
            headers.extend(caller.map(|caller| ("Authorization", caller)));
            let request = match body {
                Some(body) => post(&headers, body),
                None => bare(method, &headers),
            };
            let answer = server.connect().await.send(&request).await;
            let headers = answer.head.headers.iter().filter(|(name, _)| name != "date").cloned();
            (answer.status(), headers.collect::<Vec<_>>(), answer.text().to_owned())
        };
        for body in &bodies {
            let foreign = ask(&id, Some(body), "POST").await;
            assert_eq!(foreign, ask(&unknown, Some(body), "POST").await, "{caller:?} {body}");
            assert_eq!(foreign.0, 404, "{caller:?} {body}");
        }
        for method in ["GET", "DELETE"] {
            let foreign = ask(&id, None, method).await;
            assert_eq!(foreign, ask(&unknown, None, method).await, "{caller:?} {method}");
            assert_eq!(foreign.0, 404, "{caller:?} {method}");
        }
    }
    let mine = [alice[0], ("Mcp-Session-Id", &*id)];
    let answer = server.connect().await.send(&post(&mine, &bodies[0])).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

async fn admit(head: Arc<Head>) -> Result<Principal, Refusal> {
    match head.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        None => Ok(Principal::anonymous()),
        Some("Bearer evil") => Err(Refusal::unauthorized("No entry")
            .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mcp\""))),
        Some("Bearer poor") => Err(Refusal::forbidden("No entry")),
        Some(name) => Ok(Principal::named(name)),
    }
}

/// The option to serve legacy clients without sessions: "no id minted, GET 405, each POST on its
/// own".
#[tokio::test]
async fn without_sessions_each_post_stands_on_its_own() {
    let server = TestServer::with(|service| service.without_legacy_sessions()).await;
    let refused = |method: &str| {
        let raw = Raw::new(method).and("Mcp-Session-Id", "x");
        Case::new(method, raw, Reply::Error(405, INVALID)).header("allow", "POST, OPTIONS")
    };
    let ping = request(1, "ping", json!({}));
    run(
        &server,
        &[
            refused("GET"),
            refused("DELETE"),
            Case::new("GET without a session id", Raw::new("GET"), Reply::Error(405, INVALID)),
            Case::new("initialize", Raw::post(initialize("2025-11-25")), Reply::Result)
                .no_header("mcp-session-id"),
            Case::new("a call", Raw::post(call(1, "echo", json!({}))), Reply::Result),
            Case::new(
                "a call with a session id",
                Raw::post(call(1, "echo", json!({}))).and("Mcp-Session-Id", "x"),
                Reply::Result,
            ),
            Case::new(
                "a notification",
                Raw::post(notification("notifications/initialized", json!({}))),
                Reply::Accepted,
            ),
            Case::new(
                "a response",
                Raw::post(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
                Reply::Accepted,
            ),
            Case::new(
                "a cancellation",
                Raw::post(notification("notifications/cancelled", json!({"requestId": 1}))),
                Reply::Accepted,
            ),
            Case::new(
                "logs that cannot be asked for",
                Raw::post(request(1, "logging/setLevel", json!({"level": "info"}))),
                Reply::Error(200, -32601),
            ),
            Case::new(
                "a batch",
                Raw::post(format!("[{ping},1]")),
                Reply::Array(vec![None, Some(INVALID)]),
            ),
            Case::new(
                "a batch of a revision without",
                Raw::post(format!("[{ping}]")).and("MCP-Protocol-Version", "2025-06-18"),
                Reply::Error(400, INVALID),
            ),
            Case::new(
                "an unknown version",
                Raw::post(ping).and("MCP-Protocol-Version", "x"),
                Reply::Error(400, -32022),
            ),
            Case::new("bad JSON", Raw::post("{"), Reply::Error(400, -32700)),
        ],
    )
    .await;
    assert_eq!(server.service.sessions(), 0);
    assert_eq!(server.connect().await.send(&modern_call(1, "echo", json!({}))).await.status(), 200);
}
