//! The limits of the legacy era, and their defaults.

use std::time::Duration;

use crate::protocol::change::SubscriptionLimits;

/// What sessions and their streams may hold, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Sessions in all: 10,000.
    pub(crate) sessions: usize,
    /// Sessions of one named principal: 1,000.
    pub(crate) sessions_per_principal: usize,
    /// Sessions of anonymous callers from one address: 1,000. Those whose address is not known
    /// share the limit in all only.
    pub(crate) sessions_per_address: usize,
    /// How long a session may be idle, without a call in flight and without a stream that is
    /// connected: 30 min. It expires within two sweep periods after that, never before.
    pub(crate) idle: Duration,
    /// The same for a session whose client never sent `notifications/initialized`: 5 min.
    pub(crate) idle_uninitialized: Duration,
    /// Calls in flight in one session: 256.
    pub(crate) calls: usize,
    /// Connections to the streams of one session, also those that lost theirs: 512. Over HTTP/2 a
    /// peer can hold back the end of each.
    pub(crate) connections: usize,
    /// Requests to the client that are open in one session: 1,024.
    pub(crate) requests: usize,
    /// How long each of them waits for its answer: 10 min. It is given up within two sweep periods
    /// after that, never before.
    pub(crate) input_timeout: Duration,
    /// Messages in one stream's log: 4,096.
    pub(crate) stream_messages: usize,
    /// Bytes of messages in one stream's log: 1 MiB.
    pub(crate) stream_bytes: usize,
    /// Bytes of messages in all logs of a session: 4 MiB. Answers are kept beyond it.
    pub(crate) session_bytes: usize,
    /// Bytes of messages in all logs of all sessions, and in what else waits to be read: 256 MiB.
    pub(crate) total_bytes: usize,
    /// Finished streams that a session keeps for clients that were away: 64.
    pub(crate) finished_streams: usize,
    /// How long it keeps them, and what was delivered on the standalone stream: 5 min.
    pub(crate) retention: Duration,
    /// Requests whose answers are gone but whose clients are still told so: 16 in a session, which
    /// is what fits into the 2 KiB that an idle session may cost.
    pub(crate) tombstones: usize,
    /// The resources that the client of a session may subscribe to: 256, of 64 KiB of URIs.
    pub(crate) subscriptions: SubscriptionLimits,
    /// How long a connection may leave a message untaken before it is detached: 60 s.
    pub(crate) stall: Duration,
    /// What a displaced connection is told to wait before it comes back, to begin with: 1 s.
    pub(crate) retry: Duration,
    /// How often [`Registry::sweep`](super::Registry::sweep) is to be called: 15 s.
    pub(crate) sweep_period: Duration,
    /// Ended sessions that are remembered: 4,096 in all.
    pub(crate) ended_sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 10_000,
            sessions_per_principal: 1_000,
            sessions_per_address: 1_000,
            idle: Duration::from_secs(30 * 60),
            idle_uninitialized: Duration::from_secs(5 * 60),
            calls: 256,
            connections: 512,
            requests: 1_024,
            input_timeout: Duration::from_secs(10 * 60),
            stream_messages: 4_096,
            stream_bytes: 1024 * 1024,
            session_bytes: 4 * 1024 * 1024,
            total_bytes: 256 * 1024 * 1024,
            finished_streams: 64,
            retention: Duration::from_secs(5 * 60),
            tombstones: 16,
            subscriptions: SubscriptionLimits::default(),
            stall: Duration::from_secs(60),
            retry: Duration::from_secs(1),
            sweep_period: Duration::from_secs(15),
            ended_sessions: 4_096,
        }
    }
}
