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
/// what a field holds at first, `#[schemars(title = "…")]` titles, also of an enum's variants;
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
        ("elicitation", Map::new())
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
