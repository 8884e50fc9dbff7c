//! How many streams are parked: open, and waiting for what may come. Calls are counted apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The count of parked streams, and its limit.
#[derive(Debug)]
pub(crate) struct Parked {
    limit: usize,
    count: AtomicUsize,
}

/// The right to park one stream, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct ParkedPermit {
    parked: Arc<Parked>,
}

impl Parked {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, count: AtomicUsize::new(0) })
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl ParkedPermit {
    /// Takes a permit; none if as many streams are parked as may.
    pub(crate) fn take(parked: &Arc<Parked>) -> Option<Self> {
        let before = parked.count.fetch_add(1, Ordering::Relaxed);
        // If it is one too many, its drop gives it back.
        let permit = Self { parked: Arc::clone(parked) };
        (before < parked.limit).then_some(permit)
    }

    /// Takes a permit for a stream that displaces another, whose own permit comes back in the same
    /// step.
    pub(crate) fn in_place_of_another(parked: &Arc<Parked>) -> Self {
        parked.count.fetch_add(1, Ordering::Relaxed);
        Self { parked: Arc::clone(parked) }
    }
}

impl Drop for ParkedPermit {
    fn drop(&mut self) {
        self.parked.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn at_the_limit_there_is_no_permit_but_for_a_takeover() {
        let parked = Parked::new(2);
        let first = ParkedPermit::take(&parked).unwrap();
        let second = ParkedPermit::take(&parked).unwrap();
        assert!(ParkedPermit::take(&parked).is_none());
        assert_eq!(parked.count(), 2);
        let taken_over = ParkedPermit::in_place_of_another(&parked);
        assert_eq!(parked.count(), 3);
        drop(first);
        assert!(ParkedPermit::take(&parked).is_none(), "the displaced one made room for its own");
        drop(second);
        let _third = ParkedPermit::take(&parked).unwrap();
        drop(taken_over);
        assert_eq!(parked.count(), 1);
        assert!(ParkedPermit::take(&Parked::new(0)).is_none());
    }
}
