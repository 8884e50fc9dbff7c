//! The answers of the legacy era, as messages and as responses.

use bytes::Bytes;
use http::Response;

use crate::http::body::ResponseBody;
use crate::http::commit::Framing;
use crate::http::respond;
use crate::protocol::jsonrpc::{RequestId, RpcError, encode_error, encode_result};
use crate::protocol::sse;
use crate::protocol::version::ProtocolVersion;
use crate::server::Outcome;

/// Makes the answer to one request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) id: RequestId,
    pub(super) version: ProtocolVersion,
}

impl Answer {
    /// The answer as a message. Errors of accepted calls are answers like others (decision 15:
    /// they travel with HTTP 200).
    pub(super) fn encode(&self, outcome: Outcome) -> Bytes {
        let encoded = match outcome {
            Ok(reply) => encode_result(&self.id, reply.likely_len(self.version), |object| {
                if let Some(meta) = reply.meta() {
                    object.member("_meta", meta)?;
                }
                reply.write(self.version, object)
            })
            .map_err(|error| RpcError::internal(format!("The result is not JSON: {error}"))),
            Err(error) => Err(error),
        };
        encoded.unwrap_or_else(|error| self.error(&error))
    }

    pub(super) fn error(&self, error: &RpcError) -> Bytes {
        encode_error(Some(&self.id), error)
    }
}

/// The response to a call that was cancelled: a stream without an answer (2025-11-25,
/// Cancellation, Behavior Requirements: "Not send a response for the cancelled request"). A client
/// that takes no streams gets no body at all.
pub(super) fn nothing(framing: Framing) -> Response<ResponseBody> {
    match framing {
        Framing::JsonOnly => respond::accepted(),
        Framing::Adaptive | Framing::SseOnly => respond::sse(ResponseBody::full(sse::heartbeat())),
    }
}
