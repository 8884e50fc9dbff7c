//! The fields of a form: what may be asked for, and how each revision writes it.

use std::fmt;

use serde_json::{Map, Value};

use super::choice::{MultiSelectSchema, SingleSelectSchema, check_choices};
use crate::protocol::version::ProtocolVersion;
use crate::server::revision::Revision;

/// What one field of a form asks for. It is made by `From` of the schema of its kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FieldSchema {
    /// A text.
    String(StringSchema),
    /// A number.
    Number(NumberSchema),
    /// Yes or no.
    Boolean(BooleanSchema),
    /// One of several choices.
    SingleSelect(SingleSelectSchema),
    /// Some of several choices.
    MultiSelect(MultiSelectSchema),
}

/// A field for a text.
///
/// ```
/// use mcp_http::{StringFormat, StringSchema};
///
/// let mail = StringSchema::new()
///     .with_title("Mail")
///     .with_format(StringFormat::Email)
///     .with_max_length(200);
/// # let _ = mail;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StringSchema {
    label: Label,
    pub(super) min_length: Option<u32>,
    pub(super) max_length: Option<u32>,
    pub(super) format: Option<StringFormat>,
    default: Option<String>,
}

/// The formats of texts that clients know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StringFormat {
    /// A mail address.
    Email,
    /// A URI.
    Uri,
    /// A date: `2026-07-28`.
    Date,
    /// A moment: `2026-07-28T09:30:00Z`.
    DateTime,
}

/// A field for a number.
///
/// ```
/// use mcp_http::NumberSchema;
///
/// let age = NumberSchema::integer().with_minimum(18.0).with_default(30.0);
/// let share = NumberSchema::new().with_minimum(0.0).with_maximum(1.0);
/// # let _ = (age, share);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumberSchema {
    label: Label,
    pub(super) kind: NumberKind,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    default: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NumberKind {
    #[default]
    Number,
    Integer,
}

/// A field for yes or no.
///
/// ```
/// use mcp_http::BooleanSchema;
///
/// let newsletter = BooleanSchema::new().with_title("Newsletter").with_default(false);
/// # let _ = newsletter;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BooleanSchema {
    label: Label,
    default: Option<bool>,
}

/// What people read beside a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
}

/// Adds what all fields have.
macro_rules! field {
    ($schema:ident) => {
        impl $schema {
            /// Adds the name that people read.
            #[must_use]
            pub fn with_title(mut self, title: impl Into<String>) -> Self {
                self.label.title = Some(title.into());
                self
            }

            /// Adds what is asked for.
            #[must_use]
            pub fn with_description(mut self, description: impl Into<String>) -> Self {
                self.label.description = Some(description.into());
                self
            }
        }
    };
}

field!(StringSchema);
field!(NumberSchema);
field!(BooleanSchema);
pub(super) use field;

impl StringSchema {
    /// Any text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for at least so many characters.
    #[must_use]
    pub fn with_min_length(mut self, characters: u32) -> Self {
        self.min_length = Some(characters);
        self
    }

    /// Asks for at most so many characters.
    #[must_use]
    pub fn with_max_length(mut self, characters: u32) -> Self {
        self.max_length = Some(characters);
        self
    }

    /// Asks for a text of this format.
    #[must_use]
    pub fn with_format(mut self, format: StringFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets what the field holds at first (sent from revision 2025-11-25 on).
    #[must_use]
    pub fn with_default(mut self, text: impl Into<String>) -> Self {
        self.default = Some(text.into());
        self
    }

    fn wire(&self, version: ProtocolVersion) -> Map<String, Value> {
        let mut members = self.label.wire("string");
        put(&mut members, "minLength", self.min_length);
        put(&mut members, "maxLength", self.max_length);
        put(&mut members, "format", self.format.map(StringFormat::as_str));
        put(&mut members, "default", known(version, self.default.as_deref()));
        members
    }
}

impl StringFormat {
    /// The format as it is written in a schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Date => "date",
            Self::DateTime => "date-time",
        }
    }
}

impl fmt::Display for StringFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl NumberSchema {
    /// Any number.
    pub fn new() -> Self {
        Self::default()
    }

    /// Any integer.
    pub fn integer() -> Self {
        Self { kind: NumberKind::Integer, ..Self::default() }
    }

    /// Asks for at least this. What is not finite is ignored, here and below.
    #[must_use]
    pub fn with_minimum(mut self, minimum: f64) -> Self {
        self.minimum = finite(minimum);
        self
    }

    /// Asks for at most this.
    #[must_use]
    pub fn with_maximum(mut self, maximum: f64) -> Self {
        self.maximum = finite(maximum);
        self
    }

