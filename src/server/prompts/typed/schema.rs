//! The arguments of a prompt, derived from a type.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::texts;
use crate::server::build_error::BuildError;
use crate::server::prompts::prompt::PromptArgument;
use crate::server::typed;

const NO_TEXT: &str = "cannot be written as a string: it must be a string, an enum without data, a \
                       number or a bool";
const NO_FLAT_TEXT: &str = "cannot be read from a string where fields are flattened: it must be a \
                            string or an enum without data";

/// An argument, and the values that it can have if they are few.
#[derive(Debug, PartialEq)]
pub(super) struct Derived {
    pub(super) argument: PromptArgument,
    pub(super) values: Vec<String>,
}

/// What the strings of an argument are.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Any,
    OneOf(Vec<String>),
    /// What is not a string itself, but written as one.
    Written,
}

/// The arguments that `A` can be read from, in the order of its fields.
pub(super) fn derive<A: DeserializeOwned + JsonSchema>(
    prompt: &str,
) -> Result<Vec<Derived>, BuildError> {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let schema = typed::schema::<A>(settings.with(|settings| settings.inline_subschemas = true));
    arguments(&schema, texts::fields::<A>())
        .map_err(|reason| BuildError::invalid_prompt(prompt, reason))
}

fn arguments(
    schema: &Value,
    fields: Option<&'static [&'static str]>,
) -> Result<Vec<Derived>, String> {
    if schema["type"] != "object" {
        return Err("its arguments are not the fields of a struct".to_owned());
    }
    let no_properties = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&no_properties);
    let mut properties: Vec<_> = properties.iter().collect();
    // JSON objects have no order here, but clients take arguments by place.
    let place = |name: &str| fields?.iter().position(|&field| field == name);
    properties.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
    let argument = |(name, schema): (&String, &Value)| {
        let values = match (kind(schema), fields) {
            (None, _) => return Err(format!("argument `{name}` {NO_TEXT}")),
            // Behind `flatten` a value is read before it is known what it is to be.
            (Some(Kind::Written), None) => return Err(format!("argument `{name}` {NO_FLAT_TEXT}")),
            (Some(Kind::OneOf(values)), _) => values,
            (Some(Kind::Any | Kind::Written), _) => Vec::new(),
        };
        let argument = match required.iter().any(|required| *required == name) {
            true => PromptArgument::required(name),
            false => PromptArgument::optional(name),
        };
        Ok(Derived { argument: described(argument, schema), values })
    };
    properties.into_iter().map(argument).collect()
}

fn described(argument: PromptArgument, schema: &Value) -> PromptArgument {
    let argument = match schema["title"].as_str() {
        Some(title) => argument.with_title(title),
        None => argument,
    };
    match schema["description"].as_str() {
        Some(description) => argument.with_description(description),
        None => argument,
    }
}

/// What the strings are that a value of this schema is read from; `None` if it is read from
/// something else.
fn kind(schema: &Value) -> Option<Kind> {
    if let Some(value) = schema.get("const") {
        return Some(Kind::OneOf(vec![value.as_str()?.to_owned()]));
    }
    if let Some(values) = schema["enum"].as_array() {
        let texts = values.iter().filter(|value| !value.is_null());
        return texts
            .map(|text| Some(text.as_str()?.to_owned()))
            .collect::<Option<_>>()
            .map(Kind::OneOf);
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let mut kinds = choices.iter().filter(|choice| choice["type"] != "null").map(kind);
        let first = kinds.next()??;
        return kinds.try_fold(first, |all, next| Some(either(all, next?)));
    }
    match &schema["type"] {
        Value::String(name) => simple(name),
        Value::Array(names) => {
            let mut names = names.iter().filter_map(Value::as_str).filter(|&name| name != "null");
            let first = simple(names.next()?)?;
            names.try_fold(first, |all, name| Some(either(all, simple(name)?)))
        }
        _ => None,
    }
}

fn simple(name: &str) -> Option<Kind> {
    match name {
        "string" => Some(Kind::Any),
        "integer" | "number" | "boolean" => Some(Kind::Written),
        _ => None,
    }
}

fn either(one: Kind, other: Kind) -> Kind {
    match (one, other) {
        (Kind::OneOf(mut one), Kind::OneOf(mut other)) => {
            one.append(&mut other);
            Kind::OneOf(one)
        }
        (Kind::Written, _) | (_, Kind::Written) => Kind::Written,
        _ => Kind::Any,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn told<A: DeserializeOwned + JsonSchema>() -> String {
        derive::<A>("p").unwrap_err().to_string()
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only their schemas count")]
    struct Strings {
        z: String,
        a: Option<char>,
        #[serde(rename = "M", default)]
        m: Side,
        n: Option<Side>,
        b: bool,
        x: Option<f64>,
        i: std::num::NonZeroU8,
    }

    #[derive(Default, Deserialize, JsonSchema)]
    enum Side {
        #[default]
        Left,
        Right,
        /// With a word about it.
        Middle,
    }

    #[test]
    fn strings_enums_numbers_and_bools_are_arguments_in_the_order_of_the_fields() {
        let derived = derive::<Strings>("p").unwrap();
        let shown: Vec<_> = derived
            .iter()
            .map(|Derived { argument, values }| {
                (argument.name(), argument.is_required(), values.len())
            })
            .collect();
        let expected = [
            ("z", true, 0),
            ("a", false, 0),
            ("M", false, 3),
            ("n", false, 3),
            ("b", true, 0),
            ("x", false, 0),
            ("i", true, 0),
        ];
        assert_eq!(shown, expected);
        let mut values = derived[3].values.clone();
        values.sort();
        assert_eq!(values, ["Left", "Middle", "Right"]);
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct Flat<T> {
        own: String,
        #[serde(flatten)]
        more: T,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema counts")]
    struct One<T> {
        x: T,
    }

    #[test]
    fn flattened_strings_are_arguments_and_flattened_numbers_are_not() {
        let flat = derive::<Flat<One<String>>>("p").unwrap();
        assert_eq!(flat.iter().map(|it| it.argument.name()).collect::<Vec<_>>(), ["own", "x"]);
        assert_eq!(told::<Flat<One<u8>>>(), format!("prompt `p`: argument `x` {NO_FLAT_TEXT}"));
    }

    #[test]
    fn what_no_string_can_be_is_refused() {
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only its schema counts")]
        enum Shape {
            Round,
            Square { side: f64 },
        }
        for told in [
            told::<One<Vec<String>>>(),
            told::<One<One<String>>>(),
            told::<One<Value>>(),
            told::<One<Option<Value>>>(),
            told::<One<Shape>>(),
            told::<One<()>>(),
        ] {
            assert_eq!(told, format!("prompt `p`: argument `x` {NO_TEXT}"));
        }
        for told in [told::<String>(), told::<Vec<String>>(), told::<Side>(), told::<Value>()] {
            assert_eq!(told, "prompt `p`: its arguments are not the fields of a struct");
        }
        #[derive(Deserialize, JsonSchema)]
        struct Nothing {}
        assert_eq!(derive::<Nothing>("p").unwrap(), []);
    }
}
