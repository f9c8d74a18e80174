//! Tables in which things are found by their number, and which are never walked: their order is
//! nobody's business.
//!
//! What is found takes one look into memory however many there are, where an ordered map takes one
//! on each of its levels.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Values by numbers that nobody outside chooses: ids that count up, and keyed hashes.
pub type Found<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Spreads numbers that count up, and leaves hashes as they are. The same in every run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        // Fibonacci hashing.
        self.0 = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::hash::BuildHasher as _;

    use super::*;
    use crate::{Id, LegId};

    fn hashed(id: LegId) -> u64 {
        BuildHasherDefault::<Spread>::default().hash_one(id)
    }

    #[test]
    fn ids_that_count_up_differ_in_the_bits_that_a_table_looks_at() {
        let all: Vec<u64> = (0..4_096).map(|n| hashed(LegId(Id::new(1, 1, n)))).collect();
        let low: BTreeSet<u64> = all.iter().map(|hash| hash & 0xfff).collect();
        let high: BTreeSet<u64> = all.iter().map(|hash| hash >> 57).collect();
        assert_eq!((low.len(), high.len()), (4_096, 128));
    }

    #[test]
    fn what_was_put_in_is_found_until_it_is_taken_out() {
        let mut found = Found::default();
        for n in 0..10_000 {
            found.insert(LegId(Id::new(1, 1, n)), n);
        }
        for n in (0..10_000).step_by(2) {
            assert_eq!(found.remove(&LegId(Id::new(1, 1, n))), Some(n));
        }
        for n in 0..10_000 {
            let wanted = (n % 2 == 1).then_some(n);
            assert_eq!(found.get(&LegId(Id::new(1, 1, n))).copied(), wanted, "{n}");
        }
    }
}
