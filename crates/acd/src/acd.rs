//! The room itself: its tables, and how inputs and deadlines reach them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use model::{
    AgentId, AgentStatus, CallId, Found, IdSource, MissedCause, Mono, NotReadyReason, OfferId,
    Permission, QueueId, Tier,
};

use crate::agent::{Activity, Agent, AgentIndex, Serves};
use crate::balance::{Balance, CallbackBalance, Left};
use crate::call::{Place, Progress};
use crate::callback::Party;
use crate::calls::Calls;
use crate::dense::Dense;
use crate::estimate::Estimate;
use crate::invite::Invitations;
use crate::limits::Plan;
use crate::overflow::Newcomer;
use crate::queue::{Queue, Step};
use crate::reconfigure::Former;
use crate::recover::Journal;
use crate::ring::Ring;
use crate::step::{TierStep, open_at};
use crate::strategy::Work;
use crate::timer::{Timer, Timers};
use crate::view::{AgentView, MissedCounts, Position, QueueView};
use crate::why::{Decision, Decisions};
use crate::{
    AgentConfig, Config, ConfigError, Input, MissedRules, Output, QueueConfig, Refusal, Served,
};

/// The distribution of calls. See the crate's page for who gets which call.
#[derive(Debug, Clone)]
pub struct Acd {
    pub(crate) reserve_timeout_ms: u64,
    pub(crate) ring_timeout_ms: u64,
    pub(crate) acw_limit_ms: u64,
    pub(crate) missed: MissedRules,
    pub(crate) approval: BTreeSet<NotReadyReason>,
    pub(crate) ids: IdSource,
    /// The time that the room has reached: that of the last input, or of the last deadline.
    pub(crate) now: Mono,
    /// At the start in the order of the agents' ids; those who are gone leave room for others.
    pub(crate) agents: Vec<Agent>,
    pub(crate) agents_by_id: BTreeMap<AgentId, AgentIndex>,
    pub(crate) queues: Vec<Queue>,
    pub(crate) queues_by_id: BTreeMap<QueueId, u32>,
    /// What agents of each tier may do.
    pub(crate) permissions: Permissions,
    /// What is configured no more, and still there.
    pub(crate) former: Former,
    pub(crate) calls: Calls,
    pub(crate) offers: Found<OfferId, CallId>,
    /// The callbacks, by who asked for them.
    pub(crate) parties: BTreeMap<Party, CallId>,
    /// The emergency plans, and which are on.
    pub(crate) plans: Vec<(Plan, bool)>,
    pub(crate) invitations: Invitations,
    pub(crate) timers: Timers,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) changed_queues: Dense,
    /// Waiting calls that other agents may take than before: offered when all that happens at the
    /// moment is known, and empty between inputs.
    pub(crate) opened: BTreeSet<Place>,
    /// Calls that may have to leave their queue: looked at before any is offered.
    pub(crate) returned: BTreeSet<CallId>,
    /// The same for all calls of a queue.
    pub(crate) swept: BTreeSet<u32>,
    /// What rings for calls besides the one offer that most have.
    pub(crate) rings: BTreeMap<CallId, Ring>,
    /// Queues with idle agents whom their calls may ring as well, perhaps: looked at last, and
    /// empty between inputs.
    pub(crate) widened: BTreeSet<u32>,
    pub(crate) decisions: Decisions,
    /// It is being made from a snapshot: what was looked at then is not looked at again.
    pub(crate) is_restoring: bool,
    /// For tests that trust no index.
    #[cfg(test)]
    pub(crate) config: std::sync::Arc<Config>,
    /// What is to be told as facts, if anyone wants them.
    pub(crate) journal: Option<Box<Journal>>,
}

