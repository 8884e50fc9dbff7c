//! An answer that waits for its reader.

use std::sync::Arc;

use bytes::Bytes;

use super::service::Shared;
use crate::protocol::budget::Share;
use crate::protocol::jsonrpc::RequestId;
use crate::protocol::legacy::no_room;

/// An answer, counted towards the budget until it is handed on.
pub(crate) struct Held {
    answer: Bytes,
    _share: Share,
}

impl Held {
    /// Holds an answer. Where there is no room for it even after relief, its client is told so in
    /// its place.
    pub(crate) fn new(shared: &Arc<Shared>, id: &RequestId, answer: Bytes) -> Self {
        let budget = shared.registry.budget();
        if !budget.has_last_room(answer.len()) {
            shared.relieve();
        }
        let fits = budget.has_last_room(answer.len());
        let answer = if fits { answer } else { no_room(id) };
        let mut share = Share::of(budget);
        share.grow(answer.len());
        Self { answer, _share: share }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.answer
    }
}
