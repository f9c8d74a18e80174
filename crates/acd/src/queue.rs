//! One queue: its line, and the indexes from which both selections are made.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use model::{
    AgentState, AgentStatus, AgentTotals, CallId, Id, Mono, Opened, Opens, Permission, QueueId,
    Tier,
};

use crate::acd::Permissions;
use crate::agent::{Agent, AgentIndex, Figure, Serves};
use crate::answered::Service;
use crate::balance::{Balance, CallbackBalance};
use crate::call::{Call, Gain, Place};
use crate::callback::CallbackRule;
use crate::config::{AcwRule, OBJECTIVE_UNIT_MS, QueueConfig, RingRule};
use crate::estimate::{Estimate, Pace};
use crate::limits::{Limits, Rule};
use crate::line::Line;
use crate::step::TierStep;
use crate::strategy::{Strategy, Turn};
use crate::view::QueueView;
use crate::why::{ExcludedAgents, ExcludedCalls};

/// A step as a call meets it. Who is of it, the classes of agents say.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) opens: Opens,
    pub(crate) tier: Option<Tier>,
    /// Whatever any of its agents may be allowed.
    permissions: Arc<BTreeSet<Permission>>,
}

/// Agents whom the queue's steps open to alike, and who are allowed alike.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    /// For which numbers of steps reached calls are open to them, a bit for each.
    open_at: u32,
    tier: Tier,
    pub(crate) permissions: Arc<BTreeSet<Permission>>,
    /// Those who could take a call now, whose turn is next first.
    idle: BTreeSet<Turn>,
}

/// What calls that the same agents may take have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    reached: usize,
    permission: Option<Permission>,
}

impl Need {
    /// After all of who has reached no more than so many steps.
    const fn last(reached: usize) -> Bound<Self> {
        Bound::Excluded(Self { reached: reached + 1, permission: None })
    }
}

/// One queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) id: QueueId,
    /// As it is configured now, or was last.
    pub(crate) config: QueueConfig,
    pub(crate) steps: Vec<Step>,
    /// How many of them are open from the start.
    pub(crate) at_once: usize,
    /// Any of them may open by something else than time.
    pub(crate) opens_early: bool,
    /// How many there are up to the last one that an estimate or the service level opens.
    pub(crate) watched: usize,
    /// When it is looked whether one does, as long as that can be.
    pub(crate) watch_at: Option<Mono>,
    pub(crate) service: Option<Service>,
    pub(crate) classes: Vec<Class>,
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
    entered: Line<(Mono, CallId)>,
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
        Self { opens: step.opens, tier: step.tier, permissions }
    }

    /// Whether the time has come at which it opens to a call by itself.
    pub(crate) fn is_due(&self, entered: Mono, now: Mono) -> bool {
        let due = |ms| entered + Duration::from_millis(ms) <= now;
        self.opens.after_ms.is_some_and(due)
    }

    const fn is_watched(&self) -> bool {
        self.opens.estimate_ms.is_some() || self.opens.service_permille.is_some()
    }
}

impl Class {
    pub(crate) fn may(&self, permission: Option<Permission>) -> bool {
        permission.is_none_or(|permission| self.permissions.contains(&permission))
    }

    const fn is_open_at(&self, reached: usize) -> bool {
        self.open_at >> reached & 1 == 1
    }
}

