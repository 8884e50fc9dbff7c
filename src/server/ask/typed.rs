//! Forms that are derived from Rust types (feature `schemars`).

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::elicit::{Elicit, ElicitForm, Elicited};
use super::field::FieldSchema;
use super::question::Ask;
use crate::protocol::version::ProtocolVersion;
use crate::server::raw::RawJson;
use crate::server::{ClientCapabilities, ToolError};

/// A form with the fields of a type, which the answer is read as.
///
/// The type is a struct of texts, numbers, booleans, enums without data, lists of such enums, and
/// `Option`s of all these: a form is flat. Doc comments become descriptions, `#[serde(default)]`
/// what a field holds at first (of an enum, if it implements `Serialize` as well),
/// `#[schemars(title = "…")]` titles, also of an enum's variants;
/// `#[schemars(length(…), range(…), email, url)]` restrict what can be entered.
///
/// Fields that are required come in the order of the struct, then all others.
///
/// ```
/// use mcp_http::Elicit;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Ticket {
///     /// Where shall it go?
///     #[schemars(email)]
///     email: String,
///     class: Class,
///     #[serde(default)]
///     newsletter: bool,
/// }
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// enum Class {
///     #[serde(rename = "1")]
///     #[schemars(title = "First class")]
///     First,
///     #[serde(rename = "2")]
///     #[schemars(title = "Second class")]
///     Second,
/// }
///
/// let question = Elicit::typed::<Ticket>("Your ticket");
/// assert!(question.form().is_ok());
/// ```
pub struct ElicitTyped<T> {
    /// Or why the type cannot be a form.
    form: Result<ElicitForm, String>,
    answer: PhantomData<fn() -> T>,
}

impl<T: JsonSchema + DeserializeOwned> ElicitTyped<T> {
    pub(super) fn new(message: impl Into<String>) -> Self {
        let form = derive::<T>(Elicit::form(message));
        let name = std::any::type_name::<T>();
        let form = form.map_err(|error| format!("{name} can not be asked for as a form: {error}"));
        Self { form, answer: PhantomData }
    }
}

impl<T> ElicitTyped<T> {
    /// The form that the person will be shown.
    ///
    /// # Errors
    ///
    /// If the type cannot be a form. The error names the field; asking fails with it as well, and
    /// a test of one's own can look for it here.
    pub fn form(&self) -> Result<&ElicitForm, ToolError> {
        self.form.as_ref().map_err(|error| ToolError::new(error.as_str()))
    }
}

impl<T: JsonSchema + DeserializeOwned> Ask for ElicitTyped<T> {
    type Answer = Elicited<T>;

    const METHOD: &'static str = ElicitForm::METHOD;

    fn requires(&self) -> (&'static str, Map<String, Value>) {
        Elicit::form("").requires()
    }

    fn is_supported_by(&self, client: &ClientCapabilities) -> bool {
        Elicit::form("").is_supported_by(client)
    }

    fn params(&self, version: ProtocolVersion) -> Result<RawJson, ToolError> {
        self.form()?.params(version)
    }

    fn read(&self, answer: &RawJson) -> Result<Elicited<T>, String> {
        match self.form.as_ref()?.read(answer)? {
            Elicited::Accept(content) => take(content).map(Elicited::Accept),
            Elicited::Decline => Ok(Elicited::Decline),
            Elicited::Cancel => Ok(Elicited::Cancel),
        }
    }
}

/// Reads what fits the form as the type, which may ask for more: an `i8` has its range.
fn take<T: DeserializeOwned>(content: Map<String, Value>) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(content)).map_err(|error| {
        match error.path().to_string().as_str() {
            "." => error.inner().to_string(),
            path => format!("`{path}`: {}", error.inner()),
        }
    })
}

