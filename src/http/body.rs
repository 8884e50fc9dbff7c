//! The bodies of responses. Each owns what it sends: nothing else can reach the wire.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};

use super::listen::ListenStream;
use super::log_stream::LogStream;
use super::request_stream::RequestStream;
use super::service::Shared;
use super::slow_body::{self, SlowBody};
use super::unsent;

/// The body of a response of [`McpService`](crate::McpService).
///
/// It is empty, a single JSON document of known length, or a stream of server-sent events that
/// owns its source: a bounded queue, a cursor over a session's log, or a subscription. It never
/// fails.
///
/// ```
/// use http_body_util::{BodyExt, Full};
/// use hyper::service::Service;
/// use mcp_http::{McpService, Server};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let service = McpService::builder(Server::builder("demo", "1.0.0").build()?).build()?;
/// let request = http::Request::put("http://localhost/mcp").body(Full::<bytes::Bytes>::default())?;
/// let body: mcp_http::ResponseBody = service.call(request).await?.into_body();
/// let bytes = body.collect().await?.to_bytes();
/// assert!(bytes.starts_with(br#"{"jsonrpc":"2.0","error":"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
///
/// Dropping it before its end means that the client has left. A modern call is then cancelled: its
/// handler is dropped. A legacy call runs on, and its client can resume the stream.
pub struct ResponseBody {
    kind: Kind,
}

enum Kind {
    Empty,
    Full(Bytes),
    /// A stream that is all there: framed as streams are, without a length.
    Stream(Bytes),
    Slow(Box<SlowBody>),
    Request(Box<RequestStream>),
    Log(Box<LogStream>),
    Listen(Box<ListenStream>),
}

impl ResponseBody {
    pub(crate) fn empty() -> Self {
        Self { kind: Kind::Empty }
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        Self { kind: Kind::Full(bytes) }
    }

    /// A stream of which all is there.
    pub(crate) fn stream(bytes: Bytes) -> Self {
        Self { kind: Kind::Stream(bytes) }
    }

    pub(crate) fn request(stream: RequestStream) -> Self {
        Self { kind: Kind::Request(Box::new(stream)) }
    }

    pub(crate) fn log(stream: LogStream) -> Self {
        Self { kind: Kind::Log(Box::new(stream)) }
    }

    pub(crate) fn listen(stream: ListenStream) -> Self {
        Self { kind: Kind::Listen(Box::new(stream)) }
    }

    /// Has a whole body count towards the budget until it is written. Streams count by themselves.
    pub(crate) fn count_towards(&mut self, shared: &Arc<Shared>, version: Version) {
        let Kind::Full(bytes) = &mut self.kind else { return };
        if version == Version::HTTP_2 && bytes.len() >= slow_body::LEAST {
            let body = SlowBody::new(shared, std::mem::take(bytes));
            self.kind = Kind::Slow(Box::new(body));
        } else {
            *bytes = unsent::counted(std::mem::take(bytes), shared.registry.budget());
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) | Kind::Stream(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then_some(bytes))
            }
            Kind::Slow(body) => Poll::Ready(body.next()),
            Kind::Request(stream) => stream.poll_bytes(cx),
            Kind::Log(stream) => stream.poll_bytes(cx),
            Kind::Listen(stream) => stream.poll_bytes(cx),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(bytes) | Kind::Stream(bytes) => bytes.is_empty(),
            Kind::Slow(body) => body.length() == 0,
            Kind::Request(stream) => stream.is_over(),
            Kind::Log(stream) => stream.is_over(),
            Kind::Listen(stream) => stream.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Slow(body) => SizeHint::with_exact(body.length()),
            Kind::Stream(_) | Kind::Request(_) | Kind::Log(_) | Kind::Listen(_) => {
                SizeHint::default()
            }
        }
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Empty => "empty",
            Kind::Full(_) | Kind::Slow(_) => "full",
            Kind::Stream(_) | Kind::Request(_) | Kind::Log(_) | Kind::Listen(_) => "stream",
        };
        f.debug_tuple("ResponseBody").field(&kind).finish()
    }
}
