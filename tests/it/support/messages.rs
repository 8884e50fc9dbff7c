//! Requests as text: what a client of each revision puts on the wire.

use serde_json::{Value, json};

use super::server::TestServer;
use super::wire::{Answer, Wire};

/// A POST with these headers beyond the usual ones, and this body.
pub fn post(headers: &[(&str, &str)], body: &str) -> String {
    let accept = [("Accept", "application/json, text/event-stream")];
    let content_type = [("Content-Type", "application/json")];
    let given = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let mut request = String::from("POST /mcp HTTP/1.1\r\n");
    for (name, value) in [("Host", "localhost")].iter().chain(&accept).chain(&content_type) {
        if !given(name) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    request
}

/// A GET or DELETE with these headers.
pub fn bare(method: &str, headers: &[(&str, &str)]) -> String {
    let mut request = format!("{method} /mcp HTTP/1.1\r\nHost: localhost\r\n");
    if method == "GET" {
        request.push_str("Accept: text/event-stream\r\n");
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request + "\r\n"
}

/// A request's body.
pub fn request(id: impl Into<Value>, method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}).to_string()
}

/// A notification's body.
pub fn notification(method: &str, params: Value) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

/// The body of an `initialize`.
pub fn initialize(version: &str) -> String {
    initialize_with(version, json!({}))
}

/// The body of an `initialize` of a client with these capabilities.
pub fn initialize_with(version: &str, capabilities: Value) -> String {
    let client = json!({"name": "test", "version": "0"});
    request(
        0,
        "initialize",
        json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": client}),
    )
}

/// A client's answer to a request of the server's.
pub fn answer(id: &Value, result: Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
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
    token: Value,
) -> String {
    let params = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}});
    request(id, "tools/call", params)
}

/// A legacy client's session.
pub struct Session {
    pub id: String,
    pub version: String,
}

impl Session {
    /// Opens one: `initialize`, then `notifications/initialized`.
    pub async fn open(server: &TestServer, version: &str) -> Self {
        Self::open_with(server, version, json!({})).await
    }

    /// Opens one for a client with these capabilities.
    pub async fn open_with(server: &TestServer, version: &str, capabilities: Value) -> Self {
        let mut wire = server.connect().await;
        let answer = wire.send(&post(&[], &initialize_with(version, capabilities))).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let id = answer.header("mcp-session-id").expect("a session id").to_owned();
        let session = Self { id, version: version.to_owned() };
        let initialized = notification("notifications/initialized", json!({}));
        let answer = wire.send(&session.post(&initialized)).await;
        assert_eq!(answer.status(), 202, "{}", answer.text());
        session
    }

    /// The headers of every later request.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        vec![("Mcp-Session-Id", &self.id), ("MCP-Protocol-Version", &self.version)]
    }

    /// A POST in the session.
    pub fn post(&self, body: &str) -> String {
        post(&self.headers(), body)
    }

    /// A GET in the session, resuming if there is an id.
    pub fn get(&self, last_event_id: Option<&str>) -> String {
        let mut headers = self.headers();
        headers.extend(last_event_id.map(|id| ("Last-Event-ID", id)));
        bare("GET", &headers)
    }

    /// A DELETE of the session.
    pub fn delete(&self) -> String {
        bare("DELETE", &self.headers())
    }

    /// Posts on a connection of its own and reads the answer whole.
    pub async fn send(&self, server: &TestServer, body: &str) -> Answer {
        server.connect().await.send(&self.post(body)).await
    }

    /// Ends the session.
    pub async fn end(&self, server: &TestServer) -> Answer {
        server.connect().await.send(&self.delete()).await
    }
}

/// A modern request, its `_meta` and headers made to fit: `Mcp-Method`, and `Mcp-Name` where the
/// method has one. More headers may follow; one of the same name takes the place of its own.
pub fn modern(
    id: impl Into<Value>,
    method: &str,
    mut params: Value,
    more: &[(&str, &str)],
) -> String {
    let meta = params.as_object_mut().expect("an object").entry("_meta").or_insert(json!({}));
    for (key, value) in [
        ("protocolVersion", json!("2026-07-28")),
        ("clientCapabilities", json!({})),
        ("clientInfo", json!({"name": "test", "version": "0"})),
    ] {
        let key = format!("io.modelcontextprotocol/{key}");
        meta.as_object_mut().expect("an object").entry(key).or_insert(value);
    }
    let name = match method {
        "tools/call" | "prompts/get" => params["name"].as_str(),
        "resources/read" => params["uri"].as_str(),
        "tasks/get" | "tasks/update" | "tasks/cancel" => params["taskId"].as_str(),
        _ => None,
    }
    .map(str::to_owned);
    let mut headers = vec![("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)];
    headers.extend(name.as_deref().map(|name| ("Mcp-Name", name)));
    headers.retain(|(own, _)| !more.iter().any(|(name, _)| name.eq_ignore_ascii_case(own)));
    headers.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    post(&headers, &request(id, method, params))
}

/// A modern `tools/call`.
pub fn modern_call(id: impl Into<Value>, tool: &str, arguments: Value) -> String {
    modern(id, "tools/call", json!({"name": tool, "arguments": arguments}), &[])
}

/// A modern `subscriptions/listen` with this filter.
pub fn listen(id: impl Into<Value>, filter: Value) -> String {
    modern(id, "subscriptions/listen", json!({"notifications": filter}), &[])
}

/// Shows that the server still serves: a good modern request on a new connection is answered.
pub async fn assert_serves(server: &TestServer) {
    let answer = server.connect().await.send(&modern_call("ok?", "echo", json!({"x": 1}))).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.json()["result"]["content"][0]["text"], r#"{"x":1}"#);
}

/// Reads the head of a stream and checks that it is one.
pub async fn stream_head(wire: &mut Wire) -> super::wire::Head {
    let head = wire.head().await.expect("a response");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    head
}
