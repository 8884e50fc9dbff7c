//! A client of HTTP/2 over cleartext, with prior knowledge.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::wire::PATIENCE;

/// A connection to a server.
#[derive(Clone)]
pub struct H2 {
    sender: SendRequest<Full<Bytes>>,
}

impl H2 {
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("connects");
        stream.set_nodelay(true).expect("a TCP socket");
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("speaks HTTP/2");
        tokio::spawn(connection);
        Self { sender }
    }

    /// Sends a request and reads the head of its response. Dropping the future, or the response
    /// before its end, resets the stream.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let response = tokio::time::timeout(PATIENCE, self.sender.send_request(request)).await;
        response.expect("waited for a response").expect("a response")
    }
}

/// What remains of a body.
pub async fn rest(body: Incoming) -> Bytes {
    let collected = tokio::time::timeout(PATIENCE, body.collect()).await;
    collected.expect("waited for a body").expect("a body that ends").to_bytes()
}

/// The request that a text of HTTP/1.1 is, as a value.
pub fn parsed(text: &str) -> Request<Full<Bytes>> {
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let mut line = lines.next().expect("a request line").split(' ');
    let mut request = Request::builder()
        .method(line.next().expect("a method"))
        .uri(line.next().expect("a target"));
    for (name, value) in lines.map(|line| line.split_once(':').expect("a header")) {
        request = request.header(name, value.trim());
    }
    request.body(Full::from(body.to_owned())).expect("a valid request")
}

/// The same over HTTP/2: `Host` becomes `:authority`.
pub fn parsed_h2(text: &str) -> Request<Full<Bytes>> {
    let mut request = parsed(text);
    request.headers_mut().remove(CONTENT_LENGTH);
    let host = request.headers_mut().remove(HOST).expect("a host");
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(Authority::try_from(host.as_bytes()).expect("an authority"))
        .path_and_query(path.unwrap_or(PathAndQuery::from_static("/")))
        .build()
        .expect("a valid target");
    request
}
