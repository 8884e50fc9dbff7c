//! What is to be completed: the params of `completion/complete`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::protocol::jsonrpc::{RpcError, string};
use crate::server::arguments::Arguments;
use crate::server::dispatch::Request;
use crate::server::raw::RawJson;

/// The longest value that is completed, in bytes.
const MAX_VALUE: usize = 8 * 1024;

/// What is to be completed: an argument of a prompt or a variable of a resource template, how far
/// it is typed, and what the others are.
///
/// ```
/// use mcp_http::{Completion, CompletionRequest, Context, HandlerError};
///
/// async fn framework(request: CompletionRequest, _cx: Context) -> Result<Completion, HandlerError> {
///     let known = match request.resolved("language") {
///         Some("python") => &["django", "fastapi", "flask"][..],
///         Some("rust") => &["axum", "hyper"],
///         _ => &[],
///     };
///     Ok(Completion::matching(request.value(), known.iter().copied()))
/// }
/// ```
///
/// A value of more than 8 KiB is refused with `-32602`, and so is one that is no string (2026-07-28,
/// Completion, Security: "Validate all completion inputs").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionRequest {
    reference: CompletionReference,
    argument: String,
    value: String,
    resolved: BTreeMap<String, String>,
}

/// Whose argument is to be completed.
///
/// Source: 2026-07-28, Completion, Reference Types.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CompletionReference {
    /// That of the prompt of this name.
    Prompt(String),
    /// That of the resource template, written as it is listed: `file:///{path}`.
    Resource(String),
}

impl CompletionRequest {
    /// A request without other arguments, for calling a handler from another one or from a test.
    ///
    /// ```
    /// use mcp_http::{CompletionReference, CompletionRequest};
    ///
    /// let prompt = CompletionReference::Prompt("code_review".to_owned());
    /// let request = CompletionRequest::new(prompt, "framework", "fla")
    ///     .with_resolved("language", "python");
    /// assert_eq!(request.resolved("language"), Some("python"));
    /// ```
    pub fn new(
        reference: CompletionReference,
        argument: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let (argument, value) = (argument.into(), value.into());
        Self { reference, argument, value, resolved: BTreeMap::new() }
    }

    /// Adds another argument, whose value is known already.
    #[must_use]
    pub fn with_resolved(mut self, argument: impl Into<String>, value: impl Into<String>) -> Self {
        self.resolved.insert(argument.into(), value.into());
        self
    }

    /// Whose argument it is.
    pub fn reference(&self) -> &CompletionReference {
        &self.reference
    }

    /// The name of the argument or the variable.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// What is typed so far; empty at first.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value of another argument, if the client tells it (from revision 2025-06-18 on).
    pub fn resolved(&self, argument: &str) -> Option<&str> {
        self.resolved.get(argument).map(String::as_str)
    }

    /// All other arguments that the client tells, by name.
    pub fn all_resolved(&self) -> impl Iterator<Item = (&str, &str)> {
        self.resolved.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Reads the params.
    pub(super) fn read(request: &Request<'_>) -> Result<Self, RpcError> {
        let reference = CompletionReference::read(&Object::required(request, "ref")?)?;
        let argument = Object::required(request, "argument")?;
        let (name, value) = (argument.text("name")?, argument.text("value")?);
        if value.len() > MAX_VALUE {
            let message = format!("`argument.value` may have {MAX_VALUE} bytes");
            return Err(RpcError::invalid_params(message));
        }
        let mut complete = Self::new(reference, name, value);
        if let Some(context) = Object::optional(request, "context")? {
            complete.resolved = context.arguments(request)?;
        }
        Ok(complete)
    }
}

impl CompletionReference {
    fn read(object: &Object<'_>) -> Result<Self, RpcError> {
        match &*object.text("type")? {
            "ref/prompt" => Ok(Self::Prompt(object.text("name")?.into_owned())),
            "ref/resource" => Ok(Self::Resource(object.text("uri")?.into_owned())),
            _ => Err(RpcError::invalid_params("`ref.type` must be `ref/prompt` or `ref/resource`")),
        }
    }
}

impl fmt::Display for CompletionReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prompt(name) => write!(f, "prompt `{name}`"),
            Self::Resource(uri) => write!(f, "resource template `{uri}`"),
        }
    }
}

