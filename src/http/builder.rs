//! The options of a service.

use std::sync::Arc;
use std::time::Duration;

use super::admit::Admit;
use super::collect::BodyLimits;
use super::commit::Framing;
use super::input;
use super::path::Endpoint;
use super::service::{McpService, Shared};
use super::standalone::StandaloneStream;
use crate::protocol::change::SubscriptionLimits;
use crate::protocol::client_addr::TrustedHops;
use crate::protocol::jsonrpc::ParseLimits;
use crate::protocol::legacy::Limits;
use crate::protocol::modern::state::StateKeys;
use crate::protocol::origin::{HostAllowlist, OriginAllowlist};
use crate::server::{BuildError, Server};

/// Builds an [`McpService`].
///
/// Every option has a default that is safe on a developer's machine; on a network, name the hosts
/// that the service is reached by with [`allow_host`](Self::allow_host).
///
/// ```
/// use std::time::Duration;
/// use mcp_http::{McpService, Server};
///
/// let server = Server::builder("weather", "1.0.0").build()?;
/// let service = McpService::builder(server)
///     .allow_host("weather.example.com")
///     .allow_origin("https://app.example.com")
///     .heartbeat(Duration::from_secs(10))
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct McpServiceBuilder {
    server: Server,
    options: Options,
    platform: PlatformOptions,
    hosts: Vec<String>,
    origins: Vec<String>,
    limits: Limits,
    state_keys: Option<StateKeys>,
}

/// The options that a platform has defaults of its own for. What is `None` was not said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PlatformOptions {
    pub(crate) trusted_hops: Option<usize>,
    pub(crate) max_stream_age: Option<Duration>,
    pub(crate) max_parked_streams: Option<usize>,
}

impl PlatformOptions {
    /// These, and others where these say nothing.
    fn or(self, others: Self) -> Self {
        Self {
            trusted_hops: self.trusted_hops.or(others.trusted_hops),
            max_stream_age: self.max_stream_age.or(others.max_stream_age),
            max_parked_streams: self.max_parked_streams.or(others.max_parked_streams),
        }
    }
}

/// The longest time that a timer is asked for.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The options that requests are served by.
pub(crate) struct Options {
    pub(crate) endpoint: Endpoint,
    pub(crate) hosts: HostAllowlist,
    pub(crate) origins: OriginAllowlist,
    pub(crate) admit: Option<Arc<dyn Admit>>,
    pub(crate) trusted_hops: TrustedHops,
    pub(crate) framing: Framing,
    pub(crate) commit_after: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) max_stream_age: Duration,
    pub(crate) body: BodyLimits,
    pub(crate) parse: ParseLimits,
    pub(crate) legacy: LegacySessions,
    pub(crate) max_calls: usize,
    pub(crate) standalone_stream: StandaloneStream,
    pub(crate) max_parked_streams: usize,
}

/// How legacy clients are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegacySessions {
    Kept,
    None,
}

impl McpServiceBuilder {
    pub(crate) fn new(server: Server) -> Self {
        let options = Options {
            endpoint: Endpoint::new("/mcp"),
            hosts: HostAllowlist::default(),
            origins: OriginAllowlist::default(),
            admit: None,
            trusted_hops: TrustedHops::default(),
            framing: Framing::Adaptive,
            commit_after: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
            max_stream_age: Duration::from_secs(55 * 60),
            body: BodyLimits::default(),
            parse: ParseLimits::default(),
            legacy: LegacySessions::Kept,
            max_calls: 10_000,
            standalone_stream: StandaloneStream::Auto,
            max_parked_streams: 10_000,
        };
        let (platform, limits) = (PlatformOptions::default(), Limits::default());
        let (hosts, origins) = (Vec::new(), Vec::new());
        Self { server, options, platform, hosts, origins, limits, state_keys: None }
    }

    /// The endpoint's path, `/mcp` by default.
    ///
    /// A request is for the endpoint if its path ends with this, whatever prefix a router or a
    /// load balancer left before it and however many slashes are doubled or trail it, or if
    /// nothing of a path is left at all. Any other path is answered with 404, and none with a
    /// redirect.
    pub fn endpoint(mut self, path: &str) -> Self {
        self.options.endpoint = Endpoint::new(path);
        self
    }

    /// Allows requests for this host besides those for loopback: `example.com`, with any port, or
    /// `example.com:8443`, with that port alone. May be called repeatedly.
    ///
    /// A request for another host is answered with 403. This is what keeps a page that a browser
    /// shows from reaching the service under a name of its own (DNS rebinding).
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Allows pages of this origin, such as `https://app.example.com`, besides those of loopback.
    /// May be called repeatedly.
    ///
    /// A request with another `Origin` is answered with 403, as every revision demands (2025-11-25,
    /// Transports, Security Warning). Requests without one, which are those of all clients that are
    /// no pages, pass.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Serves requests for any host. Only behind something that checks the host itself.
    pub fn dangerous_allow_any_host(mut self) -> Self {
        self.options.hosts = HostAllowlist::Any;
        self
    }

