//! What a step under a session's lock brings about outside of it.

use std::sync::Arc;
use std::task::Waker;

use super::requests::{Asker, Reply};
use crate::protocol::cancel::Cancel;

/// What is to happen once the lock is released: it may run code of others.
#[derive(Default)]
pub(super) struct Effects {
    waker: Option<Waker>,
    more_wakers: Vec<Waker>,
    pub(super) cancels: Vec<Arc<dyn Cancel>>,
    /// Those who asked the client, and what they are to hear; nothing where nobody listens any more.
    pub(super) askers: Vec<(Arc<dyn Asker>, Option<Reply<'static>>)>,
    /// Not to be used any more, but dropping them may run code as well.
    pub(super) spent: (Option<Waker>, Option<Arc<dyn Cancel>>),
}

impl Effects {
    /// Wakes a connection's task.
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        match waker {
            Some(waker) if self.waker.is_none() => self.waker = Some(waker),
            Some(waker) => self.more_wakers.push(waker),
            None => {}
        }
    }

    /// To be called without the lock.
    pub(super) fn run(self) {
        self.waker.into_iter().chain(self.more_wakers).for_each(Waker::wake);
        self.cancels.iter().for_each(|cancel| cancel.cancel());
        for (asker, reply) in &self.askers {
            if let Some(reply) = *reply {
                asker.hear(reply);
            }
        }
    }
}
