//! The scanner: one pass over JSON, validated to the last byte, that tells where values begin and
//! end.
//!
//! It accepts what serde_json accepts where that skips a value, which is RFC 8259, and it builds
//! nothing. What is wrong with a text it does not say: it is quick for the texts that are right,
//! and of the others serde_json tells the fault (`strict.rs`).

use std::borrow::Cow;

use super::raw::Raw;

/// At most so many containers are open at once, whatever the limit: one bit tells of each what it
/// is.
pub(super) const DEEPEST: usize = u128::BITS as usize;

/// The text is no JSON, or is nested too deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What stands between the quotes of a string.
#[derive(Clone, Copy)]
enum Inside {
    /// What it says.
    Plain,
    Escaped,
}

/// A key, without its quotes.
struct Key<'a> {
    text: &'a str,
    inside: Inside,
}

impl<'a> Key<'a> {
    #[inline(always)]
    fn decoded(self) -> Result<Cow<'a, str>, Malformed> {
        match self.inside {
            Inside::Plain => Ok(Cow::Borrowed(self.text)),
            Inside::Escaped => decode(self.text).map(Cow::Owned),
        }
    }
}

#[cold]
fn decode(inside: &str) -> Result<String, Malformed> {
    serde_json::from_str(&format!("\"{inside}\"")).map_err(|_| Malformed)
}

