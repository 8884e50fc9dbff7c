//! Replies: results before an era makes them its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ask::Question;
use super::completion::Completion;
use super::page::ListPage;
use super::prompts::GetPromptResult;
use super::resources::ReadReply;
use super::result::CallToolResult;
use super::tasks::Task;
use crate::protocol::jsonrpc::{ObjectWriter, SOME_MEMBERS};
use crate::protocol::version::ProtocolVersion;

/// Who may cache a list, or what was read (2026-07-28, Caching, Cache Scope Field).
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CacheScope {
    /// It is the same for all callers; any cache may serve it to any of them.
    Public,
    /// It is this caller's.
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

/// The largest `ttlMs` that JavaScript reads exactly: 285,000 years.
pub(crate) const MAX_TTL_MS: u64 = (1 << 53) - 1;

impl CacheHint {
    pub(crate) fn new(ttl: Duration, scope: CacheScope) -> Self {
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(MAX_TTL_MS);
        Self { ttl_ms: millis.min(MAX_TTL_MS), scope }
    }
}

/// The result of a request, without what an era adds: `resultType`, `_meta`, cache hints.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// A result without members.
    Empty,
    /// What a tool returned. It is not boxed, as it is what most requests end with.
    CallTool(CallToolResult),
    /// A page of a list.
    List(Box<ListPage>),
    /// What is in a resource.
    ReadResource(ReadReply),
    /// What a prompt became.
    GetPrompt(Box<GetPromptResult>),
    /// What was suggested.
    Completion(Completion),
    /// The call has become a task, and this is its handle.
    TaskBegun(Box<Task>),
    /// A task.
    Task(Box<Task>),
    /// What the handler must know before it can go on. It is no reply where the client is asked
    /// meanwhile.
    InputRequired(Vec<Question>),
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
            Self::List(page) => page.write(object),
            Self::ReadResource(read) => read.write(version, object),
            Self::GetPrompt(result) => result.write(version, object),
            Self::Completion(completion) => object.member("completion", &completion.wire()),
        }
    }

    /// About how much [`write`](Self::write) adds.
    pub(crate) fn likely_len(&self, version: ProtocolVersion) -> usize {
        match self {
            Self::CallTool(result) => result.likely_len(version),
            Self::List(page) => page.likely_len(),
            Self::Empty | Self::InputRequired(_) => 0,
            Self::ReadResource(_)
            | Self::GetPrompt(_)
            | Self::Completion(_)
            | Self::TaskBegun(_)
            | Self::Task(_) => SOME_MEMBERS,
        }
    }

    /// The application's members of `_meta`.
    pub(crate) fn meta(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::CallTool(result) => result.meta(),
            Self::ReadResource(read) => read.meta(),
            Self::GetPrompt(result) => result.meta(),
            Self::Empty
            | Self::List(_)
            | Self::Completion(_)
            | Self::TaskBegun(_)
            | Self::Task(_)
            | Self::InputRequired(_) => None,
        }
    }

    /// How long the reply may be cached, if it may be cached at all (2026-07-28, Caching,
    /// Cacheable Results).
    pub(crate) fn cache_hint(&self) -> Option<CacheHint> {
        match self {
            Self::List(page) => Some(page.cache_hint()),
            Self::ReadResource(read) => Some(read.cache_hint()),
            Self::Empty
            | Self::CallTool(_)
            | Self::GetPrompt(_)
            | Self::Completion(_)
            | Self::TaskBegun(_)
            | Self::Task(_)
            | Self::InputRequired(_) => None,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::Tool;

    /// The members that a reply writes.
    pub(crate) fn members(reply: &Reply, version: ProtocolVersion) -> Value {
        let mut buffer = Vec::new();
        let mut object = ObjectWriter::begin(&mut buffer);
        reply.write(version, &mut object).unwrap();
        object.end();
        serde_json::from_slice(&buffer).unwrap()
    }

    #[test]
    fn lists_can_be_cached_and_results_of_tools_cannot() {
        let hint = CacheHint { ttl_ms: 5, scope: CacheScope::Public };
        let tools: [Tool; 0] = [];
        let list = ListPage::new(&tools, None, ProtocolVersion::LATEST, hint);
        let list = Reply::List(Box::new(list));
        assert_eq!(list.cache_hint(), Some(hint));
        let result = CallToolResult::empty().with_meta("example.com/k", 1);
        let call = Reply::CallTool(result);
        assert_eq!(call.cache_hint(), None);
        assert_eq!(call.meta().unwrap()["example.com/k"], 1);
        assert_eq!(members(&Reply::Empty, ProtocolVersion::LATEST), json!({}));
    }
}
