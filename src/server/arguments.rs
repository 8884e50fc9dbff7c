//! Arguments of tools and prompts: raw until the handler's type takes them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::handler_error::ToolError;
use super::outcome::no_string;
use super::raw::{RawJson, excerpt};
use crate::protocol::jsonrpc::{RpcError, string};

/// At most so many bytes of a deserializer's message are told: it may quote the argument, which
/// may be as long as the request.
const MESSAGE_LIMIT: usize = 512;

/// The arguments of a tool or a prompt: a JSON object, kept as the text that the client sent.
///
/// ```
/// use mcp_http::{Arguments, Context, Server, Tool, ToolError};
///
/// #[derive(serde::Deserialize)]
/// struct Forecast { city: String }
///
/// let server = Server::builder("weather", "1.0.0")
///     .tool(Tool::new("forecast"), |arguments: Arguments, _cx: Context| async move {
///         let Forecast { city } = arguments.parse()?;
///         Ok::<_, ToolError>(format!("Sunny in {city}"))
///     })
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Arguments {
    object: RawJson,
}

impl Arguments {
    /// Arguments made of a value, for calling a handler from another one or from a test.
    ///
    /// # Errors
    ///
    /// If the value does not become a JSON object.
    ///
    /// ```
    /// use mcp_http::Arguments;
    ///
    /// let arguments = Arguments::new(&serde_json::json!({"city": "Bern"}))?;
    /// assert_eq!(arguments.raw(), r#"{"city":"Bern"}"#);
    /// # Ok::<(), mcp_http::ToolError>(())
    /// ```
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, ToolError> {
        let object = RawJson::from_serialize(value)?;
        Self::from_raw(object).ok_or_else(|| ToolError::new("arguments must be a JSON object"))
    }

    /// Takes the raw value of `arguments`; `None` if it is no object.
    ///
    /// Serde's derived structs also read themselves from arrays, hence the check.
    pub(crate) fn from_raw(object: RawJson) -> Option<Self> {
        object.is_object().then_some(Self { object })
    }

    /// The arguments of a call without any.
    pub(crate) fn empty() -> Self {
        Self { object: RawJson::empty_object() }
    }

    /// Reads the arguments as a type of the handler's.
    ///
    /// # Errors
    ///
    /// If they do not fit: the error names the field, and becomes what the revision has for
    /// arguments that do not fit (see [`ToolError`]).
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ToolError> {
        serde_json::from_slice(self.object.as_bytes()).map_err(|error| self.misfit::<T>(error))
    }

    /// The JSON text of the arguments.
    pub fn raw(&self) -> &str {
        self.object.as_str()
    }

    /// The arguments as a JSON value.
    ///
    /// # Errors
    ///
    /// If a value cannot hold them: a number beyond the range of `f64`, or a nesting deeper than
    /// 128.
    pub fn to_value(&self) -> Result<Value, ToolError> {
        self.parse()
    }

    /// The arguments by their names, where all must be strings.
    ///
    /// # Errors
    ///
    /// If one is not: the error names it.
    pub(crate) fn texts(&self) -> Result<BTreeMap<String, Cow<'_, str>>, RpcError> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(self.raw())
            .map_err(|_| RpcError::invalid_params("the names of arguments must be text"))?;
        let text = |(name, value): (String, _)| match string(value) {
            Some(text) => Ok((name, text)),
            None => Err(no_string(&name)),
        };
        members.into_iter().map(text).collect()
    }

    /// Parses again to learn which field did not fit, which the fast path does not record.
    #[cold]
    fn misfit<T: DeserializeOwned>(&self, error: serde_json::Error) -> ToolError {
        let mut deserializer = serde_json::Deserializer::from_slice(self.object.as_bytes());
        let path = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(error) => error.path().to_string(),
            // The type's own `Deserialize` does not do the same twice; there is no path to tell.
            Ok(_) => ".".to_owned(),
        };
        let message = without_position(&error);
        let message = excerpt(&message, MESSAGE_LIMIT);
        // The root is written as ".": a missing or an unknown field is named by the message.
        if path == "." {
            ToolError::invalid_arguments(message)
        } else {
            ToolError::invalid_argument(excerpt(&path, MESSAGE_LIMIT), message)
        }
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arguments").field(&self.object).finish()
    }
}

/// The message without line and column, which mean nothing to a model.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Trip {
        stops: Vec<Stop>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Stop {
        city: String,
    }

    fn misfit(value: Value) -> String {
        Arguments::new(&value).unwrap().parse::<Trip>().unwrap_err().to_string()
    }

    #[test]
    fn arguments_that_fit_are_read() {
        let arguments = Arguments::new(&json!({"stops": [{"city": "Bern"}]})).unwrap();
        let trip = Trip { stops: vec![Stop { city: "Bern".into() }] };
        assert_eq!(arguments.parse::<Trip>().unwrap(), trip);
        assert_eq!(arguments.to_value().unwrap(), json!({"stops": [{"city": "Bern"}]}));
    }

    #[test]
    fn an_error_names_the_field_and_no_line_or_column() {
        assert_eq!(
            misfit(json!({"stops": [{"city": "a"}, {"city": 5}]})),
            "`stops[1].city`: invalid type: integer `5`, expected a string"
        );
        assert_eq!(misfit(json!({"stops": [{}]})), "`stops[0]`: missing field `city`");
        assert_eq!(misfit(json!({})), "missing field `stops`");
        assert_eq!(misfit(json!({"x": 1})), "`x`: unknown field `x`, expected `stops`");
    }

    #[test]
    fn an_error_does_not_repeat_an_argument_of_any_length() {
        let long = "é".repeat(100_000);
        let message = misfit(json!({ "stops": &long }));
        assert!(message.len() <= "`stops`: ".len() + MESSAGE_LIMIT, "{}", message.len());
        let message = misfit(json!({ &long: 1 }));
        assert!(message.len() <= 4 + 2 * MESSAGE_LIMIT, "{}", message.len());
    }

    /// The schemas of prompts and completion: `additionalProperties: {"type": "string"}`.
    #[test]
    fn where_all_must_be_strings_the_one_that_is_not_is_named() {
        let texts =
            |value: Value| Arguments::new(&value).unwrap().texts().map(|texts| json!(texts));
        let fit = json!({"a": "x\n", "é": ""});
        assert_eq!(texts(fit.clone()), Ok(fit));
        for other in [json!(1), json!(null), json!(["x"]), json!({})] {
            assert_eq!(
                texts(json!({"a": "x", "b": other})),
                Err(RpcError::invalid_params("`b`: must be a string"))
            );
        }
        // A lone surrogate is no text.
        let no_text = |raw: &str| {
            let raw = RawJson::copy(serde_json::from_str::<&RawValue>(raw).unwrap());
            Arguments::from_raw(raw).unwrap().texts().unwrap_err().code
        };
        assert_eq!(
            no_text(r#"{"\ud800": "x"}"#),
            crate::protocol::jsonrpc::ErrorCode::InvalidParams
        );
        assert_eq!(
            no_text(r#"{"x": "\ud800"}"#),
            crate::protocol::jsonrpc::ErrorCode::InvalidParams
        );
    }

    /// FACTS: "serde's derived structs accept JSON arrays".
    #[test]
    fn only_an_object_is_arguments() {
        for value in [json!([[]]), json!("a"), json!(1), json!(null)] {
            assert!(Arguments::new(&value).is_err(), "{value}");
        }
        assert_eq!(Arguments::empty().raw(), "{}");
    }
}
