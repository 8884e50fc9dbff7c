//! The stream of a legacy response: a cursor over a session's log, which can be resumed.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::counters::{StreamEnd, StreamGuard, StreamKind};
use super::observe;
use super::pulse::{Beat, Leave, Pulse, Purpose};
use super::serve::ShutdownSignal;
use super::service::Shared;
use super::unsent;
use crate::protocol::legacy::{Connection, Step};
use crate::protocol::sse::{self, Event, Frames};

/// The stream. It owns the connection, and nothing else reads through that.
pub(crate) struct LogStream {
    shared: Arc<Shared>,
    connection: Connection,
    pulse: Pulse,
    guard: StreamGuard,
    /// What is left of the event that is being written.
    frames: Option<Frames>,
    /// Messages without ids that come before the next step.
    messages: std::vec::IntoIter<Bytes>,
    begun: Begun,
    over: Over,
}

#[derive(PartialEq)]
enum Begun {
    No,
    Yes,
}

#[derive(PartialEq)]
enum Over {
    No,
    Yes,
}

impl LogStream {
    /// The stream of a request that came at `since`.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        connection: Connection,
        since: Instant,
        listener: Option<&ShutdownSignal>,
    ) -> Self {
        let (purpose, kind) = match connection.is_standalone() {
            true => (Purpose::Parked, StreamKind::Standalone),
            false => (Purpose::Answers, StreamKind::Call),
        };
        Self {
            shared: Arc::clone(shared),
            connection,
            pulse: Pulse::new(shared, purpose, since, listener),
            guard: StreamGuard::open(shared, kind),
            frames: None,
            messages: Vec::new().into_iter(),
            begun: Begun::No,
            over: Over::No,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over == Over::Yes
    }

    /// The next bytes of the stream; `None` at its end.
    pub(crate) fn poll_bytes(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.next_pending() {
                self.pulse.sent();
                self.begun = Begun::Yes;
                return Poll::Ready(Some(unsent::counted(bytes, self.shared.registry.budget())));
            }
            if self.over == Over::Yes {
                return Poll::Ready(None);
            }
            // A stream that never falls silent has an end as well.
            if let Some(Beat::Leave { retry, why }) = self.pulse.due()
                && let Some(hint) = self.leave(retry, why)
            {
                return Poll::Ready(Some(hint));
            }
            let Poll::Ready(step) = self.connection.poll_step(task) else {
                return self.poll_idle(task);
            };
            match step {
                Step::Prime(id) => {
                    let retry = self.shared.registry.limits().retry;
                    self.frames = Some(Event::priming(id, retry).into_frames());
                }
                Step::Event { id, message, .. } => {
                    self.frames = Some(Event::message(Some(id), message).into_frames());
                }
                Step::Gap(messages) => {
                    self.shared.counters.gaps.add(1);
                    observe::gap_told();
                    self.messages = messages.into_iter();
                }
                Step::GapUpdate(message) => {
                    self.frames = Some(Event::message(None, message).into_frames());
                }
                Step::Displaced { retry } => {
                    return Poll::Ready(Some(self.end_early(retry, StreamEnd::Displaced)));
                }
                Step::End => {
                    self.over = Over::Yes;
                    self.guard.ends(StreamEnd::Finished);
                    // A stream that ends without a byte would be no stream to some parsers.
                    if self.begun == Begun::No {
                        return Poll::Ready(Some(sse::heartbeat()));
                    }
                }
            }
        }
    }

    fn next_pending(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.frames.as_mut().and_then(Iterator::next) {
                return Some(bytes);
            }
            let message = self.messages.next()?;
            self.frames = Some(Event::message(None, message).into_frames());
        }
    }

    /// Nothing to say: the first byte, an early end, or a heartbeat.
    fn poll_idle(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        if self.begun == Begun::No {
            // Some proxies withhold the headers until the first byte of the body.
            self.begun = Begun::Yes;
            return Poll::Ready(Some(sse::heartbeat()));
        }
        loop {
            match std::task::ready!(self.pulse.poll(task)) {
                Beat::Heartbeat => return Poll::Ready(Some(sse::heartbeat())),
                Beat::Leave { retry, why } => {
                    if let Some(hint) = self.leave(retry, why) {
                        return Poll::Ready(Some(hint));
                    }
                }
            }
        }
    }

    /// Ends the stream early, if its client can come back and miss nothing (decision 12).
    fn leave(&mut self, retry: Duration, why: Leave) -> Option<Bytes> {
        // In a drain a client could come back to nobody: its answer comes on this connection.
        let may_leave = self.connection.is_standalone() || !self.shared.drain.is_draining();
        if self.connection.can_be_resumed() && may_leave {
            return Some(self.end_early(retry, why.into()));
        }
        // The platform cuts it, or its answer comes first.
        self.pulse.stay();
        None
    }

    /// 2025-11-25, Transports, Sending Messages to the Server, 6: "it SHOULD send an SSE event with
    /// a standard `retry` field before closing the connection".
    fn end_early(&mut self, retry: Duration, end: StreamEnd) -> Bytes {
        self.over = Over::Yes;
        self.guard.ends(end);
        sse::retry_hint(retry)
    }
}

impl From<Leave> for StreamEnd {
    fn from(why: Leave) -> Self {
        match why {
            Leave::Aged => Self::Aged,
            Leave::Drained => Self::Drained,
        }
    }
}
