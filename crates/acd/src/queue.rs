//! One queue: its line, and the indexes from which both selections are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{AgentState, AgentStatus, AgentTotals, CallId, Mono, Permission, QueueId, Tier};

use crate::agent::{Agent, AgentIndex, Figure, Serves};
use crate::balance::{Balance, CallbackBalance};
use crate::call::{Call, Gain, Place};
use crate::callback::CallbackRule;
use crate::config::{AcwRule, OBJECTIVE_UNIT_MS, QueueConfig, RingRule, TierStep};
use crate::estimate::{Estimate, Pace};
use crate::limits::{Limits, Rule};
use crate::line::Line;
use crate::strategy::{Strategy, Turn};
use crate::view::QueueView;
use crate::why::{ExcludedAgents, ExcludedCalls};

/// From when on a tier takes the queue's calls.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) tier: Tier,
    pub(crate) after_ms: u64,
    pub(crate) min_level: u8,
    pub(crate) permissions: Arc<BTreeSet<Permission>>,
    /// Agents of the step who could take a call now, whose turn is next first.
    idle: BTreeSet<Turn>,
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
    /// As it is configured now, or was last.
    pub(crate) config: QueueConfig,
    pub(crate) steps: Vec<Step>,
    pub(crate) max_waiting: usize,
    pub(crate) head_start_ms: u64,
    pub(crate) gain: Gain,
    pub(crate) strategy: Strategy,
    /// Where the strategy rings several agents.
    pub(crate) ring: Option<RingRule>,
    pub(crate) acw: Option<AcwRule>,
    pub(crate) limits: Limits,
    pub(crate) callbacks: Option<CallbackRule>,
    /// Within its hours.
    pub(crate) open: bool,
    /// What an emergency plan that is on says.
    pub(crate) emergency: Option<Rule>,
    pub(crate) balance: Balance,
    /// Of its callbacks.
    pub(crate) called: CallbackBalance,
    /// Everyone who has no agent yet, those being offered included.
    line: Line<Place>,
    /// Those of them who are on the line.
    entered: BTreeSet<(Mono, CallId)>,
    /// When the first of those entered: told with every figure of the queue.
    longest_since: Option<Mono>,
    /// Those who are neither being offered nor wait for one agent alone. At most
    /// [`crate::MAX_STEPS`] times the number of permissions, so that the best call for an agent is
    /// found among that many first ones.
    waiting: BTreeMap<Need, BTreeSet<Place>>,
    offered: u32,
    /// Those of them that may ring more agents.
    pub(crate) roomy: BTreeSet<Place>,
    /// Those who wait for one agent alone.
    pub(crate) preferring: u32,
    /// Callbacks that are not offered now.
    pub(crate) resting_calls: u32,
    /// Its agents who are left alone after a missed offer.
    resting: u32,
    totals: AgentTotals,
    pub(crate) pace: Pace,
}

impl Step {
    pub(crate) fn new(step: &TierStep, permissions: Arc<BTreeSet<Permission>>) -> Self {
        let TierStep { tier, after_ms, min_level } = *step;
        Self { tier, after_ms, min_level, permissions, idle: BTreeSet::new() }
    }

    pub(crate) fn may(&self, permission: Option<Permission>) -> bool {
        permission.is_none_or(|permission| self.permissions.contains(&permission))
    }
}

impl Queue {
    pub(crate) fn new(config: &QueueConfig, steps: Vec<Step>) -> Self {
        Self {
            id: config.queue.clone(),
            config: config.clone(),
            steps,
            max_waiting: config.max_waiting,
            head_start_ms: config.head_start_ms,
            gain: gain(config),
            strategy: config.strategy,
            ring: config.ring.of(config.strategy),
            acw: config.acw,
            limits: config.limits.clone(),
            callbacks: config.callbacks,
            open: true,
            emergency: None,
            balance: Balance::default(),
            called: CallbackBalance::default(),
            line: Line::new(),
            entered: BTreeSet::new(),
            longest_since: None,
            waiting: BTreeMap::new(),
            offered: 0,
            roomy: BTreeSet::new(),
            preferring: 0,
            resting_calls: 0,
            resting: 0,
            totals: AgentTotals::default(),
            pace: Pace::default(),
        }
    }

