//! The page itself: `docs/benchmarks.md`, and the sentence that the README says.

use crate::records::{Pick, Results};
use crate::subject::{HYPER, OURS};

use super::charts::figure;
use super::tables::{self, table};
use super::targets::{self, Target, small};

pub fn page(results: &Results) -> String {
    [
        INTRODUCTION.to_owned(),
        machine(results),
        must_hold(results),
        calls(results),
        latency(results),
        streams(results),
        memory(results),
        growth(results),
        peers(results),
        METHOD.to_owned(),
        failures(results),
    ]
    .join("\n")
}

/// What the README says below its plot.
pub fn headline(results: &Results) -> Option<String> {
    let cost = |era, subject| {
        let case = small(era, "json");
        results.median(Pick::new("calls", &case, subject), "cpu_us_per_call")
    };
    let rmcp = |era| cost(era, targets::rmcp(results)?);
    let (legacy, modern) = (cost("legacy", OURS)?, cost("modern", OURS)?);
    let hyper = f64::midpoint(cost("legacy", HYPER)?, cost("modern", HYPER)?);
    let mut sentence = format!(
        "A `tools/call` takes {} µs of CPU in a session and {} µs in 2026-07-28, sockets and all, where hyper alone takes {} µs to answer with a constant",
        figure(legacy),
        figure(modern),
        figure(hyper),
    );
    if let Some((rmcp_legacy, rmcp_modern)) = rmcp("legacy").zip(rmcp("modern")) {
        sentence.push_str(&format!(
            " and rmcp {} and {} µs",
            figure(rmcp_legacy),
            figure(rmcp_modern)
        ));
    }
    Some(format!("{sentence} ([how it was measured](docs/benchmarks.md))."))
}

const INTRODUCTION: &str = "\
# Benchmarks

What a call, a session and a stream cost, beside what hyper alone needs for the same I/O and beside other servers. `scripts/bench` measures and writes this page; nothing in it is typed by hand. Figures are medians of the rounds; the small print after them is the least and the most of the rounds.
";

