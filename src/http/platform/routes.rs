//! A few routes in front of any service: what a platform asks, beside what clients do.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;

use crate::http::serve::ShutdownSignal;
use crate::http::service::McpService;
use crate::protocol::head::Head;

/// A service with a few routes in front, which are answered at once from what the process knows:
/// health checks, metrics, a page for those who come with a browser.
///
/// A route is one path, exactly. It is answered for GET and HEAD, whatever the `Host` and whoever
/// asks: platforms probe by address. All other paths are the service's.
///
/// ```
/// use bytes::Bytes;
/// use http::Response;
/// use mcp_http::{McpService, Server, WithRoutes, serve};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mcp = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
/// let service = WithRoutes::new(mcp.clone())
///     .health("/health", &mcp)
///     .route("/", |_| Response::new(Bytes::from("This is an MCP server: its endpoint is /mcp")));
/// let running = serve(service).bind("127.0.0.1:0").await?;
/// # running.shutdown().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WithRoutes<S> {
    service: S,
    routes: Arc<Vec<Route>>,
}

#[derive(Clone)]
struct Route {
    path: Box<str>,
    answer: Arc<Answer>,
}

type Answer = dyn Fn(&Head) -> Response<Bytes> + Send + Sync;

impl<S> WithRoutes<S> {
    /// The service, with no route yet.
    pub fn new(service: S) -> Self {
        Self { service, routes: Arc::default() }
    }

    /// Adds a route. Of two with the same path the first one answers.
    ///
    /// The answer must be at hand: nothing is awaited. A panic in it ends the connection.
    pub fn route<F>(mut self, path: impl Into<String>, answer: F) -> Self
    where
        F: Fn(&Head) -> Response<Bytes> + Send + Sync + 'static,
    {
        let path = path.into().into_boxed_str();
        Arc::make_mut(&mut self.routes).push(Route { path, answer: Arc::new(answer) });
        self
    }

    /// Adds a health check: 200 `ok` while the MCP service takes new sessions, and 503 `draining`
    /// from the begin of its shutdown on.
    pub fn health(self, path: impl Into<String>, mcp: &McpService) -> Self {
        let mcp = mcp.clone();
        self.route(path, move |head| {
            // A service that was never called knows nothing of its listener.
            let ends =
                head.extensions().get::<ShutdownSignal>().is_some_and(ShutdownSignal::is_triggered);
            if mcp.is_ready() && !ends {
                text(StatusCode::OK, "text/plain", "ok")
            } else {
                text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "draining")
            }
        })
    }

    /// Adds the service's [`Stats`](crate::Stats) in the text format of Prometheus.
    ///
    /// Anyone who reaches the path can read it. It holds numbers alone, no name and no session id,
    /// but they tell how the service is used: keep it from the public.
    pub fn metrics(self, path: impl Into<String>, mcp: &McpService) -> Self {
        let mcp = mcp.clone();
        self.route(path, move |_| {
            text(StatusCode::OK, "text/plain; version=0.0.4", mcp.stats().to_prometheus())
        })
    }
}

impl Route {
    fn respond(&self, head: &Head) -> Response<Bytes> {
        match *head.method() {
            Method::GET => (self.answer)(head),
            Method::HEAD => {
                let mut response = (self.answer)(head);
                let length = HeaderValue::from(response.body().len());
                response.headers_mut().insert(CONTENT_LENGTH, length);
                response.map(|_| Bytes::new())
            }
            _ => {
                let mut response =
                    text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "send GET or HEAD");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
        }
    }
}

fn text(status: StatusCode, of: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(of));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl<S: fmt::Debug> fmt::Debug for WithRoutes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.routes.iter().map(|route| &route.path).collect();
        f.debug_struct("WithRoutes")
            .field("service", &self.service)
            .field("routes", &paths)
            .finish()
    }
}

impl<S, R, B> Service<Request<R>> for WithRoutes<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<RoutesBody<B>>;
    type Error = S::Error;
    type Future = RoutesFuture<S::Future>;

    fn call(&self, request: Request<R>) -> Self::Future {
        let kind = match self.routes.iter().find(|route| *route.path == *request.uri().path()) {
            Some(route) => {
                let head = Head::from(request.into_parts().0);
                FutureKind::Own { response: Some(route.respond(&head)) }
            }
            None => FutureKind::Inner { future: self.service.call(request) },
        };
        RoutesFuture { kind }
    }
}

pin_project! {
    /// The future of a response of [`WithRoutes`].
    #[must_use = "futures do nothing unless polled"]
    pub struct RoutesFuture<F> {
        #[pin]
        kind: FutureKind<F>,
    }
}

pin_project! {
    #[project = FutureKindProjection]
    enum FutureKind<F> {
        Own { response: Option<Response<Bytes>> },
        Inner { #[pin] future: F },
    }
}

impl<F, B, E> Future for RoutesFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<RoutesBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let (response, kind): (_, fn(_) -> _) = match self.project().kind.project() {
            FutureKindProjection::Own { response } => {
                let response = response.take().expect("a future is not polled after its end");
                let own = |bytes| RoutesBody { kind: BodyKind::Own { bytes: Some(bytes) } };
                return Poll::Ready(Ok(response.map(own)));
            }
            FutureKindProjection::Inner { future } => {
                (ready!(future.poll(cx)), |body| RoutesBody { kind: BodyKind::Inner { body } })
            }
        };
        Poll::Ready(response.map(|response| response.map(kind)))
    }
}

pin_project! {
    /// The body of a response of [`WithRoutes`]: a route's, or the service's own.
    pub struct RoutesBody<B> {
        #[pin]
        kind: BodyKind<B>,
    }
}

pin_project! {
    #[project = BodyKindProjection]
    enum BodyKind<B> {
        Own { bytes: Option<Bytes> },
        Inner { #[pin] body: B },
    }
}

impl<B: Body<Data = Bytes>> Body for RoutesBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            BodyKindProjection::Own { bytes } => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            BodyKindProjection::Inner { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Own { bytes } => bytes.as_ref().is_none_or(Bytes::is_empty),
            BodyKind::Inner { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Own { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
            BodyKind::Inner { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for RoutesBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutesBody").finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for RoutesFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutesFuture").finish_non_exhaustive()
    }
}
