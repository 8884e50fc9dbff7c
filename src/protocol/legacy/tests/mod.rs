//! Scripts of what goes over the wire, over injected time.

mod asking;
mod asking_model;
mod budget;
mod calls;
mod changes;
mod gaps;
mod leaving;
mod model;
mod sessions;
#[cfg(shuttle)]
mod shuttle_tests;
mod simulation;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use bytes::Bytes;

use super::log::Refused;
use super::registry::Swept;
use super::state::{Cancelled, Closed};
use super::*;
use crate::protocol::cancel::Cancel;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::principal::Principal;
use crate::protocol::sse::EventId;
use crate::protocol::time::Millis;
use crate::protocol::version::ProtocolVersion;

const NOW: Millis = Millis(0);

/// Counts how often it was woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Alarm {
    fn new() -> (Arc<Alarm>, Waker) {
        let alarm = Arc::new(Alarm::default());
        (Arc::clone(&alarm), Waker::from(alarm))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts how often a handler was told to stop.
#[derive(Default)]
struct Handler(AtomicUsize);

impl Cancel for Handler {
    fn cancel(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Handler {
    fn stops(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn opening(version: ProtocolVersion, principal: Principal) -> Opening {
    Opening { version, principal, address: None, client_info: None, client_capabilities: None }
}

fn id(n: u8) -> SessionId {
    SessionId::from_random([n; SessionId::BYTES])
}

/// A registry with one session, of the newest legacy revision and an anonymous principal.
fn with_limits(limits: Limits) -> (Registry, Arc<Session>) {
    let registry = Registry::new(limits, vec![Bytes::from("tools changed")]);
    let opening = opening(ProtocolVersion::V2025_11_25, Principal::anonymous());
    let session = registry.open(id(1), opening).unwrap();
    (registry, session)
}

fn session() -> Arc<Session> {
    with_limits(Limits::default()).1
}

fn session_of(version: ProtocolVersion) -> Arc<Session> {
    let registry = Registry::new(Limits::default(), Vec::new());
    registry.open(id(1), opening(version, Principal::anonymous())).unwrap()
}

fn begin(session: &Arc<Session>, request: u64) -> Ticket {
    begin_with(session, request).0
}

fn begin_with(session: &Arc<Session>, request: u64) -> (Ticket, Arc<Handler>) {
    let handler = Arc::new(Handler::default());
    let cancel = Arc::clone(&handler) as Arc<dyn Cancel>;
    (session.begin_call(RequestId::from(request), cancel).unwrap(), handler)
}

/// A call that is committed to a stream, and the connection of its POST.
fn streaming(session: &Arc<Session>, request: u64) -> (Ticket, Connection) {
    let ticket = begin(session, request);
    let connection = session.open_stream([&ticket], NOW).unwrap();
    (ticket, connection)
}

fn say(ticket: &Ticket, text: &str) {
    assert_eq!(
        ticket.sender().send(Kind::Notification, Bytes::from(text.to_owned())),
        Sent::Logged
    );
}

fn progress(ticket: &Ticket, text: &str) {
    assert_eq!(ticket.sender().send(Kind::Progress, Bytes::from(text.to_owned())), Sent::Logged);
}

fn notify(session: &Session, text: &str) {
    assert_eq!(session.notify(Kind::Notification, Bytes::from(text.to_owned())), Sent::Logged);
}

fn resume(session: &Arc<Session>, cursor: &str) -> Connection {
    resume_at(session, cursor, NOW)
}

fn resume_at(session: &Arc<Session>, cursor: &str, now: Millis) -> Connection {
    match session.resume(cursor.parse::<EventId>().unwrap(), now) {
        Resumed::Attached(connection) => connection,
        other => panic!("no stream at {cursor}: {other:?}"),
    }
}

fn resumes_to_nothing(session: &Arc<Session>, cursor: &str) -> bool {
    matches!(session.resume(cursor.parse().unwrap(), NOW), Resumed::Nothing)
}

/// All that a connection gives until it waits or ends, one line to a step.
fn read(connection: &mut Connection) -> Vec<String> {
    read_with(connection, Waker::noop())
}

fn read_with(connection: &mut Connection, waker: &Waker) -> Vec<String> {
    let mut steps = Vec::new();
    while let Poll::Ready(step) = connection.poll(waker) {
        let last = matches!(step, Step::End | Step::Displaced { .. });
        steps.push(shown(step));
        if last {
            break;
        }
    }
    steps
}

/// The next step alone.
fn read_one(connection: &mut Connection) -> String {
    match connection.poll(Waker::noop()) {
        Poll::Ready(step) => shown(step),
        Poll::Pending => "pending".into(),
    }
}

fn shown(step: Step) -> String {
    match step {
        Step::Prime(id) => format!("prime {id}"),
        Step::Event { id, message, .. } => format!("{id} {}", message_shown(&message)),
        Step::Gap(messages) => {
            let messages: Vec<_> = messages.iter().map(message_shown).collect();
            format!("gap [{}]", messages.join(", "))
        }
        Step::GapUpdate(message) => format!("gap {}", message_shown(&message)),
        Step::Displaced { retry } => format!("displaced {}", retry.as_millis()),
        Step::End => "end".into(),
    }
}

/// An error that the session made, as request and reason; other messages as they are.
fn message_shown(message: &Bytes) -> String {
    let text = String::from_utf8(message.to_vec()).unwrap();
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(value) if value["error"].is_object() => {
            assert_eq!(
                (&value["jsonrpc"], &value["error"]["code"]),
                (&"2.0".into(), &(-32603).into())
            );
            format!("{}: {}", value["id"], value["error"]["data"]["reason"].as_str().unwrap())
        }
        _ => text,
    }
}

/// Sweeps every period from `from` (in seconds, exclusive) to `to`, and adds up what happened.
fn sweep(registry: &Registry, from: u64, to: u64) -> Swept {
    let period = registry.limits().sweep_period.as_secs();
    let mut total = Swept::default();
    for at in (from + 1..=to).filter(|at| at % period == 0) {
        let swept = registry.sweep(Millis(at * 1000));
        total.expired += swept.expired;
        total.retired += swept.retired;
        total.detached += swept.detached;
        total.timed_out += swept.timed_out;
    }
    total
}
