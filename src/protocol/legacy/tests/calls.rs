//! Calls: their answers, their cancellation, their end without either.

use super::*;

#[test]
fn a_call_without_a_stream_gets_its_answer_back_for_json() {
    let session = session();
    let ticket = begin(&session, 1);
    assert_eq!(ticket.sender().send(Kind::Notification, "n".into()), Sent::Unbound);
    assert_eq!(session.calls_in_flight(), 1);
    assert_eq!(ticket.answer("done".into()), Answered::Unbound("done".into()));
    assert_eq!(session.calls_in_flight(), 0);
}

/// claude.ai's connectors send every request with `id: 1` (decision 7).
#[test]
fn calls_with_the_same_request_id_get_each_its_own_answer() {
    let session = session();
    let (one, mut first) = streaming(&session, 1);
    let (two, mut second) = streaming(&session, 1);
    say(&one, "of one");
    two.answer("two".into());
    one.answer("one".into());
    assert_eq!(read(&mut first), ["prime 1-0", "1-1 of one", "1-2 one", "end"]);
    assert_eq!(read(&mut second), ["prime 2-0", "2-1 two", "end"]);
}

/// 2025-11-25, Cancellation, Behavior Requirements: "Not send a response for the cancelled
/// request".
#[test]
fn a_cancelled_call_gets_no_answer_and_its_stream_ends_without_one() {
    let session = session();
    let (ticket, handler) = begin_with(&session, 1);
    let mut post = session.open_stream([&ticket], NOW).unwrap();
    let (alarm, waker) = Alarm::new();
    assert_eq!(read_with(&mut post, &waker), ["prime 1-0"]);
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Done);
    assert_eq!((handler.stops(), alarm.count()), (1, 1));
    assert_eq!(ticket.sender().send(Kind::Progress, "p".into()), Sent::Discarded);
    assert_eq!(ticket.answer("done".into()), Answered::Cancelled);
    assert_eq!(read(&mut post), ["end"]);
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Unknown);
}

/// FACTS: SDKs reconnect indefinitely to a stream that ends cleanly; a 405 stops them.
#[test]
fn the_stream_of_a_cancelled_call_is_nothing_once_all_was_said() {
    let session = session();
    let (ticket, post) = streaming(&session, 1);
    say(&ticket, "a");
    drop(post);
    session.cancel(&RequestId::from(1));
    assert_eq!(read(&mut resume(&session, "1-0")), ["1-1 a", "end"]);
    assert!(resumes_to_nothing(&session, "1-1"));
}

#[test]
fn cancellation_acts_only_where_exactly_one_call_in_flight_has_the_id() {
    let session = session();
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Unknown);
    let (one, handler) = begin_with(&session, 1);
    let (two, other) = begin_with(&session, 1);
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Ambiguous);
    assert_eq!((handler.stops(), other.stops()), (0, 0));
    two.answer("done".into());
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Done);
    assert_eq!((handler.stops(), other.stops()), (1, 0));
    assert_eq!(one.answer("done".into()), Answered::Cancelled);
}

#[test]
fn a_closure_will_do_to_stop_a_handler() {
    let session = session();
    let stops = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&stops);
    let stop = move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let _ticket = session.begin_call(RequestId::from(1), Arc::new(stop)).unwrap();
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Done);
    assert_eq!(stops.load(Ordering::Relaxed), 1);
}

#[test]
fn in_a_batch_cancellation_ends_the_stream_with_the_last_call() {
    let session = session_of(ProtocolVersion::V2025_03_26);
    let (one, two) = (begin(&session, 1), begin(&session, 2));
    let mut post = session.open_stream([&one, &two], NOW).unwrap();
    session.cancel(&RequestId::from(1));
    assert_eq!(read_one(&mut post), "pending");
    two.answer("two".into());
    assert_eq!(read(&mut post), ["1-1 two", "end"]);
}

#[test]
fn a_stream_whose_calls_were_all_cancelled_before_it_began_ends() {
    let session = session();
    let ticket = begin(&session, 1);
    session.cancel(&RequestId::from(1));
    let mut post = session.open_stream([&ticket], NOW).unwrap();
    assert_eq!(read(&mut post), ["prime 1-0", "end"]);
    assert!(resumes_to_nothing(&session, "1-0"));
}

