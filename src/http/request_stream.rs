//! The stream of one request that cannot be resumed: what its handler says, then the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::counters::{StreamEnd, StreamGuard, StreamKind};
use super::held::Held;
use super::observe;
use super::permits::CallPermit;
use super::pulse::{Beat, Pulse, Purpose};
use super::serve::ShutdownWait;
use super::service::Shared;
use super::unsent;
use super::watched::Watched;
use crate::protocol::jsonrpc::{RequestId, RpcError, encode_error};
use crate::protocol::legacy::shutting_down;
use crate::protocol::sse::{self, Event, Frames};
use crate::server::Context;

/// What the drop of the body means for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disconnect {
    /// 2026-07-28, Streamable HTTP, Cancellation: "Closing the SSE response stream MUST be treated
    /// by the server as cancellation of that request."
    Cancels,
    /// 2025-11-25, Transports, Sending Messages to the Server, 6: "Disconnection SHOULD NOT be
    /// interpreted as the client cancelling its request."
    Detaches,
}

/// Where the answer comes from.
enum Tail {
    /// The task that runs the handler, and leaves the answer with [`Watched`].
    Running(JoinHandle<()>),
    /// It is there, and goes out after all that was said before it.
    Ready,
    /// It went out.
    Sent,
}

/// The stream. It owns the handler's task, and reads the outbox of its call.
pub(crate) struct RequestStream {
    shared: Arc<Shared>,
    cx: Context,
    id: RequestId,
    watched: Arc<Watched>,
    tail: Tail,
    disconnect: Disconnect,
    pulse: Pulse,
    guard: StreamGuard,
    /// When the drain has no more time for the call.
    cut_off: Option<ShutdownWait>,
    frames: Option<Frames>,
    begun: Begun,
}

#[derive(PartialEq)]
enum Begun {
    No,
    Yes,
}

impl RequestStream {
    pub(crate) fn running(
        shared: &Arc<Shared>,
        cx: Context,
        id: RequestId,
        answer: impl Future<Output = Bytes> + Send + 'static,
        disconnect: Disconnect,
    ) -> Self {
        // A body that hyper does not poll must not freeze a handler that holds locks.
        let watched = Watched::new(cx.clone(), id.clone());
        let answer = observe::in_same_span(answer);
        let task = tokio::spawn({
            let (shared, id, watched) = (Arc::clone(shared), id.clone(), Arc::clone(&watched));
            async move {
                let answer = answer.await;
                watched.answer(Held::new(&shared, &id, answer));
            }
        });
        watched.runs_in(task.abort_handle());
        let mut stream = Self::new(shared, cx, id, watched, Tail::Running(task), disconnect);
        stream.cut_off = Some(shared.drain.cut_off());
        stream
    }

    pub(crate) fn ready(shared: &Arc<Shared>, cx: Context, id: RequestId, answer: Bytes) -> Self {
        let watched = Watched::new(cx.clone(), id.clone());
        watched.answer(Held::new(shared, &id, answer));
        Self::new(shared, cx, id, watched, Tail::Ready, Disconnect::Detaches)
    }

    fn new(
        shared: &Arc<Shared>,
        cx: Context,
        id: RequestId,
        watched: Arc<Watched>,
        tail: Tail,
        disconnect: Disconnect,
    ) -> Self {
        shared.ensure_sweeper();
        let guard = StreamGuard::open(shared, StreamKind::Call);
        guard.watch(Arc::clone(&watched));
        let mut pulse = Pulse::new(shared, Purpose::Answers, Instant::now(), None);
        // Nobody could come back to it.
        pulse.stay();
        Self {
            shared: Arc::clone(shared),
            cx,
            id,
            watched,
            tail,
            disconnect,
            pulse,
            guard,
            cut_off: None,
            frames: None,
            begun: Begun::No,
        }
    }

    /// Keeps the call counted until the stream is dropped, or stalls.
    pub(crate) fn with_permit(self, permit: CallPermit) -> Self {
        self.watched.keep(permit);
        self
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.tail, Tail::Sent) && self.frames.is_none()
    }

    /// The next bytes of the stream; `None` at its end.
    pub(crate) fn poll_bytes(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.frames.as_mut().and_then(Iterator::next) {
                self.pulse.sent();
                self.begun = Begun::Yes;
                return Poll::Ready(Some(unsent::counted(bytes, self.shared.registry.budget())));
            }
            self.frames = None;
            match self.poll_message(task) {
                Poll::Ready(Some(message)) => {
                    self.frames = Some(Event::message(None, message).into_frames());
                }
                Poll::Ready(None) => return Poll::Ready(None),
                // Some proxies withhold the headers until the first byte of the body.
                Poll::Pending if self.begun == Begun::No => {
                    self.begun = Begun::Yes;
                    return Poll::Ready(Some(sse::heartbeat()));
                }
                Poll::Pending => match std::task::ready!(self.pulse.poll(task)) {
                    Beat::Heartbeat => return Poll::Ready(Some(sse::heartbeat())),
                    Beat::Leave { .. } => self.pulse.stay(),
                },
            }
        }
    }

    /// The next message: what was said, as long as there is some, and then the answer.
    fn poll_message(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Poll::Ready(Some(said)) = self.cx.outbox().poll_next(task.waker()) {
                self.watched.moves();
                return Poll::Ready(Some(said.bytes));
            }
            match &mut self.tail {
                Tail::Running(running) => {
                    if Pin::new(running).poll(task).is_pending() {
                        if !self.is_cut_off(task) {
                            return Poll::Pending;
                        }
                        self.cut_off();
                    }
                    // What was said after the look at the outbox and before the answer.
                    self.tail = Tail::Ready;
                }
                Tail::Ready => {
                    self.watched.moves();
                    self.cx.outbox().close();
                    self.tail = Tail::Sent;
                    self.guard.ends(StreamEnd::Finished);
                    // The task catches what handlers throw; what is left is its abort.
                    let answer = self.watched.take_answer().map(Held::into_bytes);
                    return Poll::Ready(Some(answer.unwrap_or_else(|| self.aborted())));
                }
                Tail::Sent => return Poll::Ready(None),
            }
        }
    }

    fn aborted(&self) -> Bytes {
        encode_error(Some(&self.id), &RpcError::internal("The call was aborted"))
    }

    fn is_cut_off(&mut self, task: &mut TaskContext<'_>) -> bool {
        self.cut_off.as_mut().is_some_and(|cut_off| Pin::new(cut_off).poll(task).is_ready())
    }

    /// The server ends before the call does.
    fn cut_off(&mut self) {
        if let Tail::Running(task) = &self.tail {
            task.abort();
        }
        self.cx.cancel();
        self.shared.counters.cut_off_calls.add(1);
        observe::calls_cut_off(1);
        self.watched.answer(Held::new(&self.shared, &self.id, shutting_down(&self.id)));
    }
}

impl Drop for RequestStream {
    fn drop(&mut self) {
        if let (Tail::Running(task), Disconnect::Cancels) = (&self.tail, self.disconnect) {
            // The handler is dropped without another poll.
            task.abort();
            self.cx.cancel();
        }
        self.cx.outbox().discard();
        if self.watched.is_stalled() {
            self.guard.ends(StreamEnd::Stalled);
        }
    }
}
