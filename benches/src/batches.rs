//! Doing the same thing thousands of times, some at once.

use anyhow::Result;
use tokio::task::JoinSet;

/// Fewer than a backlog of connections holds.
const AT_ONCE: usize = 32;

/// Does something so many times, by number, and gives what came of it, in order.
pub async fn in_batches<T, F>(count: usize, mut make: impl FnMut(usize) -> F) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut all = Vec::with_capacity(count);
    for first in (0..count).step_by(AT_ONCE) {
        let mut batch = JoinSet::new();
        for number in first..count.min(first + AT_ONCE) {
            let one = make(number);
            batch.spawn(async move { (number, one.await) });
        }
        let mut done = batch.join_all().await;
        done.sort_by_key(|(number, _)| *number);
        for (_, one) in done {
            all.push(one?);
        }
    }
    Ok(all)
}
