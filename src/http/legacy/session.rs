//! The beginning and the end of a session.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::http::body::ResponseBody;
use crate::http::builder::LegacySessions;
use crate::http::endpoint::Admitted;
use crate::http::service::Shared;
use crate::http::{observe, respond};
use crate::protocol::classify::session_id;
use crate::protocol::client_addr::AddressBlock;
use crate::protocol::head::SESSION_ID;
use crate::protocol::jsonrpc::{
    Request, RequestId, RpcError, SOME_MEMBERS, encode_error, encode_result, string,
};
use crate::protocol::legacy::{AtCapacity, Ending, Lookup, Opening, Session, SessionId};
use crate::protocol::media;
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::version::{Era, ProtocolVersion};

/// Opens a session (2025-11-25, Lifecycle, Initialization).
///
/// The answer is ready at once, so it is JSON unless the client takes streams alone.
pub(crate) fn initialize(
    shared: &Arc<Shared>,
    admitted: &Admitted<'_>,
    request: &Request<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    let accepted = media::framings(admitted.headers);
    let framing = shared.options.framing.narrowed(accepted);
    let respond = |message: Bytes| respond::at_once(framing, message);
    let opening = match opening(admitted, request) {
        Ok(opening) => opening,
        Err(error) => return Ok(respond(encode_error(Some(&request.id), &error))),
    };
    let message = result(shared, &request.id, opening.version);
    if shared.options.legacy == LegacySessions::None {
        return Ok(respond(message));
    }
    let refuse = |reason: Reason| Refusal::from(reason).for_request(Some(request.id.clone()));
    if shared.drain.is_draining() {
        return Err(refuse(Reason::Draining));
    }
    if !shared.has_memory() {
        return Err(refuse(Reason::OutOfMemory));
    }
    let session = open(shared, opening).map_err(|full| refuse(full.into()))?;
    shared.counters.sessions_opened.add(1);
    let mut response = respond(message);
    response.headers_mut().insert(&SESSION_ID, session.id().to_header());
    Ok(response)
}

/// The `InitializeResult`.
fn result(shared: &Shared, id: &RequestId, version: ProtocolVersion) -> Bytes {
    let server = &shared.server;
    let encoded = encode_result(id, SOME_MEMBERS, |object| {
        object.member("protocolVersion", version.as_str())?;
        let capabilities = server.capabilities().announcing(shared.announced.legacy);
        let capabilities = match shared.options.legacy {
            LegacySessions::Kept => capabilities,
            LegacySessions::None => capabilities.without_logging(),
        };
        object.member("capabilities", &capabilities)?;
        object.member("serverInfo", &server.implementation(version))?;
        match server.instructions() {
            Some(instructions) => object.member("instructions", instructions),
            None => Ok(()),
        }
    });
    encoded.expect("strings and objects are JSON")
}

/// Reads what `initialize` settles.
fn opening(admitted: &Admitted<'_>, request: &Request<'_>) -> Result<Opening, RpcError> {
    let params = &request.params;
    let Some(requested) = params.get("protocolVersion").and_then(string) else {
        return Err(RpcError::invalid_params("`protocolVersion` must be a string"));
    };
    let object = |key: &str| match params.get(key) {
        Some(raw) if raw.is_object() => Ok(Some(Bytes::copy_from_slice(raw.get().as_bytes()))),
        None => Ok(None),
        Some(_) => Err(RpcError::invalid_params(format!("`{key}` must be an object"))),
    };
    Ok(Opening {
        version: negotiate(&requested),
        principal: admitted.principal.clone(),
        address: admitted.head.client_addr().map(AddressBlock::from),
        client_info: object("clientInfo")?,
        client_capabilities: object("capabilities")?,
    })
}

/// 2025-11-25, Lifecycle, Version Negotiation: "If the server supports the requested protocol
/// version, it MUST respond with the same version. Otherwise, the server MUST respond with another
/// protocol version it supports. This SHOULD be the latest version supported by the server": the
/// latest that `initialize` can open.
fn negotiate(requested: &str) -> ProtocolVersion {
    match requested.parse::<ProtocolVersion>() {
        Ok(version) if version.era() == Era::Legacy => version,
        _ => ProtocolVersion::LATEST_LEGACY,
    }
}

/// An operating system without randomness is one that can hold no more sessions.
fn open(shared: &Arc<Shared>, opening: Opening) -> Result<Arc<Session>, AtCapacity> {
    let mut random = [0; SessionId::BYTES];
    getrandom::fill(&mut random).map_err(|_| AtCapacity::InAll)?;
    let session = shared.registry.open(SessionId::from_random(random), opening)?;
    shared.ensure_sweeper();
    observe::session_opened(session.version());
    Ok(session)
}

impl From<AtCapacity> for Reason {
    fn from(full: AtCapacity) -> Self {
        match full {
            AtCapacity::InAll | AtCapacity::OfPrincipal => Self::TooManySessions,
            AtCapacity::OfAddress => Self::TooManySessionsOfAddress,
        }
    }
}

/// Finds the session that a request names.
///
/// # Errors
///
/// 400 if it names none, 404 if there is no such session for this principal (2025-11-25,
/// Transports, Session Management, 2 and 3).
pub(super) fn find(shared: &Shared, admitted: &Admitted<'_>) -> Result<Arc<Session>, Refusal> {
    let Some(id) = session_id(admitted.headers)? else {
        return Err(Reason::SessionRequired.into());
    };
    let Ok(id) = id.parse::<SessionId>() else { return Err(Reason::SessionUnknown.into()) };
    match shared.registry.find(&id, &admitted.principal) {
        Lookup::Live(session) => Ok(session),
        Lookup::Ended | Lookup::Unknown => Err(Reason::SessionUnknown.into()),
    }
}

/// Ends a session (2025-11-25, Transports, Session Management, 5).
pub(crate) fn delete(
    shared: &Arc<Shared>,
    admitted: &Admitted<'_>,
) -> Result<Response<ResponseBody>, Refusal> {
    if shared.options.legacy == LegacySessions::None {
        return Err(Reason::SessionsNotOffered.into());
    }
    let session = find(shared, admitted)?;
    match shared.registry.end(&session.id(), &admitted.principal) {
        Ending::Done => {
            shared.counters.sessions_deleted.add(1);
            observe::sessions_ended("deleted", 1);
            Ok(respond::empty(StatusCode::NO_CONTENT))
        }
        // Someone else ended it since.
        Ending::Unknown => Err(Reason::SessionUnknown.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-25, Lifecycle, Version Negotiation.
    #[test]
    fn a_legacy_version_is_echoed_and_any_other_gets_the_newest_legacy_one() {
        for version in ProtocolVersion::ALL {
            let expected =
                if version.era() == Era::Legacy { version } else { ProtocolVersion::V2025_11_25 };
            assert_eq!(negotiate(version.as_str()), expected);
        }
        for unknown in ["", "2024-11-05", "1900-01-01", "2099-01-01", "latest"] {
            assert_eq!(negotiate(unknown), ProtocolVersion::V2025_11_25);
        }
    }
}
