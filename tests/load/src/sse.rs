//! Server-sent events as they come: an incremental parser (HTML, section 9.2.6).

use anyhow::{Context as _, Result};
use bytes::BytesMut;
use serde_json::Value;

/// One block of a stream that has a field. A block of comments alone is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub id: Option<String>,
    pub retry: Option<u64>,
    pub name: Option<String>,
    /// The lines of `data`, joined. Empty in a priming event.
    pub data: String,
}

impl Event {
    /// The JSON-RPC message, or none if this event carries only an id or a hint.
    pub fn message(&self) -> Result<Option<Value>> {
        if self.data.is_empty() {
            return Ok(None);
        }
        let message = serde_json::from_str(&self.data);
        message.with_context(|| format!("an event with {:?}", self.data)).map(Some)
    }
}

/// Takes bytes in pieces of any size and gives whole events.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: BytesMut,
    /// Up to where the buffer holds no end of a line.
    searched: usize,
    block: Event,
    fields: usize,
    /// How many comment lines there were.
    pub comments: u64,
}

impl Parser {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event, if it is there whole.
    pub fn event(&mut self) -> Option<Event> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                if std::mem::take(&mut self.fields) > 0 {
                    return Some(std::mem::take(&mut self.block));
                }
            } else if line.starts_with(':') {
                self.comments += 1;
            } else {
                self.field(&line);
            }
        }
        None
    }

    /// Whether a piece of an event is held that has not come whole.
    pub fn is_partial(&self) -> bool {
        self.fields > 0 || !self.buffer.is_empty()
    }

    fn line(&mut self) -> Option<String> {
        let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + at + 1);
        self.searched = 0;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(String::from_utf8_lossy(line).into_owned())
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        self.fields += 1;
        match name {
            "id" => self.block.id = Some(value.to_owned()),
            "event" => self.block.name = Some(value.to_owned()),
            "retry" => self.block.retry = value.parse().ok(),
            "data" => {
                if !self.block.data.is_empty() {
                    self.block.data.push('\n');
                }
                self.block.data.push_str(value);
            }
            _ => self.fields -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str =
        ": hello\n\nid: 0-0\nretry: 100\ndata:\n\nid: 0-1\ndata: {\"n\":\ndata: 1}\n\n";

    fn parse_in_pieces_of(size: usize) -> (Vec<Event>, Parser) {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        for piece in STREAM.as_bytes().chunks(size) {
            parser.push(piece);
            events.extend(std::iter::from_fn(|| parser.event()));
        }
        (events, parser)
    }

    #[test]
    fn events_come_whole_whatever_pieces_they_arrive_in() {
        for size in 1..=STREAM.len() {
            let (events, parser) = parse_in_pieces_of(size);
            assert_eq!(events.len(), 2, "in pieces of {size}");
            assert_eq!((events[0].id.as_deref(), events[0].retry), (Some("0-0"), Some(100)));
            assert_eq!(events[0].message().unwrap(), None);
            assert_eq!(events[1].message().unwrap(), Some(serde_json::json!({"n": 1})));
            assert_eq!((parser.comments, parser.is_partial()), (1, false));
        }
    }
}
