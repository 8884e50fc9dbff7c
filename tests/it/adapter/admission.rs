//! The one step that admits a caller (DESIGN, decision 17), and what it leaves to the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use mcp_http::{
    Arguments, Context, Head, McpServiceBuilder, PeerAddr, Principal, Refusal, ServerBuilder, Tool,
    ToolError,
};
use serde_json::json;

use crate::support::h2::{H2, parsed_h2, rest};
use crate::support::messages::{
    Session, bare, call, initialize, modern, modern_call, post, request,
};
use crate::support::server::TestServer;

/// A tool that tells who called, and what came with the request.
fn whoami(builder: ServerBuilder) -> ServerBuilder {
    let tool = Tool::new("whoami").with_description("Tells what it sees of the request");
    builder.tool(tool, |_: Arguments, cx: Context| async move {
        let header = cx.headers().get("x-trace").and_then(|value| value.to_str().ok());
        let seen = json!({
            "name": cx.principal().name(),
            "data": cx.principal().data::<Badge>().map(|badge| badge.0),
            "peer": cx.extensions().get::<PeerAddr>().map(|peer| peer.0.to_string()),
            "trace": header,
            "version": cx.protocol_version().as_str(),
            "client": cx.client_info().map(|client| client.name),
        });
        Ok::<_, ToolError>(seen.to_string())
    })
}

struct Badge(u32);

/// Admits whoever brings a name as a token, and nobody called mallory.
fn by_token(service: McpServiceBuilder) -> McpServiceBuilder {
    service.admit(|head: Arc<Head>| async move {
        let token = head.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match token.and_then(|token| token.strip_prefix("Bearer ")) {
            Some("mallory") => Err(Refusal::forbidden("not you")),
            Some(name) => Ok(Principal::named(name).with_data(Badge(7))),
            None => Err(Refusal::unauthorized("who are you?").with_header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer resource_metadata=\"https://a.example/m\""),
            )),
        }
    })
}

fn seen(answer: &serde_json::Value) -> serde_json::Value {
    let text =
        answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str(text).expect("JSON")
}

/// RFC 9110, 15.5.2: 401 with `WWW-Authenticate`. Only the head is sent, so that an answer shows that
/// the body was not waited for.
#[tokio::test]
async fn a_refusal_comes_before_the_body_is_read() {
    let server = TestServer::with(by_token).await;
    let text = modern_call(1, "echo", json!({}));
    let (head, _) = text.split_once("\r\n\r\n").expect("a head");
    let answer = server.connect().await.send(&format!("{head}\r\n\r\n")).await;
    assert_eq!(answer.status(), 401);
    let challenge = Some("Bearer resource_metadata=\"https://a.example/m\"");
    assert_eq!(answer.header("www-authenticate"), challenge);
    let body = answer.json();
    assert_eq!((body["error"]["message"].as_str(), body.get("id")), (Some("who are you?"), None));
    let head = format!("{head}\r\nAuthorization: Bearer mallory\r\n\r\n");
    assert_eq!(server.connect().await.send(&head).await.status(), 403);
}

/// Every method is admitted, and nothing of a session is told to who is not.
#[tokio::test]
async fn every_method_is_admitted() {
    let server = TestServer::with(by_token).await;
    for text in [
        post(&[], &initialize("2025-11-25")),
        bare("GET", &[("Mcp-Session-Id", "x")]),
        bare("DELETE", &[("Mcp-Session-Id", "x")]),
        modern(1, "server/discover", json!({}), &[]),
    ] {
        assert_eq!(server.connect().await.send(&text).await.status(), 401, "{text}");
    }
    assert_eq!(server.service.sessions(), 0);
}

#[tokio::test]
async fn the_door_is_shut_before_admission_is_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let options = move |service: McpServiceBuilder| {
        service.admit(move |_: Arc<Head>| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { Ok(Principal::anonymous()) }
        })
    };
    let server = TestServer::with(options).await;
    let good = modern_call(1, "echo", json!({}));
    for (text, status) in [
        (good.replace("Host: localhost", "Host: evil.example.com"), 403),
        (good.replace("POST /mcp", "POST /elsewhere"), 404),
        (good.replace("POST /mcp", "PUT /mcp"), 405),
    ] {
        assert_eq!(server.connect().await.send(&text).await.status(), status);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(server.connect().await.send(&good).await.status(), 200);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "once for each request");
}

