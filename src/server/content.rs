//! Content blocks: what a tool's result consists of.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::annotations::Annotations;
use super::raw::RawJson;
use super::resources::{ResourceContents, ResourceLink, read_base64};
use super::revision::Revision;
use crate::protocol::jsonrpc::ObjectWriter;
use crate::protocol::version::ProtocolVersion;

/// A block of content: text, an image, audio, a link to a resource, or a resource itself.
///
/// Each is written as the client's revision of the protocol has it; what the revision does not
/// know is left out, and a link becomes text.
///
/// ```
/// use mcp_http::{Content, ResourceLink};
///
/// let png: &[u8] = b"\x89PNG...";
/// let blocks = vec![
///     Content::text("The chart, and where it is from:"),
///     Content::image(png, "image/png"),
///     Content::resource_link(ResourceLink::new("https://example.com/data.csv", "data.csv")),
/// ];
/// # let _ = blocks;
/// ```
///
/// A gateway reads those of another server from their JSON.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "ContentObject")]
pub struct Content {
    block: Block,
    /// Few have any.
    about: Option<Box<About>>,
}

/// What is said about a block.
#[derive(Clone, Debug, Default, PartialEq)]
struct About {
    annotations: Option<Annotations>,
    meta: Option<Map<String, Value>>,
}

/// A block as it stands in JSON.
#[derive(Deserialize)]
struct ContentObject {
    #[serde(flatten)]
    block: Block,
    annotations: Option<Annotations>,
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

// Most results are one block, which is moved a few times; and nearly all are text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        text: String,
    },
    Image(Box<Media>),
    Audio(Box<Media>),
    #[serde(rename = "resource_link")]
    Link(Box<ResourceLink>),
    Resource {
        resource: Box<ResourceContents>,
    },
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Media {
    #[serde(deserialize_with = "read_base64")]
    data: Bytes,
    mime_type: String,
}

impl Content {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Block::Text { text: text.into() })
    }

    /// An image; its bytes are sent as Base64.
    pub fn image(data: impl Into<Bytes>, mime_type: impl Into<String>) -> Self {
        Self::new(Block::Image(Media::boxed(data, mime_type)))
    }

    /// Audio; its bytes are sent as Base64.
    pub fn audio(data: impl Into<Bytes>, mime_type: impl Into<String>) -> Self {
        Self::new(Block::Audio(Media::boxed(data, mime_type)))
    }

    /// A link to a resource.
    pub fn resource_link(link: ResourceLink) -> Self {
        Self::new(Block::Link(Box::new(link)))
    }

    /// A resource, embedded.
    pub fn resource(contents: ResourceContents) -> Self {
        Self::new(Block::Resource { resource: Box::new(contents) })
    }

    /// Adds hints for the client.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.about.get_or_insert_default().annotations = Some(annotations);
        self
    }

    /// Adds a member to the block's `_meta` (sent from revision 2025-06-18 on). Keys that begin
    /// with `io.modelcontextprotocol/` are the protocol's.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let meta = &mut self.about.get_or_insert_default().meta;
        meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// The text, if the block is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.block {
            Block::Text { text } => Some(text),
            _ => None,
        }
    }

    fn new(block: Block) -> Self {
        Self { block, about: None }
    }

    /// Writes the block's members, as a revision has them.
    pub(crate) fn write(
        &self,
        version: ProtocolVersion,
        object: &mut ObjectWriter<'_>,
    ) -> Result<(), serde_json::Error> {
        let known = version.knows_titles_and_structure();
        object.raw_members(self.kind(version));
        match &self.block {
            Block::Text { text } => object.string("text", text),
            Block::Image(media) | Block::Audio(media) => {
                object.base64("data", &media.data);
                object.string("mimeType", &media.mime_type);
            }
            Block::Link(link) if known => object.members_of(&link.wire(version))?,
            Block::Link(link) => object.string("text", &link.to_text()),
            Block::Resource { resource } => object.member("resource", &resource.wire(version))?,
        }
        let Some(about) = &self.about else { return Ok(()) };
        if let Some(annotations) = &about.annotations {
            object.member("annotations", &annotations.wire(version))?;
        }
        match about.meta.as_ref().filter(|_| known) {
            Some(meta) => object.member("_meta", meta),
            None => Ok(()),
        }
    }

    /// The block as a value, for what it is a part of as one.
    pub(crate) fn to_value(&self, version: ProtocolVersion) -> Value {
        let json = RawJson::object(|object| self.write(version, object));
        json.ok().and_then(|json| json.read()).expect("a block holds only what JSON can")
    }

    /// About how long [`write`](Self::write) makes an object of it. It is exact for short text, and
    /// for text without anything to escape.
    pub(crate) fn likely_len(&self, version: ProtocolVersion) -> usize {
        let kind = b"{,}".len() + self.kind(version).len();
        let block = match &self.block {
            Block::Text { text } => ObjectWriter::string_len("text", text),
            Block::Image(media) | Block::Audio(media) => {
                ObjectWriter::base64_len("data", &media.data)
                    + 1
                    + ObjectWriter::string_len("mimeType", &media.mime_type)
            }
            Block::Link(_) => 128,
            Block::Resource { resource } => {
                let text = resource.as_text().map_or(0, str::len);
                128 + text + resource.as_blob().map_or(0, |bytes| bytes.len().div_ceil(3) * 4)
            }
        };
        let about = if self.about.is_some() { 128 } else { 0 };
        kind + block + about
    }

    /// The block's type, as a member.
    fn kind(&self, version: ProtocolVersion) -> &'static [u8] {
        match &self.block {
            Block::Text { .. } => b"\"type\":\"text\"",
            Block::Image(_) => b"\"type\":\"image\"",
            Block::Audio(_) => b"\"type\":\"audio\"",
            Block::Link(_) if version.knows_titles_and_structure() => b"\"type\":\"resource_link\"",
            Block::Link(_) => b"\"type\":\"text\"",
            Block::Resource { .. } => b"\"type\":\"resource\"",
        }
    }
}

