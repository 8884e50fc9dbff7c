//! The model of one session: its calls, its streams, its life.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::super::session::CallRefused;
use super::super::*;
use super::stream::{Asked, Begin, Body, Fate, Known, Room, Stage, Stream, tells};
use crate::protocol::change::{self, Excess};

/// Ids longer than this are not remembered of streams that are gone.
const LONGEST_ID: usize = 40;

/// A session as its client and its handlers may see it.
pub(super) struct Account {
    limits: Rc<Limits>,
    pub(super) primed: bool,
    pub(super) initialized: bool,
    pub(super) ended: bool,
    pub(super) streams: BTreeMap<u64, Stream>,
    calls: Vec<Call>,
    discarded: u64,
    /// When it last was busy or its client spoke, on the idle clock: for certain, and perhaps.
    active: [Millis; 2],
}

struct Call {
    id: String,
    /// The stream, and which of its calls this one is.
    bound: Option<(u64, usize)>,
    open: bool,
    /// How often its handler is to be stopped.
    stops: usize,
}

/// The answer that a client was given to a resume.
pub(super) enum Outcome {
    Attached,
    Nothing,
    Ended,
}

/// What a resume connects to.
pub(super) enum Destination {
    /// The stream with this number.
    Stream(u64),
    /// The stream, or what is told in its place if it is gone.
    Unsure(u64),
}

impl Account {
    pub(super) fn new(limits: Rc<Limits>, primed: bool, reading: Millis) -> Self {
        let streams = BTreeMap::from([(0, Stream::new(0, primed, Vec::new()))]);
        Self {
            limits,
            primed,
            initialized: false,
            ended: false,
            streams,
            calls: Vec::new(),
            discarded: 0,
            active: [reading; 2],
        }
    }

    pub(super) fn stream(&mut self, number: u64) -> &mut Stream {
        self.streams.get_mut(&number).expect("a stream that was opened")
    }

    pub(super) fn posts(&self) -> u64 {
        self.streams.len() as u64 - 1
    }

    // --- calls -------------------------------------------------------------------------------

    pub(super) fn in_flight(&self) -> usize {
        self.calls.iter().filter(|call| call.open).count()
    }

    /// Judges the beginning of a call. `adopted` ones need no admission.
    pub(super) fn begin(&mut self, id: &RequestId, refused: Option<CallRefused>) -> Option<usize> {
        let expected = match () {
            () if self.ended => Some(CallRefused::Ended),
            () if self.in_flight() >= self.limits.calls => Some(CallRefused::AtCapacity),
            () => None,
        };
        assert_eq!(refused, expected, "with {} calls in flight", self.in_flight());
        refused.is_none().then(|| self.adopt(id))
    }

    pub(super) fn adopt(&mut self, id: &RequestId) -> usize {
        assert!(!self.ended, "a call in a session that has ended");
        self.calls.push(Call { id: id.as_json().to_owned(), bound: None, open: true, stops: 0 });
        self.calls.len() - 1
    }

    pub(super) fn is_bound(&self, call: usize) -> bool {
        self.calls[call].bound.is_some()
    }

    pub(super) fn stops(&self, call: usize) -> usize {
        self.calls[call].stops
    }

    /// Opens the stream of one POST.
    pub(super) fn open_post(&mut self, calls: &[usize], serial: u64, now: Millis) -> u64 {
        assert!(!self.ended, "a stream in a session that has ended");
        let number = self.posts() + 1;
        let mut asked = Vec::new();
        for &at in calls {
            let call = &mut self.calls[at];
            if call.open {
                call.bound = Some((number, asked.len()));
                asked.push(Asked { id: call.id.clone(), fate: Fate::Open });
            }
        }
        let mut stream = Stream::new(number, self.primed, asked);
        stream.attach(serial, Begin::Post, Known::Yes, now);
        self.streams.insert(number, stream);
        number
    }

    /// Judges what became of what a handler said.
    pub(super) fn say(&mut self, call: usize, kind: Kind, text: Bytes, sent: Sent, stage: &Stage) {
        let call = &self.calls[call];
        let Some((number, _)) = call.bound.filter(|_| call.open) else {
            return if call.open { assert_eq!(sent, Sent::Unbound) } else { self.discards(sent) };
        };
        if self.is_lost(number, sent == Sent::Discarded) {
            return self.discards(sent);
        }
        self.stream(number).say(kind, text, sent, stage);
    }

