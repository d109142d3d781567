//! A blocked Bloom filter: has this id been in the log? "No" is certain, "maybe" is looked up.
//!
//! 16 bits an id, 8 of them set, all in one block of 512 bits: one cache line a question, and about
//! 1 "maybe" in 1 000 that is a "no". The hash is the same on every machine.

/// Memory for each id.
const BITS_PER_ID: usize = 16;
const BLOCK_BITS: usize = 512;
/// Bits an id sets in its block.
const BITS_SET: u32 = 8;

#[derive(Debug)]
pub struct Filter {
    blocks: Vec<[u64; BLOCK_BITS / 64]>,
    count: usize,
    capacity: usize,
}

impl Filter {
    /// For so many ids; with more, "maybe" becomes more frequent and nothing worse.
    pub fn with_capacity(ids: usize) -> Self {
        let blocks = (ids * BITS_PER_ID).div_ceil(BLOCK_BITS).max(1);
        Self { blocks: vec![[0; BLOCK_BITS / 64]; blocks], count: 0, capacity: ids }
    }

    pub fn insert(&mut self, hash: u64) {
        let (block, mut bits) = self.place(hash);
        for _ in 0..BITS_SET {
            self.blocks[block][(bits & 7) as usize] |= 1 << ((bits >> 3) & 63);
            bits >>= 9;
        }
        self.count += 1;
    }

    pub fn maybe(&self, hash: u64) -> bool {
        let (block, bits) = self.place(hash);
        let block = &self.blocks[block];
        (0..BITS_SET).all(|n| {
            let bits = bits >> (9 * n);
            block[(bits & 7) as usize] & (1 << ((bits >> 3) & 63)) != 0
        })
    }

    /// Holds as many ids as it was made for.
    pub fn is_full(&self) -> bool {
        self.count >= self.capacity
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The block, and 8 × 9 bits that choose bits in it.
    fn place(&self, hash: u64) -> (usize, u128) {
        let block = (u128::from(hash) * self.blocks.len() as u128) >> 64;
        let (a, b) = (mix(hash ^ 0x9e37_79b9_7f4a_7c15), mix(hash ^ 0xd1b5_4a32_d192_ed03));
        // Invariant: less than the number of blocks.
        (block as usize, (u128::from(a) << 64) | u128::from(b))
    }
}

/// 64 bits of these parts: FNV-1a with a separator no text holds, then mixed.
pub fn hash_of(parts: [&str; 2]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    mix(hash)
}

/// The end of splitmix64.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_little_else() {
        const IDS: u64 = 100_000;
        let id = |n: u64| hash_of(["telegram", &format!("generation_request:{n}")]);
        let mut filter = Filter::with_capacity(IDS as usize);
        (0..IDS).for_each(|n| filter.insert(id(n)));
        assert!((0..IDS).all(|n| filter.maybe(id(n))));
        assert!(filter.is_full());
        let wrong = (IDS..2 * IDS).filter(|n| filter.maybe(id(*n))).count();
        assert!(wrong < 300, "{wrong} of {IDS} unknown ids are taken for known");
    }

    #[test]
    fn an_empty_filter_knows_nobody_and_parts_do_not_slide() {
        assert!(!Filter::with_capacity(0).maybe(hash_of(["a", "b"])));
        assert_ne!(hash_of(["ab", "c"]), hash_of(["a", "bc"]));
        // For ever the same, whatever the machine.
        assert_eq!(hash_of(["telegram", "start:1:2"]), hash_of(["telegram", "start:1:2"]));
    }
}
