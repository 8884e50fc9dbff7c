//! The trait behind a completion.

use super::request::CompletionRequest;
use super::result::Completion;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;

/// What runs when an argument is to be completed.
///
/// Functions and closures of the shape `Fn(CompletionRequest, Context) -> impl Future` implement
/// it; so do arrays and `Vec`s of all that the argument can be, which are ranked by
/// [`Completion::matching`].
///
/// ```
/// use mcp_http::{BoxFuture, Completion, CompletionHandler, CompletionRequest, Context, HandlerError};
///
/// struct Cities { known: Vec<String> }
///
/// impl CompletionHandler for Cities {
///     fn complete(
///         &self,
///         request: CompletionRequest,
///         _cx: Context,
///     ) -> BoxFuture<'static, Result<Completion, HandlerError>> {
///         let found = Completion::matching(request.value(), self.known.iter().cloned());
///         Box::pin(async move { Ok(found) })
///     }
/// }
/// ```
///
/// It cannot ask the client. It runs while somebody types, so it should be quick; how often it runs
/// at once is bounded by [`max_calls`](crate::McpServiceBuilder::max_calls) alone. What it suggests
/// is shown to the caller: suggest only what [`Context::principal`] may see (2026-07-28, Completion,
/// Security).
///
/// The future runs on the tokio runtime and is dropped, and a panic is answered, as with a
/// [`ToolHandler`](crate::ToolHandler).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot complete an argument",
    label = "no completion handler",
    note = "a handler is `|request: CompletionRequest, cx: Context| async move {{ .. }}` whose \
            future is `Send + 'static` and ends with `Result<impl Into<Completion>, impl \
            Into<HandlerError>>`",
    note = "values that are known beforehand are handlers too: `[\"a\", \"b\"]`, or a `Vec<String>`"
)]
pub trait CompletionHandler: Send + Sync + 'static {
    /// Begins to complete. The future begins to run when it is polled, which is at once.
    ///
    /// # Errors
    ///
    /// The future's error becomes a JSON-RPC error: see [`HandlerError`] for which kind becomes
    /// which.
    fn complete(
        &self,
        request: CompletionRequest,
        cx: Context,
    ) -> BoxFuture<'static, Result<Completion, HandlerError>>;
}

impl<F, Fut, R, E> CompletionHandler for F
where
    F: Fn(CompletionRequest, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Into<Completion>,
    E: Into<HandlerError>,
{
    fn complete(
        &self,
        request: CompletionRequest,
        cx: Context,
    ) -> BoxFuture<'static, Result<Completion, HandlerError>> {
        let future = self(request, cx);
        Box::pin(async move { Ok(future.await.map_err(Into::into)?.into()) })
    }
}

impl<const N: usize> CompletionHandler for [&'static str; N] {
    fn complete(
        &self,
        request: CompletionRequest,
        _: Context,
    ) -> BoxFuture<'static, Result<Completion, HandlerError>> {
        let found = Completion::matching(request.value(), *self);
        Box::pin(std::future::ready(Ok(found)))
    }
}

impl CompletionHandler for Vec<String> {
    fn complete(
        &self,
        request: CompletionRequest,
        _: Context,
    ) -> BoxFuture<'static, Result<Completion, HandlerError>> {
        let found = Completion::matching(request.value(), self.iter().cloned());
        Box::pin(std::future::ready(Ok(found)))
    }
}
