//! What a step under a session's lock brings about outside of it.

use std::sync::Arc;
use std::task::Waker;

use super::requests::{Asker, Reply};
use crate::protocol::cancel::Cancel;

/// What is to happen once the lock is released: it may run code of others.
#[derive(Default)]
pub(super) struct Effects {
    waker: Option<Waker>,
    /// Not to be used any more, but dropping them may run code as well.
    pub(super) spent: (Option<Waker>, Option<Arc<dyn Cancel>>),
    rare: Option<Box<Rare>>,
}

/// What few steps bring about.
#[derive(Default)]
pub(super) struct Rare {
    wakers: Vec<Waker>,
    pub(super) cancels: Vec<Arc<dyn Cancel>>,
    /// Those who asked the client, and what they are to hear; nothing where nobody listens any more.
    pub(super) askers: Vec<(Arc<dyn Asker>, Option<Reply<'static>>)>,
}

impl Effects {
    /// Wakes a connection's task.
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.waker.is_none() => self.waker = Some(waker),
            Some(waker) => self.rare().wakers.push(waker),
            None => {}
        }
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// To be called without the lock.
    #[inline]
    pub(super) fn run(self) {
        if let Some(waker) = self.waker {
            waker.wake();
        }
        if let Some(rare) = self.rare {
            rare.run();
        }
    }
}

impl Rare {
    #[cold]
    fn run(self) {
        self.wakers.into_iter().for_each(Waker::wake);
        self.cancels.iter().for_each(|cancel| cancel.cancel());
        for (asker, reply) in &self.askers {
            if let Some(reply) = *reply {
                asker.hear(reply);
            }
        }
    }
}