    /// Serves pages of any origin. Any page on the web can then call the tools with what the
    /// browser of the one who visits it can reach.
    pub fn dangerous_allow_any_origin(mut self) -> Self {
        self.options.origins = OriginAllowlist::Any;
        self
    }

    /// Decides who a caller is, before the body of its request is read.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
    /// use mcp_http::{Head, McpService, Principal, Refusal, Server};
    ///
    /// async fn by_token(head: Arc<Head>) -> Result<Principal, Refusal> {
    ///     let token = head.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    ///     match token.and_then(|value| value.strip_prefix("Bearer ")) {
    ///         Some(token) => look_up(token).await.ok_or_else(|| unauthorized("Unknown token")),
    ///         None => Err(unauthorized("Send a bearer token")),
    ///     }
    /// }
    ///
    /// fn unauthorized(message: &'static str) -> Refusal {
    ///     Refusal::unauthorized(message)
    ///         .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    /// }
    /// # async fn look_up(_: &str) -> Option<Principal> { None }
    ///
    /// let server = Server::builder("weather", "1.0.0").build()?;
    /// let service = McpService::builder(server).admit(by_token).build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// See [`Admit`].
    pub fn admit(mut self, admit: impl Admit) -> Self {
        self.options.admit = Some(Arc::new(admit));
        self
    }

    /// How many proxies in front append to `X-Forwarded-For`, 0 by default: then the header is not
    /// believed, and the client's address is that of the connection's peer.
    ///
    /// With a number, the client's address is the entry that stands so many places from the
    /// right, over all lines of the header. Google's load balancer writes `client, balancer`: 2.
    /// The front end of Cloud Run, without a balancer: 1. One nginx with
    /// `$proxy_add_x_forwarded_for`: 1. Where there are fewer entries, or the one is no address,
    /// it is the peer's.
    ///
    /// A number that is too high lets clients forge their address, and so does a way around the
    /// proxies: close it.
    ///
    /// See [`Context::client_addr`](crate::Context::client_addr) and
    /// [`max_sessions_per_address`](Self::max_sessions_per_address).
    pub fn trusted_hops(mut self, proxies: usize) -> Self {
        self.platform.trusted_hops = Some(proxies);
        self
    }

