//! What changes in a session: its streams, its calls in flight, and what becomes of them.
//!
//! This is what the session's lock guards. Nothing here calls out: wakers and cancellations are
//! collected in [`Effects`], which run after the lock is released.

mod asking;

use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;

use super::effects::Effects;
use super::limits::Limits;
use super::log::{Kind, Refused, Room};
use super::polling::Polling;
use super::reader::Seat;
use super::refusals;
use super::requests::Requests;
use super::rising::Rising;
use super::session::{CallRefused, SessionEnded};
use super::stream::{MayHaveChanged, Move, Start, Stream};
use super::streams::Streams;
use super::subscribed::{NotSubscribed, Subscribed, Update};
use super::ticket::Answered;
use super::tombstones::Tombstones;
use crate::protocol::budget::Budget;
use crate::protocol::cancel::Cancel;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::log_level::LogLevel;
use crate::protocol::sse::{EventId, StreamId};
use crate::protocol::time::Millis;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// `initialize` was answered.
    Opened,
    /// The client sent `notifications/initialized`.
    Initialized,
    /// DELETE or expiry; for good.
    Ended,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Its client deleted it.
    Deleted,
    /// It was idle for its time.
    Expired,
    /// The server ends, and its drain has no more time.
    ShutDown,
}

impl End {
    /// What the calls in flight are answered with.
    fn answer(self) -> fn(&RequestId) -> Bytes {
        match self {
            Self::Deleted | Self::Expired => refusals::session_ended,
            Self::ShutDown => refusals::shutting_down,
        }
    }
}

/// What became of the wish to end a connection early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The connection ends once it has been given what is there, if there is one.
    Asked,
    /// The call has no stream, or its revision has no polling.
    NotNow,
}

/// What became of a message other than an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is in the log of its stream.
    Logged,
    /// The call has no stream yet: framing is not chosen.
    Unbound,
    /// The call or the session is over, or the stream is lost. It was counted.
    Discarded,
    /// The log does not take it.
    Refused(Refused),
}

/// What became of a `notifications/cancelled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// The call is cancelled and gets no answer.
    Done,
    /// No call in flight has the id.
    Unknown,
    /// Several calls in flight have it, and it is not for us to guess.
    Ambiguous,
}

/// Where a resuming client is connected.
#[derive(Debug)]
pub(super) enum Found {
    Stream(StreamId, u64),
    Farewell(Vec<Bytes>),
    Nothing,
}

/// What one sweep did to a session's streams.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tidied {
    pub(super) retired: usize,
    pub(super) detached: usize,
    pub(super) timed_out: usize,
}

/// A stream that was given as it began.
#[derive(Debug)]
pub(crate) struct Given {
    /// The event that it begins with, where there is polling.
    pub(crate) priming: Option<EventId>,
    /// The answer, under its id.
    pub(crate) id: EventId,
    pub(crate) message: Bytes,
}

struct Call {
    id: RequestId,
    stream: Option<u64>,
    cancel: Arc<dyn Cancel>,
}

pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) log_level: Option<LogLevel>,
    pub(super) discarded: u64,
    pub(super) ended_by: Option<End>,
    polling: Polling,
    budget: Arc<Budget>,
    streams: Streams,
    calls: Rising<Call>,
    pub(super) requests: Requests,
    tombstones: Tombstones,
    /// None while there is no subscription.
    subscribed: Option<Box<Subscribed>>,
    streams_opened: u64,
    calls_begun: u64,
}

impl State {
    pub(super) fn new(polling: Polling, budget: Arc<Budget>) -> Self {
        Self {
            phase: Phase::Opened,
            log_level: None,
            discarded: 0,
            ended_by: None,
            polling,
            budget,
            streams: Streams::default(),
            calls: Rising::default(),
            requests: Requests::default(),
            tombstones: Tombstones::default(),
            subscribed: None,
            streams_opened: 0,
            calls_begun: 0,
        }
    }

