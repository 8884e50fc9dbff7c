//! A JSON Schema, compiled once, and what it says of values.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ReferencingError, ValidationError, Validator};
use serde_json::Value;

use super::bounds;
use super::metered::{Meter, Metered, MeteredNode};
use super::misfit::Misfit;
use crate::server::raw::excerpt;

/// How much a validation may look at, and again to find the place of what does not fit: enough
/// for any megabyte of JSON against a schema that looks at each value a few times.
pub(super) const MAX_STEPS: u64 = 4_000_000;
/// The greatest size of a compiled pattern, in bytes.
const MAX_PATTERN: usize = 256 * 1024;
/// At most so many bytes of what a compiler says are told.
const REASON_LIMIT: usize = 256;

/// A schema that values can be held against.
pub(super) struct Schema {
    validator: Validator<Metered>,
}

impl Schema {
    /// Compiles a schema of its own dialect: that of its `$schema`, else 2020-12.
    ///
    /// What 2020-12 takes for annotations (`format`, `contentEncoding`, `contentMediaType`) is
    /// none of a value's faults in any dialect. Keywords that are unknown are ignored.
    ///
    /// # Errors
    ///
    /// If it is no schema, beyond a bound, or if it refers to what is not in it. Nothing is ever
    /// fetched (2026-07-28, Base Protocol, `$ref` Resolution: "Implementations MUST NOT
    /// automatically dereference `$ref` values that resolve to a network URI"; "Schemas that fail
    /// to validate due to an unresolved external `$ref` SHOULD be rejected").
    pub(super) fn compile(schema: &Value) -> Result<Self, String> {
        bounds::check(schema).map_err(|excess| excess.to_string())?;
        jsonschema::options_for::<Metered>()
            .offline()
            .with_pattern_options(
                PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN),
            )
            .should_validate_formats(false)
            .without_content_media_type_support("application/json")
            .without_content_encoding_support("base64")
            .without_content_encoding_support("base64url")
            .build(schema)
            .map(|validator| Self { validator })
            .map_err(|error| reason(&error))
    }

    /// Holds a value against the schema.
    pub(super) fn check(&self, value: &Value) -> Result<(), Misfit> {
        let meter = Meter::new(MAX_STEPS);
        if self.validator.is_valid(MeteredNode::new(value, &meter)) && !meter.is_spent() {
            return Ok(());
        }
        if meter.is_spent() {
            return Err(Misfit::too_much_work());
        }
        // Looking for the place remembers less than looking for the answer, so it may take longer.
        let meter = Meter::new(MAX_STEPS);
        let error = self.validator.validate(MeteredNode::new(value, &meter)).err();
        match error.filter(|_| !meter.is_spent()) {
            Some(error) => Err(Misfit::of(&error, value)),
            None => Err(Misfit::somewhere()),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

/// Why the compiler did not take a schema.
fn reason(error: &ValidationError<'_>) -> String {
    let said = match error.kind() {
        ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, .. }) => {
            format!("it refers to {uri}, which is not in it, and nothing is fetched")
        }
        ValidationErrorKind::Referencing(ReferencingError::UnknownSpecification {
            specification,
        }) => format!(
            "its dialect {specification} is not supported: 2020-12, 2019-09, draft-07, draft-06 \
             and draft-04 are"
        ),
        ValidationErrorKind::Format { format } if format == "regex" => format!(
            "the pattern {} cannot be matched in linear time, or is too long or none at all",
            error.instance()
        ),
        _ => format!("at {:?}: {error}", error.instance_path().as_str()),
    };
    excerpt(&said, REASON_LIMIT).to_owned()
}
