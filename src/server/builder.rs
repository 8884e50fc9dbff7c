//! The builder of a server.

use std::sync::Arc;
use std::time::Duration;

use super::build_error::BuildError;
use super::catalogue::ToolCatalogue;
use super::changes::Changes;
use super::completion::CompletionsBuilder;
use super::handler::ToolHandler;
use super::implementation::{Icon, Implementation};
use super::page::PageSize;
use super::prompts::PromptsBuilder;
use super::registry::{Inner, Logging, RegisteredTool, Server, ToolTable, Tools};
use super::reply::{CacheHint, CacheScope};
use super::resources::ResourcesBuilder;
use super::tasks::TaskOptions;
use super::tool::Tool;

/// Describes a [`Server`].
///
/// ```
/// use std::time::Duration;
/// use mcp_http::{Arguments, CacheScope, Context, Server, Tool, ToolError};
///
/// let server = Server::builder("clock", "1.0.0")
///     .title("Clock")
///     .instructions("Ask for the time before you plan a day.")
///     .cache(Duration::from_secs(300), CacheScope::Public)
///     .tool(
///         Tool::new("now").with_description("The time of the day"),
///         |_arguments: Arguments, _cx: Context| async { Ok::<_, ToolError>("half past eight") },
///     )
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct ServerBuilder {
    implementation: Implementation,
    instructions: Option<String>,
    cache: CacheHint,
    page_size: PageSize,
    logging: Logging,
    pub(super) tools: Vec<RegisteredTool>,
    pub(super) catalogue: Option<Arc<dyn ToolCatalogue>>,
    #[cfg(feature = "validation")]
    pub(super) validation: Option<super::validation::Validation>,
    pub(super) resources: ResourcesBuilder,
    pub(super) prompts: PromptsBuilder,
    pub(super) completions: CompletionsBuilder,
    changes: Option<Changes>,
    tasks: Option<TaskOptions>,
}

impl ServerBuilder {
    pub(crate) fn new(name: String, version: String) -> Self {
        Self {
            implementation: Implementation::new(name, version),
            instructions: None,
            cache: CacheHint::default(),
            page_size: PageSize::default(),
            logging: Logging::Declared,
            tools: Vec::new(),
            catalogue: None,
            #[cfg(feature = "validation")]
            validation: None,
            resources: ResourcesBuilder::default(),
            prompts: PromptsBuilder::default(),
            completions: CompletionsBuilder::default(),
            changes: None,
            tasks: None,
        }
    }

