//! 2026-07-28, Multi Round-Trip Requests: a handler's questions are the result of the request, and
//! their answers come with the next.

use std::sync::Arc;

use mcp_http::{
    Arguments, BoxFuture, CallToolResult, Context, CreateMessage, Elicit, ElicitForm, Elicited,
    Head, McpServiceBuilder, Principal, Refusal, ServerBuilder, StringSchema, Tool, ToolCatalogue,
    ToolError, ToolPage,
};
use serde_json::{Value, json};

use crate::support::messages::modern;
use crate::support::server::TestServer;
use crate::support::wire::Answer;

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

fn form(message: &str) -> ElicitForm {
    Elicit::form(message).with_required("value", StringSchema::new())
}

/// The value of an answered [`form`], or what was done instead.
fn told(answer: Elicited<serde_json::Map<String, Value>>) -> String {
    match answer {
        Elicited::Accept(content) => content["value"].as_str().expect("a string").to_owned(),
        Elicited::Decline => "declined".to_owned(),
        Elicited::Cancel => "cancelled".to_owned(),
    }
}

/// - `one` asks `a`, `both` asks `a` and `b` at once, `three` asks `a`, `b`, `c` one after the
///   other, and `twice` asks `a` twice: they answer with the values, joined by commas;
/// - `page` asks to open a page, `model` asks the model, `roots` asks for the roots, `all` asks for
///   all of that at once;
/// - `once` asks `a` and acts on the answer once.
fn asking(builder: ServerBuilder) -> ServerBuilder {
    builder
        .tool(Tool::new("one"), |_: Arguments, cx: Context| async move {
            Ok::<_, ToolError>(told(cx.elicit("a", form("A?"))?))
        })
        .tool(Tool::new("both"), |_: Arguments, cx: Context| async move {
            let (a, b) = (cx.elicit("a", form("A?")), cx.elicit("b", form("B?")));
            Ok::<_, ToolError>([told(a?), told(b?)].join(","))
        })
        .tool(Tool::new("three"), |_: Arguments, cx: Context| async move {
            let mut all = Vec::new();
            for key in ["a", "b", "c"] {
                all.push(told(cx.elicit(key, form(key))?));
            }
            Ok::<_, ToolError>(all.join(","))
        })
        .tool(Tool::new("twice"), |_: Arguments, cx: Context| async move {
            let (first, second) = (cx.elicit("a", form("A?")), cx.elicit("a", form("A?")));
            Ok::<_, ToolError>([told(first?), told(second?)].join(","))
        })
        .tool(Tool::new("page"), |_: Arguments, cx: Context| async move {
            let page = Elicit::url("Please sign in", "https://example.com/connect/7");
            let agreed = cx.elicit("page", page)?.is_accepted();
            Ok::<_, ToolError>(agreed.to_string())
        })
        .tool(Tool::new("model"), |_: Arguments, cx: Context| async move {
            Ok::<_, ToolError>(cx.sample("model", CreateMessage::new("Hi", 10))?.text())
        })
        .tool(Tool::new("roots"), |_: Arguments, cx: Context| async move {
            Ok::<_, ToolError>(cx.list_roots("roots")?.len().to_string())
        })
        .tool(Tool::new("all"), |_: Arguments, cx: Context| async move {
            let form = cx.elicit("form", form("A?"));
            let model = cx.sample("model", CreateMessage::new("Hi", 10));
            let roots = cx.list_roots("roots");
            let (form, model, roots) = (told(form?), model?.text(), roots?.len());
            Ok::<_, ToolError>(format!("{form},{model},{roots}"))
        })
        .tool(Tool::new("once"), |_: Arguments, cx: Context| async move {
            let value = told(cx.elicit("a", form("A?"))?);
            cx.single_use()?;
            Ok::<_, ToolError>(value)
        })
}

/// Admits callers by the header `X-User`.
fn by_header(service: McpServiceBuilder) -> McpServiceBuilder {
    service.admit(|head: Arc<Head>| async move {
        match head.headers().get("x-user").map(|user| user.to_str()) {
            None => Ok(Principal::anonymous()),
            Some(Ok(user)) => Ok(Principal::named(user)),
            Some(Err(_)) => Err(Refusal::unauthorized("Who are you?")),
        }
    })
}

