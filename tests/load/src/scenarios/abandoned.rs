//! Sessions that are opened and never used again: they go by expiry, and what they held is given
//! back.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use super::sessions::{show, start_touched, within_5_percent};
use crate::client::{Answer, Revision, Target};
use crate::report::Run;
use crate::subject::{Heap, Subject};

const CONNECTIONS: usize = 16;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let (sessions, idle) = run.scale.of((10_000, 4), (100_000, 20));
    let idle_knob = idle.to_string();
    let limit = (2 * sessions).to_string();
    let limits = ["--max-sessions", &limit, "--max-per-address", &limit];
    let mut subject = start_touched(&[&["--idle", &idle_knob], &limits[..]].concat()).await?;
    // A sweep is due four times in an idle time, and a session goes within two of its time.
    let expiry = Duration::from_secs(idle) * 3 / 2;

    let (warm, _) = flood(&subject, sessions.min(8_192), expiry).await?;
    let mut peaks = Vec::new();
    for number in ["first", "second"] {
        let (rest, full) = flood(&subject, sessions, expiry).await?;
        run.say(format!("{sessions} abandoned: {}; expired: {}", show(full), show(rest)));
        run.check(
            &format!("the {number} flood leaves the live heap as it was"),
            within_5_percent(rest.live, warm.live),
            format!(
                "{} before, {} with {sessions} sessions, {} one expiry later",
                warm.live, full.live, rest.live
            ),
        );
        // Whether the allocator unmaps or keeps what was freed last is not the server's doing.
        peaks.push(full.resident.max(rest.resident));
    }
    run.check(
        "the second flood adds nothing to resident memory",
        peaks[1] as f64 <= peaks[0] as f64 * 1.05,
        format!("{} bytes at most during the first, {} during the second", peaks[0], peaks[1]),
    );
    subject.expect_health()?;
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// Opens sessions, waits for their expiry, and tells what is held then and what was held before.
async fn flood(subject: &Subject, sessions: usize, expiry: Duration) -> Result<(Heap, Heap)> {
    let mut workers = JoinSet::new();
    for number in 0..CONNECTIONS {
        let share = sessions / CONNECTIONS + usize::from(number < sessions % CONNECTIONS);
        workers.spawn(abandon(subject.target(), share));
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let full = subject.heap().await?;
    // Slack for a machine that has other things to do.
    subject.wait_stat("sessions", 0, expiry + Duration::from_secs(5)).await?;
    Ok((subject.settled_heap().await?, full))
}

async fn abandon(target: Target, sessions: usize) -> Result<()> {
    let mut wire = target.connect().await?;
    let request = target.initialize(Revision::V2025_11_25);
    for _ in 0..sessions {
        let answer = Answer::to(&mut wire, &request).await?;
        ensure!(answer.status() == 200, "{answer:?}");
    }
    Ok(wire.close().await?)
}
