//! What a configuration must be to make sense.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{AgentId, QueueId, Tier};

use crate::config::{
    AgentConfig, Config, MAX_GAIN_PERMILLE, MAX_HEAD_START_MS, MAX_LEVEL, MAX_RINGING,
    MIN_OBJECTIVE_MS, MIN_REST_MS, MIN_RING_ADD_MS, MissedRule, MissedRules, QueueConfig, RingRule,
    Served,
};
use crate::limits::MAX_PLANS;
use crate::step::{MAX_STEPS, MAX_WINDOW_MS, Skill, TierStep};

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
    /// A queue's steps are not in the order of their times, or name the same agents again without
    /// asking for a lower level.
    StepOrder {
        /// Which queue.
        queue: QueueId,
        /// The number of the step that is wrong, from 1.
        step: usize,
    },
    /// Nothing opens a step, or no time the first one, or a figure that nothing can be below.
    StepOpens {
        /// Which queue.
        queue: QueueId,
        /// The number of the step that is wrong, from 1.
        step: usize,
    },
    /// A step goes by a service level, and the queue does not say how that is taken; or by a time
    /// or window of 0, or a window longer than [`MAX_WINDOW_MS`].
    Service {
        /// Which queue.
        queue: QueueId,
    },
    /// A step asks for the skill of a queue that does not exist.
    UnknownSkill {
        /// Of which queue.
        queue: QueueId,
        /// For which one's.
        skill: QueueId,
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
    /// A queue's gain is higher than [`MAX_GAIN_PERMILLE`], or its objective shorter than 1 s.
    Gain {
        /// Which.
        queue: QueueId,
    },
    /// A queue's after-call work is longer than its limit.
    AcwRule {
        /// Which.
        queue: QueueId,
    },
    /// A level is not from 1 to [`MAX_LEVEL`], or a share is 0.
    Level {
        /// Of which queue.
        queue: QueueId,
    },
    /// A rule for missed offers has a limit of 0, or leaves agents ready without a rest of at least
    /// [`MIN_REST_MS`].
    MissedRule,
    /// An agent serves a queue that does not exist.
    UnknownQueue {
        /// Which agent.
        agent: AgentId,
        /// Which queue.
        queue: QueueId,
    },
    /// An agent serves a queue that no step opens to the agent, and no step of another queue asks
    /// for by skill, or names it twice.
    NeverServed {
        /// Which agent.
        agent: AgentId,
        /// The agent's tier.
        tier: Tier,
        /// Which queue.
        queue: QueueId,
    },
    /// More than [`MAX_PLANS`] emergency plans, or two of one name.
    Plans,
    /// Calls of a queue may go to one that does not exist, or a plan names one that does not.
    LostOverflow {
        /// From which.
        queue: QueueId,
        /// To which.
        to: QueueId,
    },
    /// Calls of a queue may come back to it, from queue to queue.
    OverflowCircle {
        /// Which.
        queue: QueueId,
    },
    /// A queue rings no agent at once, or more than [`MAX_RINGING`], adds none, or that too soon.
    Ring {
        /// Which.
        queue: QueueId,
    },
    /// A queue's longest time, or a time or number of its rule for callbacks, is 0.
    ZeroLimit {
        /// Which.
        queue: QueueId,
    },
    /// An agent's after-call work is longer than `acw_limit_ms`.
    AcwTooLong {
        /// Which agent.
        agent: AgentId,
    },
}

const OUT_OF_ORDER: &str = "must come after the steps that are sooner, and name the same agents \
                            again only with a lower 'min_level'";
const NEVER_OPENS: &str = "needs something that opens it (the first one a time), an estimate above \
                           0 and a service level of 1 to 1000";

fn tell_step(queue: &QueueId, step: usize, what: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "queue '{queue}': step {step} {what}")
}

fn tell_service(queue: &QueueId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "queue '{queue}': a step goes by the service level, so it needs to be said what is in \
         time, and a window of 1 to {MAX_WINDOW_MS} ms"
    )
}

