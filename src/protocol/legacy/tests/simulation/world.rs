//! The world of one run: a registry, the clients and handlers around it, and the model beside it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::super::super::registry::Ending;
use super::super::*;
use super::counts::Counts;
use super::model::{Account, Destination, Outcome};
use super::random::Random;
use super::stream::{ERROR, Known, Stage, update};
use crate::protocol::change::SubscriptionLimits;
use crate::protocol::client_addr::AddressBlock;

/// What clients subscribe to.
const URIS: [&str; 3] = ["a", "bb", "c"];

/// A session that holds no more than this is spared when memory is short.
const LITTLE: usize = 4 * 1024;

/// A session, and the model of it.
pub(super) struct Peer {
    pub(super) session: Arc<Session>,
    pub(super) principal: Principal,
    address: Option<AddressBlock>,
    pub(super) account: Account,
    /// The last id of each stream that its client was given and did not lose.
    pub(super) cursors: BTreeMap<u64, EventId>,
    /// How many sessions had ended when it did.
    ended_as: usize,
}

/// A call, as its handler holds it.
pub(super) struct Work {
    pub(super) peer: usize,
    pub(super) call: usize,
    pub(super) ticket: Option<Ticket>,
    pub(super) sender: CallSender,
    /// Counts how often it was stopped. A call that was adopted has nobody to stop.
    handler: Option<Arc<Handler>>,
}

/// A connection, as the body that polls it.
pub(super) struct Seat {
    pub(super) peer: usize,
    pub(super) stream: u64,
    pub(super) serial: u64,
    pub(super) connection: Connection,
    pub(super) source: Source,
    alarm: Arc<Alarm>,
    waker: Waker,
    /// How often it had been woken when it was last left waiting.
    waiting: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    Stream,
    /// The stream, or what is told in its place to a client at this place.
    Unsure(usize),
    /// It was told that all is gone: of a stream that is, or of one that is lost.
    Told,
    Over,
}

pub(super) struct World {
    pub(super) random: Random,
    /// How much longer than usual all messages are.
    scale: usize,
    pub(super) limits: Rc<Limits>,
    pub(super) registry: Registry,
    on_gap: Vec<Bytes>,
    pub(super) now: Millis,
    /// The idle clock: what it reads, and when it was last observed.
    pub(super) reading: Millis,
    observed: Option<Millis>,
    pub(super) peers: Vec<Peer>,
    pub(super) work: Vec<Work>,
    pub(super) seats: Vec<Seat>,
    /// Counts what happens, and stamps it.
    pub(super) tick: u64,
    serial: u64,
    ended: usize,
    /// How many sessions had ended before what happens now.
    ended_before: usize,
    /// How many answers and other messages connections were given of late.
    pub(super) given: [usize; 2],
    pub(super) counts: Counts,
    pub(super) trace: Option<Trace>,
}

/// What happened so far. It outlives a run that fails.
pub(super) type Trace = Rc<RefCell<Vec<String>>>;

/// Notes what happens, where somebody will read it.
macro_rules! trace {
    ($world:expr, $($arguments:tt)*) => {
        if let Some(trace) = &$world.trace {
            trace.borrow_mut().push(format!($($arguments)*));
        }
    };
}
pub(super) use trace;

impl World {
    pub(super) fn new(seed: u64, trace: Option<Trace>) -> Self {
        let mut random = Random::new(seed);
        let scale = random.weighted(&[(2, 1), (1, 100)]);
        let limits = draw(&mut random, scale);
        let on_gap = vec![Bytes::from("tools changed"), Bytes::from("resources changed")];
        let world = Self {
            registry: Registry::new(limits.clone(), on_gap.clone()),
            limits: Rc::new(limits),
            on_gap,
            random,
            scale,
            now: Millis(0),
            reading: Millis(0),
            observed: None,
            peers: Vec::new(),
            work: Vec::new(),
            seats: Vec::new(),
            tick: 0,
            serial: 0,
            ended: 0,
            ended_before: 0,
            given: [0; 2],
            counts: Counts::default(),
            trace,
        };
        trace!(world, "{:?}", world.limits);
        world
    }

    /// What the idle clock would read now.
    fn idle(&self) -> Millis {
        let since = self.observed.map_or(Duration::ZERO, |before| self.now.since(before));
        self.reading.after(since.min(self.limits.sweep_period))
    }

