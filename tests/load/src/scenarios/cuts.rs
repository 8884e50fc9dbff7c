//! A call that says much, over connections that are cut again and again: its client gets all of it,
//! once and in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::{Revision, Session, Target, call};
use crate::proxy::{Cut, Proxy, Way};
use crate::random::Random;
use crate::report::Run;
use crate::subject::Subject;
use crate::wire::{Wire, WireError};

/// What a call says, and how often it is cut.
const MESSAGES: u64 = 1_000;
const CUTS: usize = 20;

/// How many calls are under way at once.
const AT_ONCE: usize = 24;

/// All messages together are longer, so that the last cut comes before the end.
const LEAST_IN_ALL: u64 = 100 * MESSAGES;

/// A response's head and an event with an id are shorter. A client that is cut before it has an id
/// has nothing to come back with.
const FIRST: u64 = 700;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Fin,
    Reset,
    Time,
}

const WAYS: [By; 3] = [By::Fin, By::Reset, By::Time];
const REVISIONS: [Revision; 2] = [Revision::V2025_11_25, Revision::V2025_06_18];

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let calls = run.scale.of(150, 1_002);
    let seed = Random::seed();
    run.say(format!("MCP_LOAD_SEED={seed}"));
    let subject = Subject::start(&[]).await?;
    let (mut random, at_once) = (Random::new(seed), Arc::new(Semaphore::new(AT_ONCE)));
    let mut clients = JoinSet::new();
    for number in 0..calls {
        let (way, revision) = (WAYS[number % 3], REVISIONS[number / 3 % 2]);
        let (random, target) = (random.fork(), subject.target());
        let at_once = Arc::clone(&at_once);
        clients.spawn(async move {
            let _turn = at_once.acquire().await?;
            let cut = cut_call(&target, revision, way, random).await;
            cut.map(|cut| (way, cut)).with_context(|| format!("call {number}, {revision}, {way:?}"))
        });
    }
    let mut whole = [0; WAYS.len()];
    let (mut all, mut errors) = (CutCall::default(), Vec::new());
    while let Some(done) = clients.join_next().await {
        match done? {
            Ok((way, call)) => {
                whole[way as usize] += 1;
                all.connections += call.connections;
                all.without_event += call.without_event;
                all.taken_over += call.taken_over;
                all.cuts += call.cuts;
            }
            Err(error) => errors.push(error),
        }
    }
    let [fin, reset, time] = whole;
    let error = errors.first().map(|error| format!("; {} failed: {error:#}", errors.len()));
    run.check(
        "every message comes once and in order",
        fin + reset + time == calls && errors.is_empty(),
        format!(
            "{fin} calls cut by FIN, {reset} by RST, {time} by a total time; {MESSAGES} messages each, \
             {} cuts, {} resumptions, of which {} were cut before an event and {} taken over by one \
             that was late{}",
            all.cuts,
            all.connections - (fin + reset + time),
            all.without_event,
            all.taken_over,
            error.unwrap_or_default(),
        ),
    );
    run.check("each was cut 20 times", all.cuts == CUTS * calls, format!("{} cuts", all.cuts));
    let stats = subject.stats().await?;
    run.check("nothing was a gap", stats["replays_gap"] == 0, &stats);
    subject.wait_stat("bytes_held", 0, Duration::from_secs(20)).await?;
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// A call that came through whole.
#[derive(Default)]
struct CutCall {
    cuts: usize,
    connections: usize,
    /// Of the connections.
    without_event: usize,
    taken_over: usize,
}

/// What a client has so far.
#[derive(Default)]
struct Received {
    messages: u64,
    last_event_id: Option<String>,
    answered: bool,
}

