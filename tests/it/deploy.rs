//! The examples for deployment do what `examples/deploy/` says of them, as far as a machine without
//! the platform can tell. `tests/deploy/check.py` reads the YAML, and runs the service as PID 1.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::support::messages::{call, initialize, modern, modern_call, post};
use crate::support::process::{
    ended, ends_well_on_sigterm, example, has_curl, next_line, shell, start,
};
use crate::support::wire::Wire;

/// The service of the Dockerfile: the example `cloud_run`.
struct Service {
    process: Child,
    logs: Lines<BufReader<ChildStdout>>,
    hints: Lines<BufReader<ChildStderr>>,
    port: u16,
}

const NOWHERE_ELSE: &[(&str, &str)] = &[("PORT", "0")];
const HOST: &str = "toolbox-123.europe-west1.run.app";

impl Service {
    /// Starts it with this environment and nothing else.
    async fn start(environment: &[(&str, &str)]) -> Self {
        let (mut process, mut logs) = start(Self::command(environment).await);
        let hints = BufReader::new(process.stderr.take().expect("a pipe")).lines();
        let line = log(&next_line(&mut logs).await);
        assert_eq!((&line["message"], &line["severity"]), (&json!("listening"), &json!("INFO")));
        let addr: SocketAddr = line["addr"].as_str().and_then(|it| it.parse().ok()).expect("one");
        assert!(addr.ip().is_unspecified(), "{addr}");
        Self { process, logs, hints, port: addr.port() }
    }

    async fn command(environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(example("cloud_run").await);
        command.env_clear().envs(environment.iter().copied()).stderr(Stdio::piped());
        command
    }

    async fn connect(&self) -> Wire {
        Wire::connect(SocketAddr::from(([127, 0, 0, 1], self.port))).await
    }

    /// Ends it as the platform does: what it logged since it listened.
    async fn end(mut self) -> Vec<Value> {
        ends_well_on_sigterm(self.process).await;
        let mut lines = Vec::new();
        while let Some(line) = self.logs.next_line().await.expect("a pipe") {
            lines.push(log(&line));
        }
        // The service's task may still have its say after it.
        assert!(lines.iter().any(|line| line["message"] == "ended"), "{lines:#?}");
        lines
    }
}

/// A line of the log. FACTS, Platforms: "logs are JSON with `severity` and `message`".
fn log(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    for name in ["severity", "message", "time"] {
        assert!(value[name].is_string(), "no {name}: {line}");
    }
    value
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[tokio::test]
async fn the_service_starts_with_an_empty_environment_but_port() {
    let service = Service::start(NOWHERE_ELSE).await;
    let mut wire = service.connect().await;
    // A probe comes by address.
    let health = wire.send(&get("/health", "169.254.8.1:8080")).await;
    assert_eq!((health.status(), health.text()), (200, "ok"));
    let days = json!({"from": "2024-02-28", "to": "2024-03-01"});
    let answer = wire.send(&modern_call(1, "days_between", days)).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "2 days");
    let foreign = post(&[("Host", "evil.example")], &initialize("2025-11-25"));
    assert_eq!(wire.send(&foreign).await.status(), 403);
    // Metrics are for those who ask for them.
    assert_eq!(wire.send(&get("/metrics", "localhost")).await.status(), 404);
    drop(wire);
    service.end().await;
}

/// Issue 3: "a service that would silently refuse or accept every Host fails at start with a message
/// that says what to set".
#[tokio::test]
async fn on_cloud_run_a_service_without_hosts_does_not_start_and_says_what_to_set() {
    for (name, value, said) in [
        ("PORT", "0", "MCP_ALLOWED_HOSTS"),
        ("MCP_ALLOWED_HOSTS", "https://a.example", "MCP_ALLOWED_HOSTS: `https://a.example`"),
        ("MCP_REQUEST_TIMEOUT", "3601", "MCP_REQUEST_TIMEOUT: is 3601s"),
        ("PORT", "none", "PORT: is `none`"),
    ] {
        let environment = [("PORT", "0"), ("K_SERVICE", "toolbox"), (name, value)];
        let (process, mut logs) = start(Service::command(&environment).await);
        let line = log(&next_line(&mut logs).await);
        assert_eq!(line["severity"], "ERROR");
        let message = line["message"].as_str().expect("a text");
        assert!(message.contains(said), "{message}");
        assert_eq!(ended(process).await, Some(1), "{name}={value}");
    }
}

