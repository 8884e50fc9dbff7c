//! Definitions of tools.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::build_error::BuildError;
use super::implementation::{Icon, wire_icons};
use super::page::Listed;
use super::revision::Revision;
use super::tasks::{TaskSupport, check_time};
#[cfg(feature = "validation")]
use super::validation::SchemaCell;
use crate::protocol::version::ProtocolVersion;

/// The definition of a tool: what a client and its model learn about it.
///
/// ```
/// use mcp_http::{Tool, ToolAnnotations};
/// use serde_json::json;
///
/// let tool = Tool::new("forecast")
///     .with_title("Weather forecast")
///     .with_description("The weather of the next day")
///     .with_input_schema(json!({
///         "type": "object",
///         "properties": {"city": {"type": "string"}},
///         "required": ["city"],
///     }))
///     .with_annotations(ToolAnnotations::new().with_read_only(true));
/// assert_eq!(tool.name(), "forecast");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    /// None until it is given, or derived for a typed tool.
    input_schema: Option<Value>,
    output_schema: Option<Value>,
    annotations: Option<ToolAnnotations>,
    icons: Vec<Icon>,
    meta: Option<Map<String, Value>>,
    task: Option<TaskSupport>,
    #[cfg(feature = "validation")]
    schemas: SchemaCell,
}

/// Hints about a tool's behaviour, which clients do not trust unless they trust the server.
///
/// ```
/// use mcp_http::ToolAnnotations;
///
/// let hints = ToolAnnotations::new().with_read_only(false).with_destructive(true);
/// # let _ = hints;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolAnnotations {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destructive_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotent_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_world_hint: Option<bool>,
}

/// A tool as a revision writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a ToolAnnotations>,
    #[serde(skip_serializing_if = "<[Icon]>::is_empty")]
    icons: &'a [Icon],
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Map<String, Value>>,
}

impl Tool {
    /// A tool of this name, which takes any object.
    ///
    /// A name has 1 to 128 characters of `A-Z`, `a-z`, `0-9`, `_`, `-` and `.` (2026-07-28, Tools,
    /// Tool Names); building the server refuses others.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
            task: None,
            #[cfg(feature = "validation")]
            schemas: SchemaCell::default(),
        }
    }

    /// Adds the name that people read (sent from revision 2025-06-18 on).
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds what the tool does and when to use it: what the model goes by.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the JSON Schema of the arguments, whose root must have `"type": "object"`.
    ///
    /// For a typed tool it takes the place of the derived one. Arguments are validated against it
    /// if the server does so (feature `validation`); else what reads them says what does not fit.
    ///
    /// A property of type string, integer or boolean may have an `x-mcp-header`, whose value names
    /// a header `Mcp-Param-*` that repeats the argument (2026-07-28, Tools, x-mcp-header). A modern
    /// call whose header is missing or differs is refused, and building the service fails if an
    /// annotation breaks the rules.
    #[must_use]
    pub fn with_input_schema(mut self, schema: Value) -> Self {
        self.input_schema = Some(schema);
        self.recompiled()
    }

    /// Sets the JSON Schema of the structured content (sent from revision 2025-06-18 on, and
    /// before 2026-07-28 only if its root has `"type": "object"`).
    ///
    /// A tool that has one must return structured content that conforms to it; a server that
    /// validates (feature `validation`) holds it to that.
    #[must_use]
    pub fn with_output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self.recompiled()
    }

    /// Adds hints about the tool's behaviour.
    #[must_use]
    pub fn with_annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.annotations = Some(annotations);
        self
    }

    /// Adds a picture (sent from revision 2025-11-25 on).
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Adds a member to the tool's `_meta` (sent from revision 2025-06-18 on).
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Lets the calls of the tool become tasks. See [`TaskSupport`].
    ///
    /// A server that has such a tool declares the extension; the tools of a
    /// [`ToolCatalogue`](crate::ToolCatalogue) need [`ServerBuilder::tasks`](crate::ServerBuilder::tasks)
    /// besides.
    #[must_use]
    pub fn with_task(mut self, support: TaskSupport) -> Self {
        self.task = Some(support);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The JSON Schema of the arguments, if one was given or derived.
    pub fn input_schema(&self) -> Option<&Value> {
        self.input_schema.as_ref()
    }

    /// The JSON Schema of the structured content, if there is one.
    pub fn output_schema(&self) -> Option<&Value> {
        self.output_schema.as_ref()
    }

    /// Whether its calls may become tasks.
    pub fn task_support(&self) -> Option<TaskSupport> {
        self.task
    }

    /// Checks what all revisions and all clients take for granted.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        let invalid = |reason: &str| Err(BuildError::invalid_tool(&self.name, reason));
        if !is_valid_name(&self.name) {
            return invalid("a name has 1 to 128 characters of A-Z, a-z, 0-9, '_', '-' and '.'");
        }
        if let Some(plan) = self.task.map(|support| support.plan()) {
            for time in [plan.ttl, plan.poll_interval].into_iter().flatten() {
                check_time(time).or_else(|why| invalid(&format!("a time of its tasks: {why}")))?;
            }
        }
        // 2026-07-28, schema, Tool: `inputSchema` is an object whose `type` is "object".
        match &self.input_schema {
            Some(schema) if !schema.is_object() => {
                return invalid("the input schema is not a JSON object");
            }
            Some(schema) if !is_object_schema(schema) => {
                return invalid("the root of the input schema has no \"type\": \"object\"");
            }
            _ => {}
        }
        match &self.output_schema {
            Some(schema) if !schema.is_object() => {
                invalid("the output schema is not a JSON object")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn wire(&self, version: ProtocolVersion) -> WireTool<'_> {
        let known = version.knows_titles_and_structure();
        let output = self
            .output_schema
            .as_ref()
            .filter(|schema| version.structure_is_free() || (known && is_object_schema(schema)));
        let any_object = || Cow::Owned(json!({"type": "object"}));
        WireTool {
            name: &self.name,
            title: self.title.as_deref().filter(|_| known),
            description: self.description.as_deref(),
            input_schema: self
                .input_schema
                .as_ref()
                .map_or_else(any_object, |schema| wire_schema(schema, version)),
            output_schema: output.map(|schema| wire_schema(schema, version)),
            annotations: self.annotations.as_ref(),
            icons: wire_icons(&self.icons, version),
            meta: self.meta.as_ref().filter(|_| known),
        }
    }
}

impl Listed for Tool {
    const MEMBER: &'static str = "tools";
    type Wire<'a> = WireTool<'a>;

    fn key(&self) -> &str {
        &self.name
    }

    fn wire(&self, version: ProtocolVersion) -> WireTool<'_> {
        Tool::wire(self, version)
    }
}

