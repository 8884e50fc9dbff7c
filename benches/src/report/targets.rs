//! What must hold, and whether it does.

use crate::records::{Pick, Results, Spread};
use crate::subject::{HYPER, OURS};

use super::charts::figure;

/// One thing that must hold.
pub struct Target {
    pub what: String,
    pub bar: String,
    pub figure: String,
    pub verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Held,
    NotHeld,
    NotMeasured,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::NotHeld => "**not held**",
            Self::NotMeasured => "not measured",
        }
    }
}

/// Which side of its bar a figure is to be on.
#[derive(Clone, Copy)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

pub fn all(results: &Results) -> Vec<Target> {
    let mut targets = calls(results);
    targets.extend(against_rmcp(results));
    targets.extend(memory(results));
    targets.extend(churn(results));
    targets.extend(latency(results));
    targets.extend(fan_out(results));
    targets.extend(threads(results));
    targets
}

/// The case of small calls over so many connections, as all servers have it.
pub fn small<'a>(era: &'a str, framing: &'a str) -> [(&'a str, &'a str); 4] {
    [("era", era), ("framing", framing), ("size", "small"), ("connections", "50")]
}

fn calls(results: &Results) -> Vec<Target> {
    let kinds = [
        ("legacy", "json", 1.25),
        ("modern", "json", 1.25),
        ("legacy", "sse", 1.6),
        ("modern", "sse", 1.6),
    ];
    let targets = kinds.map(|(era, framing, bar)| {
        let case = small(era, framing);
        let ours = Pick::new("calls", &case, OURS);
        let ratio = results.ratio(ours, ours.subject(HYPER), "cpu_us_per_call");
        let what =
            format!("CPU per `tools/call`, {era}, {}, against hyper alone", framing.to_uppercase());
        times(what, ratio, Bar::AtMost(bar))
    });
    targets.into()
}

/// Against rmcp with sessions; without them it does less.
fn against_rmcp(results: &Results) -> Vec<Target> {
    let rmcp = rmcp(results);
    let targets = ["legacy", "modern"].map(|era| {
        let case = small(era, "json");
        let ours = Pick::new("calls", &case, OURS);
        let ratio =
            rmcp.and_then(|name| results.ratio(ours.subject(name), ours, "cpu_us_per_call"));
        let what = format!("CPU of rmcp per `tools/call`, {era}, against ours");
        times(what, ratio, Bar::AtLeast(3.0))
    });
    targets.into()
}

/// The name that rmcp has among the peers; the first of its configurations is the one with sessions.
pub fn rmcp(results: &Results) -> Option<&str> {
    let peers = results.environment.peers.iter().map(|(name, _)| name.as_str());
    peers.into_iter().find(|name| name.starts_with("rmcp"))
}

fn memory(results: &Results) -> Vec<Target> {
    let bytes = |of, subject| {
        let case = [("of", of)];
        let mut records = results.of(Pick::new("memory", &case, subject));
        records
            .find(|record| record.round == 0)
            .and_then(|record| record.figures.get("bytes").copied())
    };
    let with_stream = "session with a stream";
    let more =
        bytes(with_stream, OURS).zip(bytes(with_stream, HYPER)).map(|(ours, hyper)| ours - hyper);
    let closed = |round| {
        let mut records = results.of(Pick::new("memory", &[("of", "all")], OURS));
        records
            .find(|record| record.round == round)
            .and_then(|record| record.figures.get("closed_kib").copied())
    };
    let again = closed(1).zip(closed(0)).map(|(second, first)| (second / first - 1.0) * 100.0);
    vec![
        target(
            "Memory of a session with a connection and an open stream, beyond that of the connections of hyper alone".into(),
            more, "B", Bar::AtMost(2048.0),
        ),
        target("Memory of an idle session without a connection".into(), bytes("idle session", OURS), "B", Bar::AtMost(2048.0)),
        target(
            "Memory after all were closed: what opening and closing all of them once more adds".into(),
            again, "%", Bar::AtMost(5.0),
        ),
    ]
}

fn churn(results: &Results) -> Vec<Target> {
    let ratio = |thousand: &str| {
        let case = [("thousand", thousand)];
        let ours = Pick::new("churn", &case, OURS);
        results.ratio(ours, ours.subject(HYPER), "cpu_us_per_session")
    };
    let case = |thousand| [("thousand", thousand)];
    let growth = results.ratio(
        Pick::new("churn", &case("10"), OURS),
        Pick::new("churn", &case("1"), OURS),
        "cpu_us_per_session",
    );
    vec![
        times(
            "CPU of opening and ending a session, the first thousand, against four plain requests"
                .into(),
            ratio("1"),
            Bar::AtMost(2.0),
        ),
        times(
            "The same, the tenth thousand (the ten-thousandth session)".into(),
            ratio("10"),
            Bar::AtMost(2.0),
        ),
        times("The tenth thousand against the first".into(), growth, Bar::AtMost(1.1)),
    ]
}

fn latency(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for (era, framing) in [("legacy", "json"), ("modern", "json"), ("legacy", "sse")] {
        let case = [("era", era), ("framing", framing)];
        let ours = Pick::new("latency", &case, OURS);
        let ratio = results.ratio(ours, ours.subject(HYPER), "p99_us");
        let what = format!(
            "p99 at half of saturation, {era}, {}, against hyper's at half of its own",
            framing.to_uppercase()
        );
        targets.push(times(what, ratio, Bar::AtMost(2.0)));
    }
    targets.push(nagle(results));
    targets
}

