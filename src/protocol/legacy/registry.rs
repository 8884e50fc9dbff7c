//! All sessions of a process: opening, finding, ending and sweeping them.

use std::borrow::Borrow;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::{Arc, PoisonError};

use bytes::Bytes;

use super::clock::IdleClock;
use super::id::SessionId;
use super::limits::Limits;
use super::session::{Account, Opening, Session, Shared, SweptSession};
use super::state::End;
use crate::protocol::budget::Budget;
use crate::protocol::client_addr::AddressBlock;
use crate::protocol::principal::Principal;
use crate::protocol::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::protocol::time::Millis;

const SHARDS: usize = 16;

/// What a stream may keep however short memory is: it would free too little.
const LITTLE: usize = 4 * 1024;

/// There are as many sessions as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtCapacity {
    InAll,
    OfPrincipal,
    OfAddress,
}

/// What is known of a session id.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    /// The session lives, and belongs to the principal who asks.
    Live(Arc<Session>),
    /// It ended, and is never to be brought back.
    Ended,
    /// It was never opened, ended too long ago to be remembered, or belongs to someone else.
    Unknown,
}

/// What became of a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The session ended by it.
    Done,
    /// There is no such session, or no longer, or not for this principal.
    Unknown,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Sessions that were idle for too long.
    pub(crate) expired: usize,
    /// Streams that were kept for their time.
    pub(crate) retired: usize,
    /// Connections that did not take what was there for them.
    pub(crate) detached: usize,
    /// Requests to clients that had no answer in time.
    pub(crate) timed_out: usize,
}

/// What a shutdown ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShutDown {
    pub(crate) sessions: usize,
    pub(crate) calls: usize,
}

/// The sessions. Shared by all connections of a service.
#[derive(Debug)]
pub(crate) struct Registry {
    shards: [Apart<Mutex<Shard>>; SHARDS],
    census: Mutex<Census>,
    clock: Mutex<IdleClock>,
    /// What the clock read at the last sweep.
    reading: AtomicU64,
    shared: Arc<Shared>,
}

/// In cache lines of its own, of which processors fetch two: so that who writes to one shard does
/// not wait for who writes to the next.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

#[derive(Debug, Default)]
struct Shard {
    live: HashMap<SessionId, Arc<Session>, ById>,
    ended: HashMap<SessionId, Principal, ById>,
    ended_order: VecDeque<SessionId>,
}

/// Exact counts of the sessions there are.
#[derive(Debug, Default)]
struct Census {
    total: usize,
    by_principal: HashMap<Arc<str>, usize>,
    by_address: HashMap<AddressBlock, usize>,
}

type ById = BuildHasherDefault<IdHasher>;

