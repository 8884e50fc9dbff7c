//! The examples, one a capability, as processes: each does what it says.

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::support::messages::{listen, modern, stream_head};
use crate::support::process::{ends_well_on_sigterm, example, next_line, start};
use crate::support::wire::Wire;

/// An example that runs.
struct Example {
    process: Child,
    addr: std::net::SocketAddr,
}

impl Example {
    async fn start(name: &str) -> Self {
        let mut command = Command::new(example(name).await);
        command.env("PORT", "0");
        let (process, mut output) = start(command);
        let line = next_line(&mut output).await;
        let addr = line.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/mcp"));
        Self { process, addr: addr.expect("its URL").parse().expect("an address") }
    }

    /// The result of a request of a client that can be asked for input, or knows tasks.
    async fn result(&self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({"io.modelcontextprotocol/clientCapabilities": {
            "elicitation": {}, "sampling": {},
            "extensions": {"io.modelcontextprotocol/tasks": {}},
        }});
        let task = params["taskId"].as_str().map(str::to_owned);
        let named: Vec<_> = task.iter().map(|task| ("Mcp-Name", task.as_str())).collect();
        let request = modern(1, method, params.clone(), &named);
        let answer = Wire::connect(self.addr).await.send(&request).await;
        let mut message = answer.messages().pop().expect("an answer");
        assert!(message["error"].is_null(), "{message}");
        message["result"].take()
    }

    async fn text(&self, tool: &str, arguments: Value) -> String {
        let result = self.result("tools/call", json!({"name": tool, "arguments": arguments})).await;
        result["content"][0]["text"].as_str().expect("a text").to_owned()
    }

    async fn ends(self) {
        ends_well_on_sigterm(self.process).await;
    }
}

