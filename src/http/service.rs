//! The service: what a user mounts.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::announce::Announced;
use super::body::ResponseBody;
use super::builder::{McpServiceBuilder, Options};
use super::counters::Counters;
use super::drain::Drain;
use super::endpoint;
use super::jitter::Jitter;
use super::modern::SERVER_INFO;
use super::mount::Mount;
use super::observe::RequestSpan;
use super::parked::Parked;
use super::permits::Permits;
use super::serve::ShutdownSignal;
use super::spent::Spent;
use super::stats::Stats;
use super::subscriptions::Subscriptions;
use super::sweeper;
use super::{observe, respond, tasks};
use crate::protocol::change::Notice;
use crate::protocol::head::Head;
use crate::protocol::jsonrpc::Raw;
use crate::protocol::legacy::{Limits, Registry};
use crate::protocol::modern::params::HeaderParams;
use crate::protocol::modern::state::StateKeys;
use crate::protocol::refusal::Refusal;
use crate::protocol::sync::{AtomicBool, AtomicU64, Ordering};
use crate::protocol::time::Millis;
use crate::protocol::version::ProtocolVersion;
use crate::server::{BuildError, RawJson, Server, Tasks};

/// A [`Server`] as an HTTP service: the MCP endpoint.
///
/// It is a hyper [`Service`](hyper::service::Service) over any body, cheap to clone, and all its
/// clones are one: give a clone to each connection. With the feature `tower` it is a
/// `tower::Service` too, which axum mounts with `nest_service`. [`serve`](crate::serve()) runs it
/// on a listener of its own.
///
/// ```
/// use http_body_util::Full;
/// use hyper::service::Service;
/// use mcp_http::{McpService, Server};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let server = Server::builder("demo", "1.0.0").build()?;
/// let service = McpService::builder(server).build()?;
/// let request = http::Request::get("http://localhost/mcp").body(Full::<bytes::Bytes>::default())?;
/// let response = service.call(request).await?;
/// assert_eq!(response.status(), 400); // a GET wants a session
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In axum, with the feature `tower`:
///
#[cfg_attr(feature = "tower", doc = "```")]
#[cfg_attr(not(feature = "tower"), doc = "```ignore")]
/// use axum::{Router, routing::get};
/// use mcp_http::McpService;
///
/// fn router(service: McpService) -> Router {
///     Router::new().route("/health", get(async || "ok")).nest_service("/mcp", service)
/// }
/// ```
///
/// In a hyper server of one's own: see [`WriteDeadline`](crate::WriteDeadline), without which a
/// client that stops reading holds its connection for ever. What such servers put into the
/// extensions of a request reaches [`Admit`](crate::Admit) and the handlers; a
/// [`PeerAddr`](crate::PeerAddr) is theirs to put.
///
/// Building it needs no runtime. Serving does: calls that become streams, and the sweeper that
/// starts with the first session, are tasks of the tokio runtime that the request is served on,
/// whose timers must be enabled.
///
/// # Cancel safety
///
/// If the future of a call is dropped, the client has left: a modern request is cancelled and its
/// handler dropped; a legacy one goes on in a task of its own, and its answer, which the client has
/// no way to ask for, is discarded.
///
/// # Panics
///
/// A request whose answer is a stream, or whose body has to be waited for, panics outside a tokio
/// runtime with timers.
pub struct McpService {
    mount: Arc<Mount>,
    /// What is known of the connection that this one is for: its requests need not carry it.
    connection: Option<Arc<Extensions>>,
}

impl Clone for McpService {
    fn clone(&self) -> Self {
        let mount = Mount::new(Arc::clone(&self.mount.shared));
        Self { mount, connection: self.connection.clone() }
    }
}

impl McpService {
    /// Begins a service for a server.
    pub fn builder(server: Server) -> McpServiceBuilder {
        McpServiceBuilder::new(server)
    }

    pub(crate) fn new(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        if let Some(changes) = shared.server.changes() {
            changes.add(&shared);
        }
        Self { mount: Mount::new(shared), connection: None }
    }

    /// How many legacy sessions live at this moment.
    pub fn sessions(&self) -> usize {
        self.mount.shared.registry.len()
    }

    /// How many bytes of messages the sessions keep for clients that come back. It looks at each
    /// session.
    pub fn log_bytes(&self) -> usize {
        self.mount.shared.registry.sessions().iter().map(|session| session.bytes()).sum()
    }

