//! Tables in Markdown.

use std::collections::BTreeMap;

use crate::records::{Pick, Record, Results, Spread};
use crate::subject::{HYPER, OURS};

use super::charts::figure;
use super::plots::{shown, subjects};

/// Rows of cells, the first of which are the names of the columns.
pub fn table(rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
        if number == 0 {
            text.push_str(&format!("|{}\n", "---|".repeat(row.len())));
        }
    }
    text
}

/// The median of the rounds, and the least and the most where there were several.
pub fn spread(spread: Option<Spread>) -> String {
    match spread {
        None => "–".to_owned(),
        Some(Spread { median, rounds: 1, .. }) => figure(median),
        Some(Spread { median, least, most, .. }) => {
            format!("{} <sub>{} to {}</sub>", figure(median), figure(least), figure(most))
        }
    }
}

fn strings<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// The cases of a scenario for which this holds, in the order in which they were measured.
fn cases(
    results: &Results,
    scenario: &str,
    is_one: impl Fn(&Record) -> bool,
) -> Vec<BTreeMap<String, String>> {
    let mut cases: Vec<BTreeMap<String, String>> = Vec::new();
    for record in &results.records {
        if record.scenario == scenario && is_one(record) && !cases.contains(&record.case) {
            cases.push(record.case.clone());
        }
    }
    cases
}

