//! POST: messages of the legacy era.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use tokio::time::Instant;

use super::answer;
use super::asking::asking;
use super::calls::{Call, CallState, Post};
use super::drive::{Drive, Verdict};
use super::session::find;
use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::commit::Framing;
use crate::http::endpoint::{Admitted, Served};
use crate::http::log_stream::LogStream;
use crate::http::mount::Mount;
use crate::http::observe::in_same_span;
use crate::http::permits::CallPermit;
use crate::http::request_stream::{Disconnect, RequestStream};
use crate::http::respond;
use crate::http::service::Shared;
use crate::protocol::jsonrpc::{Invalid, Message, Notification, Parsed, RequestId, RpcError};
use crate::protocol::legacy::{
    CallSender, End, Kind, Sent, Session, SessionEnded, session_ended, shutting_down,
};
use crate::protocol::media;
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{Event, SHARED_FROM};
use crate::protocol::version::ProtocolVersion;
use crate::server::{NoRoom, Outgoing, OutgoingKind, Sink};

/// Serves what a legacy client posts.
pub(crate) fn post<'a>(
    mount: &'a Arc<Mount>,
    admitted: &Admitted<'_>,
    body: &Bytes,
    header: Option<ProtocolVersion>,
    parsed: &Parsed<'_>,
) -> Result<Served<'a>, Refusal> {
    let shared = &mount.shared;
    let session = match shared.options.legacy {
        LegacySessions::Kept => Some(find(shared, admitted)?),
        LegacySessions::None => None,
    };
    // 2025-11-25, Transports, Protocol Version Header: without the header and "no other way to
    // identify the version", 2025-03-26 is assumed. A session knows its own.
    let version = session.as_ref().map(|session| session.version()).or(header);
    let offered = shared.options.framing;
    let framing = offered.narrowed(media::framings(admitted.headers));
    let post = Post {
        asking: asking(session.as_deref(), offered, framing),
        mount,
        admitted,
        session: session.as_ref(),
        version: version.unwrap_or(ProtocolVersion::V2025_03_26),
        body,
    };
    let begun = match parsed {
        Parsed::Single(Message::Request(request)) => {
            let mut call = post.begin(request, CallPermit::take(mount))?;
            if call.is_over_at_once(framing)
                && let Some(message) = call.take_answer()
            {
                return Ok(Served::Now(respond::json(StatusCode::OK, message)));
            }
            if let Some(session) = &session
                && let Some(response) = stream_at_once(shared, &mut call, session)
            {
                return Ok(Served::Now(response));
            }
            Begun { calls: vec![call], strays: Vec::new(), shape: Shape::Single }
        }
        Parsed::Single(message) => {
            post.take(message);
            return Ok(Served::Now(respond::accepted()));
        }
        Parsed::Batch(_) if post.version != ProtocolVersion::V2025_03_26 => {
            return Err(Reason::BatchNotAllowed.into());
        }
        Parsed::Batch(items) => match post.begin_all(items)? {
            begun if begun.calls.is_empty() && begun.strays.is_empty() => {
                return Ok(Served::Now(respond::accepted()));
            }
            begun => begun,
        },
    };
    Ok(Served::later(drive(shared, begun, session, framing)))
}

/// Drives what was begun for a POST until it can be answered.
async fn drive(
    shared: &Arc<Shared>,
    begun: Begun,
    session: Option<Arc<Session>>,
    framing: Framing,
) -> Result<Response<ResponseBody>, Refusal> {
    // Without a session there is no log that several calls could share.
    let no_stream = session.is_none() && begun.shape == Shape::Batch;
    let driven = if no_stream { Framing::JsonOnly } else { framing };
    if driven == Framing::JsonOnly {
        begun.calls.iter().filter_map(Call::cx).for_each(|cx| cx.outbox().discard());
    }
    let mut drive = Drive::new(begun.calls, driven, shared);
    let verdict = poll_fn(|task| drive.poll(task)).await;
    let began = drive.since();
    let begun = Begun { calls: drive.into_calls(), ..begun };
    match (verdict, session) {
        (Verdict::Json, session) => answer_at_once(begun, session.as_deref(), framing),
        (Verdict::Stream, Some(session)) => {
            let since = began.unwrap_or_else(Instant::now);
            stream_log(shared, begun, &session, since)
        }
        (Verdict::Stream, None) => Ok(stream_request(shared, begun, framing)),
    }
}

/// What was begun for a POST.
struct Begun {
    calls: Vec<Call>,
    /// The errors of what was no message and names no request.
    strays: Vec<Bytes>,
    shape: Shape,
}

/// Whether what was posted is an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Single,
    Batch,
}

