//! The MCP Streamable HTTP server transport on hyper.

mod http;
mod protocol;
mod server;
