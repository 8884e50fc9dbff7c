//! How long something has waited for a reader that does not take it, as the sweeper counts it.

use std::time::Duration;

/// Whether something waits that was not taken since the sweeper last looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Waiting,
    /// Nothing waits, or some of it was taken.
    Moving,
}

/// The time of waiting; none before it was first seen.
#[derive(Debug, Default)]
pub(crate) struct Stall(Option<Duration>);

impl Stall {
    /// Notes what the sweeper sees, a period after it looked before. Whether the limit is reached.
    pub(crate) fn look(&mut self, seen: Seen, period: Duration, limit: Duration) -> bool {
        if seen == Seen::Moving {
            self.0 = None;
            return false;
        }
        // It may have begun to wait only just now: time counts from the first look.
        let waited = self.0.map_or(Duration::ZERO, |so_far| so_far + period);
        self.0 = Some(waited);
        waited >= limit
    }
}
