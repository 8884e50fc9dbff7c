//! The socket of a connection as hyper has it: it gives the sniffed bytes back, tells of a head's
//! begin, and writes what is short in one piece.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::ReadBuf;

use super::activity::Activity;

/// What is gathered into one piece before it is written. To copy so little takes less time than the
/// kernel takes to have several pieces named to it.
const GATHERED: usize = 2048;

/// A connection that gives the sniffed bytes back before it reads on.
pub(super) struct Inbound<IO> {
    io: IO,
    sniffed: Bytes,
    activity: Arc<Activity>,
}

impl<IO> Inbound<IO> {
    pub(super) fn new(io: IO, sniffed: Bytes, activity: Arc<Activity>) -> Self {
        Self { io, sniffed, activity }
    }

    pub(super) fn into_inner(self) -> IO {
        self.io
    }
}

impl<IO: Read + Unpin> Read for Inbound<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.sniffed.is_empty() {
            let len = self.sniffed.len().min(buf.remaining());
            buf.put_slice(&self.sniffed.split_to(len));
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        // The end of the input comes here too; hyper then ends the connection.
        self.activity.bytes_read();
        Poll::Ready(Ok(()))
    }
}

impl<IO: Write + Unpin> Write for Inbound<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.io);
        if bufs.iter().map(|buf| buf.len()).sum::<usize>() > GATHERED {
            return io.poll_write_vectored(cx, bufs);
        }
        let mut room = [const { MaybeUninit::uninit() }; GATHERED];
        let mut gathered = ReadBuf::uninit(&mut room);
        bufs.iter().for_each(|buf| gathered.put_slice(buf));
        io.poll_write(cx, gathered.filled())
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use hyper_util::rt::TokioIo;
    use tokio::time::Instant;

    use super::*;
    use crate::http::serve::activity::Protocol;

    #[test]
    fn sniffed_bytes_are_given_back_once_and_in_order_before_what_follows() {
        let activity = Activity::new(Protocol::Http1, Instant::now());
        let below = TokioIo::new(b"HTTP/1.1".as_slice());
        let mut inbound = Inbound::new(below, Bytes::from_static(b"GET /mcp "), activity);
        let mut read = |max: usize| {
            let mut room = [0; 100];
            let mut room = hyper::rt::ReadBuf::new(&mut room[..max]);
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let read = Pin::new(&mut inbound).poll_read(&mut cx, room.unfilled());
            assert!(matches!(read, Poll::Ready(Ok(()))));
            String::from_utf8(room.filled().to_vec()).unwrap()
        };
        assert_eq!(read(3), "GET");
        assert_eq!(read(100), " /mcp ");
        assert_eq!(read(100), "HTTP/1.1");
        assert_eq!(read(100), "");
    }

    /// Takes at most ten bytes of a piece.
    #[derive(Default)]
    struct Pieces(Vec<usize>);

    impl Write for Pieces {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(buf.len());
            Poll::Ready(Ok(buf.len().min(10)))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.0.extend(bufs.iter().map(|buf| buf.len()));
            Poll::Ready(Ok(10))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Whoever writes is told how much of it all was taken, in either case.
    #[test]
    fn what_is_short_is_written_in_one_piece_and_what_is_long_as_it_is() {
        for (lengths, pieces) in [
            (&[100, 200][..], &[300][..]),
            (&[1, 0, GATHERED - 1], &[GATHERED]),
            (&[7], &[7]),
            (&[1, GATHERED], &[1, GATHERED]),
        ] {
            let activity = Activity::new(Protocol::Http1, Instant::now());
            let mut inbound = Inbound::new(Pieces::default(), Bytes::new(), activity);
            let bytes = [b'x'; GATHERED];
            let bufs: Vec<_> = lengths.iter().map(|it| IoSlice::new(&bytes[..*it])).collect();
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let written = Pin::new(&mut inbound).poll_write_vectored(&mut cx, &bufs);
            let all = lengths.iter().sum::<usize>();
            assert!(matches!(written, Poll::Ready(Ok(taken)) if taken == all.min(10)));
            assert_eq!(inbound.into_inner().0, pieces);
        }
    }
}
