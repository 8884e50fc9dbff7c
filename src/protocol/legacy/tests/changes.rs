//! What has changed, as sessions are told of it: 2025-11-25, Tools, List Changed Notification;
//! Resources, Subscriptions.

use super::*;
use crate::protocol::change::{self, Excess, SubscriptionLimits};

const CHANGED: &str = "changed";

fn announce(session: &Session) {
    session.announce(&Bytes::from(CHANGED));
}

/// Says that a resource was updated; the message is its URI.
fn update(session: &Session, uri: &str) {
    session.announce_update(&Update::new(uri, &Bytes::from(uri.to_owned())));
}

/// A session that is ready, and whose client subscribed to these.
fn subscribed(limits: Limits, uris: &[&str]) -> (Registry, Arc<Session>) {
    let (registry, session) = ready(limits);
    uris.iter().for_each(|uri| session.subscribe(uri).unwrap());
    (registry, session)
}

/// A session whose client is ready, under these limits.
fn ready(limits: Limits) -> (Registry, Arc<Session>) {
    let (registry, session) = with_limits(limits);
    session.set_initialized();
    (registry, session)
}

/// 2025-11-25, Lifecycle, Initialization.
#[test]
fn a_client_that_is_not_initialized_is_told_nothing() {
    let session = session();
    let mut get = session.open_standalone(NOW).unwrap();
    announce(&session);
    assert_eq!(read(&mut get), ["prime 0-1"]);
    session.set_initialized();
    announce(&session);
    assert_eq!(read(&mut get), ["0-2 changed"]);
}

#[test]
fn while_nobody_comes_one_message_waits_however_often_it_is_announced() {
    let (_, session) = ready(Limits::default());
    for _ in 0..10_000 {
        announce(&session);
    }
    assert_eq!(session.bytes(), CHANGED.len());
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get), ["0-1 changed"]);
    drop(get);
    // What was given waits no more.
    announce(&session);
    announce(&session);
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-2 changed"]);
}

/// Decision 18: "Serialise once into `Bytes`, shared by log, wire, replay and fan-out".
#[test]
fn all_streams_that_are_told_of_a_change_share_the_bytes_of_its_message() {
    let registry = Registry::new(Limits::default(), Vec::new());
    let message = Bytes::from(CHANGED.to_owned());
    let mut connections: Vec<_> = (1..=5)
        .map(|n| {
            let opening = opening(ProtocolVersion::V2025_06_18, Principal::anonymous());
            let session = registry.open(id(n), opening).unwrap();
            session.set_initialized();
            session.open_standalone(NOW).unwrap()
        })
        .collect();
    registry.for_each(|session| session.announce(&message));
    for connection in &mut connections {
        let Poll::Ready(Step::Event { message: given, .. }) = connection.poll(Waker::noop()) else {
            panic!("each is told");
        };
        assert_eq!((given.as_ptr(), given.len()), (message.as_ptr(), message.len()));
    }
}

#[test]
fn a_burst_wakes_the_connection_once_and_is_one_message() {
    let (_, session) = ready(Limits::default());
    let mut get = session.open_standalone(NOW).unwrap();
    let (alarm, waker) = Alarm::new();
    assert_eq!(read_with(&mut get, &waker), ["prime 0-1"]);
    for _ in 0..1_000 {
        announce(&session);
    }
    assert_eq!(alarm.count(), 1);
    assert_eq!(read_with(&mut get, &waker), ["0-2 changed"]);
    announce(&session);
    assert_eq!(alarm.count(), 2);
    assert_eq!(read_with(&mut get, &waker), ["0-3 changed"]);
}

#[test]
fn other_messages_that_wait_hold_nothing_back() {
    let (_, session) = ready(Limits::default());
    notify(&session, "another");
    announce(&session);
    notify(&session, "a third");
    announce(&session);
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get), ["0-1 another", "0-2 changed", "0-3 a third"]);
}

/// A replay may break off before it comes to what it would repeat, and the GET after that begins
/// behind it.
#[test]
fn a_change_is_told_anew_although_an_older_one_is_still_to_be_replayed() {
    let (_, session) = ready(Limits::default());
    announce(&session);
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get), ["0-1 changed"]);
    drop(get);
    let replay = resume(&session, "0-0");
    announce(&session);
    drop(replay);
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-2 changed"]);
    session.subscribe("a").unwrap();
    update(&session, "a");
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-3 a"]);
    let replay = resume(&session, "0-2");
    update(&session, "a");
    drop(replay);
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-4 a"]);
}

