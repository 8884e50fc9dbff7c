//! What the tests share: a client of bytes, the messages it sends, and a server to test.

pub mod h2;
pub mod messages;
#[cfg(all(unix, feature = "schemars"))]
pub mod process;
pub mod prompts;
pub mod resources;
pub mod schema;
pub mod server;
mod tee;
pub mod wire;
