//! A server to test: the crate's public API on a real socket, with tools that show what happened.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcp_http::{
    Arguments, CallToolResult, Changes, Context, HandlerError, LogLevel, McpService,
    McpServiceBuilder, Prompt, Resource, Running, Server, ServerBuilder, StandaloneStream,
    StreamKind, Tool, ToolError, serve,
};
use serde_json::json;
use tokio::sync::{Notify, Semaphore, watch};

/// A server on a port of its own, stopped when it is dropped.
pub struct TestServer {
    pub addr: SocketAddr,
    pub probe: Probe,
    pub service: McpService,
    _running: Running,
}

/// What the tools of a [`TestServer`] did, and the levers to steer them.
#[derive(Clone, Default)]
pub struct Probe {
    inner: Arc<ProbeInner>,
}

struct ProbeInner {
    started: watch::Sender<usize>,
    finished: watch::Sender<usize>,
    dropped: watch::Sender<usize>,
    /// `wait` ends one call for each permit.
    gate: Semaphore,
    pub polls: AtomicUsize,
    poke: Notify,
}

impl Default for ProbeInner {
    fn default() -> Self {
        Self {
            started: watch::Sender::new(0),
            finished: watch::Sender::new(0),
            dropped: watch::Sender::new(0),
            gate: Semaphore::new(0),
            polls: AtomicUsize::new(0),
            poke: Notify::new(),
        }
    }
}

impl Probe {
    /// Waits until this many `wait` calls have begun.
    pub async fn started(&self, count: usize) {
        Self::reach("calls begun", &self.inner.started, count).await;
    }

    /// Waits until this many `wait` calls have run to their end.
    pub async fn finished(&self, count: usize) {
        Self::reach("calls finished", &self.inner.finished, count).await;
    }

    /// Waits until this many `wait` calls have been dropped before their end.
    pub async fn dropped(&self, count: usize) {
        Self::reach("calls dropped", &self.inner.dropped, count).await;
    }

    pub fn finished_now(&self) -> usize {
        *self.inner.finished.borrow()
    }

    pub fn dropped_now(&self) -> usize {
        *self.inner.dropped.borrow()
    }

    /// How often the handlers of `wait` were polled, in all.
    pub fn polls(&self) -> usize {
        self.inner.polls.load(Ordering::SeqCst)
    }

    /// Lets this many `wait` calls, running or to come, end.
    pub fn release(&self, count: usize) {
        self.inner.gate.add_permits(count);
    }

    async fn reach(what: &str, counter: &watch::Sender<usize>, count: usize) {
        let mut counter = counter.subscribe();
        let reached = counter.wait_for(|&now| now >= count);
        match tokio::time::timeout(super::wire::PATIENCE, reached).await {
            Ok(reached) => drop(reached.expect("the probe outlives its counter")),
            Err(_) => panic!("waited for {count} {what}"),
        }
    }
}

/// Counts a call as dropped unless it was finished.
struct Alive {
    probe: Probe,
    done: bool,
}

impl Drop for Alive {
    fn drop(&mut self) {
        let counter =
            if self.done { &self.probe.inner.finished } else { &self.probe.inner.dropped };
        counter.send_modify(|count| *count += 1);
    }
}

/// The tools:
///
/// - `echo` answers with its arguments as JSON text;
/// - `fail` fails with "it failed", `panic` panics;
/// - `progress` {"count": n} reports 1…n of n, then answers "done";
/// - `log` logs "l0".."l7" at the eight levels from debug to emergency, then answers "done";
/// - `wait` {"progress": n} reports 1…n of n, then waits until the probe releases it, and
///   answers "waited";
/// - `region` has parameters that headers mirror: `region` (string), `count` (integer), `dry`
///   (boolean), and `where.zone` (string, nested).
pub fn tools(builder: ServerBuilder, probe: &Probe) -> ServerBuilder {
    let for_wait = probe.clone();
    builder
        .tool(Tool::new("echo").with_description("Echoes"), |arguments: Arguments, _: Context| async move {
            Ok::<_, ToolError>(arguments.raw().to_owned())
        })
        .tool(Tool::new("fail").with_description("Fails"), |_: Arguments, _: Context| async move {
            Err::<String, _>(ToolError::new("it failed"))
        })
        .tool(Tool::new("panic").with_description("Panics"), |_: Arguments, _: Context| async move {
            if std::hint::black_box(true) {
                panic!("as told");
            }
            Ok::<_, ToolError>("unreachable")
        })
        .tool(Tool::new("progress").with_description("Reports"), |arguments: Arguments, cx: Context| async move {
            report(&arguments, &cx)?;
            Ok::<_, ToolError>("done")
        })
        .tool(Tool::new("log").with_description("Logs"), |_: Arguments, cx: Context| async move {
            for (n, level) in LEVELS.into_iter().enumerate() {
                cx.log(level, format!("l{n}"));
            }
            Ok::<_, ToolError>("done")
        })
        .tool(Tool::new("wait").with_description("Waits"), move |arguments: Arguments, cx: Context| {
            let probe = for_wait.clone();
            async move {
                let mut alive = Alive { probe: probe.clone(), done: false };
                report(&arguments, &cx)?;
                probe.inner.started.send_modify(|count| *count += 1);
                let counted = std::future::poll_fn(|_| {
                    probe.inner.polls.fetch_add(1, Ordering::SeqCst);
                    std::task::Poll::<()>::Pending
                });
                let poked = probe.inner.poke.notified();
                tokio::select! {
                    biased;
                    () = counted => {}
                    () = poked => {}
                    permit = probe.inner.gate.acquire() => permit.expect("an open gate").forget(),
                }
                alive.done = true;
                Ok::<_, ToolError>("waited")
            }
        })
        .tool(Tool::new("region").with_description("Mirrors").with_input_schema(mirrored()), |arguments: Arguments, _: Context| async move {
            Ok::<_, ToolError>(CallToolResult::text(arguments.raw().to_owned()))
        })
}

