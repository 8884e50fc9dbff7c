//! GET: the standalone stream, and the resumption of any stream.

use std::sync::Arc;

use http::Response;
use tokio::time::Instant;

use super::session::find;
use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::endpoint::Admitted;
use crate::http::log_stream::LogStream;
use crate::http::respond;
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
    let standalone = || {
        if shared.drain.is_draining() {
            return Err(Refusal::from(Reason::Draining));
        }
        session.open_standalone(now).map_err(|SessionEnded| Reason::SessionUnknown.into())
    };
    let connection = match cursor {
        None => standalone()?,
        Some(cursor) => match session.resume(cursor, now) {
            Resumed::Attached(connection) => {
                shared.counters.resumed.add(1);
                connection
            }
            Resumed::Nothing => {
                shared.counters.resumed_too_late.add(1);
                return Err(Reason::StreamOver.into());
            }
            Resumed::Ended => return Err(Reason::SessionUnknown.into()),
        },
    };
    let stream = LogStream::new(shared, connection, Instant::now(), admitted.listener());
    Ok(respond::sse(ResponseBody::log(stream)))
}