/// A client may claim to have read what no connection was given.
#[test]
fn a_cursor_past_what_was_given_does_not_silence_the_stream() {
    let (_, session) = ready(Limits::default());
    announce(&session);
    let mut get = resume(&session, "0-1");
    assert_eq!(read(&mut get), [""; 0]);
    announce(&session);
    assert_eq!(read(&mut get), ["0-2 changed"]);
    session.subscribe("a").unwrap();
    drop(get);
    update(&session, "a");
    let mut get = resume(&session, "0-3");
    assert_eq!(read(&mut get), [""; 0]);
    update(&session, "a");
    assert_eq!(read(&mut get), ["0-4 a"]);
}

/// Decision 5: "the standalone stream starts anew with the change notifications for all that it may
/// have missed".
#[test]
fn what_the_log_has_no_room_for_is_told_as_a_gap() {
    for limits in [
        Limits { stream_messages: 0, ..Limits::default() },
        Limits { stream_bytes: CHANGED.len() - 1, ..Limits::default() },
        Limits { session_bytes: 0, ..Limits::default() },
    ] {
        let (_, session) = ready(limits);
        let mut get = session.open_standalone(NOW).unwrap();
        let (alarm, waker) = Alarm::new();
        assert_eq!(read_with(&mut get, &waker), ["prime 0-1"]);
        announce(&session);
        assert_eq!(alarm.count(), 1);
        assert_eq!(read(&mut get), ["gap [tools changed]", "prime 0-3"]);
        // Nor is it lost while nobody is there, or between the gap and what follows it.
        drop(get);
        announce(&session);
        let mut get = session.open_standalone(NOW).unwrap();
        assert_eq!(read_one(&mut get), "gap [tools changed]");
        announce(&session);
        assert_eq!(read(&mut get), ["gap [tools changed]", "prime 0-6"]);
        assert_eq!(session.bytes(), 0);
    }
}

/// What nobody came for is dropped with time, and then said as a gap; it does not hold back what
/// changes later.
#[test]
fn a_message_that_was_dropped_with_time_is_told_as_a_gap() {
    let (registry, session) = ready(Limits::default());
    announce(&session);
    sweep(&registry, 0, 700);
    assert_eq!(session.bytes(), 0);
    assert_eq!(read_one(&mut session.open_standalone(NOW).unwrap()), "gap [tools changed]");
    announce(&session);
    assert_eq!(session.bytes(), CHANGED.len());
    let expected = ["gap [tools changed]", "0-2 changed"];
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), expected);
}

#[test]
fn a_session_that_has_ended_is_told_nothing_and_nothing_is_counted() {
    let (registry, session) = ready(Limits::default());
    assert_eq!(registry.end(&session.id(), &Principal::anonymous()), Ending::Done);
    announce(&session);
    assert_eq!((session.bytes(), session.discarded()), (0, 0));
}

/// 2025-11-25, Resources, Subscriptions: "Clients can subscribe to specific resources and receive
/// notifications when they change".
#[test]
fn a_client_is_told_of_the_resources_that_it_subscribed_to_and_of_no_other() {
    let (_, session) = ready(Limits::default());
    let mut get = session.open_standalone(NOW).unwrap();
    let (alarm, waker) = Alarm::new();
    assert_eq!(read_with(&mut get, &waker), ["prime 0-1"]);
    update(&session, "a");
    session.subscribe("a").unwrap();
    session.subscribe("a").unwrap();
    assert_eq!((alarm.count(), session.bytes()), (0, 0), "of what was before it is not told");
    for uri in ["a", "b", "A", "a/b", ""] {
        update(&session, uri);
    }
    assert_eq!(alarm.count(), 1);
    assert_eq!(read_with(&mut get, &waker), ["0-2 a"]);
    update(&session, "a");
    assert_eq!(read_with(&mut get, &waker), ["0-3 a"]);
}

