//! Errors of handlers: what a tool, a prompt or a resource may fail with.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

use crate::protocol::jsonrpc::RpcError;

/// Why a handler failed: that of a tool, of a prompt or of a resource.
///
/// Like `anyhow::Error`, it is made from any error by `?`, and is no [`std::error::Error`]
/// itself. There are three kinds:
///
/// - A **failure**, from any error or [`HandlerError::new`]. Of a tool, the model is told, by a
///   result with `isError` whose text is the error's `Display`; prompts and resources have no such
///   result, and answer with the JSON-RPC error `-32603`. Sources are not told, since they may hold
///   what is nobody's business.
/// - **Arguments that do not fit**, from [`Arguments::parse`](crate::Arguments::parse) or
///   [`HandlerError::invalid_argument`]: of a tool, the model is told likewise, so that it can try
///   again; before revision 2025-11-25, and of prompts and resources, it is the JSON-RPC error
///   `-32602`.
/// - A **protocol error**, from [`HandlerError::protocol`] and its like: a JSON-RPC error, which
///   clients rarely show to the model.
///
/// [`ToolError`] is the same type under the name that handlers of tools use.
///
#[cfg_attr(feature = "schemars", doc = "```")]
#[cfg_attr(not(feature = "schemars"), doc = "```ignore")]
/// use mcp_http::{Arguments, Context, Server, ToolError};
///
/// let server = Server::builder("files", "1.0.0")
///     .typed_tool("read", "Reads a file", |args: Read, _cx: Context| async move {
///         if args.path.contains("..") {
///             return Err(ToolError::invalid_argument("path", "must not lead upwards"));
///         }
///         let text = std::fs::read_to_string(args.path)?; // an io::Error becomes a failure
///         Ok(text)
///     })
///     .build()?;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Read { path: String }
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
pub struct HandlerError {
    kind: Box<ErrorKind>,
}

/// The error of a tool's handler: see [`HandlerError`].
pub type ToolError = HandlerError;

/// What the error is; `outcome` turns it into an answer.
#[derive(Debug)]
pub(crate) enum ErrorKind {
    /// The tool failed.
    Failure(Box<dyn Error + Send + Sync>),
    /// The arguments do not fit: where, and why.
    InvalidArguments { field: Option<String>, message: String },
    /// There is no such tool.
    UnknownTool(String),
    /// There is no such prompt.
    UnknownPrompt(String),
    /// There is no resource of this URI.
    ResourceNotFound(String),
    /// A JSON-RPC error of the application's own.
    Protocol { code: i32, message: String, data: Option<Value> },
    /// The client did not declare capabilities that the call needs.
    MissingClientCapabilities(Map<String, Value>),
    /// The client cannot be asked, and this is why.
    CannotAsk(&'static str),
    /// The question of this key was put, and has no answer yet.
    AwaitsInput(String),
    /// The client's answer to the question of this key is none.
    UnusableInput { key: String, reason: String },
    /// The client answered the question of this key with an error.
    RefusedInput { key: String, code: i64, message: String },
    /// The question of this key could not be put, or its answer not be kept, and this is why.
    UnavailableInput { key: String, why: &'static str },
    /// The client did not answer the question of this key in time.
    NoInput(String),
}

impl HandlerError {
    /// A failure of the tool, with a message or from an error that is behind a box (an
    /// `anyhow::Error`, say).
    ///
    /// ```
    /// use mcp_http::ToolError;
    ///
    /// let error = ToolError::new("the station is silent");
    /// assert_eq!(error.to_string(), "the station is silent");
    /// ```
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::from_kind(ErrorKind::Failure(error.into()))
    }

    /// Arguments that do not fit: the field (a path such as `stops[2].city`) and what is wrong
    /// with it.
    pub fn invalid_argument(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (Some(field.into()), message.into());
        Self::from_kind(ErrorKind::InvalidArguments { field, message })
    }

    /// Arguments that do not fit as a whole.
    pub fn invalid_arguments(message: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::InvalidArguments { field: None, message: message.into() })
    }

