//! One HTTP/1.1 connection of the driver: as little work as can be, so that the server and not the
//! driver is what saturates.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most header fields that a server sends.
const FIELDS: usize = 32;

pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// A response's head, as far as a driver must know it.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub status: u16,
    pub kind: String,
    pub session: Option<String>,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), filled: 0 })
    }

    /// Sends a request and reads its whole answer, which must be a success.
    pub async fn call(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let (start, framing) = self.read_head().await?;
        loop {
            let body = &self.buffer[start..self.filled];
            let whole = match framing {
                Framing::Length(length) => body.len() >= length,
                // Neither JSON nor SSE of these servers has a carriage return in its text.
                Framing::Chunked => body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n"),
            };
            if whole {
                return Ok(());
            }
            self.read().await?;
        }
    }

    /// The same, and gives the head and the body.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<(Head, Vec<u8>)> {
        timeout(PATIENCE, self.call(request)).await.context("no answer")??;
        let (head, start, framing) = self.parse()?.context("the head was there")?;
        let body = &self.buffer[start..self.filled];
        let body = match framing {
            Framing::Length(_) => body.to_vec(),
            Framing::Chunked => unchunked(body)?,
        };
        Ok((head, body))
    }

    /// Sends a request whose answer is a stream that stays open, and reads its head.
    pub async fn open(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let (start, _) = self.read_head().await?;
        self.buffer.copy_within(start..self.filled, 0);
        self.filled -= start;
        Ok(())
    }

    /// Reads a stream until this has come, and forgets what came before it.
    pub async fn wait_for(&mut self, needle: &[u8]) -> Result<()> {
        loop {
            let held = &self.buffer[..self.filled];
            if let Some(at) = held.windows(needle.len()).position(|window| window == needle) {
                let rest = at + needle.len();
                self.buffer.copy_within(rest..self.filled, 0);
                self.filled -= rest;
                return Ok(());
            }
            self.read().await?;
        }
    }

    /// Forgets the buffer: thousands of connections that are only held need none.
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
        self.filled = 0;
    }

    async fn read(&mut self) -> Result<()> {
        if self.buffer.len() < self.filled + 1024 {
            self.buffer.resize((self.buffer.len() * 2).max(4096), 0);
        }
        let count = self.stream.read(&mut self.buffer[self.filled..]).await?;
        ensure!(count > 0, "the server closed the connection");
        self.filled += count;
        Ok(())
    }

    async fn read_head(&mut self) -> Result<(usize, Framing)> {
        loop {
            self.read().await?;
            let Some((head, start, framing)) = self.parse()? else { continue };
            if !(200..300).contains(&head.status) {
                bail!("{}", String::from_utf8_lossy(&self.buffer[..self.filled]));
            }
            return Ok((start, framing));
        }
    }

    /// The head, if it is there whole.
    fn parse(&self) -> Result<Option<(Head, usize, Framing)>> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(start) = response.parse(&self.buffer[..self.filled])? else {
            return Ok(None);
        };
        let status = response.code.context("no status")?;
        let mut head = Head { status, ..Head::default() };
        // 202 and 204 may come without either field.
        let mut framing = Framing::Length(0);
        for field in response.headers.iter() {
            let value = || String::from_utf8_lossy(field.value).into_owned();
            if field.name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value().parse()?);
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunked;
            } else if field.name.eq_ignore_ascii_case("content-type") {
                head.kind = value();
            } else if field.name.eq_ignore_ascii_case("mcp-session-id") {
                head.session = Some(value());
            }
        }
        Ok(Some((head, start, framing)))
    }
}

fn unchunked(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = rest.windows(2).position(|end| end == b"\r\n").context("a chunk's size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end])?, 16)?;
        if size == 0 {
            return Ok(whole);
        }
        whole.extend_from_slice(rest.get(end + 2..end + 2 + size).context("a chunk")?);
        rest = &rest[end + 2 + size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_put_together() {
        let whole = unchunked(b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
        assert_eq!(whole.ok().as_deref(), Some(&b"abc0123456789abcdef"[..]));
        assert!(unchunked(b"5\r\nabc").is_err(), "a chunk that is cut off");
    }
}
