//! A service at one moment, in numbers: for a log line, a test, or an endpoint of metrics.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::counters::{StreamEnd, StreamKind};
use super::serve::ConnectionStats;
use super::service::Shared;

/// A service at one moment, as [`McpService::stats`](crate::McpService::stats) gives it.
///
/// Counts that end in a past participle only grow; the others are of the moment. No session's id
/// is in it, nor anything else that a client sent.
///
/// ```
/// use mcp_http::{McpService, Server};
///
/// let service = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
/// let stats = service.stats();
/// assert_eq!((stats.sessions, stats.calls), (0, 0));
/// let text = stats.to_prometheus(); // for an endpoint of yours, such as /metrics
/// assert!(text.contains("mcp_sessions 0\n"));
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Whether new sessions and streams are taken: false from the begin of a drain.
    pub ready: bool,
    /// Legacy sessions that live.
    pub sessions: usize,
    /// Sessions that `initialize` opened.
    pub sessions_opened: u64,
    /// Sessions that their clients deleted.
    pub sessions_deleted: u64,
    /// Sessions that were idle for their time.
    pub sessions_expired: u64,
    /// Sessions that ended because a drain had no more time.
    pub sessions_shut_down: u64,
    /// Calls that run.
    pub calls: usize,
    /// Tasks that are kept: those that run, and those whose time to live has not passed.
    pub tasks: usize,
    /// Calls that were answered with an error because a drain had no more time.
    pub calls_cut_off: u64,
    /// Streams that are connected, by kind.
    pub streams: BTreeMap<StreamKind, StreamStats>,
    /// Connections of the listeners that the service is served on by [`serve`](crate::serve()).
    pub connections: ConnectionStats,
    /// Requests that were refused, by the name of the reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// Resumptions that were answered with a stream, those that began with a gap among them.
    pub replays_hit: u64,
    /// Resumptions of streams that were over, and had nothing more to say.
    pub replays_over: u64,
    /// Gaps that were told, on resumption or to a reader that was too slow.
    pub replays_gap: u64,
    /// Comment lines that kept streams alive.
    pub heartbeats_sent: u64,
    /// Readers that left what was there for them unread for too long, and were detached.
    pub readers_stalled: u64,
    /// Bytes of messages that wait to be read, or are kept for clients that come back.
    pub bytes_held: usize,
    /// The most that may be.
    pub bytes_limit: usize,
    /// Bytes of messages that were dropped because as many were held as may be. The clients that
    /// asked for them were told.
    pub bytes_evicted: u64,
    /// Answers of legacy clients to what they were not asked, or not any more.
    pub answers_unexpected: u64,
    /// Requests to legacy clients that had no answer in time.
    pub inputs_timed_out: u64,
}

/// The streams of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StreamStats {
    /// Connected now.
    pub open: usize,
    /// How old each of them is, the oldest first.
    pub ages: Vec<Duration>,
    /// Ended, by reason.
    pub ended: BTreeMap<StreamEnd, u64>,
}

impl Stats {
    pub(crate) fn of(shared: &Shared) -> Self {
        let (counters, budget) = (&shared.counters, shared.registry.budget());
        Self {
            ready: !shared.drain.is_draining(),
            sessions: shared.registry.len(),
            sessions_opened: counters.sessions_opened.get(),
            sessions_deleted: counters.sessions_deleted.get(),
            sessions_expired: counters.sessions_expired.get(),
            sessions_shut_down: counters.sessions_shut_down.get(),
            calls: shared.calls_in_flight(),
            tasks: shared.tasks.as_ref().map_or(0, |tasks| tasks.count()),
            calls_cut_off: counters.cut_off_calls.get(),
            streams: StreamKind::ALL.map(|kind| (kind, StreamStats::of(shared, kind))).into(),
            connections: shared.drain.connections(),
            refused: counters.refusals(),
            replays_hit: counters.resumed.get(),
            replays_over: counters.resumed_too_late.get(),
            replays_gap: counters.gaps.get(),
            heartbeats_sent: counters.heartbeats.get(),
            readers_stalled: counters.stalled_readers.get(),
            bytes_held: budget.held(),
            bytes_limit: budget.limit(),
            bytes_evicted: counters.evicted_bytes.get(),
            answers_unexpected: counters.unexpected_answers.get(),
            inputs_timed_out: counters.inputs_timed_out.get(),
        }
    }