    /// Sets what the field holds at first (sent from revision 2025-11-25 on).
    #[must_use]
    pub fn with_default(mut self, number: f64) -> Self {
        self.default = finite(number);
        self
    }

    fn wire(&self, version: ProtocolVersion) -> Map<String, Value> {
        let mut members = self.label.wire(match self.kind {
            NumberKind::Number => "number",
            NumberKind::Integer => "integer",
        });
        put(&mut members, "minimum", self.minimum.map(decimal));
        put(&mut members, "maximum", self.maximum.map(decimal));
        put(&mut members, "default", known(version, self.default.map(decimal)));
        members
    }
}

impl BooleanSchema {
    /// Yes or no.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what the field holds at first.
    #[must_use]
    pub fn with_default(mut self, answer: bool) -> Self {
        self.default = Some(answer);
        self
    }

    fn wire(&self) -> Map<String, Value> {
        let mut members = self.label.wire("boolean");
        put(&mut members, "default", self.default);
        members
    }
}

impl FieldSchema {
    /// The field as the revision writes it; the error says why it cannot.
    pub(super) fn wire(&self, version: ProtocolVersion) -> Result<Map<String, Value>, String> {
        self.check_itself()?;
        match self {
            Self::String(schema) => Ok(schema.wire(version)),
            Self::Number(schema) => Ok(schema.wire(version)),
            Self::Boolean(schema) => Ok(schema.wire()),
            Self::SingleSelect(schema) => Ok(schema.wire(version)),
            // 2025-06-18, schema, PrimitiveSchemaDefinition and ElicitResult: no arrays.
            Self::MultiSelect(_) if !version.knows_elicitation_modes() => {
                Err(format!("several choices can not be asked for in revision {version}"))
            }
            Self::MultiSelect(schema) => Ok(schema.wire()),
        }
    }

    /// Whether an answer can fit, and the default does.
    fn check_itself(&self) -> Result<(), String> {
        match self {
            Self::SingleSelect(schema) => check_choices(&schema.choices)?,
            Self::MultiSelect(schema) => check_choices(&schema.choices)?,
            Self::String(_) | Self::Number(_) | Self::Boolean(_) => {}
        }
        match self.default() {
            Some(default) => {
                self.check(default).map(|_| ()).map_err(|error| format!("the default {error}"))
            }
            None => Ok(()),
        }
    }

    fn default(&self) -> Option<Value> {
        match self {
            Self::String(schema) => schema.default.as_deref().map(Value::from),
            Self::Number(schema) => schema.default.map(decimal),
            Self::Boolean(schema) => schema.default.map(Value::from),
            Self::SingleSelect(schema) => schema.default.as_deref().map(Value::from),
            Self::MultiSelect(schema) => schema.default.clone().map(Value::from),
        }
    }
}

impl Label {
    /// The members that a field of this type begins with.
    pub(super) fn wire(&self, kind: &str) -> Map<String, Value> {
        let mut members = Map::new();
        put(&mut members, "type", Some(kind));
        put(&mut members, "title", self.title.as_deref());
        put(&mut members, "description", self.description.as_deref());
        members
    }
}

impl From<StringSchema> for FieldSchema {
    fn from(schema: StringSchema) -> Self {
        Self::String(schema)
    }
}

impl From<NumberSchema> for FieldSchema {
    fn from(schema: NumberSchema) -> Self {
        Self::Number(schema)
    }
}

impl From<BooleanSchema> for FieldSchema {
    fn from(schema: BooleanSchema) -> Self {
        Self::Boolean(schema)
    }
}

impl From<SingleSelectSchema> for FieldSchema {
    fn from(schema: SingleSelectSchema) -> Self {
        Self::SingleSelect(schema)
    }
}

impl From<MultiSelectSchema> for FieldSchema {
    fn from(schema: MultiSelectSchema) -> Self {
        Self::MultiSelect(schema)
    }
}

pub(super) fn put(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

/// A default that is no boolean: 2025-06-18 does not know them (2025-11-25, Key Changes).
pub(super) fn known<T>(version: ProtocolVersion, default: Option<T>) -> Option<T> {
    default.filter(|_| version.knows_elicitation_modes())
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// A number as JSON, without a fraction where it has none: 18, not 18.0.
fn decimal(number: f64) -> Value {
    as_integer(number).map_or_else(|| number.into(), Value::from)
}

/// The number as an integer, if doubles tell it from its neighbours (2^53).
#[expect(clippy::cast_possible_truncation, reason = "integral and in range")]
pub(super) fn as_integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_991.0).then_some(number as i64)
}
