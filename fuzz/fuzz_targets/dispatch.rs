//! Any bytes as a body, posted by a client of each era and revision.
//!
//! The first byte of an input says which client: so the seeds can be read, and written by hand.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcp_http_fuzz::{World, post};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    client: Client,
    /// All the bytes that are left.
    body: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Client {
    /// Its headers say what the body says, as far as the body can be read.
    Modern,
    ModernWithStreamsAlone,
    /// Its headers do not depend on the body.
    ModernList,
    Newest,
    Middle,
    Oldest,
    OldestWithStreamsAlone,
    /// It has no session.
    Stranger,
}

impl<'a> Arbitrary<'a> for Client {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match bytes.arbitrary()? {
            b'm' => Self::Modern,
            b'M' => Self::ModernWithStreamsAlone,
            b'l' => Self::ModernList,
            b'1' => Self::Oldest,
            b'!' => Self::OldestWithStreamsAlone,
            b'2' => Self::Middle,
            b'3' => Self::Newest,
            b's' => Self::Stranger,
            _ => return Err(arbitrary::Error::IncorrectFormat),
        })
    }
}

fuzz_target!(|input: Input<'_>| {
    let world = World::new();
    let body = Bytes::copy_from_slice(input.body);
    let modern = || post().header("MCP-Protocol-Version", "2026-07-28");
    let legacy = |version: &str| {
        let id = world.open_session(version);
        (id.clone(), post().header("MCP-Protocol-Version", version).header("Mcp-Session-Id", id))
    };
    let (session, mut request) = match input.client {
        Client::Modern | Client::ModernWithStreamsAlone => (None, mirror(modern(), input.body)),
        Client::ModernList => (None, modern().header("Mcp-Method", "tools/list")),
        Client::Newest => with_session(legacy("2025-11-25")),
        Client::Middle => with_session(legacy("2025-06-18")),
        Client::Oldest | Client::OldestWithStreamsAlone => with_session(legacy("2025-03-26")),
        Client::Stranger => (None, post()),
    };
    if let Client::ModernWithStreamsAlone | Client::OldestWithStreamsAlone = input.client {
        let headers = request.headers_mut().expect("a valid request");
        headers.insert("accept", http::HeaderValue::from_static("text/event-stream"));
    }
    let answer = world.send(request.body(body).expect("a valid request"));
    assert_ne!(answer.status, 503, "one client is too many");
    if answer.status == 202 {
        assert!(answer.body.is_empty());
    }
    if let Some(id) = session {
        let ping = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let request = post().header("Mcp-Session-Id", id).body(ping).expect("a valid request");
        assert_eq!(world.send(request).status, 200, "the session has ended");
    }
    world.assert_serves();
});

type Sent = (Option<String>, http::request::Builder);

fn with_session((id, request): (String, http::request::Builder)) -> Sent {
    (Some(id), request)
}

/// Adds the headers that a client would send with this body.
fn mirror(mut request: http::request::Builder, body: &[u8]) -> http::request::Builder {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else { return request };
    let mut add = |name: &str, value: &serde_json::Value| {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(_) | serde_json::Value::Bool(_) => value.to_string(),
            _ => return,
        };
        if let (Ok(value), Some(headers)) =
            (http::HeaderValue::from_bytes(text.as_bytes()), request.headers_mut())
        {
            let name = http::HeaderName::try_from(name).expect("a header's name");
            headers.append(name, value);
        }
    };
    let (params, arguments) = (&body["params"], &body["params"]["arguments"]);
    add("mcp-method", &body["method"]);
    add("mcp-name", params.get("name").unwrap_or(&params["uri"]));
    add("mcp-param-region", &arguments["region"]);
    add("mcp-param-count", &arguments["count"]);
    add("mcp-param-dry-run", &arguments["dry"]);
    add("mcp-param-zone", &arguments["where"]["zone"]);
    request
}
