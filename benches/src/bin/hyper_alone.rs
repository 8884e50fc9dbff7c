//! The baseline: hyper's own `http1` builder with TCP_NODELAY, which reads each request's body and
//! answers with the same bytes always.
//!
//! `hyper_alone ADDRESS CONTENT-TYPE FILE`.

use std::convert::Infallible;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncReadExt, net::TcpListener};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("no address")?;
    let kind = HeaderValue::from_str(&arguments.next().context("no content type")?)?;
    let answer = Bytes::from(std::fs::read(arguments.next().context("no answer")?)?);
    let listener = TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            if stream.set_nodelay(true).is_err() {
                continue;
            }
            let (kind, answer) = (kind.clone(), answer.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let (kind, answer) = (kind.clone(), answer.clone());
                async move {
                    // Whatever broke off is answered as well: hyper notices.
                    let _ = request.into_body().collect().await;
                    let mut response = Response::new(Full::new(answer));
                    response.headers_mut().insert(header::CONTENT_TYPE, kind);
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(async move {
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    Ok(())
}
