//! The adapter: the only place that names hyper.
//!
//! A request passes the [`endpoint`]; what it asks for is served by [`modern`] or by [`legacy`];
//! its [`body`] owns what it sends. [`serve`] is the runner for those who have no server of their
//! own.

mod admit;
mod announce;
mod body;
mod builder;
mod collect;
mod commit;
mod cors;
mod counters;
mod drain;
mod endpoint;
mod held;
mod input;
mod jitter;
mod legacy;
mod listen;
mod log_stream;
mod modern;
mod mount;
mod observe;
mod parked;
mod path;
mod permits;
mod platform;
mod pulse;
mod request_stream;
mod respond;
mod serve;
mod service;
#[cfg(all(test, shuttle))]
mod shuttle_tests;
mod slow_body;
mod spent;
mod stall;
mod standalone;
mod stats;
mod subscriptions;
mod sweeper;
mod task_watch;
mod tasks;
mod unsent;
mod watched;

pub use admit::Admit;
pub use body::ResponseBody;
pub use builder::McpServiceBuilder;
pub use commit::Framing;
pub use counters::{StreamEnd, StreamKind};
#[cfg(feature = "cloud-logging")]
pub use platform::CloudLogging;
pub use platform::{CloudRun, CloudRunError, Front, RoutesBody, RoutesFuture, WithRoutes};
pub use serve::{
    ConnectionStats, Drained, IntoListener, Running, Serve, ShutdownSignal, ShutdownWait,
    WriteDeadline, serve,
};
pub use service::{McpService, ResponseFuture};
pub use standalone::StandaloneStream;
pub use stats::{Stats, StreamStats};
