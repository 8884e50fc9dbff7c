//! Hostile bytes: unknown, malformed, oversized, slow and foreign requests over a raw socket, each
//! with the status and the code that it must get; a good request is answered after each of them.

mod advisories;
mod bodies;
mod case;
mod framing;
mod heads;
mod legacy;
mod limits;
mod modern;

use case::{Raw, run};

use crate::support::messages::Session;
use crate::support::server::TestServer;

/// What a table needs of the server: clients of each legacy revision with a session each, and
/// one whose session has ended.
pub struct World {
    newest: Client,
    middle: Client,
    oldest: Client,
    ended: Client,
}

/// A legacy client with its session.
pub struct Client {
    id: String,
    version: String,
}

impl Client {
    async fn open(server: &TestServer, version: &str) -> Self {
        let Session { id, version } = Session::open(server, version).await;
        Self { id, version }
    }

    /// A request as this client's.
    fn with_session(&self, raw: Raw) -> Raw {
        raw.and("Mcp-Session-Id", self.id.clone()).and("MCP-Protocol-Version", self.version.clone())
    }

    fn post(&self, body: impl Into<Vec<u8>>) -> Raw {
        self.with_session(Raw::post(body))
    }
}

impl World {
    async fn open(server: &TestServer) -> Self {
        let ended = Session::open(server, "2025-11-25").await;
        assert_eq!(ended.end(server).await.status(), 204);
        Self {
            newest: Client::open(server, "2025-11-25").await,
            middle: Client::open(server, "2025-06-18").await,
            oldest: Client::open(server, "2025-03-26").await,
            ended: Client { id: ended.id, version: ended.version },
        }
    }
}

/// Runs a table against a server with every option at its default; in the end nothing runs and
/// no session is left but those that were opened.
async fn run_table(table: impl FnOnce(&World) -> Vec<case::Case>) {
    let server = TestServer::start().await;
    let world = World::open(&server).await;
    run(&server, &table(&world)).await;
    assert_eq!(server.service.calls_in_flight(), 0);
    assert_eq!(server.probe.dropped_now(), 0);
}

#[tokio::test]
async fn malformed_bodies_get_the_codes_of_json_rpc() {
    run_table(bodies::malformed).await;
}

#[tokio::test]
async fn unusual_messages_are_served() {
    run_table(bodies::unusual).await;
}

#[tokio::test]
async fn what_is_no_request_ends_its_connection_alone() {
    run_table(|_| framing::no_requests()).await;
}

#[tokio::test]
async fn a_body_whose_length_is_in_doubt_is_refused() {
    run_table(|_| framing::lengths()).await;
}

#[tokio::test]
async fn chunks_are_read_strictly() {
    run_table(|_| framing::chunks()).await;
}

#[tokio::test]
async fn odd_heads_are_served_or_refused_by_http() {
    run_table(framing::heads).await;
}

#[tokio::test]
async fn methods_are_refused_with_what_is_allowed() {
    run_table(heads::methods).await;
}

#[tokio::test]
async fn paths_are_the_endpoint_or_404_and_never_a_redirect() {
    run_table(|_| heads::paths()).await;
}

#[tokio::test]
async fn hosts_are_compared_as_parsed() {
    run_table(|_| heads::hosts()).await;
}

#[tokio::test]
async fn origins_are_compared_as_parsed() {
    run_table(|_| heads::origins()).await;
}

#[tokio::test]
async fn media_types_are_compared_as_parsed() {
    run_table(|_| heads::content_types()).await;
    run_table(heads::accepts).await;
}

#[tokio::test]
async fn sessions_are_named_once_and_rightly() {
    run_table(legacy::sessions).await;
}

#[tokio::test]
async fn legacy_versions_are_those_spoken_here() {
    run_table(legacy::versions).await;
}

#[tokio::test]
async fn legacy_calls_are_refused_in_their_answers() {
    run_table(legacy::calls).await;
}

#[tokio::test]
async fn initialize_opens_a_session_or_says_why_not() {
    run_table(legacy::initializations).await;
}

#[tokio::test]
async fn batches_are_judged_message_by_message_or_refused_whole() {
    run_table(legacy::batches).await;
}

#[tokio::test]
async fn whatever_a_get_resumes_from_it_is_a_stream() {
    run_table(legacy::resumptions).await;
}

#[tokio::test]
async fn modern_headers_say_what_the_body_says() {
    run_table(|_| modern::headers()).await;
}

#[tokio::test]
async fn mirrored_parameters_say_what_the_arguments_say() {
    run_table(|_| modern::params()).await;
}

#[tokio::test]
async fn modern_envelopes_are_whole() {
    run_table(|_| modern::envelopes()).await;
}

#[tokio::test]
async fn modern_calls_are_refused_by_their_page() {
    run_table(modern::calls).await;
}

/// A row is found by its name.
#[tokio::test]
async fn the_tables_are_long_and_no_row_stands_twice() {
    let server = TestServer::start().await;
    let world = World::open(&server).await;
    let tables = [
        bodies::malformed(&world),
        bodies::unusual(&world),
        framing::no_requests(),
        framing::lengths(),
        framing::chunks(),
        framing::heads(&world),
        heads::methods(&world),
        heads::paths(),
        heads::hosts(),
        heads::origins(),
        heads::content_types(),
        heads::accepts(&world),
        legacy::sessions(&world),
        legacy::versions(&world),
        legacy::calls(&world),
        legacy::initializations(&world),
        legacy::batches(&world),
        legacy::resumptions(&world),
        modern::headers(),
        modern::params(),
        modern::envelopes(),
        modern::calls(&world),
    ];
    let rows: usize = tables.iter().map(Vec::len).sum();
    assert!(rows > 600, "{rows} rows");
    for table in &tables {
        let mut names = std::collections::HashSet::new();
        let twice: Vec<_> =
            table.iter().map(|it| it.name()).filter(|it| !names.insert(*it)).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
