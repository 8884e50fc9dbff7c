//! Request ids, echoed exactly as they came.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The id of a request: a string or an integer of any size (2025-11-25, Base Protocol, Requests:
/// "Requests MUST include a string or integer ID. Unlike base JSON-RPC, the ID MUST NOT be null").
///
/// It keeps the text that the client wrote, so that an answer echoes it to the letter: a 30-digit
/// integer stays one. Two ids are equal if they mean the same, however a string was escaped.
#[derive(Clone)]
pub(crate) struct RequestId {
    /// Valid JSON: a string with its quotes, or an integer.
    raw: Box<RawValue>,
}

impl RequestId {
    /// Takes the raw value of an `id` member; `None` if it is neither a string nor an integer.
    pub(crate) fn from_raw(raw: &RawValue) -> Option<Self> {
        Self::is_id(raw).then(|| Self { raw: raw.to_owned() })
    }

    /// Whether a raw value is a string or an integer, which is what a progress token must be too.
    pub(crate) fn is_id(raw: &RawValue) -> bool {
        let text = raw.get();
        match text.as_bytes() {
            // Only an escape can hide what is no string: half of a surrogate pair.
            [b'"', rest @ ..] => {
                memchr::memchr(b'\\', rest).is_none()
                    || serde_json::from_str::<String>(text).is_ok()
            }
            [b'-', digits @ ..] | digits => {
                !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
            }
        }
    }

    /// The id as it stands in JSON.
    pub(crate) fn as_json(&self) -> &str {
        self.raw.get()
    }

    /// Whether the text alone decides equality: it does unless a string has an escape in it.
    fn is_plain(&self) -> bool {
        memchr::memchr(b'\\', self.raw.get().as_bytes()).is_none()
    }

    fn decoded(&self) -> Option<String> {
        serde_json::from_str(self.raw.get()).ok()
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        let raw = RawValue::from_string(number.to_string()).expect("a number is valid JSON");
        Self { raw }
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        if self.is_plain() && other.is_plain() {
            self.raw.get() == other.raw.get()
        } else {
            // An id with an escape is a string, and a number never decodes as one.
            self.decoded().is_some_and(|id| other.decoded() == Some(id))
        }
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.decoded() {
            Some(string) => (1_u8, string).hash(state),
            None => (0_u8, self.raw.get()).hash(state),
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
        self.raw.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(json: &str) -> Option<RequestId> {
        RequestId::from_raw(&RawValue::from_string(json.to_owned()).unwrap())
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
