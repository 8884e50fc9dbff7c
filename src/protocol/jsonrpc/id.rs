//! Request ids, echoed exactly as they came.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::Raw;

/// The id of a request: a string or an integer of any size (2025-11-25, Base Protocol, Requests:
/// "Requests MUST include a string or integer ID. Unlike base JSON-RPC, the ID MUST NOT be null").
///
/// It keeps the text that the client wrote, so that an answer echoes it to the letter: a 30-digit
/// integer stays one. Two ids are equal if they mean the same, however a string was escaped.
#[derive(Clone)]
pub(crate) struct RequestId {
    text: Text,
}

/// Valid JSON: a string with its quotes, or an integer.
#[derive(Clone)]
enum Text {
    /// Most ids: numbers, and strings that count.
    Short {
        length: u8,
        bytes: [u8; SHORT],
    },
    Long(Arc<str>),
}

/// As much as makes no id larger than one that is shared.
const SHORT: usize = 22;

impl RequestId {
    /// Takes the raw value of an `id` member; `None` if it is neither a string nor an integer.
    pub(crate) fn from_raw<'a>(raw: impl Into<Raw<'a>>) -> Option<Self> {
        let raw = raw.into();
        Self::is_id(raw).then(|| Self { text: Text::of(raw.get()) })
    }

    /// Whether a raw value is a string or an integer, which is what a progress token must be too.
    pub(crate) fn is_id(raw: Raw<'_>) -> bool {
        match raw.get().as_bytes() {
            [b'"', ..] => raw.string().is_some(),
            [b'-', digits @ ..] | digits => {
                !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
            }
        }
    }

    /// The id as it stands in JSON.
    pub(crate) fn as_json(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("copied from text, and whole")
    }

    /// The same, for those who copy it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.text {
            Text::Short { length, bytes } => &bytes[..usize::from(*length)],
            Text::Long(text) => text.as_bytes(),
        }
    }

    /// What a string says; `None` for an integer.
    fn string(&self) -> Option<Cow<'_, str>> {
        Raw::new(self.as_json()).string()
    }
}

impl Text {
    fn of(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(short), Ok(length)) => {
                short.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        Self { text: Text::of(&number.to_string()) }
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (self.as_json(), other.as_json());
        // A string is equal to no number, and numbers are equal if they are written alike.
        one == two || self.string().is_some_and(|string| other.string() == Some(string))
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.string() {
            Some(string) => (1_u8, string).hash(state),
            None => (0_u8, self.as_json()).hash(state),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.as_json()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(json: &str) -> Option<RequestId> {
        RequestId::from_raw(serde_json::from_str::<&RawValue>(json).unwrap())
    }

    #[test]
    fn strings_and_integers_of_any_size_are_echoed_exactly() {
        let huge = "123456789012345678901234567890";
        for json in ["0", "-1", huge, r#""""#, r#""a""#, r#""\u0061\n""#, r#""1""#] {
            let id = id(json).unwrap();
            assert_eq!(id.as_json(), json);
            assert_eq!((format!("{id}"), format!("{id:?}")), (json.to_owned(), json.to_owned()));
        }
        assert_eq!(RequestId::from(7).as_json(), "7");
    }

    #[test]
    fn anything_else_is_no_id() {
        for json in ["null", "true", "1.5", "1.0", "1e3", "-1.5", "{}", "[]", r#""\ud800""#] {
            assert!(id(json).is_none(), "{json}");
        }
    }

    #[test]
    fn ids_are_equal_if_they_mean_the_same() {
        assert_eq!(id(r#""a""#), id(r#""\u0061""#));
        assert_ne!(id(r#""1""#), id("1"));
        assert_ne!(id(r#""\u0031""#), id("1"));
        assert_ne!(id(r#""a\n""#), id(r#""a""#));
        assert_ne!(id("1"), id("2"));
    }

    #[test]
    fn equal_ids_hash_alike() {
        let hash = |id: RequestId| {
            let mut hasher = std::hash::DefaultHasher::new();
            id.hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash(id(r#""a""#).unwrap()), hash(id(r#""\u0061""#).unwrap()));
        assert_ne!(hash(id(r#""1""#).unwrap()), hash(id("1").unwrap()));
    }
}
