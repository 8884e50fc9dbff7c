//! Which trace a request belongs to, as the platform in front says: `traceparent` (W3C Trace
//! Context, section 3.2) or Google's `X-Cloud-Trace-Context`.

use std::fmt;

use http::{HeaderMap, HeaderName};

use super::head::Field;

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static CLOUD_TRACE: HeaderName = HeaderName::from_static("x-cloud-trace-context");

/// A trace, and the place of a request in it.
///
/// Clients can send these headers too. They are read as numbers, so nothing else can come of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceContext {
    trace: u128,
    span: Option<u64>,
    sampled: Option<bool>,
}

impl TraceContext {
    /// What the headers say. The standard's comes first; where both are there they agree.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let field = |name| match Field::of(headers, name) {
            Field::Once(value) => Some(value),
            Field::Absent | Field::Bad => None,
        };
        let standard = field(&TRACEPARENT).and_then(Self::from_traceparent);
        standard.or_else(|| field(&CLOUD_TRACE).and_then(Self::from_google))
    }

    /// `00-<trace: 32 hex>-<span: 16 hex>-<flags: 2 hex>`. Later versions may append.
    fn from_traceparent(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let ends = parts.next().is_none();
        let known = version != 0xff && (version != 0 || ends);
        // Of 16 digits.
        let span = u64::try_from(span).ok()?;
        (known && trace != 0 && span != 0).then_some(Self {
            trace,
            span: Some(span),
            sampled: Some(flags & 1 == 1),
        })
    }

    /// `<trace: 32 hex>[/<span: decimal>][;o=<0 or 1>]`.
    fn from_google(text: &str) -> Option<Self> {
        let (ids, options) = text.split_once(';').unwrap_or((text, ""));
        let (trace, span) = ids.split_once('/').unwrap_or((ids, "0"));
        let trace = hex(trace, 32).filter(|trace| *trace != 0)?;
        let span = span.bytes().all(|it| it.is_ascii_digit()).then(|| span.parse().ok()).flatten();
        let sampled = match options {
            "o=1" => Some(true),
            "o=0" => Some(false),
            _ => None,
        };
        Some(Self { trace, span: span.filter(|span| *span != 0), sampled })
    }

    /// The trace: 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> impl fmt::Display + use<> {
        let trace = self.trace;
        fmt::from_fn(move |f| write!(f, "{trace:032x}"))
    }

    /// The span that the request is, in the eyes of the one in front: 16 hexadecimal digits.
    pub(crate) fn span_id(&self) -> Option<impl fmt::Display + use<>> {
        let span = self.span?;
        Some(fmt::from_fn(move |f| write!(f, "{span:016x}")))
    }

    /// Whether the trace is kept, if that is decided.
    pub(crate) fn sampled(&self) -> Option<bool> {
        self.sampled
    }
}

/// A number of exactly so many hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|it| it.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn of(headers: &[(&'static str, &str)]) -> Option<(String, Option<String>, Option<bool>)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let trace = TraceContext::of(&map)?;
        let span = trace.span_id().map(|id| id.to_string());
        Some((trace.trace_id().to_string(), span, trace.sampled()))
    }

    fn expected(
        span: Option<&str>,
        sampled: Option<bool>,
    ) -> Option<(String, Option<String>, Option<bool>)> {
        Some((TRACE.to_owned(), span.map(str::to_owned), sampled))
    }

    /// W3C Trace Context, section 3.2.2.
    #[test]
    fn a_traceparent_is_read() {
        let span = Some("00f067aa0ba902b7");
        for (text, sampled) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-00"), false),
            (format!("01-{TRACE}-00f067aa0ba902b7-03-later"), true),
        ] {
            assert_eq!(of(&[("traceparent", &text)]), expected(span, Some(sampled)), "{text}");
        }
    }

    /// FACTS, Platforms: "`X-Cloud-Trace-Context` or `traceparent`".
    #[test]
    fn googles_header_is_read() {
        let name = "x-cloud-trace-context";
        for (text, span, sampled) in [
            (TRACE.to_owned(), None, None),
            (TRACE.to_uppercase(), None, None),
            (format!("{TRACE}/74"), Some("000000000000004a"), None),
            (format!("{TRACE}/18446744073709551615;o=1"), Some("ffffffffffffffff"), Some(true)),
            (format!("{TRACE}/0;o=0"), None, Some(false)),
            (format!("{TRACE}/+7;o=2"), None, None),
        ] {
            assert_eq!(of(&[(name, &text)]), expected(span, sampled), "{text}");
        }
    }

    #[test]
    fn the_standards_comes_first_and_googles_stands_in_for_a_broken_one() {
        let google = format!("{TRACE}/1");
        let other = "00-ffffffffffffffffffffffffffffffff-00f067aa0ba902b7-01";
        let both = of(&[("x-cloud-trace-context", &google), ("traceparent", other)]);
        assert_eq!(both.unwrap().0, "f".repeat(32));
        let broken = of(&[("x-cloud-trace-context", &google), ("traceparent", "00-x")]);
        assert_eq!(broken, expected(Some("0000000000000001"), None));
    }

    #[test]
    fn what_is_no_trace_is_none() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "{\"severity\":\"EMERGENCY\"}".to_owned(),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-+{}-00f067aa0ba902b7-01", &TRACE[1..]),
            format!("{TRACE}a"),
            format!("{zeros}/1;o=1"),
        ] {
            assert_eq!(of(&[("traceparent", &text)]), None, "{text}");
            assert_eq!(of(&[("x-cloud-trace-context", &text)]), None, "{text}");
        }
        let text = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(of(&[("traceparent", &text), ("traceparent", &text)]), None);
    }
}
