//! The reading side of a connection: gives the sniffed bytes back and tells of a head's begin.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};

use super::activity::Activity;

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
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
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
    use hyper::rt::ReadBuf;
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
            let mut room = ReadBuf::new(&mut room[..max]);
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
}
