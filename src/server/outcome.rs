//! From the error of a handler to its answer.

use serde_json::json;

use super::ask::Asking;
use super::handler_error::{ErrorKind, HandlerError};
use super::raw::excerpt;
use super::resources::MAX_URI;
use super::result::CallToolResult;
use super::revision::Revision;
use crate::protocol::jsonrpc::{ErrorCode, RpcError};
use crate::protocol::version::ProtocolVersion;

/// At most so many bytes of a name that a client sent are told back.
const NAME_LIMIT: usize = 128;

/// The code of revisions before 2026-07-28.
const RESOURCE_NOT_FOUND: i32 = -32002;

/// The codes that have a name here, so that an application's number is the same error.
const NAMED_CODES: [ErrorCode; 8] = [
    ErrorCode::ParseError,
    ErrorCode::InvalidRequest,
    ErrorCode::MethodNotFound,
    ErrorCode::InvalidParams,
    ErrorCode::InternalError,
    ErrorCode::HeaderMismatch,
    ErrorCode::MissingRequiredClientCapability,
    ErrorCode::UnsupportedProtocolVersion,
];

/// The answer to a call of `tool` that failed: a result that the model sees, or a protocol error
/// (2025-11-25 and 2026-07-28, Tools, Error Handling).
pub(crate) fn call_outcome(
    error: HandlerError,
    tool: &str,
    version: ProtocolVersion,
    asking: Asking,
) -> Result<CallToolResult, RpcError> {
    match error.into_kind() {
        ErrorKind::Failure(error) => Ok(CallToolResult::error(error.to_string())),
        misfit @ ErrorKind::InvalidArguments { .. } => {
            let text = format!("Invalid arguments for tool {tool}: {misfit}");
            if version.reports_bad_arguments_to_the_model() {
                Ok(CallToolResult::error(text))
            } else {
                Err(RpcError::invalid_params(text))
            }
        }
        kind if is_failure(&kind, asking) => Ok(CallToolResult::error(kind.to_string())),
        kind => Err(protocol_error(kind, version)),
    }
}

/// Whether the model is told: the call was good, but what the client gave later was not. Where that
/// comes with the request itself, it is the request that is wrong (2026-07-28, Multi Round-Trip
/// Requests, Error Handling).
fn is_failure(kind: &ErrorKind, asking: Asking) -> bool {
    match kind {
        ErrorKind::RefusedInput { .. }
        | ErrorKind::NoInput(_)
        | ErrorKind::UnavailableInput { .. } => true,
        // It is no fault of the request, which names a tool.
        ErrorKind::ResourceNotFound(_) => true,
        ErrorKind::UnusableInput { .. } => asking != Asking::ByResult,
        _ => false,
    }
}

/// The answer to any other request that failed.
pub(crate) fn request_error(error: HandlerError, version: ProtocolVersion) -> RpcError {
    protocol_error(error.into_kind(), version)
}

/// "Unknown tool" (2026-07-28, Tools, Error Handling: `-32602`).
pub(crate) fn unknown_tool(name: &str) -> RpcError {
    RpcError::invalid_params(format!("Unknown tool: {}", excerpt(name, NAME_LIMIT)))
}

/// An invalid prompt name (2026-07-28, Prompts and Completion, Error Handling: `-32602`).
pub(crate) fn unknown_prompt(name: &str) -> RpcError {
    RpcError::invalid_params(format!("Unknown prompt: {}", excerpt(name, NAME_LIMIT)))
}

/// There is no resource template of this URI to complete (2026-07-28, Completion, Error Handling).
pub(crate) fn unknown_template(uri: &str) -> RpcError {
    RpcError::invalid_params(format!("Unknown resource template: {}", excerpt(uri, NAME_LIMIT)))
}

/// An argument that is to be completed is not there (2026-07-28, Completion, Security: "Validate
/// all completion inputs").
pub(crate) fn unknown_argument(name: &str) -> RpcError {
    RpcError::invalid_params(format!("`{}`: no such argument", excerpt(name, NAME_LIMIT)))
}

/// A required argument is missing (2026-07-28, Prompts, Error Handling: `-32602`).
pub(crate) fn missing_argument(name: &str) -> RpcError {
    RpcError::invalid_params(format!("`{}`: missing required argument", excerpt(name, NAME_LIMIT)))
}

