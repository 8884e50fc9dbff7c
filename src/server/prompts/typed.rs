//! Typed prompts: the arguments of a prompt from the type of its handler.

mod schema;
mod texts;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::prompt::Prompt;
use super::result::IntoPromptResult;
use crate::server::arguments::Arguments;
use crate::server::builder::ServerBuilder;
use crate::server::context::Context;
use crate::server::handler_error::HandlerError;
use schema::{Derived, derive};

impl ServerBuilder {
    /// Adds a prompt whose arguments are read as a type, from which they are derived: their names
    /// and order, which of them are required, and what they mean, by the doc comments of the
    /// fields.
    ///
    /// ```
    /// use mcp_http::{Context, HandlerError, PromptMessage, Server};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Review {
    ///     /// The code to review
    ///     code: String,
    ///     /// How strict to be
    ///     strictness: Option<Strictness>,
    ///     /// At most so many remarks
    ///     limit: Option<u8>,
    /// }
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema, Debug)]
    /// #[serde(rename_all = "lowercase")]
    /// enum Strictness { Lenient, Pedantic }
    ///
    /// let server = Server::builder("reviewer", "1.0.0")
    ///     .typed_prompt("code_review", "Asks for a review", |args: Review, _cx: Context| async move {
    ///         let strictness = args.strictness.unwrap_or(Strictness::Lenient);
    ///         Ok::<_, HandlerError>(PromptMessage::user(format!(
    ///             "Review this code and be {strictness:?}:\n{}", args.code
    ///         )))
    ///     })
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// Clients send strings alone. So a field can be what a string is or is written as: a
    /// `String`, a `char`, an enum without data, a number or a `bool`; and an `Option` of these,
    /// or one with a default, which makes it optional. Building the server fails for any other,
    /// and names it. With `#[serde(flatten)]` there can be no numbers and no `bool`s.
    ///
    /// What does not fit never reaches the handler, and is answered with `-32602`. The variants of
    /// an enum are [completed](Self::complete_prompt) unless something else completes the argument.
    pub fn typed_prompt<F, A, Fut, R, E>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        handler: F,
    ) -> Self
    where
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        A: DeserializeOwned + JsonSchema + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: IntoPromptResult + 'static,
        E: Into<HandlerError> + 'static,
    {
        self.typed_prompt_with(Prompt::new(name).with_description(description), handler)
    }

    /// Adds a typed prompt with more to say about it. The arguments are derived unless it has
    /// some.
    ///
    /// ```
    /// use mcp_http::{Context, HandlerError, Prompt, Server};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Review { code: String }
    ///
    /// let server = Server::builder("reviewer", "1.0.0")
    ///     .typed_prompt_with(
    ///         Prompt::new("code_review").with_title("Request a code review"),
    ///         |args: Review, _cx: Context| async move {
    ///             Ok::<_, HandlerError>(format!("Review this code:\n{}", args.code))
    ///         },
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn typed_prompt_with<F, A, Fut, R, E>(mut self, prompt: Prompt, handler: F) -> Self
    where
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        A: DeserializeOwned + JsonSchema + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: IntoPromptResult + 'static,
        E: Into<HandlerError> + 'static,
    {
        let prompt = match derive::<A>(prompt.name()) {
            Ok(derived) => self.take_derived(prompt, derived),
            Err(fault) => {
                self.prompts.fail(fault);
                prompt
            }
        };
        self.prompt(prompt, move |arguments: Arguments, cx: Context| {
            let future = texts::read::<A>(&arguments).map(|arguments| handler(arguments, cx));
            async move { future?.await.map_err(Into::into) }
        })
    }

    fn take_derived(&mut self, prompt: Prompt, derived: Vec<Derived>) -> Prompt {
        let given = !prompt.arguments().is_empty();
        derived.into_iter().fold(prompt, |prompt, Derived { argument, values }| {
            if !values.is_empty() && (!given || prompt.takes(argument.name())) {
                self.completions.derive(prompt.name(), argument.name(), values);
            }
            if given { prompt } else { prompt.with_argument(argument) }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::jsonrpc::RpcError;
    use crate::protocol::version::ProtocolVersion;
    use crate::server::PromptArgument;
    use crate::server::Server;
    use crate::server::context::tests::{context, info};
    use crate::server::dispatch::tests::answer;

    #[derive(Deserialize, JsonSchema)]
    struct Review {
        /// The code to review
        code: String,
        #[schemars(title = "How strict")]
        strictness: Option<Strictness>,
        #[serde(default)]
        at_most: u8,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Strictness {
        Lenient,
        Pedantic,
    }

    fn builder() -> ServerBuilder {
        Server::builder("s", "1").typed_prompt(
            "review",
            "Reviews",
            |review: Review, _| async move {
                let Review { code, strictness, at_most } = review;
                Ok::<_, HandlerError>(format!("{code:?} {strictness:?} {at_most}"))
            },
        )
    }

    fn ask(builder: ServerBuilder, method: &str, params: Value) -> Result<Value, RpcError> {
        let cx = context(info(ProtocolVersion::LATEST));
        answer(&builder.build().unwrap(), method, params, &cx)
    }

    #[test]
    fn the_arguments_are_the_fields_in_their_order() {
        let list = ask(builder(), "prompts/list", json!({})).unwrap();
        assert_eq!(
            list["prompts"],
            json!([{
                "name": "review",
                "description": "Reviews",
                "arguments": [
                    {"name": "code", "description": "The code to review", "required": true},
                    {"name": "strictness", "title": "How strict"},
                    {"name": "at_most"},
                ],
            }])
        );
    }

    #[test]
    fn arguments_that_are_given_are_kept() {
        let prompt = Prompt::new("p").with_argument(PromptArgument::optional("code"));
        let builder = Server::builder("s", "1")
            .typed_prompt_with(prompt, |_: Review, _| async { Ok::<_, HandlerError>("") });
        let list = ask(builder, "prompts/list", json!({})).unwrap();
        assert_eq!(list["prompts"], json!([{"name": "p", "arguments": [{"name": "code"}]}]));
    }

    #[test]
    fn what_fits_reaches_the_handler_and_what_does_not_is_named() {
        let get = |arguments: Value| {
            let params = json!({"name": "review", "arguments": arguments});
            ask(builder(), "prompts/get", params)
                .map(|result| result["messages"][0]["content"]["text"].clone())
        };
        assert_eq!(
            get(json!({"code": "x", "strictness": "pedantic", "at_most": "7"})),
            Ok(json!(r#""x" Some(Pedantic) 7"#))
        );
        assert_eq!(get(json!({"code": ""})), Ok(json!(r#""" None 0"#)));
        for (name, value, told) in [
            ("at_most", "300", "`at_most`: invalid value: string \"300\", expected u8"),
            (
                "strictness",
                "harsh",
                "`strictness`: unknown variant `harsh`, expected `lenient` or `pedantic`",
            ),
        ] {
            assert_eq!(get(json!({"code": "", name: value})), Err(RpcError::invalid_params(told)));
        }
        let missing = get(json!({"at_most": "1"}));
        assert_eq!(missing, Err(RpcError::invalid_params("`code`: missing required argument")));
    }

    #[test]
    fn variants_are_completed_unless_something_else_completes_the_argument() {
        let complete = |builder: ServerBuilder, argument: &str| {
            let params = json!({
                "ref": {"type": "ref/prompt", "name": "review"},
                "argument": {"name": argument, "value": ""},
            });
            ask(builder, "completion/complete", params).unwrap()["completion"]["values"].clone()
        };
        assert_eq!(complete(builder(), "strictness"), json!(["lenient", "pedantic"]));
        assert_eq!(complete(builder(), "code"), json!([]));
        let given = || builder().complete_prompt("review", "strictness", ["mild"]);
        assert_eq!(complete(given(), "strictness"), json!(["mild"]));
        // It is not derived for an argument that the prompt does not list.
        let prompt = Prompt::new("review").with_argument(PromptArgument::optional("code"));
        let unlisted = Server::builder("s", "1")
            .typed_prompt_with(prompt, |_: Review, _| async { Ok::<_, HandlerError>("") });
        assert!(unlisted.build().unwrap().completions().is_none());
    }

    #[test]
    fn what_no_string_can_be_is_refused_by_its_name() {
        #[derive(Deserialize, JsonSchema)]
        struct Tags {
            #[expect(dead_code, reason = "only its schema counts")]
            tags: Vec<String>,
        }
        let error = Server::builder("s", "1")
            .typed_prompt("p", "", |_: Tags, _| async { Ok::<_, HandlerError>("") })
            .build()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "prompt `p`: argument `tags` cannot be written as a string: it must be a string, an \
             enum without data, a number or a bool"
        );
    }
}
