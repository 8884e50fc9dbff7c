//! The extension `io.modelcontextprotocol/tasks` (ext-tasks): calls whose clients ask for the result
//! later. Each test names the section of its page.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_http::{
    Arguments, BoxFuture, CallToolResult, Context, Elicit, Head, McpService, McpServiceBuilder,
    Principal, Server, ServerBuilder, StringSchema, Task, TaskId, TaskOptions, TaskStore,
    TaskSupport, Tool, ToolCatalogue, ToolError, ToolPage, serve,
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use crate::support::messages::{Session, call, modern, request, stream_head};
use crate::support::schema::Schema;
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Event, PATIENCE, Wire};

const TASKS: &str = "io.modelcontextprotocol/tasks";

/// A server with tools that become tasks, and the levers to steer them.
struct Lab {
    server: TestServer,
    gate: Arc<Semaphore>,
    dropped: watch::Receiver<usize>,
}

/// Counts handlers that were dropped before their end.
struct Alive(Option<watch::Sender<usize>>);

impl Drop for Alive {
    fn drop(&mut self) {
        if let Some(dropped) = &self.0 {
            dropped.send_modify(|count| *count += 1);
        }
    }
}

fn form(field: &str) -> mcp_http::ElicitForm {
    Elicit::form(format!("Your {field}?")).with_required(field, StringSchema::new())
}

/// The tools, all of which may become tasks:
///
/// - `job` says "half way", waits at the gate, and answers "done"; `must` is the same, and required;
/// - `fails`, `errs` and `panics` do so at once;
/// - `asks` asks for `name` and `town` at once, then for `age`, and answers with all;
/// - `first` asks for `name`, reports 1, begins the task, asks for `town`, waits at the gate, and
///   answers with both; `quick` begins a task and answers at once.
fn jobs(
    builder: ServerBuilder,
    gate: &Arc<Semaphore>,
    dropped: &watch::Sender<usize>,
) -> ServerBuilder {
    let job = |name: &str| {
        let (gate, dropped) = (Arc::clone(gate), dropped.clone());
        let handler = move |_: Arguments, cx: Context| {
            let (gate, dropped) = (Arc::clone(&gate), dropped.clone());
            async move {
                let mut alive = Alive(Some(dropped));
                cx.progress(1.0, Some(2.0), "half way");
                cx.log(mcp_http::LogLevel::Emergency, "unheard");
                gate.acquire().await.expect("an open gate").forget();
                alive.0 = None;
                Ok::<_, ToolError>("done")
            }
        };
        (Tool::new(name), handler)
    };
    let (allowed, required) = (TaskSupport::allowed, TaskSupport::required);
    let task = |name: &str| Tool::new(name).with_task(allowed());
    let by_handler = |name: &str| Tool::new(name).with_task(allowed().begun_by_handler());
    let ((one, run), (must, run_must)) = (job("job"), job("must"));
    let at = Arc::clone(gate);
    builder
        .tool(one.with_task(allowed()), run)
        .tool(must.with_task(required()), run_must)
        .tool(task("fails"), async |_: Arguments, _: Context| {
            Err::<(), _>(ToolError::new("no paper"))
        })
        .tool(task("errs"), async |_: Arguments, _: Context| {
            Err::<(), _>(ToolError::protocol(-32000, "rate limit", Some(json!({"after": 5}))))
        })
        .tool(task("panics"), async |_: Arguments, _: Context| {
            if std::hint::black_box(true) {
                panic!("in a task");
            }
            Ok::<_, ToolError>(())
        })
        .tool(task("asks"), async |_: Arguments, cx: Context| {
            let (name, town) = (cx.elicit("name", form("name")), cx.elicit("town", form("town")));
            let (name, town) = (name?.accepted(), town?.accepted());
            let age = cx.elicit("age", form("age"))?.accepted();
            Ok::<_, ToolError>(json!([name, town, age]).to_string())
        })
        .tool(by_handler("first"), move |_: Arguments, cx: Context| {
            let gate = Arc::clone(&at);
            async move {
                let name = cx.elicit("name", form("name"))?.accepted();
                cx.progress(1.0, None, "asked");
                cx.begin_task();
                let town = cx.elicit("town", form("town"))?.accepted();
                gate.acquire().await.expect("an open gate").forget();
                Ok::<_, ToolError>(json!([name, town]).to_string())
            }
        })
        .tool(by_handler("quick"), async |_: Arguments, cx: Context| {
            cx.begin_task();
            Ok::<_, ToolError>("at once")
        })
}

impl Lab {
    async fn start() -> Self {
        Self::with(TaskOptions::new(), |service| service).await
    }

