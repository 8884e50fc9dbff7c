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
///
/// It is kept as the text that every request brings, so that to find a session nothing is decoded:
/// 24 bytes are 32 letters of base64url with no bit left over, so each id has one text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionId([u8; SessionId::TEXT]);

/// The text is no id that this server could have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidSessionId;

impl SessionId {
    /// How many random bytes an id is made of.
    pub(crate) const BYTES: usize = 24;

    const TEXT: usize = Self::BYTES / 3 * 4;

    /// Makes an id. The bytes must come from a cryptographically secure source.
    pub(crate) fn from_random(bytes: [u8; Self::BYTES]) -> Self {
        let mut text = [0; Self::TEXT];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        debug_assert_eq!(written, Ok(Self::TEXT));
        Self(text)
    }

    /// The id as the `Mcp-Session-Id` header carries it. It is marked sensitive, so that neither
    /// `Debug` of a header map nor HTTP/2's compression table holds it.
    ///
    /// 2025-11-25, Transports, Session Management, 1: "The session ID MUST only contain visible
    /// ASCII characters (ranging from 0x21 to 0x7E)".
    pub(crate) fn to_header(self) -> HeaderValue {
        let mut value = HeaderValue::from_bytes(&self.0).expect("base64url is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        let text: [u8; Self::TEXT] = text.as_bytes().try_into().map_err(|_| InvalidSessionId)?;
        // Without a branch for each, so that the compiler looks at 16 at a time.
        let all = text.iter().fold(true, |all, &letter| all & is_letter(letter));
        if all { Ok(Self(text)) } else { Err(InvalidSessionId) }
    }
}

/// Whether it is of the alphabet of base64url (RFC 4648, section 5).
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_')
}

impl Hash for SessionId {
    /// The id is random, but each of its letters holds six bits in eight: a multiplication whose
    /// halves are folded spreads those of the first letters over all bits.
    fn hash<H: Hasher>(&self, state: &mut H) {
        const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15;
        let (head, _) = self.0.split_first_chunk().expect("an id is longer than 8 letters");
        let spread = u128::from(u64::from_le_bytes(*head)) * SPREAD;
        state.write_u64(spread as u64 ^ (spread >> 64) as u64);
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

    #[test]
    fn ids_are_read_as_the_general_decoder_reads_them() {
        let general = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            Some(SessionId::from_random(bytes.try_into().ok()?))
        };
        let id = counting().to_header();
        let text = id.to_str().unwrap();
        for place in 0..SessionId::TEXT {
            for character in (0..=0xff).map(char::from) {
                let changed = format!("{}{character}{}", &text[..place], &text[place + 1..]);
                assert_eq!(changed.parse().ok(), general(&changed), "{place} {character:?}");
            }
        }
    }

    /// CVE-2025-6515: guessable session ids. All of the caller's randomness is in the id, and
    /// there is no other way to make one.
    #[test]
    fn cve_2025_6515_every_random_bit_counts_and_there_are_at_least_128() {
        let random = std::array::from_fn(|n| n as u8 * 11);
        let id = SessionId::from_random(random);
        for bit in 0..SessionId::BYTES * 8 {
            let mut other = random;
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
