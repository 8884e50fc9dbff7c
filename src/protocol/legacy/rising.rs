//! What a session counts: its calls in flight and its streams, by their keys.

/// A map whose keys only ever rise, as those of calls and of streams do: a sorted list. The common
/// case is a single call, for which a tree would make and drop a node each time. A session has a
/// few hundred at most, so that to close the gap of one that goes costs little.
#[derive(Debug)]
pub(super) struct Rising<T> {
    entries: Vec<(u64, T)>,
}

impl<T> Default for Rising<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<T> Rising<T> {
    /// Adds an entry. Its key must be greater than all before.
    pub(super) fn insert(&mut self, key: u64, entry: T) {
        debug_assert!(self.entries.last().is_none_or(|(last, _)| *last < key), "keys rise");
        self.entries.push((key, entry));
    }

    pub(super) fn get(&self, key: u64) -> Option<&T> {
        self.place(key).map(|at| &self.entries[at].1)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        self.place(key).map(|at| &mut self.entries[at].1)
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.place(key).is_some()
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<T> {
        self.place(key).map(|at| self.entries.remove(at).1)
    }

    /// All entries, in the order of their keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.entries.iter().map(|(key, entry)| (*key, entry))
    }

    /// The same, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        self.entries.iter_mut().map(|(key, entry)| (*key, entry))
    }

    /// The keys of those entries that `is_meant` picks, in their order.
    pub(super) fn keys_where(&self, is_meant: impl Fn(&T) -> bool) -> impl Iterator<Item = u64> {
        self.iter().filter(move |(_, entry)| is_meant(entry)).map(|(key, _)| key)
    }

    /// Drops all entries but those that stay.
    pub(super) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.entries.retain(|(_, entry)| stays(entry));
    }

    /// Takes all entries, in the order of their keys.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.entries).into_iter().map(|(_, entry)| entry)
    }

    /// Gives back the memory of entries that have gone, if all have: a session that idles should
    /// hold none.
    pub(super) fn give_back(&mut self) {
        if self.entries.is_empty() {
            self.entries = Vec::new();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn place(&self, key: u64) -> Option<usize> {
        // Mostly it is the newest that something is done with.
        if let Some((last, _)) = self.entries.last()
            && *last == key
        {
            return Some(self.entries.len() - 1);
        }
        self.entries.binary_search_by_key(&key, |(key, _)| *key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_key_until_it_is_removed() {
        let mut calls = Rising::default();
        (1..=5).for_each(|key| calls.insert(key, key * 10));
        assert_eq!((calls.remove(3), calls.remove(3), calls.remove(9)), (Some(30), None, None));
        assert_eq!((calls.get(4), calls.get(3), calls.len()), (Some(&40), None, 4));
        *calls.get_mut(5).unwrap() = 51;
        assert!(calls.contains(1) && !calls.contains(0));
        assert_eq!(calls.keys_where(|call| *call > 10).collect::<Vec<_>>(), [2, 4, 5]);
        assert!(calls.iter().eq([(1, &10), (2, &20), (4, &40), (5, &51)]));
        calls.iter_mut().for_each(|(key, call)| *call += key);
        calls.retain(|call| *call != 22);
        assert_eq!(calls.take_all().collect::<Vec<_>>(), [11, 44, 56]);
        assert!(calls.is_empty());
    }

    #[test]
    fn what_has_none_holds_no_memory_once_it_is_given_back() {
        let mut calls = Rising::default();
        calls.insert(1, ());
        calls.give_back();
        assert!(calls.contains(1), "one that runs stays");
        calls.remove(1);
        calls.give_back();
        assert_eq!(calls.entries.capacity(), 0);
    }
}
