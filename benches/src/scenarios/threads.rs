//! Whether two threads do twice the work of one: the service in process, without sockets.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::Bench;
use super::contest::{ATTEMPTS, Case, STEP};
use crate::mcp::Era;
use crate::measure::stolen;
use crate::subject::{OURS, program};

/// Whether threads share a service, or each has one: the measure of what the machine gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Services {
    One,
    Each,
}

/// What the binary `threads` says.
#[derive(Deserialize)]
struct Said {
    threads: usize,
    calls_per_s: f64,
    ns_per_call: f64,
}

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    // Short, so that some of them pass while the machine has both of its processors.
    let seconds = bench.scale.of(0.05, 0.25, 0.25);
    for era in Era::BOTH {
        for round in 0..bench.scale.rounds() {
            for (threads, services) in [(1, Services::One), (2, Services::One), (2, Services::Each)]
            {
                one(bench, era, (threads, services), seconds, round).await?;
            }
        }
    }
    Ok(())
}

async fn one(
    bench: &mut Bench,
    era: Era,
    threads: (usize, Services),
    seconds: f64,
    round: usize,
) -> Result<()> {
    let (mut said, mut stolen) = said(era, threads, seconds).await?;
    for _ in 1..ATTEMPTS {
        if stolen <= STEP {
            break;
        }
        let (again, fewer) = self::said(era, threads, seconds).await?;
        if fewer < stolen {
            (said, stolen) = (again, fewer);
        }
    }
    let threads = match threads.1 {
        Services::One => said.threads.to_string(),
        Services::Each => format!("{}, a service each", said.threads),
    };
    let names = [("threads", threads), ("era", era.as_str().to_owned())];
    let figures = [
        ("calls_per_s", said.calls_per_s),
        ("ns_per_call", said.ns_per_call),
        ("stolen_ms", stolen.as_secs_f64() * 1e3),
    ];
    bench.output.record(Case::new("threads", names).record(OURS, round, figures))
}

/// What a run says, and for how long the machine did not have both of its processors meanwhile.
async fn said(
    era: Era,
    (threads, services): (usize, Services),
    seconds: f64,
) -> Result<(Said, Duration)> {
    let before = stolen()?;
    let mut arguments = vec![era.as_str().to_owned(), threads.to_string(), seconds.to_string()];
    if services == Services::Each {
        arguments.push("apart".to_owned());
    }
    let run = Command::new(program("threads")?).args(&arguments).kill_on_drop(true).output();
    // Those who wait for it would take the second thread's core: `drive` sleeps here.
    let output = timeout(Duration::from_secs(60), run).await.context("it does not end")??;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok((serde_json::from_slice(&output.stdout)?, stolen()? - before))
}
