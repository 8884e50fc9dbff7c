//! What a schema may be, so that compiling it and validating against it stay within bounds
//! (2026-07-28, Base Protocol, Composition-Keyword Resource Use: "Implementations SHOULD apply
//! reasonable bounds, such as a maximum schema depth, a cap on the total number of subschemas").
//!
//! A validator visits a value once for each subschema that applies to it, and a reference makes
//! subschemas apply as often as they are referred to: twenty definitions that each refer twice to
//! the next one are a million visits. So those are counted before anything is compiled.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

/// At most so many JSON values in a schema.
pub(super) const MAX_VALUES: usize = 16_384;
/// At most so many bytes of text in a schema.
pub(super) const MAX_TEXT: usize = 1024 * 1024;
/// A schema is nested at most so deep.
pub(super) const MAX_DEPTH: usize = 64;
/// At most so many patterns in a schema.
pub(super) const MAX_PATTERNS: usize = 128;
/// At most so many subschemas apply to one value, references followed.
pub(super) const MAX_VISITS: u64 = 4_096;
/// They are at most so deep in each other: what a validator's stack must hold for each level of
/// the value.
pub(super) const MAX_HEIGHT: u64 = 24;

/// Keywords whose value is a schema for the same place of the value.
const IN_PLACE: [&str; 5] = ["not", "if", "then", "else", "propertyNames"];
/// Keywords whose value is a list of such schemas.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value has such schemas as members.
const IN_PLACE_MEMBERS: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords that refer to a schema. Where a dynamic one leads is known only when a value is
/// validated, so each place that it might lead to counts.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// What a schema costs that is no part of this one: the dialects' own.
const FOREIGN: Extent = Extent { visits: 64, height: 8 };

/// Why a schema is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Values,
    Text,
    Depth,
    Patterns,
    Visits,
    Height,
    Circle,
}

/// How much of a schema applies to one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    visits: u64,
    height: u64,
}

/// Where references lead, and what is known of those places.
struct Survey<'a> {
    /// The schema and those in it that have an `$id`: where pointers begin.
    resources: Vec<Resource<'a>>,
    anchors: HashMap<&'a str, Vec<&'a Value>>,
    /// None while the place is being measured.
    measured: HashMap<*const Value, Option<Extent>>,
    found: Measure,
    values: usize,
    text: usize,
}

/// What is known of a schema that is within the bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// The most parts that apply to one value.
    pub(super) visits: u64,
    /// How deep they are in each other.
    pub(super) height: u64,
    /// How many patterns there are.
    pub(super) patterns: usize,
    /// The most patterns that a name of a member is matched with at one place.
    pub(super) name_patterns: u64,
}

/// Checks a schema.
pub(super) fn check(schema: &Value) -> Result<Measure, Excess> {
    let mut survey = Survey {
        resources: Vec::new(),
        anchors: HashMap::new(),
        measured: HashMap::new(),
        found: Measure::default(),
        values: 0,
        text: 0,
    };
    survey.collect(schema, 0)?;
    survey.measure_all(schema)?;
    Ok(survey.found)
}

#[derive(Clone, Copy)]
struct Resource<'a> {
    schema: &'a Value,
    identity: Identity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Identity {
    Named,
    Nameless,
}

