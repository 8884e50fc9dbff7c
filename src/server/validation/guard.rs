//! What stands around handlers: arguments are validated before, structured content after.

use std::sync::Arc;

use super::Validation;
use super::misfit::Misfit;
use super::tool_schemas::ToolSchemas;
use crate::server::arguments::Arguments;
use crate::server::build_error::BuildError;
use crate::server::builder::ServerBuilder;
use crate::server::catalogue::{ToolCatalogue, ToolPage};
use crate::server::context::Context;
use crate::server::handler::{BoxFuture, ToolHandler};
use crate::server::handler_error::HandlerError;
use crate::server::registry::RegisteredTool;
use crate::server::result::CallToolResult;
use crate::server::tool::Tool;

/// JSON-RPC 2.0, 5.1: "Internal JSON-RPC error".
const INTERNAL_ERROR: i32 = -32603;

impl ServerBuilder {
    /// Holds what handlers take and return against the schemas of their tools: see [`Validation`].
    ///
    /// Without it nothing is validated, and what reads arguments says what does not fit.
    ///
    /// # Errors
    ///
    /// [`build`](Self::build) then fails if a schema cannot be compiled, and names the tool.
    pub fn validation(mut self, validation: Validation) -> Self {
        self.validation = Some(validation);
        self
    }

    /// Puts the guards around the handlers, if the server validates.
    pub(in crate::server) fn guarded(mut self) -> Result<Self, BuildError> {
        if let Some(validation) = self.validation {
            let guard = |registered| guarded_tool(registered, validation);
            self.tools = self.tools.into_iter().map(guard).collect::<Result<_, _>>()?;
            self.catalogue = self.catalogue.map(|catalogue| {
                Arc::new(GuardedCatalogue { catalogue, validation }) as Arc<dyn ToolCatalogue>
            });
        }
        Ok(self)
    }
}

fn guarded_tool(
    registered: RegisteredTool,
    validation: Validation,
) -> Result<RegisteredTool, BuildError> {
    let RegisteredTool { tool, handler } = registered;
    tool.validate()?;
    let schemas = ToolSchemas::of(&tool);
    let schemas = schemas.map_err(|reason| BuildError::invalid_tool(tool.name(), reason))?;
    let guard = Guard { tool: Arc::clone(&tool), schemas, validation };
    Ok(RegisteredTool { tool, handler: Box::new(GuardedHandler { handler, guard }) })
}

/// What one tool is held to.
#[derive(Clone)]
struct Guard {
    tool: Arc<Tool>,
    schemas: Arc<ToolSchemas>,
    validation: Validation,
}

struct GuardedHandler {
    handler: Box<dyn ToolHandler>,
    guard: Guard,
}

struct GuardedCatalogue {
    catalogue: Arc<dyn ToolCatalogue>,
    validation: Validation,
}

impl Guard {
    fn before(&self, arguments: &Arguments) -> Result<(), HandlerError> {
        let checked = self.schemas.check_input(arguments.raw(), self.validation);
        checked.map_err(|Misfit { place, message, .. }| match place {
            Some(place) => HandlerError::invalid_argument(place, message),
            None => HandlerError::invalid_arguments(message),
        })
    }

    /// 2025-06-18 and later, Tools, Output Schema: "Servers MUST provide structured results that
    /// conform to this schema". The fault is the server's, and no client is to have its outcome.
    fn after(&self, result: CallToolResult) -> Result<CallToolResult, HandlerError> {
        if result.is_error() {
            return Ok(result);
        }
        match self.schemas.check_output(result.structured_content(), self.validation) {
            Ok(()) => Ok(result),
            Err(misfit) => {
                let name = self.tool.name();
                #[cfg(feature = "tracing")]
                tracing::error!(
                    target: "mcp_http",
                    tool = name,
                    rule = misfit.rule,
                    "a tool's structured content does not fit its output schema"
                );
                Err(internal(name, &format!("the structured content does not fit: {misfit}")))
            }
        }
    }
}

