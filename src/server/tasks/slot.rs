//! Whether a call is a task, or may become one: what its context keeps of it.

use std::sync::{Arc, OnceLock, PoisonError, Weak};

use super::live::{LiveTask, MAX_MESSAGE};
use super::support::{Start, TaskPlan};
use crate::protocol::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::server::raw::excerpt;

/// The place of a task in a call. It is empty for a call that cannot become one, as nearly all are.
#[derive(Default)]
pub(crate) struct TaskSlot {
    planned: OnceLock<Box<Planned>>,
}

/// What there is of a call that may become a task.
struct Planned {
    plan: TaskPlan,
    wanted: AtomicBool,
    live: OnceLock<Weak<LiveTask>>,
    /// What was said when it was to be a task and was none yet.
    early: Mutex<Option<Box<Early>>>,
}

/// Progress, as far as it goes up.
struct Early {
    progress: f64,
    message: String,
}

impl TaskSlot {
    /// The call may become a task, by this plan.
    pub(crate) fn plan(&self, plan: TaskPlan) {
        let wanted = AtomicBool::new(plan.start == Start::AtOnce);
        let (live, early) = (OnceLock::new(), Mutex::new(None));
        let first = self.planned.set(Box::new(Planned { plan, wanted, live, early })).is_ok();
        debug_assert!(first, "a call is looked at once");
    }

    /// How it may become one, if it may.
    pub(crate) fn planned(&self) -> Option<TaskPlan> {
        self.planned.get().map(|planned| planned.plan)
    }

    /// Says that it is one from here on, if it may be; whether that is so.
    pub(crate) fn want(&self) -> bool {
        let Some(planned) = self.planned.get() else { return false };
        planned.wanted.store(true, Ordering::Release);
        true
    }

    /// Whether it is one, or is to be.
    pub(crate) fn is_wanted(&self) -> bool {
        self.planned.get().is_some_and(|planned| planned.wanted.load(Ordering::Acquire))
    }

    /// It has become this one, to which all counts that was said since it was wanted.
    pub(crate) fn becomes(&self, live: &Arc<LiveTask>) {
        let planned = self.planned.get().expect("what becomes a task was planned to");
        let first = planned.live.set(Arc::downgrade(live)).is_ok();
        debug_assert!(first, "a call becomes one task");
        let early = planned.early().take();
        if let Some(early) = early {
            live.note_progress(early.progress, &early.message);
        }
    }

    /// What the handler says of how far it is, of a call that is a task or is to be one.
    pub(crate) fn note_progress(&self, progress: f64, message: &str) {
        if let Some(planned) = self.planned.get() {
            planned.note_progress(progress, message);
        }
    }
}

impl Planned {
    fn note_progress(&self, progress: f64, message: &str) {
        let mut early = self.early();
        if let Some(live) = self.live.get() {
            drop(early);
            if let Some(live) = live.upgrade() {
                live.note_progress(progress, message);
            }
        } else if progress.is_finite() && early.as_ref().is_none_or(|it| progress > it.progress) {
            let message = match (message, early.take()) {
                ("", before) => before.map(|it| it.message).unwrap_or_default(),
                (message, _) => excerpt(message, MAX_MESSAGE).to_owned(),
            };
            *early = Some(Box::new(Early { progress, message }));
        }
    }

    fn early(&self) -> MutexGuard<'_, Option<Box<Early>>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
