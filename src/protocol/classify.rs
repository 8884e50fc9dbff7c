//! The door: which era a request belongs to, decided once, from its head and its message alone.
//!
//! | what stands in the request | era |
//! |---|---|
//! | `_meta` names a protocol version | modern |
//! | the method is `initialize`, and `_meta` names no version | legacy |
//! | `MCP-Protocol-Version` is 2026-07-28 | modern |
//! | `MCP-Protocol-Version` is none that is spoken here | refused |
//! | else | legacy |
//!
//! Sources: 2026-07-28, Versioning, Backward Compatibility ("A request carrying modern
//! per-request `_meta` is served statelessly ... An `initialize` request selects legacy
//! semantics"); 2025-11-25, Transports, Protocol Version Header.

use http::Method;

use super::head::Field;
use super::jsonrpc::{Message, Parsed, Request, Response};
use super::known_headers::{Known, KnownHeaders, Line};
use super::modern::{self, ModernRequest};
use super::refusal::{Reason, Refusal};
use super::version::{Era, ProtocolVersion};

/// What the head alone decides.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// A message follows.
    Post,
    /// A legacy client listens or resumes.
    Get,
    /// A legacy client ends its session.
    Delete,
}

/// A posted message with its era.
#[derive(Debug)]
pub(crate) enum Posted<'r, 'a> {
    /// A request of the modern era, whose headers have been checked against its body.
    Modern(ModernRequest<'r, 'a>),
    /// A notification of the modern era: it is taken, and there is none that does anything
    /// (2026-07-28, Streamable HTTP, Sending Messages, Note).
    ModernNotification,
    /// The request that opens a legacy session.
    Initialize(&'r Request<'a>),
    /// All else of the legacy era.
    Legacy {
        /// What `MCP-Protocol-Version` says, if it was sent.
        version: Option<ProtocolVersion>,
    },
}

/// Decides what a head asks for.
///
/// # Errors
///
/// 405 for another method, and for GET and DELETE of a modern client; 400 for a version that is
/// not spoken here.
pub(crate) fn classify_head(method: &Method, headers: &KnownHeaders<'_>) -> Result<Verb, Refusal> {
    let verb = match *method {
        Method::POST => return Ok(Verb::Post),
        Method::GET => Verb::Get,
        Method::DELETE => Verb::Delete,
        _ => return Err(Reason::MethodNotAllowed.into()),
    };
    match header_version(headers)? {
        // 2026-07-28, Streamable HTTP, Earlier Revisions: "HTTP GET or DELETE to the MCP
        // endpoint: respond with 405 Method Not Allowed."
        Some(version) if version.era() == Era::Modern => Err(Reason::ModernMethodNotAllowed.into()),
        _ => Ok(verb),
    }
}

/// Decides what a posted body asks for.
///
/// # Errors
///
/// The refusals of the era that the message belongs to.
pub(crate) fn classify<'r, 'a>(
    headers: &KnownHeaders<'_>,
    parsed: &'r Parsed<'a>,
) -> Result<Posted<'r, 'a>, Refusal> {
    match parsed {
        Parsed::Single(Message::Request(request)) => classify_request(headers, request),
        Parsed::Single(message) => classify_other(headers, message),
        Parsed::Batch(items) => {
            let modern = |item: &Result<Message<'_>, _>| item.as_ref().is_ok_and(names_version);
            let version = header_version(headers)?;
            if is_modern(version) || items.iter().any(modern) {
                return Err(Reason::BatchNotAllowed.into());
            }
            Ok(Posted::Legacy { version })
        }
    }
}

/// The value of `Mcp-Session-Id`.
///
/// # Errors
///
/// 400 if it stands twice or is no visible ASCII.
pub(crate) fn session_id<'h>(headers: &KnownHeaders<'h>) -> Result<Option<&'h str>, Refusal> {
    match headers.field(Known::SessionId) {
        Field::Absent => Ok(None),
        Field::Once(id) => Ok(Some(id)),
        Field::Bad => Err(Reason::BadHeader { name: "Mcp-Session-Id" }.into()),
    }
}

fn classify_request<'r, 'a>(
    headers: &KnownHeaders<'_>,
    request: &'r Request<'a>,
) -> Result<Posted<'r, 'a>, Refusal> {
    if request.params.meta().protocol_version.is_some() {
        return modern::check(headers, request).map(Posted::Modern);
    }
    if request.method == "initialize" {
        // The version header is of later requests: on this one it says nothing.
        return Ok(Posted::Initialize(request));
    }
    match header_version(headers) {
        Ok(version) if is_modern(version) => modern::check(headers, request).map(Posted::Modern),
        Ok(version) => Ok(Posted::Legacy { version }),
        Err(refusal) => Err(refusal.for_request(Some(request.id.clone()))),
    }
}

fn classify_other<'r, 'a>(
    headers: &KnownHeaders<'_>,
    message: &Message<'a>,
) -> Result<Posted<'r, 'a>, Refusal> {
    if names_version(message) {
        return Ok(Posted::ModernNotification);
    }
    let version = header_version(headers)?;
    match message {
        Message::Response(Response { .. }) if is_modern(version) => {
            Err(Reason::ResponseNotAllowed.into())
        }
        _ if is_modern(version) => Ok(Posted::ModernNotification),
        _ => Ok(Posted::Legacy { version }),
    }
}

fn names_version(message: &Message<'_>) -> bool {
    let params = match message {
        Message::Request(request) => &request.params,
        Message::Notification(notification) => &notification.params,
        Message::Response(_) => return false,
    };
    params.meta().protocol_version.is_some()
}

fn is_modern(version: Option<ProtocolVersion>) -> bool {
    version.is_some_and(|version| version.era() == Era::Modern)
}

/// 2025-11-25, Transports, Protocol Version Header: "If the server receives a request with an
/// invalid or unsupported MCP-Protocol-Version, it MUST respond with 400 Bad Request."
fn header_version(headers: &KnownHeaders<'_>) -> Result<Option<ProtocolVersion>, Refusal> {
    if let Line::Once(value) = headers.line(Known::Version)
        && let Some(version) = ProtocolVersion::named(value.as_bytes())
    {
        return Ok(Some(version));
    }
    match headers.field(Known::Version) {
        Field::Absent => Ok(None),
        Field::Once(text) => Err(Reason::UnsupportedVersion { requested: text.to_owned() }.into()),
        Field::Bad => Err(Reason::BadHeader { name: "MCP-Protocol-Version" }.into()),
    }
}

#[cfg(test)]
mod tests;
