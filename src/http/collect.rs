//! Reading a request's body whole, under a limit and a deadline.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;

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

/// Reads a body to its end. A body that is there already takes no timer, and one that came in a
/// single piece is not copied.
///
/// # Errors
///
/// The body is longer than the limit (known from its `Content-Length` before a byte is read, or
/// found while reading: CVE-2026-39313), late, or broken off.
pub(crate) async fn collect<B: Body>(body: B, limits: BodyLimits) -> Result<Bytes, Reason> {
    let too_large = Reason::BodyTooLarge { limit: limits.bytes };
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(too_large);
    }
    let mut body = pin!(body);
    let mut pieces = Pieces::default();
    let mut read = |cx: &mut Context<'_>| -> Poll<Result<(), Reason>> {
        while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
            let frame = frame.map_err(|_| Reason::BodyBroken)?;
            // Trailers say nothing that the protocol knows.
            let Ok(data) = frame.into_data() else { continue };
            if pieces.len() + data.remaining() > limits.bytes {
                return Poll::Ready(Err(too_large.clone()));
            }
            pieces.push(data);
        }
        Poll::Ready(Ok(()))
    };
    let at_once = poll_fn(|cx| Poll::Ready(read(cx))).await;
    if let Poll::Ready(done) = at_once {
        done?;
    } else {
        tokio::time::timeout(limits.time, poll_fn(read))
            .await
            .unwrap_or(Err(Reason::BodyTimeout { limit: limits.time }))?;
    }
    Ok(pieces.into_bytes())
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

    use futures::stream;
    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

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

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let body = StreamBody::new(stream::iter([
            Ok(Frame::data(Bytes::from_static(b"1"))),
            Err(std::io::Error::other("reset")),
        ]));
        assert_eq!(collect(body, limits(5)).await, Err(Reason::BodyBroken));
    }
}
