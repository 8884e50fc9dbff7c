//! The model of one stream: all that was said on it, and what its reader must be given.
//!
//! It is written from decisions 4 to 6 and 12. Where a decision leaves the server free (whether
//! a message that had to make room is gone already) the model knows what may be, and what must.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::*;
use crate::protocol::change::{Notice, Subject};

/// How many bytes, and one message, of a log are kept free for a marker.
const KEPT_FREE: usize = 256;

/// An answer that the session makes itself is no longer than this.
pub(super) const ERROR: usize = 320;

/// What a message says.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Text(Bytes),
    /// An error that the session makes itself, for the request with this id.
    Error(String, &'static str),
}

/// A message in the order in which it was said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) body: Body,
    /// The first and the last time at which it may have had to go.
    gone: Option<(u64, u64)>,
    /// When a sweep first saw that it need not be kept for long.
    settled: Option<Millis>,
    /// Whether its client unsubscribed before it was given it.
    withdrawn: bool,
}

/// Whether something holds for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    Maybe,
    No,
}

/// The connection that has the stream.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) serial: u64,
    pub(super) position: usize,
    /// Whether it still is connected: a sweep may have detached it.
    pub(super) connected: Known,
    first: bool,
    needs_id: bool,
    told: Option<u64>,
    skip_to: usize,
    /// After a gap: the resource up to which it was told of all that its client subscribed to.
    updated: Option<&'static str>,
    over: bool,
    /// It is to leave when it was given all there is.
    leaves: bool,
    untaken: [Option<Millis>; 2],
}

/// Where a connection begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    Post,
    Get,
    At(usize),
}

/// What became of a call, as far as its stream is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Open,
    /// Its answer is this one of what was said.
    Answered(usize),
    Cancelled,
    Discarded,
}

/// A call of a stream: its request's id, and its fate.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) fate: Fate,
}

/// Bytes and messages of a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) bytes: usize,
    pub(super) messages: usize,
}

/// What a message meets when it is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// What its stream may hold, at least and at most.
    pub(super) room: (Room, Room),
    /// What all sessions held before it and after it.
    pub(super) held: (usize, usize),
    /// What they may hold of what can be refused.
    pub(super) memory: usize,
    pub(super) tick: u64,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) number: u64,
    pub(super) primed: bool,
    pub(super) said: Vec<Said>,
    pub(super) asked: Vec<Asked>,
    pub(super) given: usize,
    /// Which place each id names, as the number of messages before it.
    pub(super) ids: BTreeMap<u64, usize>,
    /// Whether its messages are gone for good, as whoever asks for them is told.
    pub(super) lost: Known,
    pub(super) ended: bool,
    pub(super) kept: Known,
    pub(super) reader: Option<Reader>,
    pub(super) settled: [Option<Millis>; 2],
    /// What its client subscribed to, of the standalone stream.
    pub(super) resources: BTreeSet<&'static str>,
    takeovers: Option<(u32, Millis)>,
    takeovers_unsure: bool,
}

impl Stream {
    pub(super) fn new(number: u64, primed: bool, asked: Vec<Asked>) -> Self {
        Self {
            number,
            primed,
            said: Vec::new(),
            asked,
            given: 0,
            ids: BTreeMap::new(),
            lost: Known::No,
            ended: false,
            kept: Known::Yes,
            reader: None,
            settled: [None; 2],
            resources: BTreeSet::new(),
            takeovers: None,
            takeovers_unsure: false,
        }
    }

    fn is_post(&self) -> bool {
        self.number > 0
    }

    /// Whether nothing can be said on it any more.
    pub(super) fn is_finished(&self) -> bool {
        self.ended || (self.is_post() && self.asked.iter().all(|call| call.fate != Fate::Open))
    }

    /// Whether its calls are over and nobody reads it.
    pub(super) fn is_settled(&self) -> Known {
        match &self.reader {
            _ if !self.is_post() || !self.is_finished() || self.kept == Known::No => Known::No,
            None => Known::Yes,
            Some(reader) if reader.connected == Known::Maybe => Known::Maybe,
            Some(_) => Known::No,
        }
    }