/// Passes on the hash that an id makes of its own randomness. Ids that clients make up are only
/// looked up and never inserted, so they cannot crowd a bucket.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a session id hashes itself with write_u64");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Registry {
    /// An empty registry. `on_gap` are the notifications that a standalone stream says where some
    /// of its messages are missing: one for everything that may have changed.
    pub(crate) fn new(limits: Limits, on_gap: Vec<Bytes>) -> Self {
        Self {
            shards: std::array::from_fn(|_| Apart::default()),
            census: Mutex::default(),
            clock: Mutex::new(IdleClock::new(limits.sweep_period)),
            reading: AtomicU64::new(0),
            shared: Arc::new(Shared { budget: Budget::new(limits.total_bytes), limits, on_gap }),
        }
    }

    /// Opens a session under an id that the caller made of fresh randomness.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] if the limit in all, of the principal or of the address is reached. It is
    /// also the answer to an id that is in use or was, which randomness does not bring about.
    pub(crate) fn open(&self, id: SessionId, opening: Opening) -> Result<Arc<Session>, AtCapacity> {
        lock(&self.census).admit(opening.account(), &self.shared.limits)?;
        let session = Session::open(id, opening, Arc::clone(&self.shared), self.reading());
        {
            let mut shard = lock(self.shard(&id));
            let was = shard.ended.contains_key(&id);
            if let (Entry::Vacant(entry), false) = (shard.live.entry(id), was) {
                entry.insert(Arc::clone(&session));
                return Ok(session);
            }
        }
        lock(&self.census).release(session.account());
        Err(AtCapacity::InAll)
    }

    /// Finds a session for a principal, and notes that its client spoke.
    ///
    /// To a foreign principal it is unknown, in every respect (decision 17).
    pub(crate) fn find(&self, id: &SessionId, principal: &Principal) -> Lookup {
        let shard = lock(self.shard(id));
        match shard.live.get(id) {
            Some(session) if session.principal() == principal => {
                session.touch(self.reading());
                Lookup::Live(Arc::clone(session))
            }
            Some(_) => Lookup::Unknown,
            None if shard.ended.get(id) == Some(principal) => Lookup::Ended,
            None => Lookup::Unknown,
        }
    }

    /// Ends a session on behalf of a principal.
    pub(crate) fn end(&self, id: &SessionId, principal: &Principal) -> Ending {
        let Lookup::Live(session) = self.find(id, principal) else { return Ending::Unknown };
        match session.end(End::Deleted) {
            Ok(()) => {
                self.forget(&session);
                Ending::Done
            }
            Err(_) => Ending::Unknown,
        }
    }

    /// Expires idle sessions, retires old streams, detaches readers that do not read. To be
    /// called once in every `sweep_period`.
    ///
    /// A session with a call in flight or with a connected stream is not idle.
    pub(crate) fn sweep(&self, now: Millis) -> Swept {
        let reading = lock(&self.clock).observe(now);
        self.reading.fetch_max(reading.0, Ordering::Relaxed);
        let mut swept = Swept::default();
        for shard in &self.shards {
            // Sessions are swept outside the shard's lock: to end one runs the code of others.
            let sessions: Vec<_> = lock(&shard.0).live.values().cloned().collect();
            for session in sessions {
                match session.sweep(reading) {
                    SweptSession::Kept(tidied) => {
                        swept.retired += tidied.retired;
                        swept.detached += tidied.detached;
                        swept.timed_out += tidied.timed_out;
                    }
                    SweptSession::Expired => {
                        swept.expired += 1;
                        self.forget(&session);
                    }
                }
            }
            lock(&shard.0).give_back();
        }
        swept
    }

    /// Ends all sessions, because the server does. Each call that still runs gets an error that
    /// says so.
    pub(crate) fn shut_down(&self) -> ShutDown {
        let mut count = ShutDown::default();
        for session in self.sessions() {
            let calls = session.calls_in_flight();
            if let Ok(()) = session.end(End::ShutDown) {
                self.forget(&session);
                count.sessions += 1;
                count.calls += calls;
            }
        }
        count
    }

    /// Makes room in the budget if something had none: first goes what clients have read, then
    /// what they have not, each from those sessions that hold the most, until a quarter is free.
    /// Whoever asks for what is gone is told. How many bytes went.
    ///
    /// It looks at every session. Where others than logs hold so much that it would be of no use,
    /// nothing goes that was not read.
    pub(crate) fn relieve(&self) -> usize {
        let budget = self.budget();
        let enough = budget.limit() / 4 * 3;
        let before = budget.held();
        if before <= enough {
            return 0;
        }
        let mut sessions: Vec<_> = self.sessions().into_iter().map(|it| (it.bytes(), it)).collect();
        sessions.retain(|(bytes, _)| *bytes > LITTLE);
        sessions.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let until_enough = |go: fn(&Session)| {
            let enough = || budget.held() <= enough;
            sessions.iter().take_while(|_| !enough()).for_each(|(_, session)| go(session));
        };
        until_enough(Session::drop_read);
        // Logs are not the only holders. What nobody has read goes only where that is of use.
        let logs: usize = sessions.iter().map(|(_, session)| session.bytes()).sum();
        if budget.held() <= enough + logs {
            until_enough(|session| session.drop_unread(LITTLE));
        }
        before.saturating_sub(budget.held())
    }

    /// What all messages that wait to be read count towards.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.shared.budget
    }

    /// All sessions that live, for what concerns all of them.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        let shards = self.shards.iter();
        shards.flat_map(|shard| lock(&shard.0).live.values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Does something with every session that lives. It may run code of others: no lock is held.
    pub(crate) fn for_each(&self, act: impl Fn(&Session)) {
        let mut sessions = Vec::new();
        for shard in &self.shards {
            sessions.extend(lock(&shard.0).live.values().cloned());
            sessions.drain(..).for_each(|session: Arc<Session>| act(&session));
        }
    }

    /// How many sessions live.
    pub(crate) fn len(&self) -> usize {
        lock(&self.census).total
    }

    /// How often [`sweep`](Self::sweep) is to be called, and all other limits.
    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Moves an ended session to those that are only remembered.
    fn forget(&self, session: &Session) {
        let id = session.id();
        // Not the principal's data: a credential need not be kept for this.
        let owner = session.principal().name().map(Principal::named).unwrap_or_default();
        let removed = {
            let mut shard = lock(self.shard(&id));
            let removed = shard.live.remove(&id);
            shard.remember(id, owner, self.shared.limits.ended_sessions.div_ceil(SHARDS));
            removed
        };
        if removed.is_some() {
            lock(&self.census).release(session.account());
        }
    }

    fn reading(&self) -> Millis {
        Millis(self.reading.load(Ordering::Relaxed))
    }

    fn shard(&self, id: &SessionId) -> &Mutex<Shard> {
        let mut hasher = IdHasher::default();
        id.hash(&mut hasher);
        // The map takes the lowest and the highest bits.
        &self.shards[(hasher.finish() >> 32) as usize % SHARDS].0
    }
}

