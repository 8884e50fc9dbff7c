//! Tasks: what takes longer than a client should hold a request open.

use std::time::Duration;

use mcp_http::{
    Arguments, BooleanSchema, CallToolResult, Context, Elicit, Elicited, ServerBuilder,
    StringSchema, TaskOptions, TaskSupport, Tool, ToolError,
};

/// Adds all tools of this file.
pub(crate) fn add(builder: ServerBuilder) -> ServerBuilder {
    let allowed = TaskSupport::allowed;
    let job = |name: &str, description: &str, support| {
        Tool::new(name).with_description(description).with_task(support)
    };
    builder
        // The suites leave tasks behind that run for a minute.
        .tasks(TaskOptions::new().with_max_tasks_per_principal(1_000))
        .typed_tool("greet", "Greets, at once", async |args: Greet, _: Context| {
            Ok::<_, ToolError>(format!("Hello, {}!", args.name))
        })
        .typed_tool_with(job("slow_compute", "Takes its time", allowed()), slow_compute)
        .typed_tool_with(job("confirm_delete", "Asks while it runs", allowed()), confirm_delete)
        .tool(job("multi_input", "Asks two things at once", allowed()), multi_input)
        .tool(
            job("failing_job", "Fails after a second", TaskSupport::required()),
            async |_: Arguments, _: Context| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Err::<CallToolResult, _>(ToolError::new("The job failed, as it always does"))
            },
        )
        .tool(
            job("protocol_error_job", "Ends with a JSON-RPC error", allowed()),
            async |_: Arguments, _: Context| {
                let message = "The job met an error of the protocol";
                Err::<CallToolResult, _>(ToolError::protocol(-32603, message, None))
            },
        )
        .tool(
            job(
                "test_tool_with_task",
                "Asks first, and becomes a task then",
                TaskSupport::required().begun_by_handler(),
            ),
            greet_slowly,
        )
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Greet {
    /// Whom to greet
    name: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct SlowCompute {
    /// How long it takes, in seconds
    seconds: f64,
    /// What it is called
    #[serde(default)]
    label: String,
}

async fn slow_compute(args: SlowCompute, cx: Context) -> Result<String, ToolError> {
    cx.progress(0.0, Some(args.seconds), "computing");
    let time = Duration::try_from_secs_f64(args.seconds)
        .map_err(|error| ToolError::invalid_argument("seconds", error.to_string()))?;
    tokio::time::sleep(time).await;
    Ok(format!("{} took {} s", args.label, args.seconds))
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct ConfirmDelete {
    /// The file
    filename: String,
}

async fn confirm_delete(args: ConfirmDelete, cx: Context) -> Result<String, ToolError> {
    let question = format!("Delete {}?", args.filename);
    let form = Elicit::form(question).with_required("confirm", BooleanSchema::new());
    Ok(match cx.elicit("confirm", form)? {
        Elicited::Accept(answer) if answer["confirm"] == true => {
            format!("{} would be deleted", args.filename)
        }
        _ => format!("{} stays", args.filename),
    })
}

async fn multi_input(_: Arguments, cx: Context) -> Result<String, ToolError> {
    let name = Elicit::form("Who are you?").with_required("name", StringSchema::new());
    let sure = Elicit::form("Are you sure?").with_required("confirm", BooleanSchema::new());
    // Both are asked before either is waited for.
    let (name, sure) = (cx.elicit("name", name), cx.elicit("sure", sure));
    let (name, sure) = (name?, sure?);
    Ok(format!("{}, {}", told(&name, "name"), told(&sure, "confirm")))
}

async fn greet_slowly(_: Arguments, cx: Context) -> Result<String, ToolError> {
    let form = Elicit::form("What is your name?").with_required("name", StringSchema::new());
    let name = cx.elicit("user_name", form)?;
    // All that is to be asked first is answered.
    cx.begin_task();
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(format!("Hello, {}!", told(&name, "name")))
}

fn told(answer: &Elicited<serde_json::Map<String, serde_json::Value>>, field: &str) -> String {
    match answer {
        Elicited::Accept(fields) => fields[field].to_string(),
        Elicited::Decline | Elicited::Cancel => "no answer".to_owned(),
    }
}