    async fn with(
        options: TaskOptions,
        service: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
    ) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let (counter, dropped) = watch::channel(0);
        let server = TestServer::with_server(
            |builder| jobs(builder.tasks(options), &gate, &counter),
            service,
        )
        .await;
        Self { server, gate, dropped }
    }

    async fn send(&self, request: &str) -> Answer {
        self.server.connect().await.send(request).await
    }

    /// Calls a tool as a client that knows tasks, and returns the result.
    async fn call(&self, tool: &str) -> Value {
        let answer = self.send(&task_call(1, tool)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json()["result"].take()
    }

    /// Begins a task, and returns its id.
    async fn begin(&self, tool: &str) -> String {
        let handle = self.call(tool).await;
        assert_eq!(handle["resultType"], "task", "{handle}");
        handle["taskId"].as_str().expect("an id").to_owned()
    }

    async fn get(&self, id: &str) -> Value {
        let answer = self.send(&about("tasks/get", id)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer.json()["result"].take()
    }

    /// Asks for a task until its state is this, which is what clients do.
    async fn until(&self, id: &str, status: &str) -> Value {
        let look = async {
            let mut looks = tokio::time::interval(Duration::from_millis(2));
            loop {
                let task = self.get(id).await;
                if task["status"] == status {
                    return task;
                }
                looks.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("waited for {status}"))
    }

    async fn update(&self, id: &str, answers: Value) -> Answer {
        let params = json!({"taskId": id, "inputResponses": answers});
        self.send(&declared(1, "tasks/update", params, &[])).await
    }

    async fn dropped(&mut self, count: usize) {
        let reached = self.dropped.wait_for(|&now| now >= count);
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("a handler is dropped")
            .expect("a lab");
    }
}

/// What a client declares that knows tasks and can be asked.
fn knows_tasks() -> Value {
    json!({"elicitation": {"form": {}}, "extensions": {TASKS: {}}})
}

/// A request whose client knows tasks.
fn declared(id: i64, method: &str, mut params: Value, more: &[(&str, &str)]) -> String {
    let key = "io.modelcontextprotocol/clientCapabilities";
    let meta = params.as_object_mut().expect("an object").entry("_meta").or_insert(json!({}));
    meta[key] = knows_tasks();
    modern(id, method, params, more)
}

fn task_call(id: i64, tool: &str) -> String {
    declared(id, "tools/call", json!({"name": tool, "arguments": {}}), &[])
}

fn about(method: &str, id: &str) -> String {
    let params = match method {
        "tasks/update" => json!({"taskId": id, "inputResponses": {}}),
        _ => json!({"taskId": id}),
    };
    declared(1, method, params, &[])
}

fn accept(field: &str, value: &str) -> Value {
    json!({"action": "accept", "content": {field: value}})
}

const METHODS: [&str; 3] = ["tasks/get", "tasks/update", "tasks/cancel"];

/// A result without members of its own.
#[track_caller]
fn assert_acknowledged(answer: &Answer) {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "complete");
    let members: Vec<_> = result.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["_meta", "resultType"], "{result}");
}

/// 2026-07-28, Base Protocol, `_meta`: the status of `-32021` is 400; ext-tasks, Capability
/// Negotiation.
#[track_caller]
fn assert_needs_the_extension(answer: &Answer) {
    assert_eq!((answer.status(), answer.code()), (400, Some(-32021)), "{}", answer.text());
    let required = json!({"requiredCapabilities": {"extensions": {TASKS: {}}}});
    assert_eq!(answer.json()["error"]["data"], required);
}

/// Capability Negotiation: the server declares the extension in `server/discover`.
#[tokio::test]
async fn the_extension_is_declared_where_there_are_tasks_and_in_the_modern_era_alone() {
    let discover = modern(1, "server/discover", json!({}), &[]);
    let declared = |answer: &Answer| answer.json()["result"]["capabilities"]["extensions"].take();
    let lab = Lab::start().await;
    assert_eq!(declared(&lab.send(&discover).await), json!({TASKS: {}}));
    let without = TestServer::start().await;
    assert_eq!(declared(&without.connect().await.send(&discover).await), Value::Null);
    // The experimental tasks of 2025-11-25 are others.
    let initialize = crate::support::messages::initialize("2025-11-25");
    let answer = lab.send(&crate::support::messages::post(&[], &initialize)).await;
    let capabilities = answer.json()["result"]["capabilities"].take();
    assert!(capabilities.get("extensions").is_none() && capabilities.get("tasks").is_none());
}

