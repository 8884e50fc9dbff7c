//! A type read from arguments that are all strings.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{
    self, DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::server::arguments::Arguments;
use crate::server::handler_error::HandlerError;
use crate::server::raw::excerpt;

/// At most so many bytes of a message are told: it may quote an argument of any length.
const MESSAGE_LIMIT: usize = 512;

/// Reads the arguments as a type. What is no string there is read from what is written in one.
pub(super) fn read<A: DeserializeOwned>(arguments: &Arguments) -> Result<A, HandlerError> {
    let texts =
        arguments.texts().map_err(|error| HandlerError::invalid_arguments(error.message))?;
    let texts = texts.into_iter().map(|(name, text)| (name, Text(text)));
    serde_path_to_error::deserialize(MapDeserializer::<_, de::value::Error>::new(texts)).map_err(
        |error| {
            let (path, message) = (error.path().to_string(), error.inner().to_string());
            let message = excerpt(&message, MESSAGE_LIMIT);
            // The root is written as ".": the message names a missing or an unknown field.
            match path.as_str() {
                "." => HandlerError::invalid_arguments(message),
                path => HandlerError::invalid_argument(excerpt(path, MESSAGE_LIMIT), message),
            }
        },
    )
}

/// The fields of a struct in their order; `None` if `A` does not read itself as one.
pub(super) fn fields<A: DeserializeOwned>() -> Option<&'static [&'static str]> {
    A::deserialize(AskForFields).err().and_then(|Fields(fields)| fields)
}

/// The value of an argument.
struct Text<'a>(Cow<'a, str>);

impl<'de> IntoDeserializer<'de, de::value::Error> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! read_what_is_written {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            match self.0.parse::<$type>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Self::Error::invalid_value(
                    Unexpected::Str(&self.0),
                    &stringify!($type),
                )),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = de::value::Error;

    read_what_is_written! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0.into_owned())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// What a type reads itself from ends with the fields that it asks for.
struct AskForFields;

/// The fields that were asked for, as the error that carries them out.
#[derive(Debug)]
struct Fields(Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for AskForFields {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(Some(fields)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fields> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

impl std::error::Error for Fields {}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not read")
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Everything {
        #[serde(alias = "words")]
        text: String,
        char: Option<char>,
        bool: Option<bool>,
        number: Option<f64>,
        id: Option<Id>,
        side: Option<Side>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Id(u64);

    #[derive(Debug, Deserialize, PartialEq)]
    enum Side {
        Left,
        Right,
    }

    fn of(value: Value) -> Result<Everything, String> {
        read(&Arguments::new(&value).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_in_a_string_is_read() {
        let read = of(json!({
            "text": "a\n", "char": "ü", "bool": "true", "number": "-1.5", "id": "7", "side": "Left",
        }));
        let expected = Everything {
            text: "a\n".into(),
            char: Some('ü'),
            bool: Some(true),
            number: Some(-1.5),
            id: Some(Id(7)),
            side: Some(Side::Left),
        };
        assert_eq!(read, Ok(expected));
        assert_eq!(of(json!({"words": "x"})).unwrap().text, "x");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let told = |name: &str, value: &str| of(json!({"text": "", name: value})).unwrap_err();
        assert_eq!(told("bool", "yes"), "`bool`: invalid value: string \"yes\", expected bool");
        assert_eq!(told("id", "-1"), "`id`: invalid value: string \"-1\", expected u64");
        assert_eq!(told("side", "Up"), "`side`: unknown variant `Up`, expected `Left` or `Right`");
        assert!(told("char", "ab").starts_with("`char`: "));
        assert!(told("x", "").contains("unknown field `x`"));
        assert_eq!(of(json!({})).unwrap_err(), "missing field `text`");
        assert_eq!(of(json!({"text": 1})).unwrap_err(), "`text`: must be a string");
        let long = told("id", &"x".repeat(10_000));
        assert!(long.len() <= MESSAGE_LIMIT + "`id`: ".len(), "{}", long.len());
    }

    #[test]
    fn the_fields_are_those_of_a_struct_in_their_order() {
        let fields = fields::<Everything>().unwrap();
        let named = |name| fields.iter().position(|&field| field == name).unwrap();
        assert!(named("text") < named("char") && named("number") < named("side"));
        assert_eq!(super::fields::<Vec<String>>(), None);
        assert_eq!(super::fields::<Value>(), None);
    }
}
