#![cfg_attr(feature = "schemars", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "schemars"), doc = "The MCP Streamable HTTP server transport on hyper.")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod http;
mod protocol;
mod server;

#[cfg(feature = "cloud-logging")]
pub use crate::http::CloudLogging;
pub use crate::http::{
    Admit, CloudRun, CloudRunError, ConnectionStats, Drained, Framing, Front, IntoListener,
    McpService, McpServiceBuilder, ResponseBody, ResponseFuture, RoutesBody, RoutesFuture, Running,
    Serve, ShutdownSignal, ShutdownWait, StandaloneStream, Stats, StreamEnd, StreamKind,
    StreamStats, WithRoutes, WriteDeadline, serve,
};
pub use crate::protocol::client_addr::PeerAddr;
pub use crate::protocol::head::Head;
pub use crate::protocol::log_level::{LogLevel, UnknownLogLevel};
pub use crate::protocol::modern::state::StateKeys;
pub use crate::protocol::principal::Principal;
pub use crate::protocol::refusal::Refusal;
pub use crate::protocol::version::{Era, ProtocolVersion, UnknownVersion};
#[cfg(feature = "validation")]
pub use crate::server::Validation;
pub use crate::server::{
    Annotations, Arguments, BooleanSchema, BoxFuture, BuildError, CacheScope, CallToolResult,
    Changes, Choice, ClientCapabilities, Completion, CompletionHandler, CompletionReference,
    CompletionRequest, Content, Context, CreateMessage, CreateMessageResult, Elicit, ElicitForm,
    ElicitUrl, Elicitation, Elicited, FieldSchema, GetPromptResult, HandlerError, Icon, IconTheme,
    Implementation, IncludeContext, IntoPromptResult, IntoResourceResult, IntoToolResult,
    ListRoots, ModelPreferences, MultiSelectSchema, NumberSchema, Prompt, PromptArgument,
    PromptCatalogue, PromptHandler, PromptMessage, PromptPage, PromptSet, ReadRequest,
    ReadResourceResult, Resource, ResourceCatalogue, ResourceContents, ResourceHandler,
    ResourceLink, ResourcePage, ResourceSet, ResourceTemplate, ResourceTemplatePage, Role, Root,
    SamplingContent, SamplingMessage, Server, ServerBuilder, SingleSelectSchema, StopReason,
    StringFormat, StringSchema, Structured, Task, TaskId, TaskOptions, TaskStatus, TaskStore,
    TaskSupport, Tool, ToolAnnotations, ToolCatalogue, ToolChoice, ToolError, ToolHandler,
    ToolPage, ToolResult, ToolSet, ToolUse, UriTemplate, Variables,
};
#[cfg(feature = "schemars")]
pub use crate::server::{ElicitTyped, TypedToolResult};
