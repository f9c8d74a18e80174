//! A sorted line that knows everyone's place.

use std::ops::Range;

/// How many elements a piece has before it is cut in two.
const PIECE: usize = 256;

/// A sorted set that also tells how many elements come before one.
///
/// Kept in pieces of at most [`PIECE`], so that with 10,000 elements an insertion moves some
/// hundred bytes and a place is found by adding up some forty lengths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line<T> {
    /// None is empty.
    pieces: Vec<Vec<T>>,
    len: usize,
}

impl<T: Ord + Copy> Line<T> {
    pub(crate) const fn new() -> Self {
        Self { pieces: Vec::new(), len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Adds an element that is not in the line.
    pub(crate) fn insert(&mut self, element: T) {
        let at = self.piece_of(&element).min(self.pieces.len().saturating_sub(1));
        let Some(piece) = self.pieces.get_mut(at) else {
            self.pieces.push(vec![element]);
            self.len = 1;
            return;
        };
        let Err(place) = piece.binary_search(&element) else { return };
        piece.insert(place, element);
        self.len += 1;
        if piece.len() > PIECE {
            let upper = piece.split_off(PIECE / 2);
            self.pieces.insert(at + 1, upper);
        }
    }

    /// Removes an element; false if it was not in the line.
    pub(crate) fn remove(&mut self, element: &T) -> bool {
        let at = self.piece_of(element);
        let Some(piece) = self.pieces.get_mut(at) else { return false };
        let Ok(place) = piece.binary_search(element) else { return false };
        piece.remove(place);
        self.len -= 1;
        if piece.is_empty() {
            self.pieces.remove(at);
        }
        true
    }

    /// How many elements come before this one; `None` if it is not in the line.
    pub(crate) fn rank(&self, element: &T) -> Option<usize> {
        let at = self.piece_of(element);
        let place = self.pieces.get(at)?.binary_search(element).ok()?;
        Some(self.lengths(0..at) + place)
    }

    pub(crate) fn first(&self) -> Option<T> {
        self.pieces.first()?.first().copied()
    }

    /// The element that so many come before.
    pub(crate) fn nth(&self, rank: usize) -> Option<T> {
        let mut left = rank;
        for piece in &self.pieces {
            match piece.get(left) {
                Some(element) => return Some(*element),
                None => left -= piece.len(),
            }
        }
        None
    }

    /// How many elements come before this one, be it in the line or not.
    pub(crate) fn before(&self, element: &T) -> usize {
        let at = self.piece_of(element);
        let in_piece =
            self.pieces.get(at).map_or(0, |piece| piece.partition_point(|other| other < element));
        self.lengths(0..at) + in_piece
    }

    /// From the first to the last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.pieces.iter().flatten().copied()
    }

    /// The first piece whose last element is not before this one.
    fn piece_of(&self, element: &T) -> usize {
        self.pieces.partition_point(|piece| piece.last().is_some_and(|last| last < element))
    }

    fn lengths(&self, pieces: Range<usize>) -> usize {
        self.pieces.get(pieces).unwrap_or_default().iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Line;

    #[test]
    fn a_long_line_knows_every_place() {
        let mut line = Line::new();
        // An order that visits every piece again and again.
        for step in 0..10_000_u32 {
            line.insert(step.wrapping_mul(7_919) % 10_000);
        }
        assert_eq!(line.len(), 10_000);
        for element in (0..10_000).step_by(97) {
            assert_eq!(line.rank(&element), Some(element as usize));
        }
        assert!(line.remove(&0) && !line.remove(&0));
        assert_eq!((line.rank(&0), line.rank(&9_999)), (None, Some(9_998)));
    }

    proptest! {
        #[test]
        fn a_line_is_a_sorted_set_with_places(
            edits in prop::collection::vec((any::<bool>(), 0_u16..600), 0..2_000),
        ) {
            let mut line = Line::new();
            let mut set = BTreeSet::new();
            for (insert, element) in edits {
                if insert {
                    line.insert(element);
                    set.insert(element);
                } else {
                    prop_assert_eq!(line.remove(&element), set.remove(&element));
                }
            }
            prop_assert_eq!(line.len(), set.len());
            prop_assert!(line.iter().eq(set.iter().copied()));
            prop_assert_eq!(line.first(), set.first().copied());
            for rank in [0, 1, 255, 256, 300, set.len()] {
                prop_assert_eq!(line.nth(rank), set.iter().copied().nth(rank));
            }
            for element in [0, 1, 299, 599] {
                let expected = set.contains(&element).then(|| set.range(..element).count());
                prop_assert_eq!(line.rank(&element), expected);
                prop_assert_eq!(line.before(&element), set.range(..element).count());
            }
        }
    }
}
