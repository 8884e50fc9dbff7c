//! 2026-07-28, Multi Round-Trip Requests: what a handler asks is the result of its request, and the
//! client sends the request anew with the answers.

use std::sync::Arc;
use std::time::Duration;

use mcp_http::{
    Arguments, BoxFuture, CacheScope, CallToolResult, Context, CreateMessage, Elicit, Elicited,
    Head, McpService, McpServiceBuilder, Principal, ReadRequest, Refusal, Resource, Server,
    ServerBuilder, StateKeys, StringSchema, Tool, ToolCatalogue, ToolError, ToolPage, serve,
};
use serde_json::{Value, json};

use crate::support::messages::modern;
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Wire};

/// Asks for a word under this key.
fn word(cx: &Context, key: &str) -> Result<String, ToolError> {
    let form = Elicit::form(format!("Say {key}")).with_required("word", StringSchema::new());
    Ok(match cx.elicit(key, form)? {
        Elicited::Accept(form) => form["word"].as_str().unwrap_or_default().to_owned(),
        Elicited::Decline => "(declined)".to_owned(),
        Elicited::Cancel => "(cancelled)".to_owned(),
    })
}

/// Tools that ask: `rounds` three times one after the other, `together` three things at once,
/// `twice` the same thing twice, `page` to open a page, `chatty` after it has reported progress,
/// `once` for what may be done once.
fn asking(builder: ServerBuilder) -> ServerBuilder {
    builder
        .tool(Tool::new("rounds"), |_: Arguments, cx: Context| async move {
            let (a, b) = (word(&cx, "a")?, word(&cx, "b")?);
            let c = word(&cx, "c")?;
            Ok::<_, ToolError>(format!("{a} {b} {c}"))
        })
        .tool(Tool::new("other"), |_: Arguments, cx: Context| async move { word(&cx, "a") })
        .tool(Tool::new("together"), |_: Arguments, cx: Context| async move {
            let question = CreateMessage::new("What is the capital of France?", 100);
            let model = cx.sample("model", question);
            let (word, roots) = (word(&cx, "word"), cx.list_roots("roots"));
            let (model, word, roots) = (model?, word?, roots?);
            Ok::<_, ToolError>(format!("{} {word} {}", model.text(), roots[0].uri()))
        })
        .tool(Tool::new("twice"), |_: Arguments, cx: Context| async move {
            let (first, second) = (word(&cx, "a"), word(&cx, "a"));
            Ok::<_, ToolError>(format!("{} {}", first?, second?))
        })
        .tool(Tool::new("page"), |_: Arguments, cx: Context| async move {
            let agreed =
                cx.elicit("page", Elicit::url("Please sign in", "https://example.com/7"))?;
            Ok::<_, ToolError>(agreed.is_accepted().to_string())
        })
        .tool(Tool::new("chatty"), |_: Arguments, cx: Context| async move {
            cx.progress(1.0, None, "");
            word(&cx, "a")
        })
        .tool(Tool::new("once"), |_: Arguments, cx: Context| async move {
            let word = word(&cx, "a")?;
            cx.single_use()?;
            cx.single_use()?; // it is this call's
            Ok::<_, ToolError>(word)
        })
}

async fn server() -> TestServer {
    server_with(|service| service).await
}

async fn server_with(options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder) -> TestServer {
    TestServer::with_server(asking, options).await
}

/// The answer to a call of a tool with these params besides, from a client that can be asked
/// anything.
async fn call(server: &TestServer, tool: &str, more: Value) -> Answer {
    call_as(server, tool, more, &[]).await
}

async fn call_as(server: &TestServer, tool: &str, more: Value, headers: &[(&str, &str)]) -> Answer {
    let mut params = json!({
        "name": tool,
        "arguments": {"x": 1, "y": [true]},
        "_meta": {"io.modelcontextprotocol/clientCapabilities": {
            "elicitation": {}, "sampling": {}, "roots": {},
        }},
    });
    for (key, value) in more.as_object().expect("an object") {
        params[key] = value.clone();
    }
    server.connect().await.send(&modern(7, "tools/call", params, headers)).await
}

