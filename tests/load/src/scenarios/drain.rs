//! SIGTERM with streams and calls in flight: no call fails, streams end spread over a wave and with
//! a hint to come back, and the process exits with 0 in time.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Answer, Revision, Session, Target, call};
use crate::report::Run;
use crate::subject::Subject;
use crate::wire::{Wire, WireError};

/// The default of the crate, which streams have a half of, and the time that Cloud Run kills after.
const DEADLINE: Duration = Duration::from_secs(8);
const WAVE: Duration = Duration::from_secs(4);
const KILLED: Duration = Duration::from_secs(10);

/// How long a call may be silent: some of the calls become streams, others stay as they are.
const COMMIT_AFTER: &str = "2500";

const OPENING: usize = 64;
const LONG: usize = 20;
const HALF_SENT: usize = 10;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let each = run.scale.of(500, 500);
    sigterm(run, each).await?;
    without_a_signal(run).await
}

async fn sigterm(run: &mut Run, each: usize) -> Result<()> {
    let subject = Subject::start(&["--commit-after", COMMIT_AFTER]).await?;
    let target = subject.target();
    let (parked, mut calls) = begin(&target, each).await?;
    let mut long = JoinSet::new();
    for number in 0..LONG {
        long.spawn(long_call(target.clone(), number));
    }
    let mut idle = Vec::new();
    let mut half_sent = Vec::new();
    for _ in 0..HALF_SENT {
        idle.push(idle_connection(&target).await?);
        half_sent.push(HalfSent::begin(&target).await?);
    }
    let in_flight = (each + LONG) as u64;
    subject.wait_stat("calls_in_flight", in_flight, Duration::from_secs(20)).await?;

    let begun = Instant::now();
    subject.signal(Signal::TERM)?;
    let mut streams = JoinSet::new();
    for stream in parked {
        streams.spawn(stream.until_its_end(begun));
    }
    // Those that are idle are closed first: then the drain has begun.
    for wire in idle {
        closed(wire).await?;
    }
    initialize_is_refused(run, half_sent).await;
    streams_end_in_a_wave(run, streams, each).await?;
    calls_are_answered(run, &mut calls, each).await?;
    long_calls_are_told(run, &mut long).await?;

    let aborted = subject.finish(KILLED).await;
    let took = begun.elapsed();
    run.check(
        "it exits with 0 within its deadline",
        aborted.is_ok() && took < KILLED,
        match &aborted {
            Ok(_) => format!("{:.2} s of {DEADLINE:?}", took.as_secs_f64()),
            Err(error) => format!("{error:#} after {:.2} s", took.as_secs_f64()),
        },
    );
    run.check("nothing is cut", aborted.is_ok_and(|aborted| aborted == 0), "no connection aborted");
    Ok(())
}

/// Opens as many sessions that listen, and begins as many calls.
async fn begin(target: &Target, each: usize) -> Result<(Vec<Parked>, JoinSet<Result<()>>)> {
    let mut opening = JoinSet::new();
    let (mut parked, mut ready) = (Vec::new(), Vec::new());
    for number in 0..each {
        let target = target.clone();
        opening.spawn(async move {
            let parked = Parked::open(&target, number).await?;
            anyhow::Ok((parked, Call::prepare(&target, number).await?))
        });
        if opening.len() == OPENING || number + 1 == each {
            while let Some(opened) = opening.join_next().await {
                let (stream, call) = opened??;
                parked.push(stream);
                ready.push(call);
            }
        }
    }
    let mut calls = JoinSet::new();
    for call in ready {
        let number = call.number;
        calls.spawn(async move { call.make().await.with_context(|| format!("call {number}")) });
    }
    Ok((parked, calls))
}

/// A session that listens.
struct Parked {
    wire: Wire,
}

/// How its stream ended.
struct End {
    after: Duration,
    retry: Option<u64>,
}

impl Parked {
    async fn open(target: &Target, number: usize) -> Result<Self> {
        let mut wire = target.connect().await?;
        let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
        let session = Session::open(target, &mut wire, revision).await?;
        session.listen(&mut wire).await?;
        if revision.has_priming() {
            wire.event().await?.context("a stream that ended at once")?;
        }
        Ok(Self { wire })
    }

    async fn until_its_end(mut self, begun: Instant) -> Result<End> {
        let mut retry = None;
        while let Some(event) = self.wire.event().await? {
            ensure!(event.message()?.is_none(), "a stream said {event:?}");
            retry = event.retry;
        }
        let after = begun.elapsed();
        self.wire.close().await?;
        Ok(End { after, retry })
    }
}