/// Adds the fields of `T` to a form.
fn derive<T: JsonSchema>(form: ElicitForm) -> Result<ElicitForm, String> {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let settings = settings.with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let is_struct = schema.get("type").is_some_and(|kind| kind == "object");
    let combines = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"]
        .iter()
        .any(|keyword| schema.get(*keyword).is_some());
    if !is_struct || combines {
        return Err("it is not a struct with named fields".to_owned());
    }
    if schema.get("additionalProperties").is_some_and(Value::is_object) {
        return Err("its fields have no fixed names".to_owned());
    }
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let required = schema.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let required: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
    let field = |name: &str, schema: &Value| {
        FieldSchema::from_schema(schema).map_err(|error| format!("field `{name}` {error}"))
    };
    // Required fields as they were declared; of the others no order is known.
    let mut form = form;
    for name in &required {
        if let Some(schema) = properties.get(*name) {
            form = form.with_required(*name, field(name, schema)?);
        }
    }
    for (name, schema) in properties {
        if !required.contains(&name.as_str()) {
            form = form.with_optional(name, field(name, schema)?);
        }
    }
    Ok(form)
}

impl<T> Clone for ElicitTyped<T> {
    fn clone(&self) -> Self {
        Self { form: self.form.clone(), answer: PhantomData }
    }
}

