//! Notifications to all sessions race empty replies, aborts and DELETEs: nothing panics, no byte
//! follows the end of a response, and each answer goes to the one who asked, though all ask under
//! the id 1.
//!
//! This is the crash of a gateway in which whoever forwarded a notification wrote to a response
//! that someone else had finished.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Answer, Revision, Session, Target, call, notification};
use crate::random::Random;
use crate::report::Run;
use crate::sse::Event;
use crate::subject::Subject;
use crate::wire::Wire;

const CLIENTS: u64 = 64;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let times = run.scale.of(100_000, 1_000_000);
    let seed = Random::seed();
    run.say(format!("seed {seed}"));
    let mut subject = Subject::start(&["--log-messages", "64"]).await?;
    let shared = Arc::new(Shared {
        target: subject.target(),
        left: AtomicU64::new(times),
        over: AtomicBool::new(false),
        announced: AtomicU64::new(0),
        notified: AtomicU64::new(0),
        counts: Default::default(),
    });
    let announcer = tokio::spawn(announce(Arc::clone(&shared)));
    let (mut clients, mut random) = (JoinSet::new(), Random::new(seed));
    for number in 0..CLIENTS {
        clients.spawn(client(Arc::clone(&shared), number, random.fork()));
    }
    let mut errors = Vec::new();
    while let Some(done) = clients.join_next().await {
        errors.extend(done?.err());
    }
    shared.over.store(true, Ordering::Relaxed);
    announcer.await??;
    let (announced, notified) = (get(&shared.announced), get(&shared.notified));
    let error = errors.first().map(|error| format!("; {} failed: {error:#}", errors.len()));
    let figures = format!(
        "{} in {:.0} s{}",
        shared.counts,
        run.elapsed().as_secs_f64(),
        error.unwrap_or_default()
    );
    run.check(
        "every answer to the one who asked, no byte after an end",
        errors.is_empty(),
        figures,
    );
    run.check(
        "notifications to all went on meanwhile",
        announced > 0 && notified > 0,
        format!("{announced} times to all of {CLIENTS} sessions, {notified} came"),
    );
    let health = subject.expect_health().map_err(|error| format!("{error:#}"));
    run.check("no panic", health.is_ok(), health.err().unwrap_or_else(|| "none".into()));
    // Calls whose clients left run on to their end; then nothing is left.
    for figure in ["sessions", "calls_in_flight", "bytes_held"] {
        subject.wait_stat(figure, 0, Duration::from_secs(20)).await?;
    }
    subject.stop(Duration::from_secs(20)).await?;
    Ok(())
}

/// What all clients share.
struct Shared {
    target: Target,
    /// How many steps are still to be made.
    left: AtomicU64,
    over: AtomicBool,
    announced: AtomicU64,
    notified: AtomicU64,
    counts: Counts,
}

/// How often what was done.
#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    streamed: AtomicU64,
    empty: AtomicU64,
    aborted: AtomicU64,
    listened: AtomicU64,
    deleted: AtomicU64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} calls answered as JSON, {} as streams, {} empty replies, {} aborts, {} streams \
             opened, {} sessions deleted",
            get(&self.calls),
            get(&self.streamed),
            get(&self.empty),
            get(&self.aborted),
            get(&self.listened),
            get(&self.deleted),
        )
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// Announces to all sessions, again and again.
async fn announce(shared: Arc<Shared>) -> Result<()> {
    const TIMES: u64 = 4;
    let host = &shared.target.host;
    let request = format!("GET /control/notify?times={TIMES} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut wire = shared.target.connect().await?;
    while !shared.over.load(Ordering::Relaxed) {
        let head = wire.send(request.as_bytes()).await?;
        let body = wire.rest().await?;
        ensure!(head.status == 200, "/control/notify: {}", String::from_utf8_lossy(&body));
        shared.announced.fetch_add(TIMES, Ordering::Relaxed);
        // The clients must have a turn: an announcement is done sooner than any of their steps.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn client(shared: Arc<Shared>, number: u64, random: Random) -> Result<()> {
    let revision = Revision::LEGACY[number as usize % Revision::LEGACY.len()];
    let mut client = Client::open(&shared, revision, number, random).await?;
    let take = |left: u64| left.checked_sub(1);
    while shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        let step = client.step().await;
        if step.is_err() {
            // What is wrong once need not be shown a million times.
            shared.left.store(0, Ordering::Relaxed);
        }
        step.with_context(|| format!("client {number}, {revision}, after {} calls", client.calls))?;
    }
    client.delete().await
}

/// A client: one session, two connections to call over, one that holds the stream.
struct Client<'a> {
    shared: &'a Shared,
    number: u64,
    random: Random,
    session: Session,
    wires: [Wire; 2],
    stream: Stream<'a>,
    calls: u64,
}