    /// How many messages of the sessions that live came too late to be sent: after a cancellation,
    /// or after what was lost of their stream had been told. It looks at each session.
    pub fn discarded_messages(&self) -> u64 {
        self.mount.shared.registry.sessions().iter().map(|session| session.discarded()).sum()
    }

    /// How many calls run at this moment.
    pub fn calls_in_flight(&self) -> usize {
        self.mount.shared.calls_in_flight()
    }

    /// The service at this moment, in numbers. It looks at each open stream.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.mount.shared)
    }

    /// Whether new sessions and streams are taken: until the drain begins. It is what a readiness
    /// probe asks.
    pub fn is_ready(&self) -> bool {
        !self.mount.shared.drain.is_draining()
    }

    /// Begins to drain: no new session and no new parked stream, which are answered with 503 and
    /// `Retry-After`; those that are parked end within half of `grace`, each at a moment of its
    /// own and with a hint to come back; the calls in flight finish. Those that have not an eighth
    /// of `grace` before its end, or a second if that is less, are cancelled and answered with an
    /// error that says why. It returns at once. Where `grace` is less than 8 s, a call that waits for
    /// a JSON answer when it begins may be told no sooner than it would have become a stream
    /// ([`commit_after`](McpServiceBuilder::commit_after)).
    ///
    /// [`serve`](crate::serve()) does it by itself when it shuts down, and so does a server of your
    /// own that puts a [`ShutdownSignal`](crate::ShutdownSignal) into the extensions of each request
    /// and triggers it, as on the page of [`WriteDeadline`](crate::WriteDeadline). This is to drain
    /// before anything shuts down, and for good:
    ///
    /// ```
    /// use std::time::Duration;
    /// use mcp_http::{McpService, Server};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let service = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
    /// assert!(service.is_ready());
    /// service.begin_drain(Duration::from_secs(8));
    /// assert!(!service.is_ready());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers.
    pub fn begin_drain(&self, grace: Duration) {
        self.mount.shared.drain.begin(grace);
        self.mount.shared.ensure_sweeper();
    }

    #[cfg(test)]
    pub(crate) fn mount(&self) -> &Arc<Mount> {
        &self.mount
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.mount.shared
    }

    /// Makes this the service of one connection. What is known of that stands in the extensions of
    /// each of its requests, beside what is there already.
    pub(crate) fn serve_connection(&mut self, known: Extensions) {
        self.connection = Some(Arc::new(known));
    }

    /// Has the service drain when a listener shuts down, and count its connections.
    pub(crate) fn link(&self, listener: &ShutdownSignal) {
        self.mount.shared.link(listener);
    }
}

impl fmt::Debug for McpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpService")
            .field("sessions", &self.sessions())
            .field("calls_in_flight", &self.calls_in_flight())
            .finish_non_exhaustive()
    }
}

impl<B> hyper::service::Service<Request<B>> for McpService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<B>) -> ResponseFuture {
        let mount = Arc::clone(&self.mount);
        let (parts, body) = request.into_parts();
        let version = parts.version;
        let hops = mount.shared.options.trusted_hops;
        let head = Arc::new(Head::behind(hops, self.connection.as_ref(), parts));
        let span = RequestSpan::of(&head);
        let response = endpoint::serve(mount, head, body, version);
        ResponseFuture { inner: Box::pin(span.around(response)) }
    }
}

#[cfg(feature = "tower")]
impl<B> tower_service::Service<Request<B>> for McpService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        // What is too much is refused with 503, so that the client learns of it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        hyper::service::Service::call(self, request)
    }
}

/// The future of a response of [`McpService`]. It never fails.
///
/// ```
/// use http_body_util::Full;
/// use mcp_http::{McpService, ResponseFuture};
///
/// fn serve(service: &McpService, request: http::Request<Full<bytes::Bytes>>) -> ResponseFuture {
///     hyper::service::Service::call(service, request)
/// }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    inner: Pin<Box<dyn Future<Output = Response<ResponseBody>> + Send>>,
}