fn accept(word: &str) -> Value {
    json!({"action": "accept", "content": {"word": word}})
}

/// The questions' keys of a result that asks, and its state.
fn asked(answer: &Answer) -> (Vec<String>, String) {
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "input_required", "{}", answer.text());
    let keys = result["inputRequests"].as_object().expect("questions").keys().cloned().collect();
    (keys, result["requestState"].as_str().expect("a state").to_owned())
}

fn text(answer: &Answer) -> String {
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "complete", "{}", answer.text());
    result["content"][0]["text"].as_str().expect("a text").to_owned()
}

/// What an answer refuses with: the status, the code and the message.
fn refused(answer: &Answer) -> (i64, String) {
    let error = &answer.json()["error"];
    let message = error["message"].as_str().expect("an error").to_owned();
    (answer.code().expect("a code"), message)
}

/// Core Types, InputRequiredResult; Server Requirements, 2: "keys are server assigned identifiers",
/// values are requests.
#[tokio::test]
async fn what_a_handler_asks_is_its_result_and_the_request_comes_again_with_the_answer() {
    let server = server().await;
    let first = call(&server, "other", json!({})).await;
    assert_eq!(first.status(), 200);
    assert_eq!(first.header("content-type"), Some("application/json"));
    let result = &first.json()["result"];
    assert_eq!(
        result["inputRequests"],
        json!({"a": {"method": "elicitation/create", "params": {
            "mode": "form",
            "message": "Say a",
            "requestedSchema": {
                "type": "object",
                "properties": {"word": {"type": "string"}},
                "required": ["word"],
            },
        }}})
    );
    let (_, state) = asked(&first);
    assert!(!state.contains("Say") && state.len() > 80, "{state}");
    let again = json!({"inputResponses": {"a": accept("hello")}, "requestState": state});
    assert_eq!(text(&call(&server, "other", again).await), "hello");
}

