//! The outbox: what a handler says on its own request's stream, before and after its response
//! is framed.
//!
//! A handler never waits to speak. Until someone takes the messages they are queued, within
//! limits; then either a response body polls them out one by one, or they go straight into a
//! session's log. Whoever holds the lock of a [`Sink`] must not call its outbox: the outbox's
//! lock is taken first, so that messages reach the sink in the order in which they were said.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use bytes::Bytes;
use serde_json::json;

use super::notification;
use crate::protocol::budget::{Budget, Share};
use crate::protocol::log_level::LogLevel;
use crate::protocol::sync::{AtomicU8, Mutex, MutexGuard, Ordering};

/// Who says that log messages were dropped.
const LOGGER: &str = "mcp-http";

/// How much an outbox holds while nobody takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutboxLimits {
    /// Messages; 4,096 by default.
    pub(crate) messages: usize,
    /// Bytes of all messages together; 1 MiB by default.
    pub(crate) bytes: usize,
}

/// What the outboxes of several calls have in common.
#[derive(Debug)]
pub(crate) struct OutboxRoom {
    /// How much each may hold.
    pub(crate) limits: OutboxLimits,
    /// What all may hold together, with all others.
    pub(crate) budget: Arc<Budget>,
}

/// A message that a handler said, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) bytes: Bytes,
    pub(crate) kind: OutgoingKind,
}

/// What a message is, for those who must choose what to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutgoingKind {
    /// A progress notification: a later one makes it needless.
    Progress,
    /// A log message.
    Log,
    /// What stands for this many log messages that had no room.
    Dropped(u64),
    /// A request to the client, by its id.
    Request(u64),
}

/// Where messages go at once: a session's log.
pub(crate) trait Sink: Send + Sync {
    /// Takes a message. It is called under the outbox's lock and must not call the outbox. What
    /// becomes of a request that has no room is the sink's own business.
    ///
    /// # Errors
    ///
    /// There is no room for it now, or ever.
    fn send(&self, message: Outgoing) -> Result<(), NoRoom>;

    /// Ends the connection of the call's stream once it was given what is there. It is called under
    /// the outbox's lock.
    fn close_stream(&self) {}

    /// Whether a log message of so many bytes would fit behind a marker. What is kept free for a
    /// marker is spent by one, so none is sent that nothing can follow, but for the last.
    fn has_room(&self, bytes: usize) -> bool;
}

/// A sink has no room for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// Why an outbox does not take a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestRefused {
    NoRoom,
    /// Nobody can be told any more.
    Closed,
}

/// The messages of one call.
pub(crate) struct Outbox {
    room: Arc<OutboxRoom>,
    /// The level of the message that stands for dropped ones.
    gap_level: LogLevel,
    /// A [`Usage`]. Most calls say nothing: they have no more than this of their outbox.
    usage: AtomicU8,
    state: OnceLock<Box<Mutex<State>>>,
}

#[derive(Clone, Copy)]
enum Usage {
    /// Nothing was said or asked for, and nobody waits for it.
    Unused,
    /// The same, and no more is taken: who takes the lock first is to write that into the state.
    EndedUnused,
    /// What holds stands in the state. It does not change any more.
    InUse,
}

struct State {
    mode: Mode,
    close: Close,
    last_progress: Option<f64>,
    /// Messages that came after the end.
    discarded: u64,
    /// Who polls, or waits for the first message.
    waker: Option<Waker>,
}

/// Whether the handler wants the connection of its stream to end.
#[derive(PartialEq)]
enum Close {
    NotAsked,
    /// Once there is a stream.
    Asked,
}

enum Mode {
    /// Nobody has said where the messages go, or a body polls them out.
    Queue(Queue),
    /// A sink takes them.
    Forward(Forward),
    /// No more are taken, but those that are queued can still be polled out.
    Draining(Queue),
    /// No more are taken, and there are none.
    Closed,
}

/// What is left to do once the lock is released: a waker may run code of others at once, and
/// dropping a sink may end what it belongs to.
#[derive(Default)]
#[must_use]
struct After {
    wake: Option<Waker>,
    drop: Option<Forward>,
}