    /// Is as `config` says from now on. With other `steps` nobody may be listed, and no call in
    /// the lists of those that can be offered.
    pub(crate) fn adopt(&mut self, config: QueueConfig, steps: Option<Vec<Step>>) {
        if let Some(steps) = steps {
            self.steps = steps;
        }
        self.max_waiting = config.max_waiting;
        self.head_start_ms = config.head_start_ms;
        self.gain = gain(&config);
        self.strategy = config.strategy;
        self.ring = config.ring.of(config.strategy);
        self.acw = config.acw;
        self.limits = config.limits.clone();
        self.callbacks = config.callbacks;
        self.config = config;
    }

    /// The first step that opens it to agents of a tier with this level.
    pub(crate) fn opens_to(&self, tier: Tier, level: u8) -> Option<usize> {
        self.steps.iter().position(|step| step.tier == tier && step.min_level <= level)
    }

    /// A call of the line has another place.
    pub(crate) fn move_to(&mut self, before: &Call, after: &Call) {
        self.line.remove(&before.place);
        self.line.insert(after.place);
        if self.roomy.remove(&before.place) {
            self.roomy.insert(after.place);
        }
    }

    /// What happened until now counts as it was: to be called before anything changes.
    pub(crate) fn pass(&mut self, now: Mono) {
        self.pace.advance(now, self.at_work(), self.unoffered());
    }

    /// Agents who take calls, busy or not.
    fn at_work(&self) -> u32 {
        let AgentTotals { idle, reserved, ringing, talking, acw, .. } = self.totals;
        idle + reserved + ringing + talking + acw
    }

    fn unoffered(&self) -> usize {
        self.line.len().saturating_sub((self.offered + self.resting_calls) as usize)
    }

    /// How long a call of the line will wait.
    pub(crate) fn estimate(&self, call: &Call) -> Option<Estimate> {
        let ahead = self.ahead_of(call)?.saturating_sub(self.offered as usize);
        self.pace.estimate(ahead, self.at_work())
    }

    /// How long a call that joined the line now would wait.
    pub(crate) fn newcomers_estimate(&self) -> Option<Estimate> {
        let is_free = self.steps.first().is_some_and(|step| !step.idle.is_empty());
        if is_free && self.unoffered() == 0 {
            return Some(Estimate { median_ms: 0, p90_ms: 0 });
        }
        self.pace.estimate(self.unoffered(), self.at_work())
    }

    pub(crate) const fn len(&self) -> usize {
        self.line.len()
    }

    /// Its callbacks.
    pub(crate) fn callbacks_len(&self) -> usize {
        self.line.len().saturating_sub(self.entered.len())
    }

