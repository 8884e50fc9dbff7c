//! A JSON Schema, compiled once, and what it says of values.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ReferencingError, ValidationError, Validator};
use serde_json::Value;

use super::bounds::{self, Measure};
use super::metered::{Meter, Metered, MeteredNode, PLAIN_BYTES, Prices};
use super::misfit::Misfit;
use crate::server::raw::excerpt;

/// What a validation may cost: enough for any megabyte of JSON against a schema that looks at each
/// value a few times.
pub(super) const MAX_STEPS: u64 = 4_000_000;
/// The greatest sizes of compiled patterns, in bytes: a schema has the first that is enough for
/// each of its patterns. The time that each byte of a text takes is at most proportional to it.
const PATTERN_SIZES: [u64; 3] = [8 * 1024, 64 * 1024, 512 * 1024];
/// So much of a pattern is matched with a byte for one step.
const PATTERN_BYTES_PER_STEP: u64 = 512;
/// A validator is at most so many parts of the schema deep, one in another, all levels of a value
/// together: what the stack of a thread must hold.
const MAX_STACK: u64 = 768;
/// So many parts of a schema apply to a value for one step.
const VISITS_PER_STEP: u64 = 8;
/// At most so many bytes of what a compiler says are told.
const REASON_LIMIT: usize = 256;

/// A schema that values can be held against.
pub(super) struct Schema {
    validator: Validator<Metered>,
    prices: Prices,
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
        let measure = bounds::check(schema).map_err(|excess| excess.to_string())?;
        let [smallest, larger @ ..] = PATTERN_SIZES;
        let mut size = smallest;
        let mut built = build(schema, size);
        for next in larger {
            match &built {
                Err(error) if is_of_pattern(error) => {
                    size = next;
                    built = build(schema, size);
                }
                _ => break,
            }
        }
        let validator = built.map_err(|error| reason(&error))?;
        Ok(Self { validator, prices: prices(measure, size) })
    }

    /// Holds a value against the schema.
    pub(super) fn check(&self, value: &Value) -> Result<(), Misfit> {
        let meter = Meter::new(MAX_STEPS, self.prices);
        if self.validator.is_valid(MeteredNode::new(value, &meter)) && !meter.is_spent() {
            return Ok(());
        }
        if meter.is_spent() {
            return Err(Misfit::too_much_work());
        }
        // This remembers less on its way than the look before, so what is left may not be enough.
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

fn build(
    schema: &Value,
    pattern_size: u64,
) -> Result<Validator<Metered>, ValidationError<'static>> {
    let size = usize::try_from(pattern_size).expect("half a megabyte");
    jsonschema::options_for::<Metered>()
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(size).dfa_size_limit(size))
        .should_validate_formats(false)
        .without_content_media_type_support("application/json")
        .without_content_encoding_support("base64")
        .without_content_encoding_support("base64url")
        .build(schema)
}

fn prices(measure: Measure, pattern_size: u64) -> Prices {
    let text = PLAIN_BYTES * pattern_size / PATTERN_BYTES_PER_STEP;
    Prices {
        child: 1 + measure.visits / VISITS_PER_STEP,
        text: if measure.patterns == 0 { 1 } else { text },
        name: (text * measure.name_patterns).max(1),
        depth: u32::try_from(MAX_STACK / measure.height.max(1)).unwrap_or(u32::MAX),
    }
}

