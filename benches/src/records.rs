//! What is measured, as lines of JSON: first the machine, then one record a round.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

use crate::environment::Environment;

/// What one server did in one round of one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub scenario: String,
    /// What tells the cases of a scenario apart: `connections=50`.
    pub case: BTreeMap<String, String>,
    pub subject: String,
    pub round: usize,
    /// Each with its unit in its name: `cpu_us_per_call`.
    pub figures: BTreeMap<String, f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line {
    Environment(Environment),
    Record(Record),
    /// Why a figure is missing.
    Failure {
        scenario: String,
        subject: String,
        error: String,
    },
    /// The run came to its end.
    Done {
        seconds: f64,
    },
}

/// Where records go.
pub struct Output(BufWriter<File>);

impl Output {
    pub fn create(path: &Path, environment: Environment) -> Result<Self> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let mut output = Self(BufWriter::new(file));
        output.line(&Line::Environment(environment))?;
        Ok(output)
    }

    pub fn record(&mut self, record: Record) -> Result<()> {
        let case: Vec<_> =
            record.case.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let figures: Vec<_> =
            record.figures.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
        println!(
            "{} {} {}: {}",
            record.scenario,
            case.join(" "),
            record.subject,
            figures.join(", ")
        );
        self.line(&Line::Record(record))
    }

    pub fn failure(&mut self, scenario: &str, subject: &str, error: &anyhow::Error) -> Result<()> {
        println!("{scenario} {subject}: FAILED: {error:#}");
        let (scenario, subject) = (scenario.to_owned(), subject.to_owned());
        self.line(&Line::Failure { scenario, subject, error: format!("{error:#}") })
    }

    pub fn done(&mut self, seconds: f64) -> Result<()> {
        self.line(&Line::Done { seconds })
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        self.0.write_all(b"\n")?;
        Ok(self.0.flush()?)
    }
}

/// All that a run has measured.
pub struct Results {
    pub environment: Environment,
    /// How long the run took; 0 if it did not come to its end.
    pub seconds: f64,
    pub records: Vec<Record>,
    /// Scenario, subject and error.
    pub failures: Vec<(String, String, String)>,
    /// The scenarios that were measured again, and at which commit.
    pub again: Vec<(String, String)>,
}

/// The median of some rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub rounds: usize,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() {
            0 => return None,
            even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Self { median, least: values[0], most: *values.last()?, rounds: values.len() })
    }
}

impl Results {
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let (mut environment, mut records, mut failures) = (None, Vec::new(), Vec::new());
        let mut took = 0.0;
        for line in BufReader::new(file).lines() {
            match serde_json::from_str(&line?)? {
                Line::Environment(it) => environment = Some(it),
                Line::Record(record) => records.push(record),
                Line::Failure { scenario, subject, error } => {
                    failures.push((scenario, subject, error));
                }
                Line::Done { seconds } => took = seconds,
            }
        }
        let Some(environment) = environment else { bail!("the machine is not told") };
        Ok(Self { environment, seconds: took, records, failures, again: Vec::new() })
    }

    /// Takes what a later run has measured again, in place of what this one had of it.
    pub fn replace(&mut self, again: Self) {
        let mut scenarios: Vec<String> = Vec::new();
        for record in &again.records {
            if !scenarios.contains(&record.scenario) {
                scenarios.push(record.scenario.clone());
            }
        }
        self.records.retain(|record| !scenarios.contains(&record.scenario));
        self.failures.retain(|(scenario, ..)| !scenarios.contains(scenario));
        self.records.extend(again.records);
        self.failures.extend(again.failures);
        self.again.retain(|(scenario, _)| !scenarios.contains(scenario));
        self.again.extend(scenarios.into_iter().map(|it| (it, again.environment.commit.clone())));
    }

    /// The records of one server that agree with these parts of a case.
    pub fn of<'a>(&'a self, pick: Pick<'a>) -> impl Iterator<Item = &'a Record> {
        let Pick { scenario, case, subject } = pick;
        let agrees = |record: &Record, name: &str, value: &str| {
            record.case.get(name).is_some_and(|it| it == value)
        };
        self.records.iter().filter(move |record| {
            record.scenario == scenario
                && record.subject == subject
                && case.iter().all(|(name, value)| agrees(record, name, value))
        })
    }

    pub fn spread(&self, pick: Pick<'_>, figure: &str) -> Option<Spread> {
        let figures = self.of(pick).filter_map(|record| record.figures.get(figure).copied());
        Spread::of(figures.collect())
    }

    pub fn median(&self, pick: Pick<'_>, figure: &str) -> Option<f64> {
        self.spread(pick, figure).map(|spread| spread.median)
    }

    /// How one server's figure relates to another's in the same round.
    pub fn ratio(&self, over: Pick<'_>, under: Pick<'_>, figure: &str) -> Option<Spread> {
        let ratios = self.of(over).filter_map(|record| {
            let other = self.of(under).find(|other| other.round == record.round)?;
            Some(record.figures.get(figure)? / other.figures.get(figure)?)
        });
        Spread::of(ratios.collect())
    }
}

