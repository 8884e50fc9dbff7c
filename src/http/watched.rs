//! A stream that cannot be resumed, as the sweeper sees it.
//!
//! Over HTTP/2 a peer can hold a single stream back, for ever, while its connection lives. hyper
//! does not poll the body then, so the body cannot notice (decision 9). What waits in it is dropped
//! once nothing of it was taken for a time, and its reader is told if it ever reads on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::held::Held;
use super::permits::CallPermit;
use super::service::Shared;
use super::stall::{Seen, Stall};
use crate::protocol::jsonrpc::{RequestId, RpcError, encode_error};
use crate::server::Context;

/// What a stream and its call's task share.
pub(crate) struct Watched {
    cx: Context,
    id: RequestId,
    moved: AtomicBool,
    state: Mutex<State>,
    task: OnceLock<AbortHandle>,
}

struct State {
    answer: Option<Held>,
    stall: Stall,
    permit: Option<CallPermit>,
    reader: Reader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Reads,
    Stalled,
}

impl Watched {
    pub(crate) fn new(cx: Context, id: RequestId) -> Arc<Self> {
        let state =
            State { answer: None, stall: Stall::default(), permit: None, reader: Reader::Reads };
        Arc::new(Self {
            cx,
            id,
            moved: AtomicBool::new(false),
            state: Mutex::new(state),
            task: OnceLock::new(),
        })
    }

    /// Notes the task that runs the call.
    pub(crate) fn runs_in(&self, task: AbortHandle) {
        // A stream has one task.
        let _ = self.task.set(task);
    }

    /// Keeps the call counted until the stream is dropped, or stalls.
    pub(crate) fn keep(&self, permit: CallPermit) {
        self.lock().permit = Some(permit);
    }

    /// Leaves the answer for the stream, unless there is one.
    pub(crate) fn answer(&self, answer: Held) {
        let mut state = self.lock();
        if state.reader == Reader::Reads && state.answer.is_none() {
            state.answer = Some(answer);
        }
    }

    /// Takes the answer. There is none if its call was aborted.
    pub(crate) fn take_answer(&self) -> Option<Held> {
        self.lock().answer.take()
    }

    /// Whether the reader stalled, and lost what was there for it.
    pub(crate) fn is_stalled(&self) -> bool {
        self.lock().reader == Reader::Stalled
    }

    /// Notes that the stream was read from.
    pub(crate) fn moves(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Looks, a period after it looked before, whether the reader stalls; says so when it has for
    /// the limit, once.
    pub(crate) fn sweep(&self, period: Duration, limit: Duration, shared: &Arc<Shared>) -> bool {
        {
            let mut state = self.lock();
            let waits = state.answer.is_some() || self.cx.outbox().needs_stream();
            let seen = match self.moved.swap(false, Ordering::Relaxed) || !waits {
                true => Seen::Moving,
                false => Seen::Waiting,
            };
            if !state.stall.look(seen, period, limit) || state.reader == Reader::Stalled {
                return false;
            }
            state.reader = Reader::Stalled;
            state.permit = None;
        }
        self.stop(shared);
        true
    }

    /// Ends the call and drops what it said.
    fn stop(&self, shared: &Arc<Shared>) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
        self.cx.cancel();
        self.cx.outbox().discard();
        let error = RpcError::internal("The stream was not read for too long, and was dropped");
        let told = Held::new(shared, &self.id, encode_error(Some(&self.id), &error));
        self.lock().answer = Some(told);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::http::service::McpService;
    use crate::protocol::version::ProtocolVersion;
    use crate::server::Server;
    use crate::server::context_tests::{context, info};

    const PERIOD: Duration = Duration::from_secs(15);

    fn watched(service: &McpService) -> Arc<Watched> {
        let watched = Watched::new(context(info(ProtocolVersion::LATEST)), RequestId::from(1));
        watched.answer(Held::new(service.shared(), &RequestId::from(1), Bytes::from("answer")));
        watched
    }

    fn service() -> McpService {
        McpService::builder(Server::builder("w", "1").build().unwrap()).build().unwrap()
    }

    #[test]
    fn a_reader_stalls_after_its_time_from_when_something_was_first_seen_to_wait() {
        let service = service();
        for (limit, sweeps) in [(60, 5), (15, 2), (10, 2), (0, 1)] {
            let watched = watched(&service);
            let stalls = || watched.sweep(PERIOD, Duration::from_secs(limit), service.shared());
            for sweep in 1..=sweeps {
                assert_eq!(stalls(), sweep == sweeps, "sweep {sweep} of a limit of {limit} s");
            }
            assert!(!stalls(), "once");
            let told = watched.take_answer().expect("an error in its place").into_bytes();
            assert!(told.starts_with(br#"{"jsonrpc":"2.0","id":1,"error":"#));
        }
    }

    #[test]
    fn a_reader_that_reads_and_one_that_has_nothing_to_read_do_not_stall() {
        let service = service();
        let reading = watched(&service);
        let idle = Watched::new(context(info(ProtocolVersion::LATEST)), RequestId::from(1));
        for _ in 0..10 {
            reading.moves();
            assert!(!reading.sweep(PERIOD, PERIOD, service.shared()));
            assert!(!idle.sweep(PERIOD, PERIOD, service.shared()));
        }
        assert!(!reading.is_stalled() && !idle.is_stalled());
    }

    /// It is nobody's call any more, and others are not to be refused for it.
    #[test]
    fn a_call_whose_reader_stalled_is_counted_no_more() {
        let service = service();
        let watched = watched(&service);
        watched.keep(CallPermit::take(service.mount()).unwrap());
        assert_eq!(service.calls_in_flight(), 1);
        assert!(watched.sweep(PERIOD, Duration::ZERO, service.shared()));
        assert_eq!(service.calls_in_flight(), 0);
    }
}
