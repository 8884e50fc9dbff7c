//! Media types of requests: what `Accept` allows as an answer, and whether `Content-Type` is JSON.
//!
//! Both are parsed by RFC 9110 (sections 8.3.1, 12.4.2 and 12.5.1), never searched for substrings:
//! `text/plain; x=application/json` is text.

use super::known_headers::{Known, KnownHeaders};

/// How an answer may be framed, by the request's `Accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framings {
    /// JSON and SSE are both welcome, or neither is: the answer itself decides.
    ///
    /// Neither is no reason to refuse (RFC 9110, section 12.5.1, lets a server disregard the
    /// field): clients that send `Accept: text/html` by accident get an answer, not a 406.
    Adaptive,
    /// Only JSON is.
    JsonOnly,
    /// Only SSE is.
    SseOnly,
}

/// The framings that `Accept` allows.
///
/// 2026-07-28 and 2025-11-25, Streamable HTTP, Sending Messages: "The client MUST include an
/// `Accept` header listing both `application/json` and `text/event-stream`". A client that does
/// not is served by what it listed.
pub(crate) fn framings(headers: &KnownHeaders<'_>) -> Framings {
    match accepted(headers) {
        Accepted { json: true, sse: false } => Framings::JsonOnly,
        Accepted { json: false, sse: true } => Framings::SseOnly,
        Accepted { json: true, sse: true } | Accepted { json: false, sse: false } => {
            Framings::Adaptive
        }
    }
}

/// What a request's `Content-Type` says of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// `application/json`, in UTF-8 or without a word about it.
    Json,
    /// No such header.
    Absent,
    /// Anything else: another type, another charset, no media type at all, or lines that
    /// disagree.
    Other,
}

/// Reads `Content-Type`. Parameters are ignored but for `charset`, which must be UTF-8 if it is
/// there: JSON on the network is UTF-8 (RFC 8259, section 8.1).
pub(crate) fn content_type(headers: &KnownHeaders<'_>) -> ContentType {
    let mut found = ContentType::Absent;
    for line in headers.lines(Known::ContentType) {
        if !is_json(line.as_bytes()) {
            return ContentType::Other;
        }
        found = ContentType::Json;
    }
    found
}

fn is_json(value: &[u8]) -> bool {
    value == b"application/json"
        || MediaType::parse(value).is_some_and(|media| {
            media.is(b"application", b"json")
                && media.parameters().all(|(name, value)| {
                    !name.eq_ignore_ascii_case(b"charset")
                        || same_text(value, b"utf-8")
                        || same_text(value, b"utf8")
                })
        })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Accepted {
    json: bool,
    sse: bool,
}

fn accepted(headers: &KnownHeaders<'_>) -> Accepted {
    let mut lines = headers.lines(Known::Accept).map(|line| line.as_bytes()).peekable();
    let Some(first) = lines.next() else { return Accepted { json: true, sse: true } };
    // What clients send in fact, byte for byte.
    let common: [&[u8]; 4] = [
        b"application/json, text/event-stream",
        b"text/event-stream, application/json",
        b"application/json,text/event-stream",
        b"*/*",
    ];
    if lines.peek().is_none() {
        match first {
            b"application/json" => return Accepted { json: true, sse: false },
            b"text/event-stream" => return Accepted { json: false, sse: true },
            _ if common.contains(&first) => return Accepted { json: true, sse: true },
            _ => {}
        }
    }
    let (mut json, mut sse) = (Preference::default(), Preference::default());
    // Lines of a list-based field are one list (RFC 9110, section 5.3).
    for range in std::iter::once(first).chain(lines).flat_map(|line| Split::new(line, b',')) {
        let Some(range) = MediaType::parse(range) else { continue };
        let Some(accepted) = range.weight() else { continue };
        json.hear(range.specificity(b"application", b"json"), accepted);
        sse.hear(range.specificity(b"text", b"event-stream"), accepted);
    }
    Accepted { json: json.accepted, sse: sse.accepted }
}

/// How closely a media range names a type; the closest range decides (RFC 9110, section 12.5.1:
/// "If more than one media range applies to a given type, the most specific reference has
/// precedence").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    #[default]
    None,
    Anything,
    Type,
    Exact,
}

