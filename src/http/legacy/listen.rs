//! GET: the standalone stream, and the resumption of any stream.

use std::sync::Arc;

use http::Response;
use tokio::time::Instant;

use super::session::find;
use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::endpoint::Admitted;
use crate::http::log_stream::LogStream;
use crate::http::parked::ParkedPermit;
use crate::http::service::Shared;
use crate::http::{observe, respond};
use crate::protocol::head::{Field, LAST_EVENT_ID};
use crate::protocol::legacy::{Connection, Resumed, Session, SessionEnded};
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::sse::{EventId, StreamId};

/// Answers a GET (2025-11-25, Transports, Listening for Messages from the Server; Resumability and
/// Redelivery).
///
/// A `Last-Event-ID` that no stream of this server's could have sent is as good as none: to refuse
/// it would break clients that reconnect.
pub(crate) fn get(
    shared: &Arc<Shared>,
    admitted: &Admitted<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    if shared.options.legacy == LegacySessions::None {
        return Err(Reason::SessionsNotOffered.into());
    }
    let session = find(shared, admitted)?;
    let cursor = match Field::of(admitted.head.headers(), &LAST_EVENT_ID) {
        Field::Once(text) => text.parse::<EventId>().ok(),
        Field::Absent | Field::Bad => None,
    };
    if session.has_too_many_connections() {
        return Err(Reason::TooManyStreams.into());
    }
    let connection = match cursor {
        Some(cursor) if session.names_post(cursor) => resume(shared, &session, cursor)?,
        cursor => {
            let permit = park(shared, &session)?;
            let own = cursor.filter(|cursor| cursor.stream == StreamId::STANDALONE);
            let connection = match own {
                Some(cursor) => resume(shared, &session, cursor)?,
                None => session.open_standalone(shared.now()).map_err(|SessionEnded| gone())?,
            };
            debug_assert!(connection.is_standalone(), "what is of no POST stays so");
            connection.keep(permit);
            connection
        }
    };
    let stream = LogStream::new(shared, connection, Instant::now(), admitted.listener());
    Ok(respond::sse(ResponseBody::log(stream)))
}

fn resume(shared: &Shared, session: &Arc<Session>, cursor: EventId) -> Result<Connection, Refusal> {
    match session.resume(cursor, shared.now()) {
        Resumed::Attached(connection) => {
            shared.counters.resumed.add(1);
            observe::resumed();
            Ok(connection)
        }
        Resumed::Nothing => {
            shared.counters.resumed_too_late.add(1);
            observe::resumed_too_late();
            Err(Reason::StreamOver.into())
        }
        Resumed::Ended => Err(gone()),
    }
}

/// Admits a standalone stream, before it displaces another.
///
/// # Errors
///
/// 405 where it is not served, 503 while the server drains or if as many streams are parked as may.
/// A session that has one already may have a newer one in its place: its client has lost the old
/// one and may not know.
fn park(shared: &Shared, session: &Session) -> Result<ParkedPermit, Refusal> {
    if !shared.options.standalone_stream.is_served(shared.announced.legacy) {
        return Err(Reason::NoStandaloneStream.into());
    }
    if shared.drain.is_draining() {
        return Err(Reason::Draining.into());
    }
    let displaces =
        || session.is_listening().then(|| ParkedPermit::in_place_of_another(&shared.parked));
    let permit = ParkedPermit::take(&shared.parked).or_else(displaces);
    permit.ok_or_else(|| Reason::TooManyStreams.into())
}

fn gone() -> Refusal {
    Reason::SessionUnknown.into()
}
