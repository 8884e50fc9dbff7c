//! `completion/complete`.

use super::request::{CompletionReference, CompletionRequest};
use super::result::Completion;
use super::table::{Known, known};
use crate::protocol::jsonrpc::RpcError;
use crate::server::context::Context;
use crate::server::dispatch::{Dispatched, Request};
use crate::server::outcome::{unknown_argument, unknown_prompt, unknown_template};
use crate::server::registry::Server;
use crate::server::reply::Reply;
use crate::server::running::Running;

impl Server {
    /// Begins to serve `completion/complete`. A server that completes nothing has no such method
    /// (2026-07-28, Completion, Error Handling: "Method not found: `-32601` (Capability not
    /// supported)"); what it does not have is invalid ("Invalid prompt name: `-32602`").
    pub(in crate::server) fn complete(
        &self,
        request: &Request<'_>,
        cx: Context,
    ) -> Result<Dispatched, RpcError> {
        if self.completions().is_none() {
            return Err(RpcError::method_not_found(request.method));
        }
        let request = CompletionRequest::read(request)?;
        let (reference, argument) = (request.reference(), request.argument());
        match known(reference, argument, self.prompts(), self.resources()) {
            Known::Both | Known::Maybe => {}
            Known::NoReference => return Err(unknown(reference)),
            Known::NoArgument => return Err(unknown_argument(argument)),
        }
        Ok(match self.completions().find(&request) {
            None => Dispatched::Ready(Ok(Reply::Completion(Completion::none()))),
            Some(completer) => Dispatched::Running(Running::list(cx, |cx| {
                let found = completer.complete(request, cx);
                Box::pin(async move { Ok(Reply::Completion(found.await?)) })
            })),
        })
    }
}

