//! The integration tests: one binary, real sockets, the public API alone.

#![expect(unreachable_pub, reason = "what the modules share is for this crate alone")]

mod adapter;
mod coverage;
#[cfg(all(unix, feature = "schemars", feature = "cloud-logging"))]
mod deploy;
#[cfg(all(unix, feature = "schemars"))]
mod examples;
mod hostile;
mod layering;
mod legacy;
mod modern;
#[cfg(feature = "cloud-logging")]
mod observe;
mod parked;
#[cfg(all(unix, feature = "schemars"))]
mod readme;
mod rules;
mod schema;
mod support;
#[cfg(feature = "validation")]
mod validation;