    pub(super) fn begin_call(
        &mut self,
        id: RequestId,
        cancel: Arc<dyn Cancel>,
        limits: &Limits,
    ) -> Result<u64, CallRefused> {
        if self.phase != Phase::Ended && self.calls.len() >= limits.calls {
            return Err(CallRefused::AtCapacity);
        }
        self.adopt_call(id, cancel).map_err(|SessionEnded| CallRefused::Ended)
    }

    /// Takes in a call that is done and only waits for its stream: it needs no admission.
    pub(super) fn adopt_call(
        &mut self,
        id: RequestId,
        cancel: Arc<dyn Cancel>,
    ) -> Result<u64, SessionEnded> {
        self.alive()?;
        self.calls_begun += 1;
        self.calls.insert(self.calls_begun, Call { id, stream: None, cancel });
        Ok(self.calls_begun)
    }

    /// Opens a POST stream for those of the calls that still are in flight.
    pub(super) fn open_post(
        &mut self,
        keys: impl Iterator<Item = u64>,
        now: Millis,
    ) -> Result<(StreamId, u64), SessionEnded> {
        self.alive()?;
        self.streams_opened += 1;
        let number = self.streams_opened;
        let mut bound = Vec::new();
        for key in keys {
            if let Some(call) = self.calls.get_mut(key) {
                debug_assert!(call.stream.is_none(), "a call has one stream");
                call.stream = Some(number);
                bound.push((key, call.id.clone()));
            }
        }
        let mut stream = Stream::post(bound, &self.budget);
        let (generation, _) = stream.attach(Start::First, self.polling, now);
        self.streams.add(number, stream);
        Ok((StreamId::post(number), generation))
    }

    pub(super) fn open_standalone(
        &mut self,
        start: Start,
        now: Millis,
        effects: &mut Effects,
    ) -> Result<(StreamId, u64), SessionEnded> {
        self.alive()?;
        let mut stream = self.streams.standalone_mut(&self.budget);
        let (generation, displaced) = stream.attach(start, self.polling, now);
        effects.wake(displaced);
        Ok((StreamId::STANDALONE, generation))
    }

    /// Finds what a `Last-Event-ID` names. An id that this session never sent, on a stream or
    /// past a stream's end, is treated as none: a 400 or 409 breaks clients.
    pub(super) fn resume(
        &mut self,
        cursor: EventId,
        now: Millis,
        effects: &mut Effects,
    ) -> Result<Found, SessionEnded> {
        self.alive()?;
        let number = cursor.stream.number();
        let retired = (1..=self.streams_opened).contains(&number);
        let issued = self.streams.get(cursor.stream).map(|stream| stream.has_issued(cursor.seq));
        let (stream, generation) = match issued {
            Some(true) if cursor.stream == StreamId::STANDALONE => {
                self.open_standalone(Start::After(cursor.seq), now, effects)?
            }
            Some(true) => return Ok(self.resume_post(cursor, now, effects)),
            None if retired => {
                let answers = self.tombstones.answers(cursor);
                let nothing = answers.is_empty();
                return Ok(if nothing { Found::Nothing } else { Found::Farewell(answers) });
            }
            Some(false) | None => self.open_standalone(Start::Unheard, now, effects)?,
        };
        Ok(Found::Stream(stream, generation))
    }

    fn resume_post(&mut self, cursor: EventId, now: Millis, effects: &mut Effects) -> Found {
        let polling = self.polling;
        let Some(mut stream) = self.streams.get_mut(cursor.stream) else {
            return Found::Nothing;
        };
        if !stream.has_more(cursor.seq) {
            return Found::Nothing;
        }
        let (generation, displaced) = stream.attach(Start::After(cursor.seq), polling, now);
        effects.wake(displaced);
        Found::Stream(cursor.stream, generation)
    }

