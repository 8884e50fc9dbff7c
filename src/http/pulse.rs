//! The one timer of a stream: its heartbeats, its greatest age, and its part in a drain.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::drain::wave;
use super::serve::{ShutdownSignal, ShutdownWait};
use super::service::Shared;

/// What a stream is to do when its timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing was sent for a period: write a comment line, so that nobody in between takes the
    /// connection for dead.
    Heartbeat,
    /// End, if the client can come back or has its answer; else [`Pulse::stay`].
    Leave {
        /// How long the client is to wait before it comes back.
        retry: Duration,
        why: Leave,
    },
}

/// Why a stream is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It is as old as a stream may be.
    Aged,
    /// The server ends.
    Drained,
}

/// Whether a stream is only there for what may come, or carries answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It ends early in a drain, at a moment of its own.
    Parked,
    /// It ends with its answers. In a drain it is left alone until time is up.
    Answers,
}

/// What the stream answered when it was last asked to leave.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    None,
    /// It cannot, until it has said something.
    NotNow,
}

/// The timer. It is not moved with each event: when it fires, it looks at when the last one was.
pub(crate) struct Pulse {
    shared: Arc<Shared>,
    period: Duration,
    last: Instant,
    leave: (Instant, Leave),
    answer: Answer,
    drain: Option<ShutdownWait>,
    timer: Pin<Box<Sleep>>,
}

