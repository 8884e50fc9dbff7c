//! What the tests share: a client of bytes, the messages it sends, and a server to test.

pub mod h2;
pub mod messages;
pub mod server;
pub mod wire;
