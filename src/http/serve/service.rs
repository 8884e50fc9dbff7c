//! The user's service as a connection calls it: requests are counted while they are in flight and
//! carry what is known of their connection.

use std::{
    any::Any,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, service::Service};
use pin_project_lite::pin_project;

use super::activity::{Activity, InFlightGuard};
use crate::http::service::McpService;

/// The service of one connection.
pub(super) struct Counted<S> {
    service: S,
    activity: Arc<Activity>,
    /// What each request is to carry.
    carried: Option<Extensions>,
}

impl<S: 'static> Counted<S> {
    /// Counts what a service has in flight, and tells it what is known of the connection.
    pub(super) fn new(mut service: S, activity: Arc<Activity>, known: Extensions) -> Self {
        // The crate's own is told once. To copy it into each request costs four allocations.
        let carried = match (&mut service as &mut dyn Any).downcast_mut::<McpService>() {
            Some(service) => {
                service.serve_connection(known);
                None
            }
            None => Some(known),
        };
        Self { service, activity, carried }
    }
}

impl<S, B> Service<Request<Incoming>> for Counted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
{
    type Response = Response<CountedBody<B>>;
    type Error = S::Error;
    type Future = CountedFuture<S::Future>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let guard = self.activity.begin_request();
        if let Some(carried) = &self.carried {
            request.extensions_mut().extend(carried.clone());
        }
        CountedFuture { future: self.service.call(request), guard: Some(guard) }
    }
}

pin_project! {
    /// The future of a [`Counted`] service.
    pub(super) struct CountedFuture<F> {
        #[pin]
        future: F,
        guard: Option<InFlightGuard>,
    }
}

impl<F, B, E> Future for CountedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<CountedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx));
        let guard = this.guard.take();
        Poll::Ready(response.map(|response| response.map(|body| CountedBody { body, guard })))
    }
}

pin_project! {
    /// A response's body; its request is in flight until it drops.
    pub(super) struct CountedBody<B> {
        #[pin]
        body: B,
        guard: Option<InFlightGuard>,
    }
}

impl<B: Body<Data = Bytes>> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
