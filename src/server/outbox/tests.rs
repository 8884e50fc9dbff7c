use std::sync::atomic::{AtomicUsize, Ordering};

use futures::task::{ArcWake, noop_waker, waker};

use super::*;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl ArcWake for Wakes {
    fn wake_by_ref(wakes: &Arc<Self>) {
        wakes.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn said(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Sink for Log {
    fn send(&self, message: Outgoing) -> Result<(), NoRoom> {
        self.0.lock().unwrap().push(text(&message));
        Ok(())
    }

    fn has_room(&self, _: usize) -> bool {
        true
    }
}

/// A sink that has room for a number of log messages, and then for one marker more.
#[derive(Default)]
struct Narrow {
    log: Log,
    room: Mutex<usize>,
}

impl Sink for Narrow {
    fn send(&self, message: Outgoing) -> Result<(), NoRoom> {
        let mut room = self.room.lock().unwrap();
        let needed = if message.kind == OutgoingKind::Log { 2 } else { 1 };
        if *room < needed {
            return Err(NoRoom);
        }
        *room -= 1;
        self.log.send(message)
    }

    fn has_room(&self, _: usize) -> bool {
        *self.room.lock().unwrap() >= 3
    }
}

fn text(message: &Outgoing) -> String {
    String::from_utf8(message.bytes.to_vec()).unwrap()
}

fn outbox_in(limits: OutboxLimits, gap_level: LogLevel, budget: &Arc<Budget>) -> Outbox {
    Outbox::new(Arc::new(OutboxRoom { limits, budget: Arc::clone(budget) }), gap_level)
}

fn outbox(messages: usize, bytes: usize) -> Outbox {
    let budget = Budget::new(usize::MAX);
    outbox_in(OutboxLimits { messages, bytes }, LogLevel::Warning, &budget)
}

fn marker(dropped: u64) -> String {
    text(&gap_marker(dropped, LogLevel::Warning))
}

/// Takes all that can be taken.
fn take(outbox: &Outbox) -> Vec<String> {
    let next = || match outbox.poll_next(&noop_waker()) {
        Poll::Ready(message) => message,
        Poll::Pending => None,
    };
    std::iter::from_fn(next).map(|message| text(&message)).collect()
}

#[test]
fn messages_are_polled_out_in_the_order_in_which_they_were_said() {
    let outbox = outbox(9, 99);
    assert!(!outbox.has_messages());
    outbox.send_progress(0.0, "p0".into());
    outbox.send_log("l".into());
    outbox.send_progress(1.0, "p1".into());
    assert!(outbox.has_messages());
    assert_eq!(take(&outbox), ["p0", "l", "p1"]);
    assert_eq!(outbox.poll_next(&noop_waker()), Poll::Pending);
}

/// 2026-07-28, Progress: "The progress value MUST increase with each notification".
#[test]
fn progress_that_does_not_rise_is_ignored() {
    let outbox = outbox(9, 99);
    for (progress, bytes) in [(1.0, "a"), (1.0, "b"), (0.5, "c"), (1.5, "d")] {
        outbox.send_progress(progress, bytes.into());
    }
    assert_eq!(take(&outbox), ["a", "d"]);
    outbox.send_progress(1.5, "e".into());
    assert!(!outbox.has_messages());
}

#[test]
fn a_request_keeps_its_place_among_what_was_said() {
    let outbox = outbox(9, 99);
    outbox.send_log("l".into());
    assert_eq!(outbox.send_request(1, "r1".into()), Ok(()));
    assert!(outbox.needs_stream());
    outbox.send_progress(1.0, "p".into());
    let log = Arc::new(Log::default());
    outbox.forward_to(log.clone());
    assert_eq!(outbox.send_request(2, "r2".into()), Ok(()));
    assert_eq!(log.said(), ["l", "r1", "p", "r2"]);
    outbox.close();
    assert_eq!(outbox.send_request(3, "r3".into()), Err(RequestRefused::Closed));
    assert_eq!(log.said().len(), 4);
}

#[test]
fn a_request_takes_the_place_of_progress_and_of_nothing_else() {
    let outbox = outbox(3, 99);
    outbox.send_progress(0.0, "p0".into());
    outbox.send_log("l".into());
    outbox.send_progress(1.0, "p1".into());
    assert_eq!(outbox.send_request(1, "r1".into()), Ok(()));
    assert_eq!(outbox.send_request(2, "r2".into()), Ok(()));
    assert_eq!(outbox.send_request(3, "r3".into()), Err(RequestRefused::NoRoom));
    assert_eq!(take(&outbox), ["l", "r1", "r2"]);
}

#[test]
fn log_messages_that_had_no_room_are_told_before_the_request_that_follows() {
    let outbox = outbox(9, 140);
    outbox.send_log("x".repeat(141).into());
    assert_eq!(outbox.send_request(1, "r".into()), Ok(()));
    let taken = take(&outbox);
    assert!(taken[0].contains("\"dropped\":1"), "{taken:?}");
    assert_eq!(taken[1..], ["r"]);
    // In a sink as well, if there is room for both.
    let outbox = self::outbox(9, 999);
    let narrow = Arc::new(Narrow { log: Log::default(), room: Mutex::new(1) });
    outbox.forward_to(narrow.clone());
    outbox.send_log("a".into());
    *narrow.room.lock().unwrap() = 5;
    assert_eq!(outbox.send_request(1, "r".into()), Ok(()));
    let said = narrow.log.said();
    assert!(said[0].contains("\"dropped\":1"), "{said:?}");
    assert_eq!(said[1..], ["r"]);
}

/// The last eighth of the memory is for what may not be refused.
#[test]
fn a_request_may_use_the_last_eighth_of_the_budget_and_no_more() {
    let budget = Budget::new(80);
    let outbox = outbox_in(OutboxLimits::default(), LogLevel::Warning, &budget);
    outbox.send_log("x".repeat(70).into());
    assert_eq!(outbox.send_request(1, "0123456789".into()), Ok(()));
    assert_eq!(outbox.send_request(2, "x".into()), Err(RequestRefused::NoRoom));
    assert!(budget.take_pressure());
}

#[test]
fn a_request_wakes_the_one_who_waits() {
    let outbox = outbox(9, 99);
    let wakes = Arc::new(Wakes::default());
    outbox.register(&waker(wakes.clone()));
    assert_eq!(outbox.send_request(1, "r".into()), Ok(()));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_message_wakes_the_one_who_registered_last_once() {
    let outbox = outbox(9, 99);
    let (first, second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    outbox.register(&waker(first.clone()));
    assert_eq!(outbox.poll_next(&waker(second.clone())), Poll::Pending);
    outbox.send_log("a".into());
    outbox.send_log("b".into());
    assert_eq!((first.0.load(Ordering::Relaxed), second.0.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn at_the_limit_of_messages_progress_takes_the_place_of_the_newest_progress() {
    let outbox = outbox(3, 99);
    outbox.send_progress(1.0, "p1".into());
    outbox.send_progress(2.0, "p2".into());
    outbox.send_log("l".into());
    outbox.send_progress(3.0, "p3".into());
    outbox.send_progress(4.0, "p4".into());
    assert_eq!(take(&outbox), ["p1", "l", "p4"]);
}

#[test]
fn at_the_limit_of_bytes_progress_takes_the_place_of_the_newest_progress_if_that_helps() {
    let outbox = outbox(9, 6);
    outbox.send_log("log".into());
    outbox.send_progress(1.0, "p01".into());
    outbox.send_progress(2.0, "p02".into());
    assert_eq!(take(&outbox), ["log", "p02"]);
    outbox.send_log("log".into());
    outbox.send_progress(3.0, "p03".into());
    outbox.send_progress(4.0, "too long".into());
    assert_eq!(take(&outbox), ["log", "p03"]);
}

#[test]
fn log_messages_that_do_not_fit_leave_a_marker_with_their_number() {
    let outbox = outbox(2, 9_999);
    for log in ["a", "b", "c", "d"] {
        outbox.send_log(log.into());
    }
    assert_eq!(take(&outbox), ["a", "b", &marker(2)]);
    assert!(marker(2).contains(r#""level":"warning","logger":"mcp-http","data":{"dropped":2}"#));
    outbox.send_log("e".into());
    assert_eq!(take(&outbox), ["e"]);
}

#[test]
fn the_marker_stands_where_the_messages_are_missing() {
    let outbox = outbox(2, 9_999);
    for log in ["a", "b", "lost"] {
        outbox.send_log(log.into());
    }
    // One place is not enough for a marker and the message.
    assert!(outbox.poll_next(&noop_waker()).is_ready());
    outbox.send_log("lost too".into());
    assert!(outbox.poll_next(&noop_waker()).is_ready());
    outbox.send_log("c".into());
    assert_eq!(take(&outbox), [&marker(2), "c"]);
}

#[test]
fn a_log_message_longer_than_the_limit_is_counted_and_one_at_the_limit_fits() {
    let outbox = outbox(9, 5);
    outbox.send_log("12345".into());
    assert_eq!(take(&outbox), ["12345"]);
    outbox.send_log("123456".into());
    assert!(outbox.has_messages());
    assert_eq!(take(&outbox), [marker(1)]);
}

/// DESIGN, decision 8: everything has a limit, a default and a test at the limit.
#[test]
fn by_default_4096_messages_and_a_mebibyte_wait() {
    let outbox = outbox_in(OutboxLimits::default(), LogLevel::Error, &Budget::new(usize::MAX));
    for _ in 0..100_000 {
        outbox.send_log("x".into());
    }
    assert_eq!(take(&outbox).len(), 4_096 + 1);
    let half = Bytes::from(vec![b'x'; 512 * 1_024]);
    for _ in 0..3 {
        outbox.send_log(half.clone());
    }
    let taken = take(&outbox);
    assert_eq!(taken.len(), 2 + 1);
    assert!(taken[2].contains(r#""level":"error""#), "the level that the client asked for");
}

#[test]
fn what_a_sink_has_no_room_for_is_told_once_it_has_and_at_the_end() {
    let outbox = outbox(9, 99);
    let sink = Arc::new(Narrow { room: Mutex::new(2), ..Narrow::default() });
    for log in ["a", "b"] {
        outbox.send_log(log.into());
    }
    outbox.forward_to(sink.clone());
    outbox.send_log("c".into());
    assert_eq!(sink.log.said(), ["a"]);
    *sink.room.lock().unwrap() = 3;
    outbox.send_log("d".into());
    assert_eq!(sink.log.said(), ["a".to_owned(), marker(2), "d".to_owned()]);
    outbox.send_log("e".into());
    outbox.close();
    assert_eq!(sink.log.said()[3..], [marker(1)]);
    assert_eq!(outbox.discarded(), 0);
}

#[test]
fn what_could_not_be_told_at_the_end_is_counted() {
    let outbox = outbox(9, 99);
    outbox.forward_to(Arc::new(Narrow::default()));
    outbox.send_log("a".into());
    outbox.send_progress(1.0, "p".into());
    outbox.close();
    assert_eq!(outbox.discarded(), 1);
}

#[test]
fn forwarding_drains_the_queue_first_and_then_passes_everything_on() {
    let outbox = outbox(2, 9_999);
    for log in ["a", "b", "lost"] {
        outbox.send_log(log.into());
    }
    let log = Arc::new(Log::default());
    outbox.forward_to(log.clone());
    for later in ["c", "d", "e"] {
        outbox.send_log(later.into());
    }
    assert_eq!(log.said(), ["a", "b", &marker(1), "c", "d", "e"]);
    assert!(!outbox.has_messages());
    assert_eq!(outbox.poll_next(&noop_waker()), Poll::Ready(None));
}

#[test]
fn concurrent_progress_reaches_the_sink_in_rising_order() {
    let (outbox, log) = (outbox(9_999, 999_999), Arc::new(Log::default()));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let outbox = &outbox;
            scope.spawn(move || {
                for step in 0..1_000 {
                    let progress = f64::from(step * 4 + thread);
                    outbox.send_progress(progress, progress.to_string().into());
                }
            });
        }
        outbox.forward_to(log.clone());
    });
    let said: Vec<f64> = log.said().iter().map(|said| said.parse().unwrap()).collect();
    assert!(said.is_sorted_by(|a, b| a < b));
    assert_eq!(said.last(), Some(&3_999.0));
}

#[test]
fn after_the_end_messages_are_discarded_and_counted_and_earlier_ones_can_be_taken() {
    let outbox = outbox(9, 99);
    let wakes = Arc::new(Wakes::default());
    outbox.send_log("a".into());
    outbox.register(&waker(wakes.clone()));
    outbox.close();
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    outbox.send_log("b".into());
    outbox.send_progress(1.0, "c".into());
    assert_eq!(outbox.discarded(), 2);
    assert_eq!(take(&outbox), ["a"]);
    assert_eq!(outbox.poll_next(&noop_waker()), Poll::Ready(None));
}

/// Most outboxes end so: without the lock, and without a state.
#[test]
fn an_outbox_that_ends_unused_takes_nothing_either() {
    for end in [Outbox::close, Outbox::discard] {
        let (outbox, log) = (outbox(9, 99), Arc::new(Log::default()));
        end(&outbox);
        assert!(outbox.state.get().is_none());
        assert!(outbox.close_unsaid() && !outbox.needs_stream());
        outbox.send_log("a".into());
        outbox.close_stream();
        assert!(outbox.close_unsaid() && !outbox.needs_stream());
        outbox.forward_to(log.clone());
        outbox.send_log("b".into());
        assert!(log.said().is_empty());
        assert_eq!(outbox.discarded(), 2);
        assert_eq!(outbox.poll_next(&noop_waker()), Poll::Ready(None));
    }
}

#[test]
fn after_the_end_forwarding_passes_on_what_was_said_before_and_no_more() {
    let (outbox, log) = (outbox(9, 99), Arc::new(Log::default()));
    outbox.send_log("a".into());
    outbox.close();
    outbox.forward_to(log.clone());
    outbox.send_log("b".into());
    assert_eq!(log.said(), ["a"]);
    assert_eq!(outbox.discarded(), 1);
}

#[test]
fn the_end_lets_go_of_the_sink() {
    let (outbox, log) = (outbox(9, 99), Arc::new(Log::default()));
    outbox.forward_to(log.clone());
    outbox.close();
    outbox.send_log("late".into());
    assert_eq!(Arc::strong_count(&log), 1);
    assert!(log.said().is_empty());
}

#[test]
fn what_nobody_can_be_told_is_discarded_and_counted() {
    let outbox = outbox(1, 99);
    outbox.send_log("a".into());
    outbox.send_log("b".into());
    outbox.discard();
    outbox.send_log("c".into());
    assert_eq!(outbox.discarded(), 3);
    assert!(!outbox.has_messages());
    assert_eq!(outbox.poll_next(&noop_waker()), Poll::Ready(None));
}
