//! Serving a modern request: nothing is kept before it or after it.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use serde_json::value::RawValue;

use super::body::ResponseBody;
use super::commit::{Framing, Further, Settled, settle};
use super::endpoint::Admitted;
use super::input::{Input, Origin};
use super::observe;
use super::request_stream::{Disconnect, RequestStream};
use super::service::{CallPermit, Shared};
use super::{listen, respond, tasks};
use crate::protocol::jsonrpc::{
    ErrorCode, ObjectWriter, RequestId, RpcError, SOME_MEMBERS, encode_error, encode_result,
};
use crate::protocol::legacy::shutting_down;
use crate::protocol::media;
use crate::protocol::modern::params::HeaderParams;
use crate::protocol::modern::{LISTEN, ModernRequest};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{Event, SHARED_FROM};
use crate::protocol::version::ProtocolVersion;
use crate::server::{
    Asking, CacheHint, CallInfo, Context, Dispatched, FoundTool, Outcome, Polling, Question,
    RawJson, Reply, Request, Running, Seat, TaskRequest,
};

/// Serves one request.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    admitted: Admitted,
    body: &Bytes,
    modern: ModernRequest<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    // What is rare is boxed, so that the future of every request is not as large as it.
    if modern.request.method == LISTEN {
        return Box::pin(listen::open(shared, &admitted, &modern)).await;
    }
    let framing = shared.options.framing.narrowed(media::framings(admitted.head.headers()));
    let mut answer = Answer::new(shared, &modern, framing);
    let refuse =
        |reason: Reason| Refusal::from(reason).for_request(Some(modern.request.id.clone()));
    // What lets a task go on or ends it makes room.
    let makes_room = matches!(&*modern.request.method, "tasks/update" | "tasks/cancel");
    if !makes_room && !shared.has_memory() {
        return Err(refuse(Reason::OutOfMemory));
    }
    if TaskRequest::has_method(&modern.request.method) {
        return Ok(answer.respond(Box::pin(tasks::serve(shared, &admitted, &modern)).await));
    }
    let Some(permit) = CallPermit::take(shared) else { return Err(refuse(Reason::TooManyCalls)) };
    let input = match Input::of(shared, &admitted.principal, &modern) {
        Ok(input) => input,
        Err(error) => return Ok(answer.respond(Err(error))),
    };
    let cx = context(shared, &admitted, body, &modern, &input);
    if framing == Framing::JsonOnly {
        cx.outbox().discard();
    }
    let guard = CancelOnDrop(&cx);
    match input.give(&cx) {
        Ok(chain) => answer.origin = Origin::keep(&cx, body, &modern, chain),
        Err(error) => return Ok(answer.respond(Err(error))),
    }
    match check_params(shared, &admitted, &modern, &cx).await {
        Ok(()) => {}
        Err(Unchecked::Refused(reason)) => return Err(refuse(reason)),
        Err(Unchecked::Failed(error)) => return Ok(answer.respond(Err(error))),
    }
    if modern.request.method == "server/discover" {
        guard.defuse();
        return Ok(respond::at_once(framing, answer.discover()));
    }
    let asked = Request { method: &modern.request.method, params: &modern.request.params, body };
    match shared.server.dispatch(&asked, cx.clone()) {
        Dispatched::Ready(outcome) => {
            guard.defuse();
            Ok(answer.respond(outcome))
        }
        Dispatched::Running(mut running) => {
            let seat = tasks::seat(shared, &cx).map_err(refuse)?;
            let settled = match cx.is_task() {
                true => Settled::Further(Further::Task),
                false => settle(&mut running, &cx, framing, shared).await,
            };
            match settled {
                Settled::Json(outcome) => {
                    guard.defuse();
                    Ok(answer.respond_called(outcome))
                }
                Settled::Further(Further::Stream(outcome)) if cx.outbox().close_unsaid() => {
                    guard.defuse();
                    Ok(answer.stream(outcome, &cx, permit))
                }
                Settled::Further(further) => {
                    Box::pin(go_on(shared, further, (running, seat), answer, guard, permit)).await
                }
            }
        }
    }
}

