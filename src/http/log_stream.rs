//! The stream of a legacy response: a cursor over a session's log, which can be resumed.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;

use super::heartbeat::Heartbeat;
use super::parked::ParkedPermit;
use super::serve::{ShutdownSignal, ShutdownWait};
use crate::protocol::legacy::{Connection, Step};
use crate::protocol::sse::{self, Event, Frames};

/// What a stream is for, which decides when it may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It carries the answers of a POST, and ends with the last of them.
    Answers,
    /// It carries what the server has to say, and ends when something else ends it.
    Standalone,
}

/// The stream. It owns the connection, and nothing else reads through that.
pub(crate) struct LogStream {
    connection: Connection,
    heartbeat: Heartbeat,
    /// What a client that is to come back is told to wait.
    retry: Duration,
    shutdown: Option<ShutdownWait>,
    /// What is left of the event that is being written.
    frames: Option<Frames>,
    /// Messages without ids that come before the next step.
    messages: std::vec::IntoIter<Bytes>,
    begun: Begun,
    over: Over,
    permit: Option<ParkedPermit>,
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
    /// `shutdown` ends a stream that would otherwise go on for ever.
    pub(crate) fn new(
        connection: Connection,
        purpose: Purpose,
        heartbeat: Duration,
        retry: Duration,
        shutdown: Option<&ShutdownSignal>,
    ) -> Self {
        let shutdown = match purpose {
            Purpose::Standalone => shutdown.map(ShutdownSignal::wait),
            Purpose::Answers => None,
        };
        Self {
            connection,
            heartbeat: Heartbeat::new(heartbeat),
            retry,
            shutdown,
            frames: None,
            messages: Vec::new().into_iter(),
            begun: Begun::No,
            over: Over::No,
            permit: None,
        }
    }

    /// Keeps the stream counted as parked until it is dropped.
    pub(crate) fn with_permit(mut self, permit: ParkedPermit) -> Self {
        self.permit = Some(permit);
        self
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over == Over::Yes
    }

    /// The next bytes of the stream; `None` at its end.
    pub(crate) fn poll_bytes(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.next_pending() {
                self.heartbeat.sent();
                self.begun = Begun::Yes;
                return Poll::Ready(Some(bytes));
            }
            if self.over == Over::Yes {
                return Poll::Ready(None);
            }
            let Poll::Ready(step) = self.connection.poll_step(task) else {
                return self.poll_idle(task);
            };
            match step {
                Step::Prime(id) => {
                    self.frames = Some(Event::priming(id, self.retry).into_frames());
                }
                Step::Event { id, message, .. } => {
                    self.frames = Some(Event::message(Some(id), message).into_frames());
                }
                Step::Gap(messages) => self.messages = messages.into_iter(),
                Step::Displaced { retry } => {
                    self.over = Over::Yes;
                    return Poll::Ready(Some(sse::retry_hint(retry)));
                }
                Step::End => {
                    self.over = Over::Yes;
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

    /// Nothing to say: the first byte, the end of the server, or a heartbeat.
    fn poll_idle(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        if self.begun == Begun::No {
            // Some proxies withhold the headers until the first byte of the body.
            self.begun = Begun::Yes;
            return Poll::Ready(Some(sse::heartbeat()));
        }
        let mut shutdown = self.shutdown.as_mut();
        if shutdown.as_mut().is_some_and(|it| Pin::new(it).poll(task).is_ready()) {
            self.over = Over::Yes;
            return Poll::Ready(Some(sse::retry_hint(self.retry)));
        }
        self.heartbeat.poll(task).map(|()| Some(sse::heartbeat()))
    }
}