/// Task Creation; Polymorphic Results: `resultType` is "task".
#[tokio::test]
async fn a_call_is_answered_with_the_handle_of_a_task_that_can_be_asked_for_at_once() {
    let lab = Lab::with(TaskOptions::new().with_poll_interval(Duration::from_millis(250)), |it| it);
    let lab = lab.await;
    let mut wire = lab.server.connect().await;
    let handle = wire.send(&task_call(7, "job")).await.json();
    assert_eq!(handle["id"], 7);
    let handle = &handle["result"];
    assert_eq!(handle["resultType"], "task");
    assert_eq!(handle["status"], "working");
    assert_eq!((&handle["ttlMs"], &handle["pollIntervalMs"]), (&json!(3_600_000), &json!(250)));
    assert_eq!(handle["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "test-server");
    let id = handle["taskId"].as_str().expect("an id");
    assert!(id.len() * 6 >= 128, "at least 128 bits: {id}");
    // "until a `tasks/get` for the returned `taskId` would resolve"
    let task = wire.send(&about("tasks/get", id)).await.json()["result"].take();
    assert_eq!((&task["resultType"], &task["taskId"]), (&json!("complete"), &json!(id)));
    assert_eq!(task["createdAt"], handle["createdAt"]);
    let created = handle["createdAt"].as_str().expect("a moment");
    assert!(
        created.len() == 24 && created.starts_with("20") && created.ends_with('Z'),
        "{created}"
    );
    lab.gate.add_permits(1);
    lab.until(id, "completed").await;
}

/// Capability Negotiation: "A server MUST NOT return `CreateTaskResult` to a client that did not
/// include the extension capability on its request, regardless of prior declarations."
#[tokio::test]
async fn a_request_that_does_not_declare_the_extension_gets_the_result_itself() {
    let lab = Lab::start().await;
    let mut wire = lab.server.connect().await;
    assert_eq!(wire.send(&task_call(1, "job")).await.json()["result"]["resultType"], "task");
    lab.gate.add_permits(2);
    for capabilities in [json!({}), json!({"extensions": {}}), json!({"extensions": {TASKS: 1}})] {
        let meta = json!({"io.modelcontextprotocol/clientCapabilities": capabilities});
        let params = json!({"name": "quick", "arguments": {}, "_meta": meta});
        let result = wire.send(&modern(2, "tools/call", params, &[])).await.json();
        assert_eq!(result["result"]["resultType"], "complete");
        assert_eq!(result["result"]["content"][0]["text"], "at once");
    }
    let plain = modern(3, "tools/call", json!({"name": "job", "arguments": {}}), &[]);
    let result = wire.send(&plain).await.json()["result"].take();
    assert_eq!(result["content"][0]["text"], "done");
    assert!(result.get("taskId").is_none());
}

/// Capability Negotiation: "the server MUST return an error with the code `-32021`".
#[tokio::test]
async fn a_tool_that_must_be_a_task_is_refused_to_a_client_that_knows_none() {
    let lab = Lab::start().await;
    let plain = modern(1, "tools/call", json!({"name": "must", "arguments": {}}), &[]);
    assert_needs_the_extension(&lab.send(&plain).await);
    lab.begin("must").await;
    // A legacy client has no such code.
    let session = Session::open(&lab.server, "2025-11-25").await;
    let answer = session.send(&lab.server, &call(1, "must", json!({}))).await;
    assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{}", answer.text());
}

/// Supported Methods; Backwards Compatibility: legacy clients know neither handles nor methods.
#[tokio::test]
async fn a_legacy_client_gets_results_and_no_methods_of_tasks() {
    let lab = Lab::start().await;
    lab.gate.add_permits(1);
    for version in ["2025-03-26", "2025-11-25"] {
        let session = Session::open(&lab.server, version).await;
        let answer = session.send(&lab.server, &call(1, "quick", json!({}))).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "at once");
        for method in METHODS {
            let about = request(2, method, json!({"taskId": "x"}));
            let answer = session.send(&lab.server, &about).await;
            assert_eq!(answer.code(), Some(-32601), "{version}, {method}");
        }
    }
}

/// Protocol Errors: non-declaring clients; Error Handling: `-32602` for an unknown task.
#[tokio::test]
async fn the_methods_of_tasks_need_the_extension_and_a_task_that_exists() {
    let lab = Lab::start().await;
    for method in METHODS {
        let params = json!({"taskId": "nothing", "inputResponses": {}});
        assert_needs_the_extension(&lab.send(&modern(1, method, params, &[])).await);
        let unknown = lab.send(&about(method, "nothing")).await;
        assert_eq!((unknown.status(), unknown.code()), (200, Some(-32602)), "{method}");
        let message = unknown.json()["error"]["message"].take();
        assert!(message.as_str().expect("text").starts_with("Task not found"), "{message}");
    }
}

/// Reservations; the methods of the experimental tasks are gone, and without tasks there are none.
#[tokio::test]
async fn what_is_no_method_of_tasks_is_not_found() {
    let lab = Lab::start().await;
    for method in ["tasks/list", "tasks/result", "tasks/", "tasks/GET"] {
        let answer = lab.send(&declared(1, method, json!({"taskId": "x"}), &[])).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
    let without = TestServer::start().await;
    for method in METHODS {
        let answer = without.connect().await.send(&about(method, "x")).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
}

/// Streamable HTTP, Routing Headers: `Mcp-Name` is `params.taskId`; 2026-07-28, Streamable HTTP,
/// Server Validation: `-32020`.
#[tokio::test]
async fn the_header_that_routes_must_be_the_id_of_the_task() {
    let lab = Lab::start().await;
    let id = lab.begin("job").await;
    for method in METHODS {
        let params = json!({"taskId": id, "inputResponses": {}});
        for wrong in ["another", ""] {
            let answer =
                lab.send(&declared(1, method, params.clone(), &[("Mcp-Name", wrong)])).await;
            assert_eq!((answer.status(), answer.code()), (400, Some(-32020)), "{method} {wrong:?}");
        }
    }
    assert_eq!(lab.get(&id).await["status"], "working");
}

/// Task Execution Errors: "The `tasks/get` endpoint returns exactly what the underlying request
/// would have returned".
#[tokio::test]
async fn a_task_ends_with_exactly_what_the_call_would_have_returned() {
    let lab = Lab::start().await;
    lab.gate.add_permits(2);
    for tool in ["job", "fails"] {
        let plain = modern(1, "tools/call", json!({"name": tool, "arguments": {}}), &[]);
        let result = lab.send(&plain).await.json()["result"].take();
        let id = lab.begin(tool).await;
        // A failure of the tool is a result: "MUST use the `completed` status".
        assert_eq!(lab.until(&id, "completed").await["result"], result, "{tool}");
    }
    let plain = modern(1, "tools/call", json!({"name": "errs", "arguments": {}}), &[]);
    let error = lab.send(&plain).await.json()["error"].take();
    let id = lab.begin("errs").await;
    let failed = lab.until(&id, "failed").await;
    assert_eq!(failed["error"], error);
    assert_eq!(failed["statusMessage"], "rate limit", "diagnostic information");
    assert!(failed.get("result").is_none());
    let id = lab.begin("panics").await;
    assert_eq!(lab.until(&id, "failed").await["error"]["code"], -32603);
}

/// The task outlives the connection that began it: only `tasks/cancel` ends it.
#[tokio::test]
async fn a_task_runs_on_when_its_client_has_left_and_counts_as_no_call() {
    let lab = Lab::start().await;
    let mut wire = lab.server.connect().await;
    let handle = wire.send(&task_call(1, "job")).await.json();
    wire.reset();
    let id = handle["result"]["taskId"].as_str().expect("an id").to_owned();
    assert_eq!(lab.until(&id, "working").await["statusMessage"], "half way");
    let stats = lab.server.service.stats();
    assert_eq!((stats.calls, stats.tasks), (0, 1));
    lab.gate.add_permits(1);
    lab.until(&id, "completed").await;
    assert_eq!(*lab.dropped.borrow(), 0);
}

/// Task Polling, Response, 2; Task Update Requests: partial answers, unknown keys, the
/// acknowledgement.
#[tokio::test]
async fn a_task_that_asks_is_answered_by_updates() {
    let lab = Lab::start().await;
    let id = lab.begin("asks").await;
    let asking = lab.until(&id, "input_required").await;
    let keys = |task: &Value| -> Vec<String> {
        task["inputRequests"].as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(keys(&asking), ["name", "town"]);
    let request = &asking["inputRequests"]["name"];
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!(request["params"]["message"], "Your name?");
    assert_eq!(
        lab.get(&id).await["inputRequests"],
        asking["inputRequests"],
        "until it is answered"
    );

    let unknown = json!({"age": accept("age", "early"), "never": {"x": 1}});
    assert_acknowledged(&lab.update(&id, unknown).await);
    assert_eq!(keys(&lab.get(&id).await), ["name", "town"]);
    assert_acknowledged(&lab.update(&id, json!({"town": accept("town", "Ulm")})).await);
    let partly = lab.get(&id).await;
    assert_eq!((&partly["status"], keys(&partly)), (&json!("input_required"), vec!["name".into()]));
    let rest = json!({"name": accept("name", "Ada"), "town": accept("town", "again")});
    assert_acknowledged(&lab.update(&id, rest).await);
    let again = async {
        loop {
            let task = lab.until(&id, "input_required").await;
            if keys(&task) == ["age"] {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("the last question");
    assert_acknowledged(&lab.update(&id, json!({"age": accept("age", "36")})).await);
    let told = lab.until(&id, "completed").await;
    let expected = r#"[{"name":"Ada"},{"town":"Ulm"},{"age":"36"}]"#;
    assert_eq!(told["result"]["content"][0]["text"], expected);
    // What has ended is acknowledged all the same.
    assert_acknowledged(&lab.update(&id, json!({"age": accept("age", "37")})).await);
}

/// Task Update Requests: `inputResponses` holds the results of requests.
#[tokio::test]
async fn an_update_without_answers_is_an_error_that_says_so() {
    let lab = Lab::start().await;
    let id = lab.begin("asks").await;
    lab.until(&id, "input_required").await;
    for answers in [json!(null), json!([]), json!({"name": "Ada"}), json!({"name": null})] {
        let answer = lab.update(&id, answers.clone()).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{answers}");
        assert!(answer.text().contains("inputResponses"), "{}", answer.text());
    }
    assert_eq!(lab.get(&id).await["status"], "input_required");
}

/// Task Creation: servers "SHOULD resolve all MRTR exchanges synchronously before responding with a
/// `CreateTaskResult`"; the note of Example Message Flow: after it, by `tasks/get` alone.
#[tokio::test]
async fn what_is_asked_before_a_task_begins_is_part_of_the_call_and_what_after_is_of_the_task() {
    let lab = Lab::start().await;
    let asked = lab.call("first").await;
    assert_eq!(asked["resultType"], "input_required");
    assert!(asked.get("taskId").is_none());
    let again = json!({
        "name": "first", "arguments": {}, "requestState": asked["requestState"],
        "inputResponses": {"name": accept("name", "Ada")},
    });
    let handle = lab.send(&declared(2, "tools/call", again, &[])).await.json()["result"].take();
    assert_eq!(handle["resultType"], "task");
    for member in ["requestState", "inputRequests", "result", "error"] {
        assert!(handle.get(member).is_none(), "{member}");
    }
    let id = handle["taskId"].as_str().expect("an id");
    let asking = lab.until(id, "input_required").await;
    assert!(asking.get("requestState").is_none());
    assert_eq!(
        asking["inputRequests"].as_object().map(|it| it.keys().collect::<Vec<_>>()),
        Some(vec![&"town".to_owned()])
    );
    assert_acknowledged(&lab.update(id, json!({"town": accept("town", "Ulm")})).await);
    lab.gate.add_permits(1);
    let told = lab.until(id, "completed").await;
    assert_eq!(told["result"]["content"][0]["text"], r#"[{"name":"Ada"},{"town":"Ulm"}]"#);
}

/// A call that has become a stream can still become a task: the handle is its answer.
#[tokio::test]
async fn a_stream_ends_with_the_handle_of_the_task_that_its_call_became() {
    let lab = Lab::start().await;
    let params = json!({
        "name": "first", "arguments": {}, "_meta": {"progressToken": 9},
        "inputResponses": {"name": accept("name", "Ada")},
    });
    let answer = lab.send(&declared(2, "tools/call", params, &[])).await;
    let messages = answer.messages();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["method"], "notifications/progress");
    assert_eq!(
        (&messages[1]["id"], &messages[1]["result"]["resultType"]),
        (&json!(2), &json!("task"))
    );
    let id = messages[1]["result"]["taskId"].as_str().expect("an id");
    lab.until(id, "input_required").await;
}

/// Capability Negotiation: "at its own discretion": a handler that ends at once answers itself.
#[tokio::test]
async fn a_call_that_ends_at_once_needs_no_task() {
    let lab = Lab::start().await;
    let result = lab.call("quick").await;
    assert_eq!(
        (&result["resultType"], &result["content"][0]["text"]),
        (&json!("complete"), &json!("at once"))
    );
    assert_eq!(lab.server.service.stats().tasks, 0, "its place is free again");
}

/// Task Cancellation: an empty result; here the handler is dropped.
#[tokio::test]
async fn a_cancelled_task_drops_its_handler_and_what_has_ended_stays_what_it_is() {
    let mut lab = Lab::start().await;
    let id = lab.begin("job").await;
    lab.until(&id, "working").await;
    assert_acknowledged(&lab.send(&about("tasks/cancel", &id)).await);
    lab.dropped(1).await;
    let cancelled = lab.until(&id, "cancelled").await;
    assert!(cancelled.get("result").is_none() && cancelled.get("error").is_none());
    assert_acknowledged(&lab.send(&about("tasks/cancel", &id)).await);

    lab.gate.add_permits(1);
    let id = lab.begin("job").await;
    let completed = lab.until(&id, "completed").await;
    assert_acknowledged(&lab.send(&about("tasks/cancel", &id)).await);
    assert_eq!(lab.get(&id).await, completed);
}

/// A task that waits for its client is cancelled as well.
#[tokio::test]
async fn a_task_that_asks_can_be_cancelled() {
    let lab = Lab::start().await;
    let id = lab.begin("asks").await;
    lab.until(&id, "input_required").await;
    assert_acknowledged(&lab.send(&about("tasks/cancel", &id)).await);
    let cancelled = lab.until(&id, "cancelled").await;
    assert!(cancelled.get("inputRequests").is_none());
}

/// Admits callers by the header `X-User`.
fn by_header(service: McpServiceBuilder) -> McpServiceBuilder {
    service.admit(|head: Arc<Head>| async move {
        let user = head.headers().get("x-user").and_then(|user| user.to_str().ok());
        Ok(user.map_or_else(Principal::anonymous, Principal::named))
    })
}

/// Security Considerations, Auth binding: "Servers MUST perform authentication and authorization
/// checks on each task-related request"; a foreign task is exactly an unknown one.
#[tokio::test]
async fn to_another_principal_a_task_is_exactly_an_unknown_one() {
    let lab = Lab::with(TaskOptions::new(), by_header).await;
    let params = json!({"name": "job", "arguments": {}});
    let alice = [("X-User", "alice")];
    let handle = lab.send(&declared(1, "tools/call", params, &alice)).await.json();
    let id = handle["result"]["taskId"].as_str().expect("an id").to_owned();
    let unknown = "A".repeat(id.len());
    for user in [Some(("X-User", "mallory")), None] {
        for method in METHODS {
            let ask = async |id: &str| {
                let params = json!({"taskId": id, "inputResponses": {"a": {}}});
                let answer = lab.send(&declared(1, method, params, user.as_slice())).await;
                (answer.status(), answer.text().to_owned())
            };
            assert_eq!(ask(&id).await, ask(&unknown).await, "{method}");
        }
        let filter = |id: &str| json!({"notifications": {"taskIds": [id]}});
        for id in [&id, &unknown] {
            let listen = declared(1, "subscriptions/listen", filter(id), user.as_slice());
            let messages = lab.send(&listen).await.messages();
            assert_eq!(messages[0]["params"]["notifications"], json!({}), "{messages:?}");
            assert_eq!(messages.len(), 2, "acknowledged with nothing, and ended");
        }
    }
    let mine = declared(1, "tasks/get", json!({"taskId": id}), &alice);
    assert_eq!(lab.send(&mine).await.json()["result"]["status"], "working");
}

/// Tasks, `ttlMs`: "The server may discard the task after the TTL elapses." Protocol Errors: it is
/// unknown then.
#[tokio::test]
async fn a_task_is_forgotten_when_its_time_is_up() {
    let options = TaskOptions::new().with_ttl(Duration::from_millis(50));
    let lab = Lab::with(options, |it| it).await;
    let id = lab.begin("job").await;
    let forgotten = async {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while lab.send(&about("tasks/get", &id)).await.code() != Some(-32602) {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten).await.expect("it is forgotten");
}

/// DESIGN, decision 8: "At a limit: a clear refusal (`503` with `Retry-After` for capacity)", before
/// the handler runs.
#[tokio::test]
async fn one_task_too_many_is_503_before_its_handler_runs() {
    let options = TaskOptions::new().with_max_tasks(2).with_max_tasks_per_principal(1);
    let lab = Lab::with(options, by_header).await;
    let by = async |user: &str| {
        let params = json!({"name": "job", "arguments": {}});
        lab.send(&declared(1, "tools/call", params, &[("X-User", user)])).await
    };
    assert_eq!(by("alice").await.status(), 200);
    let refused = by("alice").await;
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("5")));
    assert_eq!((refused.json()["id"].clone(), refused.code()), (json!(1), Some(-32603)));
    assert!(refused.text().contains("as many tasks as one caller may"), "{}", refused.text());
    assert_eq!(by("bob").await.status(), 200);
    let refused = by("carol").await;
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("5")));
    assert!(refused.text().contains("keeps as many tasks as it may"), "{}", refused.text());
    let stats = lab.server.service.stats();
    assert_eq!(
        (stats.refused["too_many_tasks_of_caller"], stats.refused["too_many_tasks"]),
        (1, 1)
    );
}

/// Of anonymous callers, those of one address count together.
#[tokio::test]
async fn anonymous_tasks_are_counted_by_their_address() {
    let options = TaskOptions::new().with_max_tasks_per_principal(1);
    let lab = Lab::with(options, |service| service.trusted_hops(1)).await;
    let from = async |address: &str| {
        let params = json!({"name": "job", "arguments": {}});
        let headers = [("X-Forwarded-For", address)];
        lab.send(&declared(1, "tools/call", params, &headers)).await.status()
    };
    assert_eq!(from("192.0.2.1").await, 200);
    assert_eq!(from("192.0.2.1").await, 503);
    assert_eq!(from("192.0.2.2").await, 200);
}

/// DESIGN, decision 8: what a task may wait for is never refused for capacity.
#[tokio::test]
async fn at_the_limit_of_calls_tasks_are_still_answered_updated_and_cancelled() {
    let lab = Lab::with(TaskOptions::new(), |service| service.max_calls(1)).await;
    let id = lab.begin("asks").await;
    lab.until(&id, "input_required").await;
    let mut busy = lab.server.connect().await;
    let wait = modern(1, "tools/call", json!({"name": "wait", "arguments": {}}), &[]);
    busy.write(wait.as_bytes()).await;
    lab.server.probe.started(1).await;
    assert_eq!(lab.send(&task_call(2, "job")).await.status(), 503);
    assert_acknowledged(&lab.update(&id, json!({"town": accept("town", "Ulm")})).await);
    assert_acknowledged(&lab.send(&about("tasks/cancel", &id)).await);
    assert_eq!(lab.get(&id).await["status"], "cancelled");
}

/// The drain: no new task; what runs has the time of the calls, and has failed then.
#[tokio::test]
async fn a_drain_takes_no_new_task_and_ends_those_that_run_when_its_time_is_up() {
    let mut lab = Lab::start().await;
    let id = lab.begin("job").await;
    lab.server.service.begin_drain(Duration::from_millis(200));
    let refused = lab.send(&task_call(2, "job")).await;
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")));
    let failed = lab.until(&id, "failed").await;
    assert_eq!(failed["error"]["message"], "The server is shutting down");
    lab.dropped(1).await;
}

/// Keeps what becomes of the one task of a test.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<Value>>>);

impl TaskStore for Diary {
    fn create(self: Arc<Self>, _: Principal, _: Task) -> BoxFuture<'static, Result<(), ToolError>> {
        Box::pin(async { Ok(()) })
    }

    fn get(
        self: Arc<Self>,
        _: Principal,
        _: String,
    ) -> BoxFuture<'static, Result<Option<Task>, ToolError>> {
        Box::pin(async { Ok(None) })
    }

    fn update(
        self: Arc<Self>,
        _: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), ToolError>> {
        Box::pin(async move {
            self.0.lock().unwrap().push(json!(task));
            Ok(())
        })
    }

    fn remove(
        self: Arc<Self>,
        _: Principal,
        _: TaskId,
    ) -> BoxFuture<'static, Result<(), ToolError>> {
        Box::pin(async { Ok(()) })
    }
}

/// DESIGN, decision 15: a shutdown lets calls finish, and tells those that it cuts off. A task has
/// no connection that would hold it up.
#[tokio::test]
async fn a_shutdown_waits_for_tasks_and_the_store_knows_how_each_has_ended() {
    for finishes in [true, false] {
        let (diary, gate) = (Diary::default(), Arc::new(Semaphore::new(0)));
        let (counter, _dropped) = watch::channel(0);
        let options = TaskOptions::new().with_store(diary.clone());
        let server = jobs(Server::builder("s", "1").tasks(options), &gate, &counter);
        let service = McpService::builder(server.build().expect("a server"));
        // Calls, and with them tasks, are cut off an eighth before it.
        let deadline = if finishes { PATIENCE } else { Duration::from_secs(2) };
        let running = serve(service.build().expect("a service")).shutdown_deadline(deadline);
        let mut running = running.bind("127.0.0.1:0").await.expect("a free port");
        let mut wire = Wire::connect(running.local_addr()).await;
        let answer = wire.send(&task_call(1, "job")).await;
        assert_eq!(answer.json()["result"]["resultType"], "task");
        drop(wire);
        running.begin_shutdown();
        if finishes {
            gate.add_permits(1);
        }
        let drained = tokio::time::timeout(PATIENCE, running.ended()).await;
        assert_eq!(drained.expect("it ends").expect("a runtime").aborted, 0);
        let last = diary.0.lock().unwrap().last().cloned().expect("it was saved");
        if finishes {
            assert_eq!(last["status"], "completed");
        } else {
            assert_eq!(last["error"]["message"], "The server is shutting down");
        }
    }
}

/// 2026-07-28, Streamable HTTP, Sending Messages: `Accept` decides how the handle is framed.
#[tokio::test]
async fn a_handle_is_framed_as_its_client_accepts() {
    let lab = Lab::start().await;
    let params = json!({"name": "job", "arguments": {}});
    for (accept, framed) in
        [("application/json", "application/json"), ("text/event-stream", "text/event-stream")]
    {
        let answer =
            lab.send(&declared(1, "tools/call", params.clone(), &[("Accept", accept)])).await;
        assert_eq!(answer.header("content-type"), Some(framed));
        let handle = answer.messages().remove(0);
        let id = handle["result"]["taskId"].as_str().expect("an id").to_owned();
        let get = declared(1, "tasks/get", json!({"taskId": id}), &[("Accept", accept)]);
        let answer = lab.send(&get).await;
        assert_eq!(answer.header("content-type"), Some(framed));
        assert_eq!(answer.messages()[0]["result"]["status"], "working");
    }
}

/// A gateway's tools, found for each call.
struct Catalogue;

impl ToolCatalogue for Catalogue {
    fn list(
        self: Arc<Self>,
        _: Option<String>,
        _: Context,
    ) -> BoxFuture<'static, Result<ToolPage, ToolError>> {
        Box::pin(async { Ok(ToolPage::new([])) })
    }

    fn find(
        self: Arc<Self>,
        name: String,
        _: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>> {
        let tool = Tool::new(name).with_task(TaskSupport::required());
        Box::pin(async move { Ok(Some(Arc::new(tool))) })
    }

    fn call(
        self: Arc<Self>,
        name: String,
        _: Arguments,
        _: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
        Box::pin(async move { Ok(CallToolResult::text(name)) })
    }
}

#[tokio::test]
async fn the_tools_of_a_catalogue_become_tasks_where_the_server_keeps_some() {
    let server =
        Server::builder("gateway", "1").catalogue(Catalogue).tasks(TaskOptions::new()).build();
    let service = mcp_http::McpService::builder(server.expect("a server")).build();
    let running = mcp_http::serve(service.expect("a service")).bind("127.0.0.1:0").await;
    let running = running.expect("a free port");
    let mut wire = Wire::connect(running.local_addr()).await;
    let handle = wire.send(&task_call(1, "any")).await.json();
    assert_eq!(handle["result"]["resultType"], "task", "{handle}");
    let plain = modern(1, "tools/call", json!({"name": "any", "arguments": {}}), &[]);
    assert_needs_the_extension(&wire.send(&plain).await);
}

/// A subscription's stream, read message by message.
struct Listen {
    wire: Wire,
    held: Vec<u8>,
}

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

impl Listen {
    async fn to(lab: &Lab, filter: Value) -> Self {
        let mut wire = lab.server.connect().await;
        let params = json!({"notifications": filter});
        wire.write(declared(5, "subscriptions/listen", params, &[]).as_bytes()).await;
        stream_head(&mut wire).await;
        Self { wire, held: Vec::new() }
    }

    async fn message(&mut self) -> Option<Value> {
        loop {
            let event: Event = self.wire.event(&mut self.held).await?;
            if let Some(message) = event.message() {
                return Some(message);
            }
        }
    }

    /// The next notification of a task, without what the stream adds to it.
    async fn task(&mut self) -> Value {
        let mut message = self.message().await.expect("a notification");
        assert_eq!(message["method"], "notifications/tasks", "{message}");
        assert_eq!(message["params"]["_meta"], json!({ SUBSCRIPTION_ID: 5 }));
        let mut params = message["params"].take();
        params.as_object_mut().expect("an object").remove("_meta");
        params
    }
}

/// What `tasks/get` says of a task, without what a result adds to it.
fn bare(mut task: Value) -> Value {
    for member in ["_meta", "resultType"] {
        task.as_object_mut().expect("an object").remove(member);
    }
    task
}

/// Task Status Notifications: acknowledged by id; "Each notification carries a complete
/// `DetailedTask` for the current status, identical to what `tasks/get` would have returned at that
/// moment."
#[tokio::test]
async fn a_listener_is_told_what_tasks_get_would_say_of_each_state() {
    let lab = Lab::start().await;
    let id = lab.begin("asks").await;
    let asking = lab.until(&id, "input_required").await;
    let mut stream = Listen::to(&lab, json!({"taskIds": [id, "nothing", id]})).await;
    let acknowledged = stream.message().await.expect("the acknowledgement");
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["notifications"], json!({"taskIds": [id]}));
    // What it is now, lest a change between the last look and this be missed.
    assert_eq!(stream.task().await, bare(asking));
    let both = json!({"name": accept("name", "Ada"), "town": accept("town", "Ulm")});
    lab.update(&id, both).await;
    // States may be passed over, but not told twice or out of order.
    let mut told = stream.task().await;
    if told["status"] == "working" {
        told = stream.task().await;
    }
    assert_eq!(told, bare(lab.get(&id).await));
    assert_eq!(told["inputRequests"]["age"]["method"], "elicitation/create");
    lab.update(&id, json!({"age": accept("age", "36")})).await;
    let mut told = stream.task().await;
    if told["status"] == "working" {
        told = stream.task().await;
    }
    assert_eq!(told, bare(lab.until(&id, "completed").await));
    // Nothing more can come of it.
    let result = stream.message().await.expect("the result");
    assert_eq!((&result["id"], &result["result"]["resultType"]), (&json!(5), &json!("complete")));
    assert_eq!(result["result"]["_meta"][SUBSCRIPTION_ID], 5);
    assert_eq!(stream.message().await, None);
}

