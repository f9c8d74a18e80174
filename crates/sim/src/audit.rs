//! What must hold of every run, judged by the facts alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{
    AgentId, AgentState, AgentStatus, CallId, Fact, FactBody, LegId, LegRole, Mono, OfferId,
    Outcome, OverflowTarget, QueueId,
};

use crate::hotline::{QUEUES, Settings};

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// Calls by their outcome.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// What does not hold: empty in a good run.
    pub faults: Vec<String>,
}

/// A call in line that is not offered to anybody.
#[derive(Debug, Clone)]
struct InLine {
    queue: QueueId,
    reached: BTreeSet<u8>,
}

#[derive(Debug, Default)]
struct Book {
    open_calls: BTreeSet<CallId>,
    ended: BTreeSet<CallId>,
    open_legs: BTreeMap<LegId, CallId>,
    popped: BTreeSet<OfferId>,
    busy: BTreeMap<AgentId, CallId>,
    waiting: BTreeMap<CallId, InLine>,
    /// Calls that wait for one agent alone, and until when they may.
    preferring: BTreeMap<CallId, (AgentId, Mono)>,
    /// Waiting calls that agents are reserved for, with the offers.
    offered: BTreeMap<CallId, BTreeSet<OfferId>>,
    /// Calls by which customers are called back that have been in no line.
    called_back: BTreeSet<CallId>,
    idle: BTreeSet<AgentId>,
    outcomes: BTreeMap<Outcome, usize>,
}

/// Reads the facts of a run from its start. With `is_over` every call must have ended.
pub fn check(facts: &[Fact], settings: &Settings, is_over: bool) -> Audit {
    let (mut faults, mut book) = (Vec::new(), Book::default());
    let tiers: BTreeMap<AgentId, u8> = settings
        .agents
        .iter()
        .map(|(agent, tier)| (AgentId::from(agent.as_str()), *tier))
        .collect();
    let mut last_seq = 0;
    for (index, fact) in facts.iter().enumerate() {
        if fact.seq != last_seq + 1 {
            faults.push(format!("fact {} follows fact {last_seq}", fact.seq));
        }
        last_seq = fact.seq;
        if let FactBody::Prioritised { call, preferred: Some(agent), prefers_ms, .. } = &fact.body {
            let until = fact.mono + Duration::from_millis(*prefers_ms);
            book.preferring.insert(*call, (agent.clone(), until));
        }
        if let Err(fault) = book.read(&fact.body) {
            faults.push(format!("fact {} at {} ms: {fault}", fact.seq, fact.mono.as_ms()));
        }
        let moment_ends = facts.get(index + 1).is_none_or(|next| next.mono > fact.mono);
        if moment_ends && let Some(fault) = book.idle_while_waiting(&tiers, fact.mono) {
            faults.push(fault);
        }
    }
    if is_over {
        let lost = book.open_calls.iter().map(|call| format!("call {call} has no end"));
        let legs = book.open_legs.keys().map(|leg| format!("leg {leg} has no end"));
        let busy = book.busy.keys().map(|agent| format!("agent {agent} is never set free"));
        faults.extend(lost.chain(legs).chain(busy));
    }
    Audit { outcomes: book.outcomes, faults }
}

impl Book {
    /// Nobody who may take a waiting call is idle, once the moment is over.
    fn idle_while_waiting(&self, tiers: &BTreeMap<AgentId, u8>, now: Mono) -> Option<String> {
        let waiting = self.waiting.iter().filter(|(call, _)| !self.offered.contains_key(call));
        for (call, line) in waiting {
            let preferred = self.preferring.get(call).filter(|(_, until)| *until > now);
            let may = |agent: &&AgentId| match preferred {
                Some((preferred, _)) => *agent == preferred,
                None => tiers.get(*agent).is_some_and(|tier| line.reached.contains(tier)),
            };
            if let Some(agent) = self.idle.iter().find(may) {
                let (queue, at) = (&line.queue, now.as_ms());
                return Some(format!("at {at} ms {agent} is idle while {call} waits in {queue}"));
            }
        }
        None
    }

