//! Lifecycle, Initialization: negotiation, what the server says of itself, and the session's id.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Stream, VERSIONS, gist, json_gist};
use crate::support::messages::{Session, initialize, post, request};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn open(server: &TestServer, version: &str) -> Answer {
    server.connect().await.send(&post(&[], &initialize(version))).await
}

/// 2025-03-26, 2025-06-18 and 2025-11-25, Lifecycle, Version Negotiation: "If the server supports
/// the requested protocol version, it MUST respond with the same version." FACTS: the suite does
/// not notice "a negotiation that ignores the client's version".
#[tokio::test]
async fn each_revision_is_answered_with_itself() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let answer = open(&server, version).await;
        assert_eq!(json_gist(&answer).split('=').next(), Some("0"));
        let message = answer.json();
        assert_eq!((&message["jsonrpc"], &message["id"]), (&json!("2.0"), &json!(0)));
        assert_eq!(message["result"]["protocolVersion"], version);
    }
    assert_eq!(server.service.sessions(), VERSIONS.len());
}

/// 2025-11-25, Lifecycle, Version Negotiation: "Otherwise, the server MUST respond with another
/// protocol version it supports. This SHOULD be the latest version supported by the server": the
/// latest that `initialize` can open. 2026-07-28 has no `initialize`.
#[tokio::test]
async fn any_other_revision_is_answered_with_the_newest_legacy_one() {
    let server = TestServer::start().await;
    for asked in ["2024-11-05", "2026-07-28", "2099-01-01", "2025-11-25 ", "latest", "1.0", ""] {
        let answer = open(&server, asked).await;
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25", "{asked:?}");
        let id = answer.header("mcp-session-id").expect("a session id").to_owned();
        let session = Session { id, version: "2025-11-25".to_owned() };
        let answer = session.send(&server, &request(1, "ping", json!({}))).await;
        assert_eq!(json_gist(&answer), "1={}", "{asked:?}");
        // It is a session of that revision: its streams are primed.
        let mut stream = Stream::waiting(&server, &session, 2, 1).await;
        assert_eq!(stream.next().await.expect("an event").data.as_deref(), Some(""), "{asked:?}");
    }
}

/// 2025-11-25, Transports, Protocol Version Header: the header is of "all subsequent requests". On
/// `initialize` it says nothing, and the body decides.
#[tokio::test]
async fn the_version_header_of_an_initialize_says_nothing() {
    let server = TestServer::start().await;
    for header in ["2025-03-26", "2025-11-25", "2026-07-28", "bogus"] {
        let headers = [("MCP-Protocol-Version", header)];
        let request = post(&headers, &initialize("2025-06-18"));
        let answer = server.connect().await.send(&request).await;
        assert_eq!(answer.status(), 200, "{header}: {}", answer.text());
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-06-18", "{header}");
    }
}

/// 2025-11-25, Transports, Session Management, 1: "The session ID MUST only contain visible ASCII
/// characters (ranging from 0x21 to 0x7E)".
#[tokio::test]
async fn the_session_id_is_visible_ascii() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let answer = open(&server, version).await;
        let ids: Vec<_> = answer
            .head
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"))
            .collect();
        assert_eq!(ids.len(), 1, "{version}");
        assert!(ids[0].1.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{version}");
    }
}

/// CVE-2025-6515: guessable session ids. 2025-11-25, Transports, Session Management, 1: "The
/// session ID SHOULD be globally unique and cryptographically secure". Every place of the id
/// varies between sessions opened one after the other, and there are enough places for 128 bits.
#[tokio::test]
async fn cve_2025_6515_session_ids_share_no_part_and_have_room_for_128_bits() {
    let server = TestServer::start().await;
    let mut wire = server.connect().await;
    let mut ids = Vec::new();
    for _ in 0..24 {
        let answer = wire.send(&post(&[], &initialize("2025-11-25"))).await;
        ids.push(answer.header("mcp-session-id").expect("a session id").as_bytes().to_owned());
    }
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    // Base64 has 6 bits a place. The chance that a random place does not vary is 64⁻²³.
    let varying = |at: usize| ids.iter().any(|id| id[at] != ids[0][at]);
    let places = (0..ids[0].len()).filter(|&at| varying(at)).count();
    assert_eq!(places, ids[0].len());
    assert!(places * 6 >= 128, "{places} places");
}

