//! Clients that come and go: `initialize`, `notifications/initialized`, a GET stream that is opened
//! and closed, `DELETE`; against four plain requests over as many connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use super::Bench;
use super::contest::{Case, is_peer};
use crate::mcp::{self, Framing};
use crate::measure::cpu;
use crate::sessions;
use crate::subject::{Limits, Subject, ours};
use crate::wire::Wire;

/// How many clients come at once.
const AT_ONCE: usize = 16;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    for round in 0..bench.scale.of(1, 3, 5) {
        let ours = Subject::start(&ours(Limits::Many)?).await?;
        let baseline = bench.baseline("http1", &ours, &mcp::initialize()).await?;
        let thousands = match round {
            0 => bench.scale.of(2, 20, 100),
            _ => bench.scale.of(2, 10, 10),
        };
        for thousand in 1..=thousands {
            for subject in [&baseline, &ours] {
                measure(bench, subject, round, thousand).await?;
            }
        }
        baseline.stop().await?;
        ours.stop().await?;
    }
    for peer in bench.peers.clone() {
        let subject = Subject::start(&peer.answering(Framing::Adaptive)).await?;
        if let Err(error) = measure(bench, &subject, 0, 1).await {
            bench.output.failure("churn", &peer.name, &error)?;
        }
        subject.stop().await?;
    }
    Ok(())
}

/// The clients of one thousand.
async fn measure(
    bench: &mut Bench,
    subject: &Subject,
    round: usize,
    thousand: usize,
) -> Result<()> {
    let sessions = bench.scale.of(50, 1000, 1000);
    let left = Arc::new(AtomicUsize::new(sessions));
    let (cpu_before, began) = (cpu(subject.pid())?, Instant::now());
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        clients.spawn(come_and_go(subject.addr, Arc::clone(&left)));
    }
    while let Some(client) = clients.join_next().await {
        client?.with_context(|| format!("a client of {}", subject.name))?;
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cost = (cpu(subject.pid())? - cpu_before).as_secs_f64();
    let case = Case::new("churn", [("thousand", thousand.to_string())]);
    let figures = [
        ("cpu_us_per_session", cost * 1e6 / sessions as f64),
        ("sessions_per_s", sessions as f64 / elapsed),
    ];
    debug_assert!(!is_peer(subject) || round == 0);
    bench.output.record(case.record(&subject.name, round, figures))
}

async fn come_and_go(addr: std::net::SocketAddr, left: Arc<AtomicUsize>) -> Result<()> {
    let another = |left: usize| left.checked_sub(1);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, another).is_ok() {
        let mut wire = Wire::connect(addr).await?;
        let session = sessions::open_one(&mut wire).await?;
        let mut stream = Wire::connect(addr).await?;
        stream.open(&mcp::get(session.as_deref())).await?;
        drop(stream);
        wire.exchange(&mcp::delete(session.as_deref())).await?;
    }
    Ok(())
}