fn pairs(case: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    case.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The crate against the baseline in each case of a scenario.
pub fn against_hyper(
    results: &Results,
    scenario: &str,
    columns: &[&str],
    is_one: impl Fn(&Record) -> bool,
) -> String {
    let mut rows = vec![columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>()];
    rows[0].extend(strings(["hyper alone, µs", "mcp-http, µs", "ratio", "calls/s"]));
    for case in cases(results, scenario, is_one) {
        let pairs = pairs(&case);
        let ours = Pick::new(scenario, &pairs, OURS);
        let cost = "cpu_us_per_call";
        let mut row: Vec<_> =
            columns.iter().map(|column| case.get(*column).cloned().unwrap_or_default()).collect();
        row.push(spread(results.spread(ours.subject(HYPER), cost)));
        row.push(spread(results.spread(ours, cost)));
        row.push(spread(results.ratio(ours, ours.subject(HYPER), cost)));
        row.push(results.median(ours, "calls_per_s").map_or_else(String::new, figure));
        rows.push(row);
    }
    table(&rows)
}

/// All servers side by side. Who answers in another framing than the
/// column tells is marked.
pub fn side_by_side(results: &Results) -> String {
    let kinds = [("legacy", "json"), ("modern", "json"), ("legacy", "sse"), ("modern", "sse")];
    let mut rows =
        vec![strings(["server", "legacy", "modern", "legacy, SSE alone", "modern, SSE alone"])];
    for subject in subjects(results) {
        let mut row = vec![shown(subject).to_owned()];
        for (era, framing) in kinds {
            let case = super::targets::small(era, framing);
            let pick = Pick::new("calls", &case, subject);
            let mut cell = spread(results.spread(pick, "cpu_us_per_call"));
            match (framing, results.median(pick, "answers_as_sse")) {
                ("json", Some(1.0)) => cell.push_str(" (SSE)"),
                ("sse", Some(0.0)) => cell.push_str(" (JSON)"),
                _ => {}
            }
            row.push(cell);
        }
        rows.push(row);
    }
    table(&rows)
}

pub fn latency(results: &Results) -> String {
    let mut rows = vec![strings([
        "era",
        "framing",
        "server",
        "rate/s",
        "p50",
        "p99",
        "p99.9",
        "most",
        "35–50 ms",
    ])];
    for case in cases(results, "latency", |_| true) {
        let pairs = pairs(&case);
        for subject in subjects(results) {
            let pick = Pick::new("latency", &pairs, subject);
            let Some(rate) = results.median(pick, "rate_per_s") else { continue };
            let mut row = vec![
                case["era"].clone(),
                case["framing"].clone(),
                shown(subject).to_owned(),
                figure(rate),
            ];
            for name in ["p50_us", "p99_us", "p999_us", "max_us"] {
                row.push(spread(results.spread(pick, name)));
            }
            let slow =
                results.of(pick).filter_map(|record| record.figures.get("calls_of_35_to_50_ms"));
            let all = results.of(pick).filter_map(|record| record.figures.get("calls"));
            row.push(format!("{} of {}", slow.sum::<f64>(), figure(all.sum())));
            rows.push(row);
        }
    }
    table(&rows)
}

pub fn fan_out(results: &Results) -> String {
    let mut rows = vec![strings(["streams", "", "µs of CPU per stream", "ms to the last"])];
    for case in cases(results, "fan-out", |_| true) {
        let pairs = pairs(&case);
        let (name, subject) = match case["kind"].as_str() {
            "baseline" => (format!("hyper alone, beside {}", case["against"]), HYPER),
            "legacy" => ("mcp-http, GET streams of sessions".to_owned(), OURS),
            _ => ("mcp-http, `subscriptions/listen`".to_owned(), OURS),
        };
        let pick = Pick::new("fan-out", &pairs, subject);
        rows.push(vec![
            case["streams"].clone(),
            name,
            spread(results.spread(pick, "cpu_us_per_stream")),
            spread(results.spread(pick, "ms_to_the_last")),
        ]);
    }
    table(&rows)
}

pub fn churn(results: &Results) -> String {
    let mut rows = vec![strings(["server", "thousand", "µs of CPU per session", "sessions/s"])];
    for subject in subjects(results) {
        for thousand in ["1", "2", "10", "20", "50", "100"] {
            let case = [("thousand", thousand)];
            let pick = Pick::new("churn", &case, subject);
            let Some(cost) = results.spread(pick, "cpu_us_per_session") else { continue };
            let rate = results.median(pick, "sessions_per_s").map_or_else(String::new, figure);
            rows.push(vec![
                shown(subject).to_owned(),
                thousand.to_owned(),
                spread(Some(cost)),
                rate,
            ]);
        }
    }
    table(&rows)
}

pub fn memory(results: &Results) -> String {
    let mut rows = vec![strings(["server", "what", "bytes each", "how many"])];
    for subject in subjects(results) {
        for what in ["idle session", "session with a stream", "finished stream"] {
            let case = [("of", what)];
            let pick = Pick::new("memory", &case, subject);
            for record in results.of(pick) {
                let (Some(bytes), Some(count)) =
                    (record.figures.get("bytes"), record.figures.get("count"))
                else {
                    continue;
                };
                let again = if record.round > 0 { " (again)" } else { "" };
                rows.push(vec![
                    shown(subject).to_owned(),
                    format!("{what}{again}"),
                    figure(*bytes),
                    figure(*count),
                ]);
            }
        }
    }
    table(&rows)
}

pub fn resident(results: &Results) -> String {
    let mut rows = vec![strings(["server", "time", "before", "all open", "all closed"])];
    for subject in [OURS] {
        for record in results.of(Pick::new("memory", &[("of", "all")], subject)) {
            let mib = |name: &str| {
                record
                    .figures
                    .get(name)
                    .map_or_else(String::new, |kib| format!("{:.1} MiB", kib / 1024.0))
            };
            let time = (record.round + 1).to_string();
            rows.push(vec![
                shown(subject).to_owned(),
                time,
                mib("empty_kib"),
                mib("open_kib"),
                mib("closed_kib"),
            ]);
        }
    }
    table(&rows)
}

pub fn growth_of_sessions(results: &Results) -> String {
    let mut rows = vec![strings(["live sessions", "µs of CPU per call"])];
    for case in cases(results, "growth", |record| record.case.contains_key("sessions")) {
        let pairs = pairs(&case);
        let cost = results.spread(Pick::new("growth", &pairs, OURS), "cpu_us_per_call");
        rows.push(vec![case["sessions"].clone(), spread(cost)]);
    }
    table(&rows)
}

pub fn growth_of_messages(results: &Results) -> String {
    let mut rows = vec![strings([
        "era",
        "of",
        "bytes",
        "hyper alone, µs",
        "mcp-http, µs",
        "ratio",
        "ns per byte beyond hyper",
    ])];
    for case in cases(results, "growth", |record| record.case.contains_key("bytes")) {
        let pairs = pairs(&case);
        let ours = Pick::new("growth", &pairs, OURS);
        let (of_ours, of_hyper) = (
            results.spread(ours, "cpu_us_per_call"),
            results.spread(ours.subject(HYPER), "cpu_us_per_call"),
        );
        let bytes: f64 = case["bytes"].parse().unwrap_or(f64::NAN);
        let beyond =
            of_ours.zip(of_hyper).map(|(ours, hyper)| (ours.median - hyper.median) * 1e3 / bytes);
        rows.push(vec![
            case["era"].clone(),
            case["of"].clone(),
            case["bytes"].clone(),
            spread(of_hyper),
            spread(of_ours),
            spread(results.ratio(ours, ours.subject(HYPER), "cpu_us_per_call")),
            beyond.map_or_else(String::new, figure),
        ]);
    }
    table(&rows)
}

pub fn threads(results: &Results) -> String {
    let mut rows = vec![strings(["era", "threads", "calls/s", "ns per call and thread"])];
    for case in cases(results, "threads", |_| true) {
        let pairs = pairs(&case);
        let pick = Pick::new("threads", &pairs, OURS);
        rows.push(vec![
            case["era"].clone(),
            case["threads"].clone(),
            spread(results.spread(pick, "calls_per_s")),
            spread(results.spread(pick, "ns_per_call")),
        ]);
    }
    table(&rows)
}