/// A stream never ends silently: "Never end a POST stream that has neither an answer nor a
/// resumable id" (decision 12).
#[test]
fn a_ticket_dropped_unanswered_answers_with_an_error() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    let (alarm, waker) = Alarm::new();
    assert_eq!(read_with(&mut post, &waker), ["prime 1-0"]);
    drop(ticket);
    assert_eq!(alarm.count(), 1);
    assert_eq!(read(&mut post), ["1-1 1: unanswered", "end"]);
}

#[test]
fn a_ticket_dropped_after_a_cancellation_or_without_a_stream_says_nothing() {
    let session = session();
    let (ticket, mut post) = streaming(&session, 1);
    session.cancel(&RequestId::from(1));
    drop(ticket);
    assert_eq!(read(&mut post), ["prime 1-0", "end"]);

    let (ticket, handler) = begin_with(&session, 2);
    drop(ticket);
    assert_eq!((session.calls_in_flight(), handler.stops()), (0, 0));
}

#[test]
fn a_disconnect_is_no_cancellation() {
    let session = session();
    let (ticket, handler) = begin_with(&session, 1);
    drop(session.open_stream([&ticket], NOW).unwrap());
    assert_eq!((session.calls_in_flight(), handler.stops()), (1, 0));
    assert_eq!(ticket.answer("done".into()), Answered::Streamed);
}

#[test]
fn calls_in_flight_have_a_limit_which_an_answer_frees() {
    let (_, session) = with_limits(Limits { calls: 2, ..Limits::default() });
    let one = begin(&session, 1);
    let _two = begin(&session, 2);
    let third = || session.begin_call(RequestId::from(3), Arc::new(|| ()));
    assert_eq!(third().unwrap_err(), CallRefused::AtCapacity);
    one.answer("done".into());
    assert!(third().is_ok());
}

#[test]
fn a_call_that_is_done_needs_no_admission_but_a_session_that_lives() {
    let (registry, session) = with_limits(Limits { calls: 0, ..Limits::default() });
    let ticket = session.adopt_call(RequestId::from(1)).unwrap();
    let mut post = session.open_stream([&ticket], NOW).unwrap();
    assert_eq!(ticket.answer("done".into()), Answered::Streamed);
    assert_eq!(read(&mut post), ["prime 1-0", "1-1 done", "end"]);
    registry.end(&id(1), &Principal::anonymous());
    assert_eq!(session.adopt_call(RequestId::from(2)).unwrap_err(), SessionEnded);
}

#[test]
fn an_answer_that_nobody_can_be_given_is_counted_and_ends_its_call() {
    let session = session();
    let (ticket, handler) = begin_with(&session, 1);
    ticket.discard();
    assert_eq!((session.calls_in_flight(), session.discarded()), (0, 1));
    assert_eq!(handler.stops(), 0);
    // After its end there is nothing to count.
    let ticket = begin(&session, 2);
    session.cancel(&RequestId::from(2));
    ticket.discard();
    assert_eq!(session.discarded(), 1);
}

/// A waker, a cancellation and their destructors may run anything, so also this very session.
#[test]
fn what_a_step_brings_about_runs_without_the_lock() {
    struct Reenter(Arc<Session>);
    impl Wake for Reenter {
        fn wake(self: Arc<Self>) {
            self.0.bytes();
        }
    }
    impl Drop for Reenter {
        fn drop(&mut self) {
            self.0.bytes();
        }
    }
    let session = session();
    let reenter = || Waker::from(Arc::new(Reenter(Arc::clone(&session))));
    let in_cancel = {
        let reenter = Reenter(Arc::clone(&session));
        move || assert_eq!(reenter.0.cancel(&RequestId::from(9)), Cancelled::Unknown)
    };
    let ticket = session.begin_call(RequestId::from(1), Arc::new(in_cancel)).unwrap();
    let mut post = session.open_stream([&ticket], NOW).unwrap();
    read_with(&mut post, &reenter());
    read_with(&mut post, &reenter());
    say(&ticket, "a");
    read_with(&mut post, &reenter());
    let mut newer = resume(&session, "1-0");
    read_with(&mut newer, &reenter());
    drop(newer);
    assert_eq!(session.cancel(&RequestId::from(1)), Cancelled::Done);

    // An answer drops what would have cancelled the call, perhaps as the last that holds it.
    let in_drop = Reenter(Arc::clone(&session));
    let cancel = Arc::new(move || assert_eq!(in_drop.0.bytes(), 0));
    let ticket = session.begin_call(RequestId::from(2), cancel).unwrap();
    ticket.answer("done".into());
    assert_eq!(session.calls_in_flight(), 0);
}