async fn streams_end_in_a_wave(
    run: &mut Run,
    mut streams: JoinSet<Result<End>>,
    each: usize,
) -> Result<()> {
    let mut quarters = [0_usize; 5];
    let (mut hints, mut errors) = (Vec::new(), Vec::new());
    while let Some(end) = streams.join_next().await {
        match end? {
            Ok(End { after, retry }) => {
                hints.extend(retry);
                let quarter = 4.0 * after.as_secs_f64() / WAVE.as_secs_f64();
                quarters[(quarter as usize).min(4)] += 1;
            }
            Err(error) => errors.push(error),
        }
    }
    let error = errors.first().map(|error| format!("; {} broke: {error:#}", errors.len()));
    let (least, most) = (hints.iter().min(), hints.iter().max());
    run.check(
        "each parked stream ends whole, with a retry of its own",
        hints.len() == each && least < most,
        format!(
            "{} of {each}, to wait {least:?} to {most:?} ms{}",
            hints.len(),
            error.unwrap_or_default()
        ),
    );
    run.check(
        "their ends are spread over the wave",
        quarters[..4].iter().all(|count| *count > 0),
        format!("{:?} in the quarters of {WAVE:?}, {} later", &quarters[..4], quarters[4]),
    );
    Ok(())
}

/// A call that will be made.
struct Call {
    number: usize,
    wire: Wire,
    request: Vec<u8>,
    text: String,
    /// How many log messages come before its answer.
    messages: usize,
}

impl Call {
    /// In turn: of the legacy era and of the modern one, silent for one second to four, and one that
    /// speaks.
    async fn prepare(target: &Target, number: usize) -> Result<Self> {
        let mut wire = target.connect().await?;
        let ms = 1_000 + (number * 7_919) % 3_000;
        let speaks = number % 4 > 1;
        let (tool, arguments, text) = match speaks {
            true => {
                let count = ms / 50;
                ("burst", json!({"count": count, "every_us": 50_000}), count.to_string())
            }
            false => ("sleep", json!({"ms": ms, "text": number.to_string()}), number.to_string()),
        };
        let request = if number.is_multiple_of(2) {
            let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
            target.modern(1, "tools/call", json!({"name": tool, "arguments": arguments}), meta)
        } else {
            let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
            let session = Session::open(target, &mut wire, revision).await?;
            session.set_level(&mut wire, "info").await?;
            session.post(&call(1, tool, arguments))
        };
        let messages = if speaks { text.parse()? } else { 0 };
        Ok(Self { number, wire, request, text, messages })
    }

    async fn make(mut self) -> Result<()> {
        let answer = Answer::to(&mut self.wire, &self.request).await?;
        ensure!(answer.status() == 200, "{answer:?}");
        ensure!(answer.text()? == self.text, "answered with {answer:?}");
        ensure!(answer.messages.len() == self.messages, "{answer:?}");
        self.wire.close().await?;
        Ok(())
    }
}

async fn calls_are_answered(
    run: &mut Run,
    calls: &mut JoinSet<Result<()>>,
    each: usize,
) -> Result<()> {
    let (mut answered, mut errors) = (0, Vec::new());
    while let Some(done) = calls.join_next().await {
        match done? {
            Ok(()) => answered += 1,
            Err(error) => errors.push(error),
        }
    }
    let error = errors.first().map(|error| format!("; {} failed: {error:#}", errors.len()));
    run.check(
        "no call in flight fails",
        answered == each,
        format!("{answered} of {each} answered, after 1 to 4 s{}", error.unwrap_or_default()),
    );
    Ok(())
}

/// A call that has no end within the deadline: in turn as JSON and as a stream, of both eras.
async fn long_call(target: Target, number: usize) -> Result<Value> {
    let mut wire = target.connect().await?;
    let arguments = json!({"ms": 600_000});
    let mut request = if number.is_multiple_of(2) {
        target.modern_call(1, "sleep", arguments)
    } else {
        let session = Session::open(&target, &mut wire, Revision::V2025_11_25).await?;
        session.post(&call(1, "sleep", arguments))
    };
    if number % 4 > 1 {
        request = String::from_utf8(request)?.replacen(", text/event-stream", "", 1).into_bytes();
    }
    let answer = Answer::to(&mut wire, &request).await?;
    ensure!(answer.head.is_stream() == (number % 4 < 2), "{answer:?}");
    wire.close().await?;
    answer.answer.context("no answer")
}

