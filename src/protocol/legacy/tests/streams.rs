//! Delivery, replay, takeover.

use super::*;

/// 2025-11-25, Transports, Sending Messages to the Server, 6.
#[test]
fn a_post_stream_is_primed_then_speaks_then_answers_then_ends() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    assert_eq!(read(&mut post), ["prime 1-0"]);
    say(&ticket, "a");
    progress(&ticket, "b");
    assert_eq!(read(&mut post), ["1-1 a", "1-2 b"]);
    assert_eq!(ticket.answer("done".into()), Answered::Streamed);
    assert_eq!(read(&mut post), ["1-3 done", "end"]);
    assert_eq!(read(&mut post), ["end"]);
    assert!(!post.is_standalone() && session.open_standalone(NOW).unwrap().is_standalone());
}

/// 2025-06-18 and 2025-03-26: clients break on empty data (decision 4).
#[test]
fn older_revisions_get_no_priming_event_and_ids_on_real_messages() {
    for version in [ProtocolVersion::V2025_03_26, ProtocolVersion::V2025_06_18] {
        let session = session_of(version);
        let (ticket, mut post) = streaming(&session, 1);
        assert_eq!((read(&mut post), post.last_event_id()), (vec![], None));
        say(&ticket, "a");
        assert_eq!(read(&mut post), ["1-1 a"]);
        assert_eq!(post.last_event_id(), Some("1-1".parse().unwrap()));

        let mut get = session.open_standalone(NOW).unwrap();
        assert_eq!(read(&mut get), [""; 0]);
        notify(&session, "n");
        assert_eq!(read(&mut get), ["0-1 n"]);
    }
}

#[test]
fn a_waiting_connection_is_woken_once_for_what_is_new() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    let (alarm, waker) = Alarm::new();
    assert_eq!(read_with(&mut post, &waker), ["prime 1-0"]);
    assert_eq!(alarm.count(), 0);
    say(&ticket, "a");
    say(&ticket, "b");
    assert_eq!(alarm.count(), 1);
    assert_eq!(read_with(&mut post, &waker), ["1-1 a", "1-2 b"]);
    ticket.answer("done".into());
    assert_eq!(alarm.count(), 2);
    assert_eq!(read_with(&mut post, &waker), ["1-3 done", "end"]);
}

#[test]
fn only_the_waker_of_the_last_poll_is_woken() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    let ((first, first_waker), (second, second_waker)) = (Alarm::new(), Alarm::new());
    read_with(&mut post, &first_waker);
    read_with(&mut post, &second_waker);
    say(&ticket, "a");
    assert_eq!((first.count(), second.count()), (0, 1));
}

/// rmcp: "an answer that is ready while the client is away is lost".
#[test]
fn an_answer_that_became_ready_while_the_client_was_away_is_delivered_on_resume() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    say(&ticket, "a");
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 a"]);
    drop(post);
    ticket.answer("done".into());
    assert_eq!(read(&mut resume(&session, "1-1")), ["1-2 done", "end"]);
    // A client that lost this connection too may come again.
    assert_eq!(read(&mut resume(&session, "1-1")), ["1-2 done", "end"]);
}

#[test]
fn a_client_that_got_no_more_than_the_priming_event_gets_everything() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    assert_eq!(read(&mut post), ["prime 1-0"]);
    drop(post);
    say(&ticket, "a");
    ticket.answer("done".into());
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 a", "1-2 done", "end"]);
}

/// rmcp: "replay sends the acknowledged event again".
#[test]
fn the_acknowledged_event_is_not_sent_again() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    ["a", "b", "c"].iter().for_each(|text| say(&ticket, text));
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 a", "1-2 b", "1-3 c"]);
    assert_eq!(read(&mut resume(&session, "1-2")), ["1-3 c"]);
    assert_eq!(read(&mut resume(&session, "1-3")), [""; 0]);
}

/// 2025-11-25, Transports, Resumability and Redelivery, 2: "The server MUST NOT replay messages
/// that would have been delivered on a different stream". Multiple Connections, 2: "it MUST NOT
/// broadcast the same message across multiple streams".
#[test]
fn replay_never_crosses_streams() {
    let session = session();
    let (one, _) = streaming(&session, 1);
    let (two, _) = streaming(&session, 2);
    say(&one, "of one");
    say(&two, "of two");
    notify(&session, "of none");
    one.answer("one".into());
    two.answer("two".into());
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 of one", "1-2 one", "end"]);
    assert_eq!(read(&mut resume(&session, "2-0")), ["2-1 of two", "2-2 two", "end"]);
    assert_eq!(read(&mut resume(&session, "0-0")), ["0-1 of none"]);
}

/// pmcp, TypeScript, fastmcp: "replay across sessions".
#[test]
fn replay_never_crosses_sessions() {
    let (registry, session) = with_limits(Limits::default());
    let opening = opening(ProtocolVersion::V2025_11_25, Principal::anonymous());
    let other = registry.open(id(2), opening).unwrap();
    let (ticket, _) = streaming(&session, 1);
    say(&ticket, "secret");
    ticket.answer("secret".into());
    // To the other session that id says nothing, and gets what a plain GET gets.
    assert_eq!(read(&mut resume(&other, "1-0")), ["prime 0-1"]);
}

