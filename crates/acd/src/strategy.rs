//! Who gets the call, and which call an agent takes: both choices as data.

use model::Mono;

use crate::agent::{Agent, AgentIndex, Serves};

/// How a queue chooses among the agents who may take a call now. Equal ones go by who is idle
/// longest, then by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Who could take a call for the longest time (最长空闲).
    #[default]
    LongestIdle,
    /// Whose share of the time since signing in that went into calls and after-call work is the
    /// smallest, as it was when they last became idle (最低占用率).
    LeastOccupied,
    /// Who serves the queue with the highest level.
    SkillFirst,
    /// Whose last offer from this queue is the longest ago (轮询).
    RoundRobin,
    /// Who has answered the fewest calls since signing in (最少应答).
    FewestCalls,
    /// All at once, as many as the queue's [`RingRule`](crate::RingRule) allows, who is idle
    /// longest first; the first who answers has the call (群振).
    RingAll,
    /// Some at once, those with the highest levels, and more and more while nobody answers (逐个加振).
    RingProgressive,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 7] = [
        Self::LongestIdle,
        Self::LeastOccupied,
        Self::SkillFirst,
        Self::RoundRobin,
        Self::FewestCalls,
        Self::RingAll,
        Self::RingProgressive,
    ];

    /// The name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LongestIdle => "longest_idle",
            Self::LeastOccupied => "least_occupied",
            Self::SkillFirst => "skill_first",
            Self::RoundRobin => "round_robin",
            Self::FewestCalls => "fewest_calls",
            Self::RingAll => "ring_all",
            Self::RingProgressive => "ring_progressive",
        }
    }

    /// Whether it offers a call to several agents at once.
    pub const fn rings_several(self) -> bool {
        matches!(self, Self::RingAll | Self::RingProgressive)
    }

    /// The strategy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == name)
    }

    /// An agent's turn in one of their queues: the lowest is next. It stays as it is while the
    /// agent is idle, so that the agents can be kept in its order.
    pub(crate) fn turn(self, agent: &Agent, serves: &Serves, index: AgentIndex) -> Turn {
        let key = match self {
            Self::LongestIdle | Self::RingAll => 0,
            Self::LeastOccupied => agent.work.occupied_ppm,
            Self::SkillFirst | Self::RingProgressive => u64::from(u8::MAX - serves.level),
            Self::RoundRobin => serves.last_turn,
            Self::FewestCalls => agent.work.calls,
        };
        Turn { key, idle_since: agent.idle_since, index }
    }
}

/// An agent's turn: what the strategy compares first, then who is idle longest, then the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    pub(crate) key: u64,
    idle_since: Mono,
    pub(crate) index: AgentIndex,
}

/// How an agent who becomes free chooses among the calls that they may take. Equal ones go by the
/// highest score, then by the call's id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallChoice {
    /// The call with the highest score in any queue.
    #[default]
    HighestScore,
    /// From the queue that the agent serves with the highest level.
    SkillFirst,
    /// From the queue that is furthest behind its share of the agent's offers.
    Shares,
}

/// What an agent has done since signing in, as far as strategies compare it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Calls answered.
    pub calls: u64,
    /// When the agent signed in, or was restored after a restart.
    pub since: Mono,
    /// How long the agent was signed in before that, in nanoseconds.
    pub before_ns: u64,
    /// Since when the agent is busy, if so.
    pub busy_since: Option<Mono>,
    /// How long the agent was busy before, in nanoseconds.
    pub busy_ns: u64,
    /// The share of the time that was, in millionths, as the agent last became idle.
    pub occupied_ppm: u64,
}

impl Work {
    /// The agent signs in.
    pub(crate) const fn begin(now: Mono) -> Self {
        Self { calls: 0, since: now, before_ns: 0, busy_since: None, busy_ns: 0, occupied_ppm: 0 }
    }

    /// The agent is being offered a call.
    pub(crate) fn start(&mut self, now: Mono) {
        self.busy_since = Some(now);
    }

    /// The agent was not busy after all.
    pub(crate) const fn forget(&mut self) {
        self.busy_since = None;
    }

    /// The agent is idle again.
    pub(crate) fn stop(&mut self, now: Mono) {
        if let Some(since) = self.busy_since.take() {
            self.busy_ns = self.busy_ns.saturating_add(now.0.saturating_sub(since.0));
        }
        let present = u128::from(now.0.saturating_sub(self.since.0));
        let whole = (present + u128::from(self.before_ns)).max(1);
        let ppm = u128::from(self.busy_ns) * 1_000_000 / whole;
        self.occupied_ppm = u64::try_from(ppm).unwrap_or(u64::MAX);
    }
}
