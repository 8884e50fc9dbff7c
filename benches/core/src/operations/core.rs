//! The pure core: reading and writing messages, the log of a stream, the registry.

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::wire::{Era, call, call_headers};
use super::{Operation, operation};
use crate::protocol::classify::classify;
use crate::protocol::jsonrpc::{ParseLimits, RequestId, encode_result, parse};
use crate::protocol::known_headers::KnownHeaders;
use crate::protocol::legacy::{
    Connection, Kind, Limits, Opening, Registry, Resumed, Session, SessionId, Step,
};
use crate::protocol::principal::Principal;
use crate::protocol::sse::{Event, EventId};
use crate::protocol::time::Millis;
use crate::protocol::version::ProtocolVersion;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation("parse, 0.1 KiB", 5_000, || parsing("{}".into())),
        operation("parse, 64 KiB in one string", 200, || parsing(string(64 * 1024))),
        operation("parse, 1 MiB in one string", 20, || parsing(string(1024 * 1024))),
        operation("parse, 64 KiB in 8,000 numbers", 50, || parsing(numbers(8_000))),
        operation("parse and classify, legacy", 5_000, || classifying(Era::Legacy)),
        operation("parse, classify and check the headers, modern", 5_000, || {
            classifying(Era::Modern)
        }),
        operation("encode a result, 0.1 KiB", 5_000, || encoding(64)),
        operation("encode a result, 64 KiB", 200, || encoding(64 * 1024)),
        operation("write an event", 5_000, event),
        operation("append to a stream that is read", 2_000, || append(2)),
        operation("append to a log of 100", 2_000, || append(100)),
        operation("replay 100 events", 200, replay),
        operation("find a session @100", 5_000, || find(100)),
        operation("find a session @10000", 5_000, || find(10_000)),
    ]
}

fn string(length: usize) -> String {
    format!(r#"{{"data":"{}"}}"#, "x".repeat(length))
}

fn numbers(count: usize) -> String {
    format!(r#"{{"data":[{}]}}"#, vec!["1234567"; count].join(","))
}

fn parsing(arguments: String) -> Box<dyn FnMut()> {
    let body = call(Era::Legacy, "test_simple_text", &arguments);
    Box::new(move || assert!(parse(black_box(&body), ParseLimits::default()).is_ok()))
}

fn classifying(era: Era) -> Box<dyn FnMut()> {
    let body = call(era, "test_simple_text", "{}");
    let headers: HeaderMap = call_headers(era, "test_simple_text", "x")
        .into_iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("ASCII"))
        })
        .collect();
    Box::new(move || {
        let parsed = parse(black_box(&body), ParseLimits::default()).expect("well formed");
        let known = KnownHeaders::of(black_box(&headers));
        assert!(classify(&known, &parsed).is_ok());
    })
}

fn encoding(length: usize) -> Box<dyn FnMut()> {
    let (id, text) = (RequestId::from(1), "x".repeat(length));
    Box::new(move || {
        let message = encode_result(&id, length, |object| object.member("text", black_box(&text)));
        assert!(message.is_ok_and(|message| message.len() > length));
    })
}

fn event() -> Box<dyn FnMut()> {
    let message = Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/x"}"#);
    let id = EventId { stream: crate::protocol::sse::StreamId::post(1), seq: 7 };
    Box::new(move || {
        let frames = Event::message(Some(id), black_box(message.clone())).into_frames();
        black_box(frames);
    })
}

pub(super) fn registry(sessions: u64) -> (Registry, Vec<SessionId>) {
    let limits = Limits { sessions: 20_000, ..Limits::default() };
    let registry = Registry::new(limits, Vec::new());
    let ids: Vec<_> = (0..sessions).map(session_id).collect();
    for id in &ids {
        registry.open(*id, opening()).expect("there is room");
    }
    (registry, ids)
}

/// Spread over the registry as random ones are.
fn session_id(number: u64) -> SessionId {
    let mut bytes = [0; SessionId::BYTES];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    SessionId::from_random(bytes)
}

fn opening() -> Opening {
    Opening {
        version: ProtocolVersion::V2025_11_25,
        principal: Principal::anonymous(),
        address: None,
        client_info: None,
        client_capabilities: None,
    }
}

fn listening() -> (Arc<Session>, Connection) {
    let (registry, ids) = registry(1);
    let session = match registry.find(&ids[0], &Principal::anonymous()) {
        crate::protocol::legacy::Lookup::Live(session) => session,
        other => panic!("{other:?}"),
    };
    let connection = session.open_standalone(Millis(0)).expect("it lives");
    (session, connection)
}

/// Reads what there is, and returns how many messages that were.
fn read(connection: &mut Connection) -> usize {
    let mut events = 0;
    while let Poll::Ready(step) = connection.poll(Waker::noop()) {
        match step {
            Step::Event { .. } => events += 1,
            Step::Prime(_) => {}
            other => panic!("{other:?}"),
        }
    }
    events
}

fn message() -> Bytes {
    Bytes::from_static(br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
}

/// Appends, and reads each message, with so many in the log.
fn append(kept: usize) -> Box<dyn FnMut()> {
    let (session, mut connection) = listening();
    for _ in 0..kept {
        session.notify(Kind::Notification, message());
    }
    read(&mut connection);
    Box::new(move || {
        session.notify(Kind::Notification, black_box(message()));
        assert_eq!(read(&mut connection), 1);
    })
}

fn replay() -> Box<dyn FnMut()> {
    let (session, mut connection) = listening();
    for _ in 0..101 {
        session.notify(Kind::Notification, message());
    }
    let mut first = None;
    while let Poll::Ready(step) = connection.poll(Waker::noop()) {
        if let Step::Event { id, .. } = step {
            first = first.or(Some(id));
        }
    }
    let first = first.expect("there are events");
    Box::new(move || {
        let Resumed::Attached(mut connection) = session.resume(black_box(first), Millis(0)) else {
            panic!("it can be resumed");
        };
        assert_eq!(read(&mut connection), 100);
    })
}

fn find(sessions: u64) -> Box<dyn FnMut()> {
    let (registry, ids) = registry(sessions);
    let mut turns = ids.into_iter().cycle();
    Box::new(move || {
        let id = turns.next().expect("there are sessions");
        black_box(registry.find(&id, &Principal::anonymous()));
    })
}
