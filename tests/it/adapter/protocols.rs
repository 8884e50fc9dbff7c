//! HTTP/1.1 and HTTP/2 on one port, without TLS and without an upgrade.

use http_body_util::BodyExt;
use serde_json::json;

use crate::support::h2::{H2, parsed_h2, rest};
use crate::support::messages::{assert_serves, initialize, modern, modern_call, post, request};
use crate::support::server::TestServer;

#[tokio::test]
async fn both_protocols_are_served_on_one_port_and_in_both_eras() {
    let server = TestServer::start().await;
    assert_serves(&server).await;
    let mut h2 = H2::connect(server.addr).await;
    let response = h2.send(parsed_h2(&modern_call(1, "echo", json!({"x": 1})))).await;
    assert_eq!(
        (response.status(), response.version()),
        (http::StatusCode::OK, http::Version::HTTP_2)
    );
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: serde_json::Value =
        serde_json::from_slice(&rest(response.into_body()).await).expect("JSON");
    assert_eq!(body["result"]["content"][0]["text"], r#"{"x":1}"#);

    let response = h2.send(parsed_h2(&post(&[], &initialize("2025-11-25")))).await;
    assert_eq!(response.status(), 200);
    let id = response.headers()["mcp-session-id"].to_str().expect("ASCII").to_owned();
    let ping = post(&[("Mcp-Session-Id", &id)], &request(1, "ping", json!({})));
    // A session belongs to no connection and to no protocol.
    assert_eq!(h2.send(parsed_h2(&ping)).await.status(), 200);
    assert_eq!(server.connect().await.send(&ping).await.status(), 200);
}

/// RFC 9113, 8.2.2: the header fields of a connection are HTTP/1.1's alone.
#[tokio::test]
async fn a_stream_over_http_2_has_the_events_and_no_connection_headers() {
    let server = TestServer::start().await;
    let mut h2 = H2::connect(server.addr).await;
    let meta = json!({"progressToken": "t"});
    let params = json!({"name": "progress", "arguments": {"count": 3}, "_meta": meta});
    let response = h2.send(parsed_h2(&modern(1, "tools/call", params, &[]))).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    for name in ["connection", "transfer-encoding", "keep-alive"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    let body = rest(response.into_body()).await;
    let text = std::str::from_utf8(&body).expect("UTF-8");
    assert_eq!(text.matches("notifications/progress").count(), 3);
    assert!(text.ends_with("\n\n") && text.trim_end().ends_with('}'));
}

/// A call that waits on one stream of a connection holds up none of the others.
#[tokio::test]
async fn streams_of_one_http_2_connection_do_not_wait_for_each_other() {
    let server = TestServer::start().await;
    let mut h2 = H2::connect(server.addr).await;
    let meta = json!({"progressToken": "t"});
    let params = json!({"name": "wait", "arguments": {"progress": 1}, "_meta": meta});
    let mut waiting = h2.send(parsed_h2(&modern(1, "tools/call", params, &[]))).await.into_body();
    let first = waiting.frame().await.expect("a frame").expect("data");
    assert!(first.into_data().expect("data").starts_with(b"data: "));
    for id in 0..20 {
        let response = h2.send(parsed_h2(&modern_call(id, "echo", json!({})))).await;
        assert_eq!(response.status(), 200);
    }
    server.probe.release(1);
    let body = rest(waiting).await;
    assert!(String::from_utf8_lossy(&body).contains("waited"));
}

/// RFC 9112, 9.3.2: answers come in the order of their requests.
#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    let all: String = (0..10).map(|id| modern_call(id, "echo", json!({"n": id}))).collect();
    wire.write(all.as_bytes()).await;
    for id in 0..10 {
        assert_eq!(wire.answer().await.json()["id"], id);
    }
}

/// nginx 1.22 speaks HTTP/1.0 to what stands behind it: no chunks, and the end of the connection is
/// the end of a stream.
#[tokio::test]
async fn a_stream_over_http_1_0_ends_with_its_connection() {
    let server = TestServer::start().await;
    let meta = json!({"progressToken": "t"});
    let params = json!({"name": "progress", "arguments": {"count": 2}, "_meta": meta});
    let text = modern(1, "tools/call", params, &[("Connection", "close")]);
    let text = text.replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n");
    let mut wire = server.connect().await;
    wire.write(text.as_bytes()).await;
    let head = wire.head().await.expect("a response");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(head.header("transfer-encoding"), None);
    let body = wire.remainder().await;
    let text = std::str::from_utf8(&body).expect("UTF-8");
    assert_eq!(text.matches("data: ").count(), 3, "{text}");
    let echo = modern_call(2, "echo", json!({})).replace(" HTTP/1.1\r\n", " HTTP/1.0\r\n");
    let mut wire = server.connect().await;
    wire.write(echo.as_bytes()).await;
    assert_eq!(wire.head().await.expect("a response").status, 200);
    let body: serde_json::Value = serde_json::from_slice(&wire.remainder().await).expect("JSON");
    assert_eq!(body["id"], 2);
}
