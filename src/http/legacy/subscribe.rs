//! `resources/subscribe` and `resources/unsubscribe` (2025-11-25, and before, Resources,
//! Subscriptions).

use std::borrow::Cow;
use std::sync::Arc;

use super::answer::Answer;
use super::calls::{Call, Post};
use crate::protocol::change::Change;
use crate::protocol::jsonrpc::{Params, RpcError};
use crate::protocol::legacy::{NotSubscribed, Session, SessionEnded};
use crate::protocol::refusal::{Reason, Refusal};

impl Post<'_> {
    /// The session, where its client can be told of resources that it subscribed to. Elsewhere
    /// `subscribe` is not declared, and there are no such methods.
    pub(super) fn subscribing(&self) -> Option<&Arc<Session>> {
        self.session.filter(|_| self.mount.shared.announced.legacy.contains(Change::Updates))
    }

    /// Subscribes to a resource. Whether there is one is not asked: it may be there later.
    ///
    /// # Errors
    ///
    /// Its session has just ended, or memory is short. A limit is answered with -32602, which says
    /// what to do.
    pub(super) fn subscribe(
        &self,
        session: &Session,
        answer: Answer,
        params: &Params<'_>,
    ) -> Result<Call, Refusal> {
        let uri = match uri(params) {
            Ok(uri) => uri,
            Err(error) => return Ok(Call::refused(answer, &error)),
        };
        let refuse = |reason: Reason| Refusal::from(reason).for_request(Some(answer.id.clone()));
        if !self.mount.shared.has_memory() {
            return Err(refuse(Reason::OutOfMemory));
        }
        match session.subscribe(&uri) {
            Ok(()) => Ok(self.empty(answer)),
            Err(NotSubscribed::Excess(excess)) => {
                let error = excess.error("unsubscribe from some");
                Ok(Call::refused(answer, &error))
            }
            Err(NotSubscribed::OutOfMemory) => Err(refuse(Reason::OutOfMemory)),
            Err(NotSubscribed::Ended) => Err(refuse(Reason::SessionUnknown)),
        }
    }

    /// Ends the subscription to a resource. One that is not there is as good as ended.
    ///
    /// # Errors
    ///
    /// Its session has just ended.
    pub(super) fn unsubscribe(
        &self,
        session: &Session,
        answer: Answer,
        params: &Params<'_>,
    ) -> Result<Call, Refusal> {
        let uri = match uri(params) {
            Ok(uri) => uri,
            Err(error) => return Ok(Call::refused(answer, &error)),
        };
        match session.unsubscribe(&uri) {
            Ok(()) => Ok(self.empty(answer)),
            Err(SessionEnded) => {
                Err(Refusal::from(Reason::SessionUnknown).for_request(Some(answer.id)))
            }
        }
    }
}

/// "The URI can use any protocol; it is up to the server how to interpret it" (the schemas of the
/// three revisions, `SubscribeRequest`). Here it is compared as it is written.
fn uri<'a>(params: &Params<'a>) -> Result<Cow<'a, str>, RpcError> {
    let uri = params.get_str("uri").filter(|uri| !uri.is_empty());
    uri.ok_or_else(|| RpcError::invalid_params("`uri` must be the URI of a resource"))
}
