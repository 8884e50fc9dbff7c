//! What is remembered of streams that are gone: the requests that were asked on them.

use std::collections::VecDeque;

use bytes::Bytes;

use super::refusals;
use super::stream::Remains;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::sse::EventId;

/// Longer ids are not remembered. Clients count, or use UUIDs, which are 38 with their quotes.
pub(super) const LONGEST_ID: usize = 40;

/// The requests of retired streams, oldest first, with a limit.
#[derive(Debug, Default)]
pub(super) struct Tombstones(VecDeque<Tombstone>);

#[derive(Debug)]
pub(super) struct Tombstone {
    stream: u64,
    answered: u64,
    id: RequestId,
}

impl Tombstones {
    /// Remembers the requests of a stream, and forgets the oldest above `limit`.
    pub(super) fn bury(
        &mut self,
        stream: u64,
        remains: impl IntoIterator<Item = Remains>,
        limit: usize,
    ) {
        for Remains { id, answered } in remains {
            if limit == 0 || id.as_json().len() > LONGEST_ID {
                continue;
            }
            if self.0.len() == limit {
                self.0.pop_front();
            }
            // They are few, and a session that idles has no room to spare.
            self.0.reserve_exact(1);
            self.0.push_back(Tombstone { stream, answered, id });
        }
    }

    /// The answers for a client that resumes a retired stream: one for each request whose answer
    /// it has not seen.
    pub(super) fn answers(&self, cursor: EventId) -> Vec<Bytes> {
        self.0
            .iter()
            .filter(|it| it.stream == cursor.stream.number() && it.answered > cursor.seq)
            .map(|it| refusals::events_evicted(&it.id))
            .collect()
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}
