//! Every kind of message that the server sends, held against the `schema.json` of its revision.
//! What it sends in any other test is held against it as well: see `support/tee.rs`.

use mcp_http::{
    Annotations, Arguments, CallToolResult, Changes, Content, Context, HandlerError, Icon,
    IconTheme, LogLevel, ReadRequest, ReadResourceResult, Resource, ResourceContents, ResourceLink,
    ResourceTemplate, Role, ServerBuilder, Tool, ToolAnnotations, ToolError,
};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::messages::{
    Session, call, initialize, listen, modern, post, request, stream_head,
};
use crate::support::prompts::prompts;
use crate::support::schema::Schema;
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Wire};

/// What a message answers, where that decides its definition.
type Asked<'a> = &'a str;

impl Schema {
    pub fn assert(&self, definition: &str, value: &Value) {
        let faults = self.faults(definition, value);
        assert!(faults.is_empty(), "{faults:#?}\n{value:#}");
    }

    /// One message of the server's.
    fn assert_message(&self, asked: Asked<'_>, message: &Value) {
        let asked = Some(asked).filter(|asked| !asked.is_empty());
        let faults = self.faults_of_message(asked.as_slice(), message);
        assert!(faults.is_empty(), "{faults:#?}\n{message:#}");
    }

    /// All messages of an answer, and that there are some.
    fn assert_answer(&self, asked: Asked<'_>, answer: &Answer) {
        let messages = answer.messages();
        assert!(!messages.is_empty(), "{asked}: nothing to check");
        for message in &messages {
            self.assert_message(asked, message);
        }
    }
}

/// A server that says of itself all that there is to say, with tools that do.
fn talkative(builder: ServerBuilder) -> ServerBuilder {
    let icon = || {
        Icon::new("https://example.com/icon.png")
            .with_mime_type("image/png")
            .with_size("48x48")
            .with_theme(IconTheme::Dark)
    };
    let tool = Tool::new("everything")
        .with_title("Everything")
        .with_description("Answers with every kind of content")
        .with_input_schema(json!({"type": "object", "properties": {
            "region": {"type": "string", "description": "Where", "x-mcp-header": "Everywhere"}
        }, "additionalProperties": false}))
        .with_output_schema(
            json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}),
        )
        .with_annotations(
            ToolAnnotations::new()
                .with_title("Everything at once")
                .with_read_only(true)
                .with_destructive(false)
                .with_idempotent(true)
                .with_open_world(false),
        )
        .with_icon(icon())
        .with_meta("com.example/tag", json!({"a": [1]}));
    prompts(builder)
        .title("The server")
        .description("Says all that there is to say")
        .website_url("https://example.com")
        .icon(icon())
        .instructions("Call everything.")
        .static_resource(
            Resource::new("file:///a.txt", "a.txt")
                .with_title("A")
                .with_description("Has all members")
                .with_mime_type("text/plain")
                .with_annotations(annotations())
                .with_icon(icon())
                .with_meta("com.example/tag", 1),
            ReadResourceResult::text("text").with_meta("com.example/tag", 2).with_contents(
                ResourceContents::blob("file:///b", vec![1_u8]).with_meta("com.example/tag", 3),
            ),
        )
        .resource_template(
            ResourceTemplate::new("file:///t/{+path}{?v}", "t")
                .with_title("T")
                .with_description("Has all members")
                .with_mime_type("text/plain")
                .with_annotations(annotations())
                .with_icon(icon())
                .with_meta("com.example/tag", 1),
            |request: ReadRequest, _: Context| async move {
                Ok::<_, HandlerError>(request.uri().to_owned())
            },
        )
        .tool(tool, |_: Arguments, cx: Context| async move { everything(&cx) })
        .tool(
            Tool::new("needy").with_description("Needs sampling"),
            |_: Arguments, _: Context| async move {
                Err::<&str, _>(ToolError::missing_client_capability("sampling"))
            },
        )
        .tool(
            Tool::new("picky").with_description("Likes no arguments"),
            |_: Arguments, _: Context| async move {
                Err::<&str, _>(ToolError::invalid_argument("city", "is too long"))
            },
        )
}

fn annotations() -> Annotations {
    Annotations::new()
        .with_audience([Role::User, Role::Assistant])
        .with_priority(0.5)
        .with_last_modified("2025-01-12T15:00:58Z")
}

