//! How prompts get into a server.

use std::sync::Arc;

use super::catalogue::PromptCatalogue;
use super::handler::PromptHandler;
use super::prompt::Prompt;
use super::table::{PromptTable, Prompts, RegisteredPrompt};
use crate::server::build_error::BuildError;
use crate::server::builder::ServerBuilder;
use crate::server::page::PageSize;

/// The prompts that a builder gathers.
#[derive(Default)]
pub(crate) struct PromptsBuilder {
    prompts: Vec<RegisteredPrompt>,
    catalogue: Option<Arc<dyn PromptCatalogue>>,
    /// The first thing that was wrong before anything was built.
    fault: Option<BuildError>,
}

impl ServerBuilder {
    /// Adds a prompt. They are listed in the order in which they are added.
    ///
    /// ```
    /// use mcp_http::{Arguments, Context, HandlerError, Prompt, PromptArgument, Server};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Review { code: String }
    ///
    /// let server = Server::builder("reviewer", "1.0.0")
    ///     .prompt(
    ///         Prompt::new("code_review")
    ///             .with_description("Asks the model what could be better")
    ///             .with_argument(PromptArgument::required("code").with_description("The code")),
    ///         |arguments: Arguments, _cx: Context| async move {
    ///             let Review { code } = arguments.parse()?;
    ///             Ok::<_, HandlerError>(format!("Please review this code:\n{code}"))
    ///         },
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// The handler sees only arguments whose values are strings, and all that the prompt requires;
    /// what else it is given is up to it. A request that does not fit, or for a prompt that is not
    /// there, is answered with `-32602` and names the argument or the prompt (2026-07-28, Prompts,
    /// Error Handling).
    pub fn prompt(mut self, prompt: Prompt, handler: impl PromptHandler) -> Self {
        self.prompts.add(prompt, handler);
        self
    }

    /// Takes the prompts from a catalogue, in place of prompts that are added here: for prompts
    /// that depend on the caller, or that change while the server runs. See [`PromptCatalogue`]
    /// and [`PromptSet`](crate::PromptSet).
    pub fn prompt_catalogue(mut self, catalogue: impl PromptCatalogue) -> Self {
        self.prompts.catalogue = Some(Arc::new(catalogue));
        self
    }
}

impl PromptsBuilder {
    pub(super) fn add(&mut self, prompt: Prompt, handler: impl PromptHandler) {
        let (prompt, handler) = (Arc::new(prompt), Box::new(handler));
        self.prompts.push(RegisteredPrompt { prompt, handler });
    }

    /// Notes what cannot be built.
    #[cfg_attr(not(feature = "schemars"), expect(dead_code, reason = "for what is derived"))]
    pub(super) fn fail(&mut self, fault: BuildError) {
        self.fault.get_or_insert(fault);
    }

    pub(crate) fn build(self, page_size: PageSize) -> Result<Prompts, BuildError> {
        match (self.fault, self.catalogue) {
            (Some(fault), _) => Err(fault),
            (None, Some(_)) if !self.prompts.is_empty() => Err(BuildError::prompts_and_catalogue()),
            (None, Some(catalogue)) => Ok(Prompts::Catalogue(catalogue)),
            (None, None) if self.prompts.is_empty() => Ok(Prompts::None),
            (None, None) => PromptTable::new(self.prompts, page_size)
                .map(|it| Prompts::Registered(Box::new(it))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        Arguments, BoxFuture, Context, GetPromptResult, HandlerError, PromptPage, Server,
    };

    struct Empty;

    impl PromptCatalogue for Empty {
        fn list(
            self: Arc<Self>,
            _: Option<String>,
            _: Context,
        ) -> BoxFuture<'static, Result<PromptPage, HandlerError>> {
            Box::pin(async { Ok(PromptPage::default()) })
        }

        fn get(
            self: Arc<Self>,
            name: String,
            _: Arguments,
            _: Context,
        ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
            Box::pin(async { Err(HandlerError::unknown_prompt(name)) })
        }
    }

    async fn hello(_: Arguments, _: Context) -> Result<&'static str, HandlerError> {
        Ok("Hello")
    }

    /// 2026-07-28, Prompts, Capabilities: "Servers that support prompts MUST declare the `prompts`
    /// capability".
    #[test]
    fn the_capability_is_declared_where_there_are_prompts_or_may_be_some() {
        let declared = |builder: ServerBuilder| {
            let server = builder.build().unwrap();
            serde_json::to_value(server.capabilities()).unwrap().get("prompts").cloned()
        };
        let builder = || Server::builder("s", "1");
        assert_eq!(declared(builder()), None);
        let empty = Some(serde_json::json!({}));
        assert_eq!(declared(builder().prompt(Prompt::new("p"), hello)), empty);
        assert_eq!(declared(builder().prompt_catalogue(Empty)), empty);
    }

    #[test]
    fn what_cannot_be_built_is_refused_by_the_name_of_the_prompt() {
        let error = |builder: ServerBuilder| builder.build().unwrap_err().to_string();
        let one = || Server::builder("s", "1").prompt(Prompt::new("p"), hello);
        assert_eq!(error(one().prompt(Prompt::new("p"), hello)), "prompt `p`: registered twice");
        assert_eq!(
            error(one().prompt_catalogue(Empty)),
            "a server has prompts of its own or a catalogue of prompts, not both"
        );
        assert_eq!(error(one().prompt(Prompt::new(""), hello)), "prompt ``: its name is empty");
    }
}
