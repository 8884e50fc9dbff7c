//! A row of the tables: the bytes that go over the socket, and what must come back.

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use serde_json::{Value, json};

use crate::support::messages::assert_serves;
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Head, Wire};

/// A request as it goes over the wire, taken apart so that any part of it can be wrong.
#[derive(Clone)]
pub struct Raw {
    method: Vec<u8>,
    target: Vec<u8>,
    version: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Raw {
    /// A request without a body.
    pub fn new(method: &str) -> Self {
        Self {
            method: method.into(),
            target: b"/mcp".into(),
            version: b"HTTP/1.1".into(),
            headers: vec![(b"Host".into(), b"localhost".into())],
            body: None,
        }
    }

    /// A POST of what is said to be JSON.
    pub fn post(body: impl Into<Vec<u8>>) -> Self {
        let raw = Self::new("POST")
            .and("Accept", "application/json, text/event-stream")
            .and("Content-Type", "application/json");
        Self { body: Some(body.into()), ..raw }
    }

    /// A modern request whose headers fit its body. More members of `params` may be given.
    pub fn modern(method: &str, mut params: Value) -> Self {
        let own = params.as_object_mut().expect("an object");
        own.entry("_meta").or_insert_with(meta);
        let name = ["name", "uri"].iter().find_map(|key| params[key].as_str()).map(str::to_owned);
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let raw = Self::post(body.to_string())
            .and("MCP-Protocol-Version", "2026-07-28")
            .and("Mcp-Method", method);
        match name {
            Some(name) => raw.and("Mcp-Name", name),
            None => raw,
        }
    }

    pub fn target(mut self, target: impl Into<Vec<u8>>) -> Self {
        self.target = target.into();
        self
    }

    pub fn version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }

    /// Puts another body in the place of this one.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a line.
    pub fn and(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Puts a line in the place of those of its name.
    pub fn with(self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.without(name).and(name, value)
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name.as_bytes()));
        self
    }

    /// The bytes, with a `Content-Length` unless something is said of the length already.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.method[..], &self.target, &self.version].join(&b' ');
        bytes.extend(b"\r\n");
        for (name, value) in &self.headers {
            bytes.extend([&name[..], b": ", value, b"\r\n"].concat());
        }
        let says = |wanted: &str| {
            self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()))
        };
        if let Some(body) = &self.body
            && !says("Content-Length")
            && !says("Transfer-Encoding")
        {
            bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

impl From<Raw> for Vec<u8> {
    fn from(raw: Raw) -> Self {
        raw.bytes()
    }
}

/// What every modern request says of its client.
pub fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// What must come back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This status and a JSON-RPC error of this code.
    Error(u16, i64),
    /// 200 and a JSON-RPC result, as JSON.
    Result,
    /// 200 and a stream, which is not read.
    Stream,
    /// 200 and an array of answers: the code of an error each, or none for a result.
    Array(Vec<Option<i64>>),
    /// 202 and nothing.
    Accepted,
    /// This status; the body is none of JSON-RPC's.
    Status(u16),
    /// 400, or the connection closed without a word: what hyper cannot read, or what broke off
    /// (RFC 9112, section 8, lets a server choose).
    NoRequest,
    /// The connection closes; what is said before is another protocol's.
    Closed,
}

/// How the client goes on after its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Reads,
    Fin,
}

/// A row.
pub struct Case {
    name: String,
    bytes: Vec<u8>,
    then: Then,
    reply: Reply,
    /// The id as the answer must write it.
    id: Option<String>,
    /// Header lines that the response must have, or (without a value) must not have.
    headers: Vec<(&'static str, Option<&'static str>)>,
    /// A part of the body.
    says: Option<&'static str>,
    closes: bool,
    opens_session: bool,
}

impl Case {
    pub fn new(name: impl Into<String>, request: impl Into<Vec<u8>>, reply: Reply) -> Self {
        Self {
            name: name.into(),
            bytes: request.into(),
            then: Then::Reads,
            reply,
            id: None,
            headers: Vec::new(),
            says: None,
            closes: false,
            opens_session: false,
        }
    }

    /// The client sends a FIN after its bytes.
    pub fn fin(mut self) -> Self {
        self.then = Then::Fin;
        self
    }

