//! Prompts: messages that a server prepares for its users.

use super::context::Context;
use super::dispatch::{Dispatched, Request};
use crate::protocol::jsonrpc::RpcError;

/// The prompts of a server.
#[derive(Default)]
pub(crate) struct Prompts {}

impl Prompts {
    /// Whether there are none, and cannot be any.
    pub(crate) fn is_none(&self) -> bool {
        true
    }

    /// Begins to serve a request of a method that starts with `prompts/`.
    pub(crate) fn dispatch(
        &self,
        request: &Request<'_>,
        _cx: Context,
    ) -> Result<Dispatched, RpcError> {
        Err(RpcError::method_not_found(request.method))
    }
}
