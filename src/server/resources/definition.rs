//! Definitions of resources and of templates.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::version::ProtocolVersion;
use crate::server::annotations::{Annotations, WireAnnotations};
use crate::server::implementation::{Icon, wire_icons};
use crate::server::page::Listed;
use crate::server::reply::{CacheHint, CacheScope};
use crate::server::revision::Revision;

/// The definition of a resource: what a client learns about it before it reads it.
///
/// ```
/// use mcp_http::{Annotations, Resource, Role};
///
/// let readme = Resource::new("file:///project/README.md", "README.md")
///     .with_title("Project documentation")
///     .with_mime_type("text/markdown")
///     .with_annotations(Annotations::new().with_audience([Role::User]).with_priority(0.8));
/// assert_eq!(readme.name(), "README.md");
/// ```
///
/// It is read from JSON as a server lists it, for gateways.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Resource {
    uri: String,
    #[serde(flatten)]
    about: About,
    size: Option<u64>,
    #[serde(skip)]
    cache: Option<CacheHint>,
}

/// The definition of resources whose URIs are made from variables, by a URI template (RFC 6570).
///
/// Which URIs it matches is told at [`UriTemplate`](crate::UriTemplate).
///
/// ```
/// use mcp_http::ResourceTemplate;
///
/// let forecast = ResourceTemplate::new("weather://{country}/{city}{?days}", "forecast")
///     .with_description("The weather of the next days")
///     .with_mime_type("text/plain");
/// assert_eq!(forecast.uri_template(), "weather://{country}/{city}{?days}");
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ResourceTemplate {
    #[serde(rename = "uriTemplate")]
    uri_template: String,
    #[serde(flatten)]
    about: About,
    #[serde(skip)]
    cache: Option<CacheHint>,
}

/// What is told of both.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    name: String,
    title: Option<String>,
    description: Option<String>,
    mime_type: Option<String>,
    annotations: Option<Annotations>,
    #[serde(default)]
    icons: Vec<Icon>,
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

/// A resource as a revision writes it.
#[derive(Serialize)]
pub(crate) struct WireResource<'a> {
    uri: &'a str,
    #[serde(flatten)]
    about: WireAbout<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

/// A template as a revision writes it.
#[derive(Serialize)]
pub(crate) struct WireTemplate<'a> {
    #[serde(rename = "uriTemplate")]
    uri_template: &'a str,
    #[serde(flatten)]
    about: WireAbout<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireAbout<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<WireAnnotations<'a>>,
    #[serde(skip_serializing_if = "<[Icon]>::is_empty")]
    icons: &'a [Icon],
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Map<String, Value>>,
}

/// The builder methods that resources and templates have in common.
macro_rules! about {
    () => {
        /// Adds the name that people read (sent from revision 2025-06-18 on).
        #[must_use]
        pub fn with_title(mut self, title: impl Into<String>) -> Self {
            self.about.title = Some(title.into());
            self
        }

        /// Adds what it is, for the model.
        #[must_use]
        pub fn with_description(mut self, description: impl Into<String>) -> Self {
            self.about.description = Some(description.into());
            self
        }

        /// Adds the media type. What a handler returns without one is sent with this one.
        #[must_use]
        pub fn with_mime_type(mut self, mime_type: impl Into<String>) -> Self {
            self.about.mime_type = Some(mime_type.into());
            self
        }

        /// Adds hints for the client.
        #[must_use]
        pub fn with_annotations(mut self, annotations: Annotations) -> Self {
            self.about.annotations = Some(annotations);
            self
        }

        /// Adds a picture (sent from revision 2025-11-25 on).
        #[must_use]
        pub fn with_icon(mut self, icon: Icon) -> Self {
            self.about.icons.push(icon);
            self
        }

        /// Adds a member to its `_meta` (sent from revision 2025-06-18 on).
        #[must_use]
        pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
            self.about.meta.get_or_insert_default().insert(key.into(), value.into());
            self
        }

        /// How long clients may take what they read for fresh, and who may cache it (2026-07-28,
        /// Caching). Default: not at all, and privately;
        /// [`ServerBuilder::cache`](crate::ServerBuilder::cache) is for lists, and does not reach
        /// what is read. A result may say otherwise of itself.
        ///
        /// What is public may be shown to every caller, whoever read it.
        #[must_use]
        pub fn with_cache(mut self, ttl: Duration, scope: CacheScope) -> Self {
            self.cache = Some(CacheHint::new(ttl, scope));
            self
        }

        /// The name.
        pub fn name(&self) -> &str {
            &self.about.name
        }

        /// The name that people read.
        pub fn title(&self) -> Option<&str> {
            self.about.title.as_deref()
        }

        /// What it is.
        pub fn description(&self) -> Option<&str> {
            self.about.description.as_deref()
        }

        /// The media type.
        pub fn mime_type(&self) -> Option<&str> {
            self.about.mime_type.as_deref()
        }

        /// The members of `_meta`.
        pub fn meta(&self) -> Option<&Map<String, Value>> {
            self.about.meta.as_ref()
        }

        /// How long what is read may be cached, unless it says so itself.
        pub(super) fn cache(&self) -> CacheHint {
            self.cache.unwrap_or_default()
        }
    };
}