async fn server() -> TestServer {
    TestServer::with_server(asking, by_header).await
}

/// What a client that can be asked anything sends, in each of its rounds.
#[derive(Clone)]
struct Call {
    id: Value,
    method: &'static str,
    params: Value,
    headers: Vec<(&'static str, &'static str)>,
}

impl Call {
    fn of(tool: &str) -> Self {
        let capabilities =
            json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
        let params = json!({
            "name": tool,
            "arguments": {"city": "Bern", "days": [1, 2.5]},
            "_meta": {CAPABILITIES: capabilities},
        });
        Self { id: json!(1), method: "tools/call", params, headers: Vec::new() }
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.params[member] = value;
        self
    }

    fn declaring(mut self, capabilities: Value) -> Self {
        self.params["_meta"][CAPABILITIES] = capabilities;
        self
    }

    /// The same request with these answers to what a result asked, and its state.
    fn answering(self, asked: &Value, answers: &[(&str, Value)]) -> Self {
        let answers = answers.iter().map(|(key, answer)| ((*key).to_owned(), answer.clone()));
        let answers = Value::Object(answers.collect());
        self.with("requestState", asked["requestState"].clone()).with("inputResponses", answers)
    }

    async fn send(&self, server: &TestServer) -> Answer {
        let request = modern(self.id.clone(), self.method, self.params.clone(), &self.headers);
        server.connect().await.send(&request).await
    }

    /// The result, which there must be.
    async fn result(&self, server: &TestServer) -> Value {
        let answer = self.send(server).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let message = answer.messages().pop().expect("an answer");
        assert_eq!(message["id"], self.id);
        assert!(message["result"].is_object(), "{message}");
        message["result"].clone()
    }

    /// The text that the tool has answered with.
    async fn text(&self, server: &TestServer) -> String {
        let result = self.result(server).await;
        assert_eq!(result["resultType"], "complete", "{result}");
        result["content"][0]["text"].as_str().expect("a text").to_owned()
    }

    /// The code and the message of the error, which there must be.
    async fn error(&self, server: &TestServer) -> (i64, String) {
        let answer = self.send(server).await;
        let message = answer.messages().pop().expect("an answer");
        let error = &message["error"];
        let code = error["code"].as_i64().unwrap_or_else(|| panic!("{message}"));
        (code, error["message"].as_str().expect("a message").to_owned())
    }
}

fn accept(value: &str) -> Value {
    json!({"action": "accept", "content": {"value": value}})
}

/// The keys of what a result asks.
fn keys(asked: &Value) -> Vec<&str> {
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    assert!(asked["requestState"].is_string(), "{asked}");
    // Caching: hints are on results that are complete.
    assert_eq!((asked.get("ttlMs"), asked.get("cacheScope")), (None, None), "{asked}");
    asked["inputRequests"].as_object().expect("questions").keys().map(String::as_str).collect()
}

/// Multi Round-Trip Requests: "Servers MUST send server-to-client requests (such as `roots/list`,
/// `sampling/createMessage`, or `elicitation/create`) using the MRTR pattern"; Server Requirements,
/// 2: "values are request objects that MUST be one of" these; Message Patterns: "Servers MUST NOT
/// initiate JSON-RPC requests".
#[tokio::test]
async fn what_a_handler_asks_is_the_result_of_its_request() {
    let server = server().await;
    let asked = Call::of("all").result(&server).await;
    assert_eq!(keys(&asked), ["form", "model", "roots"]);
    for (key, method) in [
        ("form", "elicitation/create"),
        ("model", "sampling/createMessage"),
        ("roots", "roots/list"),
    ] {
        let question = asked["inputRequests"][key].as_object().expect("a request");
        assert_eq!(question["method"], method);
        assert_eq!(question.get("id"), None, "it is no JSON-RPC request");
    }
    let model = json!({
        "role": "assistant", "content": {"type": "text", "text": "hello"}, "model": "m",
    });
    let roots = json!({"roots": [{"uri": "file:///a"}, {"uri": "file:///b"}]});
    let answers = [("form", accept("x")), ("model", model), ("roots", roots)];
    assert_eq!(Call::of("all").answering(&asked, &answers).text(&server).await, "x,hello,2");
}

