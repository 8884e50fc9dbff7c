//! Sessions: admission, ownership, end, expiry, what they cost.

use super::*;
use crate::protocol::log_level::LogLevel;

const V: ProtocolVersion = ProtocolVersion::V2025_11_25;

fn live(registry: &Registry, n: u8) -> bool {
    matches!(registry.find(&id(n), &Principal::anonymous()), Lookup::Live(_))
}

#[test]
fn a_session_keeps_what_initialize_settled_and_what_was_said_since() {
    let (registry, session) = with_limits(Limits::default());
    assert!(!session.is_initialized());
    session.set_initialized();
    assert!(session.is_initialized());
    assert_eq!(session.log_level(), None);
    session.set_log_level(LogLevel::Warning);
    let Lookup::Live(found) = registry.find(&id(1), &Principal::anonymous()) else {
        panic!("not found");
    };
    assert!(Arc::ptr_eq(&found, &session));
    assert_eq!(found.log_level(), Some(LogLevel::Warning));
    assert_eq!((found.version(), found.id()), (V, id(1)));
    assert!(found.client_info().is_none() && found.client_capabilities().is_none());

    let raw = |json: &'static str| Some(Bytes::from_static(json.as_bytes()));
    let opening = Opening {
        client_info: raw(r#"{"name":"c"}"#),
        client_capabilities: raw(r#"{"roots":{}}"#),
        ..opening(V, Principal::anonymous())
    };
    let session = registry.open(id(2), opening).unwrap();
    assert_eq!(session.client_info().unwrap(), r#"{"name":"c"}"#);
    assert_eq!(session.client_capabilities().unwrap(), r#"{"roots":{}}"#);
}

/// Decision 17; CVE-2026-33946 (stream taken over by another client), CVE-2026-25536 (answers
/// leaked across clients).
#[test]
fn cve_2026_33946_cve_2026_25536_to_a_foreign_principal_a_session_is_unknown() {
    let registry = Registry::new(Limits::default(), Vec::new());
    let (alice, mallory) = (Principal::named("alice"), Principal::named("mallory"));
    let session = registry.open(id(1), opening(V, alice.clone())).unwrap();
    for foreign in [&mallory, &Principal::anonymous()] {
        assert!(matches!(registry.find(&id(1), foreign), Lookup::Unknown));
        assert_eq!(registry.end(&id(1), foreign), Ending::Unknown);
    }
    assert!(!session.is_ended());
    assert!(matches!(registry.find(&id(1), &alice), Lookup::Live(_)));
    assert_eq!(registry.end(&id(1), &alice), Ending::Done);
    assert!(matches!(registry.find(&id(1), &mallory), Lookup::Unknown));
    assert!(matches!(registry.find(&id(1), &alice), Lookup::Ended));
}

/// Others: "a GET with an unknown id creates a session".
#[test]
fn an_unknown_id_finds_nothing_and_creates_nothing() {
    let (registry, _session) = with_limits(Limits::default());
    assert!(matches!(registry.find(&id(9), &Principal::anonymous()), Lookup::Unknown));
    assert_eq!(registry.end(&id(9), &Principal::anonymous()), Ending::Unknown);
    assert_eq!(registry.len(), 1);
}

#[test]
fn an_id_is_never_given_a_second_session() {
    let (registry, _session) = with_limits(Limits::default());
    let again = || registry.open(id(1), opening(V, Principal::anonymous())).err();
    assert_eq!(again(), Some(AtCapacity::InAll));
    assert_eq!(registry.end(&id(1), &Principal::anonymous()), Ending::Done);
    assert_eq!(again(), Some(AtCapacity::InAll));
    assert_eq!(registry.len(), 0);
}

#[test]
fn sessions_have_a_limit_in_all_which_an_end_frees() {
    let registry = Registry::new(Limits { sessions: 2, ..Limits::default() }, Vec::new());
    let open = |n| registry.open(id(n), opening(V, Principal::anonymous())).is_ok();
    assert!(open(1) && open(2) && !open(3));
    assert_eq!(registry.end(&id(1), &Principal::anonymous()), Ending::Done);
    assert_eq!(registry.end(&id(1), &Principal::anonymous()), Ending::Unknown);
    assert_eq!(registry.len(), 1);
    assert!(open(3) && !open(4));
}

/// An anonymous caller of this address, which counts as one for its neighbours too.
fn from(address: &str) -> Opening {
    let address = address.parse::<core::net::IpAddr>().unwrap();
    Opening { address: Some(address.into()), ..opening(V, Principal::anonymous()) }
}

#[test]
fn anonymous_callers_have_a_limit_for_each_address_which_an_end_or_expiry_frees() {
    for limit in [0_u8, 1, 2, 3] {
        let limits = Limits { sessions_per_address: limit.into(), ..Limits::default() };
        let registry = Registry::new(limits, Vec::new());
        let open = |n, opening| registry.open(id(n), opening).map(|_| ());
        for n in 0..limit {
            assert_eq!(open(n, from("203.0.113.9")), Ok(()), "{n} of {limit}");
            assert_eq!(open(100 + n, from(&format!("2001:db8::{n}"))), Ok(()), "{n} of {limit}");
        }
        assert_eq!(open(50, from("203.0.113.9")), Err(AtCapacity::OfAddress), "{limit}");
        assert_eq!(open(50, from("::ffff:203.0.113.9")), Err(AtCapacity::OfAddress), "{limit}");
        assert_eq!(open(50, from("2001:db8::ffff")), Err(AtCapacity::OfAddress), "{limit}");
        if limit == 0 {
            continue;
        }
        // Others are not affected, and one that has ended makes room.
        assert_eq!(open(51, from("203.0.113.8")), Ok(()));
        assert_eq!(open(52, from("2001:db8:0:1::1")), Ok(()));
        registry.end(&id(0), &Principal::anonymous());
        assert_eq!(open(53, from("203.0.113.9")), Ok(()));
        assert_eq!(open(54, from("203.0.113.9")), Err(AtCapacity::OfAddress));
        let period = registry.limits().sweep_period;
        let swept: usize = (0..1_000).map(|n| registry.sweep(NOW.after(period * n)).expired).sum();
        assert_eq!((swept, registry.len()), (2 * usize::from(limit) + 2, 0));
        assert_eq!(open(55, from("203.0.113.9")), Ok(()));
    }
}

#[test]
fn the_limit_of_an_address_binds_neither_who_has_a_name_nor_who_has_no_address() {
    let limits = Limits { sessions_per_address: 1, ..Limits::default() };
    let registry = Registry::new(limits, Vec::new());
    let open = |n, opening| registry.open(id(n), opening).map(|_| ());
    let alice = || Opening { principal: Principal::named("alice"), ..from("203.0.113.9") };
    assert_eq!(open(1, from("203.0.113.9")), Ok(()));
    assert_eq!((open(2, alice()), open(3, alice())), (Ok(()), Ok(())));
    let nowhere = || opening(V, Principal::anonymous());
    assert_eq!((open(4, nowhere()), open(5, nowhere())), (Ok(()), Ok(())));
    // Nor does she free what she did not take.
    registry.end(&id(2), &Principal::named("alice"));
    assert_eq!(open(6, from("203.0.113.9")), Err(AtCapacity::OfAddress));
}

#[test]
fn a_named_principal_has_a_limit_of_its_own_and_anonymous_callers_have_not() {
    let limits = Limits { sessions_per_principal: 1, ..Limits::default() };
    let registry = Registry::new(limits, Vec::new());
    let open = |n, who: &Principal| registry.open(id(n), opening(V, who.clone())).is_ok();
    let (alice, bob) = (Principal::named("alice"), Principal::named("bob"));
    assert!(open(1, &alice) && !open(2, &alice) && open(2, &bob));
    assert!(open(3, &Principal::anonymous()) && open(4, &Principal::anonymous()));
    registry.end(&id(1), &alice);
    assert!(open(5, &alice));
}

#[test]
fn the_limit_of_a_principal_is_exact_whatever_it_is() {
    for limit in [0_u8, 1, 2, 3] {
        let limits = Limits { sessions_per_principal: limit.into(), ..Limits::default() };
        let registry = Registry::new(limits, Vec::new());
        let alice = Principal::named("alice");
        let open = |n| registry.open(id(n), opening(V, alice.clone())).is_ok();
        assert!((0..limit).all(open) && !open(limit), "{limit}");
        if limit > 0 {
            registry.end(&id(0), &alice);
            assert!(open(limit + 1) && !open(limit + 2), "{limit}");
        }
    }
}

#[test]
fn ended_sessions_are_remembered_up_to_a_number() {
    let limits = Limits { ended_sessions: 16, ..Limits::default() };
    let registry = Registry::new(limits, Vec::new());
    let anyone = Principal::anonymous();
    // All in one shard, which remembers its share: one.
    let same_shard = |n: u8| {
        let mut bytes = [0; SessionId::BYTES];
        bytes[SessionId::BYTES - 1] = n;
        SessionId::from_random(bytes)
    };
    for n in 1..=2 {
        registry.open(same_shard(n), opening(V, anyone.clone())).unwrap();
        assert_eq!(registry.end(&same_shard(n), &anyone), Ending::Done);
    }
    assert!(matches!(registry.find(&same_shard(1), &anyone), Lookup::Unknown));
    assert!(matches!(registry.find(&same_shard(2), &anyone), Lookup::Ended));
}

/// 2025-11-25, Transports, Session Management, 3 and Sending Messages to the Server, 6: "The
/// server MAY terminate the SSE stream if the session expires".
#[test]
fn the_end_of_a_session_answers_open_calls_ends_streams_and_stops_handlers() {
    let (registry, session) = with_limits(Limits::default());
    let (ticket, handler) = begin_with(&session, 1);
    let mut post = session.open_stream([&ticket], NOW).unwrap();
    let (json, json_handler) = begin_with(&session, 2);
    let mut get = session.open_standalone(NOW).unwrap();
    let ((post_alarm, post_waker), (get_alarm, get_waker)) = (Alarm::new(), Alarm::new());
    read_with(&mut post, &post_waker);
    read_with(&mut get, &get_waker);

    assert_eq!(registry.end(&id(1), &Principal::anonymous()), Ending::Done);
    assert_eq!((post_alarm.count(), get_alarm.count()), (1, 1));
    assert_eq!((handler.stops(), json_handler.stops()), (1, 1));
    assert_eq!(read(&mut post), ["1-1 1: session_ended", "end"]);
    assert_eq!(read(&mut get), ["end"]);
    assert_eq!(session.bytes(), 0);

    assert_eq!(ticket.answer("late".into()), Answered::Ended);
    assert_eq!(json.answer("late".into()), Answered::Ended);
    assert_eq!(session.notify(Kind::Notification, "late".into()), Sent::Discarded);
    assert_eq!(session.discarded(), 3);
    assert!(session.is_ended() && !session.is_initialized());
    assert!(session.open_standalone(NOW).is_err());
    assert!(matches!(session.resume("1-0".parse().unwrap(), NOW), Resumed::Ended));
    let refused = session.begin_call(RequestId::from(3), Arc::new(|| ()));
    assert_eq!(refused.unwrap_err(), CallRefused::Ended);
    session.set_initialized();
    assert!(session.is_ended());
}

#[test]
fn what_was_said_before_the_end_of_a_session_is_still_read() {
    let (registry, session) = with_limits(Limits::default());
    let (ticket, mut post) = streaming(&session, 1);
    say(&ticket, "a");
    ticket.answer("done".into());
    let mut get = session.open_standalone(NOW).unwrap();
    notify(&session, "n");
    registry.end(&id(1), &Principal::anonymous());
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 a", "1-2 done", "end"]);
    assert_eq!(read(&mut get), ["0-1 n", "end"]);
    assert_eq!(session.bytes(), 0);
}

#[test]
fn what_nobody_reads_when_a_session_ends_is_dropped() {
    let (registry, session) = with_limits(Limits::default());
    let (ticket, _) = streaming(&session, 1);
    ticket.answer("done".into());
    notify(&session, "n");
    assert_eq!(session.bytes(), 5);
    registry.end(&id(1), &Principal::anonymous());
    assert_eq!(session.bytes(), 0);
}

#[test]
fn an_idle_session_expires_after_its_time_and_not_before() {
    let (registry, session) = with_limits(Limits::default());
    session.set_initialized();
    // Idle for 1,800 s, measured by a clock that is read every 15 s; it began to run at 15 s.
    assert_eq!(sweep(&registry, 0, 1815).expired, 0);
    assert!(!session.is_ended());
    assert_eq!(sweep(&registry, 1815, 1830).expired, 1);
    assert!(session.is_ended());
    assert_eq!(registry.len(), 0);
    assert!(matches!(registry.find(&id(1), &Principal::anonymous()), Lookup::Ended));
}

#[test]
fn a_client_that_speaks_keeps_its_session_and_another_principal_does_not() {
    let (registry, session) = with_limits(Limits::default());
    session.set_initialized();
    sweep(&registry, 0, 1800);
    assert!(live(&registry, 1));
    sweep(&registry, 1800, 3600);
    assert!(!session.is_ended());
    registry.find(&id(1), &Principal::named("mallory"));
    assert_eq!(sweep(&registry, 3600, 3630).expired, 1);
}

/// Others: "a session is leaked for each abandoned `initialize`".
#[test]
fn a_session_that_was_never_initialized_expires_sooner() {
    let (registry, session) = with_limits(Limits::default());
    assert_eq!(sweep(&registry, 0, 315).expired, 0);
    assert_eq!(sweep(&registry, 315, 330).expired, 1);
    assert!(session.is_ended());
}

/// rmcp: "the idle limit kills calls in flight".
#[test]
fn a_session_with_a_call_in_flight_never_expires() {
    let (registry, session) = with_limits(Limits::default());
    session.set_initialized();
    let ticket = begin(&session, 1);
    assert_eq!(sweep(&registry, 0, 86_400).expired, 0);
    ticket.answer("done".into());
    assert_eq!(sweep(&registry, 86_400, 86_400 + 1800).expired, 0);
    assert_eq!(sweep(&registry, 86_400 + 1800, 86_400 + 1815).expired, 1);
}

#[test]
fn a_session_with_a_connected_stream_never_expires() {
    let (registry, session) = with_limits(Limits::default());
    session.set_initialized();
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get), ["prime 0-1"]);
    assert_eq!(sweep(&registry, 0, 86_400), Swept::default());
    drop(get);
    assert_eq!(sweep(&registry, 86_400, 86_400 + 1815).expired, 1);
}

/// Decision 10.
#[test]
fn a_container_that_was_frozen_wakes_up_without_a_mass_expiry() {
    let (registry, session) = with_limits(Limits::default());
    session.set_initialized();
    let (ticket, post) = streaming(&session, 1);
    drop(post);
    ticket.answer("done".into());
    sweep(&registry, 0, 60);
    assert_eq!(registry.sweep(Millis(86_400_000)), Swept::default());
    assert_eq!(registry.sweep(Millis(86_415_000)), Swept::default());
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 done", "end"]);
}

/// Decision 9: "the sweeper detaches a cursor that does not move".
#[test]
fn a_reader_that_takes_nothing_is_detached_and_one_that_has_nothing_to_take_is_not() {
    let (registry, session) = with_limits(Limits::default());
    let (ticket, mut post) = streaming(&session, 1);
    let mut get = session.open_standalone(NOW).unwrap();
    read(&mut post);
    read(&mut get);
    assert_eq!(sweep(&registry, 0, 600).detached, 0);
    say(&ticket, "a");
    say(&ticket, "b");
    assert_eq!(sweep(&registry, 600, 660).detached, 0);
    // One step in time, and the time starts over.
    assert_eq!(read_one(&mut post), "1-1 a");
    assert_eq!(sweep(&registry, 660, 720).detached, 0);
    assert_eq!(sweep(&registry, 720, 735).detached, 1);
    assert_eq!(read(&mut post), ["displaced 1000"]);
    // Nothing is lost for it.
    assert_eq!(read(&mut resume(&session, "1-1")), ["1-2 b"]);
}

/// The event that primes a new place is something, too.
#[test]
fn a_reader_that_took_its_priming_event_has_the_whole_time_for_what_follows() {
    let (registry, session) = with_limits(Limits::default());
    let mut get = session.open_standalone(NOW).unwrap();
    drop(session.open_standalone(NOW).unwrap());
    let (ticket, post) = streaming(&session, 1);
    drop(post);
    let mut resumed = resume(&session, "1-0");
    say(&ticket, "a");
    assert_eq!(sweep(&registry, 0, 60).detached, 0);
    assert_eq!(read(&mut get), ["displaced 1000"]);
    assert_eq!(read(&mut resumed), ["1-1 a"]);
    // Its place was the beginning before it took the first event, and is still.
    let (ticket, mut post) = streaming(&session, 2);
    sweep(&registry, 60, 105);
    assert_eq!(read(&mut post), ["prime 2-0"]);
    say(&ticket, "b");
    assert_eq!(sweep(&registry, 105, 165).detached, 0);
    assert_eq!(sweep(&registry, 165, 180).detached, 1);
}

/// Decision 12: a client without an event id cannot come back for what it did not take.
#[test]
fn a_reader_that_could_not_come_back_is_not_detached() {
    let registry = Registry::new(Limits::default(), Vec::new());
    let open = |n, version| registry.open(id(n), opening(version, Principal::anonymous())).unwrap();
    let older = open(1, ProtocolVersion::V2025_06_18);
    let (ticket, mut post) = streaming(&older, 1);
    say(&ticket, "a");
    assert_eq!(sweep(&registry, 0, 600).detached, 0);
    assert_eq!(read(&mut post), ["1-1 a"]);
    say(&ticket, "b");
    assert_eq!(sweep(&registry, 600, 700).detached, 1, "it has an id now");
    // A GET can be sent again without one.
    let _get = older.open_standalone(NOW).unwrap();
    notify(&older, "n");
    assert_eq!(sweep(&registry, 700, 800).detached, 1);
    // The newest revision says an id first, and with it how to come back, if it is taken.
    let newest = open(2, V);
    let (ticket, mut post) = streaming(&newest, 1);
    assert_eq!(sweep(&registry, 800, 900).detached, 0);
    assert_eq!(read(&mut post), ["prime 1-0"]);
    say(&ticket, "a");
    assert_eq!(sweep(&registry, 900, 1000).detached, 1);
}

/// Decision 10: "An idle session costs at most 2 KiB".
#[test]
fn an_idle_session_costs_at_most_2_kib() {
    use super::super::stream::Stream;
    use super::super::tombstones::{LONGEST_ID, Tombstone};
    let counts = [
        // The Arc's counts, the session, its place in the map at the worst load after doubling.
        2 * size_of::<usize>() + size_of::<Session>(),
        3 * (size_of::<(SessionId, Arc<Session>)>() + 1),
        // The standalone stream, if there ever was one: its messages are dropped with time.
        size_of::<Stream>(),
        // What is remembered of streams that are gone.
        Limits::default().tombstones * (size_of::<Tombstone>() + LONGEST_ID),
    ];
    let cost: usize = counts.iter().sum();
    assert!(cost <= 2048, "{counts:?}");

    let (registry, session) = with_limits(Limits::default());
    let mut get = session.open_standalone(NOW).unwrap();
    for n in 0..100 {
        let (ticket, mut post) = streaming(&session, n);
        notify(&session, "n");
        read(&mut get);
        ticket.answer("x".repeat(1000).into());
        read(&mut post);
    }
    assert!(session.bytes() > 60_000);
    sweep(&registry, 0, 700);
    assert_eq!(session.bytes(), 0);
}

/// Decision 16, CVE-2025-6515.
#[test]
fn what_is_shown_of_a_session_has_no_id_in_it() {
    let (registry, session) = with_limits(Limits::default());
    let header = session.id().to_header();
    let text = header.to_str().unwrap();
    let connection = session.open_standalone(NOW).unwrap();
    let ticket = begin(&session, 1);
    for (shown, name) in [
        (format!("{session:?}"), "Session"),
        (format!("{registry:?}"), "Registry"),
        (format!("{connection:?}"), "Connection"),
        (format!("{ticket:?}"), "Ticket"),
        (format!("{:?}", ticket.sender()), "CallSender"),
    ] {
        assert!(shown.starts_with(name) && !shown.contains(text), "{shown}");
    }
}
