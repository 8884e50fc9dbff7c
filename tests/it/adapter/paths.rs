//! Which paths are the endpoint, and that none is a redirect: a redirect for a trailing slash broke
//! real clients.

use serde_json::json;

use crate::support::messages::{Session, assert_serves, modern_call};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn call_at(server: &TestServer, path: &str) -> Answer {
    let text = modern_call(1, "echo", json!({}));
    server.connect().await.send(&text.replace("POST /mcp ", &format!("POST {path} "))).await
}

/// FACTS, Platforms: "A prefix rewrite can produce `//mcp`"; a mount point may be stripped or not.
#[tokio::test]
async fn the_endpoint_is_found_whatever_slashes_and_prefixes_are_left_of_the_way_to_it() {
    let server = TestServer::start().await;
    for path in
        ["/mcp", "/mcp/", "//mcp", "//mcp//", "/api/v1/mcp", "/api//mcp/", "/", "/mcp?x=1", "/?a"]
    {
        let answer = call_at(&server, path).await;
        assert_eq!(answer.status(), 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("location"), None);
    }
}

#[tokio::test]
async fn another_path_is_not_found_and_never_a_redirect() {
    let server = TestServer::start().await;
    for path in [
        "/mc",
        "/mcpx",
        "/MCP",
        "/mcp/x",
        "/mcp/mcpx",
        "/sse",
        "/messages",
        "/health",
        "/%6dcp/x",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/favicon.ico",
        "/x?/mcp",
    ] {
        let answer = call_at(&server, path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.header("location"), None);
        assert!(answer.json().get("id").is_none(), "{path}");
    }
    assert_serves(&server).await;
}

/// A 404 of the path is told apart from a session's: it has no session to end (2025-11-25,
/// Transports, Session Management, 3), and a client that reads the message sees what to do.
#[tokio::test]
async fn a_session_is_served_at_every_spelling_of_the_endpoint() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    for path in ["/mcp/", "//mcp", "/prefix/mcp"] {
        let text = session.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let text = text.replace("POST /mcp ", &format!("POST {path} "));
        assert_eq!(server.connect().await.send(&text).await.status(), 200, "{path}");
    }
    let text = session.delete().replace("DELETE /mcp ", "DELETE /mcp/ ");
    assert_eq!(server.connect().await.send(&text).await.status(), 204);
}

#[tokio::test]
async fn the_endpoint_may_be_called_something_else() {
    let server = TestServer::with(|service| service.endpoint("/tools/rpc")).await;
    for path in ["/tools/rpc", "/tools/rpc/", "//tools//rpc", "/x/tools/rpc"] {
        assert_eq!(call_at(&server, path).await.status(), 200, "{path}");
    }
    for path in ["/mcp", "/rpc", "/other/rpc", "/tools"] {
        assert_eq!(call_at(&server, path).await.status(), 404, "{path}");
    }
}
