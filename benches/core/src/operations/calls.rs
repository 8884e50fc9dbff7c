//! Calls, from the request's head to the last byte of the response's body.
//!
//! What building the request takes is in the count, the same for all of them; `the request alone`
//! says how much that is.

use std::hint::black_box;

use super::wire::{BOTH, Era, SSE, Subject, call, call_headers, post};
use super::{Operation, operation};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation("the request alone, legacy", 1_000, || {
            let body = call(Era::Legacy, "test_simple_text", "{}");
            let id = "x".repeat(22);
            Box::new(move || {
                let headers = call_headers(Era::Legacy, "test_simple_text", &id);
                black_box(post(&headers, BOTH, body.clone()));
            })
        }),
        operation("the request alone, modern", 1_000, || {
            let body = call(Era::Modern, "test_simple_text", "{}");
            Box::new(move || {
                let headers = call_headers(Era::Modern, "test_simple_text", "");
                black_box(post(&headers, BOTH, body.clone()));
            })
        }),
        operation("tools/call, legacy, JSON", 1_000, || {
            calls(Era::Legacy, BOTH, "test_simple_text", "{}")
        }),
        operation("tools/call, modern, JSON", 1_000, || {
            calls(Era::Modern, BOTH, "test_simple_text", "{}")
        }),
        operation("tools/call, legacy, SSE", 1_000, || {
            calls(Era::Legacy, SSE, "test_simple_text", "{}")
        }),
        operation("tools/call, modern, SSE", 1_000, || {
            calls(Era::Modern, SSE, "test_simple_text", "{}")
        }),
        operation("tools/call, legacy, 64 KiB of arguments", 100, || {
            calls(Era::Legacy, BOTH, "test_simple_text", &long())
        }),
        operation("tools/call, modern, 64 KiB of arguments", 100, || {
            calls(Era::Modern, BOTH, "test_simple_text", &long())
        }),
        operation("tools/call, legacy, 64 KiB of result", 100, || {
            calls(Era::Legacy, BOTH, "bytes", "{}")
        }),
        operation("tools/call, modern, 64 KiB of result", 100, || {
            calls(Era::Modern, BOTH, "bytes", "{}")
        }),
        operation("tools/call, legacy, 10 progress", 200, || {
            calls(Era::Legacy, BOTH, "progress", "{}")
        }),
        operation("tools/call, modern, 10 progress", 200, || {
            calls(Era::Modern, BOTH, "progress", "{}")
        }),
    ]
}

fn long() -> String {
    format!(r#"{{"data":"{}"}}"#, "x".repeat(64 * 1024))
}

fn calls(era: Era, accept: &'static str, tool: &'static str, arguments: &str) -> Box<dyn FnMut()> {
    let subject = Subject::new();
    let id = subject.open();
    let body = call(era, tool, arguments);
    Box::new(move || {
        let headers = call_headers(era, tool, &id);
        let answer = subject.answer(post(&headers, accept, body.clone()));
        assert!(answer.len() > 100, "it has a result");
    })
}
