//! Cross-origin requests of pages whose origin is allowed (the Fetch standard, CORS protocol).

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The headers that a page may send: those of the protocol, and those that carry a credential.
const ALLOWED: &str = "accept, authorization, content-type, last-event-id, mcp-method, mcp-name, \
                       mcp-protocol-version, mcp-session-id";

/// The response headers that a page may read.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("Mcp-Session-Id, WWW-Authenticate, Retry-After");

/// What the response depends on.
const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// Lets the page of an allowed origin read the response.
pub(crate) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, ORIGIN);
}

/// The headers of the answer to a preflight.
pub(crate) fn preflight(request: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("POST, GET, DELETE, OPTIONS"),
    );
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(request));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    headers
}

/// The protocol's headers, and those of `Mcp-Param-*` that the page asks for: their names are the
/// tools' own, and a wildcard would leave out `Authorization`.
fn allowed_headers(request: &HeaderMap) -> HeaderValue {
    let asked = request.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let params = asked
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse::<HeaderName>().ok())
        .filter(|name| name.as_str().starts_with("mcp-param-"));
    let mut allowed = ALLOWED.to_owned();
    for name in params {
        allowed.push_str(", ");
        allowed.push_str(name.as_str());
    }
    HeaderValue::try_from(allowed).expect("header names are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_allows_the_protocols_headers_and_the_params_asked_for() {
        let mut request = HeaderMap::new();
        request.insert(
            header::ACCESS_CONTROL_REQUEST_HEADERS,
            HeaderValue::from_static(
                "content-type, Mcp-Param-Region,x-evil, bad name, mcp-param-b",
            ),
        );
        let headers = preflight(&request);
        let allowed = headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        assert!(allowed.starts_with(ALLOWED));
        assert!(allowed.ends_with(", mcp-param-region, mcp-param-b"), "{allowed}");
        assert!(!allowed.contains("x-evil"));
    }

    #[test]
    fn an_allowed_page_may_read_the_session_id() {
        let mut headers = HeaderMap::new();
        allow(&mut headers, HeaderValue::from_static("https://a.example"));
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(headers[header::VARY], "Origin");
        let exposed = headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
        assert!(exposed.contains("Mcp-Session-Id"));
    }
}
