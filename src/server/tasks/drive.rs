//! A task from its beginning to its end: the handler is polled, what changes is saved.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures::FutureExt;

use super::live::LiveTask;
use super::store::TaskStore;
use super::table::Tasks;
use super::task::Task;
use crate::protocol::jsonrpc::RpcError;
use crate::server::handler::BoxFuture;
use crate::server::raw::RawJson;
use crate::server::running::{Outcome, Running};

/// Makes the result of a task of what its handler ended with.
pub(crate) type Finish = Box<dyn FnOnce(Outcome) -> Result<RawJson, RpcError> + Send>;

/// The future of a task. If it is dropped before its end, the task has failed.
pub(crate) struct Drive {
    tasks: Arc<Tasks>,
    live: Arc<LiveTask>,
    work: Option<(Running, Finish)>,
    /// The client may leave before it was told of the task, where its response is a stream.
    cancelled: BoxFuture<'static, ()>,
    saving: Option<BoxFuture<'static, Saved>>,
    saved: Saved,
}

/// What became of the last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Saved {
    Yes,
    No,
}

impl Drive {
    pub(super) fn new(
        tasks: Arc<Tasks>,
        live: Arc<LiveTask>,
        running: Running,
        finish: Finish,
    ) -> Self {
        let cancelled = Box::pin(running.context().cancelled());
        let work = Some((running, finish));
        Self { tasks, live, work, cancelled, saving: None, saved: Saved::Yes }
    }

    fn poll_work(&mut self, task: &mut TaskContext<'_>) {
        let Some((mut running, finish)) = self.work.take() else { return };
        if self.cancelled.as_mut().poll(task).is_ready() {
            self.live.cancel();
        }
        if self.live.is_over() {
            // It was ended by others: the handler is dropped without another poll.
            return;
        }
        match Pin::new(&mut running).poll(task) {
            Poll::Ready(outcome) => {
                // What JSON cannot hold may panic in its own code.
                let finished = std::panic::catch_unwind(AssertUnwindSafe(|| finish(outcome)));
                let panicked = |_| Err(crate::server::outcome::panicked());
                self.live.finish(finished.unwrap_or_else(panicked));
            }
            Poll::Pending => {
                if let Some(questions) = running.take_questions() {
                    self.live.ask(questions);
                }
                self.work = Some((running, finish));
            }
        }
    }

    /// Ready when all that has changed is saved, or could not be.
    fn poll_saved(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        loop {
            if let Some(saving) = &mut self.saving {
                self.saved = std::task::ready!(saving.as_mut().poll(task));
                self.saving = None;
            }
            match self.live.take_unsaved() {
                Some(newest) => self.saving = Some(save(self.tasks.store(), &self.live, newest)),
                None => return Poll::Ready(()),
            }
        }
    }
}

impl Future for Drive {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.live.register(task.waker());
        this.poll_work(task);
        std::task::ready!(this.poll_saved(task));
        if this.work.is_some() {
            return Poll::Pending;
        }
        // What the store does not have is answered from here for as long as it is kept.
        if this.saved == Saved::Yes {
            this.tasks.settle(&this.live);
        }
        Poll::Ready(())
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.live.abort("The server ended before the task did");
    }
}

fn save(store: Arc<dyn TaskStore>, live: &LiveTask, task: Task) -> BoxFuture<'static, Saved> {
    let owner = live.owner().clone();
    let saving = AssertUnwindSafe(async move { store.update(owner, task).await }).catch_unwind();
    Box::pin(async move {
        match saving.await {
            Ok(Ok(())) => Saved::Yes,
            #[cfg(feature = "tracing")]
            Ok(Err(error)) => {
                tracing::error!(target: "mcp_http", %error, "a task could not be saved");
                Saved::No
            }
            #[cfg(feature = "tracing")]
            Err(_) => {
                tracing::error!(target: "mcp_http", "the store of tasks panicked");
                Saved::No
            }
            #[cfg(not(feature = "tracing"))]
            Ok(Err(_)) | Err(_) => Saved::No,
        }
    })
}
