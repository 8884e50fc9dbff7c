//! The options of the server, as options of a command.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mcp_http::{Framing, McpServiceBuilder, Serve, StandaloneStream};

/// What was asked for. What was not keeps the crate's default.
#[derive(Debug, Default)]
pub struct Knobs {
    pub port: u16,
    framing: Option<Framing>,
    heartbeat: Option<Duration>,
    commit_after: Option<Duration>,
    log_messages: Option<usize>,
    log_bytes: Option<usize>,
    retention: Option<Duration>,
    idle: Option<Duration>,
    max_per_address: Option<usize>,
    max_sessions: Option<usize>,
    max_calls: Option<usize>,
    allow_hosts: Vec<String>,
    allow_any_host: bool,
    max_connections: Option<usize>,
    connection_idle: Option<Duration>,
    write_stall: Option<Duration>,
    shutdown_deadline: Option<Duration>,
    stream_age: Option<Duration>,
    retry: Option<Duration>,
    max_held_bytes: Option<usize>,
    session_log: Option<usize>,
    max_calls_per_session: Option<usize>,
    reader_stall: Option<Duration>,
    body_timeout: Option<Duration>,
    first_byte: Option<Duration>,
    head_timeout: Option<Duration>,
    max_parked: Option<usize>,
    standalone: Option<StandaloneStream>,
}

const HELP: &str = "\
--port N                  0 takes any free one, and is the default
--framing adaptive|sse|json
--heartbeat S             seconds, as a decimal number
--commit-after MS         how long a call may stay silent before its answer is a stream
--log-messages N          what a stream keeps for replay
--log-bytes N
--retention MS            how long a finished stream is kept
--idle S                  how long a session may be idle, as a decimal number
--max-per-address N       how many sessions of one address there may be
--max-sessions N
--max-calls N
--max-connections N
--connection-idle S       how long a connection may be idle
--write-stall MS          how long a write may make no progress
--shutdown-deadline MS
--allow-host HOST
--allow-any-host
--stream-age MS           how old a stream may become
--retry MS                what clients whose stream ends early are told to wait
--max-held-bytes N        what the service may hold in all
--session-log N           what all streams of a session keep, in bytes
--max-calls-per-session N
--reader-stall MS         how long a reader may leave a message untaken
--body-timeout MS         how long a body may take to arrive
--first-byte MS           how long a connection may send nothing at first
--head-timeout MS         how long a head may take to arrive
--max-parked N            how many streams may wait for changes alone
--standalone serve|refuse|auto";

