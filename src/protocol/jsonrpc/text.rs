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
    buffer.push(b'"');
    match is_plain(text.as_bytes()) {
        true => buffer.extend_from_slice(text.as_bytes()),
        false => write_escaped(buffer, text.as_bytes()),
    }
    buffer.push(b'"');
}

/// How long a text is as a JSON string: exactly if it is short, else at least.
pub(super) fn likely_len(text: &str) -> usize {
    let longer = if text.len() <= SHORT { escapes(text.as_bytes()) } else { 0 };
    text.len() + longer + 2
}

/// Whether nothing in a text is to be escaped. Of a long one the answer is asked for less often.
fn is_plain(text: &[u8]) -> bool {
    const LONG: usize = STEP * 4;
    let (steps, rest) = text.as_chunks::<LONG>();
    steps.iter().all(|step| !has_escape(step)) && is_short_plain(rest)
}

fn is_short_plain(text: &[u8]) -> bool {
    const HALF: usize = STEP / 2;
    let Some(last) = text.last_chunk::<HALF>() else {
        return !text.iter().any(|&byte| is_escaped(byte));
    };
    // The last may be looked at twice.
    text.as_chunks::<HALF>().0.iter().all(|step| !has_escape(step)) && !has_escape(last)
}

/// By how many bytes a text becomes longer.
fn escapes(text: &[u8]) -> usize {
    if is_plain(text) {
        return 0;
    }
    let (steps, rest) = text.as_chunks::<STEP>();
    let steps = steps.iter().filter(|step| has_escape(step)).map(|step| usize::from(longer(step)));
    steps.sum::<usize>() + usize::from(longer(rest))
}

/// The same for a step, or less: it is 160 at most. Without a branch, and without the table.
fn longer(step: &[u8]) -> u8 {
    step.iter().fold(0, |longer, &byte| {
        let control = byte < 0x20;
        let escaped = control | (byte == b'"') | (byte == b'\\');
        let digits = control & !((0x08..=b'\r').contains(&byte) & (byte != 0x0b));
        longer + u8::from(escaped) + 4 * u8::from(digits)
    })
}

/// Whether a step is not plain, without a branch, so that it is asked of many bytes at once.
fn has_escape<const N: usize>(step: &[u8; N]) -> bool {
    step.iter().fold(false, |found, &byte| found | is_escaped(byte))
}

/// RFC 8259, section 7: "the characters that MUST be escaped: quotation mark, reverse solidus, and
/// the control characters (U+0000 through U+001F)".
fn is_escaped(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// What stands behind the backslash that a byte becomes: a letter, [`DIGITS`], or [`ITSELF`] where
/// there is none.
static ESCAPES: [u8; 256] = {
    let mut escapes = [ITSELF; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = DIGITS;
        control += 1;
    }
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes[0x08] = b'b';
    escapes[b'\t' as usize] = b't';
    escapes[b'\n' as usize] = b'n';
    escapes[0x0c] = b'f';
    escapes[b'\r' as usize] = b'r';
    escapes
};

const ITSELF: u8 = 0;
/// `\u` and four digits.
const DIGITS: u8 = b'u';

fn write_escaped(buffer: &mut Vec<u8>, text: &[u8]) {
    if text.len() > SHORT {
        // They were not counted. What comes behind the text keeps its room.
        buffer.reserve_exact(buffer.capacity() - buffer.len() + escapes(text));
    }
    let (steps, rest) = text.as_chunks::<STEP>();
    for step in steps {
        match has_escape(step) {
            false => buffer.extend_from_slice(step),
            true => write_step(buffer, step),
        }
    }
    write_step(buffer, rest);
}

/// Writes a step, or less. It is put together apart, so that the buffer grows once; it is 192 bytes
/// at most, and no index of 8 bits is beyond 256.
fn write_step(buffer: &mut Vec<u8>, step: &[u8]) {
    let mut written = [0; 256];
    let mut len = 0_u8;
    for &byte in step {
        let escape = ESCAPES[usize::from(byte)];
        if escape == ITSELF {
            written[usize::from(len)] = byte;
            len += 1;
            continue;
        }
        written[usize::from(len)] = b'\\';
        written[usize::from(len + 1)] = escape;
        len += 2;
        if escape == DIGITS {
            let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
            for digit in [b'0', b'0', digit(byte >> 4), digit(byte & 15)] {
                written[usize::from(len)] = digit;
                len += 1;
            }
        }
    }
    buffer.extend_from_slice(&written[..usize::from(len)]);
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
