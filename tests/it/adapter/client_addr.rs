//! Where a client is: what the proxies in front say of it, as far as they are trusted, and how many
//! sessions one address may have.

use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::service::Service;
use mcp_http::{
    Arguments, Context, Head, McpService, McpServiceBuilder, PeerAddr, Principal, Refusal, Server,
    ServerBuilder, Tool, ToolError,
};
use serde_json::json;

use crate::support::h2::parsed;
use crate::support::messages::{call, initialize, modern, post};
use crate::support::server::{Probe, TestServer, tools};
use crate::support::wire::{Answer, Wire};

/// A tool that tells where its caller is.
fn whereami(builder: ServerBuilder) -> ServerBuilder {
    builder.tool(Tool::new("whereami"), |_: Arguments, cx: Context| async move {
        Ok::<_, ToolError>(cx.client_addr().map_or("nowhere".to_owned(), |addr| addr.to_string()))
    })
}

async fn start(options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder) -> TestServer {
    TestServer::with_server(whereami, options).await
}

fn text(answer: &Answer) -> String {
    answer.json()["result"]["content"][0]["text"].as_str().expect("a text").to_owned()
}

/// FACTS, Platforms: "`X-Forwarded-For` is `client, lb`: the trusted entry is the second from the
/// right."
#[tokio::test]
async fn a_handler_learns_the_address_that_the_trusted_proxies_tell() {
    let forged = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.9, 35.191.0.1")];
    let too_few = [("X-Forwarded-For", "203.0.113.9")];
    let malformed = [("X-Forwarded-For", "203.0.113.9;, 35.191.0.1")];
    for (hops, headers, expected) in [
        (0, &forged[..], "127.0.0.1"),
        (1, &forged[..], "35.191.0.1"),
        (2, &forged[..], "203.0.113.9"),
        (2, &too_few[..], "127.0.0.1"),
        (2, &malformed[..], "127.0.0.1"),
        (2, &[], "127.0.0.1"),
    ] {
        let server = start(|it| it.trusted_hops(hops)).await;
        let mut wire = server.connect().await;
        let params = json!({"name": "whereami", "arguments": {}});
        let answer = wire.send(&modern(1, "tools/call", params, headers)).await;
        assert_eq!(text(&answer), expected, "modern, {hops} {headers:?}");

        let opened = wire.send(&post(headers, &initialize("2025-11-25"))).await;
        let id = opened.header("mcp-session-id").expect("a session").to_owned();
        let headers = [headers, &[("Mcp-Session-Id", &*id)]].concat();
        let answer = wire.send(&post(&headers, &call(1, "whereami", json!({})))).await;
        assert_eq!(text(&answer), expected, "legacy, {hops} {headers:?}");
    }
}

#[tokio::test]
async fn admit_learns_it_too() {
    let by_address = |head: Arc<Head>| async move {
        match head.client_addr() {
            Some(addr) if addr.to_string() == "203.0.113.9" => Ok(Principal::anonymous()),
            _ => Err(Refusal::forbidden("not from here")),
        }
    };
    let server = start(|it| it.trusted_hops(1).admit(by_address)).await;
    for (value, status) in [("203.0.113.9", 200), ("6.6.6.6, 203.0.113.9", 200), ("6.6.6.6", 403)] {
        let request = post(&[("X-Forwarded-For", value)], &initialize("2025-11-25"));
        assert_eq!(server.connect().await.send(&request).await.status(), status, "{value}");
    }
}

async fn open(wire: &mut Wire, client: &str) -> Answer {
    wire.send(&post(&[("X-Forwarded-For", client)], &initialize("2025-11-25"))).await
}

#[tokio::test]
async fn beyond_the_sessions_of_an_address_is_503_with_retry_after_until_one_ends() {
    let server = start(|it| it.trusted_hops(1).max_sessions_per_address(2)).await;
    let mut wire = server.connect().await;
    let first = open(&mut wire, "203.0.113.9").await;
    assert_eq!(open(&mut wire, "::ffff:203.0.113.9").await.status(), 200);
    let refused = open(&mut wire, "203.0.113.9").await;
    assert_eq!((refused.status(), refused.code()), (503, Some(-32603)));
    assert_eq!(refused.header("retry-after"), Some("5"));
    let message = refused.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("DELETE") && message.contains("trusted_hops"), "{message}");
    assert_eq!(refused.json()["id"], 0);
    assert_eq!(server.service.sessions(), 2);

    assert_eq!(open(&mut wire, "203.0.113.8").await.status(), 200);
    assert_eq!(open(&mut wire, "2001:db8::1").await.status(), 200);
    assert_eq!(open(&mut wire, "2001:db8::2").await.status(), 200);
    assert_eq!(open(&mut wire, "2001:db8::3").await.status(), 503);
    assert_eq!(open(&mut wire, "2001:db8:0:1::3").await.status(), 200);

    // What is refused is a session, and nothing else of that client's.
    let id = first.header("mcp-session-id").expect("a session").to_owned();
    let headers = [("X-Forwarded-For", "203.0.113.9"), ("Mcp-Session-Id", &*id)];
    let answer = wire.send(&post(&headers, &call(1, "whereami", json!({})))).await;
    assert_eq!(text(&answer), "203.0.113.9");
    let ended = wire.send(&crate::support::messages::bare("DELETE", &headers)).await;
    assert_eq!(ended.status(), 204);
    assert_eq!(open(&mut wire, "203.0.113.9").await.status(), 200);
}

/// Without `trusted_hops` a header makes nobody a client from elsewhere.
#[tokio::test]
async fn a_forged_header_gives_no_further_sessions() {
    let server = start(|it| it.max_sessions_per_address(1)).await;
    let mut wire = server.connect().await;
    assert_eq!(open(&mut wire, "203.0.113.1").await.status(), 200);
    assert_eq!(open(&mut wire, "203.0.113.2").await.status(), 503);
}

#[tokio::test]
async fn a_named_principal_is_not_counted_by_its_address() {
    let admit = |head: Arc<Head>| async move {
        let name = head.headers().get("x-name").and_then(|name| name.to_str().ok());
        Ok::<_, Refusal>(name.map_or_else(Principal::anonymous, Principal::named))
    };
    let server = start(|it| it.max_sessions_per_address(0).admit(admit)).await;
    let mut wire = server.connect().await;
    let named = post(&[("X-Name", "alice")], &initialize("2025-11-25"));
    assert_eq!(wire.send(&named).await.status(), 200);
    assert_eq!(wire.send(&post(&[], &initialize("2025-11-25"))).await.status(), 503);
}

/// In a server of one's own the address is what that server puts there.
#[tokio::test]
async fn a_mounted_service_counts_by_the_address_that_its_server_tells() {
    let server = tools(Server::builder("s", "1"), &Probe::default());
    let server = whereami(server).build().expect("a server");
    let service = McpService::builder(server).max_sessions_per_address(1).build();
    let service = service.expect("a service");
    let open = async |peer: Option<&str>| {
        let mut request = parsed(&post(&[], &initialize("2025-11-25")));
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().expect("an address");
            request.extensions_mut().insert(PeerAddr(peer));
        }
        let response = service.call(request).await.expect("infallible");
        let status = response.status().as_u16();
        response.into_body().collect().await.expect("infallible");
        status
    };
    assert_eq!(open(Some("203.0.113.9:1")).await, 200);
    assert_eq!(open(Some("[::ffff:203.0.113.9]:2")).await, 503);
    assert_eq!(open(Some("203.0.113.8:1")).await, 200);
    // Nobody knows whether these are one.
    assert_eq!((open(None).await, open(None).await), (200, 200));
}
