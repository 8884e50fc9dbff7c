//! Asking the client: a handler's questions are requests on the call's own stream, and their
//! answers run it anew (DESIGN, decision 14).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcp_http::{
    Arguments, Context, CreateMessage, Elicit, Framing, LogLevel, McpService, McpServiceBuilder,
    Server, StringSchema, Tool, ToolError,
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use super::{CUTS, Cut, LATEST, Stream, VERSIONS, assert_accepted, gist};
use crate::support::messages::{Session, answer, call, notification, post, request};
use crate::support::server::TestServer;
use crate::support::wire::PATIENCE;

/// What the tool `ask` did.
struct Desk {
    runs: AtomicUsize,
    /// A call that is to wait takes a permit in each of its runs.
    gate: Semaphore,
    /// How its runs have ended, but for those that unwound with a question.
    ends: watch::Sender<Vec<String>>,
}

impl Default for Desk {
    fn default() -> Self {
        let (gate, ends) = (Semaphore::new(0), watch::Sender::default());
        Self { runs: AtomicUsize::new(0), gate, ends }
    }
}

impl Desk {
    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// Waits until a run has ended, and says how.
    async fn end(&self) -> String {
        let mut ends = self.ends.subscribe();
        let ended = ends.wait_for(|ends| !ends.is_empty());
        let ended = tokio::time::timeout(PATIENCE, ended).await.expect("waited for an end");
        ended.expect("the desk is there")[0].clone()
    }
}

/// Asks under a key: by default a form, and otherwise what `with` says.
fn put(cx: &Context, with: &str, key: &str) -> Result<String, ToolError> {
    Ok(match with {
        "roots" => cx.list_roots(key)?.iter().map(|root| root.uri()).collect(),
        "sample" => cx.sample(key, CreateMessage::new(key, 9))?.text(),
        _ => {
            let form = Elicit::form(key).with_required("v", StringSchema::new());
            json!(cx.elicit(key, form)?.accepted()).to_string()
        }
    })
}

async fn ask(arguments: Value, cx: Context, desk: &Desk) -> Result<String, ToolError> {
    desk.runs.fetch_add(1, Ordering::SeqCst);
    if arguments["wait"] == true {
        desk.gate.acquire().await?.forget();
    }
    if arguments["close"] == true {
        cx.close_stream();
    }
    let with = arguments["with"].as_str().unwrap_or_default();
    let mut said = Vec::new();
    for (n, round) in arguments["rounds"].as_array().into_iter().flatten().enumerate() {
        cx.progress(f64::from(u32::try_from(n)?), None, "asking");
        let keys = round.as_array().into_iter().flatten().filter_map(Value::as_str);
        let answers: Vec<_> = keys.map(|key| put(&cx, with, key)).collect();
        for answer in answers {
            said.push(answer?);
        }
    }
    cx.log(LogLevel::Info, "asked");
    Ok(said.join(" "))
}

/// A server with the tool `ask`: `rounds` are lists of keys, each asked at once.
async fn desk_with(
    options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
) -> (TestServer, Arc<Desk>) {
    let desk = Arc::new(Desk::default());
    let for_tool = Arc::clone(&desk);
    let tool = move |arguments: Arguments, cx: Context| {
        let desk = Arc::clone(&for_tool);
        async move {
            let result = ask(arguments.parse()?, cx, &desk).await;
            if !result.as_ref().is_err_and(ToolError::is_question) {
                let end = match &result {
                    Ok(text) => text.clone(),
                    Err(error) => error.to_string(),
                };
                desk.ends.send_modify(|ends| ends.push(end));
            }
            result
        }
    };
    let server = TestServer::with_server(
        |it| it.tool(Tool::new("ask").with_description("Asks"), tool),
        options,
    );
    (server.await, desk)
}

async fn desk() -> (TestServer, Arc<Desk>) {
    desk_with(|service| service).await
}