fn everything(cx: &Context) -> Result<CallToolResult, ToolError> {
    cx.progress(0.0, None, "");
    cx.progress(0.5, Some(1.5), "half");
    cx.progress(1.0, Some(1.5), "whole");
    cx.log(LogLevel::Info, "a text");
    cx.log_from("db", LogLevel::Emergency, json!({"n": [1, null]}));
    let annotations = annotations();
    let link = ResourceLink::new("https://example.com/a.csv", "a.csv")
        .with_title("A table")
        .with_description("of numbers")
        .with_mime_type("text/csv")
        .with_size(12)
        .with_icon(Icon::new("data:image/png;base64,iVBORw0KGgo="));
    let text = ResourceContents::text("file:///a.txt", "text").with_mime_type("text/plain");
    let blob = ResourceContents::blob("file:///a.bin", vec![0_u8, 255]).with_mime_type("a/b");
    Ok(CallToolResult::structured(&json!({"n": 1}))?
        .with_content(Content::text("text").with_annotations(annotations.clone()))
        .with_content(Content::image(vec![1_u8, 2], "image/png").with_annotations(annotations))
        .with_content(Content::audio(vec![3_u8], "audio/wav").with_meta("com.example/x", 1))
        .with_content(Content::resource_link(link))
        .with_content(Content::resource(text))
        .with_content(Content::resource(blob))
        .with_meta("com.example/took", 3))
}

/// What was sent, as the name of what is asked for.
struct Exchange {
    asked: &'static str,
    body: String,
}

fn exchange(asked: &'static str, params: Value) -> Exchange {
    Exchange { asked, body: request(format!("{asked}#1"), asked, params) }
}

/// What is asked of prompts and of completion in every revision.
fn about_prompts() -> Vec<(&'static str, Value)> {
    let complete = |argument: &str| {
        json!({
            "ref": {"type": "ref/prompt", "name": "code_review"},
            "argument": {"name": argument, "value": ""},
        })
    };
    vec![
        ("prompts/list", json!({})),
        ("prompts/list", json!({"cursor": "none"})),
        ("prompts/get", json!({"name": "code_review", "arguments": {"code": "x"}})),
        ("prompts/get", json!({"name": "code_review", "arguments": {}})),
        ("prompts/get", json!({"name": "content"})),
        ("prompts/get", json!({"name": "fail"})),
        ("prompts/get", json!({"name": "nobody"})),
        ("completion/complete", complete("language")),
        ("completion/complete", complete("line")),
        ("completion/complete", complete("note")),
        ("completion/complete", complete("nothing")),
        ("completion/complete", json!({})),
    ]
}

/// The requests of a session, in order.
fn legacy_exchanges() -> Vec<Exchange> {
    let asks = |tool: &str, arguments: Value| json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": "t"}});
    vec![
        exchange("ping", json!({})),
        exchange("tools/list", json!({})),
        exchange("tools/list", json!({"cursor": "none"})),
        Exchange { asked: "tools/call", body: call(7, "everything", json!({})) },
        exchange("logging/setLevel", json!({"level": "debug"})),
        exchange("logging/setLevel", json!({"level": "loud"})),
        exchange("tools/call", asks("everything", json!({}))),
        exchange("tools/call", asks("log", json!({}))),
        exchange("tools/call", asks("progress", json!({"count": 3}))),
        exchange("tools/call", asks("fail", json!({}))),
        exchange("tools/call", asks("panic", json!({}))),
        exchange("tools/call", asks("needy", json!({}))),
        exchange("tools/call", asks("picky", json!({}))),
        exchange("tools/call", asks("nobody", json!({}))),
        exchange("tools/call", json!({})),
        exchange("resources/list", json!({})),
        exchange("resources/list", json!({"cursor": "none"})),
        exchange("resources/templates/list", json!({})),
        exchange("resources/read", json!({"uri": "file:///a.txt"})),
        exchange("resources/read", json!({"uri": "file:///t/a/b?v=1"})),
        exchange("resources/read", json!({"uri": "file:///nothing"})),
        exchange("resources/read", json!({"uri": "no uri"})),
        exchange("unknown/method", json!({})),
        exchange("resources/list", json!({})),
    ]
}

/// Changes everything that can be listened to, one resource among it.
fn change_all(changes: &Changes) {
    changes.tools_changed();
    changes.prompts_changed();
    changes.resources_changed();
    changes.resource_updated("file:///a.txt");
}

/// A server that says all that there is to say, and that all of it has changed.
async fn talkative_and_changing() -> (TestServer, Changes) {
    let changes = Changes::new();
    let more = |builder| talkative(builder).changes(&changes);
    (TestServer::with_server(more, |service| service).await, changes)
}

/// The next messages of a stream whose head was read.
async fn next_messages(wire: &mut Wire, count: usize) -> Vec<Value> {
    let (mut held, mut messages) = (Vec::new(), Vec::new());
    while messages.len() < count {
        let event = wire.event(&mut held).await.expect("a message before the end");
        messages.extend(event.message());
    }
    messages
}