impl Resource {
    /// A resource of this URI and name.
    ///
    /// The URI is what clients read it by, to the letter; building the server refuses what is no
    /// URI by RFC 3986. `https:` is for what clients can fetch from the web themselves
    /// (2026-07-28, Resources, Common URI Schemes).
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uri: uri.into(), about: About::new(name.into()), size: None, cache: None }
    }

    about!();

    /// Adds the size in bytes, before any encoding. Of a static resource it is known without.
    #[must_use]
    pub fn with_size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// The same with this size, unless it has one.
    pub(super) fn or_size(mut self, bytes: Option<u64>) -> Self {
        self.size = self.size.or(bytes);
        self
    }

    /// The URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The size in bytes.
    pub fn size(&self) -> Option<u64> {
        self.size
    }
}

impl ResourceTemplate {
    /// A template of this text and name; building the server refuses what is none by RFC 6570 and
    /// what does not tell which variable has which value.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self { uri_template: uri_template.into(), about: About::new(name.into()), cache: None }
    }

    about!();

    /// The template.
    pub fn uri_template(&self) -> &str {
        &self.uri_template
    }
}

impl About {
    fn new(name: String) -> Self {
        Self {
            name,
            title: None,
            description: None,
            mime_type: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    fn wire(&self, version: ProtocolVersion) -> WireAbout<'_> {
        let known = version.knows_titles_and_structure();
        WireAbout {
            name: &self.name,
            title: self.title.as_deref().filter(|_| known),
            description: self.description.as_deref(),
            mime_type: self.mime_type.as_deref(),
            annotations: self.annotations.as_ref().map(|annotations| annotations.wire(version)),
            icons: wire_icons(&self.icons, version),
            meta: self.meta.as_ref().filter(|_| known),
        }
    }
}

impl Listed for Resource {
    const MEMBER: &'static str = "resources";
    type Wire<'a> = WireResource<'a>;

    fn key(&self) -> &str {
        &self.uri
    }

    fn wire(&self, version: ProtocolVersion) -> WireResource<'_> {
        WireResource { uri: &self.uri, about: self.about.wire(version), size: self.size }
    }
}

impl Listed for ResourceTemplate {
    const MEMBER: &'static str = "resourceTemplates";
    type Wire<'a> = WireTemplate<'a>;

    fn key(&self) -> &str {
        &self.uri_template
    }

