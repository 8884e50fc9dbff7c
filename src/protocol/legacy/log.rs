//! The bounded log behind a stream: what was said, and what of it is gone.
//!
//! The interface is the seam for logs that live elsewhere: appending is local and synchronous, and
//! readers see nothing past [`Log::committed`].

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::protocol::budget::{Budget, Share};

/// What a message is, which decides what becomes of it when room is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Progress: a later one says more, so losing one is no gap.
    Progress,
    /// Any other notification: goes after all progress, and is missed.
    Notification,
    /// A notification that stands for others that had no room.
    Marker,
    /// A request to the client: stays until a connection was given it.
    Request,
    /// The answer to a call: stays as long as the log.
    Answer,
}

/// A message and its place.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) message: Bytes,
}

/// How much a log may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// Why a message did not enter the log. Nothing changed, and nothing is missing from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The message alone is larger than the log.
    TooLarge,
    /// The log is full of what no connection was given yet.
    Full,
}

/// What is kept free for a marker, so that one can follow whatever had no room.
pub(super) const MARKER: Room = Room { messages: 1, bytes: 256 };

/// Messages in order, with a limit.
///
/// When it is full it drops, oldest first: what the reader has passed already (kept only for
/// replay), then progress, then other notifications. All but progress leaves a gap for a reader
/// that would need it. Answers take no room: they are kept whatever their size, and nothing has to
/// go for them. Places are numbered from 1 and never reused; they may have holes.
#[derive(Debug)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    share: Share,
    answers: Room,
    progress: usize,
    last: u64,
    given: u64,
    lost: u64,
}

