//! Which charts there are, and of what.

use crate::records::{Pick, Results};
use crate::subject::{HYPER, OURS};

use super::charts::{
    BASELINE, Bar, BarChart, DotChart, Group, Line, LineChart, OURS as OUR_COLOUR, PEER, Row,
    Upwards,
};
use super::targets::small;

/// How many kilobytes those sizes are that stand at an axis.
const SIZES: [(f64, &str); 6] = [
    (1024.0, "1 KiB"),
    (4096.0, "4 KiB"),
    (16_384.0, "16 KiB"),
    (65_536.0, "64 KiB"),
    (262_144.0, "256 KiB"),
    (1_048_576.0, "1 MiB"),
];

/// The charts of all that was measured, with the names of their files.
pub fn all(results: &Results) -> Vec<(String, String)> {
    let plots = [
        ("calls", calls(results)),
        ("latency", latency(results)),
        ("memory", memory(results)),
        ("growth-sessions", growth_of_sessions(results)),
        ("growth-messages", growth_of_messages(results)),
    ];
    plots
        .into_iter()
        .filter_map(|(name, plot)| Some((format!("benchmarks-{name}.svg"), plot?)))
        .collect()
}

/// What a server is called on a page.
pub fn shown(subject: &str) -> &str {
    match subject {
        OURS => "mcp-http",
        HYPER => "hyper alone",
        peer => peer,
    }
}

fn colour(subject: &str) -> &'static str {
    match subject {
        OURS => OUR_COLOUR,
        HYPER => BASELINE,
        _ => PEER,
    }
}

/// The baseline, the crate, and the peers as they were given.
pub fn subjects(results: &Results) -> Vec<&str> {
    let peers = results.environment.peers.iter().map(|(name, _)| name.as_str());
    [HYPER, OURS].into_iter().chain(peers).collect()
}

/// A bar for each server that has the figure, peers from the least to the most.
fn bars(results: &Results, pick: Pick<'_>, figure: &str, scale: f64) -> Vec<Bar> {
    let mut bars: Vec<_> = subjects(results)
        .into_iter()
        .filter_map(|subject| {
            let value = results.median(pick.subject(subject), figure)? * scale;
            Some(Bar { name: shown(subject).to_owned(), value, colour: colour(subject) })
        })
        .collect();
    let peers = bars.len().min(2);
    bars[peers..].sort_by(|a, b| a.value.total_cmp(&b.value));
    bars
}

fn calls(results: &Results) -> Option<String> {
    let kinds = [
        ("legacy", "2025-11-25, in a session"),
        ("modern", "2026-07-28, with its headers checked"),
    ];
    let groups: Vec<_> = kinds
        .into_iter()
        .map(|(era, name)| {
            let case = small(era, "json");
            let pick = Pick::new("calls", &case, OURS);
            Group { name: name.to_owned(), bars: bars(results, pick, "cpu_us_per_call", 1.0) }
        })
        .filter(|group| !group.bars.is_empty())
        .collect();
    let values = groups.iter().flat_map(|group| &group.bars).map(|bar| bar.value);
    // What is ten times as much as the least would leave no room to tell the others apart.
    let least = values.clone().reduce(f64::min)?;
    let end = values.filter(|value| *value <= 12.0 * least).fold(0.0, f64::max);
    Some(
        BarChart {
            title: "Server CPU per tools/call".into(),
            unit: "µs of CPU per call (less is better; the longest bars are cut)".into(),
            note: "50 connections, HTTP/1.1, server on one core, all in turns in one run. hyper alone: a constant answer.".into(),
            end: end * 1.02,
            groups,
        }
        .draw(),
    )
}

fn memory(results: &Results) -> Option<String> {
    let case = [("of", "session with a stream")];
    let bars = bars(results, Pick::new("memory", &case, OURS), "bytes", 1.0 / 1024.0);
    let end = bars.iter().map(|bar| bar.value).reduce(f64::max)?;
    let groups = vec![Group {
        name: "A session with one connection for calls and one open stream".into(),
        bars,
    }];
    Some(
        BarChart {
            title: "Resident memory per session".into(),
            unit: "KiB per session (less is better)".into(),
            note: "hyper alone: an idle keep-alive connection and an open chunked body".into(),
            end: end * 1.02,
            groups,
        }
        .draw(),
    )
}

