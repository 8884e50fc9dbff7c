//! A proxy that cuts connections: after so many bytes of a response, by FIN or by RST, or after a
//! time in total, as load balancers do.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::Target;

/// What becomes of one connection.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// After so many bytes of what the server sent.
    Bytes { pass: u64, way: Way },
    /// The same, but the proxy takes so many bytes more of the server, or what comes within a
    /// second if that is less, and nobody gets them.
    Swallow { pass: u64, swallow: u64, way: Way },
    /// After a time, in which it passes on little at a time; never before so many bytes.
    Time { least: u64, after: Duration },
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// An end like any other, on both sides.
    Fin,
    /// A reset on both sides.
    Reset,
}

/// How much a proxy with a time passes on at once, and how often: so that the time, and not the
/// size of the response, decides where it is cut.
const SIP: usize = 128;
const PAUSE: Duration = Duration::from_millis(1);

/// How long a proxy waits for what it swallows.
const SILENCE: Duration = Duration::from_secs(1);

/// How long the server may take to close its side of a connection that was cut by FIN.
const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy in front of a server. It ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    host: Arc<str>,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    /// What becomes of the next connections. Where there is nothing, one is left alone.
    plans: Mutex<VecDeque<Cut>>,
    cut: AtomicUsize,
}

impl Proxy {
    /// Starts one whose first connections are cut in these ways, one after the other.
    pub async fn start(target: &Target, plans: impl IntoIterator<Item = Cut>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let plans = Mutex::new(plans.into_iter().collect());
        let shared = Arc::new(Shared { plans, ..Shared::default() });
        let accepting = tokio::spawn(accept(listener, target.addr, Arc::clone(&shared)));
        let (host, accepting) = (Arc::clone(&target.host), accepting.abort_handle());
        Ok(Self { addr, host, shared, accepting })
    }

    /// Where the server is reached through it.
    pub fn target(&self) -> Target {
        Target { addr: self.addr, host: Arc::clone(&self.host) }
    }

    /// Has one connection more be cut, after those that are to be.
    pub fn cut_next(&self, cut: Cut) {
        self.shared.plans.lock().unwrap_or_else(PoisonError::into_inner).push_back(cut);
    }

    /// How many connections it has cut.
    pub fn cut(&self) -> usize {
        self.shared.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let plan = shared.plans.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let shared = Arc::clone(&shared);
        // An error is that of one side, and the other sees an end.
        tokio::spawn(async move { relay(client, server, plan, &shared).await });
    }
}

async fn relay(
    mut client: TcpStream,
    server: SocketAddr,
    plan: Option<Cut>,
    shared: &Shared,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        tokio::select! {
            ended = tokio::io::copy(&mut from_client, &mut to_server) => {
                ended?;
                return Ok(());
            }
            passed = pass_on(&mut from_server, &mut to_client, plan) => {
                if passed? == Passed::All {
                    return Ok(());
                }
            }
        }
    }
    // Counted before it is done: who sees the cut sees it counted.
    shared.cut.fetch_add(1, Ordering::Relaxed);
    match plan {
        Some(Cut::Bytes { way: Way::Reset, .. } | Cut::Swallow { way: Way::Reset, .. }) => {
            client.set_zero_linger()?;
            server.set_zero_linger()
        }
        Some(Cut::Time { .. }) | None => Ok(()),
        Some(Cut::Bytes { .. } | Cut::Swallow { .. }) => {
            client.shutdown().await?;
            drop(client);
            server.shutdown().await?;
            // What was not read would make a reset of the end.
            let mut nowhere = tokio::io::sink();
            timeout(PATIENCE, tokio::io::copy(&mut server, &mut nowhere)).await?.map(drop)
        }
    }
}

#[derive(PartialEq)]
enum Passed {
    /// The server has ended the connection.
    All,
    /// As much as it was to be.
    Enough,
}

/// Passes on what the server sends, until the connection is to be cut.
async fn pass_on(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    plan: Option<Cut>,
) -> io::Result<Passed> {
    let end = |whole| if whole { Passed::Enough } else { Passed::All };
    match plan {
        None => tokio::io::copy(from, to).await.map(|_| Passed::All),
        Some(Cut::Bytes { pass, .. }) => copy_exactly(from, to, pass).await.map(end),
        Some(Cut::Swallow { pass, swallow, .. }) => {
            if !copy_exactly(from, to, pass).await? {
                return Ok(Passed::All);
            }
            // A response may end before; its connection then stays silent.
            let mut nowhere = tokio::io::sink();
            let swallowed = timeout(SILENCE, copy_exactly(from, &mut nowhere, swallow)).await;
            swallowed.unwrap_or(Ok(true)).map(end)
        }
        Some(Cut::Time { least, after }) => {
            if !copy_exactly(from, to, least).await? {
                return Ok(Passed::All);
            }
            let until = Instant::now() + after;
            // One sip at least a pause: a machine that is slow passes on less, never more.
            while Instant::now() < until {
                let Ok(copied) = timeout_at(until, copy_some(from, to)).await else { break };
                if copied? == 0 {
                    return Ok(Passed::All);
                }
                tokio::time::sleep(PAUSE).await;
            }
            Ok(Passed::Enough)
        }
    }
}

/// Whether there were so many bytes.
async fn copy_exactly(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    bytes: u64,
) -> io::Result<bool> {
    Ok(tokio::io::copy(&mut from.take(bytes), to).await? == bytes)
}

async fn copy_some(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> io::Result<usize> {
    let mut sip = [0; SIP];
    let count = from.read(&mut sip).await?;
    to.write_all(&sip[..count]).await?;
    Ok(count)
}
