//! What clients of each revision put on the wire, and what they make of the answers.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::wire::{Head, Wire, WireError};

/// A dated version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revision {
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

impl Revision {
    /// Those with sessions, oldest first.
    pub const LEGACY: [Self; 3] = [Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25];
    pub const MODERN: Self = Self::V2026_07_28;

    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Whether streams begin with an event that has an id and no data.
    pub fn has_priming(self) -> bool {
        self == Self::V2025_11_25
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a server is reached: directly or through something in front of it.
#[derive(Clone, Debug)]
pub struct Target {
    pub addr: SocketAddr,
    /// What `Host` says.
    pub host: Arc<str>,
}

impl Target {
    /// A server at an address, called by it.
    pub fn new(addr: SocketAddr) -> Self {
        Self { addr, host: addr.to_string().into() }
    }

    pub async fn connect(&self) -> Result<Wire, WireError> {
        Wire::connect(self.addr).await
    }

    /// A POST to the endpoint as bytes, with these headers beyond the usual ones.
    pub fn post(&self, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut request = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nAccept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n",
            self.host,
            body.len()
        );
        push_headers(&mut request, headers);
        request.push_str(body);
        request.into_bytes()
    }

    /// A GET or DELETE of the endpoint as bytes.
    pub fn bare(&self, method: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut request = format!(
            "{method} /mcp HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n",
            self.host
        );
        push_headers(&mut request, headers);
        request.into_bytes()
    }

    /// An `initialize` as bytes.
    pub fn initialize(&self, revision: Revision) -> Vec<u8> {
        self.initialize_with(revision, &json!({}))
    }

    /// An `initialize` of a client with these capabilities, as bytes.
    pub fn initialize_with(&self, revision: Revision, capabilities: &Value) -> Vec<u8> {
        let params = json!({
            "protocolVersion": revision.as_str(),
            "capabilities": capabilities,
            "clientInfo": {"name": "load", "version": "0"},
        });
        self.post(&[], &request(1, "initialize", params))
    }

    /// A modern request as bytes: its `_meta` and its headers made to fit. `meta` may hold more
    /// members for `_meta`: `progressToken`, `io.modelcontextprotocol/logLevel`.
    pub fn modern(
        &self,
        id: impl Into<Value>,
        method: &str,
        mut params: Value,
        meta: Value,
    ) -> Vec<u8> {
        let mut members = json!({
            "io.modelcontextprotocol/protocolVersion": Revision::MODERN.as_str(),
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "0"},
        });
        if let (Some(members), Value::Object(meta)) = (members.as_object_mut(), meta) {
            members.extend(meta);
        }
        params["_meta"] = members;
        let name = params["name"].as_str().map(str::to_owned);
        let mut headers =
            vec![("MCP-Protocol-Version", Revision::MODERN.as_str()), ("Mcp-Method", method)];
        headers.extend(name.as_deref().map(|name| ("Mcp-Name", name)));
        self.post(&headers, &request(id, method, params))
    }

    /// A modern `tools/call` as bytes.
    pub fn modern_call(&self, id: impl Into<Value>, tool: &str, arguments: Value) -> Vec<u8> {
        let params = json!({"name": tool, "arguments": arguments});
        self.modern(id, "tools/call", params, json!({}))
    }
}

fn push_headers(request: &mut String, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        request.push_str(name);
        request.push_str(": ");
        request.push_str(value);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
}

/// A request's body.
pub fn request(id: impl Into<Value>, method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}).to_string()
}