fn unknown(reference: &CompletionReference) -> RpcError {
    match reference {
        CompletionReference::Prompt(name) => unknown_prompt(name),
        CompletionReference::Resource(uri) => unknown_template(uri),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::version::ProtocolVersion;
    use crate::server::context::tests::{context, info};
    use crate::server::dispatch::tests::answer;
    use crate::server::{
        Arguments, Changes, HandlerError, Prompt, PromptArgument, PromptSet, ReadRequest, Resource,
        ResourceTemplate, ServerBuilder,
    };

    fn builder() -> ServerBuilder {
        let prompt = Prompt::new("review")
            .with_argument(PromptArgument::required("language"))
            .with_argument(PromptArgument::optional("framework"))
            .with_argument(PromptArgument::optional("note"));
        Server::builder("s", "1")
            .complete_prompt("review", "language", ["python", "rust"])
            .complete_prompt("review", "framework", framework)
            .prompt(prompt, |_: Arguments, _: Context| async { Ok::<_, HandlerError>("") })
    }

    async fn framework(
        request: CompletionRequest,
        _: Context,
    ) -> Result<Vec<&'static str>, HandlerError> {
        match request.resolved("language") {
            Some("python") => Ok(vec!["flask"]),
            Some(_) => Err(HandlerError::new("no such language")),
            None => Ok(vec![]),
        }
    }

    fn ask(builder: ServerBuilder, params: Value) -> Result<Value, RpcError> {
        let cx = context(info(ProtocolVersion::LATEST));
        let server = builder.build().unwrap();
        answer(&server, "completion/complete", params, &cx)
            .map(|result| result["completion"].clone())
    }

    fn resource(uri: &str, variable: &str, value: &str) -> Value {
        json!({
            "ref": {"type": "ref/resource", "uri": uri},
            "argument": {"name": variable, "value": value},
        })
    }

    fn prompt(name: &str, argument: &str, value: &str) -> Value {
        json!({
            "ref": {"type": "ref/prompt", "name": name},
            "argument": {"name": argument, "value": value},
        })
    }

    #[test]
    fn an_argument_is_completed_by_what_was_registered_for_it() {
        let found = |values: Value| {
            let total = values.as_array().unwrap().len();
            Ok(json!({"values": values, "total": total, "hasMore": false}))
        };
        assert_eq!(ask(builder(), prompt("review", "language", "py")), found(json!(["python"])));
        let mut params = prompt("review", "framework", "fla");
        assert_eq!(ask(builder(), params.clone()), found(json!([])));
        params["context"] = json!({"arguments": {"language": "python"}});
        assert_eq!(ask(builder(), params.clone()), found(json!(["flask"])));
        params["context"] = json!({"arguments": {"language": "cobol"}});
        assert_eq!(ask(builder(), params), Err(RpcError::internal("no such language")));
        // What nothing completes has no suggestions.
        assert_eq!(ask(builder(), prompt("review", "note", "x")), found(json!([])));
    }

    /// 2026-07-28 (and 2025-03-26, 2025-06-18, 2025-11-25), Completion, Error Handling: "Method not
    /// found: `-32601` (Capability not supported)", "Invalid prompt name: `-32602`".
    #[test]
    fn what_is_not_there_is_refused() {
        let refused = |params| ask(builder(), params).unwrap_err();
        let unknown = refused(prompt("greet", "language", ""));
        assert_eq!(unknown, RpcError::invalid_params("Unknown prompt: greet"));
        let no_argument = refused(prompt("review", "Language", ""));
        assert_eq!(no_argument, RpcError::invalid_params("`Language`: no such argument"));
        let unknown = RpcError::invalid_params("Unknown resource template: file:///{path}");
        assert_eq!(refused(resource("file:///{path}", "path", "")), unknown);
        let incapable = Server::builder("s", "1");
        let error = ask(incapable, prompt("review", "language", "")).unwrap_err();
        assert_eq!(error, RpcError::method_not_found("completion/complete"));
    }

    /// 2026-07-28, Completion, Reference Types: "References a resource URI or URI template".
    #[test]
    fn a_variable_of_a_template_is_completed() {
        let builder = || {
            Server::builder("s", "1")
                .resource_template(
                    ResourceTemplate::new("file:///{dir}/{+path}", "files"),
                    |_: ReadRequest, _: Context| async { Ok::<_, HandlerError>("") },
                )
                .static_resource(Resource::new("file:///readme", "readme"), "Read me")
                .complete_resource("file:///{dir}/{+path}", "dir", ["src", "tests"])
        };
        let files = "file:///{dir}/{+path}";
        let found = ask(builder(), resource(files, "dir", "s")).unwrap();
        assert_eq!(found["values"], json!(["src", "tests"]));
        let nothing = ask(builder(), resource(files, "path", "s")).unwrap();
        assert_eq!(nothing["values"], json!([]));
        for (uri, variable, told) in [
            (files, "+path", "`+path`: no such argument"),
            ("file:///readme", "dir", "`dir`: no such argument"),
            ("file:///src/{+path}", "path", "Unknown resource template: file:///src/{+path}"),
        ] {
            let refused = ask(builder(), resource(uri, variable, ""));
            assert_eq!(refused, Err(RpcError::invalid_params(told)));
        }
    }

    #[test]
    fn one_handler_completes_all_that_has_no_completer_of_its_own() {
        async fn tell(request: CompletionRequest, _: Context) -> Result<Completion, HandlerError> {
            Ok(Completion::from([format!("{}?", request.argument())]))
        }
        let values = |argument| {
            let found =
                ask(builder().complete_other(tell), prompt("review", argument, "")).unwrap();
            found["values"].clone()
        };
        assert_eq!(values("note"), json!(["note?"]));
        assert_eq!(values("language"), json!(["python", "rust"]));
        // It is asked of prompts that come and go, since nobody else knows them.
        let set = PromptSet::new(&Changes::new());
        let catalogue = Server::builder("s", "1").prompt_catalogue(set).complete_other(tell);
        let found = ask(catalogue, prompt("any", "thing", "")).unwrap();
        assert_eq!(found["values"], json!(["thing?"]));
        // What is known not to be there does not reach it.
        let unknown = ask(builder().complete_other(tell), prompt("greet", "language", ""));
        assert_eq!(unknown, Err(RpcError::invalid_params("Unknown prompt: greet")));
    }
}