    /// Whether a stream is lost. What it did to a message tells, where that was not known.
    fn is_lost(&mut self, number: u64, discards: bool) -> bool {
        let stream = self.stream(number);
        if stream.lost == Known::Maybe {
            stream.lost = if discards { Known::Yes } else { Known::No };
        }
        stream.lost == Known::Yes
    }

    pub(super) fn notify(&mut self, kind: Kind, text: Bytes, sent: Sent, stage: &Stage) {
        if self.ended {
            return self.discards(sent);
        }
        self.stream(0).say(kind, text, sent, stage);
    }

    /// Judges whether a handler may end the connection of its stream (2025-11-25, Transports,
    /// Sending Messages to the Server, 6).
    pub(super) fn close_reader(&mut self, call: usize, closed: Closed) {
        let call = &self.calls[call];
        let number = call.bound.filter(|_| call.open && self.primed).map(|(number, _)| number);
        assert_eq!(closed == Closed::Asked, number.is_some());
        if let Some(number) = number {
            self.stream(number).close_reader();
        }
    }

    fn discards(&mut self, sent: Sent) {
        assert_eq!(sent, Sent::Discarded, "nobody could be told");
        self.discarded += 1;
    }

    /// Judges what became of an answer. `held` is what all sessions held before it, and `memory`
    /// what they may; `counted` is what this one has discarded since.
    pub(super) fn answer(
        &mut self,
        at: usize,
        text: Bytes,
        answered: &Answered,
        (held, memory): (usize, usize),
        (counted, tick): (u64, u64),
    ) {
        let call = &self.calls[at];
        let (open, bound) = (call.open, call.bound);
        let expected = match bound {
            _ if self.ended => Answered::Ended,
            _ if !open => Answered::Cancelled,
            None => Answered::Unbound(text.clone()),
            Some((number, _)) if self.is_lost(number, *answered == Answered::Discarded) => {
                Answered::Discarded
            }
            Some(_) => Answered::Streamed,
        };
        assert_eq!(*answered, expected);
        let late = !matches!(expected, Answered::Unbound(_) | Answered::Streamed);
        self.discarded += u64::from(late);
        // An answer for which there is no memory is an error in its place.
        if held + text.len() > memory && bound.is_some() && open {
            self.drop_read(tick);
            if counted > self.discarded {
                self.discarded += 1;
                let id = self.calls[at].id.clone();
                return self.resolve(at, Body::Error(id, "answer_evicted"));
            }
        }
        self.resolve(at, Body::Text(text));
    }

    /// What was read may go, because memory is short.
    pub(super) fn drop_read(&mut self, tick: u64) {
        for stream in self.streams.values_mut() {
            stream.drop_passed(tick);
            if stream.is_settled() != Known::No && stream.is_given() != Known::No {
                stream.kept = Known::Maybe;
            }
        }
    }

    /// All of a stream that may hold more than a little may have had to go.
    pub(super) fn drop_all(&mut self, little: usize, tick: u64) {
        let limit = self.limits.stream_bytes;
        for stream in self.streams.values_mut() {
            let (_, most, answers) = stream.bytes(limit);
            if most + answers > little {
                stream.drop_all(tick);
            }
        }
    }

    /// A handler that is gone leaves an error for an answer, where a stream waits for it.
    pub(super) fn abandon(&mut self, at: usize, counted: u64) {
        let call = &self.calls[at];
        if !call.open {
            return;
        }
        let body = Body::Error(call.id.clone(), "unanswered");
        if let Some((number, _)) = call.bound {
            let discards = counted > self.discarded;
            self.discarded += u64::from(self.is_lost(number, discards));
        }
        self.resolve(at, body);
    }

    /// The client of a call that has no stream is gone.
    pub(super) fn discard(&mut self, at: usize) {
        self.discarded += u64::from(self.calls[at].open);
        self.calls[at].open = false;
    }

