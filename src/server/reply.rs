//! Replies: results before an era makes them its own.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::ask::Question;
use super::catalogue::ToolPage;
use super::result::CallToolResult;
use super::tasks::Task;
use super::tool::{Tool, WireTool};
use crate::protocol::jsonrpc::ObjectWriter;
use crate::protocol::version::ProtocolVersion;

/// Who may cache a list (2026-07-28, Caching, Cache Scope Field).
///
/// ```
/// use std::time::Duration;
/// use mcp_http::{CacheScope, Server};
///
/// let server = Server::builder("clock", "1.0.0")
///     .cache(Duration::from_secs(300), CacheScope::Public) // the same tools for everybody
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CacheScope {
    /// The list is the same for all callers; any cache may serve it to any of them.
    Public,
    /// The list is this caller's.
    #[default]
    Private,
}

/// How long a client may take a result for fresh, and who may cache it.
///
/// By default it is stale at once, and private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheHint {
    pub(crate) ttl_ms: u64,
    pub(crate) scope: CacheScope,
}

/// The result of a request, without what an era adds: `resultType`, `_meta`, cache hints.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// A result without members.
    Empty,
    /// What a tool returned.
    CallTool(Box<CallToolResult>),
    /// A list of tools.
    Tools(ToolList, CacheHint),
    /// The call has become a task, and this is its handle.
    TaskBegun(Box<Task>),
    /// A task.
    Task(Box<Task>),
    /// What the handler must know before it can go on. It is no reply where the client is asked
    /// meanwhile.
    InputRequired(Vec<Question>),
}

/// A list of tools.
#[derive(Debug, PartialEq)]
pub(crate) enum ToolList {
    /// All tools of a server, written beforehand for the revision of the request.
    Written(Bytes),
    /// A page of a catalogue.
    Page(ToolPage),
}

impl Reply {
    /// Writes the reply's members for this revision.
    ///
    /// # Errors
    ///
    /// Never in practice: the reply holds only what JSON can.
    pub(crate) fn write(
        &self,
        version: ProtocolVersion,
        object: &mut ObjectWriter<'_>,
    ) -> Result<(), serde_json::Error> {
        match self {
            // Questions are written with the state that their era keeps beside them.
            Self::Empty | Self::InputRequired(_) => Ok(()),
            Self::CallTool(result) => result.write(version, object),
            Self::TaskBegun(task) => {
                object.raw_members(&task.handle());
                Ok(())
            }
            Self::Task(task) => {
                object.raw_members(&task.members());
                Ok(())
            }
            Self::Tools(ToolList::Written(members), _) => {
                object.raw_members(members);
                Ok(())
            }
            Self::Tools(ToolList::Page(page), _) => {
                object.member("tools", &wire_tools(page.tools.iter(), version))?;
                match &page.next_cursor {
                    Some(cursor) => object.member("nextCursor", cursor),
                    None => Ok(()),
                }
            }
        }
    }

    /// The application's members of `_meta`.
    pub(crate) fn meta(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::CallTool(result) => result.meta(),
            Self::Empty
            | Self::Tools(..)
            | Self::TaskBegun(_)
            | Self::Task(_)
            | Self::InputRequired(_) => None,
        }
    }

    /// How long the reply may be cached, if it may be cached at all (2026-07-28, Caching,
    /// Cacheable Results).
    pub(crate) fn cache_hint(&self) -> Option<CacheHint> {
        match self {
            Self::Tools(_, hint) => Some(*hint),
            Self::Empty
            | Self::CallTool(_)
            | Self::TaskBegun(_)
            | Self::Task(_)
            | Self::InputRequired(_) => None,
        }
    }
}

/// Writes a list of all tools as members of a reply: `"tools":[..]`.
pub(crate) fn write_tools<'a>(
    tools: impl Iterator<Item = &'a Arc<Tool>>,
    version: ProtocolVersion,
) -> Bytes {
    let mut members = b"\"tools\":".to_vec();
    serde_json::to_writer(&mut members, &wire_tools(tools, version))
        .expect("a tool holds strings and JSON values");
    members.into()
}

fn wire_tools<'a>(
    tools: impl Iterator<Item = &'a Arc<Tool>>,
    version: ProtocolVersion,
) -> Vec<WireTool<'a>> {
    tools.map(|tool| tool.wire(version)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// The members that a reply writes.
    pub(crate) fn members(reply: &Reply, version: ProtocolVersion) -> Value {
        let mut buffer = Vec::new();
        let mut object = ObjectWriter::begin(&mut buffer);
        reply.write(version, &mut object).unwrap();
        object.end();
        serde_json::from_slice(&buffer).unwrap()
    }

    #[test]
    fn a_page_has_a_next_cursor_only_if_there_is_a_next_page() {
        let page = ToolPage::new([Arc::new(Tool::new("a"))]);
        let tools = json!([{"name": "a", "inputSchema": {"type": "object"}}]);
        let reply = |page| Reply::Tools(ToolList::Page(page), CacheHint::default());
        assert_eq!(
            members(&reply(page.clone()), ProtocolVersion::LATEST),
            json!({ "tools": &tools })
        );
        // 2026-07-28, Pagination: "an empty string is a valid cursor".
        assert_eq!(
            members(&reply(page.with_next_cursor("")), ProtocolVersion::LATEST),
            json!({ "tools": &tools, "nextCursor": "" })
        );
    }

    #[test]
    fn lists_can_be_cached_and_results_of_tools_cannot() {
        let hint = CacheHint { ttl_ms: 5, scope: CacheScope::Public };
        let list = Reply::Tools(ToolList::Page(ToolPage::default()), hint);
        assert_eq!(list.cache_hint(), Some(hint));
        let result = CallToolResult::empty().with_meta("example.com/k", 1);
        let call = Reply::CallTool(Box::new(result));
        assert_eq!(call.cache_hint(), None);
        assert_eq!(call.meta().unwrap()["example.com/k"], 1);
        assert_eq!(members(&Reply::Empty, ProtocolVersion::LATEST), json!({}));
    }
}
