//! One HTTP/1.1 connection, byte by byte: what it sends is what the test wrote, and nothing may
//! come that the framing of a response does not announce.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustix::net::{RecvFlags, recv, sockopt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::sse::{Event, Parser};

/// How long a read waits unless [`Wire::patience`] says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How a connection, or what came over it, went wrong.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The peer closed the connection where a response would have begun.
    #[error("closed before a response")]
    Closed,
    /// The peer closed the connection in the middle of a response.
    #[error("closed in the middle of a response")]
    Truncated,
    /// The connection broke: a reset, as a rule.
    #[error("broken: {0}")]
    Broken(#[from] io::Error),
    #[error("nothing came for {0:?}")]
    Silent(Duration),
    #[error("malformed: {0}")]
    Malformed(String),
    /// Bytes followed the end of a response.
    #[error("bytes after the end of a response: {0:?}")]
    AfterEnd(String),
}

impl WireError {
    /// Whether the connection ended, in whatever way, rather than said something wrong.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Closed | Self::Truncated | Self::Broken(_))
    }
}

/// A response's head.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.starts_with("text/event-stream"))
    }

    /// Whether the server closes the connection after this response.
    pub fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Where in a response's body the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Done,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
}

/// A connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    buffer: BytesMut,
    body: Body,
    events: Parser,
    /// How long each read may take.
    pub patience: Duration,
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Result<Self, WireError> {
        let stream = timeout(PATIENCE, TcpStream::connect(addr)).await;
        Ok(Self::over(stream.map_err(|_| WireError::Silent(PATIENCE))??))
    }

    /// Over a connection that was made elsewhere.
    pub fn over(stream: TcpStream) -> Self {
        // A request that waits for an acknowledgement would only make the test slower.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            buffer: BytesMut::new(),
            body: Body::Done,
            events: Parser::default(),
            patience: PATIENCE,
        }
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request and reads the head of its response.
    ///
    /// # Errors
    ///
    /// Also [`WireError::AfterEnd`] if anything came after the response before.
    pub async fn send(&mut self, request: &[u8]) -> Result<Head, WireError> {
        self.expect_silence()?;
        self.write(request).await?;
        self.head().await
    }

    /// Writes bytes, whatever they are.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        match timeout(self.patience, self.stream.write_all(bytes)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(WireError::Silent(self.patience)),
        }
    }

    /// Reads the head of the next response.
    pub async fn head(&mut self) -> Result<Head, WireError> {
        loop {
            let head = self.any_head().await?;
            if head.status >= 200 {
                self.body = framing(&head)?;
                self.events = Parser::default();
                return Ok(head);
            }
        }
    }

    /// The next piece of the body, as long as there is one.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            match self.body {
                Body::Done => return Ok(None),
                Body::Length(0) => self.body = Body::Done,
                Body::Length(left) => {
                    let piece = self.take(left).await?;
                    self.body = Body::Length(left - piece.len() as u64);
                    return Ok(Some(piece));
                }
                Body::ChunkSize => {
                    let line = self.line().await?;
                    let digits = line.split(';').next().unwrap_or_default().trim();
                    let size = u64::from_str_radix(digits, 16)
                        .map_err(|_| WireError::Malformed(format!("a chunk of {line:?}")))?;
                    self.body = if size == 0 { Body::Trailers } else { Body::Chunk(size) };
                }
                Body::Chunk(left) => {
                    let piece = self.take(left).await?;
                    let left = left - piece.len() as u64;
                    self.body = if left == 0 { Body::ChunkEnd } else { Body::Chunk(left) };
                    return Ok(Some(piece));
                }
                Body::ChunkEnd => {
                    let line = self.line().await?;
                    if !line.is_empty() {
                        return Err(WireError::Malformed(format!("{line:?} after a chunk")));
                    }
                    self.body = Body::ChunkSize;
                }
                Body::Trailers => {
                    if self.line().await?.is_empty() {
                        self.body = Body::Done;
                    }
                }
                Body::UntilClose => match self.take(u64::MAX).await {
                    Err(WireError::Truncated) => self.body = Body::Done,
                    piece => return piece.map(Some),
                },
            }
        }
    }

    /// What remains of the body.
    pub async fn rest(&mut self) -> Result<Bytes, WireError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// The next event of a body that is a stream, or none after its end.
    ///
    /// Cancel safe: a piece that came is kept.
    pub async fn event(&mut self) -> Result<Option<Event>, WireError> {
        loop {
            if let Some(event) = self.events.event() {
                return Ok(Some(event));
            }
            match self.piece().await? {
                Some(piece) => self.events.push(&piece),
                None if self.events.is_partial() => {
                    return Err(WireError::Malformed("half an event at the end".into()));
                }
                None => return Ok(None),
            }
        }
    }

    /// How many comment lines the stream had so far.
    pub fn comments(&self) -> u64 {
        self.events.comments
    }

    /// Whether the response was read to its end.
    pub fn is_idle(&self) -> bool {
        self.body == Body::Done
    }

    /// That nothing came after the end of the last response.
    ///
    /// # Errors
    ///
    /// [`WireError::AfterEnd`] if something did, [`WireError::Closed`] if the peer has closed the
    /// connection.
    pub fn expect_silence(&self) -> Result<(), WireError> {
        assert!(self.is_idle(), "the response before has not been read to its end");
        if !self.buffer.is_empty() {
            return Err(after_end(&self.buffer));
        }
        let mut byte = [0; 64];
        match recv(&self.stream, &mut byte[..], RecvFlags::DONTWAIT | RecvFlags::PEEK) {
            Ok((0, _)) => Err(WireError::Closed),
            Ok((count, _)) => Err(after_end(&byte[..count])),
            Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    /// Says that nothing more will be sent, and waits until the peer has closed too.
    ///
    /// # Errors
    ///
    /// If anything came after the end of the last response.
    pub async fn close(mut self) -> Result<(), WireError> {
        assert!(self.is_idle(), "the response before has not been read to its end");
        // It may have been closed from the other side.
        let _ = self.stream.shutdown().await;
        while self.buffer.is_empty() {
            match self.fill().await {
                Ok(()) => {}
                Err(error) if error.is_end() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Err(after_end(&self.buffer))
    }

    /// Ends the connection with a FIN, whatever is under way.
    pub async fn cut(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection with a reset, whatever is under way.
    pub fn reset(self) {
        let _ = sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }

    async fn any_head(&mut self) -> Result<Head, WireError> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            let began = !self.buffer.is_empty();
            match self.fill().await {
                Err(WireError::Truncated) if !began => return Err(WireError::Closed),
                other => other?,
            }
        };
        let head = self.buffer.split_to(end);
        self.buffer.advance(4);
        parse_head(&head)
    }

    /// At most this many bytes, at least one.
    async fn take(&mut self, most: u64) -> Result<Bytes, WireError> {
        while self.buffer.is_empty() {
            self.fill().await?;
        }
        let count = usize::try_from(most).unwrap_or(usize::MAX).min(self.buffer.len());
        Ok(self.buffer.split_to(count).freeze())
    }

    async fn line(&mut self) -> Result<String, WireError> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line = self.buffer.split_to(at);
                self.buffer.advance(2);
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), WireError> {
        match timeout(self.patience, self.stream.read_buf(&mut self.buffer)).await {
            Err(_) => Err(WireError::Silent(self.patience)),
            Ok(Ok(0)) => Err(WireError::Truncated),
            Ok(read) => Ok(read.map(|_| ())?),
        }
    }
}

fn after_end(bytes: &[u8]) -> WireError {
    WireError::AfterEnd(String::from_utf8_lossy(bytes).into_owned())
}

fn parse_head(head: &[u8]) -> Result<Head, WireError> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default();
    let malformed = || WireError::Malformed(format!("a head that begins with {line:?}"));
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status = status.and_then(|digits| digits.parse().ok()).ok_or_else(malformed)?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Head { status, headers })
}

