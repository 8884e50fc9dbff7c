//! Scripts of what becomes of messages when memory is short.

use super::*;

/// Room for 7/8 of 800 bytes: 700 of what may be refused.
fn tight() -> Limits {
    Limits { total_bytes: 800, ..Limits::default() }
}

fn two_sessions(limits: Limits) -> (Registry, Arc<Session>, Arc<Session>) {
    let (registry, first) = with_limits(limits);
    let opening = opening(ProtocolVersion::V2025_11_25, Principal::anonymous());
    let second = registry.open(id(2), opening).unwrap();
    (registry, first, second)
}

fn send(ticket: &Ticket, length: usize) -> Sent {
    ticket.sender().send(Kind::Notification, Bytes::from(vec![b'n'; length]))
}

fn answer(length: usize) -> Bytes {
    Bytes::from(vec![b'a'; length])
}

/// Decision 8: "queue and log bytes (per stream, per session, in all)".
#[test]
fn all_logs_count_towards_one_limit_and_at_it_a_notification_is_refused() {
    let (registry, first, second) = two_sessions(tight());
    let (one, _connection) = streaming(&first, 1);
    let (two, _other) = streaming(&second, 1);
    assert_eq!(send(&one, 400), Sent::Logged);
    assert_eq!(send(&two, 300), Sent::Logged);
    assert_eq!(registry.budget().held(), 700);
    assert_eq!(send(&two, 1), Sent::Refused(Refused::Full));
    assert!(registry.budget().take_pressure(), "relief was asked for");
}

#[test]
fn whatever_ends_gives_its_bytes_back() {
    let (registry, first, second) = two_sessions(tight());
    let (one, mut connection) = streaming(&first, 1);
    let (two, _other) = streaming(&second, 1);
    assert_eq!(send(&one, 400), Sent::Logged);
    assert_eq!(send(&two, 300), Sent::Logged);
    assert_eq!(registry.end(&second.id(), &Principal::anonymous()), Ending::Done);
    drop(_other);
    assert_eq!(registry.budget().held(), 400, "a deleted session");
    one.answer(answer(10));
    read(&mut connection);
    drop(connection);
    sweep(&registry, 0, 600);
    assert_eq!(registry.budget().held(), 0, "a stream that was kept for its time");
}

#[test]
fn a_reader_that_keeps_up_makes_room_by_reading() {
    let (_registry, session) = with_limits(tight());
    let (ticket, mut connection) = streaming(&session, 1);
    for _ in 0..20 {
        assert_eq!(send(&ticket, 300), Sent::Logged);
        read(&mut connection);
    }
}

/// Answers "are never sacrificed for notifications": the last eighth is theirs.
#[test]
fn an_answer_has_room_where_a_notification_has_none() {
    let (registry, first, second) = two_sessions(tight());
    let (one, _connection) = streaming(&first, 1);
    let (two, mut other) = streaming(&second, 2);
    assert_eq!(send(&one, 700), Sent::Logged);
    assert_eq!(send(&two, 1), Sent::Refused(Refused::Full));
    assert_eq!(two.answer(answer(100)), Answered::Streamed);
    assert_eq!(registry.budget().held(), 800);
    assert_eq!(read(&mut other).len(), 3, "prime, answer, end");
}

/// What was refused is told when the call is done at the latest, and memory need not be there by
/// then.
#[test]
fn what_stands_for_refused_messages_has_room_where_they_have_none() {
    for kind in [Kind::Marker, Kind::Request] {
        let (registry, first, second) = two_sessions(tight());
        let (one, _connection) = streaming(&first, 1);
        let (two, _other) = streaming(&second, 2);
        assert_eq!(send(&one, 700), Sent::Logged);
        assert_eq!(send(&two, 1), Sent::Refused(Refused::Full));
        let say = |length| two.sender().send(kind, Bytes::from(vec![b'm'; length]));
        assert_eq!(say(100), Sent::Logged);
        assert_eq!(registry.budget().held(), 800);
        assert_eq!(say(1), Sent::Refused(Refused::Full), "{kind:?} beyond the limit");
    }
}

/// "No message vanishes without an error that names it."
#[test]
fn an_answer_without_room_is_replaced_by_an_error_that_says_so() {
    let (registry, first, second) = two_sessions(tight());
    let (one, _connection) = streaming(&first, 1);
    let (two, mut other) = streaming(&second, 2);
    assert_eq!(send(&one, 700), Sent::Logged);
    assert_eq!(two.answer(answer(500)), Answered::Streamed);
    assert_eq!(read(&mut other), ["prime 1-0", "1-1 2: answer_evicted", "end"]);
    assert_eq!(second.discarded(), 1);
    assert!(registry.budget().take_pressure());
}

