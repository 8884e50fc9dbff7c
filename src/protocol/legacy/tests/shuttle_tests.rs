//! What threads share in the legacy era, in the orders that a scheduler picks.
//!
//! A connection that is left waiting though there is something for it parks its thread for ever,
//! which the scheduler reports as a deadlock.

use shuttle::future::block_on;
use shuttle::thread;

use super::*;
use crate::protocol::legacy::requests::Heard;
use crate::protocol::sync::explore;

/// The steps of a connection until it ends, waiting for each; it keeps the last id.
fn read_to_end(connection: &mut Connection, cursor: &mut Option<EventId>) -> Vec<String> {
    let mut steps = Vec::new();
    loop {
        let step = block_on(std::future::poll_fn(|cx| connection.poll_step(cx)));
        if let Step::Prime(id) | Step::Event { id, .. } = &step {
            *cursor = Some(*id);
        }
        let last = matches!(step, Step::End | Step::Displaced { .. });
        steps.push(shown(step));
        if last {
            return steps;
        }
    }
}

/// One step, if it comes without waiting.
fn read_now(connection: &mut Connection, cursor: &mut Option<EventId>) -> Option<String> {
    let Poll::Ready(step) = connection.poll(Waker::noop()) else { return None };
    if let Step::Prime(id) | Step::Event { id, .. } = &step {
        *cursor = Some(*id);
    }
    Some(shown(step))
}

/// Decision 4: an answer that becomes ready while a client goes and comes back is there once.
#[test]
fn an_answer_is_given_once_whenever_its_client_goes_and_comes_back() {
    explore(|| {
        let (registry, session) = with_limits(Limits::default());
        let (ticket, mut post) = streaming(&session, 1);
        let handler = thread::spawn(move || {
            say(&ticket, "a");
            say(&ticket, "b");
            assert_eq!(ticket.answer("done".into()), Answered::Streamed);
        });
        let sweeper = thread::spawn(move || {
            registry.sweep(Millis(15_000));
            registry.sweep(Millis(30_000));
        });
        let mut cursor = None;
        let mut seen = Vec::from_iter(read_now(&mut post, &mut cursor));
        seen.extend(read_now(&mut post, &mut cursor));
        drop(post);
        let mut resumed = resume(&session, &cursor.unwrap().to_string());
        seen.extend(read_now(&mut resumed, &mut cursor));
        // The next takes over from the one that is still there.
        if let Resumed::Attached(mut last) = session.resume(cursor.unwrap(), NOW) {
            seen.extend(read_to_end(&mut last, &mut cursor));
        }
        handler.join().unwrap();
        sweeper.join().unwrap();
        seen.retain(|step| step != "end");
        assert_eq!(seen, ["prime 1-0", "1-1 a", "1-2 b", "1-3 done"]);
    });
}

/// Decision 6: each message goes to exactly one connection, and the older one ends.
#[test]
fn a_takeover_divides_the_messages_between_the_two_connections() {
    explore(|| {
        let (registry, session) = with_limits(Limits::default());
        let mut older = session.open_standalone(NOW).unwrap();
        let speaking = Arc::clone(&session);
        let speaker = thread::spawn(move || {
            for text in ["a", "b", "c"] {
                notify(&speaking, text);
            }
        });
        let first = thread::spawn(move || read_to_end(&mut older, &mut None));
        let mut newer = session.open_standalone(NOW).unwrap();
        let second = thread::spawn(move || read_to_end(&mut newer, &mut None));
        speaker.join().unwrap();
        let mut seen = first.join().unwrap();
        assert_eq!(seen.pop().unwrap(), "displaced 1000");
        registry.end(&id(1), &Principal::anonymous());
        seen.extend(second.join().unwrap());
        assert_eq!(seen.pop().unwrap(), "end");
        seen.retain(|step| !step.starts_with("prime"));
        let texts: Vec<_> = seen.iter().map(|step| step.split(' ').next_back().unwrap()).collect();
        assert_eq!(texts, ["a", "b", "c"]);
    });
}

