//! Arguments and structured content held against the schemas of their tools (feature
//! `validation`).
//!
//! A server that validates has its handlers, or its catalogue, inside guards that are handlers and
//! a catalogue themselves. So dispatch does not know of it, and one that does not validate pays
//! nothing for it.

mod bounds;
mod guard;
mod metered;
mod misfit;
mod schema;
mod tool_schemas;

pub(super) use tool_schemas::SchemaCell;

/// What is longer is not validated, in bytes.
const DEFAULT_MAX_BYTES: usize = 1024 * 1024;

/// What is held against the schemas of tools: see
/// [`ServerBuilder::validation`](crate::ServerBuilder::validation).
///
/// ```
/// use mcp_http::{Arguments, Context, Server, Tool, ToolError, Validation};
/// use serde_json::json;
///
/// let tool = Tool::new("forecast").with_input_schema(json!({
///     "type": "object",
///     "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 14}},
///     "required": ["days"],
/// }));
/// let server = Server::builder("weather", "1.0.0")
///     .tool(tool, |arguments: Arguments, _cx: Context| async move {
///         // There are 1 to 14 days here.
///         Ok::<_, ToolError>(arguments.raw().to_owned())
///     })
///     .validation(Validation::both())
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// # What happens
///
/// - **Arguments** that do not fit the input schema never reach the handler. The error names the
///   first place that does not fit, as [`Arguments::parse`](crate::Arguments::parse) does
///   (`` `stops[1].city`: … ``), and becomes what the revision has for arguments that do not fit:
///   see [`ToolError`](crate::ToolError).
/// - **Structured content** of a result that is no error must be there and fit if the tool has an
///   output schema (2025-06-18 and later, Tools, Output Schema: "Servers MUST provide structured
///   results that conform to this schema"). If not, the client gets the JSON-RPC error `-32603`,
///   which names the tool and the place, in place of the result; with the feature `tracing` that
///   is an event as well. This holds in every revision, also where a client would not be sent the
///   structured content.
///
/// # Schemas
///
/// The dialect is 2020-12, or what `$schema` says: 2019-09, draft-07, draft-06 or draft-04
/// (2025-11-25 and later, Base Protocol, JSON Schema Usage). Formats are annotations, as 2020-12
/// has them by default, and so are the encodings and media types of content; unknown keywords are
/// ignored. References lead to the schema's own parts: **nothing is ever fetched**, and a schema
/// that refers elsewhere is refused.
///
/// A tool's schemas are compiled when the server is built. Those of a
/// [`ToolCatalogue`](crate::ToolCatalogue)'s tools are compiled at the first call of each
/// [`Tool`](crate::Tool) that [`find`](crate::ToolCatalogue::find) returns, so a catalogue returns
/// the same `Arc` as long as the tool is the same. Such a call asks `find` first; if a schema
/// cannot be compiled, the answer is `-32603` and names the tool.
///
/// # Limits
///
/// A schema has at most 16,384 values and 1 MiB of text, is nested at most 64 levels deep and has
/// at most 128 patterns. At most 4,096 of its parts apply to one value and they are at most 24
/// deep in each other, references followed; no reference leads back to itself without going on to
/// a part of the value. Patterns are those that can be matched in linear time: none that looks
/// around or refers back, or repeats so much that it takes more than 512 KiB.
///
/// What is longer than [`with_max_bytes`](Self::with_max_bytes) is refused, and so is what would
/// take too long to validate: a validation has four million steps, which is about a second at
/// worst. An ordinary schema needs a part of them for a megabyte, and tens of milliseconds; each
/// look at a value is a step, more where hundreds of the schema's parts apply to it. Matching
/// patterns is dear: texts of 250 KB in all where the patterns are small, and of 4 KB where one
/// takes half a megabyte. A schema that refers to itself leads 768 levels deep into a value,
/// divided by how deep its parts are in each other; JSON of 128 levels is the most that there is.
///
/// Validation runs where the handler does, before and after it, and does not wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validation {
    what: What,
    max_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Input,
    Output,
    Both,
}

impl Validation {
    /// Arguments and structured content are validated.
    pub fn both() -> Self {
        Self { what: What::Both, max_bytes: DEFAULT_MAX_BYTES }
    }

    /// Arguments alone are validated.
    pub fn input() -> Self {
        Self { what: What::Input, ..Self::both() }
    }

    /// Structured content alone is validated.
    pub fn output() -> Self {
        Self { what: What::Output, ..Self::both() }
    }

    /// How long arguments, and structured content, may be, in bytes of JSON: 1 MiB each by default.
    /// Longer ones are refused as if they did not fit.
    ///
    /// While it is validated JSON is held as a tree, which may take a hundred times its bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    fn has_input(self) -> bool {
        matches!(self.what, What::Input | What::Both)
    }

    fn has_output(self) -> bool {
        matches!(self.what, What::Output | What::Both)
    }
}