fn tell_ring(queue: &QueueId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "queue '{queue}': 'ring_at_once' and 'ring_add' must be 1 to {MAX_RINGING}, and \
         'ring_add_after_ms' at least {MIN_RING_ADD_MS}"
    )
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
            Self::StepOrder { queue, step } => tell_step(queue, *step, OUT_OF_ORDER, f),
            Self::StepOpens { queue, step } => tell_step(queue, *step, NEVER_OPENS, f),
            Self::Service { queue } => tell_service(queue, f),
            Self::UnknownSkill { queue, skill } => write!(
                f,
                "queue '{queue}': a step asks for the skill of '{skill}', which is not configured"
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
            Self::Gain { queue } => write!(
                f,
                "queue '{queue}': 'gain_permille' must be at most {MAX_GAIN_PERMILLE}, and \
                 'objective_ms' at least {MIN_OBJECTIVE_MS}"
            ),
            Self::Ring { queue } => tell_ring(queue, f),
            Self::AcwRule { queue } => {
                write!(f, "queue '{queue}': after-call work must be at most its limit")
            }
            Self::Level { queue } => write!(
                f,
                "queue '{queue}': a level must be from 1 to {MAX_LEVEL}, and a share at least 1"
            ),
            Self::MissedRule => write!(
                f,
                "a rule for missed offers needs a limit of at least 1, and above 1 a rest of at \
                 least {MIN_REST_MS} ms"
            ),
            Self::UnknownQueue { agent, queue } => {
                write!(f, "agent '{agent}' serves queue '{queue}', which is not configured")
            }
            Self::NeverServed { agent, tier, queue } => write!(
                f,
                "agent '{agent}' of tier {} serves queue '{queue}', whose steps never open it to \
                 that tier (or names the queue twice); add a step or remove the queue",
                tier.level
            ),
            Self::Plans => {
                write!(f, "there may be {MAX_PLANS} emergency plans, each with a name of its own")
            }
            Self::LostOverflow { queue, to } => {
                write!(f, "calls of queue '{queue}' may go to '{to}': one of the two is unknown")
            }
            Self::OverflowCircle { queue } => {
                write!(f, "calls that leave queue '{queue}' may come back to it; break the circle")
            }
            Self::ZeroLimit { queue } => write!(
                f,
                "queue '{queue}': the longest time, and each number of its rule for callbacks, \
                 must be at least 1"
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
        let MissedRules { no_answer, rejected, busy, unreachable, error } = self.missed;
        if [no_answer, rejected, busy, unreachable, error].iter().any(|rule| !rule.makes_sense()) {
            return Err(ConfigError::MissedRule);
        }
        let mut steps: BTreeMap<&QueueId, &[TierStep]> = BTreeMap::new();
        for queue in &self.queues {
            queue.check()?;
            if steps.insert(&queue.queue, &queue.steps).is_some() {
                return Err(ConfigError::QueueTwice { queue: queue.queue.clone() });
            }
        }
        let mut skills = BTreeSet::new();
        for queue in &self.queues {
            let asked = queue.steps.iter().filter_map(|step| match &step.skill {
                Skill::Of(other) => Some(other),
                Skill::Own | Skill::None => None,
            });
            skills.extend(asked.clone());
            if let Some(skill) = asked.clone().find(|skill| !steps.contains_key(skill)) {
                let (queue, skill) = (queue.queue.clone(), skill.clone());
                return Err(ConfigError::UnknownSkill { queue, skill });
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
            agent.check(&steps, &skills)?;
        }
        self.check_overflows()
    }
}

impl Config {
    fn check_overflows(&self) -> Result<(), ConfigError> {
        let names: BTreeSet<&str> = self.plans.iter().map(|plan| &*plan.name).collect();
        if self.plans.len() > MAX_PLANS || names.len() < self.plans.len() {
            return Err(ConfigError::Plans);
        }
        let mut named = self.plans.iter().flat_map(|plan| plan.queues.keys());
        let known = |name: &&QueueId| self.queues.iter().any(|queue| queue.queue == **name);
        if let Some(queue) = named.find(|name| !known(name)) {
            return Err(ConfigError::LostOverflow { queue: queue.clone(), to: queue.clone() });
        }
        if let Some((queue, to)) = self.lost_overflow() {
            return Err(ConfigError::LostOverflow { queue, to });
        }
        match self.overflow_circle() {
            Some(queue) => Err(ConfigError::OverflowCircle { queue }),
            None => Ok(()),
        }
    }
}

impl QueueConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let queue = || self.queue.clone();
        if self.steps.is_empty() || self.steps.len() > MAX_STEPS {
            return Err(ConfigError::StepCount { queue: queue(), count: self.steps.len() });
        }
        self.check_steps()?;
        if self.max_waiting == 0 {
            return Err(ConfigError::NoRoom { queue: queue() });
        }
        if self.head_start_ms > MAX_HEAD_START_MS {
            return Err(ConfigError::HeadStart { queue: queue() });
        }
        let too_short = self.objective_ms.is_some_and(|ms| ms < MIN_OBJECTIVE_MS);
        if self.gain_permille > MAX_GAIN_PERMILLE || too_short {
            return Err(ConfigError::Gain { queue: queue() });
        }
        if !self.ring.makes_sense() {
            return Err(ConfigError::Ring { queue: queue() });
        }
        let no_time = self.limits.wait.as_ref().is_some_and(|wait| wait.ms == 0);
        if no_time || self.callbacks.is_some_and(|rule| !rule.makes_sense()) {
            return Err(ConfigError::ZeroLimit { queue: queue() });
        }
        if self.acw.is_some_and(|acw| acw.ms > acw.limit_ms) {
            return Err(ConfigError::AcwRule { queue: queue() });
        }
        Ok(())
    }
}

