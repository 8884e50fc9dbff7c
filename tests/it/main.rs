//! The integration tests: one binary, real sockets, the public API alone.

mod adapter;
mod hostile;
mod layering;
mod modern;
mod schema;
mod support;