/// A member of the params that is an object. (Serde's derived structs also read themselves from
/// arrays.)
struct Object<'a> {
    name: &'static str,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Object<'a> {
    fn required(request: &Request<'a>, name: &'static str) -> Result<Self, RpcError> {
        Self::optional(request, name)?.ok_or_else(|| Self::missing(name))
    }

    /// `null` is as good as nothing, which some clients write for it.
    fn optional(request: &Request<'a>, name: &'static str) -> Result<Option<Self>, RpcError> {
        let raw = request.params.get(name).filter(|raw| !raw.is_null());
        let members = raw.map(|raw| serde_json::from_str(raw.get())).transpose();
        let members = members.map_err(|_| Self::missing(name))?;
        Ok(members.map(|members| Self { name, members }))
    }

    fn missing(name: &str) -> RpcError {
        RpcError::invalid_params(format!("`{name}` must be an object"))
    }

    fn text(&self, member: &str) -> Result<Cow<'a, str>, RpcError> {
        let text = self.members.get(member).and_then(|raw| string(*raw));
        let name = self.name;
        text.ok_or_else(|| RpcError::invalid_params(format!("`{name}.{member}` must be a string")))
    }

    /// "A mapping of already-resolved argument names to their values" (2026-07-28, Completion,
    /// CompleteRequest).
    fn arguments(&self, request: &Request<'a>) -> Result<BTreeMap<String, String>, RpcError> {
        let raw = self.members.get("arguments").filter(|raw| raw.get() != "null");
        let Some(raw) = raw else { return Ok(BTreeMap::new()) };
        let arguments =
            Arguments::from_raw(RawJson::slice(request.body, *raw)).ok_or_else(|| {
                RpcError::invalid_params("`context.arguments` must be an object of strings")
            })?;
        let texts = arguments.texts()?;
        Ok(texts.into_iter().map(|(name, value)| (name, value.into_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::jsonrpc::{ErrorCode, Params};

    fn read(params: Value) -> Result<CompletionRequest, RpcError> {
        let body = Bytes::from(params.to_string());
        let raw: BTreeMap<&str, &RawValue> = serde_json::from_slice(&body).unwrap();
        let params = Params::new(raw.into_iter().collect());
        CompletionRequest::read(&Request { method: "", params: &params, body: &body })
    }

    fn prompt() -> CompletionReference {
        CompletionReference::Prompt("code_review".into())
    }

    /// The published examples: 2026-07-28, `CompleteRequestParams`.
    #[test]
    fn the_reference_the_value_and_the_other_arguments_are_read() {
        let mut params = json!({
            "ref": {"type": "ref/prompt", "name": "code_review", "title": "x"},
            "argument": {"name": "framework", "value": "fla"},
            "context": {"arguments": {"language": "python"}},
        });
        let expected = CompletionRequest::new(prompt(), "framework", "fla");
        let with_context = expected.clone().with_resolved("language", "python");
        assert_eq!(with_context.all_resolved().collect::<Vec<_>>(), [("language", "python")]);
        assert_eq!(read(params.clone()), Ok(with_context));
        for context in
            [json!(null), json!({}), json!({"arguments": null}), json!({"arguments": {}})]
        {
            params["context"] = context;
            assert_eq!(read(params.clone()), Ok(expected.clone()));
        }
        params["ref"] = json!({"type": "ref/resource", "uri": "file:///{path}"});
        let read = read(params).unwrap();
        assert_eq!(*read.reference(), CompletionReference::Resource("file:///{path}".into()));
    }

    /// 2026-07-28, Completion, Implementation Considerations: "Validate all inputs"; Error
    /// Handling: "Missing required arguments: `-32602`".
    #[test]
    fn what_is_missing_or_no_string_is_named() {
        let good = json!({
            "ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": ""},
        });
        assert!(read(good.clone()).is_ok());
        let refused = |pointer: &str, value: Value| {
            let mut params = good.clone();
            match pointer.split_once('/') {
                Some((member, inner)) => params[member][inner] = value,
                None => params[pointer] = value,
            }
            let error = read(params).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams);
            error.message
        };
        for member in ["ref", "argument", "context"] {
            for value in [json!([]), json!("x"), json!(["ref/prompt", "p"])] {
                assert_eq!(refused(member, value), format!("`{member}` must be an object"));
            }
        }
        assert_eq!(refused("ref", Value::Null), "`ref` must be an object");
        assert_eq!(refused("ref/name", json!(1)), "`ref.name` must be a string");
        let resource = json!({"type": "ref/resource", "name": "p"});
        assert_eq!(refused("ref", resource), "`ref.uri` must be a string");
        for kind in ["ref/tool", "REF/PROMPT", ""] {
            let message = refused("ref/type", json!(kind));
            assert_eq!(message, "`ref.type` must be `ref/prompt` or `ref/resource`");
        }
        for member in ["name", "value"] {
            let message = refused(&format!("argument/{member}"), Value::Null);
            assert_eq!(message, format!("`argument.{member}` must be a string"));
        }
        let message = refused("context", json!({"arguments": ["x"]}));
        assert_eq!(message, "`context.arguments` must be an object of strings");
        let message = refused("context", json!({"arguments": {"b": 1}}));
        assert_eq!(message, "`b`: must be a string");
    }

    /// DESIGN, decision 8: a limit, and a test at the limit.
    #[test]
    fn a_value_has_a_greatest_length() {
        let of = |bytes: usize| {
            read(json!({
                "ref": {"type": "ref/prompt", "name": "p"},
                "argument": {"name": "a", "value": "x".repeat(bytes)},
            }))
        };
        assert!(of(MAX_VALUE).is_ok());
        let error = of(MAX_VALUE + 1).unwrap_err();
        assert_eq!(error, RpcError::invalid_params("`argument.value` may have 8192 bytes"));
    }
}
