//! Parsing: one pass over the bytes of a body gives the messages in it.
//!
//! The envelope is borrowed, the parameters stay raw. Whatever is wrong with a message is
//! gathered rather than thrown, so that the refusal can name the request's id.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::params::{KeySeed, ParamsField, ParamsSeed, string};
use super::{ErrorCode, Params, RequestId};

/// What a body may ask of the parser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParseLimits {
    /// Objects and arrays open at once.
    pub(crate) depth: usize,
    /// Messages in a batch.
    pub(crate) batch: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self { depth: 128, batch: 64 }
    }
}

/// A body that is JSON.
#[derive(Debug)]
pub(crate) enum Parsed<'a> {
    /// One message.
    Single(Message<'a>),
    /// An array of messages, not empty, each on its own valid or not.
    Batch(Vec<Result<Message<'a>, Invalid>>),
}

/// A message of a client's.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    Request(Request<'a>),
    Notification(Notification<'a>),
    /// An answer to a request of the server's.
    Response(Response<'a>),
}

#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: RequestId,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Params<'a>,
}

#[derive(Debug)]
pub(crate) struct Notification<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Params<'a>,
}

#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) id: RequestId,
    /// The `result` or the `error`.
    pub(crate) outcome: Result<&'a RawValue, &'a RawValue>,
}

/// No message: why, and the id to name if one could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) code: ErrorCode,
    pub(crate) id: Option<RequestId>,
    pub(crate) message: Cow<'static, str>,
}

impl Invalid {
    fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, id: None, message: message.into() }
    }
}

/// Parses a body.
///
/// # Errors
///
/// -32700 if it is not UTF-8, not JSON, or nested deeper than the limit; -32600 or -32602 if it
/// is JSON but no message of JSON-RPC 2.0 as MCP has it.
pub(crate) fn parse(body: &[u8], limits: ParseLimits) -> Result<Parsed<'_>, Invalid> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Invalid::new(ErrorCode::ParseError, "the body is not UTF-8"))?;
    if deeper_than(body, limits.depth) {
        let message = format!("the body is nested deeper than {} levels", limits.depth);
        return Err(Invalid::new(ErrorCode::ParseError, message));
    }
    match first_byte(body) {
        None => Err(Invalid::new(ErrorCode::ParseError, "the body is empty")),
        Some(b'[') => parse_batch(text, limits.batch),
        Some(_) => parse_message(text).map(Parsed::Single),
    }
}

fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether more than `limit` objects and arrays are open at once.
///
/// serde_json skips raw and ignored values at any depth, and a recursion limit of its own holds
/// only where it recurses; what handlers do with a value may recurse without one. Counting the
/// brackets is enough for nearly every body, and a compiler makes it a few instructions for each
/// sixteen bytes; only a body with many brackets is looked at in earnest.
fn deeper_than(body: &[u8], limit: usize) -> bool {
    let brackets = body.iter().filter(|&&byte| byte == b'{' || byte == b'[').count();
    if brackets <= limit {
        return false;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => match end_of_string(body, at + 1) {
                Some(end) => at = end,
                // No string that ends: the parser says so.
                None => return false,
            },
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    false
}

/// The place of the quote that ends the string whose inside begins at `from`.
fn end_of_string(body: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', body.get(from..)?)?;
        if body[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

fn parse_message(text: &str) -> Result<Message<'_>, Invalid> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let envelope = deserializer
        .deserialize_any(EnvelopeVisitor)
        .and_then(|envelope| deserializer.end().map(|()| envelope))
        .map_err(not_json)?;
    envelope.judge()
}

fn parse_batch(text: &str, limit: usize) -> Result<Parsed<'_>, Invalid> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let items = deserializer
        .deserialize_seq(BatchVisitor { limit })
        .and_then(|items| deserializer.end().map(|()| items))
        .map_err(not_json)?;
    match items {
        None => {
            let message = format!("the batch has more than {limit} messages: send several");
            Err(Invalid::new(ErrorCode::InvalidRequest, message))
        }
        Some(items) if items.is_empty() => {
            Err(Invalid::new(ErrorCode::InvalidRequest, "the batch is empty"))
        }
        Some(items) => {
            Ok(Parsed::Batch(items.into_iter().map(|item| parse_message(item.get())).collect()))
        }
    }
}

fn not_json(error: serde_json::Error) -> Invalid {
    Invalid::new(ErrorCode::ParseError, format!("the body is not valid JSON: {error}"))
}

struct BatchVisitor {
    limit: usize,
}

impl<'de> Visitor<'de> for BatchVisitor {
    /// `None` if there are more than the limit.
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() == self.limit {
                super::params::skip(seq)?;
                return Ok(None);
            }
            items.push(item);
        }
        Ok(Some(items))
    }
}