/// A session ends once, whoever ends it, and everyone who waits for it is told.
#[test]
fn a_session_that_is_deleted_while_its_call_answers_tells_everyone() {
    explore(|| {
        let limits = Limits { idle_uninitialized: Default::default(), ..Limits::default() };
        let (registry, session) = with_limits(limits);
        let registry = Arc::new(registry);
        let (ticket, handler) = begin_with(&session, 1);
        let mut post = session.open_stream([&ticket], NOW).unwrap();
        let answering = thread::spawn(move || ticket.answer("done".into()));
        let (by_client, by_sweep) = (Arc::clone(&registry), Arc::clone(&registry));
        let deleting = thread::spawn(move || by_client.end(&id(1), &Principal::anonymous()));
        let sweeping = thread::spawn(move || {
            by_sweep.sweep(Millis(0));
            by_sweep.sweep(Millis(15_000));
        });
        let seen = read_to_end(&mut post, &mut None);
        let answered = answering.join().unwrap();
        deleting.join().unwrap();
        sweeping.join().unwrap();
        let (told, stops) = match answered {
            Answered::Streamed => ("1-1 done", 0),
            Answered::Ended => ("1-1 1: session_ended", 1),
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, ["prime 1-0", told, "end"]);
        assert_eq!(handler.stops(), stops);
        assert!(session.is_ended());
        assert_eq!((registry.len(), registry.sessions().len()), (0, 0));
        drop(post);
        assert_eq!(registry.budget().held(), 0);
    });
}

/// Decision 7, and a cancelled call has no answer, whichever comes first.
#[test]
fn a_cancellation_and_an_answer_exclude_each_other() {
    explore(|| {
        let session = session();
        let (ticket, handler) = begin_with(&session, 1);
        let mut post = session.open_stream([&ticket], NOW).unwrap();
        let answering = thread::spawn(move || ticket.answer("done".into()));
        let cancelling = Arc::clone(&session);
        let cancelling = thread::spawn(move || cancelling.cancel(&RequestId::from(1)));
        let seen = read_to_end(&mut post, &mut None);
        let answered = answering.join().unwrap();
        let cancelled = cancelling.join().unwrap();
        let (expected, stops) = match cancelled {
            Cancelled::Done => (vec!["prime 1-0", "end"], 1),
            _ => (vec!["prime 1-0", "1-1 done", "end"], 0),
        };
        assert_eq!(seen, expected);
        assert_eq!((answered == Answered::Cancelled, handler.stops()), (stops == 1, stops));
    });
}

/// A client that unsubscribed is told nothing more, however close the update was.
#[test]
fn after_the_end_of_a_subscription_nothing_of_it_is_given() {
    explore(|| {
        let (_, session) = with_limits(Limits::default());
        session.subscribe("a").unwrap();
        let mut get = session.open_standalone(NOW).unwrap();
        let updating = Arc::clone(&session);
        let updater = thread::spawn(move || {
            for _ in 0..2 {
                updating.announce_update(&Update::new("a", &Bytes::from("a")));
            }
        });
        let ending = Arc::clone(&session);
        let ender = thread::spawn(move || ending.unsubscribe("a").unwrap());
        ender.join().unwrap();
        let seen = Vec::from_iter(read_now(&mut get, &mut None));
        updater.join().unwrap();
        // What was taken back leaves its place.
        let rest = read(&mut get);
        let steps: Vec<_> = seen.iter().chain(&rest).collect();
        assert!(steps.iter().all(|step| step.starts_with("prime")), "{steps:?}");
        assert_eq!(session.bytes(), 0);
    });
}

