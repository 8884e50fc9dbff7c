//! `serve()`: a hyper service on a listener, with every deadline and limit that a server in
//! production needs.
//!
//! One task accepts; each connection is a task of its own, so that a panic or a slow peer hurts
//! that connection alone:
//!
//! ```text
//! accept ── sniff ─┬─ HTTP/1.1 ─┐                      ┌─ deadlines: first byte, head, idle
//!                  └─ h2c ──────┴─ drive(hyper) ───────┤
//!                                   │        │         └─ the begin of the shutdown
//!                            InFlight<S>  WriteDeadline<Inbound<socket>>
//!                                   └── Activity ──┘
//! ```
//!
//! [`activity`] is what the two halves of a connection tell its deadlines: the service counts the
//! requests in flight, the socket says that a head has begun.

mod accept;
mod activity;
mod close;
mod connection;
mod connections;
mod deadlines;
mod drive;
pub(super) mod echo;
mod inbound;
mod options;
mod running;
mod service;
mod shutdown;
mod sniff;
mod write_deadline;

pub use connections::ConnectionStats;
pub(crate) use deadlines::after;
pub use options::{IntoListener, Serve, serve};
pub use running::{Drained, Running};
pub use shutdown::{ShutdownSignal, ShutdownWait};
pub use write_deadline::WriteDeadline;

#[cfg(test)]
mod tests;
