//! One form for all texts of the same JSON: what a client writes anew means what it meant before,
//! whatever the order of its members and the shape of its numbers.

use std::borrow::Cow;

/// Longer JSON is taken as it stands, so that the work is bounded.
pub(super) const LONGEST: usize = 64 * 1024;
/// Deeper JSON is taken as it stands: each level writes what is in it once more.
const DEEPEST: usize = 32;

/// The canonical form of `json`, which must be valid: no whitespace between tokens, the members of
/// each object by their names, strings with as few escapes as there can be, numbers by their value
/// in full precision.
///
/// Members of one name keep their order, since it decides which of them counts.
pub(super) fn canonical(json: &str) -> Cow<'_, [u8]> {
    if json.len() <= LONGEST {
        let mut reader = Reader { rest: json.as_bytes() };
        let mut canonical = Vec::with_capacity(json.len());
        if reader.value(&mut canonical, 0).is_some() {
            return Cow::Owned(canonical);
        }
    }
    Cow::Borrowed(json.as_bytes())
}

/// What is left to be read. `None` stands for what is not as it is expected.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(out, depth),
            b'[' => self.array(out, depth),
            b'"' => string(self.string()?, out),
            _ => {
                number(self.scalar(), out);
                Some(())
            }
        }
    }

    fn object(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        self.take(b'{')?;
        let mut members: Vec<(String, Vec<u8>)> = Vec::new();
        while self.peek()? != b'}' {
            let raw = self.string()?;
            let name = serde_json::from_str(raw).ok()?;
            let mut member = Vec::new();
            string(raw, &mut member)?;
            self.take(b':')?;
            member.push(b':');
            self.value(&mut member, depth + 1)?;
            members.push((name, member));
            self.separator(b'}')?;
        }
        self.take(b'}')?;
        members.sort_by(|one, other| one.0.cmp(&other.0));
        out.push(b'{');
        for (at, (_, member)) in members.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(member);
        }
        out.push(b'}');
        Some(())
    }

    fn array(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        self.take(b'[')?;
        out.push(b'[');
        while self.peek()? != b']' {
            self.value(out, depth + 1)?;
            out.push(b',');
            self.separator(b']')?;
        }
        self.take(b']')?;
        out.pop_if(|last| *last == b',');
        out.push(b']');
        Some(())
    }

    /// What stands between two values, or the end of them.
    fn separator(&mut self, end: u8) -> Option<()> {
        if self.peek()? == end { Some(()) } else { self.take(b',') }
    }

    /// The next byte that is no whitespace.
    fn peek(&mut self) -> Option<u8> {
        let at = self.rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.rest = &self.rest[at..];
        self.rest.first().copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.rest = &self.rest[1..])
    }

    /// A string with its quotes, as it stands.
    fn string(&mut self) -> Option<&'a str> {
        if self.peek()? != b'"' {
            return None;
        }
        let mut end = 1;
        loop {
            end += memchr::memchr2(b'"', b'\\', self.rest.get(end..)?)?;
            if self.rest[end] == b'"' {
                break;
            }
            end += 2;
        }
        let (text, rest) = self.rest.split_at(end + 1);
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> &'a [u8] {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b",]}".contains(byte);
        let end = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text
    }
}

/// Writes a string. What holds half a surrogate pair is no text, and stays as it stands.
fn string(raw: &str, out: &mut Vec<u8>) -> Option<()> {
    match serde_json::from_str::<Cow<'_, str>>(raw) {
        Ok(text) => serde_json::to_writer(out, &text).ok(),
        Err(_) => {
            out.extend_from_slice(raw.as_bytes());
            Some(())
        }
    }
}

/// Writes a number as its digits without zeros at either end, and the power of ten that they stand
/// before: `1.50` and `15e-1` are `15e-1`, `100` is `1e2`. Other scalars stay as they are.
fn number(raw: &[u8], out: &mut Vec<u8>) {
    match split_number(raw) {
        Some((sign, digits, exponent)) => {
            out.extend_from_slice(sign);
            out.extend_from_slice(&digits);
            out.extend_from_slice(format!("e{exponent}").as_bytes());
        }
        None => out.extend_from_slice(raw),
    }
}

