//! Driving the calls of one POST until their framing is known.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::calls::{Call, CallState};
use crate::http::commit::{Framing, Patience, Waited};
use crate::http::service::Shared;
use crate::protocol::legacy::shutting_down;

/// How the calls are to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All are over, and JSON can carry their answers.
    Json,
    /// A stream carries what was said and what is to come.
    Stream,
}

/// Drives calls inline. It gives them back through [`Drive::into_calls`].
///
/// If it is dropped before its verdict, the client has left, and that is no cancellation
/// (2025-11-25, Transports, Sending Messages to the Server, 6): the calls go on in a task. Their
/// answers, which no event id can name, are discarded.
pub(super) struct Drive<'a> {
    calls: Vec<Call>,
    framing: Framing,
    patience: Patience<'a>,
}

impl<'a> Drive<'a> {
    pub(super) fn new(calls: Vec<Call>, framing: Framing, shared: &'a Shared) -> Self {
        Self { calls, framing, patience: Patience::new(framing, shared) }
    }

    /// When the calls began, if they had to be waited for.
    pub(super) fn since(&self) -> Option<Instant> {
        self.patience.since()
    }

    pub(super) fn into_calls(mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls)
    }

    /// Polls every call that runs. Ready when the framing is known.
    pub(super) fn poll(&mut self, task: &mut TaskContext<'_>) -> Poll<Verdict> {
        let mut running = false;
        let mut stream = false;
        for call in &mut self.calls {
            let pending = call.poll(task).is_pending();
            running |= pending;
            if let Some(cx) = call.cx() {
                stream |= match pending {
                    true => self.framing.awaits(cx, task.waker()),
                    false => self.framing.is_chosen_by(cx),
                };
            }
        }
        match (stream, running) {
            (true, _) => Poll::Ready(Verdict::Stream),
            (false, false) if self.framing == Framing::SseOnly => Poll::Ready(Verdict::Stream),
            (false, false) => Poll::Ready(Verdict::Json),
            (false, true) => self.patience.poll(task).map(|waited| match waited {
                Waited::Enough => Verdict::Stream,
                Waited::ToTheEnd => {
                    self.cut_off();
                    Verdict::Json
                }
            }),
        }
    }
}

impl Drive<'_> {
    /// The server ends before the calls do.
    fn cut_off(&mut self) {
        for call in &mut self.calls {
            if let CallState::Running(_) = call.state {
                let message = shutting_down(&call.answer.id);
                if let Some(cx) = call.cx() {
                    cx.cancel();
                }
                call.finish(CallState::Done(message));
                self.patience.shared().counters.cut_off_calls.add(1);
            }
        }
    }
}

impl Call {
    /// Polls the handler. Ready when the call is over, one way or another.
    pub(super) fn poll(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        let CallState::Running(_) = &self.state else { return Poll::Ready(()) };
        if self.is_cancelled() {
            // The handler is dropped without another poll.
            self.finish(CallState::Gone);
            return Poll::Ready(());
        }
        let CallState::Running(running) = &mut self.state else { return Poll::Ready(()) };
        if let Poll::Ready(outcome) = Pin::new(&mut *running).poll(task) {
            let message = self.answer.encode(outcome);
            self.finish(CallState::Done(message));
            return Poll::Ready(());
        }
        if let Some(questions) = running.take_questions() {
            self.ask(questions);
        }
        // A cancellation that came before this task was there to be woken by it.
        if self.is_cancelled() {
            self.finish(CallState::Gone);
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Drive<'_> {
    fn drop(&mut self) {
        if self.calls.is_empty() {
            return;
        }
        // Without a runtime there is nothing left that could run them.
        let Ok(runtime) = Handle::try_current() else { return };
        for mut call in std::mem::take(&mut self.calls) {
            if let Some(cx) = call.cx() {
                cx.outbox().discard();
                call.fail_questions();
            }
            match call.state {
                CallState::Running(_) => drop(runtime.spawn(async move {
                    std::future::poll_fn(|task| call.poll(task)).await;
                    call.discard();
                })),
                CallState::Done(_) | CallState::Gone => call.discard(),
            }
        }
    }
}

impl Call {
    /// The answer, which no event id can name, goes nowhere, and is counted.
    fn discard(mut self) {
        if let (CallState::Done(_), Some(ticket)) = (&self.state, self.ticket.take()) {
            ticket.discard();
        }
    }
}
