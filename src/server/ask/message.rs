//! The messages of a conversation with the client's model: what is sent to it, and what it says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::Object;
use super::tool_use::{ToolResult, ToolUse};
use crate::protocol::version::ProtocolVersion;
use crate::server::Role;
use crate::server::resources::Base64;
use crate::server::revision::Revision;

/// A message of a conversation with a model: who says it, and one or more blocks of content.
///
/// ```
/// use mcp_http::{SamplingContent, SamplingMessage};
///
/// let question = SamplingMessage::user("What is on this picture?")
///     .with_content(SamplingContent::image(&b"\x89PNG..."[..], "image/png"));
/// # let _ = question;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingMessage {
    role: Role,
    content: Vec<SamplingContent>,
    meta: Option<Map<String, Value>>,
}

/// A block of content in a conversation with a model.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingContent {
    block: Block,
    /// As it came, so that a block that is sent back is the same.
    annotations: Option<Map<String, Value>>,
    meta: Option<Map<String, Value>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Block {
    Text(String),
    Image(Media),
    Audio(Media),
    ToolUse(ToolUse),
    ToolResult(ToolResult),
}

#[derive(Clone, Debug, PartialEq)]
struct Media {
    data: Bytes,
    mime_type: String,
}

impl SamplingMessage {
    /// A message of the user's.
    pub fn user(content: impl Into<SamplingContent>) -> Self {
        Self::new(Role::User, vec![content.into()])
    }

    /// A message of the model's.
    pub fn assistant(content: impl Into<SamplingContent>) -> Self {
        Self::new(Role::Assistant, vec![content.into()])
    }

    /// Adds a block of content. Before revision 2025-11-25 a message has one; there, a message
    /// with several is sent as several messages.
    #[must_use]
    pub fn with_content(mut self, content: impl Into<SamplingContent>) -> Self {
        self.content.push(content.into());
        self
    }

    /// Who says it.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What is said.
    pub fn content(&self) -> &[SamplingContent] {
        &self.content
    }

    pub(super) fn new(role: Role, content: Vec<SamplingContent>) -> Self {
        Self { role, content, meta: None }
    }

    /// Whether only clients that know tools in sampling can take it.
    pub(super) fn has_tools(&self) -> bool {
        self.tool_uses().next().is_some() || self.tool_results().next().is_some()
    }

    pub(super) fn tool_uses(&self) -> impl Iterator<Item = &ToolUse> {
        self.content.iter().filter_map(SamplingContent::as_tool_use)
    }

    pub(super) fn tool_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.content.iter().filter_map(SamplingContent::as_tool_result)
    }

    /// The message as the revision writes it, which may be several.
    pub(super) fn wire(&self, version: ProtocolVersion) -> Vec<Value> {
        let blocks: Vec<Value> = self.content.iter().map(|block| block.wire(version)).collect();
        let message = |content: Value| {
            let mut message = json!({"role": self.role, "content": content});
            if let Some(meta) = self.meta.as_ref().filter(|_| version.knows_tools_in_sampling()) {
                message["_meta"] = meta.clone().into();
            }
            message
        };
        match <[Value; 1]>::try_from(blocks) {
            Ok([block]) => vec![message(block)],
            Err(blocks) if version.knows_tools_in_sampling() => vec![message(blocks.into())],
            Err(blocks) => blocks.into_iter().map(message).collect(),
        }
    }

    /// Reads `role`, `content` and `_meta`.
    pub(super) fn read(object: Object<'_>) -> Result<Self, String> {
        let role = match object.string("role")? {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err(format!("`{}` is neither user nor assistant", object.place("role"))),
        };
        let place = object.place("content");
        let content = match object.required("content")? {
            Value::Array(blocks) => blocks
                .iter()
                .enumerate()
                .map(|(at, block)| SamplingContent::read(block, &format!("{place}[{at}].")))
                .collect::<Result<_, _>>()?,
            block => vec![SamplingContent::read(block, &format!("{place}."))?],
        };
        Ok(Self { role, content, meta: object.optional_map("_meta")?.cloned() })
    }
}