#[tokio::test]
async fn a_handler_sees_the_principal_the_headers_and_the_peer_in_both_eras() {
    let server = TestServer::with_server(whoami, by_token).await;
    let token = ("Authorization", "Bearer alice");
    let params = json!({"name": "whoami", "arguments": {}});
    let text = modern(1, "tools/call", params, &[token, ("X-Trace", "t-1")]);
    let told = seen(&server.connect().await.send(&text).await.json());
    assert_eq!((&told["name"], &told["data"]), (&json!("alice"), &json!(7)));
    assert_eq!((&told["trace"], &told["client"]), (&json!("t-1"), &json!("test")));
    assert_eq!(told["version"], "2026-07-28");
    assert!(told["peer"].as_str().expect("a peer").starts_with("127.0.0.1:"));

    let opened = server.connect().await.send(&post(&[token], &initialize("2025-06-18"))).await;
    let id = opened.header("mcp-session-id").expect("a session").to_owned();
    let headers = [token, ("Mcp-Session-Id", &*id), ("X-Trace", "t-2")];
    let told = server.connect().await.send(&post(&headers, &call(1, "whoami", json!({})))).await;
    let told = seen(&told.json());
    assert_eq!((&told["name"], &told["trace"]), (&json!("alice"), &json!("t-2")));
    assert_eq!((&told["version"], &told["client"]), (&json!("2025-06-18"), &json!("test")));
}

/// Without `admit` a caller is who a layer in front says, and else nobody.
#[tokio::test]
async fn without_admission_callers_are_anonymous() {
    let server = TestServer::with_server(whoami, |service| service).await;
    let text = modern_call(1, "whoami", json!({}));
    let told = seen(&server.connect().await.send(&text).await.json());
    assert_eq!((&told["name"], &told["data"]), (&json!(null), &json!(null)));
}

/// DESIGN, decision 17: "a foreign one gets exactly the answer of an unknown one."
#[tokio::test]
async fn a_session_is_its_principals_and_unknown_to_others() {
    let server = TestServer::with(by_token).await;
    let token = |name: &str| format!("Bearer {name}");
    let (alice, bob) = (token("alice"), token("bob"));
    let opening = post(&[("Authorization", &alice)], &initialize("2025-11-25"));
    let opened = server.connect().await.send(&opening).await;
    let id = opened.header("mcp-session-id").expect("a session").to_owned();
    let ping = request(1, "ping", json!({}));
    for (who, id, status) in [(&alice, &*id, 200), (&bob, &*id, 404), (&bob, "unknown", 404)] {
        let headers = [("Authorization", &**who), ("Mcp-Session-Id", id)];
        let mut answers = vec![server.connect().await.send(&post(&headers, &ping)).await];
        assert_eq!(answers[0].status(), status, "{who} {id}");
        if status == 404 {
            for method in ["GET", "DELETE"] {
                answers.push(server.connect().await.send(&bare(method, &headers)).await);
            }
            assert!(answers.iter().all(|answer| answer.status() == 404), "{who} {id}");
        }
    }
    let foreign = [("Authorization", &*bob), ("Mcp-Session-Id", &*id)];
    let unknown = [("Authorization", &*bob), ("Mcp-Session-Id", "unknown")];
    let foreign = server.connect().await.send(&post(&foreign, &ping)).await;
    let unknown = server.connect().await.send(&post(&unknown, &ping)).await;
    assert_eq!(foreign.text(), unknown.text());
}

/// A client that leaves while it is being admitted is not served: the future is dropped.
#[tokio::test]
async fn who_leaves_during_admission_is_not_served() {
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let (dropped, mut was_dropped) = tokio::sync::mpsc::unbounded_channel::<()>();
    let options = move |service: McpServiceBuilder| {
        service.admit(move |_: Arc<Head>| {
            let (asked, held) = (asked.clone(), dropped.clone());
            async move {
                asked.send(()).expect("the test waits");
                let tell = OnDrop(held);
                std::future::pending::<()>().await;
                drop(tell);
                Ok(Principal::anonymous())
            }
        })
    };
    let server = TestServer::with(options).await;
    let mut wire = server.connect().await;
    wire.write(modern_call(1, "wait", json!({})).as_bytes()).await;
    was_asked.recv().await.expect("a request");
    wire.reset();
    was_dropped.recv().await.expect("the admission was dropped");
    assert_eq!(server.probe.polls(), 0);
}

struct OnDrop(tokio::sync::mpsc::UnboundedSender<()>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        // The test may have ended.
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn admission_is_the_same_over_http_2() {
    let server = TestServer::with_server(whoami, by_token).await;
    let mut h2 = H2::connect(server.addr).await;
    let text = modern_call(1, "whoami", json!({}));
    assert_eq!(h2.send(parsed_h2(&text)).await.status(), 401);
    let mut request = parsed_h2(&text);
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer carol"));
    let response = h2.send(request).await;
    let body = rest(response.into_body()).await;
    let told = seen(&serde_json::from_slice(&body).expect("JSON"));
    assert_eq!(told["name"], "carol");
    assert!(told["peer"].is_string());
}

/// A session that was opened is not told to who is not admitted any more.
#[tokio::test]
async fn a_session_is_no_admission() {
    let server = TestServer::start().await;
    let session = Session::open(&server, "2025-11-25").await;
    let strict = TestServer::with(by_token).await;
    let ping = session.post(&request(1, "ping", json!({})));
    assert_eq!(strict.connect().await.send(&ping).await.status(), 401);
}