/// Server Requirements, 1: "`inputRequests` keys are server assigned identifiers and MUST be unique
/// within the scope of the request"; 2: values "MUST be one of `ElicitRequest`,
/// `CreateMessageRequest`, or `ListRootsRequest`"; Message Patterns: "Servers MUST NOT initiate
/// JSON-RPC requests".
#[tokio::test]
async fn questions_are_no_requests_of_json_rpc_and_each_key_stands_once() {
    let server = server().await;
    let answer = call(&server, "together", json!({})).await;
    let result = &answer.json()["result"];
    for (key, method) in [
        ("word", "elicitation/create"),
        ("model", "sampling/createMessage"),
        ("roots", "roots/list"),
    ] {
        let question = result["inputRequests"][key].as_object().expect("a question");
        assert_eq!(question["method"], method);
        assert_eq!((question.get("id"), question.get("jsonrpc")), (None, None), "{key}");
    }
    // Caching: hints are on results that are complete.
    assert_eq!((result.get("ttlMs"), result.get("cacheScope")), (None, None));
    let answer = call(&server, "twice", json!({})).await;
    assert_eq!(answer.text().matches(r#""a":"#).count(), 1, "{}", answer.text());
    let (_, state) = asked(&answer);
    let again = json!({"inputResponses": {"a": accept("w")}, "requestState": state});
    assert_eq!(text(&call(&server, "twice", again).await), "w w");
}

/// DESIGN, decision 14: the state carries the earlier answers, "because a retry brings only the
/// latest".
#[tokio::test]
async fn earlier_answers_are_kept_across_three_rounds() {
    let server = server().await;
    let mut more = json!({});
    for key in ["a", "b", "c"] {
        let (keys, state) = asked(&call(&server, "rounds", more).await);
        assert_eq!(keys, [key]);
        more = json!({"inputResponses": {key: accept(key)}, "requestState": state});
    }
    assert_eq!(text(&call(&server, "rounds", more).await), "a b c");
}

/// An answer that was given counts, whatever comes under its key later.
#[tokio::test]
async fn an_earlier_answer_is_not_replaced() {
    let server = server().await;
    let (_, state) = asked(&call(&server, "rounds", json!({})).await);
    let more = json!({"inputResponses": {"a": accept("first")}, "requestState": state});
    let (_, state) = asked(&call(&server, "rounds", more).await);
    let responses = json!({"a": accept("second"), "b": accept("b"), "c": accept("c")});
    let more = json!({"inputResponses": responses, "requestState": state});
    assert_eq!(text(&call(&server, "rounds", more).await), "first b c");
}

/// Error Handling: "If the client fails to send all the information requested ..., the server
/// SHOULD respond with a new InputRequiredResult requesting the missing information again".
#[tokio::test]
async fn several_things_are_asked_at_once_and_what_is_missing_again() {
    let server = server().await;
    let (keys, state) = asked(&call(&server, "together", json!({})).await);
    assert_eq!(keys, ["model", "roots", "word"]);
    let roots = json!({"roots": [{"uri": "file:///home"}]});
    let responses = json!({"word": accept("w"), "roots": roots});
    let more = json!({"inputResponses": responses, "requestState": state});
    let (keys, state) = asked(&call(&server, "together", more).await);
    assert_eq!(keys, ["model"]);
    let model = json!({
        "role": "assistant", "content": {"type": "text", "text": "Paris"}, "model": "m",
    });
    let more = json!({"inputResponses": {"model": model}, "requestState": state});
    assert_eq!(text(&call(&server, "together", more).await), "Paris w file:///home");
}

/// Error Handling, the same; without any answer it is all that was asked.
#[tokio::test]
async fn what_comes_without_an_answer_is_asked_again() {
    let server = server().await;
    let (keys, state) = asked(&call(&server, "together", json!({})).await);
    for more in [
        json!({ "requestState": state }),
        json!({"requestState": state, "inputResponses": {}}),
        json!({"requestState": state, "inputResponses": {"another": 1}}),
    ] {
        assert_eq!(asked(&call(&server, "together", more).await).0, keys);
    }
}

/// Server Requirements, 8: "Servers MUST NOT assume that clients will fulfill the `inputRequests` or
/// retry the original request." There is room for one call, and whoever does not come back has it
/// no longer.
#[tokio::test]
async fn a_client_that_does_not_come_back_leaves_nothing_behind() {
    let server = server_with(|service| service.max_calls(1)).await;
    for _ in 0..20 {
        asked(&call(&server, "rounds", json!({})).await);
    }
    assert_eq!((server.service.sessions(), server.service.log_bytes()), (0, 0));
    assert_eq!(call(&server, "echo", json!({})).await.status(), 200);
}

/// A catalogue whose list asks.
struct Curious;

impl ToolCatalogue for Curious {
    fn list(
        self: Arc<Self>,
        _: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<ToolPage, ToolError>> {
        Box::pin(async move {
            word(&cx, "a")?;
            Ok(ToolPage::new([]))
        })
    }

    fn find(
        self: Arc<Self>,
        _: String,
        _: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>> {
        Box::pin(async { Ok(None) })
    }

    fn call(
        self: Arc<Self>,
        name: String,
        _: Arguments,
        _: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
        Box::pin(async { Err(ToolError::unknown_tool(name)) })
    }
}

/// Supported Requests: "Servers MUST NOT send `InputRequiredResult` responses on any other client
/// requests" than `prompts/get`, `resources/read` and `tools/call`.
#[tokio::test]
async fn a_list_cannot_ask() {
    let server = Server::builder("curious", "1").catalogue(Curious).build().expect("a server");
    let service = McpService::builder(server).build().expect("a service");
    let running = serve(service).bind("127.0.0.1:0").await.expect("a free port");
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
    let list = modern(1, "tools/list", json!({ "_meta": meta }), &[]);
    let answer = Wire::connect(running.local_addr()).await.send(&list).await;
    assert_eq!(refused(&answer).0, -32603, "{}", answer.text());
}

/// Error Handling: "the server SHOULD ignore any information it does not recognize or need".
#[tokio::test]
async fn what_was_not_asked_for_is_ignored() {
    let server = server().await;
    let responses = json!({"a": accept("hello"), "b": 12345, "": null});
    let unasked = call(&server, "other", json!({"inputResponses": responses})).await;
    assert_eq!(text(&unasked), "hello", "an answer needs no state");
    // It is not carried on either, which would be more than a state can hold.
    let responses = json!({"a": accept("w"), "junk": "x".repeat(60_000)});
    let (keys, state) =
        asked(&call(&server, "rounds", json!({ "inputResponses": responses })).await);
    assert!(keys == ["b"] && state.len() < 1024, "{keys:?} {state}");
    // Where nothing can be asked, nothing is looked at (Supported Requests).
    let listed = modern(1, "tools/list", json!({"inputResponses": 1, "requestState": 2}), &[]);
    assert!(server.connect().await.send(&listed).await.json()["result"]["tools"].is_array());
}

/// Error Handling: "Servers SHOULD validate that the data provided by the client is a valid
/// `InputResponses` object and that the information inside can be correctly parsed."
#[tokio::test]
async fn answers_that_are_none_are_refused_by_their_key() {
    let server = server().await;
    for (responses, named) in [
        (json!({"a": 12345}), "`a`"),
        (json!({"a": {"action": "perhaps"}}), "`a`"),
        (json!({"a": {"action": "accept", "content": {"word": 1}}}), "`word`"),
        (json!({"a": {"action": "accept", "content": {}}}), "`word`"),
        (json!(null), "`inputResponses`"),
        (json!([]), "`inputResponses`"),
        (json!("a"), "`inputResponses`"),
    ] {
        let answer = call(&server, "other", json!({ "inputResponses": responses })).await;
        let (code, message) = refused(&answer);
        assert_eq!(code, -32602, "{responses}");
        assert!(message.contains(named), "{responses}: {message}");
    }
}

#[tokio::test]
async fn a_person_who_declines_or_cancels_is_heard() {
    let server = server().await;
    for (action, heard) in [("decline", "(declined)"), ("cancel", "(cancelled)")] {
        let responses = json!({"a": {"action": action}});
        let answer = call(&server, "other", json!({ "inputResponses": responses })).await;
        assert_eq!(text(&answer), heard);
    }
}

/// Server Requirements, 6: "Servers MUST NOT send an `inputRequests` that the client has not
/// declared support for in its capabilities."
#[tokio::test]
async fn a_client_is_not_asked_what_it_did_not_declare() {
    let server = server().await;
    for (tool, declared, required) in [
        ("other", json!({}), json!({"elicitation": {"form": {}}})),
        ("other", json!({"elicitation": {"url": {}}}), json!({"elicitation": {"form": {}}})),
        ("together", json!({"elicitation": {}, "roots": {}}), json!({"sampling": {}})),
        // An empty object counts as forms alone.
        ("page", json!({"elicitation": {}}), json!({"elicitation": {"url": {}}})),
        ("page", json!({"elicitation": {"form": {}}}), json!({"elicitation": {"url": {}}})),
    ] {
        let meta = json!({"io.modelcontextprotocol/clientCapabilities": declared});
        let answer = call(&server, tool, json!({ "_meta": meta })).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32021)), "{}", answer.text());
        let data = &answer.json()["error"]["data"];
        assert_eq!(data["requiredCapabilities"], required);
    }
}

/// Server Requirements, 4: "MUST reject state that fails verification"; 5: another principal,
/// another request.
#[tokio::test]
async fn a_state_that_was_not_sealed_for_this_caller_and_request_is_refused() {
    async fn by_name(head: Arc<Head>) -> Result<Principal, Refusal> {
        let name = head.headers().get("x-name").and_then(|name| name.to_str().ok());
        Ok(name.map_or_else(Principal::anonymous, Principal::named))
    }
    let server = server_with(|service| service.admit(by_name)).await;
    let alice = [("x-name", "alice")];
    let (_, state) = asked(&call_as(&server, "other", json!({}), &alice).await);
    let again = |state: &str| json!({"inputResponses": {"a": accept("w")}, "requestState": state});
    let mut middle = state.clone().into_bytes();
    let at = middle.len() / 2;
    middle[at] = if middle[at] == b'A' { b'B' } else { b'A' };
    let middle = String::from_utf8(middle).expect("ASCII");
    let arguments = json!({"x": 2, "y": [true]});
    for (what, tool, more, headers) in [
        ("tampered", "other", again(&middle), &alice[..]),
        ("extended", "other", again(&format!("{state}-TAMPERED")), &alice),
        ("cut", "other", again(&state[..state.len() - 4]), &alice),
        ("empty", "other", again(""), &alice),
        ("another caller", "other", again(&state), &[("x-name", "bob")]),
        ("no caller", "other", again(&state), &[]),
        ("another tool", "rounds", again(&state), &alice),
        (
            "other arguments",
            "other",
            json!({"requestState": state, "arguments": arguments}),
            &alice,
        ),
        ("no arguments", "other", json!({"requestState": state, "arguments": {}}), &alice),
        ("no string", "other", json!({"requestState": 1}), &alice),
    ] {
        let (code, message) = refused(&call_as(&server, tool, more, headers).await);
        assert_eq!(code, -32602, "{what}");
        assert!(message.starts_with("`requestState`"), "{what}: {message}");
    }
    // The same arguments in other words, and other `_meta`.
    let mut same = again(&state);
    same["arguments"] = serde_json::from_str(r#"{ "y":[true], "x": 1.0 }"#).expect("JSON");
    assert_eq!(text(&call_as(&server, "other", same, &alice).await), "w");
}

/// Instances that share their keys serve each other's clients; a key opens until it is rotated out.
#[tokio::test]
async fn a_state_is_good_on_every_instance_that_has_its_key() {
    let with = |keys: StateKeys| server_with(move |service| service.state_keys(keys));
    let (old, new) = ([1; 32], [2; 32]);
    let (_, state) = asked(&call(&with(StateKeys::new(old)).await, "other", json!({})).await);
    let again = json!({"inputResponses": {"a": accept("w")}, "requestState": state});
    let rotated = with(StateKeys::new(new).with_previous(old)).await;
    assert_eq!(text(&call(&rotated, "other", again.clone()).await), "w");
    for (what, stranger) in
        [("rotated out", with(StateKeys::new(new)).await), ("of its own key", server().await)]
    {
        let (code, message) = refused(&call(&stranger, "other", again.clone()).await);
        assert_eq!(code, -32602, "{what}");
        assert!(message.contains("must share their keys"), "{message}");
    }
}

/// Server Requirements, 5: "Servers for which a given `requestState` must be consumed at most once
/// ... MUST enforce that invariant server-side."
#[tokio::test]
async fn what_may_be_done_once_is_done_once() {
    let server = server().await;
    let (_, state) = asked(&call(&server, "once", json!({})).await);
    let (_, unanswered) = {
        let more = json!({"requestState": state});
        asked(&call(&server, "once", more).await)
    };
    assert_ne!(state, unanswered);
    let again = |state: &str| json!({"inputResponses": {"a": accept("w")}, "requestState": state});
    assert_eq!(text(&call(&server, "once", again(&state)).await), "w");
    // Neither that state nor any other of the same request's rounds.
    for state in [&state, &unanswered] {
        let (code, message) = refused(&call(&server, "once", again(state)).await);
        assert_eq!(code, -32602);
        assert!(message.contains("used before"), "{message}");
    }
    // A request of its own is another matter.
    let (_, another) = asked(&call(&server, "once", json!({})).await);
    assert_eq!(text(&call(&server, "once", again(&another)).await), "w");
    // Answers without a state could come again with nothing that they were known by.
    let unasked = json!({"inputResponses": {"a": accept("w")}});
    let (code, message) = refused(&call(&server, "once", unasked).await);
    assert!(code == -32602 && message.contains("come with the `requestState`"), "{message}");
    // And where nobody asks for it, a state may come again.
    let (_, state) = asked(&call(&server, "other", json!({})).await);
    for _ in 0..2 {
        assert_eq!(text(&call(&server, "other", again(&state)).await), "w");
    }
}

/// The same: what is used up is remembered until all is stale that was sealed before, so nothing is
/// sealed after.
#[tokio::test]
async fn what_was_used_up_is_not_carried_on() {
    let server = TestServer::with_server(
        |it| {
            it.tool(Tool::new("early"), |_: Arguments, cx: Context| async move {
                word(&cx, "a")?;
                cx.single_use()?;
                word(&cx, "b")
            })
        },
        |service| service,
    )
    .await;
    let (_, state) = asked(&call(&server, "early", json!({})).await);
    let again = json!({"inputResponses": {"a": accept("w")}, "requestState": state});
    let (code, message) = refused(&call(&server, "early", again).await);
    assert!(code == -32602 && message.contains("used before"), "{message}");
}

/// Supported Requests: `resources/read` is one. Caching, Cache Key: results of "requests carrying
/// `inputResponses` or `requestState`" "MUST NOT be cached", so they never say that they may be.
#[tokio::test]
async fn a_resource_may_ask_and_what_rests_on_the_answer_is_not_for_caches() {
    let resource =
        Resource::new("a:b", "b").with_cache(Duration::from_secs(60), CacheScope::Public);
    let read = |_: ReadRequest, cx: Context| async move { word(&cx, "a") };
    let server = TestServer::with_server(|it| it.resource(resource, read), |it| it).await;
    let read = async |more: Value| {
        let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
        let mut params = json!({"uri": "a:b", "_meta": meta});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.connect().await.send(&modern(1, "resources/read", params, &[])).await
    };
    let (keys, state) = asked(&read(json!({})).await);
    assert_eq!(keys, ["a"]);
    let responses = json!({"a": accept("w")});
    for more in [
        json!({"inputResponses": &responses, "requestState": state}),
        json!({"inputResponses": responses}),
    ] {
        let result = read(more.clone()).await.json()["result"].clone();
        assert_eq!(result["contents"][0]["text"], "w", "{more}");
        assert_eq!((&result["ttlMs"], &result["cacheScope"]), (&json!(0), &json!("private")));
    }
}

/// A name may be written with escapes: it declares the same.
#[tokio::test]
async fn a_capability_counts_however_its_name_is_written() {
    let server = server().await;
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
    let params = json!({"name": "other", "_meta": meta});
    let request = modern(7, "tools/call", params, &[]);
    let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
    let escaped = body.replace("elicitation", "elicit\\u0061tion");
    let lengths = [body, &escaped].map(|body| format!("{}\r\n", body.len()));
    let head = format!("{head}\r\n").replace(&lengths[0], &lengths[1]);
    let answer = server.connect().await.send(&format!("{head}\r\n{escaped}")).await;
    assert_eq!(asked(&answer).0, ["a"]);
}

/// DESIGN, decision 8: everything has a limit and a test at the limit.
#[tokio::test]
async fn what_is_too_much_to_carry_is_said() {
    let server = server().await;
    let long = |bytes: usize| json!({"a": accept(&"x".repeat(bytes))});
    let kept = call(&server, "rounds", json!({"inputResponses": long(48_000)})).await;
    let (keys, state) = asked(&kept);
    assert_eq!(keys, ["b"]);
    assert!(state.len() <= 64 * 1024);
    let (code, message) =
        refused(&call(&server, "rounds", json!({"inputResponses": long(50_000)})).await);
    assert_eq!(code, -32603);
    assert!(message.contains("65536 bytes of a state"), "{message}");
    let (code, message) =
        refused(&call(&server, "other", json!({"inputResponses": long(1 << 20)})).await);
    assert_eq!(code, -32602);
    assert!(message.contains("1048576 bytes"), "{message}");
    let many: serde_json::Map<_, _> = (0..257).map(|at| (at.to_string(), json!(1))).collect();
    let (code, message) = refused(&call(&server, "other", json!({ "inputResponses": many })).await);
    assert_eq!(code, -32602);
    assert!(message.contains("at most 256"), "{message}");
}

/// What was said before belongs to the stream, and the questions are its last message.
#[tokio::test]
async fn a_stream_may_end_with_questions() {
    let server = server().await;
    let meta = json!({
        "progressToken": "t",
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    });
    let answer = call(&server, "chatty", json!({ "_meta": meta })).await;
    let messages = answer.messages();
    assert_eq!(messages.len(), 2, "{}", answer.text());
    assert_eq!(messages[0]["method"], "notifications/progress");
    assert_eq!(messages[1]["result"]["resultType"], "input_required");
    assert!(messages[1]["result"]["inputRequests"]["a"].is_object());
}
