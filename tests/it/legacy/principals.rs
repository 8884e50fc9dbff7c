//! Decision 17: a session belongs to the principal that opened it; to another it is unknown.

use std::sync::Arc;

use mcp_http::{Head, McpServiceBuilder, Principal, Refusal};
use serde_json::json;

use super::{LATEST, Stream, VERSIONS, assert_accepted, json_gist};
use crate::support::messages::{
    Session, bare, call_with_progress, initialize, notification, post, request,
};
use crate::support::server::TestServer;
use crate::support::wire::Answer;

/// A well-formed id that no session has.
const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Admits callers by the header `X-User`; `mallory` may enter, `nobody` may not.
fn by_header(service: McpServiceBuilder) -> McpServiceBuilder {
    service.admit(|head: Arc<Head>| async move {
        match head.headers().get("x-user").map(|user| user.to_str()) {
            None => Ok(Principal::anonymous()),
            Some(Ok("nobody")) => Err(Refusal::unauthorized("Who are you?")),
            Some(user) => Ok(Principal::named(user.unwrap_or("?"))),
        }
    })
}

/// The headers of a request in a session on behalf of a user.
fn headers<'a>(
    session: &'a str,
    version: &'a str,
    user: Option<&'a str>,
) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![("Mcp-Session-Id", session), ("MCP-Protocol-Version", version)];
    headers.extend(user.map(|user| ("X-User", user)));
    headers
}

async fn open(server: &TestServer, version: &str, user: Option<&str>) -> Session {
    let whose: Vec<_> = user.map(|user| ("X-User", user)).into_iter().collect();
    let answer = server.connect().await.send(&post(&whose, &initialize(version))).await;
    let id = answer.header("mcp-session-id").expect("a session id").to_owned();
    let initialized = notification("notifications/initialized", json!({}));
    let request = post(&headers(&id, version, user), &initialized);
    assert_accepted(&server.connect().await.send(&request).await);
    Session { id, version: version.to_owned() }
}

/// All that an answer is, but for the time.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.head.headers.clone();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
    headers.sort();
    (answer.status(), headers, answer.text().to_owned())
}

/// Every request that could tell a session that is there from one that is not.
fn probes(headers: &[(&str, &str)], event_id: &str) -> Vec<(&'static str, String)> {
    let resuming = [headers, &[("Last-Event-ID", event_id)]].concat();
    let cancel = notification("notifications/cancelled", json!({"requestId": 1}));
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string();
    vec![
        ("a request", post(headers, &request(1, "ping", json!({})))),
        ("a batch", post(headers, &format!("[{}]", request(1, "ping", json!({}))))),
        ("a cancellation", post(headers, &cancel)),
        ("a response", post(headers, &response)),
        ("a GET", bare("GET", headers)),
        ("a resume", bare("GET", &resuming)),
        ("a DELETE", bare("DELETE", headers)),
    ]
}

/// CVE-2026-33946: a stream taken over by another client. Whoever is not the session's principal
/// gets exactly the answer of an unknown session, whatever it sends, and nothing happens: the
/// stream stays with its owner, the call runs on, the session lives.
#[tokio::test]
async fn cve_2026_33946_to_a_foreign_principal_the_session_is_exactly_an_unknown_one() {
    let server = TestServer::with(by_header).await;
    for version in VERSIONS {
        for (owner, foreigners) in
            [(Some("alice"), [Some("mallory"), None]), (None, [Some("mallory"), Some("alice")])]
        {
            let session = open(&server, version, owner).await;
            let own = headers(&session.id, version, owner);
            let body = call_with_progress(1, "wait", json!({"progress": 1}), json!("t"));
            let mut stream = Stream::open(&server, &post(&own, &body)).await;
            let id = stream.expect("t:1").await;
            let mut get = Stream::open(&server, &bare("GET", &own)).await;
            get.next().await.expect("a first byte");
            for foreigner in foreigners {
                let there = probes(&headers(&session.id, version, foreigner), &id);
                let nowhere = probes(&headers(UNKNOWN, version, foreigner), &id);
                for ((what, there), (_, nowhere)) in there.into_iter().zip(nowhere) {
                    let there = whole(&server.connect().await.send(&there).await);
                    let nowhere = whole(&server.connect().await.send(&nowhere).await);
                    assert_eq!(there, nowhere, "{what}, {version}, {owner:?}, {foreigner:?}");
                    assert_eq!(there.0, 404, "{what}");
                }
            }
            server.probe.release(1);
            assert_eq!(stream.gists().await, ["1=waited"], "{version}");
            // The owner's DELETE is what ends it.
            let answer = server.connect().await.send(&bare("DELETE", &own)).await;
            assert_eq!(answer.status(), 204);
            let rest = get.events().await;
            assert!(rest.is_empty(), "nobody took it over: {rest:?}");
        }
    }
    assert_eq!(server.probe.dropped_now(), 0);
}

