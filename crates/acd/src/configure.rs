//! What of a configuration changes: a value that says, of each queue and agent that is no longer as
//! it was, all that is true of it from now on.

use std::collections::{BTreeMap, BTreeSet};

use model::{AgentId, NotReadyReason, Permission, QueueId, Tier};

use crate::{AgentConfig, Config, MissedRules, Plan, QueueConfig, Served, TierStep};

/// How one configuration differs from another. Made from two that make sense
/// ([`Config::check`]), and put into a room that has the first ([`Input::Configure`]).
///
/// Nothing that goes on is cut short: who waits keeps the place, who is being offered or talks
/// keeps the call, whose after-call work runs keeps its time. From then on
/// - a call of a queue that is changed has reached the tiers that it would have by now, and may
///   stay for as long as the queue says now, counted from when it joined;
/// - a call that rings several agents rings no more of them than it does, if that rule changed;
/// - a queue that is configured no more takes nobody, keeps those who are in it and its agents for
///   them, with its own rules (but for those that name another such queue), and is gone when its
///   last call is over ([`Output::QueueGone`]);
/// - an agent who is configured no more is signed out, at the end of the present work if there is
///   any, and is gone then ([`Output::AgentGone`]);
/// - a callback of a queue that calls nobody back any more goes by [`CallbackRule::default`];
/// - what an agent asked for is approved if it needs no approval any more.
///
/// [`Input::Configure`]: crate::Input::Configure
/// [`Output::QueueGone`]: crate::Output::QueueGone
/// [`Output::AgentGone`]: crate::Output::AgentGone
/// [`CallbackRule::default`]: crate::CallbackRule::default
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Queues that are new or otherwise, and those that are no more.
    pub queues: BTreeMap<QueueId, Option<QueueConfig>>,
    /// The same of agents.
    pub agents: BTreeMap<AgentId, Option<AgentConfig>>,
    /// Agents who are as they were, and to whom the steps of queues that change open them or did;
    /// all of them where any step opens to agents who do not serve its queue.
    pub concerned: BTreeMap<AgentId, AgentConfig>,
    /// What agents who stay have served of the queues that are no more, and go on serving for those
    /// who are in them.
    pub left: BTreeMap<AgentId, Vec<Served>>,
    /// What agents of each tier may do, all of it.
    pub permissions: Option<BTreeMap<Tier, BTreeSet<Permission>>>,
    /// The times that count for all.
    pub times: Option<Times>,
    /// What missed offers mean.
    pub missed: Option<MissedRules>,
    /// Reasons that need approval, all of them.
    pub approval: Option<BTreeSet<NotReadyReason>>,
    /// The emergency plans, all of them. One of a name that was on stays on.
    pub plans: Option<Vec<Plan>>,
}

/// The times of a [`Config`] that count for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How long an agent may be reserved before the phone rings.
    pub reserve_timeout_ms: u64,
    /// How long an agent's phone may ring.
    pub ring_timeout_ms: u64,
    /// The longest after-call work.
    pub acw_limit_ms: u64,
}

impl Times {
    const fn of(config: &Config) -> Self {
        let Config { reserve_timeout_ms, ring_timeout_ms, acw_limit_ms, .. } = *config;
        Self { reserve_timeout_ms, ring_timeout_ms, acw_limit_ms }
    }
}

