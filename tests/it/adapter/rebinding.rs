//! Host and Origin: what keeps a page from reaching a server on its visitor's machine (all
//! revisions, Transports, Security Warning; 2026-07-28, Streamable HTTP, Security & Endpoint).

use mcp_http::{Arguments, Context, McpService, Server, Tool, ToolError};
use serde_json::json;

use crate::support::h2::{H2, parsed_h2, rest};
use crate::support::messages::{
    Session, assert_serves, bare, initialize, modern, modern_call, post,
};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn send(server: &TestServer, text: &str) -> Answer {
    server.connect().await.send(text).await
}

fn from(host: &str, origin: Option<&str>) -> String {
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
    let text = modern(1, "server/discover", json!({}), &[("Host", host)]);
    text.replacen("\r\n", &format!("\r\n{origin}"), 1)
}

/// "If the `Origin` header is present and invalid, servers MUST respond with HTTP 403 Forbidden.
/// The HTTP response body MAY comprise a JSON-RPC _error response_ that has no `id`." That it is
/// 400 is not noticed by the official suite.
fn assert_forbidden(answer: &Answer, case: &str) {
    assert_eq!(answer.status(), 403, "{case}\n{}", answer.text());
    let body = answer.json();
    assert!(body["error"]["code"].is_i64() && body.get("id").is_none(), "{case}: {body}");
    for header in ["access-control-allow-origin", "mcp-session-id"] {
        assert_eq!(answer.header(header), None, "{case}");
    }
}

#[tokio::test]
async fn loopback_is_allowed_by_default_under_each_of_its_names_and_on_any_port() {
    let server = TestServer::start().await;
    for host in [
        "localhost",
        "LocalHost:8080",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:65535",
    ] {
        assert_eq!(send(&server, &from(host, None)).await.status(), 200, "{host}");
    }
    for origin in [
        "http://localhost",
        "http://localhost:5173",
        "https://LOCALHOST:1",
        "http://127.0.0.1:80",
        "http://[::1]:3000",
    ] {
        let answer = send(&server, &from("localhost", Some(origin))).await;
        assert_eq!(answer.status(), 200, "{origin}");
    }
}

#[tokio::test]
async fn another_host_is_forbidden() {
    let server = TestServer::start().await;
    for host in [
        "evil.example.com",
        "evil.example.com:8080",
        "localhost.evil.example.com",
        "evil-localhost",
        "localhosts",
        "127.0.0.1.nip.io",
        "127.0.0.2",
        "0.0.0.0",
        "[::]",
        "[::ffff:127.0.0.1]",
        "192.168.0.1",
    ] {
        assert_forbidden(&send(&server, &from(host, None)).await, host);
    }
    assert_serves(&server).await;
}

/// That an evil Origin with a good Host is served is not noticed by the official suite: both of its
/// reference servers do.
#[tokio::test]
async fn another_origin_is_forbidden_although_the_host_is_good() {
    let server = TestServer::start().await;
    for origin in [
        "http://evil.example.com",
        "https://evil.example.com:443",
        "http://localhost.evil.example.com",
        "http://evil.example.com/localhost",
        "http://localhost@evil.example.com",
        "null",
        "localhost",
        "file://",
        "",
        "*",
        "http://",
        "chrome-extension://abc",
        "http://localhost:99999",
        "http://localhost http://evil.example.com",
    ] {
        assert_forbidden(&send(&server, &from("localhost", Some(origin))).await, origin);
    }
    let twice = [("Origin", "http://localhost"), ("Origin", "http://evil.example.com")];
    let text = modern(1, "server/discover", json!({}), &twice);
    assert_forbidden(&send(&server, &text).await, "two origins");
}

