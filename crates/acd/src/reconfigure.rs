//! The configuration changes while calls wait and agents talk ([`Changes`]).
//!
//! What changes is taken apart and put together anew: agents leave the lists and counts of their
//! queues, calls the lists of those that can be offered; when everyone is where they belong now,
//! those whom others may take than before are offered, the one with the highest score first. The
//! work is that of the queues and agents that changed, and of the calls in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{AgentId, AgentStatus, CallId, NotReadyReason, QueueId, Tier};

use crate::acd::{Permissions, borrowing, new_agent, new_queue, new_steps};
use crate::agent::{Activity, Agent, AgentIndex, Serves};
use crate::call::{Call, Place, Progress};
use crate::config::MAX_HEAD_START_MS;
use crate::limits::{Limits, Overflow};
use crate::record::Change;
use crate::timer::Timer;
use crate::{
    Acd, AgentConfig, Changes, Config, MissedRules, Output, QueueConfig, Served, Snapshot, Times,
};

/// What is configured no more, and room in the tables that what is gone has left.
#[derive(Debug, Clone, Default)]
pub(crate) struct Former {
    /// Queues that have calls left.
    pub(crate) closing: BTreeSet<u32>,
    /// Agents who have work left.
    leaving: BTreeSet<AgentIndex>,
    gone_queues: Vec<u32>,
    gone_agents: Vec<AgentIndex>,
}

impl Former {
    /// Whether nothing is left of the queue that had this place in the table.
    pub(crate) fn is_gone(&self, queue: u32) -> bool {
        self.gone_queues.contains(&queue)
    }
}

/// What a change takes apart.
#[derive(Debug, Default)]
struct Apart {
    /// Queues that are otherwise, as they are from now on.
    queues: BTreeMap<u32, QueueConfig>,
    /// Those of them that order or admit agents otherwise.
    stepped: BTreeSet<u32>,
    /// Those of them whose steps are others.
    otherwise: BTreeSet<u32>,
    /// Those of them that were to close.
    reopened: BTreeSet<u32>,
    /// Agents whose queues, or whose queues' steps, are otherwise.
    agents: BTreeSet<AgentIndex>,
}

impl Acd {
    pub(crate) fn configure(&mut self, changes: Changes) {
        let Changes { queues, mut agents, concerned, mut left, .. } = changes;
        let Changes { permissions, times, missed, approval, plans, .. } = changes;
        self.change_rules(times, missed);
        let mut apart = Apart::default();
        self.sort_out_queues(queues, &mut apart);
        if let Some(permissions) = permissions {
            let permissions = permissions.into_iter().map(|(tier, held)| (tier, held.into()));
            let before = std::mem::replace(&mut self.permissions, permissions.collect());
            self.step_anew(&before, &mut apart);
        }
        self.prune_closing(&mut apart);
        let gone: Vec<AgentId> =
            agents.iter().filter(|(_, agent)| agent.is_none()).map(|(id, _)| id.clone()).collect();
        agents.retain(|_, agent| agent.is_some());
        let mut new = concerned;
        new.extend(agents.into_iter().filter_map(|(id, agent)| Some((id, agent?))));
        self.sort_out_agents(&new, &mut apart);
        for at in apart.agents.iter().copied() {
            self.detach(at);
        }
        // By name: places in the table are others after a restart.
        let mut queues: Vec<(u32, QueueConfig)> =
            std::mem::take(&mut apart.queues).into_iter().collect();
        queues.sort_by(|(_, one), (_, other)| one.queue.cmp(&other.queue));
        for (at, queue) in queues {
            self.change_queue(at, queue, apart.stepped.contains(&at));
        }
        for at in apart.agents.iter().copied() {
            let wanted = new.get(&self.agent_at(at).id);
            let left = wanted.and_then(|wanted| left.remove(&wanted.agent));
            self.serve_anew(at, wanted, left.unwrap_or_default(), &apart);
        }
        for at in apart.agents.iter().copied() {
            self.attach(at);
        }
        for id in gone {
            self.dismiss(&id);
        }
        self.engage_new(new);
        if let Some(plans) = plans {
            self.change_plans(plans);
        }
        if let Some(approval) = approval {
            self.change_approval(approval);
        }
        self.look_around(apart.stepped, &apart.agents);
    }