#[tokio::test]
async fn on_cloud_run_it_serves_its_hosts_and_believes_the_front_end() {
    let service = Service::start(&[
        ("PORT", "0"),
        ("K_SERVICE", "toolbox"),
        ("MCP_ALLOWED_HOSTS", HOST),
        ("MCP_REQUEST_TIMEOUT", "3600"),
        ("MCP_METRICS_PATH", "/metrics"),
        ("GOOGLE_CLOUD_PROJECT", "my-project"),
        ("LOG_LEVEL", "trace"),
    ])
    .await;
    let mut wire = service.connect().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let google = format!("{trace}/74;o=1");
    let headers = [
        ("Host", HOST),
        ("X-Forwarded-For", "192.0.2.1, 203.0.113.9"),
        ("X-Cloud-Trace-Context", &google),
    ];
    let opened = wire.send(&post(&headers, &initialize("2025-11-25"))).await;
    let session = opened.header("mcp-session-id").expect("a session").to_owned();
    let within = [&headers[..], &[("Mcp-Session-Id", &session)]].concat();
    let answer = wire.send(&post(&within, &call(1, "whoami", json!({})))).await;
    let text = "203.0.113.9, by 2025-11-25";
    assert_eq!(answer.json()["result"]["content"][0]["text"], text);
    let number = json!({"number": 91});
    let answer = wire.send(&post(&within, &call(2, "factorize", number.clone()))).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "91 = 7 × 13");
    let params = json!({"name": "factorize", "arguments": number});
    let answer = wire.send(&modern(3, "tools/call", params, &headers)).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "91 = 7 × 13");
    // What cannot be is refused, and logged without a word of the client's.
    let unknown = [&headers[..], &[("Mcp-Session-Id", "not-a-session")]].concat();
    assert_eq!(wire.send(&post(&unknown, &call(4, "whoami", json!({})))).await.status(), 404);

    let metrics = wire.send(&get("/metrics", "10.0.0.1")).await;
    assert_eq!(metrics.status(), 200);
    assert!(metrics.text().lines().any(|line| line.starts_with("mcp_")), "{}", metrics.text());
    let page = wire.send(&post(&within, "")).await;
    assert_eq!(page.status(), 400);
    drop(wire);
    let lines = service.end().await;
    let factorized = lines.iter().filter(|line| line["message"] == "factorizing");
    let name = format!("projects/my-project/traces/{trace}");
    let named =
        factorized.filter(|line| line["logging.googleapis.com/trace"] == name.as_str()).count();
    assert_eq!(named, 2, "{lines:#?}");
    let spoken = |text: &str| lines.iter().any(|line| line.to_string().contains(text));
    // DESIGN, decision 16: session ids never appear in logs.
    assert!(!spoken(&session) && !spoken("not-a-session"), "{lines:#?}");
    assert!(spoken("session opened") && spoken("session_unknown"), "{lines:#?}");
}

