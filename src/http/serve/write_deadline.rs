//! A connection that errors when its peer stops reading.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::deadlines::{LazyTimer, after};

pin_project! {
    /// A connection whose writes fail with [`io::ErrorKind::TimedOut`] when a pending one makes no
    /// progress for a limit.
    ///
    /// hyper does not poll a response body while the connection takes no bytes, so a body cannot
    /// time itself out when its reader stops; the connection must. [`serve()`](crate::serve())
    /// wraps its connections; who mounts the service in a hyper server of their own wraps theirs:
    ///
    /// ```no_run
    /// use std::pin::pin;
    /// use std::time::Duration;
    ///
    /// use http::Request;
    /// use hyper::body::Incoming;
    /// use hyper::server::conn::http1;
    /// use hyper::service::{Service, service_fn};
    /// use hyper_util::rt::TokioIo;
    /// use mcp_http::{McpService, PeerAddr, Server, ShutdownSignal, WriteDeadline};
    /// use tokio::task::JoinSet;
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder("weather", "1.0.0").build()?;
    /// let service = McpService::builder(server).build()?;
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    /// let grace = Duration::from_secs(8);
    /// let stop = ShutdownSignal::with_grace(grace);
    /// let (mut connections, mut ctrl_c) = (JoinSet::new(), pin!(tokio::signal::ctrl_c()));
    /// loop {
    ///     let (stream, peer) = tokio::select! {
    ///         _ = &mut ctrl_c => break,
    ///         Some(_) = connections.join_next() => continue, // what has ended is forgotten
    ///         accepted = listener.accept() => match accepted {
    ///             Ok(accepted) => accepted,
    ///             Err(_) => {
    ///                 // No descriptor left, say: the next may be fine.
    ///                 tokio::time::sleep(Duration::from_millis(50)).await;
    ///                 continue;
    ///             }
    ///         },
    ///     };
    ///     let _ = stream.set_nodelay(true); // or an event waits 40 ms for an acknowledgement
    ///     let io = WriteDeadline::new(TokioIo::new(stream), Duration::from_secs(30));
    ///     let (service, stop) = (service.clone(), stop.clone());
    ///     let told = stop.wait();
    ///     let service = service_fn(move |mut request: Request<Incoming>| {
    ///         request.extensions_mut().insert(PeerAddr(peer));
    ///         request.extensions_mut().insert(stop.clone()); // the service drains with it
    ///         service.call(request)
    ///     });
    ///     let connection = http1::Builder::new()
    ///         .max_buf_size(32 * 1024) // what may wait for a reader that is slow
    ///         .serve_connection(io, service);
    ///     connections.spawn(async move {
    ///         let mut connection = pin!(connection);
    ///         tokio::select! {
    ///             _ = connection.as_mut() => return,
    ///             () = told => connection.as_mut().graceful_shutdown(),
    ///         }
    ///         let _ = connection.await; // an error means that the client has left
    ///     });
    /// }
    /// drop(listener);
    /// stop.trigger();
    /// let ended = async { while connections.join_next().await.is_some() {} };
    /// let _ = tokio::time::timeout(grace, ended).await; // what is left is aborted
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// hyper without a timer waits for a head for ever; with one, its `header_read_timeout` (30 s)
    /// closes idle connections as well, which a load balancer in front would rather keep for 600 s.
    ///
    /// Progress is any byte that the connection below accepts. A flush or a shutdown says nothing
    /// of bytes; it has the limit as a whole. A peer that reads, however slowly, is never cut.
    ///
    /// # Panics
    ///
    /// A write that is pending needs the timer of a tokio runtime, and panics without one.
    pub struct WriteDeadline<IO> {
        #[pin]
        io: IO,
        stall: Stall,
    }
}

/// What may be waiting for the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Write,
    Flush,
    Shutdown,
}

/// The wait of a step that is pending.
struct Stall {
    limit: Duration,
    waiting: Option<(Step, Instant)>,
    // Made by the first write that has to wait: most connections never need it.
    timer: Option<LazyTimer>,
}