impl Log {
    /// An empty log whose messages count towards a budget.
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            entries: VecDeque::new(),
            share: Share::of(budget),
            answers: Room::default(),
            progress: 0,
            last: 0,
            given: 0,
            lost: 0,
        }
    }

    /// Adds a message at the end. `passed` is the place up to which the reader has read.
    pub(crate) fn append(
        &mut self,
        kind: Kind,
        message: Bytes,
        passed: u64,
        room: Room,
    ) -> Result<u64, Refused> {
        match kind {
            // Refusing an answer would leave its stream without an end.
            Kind::Answer => {}
            _ if message.len() > room.bytes => return Err(Refused::TooLarge),
            Kind::Request if !self.can_hold(message.len(), passed, room) => {
                return Err(Refused::Full);
            }
            _ => {}
        }
        if kind != Kind::Answer && !self.fits_the_budget(kind, message.len(), passed) {
            return Err(Refused::Full);
        }
        let seq = self.skip();
        self.share.grow(message.len());
        self.progress += usize::from(kind == Kind::Progress);
        if kind == Kind::Answer {
            self.answers.messages += 1;
            self.answers.bytes += message.len();
        }
        if self.entries.is_empty() {
            // Of most streams the answer is all that is ever said.
            self.entries.reserve_exact(1);
        }
        self.entries.push_back(Entry { seq, kind, message });
        while self.counted_bytes() > room.bytes || self.counted() > room.messages {
            let Some(index) = self.victim(passed) else { break };
            self.evict(index);
        }
        Ok(seq)
    }

    /// Whether so many notifications, of so many bytes, fit without anything going that the reader
    /// has not passed, but for progress. Room for a marker is kept free of all but a marker.
    pub(crate) fn has_room(
        &self,
        kind: Kind,
        messages: usize,
        bytes: usize,
        passed: u64,
        room: Room,
    ) -> bool {
        let kept_free = match kind {
            Kind::Marker => Room::default(),
            _ => Room { bytes: MARKER.bytes.min(room.bytes / 4), ..MARKER },
        };
        let most = room.messages.saturating_sub(kept_free.messages);
        let limit = room.bytes.saturating_sub(kept_free.bytes);
        if self.counted_bytes() + bytes <= limit && self.counted() + messages <= most {
            return true;
        }
        let (count, held) = self.held(|entry| match entry.kind {
            Kind::Answer | Kind::Progress => false,
            Kind::Request | Kind::Notification | Kind::Marker => entry.seq > passed,
        });
        count + messages <= most && held + bytes <= limit
    }

    /// Takes the next place for an event that is not kept: a priming event.
    pub(crate) fn skip(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The last place that readers may see: in memory, the last there is.
    pub(crate) fn committed(&self) -> u64 {
        self.last
    }

    /// The first message after a place.
    pub(crate) fn after(&self, place: u64) -> Option<&Entry> {
        let ahead = self.entries.back()?.seq.saturating_sub(place);
        if ahead == 0 {
            return None;
        }
        // Where no place behind it has a hole, it stands that far from the end.
        let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
        let index = match self.entries.len().saturating_sub(ahead) {
            index if self.entries[index].seq == place + 1 => index,
            _ => self.entries.partition_point(|entry| entry.seq <= place),
        };
        self.entries.get(index).filter(|entry| entry.seq <= self.committed())
    }

    /// Whether the same message stands after a place.
    pub(crate) fn holds_after(&self, place: u64, message: &[u8]) -> bool {
        let index = self.entries.partition_point(|entry| entry.seq <= place);
        self.entries.range(index..).any(|entry| entry.message == message)
    }

    /// Whether there is a message at a place that no connection was given.
    pub(crate) fn awaits(&self, place: u64) -> bool {
        place > self.given && self.at(place).is_some()
    }

    /// Takes a notification back that no connection was given, as if it had never been said.
    pub(crate) fn withdraw(&mut self, place: u64) {
        let Some(index) = self.at(place).filter(|_| place > self.given) else { return };
        if self.entries[index].kind == Kind::Notification
            && let Some(entry) = self.entries.remove(index)
        {
            self.share.shrink(entry.message.len());
        }
    }

    fn at(&self, place: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&place, |entry| entry.seq).ok()
    }

    /// The last place of which a message that counts is gone: a reader before it misses something.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Notes that a connection was given everything up to `place`.
    pub(crate) fn give(&mut self, place: u64) {
        self.given = self.given.max(place);
    }

    /// The last place that any connection was given.
    pub(crate) fn given(&self) -> u64 {
        self.given
    }

    /// Drops what is old: everything up to `place` but answers, and requests that no connection
    /// was given.
    pub(crate) fn forget(&mut self, place: u64) {
        let mut index = 0;
        while let Some(entry) = self.entries.get(index).filter(|entry| entry.seq <= place) {
            match entry.kind {
                Kind::Answer => index += 1,
                Kind::Request if entry.seq > self.given => index += 1,
                _ => self.evict(index),
            }
        }
        self.entries.shrink_to_fit();
    }

    /// Drops all messages and their memory. Places go on.
    pub(crate) fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.share.shrink(self.share.bytes());
        (self.progress, self.lost) = (0, self.last);
        self.answers = Room::default();
    }

    /// The bytes of the messages held.
    pub(crate) fn bytes(&self) -> usize {
        self.share.bytes()
    }

    /// What the log holds of the budget.
    pub(crate) fn share(&self) -> &Share {
        &self.share
    }

    /// The same without answers: what counts towards limits.
    pub(crate) fn counted_bytes(&self) -> usize {
        self.share.bytes() - self.answers.bytes
    }

    /// Makes room in the budget by dropping what the reader has passed, which is kept for replay
    /// alone. Says whether a message then fits. A request to the client takes of the room that is
    /// kept for answers, and so does a marker: what was refused must not vanish in silence.
    fn fits_the_budget(&mut self, kind: Kind, bytes: usize, passed: u64) -> bool {
        let fits = match kind {
            Kind::Marker | Kind::Request => Budget::has_last_room,
            _ => Budget::has_room,
        };
        if fits(self.share.budget(), bytes) {
            return true;
        }
        self.drop_passed(passed);
        let fits = fits(self.share.budget(), bytes);
        if !fits {
            self.share.budget().press();
        }
        fits
    }

    /// Drops everything up to `place` but answers.
    pub(crate) fn drop_passed(&mut self, place: u64) {
        let mut index = 0;
        while let Some(entry) = self.entries.get(index).filter(|entry| entry.seq <= place) {
            match entry.kind {
                Kind::Answer => index += 1,
                _ => self.evict(index),
            }
        }
    }

    /// Takes a message back that no connection was given: nobody will miss it. Says whether it was
    /// so.
    pub(crate) fn take_back(&mut self, seq: u64) -> bool {
        if seq <= self.given {
            return false;
        }
        if let Ok(index) = self.entries.binary_search_by_key(&seq, |entry| entry.seq)
            && let Some(entry) = self.entries.remove(index)
        {
            debug_assert_eq!(entry.kind, Kind::Request, "what else is taken back?");
            self.share.shrink(entry.message.len());
        }
        true
    }

    /// Takes a place for a message that has no room: from there on something is missing.
    pub(crate) fn miss(&mut self) -> u64 {
        self.lost = self.skip();
        self.lost
    }

    fn counted(&self) -> usize {
        self.entries.len() - self.answers.messages
    }

    /// How many messages were ever dropped, of a log that gave a place to nothing else and had none
    /// withdrawn.
    #[cfg(test)]
    pub(crate) fn evicted(&self) -> u64 {
        self.last - self.entries.len() as u64
    }

    /// Whether a message fits once all that may be dropped is dropped.
    fn can_hold(&self, bytes: usize, passed: u64, room: Room) -> bool {
        if self.counted_bytes() + bytes <= room.bytes && self.counted() < room.messages {
            return true;
        }
        let (count, held) = self.held(|entry| entry.kind == Kind::Request && entry.seq > passed);
        count < room.messages && held + bytes <= room.bytes
    }

    /// The messages that stay, and their bytes.
    fn held(&self, stays: impl Fn(&Entry) -> bool) -> (usize, usize) {
        let staying = self.entries.iter().filter(|entry| stays(entry));
        staying.fold((0, 0), |(count, held), entry| (count + 1, held + entry.message.len()))
    }

    fn victim(&self, passed: u64) -> Option<usize> {
        let oldest = |kind| self.entries.iter().position(|entry| entry.kind == kind);
        let passed = self
            .entries
            .iter()
            .take_while(|entry| entry.seq <= passed)
            .position(|entry| entry.kind != Kind::Answer);
        passed
            .or_else(|| (self.progress > 0).then(|| oldest(Kind::Progress)).flatten())
            .or_else(|| oldest(Kind::Notification))
            .or_else(|| oldest(Kind::Marker))
    }

    fn evict(&mut self, index: usize) {
        let Some(entry) = self.entries.remove(index) else { return };
        self.share.shrink(entry.message.len());
        match entry.kind {
            Kind::Progress => self.progress -= 1,
            Kind::Answer => {
                self.answers.messages -= 1;
                self.answers.bytes -= entry.message.len();
                self.lost = self.lost.max(entry.seq);
            }
            _ => self.lost = self.lost.max(entry.seq),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::*;
    use super::*;

    const ROOM: Room = Room { messages: 4, bytes: 100 };

    fn message(length: usize) -> Bytes {
        Bytes::from(vec![b'm'; length])
    }

    fn filled(kinds: &[Kind]) -> Log {
        let mut log = Log::default();
        for &kind in kinds {
            log.append(kind, message(10), 0, ROOM).unwrap();
        }
        log
    }

    fn held(log: &Log) -> Vec<u64> {
        let bytes: usize = log.entries.iter().map(|entry| entry.message.len()).sum();
        assert_eq!(log.bytes(), bytes);
        assert_eq!(log.progress, log.entries.iter().filter(|e| e.kind == Progress).count());
        log.entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn places_count_from_one_and_reading_goes_on_after_holes() {
        let mut log = Log::default();
        assert!(log.after(0).is_none());
        assert_eq!(log.append(Notification, message(1), 0, ROOM), Ok(1));
        assert_eq!(log.skip(), 2);
        assert_eq!(log.append(Answer, message(1), 0, ROOM), Ok(3));
        assert_eq!(log.after(0).unwrap().seq, 1);
        assert_eq!(log.after(1).unwrap().seq, 3);
        assert_eq!(log.after(2).unwrap().seq, 3);
        assert!(log.after(3).is_none());
        assert_eq!(log.committed(), 3);
    }

    #[test]
    fn at_the_limit_nothing_goes_and_one_message_past_it_one_does() {
        let mut log = filled(&[Notification; 4]);
        assert_eq!((held(&log), log.lost(), log.evicted()), (vec![1, 2, 3, 4], 0, 0));
        log.append(Notification, message(10), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.lost(), log.evicted()), (vec![2, 3, 4, 5], 1, 1));
    }

    #[test]
    fn at_the_limit_in_bytes_nothing_goes_and_one_byte_past_it_the_oldest_do() {
        let mut log = filled(&[Notification, Notification]);
        log.append(Notification, message(80), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.bytes()), (vec![1, 2, 3], 100));
        log.append(Notification, message(11), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.bytes(), log.lost()), (vec![3, 4], 91, 2));
    }

    #[test]
    fn what_the_reader_has_passed_goes_first() {
        let mut log = filled(&[Notification, Request, Progress, Notification]);
        log.append(Notification, message(10), 2, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![2, 3, 4, 5], 1));
        log.append(Notification, message(10), 2, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![3, 4, 5, 6], 2));
    }

    /// Decision 5: "Progress that was evicted or coalesced is not a gap".
    #[test]
    fn progress_goes_before_notifications_and_leaves_no_gap() {
        let mut log = filled(&[Notification, Progress, Notification, Progress]);
        log.append(Notification, message(10), 0, ROOM).unwrap();
        log.append(Notification, message(10), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![1, 3, 5, 6], 0));
        log.append(Progress, message(10), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![1, 3, 5, 6], 0));
        log.append(Notification, message(10), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![3, 5, 6, 8], 1));
    }

    #[test]
    fn answers_and_requests_that_were_not_given_are_never_evicted() {
        let mut log = filled(&[Request, Answer, Request, Request, Request]);
        // Answers take no room.
        assert_eq!(log.append(Answer, message(500), 0, ROOM), Ok(6));
        assert_eq!(held(&log), [1, 2, 3, 4, 5, 6]);
        assert_eq!((log.bytes(), log.counted_bytes()), (550, 40));
        // A notification that finds no room is itself what is missing.
        log.append(Notification, message(10), 0, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![1, 2, 3, 4, 5, 6], 7));
        // The answers stay even when passed; a request that was passed was only kept for replay.
        log.append(Notification, message(10), 7, ROOM).unwrap();
        assert_eq!((held(&log), log.lost()), (vec![2, 3, 4, 5, 6, 8], 7));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut log = filled(&[Request, Notification, Request, Request]);
        assert_eq!(log.append(Notification, message(101), 0, ROOM), Err(Refused::TooLarge));
        assert_eq!(log.append(Request, message(101), 0, ROOM), Err(Refused::TooLarge));
        assert_eq!(log.append(Request, message(71), 0, ROOM), Err(Refused::Full));
        assert_eq!((held(&log), log.lost(), log.committed()), (vec![1, 2, 3, 4], 0, 4));
        assert_eq!(log.append(Request, message(70), 0, ROOM), Ok(5));
        assert_eq!(log.append(Request, message(1), 0, ROOM), Err(Refused::Full));
        assert_eq!(held(&log), [1, 3, 4, 5]);
    }

    #[test]
    fn a_request_is_refused_exactly_where_what_must_stay_leaves_no_room() {
        // In messages, though there is room in bytes.
        let mut log = filled(&[Request; 4]);
        assert_eq!(log.append(Request, message(1), 0, ROOM), Err(Refused::Full));
        // What the reader has passed need not stay.
        assert_eq!(log.append(Request, message(1), 1, ROOM), Ok(5));
        assert_eq!(held(&log), [2, 3, 4, 5]);
        // In bytes, though there is room in messages.
        for first in [1, 90] {
            let mut log = Log::default();
            log.append(Request, message(first), 0, ROOM).unwrap();
            assert_eq!(log.append(Request, message(101 - first), 0, ROOM), Err(Refused::Full));
            assert_eq!(log.append(Request, message(100 - first), 0, ROOM), Ok(2));
        }
        // Answers stay beyond the limit, and take no room from others.
        let mut log = filled(&[Answer; 5]);
        assert_eq!(log.append(Request, message(100), 0, ROOM), Ok(6));
        assert_eq!(log.append(Request, message(1), 0, ROOM), Err(Refused::Full));
        // A message as large as the log fits.
        assert_eq!(Log::default().append(Notification, message(100), 0, ROOM), Ok(1));
    }

    #[test]
    fn forgetting_what_is_old_spares_answers_and_requests_that_were_not_given() {
        let mut log = filled(&[Notification, Answer, Request, Request]);
        log.give(3);
        log.forget(4);
        assert_eq!((held(&log), log.lost(), log.evicted()), (vec![2, 4], 3, 2));
        log.clear();
        assert_eq!((held(&log), log.lost(), log.bytes()), (vec![], 4, 0));
        assert_eq!(log.evicted(), 4);
        assert_eq!(log.append(Notification, message(1), 0, ROOM), Ok(5));
        log.clear();
        assert_eq!(log.evicted(), 5);
    }
}
