//! The head of a request: its line and headers, and what the protocol reads in them.

use core::net::IpAddr;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Method, Uri};

use super::client_addr::{TrustedHops, client_addr};

/// The head of an HTTP request: what is known of it before its body is read.
///
/// [`admit`](crate::McpServiceBuilder::admit) decides on it, and a handler finds it again through
/// [`Context`](crate::Context). It is made from the parts of a request, for the tests of one's own
/// `admit`:
///
/// ```
/// use mcp_http::Head;
///
/// let request = http::Request::post("/mcp").header("authorization", "Bearer abc").body(())?;
/// let head = Head::from(request.into_parts().0);
/// assert_eq!(head.uri().path(), "/mcp");
/// assert_eq!(head.headers()["authorization"], "Bearer abc");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    extensions: Left,
    trusted_hops: TrustedHops,
}

/// What the layers in front left.
#[derive(Debug)]
enum Left {
    /// For this request.
    Request(Extensions),
    /// For all requests of its connection, and nothing for this one.
    Connection(Arc<Extensions>),
}

impl Default for Left {
    fn default() -> Self {
        Self::Request(Extensions::default())
    }
}

impl Head {
    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The request's target, as the router in front left it.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers. Over HTTP/2 there is no `Host`: it is the [`uri`](Self::uri)'s authority.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What the layers in front left for those behind: [`PeerAddr`](crate::PeerAddr), for one.
    pub fn extensions(&self) -> &Extensions {
        match &self.extensions {
            Left::Request(extensions) => extensions,
            Left::Connection(extensions) => extensions,
        }
    }

    /// The client's address: what the proxies that
    /// [`trusted_hops`](crate::McpServiceBuilder::trusted_hops) declares say of it, else the
    /// [`PeerAddr`](crate::PeerAddr)'s. `None` where nothing told either.
    ///
    /// It is read when it is asked for. IPv4 within IPv6 is given as IPv4.
    pub fn client_addr(&self) -> Option<IpAddr> {
        client_addr(&self.headers, self.extensions(), self.trusted_hops)
    }

    /// The head of a request that came by way of this many proxies, and by a connection of which
    /// this is known.
    pub(crate) fn behind(
        trusted_hops: TrustedHops,
        connection: Option<&Arc<Extensions>>,
        parts: http::request::Parts,
    ) -> Self {
        let http::request::Parts { method, uri, mut headers, extensions, .. } = parts;
        // Whoever prints the headers must not print these.
        for (name, value) in &mut headers {
            if is_secret(name) {
                value.set_sensitive(true);
            }
        }
        let extensions = Left::of(extensions, connection);
        Self { method, uri, headers, extensions, trusted_hops }
    }
}

impl Left {
    fn of(mut request: Extensions, connection: Option<&Arc<Extensions>>) -> Self {
        match connection {
            Some(connection) if request.is_empty() => Self::Connection(Arc::clone(connection)),
            Some(connection) => {
                request.extend(Extensions::clone(connection));
                Self::Request(request)
            }
            None => Self::Request(request),
        }
    }
}

impl From<http::request::Parts> for Head {
    fn from(parts: http::request::Parts) -> Self {
        Self::behind(TrustedHops::default(), None, parts)
    }
}

// Not constants: each use of one would make a name, and drop it.
pub(crate) static SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) static VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The method of a modern request.
pub(crate) static METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// What that method is applied to: a tool, a prompt, a resource.
pub(crate) static NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Whether its values are credentials, or as good as such.
fn is_secret(name: &HeaderName) -> bool {
    // As text, so that most are told by their length.
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "mcp-session-id")
}

/// A header that may stand once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Absent,
    Once(&'a str),
    /// It stands more than once, or its value is not visible ASCII: whichever value one took,
    /// something in front may have taken another.
    Bad,
}

impl<'a> Field<'a> {
    pub(crate) fn of(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        let mut values = headers.get_all(name).iter();
        match (values.next().map(HeaderValue::to_str), values.next()) {
            (None, _) => Self::Absent,
            (Some(Ok(value)), None) => Self::Once(value),
            _ => Self::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_connection_is_known_of_its_requests_beside_what_is_theirs() {
        let mut connection = Extensions::new();
        connection.insert("of all");
        let connection = Arc::new(connection);
        let (plain, ()) = http::Request::new(()).into_parts();
        let on_it = |parts| Head::behind(TrustedHops::default(), Some(&connection), parts);
        let plain = on_it(plain);
        assert_eq!(plain.extensions().get(), Some(&"of all"));

        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.extensions.insert(7_u8);
        let own = on_it(parts);
        assert_eq!(
            (own.extensions().get(), own.extensions().get()),
            (Some(&"of all"), Some(&7_u8))
        );
        assert_eq!(plain.extensions().get::<u8>(), None, "it is nobody else's");
    }

    /// DESIGN, decision 16: session ids never appear in logs; nor do credentials.
    #[test]
    fn printing_a_head_shows_no_session_id_and_no_credential() {
        let mut request = http::Request::new(());
        for name in ["mcp-session-id", "authorization", "proxy-authorization", "cookie"] {
            request.headers_mut().append(name, HeaderValue::from_static("s3cret"));
        }
        request.headers_mut().append("accept", HeaderValue::from_static("shown"));
        let shown = format!("{:?}", Head::from(request.into_parts().0));
        assert!(!shown.contains("s3cret") && shown.contains("shown"), "{shown}");
    }

    #[test]
    fn a_head_is_all_of_the_requests_but_its_body() {
        let request = http::Request::post("/mcp?x").header("a", "b").extension(7_u8);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = Head::from(parts);
        assert_eq!((head.method(), head.uri()), (&Method::POST, &Uri::from_static("/mcp?x")));
        assert_eq!(head.headers()["a"], "b");
        assert_eq!(head.extensions().get(), Some(&7_u8));
    }

    #[test]
    fn a_header_that_may_stand_once_is_bad_if_it_stands_twice() {
        let mut headers = HeaderMap::new();
        assert_eq!(Field::of(&headers, &SESSION_ID), Field::Absent);
        headers.insert(&SESSION_ID, HeaderValue::from_static("a"));
        assert_eq!(Field::of(&headers, &SESSION_ID), Field::Once("a"));
        headers.append(&SESSION_ID, HeaderValue::from_static("a"));
        assert_eq!(Field::of(&headers, &SESSION_ID), Field::Bad);
        headers.insert(&SESSION_ID, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(Field::of(&headers, &SESSION_ID), Field::Bad);
    }
}