    /// Whether some connection was given all there is.
    pub(super) fn is_given(&self) -> Known {
        let mut rest = self.said[self.given..].iter();
        match self.lost {
            _ if rest.len() == 0 => Known::Yes,
            Known::No if rest.all(|said| said.gone.is_some()) => Known::Maybe,
            lost => lost,
        }
    }

    /// How far the reader is past, at least and at most.
    fn passed(&self) -> (usize, usize) {
        match &self.reader {
            None => (self.given, self.given),
            Some(reader) if reader.connected == Known::Maybe => {
                (reader.position.min(self.given), reader.position.max(self.given))
            }
            Some(reader) => (reader.position, reader.position),
        }
    }

    // --- saying ------------------------------------------------------------------------------

    /// Whether a message fits: the larger `passed` and `room`, the sooner. `counts` tells
    /// whether a message takes room, of those that the reader is not past.
    fn fits(
        &self,
        kind: Kind,
        bytes: usize,
        (passed, room): (usize, Room),
        counts: fn(&Said) -> bool,
    ) -> bool {
        let unheard = || self.said[passed..].iter().filter(|said| counts(said));
        let sum = |wanted: &dyn Fn(&Said) -> bool| {
            unheard()
                .filter(|said| wanted(said))
                .fold((1, bytes), |(count, sum), said| (count + 1, sum + said.len()))
        };
        let (messages, bytes) = match kind {
            Kind::Answer => return true,
            // Progress always finds room: it goes itself, or other progress does. So do
            // notifications of the standalone stream, into a spoken gap.
            Kind::Progress => return bytes <= room.bytes,
            Kind::Notification | Kind::Marker if !self.is_post() => return bytes <= room.bytes,
            Kind::Request if !self.is_post() => sum(&|said| said.kind == Kind::Request),
            // What a call says is refused rather than let in at the cost of a gap.
            _ => sum(&|said| !matches!(said.kind, Kind::Answer | Kind::Progress)),
        };
        let reserve = match kind {
            _ if !self.is_post() || kind == Kind::Marker => Room { bytes: 0, messages: 0 },
            _ => Room { bytes: KEPT_FREE.min(room.bytes / 4), messages: 1 },
        };
        bytes + reserve.bytes <= room.bytes && messages + reserve.messages <= room.messages
    }

    /// Judges what became of a message other than an answer, and takes note of it.
    pub(super) fn say(&mut self, kind: Kind, text: Bytes, sent: Sent, stage: &Stage) {
        let (passed, room) = (self.passed(), stage.room);
        // Where memory is short in all, what the reader has passed goes first.
        let short = stage.held.0 + text.len() > stage.memory;
        if short {
            self.drop_passed(stage.tick);
        }
        let missing = kind == Kind::Notification && !self.is_post() && short;
        match sent {
            Sent::Logged => {
                let fits = self.fits(kind, text.len(), (passed.1, room.1), |it| it.gone.is_none());
                assert!(fits, "{kind:?} was let in, for which there is no room");
                assert!(missing || stage.held.1 <= stage.memory, "let in beyond the limit in all");
            }
            Sent::Refused(_) => {
                let fits = self.fits(kind, text.len(), (passed.0, room.0), |_| true);
                let fits = fits && stage.held.1 + text.len() <= stage.memory;
                assert!(!fits, "{kind:?} was refused, for which there is room");
                return;
            }
            other => panic!("{other:?} for a message on a stream that takes messages"),
        }
        self.push(kind, Body::Text(text));
        self.make_room(passed, room.0, stage.tick);
        if let (true, Some(said)) = (missing, self.said.last_mut()) {
            // Nobody is there to be refused: it may be what is missing, and is spoken of.
            said.goes(stage.tick);
        }
    }

