//! What clients of both eras put on the wire.

use std::fmt::Write as _;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// 2025-11-25 with a session, or 2026-07-28 with its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Legacy,
    Modern,
}

impl Era {
    pub const BOTH: [Self; 2] = [Self::Legacy, Self::Modern];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

/// Which framing the client accepts. Adaptive means both, as clients do; the server chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Adaptive,
    Sse,
}

impl Framing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adaptive => "json",
            Self::Sse => "sse",
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::Adaptive => "application/json, text/event-stream",
            Self::Sse => "text/event-stream",
        }
    }
}

/// A `tools/call` that is sent time and again.
#[derive(Clone, Debug)]
pub struct Call {
    pub era: Era,
    pub framing: Framing,
    pub tool: &'static str,
    /// A JSON object.
    pub arguments: String,
}

impl Call {
    /// The cheapest call that there is.
    pub fn small(era: Era, framing: Framing) -> Self {
        Self { era, framing, tool: "test_simple_text", arguments: "{}".to_owned() }
    }

    /// One whose arguments have about so many bytes.
    pub fn with_arguments(era: Era, framing: Framing, bytes: usize) -> Self {
        let arguments = format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes));
        Self { arguments, ..Self::small(era, framing) }
    }

    /// One whose result has a text of so many bytes.
    pub fn with_result(era: Era, framing: Framing, bytes: usize) -> Self {
        let arguments = format!(r#"{{"bytes":{bytes}}}"#);
        Self { tool: "text", arguments, ..Self::small(era, framing) }
    }

    pub fn body(&self) -> String {
        let Self { tool, arguments, .. } = self;
        let meta = match self.era {
            Era::Legacy => String::new(),
            Era::Modern => format!(",{META}"),
        };
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}{meta}}}}}"#
        )
    }

    /// All header fields but `Host` and `Content-Length`.
    pub fn fields(&self, session: Option<&str>) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", self.framing.accept().to_owned()),
        ];
        match self.era {
            Era::Legacy => {
                fields.push(("mcp-protocol-version", LEGACY.to_owned()));
                fields.extend(session.map(|session| ("mcp-session-id", session.to_owned())));
            }
            Era::Modern => {
                fields.push(("mcp-protocol-version", MODERN.to_owned()));
                fields.push(("mcp-method", "tools/call".to_owned()));
                fields.push(("mcp-name", self.tool.to_owned()));
            }
        }
        fields
    }

    /// The request as HTTP/1.1 writes it.
    pub fn request(&self, session: Option<&str>) -> Vec<u8> {
        request("POST /mcp", &self.fields(session), &self.body())
    }
}

pub fn initialize() -> Vec<u8> {
    post(&[], INITIALIZE)
}

pub fn initialized(session: Option<&str>) -> Vec<u8> {
    post(&of_session(session), INITIALIZED)
}

/// The standalone stream of a session.
pub fn get(session: Option<&str>) -> Vec<u8> {
    let mut fields = of_session(session);
    fields.push(("accept", "text/event-stream".to_owned()));
    request("GET /mcp", &fields, "")
}

pub fn delete(session: Option<&str>) -> Vec<u8> {
    request("DELETE /mcp", &of_session(session), "")
}

/// A stream of 2026-07-28 that tells when the tools change.
pub fn listen() -> Vec<u8> {
    let fields = [
        ("mcp-protocol-version", MODERN.to_owned()),
        ("mcp-method", "subscriptions/listen".to_owned()),
    ];
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true}},{META}}}}}"#
    );
    post(&fields, &body)
}

/// What makes the baseline write to all its streams.
pub fn trigger() -> Vec<u8> {
    request("POST /trigger", &[], "{}")
}

fn of_session(session: Option<&str>) -> Vec<(&'static str, String)> {
    let mut fields = vec![("mcp-protocol-version", LEGACY.to_owned())];
    fields.extend(session.map(|session| ("mcp-session-id", session.to_owned())));
    fields
}

fn post(fields: &[(&'static str, String)], body: &str) -> Vec<u8> {
    let mut all = vec![
        ("content-type", "application/json".to_owned()),
        ("accept", Framing::Adaptive.accept().to_owned()),
    ];
    all.extend_from_slice(fields);
    request("POST /mcp", &all, body)
}

fn request(line: &str, fields: &[(&'static str, String)], body: &str) -> Vec<u8> {
    let mut request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in fields {
        let _ = write!(request, "{name}: {value}\r\n");
    }
    if !line.starts_with("GET") {
        let _ = write!(request, "content-length: {}\r\n", body.len());
    }
    request.push_str("\r\n");
    request.push_str(body);
    request.into_bytes()
}
