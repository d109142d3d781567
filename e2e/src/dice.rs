//! Chance that can be had again: every run prints its seed, `PLANTAIN_SEED` repeats it.

use std::time::Duration;

/// How many rounds a test plays: `PLANTAIN_ROUNDS`, or few.
pub fn rounds(few: usize) -> usize {
    variable("PLANTAIN_ROUNDS").and_then(|n| usize::try_from(n).ok()).unwrap_or(few)
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Of `PLANTAIN_SEED`, or of the clock; says which.
    pub fn new(what: &str) -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().map_or(1, |d| d.subsec_nanos().into());
        let seed = variable("PLANTAIN_SEED").unwrap_or(now);
        println!("{what}: PLANTAIN_SEED={seed}");
        Self(seed)
    }

    /// Of this seed, quietly.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Other dice, of the same seed.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// `0..below`.
    pub fn below(&mut self, below: u64) -> u64 {
        self.next() % below.max(1)
    }

    pub fn up_to(&mut self, longest: Duration) -> Duration {
        let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(longest_us))
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = usize::try_from(self.below(i as u64 + 1)).unwrap_or(0);
            items.swap(i, j);
        }
    }
}
