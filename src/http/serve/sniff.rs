//! Which protocol a connection speaks: HTTP/2 says so with its first bytes.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

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

/// The bytes that told the protocol; the connection reads them again.
pub(super) struct Sniffed {
    bytes: [u8; PREFACE.len()],
    len: u8,
    taken: u8,
}

impl Sniffed {
    /// At most `max` of the bytes that were not taken yet.
    pub(super) fn take(&mut self, max: usize) -> &[u8] {
        let rest = &self.bytes[usize::from(self.taken)..usize::from(self.len)];
        let taken = &rest[..rest.len().min(max)];
        // Not more than the preface's 24.
        self.taken += taken.len() as u8;
        taken
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// What the bytes so far say, if they say enough.
    fn protocol(&self) -> Option<Protocol> {
        if !PREFACE.starts_with(self.bytes()) {
            Some(Protocol::Http1)
        } else if self.bytes().len() == PREFACE.len() {
            Some(Protocol::Http2)
        } else {
            None
        }
    }
}

/// How a connection opens.
pub(super) enum Opening {
    /// With this protocol, these bytes, at this instant.
    Speaks(Protocol, Sniffed, Instant),
    /// With nothing, until its deadline.
    Silent,
    /// With a part of HTTP/2's preface that may be a part of a method too, until its deadline.
    Stalled,
    /// Not at all: the peer has gone, or the server is shutting down.
    Ended,
}

/// Reads until the protocol is told. The timer is armed for the first byte's deadline.
pub(super) async fn sniff(
    stream: &mut TcpStream,
    timer: &mut LazyTimer,
    limits: &Limits,
    shutdown: &mut ShutdownWait,
) -> Opening {
    let first_byte_by = timer.armed_for();
    let mut sniffed = Sniffed { bytes: [0; PREFACE.len()], len: 0, taken: 0 };
    let mut first_byte = None;
    poll_fn(|cx| {
        loop {
            match poll_sniff(stream, &mut sniffed, cx) {
                Poll::Ready(Ok(1..)) => {
                    let first_byte = *first_byte.get_or_insert_with(Instant::now);
                    if let Some(protocol) = sniffed.protocol() {
                        let sniffed = Sniffed { ..sniffed };
                        return Poll::Ready(Opening::Speaks(protocol, sniffed, first_byte));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Opening::Ended),
                Poll::Pending => break,
            }
        }
        if Pin::new(&mut *shutdown).poll(cx).is_ready() {
            return Poll::Ready(Opening::Ended);
        }
        let deadline = first_byte.map_or(first_byte_by, |first| after(first, limits.head));
        ready!(timer.poll_until(cx, deadline));
        Poll::Ready(if first_byte.is_some() { Opening::Stalled } else { Opening::Silent })
    })
    .await
}

/// Reads as much of the preface as is missing, and not a byte more.
fn poll_sniff(
    stream: &mut TcpStream,
    sniffed: &mut Sniffed,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut rest = ReadBuf::new(&mut sniffed.bytes[usize::from(sniffed.len)..]);
    ready!(Pin::new(stream).poll_read(cx, &mut rest))?;
    let read = rest.filled().len();
    // Not more than the preface's 24.
    sniffed.len += read as u8;
    Poll::Ready(Ok(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(input: &[u8]) -> Sniffed {
        let mut bytes = [0; PREFACE.len()];
        bytes[..input.len()].copy_from_slice(input);
        Sniffed { bytes, len: input.len() as u8, taken: 0 }
    }

    #[test]
    fn the_whole_preface_is_http2_and_any_other_byte_is_http1() {
        assert_eq!(sniffed(PREFACE).protocol(), Some(Protocol::Http2));
        for len in 0..PREFACE.len() {
            assert_eq!(sniffed(&PREFACE[..len]).protocol(), None, "{len} bytes");
            let mut other = PREFACE[..=len].to_vec();
            other[len] ^= 1;
            assert_eq!(sniffed(&other).protocol(), Some(Protocol::Http1), "{len} bytes");
        }
        assert_eq!(sniffed(b"POST").protocol(), Some(Protocol::Http1));
    }

    #[test]
    fn sniffed_bytes_are_given_back_once_and_in_order() {
        let mut sniffed = sniffed(b"GET /mcp");
        assert_eq!(sniffed.take(3), b"GET");
        assert_eq!(sniffed.take(100), b" /mcp");
        assert_eq!(sniffed.take(100), b"");
    }
}
