//! How a server keeps tasks: the options, their limits and defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::store::{MemoryTaskStore, TaskStore};
use super::support::TaskPlan;

/// The longest time that JavaScript reads exactly in milliseconds.
const LONGEST: Duration = Duration::from_millis((1 << 53) - 1);

/// How a server keeps its tasks, and how many.
///
/// ```
/// use std::time::Duration;
/// use mcp_http::{Server, TaskOptions};
///
/// let options = TaskOptions::new().with_ttl(Duration::from_secs(600)).with_max_tasks(200);
/// let server = Server::builder("reports", "1.0.0").tasks(options).build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// A task counts from its creation until its time to live has passed, whether it runs or has ended:
/// nothing that a client has not fetched gives way to something newer. At a limit, a call that would
/// become a task is refused before its handler runs, with 503 and `Retry-After`. A task is no call
/// in flight: [`max_calls`](crate::McpServiceBuilder::max_calls) does not count it.
///
/// | limit | default |
/// |---|---|
/// | tasks in all | 1,000 |
/// | tasks of one principal; of one address, where callers are anonymous | 100 |
/// | bytes of one result | 1 MiB |
/// | bytes of all results and questions together | 64 MiB |
/// | time to live | 1 hour |
/// | bytes of a status message | 1 KiB, what is longer is cut |
///
/// Source: ext-tasks.
#[derive(Clone)]
pub struct TaskOptions {
    pub(super) ttl: Duration,
    pub(super) poll_interval: Duration,
    pub(super) max_tasks: usize,
    pub(super) max_tasks_per_principal: usize,
    pub(super) max_result_bytes: usize,
    pub(super) max_bytes: usize,
    pub(super) store: Option<Arc<dyn TaskStore>>,
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(60 * 60),
            poll_interval: Duration::from_secs(1),
            max_tasks: 1_000,
            max_tasks_per_principal: 100,
            max_result_bytes: 1024 * 1024,
            max_bytes: 64 * 1024 * 1024,
            store: None,
        }
    }
}

impl TaskOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a task is kept from its creation on, one hour by default. A task that still runs
    /// then is aborted.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long a client should wait between two looks at a task, one second by default. It is
    /// advice: a client that looks more often is answered all the same.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How many tasks there may be, 1,000 by default.
    #[must_use]
    pub fn with_max_tasks(mut self, tasks: usize) -> Self {
        self.max_tasks = tasks;
        self
    }

    /// How many tasks one principal may have, 100 by default; of anonymous callers, those of one
    /// address together (one IPv6 network of 64 bits).
    #[must_use]
    pub fn with_max_tasks_per_principal(mut self, tasks: usize) -> Self {
        self.max_tasks_per_principal = tasks;
        self
    }

    /// How long a result may be, in bytes of JSON, 1 MiB by default; likewise what is asked of the
    /// client at once. A task whose result is longer has failed with `-32603`, which says so.
    #[must_use]
    pub fn with_max_result_bytes(mut self, bytes: usize) -> Self {
        self.max_result_bytes = bytes;
        self
    }

    /// How many bytes the results and questions of all tasks may have together, 64 MiB by default.
    /// When seven eighths are taken, no new task is; a result that has no room is told as a
    /// failure (`-32603`).
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Keeps tasks elsewhere than in the memory of this process. See [`TaskStore`].
    #[must_use]
    pub fn with_store(mut self, store: impl TaskStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// How long the task of a plan is kept, and how often it should be looked at.
    pub(super) fn times(&self, plan: TaskPlan) -> (Duration, Duration) {
        let (ttl, interval) = (plan.ttl, plan.poll_interval);
        (ttl.unwrap_or(self.ttl), interval.unwrap_or(self.poll_interval))
    }

    pub(super) fn store(&self) -> Arc<dyn TaskStore> {
        self.store.clone().unwrap_or_else(|| Arc::new(MemoryTaskStore::default()))
    }
}

/// What is wrong with a time of tasks, if anything is.
pub(crate) fn check_time(time: Duration) -> Result<(), &'static str> {
    if time < Duration::from_millis(1) {
        return Err("less than a millisecond cannot be told");
    }
    if time > LONGEST {
        return Err("more than 2^53 milliseconds cannot be told");
    }
    Ok(())
}

impl TaskOptions {
    /// What is wrong with the times, if anything is: which, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        check_time(self.ttl).map_err(|why| ("TaskOptions::with_ttl", why))?;
        check_time(self.poll_interval).map_err(|why| ("TaskOptions::with_poll_interval", why))
    }
}

impl fmt::Debug for TaskOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskOptions")
            .field("ttl", &self.ttl)
            .field("poll_interval", &self.poll_interval)
            .field("max_tasks", &self.max_tasks)
            .field("max_tasks_per_principal", &self.max_tasks_per_principal)
            .field("max_result_bytes", &self.max_result_bytes)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