impl ToolAnnotations {
    /// No hints: a client takes the tool to be destructive and in touch with the open world.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the name that people read, where [`Tool::with_title`] is not known.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Whether the tool leaves its environment as it is. (Not said: no.)
    #[must_use]
    pub fn with_read_only(mut self, hint: bool) -> Self {
        self.read_only_hint = Some(hint);
        self
    }

    /// Whether the tool may destroy, rather than only add. (Not said: yes.)
    #[must_use]
    pub fn with_destructive(mut self, hint: bool) -> Self {
        self.destructive_hint = Some(hint);
        self
    }

    /// Whether a second call with the same arguments changes nothing more. (Not said: no.)
    #[must_use]
    pub fn with_idempotent(mut self, hint: bool) -> Self {
        self.idempotent_hint = Some(hint);
        self
    }

    /// Whether the tool deals with an open world, as a web search does. (Not said: yes.)
    #[must_use]
    pub fn with_open_world(mut self, hint: bool) -> Self {
        self.open_world_hint = Some(hint);
        self
    }
}

/// 2026-07-28, Tools, Tool Names.
fn is_valid_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=128).contains(&name.len()) && name.bytes().all(valid)
}

fn is_object_schema(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// The schema as the revision can hold it: before 2026-07-28 the values of `properties` are
/// objects (schema, Tool), so `true` and `false` are written as the objects that mean the same.
fn wire_schema(schema: &Value, version: ProtocolVersion) -> Cow<'_, Value> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let has_booleans = properties.is_some_and(|map| map.values().any(Value::is_boolean));
    if version.structure_is_free() || !has_booleans {
        return Cow::Borrowed(schema);
    }
    let mut schema = schema.clone();
    if let Some(properties) = schema["properties"].as_object_mut() {
        for property in properties.values_mut() {
            match property {
                Value::Bool(true) => *property = json!({}),
                Value::Bool(false) => *property = json!({"not": {}}),
                _ => {}
            }
        }
    }
    Cow::Owned(schema)
}

/// What is compiled of the schemas is kept with them.
impl Tool {
    #[cfg(feature = "validation")]
    pub(super) fn schema_cell(&self) -> &SchemaCell {
        &self.schemas
    }

