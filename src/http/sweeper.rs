//! The one task of a service: it sweeps the sessions, and ends what a drain has no time for.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use futures::future::{Either, select};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::observe;
use super::service::Shared;

/// Starts it. It ends with the service.
pub(crate) fn spawn(shared: &Arc<Shared>) {
    let shared = Arc::downgrade(shared);
    let sweeping = Sweeping(Weak::clone(&shared));
    tokio::spawn(async move {
        let _until_the_runtime_ends = sweeping;
        run(&shared).await;
    });
}

/// That a sweeper runs. It ends with its runtime, and then the next session starts another.
struct Sweeping(Weak<Shared>);

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.sweeping.store(false, Ordering::Relaxed);
        }
    }
}

/// How far a drain has come.
enum Stage {
    Serving,
    Draining { cut_off_at: Instant },
    CutOff { cut_off_at: Instant },
}

async fn run(shared: &Weak<Shared>) {
    let Some(period) = shared.upgrade().map(|shared| shared.registry.limits().sweep_period) else {
        return;
    };
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stage = Stage::Serving;
    while let Some(next) = step(shared, stage, &mut ticks).await {
        stage = next;
    }
}

/// Waits for the next thing to do, and does it. None when the service is gone.
async fn step(shared: &Weak<Shared>, stage: Stage, ticks: &mut Interval) -> Option<Stage> {
    // What is waited for must not keep the service alive.
    let ticked = match stage {
        Stage::Serving => {
            let begun = shared.upgrade()?.drain.begun(None).wait();
            matches!(select(pin!(ticks.tick()), begun).await, Either::Left(_))
        }
        Stage::Draining { cut_off_at } => {
            matches!(
                select(pin!(ticks.tick()), pin!(sleep_until(cut_off_at))).await,
                Either::Left(_)
            )
        }
        Stage::CutOff { .. } => {
            ticks.tick().await;
            true
        }
    };
    let shared = shared.upgrade()?;
    if ticked {
        shared.sweep();
    }
    Some(match stage {
        Stage::Serving if ticked => stage,
        Stage::Serving => match shared.drain.cut_off_at() {
            Some(cut_off_at) => {
                observe::drain_begun(shared.registry.len(), shared.calls_in_flight());
                Stage::Draining { cut_off_at }
            }
            // A new listener came at this moment.
            None => Stage::Serving,
        },
        Stage::Draining { cut_off_at } | Stage::CutOff { cut_off_at } => {
            match shared.drain.cut_off_at() {
                None => Stage::Serving,
                // Another drain, after a listener came in between.
                Some(at) if at != cut_off_at => Stage::Draining { cut_off_at: at },
                Some(cut_off_at) if !ticked => {
                    shared.cut_off();
                    Stage::CutOff { cut_off_at }
                }
                Some(_) => stage,
            }
        }
    })
}

impl Shared {
    fn sweep(self: &Arc<Self>) {
        let swept = self.registry.sweep(self.now());
        self.counters.sessions_expired.add(swept.expired as u64);
        self.counters.stalled_readers.add(swept.detached as u64);
        self.counters.inputs_timed_out.add(swept.timed_out as u64);
        let (period, stall) = (self.registry.limits().sweep_period, self.registry.limits().stall);
        let watched = self.counters.watched();
        let stalled = watched.iter().filter(|stream| stream.sweep(period, stall, self)).count();
        let slow = self.counters.slow_bodies();
        let stalled = stalled + slow.iter().filter(|body| body.sweep(period, stall)).count();
        self.counters.stalled_readers.add(stalled as u64);
        self.sweep_tasks();
        observe::sessions_ended("expired", swept.expired);
        observe::readers_stalled(swept.detached + stalled);
        if self.registry.budget().take_pressure() {
            self.relieve();
        }
    }

    fn sweep_tasks(&self) {
        let Some(tasks) = &self.tasks else { return };
        let swept = tasks.sweep();
        if !swept.is_empty() {
            tokio::spawn(Arc::clone(tasks).remove(swept));
        }
    }

    /// The drain has no more time: each call that still runs is answered with an error.
    fn cut_off(&self) {
        let ended = self.registry.shut_down();
        self.counters.sessions_shut_down.add(ended.sessions as u64);
        let tasks = self.tasks.as_ref().map_or(0, |tasks| tasks.cut_off());
        self.counters.cut_off_calls.add((ended.calls + tasks) as u64);
        observe::sessions_ended("shut_down", ended.sessions);
        observe::calls_cut_off(ended.calls + tasks);
        self.drain.cut();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::http::serve::ShutdownSignal;
    use crate::http::service::McpService;
    use crate::server::Server;

    const SECOND: Duration = Duration::from_secs(1);

    fn service() -> McpService {
        McpService::builder(Server::builder("sweeper", "1").build().unwrap()).build().unwrap()
    }

    /// Until the time of the calls is up, from now.
    async fn cut_off(service: &McpService) -> Duration {
        let begun = Instant::now();
        let cut = timeout(1_000 * SECOND, service.shared().drain.cut_off()).await;
        cut.expect("the drain is cut off");
        begun.elapsed()
    }

    /// The default is 8 s, of which calls have 7.
    #[tokio::test(start_paused = true)]
    async fn each_drain_has_its_own_time_also_where_it_follows_another_closely() {
        let service = service();
        for pause in [SECOND, SECOND, 9 * SECOND, SECOND] {
            let listener = ShutdownSignal::default();
            service.link(&listener);
            assert!(service.is_ready());
            sleep(SECOND).await;
            listener.trigger();
            assert!(!service.is_ready());
            if pause > SECOND {
                assert_eq!(cut_off(&service).await, 7 * SECOND);
            }
            sleep(pause).await;
        }
        let last = ShutdownSignal::default();
        service.link(&last);
        last.trigger();
        assert_eq!(cut_off(&service).await, 7 * SECOND);
    }
}
