//! Servers that are measured in turns, so that whatever else the machine does meets all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::{Bench, check};
use crate::load::{Lane, Measured, Window, closed};
use crate::mcp::{Call, Era, Framing};
use crate::records::Record;
use crate::sessions;
use crate::subject::{Recipe, Subject};

/// Where the latencies of Nagle's algorithm against delayed acknowledgements lie, in nanoseconds.
const NAGLE: std::ops::RangeInclusive<u64> = 35_000_000..=50_000_000;

/// The bands beside it, each half as wide. A machine that stands still for a while fills these as
/// well.
const BESIDE: [std::ops::RangeInclusive<u64>; 2] =
    [27_500_000..=34_999_999, 50_000_001..=57_500_000];

/// A machine that is a guest stands still at times, which is no server's doing: such a measurement
/// is made again, so many times at most.
pub const ATTEMPTS: usize = 8;

/// What passes as not standing still: it is counted in steps of this.
pub const STEP: Duration = Duration::from_millis(10);

/// A server and what is sent to it.
pub struct Contender {
    pub subject: Subject,
    pub lanes: Vec<Arc<Lane>>,
    pub answers: Answers,
}

/// In which framing a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Json,
    Sse,
}

impl Contender {
    /// A session for each connection, as clients have.
    pub async fn new(subject: Subject, call: &Call, connections: usize) -> Result<Self> {
        let sessions = match call.era {
            Era::Legacy => sessions::open(&subject, connections).await?,
            Era::Modern => vec![None; connections],
        };
        let kind = check(&subject, call, sessions[0].as_deref()).await?;
        let answers =
            if kind.starts_with("text/event-stream") { Answers::Sse } else { Answers::Json };
        let lanes = sessions.iter().map(|session| Arc::new(vec![call.request(session.as_deref())]));
        Ok(Self { subject, lanes: lanes.collect(), answers })
    }
}

/// What tells a case apart, and in which scenario.
#[derive(Clone, Debug)]
pub struct Case {
    pub scenario: &'static str,
    pub names: BTreeMap<String, String>,
}

impl Case {
    pub fn new<const N: usize>(scenario: &'static str, names: [(&str, String); N]) -> Self {
        let names = names.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { scenario, names: names.collect() }
    }

    pub fn record<const N: usize>(
        &self,
        subject: &str,
        round: usize,
        figures: [(&str, f64); N],
    ) -> Record {
        Record {
            scenario: self.scenario.to_owned(),
            case: self.names.clone(),
            subject: subject.to_owned(),
            round,
            figures: figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    /// What a load has measured.
    pub fn calls(&self, subject: &str, round: usize, measured: &Measured) -> Record {
        let Measured { calls, cpu, elapsed, stolen, latencies } = measured;
        let (cpu, elapsed, calls) = (cpu.as_secs_f64(), elapsed.as_secs_f64(), *calls as f64);
        let quantile = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
        let between = |band: &std::ops::RangeInclusive<u64>| {
            latencies.count_between(*band.start(), *band.end()) as f64
        };
        let figures = [
            ("cpu_us_per_call", cpu * 1e6 / calls),
            ("calls_per_s", calls / elapsed),
            ("calls", calls),
            ("utilisation", cpu / elapsed),
            ("stolen_ms", stolen.as_secs_f64() * 1e3),
            ("p50_us", quantile(0.5)),
            ("p99_us", quantile(0.99)),
            ("p999_us", quantile(0.999)),
            ("max_us", latencies.max() as f64 / 1e3),
            ("calls_of_35_to_50_ms", between(&NAGLE)),
            ("calls_beside_35_to_50_ms", BESIDE.iter().map(between).sum()),
        ];
        self.record(subject, round, figures)
    }
}

/// Starts the crate's server, the baseline and, where they are wanted, the peers.
pub async fn contenders(
    bench: &mut Bench,
    case: &Case,
    ours: &Recipe,
    call: &Call,
    connections: usize,
    peers: &[Recipe],
) -> Result<Vec<Contender>> {
    let ours = Contender::new(Subject::start(ours).await?, call, connections).await?;
    let baseline = bench.baseline("http1", &ours.subject, &ours.lanes[0][0]).await?;
    // The same bytes go to it, session and all.
    let baseline =
        Contender { subject: baseline, lanes: ours.lanes.clone(), answers: ours.answers };
    let mut contenders = vec![baseline, ours];
    for peer in peers {
        match contender(peer, call, connections).await {
            Ok(contender) => contenders.push(contender),
            Err(error) => bench.output.failure(case.scenario, &peer.name, &error)?,
        }
    }
    Ok(contenders)
}

async fn contender(peer: &Recipe, call: &Call, connections: usize) -> Result<Contender> {
    let peer = Subject::start(&peer.answering(call.framing)).await?;
    // Their framing is a setting; most refuse a client that does not accept both.
    let call = Call { framing: Framing::Adaptive, ..call.clone() };
    Contender::new(peer, &call, connections).await
}

/// Measures all of them in turns, in the closed loop. The peers, whose figures no bar is near to,
/// have as many rounds as the scale has, whatever the others have.
pub async fn rounds(
    bench: &mut Bench,
    case: &Case,
    contenders: &[Contender],
    window: Window,
    rounds: usize,
) -> Result<()> {
    for round in 0..rounds {
        for contender in contenders {
            let subject = &contender.subject;
            if is_peer(subject) && round >= bench.scale.rounds() {
                continue;
            }
            match closed(subject, &contender.lanes, window).await {
                Ok(measured) => {
                    let mut record = case.calls(&subject.name, round, &measured);
                    let sse = f64::from(u8::from(contender.answers == Answers::Sse));
                    record.figures.insert("answers_as_sse".to_owned(), sse);
                    bench.output.record(record)?;
                }
                Err(error) if is_peer(subject) => {
                    bench.output.failure(case.scenario, &subject.name, &error)?;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// A peer that fails is told; a server of this package that does ends the run.
pub fn is_peer(subject: &Subject) -> bool {
    ![crate::subject::OURS, crate::subject::HYPER].contains(&subject.name.as_str())
}

pub async fn stop(contenders: Vec<Contender>) -> Result<()> {
    for contender in contenders {
        contender.subject.stop().await?;
    }
    Ok(())
}
