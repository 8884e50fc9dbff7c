//! A connection: a cursor over one stream, which one response body polls.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::log::Kind;
use super::reader::Seat;
use super::session::Session;
use super::stream::Move;
use crate::protocol::sse::{EventId, StreamId};

/// What a connection is to write next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A priming event with this id (2025-11-25 and later).
    Prime(EventId),
    /// A message, under its id.
    Event {
        /// The event's id.
        id: EventId,
        /// The JSON-RPC message.
        message: Bytes,
        /// What it is.
        kind: Kind,
    },
    /// Messages are missing here. These, which have no ids, are said in their place: on a POST
    /// stream an error answer for each request that still had none, then the end; on the
    /// standalone stream notifications of all lists that may have changed, and the stream goes on.
    Gap(Vec<Bytes>),
    /// After that, on the standalone stream: the notification of a resource that may have changed,
    /// and to which the client subscribed. It has no id either.
    GapUpdate(Bytes),
    /// A newer connection has the stream, or this one left a message untaken for too long. Write
    /// a `retry` hint and end.
    Displaced {
        /// How long the client is to wait.
        retry: Duration,
    },
    /// The stream is over and all of it was given. End.
    End,
}

/// The reading end of a stream. Dropping it detaches it; the stream lives on.
#[derive(Debug)]
pub(crate) struct Connection {
    session: Arc<Session>,
    source: Source,
    last_event_id: Option<EventId>,
}

#[derive(Debug)]
enum Source {
    Stream {
        id: StreamId,
        generation: u64,
    },
    /// The stream is gone, and this is what is said in its place.
    Farewell(Vec<Bytes>),
    Over,
}

impl Connection {
    pub(super) fn new(session: Arc<Session>, id: StreamId, generation: u64) -> Self {
        session.count_connection();
        Self { session, source: Source::Stream { id, generation }, last_event_id: None }
    }

    pub(super) fn farewell(session: Arc<Session>, messages: Vec<Bytes>) -> Self {
        session.count_connection();
        Self { session, source: Source::Farewell(messages), last_event_id: None }
    }

    pub(super) fn resumed_from(mut self, id: EventId) -> Self {
        self.last_event_id = Some(id);
        self
    }

    /// Keeps what it was admitted with for as long as it has the stream, and not until a body ends
    /// that nobody polls.
    pub(crate) fn keep(&self, admission: impl Send + Sync + 'static) {
        if let Source::Stream { id, generation } = self.source {
            self.session.seat(id, generation, Seat::new(admission));
        }
    }

    /// The next step. After `Displaced` or `End` it stays `End`.
    ///
    /// `Pending` means that the waker is woken when there is more. Only the waker of the last
    /// poll counts.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Step> {
        let (stream, generation) = match &mut self.source {
            &mut Source::Stream { id, generation } => (id, generation),
            Source::Farewell(messages) => {
                let messages = std::mem::take(messages);
                self.source = Source::Over;
                return Poll::Ready(Step::Gap(messages));
            }
            Source::Over => return Poll::Ready(Step::End),
        };
        let Poll::Ready(next) = self.session.poll(stream, generation, waker) else {
            return Poll::Pending;
        };
        Poll::Ready(match next {
            Move::Prime(seq) => Step::Prime(self.named(stream, seq)),
            Move::Give(entry) => {
                let id = self.named(stream, entry.seq);
                Step::Event { id, message: entry.message, kind: entry.kind }
            }
            Move::Gap(messages) => Step::Gap(messages),
            Move::GapUpdate(message) => Step::GapUpdate(message),
            Move::Displaced => {
                self.leave();
                Step::Displaced { retry: self.session.retry(stream) }
            }
            Move::End => {
                self.leave();
                Step::End
            }
        })
    }

    /// [`poll`](Self::poll) with a task's context.
    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        self.poll(cx.waker())
    }

    /// Whether its client can come back if it is ended now, and miss nothing.
    pub(crate) fn can_be_resumed(&self) -> bool {
        self.is_standalone() || self.last_event_id.is_some()
    }

    /// Whether it reads the standalone stream, which ends only when something else ends it.
    pub(crate) fn is_standalone(&self) -> bool {
        matches!(self.source, Source::Stream { id: StreamId::STANDALONE, .. })
    }

    /// The last event id that the client was given, by this connection or as its cursor. Without
    /// one the client cannot come back, so the connection must not be ended early.
    #[cfg(test)]
    pub(crate) fn last_event_id(&self) -> Option<EventId> {
        self.last_event_id
    }

    fn named(&mut self, stream: StreamId, seq: u64) -> EventId {
        *self.last_event_id.insert(EventId { stream, seq })
    }

    fn leave(&mut self) {
        if let Source::Stream { id, generation } = std::mem::replace(&mut self.source, Source::Over)
        {
            self.session.detach(id, generation);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.leave();
        self.session.discount_connection();
    }
}
