//! One connection: hyper, its settings, and the deadlines while it lives.

use std::{
    error::Error,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
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
    close::{LINGER, REQUEST_TIMEOUT, answer, linger},
    deadlines::{Deadlines, Expired, LazyTimer, after},
    inbound::Inbound,
    options::Limits,
    service::Counted,
    shutdown::{ShutdownSignal, ShutdownWait},
    sniff::{Opening, Sniffed, sniff},
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

/// What a connection is begun with.
pub(super) struct Connection<S> {
    pub(super) service: S,
    pub(super) limits: Arc<Limits>,
    pub(super) signal: ShutdownSignal,
    pub(super) peer: PeerAddr,
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
    pub(super) async fn run(self, mut stream: TcpStream, _counted: CountEnd) {
        // An error means that the peer has gone.
        if configure(&stream).is_err() {
            return;
        }
        let mut shutdown = self.signal.wait();
        let mut timer = LazyTimer::new(after(Instant::now(), self.limits.first_byte));
        match sniff(&mut stream, &mut timer, &self.limits, &mut shutdown).await {
            Opening::Speaks(Protocol::Http1, sniffed, first_byte) => {
                let (io, activity) = self.wrap(stream, sniffed, Protocol::Http1, first_byte);
                self.http1(io, activity, timer, shutdown).await;
            }
            Opening::Speaks(Protocol::Http2, sniffed, first_byte) => {
                let (io, activity) = self.wrap(stream, sniffed, Protocol::Http2, first_byte);
                // Seldom and large: boxed, so that the tasks of HTTP/1 are not as large.
                Box::pin(self.http2(io, activity, timer, shutdown)).await;
            }
            Opening::Stalled => answer(stream, REQUEST_TIMEOUT).await,
            Opening::Silent | Opening::Ended => {}
        }
    }

    fn wrap(
        &self,
        stream: TcpStream,
        sniffed: Sniffed,
        protocol: Protocol,
        first_byte: Instant,
    ) -> (Io, Arc<Activity>) {
        let activity = Activity::new(protocol, first_byte);
        let inbound = Inbound::new(TokioIo::new(stream), sniffed, Arc::clone(&activity));
        (WriteDeadline::new(inbound, self.limits.write_stall), activity)
    }

    async fn http1(
        self,
        io: Io,
        activity: Arc<Activity>,
        timer: LazyTimer,
        mut shutdown: ShutdownWait,
    ) {
        let (mut deadlines, signal) = (self.deadlines(&activity, timer), self.signal.clone());
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // hyper's would close idle connections too; the deadlines here tell them apart.
            .header_read_timeout(None)
            .half_close(false)
            .keep_alive(true)
            .max_buf_size(MAX_HEAD)
            .serve_connection(io, self.counted(activity));
        let graceful = http1::Connection::graceful_shutdown;
        let end = drive(Pin::new(&mut connection), graceful, &mut deadlines, &mut shutdown).await;

        let io = connection.into_parts().io;
        let stalled = io.is_stalled();
        if stalled {
            signal.connections().stalled();
            observe::writer_stalled();
        }
        let stream = io.into_inner().into_inner().into_inner();
        match end {
            _ if stalled => {}
            End::Expired(Expired::Head) => answer(stream, REQUEST_TIMEOUT).await,
            // A peer that is idle at the shutdown has been sent nothing that it could miss.
            End::Finished if !signal.is_triggered() => linger(stream).await,
            End::Finished | End::Expired(Expired::Idle) => {}
        }
    }

    async fn http2(
        self,
        io: Io,
        activity: Arc<Activity>,
        timer: LazyTimer,
        mut shutdown: ShutdownWait,
    ) {
        let (mut deadlines, signal) = (self.deadlines(&activity, timer), self.signal.clone());
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
        let end = drive(connection.as_mut(), graceful, &mut deadlines, &mut shutdown).await;
        if matches!(end, End::Expired(_)) && !signal.is_triggered() {
            // RFC 9113, section 6.8: GOAWAY tells the peer which requests were not looked at.
            connection.as_mut().graceful_shutdown();
            deadlines.begin_closing(LINGER);
            drive(connection, graceful, &mut deadlines, &mut shutdown).await;
        }
    }

    fn deadlines(&self, activity: &Arc<Activity>, timer: LazyTimer) -> Deadlines {
        Deadlines::new(Arc::clone(activity), timer, self.limits.head, self.limits.idle)
    }

    fn counted(self, activity: Arc<Activity>) -> Counted<S> {
        Counted { service: self.service, activity, peer: self.peer, shutdown: self.signal }
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

/// How a connection that hyper drives ends.
enum End {
    /// By hyper: the peer left, the last answer was written, an error.
    Finished,
    /// By a deadline.
    Expired(Expired),
}

/// Drives a connection until it ends or a deadline passes.
async fn drive<C: Future>(
    mut connection: Pin<&mut C>,
    graceful_shutdown: fn(Pin<&mut C>),
    deadlines: &mut Deadlines,
    shutdown: &mut ShutdownWait,
) -> End {
    let mut closing = false;
    poll_fn(|cx| {
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(End::Finished);
            }
            if !closing && Pin::new(&mut *shutdown).poll(cx).is_ready() {
                closing = true;
                deadlines.begin_closing(LINGER);
                graceful_shutdown(connection.as_mut());
                continue;
            }
            return deadlines.poll(cx).map(End::Expired);
        }
    })
    .await
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