impl Shard {
    /// Gives back what a crowd of sessions needed, once most of it has gone. What is left has room
    /// to double, so that a number that goes up and down does not move the map each time.
    fn give_back(&mut self) {
        const ROOMY: usize = 64;
        let sessions = self.live.len().max(ROOMY);
        if self.live.capacity() > 4 * sessions {
            self.live.shrink_to(2 * sessions);
        }
    }

    fn remember(&mut self, id: SessionId, owner: Principal, limit: usize) {
        // It only fills until it is full, so this is passed once. From then on each insertion
        // comes with a removal; a map that is more than half full would grow by that, sooner or
        // later.
        if self.ended_order.len() == limit.div_ceil(2) {
            self.ended.reserve(2 * limit - self.ended.len());
        }
        if self.ended.insert(id, owner).is_none() {
            self.ended_order.push_back(id);
        }
        while self.ended_order.len() > limit {
            if let Some(oldest) = self.ended_order.pop_front() {
                self.ended.remove(&oldest);
            }
        }
    }
}

impl Census {
    fn admit(&mut self, account: Account<'_>, limits: &Limits) -> Result<(), AtCapacity> {
        if self.total >= limits.sessions {
            return Err(AtCapacity::InAll);
        }
        match account {
            Account::Principal(name) => {
                let has = self.by_principal.get(name).copied().unwrap_or_default();
                if has >= limits.sessions_per_principal {
                    return Err(AtCapacity::OfPrincipal);
                }
                match self.by_principal.get_mut(name) {
                    Some(count) => *count += 1,
                    None => drop(self.by_principal.insert(name.into(), 1)),
                }
            }
            Account::Address(address) => {
                let has = self.by_address.get(&address).copied().unwrap_or_default();
                if has >= limits.sessions_per_address {
                    return Err(AtCapacity::OfAddress);
                }
                self.by_address.insert(address, has + 1);
            }
            Account::Unknown => {}
        }
        self.total += 1;
        Ok(())
    }

