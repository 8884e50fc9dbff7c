//! What connections share, in the orders that a scheduler picks.

use shuttle::future::block_on;
use shuttle::thread;

use super::ShutdownSignal;
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