impl Media {
    fn boxed(data: impl Into<Bytes>, mime_type: impl Into<String>) -> Box<Self> {
        Box::new(Self { data: data.into(), mime_type: mime_type.into() })
    }
}

impl From<ContentObject> for Content {
    fn from(object: ContentObject) -> Self {
        let ContentObject { block, annotations, meta } = object;
        let about = annotations.is_some() || meta.is_some();
        Self { block, about: about.then(|| Box::new(About { annotations, meta })) }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::annotations::Role;

    fn wire(content: &Content, version: ProtocolVersion) -> Value {
        content.to_value(version)
    }

    #[test]
    fn every_kind_of_content_is_written_as_its_schema_has_it() {
        let latest = |content: Content| wire(&content, ProtocolVersion::LATEST);
        assert_eq!(latest("a".into()), json!({"type": "text", "text": "a"}));
        assert_eq!(
            latest(Content::image(&b"\x01\x02"[..], "image/png")),
            json!({"type": "image", "data": "AQI=", "mimeType": "image/png"})
        );
        assert_eq!(
            latest(Content::audio(Vec::new(), "audio/wav")),
            json!({"type": "audio", "data": "", "mimeType": "audio/wav"})
        );
        assert_eq!(
            latest(Content::resource_link(ResourceLink::new("a:b", "b"))),
            json!({"type": "resource_link", "uri": "a:b", "name": "b"})
        );
        assert_eq!(
            latest(Content::resource(ResourceContents::text("a:b", "x"))),
            json!({"type": "resource", "resource": {"uri": "a:b", "text": "x"}})
        );
    }

    #[test]
    fn what_is_read_is_written_again() {
        for published in [
            json!({"type": "text", "text": "a", "annotations": {"audience": ["user"], "priority": 0.5}}),
            json!({"type": "image", "data": "AQI=", "mimeType": "image/png", "_meta": {"a.b/c": 1}}),
            json!({"type": "audio", "data": "", "mimeType": "audio/wav"}),
            json!({
                "type": "resource_link", "uri": "a:b", "name": "b", "title": "B", "mimeType": "a/b",
                "size": 7, "annotations": {"lastModified": "2025-01-12T15:00:58Z"},
            }),
            json!({"type": "resource", "resource": {"uri": "a:b", "text": "x", "mimeType": "a/b"}}),
            json!({"type": "resource", "resource": {"uri": "a:b", "blob": "/wABAg=="}}),
        ] {
            let read: Content = serde_json::from_value(published.clone()).unwrap();
            assert_eq!(wire(&read, ProtocolVersion::LATEST), published);
            let text = published.to_string();
            assert_eq!(serde_json::from_str::<Content>(&text).unwrap(), read);
        }
        for broken in [
            json!({"type": "video", "data": ""}),
            json!({"type": "image", "data": "no Base64", "mimeType": "image/png"}),
            json!({"type": "resource", "resource": {"uri": "a:b"}}),
            json!({"type": "resource", "resource": {"uri": "a:b", "text": "", "blob": ""}}),
        ] {
            assert!(serde_json::from_value::<Content>(broken.clone()).is_err(), "{broken}");
        }
    }

    /// 2025-03-26, schema, CallToolResult: text, image, audio and embedded resources only.
    #[test]
    fn a_link_becomes_text_where_the_revision_knows_no_links() {
        let link = Content::resource_link(ResourceLink::new("a:b", "b").with_title("B"));
        assert_eq!(
            wire(&link, ProtocolVersion::V2025_03_26),
            json!({"type": "text", "text": "B: a:b"})
        );
    }

    #[test]
    fn annotations_and_meta_ride_along_where_the_revision_knows_them() {
        let content = Content::text("a")
            .with_annotations(Annotations::new().with_audience([Role::User]))
            .with_meta("example.com/k", 1);
        assert_eq!(
            wire(&content, ProtocolVersion::V2025_06_18),
            json!({
                "type": "text", "text": "a", "annotations": {"audience": ["user"]},
                "_meta": {"example.com/k": 1},
            })
        );
        assert_eq!(
            wire(&content, ProtocolVersion::V2025_03_26),
            json!({"type": "text", "text": "a", "annotations": {"audience": ["user"]}})
        );
    }
}
