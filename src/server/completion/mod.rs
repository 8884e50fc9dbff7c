//! Completion: what a server suggests while its user types an argument of a prompt or a variable
//! of a resource template.

mod builder;
mod dispatch;
mod handler;
mod ranking;
mod request;
mod result;
mod table;

pub use handler::CompletionHandler;
pub use request::{CompletionReference, CompletionRequest};
pub use result::Completion;

pub(crate) use table::{Completions, CompletionsBuilder, Known};
