//! Heartbeats: comment lines inside the body's own poll.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Fires when nothing has been sent for a period.
///
/// The timer is not moved with each event: when it fires, it looks at when the last one was.
pub(crate) struct Heartbeat {
    period: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Heartbeat {
    pub(crate) fn new(period: Duration) -> Self {
        let last = Instant::now();
        Self { period, last, timer: Box::pin(sleep_until(last + period)) }
    }

    /// Something was sent: the next heartbeat is a period away.
    pub(crate) fn sent(&mut self) {
        self.last = Instant::now();
    }

    /// Waits for the moment of the next heartbeat.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            let due = self.last + self.period;
            if due <= now {
                self.last = now;
                self.timer.as_mut().reset(now + self.period);
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_comes_a_period_after_what_was_last_sent() {
        let start = Instant::now();
        let period = Duration::from_secs(15);
        let mut heartbeat = Heartbeat::new(period);
        tokio::time::advance(Duration::from_secs(10)).await;
        heartbeat.sent();
        poll_fn(|cx| heartbeat.poll(cx)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(25));
        poll_fn(|cx| heartbeat.poll(cx)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(40));
    }

    /// A container whose CPU was frozen wakes up to one heartbeat, not to all it missed.
    #[tokio::test(start_paused = true)]
    async fn a_frozen_time_is_no_burst() {
        let mut heartbeat = Heartbeat::new(Duration::from_secs(15));
        tokio::time::advance(Duration::from_secs(600)).await;
        poll_fn(|cx| heartbeat.poll(cx)).await;
        let again = poll_fn(|cx| Poll::Ready(heartbeat.poll(cx))).await;
        assert!(again.is_pending());
    }
}
