//! Where tasks are kept: the trait, and the store in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::id::TaskId;
use super::task::Task;
use crate::protocol::principal::Principal;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;

/// Where tasks are kept, in place of the memory of this process.
///
/// A task runs in the process that began it, which keeps the newest of it for as long as it runs
/// and writes it here after each change, one write at a time. What has ended is read from here. So
/// a store of your own lets any instance answer `tasks/get`, and results outlive a process; what
/// only the process of a task can do (`tasks/update`, `tasks/cancel`) must reach that process,
/// which is what the header `Mcp-Name` is for: it holds the id (ext-tasks, Streamable HTTP:
/// Routing Headers).
///
/// Every call names the principal that the task belongs to. A store must treat a task of another
/// principal as one that does not exist (ext-tasks, Security Considerations, Auth binding).
///
/// A task may be forgotten once its [`ttl`](Task::ttl) has passed since it was created, and not
/// before. The process that began it then calls [`remove`](Self::remove), if it still lives; a
/// store outside of it should forget by itself.
///
/// The futures are polled on the runtime that serves. An error or a panic of `create` or `get` is
/// answered with `-32603`; one of `update` is logged (feature `tracing`), and the process keeps
/// what it could not write for as long as it lives. A process that is killed leaves its tasks as
/// they were written last: clients see them `working` until their time to live has passed.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
/// use mcp_http::{BoxFuture, HandlerError, Principal, Task, TaskId, TaskStore};
///
/// /// Keeps tasks as JSON, as a database would.
/// #[derive(Default)]
/// struct Table(Mutex<HashMap<(Option<String>, String), String>>);
///
/// fn key(principal: &Principal, id: &str) -> (Option<String>, String) {
///     (principal.name().map(str::to_owned), id.to_owned())
/// }
///
/// impl TaskStore for Table {
///     fn create(self: Arc<Self>, owner: Principal, task: Task) -> BoxFuture<'static, Result<(), HandlerError>> {
///         Box::pin(async move {
///             let json = serde_json::to_string(&task)?;
///             self.0.lock().unwrap().insert(key(&owner, task.id().as_str()), json);
///             Ok(())
///         })
///     }
///
///     fn get(self: Arc<Self>, owner: Principal, id: String) -> BoxFuture<'static, Result<Option<Task>, HandlerError>> {
///         Box::pin(async move {
///             let rows = self.0.lock().unwrap();
///             Ok(rows.get(&key(&owner, &id)).map(|json| serde_json::from_str(json)).transpose()?)
///         })
///     }
///
///     fn update(self: Arc<Self>, owner: Principal, task: Task) -> BoxFuture<'static, Result<(), HandlerError>> {
///         Box::pin(async move {
///             if let Some(row) = self.0.lock().unwrap().get_mut(&key(&owner, task.id().as_str())) {
///                 *row = serde_json::to_string(&task)?;
///             }
///             Ok(())
///         })
///     }
///
///     fn remove(self: Arc<Self>, owner: Principal, id: TaskId) -> BoxFuture<'static, Result<(), HandlerError>> {
///         Box::pin(async move {
///             self.0.lock().unwrap().remove(&key(&owner, id.as_str()));
///             Ok(())
///         })
///     }
/// }
/// ```
pub trait TaskStore: Send + Sync + 'static {
    /// Keeps a new task. Once it returns, [`get`](Self::get) must find it, on every instance: its
    /// client is told of it then (ext-tasks, Task Creation: "A server MUST NOT return
    /// `CreateTaskResult` until the task is durably created").
    fn create(
        self: Arc<Self>,
        owner: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), HandlerError>>;

    /// A task of this principal, if there is one. The id is what a client sent: any text.
    fn get(
        self: Arc<Self>,
        owner: Principal,
        id: String,
    ) -> BoxFuture<'static, Result<Option<Task>, HandlerError>>;

    /// Puts a newer state in place of the one that is kept. If none is kept, none must be.
    fn update(
        self: Arc<Self>,
        owner: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), HandlerError>>;

    /// Forgets a task.
    fn remove(
        self: Arc<Self>,
        owner: Principal,
        id: TaskId,
    ) -> BoxFuture<'static, Result<(), HandlerError>>;
}

/// Tasks in memory. How many there may be, and how long they may be, is seen to before.
#[derive(Default)]
pub(super) struct MemoryTaskStore {
    tasks: Mutex<HashMap<TaskId, Kept>>,
}

struct Kept {
    owner: Principal,
    task: Task,
}

impl MemoryTaskStore {
    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Kept>> {
        // A map is whole between any two steps.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }
}

impl TaskStore for MemoryTaskStore {
    fn create(
        self: Arc<Self>,
        owner: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        self.lock().insert(task.id().clone(), Kept { owner, task });
        Box::pin(std::future::ready(Ok(())))
    }

    fn get(
        self: Arc<Self>,
        owner: Principal,
        id: String,
    ) -> BoxFuture<'static, Result<Option<Task>, HandlerError>> {
        let task = match self.lock().get(id.as_str()) {
            Some(kept) if kept.owner == owner => Some(kept.task.clone()),
            Some(_) | None => None,
        };
        Box::pin(std::future::ready(Ok(task)))
    }

    fn update(
        self: Arc<Self>,
        owner: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        if let Some(kept) = self.lock().get_mut(task.id()).filter(|kept| kept.owner == owner) {
            kept.task = task;
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn remove(
        self: Arc<Self>,
        owner: Principal,
        id: TaskId,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        let mut tasks = self.lock();
        let owned = tasks.get(&id).is_some_and(|kept| kept.owner == owner);
        let removed = owned.then(|| tasks.remove(&id));
        drop(tasks);
        drop(removed);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;
    use crate::protocol::timestamp::Timestamp;
    use crate::server::tasks::TaskStatus;
    use crate::server::tasks::task::State;

    fn now<T>(future: BoxFuture<'static, Result<T, HandlerError>>) -> T {
        future.now_or_never().expect("memory does not wait").unwrap()
    }

    fn task() -> Task {
        let id = TaskId::from_random([1; TaskId::BYTES]);
        Task::new(id, Timestamp(0), Duration::from_secs(1), Duration::from_secs(1))
    }

    /// ext-tasks, Security Considerations, Auth binding.
    #[test]
    fn a_task_of_another_principal_is_none() {
        let store = Arc::new(MemoryTaskStore::default());
        let (alice, bob) = (Principal::named("alice"), Principal::named("bob"));
        let id = task().id().clone();
        now(store.clone().create(alice.clone(), task()));
        let cancelled = Task { state: State::Cancelled, ..task() };
        now(store.clone().update(bob.clone(), cancelled.clone()));
        now(store.clone().remove(bob.clone(), id.clone()));
        for foreign in [bob, Principal::anonymous()] {
            assert!(now(store.clone().get(foreign, id.as_str().into())).is_none());
        }
        let status = |store: &Arc<MemoryTaskStore>| {
            now(store.clone().get(alice.clone(), id.as_str().into())).map(|task| task.status())
        };
        assert_eq!(status(&store), Some(TaskStatus::Working));
        now(store.clone().update(alice.clone(), cancelled));
        assert_eq!(status(&store), Some(TaskStatus::Cancelled));
        now(store.clone().remove(alice.clone(), id.clone()));
        assert_eq!(status(&store), None);
    }

    #[test]
    fn what_was_forgotten_is_not_written_again() {
        let store = Arc::new(MemoryTaskStore::default());
        now(store.clone().update(Principal::anonymous(), task()));
        assert_eq!(store.len(), 0);
    }
}
