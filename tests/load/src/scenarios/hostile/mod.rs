//! Peers that are slow or mean harm, and others that do not: what the server holds stays within its
//! budget, the others are served, and what the attack took is given back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::attack::{Attack, Kind};
use self::behaved::{Behaved, Served};
use crate::report::Run;
use crate::subject::{Heap, Subject};
use crate::wire::Wire;

mod attack;
mod behaved;
mod streams;

const MIB: u64 = 1024 * 1024;

/// What the server may hold of messages.
const BUDGET: u64 = 64 * MIB;

/// What hyper may hold for a connection or, over HTTP/2, for a stream.
const WRITE_BUFFER: u64 = 32 * 1024;

/// More than a connection's reading side, its task and hyper's state take; and than a session
/// takes, or the task of a call and what it is asked for.
const READ_BUFFER: u64 = 32 * 1024;
const TASK: u64 = 4 * 1024;

/// Deadlines that an attack meets within its time.
const KNOBS: &[&str] = &[
    "--max-held-bytes",
    "67108864",
    "--idle",
    "8",
    "--first-byte",
    "3000",
    "--head-timeout",
    "3000",
    "--body-timeout",
    "3000",
    "--write-stall",
    "5000",
    "--reader-stall",
    "5000",
    "--retention",
    "5000",
    "--max-connections",
    "18000",
    // All come from one address here.
    "--max-per-address",
    "10000",
];

/// How long the well-behaved are served without an attack, and during one.
const PEACE: Duration = Duration::from_secs(5);

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let (readers, war) = run.scale.of((500, 20), (5_000, 60));
    let mut subject = Subject::start(KNOBS).await?;
    let behaved = Behaved::begin(&subject.target()).await?;
    tokio::time::sleep(PEACE).await;
    let peace = behaved.so_far();
    let before = subject.heap().await?;
    run.say(format!("without an attack: {peace}"));

    let attack = Arc::new(Attack::new(subject.target()));
    let mut attackers = JoinSet::new();
    for (kind, count) in shares(readers) {
        for number in 0..count {
            attackers.spawn(Arc::clone(&attack).run(kind, number));
        }
        run.say(format!("{count} attackers: {}", kind.about()));
    }
    let moments = watch(&subject, Duration::from_secs(war)).await?;
    let during = behaved.so_far();
    attack.end();
    while let Some(attacker) = attackers.join_next().await {
        attacker?;
    }
    let fought = attack.summary();
    let served = behaved.end().await;
    subject.expect_health()?;
    the_behaved_are_served(run, &peace, &during, &served);
    the_budget_holds(run, &moments, before, &fought);
    all_comes_back(run, &subject, before).await?;
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// So many readers that stop reading, over HTTP/1 and over HTTP/2 each, and others with them.
fn shares(readers: usize) -> [(Kind, usize); 7] {
    [
        (Kind::DeafStream, readers * 2 / 3),
        (Kind::DeafAnswer, readers / 3),
        (Kind::DeafHttp2, readers / streams::STREAMS),
        (Kind::SlowHead, readers / 5),
        (Kind::SlowBody, readers / 5),
        (Kind::HalfOpen, readers / 5),
        (Kind::Initialize, 16),
    ]
}

/// The server at one moment of the attack.
#[derive(Clone, Debug)]
struct Moment {
    heap: Heap,
    held: u64,
    sessions: u64,
    connections: u64,
    streams: u64,
    stats: Value,
}

impl Moment {
    async fn of(control: &mut Control) -> Result<Self> {
        let stats = control.ask("stats").await?;
        let heap = serde_json::from_value(control.ask("heap").await?)?;
        let of = |name: &str| stats[name].as_u64().with_context(|| format!("{name} in {stats}"));
        let streams = stats["streams"].as_object().context("streams by kind")?;
        let streams = streams.values().filter_map(|kind| kind["open"].as_u64()).sum();
        Ok(Self {
            heap,
            held: of("bytes_held")?,
            sessions: of("sessions")?,
            connections: of("connections")?,
            streams,
            stats,
        })
    }

    /// The bytes of write buffers, were all of them full: a connection's, or a stream's of HTTP/2.
    fn buffers(&self) -> u64 {
        WRITE_BUFFER * (self.connections + self.streams)
    }

    /// What is no message: sessions, tasks, the reading side of a connection.
    fn fixed(&self) -> u64 {
        READ_BUFFER * self.connections + TASK * (self.sessions + self.streams)
    }
}

/// A connection that stays: a new one might have to wait behind those of the attack, in the
/// system's backlog.
struct Control {
    wire: Wire,
}

