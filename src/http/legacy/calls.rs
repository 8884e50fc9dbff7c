//! The calls of one POST: how they begin.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::answer::Answer;
use crate::http::endpoint::Admitted;
use crate::http::mount::Mount;
use crate::http::permits::CallPermit;
use crate::protocol::budget::Budget;
use crate::protocol::jsonrpc::{ErrorCode, Params, Raw, Request, RequestId, RpcError, string};
use crate::protocol::legacy::{Answered, CallRefused, Session, SessionEnded, Ticket};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::version::ProtocolVersion;
use crate::server::{
    self, Asking, CallInfo, Context, Dispatched, Polling, RawJson, Reply, Running,
};

/// A request in work, with the one right to answer it.
pub(super) struct Call {
    pub(super) answer: Answer,
    pub(super) state: CallState,
    /// The context of a handler that has run.
    cx: Option<Context>,
    /// The call in its session; none without a session, and for what needs no handler.
    pub(super) ticket: Option<Ticket>,
    permit: Option<CallPermit>,
}

pub(super) enum CallState {
    Running(Running),
    Done(Bytes),
    /// It was cancelled, or its session ended.
    Gone,
}

/// What the calls of one POST have in common.
pub(super) struct Post<'a> {
    pub(super) mount: &'a Arc<Mount>,
    pub(super) admitted: &'a Admitted<'a>,
    /// None where sessions are not kept.
    pub(super) session: Option<&'a Arc<Session>>,
    pub(super) version: ProtocolVersion,
    pub(super) body: &'a Bytes,
    /// How its calls can ask their client.
    pub(super) asking: Asking,
}

impl Call {
    /// A request that is answered already.
    pub(super) fn done(answer: Answer, message: Bytes) -> Self {
        Self { answer, state: CallState::Done(message), cx: None, ticket: None, permit: None }
    }

    pub(super) fn refused(answer: Answer, error: &RpcError) -> Self {
        let message = answer.error(error);
        Self::done(answer, message)
    }

    /// Gives a call that needed no handler its place in the session, for the stream that it is to
    /// be answered on.
    pub(super) fn ensure_ticket(&mut self, session: &Arc<Session>) -> Result<(), Refusal> {
        if self.ticket.is_none() {
            let id = self.answer.id.clone();
            let ticket = session.adopt_call(id.clone()).map_err(|SessionEnded| {
                Refusal::from(Reason::SessionUnknown).for_request(Some(id))
            })?;
            self.ticket = Some(ticket);
        }
        Ok(())
    }

    /// What the messages that wait for the client count towards. Only what is answered already has
    /// no permit.
    pub(super) fn budget(&self) -> Option<&Arc<Budget>> {
        Some(self.permit.as_ref()?.shared().registry.budget())
    }

    /// What the handler says, and how it is told to stop; none for what needs no handler.
    pub(super) fn cx(&self) -> Option<&Context> {
        match &self.state {
            CallState::Running(running) => Some(running.context()),
            CallState::Done(_) | CallState::Gone => self.cx.as_ref(),
        }
    }

    /// Whether it was cancelled, or its session ended: then nobody waits for its answer. Without a
    /// session nothing can cancel it.
    pub(super) fn is_cancelled(&self) -> bool {
        self.ticket.is_some() && self.cx().is_some_and(Context::is_cancelled)
    }

    /// The answer, if there is one and its session lets it be given. It is given once.
    pub(super) fn take_answer(&mut self) -> Option<Bytes> {
        let CallState::Done(message) = std::mem::replace(&mut self.state, CallState::Gone) else {
            return None;
        };
        let Some(ticket) = self.ticket.take() else { return Some(message) };
        match ticket.answer(message) {
            Answered::Unbound(message) => Some(message),
            _ => None,
        }
    }

    /// Takes the end of the call: its answer, and everything that was held for it.
    pub(super) fn finish(&mut self, state: CallState) {
        if let CallState::Running(running) = std::mem::replace(&mut self.state, state) {
            self.cx = Some(running.into_context());
        }
        self.permit = None;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Nobody waits for it any more: what the handler has spawned must learn of it.
        if let CallState::Running(running) = &self.state {
            running.context().cancel();
        }
    }
}

