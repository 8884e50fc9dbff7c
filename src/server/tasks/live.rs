//! A task that runs in this process: the newest of it, and who wants to know.

use std::sync::PoisonError;
use std::task::{Poll, Waker};

use super::Clock;
use super::task::{State, Task};
use crate::protocol::budget::Share;
use crate::protocol::jsonrpc::RpcError;
use crate::protocol::principal::Principal;
use crate::protocol::sync::{Mutex, MutexGuard};
use crate::protocol::timestamp::Timestamp;
use crate::server::ask::{Answer, Question};
use crate::server::context::Context;
use crate::server::raw::{RawJson, excerpt};

/// The longest status message, in bytes.
pub(super) const MAX_MESSAGE: usize = 1024;

/// A task that runs.
///
/// Whoever changes it does so under one lock: the handler by what it says and how it ends, its
/// client by answers and by cancelling it, the sweeper and the drain by ending it. A task that has
/// ended never changes again (ext-tasks, Task Status). Each change is a version, so that those who
/// watch it see the newest and no two changes out of order.
pub(crate) struct LiveTask {
    owner: Principal,
    clock: Clock,
    max_bytes: usize,
    state: Mutex<Live>,
}

struct Live {
    task: Task,
    version: Version,
    saved: Version,
    /// The call, until it has ended.
    call: Option<Context>,
    /// What was asked and has no answer yet.
    questions: Vec<Question>,
    last_progress: Option<f64>,
    share: Share,
    driver: Option<Waker>,
    /// Those who watch it, each at a place of its own.
    watchers: Vec<Watcher>,
}

/// A place of one who watches, whose it is until it leaves.
enum Watcher {
    Gone,
    /// To be woken by the next change; none if it was, and has not looked again.
    Here(Option<Waker>),
}

/// Which change of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u64);

/// What is left to do once the lock is released: a waker may run code of others at once.
#[derive(Default)]
#[must_use]
struct After {
    wake: Vec<Waker>,
    /// The call of a task that has ended.
    ended: Option<Context>,
}

/// How a task ends early, for its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Done,
    Cancelled,
}

impl LiveTask {
    /// A task that has just begun.
    pub(super) fn new(
        task: Task,
        call: Context,
        clock: Clock,
        max_bytes: usize,
        share: Share,
    ) -> Self {
        let owner = call.principal().clone();
        let state = Live {
            task,
            version: Version(1),
            saved: Version(1),
            call: Some(call),
            questions: Vec::new(),
            last_progress: None,
            share,
            driver: None,
            watchers: Vec::new(),
        };
        Self { owner, clock, max_bytes, state: Mutex::new(state) }
    }

    pub(super) fn owner(&self) -> &Principal {
        &self.owner
    }

    /// The newest of it.
    pub(crate) fn task(&self) -> Task {
        self.lock().task.clone()
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().task.status().is_terminal()
    }

    /// What the handler says of how far it is. As elsewhere, it counts if it rises: a handler that
    /// is run anew says again what it said.
    pub(crate) fn note_progress(&self, progress: f64, message: &str) {
        let message = excerpt(message, MAX_MESSAGE);
        self.change(|live| {
            if !progress.is_finite() || live.last_progress.is_some_and(|last| progress <= last) {
                return false;
            }
            live.last_progress = Some(progress);
            let is_new = !message.is_empty() && live.task.status_message() != Some(message);
            if is_new {
                live.task.status_message = Some(message.to_owned());
            }
            is_new
        });
    }

    /// The handler has unwound with questions.
    pub(super) fn ask(&self, questions: Vec<Question>) {
        let state = State::asking(&questions);
        if let Err(refusal) = self.has_room(&state) {
            return self.finish(Err(refusal));
        }
        self.change(|live| {
            live.questions = questions;
            live.become_(state);
            true
        });
    }

    /// The client answers. What is not open is not looked at (ext-tasks, Task Update Requests: "A
    /// server SHOULD ignore any `inputResponses` responses mapped to a key that is not currently
    /// outstanding").
    ///
    /// # Errors
    ///
    /// If there is no room for an answer; those before it are taken.
    pub(crate) fn answer(&self, answers: Vec<(String, RawJson)>) -> Result<(), RpcError> {
        let (mut call, mut full) = (None, false);
        self.change(|live| {
            let before = live.questions.len();
            call = live.call.clone();
            let Some(call) = &call else { return false };
            for (key, answer) in answers {
                let Some(at) = live.questions.iter().position(|open| open.key == key) else {
                    continue;
                };
                if call.inputs().answer(&key, Answer::Result(answer)).is_err() {
                    full = true;
                    break;
                }
                live.questions.remove(at);
            }
            if live.questions.len() == before {
                return false;
            }
            let state = match &live.questions[..] {
                [] => State::Working,
                open => State::asking(open),
            };
            live.become_(state);
            true
        });
        // Outside the lock: it may run what polls at once.
        call.iter().for_each(Context::wake_handler);
        if full {
            return Err(RpcError::invalid_params("the answers are longer than a call may hold"));
        }
        Ok(())
    }

    /// The handler has ended.
    pub(super) fn finish(&self, outcome: Result<RawJson, RpcError>) {
        let outcome = outcome.map(|result| State::Completed { result });
        match outcome.and_then(|state| self.has_room(&state).map(|()| state)) {
            Ok(state) => self.end(state, None, Call::Done),
            Err(error) => self.fail(error, Call::Done),
        }
    }

