//! A session: who it is with, and the one lock around what changes in it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::connection::Connection;
use super::effects::Effects;
use super::id::SessionId;
use super::limits::Limits;
use super::log::Kind;
use super::polling::Polling;
use super::reader::Seat;
use super::requests::{Asker, Heard, Reply, Unsent};
use super::state::{Cancelled, Closed, End, Found, Given, Phase, Sent, State, Tidied};
use super::stream::{Move, Start};
use super::subscribed::{NotSubscribed, Outline, Update};
use super::ticket::{Answered, Ticket};
use crate::protocol::budget::Budget;
use crate::protocol::cancel::Cancel;
use crate::protocol::client_addr::AddressBlock;
use crate::protocol::jsonrpc::{RequestId, Response};
use crate::protocol::log_level::LogLevel;
use crate::protocol::principal::Principal;
use crate::protocol::sse::{EventId, StreamId};
use crate::protocol::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::protocol::time::Millis;
use crate::protocol::version::ProtocolVersion;

/// What `initialize` settled, once and for all.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    /// The negotiated revision.
    pub(crate) version: ProtocolVersion,
    /// Whose session it is.
    pub(crate) principal: Principal,
    /// Where the client is, if that is known.
    pub(crate) address: Option<AddressBlock>,
    /// `clientInfo`, as it came: the JSON, which the calls of the session share.
    pub(crate) client_info: Option<Bytes>,
    /// The client's `capabilities`, as they came.
    pub(crate) client_capabilities: Option<Bytes>,
}

/// What a session counts against, besides the limit in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account<'a> {
    /// A principal that has a name.
    Principal(&'a str),
    /// The address of an anonymous one.
    Address(AddressBlock),
    /// Nothing: it is anonymous, and nobody told its address.
    Unknown,
}

impl Opening {
    pub(super) fn account(&self) -> Account<'_> {
        match (self.principal.name(), self.address) {
            (Some(name), _) => Account::Principal(name),
            (None, Some(address)) => Account::Address(address),
            (None, None) => Account::Unknown,
        }
    }

    /// Whether there is a capability for any of the requests that a server makes (2025-11-25,
    /// Lifecycle, Capability Negotiation).
    fn declares_what_can_be_asked(&self) -> bool {
        let Some(declared) = &self.client_capabilities else { return false };
        let declared: Option<BTreeMap<Cow<'_, str>, IgnoredAny>> =
            serde_json::from_slice(declared).ok();
        let asked = ["elicitation", "roots", "sampling"];
        declared.is_some_and(|declared| asked.iter().any(|name| declared.contains_key(*name)))
    }
}

/// The session has ended: for its client it is unknown from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionEnded;

/// Why a call may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallRefused {
    /// The session has ended.
    Ended,
    /// The session has as many calls in flight as it may.
    AtCapacity,
}

/// What a GET with `Last-Event-ID` is to be answered with.
#[derive(Debug)]
pub(crate) enum Resumed {
    /// A stream.
    Attached(Connection),
    /// There is and will be nothing to say. A 405 stops clients that would ask for ever.
    Nothing,
    /// The session has ended.
    Ended,
}

/// A session of the legacy era. It lives behind an `Arc`; streams and calls keep it alive.
pub(crate) struct Session {
    id: SessionId,
    opening: Opening,
    shared: Arc<Shared>,
    /// What the idle clock read when the client last spoke.
    touched: AtomicU64,
    can_be_asked: bool,
    /// How many connections there are to its streams, those among them that lost theirs.
    connections: AtomicUsize,
    /// What its client subscribed to, roughly.
    outline: Outline,
    state: Mutex<State>,
}

/// What all sessions of a registry have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) budget: Arc<Budget>,
    /// What the standalone stream says where messages are missing.
    pub(super) on_gap: Vec<Bytes>,
}

/// What a sweep made of a session.
#[derive(Debug)]
pub(super) enum SweptSession {
    Kept(Tidied),
    Expired,
}

impl Session {
    pub(super) fn open(
        id: SessionId,
        opening: Opening,
        shared: Arc<Shared>,
        reading: Millis,
    ) -> Arc<Self> {
        let polling = Polling::from(opening.version);
        let state = Mutex::new(State::new(polling, Arc::clone(&shared.budget)));
        let can_be_asked = opening.declares_what_can_be_asked();
        Arc::new(Self {
            id,
            opening,
            shared,
            touched: AtomicU64::new(reading.0),
            can_be_asked,
            connections: AtomicUsize::new(0),
            outline: Outline::default(),
            state,
        })
    }

