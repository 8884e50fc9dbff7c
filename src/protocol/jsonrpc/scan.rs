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

/// A key, without its quotes.
#[derive(Clone, Copy)]
pub(super) enum Key<'a> {
    /// It is what it says.
    Plain(&'a str),
    /// Something in it is escaped.
    Escaped(&'a str),
}

impl<'a> Key<'a> {
    /// What it says.
    pub(super) fn decoded(self) -> Result<Cow<'a, str>, Malformed> {
        match self {
            Self::Plain(text) => Ok(Cow::Borrowed(text)),
            Self::Escaped(inside) => decode(inside).map(Cow::Owned),
        }
    }
}

/// A key that the protocol knows.
pub(super) trait Known: Copy + 'static {
    /// By its name.
    fn named(name: &str) -> Option<Self>;

    /// By how a text begins, if it begins with a key and its colon as most clients write them,
    /// with nothing between them and nothing escaped; and by how many bytes they are.
    fn written(text: &[u8]) -> Option<(Self, usize)>;
}

/// A known key, and how many bytes it is, if a text begins with it.
#[inline(always)]
pub(super) fn known<T>(key: T, written: &'static [u8], text: &[u8]) -> Option<(T, usize)> {
    text.starts_with(written).then_some((key, written.len()))
}

#[cold]
fn decode(inside: &str) -> Result<String, Malformed> {
    serde_json::from_str(&format!("\"{inside}\"")).map_err(|_| Malformed)
}

/// Behind the quote that ends a string.
#[derive(Clone, Copy)]
enum End {
    /// The string is what it says.
    Plain(usize),
    /// Something in it is escaped.
    Escaped(usize),
}

impl End {
    fn place(self) -> usize {
        let (Self::Plain(place) | Self::Escaped(place)) = self;
        place
    }
}

/// A place in a text.
///
/// What walks through an object has it inlined, and what is not inlined is told the place and
/// returns the next: so the place is never in memory.
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
        let byte = self.byte();
        if byte > b' ' {
            return byte;
        }
        self.at = past_space(self.text.as_bytes(), self.at);
        self.byte()
    }

    /// Walks over a value.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Raw<'a>, Malformed> {
        let first = self.peek();
        let from = self.at;
        self.at = match first {
            b'{' if self.depth > 0 && byte(self.text.as_bytes(), from + 1) == b'}' => from + 2,
            b'{' | b'[' => skip(self.text, from, self.depth)?,
            _ => scalar(self.text.as_bytes(), from)?,
        };
        Ok(Raw::new(&self.text[from..self.at]))
    }

    /// Walks through an object. `member` walks over each key and its value.
    #[inline(always)]
    pub(super) fn object(
        &mut self,
        member: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.container([b'{', b'}'], member)
    }

    /// Walks over a key and its colon: one that is known, or else any.
    #[inline(always)]
    pub(super) fn known_key<T: Known>(&mut self) -> Result<Result<T, Key<'a>>, Malformed> {
        self.peek();
        if let Some((known, length)) = T::written(&self.text.as_bytes()[self.at..]) {
            self.at += length;
            return Ok(Ok(known));
        }
        let key = self.key()?;
        Ok(T::named(&key.decoded()?).ok_or(key))
    }

    /// Walks through an array. `element` walks over each of its values.
    #[inline(always)]
    pub(super) fn array(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.container([b'[', b']'], element)
    }

    /// Nothing but whitespace may be left.
    #[inline(always)]
    pub(super) fn end(mut self) -> Result<(), Malformed> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(Malformed) }
    }

    /// The next byte, or 0 at the end, which begins no token.
    #[inline(always)]
    fn byte(&self) -> u8 {
        byte(self.text.as_bytes(), self.at)
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
        if self.peek() == close && self.depth > 0 {
            self.at += 1;
            return Ok(());
        }
        self.depth = self.depth.checked_sub(1).ok_or(Malformed)?;
        loop {
            item(self)?;
            let next = self.peek();
            self.at += 1;
            if next == close {
                self.depth += 1;
                return Ok(());
            }
            if next != b',' {
                return Err(Malformed);
            }
        }
    }

    /// Walks over a key and its colon.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Key<'a>, Malformed> {
        self.token(b'"')?;
        let from = self.at;
        let end = string(self.text.as_bytes(), from)?;
        self.at = end.place();
        let text = &self.text[from..self.at - 1];
        self.token(b':')?;
        Ok(match end {
            End::Plain(_) => Key::Plain(text),
            End::Escaped(_) => Key::Escaped(text),
        })
    }
}

/// The byte at a place, or 0 at the end, which begins no token.
#[inline(always)]
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

