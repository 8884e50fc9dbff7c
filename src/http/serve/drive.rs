//! A connection that hyper drives, until it ends, a deadline passes, or the shutdown closes it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    close::LINGER,
    deadlines::{Deadlines, Expired},
    shutdown::ShutdownWait,
};

/// How a connection that hyper drives ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By hyper: the peer left, the last answer was written, an error.
    Finished,
    /// By a deadline.
    Expired(Expired),
}

/// What ends a connection that hyper would go on with.
pub(super) struct Driver {
    deadlines: Deadlines,
    /// None once the connection was told to close.
    shutdown: Option<ShutdownWait>,
}

impl Driver {
    pub(super) fn new(deadlines: Deadlines, shutdown: ShutdownWait) -> Self {
        Self { deadlines, shutdown: Some(shutdown) }
    }

    /// Drives the connection on. Ready when it is at its end.
    pub(super) fn poll<C: Future>(
        &mut self,
        cx: &mut Context<'_>,
        mut connection: Pin<&mut C>,
        graceful_shutdown: fn(Pin<&mut C>),
    ) -> Poll<End> {
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(End::Finished);
            }
            if !self.poll_shutdown(cx) {
                return self.deadlines.poll(cx).map(End::Expired);
            }
            self.begin_closing();
            graceful_shutdown(connection.as_mut());
        }
    }

    /// Gives a peer that has nothing in flight a short time to close its side.
    pub(super) fn begin_closing(&mut self) {
        self.shutdown = None;
        self.deadlines.begin_closing(LINGER);
    }

    /// Whether the shutdown has begun and the connection was not told yet.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> bool {
        self.shutdown.as_mut().is_some_and(|shutdown| Pin::new(shutdown).poll(cx).is_ready())
    }
}