fn is_of_pattern(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Format { format } if format == "regex")
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
        _ if is_of_pattern(error) => format!(
            "the pattern {} is none, or looks around or refers back, which no linear time is \
             enough for, or repeats too much",
            error.instance()
        ),
        _ => format!("at {:?}: {error}", error.instance_path().as_str()),
    };
    excerpt(&said, REASON_LIMIT).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn said(schema: &Value, value: &Value) -> Option<String> {
        let schema = Schema::compile(schema).unwrap();
        schema.check(value).err().map(|misfit| misfit.to_string())
    }

    fn refused(schema: &Value) -> String {
        Schema::compile(schema).unwrap_err()
    }

    /// Runs it on half the stack of one of tokio's threads.
    fn on_a_worker(work: impl FnOnce() + Send + 'static) {
        let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_place_and_why() {
        let schema = json!({
            "type": "object",
            "properties": {
                "stops": {"type": "array", "maxItems": 3, "items": {
                    "type": "object",
                    "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}},
                    "required": ["city"],
                    "additionalProperties": false,
                }},
                "days": {"enum": [1, 7]},
                "none": {"additionalProperties": false},
                "no": false,
                "by": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        });
        assert_eq!(said(&schema, &json!({"stops": [{"city": "Bern"}], "days": 7.0})), None);
        for (value, expected) in [
            (
                json!({"stops": [{"city": "Bern"}, {"city": 5}]}),
                "`stops[1].city`: the value is not of type \"string\"",
            ),
            (
                json!({"stops": [{"city": "bern"}]}),
                "`stops[0].city`: the value does not match \"^[A-Z]\"",
            ),
            (json!({"stops": [{}]}), "`stops[0]`: \"city\" is a required property"),
            (
                json!({"stops": [{"city": "B", "x": 1}]}),
                "`stops[0]`: Additional properties are not allowed ('x' was unexpected)",
            ),
            (json!({"stops": [1, 2, 3, 4]}), "`stops`: the value has more than 3 items"),
            (json!({"days": 2}), "`days`: the value is not one of 1 or 7"),
            // A name that is a number is not an index.
            (json!({"by": {"0": "x"}}), "`by.0`: the value is not of type \"integer\""),
            (json!({"none": {"x": 1}}), "`none`: has properties, and none are allowed"),
            (json!({"no": 1}), "`no`: is not allowed here"),
            (json!([]), "the value is not of type \"object\""),
        ] {
            assert_eq!(said(&schema, &value).as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_is_wrong_in_an_optional_structure_is_named_inside_it() {
        let schema = json!({
            "properties": {"stop": {"anyOf": [{"$ref": "#/$defs/Stop"}, {"type": "null"}]}},
            "$defs": {"Stop": {"properties": {"city": {"type": "string"}}, "required": ["city"]}},
        });
        let said = |value: Value| said(&schema, &value);
        assert_eq!(said(json!({"stop": null})), None);
        assert_eq!(
            said(json!({"stop": {"city": 5}})).unwrap(),
            "`stop.city`: the value is not of type \"string\""
        );
        assert_eq!(
            said(json!({"stop": {}})).unwrap(),
            "`stop`: fits none of the schemas that are allowed here"
        );
    }

    #[test]
    fn what_is_said_of_a_value_has_a_bounded_length_and_does_not_repeat_it() {
        let long = "\u{e9}".repeat(100_000);
        let schema = json!({"type": "object", "additionalProperties": {"type": "integer"}});
        let said_of = said(&schema, &json!({ &long: "secret" })).unwrap();
        assert!((200..=512).contains(&said_of.len()), "{}", said_of.len());
        assert!(!said_of.contains("secret"));
        let closed = json!({"properties": {"a": true}, "additionalProperties": false});
        let said_of = said(&closed, &json!({ &long: 1 })).unwrap();
        assert!((200..=512).contains(&said_of.len()), "{}", said_of.len());
        let said_of = said(&json!({"properties": {"a": {"const": 1}}}), &json!({"a": long}));
        assert_eq!(said_of.unwrap(), "`a`: 1 was expected");
    }

    /// 2025-11-25 and 2026-07-28, Base Protocol, Schema Dialect: "When a schema does not include a
    /// `$schema` field, it defaults to JSON Schema 2020-12".
    #[test]
    fn the_dialect_is_2020_12_unless_the_schema_names_another() {
        // `prefixItems` is not known to draft-07, whose `items` may be a list instead.
        let prefix = json!({"prefixItems": [{"type": "string"}]});
        let items = json!({"items": [{"type": "string"}]});
        let with = |schema: &Value, dialect: &str| {
            let mut schema = schema.clone();
            schema["$schema"] = json!(dialect);
            schema
        };
        let number = json!([1]);
        let draft_2020 = "https://json-schema.org/draft/2020-12/schema";
        let draft_07 = "http://json-schema.org/draft-07/schema#";
        let misfit = Some("`[0]`: the value is not of type \"string\"".to_owned());
        assert_eq!(said(&prefix, &number), misfit);
        assert_eq!(said(&with(&prefix, draft_2020), &number), misfit);
        assert_eq!(said(&with(&prefix, draft_07), &number), None);
        assert_eq!(said(&with(&items, draft_07), &number), misfit);
        assert!(refused(&items).contains("at \"/items\""), "{}", refused(&items));
    }

    /// 2026-07-28, Base Protocol, Implementation Requirements: "They MUST handle unsupported
    /// dialects gracefully by returning an appropriate error indicating the dialect is not
    /// supported".
    #[test]
    fn a_dialect_that_is_not_supported_is_named() {
        let schema = json!({"$schema": "https://example.com/mine"});
        assert!(refused(&schema).starts_with("its dialect https://example.com/mine is not"));
    }

    /// 2026-07-28, Base Protocol, `$ref` Resolution: "Implementations MUST NOT automatically
    /// dereference `$ref` values that resolve to a network URI"; schemas with an unresolved one
    /// "SHOULD be rejected rather than silently treated as permissive".
    #[test]
    fn a_reference_to_what_is_not_in_the_schema_is_refused() {
        for uri in ["http://127.0.0.1/a", "https://example.com/a.json", "file:///etc/hostname"] {
            let said = refused(&json!({"properties": {"x": {"$ref": uri}}}));
            assert_eq!(
                said,
                format!("it refers to {uri}, which is not in it, and nothing is fetched")
            );
        }
        assert!(refused(&json!({"$ref": "other.json"})).starts_with("it refers to other.json"));
        let nowhere = json!({"properties": {"x": {"$ref": "#/$defs/none"}}});
        assert!(refused(&nowhere).contains("/$defs/none"), "{}", refused(&nowhere));
    }

    #[test]
    fn a_reference_to_the_schema_itself_leads_as_deep_as_the_value() {
        let schema = json!({
            "type": "object",
            "properties": {"name": {"type": "string"}, "in": {"$ref": "#"}},
            "required": ["name"],
        });
        let nested = |innermost: Value, depth: usize| {
            (0..depth).fold(innermost, |inner, _| json!({"name": "x", "in": inner}))
        };
        assert_eq!(said(&schema, &nested(json!({"name": "y"}), 100)), None);
        let place = ["in"; 3].join(".");
        assert_eq!(
            said(&schema, &nested(json!({}), 3)).unwrap(),
            format!("`{place}`: \"name\" is a required property")
        );
    }

    #[test]
    fn a_schema_that_is_none_is_refused_by_the_place_that_is_wrong() {
        let said = refused(&json!({"properties": {"a": {"minimum": "x"}}}));
        assert_eq!(said, "at \"/properties/a/minimum\": \"x\" is not of type \"number\"");
    }

    /// 2026-07-28, Tools, x-mcp-header: an annotation of the protocol's, not of JSON Schema's.
    #[test]
    fn keywords_that_are_unknown_and_those_that_annotate_say_nothing_of_a_value() {
        let draft_07 = "http://json-schema.org/draft-07/schema#";
        for schema in [
            json!({"type": "string", "x-mcp-header": "Region", "discriminator": {"a": 1}}),
            json!({"format": "date"}),
            json!({"$schema": draft_07, "format": "date"}),
            json!({"$schema": draft_07, "contentEncoding": "base64"}),
            json!({"$schema": draft_07, "contentMediaType": "application/json"}),
        ] {
            assert_eq!(said(&schema, &json!("no such thing")), None, "{schema}");
        }
    }

    #[test]
    fn a_pattern_that_linear_time_is_not_enough_for_is_refused() {
        for pattern in ["(?=a)b", "a(?!b)", "(?<=a)b", r"(a)\1", "(", "(a{1000}){1000}"] {
            let said = refused(&json!({"properties": {"x": {"pattern": pattern}}}));
            assert!(said.starts_with("the pattern "), "{pattern}: {said}");
        }
        // Backtracking would take longer than the world is old.
        let evil = json!({"pattern": "^(a+)+$"});
        let value = json!(format!("{}!", "a".repeat(10_000)));
        assert!(said(&evil, &value).unwrap().contains("does not match"));
        for pattern in [r"^[^/]{1,255}$", r"^\w{1,64}$", r"^\p{L}{1,12}$"] {
            assert_eq!(said(&json!({ "pattern": pattern }), &json!("abc")), None, "{pattern}");
        }
    }

    fn too_much() -> Option<String> {
        Some("cannot be validated: that would take too long".to_owned())
    }

    /// 2026-07-28, Base Protocol, Composition-Keyword Resource Use: "a per-validation time budget".
    #[test]
    fn what_would_take_too_long_is_refused_before_it_does() {
        // Each part of the schema looks at each element.
        let wide = json!({"items": {"allOf": vec![true; 4_000]}});
        assert_eq!(said(&wide, &json!(vec![1; 7_000])), None);
        assert_eq!(said(&wide, &json!(vec![1; 9_000])), too_much());
        // Each name is matched with each pattern.
        let patterns: Map<_, _> = (0..100).map(|n| (format!("^x{n}y"), json!(true))).collect();
        let named = json!({ "patternProperties": patterns });
        let names = |count: usize| (0..count).map(|n| (n.to_string(), Value::Null));
        assert_eq!(said(&named, &names(5).collect()), None);
        assert_eq!(said(&named, &names(500).collect()), too_much());
        // A pattern that has many states at once.
        let slow = json!({"pattern": "[ab]*a[ab]{900}c"});
        let text = |length: usize| json!("abb".repeat(length / 3));
        assert!(said(&slow, &text(3_000)).unwrap().contains("does not match"));
        assert_eq!(said(&slow, &text(300_000)), too_much());
        // Elements are found where they are twice, also those whose hashes were made the same.
        let unique = json!({"uniqueItems": true});
        let brackets = |n: u32| {
            let open = |bit: u32| if n >> bit & 1 == 1 { "[" } else { "" };
            let opened: String = (0..14).map(|bit| format!("{}1,", open(bit))).collect();
            let closed = "]".repeat(n.count_ones() as usize);
            serde_json::from_str(&format!("[{opened}1{closed}]")).unwrap()
        };
        let mut alike: Vec<Value> = (0..16_000).map(brackets).collect();
        assert_eq!(said(&unique, &json!(alike)), None);
        alike.push(alike[7].clone());
        assert!(said(&unique, &json!(alike)).unwrap().contains("non-unique"));
    }

    #[test]
    fn branches_that_double_with_each_level_of_the_value_are_bounded() {
        let branch = |name: &str| json!({"properties": {"x": {"$ref": "#/$defs/a"}}, "required": [name], "type": "object"});
        let schema = json!({
            "$ref": "#/$defs/a",
            "$defs": {"a": {"anyOf": [branch("y"), branch("z"), {"type": "null"}]}},
        });
        let nested = |members: Value, depth: usize| {
            (0..depth).fold(json!(null), |inner, _| {
                let mut members = members.clone();
                members["x"] = inner;
                members
            })
        };
        assert_eq!(said(&schema, &nested(json!({"z": 1}), 120)), None);
        // 2^120 ways lead to what is wrong.
        let lost = "does not fit the schema; which part of it would take too long to find";
        assert_eq!(said(&schema, &nested(json!({}), 120)).unwrap(), lost);
    }

    #[test]
    fn a_megabyte_of_an_ordinary_value_is_validated() {
        let schema = json!({"type": "array", "items": {
            "anyOf": [{"$ref": "#/$defs/row"}, {"type": "integer", "minimum": 0}],
        }, "$defs": {"row": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "string", "maxLength": 9}},
            "required": ["a"],
            "additionalProperties": false,
        }}});
        let compiled = Schema::compile(&schema).unwrap();
        for (element, bytes) in [(json!(1), 2), (json!({"a": 0, "b": "x"}), 16)] {
            let mut value = vec![element; 1024 * 1024 / bytes];
            assert_eq!(compiled.check(&json!(value)), Ok(()));
            value.push(json!({"a": "0"}));
            assert!(compiled.check(&json!(value)).is_err());
        }
    }

    #[test]
    fn the_deepest_schema_on_the_deepest_value_has_stack_enough() {
        on_a_worker(|| {
            let value = (0..126).fold(json!(1), |inner, _| json!([inner]));
            let wrap = |by: fn(Value) -> Value| {
                let inner = json!({"type": "array", "items": {"$ref": "#"}});
                (2..bounds::MAX_HEIGHT).fold(inner, |inner, _| by(inner))
            };
            let nested =
                (0..bounds::MAX_DEPTH / 2).fold(json!({}), |inner, _| json!({"items": inner}));
            for schema in [
                nested,
                wrap(|inner| json!({"allOf": [inner]})),
                wrap(|inner| json!({"anyOf": [inner, {"type": "null"}]})),
                wrap(|inner| json!({"oneOf": [inner, false]})),
                wrap(|inner| json!({"not": {"not": inner}})),
                wrap(|inner| json!({"allOf": [inner], "unevaluatedItems": false})),
            ] {
                let Ok(compiled) = Schema::compile(&schema) else {
                    assert_eq!(bounds::check(&schema).err(), Some(bounds::Excess::Height));
                    continue;
                };
                let _ = compiled.check(&value);
            }
            // How deep a value may be depends on how deep the schema is in itself.
            let list = Schema::compile(&json!({"items": {"$ref": "#"}})).unwrap();
            assert_eq!(list.check(&value), Ok(()));
            let deep = Schema::compile(&wrap(|inner| json!({"allOf": [inner]}))).unwrap();
            assert_eq!(deep.check(&value), Err(Misfit::too_much_work()));
        });
    }
}
