//! Dispatch: from a request that the door let in to the handler that serves it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::arguments::Arguments;
use super::catalogue::ToolPage;
use super::context::Context;
use super::handler_error::HandlerError;
use super::outcome::{request_error, unknown_tool};
use super::page::{ListPage, WrittenList};
use super::raw::RawJson;
use super::registry::{Server, Tools};
use super::reply::{CacheHint, Reply};
use super::revision::Revision;
use super::running::{Running, Target};
use super::tasks::{EXTENSION, Need};
use super::tool::Tool;
use crate::protocol::jsonrpc::{Params, Raw, RpcError};

/// A request, its params raw.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a Params<'a>,
    /// The body that the params borrow from; arguments share it.
    pub(crate) body: &'a Bytes,
}

/// What became of a request.
pub(crate) enum Dispatched {
    /// It is answered already.
    Ready(Result<Reply, RpcError>),
    /// A handler runs.
    Running(Running),
}

impl Server {
    /// Begins to serve a request: the table of what a server can be asked. A method that it has
    /// nothing for is not found; the methods that belong to an era are its own business.
    pub(crate) fn dispatch(&self, request: &Request<'_>, cx: Context) -> Dispatched {
        let dispatched = match request.method {
            "tools/call" => self.call_tool(request, cx),
            "tools/list" => self.list_tools(request, cx),
            "resources/list" | "resources/read" | "resources/templates/list" => {
                self.resources().dispatch(request, cx)
            }
            "prompts/list" => self.list_prompts(request, cx),
            "prompts/get" => self.get_prompt(request, cx),
            "completion/complete" => self.complete(request, cx),
            method => Err(RpcError::method_not_found(method)),
        };
        dispatched.unwrap_or_else(|error| Dispatched::Ready(Err(error)))
    }

    fn list_tools(&self, request: &Request<'_>, cx: Context) -> Result<Dispatched, RpcError> {
        let hint = self.cache_hint();
        match self.tool_source() {
            Tools::None => Err(RpcError::method_not_found(request.method)),
            Tools::Registered(tools) => request.page(tools.list(), hint, &cx),
            Tools::Catalogue(catalogue) => {
                let catalogue = Arc::clone(catalogue);
                let cursor = request.cursor()?.map(Cow::into_owned);
                Ok(Dispatched::Running(Running::list(cx, |cx| {
                    let (version, page) = (cx.protocol_version(), catalogue.list(cursor, cx));
                    Box::pin(async move {
                        let ToolPage { tools, next_cursor } = page.await?;
                        let tools = tools.iter().map(|tool| &**tool);
                        let page = ListPage::new(tools, next_cursor, version, hint);
                        Ok(Reply::List(Box::new(page)))
                    })
                })))
            }
        }
    }

    fn call_tool(&self, request: &Request<'_>, cx: Context) -> Result<Dispatched, RpcError> {
        let tools = self.tool_source();
        if let Tools::None = tools {
            return Err(RpcError::method_not_found(request.method));
        }
        let name = request.text("name", "the tool's name")?;
        let target = match tools {
            Tools::Catalogue(catalogue) => {
                Target::Catalogue(Arc::clone(catalogue), name.into_owned())
            }
            Tools::None => return Err(unknown_tool(&name)),
            Tools::Registered(table) => {
                let index = table.find(&name).ok_or_else(|| unknown_tool(&name))?;
                self.plan_task(&self.registered(index).tool, &cx)?;
                Target::Registered(self.clone(), index)
            }
        };
        Ok(Dispatched::Running(Running::call(target, request.arguments()?, cx)))
    }
}

