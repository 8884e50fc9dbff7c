//! What the server pages say of resources, prompts, completion and lists, in all revisions at once:
//! their rules are the same in both eras, but for what a test says.

use serde_json::Value;

use crate::support::messages::{Session, modern, request};
use crate::support::server::TestServer;

mod pagination;
mod resources;

/// The revisions, oldest first.
const REVISIONS: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", MODERN];

const MODERN: &str = "2026-07-28";

/// A client of one revision.
struct Client<'a> {
    server: &'a TestServer,
    revision: &'static str,
    /// None in the modern era.
    session: Option<Session>,
    headers: Vec<(&'static str, &'static str)>,
}

impl<'a> Client<'a> {
    async fn of(server: &'a TestServer, revision: &'static str) -> Self {
        let session = match revision {
            MODERN => None,
            version => Some(Session::open(server, version).await),
        };
        Self { server, revision, session, headers: Vec::new() }
    }

    /// The same with a header on each of its requests. Sessions belong to those who opened them, so
    /// this is for callers of the modern era.
    fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        assert!(self.session.is_none(), "a session is its principal's");
        self.headers.push((name, value));
        self
    }

    /// The message that answers a request.
    async fn ask(&self, method: &str, params: Value) -> Value {
        let request = match &self.session {
            Some(session) => session.post(&request(1, method, params)),
            None => modern(1, method, params, &self.headers),
        };
        let answer = self.server.connect().await.send(&request).await;
        let message = answer.messages().pop().expect("an answer");
        assert_eq!(message["id"], 1, "{}, {method}: {message}", self.revision);
        message
    }

    /// The result, which there must be.
    async fn result(&self, method: &str, params: Value) -> Value {
        let mut message = self.ask(method, params).await;
        assert!(message["result"].is_object(), "{}, {method}: {message}", self.revision);
        message["result"].take()
    }

    /// The error, which there must be.
    async fn error(&self, method: &str, params: Value) -> Value {
        let mut message = self.ask(method, params).await;
        assert!(message["error"].is_object(), "{}, {method}: {message}", self.revision);
        message["error"].take()
    }

    /// What the server declares that it can.
    async fn capabilities(&self) -> Value {
        let mut result = match &self.session {
            None => self.result("server/discover", serde_json::json!({})).await,
            Some(_) => {
                let body = crate::support::messages::initialize(self.revision);
                let request = crate::support::messages::post(&[], &body);
                self.server.connect().await.send(&request).await.json()["result"].take()
            }
        };
        result["capabilities"].take()
    }
}
