//! Each deadline closes what it is for, and nothing else.

use super::*;

const TIMED_OUT: &str =
    "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed() {
    let server = Server::start(|serve| serve.first_byte_timeout(SHORT)).await;
    assert_eq!(server.connect().await.closed().await, "");
}

/// The sniffing has a deadline of its own: the head's.
#[tokio::test]
async fn a_part_of_the_http2_preface_that_stalls_is_closed() {
    let server = Server::start(|serve| serve.head_timeout(SHORT)).await;
    for part in ["P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        let mut client = server.connect().await;
        client.send(part).await;
        assert_eq!(client.closed().await, TIMED_OUT, "{part:?}");
    }
}

/// RFC 9110, section 15.5.9.
#[tokio::test]
async fn a_slow_head_is_answered_408_and_closed() {
    let server = Server::start(|serve| serve.head_timeout(SHORT)).await;
    let mut first = server.connect().await;
    first.send("GET / HTTP/1.1\r\nhost").await;
    assert_eq!(first.closed().await, TIMED_OUT);

    let mut second = server.connect().await;
    assert_eq!(second.get("/").await, "200 hello");
    second.send("G").await;
    assert_eq!(second.closed().await, TIMED_OUT, "the next head of a kept connection");
}

/// The deadline runs from the head's first byte and not from its latest.
#[tokio::test]
async fn a_head_that_trickles_is_closed_too() {
    let server = Server::start(|serve| serve.head_timeout(SHORT)).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nx: ").await;
    let (mut read, mut write) = client.stream.split();
    let trickle = async {
        let mut tick = tokio::time::interval(SHORT / 6);
        loop {
            tick.tick().await;
            if write.write_all(b"x").await.is_err() {
                return futures::future::pending().await;
            }
        }
    };
    let mut answer = vec![0; TIMED_OUT.len()];
    let answered = read.read_exact(&mut answer);
    match within(futures::future::select(Box::pin(answered), Box::pin(trickle))).await {
        futures::future::Either::Left((answered, _)) => answered.unwrap(),
        futures::future::Either::Right((never, _)) => never,
    };
    assert_eq!(str::from_utf8(&answer), Ok(TIMED_OUT));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::start(|serve| serve.idle_timeout(SHORT)).await;
    let mut h1 = server.connect().await;
    assert_eq!(h1.get("/").await, "200 hello");
    assert_eq!(h1.closed().await, "");

    let mut h2 = server.connect_h2().await;
    assert_eq!(h2.get("/").await.unwrap(), "200 hello");
    h2.closed().await;

    server.connect_h2().await.closed().await;
}

/// hyper's own deadline for heads closes idle connections as well.
#[tokio::test]
async fn a_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let server = Server::start(|serve| serve.head_timeout(SHORT).first_byte_timeout(SHORT)).await;
    let mut h1 = server.connect().await;
    assert_eq!(h1.get("/").await, "200 hello");
    let mut h2 = server.connect_h2().await;
    assert_eq!(h2.get("/").await.unwrap(), "200 hello");

    let mut witness = server.connect().await;
    witness.send("GET").await;
    assert_eq!(witness.closed().await, TIMED_OUT);

    assert_eq!(h1.get("/").await, "200 hello");
    assert_eq!(h2.get("/").await.unwrap(), "200 hello");
}

#[tokio::test]
async fn a_request_in_flight_outlasts_every_deadline() {
    let mut server = Server::start(|serve| {
        serve.first_byte_timeout(SHORT).head_timeout(SHORT).idle_timeout(SHORT)
    })
    .await;
    let mut h1 = server.connect().await;
    h1.send("GET /hold HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(server.told().await, Told::Called);
    let mut upload = server.connect().await;
    upload.send("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab").await;
    let mut h2 = server.connect_h2().await;
    let held = tokio::spawn(async move { (h2.get("/hold").await, h2) });
    assert_eq!(server.told().await, Told::Called);

    for _ in 0..3 {
        let mut witness = server.connect().await;
        assert_eq!(witness.get("/").await, "200 hello");
        assert_eq!(witness.closed().await, "");
    }

    upload.send("cd").await;
    assert_eq!(upload.answer().await, "200 abcd");
    server.release.notify_waiters();
    assert_eq!(h1.answer().await, "200 released");
    let (held, h2) = within(held).await.unwrap();
    assert_eq!(held.unwrap(), "200 released");

    // And then the idle time runs again.
    assert_eq!(h1.closed().await, "");
    h2.closed().await;
}

/// A body is not polled while the socket takes nothing: the socket must notice.
#[tokio::test]
async fn a_peer_that_stops_reading_is_closed_and_its_body_dropped() {
    let mut server = Server::start(|serve| serve.write_stall_timeout(SHORT)).await;
    let mut h1 = server.connect().await;
    h1.send("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(server.told().await, Told::Called);
    assert_eq!(server.told().await, Told::BodyDropped);

    let mut h2 = server.connect().await;
    h2.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    // Windows that never stop the server: what stops it then is the socket.
    h2.send(b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff").await; // SETTINGS
    h2.send(b"\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0").await; // WINDOW_UPDATE
    h2.send(b"\0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x01\x01a\x04\x08/endless").await; // HEADERS
    assert_eq!(server.told().await, Told::Called);
    assert_eq!(server.told().await, Told::BodyDropped);
    server.assert_serves().await;
}
