//! The task that accepts: connections are begun, counted, refused at the limit, and drained.

use std::{
    error::Error,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, service::Service};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    close::refuse,
    connection::{Connection, CountEnd},
    deadlines::LazyTimer,
    options::Limits,
    running::Drained,
    shutdown::{ShutdownSignal, ShutdownWait},
};
use crate::http::observe;
use crate::protocol::client_addr::PeerAddr;

/// The first pause when the system has no descriptors or buffers left, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many connections beyond the limit are told so at once.
const MAX_REFUSALS: usize = 100;

/// Accepts on one listener.
pub(super) struct Acceptor<S> {
    listener: TcpListener,
    service: S,
    limits: Arc<Limits>,
    signal: ShutdownSignal,
    shutdown: ShutdownWait,
    connections: JoinSet<()>,
    refusals: JoinSet<()>,
    /// The pause after the latest error, zero when the last accept succeeded.
    pause: Duration,
    paused: Option<(LazyTimer, Instant)>,
}

enum Event {
    Accepted(TcpStream, SocketAddr),
    Failed(io::Error),
    ShutDown,
}

impl<S, B> Acceptor<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    pub(super) fn new(
        listener: TcpListener,
        service: S,
        limits: Limits,
        signal: ShutdownSignal,
    ) -> Self {
        Self {
            listener,
            service,
            limits: Arc::new(limits),
            shutdown: signal.wait(),
            signal,
            connections: JoinSet::new(),
            refusals: JoinSet::new(),
            pause: Duration::ZERO,
            paused: None,
        }
    }

    /// Accepts until the shutdown, and ends with the last connection.
    pub(super) async fn run(mut self) -> Drained {
        loop {
            match poll_fn(|cx| self.poll_event(cx)).await {
                Event::Accepted(stream, peer) => self.begin(stream, peer),
                Event::Failed(error) => self.pause_after(&error),
                Event::ShutDown => return self.drain().await,
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        // What has ended is counted no more. A panic stays in its own connection's task.
        while let Poll::Ready(Some(_)) = self.connections.poll_join_next(cx) {}
        while let Poll::Ready(Some(_)) = self.refusals.poll_join_next(cx) {}
        if Pin::new(&mut self.shutdown).poll(cx).is_ready() {
            return Poll::Ready(Event::ShutDown);
        }
        if let Some((timer, until)) = &mut self.paused {
            std::task::ready!(timer.poll_until(cx, *until));
            self.paused = None;
        }
        self.listener.poll_accept(cx).map(|accepted| match accepted {
            Ok((stream, peer)) => Event::Accepted(stream, peer),
            Err(error) => Event::Failed(error),
        })
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.pause = Duration::ZERO;
        let counts = self.signal.connections();
        if self.connections.len() >= self.limits.connections {
            counts.refused();
            if self.refusals.len() < MAX_REFUSALS {
                self.refusals.spawn(refuse(stream));
            }
            return;
        }
        let peer = PeerAddr(SocketAddr::new(peer.ip().to_canonical(), peer.port()));
        self.connections.spawn(
            Connection {
                service: self.service.clone(),
                limits: Arc::clone(&self.limits),
                signal: self.signal.clone(),
                peer,
            }
            .run(stream, CountEnd::begin(&self.signal)),
        );
    }

    fn pause_after(&mut self, error: &io::Error) {
        match AcceptError::of(error) {
            AcceptError::Connection => {}
            AcceptError::Listener => {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                let until = Instant::now() + self.pause;
                self.paused = Some((LazyTimer::new(until), until));
            }
        }
    }

    async fn drain(self) -> Drained {
        let Self { listener, limits, signal, mut connections, .. } = self;
        drop(listener);
        let all_ended = async {
            while connections.join_next().await.is_some() {}
            // What was begun by a request and answered before its end: tasks of the protocol.
            signal.until_free().await;
        };
        if timeout(limits.shutdown, all_ended).await.is_ok() {
            observe::shut_down(0);
            return Drained { aborted: 0 };
        }
        connections.abort_all();
        let mut aborted = 0;
        while let Some(ended) = connections.join_next().await {
            aborted += usize::from(ended.is_err_and(|error| error.is_cancelled()));
        }
        observe::shut_down(aborted);
        Drained { aborted }
    }
}

/// Whose error an accept's error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptError {
    /// That of the connection that would have been accepted: the next may be fine.
    Connection,
    /// The listener's or the system's, such as no free descriptor (EMFILE, ENFILE) or buffer
    /// (ENOBUFS, ENOMEM). The connection waits in the backlog, so accepting at once would spin.
    Listener,
}

impl AcceptError {
    /// accept(2): on Linux the network errors of a connection that waits come as the accept's.
    fn of(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionAborted
            | Kind::ConnectionReset
            | Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkDown
            | Kind::NetworkUnreachable
            | Kind::TimedOut
            | Kind::Interrupted => Self::Connection,
            _ => Self::Listener,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn only_an_error_of_the_connection_itself_is_passed_over_at_once() {
        let of = |errno| AcceptError::of(&io::Error::from_raw_os_error(errno));
        for (errno, name) in [(103, "ECONNABORTED"), (104, "ECONNRESET"), (4, "EINTR")] {
            assert_eq!(of(errno), AcceptError::Connection, "{name}");
        }
        for (errno, name) in [(100, "ENETDOWN"), (101, "ENETUNREACH"), (113, "EHOSTUNREACH")] {
            assert_eq!(of(errno), AcceptError::Connection, "{name}");
        }
        for (errno, name) in [(24, "EMFILE"), (23, "ENFILE"), (105, "ENOBUFS"), (12, "ENOMEM")] {
            assert_eq!(of(errno), AcceptError::Listener, "{name}");
        }
        assert_eq!(of(9), AcceptError::Listener, "EBADF must not spin");
    }
}
