//! How completers get into a server.

use super::handler::CompletionHandler;
use super::request::CompletionReference;
use crate::server::builder::ServerBuilder;

impl ServerBuilder {
    /// Completes an argument of a prompt.
    ///
    /// ```
    /// use mcp_http::{
    ///     Arguments, Completion, CompletionRequest, Context, HandlerError, Prompt, PromptArgument,
    ///     Server,
    /// };
    ///
    /// let prompt = Prompt::new("code_review")
    ///     .with_argument(PromptArgument::required("language"))
    ///     .with_argument(PromptArgument::optional("framework"));
    /// let server = Server::builder("reviewer", "1.0.0")
    ///     .prompt(prompt, |_: Arguments, _: Context| async { Ok::<_, HandlerError>("Review this.") })
    ///     // All that it can be,
    ///     .complete_prompt("code_review", "language", ["python", "rust"])
    ///     // or a handler that sees what is typed, and the other arguments.
    ///     .complete_prompt("code_review", "framework", |request: CompletionRequest, _: Context| async move {
    ///         let known = match request.resolved("language") {
    ///             Some("python") => ["django", "flask"],
    ///             _ => ["axum", "hyper"],
    ///         };
    ///         Ok::<_, HandlerError>(Completion::matching(request.value(), known))
    ///     })
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// The prompt may be added before or after. Building the server fails if it is not there or
    /// takes no such argument, unless a catalogue has the prompts. An argument that nothing
    /// completes is answered with no suggestion, a prompt that is not there with `-32602`.
    ///
    /// Servers that complete nothing do not declare the capability.
    ///
    /// Source: 2026-07-28, Completion.
    pub fn complete_prompt(
        mut self,
        prompt: impl Into<String>,
        argument: impl Into<String>,
        handler: impl CompletionHandler,
    ) -> Self {
        let reference = CompletionReference::Prompt(prompt.into());
        self.completions.add(reference, argument.into(), handler);
        self
    }

    /// Completes a variable of a resource template, which is named as it is listed:
    /// `file:///{path}`. Else it is as [`complete_prompt`](Self::complete_prompt).
    pub fn complete_resource(
        mut self,
        template: impl Into<String>,
        variable: impl Into<String>,
        handler: impl CompletionHandler,
    ) -> Self {
        let reference = CompletionReference::Resource(template.into());
        self.completions.add(reference, variable.into(), handler);
        self
    }

    /// Completes all that has no completer of its own: for catalogues, whose prompts and templates
    /// depend on the caller. [`CompletionRequest::reference`](crate::CompletionRequest::reference)
    /// tells what is asked for; what the caller does not have is
    /// [`HandlerError::unknown_prompt`](crate::HandlerError::unknown_prompt) and its like.
    ///
    /// ```
    /// use mcp_http::{
    ///     Completion, CompletionReference, CompletionRequest, Context, HandlerError, Server,
    /// };
    ///
    /// let server = Server::builder("gateway", "1.0.0")
    ///     .complete_other(|request: CompletionRequest, _cx: Context| async move {
    ///         match request.reference() {
    ///             CompletionReference::Prompt(name) => Err(HandlerError::unknown_prompt(name)),
    ///             _ => Ok(Completion::none()),
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn complete_other(mut self, handler: impl CompletionHandler) -> Self {
        self.completions.add_rest(handler);
        self
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        Arguments, Context, HandlerError, Prompt, PromptArgument, ReadRequest, ResourceTemplate,
        Server,
    };

    async fn hello(_: Arguments, _: Context) -> Result<&'static str, HandlerError> {
        Ok("Hello")
    }

    fn greet() -> ServerBuilder {
        let prompt = Prompt::new("greet").with_argument(PromptArgument::optional("language"));
        Server::builder("s", "1").prompt(prompt, hello)
    }

    /// 2026-07-28 (and from 2025-03-26 on), Completion, Capabilities: "Servers that support
    /// completions MUST declare the `completions` capability".
    #[test]
    fn the_capability_is_declared_where_something_can_be_completed() {
        let declared = |builder: ServerBuilder| {
            let server = builder.build().unwrap();
            serde_json::to_value(server.capabilities()).unwrap().get("completions").cloned()
        };
        assert_eq!(declared(greet()), None);
        let empty = Some(serde_json::json!({}));
        assert_eq!(declared(greet().complete_prompt("greet", "language", ["en"])), empty);
        let all: Vec<String> = Vec::new();
        assert_eq!(declared(greet().complete_other(all)), empty);
    }

    #[test]
    fn what_is_not_there_cannot_be_completed() {
        let error = |builder: ServerBuilder| builder.build().unwrap_err().to_string();
        assert_eq!(
            error(greet().complete_prompt("meet", "language", ["en"])),
            "completion of `language` of prompt `meet`: the server has no such thing"
        );
        assert_eq!(
            error(greet().complete_prompt("greet", "tongue", ["en"])),
            "completion of `tongue` of prompt `greet`: it takes no such argument"
        );
        let once = greet().complete_prompt("greet", "language", ["en"]);
        assert_eq!(
            error(once.complete_prompt("greet", "language", ["en"])),
            "completion of `language` of prompt `greet`: registered twice"
        );
        assert_eq!(
            error(greet().complete_resource("file:///{path}", "path", ["a"])),
            "completion of `path` of resource template `file:///{path}`: the server has no such thing"
        );
        let template = || {
            greet().resource_template(
                ResourceTemplate::new("file:///{path}", "files"),
                |_: ReadRequest, _: Context| async { Ok::<_, HandlerError>("") },
            )
        };
        assert_eq!(
            error(template().complete_resource("file:///{path}", "file", ["a"])),
            "completion of `file` of resource template `file:///{path}`: it takes no such argument"
        );
        assert!(template().complete_resource("file:///{path}", "path", ["a"]).build().is_ok());
    }
}
