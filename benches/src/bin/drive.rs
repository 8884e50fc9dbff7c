//! Runs the scenarios and writes what it measured.
//!
//! ```text
//! drive OUTPUT smoke|quick|full [--programs FOLDER] [--only NAME]…
//!       [--peer NAME COMMAND DESCRIPTION]…
//! ```
//!
//! It keeps to the second core, and the servers that it starts to the first. Its own thread never
//! sleeps while it measures: a thread that does is woken by an interrupt which the *other* core
//! sends while it writes to a socket, so that each answer would cost the server some microseconds
//! that are the driver's.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mcp_http_bench::environment::Environment;
use mcp_http_bench::records::Output;
use mcp_http_bench::scale::Scale;
use mcp_http_bench::scenarios::{Bench, NAMES};
use mcp_http_bench::subject::{Recipe, measure_those_in};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tokio::task::yield_now;
use tokio::time::timeout;

/// No scenario takes as long.
const LIMIT: Duration = Duration::from_secs(10 * 60);

struct Options {
    output: PathBuf,
    scale: Scale,
    only: Vec<String>,
    peers: Vec<Recipe>,
    descriptions: Vec<(String, String)>,
}

fn main() -> Result<()> {
    let options = options(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // How many tasks run between two looks at the sockets.
        .event_interval(8)
        .build()?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> Result<()> {
    let Options { output, scale, only, peers, descriptions } = options;
    let scratch = std::env::temp_dir().join(format!("mcp-http-bench-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let environment = Environment::here(scale.as_str(), descriptions);
    let output = Output::create(&output, environment)?;
    let mut bench = Bench { scale, output, peers, scratch, answers: 0 };
    let began = Instant::now();
    let run = async {
        for name in NAMES {
            if only.is_empty() || only.iter().any(|it| it == name) {
                scenario(&mut bench, name).await?;
            }
        }
        bench.output.done(began.elapsed().as_secs_f64())
    };
    let done = run.await;
    std::fs::remove_dir_all(&bench.scratch)?;
    done
}

async fn scenario(bench: &mut Bench, name: &str) -> Result<()> {
    // What runs in a process of its own, on both cores, has them for itself.
    let (cores, spin) = match name {
        "threads" => (&[0, 1][..], None),
        _ => (&[1][..], Some(tokio::spawn(spin()))),
    };
    keep_to(cores)?;
    let done = timeout(LIMIT, bench.run(name)).await.with_context(|| format!("{name} lasts"));
    if let Some(spin) = spin {
        spin.abort();
    }
    done?
}

/// Keeps the runtime from sleeping.
async fn spin() {
    loop {
        yield_now().await;
    }
}

/// Pins this thread, which is the only one.
fn keep_to(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).context("the driver wants the cores 0 and 1")
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let output = arguments.next().context("no output")?.into();
    let scale = arguments.next().context("no scale")?;
    let scales = [Scale::Smoke, Scale::Quick, Scale::Full];
    let scale = scales.into_iter().find(|it| it.as_str() == scale).context("no such scale")?;
    let mut options =
        Options { output, scale, only: Vec::new(), peers: Vec::new(), descriptions: Vec::new() };
    while let Some(option) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{option} what?"));
        match option.as_str() {
            "--programs" => measure_those_in(value()?.into()),
            "--only" => options.only.push(value()?),
            "--peer" => {
                let (name, command, description) = (value()?, value()?, value()?);
                let command = command.split_whitespace().map(str::to_owned).collect();
                options.descriptions.push((name.clone(), description));
                options.peers.push(Recipe { name, command });
            }
            other => bail!("no such option: {other}"),
        }
    }
    if let Some(name) = options.only.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("no such scenario: {name}; there are {}", NAMES.join(", "));
    }
    Ok(options)
}
