//! The headers that every request is judged by, found in one walk.
//!
//! To look one up in a map means to hash its name, and a request would be asked for nine.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::head::{Field, METHOD, NAME, SESSION_ID, VERSION};

/// A header that the protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Host,
    Origin,
    Accept,
    ContentType,
    SessionId,
    Version,
    Method,
    Name,
}

impl Known {
    const COUNT: usize = Self::Name as usize + 1;

    fn of(name: &HeaderName) -> Option<Self> {
        Some(match name.as_str() {
            "host" => Self::Host,
            "origin" => Self::Origin,
            "accept" => Self::Accept,
            "content-type" => Self::ContentType,
            "mcp-session-id" => Self::SessionId,
            "mcp-protocol-version" => Self::Version,
            "mcp-method" => Self::Method,
            "mcp-name" => Self::Name,
            _ => return None,
        })
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn name(self) -> &'static HeaderName {
        match self {
            Self::Host => &header::HOST,
            Self::Origin => &header::ORIGIN,
            Self::Accept => &header::ACCEPT,
            Self::ContentType => &header::CONTENT_TYPE,
            Self::SessionId => &SESSION_ID,
            Self::Version => &VERSION,
            Self::Method => &METHOD,
            Self::Name => &NAME,
        }
    }
}

/// Where the known headers stand in a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownHeaders<'h> {
    all: &'h HeaderMap,
    first: [Option<&'h HeaderValue>; Known::COUNT],
    /// Those that stand more than once, a bit each.
    repeated: u8,
}

const _: () = assert!(Known::COUNT <= u8::BITS as usize, "each known header has its bit");

/// The lines of a header that may stand once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'h> {
    Absent,
    Once(&'h HeaderValue),
    Repeated,
}

impl<'h> KnownHeaders<'h> {
    pub(crate) fn of(all: &'h HeaderMap) -> Self {
        let mut found = Self { all, first: [None; Known::COUNT], repeated: 0 };
        for (name, value) in all {
            let Some(known) = Known::of(name) else { continue };
            match &mut found.first[known as usize] {
                first @ None => *first = Some(value),
                Some(_) => found.repeated |= known.bit(),
            }
        }
        found
    }

    /// The header as one that may stand once.
    pub(crate) fn line(&self, known: Known) -> Line<'h> {
        match self.first[known as usize] {
            None => Line::Absent,
            Some(_) if self.repeated & known.bit() != 0 => Line::Repeated,
            Some(value) => Line::Once(value),
        }
    }

    /// The header as one that may stand once, in visible ASCII.
    pub(crate) fn field(&self, known: Known) -> Field<'h> {
        match self.line(known) {
            Line::Absent => Field::Absent,
            Line::Once(value) => value.to_str().map_or(Field::Bad, Field::Once),
            Line::Repeated => Field::Bad,
        }
    }

    /// Every line of the header, in order.
    pub(crate) fn lines(&self, known: Known) -> impl Iterator<Item = &'h HeaderValue> {
        let mut first = self.first[known as usize];
        let repeated = self.repeated & known.bit() != 0;
        let mut rest = repeated.then(|| self.all.get_all(known.name()).iter());
        if let Some(rest) = &mut rest {
            // The first.
            rest.next();
        }
        std::iter::from_fn(move || first.take().or_else(|| rest.as_mut()?.next()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Known; Known::COUNT] = [
        Known::Host,
        Known::Origin,
        Known::Accept,
        Known::ContentType,
        Known::SessionId,
        Known::Version,
        Known::Method,
        Known::Name,
    ];

    #[test]
    fn each_known_header_is_found_by_its_own_name_alone() {
        for known in ALL {
            assert_eq!(Known::of(known.name()), Some(known));
            let mut map = HeaderMap::new();
            map.insert("x-unknown", HeaderValue::from_static("u"));
            map.insert(known.name(), HeaderValue::from_static("v"));
            let headers = KnownHeaders::of(&map);
            for other in ALL {
                let expected =
                    if other == known { Line::Once(&map[known.name()]) } else { Line::Absent };
                assert_eq!(headers.line(other), expected, "{known:?}, {other:?}");
            }
        }
    }

    /// What the map itself says of a name is said here, however often it stands and whatever
    /// stands between.
    #[test]
    fn the_lines_are_those_of_the_map_in_their_order() {
        for times in 0..4 {
            let mut map = HeaderMap::new();
            for time in 0..times {
                for known in ALL {
                    map.append(known.name(), HeaderValue::from(time));
                }
            }
            let headers = KnownHeaders::of(&map);
            for known in ALL {
                let expected = map.get_all(known.name()).iter();
                assert!(headers.lines(known).eq(expected), "{known:?}, {times}");
                match times {
                    0 => assert_eq!(headers.line(known), Line::Absent),
                    1 => assert_eq!(headers.line(known), Line::Once(&map[known.name()])),
                    _ => assert_eq!(headers.line(known), Line::Repeated),
                }
                assert_eq!(headers.field(known), Field::of(&map, known.name()));
            }
        }
    }

    #[test]
    fn a_field_is_bad_if_it_is_not_visible_ascii() {
        let mut map = HeaderMap::new();
        map.insert(&SESSION_ID, HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(KnownHeaders::of(&map).field(Known::SessionId), Field::Bad);
    }
}
