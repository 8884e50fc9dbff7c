//! GET: the standalone stream, and the resumption of any stream.

use std::sync::Arc;

use http::Response;

use super::session::find;
use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::endpoint::Admitted;
use crate::http::log_stream::{LogStream, Purpose};
use crate::http::parked::ParkedPermit;
use crate::http::respond;
use crate::http::serve::ShutdownSignal;
use crate::http::service::Shared;
use crate::protocol::head::{Field, LAST_EVENT_ID};
use crate::protocol::legacy::{Connection, Resumed, Session, SessionEnded};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{EventId, StreamId};
use crate::protocol::time::Millis;

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
    let shutdown = admitted.head.extensions().get::<ShutdownSignal>();
    let (heartbeat, retry) = (shared.options.heartbeat, shared.registry.limits().retry);
    let stream = match cursor {
        Some(cursor) if session.names_post(cursor) => {
            let connection = resume(&session, cursor, shared.now())?;
            debug_assert!(!connection.is_standalone(), "a cursor of a POST stream stays one");
            LogStream::new(connection, Purpose::Answers, heartbeat, retry, shutdown)
        }
        cursor => {
            let permit = park(shared, &session)?;
            let own = cursor.filter(|cursor| cursor.stream == StreamId::STANDALONE);
            let connection = match own {
                Some(cursor) => resume(&session, cursor, shared.now())?,
                None => session.open_standalone(shared.now()).map_err(|SessionEnded| gone())?,
            };
            LogStream::new(connection, Purpose::Standalone, heartbeat, retry, shutdown)
                .with_permit(permit)
        }
    };
    Ok(respond::sse(ResponseBody::log(stream)))
}

fn resume(session: &Arc<Session>, cursor: EventId, now: Millis) -> Result<Connection, Refusal> {
    match session.resume(cursor, now) {
        Resumed::Attached(connection) => Ok(connection),
        Resumed::Nothing => Err(Reason::StreamOver.into()),
        Resumed::Ended => Err(gone()),
    }
}

/// Admits a standalone stream, before it displaces another.
///
/// # Errors
///
/// 405 where it is not served, 503 if as many streams are parked as may. A session that has one
/// already may have a newer one in its place: its client has lost the old one and may not know.
fn park(shared: &Shared, session: &Session) -> Result<ParkedPermit, Refusal> {
    if !shared.options.standalone_stream.is_served(shared.announced.legacy) {
        return Err(Reason::NoStandaloneStream.into());
    }
    let displaces =
        || session.is_listening().then(|| ParkedPermit::in_place_of_another(&shared.parked));
    let permit = ParkedPermit::take(&shared.parked).or_else(displaces);
    permit.ok_or_else(|| Reason::TooManyStreams.into())
}

fn gone() -> Refusal {
    Reason::SessionUnknown.into()
}
