//! The time that each operation takes. `cargo bench --manifest-path benches/core/Cargo.toml`.

use criterion::{Criterion, criterion_group, criterion_main};
use mcp_http_bench_core::operations::{all, contention};

fn micro(criterion: &mut Criterion) {
    for operation in all() {
        let mut once = (operation.prepare)();
        criterion.bench_function(operation.name, |bencher| bencher.iter(&mut once));
    }
}

/// The time for one look-up of each thread: it stays the same as far as there are cores.
fn contended(criterion: &mut Criterion) {
    for threads in [1, 2, 4] {
        criterion.bench_function(&format!("find a session, {threads} threads"), |bencher| {
            bencher.iter_custom(|times| contention::find(threads, times));
        });
    }
}

criterion_group!(benches, micro, contended);
criterion_main!(benches);
