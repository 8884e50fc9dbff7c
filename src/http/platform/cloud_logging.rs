//! Logs as Google Cloud reads them: one JSON object a line on standard output.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::protocol::timestamp::date;

/// A [`Layer`] that writes each event as a line of JSON, as Cloud Logging takes it from what a
/// container prints.
///
/// ```
/// use mcp_http::{CloudLogging, CloudRun};
/// use tracing::level_filters::LevelFilter;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let platform = CloudRun::from_env()?;
/// let logs = CloudLogging::new().project(platform.project_id());
/// let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(logs);
/// tracing::subscriber::set_global_default(subscriber)?;
/// tracing::info!(port = 8080, "listening");
/// // {"message":"listening","port":8080,"severity":"INFO","target":"…","time":"2026-11-21T…Z"}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A line has `severity`, `message`, `time`, `target` and the event's fields. If the event came
/// about while a request was served, and the request was in a trace (`traceparent` or
/// `X-Cloud-Trace-Context`), it also has `logging.googleapis.com/trace` and its kin, so that the
/// line stands with the platform's own line on that request. For this the
/// [`project`](Self::project) must be known.
///
/// A field that has the name of one of those is called `field.<name>`. What cannot be written is
/// lost. The transport itself never logs a session id or a credential.
///
/// Source: Google Cloud, "Structured logging".
pub struct CloudLogging {
    project: Option<String>,
    out: Mutex<Box<dyn Write + Send>>,
}

/// What a line has of its own.
const OWN: &[&str] = &["severity", "message", "time", "target"];
const GOOGLES: &str = "logging.googleapis.com/";

impl CloudLogging {
    /// Logs to standard output.
    pub fn new() -> Self {
        Self::to(io::stdout())
    }

