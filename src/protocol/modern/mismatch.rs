//! The refusal of a request whose headers and body disagree: `-32020`, `HeaderMismatch`.

use std::fmt::{self, Display, Write as _};

use http::{HeaderMap, HeaderName, HeaderValue};

/// What a message shows of a value, in characters: enough to find the mistake, and no more for a
/// peer to have echoed.
const MAX_SHOWN: usize = 64;

/// Headers and body disagree, or a header is missing, repeated or malformed (2026-07-28,
/// Streamable HTTP, Server Validation).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Header mismatch: {0}")]
pub(crate) struct HeaderMismatch(String);

impl HeaderMismatch {
    pub(super) fn new(header: &str, fault: impl Display) -> Self {
        Self(format!("{header} header {fault}"))
    }

    pub(super) fn missing(header: &str) -> Self {
        Self::new(header, "is missing")
    }

    /// Who reads the first line and who reads the last would disagree.
    pub(super) fn repeated(header: &str) -> Self {
        Self::new(header, "is given more than once")
    }

    pub(super) fn invalid(header: &str) -> Self {
        Self::new(header, "contains invalid characters")
    }

    pub(super) fn differs(header: &str, value: &str, body: &str) -> Self {
        let fault =
            format_args!("value {} does not match body value {}", Shown(value), Shown(body))
                .to_string();
        Self::new(header, fault)
    }
}

/// The header's one line, if it has any.
///
/// # Errors
///
/// It has several.
pub(super) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    shown_name: &str,
) -> Result<Option<&'h HeaderValue>, HeaderMismatch> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (line, None) => Ok(line),
        (_, Some(_)) => Err(HeaderMismatch::repeated(shown_name)),
    }
}

/// A value from a peer as a message may show it: quoted, escaped, and cut.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        f.write_char('\'')?;
        for character in characters.by_ref().take(MAX_SHOWN) {
            write!(f, "{}", character.escape_debug())?;
        }
        f.write_str(if characters.next().is_some() { "…'" } else { "'" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-07-28, Streamable HTTP, Server Validation, "Example error response".
    #[test]
    fn the_message_is_the_one_of_the_specification() {
        assert_eq!(
            HeaderMismatch::differs("Mcp-Name", "foo", "bar").to_string(),
            "Header mismatch: Mcp-Name header value 'foo' does not match body value 'bar'"
        );
    }

    #[test]
    fn values_are_shown_escaped_and_up_to_the_limit() {
        assert_eq!(Shown("a\r\n\u{1b}'\u{202e}é").to_string(), r"'a\r\n\u{1b}\'\u{202e}é'");
        let exact = "é".repeat(MAX_SHOWN);
        assert_eq!(Shown(&exact).to_string(), format!("'{exact}'"));
        assert_eq!(Shown(&format!("{exact}x")).to_string(), format!("'{exact}…'"));
    }
}
