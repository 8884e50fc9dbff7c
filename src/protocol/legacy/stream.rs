//! One SSE stream: a log, the calls that it will answer, and the one connection that reads it.

use std::slice;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use super::log::{Entry, Kind, Log, MARKER, Refused, Room};
use super::polling::Polling;
use super::reader::{Gap, Mark, Priming, Reader, Seat, Stay, Takeovers, Updates};
use super::refusals;
use super::subscribed::Subscribed;
use crate::protocol::budget::Budget;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::time::Millis;

/// A stream of a session. See the [module](super) for who may hold it.
#[derive(Debug)]
pub(super) struct Stream {
    log: Log,
    role: Role,
    state: State,
    /// Boxed, because most of the streams that are kept have none.
    reader: Option<Box<Reader>>,
    generation: u64,
    takeovers: Takeovers,
    aged: Option<Mark>,
}

/// Where a new connection begins to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// A POST's own response: at the beginning.
    First,
    /// A GET with `Last-Event-ID`: one past the place named.
    After(u64),
    /// A GET without: at the first message that no connection was given.
    Unheard,
}

/// What the standalone stream speaks of where messages are missing.
#[derive(Clone, Copy, Debug)]
pub(super) struct MayHaveChanged<'a> {
    /// The notification for each list.
    pub(super) lists: &'a [Bytes],
    /// What its client subscribed to.
    pub(super) resources: Option<&'a Subscribed>,
}

/// What a connection is to do next.
#[derive(Debug)]
pub(super) enum Move {
    Prime(u64),
    Give(Entry),
    Gap(Vec<Bytes>),
    GapUpdate(Bytes),
    Displaced,
    End,
}

/// A request whose answer a client may still ask for after its stream is gone.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) id: RequestId,
    /// The place of its answer, or the end of all places.
    pub(super) answered: u64,
}

#[derive(Debug)]
enum Role {
    Post(Calls),
    Standalone,
}

/// The calls that a stream answers. Most streams are kept for the answer to one, which needs no
/// list.
#[derive(Debug)]
enum Calls {
    One(Call),
    Several(Vec<Call>),
}

#[derive(Debug)]
struct Call {
    key: u64,
    id: RequestId,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Open,
    /// The answer is at this place of the log.
    Answered(u64),
    /// A cancelled call gets no answer.
    Cancelled,
    /// The answer came after the stream was lost.
    Discarded,
}

/// `since` is the sweep that first saw the stream without open calls.
#[derive(Clone, Copy, Debug)]
enum State {
    Live,
    Finished {
        since: Option<Millis>,
    },
    /// A client was told of a gap: whatever it asks for from now on gets the same answer.
    Lost {
        since: Option<Millis>,
    },
}

impl Stream {
    pub(super) fn standalone(budget: &Arc<Budget>) -> Self {
        Self::new(Role::Standalone, budget)
    }

    /// A stream for the calls of one POST, by key and request id.
    pub(super) fn post(
        calls: impl IntoIterator<Item = (u64, RequestId)>,
        budget: &Arc<Budget>,
    ) -> Self {
        let calls = calls.into_iter().map(|(key, id)| Call { key, id, outcome: Outcome::Open });
        let mut stream = Self::new(Role::Post(Calls::of(calls)), budget);
        if stream.calls().is_empty() {
            // All were cancelled before the stream began.
            stream.state = State::Finished { since: None };
        }
        stream
    }

    /// The stream of one call that is answered as it begins, and of which a connection is given all
    /// there is in the same step. Says where the answer is.
    pub(super) fn given(
        call: (u64, RequestId),
        answer: Bytes,
        budget: &Arc<Budget>,
    ) -> (Self, u64) {
        let key = call.0;
        let mut stream = Self::post([call], budget);
        stream.answer(key, answer, Room::default());
        let place = stream.log.committed();
        stream.log.give(place);
        (stream, place)
    }

    fn new(role: Role, budget: &Arc<Budget>) -> Self {
        Self {
            log: Log::new(budget),
            role,
            state: State::Live,
            reader: None,
            generation: 0,
            takeovers: Takeovers::default(),
            aged: None,
        }
    }

