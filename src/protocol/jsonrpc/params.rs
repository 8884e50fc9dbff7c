//! The parameters of a message: their members raw, the protocol's part of `_meta` picked out.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::RequestId;

/// The members of a `params` object, each still as the client wrote it.
///
/// `_meta` is not among them: its keys that the protocol defines are in [`Params::meta`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Params<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    meta: Meta<'a>,
}

/// The keys of `_meta` that the protocol defines (2026-07-28, Base Protocol, `_meta`). Each is
/// raw, since what is wrong with it is for the era to say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meta<'a> {
    progress_token: Option<&'a RawValue>,
    pub(crate) protocol_version: Option<&'a RawValue>,
    pub(crate) client_info: Option<&'a RawValue>,
    pub(crate) client_capabilities: Option<&'a RawValue>,
    pub(crate) log_level: Option<&'a RawValue>,
}

impl<'a> Meta<'a> {
    /// The token that progress is wanted under, if it is.
    ///
    /// All revisions, Progress: "Progress tokens MUST be a string or integer value".
    pub(crate) fn progress_token(&self) -> Result<Option<&'a RawValue>, &'static str> {
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
    pub(crate) fn new(members: Vec<(&'a str, &'a RawValue)>) -> Self {
        let members = members.into_iter().map(|(key, value)| (Cow::Borrowed(key), value));
        Self { members: members.collect(), meta: Meta::default() }
    }

    /// The value of a member, by its exact name: a name in other case is another name
    /// (CVE-2026-27896).
    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// The value of a member that is a string.
    pub(crate) fn get_str(&self, key: &str) -> Option<Cow<'a, str>> {
        string(self.get(key)?)
    }

    /// The protocol's part of `_meta`.
    pub(crate) fn meta(&self) -> &Meta<'a> {
        &self.meta
    }
}

/// The text of a raw value that is a string, borrowed if nothing in it is escaped.
pub(crate) fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(text).ok().map(Cow::Owned)
}

/// What stood in the place of `params`.
#[derive(Debug, Default)]
pub(crate) enum ParamsField<'a> {
    /// No such member.
    #[default]
    Absent,
    /// An object.
    Object(Params<'a>),
    /// Something else, or an object whose `_meta` is something else: what is wrong.
    Invalid(&'static str),
    /// An object in which this key stands twice.
    Duplicate(String),
}

/// Reads `params` in the pass that reads the envelope.
pub(super) struct ParamsSeed;

impl<'de> DeserializeSeed<'de> for ParamsSeed {
    type Value = ParamsField<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(ParamsVisitor)
    }
}

struct ParamsVisitor;

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = ParamsField<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut params = Params { members: Vec::with_capacity(2), meta: Meta::default() };
        let mut meta: Option<MetaField<'de>> = None;
        let mut duplicate = None;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if key == "_meta" {
                let value = map.next_value_seed(MetaSeed)?;
                if meta.replace(value).is_some() {
                    duplicate = Some(key.into_owned());
                }
            } else {
                params.members.push((key, map.next_value()?));
            }
        }
        if let Some(key) = duplicate.or_else(|| duplicate_key(&params.members)) {
            return Ok(ParamsField::Duplicate(key));
        }
        Ok(match meta {
            None => ParamsField::Object(params),
            Some(MetaField::Object(meta)) => ParamsField::Object(Params { meta, ..params }),
            Some(MetaField::Invalid) => ParamsField::Invalid("`params._meta` must be an object"),
            Some(MetaField::Duplicate(key)) => ParamsField::Duplicate(key.to_owned()),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip(seq)?;
        Ok(ParamsField::Invalid("`params` must be an object, not an array"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ParamsField::Invalid("`params` must be an object, not null"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(ParamsField::Invalid("`params` must be an object, not a boolean"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(ParamsField::Invalid("`params` must be an object, not a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(ParamsField::Invalid("`params` must be an object, not a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(ParamsField::Invalid("`params` must be an object, not a number"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(ParamsField::Invalid("`params` must be an object, not a string"))
    }
}

/// The first key that stands twice. Few members are compared in place; many, by their hashes.
fn duplicate_key(members: &[(Cow<'_, str>, &RawValue)]) -> Option<String> {
    if members.len() <= 8 {
        let again = |at: usize| members[..at].iter().any(|(name, _)| *name == members[at].0);
        return (1..members.len()).find(|&at| again(at)).map(|at| members[at].0.to_string());
    }
    let mut seen = HashSet::with_capacity(members.len());
    members.iter().find(|(name, _)| !seen.insert(name)).map(|(name, _)| name.to_string())
}

enum MetaField<'a> {
    Object(Meta<'a>),
    Invalid,
    Duplicate(&'static str),
}

struct MetaSeed;

impl<'de> DeserializeSeed<'de> for MetaSeed {
    type Value = MetaField<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(MetaVisitor)
    }
}

struct MetaVisitor;

impl<'de> Visitor<'de> for MetaVisitor {
    type Value = MetaField<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_meta")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut meta = Meta::default();
        let mut duplicate = None;
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let (slot, name) = match &*key {
                "progressToken" => (&mut meta.progress_token, "progressToken"),
                PROTOCOL_VERSION => (&mut meta.protocol_version, PROTOCOL_VERSION),
                CLIENT_INFO => (&mut meta.client_info, CLIENT_INFO),
                CLIENT_CAPABILITIES => (&mut meta.client_capabilities, CLIENT_CAPABILITIES),
                LOG_LEVEL => (&mut meta.log_level, LOG_LEVEL),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                duplicate = Some(name);
            }
        }
        Ok(duplicate.map_or(MetaField::Object(meta), MetaField::Duplicate))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        skip(seq)?;
        Ok(MetaField::Invalid)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(MetaField::Invalid)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(MetaField::Invalid)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(MetaField::Invalid)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(MetaField::Invalid)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(MetaField::Invalid)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(MetaField::Invalid)
    }
}

pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// Reads an object's key, borrowed if nothing in it is escaped.
pub(super) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

pub(super) fn skip<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}
