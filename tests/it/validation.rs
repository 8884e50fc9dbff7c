//! Arguments and structured content held against the schemas of their tools, over the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_http::{
    Arguments, BoxFuture, CallToolResult, Context, McpService, Running, Server, ServerBuilder,
    Tool, ToolCatalogue, ToolError, ToolPage, Validation, serve,
};
use serde_json::{Value, json};

use crate::support::messages::{call, initialize, modern_call, post};
use crate::support::wire::{Answer, Wire};

const LEGACY: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// `trip` takes stops and returns them as its structured content, with what `returns` says in
/// their place.
fn trip() -> Tool {
    let stops = json!({"type": "array", "items": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }});
    let city = json!({"type": "string", "x-mcp-header": "Start"});
    Tool::new("trip")
        .with_input_schema(json!({
            "type": "object",
            "properties": {"start": city, "stops": {"$ref": "#/$defs/Stops"}},
            "$defs": {"Stops": {"type": "array", "items": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "then": {"$ref": "#/$defs/Stops"}},
                "required": ["city"],
            }}},
        }))
        .with_output_schema(
            json!({"type": "object", "properties": {"stops": stops}, "required": ["stops"]}),
        )
}

fn take(arguments: &Arguments) -> Result<CallToolResult, ToolError> {
    let arguments = arguments.to_value()?;
    match arguments.get("returns") {
        Some(Value::Null) => Ok(CallToolResult::text("nothing")),
        Some(other) => CallToolResult::structured(other),
        None => CallToolResult::structured(&arguments),
    }
}

/// The server, and how often a handler was called.
struct Validating {
    addr: SocketAddr,
    calls: Arc<AtomicUsize>,
    _running: Running,
}

impl Validating {
    async fn start(build: impl FnOnce(ServerBuilder, Arc<AtomicUsize>) -> ServerBuilder) -> Self {
        let calls = Arc::<AtomicUsize>::default();
        let server = build(Server::builder("validating", "1"), calls.clone());
        let server = server.validation(Validation::both()).build().expect("a server");
        let service = McpService::builder(server).build().expect("a service");
        let running = serve(service).bind("127.0.0.1:0").await.expect("a free port");
        Self { addr: running.local_addr(), calls, _running: running }
    }

    async fn with_tool() -> Self {
        Self::start(|server, calls| {
            server.tool(trip(), move |arguments: Arguments, _: Context| {
                calls.fetch_add(1, Ordering::SeqCst);
                async move { take(&arguments) }
            })
        })
        .await
    }

    async fn with_catalogue(elsewhere: SocketAddr) -> Self {
        let trip = Arc::new(trip());
        Self::start(|server, calls| server.catalogue(Found { trip, elsewhere, calls })).await
    }

    async fn send(&self, request: &str) -> Answer {
        Wire::connect(self.addr).await.send(request).await
    }

    /// Calls a tool in a session of its own.
    async fn legacy(&self, version: &str, tool: &str, arguments: Value) -> Value {
        let opened = self.send(&post(&[], &initialize(version))).await;
        let session = opened.header("mcp-session-id").expect("a session").to_owned();
        let headers = [("Mcp-Session-Id", &*session), ("MCP-Protocol-Version", version)];
        self.send(&post(&headers, &call(1, tool, arguments))).await.json()
    }

    async fn modern(&self, tool: &str, arguments: Value) -> Value {
        self.send(&modern_call(1, tool, arguments)).await.json()
    }

