//! What a prompt becomes: messages, and what turns into them.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::protocol::jsonrpc::ObjectWriter;
use crate::protocol::version::ProtocolVersion;
use crate::server::annotations::Role;
use crate::server::content::Content;
use crate::server::handler_error::HandlerError;

/// A message of a prompt: who says it, and what.
///
/// ```
/// use mcp_http::{Content, PromptMessage};
///
/// let png: &[u8] = b"\x89PNG...";
/// let messages = vec![
///     PromptMessage::user("What is in this picture?"),
///     PromptMessage::user(Content::image(png, "image/png")),
///     PromptMessage::assistant("Let me see:"),
/// ];
/// # let _ = messages;
/// ```
///
/// Any kind of content will do. A link to a resource becomes text in revision 2025-03-26, which
/// knows none.
///
/// Source: 2026-07-28, Prompts, PromptMessage.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PromptMessage {
    role: Role,
    content: Content,
}

/// What `prompts/get` answers: the messages, and what they are.
///
/// ```
/// use mcp_http::{GetPromptResult, PromptMessage};
///
/// let result = GetPromptResult::new([PromptMessage::user("Please review this code: ...")])
///     .with_description("Code review prompt");
/// # let _ = result;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct GetPromptResult {
    description: Option<String>,
    messages: Vec<PromptMessage>,
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

/// What a prompt's handler may return: a text or any content, which the user then says; one
/// message or several; or a whole [`GetPromptResult`].
///
/// ```
/// use mcp_http::{GetPromptResult, HandlerError, IntoPromptResult, PromptMessage};
///
/// struct Question(&'static str);
///
/// impl IntoPromptResult for Question {
///     fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
///         Ok(GetPromptResult::new([PromptMessage::user(format!("{}?", self.0))]))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a prompt can return",
    label = "no result of a prompt",
    note = "return `String`, `&'static str`, `Content`, `PromptMessage`, `Vec<PromptMessage>`, \
            `[PromptMessage; N]` or `GetPromptResult`"
)]
pub trait IntoPromptResult {
    /// Makes the result.
    ///
    /// # Errors
    ///
    /// If the value cannot be one.
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError>;
}

impl PromptMessage {
    /// What `role` says.
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self { role, content: content.into() }
    }

    /// What the user says.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::new(Role::User, content)
    }

    /// What the model says.
    pub fn assistant(content: impl Into<Content>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Who says it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What is said.
    pub fn content(&self) -> &Content {
        &self.content
    }

    fn write(
        &self,
        version: ProtocolVersion,
        object: &mut ObjectWriter<'_>,
    ) -> Result<(), serde_json::Error> {
        object.member("role", &self.role)?;
        object.object("content", |content| self.content.write(version, content))
    }
}

impl GetPromptResult {
    /// A result of these messages.
    pub fn new(messages: impl IntoIterator<Item = PromptMessage>) -> Self {
        Self { messages: messages.into_iter().collect(), ..Self::default() }
    }

    /// Adds a message.
    #[must_use]
    pub fn with_message(mut self, message: PromptMessage) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds what the messages are.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds a member to the result's `_meta`. Keys that begin with `io.modelcontextprotocol/` are
    /// the protocol's.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// What the messages are, if that is said.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The messages.
    pub fn messages(&self) -> &[PromptMessage] {
        &self.messages
    }

    /// The application's members of `_meta`.
    pub fn meta(&self) -> Option<&Map<String, Value>> {
        self.meta.as_ref()
    }

    /// Writes the result's members, but for `_meta` and `resultType`.
    pub(crate) fn write(
        &self,
        version: ProtocolVersion,
        object: &mut ObjectWriter<'_>,
    ) -> Result<(), serde_json::Error> {
        if let Some(description) = &self.description {
            object.member("description", description)?;
        }
        object.objects("messages", &self.messages, |message, object| message.write(version, object))
    }
}

impl IntoPromptResult for GetPromptResult {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        Ok(self)
    }
}

impl IntoPromptResult for Vec<PromptMessage> {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        Ok(GetPromptResult { messages: self, ..GetPromptResult::default() })
    }
}

impl<const N: usize> IntoPromptResult for [PromptMessage; N] {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        Ok(GetPromptResult::new(self))
    }
}

impl IntoPromptResult for PromptMessage {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        Ok(GetPromptResult::new([self]))
    }
}

impl IntoPromptResult for Content {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        PromptMessage::user(self).into_prompt_result()
    }
}

impl IntoPromptResult for String {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        PromptMessage::user(self).into_prompt_result()
    }
}

impl IntoPromptResult for &'static str {
    fn into_prompt_result(self) -> Result<GetPromptResult, HandlerError> {
        PromptMessage::user(self).into_prompt_result()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::reply::Reply;
    use crate::server::reply::tests::members;
    use crate::server::{ResourceContents, ResourceLink};

    fn wire(result: GetPromptResult, version: ProtocolVersion) -> Value {
        members(&Reply::GetPrompt(Box::new(result)), version)
    }

    /// DESIGN of the public face: the shortest thing that a handler can say is a text.
    #[test]
    fn what_a_handler_returns_becomes_messages() {
        let said = |result: Result<GetPromptResult, HandlerError>| {
            wire(result.unwrap(), ProtocolVersion::LATEST)
        };
        let content = json!({"type": "text", "text": "a"});
        let one = json!({"messages": [{"role": "user", "content": content}]});
        assert_eq!(said("a".into_prompt_result()), one);
        assert_eq!(said("a".to_owned().into_prompt_result()), one);
        assert_eq!(said(Content::text("a").into_prompt_result()), one);
        assert_eq!(said(PromptMessage::user("a").into_prompt_result()), one);
        let two = json!({"messages": [
            {"role": "user", "content": content}, {"role": "assistant", "content": content},
        ]});
        let messages = [PromptMessage::user("a"), PromptMessage::assistant("a")];
        assert_eq!(said(messages.to_vec().into_prompt_result()), two);
        assert_eq!(said(messages.into_prompt_result()), two);
        assert_eq!(said(Vec::new().into_prompt_result()), json!({"messages": []}));
    }

    /// 2026-07-28, Prompts, PromptMessage: text, image, audio, links and embedded resources;
    /// 2025-03-26, Prompts, PromptMessage: no links.
    #[test]
    fn a_message_holds_every_kind_of_content_that_the_revision_knows() {
        let result = GetPromptResult::default()
            .with_message(PromptMessage::user(Content::image(&b"\x01"[..], "image/png")))
            .with_message(PromptMessage::user(Content::audio(&b"\x02"[..], "audio/wav")))
            .with_message(PromptMessage::user(Content::resource_link(ResourceLink::new(
                "a:b", "b",
            ))))
            .with_message(PromptMessage::assistant(Content::resource(ResourceContents::text(
                "a:b", "x",
            ))))
            .with_description("d");
        let message = |role: &str, content: Value| json!({"role": role, "content": content});
        let mut expected = json!({"description": "d", "messages": [
            message("user", json!({"type": "image", "data": "AQ==", "mimeType": "image/png"})),
            message("user", json!({"type": "audio", "data": "Ag==", "mimeType": "audio/wav"})),
            message("user", json!({"type": "resource_link", "uri": "a:b", "name": "b"})),
            message("assistant", json!({"type": "resource", "resource": {"uri": "a:b", "text": "x"}})),
        ]});
        assert_eq!(wire(result.clone(), ProtocolVersion::LATEST), expected);
        expected["messages"][2]["content"] = json!({"type": "text", "text": "b: a:b"});
        assert_eq!(wire(result, ProtocolVersion::V2025_03_26), expected);
    }
}
