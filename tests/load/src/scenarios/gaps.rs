//! Logs that are too small for what their clients miss: each is told so, in place of its answer,
//! and is never given a part. What had no room is told as well, and lost progress is no loss.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Answer, Revision, Session, Target, call, call_with_progress};
use crate::proxy::{Cut, Proxy, Way};
use crate::random::Random;
use crate::report::Run;
use crate::sse::Event;
use crate::subject::Subject;
use crate::wire::{Wire, WireError};

/// The logs, and what a call says.
const KNOBS: &[&str] = &["--log-messages", "16", "--log-bytes", "65536"];
const FILLER: usize = 200;

/// More of its messages than a log holds are longer than this.
const MORE_THAN_A_LOG: u64 = 40 * 512;

/// A response's head and an event with an id are shorter.
const FIRST: u64 = 1_000;

const WAYS: [Way; 2] = [Way::Fin, Way::Reset];

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let clients = run.scale.of(60, 600);
    let seed = Random::seed();
    run.say(format!("MCP_LOAD_SEED={seed}"));
    let mut random = Random::new(seed);
    let subject = Subject::start(KNOBS).await?;
    evicted(run, &subject, clients, When::AtOnce, &mut random).await?;
    evicted(run, &subject, clients, When::Done, &mut random).await?;
    retired(run, clients, &mut random).await?;
    sometimes(run, &subject, clients, &mut random).await?;
    markers(run, &subject).await?;
    progress(run, &subject, clients, &mut random).await?;
    subject.wait_stat("bytes_held", 0, Duration::from_secs(20)).await?;
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// When the clients come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// While the call still speaks.
    AtOnce,
    /// After its answer.
    Done,
}

/// A client that was cut off after it had lost more than its log holds.
struct Lost {
    wire: Wire,
    session: Session,
    number: usize,
    last_event_id: String,
}

/// Has many clients lose more than a log holds, and come back.
async fn evicted(
    run: &mut Run,
    subject: &Subject,
    clients: usize,
    when: When,
    random: &mut Random,
) -> Result<()> {
    let count = if when == When::Done { 200 } else { 3_000 };
    let lost = lose(&subject.target(), clients, count, random).await?;
    if when == When::Done {
        subject.wait_stat("calls_in_flight", 0, Duration::from_secs(60)).await?;
    }
    let (told, error) = come_back(lost).await?;
    let what = match when {
        When::AtOnce => "while a call speaks, every gap is told",
        When::Done => "after a call's answer, every gap is told",
    };
    run.check(what, told == clients, format!("{told} of {clients}{error}"));
    Ok(())
}

/// The same, of streams that are gone with their time.
async fn retired(run: &mut Run, clients: usize, random: &mut Random) -> Result<()> {
    let knobs = [KNOBS, &["--retention", "100", "--idle", "8"]].concat();
    let subject = Subject::start(&knobs).await?;
    let lost = lose(&subject.target(), clients, 200, random).await?;
    // A session that is listened to is not idle.
    let mut parked = Vec::new();
    for client in &lost {
        let mut wire = subject.target().connect().await?;
        client.session.listen(&mut wire).await?;
        parked.push(wire);
    }
    subject.wait_stat("log_bytes", 0, Duration::from_secs(60)).await?;
    let (told, error) = come_back(lost).await?;
    run.check(
        "of a stream that is gone, every gap is told",
        told == clients,
        format!("{told} of {clients}{error}"),
    );
    drop(parked);
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

async fn lose(
    target: &Target,
    clients: usize,
    count: u64,
    random: &mut Random,
) -> Result<Vec<Lost>> {
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
        let pass = random.between(FIRST, 20_000);
        let cut = Cut::Swallow { pass, swallow: MORE_THAN_A_LOG, way: WAYS[number / 3 % 2] };
        let target = target.clone();
        tasks.spawn(async move {
            let lost = lose_one(&target, revision, cut, number, count).await;
            lost.with_context(|| format!("client {number}, {revision}, {cut:?}"))
        });
    }
    let mut lost = Vec::new();
    while let Some(client) = tasks.join_next().await {
        lost.push(client??);
    }
    Ok(lost)
}

async fn lose_one(
    target: &Target,
    revision: Revision,
    cut: Cut,
    number: usize,
    count: u64,
) -> Result<Lost> {
    let mut wire = target.connect().await?;
    let session = Session::open(target, &mut wire, revision).await?;
    session.set_level(&mut wire, "info").await?;
    let proxy = Proxy::start(target, [cut]).await?;
    let mut seen = Seen::default();
    let body = burst(number, count, 500);
    let ended = seen.receive(&proxy.target(), &session.post(&body)).await?;
    ensure!(ended == Ended::Cut, "{ended:?} where it was to be cut");
    let last_event_id = seen.last_event_id.context("cut before there was an id")?;
    Ok(Lost { wire, session, number, last_event_id })
}

