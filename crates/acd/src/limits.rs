//! When a queue takes nobody, or keeps nobody any longer, and where callers go then.
//!
//! The room decides and says so ([`Output::Overflowed`](crate::Output::Overflowed)); only from
//! queue to queue it also moves the call itself, which keeps the time at which it entered. Who is
//! being offered to an agent is left there: what became due meanwhile acts if the offer is missed.
//! Who waited too long, or in a queue that nobody is signed in at any more, stays there as long as
//! the queue to which they should go would refuse them: whoever waited longest is not cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{PromptId, QueueId};

use crate::config::{Config, QueueConfig};

/// The most emergency plans.
pub const MAX_PLANS: usize = 64;
/// Who leaves within this time has abandoned shortly, unless the queue says otherwise.
pub const SHORT_ABANDON_MS: u64 = 5_000;

/// Where a call goes that a queue does not take, or keeps no longer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overflow {
    /// To another queue, with the time at which it entered; its limits are counted anew.
    Queue(QueueId),
    /// To a telephone number, as configured.
    Number(Arc<str>),
    /// It hears this, and ends.
    Announcement(PromptId),
    /// It may leave a message.
    Mailbox(Arc<str>),
    /// It is asked for a number on which to be called back.
    Callback,
}

/// Why a call goes elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverflowCause {
    /// An emergency plan is on.
    Emergency,
    /// Outside the hours.
    Closed,
    /// None of the queue's agents is signed in.
    Unstaffed,
    /// The queue has `max_waiting` callers.
    Full,
    /// It has been in the queue for as long as one may.
    TimedOut,
}

impl OverflowCause {
    /// The name in API and store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Closed => "closed",
            Self::Unstaffed => "unstaffed",
            Self::Full => "full",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Where calls go for as long as something is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Where to.
    pub to: Overflow,
    /// Those who wait when it begins go as well, and not only who comes then.
    pub waiting_too: bool,
}

/// How long a call may be in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitLimit {
    /// From joining this queue; at least 1.
    pub ms: u64,
    /// Where to then.
    pub to: Overflow,
}

/// The limits of a queue. By default it refuses whom it does not take, and keeps whom it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Where who finds it full goes; `None`: refused.
    pub full: Option<Overflow>,
    /// The longest time in it; `None`: for ever.
    pub wait: Option<WaitLimit>,
    /// While none of its agents is signed in; `None`: callers wait for one.
    pub unstaffed: Option<Rule>,
    /// While it is closed ([`Input::QueueOpen`](crate::Input::QueueOpen)); `None`: who comes is
    /// refused, and who waits stays.
    pub closed: Option<Rule>,
    /// Who leaves within so long has abandoned shortly.
    pub short_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let (full, wait, unstaffed, closed) = (None, None, None, None);
        Self { full, wait, unstaffed, closed, short_ms: SHORT_ABANDON_MS }
    }
}

/// An emergency plan: what many queues do as long as it is on
/// ([`Input::Emergency`](crate::Input::Emergency)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: Arc<str>,
    /// What becomes of each queue's callers. Of several plans that are on the first one counts.
    pub queues: BTreeMap<QueueId, Rule>,
}

impl QueueConfig {
    /// Where its own rules may send calls.
    fn destinations(&self) -> impl Iterator<Item = &Overflow> {
        let Limits { full, wait, unstaffed, closed, short_ms: _ } = &self.limits;
        let rules = unstaffed.iter().chain(closed).map(|rule| &rule.to);
        full.iter().chain(wait.iter().map(|wait| &wait.to)).chain(rules)
    }
}

impl Config {
    /// The first queue from which calls may go to one that does not exist.
    pub(crate) fn lost_overflow(&self) -> Option<(QueueId, QueueId)> {
        let known: BTreeSet<&QueueId> = self.queues.iter().map(|queue| &queue.queue).collect();
        let edges = self.overflows().into_iter();
        let mut lost = edges.filter(|(from, to)| !known.contains(to) || !known.contains(from));
        lost.next().map(|(from, to)| (from.clone(), to.clone()))
    }

    /// A queue from which calls may come back to it.
    pub(crate) fn overflow_circle(&self) -> Option<QueueId> {
        let edges = self.overflows();
        // What leads nowhere is taken away until nothing is left, or only what goes in circles.
        let mut left = edges.clone();
        loop {
            let sources: BTreeSet<&QueueId> = left.iter().map(|(from, _)| *from).collect();
            let before = left.len();
            left.retain(|(_, to)| sources.contains(to));
            if left.is_empty() {
                return None;
            }
            if left.len() == before {
                return left.first().map(|(from, _)| (*from).clone());
            }
        }
    }

    /// From which queue to which a call may go, by any rule.
    fn overflows(&self) -> Vec<(&QueueId, &QueueId)> {
        let own = self.queues.iter().flat_map(|queue| {
            queue.destinations().filter_map(move |to| Some((&queue.queue, queue_of(to)?)))
        });
        let plans = self.plans.iter().flat_map(|plan| &plan.queues);
        own.chain(plans.filter_map(|(from, rule)| Some((from, queue_of(&rule.to)?)))).collect()
    }
}

const fn queue_of(to: &Overflow) -> Option<&QueueId> {
    match to {
        Overflow::Queue(queue) => Some(queue),
        Overflow::Number(_)
        | Overflow::Announcement(_)
        | Overflow::Mailbox(_)
        | Overflow::Callback => None,
    }
}