fn split_number(raw: &[u8]) -> Option<(&'static [u8], Vec<u8>, i64)> {
    let (sign, unsigned): (&[u8], _) = match raw.strip_prefix(b"-") {
        Some(rest) => (b"-", rest),
        None => (b"", raw),
    };
    if !unsigned.first()?.is_ascii_digit() {
        return None;
    }
    let power = unsigned.iter().position(|byte| b"eE".contains(byte));
    let (mantissa, exponent) = unsigned.split_at(power.unwrap_or(unsigned.len()));
    let mut exponent: i64 = match exponent {
        [] => 0,
        // A power that no machine counts to stays as it stands.
        [_, power @ ..] => std::str::from_utf8(power).ok()?.parse().ok()?,
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let fraction = point.map_or(0, |point| mantissa.len() - point - 1);
    exponent = exponent.checked_sub(i64::try_from(fraction).ok()?)?;
    let mut digits: Vec<u8> = mantissa.iter().copied().filter(u8::is_ascii_digit).collect();
    while digits.pop_if(|last| *last == b'0').is_some() {
        exponent = exponent.checked_add(1)?;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..zeros);
    if digits.is_empty() {
        return Some((b"", vec![b'0'], 0));
    }
    Some((sign, digits, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(json: &str) -> String {
        assert!(serde_json::from_str::<&serde_json::value::RawValue>(json).is_ok(), "{json}");
        String::from_utf8(canonical(json).into_owned()).unwrap()
    }

    #[test]
    fn what_means_the_same_has_one_form() {
        for (one, other) in [
            (r#"{"a":1,"b":[true,null]}"#, " {\n\"b\" : [ true , null ] , \"a\" : 1 } "),
            (r#"{"é":"/"}"#, r#"{"\u00e9":"\/"}"#),
            (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":2,"x":1}}"#),
            ("[1,10,1.5,-0.25]", "[1.0,1e1,15E-1,-25e-2]"),
            ("[0,0,0]", "[-0,0.00,0e9]"),
            ("[]", "[ ]"),
            ("{}", "{ }"),
            (r#""a\"b\\""#, r#""\u0061\u0022b\u005c""#),
        ] {
            assert_eq!(form(one), form(other));
        }
    }

    #[test]
    fn what_means_something_else_has_another_form() {
        for (one, other) in [
            ("[1,2]", "[2,1]"),
            ("[12]", "[1,2]"),
            (r#"["a","b"]"#, r#"["a\",\"b"]"#),
            (r#"{"a":1}"#, r#"{"A":1}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
            ("123456789012345678901234567890", "123456789012345678901234567891"),
            ("0.1", "0.10000000000000000555"),
            ("1", "-1"),
            ("1", "10"),
            ("1e99999999999999999999", "1e99999999999999999998"),
            (r#""\ud800""#, r#""\ud801""#),
            ("null", "false"),
            ("[[]]", "[]"),
            ("[null]", "[]"),
        ] {
            assert_ne!(form(one), form(other), "{one} {other}");
        }
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn what_is_too_long_or_too_deep_is_taken_as_it_stands() {
        let long = |spaces: usize| format!("[{}]", " ".repeat(spaces));
        assert_eq!(form(&long(LONGEST - 2)), "[]");
        assert_eq!(form(&long(LONGEST - 1)), long(LONGEST - 1));
        let deep = |depth: usize| format!("{} {}", "[".repeat(depth), "]".repeat(depth));
        let written = canonical(&deep(DEEPEST + 1)).into_owned();
        assert_eq!(written, deep(DEEPEST + 1).replace(' ', "").into_bytes());
        assert_eq!(*canonical(&deep(DEEPEST + 2)), *deep(DEEPEST + 2).as_bytes());
    }
}