/// A sink, and what it had no room for.
struct Forward {
    sink: Arc<dyn Sink>,
    /// Log messages that did not fit since the last one that did.
    dropped_logs: u64,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    /// What they hold of what all may hold; none before the first.
    share: Option<Share>,
    /// Log messages that did not fit since the last one that did.
    dropped_logs: u64,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { messages: 4_096, bytes: 1_024 * 1_024 }
    }
}

impl Outbox {
    /// An outbox that queues. `gap_level` is the level of the message that stands for dropped
    /// ones; the client must have asked for that level.
    pub(crate) fn new(room: Arc<OutboxRoom>, gap_level: LogLevel) -> Self {
        Self { room, gap_level, usage: AtomicU8::new(Usage::Unused as u8), state: OnceLock::new() }
    }

    /// Says how far the call is. Progress that does not rise is ignored (2026-07-28, Progress:
    /// "The progress value MUST increase with each notification").
    pub(crate) fn send_progress(&self, progress: f64, bytes: Bytes) {
        let after = {
            let mut state = self.lock();
            if state.last_progress.is_some_and(|last| progress <= last) {
                return;
            }
            state.last_progress = Some(progress);
            let message = Outgoing { bytes, kind: OutgoingKind::Progress };
            state.accept(message, &self.room, self.gap_level)
        };
        after.run();
    }

    /// Says a log message.
    pub(crate) fn send_log(&self, bytes: Bytes) {
        let message = Outgoing { bytes, kind: OutgoingKind::Log };
        let after = self.lock().accept(message, &self.room, self.gap_level);
        after.run();
    }

    /// Says a request to the client. Once it has gone to a sink, the sink answers for it.
    ///
    /// # Errors
    ///
    /// There is no room for it, or nobody who could be told.
    pub(crate) fn send_request(&self, id: u64, bytes: Bytes) -> Result<(), RequestRefused> {
        let message = Outgoing { bytes, kind: OutgoingKind::Request(id) };
        let (said, after) = {
            let mut state = self.lock();
            match &mut state.mode {
                Mode::Queue(queue) => {
                    let said = queue.push_request(message, &self.room, self.gap_level);
                    (said, After { wake: state.waker.take(), drop: None })
                }
                Mode::Forward(forward) => {
                    forward.send(message, self.gap_level);
                    (Ok(()), After::default())
                }
                Mode::Draining(_) | Mode::Closed => (Err(RequestRefused::Closed), After::default()),
            }
        };
        after.run();
        said
    }

    /// Whether a message waits to be polled out.
    #[cfg(test)]
    pub(crate) fn has_messages(&self) -> bool {
        match &self.lock().mode {
            Mode::Queue(queue) | Mode::Draining(queue) => !queue.is_empty(),
            Mode::Forward(_) | Mode::Closed => false,
        }
    }

    /// Whether what was said, or asked for, needs a stream.
    pub(crate) fn needs_stream(&self) -> bool {
        if self.usage.load(Ordering::Acquire) != Usage::InUse as u8 {
            return false;
        }
        let state = self.lock();
        match &state.mode {
            Mode::Queue(_) | Mode::Draining(_) => !state.is_unsaid(),
            Mode::Forward(_) | Mode::Closed => false,
        }
    }

    /// Takes no more messages, if there is none and nothing was asked for: whether it was so.
    pub(crate) fn close_unsaid(&self) -> bool {
        if self.ends_unused() {
            return true;
        }
        let after = {
            let mut state = self.lock();
            match &state.mode {
                Mode::Closed => return true,
                Mode::Queue(_) | Mode::Draining(_) if state.is_unsaid() => {
                    state.discard(self.gap_level)
                }
                Mode::Queue(_) | Mode::Draining(_) | Mode::Forward(_) => return false,
            }
        };
        after.run();
        true
    }