/// rmcp: "every GET and initialize stream starts at event id 0". 2025-11-25, Transports,
/// Resumability and Redelivery, 1: the ID "MUST be globally unique across all streams within that
/// session".
#[test]
fn event_ids_never_repeat_in_a_session() {
    let session = session();
    let mut seen = std::collections::HashSet::new();
    let mut ids = |steps: Vec<String>| {
        for step in steps.iter().filter(|step| step.contains('-')) {
            let id = step.trim_start_matches("prime ").split(' ').next().unwrap().to_owned();
            assert!(seen.insert(id), "{step}");
        }
    };
    for n in 1..20 {
        let mut get = session.open_standalone(NOW).unwrap();
        ids(read(&mut get));
        notify(&session, "n");
        if n % 2 == 0 {
            ids(read(&mut get));
        }
        let (ticket, mut post) = streaming(&session, n);
        say(&ticket, "a");
        ids(read(&mut post));
        ticket.answer("done".into());
        ids(read(&mut post));
    }
    assert!(seen.len() > 60);
}

#[test]
fn the_standalone_stream_gives_each_message_to_one_connection() {
    let session = session();
    notify(&session, "before");
    let mut first = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut first), ["0-1 before", "prime 0-2"][..1]);
    notify(&session, "a");
    assert_eq!(read_one(&mut first), "0-2 a");
    notify(&session, "b");
    drop(first);
    // A plain GET: from the first message that no connection was given.
    let mut second = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut second), ["0-3 b"]);
    // With a cursor: one past it, given or not.
    assert_eq!(read(&mut resume(&session, "0-1")), ["0-2 a", "0-3 b"]);
}

/// rmcp: "a reconnect before the dead GET is noticed gets a stream without notifications".
/// Others: "409 until DELETE after a dropped GET".
#[test]
fn the_newest_get_takes_over_and_the_older_one_is_woken_and_ends_cleanly() {
    let session = session();
    let (alarm, waker) = Alarm::new();
    let mut dead = session.open_standalone(NOW).unwrap();
    assert_eq!(read_with(&mut dead, &waker), ["prime 0-1"]);

    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(alarm.count(), 1);
    assert_eq!(read(&mut get), ["prime 0-2"]);
    notify(&session, "n");
    assert_eq!(read(&mut dead), ["displaced 1000"]);
    assert_eq!(read(&mut dead), ["end"]);
    assert_eq!(read(&mut get), ["0-3 n"]);
    // The older one's departure takes nothing from the newer one.
    drop(dead);
    notify(&session, "m");
    assert_eq!(read(&mut get), ["0-4 m"]);
}

#[test]
fn a_post_stream_is_taken_over_by_a_resume_before_its_connection_is_noticed_dead() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    let (alarm, waker) = Alarm::new();
    read_with(&mut post, &waker);
    let mut resumed = resume(&session, "1-0");
    assert_eq!(alarm.count(), 1);
    ticket.answer("done".into());
    assert_eq!(read(&mut post), ["displaced 1000"]);
    assert_eq!(read(&mut resumed), ["1-1 done", "end"]);
}

/// Decision 6: "a displaced stream's `retry` doubles with each takeover within a minute, to 60 s
/// at most".
#[test]
fn clients_that_chase_each_other_are_slowed() {
    let session = session();
    let mut older = session.open_standalone(NOW).unwrap();
    let mut told = Vec::new();
    for n in 1..=9 {
        let newer = session.open_standalone(Millis(n * 59_999)).unwrap();
        told.extend(read(&mut older));
        older = newer;
    }
    let waits = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000];
    let mut expected: Vec<_> = waits.iter().map(|ms| format!("displaced {ms}")).collect();
    assert_eq!(told, expected);

    // A minute of peace, and it starts over.
    let _newer = session.open_standalone(Millis(9 * 59_999 + 60_000)).unwrap();
    assert_eq!(read(&mut older), [expected.swap_remove(0)]);
}

#[test]
fn a_reconnect_after_the_connection_was_dropped_is_no_takeover() {
    let session = session();
    for _ in 0..5 {
        drop(session.open_standalone(NOW).unwrap());
    }
    let mut last = session.open_standalone(NOW).unwrap();
    let _newer = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut last), ["displaced 1000"]);
}

#[test]
fn an_event_id_that_was_never_sent_is_treated_as_none() {
    let session = session();
    let (_ticket, mut post) = streaming(&session, 1);
    read(&mut post);
    notify(&session, "n");
    // Of a stream to come, past the end of a stream, past the end of the standalone stream.
    assert_eq!(read(&mut resume(&session, "2-0")), ["0-1 n"]);
    assert_eq!(read(&mut resume(&session, "1-1")), ["prime 0-2"]);
    assert_eq!(read(&mut resume(&session, "0-99")), ["prime 0-3"]);
    // The stream that was not resumed goes on undisturbed.
    assert_eq!(read(&mut post), [""; 0]);
}