/// What the session itself has given already goes before an answer does.
#[test]
fn what_was_read_goes_before_an_answer_does() {
    let (_registry, session) = with_limits(tight());
    let (chatty, mut connection) = streaming(&session, 1);
    let (ticket, mut other) = streaming(&session, 2);
    assert_eq!(send(&chatty, 700), Sent::Logged);
    read(&mut connection);
    assert_eq!(ticket.answer(answer(500)), Answered::Streamed);
    assert_eq!(read(&mut other).len(), 3);
    assert_eq!(session.discarded(), 0);
}

/// The standalone stream has nobody whom a refusal would tell, so its reader is told.
#[test]
fn a_notification_without_room_leaves_a_gap_on_the_standalone_stream() {
    let (_registry, first, second) = two_sessions(tight());
    let (one, _connection) = streaming(&first, 1);
    let mut standalone = second.open_standalone(NOW).unwrap();
    read(&mut standalone);
    assert_eq!(send(&one, 700), Sent::Logged);
    assert_eq!(second.notify(Kind::Notification, answer(1)), Sent::Logged);
    assert_eq!(read_one(&mut standalone), "gap [tools changed]");
}

/// Decision 9: "A slow reader hurts only itself."
#[test]
fn relief_takes_from_those_who_hold_the_most_and_they_are_told() {
    let limits = Limits { total_bytes: 80_000, ..Limits::default() };
    let (registry, heavy, light) = two_sessions(limits);
    let (one, connection) = streaming(&heavy, 1);
    let (two, mut other) = streaming(&light, 2);
    assert_eq!(send(&one, 65_000), Sent::Logged);
    assert_eq!(send(&two, 3_000), Sent::Logged);
    assert_eq!(registry.relieve(), 65_000);
    assert_eq!(registry.budget().held(), 3_000);
    assert_eq!(read(&mut other).len(), 2, "prime, and what was said");
    drop(connection);
    assert_eq!(read(&mut resume(&heavy, "1-0")), ["gap [1: events_evicted]", "end"]);
    one.answer(answer(10));
}

/// A reader that is connected is told at once.
#[test]
fn relief_wakes_the_reader_that_it_takes_from() {
    let limits = Limits { total_bytes: 80_000, ..Limits::default() };
    let (registry, session) = with_limits(limits);
    let (ticket, mut connection) = streaming(&session, 1);
    let (alarm, waker) = Alarm::new();
    read_with(&mut connection, &waker);
    assert_eq!(send(&ticket, 65_000), Sent::Logged);
    assert!(connection.poll(&waker).is_ready(), "it has read");
    assert_eq!(send(&ticket, 2_000), Sent::Logged);
    assert_eq!(alarm.count(), 1);
    assert_eq!(registry.relieve(), 65_000, "what was read is enough");
    assert_eq!(read_with(&mut connection, &waker).len(), 1);
    assert_eq!(send(&ticket, 65_000), Sent::Logged);
    assert_eq!(registry.relieve(), 67_000);
    assert_eq!(read_with(&mut connection, &waker), ["gap [1: events_evicted]", "end"]);
}

#[test]
fn relief_goes_no_further_than_a_quarter_and_not_without_need() {
    let limits = Limits { total_bytes: 80_000, ..Limits::default() };
    let (registry, first, second) = two_sessions(limits);
    let (one, _a) = streaming(&first, 1);
    let (two, _b) = streaming(&second, 2);
    assert_eq!(send(&one, 30_000), Sent::Logged);
    assert_eq!(send(&two, 30_000), Sent::Logged);
    assert_eq!(registry.relieve(), 0, "a quarter is free");
    assert_eq!(send(&one, 5_000), Sent::Logged);
    assert_eq!(registry.relieve(), 35_000, "the heaviest is enough");
    assert_eq!(registry.budget().held(), 30_000);
}

/// A stream that was finished and never read is retired, and its client told.
#[test]
fn relief_retires_what_nobody_came_for_and_says_so() {
    let limits = Limits { total_bytes: 80_000, ..Limits::default() };
    let (registry, session) = with_limits(limits);
    let (ticket, connection) = streaming(&session, 7);
    drop(connection);
    ticket.answer(answer(70_000));
    assert_eq!(registry.relieve(), 70_000);
    assert_eq!(read(&mut resume(&session, "1-0")), ["gap [7: events_evicted]", "end"]);
}

/// Outboxes and what hyper holds count as well, and relief cannot take from them.
#[test]
fn relief_leaves_unread_logs_alone_where_they_could_not_help() {
    let limits = Limits { total_bytes: 1_000_000, ..Limits::default() };
    let (registry, session) = with_limits(limits);
    let (ticket, mut connection) = streaming(&session, 1);
    read(&mut connection);
    assert_eq!(send(&ticket, 8_000), Sent::Logged);
    let mut others = crate::protocol::budget::Share::of(registry.budget());
    others.grow(900_000);
    assert_eq!(registry.relieve(), 0);
    assert_eq!(session.bytes(), 8_000);
    others.shrink(155_000);
    assert_eq!(registry.relieve(), 8_000, "now they do help");
    assert_eq!(read(&mut connection), ["gap [1: events_evicted]", "end"]);
}
