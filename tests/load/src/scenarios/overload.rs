//! Twice what is admitted: what is too much is refused in one way, what is admitted completes, and
//! what frees room is never refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Answer, Revision, Session, Target, answer, call, notification};
use crate::report::Run;
use crate::subject::Subject;
use crate::wire::Wire;

const SESSIONS: usize = 100;
const CALLS: usize = 50;
const PARKED: usize = 40;
const CONNECTIONS: usize = 600;

/// A refusal of a connection is made by one of so many at most.
const REFUSALS: usize = 100;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let [sessions, calls, parked, connections] =
        [SESSIONS, CALLS, PARKED, CONNECTIONS].map(|limit| limit.to_string());
    let mut subject = Subject::start(&[
        "--max-sessions",
        &sessions,
        "--max-calls",
        &calls,
        "--max-parked",
        &parked,
        "--max-connections",
        &connections,
        // What is refused is refused before any answer could have become a stream.
        "--commit-after",
        "60000",
    ])
    .await?;

    let mut admitted = too_many_sessions(run, &subject.target()).await?;
    too_many_parked(run, &subject.target(), &mut admitted).await?;
    too_many_calls(run, &subject, &mut admitted).await?;
    sustained(run, &subject.target(), &admitted).await?;
    asking(run, &subject.target(), &mut admitted).await?;
    too_many_connections(run, &subject.target()).await?;

    let mut wire = subject.target().connect().await?;
    for session in &admitted {
        session.end(&mut wire).await?;
    }
    subject.wait_stat("calls_in_flight", 0, Duration::from_secs(20)).await?;
    subject.expect_health()?;
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// What became of a request.
enum Became {
    Answered(Answer),
    Refused,
}

/// Tells an answer from the refusal that there is for too much; anything else is an error.
fn became(answer: Answer) -> Result<Became> {
    if answer.status() == 200 {
        return Ok(Became::Answered(answer));
    }
    ensure!(answer.status() == 503, "neither an answer nor a refusal: {answer:?}");
    let seconds = answer.head.header("retry-after").and_then(|value| value.parse::<u64>().ok());
    ensure!(seconds.is_some(), "a refusal without Retry-After: {answer:?}");
    let body = answer.answer.as_ref().context("a refusal without a body")?;
    let is_error = body["jsonrpc"] == "2.0" && body["error"]["code"].is_i64();
    ensure!(is_error && body["error"]["message"].is_string(), "a refusal says {body}");
    ensure!(!answer.head.is_last(), "a refusal closes the connection: {answer:?}");
    Ok(Became::Refused)
}

async fn too_many_sessions(run: &mut Run, target: &Target) -> Result<Vec<Session>> {
    let mut tasks = JoinSet::new();
    for number in 0..2 * SESSIONS {
        let target = target.clone();
        tasks.spawn(async move {
            let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
            let mut wire = target.connect().await?;
            let answer = Answer::to(&mut wire, &target.initialize(revision)).await?;
            let Became::Answered(answer) = became(answer)? else { return anyhow::Ok(None) };
            let id = answer.head.header("mcp-session-id").context("a session id")?.into();
            let session = Session { target, id, revision };
            session.tell(&mut wire, "notifications/initialized", json!({})).await?;
            Ok(Some(session))
        });
    }
    let mut admitted = Vec::new();
    while let Some(done) = tasks.join_next().await {
        admitted.extend(done??);
    }
    run.check(
        "as many sessions as may be, 503 beyond",
        admitted.len() == SESSIONS,
        format!("{} of {} admitted, the limit is {SESSIONS}", admitted.len(), 2 * SESSIONS),
    );

    // A DELETE makes room at once.
    let mut wire = target.connect().await?;
    let session = admitted.pop().context("a session")?;
    session.end(&mut wire).await?;
    admitted.push(Session::open(target, &mut wire, session.revision).await?);
    let more = became(Answer::to(&mut wire, &target.initialize(session.revision)).await?)?;
    run.check(
        "a DELETE makes room for one",
        matches!(more, Became::Refused),
        "one more is refused",
    );
    Ok(admitted)
}

