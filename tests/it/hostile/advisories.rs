//! Security advisories against other implementations, each held by a test of its name.

use serde_json::json;

use super::World;
use super::case::{Case, Raw, Reply, run};
use crate::support::messages::{
    Session, assert_serves, call, call_with_progress, initialize, modern_call, request, stream_head,
};
use crate::support::server::TestServer;

const INVALID: i64 = -32600;

/// A server whose `wait` would not wait: that it never runs shows in its polls.
async fn counting_server() -> TestServer {
    let server = TestServer::start().await;
    server.probe.release(1_000);
    server
}

fn wait() -> Raw {
    Raw::modern("tools/call", json!({"name": "wait"}))
}

/// The media types that a browser lets any page post without a preflight (the Fetch standard,
/// CORS-safelisted request-header), and the absence of one.
#[tokio::test]
async fn cve_2026_33252_a_cross_site_post_of_a_simple_media_type_runs_nothing() {
    let server = counting_server().await;
    let world = World::open(&server).await;
    let mut cases = Vec::new();
    for value in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "TEXT/PLAIN",
        "text/plain; application/json",
        "text/plain; x=application/json",
        "text/plain, application/json",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=application/json",
        "multipart/form-data; boundary=application/json",
        "multipart/form-data; boundary=\"; application/json\"",
    ] {
        let legacy = world.newest.post(call(1, "wait", json!({})));
        for (era, raw) in [("legacy", legacy), ("modern", wait())] {
            let raw = raw.with("Content-Type", value);
            cases.push(Case::new(format!("{era} {value}"), raw, Reply::Error(415, INVALID)));
        }
    }
    cases.push(Case::new(
        "a Blob without a type",
        wait().without("Content-Type"),
        Reply::Error(415, INVALID),
    ));
    let opening = Raw::post(initialize("2025-11-25")).with("Content-Type", "text/plain");
    cases.push(Case::new("initialize", opening, Reply::Error(415, INVALID)));
    run(&server, &cases).await;
    assert_eq!(server.probe.polls(), 0);
}

/// A page whose name an attacker's DNS resolves to this machine: `Host` is the attacker's, and
/// a GET of the page's own site has no `Origin`. Refused by default, without an option set.
#[tokio::test]
async fn cve_2025_66414_and_cve_2025_66416_dns_rebinding_is_refused_by_default() {
    let server = counting_server().await;
    let world = World::open(&server).await;
    let evil = |raw: Raw| raw.with("Host", "rebound.example.com:8080");
    let paged = |raw: Raw| evil(raw).and("Origin", "http://rebound.example.com:8080");
    let refused = |name: &str, raw: Raw| {
        Case::new(name, raw, Reply::Error(403, INVALID)).no_header("access-control-allow-origin")
    };
    let legacy = world.newest.post(call(1, "wait", json!({})));
    run(
        &server,
        &[
            refused("a modern call", paged(wait())),
            refused("a modern call without an Origin", evil(wait())),
            refused("a legacy call", paged(legacy.clone())),
            refused("a legacy call without an Origin", evil(legacy)),
            refused("initialize", paged(Raw::post(initialize("2025-11-25")))),
            refused("a stream", evil(world.newest.with_session(Raw::new("GET")))),
            refused("the end of a session", paged(world.newest.with_session(Raw::new("DELETE")))),
            refused(
                "a preflight",
                paged(Raw::new("OPTIONS").and("Access-Control-Request-Method", "POST")),
            ),
        ],
    )
    .await;
    assert_eq!(server.probe.polls(), 0);
}

/// The same attack where one of the two headers is allowed, or only looks it.
#[tokio::test]
async fn cve_2026_34742_and_35568_and_42559_neither_host_nor_origin_excuses_the_other() {
    let server = counting_server().await;
    let mut cases = Vec::new();
    for (host, origin) in [
        ("localhost", "http://rebound.example.com"),
        ("rebound.example.com", "http://localhost"),
        ("127.0.0.1.rebound.example.com", "http://127.0.0.1"),
        ("localhost.rebound.example.com", "http://localhost"),
        ("127.0.0.1", "http://127.0.0.1.rebound.example.com"),
        ("127.0.0.1", "http://127.0.0.1:80.rebound.example.com"),
        ("localhost", "http://localhost@rebound.example.com"),
        ("localhost", "null"),
        ("0.0.0.0", "http://0.0.0.0"),
        ("rebound.example.com", "http://rebound.example.com"),
    ] {
        for (method, raw) in
            [("POST", wait()), ("GET", Raw::new("GET")), ("DELETE", Raw::new("DELETE"))]
        {
            let raw = raw.with("Host", host).and("Origin", origin);
            let name = format!("{method} of {host} by {origin}");
            cases.push(Case::new(name, raw, Reply::Error(403, INVALID)));
        }
    }
    run(&server, &cases).await;
    assert_eq!(server.probe.polls(), 0);
}

