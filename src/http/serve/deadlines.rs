//! The deadlines of a connection, on one timer that moves as little as possible.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

use super::activity::{Activity, Phase};

/// How long a timer that stands for "never" waits; `Instant + Duration::MAX` would panic.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The instant a time after another, or one that never comes.
pub(crate) fn after(since: Instant, limit: Duration) -> Instant {
    since.checked_add(limit).unwrap_or_else(|| since + NEVER)
}

/// A timer for a deadline that moves away more often than it comes.
///
/// It is moved when it would fire too late, or when it has fired too early, and not otherwise:
/// a busy connection touches the timer wheel about once in its longest timeout. Nor is it told
/// anew whom to wake while that is the same.
pub(super) struct LazyTimer {
    sleep: Pin<Box<Sleep>>,
    /// Whom it wakes; nobody before it is polled where it stands.
    wakes: Option<Waker>,
}

impl LazyTimer {
    pub(super) fn new(deadline: Instant) -> Self {
        Self { sleep: Box::pin(tokio::time::sleep_until(deadline)), wakes: None }
    }

    /// When the timer fires next, whatever the deadline is.
    pub(super) fn armed_for(&self) -> Instant {
        self.sleep.deadline()
    }

    /// Moves the timer.
    pub(super) fn rearm(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.wakes = None;
    }

    /// Ready when the deadline has passed.
    pub(super) fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        if self.sleep.deadline() > deadline {
            self.rearm(deadline);
        }
        loop {
            ready!(self.poll_fired(cx));
            if self.sleep.deadline() >= deadline || Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.rearm(deadline);
        }
    }

    fn poll_fired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let known = self.wakes.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if known && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        let fired = self.sleep.as_mut().poll(cx);
        if !known && fired.is_pending() {
            self.wakes = Some(cx.waker().clone());
        }
        fired
    }
}

/// Which deadline has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// A head has begun and not ended.
    Head,
    /// Nothing was in flight, and no head began.
    Idle,
}

/// The deadlines of a connection that hyper drives.
pub(super) struct Deadlines {
    activity: Arc<Activity>,
    timer: LazyTimer,
    head: Duration,
    idle: Duration,
    /// When the idle time began to be this one; what was idle before has it from then on.
    idle_from: Instant,
}

impl Deadlines {
    pub(super) fn new(
        activity: Arc<Activity>,
        timer: LazyTimer,
        head: Duration,
        idle: Duration,
    ) -> Self {
        Self { activity, timer, head, idle, idle_from: Instant::now() }
    }

    /// The connection was told to close: a peer that has nothing in flight and does not close its
    /// side has `grace` from now on, or from the end of the last request.
    pub(super) fn begin_closing(&mut self, grace: Duration) {
        self.idle_from = Instant::now();
        self.idle = grace;
        self.timer.rearm(after(self.idle_from, grace));
    }

    /// Ready when a deadline has passed. To be polled after the connection.
    ///
    /// Invariant: the timer never fires later than the idle time from now, so that a request
    /// that ends in another task (HTTP/2) need not wake this one to have the idle time watched.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Expired> {
        loop {
            let due = match self.activity.phase() {
                Phase::Busy => None,
                Phase::Head { since } => Some((after(since, self.head), Expired::Head)),
                Phase::Idle { since } => {
                    Some((after(since.max(self.idle_from), self.idle), Expired::Idle))
                }
            };
            let deadline = due.map_or(self.timer.armed_for(), |(deadline, _)| deadline);
            ready!(self.timer.poll_until(cx, deadline));
            match due {
                Some((_, expired)) => return Poll::Ready(expired),
                None => self.timer.rearm(after(Instant::now(), self.idle)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moved_away_is_kept_by_the_same_timer() {
        let start = Instant::now();
        let mut timer = LazyTimer::new(start + Duration::from_secs(1));
        poll_fn(|cx| timer.poll_until(cx, start + Duration::from_secs(5))).await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_came_nearer_moves_the_timer() {
        let start = Instant::now();
        let mut timer = LazyTimer::new(start + Duration::from_secs(600));
        poll_fn(|cx| timer.poll_until(cx, start + Duration::from_secs(10))).await;
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_beyond_the_clock_does_not_panic() {
        let now = Instant::now();
        assert!(after(now, Duration::MAX) > now + Duration::from_secs(1_000_000));
    }
}