impl<'a> Survey<'a> {
    /// Counts what the schema holds, and collects what references can name.
    fn collect(&mut self, value: &'a Value, depth: usize) -> Result<(), Excess> {
        self.values += 1;
        match value {
            _ if self.values > MAX_VALUES => return Err(Excess::Values),
            _ if depth > MAX_DEPTH => return Err(Excess::Depth),
            Value::Object(members) => {
                self.note(value, members)?;
                for (name, member) in members {
                    self.count_text(name)?;
                    self.collect(member, depth + 1)?;
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    self.collect(element, depth + 1)?;
                }
            }
            Value::String(text) => self.count_text(text)?,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    fn count_text(&mut self, text: &str) -> Result<(), Excess> {
        self.text += text.len();
        if self.text > MAX_TEXT { Err(Excess::Text) } else { Ok(()) }
    }

    fn note(&mut self, value: &'a Value, members: &'a Map<String, Value>) -> Result<(), Excess> {
        let named = |key| members.get(key).is_some_and(Value::is_string);
        if named("$id") || named("id") {
            self.resources.push(Resource { schema: value, identity: Identity::Named });
        } else if self.values == 1 {
            self.resources.push(Resource { schema: value, identity: Identity::Nameless });
        }
        for key in ["$anchor", "$dynamicAnchor"] {
            if let Some(name) = members.get(key).and_then(Value::as_str) {
                self.anchors.entry(name).or_default().push(value);
            }
        }
        self.found.patterns += usize::from(members.get("pattern").is_some_and(Value::is_string));
        if let Some(Value::Object(patterns)) = members.get("patternProperties") {
            self.found.patterns += patterns.len();
            self.found.name_patterns = self.found.name_patterns.max(patterns.len() as u64);
        }
        if members.contains_key("propertyNames") {
            self.found.name_patterns = self.found.name_patterns.max(1);
        }
        if self.found.patterns > MAX_PATTERNS { Err(Excess::Patterns) } else { Ok(()) }
    }

    /// Measures each object as if a value came to it: which of them are schemas need not be known.
    fn measure_all(&mut self, value: &'a Value) -> Result<(), Excess> {
        match value {
            Value::Object(members) => {
                self.measure(value, 1)?;
                members.values().try_for_each(|member| self.measure_all(member))
            }
            Value::Array(elements) => {
                elements.iter().try_for_each(|element| self.measure_all(element))
            }
            _ => Ok(()),
        }
    }

    /// How much applies to a value that comes to this schema, which is so deep in others.
    fn measure(&mut self, schema: &'a Value, depth: u64) -> Result<Extent, Excess> {
        let Value::Object(members) = schema else { return Ok(Extent { visits: 1, height: 1 }) };
        match self.measured.get(&std::ptr::from_ref(schema)) {
            Some(Some(extent)) => return Ok(*extent),
            // 2020-12, Core, 9.4.1: "a schema MUST NOT be run into an infinite loop against an
            // instance".
            Some(None) => return Err(Excess::Circle),
            None if depth > MAX_HEIGHT => return Err(Excess::Height),
            None => self.measured.insert(schema, None),
        };
        let mut extent = Extent { visits: 1, height: 1 };
        for part in self.parts(members) {
            let part = match part {
                Part::Here(schema) => self.measure(schema, depth + 1)?,
                Part::Foreign => FOREIGN,
            };
            extent.visits = extent.visits.saturating_add(part.visits);
            extent.height = extent.height.max(part.height + 1);
        }
        if extent.visits > MAX_VISITS {
            return Err(Excess::Visits);
        }
        if extent.height > MAX_HEIGHT {
            return Err(Excess::Height);
        }
        self.measured.insert(schema, Some(extent));
        self.found.visits = self.found.visits.max(extent.visits);
        self.found.height = self.found.height.max(extent.height);
        Ok(extent)
    }

    /// The schemas that apply wherever the one with these members does.
    fn parts(&self, members: &'a Map<String, Value>) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let schemas = IN_PLACE.into_iter().filter_map(|key| members.get(key));
        parts.extend(schemas.map(Part::Here));
        let lists = IN_PLACE_LISTS.into_iter().filter_map(|key| members.get(key)?.as_array());
        parts.extend(lists.flatten().map(Part::Here));
        let maps = IN_PLACE_MEMBERS.into_iter().filter_map(|key| members.get(key)?.as_object());
        parts.extend(maps.flat_map(|map| map.values()).map(Part::Here));
        for reference in REFERENCES.into_iter().filter_map(|key| members.get(key)?.as_str()) {
            self.resolve(reference, &mut parts);
        }
        parts
    }

    /// The places that a reference may lead to: more than one where the schema has several
    /// resources or dynamic anchors.
    fn resolve(&self, reference: &str, parts: &mut Vec<Part<'a>>) {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let may_lead_to =
            |place: &&Resource<'_>| base.is_empty() || place.identity == Identity::Named;
        let before = parts.len();
        if fragment.is_empty() || fragment.starts_with('/') {
            let pointer = percent_decoded(fragment);
            let resources = self.resources.iter().filter(may_lead_to);
            let places = resources.filter_map(|resource| resource.schema.pointer(&pointer));
            parts.extend(places.map(Part::Here));
        } else {
            let places = self.anchors.get(fragment).into_iter().flatten();
            parts.extend(places.map(|place| Part::Here(place)));
        }
        if parts.len() == before {
            parts.push(Part::Foreign);
        }
    }
}

enum Part<'a> {
    Here(&'a Value),
    /// A schema that is no part of this one, or none at all: the compiler refuses that.
    Foreign,
}

/// A pointer in a fragment is percent-encoded (RFC 6901, 6).
fn percent_decoded(fragment: &str) -> String {
    let mut pieces = fragment.split('%');
    let mut decoded = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let code = piece.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                decoded.push(byte);
                decoded.extend_from_slice(&piece.as_bytes()[2..]);
            }
            // The compiler refuses it.
            None => decoded.extend_from_slice(piece.as_bytes()),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values => write!(f, "it has more than {MAX_VALUES} values"),
            Self::Text => write!(f, "it has more than {MAX_TEXT} bytes of text"),
            Self::Depth => write!(f, "it is nested deeper than {MAX_DEPTH} levels"),
            Self::Patterns => write!(f, "it has more than {MAX_PATTERNS} patterns"),
            Self::Visits => {
                write!(f, "with references followed, more than {MAX_VISITS} parts apply to a value")
            }
            Self::Height => {
                write!(
                    f,
                    "with references followed, more than {MAX_HEIGHT} parts are in each other"
                )
            }
            Self::Circle => f.write_str("a reference leads back to itself at the same value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Definitions that each refer to the next one so many times.
    fn doubling(definitions: usize, times: usize) -> Value {
        let mut all = Map::new();
        for n in 0..definitions {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            all.insert(format!("d{n}"), json!({"anyOf": vec![next; times]}));
        }
        all.insert(format!("d{definitions}"), json!({"type": "string"}));
        json!({"$ref": "#/$defs/d0", "$defs": all})
    }

    #[test]
    fn a_schema_at_each_limit_is_taken_and_one_beyond_it_is_not() {
        let values = |n: usize| json!({ "enum": vec![1; n - 2] });
        assert_eq!(check(&values(MAX_VALUES)).err(), None);
        assert_eq!(check(&values(MAX_VALUES + 1)), Err(Excess::Values));
        let text = |n: usize| json!({ "const": "x".repeat(n - 5) });
        assert_eq!(check(&text(MAX_TEXT)).err(), None);
        assert_eq!(check(&text(MAX_TEXT + 1)), Err(Excess::Text));
        let deep = |n: usize| (0..n).fold(json!(true), |inner, _| json!({ "items": inner }));
        assert_eq!(check(&deep(MAX_DEPTH)).err(), None);
        assert_eq!(check(&deep(MAX_DEPTH + 1)), Err(Excess::Depth));
        let patterns = |n: usize| {
            let named: Map<_, _> = (1..n).map(|n| (format!("^{n}$"), json!({}))).collect();
            json!({"patternProperties": named, "items": {"pattern": "x"}})
        };
        assert_eq!(check(&patterns(MAX_PATTERNS)).err(), None);
        assert_eq!(check(&patterns(MAX_PATTERNS + 1)), Err(Excess::Patterns));
        let visits = |n: u64| json!({ "allOf": vec![true; n as usize - 1] });
        assert_eq!(check(&visits(MAX_VISITS)).err(), None);
        assert_eq!(check(&visits(MAX_VISITS + 1)), Err(Excess::Visits));
        let height = |n: u64| (1..n).fold(json!(true), |inner, _| json!({ "not": inner }));
        assert_eq!(check(&height(MAX_HEIGHT)).err(), None);
        assert_eq!(check(&height(MAX_HEIGHT + 1)), Err(Excess::Height));
    }

    /// 2026-07-28, Base Protocol, Composition-Keyword Resource Use.
    #[test]
    fn references_that_multiply_are_counted_as_often_as_they_apply() {
        assert_eq!(check(&doubling(8, 2)).err(), None);
        assert_eq!(check(&doubling(11, 2)), Err(Excess::Visits));
        assert_eq!(check(&doubling(4, 20)), Err(Excess::Visits));
        // A chain is not wide, but its validation is deep.
        assert_eq!(check(&doubling(2_000, 1)), Err(Excess::Height));
    }

    #[test]
    fn a_schema_that_refers_to_itself_at_a_part_of_the_value_is_taken() {
        let tree = json!({
            "$ref": "#/$defs/node",
            "$defs": {"node": {
                "type": "object",
                "properties": {
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "right": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "whole": {"$ref": "#"}
                }
            }}
        });
        assert_eq!(check(&tree).err(), None);
        let properties_of_any_name = json!({"properties": {
            "not": {"$ref": "#"}, "$ref": {"$ref": "#"}, "allOf": {"items": {"$ref": "#"}}
        }});
        assert_eq!(check(&properties_of_any_name).err(), None);
    }

    /// 2020-12, Core, 9.4.1.
    #[test]
    fn a_reference_that_leads_back_to_itself_at_the_same_value_is_not_taken() {
        for circle in [
            json!({"$ref": "#"}),
            json!({"anyOf": [{"type": "null"}, {"$ref": "#"}]}),
            json!({"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}),
            json!({"$defs": {"a b": {"if": {"$ref": "#/$defs/a%20b"}}}}),
            json!({"$defs": {"a": {"$anchor": "here", "allOf": [{"$ref": "#here"}]}}}),
            json!({"$defs": {"a": {"$dynamicAnchor": "x", "then": {"$dynamicRef": "#x"}}}}),
            json!({"$defs": {"a": {"$id": "urn:a", "else": {"$ref": "urn:a"}}}}),
            json!({"$recursiveAnchor": true, "oneOf": [{"$recursiveRef": "#"}]}),
        ] {
            assert_eq!(check(&circle), Err(Excess::Circle), "{circle}");
        }
    }
}
