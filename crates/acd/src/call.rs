//! One call that waits for an agent or has one.

use model::{CallId, Id, Mono, OfferId, Permission};

use crate::agent::AgentIndex;
use crate::callback::Callback;
use crate::config::MAX_GAIN_MS;

/// A call's place among others of its queue: the lower, the sooner. The time at which it entered
/// less its head starts, so that the order never changes as time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    deemed_entered: i64,
    pub(crate) call: CallId,
}

impl Place {
    pub(crate) fn new(call: CallId, entered: Mono, head_start_ms: u64) -> Self {
        let head_start = i64::try_from(head_start_ms.saturating_mul(1_000_000));
        let deemed_entered = nanos(entered).saturating_sub(head_start.unwrap_or(i64::MAX));
        Self { deemed_entered, call }
    }

    /// Before every other.
    pub(crate) const FIRST: Self = Self { deemed_entered: i64::MIN, call: CallId(Id(0)) };

    /// The same place, of a call with another id.
    pub(crate) const fn of(self, call: CallId) -> Self {
        Self { call, ..self }
    }

    /// Nanoseconds waited and head start.
    pub(crate) fn age(self, now: Mono) -> u64 {
        nanos(now).saturating_sub(self.deemed_entered).try_into().unwrap_or(0)
    }
}

fn nanos(at: Mono) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

/// How fast the scores of a queue's calls grow: by a thousandth of their age for each, besides the
/// age itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gain(pub(crate) u64);

impl Gain {
    /// The score of a call of `age` nanoseconds. An older call of the queue never has less.
    pub(crate) fn score(self, age: u64) -> u64 {
        if self.0 == 0 {
            return age;
        }
        let most = MAX_GAIN_MS * 1_000_000;
        // What is too large for 64 bits is far more than the most.
        let gained = age.checked_mul(self.0).map_or(most, |product| product / 1_000);
        age.saturating_add(gained.min(most))
    }
}

/// Where a call is with its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Waiting,
    Offered {
        offer: OfferId,
        agent: AgentIndex,
        deadline: Mono,
    },
    /// A callback: its customer is being called. The agent has answered, or is reserved.
    Dialing {
        offer: OfferId,
        agent: AgentIndex,
        deadline: Mono,
    },
    /// A callback that is not offered: until the next attempt, or until the queue opens.
    Resting {
        until: Option<Mono>,
    },
    /// The queue is behind it.
    Talking {
        agent: AgentIndex,
    },
}

/// That only one agent may take a call for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preference {
    pub(crate) agent: AgentIndex,
    pub(crate) until: Mono,
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) queue: u32,
    pub(crate) place: Place,
    pub(crate) entered: Mono,
    /// Its own, without that of the queue.
    pub(crate) head_start_ms: u64,
    /// When it joined this queue.
    pub(crate) joined: Mono,
    pub(crate) permission: Option<Permission>,
    /// How many of the queue's steps it has reached.
    pub(crate) reached: usize,
    /// When it reaches the next one.
    pub(crate) next_step_at: Option<Mono>,
    /// When it has been in the queue for as long as one may, or that is looked at again.
    pub(crate) limit_at: Option<Mono>,
    /// It had to go, and stays until `limit_at` because nobody had room for it.
    pub(crate) kept: bool,
    /// Only while it is waiting.
    pub(crate) preference: Option<Preference>,
    /// It is offered to one agent at a time, whatever its queue's strategy.
    pub(crate) singly: bool,
    /// There is no caller: who waits is called back.
    pub(crate) callback: Option<Callback>,
    pub(crate) progress: Progress,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::MAX_HEAD_START_MS;

    const HOUR: u64 = 3_600_000_000_000;

    proptest! {
        #[test]
        fn an_older_call_of_a_queue_never_has_the_lower_score(
            gain in 0_u64..200_000, age in 0..100 * HOUR, older in 0..HOUR,
        ) {
            prop_assert!(Gain(gain).score(age) <= Gain(gain).score(age + older));
        }

        /// Nobody starves: whatever queues and head starts, two hours of waiting outweigh them.
        #[test]
        fn nobody_is_overtaken_by_a_call_that_entered_two_hours_later(
            (gain, faster) in (0_u64..200_000, 0_u64..200_000),
            head_start_ms in 0..=MAX_HEAD_START_MS,
            (entered, later, waited) in (0..9 * HOUR, 2 * HOUR..9 * HOUR, 0..9 * HOUR),
        ) {
            let id = |counter| CallId(Id::new(1, 1, counter));
            let first = Place::new(id(2), Mono(entered), 0);
            let second = Place::new(id(1), Mono(entered + later + 1), head_start_ms);
            let now = Mono(entered + later + 1 + waited);
            prop_assert!(Gain(gain).score(first.age(now)) > Gain(faster).score(second.age(now)));
        }
    }
}
