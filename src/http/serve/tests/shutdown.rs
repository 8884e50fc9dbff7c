//! How a server ends.

use super::*;

#[tokio::test]
async fn connections_without_a_request_are_closed_at_once() {
    let server = Server::start(|serve| serve).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/").await, "200 hello");
    let mut h2 = server.connect_h2().await;
    assert_eq!(h2.get("/").await.unwrap(), "200 hello");

    let addr = server.running.local_addr();
    let signal = server.running.shutdown_signal();
    let drained = within(server.running.shutdown()).await.unwrap();
    assert_eq!(drained.aborted, 0);
    assert!(signal.is_triggered());
    assert_eq!(silent.closed().await, "");
    assert_eq!(idle.closed().await, "");
    h2.closed().await;
    assert!(Client::connect(addr).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_first() {
    let mut server = Server::start(|serve| serve).await;
    let mut h1 = server.connect().await;
    h1.send("GET /hold HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(server.told().await, Told::Called);
    let mut h2 = server.connect_h2().await;
    let held = tokio::spawn(async move { h2.get("/hold").await });
    assert_eq!(server.told().await, Told::Called);
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/").await, "200 hello");

    server.running.begin_shutdown();
    assert_eq!(idle.closed().await, "", "the shutdown has begun");
    server.release.notify_waiters();
    assert_eq!(h1.answer().await, "200 released");
    assert_eq!(h1.closed().await, "");
    assert_eq!(within(held).await.unwrap().unwrap(), "200 released");
    assert_eq!(within(server.running.ended()).await.unwrap().aborted, 0);
    assert_eq!(within(server.running.ended()).await.unwrap().aborted, 0, "asked again");
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_aborted_and_counted() {
    let mut server = Server::start(|serve| serve.shutdown_deadline(SHORT)).await;
    let mut h1 = server.connect().await;
    h1.send("GET /hold HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(server.told().await, Told::Called);
    let mut h2 = server.connect_h2().await;
    let held = tokio::spawn(async move { h2.get("/hold").await });
    assert_eq!(server.told().await, Told::Called);

    assert_eq!(within(server.running.shutdown()).await.unwrap().aborted, 2);
    assert_eq!(h1.closed().await, "");
    assert!(within(held).await.unwrap().is_err());
}

#[tokio::test]
async fn a_stream_that_waits_for_the_signal_ends_itself() {
    let mut server = Server::start(|serve| serve).await;
    let mut h1 = server.connect().await;
    h1.send("GET /until-shutdown HTTP/1.1\r\nhost: a\r\n\r\n").await;
    h1.read_until("begin \r\n").await;
    let mut h2 = server.connect_h2().await;
    let stream = tokio::spawn(async move { h2.get("/until-shutdown").await });
    for _ in 0..2 {
        assert_eq!(server.told().await, Told::Called);
    }

    let (drained, rest) = both(within(server.running.shutdown()), h1.closed()).await;
    assert_eq!(drained.unwrap().aborted, 0);
    assert_eq!(rest, "3\r\nend\r\n0\r\n\r\n");
    assert_eq!(within(stream).await.unwrap().unwrap(), "200 begin end");
}

#[tokio::test]
async fn dropping_the_handle_begins_the_shutdown() {
    let server = Server::start(|serve| serve).await;
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/").await, "200 hello");
    drop(server.running);
    assert_eq!(idle.closed().await, "");
}