impl<'a> Client<'a> {
    async fn open(
        shared: &'a Shared,
        revision: Revision,
        number: u64,
        random: Random,
    ) -> Result<Self> {
        let target = &shared.target;
        let mut wires = [target.connect().await?, target.connect().await?];
        let session = Session::open(target, &mut wires[0], revision).await?;
        session.set_level(&mut wires[0], "info").await?;
        let stream = Stream::open(shared, &session).await?;
        Ok(Self { shared, number, random, session, wires, stream, calls: 0 })
    }

    async fn step(&mut self) -> Result<()> {
        match self.random.between(0, 100) {
            0..40 => self.call_twice_at_once().await,
            40..60 => self.empty_reply().await,
            60..75 => self.streamed_call().await,
            75..90 => self.abort().await,
            90..94 => self.listen_anew().await,
            94..97 => self.take_over().await,
            _ => {
                self.delete().await?;
                let random = self.random.fork();
                let revision = self.session.revision;
                let calls = self.calls;
                *self = Self::open(self.shared, revision, self.number, random).await?;
                self.calls = calls;
                Ok(())
            }
        }
    }

    /// A text that no other call has.
    fn text(&mut self) -> String {
        self.calls += 1;
        format!("{}/{}", self.number, self.calls)
    }

    /// Two calls of one session over two connections, both under the id 1.
    async fn call_twice_at_once(&mut self) -> Result<()> {
        let texts = [self.text(), self.text()];
        let (tool, arguments) = match self.random.between(0, 3) {
            0 => ("sleep", json!({"ms": 1})),
            _ => ("echo", json!({})),
        };
        let arguments = |text: &str| {
            let mut arguments = arguments.clone();
            arguments["text"] = text.into();
            arguments
        };
        let [one, two] = &mut self.wires;
        let both = futures::future::join(
            self.session.call(one, 1, tool, arguments(&texts[0])),
            self.session.call(two, 1, tool, arguments(&texts[1])),
        );
        let (one, two) = self.stream.during(both).await?;
        for (answer, text) in [(one?, &texts[0]), (two?, &texts[1])] {
            expect_answer(&answer, text, 0)?;
            add(&self.shared.counts.calls);
        }
        Ok(())
    }

    /// What is answered with 202 and no body.
    async fn empty_reply(&mut self) -> Result<()> {
        let body = match self.random.between(0, 3) {
            0 => notification("notifications/roots/list_changed", json!({})),
            1 => notification("notifications/cancelled", json!({"requestId": "none"})),
            _ => json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string(),
        };
        let request = self.session.post(&body);
        let answer = self.stream.during(Answer::to(&mut self.wires[0], &request)).await??;
        ensure!(answer.status() == 202 && answer.answer.is_none(), "{body} got {answer:?}");
        add(&self.shared.counts.empty);
        Ok(())
    }

    /// A call that speaks before it answers.
    async fn streamed_call(&mut self) -> Result<()> {
        let (text, count) = (self.text(), self.random.between(1, 5));
        let arguments = json!({"count": count, "text": text});
        let asked = self.session.call(&mut self.wires[1], 1, "burst", arguments);
        let answer = self.stream.during(asked).await??;
        expect_answer(&answer, &text, count)?;
        add(&self.shared.counts.streamed);
        Ok(())
    }

    /// A request whose client leaves: at once, or in the middle of the response.
    async fn abort(&mut self) -> Result<()> {
        let text = self.text();
        let arguments = json!({"count": 3, "text": text, "every_us": 50});
        let request = self.session.post(&match self.random.between(0, 3) {
            0 => call(1, "echo", json!({"text": text})),
            1 => call(1, "burst", arguments),
            _ => notification("notifications/roots/list_changed", json!({})),
        });
        let fresh = self.shared.target.connect().await?;
        let which = self.random.between(0, 2) as usize;
        let mut wire = std::mem::replace(&mut self.wires[which], fresh);
        wire.expect_silence()?;
        wire.write(&request).await?;
        if self.random.between(0, 2) == 0 {
            self.stream.during(wire.head()).await??;
        }
        end_somehow(&mut self.random, wire).await;
        add(&self.shared.counts.aborted);
        Ok(())
    }

