//! The streams of `subscriptions/listen` that are open in a service: who is to be told of a change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use bytes::Bytes;

use crate::protocol::change::Change;
use crate::protocol::modern::{Noted, Subscription};

/// All subscriptions of a service. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Subscriptions {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    opened: u64,
    by_number: HashMap<u64, Arc<Mutex<Listener>>>,
}

struct Listener {
    subscription: Subscription,
    waker: Option<Waker>,
}

/// One of them, as the body of its stream holds it. Its drop is the end of the subscription.
pub(crate) struct Listening {
    all: Subscriptions,
    number: u64,
    listener: Arc<Mutex<Listener>>,
}

impl Subscriptions {
    /// Opens a subscription: what changes from now on, it is told.
    pub(crate) fn open(&self, subscription: Subscription) -> Listening {
        let listener = Arc::new(Mutex::new(Listener { subscription, waker: None }));
        let mut open = lock(&self.open);
        open.opened += 1;
        let number = open.opened;
        open.by_number.insert(number, Arc::clone(&listener));
        Listening { all: self.clone(), number, listener }
    }

    /// Tells all of them that something has changed.
    pub(crate) fn announce(&self, change: Change) {
        // Each is told outside the lock that all share: to wake one runs the code of others.
        let listeners: Vec<_> = lock(&self.open).by_number.values().cloned().collect();
        for listener in listeners {
            let waker = {
                let mut listener = lock(&listener);
                match listener.subscription.note(change) {
                    Noted::Fresh => listener.waker.take(),
                    Noted::Nothing => None,
                }
            };
            waker.into_iter().for_each(Waker::wake);
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        lock(&self.open).by_number.len()
    }
}

impl Listening {
    /// What the subscription says at its beginning or at its end.
    pub(crate) fn say(&self, write: impl FnOnce(&Subscription) -> Bytes) -> Bytes {
        write(&lock(&self.listener).subscription)
    }

    /// The next notification, if there is one now.
    pub(crate) fn next(&self) -> Option<Bytes> {
        lock(&self.listener).subscription.next()
    }

    /// Is told of no more changes.
    pub(crate) fn leave(&self) {
        let left = lock(&self.all.open).by_number.remove(&self.number);
        drop(left);
    }

    /// The next notification. Only the waker of the last poll is woken when there is one.
    pub(crate) fn poll_next(&self, waker: &Waker) -> Poll<Bytes> {
        let mut listener = lock(&self.listener);
        if let Some(message) = listener.subscription.next() {
            return Poll::Ready(message);
        }
        if listener.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return Poll::Pending;
        }
        let replaced = listener.waker.replace(waker.clone());
        drop(listener);
        // Its drop may run the code of others.
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.leave();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What runs under these locks does not leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use serde_json::value::RawValue;

    use super::*;
    use crate::protocol::change::ChangeSet;
    use crate::protocol::jsonrpc::{Params, RequestId};

    #[derive(Default)]
    struct Alarm(AtomicUsize);

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn subscription(id: u64) -> Subscription {
        let filter = RawValue::from_string(r#"{"toolsListChanged":true}"#.to_owned()).unwrap();
        let params = Params::new(vec![("notifications", &filter)]);
        let tools: ChangeSet = [Change::Tools].into_iter().collect();
        Subscription::open(RequestId::from(id), &params, tools).unwrap()
    }

    fn is_told(listening: &Listening, waker: &Waker) -> bool {
        listening.poll_next(waker).is_ready()
    }

    /// 2026-07-28, Subscriptions, Multiple Concurrent Subscriptions. Nothing tells them apart but
    /// the stream: their ids may be the same.
    #[test]
    fn every_subscription_is_told_once_of_a_burst_and_its_last_waker_woken_once() {
        let all = Subscriptions::default();
        let (one, other) = (all.open(subscription(1)), all.open(subscription(1)));
        let (first, last) = (Arc::new(Alarm::default()), Arc::new(Alarm::default()));
        for alarm in [&first, &last, &last] {
            assert!(!is_told(&one, &Waker::from(Arc::clone(alarm))));
        }
        for _ in 0..1_000 {
            all.announce(Change::Tools);
        }
        assert_eq!((first.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)), (0, 1));
        for listening in [&one, &other] {
            assert!(is_told(listening, Waker::noop()));
            assert!(!is_told(listening, Waker::noop()));
        }
        all.announce(Change::Tools);
        assert!(is_told(&one, Waker::noop()));
    }

    #[test]
    fn a_subscription_ends_with_its_stream() {
        let all = Subscriptions::default();
        let (one, other) = (all.open(subscription(1)), all.open(subscription(2)));
        assert_eq!(all.count(), 2);
        drop(one);
        assert_eq!(all.count(), 1);
        all.announce(Change::Tools);
        assert!(is_told(&other, Waker::noop()));
        drop(other);
        assert_eq!(all.count(), 0);
    }

    #[test]
    fn a_waker_may_end_subscriptions_and_open_others() {
        struct Meddler(Mutex<Option<Listening>>, Subscriptions);
        impl Wake for Meddler {
            fn wake(self: Arc<Self>) {
                self.0.lock().unwrap().take();
                drop(self.1.open(subscription(3)));
            }
        }
        let all = Subscriptions::default();
        let (one, other) = (all.open(subscription(1)), all.open(subscription(2)));
        let meddler = Arc::new(Meddler(Mutex::new(Some(other)), all.clone()));
        assert!(!is_told(&one, &Waker::from(meddler)));
        all.announce(Change::Tools);
        assert!(is_told(&one, Waker::noop()));
        assert_eq!(all.count(), 1);
    }
}