impl QueueConfig {
    fn check_steps(&self) -> Result<(), ConfigError> {
        let queue = || self.queue.clone();
        let mut levels = BTreeMap::new();
        let mut last_ms = 0;
        for (at, step) in self.steps.iter().enumerate() {
            let TierStep { opens, tier, skill, min_level, groups, sites, replaces } = step;
            let impossible = |least: u32| !(1..=1_000).contains(&least);
            let wrong = opens.is_never()
                || (at == 0 && opens.after_ms.is_none())
                || opens.estimate_ms == Some(0)
                || opens.service_permille.is_some_and(impossible);
            if wrong {
                return Err(ConfigError::StepOpens { queue: queue(), step: at + 1 });
            }
            // After a step that replaces them the others may come again.
            if *replaces {
                levels.clear();
            }
            let before = levels.insert((tier, skill, groups, sites), min_level);
            let is_sooner = opens.after_ms.is_some_and(|ms| ms < last_ms);
            if is_sooner || before.is_some_and(|level| level <= min_level) {
                return Err(ConfigError::StepOrder { queue: queue(), step: at + 1 });
            }
            let without_skill = *skill == Skill::None && *min_level > 1;
            if without_skill || !(1..=MAX_LEVEL).contains(min_level) {
                return Err(ConfigError::Level { queue: queue() });
            }
            last_ms = opens.after_ms.unwrap_or(last_ms);
        }
        let by_service = self.steps.iter().any(|step| step.opens.service_permille.is_some());
        let is_right = match self.service {
            Some(rule) => rule.within_ms > 0 && (1..=MAX_WINDOW_MS).contains(&rule.window_ms),
            None => !by_service,
        };
        if is_right { Ok(()) } else { Err(ConfigError::Service { queue: queue() }) }
    }
}

impl AgentConfig {
    fn check(
        &self,
        steps: &BTreeMap<&QueueId, &[TierStep]>,
        skills: &BTreeSet<&QueueId>,
    ) -> Result<(), ConfigError> {
        let mut seen = BTreeSet::new();
        for Served { queue, level, share } in &self.queues {
            let (agent, tier) = (self.agent.clone(), self.tier);
            let Some(steps) = steps.get(queue) else {
                return Err(ConfigError::UnknownQueue { agent, queue: queue.clone() });
            };
            if !(1..=MAX_LEVEL).contains(level) || *share == 0 {
                return Err(ConfigError::Level { queue: queue.clone() });
            }
            let admits = |step: &TierStep| step.admits(self, queue);
            let helps = skills.contains(queue);
            if !seen.insert(queue) || !(helps || steps.iter().any(admits)) {
                return Err(ConfigError::NeverServed { agent, tier, queue: queue.clone() });
            }
        }
        Ok(())
    }
}

impl RingRule {
    fn makes_sense(self) -> bool {
        let range = 1..=MAX_RINGING;
        let counts = range.contains(&self.at_once) && range.contains(&self.add);
        counts && self.add_after_ms >= MIN_RING_ADD_MS
    }
}

impl MissedRule {
    const fn makes_sense(self) -> bool {
        self.limit == 1 || (self.limit > 1 && self.rest_ms >= MIN_REST_MS)
    }
}
