//! The closed loop: each connection sends its next request when the last was answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::measure::{cpu, stolen};
use crate::subject::Subject;
use crate::wire::Wire;

/// How long the connections may take to end after the time of measuring.
const END: Duration = Duration::from_secs(30);

/// The longest latency that is told apart, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// How long a load runs before it is measured, and how long while it is.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub warm: Duration,
    pub measured: Duration,
}

impl std::ops::Div<u32> for Window {
    type Output = Self;

    fn div(self, by: u32) -> Self {
        Self { warm: self.warm / by, measured: self.measured / by }
    }
}

/// What one connection sends, in turns.
pub type Lane = Vec<Vec<u8>>;

/// What a server did in the time of measuring.
#[derive(Debug)]
pub struct Measured {
    pub calls: u64,
    pub cpu: Duration,
    pub elapsed: Duration,
    /// For so long the machine had not all of its processors.
    pub stolen: Duration,
    /// In nanoseconds.
    pub latencies: Histogram<u64>,
}

/// What those who call share with the one who measures.
pub struct Tally {
    over: AtomicBool,
    counting: AtomicBool,
    calls: AtomicU64,
    latencies: Mutex<Histogram<u64>>,
}

impl Tally {
    pub fn new() -> Arc<Self> {
        let latencies = Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are valid");
        Arc::new(Self {
            over: AtomicBool::new(false),
            counting: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            latencies: Mutex::new(latencies),
        })
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// A call that began then has been answered.
    pub fn answered(&self, began: Instant) {
        if !self.counting.load(Ordering::Relaxed) {
            return;
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.latencies
            .lock()
            .expect("nothing panics while it is held")
            .saturating_record(nanoseconds);
    }
}

/// Drives a server by these lanes, each on a connection of its own.
pub async fn closed(subject: &Subject, lanes: &[Arc<Lane>], window: Window) -> Result<Measured> {
    let tally = Tally::new();
    let mut wires = Vec::with_capacity(lanes.len());
    for _ in lanes {
        wires.push(Wire::connect(subject.addr).await?);
    }
    let mut workers = JoinSet::new();
    for (wire, lane) in wires.into_iter().zip(lanes) {
        workers.spawn(drive(wire, Arc::clone(lane), Arc::clone(&tally)));
    }
    measured(subject, &tally, workers, window).await
}

async fn drive(mut wire: Wire, lane: Arc<Lane>, tally: Arc<Tally>) -> Result<()> {
    for request in lane.iter().cycle() {
        if tally.is_over() {
            break;
        }
        let began = Instant::now();
        wire.call(request).await?;
        tally.answered(began);
    }
    Ok(())
}

/// Lets workers run through a window, and measures what the server did in it.
pub async fn measured(
    subject: &Subject,
    tally: &Tally,
    mut workers: JoinSet<Result<()>>,
    window: Window,
) -> Result<Measured> {
    sleep(window.warm).await;
    let stolen_before = stolen()?;
    let (cpu_before, began) = (cpu(subject.pid())?, Instant::now());
    tally.counting.store(true, Ordering::Relaxed);
    sleep(window.measured).await;
    // A server that is slow, or a machine that is busy, has some time more to answer at all.
    while tally.calls.load(Ordering::Relaxed) == 0 && began.elapsed() < END {
        sleep(window.measured).await;
    }
    tally.counting.store(false, Ordering::Relaxed);
    let (cpu_after, elapsed) = (cpu(subject.pid())?, began.elapsed());
    let stolen = stolen()? - stolen_before;
    tally.over.store(true, Ordering::Relaxed);
    let all = async {
        while let Some(worker) = workers.join_next().await {
            worker??;
        }
        anyhow::Ok(())
    };
    timeout(END, all).await.with_context(|| format!("{} leaves calls open", subject.name))??;
    let calls = tally.calls.load(Ordering::Relaxed);
    ensure!(calls > 0, "{} answers nothing", subject.name);
    Ok(Measured {
        calls,
        cpu: cpu_after - cpu_before,
        elapsed,
        stolen,
        latencies: tally.latencies.lock().expect("nothing panics while it is held").clone(),
    })
}