#[cold]
#[inline(never)]
fn past_space(text: &[u8], mut at: usize) -> usize {
    while let b' ' | b'\n' | b'\t' | b'\r' = byte(text, at) {
        at += 1;
    }
    at
}

/// The end of the value that begins at `at`, which is no container.
#[inline(always)]
fn scalar(text: &[u8], at: usize) -> Result<usize, Malformed> {
    match byte(text, at) {
        b'"' => string(text, at + 1).map(End::place),
        b'-' | b'0'..=b'9' => number(text, at),
        first => literal(text, at, first),
    }
}

/// The end of the container that begins at `at`, found without recursion. `depth` may be open at
/// once.
#[inline(never)]
fn skip(text: &str, at: usize, depth: usize) -> Result<usize, Malformed> {
    let mut scanner = Scanner { text, at, depth };
    // Of the containers that are open, the innermost is the lowest bit; objects are ones.
    let (mut kinds, mut open) = (0_u128, 0);
    loop {
        let first = scanner.peek();
        if let b'{' | b'[' = first {
            scanner.at += 1;
            open += 1;
            if open > depth {
                return Err(Malformed);
            }
            kinds = kinds << 1 | u128::from(first == b'{');
            match (first, scanner.peek()) {
                (b'{', b'}') | (b'[', b']') => {}
                (b'{', _) => {
                    scanner.key()?;
                    continue;
                }
                _ => continue,
            }
        } else {
            scanner.at = scalar(text.as_bytes(), scanner.at)?;
        }
        // A value has ended, or a container is about to.
        while open > 0 {
            let in_object = kinds & 1 == 1;
            let next = scanner.peek();
            scanner.at += 1;
            match next {
                b',' if in_object => {
                    scanner.key()?;
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
            return Ok(scanner.at);
        }
    }
}

/// The end of the string whose inside begins at `at`. Half of a surrogate pair is for those to
/// refuse who decode it.
#[inline(always)]
fn string(text: &[u8], at: usize) -> Result<End, Malformed> {
    // Most are short and plain.
    if let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        match first_special(u64::from_le_bytes(*word)) {
            Some(place) if word[place] == b'"' => return Ok(End::Plain(at + place + 1)),
            Some(_) => {}
            None => return long_string(text, at + word.len()),
        }
    }
    long_string(text, at)
}

#[inline(never)]
fn long_string(text: &[u8], mut at: usize) -> Result<End, Malformed> {
    let mut escapes = 0_usize;
    loop {
        at = end_of_plain(text, at);
        let escape = match byte(text, at) {
            b'"' if escapes == 0 => return Ok(End::Plain(at + 1)),
            b'"' => return Ok(End::Escaped(at + 1)),
            b'\\' => text.get(at + 1),
            // A control character, or the end.
            _ => return Err(Malformed),
        };
        at += match escape {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if four_hex_digits(text, at + 2) => 6,
            _ => return Err(Malformed),
        };
        escapes += 1;
    }
}

fn four_hex_digits(text: &[u8], at: usize) -> bool {
    let digits = text.get(at..at + 4);
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The end of the number that begins at `at`.
#[inline(never)]
fn number(text: &[u8], mut at: usize) -> Result<usize, Malformed> {
    if byte(text, at) == b'-' {
        at += 1;
    }
    // No zero may stand before a digit.
    at = match byte(text, at) {
        b'0' => at + 1,
        _ => some_digits(text, at)?,
    };
    if byte(text, at) == b'.' {
        at = some_digits(text, at + 1)?;
    }
    if let b'e' | b'E' = byte(text, at) {
        at += 1;
        if let b'+' | b'-' = byte(text, at) {
            at += 1;
        }
        at = some_digits(text, at)?;
    }
    // What follows is a token of its own, so no digit may: that is a number behind a zero.
    if byte(text, at).is_ascii_digit() { Err(Malformed) } else { Ok(at) }
}

#[inline(always)]
fn some_digits(text: &[u8], from: usize) -> Result<usize, Malformed> {
    let mut at = from;
    while byte(text, at).is_ascii_digit() {
        at += 1;
    }
    if at == from { Err(Malformed) } else { Ok(at) }
}

#[inline(never)]
fn literal(text: &[u8], at: usize, first: u8) -> Result<usize, Malformed> {
    let literal: &[u8] = match first {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        _ => return Err(Malformed),
    };
    if text.get(at..).is_some_and(|rest| rest.starts_with(literal)) {
        Ok(at + literal.len())
    } else {
        Err(Malformed)
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
        while let Some(block) = bytes[at..].first_chunk::<128>() {
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
