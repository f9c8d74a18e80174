//! Queues, agents and tiers as configured, and the limits of the room by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{AgentId, MissedCause, NotReadyReason, Permission, QueueId, Tier};

use crate::callback::CallbackRule;
use crate::limits::{Limits, Plan};
use crate::step::{ServiceRule, TierStep};
use crate::strategy::{CallChoice, Strategy};

/// The longest head start, of queue and call together: one hour.
pub const MAX_HEAD_START_MS: u64 = 3_600_000;
/// The most that a queue's gain and objective add to a score: one hour.
pub const MAX_GAIN_MS: u64 = 3_600_000;
/// The highest gain of a queue: 100 seconds for one second waited.
pub const MAX_GAIN_PERMILLE: u64 = 100_000;
/// The shortest objective of a queue.
pub const MIN_OBJECTIVE_MS: u64 = 1_000;
/// With this objective a call's score grows twice as fast as it waits.
pub const OBJECTIVE_UNIT_MS: u64 = 60_000;
/// The highest level of a skill; the lowest is 1.
pub const MAX_LEVEL: u8 = 10;
/// The longest time for which a call may wait for one agent alone: ten minutes.
pub const MAX_PREFERENCE_MS: u64 = 600_000;
/// How long a call that a supervisor gives to an agent waits for them alone, in milliseconds.
pub const ASSIGNED_MS: u64 = 60_000;
/// The shortest rest after a missed offer that leaves the agent ready: nobody is rung in a loop.
pub const MIN_REST_MS: u64 = 1_000;
/// The most agents that one call rings at once.
pub const MAX_RINGING: u8 = 16;
/// The shortest time after which a call may ring more agents.
pub const MIN_RING_ADD_MS: u64 = 1_000;

/// Everything that is configured about the distribution of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The queues.
    pub queues: Vec<QueueConfig>,
    /// The agents.
    pub agents: Vec<AgentConfig>,
    /// What agents of each tier may do. A tier that is not named may do nothing special.
    pub permissions: BTreeMap<Tier, BTreeSet<Permission>>,
    /// How long an agent may be reserved before the phone rings; then the offer has failed.
    pub reserve_timeout_ms: u64,
    /// How long an agent's phone may ring.
    pub ring_timeout_ms: u64,
    /// The longest after-call work, extensions included.
    pub acw_limit_ms: u64,
    /// What a missed offer means for the agent.
    pub missed: MissedRules,
    /// Reasons for which an agent is `NotReady` only when someone has approved it.
    pub approval: BTreeSet<NotReadyReason>,
    /// Emergency plans, of which each can be put on and off; at most
    /// [`MAX_PLANS`](crate::MAX_PLANS).
    pub plans: Vec<Plan>,
}

/// What missed offers mean for an agent, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MissedRules {
    /// Rang out.
    pub no_answer: MissedRule,
    /// Declined.
    pub rejected: MissedRule,
    /// The phone was busy.
    pub busy: MissedRule,
    /// The phone could not be reached.
    pub unreachable: MissedRule,
    /// Anything else.
    pub error: MissedRule,
}

impl MissedRules {
    /// The rule for a cause.
    pub const fn of(&self, cause: MissedCause) -> MissedRule {
        match cause {
            MissedCause::NoAnswer => self.no_answer,
            MissedCause::Rejected => self.rejected,
            MissedCause::Busy => self.busy,
            MissedCause::Unreachable => self.unreachable,
            MissedCause::Error => self.error,
        }
    }
}

/// What missed offers of one cause mean for an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedRule {
    /// That many in a row (none answered between, and the agent not become ready anew) make the
    /// agent `NotReady`; at least 1.
    pub limit: u32,
    /// After fewer the agent is ready, but left alone for so long; 0 only where `limit` is 1.
    pub rest_ms: u64,
}

impl Default for MissedRule {
    /// The first one makes the agent `NotReady`.
    fn default() -> Self {
        Self { limit: 1, rest_ms: 0 }
    }
}

