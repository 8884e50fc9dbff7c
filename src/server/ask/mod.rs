//! Asking the client, by re-entry (DESIGN, decision 14).
//!
//! A handler asks through its [`Context`](super::Context) under a key of its choice. If the answer
//! is there, it gets it and goes on. If not, the question is noted and the handler unwinds with an
//! error; [`Running`](super::Running) sees what was noted and either ends the request with the
//! questions as its result, or hands them to whoever drives it, waits for the answers and runs the
//! handler anew.

mod answer;
mod check;
mod choice;
mod context;
mod elicit;
mod field;
mod inputs;
mod message;
mod once;
mod preferences;
mod question;
mod roots;
mod sample;
#[cfg(any(test, feature = "schemars"))]
mod schema;
#[cfg(test)]
mod tests;
mod tool_use;
#[cfg(feature = "schemars")]
mod typed;

pub use choice::{Choice, MultiSelectSchema, SingleSelectSchema};
pub use context::Elicitation;
pub use elicit::{Elicit, ElicitForm, ElicitUrl, Elicited};
pub use field::{BooleanSchema, FieldSchema, NumberSchema, StringFormat, StringSchema};
pub use message::{SamplingContent, SamplingMessage};
pub use preferences::ModelPreferences;
pub use roots::{ListRoots, Root};
pub use sample::{CreateMessage, CreateMessageResult, IncludeContext, StopReason, ToolChoice};
pub use tool_use::{ToolResult, ToolUse};
#[cfg(feature = "schemars")]
pub use typed::ElicitTyped;

pub(crate) use inputs::{Answer, Asking, Inputs, InputsFull, MAX_ANSWER_BYTES, Open};
pub(crate) use once::{NotUsable, UseOnce};
#[cfg(test)]
pub(crate) use question::Ask;
pub(crate) use question::Question;