    fn wire(&self, version: ProtocolVersion) -> WireTemplate<'_> {
        WireTemplate { uri_template: &self.uri_template, about: self.about.wire(version) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::annotations::Role;

    fn full() -> Resource {
        Resource::new("a:b", "b")
            .with_title("B")
            .with_description("d")
            .with_mime_type("text/plain")
            .with_annotations(
                Annotations::new()
                    .with_audience([Role::User])
                    .with_priority(0.5)
                    .with_last_modified("2025-01-12T15:00:58Z"),
            )
            .with_size(7)
            .with_icon(Icon::new("data:,"))
            .with_meta("example.com/k", 1)
    }

    fn wire(listed: &impl Listed, version: ProtocolVersion) -> Value {
        serde_json::to_value(listed.wire(version)).unwrap()
    }

    #[test]
    fn a_resource_has_the_members_that_the_revision_knows() {
        let mut expected = json!({
            "uri": "a:b", "name": "b", "title": "B", "description": "d", "mimeType": "text/plain",
            "annotations": {
                "audience": ["user"], "priority": 0.5, "lastModified": "2025-01-12T15:00:58Z",
            },
            "size": 7, "icons": [{"src": "data:,"}], "_meta": {"example.com/k": 1},
        });
        let [latest, known, titled, oldest] = ProtocolVersion::ALL.map(|it| wire(&full(), it));
        assert_eq!(latest, expected);
        assert_eq!(known, expected);
        expected.as_object_mut().unwrap().remove("icons");
        assert_eq!(titled, expected);
        assert_eq!(
            oldest,
            json!({
                "uri": "a:b", "name": "b", "description": "d", "mimeType": "text/plain",
                "annotations": {"audience": ["user"], "priority": 0.5}, "size": 7,
            })
        );
        assert_eq!(
            wire(&Resource::new("a:b", "b"), ProtocolVersion::LATEST),
            json!({"uri": "a:b", "name": "b"})
        );
    }

    #[test]
    fn a_template_has_the_members_that_the_revision_knows() {
        let template = ResourceTemplate::new("a:{b}", "b")
            .with_title("B")
            .with_annotations(Annotations::new().with_priority(1.0))
            .with_icon(Icon::new("data:,"));
        assert_eq!(
            wire(&template, ProtocolVersion::LATEST),
            json!({
                "uriTemplate": "a:{b}", "name": "b", "title": "B",
                "annotations": {"priority": 1.0}, "icons": [{"src": "data:,"}],
            })
        );
        assert_eq!(
            wire(&template, ProtocolVersion::V2025_03_26),
            json!({"uriTemplate": "a:{b}", "name": "b", "annotations": {"priority": 1.0}})
        );
    }

    /// The published examples among them: 2026-07-28, `examples/Resource`,
    /// `examples/ListResourceTemplatesResult`.
    #[test]
    fn definitions_are_read_as_they_are_written() {
        let example = json!({
            "uri": "file:///project/README.md", "name": "README.md",
            "title": "Project Documentation", "mimeType": "text/markdown",
            "annotations": {
                "audience": ["user"], "priority": 0.8, "lastModified": "2025-01-12T15:00:58Z",
            },
        });
        for json in [example, wire(&full(), ProtocolVersion::LATEST)] {
            let resource: Resource = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(wire(&resource, ProtocolVersion::LATEST), json);
        }
        let json = json!({
            "uriTemplate": "file:///{path}", "name": "Project Files", "title": "📁 Project Files",
            "description": "Access files in the project directory",
            "mimeType": "application/octet-stream",
            "icons": [{
                "src": "https://example.com/folder-icon.png", "mimeType": "image/png",
                "sizes": ["48x48"],
            }],
        });
        let template: ResourceTemplate = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(wire(&template, ProtocolVersion::LATEST), json);
        let unknown = json!({"uri": "a:b", "name": "b", "newer": 1});
        assert_eq!(serde_json::from_value::<Resource>(unknown).unwrap(), Resource::new("a:b", "b"));
    }

    /// 2026-07-28, Caching: what is read is private unless it is said to be public.
    #[test]
    fn what_is_read_is_stale_at_once_and_private_unless_it_is_said_otherwise() {
        assert_eq!(full().cache(), CacheHint::default());
        let public = full().with_cache(Duration::from_secs(2), CacheScope::Public).cache();
        assert_eq!(public, CacheHint { ttl_ms: 2_000, scope: CacheScope::Public });
    }
}
