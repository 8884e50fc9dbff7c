//! One change is told to thousands of streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Bench;
use super::contest::Case;
use crate::batches::in_batches;
use crate::mcp::{self, Call, Era, Framing};
use crate::measure::cpu;
use crate::sessions;
use crate::subject::{Limits, Subject, ours};
use crate::wire::Wire;

/// How long a change may take to everybody.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a server has after the last stream was told, for what is left to do.
const REST: Duration = Duration::from_millis(50);

/// What only an event of the baseline ends in, and what only a change's has.
const TOLD: &[u8] = b"xxx\n\n";
const CHANGED: &[u8] = b"tools/list_changed";

/// Many streams to one server.
struct Audience {
    subject: Subject,
    /// What makes the server tell them all.
    trigger: Vec<u8>,
    trigger_wire: Wire,
    told: Arc<AtomicUsize>,
    all_told: Arc<Notify>,
    readers: JoinSet<Result<()>>,
}

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let streams = bench.scale.of(64, 2048, 8192);
    let announce = Call { tool: "announce", ..Call::small(Era::Modern, Framing::Adaptive) };
    let announce = announce.request(None);
    let legacy = Subject::start(&ours(Limits::Many)?).await?;
    let baseline = bench.baseline("http1", &legacy, &announce).await?;
    let gets = sessions::open(&legacy, streams).await?;
    let gets = gets.iter().map(|session| mcp::get(session.as_deref())).collect();
    let modern = Subject::start(&ours(Limits::Many)?).await?;
    let mut audiences = [
        (
            "baseline",
            Audience::gather(baseline, vec![mcp::get(None); streams], mcp::trigger(), TOLD).await?,
        ),
        ("legacy", Audience::gather(legacy, gets, announce.clone(), CHANGED).await?),
    ];
    turns(bench, streams, &mut audiences).await?;
    // Two servers with all their streams are what one process has descriptors for.
    let [baseline, (_, legacy)] = audiences;
    legacy.subject.stop().await?;
    drop(legacy.readers);
    let listens = vec![mcp::listen(); streams];
    let modern = ("modern", Audience::gather(modern, listens, announce, CHANGED).await?);
    let mut audiences = [baseline, modern];
    turns(bench, streams, &mut audiences).await?;
    for (_, audience) in audiences {
        audience.subject.stop().await?;
    }
    Ok(())
}

async fn turns(
    bench: &mut Bench,
    streams: usize,
    audiences: &mut [(&str, Audience); 2],
) -> Result<()> {
    let against = audiences[1].0;
    for round in 0..bench.scale.of(2, 5, 15) {
        for (kind, audience) in &mut *audiences {
            let (cost, took) = audience.tell(streams).await?;
            let names = [
                ("streams", streams.to_string()),
                ("kind", (*kind).to_owned()),
                ("against", against.to_owned()),
            ];
            let figures = [
                ("cpu_us_per_stream", cost.as_secs_f64() * 1e6 / streams as f64),
                ("ms_to_the_last", took.as_secs_f64() * 1e3),
            ];
            let case = Case::new("fan-out", names);
            bench.output.record(case.record(&audience.subject.name, round, figures))?;
        }
    }
    Ok(())
}

impl Audience {
    async fn gather(
        subject: Subject,
        requests: Vec<Vec<u8>>,
        trigger: Vec<u8>,
        needle: &'static [u8],
    ) -> Result<Self> {
        let (told, all_told) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (addr, streams) = (subject.addr, requests.len());
        let mut requests = requests.into_iter();
        let wires = in_batches(streams, |_| {
            let request = requests.next();
            async move {
                let mut wire = Wire::connect(addr).await?;
                wire.open(&request.context("one for each")?).await?;
                Ok(wire)
            }
        });
        let mut readers = JoinSet::new();
        for mut wire in wires.await? {
            let (told, all_told) = (Arc::clone(&told), Arc::clone(&all_told));
            readers.spawn(async move {
                loop {
                    wire.wait_for(needle).await?;
                    if (told.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(streams) {
                        all_told.notify_one();
                    }
                }
            });
        }
        let trigger_wire = Wire::connect(subject.addr).await?;
        Ok(Self { subject, trigger, trigger_wire, told, all_told, readers })
    }

    /// Tells all of them once: what it cost the server, and when the last had it.
    async fn tell(&mut self, streams: usize) -> Result<(Duration, Duration)> {
        let before = self.told.load(Ordering::Relaxed);
        let (cpu_before, began) = (cpu(self.subject.pid())?, Instant::now());
        self.trigger_wire.exchange(&self.trigger).await?;
        timeout(PATIENCE, self.all_told.notified()).await?;
        let took = began.elapsed();
        sleep(REST).await;
        let cost = cpu(self.subject.pid())? - cpu_before;
        let told = self.told.load(Ordering::Relaxed) - before;
        ensure!(told == streams, "{told} of {streams} streams were told, or some twice");
        Ok((cost, took))
    }
}
