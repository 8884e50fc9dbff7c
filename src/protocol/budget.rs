//! How many bytes of messages are held in all, against one limit.

use std::sync::Arc;

use super::sync::{AtomicBool, AtomicUsize, Ordering};

/// One limit for everything that waits to be read: logs, outboxes, answers.
///
/// What may be refused is refused when seven eighths are taken. The last eighth is for what may
/// not: answers, requests to the client, and what is said in place of what was refused.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    held: AtomicUsize,
    pressed: AtomicBool,
}

impl Budget {
    /// A budget of so many bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicUsize::new(0), pressed: AtomicBool::new(false) })
    }

    /// The bytes that are held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The bytes that may be held.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether so many more bytes of what may be refused would fit.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.held().saturating_add(bytes) <= self.limit - self.limit / 8
    }

    /// Whether so many more bytes of what should not be refused would fit.
    pub(crate) fn has_last_room(&self, bytes: usize) -> bool {
        self.held().saturating_add(bytes) <= self.limit
    }

    /// Asks for relief: something had no room.
    pub(crate) fn press(&self) {
        self.pressed.store(true, Ordering::Relaxed);
    }

    /// Whether relief was asked for since this was last said.
    pub(crate) fn take_pressure(&self) -> bool {
        self.pressed.load(Ordering::Relaxed) && self.pressed.swap(false, Ordering::Relaxed)
    }
}

/// What one holder holds of a budget. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Nothing of a budget, yet.
    pub(crate) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// The bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The budget that it is a share of.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Takes room, whether there is any or not: who asked before takes it. Two that ask at the same
    /// moment may both be told yes though one fits, so the limit is exact but for what is under way.
    pub(crate) fn grow(&mut self, bytes: usize) {
        self.budget.held.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// Gives room back.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.bytes, "no more is given back than was taken");
        let bytes = bytes.min(self.bytes);
        self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

#[cfg(test)]
impl Default for Share {
    fn default() -> Self {
        Self::of(&Budget::new(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_refused_is_refused_past_seven_eighths_and_the_rest_is_taken() {
        let budget = Budget::new(80);
        let mut share = Share::of(&budget);
        assert!(budget.has_room(70) && !budget.has_room(71));
        share.grow(70);
        assert!(budget.has_room(0) && !budget.has_room(1));
        assert!(budget.has_last_room(10) && !budget.has_last_room(11));
        share.grow(10);
        assert_eq!((budget.held(), share.bytes()), (80, 80));
    }

    #[test]
    fn pressure_is_told_once() {
        let budget = Budget::new(80);
        assert!(!budget.take_pressure());
        budget.press();
        assert!(budget.take_pressure());
        assert!(!budget.take_pressure());
    }

    #[test]
    fn a_share_gives_back_what_it_took() {
        let budget = Budget::new(80);
        let (mut first, mut second) = (Share::of(&budget), Share::of(&budget));
        first.grow(30);
        second.grow(20);
        first.shrink(10);
        assert_eq!(budget.held(), 40);
        drop(first);
        assert_eq!(budget.held(), 20);
        drop(second);
        assert_eq!(budget.held(), 0);
    }
}
