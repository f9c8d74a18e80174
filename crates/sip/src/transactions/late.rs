//! How many late answers are told of: what comes for transactions that are over is another's doing,
//! and must cost little.

use model::Mono;

/// The most 2xx that come late and are told of in one second. One more is dropped: it comes again
/// until its ACK has come.
const LATE_PER_SECOND: u32 = 50;

/// The late answers of the present second.
#[derive(Debug, Default)]
pub(super) struct Late {
    second: u64,
    count: u32,
}

impl Late {
    /// Whether one more is told of; it counts then.
    pub(super) fn takes_one(&mut self, now: Mono) -> bool {
        let second = now.as_ms() / 1_000;
        if second != self.second {
            *self = Self { second, count: 0 };
        }
        let takes = self.count < LATE_PER_SECOND;
        self.count += u32::from(takes);
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second_are_told_of_and_no_more() {
        let mut late = Late::default();
        let told = |late: &mut Late, ms: u64| {
            (0..1_000).filter(|_| late.takes_one(Mono::from_ms(ms))).count()
        };
        assert_eq!(told(&mut late, 5_000), LATE_PER_SECOND as usize);
        assert_eq!(told(&mut late, 5_999), 0);
        assert_eq!(told(&mut late, 6_000), LATE_PER_SECOND as usize);
    }
}