/// Calls that took 35 to 50 ms, where the usual ones are far from it. A machine that stood still
/// makes latencies of all lengths, so what was measured meanwhile says nothing; Nagle's algorithm
/// makes only these.
fn nagle(results: &Results) -> Target {
    let figure_of = |record: &crate::records::Record, name: &str| record.figures.get(name).copied();
    let ours = results.records.iter().filter(|record| record.subject == OURS);
    let mut runs: usize = 0;
    let (mut calls, mut within, mut clusters) = (0.0, 0.0, 0);
    for record in ours {
        let Some((count, slow)) =
            figure_of(record, "calls").zip(figure_of(record, "calls_of_35_to_50_ms"))
        else {
            continue;
        };
        let stood_still = figure_of(record, "stolen_ms").is_some_and(|it| it > 10.0);
        if stood_still || figure_of(record, "p50_us").is_none_or(|p50| p50 > 10_000.0) {
            continue;
        }
        let beside = figure_of(record, "calls_beside_35_to_50_ms").unwrap_or_default();
        runs += 1;
        calls += count;
        within += slow;
        // A few that are late for whatever reason are no cluster.
        clusters += usize::from(slow > 2.0 * beside + 3.0);
    }
    let verdict = match (runs, clusters) {
        (0, _) => Verdict::NotMeasured,
        (_, 0) => Verdict::Held,
        _ => Verdict::NotHeld,
    };
    Target {
        what: "Latencies that cluster at 35 to 50 ms (Nagle)".into(),
        bar: "none".into(),
        figure: format!(
            "in {clusters} of {runs} measurements; {within} of {} calls took so long",
            super::charts::grouped(calls as i64)
        ),
        verdict,
    }
}

fn fan_out(results: &Results) -> Vec<Target> {
    let targets = ["legacy", "modern"].map(|era| {
        let (ours, baseline) = ([("kind", era)], [("kind", "baseline"), ("against", era)]);
        let ratio = results.ratio(
            Pick::new("fan-out", &ours, OURS),
            Pick::new("fan-out", &baseline, HYPER),
            "cpu_us_per_stream",
        );
        let what = format!(
            "CPU per stream of telling one change to thousands, {era}, against hyper alone"
        );
        times(what, ratio, Bar::AtMost(1.25))
    });
    targets.into()
}

fn threads(results: &Results) -> Vec<Target> {
    let targets = ["legacy", "modern"].map(|era| {
        let against_one = |threads| {
            let (one, two) =
                ([("threads", "1"), ("era", era)], [("threads", threads), ("era", era)]);
            let (two, one) = (Pick::new("threads", &two, OURS), Pick::new("threads", &one, OURS));
            results.ratio(two, one, "calls_per_s")
        };
        let what = format!("Calls a second of two threads in process, {era}, against one");
        let mut target = times(what, against_one("2"), Bar::AtLeast(1.8));
        if let Some(apart) = against_one("2, a service each") {
            target.figure.push_str(&format!("; sharing nothing {:.2} ×", apart.median));
        }
        target
    });
    targets.into()
}

fn times(what: String, ratio: Option<Spread>, bar: Bar) -> Target {
    let mut target = target(what, ratio.map(|ratio| ratio.median), "×", bar);
    if let Some(Spread { least, most, rounds, .. }) = ratio
        && rounds > 1
    {
        target.figure.push_str(&format!(" ({least:.2} to {most:.2})"));
    }
    target
}

fn target(what: String, value: Option<f64>, unit: &str, bar: Bar) -> Target {
    let (sign, limit) = match bar {
        Bar::AtMost(limit) => ("≤", limit),
        Bar::AtLeast(limit) => ("≥", limit),
    };
    let verdict = match (value, bar) {
        (None, _) => Verdict::NotMeasured,
        (Some(value), Bar::AtMost(limit)) if value <= limit => Verdict::Held,
        (Some(value), Bar::AtLeast(limit)) if value >= limit => Verdict::Held,
        (Some(_), _) => Verdict::NotHeld,
    };
    let limit = if limit >= 100.0 { figure(limit) } else { format!("{limit}") };
    Target {
        what,
        bar: format!("{sign} {limit} {unit}"),
        figure: value.map_or_else(|| "–".to_owned(), |value| format!("{} {unit}", figure(value))),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(value: Option<f64>, bar: Bar) -> Verdict {
        target(String::new(), value, "×", bar).verdict
    }

    #[test]
    fn a_target_is_held_up_to_its_bar_and_never_without_a_figure() {
        assert_eq!(verdict(Some(1.25), Bar::AtMost(1.25)), Verdict::Held);
        assert_eq!(verdict(Some(1.26), Bar::AtMost(1.25)), Verdict::NotHeld);
        assert_eq!(verdict(Some(1.8), Bar::AtLeast(1.8)), Verdict::Held);
        assert_eq!(verdict(Some(1.79), Bar::AtLeast(1.8)), Verdict::NotHeld);
        assert_eq!(verdict(None, Bar::AtMost(1.0)), Verdict::NotMeasured);
        assert_eq!(verdict(Some(f64::NAN), Bar::AtMost(1.0)), Verdict::NotHeld);
    }
}
