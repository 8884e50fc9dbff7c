//! How the client's model uses tools: what it wishes, and what that gave.

use serde_json::{Map, Value, json};

use super::answer::Object;
use super::message::read_base64;
use crate::protocol::version::ProtocolVersion;
use crate::server::revision::Revision;
use crate::server::{Content, ResourceContents, ResourceLink};

/// A model's wish to use a tool (2026-07-28, Sampling, Sampling with Tools).
#[derive(Clone, Debug, PartialEq)]
pub struct ToolUse {
    id: String,
    name: String,
    input: Map<String, Value>,
}

/// What using a tool gave, for the model that wished it.
///
/// ```
/// use mcp_http::{SamplingContent, ToolResult, ToolUse};
///
/// fn run(wish: &ToolUse) -> SamplingContent {
///     SamplingContent::tool_result(ToolResult::new(wish.id()).with_content("18 °C, cloudy"))
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    tool_use_id: String,
    content: Vec<Content>,
    structured: Option<Value>,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    Failure,
}

impl ToolUse {
    /// A wish to use the tool `name` with these arguments; `id` is what its result refers to.
    pub fn new(id: impl Into<String>, name: impl Into<String>, input: Map<String, Value>) -> Self {
        Self { id: id.into(), name: name.into(), input }
    }

    /// What its result refers to.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of the tool.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments.
    pub fn input(&self) -> &Map<String, Value> {
        &self.input
    }

    pub(super) fn wire(&self) -> Value {
        json!({"type": "tool_use", "id": self.id, "name": self.name, "input": self.input})
    }

    pub(super) fn read(object: Object<'_>) -> Result<Self, String> {
        let [id, name] = [object.string("id")?, object.string("name")?];
        Ok(Self::new(id, name, object.map("input")?.clone()))
    }
}

impl ToolResult {
    /// The result of the wish with this id, empty yet.
    pub fn new(tool_use_id: impl Into<String>) -> Self {
        let tool_use_id = tool_use_id.into();
        Self { tool_use_id, content: Vec::new(), structured: None, outcome: None }
    }

    /// Adds a block of content.
    #[must_use]
    pub fn with_content(mut self, content: impl Into<Content>) -> Self {
        self.content.push(content.into());
        self
    }

    /// Sets the result as a value (an object, before revision 2026-07-28).
    #[must_use]
    pub fn with_structured(mut self, value: impl Into<Value>) -> Self {
        self.structured = Some(value.into());
        self
    }

    /// Says that the tool failed; the content tells why.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.outcome = Some(Outcome::Failure);
        self
    }

    /// Which wish it is the result of.
    pub fn tool_use_id(&self) -> &str {
        &self.tool_use_id
    }

    /// The content.
    pub fn content(&self) -> &[Content] {
        &self.content
    }

    /// The result as a value.
    pub fn structured(&self) -> Option<&Value> {
        self.structured.as_ref()
    }

    /// Whether the tool failed.
    pub fn is_error(&self) -> bool {
        self.outcome == Some(Outcome::Failure)
    }

    pub(super) fn wire(&self, version: ProtocolVersion) -> Value {
        let content: Vec<_> = self.content.iter().map(|block| block.to_value(version)).collect();
        let mut wire = json!({
            "type": "tool_result", "toolUseId": self.tool_use_id, "content": content,
        });
        let fits = |value: &&Value| version.structure_is_free() || value.is_object();
        if let Some(value) = self.structured.as_ref().filter(fits) {
            wire["structuredContent"] = value.clone();
        }
        if let Some(outcome) = self.outcome {
            wire["isError"] = (outcome == Outcome::Failure).into();
        }
        wire
    }

    pub(super) fn read(object: Object<'_>) -> Result<Self, String> {
        let place = object.place("content");
        let blocks = object.array("content")?.iter().enumerate();
        let read = |(at, block)| read_content(block, &format!("{place}[{at}]."));
        Ok(Self {
            tool_use_id: object.string("toolUseId")?.to_owned(),
            content: blocks.map(read).collect::<Result<_, _>>()?,
            structured: object.get("structuredContent").cloned(),
            outcome: object
                .optional_bool("isError")?
                .map(|failed| if failed { Outcome::Failure } else { Outcome::Success }),
        })
    }
}

/// Reads a block of what a tool gave: of content as tools return it. Annotations and icons are
/// the sender's own hints and are not kept.
fn read_content(value: &Value, at: &str) -> Result<Content, String> {
    let object = Object::new(value, at)?;
    let mut content = match object.string("type")? {
        "text" => Content::text(object.string("text")?),
        "image" => Content::image(read_base64(object, "data")?, object.string("mimeType")?),
        "audio" => Content::audio(read_base64(object, "data")?, object.string("mimeType")?),
        "resource_link" => {
            let link = ResourceLink::new(object.string("uri")?, object.string("name")?);
            Content::resource_link(link)
        }
        "resource" => {
            let place = object.place("resource.");
            let resource = Object::new(object.required("resource")?, &place)?;
            let uri = resource.string("uri")?;
            let contents = match resource.optional_string("text")? {
                Some(text) => ResourceContents::text(uri, text),
                None => ResourceContents::blob(uri, read_base64(resource, "blob")?),
            };
            Content::resource(match resource.optional_string("mimeType")? {
                Some(mime_type) => contents.with_mime_type(mime_type),
                None => contents,
            })
        }
        _ => return Err(format!("`{}` is no kind of content", object.place("type"))),
    };
    for (key, value) in object.optional_map("_meta")?.into_iter().flatten() {
        content = content.with_meta(key, value.clone());
    }
    Ok(content)
}