    /// The stream's connection breaks while it is written to, and the client comes back.
    async fn listen_anew(&mut self) -> Result<()> {
        let fresh = Stream::open(self.shared, &self.session);
        if self.random.between(0, 2) == 0 {
            let old = std::mem::replace(&mut self.stream, fresh.await?);
            end_somehow(&mut self.random, old.wire).await;
        } else {
            // The server still has the one that breaks when the next one comes.
            let fresh = self.shared.target.connect().await?;
            let old = std::mem::replace(&mut self.stream.wire, fresh);
            end_somehow(&mut self.random, old).await;
            self.stream = Stream::open(self.shared, &self.session).await?;
        }
        add(&self.shared.counts.aborted);
        Ok(())
    }

    /// A second connection takes the stream, and the first ends cleanly.
    async fn take_over(&mut self) -> Result<()> {
        let fresh = Stream::open(self.shared, &self.session).await?;
        std::mem::replace(&mut self.stream, fresh).end().await
    }

    /// Ends the session while it is notified: the stream ends cleanly, and so do all connections.
    async fn delete(&mut self) -> Result<()> {
        let request = self.session.delete();
        let deleted = Answer::to(&mut self.wires[0], &request);
        let answer = self.stream.during_the_end(deleted).await??;
        ensure!(answer.status() == 204, "DELETE: {answer:?}");
        add(&self.shared.counts.deleted);
        let target = &self.shared.target;
        let fresh = Stream { shared: self.shared, wire: target.connect().await?, last: None };
        std::mem::replace(&mut self.stream, fresh).end().await?;
        for wire in &mut self.wires {
            std::mem::replace(wire, target.connect().await?).close().await?;
        }
        Ok(())
    }
}

fn expect_answer(answer: &Answer, text: &str, messages: u64) -> Result<()> {
    ensure!(answer.text()? == text, "{text} was answered with {answer:?}");
    let id = answer.answer.as_ref().map(|answer| &answer["id"]);
    ensure!(id == Some(&json!(1)), "{text} was answered under another id: {answer:?}");
    let said: Vec<_> = answer.messages.iter().map(|m| m["params"]["data"]["n"].as_u64()).collect();
    let expected: Vec<_> = (1..=messages).map(Some).collect();
    ensure!(said == expected, "{text} was to say {messages} messages: {answer:?}");
    Ok(())
}

async fn end_somehow(random: &mut Random, wire: Wire) {
    match random.between(0, 3) {
        0 => wire.reset(),
        1 => wire.cut().await,
        // A FIN, or a reset if something had come that was not read.
        _ => drop(wire),
    }
}

/// A connection that holds the standalone stream.
struct Stream<'a> {
    shared: &'a Shared,
    wire: Wire,
    last: Option<u64>,
}

impl<'a> Stream<'a> {
    async fn open(shared: &'a Shared, session: &Session) -> Result<Self> {
        let mut wire = shared.target.connect().await?;
        session.listen(&mut wire).await?;
        add(&shared.counts.listened);
        Ok(Self { shared, wire, last: None })
    }

    /// Reads what comes while something else is done. The stream must not end meanwhile.
    async fn during<T>(&mut self, other: impl Future<Output = T>) -> Result<T> {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                done = &mut other => return Ok(done),
                event = self.wire.event() => {
                    let event = event.context("the stream that is held")?;
                    self.take(&event.context("the stream ended while it was held")?)?;
                }
            }
        }
    }

    /// The same while the stream may end.
    async fn during_the_end<T>(&mut self, other: impl Future<Output = T>) -> Result<T> {
        let mut other = std::pin::pin!(other);
        loop {
            tokio::select! {
                done = &mut other => return Ok(done),
                event = self.wire.event(), if !self.wire.is_idle() => {
                    if let Some(event) = event? {
                        self.take(&event)?;
                    }
                }
            }
        }
    }

    /// Reads to the end, which must come, and after which nothing may.
    async fn end(mut self) -> Result<()> {
        while let Some(event) = self.wire.event().await.context("the stream that is to end")? {
            self.take(&event)?;
        }
        Ok(self.wire.close().await?)
    }

    /// Nothing but announcements may come, each once and in order.
    fn take(&mut self, event: &Event) -> Result<()> {
        let Some(message) = event.message()? else { return Ok(()) };
        if message["method"] != "notifications/tools/list_changed" || message.get("id").is_some() {
            bail!("the standalone stream said {message}");
        }
        let place = event.id.as_deref().and_then(|id| id.rsplit('-').next()?.parse().ok());
        ensure!(place > self.last, "{:?} came after {:?}", event.id, self.last);
        self.last = place;
        add(&self.shared.notified);
        Ok(())
    }
}
