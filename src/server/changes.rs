//! The handle by which an application says that something of its server has changed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::protocol::change::{Notice, Subject};

/// Tells clients that something changed while the server runs. Cheap to clone.
///
/// It is made before the server, so that handlers can hold a clone of it, and given to
/// [`ServerBuilder::changes`](crate::ServerBuilder::changes): a server that has one declares that
/// its lists can change, and that its resources can be subscribed to.
///
/// ```
/// use mcp_http::{Arguments, Changes, Context, Server, Tool, ToolError};
///
/// let changes = Changes::new();
/// let announce = changes.clone();
/// let server = Server::builder("plugins", "1.0.0")
///     .tool(Tool::new("install"), move |_: Arguments, _: Context| {
///         let announce = announce.clone();
///         async move {
///             // ... from now on the catalogue lists another tool.
///             announce.tools_changed();
///             Ok::<_, ToolError>("installed")
///         }
///     })
///     .changes(&changes)
///     .build()?;
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// Who is told: each legacy session, on its standalone stream, at once or when its client comes
/// for it; and each stream of `subscriptions/listen` that asked for it. Of a resource they are
/// told who subscribed to it. A client that has not been sent the last notification of a list, or
/// of a resource, gets no second one, so that a burst of changes is told once: what it reads after
/// that is newer than all of them.
///
/// A call never waits. It takes time in proportion to the sessions and streams that there are,
/// and next to none where there are none.
///
/// One handle may be given to several servers, and a server to several services: the clients of
/// all are told. It keeps none of them alive.
#[derive(Clone, Default)]
pub struct Changes {
    audiences: Arc<Mutex<Vec<Weak<dyn Audience>>>>,
}

/// Who passes changes on to its clients.
pub(crate) trait Audience: Send + Sync {
    fn hear(&self, notice: &Notice);
}

impl Changes {
    /// A handle that nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The list of tools is another, for some caller or for all (2026-07-28, Tools, List Changed
    /// Notification).
    pub fn tools_changed(&self) {
        self.announce(Subject::Tools);
    }

    /// The list of prompts is another, for some caller or for all (2026-07-28, Prompts, List
    /// Changed Notification).
    pub fn prompts_changed(&self) {
        self.announce(Subject::Prompts);
    }

    /// The list of resources is another, or that of their templates, for some caller or for all
    /// (2026-07-28, Resources, List Changed Notification).
    pub fn resources_changed(&self) {
        self.announce(Subject::Resources);
    }

    /// A resource has changed, and whoever subscribed to it should read it again.
    ///
    /// ```
    /// use mcp_http::Changes;
    ///
    /// let changes = Changes::new();
    /// // ... the file was written.
    /// changes.resource_updated("file:///project/config.json");
    /// ```
    ///
    /// The URI is compared with those that clients subscribed to as it is written: `file:///a` and
    /// `file:///A`, or `file:///%61`, are three. Whoever subscribed to a directory is told of what
    /// is in it if this is called for the directory too.
    ///
    /// It is not looked up: a resource that is gone can be told of as well as one that is new.
    ///
    /// # Security
    ///
    /// Who may subscribe is not asked either: any caller may name any URI, and then learns when this
    /// is called for it, though never what it holds. Where the mere fact is a secret, put into the
    /// URI what others cannot guess.
    ///
    /// Source: 2026-07-28, Resources, Subscriptions; Subscriptions, Notification Filter. Before
    /// that revision, Resources, Subscriptions.
    pub fn resource_updated(&self, uri: impl AsRef<str>) {
        self.announce(Subject::Resource(uri.as_ref().into()));
    }

    /// Tells an audience from now on, for as long as it lives.
    pub(crate) fn add<A: Audience + 'static>(&self, audience: &Arc<A>) {
        let audience: Weak<A> = Arc::downgrade(audience);
        let mut audiences = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
        audiences.retain(|known| known.strong_count() > 0);
        audiences.push(audience);
    }

    fn announce(&self, subject: Subject) {
        let audiences: Vec<_> = {
            let audiences = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
            audiences.iter().filter_map(Weak::upgrade).collect()
        };
        if audiences.is_empty() {
            return;
        }
        let notice = Notice::of(subject);
        // Without the lock: they wake tasks, and the last one to hold an audience drops it.
        audiences.iter().for_each(|audience| audience.hear(&notice));
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<Subject>>);

    impl Audience for Heard {
        fn hear(&self, notice: &Notice) {
            self.0.lock().unwrap().push(notice.subject().clone());
        }
    }

    fn audience(changes: &Changes) -> Arc<Heard> {
        let heard = Arc::new(Heard::default());
        changes.add(&heard);
        heard
    }

    #[test]
    fn every_audience_of_every_clone_hears_of_a_change() {
        let changes = Changes::new();
        changes.tools_changed();
        let (one, two) = (audience(&changes), audience(&changes.clone()));
        changes.clone().tools_changed();
        for heard in [one, two] {
            assert_eq!(*heard.0.lock().unwrap(), [Subject::Tools], "none of those before it came");
        }
    }

    #[test]
    fn each_kind_of_change_is_heard_as_what_it_is() {
        let changes = Changes::new();
        let heard = audience(&changes);
        changes.tools_changed();
        changes.prompts_changed();
        changes.resources_changed();
        changes.resource_updated("file:///a");
        changes.resource_updated(String::from("file:///b"));
        let resource = |uri: &str| Subject::Resource(uri.into());
        let lists = [Subject::Tools, Subject::Prompts, Subject::Resources];
        let all = lists.into_iter().chain([resource("file:///a"), resource("file:///b")]);
        assert_eq!(*heard.0.lock().unwrap(), all.collect::<Vec<_>>());
    }

    #[test]
    fn an_audience_is_not_kept_alive_and_leaves_nothing_behind() {
        let changes = Changes::new();
        let heard = audience(&changes);
        assert_eq!(Arc::strong_count(&heard), 1);
        drop(heard);
        changes.tools_changed();
        let _another = audience(&changes);
        assert_eq!(changes.audiences.lock().unwrap().len(), 1);
    }

    /// A handler, whose server it is, may hold the handle: that must not be a cycle that is never
    /// freed, nor may the end of an audience while it hears meet a lock.
    #[test]
    fn an_audience_may_end_while_it_hears() {
        struct Last(Changes, Mutex<Option<Arc<Last>>>);
        impl Audience for Last {
            fn hear(&self, notice: &Notice) {
                self.1.lock().unwrap().take();
                assert_eq!(*notice.subject(), Subject::Tools);
            }
        }
        impl Drop for Last {
            fn drop(&mut self) {
                self.0.tools_changed();
            }
        }
        let changes = Changes::new();
        let last = Arc::new(Last(changes.clone(), Mutex::default()));
        *last.1.lock().unwrap() = Some(last.clone());
        changes.add(&last);
        let weak = Arc::downgrade(&last);
        drop(last);
        changes.tools_changed();
        assert!(weak.upgrade().is_none());
    }
}
