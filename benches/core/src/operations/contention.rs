//! The registry, asked by several threads at once.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::core::registry;
use crate::protocol::principal::Principal;

/// How long it takes until each of so many threads has found so many of its own sessions.
///
/// # Panics
///
/// Never: the threads do nothing that panics.
pub fn find(threads: usize, times: u64) -> Duration {
    let (registry, ids) = registry(1_024);
    let begin = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let work: Vec<_> = (0..threads)
            .map(|thread| {
                let (begin, registry) = (&begin, &registry);
                let mut turns = ids.iter().skip(thread).step_by(threads).cycle();
                scope.spawn(move || {
                    begin.wait();
                    for _ in 0..times {
                        let id = turns.next().expect("there are sessions");
                        std::hint::black_box(registry.find(id, &Principal::anonymous()));
                    }
                })
            })
            .collect();
        begin.wait();
        let began = Instant::now();
        work.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
        began.elapsed()
    })
}