/// RFC 9112, 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
/// request message that lacks a Host header field and to any request message that contains more
/// than one Host header field line or a Host header field with an invalid field value."
#[tokio::test]
async fn a_request_without_one_valid_host_is_bad() {
    let server = TestServer::start().await;
    let good = from("localhost", None);
    for (case, lines) in [
        ("none", ""),
        ("two", "Host: localhost\r\nHost: localhost\r\n"),
        ("two that differ", "Host: localhost\r\nHost: evil.example.com\r\n"),
        ("empty", "Host: \r\n"),
        ("a URL", "Host: http://localhost\r\n"),
        ("a port that is none", "Host: localhost:99999\r\n"),
        ("with a user", "Host: localhost@evil.example.com\r\n"),
    ] {
        let text = good.replace("Host: localhost\r\n", lines);
        assert_ne!(text, good, "{case}");
        assert_eq!(send(&server, &text).await.status(), 400, "{case}");
    }
}

/// RFC 9112, 3.2.2: the authority of an absolute target is the host; both must be allowed, since
/// what stands behind may read either.
#[tokio::test]
async fn the_authority_of_an_absolute_target_counts() {
    let server = TestServer::start().await;
    let to =
        |target: &str, host: &str| from(host, None).replace("POST /mcp", &format!("POST {target}"));
    let good = send(&server, &to("http://localhost:1/mcp", "localhost:1")).await;
    assert_eq!(good.status(), 200, "{}", good.text());
    let case = "an evil target";
    assert_forbidden(&send(&server, &to("http://evil.example.com/mcp", "localhost")).await, case);
    let case = "an evil host";
    assert_forbidden(&send(&server, &to("http://localhost/mcp", "evil.example.com")).await, case);
}

#[tokio::test]
async fn allowed_hosts_are_compared_with_their_ports_and_without_their_case() {
    let options = |service: mcp_http::McpServiceBuilder| {
        service.allow_host("Mcp.Example.com").allow_host("ported.example.com:8443")
    };
    let server = TestServer::with(options).await;
    for host in ["mcp.example.com", "MCP.EXAMPLE.COM:99", "ported.example.com:8443", "localhost"] {
        assert_eq!(send(&server, &from(host, None)).await.status(), 200, "{host}");
    }
    for host in ["ported.example.com:8444", "example.com", "x.mcp.example.com", "mcp.example.com.x"]
    {
        assert_forbidden(&send(&server, &from(host, None)).await, host);
    }
}

/// RFC 6454, 4: scheme, host and port together are the origin; the scheme's port goes without
/// saying.
#[tokio::test]
async fn allowed_origins_are_compared_with_scheme_and_port_and_without_case() {
    let options = |service: mcp_http::McpServiceBuilder| {
        service.allow_origin("https://App.example.com").allow_origin("http://dev.example.com:5173")
    };
    let server = TestServer::with(options).await;
    for origin in [
        "https://app.example.com",
        "https://APP.example.com",
        "https://app.example.com:443",
        "http://dev.example.com:5173",
        "http://localhost:1",
    ] {
        let answer = send(&server, &from("localhost", Some(origin))).await;
        assert_eq!(answer.status(), 200, "{origin}");
    }
    for origin in [
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://example.com",
        "https://x.app.example.com",
        "http://dev.example.com",
        "http://dev.example.com:51730",
    ] {
        assert_forbidden(&send(&server, &from("localhost", Some(origin))).await, origin);
    }
}

#[tokio::test]
async fn what_cannot_be_a_host_or_an_origin_is_refused_when_the_service_is_built() {
    let service = || {
        let tool = Tool::new("t");
        let server = Server::builder("s", "1")
            .tool(tool, |_: Arguments, _: Context| async { Ok::<_, ToolError>("") });
        McpService::builder(server.build().expect("a server"))
    };
    for host in ["", "http://example.com", "*", "*.example.com", "a b", "example.com:0x50", "::1"] {
        let error = service().allow_host(host).build().expect_err(host);
        assert!(error.to_string().contains(host), "{error}");
    }
    for origin in
        ["", "example.com", "https://", "*", "https://*.example.com", "https://a.example/x"]
    {
        let error = service().allow_origin(origin).build().expect_err(origin);
        assert!(error.to_string().contains(origin), "{error}");
    }
}

