//! The service level of a queue in a window that moves along.

use std::collections::VecDeque;
use std::time::Duration;

use model::Mono;

use crate::step::ServiceRule;

/// Into how many pieces a window is cut: what is older than it goes in pieces.
const PIECES: u64 = 60;

/// Callers whose wait ended within a piece of time that begins at `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServedPiece {
    /// When it begins.
    pub from: Mono,
    /// Answered in time.
    pub in_time: u32,
    /// All that count.
    pub all: u32,
}

/// What the service level is taken from.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) rule: ServiceRule,
    /// Oldest first; no more than [`PIECES`] and one.
    pub(crate) pieces: VecDeque<ServedPiece>,
}

impl Service {
    pub(crate) const fn new(rule: ServiceRule) -> Self {
        Self { rule, pieces: VecDeque::new() }
    }

    /// The wait of a caller is over.
    pub(crate) fn count(&mut self, now: Mono, answered: bool, waited_ms: u64) {
        self.forget(now);
        let in_time = u32::from(answered && waited_ms <= self.rule.within_ms);
        let width = Duration::from_millis(self.rule.window_ms.div_ceil(PIECES));
        match self.pieces.back_mut().filter(|piece| piece.from + width > now) {
            Some(piece) => {
                piece.in_time = piece.in_time.saturating_add(in_time);
                piece.all = piece.all.saturating_add(1);
            }
            None => self.pieces.push_back(ServedPiece { from: now, in_time, all: 1 }),
        }
    }

    /// In thousandths, where `late` wait for too long already; `None` if nobody counts.
    pub(crate) fn permille(&self, now: Mono, late: usize) -> Option<u64> {
        let window = Duration::from_millis(self.rule.window_ms);
        let within = self.pieces.iter().filter(|piece| piece.from + window > now);
        let (in_time, all) = within.fold((0_u64, 0_u64), |(in_time, all), piece| {
            (in_time + u64::from(piece.in_time), all + u64::from(piece.all))
        });
        (in_time * 1_000).checked_div(all + late as u64)
    }

    fn forget(&mut self, now: Mono) {
        let window = Duration::from_millis(self.rule.window_ms);
        while self.pieces.front().is_some_and(|piece| piece.from + window <= now) {
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Mono {
        Mono::from_ms(s * 1_000)
    }

    #[test]
    fn who_was_answered_late_gave_up_or_waits_too_long_counts_against_it() {
        let mut service = Service::new(ServiceRule { within_ms: 20_000, window_ms: 600_000 });
        assert_eq!(service.permille(at(0), 0), None, "nobody came");
        service.count(at(1), true, 20_000);
        assert_eq!(service.permille(at(1), 0), Some(1_000));
        service.count(at(2), true, 20_001);
        assert_eq!(service.permille(at(2), 0), Some(500));
        service.count(at(3), false, 9_000);
        assert_eq!(service.permille(at(3), 0), Some(333));
        assert_eq!(service.permille(at(3), 1), Some(250));
        assert_eq!(Service::new(service.rule).permille(at(3), 1), Some(0));
    }

    #[test]
    fn what_is_older_than_the_window_counts_no_more_and_takes_no_room() {
        let mut service = Service::new(ServiceRule { within_ms: 1_000, window_ms: 60_000 });
        service.count(at(0), false, 5_000);
        service.count(at(59), true, 0);
        assert_eq!(service.permille(at(59), 0), Some(500));
        assert_eq!(service.permille(at(60), 0), Some(1_000));
        assert_eq!(service.permille(at(119), 0), None);
        for s in 60..1_000 {
            service.count(at(s), true, 0);
            service.count(at(s), true, 0);
        }
        assert!(service.pieces.len() <= 61, "{}", service.pieces.len());
        assert_eq!(service.permille(at(999), 0), Some(1_000));
    }
}
