//! The baseline: hyper alone, with TCP_NODELAY and its own builders' defaults, doing the same I/O.
//!
//! `hyper_alone ADDRESS http1|http2 CONTENT-TYPE FILE`; it prints the address that it listens on,
//! and serves until its standard input ends.
//!
//! - `GET` is answered with a body that stays open;
//! - `POST /trigger` writes 200 bytes to each body that is open;
//! - every other request is answered with the file's bytes, once its body was read.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, ready};

use anyhow::{Context, bail};
use bytes::Bytes;
use futures::Stream as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

/// What a stream is told: an event of 200 bytes.
static EVENT: [u8; 200] = {
    let mut event = [b'x'; 200];
    let (head, rest) = event.split_at_mut(6);
    head.copy_from_slice(b"data: ");
    rest.split_at_mut(192).1.copy_from_slice(b"\n\n");
    event
};

#[derive(Clone, Copy)]
enum Version {
    Http1,
    Http2,
}

struct Shared {
    kind: HeaderValue,
    answer: Bytes,
    streams: Mutex<Vec<UnboundedSender<Bytes>>>,
}

/// A body that gives what is sent into its channel.
struct Told(UnboundedReceiver<Bytes>);

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let told = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(told.map(|bytes| Ok(Frame::data(bytes))))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, version, kind, file] = &arguments[..] else {
        bail!("hyper_alone ADDRESS http1|http2 CONTENT-TYPE FILE");
    };
    let version = match version.as_str() {
        "http1" => Version::Http1,
        "http2" => Version::Http2,
        other => bail!("no such version: {other}"),
    };
    let shared = Arc::new(Shared {
        kind: HeaderValue::from_str(kind)?,
        answer: std::fs::read(file).with_context(|| file.clone())?.into(),
        streams: Mutex::default(),
    });
    let listener = TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(accept(listener, version, shared));
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    Ok(())
}

async fn accept(listener: TcpListener, version: Version, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        if stream.set_nodelay(true).is_ok() {
            tokio::spawn(connection(stream, version, Arc::clone(&shared)));
        }
    }
}

async fn connection(stream: TcpStream, version: Version, shared: Arc<Shared>) {
    let io = TokioIo::new(stream);
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    // A connection that breaks is the client's doing.
    let _ = match version {
        Version::Http1 => http1::Builder::new().serve_connection(io, service).await,
        Version::Http2 => {
            http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
        }
    };
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Either<Full<Bytes>, Told>>, Infallible> {
    if request.method() == Method::GET {
        let (sender, receiver) = unbounded();
        lock(&shared).push(sender);
        let mut response = Response::new(Either::Right(Told(receiver)));
        let kind = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        return Ok(response);
    }
    if request.uri().path() == "/trigger" {
        let event = Bytes::from_static(&EVENT);
        lock(&shared).retain(|stream| stream.unbounded_send(event.clone()).is_ok());
    }
    // Whatever broke off is answered as well: hyper notices.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Either::Left(Full::new(shared.answer.clone())));
    response.headers_mut().insert(header::CONTENT_TYPE, shared.kind.clone());
    Ok(response)
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Vec<UnboundedSender<Bytes>>> {
    shared.streams.lock().expect("nothing panics while it is held")
}
