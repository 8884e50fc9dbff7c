//! Serving a modern request: nothing is kept before it or after it.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use super::body::ResponseBody;
use super::commit::{Framing, Further, Settled, settle};
use super::endpoint::{Admitted, Served};
use super::input::{Input, Origin};
use super::mount::Mount;
use super::observe;
use super::permits::CallPermit;
use super::request_stream::{Disconnect, RequestStream};
use super::service::Shared;
use super::{listen, respond, tasks};
use crate::protocol::jsonrpc::{
    ErrorCode, ObjectWriter, Raw, RequestId, RpcError, SOME_MEMBERS, encode_error, encode_result,
};
use crate::protocol::legacy::shutting_down;
use crate::protocol::media;
use crate::protocol::modern::params::HeaderParams;
use crate::protocol::modern::{Envelope, LISTEN, ModernRequest};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{Event, SHARED_FROM};
use crate::protocol::version::ProtocolVersion;
use crate::server::{
    Asking, CacheHint, CallInfo, Context, Dispatched, Finding, FoundTool, Outcome, Polling,
    Question, RawJson, Reply, Request, Running, Seat, TaskRequest,
};

/// Serves one request.
pub(crate) fn call<'a>(
    mount: &'a Arc<Mount>,
    admitted: &'a Admitted<'a>,
    body: &'a Bytes,
    modern: ModernRequest<'_, 'a>,
) -> Result<Served<'a>, Refusal> {
    let shared = &mount.shared;
    if modern.request.method == LISTEN {
        let (request, envelope) = (modern.request.clone(), modern.envelope);
        return Ok(Served::later(async move {
            let modern = ModernRequest { request: &request, envelope };
            listen::open(shared, admitted, &modern).await
        }));
    }
    let framing = shared.options.framing.narrowed(media::framings(admitted.headers));
    let mut answer = Answer::new(mount, &modern, framing);
    // What lets a task go on or ends it makes room.
    let makes_room = matches!(&*modern.request.method, "tasks/update" | "tasks/cancel");
    if !makes_room && !shared.has_memory() {
        return Err(answer.refuse(Reason::OutOfMemory));
    }
    if TaskRequest::has_method(&modern.request.method) {
        let (request, envelope) = (modern.request.clone(), modern.envelope);
        return Ok(Served::later(async move {
            let modern = ModernRequest { request: &request, envelope };
            Ok(answer.respond(tasks::serve(shared, admitted, &modern).await))
        }));
    }
    let Some(permit) = CallPermit::take(mount) else {
        return Err(answer.refuse(Reason::TooManyCalls));
    };
    let input = match Input::of(shared, &admitted.principal, &modern) {
        Ok(input) => input,
        Err(error) => return Ok(Served::Now(answer.respond(Err(error)))),
    };
    let cx = context(mount, admitted, body, &modern.envelope, &input);
    if framing == Framing::JsonOnly {
        cx.outbox().discard();
    }
    let client = Attended::by(cx);
    match input.give(&client.cx) {
        Ok(chain) => answer.origin = Origin::keep(&client.cx, body, &modern, chain),
        Err(error) => return Ok(Served::Now(answer.respond(Err(error)))),
    }
    Call { mount, admitted, body, modern, answer, client, permit }.serve()
}

/// A request that was let in.
struct Call<'r, 'a> {
    mount: &'a Arc<Mount>,
    admitted: &'a Admitted<'a>,
    body: &'a Bytes,
    modern: ModernRequest<'r, 'a>,
    answer: Answer,
    client: Attended,
    permit: CallPermit,
}