    /// There is no tool of this name: for a [`ToolCatalogue`](crate::ToolCatalogue).
    pub fn unknown_tool(name: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::UnknownTool(name.into()))
    }

    /// There is no prompt of this name: for a [`PromptCatalogue`](crate::PromptCatalogue), and for
    /// what completes the prompts of one.
    pub fn unknown_prompt(name: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::UnknownPrompt(name.into()))
    }

    /// There is no resource of this URI, or not for this caller (2026-07-28, Resources, Error
    /// Handling).
    ///
    /// From revision 2026-07-28 on that is the error `-32602`, before `-32002`; its data names the
    /// URI either way. Of a tool, the model is told.
    ///
    /// ```
    /// use mcp_http::{HandlerError, ReadRequest};
    ///
    /// async fn note(request: ReadRequest) -> Result<String, HandlerError> {
    ///     let id = request.variables().get("id").unwrap_or_default();
    ///     look_up(id).ok_or_else(|| HandlerError::resource_not_found(request.uri()))
    /// }
    /// # fn look_up(_: &str) -> Option<String> { None }
    /// ```
    pub fn resource_not_found(uri: impl Into<String>) -> Self {
        Self::from_kind(ErrorKind::ResourceNotFound(uri.into()))
    }

    /// A JSON-RPC error of the application's own.
    ///
    /// JSON-RPC reserves the codes from -32768 to -32000; the protocol's own among them keep
    /// their meaning.
    pub fn protocol(code: i32, message: impl Into<String>, data: Option<Value>) -> Self {
        Self::from_kind(ErrorKind::Protocol { code, message: message.into(), data })
    }

    /// The client did not declare a capability that the call needs, such as `sampling` or
    /// `elicitation`.
    ///
    /// From revision 2026-07-28 on that is the error `-32021`, whose data names the capability;
    /// before, `-32602` with a message that does.
    ///
    /// ```
    /// use mcp_http::{Context, ToolError};
    ///
    /// fn needs_sampling(cx: &Context) -> Result<(), ToolError> {
    ///     if cx.client_capabilities().supports("sampling") {
    ///         Ok(())
    ///     } else {
    ///         Err(ToolError::missing_client_capability("sampling"))
    ///     }
    /// }
    /// ```
    pub fn missing_client_capability(name: impl Into<String>) -> Self {
        Self::missing_client_capabilities([(name.into(), Value::Object(Map::new()))])
    }

    /// The client did not declare capabilities that the call needs, given as they would stand in
    /// the client's `capabilities`: `("elicitation", json!({"url": {}}))`.
    pub fn missing_client_capabilities<N: Into<String>>(
        required: impl IntoIterator<Item = (N, Value)>,
    ) -> Self {
        let required = required.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self::from_kind(ErrorKind::MissingClientCapabilities(required))
    }

    /// An error that is an answer already.
    pub(crate) fn from_rpc(error: RpcError) -> Self {
        Self::protocol(error.code.as_i32(), error.message, error.data.map(|data| *data))
    }

    /// The client cannot be asked.
    pub(crate) fn cannot_ask(why: &'static str) -> Self {
        Self::from_kind(ErrorKind::CannotAsk(why))
    }

    /// What a handler unwinds with once it has asked.
    pub(crate) fn awaits_input(key: &str) -> Self {
        Self::from_kind(ErrorKind::AwaitsInput(key.to_owned()))
    }

    /// The client's answer cannot be used.
    pub(crate) fn unusable_input(key: &str, reason: String) -> Self {
        Self::from_kind(ErrorKind::UnusableInput { key: key.to_owned(), reason })
    }

    /// The client answered with an error.
    pub(crate) fn refused_input(key: &str, code: i64, message: String) -> Self {
        Self::from_kind(ErrorKind::RefusedInput { key: key.to_owned(), code, message })
    }

    /// The client could not be asked, or its answer could not be kept.
    pub(crate) fn unavailable_input(key: &str, why: &'static str) -> Self {
        Self::from_kind(ErrorKind::UnavailableInput { key: key.to_owned(), why })
    }

    /// Another call came with the same answers before.
    pub(crate) fn used_before() -> Self {
        Self::protocol(-32602, "`requestState` was used before, and is to be used once", None)
    }

    /// The answers are to be used once, and came without what they could be known by.
    pub(crate) fn unasked() -> Self {
        let message = "answers that are to be used once come with the `requestState` of their \
                       question: send the request anew without `inputResponses`";
        Self::protocol(-32602, message, None)
    }

    /// The client did not answer in time.
    pub(crate) fn no_input(key: &str) -> Self {
        Self::from_kind(ErrorKind::NoInput(key.to_owned()))
    }

    /// The error that this was made from, if it is a failure of the handler.
    pub fn source(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &*self.kind {
            ErrorKind::Failure(error) => Some(error.as_ref()),
            _ => None,
        }
    }

    /// The error that this was made from, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.source()?.downcast_ref()
    }

    /// Whether this is how a handler unwinds that has asked its client something
    /// ([`Context::elicit`](crate::Context::elicit) and its like): it is no failure, and to be
    /// passed on. Who goes on without an answer that cannot be had looks at this first:
    ///
    /// ```
    /// use mcp_http::{Context, CreateMessage, ToolError};
    ///
    /// async fn greeting(cx: Context) -> Result<String, ToolError> {
    ///     match cx.sample("greeting", CreateMessage::new("Greet me", 20)) {
    ///         Ok(answer) => Ok(answer.text()),
    ///         Err(question) if question.is_question() => Err(question), // it is asked now
    ///         Err(_) => Ok("Hello".to_owned()), // it cannot be asked, or did not answer
    ///     }
    /// }
    /// ```
    pub fn is_question(&self) -> bool {
        matches!(*self.kind, ErrorKind::AwaitsInput(_))
    }

    /// Whether the client answered a question with an error: its user refused, say.
    pub fn is_refused_by_client(&self) -> bool {
        matches!(*self.kind, ErrorKind::RefusedInput { .. })
    }

    /// Whether a question has no answer and will have none: the client did not answer in time, or
    /// there is no room or no stream to ask it.
    pub fn is_unanswered(&self) -> bool {
        matches!(*self.kind, ErrorKind::NoInput(_) | ErrorKind::UnavailableInput { .. })
    }

    /// Whether the client could not mend it with any answer: it cannot be asked.
    pub(crate) fn is_beyond_input(&self) -> bool {
        matches!(*self.kind, ErrorKind::MissingClientCapabilities(_) | ErrorKind::CannotAsk(_))
    }

    pub(crate) fn into_kind(self) -> ErrorKind {
        *self.kind
    }

    fn from_kind(kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind) }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::from_kind(ErrorKind::Failure(Box::new(error)))
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.kind, f)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failure(error) => error.fmt(f),
            Self::InvalidArguments { field: Some(field), message } => {
                write!(f, "`{field}`: {message}")
            }
            Self::InvalidArguments { field: None, message } => f.write_str(message),
            Self::UnknownTool(name) => write!(f, "Unknown tool: {name}"),
            Self::UnknownPrompt(name) => write!(f, "Unknown prompt: {name}"),
            Self::ResourceNotFound(uri) => write!(f, "Resource not found: {uri}"),
            Self::Protocol { message, .. } => f.write_str(message),
            Self::MissingClientCapabilities(required) => {
                let names: Vec<&str> = required.keys().map(String::as_str).collect();
                write!(f, "The client did not declare what this needs: {}", names.join(", "))
            }
            Self::CannotAsk(why) => write!(f, "The client cannot be asked for input: {why}"),
            Self::AwaitsInput(key) => write!(f, "The input `{key}` is not there yet"),
            Self::UnusableInput { key, reason } => {
                write!(f, "The client's input `{key}` does not fit: {reason}")
            }
            Self::RefusedInput { key, code, message } => {
                write!(f, "The client refused the input `{key}`: {message} ({code})")
            }
            Self::UnavailableInput { key, why } => {
                write!(f, "The client's input `{key}` could not be had: {why}")
            }
            Self::NoInput(key) => write!(f, "The client did not give the input `{key}` in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails() -> Result<(), ToolError> {
        "x".parse::<u8>()?;
        Ok(())
    }

    #[test]
    fn any_error_becomes_a_failure_that_can_be_looked_at() {
        let error = fails().unwrap_err();
        assert_eq!(error.to_string(), "invalid digit found in string");
        assert!(error.source().is_some());
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert!(error.downcast_ref::<std::io::Error>().is_none());
    }

    #[test]
    fn boxed_errors_and_text_become_failures_too() {
        let boxed: Box<dyn Error + Send + Sync> = "boxed".into();
        assert_eq!(ToolError::new(boxed).to_string(), "boxed");
        assert_eq!(ToolError::new("text").to_string(), "text");
    }

    #[test]
    fn an_error_names_the_field_or_the_capability() {
        let error = ToolError::invalid_argument("stops[2].city", "is not on the map");
        assert_eq!(error.to_string(), "`stops[2].city`: is not on the map");
        assert!(error.source().is_none());
        let error = ToolError::missing_client_capability("sampling");
        assert_eq!(error.to_string(), "The client did not declare what this needs: sampling");
    }
}
