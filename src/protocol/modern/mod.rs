//! The modern era, 2026-07-28: stateless requests that carry their own metadata.

pub(crate) mod headers;
pub(crate) mod mismatch;
pub(crate) mod params;
pub(crate) mod sentinel;
