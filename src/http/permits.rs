//! How many calls may run at once.
//!
//! Each call takes a permit and gives it back. One number would be written by every core for every
//! call, and they would wait for each other; so the permits lie in several places, each of which is
//! mostly one connection's, and a call goes to the other places only when its own has none left.

use std::sync::Arc;

use super::mount::Mount;
use super::service::Shared;
use crate::protocol::sync::{AtomicUsize, Ordering};

const PLACES: usize = 16;

/// The permits of a service.
pub(crate) struct Permits {
    limit: usize,
    places: [Place; PLACES],
    /// How many were given a place.
    placed: AtomicUsize,
}

/// What lies in one place. No two are in the same cache lines, of which processors fetch two.
#[repr(align(128))]
struct Place {
    free: AtomicUsize,
}

/// One of the places that permits lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaceIndex(usize);

impl Permits {
    /// So many permits, spread evenly.
    pub(crate) fn new(limit: usize) -> Self {
        let share = |at| limit / PLACES + usize::from(at < limit % PLACES);
        let places = std::array::from_fn(|at| Place { free: AtomicUsize::new(share(at)) });
        Self { limit, places, placed: AtomicUsize::new(0) }
    }

    /// Where to look first: each who asks is told another place, in turn.
    pub(crate) fn next_place(&self) -> PlaceIndex {
        PlaceIndex(self.placed.fetch_add(1, Ordering::Relaxed) % PLACES)
    }

    /// How many are taken. While others take some or give them back, it is as of no one moment.
    pub(crate) fn taken(&self) -> usize {
        let free = self.places.iter().map(|place| place.free.load(Ordering::Relaxed));
        self.limit.saturating_sub(free.sum())
    }

    /// Takes a permit, and says from where; none if there is none in any place.
    fn take(&self, PlaceIndex(first): PlaceIndex) -> Option<PlaceIndex> {
        let places = (first..PLACES).chain(0..first);
        places.into_iter().find(|at| self.places[*at].take()).map(PlaceIndex)
    }

    fn give_back(&self, PlaceIndex(at): PlaceIndex) {
        self.places[at].free.fetch_add(1, Ordering::Relaxed);
    }
}

impl Place {
    fn take(&self) -> bool {
        let one_less = |free: usize| free.checked_sub(1);
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

/// The right to run one call, given back when it is dropped.
pub(crate) struct CallPermit {
    mount: Arc<Mount>,
    from: PlaceIndex,
}

impl CallPermit {
    /// Takes a permit; none if as many calls run as may.
    pub(crate) fn take(mount: &Arc<Mount>) -> Option<Self> {
        let from = mount.shared.permits.take(mount.place)?;
        Some(Self { mount: Arc::clone(mount), from })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.mount.shared
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        self.mount.shared.permits.give_back(self.from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decision 8: exactly as many as there are, wherever one looks first.
    #[test]
    fn all_permits_are_found_from_any_place_and_no_more() {
        for limit in [0, 1, 15, 16, 17, 100] {
            for first in [0, 7, PLACES - 1] {
                let permits = Permits::new(limit);
                let taken: Vec<_> =
                    std::iter::from_fn(|| permits.take(PlaceIndex(first))).collect();
                assert_eq!((taken.len(), permits.taken()), (limit, limit));
                taken.into_iter().for_each(|from| permits.give_back(from));
                assert_eq!(permits.taken(), 0);
            }
        }
    }

    #[test]
    fn connections_look_in_different_places_first() {
        let permits = Permits::new(100);
        assert_ne!(permits.next_place(), permits.next_place());
    }
}

#[cfg(all(test, shuttle))]
mod shuttle_tests {
    use shuttle::thread;

    use super::*;
    use crate::http::McpService;
    use crate::protocol::sync::explore;
    use crate::server::Server;

    /// Decision 8: no more calls than may be, however many come at once, and all are given back.
    #[test]
    fn no_more_calls_are_permitted_than_may_be() {
        explore(|| {
            let server = Server::builder("demo", "1.0.0").build().unwrap();
            let service = McpService::builder(server).max_calls(2).build().unwrap();
            let callers = [0, 1, 2].map(|_| {
                let service = service.clone();
                thread::spawn(move || {
                    let Some(permit) = CallPermit::take(service.mount()) else { return };
                    drop(permit);
                })
            });
            let held = [0, 1, 2].map(|_| CallPermit::take(service.mount()));
            assert!(held.iter().flatten().count() <= 2);
            drop(held);
            callers.into_iter().for_each(|it| it.join().unwrap());
            assert_eq!(service.calls_in_flight(), 0);
            let again = [0, 1, 2].map(|_| CallPermit::take(service.mount()).is_some());
            assert_eq!(again, [true, true, true], "each is given back at once");
        });
    }
}