    fn release(&mut self, account: Account<'_>) {
        self.total -= 1;
        match account {
            Account::Principal(name) => release(&mut self.by_principal, name),
            Account::Address(address) => release(&mut self.by_address, &address),
            Account::Unknown => {}
        }
    }
}

/// One less; what has none is forgotten, so that the map is no longer than there are sessions.
fn release<K, Q>(counts: &mut HashMap<K, usize>, key: &Q)
where
    K: Borrow<Q> + Eq + Hash,
    Q: Eq + Hash + ?Sized,
{
    let Some(count) = counts.get_mut(key) else { return };
    *count -= 1;
    if *count == 0 {
        counts.remove(key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What runs under these locks does not leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::version::ProtocolVersion;

    fn opening() -> Opening {
        Opening {
            version: ProtocolVersion::V2025_11_25,
            principal: Principal::anonymous(),
            address: None,
            client_info: None,
            client_capabilities: None,
        }
    }

    #[test]
    fn what_a_crowd_of_sessions_needed_is_given_back_after_it() {
        const CROWD: usize = 20_000;
        let registry = Registry::new(Limits { sessions: CROWD, ..Limits::default() }, Vec::new());
        let capacity = || registry.shards.iter().map(|shard| lock(&shard.0).live.capacity()).sum();
        let mut random = 0_u64;
        for _ in 0..CROWD {
            let mut bytes = [0; SessionId::BYTES];
            for eight in bytes.chunks_mut(8) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                eight.copy_from_slice(&random.swap_bytes().to_ne_bytes()[..eight.len()]);
            }
            registry.open(SessionId::from_random(bytes), opening()).unwrap();
        }
        registry.sweep(Millis(0));
        assert!(capacity() >= CROWD, "nothing is given back while it is needed");
        for session in registry.sessions() {
            registry.end(&session.id(), &Principal::anonymous());
        }
        registry.sweep(Millis(0));
        let left: usize = capacity();
        assert!(left < CROWD / 4, "room for {left} sessions was kept for none");
    }

    #[test]
    fn what_is_remembered_of_ended_sessions_takes_the_same_room_for_ever() {
        const LIMIT: usize = 256;
        let (mut shard, mut room) = (Shard::default(), 0);
        for n in 0..100 * LIMIT as u64 {
            let mut bytes = [0; SessionId::BYTES];
            // Spread over the map as random ids are.
            let hash = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            bytes[..8].copy_from_slice(&hash.to_ne_bytes());
            shard.remember(SessionId::from_random(bytes), Principal::anonymous(), LIMIT);
            match shard.ended_order.len() {
                LIMIT if room == 0 => room = shard.ended.capacity(),
                LIMIT => assert!(shard.ended.capacity() <= room, "it grew after {n} sessions"),
                _ => {}
            }
        }
        assert_eq!(shard.ended.len(), LIMIT);
    }

    /// One lock for all sessions would have each request wait for every other.
    #[test]
    fn sessions_spread_over_all_shards_by_their_randomness() {
        const EACH: usize = 256;
        let sessions = SHARDS * EACH;
        let registry = Registry::new(Limits { sessions, ..Limits::default() }, Vec::new());
        assert_eq!(registry.limits().sessions, sessions);
        let mut random = 0_u64;
        for _ in 0..sessions {
            let mut bytes = [0; SessionId::BYTES];
            for eight in bytes.chunks_mut(8) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                eight.copy_from_slice(&random.to_be_bytes());
            }
            registry.open(SessionId::from_random(bytes), opening()).unwrap();
        }
        // By chance alone, each is within six standard deviations of its part.
        let within = EACH - 6 * 16..EACH + 6 * 16;
        assert!(registry.shards.iter().all(|shard| within.contains(&lock(&shard.0).live.len())));
        assert_eq!(registry.sessions().len(), sessions);
    }
}
