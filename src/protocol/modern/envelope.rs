//! The envelope of a modern request: its required `_meta`, and headers that say the same.

use std::borrow::Cow;

use super::headers::{self, BodyClaims};
use crate::protocol::head::Field;
use crate::protocol::jsonrpc::{
    CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL, PROTOCOL_VERSION, Raw, Request,
};
use crate::protocol::known_headers::{Known, KnownHeaders};
use crate::protocol::log_level::LogLevel;
use crate::protocol::refusal::{Reason, Refusal};
use crate::protocol::version::{Era, ProtocolVersion};

/// A request of the modern era that may be served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModernRequest<'r, 'a> {
    pub(crate) request: &'r Request<'a>,
    pub(crate) envelope: Envelope<'a>,
}

/// What its `_meta` says of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) version: ProtocolVersion,
    pub(crate) client_info: Option<Raw<'a>>,
    pub(crate) client_capabilities: Raw<'a>,
    pub(crate) log_level: Option<LogLevel>,
    pub(crate) progress_token: Option<Raw<'a>>,
}

/// Checks a modern request's headers against its body, and its required `_meta`.
///
/// # Errors
///
/// In this order: -32602 if `_meta` names no version; -32020 if the version header is missing or
/// says otherwise; -32022 if the version is not spoken here; -32020 if `Mcp-Method` or `Mcp-Name`
/// is missing or says otherwise; -32602 if another field of `_meta` is missing or wrong. All with
/// 400 (2026-07-28, Streamable HTTP, Server Validation; Base Protocol, `_meta`).
pub(crate) fn check<'r, 'a>(
    headers: &KnownHeaders<'_>,
    request: &'r Request<'a>,
) -> Result<ModernRequest<'r, 'a>, Refusal> {
    match checked(headers, request) {
        Ok(envelope) => Ok(ModernRequest { request, envelope }),
        Err(refusal) => Err(refusal.for_request(Some(request.id.clone()))),
    }
}

fn checked<'a>(headers: &KnownHeaders<'_>, request: &Request<'a>) -> Result<Envelope<'a>, Refusal> {
    let meta = request.params.meta();
    let requested = match meta.protocol_version.map(Raw::string) {
        Some(Some(requested)) => requested,
        Some(None) => {
            return Err(bad_meta(format!("`_meta[{PROTOCOL_VERSION}]` must be a string")));
        }
        None => return Err(missing(PROTOCOL_VERSION)),
    };
    let version = supported(headers, &requested)?;
    let name = headers::named_by(&request.method).and_then(|member| request.params.get_str(member));
    let claims = BodyClaims {
        method: &request.method,
        protocol_version: Some(&requested),
        name: name.as_deref(),
    };
    headers::check(headers, &claims)
        .map_err(|mismatch| Reason::HeaderMismatch { message: mismatch.to_string() })?;
    let version = version?;
    let client_capabilities = match meta.client_capabilities {
        None => return Err(missing(CLIENT_CAPABILITIES)),
        Some(raw) if raw.is_object() => raw,
        Some(_) => {
            return Err(bad_meta(format!("`_meta[{CLIENT_CAPABILITIES}]` must be an object")));
        }
    };
    if meta.client_info.is_some_and(|raw| !raw.is_object()) {
        return Err(bad_meta(format!("`_meta[{CLIENT_INFO}]` must be an object")));
    }
    let log_level = meta.log_level.map(log_level).transpose()?;
    let progress_token = meta.progress_token().map_err(bad_meta)?;
    let client_info = meta.client_info;
    Ok(Envelope { version, client_info, client_capabilities, log_level, progress_token })
}

/// The version asked for. That it is not spoken here is for later if the header says otherwise:
/// then neither can be trusted.
fn supported(
    headers: &KnownHeaders<'_>,
    requested: &str,
) -> Result<Result<ProtocolVersion, Refusal>, Refusal> {
    let version = requested.parse::<ProtocolVersion>().ok().filter(|v| v.era() == Era::Modern);
    match version {
        Some(version) => Ok(Ok(version)),
        None => {
            let refusal = Reason::UnsupportedVersion { requested: requested.to_owned() }.into();
            if headers.field(Known::Version) == Field::Once(requested) {
                Err(refusal)
            } else {
                Ok(Err(refusal))
            }
        }
    }
}

/// 2026-07-28, Logging, Error Handling: an unknown level SHOULD be refused with -32602.
fn log_level(raw: Raw<'_>) -> Result<LogLevel, Refusal> {
    raw.string()
        .and_then(|level| level.parse().ok())
        .ok_or_else(|| bad_meta(format!("`_meta[{LOG_LEVEL}]` must be a log level, such as info")))
}

fn missing(key: &str) -> Refusal {
    bad_meta(format!("`_meta[{key}]` is required on every request from 2026-07-28 on"))
}

fn bad_meta(message: impl Into<Cow<'static, str>>) -> Refusal {
    Reason::BadMeta { message: message.into() }.into()
}
