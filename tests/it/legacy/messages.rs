//! Transports, Sending Messages to the Server, 4 and 5; Ping; Base Protocol: what each kind of
//! message is answered with.

use serde_json::json;

use super::{LATEST, VERSIONS, assert_accepted, json_gist};
use crate::support::messages::{Session, bare, call, notification, post, request};
use crate::support::server::TestServer;

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Transports, Sending Messages to the Server, 4: "If the
/// server accepts the input, the server MUST return HTTP status code 202 Accepted with no body."
/// FACTS: the suite does not notice "a notification answered 200".
#[tokio::test]
async fn notifications_and_responses_are_202_with_no_body() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for body in [
            notification("notifications/initialized", json!({})),
            notification("notifications/cancelled", json!({"requestId": 1})),
            notification("notifications/progress", json!({"progressToken": 1, "progress": 1})),
            notification("notifications/roots/list_changed", json!({})),
            notification("notifications/unknown", json!({"x": [1, 2]})),
            notification("tools/call", json!({"name": "wait"})),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string(),
            json!({"jsonrpc": "2.0", "id": 5, "result": {}}).to_string(),
            json!({"jsonrpc": "2.0", "id": "x", "error": {"code": -1, "message": "m"}}).to_string(),
        ] {
            assert_accepted(&session.send(&server, &body).await);
        }
    }
    assert_eq!(server.service.calls_in_flight(), 0);
}

/// 2025-11-25, Transports, Sending Messages to the Server, 5: a request is answered with JSON or a
/// stream, and so never with 202.
#[tokio::test]
async fn a_request_is_answered_with_json_of_known_length() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let mut wire = server.connect().await;
        for (body, expected) in [
            (call(1, "echo", json!({"a": "ä"})), r#"1={"a":"ä"}"#),
            (request("two", "ping", json!({})), "two={}"),
            (request(3, "unknown", json!({})), "3!-32601"),
            (call(4, "unknown", json!({})), "4!-32602"),
            (call(5, "fail", json!({})), "5=it failed"),
        ] {
            assert_eq!(json_gist(&wire.send(&session.post(&body)).await), expected, "{version}");
        }
        let list = wire.send(&session.post(&request(6, "tools/list", json!({})))).await;
        json_gist(&list);
        let tools = list.json()["result"]["tools"].clone();
        let names: Vec<_> =
            tools.as_array().expect("a list").iter().map(|tool| tool["name"].clone()).collect();
        assert_eq!(json!(names[..4]), json!(["echo", "fail", "panic", "progress"]), "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Ping, Behavior Requirements, 1: "The receiver MUST
/// respond promptly with an empty response".
#[tokio::test]
async fn a_ping_is_answered_with_an_empty_object_exactly() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for body in [
            json!({"jsonrpc": "2.0", "id": "123", "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": "123", "method": "ping", "params": {}}),
            json!({"jsonrpc": "2.0", "id": "123", "method": "ping", "params": {"_meta": {}}}),
        ] {
            let answer = session.send(&server, &body.to_string()).await;
            assert_eq!(json_gist(&answer), "123={}");
            let expected = json!({"jsonrpc": "2.0", "id": "123", "result": {}});
            assert_eq!(answer.json(), expected, "{version}");
        }
    }
}

