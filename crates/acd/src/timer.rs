//! The deadlines of the room, each saying why it is there.

use std::collections::BTreeSet;

use model::{CallId, Mono, OfferId};

use crate::agent::AgentIndex;

/// Why a deadline is there. At equal times they act in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// After-call work is over.
    Acw(AgentIndex),
    /// An offer was not rung, or not answered, in time.
    Offer(OfferId),
    /// A waiting call reaches its next tier.
    Tier(CallId),
}

impl Timer {
    const fn reason(self) -> &'static str {
        match self {
            Self::Acw(_) => "after-call work ends",
            Self::Offer(_) => "an offer times out",
            Self::Tier(_) => "a call reaches its next tier",
        }
    }
}

/// The deadlines that are set. Whoever sets one keeps its time, to be able to cancel it.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(Mono, Timer)>);

impl Timers {
    pub(crate) fn set(&mut self, at: Mono, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(crate) fn cancel(&mut self, at: Mono, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(crate) fn pop_due(&mut self, now: Mono) -> Option<(Mono, Timer)> {
        if self.0.first()?.0 > now {
            return None;
        }
        self.0.pop_first()
    }

    pub(crate) fn next(&self) -> Option<(Mono, &'static str)> {
        self.0.first().map(|&(at, timer)| (at, timer.reason()))
    }
}
