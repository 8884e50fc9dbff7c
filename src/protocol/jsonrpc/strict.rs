//! What is wrong with a body, as serde_json says it.
//!
//! The scanner only says that something is. This reads as the scanner does, so that it fails
//! where that does: all is skipped but the keys of the envelope, of `params` and of `_meta`, which
//! are read, and so is what stands in the place of these objects.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Raw;
use super::scan::Malformed;

/// The first fault of a text; `None` if it has none.
#[cold]
pub(super) fn fault(text: &str) -> Option<serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Level::Envelope.deserialize(&mut deserializer);
    read.and_then(|()| deserializer.end()).err()
}

/// Whether serde_json can read what stands in the place of an object: it refuses strings that are
/// no Unicode and numbers beyond the range of `f64`.
#[cold]
pub(super) fn check(raw: Raw<'_>) -> Result<(), Malformed> {
    fault(raw.get()).map_or(Ok(()), |_| Err(Malformed))
}

/// What is read.
#[derive(Clone, Copy)]
enum Level {
    Envelope,
    Params,
    Meta,
}

impl Level {
    /// What the value of a member is read as, if it is not skipped.
    fn of_member(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Envelope, "params") => Some(Self::Params),
            (Self::Params, "_meta") => Some(Self::Meta),
            _ => None,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.of_member(&key) {
                Some(level) => map.next_value_seed(level)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}
