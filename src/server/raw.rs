//! JSON kept as the text that it came as.

use std::fmt;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::protocol::jsonrpc::{ObjectWriter, Raw};

/// A JSON value as it stands in a message: valid JSON, hence valid UTF-8, and cheap to clone.
///
/// It either shares the message's body, which then lives as long as this does, or owns a copy
/// for what outlives its request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RawJson {
    text: Bytes,
}

impl RawJson {
    /// Shares `value`, which borrows from `body`.
    ///
    /// # Panics
    ///
    /// If `value` does not borrow from `body`.
    pub(crate) fn slice<'a>(body: &Bytes, value: impl Into<Raw<'a>>) -> Self {
        Self { text: body.slice_ref(value.into().get().as_bytes()) }
    }

    /// Copies `value`.
    pub(crate) fn copy<'a>(value: impl Into<Raw<'a>>) -> Self {
        Self { text: Bytes::copy_from_slice(value.into().get().as_bytes()) }
    }

    /// Takes a value that was kept as its text.
    pub(crate) fn kept(text: Bytes) -> Self {
        debug_assert!(serde_json::from_slice::<&RawValue>(&text).is_ok(), "it is one value");
        Self { text }
    }

    /// Writes `value` as JSON.
    pub(crate) fn from_serialize<T: Serialize + ?Sized>(
        value: &T,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { text: serde_json::to_vec(value)?.into() })
    }

    /// Writes an object.
    ///
    /// # Errors
    ///
    /// What `write` fails with.
    pub(crate) fn object(
        write: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
    ) -> Result<Self, serde_json::Error> {
        let mut buffer = Vec::new();
        let mut object = ObjectWriter::begin(&mut buffer);
        write(&mut object)?;
        object.end();
        Ok(Self { text: buffer.into_boxed_slice().into() })
    }

    /// The object without members.
    pub(crate) const fn empty_object() -> Self {
        Self { text: Bytes::from_static(b"{}") }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).expect("made from a RawValue or by serde_json: UTF-8")
    }

    /// The value as serde_json keeps it.
    pub(crate) fn to_raw_value(&self) -> Box<RawValue> {
        RawValue::from_string(self.as_str().to_owned())
            .expect("made from a RawValue or by serde_json: valid JSON")
    }

    /// Whether the value is an object.
    pub(crate) fn is_object(&self) -> bool {
        self.text.first() == Some(&b'{')
    }

    /// Reads the value as a type of the caller's; `None` if it does not fit.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.text).ok()
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_slice(&self.text)
            .expect("made from a RawValue or by serde_json: valid JSON");
        raw.serialize(serializer)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The beginning of `text` up to `limit` bytes, for messages that quote what a peer sent.
pub(crate) fn excerpt(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_shares_the_body_and_a_copy_does_not() {
        let body = Bytes::from_static(br#"{"a": {"b":1}}"#);
        let value: &RawValue = serde_json::from_slice(&body[6..13]).unwrap();
        let slice = RawJson::slice(&body, value);
        let copy = RawJson::copy(value);
        assert_eq!(slice.as_bytes().as_ptr(), body[6..].as_ptr());
        assert_ne!(copy.as_bytes().as_ptr(), body[6..].as_ptr());
        assert_eq!(slice, copy);
        assert_eq!(slice.as_str(), r#"{"b":1}"#);
        assert!(slice.is_object());
    }

    #[test]
    fn an_excerpt_ends_between_characters() {
        assert_eq!(excerpt("aé", 2), "a");
        assert_eq!(excerpt("aé", 3), "aé");
        assert_eq!(excerpt("aé", 99), "aé");
    }
}