/// A session of a client that can be asked everything.
async fn able(server: &TestServer, version: &str) -> Session {
    let capabilities = json!({"sampling": {}, "roots": {}, "elicitation": {}});
    Session::open_with(server, version, capabilities).await
}

/// A call of `ask`.
fn asking(id: u64, rounds: Value) -> String {
    call(id, "ask", json!({"rounds": rounds}))
}

/// What a person answers who fills in a form.
fn accept(value: &str) -> Value {
    json!({"action": "accept", "content": {"v": value}})
}

/// The next message, which must be a request; its id.
async fn question(stream: &mut Stream, method: &str) -> Value {
    let (_, message) = stream.message().await;
    assert_eq!(message["method"], method, "{message}");
    assert!(message["id"].is_u64() && message["params"].is_object(), "{message}");
    message["id"].clone()
}

async fn form(stream: &mut Stream) -> Value {
    question(stream, "elicitation/create").await
}

async fn reply(server: &TestServer, session: &Session, id: &Value, result: Value) {
    assert_accepted(&session.send(server, &answer(id, result)).await);
}

/// 2025-11-25 (and 2025-06-18, 2025-03-26), Transports, Sending Messages to the Server, 6: "The
/// server MAY send JSON-RPC requests and notifications before sending the JSON-RPC response. These
/// messages SHOULD relate to the originating client request"; 4: a response that is accepted is
/// 202 with no body.
#[tokio::test]
async fn a_question_comes_on_the_calls_own_stream_and_its_answer_runs_the_handler_anew() {
    let root = json!({"roots": [{"uri": "file:///w"}]});
    let message =
        json!({"role": "assistant", "content": {"type": "text", "text": "hm"}, "model": "m"});
    for (version, with, method, result, text) in [
        ("2025-03-26", "roots", "roots/list", root.clone(), "file:///w"),
        ("2025-03-26", "sample", "sampling/createMessage", message.clone(), "hm"),
        ("2025-06-18", "form", "elicitation/create", accept("x"), r#"{"v":"x"}"#),
        (LATEST, "form", "elicitation/create", accept("x"), r#"{"v":"x"}"#),
        (LATEST, "sample", "sampling/createMessage", message, "hm"),
        (LATEST, "roots", "roots/list", root, "file:///w"),
    ] {
        let (server, desk) = desk().await;
        let session = able(&server, version).await;
        let mut get = Stream::open(&server, &session.get(None)).await;
        let body = call(7, "ask", json!({"rounds": [["q"]], "with": with}));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let (_, asked) = stream.message().await;
        assert_eq!((&asked["method"], &asked["id"]), (&json!(method), &json!(1)), "{version}");
        assert_eq!(desk.runs(), 1);
        reply(&server, &session, &asked["id"], result).await;
        assert_eq!(stream.gists().await, [format!("7={text}")], "{version}");
        assert_eq!(desk.runs(), 2);
        // The standalone stream has heard nothing of it.
        assert_eq!(session.end(&server).await.status(), 204);
        assert!(get.rest().await.is_empty());
        assert_eq!(server.service.calls_in_flight(), 0);
    }
}

/// What was said before a question comes before it, and "the progress value MUST increase with
/// each notification" (2025-11-25, Progress) also where the handler begins anew.
#[tokio::test]
async fn several_rounds_and_several_questions_at_once_keep_their_order() {
    let (server, desk) = desk().await;
    let session = able(&server, LATEST).await;
    let level = request(1, "logging/setLevel", json!({"level": "info"}));
    assert_eq!(session.send(&server, &level).await.status(), 200);
    let params = json!({
        "name": "ask",
        "arguments": {"rounds": [["a", "b"], ["c"]]},
        "_meta": {"progressToken": "t"},
    });
    let mut stream = Stream::open(&server, &session.post(&request(2, "tools/call", params))).await;
    stream.expect("t:0").await;
    let (a, b) = (form(&mut stream).await, form(&mut stream).await);
    // In whichever order the answers come.
    reply(&server, &session, &b, accept("B")).await;
    assert_eq!(desk.runs(), 1, "one answer is still missing");
    reply(&server, &session, &a, accept("A")).await;
    stream.expect("t:1").await;
    let c = form(&mut stream).await;
    reply(&server, &session, &c, json!({"action": "decline"})).await;
    let rest = stream.gists().await;
    assert_eq!(rest, ["info=asked", r#"2={"v":"A"} {"v":"B"} null"#]);
    assert_eq!(desk.runs(), 3);
    assert_eq!([a, b, c], [1, 2, 3].map(Value::from));
}

/// An answer counts once. What answers nothing is accepted and ignored (2025-11-25, Cancellation,
/// Behavior Requirements; DESIGN, decision 8).
#[tokio::test]
async fn second_and_unknown_answers_are_accepted_and_ignored() {
    let (server, _) = desk().await;
    let (session, other) = (able(&server, LATEST).await, able(&server, LATEST).await);
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"], ["r"]])))).await;
    let id = form(&mut stream).await;
    // CVE-2026-25536: another session's answer is none.
    reply(&server, &other, &id, accept("other")).await;
    reply(&server, &session, &json!("1"), accept("string")).await;
    reply(&server, &session, &json!(99), accept("unknown")).await;
    reply(&server, &session, &id, accept("first")).await;
    reply(&server, &session, &id, accept("second")).await;
    let next = form(&mut stream).await;
    reply(&server, &session, &next, accept("next")).await;
    assert_eq!(stream.gists().await, [r#"7={"v":"first"} {"v":"next"}"#]);
    reply(&server, &session, &next, accept("late")).await;
    assert_eq!(server.service.stats().answers_unexpected, 5);
}

/// Base Protocol, Responses: "Either a `result` or an `error` MUST be set. A response MUST NOT set
/// both".
#[tokio::test]
async fn an_answer_that_is_no_response_is_refused_and_the_question_stays_open() {
    let (server, _) = desk().await;
    let session = able(&server, LATEST).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    for wrong in [
        json!({"jsonrpc": "2.0", "id": id}),
        json!({"jsonrpc": "2.0", "id": id, "result": {}, "error": {"code": 1, "message": ""}}),
        json!({"jsonrpc": "2.0", "id": id, "error": 1}),
        json!({"jsonrpc": "2.0", "result": {}}),
    ] {
        let refused = session.send(&server, &wrong.to_string()).await;
        assert_eq!((refused.status(), refused.code()), (400, Some(-32600)), "{wrong}");
    }
    reply(&server, &session, &id, accept("x")).await;
    assert_eq!(stream.gists().await, [r#"7={"v":"x"}"#]);
}

/// The text of a call's answer to a question that was answered with this body.
async fn told(version: &str, body: impl FnOnce(&Value) -> String) -> Value {
    let (server, _) = desk().await;
    let session = able(&server, version).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    assert_accepted(&session.send(&server, &body(&id)).await);
    let (_, message) = stream.message().await;
    assert!(stream.rest().await.is_empty());
    assert_eq!(message["result"]["isError"], true, "{message}");
    message["result"]["content"][0]["text"].clone()
}

#[tokio::test]
async fn an_error_of_the_clients_and_an_answer_that_does_not_fit_are_told_to_the_model() {
    let refusal = |id: &Value| {
        let error = json!({"code": -1, "message": "User rejected"});
        json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()
    };
    for version in ["2025-06-18", LATEST] {
        assert_eq!(
            told(version, refusal).await,
            "The client refused the input `q`: User rejected (-1)"
        );
        let text = told(version, |id| answer(id, json!({"action": "shrug"}))).await;
        assert!(text.as_str().is_some_and(|it| it.contains("`q` does not fit")), "{text}");
        // What an error leaves out is not held against it.
        let bare = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "error": {}}).to_string();
        assert_eq!(
            told(version, bare).await,
            "The client refused the input `q`: no reason was given (-32603)"
        );
    }
}

/// DESIGN, decision 8: the answers to one request have a limit, and one past it fails the question
/// rather than to be dropped.
#[tokio::test]
async fn an_answer_longer_than_1_mib_fails_its_question() {
    let text = told(LATEST, |id| answer(id, accept(&"x".repeat(1024 * 1024)))).await;
    assert!(text.as_str().is_some_and(|it| it.ends_with("more than 1 MiB")), "{text}");
    let (server, _) = desk().await;
    let session = able(&server, LATEST).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    let held = server.service.stats().bytes_held;
    reply(&server, &session, &id, accept(&"x".repeat(1_000_000))).await;
    let (_, message) = stream.message().await;
    assert!(message.to_string().len() > 1_000_000);
    assert!(stream.rest().await.is_empty());
    let kept = server.service.stats().bytes_held;
    assert!(kept < held + 1_500_000, "the answer of the client is given back: {held}, {kept}");
}

/// DESIGN, decision 8: what is not kept takes no room from others.
#[tokio::test]
async fn an_answer_that_was_too_much_holds_no_memory() {
    let (server, desk) = desk().await;
    let session = able(&server, LATEST).await;
    let mut stream =
        Stream::open(&server, &session.post(&asking(7, json!([["a", "b", "c"]])))).await;
    let ids = [form(&mut stream).await, form(&mut stream).await, form(&mut stream).await];
    let long = accept(&"x".repeat(900_000));
    let held = server.service.stats().bytes_held;
    for id in &ids[..2] {
        reply(&server, &session, id, long.clone()).await;
    }
    let kept = server.service.stats().bytes_held - held;
    assert!((900_000..1_000_000).contains(&kept), "one of both answers is kept: {kept}");
    reply(&server, &session, &ids[2], accept("c")).await;
    assert!(desk.end().await.contains("more than 1 MiB"));
}

/// Lifecycle, Operation: the server "MUST only use capabilities that were successfully
/// negotiated". The answer needs no stream.
#[tokio::test]
async fn a_client_without_the_capability_is_not_asked() {
    let (server, _) = desk().await;
    for version in ["2025-06-18", LATEST] {
        for (capabilities, names) in
            [(json!({}), "elicitation"), (json!({"roots": {}}), "elicitation")]
        {
            let session = Session::open_with(&server, version, capabilities).await;
            let answer = session.send(&server, &asking(7, json!([["q"]]))).await;
            assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{version}");
            let message = answer.json()["error"]["message"].clone();
            assert!(message.as_str().is_some_and(|it| it.ends_with(names)), "{message}");
        }
    }
}

/// DESIGN, decision 1: "where SSE is impossible, asking the client fails with an error that says
/// why".
#[tokio::test]
async fn where_no_stream_can_be_the_call_fails_and_says_what_to_do() {
    const BOTH: &str = "Accept: application/json, text/event-stream";
    const JSON: &str = "Accept: application/json";
    let cases = [
        (Framing::Adaptive, JSON, "send `Accept: application/json, text/event-stream`"),
        (Framing::JsonOnly, BOTH, "this server answers with JSON alone"),
        (Framing::JsonOnly, JSON, "this server answers with JSON alone"),
    ];
    for (framing, accept, why) in cases {
        let (server, desk) = desk_with(|it| it.framing(framing)).await;
        let session = able(&server, LATEST).await;
        let request = session.post(&asking(7, json!([["q"]]))).replace(BOTH, accept);
        let answer = server.connect().await.send(&request).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)));
        let message = answer.json()["error"]["message"].clone();
        assert!(message.as_str().is_some_and(|it| it.contains(why)), "{message}");
        assert_eq!(desk.runs(), 1);
    }
    // Without sessions nothing is known of the client either.
    let (server, _) = desk_with(McpServiceBuilder::without_legacy_sessions).await;
    let request = post(&[("MCP-Protocol-Version", LATEST)], &asking(7, json!([["q"]])));
    let answer = server.connect().await.send(&request).await;
    let message = answer.json()["error"]["message"].clone();
    assert!(message.as_str().is_some_and(|it| it.contains("no sessions")), "{message}");
}

/// With a stream forced it is the same as without.
#[tokio::test]
async fn a_client_that_takes_streams_alone_is_asked_as_well() {
    let (server, _) = desk_with(|it| it.framing(Framing::SseOnly)).await;
    let session = able(&server, LATEST).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    reply(&server, &session, &id, accept("x")).await;
    assert_eq!(stream.gists().await, [r#"7={"v":"x"}"#]);
}

/// DESIGN, decision 14: "a client that disconnects in between and resumes still gets its question,
/// and its answer counts, once each".
#[tokio::test]
async fn a_client_that_comes_back_is_given_its_question_and_its_answer_counts() {
    for cut in CUTS {
        // The stream begins before the question is asked.
        let (server, desk) = desk_with(|it| it.commit_after(Duration::ZERO)).await;
        let session = able(&server, LATEST).await;
        let body = call(7, "ask", json!({"rounds": [["q"]], "wait": true}));
        let mut stream = Stream::open(&server, &session.post(&body)).await;
        let primed = stream.event().await.and_then(|event| event.id).expect("a priming event");
        stream.cut(cut).await;
        desk.gate.add_permits(2);
        let mut back = Stream::open(&server, &session.get(Some(&primed))).await;
        let (place, asked) = back.message().await;
        // It breaks before the client could read that: it asks for the same again.
        back.cut(cut).await;
        let mut again = Stream::open(&server, &session.get(Some(&primed))).await;
        assert_eq!(again.message().await, (place.clone(), asked.clone()));
        again.cut(cut).await;
        // This time it has, and answers while it is away.
        reply(&server, &session, &asked["id"], accept("x")).await;
        let mut last = Stream::open(&server, &session.get(place.as_deref())).await;
        assert_eq!(last.gists().await, [r#"7={"v":"x"}"#], "{cut:?}");
        assert_eq!(desk.runs(), 2, "{cut:?}");
    }
}

/// 2025-11-25, Transports, Sending Messages to the Server, 6: a connection that the handler ends
/// (SEP-1699) is no obstacle.
#[tokio::test]
async fn a_handler_may_end_the_connection_and_ask_on_the_next() {
    let (server, _) = desk().await;
    let session = able(&server, LATEST).await;
    let body = call(7, "ask", json!({"rounds": [["q"]], "close": true}));
    let mut stream = Stream::open(&server, &session.post(&body)).await;
    let mut last = None;
    let mut asked = Vec::new();
    for event in stream.events().await {
        asked.extend(event.message());
        last = event.id.or(last);
    }
    let mut back = Stream::open(&server, &session.get(last.as_deref())).await;
    if asked.is_empty() {
        asked.push(back.message().await.1);
    }
    assert_eq!(asked.iter().map(gist).collect::<Vec<_>>(), ["elicitation/create"]);
    reply(&server, &session, &asked[0]["id"], accept("x")).await;
    let mut rest: Vec<String> = Vec::new();
    // The handler's second run ends the connection once more.
    loop {
        let events = back.events().await;
        rest.extend(events.iter().filter_map(|event| event.message()).map(|it| gist(&it)));
        last = events.into_iter().rev().find_map(|event| event.id).or(last);
        if !rest.is_empty() {
            break;
        }
        back = Stream::open(&server, &session.get(last.as_deref())).await;
    }
    assert_eq!(rest, [r#"7={"v":"x"}"#]);
}

/// A client that left before its response began can be told nothing: no event id names a stream of
/// its call.
#[tokio::test]
async fn where_the_client_left_before_there_was_a_stream_the_question_fails_at_once() {
    for cut in CUTS {
        let (server, desk) = desk_with(|it| it.commit_after(Duration::from_secs(60))).await;
        let session = able(&server, LATEST).await;
        let mut wire = server.connect().await;
        let body = call(7, "ask", json!({"rounds": [["q"]], "wait": true}));
        wire.write(session.post(&body).as_bytes()).await;
        until(|| desk.runs() == 1).await;
        match cut {
            Cut::Fin => {
                wire.fin().await;
                wire.closed().await;
            }
            Cut::Rst => wire.reset(),
        }
        // The call goes on in a task of its own, from the end of the connection on.
        until(|| server.service.stats().connections.open == 0).await;
        assert_eq!(server.service.calls_in_flight(), 1);
        desk.gate.add_permits(2);
        let end = desk.end().await;
        assert!(end.contains("`q` could not be had: there is no stream"), "{end}");
        until(|| server.service.calls_in_flight() == 0).await;
    }
}

/// Waits for what nothing but a look tells.
async fn until(reached: impl Fn() -> bool) {
    let look = async {
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        while !reached() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("waited for it");
}

/// 2025-03-26, Transports, Sending Messages to the Server: the calls of a batch share a stream, and
/// each has its own questions.
#[tokio::test]
async fn two_calls_of_a_batch_ask_on_one_stream() {
    let (server, _) = desk().await;
    let session = able(&server, "2025-03-26").await;
    let calls = ["7", "8"].map(|id| {
        let params = json!({"name": "ask", "arguments": {"rounds": [[id]], "with": "roots"}});
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
    });
    let mut stream = Stream::open(&server, &session.post(&json!(calls).to_string())).await;
    let first = question(&mut stream, "roots/list").await;
    let second = question(&mut stream, "roots/list").await;
    assert_ne!(first, second);
    // Answers may come in a batch too, which is accepted as one.
    let root = |uri: &str| json!({"roots": [{"uri": uri}]});
    let both = [(&second, "file:///2"), (&first, "file:///1")]
        .map(|(id, uri)| json!({"jsonrpc": "2.0", "id": id, "result": root(uri)}));
    assert_accepted(&session.send(&server, &json!(both).to_string()).await);
    let mut answers = stream.gists().await;
    answers.sort();
    assert_eq!(answers, ["7=file:///1", "8=file:///2"]);
}

/// 2025-11-25, Cancellation, Behavior Requirements: the call gets no answer, and the client whose
/// input nobody waits for any more is told.
#[tokio::test]
async fn a_call_that_is_cancelled_while_it_asks_takes_its_question_back() {
    let (server, desk) = desk().await;
    let session = able(&server, LATEST).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    let cancel = notification("notifications/cancelled", json!({"requestId": 7}));
    assert_accepted(&session.send(&server, &cancel).await);
    let rest = stream.rest().await;
    let [(Some(_), told)] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!(
        (&told["method"], &told["params"]["requestId"]),
        (&json!("notifications/cancelled"), &id)
    );
    reply(&server, &session, &id, accept("late")).await;
    until(|| server.service.calls_in_flight() == 0).await;
    assert_eq!((desk.runs(), server.service.stats().answers_unexpected), (1, 1));
}

#[tokio::test]
async fn a_session_that_ends_ends_what_waits_for_its_client() {
    let (server, desk) = desk().await;
    let session = able(&server, LATEST).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    assert_eq!(session.end(&server).await.status(), 204);
    assert_eq!(stream.gists().await, ["7!-32603"]);
    assert_eq!(session.send(&server, &answer(&id, accept("late"))).await.status(), 404);
    until(|| server.service.calls_in_flight() == 0).await;
    assert_eq!(desk.runs(), 1);
}

/// A call that waits for input is in flight: a drain waits for it, and tells it at the deadline.
#[tokio::test]
async fn a_drain_waits_for_a_call_that_asks_and_then_tells_it() {
    let (server, _) = desk().await;
    let session = able(&server, LATEST).await;
    let open = async || {
        let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
        let id = form(&mut stream).await;
        (stream, id)
    };
    let ((mut answered, id), (mut silent, _)) = (open().await, open().await);
    server.service.begin_drain(Duration::from_secs(2));
    reply(&server, &session, &id, accept("x")).await;
    assert_eq!(answered.gists().await, [r#"7={"v":"x"}"#]);
    let (_, told) = silent.message().await;
    assert_eq!(told["error"]["data"]["reason"], "shutting_down");
    assert_eq!(server.service.stats().calls_cut_off, 1);
}

/// 2025-11-25, Lifecycle, Timeouts: "the sender SHOULD issue a cancellation notification for that
/// request and stop waiting for a response". A session whose client is asked is not idle.
#[tokio::test]
async fn a_client_that_does_not_answer_in_time_is_told_and_so_is_the_handler() {
    let timeout = Duration::from_millis(200);
    let (server, desk) =
        desk_with(|it| it.input_timeout(timeout).session_idle_timeout(timeout / 4)).await;
    let session = able(&server, LATEST).await;
    let mut stream = Stream::open(&server, &session.post(&asking(7, json!([["q"]])))).await;
    let id = form(&mut stream).await;
    let (_, told) = stream.message().await;
    assert_eq!(
        (&told["method"], &told["params"]["requestId"]),
        (&json!("notifications/cancelled"), &id)
    );
    assert_eq!(stream.gists().await, ["7=The client did not give the input `q` in time"]);
    assert_eq!((desk.runs(), server.service.stats().inputs_timed_out), (2, 1));
    // The same for one that is gone for good.
    let mut stream = Stream::open(&server, &session.post(&asking(8, json!([["q"]])))).await;
    form(&mut stream).await;
    stream.cut(Cut::Rst).await;
    until(|| server.service.stats().inputs_timed_out == 2).await;
    until(|| server.service.stats().calls == 0).await;
    until(|| server.service.sessions() == 0).await;
}

#[test]
fn a_service_in_which_nobody_could_answer_is_not_built() {
    let server = Server::builder("s", "1").build().unwrap();
    let error = McpService::builder(server).input_timeout(Duration::ZERO).build().unwrap_err();
    assert!(error.to_string().starts_with("option `input_timeout`"), "{error}");
}

/// DESIGN, decision 8: "answers from the client, notifications and DELETE are never refused for
/// capacity, because calls that run may wait for them".
#[tokio::test]
async fn at_the_limit_of_calls_those_that_wait_for_an_answer_get_it() {
    let (server, _) = desk_with(|it| it.max_calls(2).max_calls_per_session(2)).await;
    let session = able(&server, LATEST).await;
    let mut streams = Vec::new();
    for id in [1, 2] {
        let mut stream = Stream::open(&server, &session.post(&asking(id, json!([["q"]])))).await;
        let asked = form(&mut stream).await;
        streams.push((stream, asked));
    }
    assert_eq!(session.send(&server, &asking(3, json!([]))).await.status(), 503);
    for (stream, asked) in &mut streams {
        reply(&server, &session, asked, accept("x")).await;
        assert_eq!(stream.gists().await.len(), 1);
    }
    assert_eq!(session.send(&server, &asking(4, json!([]))).await.status(), 200);
}

/// A question that has no room is no question that hangs.
#[tokio::test]
async fn a_question_that_its_stream_has_no_room_for_fails() {
    let (server, _) = desk_with(|it| it.stream_log(4_096, 100)).await;
    let session = able(&server, LATEST).await;
    let answer = session.send(&server, &asking(7, json!([["q"]]))).await;
    let messages = answer.messages();
    let text = messages.last().expect("an answer")["result"]["content"][0]["text"].clone();
    assert!(text.as_str().is_some_and(|it| it.contains("no room")), "{text}");
}

/// The questions of all versions of a revision that cannot express them fail before they are
/// asked, and the stream is not begun.
#[tokio::test]
async fn a_revision_without_elicitation_is_not_asked_for_it() {
    let (server, _) = desk().await;
    for version in VERSIONS {
        let session = able(&server, version).await;
        let mut wire = server.connect().await;
        wire.write(session.post(&asking(7, json!([["q"]]))).as_bytes()).await;
        let head = wire.head().await.expect("a response");
        let expected =
            if version == "2025-03-26" { "application/json" } else { "text/event-stream" };
        assert_eq!(head.header("content-type"), Some(expected), "{version}");
    }
}
