//! The operations of the crate one by one, without sockets.
//!
//! The binary `instructions` counts their instructions under callgrind and compares them with
//! `instructions.toml`; the benchmark `micro` times the same operations with criterion.
//!
//! The pure core is private to the crate. It needs nothing of the rest, so its source is mounted
//! here once more.

#[path = "../../../src/protocol/mod.rs"]
#[allow(dead_code, unused_imports, unfulfilled_lint_expectations, rustdoc::all)]
mod protocol;

pub mod operations;
