//! The clock that idle time is measured by.

use std::time::Duration;

use crate::protocol::time::Millis;

/// A clock that stands still while the process does.
///
/// Between two observations it advances by one sweep period at most. A container whose CPU was
/// frozen for an hour sees the hour at its first sweep, when no client had a chance to speak; by
/// this clock a single period went by, and nothing expires.
#[derive(Debug)]
pub(crate) struct IdleClock {
    period: Duration,
    observed: Option<Millis>,
    reading: Millis,
}

impl IdleClock {
    /// A clock at zero that is to be observed once in `period`.
    pub(crate) fn new(period: Duration) -> Self {
        Self { period, observed: None, reading: Millis(0) }
    }

    /// Takes note of the real time and says what the clock reads.
    pub(crate) fn observe(&mut self, real: Millis) -> Millis {
        if let Some(before) = self.observed {
            self.reading = self.reading.after(real.since(before).min(self.period));
        }
        // Time that went backwards must not be counted a second time.
        self.observed = self.observed.max(Some(real));
        self.reading
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_real_time_while_it_is_observed_in_time() {
        let mut clock = IdleClock::new(Duration::from_secs(10));
        assert_eq!(clock.observe(Millis(5_000)), Millis(0));
        assert_eq!(clock.observe(Millis(9_000)), Millis(4_000));
        assert_eq!(clock.observe(Millis(19_000)), Millis(14_000));
    }

    /// Decision 10: "a container whose CPU was frozen wakes up without a mass expiry".
    #[test]
    fn a_frozen_process_lost_one_period_at_most() {
        let mut clock = IdleClock::new(Duration::from_secs(10));
        clock.observe(Millis(0));
        assert_eq!(clock.observe(Millis(10_001)), Millis(10_000));
        assert_eq!(clock.observe(Millis(86_400_000)), Millis(20_000));
        assert_eq!(clock.observe(Millis(86_401_000)), Millis(21_000));
    }

    #[test]
    fn time_that_goes_backwards_stands_still_and_is_counted_once() {
        let mut clock = IdleClock::new(Duration::from_secs(10));
        clock.observe(Millis(8_000));
        assert_eq!(clock.observe(Millis(3_000)), Millis(0));
        assert_eq!(clock.observe(Millis(9_000)), Millis(1_000));
    }
}
