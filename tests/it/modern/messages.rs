//! 2026-07-28, Streamable HTTP, Sending Messages, and Earlier Streamable HTTP Revisions: what a
//! client may send, and what is left of sessions.

use serde_json::{Value, json};

use crate::support::messages::{
    assert_serves, bare, modern, modern_call, notification, post, request,
};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

const VERSION: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");

async fn send(server: &TestServer, text: &str) -> Answer {
    server.connect().await.send(text).await
}

/// 2026-07-28, Streamable HTTP, Protocol Version Header: "If the server does not implement the
/// requested RPC method, it MUST respond with `404 Not Found` and a JSON-RPC error with code
/// `-32601` (`Method not found`)." Nothing that lists, reads or subscribes is there before it is
/// registered, and nothing of the legacy era is.
#[tokio::test]
async fn a_method_that_is_not_there_is_not_found() {
    let server = TestServer::start().await;
    for (n, method) in [
        "initialize",
        "ping",
        "logging/setLevel",
        "notifications/initialized",
        "notifications/cancelled",
        "resources/list",
        "resources/templates/list",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "prompts/list",
        "completion/complete",
        "tasks/list",
        "roots/list",
        "sampling/createMessage",
        "elicitation/create",
        "unknown/method",
        "tools/List",
        "tools/list/",
        "rpc.discover",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = send(&server, &modern(n, method, json!({}), &[])).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
        assert_eq!(answer.json()["id"], n, "{method}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method}");
    }
    assert_eq!(server.service.sessions(), 0);
    assert_serves(&server).await;
}

/// 2026-07-28, Streamable HTTP, Earlier Revisions: "HTTP GET or DELETE to the MCP endpoint: respond
/// with `405 Method Not Allowed`"; RFC 9110, 15.5.6: "The origin server MUST generate an Allow
/// header field". That they are not 405 is not noticed by the suite.
#[tokio::test]
async fn get_and_delete_of_a_modern_client_are_not_allowed() {
    let server = TestServer::start().await;
    for method in ["GET", "DELETE"] {
        for more in [&[][..], &[("Mcp-Session-Id", "abc")], &[("Last-Event-ID", "1")]] {
            let headers = [&[VERSION], more].concat();
            let answer = send(&server, &bare(method, &headers)).await;
            assert_eq!(answer.status(), 405, "{method} {more:?}");
            let allow = answer.header("allow").expect("an Allow header");
            let allowed: Vec<_> = allow.split(',').map(str::trim).collect();
            assert!(allowed.contains(&"POST") && !allowed.contains(&method), "{allow}");
        }
    }
}

/// RFC 9110, 15.5.6, for methods that no revision knows.
#[tokio::test]
async fn other_methods_are_not_allowed() {
    let server = TestServer::start().await;
    for method in ["PUT", "PATCH", "TRACE", "QUERY"] {
        let answer = send(&server, &bare(method, &[VERSION])).await;
        assert_eq!(answer.status(), 405, "{method}");
        assert!(answer.header("allow").expect("an Allow header").contains("POST"));
    }
}

/// 2026-07-28, Streamable HTTP, Earlier Revisions: "An `Mcp-Session-Id` header on a request: ignore
/// it, and do not mint or echo session IDs." A session leaked for each `server/discover` is what
/// others get wrong.
#[tokio::test]
async fn a_session_id_is_ignored_and_none_is_minted() {
    let server = TestServer::start().await;
    let progress =
        json!({"name": "progress", "arguments": {"count": 1}, "_meta": {"progressToken": 1}});
    for ids in
        [&[][..], &[("Mcp-Session-Id", "abc")], &[("Mcp-Session-Id", "a"), ("Mcp-Session-Id", "b")]]
    {
        for text in [
            modern(1, "server/discover", json!({}), ids),
            modern(1, "tools/list", json!({}), ids),
            modern(1, "tools/call", json!({"name": "echo", "arguments": {}}), ids),
            modern(1, "tools/call", progress.clone(), ids),
        ] {
            let answer = send(&server, &text).await;
            assert_eq!(answer.status(), 200, "{text}\n{}", answer.text());
            assert_eq!(answer.header("mcp-session-id"), None, "{text}");
        }
        let answer = send(&server, &modern(1, "unknown/method", json!({}), ids)).await;
        assert_eq!((answer.status(), answer.header("mcp-session-id")), (404, None));
    }
    assert_eq!(server.service.sessions(), 0);
}