impl Post<'_> {
    /// Begins a call.
    ///
    /// # Errors
    ///
    /// There is no room for it, or its session has just ended.
    pub(super) fn begin(
        &self,
        request: &Request<'_>,
        permit: Option<CallPermit>,
    ) -> Result<Call, Refusal> {
        let answer = self.answer_to(request.id.clone());
        match &*request.method {
            // 2025-11-25, Ping: "The receiver MUST respond promptly with an empty response".
            "ping" => Ok(self.empty(answer)),
            "logging/setLevel"
                if self.session.is_some() && self.mount.shared.server.has_logging() =>
            {
                Ok(match self.set_log_level(&request.params) {
                    Ok(()) => self.empty(answer),
                    Err(error) => Call::refused(answer, &error),
                })
            }
            "resources/subscribe" if let Some(session) = self.subscribing() => {
                self.subscribe(session, answer, &request.params)
            }
            "resources/unsubscribe" if let Some(session) = self.subscribing() => {
                self.unsubscribe(session, answer, &request.params)
            }
            // 2025-03-26, Lifecycle, Initialization: "The initialize request MUST NOT be part of
            // a JSON-RPC batch".
            "initialize" => {
                let message = "`initialize` must not be part of a batch";
                Ok(Call::refused(answer, &RpcError::new(ErrorCode::InvalidRequest, message)))
            }
            _ => self.dispatch(answer, request, permit),
        }
    }

    /// What answers the request of this id.
    pub(super) fn answer_to(&self, id: RequestId) -> Answer {
        Answer { id, version: self.version }
    }

    fn dispatch(
        &self,
        answer: Answer,
        request: &Request<'_>,
        permit: Option<CallPermit>,
    ) -> Result<Call, Refusal> {
        let progress_token = match request.params.meta().progress_token() {
            Ok(token) => token,
            Err(message) => {
                return Ok(Call::refused(answer, &RpcError::invalid_params(message)));
            }
        };
        let refuse = |reason: Reason| Refusal::from(reason).for_request(Some(answer.id.clone()));
        let permit = permit.ok_or_else(|| refuse(Reason::TooManyCalls))?;
        if !self.mount.shared.has_memory() {
            return Err(refuse(Reason::OutOfMemory));
        }
        let cx = self.context(progress_token);
        let ticket = match self.session {
            None => None,
            Some(session) => {
                let begun = session.begin_call(answer.id.clone(), cx.canceller());
                Some(begun.map_err(|refused| refuse(refused.into()))?)
            }
        };
        let asked =
            server::Request { method: &request.method, params: &request.params, body: self.body };
        let state = match self.mount.server.dispatch(&asked, cx) {
            Dispatched::Ready(outcome) => CallState::Done(answer.encode(outcome)),
            Dispatched::Running(running) => CallState::Running(running),
        };
        Ok(Call { answer, state, cx: None, ticket, permit: Some(permit) })
    }

    pub(super) fn empty(&self, answer: Answer) -> Call {
        let message = answer.encode(Ok(Reply::Empty));
        Call::done(answer, message)
    }

    /// 2025-11-25, Logging, Error Handling: "Invalid log level: -32602".
    fn set_log_level(&self, params: &Params<'_>) -> Result<(), RpcError> {
        let level = params.get("level").and_then(string).and_then(|level| level.parse().ok());
        let Some(level) = level else {
            let message = "`level` must be a log level, such as info";
            return Err(RpcError::invalid_params(message).with_data(json!({ "field": "level" })));
        };
        if let Some(session) = self.session {
            session.set_log_level(level);
        }
        Ok(())
    }

    fn context(&self, progress_token: Option<Raw<'_>>) -> Context {
        let session = self.session;
        let info = CallInfo {
            head: Arc::clone(self.admitted.head),
            version: self.version,
            principal: self.admitted.principal.clone(),
            progress_token: progress_token.map(|token| self.mount.shared.keep(self.body, token)),
            // What was not asked for is not sent: it would turn quick answers into streams.
            log_level: session
                .filter(|_| self.mount.shared.server.has_logging())
                .and_then(|session| session.log_level()),
            client_info: session.and_then(|it| it.client_info()).cloned().map(RawJson::kept),
            client_capabilities: session
                .and_then(|it| it.client_capabilities())
                .cloned()
                .map(RawJson::kept),
            polling: match session {
                Some(session) if session.has_polling() => Polling::Possible,
                _ => Polling::Impossible,
            },
            asking: self.asking,
            once: None,
        };
        Context::new(info, Arc::clone(&self.mount.outbox_room))
    }
}

impl From<CallRefused> for Reason {
    fn from(refused: CallRefused) -> Self {
        match refused {
            CallRefused::Ended => Self::SessionUnknown,
            CallRefused::AtCapacity => Self::TooManyCalls,
        }
    }
}