/// 2025-11-25, Transports, Sending Messages to the Server, 5: the answer is JSON or SSE; it is
/// ready at once, so only a client that takes nothing but streams gets one.
#[tokio::test]
async fn initialize_is_framed_as_json_unless_the_client_takes_streams_alone() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        for accept in ["application/json, text/event-stream", "application/json", "*/*"] {
            let request = post(&[("Accept", accept)], &initialize(version));
            let answer = server.connect().await.send(&request).await;
            assert!(json_gist(&answer).starts_with("0="), "{accept}");
        }
        let request = post(&[("Accept", "text/event-stream")], &initialize(version));
        let answer = server.connect().await.send(&request).await;
        assert!(answer.header("mcp-session-id").is_some());
        let messages = answer.messages();
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["result"]["protocolVersion"], version);
    }
}

/// 2025-11-25, Lifecycle, Initialization: "The server MUST respond with its own capabilities and
/// information"; the members are those of the revision's `Implementation`. `listChanged` is not
/// declared, because nothing announces a change.
#[tokio::test]
async fn the_server_says_who_it_is_and_what_it_can() {
    let server = TestServer::with_server(
        |server| {
            let server = server.title("Test").description("A server under test");
            server.website_url("https://example.com").instructions("Ask for echo.")
        },
        |service| service,
    )
    .await;
    let mut expected = json!({"name": "test-server", "version": "1.2.3"});
    for (version, more) in VERSIONS.into_iter().zip([
        json!({}),
        json!({"title": "Test"}),
        json!({"description": "A server under test", "websiteUrl": "https://example.com"}),
    ]) {
        let more = more.as_object().expect("an object").clone();
        expected.as_object_mut().expect("an object").extend(more);
        let result = open(&server, version).await.json()["result"].clone();
        assert_eq!(result["serverInfo"], expected, "{version}");
        assert_eq!(result["capabilities"], json!({"logging": {}, "tools": {}}), "{version}");
        assert_eq!(result["instructions"], "Ask for echo.", "{version}");
    }
}

/// 2025-11-25, Lifecycle, Initialization: `instructions` are optional, and absent rather than null.
#[tokio::test]
async fn a_server_without_instructions_has_none() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        assert_eq!(open(&server, version).await.json()["result"].get("instructions"), None);
    }
}

/// 2025-11-25, Lifecycle, Initialization: the request MUST contain the "Protocol version
/// supported"; 2025-11-25, Transports, Session Management, 1: the id is on the response
/// "containing the `InitializeResult`", so that a failure mints none.
#[tokio::test]
async fn a_failed_initialize_is_an_error_and_opens_no_session() {
    let server = TestServer::start().await;
    let client = json!({"name": "test", "version": "0"});
    for params in [
        json!({}),
        json!({"capabilities": {}, "clientInfo": client}),
        json!({"protocolVersion": null, "capabilities": {}, "clientInfo": client}),
        json!({"protocolVersion": 20251125, "capabilities": {}, "clientInfo": client}),
        json!({"protocolVersion": ["2025-11-25"], "capabilities": {}, "clientInfo": client}),
        json!({"protocolVersion": "2025-11-25", "capabilities": [], "clientInfo": client}),
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": "test"}),
    ] {
        let request = post(&[], &request(3, "initialize", params.clone()));
        let answer = server.connect().await.send(&request).await;
        assert_eq!(json_gist(&answer), "3!-32602", "{params}");
        assert_eq!(answer.header("mcp-session-id"), None, "{params}");
    }
    let without_params = json!({"jsonrpc": "2.0", "id": 3, "method": "initialize"});
    let answer = server.connect().await.send(&post(&[], &without_params.to_string())).await;
    assert_eq!(json_gist(&answer), "3!-32602");
    assert_eq!(answer.header("mcp-session-id"), None);
    assert_eq!(server.service.sessions(), 0);
}

/// JSON-RPC 2.0, section 4.1: what has no id is a notification, which cannot open a session.
#[tokio::test]
async fn an_initialize_without_an_id_opens_no_session() {
    let server = TestServer::start().await;
    let mut message: Value = serde_json::from_str(&initialize("2025-11-25")).expect("JSON");
    message.as_object_mut().expect("an object").remove("id");
    let answer = server.connect().await.send(&post(&[], &message.to_string())).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.header("mcp-session-id"), None);
    assert_eq!(server.service.sessions(), 0);
}

/// 2025-11-25, Lifecycle, Initialization: requests other than pings SHOULD NOT come before the
/// `initialize` is answered; from then on, pings are answered whether or not
/// `notifications/initialized` was sent.
#[tokio::test]
async fn a_ping_is_answered_before_initialized() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let answer = open(&server, version).await;
        let id = answer.header("mcp-session-id").expect("a session id");
        let request = post(&[("Mcp-Session-Id", id)], &request(1, "ping", json!({})));
        let answer = server.connect().await.send(&request).await;
        assert_eq!(gist(&answer.json()), "1={}", "{version}");
    }
}
