//! Resources that come and go while the server runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::builder::validate;
use super::catalogue::{ResourceCatalogue, ResourcePage, ResourceTemplatePage};
use super::definition::{Resource, ResourceTemplate};
use super::handler::{ReadRequest, ResourceHandler};
use super::result::{IntoResourceResult, ReadResourceResult};
use super::served::Served;
use super::uri_template::UriTemplate;
use crate::server::build_error::BuildError;
use crate::server::changes::Changes;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;
use crate::server::page::{PageSize, sorted_page};

/// Resources that are added and removed while the server runs, the same for every caller: a
/// [`ResourceCatalogue`] that tells clients by itself when it has changed. Cheap to clone.
///
/// ```
/// use mcp_http::{Changes, Resource, ResourceSet, Server};
///
/// let changes = Changes::new();
/// let notes = ResourceSet::new(&changes);
/// let server = Server::builder("notes", "1.0.0")
///     .resource_catalogue(notes.clone())
///     .changes(&changes)
///     .build()?;
///
/// // At any time, from any thread:
/// notes.insert_static(Resource::new("note://1", "groceries"), "Buy milk")?;
/// assert!(notes.remove("note://1"));
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// They are listed in the order of their URIs, templates in that of their text. A URI is read by
/// the resource that has it, or else by the template that it matches and that was added first. What
/// is removed is not found any more; reads that run go on. Nothing here waits for a client.
#[derive(Clone)]
pub struct ResourceSet {
    entries: Arc<RwLock<Entries>>,
    changes: Changes,
    page_size: PageSize,
}

#[derive(Default)]
struct Entries {
    resources: BTreeMap<String, Entry>,
    templates: BTreeMap<String, TemplateEntry>,
    /// How many templates were added so far.
    added: u64,
}

struct Entry {
    resource: Arc<Resource>,
    served: Arc<Served>,
}

struct TemplateEntry {
    template: Arc<ResourceTemplate>,
    uris: UriTemplate,
    served: Arc<Served>,
    /// How many templates were added before.
    age: u64,
}

impl ResourceSet {
    /// A set without resources, which tells of its changes by this handle. The server must be
    /// given the same one ([`ServerBuilder::changes`](crate::ServerBuilder::changes)).
    pub fn new(changes: &Changes) -> Self {
        Self { entries: Arc::default(), changes: changes.clone(), page_size: PageSize::default() }
    }

    /// How many entries a page of a list has at most, and at least one. Default: no limit. See
    /// [`ServerBuilder::page_size`](crate::ServerBuilder::page_size).
    #[must_use]
    pub fn with_page_size(mut self, entries: usize) -> Self {
        self.page_size = PageSize::AtMost(entries.max(1));
        self
    }

    /// Adds a resource, in place of one of the same URI. That the list has changed is told; that
    /// the contents of one have is told by [`Changes::resource_updated`].
    ///
    /// # Errors
    ///
    /// If its URI is none. Then nothing has changed.
    pub fn insert(
        &self,
        resource: Resource,
        handler: impl ResourceHandler,
    ) -> Result<(), BuildError> {
        validate(&resource)?;
        let served = Arc::new(Served::resource(&resource, Box::new(handler)));
        let uri = resource.uri().to_owned();
        let entry = Entry { resource: Arc::new(resource), served };
        // Dropped without the lock: a handler's destructor may come back here.
        let _replaced = self.write().resources.insert(uri, entry);
        self.announce();
        Ok(())
    }

    /// Adds a resource that is known already. Its size is told unless it says otherwise.
    ///
    /// # Errors
    ///
    /// If its URI is none, or its contents cannot be made. Then nothing has changed.
    pub fn insert_static(
        &self,
        resource: Resource,
        contents: impl IntoResourceResult,
    ) -> Result<(), BuildError> {
        let result = contents
            .into_resource_result()
            .map_err(|error| BuildError::invalid_resource(resource.uri(), error))?;
        let resource = resource.or_size(result.size());
        self.insert(resource, move |_: ReadRequest, _: Context| {
            std::future::ready(Ok::<_, HandlerError>(result.clone()))
        })
    }

    /// Adds resources whose URIs are made from variables, in place of a template of the same text.
    ///
    /// # Errors
    ///
    /// If it is no template, or an ambiguous one: see [`UriTemplate::parse`]. Then nothing has
    /// changed.
    pub fn insert_template(
        &self,
        template: ResourceTemplate,
        handler: impl ResourceHandler,
    ) -> Result<(), BuildError> {
        let uris = UriTemplate::parse(template.uri_template())?;
        let served = Arc::new(Served::template(&template, Box::new(handler)));
        let text = template.uri_template().to_owned();
        let _replaced = {
            let entries = &mut *self.write();
            let age = entries.templates.get(&text).map_or(entries.added, |known| known.age);
            entries.added += 1;
            let entry = TemplateEntry { template: Arc::new(template), uris, served, age };
            entries.templates.insert(text, entry)
        };
        self.announce();
        Ok(())
    }

