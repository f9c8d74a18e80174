//! A decision as it is kept with the fact of its offer, long after the room has forgotten it.

use std::collections::BTreeMap;

use model::{AgentId, CallId, Exclusion, OfferId, QueueId, Turn};

use crate::{Acd, AcwRule, Choice, ExcludedAgents, ExcludedCalls};

impl Acd {
    /// Why an offer of a call was made; `None` if no queue made it, or it was forgotten. To be
    /// asked when the offer is told: how long agents were idle is looked up now.
    pub fn decided(&self, call: CallId, offer: OfferId) -> Option<model::Decision> {
        let made = self.why(call).find(|decision| decision.offer == offer)?;
        let known = self.calls.get(&call);
        let idle_ms = |agent: &AgentId| {
            let since = self.known_agent(agent).map(|at| self.agent_at(at).idle_since);
            since.map_or(0, |since| made.at.ms_since(since))
        };
        let turn = |agent: &AgentId, key: u64| Turn { key, idle_ms: idle_ms(agent) };
        let choice = match &made.choice {
            Choice::Agents { strategy, key, next, excluded } => model::Choice::Agents {
                strategy: strategy.as_str().to_owned(),
                turn: turn(&made.agent, *key),
                next: next.iter().map(|(agent, key)| (agent.clone(), turn(agent, *key))).collect(),
                excluded: of_agents(excluded),
            },
            Choice::Preferred => model::Choice::Preferred,
            Choice::Calls { score, next, excluded } => model::Choice::Calls {
                score: *score,
                next: next.clone(),
                excluded: of_calls(excluded),
            },
        };
        Some(model::Decision {
            number: made.seq,
            permission: known
                .and_then(|call| call.permission)
                .map(|permission| permission.as_str().to_owned()),
            reached: known.map_or(0, |call| u32::try_from(call.reached).unwrap_or(u32::MAX)),
            choice,
        })
    }

    /// The after-call work that an agent has after a call of that queue, or of none.
    pub fn acw_rule(&self, agent: &AgentId, queue: Option<&QueueId>) -> Option<AcwRule> {
        let at = self.known_agent(agent)?;
        let queue = queue.and_then(|queue| self.queue_index(queue));
        let own = AcwRule { ms: self.agent_at(at).acw_ms, limit_ms: self.acw_limit_ms };
        Some(queue.and_then(|queue| self.queues[queue as usize].acw).unwrap_or(own))
    }
}

/// Those that there were.
fn counted<const N: usize>(counts: [(Exclusion, u32); N]) -> BTreeMap<Exclusion, u32> {
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

fn of_agents(excluded: &ExcludedAgents) -> BTreeMap<Exclusion, u32> {
    let ExcludedAgents { signed_out, not_ready, busy, resting, not_reached, not_permitted } =
        *excluded;
    counted([
        (Exclusion::SignedOut, signed_out),
        (Exclusion::NotReady, not_ready),
        (Exclusion::Busy, busy),
        (Exclusion::Resting, resting),
        (Exclusion::NotReached, not_reached),
        (Exclusion::NotPermitted, not_permitted),
    ])
}

fn of_calls(excluded: &ExcludedCalls) -> BTreeMap<Exclusion, u32> {
    let ExcludedCalls { offered, preferring, resting, not_reached, not_permitted } = *excluded;
    counted([
        (Exclusion::Offered, offered),
        (Exclusion::Preferring, preferring),
        (Exclusion::Resting, resting),
        (Exclusion::NotReached, not_reached),
        (Exclusion::NotPermitted, not_permitted),
    ])
}