    /// The client cancels it (ext-tasks, Task Cancellation). What has ended stays what it is.
    pub(crate) fn cancel(&self) {
        self.end(State::Cancelled, Some("The client cancelled the task"), Call::Cancelled);
    }

    /// The server ends it early, for this reason.
    pub(crate) fn abort(&self, why: &'static str) {
        self.fail(RpcError::internal(why), Call::Cancelled);
    }

    /// ext-tasks, Task Execution Errors: "SHOULD include a `statusMessage` field with diagnostic
    /// information about the failure, and MUST include the `error` field".
    fn fail(&self, error: RpcError, call: Call) {
        let message = excerpt(&error.message, MAX_MESSAGE).to_owned();
        let json = RawJson::from_serialize(&error).expect("an RpcError holds only what JSON can");
        let state = match self.has_room(&State::Failed { error: json.clone() }) {
            Ok(()) => State::Failed { error: json },
            Err(shorter) => State::Failed {
                error: RawJson::from_serialize(&shorter).expect("text and a number are JSON"),
            },
        };
        self.end(state, Some(&message), call);
    }

    fn end(&self, state: State, message: Option<&str>, call: Call) {
        let ended = self.change(|live| {
            live.questions = Vec::new();
            live.become_(state);
            if let Some(message) = message {
                live.task.status_message = Some(message.to_owned());
            }
            true
        });
        if let (Some(ended), Call::Cancelled) = (&ended, call) {
            ended.cancel();
        }
    }

    /// Whether there is room for what belongs to a state.
    fn has_room(&self, state: &State) -> Result<(), RpcError> {
        let (bytes, limit) = (state.bytes(), self.max_bytes);
        if bytes > limit {
            let message = format!("The result or the questions of the task exceed {limit} bytes");
            return Err(RpcError::internal(message));
        }
        if !self.lock().share.budget().has_last_room(bytes) {
            let message = "The server holds as many bytes of results of tasks as it may";
            return Err(RpcError::internal(message));
        }
        Ok(())
    }

    /// Changes it, unless it has ended. `change` says whether anything is new. What a task that ends
    /// with it had as its call is returned.
    fn change(&self, change: impl FnOnce(&mut Live) -> bool) -> Option<Context> {
        let mut live = self.lock();
        if live.task.status().is_terminal() || !change(&mut live) {
            return None;
        }
        let After { wake, ended } = live.changed((self.clock)());
        drop(live);
        wake.into_iter().for_each(Waker::wake);
        ended
    }

    /// The newest of it if it is newer than `seen`; else the waker takes the slot, or a free one,
    /// and is woken by the next change.
    pub(crate) fn poll_newer(
        &self,
        seen: Version,
        slot: &mut Option<usize>,
        waker: &Waker,
    ) -> Poll<(Version, Task)> {
        let mut live = self.lock();
        if live.version > seen {
            return Poll::Ready((live.version, live.task.clone()));
        }
        let free = || live.watchers.iter().position(|place| matches!(place, Watcher::Gone));
        let index = slot.or_else(free).unwrap_or(live.watchers.len());
        if index == live.watchers.len() {
            live.watchers.push(Watcher::Gone);
        }
        *slot = Some(index);
        let watcher = Watcher::Here(Some(waker.clone()));
        let before = std::mem::replace(&mut live.watchers[index], watcher);
        // A waker may own what watches: it is dropped outside the lock.
        drop(live);
        drop(before);
        Poll::Pending
    }

    /// Nobody watches by this slot any more.
    pub(crate) fn leave(&self, slot: usize) {
        let mut live = self.lock();
        let place = live.watchers.get_mut(slot);
        let before = place.map(|place| std::mem::replace(place, Watcher::Gone));
        drop(live);
        drop(before);
    }

    /// Has the waker woken by the next change.
    pub(super) fn register(&self, waker: &Waker) {
        let mut live = self.lock();
        if live.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return;
        }
        let before = live.driver.replace(waker.clone());
        drop(live);
        drop(before);
    }

    /// What is to be saved, once: the newest, whatever was before.
    pub(super) fn take_unsaved(&self) -> Option<Task> {
        let mut live = self.lock();
        let unsaved = (live.saved < live.version).then(|| live.task.clone());
        live.saved = live.version;
        unsaved
    }

    /// What it holds of what all tasks may, for as long as it is kept.
    pub(super) fn take_share(&self) -> Share {
        let mut live = self.lock();
        let nothing = Share::of(live.share.budget());
        std::mem::replace(&mut live.share, nothing)
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        // The state is whole between any two steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn become_(&mut self, state: State) {
        self.share.shrink(self.share.bytes());
        self.share.grow(state.bytes());
        self.task.state = state;
    }

    fn changed(&mut self, now: Timestamp) -> After {
        self.version = Version(self.version.0 + 1);
        // A clock that is set back does not make it older.
        self.task.last_updated_at = self.task.last_updated_at.max(now);
        let ended = self.call.take_if(|_| self.task.status().is_terminal());
        let watchers = self.watchers.iter_mut().filter_map(Watcher::take);
        After { wake: watchers.chain(self.driver.take()).collect(), ended }
    }
}

impl Watcher {
    fn take(&mut self) -> Option<Waker> {
        match self {
            Self::Gone => None,
            Self::Here(waker) => waker.take(),
        }
    }
}
