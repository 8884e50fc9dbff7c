//! Which URIs name resources: RFC 3986, within a length.

use std::borrow::Cow;

use iri_string::types::UriStr;

use crate::protocol::change::LONGEST_URI;

/// The longest URI of a resource, in bytes: what can be read can be subscribed to.
pub(crate) const MAX_URI: usize = LONGEST_URI;

/// 2026-07-28, Resources, Security Considerations: "Servers MUST validate all resource URIs";
/// Common URI Schemes: "Custom URI schemes MUST be in accordance with RFC3986".
pub(super) fn check(uri: &str) -> Result<(), Cow<'static, str>> {
    if uri.len() > MAX_URI {
        return Err(format!("longer than {MAX_URI} bytes").into());
    }
    if uri.is_ascii() && UriStr::new(uri).is_ok() {
        Ok(())
    } else {
        Err("not a URI (RFC 3986)".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_has_a_scheme_and_nothing_that_would_have_to_be_encoded() {
        for uri in ["file:///a%20b", "test://a", "urn:x:y", "http://[::1]/?q#f", "a:"] {
            assert_eq!(check(uri), Ok(()), "{uri}");
        }
        for uri in [
            "",
            "a",
            "/a",
            "//a/b",
            "../a",
            "file:///a b",
            "file:///ü",
            "file:///%zz",
            "a:\n",
            "a:\0",
            "a:{x}",
            "a:\\b",
            "1:a",
            "a:b#c#d",
        ] {
            assert_eq!(check(uri).unwrap_err(), "not a URI (RFC 3986)", "{uri}");
        }
    }

    #[test]
    fn a_uri_is_at_most_as_long_as_is_read() {
        let uri = format!("a:{}", "x".repeat(MAX_URI - 2));
        assert_eq!(check(&uri), Ok(()));
        assert_eq!(check(&(uri + "x")).unwrap_err(), "longer than 8000 bytes");
    }

    /// What a peer sends is looked at before any handler's guard: it must not panic.
    #[test]
    fn nothing_makes_the_check_panic_or_lets_through_what_is_in_no_uri() {
        const PIECES: [&str; 24] = [
            ":", "/", "?", "#", "[", "]", "@", "%", "%4", "%41", "%FF", "a", "1", "-", "~", "::",
            "v1.", " ", "\\", "\"", "{", "|", "\0", "ü",
        ];
        let (mut state, mut accepted) = (1_u32, 0);
        for length in (0..12).cycle().take(20_000) {
            let mut uri = String::from("a:");
            for _ in 0..length {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                uri.push_str(PIECES[(state >> 16) as usize % PIECES.len()]);
            }
            if check(&uri).is_ok() {
                accepted += 1;
                let forbidden = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c);
                assert!(!uri.contains(forbidden), "{uri:?}");
            }
        }
        assert!(accepted > 1_000, "{accepted}");
    }
}