/// 2026-07-28, Streamable HTTP, Earlier Revisions: "A `Last-Event-ID` header: ignore it; streams
/// are not resumable."
#[tokio::test]
async fn a_last_event_id_is_ignored() {
    let server = TestServer::start().await;
    let echo = json!({"name": "echo", "arguments": {"x": 1}});
    for id in ["1", "nonsense", "0-0"] {
        let text = modern(1, "tools/call", echo.clone(), &[("Last-Event-ID", id)]);
        let answer = send(&server, &text).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json()["result"]["content"][0]["text"], r#"{"x":1}"#);
    }
}

/// 2026-07-28, Streamable HTTP, Sending Messages, 5: "If the server accepts it, the server MUST
/// return HTTP status code `202 Accepted` with no body." That it is answered 200 is not noticed by
/// the suite.
#[tokio::test]
async fn a_notification_is_accepted_without_a_body() {
    let server = TestServer::start().await;
    let meta = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    for (method, params, headers) in [
        ("notifications/cancelled", json!({"requestId": 1}), &[VERSION][..]),
        ("notifications/unknown", json!({}), &[VERSION]),
        ("notifications/initialized", meta, &[]),
    ] {
        let answer = send(&server, &post(headers, &notification(method, params))).await;
        assert_eq!((answer.status(), answer.text()), (202, ""), "{method}");
        assert_eq!(answer.header("mcp-session-id"), None);
    }
}

/// 2026-07-28, Cancellation, Transport-Specific Cancellation: over Streamable HTTP the disconnect is
/// the signal, and `notifications/cancelled` none: an id names no call of one's own, since every
/// client may use it.
#[tokio::test]
async fn a_cancelled_notification_cancels_nobody() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    wire.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    server.probe.started(1).await;
    let cancel = notification("notifications/cancelled", json!({"requestId": 1}));
    assert_eq!(send(&server, &post(&[VERSION], &cancel)).await.status(), 202);
    server.probe.release(1);
    assert_eq!(wire.answer().await.json()["result"]["content"][0]["text"], "waited");
    assert_eq!(server.probe.dropped_now(), 0);
}

/// 2026-07-28, Streamable HTTP, Sending Messages, 4: "The client MUST NOT send JSON-RPC
/// _responses_."
#[tokio::test]
async fn a_posted_response_is_refused() {
    let server = TestServer::start().await;
    for response in [
        json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "m"}}),
    ] {
        let answer = send(&server, &post(&[VERSION], &response.to_string())).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{response}");
        assert_eq!(answer.json().get("id"), None, "the id is the client's own answer's");
    }
}

/// 2026-07-28, Streamable HTTP, Sending Messages, 4: "The body of the HTTP POST MUST be a single
/// JSON-RPC _request_ or _notification_."
#[tokio::test]
async fn a_batch_is_refused() {
    let server = TestServer::start().await;
    let list: Value =
        serde_json::from_str(&request(1, "tools/list", json!({}))).expect("a request");
    let meta = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    let named: Value = serde_json::from_str(&request(2, "tools/list", meta)).expect("a request");
    for (headers, batch) in [
        (&[VERSION][..], json!([list])),
        (&[VERSION, ("Mcp-Method", "tools/list")], json!([list, list])),
        (&[VERSION], json!([])),
        (&[], json!([named])),
        (&[], json!([list, named])),
    ] {
        let answer = send(&server, &post(headers, &batch.to_string())).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{batch}");
    }
}

/// JSON-RPC 2.0, 5.1. That invalid JSON is answered 202 is not noticed by the suite.
#[tokio::test]
async fn a_body_that_is_no_message_is_refused_with_json_rpcs_code() {
    let server = TestServer::start().await;
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("nonsense", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"} x"#, -32700),
        ("null", -32600),
        ("1", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":1}"#, -32600),
    ] {
        let headers = [VERSION, ("Mcp-Method", "tools/list")];
        let answer = send(&server, &post(&headers, body)).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(code)), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_serves(&server).await;
}
