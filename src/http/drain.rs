//! The drain of a service: how it begins, and when its time is up.
//!
//! A service drains when every listener that it is served on shuts down, or, for good, when it is
//! told to.
//! Then, in this order: no new session and no new parked stream; the parked streams end, spread
//! over half of the time; the calls in flight finish; and a little before the deadline, those that
//! have not are answered with an error that says why.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::serve::{ConnectionStats, ShutdownSignal, ShutdownWait, after};

/// What is left of the time for answers to reach their clients: an eighth, at most this.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Whether a service drains. One for all clones of a service.
pub(crate) struct Drain {
    state: Mutex<State>,
    /// The listener that was linked last: nearly every request comes by it.
    linked: AtomicUsize,
    /// Whether it has begun, for those who cannot wait for the lock.
    draining: AtomicBool,
    /// The least time in milliseconds that calls may have once it has begun.
    least: AtomicU64,
}

struct State {
    listeners: Vec<Linked>,
    /// What listeners counted that are no more.
    past: ConnectionStats,
    /// Whether it was begun by hand: then no new listener ends it.
    cause: Cause,
    /// That all of it drains. Parked streams that came by no listener wait for it.
    begun: ShutdownSignal,
    /// Calls that cannot be ended by their session wait for it.
    cut_off: ShutdownSignal,
}

/// Why it drains, if it does.
#[derive(Clone, Copy, PartialEq)]
enum Cause {
    Listeners,
    Hand,
}

struct Linked {
    listener: ShutdownSignal,
    /// That the listener ends, or that all drains: what parked streams that came by it wait for.
    begun: ShutdownSignal,
}

impl Drain {
    pub(crate) fn new() -> Self {
        let state = State {
            listeners: Vec::new(),
            past: ConnectionStats::default(),
            cause: Cause::Listeners,
            begun: ShutdownSignal::default(),
            cut_off: ShutdownSignal::default(),
        };
        let least = calls_of(ShutdownSignal::default().grace());
        Self {
            state: Mutex::new(state),
            linked: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            least: AtomicU64::new(millis(least)),
        }
    }

    /// Whether a listener is the one that was linked last.
    pub(crate) fn is_linked(&self, listener: &ShutdownSignal) -> bool {
        self.linked.load(Ordering::Acquire) == listener.address()
    }

    /// Takes note of a listener, and says whether it was unknown. A service that had drained with an
    /// earlier one begins anew.
    pub(crate) fn link(&self, listener: &ShutdownSignal) -> bool {
        let mut state = self.lock();
        let unknown = state.linked(listener).is_none();
        if unknown {
            state.forget_ended();
            let begun = match state.cause {
                // What comes by it is to end as well.
                Cause::Hand => state.begun.clone(),
                Cause::Listeners => ShutdownSignal::default(),
            };
            state.listeners.push(Linked { listener: listener.clone(), begun });
            // Where it begins at this moment, what is to be told has not been told yet.
            let begun_by_listeners = self.is_draining() && state.cause == Cause::Listeners;
            if begun_by_listeners && !listener.is_triggered() {
                (state.begun, state.cut_off) = Default::default();
                self.draining.store(false, Ordering::Relaxed);
            }
            self.least.fetch_min(millis(calls_of(listener.grace())), Ordering::Relaxed);
        }
        // Its address stays taken for as long as the list holds it.
        self.linked.store(listener.address(), Ordering::Release);
        unknown
    }

    /// A listener shuts down: the streams that came by it end. If it was the last, all drains.
    pub(crate) fn listener_ends(&self) {
        let mut ended = Vec::new();
        {
            let state = self.lock();
            for Linked { listener, begun } in &state.listeners {
                ended.extend(listener.deadline().map(|deadline| (begun.clone(), deadline)));
            }
            if ended.len() == state.listeners.len()
                && let Some(latest) = ended.iter().map(|(_, deadline)| *deadline).max()
            {
                self.draining.store(true, Ordering::Relaxed);
                ended.push((state.begun.clone(), latest));
            }
        }
        ended.into_iter().for_each(|(begun, deadline)| begun.trigger_until(deadline));
    }

    /// Begins the drain, unless it has begun.
    pub(crate) fn begin(&self, grace: Duration) {
        let deadline = after(Instant::now(), grace);
        let begun: Vec<_> = {
            let mut state = self.lock();
            state.cause = Cause::Hand;
            let listeners = state.listeners.iter().map(|linked| linked.begun.clone());
            listeners.chain([state.begun.clone()]).collect()
        };
        self.draining.store(true, Ordering::Relaxed);
        begun.into_iter().for_each(|begun| begun.trigger_until(deadline));
    }

    /// Whether the drain has begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether the time of a call that begins now may be up before it has waited for so long.
    pub(crate) fn may_cut_within(&self, wait: Duration) -> bool {
        self.is_draining() || millis(wait) >= self.least.load(Ordering::Relaxed)
    }

