//! What the fuzz targets share: a server, one exchange with it, and what must hold of every
//! response whatever was asked.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::Service;
use mcp_http::{Arguments, Context, LogLevel, McpService, ResponseBody, Server, Tool, ToolError};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};

/// A stream may go on for ever: no more of it is looked at.
const FRAMES: usize = 64;

/// A response, or as much of it as was read.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A service and a runtime of one input's own, so that each input means the same in any order.
/// Time is paused: where nothing is left to do, it jumps to the next timer.
pub struct World {
    runtime: Runtime,
    service: McpService,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Trip {
    city: String,
    #[serde(default)]
    days: Vec<u8>,
    #[serde(default)]
    back: Option<Box<Trip>>,
}

impl World {
    #[expect(clippy::new_without_default, reason = "a world is begun, not defaulted")]
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        // What is the same for all inputs is made once: it would be most of each run's work.
        static SERVER: LazyLock<Server> = LazyLock::new(server);
        let service = McpService::builder(SERVER.clone()).build().expect("a valid service");
        Self { runtime: runtime.expect("a runtime"), service }
    }

    /// Sends a request, reads what comes back, and holds it against what must always hold.
    pub fn send(&self, request: Request<Bytes>) -> Answer {
        let answer = self.runtime.block_on(async {
            let response = self.service.call(request.map(Full::new)).await;
            read(response.expect("a service never fails")).await
        });
        check(&answer);
        answer
    }

    /// Opens a legacy session and tells its id.
    pub fn open_session(&self, version: &str) -> String {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{{}},"clientInfo":{{"name":"fuzz","version":"0"}}}}}}"#
        );
        let answer = self.send(post().body(Bytes::from(body)).expect("a valid request"));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let id = answer.headers.get("mcp-session-id").expect("a session's id");
        id.to_str().expect("visible ASCII").to_owned()
    }

    /// Whatever came before, a good request is answered, and nothing is left that runs.
    pub fn assert_serves(&self) {
        let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":"ok?","method":"tools/call","params":{{"name":"echo","_meta":{meta}}}}}"#
        );
        let request = post()
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/call")
            .header("Mcp-Name", "echo");
        let answer = self.send(request.body(Bytes::from(body)).expect("a valid request"));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        assert_eq!(self.service.calls_in_flight(), 0, "a call was left running");
    }
}

/// A POST as every client sends it.
pub fn post() -> http::request::Builder {
    Request::post("/mcp")
        .header("Host", "localhost")
        .header("Accept", "application/json, text/event-stream")
        .header("Content-Type", "application/json")
}

fn server() -> Server {
    let mirrored = serde_json::json!({
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
            "where": {
                "type": "object",
                "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}
            }
        }
    });
    Server::builder("fuzz", "0")
        .tool(Tool::new("echo"), |arguments: Arguments, _: Context| async move {
            Ok::<_, ToolError>(arguments.raw().to_owned())
        })
        .tool(Tool::new("speak"), |_: Arguments, cx: Context| async move {
            for n in 0..3_u8 {
                cx.progress(f64::from(n), Some(3.0), "a\r\n\r\nb");
                cx.log(LogLevel::Error, "c\n\nd");
            }
            Ok::<_, ToolError>("said")
        })
        .tool(
            Tool::new("region").with_input_schema(mirrored),
            |arguments: Arguments, _: Context| async move {
                Ok::<_, ToolError>(arguments.raw().to_owned())
            },
        )
        .typed_tool("trip", "A trip", |trip: Trip, _: Context| async move {
            let back = trip.back.map_or_else(String::new, |back| back.city);
            Ok::<_, ToolError>(format!("{} for {} days, {back}", trip.city, trip.days.len()))
        })
        .build()
        .expect("a valid server")
}

async fn read(response: Response<ResponseBody>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut frames = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.expect("a body never fails");
        bytes.extend_from_slice(&frame.into_data().expect("no trailers"));
        frames += 1;
        if frames == FRAMES {
            break;
        }
    }
    Answer { status: parts.status, headers: parts.headers, body: bytes }
}