    /// How answers are framed. [`Framing::Adaptive`] by default.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.options.framing = framing;
        self
    }

    /// How long a call may stay silent before its response becomes a stream, 5 s by default:
    /// clients and proxies wait a minute or so for a response's headers, and a stream has
    /// heartbeats.
    pub fn commit_after(mut self, deadline: Duration) -> Self {
        self.options.commit_after = deadline;
        self
    }

    /// How often a silent stream carries a comment line, 15 s by default. Proxies close what is
    /// silent for as little as 30 s.
    pub fn heartbeat(mut self, period: Duration) -> Self {
        self.options.heartbeat = period.clamp(Duration::from_millis(1), MONTH);
        self
    }

    /// How old a stream may become, 55 min by default. It ends within the last tenth of that time,
    /// at random, so that streams which began together do not end together.
    ///
    /// Set it below the time that the platform or a proxy grants a response in total, or that one
    /// will cut it in the middle: Cloud Run's request timeout is 5 min unless it is raised, to 60
    /// min at most. The time runs from the moment the request was read. A stream that ends so ends
    /// cleanly, after a `retry` hint, and its client comes back for the rest by the last event id
    /// (2025-11-25, Transports, Sending Messages to the Server, 6). The stream of a call is left
    /// alone where its client could not come back: it was given no id yet, as in the revisions
    /// before 2025-11-25 before the first message, or it is of 2026-07-28.
    pub fn max_stream_age(mut self, age: Duration) -> Self {
        self.platform.max_stream_age = Some(age.clamp(Duration::from_millis(100), MONTH));
        self
    }

    /// How long a client whose stream ends early is told to wait before it comes back, 1 s by
    /// default; each is told between a half and three halves of it.
    pub fn retry(mut self, retry: Duration) -> Self {
        self.limits.retry = retry.min(Duration::from_secs(60 * 60));
        self
    }

    /// The longest body, in bytes, 4 MiB by default. A longer one is answered with 413.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.options.body.bytes = bytes;
        self
    }

    /// How long a body may take to arrive, 30 s by default. A slower one is answered with 408.
    pub fn body_timeout(mut self, deadline: Duration) -> Self {
        self.options.body.time = deadline;
        self
    }

    /// How many objects and arrays may be open at once in a body, 128 by default. A deeper one is
    /// answered with 400 and -32700.
    pub fn max_depth(mut self, depth: usize) -> Self {
        self.options.parse.depth = depth;
        self
    }

    /// How many messages a batch of 2025-03-26 may hold, 64 by default. A larger one is answered
    /// with 400 and -32600.
    pub fn max_batch(mut self, messages: usize) -> Self {
        self.options.parse.batch = messages;
        self
    }

    /// How many calls may run at once, 10,000 by default. One more is answered with 503 and
    /// `Retry-After`.
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.options.max_calls = calls;
        self
    }

    /// Whether the standalone streams of legacy clients are served. [`StandaloneStream::Auto`] by
    /// default: where the server has nothing to say on them, they are refused with 405.
    pub fn standalone_stream(mut self, standalone: StandaloneStream) -> Self {
        self.options.standalone_stream = standalone;
        self
    }

    /// How many streams may be open that wait for changes alone, 10,000 by default: standalone
    /// streams of legacy clients and `subscriptions/listen` together. One more is answered with
    /// 503 and `Retry-After`, unless it takes the place of its own session's.
    ///
    /// They are no calls and do not count towards [`max_calls`](Self::max_calls).
    pub fn max_parked_streams(mut self, streams: usize) -> Self {
        self.platform.max_parked_streams = Some(streams);
        self
    }

    /// Serves legacy clients without sessions: no id is minted, GET and DELETE are answered with
    /// 405, and each POST stands on its own.
    ///
    /// Any instance can then serve any request, and nothing is kept for a client; what is lost is
    /// that broken streams resume, that calls can be cancelled, and that logs can be asked for.
    pub fn without_legacy_sessions(mut self) -> Self {
        self.options.legacy = LegacySessions::None;
        self
    }

    /// How long a session may be idle before it ends, 30 min by default. A session with a call in
    /// flight or an open stream is never idle; heartbeats are no activity.
    pub fn session_idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle = timeout;
        self.limits.idle_uninitialized = self.limits.idle_uninitialized.min(timeout);
        // A session ends within two sweeps of its time.
        self.limits.sweep_period =
            self.limits.sweep_period.min(timeout / 4).max(Duration::from_millis(1));
        self
    }

    /// How many sessions may live at once, 10,000 by default. One more is answered with 503 and
    /// `Retry-After`.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.limits.sessions = sessions;
        self
    }

    /// How many sessions one named principal may have at once, 1,000 by default. One more is
    /// answered with 503 and `Retry-After`. Anonymous callers are counted by their address:
    /// [`max_sessions_per_address`](Self::max_sessions_per_address).
    pub fn max_sessions_per_principal(mut self, sessions: usize) -> Self {
        self.limits.sessions_per_principal = sessions;
        self
    }

    /// How many sessions anonymous callers may have at once from one address, 1,000 by default. One
    /// more is answered with 503 and `Retry-After`. An IPv6 network of 64 bits counts as one
    /// address.
    ///
    /// Behind a proxy all clients come from the proxy's address, until
    /// [`trusted_hops`](Self::trusted_hops) tells how to find theirs. Where the service is mounted
    /// in a server that puts no [`PeerAddr`](crate::PeerAddr) into its requests, callers have no
    /// address and share the bound of [`max_sessions`](Self::max_sessions) alone.
    pub fn max_sessions_per_address(mut self, sessions: usize) -> Self {
        self.limits.sessions_per_address = sessions;
        self
    }

    /// How many messages and bytes a legacy stream keeps for replay, 4,096 and 1 MiB by default, and
    /// as many a call of any revision may have waiting to be sent.
    ///
    /// When a stream is full, what was delivered goes first and then progress; what is missing at a
    /// resume beyond that is told to the client with an error that says `events_evicted`. Answers
    /// are never dropped.
    pub fn stream_log(mut self, messages: usize, bytes: usize) -> Self {
        self.limits.stream_messages = messages;
        self.limits.stream_bytes = bytes;
        self
    }

    /// How many bytes of messages all streams of a legacy session keep together, 4 MiB by default;
    /// answers are kept beyond it.
    pub fn session_log(mut self, bytes: usize) -> Self {
        self.limits.session_bytes = bytes;
        self
    }

    /// How many bytes of messages the service holds in all, for slow readers and for clients that
    /// come back: logs, what waits in calls, and answers that are not written yet; 256 MiB by
    /// default.
    ///
    /// When seven eighths are taken, what those sessions hold goes that hold the most: first what
    /// was read, then what was not; their clients are told, by an error that says
    /// `events_evicted`. Where that does not help, progress and log messages are dropped, and new
    /// calls and sessions are answered with 503 and `Retry-After`. The last eighth is for answers;
    /// one that has no room even there is replaced by an error that says so.
    ///
    /// Beyond it hyper holds a write buffer for each connection: 32 KiB in
    /// [`serve`](crate::serve()).
    pub fn max_held_bytes(mut self, bytes: usize) -> Self {
        self.limits.total_bytes = bytes;
        self
    }

    /// How many calls of one legacy session may run at once, 256 by default. One more is answered
    /// with 503 and `Retry-After`.
    pub fn max_calls_per_session(mut self, calls: usize) -> Self {
        self.limits.calls = calls;
        self
    }

    /// How many resources one client may subscribe to, and how many bytes their URIs may have
    /// together: 256 and 64 KiB by default. A client is a legacy session, or one
    /// `subscriptions/listen`. One more is answered with -32602, which says what to do; and so is a
    /// URI of more than 8,000 bytes.
    ///
    /// What is subscribed to counts towards [`max_held_bytes`](Self::max_held_bytes), each URI with
    /// 128 bytes besides its own.
    pub fn max_subscriptions(mut self, resources: usize, bytes: usize) -> Self {
        self.limits.subscriptions = SubscriptionLimits { uris: resources, bytes };
        self
    }

    /// How long a handler that asks the client waits for the answer, 10 min by default. A legacy
    /// client that has not answered by then, or within two sweeps more, is told that nobody waits
    /// any more, and the handler gets an error in place of the answer. To a modern client it is how
    /// long it may take to send the request again with its answers.
    ///
    /// It cannot be zero.
    pub fn input_timeout(mut self, timeout: Duration) -> Self {
        self.limits.input_timeout = timeout;
        self.limits.sweep_period =
            self.limits.sweep_period.min(timeout / 4).max(Duration::from_millis(1));
        self
    }

    /// How long a connection may leave a message untaken before its stream is taken from it, 60 s
    /// by default. The stream lives on, and its client can come back for it.
    pub fn reader_stall_timeout(mut self, stall: Duration) -> Self {
        self.limits.stall = stall;
        self
    }

    /// How long a finished stream of a legacy session is kept for a client that comes back for
    /// its answer, 5 min by default.
    pub fn stream_retention(mut self, retention: Duration) -> Self {
        self.limits.retention = retention;
        self
    }

    /// The keys that seal what a client of 2026-07-28 carries between the rounds of a request that
    /// asks it for input. By default the service draws one of its own: instances behind one load
    /// balancer must share theirs. See [`StateKeys`].
    pub fn state_keys(mut self, keys: StateKeys) -> Self {
        self.state_keys = Some(keys);
        self
    }

    /// Whether it was said by which hosts the service is reached, if only that it is by any.
    pub(crate) fn names_hosts(&self) -> bool {
        !self.hosts.is_empty() || self.options.hosts == HostAllowlist::Any
    }

    /// The defaults of a platform. What the builder was told, before or after, holds.
    pub(crate) fn platform_defaults(mut self, defaults: PlatformOptions) -> Self {
        self.platform = self.platform.or(defaults);
        self
    }

    /// What a platform has defaults for, as it was said.
    #[cfg(test)]
    pub(crate) fn platform_options(&self) -> PlatformOptions {
        self.platform
    }

    /// The path of the endpoint.
    pub(crate) fn endpoint_path(&self) -> &Endpoint {
        &self.options.endpoint
    }

    /// Builds the service.
    ///
    /// # Errors
    ///
    /// A host or an origin that cannot be read, an `input_timeout` of zero, or a tool whose
    /// `x-mcp-header` annotations break a rule of 2026-07-28 (Tools, x-mcp-header).
    pub fn build(mut self) -> Result<McpService, BuildError> {
        let Options { hosts, origins, .. } = &mut self.options;
        for host in &self.hosts {
            hosts.allow(host).map_err(|error| BuildError::option("allow_host", error))?;
        }
        for origin in &self.origins {
            origins.allow(origin).map_err(|error| BuildError::option("allow_origin", error))?;
        }
        if self.limits.input_timeout.is_zero() {
            return Err(BuildError::option("input_timeout", "nobody can answer in no time"));
        }
        let PlatformOptions { trusted_hops, max_stream_age, max_parked_streams } = self.platform;
        let options = &mut self.options;
        options.trusted_hops = trusted_hops.map_or(options.trusted_hops, TrustedHops);
        options.max_stream_age = max_stream_age.unwrap_or(options.max_stream_age);
        options.max_parked_streams = max_parked_streams.unwrap_or(options.max_parked_streams);
        let state_keys = self.state_keys.map_or_else(input::drawn_keys, Ok)?;
        Shared::new(self.server, self.options, self.limits, state_keys).map(McpService::new)
    }
}