/// One queue. A call's score is its age (the time since it `entered`, and its head starts) and what
/// the queue adds to it: `gain_permille` thousandths of the age, and with an objective as many ages
/// as the objective goes into [`OBJECTIVE_UNIT_MS`], but never more than [`MAX_GAIN_MS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// Its name.
    pub queue: QueueId,
    /// Who takes its calls, and from when on.
    pub steps: Vec<TierStep>,
    /// How its service level is taken, where a step goes by it.
    pub service: Option<ServiceRule>,
    /// Callers who may wait in it; another one goes where `limits.full` says.
    pub max_waiting: usize,
    /// How much earlier its calls are deemed to have entered: what makes a queue matter more.
    pub head_start_ms: u64,
    /// How much faster than they wait its calls gain score, in thousandths.
    pub gain_permille: u64,
    /// Within which time its calls should be answered: half of it gains twice as much.
    pub objective_ms: Option<u64>,
    /// How an agent is chosen.
    pub strategy: Strategy,
    /// How many ring at once, where the strategy rings several.
    pub ring: RingRule,
    /// After-call work after its calls; `None`: the agent's own.
    pub acw: Option<AcwRule>,
    /// Whom it does not take, or keeps no longer.
    pub limits: Limits,
    /// How it calls back; `None`: it does not.
    pub callbacks: Option<CallbackRule>,
}

impl QueueConfig {
    /// A queue whose calls go to who is idle longest, without head start or gain, with room for
    /// 10,000 callers.
    pub fn new(queue: QueueId, steps: Vec<TierStep>) -> Self {
        Self {
            queue,
            steps,
            service: None,
            max_waiting: 10_000,
            head_start_ms: 0,
            gain_permille: 0,
            objective_ms: None,
            strategy: Strategy::LongestIdle,
            ring: RingRule::default(),
            acw: None,
            limits: Limits::default(),
            callbacks: None,
        }
    }
}

/// How many agents a call rings at once, with [`Strategy::RingAll`] and
/// [`Strategy::RingProgressive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingRule {
    /// From the start; 1 to [`MAX_RINGING`].
    pub at_once: u8,
    /// How many more each time, up to [`MAX_RINGING`] in all; only [`Strategy::RingProgressive`]
    /// goes by it, where it is at least 1.
    pub add: u8,
    /// After how long each time; at least [`MIN_RING_ADD_MS`].
    pub add_after_ms: u64,
}

impl Default for RingRule {
    /// As many as there may be, or each time one more.
    fn default() -> Self {
        Self { at_once: MAX_RINGING, add: 1, add_after_ms: 10_000 }
    }
}

/// After-call work as a queue has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcwRule {
    /// How long it is, unless the agent ends or extends it; 0: there is none.
    pub ms: u64,
    /// The longest it may become.
    pub limit_ms: u64,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    /// The agent's number.
    pub agent: AgentId,
    /// The agent's level.
    pub tier: Tier,
    /// The queues that the agent serves; in each, a step must open it to the agent. Steps of other
    /// queues may open those to the agent as well.
    pub queues: Vec<Served>,
    /// The groups that the agent is of, such as a team.
    pub groups: BTreeSet<Arc<str>>,
    /// The site where the agent is, such as a branch.
    pub site: Option<Arc<str>>,
    /// After-call work, unless the agent ends or extends it.
    pub acw_ms: u64,
    /// How the agent's next call is chosen.
    pub choice: CallChoice,
}

impl AgentConfig {
    /// An agent who takes the call with the highest score.
    pub fn new(agent: AgentId, tier: Tier, queues: Vec<Served>, acw_ms: u64) -> Self {
        let (groups, site) = (BTreeSet::new(), None);
        let choice = CallChoice::HighestScore;
        Self { agent, tier, queues, groups, site, acw_ms, choice }
    }
}

/// That an agent serves a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Which.
    pub queue: QueueId,
    /// How well, from 1 to [`MAX_LEVEL`], the best.
    pub level: u8,
    /// How much of the agent's offers should come from it, compared with the other queues' shares
    /// (see [`CallChoice::Shares`]); at least 1.
    pub share: u32,
}

impl From<QueueId> for Served {
    /// With the lowest level.
    fn from(queue: QueueId) -> Self {
        Self { queue, level: 1, share: 1 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            queues: Vec::new(),
            agents: Vec::new(),
            permissions: BTreeMap::new(),
            reserve_timeout_ms: 5_000,
            ring_timeout_ms: 20_000,
            acw_limit_ms: 3_600_000,
            missed: MissedRules::default(),
            approval: BTreeSet::new(),
            plans: Vec::new(),
        }
    }
}
