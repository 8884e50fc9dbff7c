//! Bytes that were handed to hyper and are not written yet.

use std::sync::Arc;

use bytes::Bytes;

use crate::protocol::budget::{Budget, Share};

/// What is shorter is not counted one by one: of it hyper holds no more than its write buffer, for
/// each connection, and a count for each would cost more than it tells.
const LEAST: usize = 16 * 1024;

/// Has bytes count towards the budget until they are written, or will never be.
pub(crate) fn counted(bytes: Bytes, budget: &Arc<Budget>) -> Bytes {
    if bytes.len() < LEAST { bytes } else { counted_whatever_its_length(bytes, budget) }
}

/// The same for what is short, too.
pub(crate) fn counted_whatever_its_length(bytes: Bytes, budget: &Arc<Budget>) -> Bytes {
    let mut share = Share::of(budget);
    share.grow(bytes.len());
    Bytes::from_owner(Counted { bytes, _share: share })
}

struct Counted {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_counts_until_its_last_part_is_dropped() {
        let budget = Budget::new(1024 * 1024);
        let mut bytes = counted(Bytes::from(vec![7; LEAST]), &budget);
        let part = bytes.split_to(10);
        drop(bytes);
        assert_eq!((part.as_ref(), budget.held()), (&[7; 10][..], LEAST));
        drop(part);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_is_short_passes_uncounted() {
        let budget = Budget::new(1024 * 1024);
        let _bytes = counted(Bytes::from(vec![7; LEAST - 1]), &budget);
        assert_eq!(budget.held(), 0);
    }
}
