//! What can change while a server runs, and how clients are told of it.

use bytes::Bytes;

use super::jsonrpc::encode_notification;

/// Something of a server's that clients may have read before and should read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The list of tools.
    Tools,
}

impl Change {
    const ALL: [Change; 1] = [Change::Tools];

    /// The notification that tells of it.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
        }
    }

    /// The whole message, as every legacy stream carries it.
    pub(crate) fn message(self) -> Bytes {
        encode_notification(self.method(), |_| Ok(())).expect("there is nothing to encode")
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Some of all changes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangeSet(u8);

impl ChangeSet {
    pub(crate) const EMPTY: Self = Self(0);

    pub(crate) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    pub(crate) fn contains(self, change: Change) -> bool {
        self.0 & change.bit() != 0
    }

    /// Adds a change.
    pub(crate) fn insert(&mut self, change: Change) {
        self.0 |= change.bit();
    }

    /// The changes that are in both.
    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The changes, always in the same order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Change> {
        Change::ALL.into_iter().filter(move |&change| self.contains(change))
    }

    /// Takes out the first of the changes.
    pub(crate) fn take(&mut self) -> Option<Change> {
        let change = self.iter().next()?;
        self.0 &= !change.bit();
        Some(change)
    }
}

impl FromIterator<Change> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut set = Self::EMPTY;
        changes.into_iter().for_each(|change| set.insert(change));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-25, Tools, List Changed Notification.
    #[test]
    fn a_change_is_a_notification_without_a_word_about_what_changed() {
        assert_eq!(
            Change::Tools.message(),
            r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{}}"#
        );
    }

    #[test]
    fn a_set_holds_each_change_once_and_gives_it_once() {
        let mut set = ChangeSet::EMPTY;
        assert!(set.is_empty() && !set.contains(Change::Tools));
        set.insert(Change::Tools);
        set.insert(Change::Tools);
        assert!(set.contains(Change::Tools) && !set.is_empty());
        assert_eq!(set.intersection(set), set);
        assert_eq!(set.intersection(ChangeSet::EMPTY), ChangeSet::EMPTY);
        assert_eq!(set.iter().collect::<ChangeSet>(), set);
        assert_eq!((set.take(), set.take()), (Some(Change::Tools), None));
        assert!(set.is_empty());
    }

    #[test]
    fn every_change_has_a_place_of_its_own() {
        let all: ChangeSet = Change::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Change::ALL.len());
    }
}