    /// Removes a resource. False if there is none of this URI.
    pub fn remove(&self, uri: &str) -> bool {
        let removed = self.write().resources.remove(uri);
        self.announce_if(removed.is_some())
    }

    /// Removes a template. False if there is none of this text.
    pub fn remove_template(&self, uri_template: &str) -> bool {
        let removed = self.write().templates.remove(uri_template);
        self.announce_if(removed.is_some())
    }

    /// Whether there is a resource of this URI.
    pub fn contains(&self, uri: &str) -> bool {
        self.entries().resources.contains_key(uri)
    }

    fn find(&self, uri: &str) -> Option<(Arc<Served>, ReadRequest)> {
        let entries = self.entries();
        if let Some(entry) = entries.resources.get(uri) {
            return Some((Arc::clone(&entry.served), ReadRequest::new(uri)));
        }
        let matching = entries
            .templates
            .values()
            .filter_map(|entry| Some((entry, entry.uris.matches(uri)?)))
            .min_by_key(|(entry, _)| entry.age);
        matching.map(|(entry, variables)| {
            (Arc::clone(&entry.served), ReadRequest::new(uri).with_variables(variables))
        })
    }

    fn announce_if(&self, is_changed: bool) -> bool {
        if is_changed {
            self.announce();
        }
        is_changed
    }

    fn announce(&self) {
        self.changes.resources_changed();
    }

    fn entries(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResourceCatalogue for ResourceSet {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        _cx: Context,
    ) -> BoxFuture<'static, Result<ResourcePage, HandlerError>> {
        let page = || {
            let resources = &self.entries().resources;
            let (page, next_cursor) =
                sorted_page::<Resource, _>(resources, self.page_size, cursor.as_deref())?;
            let page = page.into_iter().map(|entry| Arc::clone(&entry.resource));
            Ok(ResourcePage { next_cursor, ..ResourcePage::new(page) })
        };
        Box::pin(std::future::ready(page().map_err(HandlerError::from_rpc)))
    }

    fn list_templates(
        self: Arc<Self>,
        cursor: Option<String>,
        _cx: Context,
    ) -> BoxFuture<'static, Result<ResourceTemplatePage, HandlerError>> {
        let page = || {
            let templates = &self.entries().templates;
            let (page, next_cursor) =
                sorted_page::<ResourceTemplate, _>(templates, self.page_size, cursor.as_deref())?;
            let page = page.into_iter().map(|entry| Arc::clone(&entry.template));
            Ok(ResourceTemplatePage { next_cursor, ..ResourceTemplatePage::new(page) })
        };
        Box::pin(std::future::ready(page().map_err(HandlerError::from_rpc)))
    }

    fn read(
        self: Arc<Self>,
        uri: String,
        cx: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
        match self.find(&uri) {
            Some((served, request)) => served.read(request, cx),
            None => Box::pin(std::future::ready(Err(HandlerError::resource_not_found(uri)))),
        }
    }
}