    fn read(&mut self, body: &FactBody) -> Result<(), String> {
        match body {
            FactBody::CallArrived { call, .. } => {
                self.open_calls.insert(*call);
            }
            FactBody::CallPlaced { call, agent, .. }
            | FactBody::CalledInside { call, agent, .. } => {
                self.open_calls.insert(*call);
                if let Some(other) = self.busy.insert(agent.clone(), *call) {
                    return Err(format!("{agent} has {other} and places {call}"));
                }
            }
            // Nobody is in it before the first agent is offered it.
            FactBody::CallbackBegun { call, .. } => {
                self.called_back.insert(*call);
                self.open_calls.insert(*call);
            }
            FactBody::DialogEstablished { call, leg, .. } => {
                self.open_legs.insert(*leg, *call);
            }
            FactBody::LegEnded { call, leg, role, .. } => {
                self.open_legs.remove(leg);
                if *role == LegRole::Caller {
                    self.waiting.remove(call);
                }
            }
            FactBody::Queued { .. }
            | FactBody::TierReached { .. }
            | FactBody::Overflowed { .. } => {
                self.read_line(body);
            }
            FactBody::Offered { .. }
            | FactBody::Popped { .. }
            | FactBody::Rang { .. }
            | FactBody::Missed { .. }
            | FactBody::AgentAnswered { .. } => self.read_offer(body)?,
            FactBody::AgentChanged { agent, status, state, .. } => {
                if matches!(state, AgentState::Idle | AgentState::Acw) {
                    self.busy.remove(agent);
                }
                if (*status, *state) == (AgentStatus::Ready, AgentState::Idle) {
                    self.idle.insert(agent.clone());
                } else {
                    self.idle.remove(agent);
                }
            }
            FactBody::CallEnded { call, outcome, .. } => self.read_end(*call, *outcome)?,
            other => {
                let after_end = other.call().is_some_and(|call| self.ended.contains(&call));
                let may_follow = matches!(
                    other,
                    FactBody::RecordingSealed { .. }
                        | FactBody::LegMeasured { .. }
                        | FactBody::WrappedUp { .. }
                        | FactBody::LookupEnded { .. }
                        | FactBody::CallbackMissed { .. }
                        | FactBody::CallbackEnded { .. }
                );
                if after_end && !may_follow {
                    return Err(format!("{other:?} after the call's end"));
                }
            }
        }
        Ok(())
    }

    fn read_line(&mut self, body: &FactBody) {
        match body {
            FactBody::Queued { call, queue, .. } => {
                let steps = QUEUES.iter().find(|(name, _)| *name == queue.as_str());
                let steps = steps.map_or(&[][..], |(_, steps)| steps);
                let at_once = steps.iter().filter(|(_, after_ms)| *after_ms == 0);
                let reached = at_once.map(|(tier, _)| *tier).collect();
                // One that comes back from a conversation is offered to nobody yet.
                // Nor is a customer who picks up before the agent who is reserved for them.
                if !self.called_back.remove(call) {
                    self.offered.remove(call);
                }
                self.waiting.insert(*call, InLine { queue: queue.clone(), reached });
            }
            FactBody::Overflowed { to: OverflowTarget::Queue(_), .. } => {}
            FactBody::Overflowed { call, .. } => {
                self.waiting.remove(call);
            }
            FactBody::TierReached { call, tier, .. } => {
                if let Some(line) = self.waiting.get_mut(call) {
                    line.reached.extend(tier.map(|tier| tier.level));
                }
            }
            _ => {}
        }
    }

    fn read_offer(&mut self, body: &FactBody) -> Result<(), String> {
        match body {
            FactBody::Offered { call, agent, offer, .. } => {
                self.offered.entry(*call).or_default().insert(*offer);
                if let Some(other) = self.busy.insert(agent.clone(), *call) {
                    return Err(format!("{agent} has {other} and is offered {call} ({offer})"));
                }
            }
            FactBody::Popped { offer, .. } => {
                self.popped.insert(*offer);
            }
            FactBody::Rang { offer, agent, .. } if !self.popped.contains(offer) => {
                return Err(format!("{agent} rings before the pop of {offer}"));
            }
            FactBody::Missed { call, offer, .. } => {
                if let Some(offers) = self.offered.get_mut(call) {
                    offers.remove(offer);
                }
                self.offered.retain(|_, offers| !offers.is_empty());
            }
            FactBody::AgentAnswered { call, .. } => {
                self.offered.remove(call);
                self.waiting.remove(call);
            }
            _ => {}
        }
        Ok(())
    }

    fn read_end(&mut self, call: CallId, outcome: Outcome) -> Result<(), String> {
        *self.outcomes.entry(outcome).or_default() += 1;
        self.waiting.remove(&call);
        self.offered.remove(&call);
        if !self.open_calls.remove(&call) || !self.ended.insert(call) {
            return Err(format!("{call} ends twice, or never arrived"));
        }
        if self.open_legs.values().any(|of| *of == call) {
            return Err(format!("{call} ends before its legs"));
        }
        Ok(())
    }
}