impl<'a> Call<'_, 'a> {
    /// Holds the headers against the arguments, and serves it.
    fn serve(self) -> Result<Served<'a>, Refusal> {
        let params = &self.modern.request.params;
        let shared = &self.mount.shared;
        // Most servers have no tool whose arguments stand in headers.
        let may_be_checked = !shared.header_params.is_empty() || shared.server.has_catalogue();
        let name = match &*self.modern.request.method {
            "tools/call" if may_be_checked => params.get_str("name"),
            _ => None,
        };
        match name.as_deref().map(|name| (name, shared.header_params.get(name))) {
            None => {}
            Some((_, Some(header_params))) => {
                if let Err(unchecked) = self.check_headers(header_params) {
                    return self.answer.unchecked(unchecked).map(Served::Now);
                }
            }
            Some((name, None)) if shared.server.has_catalogue() => {
                let found = shared.server.find_tool(name, &self.client.cx);
                if let FoundTool::Pending(finding) = found {
                    let Self { mount, admitted, body, modern, answer, client, permit } = self;
                    let (request, envelope) = (modern.request.clone(), modern.envelope);
                    return Ok(Served::later(async move {
                        let modern = ModernRequest { request: &request, envelope };
                        let call = Call { mount, admitted, body, modern, answer, client, permit };
                        call.look_up(finding).await
                    }));
                }
            }
            Some((_, None)) => {}
        }
        self.dispatch()
    }

    /// Checks it against the tool that a catalogue finds, and serves it.
    async fn look_up(self, finding: Finding) -> Result<Response<ResponseBody>, Refusal> {
        if let Err(unchecked) = self.check_found(finding).await {
            return self.answer.unchecked(unchecked);
        }
        match self.dispatch()? {
            Served::Now(response) => Ok(response),
            Served::Later(response) => response.await,
        }
    }

    async fn check_found(&self, finding: Finding) -> Result<(), Unchecked> {
        // Nothing can be said to the client meanwhile: the answer may have to be a 400.
        let limit = self.mount.shared.options.commit_after;
        let looked_up = tokio::time::timeout(limit, finding).await;
        let found = looked_up.map_err(|_| Unchecked::Refused(Reason::LookupTimeout { limit }))?;
        // That there is no such tool, the call itself says.
        let Some(tool) = found.map_err(Unchecked::Failed)? else { return Ok(()) };
        self.mount.shared.server.plan_task(&tool, &self.client.cx).map_err(Unchecked::Failed)?;
        let Some(schema) = tool.input_schema() else { return Ok(()) };
        let header_params = HeaderParams::from_schema(schema).map_err(|error| {
            let message = format!("tool `{}`: {error}", tool.name());
            Unchecked::Failed(RpcError::internal(message))
        })?;
        self.check_headers(&header_params)
    }

    /// 2026-07-28, Streamable HTTP, Server Behavior for Custom Headers: "Servers MUST reject
    /// requests ... if any validation fails."
    fn check_headers(&self, header_params: &HeaderParams) -> Result<(), Unchecked> {
        let arguments = self.modern.request.params.get("arguments").map(Raw::get);
        header_params.check(self.admitted.head.headers(), arguments).map_err(|mismatch| {
            Unchecked::Refused(Reason::HeaderMismatch { message: mismatch.to_string() })
        })
    }

    /// Has it served. Most handlers end at once; what does not is driven.
    fn dispatch(self) -> Result<Served<'a>, Refusal> {
        let Self { mount, body, modern, answer, client, permit, .. } = self;
        let (shared, framing) = (&mount.shared, answer.framing);
        if modern.request.method == "server/discover" {
            client.answered();
            return Ok(Served::Now(respond::at_once(framing, answer.discover())));
        }
        let (method, params) = (&*modern.request.method, &modern.request.params);
        let asked = Request { method, params, body };
        let mut running = match mount.server.dispatch(&asked, client.cx.clone()) {
            Dispatched::Running(running) => running,
            Dispatched::Ready(outcome) => {
                client.answered();
                return Ok(Served::Now(answer.respond(outcome)));
            }
        };
        let seat = tasks::seat(shared, &client.cx).map_err(|reason| answer.refuse(reason))?;
        let further = match client.cx.is_task() {
            true => Some(Further::Task),
            false => match running.run_if_woken() {
                Some(outcome) if !framing.ends_as_stream(&client.cx) => {
                    client.answered();
                    return Ok(Served::Now(answer.respond_called(outcome)));
                }
                Some(outcome) if client.cx.outbox().close_unsaid() => {
                    let response = answer.stream(outcome, &client.cx, permit);
                    client.answered();
                    return Ok(Served::Now(response));
                }
                Some(outcome) => Some(Further::Stream(outcome)),
                None => None,
            },
        };
        Ok(Served::later(async move {
            let settled = match further {
                Some(further) => Settled::Further(further),
                None => settle(&mut running, &client.cx, framing, shared).await,
            };
            match settled {
                Settled::Json(outcome) => {
                    client.answered();
                    Ok(answer.respond_called(outcome))
                }
                Settled::Further(further) => {
                    go_on(shared, further, (running, seat), answer, client, permit).await
                }
            }
        }))
    }
}

