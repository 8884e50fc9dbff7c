//! A call in flight, as its handler's side holds it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::log::Kind;
use super::requests::{Asker, Unsent};
use super::session::Session;
use super::state::{Closed, Given, Sent};

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The call has no stream: the response is this message, as JSON.
    Unbound(Bytes),
    /// It is in the log of the call's stream.
    Streamed,
    /// The stream was lost to a gap, and the client has an error for an answer. It was counted.
    Discarded,
    /// The call was cancelled before. The answer was counted.
    Cancelled,
    /// The session ended before. The answer was counted.
    Ended,
}

/// The right to answer one call, once. Dropping it unanswered answers with an error if the call
/// has a stream, so that no stream ends silently.
pub(crate) struct Ticket {
    session: Arc<Session>,
    key: u64,
    spent: Spent,
}

/// Whether the call of a ticket has ended by it.
#[derive(PartialEq)]
enum Spent {
    No,
    Yes,
}

impl Ticket {
    pub(super) fn new(session: Arc<Session>, key: u64) -> Self {
        Self { session, key, spent: Spent::No }
    }

    /// Ends the call. Nothing of the call can follow its answer.
    pub(crate) fn answer(mut self, message: Bytes) -> Answered {
        self.spent = Spent::Yes;
        self.session.answer(self.key, message)
    }

    /// Ends the call with its answer, which is short, on a stream of its own, which nothing comes
    /// before. Whoever asks gives all of it at once, and a client that does not get it can resume
    /// it as any other.
    ///
    /// # Errors
    ///
    /// The call is over: what its stream is to say, the session knows.
    pub(crate) fn give(mut self, message: Bytes) -> Result<Given, (Self, Bytes)> {
        match self.session.give(self.key, message) {
            Ok(given) => {
                self.spent = Spent::Yes;
                Ok(given)
            }
            Err(message) => Err((self, message)),
        }
    }

    /// Ends the call without an answer, because there is nobody to give it to. It is counted.
    pub(crate) fn discard(mut self) {
        self.spent = Spent::Yes;
        self.session.discard(self.key);
    }

    /// Opens a request to the client, and gives it its id. [`CallSender::send_request`] says it.
    ///
    /// # Errors
    ///
    /// As many are open as may be, or the call is over.
    pub(crate) fn ask(&self, asker: Arc<dyn Asker>) -> Result<u64, Unsent> {
        self.session.ask(self.key, asker)
    }

    /// Closes a request that will not be said, if it is open. Who asked is told.
    pub(crate) fn fail_request(&self, id: u64, why: Unsent) {
        self.session.fail_request(id, why);
    }

    /// Closes all requests of the call, which cannot reach the client. Who asked is told.
    pub(crate) fn fail_requests(&self, why: Unsent) {
        self.session.fail_requests(self.key, why);
    }

    /// What the handler says before the answer. It may be cloned and may outlive the call; what
    /// it sends then is discarded.
    pub(crate) fn sender(&self) -> CallSender {
        CallSender { session: Arc::clone(&self.session), key: self.key }
    }

    pub(super) fn key(&self) -> u64 {
        self.key
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.spent == Spent::No {
            self.session.abandon(self.key);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Says notifications and requests of a call on the call's stream.
#[derive(Clone)]
pub(crate) struct CallSender {
    session: Arc<Session>,
    key: u64,
}

impl CallSender {
    /// Adds a message to the call's stream. It never waits.
    pub(crate) fn send(&self, kind: Kind, message: Bytes) -> Sent {
        debug_assert_ne!(kind, Kind::Answer, "an answer takes the ticket");
        self.session.send(self.key, kind, message)
    }

    /// Says a request on the call's stream, if it still is open. If that does not take it, who
    /// asked is told.
    pub(crate) fn send_request(&self, id: u64, message: Bytes) {
        self.session.send_request(id, message);
    }

    /// Asks the connection of the call's stream to end. The stream lives on.
    pub(crate) fn close_stream(&self) -> Closed {
        self.session.close_stream(self.key)
    }

    /// Whether a notification of so many bytes would fit behind a marker.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.session.has_room(self.key, bytes)
    }
}

impl fmt::Debug for CallSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSender").field("key", &self.key).finish_non_exhaustive()
    }
}
