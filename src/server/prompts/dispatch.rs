//! `prompts/list` and `prompts/get`.

use std::borrow::Cow;
use std::sync::Arc;

use super::catalogue::PromptPage;
use super::table::Prompts;
use crate::protocol::jsonrpc::RpcError;
use crate::server::arguments::Arguments;
use crate::server::context::Context;
use crate::server::dispatch::{Dispatched, Request};
use crate::server::outcome::unknown_prompt;
use crate::server::page::ListPage;
use crate::server::registry::Server;
use crate::server::reply::Reply;
use crate::server::running::Running;

impl Server {
    /// Begins to serve `prompts/list`.
    pub(in crate::server) fn list_prompts(
        &self,
        request: &Request<'_>,
        cx: Context,
    ) -> Result<Dispatched, RpcError> {
        let hint = self.cache_hint();
        match self.prompts() {
            Prompts::None => Err(RpcError::method_not_found(request.method)),
            Prompts::Registered(table) => request.page(&table.list, hint, &cx),
            Prompts::Catalogue(catalogue) => {
                let catalogue = Arc::clone(catalogue);
                let cursor = request.cursor()?.map(Cow::into_owned);
                Ok(Dispatched::Running(Running::list(cx, |cx| {
                    let (version, page) = (cx.protocol_version(), catalogue.list(cursor, cx));
                    Box::pin(async move {
                        let PromptPage { prompts, next_cursor } = page.await?;
                        let prompts = prompts.iter().map(|prompt| &**prompt);
                        let page = ListPage::new(prompts, next_cursor, version, hint);
                        Ok(Reply::List(Box::new(page)))
                    })
                })))
            }
        }
    }

    /// Begins to serve `prompts/get`, which may ask the client (2026-07-28, Multi Round-Trip
    /// Requests, Supported Requests), so that its handler may have to run several times.
    pub(in crate::server) fn get_prompt(
        &self,
        request: &Request<'_>,
        cx: Context,
    ) -> Result<Dispatched, RpcError> {
        if self.prompts().is_none() {
            return Err(RpcError::method_not_found(request.method));
        }
        let name = request.text("name", "the prompt's name")?;
        let running = match self.prompts() {
            Prompts::None => return Err(unknown_prompt(&name)),
            Prompts::Registered(table) => {
                let found = Arc::clone(table.get(&name).ok_or_else(|| unknown_prompt(&name))?);
                let arguments = request.arguments()?;
                found.check(&arguments)?;
                Running::request(cx, move |cx| {
                    let messages = found.handler.get(arguments.clone(), cx);
                    Box::pin(async move { Ok(Reply::GetPrompt(Box::new(messages.await?))) })
                })
            }
            Prompts::Catalogue(catalogue) => {
                let (catalogue, name) = (Arc::clone(catalogue), name.into_owned());
                let arguments = texts(request)?;
                Running::request(cx, move |cx| {
                    let catalogue = Arc::clone(&catalogue);
                    let messages = catalogue.get(name.clone(), arguments.clone(), cx);
                    Box::pin(async move { Ok(Reply::GetPrompt(Box::new(messages.await?))) })
                })
            }
        };
        Ok(Dispatched::Running(running))
    }
}

