//! What is missing in the middle of a voice: packets that have been overtaken, or lost.

/// Holes that are remembered; a further one is made up at once, as if its packet was lost.
const LIMIT: usize = 8;

/// Ranges of positions, in order, none touching another.
#[derive(Debug, Default)]
pub struct Holes {
    ranges: [(i64, i64); LIMIT],
    count: usize,
}

impl Holes {
    /// The first hole, if it begins before `to`.
    pub fn first_before(&self, to: i64) -> Option<(i64, i64)> {
        self.ranges[..self.count].first().copied().filter(|(from, _)| *from < to)
    }

    /// The first hole is there no more.
    pub fn remove_first(&mut self) {
        self.ranges.copy_within(1.., 0);
        self.count = self.count.saturating_sub(1);
    }

    /// A hole behind all others. False if there are too many: nothing has changed then.
    pub fn push(&mut self, from: i64, to: i64) -> bool {
        let has_room = self.count < LIMIT;
        if has_room {
            self.ranges[self.count] = (from, to);
            self.count += 1;
        }
        has_room
    }

    /// What lies there came after all. Where that would make one hole too many of a hole's two
    /// ends, the later end is forgotten: what is in the ring there is heard.
    pub fn fill(&mut self, from: i64, to: i64) {
        let before = std::mem::take(self);
        for (start, end) in before.ranges[..before.count].iter().copied() {
            for (start, end) in [(start, end.min(from)), (start.max(to), end)] {
                if start < end {
                    self.push(start, end);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut holes: Holes) -> Vec<(i64, i64)> {
        let mut all = Vec::new();
        while let Some(first) = holes.first_before(i64::MAX) {
            all.push(first);
            holes.remove_first();
        }
        all
    }

    fn of(ranges: &[(i64, i64)]) -> Holes {
        let mut holes = Holes::default();
        assert!(ranges.iter().all(|(from, to)| holes.push(*from, *to)));
        holes
    }

    #[test]
    fn what_comes_late_fills_its_part_of_a_hole() {
        let cases = [
            ((10, 20), vec![(40, 60)]),
            ((40, 60), vec![(10, 20)]),
            ((45, 50), vec![(10, 20), (40, 45), (50, 60)]),
            ((0, 15), vec![(15, 20), (40, 60)]),
            ((15, 45), vec![(10, 15), (45, 60)]),
            ((0, 100), vec![]),
            ((20, 40), vec![(10, 20), (40, 60)]),
        ];
        for ((from, to), left) in cases {
            let mut holes = of(&[(10, 20), (40, 60)]);
            holes.fill(from, to);
            assert_eq!(all(holes), left, "{from} to {to}");
        }
    }

    #[test]
    fn their_number_is_bounded() {
        let ranges: Vec<(i64, i64)> = (0..8).map(|at| (at * 10, at * 10 + 8)).collect();
        let mut holes = of(&ranges);
        assert!(!holes.push(100, 110));
        holes.fill(3, 4);
        let left = all(holes);
        assert_eq!(left[..2], [(0, 3), (4, 8)]);
        assert_eq!(left.len(), 8);
    }

    #[test]
    fn a_hole_is_due_when_somebody_reads_up_to_it() {
        let holes = of(&[(10, 20)]);
        assert_eq!(holes.first_before(10), None);
        assert_eq!(holes.first_before(11), Some((10, 20)));
    }
}
