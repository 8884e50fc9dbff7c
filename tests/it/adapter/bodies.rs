//! How much of a body is read, and for how long.

use std::time::Duration;

use serde_json::json;

use crate::support::messages::{assert_serves, modern_call};
use crate::support::server::TestServer;

/// A call whose body has exactly this many bytes.
fn sized(bytes: usize) -> String {
    let empty = modern_call(1, "echo", json!({"x": ""}));
    let (_, body) = empty.split_once("\r\n\r\n").expect("a head");
    modern_call(1, "echo", json!({"x": "x".repeat(bytes - body.len())}))
}

/// RFC 9110, 15.5.14. CVE-2026-39313: unbounded body.
#[tokio::test]
async fn cve_2026_39313_a_body_over_the_limit_is_refused_and_one_at_it_is_not() {
    let server = TestServer::with(|service| service.max_body_bytes(4096)).await;
    assert_eq!(server.connect().await.send(&sized(4096)).await.status(), 200);
    let answer = server.connect().await.send(&sized(4097)).await;
    assert_eq!(answer.status(), 413);
    assert!(answer.text().contains("4096"), "{}", answer.text());
    assert_serves(&server).await;
}

/// The default of 4 MiB.
#[tokio::test]
async fn the_default_limit_is_four_mebibytes() {
    let server = TestServer::start().await;
    assert_eq!(server.connect().await.send(&sized(4 << 20)).await.status(), 200);
    assert_eq!(server.connect().await.send(&sized((4 << 20) + 1)).await.status(), 413);
}

/// What a body says of its length is enough to refuse it: nothing of it is waited for.
#[tokio::test]
async fn cve_2026_39313_a_length_over_the_limit_is_refused_before_the_body_comes() {
    let server = TestServer::with(|service| service.max_body_bytes(4096)).await;
    let text = sized(4097);
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    for length in ["4097", "99999999999999"] {
        let mut wire = server.connect().await;
        let head = head.replace("Content-Length: 4097", &format!("Content-Length: {length}"));
        let answer = wire.send(&(head + "\r\n\r\n")).await;
        assert_eq!(answer.status(), 413, "{length}");
        assert_eq!(answer.header("connection"), Some("close"));
        wire.closed().await;
    }
    assert_serves(&server).await;
}

/// The same for one that does not say its length.
#[tokio::test]
async fn cve_2026_39313_a_chunked_body_is_cut_at_the_limit() {
    let server = TestServer::with(|service| service.max_body_bytes(4096)).await;
    for (bytes, status) in [(4096, 200), (4097, 413)] {
        let text = sized(bytes);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let head = head.replace(&format!("Content-Length: {bytes}"), "Transfer-Encoding: chunked");
        let (first, second) = body.split_at(1000);
        let chunked =
            format!("{head}\r\n\r\n3e8\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
        assert_eq!(server.connect().await.send(&chunked).await.status(), status, "{bytes}");
    }
    assert_serves(&server).await;
}

/// RFC 9110, 15.5.9: 408, and "the server ... SHOULD send the "close" connection option".
#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_refused() {
    let options =
        |service: mcp_http::McpServiceBuilder| service.body_timeout(Duration::from_millis(50));
    let server = TestServer::with(options).await;
    let text = modern_call(1, "echo", json!({}));
    let end_of_head = text.find("\r\n\r\n").expect("a head") + 4;
    for sent in [end_of_head, end_of_head + 1, text.len() - 1] {
        let mut wire = server.connect().await;
        let answer = wire.send(&text[..sent]).await;
        assert_eq!(answer.status(), 408, "{}", answer.text());
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.json().get("id"), None);
        wire.closed().await;
    }
    assert_serves(&server).await;
}

/// A body in many pieces is put together, whatever the cuts.
#[tokio::test]
async fn a_body_may_come_byte_by_byte() {
    let server = TestServer::start().await;
    let text = modern_call(1, "echo", json!({"x": "Grüße, 世界"}));
    let mut wire = server.connect().await;
    for byte in text.as_bytes() {
        wire.write(&[*byte]).await;
    }
    assert_eq!(
        wire.answer().await.json()["result"]["content"][0]["text"],
        r#"{"x":"Grüße, 世界"}"#
    );
}

/// A client that leaves in the middle of its body has asked for nothing.
#[tokio::test]
async fn a_body_that_breaks_off_calls_nothing() {
    let server = TestServer::start().await;
    let text = modern_call(1, "wait", json!({}));
    for how in ["fin", "reset"] {
        let mut wire = server.connect().await;
        wire.write(&text.as_bytes()[..text.len() - 1]).await;
        if how == "fin" {
            wire.fin().await;
            wire.closed().await;
        } else {
            wire.reset();
        }
    }
    assert_serves(&server).await;
    assert_eq!(server.probe.polls(), 0);
}

/// RFC 9110, 10.1.1: a client that waits for 100 gets it, or the refusal instead of it.
#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it_or_the_refusal() {
    let server = TestServer::with(|service| service.max_body_bytes(4096)).await;
    let text = modern_call(1, "echo", json!({}));
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut wire = server.connect().await;
    wire.write(format!("{head}\r\nExpect: 100-continue\r\n\r\n").as_bytes()).await;
    assert_eq!(wire.head().await.expect("100").status, 100);
    wire.write(body.as_bytes()).await;
    assert_eq!(wire.answer().await.status(), 200);
    let text = sized(4097);
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    let mut wire = server.connect().await;
    let answer = wire.send(&format!("{head}\r\nExpect: 100-continue\r\n\r\n")).await;
    assert_eq!(answer.status(), 413);
}
