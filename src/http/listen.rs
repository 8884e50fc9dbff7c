//! `subscriptions/listen`: a request whose answer is a stream of what changes, for as long as its
//! client listens (2026-07-28, Subscriptions).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::Response;

use super::body::ResponseBody;
use super::commit::Framing;
use super::endpoint::Admitted;
use super::heartbeat::Heartbeat;
use super::modern::SERVER_INFO;
use super::parked::ParkedPermit;
use super::respond;
use super::serve::{ShutdownSignal, ShutdownWait};
use super::service::Shared;
use super::subscriptions::Listening;
use crate::protocol::jsonrpc::{RpcError, encode_error};
use crate::protocol::media;
use crate::protocol::modern::{ModernRequest, Subscription};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{self, Event, Frames};

/// Opens a stream.
///
/// A server that can announce nothing at all does not have the method: to acknowledge a
/// subscription that is never served would mislead its client. Where the server can announce
/// something, but nothing of what is asked for, the specification's words are kept ("Notification
/// types the server does not support are omitted"): it is acknowledged with an empty filter, and
/// its result ends it at once, so that nothing waits for what cannot come.
///
/// It is no call: it takes no [`CallPermit`](super::service::CallPermit), but is counted with the
/// streams that are parked.
///
/// # Errors
///
/// 404 where nothing can be announced, 406 to a client that takes JSON alone, 503 if as many
/// streams are parked as may. A filter that is none is answered with -32602.
pub(crate) fn open(
    shared: &Arc<Shared>,
    admitted: &Admitted,
    modern: &ModernRequest<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    let (id, announced) = (&modern.request.id, shared.announced.modern);
    let refuse = |reason: Reason| Refusal::from(reason).for_request(Some(id.clone()));
    if announced.is_empty() {
        let error = RpcError::method_not_found(&modern.request.method);
        return Err(refuse(Reason::MethodNotFound { error }));
    }
    let framing = shared.options.framing.narrowed(media::framings(admitted.head.headers()));
    let subscription = match Subscription::open(id.clone(), &modern.request.params, announced) {
        Ok(subscription) => subscription,
        Err(error) => return Ok(respond::at_once(framing, encode_error(Some(id), &error))),
    };
    if framing == Framing::JsonOnly {
        return Err(refuse(Reason::StreamNotAccepted));
    }
    if subscription.is_vain() {
        let messages = [subscription.acknowledgement(), result(shared, &subscription)];
        return Ok(respond::stream(messages));
    }
    let Some(permit) = ParkedPermit::take(&shared.parked) else {
        return Err(refuse(Reason::TooManyStreams));
    };
    let shutdown = admitted.head.extensions().get::<ShutdownSignal>();
    let stream = ListenStream {
        listening: shared.subscriptions.open(subscription),
        stage: Stage::Opened,
        frames: None,
        heartbeat: Heartbeat::new(shared.options.heartbeat),
        shutdown: shutdown.map(ShutdownSignal::wait),
        shared: Arc::clone(shared),
        _permit: permit,
    };
    Ok(respond::sse(ResponseBody::listen(stream)))
}

/// The result that ends a subscription. "Servers SHOULD include ... `serverInfo`" (Base Protocol,
/// `_meta`).
fn result(shared: &Shared, subscription: &Subscription) -> Bytes {
    subscription.result(|meta| meta.member(SERVER_INFO, &shared.server_info))
}

/// The stream. It needs no task: what changes wakes whoever polls it.
///
/// Its drop is the client's cancellation (2026-07-28, Streamable HTTP, Cancellation), and frees
/// all that was held for it.
pub(crate) struct ListenStream {
    listening: Listening,
    stage: Stage,
    /// What is left of the event that is being written.
    frames: Option<Frames>,
    heartbeat: Heartbeat,
    shutdown: Option<ShutdownWait>,
    shared: Arc<Shared>,
    _permit: ParkedPermit,
}

/// How far the stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was said. The acknowledgement comes "as the first message", and at once.
    Opened,
    /// It says what changes.
    Listening,
    /// The result was said.
    Over,
}

impl ListenStream {
    pub(crate) fn is_over(&self) -> bool {
        self.stage == Stage::Over && self.frames.is_none()
    }

    /// The next bytes of the stream; `None` at its end.
    pub(crate) fn poll_bytes(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.frames.as_mut().and_then(Iterator::next) {
                self.heartbeat.sent();
                return Poll::Ready(Some(bytes));
            }
            self.frames = None;
            let message = match self.stage {
                Stage::Opened => {
                    self.stage = Stage::Listening;
                    self.listening.say(Subscription::acknowledgement)
                }
                Stage::Listening => match self.listening.poll_next(task.waker()) {
                    Poll::Ready(message) => message,
                    // What changed before the end is said before it.
                    Poll::Pending if self.must_end(task) => {
                        self.stage = Stage::Over;
                        self.listening.say(|it| result(&self.shared, it))
                    }
                    Poll::Pending => {
                        return self.heartbeat.poll(task).map(|()| Some(sse::heartbeat()));
                    }
                },
                Stage::Over => return Poll::Ready(None),
            };
            self.frames = Some(Event::message(None, message).into_frames());
        }
    }

    /// Whether the server ends the stream: "it SHOULD send a successful `subscriptions/listen`
    /// response ... then close the stream" (2026-07-28, Subscriptions, Cancellation).
    fn must_end(&mut self, task: &mut TaskContext<'_>) -> bool {
        self.shutdown.as_mut().is_some_and(|wait| Pin::new(wait).poll(task).is_ready())
    }
}