async fn cut_call(
    target: &Target,
    revision: Revision,
    way: By,
    mut random: Random,
) -> Result<CutCall> {
    let mut direct = target.connect().await?;
    let session = Session::open(target, &mut direct, revision).await?;
    session.set_level(&mut direct, "info").await?;
    // Some are ahead of their clients, some speak while their client is away.
    let every_us = random.between(0, 3) * 500;
    let body = call(1, "burst", json!({"count": MESSAGES, "every_us": every_us}));
    let proxy = Proxy::start(target, plan(way, &mut random)).await?;
    let (mut received, mut done) = (Received::default(), CutCall::default());
    while !received.answered {
        let request = match &received.last_event_id {
            None if done.connections > 0 => bail!("cut before there was an id"),
            None => session.post(&body),
            Some(id) => session.resume(id),
        };
        let before = received.messages;
        let ended = receive(&proxy.target(), &request, &mut received).await;
        done.connections += 1;
        done.without_event += usize::from(received.messages == before);
        match ended {
            Ok(Ended::Answered) => {}
            Ok(Ended::TakenOver) => {
                done.taken_over += 1;
                // This connection was to be cut.
                proxy.cut_next(cut(way, random.between(0, FIRST), 0, &mut random));
            }
            Err(error) => match error.downcast_ref::<WireError>() {
                Some(cut) if cut.is_end() => {}
                _ => {
                    let had = format!("after {} messages, {:?}", before, received.last_event_id);
                    return Err(error.context(had));
                }
            },
        }
    }
    ensure!(received.messages == MESSAGES, "answered after {} messages", received.messages);
    done.cuts = proxy.cut();
    session.end(&mut direct).await?;
    direct.close().await?;
    Ok(done)
}

/// Places that are spread over the whole response, or times that end before it does.
fn plan(way: By, random: &mut Random) -> Vec<Cut> {
    let mut places: Vec<_> = (0..CUTS).map(|_| random.between(FIRST, LEAST_IN_ALL)).collect();
    places.sort_unstable();
    let mut before = 0;
    let cut = |place| {
        let pass = place - std::mem::replace(&mut before, place);
        cut(way, pass, if pass == place { FIRST } else { 0 }, random)
    };
    places.into_iter().map(cut).collect()
}

/// After so many bytes, or after a time, but not before so many.
fn cut(way: By, pass: u64, least: u64, random: &mut Random) -> Cut {
    match way {
        By::Fin => Cut::Bytes { pass, way: Way::Fin },
        By::Reset => Cut::Bytes { pass, way: Way::Reset },
        By::Time => Cut::Time { least, after: Duration::from_millis(random.between(1, 30)) },
    }
}

enum Ended {
    Answered,
    /// Whole, and with a hint to come back: a request that was cut may reach the server after the
    /// one that followed it, and then takes the stream from it.
    TakenOver,
}

/// Reads one connection to its end, however that comes.
async fn receive(target: &Target, request: &[u8], received: &mut Received) -> Result<Ended> {
    let mut wire = Wire::connect(target.addr).await?;
    let head = wire.send(request).await?;
    ensure!(head.status == 200 && head.is_stream(), "{head:?}");
    let mut retry = None;
    while let Some(event) = wire.event().await? {
        retry = event.retry;
        if let Some(message) = event.message()? {
            if message.get("method").is_none() {
                let text = &message["result"]["content"][0]["text"];
                ensure!(
                    message["id"] == 1 && text.as_str() == Some(MESSAGES.to_string().as_str()),
                    "answered {message}"
                );
                ensure!(!received.answered, "answered twice");
                received.answered = true;
            } else {
                let expected = received.messages + 1;
                let number = &message["params"]["data"]["n"];
                ensure!(*number == expected, "{message} where {expected} was to come");
                received.messages = expected;
            }
        }
        received.last_event_id = event.id.or(received.last_event_id.take());
        // The answer is what a client waits for.
        if received.answered {
            return Ok(Ended::Answered);
        }
    }
    ensure!(retry.is_some(), "a stream ended without the answer and without a retry");
    Ok(Ended::TakenOver)
}