impl<T> fmt::Debug for ElicitTyped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElicitTyped").field("form", &self.form).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    /// How the trip shall be.
    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    struct Trip {
        /// Where to?
        #[schemars(title = "City", length(min = 2, max = 40))]
        to: String,
        #[schemars(email)]
        mail: String,
        class: Class,
        #[serde(default = "two")]
        people: u8,
        #[schemars(range(min = 0.5, max = 2.0))]
        budget: Option<f64>,
        #[serde(default)]
        insured: bool,
        /// Extras
        #[serde(default)]
        #[schemars(length(max = 2))]
        extras: Vec<Extra>,
        meal: Option<Meal>,
        back: Option<Class>,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    enum Class {
        #[serde(rename = "1")]
        #[schemars(title = "First class")]
        First,
        #[serde(rename = "2")]
        #[schemars(title = "Second class")]
        Second,
    }

    #[derive(Debug, Deserialize, Serialize, JsonSchema, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Extra {
        Bike,
        Dog,
        /// A quiet place
        Quiet,
    }

    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    enum Meal {
        Fish,
        Rice,
    }

    fn two() -> u8 {
        2
    }

    fn question() -> ElicitTyped<Trip> {
        Elicit::typed("Your trip")
    }

    fn read(content: Value) -> Result<Trip, String> {
        let answer = json!({"action": "accept", "content": content});
        let answer = RawJson::from_serialize(&answer).unwrap();
        question().read(&answer).map(|answer| answer.accepted().unwrap())
    }

    #[test]
    fn a_form_is_derived_with_titles_descriptions_limits_choices_and_defaults() {
        let params: Value = question().params(ProtocolVersion::LATEST).unwrap().read().unwrap();
        let classes = json!([
            {"const": "1", "title": "First class"}, {"const": "2", "title": "Second class"},
        ]);
        let extras = json!([
            {"const": "bike", "title": "bike"}, {"const": "dog", "title": "dog"},
            {"const": "quiet", "title": "A quiet place"},
        ]);
        assert_eq!(
            params,
            json!({
                "mode": "form", "message": "Your trip",
                "requestedSchema": {
                    "type": "object",
                    "properties": {
                        "to": {
                            "type": "string", "title": "City", "description": "Where to?",
                            "minLength": 2, "maxLength": 40,
                        },
                        "mail": {"type": "string", "format": "email"},
                        "class": {"type": "string", "oneOf": classes},
                        "people": {"type": "integer", "minimum": 0, "maximum": 255, "default": 2},
                        "budget": {"type": "number", "minimum": 0.5, "maximum": 2},
                        "insured": {"type": "boolean", "default": false},
                        "extras": {
                            "type": "array", "description": "Extras", "maxItems": 2,
                            "items": {"anyOf": extras}, "default": [],
                        },
                        "meal": {"type": "string", "enum": ["Fish", "Rice"]},
                        "back": {"type": "string", "oneOf": classes},
                    },
                    "required": ["to", "mail", "class"],
                },
            })
        );
    }

    #[test]
    fn required_fields_come_in_the_order_of_the_struct() {
        let params = question().params(ProtocolVersion::LATEST).unwrap();
        let place = |name: &str| params.as_str().find(&format!("\"{name}\":{{")).unwrap();
        assert!(place("to") < place("mail") && place("mail") < place("class"));
        assert!(place("class") < place("back"), "optional fields come after them");
    }

    #[test]
    fn an_answer_that_fits_is_read_as_the_type() {
        let trip = read(json!({"to": "Bern", "mail": "a@b", "class": "2", "extras": ["dog"],
            "people": 3.0, "meal": null}));
        let expected = Trip {
            to: "Bern".into(),
            mail: "a@b".into(),
            class: Class::Second,
            people: 3,
            budget: None,
            insured: false,
            extras: vec![Extra::Dog],
            meal: None,
            back: None,
        };
        assert_eq!(trip, Ok(expected));
    }

    #[test]
    fn an_answer_that_does_not_fit_names_the_field() {
        let with = |name: &str, value: Value| {
            let mut content = json!({"to": "Bern", "mail": "a@b", "class": "2"});
            content[name] = value;
            read(content).unwrap_err()
        };
        assert_eq!(with("class", json!("Second")), "`class` is none of the choices");
        assert_eq!(with("people", json!(256)), "`people` is more than 255");
        assert_eq!(with("budget", json!(2.5)), "`budget` is more than 2");
        assert_eq!(
            with("extras", json!(["bike", "dog", "quiet"])),
            "`extras` has more than 2 choices"
        );
        #[derive(Debug, Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "read only")]
        struct Small {
            n: i8,
        }
        let answer = json!({"action": "accept", "content": {"n": 200}});
        let answer = RawJson::from_serialize(&answer).unwrap();
        let error = Elicit::typed::<Small>("?").read(&answer).unwrap_err();
        assert!(error.starts_with("`n`"), "{error}");
    }

    macro_rules! refused {
        ($error:expr => $($declaration:item)+) => {{
            $(#[derive(Debug, Deserialize, JsonSchema)] #[expect(dead_code, reason = "never read")] $declaration)+
            let question = Elicit::typed::<Asked>("?");
            let error = question.form().unwrap_err().to_string();
            let (name, error) = error.split_once(" can not be asked for as a form: ").unwrap();
            assert!(name.ends_with("Asked"), "{name}");
            assert_eq!(error, $error);
            assert!(question.params(ProtocolVersion::LATEST).is_err());
        }};
    }

    /// 2026-07-28, Elicitation, Requested Schema: "limited to flat objects with primitive
    /// properties only".
    #[test]
    fn a_type_that_no_form_can_hold_is_refused_with_the_fields_name() {
        refused!("field `a` is an object, and a form is flat" =>
            struct Asked { a: Inner }
            struct Inner { b: u8 });
        refused!("field `a` is a list whose item is no choice" => struct Asked { a: Vec<String> });
        refused!("field `a` is a list whose item has `format` in its schema, which forms do not know"
            => struct Asked { a: Vec<i32> });
        refused!("field `a` may be anything" => struct Asked { a: Value });
        refused!("field `a` has `prefixItems` in its schema, which forms do not know"
            => struct Asked { a: (u8, u8) });
        refused!("field `a` has `pattern` in its schema, which forms do not know"
            => struct Asked { #[schemars(regex(pattern = "^a$"))] a: String });
        refused!("field `a` has a variant that is no text" =>
            struct Asked { a: Which }
            enum Which { One(u8), Two });
        refused!("it is not a struct with named fields" => struct Asked(u8, u8););
        refused!("it is not a struct with named fields" =>
            enum Asked { One { a: u8 }, Two { b: u8 } });
        let error = Elicit::typed::<std::collections::HashMap<String, u8>>("?").form().unwrap_err();
        assert!(error.to_string().ends_with("its fields have no fixed names"), "{error}");
    }
}