/// Task Status Notifications: "`notifications/progress` and `notifications/message` notifications
/// MUST NOT be sent on the `subscriptions/listen` stream for a task".
#[tokio::test]
async fn a_listener_is_told_of_tasks_and_never_of_progress_or_logs() {
    let lab = Lab::start().await;
    let params = json!({
        "name": "job", "arguments": {}, "_meta": {
            "progressToken": 1, "io.modelcontextprotocol/logLevel": "debug",
        },
    });
    let answer = lab.send(&declared(1, "tools/call", params, &[])).await;
    assert_eq!(answer.header("content-type"), Some("application/json"), "the handle alone");
    let id = answer.json()["result"]["taskId"].as_str().expect("an id").to_owned();
    let mut stream = Listen::to(&lab, json!({"taskIds": [id]})).await;
    lab.until(&id, "working").await;
    lab.send(&about("tasks/cancel", &id)).await;
    let mut methods = Vec::new();
    let mut last = Value::Null;
    while let Some(message) = stream.message().await {
        methods.extend(message["method"].as_str().map(str::to_owned));
        if message["method"] == "notifications/tasks" {
            last = message["params"]["status"].clone();
        }
    }
    methods.dedup();
    assert_eq!(methods, ["notifications/subscriptions/acknowledged", "notifications/tasks"]);
    assert_eq!(last, "cancelled");
}

