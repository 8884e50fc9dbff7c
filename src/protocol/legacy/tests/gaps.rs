//! What is missing is said (decision 5).

use super::*;

fn four_messages() -> Limits {
    Limits { stream_messages: 4, ..Limits::default() }
}

/// Says three messages, which the reader takes and then loses, and two more: the first of the
/// three is gone.
fn lose(ticket: &Ticket, mut post: Connection) {
    for text in ["a", "b", "c"] {
        say(ticket, text);
    }
    read(&mut post);
    drop(post);
    for text in ["d", "e"] {
        say(ticket, text);
    }
}

/// rmcp: "evicted gaps are silent".
#[test]
fn the_resume_of_a_post_stream_past_a_gap_is_an_error_answer_and_the_end() {
    let (_, session) = with_limits(four_messages());
    let (ticket, post) = streaming(&session, 7);
    lose(&ticket, post);
    let Poll::Ready(Step::Gap(answers)) = resume(&session, "1-0").poll(Waker::noop()) else {
        panic!("no gap");
    };
    assert_eq!(
        answers,
        [
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"Messages of this request are no longer available","data":{"reason":"events_evicted"}}}"#
        ]
    );
    // From now on everyone gets the same, and what the handler still says is counted.
    assert_eq!(read(&mut resume(&session, "1-0")), ["gap [7: events_evicted]", "end"]);
    assert_eq!(ticket.sender().send(Kind::Progress, "x".into()), Sent::Discarded);
    assert_eq!(ticket.answer("done".into()), Answered::Discarded);
    assert_eq!(session.discarded(), 2);
    assert_eq!(session.bytes(), 0);
    for cursor in ["1-0", "1-5"] {
        // Also a client that missed nothing: the answer is gone for it as well.
        assert_eq!(read(&mut resume(&session, cursor)), ["gap [7: events_evicted]", "end"]);
    }
}

/// Never part of a replay, though the answer itself is still there.
#[test]
fn a_gap_before_a_ready_answer_is_spoken_too() {
    let (_, session) = with_limits(four_messages());
    let (ticket, post) = streaming(&session, 7);
    lose(&ticket, post);
    ticket.answer("done".into());
    assert_eq!(read(&mut resume(&session, "1-0")), ["gap [7: events_evicted]", "end"]);
}

/// Others: "unbounded queues or silently dropped messages for slow readers". What a call says is
/// refused to it when there is no room, so that it can be told in its place, and never costs the
/// call its answer, however large that is.
#[test]
fn what_a_slow_reader_leaves_no_room_for_is_refused_and_costs_no_answer() {
    let (_, session) = with_limits(four_messages());
    let (ticket, mut post) = streaming(&session, 7);
    let send = |kind| ticket.sender().send(kind, "m".into());
    for _ in 1..=3 {
        assert_eq!(send(Kind::Notification), Sent::Logged);
    }
    assert_eq!(send(Kind::Notification), Sent::Refused(Refused::Full));
    assert_eq!(send(Kind::Marker), Sent::Logged, "there is room kept free for it");
    assert_eq!(send(Kind::Marker), Sent::Refused(Refused::Full));
    assert_eq!(ticket.answer("x".repeat(2 << 20).into()), Answered::Streamed);
    let steps = read(&mut post);
    assert_eq!(steps[..5], ["prime 1-0", "1-1 m", "1-2 m", "1-3 m", "1-4 m"]);
    assert_eq!((steps[5].len(), &*steps[6]), ((2 << 20) + 4, "end"));
}

/// The same holds for what a call asks of the client: to let it in would cost the notifications
/// before it, and with the gap the answer.
#[test]
fn a_request_of_a_call_that_finds_no_room_is_refused_and_leaves_no_gap() {
    let (_, session) = with_limits(four_messages());
    let (ticket, mut post) = streaming(&session, 7);
    for text in ["a", "b", "c"] {
        say(&ticket, text);
    }
    let ask = || ticket.sender().send(Kind::Request, "ask".into());
    assert_eq!(ask(), Sent::Refused(Refused::Full));
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 a", "1-2 b", "1-3 c"]);
    assert_eq!(ask(), Sent::Logged);
    assert_eq!(read(&mut post), ["1-4 ask"]);
}

