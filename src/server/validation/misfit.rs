//! What is said of a value that does not fit: where, and why, and not at any length.

use std::fmt::Write;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;
use serde_json::Value;

use crate::server::raw::excerpt;

/// At most so many bytes of a place are told, and of what is wrong there: 512 with what stands
/// around them.
pub(super) const PLACE_LIMIT: usize = 192;
pub(super) const MESSAGE_LIMIT: usize = 256;

/// A value does not fit a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The part of the value, as `stops[1].city`; none if it is the whole, or not known.
    pub(super) place: Option<String>,
    /// What is wrong with it. The value itself is not repeated.
    pub(super) message: String,
    /// The part of the schema: what may be logged, for it holds nothing of the value.
    pub(super) rule: String,
}

impl Misfit {
    /// The fault that a validator found first in a value.
    pub(super) fn of(error: &ValidationError<'_>, whole: &Value) -> Self {
        let error = culprit(error);
        let place = place(error.instance_path(), whole);
        Self {
            place: (!place.is_empty()).then_some(place),
            message: excerpt(&said(error), MESSAGE_LIMIT).to_owned(),
            rule: excerpt(error.schema_path().as_str(), PLACE_LIMIT).to_owned(),
        }
    }

    /// It does not fit, and where would take too long to find.
    pub(super) fn somewhere() -> Self {
        Self::whole("does not fit the schema; which part of it would take too long to find")
    }

    /// Whether it fits would take too long to find.
    pub(super) fn too_much_work() -> Self {
        Self::whole("cannot be validated: that would take too long")
    }

    /// More than is validated.
    pub(super) fn too_long(bytes: usize, limit: usize) -> Self {
        Self::whole(&format!("cannot be validated: {bytes} bytes are more than {limit}"))
    }

    /// A fault of the whole.
    pub(super) fn whole(message: &str) -> Self {
        let message = excerpt(message, MESSAGE_LIMIT).to_owned();
        Self { place: None, message, rule: String::new() }
    }
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Some(place) => write!(f, "`{place}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// That a value fits none of several schemas tells little. If one of them, and one alone, was
/// followed further into the value than the others, what went wrong there is said instead: an
/// optional structure is `anyOf` that structure and null.
fn culprit<'a, 'e>(error: &'a ValidationError<'e>) -> &'a ValidationError<'e> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        error.kind()
    else {
        return error;
    };
    let depth = |error: &ValidationError<'_>| error.instance_path().segments().count();
    let firsts: Vec<_> = context.iter().filter_map(|branch| branch.first()).collect();
    let deeper = firsts.into_iter().filter(|first| depth(first) > depth(error));
    match deeper.collect::<Vec<_>>()[..] {
        [only] => culprit(only),
        _ => error,
    }
}

fn said(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
            "fits none of the schemas that are allowed here".to_owned()
        }
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            "fits more than one of the schemas of which it must fit one".to_owned()
        }
        ValidationErrorKind::FalseSchema
            if error.schema_path().as_str().ends_with("/additionalProperties") =>
        {
            "has properties, and none are allowed".to_owned()
        }
        ValidationErrorKind::FalseSchema => "is not allowed here".to_owned(),
        ValidationErrorKind::Not { .. } => "fits the schema that it must not fit".to_owned(),
        ValidationErrorKind::AdditionalItems { .. }
        | ValidationErrorKind::UnevaluatedItems { .. } => {
            "has items that are not allowed".to_owned()
        }
        _ => error.masked_with("the value").to_string(),
    }
}

/// The place as [`Arguments::parse`](crate::Arguments::parse) names it. Whether a number is an
/// index or a name, the value tells alone.
fn place(location: &Location, whole: &Value) -> String {
    let (mut place, mut value) = (String::new(), Some(whole));
    for segment in location.segments() {
        let name = segment.to_string();
        if let Some(Value::Array(elements)) = value {
            let _ = write!(place, "[{name}]");
            value = name.parse::<usize>().ok().and_then(|index| elements.get(index));
        } else {
            let dot = if place.is_empty() { "" } else { "." };
            let _ = write!(place, "{dot}{name}");
            value = value.and_then(|value| value.get(&name));
        }
        if place.len() > PLACE_LIMIT {
            break;
        }
    }
    excerpt(&place, PLACE_LIMIT).to_owned()
}
