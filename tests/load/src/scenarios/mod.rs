//! What is tested: one scenario a file, all in one table.

use std::time::Duration;

use anyhow::Result;
use futures::future::BoxFuture;

use crate::report::Run;

mod abandoned;
mod cuts;
mod drain;
mod frozen;
mod gaps;
mod hostile;
mod overload;
mod pid1;
mod race;
mod rapid;
mod sessions;

/// One scenario.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// What must hold, in a line.
    pub about: &'static str,
    /// How long it may take, at a tenth of the scale and at the scale.
    pub limits: [Duration; 2],
    /// Makes its checks. What it returns as an error is a failure, too.
    pub run: for<'a> fn(&'a mut Run) -> BoxFuture<'a, Result<()>>,
}

const fn minutes(tenth: u64, full: u64) -> [Duration; 2] {
    [Duration::from_secs(60 * tenth), Duration::from_secs(60 * full)]
}

/// All of them, in the order in which they are run.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "rapid",
        about: "100 sessions with a stream held make 50 calls each as fast as they can",
        limits: minutes(2, 2),
        run: |run| Box::pin(rapid::run(run)),
    },
    Scenario {
        name: "sessions",
        about: "8,192 sessions with an open stream each come, call and go, five times",
        limits: minutes(4, 20),
        run: |run| Box::pin(sessions::run(run)),
    },
    Scenario {
        name: "abandoned",
        about: "100,000 sessions that nobody uses go by expiry and leave nothing",
        limits: minutes(2, 8),
        run: |run| Box::pin(abandoned::run(run)),
    },
    Scenario {
        name: "race",
        about: "notifications to all race empty replies, aborts and DELETEs, 1,000,000 times",
        limits: minutes(5, 25),
        run: |run| Box::pin(race::run(run)),
    },
    Scenario {
        name: "overload",
        about: "twice the admitted load: 503 beyond the limits, and what is admitted completes",
        limits: minutes(3, 6),
        run: |run| Box::pin(overload::run(run)),
    },
    Scenario {
        name: "cuts",
        about: "1,000 calls of 1,000 messages over connections that are cut 20 times lose nothing",
        limits: minutes(4, 12),
        run: |run| Box::pin(cuts::run(run)),
    },
    Scenario {
        name: "gaps",
        about: "logs that are too small: what is missing is told, and never a part given",
        limits: minutes(4, 8),
        run: |run| Box::pin(gaps::run(run)),
    },
    Scenario {
        name: "drain",
        about: "SIGTERM with 1,000 streams and calls in flight: none fails, and the exit is in time",
        limits: minutes(2, 2),
        run: |run| Box::pin(drain::run(run)),
    },
    Scenario {
        name: "drain-pid1",
        about: "SIGTERM to the server as PID 1",
        limits: minutes(1, 1),
        run: |run| Box::pin(pid1::run(run)),
    },
    Scenario {
        name: "frozen",
        about: "a process that stood still for longer than the idle limit loses no session",
        limits: minutes(2, 2),
        run: |run| Box::pin(frozen::run(run)),
    },
    Scenario {
        name: "hostile",
        about: "5,000 readers that stop, and slow and mean peers beside: others are served",
        limits: minutes(4, 8),
        run: |run| Box::pin(hostile::run(run)),
    },
];