/// The arguments of a request, whose values are strings by the schema (2026-07-28, Prompts,
/// Implementation Considerations: "Servers SHOULD validate prompt arguments before processing").
fn texts(request: &Request<'_>) -> Result<Arguments, RpcError> {
    let arguments = request.arguments()?;
    arguments.texts()?;
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::version::ProtocolVersion;
    use crate::server::ask::{Answer, Asking};
    use crate::server::context::CallInfo;
    use crate::server::context::tests::{context, info, raw};
    use crate::server::dispatch::tests::{answer, dispatch};
    use crate::server::reply::CacheScope;
    use crate::server::{
        BoxFuture, GetPromptResult, HandlerError, Prompt, PromptArgument, PromptCatalogue,
        PromptMessage, PromptPage, ServerBuilder,
    };

    /// Says what it was given.
    async fn echo(arguments: Arguments, _: Context) -> Result<String, HandlerError> {
        Ok(arguments.raw().to_owned())
    }

    fn greet() -> Prompt {
        Prompt::new("greet")
            .with_argument(PromptArgument::required("whom"))
            .with_argument(PromptArgument::optional("how"))
    }

    fn builder() -> ServerBuilder {
        Server::builder("s", "1").prompt(greet(), echo).prompt(Prompt::new("bare"), echo)
    }

    fn ask(server: &Server, method: &str, params: Value) -> Result<Value, RpcError> {
        answer(server, method, params, &context(info(ProtocolVersion::LATEST)))
    }

    fn get(params: Value) -> Result<Value, RpcError> {
        ask(&builder().build().unwrap(), "prompts/get", params)
    }

    fn said(text: &str) -> Result<Value, RpcError> {
        let content = json!({"type": "text", "text": text});
        Ok(json!({"messages": [{"role": "user", "content": content}]}))
    }

    #[test]
    fn a_prompt_is_made_from_its_arguments_as_they_came() {
        let arguments = json!({"whom": "Ada", "more": "x"});
        let params = json!({"name": "greet", "arguments": arguments});
        assert_eq!(get(params), said(&arguments.to_string()));
        assert_eq!(get(json!({"name": "bare"})), said("{}"));
        assert_eq!(get(json!({"name": "bare", "arguments": null})), said("{}"));
    }

    /// 2026-07-28 (and 2025-03-26, 2025-06-18, 2025-11-25), Prompts, Error Handling: "Invalid
    /// prompt name: `-32602`", "Missing required arguments: `-32602`"; Implementation
    /// Considerations: "Servers SHOULD validate prompt arguments before processing".
    #[test]
    fn what_does_not_fit_is_invalid_and_named_before_the_handler_runs() {
        let refused = |params| Err(RpcError::invalid_params(params));
        assert_eq!(get(json!({"name": "Greet"})), refused("Unknown prompt: Greet"));
        assert_eq!(get(json!({})), refused("`name` must be a string: the prompt's name"));
        let with = |arguments: Value| get(json!({"name": "greet", "arguments": arguments}));
        let missing = "`whom`: missing required argument";
        assert_eq!(get(json!({"name": "greet"})), refused(missing));
        assert_eq!(with(json!({"how": "warmly"})), refused(missing));
        for value in [json!(1), json!(null), json!({}), json!(["x"]), json!(true)] {
            let arguments = json!({"whom": "Ada", "how": value});
            assert_eq!(with(arguments), refused("`how`: must be a string"));
        }
        for arguments in [json!([]), json!("x"), json!(7)] {
            assert_eq!(with(arguments), refused("`arguments` must be an object"));
        }
    }

    #[test]
    fn a_failure_of_the_handler_is_an_internal_error() {
        let server = Server::builder("s", "1")
            .prompt(Prompt::new("fails"), |_: Arguments, _: Context| async {
                Err::<String, _>(HandlerError::new("no paper"))
            })
            .prompt(Prompt::new("picky"), |_: Arguments, _: Context| async {
                Err::<String, _>(HandlerError::invalid_argument("code", "is too long"))
            })
            .prompt(Prompt::new("panics"), |_: Arguments, _: Context| async {
                if std::hint::black_box(true) {
                    panic!("as told");
                }
                Ok::<_, HandlerError>("")
            })
            .build()
            .unwrap();
        let get = |name: &str| ask(&server, "prompts/get", json!({ "name": name }));
        assert_eq!(get("fails"), Err(RpcError::internal("no paper")));
        assert_eq!(get("picky"), Err(RpcError::invalid_params("`code`: is too long")));
        assert_eq!(get("panics"), Err(RpcError::internal("the handler panicked")));
    }

    #[test]
    fn the_list_has_the_prompts_in_the_order_of_registration_and_can_be_cached() {
        let ttl = std::time::Duration::from_secs(5);
        let server = builder().cache(ttl, CacheScope::Public).build().unwrap();
        let greet = json!({
            "name": "greet", "arguments": [{"name": "whom", "required": true}, {"name": "how"}],
        });
        let list = ask(&server, "prompts/list", json!({}));
        assert_eq!(list, Ok(json!({"prompts": [greet, {"name": "bare"}]})));
        let cx = context(info(ProtocolVersion::LATEST));
        let Dispatched::Ready(Ok(reply)) = dispatch(&server, "prompts/list", json!({}), &cx) else {
            panic!("it is written")
        };
        let hint = reply.cache_hint().unwrap();
        assert_eq!((hint.ttl_ms, hint.scope), (5_000, CacheScope::Public));
        // 2026-07-28, Pagination, Error Handling: invalid cursors SHOULD be `-32602`.
        let invalid = ask(&server, "prompts/list", json!({"cursor": "x"}));
        assert_eq!(invalid, Err(RpcError::invalid_params("Invalid cursor")));
    }

    #[test]
    fn a_server_without_prompts_has_no_such_methods() {
        let server = Server::builder("s", "1").build().unwrap();
        for method in ["prompts/list", "prompts/get"] {
            let error = ask(&server, method, json!({"name": "greet"})).unwrap_err();
            assert_eq!(error, RpcError::method_not_found(method));
        }
    }

    /// Tells what it was asked.
    struct Telling;

    impl PromptCatalogue for Telling {
        fn list(
            self: Arc<Self>,
            cursor: Option<String>,
            _: Context,
        ) -> BoxFuture<'static, Result<PromptPage, HandlerError>> {
            let name = cursor.unwrap_or_else(|| "first".to_owned());
            let page = PromptPage::new([Arc::new(Prompt::new(name))]).with_next_cursor("next");
            Box::pin(async move { Ok(page) })
        }

        fn get(
            self: Arc<Self>,
            name: String,
            arguments: Arguments,
            _: Context,
        ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
            Box::pin(async move {
                match name.as_str() {
                    "own" => Ok(GetPromptResult::new([PromptMessage::user(arguments.raw())])),
                    _ => Err(HandlerError::unknown_prompt(name)),
                }
            })
        }
    }

    #[test]
    fn a_catalogue_has_pages_and_prompts_of_its_own() {
        let server = Server::builder("s", "1").prompt_catalogue(Telling).build().unwrap();
        let list = |params| ask(&server, "prompts/list", params);
        let page = |name: &str| Ok(json!({"prompts": [{"name": name}], "nextCursor": "next"}));
        assert_eq!(list(json!({})), page("first"));
        assert_eq!(list(json!({"cursor": "second"})), page("second"));
        let get = |name: &str, arguments: Value| {
            ask(&server, "prompts/get", json!({"name": name, "arguments": arguments}))
        };
        assert_eq!(get("own", json!({"a": "b"})), said(r#"{"a":"b"}"#));
        let unknown = RpcError::invalid_params("Unknown prompt: other");
        assert_eq!(get("other", json!({})), Err(unknown));
        let no_string = RpcError::invalid_params("`a`: must be a string");
        assert_eq!(get("own", json!({"a": 1})), Err(no_string));
    }

    /// 2026-07-28, Prompts, Getting a Prompt: "Servers MAY also respond to `prompts/get` with an
    /// `InputRequiredResult`"; DESIGN, decision 14: one handler serves both eras.
    #[test]
    fn a_prompt_may_ask_its_client_and_runs_anew_with_the_answer() {
        use futures::FutureExt;
        let server = Server::builder("s", "1")
            .prompt(greet(), |arguments: Arguments, cx: Context| async move {
                let roots = cx.list_roots("roots")?.len();
                Ok::<_, HandlerError>(format!("{roots} {}", arguments.raw()))
            })
            .build()
            .unwrap();
        for asking in [Asking::Meanwhile, Asking::ByResult] {
            let client_capabilities = Some(raw(json!({"roots": {}})));
            let latest = info(ProtocolVersion::LATEST);
            let cx = context(CallInfo { asking, client_capabilities, ..latest });
            let params = json!({"name": "greet", "arguments": {"whom": "Ada"}});
            let Dispatched::Running(mut running) = dispatch(&server, "prompts/get", params, &cx)
            else {
                panic!("a handler runs")
            };
            let asked = (&mut running).now_or_never();
            if asking == Asking::ByResult {
                assert!(matches!(asked, Some(Ok(Reply::InputRequired(asked))) if asked.len() == 1));
                continue;
            }
            assert!(asked.is_none() && running.take_questions().is_some());
            cx.inputs().answer("roots", Answer::Result(raw(json!({"roots": []})))).unwrap();
            cx.wake_handler();
            let reply = running.now_or_never().unwrap().unwrap();
            let text = r#"0 {"whom":"Ada"}"#;
            let expected = GetPromptResult::new([PromptMessage::user(text)]);
            assert_eq!(reply, Reply::GetPrompt(Box::new(expected)));
        }
    }
}
