//! Holds whatever a server sends to a test against the schema of its revision.
//!
//! Each connection of a test notes what it sends: the revision and, of requests, their methods by
//! id. What comes back is held against the definitions of that revision. Where the revision cannot
//! be told, as of bytes that are no request, an error is held against the latest one, and nothing
//! else can come. Bodies over HTTP/2, or of services that are called without a socket, do not come
//! by here.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;

use super::schema::{REVISIONS, Schema};

/// What is longer is not looked at: tests of memory send megabytes.
const LIMIT: usize = 64 * 1024;
const LATEST: &str = REVISIONS[3];

/// What one connection is about.
pub struct Tee {
    /// Where ids are told apart: a session, or this connection.
    scope: String,
    revision: Option<&'static str>,
}

/// What the connections of all tests have in common: a stream is resumed on another one.
#[derive(Default)]
struct Known {
    revisions: HashMap<String, &'static str>,
    /// The methods of requests by scope and id.
    asked: HashMap<(String, String), BTreeSet<String>>,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn known<T>(work: impl FnOnce(&mut Known) -> T) -> T {
    work(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

fn revision(version: &str) -> Option<&'static str> {
    REVISIONS.into_iter().find(|revision| *revision == version)
}

impl Tee {
    pub fn new() -> Self {
        static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self { scope: format!("connection {number}"), revision: None }
    }

    /// Notes a request, if the bytes are one.
    pub fn sent(&mut self, bytes: &[u8]) {
        let Some((head, body)) = split(bytes) else { return };
        let header = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(':'));
            let field = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
            field.map(|(_, value)| value.trim())
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let session = header("mcp-session-id");
        let of_session =
            session.and_then(|session| known(|known| known.revisions.get(session).copied()));
        let of_header = header("mcp-protocol-version").and_then(revision);
        let modern = &body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"];
        self.revision = match body["method"].as_str() {
            Some("initialize") => body["params"]["protocolVersion"].as_str().and_then(revision),
            _ if modern == LATEST => Some(LATEST),
            // 2025-11-25, Transports: without a header the server should assume 2025-03-26.
            _ => of_session.or(of_header).or_else(|| session.is_none().then_some("2025-03-26")),
        };
        if let Some(session) = session {
            session.clone_into(&mut self.scope);
        }
        let several = body.as_array().map_or(std::slice::from_ref(&body), |batch| batch);
        for message in several {
            if let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id")) {
                let key = (self.scope.clone(), id.to_string());
                known(|known| known.asked.entry(key).or_default().insert(method.to_owned()));
            }
        }
    }

    /// Holds a body that is JSON against the schema, and learns of a session that it opens.
    ///
    /// # Panics
    ///
    /// If it does not fit.
    pub fn received_json(&mut self, session: Option<&str>, body: &[u8]) {
        let Some(message) = parse(body) else { return };
        if let Some(version) = message["result"]["protocolVersion"].as_str().and_then(revision) {
            // The server's choice, not the client's wish.
            self.revision = Some(version);
            if let Some(session) = session {
                known(|known| known.revisions.insert(session.to_owned(), version));
            }
        }
        match &message {
            Value::Array(batch) => batch.iter().for_each(|message| self.check(message)),
            message => self.check(message),
        }
    }

    /// Holds a message of a stream against the schema.
    ///
    /// # Panics
    ///
    /// If it does not fit.
    pub fn received_event(&mut self, data: &str) {
        if let Some(message) = parse(data.as_bytes()) {
            self.check(&message);
        }
    }

    fn check(&self, message: &Value) {
        let is_error = message.get("error").is_some();
        let latest = is_error.then_some(LATEST);
        let Some(schema) = self.revision.or(latest).and_then(Schema::of) else { return };
        let key = message.get("id").map(|id| (self.scope.clone(), id.to_string()));
        let asked = known(|known| key.and_then(|key| known.asked.get(&key).cloned()));
        let asked: Vec<&str> = asked.iter().flatten().map(String::as_str).collect();
        let faults = schema.faults_of_message(&asked, message);
        assert!(faults.is_empty(), "what the server sent does not fit: {faults:#?}\n{message:#}");
    }
}

/// The head and the body of a request that was written at once.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let bytes = &bytes[..bytes.len().min(LIMIT)];
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let is_request = ["POST ", "GET ", "DELETE "].iter().any(|method| head.starts_with(method));
    is_request.then_some((head, &bytes[end + 4..]))
}

/// A message; none where JSON is not JSON-RPC, as that of a route of the application's own.
fn parse(body: &[u8]) -> Option<Value> {
    let body = Some(body).filter(|body| body.len() <= LIMIT)?;
    let message: Value = serde_json::from_slice(body).ok()?;
    let first = message.get(0).unwrap_or(&message);
    ["jsonrpc", "result", "error", "method"]
        .iter()
        .any(|key| first.get(key).is_some())
        .then_some(message)
}