/// Answers a call whose answer is not there yet, or needs a stream.
async fn go_on(
    shared: &Arc<Shared>,
    further: Further,
    (running, seat): (Running, Option<Seat>),
    answer: Answer,
    client: Attended,
    permit: CallPermit,
) -> Result<Response<ResponseBody>, Refusal> {
    let (cx, framing) = (&client.cx.clone(), answer.framing);
    let ready = |outcome| {
        RequestStream::ready(shared, cx.clone(), answer.id.clone(), answer.encode(outcome))
    };
    let stream = match further {
        Further::Stream(outcome) => {
            client.answered();
            ready(outcome)
        }
        Further::Task => {
            let begun = tasks::begin(shared, running, seat, &answer).await;
            client.answered();
            if !framing.ends_as_stream(cx) {
                return Ok(answer.respond_called(begun));
            }
            ready(begun)
        }
        Further::Commit => {
            client.answered();
            let (begin, id) = (Arc::clone(shared), answer.id.clone());
            let answered =
                async move { answer.encode(tasks::outcome(&begin, running, seat, &answer).await) };
            RequestStream::running(shared, cx.clone(), id, answered, Disconnect::Cancels)
        }
        Further::CutOff => {
            // What it has left behind is told as the client is dropped.
            shared.counters.cut_off_calls.add(1);
            observe::calls_cut_off(1);
            return Ok(respond::at_once(framing, shutting_down(&answer.id)));
        }
    };
    // The call counts for as long as its response is there.
    Ok(respond::sse(ResponseBody::request(stream.with_permit(permit))))
}

/// A call whose client waits for it. If the client goes, which drops this, what the handler has left
/// behind is told so.
struct Attended {
    cx: Context,
    client: Client,
}

#[derive(PartialEq)]
enum Client {
    Waits,
    /// It has its answer, or a stream that goes on by itself.
    Answered,
}

impl Attended {
    fn by(cx: Context) -> Self {
        Self { cx, client: Client::Waits }
    }

    fn answered(mut self) {
        self.client = Client::Answered;
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        if self.client == Client::Waits {
            self.cx.cancel();
            self.cx.outbox().discard();
        }
    }
}

fn context(
    mount: &Mount,
    admitted: &Admitted<'_>,
    body: &Bytes,
    envelope: &Envelope<'_>,
    input: &Input,
) -> Context {
    let shared = &mount.shared;
    let share = |raw: Raw<'_>| shared.keep(body, raw);
    let info = CallInfo {
        head: Arc::clone(admitted.head),
        version: envelope.version,
        principal: admitted.principal.clone(),
        progress_token: envelope.progress_token.map(share),
        log_level: envelope.log_level.filter(|_| shared.server.has_logging()),
        client_info: envelope.client_info.map(share),
        client_capabilities: Some(share(envelope.client_capabilities)),
        polling: Polling::Impossible,
        asking: Asking::ByResult,
        once: input.once(shared),
    };
    Context::new(info, Arc::clone(&mount.outbox_room))
}

