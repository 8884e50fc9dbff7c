//! The fields of a form that offer choices: one of several, or some of them.

use serde_json::{Map, Value, json};

use super::field::{Label, field, known, put};
use crate::protocol::version::ProtocolVersion;
use crate::server::revision::Revision;

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
    pub(super) default: Option<String>,
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
    pub(super) default: Option<Vec<String>>,
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

    pub(super) fn wire(&self, version: ProtocolVersion) -> Map<String, Value> {
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

    pub(super) fn wire(&self) -> Map<String, Value> {
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

impl Choice {
    /// A choice that is shown by another text than its value.
    pub fn titled(value: impl Into<String>, title: impl Into<String>) -> Self {
        Self { value: value.into(), title: Some(title.into()) }
    }

    fn shown(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.value)
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

field!(SingleSelectSchema);
field!(MultiSelectSchema);

/// Whether there is something to choose from, each once.
pub(super) fn check_choices(choices: &[Choice]) -> Result<(), String> {
    if choices.is_empty() {
        return Err("there is nothing to choose from".to_owned());
    }
    let is_repeated = |(at, choice): (usize, &Choice)| {
        choices[..at].iter().any(|earlier| earlier.value == choice.value)
    };
    if choices.iter().enumerate().any(is_repeated) {
        return Err("a choice is there twice".to_owned());
    }
    Ok(())
}

fn values(choices: &[Choice]) -> Vec<&str> {
    choices.iter().map(|choice| choice.value.as_str()).collect()
}

fn titled(choices: &[Choice]) -> Vec<Value> {
    let wire = |choice: &Choice| json!({"const": choice.value, "title": choice.shown()});
    choices.iter().map(wire).collect()
}
