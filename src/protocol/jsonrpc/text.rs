//! Strings as JSON: how long they will be, and writing them.
//!
//! Most of what a server sends is text, and most text has nothing to escape: it is looked through
//! in steps that the compiler makes vector instructions of, and copied as it is.

/// What is looked through at once.
const STEP: usize = 32;

/// Texts up to here are looked through to tell how long they will be.
const SHORT: usize = 512;

/// Writes a text as a JSON string, as serde_json does.
///
/// A buffer that was made as long as its message, by [`likely_len`], stays so.
pub(super) fn write(buffer: &mut Vec<u8>, text: &str) {
    buffer.reserve(text.len() + 2);
    let longer = if text.len() > SHORT { escapes(text.as_bytes()) } else { 0 };
    if longer > 0 {
        // They were not counted. What comes behind the text keeps its room.
        buffer.reserve_exact(buffer.capacity() - buffer.len() + longer);
    }
    buffer.push(b'"');
    if text.len() > SHORT && longer == 0 {
        buffer.extend_from_slice(text.as_bytes());
    } else {
        write_escaped(buffer, text.as_bytes());
    }
    buffer.push(b'"');
}

/// How long a text is as a JSON string: exactly if it is short, else at least.
pub(super) fn likely_len(text: &str) -> usize {
    let longer = if text.len() <= SHORT { escapes(text.as_bytes()) } else { 0 };
    text.len() + longer + 2
}

/// By how many bytes a text becomes longer.
fn escapes(text: &[u8]) -> usize {
    let (steps, rest) = text.as_chunks::<STEP>();
    let longer = |bytes: &[u8]| bytes.iter().map(|&byte| escape(byte).longer()).sum::<usize>();
    let steps = steps.iter().filter(|step| has_escape(step)).map(|step| longer(step));
    steps.sum::<usize>() + longer(rest)
}

/// RFC 8259, section 7: "the characters that MUST be escaped: quotation mark, reverse solidus, and
/// the control characters (U+0000 through U+001F)". Without a branch, so that it is asked of many
/// bytes at once.
fn has_escape(step: &[u8; STEP]) -> bool {
    step.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
}

/// What a byte becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// Itself.
    None,
    /// A backslash and this letter.
    Letter(u8),
    /// `\u` and four digits.
    Digits,
}

impl Escape {
    const fn of(byte: u8) -> Self {
        match byte {
            b'"' | b'\\' => Self::Letter(byte),
            0x08 => Self::Letter(b'b'),
            b'\t' => Self::Letter(b't'),
            b'\n' => Self::Letter(b'n'),
            0x0c => Self::Letter(b'f'),
            b'\r' => Self::Letter(b'r'),
            0..0x20 => Self::Digits,
            _ => Self::None,
        }
    }

    /// By how much longer the byte becomes.
    fn longer(self) -> usize {
        match self {
            Self::None => 0,
            Self::Letter(_) => 1,
            Self::Digits => 5,
        }
    }
}

fn escape(byte: u8) -> Escape {
    static ESCAPES: [Escape; 256] = {
        let mut escapes = [Escape::None; 256];
        let mut byte = 0;
        while byte < 0x80 {
            escapes[byte as usize] = Escape::of(byte);
            byte += 1;
        }
        escapes
    };
    ESCAPES[usize::from(byte)]
}

fn write_escaped(buffer: &mut Vec<u8>, text: &[u8]) {
    let (steps, rest) = text.as_chunks::<STEP>();
    for step in steps {
        match has_escape(step) {
            false => buffer.extend_from_slice(step),
            true => write_runs(buffer, step),
        }
    }
    write_runs(buffer, rest);
}

/// Writes what has nothing to escape as it is, and each escape behind it.
fn write_runs(buffer: &mut Vec<u8>, mut bytes: &[u8]) {
    while let Some(at) = bytes.iter().position(|&byte| escape(byte) != Escape::None) {
        let byte = bytes[at];
        buffer.extend_from_slice(&bytes[..at]);
        bytes = &bytes[at + 1..];
        match escape(byte) {
            Escape::Letter(letter) => buffer.extend_from_slice(&[b'\\', letter]),
            _ => {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
                let digits = [digit(byte >> 4), digit(byte & 15)];
                buffer.extend_from_slice(b"\\u00");
                buffer.extend_from_slice(&digits);
            }
        }
    }
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, behind: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(likely_len(text) + behind);
        write(&mut buffer, text);
        assert_eq!(buffer, serde_json::to_vec(text).unwrap(), "{text:?}");
        buffer
    }

    #[test]
    fn every_character_is_written_as_serde_json_writes_it() {
        for character in (0..=0x17f).map(|code| char::from_u32(code).unwrap()) {
            // Ahead of a step, within one, at its edge and behind the last.
            for at in [0, 1, STEP - 1, STEP, 2 * STEP, 2 * STEP + 5] {
                let text = format!("{}{character}{}", "x".repeat(at), "y".repeat(STEP + 3));
                assert_eq!(escapes(text.as_bytes()) + text.len() + 2, written(&text, 0).len());
                written(&text[..at + character.len_utf8()], 0);
            }
        }
        for text in ["", "\u{2028}\u{10ffff}", "\"\\\u{7f}\r\n\0\u{1f}"] {
            written(text, 0);
            written(&text.repeat(100), 0);
        }
    }

    /// Messages are counted by their length: a buffer that is too long would be copied.
    #[test]
    fn a_buffer_that_was_long_enough_for_the_text_stays_as_long_as_its_message() {
        for text in ["plain", "\"short\"", &"\n\u{1}long".repeat(SHORT), &"plain ".repeat(SHORT)] {
            for behind in [0, 7] {
                let buffer = written(text, behind);
                assert_eq!(buffer.capacity(), buffer.len() + behind, "{} {behind}", text.len());
            }
        }
    }
}
