//! Whether a call is a task, or may become one: what its context keeps of it.

use std::sync::{Arc, OnceLock, Weak};

use super::live::LiveTask;
use super::support::{Start, TaskPlan};
use crate::protocol::sync::{AtomicBool, Ordering};

/// The place of a task in a call. It is empty for a call that cannot become one.
#[derive(Default)]
pub(crate) struct TaskSlot {
    plan: OnceLock<TaskPlan>,
    wanted: AtomicBool,
    live: OnceLock<Weak<LiveTask>>,
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

    /// It has become this one.
    pub(crate) fn becomes(&self, live: &Arc<LiveTask>) {
        let first = self.live.set(Arc::downgrade(live)).is_ok();
        debug_assert!(first, "a call becomes one task");
    }

    /// The task that it has become.
    pub(crate) fn live(&self) -> Option<&Weak<LiveTask>> {
        self.live.get()
    }
}
