//! What a connection is doing: the one thing that its service, its socket and its deadlines share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request is in flight. It may last as long as it likes.
    Busy,
    /// The first bytes of a head came and the rest has not.
    Head {
        /// When its first byte came.
        since: Instant,
    },
    /// Nothing is in flight.
    Idle {
        /// When the last request ended, or the connection was opened.
        since: Instant,
    },
}

/// Whose heads can be told from the bytes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Requests come one after the other: what comes while none is in flight is a head.
    Http1,
    /// Frames of many kinds come at any time. A peer that stops inside a head does not answer
    /// pings either, and that is what ends it.
    Http2,
}

/// What a connection is doing, without a lock.
///
/// Over HTTP/1 everything happens in the connection's task, which reads the phase each time it has
/// run. So the clock is read there, once for all that happened in one run: a head that comes whole
/// costs none. Over HTTP/2 requests end in tasks of their own, which read it themselves; they only
/// ever begin in the connection's, which is the one that reads the phase.
pub(super) struct Activity {
    protocol: Protocol,
    epoch: Instant,
    in_flight: AtomicUsize,
    in_head: AtomicBool,
    /// Microseconds from the epoch to the begin of the phase, for all but `Busy`, or [`JUST_NOW`].
    since: AtomicU64,
}

/// The begin of a phase that nobody has looked at yet.
const JUST_NOW: u64 = u64::MAX;

impl Activity {
    /// A connection whose first byte came at `first_byte`.
    pub(super) fn new(protocol: Protocol, first_byte: Instant) -> Arc<Self> {
        Arc::new(Self {
            protocol,
            epoch: first_byte,
            in_flight: AtomicUsize::new(0),
            in_head: AtomicBool::new(protocol == Protocol::Http1),
            since: AtomicU64::new(0),
        })
    }

    pub(super) fn phase(&self) -> Phase {
        // Acquire: whoever sees that the last request has ended sees when.
        if self.in_flight.load(Ordering::Acquire) > 0 {
            return Phase::Busy;
        }
        let since = self.since();
        if self.in_head.load(Ordering::Relaxed) {
            Phase::Head { since }
        } else {
            Phase::Idle { since }
        }
    }

    /// Bytes were read from the socket.
    ///
    /// Bytes that come while a request is in flight are taken for its body's. The begin of a
    /// pipelined head among them has the idle time, and the head's from its next byte on.
    pub(super) fn bytes_read(&self) {
        if self.protocol == Protocol::Http1
            && !self.in_head.load(Ordering::Relaxed)
            && self.in_flight.load(Ordering::Relaxed) == 0
        {
            self.since.store(JUST_NOW, Ordering::Relaxed);
            self.in_head.store(true, Ordering::Relaxed);
        }
    }

    /// A head was read whole and its request begins. The request ends when the guard drops.
    pub(super) fn begin_request(self: &Arc<Self>) -> InFlightGuard {
        self.in_head.store(false, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlightGuard(Arc::clone(self))
    }

    /// When the phase began; now, if it is looked at for the first time.
    fn since(&self) -> Instant {
        match self.since.load(Ordering::Relaxed) {
            JUST_NOW => self.stamp(),
            micros => self.epoch + Duration::from_micros(micros),
        }
    }

    fn stamp(&self) -> Instant {
        let now = Instant::now();
        let micros = now.duration_since(self.epoch).as_micros();
        let micros = u64::try_from(micros).unwrap_or(JUST_NOW - 1);
        self.since.store(micros, Ordering::Relaxed);
        now
    }
}

/// A request in flight: from the call of the service to the end of the response's body.
pub(super) struct InFlightGuard(Arc<Activity>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        // The time first: a reader that sees no request must not see an old time.
        match self.0.protocol {
            Protocol::Http1 => self.0.since.store(JUST_NOW, Ordering::Relaxed),
            Protocol::Http2 => _ = self.0.stamp(),
        }
        self.0.in_flight.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tick() -> Instant {
        tokio::time::advance(Duration::from_millis(1)).await;
        Instant::now()
    }

    #[tokio::test(start_paused = true)]
    async fn http1_goes_from_head_to_busy_to_idle_to_head() {
        let opened = Instant::now();
        let activity = Activity::new(Protocol::Http1, opened);
        assert_eq!(activity.phase(), Phase::Head { since: opened });

        tick().await;
        activity.bytes_read();
        assert_eq!(activity.phase(), Phase::Head { since: opened }, "the first byte counts");
        let request = activity.begin_request();
        activity.bytes_read();
        assert_eq!(activity.phase(), Phase::Busy, "the body's bytes are no head");

        let ended = tick().await;
        drop(request);
        assert_eq!(activity.phase(), Phase::Idle { since: ended });

        let next = tick().await;
        activity.bytes_read();
        assert_eq!(activity.phase(), Phase::Head { since: next });
    }

    #[tokio::test(start_paused = true)]
    async fn http2_is_idle_after_its_last_request_and_has_no_heads() {
        let opened = Instant::now();
        let activity = Activity::new(Protocol::Http2, opened);
        activity.bytes_read();
        assert_eq!(activity.phase(), Phase::Idle { since: opened });

        let (first, second) = (activity.begin_request(), activity.begin_request());
        tick().await;
        drop(first);
        assert_eq!(activity.phase(), Phase::Busy);
        let ended = tick().await;
        drop(second);
        assert_eq!(activity.phase(), Phase::Idle { since: ended });
    }
}