/// Answers a call whose answer is not there yet, or needs a stream.
async fn go_on(
    shared: &Arc<Shared>,
    further: Further,
    (running, seat): (Running, Option<Seat>),
    answer: Answer,
    guard: CancelOnDrop<'_>,
    permit: CallPermit,
) -> Result<Response<ResponseBody>, Refusal> {
    let (cx, framing) = (guard.0, answer.framing);
    let ready = |outcome| {
        RequestStream::ready(shared, cx.clone(), answer.id.clone(), answer.encode(outcome))
    };
    let stream = match further {
        Further::Stream(outcome) => {
            guard.defuse();
            ready(outcome)
        }
        Further::Task => {
            let begun = tasks::begin(shared, running, seat, &answer).await;
            guard.defuse();
            if !framing.ends_as_stream(cx) {
                return Ok(answer.respond_called(begun));
            }
            ready(begun)
        }
        Further::Commit => {
            guard.defuse();
            let (begin, id) = (Arc::clone(shared), answer.id.clone());
            let answered =
                async move { answer.encode(tasks::outcome(&begin, running, seat, &answer).await) };
            RequestStream::running(shared, cx.clone(), id, answered, Disconnect::Cancels)
        }
        Further::CutOff => {
            // What it has left behind is told as the guard is dropped.
            shared.counters.cut_off_calls.add(1);
            observe::calls_cut_off(1);
            return Ok(respond::at_once(framing, shutting_down(&answer.id)));
        }
    };
    // The call counts for as long as its response is there.
    Ok(respond::sse(ResponseBody::request(stream.with_permit(permit))))
}

/// Tells the handler's own tasks that the client is gone, if it goes.
struct CancelOnDrop<'a>(&'a Context);

impl CancelOnDrop<'_> {
    fn defuse(self) {
        std::mem::forget(self);
    }
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cancel();
        self.0.outbox().discard();
    }
}

fn context(
    shared: &Arc<Shared>,
    admitted: &Admitted,
    body: &Bytes,
    modern: &ModernRequest<'_>,
    input: &Input,
) -> Context {
    let share = |raw: &RawValue| shared.keep(body, raw);
    let info = CallInfo {
        head: Arc::clone(&admitted.head),
        version: modern.version,
        principal: admitted.principal.clone(),
        progress_token: modern.progress_token.map(share),
        log_level: modern.log_level.filter(|_| shared.server.has_logging()),
        client_info: modern.client_info.map(share),
        client_capabilities: Some(share(modern.client_capabilities)),
        polling: Polling::Impossible,
        asking: Asking::ByResult,
        once: input.once(shared),
    };
    Context::new(info, Arc::clone(&shared.outbox_room))
}

/// 2026-07-28, Streamable HTTP, Server Behavior for Custom Headers: "Servers MUST reject requests
/// ... if any validation fails."
async fn check_params(
    shared: &Shared,
    admitted: &Admitted,
    modern: &ModernRequest<'_>,
    cx: &Context,
) -> Result<(), Unchecked> {
    let params = &modern.request.params;
    if modern.request.method != "tools/call" {
        return Ok(());
    }
    let Some(name) = params.get_str("name") else { return Ok(()) };
    let found;
    let header_params = match shared.header_params.get(&*name) {
        Some(header_params) => header_params,
        None => {
            let FoundTool::Pending(finding) = shared.server.find_tool(&name, cx) else {
                return Ok(());
            };
            // Nothing can be said to the client meanwhile: the answer may have to be a 400.
            let limit = shared.options.commit_after;
            let looked_up = tokio::time::timeout(limit, finding).await;
            let found_tool =
                looked_up.map_err(|_| Unchecked::Refused(Reason::LookupTimeout { limit }))?;
            // That there is no such tool, the call itself says.
            let Some(tool) = found_tool.map_err(Unchecked::Failed)? else { return Ok(()) };
            shared.server.plan_task(&tool, cx).map_err(Unchecked::Failed)?;
            let Some(schema) = tool.input_schema() else { return Ok(()) };
            found = HeaderParams::from_schema(schema).map_err(|error| {
                let message = format!("tool `{}`: {error}", tool.name());
                Unchecked::Failed(RpcError::internal(message))
            })?;
            &found
        }
    };
    let arguments = params.get("arguments").map(RawValue::get);
    header_params.check(admitted.head.headers(), arguments).map_err(|mismatch| {
        Unchecked::Refused(Reason::HeaderMismatch { message: mismatch.to_string() })
    })
}