/// Decision 8: the census admits as many as it may, however many come at once.
#[test]
fn as_many_sessions_are_admitted_as_may_be_and_no_more() {
    explore(|| {
        let limits = Limits { sessions: 3, sessions_per_principal: 2, ..Limits::default() };
        let registry = Arc::new(Registry::new(limits, Vec::new()));
        let alice = Principal::named("alice");
        let openers: Vec<_> = (1..=3)
            .map(|n| {
                let (registry, alice) = (Arc::clone(&registry), alice.clone());
                thread::spawn(move || {
                    let opening = opening(ProtocolVersion::V2025_11_25, alice.clone());
                    let opened = registry.open(id(n), opening).is_ok();
                    assert!(registry.len() <= 2);
                    // What was admitted is there, and can be found.
                    let found = registry.find(&id(n), &alice);
                    assert_eq!(matches!(found, Lookup::Live(_)), opened);
                    if opened && n == 1 {
                        assert_eq!(registry.end(&id(n), &alice), Ending::Done);
                    }
                    opened
                })
            })
            .collect();
        let sweeping = Arc::clone(&registry);
        let sweeper = thread::spawn(move || sweeping.sweep(Millis(15_000)));
        let opened: Vec<_> = openers.into_iter().map(|it| it.join().unwrap()).collect();
        sweeper.join().unwrap();
        let count = opened.iter().filter(|it| **it).count();
        assert!(count >= 2, "one was refused though there was room: {opened:?}");
        assert_eq!(registry.len(), count - usize::from(opened[0]));
        assert_eq!(registry.sessions().len(), registry.len());
    });
}

/// What is held in all is exact once everyone is done.
#[test]
fn what_two_sessions_hold_at_once_is_given_back_whole() {
    explore(|| {
        let (registry, first) = with_limits(Limits { total_bytes: 80, ..Limits::default() });
        let registry = Arc::new(registry);
        let second = opening(ProtocolVersion::V2025_11_25, Principal::anonymous());
        let second = registry.open(id(2), second).unwrap();
        let speakers = [first, second].map(|session| {
            thread::spawn(move || {
                let (ticket, post) = streaming(&session, 1);
                let sender = ticket.sender();
                for _ in 0..2 {
                    let _ = sender.send(Kind::Notification, "x".repeat(30).into());
                }
                ticket.answer("done".into());
                drop(post);
            })
        });
        let relieving = Arc::clone(&registry);
        let relief = thread::spawn(move || relieving.relieve());
        speakers.into_iter().for_each(|it| it.join().unwrap());
        relief.join().unwrap();
        let held: usize = registry.sessions().iter().map(|session| session.bytes()).sum();
        assert_eq!(registry.budget().held(), held);
        registry.shut_down();
        assert_eq!(registry.budget().held(), 0);
    });
}

/// What a client was asked has one outcome: its answer, the timeout, or the end of its call.
#[test]
fn an_answer_a_timeout_and_the_end_of_a_call_exclude_each_other() {
    explore(|| {
        let limits = Limits { input_timeout: Default::default(), ..Limits::default() };
        let (registry, session) = with_limits(limits);
        session.set_initialized();
        let (call, mut post) = streaming(&session, 1);
        let (ear, id) = asking::ask(&call);
        read_now(&mut post, &mut None);
        let (answering, cancelling) = (Arc::clone(&session), Arc::clone(&session));
        let answering = thread::spawn(move || asking::answer(&answering, id, "1"));
        let sweeping = thread::spawn(move || registry.sweep(Millis(15_000)).timed_out);
        let cancelling = thread::spawn(move || cancelling.cancel(&RequestId::from(1)));
        let answered = answering.join().unwrap() == Heard::Yes;
        let timed_out = sweeping.join().unwrap() == 1;
        assert_eq!(cancelling.join().unwrap(), Cancelled::Done);
        let expected: &[&str] = match (answered, timed_out) {
            (true, false) => &["1"],
            (false, true) => &["timed out"],
            (false, false) => &[],
            (true, true) => panic!("two outcomes"),
        };
        assert_eq!(ear.heard(), expected);
        assert_eq!(Arc::strong_count(&ear), 1);
        drop(call);
        // The client has seen nothing, or the request and that nobody waits any more.
        let seen = read_to_end(&mut post, &mut None);
        assert_eq!(seen.last().unwrap(), "end");
        let asked = seen.iter().filter(|step| step.ends_with("ask 1")).count();
        let retracted = seen.iter().filter(|step| step.contains("notifications/cancelled")).count();
        assert!(asked <= 1 && retracted <= asked, "{seen:?}");
    });
}
