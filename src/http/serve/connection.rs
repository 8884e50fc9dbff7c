//! One connection: hyper, its settings, and the deadlines while it lives.

use std::{
    error::Error,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::Service,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{net::TcpStream, time::Instant};

use super::{
    activity::{Activity, Protocol},
    close::{REQUEST_TIMEOUT, answer, linger},
    deadlines::{Deadlines, Expired, LazyTimer, after},
    drive::{Driver, End},
    echo::Unechoed,
    inbound::Inbound,
    options::Limits,
    service::Counted,
    shutdown::{ShutdownSignal, ShutdownWait},
    sniff::{Opening, Sniff},
    write_deadline::WriteDeadline,
};
use crate::http::observe;
use crate::protocol::client_addr::PeerAddr;

/// The longest head, and what may wait to be written (of a connection, and of an HTTP/2 stream).
const MAX_HEAD: usize = 32 * 1024;
const MAX_SEND_BUFFER: usize = 32 * 1024;

/// As many as Cloud Run sends to one instance at once.
const MAX_STREAMS: u32 = 1_000;

/// What an HTTP/2 peer may send ahead of what the service has read.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// A peer that has gone without a word is noticed after these two.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

type Io = WriteDeadline<Inbound<TokioIo<TcpStream>>>;
type Http1Connection<S> = http1::Connection<Io, Counted<S>>;

/// What a connection is begun with.
pub(super) struct Connection<S> {
    pub(super) service: S,
    pub(super) limits: Arc<Limits>,
    pub(super) signal: ShutdownSignal,
    pub(super) peer: PeerAddr,
}

/// Where a connection is between its begin and its end.
///
/// This is the task of a connection, and so what an idle one costs. It is written out because an
/// `async fn` keeps room for what it was given and for what it has moved elsewhere as well: it
/// would be twice as large.
enum State<S, C> {
    Opening(Begun<S>),
    Http1(Http1<C>),
    /// HTTP/2, which is seldom, and the last words, which are short. Boxed, because the task is as
    /// large as the largest of its states.
    Boxed(Pin<Box<dyn Future<Output = ()> + Send>>),
    Ended,
}

/// A connection whose protocol is not known yet.
struct Begun<S> {
    connection: Connection<S>,
    sniff: Sniff,
    timer: LazyTimer,
    shutdown: ShutdownWait,
}

/// A connection that speaks HTTP/1.
struct Http1<C> {
    connection: Unechoed<C>,
    driver: Driver,
    signal: ShutdownSignal,
}

/// What takes a connection to its next state.
enum Event {
    Opens(Opening),
    Ends(End),
}

impl<S, B> Connection<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Serves the connection to its end.
    ///
    /// It is counted as open until the future is dropped, also if that never runs.
    pub(super) fn run(
        self,
        stream: TcpStream,
        counted: CountEnd,
    ) -> impl Future<Output = ()> + Send + use<S, B> {
        let mut state = match configure(&stream) {
            Ok(()) => State::Opening(Begun {
                timer: LazyTimer::new(after(Instant::now(), self.limits.first_byte)),
                shutdown: self.signal.wait(),
                sniff: Sniff::new(stream),
                connection: self,
            }),
            // The peer has gone.
            Err(_) => State::Ended,
        };
        poll_fn(move |cx| {
            let polled = state.poll(cx);
            // Held, and dropped after the connection.
            let _ = &counted;
            polled
        })
    }

    fn wrap(
        &self,
        stream: TcpStream,
        sniffed: Bytes,
        protocol: Protocol,
        first_byte: Instant,
    ) -> (Io, Arc<Activity>) {
        let activity = Activity::new(protocol, first_byte);
        let inbound = Inbound::new(TokioIo::new(stream), sniffed, Arc::clone(&activity));
        (WriteDeadline::new(inbound, self.limits.write_stall), activity)
    }

    fn http1(
        self,
        io: Io,
        activity: Arc<Activity>,
        timer: LazyTimer,
        shutdown: ShutdownWait,
    ) -> Http1<Http1Connection<S>> {
        let driver = Driver::new(self.deadlines(&activity, timer), shutdown);
        let signal = self.signal.clone();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // hyper's would close idle connections too; the deadlines here tell them apart.
            .header_read_timeout(None)
            .half_close(false)
            .keep_alive(true)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, self.counted(activity));
        Http1 { connection: Unechoed::new(connection), driver, signal }
    }

    async fn http2(
        self,
        io: Io,
        activity: Arc<Activity>,
        timer: LazyTimer,
        shutdown: ShutdownWait,
    ) {
        let mut driver = Driver::new(self.deadlines(&activity, timer), shutdown);
        let signal = self.signal.clone();
        let mut connection = pin!(
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_INTERVAL)
                .keep_alive_timeout(PING_TIMEOUT)
                .max_concurrent_streams(MAX_STREAMS)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_header_list_size(MAX_HEAD as u32)
                .max_send_buf_size(MAX_SEND_BUFFER)
                .serve_connection(io, self.counted(activity))
        );
        let graceful = http2::Connection::graceful_shutdown;
        let end = poll_fn(|cx| driver.poll(cx, connection.as_mut(), graceful)).await;
        if matches!(end, End::Expired(_)) && !signal.is_triggered() {
            // RFC 9113, section 6.8: GOAWAY tells the peer which requests were not looked at.
            connection.as_mut().graceful_shutdown();
            driver.begin_closing();
            poll_fn(|cx| driver.poll(cx, connection.as_mut(), graceful)).await;
        }
    }

    fn deadlines(&self, activity: &Arc<Activity>, timer: LazyTimer) -> Deadlines {
        Deadlines::new(Arc::clone(activity), timer, self.limits.head, self.limits.idle)
    }

    fn counted(self, activity: Arc<Activity>) -> Counted<S> {
        let mut known = Extensions::new();
        known.insert(self.peer);
        known.insert(self.signal);
        Counted::new(self.service, activity, known)
    }
}

