//! Where a request comes from: the connection's peer, or what proxies that are trusted say of it.
//!
//! Anyone can send an `X-Forwarded-For`; a proxy appends to what it was sent. So only the entries
//! at its right end are worth anything, as many as there are proxies of one's own, and of these
//! the leftmost is the client.

use core::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName};

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request's connection comes from, in the extensions of every request that
/// [`serve()`](crate::serve()) receives.
///
/// Behind a load balancer this is the balancer's, and
/// [`Context::client_addr`](crate::Context::client_addr) is the client's. An IPv4 peer of a
/// dual-stack listener is given as IPv4. In a server of one's own, put one into the extensions of
/// each request.
///
/// ```
/// use mcp_http::{Context, PeerAddr};
///
/// fn is_local(cx: &Context) -> bool {
///     cx.extensions().get::<PeerAddr>().is_some_and(|PeerAddr(addr)| addr.ip().is_loopback())
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

/// How many proxies in front append to `X-Forwarded-For`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TrustedHops(pub(crate) usize);

/// The client's address: the entry that the outermost trusted proxy appended, else the peer's.
/// IPv4 within IPv6 is given as IPv4.
///
/// Too few entries, or one that is no address, means that the request took another way than the
/// one that was declared. Then nothing in the header is believed.
pub(crate) fn client_addr(
    headers: &HeaderMap,
    extensions: &Extensions,
    hops: TrustedHops,
) -> Option<IpAddr> {
    let peer = || extensions.get().map(|PeerAddr(addr)| addr.ip());
    forwarded(headers, hops).or_else(peer).map(|addr| addr.to_canonical())
}

/// The n-th entry from the right over all lines, which are one list (RFC 9110, section 5.3).
///
/// The header is split as bytes: what a client sent ahead of the trusted entries, on the same
/// line, need not be text.
fn forwarded(headers: &HeaderMap, TrustedHops(hops): TrustedHops) -> Option<IpAddr> {
    let nth = hops.checked_sub(1)?;
    let lines = headers.get_all(&FORWARDED_FOR).iter().rev();
    let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|&byte| byte == b','));
    // An empty entry counts: to skip it would move on towards what the client wrote.
    entry(entries.nth(nth)?)
}

/// An address, as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`,
/// `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn entry(bytes: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(bytes).ok()?.trim_matches([' ', '\t']);
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some(addr);
    }
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return Some(addr.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6)
}

/// What is counted as one address: an IPv4 address, or an IPv6 network of 64 bits, which is the
/// least that one subscriber is given (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AddressBlock {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for AddressBlock {
    fn from(addr: IpAddr) -> Self {
        match addr.to_canonical() {
            IpAddr::V4(addr) => Self::V4(addr.to_bits()),
            IpAddr::V6(addr) => Self::V6((addr.to_bits() >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    const PEER: &str = "198.51.100.7:4711";

    /// The address of a request with these lines of `X-Forwarded-For`, from `PEER`.
    fn addr(hops: usize, lines: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line).unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddr(PEER.parse().unwrap()));
        client_addr(&headers, &extensions, TrustedHops(hops)).unwrap().to_string()
    }

    #[test]
    fn without_trusted_hops_the_header_is_not_believed() {
        assert_eq!(addr(0, &[b"203.0.113.9"]), "198.51.100.7");
        assert_eq!(addr(0, &[]), "198.51.100.7");
    }

    /// FACTS, Platforms: "`X-Forwarded-For` is `client, lb`: the trusted entry is the second from
    /// the right."
    #[test]
    fn the_client_is_the_nth_entry_from_the_right_over_all_lines() {
        let behind_google = [b"6.6.6.6, 203.0.113.9, 35.191.0.1".as_slice()];
        assert_eq!(addr(2, &behind_google), "203.0.113.9");
        assert_eq!(addr(1, &[b"6.6.6.6", b"203.0.113.9"]), "203.0.113.9");
        assert_eq!(addr(2, &[b"6.6.6.6", b"203.0.113.9", b"35.191.0.1"]), "203.0.113.9");
        assert_eq!(addr(3, &[b"203.0.113.9,10.0.0.1", b"10.0.0.2"]), "203.0.113.9");
    }

    #[test]
    fn too_few_entries_or_a_malformed_one_mean_the_peer() {
        for (hops, lines) in [
            (1, &[][..]),
            (2, &[b"203.0.113.9".as_slice()]),
            (3, &[b"203.0.113.9, 35.191.0.1"]),
            (1, &[b"203.0.113.9,"]),
            (1, &[b"203.0.113.9", b""]),
            (1, &[b"unknown"]),
            (1, &[b"203.0.113.256"]),
            (1, &[b"203.0.113.9 203.0.113.9"]),
            (1, &[b"[2001:db8::1"]),
            (1, &[b"[203.0.113.9]"]),
            (1, &[b"203.0.113.9:65536"]),
            (1, &[b"\xff"]),
            (usize::MAX, &[b"203.0.113.9"]),
        ] {
            assert_eq!(addr(hops, lines), "198.51.100.7", "{hops} {lines:?}");
        }
    }

    /// What the client wrote does not spoil what was appended to it.
    #[test]
    fn what_stands_left_of_the_trusted_entries_does_not_matter() {
        assert_eq!(addr(1, &[b"\xff\xfe,,;:[, 203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn ports_brackets_and_blanks_are_tolerated_and_mapped_addresses_are_ipv4() {
        for (written, read) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("\t203.0.113.9 ", "203.0.113.9"),
            ("2001:DB8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:4711", "203.0.113.9"),
        ] {
            assert_eq!(addr(1, &[written.as_bytes()]), read, "{written}");
        }
    }

    #[test]
    fn a_peer_that_nobody_told_is_no_address() {
        assert_eq!(client_addr(&HeaderMap::new(), &Extensions::new(), TrustedHops(0)), None);
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9"));
        let told = client_addr(&headers, &Extensions::new(), TrustedHops(1));
        assert_eq!(told, Some("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn an_ipv6_network_of_64_bits_counts_as_one_address() {
        let block = |text: &str| AddressBlock::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
        assert_eq!(block("::ffff:203.0.113.9"), block("203.0.113.9"));
        assert_ne!(block("203.0.113.9"), block("203.0.113.8"));
        assert_ne!(block("0.0.0.1"), block("::"));
    }
}
