//! Encoding: each message is written once, into the bytes that log, wire and replay share. But for
//! raw JSON of the application's that has line ends: an event makes one line of a copy.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;

use super::{RequestId, RpcError, text};

/// Writes the members of a JSON object straight into a buffer.
///
/// A result is written by two parties, the era (its `resultType`, its `_meta`) and the
/// application (all else); both write into the same object without a value between them.
pub(crate) struct ObjectWriter<'a> {
    buffer: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object in `buffer`.
    pub(crate) fn begin(buffer: &'a mut Vec<u8>) -> Self {
        buffer.push(b'{');
        Self { buffer, empty: true }
    }

    /// Adds a member. `key` must need no escaping, and must not have been added before.
    pub(crate) fn member<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.key(key);
        serde_json::to_writer(&mut *self.buffer, value)
    }

    /// Adds a member that is text.
    pub(crate) fn string(&mut self, key: &'static str, text: &str) {
        self.key(key);
        text::write(self.buffer, text);
    }

    /// How long such a member is, or at least likely to be.
    pub(crate) fn string_len(key: &'static str, text: &str) -> usize {
        key.len() + b"\"\":".len() + text::likely_len(text)
    }

    /// Adds a member that is bytes, as Base64.
    pub(crate) fn base64(&mut self, key: &'static str, bytes: &[u8]) {
        self.key(key);
        self.buffer.push(b'"');
        let from = self.buffer.len();
        self.buffer.resize(from + encoded_len(bytes), 0);
        let written = STANDARD.encode_slice(bytes, &mut self.buffer[from..]);
        debug_assert_eq!(written, Ok(encoded_len(bytes)));
        self.buffer.push(b'"');
    }

    /// How long such a member is.
    pub(crate) fn base64_len(key: &'static str, bytes: &[u8]) -> usize {
        key.len() + b"\"\":\"\"".len() + encoded_len(bytes)
    }

    /// Adds a member that is an object, whose members `write` adds.
    pub(crate) fn object(
        &mut self,
        key: &'static str,
        write: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
    ) -> Result<(), serde_json::Error> {
        self.key(key);
        let mut object = ObjectWriter::begin(self.buffer);
        write(&mut object)?;
        object.end();
        Ok(())
    }

    /// Adds a member that is an array of objects, whose members `write` adds for each item.
    pub(crate) fn objects<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(T, &mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
    ) -> Result<(), serde_json::Error> {
        self.key(key);
        self.buffer.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.buffer.push(b',');
            }
            let mut object = ObjectWriter::begin(self.buffer);
            write(item, &mut object)?;
            object.end();
        }
        self.buffer.push(b']');
        Ok(())
    }

    /// Adds the members that a value has as JSON, which is an object of at least one.
    pub(crate) fn members_of<T: Serialize>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        let json = serde_json::to_vec(value)?;
        debug_assert!(json.starts_with(b"{\"") && json.ends_with(b"}"), "an object with members");
        self.raw_members(&json[1..json.len() - 1]);
        Ok(())
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw_member(&mut self, key: &'static str, json: &[u8]) {
        self.key(key);
        self.buffer.extend_from_slice(json);
    }

    /// Adds an array whose elements are JSON already, with commas between them.
    pub(crate) fn raw_array(&mut self, key: &'static str, elements: &[u8]) {
        self.key(key);
        self.buffer.push(b'[');
        self.buffer.extend_from_slice(elements);
        self.buffer.push(b']');
    }

    /// Adds members that are JSON already: `"a":1,"b":2`, without the braces, and not empty.
    pub(crate) fn raw_members(&mut self, json: &[u8]) {
        self.separate();
        self.buffer.extend_from_slice(json);
    }

    /// Ends the object.
    pub(crate) fn end(self) {
        self.buffer.push(b'}');
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.buffer.push(b',');
        }
    }

    fn key(&mut self, key: &'static str) {
        debug_assert!(key.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\'), "{key:?}");
        self.separate();
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(key.as_bytes());
        self.buffer.extend_from_slice(b"\":");
    }
}

