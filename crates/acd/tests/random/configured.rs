//! The rules of a configuration that changes while calls wait and agents talk.

use std::time::Duration;

use acd::{Acd, AgentView, Changes, Config, Limits, Overflow, QueueConfig, RingRule, Strategy};
use model::{AgentId, AgentState, AgentStatus, Mono, QueueId};

use super::reference::{Reference, Stage, Waiting, Working, is_admitted};

impl Reference {
    /// Whether a queue is configured.
    pub(super) fn takes_newcomers(&self, queue: &QueueId) -> bool {
        self.configured.queues.iter().any(|config| config.queue == *queue)
    }

    /// From now on everything is as the change says.
    pub(super) fn expect_change(&mut self, changes: &Changes, now: Mono) {
        self.was_changed = true;
        changes.make(&mut self.configured);
        let before = std::mem::replace(&mut self.config, self.configured.clone());
        for old in &before.queues {
            if !self.takes_newcomers(&old.queue) {
                let limits = pruned(&old.limits, &self.configured);
                self.config.queues.push(QueueConfig { limits, ..old.clone() });
            }
        }
        let rule = |config: &Config, queue: &QueueId| {
            let queue = config.queues.iter().find(|one| one.queue == *queue)?;
            Some(queue.service)
        };
        let config = &self.config;
        self.served.retain(|queue, _| rule(&before, queue) == rule(config, queue));
        for queue in &self.config.queues {
            self.limits.counts.entry(queue.queue.clone()).or_default();
        }
        let plans = &self.config.plans;
        self.limits.on.retain(|name| plans.iter().any(|plan| plan.name == *name));
        self.change_agents();
        self.change_calls(&before, now);
    }

    fn change_agents(&mut self) {
        let agents: Vec<AgentId> = self.agents.keys().cloned().collect();
        for id in agents {
            let wanted = self.configured.agents.iter().find(|agent| agent.agent == id).cloned();
            let mut working = self.agents.remove(&id).unwrap();
            match wanted {
                Some(mut config) => {
                    let old = std::mem::take(&mut working.config.queues);
                    let left = old.into_iter().filter(|served| {
                        let closing = self.queue(&served.queue);
                        let closing = closing.filter(|_| !self.takes_newcomers(&served.queue));
                        closing.is_some()
                    });
                    let left: Vec<_> = left.collect();
                    config.queues.extend(left);
                    (working.config, working.leaving) = (config, false);
                }
                None => {
                    working.config.queues.clear();
                    working.tally.offers.clear();
                    working.tally.turns.clear();
                    (working.asks, working.leaving) = (None, true);
                }
            }
            working.asks.take_if(|reason| !self.config.approval.contains(reason));
            let serves = |queue: &QueueId| {
                self.queue(queue).is_some_and(|queue| is_admitted(&working.config, queue))
            };
            working.tally.offers.retain(|queue, _| serves(queue));
            working.tally.turns.retain(|queue, _| serves(queue));
            self.agents.insert(id, working);
        }
    }

    fn change_calls(&mut self, before: &Config, now: Mono) {
        let ids: Vec<_> = self.calls.keys().copied().collect();
        for id in ids {
            let mut call = self.calls.remove(&id).unwrap();
            if !matches!(call.stage, Stage::Talking | Stage::Over) {
                self.change_call(&mut call, before, now);
                self.reached_anew.insert(id);
            }
            self.calls.insert(id, call);
        }
    }

