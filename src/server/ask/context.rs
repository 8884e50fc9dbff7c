//! How a handler asks: the part of [`Context`] that does.

use super::inputs::{Answer, Asked, Asking};
use super::question::{Ask, Question};
use crate::server::context::Context;
use crate::server::handler_error::HandlerError;

impl Context {
    /// The answer to a question, or the error that makes the handler unwind until it is there.
    pub(crate) fn ask<A: Ask>(&self, key: &str, question: &A) -> Result<A::Answer, HandlerError> {
        if let Asking::Impossible(why) = self.asking() {
            return Err(HandlerError::cannot_ask(why));
        }
        if !question.is_supported_by(&self.client_capabilities()) {
            let (name, settings) = question.requires();
            return Err(HandlerError::missing_client_capabilities([(name, settings.into())]));
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
        }
    }
}