    /// The session's id.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// The negotiated revision.
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.opening.version
    }

    /// Whose session it is.
    pub(crate) fn principal(&self) -> &Principal {
        &self.opening.principal
    }

    /// What the session counts against, besides the limit in all.
    pub(super) fn account(&self) -> Account<'_> {
        self.opening.account()
    }

    /// `clientInfo` of the `initialize` request.
    pub(crate) fn client_info(&self) -> Option<&Bytes> {
        self.opening.client_info.as_ref()
    }

    /// The client's `capabilities` of the `initialize` request.
    pub(crate) fn client_capabilities(&self) -> Option<&Bytes> {
        self.opening.client_capabilities.as_ref()
    }

    /// Whether the client declared anything that it can be asked. What exactly, whoever asks finds.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.can_be_asked
    }

    /// Notes `notifications/initialized`.
    pub(crate) fn set_initialized(&self) {
        self.with(|state, _| {
            if state.phase == Phase::Opened {
                state.phase = Phase::Initialized;
            }
        });
    }

    /// Whether the client sent `notifications/initialized`, in a session that has not ended.
    #[cfg(test)]
    pub(crate) fn is_initialized(&self) -> bool {
        self.with(|state, _| state.phase == Phase::Initialized)
    }

    /// Whether DELETE or expiry ended the session.
    #[cfg(test)]
    pub(crate) fn is_ended(&self) -> bool {
        self.with(|state, _| state.phase == Phase::Ended)
    }

    /// Why the session ended, if it did.
    pub(crate) fn ended_by(&self) -> Option<End> {
        self.with(|state, _| state.ended_by)
    }

    /// Whether the connections of its streams may end before their answers.
    pub(crate) fn has_polling(&self) -> bool {
        Polling::from(self.opening.version) == Polling::Primed
    }

    /// Sets the least severe level that the client wants to see.
    pub(crate) fn set_log_level(&self, level: LogLevel) {
        self.with(|state, _| state.log_level = Some(level));
    }

    /// The level that the client asked for, if it did.
    pub(crate) fn log_level(&self) -> Option<LogLevel> {
        self.with(|state, _| state.log_level)
    }

    /// Begins a call. It has no stream until [`open_stream`](Self::open_stream) gives it one.
    ///
    /// Calls are told apart by the ticket and never by the request's id, since some clients send
    /// every request with the same one (decision 7).
    pub(crate) fn begin_call(
        self: &Arc<Self>,
        id: RequestId,
        cancel: Arc<dyn Cancel>,
    ) -> Result<Ticket, CallRefused> {
        if self.has_too_many_connections() {
            return Err(CallRefused::AtCapacity);
        }
        let key = self.with(|state, _| state.begin_call(id, cancel, self.limits()))?;
        Ok(Ticket::new(Arc::clone(self), key))
    }

    /// Takes in a call that is done and only waits for its stream. It needs no admission.
    pub(crate) fn adopt_call(self: &Arc<Self>, id: RequestId) -> Result<Ticket, SessionEnded> {
        let key = self.with(|state, _| state.adopt_call(id, Arc::new(|| ())))?;
        Ok(Ticket::new(Arc::clone(self), key))
    }

    /// Commits the calls of one POST to a stream, and connects the POST's response to it.
    pub(crate) fn open_stream<'a>(
        self: &Arc<Self>,
        tickets: impl IntoIterator<Item = &'a Ticket>,
        now: Millis,
    ) -> Result<Connection, SessionEnded> {
        let keys = tickets.into_iter().map(|ticket| {
            debug_assert!(Arc::ptr_eq(ticket.session(), self), "a ticket of this session");
            ticket.key()
        });
        let (stream, generation) = self.with(|state, _| state.open_post(keys, now))?;
        Ok(Connection::new(Arc::clone(self), stream, generation))
    }

    /// Connects a GET without `Last-Event-ID`: the standalone stream, from the first message that
    /// no connection was given. An older connection of it is displaced (decision 6).
    pub(crate) fn open_standalone(
        self: &Arc<Self>,
        now: Millis,
    ) -> Result<Connection, SessionEnded> {
        let (stream, generation) =
            self.with(|state, effects| state.open_standalone(Start::Unheard, now, effects))?;
        Ok(Connection::new(Arc::clone(self), stream, generation))
    }

    /// Connects a GET with `Last-Event-ID`: the same stream, one past the cursor.
    ///
    /// 2025-11-25, Transports, Resumability and Redelivery, 2: "The server MUST NOT replay
    /// messages that would have been delivered on a different stream". An id that this session
    /// never sent is treated as none.
    pub(crate) fn resume(self: &Arc<Self>, cursor: EventId, now: Millis) -> Resumed {
        match self.with(|state, effects| state.resume(cursor, now, effects)) {
            Ok(Found::Stream(stream, generation)) => {
                let connection = Connection::new(Arc::clone(self), stream, generation);
                Resumed::Attached(if stream == cursor.stream {
                    connection.resumed_from(cursor)
                } else {
                    connection
                })
            }
            Ok(Found::Farewell(messages)) => {
                Resumed::Attached(Connection::farewell(Arc::clone(self), messages))
            }
            Ok(Found::Nothing) => Resumed::Nothing,
            Err(SessionEnded) => Resumed::Ended,
        }
    }

    /// Says a message that belongs to no call, on the standalone stream.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "for what the server asks and other notifications, which nothing does yet"
        )
    )]
    pub(crate) fn notify(&self, kind: Kind, message: Bytes) -> Sent {
        debug_assert_ne!(kind, Kind::Answer, "the standalone stream carries no answers");
        self.with(|state, effects| state.notify(kind, message, self.limits(), effects))
    }

    /// Says on the standalone stream that a list changed, unless the client did not say yet that it
    /// is initialized, or the same is still to be given to it.
    pub(crate) fn announce(&self, message: &Bytes) {
        self.with(|state, effects| state.announce(message, self.limits(), effects));
    }

    /// Says there that a resource changed, if its client subscribed to it, unless the same is still
    /// to be given to it.
    pub(crate) fn announce_update(&self, update: &Update<'_>) {
        if self.outline.may_hold(update) {
            self.with(|state, effects| state.announce_update(update, self.limits(), effects));
        }
    }

    /// Subscribes the client to a resource.
    pub(crate) fn subscribe(&self, uri: &str) -> Result<(), NotSubscribed> {
        self.with(|state, _| {
            let subscribed = state.subscribe(uri, self.limits());
            self.outline.draw(state.subscribed());
            subscribed
        })
    }

    /// Ends a subscription: of this resource it is told nothing more, not even what was to be told
    /// already.
    pub(crate) fn unsubscribe(&self, uri: &str) -> Result<(), SessionEnded> {
        self.with(|state, _| {
            let unsubscribed = state.unsubscribe(uri);
            self.outline.draw(state.subscribed());
            unsubscribed
        })
    }

    /// Whether a `Last-Event-ID` names a POST stream of this session. Any other is as good as
    /// none, but for the standalone stream's own.
    pub(crate) fn names_post(&self, cursor: EventId) -> bool {
        self.with(|state, _| state.names_post(cursor))
    }

    /// Whether a connection has the standalone stream, which a new one would displace.
    pub(crate) fn is_listening(&self) -> bool {
        self.with(|state, _| state.is_listening())
    }

    /// Acts on a `notifications/cancelled`.
    pub(crate) fn cancel(&self, id: &RequestId) -> Cancelled {
        self.with(|state, effects| state.cancel(id, self.limits(), effects))
    }

    /// Takes the client's answer to a request, once. It is never refused (decision 8): an answer to
    /// what is not open is ignored (2025-11-25, Cancellation, Behavior Requirements: "The sender of
    /// the cancellation notification SHOULD ignore any response to the request that arrives
    /// afterward").
    pub(crate) fn take_answer(&self, answer: &Response<'_>) -> Heard {
        let request = self.with(|state, _| state.requests.take_answered(&answer.id));
        let Some(request) = request else { return Heard::Unexpected };
        request.asker.hear(match answer.outcome {
            Ok(result) => Reply::Result(result),
            Err(error) => Reply::Error(error),
        });
        Heard::Yes
    }

    /// How many calls are in flight.
    pub(crate) fn calls_in_flight(&self) -> usize {
        self.with(|state, _| state.calls_in_flight())
    }

    /// How many messages came too late to be sent.
    pub(crate) fn discarded(&self) -> u64 {
        self.with(|state, _| state.discarded)
    }

    /// The bytes of messages that the session's logs hold.
    pub(crate) fn bytes(&self) -> usize {
        self.with(|state, _| state.bytes())
    }

    /// Ends the session; says whether it was this call that did. The registry's `end` is the way
    /// in, since it also forgets the session.
    pub(super) fn end(&self, end: End) -> Result<(), SessionEnded> {
        self.with(|state, effects| state.end(end, self.limits(), effects))
    }

    /// Drops what clients have read already.
    pub(super) fn drop_read(&self) {
        self.with(|state, _| state.drop_read(self.limits()));
    }

    /// Drops what clients have not read, of streams that hold more than `least` bytes.
    pub(super) fn drop_unread(&self, least: usize) {
        self.with(|state, effects| state.drop_unread(least, self.limits(), effects));
    }

    /// Notes that the client spoke.
    pub(super) fn touch(&self, reading: Millis) {
        // It changes with each sweep, and is written only then.
        if self.touched.load(Ordering::Relaxed) < reading.0 {
            self.touched.fetch_max(reading.0, Ordering::Relaxed);
        }
    }

    /// Tidies the streams, and ends the session if it was idle for its time. The decision and
    /// the end are one step, so that no call can begin between them.
    pub(super) fn sweep(&self, reading: Millis) -> SweptSession {
        self.with(|state, effects| {
            let tidied = state.tidy(reading, self.limits(), effects);
            if state.is_busy() {
                self.touch(reading);
                return SweptSession::Kept(tidied);
            }
            let idle = match state.phase {
                Phase::Opened => self.limits().idle_uninitialized,
                Phase::Initialized | Phase::Ended => self.limits().idle,
            };
            // The stamp is the reading of the sweep before the client spoke, so the client may
            // have spoken up to one period later.
            let touched = Millis(self.touched.load(Ordering::Relaxed));
            if reading < touched.after(self.limits().sweep_period).after(idle) {
                return SweptSession::Kept(tidied);
            }
            // Ended already means that someone else forgets it.
            match state.end(End::Expired, self.limits(), effects) {
                Ok(()) => SweptSession::Expired,
                Err(SessionEnded) => SweptSession::Kept(tidied),
            }
        })
    }

    pub(super) fn send(&self, key: u64, kind: Kind, message: Bytes) -> Sent {
        self.with(|state, effects| state.send(key, kind, message, self.limits(), effects))
    }

    pub(super) fn answer(&self, key: u64, message: Bytes) -> Answered {
        self.with(|state, effects| state.answer(key, message, self.limits(), effects))
    }

    pub(super) fn give(&self, key: u64, message: Bytes) -> Result<Given, Bytes> {
        self.with(|state, effects| state.give(key, message, self.limits(), effects))
    }

    pub(super) fn has_room(&self, key: u64, bytes: usize) -> bool {
        self.with(|state, _| state.has_room(key, bytes, self.limits()))
    }

    pub(super) fn close_stream(&self, key: u64) -> Closed {
        self.with(|state, effects| state.close_stream(key, effects))
    }

    pub(super) fn discard(&self, key: u64) {
        self.with(|state, effects| state.discard(key, self.limits(), effects));
    }

    pub(super) fn abandon(&self, key: u64) {
        self.with(|state, effects| state.abandon(key, self.limits(), effects));
    }

    pub(super) fn ask(&self, key: u64, asker: Arc<dyn Asker>) -> Result<u64, Unsent> {
        self.with(|state, _| state.ask(key, asker, self.limits()))
    }

    pub(super) fn send_request(&self, id: u64, message: Bytes) {
        self.with(|state, effects| state.send_request(id, message, self.limits(), effects));
    }

    pub(super) fn fail_request(&self, id: u64, why: Unsent) {
        self.with(|state, effects| state.fail_request(id, why, effects));
    }

    pub(super) fn fail_requests(&self, key: u64, why: Unsent) {
        self.with(|state, effects| state.fail_requests(key, why, effects));
    }

    pub(super) fn poll(&self, stream: StreamId, generation: u64, waker: &Waker) -> Poll<Move> {
        let on_gap = &self.shared.on_gap;
        self.with(|state, effects| state.poll(stream, generation, waker, on_gap, effects))
    }

    pub(super) fn seat(&self, stream: StreamId, generation: u64, seat: Seat) {
        self.with(|state, _| state.seat(stream, generation, seat));
    }

    /// Whether there are as many connections to its streams as may be, those among them that lost
    /// their stream and whose bodies nobody polls.
    pub(crate) fn has_too_many_connections(&self) -> bool {
        self.connections.load(Ordering::Relaxed) >= self.limits().connections
    }

    /// Counts a connection, whether it has a stream or has lost it.
    pub(super) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn discount_connection(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn retry(&self, stream: StreamId) -> Duration {
        self.with(|state, _| state.retry(stream, self.limits()))
    }

    pub(super) fn detach(&self, stream: StreamId, generation: u64) {
        self.with(|state, effects| state.detach(stream, generation, self.limits(), effects));
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Runs a step under the lock, and what it brought about after it.
    fn with<R>(&self, step: impl FnOnce(&mut State, &mut Effects) -> R) -> R {
        let mut effects = Effects::default();
        let result = {
            // A panic under the lock would be a bug in pure code; to go on with this one session
            // harms nobody else, while to panic in every later request of it would.
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            step(&mut state, &mut effects)
        };
        effects.run();
        result
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("opening", &self.opening).finish_non_exhaustive()
    }
}
