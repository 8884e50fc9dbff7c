//! How long calls take when each server has half of what it can do.

use anyhow::Result;

use super::Bench;
use super::calls::CONNECTIONS;
use super::contest::{ATTEMPTS, Case, Contender, STEP, contenders, is_peer, stop};
use crate::load::closed;
use crate::mcp::{Call, Era, Framing};
use crate::open_loop::open;
use crate::subject::{Limits, Recipe, ours};

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let peers = bench.peers.clone();
    compare(bench, &Call::small(Era::Legacy, Framing::Adaptive), &peers).await?;
    compare(bench, &Call::small(Era::Modern, Framing::Adaptive), &peers).await?;
    compare(bench, &Call::small(Era::Legacy, Framing::Sse), &[]).await
}

async fn compare(bench: &mut Bench, call: &Call, peers: &[Recipe]) -> Result<()> {
    let case = Case::new(
        "latency",
        [("era", call.era.as_str().to_owned()), ("framing", call.framing.as_str().to_owned())],
    );
    let ours = ours(Limits::Default)?;
    let contenders = contenders(bench, &case, &ours, call, CONNECTIONS, peers).await?;
    for round in 0..bench.scale.rounds() {
        for contender in &contenders {
            match at_half(bench, &case, contender, round).await {
                Err(error) if is_peer(&contender.subject) => {
                    bench.output.failure(case.scenario, &contender.subject.name, &error)?;
                }
                other => other?,
            }
        }
    }
    stop(contenders).await
}

async fn at_half(
    bench: &mut Bench,
    case: &Case,
    contender: &Contender,
    round: usize,
) -> Result<()> {
    let Contender { subject, lanes, .. } = contender;
    let window = bench.scale.window();
    let saturated = closed(subject, lanes, window).await?;
    let rate = saturated.calls as f64 / saturated.elapsed.as_secs_f64() / 2.0;
    let mut measured = open(subject, lanes, rate, window).await?;
    for _ in 1..ATTEMPTS {
        if measured.stolen <= STEP {
            break;
        }
        let again = open(subject, lanes, rate, window).await?;
        if again.stolen < measured.stolen {
            measured = again;
        }
    }
    let mut record = case.calls(&subject.name, round, &measured);
    record.figures.insert("rate_per_s".to_owned(), rate);
    bench.output.record(record)
}
