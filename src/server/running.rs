//! Handlers that run: their futures, with panics caught and errors turned into answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::catalogue::{ToolCatalogue, ToolPage};
use super::context::Context;
use super::handler::BoxFuture;
use super::outcome;
use super::reply::{CacheHint, Reply, ToolList};
use super::result::CallToolResult;
use super::tool::Tool;
use super::tool_error::ToolError;
use crate::protocol::jsonrpc::RpcError;

/// What a request ends with: the reply, or the error to answer.
pub(crate) type Outcome = Result<Reply, RpcError>;

/// A request that is being served: the handler's own future, not boxed a second time.
///
/// It ends with the reply, or with the error to answer. A panic ends it with `-32603` (DESIGN,
/// decision 13). When it ends, its outbox is closed, so that nothing is said after the answer,
/// not even by tasks that the handler has left behind (2026-07-28, Progress: "Progress
/// notifications MUST stop after completion").
pub(crate) struct Running {
    work: Work,
    cx: Context,
}

enum Work {
    Call { tool: Box<str>, handler: Guarded<CallToolResult> },
    List { pages: Guarded<ToolPage>, cache: CacheHint },
}

/// A catalogue that looks for a tool.
pub(crate) struct Finding {
    search: Guarded<Option<Arc<Tool>>>,
    cx: Context,
}

/// A future of the application's, whose panics do not pass.
struct Guarded<T> {
    /// None once it ended or panicked, which it may do before there is a future.
    future: Option<BoxFuture<'static, Result<T, ToolError>>>,
}

impl Running {
    /// Calls a tool.
    pub(crate) fn call(
        tool: &str,
        cx: Context,
        begin: impl FnOnce(Context) -> BoxFuture<'static, Result<CallToolResult, ToolError>>,
    ) -> Self {
        let handler = Guarded::begin(|| begin(cx.clone()));
        Self { work: Work::Call { tool: tool.into(), handler }, cx }
    }

    /// Lists a page of a catalogue.
    pub(crate) fn list(
        catalogue: Arc<dyn ToolCatalogue>,
        cursor: Option<String>,
        cache: CacheHint,
        cx: Context,
    ) -> Self {
        let pages = Guarded::begin(|| catalogue.list(cursor, cx.clone()));
        Self { work: Work::List { pages, cache }, cx }
    }
}

impl Future for Running {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(waker) = this.cx.handler_waker(task.waker()) else { return Poll::Pending };
        let task = &mut TaskContext::from_waker(&waker);
        let version = this.cx.protocol_version();
        let ended = match &mut this.work {
            Work::Call { tool, handler } => handler.poll(task, |result| {
                let result = result.or_else(|error| outcome::call_outcome(error, tool, version))?;
                Ok(Reply::CallTool(Box::new(result)))
            }),
            Work::List { pages, cache } => pages.poll(task, |page| {
                let page = page.map_err(|error| outcome::request_error(error, version))?;
                Ok(Reply::Tools(ToolList::Page(page), *cache))
            }),
        };
        if ended.is_ready() {
            this.cx.outbox().close();
        }
        ended
    }
}

impl Finding {
    pub(crate) fn begin(catalogue: Arc<dyn ToolCatalogue>, name: &str, cx: &Context) -> Self {
        let search = Guarded::begin(|| catalogue.find(name.to_owned(), cx.clone()));
        Self { search, cx: cx.clone() }
    }
}

impl Future for Finding {
    type Output = Result<Option<Arc<Tool>>, RpcError>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let version = this.cx.protocol_version();
        this.search
            .poll(task, |found| found.map_err(|error| outcome::request_error(error, version)))
    }
}

impl<T> Guarded<T> {
    fn begin(begin: impl FnOnce() -> BoxFuture<'static, Result<T, ToolError>>) -> Self {
        Self { future: catch_unwind(AssertUnwindSafe(begin)).ok() }
    }

    /// Polls the future. `finish` runs under the guard too: it may run the application's code,
    /// such as an error's `Display`.
    ///
    /// Unwind safety is asserted because nothing looks at the future after a panic.
    fn poll<R>(
        &mut self,
        task: &mut TaskContext<'_>,
        finish: impl FnOnce(Result<T, ToolError>) -> Result<R, RpcError>,
    ) -> Poll<Result<R, RpcError>> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(Err(outcome::panicked()));
        };
        let poll = || future.as_mut().poll(task).map(finish);
        let ended = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(ended)) => ended,
            Err(_) => Err(outcome::panicked()),
        };
        self.end();
        Poll::Ready(ended)
    }

    /// Drops the future. A panic in that changes no answer and ends no connection.
    fn end(&mut self) {
        if let Some(future) = self.future.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.end();
    }
}
