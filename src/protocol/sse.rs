//! Server-sent events as bytes: event ids, events, comments and the `retry` hint.
//!
//! The format is the HTML standard's, "Server-sent events", section 9.2.6, "Interpreting an event
//! stream". Fields are built from numbers and from one line of JSON, so that no text of a peer's
//! or of the application's can end a line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;

/// From this length on a message goes out as a frame of its own rather than copied.
pub(crate) const SHARED_FROM: usize = 16 * 1024;

/// A stream within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamId(u64);

impl StreamId {
    /// The stream that a GET without `Last-Event-ID` opens. A session has one.
    pub(crate) const STANDALONE: StreamId = StreamId(0);

    /// The POST stream with this number, counted from 1.
    pub(crate) fn post(number: u64) -> Self {
        debug_assert!(number > 0, "0 is the standalone stream");
        Self(number)
    }

    /// The stream's number in its session.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// An event's id: the stream, and the place in it. In text `3-17`.
///
/// 2025-11-25, Transports, Resumability and Redelivery: "the ID MUST be globally unique across all
/// streams within that session", and "Event IDs SHOULD encode sufficient information to identify
/// the originating stream".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EventId {
    pub(crate) stream: StreamId,
    pub(crate) seq: u64,
}

/// The text is no event id that this server could have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidEventId;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream.0, self.seq)
    }
}

impl FromStr for EventId {
    type Err = InvalidEventId;

    /// Takes exactly what `Display` writes, so that an id has one text.
    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let (stream, seq) = text.split_once('-').ok_or(InvalidEventId)?;
        Ok(Self { stream: StreamId(number(stream)?), seq: number(seq)? })
    }
}

fn number(digits: &str) -> Result<u64, InvalidEventId> {
    // `u64::from_str` alone would take a plus sign and leading zeros.
    match digits.as_bytes() {
        [b'0'] => Ok(0),
        [b'1'..=b'9', rest @ ..] if rest.len() < 20 => digits.parse().map_err(|_| InvalidEventId),
        _ => Err(InvalidEventId),
    }
}

/// An event to be written.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    id: Option<EventId>,
    retry: Option<Duration>,
    data: Bytes,
}

impl Event {
    /// A JSON-RPC message, encoded.
    pub(crate) fn message(id: Option<EventId>, message: Bytes) -> Self {
        Self { id, retry: None, data: one_line(message) }
    }

    /// The event that makes a stream resumable before its first message: an id, and an explicit
    /// empty `data` line, because parsers drop a block with an id only.
    ///
    /// 2025-11-25, Transports, Sending Messages to the Server, 6: "The server SHOULD immediately
    /// send an SSE event consisting of an event ID and an empty `data` field".
    pub(crate) fn priming(id: EventId, retry: Duration) -> Self {
        Self { id: Some(id), retry: Some(retry), data: Bytes::new() }
    }

    /// The event as the frames of a body. A small message is copied into a single frame with its
    /// id; a large one stays shared between its prefix and its suffix.
    pub(crate) fn into_frames(self) -> Frames {
        if self.data.len() < SHARED_FROM {
            let mut whole = Vec::with_capacity(self.length());
            self.write_to(&mut whole);
            return Frames([Some(whole.into()), None, None]);
        }
        let mut head = Vec::with_capacity(self.length() - self.data.len());
        self.write_head(&mut head);
        Frames([Some(head.into()), Some(self.data), Some(Bytes::from_static(END))])
    }

    /// Adds the event to others.
    pub(crate) fn write_to(&self, bytes: &mut Vec<u8>) {
        self.write_head(bytes);
        bytes.extend_from_slice(&self.data);
        bytes.extend_from_slice(END);
    }

    /// How many bytes it is written as: a buffer that fits is not moved to become a frame.
    pub(crate) fn length(&self) -> usize {
        let id = self.id.map_or(0, |id| "id: -\n".len() + digits(id.stream.0) + digits(id.seq));
        let retry = self.retry.map_or(0, |retry| "retry: \n".len() + digits(millis(retry)));
        id + retry + "data: ".len() + self.data.len() + END.len()
    }

