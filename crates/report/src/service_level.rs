//! Service level by six formulas, each under its own name: the same calls score differently, so a
//! figure without the name of its formula says nothing.

use crate::Counts;

/// A formula of the service level. `T` is the time within which a call should be answered; a
/// service level event is a call's answer, its abandonment or the passing of `T`, whichever is
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceLevel {
    /// Answered within `T`, of those answered.
    Answered,
    /// Answered or abandoned within `T`, of those answered or abandoned.
    Asterisk2,
    /// Answered within `T`, of all events but those abandoned within `T`.
    AbandonIgnored,
    /// Answered within `T`, of all events.
    AbandonNegative,
    /// Answered or abandoned within `T`, of all events.
    AbandonPositive,
    /// Answered within `T`, of those answered or abandoned.
    Genesys,
}

impl ServiceLevel {
    /// Every formula.
    pub const ALL: [Self; 6] = [
        Self::Answered,
        Self::Asterisk2,
        Self::AbandonIgnored,
        Self::AbandonNegative,
        Self::AbandonPositive,
        Self::Genesys,
    ];

    /// The name on the metrics page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "sl_answered",
            Self::Asterisk2 => "sl_asterisk2",
            Self::AbandonIgnored => "sl_abandon_ignored",
            Self::AbandonNegative => "sl_abandon_negative",
            Self::AbandonPositive => "sl_abandon_positive",
            Self::Genesys => "sl_genesys",
        }
    }

    /// The service level in thousandths, where `waiting_late` calls wait for longer than `T` now;
    /// `None` before there is anything to divide by.
    pub const fn permille(self, counts: &Counts, waiting_late: u64) -> Option<u64> {
        let Counts { answered, answered_in_time, abandoned, abandoned_in_time, .. } = *counts;
        let events = answered_in_time + abandoned_in_time + counts.late + waiting_late;
        let (good, all) = match self {
            Self::Answered => (answered_in_time, answered),
            Self::Asterisk2 => (answered_in_time + abandoned_in_time, answered + abandoned),
            Self::AbandonIgnored => (answered_in_time, events - abandoned_in_time),
            Self::AbandonNegative => (answered_in_time, events),
            Self::AbandonPositive => (answered_in_time + abandoned_in_time, events),
            Self::Genesys => (answered_in_time, answered + abandoned),
        };
        (good * 1_000).checked_div(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cisco's own example: of 100 events 70 are answered and 10 abandoned within `T`.
    #[test]
    fn the_same_hundred_calls_score_77_8_or_70_or_80_per_cent() {
        let counts = Counts {
            entered: 100,
            answered: 85,
            answered_in_time: 70,
            abandoned: 15,
            abandoned_in_time: 10,
            late: 20,
            ..Counts::default()
        };
        let score = |formula: ServiceLevel| formula.permille(&counts, 0);
        assert_eq!(score(ServiceLevel::AbandonIgnored), Some(777));
        assert_eq!(score(ServiceLevel::AbandonNegative), Some(700));
        assert_eq!(score(ServiceLevel::AbandonPositive), Some(800));
        assert_eq!(score(ServiceLevel::Answered), Some(823));
        assert_eq!(score(ServiceLevel::Asterisk2), Some(800));
        assert_eq!(score(ServiceLevel::Genesys), Some(700));
    }

    #[test]
    fn who_waits_too_long_already_counts_before_the_answer() {
        let counts = Counts { entered: 2, answered: 1, answered_in_time: 1, ..Counts::default() };
        assert_eq!(ServiceLevel::AbandonNegative.permille(&counts, 0), Some(1_000));
        assert_eq!(ServiceLevel::AbandonNegative.permille(&counts, 1), Some(500));
        assert_eq!(ServiceLevel::Answered.permille(&counts, 1), Some(1_000));
    }

    #[test]
    fn nothing_is_said_before_the_first_call() {
        for formula in ServiceLevel::ALL {
            assert_eq!(formula.permille(&Counts::default(), 0), None, "{}", formula.as_str());
        }
    }
}
