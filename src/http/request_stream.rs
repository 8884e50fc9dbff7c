//! The stream of one request that cannot be resumed: what its handler says, then the answer.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::heartbeat::Heartbeat;
use super::service::CallPermit;
use crate::protocol::jsonrpc::{RequestId, RpcError, encode_error};
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
    /// The task that runs the handler.
    Running(JoinHandle<Bytes>),
    /// It is here, and goes out after all that was said before it.
    Ready(Bytes),
    /// It went out.
    Sent,
}

/// The stream. It owns the handler's task, and reads the outbox of its call.
pub(crate) struct RequestStream {
    cx: Context,
    id: RequestId,
    tail: Tail,
    disconnect: Disconnect,
    heartbeat: Heartbeat,
    frames: Option<Frames>,
    begun: Begun,
    permit: Option<CallPermit>,
}

#[derive(PartialEq)]
enum Begun {
    No,
    Yes,
}

impl RequestStream {
    pub(crate) fn running(
        cx: Context,
        id: RequestId,
        task: JoinHandle<Bytes>,
        disconnect: Disconnect,
        heartbeat: Heartbeat,
    ) -> Self {
        let tail = Tail::Running(task);
        Self { cx, id, tail, disconnect, heartbeat, frames: None, begun: Begun::No, permit: None }
    }

    pub(crate) fn ready(cx: Context, id: RequestId, answer: Bytes, heartbeat: Heartbeat) -> Self {
        let (tail, disconnect) = (Tail::Ready(answer), Disconnect::Detaches);
        Self { cx, id, tail, disconnect, heartbeat, frames: None, begun: Begun::No, permit: None }
    }

    /// Keeps the call counted until the stream is dropped.
    pub(crate) fn with_permit(mut self, permit: CallPermit) -> Self {
        self.permit = Some(permit);
        self
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.tail, Tail::Sent) && self.frames.is_none()
    }

    /// The next bytes of the stream; `None` at its end.
    pub(crate) fn poll_bytes(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.frames.as_mut().and_then(Iterator::next) {
                self.heartbeat.sent();
                self.begun = Begun::Yes;
                return Poll::Ready(Some(bytes));
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
                Poll::Pending => {
                    return self.heartbeat.poll(task).map(|()| Some(sse::heartbeat()));
                }
            }
        }
    }

    /// The next message: what was said, as long as there is some, and then the answer.
    fn poll_message(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Poll::Ready(Some(said)) = self.cx.outbox().poll_next(task.waker()) {
                return Poll::Ready(Some(said.bytes));
            }
            match &mut self.tail {
                Tail::Running(running) => {
                    let Poll::Ready(answer) = Pin::new(running).poll(task) else {
                        return Poll::Pending;
                    };
                    // The task catches what handlers throw; what is left is its abort.
                    let answer = answer.unwrap_or_else(|_| self.aborted());
                    // What was said after the look at the outbox and before the answer.
                    self.tail = Tail::Ready(answer);
                }
                Tail::Ready(answer) => {
                    let answer = std::mem::take(answer);
                    self.cx.outbox().close();
                    self.tail = Tail::Sent;
                    return Poll::Ready(Some(answer));
                }
                Tail::Sent => return Poll::Ready(None),
            }
        }
    }

    fn aborted(&self) -> Bytes {
        encode_error(Some(&self.id), &RpcError::internal("The call was aborted"))
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
    }
}
