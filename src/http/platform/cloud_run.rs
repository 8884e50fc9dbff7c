//! Cloud Run: its settings, and a service that is set up by them.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;

use super::environment::Environment;
use super::error::CloudRunError;
use super::routes::WithRoutes;
use crate::http::builder::{McpServiceBuilder, PlatformOptions};
use crate::http::path::Endpoint;
use crate::http::serve::{Running, Serve, serve};
use crate::http::service::McpService;
use crate::protocol::origin::{HostAllowlist, OriginAllowlist};

/// What Cloud Run grants a request unless it is told otherwise, and at most.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);
/// How many requests at once Cloud Run gives an instance unless it is told otherwise, and at most.
const DEFAULT_CONCURRENCY: usize = 80;
const HIGHEST_CONCURRENCY: usize = 1000;

/// Of the 10 s between SIGTERM and SIGKILL.
const SHUTDOWN: Duration = Duration::from_secs(8);
/// Longer than the 600 s for which Google's front ends keep a connection.
const IDLE: Duration = Duration::from_secs(650);

/// A service on Google Cloud Run: what the platform says in the environment, what it demands, and
/// what it must be told.
///
/// ```no_run
/// use mcp_http::{CloudRun, McpService, Server};
///
/// # async fn main_() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder("weather", "1.0.0").build()?;
/// let running = CloudRun::from_env()?.start(McpService::builder(server)).await?;
/// running.until_signal().await?;
/// # Ok(())
/// # }
/// ```
///
/// | setting | variable | default |
/// |---|---|---|
/// | [`port`](Self::port) | `PORT`, which Cloud Run sets | 8080 |
/// | [`allow_host`](Self::allow_host) | `MCP_ALLOWED_HOSTS`, separated by commas | none: it must be set |
/// | [`allow_origin`](Self::allow_origin) | `MCP_ALLOWED_ORIGINS`, separated by commas | loopback |
/// | [`request_timeout`](Self::request_timeout) | `MCP_REQUEST_TIMEOUT`, in seconds, at most 3600 | 300, as Cloud Run's |
/// | [`concurrency`](Self::concurrency) | `MCP_CONCURRENCY`, at most 1000 | 80, as Cloud Run's |
/// | [`front`](Self::front) | `MCP_TRUSTED_HOPS` | 1: nothing but Cloud Run itself |
/// | [`project`](Self::project) | `GOOGLE_CLOUD_PROJECT` | none: logs are not joined to traces |
/// | [`health_path`](Self::health_path) | | `/health` |
/// | [`metrics_path`](Self::metrics_path) | `MCP_METRICS_PATH` | none: no metrics |
///
/// What is said in code holds, whatever the environment says, and what the service's builder was
/// told holds before both; hosts and origins add up. Fixed are
/// the address, 0.0.0.0; the time for a shutdown, 8 s of the 10 s that Cloud Run grants; and idle
/// connections, which are kept for 650 s, longer than Google's front ends keep them.
///
/// Streams end before the platform would cut them: at the request timeout less a tenth, but 10 s
/// at least and 60 s at most. Streams that wait for changes alone may take nine tenths of the
/// concurrency; the rest is for calls.
///
/// [`start`](Self::start) does all of it. For a server with routes of its own the steps are
/// [`configure`](Self::configure), [`routes`](Self::routes) and [`serve`](Self::serve):
///
/// ```no_run
/// # use mcp_http::{CloudRun, McpService, Server};
/// # async fn main_(server: Server) -> Result<(), Box<dyn std::error::Error>> {
/// let platform = CloudRun::from_env()?;
/// let mcp = platform.configure(McpService::builder(server))?.build()?;
/// let service = platform.routes(&mcp, mcp.clone()); // or a router that calls it
/// let running = platform.serve(service).bind(platform.addr()).await?;
/// # running.until_signal().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing by themselves"]
pub struct CloudRun {
    port: u16,
    hosts: Vec<String>,
    origins: Vec<String>,
    request_timeout: Duration,
    concurrency: usize,
    front: Front,
    project: Option<String>,
    health: String,
    metrics: Option<String>,
    /// The service's name, if the platform told it.
    service: Option<String>,
}

/// What stands between the clients and the service, and appends to `X-Forwarded-For`.
///
/// ```
/// use mcp_http::{CloudRun, Front};
///
/// let platform = CloudRun::new().front(Front::LoadBalancer);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Front {
    /// Cloud Run's own front end: the last entry is the client.
    #[default]
    Direct,
    /// A load balancer with a serverless NEG: the last entry but one is the client.
    ///
    /// Clients must not be able to go around it, or they forge their address: set the service's
    /// ingress to `internal-and-cloud-load-balancing`.
    LoadBalancer,
    /// So many proxies.
    Proxies(usize),
}

