//! The tasks of a service: which there are, whose they are, how many there may be.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use futures::FutureExt;

use super::Clock;
use super::drive::{Drive, Finish};
use super::id::TaskId;
use super::live::LiveTask;
use super::options::TaskOptions;
use super::store::TaskStore;
use super::support::TaskPlan;
use super::task::Task;
use crate::protocol::budget::{Budget, Share};
use crate::protocol::client_addr::AddressBlock;
use crate::protocol::jsonrpc::RpcError;
use crate::protocol::principal::Principal;
use crate::protocol::sync::{Mutex, MutexGuard};
use crate::protocol::timestamp::Timestamp;
use crate::server::context::Context;
use crate::server::handler_error::HandlerError;
use crate::server::running::Running;

/// The tasks of a service.
pub(crate) struct Tasks {
    options: TaskOptions,
    store: Arc<dyn TaskStore>,
    clock: Clock,
    /// What their results and questions take.
    budget: Arc<Budget>,
    census: Arc<Mutex<Census>>,
    /// Those that were begun here and are kept.
    begun: Mutex<HashMap<TaskId, Entry>>,
}

struct Entry {
    owner: Principal,
    /// None once it has ended and the store has all of it.
    live: Option<Arc<LiveTask>>,
    /// What its result takes, from then on until it is forgotten.
    share: Option<Share>,
    expires_at: Timestamp,
    _seat: Seat,
}

/// How many tasks there are.
#[derive(Default)]
struct Census {
    total: usize,
    by_account: HashMap<Account, usize>,
}

/// Whose tasks are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    Principal(Arc<str>),
    /// Of anonymous callers, where their address is known.
    Address(AddressBlock),
    Unknown,
}

/// The place of a task among those that there may be, given back when it is dropped.
pub(crate) struct Seat {
    census: Arc<Mutex<Census>>,
    account: Account,
}

/// Why there is no room for one more task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    InAll,
    OfCaller,
    /// The results that are kept are as long as they may be.
    Bytes,
}

/// What is known of a task that is asked for.
pub(crate) enum Found {
    /// It was begun here, and all of it is here.
    Live(Arc<LiveTask>),
    /// It was read from the store.
    Stored(Task),
}

impl Account {
    /// The account that a call is counted by.
    pub(crate) fn of(cx: &Context) -> Self {
        match (cx.principal().name(), cx.client_addr()) {
            (Some(name), _) => Self::Principal(name.into()),
            (None, Some(address)) => Self::Address(address.into()),
            (None, None) => Self::Unknown,
        }
    }
}