/// Elicitation, Capabilities; Server Requirements, 7: "Servers MUST NOT send an `inputRequests` that
/// the client has not declared support for in its capabilities."
#[tokio::test]
async fn a_client_is_asked_only_what_it_declared() {
    let server = server().await;
    for (tool, declared, missing) in [
        ("one", json!({}), json!({"elicitation": {}})),
        ("one", json!({"sampling": {}, "roots": {}}), json!({"elicitation": {}})),
        ("one", json!({"elicitation": {"url": {}}}), json!({"elicitation": {}})),
        ("page", json!({"elicitation": {}}), json!({"elicitation": {"url": {}}})),
        ("page", json!({"elicitation": {"form": {}}}), json!({"elicitation": {"url": {}}})),
        ("model", json!({"elicitation": {}, "roots": {}}), json!({"sampling": {}})),
        ("roots", json!({"elicitation": {}, "sampling": {}}), json!({"roots": {}})),
    ] {
        let answer = Call::of(tool).declaring(declared.clone()).send(&server).await;
        assert_eq!((answer.status(), answer.code()), (400, Some(-32021)), "{tool}, {declared}");
        assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], missing, "{tool}");
    }
    // An empty object counts as forms alone.
    for declared in [json!({"elicitation": {}}), json!({"elicitation": {"form": {}}})] {
        assert_eq!(keys(&Call::of("one").declaring(declared).result(&server).await), ["a"]);
    }
}

