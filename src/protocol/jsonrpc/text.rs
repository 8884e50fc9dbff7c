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
/// A buffer that was made as long as its message, but for what is escaped, stays so.
pub(super) fn write(buffer: &mut Vec<u8>, text: &str) {
    let longer = escapes(text.as_bytes());
    if text.len() > SHORT {
        // `likely_len` did not count them.
        let spare = buffer.capacity() - buffer.len();
        buffer.reserve_exact(spare + longer);
    }
    buffer.reserve(text.len() + longer + 2);
    buffer.push(b'"');
    match longer {
        0 => buffer.extend_from_slice(text.as_bytes()),
        _ => write_escaped(buffer, text.as_bytes()),
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
    let longer = |bytes: &[u8]| bytes.iter().map(|&byte| usize::from(longer(byte))).sum::<usize>();
    let steps = steps.iter().filter(|step| has_escape(step)).map(|step| longer(step));
    steps.sum::<usize>() + longer(rest)
}

/// Without a branch, so that it is done for many bytes at once.
fn has_escape(step: &[u8; STEP]) -> bool {
    step.iter().fold(false, |found, &byte| found | is_escaped(byte))
}

/// RFC 8259, section 7: "the characters that MUST be escaped: quotation mark, reverse solidus, and
/// the control characters (U+0000 through U+001F)".
const fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The letter behind the backslash, for what has one.
const fn letter(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        0x08 => Some(b'b'),
        b'\t' => Some(b't'),
        b'\n' => Some(b'n'),
        0x0c => Some(b'f'),
        b'\r' => Some(b'r'),
        _ => None,
    }
}

/// By how much longer a byte is escaped: `\n`, `\u0000`.
const fn longer(byte: u8) -> u8 {
    match letter(byte) {
        Some(_) => 1,
        None if is_escaped(byte) => 5,
        None => 0,
    }
}

fn write_escaped(buffer: &mut Vec<u8>, text: &[u8]) {
    let (steps, rest) = text.as_chunks::<STEP>();
    for step in steps {
        match has_escape(step) {
            false => buffer.extend_from_slice(step),
            true => step.iter().for_each(|&byte| write_byte(buffer, byte)),
        }
    }
    rest.iter().for_each(|&byte| write_byte(buffer, byte));
}

fn write_byte(buffer: &mut Vec<u8>, byte: u8) {
    if !is_escaped(byte) {
        return buffer.push(byte);
    }
    match letter(byte) {
        Some(letter) => buffer.extend_from_slice(&[b'\\', letter]),
        None => {
            let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
            buffer.extend_from_slice(b"\\u00");
            buffer.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
    }
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
