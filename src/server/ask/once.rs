//! Answers that are to be used once.

use crate::server::context::Context;
use crate::server::handler_error::HandlerError;

/// What the answers of a request came with, and what knows whether it was used before.
pub(crate) trait UseOnce: Send + Sync {
    /// Uses it up.
    ///
    /// # Errors
    ///
    /// It was used up by another call, or that cannot be known.
    fn use_up(&self) -> Result<(), NotUsable>;
}

/// Why answers cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotUsable {
    /// Another call has used them.
    UsedBefore,
    /// They came with nothing that could be known again.
    Unasked,
    /// Too many others are remembered.
    NoRoom,
}

impl Context {
    /// Makes sure that what the client has answered is acted upon once: of all calls that come with
    /// the same answers, only the first gets past this.
    ///
    /// From 2026-07-28 on a client brings its answers with a request of its own, and whoever has
    /// seen that request can send it again as long as its state is fresh
    /// ([`McpServiceBuilder::input_timeout`](crate::McpServiceBuilder::input_timeout)). A handler
    /// for which twice would be once too often calls this after its last question and before it
    /// acts: to ask once more after it fails. It does nothing in a call that was asked nothing, and
    /// in the revisions before, where each answer counts once anyway.
    ///
    /// What was used is remembered in the memory of one instance. Where several share their
    /// [`StateKeys`](crate::StateKeys), the application has to keep such records itself.
    ///
    /// ```
    /// use mcp_http::{Context, Elicit, ToolError};
    ///
    /// async fn redeem(voucher: String, cx: Context) -> Result<String, ToolError> {
    ///     let form = Elicit::form(format!("Redeem {voucher}?"));
    ///     if cx.elicit("sure", form)?.accepted().is_none() {
    ///         return Ok("Nothing was redeemed".to_owned());
    ///     }
    ///     cx.single_use()?;
    ///     Ok(format!("{voucher} is redeemed")) // once
    /// }
    /// ```
    ///
    /// Source: 2026-07-28, Multi Round-Trip Requests, Server Requirements, 5.
    ///
    /// # Errors
    ///
    /// If another call came with the same answers before, or if they came without the state of the
    /// question, so that nobody can tell; or if the service remembers 65,536 others at this moment.
    /// It becomes the JSON-RPC error `-32602`, or `-32603`.
    pub fn single_use(&self) -> Result<(), HandlerError> {
        let used = match self.once() {
            Some(once) => once.use_up(),
            // A client may bring answers before it is asked, and the same ones with every request.
            None if self.inputs().came_unasked() => Err(NotUsable::Unasked),
            None => Ok(()),
        };
        match used {
            Ok(()) => Ok(()),
            Err(NotUsable::Unasked) => Err(HandlerError::unasked()),
            Err(NotUsable::UsedBefore) => Err(HandlerError::used_before()),
            Err(NotUsable::NoRoom) => {
                let message = "too many answers are remembered to be used once: try again later";
                Err(HandlerError::protocol(-32603, message, None))
            }
        }
    }
}