/// The body of an answer to a request of the server's.
pub fn answer(id: &Value, result: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

/// A notification's body.
pub fn notification(method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

/// The body of a `tools/call`.
pub fn call(id: impl Into<Value>, tool: &str, arguments: Value) -> String {
    request(id, "tools/call", json!({"name": tool, "arguments": arguments}))
}

/// The body of a `tools/call` that asks for progress.
pub fn call_with_progress(
    id: impl Into<Value>,
    tool: &str,
    arguments: Value,
    token: impl Into<Value>,
) -> String {
    let meta = json!({"progressToken": token.into()});
    request(id, "tools/call", json!({"name": tool, "arguments": arguments, "_meta": meta}))
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub head: Head,
    /// Requests and notifications of the server that came before the answer, in their order.
    pub messages: Vec<Value>,
    /// The answer, or the body of a refusal.
    pub answer: Option<Value>,
    /// The id of the last event that had one.
    pub last_event_id: Option<String>,
}

impl Answer {
    /// Sends a request and reads its response to the end.
    pub async fn to(wire: &mut Wire, request: &[u8]) -> Result<Self> {
        let head = wire.send(request).await?;
        Self::read(wire, head).await
    }

    /// Reads a response whose head has been read.
    pub async fn read(wire: &mut Wire, head: Head) -> Result<Self> {
        let mut answer = Self { head, messages: Vec::new(), answer: None, last_event_id: None };
        if !answer.head.is_stream() {
            let body = wire.rest().await?;
            if !body.is_empty() {
                let body = serde_json::from_slice(&body);
                answer.answer = Some(body.context("a body that is no JSON")?);
            }
            return Ok(answer);
        }
        while let Some(event) = wire.event().await? {
            let Some(message) = event.message()? else {
                answer.last_event_id = event.id.or(answer.last_event_id);
                continue;
            };
            answer.last_event_id = event.id.or(answer.last_event_id);
            if message.get("method").is_some() {
                answer.messages.push(message);
            } else if answer.answer.replace(message).is_some() {
                bail!("a second answer on one stream");
            }
        }
        Ok(answer)
    }

    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The text that the tool answered with.
    ///
    /// # Errors
    ///
    /// If this is no answer of a tool.
    pub fn text(&self) -> Result<&str> {
        let result = self.answer.as_ref().and_then(|answer| answer.get("result"));
        let text = result.and_then(|result| result["content"][0]["text"].as_str());
        text.with_context(|| format!("no answer of a tool: {self:?}"))
    }
}

/// A session of a legacy client. It has no connection of its own: its requests are bytes for any.
#[derive(Clone, Debug)]
pub struct Session {
    pub target: Target,
    pub id: Arc<str>,
    pub revision: Revision,
}

impl Session {
    /// Opens a session: `initialize`, then `notifications/initialized`.
    pub async fn open(target: &Target, wire: &mut Wire, revision: Revision) -> Result<Self> {
        Self::open_with(target, wire, revision, &json!({})).await
    }

    /// The same for a client with these capabilities.
    pub async fn open_with(
        target: &Target,
        wire: &mut Wire,
        revision: Revision,
        capabilities: &Value,
    ) -> Result<Self> {
        let session = Self::begin_with(target, wire, revision, capabilities).await?;
        session.tell(wire, "notifications/initialized", json!({})).await?;
        Ok(session)
    }

    /// Opens a session by `initialize` alone.
    pub async fn begin(target: &Target, wire: &mut Wire, revision: Revision) -> Result<Self> {
        Self::begin_with(target, wire, revision, &json!({})).await
    }

    async fn begin_with(
        target: &Target,
        wire: &mut Wire,
        revision: Revision,
        capabilities: &Value,
    ) -> Result<Self> {
        let initialize = target.initialize_with(revision, capabilities);
        let answer = Answer::to(wire, &initialize).await?;
        ensure!(answer.status() == 200, "initialize: {answer:?}");
        let id = answer.head.header("mcp-session-id").context("no session id")?;
        Ok(Self { target: target.clone(), id: id.into(), revision })
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        vec![("Mcp-Session-Id", &self.id), ("MCP-Protocol-Version", self.revision.as_str())]
    }

    /// A POST in the session as bytes.
    pub fn post(&self, body: &str) -> Vec<u8> {
        self.target.post(&self.headers(), body)
    }

    /// A GET of the standalone stream as bytes.
    pub fn get(&self) -> Vec<u8> {
        self.target.bare("GET", &self.headers())
    }

    /// A GET that resumes after an event, as bytes.
    pub fn resume(&self, last_event_id: &str) -> Vec<u8> {
        let mut headers = self.headers();
        headers.push(("Last-Event-ID", last_event_id));
        self.target.bare("GET", &headers)
    }

    /// A DELETE as bytes.
    pub fn delete(&self) -> Vec<u8> {
        self.target.bare("DELETE", &self.headers())
    }

    /// Calls a tool and reads the response to its end.
    pub async fn call(
        &self,
        wire: &mut Wire,
        id: impl Into<Value>,
        tool: &str,
        arguments: Value,
    ) -> Result<Answer> {
        Answer::to(wire, &self.post(&call(id, tool, arguments))).await
    }

    /// Sends a notification.
    pub async fn tell(&self, wire: &mut Wire, method: &str, params: Value) -> Result<()> {
        let answer = Answer::to(wire, &self.post(&notification(method, params))).await?;
        ensure!(answer.status() == 202, "{method}: {answer:?}");
        Ok(())
    }

    /// Asks for log messages of this level and above.
    pub async fn set_level(&self, wire: &mut Wire, level: &str) -> Result<()> {
        let body = request("level", "logging/setLevel", json!({"level": level}));
        let answer = Answer::to(wire, &self.post(&body)).await?;
        ensure!(answer.status() == 200, "logging/setLevel: {answer:?}");
        Ok(())
    }

    /// Opens the standalone stream on a connection, whose [`Wire::event`] then gives what comes.
    pub async fn listen(&self, wire: &mut Wire) -> Result<Head> {
        let head = wire.send(&self.get()).await?;
        ensure!(head.status == 200 && head.is_stream(), "GET: {head:?}");
        Ok(head)
    }

    /// Ends the session.
    pub async fn end(&self, wire: &mut Wire) -> Result<()> {
        let answer = Answer::to(wire, &self.delete()).await?;
        ensure!(answer.status() == 204, "DELETE: {answer:?}");
        Ok(())
    }
}