/// RFC 9112, section 6.3.
fn framing(head: &Head) -> Result<Body, WireError> {
    if matches!(head.status, 204 | 304) {
        return Ok(Body::Done);
    }
    if head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        return Ok(Body::ChunkSize);
    }
    let Some(length) = head.header("content-length") else { return Ok(Body::UntilClose) };
    let length = length.parse();
    length.map(Body::Length).map_err(|_| WireError::Malformed("a Content-Length".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A wire to a peer that answers whatever it is asked with these bytes, then more of them after
    /// the next request, then closes.
    async fn answered_with(first: &'static str, second: &'static str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for bytes in [first, second] {
                let mut request = [0; 64];
                if stream.read(&mut request).await.unwrap() > 0 {
                    stream.write_all(bytes.as_bytes()).await.unwrap();
                }
            }
        });
        Wire::connect(addr).await.unwrap()
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";

    #[tokio::test]
    async fn a_connection_is_used_again_after_each_framing() {
        for (first, second) in [(OK, CHUNKED), (CHUNKED, OK)] {
            let mut wire = answered_with(first, second).await;
            for _ in 0..2 {
                assert_eq!(wire.send(b"?").await.unwrap().status, 200);
                assert_eq!(wire.rest().await.unwrap(), "ok");
            }
            wire.close().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_byte_after_the_end_is_an_error_of_the_next_request() {
        for first in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokx",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
            "HTTP/1.1 204 No Content\r\n\r\nx",
        ] {
            let mut wire = answered_with(first, OK).await;
            wire.send(b"?").await.unwrap();
            wire.rest().await.unwrap();
            let next = wire.send(b"?").await;
            assert!(matches!(&next, Err(WireError::AfterEnd(bytes)) if bytes == "x"), "{next:?}");
        }
    }

    #[tokio::test]
    async fn a_byte_that_comes_when_the_connection_closes_is_an_error() {
        let mut wire = answered_with(OK, "").await;
        wire.send(b"?").await.unwrap();
        wire.rest().await.unwrap();
        // The peer answers what was never asked.
        wire.write(b"?").await.unwrap();
        wire.close().await.unwrap();

        let mut wire = answered_with(OK, "x").await;
        wire.send(b"?").await.unwrap();
        wire.rest().await.unwrap();
        wire.write(b"?").await.unwrap();
        let closed = wire.close().await;
        assert!(matches!(&closed, Err(WireError::AfterEnd(bytes)) if bytes == "x"), "{closed:?}");
    }

    #[tokio::test]
    async fn an_end_in_the_middle_is_told_from_one_before_a_response() {
        let mut wire = answered_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "").await;
        wire.send(b"?").await.unwrap();
        wire.write(b"?").await.unwrap();
        assert!(matches!(wire.rest().await, Err(WireError::Truncated)));
        let mut wire = answered_with(OK, "").await;
        wire.send(b"?").await.unwrap();
        wire.rest().await.unwrap();
        let next = wire.send(b"?").await;
        assert!(matches!(next, Err(WireError::Closed)), "{next:?}");
    }
}
