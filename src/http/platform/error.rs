//! Why a service cannot be set up for its platform.

use std::{fmt, io};

use crate::server::BuildError;

/// The service cannot run on Cloud Run as it was set up; the message says what to set.
///
/// ```
/// use mcp_http::{CloudRun, McpService, Server};
///
/// let server = Server::builder("weather", "1.0.0").build()?;
/// let configured = CloudRun::new().configure(McpService::builder(server));
/// let error = configured.err().expect("no host is named");
/// assert!(error.is_hosts_not_named());
/// assert!(error.to_string().contains("MCP_ALLOWED_HOSTS"));
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// Its `Debug` is the same message: that is what a `main` prints that returns it.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct CloudRunError {
    kind: Kind,
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("{name}: {reason}")]
    Setting { name: &'static str, reason: String },
    #[error(
        "the hosts are not named, and a request for any other host is refused: set \
         MCP_ALLOWED_HOSTS to the names that clients reach this service by, separated by commas, \
         or call CloudRun::allow_host. Cloud Run tells a service nothing of its name, but `gcloud \
         run services describe {service} --format='value(status.url)'` does: it is what follows \
         https://. A service has two names of run.app's: name both if both are used. Behind a load \
         balancer it is the name that the balancer leaves in Host"
    )]
    HostsNotNamed { service: String },
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
}

impl CloudRunError {
    /// Whether no host was named, neither in `MCP_ALLOWED_HOSTS` nor in code.
    pub fn is_hosts_not_named(&self) -> bool {
        matches!(self.kind, Kind::HostsNotNamed { .. })
    }

    /// Whether a setting has a value that it cannot have, be it from the environment or from code.
    pub fn is_invalid_setting(&self) -> bool {
        matches!(self.kind, Kind::Setting { .. })
    }

    pub(super) fn setting(name: &'static str, reason: impl Into<String>) -> Self {
        Self { kind: Kind::Setting { name, reason: reason.into() } }
    }

    pub(super) fn hosts_not_named(service: Option<&str>) -> Self {
        let service = service.unwrap_or("SERVICE").to_owned();
        Self { kind: Kind::HostsNotNamed { service } }
    }

    pub(super) fn listen(error: io::Error) -> Self {
        Self { kind: Kind::Listen(error) }
    }
}

impl fmt::Debug for CloudRunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<BuildError> for CloudRunError {
    fn from(error: BuildError) -> Self {
        Self { kind: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `main() -> Result<(), Box<dyn Error>>` prints `Debug`.
    #[test]
    fn debug_says_what_to_set_and_what_lies_beneath() {
        let error = CloudRunError::hosts_not_named(None);
        assert!(format!("{error:?}").contains("set MCP_ALLOWED_HOSTS to"), "{error:?}");
        let taken = CloudRunError::listen(io::Error::other("the port is taken"));
        assert_eq!(format!("{taken:?}"), "cannot listen: the port is taken");
        let built = CloudRunError::from(BuildError::option("allow_host", "`*` is no host"));
        assert_eq!(format!("{built:?}"), "option `allow_host`: `*` is no host");
    }
}
