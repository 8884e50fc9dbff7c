//! The parameters of a message: their members raw, the protocol's part of `_meta` picked out.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::{Malformed, Scanner};
use super::{Raw, RequestId, strict};

/// The members of a `params` object, each still as the client wrote it.
///
/// `_meta` is not among them: its keys that the protocol defines are in [`Params::meta`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Params<'a> {
    members: Vec<(Cow<'a, str>, Raw<'a>)>,
    meta: Meta<'a>,
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
        let members = members.into_iter().map(|(key, value)| (Cow::Borrowed(key), value.into()));
        Self { members: members.collect(), meta: Meta::default() }
    }

    /// The value of a member, by its exact name: a name in other case is another name
    /// (CVE-2026-27896).
    pub(crate) fn get(&self, key: &str) -> Option<Raw<'a>> {
        self.members.iter().find(|(name, _)| name == key).map(|&(_, value)| value)
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
    pub(super) fn scan(&mut self, scanner: &mut Scanner<'a>) -> Result<Option<Fault>, Malformed> {
        if let Some(wrong) = no_object(scanner.peek()) {
            strict::check(scanner.value()?)?;
            return Ok(Some(Fault::NoObject(wrong)));
        }
        let mut metas = 0;
        let mut fault = None;
        self.members = Vec::with_capacity(2);
        scanner.object(|scanner, key| {
            if key == "_meta" {
                metas += 1;
                fault = self.meta.scan(scanner)?;
            } else {
                self.members.push((key, scanner.value()?));
            }
            Ok(())
        })?;
        let duplicate = match metas {
            0 | 1 => duplicate_key(&self.members),
            _ => Some("_meta".to_owned()),
        };
        Ok(duplicate.map(Fault::Duplicate).or(fault))
    }
}

impl<'a> Meta<'a> {
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Result<Option<Fault>, Malformed> {
        if scanner.peek() != b'{' {
            strict::check(scanner.value()?)?;
            return Ok(Some(Fault::NoObject("`params._meta` must be an object")));
        }
        let mut duplicate = None;
        scanner.object(|scanner, key| {
            let (slot, name) = match &*key {
                "progressToken" => (&mut self.progress_token, "progressToken"),
                PROTOCOL_VERSION => (&mut self.protocol_version, PROTOCOL_VERSION),
                CLIENT_INFO => (&mut self.client_info, CLIENT_INFO),
                CLIENT_CAPABILITIES => (&mut self.client_capabilities, CLIENT_CAPABILITIES),
                LOG_LEVEL => (&mut self.log_level, LOG_LEVEL),
                _ => return scanner.value().map(drop),
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
fn duplicate_key(members: &[(Cow<'_, str>, Raw<'_>)]) -> Option<String> {
    if members.len() <= 8 {
        let again = |at: usize| members[..at].iter().any(|(name, _)| *name == members[at].0);
        return (1..members.len()).find(|&at| again(at)).map(|at| members[at].0.to_string());
    }
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|(name, _)| !seen.insert(name)).map(|(name, _)| name.to_string())
}

pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