impl Pulse {
    /// The pulse of a stream whose request came at `since`, by a listener of the crate's own or not.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        purpose: Purpose,
        since: Instant,
        listener: Option<&ShutdownSignal>,
    ) -> Self {
        let (now, period) = (Instant::now(), shared.options.heartbeat);
        let age = shared.options.max_stream_age;
        let leave = (since + (age - shared.jitter.within(age / 10)), Leave::Aged);
        let drain = match purpose {
            Purpose::Parked => Some(shared.drain.begun(listener).wait()),
            Purpose::Answers => None,
        };
        let mut pulse = Self {
            shared: Arc::clone(shared),
            period,
            last: now,
            leave,
            answer: Answer::None,
            drain,
            timer: Box::pin(sleep_until(now + period)),
        };
        let next = pulse.next();
        pulse.timer.as_mut().reset(next);
        pulse
    }

    /// Something was sent: the next heartbeat is a period away.
    pub(crate) fn sent(&mut self) {
        self.last = Instant::now();
    }

    /// The leave, if its moment has come by the time when something was last sent. A stream that
    /// could not leave before is asked again: what was sent may have been the id it lacked.
    pub(crate) fn due(&self) -> Option<Beat> {
        let (at, why) = self.leave;
        (at <= self.last).then(|| self.leave_now(why))
    }

    /// The stream cannot end yet, and there is no use in asking again before something is sent.
    pub(crate) fn stay(&mut self) {
        self.answer = Answer::NotNow;
    }

    /// Waits for the next beat.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Beat> {
        if self.drain.as_mut().is_some_and(|begun| Pin::new(begun).poll(cx).is_ready())
            && let Some(begun) = self.drain.take()
        {
            self.join_the_drain(begun.signal());
        }
        loop {
            std::task::ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            if let Some((at, why)) = self.leave_to_wait_for()
                && at <= now
            {
                return Poll::Ready(self.leave_now(why));
            }
            if self.last + self.period <= now {
                self.last = now;
                let next = self.next();
                self.timer.as_mut().reset(next);
                self.shared.counters.heartbeats.add(1);
                return Poll::Ready(Beat::Heartbeat);
            }
            let next = self.next();
            self.timer.as_mut().reset(next);
        }
    }

    /// All streams that end at once would all come back at once: each picks a moment.
    fn join_the_drain(&mut self, begun: &ShutdownSignal) {
        let grace = begun.span().map_or(Duration::ZERO, |(from, to)| to.duration_since(from));
        let at = Instant::now() + self.shared.jitter.within(wave(grace));
        if at < self.leave.0 {
            self.leave = (at, Leave::Drained);
            let next = self.next();
            self.timer.as_mut().reset(next);
        }
    }

    fn leave_to_wait_for(&self) -> Option<(Instant, Leave)> {
        (self.answer == Answer::None).then_some(self.leave)
    }

    fn leave_now(&self, why: Leave) -> Beat {
        let retry = self.shared.jitter.around(self.shared.registry.limits().retry);
        Beat::Leave { retry, why }
    }

    fn next(&self) -> Instant {
        let heartbeat = self.last + self.period;
        self.leave_to_wait_for().map_or(heartbeat, |(at, _)| at.min(heartbeat))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::http::service::McpService;
    use crate::server::Server;

    const SECOND: Duration = Duration::from_secs(1);

    fn service(age: Duration) -> McpService {
        let server = Server::builder("pulse", "1").build().unwrap();
        McpService::builder(server).max_stream_age(age).build().unwrap()
    }

    fn pulse(service: &McpService, purpose: Purpose) -> Pulse {
        Pulse::new(service.shared(), purpose, Instant::now(), None)
    }

    async fn beat(pulse: &mut Pulse) -> Beat {
        poll_fn(|cx| pulse.poll(cx)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_comes_a_period_after_what_was_last_sent() {
        let start = Instant::now();
        let mut pulse = pulse(&service(3600 * SECOND), Purpose::Parked);
        tokio::time::advance(10 * SECOND).await;
        pulse.sent();
        assert_eq!(beat(&mut pulse).await, Beat::Heartbeat);
        assert_eq!(start.elapsed(), 25 * SECOND);
        assert_eq!(beat(&mut pulse).await, Beat::Heartbeat);
        assert_eq!(start.elapsed(), 40 * SECOND);
    }

    /// A container whose CPU was frozen wakes up to one heartbeat, not to all it missed.
    #[tokio::test(start_paused = true)]
    async fn a_frozen_time_is_no_burst() {
        let mut pulse = pulse(&service(3600 * SECOND), Purpose::Parked);
        tokio::time::advance(600 * SECOND).await;
        assert_eq!(beat(&mut pulse).await, Beat::Heartbeat);
        let again = poll_fn(|cx| Poll::Ready(pulse.poll(cx))).await;
        assert!(again.is_pending());
    }

    /// Decision 12: "A maximum stream age with jitter".
    #[tokio::test(start_paused = true)]
    async fn a_stream_is_to_leave_within_the_last_tenth_of_its_age_and_not_all_at_once() {
        let service = service(100 * SECOND);
        let mut left = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let start = Instant::now();
            let mut pulse = pulse(&service, Purpose::Answers);
            let retry = loop {
                match beat(&mut pulse).await {
                    Beat::Heartbeat => {}
                    Beat::Leave { retry, why } => {
                        assert_eq!(why, Leave::Aged);
                        break retry;
                    }
                }
            };
            assert!(
                (90 * SECOND..=100 * SECOND).contains(&start.elapsed()),
                "{:?}",
                start.elapsed()
            );
            assert!((SECOND / 2..SECOND * 3 / 2).contains(&retry));
            left.insert(start.elapsed());
        }
        assert!(left.len() > 10, "{left:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_cannot_leave_is_not_asked_again() {
        let start = Instant::now();
        let mut pulse = pulse(&service(10 * SECOND), Purpose::Answers);
        assert!(matches!(beat(&mut pulse).await, Beat::Leave { .. }));
        pulse.stay();
        for _ in 0..4 {
            assert_eq!(beat(&mut pulse).await, Beat::Heartbeat);
        }
        assert!(start.elapsed() >= 60 * SECOND);
        // But it is once it has said something.
        pulse.sent();
        assert!(pulse.due().is_some());
    }

    /// What never falls silent never waits for its timer.
    #[tokio::test(start_paused = true)]
    async fn a_busy_stream_learns_of_its_age_by_what_it_sends() {
        let mut pulse = pulse(&service(10 * SECOND), Purpose::Answers);
        pulse.sent();
        assert_eq!(pulse.due(), None);
        tokio::time::advance(10 * SECOND).await;
        pulse.sent();
        assert!(matches!(pulse.due(), Some(Beat::Leave { why: Leave::Aged, .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_drain_parked_streams_leave_at_moments_of_their_own_and_calls_stay() {
        let service = service(3600 * SECOND);
        let mut parked: Vec<_> = (0..40).map(|_| pulse(&service, Purpose::Parked)).collect();
        let mut call = pulse(&service, Purpose::Answers);
        service.begin_drain(8 * SECOND);
        let start = Instant::now();
        let mut quarters = [0; 4];
        let leaving = parked.iter_mut().map(async |pulse| match beat(pulse).await {
            Beat::Leave { why: Leave::Drained, .. } => start.elapsed().as_secs(),
            other => panic!("{other:?}"),
        });
        for second in futures::future::join_all(leaving).await {
            quarters[usize::try_from(second).unwrap()] += 1;
        }
        assert!(quarters.iter().all(|count| *count > 0), "{quarters:?}");
        assert_eq!(beat(&mut call).await, Beat::Heartbeat);
    }
}