fn machine(results: &Results) -> String {
    let it = &results.environment;
    let took = match results.seconds {
        0.0 => String::new(),
        seconds => {
            format!(", which took {:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
        }
    };
    let rows = [
        ["", ""].map(str::to_owned),
        ["processor".into(), format!("{}, {} cores", it.processor, it.cores)],
        ["memory".into(), format!("{:.1} GiB", it.memory_mib as f64 / 1024.0)],
        ["kernel".into(), it.kernel.clone()],
        ["compiler".into(), it.rustc.clone()],
        ["commit".into(), commits(results)],
        ["date".into(), it.date.clone()],
        ["command".into(), format!("`{}`{took}", command(&it.scale))],
    ];
    table(&rows.map(Vec::from))
}

fn commits(results: &Results) -> String {
    let mut commits = format!("`{}`", results.environment.commit);
    for (scenario, commit) in &results.again {
        commits.push_str(&format!("; {scenario} again at `{commit}`"));
    }
    commits
}

fn command(scale: &str) -> String {
    match scale {
        "full" => "scripts/bench".to_owned(),
        other => format!("scripts/bench --{other}"),
    }
}

fn must_hold(results: &Results) -> String {
    let mut rows = vec![["what", "bar", "figure", ""].map(str::to_owned).to_vec()];
    for Target { what, bar, figure, verdict } in targets::all(results) {
        rows.push(vec![what, bar, figure, verdict.as_str().to_owned()]);
    }
    format!("## What must hold\n\n{}", table(&rows))
}

fn calls(results: &Results) -> String {
    let connections =
        tables::against_hyper(results, "calls", &["era", "framing", "connections"], |it| {
            it.case["size"] == "small"
        });
    let sizes = tables::against_hyper(results, "calls", &["era", "framing", "size"], |it| {
        it.case["size"] != "small"
    });
    let plain = tables::against_hyper(results, "profiles", &["era", "framing"], |_| true);
    let h2c = tables::against_hyper(results, "h2c", &["era", "connections", "streams"], |_| true);
    format!(
        "## CPU per call\n\n![Server CPU per tools/call](benchmarks-calls.svg)\n\n\
         µs of the server's CPU per `tools/call`, in user and kernel mode, 50 connections. *legacy* is 2025-11-25 with a session for each connection, *modern* is 2026-07-28 with its headers, which are checked against the body. The client accepts JSON and SSE, as clients do, and the server chooses; the last two columns are of clients that accept SSE alone, and of other servers that are set to answer with it. (SSE) marks servers that answer with it where JSON would do, (JSON) those that cannot be set to SSE.\n\n{}\n\
         Over HTTP/1.1, small calls:\n\n{connections}\n\
         The same over 50 connections, both servers built by cargo's release profile as it is, in pieces and without link-time optimisation:\n\n{plain}\n\
         Over HTTP/1.1, 50 connections, with 64 KiB of arguments or of result. hyper alone reads the same request and writes the same answer, which it has as one constant; here the tool makes its text anew each time, as a tool does:\n\n{sizes}\n\
         Over HTTP/2 without TLS (h2c), so many connections with so many calls at once on each:\n\n{h2c}",
        tables::side_by_side(results),
    )
}

fn latency(results: &Results) -> String {
    format!(
        "## Latency\n\n![Latency at half of saturation](benchmarks-latency.svg)\n\n\
         µs from when a call was meant to be sent to its whole answer. Each server has half of the rate that it saturates at, which is measured just before. The last column counts calls of 35 to 50 ms, which is what Nagle's algorithm and delayed acknowledgements make of a server that writes carelessly.\n\n{}",
        tables::latency(results),
    )
}

fn streams(results: &Results) -> String {
    format!(
        "## Telling a change to all streams\n\n\
         One `tools_changed()` with thousands of open streams. hyper alone has as many open bodies, to each of which 200 bytes are written through a channel.\n\n{}\n\
         ## Clients that come and go\n\n\
         `initialize`, `notifications/initialized`, a GET stream that is opened and closed, `DELETE`: two connections a session, 16 clients at a time. hyper alone answers four plain requests over as many connections. The columns tell of the first thousand sessions, of later thousands, and what they cost.\n\n{}",
        tables::fan_out(results),
        tables::churn(results),
    )
}

fn memory(results: &Results) -> String {
    format!(
        "## Memory\n\n![Resident memory per session](benchmarks-memory.svg)\n\n\
         Resident memory (`Rss` of `smaps_rollup`) before and after, divided by the number. A *session with a stream* has one connection for its calls and one open GET stream; hyper alone has an idle keep-alive connection and an open chunked body. An *idle session* has no connection. A *finished stream* was answered as SSE, and is kept for a client that lost the answer.\n\n{}\n\
         All of them opened and closed, twice, by a server whose allocator touches each byte that it hands out. glibc keeps much of what was freed for later: what tells a leak is whether the second time adds to the first.\n\n{}",
        tables::memory(results),
        tables::resident(results),
    )
}

fn growth(results: &Results) -> String {
    format!(
        "## How costs grow\n\n![Cost of a call by live sessions](benchmarks-growth-sessions.svg)\n\n{}\n\
         ![Cost of a call by the size of its message](benchmarks-growth-messages.svg)\n\n{}\n\
         One thread and two, in process and without sockets, each with a runtime and a session of its own and pinned to a core. Where each has a service of its own as well nothing is shared, and what is missing to twice the calls is what the machine does not give:\n\n{}",
        tables::growth_of_sessions(results),
        tables::growth_of_messages(results),
        tables::threads(results),
    )
}

fn peers(results: &Results) -> String {
    let mut rows = vec![["server", "version and settings"].map(str::to_owned).to_vec()];
    rows.push(vec!["mcp-http".into(), "this commit, `serve()` with its defaults; where thousands of sessions come from one address, its limits on that are raised".into()]);
    rows.push(vec!["hyper alone".into(), "`http1::Builder` or `http2::Builder` with their defaults, TCP_NODELAY, a constant answer of the same bytes and content type".into()]);
    let peers = results.environment.peers.iter();
    rows.extend(peers.map(|(name, settings)| vec![name.clone(), settings.clone()]));
    format!("## The servers\n\n{}", table(&rows))
}

const METHOD: &str = "\
## How the figures were taken

- The server is a process of its own, pinned to the first core; so is the driver, pinned to the second. What is told is the server's CPU time, in user and kernel mode (its process clock, `clock_getcpuclockid`), over the calls that were answered meanwhile. A load runs for a while before it is measured, and the connections are opened before that.
- The driver never sleeps. A driver that does must be woken whenever an answer comes, by an interrupt from the core that wrote the answer: sending it costs the *server* some microseconds per call, which would be told as the server's own and would hide how servers differ. So the driver's runtime always has one task that is ready.
- Servers take turns, round by round, in one run: whatever else the machine does meets all of them. Ratios are taken within a round, and their median is told.
- hyper alone is asked with the very bytes that the crate's server is asked with, and answers with the very bytes, learned beforehand.
- A machine that is a guest stands still at times, for 100 ms here: its host counts that (`steal` in `/proc/stat`). Where latencies or threads are told, a measurement with more than 10 ms of it is made again, up to eight times, and the one with the least is told; among the clusters it is not looked at.
- In the open loop calls are sent at a fixed rate, whatever becomes of the ones before, over whichever of 50 connections is free; a latency counts from when its call was meant to be sent. Otherwise a server that stalls would also stall the clock that it is judged by.
- All servers in Rust, rmcp and hyper alone included, are built for production: `lto = \"fat\"` and `codegen-units = 1` (the profile `production` of the benchmarks). What cargo makes of them without that is told beside it.
- Everything goes over loopback: a network would add the same to all, and hide the differences.
";

fn failures(results: &Results) -> String {
    if results.failures.is_empty() {
        return String::new();
    }
    let mut rows = vec![["scenario", "server", "why"].map(str::to_owned).to_vec()];
    for (scenario, subject, error) in &results.failures {
        let error: String =
            error.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        let row = vec![scenario.clone(), subject.clone(), error.replace('|', "\\|")];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    format!("## What could not be measured\n\n{}", table(&rows))
}
