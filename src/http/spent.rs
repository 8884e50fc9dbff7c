//! Which states of requests were used up, as long as they could come again.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// At most so many are remembered.
const LIMIT: usize = 65_536;

/// Identifies a state through all its rounds.
pub(crate) type Chain = [u8; 24];

/// Those that were used up. Nothing is kept longer than it could come again.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    chains: HashSet<Chain>,
    /// When they may be forgotten, in milliseconds of the wall clock.
    until: BTreeMap<u64, Vec<Chain>>,
}

/// What became of the wish to use one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spending {
    Done,
    Before,
    NoRoom,
}

impl Spent {
    pub(crate) fn contains(&self, chain: &Chain) -> bool {
        self.lock().chains.contains(chain)
    }

    /// Uses one up, and remembers that until the moment `until`.
    pub(crate) fn spend(&self, chain: Chain, now: u64, until: u64) -> Spending {
        let mut state = self.lock();
        state.forget(now);
        if state.chains.contains(&chain) {
            return Spending::Before;
        }
        if state.chains.len() >= LIMIT {
            return Spending::NoRoom;
        }
        state.chains.insert(chain);
        state.until.entry(until).or_default().push(chain);
        Spending::Done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: u64) {
        while let Some(first) = self.until.first_entry()
            && *first.key() < now
        {
            for chain in first.remove() {
                self.chains.remove(&chain);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(number: usize) -> Chain {
        let mut chain = [0; 24];
        chain[..8].copy_from_slice(&number.to_be_bytes());
        chain
    }

    #[test]
    fn one_is_used_up_once_and_forgotten_when_it_cannot_come_again() {
        let spent = Spent::default();
        assert!(!spent.contains(&chain(1)));
        assert_eq!(spent.spend(chain(1), 0, 10), Spending::Done);
        assert!(spent.contains(&chain(1)));
        assert_eq!(spent.spend(chain(1), 10, 20), Spending::Before);
        assert_eq!(spent.spend(chain(2), 11, 20), Spending::Done);
        assert!(!spent.contains(&chain(1)));
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit. What does not fit is
    /// refused: to forget another would let that one come again.
    #[test]
    fn one_too_many_is_refused_until_others_are_forgotten() {
        let spent = Spent::default();
        for number in 0..LIMIT {
            assert_eq!(spent.spend(chain(number), 0, 10), Spending::Done);
        }
        assert_eq!(spent.spend(chain(LIMIT), 10, 20), Spending::NoRoom);
        assert_eq!(spent.spend(chain(LIMIT), 11, 20), Spending::Done);
    }
}
