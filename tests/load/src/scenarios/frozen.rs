//! A server whose process gets no CPU for longer than a session may be idle: it wakes up with all
//! its sessions, and without a burst of what it would have done meanwhile.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::join_all;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::client::{Answer, Revision, Session, Target, call};
use crate::report::Run;
use crate::subject::Subject;
use crate::wire::Wire;

const SESSIONS: usize = 500;

/// How long a session may be idle, and how long the process stands still.
const IDLE: Duration = Duration::from_secs(8);
const FROZEN: Duration = Duration::from_secs(10);

/// Silence on a stream; heads and bodies that stop; a call that becomes a stream. Some of them are
/// due several times while the process stands still.
const KNOBS: &[&str] = &[
    "--idle",
    "8",
    "--heartbeat",
    "2",
    "--body-timeout",
    "5000",
    "--head-timeout",
    "5000",
    "--commit-after",
    "3000",
    "--write-stall",
    "5000",
    "--reader-stall",
    "5000",
];

/// How many requests are half sent when it stops, and how many are sent meanwhile.
const MEANWHILE: usize = 20;

const OPENING: usize = 64;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let subject = Subject::start(KNOBS).await?;
    let mut clients = open(&subject.target()).await?;
    let waiting = clients.iter().filter(|client| client.does == Does::Wait).count();
    subject.wait_stat("calls_in_flight", waiting as u64, Duration::from_secs(20)).await?;
    let mut halves = Vec::new();
    for number in 0..MEANWHILE {
        halves.push(Half::begin(&subject.target(), number).await?);
    }
    // All were active a moment ago.
    join_all(clients.iter_mut().map(Client::touch)).await.into_iter().collect::<Result<()>>()?;

    subject.signal(Signal::STOP)?;
    let stopped = Instant::now();
    stands_still(subject.pid()).await?;
    for client in clients.iter_mut() {
        client.take_what_is_there().await?;
    }
    for half in &mut halves {
        half.finish().await?;
    }
    let mut asked = Vec::new();
    for client in clients.iter_mut().filter(|client| client.does == Does::Idle).take(MEANWHILE) {
        let request = client.session.post(&call(2, "echo", json!({"text": "meanwhile"})));
        client.wire.write(&request).await?;
        asked.push(client);
    }
    sleep(FROZEN.saturating_sub(stopped.elapsed())).await;
    run.say(format!("stood still for {:.1} s", stopped.elapsed().as_secs_f64()));
    subject.signal(Signal::CONT)?;
    let second = Instant::now() + Duration::from_secs(1);

    meanwhile_is_answered(run, asked, halves).await;
    no_burst(run, &mut clients, second).await?;
    no_session_is_lost(run, &subject, &mut clients).await?;
    calls_go_on(run, &subject, &mut clients, waiting).await?;
    idle_sessions_still_expire(run, &subject, clients).await?;
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// What a session is at when the process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Idle,
    Listen,
    /// For a call that waits: as a stream from the first, or silent.
    Wait,
}

struct Client {
    session: Session,
    wire: Wire,
    does: Does,
    /// The stream that it listens to, or the response that it waits for.
    open: Option<Wire>,
    /// Whether that has a head, and is a stream.
    streams: bool,
    comments: u64,
}

