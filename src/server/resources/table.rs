//! The resources of a server, and those of them that were registered.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalogue::ResourceCatalogue;
use super::definition::{Resource, ResourceTemplate};
use super::handler::ReadRequest;
use super::reply::{ReadReply, WrittenRead};
use super::served::Served;
use super::uri_template::UriTemplate;
use crate::server::build_error::BuildError;
use crate::server::completion::Known;
use crate::server::page::{PageSize, WrittenList};
use crate::server::reply::CacheHint;

/// Where the resources are.
pub(crate) struct Resources {
    pub(super) source: Source,
    /// How long their lists may be cached.
    pub(super) lists: CacheHint,
}

pub(super) enum Source {
    None,
    Registered(Box<ResourceTable>),
    Catalogue(Arc<dyn ResourceCatalogue>),
}

/// Resources and templates that were registered, in that order.
pub(super) struct ResourceTable {
    resources: Vec<RegisteredResource>,
    by_uri: HashMap<String, usize>,
    templates: Vec<RegisteredTemplate>,
    pub(super) resource_list: WrittenList,
    pub(super) template_list: WrittenList,
}

pub(super) struct RegisteredResource {
    pub(super) resource: Resource,
    pub(super) reading: Reading,
}

pub(super) struct RegisteredTemplate {
    pub(super) template: ResourceTemplate,
    pub(super) uris: UriTemplate,
    pub(super) served: Arc<Served>,
}

/// How a resource is read.
pub(super) enum Reading {
    /// It is known already.
    Written(Arc<WrittenRead>, CacheHint),
    Served(Arc<Served>),
}

/// What a URI names.
pub(super) enum Found {
    Written(ReadReply),
    Served(Arc<Served>, ReadRequest),
}

impl Resources {
    /// Whether there are none, and cannot be any.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.source, Source::None)
    }

    /// Whether there is a template of this text, with this variable.
    pub(crate) fn knows(&self, text: &str, variable: &str) -> Known {
        let table = match &self.source {
            Source::None => return Known::NoReference,
            Source::Catalogue(_) => return Known::Maybe,
            Source::Registered(table) => table,
        };
        let mut templates = table.templates.iter().map(|registered| &registered.uris);
        match templates.find(|template| template.as_str() == text) {
            Some(found) if found.variables().any(|known| known == variable) => Known::Both,
            Some(_) => Known::NoArgument,
            // A URI without variables can be referred to as well, but there is nothing to complete.
            None if table.by_uri.contains_key(text) => Known::NoArgument,
            None => Known::NoReference,
        }
    }
}

impl ResourceTable {
    pub(super) fn new(
        resources: Vec<RegisteredResource>,
        templates: Vec<RegisteredTemplate>,
        page_size: PageSize,
    ) -> Result<Self, BuildError> {
        let mut by_uri = HashMap::with_capacity(resources.len());
        for (index, RegisteredResource { resource, .. }) in resources.iter().enumerate() {
            let uri = resource.uri();
            if by_uri.insert(uri.to_owned(), index).is_some() {
                return Err(BuildError::invalid_resource(uri, "registered twice"));
            }
        }
        for (index, RegisteredTemplate { template, .. }) in templates.iter().enumerate() {
            let text = template.uri_template();
            if templates[..index].iter().any(|before| before.template.uri_template() == text) {
                return Err(BuildError::invalid_template(text, "registered twice"));
            }
        }
        let resource_list = WrittenList::new(resources.iter().map(|it| &it.resource), page_size);
        let template_list = WrittenList::new(templates.iter().map(|it| &it.template), page_size);
        Ok(Self { resources, by_uri, templates, resource_list, template_list })
    }

    /// What a URI names: the resource of this URI, or else the first template that it matches.
    pub(super) fn find(&self, uri: &str) -> Option<Found> {
        if let Some(&index) = self.by_uri.get(uri) {
            return Some(match &self.resources[index].reading {
                Reading::Written(read, hint) => Found::Written(ReadReply::written(read, *hint)),
                Reading::Served(served) => Found::Served(Arc::clone(served), ReadRequest::new(uri)),
            });
        }
        self.templates.iter().find_map(|RegisteredTemplate { uris, served, .. }| {
            let request = ReadRequest::new(uri).with_variables(uris.matches(uri)?);
            Some(Found::Served(Arc::clone(served), request))
        })
    }
}