    /// Whether the same message is still to be given to the reader, or else to the next.
    pub(super) fn awaits(&self, text: &Bytes) -> Known {
        let is_same = |said: &Said| said.is(Kind::Notification, text);
        let passed = self.passed();
        let [certain, possible] = [passed.1, passed.0].map(|it| &self.said[it.max(self.given)..]);
        match () {
            () if certain.iter().any(|said| is_same(said) && said.gone.is_none()) => Known::Yes,
            () if possible.iter().any(is_same) => Known::Maybe,
            () => Known::No,
        }
    }

    /// Something changed, and nobody is there to be refused: without room it is missing, and
    /// spoken of.
    pub(super) fn announce(&mut self, text: Bytes, stage: &Stage) {
        let (passed, room) = (self.passed(), stage.room.0);
        let short = stage.held.0 + text.len() > stage.memory;
        let missing = short || text.len() > room.bytes;
        if short {
            self.drop_passed(stage.tick);
        }
        self.push(Kind::Notification, Body::Text(text));
        self.make_room(passed, room, stage.tick);
        if let (true, Some(said)) = (missing, self.said.last_mut()) {
            said.goes(stage.tick);
        }
    }

    /// What a client unsubscribed from it is not told any more, and that is no gap.
    pub(super) fn withdraw(&mut self, text: &Bytes) {
        let unheard = self.said[self.given..].iter_mut();
        if let Some(said) = unheard.rev().find(|said| said.is(Kind::Notification, text)) {
            (said.body, said.withdrawn) = (Body::Text(Bytes::new()), true);
        }
    }

    /// What was passed is kept for replay alone, and goes when memory is short.
    pub(super) fn drop_passed(&mut self, tick: u64) {
        let passed = self.passed().1;
        let passed = self.said[..passed].iter_mut();
        passed.filter(|said| said.kind != Kind::Answer).for_each(|said| said.goes(tick));
    }

    /// When memory is short everything may have to go, and whoever asks for it is told.
    pub(super) fn drop_all(&mut self, tick: u64) {
        self.said.iter_mut().for_each(|said| said.goes(tick));
        if self.is_settled() != Known::No {
            self.kept = Known::Maybe;
        }
        if self.is_post() && self.lost == Known::No {
            (self.lost, self.settled[0]) = (Known::Maybe, None);
        }
    }

    pub(super) fn push(&mut self, kind: Kind, body: Body) {
        self.said.push(Said { kind, body, gone: None, settled: None, withdrawn: false });
    }

    /// Notes what may have had to go for the message that was just let in: oldest first what the
    /// reader has passed, then progress, then, on the standalone stream, notifications.
    fn make_room(&mut self, passed: (usize, usize), room: Room, tick: u64) {
        let counted = |said: &Said| said.kind != Kind::Answer;
        let total = |range: &[Said]| {
            range
                .iter()
                .filter(|said| counted(said))
                .fold((0, 0), |(count, sum), said| (count + 1, sum + said.len()))
        };
        let is_more = |(count, sum): (usize, usize)| count > room.messages || sum > room.bytes;
        let unheard = total(&self.said[passed.0..]);
        for at in 0..self.said.len() {
            let since = total(&self.said[at..]);
            let requests = self.said[passed.0.min(at)..at].iter();
            let stay = requests.filter(|said| said.kind == Kind::Request);
            let stay = stay.fold(since, |(count, sum), said| (count + 1, sum + said.len()));
            let may_go = match self.said[at].kind {
                Kind::Answer => false,
                _ if at < passed.1 => is_more(since),
                Kind::Progress => is_more(unheard),
                Kind::Request => false,
                Kind::Notification | Kind::Marker => !self.is_post() && is_more(stay),
            };
            if may_go {
                self.said[at].goes(tick);
            }
        }
    }

