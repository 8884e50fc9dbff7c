//! A client of bytes: it writes exactly what a test says and reads exactly what comes.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tee::Tee;

/// No wait of a test is longer: what does not come by then does not come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a server.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    tee: Tee,
}

/// The head of a response.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    pub headers: Vec<(String, String)>,
}

/// A response read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub head: Head,
    pub body: Vec<u8>,
}

/// One event of a stream, or a comment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    pub id: Option<String>,
    pub retry: Option<u64>,
    pub data: Option<String>,
    pub comment: bool,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
    }
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.status
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The code of the JSON-RPC error in the body.
    pub fn code(&self) -> Option<i64> {
        serde_json::from_slice::<Value>(&self.body).ok()?["error"]["code"].as_i64()
    }

    /// The events of a body that is a stream.
    pub fn events(&self) -> Vec<Event> {
        assert_eq!(self.header("content-type"), Some("text/event-stream"), "{}", self.text());
        let mut text = self.text();
        let mut events = Vec::new();
        while let Some((block, rest)) = text.split_once("\n\n") {
            events.push(Event::parse(block));
            text = rest;
        }
        assert_eq!(text, "", "an event that does not end");
        events
    }

    /// The messages of a body, whichever way it is framed.
    pub fn messages(&self) -> Vec<Value> {
        if self.header("content-type") == Some("text/event-stream") {
            return self.events().iter().filter_map(Event::message).collect();
        }
        vec![self.json()]
    }
}

impl Event {
    fn parse(block: &str) -> Self {
        let mut event = Self::default();
        for line in block.split('\n') {
            assert!(!line.contains('\r'), "a stray CR in {block:?}");
            match line.split_once(':') {
                Some(("", _)) => event.comment = true,
                Some(("id", value)) => event.id = Some(value.trim_start().to_owned()),
                Some(("retry", value)) => event.retry = value.trim_start().parse().ok(),
                Some(("data", value)) => {
                    assert!(event.data.is_none(), "a message must be on one line: {block:?}");
                    event.data = Some(value.strip_prefix(' ').unwrap_or(value).to_owned());
                }
                _ => panic!("no line of an event: {line:?}"),
            }
        }
        event
    }

    /// The message in the event; none in a comment or a priming event.
    pub fn message(&self) -> Option<Value> {
        let data = self.data.as_deref().filter(|data| !data.is_empty())?;
        Some(serde_json::from_str(data).expect("data is JSON"))
    }
}

async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited for {what}"))
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = patiently("a connection", TcpStream::connect(addr)).await.expect("connects");
        stream.set_nodelay(true).expect("a TCP socket");
        Self { stream, buffer: Vec::new(), tee: Tee::new() }
    }

    pub async fn write(&mut self, bytes: &[u8]) {
        self.tee.sent(bytes);
        // What the server does not want to read any more is not a test's trouble.
        let _ = patiently("a write", self.stream.write_all(bytes)).await;
    }

    /// Sends a request and reads its response whole.
    pub async fn send(&mut self, request: &str) -> Answer {
        self.write(request.as_bytes()).await;
        self.answer().await
    }

    /// Reads a response whole.
    pub async fn answer(&mut self) -> Answer {
        let head = self.head().await.expect("a response");
        let body = self.body(&head).await;
        let answer = Answer { head, body };
        match answer.header("content-type") {
            Some("application/json") => {
                self.tee.received_json(answer.header("mcp-session-id"), &answer.body);
            }
            Some("text/event-stream") => {
                let data = answer.events().into_iter().filter_map(|event| event.data);
                data.for_each(|data| self.tee.received_event(&data));
            }
            _ => {}
        }
        answer
    }

    /// Reads the head of a response; `None` if the server closes instead.
    pub async fn head(&mut self) -> Option<Head> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            if !self.more().await {
                assert!(self.buffer.is_empty(), "half a head: {:?}", self.buffer);
                return None;
            }
        };
        let text = String::from_utf8(self.buffer.drain(..end + 4).collect()).expect("ASCII");
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let headers = lines
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        Some(Head { status: status.parse().expect("a status"), headers })
    }

    async fn body(&mut self, head: &Head) -> Vec<u8> {
        if let Some(length) = head.header("content-length") {
            let length = length.parse().expect("a length");
            while self.buffer.len() < length {
                assert!(self.more().await, "the body broke off");
            }
            return self.buffer.drain(..length).collect();
        }
        let mut body = Vec::new();
        if head.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().await {
                body.extend(chunk);
            }
        } else if ![204, 304].contains(&head.status) && head.header("connection") == Some("close") {
            while self.more().await {}
            body = std::mem::take(&mut self.buffer);
        }
        body
    }

    /// Reads the next chunk of a chunked body; `None` at its end, or if the connection breaks.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.take_until(b"\r\n").await?;
        let size = std::str::from_utf8(&line).expect("ASCII").trim_end();
        let size = usize::from_str_radix(size, 16).expect("a chunk's size");
        while self.buffer.len() < size + 2 {
            if !self.more().await {
                return None;
            }
        }
        let chunk: Vec<u8> = self.buffer.drain(..size + 2).take(size).collect();
        (size > 0).then_some(chunk)
    }

    /// Reads the next event or comment of a chunked stream whose head has been read; `None` at
    /// its end. Events are written in one chunk each, or large ones in several.
    pub async fn event(&mut self, held: &mut Vec<u8>) -> Option<Event> {
        loop {
            if let Some(at) = find(held, b"\n\n") {
                let block: Vec<u8> = held.drain(..at + 2).take(at).collect();
                let event = Event::parse(std::str::from_utf8(&block).expect("UTF-8"));
                if let Some(data) = &event.data {
                    self.tee.received_event(data);
                }
                return Some(event);
            }
            held.extend(self.chunk().await?);
        }
    }

    /// So many bytes.
    pub async fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(self.more().await, "the connection ended early");
        }
        self.buffer.drain(..length).collect()
    }

    async fn take_until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.buffer, mark) {
                return Some(self.buffer.drain(..at + mark.len()).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// Reads some more; `false` at the end or on an error.
    async fn more(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match patiently("bytes", self.stream.read(&mut piece)).await {
            Ok(count) if count > 0 => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
            _ => false,
        }
    }

    /// Waits until the server closes the connection.
    pub async fn closed(&mut self) {
        while self.more().await {}
    }

    /// Reads what comes until the server closes the connection, as it comes.
    pub async fn remainder(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Sends a FIN and keeps reading.
    pub async fn fin(&mut self) {
        self.stream.shutdown().await.expect("a connection");
    }

    /// Resets the connection: the server's next read or write fails.
    pub fn reset(self) {
        #[expect(deprecated, reason = "a linger of zero blocks nobody")]
        self.stream.set_linger(Some(Duration::ZERO)).expect("a TCP socket");
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