/// Task Status Notifications: "the server MUST return a JSON-RPC error specifying the missing
/// capabilities".
#[tokio::test]
async fn to_listen_to_tasks_the_extension_must_be_declared() {
    let lab = Lab::start().await;
    let id = lab.begin("job").await;
    for ids in [json!([id]), json!([])] {
        let listen = json!({"notifications": {"taskIds": ids}});
        assert_needs_the_extension(
            &lab.send(&modern(1, "subscriptions/listen", listen, &[])).await,
        );
    }
    for wrong in [json!("x"), json!([1]), json!({})] {
        let listen = json!({"notifications": {"taskIds": wrong}});
        let answer = lab.send(&declared(1, "subscriptions/listen", listen, &[])).await;
        assert_eq!(answer.code(), Some(-32602), "{wrong}: {}", answer.text());
    }
}

#[track_caller]
fn assert_fits(schema: &Schema, definition: &str, value: &Value) {
    assert_eq!(schema.faults(definition, value), Vec::<String>::new(), "{value:#}");
}

/// A task at each of its states, by its definition.
fn detailed(status: &Value) -> &'static str {
    match status.as_str() {
        Some("working") => "WorkingTask",
        Some("input_required") => "InputRequiredTask",
        Some("completed") => "CompletedTask",
        Some("failed") => "FailedTask",
        Some("cancelled") => "CancelledTask",
        _ => panic!("{status} is no status"),
    }
}