    fn change_call(&self, call: &mut Waiting, before: &Config, now: Mono) {
        let queue = self.queue(&call.queue).unwrap();
        let old = before.queues.iter().find(|old| old.queue == call.queue).unwrap();
        call.head_start_ms = call.own_head_start_ms + queue.head_start_ms;
        let due = |ms| call.entered + Duration::from_millis(ms) <= now;
        let due = queue.steps.iter().rposition(|step| step.opens.after_ms.is_some_and(due));
        let alike = old.steps.iter().zip(&queue.steps).take_while(|(one, other)| one == other);
        call.reached = call.reached.min(alike.count()).max(due.map_or(0, |at| at + 1));
        if old.limits != queue.limits || old.callbacks != queue.callbacks {
            (call.refused_at, call.was_refused) = (None, false);
        }
        if ring(old) != ring(queue) && call.rings_since.is_some() {
            call.rings_at_most = Some(call.beside.len() + 1);
        }
        call.preferred.take_if(|(agent, _)| {
            let working = &self.agents[agent];
            !(self.serves(working, &queue.queue) && self.holds(&working.config, call.permission))
        });
    }

    /// Whoever is new is signed out.
    pub(super) fn fold_newcomer(&mut self, view: &AgentView) {
        let known = self.configured.agents.iter().find(|agent| agent.agent == view.agent);
        assert_eq!(view.status, AgentStatus::SignedOut, "seed {}", self.seed);
        let working = Working::new(known.unwrap(), view.clone());
        self.agents.insert(view.agent.clone(), working);
    }

    pub(super) fn fold_agent_gone(&mut self, acd: &Acd, agent: &AgentId) {
        let working = self.agents.remove(agent).unwrap();
        assert!(working.leaving && is_out(&working), "seed {}: {working:?}", self.seed);
        assert_eq!(acd.agent(agent), None, "seed {}", self.seed);
        self.before_offer.remove(agent);
    }

    pub(super) fn fold_queue_gone(&mut self, acd: &Acd, queue: &QueueId) {
        let seed = self.seed;
        assert!(!self.takes_newcomers(queue) && !self.is_anyone_in(queue), "seed {seed}: {queue}");
        assert_eq!(acd.queue_snapshot(queue), None, "seed {seed}: {queue}");
        self.config.queues.retain(|config| config.queue != *queue);
        self.limits.counts.remove(queue);
        self.limits.closed.remove(queue);
        self.served.remove(queue);
        for working in self.agents.values_mut() {
            working.config.queues.retain(|served| served.queue != *queue);
            working.tally.offers.remove(queue);
            working.tally.turns.remove(queue);
        }
    }

    fn is_anyone_in(&self, queue: &QueueId) -> bool {
        self.calls.values().any(|call| call.queue == *queue && call.stage != Stage::Over)
    }

    /// What is configured no more stays as long as there is something left to do, and no longer.
    pub(super) fn judge_former(&self) {
        let seed = self.seed;
        for queue in self.config.queues.iter().map(|config| &config.queue) {
            let stays = self.takes_newcomers(queue) || self.is_anyone_in(queue);
            assert!(stays, "seed {seed}: {queue} is still there");
        }
        for working in self.agents.values().filter(|working| working.leaving) {
            assert!(!is_out(working), "seed {seed}: still there {working:?}");
        }
    }
}

fn is_out(working: &Working) -> bool {
    let view = &working.view;
    view.state == AgentState::Idle && view.status == AgentStatus::SignedOut
}

/// How a queue rings several agents, if it does.
fn ring(queue: &QueueConfig) -> Option<RingRule> {
    let add = match queue.strategy {
        Strategy::RingProgressive => queue.ring.add,
        Strategy::RingAll => 0,
        _ => return None,
    };
    Some(RingRule { add, ..queue.ring })
}

/// Without rules that lead to queues that are configured no more.
fn pruned(limits: &Limits, config: &Config) -> Limits {
    let leads = |to: &Overflow| match to {
        Overflow::Queue(queue) => config.queues.iter().any(|one| one.queue == *queue),
        _ => true,
    };
    let mut limits = limits.clone();
    limits.full.take_if(|to| !leads(to));
    limits.wait.take_if(|wait| !leads(&wait.to));
    limits.unstaffed.take_if(|rule| !leads(&rule.to));
    limits.closed.take_if(|rule| !leads(&rule.to));
    limits
}
