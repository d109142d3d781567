//! Chance from a seed: the same seed plays the same life, on every machine and in every version.

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to choose commands with.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` − 1.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::try_from(self.roll() % u64::try_from(high - low + 1).unwrap()).unwrap()
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.roll() % 100 < chance
    }

    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// By weight.
    pub fn weighted<T: Copy>(&mut self, all: &[(T, u32)]) -> T {
        let mut left = self.roll() % all.iter().map(|(_, weight)| u64::from(*weight)).sum::<u64>();
        for (one, weight) in all {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return *one,
            }
        }
        unreachable!("the weights were summed")
    }

    /// One of the latest; now and then an old one, or one that isn't there.
    pub fn latest<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let back = match self.below(20) {
            0 => return None,
            1..=10 => 0,
            11..=14 => 1,
            15..=16 => 2,
            _ => self.below(all.len()),
        };
        all.iter().rev().nth(back).cloned()
    }
}
