//! The calls in flight of a session, by their keys.

/// A map whose keys only ever rise, as those of calls do: a sorted list. The common case is a
/// single call, for which a tree would make and drop a node each time. A session has a few hundred
/// at most, so that to close the gap of one that ends costs little.
pub(super) struct InFlight<T> {
    calls: Vec<(u64, T)>,
}

impl<T> InFlight<T> {
    pub(super) const fn new() -> Self {
        Self { calls: Vec::new() }
    }

    /// Adds a call. Its key must be greater than all before.
    pub(super) fn insert(&mut self, key: u64, call: T) {
        debug_assert!(self.calls.last().is_none_or(|(last, _)| *last < key), "keys rise");
        self.calls.push((key, call));
    }

    pub(super) fn get(&self, key: u64) -> Option<&T> {
        self.place(key).map(|at| &self.calls[at].1)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        self.place(key).map(|at| &mut self.calls[at].1)
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.place(key).is_some()
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<T> {
        self.place(key).map(|at| self.calls.remove(at).1)
    }

    /// The keys of those calls that `is_meant` picks, in their order.
    pub(super) fn keys_where(&self, is_meant: impl Fn(&T) -> bool) -> impl Iterator<Item = u64> {
        self.calls.iter().filter(move |(_, call)| is_meant(call)).map(|(key, _)| *key)
    }

    /// Takes all calls, in the order of their keys.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.calls).into_iter().map(|(_, call)| call)
    }

    /// Gives back the memory of calls that have ended, if all have: a session that idles should
    /// hold none.
    pub(super) fn give_back(&mut self) {
        if self.calls.is_empty() {
            self.calls = Vec::new();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    fn place(&self, key: u64) -> Option<usize> {
        self.calls.binary_search_by_key(&key, |(key, _)| *key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_key_until_it_is_removed() {
        let mut calls = InFlight::new();
        (1..=5).for_each(|key| calls.insert(key, key * 10));
        assert_eq!((calls.remove(3), calls.remove(3), calls.remove(9)), (Some(30), None, None));
        assert_eq!((calls.get(4), calls.get(3), calls.len()), (Some(&40), None, 4));
        *calls.get_mut(5).unwrap() = 51;
        assert!(calls.contains(1) && !calls.contains(0));
        assert_eq!(calls.keys_where(|call| *call > 10).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!(calls.take_all().collect::<Vec<_>>(), [10, 20, 40, 51]);
        assert!(calls.is_empty());
    }

    #[test]
    fn what_has_none_holds_no_memory_once_it_is_given_back() {
        let mut calls = InFlight::new();
        calls.insert(1, ());
        calls.give_back();
        assert!(calls.contains(1), "one that runs stays");
        calls.remove(1);
        calls.give_back();
        assert_eq!(calls.calls.capacity(), 0);
    }
}
