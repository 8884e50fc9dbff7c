//! Links to resources, as they stand in content.

use serde::{Deserialize, Serialize};

use crate::protocol::version::ProtocolVersion;
use crate::server::implementation::{Icon, wire_icons};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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

    #[test]
    fn a_link_is_read_as_it_is_written() {
        // The published example, without what its block has besides.
        let json = json!({
            "uri": "file:///project/src/main.rs", "name": "main.rs",
            "description": "Primary application entry point", "mimeType": "text/x-rust",
        });
        let link: ResourceLink = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(link.wire(ProtocolVersion::LATEST)).unwrap(), json);
    }
}
