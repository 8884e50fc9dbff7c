//! The open loop: requests at a fixed rate, whether or not the ones before were answered.
//!
//! A latency counts from when the request was meant to be sent, not from when a connection was free
//! to send it. Otherwise a server that stalls would also stall the clock that it is judged by
//! ("coordinated omission").

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Notify;
use tokio::task::{JoinSet, yield_now};

use crate::load::{Lane, Measured, Tally, Window, measured};
use crate::subject::Subject;
use crate::wire::Wire;

/// When requests were meant to be sent that no connection has taken yet.
#[derive(Default)]
struct Due {
    times: Mutex<VecDeque<Instant>>,
    more: Notify,
}

impl Due {
    fn push(&self, time: Instant) {
        self.times.lock().expect("nothing panics while it is held").push_back(time);
        self.more.notify_one();
    }

    async fn next(&self) -> Instant {
        loop {
            let next = self.times.lock().expect("nothing panics while it is held").pop_front();
            match next {
                Some(time) => return time,
                None => self.more.notified().await,
            }
        }
    }
}

/// Sends so many requests a second, over whichever connection is free.
pub async fn open(
    subject: &Subject,
    lanes: &[Arc<Lane>],
    rate: f64,
    window: Window,
) -> Result<Measured> {
    let (tally, due) = (Tally::new(), Arc::new(Due::default()));
    let mut workers = JoinSet::new();
    for lane in lanes {
        let wire = Wire::connect(subject.addr).await?;
        workers.spawn(drive(wire, Arc::clone(lane), Arc::clone(&tally), Arc::clone(&due)));
    }
    workers.spawn(pace(Duration::from_secs_f64(1.0 / rate), lanes.len(), Arc::clone(&tally), due));
    measured(subject, &tally, workers, window).await
}

/// Says when the next request is due. It looks at the clock all the time: the runtime's timer counts
/// in milliseconds.
async fn pace(
    period: Duration,
    connections: usize,
    tally: Arc<Tally>,
    due: Arc<Due>,
) -> Result<()> {
    let mut next = Instant::now();
    while !tally.is_over() {
        while next <= Instant::now() {
            due.push(next);
            next += period;
        }
        yield_now().await;
    }
    // One more for each connection, so that all of them see the end.
    for _ in 0..connections {
        due.push(Instant::now());
        yield_now().await;
    }
    Ok(())
}

async fn drive(mut wire: Wire, lane: Arc<Lane>, tally: Arc<Tally>, due: Arc<Due>) -> Result<()> {
    for request in lane.iter().cycle() {
        let meant = due.next().await;
        if tally.is_over() {
            break;
        }
        wire.call(request).await?;
        tally.answered(meant);
    }
    Ok(())
}