/// The length of bytes as Base64, with padding.
fn encoded_len(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

/// How long the members of a result are, where nothing is known of it.
pub(crate) const SOME_MEMBERS: usize = 200;

/// Encodes an answer with a result, whose members `write` adds. They take about `members` bytes: a
/// good guess saves a copy, and a bad one costs one.
///
/// Where a value of the application's has line ends between its tokens, so has the answer: what goes
/// into an event loses them there, and JSON may have them.
///
/// # Errors
///
/// What `write` fails with: a value of the application's that JSON cannot hold.
pub(crate) fn encode_result(
    id: &RequestId,
    members: usize,
    write: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
) -> Result<Bytes, serde_json::Error> {
    const HEAD: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":";
    const RESULT: &[u8] = b",\"result\":";
    let id = id.as_bytes();
    let envelope = HEAD.len() + id.len() + RESULT.len() + b"{}}".len();
    let mut buffer = Vec::with_capacity(envelope + members);
    buffer.extend_from_slice(HEAD);
    buffer.extend_from_slice(id);
    buffer.extend_from_slice(RESULT);
    let mut object = ObjectWriter::begin(&mut buffer);
    write(&mut object)?;
    object.end();
    buffer.push(b'}');
    Ok(of_its_length(buffer))
}

/// Encodes an answer with an error. Without an id the member is left out, as the schema has it
/// for errors of requests whose id could not be read.
pub(crate) fn encode_error(id: Option<&RequestId>, error: &RpcError) -> Bytes {
    let mut buffer = Vec::with_capacity(128);
    let mut object = ObjectWriter::begin(&mut buffer);
    object.raw_member("jsonrpc", b"\"2.0\"");
    if let Some(id) = id {
        object.raw_member("id", id.as_bytes());
    }
    object.member("error", error).expect("an RpcError holds only what JSON can");
    object.end();
    single_line(buffer)
}

/// Encodes a request to the client, whose params are JSON already.
pub(crate) fn encode_request(id: u64, method: &'static str, params: &[u8]) -> Bytes {
    let mut buffer = Vec::with_capacity(64 + method.len() + params.len());
    let mut object = ObjectWriter::begin(&mut buffer);
    object.raw_member("jsonrpc", b"\"2.0\"");
    object.member("id", &id).expect("a number is JSON");
    object.member("method", method).expect("a string is JSON");
    object.raw_member("params", params);
    object.end();
    single_line(buffer)
}

/// Encodes a notification, whose params `write` adds.
///
/// # Errors
///
/// What `write` fails with.
pub(crate) fn encode_notification(
    method: &'static str,
    write: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
) -> Result<Bytes, serde_json::Error> {
    let mut buffer = Vec::with_capacity(128);
    buffer.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":\"");
    buffer.extend_from_slice(method.as_bytes());
    buffer.extend_from_slice(b"\",\"params\":");
    let mut params = ObjectWriter::begin(&mut buffer);
    write(&mut params)?;
    params.end();
    buffer.push(b'}');
    Ok(single_line(buffer))
}

/// What the buffer could have held beyond the message goes: it grows by doubling, a message may be
/// kept for long, and what is kept is counted by its length.
fn of_its_length(json: Vec<u8>) -> Bytes {
    Bytes::from(json.into_boxed_slice())
}

/// Makes valid JSON one line, for SSE: a line end in JSON can only stand between tokens, since
/// strings must escape it, so a space in its place means the same.
pub(crate) fn single_line(mut json: Vec<u8>) -> Bytes {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', &json[from..]) {
        json[from + at] = b' ';
        from += at + 1;
    }
    of_its_length(json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;
    use crate::protocol::jsonrpc::ErrorCode;

    #[test]
    fn a_result_is_one_object_with_the_members_in_order() {
        let bytes = encode_result(&RequestId::from(7), SOME_MEMBERS, |object| {
            object.raw_member("resultType", b"\"complete\"");
            object.raw_array("list", b"1,2");
            object.raw_array("none", b"");
            object.member("text", "a\nb")?;
            object.objects("objects", [1, 2], |number, object| object.member("n", &number))?;
            object.objects("no objects", [], |(), _| Ok(()))?;
            object.object("object", |object| {
                object.string("text", "c\nd");
                object.members_of(&json!({"n": 3}))
            })
        });
        assert_eq!(
            bytes.unwrap(),
            r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","list":[1,2],"none":[],"text":"a\nb","objects":[{"n":1},{"n":2}],"no objects":[],"object":{"text":"c\nd","n":3}}}"#
        );
    }

    #[test]
    fn an_empty_result_is_an_empty_object() {
        let bytes = encode_result(&RequestId::from(1), 0, |_| Ok(())).unwrap();
        assert_eq!(bytes, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    }

    #[test]
    fn a_request_has_its_params_on_the_same_line() {
        assert_eq!(
            encode_request(3, "roots/list", b"{\n\"a\":1}"),
            r#"{"jsonrpc":"2.0","id":3,"method":"roots/list","params":{ "a":1}}"#
        );
    }

    #[test]
    fn an_error_without_an_id_has_no_such_member() {
        let error = RpcError::new(ErrorCode::ParseError, "no JSON").with_data(json!({"at": 1}));
        assert_eq!(
            encode_error(None, &error),
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no JSON","data":{"at":1}}}"#
        );
        assert_eq!(
            encode_error(Some(&RequestId::from(2)), &RpcError::internal("x")),
            r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32603,"message":"x"}}"#
        );
    }

    /// FACTS: "RawValue keeps newlines, which SSE must split; a bare \r is a line end in SSE".
    #[test]
    fn raw_values_with_line_ends_become_one_line_and_mean_the_same() {
        let raw = RawValue::from_string("{\n\"a\":\r\n[1,\r2, \"x\\ny\"]}".to_owned()).unwrap();
        let bytes = encode_notification("n", |params| params.member("v", &raw)).unwrap();
        assert!(!bytes.contains(&b'\n') && !bytes.contains(&b'\r'));
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(value["params"]["v"], json!({"a": [1, 2, "x\ny"]}));
        // Where they begin the text, and side by side.
        assert_eq!(single_line(b"\n\r\n[\n]\r".to_vec()), "   [ ] ");
    }

    /// Logs and queues count messages by their length.
    #[test]
    fn a_message_takes_no_more_memory_than_it_is_long() {
        for length in [0, 100, 4_096, 5_000] {
            let text = "x".repeat(length);
            let bytes = encode_notification("n", |params| params.member("v", &text)).unwrap();
            let held = bytes.len();
            let buffer = bytes.try_into_mut().map(|buffer| buffer.capacity());
            assert_eq!(buffer.unwrap(), held, "a text of {length}");
        }
    }

    #[test]
    fn what_json_cannot_hold_is_an_error_and_no_message() {
        let map = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(encode_result(&RequestId::from(1), 0, |object| object.member("m", &map)).is_err());
    }
}
