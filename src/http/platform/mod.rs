//! What a platform asks of a service beyond the protocol: its settings, its health checks, its
//! logs.

#[cfg(feature = "cloud-logging")]
mod cloud_logging;
mod cloud_run;
mod environment;
mod error;
mod routes;

#[cfg(feature = "cloud-logging")]
pub use cloud_logging::CloudLogging;
pub use cloud_run::{CloudRun, Front};
pub use error::CloudRunError;
pub use routes::{RoutesBody, RoutesFuture, WithRoutes};
