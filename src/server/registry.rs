//! The server: what it says of itself, and the tools that it has.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use serde::Serialize;

use super::build_error::BuildError;
use super::builder::ServerBuilder;
use super::catalogue::ToolCatalogue;
use super::changes::Changes;
use super::completion::Completions;
use super::context::Context;
use super::handler::ToolHandler;
use super::implementation::{Implementation, WireImplementation};
use super::page::{PageSize, WrittenList};
use super::prompts::Prompts;
use super::reply::CacheHint;
use super::resources::Resources;
use super::running::Finding;
use super::tasks::{EXTENSION, TaskOptions};
use super::tool::Tool;
use crate::protocol::change::{Change, ChangeSet};
use crate::protocol::version::ProtocolVersion;

/// A server: its name, and the tools that it offers. Cheap to clone.
///
/// It knows nothing of HTTP and serves nothing by itself; an [`McpService`](crate::McpService) is
/// built from it.
///
#[cfg_attr(feature = "schemars", doc = "```")]
#[cfg_attr(not(feature = "schemars"), doc = "```ignore")]
/// use mcp_http::{Context, Server, ToolError};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Forecast {
///     /// City name
///     city: String,
/// }
///
/// let server = Server::builder("weather", env!("CARGO_PKG_VERSION"))
///     .typed_tool("forecast", "The weather of the next day", |args: Forecast, cx: Context| async move {
///         cx.progress(1.0, Some(2.0), "asking the station");
///         Ok::<_, ToolError>(format!("Sunny in {}", args.city))
///     })
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Server {
    /// The outer count is that of the clones of one owner: see [`counted_apart`](Self::counted_apart).
    #[expect(clippy::redundant_allocation, reason = "two counts are the purpose")]
    inner: Arc<Arc<Inner>>,
}

/// What a builder gathers.
pub(crate) struct Inner {
    pub(crate) implementation: Implementation,
    pub(crate) instructions: Option<String>,
    pub(crate) cache: CacheHint,
    pub(crate) logging: Logging,
    pub(crate) tools: Tools,
    pub(crate) resources: Resources,
    pub(crate) prompts: Prompts,
    pub(crate) completions: Completions,
    pub(crate) changes: Option<Changes>,
    pub(crate) tasks: Option<TaskOptions>,
}

/// Whether the server declares that it sends log messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logging {
    Declared,
    Off,
}

/// Where the tools are.
pub(crate) enum Tools {
    None,
    Registered(Box<ToolTable>),
    Catalogue(Arc<dyn ToolCatalogue>),
}

/// Tools that were registered, in that order.
pub(crate) struct ToolTable {
    tools: Vec<RegisteredTool>,
    by_name: HashMap<String, usize, ByName>,
    list: WrittenList,
}

/// Hashes the names of tools. The names in the table are the application's own: a peer can ask for
/// any name, but put none there, so it cannot crowd a bucket, and the hash need not be secret.
type ByName = BuildHasherDefault<NameHasher>;

/// Eight bytes at a time, each multiplied into what was before.
#[derive(Default)]
struct NameHasher(u64);

impl NameHasher {
    fn mix(&mut self, word: u64) {
        // 2^64 over the golden ratio: its bits are spread, and it is odd, so that nothing is lost.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(SPREAD);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        // Names that differ in length alone differ here.
        self.mix(rest ^ (bytes.len() as u64) << 56);
    }

    /// The end of a text, which its length tells already.
    fn write_u8(&mut self, _: u8) {}

    fn finish(&self) -> u64 {
        // The map takes the lowest bits, and a product's highest are its best.
        self.0.rotate_left(26)
    }
}

pub(crate) struct RegisteredTool {
    pub(crate) tool: Arc<Tool>,
    pub(crate) handler: Box<dyn ToolHandler>,
}

/// The capabilities that a server declares: those that it has something for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Capabilities {
    #[serde(skip_serializing_if = "Option::is_none")]
    completions: Option<NoSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logging: Option<NoSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<ListSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<ResourceSettings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<ListSettings>,
}

/// The extensions that a server declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extensions {
    tasks: NoSettings,
}

impl Serialize for Extensions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(EXTENSION, self.tasks)])
    }
}

impl Capabilities {
    /// The same where calls may become tasks (ext-tasks, Capability Negotiation).
    pub(crate) fn with_tasks(self) -> Self {
        Self { extensions: Some(Extensions { tasks: NoSettings {} }), ..self }
    }