    /// Logs to something else. Each line is one `write_all`, and a `flush`.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self { project: None, out: Mutex::new(Box::new(out)) }
    }

    /// The project that the traces belong to, if it is known.
    #[must_use]
    pub fn project(mut self, id: Option<&str>) -> Self {
        self.project = id.map(str::to_owned);
        self
    }

    fn line(&self, event: &Event<'_>, trace: Option<&Trace>, now: SystemTime) -> Vec<u8> {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields { mut object, message } = fields;
        let metadata = event.metadata();
        object.insert("severity".into(), severity(*metadata.level()).into());
        object.insert("time".into(), timestamp(now).into());
        object.insert("target".into(), metadata.target().into());
        let message = message.unwrap_or_else(|| metadata.name().to_owned());
        object.insert("message".into(), message.into());
        if let (Some(project), Some(trace)) = (&self.project, trace)
            && let Some(id) = &trace.trace
        {
            let name = format!("projects/{project}/traces/{id}");
            object.insert(format!("{GOOGLES}trace"), name.into());
            if let Some(span) = &trace.span {
                object.insert(format!("{GOOGLES}spanId"), span.as_str().into());
            }
            if let Some(sampled) = trace.sampled {
                object.insert(format!("{GOOGLES}trace_sampled"), sampled.into());
            }
        }
        let mut line = json!(object).to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

impl Default for CloudLogging {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CloudLogging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudLogging").field("project", &self.project).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CloudLogging
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut trace = Trace::default();
        attributes.record(&mut trace);
        if let Some(span) = cx.span(id).filter(|_| trace != Trace::default()) {
            span.extensions_mut().insert(trace);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let mut trace = extensions.remove::<Trace>().unwrap_or_default();
        values.record(&mut trace);
        if trace != Trace::default() {
            extensions.insert(trace);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        // The innermost span that is part of a trace: one that says less does not hide it.
        let trace = cx.event_scope(event).and_then(|mut scope| {
            scope.find_map(|span| {
                span.extensions().get::<Trace>().filter(|trace| trace.trace.is_some()).cloned()
            })
        });
        let line = self.line(event, trace.as_ref(), SystemTime::now());
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nowhere left to say that nothing can be said.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

/// Source: Google Cloud, "LogSeverity".
fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// RFC 3339, in UTC, to the microsecond.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let micros = since.subsec_micros();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// The trace that a span is part of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Trace {
    trace: Option<String>,
    span: Option<String>,
    sampled: Option<bool>,
}

impl Visit for Trace {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "trace_id" => self.trace = Some(format!("{value:?}")),
            "span_id" => self.span = Some(format!("{value:?}")),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "sampled" {
            self.sampled = Some(value);
        }
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    object: Map<String, Value>,
    message: Option<String>,
}

impl Fields {
    fn insert(&mut self, field: &Field, value: Value) {
        let name = field.name();
        let taken = OWN.contains(&name) || name.starts_with(GOOGLES);
        let name = if taken { format!("field.{name}") } else { name.to_owned() };
        self.object.insert(name, value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = Some(text),
            _ => self.insert(field, text.into()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = Some(value.to_owned()),
            _ => self.insert(field, value.into()),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.insert(field, value.to_string().into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are logged while something is done.
    fn lines(project: Option<&str>, act: impl FnOnce()) -> Vec<Value> {
        let captured = Captured::default();
        let layer = CloudLogging::to(captured.clone()).project(project);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// FACTS, Platforms: "logs are JSON with `severity` and `message`".
    #[test]
    fn a_line_is_an_object_with_severity_message_time_and_fields() {
        let lines = lines(None, || {
            tracing::warn!(port = 8080, name = "a\n\"b\"", ratio = 0.5, ok = true, "held {}", "up");
            tracing::error!(target: "elsewhere", error = ?Some(1), "no");
        });
        let line = &lines[0];
        let fields = ["severity", "message", "port", "name", "ratio", "ok", "target"];
        let expected = json!(["WARNING", "held up", 8080, "a\n\"b\"", 0.5, true, module_path!()]);
        assert_eq!(json!(fields.map(|name| line[name].clone())), expected);
        assert!(line["time"].as_str().unwrap().starts_with("20"), "{line}");
        assert_eq!(lines[1]["error"], "Some(1)");
        assert_eq!(lines[1]["target"], "elsewhere");
    }

    #[test]
    fn every_level_has_its_severity() {
        let lines = lines(None, || {
            tracing::error!("");
            tracing::warn!("");
            tracing::info!("");
            tracing::debug!("");
            tracing::trace!("");
        });
        let severities: Vec<_> = lines.iter().map(|line| line["severity"].clone()).collect();
        assert_eq!(severities, ["ERROR", "WARNING", "INFO", "DEBUG", "DEBUG"]);
    }

    /// FACTS, Platforms: "log field `logging.googleapis.com/trace` = `projects/P/traces/ID`".
    #[test]
    fn what_happens_in_a_traced_span_or_below_names_the_trace() {
        let lines = lines(Some("p"), || {
            let request = tracing::info_span!(
                "request",
                trace_id = tracing::field::Empty,
                span_id = tracing::field::Empty,
                sampled = tracing::field::Empty
            );
            request.record("trace_id", tracing::field::display("0af7"));
            request.record("span_id", tracing::field::display("00f0"));
            request.record("sampled", true);
            request.in_scope(|| {
                tracing::info!("in the request");
                tracing::info_span!("inner", n = 1).in_scope(|| tracing::info!("below"));
            });
            tracing::info!("beside");
        });
        for line in &lines[..2] {
            assert_eq!(line["logging.googleapis.com/trace"], "projects/p/traces/0af7", "{line}");
            assert_eq!(line["logging.googleapis.com/spanId"], "00f0", "{line}");
            assert_eq!(line["logging.googleapis.com/trace_sampled"], true, "{line}");
        }
        assert_eq!(lines[2].get("logging.googleapis.com/trace"), None);
    }

    #[test]
    fn a_span_that_names_no_trace_does_not_hide_that_of_the_span_around_it() {
        let lines = lines(Some("p"), || {
            tracing::info_span!("request", trace_id = "0af7").in_scope(|| {
                let empty = tracing::field::Empty;
                let inner = tracing::info_span!("inner", rows = empty, span_id = empty);
                inner.record("rows", 3);
                inner.in_scope(|| tracing::info!("with a field that was recorded late"));
                inner.record("span_id", "its own");
                inner.in_scope(|| tracing::info!("with a span id and no trace"));
            });
        });
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!(line["logging.googleapis.com/trace"], "projects/p/traces/0af7", "{line}");
        }
    }

    #[test]
    fn without_a_project_no_trace_is_named() {
        let lines = lines(None, || {
            tracing::info_span!("request", trace_id = "0af7").in_scope(|| tracing::info!("in"));
        });
        assert_eq!(lines[0].get("logging.googleapis.com/trace"), None);
    }

    #[test]
    fn a_field_takes_the_place_of_nothing() {
        let lines = lines(Some("p"), || {
            tracing::info!(severity = "EMERGENCY", time = 1, target = 2, "kept");
        });
        let line = &lines[0];
        assert_eq!((&line["severity"], &line["message"]), (&json!("INFO"), &json!("kept")));
        assert_eq!(line["field.severity"], "EMERGENCY");
        assert_eq!((&line["field.time"], &line["field.target"]), (&json!(1), &json!(2)));
    }

    #[test]
    fn times_are_dates_in_utc() {
        for (seconds, micros, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, 1, "2000-02-28T23:59:59.000001Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, 0, "2000-03-01T00:00:00.000000Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000000Z"),
            (1_795_219_200, 999_999, "2026-11-21T00:00:00.999999Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
            assert_eq!(timestamp(time), expected);
        }
    }
}