impl Post<'_> {
    /// Begins the calls of a batch. What is no message gets an error of its own (JSON-RPC 2.0,
    /// section 6).
    ///
    /// There is room for all calls or for none: a refusal comes before anything was done.
    fn begin_all(&self, items: &[Result<Message<'_>, Invalid>]) -> Result<Begun, Refusal> {
        let requests = items.iter().filter(|item| matches!(item, Ok(Message::Request(_)))).count();
        let permits: Option<Vec<_>> = (0..requests).map(|_| CallPermit::take(self.mount)).collect();
        let mut permits = permits.ok_or(Reason::TooManyCalls)?.into_iter();
        let mut begun =
            Begun { calls: Vec::with_capacity(requests), strays: Vec::new(), shape: Shape::Batch };
        for item in items {
            match item {
                Ok(Message::Request(request)) => {
                    let call = self.begin(request, permits.next());
                    begun.calls.push(call.unwrap_or_else(|refusal| {
                        Call::done(self.answer_to(request.id.clone()), refusal.body())
                    }));
                }
                Ok(message) => self.take(message),
                Err(invalid) => match invalid.id.clone() {
                    Some(id) => {
                        let body = Refusal::from(invalid.clone()).body();
                        begun.calls.push(Call::done(self.answer_to(id), body));
                    }
                    None => begun.strays.push(Refusal::from(invalid.clone()).body()),
                },
            }
        }
        Ok(begun)
    }

    /// Takes what has no answer: a notification, or an answer to a request of the server's. What
    /// means nothing here is taken too, as the specification has it for notifications.
    fn take(&self, message: &Message<'_>) {
        let Some(session) = self.session else { return };
        let notification = match message {
            Message::Notification(notification) => notification,
            Message::Response(answer) => return self.take_answer(session, answer),
            Message::Request(_) => return,
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
///
/// A call whose session has ended meanwhile is told so, with 404 if it was the only one.
fn answer_at_once(
    begun: Begun,
    session: Option<&Session>,
    framing: Framing,
) -> Result<Response<ResponseBody>, Refusal> {
    let (mut messages, mut gone) = (Vec::new(), Vec::new());
    for mut call in begun.calls {
        match call.take_answer() {
            Some(message) => messages.push(message),
            None => gone.push(call.answer.id.clone()),
        }
    }
    let ended_by = session.and_then(Session::ended_by);
    if ended_by == Some(End::ShutDown) {
        // The session was good; the server ends.
        messages.extend(gone.iter().map(shutting_down));
    } else if !gone.is_empty() && ended_by.is_some() {
        if let ([id], true) = (&*gone, messages.is_empty()) {
            return Err(Refusal::from(Reason::SessionUnknown).for_request(Some(id.clone())));
        }
        messages.extend(gone.iter().map(session_ended));
    }
    messages.extend(begun.strays);
    Ok(match (messages.is_empty(), framing, begun.shape) {
        (true, ..) => answer::nothing(framing),
        (false, Framing::SseOnly, _) => respond::stream(messages),
        (false, _, Shape::Single) => respond::json(StatusCode::OK, messages.remove(0)),
        (false, _, Shape::Batch) => respond::json(StatusCode::OK, array(&messages)),
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
    mut begun: Begun,
    session: &Arc<Session>,
    since: Instant,
) -> Result<Response<ResponseBody>, Refusal> {
    for call in &mut begun.calls {
        call.ensure_ticket(session).map_err(|refusal| told_of_the_end(refusal, session))?;
    }
    let tickets: Vec<_> = begun.calls.iter().filter_map(|call| call.ticket.as_ref()).collect();
    let Some(first) = tickets.first() else { return Ok(respond::stream(begun.strays)) };
    let sender = first.sender();
    let connection = session
        .open_stream(tickets, shared.now())
        .map_err(|SessionEnded| told_of_the_end(Reason::SessionUnknown.into(), session))?;
    for stray in begun.strays {
        sender.send(Kind::Notification, stray);
    }
    for call in begun.calls {
        call.stream_into_log(shared);
    }
    let stream = LogStream::new(shared, connection, since, None);
    Ok(respond::sse(ResponseBody::log(stream)))
}

/// The response to a call that is over and has said nothing but a short answer, where it is to be a
/// stream: it is kept in the session's log, but needs no cursor. None if it is not so.
fn stream_at_once(
    shared: &Arc<Shared>,
    call: &mut Call,
    session: &Arc<Session>,
) -> Option<Response<ResponseBody>> {
    if !call.says_only_its_answer() {
        return None;
    }
    // If the session has ended, what that means is settled with the other cases.
    call.ensure_ticket(session).ok()?;
    let state = std::mem::replace(&mut call.state, CallState::Gone);
    let (CallState::Done(message), Some(ticket)) = (state, call.ticket.take()) else {
        unreachable!("a call that says only its answer has one, and by now a ticket");
    };
    if !shared.registry.budget().has_last_room(message.len()) {
        shared.relieve();
    }
    let given = match ticket.give(message) {
        Ok(given) => given,
        Err((ticket, message)) => {
            (call.ticket, call.state) = (Some(ticket), CallState::Done(message));
            return None;
        }
    };
    let answer = Event::message(Some(given.id), given.message);
    let retry = shared.registry.limits().retry;
    Some(match given.priming {
        Some(id) => respond::stream_at_once(shared, &[Event::priming(id, retry), answer]),
        None => respond::stream_at_once(shared, &[answer]),
    })
}

/// A session that the server took with it was good: its client is not to think otherwise.
fn told_of_the_end(refusal: Refusal, session: &Session) -> Refusal {
    match session.ended_by() {
        Some(End::ShutDown) => Reason::Draining.into(),
        _ => refusal,
    }
}

impl Call {
    /// Whether it has an answer that is short, and has said nothing before. From then on it cannot.
    fn says_only_its_answer(&self) -> bool {
        let CallState::Done(message) = &self.state else { return false };
        let unsaid = || self.cx().is_none_or(|cx| cx.outbox().close_unsaid());
        message.len() < SHARED_FROM && unsaid()
    }

    /// Runs it as far as it goes without waiting. Whether it is over, and JSON can carry its answer.
    fn is_over_at_once(&mut self, framing: Framing) -> bool {
        if let (Framing::JsonOnly, Some(cx)) = (framing, self.cx()) {
            cx.outbox().discard();
        }
        if let CallState::Running(running) = &mut self.state {
            let Some(outcome) = running.run_if_woken() else { return false };
            let message = self.answer.encode(outcome);
            self.finish(CallState::Done(message));
        }
        match self.cx() {
            Some(cx) => !framing.ends_as_stream(cx),
            None => framing != Framing::SseOnly,
        }
    }

    /// From here on the call speaks into its session's log, in a task of its own if it runs on:
    /// it does not end with the connection.
    fn stream_into_log(mut self, shared: &Arc<Shared>) {
        let Some(ticket) = &self.ticket else { return };
        if let Some(cx) = self.cx() {
            cx.outbox().forward_to(Arc::new(LogSink(ticket.sender(), Arc::clone(shared))));
        }
        if let CallState::Running(_) = self.state {
            let shared = Arc::clone(shared);
            tokio::spawn(in_same_span(async move {
                poll_fn(|task| self.poll(task)).await;
                self.end(&shared);
            }));
        } else {
            self.end(shared);
        }
    }

    fn end(mut self, shared: &Shared) {
        let Some(ticket) = self.ticket.take() else { return };
        if let Some(cx) = self.cx() {
            cx.outbox().close();
        }
        if let CallState::Done(message) = std::mem::replace(&mut self.state, CallState::Gone) {
            // What others left unread goes before an answer does.
            if !shared.registry.budget().has_last_room(message.len()) {
                shared.relieve();
            }
            // Where it is too late for it, the session has counted it.
            ticket.answer(message);
        }
    }
}

/// The log of a call's stream, as its outbox sees it.
struct LogSink(CallSender, Arc<Shared>);

impl Sink for LogSink {
    fn send(&self, message: Outgoing) -> Result<(), NoRoom> {
        let kind = match message.kind {
            OutgoingKind::Progress => Kind::Progress,
            OutgoingKind::Log => Kind::Notification,
            OutgoingKind::Dropped(_) => Kind::Marker,
            // If there is no room for it, who asked is told.
            OutgoingKind::Request(id) => {
                self.0.send_request(id, message.bytes);
                return Ok(());
            }
        };
        match self.0.send(kind, message.bytes) {
            Sent::Refused(_) => Err(NoRoom),
            // What came too late is counted by the session.
            Sent::Logged | Sent::Unbound | Sent::Discarded => Ok(()),
        }
    }

    fn close_stream(&self) {
        // In a drain the client would come back to nobody.
        if !self.1.drain.is_draining() {
            self.0.close_stream();
        }
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.0.has_room(bytes)
    }
}

/// The response to a call without a session: a stream that cannot be resumed.
fn stream_request(
    shared: &Arc<Shared>,
    mut begun: Begun,
    framing: Framing,
) -> Response<ResponseBody> {
    let Some(mut call) = begun.calls.pop() else { return answer::nothing(framing) };
    let id = call.answer.id.clone();
    let cx = call.cx().cloned();
    let stream = match (std::mem::replace(&mut call.state, CallState::Gone), cx) {
        (CallState::Gone, _) => return answer::nothing(framing),
        (CallState::Done(message), None) => return respond::stream([message]),
        (CallState::Done(message), Some(cx))
            if message.len() < SHARED_FROM && cx.outbox().close_unsaid() =>
        {
            return respond::stream_at_once(shared, &[Event::message(None, message)]);
        }
        (CallState::Done(message), Some(cx)) => RequestStream::ready(shared, cx, id, message),
        // What runs has a context.
        (CallState::Running(_), None) => return answer::nothing(framing),
        (running @ CallState::Running(_), Some(cx)) => {
            call.state = running;
            let answered = async move {
                poll_fn(|task| call.poll(task)).await;
                match std::mem::replace(&mut call.state, CallState::Gone) {
                    CallState::Done(message) => message,
                    _ => call.answer.error(&RpcError::internal("The call was cancelled")),
                }
            };
            RequestStream::running(shared, cx, id, answered, Disconnect::Detaches)
        }
    };
    respond::sse(ResponseBody::request(stream))
}
