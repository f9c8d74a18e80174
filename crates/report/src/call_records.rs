//! All calls' facts, folded: exactly one record per call.

use std::collections::{BTreeMap, VecDeque};

use model::{AgentId, AgentState, CallId, Fact, FactBody, Mono};

use crate::fold::Fold;
use crate::open_call::{OpenCall, OpenRecording};
use crate::record::CallRecord;

/// How long ended calls are kept for what may still come: a seal, after-call work, a disposition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// At most so many ended calls; the oldest is dropped.
    pub ended_calls: usize,
    /// At most so long after its end, if all that it still lacks is a disposition.
    pub keep_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ended_calls: 10_000, keep_ms: 12 * 60 * 60 * 1000 }
    }
}

/// What a restarted engine finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Calls without their end, by id: each dialog gets a BYE, each call the facts of
    /// [`OpenCall::lost`].
    pub open: Vec<OpenCall>,
    /// Recordings without their seal, of open and of ended calls.
    pub unsealed: Vec<OpenRecording>,
    /// Records of calls that had ended, as the loss leaves them: to be written again.
    pub records: Vec<CallRecord>,
}

/// All calls that may still change. As many open calls as the engine has; ended ones are dropped
/// when nothing can change them any more, or at the [`Limits`].
#[derive(Debug)]
pub struct CallRecords {
    limits: Limits,
    calls: BTreeMap<CallId, Fold>,
    /// The call that an agent talks about or works on.
    agents: BTreeMap<AgentId, CallId>,
    /// Ended calls that are kept, oldest first: when they ended, in which epoch.
    ended: VecDeque<(u32, Mono, CallId)>,
}

impl CallRecords {
    /// With no calls.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, calls: BTreeMap::new(), agents: BTreeMap::new(), ended: VecDeque::new() }
    }

    /// Folds one fact. Returns the call's record when the call ends, and again whenever a later
    /// fact changes it: the newest one is the record.
    pub fn apply(&mut self, fact: &Fact) -> Option<CallRecord> {
        self.drop_old(fact);
        self.fold(fact)
    }

    fn fold(&mut self, fact: &Fact) -> Option<CallRecord> {
        if let FactBody::AgentChanged { agent, state, call, .. } = &fact.body {
            let worked_on = *self.agents.get(agent)?;
            let fold = self.calls.get_mut(&worked_on)?;
            if fold.agent() != Some(agent) {
                // Another agent has the call now; its record is about that one's work.
                self.agents.remove(agent);
                return None;
            }
            if !fold.apply_agent(*state, *call, fact) {
                return None;
            }
            self.agents.remove(agent);
            return self.record(worked_on);
        }
        let call = fact.body.call()?;
        if let FactBody::CallArrived { .. }
        | FactBody::CallPlaced { .. }
        | FactBody::CallbackBegun { .. }
        | FactBody::CalledInside { .. } = &fact.body
        {
            if !self.calls.contains_key(&call)
                && let Some(begun) = Fold::begin(fact)
            {
                self.calls.insert(call, begun);
            }
            return None;
        }
        let fold = self.calls.get_mut(&call)?;
        let was_ended = fold.has_ended();
        let changed = fold.apply(fact);
        if !was_ended && fold.has_ended() {
            self.ended.push_back((fact.epoch, fact.mono, call));
        }
        let answered = match &fact.body {
            FactBody::AgentAnswered { agent, .. } | FactBody::NumberAnswered { agent, .. } => {
                Some(agent)
            }
            FactBody::CallTaken { role, .. } => role.agent(),
            _ => None,
        };
        if let Some(agent) = answered
            && let Some(before) = self.agents.insert(agent.clone(), call)
            && before != call
            && let Some(fold) = self.calls.get_mut(&before)
        {
            // Whoever answers the next call is done with the last one.
            fold.apply_agent(AgentState::Talking, Some(call), fact);
            return self.record(before);
        }
        if changed { self.record(call) } else { None }
    }

    /// The record of `call` if it has ended; a final one leaves memory.
    fn record(&mut self, call: CallId) -> Option<CallRecord> {
        let fold = self.calls.get(&call)?;
        let record = fold.record()?;
        if fold.is_final() {
            self.forget(call);
        }
        Some(record)
    }

    fn forget(&mut self, call: CallId) {
        let Some(fold) = self.calls.remove(&call) else { return };
        if let Some(agent) = fold.agent()
            && self.agents.get(agent) == Some(&call)
        {
            self.agents.remove(agent);
        }
    }

    /// Drops ended calls that are too many, and those whose time is over. A call that waits for a
    /// seal or for the end of after-call work has as long as that takes.
    fn drop_old(&mut self, now: &Fact) {
        while let Some(&(epoch, mono, call)) = self.ended.front() {
            // What a lost engine left is as old as this one at least.
            let ended = if epoch == now.epoch { mono } else { Mono::default() };
            let old = now.mono.ms_since(ended) > self.limits.keep_ms;
            let kept = self.calls.get(&call).is_some_and(|fold| !old || !fold.is_settled());
            if kept && self.ended.len() <= self.limits.ended_calls {
                return;
            }
            self.forget(call);
            self.ended.pop_front();
        }
    }

    /// Folds the facts of a lost engine's unsettled calls, oldest first, and tells what it left.
    /// To be called once, before the new engine's first fact.
    pub fn recover<'a>(&mut self, facts: impl IntoIterator<Item = &'a Fact>) -> Recovered {
        let mut records = BTreeMap::new();
        for fact in facts {
            records.extend(self.fold(fact).map(|record| (record.call, record)));
        }
        self.agents.clear();
        let mut finals = Vec::new();
        for (call, fold) in &mut self.calls {
            fold.apply_loss();
            records.extend(fold.record().map(|record| (*call, record)));
            if fold.is_final() {
                finals.push(*call);
            }
        }
        for call in finals {
            self.forget(call);
        }
        Recovered {
            open: self.open_calls().collect(),
            unsealed: self.unsealed().collect(),
            records: records.into_values().collect(),
        }
    }

    /// The calls that have not ended, by id.
    pub fn open_calls(&self) -> impl Iterator<Item = OpenCall> + '_ {
        self.calls.iter().filter(|(_, fold)| !fold.has_ended()).map(|(call, fold)| fold.open(*call))
    }

    /// The recordings without a seal, of open and of ended calls.
    pub fn unsealed(&self) -> impl Iterator<Item = OpenRecording> + '_ {
        self.calls.values().flat_map(Fold::unsealed)
    }

    /// How many calls are in memory, ended ones included.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether no call is in memory.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}
