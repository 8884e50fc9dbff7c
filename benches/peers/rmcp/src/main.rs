//! rmcp, the official Rust SDK, configured to be as quick and as small as it can be.
//!
//! `peer-rmcp ADDRESS [sessions|stateless]`; it prints the address that it listens on, and serves
//! until its standard input ends. 2026-07-28 is answered as JSON in either mode; the revisions
//! before it in a session as SSE (rmcp has nothing else there), or without sessions as JSON.

use std::{convert::Infallible, sync::Arc};

use anyhow::{Context as _, bail};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService,
        session::local::{LocalSessionManager, SessionConfig},
    },
};
use tokio::{io::AsyncReadExt, net::TcpListener};

/// What `test_simple_text` answers in the official conformance suite.
const TEXT: &str = "This is a simple text response for testing.";

/// The server's tools. rmcp makes one for each session, and for each request without one.
#[derive(Clone)]
struct Peer {
    tools: Arc<[Tool; 2]>,
}

impl Peer {
    fn new() -> Self {
        let object = |schema: serde_json::Value| schema.as_object().cloned().unwrap_or_default();
        let none = object(serde_json::json!({ "type": "object" }));
        let bytes: JsonObject = object(serde_json::json!({
            "type": "object",
            "properties": { "bytes": { "type": "integer", "minimum": 0 } },
            "required": ["bytes"],
        }));
        Self {
            tools: Arc::new([
                Tool::new("test_simple_text", "A constant text", none),
                Tool::new("text", "A text of so many bytes", bytes),
            ]),
        }
    }
}

// Written by hand: the macro's router boxes each call.
impl ServerHandler for Peer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = match request.name.as_ref() {
            "test_simple_text" => TEXT.to_owned(),
            "text" => {
                match request.arguments.as_ref().and_then(|given| given.get("bytes")?.as_u64()) {
                    Some(bytes) => "x".repeat(usize::try_from(bytes).unwrap_or(0)),
                    None => return Err(ErrorData::invalid_params("bytes is a number", None)),
                }
            }
            _ => return Err(ErrorData::invalid_params("no such tool", None)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// The service: what costs and can be left out is left out, the checks of Host stay as they are.
fn service(sessions: bool) -> StreamableHttpService<Peer, LocalSessionManager> {
    let mut manager = LocalSessionManager::default();
    let mut session = SessionConfig::default();
    // No priming event: one event less a call.
    session.sse_retry = None;
    // Nothing kept of calls that are over. With the default of 60 s each message walks all the
    // calls of its session's last minute.
    session.completed_cache_ttl = std::time::Duration::ZERO;
    manager.session_config = session;
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(sessions)
        .with_json_response(true)
        .with_sse_retry(None)
        // No timer a stream.
        .with_sse_keep_alive(None);
    let peer = Peer::new();
    StreamableHttpService::new(move || Ok(peer.clone()), Arc::new(manager), config)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("no address")?;
    let service = match arguments.next().as_deref() {
        None | Some("sessions") => service(true),
        Some("stateless") => service(false),
        Some(other) => bail!("{other} is no mode: sessions or stateless"),
    };
    let service = Arc::new(service);
    let listener = TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            // Without it each SSE answer waits 40 ms for the client's delayed acknowledgement.
            if stream.set_nodelay(true).is_err() {
                continue;
            }
            let service = Arc::clone(&service);
            // By reference: rmcp's own tower service clones all of its configuration a request.
            let answer = service_fn(move |request: Request<Incoming>| {
                let service = Arc::clone(&service);
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            tokio::spawn(async move {
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    Ok(())
}
