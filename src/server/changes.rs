//! The handle by which an application says that something of its server has changed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::protocol::change::Change;

/// Tells clients that something changed while the server runs. Cheap to clone.
///
/// It is made before the server, so that handlers can hold a clone of it, and given to
/// [`ServerBuilder::changes`](crate::ServerBuilder::changes): a server that has one declares that
/// its lists can change.
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
/// for it; and each stream of `subscriptions/listen` that asked for it. A client that has not been
/// sent the last notification of a kind gets no second one, so that a burst of changes is told
/// once: what it reads after that is newer than all of them.
///
/// A call never waits. It takes time in proportion to the sessions and streams that are told,
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
    fn hear(&self, change: Change);
}

impl Changes {
    /// A handle that nobody listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The list of tools is another, for some caller or for all (2026-07-28, Tools, List Changed
    /// Notification).
    pub fn tools_changed(&self) {
        self.announce(Change::Tools);
    }

    /// Tells an audience from now on, for as long as it lives.
    pub(crate) fn add<A: Audience + 'static>(&self, audience: &Arc<A>) {
        let audience: Weak<A> = Arc::downgrade(audience);
        let mut audiences = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
        audiences.retain(|known| known.strong_count() > 0);
        audiences.push(audience);
    }

    fn announce(&self, change: Change) {
        let audiences: Vec<_> = {
            let audiences = self.audiences.lock().unwrap_or_else(PoisonError::into_inner);
            audiences.iter().filter_map(Weak::upgrade).collect()
        };
        // Without the lock: they wake tasks, and the last one to hold an audience drops it.
        audiences.iter().for_each(|audience| audience.hear(change));
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
    struct Heard(Mutex<Vec<Change>>);

    impl Audience for Heard {
        fn hear(&self, change: Change) {
            self.0.lock().unwrap().push(change);
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
            assert_eq!(*heard.0.lock().unwrap(), [Change::Tools], "none of those before it came");
        }
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
            fn hear(&self, change: Change) {
                self.1.lock().unwrap().take();
                assert_eq!(change, Change::Tools);
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