/// A large answer that is kept for a client that may come back takes no room from others.
#[test]
fn a_large_answer_leaves_the_other_streams_their_room() {
    let (_, session) = with_limits(Limits { session_bytes: 100, ..Limits::default() });
    let (large, _post) = streaming(&session, 1);
    large.answer("x".repeat(1_000).into());
    let (ticket, mut post) = streaming(&session, 2);
    say(&ticket, "heard");
    assert_eq!(read(&mut post), ["prime 2-0", "2-1 heard"]);
}

#[test]
fn progress_that_was_evicted_is_no_gap() {
    let (_, session) = with_limits(four_messages());
    let (ticket, post) = streaming(&session, 7);
    drop(post);
    say(&ticket, "n");
    for n in 1..=100 {
        progress(&ticket, &n.to_string());
    }
    ticket.answer("done".into());
    let steps = read(&mut resume(&session, "1-0"));
    assert_eq!(steps, ["1-1 n", "1-99 98", "1-100 99", "1-101 100", "1-102 done", "end"]);
}

#[test]
fn eviction_of_what_the_cursor_is_past_is_no_gap() {
    let (_, session) = with_limits(four_messages());
    let (ticket, mut post) = streaming(&session, 7);
    for n in 1..=3 {
        say(&ticket, &n.to_string());
    }
    assert_eq!(read(&mut post).len(), 4);
    for n in 4..=6 {
        say(&ticket, &n.to_string());
    }
    // 1 and 2 are gone, which were only kept for replay.
    assert_eq!(read(&mut resume(&session, "1-2")), ["1-3 3", "1-4 4", "1-5 5", "1-6 6"]);
    assert_eq!(read(&mut resume(&session, "1-1")), ["gap [7: events_evicted]", "end"]);
}

#[test]
fn what_the_reader_is_past_makes_room_before_progress_that_it_is_not() {
    let (_, session) = with_limits(four_messages());
    let (ticket, mut post) = streaming(&session, 7);
    say(&ticket, "1");
    say(&ticket, "2");
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 1", "1-2 2"]);
    progress(&ticket, "3");
    for n in 4..=6 {
        say(&ticket, &n.to_string());
    }
    assert_eq!(read(&mut post), ["1-3 3", "1-4 4", "1-5 5", "1-6 6"]);
}

#[test]
fn in_a_batch_only_requests_without_an_answer_before_the_cursor_get_the_error() {
    let (_, session) = with_limits(four_messages());
    let tickets: Vec<_> = (1..=4).map(|n| begin(&session, n)).collect();
    let mut post = session.open_stream(&tickets, NOW).unwrap();
    let mut tickets = tickets.into_iter();
    tickets.next().unwrap().answer("first".into());
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 first"]);
    assert_eq!(session.cancel(&RequestId::from(2)), Cancelled::Done);
    tickets.next();
    tickets.next().unwrap().answer("third".into());
    let last = tickets.next().unwrap();
    lose(&last, post);
    let told = "gap [3: events_evicted, 4: events_evicted]";
    assert_eq!(read(&mut resume(&session, "1-1")), [told, "end"]);
}

#[test]
fn a_lost_stream_whose_call_was_cancelled_is_nothing() {
    let (_, session) = with_limits(four_messages());
    let (ticket, post) = streaming(&session, 7);
    lose(&ticket, post);
    assert_eq!(read(&mut resume(&session, "1-0")), ["gap [7: events_evicted]", "end"]);
    assert_eq!(session.cancel(&RequestId::from(7)), Cancelled::Done);
    assert!(resumes_to_nothing(&session, "1-0"));
}

