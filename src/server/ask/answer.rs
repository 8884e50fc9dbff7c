//! Reading answers: the members of JSON objects, with errors that say where and what.
//!
//! Members that nobody knows are ignored; those that are known must have their type. Serde's
//! derived structs would read themselves from arrays too, and say less of what is wrong.

use serde_json::{Map, Value};

use crate::server::raw::RawJson;

/// An object, and where it stands in the answer: `""` for the answer itself, else a path that
/// ends before its member's name, such as `roots[1].`.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    members: &'a Map<String, Value>,
    at: &'a str,
}

/// Reads an answer as JSON.
pub(super) fn parse(answer: &RawJson) -> Result<Value, String> {
    answer.read().ok_or_else(|| {
        "the answer is nested too deeply, or a number in it is beyond what can be read".to_owned()
    })
}

impl<'a> Object<'a> {
    /// Takes `value`, which stands at `at`, for an object.
    pub(super) fn new(value: &'a Value, at: &'a str) -> Result<Self, String> {
        match value {
            Value::Object(members) => Ok(Self { members, at }),
            other => {
                let place = at.strip_suffix('.').unwrap_or(at);
                let place =
                    if place.is_empty() { "the answer".into() } else { format!("`{place}`") };
                Err(format!("{place} is {}, not an object", kind(other)))
            }
        }
    }

    /// Where the member of this name stands.
    pub(super) fn place(&self, name: &str) -> String {
        format!("{}{name}", self.at)
    }

    /// A member, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a Value, String> {
        self.get(name).ok_or_else(|| format!("`{}` is missing", self.place(name)))
    }

    pub(super) fn string(&self, name: &str) -> Result<&'a str, String> {
        let value = self.required(name)?;
        value.as_str().ok_or_else(|| self.misfit(name, value, "a string"))
    }

    pub(super) fn optional_string(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(_) => self.string(name).map(Some),
        }
    }

    pub(super) fn optional_bool(&self, name: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.misfit(name, value, "a boolean"))
    }

    pub(super) fn array(&self, name: &str) -> Result<&'a [Value], String> {
        match self.required(name)? {
            Value::Array(items) => Ok(items),
            other => Err(self.misfit(name, other, "an array")),
        }
    }

    pub(super) fn map(&self, name: &str) -> Result<&'a Map<String, Value>, String> {
        match self.required(name)? {
            Value::Object(members) => Ok(members),
            other => Err(self.misfit(name, other, "an object")),
        }
    }

    pub(super) fn optional_map(
        &self,
        name: &str,
    ) -> Result<Option<&'a Map<String, Value>>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(_) => self.map(name).map(Some),
        }
    }

    fn misfit(&self, name: &str, value: &Value, expected: &str) -> String {
        format!("`{}` is {}, not {expected}", self.place(name), kind(value))
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
