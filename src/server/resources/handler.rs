//! The trait behind a resource.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::result::{IntoResourceResult, ReadResourceResult};
use super::variables::Variables;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;

/// What a client wants to read: a URI, and what a template finds in it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    uri: Arc<str>,
    variables: Variables,
}

impl ReadRequest {
    /// A request for this URI, for calling a handler from another one or from a test.
    ///
    /// ```
    /// use mcp_http::{ReadRequest, UriTemplate};
    ///
    /// let template = UriTemplate::parse("weather://{city}")?;
    /// let uri = "weather://Bern";
    /// let request = ReadRequest::new(uri).with_variables(template.matches(uri).unwrap());
    /// assert_eq!(request.variables().get("city"), Some("Bern"));
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into().into(), variables: Variables::default() }
    }

    /// The same with what a template found.
    #[must_use]
    pub fn with_variables(mut self, variables: Variables) -> Self {
        self.variables = variables;
        self
    }

    /// The URI, as the client wrote it: a URI by RFC 3986 that was registered or matches the
    /// template.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What the template found in the URI; nothing where there is no template.
    ///
    /// Read [their section on security](Variables#security) before one becomes part of a path.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Reads the variables as a type of the handler's: [`Variables::parse`].
    ///
    /// # Errors
    ///
    /// If they do not fit: the error names the variable, and answers with `-32602`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        self.variables.parse()
    }
}

/// What runs when a resource is read.
///
/// Functions and closures of the shape `Fn(ReadRequest, Context) -> impl Future` implement it; a
/// type of one's own does when a closure is not enough.
///
/// ```
/// use mcp_http::{BoxFuture, Context, HandlerError, ReadRequest, ReadResourceResult, ResourceHandler};
///
/// struct Notes;
///
/// impl ResourceHandler for Notes {
///     fn read(
///         &self,
///         request: ReadRequest,
///         _cx: Context,
///     ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
///         Box::pin(async move {
///             match request.variables().get("id") {
///                 Some("1") => Ok(ReadResourceResult::text("Buy milk")),
///                 _ => Err(HandlerError::resource_not_found(request.uri())),
///             }
///         })
///     }
/// }
/// ```
///
/// What is said of the future of a [`ToolHandler`](crate::ToolHandler), of its cancel safety and of
/// panics holds here too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot read a resource",
    label = "no resource handler",
    note = "a handler is `|request: ReadRequest, cx: Context| async move {{ .. }}` whose future is \
            `Send + 'static` and ends with \
            `Result<impl IntoResourceResult, impl Into<HandlerError>>`",
    note = "an `async |..|` closure that captures is not `Fn`: write `move |..| async move {{ .. }}` \
            and clone what it captures before the inner `async`",
    note = "what is known beforehand goes to `static_resource`, and a closure that takes a type of \
            its own instead of `ReadRequest` to `typed_resource_template`"
)]
pub trait ResourceHandler: Send + Sync + 'static {
    /// Begins to read. The future begins to run when it is polled, which is at once.
    ///
    /// # Errors
    ///
    /// [`HandlerError::resource_not_found`] if there is no such resource after all; any other error
    /// becomes what [`HandlerError`] tells.
    fn read(
        &self,
        request: ReadRequest,
        cx: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>>;
}

impl<F, Fut, R, E> ResourceHandler for F
where
    F: Fn(ReadRequest, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: IntoResourceResult,
    E: Into<HandlerError>,
{
    fn read(
        &self,
        request: ReadRequest,
        cx: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
        let future = self(request, cx);
        Box::pin(async move { future.await.map_err(Into::into)?.into_resource_result() })
    }
}
