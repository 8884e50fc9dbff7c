//! The legacy era: sessions, streams as logs with cursors, replay, takeover, expiry.
//!
//! A [`Registry`] finds the [`Session`] of a request. A call is begun there and yields a
//! [`Ticket`], which its answer consumes. A stream is a log; a [`Connection`] is a cursor over it
//! that a response body polls. Nothing but a connection reaches the wire.
//!
//! There is one lock to a session. What runs under it is pure; wakers and cancellations that it
//! brings about run after it is released.

mod clock;
mod connection;
mod effects;
mod id;
mod limits;
mod log;
mod polling;
mod reader;
mod refusals;
mod registry;
mod requests;
mod rising;
mod session;
mod state;
mod stream;
mod streams;
mod subscribed;
#[cfg(test)]
mod tests;
mod ticket;
mod tombstones;

pub(crate) use connection::{Connection, Step};
pub(crate) use id::SessionId;
pub(crate) use limits::Limits;
pub(crate) use log::Kind;
pub(crate) use refusals::{no_room, session_ended, shutting_down};
pub(crate) use registry::{AtCapacity, Ending, Lookup, Registry};
pub(crate) use requests::{Asker, Heard, Reply, Unsent};
pub(crate) use session::{CallRefused, Opening, Resumed, Session, SessionEnded};
pub(crate) use state::{End, Sent};
pub(crate) use subscribed::{NotSubscribed, Update};
pub(crate) use ticket::{Answered, CallSender, Ticket};
