//! The trait behind prompts that depend on the caller.

use std::sync::Arc;

use super::prompt::Prompt;
use super::result::GetPromptResult;
use crate::server::arguments::Arguments;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;

/// Prompts that depend on the caller, or that change while the server runs: what a gateway offers.
///
/// The list may vary with the caller's authorization, but not with the connection or with what
/// other requests did (2026-07-28, Prompts, Capabilities), and should keep its order.
///
/// Whether a value is a string is checked before a catalogue is asked; what a prompt requires, only
/// the catalogue knows. What it can complete, [`ServerBuilder::complete_other`](crate::ServerBuilder::complete_other)
/// is told.
///
/// For prompts that come and go but are the same for every caller there is
/// [`PromptSet`](crate::PromptSet).
///
/// The futures are dropped, and a panic in one is answered, as with a
/// [`ToolHandler`](crate::ToolHandler).
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{
///     Arguments, BoxFuture, Context, GetPromptResult, HandlerError, Prompt, PromptCatalogue,
///     PromptMessage, PromptPage, Server,
/// };
///
/// struct PerCaller;
///
/// impl PromptCatalogue for PerCaller {
///     fn list(
///         self: Arc<Self>,
///         _cursor: Option<String>,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<PromptPage, HandlerError>> {
///         let own = cx.principal().name().map(|name| Prompt::new(format!("greet-{name}")));
///         Box::pin(async move { Ok(PromptPage::new(own.map(Arc::new))) })
///     }
///
///     fn get(
///         self: Arc<Self>,
///         name: String,
///         _arguments: Arguments,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
///         Box::pin(async move {
///             match (name.strip_prefix("greet-"), cx.principal().name()) {
///                 (Some(asked), Some(own)) if asked == own => {
///                     let text = format!("Greet me: I am {own}.");
///                     Ok(GetPromptResult::new([PromptMessage::user(text)]))
///                 }
///                 _ => Err(HandlerError::unknown_prompt(name)),
///             }
///         })
///     }
/// }
///
/// let server = Server::builder("greeter", "1.0.0").prompt_catalogue(PerCaller).build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
pub trait PromptCatalogue: Send + Sync + 'static {
    /// Lists the prompts that this caller has: the first page, or the one that `cursor` names.
    ///
    /// A cursor that is not known is
    /// [`HandlerError::protocol(-32602, "Invalid cursor", None)`](HandlerError::protocol).
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<PromptPage, HandlerError>>;

    /// Makes the messages of a prompt. If this caller has no such prompt, that is
    /// [`HandlerError::unknown_prompt`].
    fn get(
        self: Arc<Self>,
        name: String,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>>;
}

/// A page of a list of prompts.
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{Prompt, PromptPage};
///
/// let page = PromptPage::new([Arc::new(Prompt::new("a"))]).with_next_cursor("page-2");
/// # let _ = page;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptPage {
    pub(crate) prompts: Vec<Arc<Prompt>>,
    pub(crate) next_cursor: Option<String>,
}

impl PromptPage {
    /// The only or the last page, with these prompts.
    pub fn new(prompts: impl IntoIterator<Item = Arc<Prompt>>) -> Self {
        Self { prompts: prompts.into_iter().collect(), next_cursor: None }
    }

    /// Adds the cursor that the client asks the next page with.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }
}