    /// Adds a message; the waker is of the connection that it is for. `Ok(None)` in place of a
    /// place says that the stream is past taking messages.
    pub(super) fn append(
        &mut self,
        kind: Kind,
        message: Bytes,
        room: Room,
    ) -> Result<(Option<u64>, Option<Waker>), Refused> {
        if !matches!(self.state, State::Live) {
            return Ok((None, None));
        }
        let passed = self.passed();
        // What a call says must not cost it its answer, which the gap that it leaves would.
        let must_fit = matches!(
            (&self.role, kind),
            (Role::Post(_), Kind::Notification | Kind::Marker | Kind::Request)
        );
        let fits = || {
            message.len() > room.bytes || self.log.has_room(kind, 1, message.len(), passed, room)
        };
        if must_fit && !fits() {
            return Err(Refused::Full);
        }
        let seq = match (self.log.append(kind, message, passed, room), &self.role, kind) {
            // Whoever reads it is told that something is missing.
            (Err(Refused::Full), Role::Standalone, Kind::Notification) => self.log.miss(),
            (appended, ..) => appended?,
        };
        Ok((Some(seq), self.wake()))
    }

    /// Takes a request back that no connection was given; says whether it was so.
    pub(super) fn take_back(&mut self, place: u64) -> bool {
        self.log.take_back(place)
    }