impl Changes {
    /// What has to change of `before` to have `after`.
    pub fn between(before: &Config, after: &Config) -> Self {
        let queues = differences(&before.queues, &after.queues, |queue| &queue.queue);
        let agents = differences(&before.agents, &after.agents, |agent| &agent.agent);
        Self {
            concerned: concerned(before, after, &queues, &agents),
            left: left(before, &queues, &agents),
            queues,
            agents,
            permissions: differs(&before.permissions, &after.permissions),
            times: differs(&Times::of(before), &Times::of(after)),
            missed: differs(&before.missed, &after.missed),
            approval: differs(&before.approval, &after.approval),
            plans: differs(&before.plans, &after.plans),
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Makes `config` what it is after the change. What is new comes last.
    pub fn make(&self, config: &mut Config) {
        change(&mut config.queues, &self.queues, |queue| &queue.queue);
        change(&mut config.agents, &self.agents, |agent| &agent.agent);
        if let Some(permissions) = &self.permissions {
            config.permissions.clone_from(permissions);
        }
        if let Some(Times { reserve_timeout_ms, ring_timeout_ms, acw_limit_ms }) = self.times {
            config.reserve_timeout_ms = reserve_timeout_ms;
            config.ring_timeout_ms = ring_timeout_ms;
            config.acw_limit_ms = acw_limit_ms;
        }
        config.missed = self.missed.unwrap_or(config.missed);
        if let Some(approval) = &self.approval {
            config.approval.clone_from(approval);
        }
        if let Some(plans) = &self.plans {
            config.plans.clone_from(plans);
        }
    }
}

/// The agents who are as they were, of whom queues that are configured and changed speak.
fn concerned(
    before: &Config,
    after: &Config,
    queues: &BTreeMap<QueueId, Option<QueueConfig>>,
    agents: &BTreeMap<AgentId, Option<AgentConfig>>,
) -> BTreeMap<AgentId, AgentConfig> {
    let then: BTreeMap<&QueueId, &QueueConfig> =
        before.queues.iter().map(|queue| (&queue.queue, queue)).collect();
    let now = queues.values().flatten();
    let stepped: Vec<&QueueConfig> = now
        .flat_map(|now| {
            let then = then.get(&now.queue).copied();
            let differs = then.is_none_or(|then| then.steps != now.steps);
            [Some(now), then].into_iter().flatten().filter(move |_| differs)
        })
        .collect();
    let any = |queue: &QueueConfig| queue.steps.iter().any(TierStep::borrows);
    let borrows = !queues.is_empty() && after.queues.iter().any(any);
    let is_named = |agent: &AgentConfig| {
        let named =
            |queue: &&QueueConfig| queue.steps.iter().any(|step| step.admits(agent, &queue.queue));
        let is_asked = borrows || stepped.iter().any(named);
        !agents.contains_key(&agent.agent) && is_asked
    };
    let named = after.agents.iter().filter(|agent| is_named(agent));
    named.map(|agent| (agent.agent.clone(), agent.clone())).collect()
}

/// What agents serve of the queues that are no more.
fn left(
    before: &Config,
    queues: &BTreeMap<QueueId, Option<QueueConfig>>,
    agents: &BTreeMap<AgentId, Option<AgentConfig>>,
) -> BTreeMap<AgentId, Vec<Served>> {
    let is_gone = |served: &&Served| matches!(queues.get(&served.queue), Some(None));
    let stays = |agent: &&AgentConfig| matches!(agents.get(&agent.agent), Some(Some(_)));
    let left = before.agents.iter().filter(stays).map(|agent| {
        let left: Vec<Served> = agent.queues.iter().filter(is_gone).cloned().collect();
        (agent.agent.clone(), left)
    });
    left.filter(|(_, left)| !left.is_empty()).collect()
}

fn differences<K: Ord + Clone, T: Clone + PartialEq>(
    before: &[T],
    after: &[T],
    name: impl Fn(&T) -> &K,
) -> BTreeMap<K, Option<T>> {
    let before: BTreeMap<&K, &T> = before.iter().map(|one| (name(one), one)).collect();
    let after: BTreeMap<&K, &T> = after.iter().map(|one| (name(one), one)).collect();
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let gone = gone.map(|name| (K::clone(name), None));
    let other = after.iter().filter(|(name, one)| before.get(*name) != Some(*one));
    let other = other.map(|(name, one)| (K::clone(name), Some(T::clone(one))));
    other.chain(gone).collect()
}

fn differs<T: Clone + PartialEq>(before: &T, after: &T) -> Option<T> {
    (before != after).then(|| after.clone())
}

fn change<K: Ord, T: Clone>(
    all: &mut Vec<T>,
    changes: &BTreeMap<K, Option<T>>,
    name: impl Fn(&T) -> &K,
) {
    let mut left: BTreeMap<&K, &Option<T>> = changes.iter().collect();
    all.retain_mut(|one| match left.remove(name(one)) {
        Some(Some(changed)) => {
            *one = changed.clone();
            true
        }
        Some(None) => false,
        None => true,
    });
    all.extend(left.into_values().flatten().cloned());
}
