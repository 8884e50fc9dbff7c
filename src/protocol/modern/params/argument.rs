//! Finds the values at annotated paths in the raw JSON of a call's arguments.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::number::{Number, number};

/// A property on the path to annotated ones, or annotated itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// The index of its annotation.
    pub(super) param: Option<usize>,
    /// The properties below it that lead to annotations, by name.
    pub(super) children: Vec<(Box<str>, Node)>,
}

/// What stands at an annotated path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Absent,
    /// A key on the path stands twice in its object.
    Repeated,
    /// The JSON of the value.
    Json(&'a str),
}

impl Node {
    pub(super) fn is_empty(&self) -> bool {
        self.param.is_none() && self.children.is_empty()
    }

    /// Puts the values at all annotated paths from here into `found`. What is not on such a path
    /// is skipped without being kept.
    ///
    /// # Errors
    ///
    /// `json` is not valid JSON, or the name of a property is not Unicode.
    pub(super) fn find<'a>(
        &self,
        json: &'a str,
        found: &mut [Found<'a>],
    ) -> Result<(), serde_json::Error> {
        if let Some(param) = self.param {
            found[param] = Found::Json(json);
        }
        if self.children.is_empty() || !json.starts_with('{') {
            return Ok(());
        }
        let mut members = serde_json::Deserializer::from_str(json);
        members.deserialize_map(Members { node: self, found })
    }

    fn mark_repeated(&self, found: &mut [Found<'_>]) {
        if let Some(param) = self.param {
            found[param] = Found::Repeated;
        }
        self.children.iter().for_each(|(_, child)| child.mark_repeated(found));
    }
}

/// Reads the members of one object.
struct Members<'n, 'f, 'a> {
    node: &'n Node,
    found: &'f mut [Found<'a>],
}

impl<'a> Visitor<'a> for Members<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut members: M) -> Result<(), M::Error> {
        let children = &self.node.children;
        let mut seen = vec![false; children.len()];
        while let Some(child) = members.next_key_seed(ChildNamed(children))? {
            let Some(child) = child else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = members.next_value::<&RawValue>()?;
            let node = &children[child].1;
            if std::mem::replace(&mut seen[child], true) {
                node.mark_repeated(self.found);
            } else {
                node.find(value.get(), self.found).map_err(M::Error::custom)?;
            }
        }
        Ok(())
    }
}

/// Reads a key and finds the child of exactly that name.
struct ChildNamed<'n>(&'n [(Box<str>, Node)]);

impl<'a> DeserializeSeed<'a> for ChildNamed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'a>>(self, key: D) -> Result<Option<usize>, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for ChildNamed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|(name, _)| **name == *key))
    }
}

/// A found value as headers see it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Argument<'a> {
    /// None, or `null`.
    Absent,
    /// What a header can carry.
    Scalar(Scalar<'a>),
    /// An object or an array.
    Structure,
    /// What no header can agree with, and why.
    Unusable(&'static str),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    /// A string, or a number with a fraction, or a boolean: the same text.
    Text(Cow<'a, str>),
    /// A safe integer, and how the body writes it: the same number.
    Integer(i64, &'a str),
}

impl<'a> Argument<'a> {
    pub(super) fn read(found: Found<'a>) -> Self {
        let json = match found {
            Found::Absent => return Self::Absent,
            Found::Repeated => return Self::Unusable("has more than one value in the body"),
            Found::Json(json) => json,
        };
        match json.as_bytes().first() {
            Some(b'n') => Self::Absent,
            Some(b'{' | b'[') => Self::Structure,
            Some(b'"') => match unquote(json) {
                Some(text) => Self::Scalar(Scalar::Text(text)),
                None => Self::Unusable("does not match body value, which is not Unicode"),
            },
            Some(b'-' | b'0'..=b'9') => match number(json) {
                Some(Number::Safe(integer)) => Self::Scalar(Scalar::Integer(integer, json)),
                // Tools, `x-mcp-header`: "Integer values MUST be within the safe range".
                Some(Number::Unsafe) => Self::Unusable(
                    "does not match body value, an integer beyond the safe range of ±(2^53 - 1)",
                ),
                Some(Number::Fraction) | None => Self::Scalar(Scalar::Text(json.into())),
            },
            _ => Self::Scalar(Scalar::Text(json.into())),
        }
    }
}

impl Scalar<'_> {
    /// Whether a decoded header says the same.
    ///
    /// 2026-07-28, Streamable HTTP, Server Validation: "When validating integer parameter
    /// values, servers SHOULD compare the header value and the body value numerically rather
    /// than as strings (e.g., `42.0` and `42` are considered equal)."
    pub(super) fn is_written_as(&self, header: &str) -> bool {
        match self {
            Self::Text(text) => text == header,
            Self::Integer(integer, _) => number(header) == Some(Number::Safe(*integer)),
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Integer(_, text) => text,
        }
    }
}

/// The text of a JSON string; `None` if an escape makes it no Unicode.
fn unquote(json: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'\\', json.as_bytes()).is_some() {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    json.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}
