//! Spreading moments, so that clients that were cut off together do not come back together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Draws durations at random. It is for spreading load, not for secrets.
pub(crate) struct Jitter(AtomicU64);

impl Jitter {
    /// A source that begins elsewhere in every process, so that instances differ.
    pub(crate) fn new() -> Self {
        let mut seed = [0; 8];
        // Without randomness the instances do the same, which is no worse than no jitter.
        let _ = getrandom::fill(&mut seed);
        Self(AtomicU64::new(u64::from_le_bytes(seed)))
    }

    /// A duration from zero to `limit`.
    pub(crate) fn within(&self, limit: Duration) -> Duration {
        limit.mul_f64(self.fraction())
    }

    /// A duration from a half to three halves of `middle`.
    pub(crate) fn around(&self, middle: Duration) -> Duration {
        middle.mul_f64(0.5 + self.fraction())
    }

    /// SplitMix64, as a number from 0 to 1.
    fn fraction(&self) -> f64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(GOLDEN, Ordering::Relaxed).wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_within_their_limits_and_spread_evenly() {
        let jitter = Jitter(AtomicU64::new(1));
        let limit = Duration::from_secs(4);
        let mut quarters = [0_u32; 4];
        for _ in 0..4_000 {
            let drawn = jitter.within(limit);
            assert!(drawn < limit);
            quarters[drawn.as_secs() as usize] += 1;
            let around = jitter.around(limit);
            assert!((limit / 2..limit / 2 * 3).contains(&around));
        }
        assert!(quarters.iter().all(|count| (900..1_100).contains(count)), "{quarters:?}");
    }

    #[test]
    fn two_sources_draw_differently() {
        let (first, second) = (Jitter::new(), Jitter::new());
        let limit = Duration::from_secs(1_000_000);
        assert_ne!(first.within(limit), second.within(limit));
    }
}
