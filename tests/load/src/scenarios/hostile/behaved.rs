//! Clients that do as they should, and how they fare.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::{Answer, Revision, Session, Target, call};
use crate::wire::Wire;

const CLIENTS: usize = 24;
const PAUSE: Duration = Duration::from_millis(20);

/// How many messages come before the answer of a call that speaks.
const MESSAGES: u64 = 10;

/// How many at a time a call may be put off, and for how long its client waits at most each time.
const PATIENCE: usize = 120;
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What became of their calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Served {
    pub(super) calls: usize,
    /// How often a call was refused for now.
    pub(super) put_off: usize,
    /// How many log messages had no room, and were told to be missing.
    pub(super) dropped: u64,
    pub(super) errors: Vec<String>,
    millis: Vec<f64>,
}

impl Served {
    /// What was added since another moment.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls - earlier.calls,
            put_off: self.put_off - earlier.put_off,
            dropped: self.dropped - earlier.dropped,
            errors: self.errors[earlier.errors.len()..].to_vec(),
            millis: self.millis[earlier.millis.len()..].to_vec(),
        }
    }

    /// How many milliseconds this share of the calls took at most.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let mut millis = self.millis.clone();
        millis.sort_by(f64::total_cmp);
        let at = (millis.len() as f64 * share) as usize;
        millis.get(at.min(millis.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls, p50 {:.1} ms, p99 {:.1} ms, put off {} times, {} messages dropped, {} \
             failed",
            self.calls,
            self.quantile(0.5),
            self.quantile(0.99),
            self.put_off,
            self.dropped,
            self.errors.len()
        )
    }
}

/// Clients that call until they are told to end.
pub(super) struct Behaved {
    shared: Arc<Shared>,
    clients: JoinSet<Result<()>>,
}

#[derive(Default)]
struct Shared {
    served: Mutex<Served>,
    ending: AtomicBool,
}

impl Behaved {
    /// Half of them are of the legacy era, and half of the calls speak before they answer.
    pub(super) async fn begin(target: &Target) -> Result<Self> {
        let (shared, mut clients) = (Arc::<Shared>::default(), JoinSet::new());
        for number in 0..CLIENTS {
            let mut client = Client::begin(target, number).await?;
            let shared = Arc::clone(&shared);
            clients.spawn(async move {
                while !shared.ending.load(Ordering::Relaxed) {
                    client.call(&shared).await;
                    sleep(PAUSE).await;
                }
                client.end().await
            });
        }
        Ok(Self { shared, clients })
    }

    pub(super) fn so_far(&self) -> Served {
        self.shared.served().clone()
    }

    pub(super) async fn end(mut self) -> Served {
        self.shared.ending.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            if let Ok(Err(error)) = ended {
                self.shared.served().errors.push(format!("{error:#}"));
            }
        }
        self.so_far()
    }
}

impl Shared {
    fn served(&self) -> MutexGuard<'_, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Client {
    target: Target,
    wire: Wire,
    session: Option<Session>,
    number: usize,
    calls: usize,
}

enum Called {
    Done { dropped: u64 },
    PutOff(Duration),
}

impl Client {
    async fn begin(target: &Target, number: usize) -> Result<Self> {
        let mut wire = target.connect().await?;
        let mut session = None;
        if number.is_multiple_of(2) {
            let revision = Revision::LEGACY[number / 2 % Revision::LEGACY.len()];
            let opened = Session::open(target, &mut wire, revision).await?;
            opened.set_level(&mut wire, "info").await?;
            session = Some(opened);
        }
        Ok(Self { target: target.clone(), wire, session, number, calls: 0 })
    }

    /// A call, again for as long as it is put off.
    async fn call(&mut self, shared: &Shared) {
        self.calls += 1;
        for _ in 0..PATIENCE {
            let begun = Instant::now();
            let called = self.try_call().await;
            match called {
                Ok(Called::Done { dropped }) => {
                    let millis = begun.elapsed().as_secs_f64() * 1e3;
                    let mut served = shared.served();
                    served.calls += 1;
                    served.dropped += dropped;
                    served.millis.push(millis);
                    return;
                }
                Ok(Called::PutOff(wait)) => {
                    shared.served().put_off += 1;
                    sleep(wait.min(LONGEST_WAIT)).await;
                }
                Err(error) => return self.fail(shared, &error).await,
            }
        }
        shared.served().errors.push(format!("client {}: put off for ever", self.number));
    }

    async fn fail(&mut self, shared: &Shared, error: &anyhow::Error) {
        shared.served().errors.push(format!("client {}: {error:#}", self.number));
        // Not to fail as fast as it can.
        sleep(LONGEST_WAIT).await;
        if let Ok(wire) = self.target.connect().await {
            self.wire = wire;
        }
    }

    async fn try_call(&mut self) -> Result<Called> {
        let speaks = (self.number / 2 + self.calls).is_multiple_of(2);
        let (tool, arguments, text) = match speaks {
            true => ("burst", json!({"count": MESSAGES}), MESSAGES.to_string()),
            false => {
                let text = format!("{}/{}", self.number, self.calls);
                ("echo", json!({"text": text}), text)
            }
        };
        let request = match &self.session {
            Some(session) => session.post(&call(self.calls, tool, arguments)),
            None => {
                let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
                let params = json!({"name": tool, "arguments": arguments});
                self.target.modern(self.calls, "tools/call", params, meta)
            }
        };
        if self.wire.expect_silence().is_err() {
            self.wire = self.target.connect().await?;
        }
        let answer = Answer::to(&mut self.wire, &request).await?;
        if answer.status() == 503 {
            let retry_after =
                answer.head.header("retry-after").context("503 without Retry-After")?;
            return Ok(Called::PutOff(Duration::from_secs(retry_after.parse()?)));
        }
        ensure!(answer.status() == 200 && answer.text()? == text, "{text}: {answer:?}");
        let expected = if speaks { MESSAGES } else { 0 };
        Ok(Called::Done { dropped: whole(&answer.messages, expected)? })
    }

    async fn end(mut self) -> Result<()> {
        if let Some(session) = &self.session {
            session.end(&mut self.wire).await.context("ending a well-behaved session")?;
        }
        Ok(())
    }
}

/// How many of so many messages are missing, all of which must be told.
fn whole(messages: &[Value], expected: u64) -> Result<u64> {
    let (mut came, mut dropped) = (0, 0);
    for message in messages {
        let data = &message["params"]["data"];
        match (data["n"].as_u64(), data["dropped"].as_u64()) {
            (Some(number), None) if number == came + dropped + 1 => came += 1,
            (None, Some(more)) => dropped += more,
            _ => bail!("{message} after {came} messages and {dropped} that were told missing"),
        }
    }
    ensure!(came + dropped == expected, "{came} of {expected} messages, {dropped} told missing");
    Ok(dropped)
}
