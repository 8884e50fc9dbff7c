//! Prompts: `prompts/list` and `prompts/get` in each revision.

use std::sync::Arc;

use mcp_http::{
    Arguments, BoxFuture, Context, GetPromptResult, HandlerError, Prompt, PromptCatalogue,
    PromptMessage, PromptPage, ServerBuilder,
};
use serde_json::{Value, json};

use super::{Stream, VERSIONS, json_gist};
use crate::support::messages::{Session, answer, initialize, post, request};
use crate::support::prompts::prompts;
use crate::support::server::TestServer;

async fn start() -> TestServer {
    TestServer::with_server(prompts, |service| service).await
}

async fn result(server: &TestServer, session: &Session, method: &str, params: Value) -> Value {
    let answer = session.send(server, &request(1, method, params)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.json().get("error").is_none(), "{}", answer.text());
    answer.json()["result"].clone()
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Prompts, Capabilities: "Servers that support prompts
/// MUST declare the `prompts` capability during initialization"; and those that have none do not.
#[tokio::test]
async fn the_capability_is_declared_where_there_are_prompts() {
    let (with, without) = (start().await, TestServer::start().await);
    for version in VERSIONS {
        for (server, declared) in [(&with, true), (&without, false)] {
            let answer = server.connect().await.send(&post(&[], &initialize(version))).await;
            let capabilities = &answer.json()["result"]["capabilities"];
            assert_eq!(capabilities.get("prompts").is_some(), declared, "{version}");
            assert_eq!(capabilities.get("completions").is_some(), declared, "{version}");
        }
        let session = Session::open(&without, version).await;
        for method in ["prompts/list", "prompts/get"] {
            let body = request(1, method, json!({"name": "code_review"}));
            assert_eq!(json_gist(&session.send(&without, &body).await), "1!-32601", "{version}");
        }
    }
}

/// 2025-11-25, Prompts, Listing Prompts and Data Types, Prompt: name, title, description, icons and
/// arguments; 2025-06-18: no icons; 2025-03-26: no titles and no `_meta` either.
#[tokio::test]
async fn the_list_has_the_members_that_the_revision_knows() {
    let server = start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let list = result(&server, &session, "prompts/list", json!({})).await;
        let mut first = json!({
            "name": "code_review",
            "title": "Request Code Review",
            "description": "Asks the LLM to analyze code quality and suggest improvements",
            "arguments": [
                {"name": "code", "description": "The code to review", "required": true},
                {"name": "language", "title": "Language"},
                {"name": "framework"},
                {"name": "note"},
                {"name": "line"},
            ],
            "icons": [{
                "src": "https://example.com/review-icon.svg",
                "mimeType": "image/svg+xml",
                "sizes": ["any"],
            }],
            "_meta": {"com.example/tag": 1},
        });
        let remove = |value: &mut Value, member: &str| {
            value.as_object_mut().expect("an object").remove(member);
        };
        if version < "2025-11-25" {
            remove(&mut first, "icons");
        }
        if version < "2025-06-18" {
            remove(&mut first, "title");
            remove(&mut first, "_meta");
            remove(&mut first["arguments"][1], "title");
        }
        let all = json!([first, {"name": "content"}, {"name": "fail"}]);
        assert_eq!(list, json!({ "prompts": all }), "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Prompts, Getting a Prompt: the published exchange.
#[tokio::test]
async fn a_prompt_is_answered_with_its_messages() {
    let server = start().await;
    let code = "def hello():\n    print('world')";
    let params = json!({"name": "code_review", "arguments": {"code": code}});
    let text = format!("Please review this Python code:\n{code}");
    let expected = json!({
        "description": "Code review prompt",
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
    });
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let got = result(&server, &session, "prompts/get", params.clone()).await;
        assert_eq!(got, expected, "{version}");
    }
}

/// 2025-11-25 and 2025-06-18, Prompts, PromptMessage: text, image, audio, resource links and
/// embedded resources; 2025-03-26: no links, which become text.
#[tokio::test]
async fn messages_hold_every_kind_of_content() {
    let server = start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let got = result(&server, &session, "prompts/get", json!({"name": "content"})).await;
        let kinds: Vec<_> = got["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .map(|message| {
                let part = |value: &Value| value.as_str().expect("a text").to_owned();
                (part(&message["role"]), part(&message["content"]["type"]))
            })
            .collect();
        let link = if version < "2025-06-18" { "text" } else { "resource_link" };
        let user =
            ["text", "image", "audio", link].map(|kind| ("user".to_owned(), kind.to_owned()));
        let assistant = [(); 2].map(|()| ("assistant".to_owned(), "resource".to_owned()));
        assert_eq!(kinds, [&user[..], &assistant[..]].concat(), "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Prompts, Error Handling: "Invalid prompt name:
/// `-32602`", "Missing required arguments: `-32602`", "Internal errors: `-32603`"; Implementation
/// Considerations: "Servers SHOULD validate prompt arguments before processing". Decision 15: with
/// HTTP 200.
#[tokio::test]
async fn a_request_that_does_not_fit_names_what_is_wrong() {
    let server = start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for (params, told) in [
            (json!({"name": "nobody"}), "nobody"),
            (json!({"name": "Code_Review"}), "Code_Review"),
            (json!({}), "name"),
            (json!({"name": 1}), "name"),
            (json!({"name": "code_review"}), "code"),
            (json!({"name": "code_review", "arguments": {"language": "x"}}), "code"),
            (json!({"name": "code_review", "arguments": {"code": 1}}), "code"),
            (json!({"name": "code_review", "arguments": {"code": "", "note": null}}), "note"),
            (json!({"name": "code_review", "arguments": ["code"]}), "arguments"),
        ] {
            let answer = session.send(&server, &request(1, "prompts/get", params.clone())).await;
            assert_eq!(json_gist(&answer), "1!-32602", "{version}: {params}");
            let message = answer.json()["error"]["message"].clone();
            let message = message.as_str().expect("a message");
            assert!(message.contains(told), "{version}, {params}: {message}");
        }
        let failed =
            session.send(&server, &request(1, "prompts/get", json!({"name": "fail"}))).await;
        assert_eq!(json_gist(&failed), "1!-32603", "{version}");
        let invalid = request(1, "prompts/list", json!({"cursor": "none"}));
        assert_eq!(json_gist(&session.send(&server, &invalid).await), "1!-32602", "{version}");
    }
}

/// DESIGN, decision 14: "the question is recorded ... run the handler again with the answer". A
/// prompt asks in every revision as a tool does: on the stream of its own request.
#[tokio::test]
async fn a_prompt_may_ask_its_client() {
    let asking = |server: ServerBuilder| {
        server.prompt(Prompt::new("where"), |_: Arguments, cx: Context| async move {
            let roots = cx.list_roots("roots")?;
            let uris: Vec<_> = roots.iter().map(|root| root.uri()).collect();
            Ok::<_, HandlerError>(format!("Look into {}", uris.join(", ")))
        })
    };
    let server = TestServer::with_server(asking, |service| service).await;
    for version in VERSIONS {
        let session = Session::open_with(&server, version, json!({"roots": {}})).await;
        let get = request(7, "prompts/get", json!({"name": "where"}));
        let mut stream = Stream::open(&server, &session.post(&get)).await;
        let (_, question) = stream.message().await;
        assert_eq!(question["method"], "roots/list", "{version}");
        let roots = json!({"roots": [{"uri": "file:///home"}]});
        let told = session.send(&server, &answer(&question["id"], roots)).await;
        assert_eq!(told.status(), 202, "{version}");
        let (_, got) = stream.message().await;
        let text = &got["result"]["messages"][0]["content"]["text"];
        assert_eq!((&got["id"], text), (&json!(7), &json!("Look into file:///home")), "{version}");
        let incapable = Session::open(&server, version).await;
        assert_eq!(json_gist(&incapable.send(&server, &get).await), "7!-32602", "{version}");
    }
}

/// Prompts of the caller whom a header names.
struct OfTheCaller;

impl OfTheCaller {
    fn caller(cx: &Context) -> String {
        let named = cx.headers().get("x-caller").and_then(|value| value.to_str().ok());
        named.unwrap_or("nobody").to_owned()
    }
}

impl PromptCatalogue for OfTheCaller {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<PromptPage, HandlerError>> {
        Box::pin(async move {
            let page = |name: String| PromptPage::new([Arc::new(Prompt::new(name))]);
            match cursor.as_deref() {
                None => Ok(page(format!("greet-{}", Self::caller(&cx))).with_next_cursor("2")),
                Some("2") => Ok(page("last".to_owned())),
                Some(_) => Err(HandlerError::protocol(-32602, "Invalid cursor", None)),
            }
        })
    }

    fn get(
        self: Arc<Self>,
        name: String,
        _: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
        Box::pin(async move {
            match name.strip_prefix("greet-") {
                Some(own) if own == Self::caller(&cx) => {
                    Ok(GetPromptResult::new([PromptMessage::user(format!("I am {own}"))]))
                }
                _ => Err(HandlerError::unknown_prompt(name)),
            }
        })
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Prompts, Listing Prompts: "This operation supports
/// pagination"; a catalogue has pages of its own, and prompts that are the caller's alone.
#[tokio::test]
async fn a_catalogue_shows_each_caller_its_own_prompts_page_by_page() {
    let server =
        TestServer::with_server(|server| server.prompt_catalogue(OfTheCaller), |it| it).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let ask = async |caller: &str, method: &str, params: Value| {
            let mut headers = session.headers();
            headers.push(("X-Caller", caller));
            let text = post(&headers, &request(1, method, params));
            server.connect().await.send(&text).await.json()
        };
        let list = ask("ada", "prompts/list", json!({})).await;
        let expected = json!({"prompts": [{"name": "greet-ada"}], "nextCursor": "2"});
        assert_eq!(list["result"], expected, "{version}");
        let list = ask("ada", "prompts/list", json!({"cursor": "2"})).await;
        assert_eq!(list["result"], json!({"prompts": [{"name": "last"}]}), "{version}");
        let invalid = ask("ada", "prompts/list", json!({"cursor": "3"})).await;
        assert_eq!(invalid["error"]["code"], -32602, "{version}");
        let own = ask("ada", "prompts/get", json!({"name": "greet-ada"})).await;
        assert_eq!(own["result"]["messages"][0]["content"]["text"], "I am ada", "{version}");
        let foreign = ask("bob", "prompts/get", json!({"name": "greet-ada"})).await;
        assert_eq!(foreign["error"]["code"], -32602, "{version}");
    }
}