fn internal(tool: &str, what: &str) -> HandlerError {
    HandlerError::protocol(INTERNAL_ERROR, format!("tool {tool}: {what}"), None)
}

impl ToolHandler for GuardedHandler {
    fn call(
        &self,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, HandlerError>> {
        if let Err(misfit) = self.guard.before(&arguments) {
            return Box::pin(std::future::ready(Err(misfit)));
        }
        let (future, guard) = (self.handler.call(arguments, cx), self.guard.clone());
        Box::pin(async move { guard.after(future.await?) })
    }
}

impl ToolCatalogue for GuardedCatalogue {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<ToolPage, HandlerError>> {
        Arc::clone(&self.catalogue).list(cursor, cx)
    }

    fn find(
        self: Arc<Self>,
        name: String,
        cx: Context,
    ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, HandlerError>> {
        Arc::clone(&self.catalogue).find(name, cx)
    }

    fn call(
        self: Arc<Self>,
        name: String,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, HandlerError>> {
        let (catalogue, validation) = (Arc::clone(&self.catalogue), self.validation);
        Box::pin(async move {
            let found = Arc::clone(&catalogue).find(name.clone(), cx.clone()).await?;
            let Some(tool) = found else { return Err(HandlerError::unknown_tool(name)) };
            let schemas = ToolSchemas::of(&tool).map_err(|why| internal(tool.name(), &why))?;
            let guard = Guard { tool, schemas, validation };
            guard.before(&arguments)?;
            guard.after(catalogue.call(name, arguments, cx).await?)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures::FutureExt;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::jsonrpc::{ErrorCode, Params, RpcError};
    use crate::protocol::version::ProtocolVersion;
    use crate::server::context::tests::{context, info};
    use crate::server::reply::tests::members;
    use crate::server::{Dispatched, Request, Server};

    fn call(server: &Server, name: &str, arguments: Value) -> Result<Value, RpcError> {
        call_in(server, name, arguments, ProtocolVersion::LATEST)
    }

    fn call_in(
        server: &Server,
        name: &str,
        arguments: Value,
        version: ProtocolVersion,
    ) -> Result<Value, RpcError> {
        let body = Bytes::from(json!({"name": name, "arguments": arguments}).to_string());
        let raw: std::collections::BTreeMap<&str, &RawValue> =
            serde_json::from_slice(&body).unwrap();
        let params = Params::new(raw.into_iter().collect());
        let request = Request { method: "tools/call", params: &params, body: &body };
        let reply = match server.dispatch(&request, context(info(version))) {
            Dispatched::Ready(reply) => reply,
            Dispatched::Running(running) => running.now_or_never().expect("it does not wait"),
        };
        reply.map(|reply| members(&reply, version))
    }

    /// Takes `{"n": integer}` and returns it as its structured content; `as` says what instead.
    fn tool() -> Tool {
        let n = json!({
            "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
        });
        Tool::new("t").with_input_schema(n.clone()).with_output_schema(n)
    }

    async fn handler(arguments: Arguments, _: Context) -> Result<CallToolResult, HandlerError> {
        let arguments: Value = arguments.parse()?;
        match arguments["as"].as_str() {
            Some("text") => Ok(CallToolResult::text("text")),
            Some("error") => Ok(CallToolResult::error("no")),
            Some("failure") => Err(HandlerError::new("no")),
            Some("string") => CallToolResult::structured(&json!({"n": "secret"})),
            _ => CallToolResult::structured(&arguments),
        }
    }

    fn server(validation: Validation) -> Server {
        Server::builder("s", "1").tool(tool(), handler).validation(validation).build().unwrap()
    }

    fn is_structured(result: &Result<Value, RpcError>) -> bool {
        result.as_ref().is_ok_and(|result| result.get("structuredContent").is_some())
    }

    /// 2025-11-25 and 2026-07-28, Tools, Error Handling: input validation errors are tool execution
    /// errors; 2025-06-18 and 2025-03-26, Tools, Error Handling: invalid arguments are protocol
    /// errors.
    #[test]
    fn arguments_that_do_not_fit_never_reach_the_handler() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let handler = move |arguments: Arguments, cx: Context| {
            counted.fetch_add(1, Ordering::SeqCst);
            handler(arguments, cx)
        };
        let server = Server::builder("s", "1")
            .tool(tool(), handler)
            .validation(Validation::input())
            .build()
            .unwrap();
        let text = "Invalid arguments for tool t: `n`: the value is not of type \"integer\"";
        let told = Ok(json!({"content": [{"type": "text", "text": text}], "isError": true}));
        let refused = Err(RpcError::invalid_params(text));
        let answers =
            ProtocolVersion::ALL.map(|version| call_in(&server, "t", json!({"n": "x"}), version));
        assert_eq!(answers, [told.clone(), told, refused.clone(), refused]);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        assert!(is_structured(&call(&server, "t", json!({"n": 1}))));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    /// 2025-06-18, 2025-11-25 and 2026-07-28, Tools, Output Schema: "Servers MUST provide
    /// structured results that conform to this schema".
    #[test]
    fn structured_content_that_does_not_fit_is_an_internal_error_in_its_place() {
        let server = server(Validation::output());
        for version in ProtocolVersion::ALL {
            let error = call_in(&server, "t", json!({"as": "string"}), version).unwrap_err();
            assert_eq!(error.code, ErrorCode::InternalError);
            assert_eq!(
                error.message,
                "tool t: the structured content does not fit: `n`: the value is not of type \
                 \"integer\""
            );
            let error = call_in(&server, "t", json!({"as": "text"}), version).unwrap_err();
            assert_eq!(error.code, ErrorCode::InternalError);
            assert_eq!(
                error.message,
                "tool t: the structured content does not fit: there is no structured content"
            );
        }
        assert!(is_structured(&call(&server, "t", json!({"n": 1}))));
    }

    #[test]
    fn a_result_that_is_an_error_is_not_validated() {
        let server = server(Validation::both());
        for how in ["error", "failure"] {
            let result = call(&server, "t", json!({"n": 1, "as": how})).unwrap();
            assert_eq!(result["isError"], true);
        }
    }

    #[test]
    fn what_is_not_to_be_validated_is_not() {
        let input = server(Validation::input());
        assert!(call(&input, "t", json!({"n": 1, "as": "text"})).is_ok());
        let output = server(Validation::output());
        assert!(call(&output, "t", json!({"n": "x"})).unwrap_err().message.contains("structured"));
        let neither = Server::builder("s", "1").tool(tool(), handler).build().unwrap();
        assert!(is_structured(&call(&neither, "t", json!({"n": "x"}))));
        // A tool without schemas.
        let bare = Server::builder("s", "1")
            .tool(Tool::new("t"), handler)
            .validation(Validation::both())
            .build()
            .unwrap();
        assert!(is_structured(&call(&bare, "t", json!({"n": "x"}))));
    }

    #[test]
    fn what_is_longer_than_the_limit_does_not_fit() {
        let at_limit = json!({"n": 1, "x": "y".repeat(100)});
        let length = at_limit.to_string().len();
        let fits = server(Validation::both().with_max_bytes(length));
        assert!(is_structured(&call(&fits, "t", at_limit.clone())));
        let text = |result: Result<Value, RpcError>| result.unwrap()["content"][0]["text"].clone();
        let shorter = server(Validation::input().with_max_bytes(length - 1));
        let expected = format!(
            "Invalid arguments for tool t: cannot be validated: {length} bytes are more than {}",
            length - 1
        );
        assert_eq!(text(call(&shorter, "t", at_limit.clone())), expected);
        let shorter = server(Validation::output().with_max_bytes(length - 1));
        let error = call(&shorter, "t", at_limit).unwrap_err();
        assert_eq!(error.code, ErrorCode::InternalError);
    }

    #[test]
    fn a_schema_that_cannot_be_compiled_is_refused_by_the_name_of_the_tool() {
        let build = |tool: Tool, validation| {
            let builder = Server::builder("s", "1").tool(tool, handler);
            builder.validation(validation).build().map(drop).map_err(|error| error.to_string())
        };
        let external = json!({"type": "object", "$ref": "https://example.com/a.json"});
        assert_eq!(
            build(Tool::new("a").with_output_schema(external), Validation::both()),
            Err("tool `a`: the output schema cannot be validated against: it refers to \
                 https://example.com/a.json, which is not in it, and nothing is fetched"
                .to_owned())
        );
        let look = json!({"type": "object", "properties": {"x": {"pattern": "(?!x)"}}});
        let said = build(Tool::new("b").with_input_schema(look), Validation::both()).unwrap_err();
        assert!(said.starts_with("tool `b`: the input schema cannot be validated against: the pa"));
    }

    #[test]
    fn a_tool_whose_schema_is_changed_is_compiled_anew() {
        let tool = tool();
        assert!(ToolSchemas::of(&tool).is_ok());
        let changed = tool.with_input_schema(json!({"type": "object", "$ref": "x.json"}));
        assert!(ToolSchemas::of(&changed).is_err());
    }

    /// Has `t`, and `u` whose schema leads elsewhere.
    struct Catalogue {
        t: Arc<Tool>,
    }

    impl ToolCatalogue for Catalogue {
        fn list(
            self: Arc<Self>,
            _: Option<String>,
            _: Context,
        ) -> BoxFuture<'static, Result<ToolPage, HandlerError>> {
            Box::pin(async move { Ok(ToolPage::new([self.t.clone()])) })
        }

        fn find(
            self: Arc<Self>,
            name: String,
            _: Context,
        ) -> BoxFuture<'static, Result<Option<Arc<Tool>>, HandlerError>> {
            let external = json!({"type": "object", "$ref": "https://example.com/a.json"});
            let found = match name.as_str() {
                "t" => Some(self.t.clone()),
                "u" => Some(Arc::new(Tool::new(name).with_input_schema(external))),
                _ => None,
            };
            Box::pin(async move { Ok(found) })
        }

        fn call(
            self: Arc<Self>,
            name: String,
            arguments: Arguments,
            cx: Context,
        ) -> BoxFuture<'static, Result<CallToolResult, HandlerError>> {
            assert_eq!(name, "t", "nothing else is called");
            Box::pin(handler(arguments, cx))
        }
    }

    #[test]
    fn the_tools_of_a_catalogue_are_held_to_the_schemas_that_it_finds() {
        let catalogue = Catalogue { t: Arc::new(tool()) };
        let t = catalogue.t.clone();
        let builder = Server::builder("s", "1").catalogue(catalogue);
        let server = builder.validation(Validation::both()).build().unwrap();
        assert!(is_structured(&call(&server, "t", json!({"n": 1}))));
        assert_eq!(call(&server, "t", json!({})).unwrap()["isError"], true);
        let error = call(&server, "t", json!({"n": 1, "as": "string"})).unwrap_err();
        assert_eq!(error.code, ErrorCode::InternalError);
        assert_eq!(format!("{:?}", t.schema_cell()), "compiled");
        let error = call(&server, "u", json!({})).unwrap_err();
        assert_eq!(error.code, ErrorCode::InternalError);
        assert!(error.message.starts_with("tool u: the input schema cannot be"), "{error:?}");
        let unknown = call(&server, "v", json!({})).unwrap_err();
        assert_eq!(unknown, RpcError::invalid_params("Unknown tool: v"));
    }
}
