//! What can change while a server runs, and the notifications that tell of it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::jsonrpc::{ErrorCode, ObjectWriter, RpcError, encode_notification};

/// A kind of change: what clients ask to be told of, and what capabilities declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// The list of resources.
    Resources,
    /// A resource, to those who subscribed to it.
    Updates,
}

impl Change {
    pub(crate) const ALL: [Change; 4] =
        [Change::Tools, Change::Prompts, Change::Resources, Change::Updates];

    /// The notification that tells of it.
    fn method(self) -> &'static str {
        match self {
            Self::Tools => "notifications/tools/list_changed",
            Self::Prompts => "notifications/prompts/list_changed",
            Self::Resources => "notifications/resources/list_changed",
            Self::Updates => "notifications/resources/updated",
        }
    }

    /// The list that has changed, if it is a change of one.
    pub(crate) fn list(self) -> Option<Subject> {
        match self {
            Self::Tools => Some(Subject::Tools),
            Self::Prompts => Some(Subject::Prompts),
            Self::Resources => Some(Subject::Resources),
            Self::Updates => None,
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Some of all kinds of change there are.
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

    /// The changes, always in the same order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Change> {
        Change::ALL.into_iter().filter(move |&change| self.contains(change))
    }

    /// The lists that may change.
    pub(crate) fn lists(self) -> impl Iterator<Item = Subject> {
        self.iter().filter_map(Change::list)
    }
}

impl FromIterator<Change> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        let mut set = Self::EMPTY;
        changes.into_iter().for_each(|change| set.insert(change));
        set
    }
}

/// What has changed: what one notification is about, and what a client is still to be told of at
/// most once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Tools,
    Prompts,
    Resources,
    /// The resource with this URI. URIs are compared as they are written.
    Resource(Arc<str>),
}

impl Subject {
    /// What kind of change it is.
    pub(crate) fn change(&self) -> Change {
        match self {
            Self::Tools => Change::Tools,
            Self::Prompts => Change::Prompts,
            Self::Resources => Change::Resources,
            Self::Resource(_) => Change::Updates,
        }
    }

    /// The notification that tells of it.
    pub(crate) fn method(&self) -> &'static str {
        self.change().method()
    }

    /// Its name, where there are several of its kind.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Tools | Self::Prompts | Self::Resources => None,
            Self::Resource(uri) => Some(uri),
        }
    }
}

/// A change, written once for all who are told of it (decision 18).
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    subject: Subject,
    /// The members of the notification's params, but for `_meta`: there may be none.
    members: Bytes,
}

impl Notice {
    /// The notice that something has changed.
    pub(crate) fn of(subject: Subject) -> Self {
        let members = match &subject {
            Subject::Tools | Subject::Prompts | Subject::Resources => Bytes::new(),
            Subject::Resource(uri) => {
                let mut members = b"\"uri\":".to_vec();
                serde_json::to_writer(&mut members, &**uri).expect("a string is JSON");
                members.into()
            }
        };
        Self { subject, members }
    }

    /// What has changed.
    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What its params say, but for `_meta`, as members of an object.
    pub(crate) fn members(&self) -> &Bytes {
        &self.members
    }

    /// The whole message, as every legacy stream carries it.
    pub(crate) fn message(&self) -> Bytes {
        let message = encode_notification(self.subject.method(), |params| {
            write_members(&self.members, params);
            Ok(())
        });
        message.expect("what is written is JSON already")
    }
}

/// Adds the members of a notice's params.
pub(crate) fn write_members(members: &[u8], params: &mut ObjectWriter<'_>) {
    if !members.is_empty() {
        params.raw_members(members);
    }
}

/// The longest URI that can be subscribed to, in bytes: RFC 9110, section 4.1, recommends to
/// support "URIs with lengths of 8000 octets in protocol elements".
pub(crate) const LONGEST_URI: usize = 8_000;

/// What a subscription takes besides the URI, about: its places in maps, its counts.
const SUBSCRIPTION: usize = 128;

/// How much of the budget one subscription to a resource takes.
pub(crate) fn cost(uri: &str) -> usize {
    uri.len() + SUBSCRIPTION
}

/// What one client may subscribe to: in a legacy session, or in one `subscriptions/listen`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubscriptionLimits {
    /// Resources: 256.
    pub(crate) uris: usize,
    /// Bytes of their URIs: 64 KiB.
    pub(crate) bytes: usize,
}

impl Default for SubscriptionLimits {
    fn default() -> Self {
        Self { uris: 256, bytes: 64 * 1024 }
    }
}