/// A place in a text.
///
/// What is done for each token is inlined into those who walk through objects: the calls would be
/// a tenth of what a small message costs.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// So many more containers may be opened.
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at the beginning of a text in which `depth` containers may be open at once.
    pub(super) fn new(text: &'a str, depth: usize) -> Self {
        Self { text, at: 0, depth: depth.min(DEEPEST) }
    }

    /// The first byte of the next token, which stays the next; 0 at the end of the text.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u8 {
        match self.byte() {
            0..=b' ' => self.peek_past_space(),
            byte => byte,
        }
    }

    /// Walks over a value.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Raw<'a>, Malformed> {
        let first = self.peek();
        let from = self.at;
        match first {
            b'{' | b'[' => self.skip()?,
            _ => self.scalar(first)?,
        }
        Ok(Raw::new(&self.text[from..self.at]))
    }

    /// Walks through an object. `member` is told each key, and walks over its value.
    #[inline(always)]
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.container([b'{', b'}'], |scanner| {
            let key = scanner.key()?.decoded()?;
            member(scanner, key)
        })
    }

    /// Walks through an array. `element` walks over each of its values.
    pub(super) fn array(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.container([b'[', b']'], element)
    }

    /// Nothing but whitespace may be left.
    pub(super) fn end(mut self) -> Result<(), Malformed> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(Malformed) }
    }

    /// The next byte, or 0 at the end, which begins no token.
    #[inline(always)]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    #[inline(never)]
    fn peek_past_space(&mut self) -> u8 {
        while let b' ' | b'\n' | b'\t' | b'\r' = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    #[inline(always)]
    fn token(&mut self, token: u8) -> Result<(), Malformed> {
        if self.peek() != token {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn container(
        &mut self,
        [open, close]: [u8; 2],
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.token(open)?;
        self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        if self.peek() != close {
            item(self)?;
            while self.peek() == b',' {
                self.at += 1;
                item(self)?;
            }
        }
        self.depth += 1;
        self.token(close)
    }

    /// Walks over the value that begins here, which is no container.
    #[inline(always)]
    fn scalar(&mut self, first: u8) -> Result<(), Malformed> {
        self.at += 1;
        match first {
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(first),
            b't' => self.literal("rue"),
            b'f' => self.literal("alse"),
            b'n' => self.literal("ull"),
            _ => Err(Malformed),
        }
    }

    /// Walks over the value that begins here, and whatever is in it, without recursion.
    #[inline(never)]
    fn skip(&mut self) -> Result<(), Malformed> {
        // Of the containers that are open, the innermost is the lowest bit; objects are ones.
        let (mut kinds, mut open) = (0_u128, 0);
        loop {
            let first = self.peek();
            if let b'{' | b'[' = first {
                self.at += 1;
                open += 1;
                if open > self.depth {
                    return Err(Malformed);
                }
                kinds = kinds << 1 | u128::from(first == b'{');
                match (first, self.peek()) {
                    (b'{', b'}') | (b'[', b']') => {}
                    (b'{', _) => {
                        self.key()?;
                        continue;
                    }
                    _ => continue,
                }
            } else {
                self.scalar(first)?;
            }
            // A value has ended, or a container is about to.
            while open > 0 {
                let in_object = kinds & 1 == 1;
                let next = self.peek();
                self.at += 1;
                match next {
                    b',' if in_object => {
                        self.key()?;
                        break;
                    }
                    b',' => break,
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return Err(Malformed),
                }
                kinds >>= 1;
                open -= 1;
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    /// Walks over a key and its colon.
    #[inline(always)]
    fn key(&mut self) -> Result<Key<'a>, Malformed> {
        self.token(b'"')?;
        let from = self.at;
        let inside = self.string()?;
        let text = &self.text[from..self.at - 1];
        self.token(b':')?;
        Ok(Key { text, inside })
    }

    /// Walks over the rest of a string. Half of a surrogate pair is for those to refuse who decode
    /// it.
    #[inline(always)]
    fn string(&mut self) -> Result<Inside, Malformed> {
        // Most are short and plain.
        let rest = &self.text.as_bytes()[self.at..];
        if let Some(word) = rest.first_chunk() {
            match first_special(u64::from_le_bytes(*word)) {
                Some(place) if word[place] == b'"' => {
                    self.at += place + 1;
                    return Ok(Inside::Plain);
                }
                Some(_) => {}
                None => self.at += word.len(),
            }
        }
        self.long_string()
    }

    #[inline(never)]
    fn long_string(&mut self) -> Result<Inside, Malformed> {
        let bytes = self.text.as_bytes();
        let mut inside = Inside::Plain;
        loop {
            self.at = end_of_plain(bytes, self.at);
            let escape = match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(inside);
                }
                b'\\' => bytes.get(self.at + 1),
                // A control character, or the end.
                _ => return Err(Malformed),
            };
            inside = Inside::Escaped;
            self.at += match escape {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                Some(b'u') if self.four_hex_digits(self.at + 2) => 6,
                _ => return Err(Malformed),
            };
        }
    }

    fn four_hex_digits(&self, at: usize) -> bool {
        let digits = self.text.as_bytes().get(at..at + 4);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    }

    /// Walks over the rest of a number.
    #[inline(never)]
    fn number(&mut self, mut first: u8) -> Result<(), Malformed> {
        if first == b'-' {
            first = self.byte();
            self.at += 1;
        }
        match first {
            // No zero may stand before a digit.
            b'0' if self.byte().is_ascii_digit() => return Err(Malformed),
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(Malformed),
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.some_digits()?;
        }
        if let b'e' | b'E' = self.byte() {
            self.at += 1;
            if let b'+' | b'-' = self.byte() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    }

    fn some_digits(&mut self) -> Result<(), Malformed> {
        let from = self.at;
        self.digits();
        if self.at == from { Err(Malformed) } else { Ok(()) }
    }

    fn literal(&mut self, rest: &str) -> Result<(), Malformed> {
        if !self.text.as_bytes()[self.at..].starts_with(rest.as_bytes()) {
            return Err(Malformed);
        }
        self.at += rest.len();
        Ok(())
    }
}

/// The place of the first byte from `at` on that means something in a string: a quote, a backslash
/// or a control character. Without one, the end.
fn end_of_plain(bytes: &[u8], mut at: usize) -> usize {
    loop {
        // Most strings end soon: the place is found with them.
        for _ in 0..6 {
            let Some(word) = bytes[at..].first_chunk() else {
                let rest = bytes[at..].iter().position(|&byte| is_special(byte));
                return rest.map_or(bytes.len(), |place| at + place);
            };
            if let Some(place) = first_special(u64::from_le_bytes(*word)) {
                return at + place;
            }
            at += size_of::<u64>();
        }
        // Long ones are looked through in larger steps, which a compiler makes vectors of.
        while let Some(block) = bytes[at..].first_chunk::<32>() {
            if block.iter().fold(false, |special, &byte| special | is_special(byte)) {
                break;
            }
            at += block.len();
        }
    }
}

fn is_special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The place of the first of eight bytes that is special, the lowest being the first: each term
/// sets the highest bit of the bytes that it looks for, and what a borrow sets besides is higher.
fn first_special(word: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHEST: u64 = ONES << 7;
    let is = |byte: u8| (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
    let control = word.wrapping_sub(ONES * u64::from(b' '));
    let special = (control | is(b'"') | is(b'\\')) & !word & HIGHEST;
    (special != 0).then(|| special.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests;
