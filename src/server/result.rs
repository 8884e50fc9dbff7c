//! Results of tools, and what turns into one.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::content::Content;
use super::handler_error::ToolError;
use super::revision::Revision;
use crate::protocol::jsonrpc::ObjectWriter;
use crate::protocol::version::ProtocolVersion;

/// The result of a tool call: content for the model, and structured content for programs.
///
/// ```
/// use mcp_http::{CallToolResult, Content, ToolError};
///
/// #[derive(serde::Serialize)]
/// struct Weather { celsius: f32 }
///
/// fn weather() -> Result<CallToolResult, ToolError> {
///     // The structured content, and the same JSON as a text block for clients that do not know it.
///     Ok(CallToolResult::structured(&Weather { celsius: 21.5 })?
///         .with_content(Content::text("Mild.")))
/// }
/// # let result = weather().unwrap();
/// # assert_eq!(result.structured_content(), Some(r#"{"celsius":21.5}"#));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CallToolResult {
    content: Blocks,
    structured: Option<Box<RawValue>>,
    outcome: Outcome,
    meta: Option<Map<String, Value>>,
}

/// Blocks of content. Most results have one, which is not worth an allocation.
#[derive(Clone, Debug)]
enum Blocks {
    One(Content),
    Any(Vec<Content>),
}

impl Blocks {
    fn as_slice(&self) -> &[Content] {
        match self {
            Self::One(block) => std::slice::from_ref(block),
            Self::Any(blocks) => blocks,
        }
    }

    fn with(self, block: Content) -> Self {
        match self {
            Self::One(first) => Self::Any(vec![first, block]),
            Self::Any(blocks) if blocks.is_empty() => Self::One(block),
            Self::Any(mut blocks) => {
                blocks.push(block);
                Self::Any(blocks)
            }
        }
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

/// How the tool ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Outcome {
    #[default]
    Success,
    Error,
}

/// A handler's output that is sent as structured content, with its JSON as a text block besides
/// (2025-11-25, Tools, Structured Content: "a tool that returns structured content SHOULD also
/// return the serialized JSON in a TextContent block").
///
/// A typed tool that returns it announces the schema of `T` as its output schema.
///
#[cfg_attr(feature = "schemars", doc = "```")]
#[cfg_attr(not(feature = "schemars"), doc = "```ignore")]
/// use mcp_http::{Context, Server, Structured, ToolError};
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Sum { total: i64 }
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Summands { a: i64, b: i64 }
///
/// let server = Server::builder("calculator", "1.0.0")
///     .typed_tool("add", "Adds two numbers", |args: Summands, _cx: Context| async move {
///         Ok::<_, ToolError>(Structured(Sum { total: args.a + args.b }))
///     })
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Structured<T>(pub T);

/// What a tool may return: text, content, structured content, nothing, or a whole
/// [`CallToolResult`].
///
/// ```
/// use mcp_http::{CallToolResult, IntoToolResult, ToolError};
///
/// struct Celsius(f32);
///
/// impl IntoToolResult for Celsius {
///     fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
///         Ok(CallToolResult::text(format!("{} °C", self.0)))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a tool can return",
    label = "no tool result",
    note = "return `String`, `&'static str`, `Content`, `Vec<Content>`, `()`, `CallToolResult`, or \
            `Structured(value)` for a value that implements `serde::Serialize`"
)]
pub trait IntoToolResult {
    /// Makes the result.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON.
    fn into_tool_result(self) -> Result<CallToolResult, ToolError>;
}

impl CallToolResult {
    /// A result without content.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A result of one text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(Content::text(text))
    }

    fn of(content: Content) -> Self {
        Self { content: Blocks::One(content), ..Self::empty() }
    }

    /// A result of structured content, with its JSON as a text block besides.
    ///
    /// Revision 2025-03-26 knows no structured content, and the other legacy revisions only know
    /// objects; there the text block alone is sent.
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON: a map whose keys are no strings, for example.
    pub fn structured<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolError> {
        let json = serde_json::value::to_raw_value(value)
            .map_err(|error| ToolError::new(format!("the result cannot be JSON: {error}")))?;
        let mut result = Self::text(json.get());
        result.structured = Some(json);
        Ok(result)
    }

    /// The failure of a tool, told to the model (`isError`).
    ///
    /// A handler rather returns an error; this is for failures that have more than text to show.
    pub fn error(text: impl Into<String>) -> Self {
        Self { outcome: Outcome::Error, ..Self::text(text) }
    }

    /// Adds a block of content.
    #[must_use]
    pub fn with_content(mut self, content: impl Into<Content>) -> Self {
        self.content = self.content.with(content.into());
        self
    }

    /// Adds a member to the result's `_meta`. Keys that begin with `io.modelcontextprotocol/` are
    /// the protocol's.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// The content.
    pub fn content(&self) -> &[Content] {
        self.content.as_slice()
    }

    /// The structured content, as JSON.
    pub fn structured_content(&self) -> Option<&str> {
        self.structured.as_deref().map(RawValue::get)
    }

    /// Whether the tool failed.
    pub fn is_error(&self) -> bool {
        self.outcome == Outcome::Error
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
        object.objects("content", self.content(), |block, object| block.write(version, object))?;
        if let Some(json) = self.structured_content().filter(|json| fits(json, version)) {
            object.raw_member("structuredContent", json.as_bytes());
        }
        if self.is_error() {
            object.raw_member("isError", b"true");
        }
        Ok(())
    }

    /// About how much [`write`](Self::write) adds: exactly, for content whose length is told
    /// exactly.
    pub(crate) fn likely_len(&self, version: ProtocolVersion) -> usize {
        let blocks = self.content().iter().map(|block| block.likely_len(version) + b",".len());
        let content = b"\"content\":[]".len() + blocks.sum::<usize>().saturating_sub(b",".len());
        let structured = self.structured_content().filter(|json| fits(json, version));
        let structured = structured.map_or(0, |json| b",\"structuredContent\":".len() + json.len());
        let error = if self.is_error() { b",\"isError\":true".len() } else { 0 };
        content + structured + error
    }
}