/// An argument is no string, as those of prompts and of completion are.
pub(crate) fn no_string(name: &str) -> RpcError {
    RpcError::invalid_params(format!("`{}`: must be a string", excerpt(name, NAME_LIMIT)))
}

/// "Resource not found" (2026-07-28, Resources, Error Handling: `-32602`; before, Resources, Error
/// Handling: `-32002`), whose data names the URI.
pub(crate) fn resource_not_found(uri: &str, version: ProtocolVersion) -> RpcError {
    let code = if version.knows_resource_not_found() {
        ErrorCode::Other(RESOURCE_NOT_FOUND)
    } else {
        ErrorCode::InvalidParams
    };
    let message = format!("Resource not found: {}", excerpt(uri, NAME_LIMIT));
    RpcError::new(code, message).with_data(json!({ "uri": excerpt(uri, MAX_URI) }))
}

/// What a handler that panicked answers. Where it panicked, the process's panic hook has said.
pub(crate) fn panicked() -> RpcError {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "mcp_http", "a handler panicked: its answer is an internal error");
    RpcError::internal("the handler panicked")
}

fn protocol_error(kind: ErrorKind, version: ProtocolVersion) -> RpcError {
    match kind {
        ErrorKind::Failure(error) => RpcError::internal(error.to_string()),
        ErrorKind::InvalidArguments { .. } => RpcError::invalid_params(kind.to_string()),
        ErrorKind::UnusableInput { .. } if version.has_input_in_requests() => {
            RpcError::invalid_params(kind.to_string())
        }
        ErrorKind::UnusableInput { .. }
        | ErrorKind::RefusedInput { .. }
        | ErrorKind::NoInput(_)
        | ErrorKind::UnavailableInput { .. }
        | ErrorKind::AwaitsInput(_) => RpcError::internal(kind.to_string()),
        ErrorKind::CannotAsk(_) => RpcError::invalid_params(kind.to_string()),
        ErrorKind::UnknownTool(name) => unknown_tool(&name),
        ErrorKind::UnknownPrompt(name) => unknown_prompt(&name),
        ErrorKind::ResourceNotFound(uri) => resource_not_found(&uri, version),
        ErrorKind::Protocol { code, message, data } => {
            let error = RpcError::new(named(code), message);
            match data {
                Some(data) => error.with_data(data),
                None => error,
            }
        }
        ErrorKind::MissingClientCapabilities(required) => {
            let message = ErrorKind::MissingClientCapabilities(required.clone()).to_string();
            // 2026-07-28, Base Protocol, Error Codes: `data.requiredCapabilities`.
            if version.knows_missing_client_capability() {
                RpcError::new(ErrorCode::MissingRequiredClientCapability, message)
                    .with_data(json!({ "requiredCapabilities": required }))
            } else {
                RpcError::invalid_params(message)
            }
        }
    }
}

