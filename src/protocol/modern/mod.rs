//! The modern era, 2026-07-28: each request carries all that is needed to serve it, and nothing
//! is kept between two of them. There is no map and no lock here.

mod envelope;
mod headers;
mod listen;
mod mismatch;
pub(crate) mod params;
mod sentinel;
pub(crate) mod state;

pub(crate) use envelope::{Envelope, ModernRequest, check};
pub(crate) use listen::{
    Backlog, LISTEN, Noted, Notification, Place, Subscription, requested_tasks,
};