#[tokio::test]
async fn resources_are_listed_read_and_watched() {
    let example = Example::start("resources").await;
    let listed = example.result("resources/list", json!({})).await;
    assert_eq!(listed["resources"][0]["uri"], "note://about");
    let templates = example.result("resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "note://{title}");

    let mut watching = Wire::connect(example.addr).await;
    let filter = json!({"resourceSubscriptions": ["note://shopping"]});
    watching.write(listen(7, filter.clone()).as_bytes()).await;
    stream_head(&mut watching).await;
    let mut held = Vec::new();
    let acknowledged = watching.event(&mut held).await.expect("an acknowledgement");
    let told = acknowledged.message().expect("a message");
    assert_eq!(told["params"]["notifications"], filter);

    let note = json!({"title": "shopping", "text": "Bread, cheese"});
    assert_eq!(example.text("write", note).await, "note://shopping");
    let updated = watching.event(&mut held).await.and_then(|event| event.message());
    let updated = updated.expect("a notification");
    assert_eq!(updated["method"], "notifications/resources/updated");
    assert_eq!(updated["params"]["uri"], "note://shopping");
    let read = example.result("resources/read", json!({"uri": "note://shopping"})).await;
    assert_eq!(read["contents"][0]["text"], "Bread, cheese");
    drop(watching);
    example.ends().await;
}

#[tokio::test]
async fn prompts_are_made_and_their_arguments_completed() {
    let example = Example::start("prompts").await;
    let arguments = json!({"code": "fn main() {}", "language": "rust"});
    let prompt =
        example.result("prompts/get", json!({"name": "review", "arguments": arguments})).await;
    assert_eq!(prompt["messages"][1]["content"]["text"], "```rust\nfn main() {}\n```");
    for (argument, value, values) in [
        ("language", "ja", json!(["Java", "JavaScript"])),
        ("strictness", "pe", json!(["pedantic"])),
    ] {
        let params = json!({
            "ref": {"type": "ref/prompt", "name": "review"},
            "argument": {"name": argument, "value": value},
        });
        let completed = example.result("completion/complete", params).await;
        assert_eq!(completed["completion"]["values"], values);
    }
    example.ends().await;
}

#[tokio::test]
async fn a_tool_asks_the_person_and_the_model_one_after_the_other() {
    let example = Example::start("asking").await;
    let mut params = json!({"name": "book", "arguments": {"city": "Oslo"}});
    for (key, answer) in [
        (
            "traveller",
            json!({
                "action": "accept",
                "content": {"name": "Ada", "seats": 2, "class": "First"},
            }),
        ),
        (
            "wish",
            json!({
                "role": "assistant", "model": "m", "content": {"type": "text", "text": "Enjoy!"},
            }),
        ),
    ] {
        let asked = example.result("tools/call", params.clone()).await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        assert!(asked["inputRequests"][key].is_object(), "{asked}");
        params["inputResponses"] = json!({ key: answer });
        params["requestState"] = asked["requestState"].clone();
    }
    let booked = example.result("tools/call", params).await;
    let text = "2 seats in First class to Oslo for Ada. Enjoy!";
    assert_eq!(booked["content"][0]["text"], text);
    example.ends().await;
}

#[tokio::test]
async fn tools_come_while_the_server_runs_and_clients_are_told() {
    let example = Example::start("changing").await;
    let mut listening = Wire::connect(example.addr).await;
    listening.write(listen(7, json!({"toolsListChanged": true})).as_bytes()).await;
    stream_head(&mut listening).await;
    let mut held = Vec::new();
    listening.event(&mut held).await.expect("an acknowledgement");

    let taught = example.text("teach", json!({"name": "greet", "word": "Hello"})).await;
    assert_eq!(taught, "greet is a tool now");
    let told = listening.event(&mut held).await.and_then(|event| event.message());
    assert_eq!(told.expect("a notification")["method"], "notifications/tools/list_changed");
    let tools = example.result("tools/list", json!({})).await;
    assert_eq!(tools["tools"][0]["name"], "greet", "by name");
    assert_eq!(example.text("greet", json!({})).await, "Hello");
    drop(listening);
    example.ends().await;
}

#[tokio::test]
async fn a_task_is_looked_at_until_it_is_done_and_may_ask() {
    let example = Example::start("tasks").await;
    let call = json!({"name": "signed_report", "arguments": {"year": 2026}});
    let task = example.result("tools/call", call).await;
    assert_eq!(task["resultType"], "task", "{task}");
    let id = json!({"taskId": task["taskId"]});
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    let mut answered = false;
    let done = loop {
        looks.tick().await;
        let look = example.result("tasks/get", id.clone()).await;
        match look["status"].as_str().expect("a status") {
            "working" => {}
            "input_required" if !answered => {
                let answer = json!({"action": "accept", "content": {"name": "Ada"}});
                let mut update = id.clone();
                update["inputResponses"] = json!({"signature": answer});
                example.result("tasks/update", update).await;
                answered = true;
            }
            "input_required" => {}
            _ => break look,
        }
    };
    assert_eq!(done["status"], "completed", "{done}");
    let text = done["result"]["content"][0]["text"].as_str().expect("a text");
    assert_eq!(text, "All went well in 2026\nSigned: \"Ada\"");
    example.ends().await;
}

/// docs/from-rmcp.md shows the counter, and it does what the page says.
#[tokio::test]
async fn the_counter_beside_rmcps_is_the_one_that_is_shown() {
    let page = include_str!("../../docs/from-rmcp.md");
    let shown = page.split("```rust,no_run\n").nth(1).and_then(|rest| rest.split("\n```").next());
    let runs = include_str!("../../examples/counter.rs");
    let (_, code) = runs.split_once("\n\n").expect("a line that says what it is");
    assert_eq!(shown.expect("a server"), code.trim_end());

    let example = Example::start("counter").await;
    for (tool, arguments, text) in [
        ("increment", json!({}), "1"),
        ("increment", json!({}), "2"),
        ("decrement", json!({}), "1"),
        ("sum", json!({"a": 2, "b": 3}), "5"),
        ("echo", json!({"say": "it"}), r#"{"say":"it"}"#),
    ] {
        assert_eq!(example.text(tool, arguments).await, text);
    }
    let prompt = json!({"name": "counter_analysis", "arguments": {"goal": "20"}});
    let analysed = example.result("prompts/get", prompt).await;
    let text = "Current: 1. Goal: 20. Difference: 19. Strategy: careful.";
    assert_eq!(analysed["messages"][1]["content"]["text"], text);
    let memo = example.result("resources/read", json!({"uri": "memo://insights"})).await;
    assert!(memo["contents"][0]["text"].as_str().expect("a text").starts_with("Business"));
    let asked = example.result("tools/call", json!({"name": "greet_user"})).await;
    let again = json!({
        "name": "greet_user",
        "requestState": asked["requestState"],
        "inputResponses": {"user": {"action": "accept", "content": {"name": "Ada"}}},
    });
    let greeted = example.result("tools/call", again).await;
    assert_eq!(greeted["content"][0]["text"], "Hello Ada!");
    example.ends().await;
}

#[cfg(feature = "validation")]
#[tokio::test]
async fn arguments_that_do_not_fit_never_reach_the_handler() {
    let example = Example::start("validation").await;
    let call = |days| json!({"name": "forecast", "arguments": {"days": days}});
    let fits = example.result("tools/call", call(json!(2))).await;
    assert_eq!(fits["structuredContent"], json!({"celsius": [20, 21]}));
    let misfit = example.result("tools/call", call(json!(15))).await;
    assert_eq!(misfit["isError"], true);
    assert!(misfit["content"][0]["text"].as_str().expect("a text").contains("`days`"), "{misfit}");
    example.ends().await;
}
