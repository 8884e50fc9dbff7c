//! The trait behind tools that depend on the caller.

use std::sync::Arc;

use super::arguments::Arguments;
use super::context::Context;
use super::handler::BoxFuture;
use super::handler_error::ToolError;
use super::result::CallToolResult;
use super::tool::Tool;

/// Tools that depend on the caller, or that change while the server runs: what a gateway offers.
///
/// The list may vary with the caller's authorization, but not with the connection or with what
/// other requests did (2026-07-28, Tools, Capabilities), and should keep its order.
///
/// The futures are dropped as those of a [`ToolHandler`](crate::ToolHandler) are, and a panic in
/// one is answered in the same way.
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{
///     Arguments, BoxFuture, CallToolResult, Context, Server, Tool, ToolCatalogue, ToolError, ToolPage,
/// };
///
/// struct PerCaller;
///
/// impl PerCaller {
///     fn tool(cx: &Context) -> Option<Tool> {
///         Some(Tool::new(format!("greet-{}", cx.principal().name()?)))
///     }
/// }
///
/// impl ToolCatalogue for PerCaller {
///     fn list(
///         self: Arc<Self>,
///         _cursor: Option<String>,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<ToolPage, ToolError>> {
///         Box::pin(async move { Ok(ToolPage::new(Self::tool(&cx).map(Arc::new))) })
///     }
///
///     fn find(
///         self: Arc<Self>,
///         name: String,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>> {
///         Box::pin(async move { Ok(Self::tool(&cx).filter(|t| t.name() == name).map(Arc::new)) })
///     }
///
///     fn call(
///         self: Arc<Self>,
///         name: String,
///         _arguments: Arguments,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
///         Box::pin(async move {
///             match Self::tool(&cx) {
///                 Some(tool) if tool.name() == name => Ok(CallToolResult::text("Hello")),
///                 _ => Err(ToolError::unknown_tool(name)),
///             }
///         })
///     }
/// }
///
/// let server = Server::builder("greeter", "1.0.0").catalogue(PerCaller).build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
pub trait ToolCatalogue: Send + Sync + 'static {
    /// Lists the tools that this caller has: the first page, or the one that `cursor` names.
    ///
    /// A cursor that is not known is
    /// [`ToolError::protocol(-32602, "Invalid cursor", None)`](ToolError::protocol).
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<ToolPage, ToolError>>;

    /// Finds a tool by name, or nothing if this caller has no such tool. The transport asks
    /// before a call of 2026-07-28, to check the headers that mirror arguments.
    ///
    /// It may take as long as [`commit_after`](crate::McpServiceBuilder::commit_after), since
    /// nothing can be said to the client meanwhile; then the answer is 503 with `Retry-After`.
    fn find(
        self: Arc<Self>,
        name: String,
        cx: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>>;

    /// Calls a tool. If this caller has no such tool, that is
    /// [`ToolError::unknown_tool`](ToolError::unknown_tool).
    fn call(
        self: Arc<Self>,
        name: String,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>>;
}

/// A page of a list of tools.
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{Tool, ToolPage};
///
/// let page = ToolPage::new([Arc::new(Tool::new("a"))]).with_next_cursor("page-2");
/// # let _ = page;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolPage {
    pub(crate) tools: Vec<Arc<Tool>>,
    pub(crate) next_cursor: Option<String>,
}

impl ToolPage {
    /// The only or the last page, with these tools.
    pub fn new(tools: impl IntoIterator<Item = Arc<Tool>>) -> Self {
        Self { tools: tools.into_iter().collect(), next_cursor: None }
    }

    /// Adds the cursor that the client asks the next page with.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }
}