#[test]
fn the_standalone_stream_starts_anew_after_a_gap_with_what_may_have_changed() {
    let (_, session) = with_limits(four_messages());
    let mut get = session.open_standalone(NOW).unwrap();
    notify(&session, "1");
    notify(&session, "2");
    assert_eq!(read(&mut get), ["0-1 1", "0-2 2"]);
    drop(get);
    for n in 3..=7 {
        notify(&session, &n.to_string());
    }
    // 3 was evicted before anyone was given it; a cursor on 1 also lacks 2.
    let expected = ["gap [tools changed]", "0-4 4", "0-5 5", "0-6 6", "0-7 7"];
    assert_eq!(read(&mut resume(&session, "0-1")), expected);
    // A cursor past the gap is not concerned, and one before it is told again.
    assert_eq!(read(&mut resume(&session, "0-6")), ["0-7 7"]);
    assert_eq!(read(&mut resume(&session, "0-1")), ["gap [tools changed]", "prime 0-8"]);
    assert_eq!(read(&mut resume(&session, "0-8")), [""; 0]);
}

#[test]
fn a_plain_get_is_told_of_what_nobody_was_there_to_hear() {
    let (_, session) = with_limits(four_messages());
    for n in 1..=5 {
        notify(&session, &n.to_string());
    }
    let mut get = session.open_standalone(NOW).unwrap();
    let expected = ["gap [tools changed]", "0-2 2", "0-3 3", "0-4 4", "0-5 5"];
    assert_eq!(read(&mut get), expected);
    // Once is enough, also for a reader that falls behind and catches up.
    for n in 6..=10 {
        notify(&session, &n.to_string());
    }
    let expected = ["gap [tools changed]", "0-7 7", "0-8 8", "0-9 9", "0-10 10"];
    assert_eq!(read(&mut get), expected);
}

#[test]
fn a_request_to_the_client_outlives_the_gap() {
    let (_, session) = with_limits(four_messages());
    assert_eq!(session.notify(Kind::Request, "ask".into()), Sent::Logged);
    for n in 2..=6 {
        notify(&session, &n.to_string());
    }
    let mut get = session.open_standalone(NOW).unwrap();
    let expected = ["gap [tools changed]", "0-1 ask", "0-4 4", "0-5 5", "0-6 6"];
    assert_eq!(read(&mut get), expected);
}

#[test]
fn a_stream_that_is_gone_after_its_retention_is_said_to_be() {
    let (registry, session) = with_limits(Limits::default());
    let (ticket, mut post) = streaming(&session, 7);
    read(&mut post);
    drop(post);
    ticket.answer("done".into());
    // The first sweep at 15 s sees it; it stays for 300 s after that.
    assert_eq!(sweep(&registry, 0, 300).retired, 0);
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 done", "end"]);
    assert_eq!(session.bytes(), 4);
    assert_eq!(sweep(&registry, 300, 314).retired, 0);
    assert_eq!(sweep(&registry, 314, 315).retired, 1);
    assert_eq!(session.bytes(), 0);
    assert_eq!(read(&mut resume(&session, "1-0")), ["gap [7: events_evicted]", "end"]);
    assert!(resumes_to_nothing(&session, "1-1"), "this client has its answer");
}

#[test]
fn a_cancelled_call_leaves_nothing_behind_its_retention() {
    let (registry, session) = with_limits(Limits::default());
    let (_ticket, post) = streaming(&session, 7);
    drop(post);
    session.cancel(&RequestId::from(7));
    assert_eq!(sweep(&registry, 0, 315).retired, 1);
    assert!(resumes_to_nothing(&session, "1-0"));
}