impl Queue {
    pub(crate) fn new(config: &QueueConfig, steps: Vec<Step>) -> Self {
        Self {
            id: config.queue.clone(),
            config: config.clone(),
            at_once: from_last(&steps, |step| step.opens.after_ms == Some(0)),
            opens_early: steps.iter().any(|step| step.is_watched() || step.opens.idle.is_some()),
            watched: from_last(&steps, Step::is_watched),
            watch_at: None,
            service: config.service.map(Service::new),
            classes: Vec::new(),
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
            entered: Line::new(),
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
    /// the lists of those that can be offered; who serves it has to be told again where their
    /// classes are gone.
    pub(crate) fn adopt(
        &mut self,
        config: QueueConfig,
        steps: Option<Vec<Step>>,
        permissions: &Permissions,
    ) {
        if let Some(steps) = steps {
            self.at_once = from_last(&steps, |step| step.opens.after_ms == Some(0));
            self.opens_early =
                steps.iter().any(|step| step.is_watched() || step.opens.idle.is_some());
            self.watched = from_last(&steps, Step::is_watched);
            self.steps = steps;
        }
        if self.config.steps == config.steps {
            for class in &mut self.classes {
                class.permissions = permissions.get(&class.tier).cloned().unwrap_or_default();
            }
        } else {
            self.classes.clear();
        }
        if self.config.service != config.service {
            self.service = config.service.map(Service::new);
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
        let is_free = |class: &Class| class.is_open_at(self.at_once) && !class.idle.is_empty();
        if self.unoffered() == 0 && self.classes.iter().any(is_free) {
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

    /// Whether any of the queue's steps may have agents for a call that needs `permission`.
    pub(crate) fn anyone_may(&self, permission: Option<Permission>) -> bool {
        let may = |step: &Step| permission.is_none_or(|needed| step.permissions.contains(&needed));
        self.steps.iter().any(may)
    }

    /// The place of the class of agents of a tier to whom calls are open at those numbers of steps
    /// reached.
    pub(crate) fn class_of(
        &mut self,
        open_at: u32,
        tier: Tier,
        permissions: impl FnOnce() -> Arc<BTreeSet<Permission>>,
    ) -> usize {
        let alike = |class: &Class| (class.open_at, class.tier) == (open_at, tier);
        self.classes.iter().position(alike).unwrap_or_else(|| {
            let (permissions, idle) = (permissions(), BTreeSet::new());
            self.classes.push(Class { open_at, tier, permissions, idle });
            self.classes.len() - 1
        })
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
        self.longest_since = self.entered.first().map(|(entered, _)| entered);
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

    /// The calls that agents of a class may take now, in several orders of place.
    pub(crate) fn open_to(&self, class: usize) -> impl Iterator<Item = &BTreeSet<Place>> {
        let class = self.classes.get(class);
        let first = class.map_or(0, |class| class.open_at.trailing_zeros() as usize);
        let from = Need { reached: first, permission: None };
        let open = move |need: &Need| {
            class.is_some_and(|class| class.is_open_at(need.reached) && class.may(need.permission))
        };
        self.waiting.range(from..).filter(move |(need, _)| open(need)).map(|(_, places)| places)
    }

    /// The calls that agents of a class may not take now.
    pub(crate) fn closed_to(&self, class: usize) -> ExcludedCalls {
        let mut closed = ExcludedCalls {
            offered: self.offered,
            preferring: self.preferring,
            resting: self.resting_calls,
            ..ExcludedCalls::default()
        };
        let class = self.classes.get(class);
        for (need, places) in &self.waiting {
            let count = u32::try_from(places.len()).unwrap_or(u32::MAX);
            if !class.is_some_and(|class| class.is_open_at(need.reached)) {
                closed.not_reached = closed.not_reached.saturating_add(count);
            } else if !class.is_some_and(|class| class.may(need.permission)) {
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
        let (reached, permission) = (call.reached, call.permission);
        let open = move |class: &&Class| class.is_open_at(reached) && class.may(permission);
        self.classes.iter().filter(open).map(|class| &class.idle)
    }

    /// How many are idle of those who may take `call` now.
    pub(crate) fn idle_count(&self, call: &Call) -> usize {
        self.idle_for(call).map(BTreeSet::len).sum()
    }

    /// Its agents who may not take `call` now.
    pub(crate) fn barred_from(&self, call: &Call) -> ExcludedAgents {
        let idle = |of: &dyn Fn(&Class) -> bool| {
            let count: usize =
                self.classes.iter().filter(|class| of(class)).map(|class| class.idle.len()).sum();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let totals = &self.totals;
        ExcludedAgents {
            signed_out: totals.signed_out,
            not_ready: totals.not_ready,
            busy: totals.reserved + totals.ringing + totals.talking + totals.acw,
            resting: self.resting,
            not_reached: idle(&|class| !class.is_open_at(call.reached)),
            not_permitted: idle(&|class| {
                class.is_open_at(call.reached) && !class.may(call.permission)
            }),
        }
    }

    /// The last step that an estimate or the service level opens to a waiting call now, as how many
    /// it has reached then.
    pub(crate) fn watched_for(&self, call: &Call, now: Mono) -> Option<(usize, Opened)> {
        let steps = self.steps.get(call.reached..self.watched)?;
        let median_ms = || self.estimate(call).map(|estimate| estimate.median_ms);
        // Who can be offered at once does not wait.
        let by_estimate = steps.iter().any(|step| step.opens.estimate_ms.is_some())
            && self.best_agent(call).is_none();
        let median_ms = if by_estimate { median_ms() } else { None };
        let service = self.service_permille(now);
        let opened = |step: &Step| {
            let Opens { estimate_ms, service_permille, .. } = step.opens;
            let is_longer = estimate_ms.zip(median_ms).is_some_and(|(most, ms)| ms > most);
            let is_lower = service_permille
                .zip(service)
                .is_some_and(|(least, permille)| permille < u64::from(least));
            let service = is_lower.then_some(Opened::Service);
            if is_longer { Some(Opened::Estimate) } else { service }
        };
        let mut last = steps.iter().enumerate().rev();
        last.find_map(|(at, step)| Some((call.reached + at + 1, opened(step)?)))
    }

    /// The same for all who wait, without a look at each of them: an estimate is longer than
    /// another from some place in the line on.
    pub(crate) fn watched_for_all(&self, now: Mono) -> BTreeMap<Place, (usize, Opened)> {
        let mut due = BTreeMap::new();
        let service = self.service_permille(now);
        for (at, step) in self.steps.iter().enumerate().take(self.watched).rev() {
            let Opens { estimate_ms, service_permille, .. } = step.opens;
            let is_lower = service_permille
                .zip(service)
                .is_some_and(|(least, permille)| permille < u64::from(least));
            let waiting =
                || self.waiting.range((Bound::Unbounded, Need::last(at))).map(|(_, places)| places);
            if let Some(from) = estimate_ms.and_then(|most| self.first_slower(most)) {
                for place in waiting().flat_map(|places| places.range(from..)) {
                    due.entry(*place).or_insert((at + 1, Opened::Estimate));
                }
            }
            if is_lower {
                for place in waiting().flatten() {
                    due.entry(*place).or_insert((at + 1, Opened::Service));
                }
            }
        }
        due
    }

    /// The first place of the line at which a call is estimated to wait for longer.
    fn first_slower(&self, most_ms: u64) -> Option<Place> {
        let is_slower = |ahead| {
            let estimate = self.pace.estimate(ahead, self.at_work());
            estimate.is_some_and(|estimate| estimate.median_ms > most_ms)
        };
        let (mut low, mut high) = (0, self.line.len().saturating_sub(self.offered as usize));
        while low < high {
            let middle = usize::midpoint(low, high);
            if is_slower(middle) { high = middle } else { low = middle + 1 }
        }
        // Nobody is ahead of those who are being offered, nor of who comes next.
        let rank = if low == 0 { 0 } else { low + self.offered as usize };
        self.line.nth(rank)
    }

    /// The service level now, in thousandths; `None` where nothing is known of it.
    fn service_permille(&self, now: Mono) -> Option<u64> {
        let service = self.service.as_ref()?;
        let late = now.0.checked_sub(service.rule.within_ms.saturating_mul(1_000_000));
        let late = late.map_or(0, |late| self.entered.before(&(Mono(late), CallId(Id(0)))));
        service.permille(now, late)
    }

    /// A caller's wait is over, in a way that counts for the service level.
    pub(crate) fn count_served(&mut self, now: Mono, answered: bool, waited_ms: u64) {
        if let Some(service) = &mut self.service {
            service.count(now, answered, waited_ms);
        }
    }

    /// Whether anyone waits to whom an estimate or the service level may open a step.
    pub(crate) fn is_watched(&self) -> bool {
        let upto = Need { reached: self.watched, permission: None };
        self.waiting.range(..upto).next().is_some()
    }

    /// Lists an agent who could take a call.
    pub(crate) fn list(&mut self, serves: &Serves, index: AgentIndex, agent: &Agent) {
        let turn = self.strategy.turn(agent, serves, index);
        if let Some(class) = self.classes.get_mut(serves.class) {
            class.idle.insert(turn);
        }
    }

    /// Undoes [`Self::list`] before an agent changes.
    pub(crate) fn unlist(&mut self, serves: &Serves, index: AgentIndex, agent: &Agent) {
        let turn = self.strategy.turn(agent, serves, index);
        if let Some(class) = self.classes.get_mut(serves.class) {
            class.idle.remove(&turn);
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

/// How many steps there are up to the last one of that kind.
fn from_last(steps: &[Step], is: impl Fn(&Step) -> bool) -> usize {
    steps.iter().rposition(is).map_or(0, |at| at + 1)
}