    fn resolve(&mut self, at: usize, answer: Body) {
        let call = &mut self.calls[at];
        if !std::mem::replace(&mut call.open, false) {
            return;
        }
        let Some((number, index)) = call.bound else { return };
        let stream = self.stream(number);
        stream.asked[index].fate = if stream.lost == Known::Yes {
            Fate::Discarded
        } else {
            stream.push(Kind::Answer, answer);
            Fate::Answered(stream.said.len() - 1)
        };
    }

    /// Decision 7: acts only where exactly one call in flight has the id.
    pub(super) fn cancel(&mut self, id: &RequestId, cancelled: Cancelled) {
        let mut matching =
            self.calls.iter_mut().filter(|call| call.open && call.id == id.as_json());
        let (first, second) = (matching.next(), matching.next());
        let expected = match (&first, &second) {
            (None, _) => Cancelled::Unknown,
            (Some(_), None) => Cancelled::Done,
            (Some(_), Some(_)) => Cancelled::Ambiguous,
        };
        assert_eq!(cancelled, expected);
        let (Some(call), Cancelled::Done) = (first, expected) else { return };
        (call.open, call.stops) = (false, 1);
        if let Some((number, index)) = call.bound {
            self.stream(number).asked[index].fate = Fate::Cancelled;
        }
    }

    // --- room --------------------------------------------------------------------------------

    /// What a stream may hold, at least and at most: its own limit, and what the other streams
    /// leave of the session's. `held` is what the session says it holds.
    pub(super) fn room(&self, number: u64, held: usize) -> (Room, Room) {
        let others = || self.streams.iter().filter(|(it, _)| **it != number).map(|(_, it)| it);
        let most: usize = others().map(|it| it.bytes(self.limits.stream_bytes).1).sum();
        let least: usize = others().map(Stream::unheard_bytes).sum();
        let room = |others: usize| Room {
            bytes: self.limits.stream_bytes.min(self.limits.session_bytes.saturating_sub(others)),
            messages: self.limits.stream_messages,
        };
        (room(most.min(held)), room(least))
    }

    /// The number of the stream of a call.
    pub(super) fn stream_of(&self, call: usize) -> Option<u64> {
        self.calls[call].bound.map(|(number, _)| number)
    }

    /// Decision 8: limits are never exceeded, and what is held is what must be.
    pub(super) fn check_bytes(&self, held: usize) {
        let (mut least, mut most, mut answers) = (0, 0, 0);
        for stream in self.streams.values() {
            let (at_least, at_most, of_answers) = stream.bytes(self.limits.stream_bytes);
            let connected = stream.reader.as_ref().map_or(Known::No, |reader| reader.connected);
            if !self.ended || connected == Known::Yes {
                least += at_least;
            }
            if !self.ended || connected != Known::No {
                most += at_most;
                answers += of_answers;
            }
        }
        assert!(held >= least, "{held} bytes held, and at least {least} must be");
        let most = most.min(self.limits.session_bytes) + answers;
        assert!(held <= most, "{held} bytes held, and at most {most} may be");
    }

    /// Notes which settled streams may have been retired, where the session held up to `peak`
    /// bytes: those that some connection was given whole go first, then the oldest.
    pub(super) fn may_retire(&mut self, peak: usize) {
        let mut settled: Vec<_> =
            self.streams.values_mut().filter(|it| it.is_settled() != Known::No).collect();
        let excess = settled.len().saturating_sub(self.limits.finished_streams);
        let crowded = peak > self.limits.session_bytes;
        if excess == 0 && !crowded {
            return;
        }
        let whole = settled.iter().filter(|it| it.is_given() == Known::Yes).count();
        let mut others = if crowded { usize::MAX } else { excess.saturating_sub(whole) };
        let last = crowded && excess == 0 && settled.len() == 1;
        for stream in &mut settled {
            let goes = match stream.is_given() {
                Known::No if others == 0 || last => false,
                Known::No => {
                    others -= 1;
                    true
                }
                Known::Yes | Known::Maybe => true,
            };
            if goes {
                stream.kept = Known::Maybe;
            }
        }
    }

    // --- resuming ----------------------------------------------------------------------------

    pub(super) fn get(&mut self, serial: u64, now: Millis) {
        self.stream(0).attach(serial, Begin::Get, Known::Yes, now);
    }