async fn assert_legacy(version: &'static str) {
    let Some(schema) = Schema::of(version) else { return };
    let (server, changes) = talkative_and_changing().await;
    let opened = server.connect().await.send(&post(&[], &initialize(version))).await;
    schema.assert_answer("initialize", &opened);
    assert_eq!(opened.json()["result"]["protocolVersion"], version);
    let session = Session::open(&server, version).await;
    let mut wire = server.connect().await;
    let of_prompts = about_prompts().into_iter().map(|(asked, params)| exchange(asked, params));
    for Exchange { asked, body } in legacy_exchanges().into_iter().chain(of_prompts) {
        let answer = wire.send(&session.post(&body)).await;
        assert_eq!(answer.status(), 200, "{body}");
        schema.assert_answer(asked, &answer);
    }
    for (method, uri) in [
        ("resources/subscribe", "file:///a.txt"),
        ("resources/subscribe", "file:///b.txt"),
        ("resources/subscribe", ""),
        ("resources/unsubscribe", "file:///b.txt"),
    ] {
        let answer = wire.send(&session.post(&request(1, method, json!({ "uri": uri })))).await;
        schema.assert_answer(method, &answer);
    }
    change_all(&changes);
    let mut get = server.connect().await;
    get.write(session.get(None).as_bytes()).await;
    stream_head(&mut get).await;
    for message in next_messages(&mut get, 4).await {
        schema.assert_message("", &message);
    }
    // What is refused before a message is served.
    for (status, text) in [
        (400, post(&[], &request(1, "ping", json!({})))),
        (404, post(&[("Mcp-Session-Id", "x")], &request(1, "ping", json!({})))),
        (400, session.post("{")),
        (400, session.post(r#"{"jsonrpc":"2.0","id":1}"#)),
        (415, session.post("{}").replace("application/json\r\n", "text/plain\r\n")),
        (403, session.post("{}").replace("localhost", "evil.example.com")),
        (404, session.post("{}").replace("/mcp", "/elsewhere")),
        (405, session.post("{}").replace("POST", "PUT")),
    ] {
        let answer = server.connect().await.send(&text).await;
        assert_eq!(answer.status(), status, "{text}");
        schema.assert_answer("", &answer);
    }
}

#[tokio::test]
async fn every_message_of_2025_03_26_fits_its_schema() {
    assert_legacy("2025-03-26").await;
}

#[tokio::test]
async fn every_message_of_2025_06_18_fits_its_schema() {
    assert_legacy("2025-06-18").await;
}

#[tokio::test]
async fn every_message_of_2025_11_25_fits_its_schema() {
    assert_legacy("2025-11-25").await;
}

/// 2025-03-26, Base Protocol, Batching.
#[tokio::test]
async fn the_answer_to_a_batch_fits_the_schema_of_2025_03_26() {
    let Some(schema) = Schema::of("2025-03-26") else { return };
    let server = TestServer::with_server(talkative, |service| service).await;
    let session = Session::open(&server, "2025-03-26").await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": "two", "method": "unknown/method"},
        {"jsonrpc": "2.0", "method": "notifications/unknown"},
    ]);
    let answer = session.send(&server, &batch.to_string()).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    schema.assert("JSONRPCBatchResponse", &answer.json());
    for message in answer.json().as_array().expect("an array") {
        schema.assert_message("ping", message);
    }
}

#[tokio::test]
async fn every_message_of_2026_07_28_fits_its_schema() {
    let Some(schema) = Schema::of("2026-07-28") else { return };
    let (server, changes) = talkative_and_changing().await;
    let mut wire = server.connect().await;
    let asks = |tool: &str, arguments: Value| {
        let meta = json!({"progressToken": 1, "io.modelcontextprotocol/logLevel": "debug"});
        json!({"name": tool, "arguments": arguments, "_meta": meta})
    };
    for (asked, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/list", json!({"cursor": "none"})),
        ("tools/call", json!({"name": "everything", "arguments": {}})),
        ("tools/call", asks("everything", json!({}))),
        ("tools/call", asks("log", json!({}))),
        ("tools/call", asks("progress", json!({"count": 3}))),
        ("tools/call", asks("fail", json!({}))),
        ("tools/call", asks("panic", json!({}))),
        ("tools/call", asks("needy", json!({}))),
        ("tools/call", asks("picky", json!({}))),
        ("tools/call", asks("nobody", json!({}))),
        ("tools/call", json!({"name": "everything", "arguments": {"region": "x"}})),
        ("resources/list", json!({})),
        ("resources/list", json!({"cursor": "none"})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({"uri": "file:///a.txt"})),
        ("resources/read", json!({"uri": "file:///t/a/b?v=1"})),
        ("resources/read", json!({"uri": "file:///nothing"})),
        ("resources/read", json!({"uri": "no uri"})),
        ("unknown/method", json!({})),
        ("subscriptions/listen", json!({"notifications": {}})),
        ("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": "no array"}})),
        ("subscriptions/listen", json!({})),
    ]
    .into_iter()
    .chain(about_prompts())
    {
        let answer = wire.send(&modern("id", asked, params, &[])).await;
        schema.assert_answer(asked, &answer);
    }
    let mut listening = server.connect().await;
    let all = json!({
        "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
        "resourceSubscriptions": ["file:///a.txt", "file:///b.txt"],
    });
    listening.write(listen("id", all).as_bytes()).await;
    stream_head(&mut listening).await;
    change_all(&changes);
    for message in next_messages(&mut listening, 5).await {
        schema.assert_message("subscriptions/listen", &message);
    }
    let list = |more: &[(&str, &str)]| modern(1, "tools/list", json!({}), more);
    let unknown = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "v9"}});
    for (status, text) in [
        (400, modern(1, "tools/list", unknown, &[("MCP-Protocol-Version", "v9")])),
        (400, list(&[("Mcp-Method", "x")])),
        (
            400,
            post(&[("MCP-Protocol-Version", "2026-07-28")], &request(1, "tools/list", json!({}))),
        ),
        (400, post(&[("MCP-Protocol-Version", "2026-07-28")], "{")),
        (400, post(&[("MCP-Protocol-Version", "2026-07-28")], "[]")),
        (403, list(&[("Origin", "https://evil.example.com")])),
        (405, list(&[]).replace("POST", "GET")),
        (415, list(&[("Content-Type", "text/plain")])),
    ] {
        let answer = server.connect().await.send(&text).await;
        assert_eq!(answer.status(), status, "{text}");
        schema.assert_answer("", &answer);
    }
}