    /// The tool after a change of its schemas.
    fn recompiled(self) -> Self {
        #[cfg(feature = "validation")]
        return Self { schemas: SchemaCell::default(), ..self };
        #[cfg(not(feature = "validation"))]
        self
    }
}

/// Filling in what is derived from the types of a typed tool.
#[cfg(feature = "schemars")]
impl Tool {
    pub(crate) fn or_input_schema(mut self, derive: impl FnOnce() -> Value) -> Self {
        self.input_schema = self.input_schema.or_else(|| Some(derive()));
        self.recompiled()
    }

    pub(crate) fn or_output_schema(mut self, derive: impl FnOnce() -> Option<Value>) -> Self {
        self.output_schema = self.output_schema.or_else(derive);
        self.recompiled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(tool: &Tool, version: ProtocolVersion) -> Value {
        serde_json::to_value(tool.wire(version)).unwrap()
    }

    #[test]
    fn a_tool_has_the_members_that_the_revision_knows() {
        let tool = Tool::new("t")
            .with_title("T")
            .with_description("d")
            .with_output_schema(json!({"type": "object"}))
            .with_annotations(ToolAnnotations::new().with_title("A").with_read_only(true))
            .with_icon(Icon::new("data:,"))
            .with_meta("example.com/k", 1);
        let mut expected = json!({
            "name": "t", "title": "T", "description": "d",
            "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"},
            "annotations": {"title": "A", "readOnlyHint": true},
            "icons": [{"src": "data:,"}], "_meta": {"example.com/k": 1},
        });
        assert_eq!(wire(&tool, ProtocolVersion::V2026_07_28), expected);
        assert_eq!(wire(&tool, ProtocolVersion::V2025_11_25), expected);
        expected.as_object_mut().unwrap().remove("icons");
        assert_eq!(wire(&tool, ProtocolVersion::V2025_06_18), expected);
        for member in ["title", "outputSchema", "_meta"] {
            expected.as_object_mut().unwrap().remove(member);
        }
        assert_eq!(wire(&tool, ProtocolVersion::V2025_03_26), expected);
    }

    /// 2025-11-25, schema, Tool: the root of `outputSchema` has `type: object`; 2026-07-28: any.
    #[test]
    fn an_output_schema_of_no_object_is_sent_where_the_revision_can_hold_it() {
        let tool = Tool::new("t").with_output_schema(json!({"type": "array"}));
        let sent = ProtocolVersion::ALL.map(|v| wire(&tool, v).get("outputSchema").is_some());
        assert_eq!(sent, [true, false, false, false]);
    }

    #[test]
    fn boolean_properties_are_written_as_objects_where_the_revision_demands_it() {
        let schema = json!({"type": "object", "properties": {"a": true, "b": false, "c": {}}});
        let tool = Tool::new("t").with_input_schema(schema.clone());
        assert_eq!(wire(&tool, ProtocolVersion::V2026_07_28)["inputSchema"], schema);
        assert_eq!(
            wire(&tool, ProtocolVersion::V2025_11_25)["inputSchema"]["properties"],
            json!({"a": {}, "b": {"not": {}}, "c": {}})
        );
    }

    /// 2026-07-28, Tools, Tool Names: 1 to 128 characters of a small alphabet.
    #[test]
    fn a_name_outside_the_alphabet_or_the_length_is_refused() {
        for name in ["a", "admin.tools.list", "DATA_EXPORT-v2", &"x".repeat(128)] {
            assert!(Tool::new(name).validate().is_ok(), "{name}");
        }
        for name in ["", "a b", "a/b", "a,b", "é", "a\n", &"x".repeat(129)] {
            assert!(Tool::new(name).validate().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_schema_that_no_client_would_accept_is_refused_by_name() {
        let error = |tool: Tool| tool.validate().unwrap_err().to_string();
        let tool = Tool::new("t");
        assert_eq!(
            error(tool.clone().with_input_schema(json!(true))),
            "tool `t`: the input schema is not a JSON object"
        );
        for schema in [json!({}), json!({"type": "string"}), json!({"type": ["object"]})] {
            assert_eq!(
                error(tool.clone().with_input_schema(schema)),
                "tool `t`: the root of the input schema has no \"type\": \"object\""
            );
        }
        assert_eq!(
            error(tool.clone().with_output_schema(json!(null))),
            "tool `t`: the output schema is not a JSON object"
        );
    }
}