/// A prompt and a resource.
pub fn readable(builder: ServerBuilder) -> ServerBuilder {
    let config = Resource::new("file:///project/config.json", "config.json");
    builder
        .static_resource(config, "{}")
        .prompt(Prompt::new("review"), |_: Arguments, _: Context| async move {
            Ok::<_, HandlerError>("Review the project")
        })
}

pub const LEVELS: [LogLevel; 8] = [
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Notice,
    LogLevel::Warning,
    LogLevel::Error,
    LogLevel::Critical,
    LogLevel::Alert,
    LogLevel::Emergency,
];

fn report(arguments: &Arguments, cx: &Context) -> Result<(), ToolError> {
    let arguments: serde_json::Value = arguments.parse()?;
    let count = arguments["count"].as_u64().or(arguments["progress"].as_u64()).unwrap_or(0);
    for n in 1..=count {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        cx.progress(n as f64, Some(count as f64), format!("step {n}"));
    }
    Ok(())
}

fn mirrored() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
            "where": {
                "type": "object",
                "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}
            },
            "plain": {"type": "string"}
        }
    })
}

impl TestServer {
    /// A server with the tools above and every option at its default, but that heartbeats are rare
    /// and that standalone streams are served, for which there is nothing to announce.
    pub async fn start() -> Self {
        Self::with(|service| service).await
    }

    /// A server with the tools above and options of the test's own.
    pub async fn with(options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder) -> Self {
        Self::with_server(|server| server, options).await
    }

    /// A server with the tools above whose lists can change.
    pub async fn changing() -> (Self, Changes) {
        Self::changing_with(|service| service).await
    }

    /// The same with options of the test's own.
    pub async fn changing_with(
        options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
    ) -> (Self, Changes) {
        let changes = Changes::new();
        (Self::with_server(|server| server.changes(&changes), options).await, changes)
    }

    /// A server with the tools above, a prompt and a resource, all of which can change.
    pub async fn watched() -> (Self, Changes) {
        Self::watched_with(|service| service).await
    }

    /// The same with options of the test's own.
    pub async fn watched_with(
        options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
    ) -> (Self, Changes) {
        let changes = Changes::new();
        (Self::with_server(|server| readable(server).changes(&changes), options).await, changes)
    }

    /// A server with more than the tools above.
    pub async fn with_server(
        more: impl FnOnce(ServerBuilder) -> ServerBuilder,
        options: impl FnOnce(McpServiceBuilder) -> McpServiceBuilder,
    ) -> Self {
        let probe = Probe::default();
        let server = more(tools(Server::builder("test-server", "1.2.3"), &probe));
        let server = server.build().expect("a valid server");
        let builder = McpService::builder(server)
            .heartbeat(Duration::from_secs(60))
            .standalone_stream(StandaloneStream::Serve);
        let service = options(builder).build().expect("a valid service");
        let running = serve(service.clone()).bind("127.0.0.1:0").await.expect("a free port");
        Self { addr: running.local_addr(), probe, service, _running: running }
    }

    /// How many streams wait for changes alone.
    pub fn parked(&self) -> usize {
        let streams = self.service.stats().streams;
        streams[&StreamKind::Standalone].open + streams[&StreamKind::Listen].open
    }

    /// Waits until this many streams are parked, which nothing but a look at it tells.
    pub async fn until_parked(&self, count: usize) {
        let look = async {
            let mut looks = tokio::time::interval(Duration::from_millis(2));
            while self.parked() != count {
                looks.tick().await;
            }
        };
        let reached = tokio::time::timeout(super::wire::PATIENCE, look).await;
        assert!(reached.is_ok(), "waited for {count} parked streams, there are {}", self.parked());
    }

    /// A connection to it.
    pub async fn connect(&self) -> super::wire::Wire {
        super::wire::Wire::connect(self.addr).await
    }
}
