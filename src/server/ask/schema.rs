//! From the JSON Schema of a field, as it is derived from a Rust type, to the field of a form.
//!
//! 2026-07-28, Elicitation, Requested Schema: "form mode elicitation schemas are limited to flat
//! objects with primitive properties only." What a form cannot hold is refused with words, not
//! left out: the answer would not fit the type.

use serde_json::{Map, Value};

use super::answer::kind;
use super::choice::{Choice, MultiSelectSchema, SingleSelectSchema};
use super::field::{BooleanSchema, FieldSchema, NumberSchema, StringFormat, StringSchema};

/// The field with its title and description, if the schema has them.
macro_rules! label {
    ($field:ident, $schema:ident) => {
        if let Some(title) = $schema.get("title").and_then(Value::as_str) {
            $field = $field.with_title(title);
        }
        if let Some(description) = $schema.get("description").and_then(Value::as_str) {
            $field = $field.with_description(description);
        }
    };
}

/// Keywords that restrict nothing.
const NOTES: &[&str] = &[
    "$comment",
    "$schema",
    "default",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

impl FieldSchema {
    /// Reads the schema of one property. The error is read after the field's name.
    pub(super) fn from_schema(schema: &Value) -> Result<Self, String> {
        let mut schema = match schema {
            Value::Object(members) => members.clone(),
            _ => return Err("may be anything".to_owned()),
        };
        without_null(&mut schema);
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => string(&schema),
            Some("number") => number(&schema, NumberSchema::new()),
            Some("integer") => number(&schema, NumberSchema::integer()),
            Some("boolean") => boolean(&schema),
            Some("array") => several(&schema),
            // An enum whose variants have descriptions or titles.
            None if schema.contains_key("oneOf") => one_of_several(&schema),
            Some("object") => Err("is an object, and a form is flat".to_owned()),
            _ => Err("is neither a text, a number, a boolean nor a choice".to_owned()),
        }
    }
}

