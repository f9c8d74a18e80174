//! Queues, agents and tiers as configured, and the limits of the room by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{AgentId, Permission, QueueId, Tier};

/// How many steps a queue may have.
pub const MAX_STEPS: usize = 16;
/// The longest head start, of queue and call together: one hour.
pub const MAX_HEAD_START_MS: u64 = 3_600_000;

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
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    /// Its name.
    pub queue: QueueId,
    /// Which tiers take its calls, and from when; every step adds to those before it.
    pub steps: Vec<TierStep>,
    /// Callers who may wait in it; another one is not enqueued.
    pub max_waiting: usize,
    /// How much earlier its calls are deemed to have entered: what makes a queue matter more.
    pub head_start_ms: u64,
}

/// From when on a tier takes a queue's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierStep {
    /// Which tier.
    pub tier: Tier,
    /// How long after a call entered.
    pub after_ms: u64,
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    /// The agent's number.
    pub agent: AgentId,
    /// The agent's level.
    pub tier: Tier,
    /// The queues that the agent serves; in each, a step must open it to the agent's tier.
    pub queues: Vec<QueueId>,
    /// After-call work, unless the agent ends or extends it.
    pub acw_ms: u64,
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
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// A time limit is 0.
    Zero {
        /// Which.
        key: &'static str,
    },
    /// Two queues have one name.
    QueueTwice {
        /// Which.
        queue: QueueId,
    },
    /// Two agents have one number.
    AgentTwice {
        /// Which.
        agent: AgentId,
    },
    /// A queue has no step, or more than [`MAX_STEPS`].
    StepCount {
        /// Which queue.
        queue: QueueId,
        /// How many.
        count: usize,
    },
    /// A queue's steps are not in the order of their times, or name a tier twice.
    StepOrder {
        /// Which queue.
        queue: QueueId,
        /// The tier of the step that is wrong.
        tier: Tier,
    },
    /// A queue in which nobody may wait.
    NoRoom {
        /// Which.
        queue: QueueId,
    },
    /// A queue's head start is longer than [`MAX_HEAD_START_MS`].
    HeadStart {
        /// Which.
        queue: QueueId,
    },
    /// An agent serves a queue that does not exist.
    UnknownQueue {
        /// Which agent.
        agent: AgentId,
        /// Which queue.
        queue: QueueId,
    },
    /// An agent serves a queue that no step opens to the agent's tier, or names it twice.
    NeverServed {
        /// Which agent.
        agent: AgentId,
        /// The agent's tier.
        tier: Tier,
        /// Which queue.
        queue: QueueId,
    },
    /// An agent's after-call work is longer than `acw_limit_ms`.
    AcwTooLong {
        /// Which agent.
        agent: AgentId,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { key } => write!(f, "'{key}' is 0; it must be at least 1"),
            Self::QueueTwice { queue } => write!(f, "queue '{queue}' is configured twice"),
            Self::AgentTwice { agent } => write!(f, "agent '{agent}' is configured twice"),
            Self::StepCount { queue, count } => write!(
                f,
                "queue '{queue}' has {count} tier steps; give it 1 to {MAX_STEPS}, such as \
                 tier 1 after 0 ms"
            ),
            Self::StepOrder { queue, tier } => write!(
                f,
                "queue '{queue}': the step of tier {} must come after the steps that are sooner, \
                 and only once",
                tier.level
            ),
            Self::NoRoom { queue } => {
                write!(
                    f,
                    "queue '{queue}' has room for 0 callers; 'max_waiting' must be at least 1"
                )
            }
            Self::HeadStart { queue } => {
                write!(f, "queue '{queue}': 'head_start_ms' must be at most {MAX_HEAD_START_MS}")
            }
            Self::UnknownQueue { agent, queue } => {
                write!(f, "agent '{agent}' serves queue '{queue}', which is not configured")
            }
            Self::NeverServed { agent, tier, queue } => write!(
                f,
                "agent '{agent}' of tier {} serves queue '{queue}', whose steps never open it to \
                 that tier (or names the queue twice); add a step or remove the queue",
                tier.level
            ),
            Self::AcwTooLong { agent } => {
                write!(f, "agent '{agent}': 'acw_ms' must be at most 'acw_limit_ms'")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Checks that everything that is named exists and makes sense.
    ///
    /// # Errors
    /// [`ConfigError`] names the queue or agent and the key.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (key, ms) in [
            ("reserve_timeout_ms", self.reserve_timeout_ms),
            ("ring_timeout_ms", self.ring_timeout_ms),
            ("acw_limit_ms", self.acw_limit_ms),
        ] {
            if ms == 0 {
                return Err(ConfigError::Zero { key });
            }
        }
        let mut steps: BTreeMap<&QueueId, &[TierStep]> = BTreeMap::new();
        for queue in &self.queues {
            queue.check()?;
            if steps.insert(&queue.queue, &queue.steps).is_some() {
                return Err(ConfigError::QueueTwice { queue: queue.queue.clone() });
            }
        }
        let mut agents = BTreeSet::new();
        for agent in &self.agents {
            if !agents.insert(&agent.agent) {
                return Err(ConfigError::AgentTwice { agent: agent.agent.clone() });
            }
            if agent.acw_ms > self.acw_limit_ms {
                return Err(ConfigError::AcwTooLong { agent: agent.agent.clone() });
            }
            agent.check(&steps)?;
        }
        Ok(())
    }
}

impl QueueConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let queue = || self.queue.clone();
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err(ConfigError::StepCount { queue: queue(), count: self.steps.len() });
        }
        let mut tiers = BTreeSet::new();
        let mut last_ms = 0;
        for step in &self.steps {
            if step.after_ms < last_ms || !tiers.insert(step.tier) {
                return Err(ConfigError::StepOrder { queue: queue(), tier: step.tier });
            }
            last_ms = step.after_ms;
        }
        if self.max_waiting == 0 {
            return Err(ConfigError::NoRoom { queue: queue() });
        }
        if self.head_start_ms > MAX_HEAD_START_MS {
            return Err(ConfigError::HeadStart { queue: queue() });
        }
        Ok(())
    }
}

impl AgentConfig {
    fn check(&self, steps: &BTreeMap<&QueueId, &[TierStep]>) -> Result<(), ConfigError> {
        let mut seen = BTreeSet::new();
        for queue in &self.queues {
            let (agent, tier) = (self.agent.clone(), self.tier);
            let Some(steps) = steps.get(queue) else {
                return Err(ConfigError::UnknownQueue { agent, queue: queue.clone() });
            };
            if !seen.insert(queue) || !steps.iter().any(|step| step.tier == tier) {
                return Err(ConfigError::NeverServed { agent, tier, queue: queue.clone() });
            }
        }
        Ok(())
    }
}