    fn write_head(&self, head: &mut Vec<u8>) {
        if let Some(id) = self.id {
            head.extend_from_slice(b"id: ");
            write_number(id.stream.0, head);
            head.push(b'-');
            write_number(id.seq, head);
            head.push(b'\n');
        }
        if let Some(retry) = self.retry {
            head.extend_from_slice(b"retry: ");
            write_number(millis(retry), head);
            head.push(b'\n');
        }
        head.extend_from_slice(b"data: ");
    }
}

/// The empty line that ends an event.
const END: &[u8] = b"\n\n";

/// A series of events as one piece.
pub(crate) fn in_one_piece(events: &[Event]) -> Bytes {
    let mut bytes = Vec::with_capacity(events.iter().map(Event::length).sum());
    events.iter().for_each(|event| event.write_to(&mut bytes));
    bytes.into()
}

fn millis(retry: Duration) -> u64 {
    u64::try_from(retry.as_millis()).unwrap_or(u64::MAX)
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// Writes a number as `Display` does. Every event has two, mostly of one digit, so they are not
/// formatted through it.
fn write_number(number: u64, bytes: &mut Vec<u8>) {
    if number >= 10 {
        write_number(number / 10, bytes);
    }
    bytes.push(b'0' + (number % 10) as u8);
}

/// The frames of one event, in order: one, or three.
#[derive(Debug)]
pub(crate) struct Frames([Option<Bytes>; 3]);

impl Iterator for Frames {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        self.0.iter_mut().find_map(Option::take)
    }
}

/// A comment: it keeps the connection alive, and clients do not see it.
pub(crate) fn heartbeat() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// Tells the client how long to wait before it reconnects, as a block without data, which parsers
/// take in but do not dispatch: revisions before 2025-11-25 break on empty data.
///
/// 2025-11-25, Transports, Sending Messages to the Server, 6: "it SHOULD send an SSE event with a
/// standard `retry` field before closing the connection".
pub(crate) fn retry_hint(retry: Duration) -> Bytes {
    Bytes::from(format!("retry: {}\n\n", retry.as_millis()))
}

