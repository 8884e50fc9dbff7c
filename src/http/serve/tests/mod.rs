//! `serve()` over real sockets.
//!
//! Time is real here, so no test waits for it and then looks: each waits for an event (an answer,
//! the end of the input, a body's drop). That something has *not* happened is shown by a witness,
//! a connection under the same deadline that began later and has been closed.

mod deadlines;
mod limits;
mod protocols;
mod shutdown;

use std::{convert::Infallible, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture, stream};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
};

use super::{Running, Serve, ShutdownSignal, serve};
use crate::protocol::client_addr::PeerAddr;

/// Short enough to wait for, and the deadline that no test reaches.
const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(600);

/// Fails a test that would hang.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("in time")
}

/// What the probe service tells its test.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// `/hold` or a stream has been called.
    Called,
    /// The body of a stream has been dropped.
    BodyDropped,
}

/// A service whose path says what it does.
#[derive(Clone)]
struct Probe {
    tell: mpsc::UnboundedSender<Told>,
    release: Arc<tokio::sync::Notify>,
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

impl Service<Request<Incoming>> for Probe {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

impl Probe {
    async fn answer(self, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let signal = request.extensions().get::<ShutdownSignal>().cloned();
        Ok(match request.uri().path() {
            "/echo" => {
                let body = request.into_body().collect().await.map(|body| body.to_bytes());
                text(StatusCode::OK, body.expect("a whole body"))
            }
            "/peer" => {
                let peer = request.extensions().get::<PeerAddr>().map(|peer| peer.0.to_string());
                text(StatusCode::OK, peer.unwrap_or_default())
            }
            "/refused" => text(StatusCode::PAYLOAD_TOO_LARGE, ""),
            "/panic" => panic!("as asked"),
            "/hold" => {
                let _ = self.tell.send(Told::Called);
                self.release.notified().await;
                text(StatusCode::OK, "released")
            }
            // Frames without an end.
            "/endless" => self.stream(stream::repeat(Bytes::from(vec![b'x'; 16 * 1024]))),
            // A frame, and the end when the server shuts down.
            "/until-shutdown" => {
                let signal = signal.expect("a shutdown signal in the extensions");
                self.stream(stream::once(async { Bytes::from("begin ") }).chain(stream::once(
                    async move {
                        signal.wait().await;
                        Bytes::from("end")
                    },
                )))
            }
            _ => text(StatusCode::OK, "hello"),
        })
    }

    fn stream(self, frames: impl stream::Stream<Item = Bytes> + Send + 'static) -> Answer {
        let _ = self.tell.send(Told::Called);
        let guard = TellDrop(self.tell);
        let frames = frames.map(move |bytes| {
            let _owned = &guard;
            Ok(Frame::data(bytes))
        });
        Response::new(StreamBody::new(frames).boxed_unsync())
    }
}

struct TellDrop(mpsc::UnboundedSender<Told>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        let _ = self.0.send(Told::BodyDropped);
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()).boxed_unsync());
    *answer.status_mut() = status;
    answer
}

/// A running probe, and what it tells.
struct Server {
    running: Running,
    told: mpsc::UnboundedReceiver<Told>,
    release: Arc<tokio::sync::Notify>,
}

impl Server {
    /// Starts with deadlines that no test reaches but for those that `options` sets.
    async fn start(options: impl FnOnce(Serve<Probe>) -> Serve<Probe>) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let release = Arc::new(tokio::sync::Notify::new());
        let unhurried = serve(Probe { tell, release: Arc::clone(&release) })
            .first_byte_timeout(LONG)
            .head_timeout(LONG)
            .idle_timeout(LONG)
            .write_stall_timeout(LONG)
            .shutdown_deadline(LONG);
        let running = options(unhurried).bind("127.0.0.1:0").await.expect("a free port");
        Self { running, told, release }
    }

    async fn told(&mut self) -> Told {
        within(self.told.recv()).await.expect("the probe lives")
    }

    async fn connect(&self) -> Client {
        Client::connect(self.running.local_addr()).await.expect("a connection")
    }

    async fn connect_h2(&self) -> ClientH2 {
        self.connect().await.into_h2().await
    }

    /// Whether a connection of its own gets an answer.
    async fn assert_serves(&self) {
        assert_eq!(self.connect().await.get("/").await, "200 hello");
    }
}

/// A raw HTTP/1.1 client.
struct Client {
    stream: TcpStream,
}

impl Client {
    async fn connect(addr: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(addr).await? })
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.expect("the server reads");
    }

    /// Asks and gives status and body, such as `200 hello`.
    async fn get(&mut self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")).await;
        self.answer().await
    }

    /// Reads one answer that has a length.
    async fn answer(&mut self) -> String {
        let head = self.read_until("\r\n\r\n").await;
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split_once("\r"));
        let length = length.map_or(0, |(length, _)| length.parse().expect("a length"));
        let mut body = vec![0; length];
        within(self.stream.read_exact(&mut body)).await.expect("the body");
        let status = head.split(' ').nth(1).expect("a status").to_owned();
        format!("{status} {}", String::from_utf8(body).expect("text"))
    }

    async fn read_until(&mut self, end: &str) -> String {
        let mut read = String::new();
        while !read.ends_with(end) {
            read.push(char::from(within(self.stream.read_u8()).await.expect("more input")));
        }
        read
    }

    /// Waits for the server's close and gives what came before it.
    async fn closed(&mut self) -> String {
        let mut rest = Vec::new();
        within(self.stream.read_to_end(&mut rest)).await.expect("a close without a reset");
        String::from_utf8(rest).expect("text")
    }

    async fn into_h2(self) -> ClientH2 {
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(self.stream));
        let (sender, connection) = within(handshake).await.expect("a handshake");
        let connection = tokio::spawn(connection);
        ClientH2 { sender, connection }
    }
}

/// An HTTP/2 client with prior knowledge.
struct ClientH2 {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<hyper::Result<()>>,
}

impl ClientH2 {
    async fn request(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<String> {
        let answer = within(self.sender.send_request(request)).await?;
        let status = answer.status();
        let body = within(answer.into_body().collect()).await?.to_bytes();
        Ok(format!("{} {}", status.as_u16(), str::from_utf8(&body).expect("text")))
    }

    async fn get(&mut self, path: &str) -> hyper::Result<String> {
        self.request(get_h2(path)).await
    }

    /// Waits for the server's orderly close.
    async fn closed(self) {
        // The client holds the connection open for as long as it may send.
        let Self { sender, connection } = self;
        within(connection).await.expect("no panic").expect("an orderly close");
        drop(sender);
    }
}

fn get_h2(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://a{path}")).body(Full::default()).expect("a request")
}

/// Two futures at once; futures' `join!` needs a feature that the crate does not use.
async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    futures::future::join(Box::pin(a) as Pin<Box<_>>, b).await
}
