//! Load and fault tests of `mcp-http` over real sockets: the server in one process, what drives
//! it in another.
//!
//! - `bin/subject.rs` is the server under test, with a knob for each option;
//! - [`Subject`] starts it, asks it for its figures and stops it;
//! - [`Wire`] is one connection, byte by byte; [`Session`] and [`modern`](client::modern) are what
//!   clients put on it;
//! - [`scenarios::ALL`] is the table of what is tested, one file each; `bin/drive.rs` runs it.

pub mod client;
pub mod limits;
pub mod proxy;
pub mod random;
pub mod report;
pub mod scenarios;
pub mod sse;
pub mod subject;
pub mod wire;

pub use client::{Answer, Revision, Session, Target};
pub use report::{Run, Scale};
pub use subject::{Heap, Subject};
pub use wire::{Head, Wire, WireError};
