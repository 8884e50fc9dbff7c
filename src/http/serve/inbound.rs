//! The reading side of a connection: gives the sniffed bytes back and tells of a head's begin.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::rt::{Read, ReadBufCursor, Write};

use super::{activity::Activity, sniff::Sniffed};

/// A connection that gives the sniffed bytes back before it reads on.
pub(super) struct Inbound<IO> {
    io: IO,
    sniffed: Sniffed,
    activity: Arc<Activity>,
}

impl<IO> Inbound<IO> {
    pub(super) fn new(io: IO, sniffed: Sniffed, activity: Arc<Activity>) -> Self {
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
        let sniffed = self.sniffed.take(buf.remaining());
        if !sniffed.is_empty() {
            buf.put_slice(sniffed);
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
