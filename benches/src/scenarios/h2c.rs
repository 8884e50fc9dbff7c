//! `tools/call` over HTTP/2 without TLS, one stream on each of many connections and many streams on
//! one.

use anyhow::Result;

use super::Bench;
use super::contest::Case;
use crate::h2_load::closed;
use crate::mcp::{Call, Era, Framing};
use crate::sessions;
use crate::subject::{Limits, Subject, ours};

const STREAMS: usize = 50;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    for era in Era::BOTH {
        for connections in [1, STREAMS] {
            compare(bench, &Call::small(era, Framing::Adaptive), connections).await?;
        }
    }
    Ok(())
}

async fn compare(bench: &mut Bench, call: &Call, connections: usize) -> Result<()> {
    let case = Case::new(
        "h2c",
        [
            ("era", call.era.as_str().to_owned()),
            ("connections", connections.to_string()),
            ("streams", (STREAMS / connections).to_string()),
        ],
    );
    let ours = Subject::start(&ours(Limits::Default)?).await?;
    let sessions = match call.era {
        Era::Legacy => sessions::open(&ours, STREAMS).await?,
        Era::Modern => vec![None; STREAMS],
    };
    // What it answers over HTTP/1.1 is what it answers here.
    let request = call.request(sessions[0].as_deref());
    let baseline = bench.baseline("http2", &ours, &request).await?;
    let sessions: Vec<_> = sessions.chunks(STREAMS / connections).map(<[_]>::to_vec).collect();
    let window = bench.scale.window();
    for round in 0..bench.scale.rounds() {
        for subject in [&baseline, &ours] {
            let measured = closed(subject, call, &sessions, window).await?;
            bench.output.record(case.calls(&subject.name, round, &measured))?;
        }
    }
    baseline.stop().await?;
    ours.stop().await
}
