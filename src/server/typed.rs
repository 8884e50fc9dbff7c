//! Typed tools: the schemas of a tool from the types of its handler.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments::Arguments;
use super::builder::ServerBuilder;
use super::content::Content;
use super::context::Context;
use super::handler_error::ToolError;
use super::result::{CallToolResult, IntoToolResult, Structured};
use super::tool::Tool;

/// What a typed tool may return: what any tool may, and what schema its structured content has.
///
/// ```
/// use mcp_http::{CallToolResult, IntoToolResult, ToolError, TypedToolResult};
///
/// struct Celsius(f32);
///
/// impl IntoToolResult for Celsius {
///     fn into_tool_result(self) -> Result<CallToolResult, ToolError> {
///         Ok(CallToolResult::text(format!("{} °C", self.0)))
///     }
/// }
///
/// impl TypedToolResult for Celsius {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a typed tool can return",
    label = "no result of a typed tool",
    note = "return `String`, `&'static str`, `Content`, `Vec<Content>`, `()`, `CallToolResult`, or \
            `Structured(value)` for a value that implements `serde::Serialize` and \
            `schemars::JsonSchema`"
)]
pub trait TypedToolResult: IntoToolResult {
    /// The JSON Schema of the structured content; `None` if there is no structured content, or
    /// nothing to say of it.
    fn output_schema() -> Option<Value> {
        None
    }
}

impl ServerBuilder {
    /// Adds a tool whose arguments are read as a type, from which the input schema is derived.
    /// If it returns [`Structured`], the output schema is derived as well.
    ///
    /// The doc comments of the type and its fields become descriptions that the model reads.
    /// Arguments that do not fit never reach the handler.
    ///
    /// ```
    /// use mcp_http::{Context, Server, ToolError};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Forecast {
    ///     /// City name
    ///     city: String,
    /// }
    ///
    /// let server = Server::builder("weather", "1.0.0")
    ///     .typed_tool("forecast", "The weather of the next day", |args: Forecast, _cx: Context| async move {
    ///         Ok::<_, ToolError>(format!("Sunny in {}", args.city))
    ///     })
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn typed_tool<F, A, Fut, R, E>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        handler: F,
    ) -> Self
    where
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        A: DeserializeOwned + JsonSchema + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: TypedToolResult + 'static,
        E: Into<ToolError> + 'static,
    {
        self.typed_tool_with(Tool::new(name).with_description(description), handler)
    }

    /// Adds a typed tool with more to say about it. Schemas that it has already are kept.
    ///
    /// ```
    /// use mcp_http::{Context, Server, Tool, ToolAnnotations, ToolError};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Delete { path: String }
    ///
    /// let server = Server::builder("files", "1.0.0")
    ///     .typed_tool_with(
    ///         Tool::new("delete")
    ///             .with_title("Delete a file")
    ///             .with_annotations(ToolAnnotations::new().with_destructive(true)),
    ///         |args: Delete, _cx: Context| async move {
    ///             std::fs::remove_file(args.path)?;
    ///             Ok::<_, ToolError>(())
    ///         },
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn typed_tool_with<F, A, Fut, R, E>(self, tool: Tool, handler: F) -> Self
    where
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        A: DeserializeOwned + JsonSchema + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: TypedToolResult + 'static,
        E: Into<ToolError> + 'static,
    {
        let tool = tool.or_input_schema(input_schema::<A>).or_output_schema(R::output_schema);
        self.tool(tool, move |arguments: Arguments, cx: Context| {
            let future = arguments.parse::<A>().map(|arguments| handler(arguments, cx));
            async move { future?.await.map_err(Into::into) }
        })
    }
}

/// The schema of what `A` can be read from. Arguments are always an object, so that is added
/// where the type leaves it open, as an enum does.
fn input_schema<A: JsonSchema>() -> Value {
    let mut schema = schema::<A>(SchemaSettings::draft2020_12().for_deserialize());
    if let Some(members) = schema.as_object_mut() {
        members.entry("type").or_insert_with(|| "object".into());
    }
    schema
}

/// A schema without what is said already: 2020-12 is the default (2026-07-28, Tools, Tool), and
/// the name of a Rust type tells a model nothing.
pub(super) fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings
        .with(|settings| settings.meta_schema = None)
        .with_transform(RecursiveTransform(without_rust_format));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.into()
}

/// Drops the formats that are Rust's names of numbers (`uint64`), which JSON Schema does not know:
/// clients warn of each at every `tools/list`. The bounds that they stand for are in the schema.
fn without_rust_format(schema: &mut Schema) {
    let is_rusts = |format: &str| {
        let width = format.trim_start_matches(['u', 'i', 'n', 't']);
        matches!(format, "int" | "uint" | "float" | "double")
            || (format.contains("int") && width.parse::<u8>().is_ok())
    };
    if schema.get("format").and_then(Value::as_str).is_some_and(is_rusts) {
        schema.remove("format");
    }
}

impl TypedToolResult for CallToolResult {}
impl TypedToolResult for String {}
impl TypedToolResult for &'static str {}
impl TypedToolResult for Content {}
impl TypedToolResult for Vec<Content> {}
impl TypedToolResult for () {}