async fn long_calls_are_told(run: &mut Run, long: &mut JoinSet<Result<Value>>) -> Result<()> {
    let (mut told, mut other) = (0, None);
    while let Some(answer) = long.join_next().await {
        match answer? {
            Ok(answer)
                if answer["error"]["code"] == -32603
                    && answer["error"]["data"]["reason"] == "shutting_down" =>
            {
                told += 1;
            }
            Ok(answer) => other = Some(answer.to_string()),
            Err(error) => other = Some(format!("{error:#}")),
        }
    }
    run.check(
        "what takes longer is answered with an error that says why",
        told == LONG,
        format!("{told} of {LONG}{}", other.map(|it| format!("; {it}")).unwrap_or_default()),
    );
    Ok(())
}

async fn idle_connection(target: &Target) -> Result<Wire> {
    let mut wire = target.connect().await?;
    let answer = Answer::to(&mut wire, &target.modern_call(1, "echo", json!({"text": ""}))).await?;
    ensure!(answer.status() == 200, "{answer:?}");
    Ok(wire)
}

async fn closed(mut wire: Wire) -> Result<()> {
    match wire.head().await {
        Err(WireError::Closed) => Ok(()),
        other => bail!("an idle connection got {other:?}"),
    }
}

/// An `initialize` whose last byte is still to come.
struct HalfSent {
    wire: Wire,
    last: u8,
}

impl HalfSent {
    async fn begin(target: &Target) -> Result<Self> {
        let mut wire = idle_connection(target).await?;
        let mut request = target.initialize(Revision::V2025_11_25);
        let last = request.pop().context("a request")?;
        wire.write(&request).await?;
        Ok(Self { wire, last })
    }

    async fn finish(mut self) -> Result<Answer> {
        self.wire.write(&[self.last]).await?;
        let head = self.wire.head().await?;
        let answer = Answer::read(&mut self.wire, head).await?;
        self.wire.close().await?;
        Ok(answer)
    }
}

/// Whether a request was refused for now, and told when to come back.
fn is_put_off(answer: &Answer) -> bool {
    let retry_after = answer.head.header("retry-after").and_then(|value| value.parse::<u32>().ok());
    let told = answer.answer.as_ref().is_some_and(|answer| answer["error"]["code"] == -32603);
    answer.status() == 503 && retry_after.is_some() && told
}

async fn initialize_is_refused(run: &mut Run, half_sent: Vec<HalfSent>) {
    let (mut refused, mut other) = (0, None);
    for half in half_sent {
        match half.finish().await {
            Ok(answer) if is_put_off(&answer) => refused += 1,
            Ok(answer) => other = Some(format!("{answer:?}")),
            Err(error) => other = Some(format!("{error:#}")),
        }
    }
    run.check(
        "a session that comes too late is put off",
        refused == HALF_SENT,
        format!(
            "{refused} of {HALF_SENT} times 503 with Retry-After{}",
            other.map(|it| format!("; {it}")).unwrap_or_default()
        ),
    );
}

/// A drain that the application begins: its connections stay, and so it can be seen what they are
/// told.
async fn without_a_signal(run: &mut Run) -> Result<()> {
    let subject = Subject::start(&["--commit-after", COMMIT_AFTER]).await?;
    let target = subject.target();
    let mut wire = target.connect().await?;
    let session = Session::open(&target, &mut wire, Revision::V2025_11_25).await?;
    let mut parked = Parked::open(&target, 0).await?;
    let mut calling = target.connect().await?;
    calling.write(&session.post(&call(1, "sleep", json!({"ms": 1_500, "text": "slept"})))).await?;
    subject.wait_stat("calls_in_flight", 1, Duration::from_secs(20)).await?;

    let begun = Instant::now();
    subject.control("drain?ms=3000").await?;
    let ready = subject.stats().await?["ready"] == true;
    let opened = Answer::to(&mut wire, &target.initialize(Revision::V2025_11_25)).await?;
    let listened = Answer::to(&mut wire, &session.get()).await?;
    let called = session.call(&mut wire, 2, "echo", json!({"text": "still"})).await?;
    run.check(
        "who keeps a connection is told, and who has a session is served",
        !ready && is_put_off(&opened) && is_put_off(&listened) && called.text()? == "still",
        format!(
            "ready {ready}, initialize {}, GET {}, call {}",
            opened.status(),
            listened.status(),
            called.status()
        ),
    );
    let head = calling.head().await?;
    let answer = Answer::read(&mut calling, head).await?;
    let parked = loop {
        match parked.wire.event().await? {
            Some(event) => ensure!(event.message()?.is_none(), "a stream said {event:?}"),
            None => break begun.elapsed(),
        }
    };
    run.check(
        "a drain without a signal answers calls and ends streams",
        answer.text()? == "slept",
        format!("the stream ended after {:.2} s", parked.as_secs_f64()),
    );
    subject.stop(KILLED).await?;
    Ok(())
}