/// The schema of the extension, and that of 2026-07-28 for what carries it.
#[tokio::test]
async fn every_message_of_tasks_fits_the_schema_of_the_extension() {
    let (Some(schema), Some(base)) = (Schema::of_tasks(), Schema::of("2026-07-28")) else {
        return;
    };
    let lab = Lab::start().await;
    let discovered = lab.send(&modern(1, "server/discover", json!({}), &[])).await.json();
    assert_fits(base, "DiscoverResult", &discovered["result"]);
    let settings = &discovered["result"]["capabilities"]["extensions"][TASKS];
    assert_fits(schema, "TasksExtensionCapability", settings);
    let assert_task = |task: &Value| {
        assert_fits(schema, "GetTaskResult", task);
        assert_fits(schema, detailed(&task["status"]), task);
    };
    let begin = async |tool: &str| {
        let handle = lab.call(tool).await;
        assert_fits(schema, "CreateTaskResult", &handle);
        handle["taskId"].as_str().expect("an id").to_owned()
    };
    lab.gate.add_permits(1);
    for (tool, status) in
        [("job", "completed"), ("fails", "completed"), ("errs", "failed"), ("panics", "failed")]
    {
        let ended = lab.until(&begin(tool).await, status).await;
        assert_task(&ended);
        if status == "completed" {
            assert_fits(base, "CallToolResult", &ended["result"]);
        }
    }
    let id = begin("asks").await;
    assert_task(&lab.until(&id, "input_required").await);
    let mut stream = Listen::to(&lab, json!({"taskIds": [id]})).await;
    let acknowledged = stream.message().await.expect("the acknowledgement");
    assert_fits(base, "SubscriptionsAcknowledgedNotification", &acknowledged);
    assert_fits(
        schema,
        "TaskSubscriptionAcknowledgedNotifications",
        &acknowledged["params"]["notifications"],
    );
    let both = json!({"name": accept("name", "Ada"), "town": accept("town", "Ulm")});
    assert_fits(schema, "UpdateTaskResult", &lab.update(&id, both).await.json()["result"]);
    let cancelled = lab.send(&about("tasks/cancel", &id)).await;
    assert_fits(schema, "CancelTaskResult", &cancelled.json()["result"]);
    assert_task(&lab.until(&id, "cancelled").await);
    while let Some(message) = stream.message().await {
        match message.get("method") {
            Some(_) => {
                assert_fits(schema, "TaskStatusNotification", &message);
                assert_fits(base, "JSONRPCNotification", &message);
            }
            None => assert_fits(base, "SubscriptionsListenResult", &message["result"]),
        }
    }
    for method in METHODS {
        let undeclared = modern(1, method, json!({"taskId": id, "inputResponses": {}}), &[]);
        let refused = lab.send(&undeclared).await.json();
        assert_fits(base, "MissingRequiredClientCapabilityError", &refused);
        let unknown = lab.send(&about(method, "nothing")).await.json();
        assert_fits(base, "JSONRPCErrorResponse", &unknown);
    }
}

