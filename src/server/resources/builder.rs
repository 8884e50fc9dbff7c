//! Registering resources.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::catalogue::ResourceCatalogue;
use super::definition::{Resource, ResourceTemplate};
use super::handler::{ReadRequest, ResourceHandler};
use super::reply::WrittenRead;
use super::result::{IntoResourceResult, ReadResourceResult};
use super::served::Served;
use super::table::{
    Reading, RegisteredResource, RegisteredTemplate, ResourceTable, Resources, Source,
};
use super::uri;
use super::uri_template::UriTemplate;
use crate::server::build_error::BuildError;
use crate::server::builder::ServerBuilder;
use crate::server::context::Context;
use crate::server::handler_error::HandlerError;
use crate::server::page::PageSize;
use crate::server::reply::CacheHint;

/// The resources that a server is to have.
#[derive(Default)]
pub(crate) struct ResourcesBuilder {
    resources: Vec<(Resource, Reader)>,
    templates: Vec<(ResourceTemplate, Box<dyn ResourceHandler>)>,
    catalogue: Option<Arc<dyn ResourceCatalogue>>,
}

/// What reads a resource.
enum Reader {
    Static(Result<ReadResourceResult, HandlerError>),
    Handler(Box<dyn ResourceHandler>),
}

impl ServerBuilder {
    /// Adds a resource. They are listed in the order in which they are added.
    ///
    /// ```
    /// use mcp_http::{Context, HandlerError, ReadRequest, Resource, Server};
    ///
    /// let server = Server::builder("clock", "1.0.0")
    ///     .resource(
    ///         Resource::new("clock://now", "now").with_mime_type("text/plain"),
    ///         |_request: ReadRequest, _cx: Context| async {
    ///             Ok::<_, HandlerError>("half past eight")
    ///         },
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn resource(mut self, resource: Resource, handler: impl ResourceHandler) -> Self {
        self.resources.resources.push((resource, Reader::Handler(Box::new(handler))));
        self
    }

    /// Adds a resource that is known beforehand. Its size is told unless it says otherwise.
    ///
    /// It is written as JSON when the server is built, and takes its room until the server ends.
    ///
    /// ```
    /// use mcp_http::{Resource, Server};
    ///
    /// let server = Server::builder("docs", "1.0.0")
    ///     .static_resource(
    ///         Resource::new("docs://readme", "README.md").with_mime_type("text/markdown"),
    ///         "# Read me",
    ///     )
    ///     .static_resource(
    ///         Resource::new("docs://logo", "logo.png").with_mime_type("image/png"),
    ///         &b"\x89PNG..."[..],
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn static_resource(
        mut self,
        resource: Resource,
        contents: impl IntoResourceResult,
    ) -> Self {
        let reader = Reader::Static(contents.into_resource_result());
        self.resources.resources.push((resource, reader));
        self
    }

    /// Adds resources whose URIs are made from variables. Templates are listed in the order in
    /// which they are added; a URI is read by the resource that has it, or else by the first
    /// template that it [matches](UriTemplate).
    ///
    /// ```
    /// use mcp_http::{Context, HandlerError, ReadRequest, ResourceTemplate, Server};
    ///
    /// let server = Server::builder("files", "1.0.0")
    ///     .resource_template(
    ///         ResourceTemplate::new("file:///{+path}", "files"),
    ///         |request: ReadRequest, _cx: Context| async move {
    ///             // Never join what the client wrote to a path as it is.
    ///             let path = request.variables().relative_path("path")?;
    ///             match std::fs::read(std::path::Path::new("/srv/files").join(path)) {
    ///                 Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
    ///                     Err(HandlerError::resource_not_found(request.uri()))
    ///                 }
    ///                 bytes => Ok(bytes?),
    ///             }
    ///         },
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// # Security
    ///
    /// The variables are what the client wrote, decoded. Read
    /// [their section on security](crate::Variables#security) before one becomes part of a path.
    pub fn resource_template(
        mut self,
        template: ResourceTemplate,
        handler: impl ResourceHandler,
    ) -> Self {
        self.resources.templates.push((template, Box::new(handler)));
        self
    }

    /// Adds resources whose variables are read as a type. What does not fit never reaches the
    /// handler: it answers with `-32602` and names the variable.
    ///
    /// ```
    /// use mcp_http::{Context, HandlerError, ResourceTemplate, Server};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Forecast { city: String, days: Option<u8> }
    ///
    /// let server = Server::builder("weather", "1.0.0")
    ///     .typed_resource_template(
    ///         ResourceTemplate::new("weather://{city}{?days}", "forecast"),
    ///         |forecast: Forecast, _cx: Context| async move {
    ///             let Forecast { city, days } = forecast;
    ///             Ok::<_, HandlerError>(format!("Sunny in {city} for {} days", days.unwrap_or(1)))
    ///         },
    ///     )
    ///     .build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    pub fn typed_resource_template<F, V, Fut, R, E>(
        self,
        template: ResourceTemplate,
        handler: F,
    ) -> Self
    where
        F: Fn(V, Context) -> Fut + Send + Sync + 'static,
        V: DeserializeOwned + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: IntoResourceResult + 'static,
        E: Into<HandlerError> + 'static,
    {
        self.resource_template(template, move |request: ReadRequest, cx: Context| {
            let future = request.parse::<V>().map(|variables| handler(variables, cx));
            async move { future?.await.map_err(Into::into) }
        })
    }

    /// Takes the resources from a catalogue, in place of resources that are added here: for
    /// resources that depend on the caller, or that change while the server runs. See
    /// [`ResourceCatalogue`] and [`ResourceSet`](crate::ResourceSet).
    pub fn resource_catalogue(mut self, catalogue: impl ResourceCatalogue) -> Self {
        self.resources.catalogue = Some(Arc::new(catalogue));
        self
    }
}