/// 2025-11-25, schema, `UnsubscribeRequest`: "cancellation of resources/updated notifications".
#[test]
fn a_client_that_unsubscribed_is_told_nothing_more_not_even_what_waited() {
    let (_, session) = subscribed(Limits::default(), &["a", "b"]);
    update(&session, "a");
    update(&session, "b");
    announce(&session);
    session.unsubscribe("a").unwrap();
    session.unsubscribe("never").unwrap();
    update(&session, "a");
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get), ["0-2 b", "0-3 changed"], "and that is no gap");
    // What was given is replayed as it was: it is no news.
    update(&session, "b");
    assert_eq!(read(&mut get), ["0-4 b"]);
    session.unsubscribe("b").unwrap();
    assert_eq!(read(&mut resume(&session, "0-3")), ["0-4 b"]);
    session.subscribe("a").unwrap();
    update(&session, "a");
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-5 a"]);
}

#[test]
fn of_each_resource_one_message_waits_however_often_it_is_updated() {
    let (_, session) = subscribed(Limits::default(), &["a", "b"]);
    let mut get = session.open_standalone(NOW).unwrap();
    let (alarm, waker) = Alarm::new();
    assert_eq!(read_with(&mut get, &waker), ["prime 0-1"]);
    for _ in 0..1_000 {
        update(&session, "b");
        announce(&session);
        update(&session, "a");
    }
    assert_eq!(alarm.count(), 1);
    assert_eq!(read_with(&mut get, &waker), ["0-2 b", "0-3 changed", "0-4 a"]);
    drop(get);
    for _ in 0..1_000 {
        update(&session, "a");
    }
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-5 a"]);
}

/// Whoever subscribes is ready for what it subscribed to.
#[test]
fn an_update_before_the_client_said_that_it_is_initialized_is_not_lost() {
    let session = session();
    session.subscribe("a").unwrap();
    update(&session, "a");
    assert_eq!(read(&mut session.open_standalone(NOW).unwrap()), ["0-1 a"]);
}

/// Decision 18: "Serialise once into `Bytes`, shared by log, wire, replay and fan-out".
#[test]
fn the_message_is_one_for_all_sessions() {
    let message = Bytes::from("a".to_owned());
    let given = || {
        let (_, session) = subscribed(Limits::default(), &["a"]);
        session.announce_update(&Update::new("a", &message));
        match session.open_standalone(NOW).unwrap().poll(Waker::noop()) {
            Poll::Ready(Step::Event { message, .. }) => message,
            other => panic!("{other:?}"),
        }
    };
    let (one, two) = (given(), given());
    assert_eq!((one.as_ptr(), two.as_ptr()), (message.as_ptr(), message.as_ptr()));
}

/// Decision 5, as above, with what its client subscribed to.
#[test]
fn a_gap_tells_of_every_resource_that_the_client_subscribed_to() {
    let updated = |uri| {
        format!(
            r#"gap {{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#
        )
    };
    for limits in [
        Limits { stream_messages: 0, ..Limits::default() },
        Limits { stream_bytes: 0, ..Limits::default() },
        Limits { session_bytes: 0, ..Limits::default() },
    ] {
        let (_, session) = subscribed(limits, &["b", "c", "a"]);
        session.unsubscribe("c").unwrap();
        let mut get = session.open_standalone(NOW).unwrap();
        let (alarm, waker) = Alarm::new();
        assert_eq!(read_with(&mut get, &waker), ["prime 0-1"]);
        update(&session, "b");
        assert_eq!(alarm.count(), 1);
        let told = ["gap [tools changed]".into(), updated("a"), updated("b")];
        let whole = [&told[..], &["prime 0-3".into()]].concat();
        assert_eq!(read(&mut get), whole);
        // A connection that breaks in the middle of it has told nothing: the next tells all.
        drop(get);
        update(&session, "a");
        let mut get = resume(&session, "0-3");
        assert_eq!((read_one(&mut get), read_one(&mut get)), (told[0].clone(), updated("a")));
        let mut get = session.open_standalone(NOW).unwrap();
        assert_eq!((read_one(&mut get), read_one(&mut get)), (told[0].clone(), updated("a")));
        // What goes or comes meanwhile.
        session.subscribe("aa").unwrap();
        session.unsubscribe("b").unwrap();
        assert_eq!(read(&mut get), [updated("aa"), "prime 0-5".into()]);
    }
}

