//! The parameters of a message: their members raw, the protocol's part of `_meta` picked out.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::{Key, Known, Malformed, Scanner, known};
use super::{Raw, RequestId, strict};

/// The members of a `params` object, each still as the client wrote it.
///
/// `_meta` is not among them: its keys that the protocol defines are in [`Params::meta`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Params<'a> {
    members: Members<'a>,
    meta: Meta<'a>,
}

/// Members in their order. Most messages have two at most, and these are not worth an allocation.
#[derive(Clone, Debug, Default)]
struct Members<'a> {
    first: [Option<(&'a str, Raw<'a>)>; 2],
    /// Those behind the first, and behind a key in which something is escaped.
    more: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl<'a> Members<'a> {
    #[inline(always)]
    fn push(&mut self, key: Key<'a>, value: Raw<'a>) -> Result<(), Malformed> {
        let free = self.first.iter_mut().find(|first| first.is_none());
        match (key, free) {
            (Key::Plain(key), Some(free)) if self.more.is_empty() => *free = Some((key, value)),
            (key, _) => self.push_more(key.decoded()?, value),
        }
        Ok(())
    }

    #[inline(never)]
    fn push_more(&mut self, key: Cow<'a, str>, value: Raw<'a>) {
        self.more.push((key, value));
    }

    #[inline(always)]
    fn get(&self, key: &str) -> Option<Raw<'a>> {
        let first = self.first.iter().flatten().find(|(name, _)| *name == key);
        first
            .map(|&(_, value)| value)
            .or_else(|| self.more.iter().find(|(name, _)| name == key).map(|&(_, value)| value))
    }

    /// The first key that stands twice.
    fn duplicate(&self) -> Option<String> {
        match self.first {
            [Some((one, _)), Some((two, _))] if one == two => Some(two.to_owned()),
            _ if self.more.is_empty() => None,
            _ => {
                let first = self.first.iter().flatten().map(|&(key, _)| key);
                duplicate_key(first.chain(self.more.iter().map(|(key, _)| &**key)))
            }
        }
    }
}

/// The keys of `_meta` that the protocol defines (2026-07-28, Base Protocol, `_meta`). Each is
/// raw, since what is wrong with it is for the era to say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meta<'a> {
    progress_token: Option<Raw<'a>>,
    pub(crate) protocol_version: Option<Raw<'a>>,
    pub(crate) client_info: Option<Raw<'a>>,
    pub(crate) client_capabilities: Option<Raw<'a>>,
    pub(crate) log_level: Option<Raw<'a>>,
}

impl<'a> Meta<'a> {
    /// The token that progress is wanted under, if it is.
    ///
    /// All revisions, Progress: "Progress tokens MUST be a string or integer value".
    pub(crate) fn progress_token(&self) -> Result<Option<Raw<'a>>, &'static str> {
        match self.progress_token {
            Some(raw) if !RequestId::is_id(raw) => {
                Err("`_meta.progressToken` must be a string or an integer")
            }
            token => Ok(token),
        }
    }
}

impl<'a> Params<'a> {
    /// Params with these members, for tests of what takes them.
    #[cfg(test)]
    pub(crate) fn new(members: Vec<(&'a str, &'a serde_json::value::RawValue)>) -> Self {
        let mut params = Self::default();
        for (key, value) in members {
            params.members.push(Key::Plain(key), value.into()).unwrap();
        }
        params
    }

    /// The value of a member, by its exact name: a name in other case is another name
    /// (CVE-2026-27896).
    pub(crate) fn get(&self, key: &str) -> Option<Raw<'a>> {
        self.members.get(key)
    }

    /// The value of a member that is a string.
    pub(crate) fn get_str(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.string()
    }

    /// The protocol's part of `_meta`.
    pub(crate) fn meta(&self) -> &Meta<'a> {
        &self.meta
    }
}

/// What is wrong with `params` that are JSON.
#[derive(Debug)]
pub(super) enum Fault {
    /// They are no object, or their `_meta` is none.
    NoObject(&'static str),
    /// This key stands twice in one of them.
    Duplicate(String),
}

impl<'a> Params<'a> {
    /// Reads `params` in the pass that reads the envelope.
    #[inline(always)]
    pub(super) fn scan(&mut self, scanner: &mut Scanner<'a>) -> Result<Option<Fault>, Malformed> {
        if let Some(wrong) = no_object(scanner.peek()) {
            strict::check(scanner.value()?)?;
            return Ok(Some(Fault::NoObject(wrong)));
        }
        let mut metas = 0;
        let mut fault = None;
        scanner.object(|scanner| {
            let key = match scanner.known_key()? {
                Ok(InParams::Usual(key)) => Key::Plain(key),
                Ok(InParams::Meta) => {
                    metas += 1;
                    fault = self.meta.scan(scanner)?;
                    return Ok(());
                }
                Err(key) => key,
            };
            self.members.push(key, scanner.value()?)
        })?;
        let duplicate = match metas {
            0 | 1 => self.members.duplicate(),
            _ => Some("_meta".to_owned()),
        };
        Ok(duplicate.map(Fault::Duplicate).or(fault))
    }
}

/// A key of `params`.
#[derive(Clone, Copy)]
enum InParams {
    Meta,
    /// What most calls have besides. It is known where it is so written, and else a key like any.
    Usual(&'static str),
}

impl Known for InParams {
    fn named(name: &str) -> Option<Self> {
        (name == "_meta").then_some(Self::Meta)
    }

