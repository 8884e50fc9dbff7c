//! The session's id: the one secret that the legacy era hands out.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;

/// The id of a session: 192 bits of the operating system's randomness, which the caller draws.
///
/// Whoever knows it and is admitted as the same principal speaks in the session, so neither
/// `Debug` nor `Display` shows it (2025-11-25, Transports, Session Management, 1: "The session ID
/// SHOULD be globally unique and cryptographically secure").
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionId([u8; SessionId::BYTES]);

/// The text is no id that this server could have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidSessionId;

impl SessionId {
    /// How many random bytes an id is made of.
    pub(crate) const BYTES: usize = 24;

    const TEXT: usize = Self::BYTES / 3 * 4;

    /// Makes an id. The bytes must come from a cryptographically secure source.
    pub(crate) fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The id as the `Mcp-Session-Id` header carries it. It is marked sensitive, so that neither
    /// `Debug` of a header map nor HTTP/2's compression table holds it.
    ///
    /// 2025-11-25, Transports, Session Management, 1: "The session ID MUST only contain visible
    /// ASCII characters (ranging from 0x21 to 0x7E)".
    pub(crate) fn to_header(self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&URL_SAFE_NO_PAD.encode(self.0))
            .expect("base64url is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        if text.len() != Self::TEXT {
            return Err(InvalidSessionId);
        }
        let mut bytes = [0; Self::BYTES];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(Self::BYTES) => Ok(Self(bytes)),
            _ => Err(InvalidSessionId),
        }
    }
}

impl Hash for SessionId {
    /// The id is random, so its first bytes are a hash already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_first_chunk().expect("an id is longer than 8 bytes");
        state.write_u64(u64::from_ne_bytes(*head));
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(session id)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting() -> SessionId {
        SessionId::from_random(std::array::from_fn(|n| n as u8 * 11))
    }

    /// 2025-11-25, Transports, Session Management, 1.
    #[test]
    fn the_header_is_visible_ascii_and_parses_back() {
        let header = counting().to_header();
        let text = header.to_str().unwrap();
        assert_eq!(text.len(), 32);
        assert!(text.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        assert_eq!(text.parse(), Ok(counting()));
    }

    #[test]
    fn only_exactly_what_was_made_is_an_id() {
        let text = counting().to_header().to_str().unwrap().to_owned();
        let long = "A".repeat(1_000_000);
        for wrong in [
            "",
            "A",
            &text[1..],
            &format!("{text}A"),
            &format!("{text}="),
            &text.replace('A', "+"),
            &format!("{}\u{e9}", &text[2..]),
            &text.replacen('A', " ", 1),
            &long,
        ] {
            assert!(wrong.parse::<SessionId>().is_err(), "{}", &wrong[..wrong.len().min(40)]);
        }
    }

    /// CVE-2025-6515: guessable session ids. All of the caller's randomness is in the id, and
    /// there is no other way to make one.
    #[test]
    fn cve_2025_6515_every_random_bit_counts_and_there_are_at_least_128() {
        let id = counting();
        for bit in 0..SessionId::BYTES * 8 {
            let mut other = id.0;
            other[bit / 8] ^= 1 << (bit % 8);
            let other = SessionId::from_random(other);
            assert_ne!(other, id);
            assert_ne!(other.to_header(), id.to_header());
        }
        assert_eq!(SessionId::BYTES * 8, 192);
    }

    /// Decision 16: session ids never appear in logs.
    #[test]
    fn neither_debug_nor_display_shows_the_id() {
        let id = counting();
        let header = id.to_header();
        let text = header.to_str().unwrap();
        for shown in [format!("{id:?}"), format!("{id}"), format!("{header:?}")] {
            assert!(!shown.is_empty() && !shown.contains(&text[..6]), "{shown}");
        }
    }
}
