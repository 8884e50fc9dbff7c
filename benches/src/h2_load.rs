//! The closed loop over HTTP/2 without TLS.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::load::{Measured, Tally, Window, measured};
use crate::mcp::Call;
use crate::subject::Subject;

/// A request that is sent time and again.
struct Repeated {
    head: Request<()>,
    body: Bytes,
}

/// Drives a server over so many connections, each with one lane for each session given, which are
/// streams at the same time.
pub async fn closed(
    subject: &Subject,
    call: &Call,
    connections: &[Vec<Option<String>>],
    window: Window,
) -> Result<Measured> {
    let tally = Tally::new();
    let mut workers = JoinSet::new();
    let mut drivers = JoinSet::new();
    for sessions in connections {
        let stream = TcpStream::connect(subject.addr).await?;
        stream.set_nodelay(true)?;
        let (client, connection) = h2::client::handshake(stream).await?;
        drivers.spawn(connection);
        for session in sessions {
            let repeated = repeated(call, session.as_deref())?;
            workers.spawn(drive(client.clone(), repeated, Arc::clone(&tally)));
        }
    }
    measured(subject, &tally, workers, window).await
}

fn repeated(call: &Call, session: Option<&str>) -> Result<Repeated> {
    let mut head = Request::builder().method(Method::POST).uri("http://localhost/mcp");
    for (name, value) in call.fields(session) {
        head = head.header(name, value);
    }
    let body = Bytes::from(call.body());
    Ok(Repeated { head: head.header("content-length", body.len()).body(())?, body })
}

async fn drive(
    mut client: SendRequest<Bytes>,
    repeated: Repeated,
    tally: Arc<Tally>,
) -> Result<()> {
    while !tally.is_over() {
        let began = Instant::now();
        client = client.ready().await?;
        let (response, mut body) = client.send_request(repeated.head.clone(), false)?;
        body.send_data(repeated.body.clone(), true)?;
        let response = response.await?;
        ensure!(response.status().is_success(), "{response:?}");
        let mut body = response.into_body();
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
        }
        tally.answered(began);
    }
    Ok(())
}