    #[inline(always)]
    fn written(text: &[u8]) -> Option<(Self, usize)> {
        match text.get(1)? {
            b'_' => known(Self::Meta, b"\"_meta\":", text),
            b'n' => known(Self::Usual("name"), b"\"name\":", text),
            b'a' => known(Self::Usual("arguments"), b"\"arguments\":", text),
            _ => None,
        }
    }
}

/// A key of `_meta` that the protocol defines.
#[derive(Clone, Copy)]
enum MetaKey {
    ProgressToken,
    ProtocolVersion,
    ClientInfo,
    ClientCapabilities,
    LogLevel,
}

impl Known for MetaKey {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "progressToken" => Self::ProgressToken,
            PROTOCOL_VERSION => Self::ProtocolVersion,
            CLIENT_INFO => Self::ClientInfo,
            CLIENT_CAPABILITIES => Self::ClientCapabilities,
            LOG_LEVEL => Self::LogLevel,
            _ => return None,
        })
    }

    #[inline(always)]
    fn written(text: &[u8]) -> Option<(Self, usize)> {
        const VERSION: &[u8] = b"\"io.modelcontextprotocol/protocolVersion\":";
        const INFO: &[u8] = b"\"io.modelcontextprotocol/clientInfo\":";
        const CAPABILITIES: &[u8] = b"\"io.modelcontextprotocol/clientCapabilities\":";
        const LEVEL: &[u8] = b"\"io.modelcontextprotocol/logLevel\":";
        match text.get(1)? {
            b'p' => known(Self::ProgressToken, b"\"progressToken\":", text),
            b'i' => known(Self::ProtocolVersion, VERSION, text)
                .or_else(|| known(Self::ClientInfo, INFO, text))
                .or_else(|| known(Self::ClientCapabilities, CAPABILITIES, text))
                .or_else(|| known(Self::LogLevel, LEVEL, text)),
            _ => None,
        }
    }
}

impl<'a> Meta<'a> {
    #[inline(always)]
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Result<Option<Fault>, Malformed> {
        if scanner.peek() != b'{' {
            strict::check(scanner.value()?)?;
            return Ok(Some(Fault::NoObject("`params._meta` must be an object")));
        }
        let mut duplicate = None;
        scanner.object(|scanner| {
            let (slot, name) = match scanner.known_key()? {
                Ok(MetaKey::ProgressToken) => (&mut self.progress_token, "progressToken"),
                Ok(MetaKey::ProtocolVersion) => (&mut self.protocol_version, PROTOCOL_VERSION),
                Ok(MetaKey::ClientInfo) => (&mut self.client_info, CLIENT_INFO),
                Ok(MetaKey::ClientCapabilities) => {
                    (&mut self.client_capabilities, CLIENT_CAPABILITIES)
                }
                Ok(MetaKey::LogLevel) => (&mut self.log_level, LOG_LEVEL),
                Err(_) => return scanner.value().map(drop),
            };
            if slot.replace(scanner.value()?).is_some() {
                duplicate = Some(name);
            }
            Ok(())
        })?;
        Ok(duplicate.map(|key| Fault::Duplicate(key.to_owned())))
    }
}

/// What is wrong with params that begin so; nothing if they are an object, or no JSON at all.
fn no_object(first: u8) -> Option<&'static str> {
    Some(match first {
        b'[' => "`params` must be an object, not an array",
        b'"' => "`params` must be an object, not a string",
        b'n' => "`params` must be an object, not null",
        b't' | b'f' => "`params` must be an object, not a boolean",
        b'-' | b'0'..=b'9' => "`params` must be an object, not a number",
        _ => return None,
    })
}

/// The first key that stands twice. Few members are compared in place; many, by their hashes.
fn duplicate_key<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    let count = keys.clone().count();
    let twice = if count <= 8 {
        let again = |&(at, key): &(usize, &str)| keys.clone().take(at).any(|other| other == key);
        keys.clone().enumerate().find(again).map(|(_, key)| key)
    } else {
        let mut seen = HashSet::with_capacity(count);
        keys.clone().find(|&key| !seen.insert(key))
    };
    twice.map(str::to_owned)
}

pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