/// 2025-11-25, Base Protocol, Responses: they "MUST include the same ID as the request they
/// correspond to". FACTS: "a 30-digit id becomes a float".
#[tokio::test]
async fn an_id_is_echoed_as_it_came() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    let mut wire = server.connect().await;
    for id in ["0", "-1", "9007199254740993", "123456789012345678901234567890", r#""""#, r#""é""#]
    {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let answer = wire.send(&session.post(&body)).await;
        assert!(answer.text().contains(&format!(r#""id":{id}"#)), "{}", answer.text());
    }
}

/// JSON-RPC 2.0, section 5.1; decision 15: "JSON-RPC errors to accepted legacy calls travel with
/// HTTP 200".
#[tokio::test]
async fn an_unknown_method_is_200_with_method_not_found() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for method in [
            "prompts/list",
            "resources/list",
            "completion/complete",
            "server/discover",
            "subscriptions/listen",
            "tools/List",
            "x",
            "",
        ] {
            let answer = session.send(&server, &request(1, method, json!({}))).await;
            assert_eq!(json_gist(&answer), "1!-32601", "{method:?}, {version}");
        }
    }
}

/// 2025-11-25 (and 2025-06-18), Base Protocol, `_meta`: "Certain key names are reserved by MCP for
/// protocol-level metadata, as specified below; implementations MUST NOT make assumptions about
/// values at these keys."
#[tokio::test]
async fn reserved_keys_of_meta_may_hold_anything() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for value in [json!(null), json!("x"), json!(-1), json!([{}]), json!({"taskId": 1})] {
            let meta = json!({
                "modelcontextprotocol.io/other": value,
                "io.modelcontextprotocol/related-task": value,
                "io.modelcontextprotocol/logLevel": value,
                "io.modelcontextprotocol/clientInfo": value,
            });
            let params = json!({"name": "log", "arguments": {}, "_meta": meta});
            let answer = session.send(&server, &request(1, "tools/call", params)).await;
            assert_eq!(json_gist(&answer), "1=done", "{version}, {value}");
        }
    }
}

/// FACTS, others: "bad JSON is answered 415 text/plain"; the suite does not notice "invalid JSON
/// answered 202". JSON-RPC 2.0, section 5.1: -32700.
#[tokio::test]
async fn bad_json_is_400_with_a_parse_error() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for body in ["", "{", "not json", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}x"#, "[1,"] {
            let answer = session.send(&server, body).await;
            assert_eq!((answer.status(), answer.code()), (400, Some(-32700)), "{body:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    }
}

/// JSON-RPC 2.0, section 5.1: what is JSON but no message is -32600, and is never accepted in
/// silence (2025-11-25, Transports, Sending Messages to the Server, 4: "it MUST return an HTTP
/// error status code").
#[tokio::test]
async fn what_is_no_message_is_400_with_an_invalid_request() {
    let server = TestServer::start().await;
    let session = Session::open(&server, LATEST).await;
    for body in [
        "1",
        "null",
        r#""ping""#,
        "{}",
        r#"{"jsonrpc":"2.0"}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#,
    ] {
        let answer = session.send(&server, body).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32600)), "{body}");
    }
}

/// 2025-11-25, Transports, Security Warning, 1: "If the `Origin` header is present and invalid,
/// servers MUST respond with HTTP 403 Forbidden." FACTS: the suite does not notice "an evil Origin
/// with a good Host" nor "400 for 403".
#[tokio::test]
async fn an_evil_origin_with_a_good_host_is_403_and_does_nothing() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let sessions = server.service.sessions();
        for origin in ["http://evil.example", "https://localhost.evil.example", "null"] {
            let headers = [&session.headers()[..], &[("Origin", origin)]].concat();
            for request in [
                post(&headers, &request(1, "ping", json!({}))),
                post(&headers, &notification("notifications/initialized", json!({}))),
                post(&[("Origin", origin)], &crate::support::messages::initialize(version)),
                bare("GET", &headers),
                bare("DELETE", &headers),
            ] {
                let answer = server.connect().await.send(&request).await;
                assert_eq!(answer.status(), 403, "{origin}: {request}");
                assert_eq!(answer.header("access-control-allow-origin"), None);
            }
        }
        assert_eq!(server.service.sessions(), sessions);
        // A page of this machine's own may.
        let headers = [&session.headers()[..], &[("Origin", "http://localhost:3000")]].concat();
        let ping = request(1, "ping", json!({}));
        let answer = server.connect().await.send(&post(&headers, &ping)).await;
        assert_eq!(json_gist(&answer), "1={}");
    }
}
