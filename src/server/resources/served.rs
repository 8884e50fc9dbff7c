//! A handler with what its resource adds to all that it reads.

use super::definition::{Resource, ResourceTemplate};
use super::handler::{ReadRequest, ResourceHandler};
use super::result::ReadResourceResult;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;
use crate::server::reply::CacheHint;

/// What reads a resource, or those of a template.
pub(super) struct Served {
    handler: Box<dyn ResourceHandler>,
    mime_type: Option<String>,
    cache: CacheHint,
}

impl Served {
    pub(super) fn resource(resource: &Resource, handler: Box<dyn ResourceHandler>) -> Self {
        let mime_type = resource.mime_type().map(str::to_owned);
        Self { handler, mime_type, cache: resource.cache() }
    }

    pub(super) fn template(template: &ResourceTemplate, handler: Box<dyn ResourceHandler>) -> Self {
        let mime_type = template.mime_type().map(str::to_owned);
        Self { handler, mime_type, cache: template.cache() }
    }

    /// Begins to read.
    pub(super) fn read(
        &self,
        request: ReadRequest,
        cx: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
        let (mime_type, cache) = (self.mime_type.clone(), self.cache);
        let read = self.handler.read(request.clone(), cx);
        Box::pin(async move {
            Ok(read.await?.of_resource(request.uri(), mime_type.as_deref()).or_cache(cache))
        })
    }
}