impl Acd {
    /// Everyone is signed out and nobody waits. Offers are numbered from `ids`.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration does not make sense.
    pub fn new(config: &Config, ids: IdSource) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self::of(config, ids))
    }

    /// The same of a configuration that was checked, or that was so before it was changed.
    pub(crate) fn of(config: &Config, ids: IdSource) -> Self {
        let permissions: Permissions =
            config.permissions.iter().map(|(tier, held)| (*tier, held.clone().into())).collect();
        let mut queues: Vec<Queue> =
            config.queues.iter().map(|queue| new_queue(queue, &permissions)).collect();
        let queues_by_id: BTreeMap<QueueId, u32> =
            (0..).zip(&queues).map(|(at, queue)| (queue.id.clone(), at)).collect();
        let borrowing = borrowing(&queues);
        let mut agents: Vec<Agent> = config
            .agents
            .iter()
            .map(|agent| new_agent(agent, &permissions, &mut queues, &queues_by_id, &borrowing))
            .collect();
        agents.sort_by(|one, other| one.id.cmp(&other.id));
        let agents_by_id = (0..)
            .zip(&agents)
            .map(|(at, agent)| (agent.id.clone(), AgentIndex::at_start(at)))
            .collect();
        let changed_queues = Dense::new(queues.len());
        let mut acd = Self {
            reserve_timeout_ms: config.reserve_timeout_ms,
            ring_timeout_ms: config.ring_timeout_ms,
            acw_limit_ms: config.acw_limit_ms,
            missed: config.missed,
            approval: config.approval.clone(),
            ids,
            now: Mono::default(),
            agents,
            agents_by_id,
            queues,
            queues_by_id,
            permissions,
            former: Former::default(),
            calls: Calls::default(),
            offers: Found::default(),
            parties: BTreeMap::new(),
            plans: config.plans.iter().map(|plan| (plan.clone(), false)).collect(),
            invitations: Invitations::default(),
            timers: Timers::default(),
            outputs: VecDeque::new(),
            changed_queues,
            opened: BTreeSet::new(),
            returned: BTreeSet::new(),
            swept: BTreeSet::new(),
            rings: BTreeMap::new(),
            widened: BTreeSet::new(),
            decisions: Decisions::default(),
            is_restoring: false,
            #[cfg(test)]
            config: config.clone().into(),
            journal: None,
        };
        for agent in &acd.agents {
            for serves in &agent.serves {
                acd.queues[serves.queue as usize].count(None, Some(agent.figure()));
            }
        }
        acd
    }

    /// Something happened. What is due before it happens first.
    pub fn handle_input(&mut self, input: Input, now: Mono) {
        self.begin(now);
        match input {
            Input::SignIn { agent } => self.for_staff(agent, Self::sign_in),
            Input::SignOut { agent } => self.for_agent(agent, Self::sign_out),
            Input::Ready { agent } => self.for_staff(agent, Self::ready),
            Input::NotReady { agent, reason } => {
                self.for_staff(agent, |acd, at| acd.not_ready(at, reason));
            }
            Input::Approve { agent } => self.for_agent(agent, Self::approve),
            Input::Decline { agent } => self.for_agent(agent, Self::decline),
            Input::PhoneReachable { agent, reachable } => {
                self.for_agent(agent, |acd, at| acd.phone_reachable(at, reachable));
            }
            Input::ExtendAcw { agent, ms } => {
                self.for_agent(agent, |acd, at| acd.extend_acw(at, ms));
            }
            Input::WrapUp { agent, call } => {
                self.for_agent(agent, |acd, at| acd.wrap_up(at, call));
            }
            Input::Enqueue { call, queue, permission, entered, head_start_ms, preferred } => {
                let caller = Newcomer::new(call, permission, entered, head_start_ms);
                self.enqueue(caller, queue, preferred);
            }
            Input::Ask { call, queue, permission } => self.ask(call, queue, permission),
            Input::ComeBack { call, queue, permission, entered, head_start_ms } => {
                self.come_back(Newcomer::new(call, permission, entered, head_start_ms), queue);
            }
            Input::Dequeue { call } => self.dequeue(call, Left::Abandoned),
            Input::Leave { call, why } => self.dequeue(call, why),
            Input::Prefer { call, more_ms, preferred } => {
                self.put_forward(call, more_ms, preferred);
            }
            Input::QueueOpen { queue, open } => self.queue_open(&queue, open),
            Input::Emergency { plan, on } => self.emergency(&plan, on),
            Input::Configure(changes) => self.configure(*changes),
            Input::Callback(input) => self.handle_callback(input),
            Input::OfferRinging { offer } if self.invitations.has(offer) => {
                self.invited_ringing(offer);
            }
            Input::OfferAnswered { offer } if self.invitations.has(offer) => {
                self.invited_answered(offer);
            }
            Input::OfferMissed { offer, cause } if self.invitations.has(offer) => {
                self.invited_missed(offer, cause);
            }
            Input::OfferRinging { offer } => self.offer_ringing(offer),
            Input::OfferAnswered { offer } => self.offer_answered(offer),
            Input::OfferMissed { offer, cause } => self.offer_missed(offer, cause),
            Input::CallEnded { call } => {
                self.end_invitations(call);
                self.call_ended(call);
            }
            Input::Invite { agent, call } => {
                self.for_agent(agent, |acd, at| acd.invite(at, call));
            }
            Input::TakeBack { offer } => self.take_back(offer),
            Input::AgentLeft { agent, call } => {
                self.for_agent(agent, |acd, at| acd.agent_left(at, call));
            }
            Input::Bring { agent, call, into } => {
                self.for_agent(agent, |acd, at| acd.bring(at, call, into));
            }
            Input::Engage { agent, call } => {
                self.for_staff(agent, |acd, at| acd.engage(at, call));
            }
            Input::Disengage { agent, call } => {
                self.for_agent(agent, |acd, at| acd.disengage(at, call));
            }
        }
        self.finish();
    }

    /// Serves whom it can, once all that happened is known, and tells what came of it.
    pub(crate) fn finish(&mut self) {
        self.serve_more();
        while self.clear_gone() {
            self.serve_more();
        }
        self.tell_facts();
    }

    fn begin(&mut self, now: Mono) {
        self.handle_timeout(now);
        self.now = self.now.max(now);
    }

    /// Does what is due, each at its own deadline.
    pub fn handle_timeout(&mut self, now: Mono) {
        while self.act(now) {}
    }

    /// Does what is due first; false if nothing is.
    pub(crate) fn act(&mut self, now: Mono) -> bool {
        let Some((due, timer)) = self.timers.pop_due(now) else { return false };
        self.now = self.now.max(due);
        match timer {
            Timer::Tier(_) | Timer::Preference(_) | Timer::Again(_) | Timer::Watch(_) => {
                self.open_more(timer, due);
            }
            Timer::Rest(agent) => self.finish_rest(agent),
            Timer::Acw(agent) => self.finish_acw(agent),
            Timer::Offer(offer) if self.invitations.has(offer) => self.invited_timed_out(offer),
            Timer::Offer(offer) => self.offer_timed_out(offer),
            Timer::RingMore(call) => self.ring_more(call),
            Timer::Dial(call) => self.customer_missed(call, MissedCause::NoAnswer),
            Timer::Limit(call) => self.limit_reached(call),
        }
        self.finish();
        true
    }

    /// What was decided, if anything is left to tell.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front().or_else(|| {
            loop {
                let queue = self.changed_queues.pop_first()?;
                if !self.former.is_gone(queue) {
                    return Some(Output::QueueChanged(self.queues[queue as usize].view()));
                }
            }
        })
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted, and why.
    pub fn poll_timeout(&self) -> Option<(Mono, &'static str)> {
        self.timers.next()
    }

    /// One agent; `None` if there is no such one.
    pub fn agent(&self, agent: &AgentId) -> Option<AgentView> {
        let at = self.agents_by_id.get(agent)?;
        Some(self.agents[at.at()].view())
    }

    /// Every agent, by id.
    pub fn agents(&self) -> impl Iterator<Item = AgentView> + '_ {
        self.agents_by_id.values().map(|at| self.agent_at(*at).view())
    }

    /// One queue; `None` if there is no such one.
    pub fn queue_snapshot(&self, queue: &QueueId) -> Option<QueueView> {
        let at = self.queues_by_id.get(queue)?;
        Some(self.queues[*at as usize].view())
    }

    /// Every queue, by name.
    pub fn queues(&self) -> impl Iterator<Item = QueueView> + '_ {
        self.queues_by_id.values().map(|at| self.queues[*at as usize].view())
    }

    /// What became of a queue's calls so far; `None` if there is no such queue.
    pub fn balance(&self, queue: &QueueId) -> Option<Balance> {
        let at = self.queues_by_id.get(queue)?;
        Some(self.queues[*at as usize].balance)
    }

    /// What became of a queue's callbacks so far; `None` if there is no such queue.
    pub fn callback_balance(&self, queue: &QueueId) -> Option<CallbackBalance> {
        let at = self.queues_by_id.get(queue)?;
        Some(self.queues[*at as usize].called)
    }

    /// The calls of a queue that have no agent yet, first in line first.
    pub fn line(&self, queue: &QueueId) -> impl Iterator<Item = CallId> + '_ {
        let queue = self.queues_by_id.get(queue).map(|at| &self.queues[*at as usize]);
        queue.into_iter().flat_map(Queue::calls)
    }

    /// A caller's place in line; `None` once the call has an agent or left.
    pub fn position(&self, call: CallId) -> Option<Position> {
        let call = self.calls.get(&call)?;
        let queue = &self.queues[call.queue as usize];
        let ahead = queue.ahead_of(call)?;
        Some(Position {
            queue: queue.id.clone(),
            position: u32::try_from(ahead + 1).unwrap_or(u32::MAX),
            waiting: u32::try_from(queue.len()).unwrap_or(u32::MAX),
            entered: call.entered,
        })
    }

    /// Whether a caller of the line is being offered to an agent.
    pub fn is_offered(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|call| match call.progress {
            Progress::Offered { .. } => true,
            Progress::Waiting
            | Progress::Resting { .. }
            | Progress::Dialing { .. }
            | Progress::Talking { .. } => false,
        })
    }

    /// How long a caller is likely to wait until an agent is found; `None` for who waits no longer,
    /// while nobody is at work, and as long as the queue has not moved enough to tell.
    pub fn estimate(&self, call: CallId) -> Option<Estimate> {
        let call = self.calls.get(&call)?;
        self.queues[call.queue as usize].estimate(call)
    }

    /// The same of a caller who would come to a queue now.
    pub fn newcomers_estimate(&self, queue: &QueueId) -> Option<Estimate> {
        let at = self.queues_by_id.get(queue)?;
        self.queues[*at as usize].newcomers_estimate()
    }

    /// For how long a caller's queue keeps anyone, and for how long it keeps this one still, in
    /// milliseconds; `None` where it keeps them as long as it takes.
    pub fn keeps_ms(&self, call: CallId) -> Option<(u64, u64)> {
        let call = self.calls.get(&call)?;
        let limit = self.queues[call.queue as usize].limits.wait.as_ref()?;
        Some((limit.ms, limit.ms.saturating_sub(self.now.ms_since(call.joined))))
    }

    /// The decisions that were made about a call, oldest first, as far as they are still known
    /// ([`MAX_DECISIONS`](crate::MAX_DECISIONS)).
    pub fn why(&self, call: CallId) -> impl Iterator<Item = &Decision> {
        self.decisions.about(call)
    }

    pub(crate) fn agent_at(&self, at: AgentIndex) -> &Agent {
        &self.agents[at.at()]
    }

    pub(crate) fn queue_mut(&mut self, at: u32) -> &mut Queue {
        self.changed_queues.insert(at);
        self.note_queue(at);
        self.queues[at as usize].pass(self.now);
        &mut self.queues[at as usize]
    }

    /// What is to be told of a queue changes.
    pub(crate) fn note_queue(&mut self, at: u32) {
        if let Some(journal) = &mut self.journal {
            journal.queues.insert(at);
        }
    }

    pub(crate) fn queue_index(&self, queue: &QueueId) -> Option<u32> {
        self.queues_by_id.get(queue).copied()
    }

    /// The same of those that are configured: who comes anew comes to no other.
    pub(crate) fn open_index(&self, queue: &QueueId) -> Option<u32> {
        self.queue_index(queue).filter(|at| !self.former.closing.contains(at))
    }

    pub(crate) fn queue_name(&self, at: u32) -> &QueueId {
        &self.queues[at as usize].id
    }

    /// Changes an agent and keeps every index, count and listener in step with it: there is no
    /// other way to change one, but for [`Self::free`].
    pub(crate) fn change(&mut self, at: AgentIndex, edit: impl FnOnce(&mut Agent)) {
        self.change_unlisted(at, edit);
        self.enlist(at);
    }

    /// Changes an agent who may be free by that, and offers them the best call. Only who gets none
    /// is entered into the lists of those who are idle: with callers waiting, hardly anyone is.
    pub(crate) fn free(&mut self, at: AgentIndex, edit: impl FnOnce(&mut Agent)) {
        self.change_unlisted(at, edit);
        self.serve_agent(at);
        self.enlist(at);
    }

    /// Enters an agent who could take a call into the lists of those who are idle.
    pub(crate) fn enlist(&mut self, at: AgentIndex) {
        let agent = &mut self.agents[at.at()];
        if agent.listed || !agent.is_available() {
            return;
        }
        agent.listed = true;
        for serves in &agent.serves {
            let queue = &mut self.queues[serves.queue as usize];
            queue.list(serves, at, agent);
            if !queue.roomy.is_empty() {
                self.widened.insert(serves.queue);
            }
        }
    }

    fn change_unlisted(&mut self, at: AgentIndex, edit: impl FnOnce(&mut Agent)) {
        let now = self.now;
        if let Some(journal) = &mut self.journal {
            journal.agents.insert(at);
        }
        let agent = &mut self.agents[at.at()];
        let (shown, figure) = (agent.shown(), agent.figure());
        if std::mem::take(&mut agent.listed) {
            for serves in &agent.serves {
                self.queues[serves.queue as usize].unlist(serves, at, agent);
            }
        }
        edit(agent);
        let after = agent.figure();
        if (after.status, after.state) != (figure.status, figure.state) {
            agent.since = now;
        }
        if after != figure {
            for serves in &agent.serves {
                let queue = &mut self.queues[serves.queue as usize];
                if after.is_at_work() != figure.is_at_work() {
                    queue.pass(now);
                    if let Some(journal) = &mut self.journal {
                        journal.queues.insert(serves.queue);
                    }
                }
                queue.count(Some(figure), Some(after));
                self.changed_queues.insert(serves.queue);
            }
        }
        if after.status == AgentStatus::SignedOut && figure.status != AgentStatus::SignedOut {
            // The last one has left, perhaps.
            let queues = &self.queues;
            let sends_away = |queue: &u32| queues[*queue as usize].sends_away_unstaffed();
            let served = agent.serves.iter().map(|serves| serves.queue);
            self.swept.extend(served.filter(sends_away));
        }
        if agent.status != AgentStatus::Ready && !agent.preferred.is_empty() {
            let released = std::mem::take(&mut agent.preferred);
            self.opened.extend(released.into_iter().map(|(_, place)| place));
        }
        if agent.shown() != shown {
            self.outputs.push_back(Output::AgentChanged(agent.view()));
        }
    }

    /// Runs a request of an agent that only who is configured may make.
    fn for_staff(&mut self, agent: AgentId, request: impl FnOnce(&mut Self, AgentIndex)) {
        match self.known_agent(&agent).filter(|at| !self.agent_at(*at).leaving) {
            Some(at) => request(self, at),
            None => self.outputs.push_back(Output::Refused { agent, why: Refusal::UnknownAgent }),
        }
    }

    /// Runs a request of an agent, or refuses it if there is no such agent.
    fn for_agent(&mut self, agent: AgentId, request: impl FnOnce(&mut Self, AgentIndex)) {
        match self.agents_by_id.get(&agent).copied() {
            Some(at) => request(self, at),
            None => self.outputs.push_back(Output::Refused { agent, why: Refusal::UnknownAgent }),
        }
    }

    pub(crate) fn known_agent(&self, agent: &AgentId) -> Option<AgentIndex> {
        self.agents_by_id.get(agent).copied()
    }
}

