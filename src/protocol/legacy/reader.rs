//! The reading side of a stream: where its one connection is, and who had it before.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::polling::Polling;
use super::subscribed::Subscribed;
use crate::protocol::change::{Notice, Subject};
use crate::protocol::time::Millis;

/// Within this time after a takeover the next one counts as part of a chase.
const CHASE: Duration = Duration::from_secs(60);

/// The longest that a displaced connection is told to wait.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// The connection that has a stream.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) generation: u64,
    pub(super) place: u64,
    pub(super) polling: Polling,
    pub(super) priming: Priming,
    pub(super) gap: Gap,
    pub(super) updates: Updates,
    pub(super) waker: Option<Waker>,
    pub(super) unmoved: Option<Mark>,
    pub(super) stay: Stay,
    pub(super) seat: Seat,
}

/// What a connection was admitted with, which it gives back when it loses the stream. Its drop may
/// run under the session's lock, and must do no more than count.
#[derive(Default)]
pub(crate) struct Seat(Option<Box<dyn Send + Sync>>);

impl Seat {
    pub(crate) fn new(admission: impl Send + Sync + 'static) -> Self {
        Self(Some(Box::new(admission)))
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seat").field(&self.0.is_some()).finish()
    }
}

/// How long a connection may stay.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stay {
    AsLongAsItLikes,
    /// The handler ended it, and it leaves when it has nothing to read.
    UntilAllIsGiven,
}

/// Whether a priming event is still to come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Priming {
    No,
    /// With the place before the first, which nothing else has.
    Beginning,
    /// With a place of its own, unless a message comes first, whose id will do.
    NewPlace,
}

/// What the reader knows of gaps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gap {
    /// It was told of none past this place.
    ToldUntil(u64),
    /// It was told of the one that ends its stream.
    Final,
}

/// Which of the resources that its client subscribed to a reader is still to be told of, because
/// of a gap. They are told one by one: to write all at once would take as much memory again.
#[derive(Clone, Debug)]
pub(super) enum Updates {
    None,
    All,
    /// Those behind this one.
    After(Arc<str>),
}

/// A place, and when it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) place: u64,
    pub(super) at: Millis,
}

/// How often of late a connection lost the stream to a newer one.
#[derive(Debug, Default)]
pub(super) struct Takeovers {
    count: u32,
    last: Millis,
}

impl Reader {
    /// The next resource that it is to be told of because of a gap.
    pub(super) fn next_update(&mut self, resources: Option<&Subscribed>) -> Option<Bytes> {
        let told = match &self.updates {
            Updates::None => return None,
            Updates::All => None,
            Updates::After(told) => Some(told),
        };
        let next = resources.and_then(|resources| resources.after(told)).cloned();
        self.updates = next.clone().map_or(Updates::None, Updates::After);
        Some(Notice::of(Subject::Resource(next?)).message())
    }
}

impl Priming {
    pub(super) fn under(self, polling: Polling) -> Self {
        match polling {
            Polling::Primed => self,
            Polling::Unprimed => Self::No,
        }
    }
}

impl Takeovers {
    pub(super) fn note(&mut self, now: Millis) {
        let chased = self.count > 0 && now.since(self.last) < CHASE;
        self.count = if chased { self.count.saturating_add(1) } else { 1 };
        self.last = now;
    }

    pub(super) fn retry(&self, base: Duration) -> Duration {
        let doublings = self.count.saturating_sub(1).min(16);
        base.saturating_mul(1 << doublings).min(LONGEST_RETRY)
    }
}