    /// The server's name that people read (sent from revision 2025-06-18 on).
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.implementation.title = Some(title.into());
        self
    }

    /// What the server is (sent from revision 2025-11-25 on).
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.implementation.description = Some(description.into());
        self
    }

    /// Where to learn more of the server (sent from revision 2025-11-25 on).
    pub fn website_url(mut self, url: impl Into<String>) -> Self {
        self.implementation.website_url = Some(url.into());
        self
    }

    /// Adds a picture of the server (sent from revision 2025-11-25 on).
    pub fn icon(mut self, icon: Icon) -> Self {
        self.implementation.icons.push(icon);
        self
    }

    /// How the model should use the server and its tools together.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// How long clients may take lists and the server's description for fresh, and who may cache
    /// them (2026-07-28, Caching). Default: not at all, and privately.
    ///
    /// It does not reach what is read from resources: see
    /// [`Resource::with_cache`](crate::Resource::with_cache).
    ///
    /// A public list may be shown to every caller, whoever asked for it.
    pub fn cache(mut self, ttl: Duration, scope: CacheScope) -> Self {
        self.cache = CacheHint::new(ttl, scope);
        self
    }

    /// How many tools, resources, templates or prompts a page of a list has at most; clients ask
    /// for the next page by a cursor (2026-07-28, Pagination). Default: no limit, since not all
    /// clients ask for a second page.
    ///
    /// Cursors are opaque, mean the same in every instance of the server, and survive a restart:
    /// they name the entries before and after their place, so that others may come and go. They
    /// are good for what is registered here; a catalogue makes pages of its own.
    ///
    /// Building the server fails if the size is 0.
    pub fn page_size(mut self, entries: usize) -> Self {
        self.page_size = PageSize::AtMost(entries);
        self
    }

    /// Does not declare the logging capability; [`Context::log`](crate::Context::log) then goes
    /// nowhere.
    pub fn without_logging(mut self) -> Self {
        self.logging = Logging::Off;
        self
    }

    /// Adds a tool. They are listed in the order in which they are added.
    ///
    /// ```
    /// use mcp_http::{Arguments, Context, Server, Tool, ToolError};
    ///
    /// let server = Server::builder("echo", "1.0.0")
    ///     .tool(Tool::new("echo"), |arguments: Arguments, _cx: Context| async move {
    ///         Ok::<_, ToolError>(arguments.raw().to_owned())
    ///     })
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn tool(mut self, tool: Tool, handler: impl ToolHandler) -> Self {
        self.tools.push(RegisteredTool { tool: Arc::new(tool), handler: Box::new(handler) });
        self
    }

    /// Takes the tools from a catalogue, in place of tools that are added here: for tools that
    /// depend on the caller. See [`ToolCatalogue`].
    pub fn catalogue(mut self, catalogue: impl ToolCatalogue) -> Self {
        self.catalogue = Some(Arc::new(catalogue));
        self
    }

    /// Lets this handle say what of the server has changed, and declares that it can: of tools,
    /// prompts and resources, where there are any or a catalogue of them, that their lists change
    /// (`listChanged`), and of resources that clients can subscribe to each (`subscribe`). See
    /// [`Changes`].
    ///
    /// Without one nothing is declared, and the server has nothing to say but what calls say.
    pub fn changes(mut self, changes: &Changes) -> Self {
        self.changes = Some(changes.clone());
        self
    }

    /// How tasks are kept, and how many: the extension `io.modelcontextprotocol/tasks` of revision
    /// 2026-07-28. See [`TaskOptions`].
    ///
    /// A server with a tool that has [`TaskSupport`](crate::TaskSupport) declares it with the
    /// defaults; this is to have others, and for the tools of a [`ToolCatalogue`].
    pub fn tasks(mut self, options: TaskOptions) -> Self {
        self.tasks = Some(options);
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    ///
    /// If two tools, two prompts or two resources have one name or URI, if a name, a URI, a template
    /// or a schema is not valid, if there are some of a kind and a catalogue of that kind besides,
    /// if what is to be completed is not there, or if a page is to have no entry. The message names
    /// what is wrong.
    pub fn build(self) -> Result<Server, BuildError> {
        #[cfg(feature = "validation")]
        let guarded = self.guarded()?;
        #[cfg(not(feature = "validation"))]
        let guarded = self;
        guarded.assemble()
    }

    fn assemble(self) -> Result<Server, BuildError> {
        if self.page_size == PageSize::AtMost(0) {
            return Err(BuildError::option("page_size", "a page has at least one entry"));
        }
        let derived = self.tools.iter().any(|it| it.tool.task_support().is_some());
        let tasks = self.tasks.or_else(|| derived.then(TaskOptions::default));
        if let Some(options) = &tasks {
            options.check().map_err(|(name, why)| BuildError::option(name, why))?;
        }
        let tools = match (self.catalogue, self.tools) {
            (None, tools) if tools.is_empty() => Tools::None,
            (None, tools) => Tools::Registered(Box::new(ToolTable::new(tools, self.page_size)?)),
            (Some(catalogue), tools) if tools.is_empty() => Tools::Catalogue(catalogue),
            (Some(_), _) => return Err(BuildError::tools_and_catalogue()),
        };
        let resources = self.resources.build(self.page_size, self.cache)?;
        let prompts = self.prompts.build(self.page_size)?;
        let completions = self.completions.build(&prompts, &resources)?;
        Ok(Server::from_inner(Inner {
            implementation: self.implementation,
            instructions: self.instructions,
            cache: self.cache,
            logging: self.logging,
            tools,
            resources,
            prompts,
            completions,
            changes: self.changes,
            tasks,
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::change::{Change, ChangeSet};
    use crate::protocol::version::ProtocolVersion;
    use crate::server::context::tests::{context, info};
    use crate::server::{Arguments, Context, FoundTool, ToolError};

    async fn nothing(_: Arguments, _: Context) -> Result<(), ToolError> {
        Ok(())
    }

    fn builder() -> ServerBuilder {
        Server::builder("s", "1")
    }

    fn capabilities(server: &Server) -> Value {
        serde_json::to_value(server.capabilities()).unwrap()
    }

    /// 2026-07-28, Tools, Capabilities: servers that support tools MUST declare `tools`; Logging,
    /// Capabilities: servers that emit log messages MUST declare `logging`.
    #[test]
    fn capabilities_are_those_that_the_server_has_something_for() {
        let empty = builder().build().unwrap();
        assert_eq!(capabilities(&empty), json!({"logging": {}}));
        let silent = builder().without_logging().build().unwrap();
        assert_eq!(capabilities(&silent), json!({}));
        assert!(!silent.has_logging());
        let tools = builder().tool(Tool::new("a"), nothing).build().unwrap();
        assert_eq!(capabilities(&tools), json!({"logging": {}, "tools": {}}));
        assert!(tools.has_logging());
    }

    /// 2026-07-28, Tools, Capabilities: "`listChanged` indicates whether the server will emit
    /// notifications when the list of available tools changes".
    #[test]
    fn that_lists_change_is_declared_by_servers_that_can_say_so_and_have_lists() {
        let changes = Changes::new();
        let empty = builder().changes(&changes).build().unwrap();
        assert_eq!(capabilities(&empty), json!({"logging": {}}));
        assert!(empty.can_announce().is_empty());
        let declared = json!({"logging": {}, "tools": {"listChanged": true}});
        let server = builder().tool(Tool::new("a"), nothing).changes(&changes).build().unwrap();
        assert_eq!(capabilities(&server), declared);
        assert!(server.can_announce().contains(Change::Tools));
        // Where no client can be told, none is promised that it will be.
        let none = server.capabilities().announcing(ChangeSet::EMPTY);
        assert_eq!(json!(none), json!({"logging": {}, "tools": {}}));
    }

    #[test]
    fn tools_keep_the_order_in_which_they_were_added_and_are_found_by_name() {
        let server = ["z", "a", "m"]
            .into_iter()
            .fold(builder(), |builder, name| builder.tool(Tool::new(name), nothing))
            .build()
            .unwrap();
        let names: Vec<&str> = server.tools().map(|tool| tool.name()).collect();
        assert_eq!(names, ["z", "a", "m"]);
        let cx = context(info(ProtocolVersion::LATEST));
        let find = |name| match server.find_tool(name, &cx) {
            FoundTool::Ready(tool) => tool.map(|tool| tool.name().to_owned()),
            FoundTool::Pending(_) => panic!("registered tools are found at once"),
        };
        assert_eq!(find("a").as_deref(), Some("a"));
        assert_eq!(find("A"), None);
    }

    #[test]
    fn what_cannot_be_built_is_refused_by_the_name_of_the_tool() {
        let error = |builder: ServerBuilder| builder.build().unwrap_err().to_string();
        let twice = builder().tool(Tool::new("a"), nothing).tool(Tool::new("a"), nothing);
        assert_eq!(error(twice), "tool `a`: registered twice");
        let schema = Tool::new("b").with_input_schema(json!([]));
        assert_eq!(
            error(builder().tool(schema, nothing)),
            "tool `b`: the input schema is not a JSON object"
        );
    }

    /// 2026-07-28, Caching: `ttlMs` is an integer in milliseconds, `>= 0`.
    #[test]
    fn the_cache_hint_is_zero_and_private_unless_it_is_set() {
        let hint = |builder: ServerBuilder| builder.build().unwrap().cache_hint();
        assert_eq!(hint(builder()), CacheHint { ttl_ms: 0, scope: CacheScope::Private });
        let public = builder().cache(Duration::from_secs(2), CacheScope::Public);
        assert_eq!(hint(public), CacheHint { ttl_ms: 2_000, scope: CacheScope::Public });
        let forever = builder().cache(Duration::MAX, CacheScope::Private);
        assert_eq!(hint(forever).ttl_ms, (1 << 53) - 1);
    }

    #[test]
    fn a_page_has_at_least_one_entry() {
        let error = builder().page_size(0).build().unwrap_err();
        assert_eq!(error.to_string(), "option `page_size`: a page has at least one entry");
        assert!(builder().page_size(1).build().is_ok());
    }

    #[test]
    fn the_server_says_what_was_said_of_it() {
        let server = builder()
            .title("S")
            .description("d")
            .website_url("https://example.com")
            .icon(Icon::new("data:,"))
            .instructions("i")
            .build()
            .unwrap();
        assert_eq!(
            serde_json::to_value(server.implementation(ProtocolVersion::LATEST)).unwrap(),
            json!({
                "name": "s", "version": "1", "title": "S", "description": "d",
                "websiteUrl": "https://example.com", "icons": [{"src": "data:,"}],
            })
        );
        assert_eq!(server.instructions(), Some("i"));
    }
}
