//! POST: messages of the legacy era.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::answer::{self, Answer};
use super::calls::{Call, CallState, Post};
use super::drive::{Drive, Verdict};
use super::session::find;
use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::commit::Framing;
use crate::http::endpoint::Admitted;
use crate::http::heartbeat::Heartbeat;
use crate::http::log_stream::{LogStream, Purpose};
use crate::http::request_stream::{Disconnect, RequestStream};
use crate::http::respond;
use crate::http::service::Shared;
use crate::protocol::jsonrpc::{Invalid, Message, Notification, Parsed, RequestId, RpcError};
use crate::protocol::legacy::{Answered, CallSender, Kind, Session, SessionEnded};
use crate::protocol::media;
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::version::ProtocolVersion;
use crate::server::{Outgoing, OutgoingKind, Sink};

/// Serves what a legacy client posts.
pub(crate) async fn post(
    shared: &Arc<Shared>,
    admitted: Admitted,
    body: &Bytes,
    header: Option<ProtocolVersion>,
    parsed: Parsed<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    let session = match shared.options.legacy {
        LegacySessions::Kept => Some(find(shared, &admitted)?),
        LegacySessions::None => None,
    };
    // 2025-11-25, Transports, Protocol Version Header: without the header and "no other way to
    // identify the version", 2025-03-26 is assumed. A session knows its own.
    let version = session.as_ref().map(|session| session.version()).or(header);
    let post = Post {
        shared,
        admitted: &admitted,
        session: session.as_ref(),
        version: version.unwrap_or(ProtocolVersion::V2025_03_26),
        body,
    };
    let (calls, shape) = match parsed {
        Parsed::Single(Message::Request(request)) => (vec![post.begin(&request)?], Shape::Single),
        Parsed::Single(message) => {
            post.take(&message);
            return Ok(respond::accepted());
        }
        Parsed::Batch(_) if post.version != ProtocolVersion::V2025_03_26 => {
            return Err(Reason::BatchNotAllowed.into());
        }
        Parsed::Batch(items) => {
            let calls = post.begin_all(items)?;
            if calls.is_empty() {
                return Ok(respond::accepted());
            }
            (calls, Shape::Batch)
        }
    };
    let mut framing = shared.options.framing.narrowed(media::framings(admitted.head.headers()));
    let streams_only = framing == Framing::SseOnly;
    // Without a session there is no log that several calls could share.
    if session.is_none() && shape == Shape::Batch {
        framing = Framing::JsonOnly;
    }
    if framing == Framing::JsonOnly {
        calls.iter().filter_map(|call| call.cx.as_ref()).for_each(|cx| cx.outbox().discard());
    }
    let mut drive = Drive::new(calls, framing, shared.options.commit_after);
    let verdict = poll_fn(|task| drive.poll(task)).await;
    let calls = drive.into_calls();
    match (verdict, session) {
        (Verdict::Json, session) => answer_at_once(calls, shape, session, streams_only),
        (Verdict::Stream, Some(session)) => stream_log(shared, calls, &session),
        (Verdict::Stream, None) => Ok(stream_request(shared, calls)),
    }
}

/// Whether what was posted is an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Single,
    Batch,
}

impl Post<'_> {
    /// Begins the calls of a batch. What is no message gets an answer of its own
    /// (JSON-RPC 2.0, section 6).
    fn begin_all(&self, items: Vec<Result<Message<'_>, Invalid>>) -> Result<Vec<Call>, Refusal> {
        let mut calls = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Ok(Message::Request(request)) => calls.push(self.begin(&request)?),
                Ok(message) => self.take(&message),
                Err(invalid) => calls.push(self.refuse(invalid)),
            }
        }
        Ok(calls)
    }

    fn refuse(&self, invalid: Invalid) -> Call {
        let id = invalid.id.clone().unwrap_or_else(|| RequestId::from(0));
        Call::done(Answer { id, version: self.version }, Refusal::from(invalid).body())
    }

    /// Takes what has no answer: a notification, or an answer to a request of the server's. What
    /// means nothing here is taken too, as the specification has it for notifications.
    fn take(&self, message: &Message<'_>) {
        let (Some(session), Message::Notification(notification)) = (self.session, message) else {
            return;
        };
        match &*notification.method {
            "notifications/initialized" => session.set_initialized(),
            "notifications/cancelled" => {
                if let Some(id) = cancelled_id(notification) {
                    // 2025-11-25, Cancellation, Error Handling: what cannot be cancelled is
                    // ignored.
                    let _ = session.cancel(&id);
                }
            }
            _ => {}
        }
    }
}

fn cancelled_id(notification: &Notification<'_>) -> Option<RequestId> {
    RequestId::from_raw(notification.params.get("requestId")?)
}

