//! One clone of the service, as a connection has it.

use std::sync::Arc;

use super::permits::PlaceIndex;
use super::service::Shared;
use crate::server::{OutboxLimits, OutboxRoom, Server};

/// What the requests of one clone of a service hold on to.
///
/// All clones are one service. But what is counted for each request is counted here, for each clone
/// by itself, so that connections on several cores do not write to the same memory all the time.
pub(crate) struct Mount {
    pub(crate) shared: Arc<Shared>,
    /// The server of the service.
    pub(crate) server: Server,
    /// What a call may have waiting to be sent: as much as its stream may hold.
    pub(crate) outbox_room: Arc<OutboxRoom>,
    /// Where its calls look for permits first.
    pub(super) place: PlaceIndex,
}

impl Mount {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        let limits = shared.registry.limits();
        let limits = OutboxLimits { messages: limits.stream_messages, bytes: limits.stream_bytes };
        let budget = Arc::clone(shared.registry.budget());
        Arc::new(Self {
            server: shared.server.counted_apart(),
            outbox_room: Arc::new(OutboxRoom { limits, budget }),
            place: shared.permits.next_place(),
            shared,
        })
    }
}