impl Server {
    /// Whether a call of this tool may become a task: noted in the call's context (ext-tasks,
    /// Capability Negotiation: "A server MUST NOT return `CreateTaskResult` to a client that did not
    /// include the extension capability on its request").
    ///
    /// # Errors
    ///
    /// If it must, and its client does not know tasks: "the server MUST return an error with the
    /// code `-32021`".
    pub(crate) fn plan_task(&self, tool: &Tool, cx: &Context) -> Result<(), RpcError> {
        let Some(support) = tool.task_support().filter(|_| self.tasks().is_some()) else {
            return Ok(());
        };
        let version = cx.protocol_version();
        if version.knows_tasks() && cx.client_capabilities().extension(EXTENSION).is_some() {
            cx.plan_task(support.plan());
            return Ok(());
        }
        match support.need() {
            Need::Allowed => Ok(()),
            Need::Required => {
                let required = [("extensions", json!({ EXTENSION: {} }))];
                Err(request_error(HandlerError::missing_client_capabilities(required), version))
            }
        }
    }
}

impl<'a> Request<'a> {
    /// A member that must be there and be a string; `what` says what it is.
    pub(super) fn text(&self, member: &str, what: &str) -> Result<Cow<'a, str>, RpcError> {
        let text = self.params.get_str(member);
        text.ok_or_else(|| RpcError::invalid_params(format!("`{member}` must be a string: {what}")))
    }

    /// An absent cursor asks for the first page; so does `null`, which some clients write for it.
    pub(super) fn cursor(&self) -> Result<Option<Cow<'a, str>>, RpcError> {
        let cursor = self.params.get("cursor").filter(|raw| !raw.is_null());
        match cursor.map(Raw::string) {
            None => Ok(None),
            Some(Some(cursor)) => Ok(Some(cursor)),
            Some(None) => Err(RpcError::invalid_params("`cursor` must be a string")),
        }
    }

    /// A page of a list that was registered.
    pub(super) fn page(
        &self,
        list: &WrittenList,
        hint: CacheHint,
        cx: &Context,
    ) -> Result<Dispatched, RpcError> {
        let page = list.page(self.cursor()?.as_deref(), cx.protocol_version(), hint)?;
        Ok(Dispatched::Ready(Ok(Reply::List(Box::new(page)))))
    }

    /// Absent arguments are none; so is `null`, which some clients write for it.
    pub(super) fn arguments(&self) -> Result<Arguments, RpcError> {
        match self.params.get("arguments").filter(|raw| !raw.is_null()) {
            None => Ok(Arguments::empty()),
            Some(raw) => Arguments::from_raw(RawJson::slice(self.body, raw))
                .ok_or_else(|| RpcError::invalid_params("`arguments` must be an object")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::task::Poll;

    use futures::FutureExt;
    use futures::task::noop_waker;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;
    use crate::protocol::jsonrpc::ErrorCode;
    use crate::protocol::version::ProtocolVersion;
    use crate::server::context::CallInfo;
    use crate::server::context::tests::{context, info, raw, said};
    use crate::server::reply::tests::members;
    use crate::server::{
        BoxFuture, CallToolResult, Changes, FoundTool, Tool, ToolAnnotations, ToolCatalogue,
        ToolError,
    };

    /// Dispatches a request whose params are these.
    pub(crate) fn dispatch(
        server: &Server,
        method: &str,
        params: Value,
        cx: &Context,
    ) -> Dispatched {
        let body = Bytes::from(params.to_string());
        let raw: std::collections::BTreeMap<&str, &RawValue> =
            serde_json::from_slice(&body).unwrap();
        let params = Params::new(raw.into_iter().collect());
        server.dispatch(&Request { method, params: &params, body: &body }, cx.clone())
    }

    /// The answer to a request whose handler never waits.
    pub(crate) fn answer(
        server: &Server,
        method: &str,
        params: Value,
        cx: &Context,
    ) -> Result<Value, RpcError> {
        let reply = match dispatch(server, method, params, cx) {
            Dispatched::Ready(reply) => reply,
            Dispatched::Running(running) => running.now_or_never().expect("it does not wait"),
        };
        reply.map(|reply| members(&reply, cx.protocol_version()))
    }

    fn latest() -> Context {
        context(info(ProtocolVersion::LATEST))
    }

    fn call(server: &Server, params: Value) -> Result<Value, RpcError> {
        answer(server, "tools/call", params, &latest())
    }

    fn text(text: &str) -> Result<Value, RpcError> {
        Ok(json!({"content": [{"type": "text", "text": text}]}))
    }

    async fn echo(arguments: Arguments, _: Context) -> Result<String, ToolError> {
        Ok(arguments.raw().to_owned())
    }

    fn echo_server() -> Server {
        Server::builder("s", "1").tool(Tool::new("echo"), echo).build().unwrap()
    }

    #[test]
    fn a_call_reaches_its_handler_with_its_arguments_as_they_came() {
        let server = echo_server();
        assert_eq!(
            call(&server, json!({"name": "echo", "arguments": {"a": [1]}})),
            text(r#"{"a":[1]}"#)
        );
        assert_eq!(call(&server, json!({"name": "echo"})), text("{}"));
        assert_eq!(call(&server, json!({"name": "echo", "arguments": null})), text("{}"));
    }

    #[test]
    fn arguments_share_the_body() {
        let body = Bytes::from_static(br#"{"x":1}"#);
        let params = Params::new(vec![("arguments", serde_json::from_slice(&body).unwrap())]);
        let arguments = Request { method: "", params: &params, body: &body }.arguments().unwrap();
        assert_eq!(arguments.raw().as_ptr(), body.as_ptr());
    }

    /// 2026-07-28, Tools, Error Handling: unknown tools and requests that do not satisfy the
    /// schema are protocol errors, `-32602`.
    #[test]
    fn a_call_that_is_malformed_or_of_no_tool_is_invalid() {
        let server = echo_server();
        let refused = |params| {
            let error = call(&server, params).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams);
            error.message
        };
        assert_eq!(refused(json!({"name": "x"})), "Unknown tool: x");
        assert_eq!(refused(json!({"name": "ECHO"})), "Unknown tool: ECHO");
        for params in [json!({}), json!({"name": 1}), json!({"name": null})] {
            assert_eq!(refused(params), "`name` must be a string: the tool's name");
        }
        for arguments in [json!([]), json!("{}"), json!(1)] {
            let params = json!({"name": "echo", "arguments": arguments});
            assert_eq!(refused(params), "`arguments` must be an object");
        }
    }

    #[test]
    fn a_method_that_the_server_has_nothing_for_is_not_found() {
        let empty = Server::builder("s", "1").build().unwrap();
        for (server, method) in [
            (&empty, "tools/list"),
            (&empty, "tools/call"),
            (&echo_server(), "prompts/list"),
            (&echo_server(), "tools/List"),
        ] {
            let error = answer(server, method, json!({}), &latest()).unwrap_err();
            assert_eq!(error.code, ErrorCode::MethodNotFound, "{method}");
        }
    }

    #[test]
    fn the_list_is_written_for_the_revision_in_the_order_of_registration() {
        let hints = ToolAnnotations::new().with_read_only(true);
        let server = Server::builder("s", "1")
            .tool(Tool::new("z").with_title("Z"), echo)
            .tool(Tool::new("a").with_annotations(hints), echo)
            .build()
            .unwrap();
        let list = |version| answer(&server, "tools/list", json!({}), &context(info(version)));
        let schema = json!({"type": "object"});
        assert_eq!(
            list(ProtocolVersion::LATEST).unwrap(),
            json!({"tools": [
                {"name": "z", "title": "Z", "inputSchema": &schema},
                {"name": "a", "annotations": {"readOnlyHint": true}, "inputSchema": &schema},
            ]})
        );
        assert_eq!(
            list(ProtocolVersion::V2025_03_26).unwrap()["tools"][0],
            json!({"name": "z", "inputSchema": &schema})
        );
    }

    /// 2026-07-28, Pagination, Error Handling: invalid cursors SHOULD be `-32602`.
    #[test]
    fn a_cursor_that_the_server_never_gave_is_invalid() {
        let server = echo_server();
        let list = |cursor| answer(&server, "tools/list", json!({ "cursor": cursor }), &latest());
        assert!(list(Value::Null).is_ok());
        assert_eq!(list(json!("")), Err(RpcError::invalid_params("Invalid cursor")));
        assert_eq!(list(json!(1)), Err(RpcError::invalid_params("`cursor` must be a string")));
    }

    /// DESIGN, decision 13: a handler's panic is a -32603 answer, and the process lives.
    #[test]
    fn a_panic_is_an_internal_error_wherever_it_happens() {
        fn at_once(_: Arguments, _: Context) -> BoxFuture<'static, Result<(), ToolError>> {
            panic!("at once")
        }
        async fn later(_: Arguments, _: Context) -> Result<(), ToolError> {
            panic!("later")
        }
        #[derive(Debug)]
        struct Unspeakable;
        impl std::fmt::Display for Unspeakable {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("in Display")
            }
        }
        impl std::error::Error for Unspeakable {}
        let server = Server::builder("s", "1")
            .tool(Tool::new("at-once"), at_once)
            .tool(Tool::new("later"), later)
            .tool(Tool::new("display"), |_: Arguments, _: Context| async {
                Err::<(), _>(Unspeakable)
            })
            .build()
            .unwrap();
        for name in ["at-once", "later", "display"] {
            let error = call(&server, json!({ "name": name })).unwrap_err();
            assert_eq!(error, RpcError::internal("the handler panicked"), "{name}");
        }
    }

    #[test]
    fn a_panic_while_the_future_is_dropped_changes_no_answer_and_does_not_pass() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped")
            }
        }
        struct Explosive;
        impl crate::server::ToolHandler for Explosive {
            fn call(&self, _: Arguments, _: Context) -> Answer<CallToolResult> {
                let bomb = Bomb;
                Box::pin(std::future::poll_fn(move |_| {
                    let _ = &bomb;
                    Poll::Ready(Ok(CallToolResult::text("done")))
                }))
            }
        }
        let server = Server::builder("s", "1").tool(Tool::new("bomb"), Explosive).build().unwrap();
        assert_eq!(call(&server, json!({"name": "bomb"})), text("done"));
        drop(dispatch(&server, "tools/call", json!({"name": "bomb"}), &latest()));
    }

    /// 2026-07-28, Progress: "Progress notifications MUST stop after completion".
    #[test]
    fn nothing_is_said_after_the_end_and_what_was_said_before_can_be_taken() {
        let server = Server::builder("s", "1")
            .tool(Tool::new("t"), |_: Arguments, cx: Context| async move {
                cx.progress(1.0, None, "");
                Ok::<_, ToolError>(())
            })
            .build()
            .unwrap();
        let token = Some(raw(json!(7)));
        let cx = context(CallInfo { progress_token: token, ..info(ProtocolVersion::LATEST) });
        answer(&server, "tools/call", json!({"name": "t"}), &cx).unwrap();
        cx.progress(2.0, None, "");
        assert_eq!(cx.outbox().discarded(), 1);
        assert_eq!(said(&cx), [json!({"progressToken": 7, "progress": 1})]);
        assert_eq!(cx.outbox().poll_next(&noop_waker()), Poll::Ready(None));
    }

    #[test]
    fn a_handler_that_waits_is_polled_on() {
        let server = Server::builder("s", "1")
            .tool(Tool::new("t"), |_: Arguments, cx: Context| async move {
                cx.cancelled().await;
                Err::<(), _>(ToolError::new("cancelled"))
            })
            .build()
            .unwrap();
        let cx = latest();
        let dispatched = dispatch(&server, "tools/call", json!({"name": "t"}), &cx);
        let Dispatched::Running(mut running) = dispatched else { panic!("it waits") };
        assert!((&mut running).now_or_never().is_none());
        cx.cancel();
        let reply = running.now_or_never().unwrap().unwrap();
        assert_eq!(reply, Reply::CallTool(CallToolResult::error("cancelled")));
    }

    /// Two pages; the tool `mine` is its caller's alone.
    struct Catalogue;

    type Answer<T> = BoxFuture<'static, Result<T, ToolError>>;

    impl ToolCatalogue for Catalogue {
        fn list(self: Arc<Self>, cursor: Option<String>, _: Context) -> Answer<ToolPage> {
            Box::pin(async move {
                let page = |name: &str| ToolPage::new([Arc::new(Tool::new(name))]);
                match cursor.as_deref() {
                    None => Ok(page("a").with_next_cursor("2")),
                    Some("2") => Ok(page("b")),
                    Some(_) => Err(ToolError::protocol(-32602, "Invalid cursor", None)),
                }
            })
        }

        fn find(self: Arc<Self>, name: String, _: Context) -> Answer<Option<Arc<Tool>>> {
            assert_ne!(name, "bomb");
            Box::pin(async move { Ok((name == "a").then(|| Arc::new(Tool::new(name)))) })
        }

        fn call(
            self: Arc<Self>,
            name: String,
            arguments: Arguments,
            _: Context,
        ) -> Answer<CallToolResult> {
            Box::pin(async move {
                match name.as_str() {
                    "a" => Ok(CallToolResult::text(arguments.raw())),
                    _ => Err(ToolError::unknown_tool(name)),
                }
            })
        }
    }

    #[test]
    fn a_catalogue_lists_its_pages_and_serves_its_calls() {
        let server = Server::builder("s", "1").catalogue(Catalogue).build().unwrap();
        let list = |params| answer(&server, "tools/list", params, &latest());
        let tool = |name: &str| json!([{"name": name, "inputSchema": {"type": "object"}}]);
        assert_eq!(list(json!({})), Ok(json!({"tools": tool("a"), "nextCursor": "2"})));
        assert_eq!(list(json!({"cursor": "2"})), Ok(json!({"tools": tool("b")})));
        assert_eq!(list(json!({"cursor": "3"})), Err(RpcError::invalid_params("Invalid cursor")));
        assert_eq!(call(&server, json!({"name": "a", "arguments": {"x": 1}})), text(r#"{"x":1}"#));
        assert_eq!(
            call(&server, json!({"name": "x"})),
            Err(RpcError::invalid_params("Unknown tool: x"))
        );
        assert_eq!(serde_json::to_value(server.capabilities()).unwrap()["tools"], json!({}));
    }

    #[test]
    fn a_catalogue_finds_a_tool_for_the_checks_before_its_call() {
        let server = Server::builder("s", "1").catalogue(Catalogue).build().unwrap();
        let find = |name| match server.find_tool(name, &latest()) {
            FoundTool::Ready(_) => panic!("a catalogue is asked"),
            FoundTool::Pending(finding) => finding.now_or_never().unwrap(),
        };
        assert_eq!(find("a").unwrap().unwrap().name(), "a");
        assert_eq!(find("x"), Ok(None));
        assert_eq!(find("bomb"), Err(RpcError::internal("the handler panicked")));
    }

    /// 2026-07-28, Tools, Capabilities: "`listChanged` indicates whether the server will emit
    /// notifications when the list of available tools changes".
    #[test]
    fn that_the_list_of_a_catalogue_changes_is_declared_like_that_of_tools() {
        let server = Server::builder("s", "1").catalogue(Catalogue).changes(&Changes::new());
        let capabilities = serde_json::to_value(server.build().unwrap().capabilities()).unwrap();
        assert_eq!(capabilities["tools"], json!({"listChanged": true}));
    }

    #[test]
    fn a_server_has_tools_of_its_own_or_a_catalogue() {
        let both = Server::builder("s", "1").tool(Tool::new("t"), echo).catalogue(Catalogue);
        let error = both.build().unwrap_err();
        assert_eq!(error.to_string(), "a server has tools of its own or a catalogue, not both");
    }
}
