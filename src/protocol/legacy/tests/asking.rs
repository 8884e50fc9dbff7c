//! Requests to the client: on the call's own stream, answered once, given up in time.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::value::RawValue;

use super::*;
use crate::protocol::jsonrpc::Response;
use crate::protocol::legacy::requests::{Asker, Heard, Reply, Unsent};

/// Sessions here are those of clients that have said that they are initialized.
fn with_limits(limits: Limits) -> (Registry, Arc<Session>) {
    let (registry, session) = super::with_limits(limits);
    session.set_initialized();
    (registry, session)
}

fn session() -> Arc<Session> {
    with_limits(Limits::default()).1
}

/// Notes what it hears.
#[derive(Default)]
pub(super) struct Ear(Mutex<Vec<String>>);

impl Asker for Ear {
    fn hear(&self, reply: Reply<'_>) {
        self.0.lock().unwrap().push(match reply {
            Reply::Result(result) => result.get().to_owned(),
            Reply::Error(error) => format!("error {}", error.get()),
            Reply::TimedOut => "timed out".into(),
            Reply::Unsent(why) => format!("{why:?}"),
        });
    }
}

impl Ear {
    pub(super) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Opens a request, but does not say it.
fn open(ticket: &Ticket) -> (Arc<Ear>, u64) {
    let ear = Arc::new(Ear::default());
    let id = ticket.ask(Arc::clone(&ear) as Arc<dyn Asker>).unwrap();
    (ear, id)
}

/// Asks; the request is told apart by its id alone.
pub(super) fn ask(ticket: &Ticket) -> (Arc<Ear>, u64) {
    let (ear, id) = open(ticket);
    ticket.sender().send_request(id, format!("ask {id}").into());
    (ear, id)
}

fn answer_as(session: &Session, id: &str, result: &str) -> Heard {
    let (id, result): (&RawValue, &RawValue) =
        (serde_json::from_str(id).unwrap(), serde_json::from_str(result).unwrap());
    let id = RequestId::from_raw(id).unwrap();
    session.take_answer(&Response { id, outcome: Ok(result.into()) })
}

pub(super) fn answer(session: &Session, id: u64, result: &str) -> Heard {
    answer_as(session, &id.to_string(), result)
}

/// Which request a message takes back, if it is a `notifications/cancelled`.
pub(super) fn cancels(message: &[u8]) -> Option<u64> {
    let message: serde_json::Value = serde_json::from_slice(message).ok()?;
    assert!(message["params"]["reason"].is_string() || message["method"].is_null(), "{message}");
    (message["method"] == "notifications/cancelled")
        .then(|| message["params"]["requestId"].as_u64())?
}

/// Whether a step gives such a message.
fn retracted(step: &str, id: u64) -> bool {
    step.split_once(' ').and_then(|(_, message)| cancels(message.as_bytes())) == Some(id)
}

/// 2025-11-25, Transports, Sending Messages to the Server, 6: requests come on the stream of the
/// request that they relate to, before its response.
#[test]
fn a_request_goes_to_the_stream_of_its_own_call_and_nowhere_else() {
    let session = session();
    let mut get = session.open_standalone(NOW).unwrap();
    let (one, mut first) = streaming(&session, 1);
    let (_two, mut second) = streaming(&session, 2);
    say(&one, "before");
    let (ear, id) = ask(&one);
    assert_eq!(answer(&session, id, "\"yes\""), Heard::Yes);
    assert_eq!(ear.heard(), ["\"yes\""]);
    one.answer("done".into());
    assert_eq!(read(&mut first), ["prime 1-0", "1-1 before", "1-2 ask 1", "1-3 done", "end"]);
    assert_eq!(read(&mut second), ["prime 2-0"]);
    assert_eq!(read(&mut get), ["prime 0-1"]);
}

/// 2025-11-25, Base Protocol, Requests: "The request ID MUST NOT have been previously used by the
/// requestor within the same session".
#[test]
fn ids_never_repeat_in_a_session() {
    let session = session();
    let (one, _post) = streaming(&session, 1);
    let (two, _other) = streaming(&session, 1);
    assert_eq!([&one, &two, &one].map(|call| ask(call).1), [1, 2, 3]);
    answer(&session, 3, "1");
    one.answer("done".into());
    assert_eq!(ask(&two).1, 4);
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Lifecycle, Initialization: "The server SHOULD NOT send
/// requests other than pings and logging before receiving the `initialized` notification."
#[test]
fn a_client_that_did_not_say_that_it_is_initialized_is_asked_nothing() {
    let (_registry, session) = super::with_limits(Limits::default());
    let (call, mut post) = streaming(&session, 1);
    let refused = call.ask(Arc::new(Ear::default()) as Arc<dyn Asker>);
    assert_eq!(refused.unwrap_err(), Unsent::Uninitialized);
    assert_eq!(read(&mut post), ["prime 1-0"]);
    session.set_initialized();
    let (ear, id) = ask(&call);
    assert_eq!((id, read(&mut post)), (1, vec!["1-1 ask 1".to_owned()]));
    assert_eq!(answer(&session, id, "1"), Heard::Yes);
    assert_eq!(ear.heard(), ["1"]);
}

#[test]
fn an_answer_counts_once_and_only_to_a_request_that_is_open() {
    let session = session();
    let (call, _post) = streaming(&session, 1);
    let (ear, id) = ask(&call);
    // The client's strings and other numbers are no ids of ours.
    for foreign in ["2", "0", "-1", "\"1\"", "10000000000000000000000"] {
        assert_eq!(answer_as(&session, foreign, "0"), Heard::Unexpected, "{foreign}");
    }
    assert_eq!(answer(&session, id, "\"first\""), Heard::Yes);
    assert_eq!(answer(&session, id, "\"second\""), Heard::Unexpected);
    assert_eq!(ear.heard(), ["\"first\""]);
}

#[test]
fn an_error_is_an_answer_too() {
    let session = session();
    let (call, _post) = streaming(&session, 1);
    let (ear, id) = ask(&call);
    let error: &RawValue = serde_json::from_str("{\"code\":-1}").unwrap();
    let refusal = Response { id: RequestId::from(id), outcome: Err(error.into()) };
    assert_eq!(session.take_answer(&refusal), Heard::Yes);
    assert_eq!(ear.heard(), ["error {\"code\":-1}"]);
}

/// CVE-2026-25536: answers leaked across clients.
#[test]
fn an_answer_reaches_the_requests_of_its_own_session_alone() {
    let registry = Registry::new(Limits::default(), Vec::new());
    let [one, two] = [1, 2].map(|n| {
        let opening = opening(ProtocolVersion::V2025_11_25, Principal::anonymous());
        let session = registry.open(id(n), opening).unwrap();
        session.set_initialized();
        session
    });
    let (call, _post) = streaming(&one, 1);
    let (ear, request) = ask(&call);
    assert_eq!(answer(&two, request, "1"), Heard::Unexpected);
    assert!(ear.heard().is_empty());
    assert_eq!(answer(&one, request, "2"), Heard::Yes);
}

/// DESIGN, decision 14: "a client that disconnects in between and resumes still gets its question,
/// and its answer counts, once each".
#[test]
fn a_client_that_was_away_is_given_the_request_once() {
    let session = session();
    let (call, mut post) = streaming(&session, 1);
    assert_eq!(read(&mut post), ["prime 1-0"]);
    drop(post);
    let (ear, id) = ask(&call);
    let mut back = resume(&session, "1-0");
    assert_eq!(read(&mut back), ["1-1 ask 1"]);
    // It was cut off before it saw that: there it is again, to a client that says so.
    drop(back);
    let mut again = resume(&session, "1-0");
    assert_eq!(read(&mut again), ["1-1 ask 1"]);
    drop(again);
    let mut last = resume(&session, "1-1");
    assert_eq!(read_one(&mut last), "pending");
    assert_eq!(answer(&session, id, "1"), Heard::Yes);
    call.answer("done".into());
    assert_eq!(read(&mut last), ["1-2 done", "end"]);
    assert_eq!(ear.heard(), ["1"]);
}

fn in_seconds(seconds: u64) -> Limits {
    Limits { input_timeout: Duration::from_secs(seconds), ..Limits::default() }
}

/// 2025-11-25, Lifecycle, Timeouts: "the sender SHOULD issue a cancellation notification for that
/// request and stop waiting for a response".
#[test]
fn without_an_answer_in_time_the_asker_and_the_client_are_told() {
    let (registry, session) = with_limits(in_seconds(60));
    let (call, mut post) = streaming(&session, 1);
    let (ear, id) = ask(&call);
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 ask 1"]);
    let (alarm, waker) = Alarm::new();
    assert!(read_with(&mut post, &waker).is_empty());
    // The first sweep that sees it is at 15 s.
    assert_eq!(sweep(&registry, 0, 74).timed_out, 0);
    assert_eq!((ear.heard().len(), alarm.count()), (0, 0));
    assert_eq!(sweep(&registry, 74, 75).timed_out, 1);
    assert_eq!((ear.heard(), alarm.count()), (vec!["timed out".to_owned()], 1));
    assert_eq!(answer(&session, id, "1"), Heard::Unexpected);
    let told = read(&mut post);
    assert!(told.len() == 1 && retracted(&told[0], 1), "{told:?}");
    // The call goes on.
    call.answer("done".into());
    assert_eq!(read(&mut post), ["1-3 done", "end"]);
    assert!(ear.heard().is_empty());
}

/// It is believed "to still be in-progress" by nobody who was never given it (2025-11-25,
/// Cancellation, Behavior Requirements, 1), and what is missing then is no gap.
#[test]
fn a_request_that_no_connection_was_given_is_taken_back_without_a_trace() {
    let (registry, session) = with_limits(in_seconds(15));
    let (call, mut post) = streaming(&session, 1);
    read(&mut post);
    drop(post);
    let (ear, _) = ask(&call);
    say(&call, "after");
    assert_eq!(sweep(&registry, 0, 30).timed_out, 1);
    assert_eq!(ear.heard(), ["timed out"]);
    assert_eq!(session.bytes(), "after".len());
    call.answer("done".into());
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-2 after", "1-3 done", "end"]);
}

#[test]
fn a_container_that_was_frozen_wakes_up_and_still_waits() {
    let (registry, session) = with_limits(in_seconds(60));
    let (call, _post) = streaming(&session, 1);
    let (ear, _) = ask(&call);
    sweep(&registry, 0, 15);
    let hour = 3_600_000;
    assert_eq!(registry.sweep(Millis(hour)).timed_out, 0);
    assert!(ear.heard().is_empty());
}

/// 2025-11-25, Cancellation: what a cancelled call asked is moot, and the client that was given it
/// is told. Its late answer is ignored.
#[test]
fn the_requests_of_a_cancelled_call_are_taken_back() {
    let session = session();
    let (call, mut post) = streaming(&session, 1);
    let (given, first) = ask(&call);
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 ask 1"]);
    let (waiting, second) = ask(&call);
    session.cancel(&RequestId::from(1));
    for request in [first, second] {
        assert_eq!(answer(&session, request, "1"), Heard::Unexpected);
    }
    assert!(given.heard().is_empty() && waiting.heard().is_empty(), "nobody listens any more");
    let told = read(&mut post);
    assert!(told.len() == 2 && retracted(&told[0], 1) && told[1] == "end", "{told:?}");
    drop(call);
}

#[test]
fn what_a_call_has_asked_ends_with_it_however_it_ends() {
    let ends: [fn(&Registry, Ticket); 4] = [
        |_, ticket| {
            assert_eq!(ticket.answer("done".into()), Answered::Streamed);
        },
        |_, ticket| drop(ticket),
        |_, ticket| ticket.discard(),
        |registry, _| {
            registry.end(&id(1), &Principal::anonymous());
        },
    ];
    for end in ends {
        let (registry, session) = with_limits(Limits::default());
        let (call, _post) = streaming(&session, 1);
        let (ear, request) = ask(&call);
        end(&registry, call);
        assert_eq!(answer(&session, request, "1"), Heard::Unexpected);
        assert!(ear.heard().is_empty());
        assert_eq!(Arc::strong_count(&ear), 1, "it is not kept");
    }
}

/// DESIGN, decision 8.
#[test]
fn open_requests_have_a_limit_which_an_answer_frees() {
    let (_, session) = with_limits(Limits { requests: 2, ..Limits::default() });
    let (call, _post) = streaming(&session, 1);
    let (other, _other) = streaming(&session, 2);
    ask(&call);
    ask(&other);
    let third = || call.ask(Arc::new(Ear::default()));
    assert_eq!(third(), Err(Unsent::TooMany));
    answer(&session, 2, "1");
    assert_eq!(third(), Ok(3), "what was refused used up no id");
    assert_eq!(third(), Err(Unsent::TooMany));
}

#[test]
fn a_request_that_its_log_refuses_fails() {
    let limits = Limits { stream_messages: 3, ..Limits::default() };
    let (_, session) = with_limits(limits);
    let (call, mut post) = streaming(&session, 1);
    let (one, _) = ask(&call);
    let (two, _) = ask(&call);
    // The third place is for a marker.
    let (three, id) = ask(&call);
    assert_eq!((one.heard().len(), two.heard().len()), (0, 0));
    assert_eq!(three.heard(), ["NoRoom"]);
    assert_eq!(answer(&session, id, "1"), Heard::Unexpected);
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 ask 1", "1-2 ask 2"]);
    let (four, _) = ask(&call);
    assert!(four.heard().is_empty());
    assert_eq!(read(&mut post), ["1-3 ask 4"]);
}

/// The last eighth of the memory is for what may not be refused.
#[test]
fn a_request_may_use_the_last_eighth_and_no_more() {
    let (_, session) = with_limits(Limits { total_bytes: 80, ..Limits::default() });
    let (call, mut post) = streaming(&session, 1);
    say(&call, &"x".repeat(70));
    let sender = call.sender();
    assert_eq!(sender.send(Kind::Notification, "x".into()), Sent::Refused(Refused::Full));
    let (fits, id) = open(&call);
    sender.send_request(id, "0123456789".into());
    let (too_many, id) = open(&call);
    sender.send_request(id, "x".into());
    assert!(fits.heard().is_empty());
    assert_eq!(too_many.heard(), ["NoRoom"]);
    read(&mut post);
}

#[test]
fn without_a_stream_a_request_fails() {
    let session = session();
    let call = begin(&session, 1);
    let (ear, _) = ask(&call);
    assert_eq!(ear.heard(), ["NoStream"]);
    // Those that were to wait for one are told when there will be none.
    let (first, _) = open(&call);
    let (second, id) = open(&call);
    let (other, _) = open(&begin(&session, 2));
    call.fail_requests(Unsent::NoStream);
    assert_eq!((first.heard(), second.heard().len()), (vec!["NoStream".to_owned()], 1));
    assert!(other.heard().is_empty());
    // What nobody waits for is not said.
    let mut post = session.open_stream([&call], NOW).unwrap();
    call.sender().send_request(id, "late".into());
    assert_eq!(read(&mut post), ["prime 1-0"]);
}

#[test]
fn a_call_that_is_over_asks_nothing() {
    let session = session();
    let (call, _post) = streaming(&session, 1);
    session.cancel(&RequestId::from(1));
    assert_eq!(call.ask(Arc::new(Ear::default())), Err(Unsent::NoStream));
}

/// A stream that lost messages has answered its calls with that.
#[test]
fn what_was_asked_on_a_stream_that_is_lost_fails_with_the_next_sweep() {
    let (registry, session) = with_limits(Limits::default());
    let (call, _post) = streaming(&session, 1);
    let (ear, _) = ask(&call);
    session.drop_unread(0);
    assert_eq!(sweep(&registry, 0, 15).timed_out, 0);
    assert_eq!(ear.heard(), ["NoStream"]);
    let (ear, _) = ask(&call);
    assert_eq!(ear.heard(), ["NoStream"]);
}

/// A session whose client is asked is not idle, wherever its client is.
#[test]
fn a_session_with_an_open_request_is_busy() {
    let limits = Limits { input_timeout: Duration::from_secs(7_200), ..Limits::default() };
    let (registry, session) = with_limits(limits);
    let (call, post) = streaming(&session, 1);
    let (_ear, _) = ask(&call);
    drop(post);
    assert_eq!(sweep(&registry, 0, 7_000).expired, 0);
    assert_eq!(registry.len(), 1);
}

/// 2025-11-25, Lifecycle, Capability Negotiation.
#[test]
fn whether_a_client_can_be_asked_is_known_from_its_capabilities() {
    let registry = Registry::new(Limits::default(), Vec::new());
    for (n, (declared, expected)) in [
        (None, false),
        (Some("{}"), false),
        (Some("{\"experimental\":{\"sampling\":{}}}"), false),
        (Some("{\"sampling\":{}}"), true),
        (Some("{\"experimental\":{},\"roots\":{}}"), true),
        (Some("{\"elicitation\":{\"form\":{}}}"), true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut opening = opening(ProtocolVersion::V2025_11_25, Principal::anonymous());
        opening.client_capabilities = declared.map(|it| Bytes::from_static(it.as_bytes()));
        let session = registry.open(id(u8::try_from(n).unwrap()), opening).unwrap();
        assert_eq!(session.can_be_asked(), expected, "{declared:?}");
    }
}

/// Who hears may do anything, so also ask this very session.
#[test]
fn who_hears_does_so_without_the_lock() {
    struct Reenter(Arc<Session>);
    impl Asker for Reenter {
        fn hear(&self, _: Reply<'_>) {
            self.0.bytes();
        }
    }
    impl Drop for Reenter {
        fn drop(&mut self) {
            self.0.bytes();
        }
    }
    let (registry, session) = with_limits(in_seconds(15));
    let (call, _post) = streaming(&session, 1);
    let ask = || {
        let asker = Arc::new(Reenter(Arc::clone(&session)));
        let id = call.ask(asker).unwrap();
        call.sender().send_request(id, "ask".into());
        id
    };
    assert_eq!(answer(&session, ask(), "1"), Heard::Yes);
    call.fail_request(ask(), Unsent::NoRoom);
    ask();
    assert_eq!(sweep(&registry, 0, 30).timed_out, 1);
    ask();
    session.cancel(&RequestId::from(1));
    let (call, _post) = streaming(&session, 2);
    call.ask(Arc::new(Reenter(Arc::clone(&session)))).unwrap();
    registry.end(&id(1), &Principal::anonymous());
    assert_eq!(session.calls_in_flight(), 0);
}
