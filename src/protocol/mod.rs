//! The pure core: no runtime, no sockets, no clock, no randomness.
//!
//! Everything here is a function of its arguments. Time is a [`time::Millis`] that the caller
//! passes, identifiers are made from bytes that the caller draws, and waiting is a
//! [`std::task::Waker`] that the caller hands in. `tests/it/layering.rs` holds this.

pub(crate) mod budget;
pub(crate) mod cancel;
pub(crate) mod change;
pub(crate) mod classify;
pub(crate) mod client_addr;
pub(crate) mod head;
pub(crate) mod jsonrpc;
pub(crate) mod known_headers;
pub(crate) mod legacy;
pub(crate) mod log_level;
pub(crate) mod media;
pub(crate) mod modern;
pub(crate) mod origin;
pub(crate) mod principal;
pub(crate) mod refusal;
pub(crate) mod sse;
pub(crate) mod sync;
pub(crate) mod time;
pub(crate) mod timestamp;
#[cfg(feature = "tracing")]
pub(crate) mod trace;
pub(crate) mod version;
