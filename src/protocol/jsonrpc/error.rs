//! JSON-RPC error codes and error objects.

use serde::Serialize;
use serde_json::Value;

/// The codes that this crate sends. JSON-RPC 2.0 defines the first five; 2026-07-28 (Base
/// Protocol, Error Codes) the last three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ErrorCode {
    /// The body is not JSON.
    ParseError,
    /// The body is JSON but no JSON-RPC message that may stand here.
    InvalidRequest,
    /// The method does not exist.
    MethodNotFound,
    /// The parameters do not fit the method.
    InvalidParams,
    /// The server failed.
    InternalError,
    /// Headers and body disagree (2026-07-28).
    HeaderMismatch,
    /// The client lacks a capability that the request needs (2026-07-28).
    MissingRequiredClientCapability,
    /// The server does not speak the version asked for (2026-07-28).
    UnsupportedProtocolVersion,
    /// A code of the application's own.
    Other(i32),
}

impl ErrorCode {
    pub(crate) const fn as_i32(self) -> i32 {
        match self {
            Self::ParseError => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams => -32602,
            Self::InternalError => -32603,
            Self::HeaderMismatch => -32020,
            Self::MissingRequiredClientCapability => -32021,
            Self::UnsupportedProtocolVersion => -32022,
            Self::Other(code) => code,
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(self.as_i32())
    }
}

/// The `error` member of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RpcError {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Box<Value>>,
}

impl RpcError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub(crate) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(Box::new(data));
        self
    }

    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParams, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InternalError, message)
    }

    pub(crate) fn method_not_found(method: &str) -> Self {
        Self::new(ErrorCode::MethodNotFound, format!("Method not found: {}", excerpt(method)))
    }
}

/// What a peer sent, fit to stand in a message: at most 64 characters, control characters shown
/// by their escapes.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(64).flat_map(char::escape_debug).collect();
    if text.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON-RPC 2.0, section 5.1; 2026-07-28, Base Protocol, Error Codes.
    #[test]
    fn the_codes_are_those_of_the_specifications() {
        for (code, expected) in [
            (ErrorCode::ParseError, -32700),
            (ErrorCode::InvalidRequest, -32600),
            (ErrorCode::MethodNotFound, -32601),
            (ErrorCode::InvalidParams, -32602),
            (ErrorCode::InternalError, -32603),
            (ErrorCode::HeaderMismatch, -32020),
            (ErrorCode::MissingRequiredClientCapability, -32021),
            (ErrorCode::UnsupportedProtocolVersion, -32022),
            (ErrorCode::Other(7), 7),
        ] {
            assert_eq!(code.as_i32(), expected);
            assert_eq!(serde_json::to_value(code).unwrap(), expected);
        }
    }

    #[test]
    fn an_excerpt_is_short_and_has_no_control_characters() {
        assert_eq!(excerpt("a\r\nb"), "a\\r\\nb");
        assert_eq!(excerpt(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(excerpt(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
    }
}
