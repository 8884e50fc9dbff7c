//! The tools that the scenarios call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_http::{Context, LogLevel, Server, ServerBuilder, ToolError};
use serde_json::json;
use tokio::sync::Semaphore;

/// What the tool `gate` waits for: permits by name, given by `/control/release`.
#[derive(Debug, Default)]
pub struct Gates {
    by_name: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Gates {
    /// The gate of a name, closed at first.
    pub fn named(&self, name: &str) -> Arc<Semaphore> {
        let mut gates = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(name.to_owned());
        Arc::clone(gate.or_insert_with(|| Arc::new(Semaphore::new(0))))
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Sleep {
    ms: u64,
    /// What to answer with instead of how long it was
    text: Option<String>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Burst {
    /// How many log messages to send, numbered from 1
    count: u64,
    /// How many bytes each carries besides its number
    #[serde(default)]
    bytes: usize,
    /// How long to wait after each, in microseconds
    #[serde(default)]
    every_us: u64,
    /// What to answer with instead of the count
    text: Option<String>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Progress {
    steps: u64,
    /// How long to wait after each, in microseconds
    #[serde(default)]
    every_us: u64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Gate {
    name: String,
    /// How many messages to send, each but the first after a release
    #[serde(default = "ten")]
    count: u64,
}

fn ten() -> u64 {
    10
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Roots {}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Big {
    bytes: usize,
}

/// The server with all tools.
pub fn register(gates: Arc<Gates>) -> ServerBuilder {
    Server::builder("subject", env!("CARGO_PKG_VERSION"))
        .typed_tool("echo", "Answers with the text", async |args: Echo, _: Context| {
            Ok::<_, ToolError>(args.text)
        })
        .typed_tool("sleep", "Answers after a time", async |args: Sleep, _: Context| {
            tokio::time::sleep(Duration::from_millis(args.ms)).await;
            Ok::<_, ToolError>(args.text.unwrap_or_else(|| args.ms.to_string()))
        })
        .typed_tool("burst", "Sends log messages, then answers with their count", burst)
        .typed_tool("progress", "Reports progress at each step", progress)
        .typed_tool(
            "gate",
            "Sends a log message for each release, then answers with their count",
            move |args: Gate, cx: Context| gate(args, cx, Arc::clone(&gates)),
        )
        .typed_tool("roots", "Asks for the client's roots", async |_: Roots, cx: Context| {
            let roots = cx.list_roots("roots")?;
            Ok::<_, ToolError>(roots.iter().map(|root| root.uri()).collect::<String>())
        })
        .typed_tool("big", "Answers with a text of a size", async |args: Big, _: Context| {
            Ok::<_, ToolError>("x".repeat(args.bytes))
        })
}

async fn burst(args: Burst, cx: Context) -> Result<String, ToolError> {
    let filler = "x".repeat(args.bytes);
    for n in 1..=args.count {
        if filler.is_empty() {
            cx.log(LogLevel::Info, json!({"n": n}));
        } else {
            cx.log(LogLevel::Info, json!({"n": n, "filler": filler}));
        }
        pause(args.every_us).await;
    }
    Ok(args.text.unwrap_or_else(|| args.count.to_string()))
}

async fn pause(micros: u64) {
    if micros == 0 {
        // Whoever sends the messages on gets a turn after each.
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}

async fn progress(args: Progress, cx: Context) -> Result<String, ToolError> {
    for step in 1..=args.steps {
        cx.progress(step as f64, Some(args.steps as f64), "");
        pause(args.every_us).await;
    }
    Ok(args.steps.to_string())
}

async fn gate(args: Gate, cx: Context, gates: Arc<Gates>) -> Result<String, ToolError> {
    let gate = gates.named(&args.name);
    for n in 1..=args.count {
        cx.log(LogLevel::Info, json!({"n": n}));
        let released = gate.acquire().await;
        released.map_err(|_| ToolError::new("the gate is gone"))?.forget();
    }
    Ok(args.count.to_string())
}