/// Streams that wait for changes alone: those of legacy sessions and of modern subscriptions share
/// one limit.
async fn too_many_parked(
    run: &mut Run,
    target: &Target,
    sessions: &mut Vec<Session>,
) -> Result<()> {
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let subscribe = target.modern(1, "subscriptions/listen", filter, json!({}));
    let (mut parked, mut refused) = (Vec::new(), 0);
    for (number, session) in sessions[..2 * PARKED].iter().enumerate() {
        let mut wire = target.connect().await?;
        // Every other is a modern one. The first is not: it is taken over below.
        let legacy = number % 2 == 0;
        let request = if legacy { session.get() } else { subscribe.clone() };
        let head = wire.send(&request).await?;
        if head.is_stream() {
            parked.push((session.clone(), wire));
            continue;
        }
        let answer = Answer::read(&mut wire, head).await?;
        refused += usize::from(matches!(became(answer)?, Became::Refused));
    }
    run.check(
        "as many parked streams as may be, 503 beyond",
        (parked.len(), refused) == (PARKED, PARKED),
        format!("{} parked, {refused} refused, the limit is {PARKED}", parked.len()),
    );

    let (first, mut held) = parked.swap_remove(0);
    let mut wire = target.connect().await?;
    let echoed = first.call(&mut wire, 1, "echo", json!({"text": "parked"})).await?;
    let taken_over = first.listen(&mut wire).await.is_ok();
    while held.event().await?.is_some() {}
    let mut other = target.connect().await?;
    first.end(&mut other).await?;
    while wire.event().await?.is_some() {}
    sessions.retain(|session| session.id != first.id);
    let next = Session::open(target, &mut other, first.revision).await?;
    let room = next.listen(&mut wire).await.is_ok();
    sessions.push(next);
    run.check(
        "parked streams take no room of calls, and may be taken over",
        echoed.text()? == "parked" && taken_over && room,
        "a call, a takeover, and after a DELETE another stream",
    );
    parked.into_iter().for_each(|(_, wire)| wire.reset());
    wire.reset();
    Ok(())
}

