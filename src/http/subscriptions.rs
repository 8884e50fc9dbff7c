//! The streams of `subscriptions/listen` that are open in a service: who is to be told of a change.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};

use bytes::Bytes;

use crate::protocol::budget::Share;
use crate::protocol::change::Notice;
use crate::protocol::modern::{Backlog, Noted, Notification, Place, Subscription};
use crate::protocol::sync::{Mutex, MutexGuard};

/// All subscriptions of a service. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Subscriptions {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    opened: u64,
    by_number: HashMap<u64, Arc<Listener>>,
}

struct Listener {
    subscription: Subscription,
    pending: Mutex<Pending>,
    /// What the names take that it is subscribed to.
    _share: Share,
}

/// What a listener is still to be told, and whom to wake when it is.
#[derive(Default)]
struct Pending {
    backlog: Backlog,
    waker: Option<Waker>,
}

/// One of them, as the body of its stream holds it. Its drop is the end of the subscription.
pub(crate) struct Listening {
    all: Subscriptions,
    number: u64,
    listener: Arc<Listener>,
}

impl Subscriptions {
    /// Opens a subscription: what changes from now on, it is told. It holds its share of the budget
    /// for as long as it is open.
    pub(crate) fn open(&self, subscription: Subscription, share: Share) -> Listening {
        let pending = Mutex::new(Pending::default());
        let listener = Arc::new(Listener { subscription, pending, _share: share });
        let mut open = lock(&self.open);
        open.opened += 1;
        let number = open.opened;
        open.by_number.insert(number, Arc::clone(&listener));
        Listening { all: self.clone(), number, listener }
    }

    /// Tells those of them that something has changed who asked for it.
    pub(crate) fn announce(&self, notice: &Notice) {
        // What a listener asked for never changes: those it does not concern are left alone.
        let concerned: Vec<_> = lock(&self.open)
            .by_number
            .values()
            .filter_map(|it| Some((it.subscription.place(notice.subject())?, Arc::clone(it))))
            .collect();
        // Each is told outside the lock that all share: to wake one runs the code of others.
        if concerned.is_empty() {
            return;
        }
        // Written once for all of them (decision 18).
        let notification = Notification::of(notice);
        for (place, listener) in concerned {
            listener.tell(place, &notification);
        }
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        lock(&self.open).by_number.len()
    }
}