    /// What tells a stream that it is to end early, which came by this listener.
    pub(crate) fn begun(&self, listener: Option<&ShutdownSignal>) -> ShutdownSignal {
        let state = self.lock();
        let linked = listener.and_then(|listener| state.linked(listener));
        linked.map_or(&state.begun, |linked| &linked.begun).clone()
    }

    /// Waits until the time of the calls is up.
    pub(crate) fn cut_off(&self) -> ShutdownWait {
        self.lock().cut_off.wait()
    }

    /// When the time of the calls is up, once the drain has begun.
    pub(crate) fn cut_off_at(&self) -> Option<Instant> {
        let state = self.lock();
        let (begun, deadline) = state.begun.span()?;
        Some(begun + calls_of(deadline.duration_since(begun)))
    }

    /// Says that the time of the calls is up.
    pub(crate) fn cut(&self) {
        let cut_off = self.lock().cut_off.clone();
        cut_off.trigger();
    }

    /// What the listeners counted that the service is and was served on.
    pub(crate) fn connections(&self) -> ConnectionStats {
        let state = self.lock();
        let mut sum = state.past;
        for linked in &state.listeners {
            sum += linked.listener.connections().stats();
        }
        sum
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps what those that are no more have counted.
    fn forget_ended(&mut self) {
        let past = &mut self.past;
        self.listeners.retain(|Linked { listener, .. }| {
            let stats = listener.connections().stats();
            let ended = listener.is_triggered() && stats.open == 0;
            if ended {
                *past += stats;
            }
            !ended
        });
    }

    fn linked(&self, listener: &ShutdownSignal) -> Option<&Linked> {
        self.listeners.iter().find(|known| known.listener.address() == listener.address())
    }
}

/// How long the parked streams take to end, of the time of a drain: half, and 5 s at most, which
/// spreads ten thousand streams well.
pub(crate) fn wave(grace: Duration) -> Duration {
    (grace / 2).min(Duration::from_secs(5))
}

/// What calls have of the time of a drain.
fn calls_of(grace: Duration) -> Duration {
    grace - (grace / 8).min(LAST_WORDS)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(8);

    #[tokio::test(start_paused = true)]
    async fn a_service_drains_with_the_last_of_its_listeners() {
        let drain = Drain::new();
        let (first, second) = (ShutdownSignal::default(), ShutdownSignal::default());
        drain.link(&first);
        drain.link(&second);
        assert!(drain.is_linked(&second) && !drain.is_linked(&first));
        first.trigger();
        drain.listener_ends();
        assert!(!drain.is_draining());
        second.trigger();
        drain.listener_ends();
        assert!(drain.is_draining());
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_listener_ends_the_drain_of_an_earlier_one() {
        let drain = Drain::new();
        let first = ShutdownSignal::default();
        drain.link(&first);
        first.trigger();
        drain.listener_ends();
        drain.cut();
        drain.link(&ShutdownSignal::default());
        assert!(!drain.is_draining());
        assert_eq!(drain.lock().listeners.len(), 1);
        assert_eq!(drain.cut_off_at(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_was_begun_by_hand_goes_on_whatever_listener_comes() {
        let drain = Drain::new();
        drain.begin(GRACE);
        let listener = ShutdownSignal::default();
        drain.link(&listener);
        assert!(drain.is_draining() && drain.begun(Some(&listener)).is_triggered());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_the_calls_is_up_a_little_before_the_deadline() {
        for (grace, calls) in [(8, 7_000), (60, 59_000), (4, 3_500)] {
            let drain = Drain::new();
            let now = Instant::now();
            drain.begin(Duration::from_secs(grace));
            assert_eq!(drain.cut_off_at(), Some(now + Duration::from_millis(calls)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_streams_of_a_listener_end_with_it_and_all_of_them_with_the_service() {
        let drain = Drain::new();
        let (first, second) = (ShutdownSignal::default(), ShutdownSignal::default());
        drain.link(&first);
        drain.link(&second);
        let begun = |listener| drain.begun(listener).is_triggered();
        first.trigger();
        drain.listener_ends();
        assert_eq!([Some(&first), Some(&second), None].map(begun), [true, false, false]);
        drain.begin(GRACE);
        assert_eq!([Some(&first), Some(&second), None].map(begun), [true; 3]);
    }

    #[test]
    fn parked_streams_end_within_half_of_the_time_and_5_s() {
        for (grace, expected) in [(8, 4), (2, 1), (60, 5)] {
            assert_eq!(wave(Duration::from_secs(grace)), Duration::from_secs(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_has_begun_keeps_its_deadline() {
        let drain = Drain::new();
        drain.begin(GRACE);
        let at = drain.cut_off_at();
        drain.begin(GRACE * 2);
        assert_eq!(drain.cut_off_at(), at);
    }
}