    /// The answers of all revisions, the latest first.
    async fn everywhere(&self, tool: &str, arguments: &Value) -> Vec<Value> {
        let mut answers = vec![self.modern(tool, arguments.clone()).await];
        for version in LEGACY.into_iter().rev() {
            answers.push(self.legacy(version, tool, arguments.clone()).await);
        }
        answers
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// Has `trip`, and `elsewhere`, whose schema leads out of itself: to this address.
struct Found {
    trip: Arc<Tool>,
    elsewhere: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl ToolCatalogue for Found {
    fn list(
        self: Arc<Self>,
        _: Option<String>,
        _: Context,
    ) -> BoxFuture<'static, Result<ToolPage, ToolError>> {
        Box::pin(async move { Ok(ToolPage::new([self.trip.clone()])) })
    }

    fn find(
        self: Arc<Self>,
        name: String,
        _: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>> {
        let uri = format!("http://{}/schema.json", self.elsewhere);
        let elsewhere = json!({"type": "object", "$ref": uri});
        let found = match name.as_str() {
            "trip" => Some(self.trip.clone()),
            "elsewhere" => Some(Arc::new(Tool::new(name).with_output_schema(elsewhere))),
            _ => None,
        };
        Box::pin(async move { Ok(found) })
    }

    fn call(
        self: Arc<Self>,
        _: String,
        arguments: Arguments,
        _: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { take(&arguments) })
    }
}

async fn assert_validates(server: &Validating) {
    // What fits is served.
    let stops = json!([{"city": "Bern", "then": [{"city": "Basel"}]}]);
    for answer in server.everywhere("trip", &json!({ "stops": stops })).await {
        assert!(answer["result"].get("isError").is_none(), "{answer}");
    }
    assert_eq!(server.calls(), 4);

    // Arguments that do not fit.
    let misfit = json!({"stops": [{"city": "Bern", "then": [{"city": "a"}, {"city": 5}]}]});
    let text = "Invalid arguments for tool trip: `stops[0].then[1].city`: the value is not of type \
                \"string\"";
    let [modern, v2025_11_25, older @ ..] = &server.everywhere("trip", &misfit).await[..] else {
        panic!("four answers");
    };
    for answer in [modern, v2025_11_25] {
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert_eq!(answer["result"]["content"], json!([{"type": "text", "text": text}]));
    }
    for answer in older {
        assert_eq!(answer["error"], json!({"code": -32602, "message": text}));
    }
    assert_eq!(server.calls(), 4, "no handler saw them");

    // Structured content that does not fit, and none at all.
    for (returns, why) in [
        (json!({"stops": [{}]}), "`stops[0]`: \"city\" is a required property"),
        (json!(null), "there is no structured content"),
    ] {
        let message = format!("tool trip: the structured content does not fit: {why}");
        for answer in server.everywhere("trip", &json!({ "returns": returns })).await {
            assert_eq!(answer["error"], json!({"code": -32603, "message": message}));
        }
    }
    assert_eq!(server.calls(), 12);
}

/// 2025-06-18, 2025-11-25 and 2026-07-28, Tools, Output Schema: "Servers MUST provide structured
/// results that conform to this schema"; 2025-11-25 and 2026-07-28, Tools, Error Handling: input
/// validation errors are tool execution errors.
#[tokio::test]
async fn registered_tools_are_held_to_their_schemas_in_every_revision() {
    assert_validates(&Validating::with_tool().await).await;
}

#[tokio::test]
async fn tools_of_a_catalogue_are_held_to_their_schemas_in_every_revision() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    assert_validates(&Validating::with_catalogue(nobody).await).await;
}

/// 2026-07-28, Base Protocol, `$ref` Resolution: "Implementations MUST NOT automatically
/// dereference `$ref` values that resolve to a network URI", and schemas that need one "SHOULD be
/// rejected rather than silently treated as permissive".
#[tokio::test]
async fn a_catalogues_tool_whose_schema_leads_elsewhere_is_not_called() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let elsewhere = listener.local_addr().expect("a bound socket");
    let server = Validating::with_catalogue(elsewhere).await;
    for answer in server.everywhere("elsewhere", &json!({})).await {
        assert_eq!(answer["error"]["code"], -32603);
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with("tool elsewhere: the output schema"), "{message}");
        assert!(message.contains(&format!("http://{elsewhere}/schema.json")), "{message}");
    }
    assert!(listener.accept().is_err(), "somebody came for the schema");
    assert_eq!(server.calls(), 0);
    for answer in server.everywhere("nobody", &json!({})).await {
        assert_eq!(answer["error"]["message"], "Unknown tool: nobody");
    }
}

/// 2026-07-28, Base Protocol, `$ref` Resolution: "Implementations MUST NOT automatically dereference
/// `$ref` values that resolve to a network URI."
#[test]
fn nobody_is_asked_for_a_schema_that_stands_elsewhere() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let elsewhere = format!("http://{}/a.json", listener.local_addr().expect("an address"));
    let schema = json!({"type": "object", "properties": {"x": {"$ref": elsewhere}}});
    let take = async |arguments: Arguments, _: Context| take(&arguments);
    let server = Server::builder("s", "1")
        .tool(Tool::new("t").with_input_schema(schema), take)
        .validation(Validation::both())
        .build();
    let error = server.expect_err("a schema that is refused").to_string();
    assert!(error.contains(&elsewhere), "{error}");
    assert!(listener.accept().is_err(), "somebody came for it");
}

/// What a client sends under the limit of bodies is refused before it is a tree in memory.
#[tokio::test]
async fn arguments_longer_than_the_limit_are_refused_and_those_at_it_are_not() {
    let server = Validating::with_tool().await;
    let arguments = |length: usize| {
        let empty = json!({"stops": [], "x": ""}).to_string().len();
        json!({"stops": [], "x": "y".repeat(length - empty)})
    };
    const LIMIT: usize = 1024 * 1024;
    let answer = server.modern("trip", arguments(LIMIT)).await;
    assert!(answer["result"].get("isError").is_none());
    let answer = server.modern("trip", arguments(LIMIT + 1)).await;
    assert_eq!(answer["result"]["isError"], true);
    let text = answer["result"]["content"][0]["text"].as_str().expect("a text");
    assert!(text.ends_with("cannot be validated: 1048577 bytes are more than 1048576"), "{text}");
    assert_eq!(server.calls(), 1);
}