/// Keys in another case are other keys, also where Unicode would fold them.
#[tokio::test]
async fn cve_2026_27896_keys_are_compared_to_the_letter() {
    let server = counting_server().await;
    let world = World::open(&server).await;
    let client = &world.newest;
    let refused = |body: &str, code| Case::new(body, client.post(body), Reply::Error(400, code));
    let unnamed = |body: &str| Case::new(body, client.post(body), Reply::Error(200, -32602));
    let pinged =
        |body: &str| Case::new(body, client.post(body), Reply::Result).says(r#""result":{}"#);
    run(&server, &[
        refused(r#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#, INVALID),
        refused(r#"{"jsonrpc":"2.0","id":1,"METHOD":"ping"}"#, INVALID),
        refused(r#"{"JSONRPC":"2.0","id":1,"method":"ping"}"#, INVALID),
        refused(r#"{"jsonrpc":"2.0","id":1,"result":{},"Method":"x","error":{}}"#, INVALID),
        unnamed(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{"name":"wait"}}"#),
        unnamed(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","param\u017f":{"name":"wait"}}"#),
        unnamed(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Name":"wait"}}"#),
        unnamed(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"NAME":"wait"}}"#),
        pinged(r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"wait"}}"#),
        pinged(r#"{"jsonrpc":"2.0","id":1,"METHOD":"tools/call","method":"ping","params":{"name":"wait"}}"#),
        Case::new(
            "a name that a folding parser would overrule",
            client.post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","Name":"wait","Arguments":{"evil":1}}}"#),
            Reply::Result,
        )
        .says(r#""text":"{}""#),
        // An `Id` is none: this is a notification, and what it names is not run.
        Case::new("Id", client.post(r#"{"jsonrpc":"2.0","Id":1,"method":"tools/call","params":{"name":"wait"}}"#), Reply::Accepted),
    ])
    .await;
    assert_eq!(server.probe.polls(), 0);
}

/// Also held against `http::collect` itself. Here: what is announced is refused before it comes,
/// and what comes unannounced is not kept beyond the limit, also for those who must not pass.
#[tokio::test]
async fn cve_2026_39313_a_body_is_never_read_beyond_the_limit() {
    let server = TestServer::with(|service| service.max_body_bytes(64 * 1024)).await;
    let endless = {
        // Chunks that go on until the server has had enough.
        let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
        Raw::post(chunk.repeat(64)).and("Transfer-Encoding", "chunked")
    };
    let refused = |name: &str, raw: Raw| {
        Case::new(name, raw, Reply::Error(413, INVALID)).closes().header("connection", "close")
    };
    run(
        &server,
        &[
            refused("announced", Raw::post("").with("Content-Length", "1000000000000")),
            refused("endless", endless.clone()),
            refused(
                "endless and modern",
                endless.clone().and("MCP-Protocol-Version", "2026-07-28"),
            ),
            Case::new(
                "endless, of an evil page",
                endless.and("Origin", "http://evil.example.com"),
                Reply::Error(403, INVALID),
            ),
        ],
    )
    .await;
}

/// A crash by a body that does not validate: every request after it was answered with 500.
#[tokio::test]
async fn cve_2025_53366_malformed_messages_leave_server_and_session_alive() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    let ping = request("alive", "ping", json!({}));
    // On one connection, too: a refused body has been read whole, and the next request follows.
    let mut wire = server.connect().await;
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("null", 400),
        ("[[[[", 400),
        (r#"{"jsonrpc":"2.0"}"#, 400),
        (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":[]}"#, 400),
        (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":{}}}"#, 200),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":{}}}"#, 200),
        (r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}"#, 202),
        (r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":"x"}}"#, 202),
        (r#"{"jsonrpc":"2.0","id":{},"result":{}}"#, 400),
        (r#"{"jsonrpc":"2.0","id":1,"error":null}"#, 400),
    ] {
        let answer = wire.send(&session.post(body)).await;
        assert_eq!(answer.status(), status, "{body}: {}", answer.text());
        assert_eq!(wire.send(&session.post(&ping)).await.status(), 200, "after {body}");
        assert_serves(&server).await;
    }
}

/// A crash by a client that leaves: at every point where one can.
#[tokio::test]
async fn cve_2025_53365_a_client_may_leave_at_any_point() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    let modern = modern_call(1, "wait", json!({}));
    let legacy = session.post(&call(1, "wait", json!({})));
    let noisy = session.post(&call_with_progress(2, "wait", json!({"progress": 2}), json!("t")));
    let list = session.post(&request(3, "tools/list", json!({})));
    let body = list.find("\r\n\r\n").expect("a head") + 4;
    // Within the head, at its end, within the body, and after it.
    let cuts = [1, 4, 5, 40, body - 2, body - 1, body, body + 1, list.len() - 1, list.len()];
    for (at, leaving) in cuts.into_iter().flat_map(|at| [(at, Leaving::Fin), (at, Leaving::Reset)])
    {
        let mut wire = server.connect().await;
        wire.write(&list.as_bytes()[..at]).await;
        leaving.leave(wire).await;
        assert_alive(&server, &session).await;
    }
    let mut started = 0;
    for leaving in [Leaving::Fin, Leaving::Reset] {
        for request in [&modern, &legacy] {
            let mut wire = server.connect().await;
            wire.write(request.as_bytes()).await;
            started += 1;
            server.probe.started(started).await;
            leaving.leave(wire).await;
            assert_alive(&server, &session).await;
        }
        let mut wire = server.connect().await;
        wire.write(noisy.as_bytes()).await;
        stream_head(&mut wire).await;
        started += 1;
        server.probe.started(started).await;
        leaving.leave(wire).await;
        let mut wire = server.connect().await;
        wire.write(session.get(None).as_bytes()).await;
        stream_head(&mut wire).await;
        leaving.leave(wire).await;
        assert_alive(&server, &session).await;
    }
    // The modern calls are cancelled; the legacy ones run on, and end.
    server.probe.dropped(2).await;
    server.probe.release(4);
    server.probe.finished(4).await;
    assert_alive(&server, &session).await;
}

#[derive(Clone, Copy, Debug)]
enum Leaving {
    Fin,
    Reset,
}

impl Leaving {
    async fn leave(self, mut wire: crate::support::wire::Wire) {
        match self {
            Self::Fin => {
                wire.fin().await;
                wire.closed().await;
            }
            Self::Reset => wire.reset(),
        }
    }
}

async fn assert_alive(server: &TestServer, session: &Session) {
    assert_serves(server).await;
    let answer = session.send(server, &request("alive", "ping", json!({}))).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}