/// What the ranges read so far say of one type.
#[derive(Default)]
struct Preference {
    closest: Specificity,
    accepted: bool,
}

impl Preference {
    fn hear(&mut self, specificity: Specificity, accepted: bool) {
        if specificity > self.closest {
            *self = Self { closest: specificity, accepted };
        } else if specificity == self.closest && specificity != Specificity::None {
            self.accepted |= accepted;
        }
    }
}

/// A media type or range with its parameters yet to be split.
struct MediaType<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    parameters: &'a [u8],
}

impl<'a> MediaType<'a> {
    /// `type "/" subtype parameters`; `None` if there is no slash. That both are tokens need not
    /// be checked: they are only ever compared with tokens.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let end = memchr::memchr(b';', text).unwrap_or(text.len());
        let essence = trim(&text[..end]);
        let slash = memchr::memchr(b'/', essence)?;
        let (kind, subtype) = (&essence[..slash], &essence[slash + 1..]);
        Some(Self { kind, subtype, parameters: &text[end..] })
    }

    fn is(&self, kind: &[u8], subtype: &[u8]) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    fn specificity(&self, kind: &[u8], subtype: &[u8]) -> Specificity {
        if self.is(kind, subtype) {
            Specificity::Exact
        } else if self.is(kind, b"*") {
            Specificity::Type
        } else if self.is(b"*", b"*") {
            Specificity::Anything
        } else {
            Specificity::None
        }
    }

    /// Names and values; values may still be quoted. What is no parameter is passed over.
    fn parameters(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        Split::new(self.parameters, b';').filter_map(|parameter| {
            let equals = memchr::memchr(b'=', parameter)?;
            Some((trim(&parameter[..equals]), trim(&parameter[equals + 1..])))
        })
    }

    /// Whether this range of `Accept` admits (`q` above 0, or none) or refuses what it names, or
    /// `None` if it says nothing of what this server sends.
    ///
    /// Other parameters do not narrow a range that admits: there is one representation of each
    /// type, and who names the type gets it. A refusal with parameters is of that variant alone.
    fn weight(&self) -> Option<bool> {
        let (mut accepted, mut narrowed) = (true, false);
        for (name, value) in self.parameters() {
            if name.eq_ignore_ascii_case(b"q") {
                accepted = !is_zero(value);
            } else {
                narrowed = true;
            }
        }
        (accepted || !narrowed).then_some(accepted)
    }
}

/// `0`, `0.`, `0.000` and so on. What is no `qvalue` at all counts as a weight above zero.
fn is_zero(weight: &[u8]) -> bool {
    match weight {
        b"0" => true,
        [b'0', b'.', digits @ ..] => digits.iter().all(|digit| *digit == b'0'),
        _ => false,
    }
}

/// Whether a parameter's value, a token or a quoted string, is `text` whatever the case.
fn same_text(value: &[u8], text: &[u8]) -> bool {
    let Some(quoted) = value.strip_prefix(b"\"") else { return value.eq_ignore_ascii_case(text) };
    let Some(quoted) = quoted.strip_suffix(b"\"") else { return false };
    let mut escaped = false;
    let unescaped = quoted.iter().filter(|byte| {
        escaped = !escaped && **byte == b'\\';
        !escaped
    });
    unescaped.map(u8::to_ascii_lowercase).eq(text.iter().map(u8::to_ascii_lowercase))
}

/// The parts of a text between separators that stand outside quoted strings, without the
/// whitespace around them, and without empty parts.
struct Split<'a> {
    rest: &'a [u8],
    separator: u8,
}

impl<'a> Split<'a> {
    fn new(text: &'a [u8], separator: u8) -> Self {
        Self { rest: text, separator }
    }

