//! Responses, each made in one place.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::body::ResponseBody;
use super::commit::Framing;
use super::counters::StreamKind;
use super::service::Shared;
use crate::protocol::refusal::Refusal;
use crate::protocol::sse::{self, Event};

// Constants, so that no text is looked through for each response.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache, no-transform");
const NO: HeaderValue = HeaderValue::from_static("no");
static ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A JSON-RPC message as JSON, its length known.
pub(crate) fn json(status: StatusCode, message: Bytes) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(message));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// A stream of events.
///
/// Nothing in front may keep it back, change it, or store it: 2026-07-28, Streamable HTTP,
/// Receiving Messages: "servers SHOULD include the `X-Accel-Buffering: no` header".
pub(crate) fn sse(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    headers.insert(&ACCEL_BUFFERING, NO);
    response
}

/// A message that was ready at once, framed as the client takes it.
pub(crate) fn at_once(framing: Framing, message: Bytes) -> Response<ResponseBody> {
    match framing {
        Framing::SseOnly => stream([message]),
        Framing::Adaptive | Framing::JsonOnly => json(StatusCode::OK, message),
    }
}

/// A stream of messages that are all there, for a client that takes nothing but streams.
pub(crate) fn stream(messages: impl IntoIterator<Item = Bytes>) -> Response<ResponseBody> {
    let events: Vec<_> = messages.into_iter().map(|it| Event::message(None, it)).collect();
    sse(ResponseBody::full(sse::in_one_piece(&events)))
}

/// The stream of a call that is over and has said nothing but its answer, which is short: there is
/// nothing to wait for, so it goes out in one piece and needs neither a timer nor a watch.
pub(crate) fn stream_at_once(shared: &Shared, events: &[Event]) -> Response<ResponseBody> {
    shared.counters.streamed_at_once(StreamKind::Call);
    sse(ResponseBody::stream(sse::in_one_piece(events)))
}

/// 202 with no body: a notification or a response was taken (2025-11-25, Transports, Sending
/// Messages to the Server, 4).
pub(crate) fn accepted() -> Response<ResponseBody> {
    empty(StatusCode::ACCEPTED)
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::empty());
    *response.status_mut() = status;
    response
}

/// The response that a refusal is.
pub(crate) fn refusal(refusal: Refusal) -> Response<ResponseBody> {
    let (status, headers, body) = refusal.into_parts();
    let mut response = json(status, body);
    response.headers_mut().extend(headers);
    response
}