#[tokio::test]
async fn the_lines_that_cloud_run_prints_call_it() {
    let mut service = Service::start(NOWHERE_ELSE).await;
    let mut lines = Vec::new();
    while lines.len() < 3 {
        let line = next_line(&mut service.hints).await;
        lines.extend(Some(line).filter(|line| line.starts_with("curl ")));
    }
    if has_curl().await {
        let converted: Value = serde_json::from_str(&shell(&lines[0]).await).expect("JSON");
        assert_eq!(converted["result"]["structuredContent"], json!({"value": 42_164.812_8}));
        let streamed = shell(&lines[1]).await;
        assert!(streamed.starts_with("data: "), "{streamed}");
        assert!(streamed.contains("notifications/progress"), "{streamed}");
        assert!(streamed.contains("999962000357 = 999979 × 999983"), "{streamed}");
        assert_eq!(shell(&lines[2]).await, "ok");
    }
    service.end().await;
}

#[tokio::test]
async fn the_lines_that_mounted_prints_call_both_services_under_the_overridden_host() {
    let mut command = Command::new(example("mounted").await);
    command.env("PORT", "0").env("PUBLIC_HOST", HOST).env("TRUSTED_HOPS", "2");
    let (process, mut output) = start(command);
    let first = next_line(&mut output).await;
    let mut lines = Vec::new();
    while lines.len() < 3 {
        let line = next_line(&mut output).await;
        lines.extend(Some(line).filter(|line| line.starts_with("curl ")));
    }
    if has_curl().await {
        for (line, said) in lines.iter().zip(["desserts", "42"]) {
            // As the client sends it, and as the balancer hands it on.
            for line in [line.clone(), line.replace("curl ", &format!("curl -H 'Host: {HOST}' "))] {
                let answer: Value = serde_json::from_str(&shell(&line).await).expect("JSON");
                assert_eq!(answer["result"]["content"][0]["text"], said);
            }
        }
        assert_eq!(shell(&lines[2]).await, "ok");
    }
    let addr = first.strip_prefix("MCP endpoints: http://").and_then(|it| it.split('/').next());
    let addr: SocketAddr = addr.and_then(|it| it.parse().ok()).expect("an address");
    let mut wire = Wire::connect(addr).await;
    let at = |path: &str, host: &str, body: &str| {
        post(&[("Host", host)], body).replace("POST /mcp", &format!("POST {path}"))
    };
    // The name in the clients' URLs is not the one that gets here.
    let public = at("/text/mcp", "tools.example.com", &initialize("2025-11-25"));
    assert_eq!(wire.send(&public).await.status(), 403);
    // A prefix and doubled slashes lead to the service that is named, and to none if none is.
    let sum = modern_call(1, "sum", json!({"numbers": [19, 23]}));
    for path in ["/numbers/mcp", "//numbers/mcp", "/numbers//mcp/", "/api/numbers/mcp"] {
        let answer = wire.send(&sum.replace("POST /mcp", &format!("POST {path}"))).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "42", "{path}");
    }
    for path in ["/mcp", "//", "/numbers", "/other/mcp", "/numbers/mcp/text", "/numbers/api/mcp"] {
        let answer = wire.send(&sum.replace("POST /mcp", &format!("POST {path}"))).await;
        assert_eq!(answer.status(), 404, "{path}");
    }
    // Each has its own sessions.
    let opened = wire.send(&at("/text/mcp", HOST, &initialize("2025-11-25"))).await;
    let id = opened.header("mcp-session-id").expect("a session").to_owned();
    let ping = post(
        &[("Host", HOST), ("Mcp-Session-Id", &id)],
        r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
    );
    for (path, status) in [("/text/mcp", 200), ("/numbers/mcp", 404)] {
        let request = ping.replace("POST /mcp", &format!("POST {path}"));
        assert_eq!(wire.send(&request).await.status(), status, "{path}");
    }
    let page = wire.send(&get("/", "any.example")).await;
    assert!(page.status() == 200 && page.text().contains("/numbers/mcp"), "{}", page.text());
    assert_eq!(wire.send(&get("/numbers/metrics", "any.example")).await.status(), 200);
    assert_eq!(wire.send(&get("/elsewhere", HOST)).await.status(), 404);
    drop(wire);
    ends_well_on_sigterm(process).await;
}