impl Tasks {
    pub(crate) fn new(options: TaskOptions, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            store: options.store(),
            budget: Budget::new(options.max_bytes),
            options,
            clock,
            census: Arc::default(),
            begun: Mutex::default(),
        })
    }

    /// Takes a place for a call that may become a task.
    ///
    /// # Errors
    ///
    /// If there are as many as there may be.
    pub(crate) fn seat(&self, account: Account) -> Result<Seat, NoSeat> {
        if !self.budget.has_room(0) {
            return Err(NoSeat::Bytes);
        }
        let census = Arc::clone(&self.census);
        lock(&census).admit(&account, &self.options)?;
        Ok(Seat { census, account })
    }

    /// Makes a task of a call, and keeps it: from here on it can be asked for (ext-tasks, Task
    /// Creation: "A server MUST NOT return `CreateTaskResult` until the task is durably created").
    /// Its future is to be run by a task of its own.
    ///
    /// # Errors
    ///
    /// -32603 if it could not be kept.
    ///
    /// # Cancel safety
    ///
    /// If this is dropped, there is no task, and the handler is dropped.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        id: TaskId,
        seat: Seat,
        plan: TaskPlan,
        running: Running,
        finish: Finish,
    ) -> Result<(Task, Drive), RpcError> {
        let (ttl, poll_interval) = self.options.times(plan);
        let task = Task::new(id, (self.clock)(), ttl, poll_interval);
        let cx = running.context().clone();
        let (store, owner) = (self.store(), cx.principal().clone());
        guarded(async { store.create(owner, task.clone()).await }).await?;
        let share = Share::of(&self.budget);
        let (clock, limit) = (Arc::clone(&self.clock), self.options.max_result_bytes);
        let live = Arc::new(LiveTask::new(task.clone(), cx.clone(), clock, limit, share));
        cx.becomes(&live);
        // With what the handler has said since it asked for this.
        let task = live.task();
        let entry = Entry {
            owner: identity(cx.principal()),
            live: Some(Arc::clone(&live)),
            share: None,
            expires_at: task.expires_at(),
            _seat: seat,
        };
        let before = lock(&self.begun).insert(task.id().clone(), entry);
        debug_assert!(before.is_none(), "ids do not repeat");
        Ok((task, Drive::new(Arc::clone(self), live, running, finish)))
    }

    /// A task of this principal, if there is one; that of another is none, and so is one whose time
    /// is up.
    ///
    /// # Errors
    ///
    /// -32603 if the store fails.
    pub(crate) async fn find(
        &self,
        owner: &Principal,
        id: &str,
    ) -> Result<Option<Found>, RpcError> {
        let now = (self.clock)();
        if let Some(entry) = lock(&self.begun).get(id) {
            if entry.owner != *owner || entry.expires_at <= now {
                return Ok(None);
            }
            if let Some(live) = &entry.live {
                return Ok(Some(Found::Live(Arc::clone(live))));
            }
        }
        let store = self.store();
        let found = guarded(async { store.get(owner.clone(), id.to_owned()).await }).await?;
        Ok(found.filter(|task| now < task.expires_at()).map(Found::Stored))
    }

    /// The task has ended, and the store has all of it.
    pub(super) fn settle(&self, live: &Arc<LiveTask>) {
        let (id, share) = (live.task().id().clone(), live.take_share());
        let mut begun = lock(&self.begun);
        let Some(entry) = begun.get_mut(&id) else { return };
        let settled = (entry.live.take(), entry.share.replace(share));
        drop(begun);
        drop(settled);
    }

    /// Forgets those whose time is up, and ends those that still run. What is returned is to be
    /// removed from the store.
    pub(crate) fn sweep(&self) -> Vec<(Principal, TaskId)> {
        let now = (self.clock)();
        let expired: Vec<(TaskId, Entry)> =
            lock(&self.begun).extract_if(|_, entry| entry.expires_at <= now).collect();
        let forget = |(id, entry): (TaskId, Entry)| {
            if let Some(live) = &entry.live {
                live.abort("The time to live of the task has passed");
            }
            (entry.owner, id)
        };
        expired.into_iter().map(forget).collect()
    }

    /// Removes what was swept from the store.
    pub(crate) async fn remove(self: Arc<Self>, swept: Vec<(Principal, TaskId)>) {
        for (owner, id) in swept {
            let store = self.store();
            // What cannot be removed is the store's to forget.
            let _ = guarded(async { store.remove(owner, id).await }).await;
        }
    }

    /// Ends all that run; says how many.
    pub(crate) fn cut_off(&self) -> usize {
        let live: Vec<_> =
            lock(&self.begun).values().filter_map(|entry| entry.live.clone()).collect();
        let running = live.iter().filter(|live| !live.is_over());
        running.map(|live| live.abort("The server is shutting down")).count()
    }

    /// How many there are, the ended among them.
    pub(crate) fn count(&self) -> usize {
        lock(&self.census).total
    }

    pub(super) fn store(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.store)
    }
}

/// The principal without what rides along with it, which nothing here needs.
fn identity(principal: &Principal) -> Principal {
    principal.name().map_or_else(Principal::anonymous, Principal::named)
}

/// What comes of a step of the store, which may panic: also before it has a future.
async fn guarded<T>(step: impl Future<Output = Result<T, HandlerError>>) -> Result<T, RpcError> {
    let done = AssertUnwindSafe(step).catch_unwind().await;
    done.map_err(|_| panicked())?.map_err(failed)
}

fn panicked() -> RpcError {
    RpcError::internal("The store of tasks failed")
}

/// What a store says of its failure is for the log, not for clients.
fn failed(error: HandlerError) -> RpcError {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "mcp_http", %error, "the store of tasks failed");
    drop(error);
    panicked()
}

impl Census {
    fn admit(&mut self, account: &Account, options: &TaskOptions) -> Result<(), NoSeat> {
        if self.total >= options.max_tasks {
            return Err(NoSeat::InAll);
        }
        if *account != Account::Unknown {
            let has = self.by_account.get(account).copied().unwrap_or_default();
            if has >= options.max_tasks_per_principal {
                return Err(NoSeat::OfCaller);
            }
            self.by_account.insert(account.clone(), has + 1);
        }
        self.total += 1;
        Ok(())
    }

    fn release(&mut self, account: &Account) {
        self.total -= 1;
        // What has none is forgotten, so that the map is no longer than there are tasks.
        if let Some(count) = self.by_account.get_mut(account) {
            *count -= 1;
            if *count == 0 {
                self.by_account.remove(account);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.census).release(&self.account);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What runs under these locks does not leave them half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
