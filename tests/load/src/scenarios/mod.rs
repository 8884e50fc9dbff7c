//! What is tested: one scenario a file, all in one table.

use std::time::Duration;

use anyhow::Result;
use futures::future::BoxFuture;

use crate::report::Run;

mod rapid;

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
pub const ALL: &[Scenario] = &[Scenario {
    name: "rapid",
    about: "100 sessions with a stream held make 50 calls each as fast as they can",
    limits: minutes(2, 2),
    run: |run| Box::pin(rapid::run(run)),
}];
