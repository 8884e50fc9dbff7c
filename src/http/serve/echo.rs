//! A connection that does not wake itself for nothing.
//!
//! hyper hands a body on by a channel, and whoever takes a piece out of that wakes the connection,
//! so that it reads the next. Over HTTP/1 the connection is what runs just then, for it polls the
//! service; and mostly the piece was the last one. So each POST would have its task scheduled and
//! run a second time, to find that there is nothing to do.

use std::{
    any::TypeId,
    cell::Cell,
    pin::Pin,
    ptr,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use http_body::{Body, Frame};
use hyper::body::Incoming;

thread_local! {
    /// Whose wakes are held back on this thread: the address of a [`Task`], or null.
    static HELD_BACK: Cell<*const ()> = const { Cell::new(ptr::null()) };
}

/// A connection whose wakes [`poll_frame`] can hold back.
pub(super) struct Unechoed<C> {
    connection: C,
    /// What it is polled with; none before it is polled first.
    waker: Option<(Arc<Task>, Waker)>,
}

/// The task of a connection.
struct Task(Waker);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if HELD_BACK.get() == Arc::as_ptr(self).cast() {
            HELD_BACK.set(ptr::null());
        } else {
            self.0.wake_by_ref();
        }
    }
}

impl<C> Unechoed<C> {
    pub(super) fn new(connection: C) -> Self {
        Self { connection, waker: None }
    }

    pub(super) fn connection_mut(&mut self) -> &mut C {
        &mut self.connection
    }

    pub(super) fn into_inner(self) -> C {
        self.connection
    }
}

impl<C: Future + Unpin> Future for Unechoed<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let Self { connection, waker } = &mut *self;
        let waker = match waker {
            Some((task, waker)) if task.0.will_wake(cx.waker()) => waker,
            waker => {
                let task = Arc::new(Task(cx.waker().clone()));
                let wakes = Waker::from(Arc::clone(&task));
                &waker.insert((task, wakes)).1
            }
        };
        Pin::new(connection).poll(&mut Context::from_waker(waker))
    }
}

type NextFrame<B> = Result<Frame<<B as Body>::Data>, <B as Body>::Error>;

/// Polls a request's body for its next frame. If that is the last of a body whose length was told,
/// the connection that runs this is not woken for it.
///
/// It holds for hyper's own body alone: nothing but the channel to the connection can be told
/// anything by its poll. What another thread wakes meanwhile is woken.
pub(crate) fn poll_frame<B: Body + 'static>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<NextFrame<B>>> {
    if TypeId::of::<B>() != TypeId::of::<Incoming>() {
        return body.poll_frame(cx);
    }
    if body.is_end_stream() {
        return Poll::Ready(None);
    }
    let held_back = HeldBack::begin(cx.waker());
    let frame = body.as_mut().poll_frame(cx);
    // At its end there is nothing to wake for: hyper has decoded the last byte before it handed the
    // piece on, and looks for what comes next, or for the peer's leaving, before it polls the
    // service.
    if held_back.end() && !body.is_end_stream() {
        cx.waker().wake_by_ref();
    }
    frame
}

/// That the wakes of one connection are held back on this thread.
struct HeldBack(*const ());

impl HeldBack {
    fn begin(waker: &Waker) -> Self {
        HELD_BACK.set(waker.data());
        Self(waker.data())
    }

    /// Whether there was one.
    fn end(self) -> bool {
        HELD_BACK.get() != self.0
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        HELD_BACK.set(ptr::null());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        future::poll_fn,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Full;
    use hyper::{server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn take(&self) -> usize {
            self.0.swap(0, Ordering::Relaxed)
        }
    }

    /// Answers with the length of a body.
    async fn measure(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (mut body, mut length) = (request.into_body(), 0);
        while let Some(frame) = poll_fn(|cx| poll_frame(Pin::new(&mut body), cx)).await {
            length += frame.unwrap().into_data().unwrap().len();
        }
        Ok(Response::new(Full::new(length.to_string().into())))
    }

    fn served(io: DuplexStream) -> Unechoed<impl Future<Output = hyper::Result<()>> + Unpin> {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(io), service_fn(measure));
        Unechoed::new(connection)
    }

