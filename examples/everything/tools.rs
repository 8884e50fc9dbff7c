//! Tools: each kind of content, progress, logs, headers, changes, and what tests count.

use std::time::Duration;

use mcp_http::{
    Arguments, CallToolResult, Changes, Content, Context, LogLevel, ResourceContents,
    ServerBuilder, Structured, Tool, ToolAnnotations, ToolError,
};
use serde_json::{Value, json};
use tokio::sync::watch;

/// A PNG of one red pixel.
pub(crate) const RED_PIXEL: &[u8] =
    b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\
    \x00\x90wS\xde\x00\x00\x00\x0cIDATx\xdac\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xf7\x03AC\x00\x00\
    \x00\x00IEND\xaeB`\x82";

/// A WAV of eight silent samples.
pub(crate) const SILENCE: &[u8] =
    b"RIFF,\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\
    \x08\x00data\x08\x00\x00\x00\x80\x80\x80\x80\x80\x80\x80\x80";

/// Adds all tools of this file.
pub(crate) fn add(builder: ServerBuilder, changes: &Changes) -> ServerBuilder {
    let builder = content_tools(builder);
    let builder = speaking_tools(builder);
    let builder = demanding_tools(builder);
    let builder = watched_tools(builder, watch::Sender::default());
    announcing_tools(builder, changes)
}

// ---- each kind of content ----

fn content_tools(builder: ServerBuilder) -> ServerBuilder {
    builder
        .tool(
            Tool::new("test_simple_text").with_description("Answers with a text"),
            async |_: Arguments, _: Context| {
                Ok::<_, ToolError>("This is a simple text response for testing.")
            },
        )
        .tool(
            Tool::new("test_image_content").with_description("Answers with an image"),
            async |_: Arguments, _: Context| {
                Ok::<_, ToolError>(Content::image(RED_PIXEL, "image/png"))
            },
        )
        .tool(
            Tool::new("test_audio_content").with_description("Answers with audio"),
            async |_: Arguments, _: Context| {
                Ok::<_, ToolError>(Content::audio(SILENCE, "audio/wav"))
            },
        )
        .tool(
            Tool::new("test_embedded_resource").with_description("Answers with a resource"),
            async |_: Arguments, _: Context| {
                let text = "This is an embedded resource content.";
                let resource = ResourceContents::text("test://embedded-resource", text)
                    .with_mime_type("text/plain");
                Ok::<_, ToolError>(Content::resource(resource))
            },
        )
        .tool(
            Tool::new("test_multiple_content_types").with_description("Answers with several kinds"),
            async |_: Arguments, _: Context| {
                let json = r#"{"test":"data","value":123}"#;
                let resource = ResourceContents::text("test://mixed-content-resource", json)
                    .with_mime_type("application/json");
                Ok::<_, ToolError>(vec![
                    Content::text("Multiple content types test:"),
                    Content::image(RED_PIXEL, "image/png"),
                    Content::resource(resource),
                ])
            },
        )
        .tool(
            Tool::new("test_error_handling").with_description("Fails"),
            async |_: Arguments, _: Context| {
                let text = "This tool intentionally returns an error for testing";
                Err::<CallToolResult, _>(ToolError::new(text))
            },
        )
}

// ---- tools that speak before they answer ----

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Emit {
    /// How many progress notifications to send
    count: u32,
    /// How long to wait after each, in milliseconds
    #[serde(default)]
    interval_ms: u64,
    /// How long the message of each is, in bytes
    #[serde(default)]
    bytes: usize,
}

fn speaking_tools(builder: ServerBuilder) -> ServerBuilder {
    let reports = |name: &str| Tool::new(name).with_description("Reports progress three times");
    builder
        .typed_tool("emit", "Sends progress notifications 1 to count, then answers", emit)
        .tool(reports("test_tool_with_progress"), three_steps)
        .tool(Tool::new("test_tool_with_logging").with_description("Logs three times"), three_logs)
        .tool(Tool::new("test_logging_tool").with_description("Logs three times"), three_logs)
        .tool(
            Tool::new("test_reconnection")
                .with_description("Ends the connection, and answers when the client is back"),
            async |_: Arguments, cx: Context| {
                cx.close_stream();
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok::<_, ToolError>("Done, while no connection was held open.")
            },
        )
}

async fn emit(args: Emit, cx: Context) -> Result<String, ToolError> {
    let message = "x".repeat(args.bytes);
    for number in 1..=args.count {
        cx.progress(number.into(), Some(args.count.into()), &message);
        if args.interval_ms > 0 {
            tokio::time::sleep(Duration::from_millis(args.interval_ms)).await;
        } else {
            // Whoever sends the messages on gets a turn after each.
            tokio::task::yield_now().await;
        }
    }
    Ok(format!("emitted {}", args.count))
}

async fn three_steps(_: Arguments, cx: Context) -> Result<&'static str, ToolError> {
    cx.progress(0.0, Some(100.0), "started");
    tokio::time::sleep(Duration::from_millis(50)).await;
    cx.progress(50.0, Some(100.0), "half done");
    tokio::time::sleep(Duration::from_millis(50)).await;
    cx.progress(100.0, Some(100.0), "done");
    Ok("Reported three times, if it was asked for.")
}

async fn three_logs(_: Arguments, cx: Context) -> Result<&'static str, ToolError> {
    cx.log(LogLevel::Info, "Tool execution started");
    tokio::time::sleep(Duration::from_millis(50)).await;
    cx.log(LogLevel::Info, "Tool processing data");
    tokio::time::sleep(Duration::from_millis(50)).await;
    cx.log(LogLevel::Info, "Tool execution completed");
    Ok("Logged three times, if it was asked for.")
}

// ---- tools that demand something of the request ----

fn demanding_tools(builder: ServerBuilder) -> ServerBuilder {
    builder
        .tool(
            Tool::new("json_schema_2020_12_tool")
                .with_description("Has a schema of many keywords")
                .with_input_schema(schema_of_many_keywords()),
            async |arguments: Arguments, _: Context| {
                Ok::<_, ToolError>(format!("Called with {}", arguments.raw()))
            },
        )
        .tool(
            Tool::new("test_header_parameters")
                .with_description("Takes arguments that clients repeat in headers")
                .with_input_schema(schema_with_headers())
                .with_annotations(ToolAnnotations::new().with_read_only(true)),
            async |arguments: Arguments, _: Context| {
                #[derive(serde::Deserialize)]
                struct Placed {
                    region: String,
                }
                let Placed { region } = arguments.parse()?;
                Ok::<_, ToolError>(format!("region: {region}"))
            },
        )
        .tool(
            Tool::new("test_missing_capability").with_description("Needs a client that can sample"),
            async |_: Arguments, cx: Context| {
                needs(&cx, "sampling")?;
                Ok::<_, ToolError>("The client can sample.")
            },
        )
        .tool(
            Tool::new("test_streaming_elicitation")
                .with_description("Needs a client that can elicit, and reports progress"),
            async |arguments: Arguments, cx: Context| {
                needs(&cx, "elicitation")?;
                three_steps(arguments, cx).await
            },
        )
}

/// What a handler does that must not rely on what the client did not declare.
fn needs(cx: &Context, capability: &str) -> Result<(), ToolError> {
    if cx.client_capabilities().supports(capability) {
        Ok(())
    } else {
        Err(ToolError::missing_client_capability(capability))
    }
}

fn schema_of_many_keywords() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// Clients of 2026-07-28 send these arguments as `Mcp-Param-…` headers too, so that a proxy can
/// route by them without reading the body.
fn schema_with_headers() -> Value {
    json!({
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "priority": {"type": "integer", "x-mcp-header": "Priority"},
            "urgent": {"type": "boolean", "x-mcp-header": "Urgent"},
            "tenant": {
                "type": "object",
                "properties": {"id": {"type": "string", "x-mcp-header": "Tenant"}},
            },
            "query": {"type": "string"},
        },
        "required": ["region"],
    })
}

// ---- tools that change the server ----

/// Nothing changes, but clients that listen are told to look.
fn announcing_tools(builder: ServerBuilder, changes: &Changes) -> ServerBuilder {
    let announce = changes.clone();
    builder.tool(
        Tool::new("test_trigger_tool_change").with_description("Says that the tools have changed"),
        move |_: Arguments, _: Context| {
            announce.tools_changed();
            async { Ok::<_, ToolError>("Told all who listen.") }
        },
    )
}

// ---- tools whose ends are counted ----

/// How many runs of `slow` have started, and how they ended.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, schemars::JsonSchema)]
struct Counters {
    started: u64,
    finished: u64,
    dropped: u64,
}

/// Counts a run from its start to its end, whichever way it ends.
struct Watched {
    counters: watch::Sender<Counters>,
    finished: bool,
}

impl Watched {
    fn start(counters: watch::Sender<Counters>) -> Self {
        counters.send_modify(|counters| counters.started += 1);
        Self { counters, finished: false }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.counters.send_modify(|counters| {
            let count = if self.finished { &mut counters.finished } else { &mut counters.dropped };
            *count += 1;
        });
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Slow {
    /// How long to take, in milliseconds
    #[serde(default = "ten_minutes")]
    ms: u64,
    /// Whether to report progress before waiting
    #[serde(default)]
    progress: bool,
}

fn ten_minutes() -> u64 {
    600_000
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Probe {
    /// Wait until so many runs of `slow` have started, but not longer than 5 s
    #[serde(default)]
    started_at_least: u64,
    /// Wait until so many runs of `slow` have been dropped, but not longer than 5 s
    #[serde(default)]
    dropped_at_least: u64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Panic {
    /// Whether to report progress before panicking
    #[serde(default)]
    progress: bool,
}

fn watched_tools(builder: ServerBuilder, counters: watch::Sender<Counters>) -> ServerBuilder {
    let seen = counters.subscribe();
    builder
        .typed_tool("slow", "Takes its time, until it is cancelled", move |args: Slow, cx| {
            let watched = Watched::start(counters.clone());
            slow(args, cx, watched)
        })
        .typed_tool("probe", "Tells how the runs of slow ended", move |args: Probe, _| {
            probe(args, seen.clone())
        })
        .typed_tool("panic", "Panics", ask_to_panic)
}

async fn ask_to_panic(args: Panic, cx: Context) -> Result<(), ToolError> {
    if args.progress {
        cx.progress(1.0, Some(2.0), "about to panic");
        tokio::task::yield_now().await; // the message goes out first
    }
    panic!("asked to panic");
}

async fn slow(args: Slow, cx: Context, mut watched: Watched) -> Result<&'static str, ToolError> {
    if args.progress {
        cx.progress(1.0, Some(2.0), "waiting");
    }
    tokio::time::sleep(Duration::from_millis(args.ms)).await;
    watched.finished = true;
    Ok("Took its time.")
}

async fn probe(
    args: Probe,
    mut seen: watch::Receiver<Counters>,
) -> Result<Structured<Counters>, ToolError> {
    let enough = |counters: &Counters| {
        counters.started >= args.started_at_least && counters.dropped >= args.dropped_at_least
    };
    // Not reached in time: whoever asked sees it by the counters.
    let _ = tokio::time::timeout(Duration::from_secs(5), seen.wait_for(enough)).await;
    let counters = *seen.borrow();
    Ok(Structured(counters))
}
