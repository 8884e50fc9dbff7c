//! Asking the client, by re-entry (DESIGN, decision 14).
//!
//! A handler asks through its [`Context`](super::Context) under a key of its choice. If the answer
//! is there, it gets it and goes on. If not, the question is noted and the handler unwinds with an
//! error; [`Running`](super::Running) sees what was noted and either ends the request with the
//! questions as its result, or hands them to whoever drives it, waits for the answers and runs the
//! handler anew.
#![allow(dead_code)]

mod context;
mod inputs;
mod once;
mod question;

pub(crate) use inputs::{Answer, Asking, Inputs};
pub(crate) use once::{NotUsable, UseOnce};
#[cfg(test)]
pub(crate) use question::Ask;
pub(crate) use question::Question;
