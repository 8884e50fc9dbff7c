//! Every refusal, in one table: what is wrong -> HTTP status, JSON-RPC code and message.
//!
//! Nothing else in the crate makes an error response. A refusal is what the transport says
//! before, or instead of, dispatching a message; the error of a call that was accepted is the
//! dispatcher's and travels as its answer.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::jsonrpc::{ErrorCode, Invalid, RequestId, RpcError, encode_error, excerpt};
use super::version::ProtocolVersion;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reason {
    /// The body is no JSON-RPC message (JSON-RPC 2.0, section 5.1).
    Malformed { code: ErrorCode, message: Cow<'static, str> },
    /// The path is not the endpoint's.
    NotTheEndpoint,
    /// `Host` is missing, stands twice, or names no host (RFC 9112, section 3.2).
    BadHost,
    /// `Host` is not on the allowlist.
    HostNotAllowed,
    /// `Origin` is not on the allowlist (all revisions, Security Warning, 1).
    OriginNotAllowed,
    /// The application asks for a credential.
    Unauthorized,
    /// The application refuses the caller.
    Forbidden,
    /// The method is none of the endpoint's.
    MethodNotAllowed,
    /// GET or DELETE of a modern client (2026-07-28, Streamable HTTP, Earlier Revisions).
    ModernMethodNotAllowed,
    /// GET or DELETE where legacy clients are served without sessions.
    SessionsNotOffered,
    /// GET for a stream that has nothing more to say, ever: the answer that ends a client's
    /// polling (2025-11-25, Transports, Listening for Messages, 3).
    StreamOver,
    /// GET of the standalone stream where nothing would ever be said on it (2025-11-25,
    /// Transports, Listening for Messages, 3). A GET that resumes a call's stream is served.
    NoStandaloneStream,
    /// A response that can only be a stream, to a client that takes none.
    StreamNotAccepted,
    /// `Content-Type` is not `application/json`.
    UnsupportedMediaType,
    /// The body is longer than the limit, in bytes.
    BodyTooLarge { limit: usize },
    /// The body took longer than the deadline.
    BodyTimeout { limit: Duration },
    /// The body broke off.
    BodyBroken,
    /// No `Mcp-Session-Id` (2025-11-25, Transports, Session Management, 2).
    SessionRequired,
    /// No such session, or it has ended (2025-11-25, Transports, Session Management, 3).
    SessionUnknown,
    /// A header that must stand once stands twice, or cannot be read.
    BadHeader { name: &'static str },
    /// The version is none that this server speaks.
    UnsupportedVersion { requested: String },
    /// A modern header is missing, malformed or not what the body says: the whole message.
    HeaderMismatch { message: String },
    /// A modern request lacks a required field of `_meta`, or has it wrong.
    BadMeta { message: Cow<'static, str> },
    /// A batch after 2025-03-26.
    BatchNotAllowed,
    /// A modern client posted a response (2026-07-28, Streamable HTTP, Sending Messages, 4).
    ResponseNotAllowed,
    /// A modern request asks for a method that does not exist.
    MethodNotFound { error: RpcError },
    /// A modern request needs a capability that the client did not declare.
    MissingCapability { error: RpcError },
    /// The application took too long to say which tool is meant.
    LookupTimeout { limit: Duration },
    /// The application failed where it must not.
    AdmissionFailed,
    /// No room for one more session.
    TooManySessions,
    /// Anonymous callers have as many sessions from this address as they may.
    TooManySessionsOfAddress,
    /// The server ends: no new session or stream.
    Draining,
    /// As many bytes are held as may be.
    OutOfMemory,
    /// No room for one more call.
    TooManyCalls,
    /// No room for one more task.
    TooManyTasks,
    /// The caller has as many tasks as it may.
    TooManyTasksOfCaller,
    /// The results of tasks are as long as they may be together.
    TooManyTaskBytes,
    /// No room for one more stream that waits for what may come.
    TooManyStreams,
}

/// One row of the table.
struct Row {
    status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
}

impl Reason {
    /// The table.
    fn row(&self) -> Row {
        use ErrorCode::{HeaderMismatch, InternalError, InvalidParams, InvalidRequest};
        use StatusCode as S;
        match self {
            Self::Malformed { code, message } => row(S::BAD_REQUEST, *code, message.clone()),
            Self::NotTheEndpoint => {
                row(S::NOT_FOUND, InvalidRequest, "Not the MCP endpoint: check the path of the URL")
            }
            Self::BadHost => {
                row(S::BAD_REQUEST, InvalidRequest, "Host must stand once and name a host")
            }
            Self::HostNotAllowed => row(
                S::FORBIDDEN,
                InvalidRequest,
                "Host not allowed: the server must be told the names it is reached by",
            ),
            Self::OriginNotAllowed => row(
                S::FORBIDDEN,
                InvalidRequest,
                "Origin not allowed: the server must be told the origins of the pages that may call it",
            ),
            Self::Unauthorized => row(S::UNAUTHORIZED, InvalidRequest, "Unauthorized"),
            Self::Forbidden => row(S::FORBIDDEN, InvalidRequest, "Forbidden"),
            Self::MethodNotAllowed => row(
                S::METHOD_NOT_ALLOWED,
                InvalidRequest,
                "Method not allowed: send POST, GET or DELETE",
            ),
            Self::ModernMethodNotAllowed => row(
                S::METHOD_NOT_ALLOWED,
                InvalidRequest,
                "Method not allowed: from 2026-07-28 on, every message is a POST",
            ),
            Self::SessionsNotOffered => row(
                S::METHOD_NOT_ALLOWED,
                InvalidRequest,
                "Method not allowed: this server keeps no sessions, send POST",
            ),
            Self::StreamOver => row(
                S::METHOD_NOT_ALLOWED,
                InvalidRequest,
                "The stream is over: its call was cancelled, and nothing more will come",
            ),
            Self::NoStandaloneStream => row(
                S::METHOD_NOT_ALLOWED,
                InvalidRequest,
                "Method not allowed: this server says nothing but in answer to calls, and GET is \
                 served with the Last-Event-ID of a call's stream alone",
            ),
            Self::StreamNotAccepted => row(
                S::NOT_ACCEPTABLE,
                InvalidRequest,
                "The answer is a stream: send Accept: application/json, text/event-stream",
            ),
            Self::UnsupportedMediaType => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                InvalidRequest,
                "Unsupported media type: send the message with Content-Type: application/json",
            ),
            Self::BodyTooLarge { limit } => row(
                S::PAYLOAD_TOO_LARGE,
                InvalidRequest,
                format!("The body is longer than {limit} bytes: send less"),
            ),
            Self::BodyTimeout { limit } => row(
                S::REQUEST_TIMEOUT,
                InvalidRequest,
                format!("The body did not arrive within {limit:?}: send it again"),
            ),
            Self::BodyBroken => {
                row(S::BAD_REQUEST, InvalidRequest, "The body broke off: send it again")
            }
            Self::SessionRequired => row(
                S::BAD_REQUEST,
                InvalidRequest,
                "Mcp-Session-Id is missing: send the id that the answer to initialize carried",
            ),
            Self::SessionUnknown => row(
                S::NOT_FOUND,
                InvalidRequest,
                "Session not found: it has ended or never was, send initialize to begin another",
            ),
            Self::BadHeader { name } => row(
                S::BAD_REQUEST,
                InvalidRequest,
                format!("{name} must stand once, in visible ASCII"),
            ),
            Self::UnsupportedVersion { requested } => row(
                S::BAD_REQUEST,
                ErrorCode::UnsupportedProtocolVersion,
                format!("Unsupported protocol version: {}", excerpt(requested)),
            ),
            Self::HeaderMismatch { message } => {
                row(S::BAD_REQUEST, HeaderMismatch, message.clone())
            }
            Self::BadMeta { message } => row(S::BAD_REQUEST, InvalidParams, message.clone()),
            Self::BatchNotAllowed => row(
                S::BAD_REQUEST,
                InvalidRequest,
                "Batches are of protocol version 2025-03-26 alone: send one message a request",
            ),
            Self::ResponseNotAllowed => row(
                S::BAD_REQUEST,
                InvalidRequest,
                "Clients send no responses from 2026-07-28 on: put them in inputResponses",
            ),
            Self::MethodNotFound { error } => row(S::NOT_FOUND, error.code, error.message.clone()),
            Self::MissingCapability { error } => {
                row(S::BAD_REQUEST, error.code, error.message.clone())
            }
            Self::LookupTimeout { limit } => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                format!("The tool was not found within {limit:?}: try again later"),
            ),
            Self::AdmissionFailed => row(
                S::INTERNAL_SERVER_ERROR,
                InternalError,
                "The server could not decide whether to admit the request",
            ),
            Self::Draining => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server is shutting down: send it again, to another instance",
            ),
            Self::OutOfMemory => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server holds as many bytes for slow readers as it may: try again later",
            ),
            Self::TooManySessions => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server holds as many sessions as it may: try again later",
            ),
            Self::TooManySessionsOfAddress => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "As many sessions as one address may have come from yours: end those that are done \
                 with DELETE, or try again later. If all clients seem to come from one address, a \
                 proxy is in front that the server was not told of (trusted_hops)",
            ),
            Self::TooManyCalls => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server runs as many calls as it may: try again later",
            ),
            Self::TooManyTasks => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server keeps as many tasks as it may: try again later",
            ),
            Self::TooManyTasksOfCaller => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "You have as many tasks as one caller may: they count until their time to live has \
                 passed, try again then",
            ),
            Self::TooManyTaskBytes => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server keeps as many bytes of results of tasks as it may: try again later",
            ),
            Self::TooManyStreams => row(
                S::SERVICE_UNAVAILABLE,
                InternalError,
                "The server holds as many open streams as it may: try again later",
            ),
        }
    }

    /// The reason as metrics name it.
    fn name(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::NotTheEndpoint => "not_the_endpoint",
            Self::BadHost => "bad_host",
            Self::HostNotAllowed => "host_not_allowed",
            Self::OriginNotAllowed => "origin_not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::MethodNotAllowed | Self::ModernMethodNotAllowed | Self::SessionsNotOffered => {
                "method_not_allowed"
            }
            Self::StreamOver => "stream_over",
            Self::NoStandaloneStream => "no_standalone_stream",
            Self::StreamNotAccepted => "stream_not_accepted",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTimeout { .. } => "body_timeout",
            Self::BodyBroken => "body_broken",
            Self::SessionRequired => "session_required",
            Self::SessionUnknown => "session_unknown",
            Self::BadHeader { .. } => "bad_header",
            Self::UnsupportedVersion { .. } => "unsupported_version",
            Self::HeaderMismatch { .. } => "header_mismatch",
            Self::BadMeta { .. } => "bad_meta",
            Self::BatchNotAllowed => "batch_not_allowed",
            Self::ResponseNotAllowed => "response_not_allowed",
            Self::MethodNotFound { .. } => "method_not_found",
            Self::MissingCapability { .. } => "missing_capability",
            Self::LookupTimeout { .. } => "lookup_timeout",
            Self::AdmissionFailed => "admission_failed",
            Self::TooManySessions => "too_many_sessions",
            Self::TooManySessionsOfAddress => "too_many_sessions_of_address",
            Self::TooManyCalls => "too_many_calls",
            Self::TooManyStreams => "too_many_streams",
            Self::TooManyTasks => "too_many_tasks",
            Self::TooManyTasksOfCaller => "too_many_tasks_of_caller",
            Self::TooManyTaskBytes => "too_many_task_bytes",
            Self::Draining => "draining",
            Self::OutOfMemory => "out_of_memory",
        }
    }

    fn data(&self) -> Option<Value> {
        match self {
            // 2026-07-28, Versioning, Protocol Version Negotiation.
            Self::UnsupportedVersion { requested } => Some(json!({
                "supported": ProtocolVersion::ALL.map(ProtocolVersion::as_str),
                "requested": excerpt(requested),
            })),
            Self::MissingCapability { error } => error.data.as_deref().cloned(),
            _ => None,
        }
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            // RFC 9110, 15.5.6: a 405 must carry Allow.
            Self::MethodNotAllowed => vec![allow("POST, GET, DELETE, OPTIONS")],
            Self::ModernMethodNotAllowed | Self::SessionsNotOffered => vec![allow("POST, OPTIONS")],
            Self::StreamOver => vec![allow("POST, GET, DELETE, OPTIONS")],
            Self::NoStandaloneStream => vec![allow("POST, DELETE, OPTIONS")],
            Self::TooManySessions
            | Self::TooManySessionsOfAddress
            | Self::TooManyCalls
            | Self::TooManyStreams
            | Self::TooManyTasks
            | Self::TooManyTasksOfCaller
            | Self::TooManyTaskBytes
            | Self::OutOfMemory
            | Self::LookupTimeout { .. } => {
                vec![(header::RETRY_AFTER, HeaderValue::from_static("5"))]
            }
            Self::Draining => vec![(header::RETRY_AFTER, HeaderValue::from_static("1"))],
            // The rest of the body may be on its way: the connection cannot be used again.
            Self::BodyTooLarge { .. } | Self::BodyTimeout { .. } | Self::BodyBroken => {
                vec![(header::CONNECTION, HeaderValue::from_static("close"))]
            }
            _ => Vec::new(),
        }
    }
}

