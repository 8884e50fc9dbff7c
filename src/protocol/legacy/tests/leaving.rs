//! Scripts of connections that end before their streams do, and of the server's own end.

use super::*;

/// 2025-11-25, Transports, Sending Messages to the Server, 6: "the server MAY close the connection
/// (without terminating the SSE stream) at any time".
#[test]
fn a_handler_ends_the_connection_and_the_stream_goes_on() {
    let session = session();
    let (ticket, mut connection) = streaming(&session, 1);
    let (alarm, waker) = Alarm::new();
    say(&ticket, "one");
    assert_eq!(read_with(&mut connection, &waker), ["prime 1-0", "1-1 one"]);
    assert_eq!(ticket.sender().close_stream(), Closed::Asked);
    assert_eq!(alarm.count(), 1, "the connection waits, and is woken");
    assert_eq!(read(&mut connection), ["displaced 1000"]);
    say(&ticket, "two");
    let mut again = resume(&session, "1-1");
    assert_eq!(read(&mut again), ["1-2 two"]);
    ticket.answer(Bytes::from("done"));
    assert_eq!(read(&mut again), ["1-3 done", "end"]);
}

#[test]
fn a_connection_leaves_only_after_what_is_there() {
    let session = session();
    let (ticket, mut connection) = streaming(&session, 1);
    ticket.sender().close_stream();
    say(&ticket, "one");
    assert_eq!(read(&mut connection), ["prime 1-0", "1-1 one", "displaced 1000"]);
}

/// A client that would come back only to be told the answer is spared the way.
#[test]
fn a_connection_that_is_to_leave_still_gets_an_answer_that_comes_first() {
    let session = session();
    let (ticket, mut connection) = streaming(&session, 1);
    ticket.sender().close_stream();
    ticket.answer(Bytes::from("done"));
    assert_eq!(read(&mut connection), ["prime 1-0", "1-1 done", "end"]);
}

#[test]
fn a_connection_that_came_back_is_not_asked_to_leave_again() {
    let session = session();
    let (ticket, connection) = streaming(&session, 1);
    ticket.sender().close_stream();
    drop(connection);
    let mut again = resume(&session, "1-0");
    assert_eq!(read_one(&mut again), "pending");
    ticket.sender().close_stream();
    assert_eq!(read(&mut again), ["displaced 1000"]);
}

/// 2025-06-18, Transports, Sending Messages to the Server, 6: "The server SHOULD NOT close the SSE
/// stream before sending the JSON-RPC response".
#[test]
fn older_revisions_keep_their_connections() {
    for version in [ProtocolVersion::V2025_03_26, ProtocolVersion::V2025_06_18] {
        let session = session_of(version);
        let (ticket, mut connection) = streaming(&session, 1);
        say(&ticket, "one");
        assert_eq!(ticket.sender().close_stream(), Closed::NotNow);
        assert_eq!(read(&mut connection), ["1-1 one"]);
    }
}

#[test]
fn a_call_without_a_stream_has_nothing_to_close() {
    let session = session();
    let ticket = begin(&session, 1);
    assert_eq!(ticket.sender().close_stream(), Closed::NotNow);
}

/// Only who was given an id can come back and miss nothing (decision 12).
#[test]
fn a_connection_can_be_resumed_once_an_id_was_given() {
    let session = session_of(ProtocolVersion::V2025_06_18);
    let (ticket, mut connection) = streaming(&session, 1);
    assert!(!connection.can_be_resumed());
    say(&ticket, "one");
    read(&mut connection);
    assert!(connection.can_be_resumed());
    assert!(session.open_standalone(NOW).unwrap().can_be_resumed(), "nothing can be missed there");
}

/// DESIGN, decision 12 and the drain: "what remains ends resumably or with an error that says why".
#[test]
fn the_end_of_the_server_answers_each_call_with_an_error_that_says_so() {
    let (registry, session) = with_limits(Limits::default());
    let (ticket, mut connection) = streaming(&session, 1);
    let (inline, handler) = begin_with(&session, 2);
    let mut standalone = session.open_standalone(NOW).unwrap();
    read(&mut standalone);
    let ended = registry.shut_down();
    assert_eq!((ended.sessions, ended.calls, registry.len()), (1, 2, 0));
    assert_eq!(read(&mut connection), ["prime 1-0", "1-1 1: shutting_down", "end"]);
    assert_eq!(read(&mut standalone), ["end"]);
    assert_eq!(handler.stops(), 1);
    assert_eq!(session.ended_by(), Some(End::ShutDown));
    assert_eq!(inline.answer(Bytes::from("late")), Answered::Ended);
    assert_eq!(ticket.answer(Bytes::from("late")), Answered::Ended);
}

/// A peer that holds one HTTP/2 stream back cannot be seen by the write deadline.
#[test]
fn a_finished_stream_that_nobody_reads_is_taken_from_one_who_could_not_come_back_either() {
    let (registry, _) = with_limits(Limits::default());
    let opening = opening(ProtocolVersion::V2025_06_18, Principal::anonymous());
    let session = registry.open(id(2), opening).unwrap();
    session.set_initialized();
    let (ticket, _connection) = streaming(&session, 1);
    ticket.answer(Bytes::from("never read"));
    // 60 s for a reader that stalls, and as long as a stream is kept besides.
    assert_eq!(sweep(&registry, 0, 360).detached, 0);
    assert_eq!(sweep(&registry, 360, 420).detached, 1);
    assert_eq!(sweep(&registry, 420, 800).retired, 1);
    assert_eq!(registry.budget().held(), 0);
}

/// Over HTTP/2 a peer can hold back the end of each stream, and hyper does not poll their bodies.
#[test]
fn a_session_has_so_many_connections_and_no_more_also_if_they_lost_their_streams() {
    let (_registry, session) = with_limits(Limits { connections: 3, ..Limits::default() });
    let mut held: Vec<_> = (0..3).map(|_| session.open_standalone(NOW).unwrap()).collect();
    assert!(session.has_too_many_connections());
    let refused = session.begin_call(RequestId::from(1), Arc::new(|| ()));
    assert_eq!(refused.err(), Some(CallRefused::AtCapacity));
    held.pop();
    assert!(!session.has_too_many_connections());
}

/// What a connection was admitted with it gives back with the stream, and not with its body.
#[test]
fn a_displaced_connection_gives_its_seat_back_at_once() {
    let session = session();
    let taken = Arc::new(());
    let first = session.open_standalone(NOW).unwrap();
    first.keep(Arc::clone(&taken));
    assert_eq!(Arc::strong_count(&taken), 2);
    let second = session.open_standalone(NOW).unwrap();
    assert_eq!(Arc::strong_count(&taken), 1, "the first is still there, and nobody polls it");
    first.keep(Arc::clone(&taken));
    assert_eq!(Arc::strong_count(&taken), 1, "it has no stream to keep it for");
    second.keep(Arc::clone(&taken));
    drop(second);
    assert_eq!(Arc::strong_count(&taken), 1);
}
