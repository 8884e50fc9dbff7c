//! What a handler may ask its client, and the question that it becomes.

use serde_json::{Map, Value};

use crate::protocol::version::ProtocolVersion;
use crate::server::client::ClientCapabilities;
use crate::server::handler_error::HandlerError;
use crate::server::raw::RawJson;

/// What a handler may ask its client.
pub(crate) trait Ask {
    /// What the client's answer is read as.
    type Answer;
    /// The method of the request.
    const METHOD: &'static str;

    /// The capability that the client must have declared for it, as it would stand in the client's
    /// capabilities: `("elicitation", {"url": {}})`.
    fn requires(&self) -> (&'static str, Map<String, Value>);

    /// Whether the client declared it.
    fn is_supported_by(&self, client: &ClientCapabilities) -> bool;

    /// The `params` of the request, as the revision has them.
    ///
    /// # Errors
    ///
    /// If the revision cannot express the question, or JSON cannot.
    fn params(&self, version: ProtocolVersion) -> Result<RawJson, HandlerError>;

    /// Reads the client's result.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn read(&self, answer: &RawJson) -> Result<Self::Answer, String>;
}

/// The error for a client whose revision does not know what `question` asks: it can not have
/// declared the capability, whatever it said.
pub(super) fn unknown_to_the_revision(question: &impl Ask) -> HandlerError {
    let (name, settings) = question.requires();
    HandlerError::missing_client_capabilities([(name, Value::Object(settings))])
}

/// A question that was asked and has no answer yet: a request to the client, but for its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    /// The handler's name for it.
    pub(crate) key: String,
    pub(crate) method: &'static str,
    pub(crate) params: RawJson,
}
