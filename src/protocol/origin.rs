//! The allowlists for `Host` and `Origin` that DNS rebinding breaks against.
//!
//! A page of an attacker reaches a server on the victim's machine by a name that the attacker's
//! DNS resolves to 127.0.0.1. Two headers give it away, and the page can forge neither: `Host`
//! carries the attacker's name, `Origin` the attacker's site.
//!
//! What a peer sent is compared as parsed, never by prefix or substring, and whatever does not
//! parse as `host[:port]` or `scheme://host[:port]` is malformed.

use core::net::Ipv6Addr;

/// What an allowlist says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The value is on the list.
    Allowed,
    /// There is no value. A request without `Origin` comes from no page; a request without a
    /// host is broken (RFC 9112, section 3.2).
    Absent,
    /// The value is no host or no origin, or there are several.
    Malformed,
    /// The value is not on the list.
    NotAllowed,
}

/// An entry for an allowlist that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` {fault}")]
pub(crate) struct InvalidEntry {
    entry: String,
    fault: &'static str,
}

impl InvalidEntry {
    fn new(entry: &str, fault: &'static str) -> Self {
        Self { entry: entry.to_owned(), fault }
    }
}

/// The hosts by which this server may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostAllowlist {
    /// Every host: no protection against DNS rebinding.
    Any,
    /// These.
    List(Vec<HostEntry>),
}

/// A host that is allowed, on one port or on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostEntry {
    host: Host<Box<str>>,
    port: Option<u16>,
}

impl HostAllowlist {
    /// `localhost`, `127.0.0.1` and `[::1]`, on any port.
    pub(crate) fn loopback() -> Self {
        let entry = |host| HostEntry { host, port: None };
        Self::List(vec![
            entry(Host::Name("localhost".into())),
            entry(Host::Name("127.0.0.1".into())),
            entry(Host::V6(Ipv6Addr::LOCALHOST)),
        ])
    }

    #[cfg(test)]
    /// A list of exactly these entries, each as [`allow`](Self::allow) takes them.
    pub(crate) fn of<S: AsRef<str>>(
        entries: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidEntry> {
        let mut list = Self::List(Vec::new());
        entries.into_iter().try_for_each(|entry| list.allow(entry.as_ref()))?;
        Ok(list)
    }

    /// Adds `example.com` (on any port), `example.com:8443` (on that port alone), `[::1]:80`.
    ///
    /// # Errors
    ///
    /// The entry is no such thing. It is checked even where every host is allowed anyway.
    pub(crate) fn allow(&mut self, entry: &str) -> Result<(), InvalidEntry> {
        if entry.contains("://") {
            return Err(InvalidEntry::new(entry, "is a URL, and a host has no scheme"));
        }
        let Authority { host, port } =
            Authority::parse(entry).map_err(|fault| InvalidEntry::new(entry, fault))?;
        if let Self::List(list) = self {
            list.push(HostEntry { host: host.into_owned(), port });
        }
        Ok(())
    }

    /// Judges the host of a request: `target` is the authority of its URI (`:authority` over
    /// HTTP/2, or an absolute form), `hosts` the values of its `Host` lines.
    ///
    /// Where both are there, both must be allowed, since what stands behind may read either.
    /// Several `Host` lines are malformed on any list (RFC 9112, section 3.2: "A server MUST
    /// respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
    /// contains more than one Host header field line").
    pub(crate) fn check<V: AsRef<[u8]>>(
        &self,
        target: Option<&str>,
        hosts: impl IntoIterator<Item = V>,
    ) -> Verdict {
        let mut hosts = hosts.into_iter();
        let host = hosts.next();
        if hosts.next().is_some() {
            return Verdict::Malformed;
        }
        let Self::List(list) = self else { return Verdict::Allowed };
        match (target.map(|target| judge(list, target.as_bytes())), host) {
            (None | Some(Verdict::Allowed), Some(host)) => judge(list, host.as_ref()),
            (Some(verdict), _) => verdict,
            (None, None) => Verdict::Absent,
        }
    }
}

impl Default for HostAllowlist {
    fn default() -> Self {
        Self::loopback()
    }
}

fn judge(list: &[HostEntry], value: &[u8]) -> Verdict {
    // What clients send in fact is spelt as the list has it.
    if list.iter().any(|entry| entry.is_spelt(value)) {
        Verdict::Allowed
    } else {
        parsed(list, value)
    }
}

fn parsed(list: &[HostEntry], value: &[u8]) -> Verdict {
    let Ok(Ok(asked)) = str::from_utf8(value).map(Authority::parse) else {
        return Verdict::Malformed;
    };
    let allowed =
        list.iter().any(|entry| entry.host.is(&asked.host) && entry.allows_port(asked.port));
    if allowed { Verdict::Allowed } else { Verdict::NotAllowed }
}

impl HostEntry {
    /// Whether a value is this entry's own name, letter for letter, on a port that it allows. What
    /// is not may be allowed all the same.
    fn is_spelt(&self, value: &[u8]) -> bool {
        let Host::Name(name) = &self.host else { return false };
        let port = match value.strip_prefix(name.as_bytes()) {
            Some([]) => Ok(None),
            Some([b':', digits @ ..]) => parse_port(digits),
            _ => return false,
        };
        port.is_ok_and(|port| self.allows_port(port))
    }

