//! One call that waits for an agent or has one.

use model::{CallId, Mono, OfferId, Permission};

use crate::agent::AgentIndex;

/// A call's place among others: the lower, the sooner. The time at which it entered less its head
/// starts, so that the order never changes as time passes; the score at a time is that time less
/// this.
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

    /// The score at `now`: nanoseconds waited and head start.
    pub(crate) fn score(self, now: Mono) -> u64 {
        nanos(now).saturating_sub(self.deemed_entered).try_into().unwrap_or(0)
    }
}

fn nanos(at: Mono) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
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
    /// The queue is behind it.
    Talking {
        agent: AgentIndex,
    },
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) queue: u32,
    pub(crate) place: Place,
    pub(crate) entered: Mono,
    pub(crate) permission: Option<Permission>,
    /// How many of the queue's steps it has reached.
    pub(crate) reached: usize,
    /// When it reaches the next one.
    pub(crate) next_step_at: Option<Mono>,
    pub(crate) progress: Progress,
}
