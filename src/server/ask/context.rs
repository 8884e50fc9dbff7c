//! How a handler asks: the part of [`Context`] that does.

use super::inputs::{Answer, Asked, Asking};
use super::question::{Ask, Question};
use crate::server::context::Context;
use crate::server::handler_error::HandlerError;

impl Context {
    /// The answer to a question, or the error that makes the handler unwind until it is there.
    pub(crate) fn ask<A: Ask>(&self, key: &str, question: &A) -> Result<A::Answer, HandlerError> {
        let is_supported = question.is_supported_by(&self.client_capabilities());
        match self.asking() {
            // A client that could say what it can do, and did not say this, is told so first: no
            // other way of asking would help.
            Asking::Impossible(why) if is_supported || !self.declares_capabilities() => {
                return Err(HandlerError::cannot_ask(why));
            }
            _ if !is_supported => {
                let (name, settings) = question.requires();
                return Err(HandlerError::missing_client_capabilities([(name, settings.into())]));
            }
            Asking::ByResult | Asking::Meanwhile | Asking::Impossible(_) => {}
        }
        let params = question.params(self.protocol_version())?;
        let note = || Question { key: key.to_owned(), method: A::METHOD, params };
        match self.inputs().ask(key, note) {
            Asked::Noted => Err(HandlerError::awaits_input(key)),
            Asked::Refused(why) => Err(HandlerError::new(why)),
            Asked::Answered(Answer::Result(raw)) => {
                question.read(&raw).map_err(|reason| HandlerError::unusable_input(key, reason))
            }
            Asked::Answered(Answer::Refused { code, message }) => {
                Err(HandlerError::refused_input(key, code, message))
            }
            Asked::Answered(Answer::TimedOut) => Err(HandlerError::no_input(key)),
            Asked::Answered(Answer::Unavailable(why)) => {
                Err(HandlerError::unavailable_input(key, why))
            }
        }
    }
}