impl Future for ResponseFuture {
    type Output = Result<Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

/// What all requests of a service share.
pub(crate) struct Shared {
    pub(crate) server: Server,
    pub(crate) options: Options,
    pub(crate) registry: Registry,
    pub(super) permits: Permits,
    /// The headers that mirror the parameters of each tool that has any.
    pub(crate) header_params: HashMap<String, HeaderParams>,
    /// How the server names itself in a modern result: as a value, and as the whole `_meta`.
    pub(crate) server_info: Value,
    pub(crate) server_meta: Vec<u8>,
    /// What each era's clients can be told of.
    pub(crate) announced: Announced,
    pub(crate) subscriptions: Subscriptions,
    /// None where no call may become a task.
    pub(crate) tasks: Option<Arc<Tasks>>,
    pub(crate) parked: Arc<Parked>,
    pub(crate) state_keys: StateKeys,
    /// The states of requests that were used up.
    pub(crate) spent: Spent,
    pub(crate) counters: Counters,
    pub(crate) drain: Drain,
    pub(crate) jitter: Jitter,
    pub(super) sweeping: AtomicBool,
    /// When all sessions were last looked at and memory stayed short; 0 if it did not.
    relieved_in_vain: AtomicU64,
    epoch: Instant,
}

impl Shared {
    pub(crate) fn new(
        server: Server,
        options: Options,
        limits: Limits,
        state_keys: StateKeys,
    ) -> Result<Self, BuildError> {
        let mut header_params = HashMap::new();
        for tool in server.tools() {
            let Some(schema) = tool.input_schema() else { continue };
            let params = HeaderParams::from_schema(schema)
                .map_err(|error| BuildError::invalid_tool(tool.name(), error))?;
            if !params.is_empty() {
                header_params.insert(tool.name().to_owned(), params);
            }
        }
        let server_info = json!(server.implementation(ProtocolVersion::LATEST));
        let server_meta = json!({ SERVER_INFO: server_info }).to_string().into_bytes();
        let announced = Announced::new(&server, &options);
        // Where messages are missing, everything may have changed.
        let on_gap = announced.legacy.lists().map(|list| Notice::of(list).message()).collect();
        Ok(Self {
            epoch: Instant::now(),
            registry: Registry::new(limits, on_gap),
            permits: Permits::new(options.max_calls),
            announced,
            subscriptions: Subscriptions::default(),
            tasks: tasks::of(&server),
            parked: Parked::new(options.max_parked_streams),
            server,
            options,
            header_params,
            server_info,
            server_meta,
            state_keys,
            spent: Spent::default(),
            counters: Counters::default(),
            drain: Drain::new(),
            jitter: Jitter::new(),
            relieved_in_vain: AtomicU64::new(0),
            sweeping: AtomicBool::new(false),
        })
    }

    /// Keeps a value of a body for as long as its call runs: shared if the body is small, copied
    /// if it would keep a large one alive.
    pub(crate) fn keep(&self, body: &Bytes, raw: Raw<'_>) -> RawJson {
        const SMALL: usize = 16 * 1024;
        if body.len() <= SMALL { RawJson::slice(body, raw) } else { RawJson::copy(raw) }
    }

    /// The time, as the core counts it.
    pub(crate) fn now(&self) -> Millis {
        Millis(0).after(self.epoch.elapsed())
    }

    /// How many calls run.
    pub(crate) fn calls_in_flight(&self) -> usize {
        self.permits.taken()
    }

    /// Takes note of the listener that a request came by.
    pub(crate) fn link(self: &Arc<Self>, listener: &ShutdownSignal) {
        if !self.drain.is_linked(listener) && self.drain.link(listener) {
            listener.take_along(self);
            self.ensure_sweeper();
        }
    }

    /// Starts the sweeper, if none runs: building a service needs no runtime.
    pub(crate) fn ensure_sweeper(self: &Arc<Self>) {
        if !self.sweeping.swap(true, Ordering::Relaxed) {
            sweeper::spawn(self);
        }
    }

    /// The refusal of a request, counted.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Response<ResponseBody> {
        self.counters.refused(refusal.name());
        observe::refused(self, refusal.status(), refusal.name());
        respond::refusal(refusal)
    }

    /// Whether there is memory for one more call, or session, whose answer may have to be kept. If
    /// there is none, what others left unread goes first.
    pub(crate) fn has_memory(&self) -> bool {
        let budget = self.registry.budget();
        if budget.has_room(0) {
            return true;
        }
        self.relieve();
        budget.has_room(0)
    }

    /// Makes room in the budget. It looks at every session, so it does not look again soon where
    /// that was of no use.
    pub(crate) fn relieve(&self) {
        const SOON: Duration = Duration::from_millis(100);
        let now = self.now();
        let in_vain = Millis(self.relieved_in_vain.load(Ordering::Relaxed));
        if in_vain > Millis(0) && now.since(in_vain) < SOON {
            return;
        }
        let freed = self.registry.relieve();
        self.counters.evicted_bytes.add(freed as u64);
        let in_vain = if self.registry.budget().has_room(0) { Millis(0) } else { now };
        self.relieved_in_vain.store(in_vain.0, Ordering::Relaxed);
    }
}