    /// The same where only these changes can be told of.
    pub(crate) fn announcing(self, changes: ChangeSet) -> Self {
        let prompts = self.prompts.map(|_| ListSettings::of(Change::Prompts, changes));
        let resources = self.resources.map(|_| ResourceSettings::of(changes));
        let tools = self.tools.map(|_| ListSettings::of(Change::Tools, changes));
        Self { prompts, resources, tools, ..self }
    }

    /// The same where nothing can be logged, because nothing keeps the level that was asked for.
    pub(crate) fn without_logging(self) -> Self {
        Self { logging: None, ..self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct NoSettings {}

/// What is declared of a list: whether its changes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct ListSettings {
    #[serde(rename = "listChanged", skip_serializing_if = "Option::is_none")]
    list_changed: Option<bool>,
}

impl ListSettings {
    fn of(list: Change, told: ChangeSet) -> Self {
        Self { list_changed: told.contains(list).then_some(true) }
    }
}

/// What is declared of resources: whether clients can subscribe to each besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct ResourceSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    subscribe: Option<bool>,
    #[serde(flatten)]
    list: ListSettings,
}

impl ResourceSettings {
    fn of(told: ChangeSet) -> Self {
        let subscribe = told.contains(Change::Updates).then_some(true);
        Self { subscribe, list: ListSettings::of(Change::Resources, told) }
    }
}

/// A tool that was asked for by name.
pub(crate) enum FoundTool {
    /// It is known whether there is one.
    #[cfg_attr(not(test), expect(dead_code, reason = "the adapter knows registered tools itself"))]
    Ready(Option<Arc<Tool>>),
    /// The catalogue is looking.
    Pending(Finding),
}

impl Server {
    /// Begins the description of a server. The name is for programs; people read the
    /// [`title`](ServerBuilder::title).
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ServerBuilder {
        ServerBuilder::new(name.into(), version.into())
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self { inner: Arc::new(Arc::new(inner)) }
    }

    /// The same server, whose clones do not write to the memory that those of this one do. A call
    /// clones its server, and what all cores write to is slow.
    pub(crate) fn counted_apart(&self) -> Self {
        Self { inner: Arc::new(Arc::clone(&self.inner)) }
    }

    /// What the server is called.
    pub(crate) fn name(&self) -> &str {
        &self.inner.implementation.name
    }

    /// What the server says who it is (`serverInfo`).
    pub(crate) fn implementation(&self, version: ProtocolVersion) -> WireImplementation<'_> {
        self.inner.implementation.wire(version)
    }

    /// The capabilities that the server has something for (2026-07-28, Tools and Logging,
    /// Capabilities: both MUST be declared).
    pub(crate) fn capabilities(&self) -> Capabilities {
        let told = self.can_announce();
        Capabilities {
            completions: (!self.completions().is_none()).then_some(NoSettings {}),
            extensions: None,
            prompts: self.has_prompts().then(|| ListSettings::of(Change::Prompts, told)),
            resources: self.has_resources().then(|| ResourceSettings::of(told)),
            logging: (self.inner.logging == Logging::Declared).then_some(NoSettings {}),
            tools: self.has_tools().then(|| ListSettings::of(Change::Tools, told)),
        }
    }

    /// The changes that the server may ever tell of: none without a [`Changes`], and none of what
    /// it does not have.
    pub(crate) fn can_announce(&self) -> ChangeSet {
        if self.changes().is_none() {
            return ChangeSet::EMPTY;
        }
        let can = |change: &Change| match change {
            Change::Tools => self.has_tools(),
            Change::Prompts => self.has_prompts(),
            Change::Resources | Change::Updates => self.has_resources(),
        };
        Change::ALL.into_iter().filter(can).collect()
    }

    /// The handle by which the application says what has changed.
    pub(crate) fn changes(&self) -> Option<&Changes> {
        self.inner.changes.as_ref()
    }

    /// How the server keeps tasks, if calls may become some.
    pub(crate) fn tasks(&self) -> Option<&TaskOptions> {
        self.inner.tasks.as_ref()
    }

    /// How the model should use the server.
    pub(crate) fn instructions(&self) -> Option<&str> {
        self.inner.instructions.as_deref()
    }

    /// How long what the server says of itself, and its lists, may be cached.
    pub(crate) fn cache_hint(&self) -> CacheHint {
        self.inner.cache
    }

