//! The values of `Mcp-Name` and `Mcp-Param-*`: plain text, or Base64 between `=?base64?` and `?=`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// A header value that is not what 2026-07-28, Streamable HTTP, Value Encoding, allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidCharacters;

/// Whether a header carries just this text, so that it need not be read to be compared.
///
/// No value holds a control character but the tab, so what is ASCII of it is visible. What may be
/// whitespace around it or a marker is for those to tell who read it.
pub(crate) fn is_literally(value: &HeaderValue, text: &str) -> bool {
    value.as_bytes() == text.as_bytes()
        && text.is_ascii()
        && !text.starts_with([' ', '\t', '='])
        && !text.ends_with([' ', '\t'])
}

/// The text that a header carries literally, without the whitespace around it, which is not part
/// of the value (RFC 9110, section 5.5).
///
/// "HTTP header field values must consist of visible ASCII characters (0x21-0x7E), space (0x20),
/// and horizontal tab (0x09)."
pub(crate) fn plain(value: &HeaderValue) -> Result<&str, InvalidCharacters> {
    let text = value.to_str().map_err(|_| InvalidCharacters)?;
    // Of ASCII whitespace no other can be in it.
    Ok(text.trim_ascii())
}

/// The text that a header carries, decoded if it is marked as Base64.
///
/// "These markers are case-sensitive and MUST appear exactly as shown (lowercase)"; anything
/// else is literal. Between the markers stands standard Base64 with its padding, of UTF-8.
pub(crate) fn decode(value: &HeaderValue) -> Result<Cow<'_, str>, InvalidCharacters> {
    let text = plain(value)?;
    let marked = text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = marked else { return Ok(Cow::Borrowed(text)) };
    let bytes = STANDARD.decode(encoded).map_err(|_| InvalidCharacters)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| InvalidCharacters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(value: &str) -> Result<String, InvalidCharacters> {
        decode(&HeaderValue::from_bytes(value.as_bytes()).unwrap()).map(Cow::into_owned)
    }

    /// 2026-07-28, Streamable HTTP, Value Encoding, "Encoding examples".
    #[test]
    fn the_examples_of_the_specification_decode() {
        for (original, header) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(decoded(header).as_deref(), Ok(original));
        }
    }

    #[test]
    fn a_value_without_both_markers_exactly_as_shown_is_literal() {
        for literal in [
            "",
            "SGVsbG8=",
            "=?base64?SGVsbG8=",
            "SGVsbG8=?=",
            "=?BASE64?SGVsbG8=?=",
            "=?Base64?SGVsbG8=?=",
            "=?base64?=",
            "=?base64SGVsbG8=?=",
            "x=?base64?SGVsbG8=?=",
            "a\tb c",
        ] {
            assert_eq!(decoded(literal).as_deref(), Ok(literal));
        }
    }

    #[test]
    fn whitespace_around_a_value_is_not_part_of_it() {
        assert_eq!(decoded(" \t a b\t ").as_deref(), Ok("a b"));
        assert_eq!(decoded("  =?base64?SGVsbG8=?= ").as_deref(), Ok("Hello"));
        assert_eq!(decoded("=?base64??=").as_deref(), Ok(""));
    }

    #[test]
    fn base64_that_is_not_exact_is_invalid() {
        for value in [
            "=?base64?SGVsbG8?=",      // no padding
            "=?base64?SGVsbG8==?=",    // too much
            "=?base64?SGVsbG9=?=",     // bits left over
            "=?base64?SGVs!!!bG8=?=",  // no such letters
            "=?base64?SGVs bG8=?=",    // whitespace
            "=?base64?_-8=?=",         // the URL-safe alphabet
            "=?base64?SGVsbG8=SGVs?=", // padding inside
            "=?base64?A?=",
            "=?base64?=?=",
            "=?base64?//8=?=", // 0xFF 0xFF is no UTF-8
            "=?base64?7aCA?=", // nor is a surrogate
        ] {
            assert_eq!(decoded(value), Err(InvalidCharacters), "{value}");
        }
    }

    #[test]
    fn bytes_other_than_visible_ascii_space_and_tab_are_invalid() {
        for byte in 0..=u8::MAX {
            // The `http` crate lets no control character into a value but the tab.
            let Ok(value) = HeaderValue::from_bytes(&[b'a', byte, b'b']) else { continue };
            let valid = byte == b'\t' || (0x20..=0x7e).contains(&byte);
            assert_eq!(decode(&value).is_ok(), valid, "{byte:#x}");
            assert_eq!(plain(&value).is_ok(), valid, "{byte:#x}");
            if let Ok(text) = str::from_utf8(value.as_bytes()) {
                assert_eq!(is_literally(&value, text), valid, "{byte:#x}");
            }
        }
    }

    /// Or a header would pass that says something else, or is malformed.
    #[test]
    fn what_is_literally_a_text_is_read_as_that_text() {
        let letters = [b' ', b'\t', b'=', b'?', b'a', 0xc3, 0xa9];
        let marked = [&b"=?base64?YQ==?="[..], b"=?base64??=", b"a=?base64?YQ==?="];
        let short = (0..letters.len().pow(4)).map(|number| {
            let letter = |place: u32| letters[number / letters.len().pow(place) % letters.len()];
            (0..4).map(letter).collect::<Vec<_>>()
        });
        for bytes in short.chain(marked.map(<[u8]>::to_vec)) {
            let (value, text) = (HeaderValue::from_bytes(&bytes).unwrap(), str::from_utf8(&bytes));
            let Ok(text) = text else { continue };
            if is_literally(&value, text) {
                assert_eq!((plain(&value), decode(&value).as_deref()), (Ok(text), Ok(text)));
            }
            assert!(!is_literally(&value, &format!("{text}a")));
        }
    }

    #[test]
    fn every_text_round_trips() {
        let letters = ['a', ' ', '\n', '\0', 'é', '世', '🦀', '=', '?'];
        for number in 0..9_usize.pow(4) {
            let text: String =
                (0..4).map(|place| letters[number / 9_usize.pow(place) % 9]).collect();
            let header = format!("=?base64?{}?=", STANDARD.encode(&text));
            assert_eq!(decoded(&header).as_deref(), Ok(text.as_str()));
        }
    }
}
