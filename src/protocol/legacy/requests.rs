//! The requests to a session's client that are open: whose they are, and for how long.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::limits::Limits;
use crate::protocol::jsonrpc::{Raw, RequestId, encode_notification};
use crate::protocol::time::Millis;

/// Who waits for the client's answer to a request.
pub(crate) trait Asker: Send + Sync {
    /// Hears what became of the request, once. No lock of the session's is held, but that of the
    /// call's outbox may be.
    fn hear(&self, reply: Reply<'_>);
}

/// What became of a request to the client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply<'a> {
    /// The client's `result`.
    Result(Raw<'a>),
    /// The client's `error`.
    Error(Raw<'a>),
    /// Nothing, for as long as was waited.
    TimedOut,
    /// Nothing: it cannot reach the client.
    Unsent(Unsent),
}

/// Why a request cannot reach the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// It has not said that it is initialized.
    Uninitialized,
    /// As many are open as may be.
    TooMany,
    /// What waits to be read leaves no room for it.
    NoRoom,
    /// The call's stream was lost to a gap, or its client has left before there was one.
    NoStream,
}

/// Whether an answer was one to an open request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Yes,
    /// Its request was never made, is answered, or has ended otherwise.
    Unexpected,
}

/// The open requests of a session.
///
/// 2025-11-25, Base Protocol, Requests: "The request ID MUST NOT have been previously used by the
/// requestor within the same session". They count from 1.
#[derive(Default)]
pub(super) struct Requests {
    issued: u64,
    open: BTreeMap<u64, Request>,
}

/// A request that has no answer yet.
pub(super) struct Request {
    /// The key of the call that it belongs to.
    pub(super) call: u64,
    /// Its place in the log of the call's stream, once it is there.
    pub(super) place: Option<u64>,
    pub(super) asker: Arc<dyn Asker>,
    /// The sweep that first saw it.
    since: Option<Millis>,
}

impl Requests {
    /// Opens a request of a call, and gives it its id; none if as many are open as may be.
    pub(super) fn open(
        &mut self,
        call: u64,
        asker: Arc<dyn Asker>,
        limits: &Limits,
    ) -> Option<u64> {
        if self.open.len() >= limits.requests {
            return None;
        }
        self.issued += 1;
        self.open.insert(self.issued, Request { call, place: None, asker, since: None });
        Some(self.issued)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Request> {
        self.open.get_mut(&id)
    }

    /// Closes a request, whatever for.
    pub(super) fn take(&mut self, id: u64) -> Option<Request> {
        self.open.remove(&id)
    }

    /// Closes the request that an answer names. An id of the client's own making is no number of
    /// ours.
    pub(super) fn take_answered(&mut self, id: &RequestId) -> Option<Request> {
        self.take(id.as_json().parse().ok()?)
    }

    /// Closes all requests of a call.
    pub(super) fn take_call(&mut self, call: u64) -> Vec<(u64, Request)> {
        self.open.extract_if(.., |_, request| request.call == call).collect()
    }

    /// Closes all requests.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Request> + use<> {
        std::mem::take(&mut self.open).into_values()
    }

    /// Closes those that have waited for their time. The first sweep that sees a request starts
    /// its time.
    pub(super) fn take_due(&mut self, now: Millis, timeout: Duration) -> Vec<(u64, Request)> {
        let is_due =
            |_: &u64, request: &mut Request| now >= request.since.get_or_insert(now).after(timeout);
        self.open.extract_if(.., is_due).collect()
    }

    /// Closes those that are in the log of a stream which lost them.
    pub(super) fn take_lost(&mut self, is_lost: impl Fn(&Request) -> bool) -> Vec<(u64, Request)> {
        self.open.extract_if(.., |_, request| is_lost(request)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Gives back what a map keeps that was emptied.
    pub(super) fn give_back(&mut self) {
        if self.open.is_empty() {
            self.open = BTreeMap::new();
        }
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.open.keys()).finish()
    }
}

/// Tells the client that nobody waits for its answer any more (2025-11-25, Lifecycle, Timeouts:
/// "the sender SHOULD issue a cancellation notification for that request and stop waiting for a
/// response").
pub(super) fn cancelled(id: u64, reason: &'static str) -> Bytes {
    let encoded = encode_notification("notifications/cancelled", |params| {
        params.member("requestId", &id)?;
        params.member("reason", reason)
    });
    encoded.expect("a number and a string are JSON")
}
