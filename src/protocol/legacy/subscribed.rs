//! The resources that a session's client has subscribed to, and where it is told of each.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::protocol::budget::{Budget, Share};
use crate::protocol::change::{self, Excess, SubscriptionLimits};

/// The URIs, in order. A session without any has no such set.
#[derive(Debug)]
pub(super) struct Subscribed {
    /// With the place of the last message of each in the log of the standalone stream; 0 before
    /// there was one.
    told: BTreeMap<Arc<str>, u64>,
    /// The bytes of the URIs.
    bytes: usize,
    share: Share,
}

/// Why a client may not subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSubscribed {
    /// The session has ended.
    Ended,
    /// There are as many as may be.
    Excess(Excess),
    /// As many bytes are held in all as may be.
    OutOfMemory,
}

impl Subscribed {
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self { told: BTreeMap::new(), bytes: 0, share: Share::of(budget) }
    }

    /// Adds a URI. One that is there already is as good as added.
    pub(super) fn add(
        &mut self,
        uri: &str,
        limits: SubscriptionLimits,
    ) -> Result<(), NotSubscribed> {
        if self.told.contains_key(uri) {
            return Ok(());
        }
        limits.admit(self.told.len(), self.bytes, uri).map_err(NotSubscribed::Excess)?;
        if !self.share.budget().has_room(change::cost(uri)) {
            self.share.budget().press();
            return Err(NotSubscribed::OutOfMemory);
        }
        self.share.grow(change::cost(uri));
        self.bytes += uri.len();
        self.told.insert(uri.into(), 0);
        Ok(())
    }

    /// Takes a URI out, and says where its last message is, if it was there.
    pub(super) fn remove(&mut self, uri: &str) -> Option<u64> {
        let place = self.told.remove(uri)?;
        self.bytes -= uri.len();
        self.share.shrink(change::cost(uri));
        Some(place)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Where the last message of a URI is, if it is subscribed to.
    pub(super) fn place(&mut self, uri: &str) -> Option<&mut u64> {
        self.told.get_mut(uri)
    }

    /// The first URI after another, or of all.
    pub(super) fn after(&self, uri: Option<&Arc<str>>) -> Option<&Arc<str>> {
        let from = uri.map_or(Bound::Unbounded, |uri| Bound::Excluded(&**uri));
        self.told.range::<str, _>((from, Bound::Unbounded)).next().map(|(uri, _)| uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn at_the_limit_one_more_is_refused_and_what_is_there_is_not() {
        let limits = SubscriptionLimits { uris: 2, bytes: 10 };
        let budget = Budget::new(1 << 20);
        let mut set = Subscribed::new(&budget);
        assert_eq!((set.add("aaaa", limits), set.add("bbbbbb", limits)), (Ok(()), Ok(())));
        assert_eq!(set.add("aaaa", limits), Ok(()));
        assert_eq!(set.add("c", limits), Err(NotSubscribed::Excess(Excess::Uris { limit: 2 })));
        assert_eq!(set.remove("aaaa"), Some(0));
        assert_eq!(
            set.add("ccccc", limits),
            Err(NotSubscribed::Excess(Excess::Bytes { limit: 10 }))
        );
        assert_eq!(set.add("cccc", limits), Ok(()));
        assert_eq!(set.remove("aaaa"), None);
        assert_eq!(budget.held(), change::cost("bbbbbb") + change::cost("cccc"));
        assert_eq!((set.remove("bbbbbb"), set.remove("cccc")), (Some(0), Some(0)));
        assert!(set.is_empty());
        assert_eq!((budget.held(), set.bytes), (0, 0));
    }

    #[test]
    fn what_all_hold_together_is_bounded() {
        let all = SubscriptionLimits { uris: usize::MAX, bytes: usize::MAX };
        let budget = Budget::new(1_000);
        let mut set = Subscribed::new(&budget);
        let uri = "u".repeat(875 - change::cost(""));
        assert_eq!(set.add(&format!("{uri}u"), all), Err(NotSubscribed::OutOfMemory));
        assert!(budget.take_pressure());
        assert_eq!(set.add(&uri, all), Ok(()));
        assert_eq!(set.add("a", all), Err(NotSubscribed::OutOfMemory));
        drop(set);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn the_uris_come_one_after_the_other_whatever_goes_or_comes_meanwhile() {
        let limits = SubscriptionLimits::default();
        let mut set = Subscribed::new(&Budget::new(1 << 20));
        for uri in ["c", "a", "b"] {
            set.add(uri, limits).unwrap();
        }
        let first = set.after(None).cloned();
        assert_eq!(first.as_deref(), Some("a"));
        set.remove("a");
        set.remove("b");
        set.add("bb", limits).unwrap();
        let second = set.after(first.as_ref()).cloned();
        assert_eq!(second.as_deref(), Some("bb"));
        let third = set.after(second.as_ref()).cloned();
        assert_eq!(third.as_deref(), Some("c"));
        assert_eq!(set.after(third.as_ref()), None);
    }
}
