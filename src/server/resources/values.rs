//! Variables as serde reads them: text that becomes what a field asks for.

use std::sync::Arc;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::variables::Value;

/// All variables: a map.
pub(super) struct Values<'a> {
    values: &'a [(Arc<str>, Value)],
}

/// One of them.
#[derive(Clone, Copy)]
enum One<'a> {
    Text(&'a str),
    List(&'a [String]),
}

impl<'a> Values<'a> {
    pub(super) fn new(values: &'a [(Arc<str>, Value)]) -> Self {
        Self { values }
    }
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let values = self.values.iter().map(|(name, value)| (&**name, One::from(value)));
        visitor.visit_map(MapDeserializer::new(values))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'a> From<&'a Value> for One<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::One(text) => Self::Text(text),
            Value::Many(list) => Self::List(list),
        }
    }
}

impl IntoDeserializer<'_> for One<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads a value from its text, or says what was expected instead.
macro_rules! from_text {
    ($($method:ident => $visit:ident: $type:ty, $expected:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let Self::Text(text) = self else { return self.deserialize_any(visitor) };
            let value: $type = text
                .parse()
                .map_err(|_| Error::invalid_value(Unexpected::Str(text), &$expected))?;
            visitor.$visit(value)
        })*
    };
}

impl<'de> Deserializer<'de> for One<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_str(text),
            Self::List(_) => self.deserialize_seq(visitor),
        }
    }

    from_text! {
        deserialize_bool => visit_bool: bool, "a boolean";
        deserialize_i8 => visit_i8: i8, "i8";
        deserialize_i16 => visit_i16: i16, "i16";
        deserialize_i32 => visit_i32: i32, "i32";
        deserialize_i64 => visit_i64: i64, "i64";
        deserialize_i128 => visit_i128: i128, "i128";
        deserialize_u8 => visit_u8: u8, "u8";
        deserialize_u16 => visit_u16: u16, "u16";
        deserialize_u32 => visit_u32: u32, "u32";
        deserialize_u64 => visit_u64: u64, "u64";
        deserialize_u128 => visit_u128: u128, "u128";
        deserialize_f32 => visit_f32: f32, "a number";
        deserialize_f64 => visit_f64: f64, "a number";
        deserialize_char => visit_char: char, "a character";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A variable that is no list is one of a single value.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(_) => visitor.visit_seq(SeqDeserializer::new([self].into_iter())),
            Self::List(list) => {
                let values = list.iter().map(|text| One::Text(text));
                visitor.visit_seq(SeqDeserializer::new(values))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => visitor.visit_enum(text.into_deserializer()),
            Self::List(_) => Err(Error::invalid_type(Unexpected::Seq, &"one value")),
        }
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct tuple_struct map struct identifier ignored_any
    }
}