    /// To be called before and after everything that happens.
    pub(super) fn observe(&mut self) {
        self.ended_before = self.ended;
        let idle = self.idle();
        for peer in &mut self.peers {
            peer.account.observe(idle);
        }
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A message like no other.
    fn text(&mut self, longest: usize) -> Bytes {
        let mut text = format!("m{}", self.next_serial()).into_bytes();
        let length = self.random.between(1, longest * self.scale);
        text.resize(length.max(text.len()), b'.');
        text.into()
    }

    /// What all sessions may hold, of what can be refused: the rest is for what cannot.
    fn memory(&self) -> usize {
        self.limits.total_bytes - self.limits.total_bytes / 8
    }

    /// What stands for refused messages, and requests to the client, have all there is.
    fn memory_for(&self, kind: Kind) -> usize {
        match kind {
            Kind::Marker | Kind::Request => self.limits.total_bytes,
            _ => self.memory(),
        }
    }

    fn held(&self) -> usize {
        self.registry.budget().held()
    }

    // --- sessions ----------------------------------------------------------------------------

    pub(super) fn open(&mut self) {
        let principal = self.random.pick(&principals()).clone();
        let version = *self.random.pick(&[
            ProtocolVersion::V2025_03_26,
            ProtocolVersion::V2025_06_18,
            ProtocolVersion::V2025_11_25,
            ProtocolVersion::V2025_11_25,
        ]);
        let address =
            *self.random.pick(&[None, Some(AddressBlock::V4(1)), Some(AddressBlock::V6(1))]);
        let live: Vec<_> = self.peers.iter().filter(|peer| !peer.account.ended).collect();
        let own = live.iter().filter(|peer| peer.principal == principal);
        let (own, there) =
            (own.clone().count(), own.filter(|peer| peer.address == address).count());
        // Decision 8, and of anonymous callers by address.
        let expected = match () {
            () if live.len() >= self.limits.sessions => Some(AtCapacity::InAll),
            () if principal.is_anonymous() => (address.is_some()
                && there >= self.limits.sessions_per_address)
                .then_some(AtCapacity::OfAddress),
            () => (own >= self.limits.sessions_per_principal).then_some(AtCapacity::OfPrincipal),
        };
        let live = live.len();
        let serial = self.next_serial();
        let mut bytes = [0; SessionId::BYTES];
        bytes[..8].copy_from_slice(&serial.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_ne_bytes());
        let id = SessionId::from_random(bytes);
        let opening = Opening { address, ..opening(version, principal.clone()) };
        let opened = self.registry.open(id, opening);
        trace!(self, "open {version:?} {principal:?} {address:?}: {}", opened.is_ok());
        assert_eq!(opened.as_ref().err(), expected.as_ref(), "with {live} sessions");
        self.counts.refused_sessions += usize::from(expected.is_some());
        let Ok(session) = opened else { return };
        let primed = version == ProtocolVersion::V2025_11_25;
        let account = Account::new(Rc::clone(&self.limits), primed, self.idle());
        let cursors = BTreeMap::new();
        self.peers.push(Peer { session, principal, address, account, cursors, ended_as: 0 });
    }

    /// What comes before everything that a client does: its session is found, or not.
    pub(super) fn find(&mut self, peer: usize) -> bool {
        let idle = self.idle();
        let it = &mut self.peers[peer];
        let found = self.registry.find(&it.session.id(), &it.principal);
        if !it.account.ended {
            let Lookup::Live(session) = found else { panic!("a session that lives is {found:?}") };
            assert!(Arc::ptr_eq(&session, &it.session), "another session");
            it.account.touch(idle);
            return true;
        }
        // Each shard of the registry remembers its share of those that have ended.
        let may_forget = self.ended - it.ended_as >= self.limits.ended_sessions.div_ceil(16);
        match found {
            Lookup::Ended => {}
            Lookup::Unknown if may_forget => {}
            other => panic!("a session that has ended is {other:?}"),
        }
        self.counts.found_ended += 1;
        false
    }

    /// Decision 17: to a foreign principal a session is unknown.
    pub(super) fn intrude(&mut self, peer: usize) {
        let it = &self.peers[peer];
        let all = principals();
        let foreign = all.iter().filter(|principal| **principal != it.principal);
        for principal in foreign {
            let found = self.registry.find(&it.session.id(), principal);
            assert!(matches!(found, Lookup::Unknown), "{principal:?} finds {found:?}");
            assert_eq!(self.registry.end(&it.session.id(), principal), Ending::Unknown);
        }
    }

    pub(super) fn delete(&mut self, peer: usize) {
        trace!(self, "s{peer} delete");
        let lives = self.find(peer);
        let it = &mut self.peers[peer];
        let ending = self.registry.end(&it.session.id(), &it.principal);
        assert_eq!(ending, if lives { Ending::Done } else { Ending::Unknown });
        if lives {
            self.ends(peer, "session_ended");
            self.counts.deleted += 1;
        }
    }

    fn ends(&mut self, peer: usize, reason: &'static str) {
        let it = &mut self.peers[peer];
        it.account.end(reason);
        self.ended += 1;
        it.ended_as = self.ended_before + 1;
    }

    pub(super) fn initialized(&mut self, peer: usize) {
        if self.find(peer) {
            self.peers[peer].session.set_initialized();
            self.peers[peer].account.initialized = true;
        }
    }

    // --- calls -------------------------------------------------------------------------------

    /// Some clients send every request with the same id; others use long ones.
    fn request_id(&mut self) -> RequestId {
        match self.random.below(8) {
            0..5 => RequestId::from(1),
            5..7 => RequestId::from(self.random.between(1, 3) as u64),
            _ => {
                let length = *self.random.pick(&[38, 39, 60]);
                let text = format!("\"{}\"", "i".repeat(length));
                let raw = serde_json::value::RawValue::from_string(text).expect("JSON");
                RequestId::from_raw(&*raw).expect("an id")
            }
        }
    }

    /// Begins the calls of one POST, one or several, and commits them to a stream or not.
    pub(super) fn post(&mut self, peer: usize) {
        if !self.find(peer) {
            return;
        }
        let from = self.work.len();
        for _ in 0..self.random.weighted(&[(6, 1), (1, 2), (1, 3)]) {
            self.begin(peer);
        }
        if self.random.once_in(4) {
            return;
        }
        let batch: Vec<_> = (from..self.work.len()).collect();
        self.commit(peer, &batch);
    }

    fn begin(&mut self, peer: usize) {
        let id = self.request_id();
        let handler = Arc::new(Handler::default());
        let it = &mut self.peers[peer];
        let begun = it.session.begin_call(id.clone(), Arc::clone(&handler) as Arc<dyn Cancel>);
        trace!(self, "s{peer} call {}: {begun:?}", id.as_json());
        let call = it.account.begin(&id, begun.as_ref().err().copied());
        self.counts.refused_calls += usize::from(call.is_none());
        if let (Ok(ticket), Some(call)) = (begun, call) {
            let sender = ticket.sender();
            let handler = Some(handler);
            self.work.push(Work { peer, call, ticket: Some(ticket), sender, handler });
        }
    }

    /// A call that was done before it had a stream.
    pub(super) fn adopt(&mut self, peer: usize) {
        if !self.find(peer) {
            return;
        }
        let id = self.request_id();
        let it = &mut self.peers[peer];
        let ticket = it.session.adopt_call(id.clone()).expect("a session that lives");
        let call = it.account.adopt(&id);
        let sender = ticket.sender();
        self.work.push(Work { peer, call, ticket: Some(ticket), sender, handler: None });
        trace!(self, "s{peer} adopts call {call}");
        self.commit(peer, &[self.work.len() - 1]);
    }

    /// Commits calls that have no stream yet to one, and connects their POST to it.
    pub(super) fn commit(&mut self, peer: usize, work: &[usize]) {
        let unbound: Vec<_> = work
            .iter()
            .map(|&at| &self.work[at])
            .filter(|it| {
                it.peer == peer
                    && it.ticket.is_some()
                    && !self.peers[peer].account.is_bound(it.call)
            })
            .collect();
        if unbound.is_empty() || self.peers[peer].account.ended {
            return;
        }
        let tickets = unbound.iter().filter_map(|it| it.ticket.as_ref());
        let connection =
            self.peers[peer].session.open_stream(tickets, self.now).expect("a session that lives");
        let calls: Vec<_> = unbound.iter().map(|it| it.call).collect();
        let serial = self.next_serial();
        let stream = self.peers[peer].account.open_post(&calls, serial, self.now);
        trace!(self, "s{peer} calls {calls:?} on stream {stream}, c{serial}");
        self.seat(peer, stream, serial, connection, Source::Stream);
    }

    fn seat(
        &mut self,
        peer: usize,
        stream: u64,
        serial: u64,
        connection: Connection,
        source: Source,
    ) {
        let (alarm, waker) = Alarm::new();
        let seat = Seat { peer, stream, serial, connection, source, alarm, waker, waiting: None };
        self.seats.push(seat);
    }

    /// A handler says something, perhaps after its call is over.
    pub(super) fn say(&mut self, at: usize) {
        let kind = self.random.weighted(&[
            (8, Kind::Notification),
            (6, Kind::Progress),
            (1, Kind::Marker),
            (2, Kind::Request),
        ]);
        let (text, memory) = (self.message(), self.memory_for(kind));
        let work = &self.work[at];
        let it = &mut self.peers[work.peer];
        let number = it.account.stream_of(work.call).unwrap_or_default();
        let before = it.session.bytes();
        it.account.may_retire(before + text.len());
        let room = it.account.room(number, before);
        let held = self.registry.budget().held();
        let sent = work.sender.send(kind, text.clone());
        let held = (held, self.registry.budget().held());
        trace!(self, "s{} call {} {kind:?} {}: {sent:?}", work.peer, work.call, shown(&text));
        self.counts.refused_messages += usize::from(matches!(sent, Sent::Refused(_)));
        let stage = Stage { room, held, memory, tick: self.tick };
        it.account.say(work.call, kind, text, sent, &stage);
    }

    fn message(&mut self) -> Bytes {
        let longest = if self.random.once_in(12) { 200 } else { 30 };
        self.text(longest)
    }

    pub(super) fn answer(&mut self, at: usize) {
        let Some(ticket) = self.work[at].ticket.take() else { return };
        let longest = if self.random.once_in(4) { 300 } else { 20 };
        let text = self.text(longest);
        let (held, memory) = (self.held(), self.limits.total_bytes);
        let work = &self.work[at];
        let it = &mut self.peers[work.peer];
        let before = it.session.bytes();
        let answered = ticket.answer(text.clone());
        let variant = format!("{answered:?}");
        let variant = variant.split('(').next().unwrap_or_default();
        trace!(self, "s{} call {} answers {}: {variant}", work.peer, work.call, shown(&text));
        let counted = it.session.discarded();
        it.account.answer(work.call, text.clone(), &answered, (held, memory), (counted, self.tick));
        it.account.may_retire(before + text.len());
    }

    /// A handler panics, or nobody is there for its answer.
    pub(super) fn abandon(&mut self, at: usize) {
        let Some(ticket) = self.work[at].ticket.take() else { return };
        let work = &self.work[at];
        let it = &mut self.peers[work.peer];
        let before = it.session.bytes();
        let unbound = !it.account.is_bound(work.call);
        if unbound && self.random.once_in(2) {
            trace!(self, "s{} call {} is discarded", work.peer, work.call);
            ticket.discard();
            it.account.discard(work.call);
        } else {
            trace!(self, "s{} call {} is dropped", work.peer, work.call);
            drop(ticket);
            it.account.abandon(work.call, it.session.discarded());
        }
        it.account.may_retire(before + ERROR);
    }

    pub(super) fn cancel(&mut self, peer: usize) {
        if !self.find(peer) {
            return;
        }
        let id = self.request_id();
        let it = &mut self.peers[peer];
        let before = it.session.bytes();
        let cancelled = it.session.cancel(&id);
        trace!(self, "s{peer} cancel {}: {cancelled:?}", id.as_json());
        self.counts.ambiguous += usize::from(cancelled == Cancelled::Ambiguous);
        self.counts.cancelled += usize::from(cancelled == Cancelled::Done);
        it.account.cancel(&id, cancelled);
        it.account.may_retire(before);
    }

    pub(super) fn notify(&mut self, peer: usize) {
        let kind = self.random.weighted(&[(8, Kind::Notification), (2, Kind::Request)]);
        let (text, memory) = (self.message(), self.memory_for(kind));
        let it = &mut self.peers[peer];
        let before = it.session.bytes();
        it.account.may_retire(before + text.len());
        let room = it.account.room(0, before);
        let held = self.registry.budget().held();
        let sent = it.session.notify(kind, text.clone());
        let held = (held, self.registry.budget().held());
        trace!(self, "s{peer} {kind:?} {}: {sent:?}", shown(&text));
        let stage = Stage { room, held, memory, tick: self.tick };
        it.account.notify(kind, text, sent, &stage);
    }

    /// Something changed: it is said once while it waits to be read, and to a client that is ready.
    pub(super) fn announce(&mut self, peer: usize) {
        let text = Bytes::from(*self.random.pick(&["tools have changed", "prompts have changed"]));
        let concerned = self.peers[peer].account.initialized;
        self.tell(peer, text, concerned, |session, text| session.announce(text));
    }

    /// A resource was updated: the same, to a client that subscribed to it.
    pub(super) fn update(&mut self, peer: usize) {
        let uri = *self.random.pick(&URIS);
        let concerned = self.peers[peer].account.stream(0).resources.contains(uri);
        self.tell(peer, update(uri), concerned, |session, text| {
            session.announce_update(&Update::new(uri, text));
        });
        self.counts.updated += usize::from(concerned);
    }

    fn tell(
        &mut self,
        peer: usize,
        text: Bytes,
        concerned: bool,
        announce: impl FnOnce(&Session, &Bytes),
    ) {
        let memory = self.memory();
        let it = &mut self.peers[peer];
        let awaits = it.account.stream(0).awaits(&text);
        if awaits == Known::Maybe {
            // It may be said again, and nobody could tell.
            return;
        }
        let before = it.session.bytes();
        it.account.may_retire(before + text.len());
        let room = it.account.room(0, before);
        let held = self.registry.budget().held();
        announce(&it.session, &text);
        trace!(self, "s{peer} announces {}", shown(&text));
        if concerned && !it.account.ended && awaits == Known::No {
            let held = (held, self.registry.budget().held());
            it.account.stream(0).announce(text, &Stage { room, held, memory, tick: self.tick });
            self.counts.announced += 1;
        }
    }

    /// A client subscribes to a resource, or has enough of it.
    pub(super) fn subscribe(&mut self, peer: usize) {
        if !self.find(peer) {
            return;
        }
        let uri = *self.random.pick(&URIS);
        let left = self.memory().saturating_sub(self.held());
        let enough = self.random.once_in(3);
        let it = &mut self.peers[peer];
        if enough {
            trace!(self, "s{peer} unsubscribes from {uri}");
            it.session.unsubscribe(uri).expect("a session that lives");
            let stream = it.account.stream(0);
            if stream.resources.remove(uri) {
                stream.withdraw(&update(uri));
                self.counts.unsubscribed += 1;
            }
            return;
        }
        let subscribed = it.session.subscribe(uri);
        trace!(self, "s{peer} subscribes to {uri}: {subscribed:?}");
        self.counts.subscriptions_refused += usize::from(subscribed.is_err());
        it.account.subscribe(uri, subscribed, left);
    }

    /// A handler would have its client poll rather than wait.
    pub(super) fn close_reader(&mut self, at: usize) {
        let work = &self.work[at];
        let closed = work.sender.close_stream();
        trace!(self, "s{} call {} closes its connection: {closed:?}", work.peer, work.call);
        self.counts.closed += usize::from(closed == Closed::Asked);
        self.peers[work.peer].account.close_reader(work.call, closed);
    }

    /// Memory is short: those who hold the most give way.
    pub(super) fn relieve(&mut self) {
        let before: Vec<_> = self.peers.iter().map(|it| it.session.bytes()).collect();
        let held = self.held();
        let freed = self.registry.relieve();
        trace!(self, "relief of {freed} of {held} bytes");
        assert_eq!(self.held() + freed, held);
        if held <= self.limits.total_bytes / 4 * 3 {
            assert_eq!(freed, 0, "relief without need");
            return;
        }
        self.counts.relieved += usize::from(freed > 0);
        for (it, held) in self.peers.iter_mut().zip(before) {
            if held > LITTLE && !it.account.ended {
                it.account.drop_read(self.tick);
                it.account.drop_all(LITTLE, self.tick);
            } else {
                assert_eq!(it.session.bytes(), held, "relief from one who holds little");
            }
        }
    }

    /// The server ends, and its drain has no more time.
    pub(super) fn shut_down(&mut self) {
        trace!(self, "shut down");
        let live = || self.peers.iter().filter(|it| !it.account.ended);
        let (sessions, calls) = (live().count(), live().map(|it| it.account.in_flight()).sum());
        let ended = self.registry.shut_down();
        assert_eq!((ended.sessions, ended.calls), (sessions, calls));
        for peer in 0..self.peers.len() {
            if !self.peers[peer].account.ended {
                self.ends(peer, "shutting_down");
            }
        }
        self.counts.shut_down += 1;
    }

    // --- connections -------------------------------------------------------------------------

    pub(super) fn get(&mut self, peer: usize) {
        if !self.find(peer) {
            return;
        }
        let serial = self.next_serial();
        let it = &mut self.peers[peer];
        let connection = it.session.open_standalone(self.now).expect("a session that lives");
        it.account.get(serial, self.now);
        trace!(self, "s{peer} GET, c{serial}");
        self.seat(peer, 0, serial, connection, Source::Stream);
    }

    /// Resumes from an id that was given, or never was.
    pub(super) fn resume_somewhere(&mut self, peer: usize) {
        let other = self.random.below(self.peers.len());
        let choice = self.random.below(10);
        let it = &self.peers[peer].account;
        let known: Vec<EventId> = match choice {
            // The last one of some stream, as clients do.
            0..6 => self.peers[peer].cursors.values().copied().collect(),
            // An older one of this session, or one of another session that this one gave as well.
            6..9 => {
                let from = if choice < 8 { it } else { &self.peers[other].account };
                let streams = from.streams.values();
                let ids = streams
                    .flat_map(|stream| stream.ids.keys().map(|&seq| event_id(stream.number, seq)));
                ids.filter(|id| {
                    let own = it.streams.get(&id.stream.number());
                    own.is_some_and(|stream| stream.ids.contains_key(&id.seq))
                })
                .collect()
            }
            _ => vec![
                event_id(it.posts() + 1, 0),
                event_id(it.posts() + 7, 3),
                event_id(0, 100_000),
                event_id(0, u64::MAX),
            ],
        };
        if !known.is_empty() {
            let cursor = *self.random.pick(&known);
            self.resume(peer, cursor);
        }
    }

    /// Says whether there was something to connect to.
    pub(super) fn resume(&mut self, peer: usize, cursor: EventId) -> bool {
        let lives = self.find(peer);
        let serial = self.next_serial();
        let it = &mut self.peers[peer];
        let resumed = it.session.resume(cursor, self.now);
        let (outcome, connection) = match resumed {
            Resumed::Attached(connection) => (Outcome::Attached, Some(connection)),
            Resumed::Nothing => (Outcome::Nothing, None),
            Resumed::Ended => (Outcome::Ended, None),
        };
        trace!(self, "s{peer} resume {cursor}, c{serial}: {}", connection.is_some());
        self.counts.nothing += usize::from(lives && connection.is_none());
        let destination = it.account.resume(cursor, &outcome, serial, self.now);
        let (Some(connection), Some(destination)) = (connection, destination) else { return false };
        match destination {
            Destination::Stream(number) => {
                self.seat(peer, number, serial, connection, Source::Stream);
            }
            Destination::Unsure(number) => {
                let position = it.account.streams[&number].ids[&cursor.seq];
                self.seat(peer, number, serial, connection, Source::Unsure(position));
            }
        }
        true
    }

    /// The connection breaks; the client may have lost some of what it was given last.
    pub(super) fn cut(&mut self, at: usize) {
        let seat = self.seats.swap_remove(at);
        trace!(self, "s{} c{} is cut", seat.peer, seat.serial);
        let it = &mut self.peers[seat.peer];
        let before = it.session.bytes();
        drop(seat.connection);
        if seat.source == Source::Stream || matches!(seat.source, Source::Unsure(_)) {
            it.account.stream(seat.stream).detach(seat.serial);
        }
        it.account.may_retire(before);
        if self.random.once_in(4) {
            let ids = &it.account.streams[&seat.stream].ids;
            if let Some(last) = it.cursors.get_mut(&seat.stream) {
                let earlier: Vec<_> = ids.range(..=last.seq).map(|(&seq, _)| seq).collect();
                *last = event_id(seat.stream, *self.random.pick(&earlier));
            }
        }
    }

    /// Polls a connection a number of times. Says whether it is over.
    pub(super) fn poll(&mut self, at: usize, times: usize) -> bool {
        for _ in 0..times {
            if self.random.once_in(8) {
                let seat = &mut self.seats[at];
                (seat.alarm, seat.waker) = Alarm::new();
                seat.waiting = None;
            }
            match self.poll_once(at) {
                Polled::Some => {}
                Polled::Waits => return false,
                Polled::Over => return true,
            }
        }
        false
    }

    fn poll_once(&mut self, at: usize) -> Polled {
        let seat = &mut self.seats[at];
        let it = &mut self.peers[seat.peer];
        let before = it.session.bytes();
        let step = seat.connection.poll(&seat.waker);
        trace!(self, "s{} c{}: {}", seat.peer, seat.serial, shown_step(&step));
        seat.waiting = step.is_pending().then(|| seat.alarm.count());
        if seat.source == Source::Over {
            assert_eq!(step, Poll::Ready(Step::End), "something after the end");
            return Polled::Over;
        }
        if seat.source == Source::Told {
            let over = matches!(step, Poll::Ready(Step::End | Step::Displaced { .. }));
            assert!(over, "something after all was gone");
            seat.source = Source::Over;
            return Polled::Over;
        }
        if let (Source::Unsure(position), Poll::Ready(Step::Gap(messages))) = (seat.source, &step)
            && it.account.is_farewell(seat.stream, position, messages)
        {
            self.counts.farewells += 1;
            seat.source = Source::Told;
            let stream = it.account.stream(seat.stream);
            // If it is lost, then perhaps only since now.
            stream.settled[0] = None;
            stream.detach(seat.serial);
            return Polled::Some;
        }
        let stream = it.account.stream(seat.stream);
        match &step {
            Poll::Ready(Step::Displaced { retry }) => {
                stream.displace(seat.serial);
                assert!(stream.may_retry(*retry, self.limits.retry), "told to wait {retry:?}");
                self.counts.displaced += 1;
            }
            Poll::Ready(Step::End) => stream.end(seat.serial),
            step => {
                assert!(stream.is_current(seat.serial), "it gives what is another connection's");
                stream.step(step, &self.on_gap, self.tick);
                self.counts.gaps[usize::from(seat.stream > 0)] +=
                    usize::from(matches!(step, Poll::Ready(Step::Gap(_))));
                self.counts.gap_updates +=
                    usize::from(matches!(step, Poll::Ready(Step::GapUpdate(_))));
            }
        }
        match step {
            Poll::Pending => {
                seat.source = Source::Stream;
                Polled::Waits
            }
            Poll::Ready(Step::Displaced { .. } | Step::End) => {
                seat.source = Source::Over;
                it.account.may_retire(before);
                Polled::Over
            }
            Poll::Ready(step) => {
                seat.source = Source::Stream;
                if let Step::Event { kind, .. } = &step {
                    self.given[usize::from(*kind != Kind::Answer)] += 1;
                }
                if let Step::Prime(id) | Step::Event { id, .. } = step {
                    it.cursors.insert(seat.stream, id);
                }
                Polled::Some
            }
        }
    }

    /// A connection that was left waiting is woken when there is more for it.
    fn check_wakers(&mut self) {
        for at in 0..self.seats.len() {
            let seat = &mut self.seats[at];
            let Some(count) = seat.waiting else { continue };
            if seat.alarm.count() > count {
                seat.waiting = None;
                continue;
            }
            let stream = self.peers[seat.peer].account.stream(seat.stream);
            let owes = match &stream.reader {
                Some(reader) if reader.serial == seat.serial => {
                    reader.connected == Known::Yes && stream.owes(reader)
                }
                _ => true,
            };
            assert!(!owes, "c{} was not woken", seat.serial);
        }
    }

    // --- time --------------------------------------------------------------------------------

    /// Time goes on, and the sweeper comes: in time, early, or after the process was frozen.
    pub(super) fn sweep(&mut self, after: Duration) {
        self.now = self.now.after(after);
        self.observe();
        self.reading = self.idle();
        self.observed = Some(self.now);
        let before: Vec<_> =
            self.peers.iter().map(|it| (it.account.is_busy(), it.session.bytes())).collect();
        let swept = self.registry.sweep(self.now);
        trace!(self, "sweep at {:?}, reading {:?}: {swept:?}", self.now, self.reading);
        let (mut least, mut most, mut retired, mut expired) = (0, 0, 0, 0);
        for (at, (busy, held)) in before.into_iter().enumerate() {
            let it = &mut self.peers[at];
            if it.account.ended {
                continue;
            }
            let swept = it.account.sweep(self.reading, self.tick, held);
            let ends = it.session.is_ended();
            it.account.judge_expiry(ends, busy, self.reading);
            if ends {
                self.ends(at, "session_ended");
                expired += 1;
                // What it swept before is not told.
                continue;
            }
            (least, most, retired) = (least + swept.0, most + swept.1, retired + swept.2);
        }
        assert_eq!(swept.expired, expired);
        assert!((least..=most).contains(&swept.detached), "{least} to {most} stalled");
        assert!(swept.retired <= retired, "{} retired, {retired} may be", swept.retired);
        self.counts.expired += expired;
        self.counts.stalled += swept.detached;
        self.counts.retired += swept.retired;
    }

    // --- what holds at all times -------------------------------------------------------------

    pub(super) fn check(&mut self) {
        self.check_wakers();
        let live = self.peers.iter().filter(|peer| !peer.account.ended).count();
        assert_eq!(self.registry.len(), live);
        for peer in &self.peers {
            assert_eq!(peer.session.is_ended(), peer.account.ended);
            let calls = if peer.account.ended { 0 } else { peer.account.in_flight() };
            assert_eq!(peer.session.calls_in_flight(), calls);
            peer.account.check_bytes(peer.session.bytes());
            peer.account.check_discarded(peer.session.discarded());
        }
        let held = |peer: &Peer| peer.session.bytes() + peer.account.subscriptions();
        let held: usize = self.peers.iter().map(held).sum();
        assert_eq!(self.held(), held, "what all logs and subscriptions hold");
        for work in &self.work {
            let Some(handler) = &work.handler else { continue };
            let stops = self.peers[work.peer].account.stops(work.call);
            assert_eq!(handler.stops(), stops, "call {} of s{}", work.call, work.peer);
        }
    }
}

enum Polled {
    Some,
    Waits,
    Over,
}

fn event_id(stream: u64, seq: u64) -> EventId {
    format!("{stream}-{seq}").parse().expect("an event id")
}

/// A message as a trace shows it.
fn shown(message: &Bytes) -> String {
    let text = String::from_utf8_lossy(message);
    match text.trim_end_matches('.') {
        text if text.len() < message.len() => format!("{text} of {} bytes", message.len()),
        text => text.to_owned(),
    }
}

fn shown_step(step: &Poll<Step>) -> String {
    match step {
        Poll::Pending => "waits".into(),
        Poll::Ready(Step::Event { id, message, kind }) => {
            format!("{id} {kind:?} {}", shown(message))
        }
        Poll::Ready(Step::Prime(id)) => format!("{id} primes"),
        Poll::Ready(Step::Gap(messages)) => {
            format!("gap {:?}", messages.iter().map(shown).collect::<Vec<_>>())
        }
        Poll::Ready(other) => format!("{other:?}"),
    }
}

fn principals() -> [Principal; 3] {
    [Principal::anonymous(), Principal::named("alice"), Principal::named("bob")]
}

/// Limits that are reached at once.
fn draw(random: &mut Random, scale: usize) -> Limits {
    let mut seconds = |least, most| Duration::from_secs(random.between(least, most) as u64);
    let (idle, idle_uninitialized) = (seconds(20, 200), seconds(10, 60));
    let (retention, stall) = (seconds(1, 120), seconds(10, 90));
    let stream_bytes = random.between(40, 160) * scale;
    Limits {
        requests: 3,
        input_timeout: Duration::from_secs(40),
        sessions: random.between(1, 5),
        sessions_per_principal: random.between(1, 3),
        sessions_per_address: random.between(1, 3),
        idle,
        idle_uninitialized,
        calls: random.between(1, 8),
        connections: usize::MAX,
        stream_messages: random.between(2, 10),
        stream_bytes,
        session_bytes: if random.once_in(2) { 1_000_000 } else { random.between(40, 500) * scale },
        total_bytes: if random.once_in(2) { 1_000_000 } else { random.between(60, 800) * scale },
        finished_streams: random.below(6),
        retention,
        tombstones: random.below(8),
        subscriptions: SubscriptionLimits {
            uris: random.between(1, 3),
            bytes: *random.pick(&[2, 100]),
        },
        stall,
        retry: Duration::from_secs(1),
        sweep_period: Duration::from_secs(10),
        ended_sessions: *random.pick(&[16, 32, 1_600]),
    }
}