/// Which records are meant.
#[derive(Clone, Copy, Debug)]
pub struct Pick<'a> {
    pub scenario: &'a str,
    pub case: &'a [(&'a str, &'a str)],
    pub subject: &'a str,
}

impl<'a> Pick<'a> {
    pub fn new(scenario: &'a str, case: &'a [(&'a str, &'a str)], subject: &'a str) -> Self {
        Self { scenario, case, subject }
    }

    pub fn subject(self, subject: &'a str) -> Self {
        Self { subject, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(subject: &str, round: usize, cost: f64) -> Record {
        Record {
            scenario: "calls".into(),
            case: [("era".into(), "legacy".into())].into(),
            subject: subject.into(),
            round,
            figures: [("cost".into(), cost)].into(),
        }
    }

    #[test]
    fn the_median_of_an_even_number_of_rounds_is_between_the_two_in_the_middle() {
        let spread = Spread::of(vec![4.0, 1.0, 9.0, 2.0]);
        assert_eq!(spread, Some(Spread { median: 3.0, least: 1.0, most: 9.0, rounds: 4 }));
        assert_eq!(Spread::of(vec![7.0, 1.0, 2.0]).map(|it| it.median), Some(2.0));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    /// A machine that is slower in one round is so for both: the ratio must not see it.
    #[test]
    fn a_ratio_is_taken_within_a_round() {
        let records = vec![
            record("ours", 0, 2.0),
            record("ours", 1, 20.0),
            record("hyper", 1, 10.0),
            record("hyper", 0, 1.0),
            // Without a counterpart.
            record("ours", 2, 99.0),
        ];
        let environment = Environment::here("smoke", Vec::new());
        let results =
            Results { environment, seconds: 0.0, records, failures: Vec::new(), again: Vec::new() };
        let ours = Pick::new("calls", &[("era", "legacy")], "ours");
        let ratio = results.ratio(ours, ours.subject("hyper"), "cost");
        assert_eq!(ratio, Some(Spread { median: 2.0, least: 2.0, most: 2.0, rounds: 2 }));
        let other = Pick::new("calls", &[("era", "modern")], "ours");
        assert_eq!(results.median(other, "cost"), None);
    }

    #[test]
    fn what_was_measured_again_takes_the_place_of_its_scenario_alone() {
        let results = |commit: &str, records| {
            let environment =
                Environment { commit: commit.into(), ..Environment::here("smoke", Vec::new()) };
            let (failures, again) = (Vec::new(), Vec::new());
            Results { environment, seconds: 0.0, records, failures, again }
        };
        let of =
            |scenario: &str, cost| Record { scenario: scenario.into(), ..record("ours", 0, cost) };
        let mut first = results("a", vec![of("calls", 1.0), of("threads", 2.0)]);
        first.replace(results("b", vec![of("threads", 3.0)]));
        assert_eq!(first.records, [of("calls", 1.0), of("threads", 3.0)]);
        assert_eq!(first.again, [("threads".to_owned(), "b".to_owned())]);
    }
}
