//! What became of everyone who came to a queue: columns that add up, always.

use crate::limits::OverflowCause;

/// What became of the calls of a queue since the room began, each counted once.
///
/// Between any two moments `waiting at start + offered = answered + abandoned + short abandoned +
/// overflowed + called back + timed out + closed + rejected + error + engine lost + waiting at end`
/// ([`Self::residual_since`] is 0). A call that goes from queue to queue is overflowed (or timed
/// out) in the one and offered in the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Came to the queue, from outside or from another queue.
    pub offered: u64,
    /// Got an agent.
    pub answered: u64,
    /// Left before.
    pub abandoned: u64,
    /// The same, but within the queue's `short_ms`.
    pub short_abandoned: u64,
    /// Sent elsewhere: the queue was full, had nobody at work, an emergency plan was on, or someone
    /// asked for it.
    pub overflowed: u64,
    /// Became a callback, which goes on in a balance of its own.
    pub called_back: u64,
    /// Sent elsewhere after the longest time.
    pub timed_out: u64,
    /// Sent elsewhere or refused because the queue was closed.
    pub closed: u64,
    /// Refused: the queue was full without saying where to then, or nobody may take such a call.
    pub rejected: u64,
    /// Lost by a failure.
    pub error: u64,
    /// Lost with an engine that died.
    pub engine_lost: u64,
    /// In line now, those being offered included.
    pub waiting: u64,
}

impl Balance {
    /// What is missing or too much since an earlier moment: 0, or the count is wrong.
    pub fn residual_since(&self, start: &Self) -> i128 {
        let came = i128::from(start.waiting) + i128::from(self.offered - start.offered);
        let went = i128::from(self.ended() - start.ended());
        came - went - i128::from(self.waiting)
    }

    const fn ended(&self) -> u64 {
        let left = self.answered + self.abandoned + self.short_abandoned + self.called_back;
        let sent = self.overflowed + self.timed_out + self.closed + self.rejected;
        left + sent + self.error + self.engine_lost
    }

    /// A call goes elsewhere.
    pub(crate) const fn count_overflow(&mut self, why: OverflowCause) {
        let column = match why {
            OverflowCause::Emergency | OverflowCause::Unstaffed | OverflowCause::Full => {
                &mut self.overflowed
            }
            OverflowCause::Closed => &mut self.closed,
            OverflowCause::TimedOut => &mut self.timed_out,
        };
        *column += 1;
    }

    /// A call leaves the line without an agent.
    pub(crate) const fn count_left(&mut self, why: Left, waited_ms: u64, short_ms: u64) {
        let column = match why {
            Left::Abandoned if waited_ms < short_ms => &mut self.short_abandoned,
            Left::Abandoned => &mut self.abandoned,
            Left::Elsewhere => &mut self.overflowed,
            Left::Error => &mut self.error,
            Left::EngineLost => &mut self.engine_lost,
        };
        *column += 1;
    }
}

/// Why a call leaves its queue without an agent, as those say who take it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// The caller hung up.
    Abandoned,
    /// Someone sent it elsewhere: the caller chose so, or a supervisor pulled it.
    Elsewhere,
    /// A failure.
    Error,
    /// The engine that had it died.
    EngineLost,
}

/// What became of the callbacks of a queue since the room began, each counted once: booked, and
/// then one of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallbackBalance {
    /// Asked for.
    pub booked: u64,
    /// The customer was reached: from then on it is a call like others, offered and answered.
    pub reached: u64,
    /// Called in vain as often as the queue tries.
    pub gave_up: u64,
    /// Kept for as long as the queue keeps them.
    pub expired: u64,
    /// Taken back.
    pub cancelled: u64,
    /// The customer dialled again and has the place.
    pub rejoined: u64,
    /// In line now.
    pub waiting: u64,
}

impl CallbackBalance {
    /// What is missing or too much since an earlier moment: 0, or the count is wrong.
    pub fn residual_since(&self, start: &Self) -> i128 {
        let came = i128::from(start.waiting) + i128::from(self.booked - start.booked);
        let went = i128::from(self.ended() - start.ended());
        came - went - i128::from(self.waiting)
    }

    const fn ended(&self) -> u64 {
        self.reached + self.gave_up + self.expired + self.cancelled + self.rejoined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_too_much_is_seen() {
        let start = Balance { offered: 10, answered: 7, waiting: 3, ..Balance::default() };
        let mut end = Balance { offered: 14, answered: 9, timed_out: 1, waiting: 4, ..start };
        assert_eq!(end.residual_since(&start), 0);
        end.abandoned = 1;
        assert_eq!(end.residual_since(&start), -1);
        let lost = Balance { answered: 8, abandoned: 0, ..end };
        assert_eq!(lost.residual_since(&start), 1);
    }

    #[test]
    fn each_way_out_has_one_column() {
        let mut balance = Balance::default();
        for why in [Left::Abandoned, Left::Elsewhere, Left::Error, Left::EngineLost] {
            balance.count_left(why, 6_000, 5_000);
        }
        balance.count_left(Left::Abandoned, 4_999, 5_000);
        let all = [OverflowCause::Emergency, OverflowCause::Unstaffed, OverflowCause::Full];
        for why in all.into_iter().chain([OverflowCause::Closed, OverflowCause::TimedOut]) {
            balance.count_overflow(why);
        }
        assert_eq!((balance.abandoned, balance.short_abandoned, balance.overflowed), (1, 1, 4));
        assert_eq!((balance.closed, balance.timed_out), (1, 1));
        assert_eq!((balance.error, balance.engine_lost), (1, 1));
        assert_eq!(balance.residual_since(&Balance::default()), -10);
    }

    #[test]
    fn callbacks_add_up() {
        let end = CallbackBalance { booked: 3, reached: 1, waiting: 2, ..Default::default() };
        assert_eq!(end.residual_since(&CallbackBalance::default()), 0);
        let lost = CallbackBalance { waiting: 1, ..end };
        assert_eq!(lost.residual_since(&CallbackBalance::default()), 1);
    }
}