/// Why the headers that mirror arguments could not be held against them, or were found wanting.
enum Unchecked {
    Refused(Reason),
    /// The catalogue failed.
    Failed(RpcError),
}

/// Makes the answer to one request.
pub(crate) struct Answer {
    mount: Arc<Mount>,
    id: RequestId,
    version: ProtocolVersion,
    framing: Framing,
    /// None where the client can be asked nothing.
    origin: Option<Origin>,
}

impl Answer {
    fn new(mount: &Arc<Mount>, modern: &ModernRequest<'_, '_>, framing: Framing) -> Self {
        let (mount, id) = (Arc::clone(mount), modern.request.id.clone());
        Self { mount, id, version: modern.envelope.version, framing, origin: None }
    }

    /// The refusal of the request.
    fn refuse(&self, reason: Reason) -> Refusal {
        Refusal::from(reason).for_request(Some(self.id.clone()))
    }

    /// What is said where the headers could not be checked, or were found wanting.
    fn unchecked(&self, unchecked: Unchecked) -> Result<Response<ResponseBody>, Refusal> {
        match unchecked {
            Unchecked::Refused(reason) => Err(self.refuse(reason)),
            Unchecked::Failed(error) => Ok(self.respond(Err(error))),
        }
    }

    /// The same for a task of the call, which is not asked for again.
    pub(crate) fn of_task(&self) -> Self {
        let (mount, id) = (Arc::clone(&self.mount), self.id.clone());
        Self { mount, id, origin: None, ..*self }
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
            return respond::stream_at_once(&self.mount.shared, &[Event::message(None, message)]);
        }
        let stream = RequestStream::ready(&self.mount.shared, cx.clone(), self.id.clone(), message);
        respond::sse(ResponseBody::request(stream.with_permit(permit)))
    }

    /// The answer to `server/discover` (2026-07-28, Discovery, Response).
    fn discover(&self) -> Bytes {
        let server = &self.mount.shared.server;
        let encoded = encode_result(&self.id, SOME_MEMBERS, |object| {
            object.raw_member("resultType", b"\"complete\"");
            object.raw_member("_meta", &self.mount.shared.server_meta);
            object
                .member("supportedVersions", &ProtocolVersion::ALL.map(ProtocolVersion::as_str))?;
            let capabilities = server.capabilities().announcing(self.mount.shared.announced.modern);
            let capabilities = match self.mount.shared.tasks {
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
        let input_required = origin.ask(&self.mount.shared, questions)?;
        let encoded = encode_result(&self.id, SOME_MEMBERS, |object| {
            object.raw_member("resultType", b"\"input_required\"");
            object.raw_member("_meta", &self.mount.shared.server_meta);
            input_required.write(object)
        });
        encoded.map_err(|error| RpcError::internal(error.to_string()))
    }

    /// 2026-07-28, Base Protocol, Result Responses: "The `result` MUST include a `resultType`
    /// field"; `_meta`: "Servers SHOULD include ... `io.modelcontextprotocol/serverInfo`"; Caching:
    /// "Servers MUST include caching hints".
    fn write(&self, reply: &Reply, object: &mut ObjectWriter<'_>) -> Result<(), serde_json::Error> {
        object.raw_members(result_type(reply));
        match reply.meta() {
            None => object.raw_member("_meta", &self.mount.shared.server_meta),
            Some(own) => {
                let mut meta = own.clone();
                meta.insert(SERVER_INFO.to_owned(), self.mount.shared.server_info.clone());
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
        let era = b",\"_meta\":,".len() + result_type(reply).len();
        era + self.mount.shared.server_meta.len() + reply.likely_len(self.version)
    }
}

/// ext-tasks, Polymorphic Results: "Servers MUST NOT set `resultType` to `"task"` on result types
/// other than `CreateTaskResult`".
fn result_type(reply: &Reply) -> &'static [u8] {
    match reply {
        Reply::TaskBegun(_) => b"\"resultType\":\"task\"",
        _ => b"\"resultType\":\"complete\"",
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