impl Front {
    fn hops(self) -> usize {
        match self {
            Self::Direct => 1,
            Self::LoadBalancer => 2,
            Self::Proxies(hops) => hops,
        }
    }
}

impl Default for CloudRun {
    fn default() -> Self {
        Self::new()
    }
}

impl CloudRun {
    /// The defaults, whatever the environment says.
    pub fn new() -> Self {
        Self {
            port: 8080,
            hosts: Vec::new(),
            origins: Vec::new(),
            request_timeout: DEFAULT_TIMEOUT,
            concurrency: DEFAULT_CONCURRENCY,
            front: Front::default(),
            project: None,
            health: "/health".to_owned(),
            metrics: None,
            service: None,
        }
    }

    /// The settings of the environment, and the defaults where it says nothing.
    ///
    /// # Errors
    ///
    /// A variable has a value that it cannot have; the message names it.
    pub fn from_env() -> Result<Self, CloudRunError> {
        Environment::read().and_then(Self::from_environment)
    }

    fn from_environment(environment: Environment) -> Result<Self, CloudRunError> {
        let Environment { port, hosts, origins, request_timeout, trusted_hops, .. } = environment;
        let defaults = Self::new();
        let settings = Self {
            port: port.unwrap_or(defaults.port),
            request_timeout: request_timeout.unwrap_or(defaults.request_timeout),
            concurrency: environment.concurrency.unwrap_or(defaults.concurrency),
            front: trusted_hops.map_or(defaults.front, Front::Proxies),
            hosts,
            origins,
            project: environment.project,
            metrics: environment.metrics_path,
            service: environment.service,
            ..defaults
        };
        // Here the variables can be named.
        check_names("MCP_ALLOWED_HOSTS", "MCP_ALLOWED_ORIGINS", &settings)?;
        check_timeout("MCP_REQUEST_TIMEOUT", settings.request_timeout)?;
        check_concurrency("MCP_CONCURRENCY", settings.concurrency)?;
        if let Some(path) = &settings.metrics {
            check_path("MCP_METRICS_PATH", path)?;
        }
        Ok(settings)
    }

    /// Whether this process runs on Cloud Run: whether `K_SERVICE` is set.
    pub fn is_here() -> bool {
        std::env::var_os("K_SERVICE").is_some()
    }

    /// The port to listen on; 0 takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Names a host that clients reach the service by: see
    /// [`McpServiceBuilder::allow_host`](crate::McpServiceBuilder::allow_host). May be called
    /// repeatedly.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Allows the pages of an origin: see
    /// [`McpServiceBuilder::allow_origin`](crate::McpServiceBuilder::allow_origin). May be called
    /// repeatedly.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// The service's request timeout as Cloud Run has it (`timeoutSeconds`, `--timeout`): after
    /// this time it cuts a response, however alive.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How many requests Cloud Run gives an instance at once (`containerConcurrency`,
    /// `--concurrency`), open streams included.
    ///
    /// Nine tenths of it, rounded down, are the default of
    /// [`max_parked_streams`](crate::McpServiceBuilder::max_parked_streams): if streams that only
    /// wait took all of it, no call would reach the instance. Of a concurrency of 1 none is left
    /// for them.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }

    /// What stands between the clients and the service.
    pub fn front(mut self, front: Front) -> Self {
        self.front = front;
        self
    }

    /// The project, as the names of traces contain it.
    pub fn project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// Where the health check is: see [`WithRoutes::health`]. Cloud Run keeps the paths that end
    /// in `z`, those below `/_ah/`, and `/eventlog` to itself.
    pub fn health_path(mut self, path: impl Into<String>) -> Self {
        self.health = path.into();
        self
    }

    /// Serves metrics at this path: see [`WithRoutes::metrics`]. Nothing guards it: set it only
    /// where the public cannot reach it.
    pub fn metrics_path(mut self, path: impl Into<String>) -> Self {
        self.metrics = Some(path.into());
        self
    }

    /// The project, if it is known.
    pub fn project_id(&self) -> Option<&str> {
        self.project.as_deref()
    }

