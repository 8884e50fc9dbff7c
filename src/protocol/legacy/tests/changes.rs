//! What has changed, as sessions are told of it: 2025-11-25, Tools, List Changed Notification.

use super::*;

const CHANGED: &str = "changed";

fn announce(session: &Session) {
    session.announce(&Bytes::from(CHANGED));
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