fn row(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Row {
    Row { status, code, message: message.into() }
}

fn allow(methods: &'static str) -> (HeaderName, HeaderValue) {
    (header::ALLOW, HeaderValue::from_static(methods))
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { inner: Box::new(Inner { reason, id: None, message: None, headers: Vec::new() }) }
    }
}

impl From<Invalid> for Refusal {
    fn from(Invalid { code, id, message }: Invalid) -> Self {
        Refusal::from(Reason::Malformed { code, message }).for_request(id)
    }
}

/// The refusal of a request, as [`admit`](crate::McpServiceBuilder::admit) may answer it.
///
/// It becomes an HTTP response whose body is a JSON-RPC error without an id.
///
/// ```
/// use http::header::{HeaderValue, WWW_AUTHENTICATE};
/// use mcp_http::Refusal;
///
/// let refusal = Refusal::unauthorized("The token has expired").with_header(
///     WWW_AUTHENTICATE,
///     HeaderValue::from_static("Bearer error=\"invalid_token\""),
/// );
/// assert_eq!(refusal.status(), 401);
/// ```
#[derive(Clone, Debug)]
pub struct Refusal {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    reason: Reason,
    id: Option<RequestId>,
    message: Option<Cow<'static, str>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// 401: the caller must present a credential, or another one.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::from(Reason::Unauthorized).with_message(message)
    }

    /// 403: the caller is known and may not.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::from(Reason::Forbidden).with_message(message)
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.inner.headers.push((name, value));
        self
    }

    fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.inner.message = Some(message.into());
        self
    }

    /// The HTTP status that the refusal travels with.
    pub fn status(&self) -> StatusCode {
        self.inner.reason.row().status
    }

    /// The reason as metrics name it.
    pub(crate) fn name(&self) -> &'static str {
        self.inner.reason.name()
    }

    /// Names the request that is refused.
    pub(crate) fn for_request(mut self, id: Option<RequestId>) -> Self {
        self.inner.id = id;
        self
    }

    /// The JSON-RPC error, as the element of a batch needs it.
    pub(crate) fn body(&self) -> Bytes {
        let Row { code, message, .. } = self.inner.reason.row();
        let message = self.inner.message.clone().unwrap_or(message);
        let mut error = RpcError::new(code, message);
        error.data = self.inner.reason.data().map(Box::new);
        encode_error(self.inner.id.as_ref(), &error)
    }

    /// The whole response: status, headers beyond the content's own, and body.
    pub(crate) fn into_parts(self) -> (StatusCode, HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        for (name, value) in
            self.inner.reason.headers().into_iter().chain(self.inner.headers.clone())
        {
            headers.append(name, value);
        }
        (self.status(), headers, self.body())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(refusal: &Refusal) -> Value {
        serde_json::from_slice(&refusal.body()).unwrap()
    }

    #[test]
    fn the_body_is_a_json_rpc_error_with_the_id_if_there_is_one() {
        let refusal = Refusal::from(Reason::SessionUnknown);
        assert_eq!(refusal.status(), 404);
        assert_eq!(body(&refusal)["error"]["code"], -32600);
        assert_eq!(body(&refusal).get("id"), None);
        let refusal = refusal.for_request(Some(RequestId::from(4)));
        assert_eq!(body(&refusal)["id"], 4);
    }

    /// 2026-07-28, Versioning: the error lists `supported` and `requested`.
    #[test]
    fn an_unsupported_version_is_told_what_is_supported() {
        let refusal = Refusal::from(Reason::UnsupportedVersion { requested: "1900-01-01".into() });
        let body = body(&refusal);
        assert_eq!(refusal.status(), 400);
        assert_eq!(body["error"]["code"], -32022);
        assert_eq!(body["error"]["data"]["requested"], "1900-01-01");
        assert_eq!(body["error"]["data"]["supported"][0], "2026-07-28");
    }

    /// RFC 9110, 15.5.6 and 10.2.3.
    /// 2026-07-28, Base Protocol, `_meta`: "`data.requiredCapabilities` lists the missing
    /// capabilities. On HTTP, the response status MUST be `400 Bad Request`."
    #[test]
    fn a_missing_capability_is_named_in_the_data() {
        let error = RpcError::new(ErrorCode::MissingRequiredClientCapability, "no sampling")
            .with_data(json!({"requiredCapabilities": {"sampling": {}}}));
        let refusal = Refusal::from(Reason::MissingCapability { error });
        let body = body(&refusal);
        assert_eq!(refusal.status(), 400);
        assert_eq!(body["error"]["code"], -32021);
        assert_eq!(body["error"]["message"], "no sampling");
        assert_eq!(body["error"]["data"], json!({"requiredCapabilities": {"sampling": {}}}));
    }

    #[test]
    fn statuses_that_demand_a_header_carry_it() {
        for reason in [
            Reason::MethodNotAllowed,
            Reason::ModernMethodNotAllowed,
            Reason::SessionsNotOffered,
            Reason::StreamOver,
            Reason::NoStandaloneStream,
        ] {
            let (status, headers, _) = Refusal::from(reason).into_parts();
            assert_eq!(status, 405);
            assert!(headers[header::ALLOW].to_str().unwrap().contains("POST"));
        }
        for reason in [
            Reason::TooManySessions,
            Reason::TooManySessionsOfAddress,
            Reason::TooManyCalls,
            Reason::TooManyStreams,
        ] {
            let (status, headers, _) = Refusal::from(reason).into_parts();
            assert_eq!(status, 503);
            assert_eq!(headers[header::RETRY_AFTER], "5");
        }
        for reason in [
            Reason::BodyTooLarge { limit: 1 },
            Reason::BodyTimeout { limit: Duration::ZERO },
            Reason::BodyBroken,
        ] {
            let (_, headers, _) = Refusal::from(reason).into_parts();
            assert_eq!(headers[header::CONNECTION], "close");
        }
    }

    #[test]
    fn an_applications_refusal_carries_its_words_and_headers() {
        let refusal = Refusal::unauthorized("no token")
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        assert_eq!(body(&refusal)["error"]["message"], "no token");
        let (status, headers, _) = refusal.into_parts();
        assert_eq!(
            (status, headers[header::WWW_AUTHENTICATE].as_bytes()),
            (StatusCode::UNAUTHORIZED, &b"Bearer"[..])
        );
        assert_eq!(Refusal::forbidden("x").status(), 403);
    }

    /// Decision 15: "a legacy 404 means the session and nothing else". The other two are a path
    /// that is no endpoint and 2026-07-28's unknown method.
    #[test]
    fn a_404_is_a_session_a_path_or_a_modern_method() {
        let is_404 = |reason: Reason| Refusal::from(reason).status() == 404;
        assert!(is_404(Reason::SessionUnknown) && is_404(Reason::NotTheEndpoint));
        assert!(is_404(Reason::MethodNotFound { error: RpcError::method_not_found("x") }));
        for reason in [
            Reason::SessionRequired,
            Reason::BatchNotAllowed,
            Reason::StreamOver,
            Reason::TooManySessions,
            Reason::BadHeader { name: "x" },
        ] {
            assert!(!is_404(reason));
        }
    }

    #[test]
    fn what_the_peer_sent_is_not_echoed_at_length() {
        let requested = "x".repeat(10_000);
        let refusal = Refusal::from(Reason::UnsupportedVersion { requested });
        assert!(refusal.body().len() < 600);
    }
}
