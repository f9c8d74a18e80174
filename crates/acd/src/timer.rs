//! The deadlines of the room, each saying why it is there.

use std::collections::BTreeSet;

use model::{CallId, Mono, OfferId};

use crate::agent::AgentIndex;

/// Why a deadline is there. At equal times they act in this order: who may be served is settled
/// before anyone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A waiting call reaches its next tier.
    Tier(CallId),
    /// A call has waited for one agent alone for long enough.
    Preference(CallId),
    /// A callback is tried again.
    Again(CallId),
    /// Whether an estimate or the service level opens a step of this queue. Last of those that open
    /// a call to more agents.
    Watch(u32),
    /// An agent has rested after a missed offer.
    Rest(AgentIndex),
    /// After-call work is over.
    Acw(AgentIndex),
    /// An offer was not rung, or not answered, in time.
    Offer(OfferId),
    /// A customer who is called back does not answer in time.
    Dial(CallId),
    /// A call that nobody answers rings more agents.
    RingMore(CallId),
    /// A call has been in its queue for as long as one may. Last: whoever can be served at this
    /// moment is.
    Limit(CallId),
}

impl Timer {
    const fn reason(self) -> &'static str {
        match self {
            Self::Preference(_) => "a call waits for one agent no longer",
            Self::Rest(_) => "an agent has rested",
            Self::Acw(_) => "after-call work ends",
            Self::Offer(_) => "an offer times out",
            Self::Tier(_) => "a call reaches its next tier",
            Self::Watch(_) => "a queue's steps are looked at",
            Self::Again(_) => "a callback is tried again",
            Self::Dial(_) => "a customer does not answer",
            Self::RingMore(_) => "a call rings more agents",
            Self::Limit(_) => "a call has waited for as long as one may",
        }
    }
}

/// The deadlines that are set. Whoever sets one keeps its time, to be able to cancel it.
#[derive(Debug, Clone, Default)]
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

    /// Takes the next deadline if at `due` it opens calls to more agents.
    pub(crate) fn pop_opening(&mut self, due: Mono) -> Option<Timer> {
        let &(at, timer) = self.0.first()?;
        let opens = match timer {
            Timer::Tier(_) | Timer::Preference(_) | Timer::Again(_) | Timer::Watch(_) => true,
            Timer::Rest(_)
            | Timer::Acw(_)
            | Timer::Offer(_)
            | Timer::Dial(_)
            | Timer::RingMore(_)
            | Timer::Limit(_) => false,
        };
        (opens && at <= due).then(|| {
            self.0.pop_first();
            timer
        })
    }

    #[cfg(test)]
    pub(crate) const fn all(&self) -> &BTreeSet<(Mono, Timer)> {
        &self.0
    }

    pub(crate) fn next(&self) -> Option<(Mono, &'static str)> {
        self.0.first().map(|&(at, timer)| (at, timer.reason()))
    }
}
