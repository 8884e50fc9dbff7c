//! Parsing: one pass over the bytes of a body gives the messages in it.
//!
//! The envelope is borrowed, the parameters stay raw. Whatever is wrong with a message is
//! gathered rather than thrown, so that the refusal can name the request's id.

use std::borrow::Cow;

use super::params::Fault;
use super::scan::{self, Known, Malformed, Scanner, known};
use super::{ErrorCode, Params, Raw, RequestId, strict};

/// What a body may ask of the parser.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParseLimits {
    /// Objects and arrays open at once, 128 at most.
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

#[derive(Clone, Debug)]
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
    pub(crate) outcome: Result<Raw<'a>, Raw<'a>>,
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
    debug_assert!(limits.depth <= scan::DEEPEST, "deeper than the scanner can go");
    let text = simdutf8::basic::from_utf8(body)
        .map_err(|_| Invalid::new(ErrorCode::ParseError, "the body is not UTF-8"))?;
    let mut scanner = Scanner::new(text, limits.depth);
    match scanner.peek() {
        b'[' => match batch(scanner, limits.batch) {
            Ok(Some(items)) if items.is_empty() => {
                Err(Invalid::new(ErrorCode::InvalidRequest, "the batch is empty"))
            }
            Ok(Some(items)) => {
                let messages = items.into_iter().map(|item| message(item.get(), limits.depth));
                Ok(Parsed::Batch(messages.collect()))
            }
            Ok(None) => {
                let message =
                    format!("the batch has more than {} messages: send several", limits.batch);
                Err(Invalid::new(ErrorCode::InvalidRequest, message))
            }
            Err(Malformed) => Err(fault(text, limits.depth)),
        },
        _ => message(text, limits.depth).map(Parsed::Single),
    }
}

fn message(text: &str, depth: usize) -> Result<Message<'_>, Invalid> {
    let mut envelope = Envelope::default();
    match envelope.scan(Scanner::new(text, depth)) {
        Ok(()) => envelope.judge(),
        Err(Malformed) => Err(fault(text, depth)),
    }
}

/// The messages of a batch; `None` if there are more than the limit.
fn batch(mut scanner: Scanner<'_>, limit: usize) -> Result<Option<Vec<Raw<'_>>>, Malformed> {
    let (mut items, mut more) = (Vec::new(), false);
    scanner.array(|scanner| {
        let item = scanner.value()?;
        if items.len() < limit {
            items.push(item);
        } else {
            more = true;
        }
        Ok(())
    })?;
    scanner.end()?;
    Ok((!more).then_some(items))
}

/// What is wrong with a text that the scanner refused.
#[cold]
fn fault(text: &str, depth: usize) -> Invalid {
    let message: Cow<'static, str> = if deeper_than(text.as_bytes(), depth) {
        format!("the body is nested deeper than {depth} levels").into()
    } else if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() {
        "the body is empty".into()
    } else {
        let fault = strict::fault(text);
        debug_assert!(fault.is_some(), "the scanner refused what serde_json takes");
        fault.map_or("the body is not valid JSON".into(), |fault| {
            format!("the body is not valid JSON: {fault}").into()
        })
    };
    Invalid::new(ErrorCode::ParseError, message)
}

/// Whether more than `limit` objects and arrays are open at once, be the rest JSON or not.
fn deeper_than(body: &[u8], limit: usize) -> bool {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = body.get(at) {
        match byte {
            b'"' => match end_of_string(body, at + 1) {
                Some(end) => at = end,
                // No string that ends: that is what is wrong.
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

/// The members of an envelope as they were found.
#[derive(Debug, Default)]
struct Envelope<'a> {
    kind: Kind,
    jsonrpc: Option<Raw<'a>>,
    id: Option<Raw<'a>>,
    method: Option<Raw<'a>>,
    /// What was read of them, be there a fault or not.
    params: Params<'a>,
    params_fault: Option<Fault>,
    has_params: bool,
    result: Option<Raw<'a>>,
    error: Option<Raw<'a>>,
    duplicate: Option<&'static str>,
}

#[derive(Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Object,
    NotAnObject,
}

/// What stands in an envelope.
#[derive(Clone, Copy)]
enum Member {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
}

impl Known for Member {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "jsonrpc" => Self::Jsonrpc,
            "id" => Self::Id,
            "method" => Self::Method,
            "params" => Self::Params,
            "result" => Self::Result,
            "error" => Self::Error,
            _ => return None,
        })
    }

    #[inline(always)]
    fn written(text: &[u8]) -> Option<(Self, usize)> {
        match text.get(1)? {
            b'j' => known(Self::Jsonrpc, b"\"jsonrpc\":", text),
            b'i' => known(Self::Id, b"\"id\":", text),
            b'm' => known(Self::Method, b"\"method\":", text),
            b'p' => known(Self::Params, b"\"params\":", text),
            b'r' => known(Self::Result, b"\"result\":", text),
            b'e' => known(Self::Error, b"\"error\":", text),
            _ => None,
        }
    }
}