async fn too_many_calls(
    run: &mut Run,
    subject: &Subject,
    sessions: &mut Vec<Session>,
) -> Result<()> {
    let (refused_so_far, mut tasks) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for (number, session) in sessions.iter().enumerate().take(2 * CALLS) {
        let (session, refused) = (session.clone(), Arc::clone(&refused_so_far));
        tasks.spawn(async move {
            let mut wire = session.target.connect().await?;
            let arguments = json!({"name": "overload", "count": 1});
            // Every other is a modern call: one limit holds for both.
            let request = match number % 2 {
                0 => session.post(&call(1, "gate", arguments)),
                _ => session.target.modern_call(1, "gate", arguments),
            };
            let became = became(Answer::to(&mut wire, &request).await?)?;
            refused.fetch_add(u64::from(matches!(became, Became::Refused)), Ordering::Relaxed);
            anyhow::Ok(became)
        });
    }
    subject.wait_stat("calls_in_flight", CALLS as u64, Duration::from_secs(20)).await?;
    let all_refused = async {
        while refused_so_far.load(Ordering::Relaxed) < CALLS as u64 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let all_refused = tokio::time::timeout(Duration::from_secs(20), all_refused).await;
    run.check(
        "as many calls as may be, 503 beyond",
        all_refused.is_ok() && refused_so_far.load(Ordering::Relaxed) == CALLS as u64,
        format!(
            "{} of {} refused, the limit is {CALLS}",
            refused_so_far.load(Ordering::Relaxed),
            2 * CALLS
        ),
    );

    let never_refused = never_refused(sessions).await;
    let figures = match &never_refused {
        Ok(count) => format!("{count} notifications, answers and DELETEs at the limit"),
        Err(error) => format!("{error:#}"),
    };
    run.check("what frees room is not refused", never_refused.is_ok(), figures);

    for _ in 0..CALLS {
        subject.release("overload").await?;
    }
    let mut completed = 0;
    while let Some(done) = tasks.join_next().await {
        if let Became::Answered(answer) = done?? {
            ensure!(answer.text()? == "1", "{answer:?}");
            completed += 1;
        }
    }
    run.check(
        "what was admitted completes",
        completed == CALLS,
        format!("{completed} of {CALLS} calls that were held at the limit"),
    );
    Ok(())
}

/// What a client sends to let calls go on or end: none of it asks for room.
async fn never_refused(sessions: &mut Vec<Session>) -> Result<usize> {
    let mut wire = sessions[0].target.connect().await?;
    let mut count = 0;
    for session in sessions.iter() {
        let result = json!({"jsonrpc": "2.0", "id": "asked", "result": {}}).to_string();
        let error =
            json!({"jsonrpc": "2.0", "id": "asked", "error": {"code": -1, "message": "no"}});
        let unknown = json!({"requestId": "unknown"});
        for body in [
            notification("notifications/cancelled", unknown),
            notification("notifications/roots/list_changed", json!({})),
            result,
            error.to_string(),
        ] {
            let answer = Answer::to(&mut wire, &session.post(&body)).await?;
            ensure!(answer.status() == 202, "{body} was answered with {answer:?}");
            count += 1;
        }
    }
    // The last has no call that is held.
    let last = sessions.pop().context("a session")?;
    let refused = became(Answer::to(&mut wire, &last.target.initialize(last.revision)).await?)?;
    ensure!(matches!(refused, Became::Refused), "a session beyond the limit was opened");
    last.end(&mut wire).await?;
    sessions.push(Session::open(&last.target, &mut wire, last.revision).await?);
    count += 1;
    Ok(count)
}

/// Clients who come back at once, twice as many as may call.
async fn sustained(run: &mut Run, target: &Target, sessions: &[Session]) -> Result<()> {
    let calls: u64 = run.scale.of(10_000, 100_000);
    let shared = Arc::new((AtomicU64::new(calls), AtomicU64::new(0), AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for (number, session) in sessions.iter().enumerate() {
        let (shared, target, session) = (Arc::clone(&shared), target.clone(), session.clone());
        tasks.spawn(async move {
            let (left, answered, refused) = &*shared;
            let mut wire = target.connect().await?;
            let take = |left: u64| left.checked_sub(1);
            while let Ok(call) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
                match sleepy_call(&session, &mut wire, &format!("{number}/{call}")).await? {
                    Became::Answered(_) => answered.fetch_add(1, Ordering::Relaxed),
                    Became::Refused => refused.fetch_add(1, Ordering::Relaxed),
                };
            }
            anyhow::Ok(())
        });
    }
    let mut errors = Vec::new();
    while let Some(done) = tasks.join_next().await {
        errors.extend(done?.err());
    }
    let (_, answered, refused) = &*shared;
    let (answered, refused) = (answered.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
    let error = errors.first().map(|error| format!("; {} failed: {error:#}", errors.len()));
    run.check(
        "clients that come back are answered or refused, nothing else",
        errors.is_empty() && answered > 0 && refused > 0 && answered + refused == calls,
        format!(
            "{answered} answered and {refused} refused of {calls} by {} clients, {CALLS} at once{}",
            sessions.len(),
            error.unwrap_or_default()
        ),
    );
    Ok(())
}

async fn sleepy_call(session: &Session, wire: &mut Wire, text: &str) -> Result<Became> {
    let answer = session.call(wire, 1, "sleep", json!({"ms": 20, "text": text})).await?;
    let became = became(answer)?;
    if let Became::Answered(answer) = &became {
        ensure!(answer.text()? == text, "{text} was answered with {answer:?}");
    }
    Ok(became)
}

/// As many calls as may be wait for their clients: each answer is taken, and all complete.
async fn asking(run: &mut Run, target: &Target, sessions: &mut [Session]) -> Result<()> {
    let mut wire = target.connect().await?;
    let mut asked = Vec::new();
    for session in &mut sessions[..CALLS] {
        session.end(&mut wire).await?;
        let roots = json!({"roots": {}});
        *session = Session::open_with(target, &mut wire, session.revision, &roots).await?;
        let mut waiting = target.connect().await?;
        let head = waiting.send(&session.post(&call(1, "roots", json!({})))).await?;
        ensure!(head.status == 200 && head.is_stream(), "a call that asks: {head:?}");
        let question = loop {
            let event = waiting.event().await?.context("a question")?;
            if let Some(message) = event.message()? {
                break message;
            }
        };
        ensure!(question["method"] == "roots/list", "{question}");
        asked.push((session.clone(), waiting, head, question["id"].clone()));
    }
    let refused = became(sessions[0].call(&mut wire, 1, "echo", json!({"text": "x"})).await?)?;
    let (mut accepted, mut completed) = (0, 0);
    for (number, (session, _, _, id)) in asked.iter().enumerate() {
        let roots = json!({"roots": [{"uri": format!("file:///{number}")}]});
        let posted = Answer::to(&mut wire, &session.post(&answer(id, roots))).await?;
        accepted += usize::from(posted.status() == 202);
    }
    for (number, (_, mut waiting, head, _)) in asked.into_iter().enumerate() {
        let answer = Answer::read(&mut waiting, head).await?;
        completed += usize::from(answer.text()? == format!("file:///{number}"));
    }
    run.check(
        "calls that wait for a client's answer get it",
        matches!(refused, Became::Refused) && accepted == CALLS && completed == CALLS,
        format!("{accepted} answers accepted at the limit of {CALLS}, {completed} calls completed"),
    );
    Ok(())
}

async fn too_many_connections(run: &mut Run, target: &Target) -> Result<()> {
    let ping = target.modern(1, "server/discover", json!({}), json!({}));
    let mut open = Vec::new();
    // Some of those before may not have been counted out yet.
    let first_refusal = loop {
        let mut wire = target.connect().await?;
        let head = wire.send(&ping).await?;
        let answer = Answer::read(&mut wire, head).await?;
        match answer.status() {
            200 if open.len() <= CONNECTIONS => open.push(wire),
            503 => break answer,
            _ => bail!("{} connections are open, and: {answer:?}", open.len()),
        }
    };
    let retry = first_refusal.head.header("retry-after").is_some();
    run.check(
        "as many connections as may be, 503 beyond",
        open.len() == CONNECTIONS && retry && first_refusal.answer.is_some(),
        format!("{} served, the limit is {CONNECTIONS}; then {first_refusal:?}", open.len()),
    );

    let mut refused = 0;
    for _ in 0..REFUSALS {
        let mut wire = target.connect().await?;
        let answer = Answer::to(&mut wire, &ping).await?;
        refused += usize::from(answer.status() == 503);
    }
    let mut served = 0;
    for wire in &mut open {
        served += usize::from(Answer::to(wire, &ping).await?.status() == 200);
    }
    run.check(
        "connections that are open are served meanwhile",
        refused == REFUSALS && served == CONNECTIONS,
        format!("{served} of {CONNECTIONS} served, {refused} of {REFUSALS} more refused"),
    );
    for wire in open {
        wire.close().await?;
    }
    Ok(())
}
