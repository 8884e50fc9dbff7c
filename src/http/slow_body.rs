//! A whole body that its peer may hold back.
//!
//! Over HTTP/2 each of a thousand streams has a window of its own, and hyper does not poll the body
//! of one whose window is closed; the connection lives meanwhile, and no deadline of it passes
//! (decision 9). So a long body is handed on in pieces, and what is left of it is dropped once
//! nothing was taken for a time: its stream ends short of its length, which no client takes for
//! the whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::counters::SlowGuard;
use super::service::Shared;
use super::stall::{Seen, Stall};
use super::unsent;
use crate::protocol::budget::Share;

/// What is shorter is not worth watching: the stream that it is on takes as much.
pub(crate) const LEAST: usize = 4 * 1024;

/// How much hyper is handed at once: a frame of HTTP/2.
const PIECE: usize = 16 * 1024;

/// The body.
pub(crate) struct SlowBody {
    shared: Arc<Shared>,
    rest: Arc<Rest>,
    length: u64,
    _guard: SlowGuard,
}

/// What is left of a body, as the sweeper sees it.
pub(crate) struct Rest {
    moved: AtomicBool,
    state: Mutex<State>,
}

struct State {
    bytes: Bytes,
    share: Share,
    stall: Stall,
}

impl SlowBody {
    pub(crate) fn new(shared: &Arc<Shared>, bytes: Bytes) -> Self {
        let mut share = Share::of(shared.registry.budget());
        share.grow(bytes.len());
        let length = bytes.len() as u64;
        let state = Mutex::new(State { bytes, share, stall: Stall::default() });
        let rest = Arc::new(Rest { moved: AtomicBool::new(false), state });
        shared.ensure_sweeper();
        let guard = SlowGuard::watch(shared, &rest);
        Self { shared: Arc::clone(shared), rest, length, _guard: guard }
    }

    /// The next piece; `None` at the end, or where the rest was dropped.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let mut state = self.rest.lock();
        let length = state.bytes.len().min(PIECE);
        if length == 0 {
            return None;
        }
        self.rest.moved.store(true, Ordering::Relaxed);
        let piece = state.bytes.split_to(length);
        state.share.shrink(length);
        drop(state);
        self.length -= length as u64;
        Some(unsent::counted_whatever_its_length(piece, self.shared.registry.budget()))
    }

    /// How much is left, as the response's head promised.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

impl Rest {
    /// Looks, a period after it looked before, whether the reader stalls; drops what is left once
    /// it has for the limit, and says so.
    pub(crate) fn sweep(&self, period: Duration, limit: Duration) -> bool {
        let mut state = self.lock();
        let seen = match self.moved.swap(false, Ordering::Relaxed) || state.bytes.is_empty() {
            true => Seen::Moving,
            false => Seen::Waiting,
        };
        if !state.stall.look(seen, period, limit) {
            return false;
        }
        let held = state.share.bytes();
        state.share.shrink(held);
        state.bytes = Bytes::new();
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::service::McpService;
    use crate::server::Server;

    const PERIOD: Duration = Duration::from_secs(15);

    fn service() -> McpService {
        McpService::builder(Server::builder("slow", "1").build().unwrap()).build().unwrap()
    }

    #[tokio::test]
    async fn a_body_goes_out_in_pieces_and_counts_until_they_are_gone() {
        let service = service();
        let whole: Vec<u8> = (0..40_000).map(|n: u32| n as u8).collect();
        let mut body = SlowBody::new(service.shared(), whole.clone().into());
        assert_eq!((body.length(), service.stats().bytes_held), (40_000, 40_000));
        let mut pieces = Vec::new();
        while let Some(piece) = body.next() {
            assert!(piece.len() <= PIECE);
            pieces.push(piece);
        }
        assert_eq!((body.length(), service.stats().bytes_held), (0, 40_000), "hyper has them");
        assert_eq!(pieces.concat(), whole);
        pieces.clear();
        assert_eq!(service.stats().bytes_held, 0);
    }

    #[tokio::test]
    async fn what_is_left_is_dropped_once_nothing_was_taken_for_a_time() {
        let service = service();
        let mut body = SlowBody::new(service.shared(), vec![7; 40_000].into());
        let piece = body.next().unwrap();
        let [rest] = &*service.shared().counters.slow_bodies() else { panic!("one body") };
        let looks: Vec<_> = (0..7).map(|_| rest.sweep(PERIOD, PERIOD * 4)).collect();
        // It moved before the first; five more see it wait for four periods.
        assert_eq!(looks, [false, false, false, false, false, true, false]);
        drop(piece);
        assert_eq!(service.stats().bytes_held, 0);
        assert_eq!(body.next(), None);
        assert_eq!(body.length(), 40_000 - PIECE as u64, "short of what was promised");
        drop(body);
        assert!(service.shared().counters.slow_bodies().is_empty());
    }
}
