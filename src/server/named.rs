//! A set of what is found by its name and comes and goes while the server runs: what is behind
//! [`ToolSet`](super::ToolSet) and [`PromptSet`](super::PromptSet).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::page::{Listed, PageSize, sorted_page};
use crate::protocol::jsonrpc::RpcError;

/// The entries by their names. Its clones share them.
pub(super) struct NamedSet<V> {
    entries: Arc<RwLock<BTreeMap<String, Arc<V>>>>,
    page_size: PageSize,
}

impl<V> NamedSet<V> {
    pub(super) fn set_page_size(&mut self, entries: usize) {
        self.page_size = PageSize::AtMost(entries.max(1));
    }

    /// Adds an entry, or puts it in the place of the one of its name.
    pub(super) fn insert(&self, name: String, entry: V) {
        // Dropped without the lock: a handler's destructor may come back here.
        let _replaced = self.write().insert(name, Arc::new(entry));
    }

    /// Takes an entry away, and says whether there was one.
    pub(super) fn remove(&self, name: &str) -> bool {
        let removed = self.write().remove(name);
        removed.is_some()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.read().contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<V>> {
        self.read().get(name).cloned()
    }

    /// What `pick` takes of each entry of the page that the cursor names, and where the next one
    /// begins.
    ///
    /// # Errors
    ///
    /// If the cursor is none of this list.
    pub(super) fn page<T: Listed>(
        &self,
        cursor: Option<&str>,
        pick: impl Fn(&V) -> &Arc<T>,
    ) -> Result<(Vec<Arc<T>>, Option<String>), RpcError> {
        let entries = self.read();
        let (page, next_cursor) = sorted_page::<T, _>(&entries, self.page_size, cursor)?;
        Ok((page.into_iter().map(|entry| Arc::clone(pick(entry))).collect(), next_cursor))
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<V>>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<V>>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Default for NamedSet<V> {
    fn default() -> Self {
        Self { entries: Arc::default(), page_size: PageSize::default() }
    }
}

impl<V> Clone for NamedSet<V> {
    fn clone(&self) -> Self {
        Self { entries: Arc::clone(&self.entries), page_size: self.page_size }
    }
}

/// The names.
impl<V> fmt::Debug for NamedSet<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.read().keys()).finish()
    }
}
