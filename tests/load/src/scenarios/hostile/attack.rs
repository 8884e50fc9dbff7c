//! Peers that are slow or mean harm.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::streams;
use crate::client::{Answer, Revision, Session, Target, call};
use crate::wire::Wire;

/// How an attacker attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asks for a stream with much to say, and reads nothing.
    DeafStream,
    /// Asks for a large answer, and reads nothing.
    DeafAnswer,
    /// Opens many such streams on one connection of HTTP/2, and grants them no window.
    DeafHttp2,
    /// Sends a head, byte by byte.
    SlowHead,
    /// Sends a body, byte by byte.
    SlowBody,
    /// Sends nothing, or says that it will send no more while its call goes on, or asks for a
    /// stream and never answers a probe.
    HalfOpen,
    /// Opens sessions as fast as it can, and forgets them.
    Initialize,
}

const KINDS: [Kind; 7] = [
    Kind::DeafStream,
    Kind::DeafAnswer,
    Kind::DeafHttp2,
    Kind::SlowHead,
    Kind::SlowBody,
    Kind::HalfOpen,
    Kind::Initialize,
];

/// What a deaf reader asks for, over some seconds. A few hundred of them ask for more than the
/// server may hold; and to say it must not be all that the server can do.
const MESSAGES: u64 = 60;
const BYTES: u64 = 4 * 1024;
const EVERY_US: u64 = 80_000;
const ANSWER: u64 = 1024 * 1024;

/// How long an attacker stays at most before it begins anew.
pub(super) const STAY: Duration = Duration::from_secs(12);

/// How long it waits before that.
const AGAIN: Duration = Duration::from_secs(1);

/// Small, so that the sockets hold little of what is not read.
const RECEIVE_BUFFER: u32 = 4 * 1024;

impl Kind {
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::DeafStream => "streams that are not read",
            Self::DeafAnswer => "answers of 1 MiB that are not read",
            Self::DeafHttp2 => "connections of HTTP/2 with 50 streams each that are not read",
            Self::SlowHead => "heads byte by byte",
            Self::SlowBody => "bodies byte by byte",
            Self::HalfOpen => "half-open peers",
            Self::Initialize => "floods of initialize",
        }
    }
}

/// All attackers together.
pub(super) struct Attack {
    pub(super) target: Target,
    over: watch::Sender<bool>,
    begun: [AtomicU64; KINDS.len()],
    failed: [AtomicU64; KINDS.len()],
}

impl Attack {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            over: watch::Sender::new(false),
            begun: Default::default(),
            failed: Default::default(),
        }
    }

    pub(super) fn end(&self) {
        self.over.send_replace(true);
    }

    /// How often each attack was begun, and how often something (a refusal, a deadline) ended it.
    pub(super) fn summary(&self) -> String {
        let mut text = String::new();
        for kind in KINDS {
            let count = |of: &[AtomicU64]| of[kind as usize].load(Ordering::Relaxed);
            let (begun, failed) = (count(&self.begun), count(&self.failed));
            let _ = write!(text, "{kind:?} {begun} times, ended by the server {failed} times; ");
        }
        text
    }

    /// One attacker, until the attack is over.
    pub(super) async fn run(self: Arc<Self>, kind: Kind, number: usize) {
        let mut over = self.over.subscribe();
        // Not all in the same moment.
        sleep(Duration::from_millis(number as u64 % 1_000)).await;
        while !*over.borrow() {
            self.begun[kind as usize].fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                _ = over.wait_for(|over| *over) => return,
                ended = self.attack(kind, number) => {
                    self.failed[kind as usize].fetch_add(u64::from(ended.is_err()), Ordering::Relaxed);
                }
            }
            // What is refused at once is not to be all that the server does.
            sleep(AGAIN).await;
        }
    }

    async fn attack(&self, kind: Kind, number: usize) -> Result<()> {
        match kind {
            Kind::DeafStream => self.deaf_stream(number).await,
            Kind::DeafAnswer => {
                let call = self.target.modern_call(1, "big", json!({"bytes": ANSWER}));
                self.ask_and_never_read(&call).await
            }
            Kind::DeafHttp2 => streams::attack(&self.target, number).await,
            Kind::SlowHead => {
                let head = format!("POST /mcp HTTP/1.1\r\nX-Long: {}\r\n", "x".repeat(1_000));
                self.byte_by_byte(b"", head.as_bytes()).await
            }
            Kind::SlowBody => {
                let call = self.target.modern_call(1, "echo", json!({"text": "x".repeat(1_000)}));
                let (now, slowly) = call.split_at(call.len() - 1_000);
                self.byte_by_byte(now, slowly).await
            }
            Kind::HalfOpen => self.half_open(number).await,
            Kind::Initialize => self.initialize().await,
        }
    }

    /// In turn of both eras.
    async fn deaf_stream(&self, number: usize) -> Result<()> {
        let arguments = burst();
        if number.is_multiple_of(2) {
            let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
            let params = json!({"name": "burst", "arguments": arguments});
            let call = self.target.modern(1, "tools/call", params, meta);
            return self.ask_and_never_read(&call).await;
        }
        let mut wire = self.target.connect().await?;
        let revision = Revision::LEGACY[number / 2 % Revision::LEGACY.len()];
        let session = Session::open(&self.target, &mut wire, revision).await?;
        session.set_level(&mut wire, "info").await?;
        self.ask_and_never_read(&session.post(&call(1, "burst", arguments))).await
    }

    async fn ask_and_never_read(&self, request: &[u8]) -> Result<()> {
        let mut stream = self.connect().await?;
        stream.write_all(request).await?;
        sleep(STAY).await;
        Ok(())
    }

    /// # Errors
    ///
    /// When the server has had enough.
    async fn byte_by_byte(&self, now: &[u8], slowly: &[u8]) -> Result<()> {
        let mut stream = self.connect().await?;
        stream.write_all(now).await?;
        for byte in slowly {
            stream.write_all(&[*byte]).await?;
            let answered = timeout(Duration::from_millis(100), stream.read_u8()).await;
            ensure!(answered.is_err(), "answered before the end");
        }
        Ok(())
    }

    async fn half_open(&self, number: usize) -> Result<()> {
        let mut stream = self.connect().await?;
        match number % 3 {
            0 => {}
            1 => {
                let call = self.target.modern_call(1, "sleep", json!({"ms": 600_000}));
                stream.write_all(&call).await?;
                stream.shutdown().await?;
            }
            _ => {
                // The preface of HTTP/2 and its empty settings; no ping will be answered.
                stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
            }
        }
        let closed = async {
            while stream.read(&mut [0; 256]).await? > 0 {}
            anyhow::bail!("closed by the server")
        };
        timeout(STAY, closed).await.unwrap_or(Ok(()))
    }

    async fn initialize(&self) -> Result<()> {
        let mut wire = Wire::connect(self.target.addr).await?;
        let request = self.target.initialize(Revision::V2025_11_25);
        loop {
            let answer = Answer::to(&mut wire, &request).await?;
            ensure!(matches!(answer.status(), 200 | 503), "{answer:?}");
            if answer.status() == 503 {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn connect(&self) -> Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        Ok(socket.connect(self.target.addr).await?)
    }
}

/// The arguments of a call that says much.
pub(super) fn burst() -> serde_json::Value {
    json!({"count": MESSAGES, "bytes": BYTES, "every_us": EVERY_US})
}
