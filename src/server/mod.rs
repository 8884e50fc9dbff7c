//! The application layer: what a server offers, and what its handlers see of a request.
//!
//! It is neutral to the protocol's eras: it knows revisions only where their messages can hold
//! different members (`revision`), and leaves `_meta`, `resultType` and framing to those who
//! call it. A call comes in through [`Server::dispatch`](Server), runs as a
//! [`ToolHandler`] with a [`Context`], says what it has to say into the context's outbox, and
//! ends as a reply that the era writes into its answer.

mod annotations;
mod arguments;
mod ask;
mod build_error;
mod builder;
mod cancel;
mod catalogue;
mod changes;
mod client;
mod completion;
mod content;
mod context;
mod dispatch;
mod handler;
mod handler_error;
mod implementation;
mod named;
mod notification;
mod outbox;
mod outcome;
mod page;
mod prompts;
mod raw;
mod registry;
mod reply;
mod resources;
mod result;
mod revision;
mod running;
#[cfg(all(test, shuttle))]
mod shuttle_tests;
mod tasks;
mod tool;
mod tool_set;

#[cfg(feature = "schemars")]
mod typed;
#[cfg(feature = "validation")]
mod validation;

pub use annotations::{Annotations, Role};
pub use arguments::Arguments;
#[cfg(feature = "schemars")]
pub use ask::ElicitTyped;
pub use ask::{
    BooleanSchema, Choice, CreateMessage, CreateMessageResult, Elicit, ElicitForm, ElicitUrl,
    Elicitation, Elicited, FieldSchema, IncludeContext, ListRoots, ModelPreferences,
    MultiSelectSchema, NumberSchema, Root, SamplingContent, SamplingMessage, SingleSelectSchema,
    StopReason, StringFormat, StringSchema, ToolChoice, ToolResult, ToolUse,
};
pub use build_error::BuildError;
pub use builder::ServerBuilder;
pub use catalogue::{ToolCatalogue, ToolPage};
pub use changes::Changes;
pub use client::ClientCapabilities;
pub use completion::{Completion, CompletionHandler, CompletionReference, CompletionRequest};
pub use content::Content;
pub use context::Context;
pub use handler::{BoxFuture, ToolHandler};
pub use handler_error::{HandlerError, ToolError};
pub use implementation::{Icon, IconTheme, Implementation};
pub use prompts::{
    GetPromptResult, IntoPromptResult, Prompt, PromptArgument, PromptCatalogue, PromptHandler,
    PromptMessage, PromptPage, PromptSet,
};
pub use registry::Server;
pub use reply::CacheScope;
pub use resources::{
    IntoResourceResult, ReadRequest, ReadResourceResult, Resource, ResourceCatalogue,
    ResourceContents, ResourceHandler, ResourceLink, ResourcePage, ResourceSet, ResourceTemplate,
    ResourceTemplatePage, UriTemplate, Variables,
};
pub use result::{CallToolResult, IntoToolResult, Structured};
pub use tasks::{Task, TaskId, TaskOptions, TaskStatus, TaskStore, TaskSupport};
pub use tool::{Tool, ToolAnnotations};
pub use tool_set::ToolSet;
#[cfg(feature = "schemars")]
pub use typed::TypedToolResult;
#[cfg(feature = "validation")]
pub use validation::Validation;

pub(crate) use ask::{
    Answer, Asking, InputsFull, MAX_ANSWER_BYTES, NotUsable, Open, Question, UseOnce,
};
pub(crate) use changes::Audience;
#[cfg(test)]
pub(crate) use context::tests as context_tests;
pub(crate) use context::{CallInfo, Polling};
pub(crate) use dispatch::{Dispatched, Request};
pub(crate) use outbox::{
    NoRoom, OutboxLimits, OutboxRoom, Outgoing, OutgoingKind, RequestRefused, Sink,
};
pub(crate) use raw::RawJson;
pub(crate) use registry::FoundTool;
pub(crate) use reply::{CacheHint, Reply};
pub(crate) use running::{Finding, Outcome, Running};
pub(crate) use tasks::{
    Account, EXTENSION, Found, LiveTask, NoSeat, Seat, TaskRequest, Tasks, Version,
    missing_extension, unknown_task,
};