/// At a thousand a second at most: its client reads as fast.
fn burst(id: usize, count: u64, every_us: u64) -> String {
    call(id, "burst", json!({"count": count, "bytes": FILLER, "every_us": every_us}))
}

/// Asks twice, and counts those that are told twice.
async fn come_back(lost: Vec<Lost>) -> Result<(usize, String)> {
    let (mut told, mut error) = (0, None);
    for mut client in lost {
        let both = async {
            for _ in 0..2 {
                let resume = client.session.resume(&client.last_event_id);
                let answer = Answer::to(&mut client.wire, &resume).await?;
                expect_gap(&answer, client.number)?;
            }
            client.session.end(&mut client.wire).await
        };
        match both.await {
            Ok(()) => told += 1,
            Err(failed) => error = Some(failed),
        }
    }
    Ok((told, error.map(|error| format!(": {error:#}")).unwrap_or_default()))
}

/// 200, a stream, and on it the error alone.
fn expect_gap(answer: &Answer, number: usize) -> Result<()> {
    let error = answer.answer.as_ref().context("no answer")?;
    ensure!(
        answer.status() == 200
            && answer.head.is_stream()
            && answer.messages.is_empty()
            && error["id"] == number
            && error["error"]["code"] == -32603
            && error["error"]["data"]["reason"] == "events_evicted",
        "{answer:?} where a gap was to be told"
    );
    Ok(())
}

/// What a client was given of a call.
#[derive(Debug, Default)]
struct Seen {
    /// The last number.
    number: u64,
    messages: u64,
    /// How many had no room, by what was said of them.
    dropped: u64,
    last_event_id: Option<String>,
    answer: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Answered,
    Cut,
}

impl Seen {
    /// Reads one connection to its end, however that comes. All numbers are there, or are told to
    /// be missing.
    async fn receive(&mut self, target: &Target, request: &[u8]) -> Result<Ended> {
        let received = async {
            let mut wire = target.connect().await?;
            let head = wire.send(request).await?;
            ensure!(head.status == 200 && head.is_stream(), "{head:?}");
            let mut retry = None;
            while let Some(event) = wire.event().await? {
                retry = event.retry;
                self.take(event)?;
                if self.answer.is_some() {
                    return Ok(Ended::Answered);
                }
            }
            // A request that was cut may reach the server after the one that followed it, and then
            // takes the stream from it.
            ensure!(retry.is_some(), "a stream ended without the answer and without a retry");
            Ok(Ended::Cut)
        };
        match received.await {
            Err(error) if error.downcast_ref().is_some_and(WireError::is_end) => Ok(Ended::Cut),
            ended => ended,
        }
    }

    fn take(&mut self, event: Event) -> Result<()> {
        let message = event.message()?;
        self.last_event_id = event.id.or(self.last_event_id.take());
        let Some(message) = message else { return Ok(()) };
        let data = &message["params"]["data"];
        if message.get("method").is_none() {
            self.answer = Some(message);
        } else if let Some(dropped) = data["dropped"].as_u64() {
            // What comes after it says how many numbers are missing.
            self.dropped += dropped;
        } else {
            let number = data["n"].as_u64().with_context(|| format!("no number in {message}"))?;
            self.messages += 1;
            self.number = number;
            ensure!(
                number == self.messages + self.dropped,
                "{number} after {} messages and {} that were told to be missing",
                self.messages - 1,
                self.dropped
            );
        }
        Ok(())
    }

    fn is_told_of_a_gap(&self) -> bool {
        self.answer
            .as_ref()
            .is_some_and(|answer| answer["error"]["data"]["reason"] == "events_evicted")
    }
}

/// Cuts at places where a log may still hold what is missing: a client then gets all that it
/// missed, or is told, and nothing in between.
async fn sometimes(
    run: &mut Run,
    subject: &Subject,
    clients: usize,
    random: &mut Random,
) -> Result<()> {
    const COUNT: u64 = 200;
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (target, mut random) = (subject.target(), random.fork());
        let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
        tasks.spawn(async move {
            let cuts: Vec<_> = (0..3)
                .map(|cut| Cut::Swallow {
                    pass: random.between(if cut == 0 { FIRST } else { 0 }, 12_000),
                    swallow: random.between(0, 18 * 380),
                    way: WAYS[number / 3 % 2],
                })
                .collect();
            let seen = interrupted(&target, revision, number, COUNT, cuts).await;
            seen.with_context(|| format!("client {number}, {revision}"))
        });
    }
    let (mut whole, mut told, mut errors) = (0, 0, Vec::new());
    while let Some(seen) = tasks.join_next().await {
        match seen? {
            Ok(seen) if seen.is_told_of_a_gap() => told += 1,
            Ok(seen) if seen.messages + seen.dropped == COUNT => whole += 1,
            Ok(seen) => errors.push(format!("{seen:?}")),
            Err(error) => errors.push(format!("{error:#}")),
        }
    }
    run.check(
        "a replay is whole or none",
        whole + told == clients && whole > 0 && told > 0,
        format!(
            "{whole} whole, {told} told of a gap, {} neither {}",
            errors.len(),
            errors.first().map(String::as_str).unwrap_or_default()
        ),
    );
    Ok(())
}

