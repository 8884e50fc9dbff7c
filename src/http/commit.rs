//! How an answer is framed, and when that is decided.
//!
//! Until then the service's future polls the handler inline, so a quick call spawns nothing. What
//! is decided is decided once, before any header is sent.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::serve::ShutdownWait;
use super::service::Shared;

use crate::protocol::media::Framings;
use crate::server::{Context, Outcome, Running};

/// How answers are framed, where the client leaves the choice.
///
/// `Accept` decides first: with JSON alone it forces JSON, with SSE alone it forces SSE; without
/// either, or with both, this decides.
///
/// ```
/// use mcp_http::{Framing, McpService, Server};
///
/// let server = Server::builder("weather", "1.0.0").build()?;
/// let service = McpService::builder(server)
///     .framing(Framing::JsonOnly) // behind a proxy that cannot pass streams on
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// JSON, unless the handler says something that the client asked for, or has not answered
    /// within the commit deadline: then SSE. The default, and what keeps connections alive:
    /// clients close the connection after each SSE answer, not after a JSON one.
    #[default]
    Adaptive,
    /// JSON always. What a handler says before its answer is dropped, and a slow call holds its
    /// response's headers back until it answers: nothing tells a proxy in between that it lives.
    /// `subscriptions/listen`, whose answer can only be a stream, is not offered.
    JsonOnly,
    /// SSE always, also for an answer that is there at once. Refusals stay JSON.
    SseOnly,
}

impl Framing {
    /// The choice that is left after the client's `Accept`.
    pub(crate) fn narrowed(self, accepted: Framings) -> Framing {
        match accepted {
            Framings::Adaptive => self,
            Framings::JsonOnly => Framing::JsonOnly,
            Framings::SseOnly => Framing::SseOnly,
        }
    }
}

/// What became of a call that was driven inline.
pub(crate) enum Settled {
    /// It is done, and JSON can carry its answer.
    Json(Outcome),
    /// It wants more than that.
    Further(Further),
}

/// What is left to do of a call that is not answered as JSON alone.
pub(crate) enum Further {
    /// It is done, and what it said before needs a stream.
    Stream(Outcome),
    /// It goes on, and its response is a stream from here on.
    Commit,
    /// It goes on, as a task from here on.
    Task,
    /// The server ends, and has no more time for it.
    CutOff,
}

/// Drives one call until it is done or must be answered with a stream.
///
/// # Cancel safety
///
/// Nothing is lost if this is dropped: the handler stays with the caller.
pub(crate) async fn settle(
    running: &mut Running,
    cx: &Context,
    framing: Framing,
    shared: &Shared,
) -> Settled {
    let mut patience = Patience::new(framing, shared);
    poll_fn(|task| {
        if let Poll::Ready(outcome) = Pin::new(&mut *running).poll(task) {
            return Poll::Ready(match framing.ends_as_stream(cx) {
                true => Settled::Further(Further::Stream(outcome)),
                false => Settled::Json(outcome),
            });
        }
        if cx.is_task() {
            return Poll::Ready(Settled::Further(Further::Task));
        }
        if framing.awaits(cx, task.waker()) {
            return Poll::Ready(Settled::Further(Further::Commit));
        }
        patience.poll(task).map(|end| match end {
            Waited::Enough => Settled::Further(Further::Commit),
            Waited::ToTheEnd => Settled::Further(Further::CutOff),
        })
    })
    .await
}

impl Framing {
    /// Whether what the handler has said so far needs a stream.
    pub(crate) fn is_chosen_by(self, cx: &Context) -> bool {
        self == Framing::Adaptive && cx.outbox().needs_stream()
    }

    /// Whether a call that ends now is answered by a stream.
    pub(crate) fn ends_as_stream(self, cx: &Context) -> bool {
        self.is_chosen_by(cx) || self == Framing::SseOnly
    }

    /// The same while the handler runs on: a task of the handler's may speak when the handler
    /// itself is not polled, and must wake the one that decides.
    pub(crate) fn awaits(self, cx: &Context, waker: &Waker) -> bool {
        if self == Framing::Adaptive {
            cx.outbox().register(waker);
        }
        self.is_chosen_by(cx)
    }
}

/// How long a call may stay silent: until the commit deadline, or until the server ends. What it
/// waits with is made by the first wait.
pub(crate) struct Patience<'a> {
    shared: &'a Shared,
    after: Option<Duration>,
    wait: Option<Wait>,
}

struct Wait {
    timer: Option<Pin<Box<Sleep>>>,
    cut_off: Option<ShutdownWait>,
}

/// What ended the patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The commit deadline has passed.
    Enough,
    /// The drain of the server has no more time.
    ToTheEnd,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(framing: Framing, shared: &'a Shared) -> Self {
        let after = match framing {
            Framing::Adaptive => Some(shared.options.commit_after),
            Framing::SseOnly => Some(Duration::ZERO),
            Framing::JsonOnly => None,
        };
        Self { shared, after, wait: None }
    }

    pub(crate) fn shared(&self) -> &'a Shared {
        self.shared
    }

    /// When the waiting began, if it did.
    pub(crate) fn since(&self) -> Option<Instant> {
        let timer = self.wait.as_ref()?.timer.as_ref()?;
        timer.deadline().checked_sub(self.after?)
    }

    pub(crate) fn poll(&mut self, task: &mut TaskContext<'_>) -> Poll<Waited> {
        if self.after == Some(Duration::ZERO) {
            return Poll::Ready(Waited::Enough);
        }
        let wait = self.wait.get_or_insert_with(|| Wait::new(self.shared, self.after));
        if wait.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(task).is_ready()) {
            return Poll::Ready(Waited::Enough);
        }
        if wait.cut_off.as_mut().is_some_and(|it| Pin::new(it).poll(task).is_ready()) {
            return Poll::Ready(Waited::ToTheEnd);
        }
        Poll::Pending
    }
}

impl Wait {
    fn new(shared: &Shared, after: Option<Duration>) -> Self {
        // A call that becomes a stream in time learns of the end there.
        let may_be_cut = after.is_none_or(|after| shared.drain.may_cut_within(after));
        Self {
            timer: after.map(|after| Box::pin(tokio::time::sleep(after))),
            cut_off: may_be_cut.then(|| shared.drain.cut_off()),
        }
    }
}