    /// Judges a resume from an id. An id that was never sent counts as none.
    pub(super) fn resume(
        &mut self,
        cursor: EventId,
        outcome: &Outcome,
        serial: u64,
        now: Millis,
    ) -> Option<Destination> {
        let expects_end = matches!(outcome, Outcome::Ended);
        assert_eq!(expects_end, self.ended, "ended, and resumed");
        if self.ended {
            return None;
        }
        let number = cursor.stream.number();
        let place = self.streams.get(&number).and_then(|it| it.ids.get(&cursor.seq)).copied();
        let attached = matches!(outcome, Outcome::Attached);
        let Some(position) = place else {
            assert!(attached, "an id that was never sent is no id");
            self.get(serial, now);
            return Some(Destination::Stream(0));
        };
        if number == 0 {
            assert!(attached, "the standalone stream is always there");
            self.stream(0).attach(serial, Begin::At(position), Known::Yes, now);
            return Some(Destination::Stream(0));
        }
        let told = self.told_of(number, position);
        let stream = self.stream(number);
        let (least, most) = stream.has_more(position);
        if attached {
            let farewell = stream.kept != Known::Yes && !told.1.is_empty();
            assert!((most && stream.kept != Known::No) || farewell, "attached to nothing");
            if stream.kept == Known::No {
                return Some(Destination::Unsure(number));
            }
            let connected = if stream.kept == Known::Yes { Known::Yes } else { Known::Maybe };
            stream.attach(serial, Begin::At(position), connected, now);
            return Some(match connected {
                Known::Yes => Destination::Stream(number),
                _ => Destination::Unsure(number),
            });
        }
        let silent = stream.kept != Known::Yes && told.0.is_empty();
        assert!((!least && stream.kept != Known::No) || silent, "405 for a stream that has more");
        // If it is lost, then perhaps only since now.
        stream.settled[0] = None;
        None
    }

    /// The requests that a client is told of in place of a stream that is gone, at least and at
    /// most: those whose answers it lacks, unless too many were asked since.
    fn told_of(&self, number: u64, position: usize) -> (Vec<String>, Vec<String>) {
        let gone = self.streams.values().filter(|stream| stream.kept != Known::Yes);
        let buried: usize = gone.map(|stream| stream.asked.len()).sum();
        let mut most = self.streams[&number].owed(position);
        most.retain(|id| id.len() <= LONGEST_ID);
        let least = if buried > self.limits.tombstones { Vec::new() } else { most.clone() };
        (least, most)
    }

    /// Whether these messages may be what is told in place of a stream that is gone. They may
    /// leave out requests only where the oldest had to be forgotten.
    pub(super) fn is_farewell(&self, number: u64, position: usize, messages: &[Bytes]) -> bool {
        let (least, most) = self.told_of(number, position);
        let suffix = most.len().checked_sub(messages.len()).map(|from| &most[from..]);
        self.streams[&number].kept != Known::Yes
            && messages.len() >= least.len().max(1)
            && suffix.is_some_and(|told| tells(messages, told))
    }

    // --- life --------------------------------------------------------------------------------

    /// Whether a call is in flight or a stream connected.
    pub(super) fn is_busy(&self) -> Known {
        let readers = self.streams.values().filter_map(|stream| stream.reader.as_ref());
        let connected = || readers.clone().map(|reader| reader.connected);
        match () {
            () if self.in_flight() > 0 || connected().any(|it| it == Known::Yes) => Known::Yes,
            () if connected().any(|it| it == Known::Maybe) => Known::Maybe,
            () => Known::No,
        }
    }

    pub(super) fn touch(&mut self, idle: Millis) {
        self.active = [idle; 2];
    }

    /// To be told before and after everything that happens.
    pub(super) fn observe(&mut self, idle: Millis) {
        match self.is_busy() {
            Known::Yes => self.active = [idle; 2],
            Known::Maybe => self.active[1] = idle,
            Known::No => {}
        }
    }