    /// The length of the part that `rest` begins with.
    fn part_len(&self) -> usize {
        let (mut quoted, mut escaped) = (false, false);
        let end = self.rest.iter().position(|&byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return byte == self.separator && !quoted,
            }
            false
        });
        end.unwrap_or(self.rest.len())
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (part, rest) = self.rest.split_at(self.part_len());
            self.rest = rest.get(1..).unwrap_or_default();
            let part = trim(part);
            if !part.is_empty() {
                return Some(part);
            }
        }
        None
    }
}

/// Without the optional whitespace of RFC 9110, section 5.6.3, around it.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn framings(headers: &HeaderMap) -> Framings {
        super::framings(&KnownHeaders::of(headers))
    }

    fn content_type(headers: &HeaderMap) -> ContentType {
        super::content_type(&KnownHeaders::of(headers))
    }

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn accept_is_parsed_and_decides_the_framing() {
        use Framings::{Adaptive, JsonOnly, SseOnly};
        let table: &[(&[&str], Framings)] = &[
            // Absent, or anything goes.
            (&[], Adaptive),
            (&["*/*"], Adaptive),
            (&["*/*;q=0.1"], Adaptive),
            (&["*/*;foo=bar"], Adaptive),
            // Both, in all the ways to say so.
            (&["application/json, text/event-stream"], Adaptive),
            (&["text/event-stream, application/json"], Adaptive),
            (&["application/json,text/event-stream"], Adaptive),
            (&["application/json", "text/event-stream"], Adaptive),
            (&["text/event-stream;q=0.9 , \t application/json ; q=1.000"], Adaptive),
            (&["APPLICATION/JSON, Text/Event-Stream"], Adaptive),
            (&["application/*, text/*"], Adaptive),
            (&["application/json, */*;q=0.8"], Adaptive),
            (&["text/*, */*;q=0.1"], Adaptive),
            (&[",, application/json,, text/event-stream ,"], Adaptive),
            (&["application/json;charset=utf-8, text/event-stream"], Adaptive),
            // One.
            (&["application/json"], JsonOnly),
            (&["application/*"], JsonOnly),
            (&["application/json;charset=utf-8"], JsonOnly),
            (&["application/json;q=0.001"], JsonOnly),
            (&["text/html, application/json"], JsonOnly),
            (&["text/event-stream"], SseOnly),
            (&["text/*;q=0.5"], SseOnly),
            // A quality of zero is a refusal; the most specific range decides.
            (&["application/json, text/event-stream;q=0"], JsonOnly),
            (&["application/json;q=0, text/event-stream"], SseOnly),
            (&["*/*, text/event-stream;Q=0.000"], JsonOnly),
            (&["text/event-stream; q=0.0, */*"], JsonOnly),
            (&["application/*;q=0, application/json, text/event-stream"], Adaptive),
            (&["*/*;q=0, application/json"], JsonOnly),
            (&["text/*;q=0", "*/*"], JsonOnly),
            (&["application/json;q=0, application/json"], JsonOnly),
            (&["application/json, application/json;q=0"], JsonOnly),
            (&["application/json;v=2;q=0, application/json, text/event-stream"], Adaptive),
            (&["application/json;v=2;q=0, */*"], Adaptive),
            (&["application/json, text/event-stream;q=0.0001"], Adaptive),
            (&["application/json, text/event-stream;q=none"], Adaptive),
            // Separators in quoted strings separate nothing.
            (&[r#"text/html;x="a, text/event-stream", application/json"#], JsonOnly),
            (&[r#"text/html;x="\", text/event-stream", application/json"#], JsonOnly),
            (&[r#"application/json;x=";q=0""#], JsonOnly),
            // And a backslash escapes nothing but in them.
            (&[r"application/json;x=\, text/event-stream"], Adaptive),
            // Substrings are nothing.
            (&["application/jsonp, text/event-stream"], SseOnly),
            (&["application/json-patch+json, text/event-stream"], SseOnly),
            (&["text/html;x=application/json, text/event-stream"], SseOnly),
            (&["application/ json, text/event-stream"], SseOnly),
            (&["*/json, text/event-stream"], SseOnly),
            // Neither: no 406.
            (&["text/html"], Adaptive),
            (&[""], Adaptive),
            (&["json"], Adaptive),
            (&["*"], Adaptive),
            (&["*/*;q=0"], Adaptive),
            (&["application/json;q=0, text/event-stream;q=0"], Adaptive),
            (&["\u{e9}/\u{e9}"], Adaptive),
        ];
        for (lines, expected) in table {
            assert_eq!(framings(&headers(&ACCEPT, lines)), *expected, "{lines:?}");
        }
    }

    #[test]
    fn content_type_is_json_with_any_parameters_in_utf_8() {
        let table: &[(&[&str], ContentType)] = &[
            (&[], ContentType::Absent),
            (&["application/json"], ContentType::Json),
            (&["Application/JSON"], ContentType::Json),
            (&["application/json;charset=utf-8"], ContentType::Json),
            (&["application/json ; Charset=UTF-8"], ContentType::Json),
            (&[r#"application/json; charset="utf\-8""#], ContentType::Json),
            (&["application/json;charset=utf8"], ContentType::Json),
            (&["application/json;"], ContentType::Json),
            (&["application/json; profile=\"a;charset=latin1\"; x"], ContentType::Json),
            (&["application/json", "application/json"], ContentType::Json),
            (&["application/json", "application/json;charset=utf-8"], ContentType::Json),
            (&[""], ContentType::Other),
            (&["application/json;charset=iso-8859-1"], ContentType::Other),
            (&["application/json;charset="], ContentType::Other),
            (&["application/json;charset=\"utf-8"], ContentType::Other),
            (&["application/json;charset=utf-8;charset=utf-16"], ContentType::Other),
            (&["application/json", "text/plain"], ContentType::Other),
            (&["text/plain", "application/json"], ContentType::Other),
            (&["application/json, application/json"], ContentType::Other),
            (&["application/jsonp"], ContentType::Other),
            (&["application/json-rpc"], ContentType::Other),
            (&["application/problem+json"], ContentType::Other),
            (&["application/"], ContentType::Other),
            (&["application/*"], ContentType::Other),
            (&["text/json"], ContentType::Other),
            (&["json"], ContentType::Other),
        ];
        for (lines, expected) in table {
            assert_eq!(content_type(&headers(&CONTENT_TYPE, lines)), *expected, "{lines:?}");
        }
    }

    /// The types that a browser lets any site post without a preflight (Fetch, "CORS-safelisted
    /// request-header"), dressed up as JSON.
    #[test]
    fn cve_2026_33252_a_cross_site_form_or_text_post_is_not_json() {
        for value in [
            "text/plain",
            "text/plain;charset=UTF-8",
            "text/plain; application/json",
            "text/plain; x=application/json",
            "text/plain, application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "multipart/form-data; boundary=\"application/json\"",
        ] {
            let headers = headers(&CONTENT_TYPE, &[value]);
            assert_eq!(content_type(&headers), ContentType::Other, "{value:?}");
        }
    }

    #[test]
    fn splitting_never_loops_and_never_loses_a_byte_of_a_part() {
        // Every text of up to six of the bytes that mean something to the splitter.
        let alphabet = b"a,\"\\ ";
        for length in 0..=6_u32 {
            for number in 0..5_usize.pow(length) {
                let text: Vec<u8> = (0..length)
                    .map(|place| alphabet[number / 5_usize.pow(place) % alphabet.len()])
                    .collect();
                let parts: Vec<&[u8]> = Split::new(&text, b',').collect();
                let letters = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'a').count();
                let found: usize = parts.iter().map(|part| letters(part)).sum();
                assert_eq!(found, letters(&text), "{:?}", String::from_utf8_lossy(&text));
                assert!(parts.iter().all(|part| !part.is_empty() && trim(part) == *part));
            }
        }
    }
}
