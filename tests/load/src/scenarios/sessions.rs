//! Sessions come, call, hold a stream and go, in rounds: none fails, and what they held is given
//! back each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tokio::process::Command;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::client::{Revision, Session, Target};
use crate::report::Run;
use crate::subject::{Heap, Subject};
use crate::wire::Wire;

const ROUNDS: usize = 5;

/// How many open or end their sessions at once: a ramp, and fewer than a backlog holds.
const AT_ONCE: usize = 128;

/// How long a session waits between two calls.
const PACE: Duration = Duration::from_secs(2);

/// How many calls a session makes at most, however long a busy machine takes for the others to
/// come. The buffer that a connection reads into is twice as large until some 16 requests have gone
/// through it, and what is resident is what was held at most: rounds are alike only while no
/// connection comes that far.
const CALLS: usize = 8;

/// How long all sessions stay after the last has come.
const HOLD: Duration = Duration::from_secs(4);

/// What makes resident memory comparable: glibc keeps what was freed for later, and the buffers of
/// connections, which are touched only here and there, are handed out in another order each round,
/// so that resident memory creeps up to what was once allocated, whatever the server does. Here
/// each byte is touched when it is allocated, there is one heap to allocate from, and what is large
/// is mapped apart from it each time, not only the first (mallopt(3), M_MMAP_THRESHOLD).
const EVERY_PAGE_TOUCHED: [(&str, &str); 3] =
    [("MALLOC_PERTURB_", "165"), ("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "131072")];

/// How long a session may be idle. It sets how often the server sweeps: four times in that time.
/// It must be longer than a machine that is busy takes from a session's first request to its stream.
const IDLE: Duration = Duration::from_secs(60);

/// What a server remembers of sessions that ended is bounded; what is compared is full.
const REMEMBERED: usize = 4_096;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let sessions = run.scale.of(1_024, 8_192);
    // All of them come from one address.
    let idle = IDLE.as_secs().to_string();
    let limits = ["--max-connections", "20000", "--max-per-address", "10000"];
    let mut subject = start_touched(&[&["--idle", &idle], &limits[..]].concat()).await?;
    let empty = subject.settled_heap().await?;
    fill_memory_of_ended(&subject.target()).await?;
    run.say(format!(
        "empty {}, with {REMEMBERED} ended {}",
        show(empty),
        show(subject.heap().await?)
    ));

    let mut rests = Vec::new();
    for number in 1..=ROUNDS {
        let round = round(&subject, sessions).await?;
        // A sweep gives back what is not needed any more.
        tokio::time::sleep(IDLE / 4 + Duration::from_secs(1)).await;
        let heap = subject.settled_heap().await?;
        rests.push(heap);
        let error = round.errors.first().map(|error| format!(": {error:#}")).unwrap_or_default();
        run.check(
            &format!("round {number}: no session fails"),
            round.errors.is_empty() && round.open == sessions as u64,
            format!(
                "{} of {sessions} open at once, {} calls, {} failures{error}; {} open, {} after; \
                 {:.0} B of heap a session",
                round.open,
                round.calls,
                round.errors.len(),
                show(round.full),
                show(heap),
                (round.full.live - heap.live.min(round.full.live)) as f64 / sessions as f64,
            ),
        );
        subject.expect_health()?;
    }
    let lives: Vec<_> = rests.iter().map(|heap| heap.live).collect();
    let first = rests[0];
    run.check(
        "live heap comes back",
        lives.iter().all(|live| within_5_percent(*live, first.live)),
        format!("{lives:?} bytes after each round"),
    );
    let residents: Vec<_> = rests.iter().map(|heap| heap.resident).collect();
    run.check(
        "resident memory does not grow",
        residents[ROUNDS - 1] as f64 <= residents[0] as f64 * 1.05,
        format!("{residents:?} bytes after each round"),
    );
    run.say(format!("without what the allocator keeps: {}", show(subject.trimmed_heap().await?)));
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// Starts a server whose resident memory can be compared.
pub(super) async fn start_touched(knobs: &[&str]) -> Result<Subject> {
    let mut command = Command::new(Subject::path()?);
    Subject::start_with(command.args(knobs).envs(EVERY_PAGE_TOUCHED)).await
}

pub(super) fn within_5_percent(value: u64, of: u64) -> bool {
    value.abs_diff(of) as f64 <= of as f64 * 0.05
}

pub(super) fn show(heap: Heap) -> String {
    let mib = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    format!(
        "{:.2} MiB live in {} blocks, {:.1} MiB resident",
        mib(heap.live),
        heap.blocks,
        mib(heap.resident)
    )
}

async fn fill_memory_of_ended(target: &Target) -> Result<()> {
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let target = target.clone();
        workers.spawn(async move {
            let mut wire = target.connect().await?;
            for _ in 0..REMEMBERED / 4 {
                let session = Session::begin(&target, &mut wire, Revision::V2025_11_25).await?;
                session.end(&mut wire).await?;
            }
            anyhow::Ok(wire.close().await?)
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

/// What all sessions of a round share.
struct Shared {
    target: Target,
    gate: Semaphore,
    open: AtomicU64,
    calls: AtomicU64,
    failures: AtomicUsize,
    closing: watch::Receiver<bool>,
}

struct Round {
    open: u64,
    calls: u64,
    full: Heap,
    errors: Vec<anyhow::Error>,
}

async fn round(subject: &Subject, sessions: usize) -> Result<Round> {
    let (close, closing) = watch::channel(false);
    let shared = Arc::new(Shared {
        target: subject.target(),
        gate: Semaphore::new(AT_ONCE),
        open: AtomicU64::new(0),
        calls: AtomicU64::new(0),
        failures: AtomicUsize::new(0),
        closing,
    });
    let mut tasks = JoinSet::new();
    for number in 0..sessions {
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            let done = session(&shared, number).await;
            shared.failures.fetch_add(usize::from(done.is_err()), Ordering::Relaxed);
            done.with_context(|| format!("session {number}"))
        });
    }
    let all_came = || {
        let open = shared.open.load(Ordering::Relaxed) as usize;
        open + shared.failures.load(Ordering::Relaxed) >= sessions
    };
    while !all_came() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(HOLD).await;
    let open = subject.stats().await?["sessions"].as_u64().context("a count of sessions")?;
    let full = subject.heap().await?;
    close.send_replace(true);
    let mut errors = Vec::new();
    while let Some(done) = tasks.join_next().await {
        errors.extend(done?.err());
    }
    subject.wait_stat("sessions", 0, Duration::from_secs(20)).await?;
    Ok(Round { open, calls: shared.calls.load(Ordering::Relaxed), full, errors })
}

async fn session(shared: &Shared, number: usize) -> Result<()> {
    let target = &shared.target;
    let opening = shared.gate.acquire().await?;
    let mut wire = target.connect().await?;
    let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
    let session = Session::open(target, &mut wire, revision).await?;
    let mut stream = target.connect().await?;
    session.listen(&mut stream).await?;
    if revision.has_priming() {
        let primed = stream.event().await?.context("a stream that ended at once")?;
        ensure!(
            primed.message()?.is_none() && primed.id.is_some(),
            "{primed:?} as the first event"
        );
    }
    drop(opening);
    shared.open.fetch_add(1, Ordering::Relaxed);

    call_until_closing(shared, number, &session, &mut wire, &mut stream).await?;

    let _ending = shared.gate.acquire().await?;
    session.end(&mut wire).await?;
    if let Some(event) = stream.event().await? {
        bail!("the stream said {event:?} at its end");
    }
    stream.close().await?;
    wire.close().await?;
    Ok(())
}

async fn call_until_closing(
    shared: &Shared,
    number: usize,
    session: &Session,
    wire: &mut Wire,
    stream: &mut Wire,
) -> Result<()> {
    let mut closing = shared.closing.clone();
    let mut pace = tokio::time::interval(PACE);
    let mut call = 0;
    loop {
        tokio::select! {
            _ = pace.tick(), if call < CALLS => {}
            over = closing.wait_for(|closing| *closing) => {
                over?;
                break;
            }
            event = stream.event() => bail!("while it was held, the stream said {event:?}"),
        }
        let text = format!("{number}/{call}");
        let answer = session.call(wire, 1, "echo", json!({"text": text})).await?;
        ensure!(answer.text()? == text, "{text} was answered with {answer:?}");
        shared.calls.fetch_add(1, Ordering::Relaxed);
        call += 1;
    }
    Ok(())
}