impl<'a> Envelope<'a> {
    fn scan(&mut self, mut scanner: Scanner<'a>) -> Result<(), Malformed> {
        if scanner.peek() == b'{' {
            scanner.object(|scanner| self.take(scanner))?;
        } else {
            strict::check(scanner.value()?)?;
            self.kind = Kind::NotAnObject;
        }
        scanner.end()
    }

    #[inline(always)]
    fn take(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Malformed> {
        let (slot, name) = match scanner.known_key()? {
            Ok(Member::Jsonrpc) => (&mut self.jsonrpc, "jsonrpc"),
            Ok(Member::Id) => (&mut self.id, "id"),
            Ok(Member::Method) => (&mut self.method, "method"),
            Ok(Member::Result) => (&mut self.result, "result"),
            Ok(Member::Error) => (&mut self.error, "error"),
            Ok(Member::Params) => {
                if std::mem::replace(&mut self.has_params, true) {
                    self.duplicate = Some("params");
                }
                self.params_fault = self.params.scan(scanner)?;
                return Ok(());
            }
            Err(_) => return scanner.value().map(drop),
        };
        if slot.replace(scanner.value()?).is_some() {
            self.duplicate = Some(name);
        }
        Ok(())
    }

    /// Makes a message of it, once.
    fn judge(&mut self) -> Result<Message<'a>, Invalid> {
        let id = match (self.id, self.duplicate) {
            (Some(raw), duplicate) if duplicate != Some("id") => RequestId::from_raw(raw),
            _ => None,
        };
        let method = self.method.map(Raw::string);
        if let Err((code, message)) = self.check(id.as_ref(), method.as_ref()) {
            return Err(Invalid { code, id, message });
        }
        let params = std::mem::take(&mut self.params);
        Ok(match (method.flatten(), id, self.result, self.error) {
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
    fn check(
        &self,
        id: Option<&RequestId>,
        method: Option<&Option<Cow<'a, str>>>,
    ) -> Result<(), (ErrorCode, Cow<'static, str>)> {
        let wrong = |message: &'static str| Err((ErrorCode::InvalidRequest, message.into()));
        if self.kind == Kind::NotAnObject {
            return wrong("a message must be a JSON object");
        }
        if let Some(key) = self.duplicate {
            return Err((ErrorCode::InvalidRequest, format!("`{key}` stands twice").into()));
        }
        if self.jsonrpc.is_none_or(|raw| !raw.says("2.0")) {
            return wrong("`jsonrpc` must be \"2.0\"");
        }
        match (self.id, id) {
            // 2025-11-25, Base Protocol, Requests: "the ID MUST NOT be `null`".
            (Some(raw), None) if raw.is_null() => return wrong("`id` must not be null"),
            (Some(_), None) => return wrong("`id` must be a string or an integer"),
            _ => {}
        }
        match (method, self.result, self.error) {
            (Some(None), None, None) => wrong("`method` must be a string"),
            (Some(_), None, None) => self.check_params(),
            (Some(_), ..) => wrong("a request has no `result` and no `error`"),
            (None, Some(_), Some(_)) => wrong("a response has a `result` or an `error`, not both"),
            (None, None, None) => wrong("`method` is missing"),
            (None, ..) if self.id.is_none() => wrong("a response must have an `id`"),
            (None, None, Some(error)) if !error.is_object() => wrong("`error` must be an object"),
            (None, ..) => Ok(()),
        }
    }

    fn check_params(&self) -> Result<(), (ErrorCode, Cow<'static, str>)> {
        match &self.params_fault {
            None => Ok(()),
            Some(Fault::NoObject(message)) => Err((ErrorCode::InvalidParams, (*message).into())),
            Some(Fault::Duplicate(key)) => {
                let key = super::excerpt(key);
                Err((ErrorCode::InvalidRequest, format!("`{key}` stands twice in params").into()))
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
