//! What a handler and those who wait for it share, in the orders that a scheduler picks.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use shuttle::future::block_on;
use shuttle::thread;

use super::cancel::{Cancellation, Cancelled};
use super::outbox::{NoRoom, Outbox, OutboxLimits, OutboxRoom, Outgoing, Sink};
use crate::protocol::budget::Budget;
use crate::protocol::log_level::LogLevel;
use crate::protocol::sync::{Mutex, explore};

const TEXTS: [&str; 3] = ["a", "b", "c"];

fn outbox() -> (Arc<Budget>, Arc<Outbox>) {
    let budget = Budget::new(1 << 20);
    let room = OutboxRoom { limits: OutboxLimits::default(), budget: Arc::clone(&budget) };
    let outbox = Outbox::new(Arc::new(room), LogLevel::Warning);
    (budget, Arc::new(outbox))
}

fn speak(outbox: &Arc<Outbox>) -> thread::JoinHandle<()> {
    let outbox = Arc::clone(outbox);
    thread::spawn(move || {
        TEXTS.iter().for_each(|text| outbox.send_log(Bytes::from_static(text.as_bytes())))
    })
}

#[derive(Default)]
struct Log(Mutex<Vec<Bytes>>);

impl Sink for Log {
    fn send(&self, message: Outgoing) -> Result<(), NoRoom> {
        self.0.lock().unwrap().push(message.bytes);
        Ok(())
    }

    fn has_room(&self, _: usize) -> bool {
        true
    }
}

/// What is said while the outbox is turned over to a log arrives there whole and in order, and
/// nothing follows the end.
#[test]
fn what_is_said_while_an_outbox_is_turned_over_stays_in_order() {
    explore(|| {
        let (budget, outbox) = outbox();
        let log = Arc::new(Log::default());
        let speaker = speak(&outbox);
        let (forwarding, sink) = (Arc::clone(&outbox), Arc::clone(&log));
        let forwarder = thread::spawn(move || forwarding.forward_to(sink));
        let closing = Arc::clone(&outbox);
        let closer = thread::spawn(move || closing.close());
        closer.join().unwrap();
        forwarder.join().unwrap();
        let before = log.0.lock().unwrap().len();
        speaker.join().unwrap();
        let said = log.0.lock().unwrap();
        assert_eq!(said[..], TEXTS[..said.len()]);
        assert_eq!(said.len(), before, "after the end");
        assert_eq!(said.len() as u64 + outbox.discarded(), TEXTS.len() as u64);
        assert_eq!(budget.held(), 0);
    });
}

/// What ends as if nothing was said has nothing after the end; what does not keeps what was said.
#[test]
fn an_outbox_ends_unused_or_keeps_what_was_said() {
    explore(|| {
        let (budget, outbox) = outbox();
        let speaker = speak(&outbox);
        let ending = Arc::clone(&outbox);
        let ender = thread::spawn(move || {
            let unsaid = ending.close_unsaid();
            ending.close();
            unsaid
        });
        let unsaid = ender.join().unwrap();
        speaker.join().unwrap();
        let mut said = Vec::new();
        while let Some(message) = block_on(poll_fn(|cx| outbox.poll_next(cx.waker()))) {
            said.push(message.bytes);
        }
        assert_eq!(said.is_empty(), unsaid);
        assert_eq!(said[..], TEXTS[..said.len()]);
        assert_eq!(said.len() as u64 + outbox.discarded(), TEXTS.len() as u64);
        assert_eq!(budget.held(), 0);
    });
}

/// Who waits for the next message is woken by it, and by the end.
#[test]
fn who_polls_an_outbox_gets_everything_until_its_end() {
    explore(|| {
        let (budget, outbox) = outbox();
        let speaking = Arc::clone(&outbox);
        let speaker = thread::spawn(move || {
            speak(&speaking).join().unwrap();
            speaking.close();
        });
        let mut said = Vec::new();
        while let Some(message) = block_on(poll_fn(|cx| outbox.poll_next(cx.waker()))) {
            said.push(message.bytes);
        }
        speaker.join().unwrap();
        assert_eq!(said, TEXTS);
        assert_eq!((outbox.discarded(), budget.held()), (0, 0));
    });
}

/// Who registers and then looks misses nothing.
#[test]
fn who_waits_for_the_first_message_is_woken_by_it() {
    explore(|| {
        let (_, outbox) = outbox();
        let speaker = speak(&outbox);
        block_on(poll_fn(|cx| {
            outbox.register(cx.waker());
            if outbox.has_messages() { Poll::Ready(()) } else { Poll::Pending }
        }));
        speaker.join().unwrap();
    });
}

struct Call(Arc<Cancellation>);

impl AsRef<Cancellation> for Call {
    fn as_ref(&self) -> &Cancellation {
        &self.0
    }
}

#[test]
fn whoever_waits_for_a_cancellation_is_told_of_it() {
    explore(|| {
        let cancellation = Arc::new(Cancellation::default());
        let waiters = [0, 1].map(|_| {
            let call = Call(Arc::clone(&cancellation));
            thread::spawn(move || block_on(Cancelled::new(call)))
        });
        // One who leaves frees a slot that the next may take.
        let call = Call(Arc::clone(&cancellation));
        let leaver = thread::spawn(move || {
            let mut leaving = Cancelled::new(call);
            let mut polled = std::pin::Pin::new(&mut leaving);
            let waker = std::task::Waker::noop();
            let _ = polled.as_mut().poll(&mut std::task::Context::from_waker(waker));
        });
        let cancelling = Arc::clone(&cancellation);
        thread::spawn(move || cancelling.cancel()).join().unwrap();
        waiters.into_iter().for_each(|it| it.join().unwrap());
        leaver.join().unwrap();
        assert!(cancellation.is_cancelled());
    });
}
