//! The CORS protocol (the Fetch standard) for pages whose origin is allowed.

use serde_json::json;

use crate::support::messages::{Session, bare, initialize, modern, modern_call, post};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

const PAGE: &str = "http://localhost:5173";

async fn send(server: &TestServer, text: &str) -> Answer {
    server.connect().await.send(text).await
}

fn list(answer: &Answer, header: &str) -> Vec<String> {
    let value = answer.header(header).unwrap_or_else(|| panic!("no {header}"));
    value.split(',').map(|item| item.trim().to_ascii_lowercase()).collect()
}

/// The answer lets the page read it, and the headers that the protocol has.
fn assert_readable(answer: &Answer, case: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{case}");
    assert!(list(answer, "access-control-expose-headers").contains(&"mcp-session-id".to_owned()));
    assert!(list(answer, "vary").contains(&"origin".to_owned()), "{case}");
    assert_eq!(answer.header("access-control-allow-credentials"), None, "{case}");
}

#[tokio::test]
async fn a_preflight_of_an_allowed_page_is_answered() {
    let server = TestServer::start().await;
    for method in ["POST", "GET", "DELETE"] {
        let headers = [
            ("Origin", PAGE),
            ("Access-Control-Request-Method", method),
            (
                "Access-Control-Request-Headers",
                "content-type,mcp-protocol-version,mcp-session-id,mcp-param-region,x-other",
            ),
        ];
        let answer = send(&server, &bare("OPTIONS", &headers)).await;
        assert_eq!((answer.status(), answer.text()), (204, ""));
        assert_readable(&answer, method);
        let methods = list(&answer, "access-control-allow-methods");
        assert!(methods.contains(&method.to_ascii_lowercase()), "{methods:?}");
        let allowed = list(&answer, "access-control-allow-headers");
        for name in [
            "content-type",
            "accept",
            "authorization",
            "last-event-id",
            "mcp-method",
            "mcp-name",
            "mcp-protocol-version",
            "mcp-session-id",
            "mcp-param-region",
        ] {
            assert!(allowed.contains(&name.to_owned()), "{name} in {allowed:?}");
        }
        assert!(!allowed.contains(&"x-other".to_owned()) && !allowed.contains(&"*".to_owned()));
    }
}

/// A preflight carries no credentials (Fetch, CORS-preflight fetch), so it is not `admit`'s.
#[tokio::test]
async fn a_preflight_needs_no_admission() {
    let options = |service: mcp_http::McpServiceBuilder| {
        service.admit(|_| async { Err(mcp_http::Refusal::unauthorized("no")) })
    };
    let server = TestServer::with(options).await;
    let headers = [("Origin", PAGE), ("Access-Control-Request-Method", "POST")];
    assert_eq!(send(&server, &bare("OPTIONS", &headers)).await.status(), 204);
    let refused = send(&server, &modern(1, "tools/list", json!({}), &[("Origin", PAGE)])).await;
    assert_eq!(refused.status(), 401);
    assert_readable(&refused, "the page must see that it is 401");
}

#[tokio::test]
async fn a_preflight_of_another_page_is_forbidden() {
    let server = TestServer::start().await;
    let headers =
        [("Origin", "https://evil.example.com"), ("Access-Control-Request-Method", "POST")];
    let answer = send(&server, &bare("OPTIONS", &headers)).await;
    assert_eq!(answer.status(), 403);
    assert!(
        answer
            .head
            .headers
            .iter()
            .all(|(name, _)| { !name.to_ascii_lowercase().starts_with("access-control-") })
    );
}

/// An answer is readable whatever it is: a result, a stream, an error, an empty one.
#[tokio::test]
async fn every_answer_to_an_allowed_page_can_be_read_by_it() {
    let server = TestServer::start().await;
    let page = ("Origin", PAGE);
    let progress =
        json!({"name": "progress", "arguments": {"count": 1}, "_meta": {"progressToken": 1}});
    for (case, text, status) in [
        ("a result", modern(1, "tools/list", json!({}), &[page]), 200),
        ("a stream", modern(1, "tools/call", progress, &[page]), 200),
        ("no method", modern(1, "x", json!({}), &[page]), 404),
        ("a mismatch", modern(1, "tools/list", json!({}), &[page, ("Mcp-Method", "x")]), 400),
        ("no message", post(&[page], "{"), 400),
        ("no session", bare("GET", &[page, ("Mcp-Session-Id", "x")]), 404),
        ("initialize", post(&[page], &initialize("2025-11-25")), 200),
    ] {
        let answer = send(&server, &text).await;
        assert_eq!(answer.status(), status, "{case}: {}", answer.text());
        assert_readable(&answer, case);
    }
}

/// A page that opens a session reads its id from the response's headers.
#[tokio::test]
async fn a_page_learns_the_id_of_its_session() {
    let server = TestServer::start().await;
    let answer = send(&server, &post(&[("Origin", PAGE)], &initialize("2025-11-25"))).await;
    assert!(answer.header("mcp-session-id").is_some());
    assert_readable(&answer, "initialize");
}

/// Who is no page gets nothing of it.
#[tokio::test]
async fn a_client_without_an_origin_gets_no_cors_headers() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    for text in [modern_call(1, "echo", json!({})), session.delete()] {
        let answer = send(&server, &text).await;
        let cors = answer
            .head
            .headers
            .iter()
            .find(|(name, _)| name.to_ascii_lowercase().starts_with("access-control-"));
        assert_eq!(cors, None);
    }
    let options = send(&server, &bare("OPTIONS", &[])).await;
    assert_eq!((options.status(), options.header("access-control-allow-methods")), (204, None));
    assert!(options.header("allow").expect("Allow").contains("POST"));
}