/// The statuses that the refusal table and the two eras have. 503 is for capacity; nothing that
/// a client sends is another 5xx.
const STATUSES: [u16; 13] = [200, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 503];

fn check(answer: &Answer) {
    let status = answer.status.as_u16();
    assert!(STATUSES.contains(&status), "{status} is not documented");
    assert_ne!(status, 409, "there is no conflict");
    let media_type = answer.headers.get("content-type").map(|value| value.to_str().expect("ASCII"));
    match media_type {
        None => {
            assert!(answer.body.is_empty(), "a body without a type");
            assert!(matches!(status, 202 | 204), "{status} without a body");
        }
        Some("application/json") => {
            assert!(!matches!(status, 202 | 204), "{status} with a body");
            check_json(std::str::from_utf8(&answer.body).expect("UTF-8"), status);
        }
        Some("text/event-stream") => {
            assert_eq!(status, 200);
            check_events(std::str::from_utf8(&answer.body).expect("UTF-8"));
        }
        Some(other) => panic!("{other} is no type of this server's"),
    }
    // RFC 9110, sections 15.5.6 and 15.5.2.
    assert_eq!(status == 405, answer.headers.contains_key("allow") && status != 204);
    assert!(!answer.headers.contains_key("location"), "never a redirect");
}

/// A JSON-RPC message. Numbers stay raw: an id may be of any length.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    jsonrpc: &'a str,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<Failure<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure<'a> {
    code: i32,
    #[serde(borrow)]
    message: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    #[expect(dead_code, reason = "whatever it is, it is JSON")]
    data: Option<&'a RawValue>,
}

fn check_json(text: &str, status: u16) {
    if text.starts_with('[') {
        assert_eq!(status, 200);
        let messages: Vec<Message<'_>> = serde_json::from_str(text).expect("an array of messages");
        assert!(!messages.is_empty());
        messages.iter().for_each(check_answer);
    } else {
        let message: Message<'_> = serde_json::from_str(text).expect("a message");
        check_answer(&message);
        assert!(status == 200 || message.error.is_some(), "{status} with a result");
    }
}

fn check_answer(message: &Message<'_>) {
    assert_eq!(message.jsonrpc, "2.0");
    assert!(message.method.is_none() && message.params.is_none(), "no answer");
    assert_ne!(message.result.is_some(), message.error.is_some(), "a result or an error");
    if message.result.is_some() {
        assert!(message.id.is_some(), "a result without an id");
    }
    if let Some(id) = message.id {
        let text = id.get();
        let number = text.strip_prefix('-').unwrap_or(text);
        let integer = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        assert!(text.starts_with('"') || integer, "no id: {text}");
    }
    if let Some(error) = &message.error {
        assert!(
            matches!(error.code, -32_700 | -32_603..=-32_600 | -32_022..=-32_020),
            "{}",
            error.code
        );
        assert!(!error.message.is_empty());
    }
}

/// The HTML standard, section 9.2.5: blocks of `id`, `retry` and `data` lines, and comments. What
/// is in a message, or was in the request, ends no line.
fn check_events(text: &str) {
    assert!(!text.contains('\r'), "a line end that is none of ours");
    for block in text.split_terminator("\n\n") {
        let mut data = 0;
        for line in block.split('\n') {
            match line.split_once(':') {
                Some(("", _)) => {}
                Some(("id", id)) => assert!(id.bytes().all(|b| b == b' ' || b.is_ascii_graphic())),
                Some(("retry", millis)) => assert!(millis.trim().parse::<u64>().is_ok()),
                Some(("data", message)) => {
                    data += 1;
                    let message = message.strip_prefix(' ').unwrap_or(message);
                    if !message.is_empty() {
                        let message: Message<'_> =
                            serde_json::from_str(message).expect("a message");
                        assert_eq!(message.jsonrpc, "2.0");
                    }
                }
                _ => panic!("no line of an event: {line:?}"),
            }
        }
        assert!(data <= 1, "a message on {data} lines");
    }
}
