//! Completion: what a server suggests while its user types an argument.

use super::context::Context;
use super::dispatch::{Dispatched, Request};
use crate::protocol::jsonrpc::RpcError;

/// What a server can complete.
#[derive(Default)]
pub(crate) struct Completions {}

impl Completions {
    /// Whether there is nothing that it can complete.
    pub(crate) fn is_none(&self) -> bool {
        true
    }

    /// Begins to serve `completion/complete`.
    pub(crate) fn complete(
        &self,
        request: &Request<'_>,
        _cx: Context,
    ) -> Result<Dispatched, RpcError> {
        Err(RpcError::method_not_found(request.method))
    }
}
