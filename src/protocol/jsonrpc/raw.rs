//! A JSON value inside a body, as the text that it is there.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

/// The text of one JSON value, without whitespace around it: what the scanner has walked over, or
/// what serde_json calls a raw value. To look at it costs nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    text: &'a str,
}

impl<'a> Raw<'a> {
    /// Takes what is known to be valid JSON.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    pub(crate) fn get(self) -> &'a str {
        self.text
    }

    pub(crate) fn is_object(self) -> bool {
        self.text.starts_with('{')
    }

    pub(crate) fn is_null(self) -> bool {
        self.text == "null"
    }

    /// Whether it is a string that says this, in which nothing is to be escaped.
    pub(crate) fn says(self, text: &str) -> bool {
        let inner = self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inner == Some(text) || self.string().as_deref() == Some(text)
    }

    /// The text of a value that is a string, borrowed if nothing in it is escaped; `None` if it is
    /// no string, or if half of a surrogate pair makes it no Unicode.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        if has_no_escape(inner.as_bytes()) {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(self.text).ok().map(Cow::Owned)
    }
}

impl<'a> From<&'a RawValue> for Raw<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self::new(value.get())
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// The text of a raw value that is a string: [`Raw::string`].
pub(crate) fn string<'a>(raw: impl Into<Raw<'a>>) -> Option<Cow<'a, str>> {
    raw.into().string()
}

/// Whether the inside of a string is what it says. Most strings are short, and are looked through
/// before a search for longer ones would have begun.
fn has_no_escape(inside: &[u8]) -> bool {
    const SHORT: usize = 32;
    if inside.len() > SHORT {
        return memchr::memchr(b'\\', inside).is_none();
    }
    let (words, rest) = inside.as_chunks::<8>();
    let plain = |bytes: &[u8]| bytes.iter().fold(true, |plain, &byte| plain & (byte != b'\\'));
    match inside.last_chunk::<8>() {
        // The last may be looked at twice.
        Some(last) => words.iter().all(|word| plain(word)) && plain(last),
        None => plain(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Raw<'_> {
        serde_json::from_str::<&RawValue>(json).unwrap().into()
    }

    #[test]
    fn a_string_is_borrowed_unless_something_in_it_is_escaped() {
        assert!(matches!(raw(r#""""#).string(), Some(Cow::Borrowed(""))));
        assert!(matches!(raw(r#""aé""#).string(), Some(Cow::Borrowed("aé"))));
        assert_eq!(raw(r#""a\n""#).string(), Some(Cow::Owned("a\n".to_owned())));
        for length in [6, 7, 8, 15, 16, 17, 31, 32, 33, 100] {
            let text = format!("\"{}\\n\"", "é".repeat(length / 2));
            assert_eq!(raw(&text).string(), Some(Cow::Owned("é".repeat(length / 2) + "\n")));
        }
        for none in ["1", "null", "{}", r#"["\n"]"#, r#""\ud800""#] {
            assert_eq!(raw(none).string(), None, "{none}");
        }
    }

    #[test]
    fn a_value_is_told_apart_by_how_it_begins() {
        assert!(raw(" {} ").is_object() && !raw("[{}]").is_object());
        assert!(raw("null").is_null() && !raw(r#""null""#).is_null());
    }
}
