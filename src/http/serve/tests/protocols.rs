//! Both protocols on one port, what requests carry, and heads that are none.

use super::*;

#[tokio::test]
async fn http1_and_http2_are_served_on_one_port() {
    let server = Server::start(|serve| serve).await;
    let mut h1 = server.connect().await;
    let mut h2 = server.connect_h2().await;
    for _ in 0..2 {
        assert_eq!(h1.get("/").await, "200 hello");
        assert_eq!(h2.get("/").await.unwrap(), "200 hello");
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_served() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    // Begins like HTTP/2's preface.
    for byte in b"PRI / HTTP/1.1\r\nhost: a\r\n\r\n" {
        client.send([*byte]).await;
    }
    assert_eq!(client.answer().await, "200 hello");
}

#[tokio::test]
async fn a_body_that_comes_with_its_head_is_given_whole() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    let body = "x".repeat(100_000);
    let post = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n{body}");
    client.send(post).await;
    assert_eq!(client.answer().await, format!("200 {body}"));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    let pair = "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /refused HTTP/1.1\r\nhost: a\r\n\r\n";
    client.send(pair).await;
    assert_eq!(client.answer().await, "200 hello");
    assert_eq!(client.answer().await, "413 ");
}

#[tokio::test]
async fn http10_is_answered_and_closed_unless_it_asks_to_be_kept() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await;
    assert_eq!(client.answer().await, "200 hello");
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await, "200 hello");
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn a_request_carries_its_peers_address() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    let addr = client.stream.local_addr().unwrap();
    assert_eq!(client.get("/peer").await, format!("200 {addr}"));

    let client = server.connect().await;
    let addr = client.stream.local_addr().unwrap();
    let answer = client.into_h2().await.get("/peer").await.unwrap();
    assert_eq!(answer, format!("200 {addr}"));
}

#[tokio::test]
async fn an_ipv4_peer_of_a_dual_stack_listener_is_given_as_ipv4() {
    let (tell, _told) = mpsc::unbounded_channel();
    let probe = Probe { tell, release: Arc::default() };
    // A machine without IPv6 has no such listener.
    let Ok(running) = serve(probe).bind("[::]:0").await else { return };
    let v4 = SocketAddr::from(([127, 0, 0, 1], running.local_addr().port()));
    let Ok(mut client) = Client::connect(v4).await else { return };
    let addr = client.stream.local_addr().unwrap();
    assert_eq!(client.get("/peer").await, format!("200 {addr}"));
}

#[tokio::test]
async fn a_blocking_std_listener_is_taken() {
    let (tell, _told) = mpsc::unbounded_channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let running = serve(Probe { tell, release: Arc::default() }).listener(listener).unwrap();
    let mut client = Client::connect(running.local_addr()).await.unwrap();
    assert_eq!(client.get("/").await, "200 hello");
}

/// RFC 9112, section 3: 400 to what is no request line; RFC 6585, section 5: 431.
#[tokio::test]
async fn a_bad_head_is_answered_and_hurts_no_other() {
    let server = Server::start(|serve| serve).await;
    let mut fields = String::new();
    for n in 0..101 {
        fields += &format!("x-{n}: 1\r\n");
    }
    let long = |len| "x".repeat(len);
    for (head, status) in [
        ("\0\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
        ("GARBAGE\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/3.0\r\nhost: a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_owned(), "400"),
        ("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_owned(), "400"),
        (format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", long(40_000)), "431"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", long(2_000_000)), "431"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n"), "431"),
    ] {
        let mut client = server.connect().await;
        client.send(&head).await;
        let shown: String = head.chars().take(40).collect();
        assert!(client.answer().await.starts_with(status), "{shown:?}");
        assert_eq!(client.closed().await, "", "{shown:?}");
        server.assert_serves().await;
    }
}

#[tokio::test]
async fn the_longest_head_is_served() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    let (begin, end) = ("GET / HTTP/1.1\r\nhost: a\r\nx: ", "\r\n\r\n");
    let value = "x".repeat(32 * 1024 - begin.len() - end.len());
    client.send(format!("{begin}{value}{end}")).await;
    assert_eq!(client.answer().await, "200 hello");
}

#[tokio::test]
async fn a_too_long_http2_head_is_answered_431() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect_h2().await;
    let mut request = get_h2("/");
    request.headers_mut().insert("x", "x".repeat(40_000).parse().unwrap());
    assert_eq!(client.request(request).await.unwrap(), "431 ");
    assert_eq!(client.get("/").await.unwrap(), "200 hello");
}

/// RFC 9112, section 9.6: a close with unread input must not cost the peer the answer.
#[tokio::test]
async fn an_answer_before_the_end_of_the_body_reaches_a_peer_that_still_sends() {
    let server = Server::start(|serve| serve).await;
    let mut client = server.connect().await;
    client.send("POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 8000000\r\n\r\n").await;
    client.send(vec![0; 8_000_000]).await;
    assert_eq!(client.answer().await, "413 ");
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_alone() {
    let server = Server::start(|serve| serve).await;
    let mut other = server.connect().await;
    assert_eq!(other.get("/").await, "200 hello");

    let mut client = server.connect().await;
    client.send("GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(client.closed().await, "");
    let mut h2 = server.connect_h2().await;
    assert!(h2.get("/panic").await.is_err());
    assert_eq!(h2.get("/").await.unwrap(), "200 hello", "over HTTP/2: its own stream alone");

    assert_eq!(other.get("/").await, "200 hello");
    server.assert_serves().await;
}
