//! Chance that can be had again: a seed is printed, and `MCP_LOAD_SEED` brings it back.

use std::time::{SystemTime, UNIX_EPOCH};

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed of a run: that of the environment, or one of the moment.
    pub fn seed() -> u64 {
        let given = std::env::var("MCP_LOAD_SEED").ok().and_then(|seed| seed.parse().ok());
        let moment = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        given.unwrap_or_else(|| moment().as_nanos() as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` up to, and without, `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low < high, "no number is from {low} up to, and without, {high}");
        low + self.next() % (high - low)
    }

    /// A source of its own for each of many tasks.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
