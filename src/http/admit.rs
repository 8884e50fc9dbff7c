//! The step that admits a caller.

use std::future::Future;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};

use crate::protocol::head::Head;
use crate::protocol::principal::Principal;
use crate::protocol::refusal::Refusal;

/// Decides who a caller is, from the head of its request, before the body is read.
///
/// Any `Fn(Arc<Head>) -> Future<Output = Result<Principal, Refusal>>` is one.
///
/// Without one, the caller is the [`Principal`] among the request's extensions, where a layer in
/// front may have put it, and anonymous if there is none.
///
/// It is asked for every request but preflights, whose origin has been checked: a session's id is
/// no credential. What a [`Refusal`] cannot say, such as 429, is for a layer in front.
///
/// # Cancel safety
///
/// The future is dropped if the client leaves while it runs.
///
/// # Panics
///
/// A panic refuses the request with 500; others are not affected.
///
/// ```
/// use std::sync::Arc;
/// use http::header::AUTHORIZATION;
/// use mcp_http::{Head, McpService, Principal, Refusal, Server};
///
/// # let server = Server::builder("demo", "1.0.0").build()?;
/// let service = McpService::builder(server)
///     .admit(|head: Arc<Head>| async move {
///         match head.headers().get(AUTHORIZATION).map(|value| value.as_bytes()) {
///             Some(b"Bearer open-sesame") => Ok(Principal::named("ali-baba")),
///             _ => Err(Refusal::unauthorized("Say the word")),
///         }
///     })
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot admit callers",
    note = "pass a closure `|head: Arc<Head>| async move {{ Ok::<Principal, Refusal>(..) }}`"
)]
pub trait Admit: Send + Sync + 'static {
    /// Admits the caller as a principal, or refuses it.
    ///
    /// # Errors
    ///
    /// The refusal, with which the request is answered.
    fn admit(&self, head: Arc<Head>) -> BoxFuture<'static, Result<Principal, Refusal>>;
}

impl<F, Fut> Admit for F
where
    F: Fn(Arc<Head>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Principal, Refusal>> + Send + 'static,
{
    fn admit(&self, head: Arc<Head>) -> BoxFuture<'static, Result<Principal, Refusal>> {
        self(head).boxed()
    }
}
