//! Bodies to the scanner, which is the crate's own: what it takes is JSON, and what serde_json reads
//! whole it takes.

#![no_main]

// The pure core is private to the crate. It needs nothing of the rest, so its source is mounted here.
#[path = "../../src/protocol/mod.rs"]
#[allow(dead_code, unused_imports, unfulfilled_lint_expectations)]
mod protocol;

use libfuzzer_sys::fuzz_target;
use protocol::jsonrpc::{ErrorCode, ParseLimits, parse};
use serde::de::IgnoredAny;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let parsed = parse(body, ParseLimits::default());
    let is_json = !matches!(&parsed, Err(invalid) if invalid.code == ErrorCode::ParseError);
    if is_json {
        let skipped = serde_json::from_slice::<IgnoredAny>(body);
        assert!(skipped.is_ok(), "it was taken, and is no JSON: {skipped:?}");
    } else {
        // A value's own limit of depth is that of a body, less one.
        assert!(serde_json::from_slice::<Value>(body).is_err(), "it is JSON, and was not taken");
    }
});
