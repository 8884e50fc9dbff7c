//! What threads share: the locks and atomics of the standard library.
//!
//! Built with `--cfg shuttle` they are shuttle's, with which tests run threads in the orders that
//! a scheduler picks, and replay those that fail. `Arc` is the same in both.

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};

/// Runs a test in many orders of its threads: at random, and so that few changes of thread are
/// enough to fail (PCT). What fails is printed with the schedule that replays it.
#[cfg(all(test, shuttle))]
pub(crate) fn explore(test: impl Fn() + Send + Sync + 'static) {
    use shuttle::Runner;
    use shuttle::scheduler::{PctScheduler, RandomScheduler};

    let mut config = shuttle::Config::new();
    // What is built without optimisation keeps every value of a service on the stack, some twice.
    config.stack_size = 1024 * 1024;
    let test = std::sync::Arc::new(test);
    let again = std::sync::Arc::clone(&test);
    Runner::new(RandomScheduler::new(1_000), config.clone()).run(move || test());
    Runner::new(PctScheduler::new(3, 1_000), config).run(move || again());
}
