//! Responses, each made in one place.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};

use super::body::ResponseBody;
use super::commit::Framing;
use crate::protocol::refusal::Refusal;
use crate::protocol::sse::Event;

/// A JSON-RPC message as JSON, its length known.
pub(crate) fn json(status: StatusCode, message: Bytes) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(message));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// A stream of events.
///
/// Nothing in front may keep it back, change it, or store it: 2026-07-28, Streamable HTTP,
/// Receiving Messages: "servers SHOULD include the `X-Accel-Buffering: no` header".
pub(crate) fn sse(body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
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
    let frames = messages.into_iter().flat_map(|it| Event::message(None, it).into_frames());
    let bytes: Vec<u8> = frames.flatten().collect();
    sse(ResponseBody::full(bytes.into()))
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
