//! What a run is told, and what it tells: its scale, its checks and its figures.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How much is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// A tenth of what is stated, or more.
    #[default]
    Tenth,
    /// What is stated.
    Full,
}

impl Scale {
    /// One of two amounts.
    pub fn of<T>(self, tenth: T, full: T) -> T {
        match self {
            Self::Tenth => tenth,
            Self::Full => full,
        }
    }
}

/// One run of scenarios.
#[derive(Debug)]
pub struct Run {
    pub scale: Scale,
    scenario: &'static str,
    begun: Instant,
    results: Option<File>,
    passed: usize,
    failed: usize,
}

impl Run {
    /// A run whose results are appended to a file as `passed|failed|skipped<TAB>name<TAB>detail`.
    pub fn new(scale: Scale, results: Option<&Path>) -> std::io::Result<Self> {
        let append = |path| File::options().append(true).create(true).open(path);
        let results = results.map(append).transpose()?;
        Ok(Self { scale, scenario: "", begun: Instant::now(), results, passed: 0, failed: 0 })
    }

    /// Begins a scenario: what is told from now on is told in its name.
    pub fn begin(&mut self, scenario: &'static str) {
        self.scenario = scenario;
        self.begun = Instant::now();
    }

    /// How long the scenario has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A check, with the figures that it is made of.
    pub fn check(&mut self, what: &str, holds: bool, figures: impl fmt::Display) {
        if holds {
            self.passed += 1;
            self.tell("passed", "ok", what, &figures.to_string());
        } else {
            self.failed += 1;
            self.tell("failed", "FAIL", what, &figures.to_string());
        }
    }

    /// What cannot be tested here, and why.
    pub fn skip(&mut self, what: &str, why: impl fmt::Display) {
        self.tell("skipped", "SKIP", what, &why.to_string());
    }

    /// Figures that nothing is checked of.
    pub fn say(&self, figures: impl fmt::Display) {
        println!("   {:>7.1} s  {}: {figures}", self.begun.elapsed().as_secs_f64(), self.scenario);
    }

    /// How many checks held and how many did not.
    pub fn counts(&self) -> (usize, usize) {
        (self.passed, self.failed)
    }

    fn tell(&mut self, status: &str, shown: &str, what: &str, detail: &str) {
        let name = format!("load {} {what}", self.scenario);
        println!("{shown} {name}: {detail}");
        let Some(file) = &mut self.results else { return };
        let detail = detail.replace(['\t', '\n'], " ");
        if let Err(error) = writeln!(file, "{status}\t{name}\t{detail}") {
            // A result that is lost must not look like none.
            self.failed += 1;
            eprintln!("the results file: {error}");
        }
    }
}