    /// Whether as many callers are in it as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.entered.len() >= self.max_waiting
    }

    /// Whether none of its agents is signed in.
    pub(crate) const fn is_unstaffed(&self) -> bool {
        !self.totals.is_anyone_at_work()
    }

    /// Whether none of its agents is signed in, and those who wait have to go then.
    pub(crate) fn sends_away_unstaffed(&self) -> bool {
        let rule = self.limits.unstaffed.as_ref();
        self.is_unstaffed() && rule.is_some_and(|rule| rule.waiting_too)
    }

    /// Whether any of the queue's tiers may take a call that needs `permission`.
    pub(crate) fn anyone_may(&self, permission: Option<Permission>) -> bool {
        self.steps.iter().any(|step| step.may(permission))
    }

    /// A call joins the line; it can be offered from [`Self::wait`] on.
    pub(crate) fn join(&mut self, call: &Call) {
        self.line.insert(call.place);
        if call.callback.is_none() {
            self.entered.insert((call.entered, call.place.call));
        }
        self.count_waiting();
    }

    /// A call leaves the line, waiting or not.
    pub(crate) fn leave(&mut self, call: &Call) {
        self.line.remove(&call.place);
        if call.callback.is_none() {
            self.entered.remove(&(call.entered, call.place.call));
        }
        self.count_waiting();
    }

    fn count_waiting(&mut self) {
        self.longest_since = self.entered.first().map(|&(entered, _)| entered);
        self.balance.waiting = self.entered.len() as u64;
        self.called.waiting = self.callbacks_len() as u64;
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

    /// The calls that agents of `step` may take now, in several orders of place.
    pub(crate) fn open_to(&self, step: usize) -> impl Iterator<Item = &BTreeSet<Place>> {
        let held = self.steps.get(step);
        let from = Need { reached: step + 1, permission: None };
        self.waiting
            .range(from..)
            .filter(move |(need, _)| held.is_some_and(|held| held.may(need.permission)))
            .map(|(_, places)| places)
    }

    /// The calls that agents of `step` may not take now.
    pub(crate) fn closed_to(&self, step: usize) -> ExcludedCalls {
        let mut closed = ExcludedCalls {
            offered: self.offered,
            preferring: self.preferring,
            resting: self.resting_calls,
            ..ExcludedCalls::default()
        };
        for (need, places) in &self.waiting {
            let count = u32::try_from(places.len()).unwrap_or(u32::MAX);
            let held = self.steps.get(step);
            if need.reached <= step {
                closed.not_reached = closed.not_reached.saturating_add(count);
            } else if !held.is_some_and(|held| held.may(need.permission)) {
                closed.not_permitted = closed.not_permitted.saturating_add(count);
            }
        }
        closed
    }

    /// The turn of the agent who is the next of those who may take `call` now.
    pub(crate) fn best_agent(&self, call: &Call) -> Option<Turn> {
        self.idle_for(call).filter_map(|idle| idle.first().copied()).min()
    }

    /// The turns after the best, at most `most`.
    pub(crate) fn next_agents(&self, call: &Call, most: usize) -> Vec<Turn> {
        let mut turns: Vec<Turn> =
            self.idle_for(call).flat_map(|idle| idle.iter().copied().take(most + 1)).collect();
        turns.sort_unstable();
        turns.into_iter().skip(1).take(most).collect()
    }

    fn idle_for(&self, call: &Call) -> impl Iterator<Item = &BTreeSet<Turn>> {
        let reached = self.steps.iter().take(call.reached);
        let permission = call.permission;
        reached.filter(move |step| step.may(permission)).map(|step| &step.idle)
    }

    /// Its agents who may not take `call` now.
    pub(crate) fn barred_from(&self, call: &Call) -> ExcludedAgents {
        let idle = |of: &dyn Fn(usize, &Step) -> bool| {
            let steps = self.steps.iter().enumerate().filter(|(at, step)| of(*at, step));
            let count: usize = steps.map(|(_, step)| step.idle.len()).sum();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let totals = &self.totals;
        ExcludedAgents {
            signed_out: totals.signed_out,
            not_ready: totals.not_ready,
            busy: totals.reserved + totals.ringing + totals.talking + totals.acw,
            resting: self.resting,
            not_reached: idle(&|at, _| at >= call.reached),
            not_permitted: idle(&|at, step| at < call.reached && !step.may(call.permission)),
        }
    }

    /// Lists an agent who could take a call.
    pub(crate) fn list(&mut self, serves: &Serves, index: AgentIndex, agent: &Agent) {
        let turn = self.strategy.turn(agent, serves, index);
        if let Some(step) = self.steps.get_mut(serves.step) {
            step.idle.insert(turn);
        }
    }

    /// Undoes [`Self::list`] before an agent changes.
    pub(crate) fn unlist(&mut self, serves: &Serves, index: AgentIndex, agent: &Agent) {
        let turn = self.strategy.turn(agent, serves, index);
        if let Some(step) = self.steps.get_mut(serves.step) {
            step.idle.remove(&turn);
        }
    }

    /// Counts an agent as something else than before.
    pub(crate) fn count(&mut self, before: Option<Figure>, after: Option<Figure>) {
        if let Some(before) = before {
            *self.total_of(before) -= 1;
            self.resting -= u32::from(before.rests);
        }
        if let Some(after) = after {
            *self.total_of(after) += 1;
            self.resting += u32::from(after.rests);
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
            waiting: u32::try_from(self.entered.len()).unwrap_or(u32::MAX),
            callbacks: u32::try_from(self.callbacks_len()).unwrap_or(u32::MAX),
            offered: self.offered,
            longest_since: self.longest_since,
            agents: self.totals,
            open: self.open,
        }
    }

    const fn total_of(&mut self, figure: Figure) -> &mut u32 {
        let totals = &mut self.totals;
        match (figure.state, figure.status) {
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

fn gain(config: &QueueConfig) -> Gain {
    let objective = config.objective_ms.map_or(0, |ms| OBJECTIVE_UNIT_MS * 1_000 / ms.max(1));
    Gain(config.gain_permille + objective)
}

const fn need(call: &Call) -> Need {
    Need { reached: call.reached, permission: call.permission }
}