/// A line end would begin a field of its own, so a message loses it here, whoever made it; in JSON a
/// space there means the same.
fn one_line(message: Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &message).is_none() {
        return message;
    }
    crate::protocol::jsonrpc::single_line(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> EventId {
        text.parse().unwrap()
    }

    fn text(event: Event) -> String {
        let bytes: Vec<u8> = event.into_frames().flatten().collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_id_has_exactly_one_text() {
        for text in ["0-0", "3-17", "18446744073709551615-18446744073709551615"] {
            assert_eq!(id(text).to_string(), text);
        }
        assert_eq!(id("3-17"), EventId { stream: StreamId::post(3), seq: 17 });
        assert_eq!(id("0-1").stream, StreamId::STANDALONE);
    }

    #[test]
    fn anything_else_is_no_event_id() {
        let long = "1".repeat(1_000_000);
        for text in [
            "",
            "-",
            "3",
            "3-",
            "-17",
            "+3-17",
            "3-+17",
            "03-17",
            "3-017",
            "00-0",
            " 3-17",
            "3-17 ",
            "3-17\n",
            "3--17",
            "3-1-7",
            "3_17",
            "x-1",
            "1-x",
            "٣-1",
            "18446744073709551616-0",
            "0-18446744073709551616",
            &long,
            &format!("1-{long}"),
        ] {
            let shown = &text[..text.len().min(40)];
            assert_eq!(text.parse::<EventId>(), Err(InvalidEventId), "{shown:?}");
        }
    }

    #[test]
    fn a_message_is_one_block_with_its_id_spliced_in() {
        let message = Bytes::from_static(br#"{"jsonrpc":"2.0"}"#);
        assert_eq!(
            text(Event::message(Some(id("3-17")), message.clone())),
            "id: 3-17\ndata: {\"jsonrpc\":\"2.0\"}\n\n"
        );
        assert_eq!(text(Event::message(None, message)), "data: {\"jsonrpc\":\"2.0\"}\n\n");
    }

    /// FACTS: "RawValue keeps newlines, which SSE must split".
    #[test]
    fn a_result_with_line_ends_between_its_tokens_is_one_line_of_its_event() {
        let result = crate::protocol::jsonrpc::encode_result(&1.into(), 0, |result| {
            result.raw_member("raw", b"[1,\r\n2,\r\n\n3]");
            Ok(())
        });
        let message = r#"{"jsonrpc":"2.0","id":1,"result":{"raw":[1,  2,   3]}}"#;
        let event = Event::message(None, result.unwrap());
        assert_eq!(text(event), format!("data: {message}\n\n"));
    }

    /// 2025-11-25, Transports, Sending Messages to the Server, 6. FACTS: "SSE priming needs an
    /// explicit `data:` line; parsers drop a block with an id only".
    #[test]
    fn a_priming_event_has_an_id_a_retry_and_an_explicit_empty_data_line() {
        let event = Event::priming(id("3-0"), Duration::from_millis(1500));
        assert_eq!(text(event), "id: 3-0\nretry: 1500\ndata: \n\n");
    }

    #[test]
    fn an_event_is_as_long_as_it_says_and_its_numbers_are_those_of_its_id() {
        let message = Bytes::from_static(b"{}");
        for number in [1, 9, 10, 99, 100, 1_000_000, u64::MAX - 1, u64::MAX] {
            let id = EventId { stream: StreamId::post(number), seq: number };
            let retry = Duration::from_millis(number);
            for (event, head) in [
                (Event::message(Some(id), message.clone()), format!("id: {id}\ndata: {{}}")),
                (Event::priming(id, retry), format!("id: {id}\nretry: {number}\ndata: ")),
            ] {
                assert_eq!(event.length(), head.len() + 2);
                assert_eq!(text(event.clone()), format!("{head}\n\n"));
                assert_eq!(in_one_piece(&[event.clone(), event]), format!("{head}\n\n").repeat(2));
            }
        }
    }

    #[test]
    fn comments_and_the_retry_hint_dispatch_nothing() {
        assert_eq!(heartbeat(), ":\n\n");
        assert_eq!(retry_hint(Duration::from_secs(2)), "retry: 2000\n\n");
    }

    #[test]
    fn a_small_message_is_one_frame_and_a_large_one_is_not_copied() {
        let small = Bytes::from(vec![b'x'; SHARED_FROM - 1]);
        assert_eq!(Event::message(Some(id("1-1")), small).into_frames().count(), 1);

        let large = Bytes::from(vec![b'x'; SHARED_FROM]);
        let frames: Vec<_> = Event::message(Some(id("1-1")), large.clone()).into_frames().collect();
        assert_eq!(frames[0], "id: 1-1\ndata: ");
        assert_eq!(frames[1].as_ptr(), large.as_ptr());
        assert_eq!(frames[2], "\n\n");
        assert_eq!(frames.len(), 3);
    }

    /// No bytes of a message may become a field or the end of an event.
    fn injects_nothing(line_end: &str) {
        for filler in [0, SHARED_FROM] {
            let attack = format!(
                "{{{line_end}{line_end}id: 9-9{line_end}data: evil{line_end}{line_end}}}{}",
                " ".repeat(filler)
            );
            let text = text(Event::message(Some(id("1-1")), attack.into()));
            let lines: Vec<_> = text.split(['\n', '\r']).collect();
            assert_eq!(lines.len(), 4, "{line_end:?}");
            assert_eq!(lines[0], "id: 1-1");
            assert!(lines[1].starts_with("data: {"));
            assert_eq!(lines[2..], ["", ""]);
        }
    }

    #[test]
    fn cve_2026_44214_a_line_feed_in_a_message_injects_no_field() {
        injects_nothing("\n");
    }

    #[test]
    fn cve_2026_44217_a_carriage_return_in_a_message_injects_no_field() {
        injects_nothing("\r");
    }

    #[test]
    fn cve_2026_43968_a_crlf_in_a_message_injects_no_field() {
        injects_nothing("\r\n");
    }
}
