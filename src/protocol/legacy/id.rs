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
        // It is asked for with every request: 24 bytes are 32 letters with no bit left over, so
        // that the general decoder has nothing to add. Each letter is looked at without a branch,
        // and so the compiler takes them 16 at a time.
        let text: &[u8; Self::TEXT] = text.as_bytes().try_into().map_err(|_| InvalidSessionId)?;
        let mut sextets = *text;
        let mut seen = 0;
        for letter in &mut sextets {
            *letter = sextet(*letter);
            seen |= *letter;
        }
        if seen & NO_LETTER != 0 {
            return Err(InvalidSessionId);
        }
        let mut id = [0; Self::BYTES];
        let (words, _) = sextets.as_chunks::<8>();
        let (parts, _) = id.as_chunks_mut::<6>();
        for (part, word) in parts.iter_mut().zip(words) {
            let [_, _, packed @ ..] = packed(*word).to_be_bytes();
            *part = packed;
        }
        Ok(Self(id))
    }
}

/// The six bits that a letter of base64url stands for (RFC 4648, section 5); of no letter,
/// [`NO_LETTER`].
fn sextet(letter: u8) -> u8 {
    let from = |first: u8, count: u8, value: u8| {
        let place = letter.wrapping_sub(first);
        if place < count { place.wrapping_add(value) } else { 0 }
    };
    let values = [(b'A', 26, 0), (b'a', 26, 26), (b'0', 10, 52), (b'-', 1, 62), (b'_', 1, 63)];
    let value =
        values.into_iter().fold(0, |bits, (first, count, value)| bits | from(first, count, value));
    // Nought is what `A` stands for, and what no letter has.
    if value == 0 && letter != b'A' { NO_LETTER } else { value }
}

/// The bit by which what is no letter differs from all that are.
const NO_LETTER: u8 = 0x80;

/// Eight times six bits, the first in the highest byte, as the lowest 48 bits: first in pairs, then
/// in pairs of pairs.
fn packed(sextets: [u8; 8]) -> u64 {
    let bits = u64::from_be_bytes(sextets);
    let bits = (bits & 0x3f00_3f00_3f00_3f00) >> 2 | bits & 0x003f_003f_003f_003f;
    let bits = (bits & 0x0fff_0000_0fff_0000) >> 4 | bits & 0x0000_0fff_0000_0fff;
    (bits >> 8) & 0xffff_ff00_0000 | bits & 0x00ff_ffff
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

    #[test]
    fn ids_are_read_as_the_general_decoder_reads_them() {
        let general = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            Some(SessionId(bytes.try_into().ok()?))
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