/// Server Requirements, 1: "`inputRequests` keys are server assigned identifiers and MUST be unique
/// within the scope of the request."
#[tokio::test]
async fn a_key_stands_once_in_what_is_asked() {
    let server = server().await;
    let answer = Call::of("twice").send(&server).await;
    assert_eq!(answer.text().matches(r#""a":"#).count(), 1, "{}", answer.text());
    let asked = answer.json()["result"].clone();
    let text = Call::of("twice").answering(&asked, &[("a", accept("x"))]).text(&server).await;
    assert_eq!(text, "x,x");
}

/// Server Requirements, 4 and 5: what a state must hold; a retry brings only the latest answers, so
/// the state carries those before. Client Requirements: the id of a retry "MUST be different"; one
/// that is the same does no harm.
#[tokio::test]
async fn three_rounds_carry_what_was_answered_before() {
    let server = server().await;
    let call = Call::of("three");
    let first = call.result(&server).await;
    assert_eq!(keys(&first), ["a"]);
    let second = call.clone().answering(&first, &[("a", accept("x"))]).result(&server).await;
    assert_eq!(keys(&second), ["b"]);
    assert_ne!(first["requestState"], second["requestState"]);
    let third = call.clone().answering(&second, &[("b", accept("y"))]).result(&server).await;
    assert_eq!(keys(&third), ["c"]);
    let mut last = call.clone().answering(&third, &[("c", accept("z"))]);
    assert_eq!(last.text(&server).await, "x,y,z");
    last.id = json!("another");
    assert_eq!(last.text(&server).await, "x,y,z");
    // What was answered in an earlier round stays.
    let answers = [("c", accept("z")), ("a", accept("changed"))];
    assert_eq!(call.answering(&third, &answers).text(&server).await, "x,y,z");
}

/// Error Handling: "If the client fails to send all the information requested in a previous
/// `InputRequests`, ... the server SHOULD respond with a new `InputRequiredResult` requesting the
/// missing information again, rather than returning an error."
#[tokio::test]
async fn what_is_missing_is_asked_for_again() {
    let server = server().await;
    let call = Call::of("both");
    let first = call.result(&server).await;
    assert_eq!(keys(&first), ["a", "b"]);
    let again = call.clone().answering(&first, &[]).result(&server).await;
    assert_eq!(keys(&again), ["a", "b"]);
    let without = call.clone().with("requestState", first["requestState"].clone());
    assert_eq!(keys(&without.result(&server).await), ["a", "b"]);
    let half = call.clone().answering(&first, &[("b", accept("y"))]).result(&server).await;
    assert_eq!(keys(&half), ["a"]);
    let whole = call.answering(&half, &[("a", accept("x"))]);
    assert_eq!(whole.text(&server).await, "x,y");
}

/// Error Handling: "If additional, unexpected parameters are provided in the `InputResponses`
/// object, the server SHOULD ignore any information it does not recognize or need."
#[tokio::test]
async fn what_was_not_asked_for_is_ignored() {
    let server = server().await;
    let call = Call::of("one");
    let asked = call.result(&server).await;
    let mut answer = accept("x");
    answer["more"] = json!(1);
    answer["content"]["more"] = json!([1]);
    for other in [json!(null), json!("x"), json!([[]]), json!({"action": "accept"})] {
        let answers = [("a", answer.clone()), ("b", other.clone()), ("", other)];
        assert_eq!(call.clone().answering(&asked, &answers).text(&server).await, "x");
    }
}

/// Elicitation, Error Handling: servers "MUST handle cases where the user declines or cancels the
/// elicitation, or where the client fails to process the request".
#[tokio::test]
async fn a_handler_learns_that_a_person_declined() {
    let server = server().await;
    let call = Call::of("one");
    let asked = call.result(&server).await;
    for (action, expected) in [("decline", "declined"), ("cancel", "cancelled")] {
        let answers = [("a", json!({"action": action}))];
        assert_eq!(call.clone().answering(&asked, &answers).text(&server).await, expected);
    }
}

/// Error Handling: "Servers SHOULD validate that the data provided by the client is a valid
/// `InputResponses` object and that the information inside can be correctly parsed"; Elicitation,
/// Form Mode Security: "Servers SHOULD validate received data matches the requested schema".
#[tokio::test]
async fn what_does_not_fit_is_an_error_of_the_request() {
    let server = server().await;
    let call = Call::of("one");
    let asked = call.result(&server).await;
    let state = asked["requestState"].clone();
    for responses in [json!([]), json!("a"), json!(7), json!(null), json!([{"a": accept("x")}])] {
        let bad = call.clone().with("requestState", state.clone());
        let error = bad.with("inputResponses", responses.clone()).error(&server).await;
        assert_eq!(error.0, -32602, "{responses}: {}", error.1);
    }
    for answer in [
        json!(null),
        json!([]),
        json!({}),
        json!({"action": "maybe"}),
        json!({"action": "accept"}),
        json!({"action": "accept", "content": {"value": 7}}),
        json!({"action": "accept", "content": ["value"]}),
    ] {
        let error = call.clone().answering(&asked, &[("a", answer.clone())]).error(&server).await;
        assert_eq!(error.0, -32602, "{answer}: {}", error.1);
    }
}

/// Server Requirements, 4: "If `requestState` influences authorization, resource access, or
/// business logic, servers MUST protect its integrity (e.g. HMAC or AEAD) and MUST reject state
/// that fails verification."
#[tokio::test]
async fn a_state_that_was_tampered_with_is_refused() {
    let server = server().await;
    let call = Call::of("one");
    let asked = call.result(&server).await;
    let state = asked["requestState"].as_str().expect("a string");
    let mut forged = vec![json!(""), json!("x"), json!(7), json!(null), json!({}), json!([state])];
    for at in 0..state.len() {
        let other = if state.as_bytes()[at] == b'A' { "B" } else { "A" };
        forged.push(json!(format!("{}{other}{}", &state[..at], &state[at + 1..])));
    }
    forged.push(json!(&state[..state.len() - 1]));
    forged.push(json!(format!("{state}A")));
    for state in forged {
        let bad = call.clone().answering(&json!({"requestState": state}), &[("a", accept("x"))]);
        assert_eq!(bad.error(&server).await.0, -32602, "{state}");
    }
    assert_eq!(call.answering(&asked, &[("a", accept("x"))]).text(&server).await, "x");
}

/// Server Requirements, 5: "the authenticated principal, rejecting state presented by a different
/// principal"; "an identifier for the originating request, e.g. the method name and a digest of its
/// salient parameters, rejecting state presented on a request that does not match"; Client
/// Requirements: they "MUST NOT be used for any other request".
#[tokio::test]
async fn a_state_is_its_callers_and_its_requests_alone() {
    let server = server().await;
    let mut call = Call::of("one");
    call.headers = vec![("X-User", "alice")];
    let asked = call.result(&server).await;
    let answers = [("a", accept("x"))];
    let retry = call.answering(&asked, &answers);
    let mut bad = Vec::new();
    for headers in [vec![], vec![("X-User", "bob")], vec![("X-User", "Alice")]] {
        bad.push(Call { headers, ..retry.clone() });
    }
    for (member, value) in [
        ("name", json!("both")),
        ("arguments", json!({})),
        ("arguments", json!({"city": "Basel", "days": [1, 2.5]})),
        ("arguments", json!({"city": "Bern", "days": [2.5, 1]})),
        ("arguments", json!({"city": "Bern", "days": [1, 2.5], "more": null})),
    ] {
        bad.push(retry.clone().with(member, value));
    }
    for bad in bad {
        let error = bad.error(&server).await;
        assert_eq!(error.0, -32602, "{:?} {}: {}", bad.headers, bad.params, error.1);
    }
    // The same arguments in another order, another id and another `_meta` are the same request.
    let mut same = retry.clone().with("arguments", json!({"days": [1.0, 2.5], "city": "Bern"}));
    same.id = json!("other");
    same.params["_meta"]["progressToken"] = json!("t");
    assert_eq!(same.text(&server).await, "x");
}

/// Server Requirements, 5: "Servers for which a given `requestState` must be consumed at most once
/// (e.g., one-time redemptions) MUST enforce that invariant server-side."
#[tokio::test]
async fn a_handler_may_act_once_on_what_was_answered() {
    let server = server().await;
    let call = Call::of("once");
    let asked = call.result(&server).await;
    let other = call.result(&server).await;
    let retry = call.clone().answering(&asked, &[("a", accept("x"))]);
    assert_eq!(retry.text(&server).await, "x");
    assert_eq!(retry.error(&server).await.0, -32602);
    assert_eq!(call.answering(&other, &[("a", accept("y"))]).text(&server).await, "y");
}

/// Server Requirements, 8: "Servers MUST NOT assume that clients will fulfill the `inputRequests` or
/// retry the original request." A client that never comes back leaves nothing behind: there is
/// room for one call, and the next has it.
#[tokio::test]
async fn a_client_that_does_not_come_back_leaves_nothing_behind() {
    let server = TestServer::with_server(asking, |service| service.max_calls(1)).await;
    for _ in 0..50 {
        assert_eq!(keys(&Call::of("one").result(&server).await), ["a"]);
    }
    let stats = server.service.stats();
    assert_eq!((server.service.sessions(), server.service.log_bytes()), (0, 0), "{stats:?}");
    assert_eq!(Call::of("echo").text(&server).await, r#"{"city":"Bern","days":[1,2.5]}"#);
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
            cx.elicit("a", form("A?"))?;
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
    let server = mcp_http::Server::builder("curious", "1").catalogue(Curious).build();
    let service = mcp_http::McpService::builder(server.expect("a server")).build();
    let running = mcp_http::serve(service.expect("a service")).bind("127.0.0.1:0").await;
    let addr = running.as_ref().expect("a free port").local_addr();
    let params = json!({"_meta": {CAPABILITIES: {"elicitation": {}}}});
    let mut wire = crate::support::wire::Wire::connect(addr).await;
    let answer = wire.send(&modern(1, "tools/list", params, &[])).await;
    assert_eq!(answer.code(), Some(-32603), "{}", answer.text());
}
