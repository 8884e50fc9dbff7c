//! The trait behind resources that depend on the caller.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::definition::{Resource, ResourceTemplate};
use super::result::ReadResourceResult;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;

/// Resources that depend on the caller, or that change while the server runs: what a gateway
/// offers. For some that change in the same way for everybody there is
/// [`ResourceSet`](crate::ResourceSet).
///
/// The list may vary with the caller's authorization, but not with the connection or with what
/// other requests did (2026-07-28, Resources, Capabilities), and should keep its order.
///
/// The futures are dropped as those of a [`ToolHandler`](crate::ToolHandler) are, and a panic in
/// one is answered in the same way.
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{
///     BoxFuture, Context, HandlerError, ReadResourceResult, Resource, ResourceCatalogue,
///     ResourcePage, Server,
/// };
///
/// struct Inbox;
///
/// impl Inbox {
///     fn uri(cx: &Context) -> Option<String> {
///         Some(format!("inbox://{}", cx.principal().name()?))
///     }
/// }
///
/// impl ResourceCatalogue for Inbox {
///     fn list(
///         self: Arc<Self>,
///         _cursor: Option<String>,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<ResourcePage, HandlerError>> {
///         let inbox = Self::uri(&cx).map(|uri| Arc::new(Resource::new(uri, "inbox")));
///         Box::pin(async move { Ok(ResourcePage::new(inbox)) })
///     }
///
///     fn read(
///         self: Arc<Self>,
///         uri: String,
///         cx: Context,
///     ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
///         Box::pin(async move {
///             match Self::uri(&cx) {
///                 Some(own) if own == uri => Ok(ReadResourceResult::text("No mail.")),
///                 _ => Err(HandlerError::resource_not_found(uri)),
///             }
///         })
///     }
/// }
///
/// let server = Server::builder("mail", "1.0.0").resource_catalogue(Inbox).build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
pub trait ResourceCatalogue: Send + Sync + 'static {
    /// Lists the resources that this caller has: the first page, or the one that `cursor` names.
    ///
    /// A cursor that is not known is
    /// [`HandlerError::protocol(-32602, "Invalid cursor", None)`](HandlerError::protocol).
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<ResourcePage, HandlerError>>;

    /// Lists the templates that this caller has. Without it there are none.
    ///
    /// They are told to the client alone: what [`read`](Self::read) makes of a URI is its own
    /// business; [`UriTemplate`](crate::UriTemplate) matches one.
    fn list_templates(
        self: Arc<Self>,
        cursor: Option<String>,
        cx: Context,
    ) -> BoxFuture<'static, Result<ResourceTemplatePage, HandlerError>> {
        let _ = cx;
        Box::pin(async move {
            match cursor {
                None => Ok(ResourceTemplatePage::default()),
                Some(_) => Err(HandlerError::protocol(-32602, "Invalid cursor", None)),
            }
        })
    }

    /// Reads what this URI names. If this caller has no such resource, that is
    /// [`HandlerError::resource_not_found`].
    ///
    /// The URI is one by RFC 3986, and as the client wrote it. Whether this caller may read it is
    /// to be checked here: that it was not listed keeps nobody from asking for it (2026-07-28,
    /// Resources, Security Considerations).
    fn read(
        self: Arc<Self>,
        uri: String,
        cx: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>>;
}

/// A page of a list of resources. A gateway reads that of another server from JSON.
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{Resource, ResourcePage};
///
/// let page = ResourcePage::new([Arc::new(Resource::new("a:1", "one"))]).with_next_cursor("page-2");
/// # let _ = page;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourcePage {
    pub(super) resources: Vec<Arc<Resource>>,
    pub(super) next_cursor: Option<String>,
}

/// A page of a list of templates. A gateway reads that of another server from JSON.
///
/// ```
/// use std::sync::Arc;
/// use mcp_http::{ResourceTemplate, ResourceTemplatePage};
///
/// let page = ResourceTemplatePage::new([Arc::new(ResourceTemplate::new("a:{id}", "any"))]);
/// # let _ = page;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceTemplatePage {
    pub(super) templates: Vec<Arc<ResourceTemplate>>,
    pub(super) next_cursor: Option<String>,
}

impl ResourcePage {
    /// The only or the last page, with these resources.
    pub fn new(resources: impl IntoIterator<Item = Arc<Resource>>) -> Self {
        Self { resources: resources.into_iter().collect(), next_cursor: None }
    }

    /// Adds the cursor that the client asks the next page with.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }

    /// The resources.
    pub fn resources(&self) -> &[Arc<Resource>] {
        &self.resources
    }

    /// The cursor of the next page, if there is one.
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

impl ResourceTemplatePage {
    /// The only or the last page, with these templates.
    pub fn new(templates: impl IntoIterator<Item = Arc<ResourceTemplate>>) -> Self {
        Self { templates: templates.into_iter().collect(), next_cursor: None }
    }

    /// Adds the cursor that the client asks the next page with.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }

    /// The templates.
    pub fn templates(&self) -> &[Arc<ResourceTemplate>] {
        &self.templates
    }

    /// The cursor of the next page, if there is one.
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

impl<'de> Deserialize<'de> for ResourcePage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            resources: Vec<Resource>,
            next_cursor: Option<String>,
        }
        let Read { resources, next_cursor } = Read::deserialize(deserializer)?;
        Ok(Self { next_cursor, ..Self::new(resources.into_iter().map(Arc::new)) })
    }
}

impl<'de> Deserialize<'de> for ResourceTemplatePage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            resource_templates: Vec<ResourceTemplate>,
            next_cursor: Option<String>,
        }
        let Read { resource_templates, next_cursor } = Read::deserialize(deserializer)?;
        Ok(Self { next_cursor, ..Self::new(resource_templates.into_iter().map(Arc::new)) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_are_read_as_a_server_lists_them() {
        let page: ResourcePage = serde_json::from_value(json!({
            "resultType": "complete", "resources": [{"uri": "a:1", "name": "one"}],
            "nextCursor": "eyJwYWdlIjogM30=", "ttlMs": 600000, "cacheScope": "private",
        }))
        .unwrap();
        let one = Arc::new(Resource::new("a:1", "one"));
        assert_eq!(page, ResourcePage::new([one]).with_next_cursor("eyJwYWdlIjogM30="));
        let page: ResourceTemplatePage = serde_json::from_value(json!({
            "resourceTemplates": [{"uriTemplate": "a:{id}", "name": "any"}],
        }))
        .unwrap();
        assert_eq!(page.templates()[0].uri_template(), "a:{id}");
        assert_eq!(page.next_cursor(), None);
    }
}