fn named(code: i32) -> ErrorCode {
    let named = NAMED_CODES.into_iter().find(|named| named.as_i32() == code);
    named.unwrap_or(ErrorCode::Other(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(error: impl Fn() -> HandlerError) -> [Result<CallToolResult, RpcError>; 4] {
        ProtocolVersion::ALL.map(|version| {
            let asking = match version.has_input_in_requests() {
                true => Asking::ByResult,
                false => Asking::Meanwhile,
            };
            call_outcome(error(), "t", version, asking)
        })
    }

    #[test]
    fn a_failure_is_told_to_the_model_in_every_revision() {
        for outcome in outcomes(|| HandlerError::new("no")) {
            assert_eq!(outcome, Ok(CallToolResult::error("no")));
        }
    }

    /// 2025-11-25, Tools, Error Handling: input validation errors are tool execution errors;
    /// 2025-06-18 and 2025-03-26, Tools, Error Handling: invalid arguments are protocol errors.
    #[test]
    fn arguments_that_do_not_fit_are_told_to_the_model_from_2025_11_25_on() {
        let text = "Invalid arguments for tool t: `a`: too long";
        let told = Ok(CallToolResult::error(text));
        let refused = Err(RpcError::invalid_params(text));
        assert_eq!(
            outcomes(|| HandlerError::invalid_argument("a", "too long")),
            [told.clone(), told, refused.clone(), refused]
        );
    }

    /// 2026-07-28, Base Protocol, Error Codes: `-32021` and `data.requiredCapabilities`.
    #[test]
    fn a_missing_capability_is_named_in_the_data_where_the_revision_has_the_code() {
        let [modern, legacy @ ..] =
            outcomes(|| HandlerError::missing_client_capability("sampling"));
        let modern = modern.unwrap_err();
        assert_eq!(modern.code, ErrorCode::MissingRequiredClientCapability);
        assert_eq!(modern.data, Some(Box::new(json!({"requiredCapabilities": {"sampling": {}}}))));
        for error in legacy.map(Result::unwrap_err) {
            assert_eq!(error.code, ErrorCode::InvalidParams);
            assert!(error.message.ends_with("needs: sampling"), "{}", error.message);
        }
    }

    #[test]
    fn an_error_of_the_applications_own_is_passed_on() {
        for outcome in outcomes(|| HandlerError::protocol(-32602, "m", Some(json!(1)))) {
            let expected = RpcError::new(ErrorCode::InvalidParams, "m").with_data(json!(1));
            assert_eq!(outcome, Err(expected));
        }
        let error = request_error(HandlerError::protocol(7, "m", None), ProtocolVersion::LATEST);
        assert_eq!(error, RpcError::new(ErrorCode::Other(7), "m"));
    }

    #[test]
    fn an_unknown_tool_is_named_but_not_at_any_length() {
        assert_eq!(unknown_tool("x"), RpcError::invalid_params("Unknown tool: x"));
        let error = unknown_tool(&"é".repeat(1_000));
        assert_eq!(error.message.len(), "Unknown tool: ".len() + NAME_LIMIT);
    }

    /// 2026-07-28, Prompts, Error Handling: "Invalid prompt name: `-32602`".
    #[test]
    fn an_unknown_prompt_is_named_but_not_at_any_length() {
        let error = request_error(HandlerError::unknown_prompt("x"), ProtocolVersion::V2025_03_26);
        assert_eq!(error, RpcError::invalid_params("Unknown prompt: x"));
        for error in
            [unknown_prompt, unknown_template, unknown_argument, missing_argument, no_string]
        {
            let error = error(&"é".repeat(1_000));
            assert_eq!(error.code, ErrorCode::InvalidParams);
            assert!(error.message.len() < NAME_LIMIT + 32, "{}", error.message);
        }
    }

    /// 2026-07-28, Resources, Error Handling: "servers MUST return a JSON-RPC error with code `-32602`
    /// (Invalid Params)"; 2025-11-25, 2025-06-18 and 2025-03-26, Resources, Error Handling: "Resource
    /// not found: `-32002`".
    #[test]
    fn a_resource_that_is_not_there_has_the_code_of_the_revision_and_its_uri_in_the_data() {
        let codes = ProtocolVersion::ALL.map(|version| {
            let error = request_error(HandlerError::resource_not_found("a:b"), version);
            assert_eq!(error.message, "Resource not found: a:b");
            assert_eq!(error.data, Some(Box::new(json!({"uri": "a:b"}))));
            error.code.as_i32()
        });
        assert_eq!(codes, [-32602, -32002, -32002, -32002]);
        let error = resource_not_found(&"é".repeat(10_000), ProtocolVersion::LATEST);
        assert_eq!(error.message.len(), "Resource not found: ".len() + NAME_LIMIT);
        assert_eq!(error.data.unwrap()["uri"].as_str().unwrap().len(), MAX_URI);
    }

    #[test]
    fn a_resource_that_a_tool_does_not_find_is_told_to_the_model() {
        for outcome in outcomes(|| HandlerError::resource_not_found("a:b")) {
            assert_eq!(outcome, Ok(CallToolResult::error("Resource not found: a:b")));
        }
    }

    #[test]
    fn a_list_that_fails_is_an_internal_error() {
        let error = request_error(HandlerError::new("upstream"), ProtocolVersion::LATEST);
        assert_eq!(error, RpcError::internal("upstream"));
    }
}