    /// The address to listen on: 0.0.0.0 and the port.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::UNSPECIFIED, self.port).into()
    }

    /// Sets up an MCP service for the platform: its hosts and origins, the age of its streams, how
    /// many may wait, and where its clients are.
    ///
    /// What the builder was told by
    /// [`max_stream_age`](crate::McpServiceBuilder::max_stream_age),
    /// [`max_parked_streams`](crate::McpServiceBuilder::max_parked_streams) and
    /// [`trusted_hops`](crate::McpServiceBuilder::trusted_hops) holds, and so does what it is told
    /// afterwards.
    ///
    /// # Errors
    ///
    /// - No host is named, here or in the builder. Such a service would refuse every request.
    /// - A setting has a value that it cannot have.
    /// - The endpoint, or another path, is one that Cloud Run keeps to itself.
    pub fn configure(
        &self,
        mut service: McpServiceBuilder,
    ) -> Result<McpServiceBuilder, CloudRunError> {
        check_names("allow_host", "allow_origin", self)?;
        check_timeout("request_timeout", self.request_timeout)?;
        check_concurrency("concurrency", self.concurrency)?;
        self.check_paths(service.endpoint_path())?;
        if self.hosts.is_empty() && !service.names_hosts() {
            return Err(CloudRunError::hosts_not_named(self.service.as_deref()));
        }
        for host in &self.hosts {
            service = service.allow_host(host);
        }
        for origin in &self.origins {
            service = service.allow_origin(origin);
        }
        Ok(service.platform_defaults(PlatformOptions {
            trusted_hops: Some(self.front.hops()),
            max_stream_age: Some(stream_age(self.request_timeout)),
            max_parked_streams: Some(parked_streams(self.concurrency)),
        }))
    }

    /// Puts the health check, and the metrics if they have a path, in front of a service.
    pub fn routes<S>(&self, mcp: &McpService, service: S) -> WithRoutes<S> {
        let routes = WithRoutes::new(service).health(&self.health, mcp);
        match &self.metrics {
            Some(path) => routes.metrics(path, mcp),
            None => routes,
        }
    }

    /// A server with the platform's deadlines, to be bound to [`addr`](Self::addr).
    pub fn serve<S, B>(&self, service: S) -> Serve<S>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    {
        serve(service).shutdown_deadline(SHUTDOWN).idle_timeout(IDLE)
    }

    /// Sets the service up, puts the routes in front, and listens.
    ///
    /// # Errors
    ///
    /// As [`configure`](Self::configure); the service cannot be built; or the port is taken.
    ///
    /// # Cancel safety
    ///
    /// Nothing has been started when the future is dropped.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that has I/O and time enabled.
    pub async fn start(&self, service: McpServiceBuilder) -> Result<Running, CloudRunError> {
        let mcp = self.configure(service)?.build()?;
        let service = self.routes(&mcp, mcp.clone());
        self.serve(service).bind(self.addr()).await.map_err(CloudRunError::listen)
    }

    fn check_paths(&self, endpoint: &Endpoint) -> Result<(), CloudRunError> {
        check_path("endpoint", &endpoint.path())?;
        let paths = [("health_path", Some(&self.health)), ("metrics_path", self.metrics.as_ref())];
        for (name, path) in paths {
            let Some(path) = path else { continue };
            check_path(name, path)?;
            if endpoint.matches(path) {
                return Err(CloudRunError::setting(
                    name,
                    format!("`{path}` is the MCP endpoint's"),
                ));
            }
        }
        match &self.metrics {
            Some(path) if *path == self.health => {
                let reason = format!("`{path}` is the path of the health check");
                Err(CloudRunError::setting("metrics_path", reason))
            }
            _ => Ok(()),
        }
    }
}

/// When a stream is to end, so that the platform does not cut it. The platform's time began
/// before the service saw the request; so there is a margin, and jitter makes streams end earlier
/// still.
fn stream_age(request_timeout: Duration) -> Duration {
    let (least, most) = (Duration::from_secs(10), Duration::from_secs(60));
    let margin = (request_timeout / 10).clamp(least, most);
    request_timeout.saturating_sub(margin).max(request_timeout / 2)
}

/// How many requests may be streams that only wait, so that calls still find a place.
fn parked_streams(concurrency: usize) -> usize {
    concurrency * 9 / 10
}

fn check_names(
    hosts: &'static str,
    origins: &'static str,
    settings: &CloudRun,
) -> Result<(), CloudRunError> {
    let fault = |name, fault: &dyn fmt::Display| CloudRunError::setting(name, fault.to_string());
    for host in &settings.hosts {
        HostAllowlist::default().allow(host).map_err(|error| fault(hosts, &error))?;
    }
    for origin in &settings.origins {
        OriginAllowlist::default().allow(origin).map_err(|error| fault(origins, &error))?;
    }
    Ok(())
}