#[tokio::test]
async fn the_dangerous_options_let_in_what_they_say_and_no_more() {
    let any_host = TestServer::with(|service| service.dangerous_allow_any_host()).await;
    assert_eq!(send(&any_host, &from("evil.example.com", None)).await.status(), 200);
    let evil = Some("http://evil.example.com");
    assert_forbidden(&send(&any_host, &from("evil.example.com", evil)).await, "the origin");
    let any_origin = TestServer::with(|service| service.dangerous_allow_any_origin()).await;
    assert_eq!(send(&any_origin, &from("localhost", evil)).await.status(), 200);
    assert_forbidden(&send(&any_origin, &from("evil.example.com", evil)).await, "the host");
}

/// CVE-2025-66414: no protection against DNS rebinding unless it was asked for. Here it is on, for
/// the request that opens a session and for one of the modern era.
#[tokio::test]
async fn cve_2025_66414_a_rebound_host_is_forbidden_by_default() {
    let server = TestServer::start().await;
    let host = [("Host", "evil.example.com:8000")];
    let opening = send(&server, &post(&host, &initialize("2025-11-25"))).await;
    assert_forbidden(&opening, "initialize");
    assert_forbidden(&send(&server, &from(host[0].1, None)).await, "server/discover");
    assert_eq!(server.service.sessions(), 0);
}

/// CVE-2025-66416: the same of another server. A page that was rebound sends its own name in both
/// headers, and calls tools.
#[tokio::test]
async fn cve_2025_66416_a_rebound_page_cannot_call_a_tool() {
    let server = TestServer::start().await;
    let headers = [("Host", "evil.example.com"), ("Origin", "http://evil.example.com")];
    let params = json!({"name": "wait", "arguments": {}});
    let answer = send(&server, &modern(1, "tools/call", params, &headers)).await;
    assert_forbidden(&answer, "tools/call");
    assert_eq!(server.probe.polls(), 0);
}

/// CVE-2026-34742: the same of another server, for the streams of a session that is known.
#[tokio::test]
async fn cve_2026_34742_a_rebound_page_cannot_read_or_end_a_session() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    for method in ["GET", "DELETE"] {
        let text = bare(method, &session.headers()).replace("localhost", "evil.example.com");
        assert_forbidden(&send(&server, &text).await, method);
    }
    assert_eq!(server.service.sessions(), 1);
}

/// CVE-2026-35568: the same of another server, which looked at no Origin.
#[tokio::test]
async fn cve_2026_35568_an_evil_origin_is_forbidden_for_every_method() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    let mut headers = session.headers();
    headers.push(("Origin", "https://evil.example.com"));
    for method in ["GET", "DELETE", "OPTIONS", "PUT"] {
        assert_forbidden(&send(&server, &bare(method, &headers)).await, method);
    }
    let opening = send(&server, &post(&headers[2..], &initialize("2025-11-25"))).await;
    assert_forbidden(&opening, "POST");
    assert_eq!(server.service.sessions(), 1);
}

/// CVE-2026-42559: the same of another server. Over HTTP/2 there is no `Host`: the name stands in
/// `:authority` (RFC 9113, 8.3.1), and a `Host` besides it must be good too.
#[tokio::test]
async fn cve_2026_42559_a_rebound_authority_is_forbidden_over_http_2() {
    let server = TestServer::start().await;
    let mut h2 = H2::connect(server.addr).await;
    let evil =
        modern_call(1, "echo", json!({})).replace("Host: localhost", "Host: evil.example.com");
    let response = h2.send(parsed_h2(&evil)).await;
    assert_eq!(response.status(), 403);
    let good = modern_call(1, "echo", json!({}));
    let mut both = parsed_h2(&good);
    both.headers_mut().insert("host", "evil.example.com".parse().expect("a value"));
    assert_eq!(h2.send(both).await.status(), 403);
    let mut origin = parsed_h2(&good);
    origin.headers_mut().insert("origin", "http://evil.example.com".parse().expect("a value"));
    assert_eq!(h2.send(origin).await.status(), 403);
    let response = h2.send(parsed_h2(&good)).await;
    assert_eq!(response.status(), 200, "{:?}", rest(response.into_body()).await);
}