async fn open(target: &Target) -> Result<Vec<Client>> {
    let (mut opening, mut clients) = (JoinSet::new(), Vec::new());
    for number in 0..SESSIONS {
        opening.spawn(Client::open(target.clone(), number));
        if opening.len() == OPENING {
            clients.push(opening.join_next().await.context("one that opens")???);
        }
    }
    while let Some(client) = opening.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

impl Client {
    async fn open(target: Target, number: usize) -> Result<Self> {
        let mut wire = target.connect().await?;
        let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
        let session = Session::open(&target, &mut wire, revision).await?;
        let does = [Does::Idle, Does::Listen, Does::Wait][number / 3 % 3];
        let (mut open, mut streams) = (None, false);
        if does != Does::Idle {
            let mut stream = target.connect().await?;
            if does == Does::Listen {
                session.listen(&mut stream).await?;
                streams = true;
            } else {
                let speaks = (number / 9).is_multiple_of(2);
                if speaks {
                    session.set_level(&mut wire, "info").await?;
                }
                let gate = call(1, "gate", json!({"name": "frozen", "count": 1}));
                stream.write(&session.post(&gate)).await?;
                if speaks {
                    ensure!(stream.head().await?.is_stream(), "a call that speaks is a stream");
                    streams = true;
                }
            }
            open = Some(stream);
        }
        Ok(Self { session, wire, does, open, streams, comments: 0 })
    }

    async fn touch(&mut self) -> Result<()> {
        self.session.tell(&mut self.wire, "notifications/touched", json!({})).await
    }

    /// Reads what has come, and takes note of how many comments that are.
    async fn take_what_is_there(&mut self) -> Result<()> {
        self.read_until(Instant::now() + Duration::from_millis(2)).await.map(drop)
    }

    /// Reads for a time; how many comments came.
    async fn read_until(&mut self, end: Instant) -> Result<u64> {
        let Some(open) = self.open.as_mut().filter(|_| self.streams) else { return Ok(0) };
        while let Ok(event) = timeout_at(end, open.event()).await {
            event?.context("a stream ended")?;
        }
        let before = std::mem::replace(&mut self.comments, open.comments());
        Ok(self.comments - before)
    }

    async fn echo(&mut self) -> Result<()> {
        let answer = self.session.call(&mut self.wire, 3, "echo", json!({"text": "here"})).await?;
        ensure!(answer.text()? == "here", "{answer:?}");
        Ok(())
    }

    /// The answer of the call that waited.
    async fn answer(&mut self) -> Result<Option<Value>> {
        let mut open = self.open.take().context("a response")?;
        if !self.streams {
            let head = open.head().await?;
            return Ok(Answer::read(&mut open, head).await?.answer);
        }
        let mut answer = None;
        while let Some(event) = open.event().await? {
            answer = event.message()?.filter(|message| message.get("method").is_none()).or(answer);
        }
        Ok(answer)
    }
}

/// A request of which a part comes before the process stops, and the rest meanwhile: of its head,
/// or of its body.
struct Half {
    wire: Wire,
    rest: Vec<u8>,
}

impl Half {
    async fn begin(target: &Target, number: usize) -> Result<Self> {
        let mut wire = target.connect().await?;
        let mut request = target.modern_call(1, "echo", json!({"text": "half"}));
        let at = if number.is_multiple_of(2) { 40 } else { request.len() - 20 };
        let rest = request.split_off(at);
        wire.write(&request).await?;
        Ok(Self { wire, rest })
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(self.wire.write(&self.rest).await?)
    }

    async fn answer(mut self) -> Result<()> {
        let head = self.wire.head().await?;
        let answer = Answer::read(&mut self.wire, head).await?;
        ensure!(answer.status() == 200 && answer.text()? == "half", "{answer:?}");
        Ok(())
    }
}

/// Waits until no thread of a process runs (proc_pid_stat(5)).
async fn stands_still(pid: u32) -> Result<()> {
    for _ in 0..1_000 {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"))?;
        let mut stopped = true;
        for thread in threads {
            let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
            stopped &= stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T"));
        }
        if stopped {
            return Ok(());
        }
        sleep(Duration::from_millis(5)).await;
    }
    anyhow::bail!("it does not stop");
}

async fn meanwhile_is_answered(run: &mut Run, asked: Vec<&mut Client>, halves: Vec<Half>) {
    let (mut answered, mut finished, mut error) = (0, 0, None);
    for client in asked {
        let read = async {
            let head = client.wire.head().await?;
            let answer = Answer::read(&mut client.wire, head).await?;
            ensure!(answer.text()? == "meanwhile", "{answer:?}");
            Ok(())
        };
        match read.await {
            Ok(()) => answered += 1,
            Err(failed) => error = Some(failed),
        }
    }
    for half in halves {
        match half.answer().await {
            Ok(()) => finished += 1,
            Err(failed) => error = Some(failed),
        }
    }
    run.check(
        "what came meanwhile is answered",
        answered == MEANWHILE && finished == MEANWHILE,
        format!(
            "{answered} requests, {finished} that were half sent, of {MEANWHILE} each{}",
            error.map(|error| format!("; {error:#}")).unwrap_or_default()
        ),
    );
}

async fn no_burst(run: &mut Run, clients: &mut [Client], end: Instant) -> Result<()> {
    let read = join_all(clients.iter_mut().map(|client| client.read_until(end))).await;
    let comments = read.into_iter().collect::<Result<Vec<_>>>()?;
    let counts = clients.iter().zip(comments).filter(|(client, _)| client.streams);
    let counts: Vec<_> = counts.map(|(_, count)| count).collect();
    let of = |count| counts.iter().filter(|it| **it == count).count();
    run.check(
        "a stream has its heartbeat, and no burst of them",
        counts.iter().all(|count| *count <= 2),
        format!(
            "of {} streams {} had none within a second, {} one, {} two, the most {:?}",
            counts.len(),
            of(0),
            of(1),
            of(2),
            counts.iter().max()
        ),
    );
    Ok(())
}

async fn no_session_is_lost(
    run: &mut Run,
    subject: &Subject,
    clients: &mut [Client],
) -> Result<()> {
    let (mut live, mut error) = (0, None);
    for echo in join_all(clients.iter_mut().map(Client::echo)).await {
        match echo {
            Ok(()) => live += 1,
            Err(failed) => error = Some(failed),
        }
    }
    let expired = subject.stats().await?["sessions_expired"].clone();
    run.check(
        "no session is lost",
        live == SESSIONS && expired == 0,
        format!(
            "{live} of {SESSIONS} answer, {expired} expired, after {FROZEN:?} with a limit of \
             {IDLE:?}{}",
            error.map(|error| format!("; {error:#}")).unwrap_or_default()
        ),
    );
    Ok(())
}

async fn calls_go_on(
    run: &mut Run,
    subject: &Subject,
    clients: &mut [Client],
    waiting: usize,
) -> Result<()> {
    for _ in 0..waiting {
        subject.release("frozen").await?;
    }
    let calling = clients.iter_mut().filter(|client| client.does == Does::Wait);
    let answers = join_all(calling.map(Client::answer)).await;
    let (mut answered, mut other) = (0, None);
    for answer in answers {
        match answer {
            Ok(Some(answer)) if answer["result"]["content"][0]["text"] == "1" => answered += 1,
            Ok(answer) => other = Some(format!("{answer:?}")),
            Err(error) => other = Some(format!("{error:#}")),
        }
    }
    run.check(
        "calls that waited are answered",
        answered == waiting,
        format!("{answered} of {waiting}{}", other.map(|it| format!("; {it}")).unwrap_or_default()),
    );
    Ok(())
}

/// The limit that did not count the time that stood still counts time.
async fn idle_sessions_still_expire(
    run: &mut Run,
    subject: &Subject,
    clients: Vec<Client>,
) -> Result<()> {
    let begun = Instant::now();
    drop(clients);
    subject.wait_stat("sessions", 0, 4 * IDLE).await?;
    let expired = subject.stats().await?["sessions_expired"].clone();
    run.check(
        "sessions that idle in time that passes expire",
        expired == SESSIONS,
        format!("{expired} of {SESSIONS} after {:.1} s", begun.elapsed().as_secs_f64()),
    );
    Ok(())
}
