//! The steps in which a queue opens its calls to more and more agents, or to others.
//!
//! Steps are in an order, and a call has reached so many of them: what opens one opens those before
//! it as well, and a step that is reached stays reached for as long as the call is in the queue.
//! Were steps to close again when an estimate or a figure gets better, agents would be offered a
//! call and not the next one for reasons that change by the second, and nobody could be told when
//! their call opens to whom. A step adds its agents to those of the steps before it, or replaces
//! them.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Opens, QueueId, Tier};

use crate::AgentConfig;

/// How many steps a queue may have.
pub const MAX_STEPS: usize = 16;
/// The longest window in which a service level is taken: one day.
pub const MAX_WINDOW_MS: u64 = 86_400_000;

/// One step: who takes the queue's calls, and from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierStep {
    /// What opens it. The first step opens after a time.
    pub opens: Opens,
    /// Only agents of this tier; `None`: of any.
    pub tier: Option<Tier>,
    /// Only agents with this skill.
    pub skill: Skill,
    /// Only those whose level of that skill is at least this. A later step of the same tier may
    /// ask for a lower one: that is how a call reaches out from the experts to the others.
    pub min_level: u8,
    /// Only agents of one of these groups, if any is named.
    pub groups: BTreeSet<Arc<str>>,
    /// Only agents of one of these sites, if any is named.
    pub sites: BTreeSet<Arc<str>>,
    /// From then on agents of earlier steps take the call no more, unless they are of this one or
    /// of a later one as well.
    pub replaces: bool,
}

/// Which skill a step asks for: to serve a queue is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skill {
    /// The queue's own.
    #[default]
    Own,
    /// That of another queue. Who helps out by it counts as of the lowest level.
    Of(QueueId),
    /// None: whoever is of the tier, the groups and the sites.
    None,
}

/// How the service level of a queue is taken: of the callers of the last `window_ms` who were
/// answered, gave up (but not shortly) or were sent elsewhere because they had waited too long, and
/// of those who wait for longer than `within_ms` now, the share that was answered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceRule {
    /// What is in time.
    pub within_ms: u64,
    /// How far it looks back; 1 to [`MAX_WINDOW_MS`].
    pub window_ms: u64,
}

impl TierStep {
    /// A step for all agents of a tier who serve the queue, after a time.
    pub fn new(tier: Tier, after_ms: u64) -> Self {
        Self { tier: Some(tier), ..Self::of(Skill::Own, Opens::after(after_ms)) }
    }

    /// A step for all agents with a skill.
    pub fn of(skill: Skill, opens: Opens) -> Self {
        let (groups, sites) = (BTreeSet::new(), BTreeSet::new());
        Self { opens, tier: None, skill, min_level: 1, groups, sites, replaces: false }
    }

    /// Whether it opens the calls of its queue to an agent.
    pub fn admits(&self, agent: &AgentConfig, queue: &QueueId) -> bool {
        let skill = match &self.skill {
            Skill::Own => Some(queue),
            Skill::Of(other) => Some(other),
            Skill::None => None,
        };
        let skilled = skill.is_none_or(|skill| {
            let served = agent.queues.iter().find(|served| served.queue == *skill);
            served.is_some_and(|served| served.level >= self.min_level)
        });
        let site = || agent.site.as_ref().is_some_and(|site| self.sites.contains(site));
        skilled
            && self.tier.is_none_or(|tier| tier == agent.tier)
            && (self.sites.is_empty() || site())
            && (self.groups.is_empty() || !self.groups.is_disjoint(&agent.groups))
    }

    /// Whether it may open to agents who do not serve its queue.
    pub(crate) const fn borrows(&self) -> bool {
        !matches!(self.skill, Skill::Own)
    }
}

/// The steps that are in force for a call that has reached so many: the last one of those that
/// replaces others, and those after it.
pub fn in_force(steps: &[TierStep], reached: usize) -> std::ops::Range<usize> {
    let reached = reached.min(steps.len());
    let last = steps[..reached].iter().rposition(|step| step.replaces);
    last.unwrap_or(0)..reached
}

/// For which numbers of steps reached a queue's calls are open to an agent whom these of its steps
/// admit: bit `n` for a call that has reached `n`.
pub(crate) fn open_at(steps: &[TierStep], admits: impl Fn(&TierStep) -> bool) -> u32 {
    let mut open = 0;
    let mut admitted = false;
    for (at, step) in steps.iter().enumerate().take(MAX_STEPS) {
        admitted = admits(step) || (admitted && !step.replaces);
        open |= u32::from(admitted) << (at + 1);
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(level: u8, replaces: bool) -> TierStep {
        TierStep { replaces, ..TierStep::new(Tier { level }, 0) }
    }

    #[test]
    fn a_step_that_replaces_others_leaves_only_its_own_agents() {
        let steps = [step(1, false), step(2, false), step(3, true), step(1, false)];
        let ranges: Vec<_> = (0..=5).map(|reached| in_force(&steps, reached)).collect();
        assert_eq!(ranges, [0..0, 0..1, 0..2, 2..3, 2..4, 2..4]);
        for (level, open) in [(1, 0b1_0110), (2, 0b0_0100), (3, 0b1_1000), (4, 0)] {
            let tier = Some(Tier { level });
            assert_eq!(open_at(&steps, |step| step.tier == tier), open, "tier {level}");
        }
    }
}