    fn allows_port(&self, asked: Option<u16>) -> bool {
        match (self.port, asked) {
            (None, _) => true,
            (Some(port), Some(asked)) => port == asked,
            // A host without a port means the scheme's, and whether a proxy in front took the
            // request over TLS is not known here.
            (Some(port), None) => port == 80 || port == 443,
        }
    }
}

/// The sites whose pages may call this server.
///
/// 2026-07-28, Streamable HTTP, Security & Endpoint, 1: "Servers MUST validate the `Origin`
/// header on all incoming connections to prevent DNS rebinding attacks." (So do the legacy
/// revisions, Security Warning.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OriginAllowlist {
    /// Every site: no protection against DNS rebinding.
    Any,
    /// These.
    List(Vec<OriginEntry>),
}

/// An origin that is allowed, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OriginEntry {
    /// `null`: sandboxed frames, `file:` and `data:` pages.
    Null,
    /// `http` and `https` pages from this machine, on any port.
    Loopback,
    /// One site.
    Site(Site<Box<str>>),
}

impl OriginAllowlist {
    /// `http` and `https` pages of `localhost`, `127.0.0.1` and `[::1]`, on any port.
    pub(crate) fn loopback() -> Self {
        Self::List(vec![OriginEntry::Loopback])
    }

    /// A list of exactly these entries, each as [`allow`](Self::allow) takes them.
    #[cfg(test)]
    pub(crate) fn of<S: AsRef<str>>(
        entries: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidEntry> {
        let mut list = Self::List(Vec::new());
        entries.into_iter().try_for_each(|entry| list.allow(entry.as_ref()))?;
        Ok(list)
    }

    /// Adds `https://app.example.com`, `http://localhost:5173`, or `null`. Without a port it is
    /// the scheme's: `https://x` and `https://x:443` are the same.
    ///
    /// # Errors
    ///
    /// The entry is no such thing. It is checked even where every origin is allowed anyway.
    pub(crate) fn allow(&mut self, entry: &str) -> Result<(), InvalidEntry> {
        let parsed = match Origin::parse(entry).map_err(|fault| InvalidEntry::new(entry, fault))? {
            Origin::Null => OriginEntry::Null,
            Origin::Site(Site { scheme, host, port }) => OriginEntry::Site(Site {
                scheme: scheme.to_ascii_lowercase().into(),
                host: host.into_owned(),
                port,
            }),
        };
        if let Self::List(list) = self {
            list.push(parsed);
        }
        Ok(())
    }

    /// Judges the values of a request's `Origin` lines.
    pub(crate) fn check<V: AsRef<[u8]>>(&self, origins: impl IntoIterator<Item = V>) -> Verdict {
        let mut origins = origins.into_iter();
        let Some(origin) = origins.next() else { return Verdict::Absent };
        let Self::List(list) = self else { return Verdict::Allowed };
        if origins.next().is_some() {
            return Verdict::Malformed;
        }
        let Ok(Ok(asked)) = str::from_utf8(origin.as_ref()).map(Origin::parse) else {
            return Verdict::Malformed;
        };
        let allowed = list.iter().any(|entry| match (entry, &asked) {
            (OriginEntry::Null, Origin::Null) => true,
            (OriginEntry::Loopback, Origin::Site(site)) => site.is_loopback_page(),
            (OriginEntry::Site(entry), Origin::Site(site)) => entry.is(site),
            _ => false,
        });
        if allowed { Verdict::Allowed } else { Verdict::NotAllowed }
    }
}

impl Default for OriginAllowlist {
    fn default() -> Self {
        Self::loopback()
    }
}

/// The value of an `Origin` header (RFC 6454, section 7), though never a list of them: no
/// browser sends one.
enum Origin<'a> {
    Null,
    Site(Site<&'a str>),
}

impl<'a> Origin<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let (scheme, authority) =
            text.split_once("://").ok_or("is no origin of the form `scheme://host[:port]`")?;
        let tail_is_fine =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            || !scheme.bytes().all(tail_is_fine)
        {
            return Err("begins with no valid scheme");
        }
        if authority.contains(['/', '?', '#']) {
            return Err("has a path, and an origin ends after host and port");
        }
        let Authority { host, port } = Authority::parse(authority)?;
        let port = port.or_else(|| match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => Some(443),
            _ if scheme.eq_ignore_ascii_case("http") => Some(80),
            _ => None,
        });
        Ok(Self::Site(Site { scheme, host, port }))
    }
}

