//! What a service counts while it runs. Nothing here waits, and what every call would touch is
//! left out: counting is for what is opened, ended, refused, or goes wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::observe;
use super::service::Shared;
use super::slow_body::Rest;
use super::watched::Watched;

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// The answer to a POST, with what its calls say before.
    Call,
    /// The standalone GET stream of a legacy session.
    Standalone,
    /// A `subscriptions/listen` of 2026-07-28.
    Listen,
}

/// How a stream's connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StreamEnd {
    /// All was said.
    Finished,
    /// The client left, or the connection broke.
    Disconnected,
    /// A newer connection took the stream, this one did not read, or its handler ended it.
    Displaced,
    /// It was as old as a stream may be.
    Aged,
    /// The server drained.
    Drained,
    /// Its reader left what was there unread for too long, where it could not come back.
    Stalled,
}

impl StreamKind {
    pub(crate) const ALL: [Self; 3] = [Self::Call, Self::Standalone, Self::Listen];

    /// The kind as metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Standalone => "standalone",
            Self::Listen => "listen",
        }
    }
}

impl StreamEnd {
    pub(crate) const ALL: [Self; 6] = [
        Self::Finished,
        Self::Disconnected,
        Self::Displaced,
        Self::Aged,
        Self::Drained,
        Self::Stalled,
    ];

    /// The reason as metrics name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Disconnected => "disconnected",
            Self::Displaced => "displaced",
            Self::Aged => "aged",
            Self::Drained => "drained",
            Self::Stalled => "stalled",
        }
    }
}

/// The counts of one service.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) heartbeats: Counter,
    pub(crate) sessions_opened: Counter,
    pub(crate) sessions_deleted: Counter,
    pub(crate) sessions_expired: Counter,
    pub(crate) sessions_shut_down: Counter,
    pub(crate) resumed: Counter,
    pub(crate) resumed_too_late: Counter,
    pub(crate) gaps: Counter,
    pub(crate) stalled_readers: Counter,
    pub(crate) cut_off_calls: Counter,
    pub(crate) evicted_bytes: Counter,
    pub(crate) unexpected_answers: Counter,
    pub(crate) inputs_timed_out: Counter,
    ends: [[Counter; StreamEnd::ALL.len()]; StreamKind::ALL.len()],
    refusals: Mutex<BTreeMap<&'static str, u64>>,
    open: [Mutex<OpenStreams>; StreamKind::ALL.len()],
    slow: Mutex<SlowBodies>,
    /// When a refusal may be a warning again.
    #[cfg(feature = "tracing")]
    pub(crate) warnings: super::observe::OnceASecond,
}

#[derive(Default)]
struct SlowBodies {
    begun: u64,
    bodies: BTreeMap<u64, Arc<Rest>>,
}

#[derive(Default)]
struct OpenStreams {
    opened: u64,
    streams: BTreeMap<u64, OpenStream>,
}

struct OpenStream {
    since: Instant,
    /// For the sweeper, where nothing else would notice that nobody reads it.
    watched: Option<Arc<Watched>>,
}

impl Counters {
    /// Counts a refusal by the name of its reason.
    pub(crate) fn refused(&self, reason: &'static str) {
        *lock(&self.refusals).entry(reason).or_default() += 1;
    }

    /// Counts a stream that ended in the moment in which it began.
    pub(crate) fn streamed_at_once(&self, kind: StreamKind) {
        observe::stream_opened(kind.as_str());
        self.ends[kind as usize][StreamEnd::Finished as usize].add(1);
        observe::stream_ended(kind.as_str(), Duration::ZERO, StreamEnd::Finished.as_str());
    }

    /// The refusals by reason.
    pub(crate) fn refusals(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.refusals).clone()
    }

    /// How many streams of a kind ended so.
    pub(crate) fn ends(&self, kind: StreamKind, end: StreamEnd) -> u64 {
        self.ends[kind as usize][end as usize].get()
    }

    /// The open streams that want to be watched.
    pub(crate) fn watched(&self) -> Vec<Arc<Watched>> {
        let open = lock(&self.open[StreamKind::Call as usize]);
        open.streams.values().filter_map(|it| it.watched.clone()).collect()
    }

    /// The bodies that want to be watched.
    pub(crate) fn slow_bodies(&self) -> Vec<Arc<Rest>> {
        lock(&self.slow).bodies.values().cloned().collect()
    }

    /// When each open stream of a kind was opened.
    pub(crate) fn open_since(&self, kind: StreamKind) -> Vec<Instant> {
        lock(&self.open[kind as usize]).streams.values().map(|it| it.since).collect()
    }
}

/// A body that the sweeper watches while it is there.
pub(crate) struct SlowGuard {
    shared: Arc<Shared>,
    key: u64,
}

impl SlowGuard {
    pub(crate) fn watch(shared: &Arc<Shared>, rest: &Arc<Rest>) -> Self {
        let mut slow = lock(&shared.counters.slow);
        slow.begun += 1;
        let key = slow.begun;
        slow.bodies.insert(key, Arc::clone(rest));
        drop(slow);
        Self { shared: Arc::clone(shared), key }
    }
}

impl Drop for SlowGuard {
    fn drop(&mut self) {
        lock(&self.shared.counters.slow).bodies.remove(&self.key);
    }
}

/// A stream that is counted while it is open.
pub(crate) struct StreamGuard {
    shared: Arc<Shared>,
    kind: StreamKind,
    key: u64,
    end: StreamEnd,
}

impl StreamGuard {
    /// Counts a stream as open. Unless something else is said, it ends with its client's leave.
    pub(crate) fn open(shared: &Arc<Shared>, kind: StreamKind) -> Self {
        let mut open = lock(&shared.counters.open[kind as usize]);
        open.opened += 1;
        let key = open.opened;
        open.streams.insert(key, OpenStream { since: Instant::now(), watched: None });
        drop(open);
        observe::stream_opened(kind.as_str());
        Self { shared: Arc::clone(shared), kind, key, end: StreamEnd::Disconnected }
    }

    /// Has the sweeper watch the stream.
    pub(crate) fn watch(&self, watched: Arc<Watched>) {
        let mut open = lock(&self.shared.counters.open[self.kind as usize]);
        if let Some(open) = open.streams.get_mut(&self.key) {
            open.watched = Some(watched);
        }
    }

    /// Notes how the stream ends.
    pub(crate) fn ends(&mut self, end: StreamEnd) {
        self.end = end;
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let counters = &self.shared.counters;
        counters.ends[self.kind as usize][self.end as usize].add(1);
        let stream = lock(&counters.open[self.kind as usize]).streams.remove(&self.key);
        let age = stream.map_or(Duration::ZERO, |stream| stream.since.elapsed());
        observe::stream_ended(self.kind.as_str(), age, self.end.as_str());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