impl SamplingContent {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Block::Text(text.into()))
    }

    /// An image; its bytes are sent as Base64.
    pub fn image(data: impl Into<Bytes>, mime_type: impl Into<String>) -> Self {
        Self::new(Block::Image(Media { data: data.into(), mime_type: mime_type.into() }))
    }

    /// Audio; its bytes are sent as Base64.
    pub fn audio(data: impl Into<Bytes>, mime_type: impl Into<String>) -> Self {
        Self::new(Block::Audio(Media { data: data.into(), mime_type: mime_type.into() }))
    }

    /// A model's wish to use a tool, to be repeated to it (from revision 2025-11-25 on).
    pub fn tool_use(tool_use: ToolUse) -> Self {
        Self::new(Block::ToolUse(tool_use))
    }

    /// What using a tool gave (from revision 2025-11-25 on).
    pub fn tool_result(result: ToolResult) -> Self {
        Self::new(Block::ToolResult(result))
    }

    /// Adds a member to the block's `_meta` (sent from revision 2025-06-18 on). Keys that begin
    /// with `io.modelcontextprotocol/` are the protocol's.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// The text, if the block is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.block {
            Block::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes and the media type, if the block is an image.
    pub fn as_image(&self) -> Option<(&[u8], &str)> {
        match &self.block {
            Block::Image(Media { data, mime_type }) => Some((data, mime_type)),
            _ => None,
        }
    }

    /// The bytes and the media type, if the block is audio.
    pub fn as_audio(&self) -> Option<(&[u8], &str)> {
        match &self.block {
            Block::Audio(Media { data, mime_type }) => Some((data, mime_type)),
            _ => None,
        }
    }

    /// The wish to use a tool, if the block is one.
    pub fn as_tool_use(&self) -> Option<&ToolUse> {
        match &self.block {
            Block::ToolUse(tool_use) => Some(tool_use),
            _ => None,
        }
    }

    /// What using a tool gave, if the block is that.
    pub fn as_tool_result(&self) -> Option<&ToolResult> {
        match &self.block {
            Block::ToolResult(result) => Some(result),
            _ => None,
        }
    }

    fn new(block: Block) -> Self {
        Self { block, annotations: None, meta: None }
    }

    fn wire(&self, version: ProtocolVersion) -> Value {
        let mut wire = match &self.block {
            Block::Text(text) => json!({"type": "text", "text": text}),
            Block::Image(media) => media.wire("image"),
            Block::Audio(media) => media.wire("audio"),
            Block::ToolUse(tool_use) => tool_use.wire(),
            Block::ToolResult(result) => result.wire(version),
        };
        if let Some(annotations) = &self.annotations {
            wire["annotations"] = annotations.clone().into();
        }
        if let Some(meta) = self.meta.as_ref().filter(|_| version.knows_titles_and_structure()) {
            wire["_meta"] = meta.clone().into();
        }
        wire
    }

    fn read(value: &Value, at: &str) -> Result<Self, String> {
        let object = Object::new(value, at)?;
        let block = match object.string("type")? {
            "text" => Block::Text(object.string("text")?.to_owned()),
            "image" => Block::Image(Media::read(object)?),
            "audio" => Block::Audio(Media::read(object)?),
            "tool_use" => Block::ToolUse(ToolUse::read(object)?),
            "tool_result" => Block::ToolResult(ToolResult::read(object)?),
            _ => {
                return Err(format!(
                    "`{}` is no kind of content in sampling",
                    object.place("type")
                ));
            }
        };
        Ok(Self {
            block,
            annotations: object.optional_map("annotations")?.cloned(),
            meta: object.optional_map("_meta")?.cloned(),
        })
    }
}

impl Media {
    fn wire(&self, kind: &str) -> Value {
        json!({"type": kind, "data": Base64(&self.data), "mimeType": self.mime_type})
    }

    fn read(object: Object<'_>) -> Result<Self, String> {
        let data = read_base64(object, "data")?;
        Ok(Self { data, mime_type: object.string("mimeType")?.to_owned() })
    }
}

pub(super) fn read_base64(object: Object<'_>, name: &str) -> Result<Bytes, String> {
    let bytes = STANDARD.decode(object.string(name)?);
    bytes.map(Bytes::from).map_err(|_| format!("`{}` is no Base64", object.place(name)))
}

impl From<&str> for SamplingContent {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for SamplingContent {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// What the user says.
impl From<&str> for SamplingMessage {
    fn from(text: &str) -> Self {
        Self::user(text)
    }
}

/// What the user says.
impl From<String> for SamplingMessage {
    fn from(text: String) -> Self {
        Self::user(text)
    }
}