    /// Asks for the end of the connection that the call's stream is on; if there is none yet, as
    /// soon as there is.
    pub(crate) fn close_stream(&self) {
        let after = {
            let mut state = self.lock();
            match &state.mode {
                Mode::Queue(_) => {
                    state.close = Close::Asked;
                    After { wake: state.waker.take(), drop: None }
                }
                Mode::Forward(forward) => {
                    forward.sink.close_stream();
                    After::default()
                }
                Mode::Draining(_) | Mode::Closed => After::default(),
            }
        };
        after.run();
    }

    /// Has `waker` woken by the next message, in place of the waker that was registered before.
    /// Look at [`has_messages`](Self::has_messages) afterwards: a message may have come already.
    pub(crate) fn register(&self, waker: &Waker) {
        let before = self.lock().waker.replace(waker.clone());
        // A waker may own a task, and with it this outbox: it is dropped outside the lock.
        drop(before);
    }

    /// Takes the next message; `None` once the outbox is closed and empty, or forwards.
    pub(crate) fn poll_next(&self, waker: &Waker) -> Poll<Option<Outgoing>> {
        let before = {
            let mut state = self.lock();
            let next = match &mut state.mode {
                Mode::Queue(queue) | Mode::Draining(queue) => queue.pop(self.gap_level),
                Mode::Forward(_) | Mode::Closed => None,
            };
            if next.is_some() || !matches!(state.mode, Mode::Queue(_)) {
                return Poll::Ready(next);
            }
            state.waker.replace(waker.clone())
        };
        drop(before);
        Poll::Pending
    }

    /// Sends what is queued into `sink`, in order, and from now on everything.
    pub(crate) fn forward_to(&self, sink: Arc<dyn Sink>) {
        let after = self.lock().forward_to(sink, self.gap_level);
        after.run();
    }

    /// Takes no more messages: later ones are discarded and counted. What is queued can still be
    /// polled out or forwarded.
    pub(crate) fn close(&self) {
        if self.ends_unused() {
            return;
        }
        let after = self.lock().close(self.gap_level);
        after.run();
    }

    /// Takes no more messages and discards those that are queued: nobody can be told.
    pub(crate) fn discard(&self) {
        if self.ends_unused() {
            return;
        }
        let after = self.lock().discard(self.gap_level);
        after.run();
    }

    /// How many messages were discarded because nobody could be told any more.
    #[cfg(test)]
    pub(crate) fn discarded(&self) -> u64 {
        self.lock().discarded
    }

    /// Ends it if it is unused: whether it has ended so, now or before.
    fn ends_unused(&self) -> bool {
        let (unused, ended) = (Usage::Unused as u8, Usage::EndedUnused as u8);
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self.usage.compare_exchange(unused, ended, success, failure) {
            Ok(_) => true,
            Err(found) => found == ended,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two steps: a sink that panics leaves it usable.
        let state = self.state.get_or_init(Box::default);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, used) = (Usage::EndedUnused as u8, Usage::InUse as u8);
        if self.usage.load(Ordering::Relaxed) != used
            && self.usage.swap(used, Ordering::AcqRel) == ended
        {
            state.mode = Mode::Closed;
        }
        state
    }
}

impl Default for State {
    fn default() -> Self {
        let (mode, close) = (Mode::Queue(Queue::default()), Close::NotAsked);
        Self { mode, close, last_progress: None, discarded: 0, waker: None }
    }
}

impl State {
    fn accept(&mut self, message: Outgoing, room: &OutboxRoom, gap_level: LogLevel) -> After {
        match &mut self.mode {
            Mode::Queue(queue) => {
                queue.push(message, room, gap_level);
                return After { wake: self.waker.take(), drop: None };
            }
            Mode::Forward(forward) => forward.send(message, gap_level),
            Mode::Draining(_) | Mode::Closed => self.discarded += 1,
        }
        After::default()
    }