impl SubscriptionLimits {
    /// Whether there may be one more where there are so many, of so many bytes.
    pub(crate) fn admit(self, uris: usize, bytes: usize, uri: &str) -> Result<(), Excess> {
        match () {
            () if uri.len() > LONGEST_URI => Err(Excess::LongUri),
            () if uris >= self.uris => Err(Excess::Uris { limit: self.uris }),
            () if bytes + uri.len() > self.bytes => Err(Excess::Bytes { limit: self.bytes }),
            () => Ok(()),
        }
    }
}

/// Why there may not be one more subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Excess {
    LongUri,
    Uris { limit: usize },
    Bytes { limit: usize },
}

impl Excess {
    /// The error that says so, and what to do about it where there are too many.
    pub(crate) fn error(self, remedy: &str) -> RpcError {
        let (message, limit) = match self {
            Self::LongUri => {
                (format!("A URI to subscribe to may have {LONGEST_URI} bytes"), LONGEST_URI)
            }
            Self::Uris { limit } => {
                (format!("There may be {limit} subscriptions to resources: {remedy}"), limit)
            }
            Self::Bytes { limit } => {
                let message = format!("Subscribed URIs may have {limit} bytes in all: {remedy}");
                (message, limit)
            }
        };
        let reason = match self {
            Self::LongUri => "uri_too_long",
            Self::Uris { .. } | Self::Bytes { .. } => "too_many_subscriptions",
        };
        RpcError::new(ErrorCode::InvalidParams, message)
            .with_data(json!({ "reason": reason, "limit": limit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-25, Tools and Prompts and Resources, List Changed Notification.
    #[test]
    fn a_change_of_a_list_is_a_notification_without_a_word_about_what_changed() {
        for (subject, method) in [
            (Subject::Tools, "notifications/tools/list_changed"),
            (Subject::Prompts, "notifications/prompts/list_changed"),
            (Subject::Resources, "notifications/resources/list_changed"),
        ] {
            assert_eq!(
                Notice::of(subject).message(),
                format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{}}}}"#)
            );
        }
    }

    /// 2025-11-25, Resources, Subscriptions: "Update Notification".
    #[test]
    fn an_update_names_the_resource_as_it_is_written() {
        let notice = Notice::of(Subject::Resource("file:///a \"b\"\n".into()));
        assert_eq!(
            notice.message(),
            r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a \"b\"\n"}}"#
        );
    }

    #[test]
    fn a_set_holds_each_change_once() {
        let mut set = ChangeSet::EMPTY;
        assert!(set.is_empty() && !set.contains(Change::Tools));
        set.insert(Change::Tools);
        set.insert(Change::Tools);
        assert!(set.contains(Change::Tools) && !set.contains(Change::Updates) && !set.is_empty());
        assert_eq!(set.iter().collect::<ChangeSet>(), set);
        assert_eq!(set.iter().count(), 1);
    }

    #[test]
    fn every_change_has_a_place_of_its_own_and_is_that_of_its_subject() {
        let all: ChangeSet = Change::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), Change::ALL.len());
        assert_eq!(all.lists().count(), 3);
        for subject in all.lists() {
            assert_eq!(subject.change().list(), Some(subject));
        }
        assert_eq!(Subject::Resource("a".into()).change(), Change::Updates);
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn at_the_limit_a_subscription_is_admitted_and_past_it_the_error_says_what_to_do() {
        let limits = SubscriptionLimits { uris: 2, bytes: 10 };
        assert_eq!(limits.admit(1, 7, "abc"), Ok(()));
        assert_eq!(limits.admit(2, 0, "a"), Err(Excess::Uris { limit: 2 }));
        assert_eq!(limits.admit(1, 7, "abcd"), Err(Excess::Bytes { limit: 10 }));
        let all = SubscriptionLimits { uris: usize::MAX, bytes: usize::MAX };
        let longest = "u".repeat(LONGEST_URI);
        assert_eq!(all.admit(0, 0, &longest), Ok(()));
        assert_eq!(all.admit(0, 0, &format!("{longest}u")), Err(Excess::LongUri));
        for (excess, says) in [
            (Excess::LongUri, "8000 bytes"),
            (Excess::Uris { limit: 2 }, "2 subscriptions to resources: leave some"),
            (Excess::Bytes { limit: 10 }, "10 bytes in all: leave some"),
        ] {
            let error = excess.error("leave some");
            assert!(error.message.contains(says), "{}", error.message);
            assert_eq!(error.code, ErrorCode::InvalidParams);
        }
    }
}
