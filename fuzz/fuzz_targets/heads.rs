//! Any method, target and headers, with a body behind them.
//!
//! An input is the text of a request: its first line, header lines, an empty line, a body. Bytes
//! that no HTTP parser would let through are left out. `$SESSION` in a value is the id of a
//! session, so that what lies behind the door is reached.

#![no_main]

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;
use mcp_http_fuzz::World;

fuzz_target!(|input: &[u8]| {
    let world = World::new();
    let Some(request) = parse(input, &world) else { return };
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let answer = world.send(request);
    if answer.status.is_success() {
        assert_allowed(&uri, &headers);
    }
    if !headers.contains_key("origin") {
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    world.assert_serves();
});

/// A caller that is served was named a host that is allowed, and came from no page or from one
/// that is allowed: what DNS rebinding cannot forge.
fn assert_allowed(uri: &Uri, headers: &HeaderMap) {
    let hosts: Vec<&[u8]> = headers.get_all("host").iter().map(HeaderValue::as_bytes).collect();
    assert!(hosts.len() <= 1, "two Hosts");
    let target = uri.authority().map(|authority| authority.as_str().as_bytes());
    let mut named = hosts.into_iter().chain(target).peekable();
    assert!(named.peek().is_some(), "no host");
    assert!(named.all(is_loopback), "a host that is not allowed");
    for origin in headers.get_all("origin") {
        let origin = origin.as_bytes().to_ascii_lowercase();
        let site = [&b"http://"[..], b"https://"].iter().find_map(|it| origin.strip_prefix(*it));
        assert!(site.is_some_and(is_loopback), "an origin that is not allowed");
    }
}

/// Written apart from the crate's own parser, and simpler: `localhost`, `127.0.0.1` or `[::1]` in
/// some spelling, then perhaps a port.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let colon = host.rfind(':').filter(|at| host[at + 1..].bytes().all(|it| it.is_ascii_digit()));
    let name = match (host.ends_with(']'), colon) {
        (false, Some(at)) => &host[..at],
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    let v6 = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match v6 {
        Some(address) => address.parse() == Ok(std::net::Ipv6Addr::LOCALHOST),
        None => matches!(name.strip_suffix('.').unwrap_or(&name), "localhost" | "127.0.0.1"),
    }
}

fn parse(input: &[u8], world: &World) -> Option<Request<Bytes>> {
    let (head, body) = match input.windows(2).position(|window| window == b"\n\n") {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, &b""[..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut words = lines.next()?.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(words.next()?).ok()?;
    let uri = Uri::try_from(words.next()?).ok()?;
    let mut request = Request::new(Bytes::copy_from_slice(body));
    let mut session = None;
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let value = if value == b"$SESSION" {
            let id = session.get_or_insert_with(|| world.open_session("2025-11-25"));
            HeaderValue::from_str(id)
        } else {
            HeaderValue::from_bytes(value).or(HeaderValue::from_str(""))
        };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            request.headers_mut().append(name, value);
        }
    }
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    Some(request)
}
