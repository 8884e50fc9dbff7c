//! Who speaks: the description of a server or a client, and icons.

use serde::{Deserialize, Serialize};

use super::revision::Revision;
use crate::protocol::version::ProtocolVersion;

/// The name and version of a server or a client.
///
/// ```
/// use mcp_http::Context;
///
/// fn greet(cx: &Context) -> String {
///     match cx.client_info() {
///         Some(client) => format!("Hello, {} {}", client.name, client.version),
///         None => "Hello".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Implementation {
    /// The name that programs use.
    pub name: String,
    /// The version.
    #[serde(default)]
    pub version: String,
    /// The name that people read (from revision 2025-06-18 on).
    pub title: Option<String>,
    /// What it is (from revision 2025-11-25 on).
    pub description: Option<String>,
    /// Where to learn more (from revision 2025-11-25 on).
    pub website_url: Option<String>,
    /// Pictures of it (from revision 2025-11-25 on).
    #[serde(default)]
    pub icons: Vec<Icon>,
}

/// A picture of a server, a tool or a resource (2025-11-25, Base Protocol, Icons).
///
/// ```
/// use mcp_http::{Icon, IconTheme, Tool};
///
/// let tool = Tool::new("forecast").with_icon(
///     Icon::new("https://example.com/sun.png")
///         .with_mime_type("image/png")
///         .with_size("48x48")
///         .with_theme(IconTheme::Dark),
/// );
/// # let _ = tool;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Icon {
    src: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sizes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<IconTheme>,
}

/// The background that an icon is drawn for.
///
/// ```
/// use mcp_http::{Icon, IconTheme};
///
/// let icon = Icon::new("https://example.com/moon.svg").with_theme(IconTheme::Dark);
/// # let _ = icon;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IconTheme {
    /// A light background.
    Light,
    /// A dark background.
    Dark,
}

/// An implementation as a revision writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireImplementation<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    website_url: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Icon]>::is_empty")]
    icons: &'a [Icon],
}

impl Implementation {
    pub(crate) fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            title: None,
            description: None,
            website_url: None,
            icons: Vec::new(),
        }
    }

    pub(crate) fn wire(&self, version: ProtocolVersion) -> WireImplementation<'_> {
        let titles = version.knows_titles_and_structure();
        let icons = version.knows_icons();
        WireImplementation {
            name: &self.name,
            title: self.title.as_deref().filter(|_| titles),
            version: &self.version,
            description: self.description.as_deref().filter(|_| icons),
            website_url: self.website_url.as_deref().filter(|_| icons),
            icons: wire_icons(&self.icons, version),
        }
    }
}

impl Icon {
    /// An icon at a URI: `https:` or `data:`.
    pub fn new(src: impl Into<String>) -> Self {
        Self { src: src.into(), mime_type: None, sizes: Vec::new(), theme: None }
    }

    /// Says what the picture is: `image/png`.
    #[must_use]
    pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// Adds a size that the picture is fit for: `48x48`, or `any` for one that scales.
    #[must_use]
    pub fn with_size(mut self, size: impl Into<String>) -> Self {
        self.sizes.push(size.into());
        self
    }

    /// Says which background the picture is drawn for.
    #[must_use]
    pub fn with_theme(mut self, theme: IconTheme) -> Self {
        self.theme = Some(theme);
        self
    }

    /// Where the picture is.
    pub fn src(&self) -> &str {
        &self.src
    }
}

/// The icons, where the revision knows them.
pub(crate) fn wire_icons(icons: &[Icon], version: ProtocolVersion) -> &[Icon] {
    if version.knows_icons() { icons } else { &[] }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_implementation_has_the_members_that_the_revision_knows() {
        let mut server = Implementation::new("weather", "1.0");
        server.title = Some("Weather".into());
        server.description = Some("Forecasts".into());
        server.website_url = Some("https://example.com".into());
        server.icons.push(Icon::new("https://example.com/i.png").with_theme(IconTheme::Dark));
        let wire = |version| serde_json::to_value(server.wire(version)).unwrap();
        let oldest = json!({"name": "weather", "version": "1.0"});
        let titled = json!({"name": "weather", "version": "1.0", "title": "Weather"});
        let full = json!({
            "name": "weather", "version": "1.0", "title": "Weather", "description": "Forecasts",
            "websiteUrl": "https://example.com",
            "icons": [{"src": "https://example.com/i.png", "theme": "dark"}],
        });
        assert_eq!(wire(ProtocolVersion::V2025_03_26), oldest);
        assert_eq!(wire(ProtocolVersion::V2025_06_18), titled);
        assert_eq!(wire(ProtocolVersion::V2025_11_25), full);
        assert_eq!(wire(ProtocolVersion::V2026_07_28), full);
    }

    #[test]
    fn a_client_needs_a_name_to_be_known_and_nothing_else() {
        let client: Implementation = serde_json::from_value(json!({"name": "c", "x": 1})).unwrap();
        assert_eq!(client, Implementation::new("c", ""));
        assert!(serde_json::from_value::<Implementation>(json!({"version": "1"})).is_err());
    }
}