impl Listener {
    fn tell(&self, place: Place, notification: &Notification) {
        let waker = {
            let mut pending = lock(&self.pending);
            match pending.backlog.note(place, notification) {
                Noted::Fresh => pending.waker.take(),
                Noted::Waiting => None,
            }
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Listening {
    /// What the subscription says at its beginning or at its end.
    pub(crate) fn say(&self, write: impl FnOnce(&Subscription) -> Bytes) -> Bytes {
        write(&self.listener.subscription)
    }

    /// The next notification, if there is one now.
    pub(crate) fn next(&self) -> Option<Bytes> {
        self.listener.subscription.next(&mut lock(&self.listener.pending).backlog)
    }

    /// Whether it tells of tasks alone.
    pub(crate) fn is_of_tasks_alone(&self) -> bool {
        self.listener.subscription.is_of_tasks_alone()
    }

    /// Is told of no more changes.
    pub(crate) fn leave(&self) {
        let left = lock(&self.all.open).by_number.remove(&self.number);
        drop(left);
    }

    /// The next notification. Only the waker of the last poll is woken when there is one.
    pub(crate) fn poll_next(&self, waker: &Waker) -> Poll<Bytes> {
        let mut pending = lock(&self.listener.pending);
        if let Some(message) = self.listener.subscription.next(&mut pending.backlog) {
            return Poll::Ready(message);
        }
        if pending.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return Poll::Pending;
        }
        let replaced = pending.waker.replace(waker.clone());
        drop(pending);
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
pub(super) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use serde_json::value::RawValue;

    use super::*;
    use crate::protocol::change::{Change, ChangeSet, Subject, SubscriptionLimits};
    use crate::protocol::jsonrpc::{Params, RequestId};

    #[derive(Default)]
    struct Alarm(AtomicUsize);

    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn subscription_to(id: u64, filter: &str) -> Subscription {
        let filter = RawValue::from_string(filter.to_owned()).unwrap();
        let params = Params::new(vec![("notifications", &filter)]);
        let supported: ChangeSet = Change::ALL.into_iter().collect();
        let limits = SubscriptionLimits::default();
        Subscription::open(RequestId::from(id), &params, supported, limits).unwrap()
    }

    /// A subscription to changes of tools.
    fn open(all: &Subscriptions, id: u64) -> Listening {
        all.open(subscription_to(id, r#"{"toolsListChanged":true}"#), Share::default())
    }

    fn tools() -> Notice {
        Notice::of(Subject::Tools)
    }

    fn is_told(listening: &Listening, waker: &Waker) -> bool {
        listening.poll_next(waker).is_ready()
    }

    /// 2026-07-28, Subscriptions, Multiple Concurrent Subscriptions. Nothing tells them apart but
    /// the stream: their ids may be the same.
    #[test]
    fn every_subscription_is_told_once_of_a_burst_and_its_last_waker_woken_once() {
        let all = Subscriptions::default();
        let (one, other) = (open(&all, 1), open(&all, 1));
        let (first, last) = (Arc::new(Alarm::default()), Arc::new(Alarm::default()));
        for alarm in [&first, &last, &last] {
            assert!(!is_told(&one, &Waker::from(Arc::clone(alarm))));
        }
        for _ in 0..1_000 {
            all.announce(&tools());
        }
        assert_eq!((first.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)), (0, 1));
        for listening in [&one, &other] {
            assert!(is_told(listening, Waker::noop()));
            assert!(!is_told(listening, Waker::noop()));
        }
        all.announce(&tools());
        assert!(is_told(&one, Waker::noop()));
    }

    #[test]
    fn a_subscription_ends_with_its_stream() {
        let all = Subscriptions::default();
        let (one, other) = (open(&all, 1), open(&all, 2));
        assert_eq!(all.count(), 2);
        drop(one);
        assert_eq!(all.count(), 1);
        all.announce(&tools());
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
                drop(open(&self.1, 3));
            }
        }
        let all = Subscriptions::default();
        let (one, other) = (open(&all, 1), open(&all, 2));
        let meddler = Arc::new(Meddler(Mutex::new(Some(other)), all.clone()));
        assert!(!is_told(&one, &Waker::from(meddler)));
        all.announce(&tools());
        assert!(is_told(&one, Waker::noop()));
        assert_eq!(all.count(), 1);
    }

    /// Nobody is woken, nor is anything kept, for what concerns others.
    #[test]
    fn an_update_concerns_those_who_named_the_resource_and_nobody_else() {
        let all = Subscriptions::default();
        let one =
            all.open(subscription_to(1, r#"{"resourceSubscriptions":["a"]}"#), Share::default());
        let both = all
            .open(subscription_to(2, r#"{"resourceSubscriptions":["b","a"]}"#), Share::default());
        let tools_only = open(&all, 3);
        let alarm = Arc::new(Alarm::default());
        assert!(!is_told(&one, &Waker::from(Arc::clone(&alarm))));
        assert!(!is_told(&tools_only, &Waker::from(Arc::clone(&alarm))));
        all.announce(&Notice::of(Subject::Resource("b".into())));
        all.announce(&Notice::of(Subject::Resource("c".into())));
        assert_eq!(alarm.0.load(Ordering::Relaxed), 0);
        assert!(is_told(&both, Waker::noop()) && !is_told(&both, Waker::noop()));
        all.announce(&Notice::of(Subject::Resource("a".into())));
        assert!(is_told(&one, Waker::noop()) && is_told(&both, Waker::noop()));
        assert!(!is_told(&tools_only, Waker::noop()));
    }
}