    /// The connection must see it though nothing woke it since the body came.
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_leaves_while_its_call_waits_ends_the_connection() {
        let (near, mut far) = duplex(4096);
        let begun = Arc::new(tokio::sync::Notify::new());
        let begins = Arc::clone(&begun);
        let waits = service_fn(move |request| {
            let begins = Arc::clone(&begins);
            async move {
                let _length = measure(request).await?;
                begins.notify_one();
                std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(near), waits);
        let connection = tokio::spawn(Unechoed::new(connection));
        let post = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345";
        far.write_all(post).await.unwrap();
        begun.notified().await;
        drop(far);
        let ended = tokio::time::timeout(Duration::from_secs(5), connection).await;
        assert!(ended.expect("it ends").unwrap().is_err(), "its call was not answered");
    }

    async fn answer(io: &mut DuplexStream) -> String {
        let mut room = [0; 1024];
        let length = tokio::time::timeout(Duration::from_secs(5), io.read(&mut room)).await;
        String::from_utf8(room[..length.expect("it is answered").unwrap()].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_post_that_came_whole_is_answered_in_one_run_that_asks_for_no_other() {
        let (near, mut far) = duplex(4096);
        let mut connection = served(near);
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        for _ in 0..3 {
            let post = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n12345";
            far.write_all(post).await.unwrap();
            // What came wakes it, but for the first time, when nobody waits yet.
            assert!(count.take() <= 1);
            let polled = Pin::new(&mut connection).poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            assert_eq!(count.take(), 0);
            assert!(answer(&mut far).await.ends_with("\r\n\r\n5"));
        }
    }

    /// Whoever reads a body that goes on has the connection read on.
    #[tokio::test(start_paused = true)]
    async fn a_body_in_pieces_is_read_to_its_end() {
        let (near, mut far) = duplex(4096);
        let connection = tokio::spawn(served(near));
        let head = b"POST / HTTP/1.1\r\nhost: a\r\n".as_slice();
        for (begin, rest, length) in [
            (b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n".as_slice(), "", 3),
            (b"content-length: 4\r\n\r\nab", "cd", 4),
            (b"content-length: 0\r\n\r\n", "", 0),
            (b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n", "xy", 2),
        ] {
            far.write_all(&[head, begin].concat()).await.unwrap();
            let mut answered = String::new();
            if begin.starts_with(b"expect") {
                answered = answer(&mut far).await;
                assert!(answered.starts_with("HTTP/1.1 100"), "{answered}");
            }
            tokio::task::yield_now().await;
            far.write_all(rest.as_bytes()).await.unwrap();
            answered += &answer(&mut far).await;
            assert!(answered.ends_with(&format!("\r\n\r\n{length}")), "{answered}");
        }
        drop(far);
        connection.await.unwrap().unwrap();
    }

    #[test]
    fn only_the_wakes_of_the_connection_that_reads_are_held_back_and_only_meanwhile() {
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let [reads, another] =
            counts.each_ref().map(|count| Waker::from(Arc::new(Task(Arc::clone(count).into()))));
        let held_back = HeldBack::begin(&reads);
        another.wake_by_ref();
        std::thread::scope(|scope| scope.spawn(|| reads.wake_by_ref()).join()).unwrap();
        assert_eq!(counts.each_ref().map(|count| count.take()), [1, 1], "nothing was held back");
        reads.wake_by_ref();
        assert_eq!(counts[0].take(), 0);
        assert!(held_back.end());
        reads.wake_by_ref();
        assert_eq!(counts[0].take(), 1);
        assert!(!HeldBack::begin(&reads).end());
    }
}
