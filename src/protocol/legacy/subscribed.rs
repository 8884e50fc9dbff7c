//! The resources that a session's client has subscribed to, and where it is told of each.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::protocol::budget::{Budget, Share};
use crate::protocol::change::{self, Excess, SubscriptionLimits};
use crate::protocol::sync::{AtomicU64, Ordering};

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

/// The update of a resource, for all sessions.
#[derive(Debug)]
pub(crate) struct Update<'a> {
    pub(super) uri: &'a str,
    pub(super) message: &'a Bytes,
    trait_of_uri: u64,
}

/// What a session's set holds, roughly: one bit of 64 for each URI, so that an update passes nearly
/// all sessions over that it does not concern without their locks and maps.
#[derive(Debug, Default)]
pub(super) struct Outline(AtomicU64);

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

impl<'a> Update<'a> {
    /// The update of the resource with this URI, and the message that tells of it.
    pub(crate) fn new(uri: &'a str, message: &'a Bytes) -> Self {
        Self { uri, message, trait_of_uri: trait_of(uri) }
    }
}

impl Outline {
    /// Whether an update may concern the session.
    pub(super) fn may_hold(&self, update: &Update<'_>) -> bool {
        self.0.load(Ordering::Acquire) & update.trait_of_uri != 0
    }

    /// To be called under the lock around the set.
    pub(super) fn draw(&self, subscribed: Option<&Subscribed>) {
        let uris = subscribed.iter().flat_map(|subscribed| subscribed.told.keys());
        let outline = uris.fold(0, |outline, uri| outline | trait_of(uri));
        self.0.store(outline, Ordering::Release);
    }
}

/// One bit of 64, by the URI's hash: FNV-1a, mixed once more, since its highest bits know little of
/// the last bytes. Who would have many URIs share one gains nothing.
fn trait_of(uri: &str) -> u64 {
    let hash = uri.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    1 << ((hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
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
    fn the_outline_holds_what_the_set_holds_and_little_else() {
        let limits = SubscriptionLimits::default();
        let mut set = Subscribed::new(&Budget::new(1 << 20));
        let (outline, message) = (Outline::default(), Bytes::new());
        let may_hold = |uri: &str| outline.may_hold(&Update::new(uri, &message));
        outline.draw(None);
        assert!(!may_hold("file:///0"));
        let uri = |n: u8| format!("file:///{}", char::from(n));
        for n in b'0'..b'8' {
            set.add(&uri(n), limits).unwrap();
        }
        outline.draw(Some(&set));
        assert!((b'0'..b'8').all(|n| may_hold(&uri(n))));
        // One of eight, or so: also of those that differ in the last byte alone.
        let others = (b'8'..=b'z').filter(|&n| may_hold(&uri(n))).count();
        assert!(others < 20, "{others} of 67 others");
        set.remove("file:///7");
        outline.draw(Some(&set));
        assert!((b'0'..b'7').all(|n| may_hold(&uri(n))));
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