/// Why the headers that mirror arguments could not be held against them, or were found wanting.
enum Unchecked {
    Refused(Reason),
    /// The catalogue failed.
    Failed(RpcError),
}

/// Makes the answer to one request.
pub(crate) struct Answer {
    shared: Arc<Shared>,
    id: RequestId,
    version: ProtocolVersion,
    framing: Framing,
    /// None where the client can be asked nothing.
    origin: Option<Origin>,
}

impl Answer {
    fn new(shared: &Arc<Shared>, modern: &ModernRequest<'_>, framing: Framing) -> Self {
        let (shared, id) = (Arc::clone(shared), modern.request.id.clone());
        Self { shared, id, version: modern.version, framing, origin: None }
    }

    /// The same for a task of the call, which is not asked for again.
    pub(crate) fn of_task(&self) -> Self {
        let (shared, id) = (Arc::clone(&self.shared), self.id.clone());
        Self { shared, id, origin: None, ..*self }
    }

    /// The answer as a response of its own.
    fn respond(&self, outcome: Outcome) -> Response<ResponseBody> {
        match outcome {
            // 2026-07-28, Streamable HTTP, Protocol Version Header: "If the server does not
            // implement the requested RPC method, it MUST respond with 404 Not Found".
            Err(error) if error.code == ErrorCode::MethodNotFound => {
                let reason = Reason::MethodNotFound { error };
                respond::refusal(Refusal::from(reason).for_request(Some(self.id.clone())))
            }
            outcome => self.respond_called(outcome),
        }
    }

    /// The answer of a handler as a response of its own: a method that a gateway's handler did not
    /// find is not one that this server lacks.
    fn respond_called(&self, outcome: Outcome) -> Response<ResponseBody> {
        match outcome {
            // 2026-07-28, Base Protocol, `_meta`: "the response status MUST be 400 Bad Request".
            Err(error) if error.code == ErrorCode::MissingRequiredClientCapability => {
                let reason = Reason::MissingCapability { error };
                respond::refusal(Refusal::from(reason).for_request(Some(self.id.clone())))
            }
            outcome => respond::at_once(self.framing, self.encode(outcome)),
        }
    }

    /// The answer as a stream, of a call that has said nothing before it.
    fn stream(&self, outcome: Outcome, cx: &Context, permit: CallPermit) -> Response<ResponseBody> {
        let message = self.encode(outcome);
        if message.len() < SHARED_FROM {
            return respond::stream_at_once(&self.shared, &[Event::message(None, message)]);
        }
        let stream = RequestStream::ready(&self.shared, cx.clone(), self.id.clone(), message);
        respond::sse(ResponseBody::request(stream.with_permit(permit)))
    }

    /// The answer to `server/discover` (2026-07-28, Discovery, Response).
    fn discover(&self) -> Bytes {
        let server = &self.shared.server;
        let encoded = encode_result(&self.id, SOME_MEMBERS, |object| {
            object.raw_member("resultType", b"\"complete\"");
            object.raw_member("_meta", &self.shared.server_meta);
            object
                .member("supportedVersions", &ProtocolVersion::ALL.map(ProtocolVersion::as_str))?;
            let capabilities = server.capabilities().announcing(self.shared.announced.modern);
            let capabilities = match self.shared.tasks {
                Some(_) => capabilities.with_tasks(),
                None => capabilities,
            };
            object.member("capabilities", &capabilities)?;
            if let Some(instructions) = server.instructions() {
                object.member("instructions", instructions)?;
            }
            write_cache_hint(server.cache_hint(), object)
        });
        encoded.expect("strings and objects are JSON")
    }