    /// Whether its messages are gone, and its calls were answered with that.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost { .. })
    }

    /// Whether this message is still to be given to the connection, or, if there is none, to the
    /// next.
    pub(super) fn awaits(&self, message: &Bytes) -> bool {
        self.log.holds_after(self.log.given().max(self.passed()), message)
    }

    /// The same of the message at a place.
    pub(super) fn awaits_at(&self, place: u64) -> bool {
        place > self.passed() && self.log.awaits(place)
    }

    /// Adds a message that nobody is there to be refused, and says where. One that the log has no
    /// room for leaves a gap, which is told.
    pub(super) fn announce(&mut self, message: &Bytes, room: Room) -> (u64, Option<Waker>) {
        match self.append(Kind::Notification, message.clone(), room) {
            Ok((place, waker)) => (place.unwrap_or_default(), waker),
            Err(_) => (self.log.miss(), self.wake()),
        }
    }

    /// Takes a message back that no connection was given.
    pub(super) fn withdraw(&mut self, place: u64) {
        self.log.withdraw(place);
    }

    /// Whether a message would fit behind a marker.
    pub(super) fn has_room_behind_marker(&self, bytes: usize, room: Room) -> bool {
        let bytes = MARKER.bytes + bytes;
        self.log.has_room(Kind::Notification, 2, bytes, self.passed(), room)
            && self.log.share().budget().has_room(bytes)
    }

    /// Adds the answer to a call, and finishes the stream with the last one. Says whether the
    /// answer can still reach the client.
    pub(super) fn answer(&mut self, key: u64, message: Bytes, room: Room) -> (bool, Option<Waker>) {
        let (seq, waker) = match self.append(Kind::Answer, message, room) {
            Ok((seq, waker)) => (seq, waker),
            Err(refused) => unreachable!("a log takes every answer: {refused:?}"),
        };
        self.resolve(key, seq.map_or(Outcome::Discarded, Outcome::Answered));
        (seq.is_some(), waker)
    }

    /// Leaves a call without an answer (2025-11-25, Cancellation, Behavior Requirements: "Not
    /// send a response for the cancelled request").
    pub(super) fn cancel(&mut self, key: u64) -> Option<Waker> {
        self.resolve(key, Outcome::Cancelled);
        if matches!(self.state, State::Live) { None } else { self.wake() }
    }

    /// Ends the stream with its session.
    pub(super) fn end(&mut self, answer: fn(&RequestId) -> Bytes, room: Room) -> Option<Waker> {
        let open = self.calls().iter().filter(|call| call.is_open());
        let answers: Vec<_> = open.map(|call| (call.key, answer(&call.id))).collect();
        let waker = self.wake();
        for (key, answer) in answers {
            // There is no second waker to this one.
            self.answer(key, answer, room);
        }
        if matches!(self.state, State::Live) {
            self.state = State::Finished { since: None };
        }
        waker
    }

    /// Connects a reader. An earlier one loses the stream, and its waker comes back.
    ///
    /// Decision 6: the newest takes over and the older one ends cleanly.
    pub(super) fn attach(
        &mut self,
        start: Start,
        polling: Polling,
        now: Millis,
    ) -> (u64, Option<Waker>) {
        let displaced = self.reader.take();
        if displaced.is_some() {
            self.takeovers.note(now);
        }
        self.generation += 1;
        let (place, priming) = match start {
            Start::First => (0, Priming::Beginning),
            Start::After(place) => (place, Priming::No),
            Start::Unheard => (self.log.given(), Priming::NewPlace),
        };
        self.reader = Some(Box::new(Reader {
            generation: self.generation,
            place,
            polling,
            priming: priming.under(polling),
            gap: Gap::ToldUntil(0),
            updates: Updates::None,
            waker: None,
            unmoved: None,
            stay: Stay::AsLongAsItLikes,
            seat: Seat::default(),
        }));
        (self.generation, displaced.and_then(|reader| reader.waker))
    }

    /// Has a reader keep a seat, if it still is the one.
    pub(super) fn seat(&mut self, generation: u64, seat: Seat) {
        if let Some(reader) = self.reader.as_mut().filter(|it| it.generation == generation) {
            reader.seat = seat;
        }
    }

    /// Disconnects a reader, if it still is the one.
    pub(super) fn detach(&mut self, generation: u64) -> Option<Waker> {
        self.reader.take_if(|reader| reader.generation == generation)?.waker
    }

    /// What the connection of this generation is to do next. A waker that it replaces goes to
    /// `replaced`, so that it is not dropped under the session's lock.
    pub(super) fn poll(
        &mut self,
        generation: u64,
        waker: &Waker,
        changed: &MayHaveChanged<'_>,
        replaced: &mut Option<Waker>,
    ) -> Poll<Move> {
        let Some(reader) = self.reader.as_mut().filter(|it| it.generation == generation) else {
            return Poll::Ready(Move::Displaced);
        };
        // It takes something, or has taken all there is.
        reader.unmoved = None;
        if matches!(reader.priming, Priming::Beginning) {
            reader.priming = Priming::No;
            return Poll::Ready(Move::Prime(0));
        }
        if let Some(gap) = self.gap(changed) {
            return Poll::Ready(gap);
        }
        let reader = self.reader.as_mut().expect("it was there above, and a gap leaves it there");
        if let Some(update) = reader.next_update(changed.resources) {
            return Poll::Ready(Move::GapUpdate(update));
        }
        if let Some(entry) = self.log.after(reader.place) {
            reader.place = entry.seq;
            reader.priming = Priming::No;
            let entry = entry.clone();
            self.log.give(entry.seq);
            return Poll::Ready(Move::Give(entry));
        }
        if !matches!(self.state, State::Live) {
            return Poll::Ready(Move::End);
        }
        if matches!(reader.priming, Priming::NewPlace) {
            reader.priming = Priming::No;
            reader.place = self.log.skip();
            self.log.give(reader.place);
            return Poll::Ready(Move::Prime(reader.place));
        }
        if matches!(reader.stay, Stay::UntilAllIsGiven) {
            return Poll::Ready(Move::Displaced);
        }
        if !reader.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *replaced = reader.waker.replace(waker.clone());
        }
        Poll::Pending
    }

    /// Tells the reader of what is missing before its place, once (decision 5).
    ///
    /// A POST stream has to say it in place of the answer, since no replay would be whole, and is
    /// lost from then on. The standalone stream starts anew behind the notifications of all that may
    /// have changed. A reader that is connected but too slow is told in the same way, at once.
    fn gap(&mut self, changed: &MayHaveChanged<'_>) -> Option<Move> {
        let reader = self.reader.as_ref()?;
        let Gap::ToldUntil(told) = reader.gap else { return Some(Move::End) };
        let missing = self.log.lost() > told.max(reader.place);
        let place = reader.place;
        match (&self.role, self.state) {
            (Role::Post(_), State::Lost { .. }) => {}
            _ if !missing => return None,
            (Role::Post(_), _) => {
                self.state = State::Lost { since: None };
                self.log.clear();
            }
            (Role::Standalone, _) => {
                let (lost, given) = (self.log.lost(), self.log.given());
                let reader = self.reader.as_mut()?;
                reader.gap = Gap::ToldUntil(lost);
                reader.place = place.max(given);
                // The client's cursor has to move, or its next resume meets the same gap.
                reader.priming = Priming::NewPlace.under(reader.polling);
                reader.updates = Updates::All;
                return Some(Move::Gap(changed.lists.to_vec()));
            }
        }
        let answers = self.missing_answers(place);
        self.reader.as_mut()?.gap = Gap::Final;
        Some(if answers.is_empty() { Move::End } else { Move::Gap(answers) })
    }

    fn missing_answers(&self, place: u64) -> Vec<Bytes> {
        self.calls()
            .iter()
            .filter(|call| call.is_owed(place))
            .map(|call| refusals::events_evicted(&call.id))
            .collect()
    }

    /// Whether a client that resumes after `place` would be told anything, now or later.
    pub(super) fn has_more(&self, place: u64) -> bool {
        match self.state {
            State::Live => true,
            State::Finished { .. } => self.log.after(place).is_some() || self.log.lost() > place,
            State::Lost { .. } => self.calls().iter().any(|call| call.is_owed(place)),
        }
    }

    /// Whether the place was ever named to a client.
    pub(super) fn has_issued(&self, place: u64) -> bool {
        place <= self.log.committed()
    }

    /// How long a connection that lost the stream is to wait.
    pub(super) fn retry(&self, base: Duration) -> Duration {
        self.takeovers.retry(base)
    }

    pub(super) fn is_post(&self) -> bool {
        matches!(self.role, Role::Post(_))
    }

    pub(super) fn is_attached(&self) -> bool {
        self.reader.is_some()
    }

    /// Asks the connection to end once it has been given what is there (2025-11-25, Transports,
    /// Sending Messages to the Server, 6: "the server MAY close the connection (without terminating
    /// the SSE stream) at any time in order to avoid holding a long-lived connection").
    pub(super) fn ask_to_leave(&mut self) -> Option<Waker> {
        self.reader.as_mut()?.stay = Stay::UntilAllIsGiven;
        self.wake()
    }

    /// Drops what is kept for replay alone.
    pub(super) fn drop_passed(&mut self) {
        self.log.drop_passed(self.passed());
    }

    /// Drops what nobody has read, more than `least` bytes of it: whoever reads on is told.
    pub(super) fn drop_unread(&mut self, least: usize) -> Option<Waker> {
        if self.log.bytes() <= least {
            return None;
        }
        self.log.clear();
        if let Role::Post(_) = self.role {
            self.state = State::Lost { since: None };
        }
        self.wake()
    }

    /// Whether no call of the stream is open and nobody reads it.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_attached()
            && !matches!(self.state, State::Live)
            && !self.calls().iter().any(Call::is_open)
    }

    /// Whether some connection was given all there is.
    pub(super) fn is_given(&self) -> bool {
        self.log.after(self.log.given()).is_none()
    }

    /// Whether a settled stream was kept for its time. The first sweep that sees it settled
    /// starts the time.
    pub(super) fn is_due(&mut self, now: Millis, retention: Duration) -> bool {
        let settled = self.is_settled();
        let (State::Finished { since } | State::Lost { since }) = &mut self.state else {
            return false;
        };
        if !settled {
            *since = None;
            return false;
        }
        now >= since.get_or_insert(now).after(retention)
    }

    /// Detaches a reader that left something untaken for too long (decision 9).
    pub(super) fn detach_stalled(
        &mut self,
        now: Millis,
        stall: Duration,
        retention: Duration,
    ) -> Option<Waker> {
        let live = matches!(self.state, State::Live);
        let reader = self.reader.as_mut()?;
        let waiting = !live
            || self.log.after(reader.place).is_some()
            || !matches!(reader.priming, Priming::No)
            || !matches!(reader.updates, Updates::None);
        let place = reader.place;
        // A client that was given no id cannot come back: that is left to the write deadline.
        let unnamed = match reader.polling {
            Polling::Primed => matches!(reader.priming, Priming::Beginning),
            Polling::Unprimed => place == 0,
        };
        let stranded = matches!(self.role, Role::Post(_)) && unnamed;
        if !waiting || (stranded && live) {
            reader.unmoved = None;
            return None;
        }
        // One who was never given an id is given all the time that the log has.
        let stall = if stranded { stall.saturating_add(retention) } else { stall };
        match reader.unmoved {
            Some(mark) if mark.place == place => {
                if now < mark.at.after(stall) {
                    return None;
                }
                self.reader.take()?.waker
            }
            _ => {
                reader.unmoved = Some(Mark { place, at: now });
                None
            }
        }
    }

    /// Drops what the standalone stream kept for its time: what was given, and, while nobody
    /// reads it, what nobody came for.
    pub(super) fn age(&mut self, now: Millis, retention: Duration) {
        let settled = match &self.reader {
            Some(reader) => reader.place,
            None => self.log.committed(),
        };
        match self.aged {
            Some(mark) if now < mark.at.after(retention) => {}
            mark => {
                if let Some(mark) = mark {
                    self.log.forget(mark.place.min(settled));
                }
                self.aged = Some(Mark { place: settled, at: now });
            }
        }
    }

    /// What is to be remembered of the stream when it is retired.
    pub(super) fn into_remains(self) -> impl Iterator<Item = Remains> {
        let (one, several) = match self.role {
            Role::Post(Calls::One(call)) => (Some(call), Vec::new()),
            Role::Post(Calls::Several(calls)) => (None, calls),
            Role::Standalone => (None, Vec::new()),
        };
        one.into_iter().chain(several).filter_map(|call| match call.outcome {
            Outcome::Cancelled => None,
            Outcome::Answered(answered) => Some(Remains { id: call.id, answered }),
            Outcome::Open | Outcome::Discarded => Some(Remains { id: call.id, answered: u64::MAX }),
        })
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    fn calls(&self) -> &[Call] {
        match &self.role {
            Role::Post(Calls::One(call)) => slice::from_ref(call),
            Role::Post(Calls::Several(calls)) => calls,
            Role::Standalone => &[],
        }
    }

    fn passed(&self) -> u64 {
        self.reader.as_ref().map_or(self.log.given(), |reader| reader.place)
    }

    fn resolve(&mut self, key: u64, outcome: Outcome) {
        let calls = match &mut self.role {
            Role::Post(Calls::One(call)) => slice::from_mut(call),
            Role::Post(Calls::Several(calls)) => calls,
            Role::Standalone => return,
        };
        if let Some(call) = calls.iter_mut().find(|call| call.key == key && call.is_open()) {
            call.outcome = outcome;
        }
        if matches!(self.state, State::Live) && !calls.iter().any(Call::is_open) {
            self.state = State::Finished { since: None };
        }
    }

    fn wake(&mut self) -> Option<Waker> {
        self.reader.as_mut()?.waker.take()
    }
}

impl Calls {
    fn of(mut calls: impl Iterator<Item = Call>) -> Self {
        match (calls.next(), calls.next()) {
            (Some(one), None) => Self::One(one),
            (first, second) => {
                Self::Several(first.into_iter().chain(second).chain(calls).collect())
            }
        }
    }
}

impl Call {
    fn is_open(&self) -> bool {
        self.outcome == Outcome::Open
    }

    /// Whether a client that has read up to `place` waits for the answer.
    fn is_owed(&self, place: u64) -> bool {
        match self.outcome {
            Outcome::Open | Outcome::Discarded => true,
            Outcome::Answered(seq) => seq > place,
            Outcome::Cancelled => false,
        }
    }
}