/// The members of an envelope as they were found.
#[derive(Debug, Default)]
struct Envelope<'a> {
    kind: Kind,
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: ParamsField<'a>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    duplicate: Option<&'static str>,
}

#[derive(Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Object,
    NotAnObject,
}

impl<'a> Envelope<'a> {
    fn judge(self) -> Result<Message<'a>, Invalid> {
        let id = match (self.id, self.duplicate) {
            (Some(raw), duplicate) if duplicate != Some("id") => RequestId::from_raw(raw),
            _ => None,
        };
        self.check().map_err(|(code, message)| Invalid { code, id: id.clone(), message })?;
        let params = match self.params {
            ParamsField::Object(params) => params,
            _ => Params::default(),
        };
        Ok(match (self.method.and_then(string), id, self.result, self.error) {
            (Some(method), Some(id), ..) => Message::Request(Request { id, method, params }),
            (Some(method), None, ..) => Message::Notification(Notification { method, params }),
            (None, Some(id), Some(result), _) => {
                Message::Response(Response { id, outcome: Ok(result) })
            }
            (None, Some(id), None, Some(error)) => {
                Message::Response(Response { id, outcome: Err(error) })
            }
            // `check` let nothing else through; to refuse is right in any case.
            (None, ..) => return Err(Invalid::new(ErrorCode::InvalidRequest, "no message")),
        })
    }

    /// The rules of JSON-RPC 2.0 and of MCP's Base Protocol on top of it.
    fn check(&self) -> Result<(), (ErrorCode, Cow<'static, str>)> {
        let wrong = |message: &'static str| Err((ErrorCode::InvalidRequest, message.into()));
        if self.kind == Kind::NotAnObject {
            return wrong("a message must be a JSON object");
        }
        if let Some(key) = self.duplicate {
            return Err((ErrorCode::InvalidRequest, format!("`{key}` stands twice").into()));
        }
        if self.jsonrpc.is_none_or(|raw| string(raw).as_deref() != Some("2.0")) {
            return wrong("`jsonrpc` must be \"2.0\"");
        }
        match self.id.map(RawValue::get) {
            // 2025-11-25, Base Protocol, Requests: "the ID MUST NOT be `null`".
            Some("null") => return wrong("`id` must not be null"),
            Some(_) if !self.id.is_some_and(RequestId::is_id) => {
                return wrong("`id` must be a string or an integer");
            }
            _ => {}
        }
        match (self.method, self.result, self.error) {
            (Some(raw), None, None) if string(raw).is_none() => wrong("`method` must be a string"),
            (Some(_), None, None) => self.check_params(),
            (Some(_), ..) => wrong("a request has no `result` and no `error`"),
            (None, Some(_), Some(_)) => wrong("a response has a `result` or an `error`, not both"),
            (None, None, None) => wrong("`method` is missing"),
            (None, ..) if self.id.is_none() => wrong("a response must have an `id`"),
            (None, None, Some(error)) if !error.get().starts_with('{') => {
                wrong("`error` must be an object")
            }
            (None, ..) => Ok(()),
        }
    }

    fn check_params(&self) -> Result<(), (ErrorCode, Cow<'static, str>)> {
        match &self.params {
            ParamsField::Absent | ParamsField::Object(_) => Ok(()),
            ParamsField::Invalid(message) => Err((ErrorCode::InvalidParams, (*message).into())),
            ParamsField::Duplicate(key) => {
                let key = super::excerpt(key);
                Err((ErrorCode::InvalidRequest, format!("`{key}` stands twice in params").into()))
            }
        }
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        let mut has_params = false;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let (slot, name) = match &*key {
                "jsonrpc" => (&mut envelope.jsonrpc, "jsonrpc"),
                "id" => (&mut envelope.id, "id"),
                "method" => (&mut envelope.method, "method"),
                "result" => (&mut envelope.result, "result"),
                "error" => (&mut envelope.error, "error"),
                "params" => {
                    envelope.params = map.next_value_seed(ParamsSeed)?;
                    if std::mem::replace(&mut has_params, true) {
                        envelope.duplicate = Some("params");
                    }
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                envelope.duplicate = Some(name);
            }
        }
        Ok(envelope)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        super::params::skip(seq)?;
        self.visit_unit()
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Envelope { kind: Kind::NotAnObject, ..Envelope::default() })
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        self.visit_unit()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        self.visit_unit()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        self.visit_unit()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        self.visit_unit()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
        self.visit_unit()
    }
}

#[cfg(test)]
mod tests;