impl ResourcesBuilder {
    pub(crate) fn build(
        self,
        page_size: PageSize,
        lists: CacheHint,
    ) -> Result<Resources, BuildError> {
        let has_own = !self.resources.is_empty() || !self.templates.is_empty();
        let source = match self.catalogue {
            Some(_) if has_own => return Err(BuildError::resources_and_catalogue()),
            Some(catalogue) => Source::Catalogue(catalogue),
            None if has_own => {
                let resources = self.resources.into_iter().map(register);
                let templates = self.templates.into_iter().map(register_template);
                Source::Registered(Box::new(ResourceTable::new(
                    resources.collect::<Result<_, _>>()?,
                    templates.collect::<Result<_, _>>()?,
                    page_size,
                )?))
            }
            None => Source::None,
        };
        Ok(Resources { source, lists })
    }
}

fn register((resource, reader): (Resource, Reader)) -> Result<RegisteredResource, BuildError> {
    validate(&resource)?;
    let (resource, reading) = match reader {
        Reader::Handler(handler) => {
            let served = Served::resource(&resource, handler);
            (resource, Reading::Served(Arc::new(served)))
        }
        Reader::Static(result) => {
            let result =
                result.map_err(|error| BuildError::invalid_resource(resource.uri(), error))?;
            let resource = resource.or_size(result.size());
            let result = result.of_resource(resource.uri(), resource.mime_type());
            let hint = result.cache().unwrap_or(resource.cache());
            let written = Arc::new(WrittenRead::new(&result));
            (resource, Reading::Written(written, hint))
        }
    };
    Ok(RegisteredResource { resource, reading })
}

fn register_template(
    (template, handler): (ResourceTemplate, Box<dyn ResourceHandler>),
) -> Result<RegisteredTemplate, BuildError> {
    let uris = UriTemplate::parse(template.uri_template())?;
    let served = Arc::new(Served::template(&template, handler));
    Ok(RegisteredTemplate { template, uris, served })
}

/// Checks what clients take for granted (2026-07-28, Resources, Security Considerations: "Servers
/// MUST validate all resource URIs").
pub(super) fn validate(resource: &Resource) -> Result<(), BuildError> {
    uri::check(resource.uri()).map_err(|fault| BuildError::invalid_resource(resource.uri(), fault))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::Server;

    async fn nothing(_: ReadRequest, _: Context) -> Result<&'static str, HandlerError> {
        Ok("")
    }

    fn builder() -> ServerBuilder {
        Server::builder("s", "1")
    }

    /// 2026-07-28, Resources, Capabilities: "Servers that support resources MUST declare the
    /// `resources` capability".
    #[test]
    fn the_capability_is_declared_by_servers_that_have_resources_or_templates() {
        let declared = |builder: ServerBuilder| {
            json!(builder.build().unwrap().capabilities()).get("resources").cloned()
        };
        assert_eq!(declared(builder()), None);
        let settings = Some(json!({}));
        assert_eq!(declared(builder().static_resource(Resource::new("a:b", "b"), "")), settings);
        let template = ResourceTemplate::new("a:{b}", "b");
        assert_eq!(declared(builder().resource_template(template, nothing)), settings);
    }

    #[test]
    fn what_cannot_be_registered_is_refused_by_its_uri() {
        let error = |builder: ServerBuilder| builder.build().unwrap_err().to_string();
        let resource = |uri: &str| Resource::new(uri, "n");
        assert_eq!(
            error(builder().static_resource(resource("a b"), "")),
            "resource `a b`: not a URI (RFC 3986)"
        );
        assert_eq!(
            error(
                builder().resource(resource("a:b"), nothing).static_resource(resource("a:b"), "")
            ),
            "resource `a:b`: registered twice"
        );
        let template = || ResourceTemplate::new("a:{x}{y}", "n");
        assert_eq!(
            error(builder().resource_template(template(), nothing)),
            "resource template `a:{x}{y}`: a URI could be matched in two ways"
        );
        let template = || ResourceTemplate::new("a:{x}", "n");
        assert_eq!(
            error(
                builder()
                    .resource_template(template(), nothing)
                    .resource_template(template(), nothing)
            ),
            "resource template `a:{x}`: registered twice"
        );
        struct Fails;
        impl IntoResourceResult for Fails {
            fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
                Err(HandlerError::new("no"))
            }
        }
        assert_eq!(error(builder().static_resource(resource("a:b"), Fails)), "resource `a:b`: no");
    }
}