impl<T: Serialize + JsonSchema> TypedToolResult for Structured<T> {
    /// A schema that allows anything says nothing.
    fn output_schema() -> Option<Value> {
        let schema = schema::<T>(SchemaSettings::draft2020_12().for_serialize());
        let says_something = schema.as_object().is_some_and(|members| !members.is_empty());
        says_something.then_some(schema)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::FutureExt;
    use serde::Deserialize;
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;
    use crate::protocol::jsonrpc::{Params, RpcError};
    use crate::protocol::version::ProtocolVersion;
    use crate::server::context::tests::{context, info};
    use crate::server::reply::tests::members;
    use crate::server::{Dispatched, Request, Server};

    /// Adds two numbers.
    #[derive(Deserialize, JsonSchema)]
    struct Summands {
        /// The first
        a: i32,
        #[serde(default)]
        b: i32,
    }

    #[derive(Serialize, JsonSchema)]
    struct Sum {
        total: i32,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "kind")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }

    fn server() -> Server {
        Server::builder("s", "1")
            .typed_tool("add", "Adds", |args: Summands, _: Context| async move {
                Ok::<_, ToolError>(Structured(Sum { total: args.a + args.b }))
            })
            .build()
            .unwrap()
    }

    fn call(arguments: Value, version: ProtocolVersion) -> Result<Value, RpcError> {
        let body = Bytes::from(json!({"arguments": arguments, "name": "add"}).to_string());
        let params: std::collections::BTreeMap<&str, &RawValue> =
            serde_json::from_slice(&body).unwrap();
        let params = Params::new(params.into_iter().collect());
        let request = Request { method: "tools/call", params: &params, body: &body };
        match server().dispatch(&request, context(info(version))) {
            Dispatched::Ready(_) => panic!("a handler runs"),
            Dispatched::Running(running) => {
                running.now_or_never().unwrap().map(|reply| members(&reply, version))
            }
        }
    }

    #[test]
    fn the_schemas_are_those_of_the_types() {
        let server = server();
        let tool = server.tools().next().unwrap();
        assert_eq!(
            tool.input_schema(),
            Some(&json!({
                "type": "object",
                "description": "Adds two numbers.",
                "properties": {
                    "a": {"type": "integer", "description": "The first"},
                    "b": {"type": "integer", "default": 0},
                },
                "required": ["a"],
            }))
        );
        assert_eq!(
            tool.output_schema(),
            Some(&json!({
                "type": "object",
                "properties": {"total": {"type": "integer"}},
                "required": ["total"],
            }))
        );
    }

    #[test]
    fn schemas_that_are_given_are_kept() {
        let given = json!({"type": "object", "x": 1});
        let tool =
            Tool::new("t").with_input_schema(given.clone()).with_output_schema(given.clone());
        let server = Server::builder("s", "1")
            .typed_tool_with(tool, |_: Summands, _: Context| async move {
                Ok::<_, ToolError>(Structured(Sum { total: 0 }))
            })
            .build()
            .unwrap();
        let tool = server.tools().next().unwrap();
        assert_eq!((tool.input_schema(), tool.output_schema()), (Some(&given), Some(&given)));
    }

    #[test]
    fn an_enum_of_objects_is_an_object_and_a_number_is_refused() {
        let shape = Server::builder("s", "1")
            .typed_tool("area", "", |shape: Shape, _: Context| async move {
                Ok::<_, ToolError>(match shape {
                    Shape::Circle { radius } => format!("{}", radius * radius * 3.0),
                    Shape::Square { side } => format!("{}", side * side),
                })
            })
            .build()
            .unwrap();
        let tool = shape.tools().next().unwrap();
        assert_eq!(tool.input_schema().unwrap()["type"], "object");
        assert_eq!(tool.output_schema(), None);
        let number = Server::builder("s", "1")
            .typed_tool("n", "", |_: u8, _: Context| async { Ok::<_, ToolError>(()) })
            .build();
        assert!(number.unwrap_err().to_string().starts_with("tool `n`: the root of the input"));
    }

    #[test]
    fn a_value_of_any_shape_has_no_output_schema() {
        assert_eq!(Structured::<Value>::output_schema(), None);
        assert_eq!(Structured::<Vec<u8>>::output_schema().unwrap()["type"], "array");
    }

    #[test]
    fn arguments_that_fit_reach_the_handler() {
        assert_eq!(
            call(json!({"a": 1, "b": 2}), ProtocolVersion::LATEST),
            Ok(json!({
                "content": [{"type": "text", "text": "{\"total\":3}"}],
                "structuredContent": {"total": 3},
            }))
        );
    }

    /// DESIGN, decision 15: arguments that do not fit are results with `isError` from 2025-11-25
    /// on, and `-32602` before.
    #[test]
    fn arguments_that_do_not_fit_name_the_field() {
        let text = "Invalid arguments for tool add: `b`: invalid type: string \"x\", expected i32";
        let arguments = json!({"a": 1, "b": "x"});
        for version in [ProtocolVersion::V2025_11_25, ProtocolVersion::V2026_07_28] {
            let result = call(arguments.clone(), version).unwrap();
            assert_eq!(result["isError"], true);
            assert_eq!(result["content"][0]["text"], text);
        }
        for version in [ProtocolVersion::V2025_03_26, ProtocolVersion::V2025_06_18] {
            assert_eq!(call(arguments.clone(), version), Err(RpcError::invalid_params(text)));
        }
    }
}
