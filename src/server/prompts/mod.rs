//! Prompts: messages that a server prepares for its users.

mod builder;
mod catalogue;
mod dispatch;
mod handler;
mod prompt;
mod result;
mod set;
mod table;
#[cfg(feature = "schemars")]
mod typed;

pub use catalogue::{PromptCatalogue, PromptPage};
pub use handler::PromptHandler;
pub use prompt::{Prompt, PromptArgument};
pub use result::{GetPromptResult, IntoPromptResult, PromptMessage};
pub use set::PromptSet;

pub(crate) use builder::PromptsBuilder;
pub(crate) use table::Prompts;
