//! The fields of a form: what may be asked for, and how each revision writes it.

use std::fmt;

use serde_json::{Map, Value, json};

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

/// A field for one of several choices.
///
/// ```
/// use mcp_http::SingleSelectSchema;
///
/// let size = SingleSelectSchema::new(["S", "M", "L"]).with_default("M");
/// let color = SingleSelectSchema::new([("#f00", "Red"), ("#0f0", "Green")]);
/// # let _ = (size, color);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SingleSelectSchema {
    label: Label,
    pub(super) choices: Vec<Choice>,
    default: Option<String>,
    titles: Titles,
}

/// A field for some of several choices (from revision 2025-11-25 on).
///
/// ```
/// use mcp_http::MultiSelectSchema;
///
/// let colors = MultiSelectSchema::new([("#f00", "Red"), ("#0f0", "Green"), ("#00f", "Blue")])
///     .with_min_items(1)
///     .with_max_items(2)
///     .with_default(["#f00"]);
/// # let _ = colors;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MultiSelectSchema {
    label: Label,
    pub(super) choices: Vec<Choice>,
    pub(super) min_items: Option<u32>,
    pub(super) max_items: Option<u32>,
    default: Option<Vec<String>>,
}

/// One of the choices of a field: its value and, where people shall read something else, a
/// title. It is made from a text, or from a pair of value and title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub(super) value: String,
    pub(super) title: Option<String>,
}

/// How the titles of choices are written where a revision knows both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Titles {
    /// `oneOf` with `const` and `title`, as 2025-11-25 introduced it.
    #[default]
    OneOf,
    /// `enumNames`, all that 2025-06-18 knows.
    EnumNames,
}

/// What people read beside a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Label {
    title: Option<String>,
    description: Option<String>,
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
field!(SingleSelectSchema);
field!(MultiSelectSchema);

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

impl SingleSelectSchema {
    /// One of these choices.
    pub fn new<C: Into<Choice>>(choices: impl IntoIterator<Item = C>) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        Self { label: Label::default(), choices, default: None, titles: Titles::default() }
    }

    /// Sets which choice is made at first (sent from revision 2025-11-25 on).
    #[must_use]
    pub fn with_default(mut self, value: impl Into<String>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Writes the titles as `enumNames` in every revision, for clients that know no other way.
    /// Revision 2025-06-18 has them so anyway; 2025-11-25 and 2026-07-28 deprecate it.
    #[must_use]
    pub fn with_enum_names(mut self) -> Self {
        self.titles = Titles::EnumNames;
        self
    }

    fn wire(&self, version: ProtocolVersion) -> Map<String, Value> {
        let mut members = self.label.wire("string");
        let is_titled = self.choices.iter().any(|choice| choice.title.is_some());
        let in_one_of = self.titles == Titles::OneOf && version.knows_elicitation_modes();
        if is_titled && in_one_of {
            put(&mut members, "oneOf", Some(titled(&self.choices)));
        } else {
            put(&mut members, "enum", Some(values(&self.choices)));
            let names: Vec<&str> = self.choices.iter().map(Choice::shown).collect();
            put(&mut members, "enumNames", is_titled.then_some(names));
        }
        put(&mut members, "default", known(version, self.default.as_deref()));
        members
    }
}

impl MultiSelectSchema {
    /// Any of these choices, each at most once.
    pub fn new<C: Into<Choice>>(choices: impl IntoIterator<Item = C>) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        Self { label: Label::default(), choices, min_items: None, max_items: None, default: None }
    }

    /// Asks for at least so many choices.
    #[must_use]
    pub fn with_min_items(mut self, choices: u32) -> Self {
        self.min_items = Some(choices);
        self
    }

    /// Asks for at most so many choices.
    #[must_use]
    pub fn with_max_items(mut self, choices: u32) -> Self {
        self.max_items = Some(choices);
        self
    }

    /// Sets which choices are made at first.
    #[must_use]
    pub fn with_default<V: Into<String>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.default = Some(values.into_iter().map(Into::into).collect());
        self
    }

    fn wire(&self) -> Map<String, Value> {
        let mut members = self.label.wire("array");
        let is_titled = self.choices.iter().any(|choice| choice.title.is_some());
        let items = if is_titled {
            json!({"anyOf": titled(&self.choices)})
        } else {
            json!({"type": "string", "enum": values(&self.choices)})
        };
        put(&mut members, "items", Some(items));
        put(&mut members, "minItems", self.min_items);
        put(&mut members, "maxItems", self.max_items);
        put(&mut members, "default", self.default.as_deref());
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
        if let Self::SingleSelect(SingleSelectSchema { choices, .. })
        | Self::MultiSelect(MultiSelectSchema { choices, .. }) = self
        {
            if choices.is_empty() {
                return Err("there is nothing to choose from".to_owned());
            }
            let is_repeated = |(at, choice): (usize, &Choice)| {
                choices[..at].iter().any(|c| c.value == choice.value)
            };
            if choices.iter().enumerate().any(is_repeated) {
                return Err("a choice is there twice".to_owned());
            }
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

impl Choice {
    /// A choice that is shown by another text than its value.
    pub fn titled(value: impl Into<String>, title: impl Into<String>) -> Self {
        Self { value: value.into(), title: Some(title.into()) }
    }

    fn shown(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.value)
    }
}

impl Label {
    /// The members that a field of this type begins with.
    fn wire(&self, kind: &str) -> Map<String, Value> {
        let mut members = Map::new();
        put(&mut members, "type", Some(kind));
        put(&mut members, "title", self.title.as_deref());
        put(&mut members, "description", self.description.as_deref());
        members
    }
}

impl From<&str> for Choice {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl From<String> for Choice {
    fn from(value: String) -> Self {
        Self { value, title: None }
    }
}

impl<V: Into<String>, T: Into<String>> From<(V, T)> for Choice {
    fn from((value, title): (V, T)) -> Self {
        Self::titled(value, title)
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

fn put(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

/// A default that is no boolean: 2025-06-18 does not know them (2025-11-25, Key Changes).
fn known<T>(version: ProtocolVersion, default: Option<T>) -> Option<T> {
    default.filter(|_| version.knows_elicitation_modes())
}

fn values(choices: &[Choice]) -> Vec<&str> {
    choices.iter().map(|choice| choice.value.as_str()).collect()
}

fn titled(choices: &[Choice]) -> Vec<Value> {
    let wire = |choice: &Choice| json!({"const": choice.value, "title": choice.shown()});
    choices.iter().map(wire).collect()
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
