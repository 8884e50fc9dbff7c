//! The trait behind a prompt.

use super::result::{GetPromptResult, IntoPromptResult};
use crate::server::arguments::Arguments;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;

/// What runs when a prompt is asked for.
///
/// Functions and closures of the shape `Fn(Arguments, Context) -> impl Future` implement it; a
/// type of one's own does when a closure is not enough.
///
/// ```
/// use mcp_http::{Arguments, BoxFuture, Context, GetPromptResult, HandlerError, PromptHandler, PromptMessage};
///
/// struct Greeting { language: String }
///
/// impl PromptHandler for Greeting {
///     fn get(
///         &self,
///         _arguments: Arguments,
///         _cx: Context,
///     ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
///         let text = format!("Greet me in {}.", self.language);
///         Box::pin(async move { Ok(GetPromptResult::new([PromptMessage::user(text)])) })
///     }
/// }
/// ```
///
/// It never sees values that are no strings, nor a request without the arguments that the prompt
/// requires. It may ask the client; then it runs again from its beginning with the answers.
///
/// The future runs on the tokio runtime and is dropped, and a panic is answered, as with a
/// [`ToolHandler`](crate::ToolHandler).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle the requests for a prompt",
    label = "no prompt handler",
    note = "a handler is `|arguments: Arguments, cx: Context| async move {{ .. }}` whose future is \
            `Send + 'static` and ends with `Result<impl IntoPromptResult, impl Into<HandlerError>>`",
    note = "an `async |..|` closure that captures is not `Fn`: write `move |..| async move {{ .. }}` \
            and clone what it captures before the inner `async`",
    note = "a closure that takes a type of its own instead of `Arguments` goes to `typed_prompt`"
)]
pub trait PromptHandler: Send + Sync + 'static {
    /// Begins to make the messages. The future begins to run when it is polled, which is at once.
    ///
    /// # Errors
    ///
    /// The future's error becomes a JSON-RPC error: see [`HandlerError`] for which kind becomes
    /// which.
    fn get(
        &self,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>>;
}

impl<F, Fut, R, E> PromptHandler for F
where
    F: Fn(Arguments, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: IntoPromptResult,
    E: Into<HandlerError>,
{
    fn get(
        &self,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
        let future = self(arguments, cx);
        Box::pin(async move { future.await.map_err(Into::into)?.into_prompt_result() })
    }
}