fn deploy(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy");
    std::fs::read_to_string(folder.join(file)).expect("a file of examples/deploy")
}

/// The image runs what is tested here, and there is nothing else in it that runs.
#[test]
fn the_dockerfile_builds_this_example_and_ends_in_an_image_without_a_shell() {
    let text = deploy("Dockerfile");
    let lines: Vec<_> = text.lines().filter(|it| !it.starts_with('#') && !it.is_empty()).collect();
    let stages: Vec<_> = lines.iter().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(stages.len(), 2, "{lines:?}");
    let msrv = env!("CARGO_PKG_RUST_VERSION");
    assert!(stages[0].starts_with(&format!("FROM rust:{msrv}.")), "{}", stages[0]);
    assert!(stages[1].starts_with("FROM gcr.io/distroless/cc-"), "{}", stages[1]);
    let has = |line: &str| assert!(lines.contains(&line), "{line}: {lines:?}");
    has("RUN cargo build --release --locked --features cloud-logging --example cloud_run");
    has("COPY --from=build /src/target/release/examples/cloud_run /service");
    // The shell form would make a shell PID 1, which hands no signal on.
    has(r#"ENTRYPOINT ["/service"]"#);
    let last = text.rsplit("FROM ").next().expect("a stage");
    assert!(!last.contains("\nRUN "), "no shell is there to run anything: {last}");
}

/// A variable that is misspelt here would be one that nobody reads.
#[test]
fn every_variable_that_is_named_is_read() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/platform/environment.rs");
    let source = std::fs::read_to_string(source).expect("the source");
    let mut named = 0;
    for file in ["service.yaml", "load-balancer.md", "cloudflare.md", "README.md", "Dockerfile"] {
        let text = deploy(file);
        let words = text.split(|it: char| !it.is_ascii_uppercase() && it != '_');
        for word in words.filter(|word| word.starts_with("MCP_")) {
            assert!(source.contains(&format!("\"{word}\"")), "{file}: {word}");
            named += 1;
        }
    }
    assert!(named > 10, "the files' form has changed");
}

/// The numbers of the table follow from what the page says of it.
#[test]
fn the_sizing_table_is_reckoned_right() {
    let number = |text: &str| text.trim().replace(',', "").parse::<u64>().ok();
    let page = deploy("README.md");
    let rows: Vec<Vec<u64>> = page
        .lines()
        .map(|line| line.trim_matches('|').split('|').map_while(number).collect::<Vec<_>>())
        .filter(|row| row.len() == 5)
        .collect();
    assert!(rows.len() >= 5, "the table's form has changed");
    // The page reckons with the default, and says which it is.
    let default = default_of("max_sessions");
    let said = "10,000 are the default of `max_sessions`";
    assert!(default == 10_000 && page.contains(said), "{default}");
    for (option, default) in
        [("max_sessions_per_address", 1_000), ("max_sessions_per_principal", 1_000)]
    {
        assert!(default_of(option) == default && page.contains(option), "{option}");
    }
    for row in rows {
        let sessions = row[0];
        let calls = sessions.div_ceil(60);
        let slots = [calls, sessions + calls];
        let instances = slots.map(|it| it.div_ceil(900).max(sessions.div_ceil(default)));
        assert_eq!(row, [&[sessions], &slots[..], &instances].concat());
    }
}

/// The default of an option that limits sessions, as the page on the option has it.
fn default_of(option: &str) -> u64 {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/builder.rs");
    let source = std::fs::read_to_string(source).expect("the source");
    let before = source.split(&format!("pub fn {option}(")).next().expect("a beginning");
    let page = before.rsplit("\n\n").next().expect("a page");
    let words: Vec<_> = page.split_whitespace().filter(|word| *word != "///").collect();
    let said = words.windows(3).find(|it| it[1] == "by" && it[2].starts_with("default"));
    let number = said.map(|it| it[0].replace(',', ""));
    number.and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{option}: {page}"))
}