impl Control {
    async fn ask(&mut self, what: &str) -> Result<Value> {
        let request = format!("GET /control/{what} HTTP/1.1\r\nHost: control\r\n\r\n");
        let head = self.wire.send(request.as_bytes()).await?;
        ensure!(head.status == 200, "/control/{what}: {head:?}");
        Ok(serde_json::from_slice(&self.wire.rest().await?)?)
    }
}

/// Looks at the server again and again.
async fn watch(subject: &Subject, time: Duration) -> Result<Vec<Moment>> {
    let mut control = Control { wire: subject.target().connect().await? };
    let (mut moments, end) = (Vec::new(), Instant::now() + time);
    while Instant::now() < end {
        moments.push(Moment::of(&mut control).await?);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(moments)
}

fn the_behaved_are_served(run: &mut Run, peace: &Served, during: &Served, all: &Served) {
    let war = during.since(peace);
    run.say(format!("during the attack: {war}"));
    run.check(
        "every well-behaved call completes",
        all.errors.is_empty() && war.calls > 0,
        format!(
            "p50 {:.1} and p99 {:.1} ms without the attack, {:.1} and {:.1} ms with it; {} calls, \
             {} of them put off by 503, {} messages dropped{}",
            peace.quantile(0.5),
            peace.quantile(0.99),
            war.quantile(0.5),
            war.quantile(0.99),
            all.calls,
            all.put_off,
            all.dropped,
            by_kind(&all.errors),
        ),
    );
}

/// How many failed, and how: of each kind the first.
fn by_kind(errors: &[String]) -> String {
    let mut kinds = BTreeMap::<String, (usize, &str)>::new();
    for error in errors {
        let kind = error.chars().filter(|char| !char.is_ascii_digit()).take(60).collect();
        kinds.entry(kind).or_insert((0, error)).0 += 1;
    }
    let kinds = kinds.values().map(|(count, first)| format!("; {count} failed: {first:.300}"));
    kinds.collect()
}

fn the_budget_holds(run: &mut Run, moments: &[Moment], before: Heap, fought: &str) {
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    let last = moments.last().map(|moment| &moment.stats);
    run.say(format!("the attack: {fought}"));
    run.say(format!("the server at its end: {}", last.unwrap_or(&Value::Null)));
    let held = moments.iter().map(|moment| moment.held).max().unwrap_or_default();
    run.check(
        "what is held of messages stays within the budget, which the attack fills",
        held <= BUDGET && held > BUDGET / 2,
        format!("{:.1} of {:.1} MiB, at {} moments", mib(held), mib(BUDGET), moments.len()),
    );
    let promised = |moment: &Moment| before.live + BUDGET + moment.buffers() + moment.fixed();
    let resident = moments.iter().map(|moment| moment.heap.resident).max().unwrap_or_default();
    let Some(most) = moments.iter().max_by_key(|it| it.heap.live) else {
        return run.check("the server is looked at", false, "never");
    };
    run.check(
        "live memory stays within the budget, the buffers of connections, and their tasks",
        moments.iter().all(|it| it.heap.live <= promised(it)),
        format!(
            "{:.1} MiB live with {:.1} MiB of messages; budget {:.1} MiB + 32 KiB for each of {} \
             connections and {} streams = {:.1} MiB; with 32 KiB for the rest of a connection, 4 \
             KiB for each stream and for each of {} sessions, and {:.1} MiB before: {:.1} MiB; \
             {:.1} MiB resident at most",
            mib(most.heap.live),
            mib(most.held),
            mib(BUDGET),
            most.connections,
            most.streams,
            mib(BUDGET + most.buffers()),
            most.sessions,
            mib(before.live),
            mib(promised(most)),
            mib(resident),
        ),
    );
}

async fn all_comes_back(run: &mut Run, subject: &Subject, before: Heap) -> Result<()> {
    let (begun, limit) = (Instant::now(), Duration::from_secs(60));
    let mut left = None;
    for (name, value) in
        [("connections", 1), ("calls_in_flight", 0), ("sessions", 0), ("bytes_held", 0)]
    {
        if let Err(error) = subject.wait_stat(name, value, limit).await {
            left = Some(error);
        }
    }
    let heap = subject.settled_heap().await?;
    run.check(
        "all comes back",
        left.is_none() && heap.live <= before.live + 8 * MIB,
        format!(
            "{:.1} MiB live (before the attack {:.1}), {:.1} MiB resident, after {:.1} s{}",
            heap.live as f64 / MIB as f64,
            before.live as f64 / MIB as f64,
            heap.resident as f64 / MIB as f64,
            begun.elapsed().as_secs_f64(),
            left.map(|left| format!("; {left:#}")).unwrap_or_default()
        ),
    );
    Ok(())
}