/// Before 2025-11-25 there is no priming event, and so no id that would say how far a client is.
#[test]
fn before_2025_11_25_too_a_gap_tells_of_every_resource_and_a_reader_that_stalls_is_detached() {
    let registry = Registry::new(Limits::default(), vec![Bytes::from("tools changed")]);
    let opening = opening(ProtocolVersion::V2025_06_18, Principal::anonymous());
    let session = registry.open(id(1), opening).unwrap();
    session.set_initialized();
    session.subscribe("a").unwrap();
    update(&session, "a");
    sweep(&registry, 0, 700);
    assert_eq!(session.bytes(), 0, "it was dropped with time");
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read_one(&mut get), "gap [tools changed]");
    assert_eq!(sweep(&registry, 700, 800).detached, 1, "it leaves an update untaken");
    assert_eq!(read(&mut get), ["displaced 1000"]);
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get).len(), 2);
    assert_eq!(sweep(&registry, 800, 1_000).detached, 0, "it has taken all there is");
    update(&session, "a");
    assert_eq!(read(&mut get), ["0-2 a"]);
}

/// DESIGN, decision 8: everything has a limit and a test at the limit.
#[test]
fn a_session_has_as_many_subscriptions_as_it_may_and_gives_back_what_they_take() {
    let limits = SubscriptionLimits { uris: 2, bytes: 5 };
    let limits = Limits { subscriptions: limits, ..Limits::default() };
    let (registry, session) = subscribed(limits, &["aa", "bbb"]);
    let refused = session.subscribe("c").unwrap_err();
    assert_eq!(refused, NotSubscribed::Excess(Excess::Uris { limit: 2 }));
    session.unsubscribe("aa").unwrap();
    let refused = session.subscribe("ccc").unwrap_err();
    assert_eq!(refused, NotSubscribed::Excess(Excess::Bytes { limit: 5 }));
    session.subscribe("cc").unwrap();
    assert_eq!(registry.budget().held(), change::cost("bbb") + change::cost("cc"));
    assert_eq!(registry.end(&session.id(), &Principal::anonymous()), Ending::Done);
    assert_eq!(registry.budget().held(), 0);
    assert_eq!(session.subscribe("aa"), Err(NotSubscribed::Ended));
    assert_eq!(session.unsubscribe("aa"), Err(SessionEnded));
    assert_eq!(registry.budget().held(), 0);
}

/// All that sessions hold counts towards one limit, and so does this.
#[test]
fn where_memory_is_short_no_subscription_is_taken_in() {
    let (registry, session) = ready(Limits { total_bytes: 1_000, ..Limits::default() });
    let mut count = 0;
    while session.subscribe(&format!("{count}")).is_ok() {
        count += 1;
    }
    assert_eq!(count, 875 / change::cost("1"));
    assert_eq!(session.subscribe("x"), Err(NotSubscribed::OutOfMemory));
    assert!(registry.budget().take_pressure());
    session.unsubscribe("0").unwrap();
    session.subscribe("x").unwrap();
}

/// FACTS, Real clients: all resume by GET "also where the standalone GET is 405, as long as that
/// GET is served".
#[test]
fn a_cursor_of_a_post_stream_is_known_for_as_long_as_the_session_lives() {
    let (registry, session) = with_limits(Limits::default());
    let names_post = |cursor: &str| session.names_post(cursor.parse().unwrap());
    assert!(!names_post("1-0"), "no such stream yet");
    let (ticket, mut post) = streaming(&session, 7);
    say(&ticket, "a");
    for (cursor, expected) in
        [("1-0", true), ("1-1", true), ("1-2", false), ("2-0", false), ("0-0", false)]
    {
        assert_eq!(names_post(cursor), expected, "{cursor}");
    }
    ticket.answer("done".into());
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 a", "1-2 done", "end"]);
    drop(post);
    assert_eq!(sweep(&registry, 0, 700).retired, 1);
    assert!(names_post("1-0") && names_post("1-99"));
    assert!(!names_post("2-0") && !names_post("0-0"));
}

#[test]
fn a_session_listens_while_a_connection_has_its_standalone_stream() {
    let session = session();
    assert!(!session.is_listening());
    let first = session.open_standalone(NOW).unwrap();
    assert!(session.is_listening());
    let second = session.open_standalone(NOW).unwrap();
    drop(first);
    assert!(session.is_listening(), "the one that was displaced takes nothing with it");
    drop(second);
    assert!(!session.is_listening());
    let (_ticket, _post) = streaming(&session, 1);
    assert!(!session.is_listening());
}