#[test]
fn finished_streams_are_kept_up_to_a_number_and_those_given_whole_go_first() {
    let (_, session) = with_limits(Limits { finished_streams: 2, ..Limits::default() });
    let (ungiven, _) = streaming(&session, 1);
    ungiven.answer("one".into());
    for n in 2..=3 {
        let (ticket, mut post) = streaming(&session, n);
        ticket.answer("done".into());
        assert_eq!(read(&mut post).last().unwrap(), "end");
    }
    drop(streaming(&session, 4));
    // 2 and 3 went, although 1 is the oldest.
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 one", "end"]);
    assert_eq!(read(&mut resume(&session, "2-0")), ["gap [2: events_evicted]", "end"]);
    assert_eq!(read(&mut resume(&session, "3-0")), ["gap [3: events_evicted]", "end"]);
    assert_eq!(read(&mut resume(&session, "4-0")), ["4-1 4: unanswered", "end"]);
}

#[test]
fn streams_with_a_call_in_flight_or_a_reader_are_not_retired_however_many() {
    let (_, session) = with_limits(Limits { finished_streams: 0, ..Limits::default() });
    // Clients that are away, and their calls go on.
    let away: Vec<_> = (1..=3).map(|n| streaming(&session, n).0).collect();
    // Answers that are still being read.
    let mut reading: Vec<_> = (4..=6)
        .map(|n| {
            let (ticket, post) = streaming(&session, n);
            ticket.answer("done".into());
            post
        })
        .collect();
    drop(streaming(&session, 7));
    for (post, n) in reading.iter_mut().zip(4..) {
        assert_eq!(read(post), [format!("prime {n}-0"), format!("{n}-1 done"), "end".into()]);
    }
    for (ticket, n) in away.into_iter().zip(1..) {
        let mut resumed = resume(&session, &format!("{n}-0"));
        ticket.answer("done".into());
        assert_eq!(read(&mut resumed), [format!("{n}-1 done"), "end".into()]);
    }
}

#[test]
fn finished_streams_are_kept_up_to_a_number_of_bytes_but_the_last_one_always() {
    let (_, session) = with_limits(Limits { session_bytes: 100, ..Limits::default() });
    for n in 1..=3 {
        let (ticket, _) = streaming(&session, n);
        ticket.answer("x".repeat(50).into());
    }
    assert_eq!(session.bytes(), 100);
    assert_eq!(read(&mut resume(&session, "1-0")), ["gap [1: events_evicted]", "end"]);
    let (ticket, _) = streaming(&session, 4);
    ticket.answer("x".repeat(200).into());
    assert_eq!(session.bytes(), 200);
    assert_eq!(read(&mut resume(&session, "4-0")).len(), 2);
}

#[test]
fn all_logs_of_a_session_share_a_limit_in_bytes() {
    let limits = Limits { session_bytes: 100, stream_bytes: 80, ..Limits::default() };
    let (_, session) = with_limits(limits);
    let (one, _first) = streaming(&session, 1);
    let (two, mut second) = streaming(&session, 2);
    say(&one, &"1".repeat(60));
    assert_eq!(
        one.sender().send(Kind::Notification, "1".repeat(81).into()),
        Sent::Refused(Refused::TooLarge)
    );
    // 40 are left to the second, of which a quarter is kept free.
    say(&two, &"a".repeat(20));
    say(&two, &"b".repeat(10));
    assert_eq!(two.sender().send(Kind::Notification, "c".into()), Sent::Refused(Refused::Full));
    assert_eq!(two.sender().send(Kind::Marker, "c".into()), Sent::Logged);
    assert_eq!(session.bytes(), 91);
    assert_eq!(read(&mut second).len(), 4);
}