    /// What a sweep may drop from the standalone stream: what was given, and, while nobody reads
    /// it, what nobody came for, each after its time.
    pub(super) fn age(&mut self, reading: Millis, retention: Duration, tick: u64) {
        let settled = match &self.reader {
            Some(reader) if reader.connected == Known::Yes => reader.position,
            _ => self.said.len(),
        };
        let given = self.given;
        for (at, said) in self.said[..settled].iter_mut().enumerate() {
            let since = *said.settled.get_or_insert(reading);
            let stays = said.kind == Kind::Request && at >= given;
            if reading >= since.after(retention) && !stays {
                said.goes(tick);
            }
        }
    }

    // --- reading -----------------------------------------------------------------------------

    pub(super) fn attach(&mut self, serial: u64, begin: Begin, connected: Known, now: Millis) {
        if let Some(before) = &self.reader {
            self.takeovers_unsure |= before.connected == Known::Maybe;
            let chased = |last: Millis| now.since(last) < Duration::from_secs(60);
            self.takeovers = match self.takeovers {
                Some((count, last)) if chased(last) => Some((count + 1, now)),
                _ => Some((1, now)),
            };
        }
        self.reader = Some(Reader {
            serial,
            position: match begin {
                Begin::Post => 0,
                Begin::Get => self.given,
                Begin::At(position) => position,
            },
            connected,
            first: matches!(begin, Begin::Post) && self.primed,
            needs_id: matches!(begin, Begin::Get) && self.primed,
            told: None,
            skip_to: 0,
            updated: None,
            over: false,
            leaves: false,
            untaken: [None; 2],
        });
    }