    fn change_rules(&mut self, times: Option<Times>, missed: Option<MissedRules>) {
        if let Some(Times { reserve_timeout_ms, ring_timeout_ms, acw_limit_ms }) = times {
            self.reserve_timeout_ms = reserve_timeout_ms;
            self.ring_timeout_ms = ring_timeout_ms;
            self.acw_limit_ms = acw_limit_ms;
        }
        self.missed = missed.unwrap_or(self.missed);
    }

    /// New queues are there, those that are otherwise are to be taken apart, the others close.
    fn sort_out_queues(
        &mut self,
        queues: BTreeMap<QueueId, Option<QueueConfig>>,
        apart: &mut Apart,
    ) {
        for (id, wanted) in queues {
            match (self.queue_index(&id), wanted) {
                (Some(at), Some(queue)) => {
                    let config = &self.queues[at as usize].config;
                    if queue.steps != config.steps {
                        apart.otherwise.insert(at);
                    }
                    if queue.steps != config.steps || queue.strategy != config.strategy {
                        apart.stepped.insert(at);
                    }
                    if self.former.closing.remove(&at) {
                        apart.reopened.insert(at);
                        apart.stepped.insert(at);
                    }
                    self.note_queue(at);
                    apart.queues.insert(at, queue);
                }
                (Some(at), None) => {
                    self.former.closing.insert(at);
                    self.note_queue(at);
                }
                (None, Some(queue)) => self.add_queue(&queue),
                (None, None) => {}
            }
        }
    }