/// Takes away what an `Option` adds: an optional field is one that is not required.
fn without_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [kind] = &kinds[..] {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(variants)) = schema.get_mut("anyOf") {
        variants.retain(|variant| variant.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(variant)] = &variants[..] {
            // What stands beside `anyOf` is the field's own, and counts more.
            let variant = variant.clone();
            schema.remove("anyOf");
            for (name, value) in variant {
                schema.entry(name).or_insert(value);
            }
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

fn string(schema: &Map<String, Value>) -> Result<FieldSchema, String> {
    if ["enum", "oneOf", "const"].iter().any(|keyword| schema.contains_key(*keyword)) {
        return one_of_several(schema);
    }
    only(schema, &["type", "minLength", "maxLength", "format"])?;
    let mut field = StringSchema::new();
    label!(field, schema);
    if let Some(least) = count(schema, "minLength")? {
        field = field.with_min_length(least);
    }
    if let Some(most) = count(schema, "maxLength")? {
        field = field.with_max_length(most);
    }
    // Other formats, such as `uuid`, are none that clients know; the type checks them itself.
    field = match schema.get("format").and_then(Value::as_str) {
        Some("email") => field.with_format(StringFormat::Email),
        Some("uri") => field.with_format(StringFormat::Uri),
        Some("date") => field.with_format(StringFormat::Date),
        Some("date-time") => field.with_format(StringFormat::DateTime),
        _ => field,
    };
    if let Some(default) = schema.get("default") {
        field = field.with_default(text(default)?);
    }
    Ok(field.into())
}

fn number(schema: &Map<String, Value>, mut field: NumberSchema) -> Result<FieldSchema, String> {
    only(schema, &["type", "minimum", "maximum", "format"])?;
    label!(field, schema);
    let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    if let Some(minimum) = limit("minimum") {
        field = field.with_minimum(minimum);
    }
    if let Some(maximum) = limit("maximum") {
        field = field.with_maximum(maximum);
    }
    if let Some(default) = schema.get("default") {
        let default = default.as_f64();
        field = field.with_default(default.ok_or("has a default that is no number")?);
    }
    Ok(field.into())
}

fn boolean(schema: &Map<String, Value>) -> Result<FieldSchema, String> {
    only(schema, &["type"])?;
    let mut field = BooleanSchema::new();
    label!(field, schema);
    if let Some(default) = schema.get("default") {
        let default = default.as_bool();
        field = field.with_default(default.ok_or("has a default that is no boolean")?);
    }
    Ok(field.into())
}

fn one_of_several(schema: &Map<String, Value>) -> Result<FieldSchema, String> {
    only(schema, &["type", "enum", "oneOf", "const", "enumNames"])?;
    let mut field = SingleSelectSchema::new(choices(schema)?);
    label!(field, schema);
    if schema.contains_key("enumNames") {
        field = field.with_enum_names();
    }
    if let Some(default) = schema.get("default") {
        field = field.with_default(text(default)?);
    }
    Ok(field.into())
}

fn several(schema: &Map<String, Value>) -> Result<FieldSchema, String> {
    only(schema, &["type", "items", "minItems", "maxItems", "uniqueItems"])?;
    let Some(Value::Object(items)) = schema.get("items") else {
        return Err("is a list of anything".to_owned());
    };
    only(items, &["type", "enum", "oneOf", "anyOf", "const"])
        .and_then(|()| choices(items))
        .map_err(|error| format!("is a list whose item {error}"))
        .and_then(|choices| {
            let mut field = MultiSelectSchema::new(choices);
            label!(field, schema);
            if let Some(least) = count(schema, "minItems")? {
                field = field.with_min_items(least);
            }
            if let Some(most) = count(schema, "maxItems")? {
                field = field.with_max_items(most);
            }
            if let Some(default) = schema.get("default") {
                let values = default.as_array().ok_or("has a default that is no list")?;
                let values: Vec<&str> = values.iter().map(text).collect::<Result<_, _>>()?;
                field = field.with_default(values);
            }
            Ok(field.into())
        })
}

/// The choices of an enum of texts, however the schema lists them: those of its variants that
/// have neither a title nor a description share one `enum`.
fn choices(schema: &Map<String, Value>) -> Result<Vec<Choice>, String> {
    if schema.get("type").is_some_and(|kind| kind != "string") {
        return Err("is no text".to_owned());
    }
    if let Some(value) = schema.get("const") {
        // The description is all that people would see of a variant's documentation.
        let shown = schema.get("title").or_else(|| schema.get("description"));
        let choice = Choice::from(text(value)?);
        let titled = |title| Choice::titled(text(value).unwrap_or_default(), title);
        return Ok(vec![shown.and_then(Value::as_str).map_or(choice, titled)]);
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        let names = schema.get("enumNames").and_then(Value::as_array);
        let choice = |(at, value)| -> Result<Choice, String> {
            let name = names.and_then(|names| names.get(at)).and_then(Value::as_str);
            let value = text(value)?;
            Ok(name.map_or_else(|| value.into(), |name| Choice::titled(value, name)))
        };
        return values.iter().enumerate().map(choice).collect();
    }
    let variants = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    let mut all = Vec::new();
    for variant in variants.ok_or("is no choice")? {
        let variant = variant.as_object().ok_or("has a variant that may be anything")?;
        if variant.get("type").is_some_and(|kind| kind != "string") {
            return Err("has a variant that is no text".to_owned());
        }
        only(variant, &["type", "enum", "const"])?;
        all.extend(choices(variant)?);
    }
    Ok(all)
}

/// Refuses keywords that a form has no place for, and that an answer could break.
fn only(schema: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let is_known =
        |name: &str| known.contains(&name) || NOTES.contains(&name) || name.starts_with("x-");
    match schema.keys().find(|name| !is_known(name)) {
        Some(name) => Err(format!("has `{name}` in its schema, which forms do not know")),
        None => Ok(()),
    }
}

fn count(schema: &Map<String, Value>, keyword: &str) -> Result<Option<u32>, String> {
    let Some(value) = schema.get(keyword) else { return Ok(None) };
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.map(Some).ok_or_else(|| format!("has a `{keyword}` that is no length"))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("has {} where forms have texts", kind(value)))
}