    pub(super) fn is_current(&self, serial: u64) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.serial == serial)
    }

    pub(super) fn detach(&mut self, serial: u64) {
        self.reader.take_if(|reader| reader.serial == serial);
    }

    /// Whether the reader need not be given a message: progress that had to go, and, on the
    /// standalone stream, what went of all that was said before a gap was spoken of.
    fn may_skip(&self, at: usize, reader: &Reader) -> bool {
        let said = &self.said[at];
        let excused = !self.is_post() && at < reader.skip_to;
        said.withdrawn || (said.gone.is_some() && (said.kind == Kind::Progress || excused))
    }

    /// The resource that the reader is to be told of next, because of a gap.
    fn next_update(&self, reader: &Reader) -> Option<&'static str> {
        let told = reader.updated?;
        self.resources.iter().copied().find(|uri| *uri > told)
    }

    /// Whether there certainly is something for the reader: to leave it waiting would be a lost
    /// wake-up.
    pub(super) fn owes(&self, reader: &Reader) -> bool {
        reader.over
            || reader.first
            || reader.needs_id
            || reader.leaves
            || self.next_update(reader).is_some()
            || self.lost == Known::Yes
            || self.is_finished()
            || (reader.position..self.said.len()).any(|at| !self.may_skip(at, reader))
    }

    /// Judges what the reader was given. `what` is never `Displaced` or `End`.
    pub(super) fn step(&mut self, step: &Poll<Step>, on_gap: &[Bytes], tick: u64) {
        let mut reader = self.reader.take().expect("judged for the connection that has the stream");
        reader.connected = Known::Yes;
        // It is there, or it could give nothing.
        self.kept = Known::Yes;
        if matches!(step, Poll::Pending | Poll::Ready(Step::Event { .. })) && self.is_post() {
            assert!(self.lost != Known::Yes, "it goes on after the spoken gap");
            self.lost = Known::No;
        }
        match step {
            Poll::Pending => {
                assert!(!self.owes(&reader), "it waits, and there is something to be given");
                reader.updated = None;
            }
            Poll::Ready(step) => {
                reader.untaken = [None; 2];
                match step {
                    Step::Prime(id) => self.prime(&mut reader, *id),
                    Step::Event { id, message, kind } => {
                        self.event(&mut reader, *id, message, *kind);
                    }
                    Step::Gap(messages) => self.gap(&mut reader, messages, on_gap, tick),
                    Step::GapUpdate(message) => {
                        let next = self.next_update(&reader).expect("an update after a gap");
                        assert_eq!(*message, update(next), "what its client subscribed to");
                        reader.updated = Some(next);
                    }
                    Step::Displaced { .. } | Step::End => unreachable!("these are judged apart"),
                }
                reader.first = false;
            }
        }
        self.reader = Some(reader);
    }

    /// 2025-11-25, Transports, Sending Messages to the Server, 6: the first event of a stream has
    /// an id and no data. Older clients break on it.
    fn prime(&mut self, reader: &mut Reader, id: EventId) {
        assert!(self.primed, "a priming event in a revision that has none");
        assert!(reader.first || reader.needs_id, "a second priming event");
        if reader.first {
            self.name(id, 0);
            return;
        }
        reader.needs_id = false;
        assert!(!self.owes(reader), "a priming event in place of what is there");
        reader.updated = None;
        reader.position = self.said.len();
        self.given = self.said.len();
        self.name(id, self.said.len());
    }

    fn event(&mut self, reader: &mut Reader, id: EventId, message: &Bytes, kind: Kind) {
        assert!(!reader.first, "no priming event came first");
        assert!(!reader.over, "a message after the spoken gap");
        let mut at = reader.position;
        while self.said.get(at).is_some_and(|said| !said.is(kind, message)) {
            assert!(self.may_skip(at, reader), "{:?} is missing in silence", self.said[at]);
            at += 1;
        }
        assert!(at < self.said.len(), "{message:?}: not said here, or given before");
        assert_eq!(self.next_update(reader), None, "a message before all was told that may be new");
        self.name(id, at + 1);
        reader.position = at + 1;
        (reader.needs_id, reader.updated) = (false, None);
        self.given = self.given.max(at + 1);
    }

    /// Decision 5: gaps are spoken, and only gaps.
    fn gap(&mut self, reader: &mut Reader, messages: &[Bytes], on_gap: &[Bytes], tick: u64) {
        assert!(!reader.over && !reader.first);
        if self.is_post() {
            assert!(
                self.lost != Known::No || self.may_miss(reader),
                "a gap where nothing had to go"
            );
            (self.lost, self.settled[0]) = (Known::Yes, None);
            reader.over = true;
            let owed = self.owed(reader.position);
            assert!(!owed.is_empty() && tells(messages, &owed), "{messages:?} for {owed:?}");
            return;
        }
        assert!(self.may_miss(reader), "a gap where nothing had to go");
        assert_eq!(messages, on_gap, "what may have changed");
        reader.position = reader.position.max(self.given);
        reader.skip_to = self.said.len();
        reader.told = Some(tick);
        reader.needs_id = self.primed;
        reader.updated = Some("");
    }

    fn may_miss(&self, reader: &Reader) -> bool {
        self.may_miss_since(reader.position, reader.told)
    }

    fn may_miss_since(&self, position: usize, told: Option<u64>) -> bool {
        self.said[position..].iter().any(|said| {
            said.kind != Kind::Progress
                && said.gone.is_some_and(|(_, last)| told.is_none_or(|told| last > told))
        })
    }

    /// The requests whose answers a client that has read up to `position` lacks, in order.
    pub(super) fn owed(&self, position: usize) -> Vec<String> {
        let lacks = |call: &&Asked| match call.fate {
            Fate::Open | Fate::Discarded => true,
            Fate::Answered(at) => at >= position,
            Fate::Cancelled => false,
        };
        self.asked.iter().filter(lacks).map(|call| call.id.clone()).collect()
    }

    /// Asks the reader to leave when it was given all there is.
    pub(super) fn close_reader(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.leaves = true;
        }
    }

    /// Judges that a connection was displaced: by a newer one, because it stalled, or because it
    /// was asked to leave, and then only after what was there.
    pub(super) fn displace(&mut self, serial: u64) {
        let Some(reader) = self.reader.take_if(|reader| reader.serial == serial) else { return };
        let (leaves, connected) = (reader.leaves, reader.connected);
        let left = leaves && !self.owes(&Reader { leaves: false, ..reader });
        assert!(left || connected == Known::Maybe, "displaced, and it has the stream");
    }

    /// Judges the end of a connection.
    pub(super) fn end(&mut self, serial: u64) {
        let reader = self.reader.take_if(|reader| reader.serial == serial);
        let gone = self.ended || self.kept != Known::Yes;
        if self.lost == Known::Maybe {
            // If it is, then perhaps only since now.
            self.settled[0] = None;
        }
        let may_end = match &reader {
            Some(reader) if self.may_end(reader) => true,
            // What is missing of a cancelled call concerns nobody any more.
            Some(reader) if self.misses_nothing_owed(reader) => {
                (self.lost, self.settled[0]) = (Known::Yes, None);
                true
            }
            Some(reader) => gone && reader.connected == Known::Maybe,
            None => gone,
        };
        assert!(may_end, "an end before all was given");
    }

    fn may_end(&self, reader: &Reader) -> bool {
        let whole = (reader.position..self.said.len()).all(|at| self.may_skip(at, reader));
        let lost = self.lost != Known::No && self.owed(reader.position).is_empty();
        let over = self.is_finished() && !reader.first && self.lost != Known::Yes;
        reader.over || lost || (over && whole)
    }

    fn misses_nothing_owed(&self, reader: &Reader) -> bool {
        let finished = self.is_post() && self.is_finished() && !reader.first;
        finished && self.may_miss(reader) && self.owed(reader.position).is_empty()
    }

    /// What a displaced connection is to be told (decision 6), if that is known.
    pub(super) fn may_retry(&self, retry: Duration, base: Duration) -> bool {
        let longest = Duration::from_secs(60);
        let doublings = self.takeovers.map_or(0, |(count, _)| count - 1).min(16);
        let known = !self.takeovers_unsure && self.kept == Known::Yes;
        let expected = (base * (1 << doublings)).min(longest);
        if known && !self.ended { retry == expected } else { base <= retry && retry <= longest }
    }

    /// Ids never repeat: one id is one place, and a later place has a higher one.
    fn name(&mut self, id: EventId, place: usize) {
        assert_eq!(id.stream.number(), self.number, "an id of another stream");
        if let Some(&known) = self.ids.get(&id.seq) {
            assert_eq!(known, place, "{id} names two places");
            return;
        }
        let before = self.ids.range(..id.seq).next_back();
        let behind = self.ids.range(id.seq..).next();
        assert!(before.is_none_or(|(_, &it)| it <= place), "{id} goes back");
        assert!(behind.is_none_or(|(_, &it)| it >= place), "{id} goes back");
        let twice = self.is_post() && self.ids.values().any(|&it| it == place);
        assert!(!twice, "{id} is a second id of its message");
        self.ids.insert(id.seq, place);
    }

    // --- sweeping ----------------------------------------------------------------------------

    /// Decision 9: a reader that leaves something untaken for too long is detached. One that was
    /// given no id could not come back: it stays while more may come, and then as long as what
    /// is kept. Says how many were detached, at least and at most.
    pub(super) fn stall(&mut self, reading: Millis, limits: &Limits) -> (usize, usize) {
        let Some(reader) = &self.reader else { return (0, 0) };
        let unnamed = if self.primed { reader.first } else { reader.position == 0 };
        let stranded = self.is_post() && unnamed;
        let over = [self.lost == Known::Yes, self.lost != Known::No]
            .map(|lost| lost || self.is_finished());
        // A gap that it did not take is no message, so where that is all it need not count.
        let rest = &self.said[reader.position..];
        let certain = over[0]
            || reader.first
            || reader.needs_id
            || reader.updated.is_some()
            || rest.iter().any(|said| said.gone.is_none() && !said.withdrawn);
        let possible = certain || over[1] || self.owes(reader) || !rest.is_empty();
        let waits = [certain && (!stranded || over[0]), possible && (!stranded || over[1])];
        let stall = limits.stall + if stranded { limits.retention } else { Duration::ZERO };
        let Some(reader) = &mut self.reader else { return (0, 0) };
        let was = reader.connected;
        for (since, waits) in reader.untaken.iter_mut().zip(waits) {
            *since = waits.then(|| since.unwrap_or(reading));
        }
        let [certain, possible] = reader.untaken.map(|since| {
            since.is_some_and(|since| reading > since && reading >= since.after(stall))
        });
        match (certain, possible) {
            (true, _) => self.reader = None,
            (false, true) => reader.connected = Known::Maybe,
            (false, false) => {}
        }
        (usize::from(certain && was == Known::Yes), usize::from(possible))
    }

    // --- counting ----------------------------------------------------------------------------

    /// Bytes that it holds at least and at most, and bytes of answers at most.
    pub(super) fn bytes(&self, limit: usize) -> (usize, usize, usize) {
        if self.lost == Known::Yes || self.kept == Known::No {
            return (0, 0, 0);
        }
        let sum = |wanted: &dyn Fn(&&Said) -> bool| -> usize {
            self.said.iter().filter(wanted).map(Said::len).sum()
        };
        let least = match (self.kept, self.lost) {
            (Known::Yes, Known::No) => sum(&|said| said.gone.is_none()),
            _ => 0,
        };
        let most = sum(&|said| said.kind != Kind::Answer).min(limit);
        (least, most, sum(&|said| said.kind == Kind::Answer) + self.errors())
    }

    /// What the session's own answers are long, at most.
    fn errors(&self) -> usize {
        self.said.iter().filter(|said| matches!(said.body, Body::Error(..))).count() * ERROR
    }

    /// What it holds that cannot go for others: bytes, without answers.
    pub(super) fn unheard_bytes(&self) -> usize {
        if self.lost != Known::No || self.kept != Known::Yes {
            return 0;
        }
        let unheard = &self.said[self.passed().1.min(self.said.len())..];
        let stays = |said: &&Said| {
            !matches!(said.kind, Kind::Answer | Kind::Progress) && said.gone.is_none()
        };
        unheard.iter().filter(stays).map(Said::len).sum()
    }
}

