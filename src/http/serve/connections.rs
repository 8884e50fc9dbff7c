//! What a listener counts of its connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counts, which only grow; what is open is the difference.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    accepted: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
    stalled: AtomicU64,
}

/// The connections of a listener at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Accepted since the start, those beyond the limit not among them.
    pub accepted: u64,
    /// Open now.
    pub open: u64,
    /// Refused, because as many were open as may be.
    pub refused: u64,
    /// Closed because the peer took no byte of what was to be written for the time that it may.
    pub stalled_writers: u64,
}

impl Connections {
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stalled(&self) {
        self.stalled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> ConnectionStats {
        // Ended before accepted: there are never fewer open than none.
        let ended = self.ended.load(Ordering::Acquire);
        let accepted = self.accepted.load(Ordering::Acquire);
        ConnectionStats {
            accepted,
            open: accepted.saturating_sub(ended),
            refused: self.refused.load(Ordering::Relaxed),
            stalled_writers: self.stalled.load(Ordering::Relaxed),
        }
    }
}

impl std::ops::AddAssign for ConnectionStats {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.open += other.open;
        self.refused += other.refused;
        self.stalled_writers += other.stalled_writers;
    }
}
