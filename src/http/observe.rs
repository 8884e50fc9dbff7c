//! What the transport tells `tracing`: one function an event, which does nothing without the
//! feature.
//!
//! Nothing here takes text of a peer's, and nothing takes a session's id: what can be said is what
//! the types of the arguments can hold. A reason is a name out of this crate's own tables.

#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, clippy::if_same_then_else, reason = "nobody listens")
)]

#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use super::service::Shared;
use crate::protocol::head::Head;
#[cfg(feature = "tracing")]
use crate::protocol::time::Millis;
#[cfg(feature = "tracing")]
use crate::protocol::trace::TraceContext;
use crate::protocol::version::ProtocolVersion;

/// An event of the transport's.
macro_rules! event {
    ($level:ident, $($content:tt)+) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!(target: "mcp_http", $($content)+);
    }};
}

/// A legacy session was opened.
pub(crate) fn session_opened(version: ProtocolVersion) {
    event!(debug, revision = version.as_str(), "session opened");
}

/// So many legacy sessions ended, if any: by DELETE, by expiry, by the shutdown.
pub(crate) fn sessions_ended(why: &'static str, count: usize) {
    if count > 0 {
        event!(debug, why, count, "session ended");
    }
}

/// A response became a stream of this kind.
pub(crate) fn stream_opened(kind: &'static str) {
    event!(debug, kind, "stream opened");
}

/// The connection of a stream ended.
pub(crate) fn stream_ended(kind: &'static str, age: Duration, why: &'static str) {
    event!(debug, kind, age_s = age.as_secs_f64(), why, "stream ended");
}

/// A request was refused, for the reason of this name. What the server cannot do just now is a
/// warning, once a second: a flood of requests must not become a flood of lines, and the numbers
/// are in [`Stats`](crate::Stats). What the client did wrong is none.
pub(crate) fn refused(shared: &Shared, status: StatusCode, reason: &'static str) {
    let status_code = status.as_u16();
    #[cfg(feature = "tracing")]
    if status.is_server_error() && shared.counters.warnings.is_due(shared.now()) {
        event!(warn, status = status_code, reason, "request refused");
        return;
    }
    event!(debug, status = status_code, reason, "request refused");
}

/// What may happen once a second.
#[cfg(feature = "tracing")]
#[derive(Default)]
pub(crate) struct OnceASecond {
    /// When it may happen again, in milliseconds.
    next: AtomicU64,
}

#[cfg(feature = "tracing")]
impl OnceASecond {
    /// Whether it may happen now. Of several threads that ask at once, one is told so.
    fn is_due(&self, Millis(now): Millis) -> bool {
        let next = self.next.load(Ordering::Relaxed);
        let then = now.saturating_add(1_000);
        now >= next
            && self.next.compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// A client came back for a stream that is there.
pub(crate) fn resumed() {
    event!(debug, "stream resumed");
}

/// A client came back for a stream that has nothing more to say.
pub(crate) fn resumed_too_late() {
    event!(debug, "stream asked for after its end");
}

/// A client that reads a stream was told that something of it is missing.
pub(crate) fn gap_told() {
    event!(warn, "gap told: messages were evicted before the client read them");
}

/// The drain began.
pub(crate) fn drain_begun(sessions: usize, calls: usize) {
    event!(info, sessions, calls, "drain begun");
}

/// So many calls, if any, had not ended when the time of the drain was up.
pub(crate) fn calls_cut_off(count: usize) {
    if count > 0 {
        event!(warn, count, "calls cut off by the shutdown");
    }
}

/// A listener has shut down. So many connections had to be aborted.
pub(crate) fn shut_down(aborted: usize) {
    if aborted == 0 {
        event!(info, "shut down");
    } else {
        event!(warn, aborted, "shut down before all connections had ended");
    }
}

/// A connection was closed because its peer does not read.
pub(crate) fn writer_stalled() {
    event!(warn, "connection closed: its peer does not read");
}

/// So many streams, if any, were taken from connections that do not read them.
pub(crate) fn readers_stalled(count: usize) {
    if count > 0 {
        event!(warn, count, "stream taken from a connection that does not read it");
    }
}

/// A request's span: everything that is said while it is served is said within. Without the
/// feature it is nothing.
pub(crate) struct RequestSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl RequestSpan {
    /// Begins the span of a request. It names the trace that the platform in front put the request
    /// in, as far as that can be read.
    #[cfg(feature = "tracing")]
    pub(crate) fn of(head: &Head) -> Self {
        use tracing::field::{Empty, display};

        let span = tracing::info_span!(
            target: "mcp_http",
            "request",
            method = method(head),
            trace_id = Empty,
            span_id = Empty,
            sampled = Empty,
        );
        if span.is_disabled() {
            return Self { span };
        }
        if let Some(trace) = TraceContext::of(head.headers()) {
            span.record("trace_id", display(trace.trace_id()));
            if let Some(id) = trace.span_id() {
                span.record("span_id", display(id));
            }
            if let Some(sampled) = trace.sampled() {
                span.record("sampled", sampled);
            }
        }
        Self { span }
    }

    #[cfg(not(feature = "tracing"))]
    pub(crate) fn of(head: &Head) -> Self {
        Self {}
    }

    /// Runs a future within.
    #[cfg(feature = "tracing")]
    pub(crate) fn around<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        tracing::Instrument::instrument(future, self.span)
    }

    #[cfg(not(feature = "tracing"))]
    pub(crate) fn around<F: Future>(self, future: F) -> F {
        future
    }
}

/// A future that goes on in a task of its own, still within its request's span.
#[cfg(feature = "tracing")]
pub(crate) fn in_same_span<F: Future>(future: F) -> tracing::instrument::Instrumented<F> {
    tracing::Instrument::in_current_span(future)
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn in_same_span<F: Future>(future: F) -> F {
    future
}

/// One of the endpoint's methods; any other name is the peer's text.
#[cfg(feature = "tracing")]
fn method(head: &Head) -> &'static str {
    let known = ["POST", "GET", "DELETE", "OPTIONS"];
    known.into_iter().find(|known| *known == head.method().as_str()).unwrap_or("other")
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_warning_a_second() {
        let warnings = OnceASecond::default();
        let told = [0, 0, 1, 999, 1_000, 1_001, 1_999, 5_000, 5_999, 6_000];
        let told: Vec<_> = told.into_iter().filter(|it| warnings.is_due(Millis(*it))).collect();
        assert_eq!(told, [0, 1_000, 5_000, 6_000]);
    }
}
