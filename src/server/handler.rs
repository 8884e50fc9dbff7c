//! The trait behind a tool.

use super::arguments::Arguments;
use super::context::Context;
use super::handler_error::ToolError;
use super::result::{CallToolResult, IntoToolResult};

pub use futures::future::BoxFuture;

/// What runs when a tool is called.
///
/// Functions and closures of the shape `Fn(Arguments, Context) -> impl Future` implement it; a
/// type of one's own does when a closure is not enough.
///
/// ```
/// use mcp_http::{Arguments, BoxFuture, CallToolResult, Context, ToolError, ToolHandler};
///
/// struct Echo { prefix: String }
///
/// impl ToolHandler for Echo {
///     fn call(
///         &self,
///         arguments: Arguments,
///         _cx: Context,
///     ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
///         let text = format!("{}{}", self.prefix, arguments.raw());
///         Box::pin(async move { Ok(CallToolResult::text(text)) })
///     }
/// }
/// ```
///
/// The future runs on the tokio runtime, among others: what blocks a thread or computes for long
/// belongs into `tokio::task::spawn_blocking`.
///
/// # Cancel safety
///
/// When a call is cancelled its future is dropped where it stands, at an `.await`, and is not
/// polled again:
///
/// | | 2026-07-28 | earlier, in a session | earlier, without sessions |
/// |---|---|---|---|
/// | the client closes the response, or the connection breaks | dropped | runs on | runs on |
/// | `notifications/cancelled` names the call | – | dropped | runs on |
/// | DELETE ends the session | – | dropped | – |
///
/// What must not be left half done belongs into a task of its own, to which
/// [`Context::cancelled`] tells that the call was cancelled. A legacy call that runs on after a
/// disconnect finds its client again when that resumes the stream; the answer of one that had no
/// stream yet is discarded.
///
/// # Panics
///
/// A handler that panics answers its call with the JSON-RPC error `-32603`; others are not
/// affected.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle the calls of a tool",
    label = "no tool handler",
    note = "a handler is `|arguments: Arguments, cx: Context| async move {{ .. }}` whose future is \
            `Send + 'static` and ends with `Result<impl IntoToolResult, impl Into<ToolError>>`",
    note = "an `async |..|` closure that captures is not `Fn`: write `move |..| async move {{ .. }}` \
            and clone what it captures before the inner `async`",
    note = "a closure that takes a type of its own instead of `Arguments` goes to `typed_tool`"
)]
pub trait ToolHandler: Send + Sync + 'static {
    /// Begins a call. The future begins to run when it is polled, which is at once.
    ///
    /// # Errors
    ///
    /// The future's error becomes what the client is told: see [`ToolError`] for which kind becomes
    /// what.
    fn call(
        &self,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>>;
}

impl<F, Fut, R, E> ToolHandler for F
where
    F: Fn(Arguments, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: IntoToolResult,
    E: Into<ToolError>,
{
    fn call(
        &self,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
        let future = self(arguments, cx);
        Box::pin(async move { future.await.map_err(Into::into)?.into_tool_result() })
    }
}
