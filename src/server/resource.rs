//! Resources as they stand in content: links to them, and their contents.

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::implementation::{Icon, wire_icons};
use crate::protocol::version::ProtocolVersion;

/// A link to a resource that the client can read or subscribe to.
///
/// Revision 2025-03-26 knows no links; there they become text with the name and the URI.
///
/// ```
/// use mcp_http::{Content, ResourceLink};
///
/// let link = ResourceLink::new("file:///src/main.rs", "main.rs").with_mime_type("text/x-rust");
/// let content = Content::resource_link(link);
/// # let _ = content;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceLink {
    uri: String,
    name: String,
    title: Option<String>,
    description: Option<String>,
    mime_type: Option<String>,
    size: Option<u64>,
    #[serde(default)]
    icons: Vec<Icon>,
}

/// What is in a resource: text, or bytes that are sent as Base64.
///
/// ```
/// use mcp_http::{Content, ResourceContents};
///
/// let readme = ResourceContents::text("file:///README.md", "# Hello").with_mime_type("text/markdown");
/// let content = Content::resource(readme);
/// # let _ = content;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceContents {
    uri: String,
    mime_type: Option<String>,
    data: ResourceData,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ResourceData {
    Text(String),
    Blob(Bytes),
}

/// Bytes that are written as Base64, without a string between.
#[derive(Clone, Copy)]
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

/// The members of a `resource_link` block, but for its type, annotations and `_meta`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireLink<'a> {
    uri: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "<[Icon]>::is_empty")]
    icons: &'a [Icon],
}

/// Contents on the wire, where all revisions agree.
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
}

impl ResourceLink {
    /// A link to the resource of this URI and name.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: name.into(),
            title: None,
            description: None,
            mime_type: None,
            size: None,
            icons: Vec::new(),
        }
    }

    /// Adds the name that people read.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds what the resource is.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds the media type of the resource.
    #[must_use]
    pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// Adds the size of the resource in bytes.
    #[must_use]
    pub fn with_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Adds a picture (sent from revision 2025-11-25 on).
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    pub(crate) fn wire(&self, version: ProtocolVersion) -> WireLink<'_> {
        WireLink {
            uri: &self.uri,
            name: &self.name,
            title: self.title.as_deref(),
            description: self.description.as_deref(),
            mime_type: self.mime_type.as_deref(),
            size: self.size,
            icons: wire_icons(&self.icons, version),
        }
    }

    /// The link as text, for clients that know no links.
    pub(crate) fn to_text(&self) -> String {
        format!("{}: {}", self.title.as_deref().unwrap_or(&self.name), self.uri)
    }
}

impl ResourceContents {
    /// The contents of a resource that is text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self { uri: uri.into(), mime_type: None, data: ResourceData::Text(text.into()) }
    }

    /// The contents of a resource that is bytes; they are sent as Base64.
    pub fn blob(uri: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { uri: uri.into(), mime_type: None, data: ResourceData::Blob(bytes.into()) }
    }

    /// Adds the media type of the resource.
    #[must_use]
    pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    pub(crate) fn wire(&self) -> WireContents<'_> {
        let (text, blob) = match &self.data {
            ResourceData::Text(text) => (Some(text.as_str()), None),
            ResourceData::Blob(bytes) => (None, Some(Base64(bytes))),
        };
        WireContents { uri: &self.uri, mime_type: self.mime_type.as_deref(), text, blob }
    }
}

/// Reads bytes that are written as Base64.
pub(crate) fn read_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
    STANDARD.decode(&*text).map(Bytes::from).map_err(D::Error::custom)
}

impl<'de> Deserialize<'de> for ResourceContents {
    /// Reads those of another server.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            uri: String,
            mime_type: Option<String>,
            text: Option<String>,
            blob: Option<Blob>,
        }
        #[derive(Deserialize)]
        struct Blob(#[serde(deserialize_with = "read_base64")] Bytes);
        let Read { uri, mime_type, text, blob } = Read::deserialize(deserializer)?;
        let data = match (text, blob) {
            (Some(text), None) => ResourceData::Text(text),
            (None, Some(Blob(bytes))) => ResourceData::Blob(bytes),
            _ => return Err(D::Error::custom("either `text` or `blob` must be there")),
        };
        Ok(Self { uri, mime_type, data })
    }
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

    #[test]
    fn contents_are_text_or_base64() {
        let text = ResourceContents::text("a:b", "x").with_mime_type("text/plain");
        assert_eq!(
            serde_json::to_value(text.wire()).unwrap(),
            json!({"uri": "a:b", "mimeType": "text/plain", "text": "x"})
        );
        let blob = ResourceContents::blob("a:b", &b"\xff\x00\x01\x02"[..]);
        assert_eq!(
            serde_json::to_value(blob.wire()).unwrap(),
            json!({"uri": "a:b", "blob": "/wABAg=="})
        );
    }

    #[test]
    fn a_link_has_icons_only_where_the_revision_knows_them() {
        let link = ResourceLink::new("a:b", "b")
            .with_title("B")
            .with_description("d")
            .with_size(7)
            .with_icon(Icon::new("data:,"));
        let mut expected = json!({
            "uri": "a:b", "name": "b", "title": "B", "description": "d", "size": 7,
            "icons": [{"src": "data:,"}],
        });
        let wire = |version| serde_json::to_value(link.wire(version)).unwrap();
        assert_eq!(wire(ProtocolVersion::V2025_11_25), expected);
        expected.as_object_mut().unwrap().remove("icons");
        assert_eq!(wire(ProtocolVersion::V2025_06_18), expected);
    }
}