    fn forward_to(&mut self, sink: Arc<dyn Sink>, gap_level: LogLevel) -> After {
        let mut after = After::default();
        let mut forward = Forward { sink, dropped_logs: 0 };
        self.mode = match std::mem::replace(&mut self.mode, Mode::Closed) {
            Mode::Queue(queue) => {
                queue.drain_into(&mut forward, gap_level);
                if std::mem::replace(&mut self.close, Close::NotAsked) == Close::Asked {
                    forward.sink.close_stream();
                }
                Mode::Forward(forward)
            }
            Mode::Forward(before) => {
                after.drop = Some(before);
                Mode::Forward(forward)
            }
            Mode::Draining(queue) => {
                queue.drain_into(&mut forward, gap_level);
                self.discarded += forward.end(gap_level);
                Mode::Closed
            }
            Mode::Closed => Mode::Closed,
        };
        after
    }

    /// Whether a queue holds nothing, and nothing else was asked for.
    fn is_unsaid(&self) -> bool {
        let (Mode::Queue(queue) | Mode::Draining(queue)) = &self.mode else { return false };
        queue.is_empty() && self.close == Close::NotAsked
    }

    fn close(&mut self, gap_level: LogLevel) -> After {
        let mut after = After { wake: self.waker.take(), drop: None };
        // Most calls say nothing: then there is nothing to drain either.
        if self.is_unsaid() {
            self.mode = Mode::Closed;
            return after;
        }
        self.mode = match std::mem::replace(&mut self.mode, Mode::Closed) {
            Mode::Queue(queue) | Mode::Draining(queue) => Mode::Draining(queue),
            Mode::Forward(mut forward) => {
                self.discarded += forward.end(gap_level);
                after.drop = Some(forward);
                Mode::Closed
            }
            Mode::Closed => Mode::Closed,
        };
        after
    }

    fn discard(&mut self, gap_level: LogLevel) -> After {
        let after = self.close(gap_level);
        if let Mode::Draining(queue) = std::mem::replace(&mut self.mode, Mode::Closed) {
            self.discarded += queue.messages.len() as u64 + queue.dropped_logs;
        }
        after
    }
}

impl After {
    #[inline]
    fn run(self) {
        if let Some(waker) = self.wake {
            waker.wake();
        }
        drop(self.drop);
    }
}

impl Forward {
    /// Passes a message on. Log messages without room are counted, and none passes the marker
    /// that stands for them; progress without room is needless.
    fn send(&mut self, message: Outgoing, gap_level: LogLevel) {
        match message.kind {
            // What has no room is needless.
            OutgoingKind::Progress => drop(self.sink.send(message)),
            OutgoingKind::Dropped(count) => self.dropped_logs += count,
            OutgoingKind::Request(_) => {
                if self.dropped_logs > 0 && self.sink.has_room(message.bytes.len()) {
                    self.end(gap_level);
                }
                let _ = self.sink.send(message);
            }
            OutgoingKind::Log => {
                if self.dropped_logs > 0 && self.sink.has_room(message.bytes.len()) {
                    self.end(gap_level);
                }
                if self.dropped_logs > 0 || self.sink.send(message).is_err() {
                    self.dropped_logs += 1;
                }
            }
        }
    }

    /// Says how many were dropped since the last one that fit; how many stay untold.
    fn end(&mut self, gap_level: LogLevel) -> u64 {
        if self.dropped_logs > 0 && self.sink.send(gap_marker(self.dropped_logs, gap_level)).is_ok()
        {
            self.dropped_logs = 0;
        }
        self.dropped_logs
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.dropped_logs == 0
    }

    fn push(&mut self, message: Outgoing, room: &OutboxRoom, gap_level: LogLevel) {
        match message.kind {
            OutgoingKind::Progress => self.push_progress(message, room),
            OutgoingKind::Log | OutgoingKind::Dropped(_) => {
                self.push_log(message, room, gap_level);
            }
            OutgoingKind::Request(_) => {
                let _ = self.push_request(message, room, gap_level);
            }
        }
    }