    /// What a sweep may do to the streams: readers detached, at least and at most, and streams
    /// retired, at most.
    pub(super) fn sweep(
        &mut self,
        reading: Millis,
        tick: u64,
        peak: usize,
    ) -> (usize, usize, usize) {
        let limits = Rc::clone(&self.limits);
        let (mut least, mut most, mut retired) = (0, 0, 0);
        for stream in self.streams.values_mut() {
            let detached = stream.stall(reading, &limits);
            (least, most) = (least + detached.0, most + detached.1);
            if stream.number == 0 {
                stream.age(reading, limits.retention, tick);
                continue;
            }
            let settled = stream.is_settled();
            let certain = [settled == Known::Yes, settled != Known::No];
            for (since, settled) in stream.settled.iter_mut().zip(certain) {
                *since = settled.then(|| since.unwrap_or(reading));
            }
            let due = |since: Option<Millis>, slack| {
                since.is_some_and(|it| reading >= it.after(limits.retention + slack))
            };
            if due(stream.settled[1], std::time::Duration::ZERO) {
                stream.kept = Known::Maybe;
                retired += 1;
            }
            if due(stream.settled[0], limits.sweep_period) {
                stream.kept = Known::No;
            }
        }
        self.may_retire(peak);
        (least, most, retired)
    }

    /// Decision 10: busy sessions never expire, idle ones within two sweep periods after their
    /// time and never before. `was` is what it was before the sweep.
    pub(super) fn judge_expiry(&self, expired: bool, was: Known, reading: Millis) {
        let idle = if self.initialized { self.limits.idle } else { self.limits.idle_uninitialized };
        let [certain, possible] = self.active.map(|since| reading.since(since));
        if expired {
            assert!(was != Known::Yes || self.is_busy() != Known::Yes, "a busy session expired");
            assert!(certain >= idle, "expired after {certain:?} of {idle:?}");
        } else if self.is_busy() == Known::No {
            let most = idle + 2 * self.limits.sweep_period;
            assert!(possible < most, "idle for {possible:?}, and not expired");
        }
    }

    /// The session ends: every open call on a stream is answered with an error, every handler is
    /// stopped. `reason` is what the answers say.
    pub(super) fn end(&mut self, reason: &'static str) {
        assert!(!std::mem::replace(&mut self.ended, true), "a session ends once");
        for at in 0..self.calls.len() {
            if self.calls[at].open {
                self.calls[at].stops = 1;
                let id = self.calls[at].id.clone();
                self.resolve(at, Body::Error(id, reason));
            }
        }
        for stream in self.streams.values_mut() {
            stream.ended = true;
            stream.resources.clear();
        }
    }

    /// Judges what became of the wish to subscribe, where so many bytes more are left in all.
    pub(super) fn subscribe(
        &mut self,
        uri: &'static str,
        subscribed: Result<(), NotSubscribed>,
        left: usize,
    ) {
        let limits = self.limits.subscriptions;
        let resources = &mut self.stream(0).resources;
        let bytes: usize = resources.iter().map(|uri| uri.len()).sum();
        let expected = match () {
            () if resources.contains(uri) => Ok(()),
            () if resources.len() >= limits.uris => {
                Err(NotSubscribed::Excess(Excess::Uris { limit: limits.uris }))
            }
            () if bytes + uri.len() > limits.bytes => {
                Err(NotSubscribed::Excess(Excess::Bytes { limit: limits.bytes }))
            }
            () if change::cost(uri) > left => Err(NotSubscribed::OutOfMemory),
            () => Ok(()),
        };
        assert_eq!(subscribed, expected);
        if subscribed.is_ok() {
            resources.insert(uri);
        }
    }

    /// What its subscriptions take of the memory of all.
    pub(super) fn subscriptions(&self) -> usize {
        self.streams[&0].resources.iter().map(|uri| change::cost(uri)).sum()
    }

    pub(super) fn check_discarded(&self, counted: u64) {
        assert_eq!(counted, self.discarded, "what came too late is counted");
    }
}

impl Stream {
    /// Whether a resume from here would be told anything, for certain and perhaps.
    fn has_more(&self, position: usize) -> (bool, bool) {
        let owed = !self.owed(position).is_empty();
        let (least, most) = match () {
            () if self.lost == Known::Yes => return (owed, owed),
            () if !self.is_finished() => (true, true),
            () => (self.certainly_has_more(position), position < self.said.len()),
        };
        if self.lost == Known::No { (least, most) } else { (least && owed, most || owed) }
    }
}
