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
