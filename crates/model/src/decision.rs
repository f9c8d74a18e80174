//! Why an offer went where it went, as it is kept with the fact of the offer.
//!
//! Its size does not grow with the number of agents or calls: who won, at most five who were next,
//! and how many were not chosen from, by reason.

use std::collections::BTreeMap;

use crate::{AgentId, AgentState, CallId, NotReadyReason, Opens};

/// How many of those who did not win a decision names.
pub const MAX_NEXT: usize = 5;

/// One decision of the queues.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Decision {
    /// Its number, from 1; it goes on after a restart.
    pub number: u64,
    /// What the call needs its agent to be allowed, if something special.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub permission: Option<String>,
    /// How many of the queue's steps the call had reached.
    pub reached: u32,
    /// Between whom or what.
    pub choice: Choice,
}

/// What a decision chose from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "of", rename_all = "snake_case"))]
pub enum Choice {
    /// The call came, came back, or reached a tier: which of the agents gets it?
    Agents {
        /// How the queue chooses, as the configuration names it.
        strategy: String,
        /// What the strategy compared of the winner.
        turn: Turn,
        /// Those whose turn would have been next, in order, at most [`MAX_NEXT`].
        next: Vec<(AgentId, Turn)>,
        /// How many of the queue's agents were not chosen from.
        #[cfg_attr(feature = "serde", serde(default))]
        excluded: BTreeMap<Exclusion, u32>,
    },
    /// The call was the agent's by preference.
    Preferred,
    /// The agent became free: which of the calls do they take?
    Calls {
        /// The call's score, in nanoseconds: its age and what its queue adds to that.
        score: u64,
        /// Those with the next scores, in order, at most [`MAX_NEXT`].
        next: Vec<(CallId, u64)>,
        /// How many calls of the agent's queues were not chosen from.
        #[cfg_attr(feature = "serde", serde(default))]
        excluded: BTreeMap<Exclusion, u32>,
    },
}

/// What a strategy compares of an agent: the lowest `key` wins, of equal ones who is idle longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Turn {
    /// The strategy's number; 0 where only the time since when the agent is idle counts.
    pub key: u64,
    /// For how long the agent was idle, in milliseconds.
    pub idle_ms: u64,
}

/// Why an agent, or a call, was not chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Exclusion {
    /// An agent: not at work.
    SignedOut,
    /// An agent: at work, but taking no calls.
    NotReady,
    /// An agent: being offered a call, in one, or in the work after it.
    Busy,
    /// An agent: left alone for a while after a missed offer. A call: a callback between two
    /// attempts, or until the queue opens.
    Resting,
    /// An agent: idle, but the queue's steps did not open the call to them, not yet or not any
    /// more. A call: not open to the agent in the same way.
    NotReached,
    /// The agent does not hold the permission that the call needs.
    NotPermitted,
    /// A call: being offered to another agent.
    Offered,
    /// A call: it waited for the agent whom it was meant for.
    Preferring,
}

impl Exclusion {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::NotReady => "not_ready",
            Self::Busy => "busy",
            Self::Resting => "resting",
            Self::NotReached => "not_reached",
            Self::NotPermitted => "not_permitted",
            Self::Offered => "offered",
            Self::Preferring => "preferring",
        }
    }
}

/// Why an agent had a call or had it not, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The agent was offered the call.
    Offered,
    /// Others were before the agent, who was among the next ones.
    Next {
        /// The agent's place: 1 is who was offered the call.
        place: usize,
        /// What the strategy compared of the agent.
        turn: Turn,
    },
    /// The agent could have taken the call, and more than [`MAX_NEXT`] were before them.
    FurtherBack,
    /// Could have taken the call, but it waited for another agent alone.
    NotPreferred,
    /// No agent of that number is configured.
    UnknownAgent,
    /// The agent does not serve the queue.
    NotServing,
    /// Not at work.
    SignedOut,
    /// At work, but taking no calls.
    NotReady(NotReadyReason),
    /// Busy with a call: being offered it, in it, or in the work after it.
    Busy(AgentState, Option<CallId>),
    /// Left alone for a while after a missed offer.
    Resting,
    /// The queue had not opened the call to the agent yet.
    NotReached {
        /// The number of the step that would have, from 1, and what opens it; `None` where none
        /// does.
        step: Option<(u32, Opens)>,
    },
    /// The queue had opened the call to the agent before, but no longer did.
    Replaced {
        /// The number of the step that took the place of those before it, from 1.
        by: u32,
    },
    /// The agent's tier does not hold this permission, which the call needs.
    NotPermitted(String),
    /// The agent could have taken it; nothing was decided at that moment.
    Free,
}

impl Reason {
    /// The name on the wire.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Next { .. } => "next",
            Self::FurtherBack => "further_back",
            Self::NotPreferred => "not_preferred",
            Self::UnknownAgent => "unknown_agent",
            Self::NotServing => "not_serving",
            Self::SignedOut => "signed_out",
            Self::NotReady(_) => "not_ready",
            Self::Busy(..) => "busy",
            Self::Resting => "resting",
            Self::NotReached { .. } => "not_reached",
            Self::Replaced { .. } => "replaced",
            Self::NotPermitted(_) => "not_permitted",
            Self::Free => "free",
        }
    }
}