impl Knobs {
    /// Reads the arguments of the command.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut knobs = Self::default();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--");
            let name = name.with_context(|| format!("{argument} is no option\n{HELP}"))?;
            match name {
                "help" => bail!("{HELP}"),
                "allow-any-host" => knobs.allow_any_host = true,
                _ => {
                    let value = arguments.next();
                    let value = value.with_context(|| format!("--{name} wants a value"))?;
                    knobs.set(name, &value).with_context(|| format!("--{name} {value}"))?;
                }
            }
        }
        Ok(knobs)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "port" => self.port = value.parse()?,
            "framing" => self.framing = Some(framing(value)?),
            "heartbeat" => self.heartbeat = Some(seconds(value)?),
            "commit-after" => self.commit_after = Some(millis(value)?),
            "log-messages" => self.log_messages = number(value)?,
            "log-bytes" => self.log_bytes = number(value)?,
            "retention" => self.retention = Some(millis(value)?),
            "idle" => self.idle = Some(seconds(value)?),
            "max-per-address" => self.max_per_address = number(value)?,
            "max-sessions" => self.max_sessions = number(value)?,
            "max-calls" => self.max_calls = number(value)?,
            "max-connections" => self.max_connections = number(value)?,
            "connection-idle" => self.connection_idle = Some(seconds(value)?),
            "write-stall" => self.write_stall = Some(millis(value)?),
            "shutdown-deadline" => self.shutdown_deadline = Some(millis(value)?),
            "allow-host" => self.allow_hosts.push(value.to_owned()),
            "stream-age" => self.stream_age = Some(millis(value)?),
            "retry" => self.retry = Some(millis(value)?),
            "max-held-bytes" => self.max_held_bytes = number(value)?,
            "session-log" => self.session_log = number(value)?,
            "max-calls-per-session" => self.max_calls_per_session = number(value)?,
            "reader-stall" => self.reader_stall = Some(millis(value)?),
            "body-timeout" => self.body_timeout = Some(millis(value)?),
            "first-byte" => self.first_byte = Some(millis(value)?),
            "head-timeout" => self.head_timeout = Some(millis(value)?),
            "max-parked" => self.max_parked = number(value)?,
            "standalone" => self.standalone = Some(standalone(value)?),
            _ => bail!("no such option\n{HELP}"),
        }
        Ok(())
    }

    /// The options of the service.
    pub fn service(&self, mut builder: McpServiceBuilder) -> McpServiceBuilder {
        // A server that listens on loopback is called by its address, or through a proxy that
        // puts its own there.
        if self.allow_any_host {
            builder = builder.dangerous_allow_any_host();
        }
        for host in &self.allow_hosts {
            builder = builder.allow_host(host);
        }
        builder = apply(builder, self.framing, McpServiceBuilder::framing);
        builder = apply(builder, self.heartbeat, McpServiceBuilder::heartbeat);
        builder = apply(builder, self.commit_after, McpServiceBuilder::commit_after);
        builder = apply(builder, self.retention, McpServiceBuilder::stream_retention);
        builder = apply(builder, self.idle, McpServiceBuilder::session_idle_timeout);
        let sessions = self.max_per_address;
        builder = apply(builder, sessions, McpServiceBuilder::max_sessions_per_address);
        builder = apply(builder, self.max_sessions, McpServiceBuilder::max_sessions);
        builder = apply(builder, self.max_calls, McpServiceBuilder::max_calls);
        builder = apply(builder, self.max_parked, McpServiceBuilder::max_parked_streams);
        builder = apply(builder, self.standalone, McpServiceBuilder::standalone_stream);
        builder = apply(builder, self.stream_age, McpServiceBuilder::max_stream_age);
        builder = apply(builder, self.retry, McpServiceBuilder::retry);
        builder = apply(builder, self.max_held_bytes, McpServiceBuilder::max_held_bytes);
        builder = apply(builder, self.session_log, McpServiceBuilder::session_log);
        let calls = self.max_calls_per_session;
        builder = apply(builder, calls, McpServiceBuilder::max_calls_per_session);
        builder = apply(builder, self.reader_stall, McpServiceBuilder::reader_stall_timeout);
        builder = apply(builder, self.body_timeout, McpServiceBuilder::body_timeout);
        if self.log_messages.is_some() || self.log_bytes.is_some() {
            let messages = self.log_messages.unwrap_or(4_096);
            builder = builder.stream_log(messages, self.log_bytes.unwrap_or(1024 * 1024));
        }
        builder
    }

    /// The options of the listener.
    pub fn serve<S>(&self, mut serve: Serve<S>) -> Serve<S> {
        serve = apply(serve, self.max_connections, Serve::max_connections);
        serve = apply(serve, self.connection_idle, Serve::idle_timeout);
        serve = apply(serve, self.write_stall, Serve::write_stall_timeout);
        serve = apply(serve, self.first_byte, Serve::first_byte_timeout);
        serve = apply(serve, self.head_timeout, Serve::head_timeout);
        apply(serve, self.shutdown_deadline, Serve::shutdown_deadline)
    }
}

fn apply<B, T>(builder: B, value: Option<T>, set: impl FnOnce(B, T) -> B) -> B {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}

fn framing(value: &str) -> Result<Framing> {
    Ok(match value {
        "adaptive" => Framing::Adaptive,
        "sse" => Framing::SseOnly,
        "json" => Framing::JsonOnly,
        _ => bail!("adaptive, sse or json"),
    })
}

fn standalone(value: &str) -> Result<StandaloneStream> {
    Ok(match value {
        "serve" => StandaloneStream::Serve,
        "refuse" => StandaloneStream::Refuse,
        "auto" => StandaloneStream::Auto,
        _ => bail!("serve, refuse or auto"),
    })
}

fn number<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    value: &str,
) -> Result<Option<T>> {
    Ok(Some(value.parse()?))
}

fn millis(value: &str) -> Result<Duration> {
    Ok(Duration::from_millis(value.parse()?))
}

fn seconds(value: &str) -> Result<Duration> {
    Ok(Duration::try_from_secs_f64(value.parse()?)?)
}
