//! The number of connections, and of descriptors.

use super::*;

/// What a connection beyond the limit is told.
const REFUSED: &str = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\
    \"The server has as many connections as it may: try again later\"}}";

#[tokio::test]
async fn a_connection_beyond_the_limit_is_answered_503_until_one_ends() {
    let server = Server::start(|serve| serve.max_connections(2)).await;
    let mut first = server.connect().await;
    assert_eq!(first.get("/").await, "200 hello");
    let mut second = server.connect().await;
    assert_eq!(second.get("/").await, "200 hello");

    let mut third = server.connect().await;
    third.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(
        third.closed().await,
        format!(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{REFUSED}",
            REFUSED.len()
        )
    );
    assert_eq!(first.get("/").await, "200 hello");

    drop(first);
    let admitted = async { while server.connect().await.get("/").await != "200 hello" {} };
    within(admitted).await;
    assert_eq!(second.get("/").await, "200 hello");
}

/// An HTTP client does not take for an answer what comes before it has asked.
#[tokio::test]
async fn a_refusal_waits_for_the_request() {
    let server = Server::start(|serve| serve.max_connections(0)).await;
    let mut silent = server.connect().await;
    let mut witness = server.connect().await;
    assert_eq!(witness.get("/").await, format!("503 {REFUSED}"));
    let read = silent.stream.try_read(&mut [0]);
    assert_eq!(read.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(silent.get("/").await, format!("503 {REFUSED}"));
}

#[tokio::test]
async fn refusals_are_limited_too() {
    let server = Server::start(|serve| serve.max_connections(0)).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(server.connect().await);
    }
    let mut beyond = server.connect().await;
    let read = within(beyond.stream.read(&mut [0])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "closed: {read:?}");
    assert_eq!(silent[99].get("/").await, format!("503 {REFUSED}"));
}

/// Only in a process of its own: the limit is the process's.
#[cfg(target_os = "linux")]
#[test]
fn running_out_of_descriptors_is_survived() {
    let this = std::env::current_exe().unwrap();
    let script = "ulimit -n 64 && exec \"$0\" --exact --ignored --nocapture \
                  http::serve::tests::limits::without_descriptors";
    let child = std::process::Command::new("sh").arg("-c").arg(script).arg(this).output().unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
#[ignore = "takes all descriptors of its process; run by running_out_of_descriptors_is_survived"]
async fn without_descriptors() {
    let server = Server::start(|serve| serve).await;
    server.assert_serves().await;

    let mut taken = Vec::new();
    let error = loop {
        match std::fs::File::open("/dev/null") {
            Ok(file) => taken.push(file),
            Err(error) => break error,
        }
    };
    assert_eq!(error.raw_os_error(), Some(24), "EMFILE");
    // One for the client's socket, and none for the server's.
    taken.pop();
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    // Lets the acceptor meet the error.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(std::fs::File::open("/dev/null").is_err(), "the last one is the client's");

    drop(taken);
    assert_eq!(client.answer().await, "200 hello");
}
