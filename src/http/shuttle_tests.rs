//! What connections share, in the orders that a scheduler picks.

use shuttle::future::block_on;
use shuttle::thread;

use super::ShutdownSignal;
use super::subscriptions::Subscriptions;
use super::subscriptions::tests::subscription_to;
use crate::protocol::budget::Share;
use crate::protocol::change::{Notice, Subject};
use crate::protocol::sync::explore;

#[test]
fn whoever_waits_for_the_shutdown_is_told_of_it() {
    explore(|| {
        let signal = ShutdownSignal::default();
        let waiters = [0, 1].map(|_| {
            let wait = signal.wait();
            thread::spawn(move || block_on(wait))
        });
        let late = signal.clone();
        let late = thread::spawn(move || block_on(late.wait()));
        signal.trigger();
        waiters.into_iter().chain([late]).for_each(|it| it.join().unwrap());
    });
}

/// Invariant: of what changes nothing is lost, whoever tells it. A listener that is left waiting
/// though there is something for it would be reported as a deadlock.
#[test]
fn a_listener_is_told_of_everything_that_changes_whenever_it_waits() {
    explore(|| {
        let all = Subscriptions::default();
        let filter = r#"{"toolsListChanged":true,"resourceSubscriptions":["a"]}"#;
        let listening = all.open(subscription_to(1, filter), Share::default());
        let tellers = [Subject::Tools, Subject::Resource("a".into())].map(|subject| {
            let all = all.clone();
            thread::spawn(move || all.announce(&Notice::of(subject)))
        });
        let mut told: Vec<_> = (0..2)
            .map(|_| block_on(std::future::poll_fn(|cx| listening.poll_next(cx.waker()))))
            .collect();
        tellers.into_iter().for_each(|it| it.join().unwrap());
        assert_eq!(listening.next(), None);
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 2);
    });
}
