//! A server that runs, and how it ends.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::{Pin, pin},
};

use futures::future::{Either, select};
use tokio::task::JoinHandle;

use super::shutdown::ShutdownSignal;

/// A server that runs, as [`Serve::bind`](crate::Serve::bind) gives it.
///
/// A shutdown stops accepting and closes the listener, triggers the
/// [`ShutdownSignal`] of every request, closes the connections that have none in flight, waits
/// for the others, and for [tasks](crate::TaskSupport) that were begun by them, until the
/// [deadline](crate::Serve::shutdown_deadline), and aborts what is left.
///
/// Dropping this begins a shutdown, which goes on in the background for as long as the runtime
/// runs; nothing waits for it.
///
/// ```
/// use mcp_http::{McpService, Server, serve};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let service = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
/// let running = serve(service).bind("127.0.0.1:0").await?;
/// println!("http://{}/mcp", running.local_addr());
/// let drained = running.shutdown().await?; // a server that is to run on: until_signal()
/// assert_eq!(drained.aborted, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a running server shuts it down"]
pub struct Running {
    local_addr: SocketAddr,
    signal: ShutdownSignal,
    state: State,
}

enum State {
    Running(JoinHandle<Drained>),
    Ended(Drained),
}

/// How a shutdown went.
///
/// ```no_run
/// # async fn run(running: mcp_http::Running) -> std::io::Result<()> {
/// let drained = running.until_signal().await?;
/// if drained.aborted > 0 {
///     eprintln!("{} connections were cut", drained.aborted);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// The connections that were still open at the deadline, and were aborted.
    pub aborted: usize,
}

impl Running {
    pub(super) fn new(
        local_addr: SocketAddr,
        signal: ShutdownSignal,
        task: JoinHandle<Drained>,
    ) -> Self {
        Self { local_addr, signal, state: State::Running(task) }
    }

    /// The address that the server listens on, with the port that it was given for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Tells the begin of the shutdown to what is not a request: background work, a health check.
    pub fn shutdown_signal(&self) -> ShutdownSignal {
        self.signal.clone()
    }

    /// Begins the shutdown and returns at once; [`ended`](Self::ended) waits for its end.
    pub fn begin_shutdown(&self) {
        self.signal.trigger();
    }

    /// Waits until the server has ended. Something else must end it.
    ///
    /// # Errors
    ///
    /// When the runtime was shut down first.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again, also after the end.
    pub async fn ended(&mut self) -> io::Result<Drained> {
        if let State::Running(task) = &mut self.state {
            self.state = State::Ended(Pin::new(task).await?);
        }
        match self.state {
            State::Ended(drained) => Ok(drained),
            State::Running(_) => unreachable!("the state was set above"),
        }
    }

    /// Shuts down and waits for the end, at most until the
    /// [deadline](crate::Serve::shutdown_deadline).
    ///
    /// # Errors
    ///
    /// When the runtime was shut down first.
    ///
    /// # Cancel safety
    ///
    /// A shutdown that has begun goes on when the future is dropped.
    pub async fn shutdown(mut self) -> io::Result<Drained> {
        self.begin_shutdown();
        self.ended().await
    }

    /// Runs until the process is told to end by SIGTERM or SIGINT (Ctrl-C), and then shuts down.
    ///
    /// The signals are caught from the call on, before the future is first polled, and for the rest
    /// of the process's life: a second Ctrl-C does not cut the shutdown short. A signal that comes
    /// before is lost on a process that is PID 1, as in most containers, and ends any other; so
    /// call this before you say that the server is there.
    ///
    /// # Errors
    ///
    /// When the signals cannot be caught (the server is then shut down), or the runtime was shut
    /// down first.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has I/O enabled.
    pub fn until_signal(mut self) -> impl Future<Output = io::Result<Drained>> + Send + use<> {
        let signals = Signals::catch();
        async move {
            let told_to_end = pin!(signals?.received());
            match select(told_to_end, pin!(self.ended())).await {
                Either::Left(_) => {}
                Either::Right((ended, _)) => return ended,
            }
            self.shutdown().await
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.begin_shutdown();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// The signals that tell a process to end.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    async fn received(mut self) {
        use std::{future::poll_fn, task::Poll};

        poll_fn(|cx| match (self.terminate.poll_recv(cx), self.interrupt.poll_recv(cx)) {
            (Poll::Pending, Poll::Pending) => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

#[cfg(not(unix))]
impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn received(self) {
        // If it cannot be caught, the process ends by it.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
