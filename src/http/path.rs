//! Which paths are the endpoint.

/// The endpoint's path as segments: `/mcp` is `["mcp"]`.
///
/// A router, a load balancer or a rewrite in front leaves its traces on a path: a prefix that was
/// or was not stripped, a trailing slash, a doubled one (FACTS, Platforms: "A prefix rewrite can
/// produce `//mcp`"). All of them are the endpoint, and none is answered with a redirect, which
/// clients do not follow with their headers.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    segments: Vec<Box<str>>,
}

impl Endpoint {
    pub(crate) fn new(path: &str) -> Self {
        Self { segments: segments(path).map(Box::from).collect() }
    }

    /// The path itself, with single slashes.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.segments.join("/"))
    }

    /// Whether a request's path is the endpoint, under whatever prefix, or nothing at all is left
    /// of it, as when a router has stripped what it matched.
    pub(crate) fn matches(&self, path: &str) -> bool {
        // The common case, without a walk.
        let only = |segment: &str| matches!(&*self.segments, [only] if segment == &**only);
        if path.strip_prefix('/').is_some_and(only) {
            return true;
        }
        // Well-known URIs (RFC 8615) speak about an endpoint; they are none.
        if segments(path).any(|segment| segment == ".well-known") {
            return false;
        }
        let mut rest = segments(path).rev().peekable();
        if rest.peek().is_none() || self.segments.is_empty() {
            return rest.peek().is_none();
        }
        self.segments.iter().rev().all(|own| rest.next() == Some(own))
    }
}

fn segments(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_prefixes_do_not_matter() {
        let endpoint = Endpoint::new("/mcp");
        for path in
            ["/mcp", "/mcp/", "//mcp", "//mcp//", "/api/v1/mcp", "/api//mcp/", "/", "", "//"]
        {
            assert!(endpoint.matches(path), "{path}");
        }
        for path in ["/mc", "/mcpx", "/mcp/x", "/MCP", "/health", "/favicon.ico"] {
            assert!(!endpoint.matches(path), "{path}");
        }
    }

    #[test]
    fn what_is_said_about_the_endpoint_is_not_the_endpoint() {
        let endpoint = Endpoint::new("/mcp");
        assert!(!endpoint.matches("/.well-known/oauth-protected-resource"));
        assert!(!endpoint.matches("/.well-known/oauth-protected-resource/mcp"));
    }

    #[test]
    fn the_root_as_endpoint_is_the_root_alone() {
        let endpoint = Endpoint::new("/");
        assert!(endpoint.matches("/") && endpoint.matches(""));
        assert!(!endpoint.matches("/mcp"));
    }

    #[test]
    fn a_longer_endpoint_is_matched_from_its_end() {
        let endpoint = Endpoint::new("/tools/mcp");
        assert!(endpoint.matches("/tools/mcp/") && endpoint.matches("/x/tools/mcp"));
        assert!(!endpoint.matches("/mcp") && !endpoint.matches("/other/mcp"));
    }
}