#[test]
fn tombstones_have_a_limit_and_long_ids_none() {
    let limits = Limits { tombstones: 2, finished_streams: 0, ..Limits::default() };
    let (_, session) = with_limits(limits);
    for n in 1..=3 {
        let (ticket, _) = streaming(&session, n);
        ticket.answer("done".into());
    }
    assert!(resumes_to_nothing(&session, "1-0"));
    assert_eq!(read(&mut resume(&session, "2-0")), ["gap [2: events_evicted]", "end"]);
    assert_eq!(read(&mut resume(&session, "3-0")), ["gap [3: events_evicted]", "end"]);

    let raw = format!("\"{}\"", "i".repeat(39));
    let raw = serde_json::value::RawValue::from_string(raw).unwrap();
    let long = RequestId::from_raw(&*raw).unwrap();
    let ticket = session.begin_call(long, Arc::new(|| ())).unwrap();
    drop(session.open_stream([&ticket], NOW));
    ticket.answer("done".into());
    assert!(resumes_to_nothing(&session, "4-0"));
}

#[test]
fn what_the_standalone_stream_gave_is_kept_for_its_time_and_then_spoken_of() {
    let (registry, session) = with_limits(Limits::default());
    let mut get = session.open_standalone(NOW).unwrap();
    notify(&session, "1");
    assert_eq!(read(&mut get), ["0-1 1"]);
    sweep(&registry, 0, 300);
    assert_eq!(read(&mut resume(&session, "0-0")), ["0-1 1"]);
    let mut get = session.open_standalone(NOW).unwrap();
    notify(&session, "2");
    assert_eq!(read(&mut get), ["0-2 2"]);
    sweep(&registry, 300, 315);
    assert_eq!(session.bytes(), 1);
    assert_eq!(read(&mut resume(&session, "0-1")), ["0-2 2"]);
    assert_eq!(read(&mut resume(&session, "0-0")), ["gap [tools changed]", "prime 0-3"]);
}

/// Decision 10: an idle session costs at most 2 KiB, also if its client never opens a GET.
#[test]
fn notifications_that_nobody_comes_for_are_dropped_into_a_gap() {
    let (registry, session) = with_limits(Limits::default());
    session.set_initialized();
    notify(&session, "1");
    assert_eq!(session.notify(Kind::Request, "ask".into()), Sent::Logged);
    sweep(&registry, 0, 315);
    assert_eq!(session.bytes(), 3);
    let mut get = session.open_standalone(NOW).unwrap();
    assert_eq!(read(&mut get), ["gap [tools changed]", "0-2 ask"]);
}

/// A quarter of the room, and 256 bytes at most, is kept free for a marker.
#[test]
fn a_notification_of_a_call_fits_up_to_what_is_kept_free() {
    let send = |bytes: usize| {
        let limits = Limits { stream_bytes: 2048, ..Limits::default() };
        let (_, session) = with_limits(limits);
        let (ticket, _post) = streaming(&session, 7);
        ticket.sender().send(Kind::Notification, "x".repeat(bytes).into())
    };
    assert_eq!(send(2048 - 256), Sent::Logged);
    assert_eq!(send(2048 - 255), Sent::Refused(Refused::Full));
    assert_eq!(send(2048), Sent::Refused(Refused::Full));
    assert_eq!(send(2049), Sent::Refused(Refused::TooLarge));
}

#[test]
fn whether_a_notification_fits_behind_a_marker_is_exact() {
    let (_, session) = with_limits(Limits { stream_bytes: 2048, ..four_messages() });
    let unbound = begin(&session, 6);
    assert!(!unbound.sender().has_room(0), "there is no stream");
    let (ticket, mut post) = streaming(&session, 7);
    let sender = ticket.sender();
    // The marker, and what is kept free for the next one.
    let most = 2048 - 256 - 256;
    assert!(sender.has_room(most) && !sender.has_room(most + 1));
    say(&ticket, "0123456789");
    assert!(sender.has_room(most - 10) && !sender.has_room(most - 9));
    // One of four messages is kept free too.
    say(&ticket, "");
    assert!(!sender.has_room(0));
    assert_eq!(read(&mut post).len(), 3);
    assert!(sender.has_room(most) && !sender.has_room(most + 1));
    ticket.answer("done".into());
    assert!(!sender.has_room(0), "the call is over");
}
