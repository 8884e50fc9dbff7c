//! Changes, from the application's handle to the streams of both eras.

use super::builder::{LegacySessions, Options};
use super::commit::Framing;
use super::service::Shared;
use crate::protocol::change::{ChangeSet, Notice, Subject};
use crate::protocol::legacy::Update;
use crate::server::{Audience, Server};

/// What the clients of each era can be told of. What they cannot be told of is not declared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    /// On the standalone streams of sessions.
    pub(crate) legacy: ChangeSet,
    /// On the streams of `subscriptions/listen`.
    pub(crate) modern: ChangeSet,
}

impl Announced {
    pub(crate) fn new(server: &Server, options: &Options) -> Self {
        let changes = server.can_announce();
        let has_standalone =
            options.legacy == LegacySessions::Kept && options.standalone_stream.is_served(changes);
        Self {
            legacy: if has_standalone { changes } else { ChangeSet::EMPTY },
            modern: match options.framing {
                // A listen stream is an answer, and could be no other.
                Framing::JsonOnly => ChangeSet::EMPTY,
                Framing::Adaptive | Framing::SseOnly => changes,
            },
        }
    }
}

impl Audience for Shared {
    fn hear(&self, notice: &Notice) {
        if self.announced.legacy.contains(notice.subject().change()) {
            // Written once, and shared by all logs and streams (decision 18).
            let message = notice.message();
            match notice.subject() {
                Subject::Resource(uri) => {
                    let update = Update::new(uri, &message);
                    self.registry.for_each(|session| session.announce_update(&update));
                }
                Subject::Tools | Subject::Prompts | Subject::Resources => {
                    self.registry.for_each(|session| session.announce(&message));
                }
            }
        }
        self.subscriptions.announce(notice);
    }
}
