//! Which protocol a connection speaks: HTTP/2 says so with its first bytes.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{
    activity::Protocol,
    deadlines::{LazyTimer, after},
    options::Limits,
    shutdown::ShutdownWait,
};

/// RFC 9113, section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much is read at once: mostly a whole head, so that hyper gets it as if it had read it
/// itself. It doubles its buffer, and keeps it, for one that comes in pieces.
const FIRST_READ: usize = 4096;

/// How a connection opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// With this protocol, from this instant on.
    Speaks(Protocol, Instant),
    /// With nothing, until its deadline.
    Silent,
    /// With a part of HTTP/2's preface that may be a part of a method too, until its deadline.
    Stalled,
    /// Not at all: the peer has gone, or the server is shutting down.
    Ended,
}

/// A connection whose protocol is not known yet.
pub(super) struct Sniff {
    stream: TcpStream,
    /// What was read of it.
    read: Vec<u8>,
    first_byte: Option<Instant>,
}

impl Sniff {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, read: Vec::new(), first_byte: None }
    }

    /// Reads until the protocol is told, at most for a limit from the first byte on. The timer is
    /// armed for the first byte's deadline.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut LazyTimer,
        limits: &Limits,
        shutdown: &mut ShutdownWait,
    ) -> Poll<Opening> {
        loop {
            match self.poll_read(cx) {
                Poll::Ready(Ok(1..)) => {
                    let first_byte = *self.first_byte.get_or_insert_with(Instant::now);
                    if let Some(protocol) = protocol_of(&self.read) {
                        return Poll::Ready(Opening::Speaks(protocol, first_byte));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Opening::Ended),
                Poll::Pending => break,
            }
        }
        if Pin::new(&mut *shutdown).poll(cx).is_ready() {
            return Poll::Ready(Opening::Ended);
        }
        let Some(first_byte) = self.first_byte else {
            let first_byte_by = timer.armed_for();
            return timer.poll_until(cx, first_byte_by).map(|()| Opening::Silent);
        };
        timer.poll_until(cx, after(first_byte, limits.head)).map(|()| Opening::Stalled)
    }

    /// The connection, and what was read of it: whoever serves it reads that first.
    pub(super) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, Bytes::from(self.read))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [const { MaybeUninit::uninit() }; FIRST_READ];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        self.read.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    }
}

/// What the first bytes say, if they say enough.
fn protocol_of(bytes: &[u8]) -> Option<Protocol> {
    if bytes.starts_with(PREFACE) {
        Some(Protocol::Http2)
    } else if PREFACE.starts_with(bytes) {
        None
    } else {
        Some(Protocol::Http1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_preface_is_http2_and_any_other_byte_is_http1() {
        assert_eq!(protocol_of(PREFACE), Some(Protocol::Http2));
        assert_eq!(protocol_of(&[PREFACE, b"frames".as_slice()].concat()), Some(Protocol::Http2));
        for len in 0..PREFACE.len() {
            assert_eq!(protocol_of(&PREFACE[..len]), None, "{len} bytes");
            let mut other = PREFACE[..=len].to_vec();
            other[len] ^= 1;
            assert_eq!(protocol_of(&other), Some(Protocol::Http1), "{len} bytes");
        }
        assert_eq!(protocol_of(b"POST"), Some(Protocol::Http1));
    }
}