    /// The answer as a message.
    fn encode(&self, outcome: Outcome) -> Bytes {
        let encoded = match outcome {
            Ok(Reply::InputRequired(questions)) => self.ask(&questions),
            Ok(reply) => {
                let members = self.likely_len(&reply);
                encode_result(&self.id, members, |object| self.write(&reply, object))
                    .map_err(not_json)
            }
            Err(error) => Err(error),
        };
        encoded.unwrap_or_else(|error| encode_error(Some(&self.id), &error))
    }

    /// The result by itself, as the answer would have it.
    ///
    /// # Errors
    ///
    /// What would be answered in its place.
    pub(crate) fn result(&self, outcome: Outcome) -> Result<RawJson, RpcError> {
        let reply = outcome?;
        RawJson::object(|object| self.write(&reply, object)).map_err(not_json)
    }

    /// The result that asks (2026-07-28, Multi Round-Trip Requests, InputRequiredResult).
    fn ask(&self, questions: &[Question]) -> Result<Bytes, RpcError> {
        let Some(origin) = &self.origin else {
            return Err(RpcError::internal("a client that can be asked nothing was asked"));
        };
        let input_required = origin.ask(&self.shared, questions)?;
        let encoded = encode_result(&self.id, SOME_MEMBERS, |object| {
            object.raw_member("resultType", b"\"input_required\"");
            object.raw_member("_meta", &self.shared.server_meta);
            input_required.write(object)
        });
        encoded.map_err(|error| RpcError::internal(error.to_string()))
    }

    /// 2026-07-28, Base Protocol, Result Responses: "The `result` MUST include a `resultType`
    /// field"; `_meta`: "Servers SHOULD include ... `io.modelcontextprotocol/serverInfo`"; Caching:
    /// "Servers MUST include caching hints".
    fn write(&self, reply: &Reply, object: &mut ObjectWriter<'_>) -> Result<(), serde_json::Error> {
        object.raw_member("resultType", result_type(reply));
        match reply.meta() {
            None => object.raw_member("_meta", &self.shared.server_meta),
            Some(own) => {
                let mut meta = own.clone();
                meta.insert(SERVER_INFO.to_owned(), self.shared.server_info.clone());
                object.member("_meta", &meta)?;
            }
        }
        reply.write(self.version, object)?;
        match reply.cache_hint() {
            Some(hint) => write_cache_hint(hint, object),
            None => Ok(()),
        }
    }

    /// About how much [`write`](Self::write) adds.
    fn likely_len(&self, reply: &Reply) -> usize {
        let era = b"\"resultType\":,\"_meta\":,".len() + result_type(reply).len();
        era + self.shared.server_meta.len() + reply.likely_len(self.version)
    }
}

/// ext-tasks, Polymorphic Results: "Servers MUST NOT set `resultType` to `"task"` on result types
/// other than `CreateTaskResult`".
fn result_type(reply: &Reply) -> &'static [u8] {
    match reply {
        Reply::TaskBegun(_) => b"\"task\"",
        _ => b"\"complete\"",
    }
}

fn not_json(error: serde_json::Error) -> RpcError {
    RpcError::internal(format!("The result is not JSON: {error}"))
}

fn write_cache_hint(
    hint: CacheHint,
    object: &mut ObjectWriter<'_>,
) -> Result<(), serde_json::Error> {
    object.member("ttlMs", &hint.ttl_ms)?;
    object.member("cacheScope", &hint.scope)
}

/// The key of `_meta` under which a server names itself.
pub(crate) const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
