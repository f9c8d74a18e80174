//! Admission: whether the brain keeps up, judged by how long what waits for it has been waiting.
//!
//! Nobody measures each message: every few milliseconds it is marked how many had been sent by
//! then, and a mark that the brain has not passed yet says how old the oldest message is at least.

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

/// Between two marks.
const MARK_EVERY: Duration = Duration::from_millis(5);
/// The most marks: five seconds. Beyond it the newest are not made, and the oldest still tells.
const MARKS_MAX: usize = 1_000;

/// One worker's view of the queue that it shares with the others.
#[derive(Debug)]
pub(super) struct Admission {
    /// What has waited for so long shows that the brain is overloaded.
    patience: Duration,
    /// When, and how many messages had been sent by then.
    marks: VecDeque<(Mono, u64)>,
    is_overloaded: bool,
}

impl Admission {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { patience, marks: VecDeque::new(), is_overloaded: false }
    }

    /// Whether new calls are too many now: `sent` messages have gone to the brain since the start,
    /// and `waiting` of them have not been taken. Ends when what waits is half as old as it may be.
    pub(super) fn is_overloaded(&mut self, sent: u64, waiting: usize, now: Mono) -> bool {
        let taken = sent.saturating_sub(waiting as u64);
        while self.marks.front().is_some_and(|(_, number)| *number <= taken) {
            self.marks.pop_front();
        }
        let is_time = self.marks.back().is_none_or(|(at, _)| now.since(*at) >= MARK_EVERY);
        if waiting > 0 && is_time && self.marks.len() < MARKS_MAX {
            self.marks.push_back((now, sent));
        }
        let age = self.marks.front().map_or(Duration::ZERO, |(at, _)| now.since(*at));
        let limit = if self.is_overloaded { self.patience / 2 } else { self.patience };
        self.is_overloaded = age >= limit && age > Duration::ZERO;
        self.is_overloaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        Admission::new(Duration::from_millis(400))
    }

    #[test]
    fn a_brain_that_keeps_up_is_never_overloaded_however_much_comes() {
        let mut admission = admission();
        for ms in 0..10_000 {
            // A hundred a millisecond, and always the last thousand of them waiting.
            let sent = ms * 100 + 1_000;
            assert!(!admission.is_overloaded(sent, 1_000, Mono::from_ms(ms)), "at {ms} ms");
        }
    }

    #[test]
    fn a_brain_that_takes_nothing_is_overloaded_when_its_patience_is_over() {
        let mut admission = admission();
        for ms in 0..400 {
            assert!(!admission.is_overloaded(ms + 1, ms as usize + 1, Mono::from_ms(ms)));
        }
        assert!(admission.is_overloaded(401, 401, Mono::from_ms(400)));
        // It recovers when what waits is young again, not a moment before.
        assert!(admission.is_overloaded(410, 210, Mono::from_ms(410)));
        assert!(admission.is_overloaded(410, 206, Mono::from_ms(410)));
        assert!(!admission.is_overloaded(410, 0, Mono::from_ms(411)));
    }

    #[test]
    fn a_quiet_time_is_no_overload() {
        let mut admission = admission();
        assert!(!admission.is_overloaded(5, 1, Mono::from_ms(0)));
        assert!(!admission.is_overloaded(5, 0, Mono::from_ms(60_000)));
        assert!(!admission.is_overloaded(6, 1, Mono::from_ms(60_001)));
    }

    #[test]
    fn marks_are_bounded_and_the_oldest_still_tells() {
        let mut admission = admission();
        for ms in 0..20_000 {
            admission.is_overloaded(ms + 1, ms as usize + 1, Mono::from_ms(ms));
        }
        assert!(admission.marks.len() <= MARKS_MAX);
        assert!(admission.is_overloaded(30_000, 30_000, Mono::from_ms(20_000)));
        assert!(!admission.is_overloaded(30_000, 1, Mono::from_ms(20_001)));
    }
}
