//! Operations among many sessions: none may cost more for the sessions that it has nothing to do
//! with.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::task::noop_waker;
use http_body::Body;
use mcp_http::ResponseBody;

use super::wire::{BOTH, Era, Subject, call, call_headers, post};
use super::{Operation, operation};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation("call among sessions @100", 1_000, || call_among(100)),
        operation("call among sessions @10000", 1_000, || call_among(10_000)),
        operation("open and delete among sessions @100", 500, || open_among(100)),
        operation("open and delete among sessions @10000", 500, || open_among(10_000)),
        operation("listen and leave among sessions @100", 500, || listen_among(100)),
        operation("listen and leave among sessions @10000", 500, || listen_among(10_000)),
        operation("change told, a stream @100", 2, || fan_out(100)),
        operation("change told, a stream @10000", 2, || fan_out(10_000)),
    ]
}

fn among(sessions: usize) -> (Subject, Vec<String>) {
    let subject = Subject::new();
    let ids = (0..sessions).map(|_| subject.open()).collect();
    (subject, ids)
}

fn call_among(sessions: usize) -> Box<dyn FnMut()> {
    let (subject, ids) = among(sessions);
    let body = call(Era::Legacy, "test_simple_text", "{}");
    let mut turns = ids.into_iter().cycle();
    Box::new(move || {
        let id = turns.next().expect("there are sessions");
        let headers = call_headers(Era::Legacy, "test_simple_text", &id);
        let answer = subject.answer(post(&headers, BOTH, body.clone()));
        assert!(answer.len() > 100, "it has a result");
    })
}

fn open_among(sessions: usize) -> Box<dyn FnMut()> {
    let (subject, _) = among(sessions);
    Box::new(move || {
        let id = subject.open();
        subject.delete(&id);
    })
}

fn listen_among(sessions: usize) -> Box<dyn FnMut()> {
    let (subject, ids) = among(sessions);
    let mut turns = ids.into_iter().cycle();
    Box::new(move || {
        let mut stream = subject.listen(&turns.next().expect("there are sessions"));
        read(&mut stream);
    })
}

/// One change, told on all streams and read from them. Its cost is for one of the streams: the
/// count is divided by their number, which stands behind the `@`.
fn fan_out(sessions: usize) -> Box<dyn FnMut()> {
    let (subject, ids) = among(sessions);
    let mut streams: Vec<_> = ids.iter().map(|id| subject.listen(id)).collect();
    streams.iter_mut().for_each(|stream| {
        read(stream);
    });
    Box::new(move || {
        subject.changes.tools_changed();
        for stream in &mut streams {
            assert!(read(stream) > 0, "each stream is told");
        }
    })
}

/// Reads what there is, and returns how much.
fn read(stream: &mut Pin<Box<ResponseBody>>) -> usize {
    let (waker, mut bytes) = (noop_waker(), 0);
    let mut cx = Context::from_waker(&waker);
    while let Poll::Ready(frame) = stream.as_mut().poll_frame(&mut cx) {
        let Some(Ok(frame)) = frame else { panic!("the stream is over") };
        bytes += frame.data_ref().map_or(0, |data| data.len());
    }
    bytes
}