/// CVE-2026-25536: answers leaked across clients. Two principals with the same ids, tokens and
/// event ids in sessions of their own each get their own.
#[tokio::test]
async fn cve_2026_25536_no_answer_and_no_replay_reaches_another_client() {
    let server = TestServer::with(by_header).await;
    for version in VERSIONS {
        let alices = open(&server, version, Some("alice")).await;
        let mallorys = open(&server, version, Some("mallory")).await;
        let alice = headers(&alices.id, version, Some("alice"));
        let mallory = headers(&mallorys.id, version, Some("mallory"));
        let body = |secret: &str| {
            let arguments = json!({"secret": secret, "progress": 2});
            call_with_progress(1, "wait", arguments, json!(secret))
        };
        let mut stream = Stream::open(&server, &post(&alice, &body("alices"))).await;
        let id = stream.expect("alices:1").await;
        stream.cut(super::Cut::Fin).await;
        let mut own = Stream::open(&server, &post(&mallory, &body("mallorys"))).await;
        own.expect("mallorys:1").await;
        // The same event id is another's in another session.
        let resume =
            |headers: &[(&str, &str)]| bare("GET", &[headers, &[("Last-Event-ID", &id)]].concat());
        let mut stolen = Stream::open(&server, &resume(&mallory)).await;
        let mut resumed = Stream::open(&server, &resume(&alice)).await;
        server.probe.release(2);
        assert_eq!(stolen.gists().await, ["mallorys:2", "1=waited"], "{version}");
        assert_eq!(resumed.gists().await, ["alices:2", "1=waited"], "{version}");
    }
}

/// Decision 17: it "runs before the body is read"; a refusal is answered and opens nothing.
#[tokio::test]
async fn a_caller_that_is_not_admitted_opens_no_session_and_reaches_none() {
    let server = TestServer::with(by_header).await;
    for version in VERSIONS {
        let session = open(&server, version, Some("alice")).await;
        let before = server.service.sessions();
        let request = post(&[("X-User", "nobody")], &initialize(version));
        let answer = server.connect().await.send(&request).await;
        assert_eq!((answer.status(), answer.header("mcp-session-id")), (401, None));
        for (what, request) in probes(&headers(&session.id, version, Some("nobody")), "1-1") {
            let answer = server.connect().await.send(&request).await;
            assert_eq!(answer.status(), 401, "{what}");
        }
        assert_eq!(server.service.sessions(), before);
    }
}

/// Decision 8: sessions are limited for each named principal, and one that is at its limit does
/// not keep another out.
#[tokio::test]
async fn a_principal_at_its_limit_of_sessions_keeps_no_other_out() {
    let server = TestServer::with(|it| by_header(it).max_sessions_per_principal(1)).await;
    open(&server, LATEST, Some("alice")).await;
    let request = post(&[("X-User", "alice")], &initialize(LATEST));
    let answer = server.connect().await.send(&request).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.header("retry-after").is_some());
    for other in [Some("bob"), None, None] {
        let session = open(&server, LATEST, other).await;
        let ping = post(&headers(&session.id, LATEST, other), &request_ping());
        assert_eq!(json_gist(&server.connect().await.send(&ping).await), "1={}");
    }
}

fn request_ping() -> String {
    request(1, "ping", json!({}))
}