/// A client without an id to come back with must not be sent away (decision 12).
#[test]
fn a_resumed_connection_has_its_clients_cursor_and_one_that_was_not_has_none() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    say(&ticket, "a");
    read(&mut post);
    assert_eq!(resume(&session, "1-1").last_event_id(), Some("1-1".parse().unwrap()));
    assert_eq!(resume(&session, "7-1").last_event_id(), None);
    assert_eq!(session.open_standalone(NOW).unwrap().last_event_id(), None);
}

#[test]
fn a_stream_with_nothing_more_to_say_is_nothing() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    ticket.answer("done".into());
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 done", "end"]);
    assert!(resumes_to_nothing(&session, "1-1"));
    assert!(!resumes_to_nothing(&session, "1-0"));
}

/// 2025-03-26, Transports, Sending Messages to the Server, 6: "one JSON-RPC response per each
/// JSON-RPC request", and the stream closes after all of them.
#[test]
fn the_stream_of_a_batch_ends_after_its_last_answer() {
    let session = session_of(ProtocolVersion::V2025_03_26);
    let (one, two) = (begin(&session, 1), begin(&session, 2));
    let mut post = session.open_stream([&one, &two], NOW).unwrap();
    let late = two.sender();
    two.answer("second".into());
    // Nothing of a call follows its answer, while the other call goes on.
    assert_eq!(late.send(Kind::Notification, "late".into()), Sent::Discarded);
    say(&one, "n");
    assert_eq!(read(&mut post), ["1-1 second", "1-2 n"]);
    one.answer("first".into());
    assert_eq!(read(&mut post), ["1-3 first", "end"]);
    assert_eq!(session.discarded(), 1);
}

/// rmcp: "an unread GET and 16 notifications wedge the whole session".
#[test]
fn an_unread_stream_holds_up_nothing_else() {
    let session = session();
    let _unread = session.open_standalone(NOW).unwrap();
    let (_stuck, _unread_post) = streaming(&session, 1);
    for n in 0..10_000 {
        notify(&session, &n.to_string());
        progress(&_stuck, &n.to_string());
    }
    let (ticket, mut post) = streaming(&session, 2);
    ticket.answer("done".into());
    assert_eq!(read(&mut post), ["prime 2-0", "2-1 done", "end"]);
    assert_eq!(begin(&session, 3).answer("json".into()), Answered::Unbound("json".into()));
}

/// A quick call that is answered on a stream: it is given as it begins, and is in the log like any
/// other for a client that did not get it.
#[test]
fn a_stream_that_was_given_as_it_began_can_be_resumed() {
    for (version, priming) in
        [(ProtocolVersion::V2025_11_25, Some("1-0")), (ProtocolVersion::V2025_06_18, None)]
    {
        let session = session_of(version);
        let given = begin(&session, 7).give(Bytes::from("seven")).unwrap();
        assert_eq!(given.priming.map(|id| id.to_string()).as_deref(), priming);
        assert_eq!((given.id.to_string().as_str(), &given.message[..]), ("1-1", &b"seven"[..]));
        assert_eq!(session.calls_in_flight(), 0);
        assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 seven", "end"]);
        assert!(resumes_to_nothing(&session, "1-1"));
        assert_eq!(
            read(&mut streaming(&session, 8).1).first().map(String::as_str),
            priming.map(|_| "prime 2-0")
        );
    }
}

#[test]
fn streams_that_were_given_are_kept_and_forgotten_like_others() {
    let limits = Limits { finished_streams: 2, tombstones: 2, ..Limits::default() };
    let (registry, session) = with_limits(limits);
    for request in 1..=5 {
        begin(&session, request).give(Bytes::from("answer")).unwrap();
    }
    assert_eq!(session.bytes(), 2 * "answer".len());
    assert!(resumes_to_nothing(&session, "1-0"), "forgotten altogether");
    assert_eq!(read(&mut resume(&session, "3-0")), ["gap [3: events_evicted]", "end"]);
    assert_eq!(read(&mut resume(&session, "4-0")), ["4-1 answer", "end"]);
    sweep(&registry, 0, 330);
    assert_eq!(session.bytes(), 0);
}

#[test]
fn a_call_that_is_over_is_not_given() {
    let (session, request) = (session(), RequestId::from(1));
    let ticket = begin(&session, 1);
    assert_eq!(session.cancel(&request), Cancelled::Done);
    let (ticket, _) = ticket.give(Bytes::from("late")).unwrap_err();
    let mut connection = session.open_stream([&ticket], NOW).unwrap();
    assert_eq!(read(&mut connection), ["prime 1-0", "end"]);
    assert_eq!(ticket.answer(Bytes::from("late")), Answered::Cancelled);

    let (ticket, mut connection) = streaming(&session, 2);
    let (ticket, _) = ticket.give(Bytes::from("there is a stream")).unwrap_err();
    ticket.answer(Bytes::from("on it"));
    assert_eq!(read(&mut connection), ["prime 2-0", "2-1 on it", "end"]);
}