/// Whether the revision's `structuredContent` can hold the value.
fn fits(json: &str, version: ProtocolVersion) -> bool {
    version.structure_is_free() || (version.knows_titles_and_structure() && json.starts_with('{'))
}

impl PartialEq for CallToolResult {
    fn eq(&self, other: &Self) -> bool {
        self.content() == other.content()
            && self.structured_content() == other.structured_content()
            && self.outcome == other.outcome
            && self.meta == other.meta
    }
}

impl IntoToolResult for CallToolResult {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(self)
    }
}

impl IntoToolResult for String {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::text(self))
    }
}

impl IntoToolResult for &'static str {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::text(self))
    }
}

impl IntoToolResult for Content {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::of(self))
    }
}

impl IntoToolResult for Vec<Content> {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult { content: Blocks::Any(self), ..CallToolResult::empty() })
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        Ok(CallToolResult::empty())
    }
}

impl<T: Serialize> IntoToolResult for Structured<T> {
    fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
        CallToolResult::structured(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wire(result: &CallToolResult, version: ProtocolVersion) -> Value {
        serde_json::from_slice(&written(result, version)).unwrap()
    }

    fn written(result: &CallToolResult, version: ProtocolVersion) -> Vec<u8> {
        let mut buffer = Vec::new();
        let mut object = ObjectWriter::begin(&mut buffer);
        result.write(version, &mut object).unwrap();
        object.end();
        buffer
    }

    /// A message whose length was known is not copied once it is written.
    #[test]
    fn the_length_of_a_usual_result_is_told_exactly() {
        let image = Content::image(&b"\x89PNG"[..], "image/png");
        for result in [
            CallToolResult::empty(),
            CallToolResult::text("a \"b\"\n\u{1}"),
            CallToolResult::text("long ".repeat(10_000)),
            CallToolResult::error("no").with_content("b").with_content(image.clone()),
            CallToolResult::empty().with_content(image).with_content(Content::audio("", "a")),
            CallToolResult::structured(&json!({"a": "b"})).unwrap(),
            CallToolResult::structured(&json!([1])).unwrap(),
        ] {
            for version in ProtocolVersion::ALL {
                let length = written(&result, version).len() - b"{}".len();
                assert_eq!(result.likely_len(version), length, "{result:?}");
            }
        }
    }

    #[test]
    fn what_a_handler_returns_becomes_content() {
        let text = json!({"content": [{"type": "text", "text": "a"}]});
        let wire = |result: Result<CallToolResult, ToolError>| {
            wire(&result.unwrap(), ProtocolVersion::LATEST)
        };
        assert_eq!(wire("a".into_tool_result()), text);
        assert_eq!(wire("a".to_owned().into_tool_result()), text);
        assert_eq!(wire(Content::text("a").into_tool_result()), text);
        assert_eq!(wire(vec![Content::text("a")].into_tool_result()), text);
        assert_eq!(wire(CallToolResult::text("a").into_tool_result()), text);
        assert_eq!(wire(().into_tool_result()), json!({"content": []}));
        assert_eq!(
            wire(Structured([1, 2]).into_tool_result()),
            json!({"content": [{"type": "text", "text": "[1,2]"}], "structuredContent": [1, 2]})
        );
    }

    /// 2025-03-26 has no structuredContent; 2025-06-18 and 2025-11-25, schema, CallToolResult:
    /// "An optional JSON object"; 2026-07-28, Tools, Structured Content: "any JSON value".
    #[test]
    fn structured_content_is_sent_where_the_revision_can_hold_it() {
        let object = CallToolResult::structured(&json!({"a": 1})).unwrap();
        let array = CallToolResult::structured(&json!([1])).unwrap();
        let null = CallToolResult::structured(&()).unwrap();
        let sent = |result: &CallToolResult| {
            ProtocolVersion::ALL.map(|version| {
                let wire = wire(result, version);
                assert_eq!(wire["content"][0]["text"], result.structured_content().unwrap());
                wire.get("structuredContent").is_some()
            })
        };
        assert_eq!(sent(&object), [true, true, true, false]);
        assert_eq!(sent(&array), [true, false, false, false]);
        assert_eq!(sent(&null), [true, false, false, false]);
    }

    #[test]
    fn an_error_says_so_and_a_success_is_silent() {
        let wire = wire(&CallToolResult::error("no"), ProtocolVersion::V2025_03_26);
        assert_eq!(wire, json!({"content": [{"type": "text", "text": "no"}], "isError": true}));
        assert!(CallToolResult::error("no").is_error());
        assert!(!CallToolResult::text("yes").is_error());
    }

    #[test]
    fn what_json_cannot_hold_is_an_error() {
        let map = std::collections::HashMap::from([((1, 2), 3)]);
        let error = CallToolResult::structured(&map).unwrap_err();
        assert_eq!(error.to_string(), "the result cannot be JSON: key must be a string");
    }
}