fn latency(results: &Results) -> Option<String> {
    let kinds = [
        ("legacy", "json", "2025-11-25, in a session"),
        ("modern", "json", "2026-07-28"),
        ("legacy", "sse", "2025-11-25, answers as SSE"),
    ];
    let mut groups = Vec::new();
    for (era, framing, name) in kinds {
        let case = [("era", era), ("framing", framing)];
        let rows: Vec<_> = subjects(results)
            .into_iter()
            .filter_map(|subject| {
                let pick = Pick::new("latency", &case, subject);
                let values = ["p50_us", "p99_us", "p999_us"].map(|name| results.median(pick, name));
                let values = values.into_iter().collect::<Option<Vec<f64>>>()?;
                Some(Row { name: shown(subject).to_owned(), values, colour: colour(subject) })
            })
            .collect();
        if !rows.is_empty() {
            groups.push((name.to_owned(), rows));
        }
    }
    if groups.is_empty() {
        return None;
    }
    let names = ["p50", "p99", "p99.9"].map(str::to_owned).to_vec();
    Some(
        DotChart {
            title: "Latency at half of saturation".into(),
            unit: "µs from when a call was meant to be sent to its answer, logarithmic".into(),
            note: "Each server at half of the rate that it saturates at; 50 connections, open loop"
                .into(),
            names,
            groups,
        }
        .draw(),
    )
}

fn growth_of_sessions(results: &Results) -> Option<String> {
    let counts = [1, 64, 512, 1024, 4096, 8192].map(|count| count.to_string());
    let mut points = Vec::new();
    for count in &counts {
        let case = [("sessions", count.as_str())];
        if let Some(cost) = results.median(Pick::new("growth", &case, OURS), "cpu_us_per_call") {
            points.push((count.parse().ok()?, cost));
        }
    }
    if points.len() < 2 {
        return None;
    }
    let ticks = points.iter().map(|(at, _)| (*at, super::charts::grouped(*at as i64))).collect();
    Some(
        LineChart {
            title: "Cost of a call by the number of live sessions".into(),
            note: "2025-11-25, called in turns over 50 connections, so that no session is warm"
                .into(),
            across: "live sessions, logarithmic".into(),
            unit: "µs of CPU per call".into(),
            upwards: Upwards::FromZero,
            ticks,
            lines: vec![Line { name: shown(OURS).into(), colour: OUR_COLOUR, points }],
        }
        .draw(),
    )
}

fn growth_of_messages(results: &Results) -> Option<String> {
    let kinds = [
        (OURS, "arguments", "mcp-http, arguments", OUR_COLOUR),
        (OURS, "result", "mcp-http, result", "#f08c4a"),
        (HYPER, "arguments", "hyper, arguments", BASELINE),
        (HYPER, "result", "hyper, result", "#a8b0b8"),
    ];
    let lines: Vec<_> = kinds
        .into_iter()
        .map(|(subject, of, name, colour)| Line {
            name: name.to_owned(),
            colour,
            points: points_of_size(results, subject, of),
        })
        .filter(|line| line.points.len() > 1)
        .collect();
    let ticks: Vec<_> = SIZES
        .into_iter()
        .filter(|(at, _)| lines.iter().flat_map(|line| &line.points).any(|(x, _)| x == at))
        .map(|(at, name)| (at, name.to_owned()))
        .collect();
    if lines.is_empty() {
        return None;
    }
    Some(
        LineChart {
            title: "Cost of a call by the size of its message".into(),
            note: "2025-11-25, JSON, 8 connections; hyper alone reads and writes the same bytes"
                .into(),
            across: "bytes of arguments, or of the result's text, logarithmic".into(),
            unit: "µs of CPU per call, logarithmic".into(),
            upwards: Upwards::Logarithmic,
            ticks,
            lines,
        }
        .draw(),
    )
}

fn points_of_size(results: &Results, subject: &str, of: &str) -> Vec<(f64, f64)> {
    let cost = |bytes: f64| {
        let bytes = bytes.to_string();
        let case = [("of", of), ("bytes", bytes.as_str()), ("era", "legacy")];
        results.median(Pick::new("growth", &case, subject), "cpu_us_per_call")
    };
    SIZES.into_iter().filter_map(|(bytes, _)| Some((bytes, cost(bytes)?))).collect()
}
