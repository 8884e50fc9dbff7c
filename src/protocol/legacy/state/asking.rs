//! What becomes of the requests to the client: said, answered, taken back, given up.

use std::sync::Arc;

use bytes::Bytes;

use super::{Call, Phase, State};
use crate::protocol::legacy::effects::Effects;
use crate::protocol::legacy::limits::Limits;
use crate::protocol::legacy::log::{Kind, Refused};
use crate::protocol::legacy::requests::{Asker, Reply, Request, Unsent, cancelled};
use crate::protocol::legacy::stream::Stream;
use crate::protocol::sse::StreamId;
use crate::protocol::time::Millis;

impl State {
    /// Opens a request to the client, of a call in flight. It is still to be said.
    ///
    /// 2025-11-25 (and 2025-03-26, 2025-06-18), Lifecycle, Initialization: "The server SHOULD NOT
    /// send requests other than pings and logging before receiving the `initialized` notification."
    pub(in crate::protocol::legacy) fn ask(
        &mut self,
        key: u64,
        asker: Arc<dyn Asker>,
        limits: &Limits,
    ) -> Result<u64, Unsent> {
        if !self.calls.contains(key) {
            return Err(Unsent::NoStream);
        }
        if self.phase != Phase::Initialized {
            return Err(Unsent::Uninitialized);
        }
        self.requests.open(key, asker, limits).ok_or(Unsent::TooMany)
    }

    /// Says an open request on its call's own stream. If that takes it not, the request is closed,
    /// and who asked is told.
    pub(in crate::protocol::legacy) fn send_request(
        &mut self,
        id: u64,
        message: Bytes,
        limits: &Limits,
        effects: &mut Effects,
    ) {
        // Nobody waits for it any more.
        let Some(call) = self.requests.get_mut(id).map(|request| request.call) else { return };
        let stream = self.calls.get(call).and_then(|call| call.stream);
        let logged = stream.map(|number| {
            self.log(StreamId::post(number), Kind::Request, message, limits, effects)
        });
        let unsent = match logged {
            Some(Ok(Some(place))) => {
                if let Some(request) = self.requests.get_mut(id) {
                    request.place = Some(place);
                }
                return;
            }
            Some(Err(Refused::Full | Refused::TooLarge)) => Unsent::NoRoom,
            Some(Ok(None)) | None => Unsent::NoStream,
        };
        self.fail_request(id, unsent, effects);
    }

    /// Closes a request that cannot reach the client.
    pub(in crate::protocol::legacy) fn fail_request(
        &mut self,
        id: u64,
        why: Unsent,
        effects: &mut Effects,
    ) {
        if let Some(request) = self.requests.take(id) {
            effects.rare().askers.push((request.asker, Some(Reply::Unsent(why))));
        }
    }

    /// Closes all requests of a call, which cannot reach the client.
    pub(in crate::protocol::legacy) fn fail_requests(
        &mut self,
        key: u64,
        why: Unsent,
        effects: &mut Effects,
    ) {
        let requests = self.requests.take_call(key).into_iter();
        effects
            .rare()
            .askers
            .extend(requests.map(|(_, request)| (request.asker, Some(Reply::Unsent(why)))));
    }

    /// Takes a request back whose answer nobody waits for. It goes from the log, if no connection
    /// was given it; otherwise the client is told, if there is room for that: such a notification
    /// is "fire and forget" (2025-11-25, Cancellation, Error Handling).
    fn retract(
        &mut self,
        (id, request): (u64, &Request),
        stream: Option<u64>,
        reason: &'static str,
        limits: &Limits,
        effects: &mut Effects,
    ) {
        let (Some(number), Some(place)) = (stream, request.place) else { return };
        if self.posts.get_mut(&number).is_some_and(|stream| !stream.take_back(place)) {
            let (stream, message) = (StreamId::post(number), cancelled(id, reason));
            // No room, or no stream: the answer of the call says enough.
            let _ = self.log(stream, Kind::Notification, message, limits, effects);
        }
    }

    /// Takes a call out, and back what it has asked.
    pub(super) fn take_call(
        &mut self,
        key: u64,
        limits: &Limits,
        effects: &mut Effects,
    ) -> Option<Call> {
        let call = self.calls.remove(key)?;
        if !self.requests.is_empty() {
            for (id, request) in self.requests.take_call(key) {
                let reason = "The request that it was asked for has ended";
                self.retract((id, &request), call.stream, reason, limits, effects);
                effects.rare().askers.push((request.asker, None));
            }
        }
        Some(call)
    }

    /// Gives up on requests that have waited for their time, and on those whose stream is lost: its
    /// client was told, and has an answer. How many had waited.
    pub(super) fn expire_requests(
        &mut self,
        now: Millis,
        limits: &Limits,
        effects: &mut Effects,
    ) -> usize {
        if self.requests.is_empty() {
            return 0;
        }
        let due = self.requests.take_due(now, limits.input_timeout);
        for (id, request) in &due {
            let stream = self.calls.get(request.call).and_then(|call| call.stream);
            self.retract((*id, request), stream, "No answer came in time", limits, effects);
        }
        let (calls, posts) = (&self.calls, &self.posts);
        let lost = self.requests.take_lost(|request| {
            let stream = calls.get(request.call).and_then(|call| call.stream);
            stream.and_then(|number| posts.get(&number)).is_some_and(Stream::is_lost)
        });
        let count = due.len();
        let told = |reply| move |(_, request): (u64, Request)| (request.asker, Some(reply));
        effects.rare().askers.extend(due.into_iter().map(told(Reply::TimedOut)));
        effects.rare().askers.extend(lost.into_iter().map(told(Reply::Unsent(Unsent::NoStream))));
        count
    }
}