/// What a client gives a task may be wrong; that is no error of the call, which was good.
#[tokio::test]
async fn an_answer_that_does_not_fit_is_told_to_the_model() {
    let lab = Lab::start().await;
    let id = lab.begin("asks").await;
    lab.until(&id, "input_required").await;
    let wrong = json!({"name": {"action": "perhaps"}, "town": accept("town", "Ulm")});
    assert_acknowledged(&lab.update(&id, wrong).await);
    let told = lab.until(&id, "completed").await;
    assert_eq!(told["result"]["isError"], true);
    let text = told["result"]["content"][0]["text"].as_str().expect("text");
    assert!(text.contains("`name`"), "{text}");
}

/// DESIGN, decision 8: a limit, a refusal, a test at the limit.
#[tokio::test]
async fn a_subscription_names_256_tasks_at_most() {
    let lab = Lab::start().await;
    let listen = async |count: usize| {
        let ids: Vec<String> = (0..count).map(|id| id.to_string()).collect();
        let params = json!({"notifications": {"taskIds": ids}});
        lab.send(&declared(1, "subscriptions/listen", params, &[])).await
    };
    assert_eq!(listen(256).await.messages().len(), 2, "acknowledged, and over: none is there");
    let refused = listen(257).await;
    assert_eq!(refused.code(), Some(-32602));
    assert!(refused.text().contains("256"), "{}", refused.text());
}

/// A burst of changes is told at its newest, and a stream that listens to more goes on.
#[tokio::test]
async fn a_stream_that_listens_to_more_outlives_its_tasks() {
    let changes = mcp_http::Changes::new();
    let gate = Arc::new(Semaphore::new(1));
    let (counter, dropped) = watch::channel(0);
    let server = TestServer::with_server(
        |builder| jobs(builder.changes(&changes), &gate, &counter),
        |service| service,
    )
    .await;
    let lab = Lab { server, gate, dropped };
    let id = lab.begin("job").await;
    let filter = json!({"taskIds": [id], "toolsListChanged": true});
    let mut stream = Listen::to(&lab, filter.clone()).await;
    let acknowledged = stream.message().await.expect("the acknowledgement");
    assert_eq!(acknowledged["params"]["notifications"], filter);
    while stream.task().await["status"] != "completed" {}
    changes.tools_changed();
    let told = stream.message().await.expect("a change");
    assert_eq!(told["method"], "notifications/tools/list_changed");
}
