//! 2026-07-28, Prompts: `prompts/list` and `prompts/get`.

use std::time::Duration;

use mcp_http::{
    Arguments, CacheScope, Changes, Context, Elicit, Elicited, HandlerError, Prompt, PromptSet,
    ServerBuilder, StringSchema,
};
use serde_json::{Value, json};

use crate::support::messages::{listen, modern, stream_head};
use crate::support::prompts::prompts;
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn start() -> TestServer {
    TestServer::with_server(prompts, |service| service).await
}

async fn ask(server: &TestServer, method: &str, params: Value) -> Answer {
    server.connect().await.send(&modern(1, method, params, &[])).await
}

/// 2026-07-28, Prompts, Capabilities: "Servers that support prompts MUST declare the `prompts`
/// capability in their `DiscoverResult`"; and those that have none do not, and have no such method.
#[tokio::test]
async fn the_capability_is_declared_where_there_are_prompts() {
    let (with, without) = (start().await, TestServer::start().await);
    for (server, declared) in [(&with, true), (&without, false)] {
        let answer = ask(server, "server/discover", json!({})).await;
        let capabilities = &answer.json()["result"]["capabilities"];
        assert_eq!(capabilities.get("prompts").is_some(), declared);
        assert_eq!(capabilities.get("completions").is_some(), declared);
    }
    for method in ["prompts/list", "prompts/get"] {
        let answer = ask(&without, method, json!({"name": "code_review"})).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
}

/// 2026-07-28, Prompts, Listing Prompts, and Caching, Cacheable Results: `prompts/list` MUST have
/// caching hints, and `prompts/get` has none.
#[tokio::test]
async fn the_list_has_caching_hints_and_what_a_prompt_becomes_has_none() {
    let cached = |server: ServerBuilder| {
        prompts(server).cache(Duration::from_millis(600_000), CacheScope::Public)
    };
    let server = TestServer::with_server(cached, |service| service).await;
    let list = ask(&server, "prompts/list", json!({})).await.json()["result"].clone();
    assert_eq!(list["resultType"], "complete");
    assert_eq!((&list["ttlMs"], &list["cacheScope"]), (&json!(600_000), &json!("public")));
    let names = list["prompts"].as_array().expect("prompts").iter().map(|it| it["name"].clone());
    assert_eq!(names.collect::<Vec<_>>(), ["code_review", "content", "fail"]);
    assert_eq!(list["prompts"][0]["icons"][0]["sizes"], json!(["any"]));
    let got = ask(&server, "prompts/get", json!({"name": "content"})).await;
    for hint in ["ttlMs", "cacheScope"] {
        assert!(got.json()["result"].get(hint).is_none(), "{hint}");
    }
}

/// 2026-07-28, Prompts, Getting a Prompt: the published exchange.
#[tokio::test]
async fn a_prompt_is_answered_with_its_messages() {
    let server = start().await;
    let code = "def hello():\n    print('world')";
    let params = json!({"name": "code_review", "arguments": {"code": code}});
    let text = format!("Please review this Python code:\n{code}");
    let answer = ask(&server, "prompts/get", params).await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
    let mut result = answer.json()["result"].clone();
    result.as_object_mut().expect("a result").remove("_meta");
    assert_eq!(
        result,
        json!({
            "resultType": "complete",
            "description": "Code review prompt",
            "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
        })
    );
}

/// 2026-07-28, Prompts, Error Handling: "Invalid prompt name: `-32602`", "Missing required
/// arguments: `-32602`", "Internal errors: `-32603`"; Implementation Considerations: "Servers
/// SHOULD validate prompt arguments before processing".
#[tokio::test]
async fn a_request_that_does_not_fit_names_what_is_wrong() {
    let server = start().await;
    for (params, told) in [
        (json!({"name": "nobody"}), "nobody"),
        (json!({"name": "Code_Review"}), "Code_Review"),
        (json!({"name": "code_review"}), "code"),
        (json!({"name": "code_review", "arguments": {"code": 1}}), "code"),
        (json!({"name": "code_review", "arguments": {"code": "", "note": null}}), "note"),
        (json!({"name": "code_review", "arguments": ["code"]}), "arguments"),
    ] {
        let answer = ask(&server, "prompts/get", params.clone()).await;
        assert_eq!(answer.code(), Some(-32602), "{params}: {}", answer.text());
        let message = answer.json()["error"]["message"].clone();
        assert!(message.as_str().expect("a message").contains(told), "{params}: {message}");
    }
    let failed = ask(&server, "prompts/get", json!({"name": "fail"})).await;
    assert_eq!(failed.code(), Some(-32603));
    let invalid = ask(&server, "prompts/list", json!({"cursor": "none"})).await;
    assert_eq!(invalid.code(), Some(-32602));
}

/// 2026-07-28, Prompts, Listing Prompts: "This operation supports pagination"; Pagination: a next
/// cursor "if more results exist".
#[tokio::test]
async fn the_list_comes_page_by_page() {
    let paged = |server: ServerBuilder| prompts(server).page_size(2);
    let server = TestServer::with_server(paged, |service| service).await;
    let names = |list: &Value| {
        let prompts = list["prompts"].as_array().expect("prompts").iter();
        prompts.map(|it| it["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let first = ask(&server, "prompts/list", json!({})).await.json()["result"].clone();
    assert_eq!(names(&first), ["code_review", "content"]);
    let params = json!({"cursor": first["nextCursor"]});
    let second = ask(&server, "prompts/list", params).await.json()["result"].clone();
    assert_eq!(names(&second), ["fail"]);
    assert!(second.get("nextCursor").is_none());
    assert!(second.get("ttlMs").is_some(), "each page can be cached");
}

/// 2026-07-28, Prompts, List Changed Notification: "servers that declared the `listChanged`
/// capability SHOULD send a notification to clients that have opened a `subscriptions/listen`
/// stream with `promptsListChanged: true`"; Listing Prompts: the set "MAY change over time".
#[tokio::test]
async fn prompts_that_come_and_go_are_announced_and_listed() {
    let changes = Changes::new();
    let set = PromptSet::new(&changes);
    let with_set = |server: ServerBuilder| server.prompt_catalogue(set.clone()).changes(&changes);
    let server = TestServer::with_server(with_set, |service| service).await;
    let discovered = ask(&server, "server/discover", json!({})).await.json();
    assert_eq!(discovered["result"]["capabilities"]["prompts"], json!({"listChanged": true}));
    let mut listening = server.connect().await;
    listening.write(listen("l", json!({"promptsListChanged": true})).as_bytes()).await;
    stream_head(&mut listening).await;
    let mut held = Vec::new();
    let mut next = async || listening.event(&mut held).await.and_then(|event| event.message());
    let acknowledged = next().await.expect("an acknowledgement");
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let hello = |_: Arguments, _: Context| async { Ok::<_, HandlerError>("Hello") };
    set.insert(Prompt::new("greet"), hello).expect("a prompt");
    let told = next().await.expect("a notification");
    assert_eq!(told["method"], "notifications/prompts/list_changed");
    let list = ask(&server, "prompts/list", json!({})).await.json();
    assert_eq!(list["result"]["prompts"], json!([{"name": "greet"}]));
    let got = ask(&server, "prompts/get", json!({"name": "greet"})).await.json();
    assert_eq!(got["result"]["messages"][0]["content"]["text"], "Hello");
    assert!(set.remove("greet"));
    assert!(next().await.is_some());
    let got = ask(&server, "prompts/get", json!({"name": "greet"})).await;
    assert_eq!(got.code(), Some(-32602));
}

/// 2026-07-28, Streamable HTTP, Standard Headers: `Mcp-Name` mirrors `params.name` of
/// `prompts/get`. FACTS: the suite does not notice it "unchecked on `resources/read` and
/// `prompts/get`".
#[tokio::test]
async fn the_name_in_the_header_must_be_that_of_the_body() {
    let server = start().await;
    let params = json!({"name": "content"});
    for headers in [[("Mcp-Name", "fail")], [("Mcp-Name", "")]] {
        let text = modern(1, "prompts/get", params.clone(), &headers);
        let answer = server.connect().await.send(&text).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32020)), "{headers:?}");
    }
}

/// 2026-07-28, Prompts, Getting a Prompt: "Servers MAY also respond to `prompts/get` with an
/// `InputRequiredResult` to indicate that additional input is needed before the prompt can be
/// resolved"; Caching: "carry no caching hints".
#[tokio::test]
async fn a_prompt_may_ask_for_input_and_goes_on_with_it() {
    let asking = |server: ServerBuilder| {
        server.prompt(Prompt::new("greet"), |_: Arguments, cx: Context| async move {
            let form = Elicit::form("Whom?").with_required("whom", StringSchema::new());
            Ok::<_, HandlerError>(match cx.elicit("whom", form)? {
                Elicited::Accept(form) => format!("Greet {}", form["whom"]),
                _ => "Greet nobody".to_owned(),
            })
        })
    };
    let server = TestServer::with_server(asking, |service| service).await;
    let capable = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
    let mut params = json!({"name": "greet", "_meta": capable});
    let asked = ask(&server, "prompts/get", params.clone()).await;
    let asked = asked.json()["result"].clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    assert_eq!(asked["inputRequests"]["whom"]["method"], "elicitation/create");
    assert!(asked.get("ttlMs").is_none() && asked.get("messages").is_none());
    params["requestState"] = asked["requestState"].clone();
    params["inputResponses"] = json!({"whom": {"action": "accept", "content": {"whom": "Ada"}}});
    let answer = ask(&server, "prompts/get", params).await;
    let messages = answer.json()["result"]["messages"].clone();
    assert_eq!(messages[0]["content"]["text"], "Greet \"Ada\"", "{}", answer.text());
    let incapable = ask(&server, "prompts/get", json!({"name": "greet"})).await;
    assert_eq!(incapable.code(), Some(-32021));
}