impl Said {
    fn len(&self) -> usize {
        match &self.body {
            Body::Text(text) => text.len(),
            Body::Error(..) => 0,
        }
    }

    fn goes(&mut self, tick: u64) {
        let first = self.gone.map_or(tick, |(first, _)| first);
        self.gone = Some((first, tick));
    }

    fn is(&self, kind: Kind, message: &Bytes) -> bool {
        self.kind == kind
            && match &self.body {
                Body::Text(text) => text == message,
                Body::Error(id, reason) => is_error(message, id, reason),
            }
    }
}

/// The notification that a resource was updated.
pub(super) fn update(uri: &str) -> Bytes {
    Notice::of(Subject::Resource(uri.into())).message()
}

/// Whether these are the error answers `events_evicted` to exactly these requests.
pub(super) fn tells(messages: &[Bytes], owed: &[String]) -> bool {
    messages.len() == owed.len()
        && messages.iter().zip(owed).all(|(message, id)| is_error(message, id, "events_evicted"))
}

/// Whether it is the error answer of this reason to the request (decision 5: `-32603`).
fn is_error(message: &Bytes, id: &str, reason: &str) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(message) else { return false };
    let expected: Option<serde_json::Value> = serde_json::from_str(id).ok();
    Some(&value["id"]) == expected.as_ref()
        && value["error"]["code"] == -32603
        && value["error"]["data"]["reason"] == reason
}

impl Stream {
    /// Whether something after this place is kept, or is missing and will be spoken of.
    pub(super) fn certainly_has_more(&self, position: usize) -> bool {
        self.said[position..].iter().any(|said| said.kind != Kind::Progress || said.gone.is_none())
    }
}
