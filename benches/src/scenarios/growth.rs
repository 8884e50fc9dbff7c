//! How the cost of a call grows with the sessions that live and with the size of messages.

use std::sync::Arc;

use anyhow::Result;

use super::Bench;
use super::calls::CONNECTIONS;
use super::contest::{Answers, Case, Contender, contenders, rounds, stop};
use crate::load::closed;
use crate::mcp::{Call, Era, Framing};
use crate::sessions;
use crate::subject::{Limits, Subject, ours};

/// Few enough that what is in flight fits into the processor's caches.
const CONNECTIONS_OF_SIZES: usize = 8;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    of_sessions(bench).await?;
    let sizes =
        bench.scale.of(&[1, 64][..], &[1, 4, 16, 64, 256, 1024], &[1, 4, 16, 64, 256, 1024]);
    for era in Era::BOTH {
        for kib in sizes {
            let bytes = kib * 1024;
            let arguments = Call::with_arguments(era, Framing::Adaptive, bytes);
            of_size(bench, "arguments", bytes, &arguments).await?;
            let result = Call::with_result(era, Framing::Adaptive, bytes);
            of_size(bench, "result", bytes, &result).await?;
        }
    }
    Ok(())
}

/// All sessions are called in turns, so that none is in a cache because it was called just now.
async fn of_sessions(bench: &mut Bench) -> Result<()> {
    let counts =
        bench.scale.of(&[1, 64][..], &[1, 64, 1024, 8192], &[1, 64, 512, 1024, 4096, 8192]);
    let call = Call::small(Era::Legacy, Framing::Adaptive);
    let mut servers = Vec::new();
    for &count in counts {
        let subject = Subject::start(&ours(Limits::Many)?).await?;
        let sessions = sessions::open(&subject, count).await?;
        let lane = |connection: usize| {
            let first = connection % count;
            let mine = sessions.iter().skip(first).step_by(CONNECTIONS.min(count));
            Arc::new(mine.map(|session| call.request(session.as_deref())).collect())
        };
        let lanes = (0..CONNECTIONS).map(lane).collect();
        servers.push((count, Contender { subject, lanes, answers: Answers::Json }));
    }
    for round in 0..bench.scale.rounds() {
        for (count, Contender { subject, lanes, .. }) in &servers {
            let case = Case::new("growth", [("sessions", count.to_string())]);
            let measured = closed(subject, lanes, bench.scale.window()).await?;
            bench.output.record(case.calls(&subject.name, round, &measured))?;
        }
    }
    stop(servers.into_iter().map(|(_, server)| server).collect()).await
}

async fn of_size(bench: &mut Bench, of: &str, bytes: usize, call: &Call) -> Result<()> {
    let names = [
        ("of", of.to_owned()),
        ("bytes", bytes.to_string()),
        ("era", call.era.as_str().to_owned()),
    ];
    let case = Case::new("growth", names);
    let ours = ours(Limits::Default)?;
    let contenders = contenders(bench, &case, &ours, call, CONNECTIONS_OF_SIZES, &[]).await?;
    let window = bench.scale.window();
    rounds(bench, &case, &contenders, window / 2, bench.scale.rounds()).await?;
    stop(contenders).await
}