/// A check that cannot fail is none.
#[tokio::test]
async fn a_message_that_does_not_fit_is_found() {
    let Some(schema) = Schema::of("2026-07-28") else { return };
    let server = TestServer::with_server(talkative, |service| service).await;
    let answer = server.connect().await.send(&modern(1, "tools/list", json!({}), &[])).await;
    let good = answer.json()["result"].clone();
    assert_eq!(schema.faults("ListToolsResult", &good), [""; 0]);
    for (pointer, value) in [
        ("/resultType", None),
        ("/ttlMs", None),
        ("/cacheScope", Some(json!("shared"))),
        ("/tools/0/inputSchema", None),
        ("/tools/0/inputSchema/type", Some(json!("array"))),
        ("/tools/0/name", Some(json!(1))),
    ] {
        let mut broken = good.clone();
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        let parent = broken.pointer_mut(parent).and_then(Value::as_object_mut).expect("a parent");
        match value {
            Some(value) => parent.insert(member.to_owned(), value),
            None => parent.remove(member),
        };
        assert_ne!(schema.faults("ListToolsResult", &broken), [""; 0], "{pointer}");
    }
    let content = json!({"resultType": "complete", "content": [{"type": "video", "data": ""}]});
    assert_ne!(schema.faults("CallToolResult", &content), [""; 0]);
}

/// Sends a call to a server that answers with these bytes, and reads what comes.
async fn sent_by_another(head: &str, body: &str) -> Answer {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("a bound socket");
    let length = body.len();
    let response = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {length}\r\n\r\n{body}");
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.expect("a connection");
        peer.write_all(response.as_bytes()).await.expect("it reads");
        // The request is read, so that closing does not reset the connection.
        let _ = tokio::io::copy(&mut peer, &mut tokio::io::sink()).await;
    });
    Wire::connect(addr).await.send(&modern(1, "tools/call", json!({"name": "t"}), &[])).await
}

const AS_JSON: &str = "Content-Type: application/json\r\n";

/// A check that cannot fail is none: the client of all tests finds what does not fit.
#[tokio::test]
async fn what_fits_is_handed_to_the_test() {
    let result = json!({"content": [], "resultType": "complete"});
    let message = json!({"jsonrpc": "2.0", "id": 1, "result": result});
    let answer = sent_by_another(AS_JSON, &message.to_string()).await;
    assert_eq!(answer.json(), message);
}

#[tokio::test]
#[should_panic(expected = "what the server sent does not fit")]
async fn a_result_of_another_method_fails_the_test_that_is_sent_it() {
    skip_without_schema();
    let result = json!({"tools": [], "resultType": "complete"});
    let message = json!({"jsonrpc": "2.0", "id": 1, "result": result});
    sent_by_another(AS_JSON, &message.to_string()).await;
}

#[tokio::test]
#[should_panic(expected = "what the server sent does not fit")]
async fn a_message_of_a_stream_that_does_not_fit_fails_the_test_that_is_sent_it() {
    skip_without_schema();
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}});
    let stream = "Content-Type: text/event-stream\r\n";
    sent_by_another(stream, &format!("data: {notification}\n\n")).await;
}

/// Where there is no schema nothing can be found, and the tests that show how it is say so.
fn skip_without_schema() {
    assert!(Schema::of("2026-07-28").is_some(), "SKIPPED, not: what the server sent does not fit");
}
