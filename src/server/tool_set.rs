//! Tools that come and go while the server runs.

use std::fmt;
use std::sync::Arc;

use super::arguments::Arguments;
use super::build_error::BuildError;
use super::catalogue::{ToolCatalogue, ToolPage};
use super::changes::Changes;
use super::context::Context;
use super::handler::{BoxFuture, ToolHandler};
use super::handler_error::ToolError;
use super::named::NamedSet;
use super::registry::RegisteredTool;
use super::result::CallToolResult;
use super::tool::Tool;

/// Tools that are added and removed while the server runs, the same for every caller: a
/// [`ToolCatalogue`] that tells clients by itself when it has changed. Cheap to clone.
///
/// ```
/// use mcp_http::{Arguments, Changes, Context, Server, Tool, ToolError, ToolSet};
///
/// let changes = Changes::new();
/// let tools = ToolSet::new(&changes);
/// let server = Server::builder("plugins", "1.0.0")
///     .catalogue(tools.clone())
///     .changes(&changes)
///     .build()?;
///
/// // At any time, from any thread:
/// tools.insert(Tool::new("echo"), |arguments: Arguments, _cx: Context| async move {
///     Ok::<_, ToolError>(arguments.raw().to_owned())
/// })?;
/// assert!(tools.remove("echo"));
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// They are listed in the order of their names. A tool that is removed takes no more calls; those
/// that run go on. Nothing here waits for a client.
#[derive(Clone)]
pub struct ToolSet {
    tools: NamedSet<RegisteredTool>,
    changes: Changes,
}

impl ToolSet {
    /// A set without tools, which tells of its changes by this handle. The server must be given
    /// the same one ([`ServerBuilder::changes`](crate::ServerBuilder::changes)).
    pub fn new(changes: &Changes) -> Self {
        Self { tools: NamedSet::default(), changes: changes.clone() }
    }

    /// How many tools a page of the list has at most, and at least one. Default: no limit. See
    /// [`ServerBuilder::page_size`](crate::ServerBuilder::page_size).
    #[must_use]
    pub fn with_page_size(mut self, tools: usize) -> Self {
        self.tools.set_page_size(tools);
        self
    }

    /// Adds a tool, in place of one of the same name.
    ///
    /// # Errors
    ///
    /// If its name or a schema is not valid. Then nothing has changed.
    pub fn insert(&self, tool: Tool, handler: impl ToolHandler) -> Result<(), BuildError> {
        tool.validate()?;
        let name = tool.name().to_owned();
        let registered = RegisteredTool { tool: Arc::new(tool), handler: Box::new(handler) };
        self.tools.insert(name, registered);
        self.changes.tools_changed();
        Ok(())
    }

    /// Removes a tool. False if there is none of this name.
    pub fn remove(&self, name: &str) -> bool {
        let is_changed = self.tools.remove(name);
        if is_changed {
            self.changes.tools_changed();
        }
        is_changed
    }

    /// Whether there is a tool of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tools.contains(name)
    }
}

impl ToolCatalogue for ToolSet {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        _cx: Context,
    ) -> BoxFuture<'static, Result<ToolPage, ToolError>> {
        let page = self.tools.page(cursor.as_deref(), |registered| &registered.tool);
        let page = page.map(|(tools, next_cursor)| ToolPage { tools, next_cursor });
        Box::pin(std::future::ready(page.map_err(ToolError::from_rpc)))
    }

    fn find(
        self: Arc<Self>,
        name: String,
        _cx: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, ToolError>> {
        let found = self.tools.get(&name).map(|registered| Arc::clone(&registered.tool));
        Box::pin(std::future::ready(Ok(found)))
    }

    fn call(
        self: Arc<Self>,
        name: String,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, ToolError>> {
        match self.tools.get(&name) {
            Some(registered) => registered.handler.call(arguments, cx),
            None => Box::pin(std::future::ready(Err(ToolError::unknown_tool(name)))),
        }
    }
}

impl fmt::Debug for ToolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolSet").field(&self.tools).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt;

    use super::*;
    use crate::protocol::change::{Change, Notice};
    use crate::protocol::version::ProtocolVersion;
    use crate::server::Audience;
    use crate::server::context::tests::{context, info};

    #[derive(Default)]
    struct Heard(Mutex<Vec<Change>>);

    impl Audience for Heard {
        fn hear(&self, notice: &Notice) {
            self.0.lock().unwrap().push(notice.subject().change());
        }
    }

    async fn nothing(_: Arguments, _: Context) -> Result<&'static str, ToolError> {
        Ok("old")
    }

    fn cx() -> Context {
        context(info(ProtocolVersion::LATEST))
    }

    fn list(
        set: &ToolSet,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), ToolError> {
        let page = Arc::new(set.clone()).list(cursor.map(str::to_owned), cx());
        page.now_or_never().expect("it does not wait").map(|page| {
            let names = page.tools.iter().map(|tool| tool.name().to_owned());
            (names.collect(), page.next_cursor)
        })
    }

    fn call(set: &ToolSet, name: &str) -> Result<CallToolResult, ToolError> {
        let call = Arc::new(set.clone()).call(name.into(), Arguments::empty(), cx());
        call.now_or_never().expect("it does not wait")
    }

    #[test]
    fn what_is_inserted_and_removed_is_listed_called_and_told() {
        let changes = Changes::new();
        let heard = Arc::new(Heard::default());
        changes.add(&heard);
        let told = || std::mem::take(&mut *heard.0.lock().unwrap()).len();
        let set = ToolSet::new(&changes);
        set.insert(Tool::new("b"), nothing).unwrap();
        set.clone().insert(Tool::new("a"), nothing).unwrap();
        assert_eq!(told(), 2);
        assert_eq!(list(&set, None).unwrap(), (vec!["a".into(), "b".into()], None));
        assert_eq!(call(&set, "a").unwrap(), CallToolResult::text("old"));
        let new = |_: Arguments, _: Context| async { Ok::<_, ToolError>("new") };
        set.insert(Tool::new("a"), new).unwrap();
        assert_eq!(call(&set, "a").unwrap(), CallToolResult::text("new"));
        assert_eq!(told(), 1);
        assert!(set.remove("a"));
        assert_eq!(told(), 1);
        assert!(!set.remove("a"));
        assert!(set.insert(Tool::new("no spaces"), nothing).is_err());
        assert_eq!(told(), 0, "nothing has changed");
        assert!(call(&set, "a").unwrap_err().to_string().contains("Unknown tool: a"));
        assert!(set.contains("b") && !set.contains("a"));
        let found = ToolCatalogue::find(Arc::new(set), "b".into(), cx());
        assert_eq!(found.now_or_never().unwrap().unwrap().unwrap().name(), "b");
    }

    #[test]
    fn a_tool_that_is_removed_between_two_pages_hides_no_other() {
        let set = ToolSet::new(&Changes::new()).with_page_size(2);
        for name in ["a", "b", "c", "d"] {
            set.insert(Tool::new(name), nothing).unwrap();
        }
        let (first, cursor) = list(&set, None).unwrap();
        assert_eq!(first, ["a", "b"]);
        set.remove("b");
        set.remove("c");
        assert_eq!(list(&set, cursor.as_deref()).unwrap(), (vec!["d".into()], None));
        let error = list(&set, Some("?")).unwrap_err();
        assert_eq!(error.to_string(), "Invalid cursor");
    }
}