/// A scheme, a host and a port, which is there for `http` and `https`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site<S> {
    scheme: S,
    host: Host<S>,
    port: Option<u16>,
}

impl<S: AsRef<str>> Site<S> {
    fn is<T: AsRef<str>>(&self, other: &Site<T>) -> bool {
        self.scheme.as_ref().eq_ignore_ascii_case(other.scheme.as_ref())
            && self.host.is(&other.host)
            && self.port == other.port
    }

    fn is_loopback_page(&self) -> bool {
        let scheme = self.scheme.as_ref();
        let page = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        page && match &self.host {
            Host::V6(address) => address.is_loopback(),
            name => name.is(&Host::Name("localhost")) || name.is(&Host::Name("127.0.0.1")),
        }
    }
}

/// A host as parsed: names and IPv4 addresses by their text, whose case does not count, IPv6
/// addresses by their value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host<S> {
    Name(S),
    V6(Ipv6Addr),
}

impl<S: AsRef<str>> Host<S> {
    fn is<T: AsRef<str>>(&self, other: &Host<T>) -> bool {
        match (self, other) {
            (Self::Name(a), Host::Name(b)) => a.as_ref().eq_ignore_ascii_case(b.as_ref()),
            (Self::V6(a), Host::V6(b)) => a == b,
            _ => false,
        }
    }

    fn into_owned(self) -> Host<Box<str>> {
        match self {
            Self::Name(name) => Host::Name(name.as_ref().to_ascii_lowercase().into()),
            Self::V6(address) => Host::V6(address),
        }
    }
}

/// `host [":" port]` (RFC 9110, section 7.2).
struct Authority<'a> {
    host: Host<&'a str>,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
            let (address, rest) =
                bracketed.split_once(']').ok_or("has a bracket that is not closed")?;
            let address = address.parse().map_err(|_| "has no IPv6 address in its brackets")?;
            let port = match rest.strip_prefix(':') {
                Some(port) => port,
                None if rest.is_empty() => "",
                None => return Err("goes on after its bracket with something that is no port"),
            };
            (Host::V6(address), port)
        } else {
            let (name, port) = text.split_once(':').unwrap_or((text, ""));
            if port.contains(':') {
                return Err("has more than one colon; IPv6 addresses stand in brackets");
            }
            (Host::Name(host_name(name)?), port)
        };
        Ok(Self { host, port: parse_port(port.as_bytes())? })
    }
}