impl<S, B> State<S, Http1Connection<S>>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let event = match self {
                Self::Opening(begun) => Event::Opens(ready!(begun.poll(cx))),
                Self::Http1(http1) => Event::Ends(ready!(http1.poll(cx))),
                Self::Boxed(rest) => return rest.as_mut().poll(cx),
                Self::Ended => return Poll::Ready(()),
            };
            *self = match (std::mem::replace(self, Self::Ended), event) {
                (Self::Opening(begun), Event::Opens(opening)) => begun.open(opening),
                (Self::Http1(http1), Event::Ends(end)) => http1.close(end),
                _ => unreachable!("a state has the events of its own"),
            };
        }
    }
}

impl<S> Begun<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Opening> {
        let Self { connection, sniff, timer, shutdown } = self;
        sniff.poll(cx, timer, &connection.limits, shutdown)
    }

    fn open<B>(self, opening: Opening) -> State<S, Http1Connection<S>>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self { connection, sniff, timer, shutdown } = self;
        let (stream, sniffed) = sniff.into_parts();
        match opening {
            Opening::Speaks(protocol, first_byte) => {
                let (io, activity) = connection.wrap(stream, sniffed, protocol, first_byte);
                match protocol {
                    Protocol::Http1 => {
                        State::Http1(connection.http1(io, activity, timer, shutdown))
                    }
                    Protocol::Http2 => {
                        State::Boxed(Box::pin(connection.http2(io, activity, timer, shutdown)))
                    }
                }
            }
            Opening::Stalled => State::Boxed(Box::pin(answer(stream, REQUEST_TIMEOUT))),
            Opening::Silent | Opening::Ended => State::Ended,
        }
    }
}

impl<S, B> Http1<Http1Connection<S>>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.driver.poll(cx, Pin::new(&mut self.connection), |mut connection| {
            Pin::new(connection.connection_mut()).graceful_shutdown();
        })
    }

    fn close(self, end: End) -> State<S, Http1Connection<S>> {
        let io = self.connection.into_inner().into_parts().io;
        if io.is_stalled() {
            self.signal.connections().stalled();
            observe::writer_stalled();
            return State::Ended;
        }
        let stream = io.into_inner().into_inner().into_inner();
        match end {
            End::Expired(Expired::Head) => State::Boxed(Box::pin(answer(stream, REQUEST_TIMEOUT))),
            End::Finished if !self.signal.is_triggered() => State::Boxed(Box::pin(linger(stream))),
            // A peer that is idle at the shutdown has been sent nothing that it could miss.
            End::Finished | End::Expired(Expired::Idle) => State::Ended,
        }
    }
}

/// Counts the end of a connection, however it comes.
pub(super) struct CountEnd(ShutdownSignal);

impl CountEnd {
    /// Counts it as accepted.
    pub(super) fn begin(signal: &ShutdownSignal) -> Self {
        signal.connections().accepted();
        Self(signal.clone())
    }
}

impl Drop for CountEnd {
    fn drop(&mut self) {
        self.0.connections().ended();
    }
}

/// Sets the options of an accepted socket.
///
/// Without TCP_NODELAY each small write of an answer waits for the acknowledgement of the one
/// before it, which the peer delays by some 40 ms.
fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_accepted_socket_does_not_wait_for_acknowledgements() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert!(!stream.nodelay().unwrap());
        configure(&stream).unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