    /// The numbers as Prometheus' text format, version 0.0.4: serve them as
    /// `text/plain; version=0.0.4` where the monitoring looks and the public does not.
    pub fn to_prometheus(&self) -> String {
        let mut text = Text(String::with_capacity(4 * 1024));
        text.gauge("mcp_ready", "1 unless the server drains", u64::from(self.ready));
        text.gauge("mcp_sessions", "Legacy sessions that live", self.sessions);
        text.counter("mcp_sessions_opened_total", "Sessions opened", self.sessions_opened);
        text.family("mcp_sessions_ended_total", "Sessions ended, by reason", "counter");
        let ended = [
            ("deleted", self.sessions_deleted),
            ("expired", self.sessions_expired),
            ("shut_down", self.sessions_shut_down),
        ];
        ended.iter().for_each(|(reason, count)| {
            text.sample("mcp_sessions_ended_total", &[("reason", reason)], count);
        });
        text.gauge("mcp_calls", "Calls that run", self.calls);
        text.gauge("mcp_tasks", "Tasks that are kept", self.tasks);
        text.counter("mcp_calls_cut_off_total", "Calls cut off by a drain", self.calls_cut_off);
        self.streams_to(&mut text);
        text.gauge("mcp_connections", "Open connections", self.connections.open);
        let ConnectionStats { accepted, refused, stalled_writers, .. } = self.connections;
        text.counter("mcp_connections_accepted_total", "Connections accepted", accepted);
        text.counter("mcp_connections_refused_total", "Connections beyond the limit", refused);
        let help = "Connections whose peer stopped reading";
        text.counter("mcp_connections_stalled_total", help, stalled_writers);
        text.family("mcp_refused_total", "Requests refused, by reason", "counter");
        for (reason, count) in &self.refused {
            text.sample("mcp_refused_total", &[("reason", reason)], count);
        }
        text.family("mcp_replays_total", "Resumptions, by what became of them", "counter");
        let replays =
            [("hit", self.replays_hit), ("over", self.replays_over), ("gap", self.replays_gap)];
        replays.iter().for_each(|(result, count)| {
            text.sample("mcp_replays_total", &[("result", result)], count);
        });
        text.counter("mcp_heartbeats_total", "Comment lines sent", self.heartbeats_sent);
        text.counter("mcp_readers_stalled_total", "Readers detached", self.readers_stalled);
        text.gauge("mcp_bytes_held", "Bytes of messages held", self.bytes_held);
        text.gauge("mcp_bytes_limit", "Bytes of messages that may be held", self.bytes_limit);
        text.counter(
            "mcp_bytes_evicted_total",
            "Bytes dropped for want of room",
            self.bytes_evicted,
        );
        let help = "Answers to what was not asked, or not any more";
        text.counter("mcp_answers_unexpected_total", help, self.answers_unexpected);
        let help = "Requests to clients without an answer in time";
        text.counter("mcp_inputs_timed_out_total", help, self.inputs_timed_out);
        text.0
    }

    fn streams_to(&self, text: &mut Text) {
        text.family("mcp_streams", "Streams that are connected, by kind", "gauge");
        for (kind, streams) in &self.streams {
            text.sample("mcp_streams", &[("kind", kind.as_str())], streams.open);
        }
        text.family("mcp_stream_age_seconds_max", "The oldest stream's age, by kind", "gauge");
        for (kind, streams) in &self.streams {
            let oldest = streams.ages.first().map_or(0.0, Duration::as_secs_f64);
            text.sample("mcp_stream_age_seconds_max", &[("kind", kind.as_str())], oldest);
        }
        text.family("mcp_streams_ended_total", "Streams ended, by kind and reason", "counter");
        for (kind, streams) in &self.streams {
            for (end, count) in &streams.ended {
                let labels = [("kind", kind.as_str()), ("reason", end.as_str())];
                text.sample("mcp_streams_ended_total", &labels, count);
            }
        }
    }
}

impl StreamStats {
    fn of(shared: &Shared, kind: StreamKind) -> Self {
        let ages: Vec<_> =
            shared.counters.open_since(kind).iter().map(tokio::time::Instant::elapsed).collect();
        let ended = StreamEnd::ALL.map(|end| (end, shared.counters.ends(kind, end))).into();
        Self { open: ages.len(), ages, ended }
    }
}

/// Prometheus' text format. All names and labels are the crate's own, so nothing needs escaping.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<_> = labels.iter().map(|(name, it)| format!("{name}=\"{it}\"")).collect();
        let _ = match labels.is_empty() {
            true => writeln!(self.0, "{name} {value}"),
            false => writeln!(self.0, "{name}{{{}}} {value}", labels.join(",")),
        };
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, help, "gauge");
        self.sample(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, help, "counter");
        self.sample(name, &[], value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_is_told_once_and_before_its_samples() {
        let mut stats = Stats { ready: true, sessions: 3, ..Stats::default() };
        stats.refused.insert("too_many_calls", 2);
        let ended = [(StreamEnd::Aged, 7)].into();
        let ages = vec![Duration::from_millis(1_500)];
        stats.streams.insert(StreamKind::Listen, StreamStats { open: 1, ages, ended });
        let text = stats.to_prometheus();
        let mut families = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let name = rest.split(' ').next().unwrap();
                assert!(!families.contains(&name), "{name} stands twice");
                families.push(name);
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap();
                assert_eq!(families.last(), Some(&name), "a sample of another family");
                assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
        for line in [
            "mcp_ready 1",
            "mcp_sessions 3",
            "mcp_refused_total{reason=\"too_many_calls\"} 2",
            "mcp_streams{kind=\"listen\"} 1",
            "mcp_stream_age_seconds_max{kind=\"listen\"} 1.5",
            "mcp_streams_ended_total{kind=\"listen\",reason=\"aged\"} 7",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is missing from\n{text}");
        }
    }
}