/// A name without the dot that may end it, which only says that it is complete. What names are
/// made of is narrower than a URI would have it: `%`, `@` and all that parsers disagree on is
/// out.
fn host_name(text: &str) -> Result<&str, &'static str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("has no host");
    }
    if name == "*" || name.starts_with("*.") {
        return Err("has a wildcard, and hosts are allowed one by one");
    }
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.bytes().all(valid) {
        return Err("has a host with characters other than letters, digits, `-`, `_` and `.` \
                    (international names are given in their `xn--` form)");
    }
    // RFC 1035, section 2.3.4.
    if name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err("has a host whose labels are empty or too long");
    }
    Ok(name)
}

/// A port of digits; an empty one is none (RFC 3986, section 3.2.3).
fn parse_port(digits: &[u8]) -> Result<Option<u16>, &'static str> {
    if digits.is_empty() {
        return Ok(None);
    }
    // `u16::from_str` would take a sign.
    let port = digits.iter().try_fold(0_u16, |port, byte| match byte {
        b'0'..=b'9' => port.checked_mul(10)?.checked_add(u16::from(byte - b'0')),
        _ => None,
    });
    port.map(Some).ok_or("has a port that is no number up to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_HOST: [&str; 0] = [];

    fn host(list: &HostAllowlist, value: &str) -> Verdict {
        list.check(None, [value])
    }

    fn origin(list: &OriginAllowlist, value: &str) -> Verdict {
        list.check([value])
    }

    #[test]
    fn loopback_hosts_are_allowed_by_default_on_any_port() {
        let list = HostAllowlist::default();
        for value in [
            "localhost",
            "LocalHost:8080",
            "localhost.",
            "localhost.:80",
            "localhost:",
            "127.0.0.1",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:3000",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert_eq!(host(&list, value), Verdict::Allowed, "{value}");
        }
        for value in
            ["example.com", "0.0.0.0", "127.1", "127.0.0.2", "[::]", "[::ffff:127.0.0.1]", "foo"]
        {
            assert_eq!(host(&list, value), Verdict::NotAllowed, "{value}");
        }
    }

    #[test]
    fn what_is_no_host_is_malformed() {
        let list = HostAllowlist::default();
        for value in [
            "",
            ":80",
            ".",
            "..",
            "localhost..",
            " localhost",
            "localhost:80:80",
            "localhost:+80",
            "localhost:65536",
            "localhost:http",
            "localhost/",
            "localhost,evil.com",
            "local host",
            "localhost\0",
            "%6cocalhost",
            "http://localhost",
            "[::1",
            "[::1]80",
            "[::1%25eth0]",
            "[localhost]",
            "::1",
            "*",
            "l\u{f6}calhost",
            "a..b",
            &"a".repeat(64),
            &["a"; 128].join("."),
        ] {
            assert_eq!(host(&list, value), Verdict::Malformed, "{value}");
        }
        assert_eq!(list.check(None, [b"localhost\xff"]), Verdict::Malformed);
    }

    #[test]
    fn names_at_the_limit_of_their_length_are_names() {
        let name = format!("{}.{}", ["a".repeat(63).as_str(); 3].join("."), "b".repeat(61));
        assert_eq!(name.len(), 253);
        assert_eq!(host(&HostAllowlist::of([&name]).unwrap(), &name), Verdict::Allowed);
        assert_eq!(host(&HostAllowlist::loopback(), &format!("{name}b")), Verdict::Malformed);
    }

    #[test]
    fn entries_name_a_host_on_any_port_or_on_one() {
        let entries = ["Example.COM", "api.example.com.:8443", "tls.example.com:443", "[::1]:80"];
        let list = HostAllowlist::of(entries).unwrap();
        for (value, verdict) in [
            ("example.com", Verdict::Allowed),
            ("EXAMPLE.com.:1", Verdict::Allowed),
            ("api.example.com:8443", Verdict::Allowed),
            ("api.example.com:08443", Verdict::Allowed),
            ("api.example.com:443", Verdict::NotAllowed),
            // Without a port it is 80 or 443, never 8443.
            ("api.example.com", Verdict::NotAllowed),
            ("tls.example.com", Verdict::Allowed),
            ("[::1]", Verdict::Allowed),
            ("[0::1]:80", Verdict::Allowed),
            ("[::1]:81", Verdict::NotAllowed),
            ("www.example.com", Verdict::NotAllowed),
            ("localhost", Verdict::NotAllowed),
        ] {
            assert_eq!(host(&list, value), verdict, "{value}");
        }
    }

    /// The comparison without parsing says nothing that parsing would not.
    #[test]
    fn a_host_that_is_spelt_as_its_entry_is_judged_as_if_it_were_parsed() {
        let names = ["localhost", "127.0.0.1", "a.b", "a.b.", "A.b", "a", "a.b.c", "[::1]", ""];
        let entries = ["localhost", "127.0.0.1", "a.b:80", "a.b:8443", "A.B.C.:443", "[::1]:1"];
        let lists = entries.map(|entry| match HostAllowlist::of([entry]) {
            Ok(HostAllowlist::List(list)) => list,
            other => panic!("{other:?}"),
        });
        let alphabet = [":", "0", "8", "443", "65535", ".", "+", "a", "\u{e9}"];
        for tail in 0..alphabet.len().pow(3) {
            let tail: String = (0..3)
                .map(|place| alphabet[tail / alphabet.len().pow(place) % alphabet.len()])
                .collect();
            // From every place in it, so that short ones are among them.
            for (name, at) in
                names.iter().flat_map(|name| (0..=tail.len()).map(move |at| (name, at)))
            {
                let Some(tail) = tail.get(at..) else { continue };
                let value = format!("{name}{tail}");
                for list in &lists {
                    let value = value.as_bytes();
                    assert_eq!(judge(list, value), parsed(list, value), "{name}{tail}");
                }
            }
        }
    }

    /// RFC 9113, section 8.3.1: HTTP/2 names the host in `:authority`.
    #[test]
    fn the_authority_of_the_target_counts_as_much_as_the_host_line() {
        let list = HostAllowlist::default();
        for (target, hosts, verdict) in [
            (Some("localhost:1"), &[][..], Verdict::Allowed),
            (Some("localhost"), &["127.0.0.1"], Verdict::Allowed),
            (Some("evil.com"), &[], Verdict::NotAllowed),
            (Some("evil.com"), &["localhost"], Verdict::NotAllowed),
            (Some("localhost"), &["evil.com"], Verdict::NotAllowed),
            (Some("evil@localhost"), &["localhost"], Verdict::Malformed),
            (None, &[], Verdict::Absent),
        ] {
            assert_eq!(list.check(target, hosts), verdict, "{target:?} {hosts:?}");
        }
    }

    #[test]
    fn several_host_lines_are_malformed_on_any_list() {
        for list in [HostAllowlist::Any, HostAllowlist::loopback()] {
            assert_eq!(list.check(None, ["localhost", "localhost"]), Verdict::Malformed);
            assert_eq!(list.check(Some("localhost"), ["localhost"; 2]), Verdict::Malformed);
        }
    }

    #[test]
    fn any_allows_any() {
        let mut hosts = HostAllowlist::Any;
        assert_eq!(hosts.check(None, ["evil.com"]), Verdict::Allowed);
        assert_eq!(hosts.check(None, NO_HOST), Verdict::Allowed);
        hosts.allow("example.com").unwrap();
        assert_eq!(hosts, HostAllowlist::Any);
        let mut origins = OriginAllowlist::Any;
        assert_eq!(origins.check(["https://evil.com"]), Verdict::Allowed);
        assert_eq!(origins.check(["null"]), Verdict::Allowed);
        origins.allow("null").unwrap();
        assert_eq!(origins, OriginAllowlist::Any);
    }

    #[test]
    fn loopback_pages_are_allowed_by_default_on_any_port() {
        let list = OriginAllowlist::default();
        for value in [
            "http://localhost",
            "http://localhost:5173",
            "https://localhost:8443",
            "HTTP://LOCALHOST",
            "http://127.0.0.1:6274",
            "http://[::1]:80",
            "https://localhost.",
        ] {
            assert_eq!(origin(&list, value), Verdict::Allowed, "{value}");
        }
        for value in ["https://example.com", "ftp://localhost", "chrome-extension://localhost"] {
            assert_eq!(origin(&list, value), Verdict::NotAllowed, "{value}");
        }
        assert_eq!(list.check(NO_HOST), Verdict::Absent);
    }

    #[test]
    fn what_is_no_origin_is_malformed() {
        let list = OriginAllowlist::default();
        for value in [
            "",
            "localhost",
            "//localhost",
            "http:localhost",
            "http://",
            "://localhost",
            "1http://localhost",
            "ht tp://localhost",
            "http://localhost/",
            "http://localhost?x",
            "http://localhost#x",
            "http://localhost:99999",
            "http://localhost http://evil.com",
            "http://localhost, http://evil.com",
            "NULL",
            "http://localhost\\@evil.com",
        ] {
            assert_eq!(origin(&list, value), Verdict::Malformed, "{value}");
        }
        assert_eq!(list.check(["http://localhost"; 2]), Verdict::Malformed);
        assert_eq!(list.check([b"http://\xff"]), Verdict::Malformed);
    }

    #[test]
    fn origins_are_the_same_if_scheme_host_and_port_are() {
        let list = OriginAllowlist::of([
            "https://App.Example.com",
            "http://dev.example.com:80",
            "https://dev.example.com:8443",
            "chrome-extension://abcdef",
        ])
        .unwrap();
        for (value, verdict) in [
            ("https://app.example.com", Verdict::Allowed),
            ("HTTPS://APP.example.com.:443", Verdict::Allowed),
            ("HTTPS://APP.example.com", Verdict::Allowed),
            ("https://app.example.com:8443", Verdict::NotAllowed),
            ("http://app.example.com", Verdict::NotAllowed),
            ("http://dev.example.com", Verdict::Allowed),
            ("https://dev.example.com:8443", Verdict::Allowed),
            ("https://dev.example.com", Verdict::NotAllowed),
            ("chrome-extension://abcdef", Verdict::Allowed),
            ("chrome-extension://abcdef:443", Verdict::NotAllowed),
            ("chrome-extension://abcdef:80", Verdict::NotAllowed),
            ("https://example.com", Verdict::NotAllowed),
            ("https://x.app.example.com", Verdict::NotAllowed),
            ("http://localhost", Verdict::NotAllowed),
        ] {
            assert_eq!(origin(&list, value), verdict, "{value}");
        }
    }

    #[test]
    fn null_is_refused_unless_listed() {
        assert_eq!(origin(&OriginAllowlist::default(), "null"), Verdict::NotAllowed);
        let list = OriginAllowlist::of(["null"]).unwrap();
        assert_eq!(origin(&list, "null"), Verdict::Allowed);
        assert_eq!(origin(&list, "http://localhost"), Verdict::NotAllowed);
    }

    #[test]
    fn an_invalid_entry_is_named_with_what_is_wrong() {
        for (entry, fault) in [
            ("https://example.com", "`https://example.com` is a URL, and a host has no scheme"),
            ("", "`` has no host"),
            ("*", "`*` has a wildcard, and hosts are allowed one by one"),
            ("*.example.com", "`*.example.com` has a wildcard, and hosts are allowed one by one"),
            ("::1", "`::1` has more than one colon; IPv6 addresses stand in brackets"),
            ("[::1", "`[::1` has a bracket that is not closed"),
            ("[x]", "`[x]` has no IPv6 address in its brackets"),
            ("a:x", "`a:x` has a port that is no number up to 65535"),
            ("a..b", "`a..b` has a host whose labels are empty or too long"),
        ] {
            assert_eq!(HostAllowlist::of([entry]).unwrap_err().to_string(), fault);
        }
        for (entry, fault) in [
            ("x.org", "`x.org` is no origin of the form `scheme://host[:port]`"),
            (
                "https://x.org/",
                "`https://x.org/` has a path, and an origin ends after host and port",
            ),
            ("-://x.org", "`-://x.org` begins with no valid scheme"),
            ("https://*", "`https://*` has a wildcard, and hosts are allowed one by one"),
        ] {
            assert_eq!(OriginAllowlist::of([entry]).unwrap_err().to_string(), fault);
        }
        assert!(HostAllowlist::Any.allow("a b").is_err());
        assert!(OriginAllowlist::Any.allow("a b").is_err());
    }

    /// Names that an attacker can register or write so that a comparison by prefix, suffix or
    /// substring, or another parser, takes them for this machine.
    const LOOKALIKES: [&str; 12] = [
        "evil.com",
        "localhost.evil.com",
        "127.0.0.1.evil.com",
        "127.0.0.1.nip.io",
        "evil.com#localhost",
        "evil.com?localhost",
        "evil.com/localhost",
        "localhost@evil.com",
        "evil.com@localhost",
        "localhost:80@evil.com",
        "evil-localhost",
        "xlocalhost",
    ];

    #[test]
    fn cve_2025_66414_a_rebound_host_is_refused_by_default() {
        let list = HostAllowlist::default();
        for name in LOOKALIKES {
            for value in [name.to_owned(), format!("{name}:3000"), format!("{name}.")] {
                assert_ne!(host(&list, &value), Verdict::Allowed, "{value}");
            }
        }
    }

    #[test]
    fn cve_2025_66416_a_foreign_origin_is_refused_by_default() {
        let list = OriginAllowlist::default();
        for name in LOOKALIKES {
            for scheme in ["http", "https"] {
                let value = format!("{scheme}://{name}");
                assert_ne!(origin(&list, &value), Verdict::Allowed, "{value}");
            }
        }
        assert_ne!(origin(&list, "null"), Verdict::Allowed);
    }

    #[test]
    fn cve_2026_34742_a_second_host_line_hides_nothing() {
        let list = HostAllowlist::default();
        for hosts in [["localhost", "evil.com"], ["evil.com", "localhost"]] {
            assert_eq!(list.check(None, hosts), Verdict::Malformed);
        }
        assert_eq!(host(&list, "localhost, evil.com"), Verdict::Malformed);
    }

    #[test]
    fn cve_2026_35568_a_second_origin_hides_nothing() {
        let list = OriginAllowlist::default();
        for origins in
            [["http://localhost", "https://evil.com"], ["https://evil.com", "http://localhost"]]
        {
            assert_eq!(list.check(origins), Verdict::Malformed);
        }
        assert_eq!(origin(&list, "http://localhost https://evil.com"), Verdict::Malformed);
    }

    #[test]
    fn cve_2026_42559_lists_of_ones_own_refuse_lookalikes_too() {
        let hosts = HostAllowlist::of(["mcp.example.com"]).unwrap();
        let origins = OriginAllowlist::of(["https://mcp.example.com"]).unwrap();
        for name in [
            "mcp.example.com.evil.com",
            "evilmcp.example.com",
            "mcp.example.com@evil.com",
            "evil.com#mcp.example.com",
            "mcp-example.com",
            "mcp.example.co",
        ] {
            assert_ne!(host(&hosts, name), Verdict::Allowed, "{name}");
            assert_ne!(origin(&origins, &format!("https://{name}")), Verdict::Allowed, "{name}");
        }
        // A rebound name with the right port, and an allowed name by another scheme.
        assert_eq!(host(&hosts, "evil.com:443"), Verdict::NotAllowed);
        assert_eq!(origin(&origins, "http://mcp.example.com"), Verdict::NotAllowed);
    }
}
