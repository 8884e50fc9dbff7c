//! The legacy era over real sockets: 2025-03-26, 2025-06-18 and 2025-11-25, rule by rule.
//!
//! Nothing waits for a clock: tests wait for the tools' probe, for bytes, or for the end of a
//! stream.

mod asking;
mod batches;
mod cancellation;
mod changes;
mod completion;
mod concurrency;
mod disconnect;
mod expiry;
mod framing;
mod get_policy;
mod initialize;
mod lifetime;
mod listen;
mod logging;
mod messages;
mod principals;
mod prompts;
mod resources;
mod resume;
mod sessions;
mod stateless;
mod streams;
mod subscriptions;
mod tools;
mod version_header;

use serde_json::{Value, json};

use crate::support::messages::{Session, call_with_progress, request, stream_head};
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Event, Head, Wire};

/// The revisions of the era, oldest first.
const VERSIONS: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// The newest of them, for rules that do not differ by revision.
const LATEST: &str = VERSIONS[2];

/// A response that is a stream, read event by event.
struct Stream {
    wire: Wire,
    held: Vec<u8>,
    head: Head,
}

/// What a stream carried up to its end: event ids and messages.
type Rest = Vec<(Option<String>, Value)>;

impl Stream {
    /// Sends a request on a connection of its own and reads the head of the stream.
    async fn open(server: &TestServer, request: &str) -> Self {
        let mut wire = server.connect().await;
        wire.write(request.as_bytes()).await;
        let head = stream_head(&mut wire).await;
        Self { wire, held: Vec::new(), head }
    }

    /// A call of `wait` that reports this many steps, whose stream has begun.
    async fn waiting(server: &TestServer, session: &Session, id: u64, steps: u64) -> Self {
        let arguments = json!({ "progress": steps });
        let call = call_with_progress(id, "wait", arguments, json!(format!("t{id}")));
        Self::open(server, &session.post(&call)).await
    }

    /// The next event or comment; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        self.wire.event(&mut self.held).await
    }

    /// The next event that is no comment; `None` at the end.
    async fn event(&mut self) -> Option<Event> {
        loop {
            let event = self.next().await?;
            if !event.comment {
                return Some(event);
            }
        }
    }

    /// The next message, with the id of its event.
    async fn message(&mut self) -> (Option<String>, Value) {
        loop {
            let event = self.event().await.expect("a message before the end of the stream");
            if let Some(message) = event.message() {
                return (event.id, message);
            }
        }
    }

    /// The next message, which must have this gist; the id of its event.
    async fn expect(&mut self, expected: &str) -> String {
        let (id, message) = self.message().await;
        assert_eq!(gist(&message), expected);
        id.expect("messages of a session's streams have ids")
    }

    /// All that is left, up to the end.
    async fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }

    /// The messages that are left, up to the end.
    async fn rest(&mut self) -> Rest {
        let with_message = |event: Event| event.message().map(|message| (event.id, message));
        self.events().await.into_iter().filter_map(with_message).collect()
    }

    /// The gists of the messages that are left, up to the end.
    async fn gists(&mut self) -> Vec<String> {
        self.rest().await.iter().map(|(_, message)| gist(message)).collect()
    }

    /// Shows that the stream ended as HTTP has it, and not with its connection: a request on the
    /// same connection is answered.
    async fn assert_ended_cleanly(&mut self, session: &Session) {
        let answer = self.wire.send(&session.post(&request("next", "ping", json!({})))).await;
        assert_eq!(gist(&answer.json()), "next={}");
    }

    /// Breaks the connection.
    async fn cut(mut self, cut: Cut) {
        match cut {
            Cut::Fin => {
                self.wire.fin().await;
                self.wire.closed().await;
            }
            Cut::Rst => self.wire.reset(),
        }
    }
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Fin,
    Rst,
}

const CUTS: [Cut; 2] = [Cut::Fin, Cut::Rst];

/// A message in a few characters: `token:progress`, `level=data` of a log message, `id=text` of a
/// result, `id!code` of an error.
fn gist(message: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let params = &message["params"];
    match message["method"].as_str() {
        Some("notifications/progress") => {
            format!("{}:{}", text(&params["progressToken"]), params["progress"])
        }
        Some("notifications/message") => {
            format!("{}={}", text(&params["level"]), text(&params["data"]))
        }
        Some(method) => method.to_owned(),
        None if message.get("error").is_some() => {
            format!("{}!{}", text(&message["id"]), message["error"]["code"])
        }
        None => {
            let result = &message["result"];
            let content = &result["content"][0]["text"];
            let shown = if content.is_null() { result } else { content };
            format!("{}={}", text(&message["id"]), text(shown))
        }
    }
}

fn gists(answer: &Answer) -> Vec<String> {
    answer.messages().iter().map(gist).collect()
}

/// Asserts that an answer is one JSON message, framed by its length, and gives its gist.
#[track_caller]
fn json_gist(answer: &Answer) -> String {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    assert_eq!(answer.header("transfer-encoding"), None);
    gist(&answer.json())
}

/// Asserts that an answer is 202 with no body.
#[track_caller]
fn assert_accepted(answer: &Answer) {
    assert_eq!((answer.status(), answer.text()), (202, ""));
    assert_eq!(answer.header("content-type"), None);
}
