//! The error answers that a session itself gives to calls that can have no other.

use bytes::Bytes;
use serde_json::json;

use crate::protocol::jsonrpc::{RequestId, RpcError, encode_error};

/// Messages of the call's stream are gone, so that no replay would be whole.
pub(super) fn events_evicted(id: &RequestId) -> Bytes {
    answer(id, "Messages of this request are no longer available", "events_evicted")
}

/// The answer had no room, and its client is told so in its place.
pub(crate) fn no_room(id: &RequestId) -> Bytes {
    let message = "The server had no memory left to keep the answer: send the request again later";
    answer(id, message, "answer_evicted")
}

/// The server ends before the call does.
pub(crate) fn shutting_down(id: &RequestId) -> Bytes {
    let message = "The server shut down before the request was done: send it again";
    answer(id, message, "shutting_down")
}

/// The session ended while the call was in flight.
pub(crate) fn session_ended(id: &RequestId) -> Bytes {
    answer(id, "The session has ended", "session_ended")
}

/// The handler is gone and left no answer.
pub(super) fn unanswered(id: &RequestId) -> Bytes {
    answer(id, "The request was not answered", "unanswered")
}

fn answer(id: &RequestId, message: &str, reason: &str) -> Bytes {
    encode_error(Some(id), &RpcError::internal(message).with_data(json!({ "reason": reason })))
}