fn check_timeout(name: &'static str, timeout: Duration) -> Result<(), CloudRunError> {
    if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
        let reason = format!("is {timeout:?}, and Cloud Run grants 1 to 3600 s");
        return Err(CloudRunError::setting(name, reason));
    }
    Ok(())
}

/// FACTS, Platforms: "80 concurrent requests an instance by default, 1000 at most".
fn check_concurrency(name: &'static str, requests: usize) -> Result<(), CloudRunError> {
    if !(1..=HIGHEST_CONCURRENCY).contains(&requests) {
        let reason = format!("is {requests}, and Cloud Run grants 1 to 1000 requests at once");
        return Err(CloudRunError::setting(name, reason));
    }
    Ok(())
}

/// FACTS, Platforms: "Paths that end in `z` (`/healthz`) and `/_ah/` are reserved."
fn check_path(name: &'static str, path: &str) -> Result<(), CloudRunError> {
    let fault = if !path.starts_with('/') {
        "does not begin with a slash"
    } else if path.contains(['?', '#']) {
        "is more than a path"
    } else if path.ends_with('z') || path.starts_with("/_ah/") || path == "/eventlog" {
        "is reserved by Cloud Run, which answers it itself"
    } else {
        return Ok(());
    };
    Err(CloudRunError::setting(name, format!("`{path}` {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Server;

    fn builder() -> McpServiceBuilder {
        McpService::builder(Server::builder("s", "1").build().unwrap())
    }

    fn fault(settings: &CloudRun) -> String {
        settings.configure(builder()).err().expect("a fault").to_string()
    }

    fn named() -> CloudRun {
        CloudRun::new().allow_host("weather.example")
    }

    #[test]
    fn a_service_whose_hosts_are_not_named_is_told_what_to_set() {
        let said = fault(&CloudRun::new());
        for word in ["MCP_ALLOWED_HOSTS", "CloudRun::allow_host", "services describe SERVICE"] {
            assert!(said.contains(word), "{said}");
        }
        let environment = Environment { service: Some("weather".into()), ..Default::default() };
        let said = fault(&CloudRun::from_environment(environment).unwrap());
        assert!(said.contains("services describe weather"), "{said}");
    }

    #[test]
    fn hosts_may_be_named_here_or_in_the_builder_or_be_any() {
        assert!(named().configure(builder()).is_ok());
        let platform = CloudRun::new();
        assert!(platform.configure(builder().allow_host("weather.example")).is_ok());
        assert!(platform.configure(builder().dangerous_allow_any_host()).is_ok());
    }

    #[test]
    fn what_is_no_host_or_origin_is_refused_under_the_name_that_it_was_set_by() {
        let said = fault(&CloudRun::new().allow_host("https://a.example"));
        assert!(said.starts_with("allow_host: `https://a.example` is a URL"), "{said}");
        let said = fault(&named().allow_origin("a.example"));
        assert!(said.starts_with("allow_origin: `a.example`"), "{said}");
        let hosts = vec!["a.example".to_owned(), "*".to_owned()];
        let environment = Environment { hosts, ..Default::default() };
        let said = CloudRun::from_environment(environment).unwrap_err().to_string();
        assert!(said.starts_with("MCP_ALLOWED_HOSTS: `*`"), "{said}");
    }

    /// FACTS, Platforms: "300 s by default, 3600 s at most".
    #[test]
    fn the_request_timeout_is_at_most_an_hour() {
        let hour = Duration::from_secs(3600);
        assert!(named().request_timeout(hour).configure(builder()).is_ok());
        for wrong in [Duration::ZERO, hour + Duration::from_secs(1)] {
            let said = fault(&named().request_timeout(wrong));
            assert!(said.starts_with("request_timeout: is "), "{said}");
            let environment = Environment { request_timeout: Some(wrong), ..Default::default() };
            let said = CloudRun::from_environment(environment).unwrap_err().to_string();
            assert!(said.starts_with("MCP_REQUEST_TIMEOUT: is "), "{said}");
        }
    }

    #[test]
    fn streams_end_before_the_platform_cuts_them() {
        for (timeout, age) in [(3600, 3540), (600, 540), (300, 270), (60, 50), (15, 7), (1, 0)] {
            assert_eq!(stream_age(Duration::from_secs(timeout)).as_secs(), age, "{timeout}");
        }
    }

    /// FACTS, Platforms: "80 concurrent requests an instance by default, 1000 at most".
    #[test]
    fn the_concurrency_is_at_most_a_thousand_and_streams_leave_a_tenth_of_it() {
        for (requests, parked) in [(1, 0), (2, 1), (80, 72), (1000, 900)] {
            let configured = named().concurrency(requests).configure(builder()).unwrap();
            assert_eq!(configured.platform_options().max_parked_streams, Some(parked));
        }
        let default = named().configure(builder()).unwrap();
        assert_eq!(default.platform_options().max_parked_streams, Some(72));
        for wrong in [0, 1001] {
            let said = fault(&named().concurrency(wrong));
            assert!(said.starts_with("concurrency: is "), "{said}");
            let environment = Environment { concurrency: Some(wrong), ..Default::default() };
            let said = CloudRun::from_environment(environment).unwrap_err().to_string();
            assert!(said.starts_with("MCP_CONCURRENCY: is "), "{said}");
        }
    }

    #[test]
    fn what_the_builder_was_told_holds() {
        let age = Duration::from_secs(7);
        let told = builder().trusted_hops(4).max_stream_age(age).max_parked_streams(5);
        let expected = PlatformOptions {
            trusted_hops: Some(4),
            max_stream_age: Some(age),
            max_parked_streams: Some(5),
        };
        let platform = named().front(Front::LoadBalancer);
        assert_eq!(platform.configure(told).unwrap().platform_options(), expected);
        // What it is told in part, before or after, holds in part.
        let configured = platform.configure(builder().max_parked_streams(5)).unwrap();
        let options = configured.trusted_hops(4).platform_options();
        let age = Some(stream_age(DEFAULT_TIMEOUT));
        assert_eq!(options, PlatformOptions { max_stream_age: age, ..expected });
    }

    /// FACTS, Platforms: "Paths that end in `z` (`/healthz`) and `/_ah/` are reserved."
    #[test]
    fn a_path_that_cannot_be_served_is_refused() {
        for (path, fault_of) in [
            ("/healthz", "reserved"),
            ("/z", "reserved"),
            ("/_ah/health", "reserved"),
            ("/eventlog", "reserved"),
            ("health", "slash"),
            ("/health?x", "more than a path"),
            ("/mcp", "endpoint"),
            ("/a/mcp/", "endpoint"),
        ] {
            let said = fault(&named().health_path(path));
            assert!(said.starts_with("health_path: ") && said.contains(fault_of), "{said}");
            let said = fault(&named().metrics_path(path));
            assert!(said.starts_with("metrics_path: ") && said.contains(fault_of), "{said}");
        }
        for path in ["/tools/z", "/mcpz/", "/_ah/mcp", "eventlog"] {
            let configured = named().configure(builder().endpoint(path));
            let said = configured.err().expect("a fault").to_string();
            assert!(said.starts_with("endpoint: ") && said.contains("reserved"), "{said}");
        }
        for path in ["/", "/zed/mcp", "tools/mcp"] {
            assert!(named().configure(builder().endpoint(path)).is_ok(), "{path}");
        }
        let said = fault(&named().metrics_path("/health"));
        assert!(said.contains("health check"), "{said}");
        assert!(named().health_path("/_ah").metrics_path("/zed").configure(builder()).is_ok());
        let environment = Environment { metrics_path: Some("/z".into()), ..Default::default() };
        let said = CloudRun::from_environment(environment).unwrap_err().to_string();
        assert!(said.starts_with("MCP_METRICS_PATH: "), "{said}");
    }

    #[test]
    fn the_environment_sets_what_code_does_not() {
        let environment = Environment {
            port: Some(9000),
            hosts: vec!["a.example".to_owned()],
            trusted_hops: Some(3),
            project: Some("p".to_owned()),
            ..Default::default()
        };
        let settings = CloudRun::from_environment(environment).unwrap();
        assert_eq!(settings.addr().to_string(), "0.0.0.0:9000");
        assert_eq!((settings.front, settings.front.hops()), (Front::Proxies(3), 3));
        assert_eq!((settings.project_id(), settings.request_timeout), (Some("p"), DEFAULT_TIMEOUT));
        let settings = settings.port(1).front(Front::LoadBalancer).allow_host("b.example");
        assert_eq!((settings.port, settings.front.hops()), (1, 2));
        assert_eq!(settings.hosts, ["a.example", "b.example"]);
        assert_eq!(Front::default().hops(), 1);
    }
}