impl<IO> WriteDeadline<IO> {
    /// Wraps a connection. A limit of zero cuts at the first write that has to wait.
    pub fn new(io: IO, limit: Duration) -> Self {
        Self { io, stall: Stall { limit, waiting: None, timer: None } }
    }

    /// The connection below.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Gives the connection back.
    pub fn into_inner(self) -> IO {
        self.io
    }

    /// Whether the latest write is still waiting, or has timed out.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stall.waiting.is_some()
    }
}

impl Stall {
    /// Passes on what a step answered, or `TimedOut` when one has been pending for too long.
    fn check<T>(
        &mut self,
        cx: &mut Context<'_>,
        step: Step,
        answer: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if answer.is_ready() {
            // A flush of nothing is ready while a write waits, which is no progress of that one.
            if let Some((waiting, _)) = self.waiting
                && (step == Step::Write || step == waiting)
            {
                self.waiting = None;
            }
            return answer;
        }
        let (_, since) = *self.waiting.get_or_insert_with(|| (step, Instant::now()));
        let deadline = after(since, self.limit);
        let timer = self.timer.get_or_insert_with(|| LazyTimer::new(deadline));
        timer
            .poll_until(cx, deadline)
            .map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer has stopped reading")))
    }
}

impl<IO: Read> Read for WriteDeadline<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().io.poll_read(cx, buf)
    }
}

impl<IO: Write> Write for WriteDeadline<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.io.poll_write(cx, buf);
        this.stall.check(cx, Step::Write, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.io.poll_write_vectored(cx, bufs);
        this.stall.check(cx, Step::Write, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let flushed = this.io.poll_flush(cx);
        this.stall.check(cx, Step::Flush, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let closed = this.io.poll_shutdown(cx);
        this.stall.check(cx, Step::Shutdown, closed)
    }
}

impl<IO: fmt::Debug> fmt::Debug for WriteDeadline<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteDeadline")
            .field("io", &self.io)
            .field("limit", &self.stall.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn pair() -> (WriteDeadline<TokioIo<DuplexStream>>, DuplexStream) {
        let (near, far) = duplex(8);
        (WriteDeadline::new(TokioIo::new(near), LIMIT), far)
    }

    async fn write(io: &mut WriteDeadline<TokioIo<DuplexStream>>) -> io::Result<usize> {
        poll_fn(|cx| Pin::new(&mut *io).poll_write(cx, b"12345678")).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_without_progress_fails_at_the_limit() {
        let (mut io, _far) = pair();
        assert_eq!(write(&mut io).await.unwrap(), 8);
        let start = Instant::now();
        assert_eq!(write(&mut io).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_a_byte_within_each_limit_is_never_cut() {
        let (mut io, mut far) = pair();
        assert_eq!(write(&mut io).await.unwrap(), 8);
        let reader = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(LIMIT - Duration::from_millis(2)).await;
                far.read_u8().await.unwrap();
            }
            far
        });
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(write(&mut io).await.unwrap(), 1);
        }
        let _far = reader.await.unwrap();
        assert!(start.elapsed() > LIMIT * 9);
        assert_eq!(write(&mut io).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_that_has_nothing_to_do_is_no_progress_of_a_write() {
        let (mut io, _far) = pair();
        assert_eq!(write(&mut io).await.unwrap(), 8);
        let start = Instant::now();
        let failed = poll_fn(|cx| {
            let written = Pin::new(&mut io).poll_write(cx, b"1");
            assert!(Pin::new(&mut io).poll_flush(cx).is_ready());
            written
        });
        let mut failed = pin!(failed);
        // A second try in between, as hyper makes when the peer sends something.
        tokio::time::timeout(LIMIT / 2, failed.as_mut()).await.expect_err("too early");
        let failed = tokio::time::timeout(LIMIT, failed).await.expect("the limit");
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), LIMIT);
    }
}
