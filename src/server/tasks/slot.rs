//! Whether a call is a task, or may become one: what its context keeps of it.

use std::sync::{Arc, OnceLock, PoisonError, Weak};

use super::live::{LiveTask, MAX_MESSAGE};
use super::support::{Start, TaskPlan};
use crate::protocol::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::server::raw::excerpt;

/// The place of a task in a call. It is empty for a call that cannot become one.
#[derive(Default)]
pub(crate) struct TaskSlot {
    plan: OnceLock<TaskPlan>,
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
        let first = self.plan.set(plan).is_ok();
        debug_assert!(first, "a call is looked at once");
        if plan.start == Start::AtOnce {
            self.want();
        }
    }

    /// How it may become one, if it may.
    pub(crate) fn planned(&self) -> Option<TaskPlan> {
        self.plan.get().copied()
    }

    /// Says that it is one from here on, if it may be; whether that is so.
    pub(crate) fn want(&self) -> bool {
        if self.plan.get().is_some() {
            self.wanted.store(true, Ordering::Release);
        }
        self.is_wanted()
    }

    /// Whether it is one, or is to be.
    pub(crate) fn is_wanted(&self) -> bool {
        self.plan.get().is_some() && self.wanted.load(Ordering::Acquire)
    }

    /// It has become this one, to which all counts that was said since it was wanted.
    pub(crate) fn becomes(&self, live: &Arc<LiveTask>) {
        let first = self.live.set(Arc::downgrade(live)).is_ok();
        debug_assert!(first, "a call becomes one task");
        let early = self.early().take();
        if let Some(early) = early {
            live.note_progress(early.progress, &early.message);
        }
    }

    /// What the handler says of how far it is, of a call that is a task or is to be one.
    pub(crate) fn note_progress(&self, progress: f64, message: &str) {
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
