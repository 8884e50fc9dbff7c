//! What the README promises works as written: its server runs, and so does what it says to type.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::messages::{call, initialize, modern_call, post};
use crate::support::process::{ends_well_on_sigterm, example, has_curl, next_line, shell, start};
use crate::support::wire::Wire;

const README: &str = include_str!("../../README.md");

/// Set for the process that is to be the README's server.
const BE_THE_SERVER: &str = "MCP_HTTP_TEST_README_SERVER";

/// The README's server.
mod server {
    include!("readme/server.rs");

    pub fn run() -> Result<(), Box<dyn std::error::Error>> {
        main()
    }
}

/// The code of the README's blocks of a language, in order.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let rests: Vec<_> = README.split(&format!("\n```{language}\n")).skip(1).collect();
    rests.into_iter().filter_map(|rest| rest.split("\n```").next())
}

/// What runs below is what the README shows, on a port that is free.
#[test]
fn the_server_that_is_tested_is_the_one_that_is_shown() {
    let shown = blocks("rust,no_run").next().expect("a server").trim();
    let tested = include_str!("readme/server.rs").trim();
    assert_eq!(shown.replace("127.0.0.1:8080", "127.0.0.1:0"), tested);
}

/// It runs to its end too, so it has a process of its own: this test's binary, once more.
#[test]
fn the_server_that_is_shown_serves_both_eras_until_sigterm() {
    if std::env::var_os(BE_THE_SERVER).is_some() {
        return server::run().expect("a server that runs");
    }
    let name = "readme::the_server_that_is_shown_serves_both_eras_until_sigterm";
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--exact", name, "--nocapture"]).env(BE_THE_SERVER, "1");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (process, mut output) = start(command);
        let url = loop {
            // The harness prints, too.
            if let Some(url) = next_line(&mut output).await.strip_prefix("http://") {
                break format!("http://{url}");
            }
        };
        forecasts_in_both_eras(address(&url)).await;
        ends_well_on_sigterm(process).await;
    });
}

async fn forecasts_in_both_eras(addr: SocketAddr) {
    let mut wire = Wire::connect(addr).await;
    let city = json!({"city": "Oslo"});
    let modern = wire.send(&modern_call(1, "forecast", city.clone())).await;
    assert_eq!(modern.json()["result"]["content"][0]["text"], "Sunny in Oslo");
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let opened = wire.send(&post(&[], &initialize(version))).await;
        let id = opened.header("mcp-session-id").expect("a session").to_owned();
        let request = post(&[("Mcp-Session-Id", &id)], &call(2, "forecast", city.clone()));
        let answer = wire.send(&request).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "Sunny in Oslo", "{version}");
    }
}

/// The README's commands name what is there.
#[test]
fn the_commands_that_are_shown_name_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let commands: Vec<_> = blocks("sh").flat_map(str::lines).collect();
    let starts = |command: &str| commands.iter().any(|line| line.starts_with(command));
    assert!(starts("cargo run --release --example quickstart"), "{commands:?}");
    assert!(root.join("examples/quickstart.rs").is_file());
    assert!(starts("./scripts/test"), "{commands:?}");
    // A packaged crate has no scripts.
    assert!(root.join("scripts/test").is_file() || !root.join(".git").exists());
}

/// ARCHITECTURE.md is true as far as a test can tell.
#[test]
fn the_architecture_names_every_file_and_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the page");
    let named = quoted(&text);
    let mut faults = Vec::new();
    for layer in ["protocol", "server", "http"] {
        for file in rust_files(&root.join("src").join(layer)) {
            let name = file.strip_prefix(root.join("src").join(layer)).expect("below it");
            let is_told = named.contains(name.to_str().expect("ASCII"));
            let is_of_a_module = name.ends_with("mod.rs") || name.iter().any(|it| it == "tests");
            if !is_told && !is_of_a_module && !name.ends_with("tests.rs") {
                faults.push(format!("a file that is not named: {layer}/{}", name.display()));
            }
        }
    }
    let invariants = text.split("\n## ").find(|it| it.starts_with("Invariants"));
    let mut tests = quoted(invariants.expect("a section"));
    tests.retain(|name| name.contains("::") && *name != "it::");
    assert!(tests.len() > 30, "the page's form has changed: {tests:?}");
    faults.extend(tests.iter().filter(|name| !is_there(root, name)).map(|it| (*it).to_owned()));
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What stands between backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether there is a function of this path: in the module's file, or in `mod tests` of it.
fn is_there(root: &Path, path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").expect("a module");
    let module = match module.strip_prefix("it::") {
        Some(module) => format!("tests/it/{module}"),
        None => format!("src/{module}"),
    };
    let file = module.replace("::", "/");
    let outer = file.strip_suffix("/tests").unwrap_or(&file);
    [&*file, outer].iter().any(|file| {
        let text = std::fs::read_to_string(root.join(format!("{file}.rs")));
        text.is_ok_and(|text| text.contains(&format!("fn {name}(")))
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("a folder").map(|it| it.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let inner = folders.iter().flat_map(|folder| rust_files(folder));
    files
        .into_iter()
        .filter(|it| it.extension().is_some_and(|it| it == "rs"))
        .chain(inner)
        .collect()
}

/// `quickstart` prints lines for curl that work, and SIGTERM ends it well.
#[tokio::test]
async fn the_lines_that_quickstart_prints_call_it_and_sigterm_ends_it() {
    let mut command = Command::new(example("quickstart").await);
    command.env("PORT", "0");
    let (process, mut output) = start(command);
    let first = next_line(&mut output).await;
    let url = first.strip_prefix("MCP endpoint: ").expect("its URL first").to_owned();
    let mut lines = Vec::new();
    while lines.len() < 2 {
        lines.extend(Some(next_line(&mut output).await).filter(|line| line.starts_with("curl ")));
    }

    let mut wire = Wire::connect(address(&url)).await;
    let answer = wire.send(&modern_call(1, "count_primes", json!({"limit": 100}))).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "25 primes up to 100");
    let too_much = wire.send(&modern_call(2, "count_primes", json!({"limit": 10_000_001}))).await;
    assert_eq!(too_much.json()["result"]["isError"], true);
    drop(wire);

    if has_curl().await {
        let counted: Value = serde_json::from_str(&shell(&lines[0]).await).expect("JSON");
        let expected = json!({"lines": 1, "words": 6, "characters": 19});
        assert_eq!(counted["result"]["structuredContent"], expected);
        let streamed = shell(&lines[1]).await;
        assert!(streamed.starts_with("data: "), "{streamed}");
        assert!(streamed.contains("\"message\":\"2262 primes up to 19999\""), "{streamed}");
        assert!(streamed.contains("9592 primes up to 100000"), "{streamed}");
    }
    ends_well_on_sigterm(process).await;
}

fn address(url: &str) -> SocketAddr {
    let rest = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix("/mcp"));
    rest.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no endpoint: {url}"))
}
