//! The tasks that a `subscriptions/listen` tells of, each at its newest (ext-tasks, Task Status
//! Notifications).

use std::sync::Arc;
use std::task::{Poll, Waker, ready};

use crate::server::{Found, LiveTask, Task, Version};

/// Tasks that are watched. It holds no messages: what it tells is what a task is at that moment,
/// whatever was before.
#[derive(Default)]
pub(crate) struct TaskWatch {
    watched: Vec<Watched>,
    /// Whose turn it is, so that none is kept waiting by others.
    turn: usize,
}

enum Watched {
    Live(Live),
    /// It will change no more, and is still to be told.
    Last(Box<Task>),
    /// All was told.
    Told,
}

struct Live {
    task: Arc<LiveTask>,
    seen: Version,
    slot: Option<usize>,
}

impl TaskWatch {
    /// Watches tasks, each of which is told at first as it is.
    pub(crate) fn new(tasks: impl IntoIterator<Item = Found>) -> Self {
        let watched = tasks.into_iter().map(|found| match found {
            Found::Live(task) => Watched::Live(Live { task, seen: Version::default(), slot: None }),
            Found::Stored(task) => Watched::Last(Box::new(task)),
        });
        Self { watched: watched.collect(), turn: 0 }
    }

    /// Whether nothing will ever be told again.
    pub(crate) fn is_over(&self) -> bool {
        self.watched.iter().all(|watched| matches!(watched, Watched::Told))
    }

    /// The next task that has changed since it was told. Only the waker of the last poll is woken
    /// when there is one.
    pub(crate) fn poll_next(&mut self, waker: &Waker) -> Poll<Task> {
        for step in 0..self.watched.len() {
            let at = (self.turn + step) % self.watched.len();
            if let Poll::Ready(task) = self.watched[at].poll(waker) {
                self.turn = at + 1;
                return Poll::Ready(task);
            }
        }
        Poll::Pending
    }

    /// Is told of no more changes: what had changed before can still be taken.
    pub(crate) fn leave(&mut self) {
        for watched in &mut self.watched {
            let last = watched.poll(Waker::noop());
            *watched = match last {
                Poll::Ready(task) => Watched::Last(Box::new(task)),
                Poll::Pending => Watched::Told,
            };
        }
    }
}

impl Watched {
    fn poll(&mut self, waker: &Waker) -> Poll<Task> {
        match self {
            Self::Live(live) => {
                let (version, newest) =
                    ready!(live.task.poll_newer(live.seen, &mut live.slot, waker));
                live.seen = version;
                if newest.status().is_terminal() {
                    *self = Self::Told;
                }
                Poll::Ready(newest)
            }
            Self::Last(_) => match std::mem::replace(self, Self::Told) {
                Self::Last(task) => Poll::Ready(*task),
                Self::Live(_) | Self::Told => unreachable!("it was matched just now"),
            },
            Self::Told => Poll::Pending,
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.task.leave(slot);
        }
    }
}
