//! GET: the standalone stream, and the resumption of any stream.

use std::sync::Arc;

use http::Response;

use super::session::find;
use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::endpoint::Admitted;
use crate::http::log_stream::{LogStream, Purpose};
use crate::http::respond;
use crate::http::serve::ShutdownSignal;
use crate::http::service::Shared;
use crate::protocol::head::{Field, LAST_EVENT_ID};
use crate::protocol::legacy::{Resumed, SessionEnded};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::EventId;

/// Answers a GET (2025-11-25, Transports, Listening for Messages from the Server; Resumability and
/// Redelivery).
///
/// A `Last-Event-ID` that no stream of this server's could have sent is as good as none: to refuse
/// it would break clients that reconnect.
pub(crate) fn get(
    shared: &Arc<Shared>,
    admitted: &Admitted,
) -> Result<Response<ResponseBody>, Refusal> {
    if shared.options.legacy == LegacySessions::None {
        return Err(Reason::SessionsNotOffered.into());
    }
    let session = find(shared, admitted)?;
    let cursor = match Field::of(admitted.head.headers(), &LAST_EVENT_ID) {
        Field::Once(text) => text.parse::<EventId>().ok(),
        Field::Absent | Field::Bad => None,
    };
    let now = shared.now();
    let (connection, purpose) = match cursor {
        None => {
            let connection = session
                .open_standalone(now)
                .map_err(|SessionEnded| Refusal::from(Reason::SessionUnknown))?;
            (connection, Purpose::Standalone)
        }
        Some(cursor) => match session.resume(cursor, now) {
            Resumed::Attached(connection) => {
                let purpose = match connection.is_standalone() {
                    true => Purpose::Standalone,
                    false => Purpose::Answers,
                };
                (connection, purpose)
            }
            Resumed::Nothing => return Err(Reason::StreamOver.into()),
            Resumed::Ended => return Err(Reason::SessionUnknown.into()),
        },
    };
    let shutdown = admitted.head.extensions().get::<ShutdownSignal>();
    let (heartbeat, retry) = (shared.options.heartbeat, shared.registry.limits().retry);
    let stream = LogStream::new(connection, purpose, heartbeat, retry, shutdown);
    Ok(respond::sse(ResponseBody::log(stream)))
}