    fn add_queue(&mut self, config: &QueueConfig) {
        let queue = new_queue(config, &self.permissions);
        let at = match self.former.gone_queues.pop() {
            Some(at) => {
                self.queues[at as usize] = queue;
                at
            }
            None => {
                self.queues.push(queue);
                self.changed_queues.grow(self.queues.len());
                u32::try_from(self.queues.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.queues_by_id.insert(config.queue.clone(), at);
        self.queue_mut(at);
    }

    /// Tiers may do something else: the queues that they serve are otherwise by that.
    fn step_anew(&mut self, before: &Permissions, apart: &mut Apart) {
        for (at, queue) in (0..).zip(&self.queues) {
            let holds_other = |tier: &Tier| {
                let (before, now) = (before.get(tier), self.permissions.get(tier));
                let holds =
                    |held: Option<&Arc<BTreeSet<_>>>| held.is_some_and(|held| !held.is_empty());
                before != now && (holds(before) || holds(now))
            };
            let any = queue.steps.iter().any(|step| match &step.tier {
                Some(tier) => holds_other(tier),
                None => before.keys().chain(self.permissions.keys()).any(holds_other),
            });
            if any && !self.former.is_gone(at) {
                apart.stepped.insert(at);
                apart.queues.entry(at).or_insert_with(|| queue.config.clone());
            }
        }
    }

    /// Queues that are configured no more send nobody to another such one.
    fn prune_closing(&self, apart: &mut Apart) {
        for at in self.former.closing.iter().copied() {
            let config = apart.queues.get(&at).unwrap_or(&self.queues[at as usize].config);
            let leads = |to: &Overflow| match to {
                Overflow::Queue(queue) => self.open_index(queue).is_some(),
                Overflow::Number(_)
                | Overflow::Announcement(_)
                | Overflow::Mailbox(_)
                | Overflow::Callback => true,
            };
            let Limits { full, wait, unstaffed, closed, short_ms } = config.limits.clone();
            let limits = Limits {
                full: full.filter(&leads),
                wait: wait.filter(|wait| leads(&wait.to)),
                unstaffed: unstaffed.filter(|rule| leads(&rule.to)),
                closed: closed.filter(|rule| leads(&rule.to)),
                short_ms,
            };
            if limits != config.limits {
                let pruned = QueueConfig { limits, ..config.clone() };
                apart.queues.insert(at, pruned);
            }
        }
    }

    /// Agents who are otherwise, and those whose queues have other steps.
    fn sort_out_agents(&self, new: &BTreeMap<AgentId, AgentConfig>, apart: &mut Apart) {
        apart.agents.extend(new.keys().filter_map(|id| self.known_agent(id)));
        if !apart.stepped.is_empty() {
            let reopened = |one: &Served| {
                self.queue_index(&one.queue).is_some_and(|at| apart.reopened.contains(&at))
            };
            let serves = |agent: &Agent| {
                let config = agent.config.as_deref();
                let served = config.is_some_and(|config| config.queues.iter().any(reopened));
                served || agent.serves.iter().any(|serves| apart.stepped.contains(&serves.queue))
            };
            let served = self.agents_by_id.values().filter(|at| serves(self.agent_at(**at)));
            let served: Vec<AgentIndex> = served.copied().collect();
            apart.agents.extend(served);
        }
    }

    /// An agent is in the lists and counts of no queue any more, until they are attached again.
    fn detach(&mut self, at: AgentIndex) {
        if let Some(journal) = &mut self.journal {
            journal.agents.insert(at);
        }
        self.note_queues_of(at);
        let agent = &mut self.agents[at.at()];
        let figure = agent.figure();
        let was_listed = std::mem::take(&mut agent.listed);
        for serves in &agent.serves {
            let queue = &mut self.queues[serves.queue as usize];
            queue.pass(self.now);
            queue.count(Some(figure), None);
            self.changed_queues.insert(serves.queue);
            if was_listed {
                queue.unlist(serves, at, agent);
            }
        }
    }

    /// How fast the queues of an agent move is counted up to now.
    fn note_queues_of(&mut self, at: AgentIndex) {
        let queues: Vec<u32> = self.agent_at(at).serves.iter().map(|one| one.queue).collect();
        for queue in queues {
            self.note_queue(queue);
        }
    }

    fn attach(&mut self, at: AgentIndex) {
        self.note_queues_of(at);
        let agent = &self.agents[at.at()];
        let figure = agent.figure();
        for serves in &agent.serves {
            let queue = &mut self.queues[serves.queue as usize];
            queue.pass(self.now);
            queue.count(None, Some(figure));
            self.changed_queues.insert(serves.queue);
        }
        self.enlist(at);
    }

    /// Which queues a detached agent serves from now on, and in which class. The calls that are
    /// left of a queue that closes are served by those who did so far; when it is configured again,
    /// only by those who are configured for it.
    fn serve_anew(
        &mut self,
        at: AgentIndex,
        wanted: Option<&AgentConfig>,
        mut left: Vec<Served>,
        apart: &Apart,
    ) {
        let reopened: Vec<QueueId> =
            apart.reopened.iter().map(|at| self.queue_name(*at).clone()).collect();
        let Some(wanted) = wanted else {
            if let Some(mut config) = self.agents[at.at()].config.take() {
                config.queues.retain(|served| !reopened.contains(&served.queue));
                return self.serve(at, &config);
            }
            let goes_on = |serves: &Serves| {
                !apart.reopened.contains(&serves.queue) && !apart.otherwise.contains(&serves.queue)
            };
            return self.agents[at.at()].serves.retain(goes_on);
        };
        let mut whole = wanted.clone();
        left.extend(self.also_served(self.agent_at(at)));
        for one in left {
            if whole.queues.iter().all(|served| served.queue != one.queue) {
                whole.queues.push(one);
            }
        }
        self.serve(at, &whole);
        let agent = &mut self.agents[at.at()];
        let AgentConfig { tier, acw_ms, choice, .. } = wanted;
        let is_told = agent.tier != *tier;
        (agent.tier, agent.acw_ms, agent.choice) = (*tier, *acw_ms, *choice);
        agent.leaving = false;
        if is_told {
            let view = agent.view();
            self.outputs.push_back(Output::AgentChanged(view));
        }
        self.former.leaving.remove(&at);
    }

    /// A detached agent serves what that configuration says, each queue as often as before.
    fn serve(&mut self, at: AgentIndex, config: &AgentConfig) {
        let keeps = config.queues.iter().any(|one| self.is_closing(&one.queue));
        let Agent { mut serves, config: kept, .. } = self.engaged(config);
        let config = kept.or_else(|| keeps.then(|| Box::new(config.clone())));
        let agent = &mut self.agents[at.at()];
        for serves in &mut serves {
            if let Some(kept) = agent.serves.iter().find(|kept| kept.queue == serves.queue) {
                let (offers, last_turn) = (kept.offers, kept.last_turn);
                *serves = Serves { offers, last_turn, turn_before: kept.turn_before, ..*serves };
            }
        }
        (agent.serves, agent.config) = (serves, config);
    }

    /// An agent as this configuration has them, in the classes of their queues.
    fn engaged(&mut self, config: &AgentConfig) -> Agent {
        let mut borrowing = borrowing(&self.queues);
        borrowing.retain(|at| !self.former.is_gone(*at));
        let Self { permissions, queues, queues_by_id, .. } = self;
        new_agent(config, permissions, queues, queues_by_id, &borrowing)
    }

    /// A queue is otherwise, and its calls with it. Its agents are detached if it has other steps.
    fn change_queue(&mut self, at: u32, config: QueueConfig, has_other_steps: bool) {
        let queue = &self.queues[at as usize];
        let before = &queue.config;
        let moves = before.head_start_ms != config.head_start_ms;
        let limits = before.limits != config.limits || before.callbacks != config.callbacks;
        let rings = before.ring.of(before.strategy) != config.ring.of(config.strategy);
        let calls: Vec<CallId> = match has_other_steps || moves || limits || rings {
            true => queue.calls().collect(),
            false => Vec::new(),
        };
        let alike = before.steps.iter().zip(&config.steps).take_while(|(one, other)| one == other);
        let alike = alike.count();
        let steps = has_other_steps.then(|| new_steps(&config, &self.permissions));
        let waiting: Vec<Call> =
            calls.iter().filter_map(|id| self.calls.get(id)).copied().collect();
        for call in waiting.iter().filter(|call| call.progress == Progress::Waiting) {
            self.unwait(call);
        }
        let permissions = self.permissions.clone();
        self.queue_mut(at).adopt(config, steps, &permissions);
        if self.queues[at as usize].watched == 0 {
            self.watch_no_more(at);
        }
        for before in waiting {
            let mut call = before;
            if moves {
                call = self.placed_anew(&call);
                self.queues[at as usize].move_to(&before, &call);
            }
            if limits {
                self.limit_again(&mut call);
            }
            if has_other_steps {
                self.reach_again(&mut call, alike);
            }
            self.calls.insert(call.place.call, call);
            if call.progress == Progress::Waiting {
                self.wait(&call);
            }
            if rings {
                self.ring_no_more(&call);
            }
        }
        if limits {
            self.swept.insert(at);
        }
    }

    fn watch_no_more(&mut self, at: u32) {
        if let Some(due) = self.queues[at as usize].watch_at.take() {
            self.timers.cancel(due, Timer::Watch(at));
        }
    }

    /// A call with the place that it has with its queue's present head start.
    fn placed_anew(&self, call: &Call) -> Call {
        let of_queue = self.queues[call.queue as usize].head_start_ms;
        let head_start = of_queue.saturating_add(call.head_start_ms);
        // As a restart has it: one that is called back may have waited for longer.
        let head_start = match call.callback {
            Some(_) => head_start,
            None => head_start.min(MAX_HEAD_START_MS),
        };
        let place = Place::new(call.place.call, call.entered, head_start);
        Call { place, ..*call }
    }

    /// A call may stay for as long as its queue says now.
    fn limit_again(&mut self, call: &mut Call) {
        let id = call.place.call;
        if let Some(at) = call.limit_at {
            self.timers.cancel(at, Timer::Limit(id));
        }
        let queue = &self.queues[call.queue as usize];
        let until = match call.callback {
            Some(callback) => {
                let rule = queue.callbacks.unwrap_or_default();
                Some(callback.booked + Duration::from_millis(rule.keep_ms))
            }
            None => {
                let wait = queue.limits.wait.as_ref();
                wait.map(|wait| call.joined + Duration::from_millis(wait.ms))
            }
        };
        call.kept = false;
        call.limit_at = until.filter(|at| *at > self.now);
        match call.limit_at {
            Some(at) => self.timers.set(at, Timer::Limit(id)),
            None => drop(self.returned.insert(id)),
        }
    }

    /// A call keeps what it has reached of the first steps, which are as they were, and has
    /// reached of the others what it would have by now.
    fn reach_again(&mut self, call: &mut Call, alike: usize) {
        call.reached = call.reached.min(alike);
        self.reach_tiers(call);
    }

    /// A call that rings several agents rings no more than it does.
    fn ring_no_more(&mut self, call: &Call) {
        let id = call.place.call;
        let Some(ring) = self.rings.get_mut(&id) else { return };
        ring.allowed = ring.others.len() + 1;
        if let Some(at) = ring.more_at.take() {
            self.timers.cancel(at, Timer::RingMore(id));
        }
        self.note_room(call);
    }

    /// An agent is configured no more: signed out, at the end of the present work if there is any.
    fn dismiss(&mut self, id: &AgentId) {
        let Some(at) = self.known_agent(id) else { return };
        self.relieve(at);
        self.end_vain_preferences(at);
        self.sign_out_at_last(at);
    }

    /// Who is configured no more serves no queue.
    fn relieve(&mut self, at: AgentIndex) {
        self.detach(at);
        let agent = &mut self.agents[at.at()];
        agent.serves.clear();
        (agent.config, agent.leaving) = (None, true);
        self.former.leaving.insert(at);
        self.attach(at);
    }

    fn sign_out_at_last(&mut self, at: AgentIndex) {
        self.cancel_rest(at);
        self.change(at, |agent| {
            agent.asks = None;
            match agent.activity {
                Activity::Idle => agent.set_status(AgentStatus::SignedOut),
                Activity::Reserved { .. }
                | Activity::Ringing { .. }
                | Activity::Talking { .. }
                | Activity::Acw { .. } => agent.next_status = Some(AgentStatus::SignedOut),
            }
        });
    }

    /// Agents who are new are signed out, each in the place that their number has among the others.
    fn engage_new(&mut self, new: BTreeMap<AgentId, AgentConfig>) {
        let mut new: Vec<AgentConfig> =
            new.into_values().filter(|agent| self.known_agent(&agent.agent).is_none()).collect();
        new.reverse();
        while let Some(config) = new.pop() {
            let id = config.agent.clone();
            let before =
                self.agents_by_id.range::<AgentId, _>(..&id).next_back().map(|(_, at)| *at);
            let after = self.agents_by_id.range::<AgentId, _>(&id..).next();
            let count = match after {
                Some((after, _)) => new.iter().rev().take_while(|one| one.agent < *after).count(),
                None => 0,
            };
            let after = after.map(|(_, at)| *at);
            let agent = self.engaged(&config);
            let slot = match self.former.gone_agents.pop() {
                Some(gone) => {
                    self.agents[gone.at()] = agent;
                    gone.at()
                }
                None => {
                    self.agents.push(agent);
                    self.agents.len() - 1
                }
            };
            let slot = u32::try_from(slot).unwrap_or(u32::MAX);
            let at = AgentIndex::between(before, after, count as u64 + 1, slot);
            self.agents_by_id.insert(id, at);
            if let Some(journal) = &mut self.journal {
                journal.agents.insert(at);
            }
            self.attach(at);
            let view = self.agent_at(at).view();
            self.outputs.push_back(Output::AgentChanged(view));
        }
    }

    fn change_plans(&mut self, plans: Vec<crate::Plan>) {
        let on = self.plans_on();
        self.plans = plans
            .into_iter()
            .map(|plan| {
                let is_on = on.contains(&plan.name);
                (plan, is_on)
            })
            .collect();
        if let Some(journal) = &mut self.journal {
            journal.plans = true;
        }
        self.apply_plans();
    }

    fn change_approval(&mut self, approval: BTreeSet<NotReadyReason>) {
        self.approval = approval;
        let asks = |agent: &Agent| agent.asks.is_some_and(|asks| !self.approval.contains(&asks));
        let asking = self.agents_by_id.values().filter(|at| asks(self.agent_at(**at)));
        let asking: Vec<AgentIndex> = asking.copied().collect();
        for at in asking {
            self.approve(at);
        }
    }

    /// Whom a change concerns is served as it says: calls of queues with other rules, those that
    /// wait for agents who may take something else, and queues that nobody is at any more.
    fn look_around(&mut self, mut queues: BTreeSet<u32>, agents: &BTreeSet<AgentIndex>) {
        let mut left: BTreeSet<u32> = BTreeSet::new();
        for at in agents.iter().copied() {
            self.end_vain_preferences(at);
            let agent = self.agent_at(at);
            let served = agent.serves.iter().map(|serves| serves.queue);
            if agent.is_available() {
                queues.extend(served);
            }
        }
        for (at, queue) in (0..).zip(&self.queues) {
            if queue.sends_away_unstaffed() && queue.len() > 0 {
                left.insert(at);
            }
        }
        self.swept.extend(left);
        for at in queues {
            let calls: Vec<CallId> = self.queues[at as usize].calls().collect();
            let waiting = calls.iter().filter_map(|id| self.calls.get(id));
            let waiting = waiting.filter(|call| call.progress == Progress::Waiting);
            let places: Vec<Place> = waiting.map(|call| call.place).collect();
            self.opened.extend(places);
            self.keep_watch(at);
            if !self.queues[at as usize].roomy.is_empty() {
                self.widened.insert(at);
            }
        }
    }

    /// Calls that wait for an agent alone who may take them no more are everyone's.
    fn end_vain_preferences(&mut self, at: AgentIndex) {
        let agent = self.agent_at(at);
        let may = |queue: u32, place: Place| {
            let serves = agent.serves.iter().find(|serves| serves.queue == queue)?;
            let class = self.queues[queue as usize].classes.get(serves.class)?;
            class.may(self.calls.get(&place.call)?.permission).then_some(())
        };
        let vain = agent.preferred.iter().filter(|(queue, place)| may(*queue, *place).is_none());
        let vain: Vec<Place> = vain.map(|(_, place)| *place).collect();
        for place in vain {
            self.end_preference(place.call);
            self.opened.insert(place);
        }
    }

    /// What is configured no more goes when nothing is left of it to do. Whether who is left may
    /// take other calls by that.
    pub(crate) fn clear_gone(&mut self) -> bool {
        if !self.former.leaving.is_empty() {
            self.clear_agents();
        }
        !self.former.closing.is_empty() && self.clear_queues()
    }

    fn clear_agents(&mut self) {
        let over = |agent: &Agent| {
            agent.activity == Activity::Idle && agent.status == AgentStatus::SignedOut
        };
        let leaving = self.former.leaving.iter().copied();
        let gone: Vec<AgentIndex> = leaving.filter(|at| over(self.agent_at(*at))).collect();
        for at in gone {
            self.former.leaving.remove(&at);
            self.former.gone_agents.push(at);
            let agent = self.agent_at(at).id.clone();
            self.agents_by_id.remove(&agent);
            if let Some(journal) = &mut self.journal {
                journal.gone.push(Change::AgentGone(agent.clone()));
            }
            self.outputs.push_back(Output::AgentGone { agent });
        }
    }

    fn clear_queues(&mut self) -> bool {
        let mut concerned = BTreeSet::new();
        let is_over = |at: &u32| !self.calls.are_of(*at) && !self.invitations.are_of(*at);
        let mut gone: Vec<u32> = self.former.closing.iter().copied().filter(is_over).collect();
        gone.sort_by(|one, other| self.queue_name(*one).cmp(self.queue_name(*other)));
        for at in gone {
            let queue = self.queues[at as usize].id.clone();
            self.former.closing.remove(&at);
            self.former.gone_queues.push(at);
            self.queues_by_id.remove(&queue);
            self.watch_no_more(at);
            concerned.extend(self.forget_queue(at, &queue));
            if let Some(journal) = &mut self.journal {
                journal.gone.push(Change::QueueGone(queue.clone()));
            }
            self.outputs.push_back(Output::QueueGone { queue });
        }
        if !concerned.is_empty() {
            self.look_around(BTreeSet::new(), &concerned);
        }
        !concerned.is_empty()
    }

    /// A queue that is gone has no agents, and nobody has its skill; tells who had.
    fn forget_queue(&mut self, gone: u32, name: &QueueId) -> Vec<AgentIndex> {
        let serves = |agent: &Agent| {
            let lists = |config: &AgentConfig| config.queues.iter().any(|one| one.queue == *name);
            let is_served = agent.serves.iter().any(|serves| serves.queue == gone);
            is_served || agent.config.as_deref().is_some_and(lists)
        };
        let serving = self.agents_by_id.values().filter(|index| serves(self.agent_at(**index)));
        let serving: Vec<AgentIndex> = serving.copied().collect();
        for at in serving.iter().copied() {
            self.detach(at);
            match self.agents[at.at()].config.take() {
                Some(mut config) => {
                    config.queues.retain(|served| served.queue != *name);
                    self.serve(at, &config);
                }
                None => self.agents[at.at()].serves.retain(|serves| serves.queue != gone),
            }
            self.attach(at);
        }
        serving
    }

    /// The queues of an agent that are configured no more.
    pub(crate) fn also_served(&self, agent: &Agent) -> Vec<Served> {
        let served = agent.config.iter().flat_map(|config| &config.queues);
        served.filter(|one| self.is_closing(&one.queue)).cloned().collect()
    }

    fn is_closing(&self, queue: &QueueId) -> bool {
        self.queue_index(queue).is_some_and(|at| self.former.closing.contains(&at))
    }

    /// Which queues and agents of a snapshot are configured no more.
    pub(crate) fn restore_former(&mut self, config: &Config, snapshot: &Snapshot) {
        let closing = snapshot.queues.values().filter(|record| record.closing.is_some());
        let closing: Vec<u32> =
            closing.filter_map(|record| self.queue_index(&record.queue)).collect();
        self.former.closing.extend(closing);
        for agent in &config.agents {
            let left = agent.queues.iter().any(|one| self.is_closing(&one.queue));
            if let Some(at) = self.known_agent(&agent.agent).filter(|_| left) {
                self.agents[at.at()].config = Some(Box::new(agent.clone()));
            }
        }
        let leaving = snapshot.agents.values().filter(|record| record.leaving.is_some());
        let leaving: Vec<AgentIndex> =
            leaving.filter_map(|record| self.known_agent(&record.agent)).collect();
        for at in leaving {
            self.relieve(at);
        }
    }
}

impl Agent {
    /// As an agent who serves nothing any more is configured.
    pub(crate) fn last_config(&self) -> AgentConfig {
        let config = AgentConfig::new(self.id.clone(), self.tier, Vec::new(), self.acw_ms);
        AgentConfig { choice: self.choice, ..config }
    }
}

impl Config {
    /// With what a snapshot has of queues and agents that are configured no more.
    pub(crate) fn with_former(&self, snapshot: &Snapshot) -> Self {
        let mut config = self.clone();
        let closing = snapshot.queues.values().filter_map(|record| record.closing.as_deref());
        let closing = closing.filter(|old| !self.queues.iter().any(|one| one.queue == old.queue));
        config.queues.extend(closing.cloned());
        for agent in &mut config.agents {
            if let Some(record) = snapshot.agents.get(&agent.agent) {
                agent.queues.extend(record.also_serves.iter().cloned());
            }
        }
        let leaving = snapshot.agents.values().filter_map(|record| record.leaving.as_deref());
        let leaving = leaving.filter(|old| !self.agents.iter().any(|one| one.agent == old.agent));
        config.agents.extend(leaving.cloned());
        config
    }
}
