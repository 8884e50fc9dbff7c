//! The options of `serve()`, and the start.

use std::{any::Any, error::Error, io, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, service::Service};
use tokio::net::{TcpListener, ToSocketAddrs};

use super::{
    accept::Acceptor,
    running::Running,
    shutdown::{GRACE, ShutdownSignal},
};
use crate::http::service::McpService;

/// Serves a hyper service on a TCP listener, HTTP/1.1 and HTTP/2 (with prior knowledge, "h2c") on
/// one port.
///
/// ```no_run
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use hyper::{body::Incoming, service::service_fn};
/// use mcp_http::serve;
///
/// # async fn main_() -> std::io::Result<()> {
/// let service = service_fn(async |_: Request<Incoming>| {
///     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("hello"))))
/// });
/// let running = serve(service).bind("127.0.0.1:8080").await?;
/// println!("http://{}", running.local_addr());
/// running.until_signal().await?; // SIGTERM or Ctrl-C, then a graceful shutdown
/// # Ok(())
/// # }
/// ```
///
/// Every request carries a [`PeerAddr`](crate::PeerAddr) and a [`ShutdownSignal`] in its
/// extensions.
///
/// # Limits
///
/// The deadlines and the number of connections are options, each with its default. Fixed are:
///
/// - a head of 32 KiB, in HTTP/1.1 of 100 fields; beyond them the answer is 431;
/// - what waits to be written: 32 KiB a connection over HTTP/1.1 and a stream over HTTP/2, and one
///   frame of the body beyond;
/// - 1,000 streams at once on an HTTP/2 connection, which is pinged every 30 s and has 20 s to
///   answer.
///
/// A request is *in flight* from the call of the service to the end of its response's body. While
/// one is, no deadline of the connection runs but that for writes that wait: streams last as long
/// as they like, and the time that a request's body may take is the service's to limit.
///
/// A head that is not HTTP gets a 400, and its connection ends.
pub fn serve<S, B>(service: S) -> Serve<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
{
    Serve { service, limits: Limits::default() }
}

/// A server that has not been started: the options of [`serve()`].
///
/// ```no_run
/// use std::time::Duration;
/// use mcp_http::{McpService, Server, serve};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let service = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
/// let running = serve(service)
///     .max_connections(2_000)
///     .shutdown_deadline(Duration::from_secs(25)) // the platform grants 30 s
///     .bind("0.0.0.0:8080")
///     .await?;
/// running.until_signal().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a server does nothing until it has a listener"]
pub struct Serve<S> {
    service: S,
    limits: Limits,
}

/// The values of the options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) first_byte: Duration,
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) write_stall: Duration,
    pub(super) shutdown: Duration,
    pub(super) connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(650),
            write_stall: Duration::from_secs(30),
            shutdown: GRACE,
            connections: 10_000,
        }
    }
}

impl<S> Serve<S> {
    /// How long an accepted connection may send nothing. 10 s by default; then it is closed.
    pub fn first_byte_timeout(mut self, limit: Duration) -> Self {
        self.limits.first_byte = limit;
        self
    }

    /// How long a request's head may take from its first byte to its end. 10 s by default; then
    /// the answer is 408 and the connection is closed.
    ///
    /// Over HTTP/2 it limits the connection preface alone: a peer that stops inside a head does
    /// not answer pings either, and ends by those.
    pub fn head_timeout(mut self, limit: Duration) -> Self {
        self.limits.head = limit;
        self
    }

    /// How long a connection is kept with no request in flight. 650 s by default.
    ///
    /// It must be longer than the load balancer keeps its side (Google Cloud's: 600 s, and a
    /// server is told to take 620 s), or the balancer now and then sends a request into a
    /// connection that has just been closed, and answers 502.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.limits.idle = limit;
        self
    }

    /// How long a write may wait without the peer taking a byte. 30 s by default; then the
    /// connection is closed and the bodies of its responses are dropped. See
    /// [`WriteDeadline`](crate::WriteDeadline).
    ///
    /// Over HTTP/2 this sees a peer that stops reading its connection, and not one that holds a
    /// single stream back by flow control.
    pub fn write_stall_timeout(mut self, limit: Duration) -> Self {
        self.limits.write_stall = limit;
        self
    }

    /// How many connections may be open at once. 10,000 by default.
    ///
    /// One more is answered `503` with `Retry-After: 1` and a JSON-RPC error, and closed, whatever
    /// it asks for. (In
    /// HTTP/1.1, also to a peer that speaks HTTP/2.) Of such refusals 100 are under way at once;
    /// what comes beyond them is closed without waiting for its request.
    pub fn max_connections(mut self, limit: usize) -> Self {
        self.limits.connections = limit;
        self
    }

    /// How long a shutdown waits for the requests in flight. 8 s by default, because Cloud Run
    /// kills 10 s after SIGTERM; then what is left is aborted.
    pub fn shutdown_deadline(mut self, limit: Duration) -> Self {
        self.limits.shutdown = limit;
        self
    }
}

impl<S, B> Serve<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Listens on an address and starts. Port 0 takes a free one, which
    /// [`Running::local_addr`] tells.
    ///
    /// # Errors
    ///
    /// When the address cannot be resolved or bound.
    ///
    /// # Cancel safety
    ///
    /// Nothing has been started when the future is dropped.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has I/O and time enabled.
    pub async fn bind(self, addr: impl ToSocketAddrs) -> io::Result<Running> {
        self.listener(TcpListener::bind(addr).await?)
    }

    /// Starts on a listener that is there already: `tokio`'s, or `std`'s, which is switched to
    /// non-blocking.
    ///
    /// # Errors
    ///
    /// When the listener cannot be made non-blocking or has no local address.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has I/O and time enabled.
    pub fn listener(self, listener: impl IntoListener) -> io::Result<Running> {
        let listener = listener.into_listener()?;
        let local_addr = listener.local_addr()?;
        let signal = ShutdownSignal::with_grace(self.limits.shutdown);
        // Others that have one inside are linked by the first request that reaches it.
        if let Some(service) = (&self.service as &dyn Any).downcast_ref::<McpService>() {
            service.link(&signal);
        }
        let acceptor = Acceptor::new(listener, self.service, self.limits, signal.clone());
        Ok(Running::new(local_addr, signal, tokio::spawn(acceptor.run())))
    }
}

/// A listener that [`Serve::listener`] takes: `tokio`'s or `std`'s. Sealed.
///
/// ```
/// use mcp_http::{McpService, Server, serve};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let service = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
/// let inherited = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let running = serve(service).listener(inherited)?;
/// # running.shutdown().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait IntoListener: sealed::Sealed {}

impl IntoListener for TcpListener {}
impl IntoListener for std::net::TcpListener {}

mod sealed {
    use std::io;

    use tokio::net::TcpListener;

    pub trait Sealed {
        fn into_listener(self) -> io::Result<TcpListener>;
    }

    impl Sealed for TcpListener {
        fn into_listener(self) -> io::Result<TcpListener> {
            Ok(self)
        }
    }

    impl Sealed for std::net::TcpListener {
        fn into_listener(self) -> io::Result<TcpListener> {
            self.set_nonblocking(true)?;
            TcpListener::from_std(self)
        }
    }
}