    /// Says a message of a call on the call's own stream.
    pub(super) fn send(
        &mut self,
        key: u64,
        kind: Kind,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Sent {
        let Some(call) = self.calls.get(key) else {
            self.discarded += 1;
            return Sent::Discarded;
        };
        match call.stream {
            Some(number) => self.append(StreamId::post(number), kind, message, limits, effects),
            None => Sent::Unbound,
        }
    }

    /// Whether a message of a call would fit behind a marker.
    pub(super) fn has_room(&self, key: u64, bytes: usize, limits: &Limits) -> bool {
        let Some(number) = self.calls.get(key).and_then(|call| call.stream) else { return false };
        let stream = StreamId::post(number);
        let room = self.room(stream, limits);
        self.streams.get(stream).is_some_and(|it| it.has_room_behind_marker(bytes, room))
    }

    /// Says a message that belongs to no call, on the standalone stream.
    pub(super) fn notify(
        &mut self,
        kind: Kind,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Sent {
        if self.phase == Phase::Ended {
            self.discarded += 1;
            return Sent::Discarded;
        }
        self.streams.standalone_mut(&self.budget);
        self.append(StreamId::STANDALONE, kind, message, limits, effects)
    }

    /// Subscribes the client to a resource.
    pub(super) fn subscribe(&mut self, uri: &str, limits: &Limits) -> Result<(), NotSubscribed> {
        self.alive().map_err(|SessionEnded| NotSubscribed::Ended)?;
        let budget = &self.budget;
        let subscribed = self.subscribed.get_or_insert_with(|| Box::new(Subscribed::new(budget)));
        let added = subscribed.add(uri, limits.subscriptions);
        self.subscribed.take_if(|subscribed| subscribed.is_empty());
        added
    }

    /// Ends a subscription, if there is one. What no connection was given of it goes too: to be told
    /// of a resource after the answer to `resources/unsubscribe` would be a surprise.
    pub(super) fn unsubscribe(&mut self, uri: &str) -> Result<(), SessionEnded> {
        self.alive()?;
        let told = self.subscribed.as_mut().and_then(|subscribed| subscribed.remove(uri));
        self.subscribed.take_if(|subscribed| subscribed.is_empty());
        let standalone = self.streams.get_mut(StreamId::STANDALONE);
        if let (Some(place), Some(mut stream)) = (told, standalone) {
            stream.withdraw(place);
        }
        Ok(())
    }

    /// Says on the standalone stream that a list changed, if the client is ready to hear it
    /// (2025-11-25, Lifecycle, Initialization: with `notifications/initialized` it says that "it is
    /// ready to begin normal operations").
    ///
    /// While one such message waits for its reader a second adds nothing, so that where no
    /// connection ever comes one is all there is.
    pub(super) fn announce(&mut self, message: &Bytes, limits: &Limits, effects: &mut Effects) {
        let waits = || self.standalone().is_some_and(|stream| stream.awaits(message));
        if self.phase != Phase::Initialized || waits() {
            return;
        }
        self.tell(message, limits, effects);
    }

    /// Says there that a resource changed, if the client subscribed to it, and is not still to be
    /// told so.
    pub(super) fn announce_update(
        &mut self,
        update: &Update<'_>,
        limits: &Limits,
        effects: &mut Effects,
    ) {
        let place = self.subscribed.as_mut().and_then(|it| it.place(update.uri));
        let Some(told) = place.copied() else { return };
        if self.standalone().is_some_and(|stream| stream.awaits_at(told)) {
            return;
        }
        let told = self.tell(update.message, limits, effects);
        if let Some(place) = self.subscribed.as_mut().and_then(|it| it.place(update.uri)) {
            *place = told;
        }
    }

    /// What the client subscribed to, if there is anything.
    pub(super) fn subscribed(&self) -> Option<&Subscribed> {
        self.subscribed.as_deref()
    }

    fn tell(&mut self, message: &Bytes, limits: &Limits, effects: &mut Effects) -> u64 {
        self.trim(message.len(), limits);
        let room = self.room(StreamId::STANDALONE, limits);
        let (place, waker) = self.streams.standalone_mut(&self.budget).announce(message, room);
        effects.wake(waker);
        place
    }

    /// Whether a `Last-Event-ID` names a POST stream of this session, be it retired. Once it does,
    /// it always will.
    pub(super) fn names_post(&self, cursor: EventId) -> bool {
        let number = cursor.stream.number();
        if cursor.stream == StreamId::STANDALONE {
            return false;
        }
        match self.streams.get(cursor.stream) {
            Some(stream) => stream.has_issued(cursor.seq),
            None => (1..=self.streams_opened).contains(&number),
        }
    }

    /// Whether a connection has the standalone stream.
    pub(super) fn is_listening(&self) -> bool {
        self.standalone().is_some_and(Stream::is_attached)
    }

    fn append(
        &mut self,
        id: StreamId,
        kind: Kind,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Sent {
        match self.log(id, kind, message, limits, effects) {
            Ok(Some(_)) => Sent::Logged,
            Err(refused) => Sent::Refused(refused),
            Ok(None) => {
                self.discarded += 1;
                Sent::Discarded
            }
        }
    }

    /// Adds a message to the log of a stream, and says at which place; at none, if there is no such
    /// stream or it is past taking messages.
    fn log(
        &mut self,
        id: StreamId,
        kind: Kind,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Result<Option<u64>, Refused> {
        self.trim(message.len(), limits);
        let room = self.room(id, limits);
        let Some(mut stream) = self.streams.get_mut(id) else { return Ok(None) };
        let (place, waker) = stream.append(kind, message, room)?;
        effects.wake(waker);
        Ok(place)
    }

    /// Ends a call with its answer.
    pub(super) fn answer(
        &mut self,
        key: u64,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Answered {
        let Some(call) = self.take_call(key, limits, effects) else {
            self.discarded += 1;
            // In a session that lives, nothing else takes a call away before its answer.
            return match self.phase {
                Phase::Ended => Answered::Ended,
                Phase::Opened | Phase::Initialized => Answered::Cancelled,
            };
        };
        effects.spent.1 = Some(call.cancel);
        let Some(number) = call.stream else { return Answered::Unbound(message) };
        let message = self.keepable(&call.id, number, message, limits);
        self.answer_on(number, key, message, limits, effects)
    }

    /// Ends a call with its answer, on a stream that begins with it and that a connection is given
    /// whole in the same step.
    ///
    /// # Errors
    ///
    /// The message, if the call is over or has a stream.
    pub(super) fn give(
        &mut self,
        key: u64,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Result<Given, Bytes> {
        let is_unbound = self.calls.get(key).is_some_and(|call| call.stream.is_none());
        let call = match is_unbound {
            true => self.take_call(key, limits, effects),
            false => None,
        };
        let Some(call) = call else { return Err(message) };
        effects.spent.1 = Some(call.cancel);
        self.streams_opened += 1;
        let number = self.streams_opened;
        let message = self.keepable(&call.id, number, message, limits);
        // It is short: what is kept is a copy that has no room to spare, rather than shared.
        let kept = Bytes::copy_from_slice(&message);
        let (stream, seq) = Stream::given((key, call.id), kept, &self.budget);
        self.streams.add(number, stream);
        self.trim(0, limits);
        let stream = StreamId::post(number);
        let priming = EventId { stream, seq: 0 };
        let priming = (self.polling == Polling::Primed).then_some(priming);
        Ok(Given { priming, id: EventId { stream, seq }, message })
    }

    /// Ends a call whose answer nobody can be given.
    pub(super) fn discard(&mut self, key: u64, limits: &Limits, effects: &mut Effects) {
        if let Some(call) = self.take_call(key, limits, effects) {
            effects.spent.1 = Some(call.cancel);
            self.discarded += 1;
        }
    }

    /// Ends a call whose handler is gone: its stream must not end silently.
    pub(super) fn abandon(&mut self, key: u64, limits: &Limits, effects: &mut Effects) {
        let Some(call) = self.take_call(key, limits, effects) else { return };
        effects.spent.1 = Some(call.cancel);
        if let Some(number) = call.stream {
            self.answer_on(number, key, refusals::unanswered(&call.id), limits, effects);
        }
    }

    /// The answer, if the budget has room for it once everything in this session has gone that
    /// clients have read, and an error in its place if not.
    fn keepable(&mut self, id: &RequestId, number: u64, message: Bytes, limits: &Limits) -> Bytes {
        if self.budget.has_last_room(message.len()) {
            return message;
        }
        self.drop_read(limits);
        if let Some(mut stream) = self.streams.get_mut(StreamId::post(number)) {
            stream.drop_passed();
        }
        if self.budget.has_last_room(message.len()) {
            return message;
        }
        self.budget.press();
        let told = refusals::no_room(id);
        // What is no longer than its own excuse may as well stay.
        if message.len() <= told.len() {
            return message;
        }
        self.discarded += 1;
        told
    }

    /// Drops what is kept for replay alone: it was all given.
    pub(super) fn drop_read(&mut self, limits: &Limits) {
        let given = self.streams.settled(Stream::is_given);
        given.into_iter().for_each(|number| self.retire(number, limits));
        self.streams.for_each(Stream::drop_passed);
    }

    /// Drops what nobody came for, and then what nobody reads: streams whose logs hold more than a
    /// little. Whoever asks for them is told.
    pub(super) fn drop_unread(&mut self, least: usize, limits: &Limits, effects: &mut Effects) {
        let heavy = self.streams.settled(|stream| stream.log().bytes() > least);
        heavy.into_iter().for_each(|number| self.retire(number, limits));
        self.streams.for_each(|stream| effects.wake(stream.drop_unread(least)));
    }

    /// Asks the connection of a call's stream to end; its client comes back by the id that it was
    /// given. Says whether there is such a stream.
    pub(super) fn close_stream(&mut self, key: u64, effects: &mut Effects) -> Closed {
        let number = self.calls.get(key).and_then(|call| call.stream);
        let stream = number.and_then(|number| self.streams.get_mut(StreamId::post(number)));
        match (stream, self.polling) {
            (Some(mut stream), Polling::Primed) => {
                effects.wake(stream.ask_to_leave());
                Closed::Asked
            }
            _ => Closed::NotNow,
        }
    }

    fn answer_on(
        &mut self,
        number: u64,
        key: u64,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Answered {
        let id = StreamId::post(number);
        let room = self.room(id, limits);
        let Some(mut stream) = self.streams.get_mut(id) else { return Answered::Discarded };
        let (reaches, waker) = stream.answer(key, message, room);
        drop(stream);
        effects.wake(waker);
        self.trim(0, limits);
        if reaches {
            return Answered::Streamed;
        }
        self.discarded += 1;
        Answered::Discarded
    }

    /// Decision 7: acts only where exactly one call in flight has the id.
    pub(super) fn cancel(
        &mut self,
        id: &RequestId,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Cancelled {
        let mut matching = self.calls.keys_where(|call| call.id == *id);
        let key = match (matching.next(), matching.next()) {
            (None, _) => return Cancelled::Unknown,
            (Some(key), None) => key,
            (Some(_), Some(_)) => return Cancelled::Ambiguous,
        };
        drop(matching);
        let Some(call) = self.take_call(key, limits, effects) else { return Cancelled::Unknown };
        if let Some(number) = call.stream {
            let stream = self.streams.get_mut(StreamId::post(number));
            effects.wake(stream.and_then(|mut stream| stream.cancel(key)));
            self.trim(0, limits);
        }
        effects.rare().cancels.push(call.cancel);
        Cancelled::Done
    }

    pub(super) fn poll(
        &mut self,
        id: StreamId,
        generation: u64,
        waker: &Waker,
        lists: &[Bytes],
        effects: &mut Effects,
    ) -> Poll<Move> {
        let changed = MayHaveChanged { lists, resources: self.subscribed.as_deref() };
        match self.streams.get_mut(id) {
            Some(mut stream) => stream.poll(generation, waker, &changed, &mut effects.spent.0),
            None => Poll::Ready(Move::End),
        }
    }

    pub(super) fn seat(&mut self, id: StreamId, generation: u64, seat: Seat) {
        if let Some(mut stream) = self.streams.get_mut(id) {
            stream.seat(generation, seat);
        }
    }

    /// How long a connection that lost the stream is to wait.
    pub(super) fn retry(&self, id: StreamId, limits: &Limits) -> std::time::Duration {
        self.streams.get(id).map_or(limits.retry, |stream| stream.retry(limits.retry))
    }

    pub(super) fn detach(
        &mut self,
        id: StreamId,
        generation: u64,
        limits: &Limits,
        effects: &mut Effects,
    ) {
        let Some(mut stream) = self.streams.get_mut(id) else { return };
        effects.spent.0 = stream.detach(generation);
        drop(stream);
        self.trim(0, limits);
        if self.phase == Phase::Ended {
            self.streams.drop_detached();
        }
    }

    /// Ends the session: each open call on a stream is answered with an error, streams end once
    /// they are read, handlers are cancelled.
    pub(super) fn end(
        &mut self,
        end: End,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Result<(), SessionEnded> {
        self.alive()?;
        self.phase = Phase::Ended;
        self.ended_by = Some(end);
        let room = Room { messages: limits.stream_messages, bytes: limits.stream_bytes };
        self.streams.for_each(|stream| effects.wake(stream.end(end.answer(), room)));
        effects.rare().cancels.extend(self.calls.take_all().map(|call| call.cancel));
        effects.rare().askers.extend(self.requests.take_all().map(|request| (request.asker, None)));
        self.tombstones.clear();
        self.subscribed = None;
        self.streams.drop_detached();
        Ok(())
    }

    /// Whether a call is in flight or a stream is connected.
    pub(super) fn is_busy(&self) -> bool {
        !self.calls.is_empty() || self.streams.iter().any(Stream::is_attached)
    }

    /// Retires what was kept for its time and detaches readers that do not read.
    pub(super) fn tidy(&mut self, now: Millis, limits: &Limits, effects: &mut Effects) -> Tidied {
        let timed_out = self.expire_requests(now, limits, effects);
        let mut tidied = Tidied { timed_out, ..Tidied::default() };
        self.streams.for_each(|stream| {
            let attached = stream.is_attached();
            effects.wake(stream.detach_stalled(now, limits.stall, limits.retention));
            tidied.detached += usize::from(attached && !stream.is_attached());
        });
        if let Some(mut stream) = self.streams.get_mut(StreamId::STANDALONE) {
            stream.age(now, limits.retention);
        }
        let due = self.streams.due(now, limits.retention);
        tidied.retired = due.len();
        due.into_iter().for_each(|number| self.retire(number, limits));
        self.trim(0, limits);
        // What was emptied keeps its memory; a session that idles should not.
        self.streams.give_back();
        self.calls.give_back();
        self.requests.give_back();
        tidied
    }

    pub(super) fn calls_in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Bytes of messages in all logs.
    pub(super) fn bytes(&self) -> usize {
        self.streams.bytes()
    }

    fn alive(&self) -> Result<(), SessionEnded> {
        if self.phase == Phase::Ended { Err(SessionEnded) } else { Ok(()) }
    }

    fn standalone(&self) -> Option<&Stream> {
        self.streams.get(StreamId::STANDALONE)
    }

    /// What a stream may hold, given what the others do.
    fn room(&self, id: StreamId, limits: &Limits) -> Room {
        let left = limits.session_bytes.saturating_sub(self.streams.counted_bytes_beside(id));
        Room { messages: limits.stream_messages, bytes: limits.stream_bytes.min(left) }
    }

    /// Makes room for a message by retiring settled streams.
    fn trim(&mut self, needed: usize, limits: &Limits) {
        while let Some(number) = self.streams.victim(needed, limits) {
            self.retire(number, limits);
        }
    }

    fn retire(&mut self, number: u64, limits: &Limits) {
        if let Some(stream) = self.streams.remove(number) {
            self.tombstones.bury(number, stream.into_remains(), limits.tombstones);
        }
    }
}
