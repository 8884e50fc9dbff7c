//! What is in a resource.

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::protocol::version::ProtocolVersion;
use crate::server::revision::Revision;

/// What is in a resource: text, or bytes that are sent as Base64.
///
/// ```
/// use mcp_http::{Content, ResourceContents};
///
/// let readme = ResourceContents::text("file:///README.md", "# Hello").with_mime_type("text/markdown");
/// let content = Content::resource(readme);
/// # let _ = content;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceContents {
    uri: String,
    mime_type: Option<String>,
    data: ResourceData,
    meta: Option<Map<String, Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResourceData {
    Text(String),
    Blob(Bytes),
}

/// Bytes that are written as Base64, without a string between.
#[derive(Clone, Copy)]
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

/// Contents as a revision writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireContents<'a> {
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<Base64<'a>>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Map<String, Value>>,
}

/// Contents as they are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadContents {
    uri: String,
    mime_type: Option<String>,
    text: Option<String>,
    blob: Option<Blob>,
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Blob(#[serde(deserialize_with = "read_base64")] Bytes);

impl ResourceContents {
    /// The contents of a resource that is text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(uri.into(), ResourceData::Text(text.into()))
    }

    /// The contents of a resource that is bytes; they are sent as Base64.
    pub fn blob(uri: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::new(uri.into(), ResourceData::Blob(bytes.into()))
    }

    /// Adds the media type of the resource.
    #[must_use]
    pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// Adds a member to the contents' `_meta` (sent from revision 2025-06-18 on). Keys that begin
    /// with `io.modelcontextprotocol/` are the protocol's.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Which resource these are the contents of.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The media type.
    pub fn mime_type(&self) -> Option<&str> {
        self.mime_type.as_deref()
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            ResourceData::Text(text) => Some(text),
            ResourceData::Blob(_) => None,
        }
    }

    /// The bytes, if it is bytes.
    pub fn as_blob(&self) -> Option<&[u8]> {
        match &self.data {
            ResourceData::Text(_) => None,
            ResourceData::Blob(bytes) => Some(bytes),
        }
    }

    /// The members of `_meta`.
    pub fn meta(&self) -> Option<&Map<String, Value>> {
        self.meta.as_ref()
    }

    pub(super) fn new(uri: String, data: ResourceData) -> Self {
        Self { uri, mime_type: None, data, meta: None }
    }

    /// Fills in what the resource that was read adds, if these are its contents.
    pub(super) fn complete(&mut self, uri: &str, mime_type: Option<&str>) {
        if self.uri.is_empty() {
            self.uri.push_str(uri);
        }
        if self.uri == uri && self.mime_type.is_none() {
            self.mime_type = mime_type.map(str::to_owned);
        }
    }

    /// How long it is before it is sent, in bytes.
    pub(super) fn size(&self) -> u64 {
        let len = match &self.data {
            ResourceData::Text(text) => text.len(),
            ResourceData::Blob(bytes) => bytes.len(),
        };
        u64::try_from(len).unwrap_or(u64::MAX)
    }

    pub(crate) fn wire(&self, version: ProtocolVersion) -> WireContents<'_> {
        WireContents {
            uri: &self.uri,
            mime_type: self.mime_type.as_deref(),
            text: self.as_text(),
            blob: self.as_blob().map(Base64),
            meta: self.meta.as_ref().filter(|_| version.knows_titles_and_structure()),
        }
    }
}

impl<'de> Deserialize<'de> for ResourceContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ReadContents { uri, mime_type, text, blob, meta } =
            ReadContents::deserialize(deserializer)?;
        let data = match (text, blob) {
            (Some(text), None) => ResourceData::Text(text),
            (None, Some(Blob(bytes))) => ResourceData::Blob(bytes),
            _ => return Err(D::Error::custom("either `text` or `blob`")),
        };
        Ok(Self { uri, mime_type, data, meta })
    }
}

/// Reads bytes that are written as Base64.
pub(crate) fn read_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    STANDARD.decode(&*text).map(Bytes::from).map_err(D::Error::custom)
}

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wire(contents: &ResourceContents, version: ProtocolVersion) -> Value {
        serde_json::to_value(contents.wire(version)).unwrap()
    }

    /// 2026-07-28, Resources, Security Considerations: "Binary data MUST be properly encoded".
    #[test]
    fn contents_are_text_or_base64() {
        let text = ResourceContents::text("a:b", "x").with_mime_type("text/plain");
        assert_eq!(
            wire(&text, ProtocolVersion::LATEST),
            json!({"uri": "a:b", "mimeType": "text/plain", "text": "x"})
        );
        let blob = ResourceContents::blob("a:b", &b"\xff\x00\x01\x02"[..]);
        assert_eq!(wire(&blob, ProtocolVersion::LATEST), json!({"uri": "a:b", "blob": "/wABAg=="}));
    }

    #[test]
    fn meta_is_written_where_the_revision_knows_it() {
        let contents = ResourceContents::text("a:b", "").with_meta("example.com/k", 1);
        let has = |version| wire(&contents, version).get("_meta").is_some();
        assert_eq!(ProtocolVersion::ALL.map(has), [true, true, true, false]);
    }

    #[test]
    fn contents_are_read_as_they_are_written() {
        for json in [
            json!({"uri": "file:///example.txt", "mimeType": "text/plain", "text": "Resource content"}),
            json!({"uri": "a:b", "blob": "/wABAg==", "_meta": {"example.com/k": [1]}}),
        ] {
            let contents: ResourceContents = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(wire(&contents, ProtocolVersion::LATEST), json);
        }
        for json in [
            json!({"uri": "a:b"}),
            json!({"uri": "a:b", "text": "", "blob": ""}),
            json!({"uri": "a:b", "blob": "!"}),
            json!({"text": ""}),
        ] {
            assert!(serde_json::from_value::<ResourceContents>(json.clone()).is_err(), "{json}");
        }
    }
}
