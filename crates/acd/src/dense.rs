//! A set of small numbers, a bit for each.

/// Numbers below a bound that grows with the table, taken out lowest first.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    words: Vec<u64>,
    /// No word before this one has a bit.
    first: usize,
}

impl Dense {
    /// An empty set of numbers below `bound`.
    pub(crate) fn new(bound: usize) -> Self {
        Self { words: vec![0; bound.div_ceil(64)], first: usize::MAX }
    }

    /// More numbers are below the bound than were.
    pub(crate) fn grow(&mut self, bound: usize) {
        self.words.resize(bound.div_ceil(64).max(self.words.len()), 0);
    }

    /// Adds a number; one that is not below the bound is left out.
    pub(crate) fn insert(&mut self, number: u32) {
        let at = number as usize / 64;
        if let Some(word) = self.words.get_mut(at) {
            *word |= 1 << (number % 64);
            self.first = self.first.min(at);
        }
    }

    /// Takes the lowest number out.
    pub(crate) fn pop_first(&mut self) -> Option<u32> {
        while let Some(word) = self.words.get_mut(self.first) {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                return Some(u32::try_from(self.first).ok()? * 64 + bit);
            }
            self.first += 1;
        }
        self.first = usize::MAX;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Dense;

    proptest! {
        #[test]
        fn numbers_come_out_once_and_the_lowest_first(
            steps in prop::collection::vec(prop::option::of(0_u32..220), 0..400),
        ) {
            let (mut dense, mut set) = (Dense::new(200), BTreeSet::new());
            for step in steps {
                match step {
                    Some(number) => {
                        dense.insert(number);
                        // The bound is met by the word, not by the bit.
                        set.extend((number < 256).then_some(number));
                    }
                    None => prop_assert_eq!(dense.pop_first(), set.pop_first()),
                }
            }
            while let Some(number) = set.pop_first() {
                prop_assert_eq!(dense.pop_first(), Some(number));
            }
            prop_assert_eq!(dense.pop_first(), None);
        }
    }
}
