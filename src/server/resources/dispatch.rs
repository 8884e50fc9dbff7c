//! `resources/list`, `resources/templates/list` and `resources/read`.

use std::borrow::Cow;
use std::sync::Arc;

use super::catalogue::{ResourceCatalogue, ResourcePage, ResourceTemplatePage};
use super::reply::ReadReply;
use super::result::ReadResourceResult;
use super::table::{Found, ResourceTable, Resources, Source};
use super::uri;
use crate::protocol::jsonrpc::RpcError;
use crate::server::context::Context;
use crate::server::dispatch::{Dispatched, Request};
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;
use crate::server::outcome::resource_not_found;
use crate::server::page::ListPage;
use crate::server::reply::{CacheHint, Reply};
use crate::server::running::Running;

/// What a request of this folder ends with.
type Answer = BoxFuture<'static, Result<Reply, HandlerError>>;

impl Resources {
    /// Begins to serve a request of a method that starts with `resources/`.
    pub(crate) fn dispatch(
        &self,
        request: &Request<'_>,
        cx: Context,
    ) -> Result<Dispatched, RpcError> {
        match (&self.source, request.method) {
            (Source::None, method) => Err(RpcError::method_not_found(method)),
            (Source::Registered(table), "resources/list") => {
                request.page(&table.resource_list, self.lists, &cx)
            }
            (Source::Registered(table), "resources/templates/list") => {
                request.page(&table.template_list, self.lists, &cx)
            }
            (Source::Registered(table), "resources/read") => {
                read_registered(table, &read_uri(request)?, cx)
            }
            (Source::Catalogue(catalogue), "resources/list") => {
                self.list_of(catalogue, request, cx, list_resources)
            }
            (Source::Catalogue(catalogue), "resources/templates/list") => {
                self.list_of(catalogue, request, cx, list_templates)
            }
            (Source::Catalogue(catalogue), "resources/read") => {
                Ok(read_of_catalogue(catalogue, &read_uri(request)?, cx))
            }
            (_, method) => Err(RpcError::method_not_found(method)),
        }
    }

    fn list_of(
        &self,
        catalogue: &Arc<dyn ResourceCatalogue>,
        request: &Request<'_>,
        cx: Context,
        list: fn(Arc<dyn ResourceCatalogue>, Option<String>, Context, CacheHint) -> Answer,
    ) -> Result<Dispatched, RpcError> {
        let (catalogue, hint) = (Arc::clone(catalogue), self.lists);
        let cursor = request.cursor()?.map(Cow::into_owned);
        Ok(Dispatched::Running(Running::list(cx, |cx| list(catalogue, cursor, cx, hint))))
    }
}

fn list_resources(
    catalogue: Arc<dyn ResourceCatalogue>,
    cursor: Option<String>,
    cx: Context,
    hint: CacheHint,
) -> Answer {
    let (version, page) = (cx.protocol_version(), catalogue.list(cursor, cx));
    Box::pin(async move {
        let ResourcePage { resources, next_cursor } = page.await?;
        let resources = resources.iter().map(|resource| &**resource);
        let page = ListPage::new(resources, next_cursor, version, hint);
        Ok(Reply::List(Box::new(page)))
    })
}

fn list_templates(
    catalogue: Arc<dyn ResourceCatalogue>,
    cursor: Option<String>,
    cx: Context,
    hint: CacheHint,
) -> Answer {
    let (version, page) = (cx.protocol_version(), catalogue.list_templates(cursor, cx));
    Box::pin(async move {
        let ResourceTemplatePage { templates, next_cursor } = page.await?;
        let templates = templates.iter().map(|template| &**template);
        let page = ListPage::new(templates, next_cursor, version, hint);
        Ok(Reply::List(Box::new(page)))
    })
}

/// 2026-07-28, Resources, Security Considerations: "Servers MUST validate all resource URIs".
fn read_uri<'a>(request: &Request<'a>) -> Result<Cow<'a, str>, RpcError> {
    let uri = request.text("uri", "the resource's URI")?;
    uri::check(&uri).map_err(|fault| RpcError::invalid_params(format!("`uri`: {fault}")))?;
    Ok(uri)
}

fn read_registered(table: &ResourceTable, uri: &str, cx: Context) -> Result<Dispatched, RpcError> {
    match table.find(uri) {
        None => Err(resource_not_found(uri, cx.protocol_version())),
        Some(Found::Written(reply)) => Ok(Dispatched::Ready(Ok(Reply::ReadResource(reply)))),
        Some(Found::Served(served, request)) => {
            Ok(reading(cx, move |cx| served.read(request.clone(), cx)))
        }
    }
}

fn read_of_catalogue(catalogue: &Arc<dyn ResourceCatalogue>, uri: &str, cx: Context) -> Dispatched {
    let (catalogue, uri) = (Arc::clone(catalogue), uri.to_owned());
    reading(cx, move |cx| {
        let (uri, read) = (uri.clone(), Arc::clone(&catalogue).read(uri.clone(), cx));
        Box::pin(async move { Ok(read.await?.of_resource(&uri, None)) })
    })
}

/// Runs what reads, which may ask the client (2026-07-28, Resources, Reading Resources), so that
/// it may have to run several times.
fn reading(
    cx: Context,
    read: impl Fn(Context) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>>
    + Send
    + 'static,
) -> Dispatched {
    Dispatched::Running(Running::request(cx, move |cx| {
        let read = read(cx.clone());
        Box::pin(async move {
            let result = read.await?;
            // 2026-07-28, Caching, Cache Key: results of requests that carry the client's input
            // "MUST NOT be cached".
            let cacheable = result.cache().filter(|_| !cx.inputs().has_any());
            let hint = cacheable.unwrap_or_default();
            Ok(Reply::ReadResource(ReadReply::read(result, hint)))
        })
    }))
}
#[cfg(test)]
mod tests;
