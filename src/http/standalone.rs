//! Whether a legacy client's GET opens a standalone stream.

use crate::protocol::change::ChangeSet;

/// Whether the standalone stream is served: what a legacy client opens with GET to be told what
/// belongs to no call of its own.
///
/// An open stream costs a connection, and where requests are billed by their duration it costs
/// money, while nothing is said on it but that something has changed. A client that is refused
/// with 405 goes on without it.
///
/// It concerns no other GET: with the `Last-Event-ID` of a call's stream a client resumes that
/// stream in every mode.
///
/// ```
/// use mcp_http::{McpService, Server, StandaloneStream};
///
/// let server = Server::builder("weather", "1.0.0").build()?;
/// let service = McpService::builder(server)
///     .standalone_stream(StandaloneStream::Serve) // for a client that takes no 405
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// Source: 2025-11-25, Transports, Listening for Messages from the Server, 3: "The server MUST
/// either return `Content-Type: text/event-stream` in response to this HTTP GET, or else return
/// HTTP 405 Method Not Allowed".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StandaloneStream {
    /// If the server may ever have something to say on it: if it was given a
    /// [`Changes`](crate::Changes) and has what can change. The default.
    #[default]
    Auto,
    /// Always.
    Serve,
    /// Never: 405. To sessions no change is then announced, nor declared to be.
    Refuse,
}

impl StandaloneStream {
    /// Whether it is served by a server that can announce these changes.
    pub(crate) fn is_served(self, announced: ChangeSet) -> bool {
        match self {
            Self::Auto => !announced.is_empty(),
            Self::Serve => true,
            Self::Refuse => false,
        }
    }
}