async fn interrupted(
    target: &Target,
    revision: Revision,
    number: usize,
    count: u64,
    cuts: Vec<Cut>,
) -> Result<Seen> {
    let mut wire = target.connect().await?;
    let session = Session::open(target, &mut wire, revision).await?;
    session.set_level(&mut wire, "info").await?;
    let proxy = Proxy::start(target, cuts).await?;
    let (mut seen, mut request) = (Seen::default(), session.post(&burst(number, count, 4_000)));
    while seen.receive(&proxy.target(), &request).await? == Ended::Cut {
        let id = seen.last_event_id.as_deref().context("cut before there was an id")?;
        request = session.resume(id);
    }
    session.end(&mut wire).await?;
    Ok(seen)
}

/// A client that reads only after the call is done: what its log refused is told where it would
/// have been, and nothing is a gap.
async fn markers(run: &mut Run, subject: &Subject) -> Result<()> {
    const COUNT: u64 = 5_000;
    let target = subject.target();
    let mut wire = target.connect().await?;
    let session = Session::open(&target, &mut wire, Revision::V2025_11_25).await?;
    session.set_level(&mut wire, "info").await?;
    // More than the sockets hold.
    let body = call(1, "burst", json!({"count": COUNT, "bytes": 4_000}));
    let head = wire.send(&session.post(&body)).await?;
    ensure!(head.status == 200 && head.is_stream(), "{head:?}");
    subject.wait_stat("calls_in_flight", 0, Duration::from_secs(60)).await?;
    let mut seen = Seen::default();
    while let Some(event) = wire.event().await? {
        seen.take(event)?;
    }
    let answered = seen.answer.as_ref().is_some_and(|answer| answer.get("result").is_some());
    run.check(
        "what had no room is told in its place",
        answered && seen.dropped > 0 && seen.messages + seen.dropped == COUNT,
        format!("{} messages, {} told to be missing", seen.messages, seen.dropped),
    );
    session.end(&mut wire).await
}

/// Progress that goes from a log is no gap: the answer comes.
async fn progress(
    run: &mut Run,
    subject: &Subject,
    clients: usize,
    random: &mut Random,
) -> Result<()> {
    let before = subject.stats().await?["replays_gap"].clone();
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
        let cut = Cut::Swallow {
            pass: random.between(FIRST, 3_000),
            swallow: 30 * 180,
            way: WAYS[number / 3 % 2],
        };
        tasks.spawn(missed_progress(subject.target(), revision, number, cut));
    }
    let (mut answered, mut missed, mut error) = (0, 0, None);
    while let Some(done) = tasks.join_next().await {
        match done? {
            Ok(count) => {
                answered += 1;
                missed += usize::from(count < STEPS);
            }
            Err(failed) => error = Some(failed),
        }
    }
    let after = subject.stats().await?["replays_gap"].clone();
    run.check(
        "progress that is gone is no gap",
        answered == clients && missed == clients && before == after,
        format!(
            "{answered} of {clients} answered, of which {missed} missed progress{}",
            error.map(|error| format!("; {error:#}")).unwrap_or_default()
        ),
    );
    Ok(())
}

const STEPS: u64 = 400;

/// How much progress a client was told of that missed some.
async fn missed_progress(
    target: Target,
    revision: Revision,
    number: usize,
    cut: Cut,
) -> Result<u64> {
    let mut wire = target.connect().await?;
    let session = Session::open(&target, &mut wire, revision).await?;
    let proxy = Proxy::start(&target, [cut]).await?;
    let arguments = json!({"steps": STEPS, "every_us": 500});
    let mut request = session.post(&call_with_progress(number, "progress", arguments, "p"));
    let (mut last, mut told, mut id) = (0.0, 0, None);
    loop {
        let mut through = proxy.target().connect().await?;
        let head = through.send(&request).await?;
        ensure!(head.status == 200 && head.is_stream(), "{head:?}");
        loop {
            let event = match through.event().await {
                Ok(Some(event)) => event,
                Ok(None) => bail!("a stream that was not cut ended without the answer"),
                Err(error) if error.is_end() => break,
                Err(error) => return Err(error.into()),
            };
            let message = event.message()?;
            id = event.id.or(id);
            let Some(message) = message else { continue };
            if message.get("result").is_some() {
                session.end(&mut wire).await?;
                return Ok(told);
            }
            let progress = message["params"]["progress"].as_f64();
            let progress = progress.with_context(|| format!("{message} is no progress"))?;
            ensure!(progress > last, "{progress} after {last}");
            (last, told) = (progress, told + 1);
        }
        request = session.resume(id.as_deref().context("cut before there was an id")?);
    }
}
