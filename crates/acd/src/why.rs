//! Why a call went to an agent: what every decision leaves behind.

use std::collections::{BTreeMap, VecDeque};

use model::{AgentId, CallId, Mono, OfferId, QueueId};

use crate::Strategy;

/// Decisions that are kept; the oldest is forgotten for a new one.
pub const MAX_DECISIONS: usize = 10_000;
/// How many of those who did not win a decision names.
pub const MAX_NEXT: usize = 5;

/// One decision: this call is offered to this agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Mono,
    /// The offer that came of it.
    pub offer: OfferId,
    /// The call.
    pub call: CallId,
    /// From which queue.
    pub queue: QueueId,
    /// The agent.
    pub agent: AgentId,
    /// Between whom or what.
    pub choice: Choice,
}

/// What was chosen from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The call came, came back, or reached a tier: which of the agents gets it?
    Agents {
        /// How the queue chooses.
        strategy: Strategy,
        /// What the strategy compared: the lowest wins (see [`Strategy`]; 0 where only the time
        /// since when the agent is idle counts).
        key: u64,
        /// Those whose turn would have been next, at most [`MAX_NEXT`], with their keys.
        next: Vec<(AgentId, u64)>,
        /// The queue's agents who were not chosen from.
        excluded: ExcludedAgents,
    },
    /// The call was the agent's by preference.
    Preferred,
    /// The agent became free: which of the calls do they take?
    Calls {
        /// The call's score.
        score: u64,
        /// Those with the next scores, at most [`MAX_NEXT`].
        next: Vec<(CallId, u64)>,
        /// The calls of the agent's queues that were not chosen from.
        excluded: ExcludedCalls,
    },
}

/// How many of a queue's agents were not chosen from, and for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExcludedAgents {
    /// Not at work.
    pub signed_out: u32,
    /// At work, but taking no calls.
    pub not_ready: u32,
    /// Being offered a call, in one, or in the work after it.
    pub busy: u32,
    /// Left alone for a while after a missed offer.
    pub resting: u32,
    /// Idle, but of a tier or level that the call has not reached yet.
    pub not_reached: u32,
    /// Idle and reached, but without the permission that the call needs.
    pub not_permitted: u32,
}

/// How many calls of an agent's queues were not chosen from, and for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExcludedCalls {
    /// Being offered to another agent.
    pub offered: u32,
    /// Waiting for the agent whom they are meant for.
    pub preferring: u32,
    /// Callbacks between two attempts, or until the queue opens.
    pub resting: u32,
    /// Not yet open to the agent's tier or level.
    pub not_reached: u32,
    /// Open to the agent, but for a permission that the agent does not hold.
    pub not_permitted: u32,
}

impl ExcludedCalls {
    pub(crate) const fn add(&mut self, other: Self) {
        self.offered = self.offered.saturating_add(other.offered);
        self.preferring = self.preferring.saturating_add(other.preferring);
        self.resting = self.resting.saturating_add(other.resting);
        self.not_reached = self.not_reached.saturating_add(other.not_reached);
        self.not_permitted = self.not_permitted.saturating_add(other.not_permitted);
    }
}

/// The last decisions, found by call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions {
    made: u64,
    kept: VecDeque<Decision>,
    by_call: BTreeMap<CallId, Vec<u64>>,
}

impl Decisions {
    /// The number of the next decision.
    pub(crate) const fn next_seq(&self) -> u64 {
        self.made + 1
    }

    /// Keeps a decision, which has the next number.
    pub(crate) fn keep(&mut self, decision: Decision) {
        if self.kept.len() >= MAX_DECISIONS
            && let Some(oldest) = self.kept.pop_front()
        {
            self.forget(&oldest);
        }
        self.made = decision.seq;
        self.by_call.entry(decision.call).or_default().push(decision.seq);
        self.kept.push_back(decision);
    }

    fn forget(&mut self, oldest: &Decision) {
        if let Some(seqs) = self.by_call.get_mut(&oldest.call) {
            seqs.retain(|&seq| seq != oldest.seq);
            if seqs.is_empty() {
                self.by_call.remove(&oldest.call);
            }
        }
    }

    /// The decisions about a call, oldest first.
    pub(crate) fn about(&self, call: CallId) -> impl Iterator<Item = &Decision> {
        let first = self.kept.front().map_or(0, |decision| decision.seq);
        let seqs = self.by_call.get(&call).into_iter().flatten();
        seqs.filter_map(move |seq| self.kept.get(usize::try_from(seq - first).ok()?))
    }
}