    /// Progress gives way to a request, and so does what is kept free of others in the budget.
    fn push_request(
        &mut self,
        message: Outgoing,
        room: &OutboxRoom,
        gap_level: LogLevel,
    ) -> Result<(), RequestRefused> {
        let length = message.bytes.len();
        while !self.fits_itself(1, length, room) {
            let is_progress = |queued: &Outgoing| queued.kind == OutgoingKind::Progress;
            let oldest = self.messages.iter().position(is_progress);
            let Some(needless) = oldest.and_then(|at| self.messages.remove(at)) else {
                return Err(RequestRefused::NoRoom);
            };
            self.shrink(needless.bytes.len());
        }
        if !room.budget.has_last_room(length) {
            room.budget.press();
            return Err(RequestRefused::NoRoom);
        }
        if self.dropped_logs > 0 {
            let marker = gap_marker(self.dropped_logs, gap_level);
            if self.fits_itself(2, length + marker.bytes.len(), room) {
                self.dropped_logs = 0;
                self.append(marker, room);
            }
        }
        self.append(message, room);
        Ok(())
    }

    /// When there is no room, the message takes the place of the newest progress in the queue,
    /// which it makes needless; it moves to the end, so that what was said stays in order.
    fn push_progress(&mut self, message: Outgoing, room: &OutboxRoom) {
        if self.fits(1, message.bytes.len(), room) {
            return self.append(message, room);
        }
        let is_progress = |queued: &Outgoing| queued.kind == OutgoingKind::Progress;
        let Some(newest) = self.messages.iter().rposition(is_progress) else { return };
        let freed = self.messages[newest].bytes.len();
        let bytes = self.bytes() - freed + message.bytes.len();
        if bytes <= room.limits.bytes && room.budget.has_room(message.bytes.len()) {
            self.messages.remove(newest);
            self.shrink(freed);
            self.append(message, room);
        }
    }

    /// A message that has no room is counted; a marker with the count stands in its place, so
    /// the next one that is to fit must leave room for the marker.
    fn push_log(&mut self, message: Outgoing, room: &OutboxRoom, gap_level: LogLevel) {
        let length = message.bytes.len();
        if self.dropped_logs > 0 && self.fits(2, length, room) {
            let marker = gap_marker(self.dropped_logs, gap_level);
            if self.fits(2, length + marker.bytes.len(), room) {
                self.dropped_logs = 0;
                self.append(marker, room);
            }
        }
        if self.dropped_logs == 0 && self.fits(1, length, room) {
            self.append(message, room);
        } else {
            self.dropped_logs += 1;
        }
    }

    fn pop(&mut self, gap_level: LogLevel) -> Option<Outgoing> {
        if let Some(message) = self.messages.pop_front() {
            self.shrink(message.bytes.len());
            return Some(message);
        }
        let dropped = std::mem::take(&mut self.dropped_logs);
        (dropped > 0).then(|| gap_marker(dropped, gap_level))
    }

    fn drain_into(mut self, forward: &mut Forward, gap_level: LogLevel) {
        while let Some(message) = self.pop(gap_level) {
            forward.send(message, gap_level);
        }
    }

    fn fits(&self, messages: usize, bytes: usize, room: &OutboxRoom) -> bool {
        if !room.budget.has_room(bytes) {
            room.budget.press();
            return false;
        }
        self.fits_itself(messages, bytes, room)
    }

    fn fits_itself(&self, messages: usize, bytes: usize, room: &OutboxRoom) -> bool {
        let (count, length) = (self.messages.len() + messages, self.bytes() + bytes);
        count <= room.limits.messages && length <= room.limits.bytes
    }

    fn append(&mut self, message: Outgoing, room: &OutboxRoom) {
        let share = self.share.get_or_insert_with(|| Share::of(&room.budget));
        share.grow(message.bytes.len());
        self.messages.push_back(message);
    }

    fn shrink(&mut self, bytes: usize) {
        if let Some(share) = &mut self.share {
            share.shrink(bytes);
        }
    }

    fn bytes(&self) -> usize {
        self.share.as_ref().map_or(0, Share::bytes)
    }
}

/// What stands for log messages that had no room, so that nothing vanishes in silence.
fn gap_marker(dropped: u64, level: LogLevel) -> Outgoing {
    let data = json!({ "dropped": dropped });
    let bytes = notification::message(level, Some(LOGGER), &data).expect("a number is JSON");
    Outgoing { bytes, kind: OutgoingKind::Dropped(dropped) }
}

#[cfg(test)]
mod tests;