    /// The answer echoes this id, to the letter.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, Some(value)));
        self
    }

    pub fn no_header(mut self, name: &'static str) -> Self {
        self.headers.push((name, None));
        self
    }

    /// The body says this.
    pub fn says(mut self, part: &'static str) -> Self {
        self.says = Some(part);
        self
    }

    /// The connection is closed after the response, and there is no second one.
    pub fn closes(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The request opens a session.
    pub fn opens_session(mut self) -> Self {
        self.opens_session = true;
        self
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends the bytes and looks at what comes back.
    pub async fn check(&self, server: &TestServer) -> Result<(), String> {
        let mut wire = server.connect().await;
        wire.write(&self.bytes).await;
        if self.then == Then::Fin {
            wire.fin().await;
        }
        match self.reply {
            Reply::Closed => {
                wire.closed().await;
                Ok(())
            }
            Reply::NoRequest => match wire.head().await {
                Some(head) => self.check_head(&head),
                None => Ok(()),
            },
            Reply::Stream => self.check_head(&wire.head().await.ok_or("closed")?),
            // The response to a HEAD has no body, whatever its headers say.
            _ if self.bytes.starts_with(b"HEAD ") => {
                self.check_head(&wire.head().await.ok_or("closed")?)
            }
            _ => self.check_answer(&mut wire).await,
        }
    }

    async fn check_answer(&self, wire: &mut Wire) -> Result<(), String> {
        let mut answer = wire.answer().await;
        while answer.status() < 200 {
            // An interim response (RFC 9110, section 15.2).
            answer = wire.answer().await;
        }
        self.check_head(&answer.head)?;
        self.check_body(&answer)?;
        if self.closes
            && let Some(second) = wire.head().await
        {
            return Err(format!("there is a second response: {second:?}"));
        }
        Ok(())
    }

    fn check_head(&self, head: &Head) -> Result<(), String> {
        let status = match self.reply {
            Reply::Error(status, _) | Reply::Status(status) => status,
            Reply::Accepted => 202,
            Reply::NoRequest => 400,
            Reply::Result | Reply::Stream | Reply::Array(_) | Reply::Closed => 200,
        };
        let media_type = match self.reply {
            Reply::Stream => Some("text/event-stream"),
            Reply::Error(..) | Reply::Result | Reply::Array(_) => Some("application/json"),
            Reply::Accepted => None,
            _ => head.header("content-type"),
        };
        if (head.status, head.header("content-type")) != (status, media_type) {
            return Err(format!("{head:?}"));
        }
        for (name, value) in &self.headers {
            if head.header(name) != *value {
                return Err(format!("{name} is not {value:?}: {head:?}"));
            }
        }
        Ok(())
    }

    fn check_body(&self, answer: &Answer) -> Result<(), String> {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        // An id may be longer than what a test's parser takes for a number.
        let json = |text: &str| {
            let text = match &self.id {
                Some(id) => text.replacen(id, "0", 1),
                None => text.to_owned(),
            };
            serde_json::from_str::<Value>(&text).ok()
        };
        let fits = match &self.reply {
            Reply::Error(_, code) => json(&text).is_some_and(|it| is_answer(&it, Some(*code))),
            Reply::Result => json(&text).is_some_and(|it| is_answer(&it, None)),
            Reply::Array(codes) => match json(&text) {
                Some(Value::Array(items)) => {
                    items.len() == codes.len()
                        && items.iter().zip(codes).all(|(item, code)| is_answer(item, *code))
                }
                _ => false,
            },
            Reply::Accepted => text.is_empty(),
            _ => true,
        };
        let id_fits = match &self.id {
            Some(id) => text.contains(&format!(r#""id":{id},"#)),
            // Nothing is echoed in an error that could not be found in the request.
            None => {
                !matches!(self.reply, Reply::Error(400 | 403 | 413, -32700))
                    || !text.contains(r#""id""#)
            }
        };
        if fits && id_fits && self.says.is_none_or(|part| text.contains(part)) {
            Ok(())
        } else {
            Err(text.chars().take(600).collect())
        }
    }
}

/// Whether a value is a JSON-RPC answer: an error of this code, or a result.
fn is_answer(value: &Value, code: Option<i64>) -> bool {
    value["jsonrpc"] == "2.0"
        && value["error"]["code"].as_i64() == code
        && value["error"]["message"].as_str().is_some_and(|it| !it.is_empty()) == code.is_some()
        && value.get("result").is_some() == code.is_none()
}

/// Runs the rows one by one. After each, no session is left that it was not to open, and a good
/// request is answered.
pub async fn run(server: &TestServer, cases: &[Case]) {
    let mut failures = String::new();
    for case in cases {
        let sessions = server.service.sessions() + usize::from(case.opens_session);
        let outcome = AssertUnwindSafe(case.check(server)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|panic| Err(words(&*panic)));
        if let Err(fault) = outcome {
            writeln!(failures, "- {}: wanted {:?}, got {fault}", case.name, case.reply).unwrap();
        }
        if server.service.sessions() != sessions {
            writeln!(failures, "- {}: sessions were opened or lost", case.name).unwrap();
        }
        assert_serves(server).await;
    }
    assert!(failures.is_empty(), "{} of {}:\n{failures}", failures.lines().count(), cases.len());
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
