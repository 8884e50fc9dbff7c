//! The end of a connection: the peer gets to read what was written last.

use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};

/// How long a peer may take to close its side of a connection that was closed here. See [`linger`].
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// RFC 9110, section 15.5.9: the head did not come whole in time.
pub(super) const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Says that the limit of connections is reached, in words that an MCP client reads too.
const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    connection: close\r\ncontent-type: application/json\r\ncontent-length: 115\r\n\r\n\
    {\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\
    \"The server has as many connections as it may: try again later\"}}";

/// Tells a connection that comes beyond the limit so, once it has asked for something.
pub(super) async fn refuse(mut stream: TcpStream) {
    // What an HTTP client gets before it has asked, it may not take for an answer.
    let asked = poll_fn(|cx| poll_discard(&mut stream, cx));
    if let Ok(Ok(1..)) = timeout(LINGER, asked).await {
        answer(stream, UNAVAILABLE).await;
    }
}

/// Writes a short answer to a peer that waits for one, and closes.
pub(super) async fn answer(mut stream: TcpStream, answer: &'static [u8]) {
    if let Ok(Ok(())) = timeout(LINGER, stream.write_all(answer)).await {
        linger(stream).await;
    }
}

/// Closes so that the peer can read what was written last.
///
/// Closing a socket that has unread input resets the connection, and a reset makes the peer's
/// system throw away what it has not read: the 413 that was sent before the body came whole, for
/// one. So the writing side is closed, and input is taken until the peer closes its side too
/// (RFC 9112, section 9.6).
pub(super) async fn linger(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = timeout(LINGER, async {
        while let Ok(1..) = poll_fn(|cx| poll_discard(&mut stream, cx)).await {}
    })
    .await;
}

fn poll_discard(stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut sink = [const { MaybeUninit::uninit() }; 4096];
    let mut sink = ReadBuf::uninit(&mut sink);
    ready!(Pin::new(stream).poll_read(cx, &mut sink))?;
    Poll::Ready(Ok(sink.filled().len()))
}
