//! A hash for maps by id. Ids are random or counted by us, so nobody can choose many that collide, and several times
//! cheaper than the standard one will do.

use std::hash::{BuildHasherDefault, Hasher};

pub(super) type Ids = BuildHasherDefault<IdHasher>;

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct IdHasher(u64);

/// Odd, with bits all over: of the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(FACTOR);
    }

    fn write_i64(&mut self, n: i64) {
        self.write_u64(n.cast_unsigned());
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    /// The upper bits are the best mixed; maps look at the lower ones first.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::BuildHasher as _;

    use super::*;

    #[test]
    fn ids_that_are_counted_fall_into_different_places() {
        let of = |n: i64| Ids::default().hash_one((uuid::Uuid::from_u128(7), n)) & 0xffff;
        let places: HashSet<u64> = (0..1_000).map(of).collect();
        assert!(places.len() > 950, "{}", places.len());
    }
}
