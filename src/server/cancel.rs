//! Cancellation: one flag, and those who wait for it.

use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Poll, Waker};

use crate::protocol::sync::{Mutex, MutexGuard};

/// Whether a call was cancelled, and who wants to know.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// The call goes on; the slots of those who wait are theirs until they are dropped.
    Active {
        waiting: Vec<Option<Waker>>,
    },
    Cancelled,
}

impl Default for State {
    fn default() -> Self {
        Self::Active { waiting: Vec::new() }
    }
}

impl Cancellation {
    /// Cancels, and wakes all who wait. A second time does nothing.
    pub(crate) fn cancel(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Cancelled);
        // Woken outside the lock: a waker may run what polls at once.
        if let State::Active { waiting } = before {
            waiting.into_iter().flatten().for_each(Waker::wake);
        }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(*self.lock(), State::Cancelled)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready once cancelled; else the waker takes the slot, or a free one.
    fn poll(&self, slot: &mut Option<usize>, waker: &Waker) -> Poll<()> {
        let mut state = self.lock();
        let State::Active { waiting } = &mut *state else { return Poll::Ready(()) };
        let free = || waiting.iter().position(Option::is_none);
        let index = slot.or_else(free).unwrap_or(waiting.len());
        if index == waiting.len() {
            waiting.push(None);
        }
        *slot = Some(index);
        let before = waiting[index].replace(waker.clone());
        // A waker may own a task, and with it what waits here: it is dropped outside the lock.
        drop(state);
        drop(before);
        Poll::Pending
    }

    fn leave(&self, slot: usize) {
        let before = match &mut *self.lock() {
            State::Active { waiting } => waiting[slot].take(),
            State::Cancelled => None,
        };
        drop(before);
    }
}

/// Ends when its call is cancelled. `C` is how it holds the call.
pub(crate) struct Cancelled<C: AsRef<Cancellation>> {
    call: C,
    slot: Option<usize>,
}

impl<C: AsRef<Cancellation>> Cancelled<C> {
    pub(crate) fn new(call: C) -> Self {
        Self { call, slot: None }
    }
}

impl<C: AsRef<Cancellation> + Unpin> Future for Cancelled<C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.call.as_ref().poll(&mut this.slot, cx.waker())
    }
}

impl<C: AsRef<Cancellation>> Drop for Cancelled<C> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.call.as_ref().leave(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::task::{ArcWake, noop_waker, waker};

    use super::*;

    #[derive(Default)]
    struct Wakes(Mutex<usize>);

    impl ArcWake for Wakes {
        fn wake_by_ref(wakes: &Arc<Self>) {
            *wakes.0.lock().unwrap() += 1;
        }
    }

    struct Call(Arc<Cancellation>);

    impl AsRef<Cancellation> for Call {
        fn as_ref(&self) -> &Cancellation {
            &self.0
        }
    }

    fn poll(future: &mut Cancelled<Call>, waker: &Waker) -> Poll<()> {
        Pin::new(future).poll(&mut std::task::Context::from_waker(waker))
    }

    #[test]
    fn all_who_wait_are_woken_once() {
        let cancellation = Arc::new(Cancellation::default());
        let mut futures = [0, 1, 2].map(|_| Cancelled::new(Call(cancellation.clone())));
        let wakes = [0, 1, 2].map(|_| Arc::new(Wakes::default()));
        for (future, wakes) in futures.iter_mut().zip(&wakes) {
            assert_eq!(poll(future, &noop_waker()), Poll::Pending);
            assert_eq!(poll(future, &waker(wakes.clone())), Poll::Pending);
        }
        assert!(!cancellation.is_cancelled());
        cancellation.cancel();
        cancellation.cancel();
        assert!(cancellation.is_cancelled());
        for (future, wakes) in futures.iter_mut().zip(&wakes) {
            assert_eq!(*wakes.0.lock().unwrap(), 1);
            assert_eq!(poll(future, &noop_waker()), Poll::Ready(()));
        }
    }

    #[test]
    fn those_who_wait_no_longer_leave_their_slots_to_others() {
        let cancellation = Arc::new(Cancellation::default());
        for _ in 0..1_000 {
            let mut future = Cancelled::new(Call(cancellation.clone()));
            assert_eq!(poll(&mut future, &noop_waker()), Poll::Pending);
        }
        let State::Active { waiting } = &*cancellation.lock() else { panic!("cancelled") };
        assert_eq!(waiting.len(), 1);
        assert!(waiting[0].is_none());
    }
}