/// What agents of each tier may do.
pub(crate) type Permissions = BTreeMap<Tier, Arc<BTreeSet<Permission>>>;

/// Queues with steps that may open to agents who do not serve them.
pub(crate) fn borrowing(queues: &[Queue]) -> Vec<u32> {
    let borrows = |queue: &Queue| queue.config.steps.iter().any(TierStep::borrows);
    (0..).zip(queues).filter(|(_, queue)| borrows(queue)).map(|(at, _)| at).collect()
}

pub(crate) fn new_queue(queue: &QueueConfig, permissions: &Permissions) -> Queue {
    Queue::new(queue, new_steps(queue, permissions))
}

pub(crate) fn new_steps(queue: &QueueConfig, permissions: &Permissions) -> Vec<Step> {
    let steps = queue.steps.iter().map(|step| {
        let tiers = permissions.iter();
        let of_step = tiers.filter(|(tier, _)| step.tier.is_none_or(|of| of == **tier));
        let held: BTreeSet<_> = of_step.flat_map(|(_, held)| held.iter()).copied().collect();
        Step::new(step, held.into())
    });
    steps.collect()
}

/// An agent, and in which class of each of their queues they are: those that they serve, and those
/// of which a step opens to them besides.
pub(crate) fn new_agent(
    agent: &AgentConfig,
    permissions: &Permissions,
    queues: &mut [Queue],
    by_id: &BTreeMap<QueueId, u32>,
    borrowing: &[u32],
) -> Agent {
    let own = agent.queues.iter().filter_map(|served| {
        let Served { queue, level, share } = served;
        Some((*by_id.get(queue)?, *level, *share))
    });
    let own: Vec<(u32, u8, u32)> = own.collect();
    let others = borrowing.iter().copied().filter(|at| own.iter().all(|(own, ..)| own != at));
    let others = others.map(|at| (at, 1, 1, true));
    let own = own.iter().map(|(at, level, share)| (*at, *level, *share, false));
    let serves = own.chain(others).filter_map(|(at, level, share, borrowed)| {
        let queue = queues.get_mut(at as usize)?;
        let open_at = open_at(&queue.config.steps, |step| step.admits(agent, &queue.id));
        let held = || permissions.get(&agent.tier).cloned().unwrap_or_default();
        (open_at > 0).then(|| Serves {
            queue: at,
            class: queue.class_of(open_at, agent.tier, held),
            borrowed,
            level,
            share,
            offers: 0,
            last_turn: 0,
            turn_before: 0,
        })
    });
    let serves: Vec<Serves> = serves.collect();
    Agent {
        id: agent.agent.clone(),
        tier: agent.tier,
        acw_ms: agent.acw_ms,
        serves,
        status: AgentStatus::SignedOut,
        activity: Activity::Idle,
        next_status: None,
        asks: None,
        reachable: false,
        since: Mono::default(),
        idle_since: Mono::default(),
        missed: MissedCounts::default(),
        missed_in_row: MissedCounts::default(),
        rests_until: None,
        choice: agent.choice,
        work: Work::default(),
        preferred: BTreeSet::new(),
        listed: false,
        config: (!borrowing.is_empty()).then(|| Box::new(agent.clone())),
        leaving: false,
    }
}