impl fmt::Debug for ResourceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        f.debug_struct("ResourceSet")
            .field("resources", &entries.resources.keys())
            .field("templates", &entries.templates.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt;

    use super::*;
    use crate::protocol::change::{Change, Notice};
    use crate::protocol::version::ProtocolVersion;
    use crate::server::Audience;
    use crate::server::context::tests::{context, info};

    fn cx() -> Context {
        context(info(ProtocolVersion::LATEST))
    }

    fn list(
        set: &ResourceSet,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), HandlerError> {
        let page = Arc::new(set.clone()).list(cursor.map(str::to_owned), cx());
        page.now_or_never().expect("it does not wait").map(|page| {
            let uris = page.resources.iter().map(|resource| resource.uri().to_owned());
            (uris.collect(), page.next_cursor)
        })
    }

    fn templates(set: &ResourceSet, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
        let page = Arc::new(set.clone()).list_templates(cursor.map(str::to_owned), cx());
        let page = page.now_or_never().expect("it does not wait").unwrap();
        let texts = page.templates.iter().map(|template| template.uri_template().to_owned());
        (texts.collect(), page.next_cursor)
    }

    fn read(set: &ResourceSet, uri: &str) -> Result<String, String> {
        let read = Arc::new(set.clone()).read(uri.into(), cx());
        let read = read.now_or_never().expect("it does not wait");
        read.map(|result| result.contents()[0].as_text().unwrap().to_owned())
            .map_err(|error| error.to_string())
    }

    fn says(
        text: &'static str,
    ) -> impl Fn(ReadRequest, Context) -> std::future::Ready<Result<&'static str, HandlerError>>
    {
        move |_, _| std::future::ready(Ok(text))
    }

    fn template(text: &str) -> ResourceTemplate {
        ResourceTemplate::new(text, "t")
    }

    #[test]
    fn what_is_inserted_and_removed_is_listed_and_read() {
        let set = ResourceSet::new(&Changes::new());
        set.insert(Resource::new("a:2", "two"), says("two")).unwrap();
        set.insert_static(Resource::new("a:1", "one"), "one").unwrap();
        assert_eq!(list(&set, None).unwrap(), (vec!["a:1".into(), "a:2".into()], None));
        assert_eq!(read(&set, "a:1").unwrap(), "one");
        set.insert_static(Resource::new("a:1", "one"), "another").unwrap();
        assert_eq!(read(&set, "a:1").unwrap(), "another");
        assert!(set.contains("a:1") && set.remove("a:1"));
        assert!(!set.contains("a:1") && !set.remove("a:1"));
        assert_eq!(read(&set, "a:1"), Err("Resource not found: a:1".into()));
        assert!(set.insert_static(Resource::new("no uri", "n"), "").is_err());
        assert_eq!(list(&set, None).unwrap().0, ["a:2"]);
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<Change>>);

    impl Audience for Heard {
        fn hear(&self, notice: &Notice) {
            self.0.lock().unwrap().push(notice.subject().change());
        }
    }

    /// 2026-07-28, Resources, List Changed Notification.
    #[test]
    fn whatever_changes_a_list_is_told_and_nothing_else_is() {
        let changes = Changes::new();
        let heard = Arc::new(Heard::default());
        changes.add(&heard);
        let told = || std::mem::take(&mut *heard.0.lock().unwrap());
        let set = ResourceSet::new(&changes);
        set.insert(Resource::new("a:1", "n"), says("")).unwrap();
        assert_eq!(told(), [Change::Resources]);
        set.insert_static(Resource::new("a:2", "n"), "").unwrap();
        assert_eq!(told(), [Change::Resources]);
        set.insert_template(template("a:t/{x}"), says("")).unwrap();
        assert_eq!(told(), [Change::Resources]);
        assert!(set.remove("a:1") && set.remove_template("a:t/{x}"));
        assert_eq!(told(), [Change::Resources; 2]);
        assert!(!set.remove("a:1") && !set.remove_template("a:t/{x}"));
        assert!(set.insert(Resource::new("no uri", "n"), says("")).is_err());
        assert!(set.insert_template(template("a:{x}{y}"), says("")).is_err());
        assert_eq!(read(&set, "a:2").unwrap(), "");
        assert_eq!(told(), []);
    }

    #[test]
    fn a_resource_that_is_known_tells_its_size() {
        let set = ResourceSet::new(&Changes::new());
        set.insert_static(Resource::new("a:1", "one"), "four").unwrap();
        let page = Arc::new(set).list(None, cx()).now_or_never().unwrap().unwrap();
        assert_eq!(page.resources()[0].size(), Some(4));
    }

    #[test]
    fn the_template_that_was_added_first_reads_what_no_resource_is() {
        let set = ResourceSet::new(&Changes::new());
        set.insert_template(template("a:{+z}"), says("first")).unwrap();
        set.insert_template(template("a:{b}"), says("second")).unwrap();
        set.insert(Resource::new("a:x", "x"), says("itself")).unwrap();
        assert_eq!(read(&set, "a:x").unwrap(), "itself");
        assert_eq!(read(&set, "a:y").unwrap(), "first");
        set.insert_template(template("a:{+z}"), says("still first")).unwrap();
        assert_eq!(read(&set, "a:y").unwrap(), "still first");
        assert_eq!(templates(&set, None).0, ["a:{+z}", "a:{b}"]);
        assert!(set.remove_template("a:{+z}") && !set.remove_template("a:{+z}"));
        assert_eq!(read(&set, "a:y").unwrap(), "second");
        assert!(set.insert_template(template("a:{b}{c}"), says("")).is_err());
    }

    #[test]
    fn what_is_removed_between_two_pages_hides_nothing_else() {
        let set = ResourceSet::new(&Changes::new()).with_page_size(2);
        for uri in ["a:1", "a:2", "a:3", "a:4"] {
            set.insert_static(Resource::new(uri, "n"), "").unwrap();
            set.insert_template(template(&format!("{uri}/{{x}}")), says("")).unwrap();
        }
        let (first, cursor) = list(&set, None).unwrap();
        assert_eq!(first, ["a:1", "a:2"]);
        let (_, of_templates) = templates(&set, None);
        set.remove("a:2");
        set.remove("a:3");
        assert_eq!(list(&set, cursor.as_deref()).unwrap(), (vec!["a:4".into()], None));
        assert_eq!(templates(&set, of_templates.as_deref()).0, ["a:3/{x}", "a:4/{x}"]);
        let error = list(&set, of_templates.as_deref()).unwrap_err();
        assert_eq!(error.to_string(), "Invalid cursor", "it is of another list");
    }
}
