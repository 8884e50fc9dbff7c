//! Time as the core sees it: a number that the caller passes in.

use std::time::Duration;

/// Milliseconds since a moment of the caller's choosing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Millis(pub(crate) u64);

impl Millis {
    /// This moment moved forward; the far end of time stays where it is.
    pub(crate) fn after(self, duration: Duration) -> Millis {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Millis(self.0.saturating_add(millis))
    }

    /// The time since `earlier`; none if `earlier` is later.
    pub(crate) fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Millis(5).after(Duration::from_millis(7)), Millis(12));
        assert_eq!(Millis(5).after(Duration::MAX), Millis(u64::MAX));
        assert_eq!(Millis(5).since(Millis(2)), Duration::from_millis(3));
        assert_eq!(Millis(2).since(Millis(5)), Duration::ZERO);
    }
}
