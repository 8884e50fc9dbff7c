//! `subscriptions/listen`: a request whose answer is a stream of what changes, for as long as its
//! client listens (2026-07-28, Subscriptions).

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker, ready};

use bytes::Bytes;
use http::Response;
use tokio::time::Instant;

use super::body::ResponseBody;
use super::commit::Framing;
use super::counters::{StreamEnd, StreamGuard, StreamKind};
use super::endpoint::Admitted;
use super::modern::SERVER_INFO;
use super::parked::ParkedPermit;
use super::pulse::{Beat, Pulse, Purpose};
use super::respond;
use super::service::Shared;
use super::subscriptions::Listening;
use super::task_watch::TaskWatch;
use super::{tasks, unsent};
use crate::protocol::budget::Share;
use crate::protocol::change;
use crate::protocol::jsonrpc::{ErrorCode, RpcError, encode_error};
use crate::protocol::media;
use crate::protocol::modern::{ModernRequest, Subscription};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{self, Event, Frames};
use crate::server::Task;

/// Opens a stream.
///
/// A server that can announce nothing at all, and has no tasks, does not have the method: to acknowledge a
/// subscription that is never served would mislead its client. Where the server can announce
/// something, but nothing of what is asked for, the specification's words are kept ("Notification
/// types the server does not support are omitted"): it is acknowledged with an empty filter, and
/// its result ends it at once, so that nothing waits for what cannot come.
///
/// It is no call: it takes no [`CallPermit`](super::permits::CallPermit), but is counted with the
/// streams that are parked.
///
/// # Errors
///
/// 404 where nothing can be announced, 406 to a client that takes JSON alone, 503 while the server
/// drains, if as many streams are parked as may, or if memory is short. A filter that is none, or
/// that names too many resources or tasks, is answered with -32602, an id that is too long with
/// -32600. 400 with -32021 if tasks are asked for and the extension is not declared.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    admitted: &Admitted<'_>,
    modern: &ModernRequest<'_, '_>,
) -> Result<Response<ResponseBody>, Refusal> {
    let (id, announced) = (&modern.request.id, shared.announced.modern);
    let refuse = |reason: Reason| Refusal::from(reason).for_request(Some(id.clone()));
    if announced.is_empty() && !tasks::are_told(shared) {
        let error = RpcError::method_not_found(&modern.request.method);
        return Err(refuse(Reason::MethodNotFound { error }));
    }
    let framing = shared.options.framing.narrowed(media::framings(admitted.headers));
    let limits = shared.registry.limits().subscriptions;
    let opened = Subscription::open(id.clone(), &modern.request.params, announced, limits);
    let watched = async {
        let mut subscription = opened?;
        let watch = tasks::watch(shared, admitted, modern, &mut subscription).await?;
        Ok::<_, RpcError>((subscription, watch))
    };
    let (subscription, watch) = match watched.await {
        Ok(opened) => opened,
        Err(error) if error.code == ErrorCode::MissingRequiredClientCapability => {
            return Err(refuse(Reason::MissingCapability { error }));
        }
        Err(error) => return Ok(respond::at_once(framing, encode_error(Some(id), &error))),
    };
    if framing == Framing::JsonOnly {
        return Err(refuse(Reason::StreamNotAccepted));
    }
    if subscription.is_vain() {
        let messages = [subscription.acknowledgement(), result(shared, &subscription)];
        return Ok(respond::stream(messages));
    }
    if shared.drain.is_draining() {
        return Err(refuse(Reason::Draining));
    }
    let Some(permit) = ParkedPermit::take(&shared.parked) else {
        return Err(refuse(Reason::TooManyStreams));
    };
    let Some(share) = share_for(shared, &subscription) else {
        return Err(refuse(Reason::OutOfMemory));
    };
    let stream = ListenStream {
        tasks: watch,
        listening: shared.subscriptions.open(subscription, share),
        stage: Stage::Opened,
        frames: None,
        pulse: Pulse::new(shared, Purpose::Parked, Instant::now(), admitted.listener()),
        guard: StreamGuard::open(shared, StreamKind::Listen),
        shared: Arc::clone(shared),
        _permit: permit,
    };
    Ok(respond::sse(ResponseBody::listen(stream)))
}

