//! Reading a request's body whole, under a limit and a deadline.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::task::coop::unconstrained;
use tokio::time::Sleep;

use super::serve::echo;
use crate::protocol::budget::{Budget, Share};
use crate::protocol::refusal::Reason;

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Bytes in all.
    pub(crate) bytes: usize,
    /// From the first wait to the last byte.
    pub(crate) time: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes: 4 * 1024 * 1024, time: Duration::from_secs(30) }
    }
}

/// What a body may hold however short memory is: notifications and a client's answers are never
/// refused for capacity, and are seldom longer.
const LITTLE: usize = 16 * 1024;

/// A body, whole. What it holds beyond a little counts towards the budget for as long as this is
/// there.
pub(crate) struct Collected {
    pub(crate) bytes: Bytes,
    _share: Option<Share>,
}

pin_project! {
    /// A body that is being read. A body that is there already takes no timer, and one that came in
    /// a single piece is not copied.
    pub(crate) struct Collecting<B> {
        // None once it has ended: what it holds is not needed as long as a call runs.
        #[pin]
        body: Option<B>,
        pieces: Pieces,
        share: Option<Share>,
        // Boxed, so that the future of every request is not as large as a timer.
        deadline: Option<Pin<Box<Sleep>>>,
    }
}

impl<B: Body + 'static> Collecting<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body: Some(body), pieces: Pieces::default(), share: None, deadline: None }
    }

    /// Reads the body to its end.
    ///
    /// # Errors
    ///
    /// The body is longer than the limit (known from its `Content-Length` before a byte is read, or
    /// found while reading: CVE-2026-39313), late, or broken off; or it is long, and there is no
    /// memory for it.
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        limits: BodyLimits,
        budget: &Arc<Budget>,
    ) -> Poll<Result<Collected, Reason>> {
        if let Poll::Ready(read) = self.as_mut().poll_pieces(cx, limits.bytes, budget) {
            let mut this = self.project();
            this.body.set(None);
            *this.deadline = None;
            let (pieces, share) = (std::mem::take(this.pieces), this.share.take());
            return Poll::Ready(
                read.map(|()| Collected { bytes: pieces.into_bytes(), _share: share }),
            );
        }
        let limit = limits.time;
        let deadline = self.project().deadline;
        let deadline = deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        // Whatever the body has used up of the task's turn.
        let deadline = pin!(unconstrained(deadline.as_mut()));
        deadline.poll(cx).map(|()| Err(Reason::BodyTimeout { limit }))
    }

    fn poll_pieces(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        limit: usize,
        budget: &Arc<Budget>,
    ) -> Poll<Result<(), Reason>> {
        let this = self.project();
        let (pieces, share) = (this.pieces, this.share);
        let mut body = this.body.as_pin_mut().expect("a body is read once");
        let too_large = || Poll::Ready(Err(Reason::BodyTooLarge { limit }));
        if body.size_hint().lower() > limit as u64 {
            return too_large();
        }
        while let Some(frame) = ready!(echo::poll_frame(body.as_mut(), cx)) {
            let frame = frame.map_err(|_| Reason::BodyBroken)?;
            // Trailers say nothing that the protocol knows.
            let Ok(data) = frame.into_data() else { continue };
            if pieces.len() + data.remaining() > limit {
                return too_large();
            }
            pieces.push(data);
            if pieces.len() > LITTLE {
                let share = share.get_or_insert_with(|| Share::of(budget));
                let more = pieces.len() - share.bytes();
                if !budget.has_last_room(more) {
                    budget.press();
                    return Poll::Ready(Err(Reason::OutOfMemory));
                }
                share.grow(more);
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The pieces of a body: the first as it came, and a buffer once there is a second.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    rest: BytesMut,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, mut data: impl Buf) {
        if self.len() == 0 {
            self.first = data.copy_to_bytes(data.remaining());
            return;
        }
        if self.rest.is_empty() {
            self.rest.reserve(self.first.len() + data.remaining());
            self.rest.put(std::mem::take(&mut self.first));
        }
        self.rest.put(data);
    }

    fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use futures::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    async fn collect_counted<B: Body + 'static>(
        body: B,
        limits: BodyLimits,
        budget: &Arc<Budget>,
    ) -> Result<Collected, Reason> {
        let mut body = pin!(Collecting::new(body));
        poll_fn(|cx| body.as_mut().poll(cx, limits, budget)).await
    }

    async fn collect<B: Body + 'static>(body: B, limits: BodyLimits) -> Result<Bytes, Reason> {
        collect_counted(body, limits, &Budget::new(usize::MAX)).await.map(|it| it.bytes)
    }

    fn limits(bytes: usize) -> BodyLimits {
        BodyLimits { bytes, time: Duration::from_secs(5) }
    }

    fn pieces(pieces: &'static [&'static str]) -> impl Body<Data = Bytes, Error = Infallible> {
        StreamBody::new(stream::iter(
            pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))),
        ))
    }

    #[tokio::test]
    async fn a_body_of_one_piece_is_not_copied() {
        let bytes = Bytes::from(vec![b'x'; 100]);
        let collected = collect(Full::new(bytes.clone()), limits(100)).await.unwrap();
        assert_eq!(collected.as_ptr(), bytes.as_ptr());
    }

    #[tokio::test]
    async fn pieces_are_put_together_in_order() {
        assert_eq!(collect(pieces(&["ab", "", "c", "def"]), limits(6)).await.unwrap(), "abcdef");
        assert_eq!(collect(pieces(&[]), limits(6)).await.unwrap(), "");
    }

    /// CVE-2026-39313: unbounded body.
    #[tokio::test]
    async fn cve_2026_39313_a_body_over_the_limit_is_refused_whether_or_not_it_said_so() {
        let too_large = Err(Reason::BodyTooLarge { limit: 5 });
        assert_eq!(collect(Full::new(Bytes::from_static(b"123456")), limits(5)).await, too_large);
        assert_eq!(collect(pieces(&["123", "456"]), limits(5)).await, too_large);
        assert_eq!(collect(pieces(&["123", "45"]), limits(5)).await.unwrap(), "12345");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_refused_at_the_deadline() {
        let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"1")))]);
        let body = StreamBody::new(futures::StreamExt::chain(first, stream::pending()));
        let before = tokio::time::Instant::now();
        let refused = collect(body, limits(5)).await;
        assert_eq!(refused, Err(Reason::BodyTimeout { limit: Duration::from_secs(5) }));
        assert_eq!(before.elapsed(), Duration::from_secs(5));
    }

    /// A call may run for long after its body was read.
    #[tokio::test(start_paused = true)]
    async fn once_it_was_read_neither_the_body_nor_its_timer_is_kept() {
        let held = Arc::new(());
        let captured = Arc::clone(&held);
        let late = stream::once(tokio::time::sleep(Duration::from_secs(1)));
        let pieces = futures::StreamExt::map(late, move |()| {
            let _captured = &captured;
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"1")))
        });
        let mut body = pin!(Collecting::new(StreamBody::new(pieces)));
        let budget = Budget::new(usize::MAX);
        let read = poll_fn(|cx| body.as_mut().poll(cx, limits(5), &budget)).await;
        assert_eq!(read.unwrap().bytes, "1");
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(body.deadline.is_none());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let body = StreamBody::new(stream::iter([
            Ok(Frame::data(Bytes::from_static(b"1"))),
            Err(std::io::Error::other("reset")),
        ]));
        assert_eq!(collect(body, limits(5)).await, Err(Reason::BodyBroken));
    }

    /// Decision 8: everything has a limit. A body that comes slowly is held while it comes.
    #[tokio::test]
    async fn what_a_body_holds_beyond_a_little_counts_until_it_is_dropped() {
        let budget = Budget::new(64 * 1024);
        let collect = async |length: usize| {
            let body = Full::new(Bytes::from(vec![b'x'; length]));
            collect_counted(body, limits(1024 * 1024), &budget).await
        };
        let little = collect(LITTLE).await.unwrap();
        assert_eq!(budget.held(), 0);
        let first = collect(40_000).await.unwrap();
        assert_eq!(budget.held(), 40_000);
        assert_eq!(collect(40_000).await.err(), Some(Reason::OutOfMemory));
        assert!(budget.take_pressure());
        assert_eq!(collect(LITTLE).await.unwrap().bytes.len(), LITTLE, "a little always passes");
        drop((little, first));
        assert_eq!(budget.held(), 0);
    }
}
