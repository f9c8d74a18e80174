//! One queue: its line, and the indexes from which both selections are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{AgentState, AgentStatus, AgentTotals, CallId, Mono, Permission, QueueId, Tier};

use crate::agent::{Agent, AgentIndex};
use crate::call::{Call, Place};
use crate::line::Line;
use crate::view::QueueView;

/// From when on a tier takes the queue's calls.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) tier: Tier,
    pub(crate) after_ms: u64,
    pub(crate) permissions: Arc<BTreeSet<Permission>>,
    /// Agents of the tier who could take a call now, longest idle first.
    idle: BTreeSet<(Mono, AgentIndex)>,
}

/// What calls that the same agents may take have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    reached: usize,
    permission: Option<Permission>,
}

/// One queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) id: QueueId,
    pub(crate) steps: Vec<Step>,
    pub(crate) max_waiting: usize,
    pub(crate) head_start_ms: u64,
    /// Everyone who has no agent yet, those being offered included.
    line: Line<Place>,
    entered: BTreeSet<(Mono, CallId)>,
    /// Those who are not being offered. At most [`crate::MAX_STEPS`] times the number of
    /// permissions, so that the best call for an agent is found among that many first ones.
    waiting: BTreeMap<Need, BTreeSet<Place>>,
    offered: u32,
    totals: AgentTotals,
}

impl Step {
    pub(crate) const fn new(
        tier: Tier,
        after_ms: u64,
        permissions: Arc<BTreeSet<Permission>>,
    ) -> Self {
        Self { tier, after_ms, permissions, idle: BTreeSet::new() }
    }

    fn may(&self, permission: Option<Permission>) -> bool {
        permission.is_none_or(|permission| self.permissions.contains(&permission))
    }
}

impl Queue {
    pub(crate) fn new(
        id: QueueId,
        steps: Vec<Step>,
        max_waiting: usize,
        head_start_ms: u64,
    ) -> Self {
        Self {
            id,
            steps,
            max_waiting,
            head_start_ms,
            line: Line::new(),
            entered: BTreeSet::new(),
            waiting: BTreeMap::new(),
            offered: 0,
            totals: AgentTotals::default(),
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether any of the queue's tiers may take a call that needs `permission`.
    pub(crate) fn anyone_may(&self, permission: Option<Permission>) -> bool {
        self.steps.iter().any(|step| step.may(permission))
    }

    /// A call joins the line; it can be offered from [`Self::wait`] on.
    pub(crate) fn join(&mut self, call: &Call) {
        self.line.insert(call.place);
        self.entered.insert((call.entered, call.place.call));
    }

    /// A call leaves the line, waiting or not.
    pub(crate) fn leave(&mut self, call: &Call) {
        self.line.remove(&call.place);
        self.entered.remove(&(call.entered, call.place.call));
    }

    /// A call of the line can be offered.
    pub(crate) fn wait(&mut self, call: &Call) {
        self.waiting.entry(need(call)).or_default().insert(call.place);
    }

    /// A call of the line can no longer be offered (or no longer with what it has reached).
    pub(crate) fn unwait(&mut self, call: &Call) {
        let need = need(call);
        if let Some(places) = self.waiting.get_mut(&need) {
            places.remove(&call.place);
            if places.is_empty() {
                self.waiting.remove(&need);
            }
        }
    }

    pub(crate) fn set_offered(&mut self, more: bool) {
        self.offered = if more { self.offered + 1 } else { self.offered.saturating_sub(1) };
    }

    /// The call with the highest score that agents of the tier of `step` may take now.
    pub(crate) fn best_call(&self, step: usize) -> Option<Place> {
        let held = self.steps.get(step)?;
        let from = Need { reached: step + 1, permission: None };
        self.waiting
            .range(from..)
            .filter(|(need, _)| held.may(need.permission))
            .filter_map(|(_, places)| places.first().copied())
            .min()
    }

    /// The longest idle of those who may take `call` now.
    pub(crate) fn best_agent(&self, call: &Call) -> Option<AgentIndex> {
        self.steps
            .iter()
            .take(call.reached)
            .filter(|step| step.may(call.permission))
            .filter_map(|step| step.idle.first().copied())
            .min()
            .map(|(_, agent)| agent)
    }

    /// Counts an agent, and lists those who could take a call.
    pub(crate) fn list(&mut self, step: usize, index: AgentIndex, agent: &Agent) {
        *self.total_of(agent) += 1;
        if agent.is_available()
            && let Some(step) = self.steps.get_mut(step)
        {
            step.idle.insert((agent.idle_since, index));
        }
    }

    /// Undoes [`Self::list`] before an agent changes.
    pub(crate) fn unlist(&mut self, step: usize, index: AgentIndex, agent: &Agent) {
        *self.total_of(agent) -= 1;
        if let Some(step) = self.steps.get_mut(step) {
            step.idle.remove(&(agent.idle_since, index));
        }
    }

    /// How many come before a call of the line.
    pub(crate) fn ahead_of(&self, call: &Call) -> Option<usize> {
        self.line.rank(&call.place)
    }

    /// The calls of the line, first come first.
    pub(crate) fn calls(&self) -> impl Iterator<Item = CallId> + '_ {
        self.line.iter().map(|place| place.call)
    }

    pub(crate) fn view(&self) -> QueueView {
        QueueView {
            queue: self.id.clone(),
            waiting: u32::try_from(self.line.len()).unwrap_or(u32::MAX),
            offered: self.offered,
            longest_since: self.entered.first().map(|&(entered, _)| entered),
            agents: self.totals,
        }
    }

    fn total_of(&mut self, agent: &Agent) -> &mut u32 {
        let totals = &mut self.totals;
        match (agent.state(), agent.status) {
            (AgentState::Idle, AgentStatus::SignedOut) => &mut totals.signed_out,
            (AgentState::Idle, AgentStatus::NotReady { .. }) => &mut totals.not_ready,
            (AgentState::Idle, AgentStatus::Ready) => &mut totals.idle,
            (AgentState::Reserved, _) => &mut totals.reserved,
            (AgentState::Ringing, _) => &mut totals.ringing,
            (AgentState::Talking, _) => &mut totals.talking,
            (AgentState::Acw, _) => &mut totals.acw,
        }
    }
}

const fn need(call: &Call) -> Need {
    Need { reached: call.reached, permission: call.permission }
}