    /// Whether the server sends log messages. Where it does not, a
    /// [`CallInfo`](super::CallInfo) has no log level.
    pub(crate) fn has_logging(&self) -> bool {
        self.inner.logging == Logging::Declared
    }

    /// Whether the server has tools, or a catalogue that may have some.
    pub(crate) fn has_tools(&self) -> bool {
        !matches!(self.inner.tools, Tools::None)
    }

    /// Whether tools are looked up in a catalogue.
    pub(crate) fn has_catalogue(&self) -> bool {
        matches!(self.inner.tools, Tools::Catalogue(_))
    }

    /// Whether the server has prompts, or may have some.
    pub(crate) fn has_prompts(&self) -> bool {
        !self.inner.prompts.is_none()
    }

    /// Whether the server has resources, or may have some.
    pub(crate) fn has_resources(&self) -> bool {
        !self.inner.resources.is_none()
    }

    pub(crate) fn prompts(&self) -> &Prompts {
        &self.inner.prompts
    }

    pub(crate) fn resources(&self) -> &Resources {
        &self.inner.resources
    }

    pub(crate) fn completions(&self) -> &Completions {
        &self.inner.completions
    }

    /// The registered tools in their order; none where a catalogue has them.
    pub(crate) fn tools(&self) -> impl Iterator<Item = &Arc<Tool>> {
        let table = match &self.inner.tools {
            Tools::Registered(table) => Some(&**table),
            Tools::None | Tools::Catalogue(_) => None,
        };
        table.into_iter().flat_map(ToolTable::iter)
    }

    /// Looks for a tool, so that headers can be checked against its schema before it is called.
    pub(crate) fn find_tool(&self, name: &str, cx: &Context) -> FoundTool {
        match &self.inner.tools {
            Tools::None => FoundTool::Ready(None),
            Tools::Registered(table) => {
                FoundTool::Ready(table.get(name).map(|registered| registered.tool.clone()))
            }
            Tools::Catalogue(catalogue) => {
                FoundTool::Pending(Finding::begin(catalogue.clone(), name, cx))
            }
        }
    }

    pub(crate) fn tool_source(&self) -> &Tools {
        &self.inner.tools
    }

    /// The tool at this place among those that are registered.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) fn registered(&self, index: usize) -> &RegisteredTool {
        match &self.inner.tools {
            Tools::Registered(table) => &table.tools[index],
            Tools::None | Tools::Catalogue(_) => panic!("no tools are registered"),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("implementation", &self.inner.implementation)
            .field("tools", &self.tools().map(|tool| tool.name()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl ToolTable {
    /// Takes tools, and writes their list for each revision.
    pub(crate) fn new(tools: Vec<RegisteredTool>, page_size: PageSize) -> Result<Self, BuildError> {
        let mut by_name = HashMap::with_capacity_and_hasher(tools.len(), ByName::default());
        for (index, RegisteredTool { tool, .. }) in tools.iter().enumerate() {
            tool.validate()?;
            if by_name.insert(tool.name().to_owned(), index).is_some() {
                return Err(BuildError::duplicate_tool(tool.name()));
            }
        }
        let list = WrittenList::new(tools.iter().map(|registered| &*registered.tool), page_size);
        Ok(Self { tools, by_name, list })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&RegisteredTool> {
        self.find(name).map(|index| &self.tools[index])
    }

    /// The place of a tool.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn list(&self) -> &WrittenList {
        &self.list
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Tool>> {
        self.tools.iter().map(|registered| &registered.tool)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    use super::*;

    /// The names of an application are alike: they share a prefix, and count.
    #[test]
    fn names_that_are_alike_are_spread_over_the_table() {
        const NAMES: usize = 4_096;
        let names = (0..NAMES / 4).flat_map(|n| {
            [format!("t{n}"), format!("get_user_{n}"), format!("{n:08}_x"), "a".repeat(n)]
        });
        let hashes: Vec<_> = names.map(|name| ByName::default().hash_one(name.as_str())).collect();
        // A map of this many takes the lowest bits for the bucket, and the highest seven besides.
        let buckets: HashSet<_> = hashes.iter().map(|hash| hash % (2 * NAMES as u64)).collect();
        let tags: HashSet<_> = hashes.iter().map(|hash| hash >> 57).collect();
        assert!(buckets.len() > NAMES * 3 / 5, "{} buckets for {NAMES} names", buckets.len());
        assert_eq!(tags.len(), 128);
        assert_eq!(HashSet::<_>::from_iter(&hashes).len(), NAMES);
    }
}
