//! Which packets of one source were seen (RFC 3711 §3.3.1, §3.3.2): rollover counter and replay
//! list.

/// How many numbers behind the newest are remembered; the RFC asks for 64 at least.
const WINDOW: u64 = u128::BITS as u64;

/// The packets of one source, by their index: the sequence number with its rollover counter above.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    /// One more than the newest index; 0 before the first.
    next: u64,
    /// Bit n: the index `next - 1 - n` was seen.
    seen: u128,
}

impl Window {
    /// The index that a sequence number most probably has (RFC 3711 §3.3.1, appendix A).
    pub(super) const fn index_of(&self, sequence: u16) -> u64 {
        let Some(newest) = self.next.checked_sub(1) else { return sequence as u64 };
        let ahead = sequence.wrapping_sub(newest as u16) as i16;
        match newest.checked_add_signed(ahead as i64) {
            Some(index) => index,
            // Before the first round there is none.
            None => sequence as u64,
        }
    }

    /// Whether the index was not seen yet and is not too old to be told.
    pub(super) const fn is_fresh(&self, index: u64) -> bool {
        if index >= self.next {
            return true;
        }
        let behind = self.next - 1 - index;
        behind < WINDOW && self.seen & (1 << behind) == 0
    }

    /// The index was seen.
    pub(super) const fn mark(&mut self, index: u64) {
        if index >= self.next {
            let ahead = index + 1 - self.next;
            self.seen = if ahead < WINDOW { self.seen << ahead } else { 0 };
            self.next = index + 1;
        }
        let behind = self.next - 1 - index;
        if behind < WINDOW {
            self.seen |= 1 << behind;
        }
    }

    /// The index after the newest.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rollover_counter_follows_the_sequence_over_its_wrap_and_back() {
        let mut window = Window::default();
        for (sequence, wanted) in [
            (65_530, 65_530),
            (65_535, 65_535),
            (2, 65_538),
            (65_534, 65_534),
            (1, 65_537),
            (32_000, 97_536),
            (64_000, 129_536),
            (10, 131_082),
        ] {
            let index = window.index_of(sequence);
            assert_eq!(index, wanted, "{sequence}");
            window.mark(index);
        }
        assert_eq!(window.next(), 131_083);
    }

    #[test]
    fn what_comes_before_the_first_packet_of_all_has_no_round_before_it() {
        let mut window = Window::default();
        window.mark(window.index_of(3));
        // It may be 65,533 of the first round, or no packet at all.
        assert_eq!(window.index_of(65_533), 65_533);
        assert_eq!(window.index_of(1), 1);
    }

    #[test]
    fn each_index_is_fresh_once_and_none_is_that_is_too_old() {
        let mut window = Window::default();
        for index in [1_000, 1_003, 1_001, 1_000 + WINDOW] {
            assert!(window.is_fresh(index), "{index}");
            window.mark(index);
            assert!(!window.is_fresh(index), "{index}");
        }
        assert!(window.is_fresh(1_002), "it may still come");
        assert!(!window.is_fresh(1_000) && !window.is_fresh(7), "what is forgotten is refused");
        window.mark(1_000_000);
        assert!(!window.is_fresh(1_002));
        assert!(window.is_fresh(999_999));
    }
}