/// What the names take that a subscription keeps, of what the service may hold in all.
fn share_for(shared: &Shared, subscription: &Subscription) -> Option<Share> {
    let mut share = Share::of(shared.registry.budget());
    let bytes = subscription.names().map(change::cost).sum();
    if bytes == 0 {
        return Some(share);
    }
    let has_room = shared.has_memory() && share.budget().has_room(bytes);
    has_room.then(|| {
        share.grow(bytes);
        share
    })
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
    tasks: TaskWatch,
    stage: Stage,
    /// What is left of the event that is being written.
    frames: Option<Frames>,
    pulse: Pulse,
    guard: StreamGuard,
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
    /// The server ends it. What had changed before is still said.
    Leaving,
    /// The result was said.
    Over,
}

/// What comes next while a stream listens.
enum Turn {
    Said(Bytes),
    Beat(Beat),
    /// All that it listens to has come to its end.
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
                self.pulse.sent();
                // What is told of a task may be long.
                return Poll::Ready(Some(unsent::counted(bytes, self.shared.registry.budget())));
            }
            self.frames = None;
            let message = match self.stage {
                Stage::Opened => {
                    self.stage = Stage::Listening;
                    self.listening.say(Subscription::acknowledgement)
                }
                Stage::Listening => match ready!(self.poll_turn(task)) {
                    Turn::Said(message) => message,
                    Turn::Beat(Beat::Heartbeat) => return Poll::Ready(Some(sse::heartbeat())),
                    Turn::Beat(Beat::Leave { why, .. }) => {
                        self.leave(StreamEnd::from(why));
                        continue;
                    }
                    Turn::Over => {
                        self.leave(StreamEnd::Finished);
                        continue;
                    }
                },
                Stage::Leaving => {
                    self.listening.next().or_else(|| self.left()).unwrap_or_else(|| {
                        self.stage = Stage::Over;
                        self.listening.say(|it| result(&self.shared, it))
                    })
                }
                Stage::Over => return Poll::Ready(None),
            };
            self.frames = Some(Event::message(None, message).into_frames());
        }
    }

    /// What comes next while it listens. A stream that never falls silent has an end as well.
    fn poll_turn(&mut self, task: &mut TaskContext<'_>) -> Poll<Turn> {
        if let Some(beat) = self.pulse.due() {
            return Poll::Ready(Turn::Beat(beat));
        }
        if let Poll::Ready(message) = self.listening.poll_next(task.waker()) {
            return Poll::Ready(Turn::Said(message));
        }
        if let Poll::Ready(changed) = self.tasks.poll_next(task.waker()) {
            return Poll::Ready(Turn::Said(self.told(&changed)));
        }
        if self.tasks.is_over() && self.listening.is_of_tasks_alone() {
            return Poll::Ready(Turn::Over);
        }
        self.pulse.poll(task).map(Turn::Beat)
    }

    fn told(&self, task: &Task) -> Bytes {
        self.listening.say(|it| it.task(&task.members()))
    }

    /// What had changed of tasks before the stream left.
    fn left(&mut self) -> Option<Bytes> {
        match self.tasks.poll_next(Waker::noop()) {
            Poll::Ready(task) => Some(self.told(&task)),
            Poll::Pending => None,
        }
    }

    /// The server ends the stream: "it SHOULD send a successful `subscriptions/listen` response to
    /// signal a graceful end ..., then close the stream" (2026-07-28, Subscriptions, Cancellation).
    ///
    /// Its client need not be told when to come back: there is no word for it, and nothing is lost
    /// to one who subscribes anew and reads what it depends on.
    fn leave(&mut self, end: StreamEnd) {
        self.stage = Stage::Leaving;
        self.guard.ends(end);
        // What changes from now on is not its business, so that there is an end to what is.
        self.listening.leave();
        self.tasks.leave();
    }
}