/// The response to calls that are all over, and need no stream.
fn answer_at_once(
    calls: Vec<Call>,
    shape: Shape,
    session: Option<Arc<Session>>,
    streams_only: bool,
) -> Result<Response<ResponseBody>, Refusal> {
    let mut messages = Vec::with_capacity(calls.len());
    let mut gone = None;
    for call in calls {
        match (call.state, call.ticket) {
            (CallState::Done(message), None) => messages.push(message),
            (CallState::Done(message), Some(ticket)) => match ticket.answer(message) {
                Answered::Unbound(message) => messages.push(message),
                _ => gone = Some(call.answer.id),
            },
            (CallState::Gone | CallState::Running(_), _) => gone = Some(call.answer.id),
        }
    }
    let ended = session.is_some_and(|session| session.is_ended());
    if let (Some(id), true, true) = (gone, messages.is_empty(), ended) {
        return Err(Refusal::from(Reason::SessionUnknown).for_request(Some(id)));
    }
    Ok(match (messages.is_empty(), streams_only, shape) {
        (true, ..) => answer::nothing(),
        (false, true, _) => respond::stream(messages),
        (false, false, Shape::Single) => respond::json(StatusCode::OK, messages.remove(0)),
        (false, false, Shape::Batch) => respond::json(StatusCode::OK, array(&messages)),
    })
}

/// 2025-03-26, Transports, Sending Messages to the Server, 5: the answers of a batch "MAY be
/// batched".
fn array(messages: &[Bytes]) -> Bytes {
    let mut array = vec![b'['];
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            array.push(b',');
        }
        array.extend_from_slice(message);
    }
    array.push(b']');
    array.into()
}

/// The response to calls whose session keeps a log of what they say.
fn stream_log(
    shared: &Arc<Shared>,
    mut calls: Vec<Call>,
    session: &Arc<Session>,
) -> Result<Response<ResponseBody>, Refusal> {
    for call in &mut calls {
        call.ensure_ticket(session)?;
    }
    let tickets = calls.iter().filter_map(|call| call.ticket.as_ref());
    let connection = session
        .open_stream(tickets, shared.now())
        .map_err(|SessionEnded| Refusal::from(Reason::SessionUnknown))?;
    for call in calls {
        call.stream_into_log();
    }
    let heartbeat = shared.options.heartbeat;
    let stream = LogStream::new(connection, Purpose::Answers, heartbeat, None);
    Ok(respond::sse(ResponseBody::log(stream)))
}

impl Call {
    /// From here on the call speaks into its session's log, in a task of its own if it runs on:
    /// it does not end with the connection.
    fn stream_into_log(mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        if let Some(cx) = &self.cx {
            cx.outbox().forward_to(Arc::new(LogSink(ticket.sender())));
        }
        if let CallState::Running(_) = self.state {
            tokio::spawn(async move {
                poll_fn(|task| self.poll(task)).await;
                self.end(ticket);
            });
        } else {
            self.end(ticket);
        }
    }

    fn end(self, ticket: crate::protocol::legacy::Ticket) {
        if let Some(cx) = &self.cx {
            cx.outbox().close();
        }
        if let CallState::Done(message) = self.state {
            // Where it is too late for it, the session has counted it.
            let _ = ticket.answer(message);
        }
    }
}

/// The log of a call's stream, as its outbox sees it.
struct LogSink(CallSender);

impl Sink for LogSink {
    fn send(&self, message: Outgoing) {
        let kind = match message.kind {
            OutgoingKind::Progress => Kind::Progress,
            OutgoingKind::Log => Kind::Notification,
        };
        self.0.send(kind, message.bytes);
    }
}

/// The response to a call without a session: a stream that cannot be resumed.
fn stream_request(shared: &Arc<Shared>, mut calls: Vec<Call>) -> Response<ResponseBody> {
    let Some(mut call) = calls.pop() else { return answer::nothing() };
    let id = call.answer.id.clone();
    let Some(cx) = call.cx.clone() else {
        return match call.state {
            CallState::Done(message) => respond::stream([message]),
            _ => answer::nothing(),
        };
    };
    let heartbeat = Heartbeat::new(shared.options.heartbeat);
    let stream = match call.state {
        CallState::Done(message) => RequestStream::ready(cx, id, message, heartbeat),
        CallState::Gone => return answer::nothing(),
        CallState::Running(_) => {
            let task = tokio::spawn(async move {
                poll_fn(|task| call.poll(task)).await;
                match call.state {
                    CallState::Done(message) => message,
                    _ => call.answer.error(&RpcError::internal("The call was cancelled")),
                }
            });
            RequestStream::running(cx, id, task, Disconnect::Detaches, heartbeat)
        }
    };
    respond::sse(ResponseBody::request(stream))
}
