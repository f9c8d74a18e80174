//! A stored day as what was put into the room: the facts of a day in, [`Input`]s out.
//!
//! A fact says what came of something, so the room runs along: what it did by itself is not said
//! to it again, and where it is otherwise than the facts say, it is told what makes it so. All
//! times are counted from one moment on the wall clock, so that a day may have several epochs.
//! What the room offers again stands beside what was offered then ([`StoredDay::differences`]).
//! Callbacks and colleagues who were asked are left out, but for the agents' time that they took.

use std::collections::BTreeMap;

use model::{
    AgentDay, AgentId, AgentState, AgentStatus, CallId, Fact, FactBody, IdSource, Mono, OfferId,
    OverflowTarget, Permission, QueueId, Wall,
};

use crate::{ASSIGNED_MS, Acd, AgentView, Config, ConfigError, Input, Left, Output, Preferred};

/// After-call work that ends so much later was extended; less is how late a deadline was seen.
const EXTENDED_MS: u64 = 1_000;

/// A call was offered to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferMade {
    /// When.
    pub at: Wall,
    /// Which call.
    pub call: CallId,
    /// From which queue.
    pub queue: QueueId,
    /// To whom.
    pub agent: AgentId,
}

/// An offer that was not the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The offer then; `None` if there was none.
    pub then: Option<OfferMade>,
    /// The offer again; `None` if there was none.
    pub again: Option<OfferMade>,
}

/// A day that is read fact by fact.
#[derive(Debug)]
pub struct StoredDay {
    acd: Acd,
    begins: Wall,
    now: Mono,
    inputs: Vec<(Mono, Input)>,
    then: Vec<OfferMade>,
    again: Vec<OfferMade>,
    /// The calls that came to a queue on this day, with the time at which they first did.
    entered: BTreeMap<CallId, Mono>,
    /// Those of them that were answered, with the agent who did last.
    answered: BTreeMap<CallId, AgentId>,
    /// By how much calls were put forward, in milliseconds, and for whom those wait that are in no
    /// queue yet.
    favoured: BTreeMap<CallId, (u64, Option<Preferred>)>,
    /// Agents in calls of which the room knows nothing.
    engaged: BTreeMap<AgentId, CallId>,
}

impl StoredDay {
    /// A day with nothing in it; what comes before `begins` is so from the start.
    ///
    /// # Errors
    /// [`ConfigError`] if the configuration does not make sense.
    pub fn new(config: &Config, ids: IdSource, begins: Wall) -> Result<Self, ConfigError> {
        let mut day = Self {
            acd: Acd::new(config, ids)?,
            begins,
            now: Mono(0),
            inputs: Vec::new(),
            then: Vec::new(),
            again: Vec::new(),
            entered: BTreeMap::new(),
            answered: BTreeMap::new(),
            favoured: BTreeMap::new(),
            engaged: BTreeMap::new(),
        };
        // Where a phone could not be rung, the facts say that its agent was not ready.
        for agent in config.agents.iter().map(|known| known.agent.clone()) {
            day.tell(Input::PhoneReachable { agent, reachable: true });
        }
        Ok(day)
    }

    /// Which queues are open as it begins; all are unless this says otherwise.
    pub fn hours<'q>(&mut self, queues: impl Iterator<Item = (&'q QueueId, bool)>) {
        for (queue, open) in queues.filter(|(_, open)| !open) {
            self.tell(Input::QueueOpen { queue: queue.clone(), open });
        }
    }

    /// What was put into the room, in order: for [`replay`](crate::replay) and
    /// [`what_if`](crate::what_if).
    pub fn inputs(&self) -> &[(Mono, Input)] {
        &self.inputs
    }

    /// How many calls came to a queue.
    pub fn calls(&self) -> usize {
        self.entered.len()
    }

    /// The offers that were made, in order.
    pub fn offers(&self) -> &[OfferMade] {
        &self.then
    }

    /// The next fact, in the order of the store. What says nothing of agents and queues is
    /// passed over.
    pub fn apply(&mut self, fact: &Fact) {
        self.run_until(self.at(fact.wall));
        match &fact.body {
            FactBody::AgentChanged { agent, status, state, call, next, day } => {
                let wanted = next.unwrap_or(*status);
                self.agent_is(agent, wanted, (*state, *call), day.as_deref());
            }
            FactBody::Queued { call, queue, entered, permission } => {
                let before_ms = fact.mono.ms_since(*entered);
                self.queued(*call, queue, before_ms, permission.as_deref());
            }
            FactBody::Offered { call, queue: Some(queue), agent, .. }
                if self.entered.contains_key(call) =>
            {
                let (queue, agent) = (queue.clone(), agent.clone());
                self.then.push(OfferMade { at: fact.wall, call: *call, queue, agent });
            }
            FactBody::Rang { call, agent, .. } => {
                if let Some(offer) = self.open_offer(agent, *call) {
                    self.tell(Input::OfferRinging { offer });
                }
            }
            FactBody::AgentAnswered { call, agent, .. } => {
                self.answered.insert(*call, agent.clone());
                if let Some(offer) = self.open_offer(agent, *call) {
                    self.tell(Input::OfferAnswered { offer });
                }
            }
            FactBody::Missed { call, agent, cause, .. } => {
                if let Some(offer) = self.open_offer(agent, *call) {
                    self.tell(Input::OfferMissed { offer, cause: *cause });
                }
            }
            FactBody::Overflowed { call, why, to, .. } => self.overflowed(*call, why, to),
            FactBody::CallbackBooked { call, .. } => self.leaves(*call),
            FactBody::CallEnded { call, .. } if self.entered.contains_key(call) => {
                let waits = self.acd.position(*call).is_some();
                let call = *call;
                self.tell(if waits { Input::Dequeue { call } } else { Input::CallEnded { call } });
            }
            FactBody::WrappedUp { call, agent, .. } => {
                self.tell(Input::WrapUp { agent: agent.clone(), call: *call });
            }
            FactBody::HoursChanged { queue, open, .. } => {
                self.tell(Input::QueueOpen { queue: queue.clone(), open: *open });
            }
            FactBody::PlanSwitched { plan, on, .. } => {
                self.tell(Input::Emergency { plan: plan.as_str().into(), on: *on });
            }
            FactBody::Prioritised { call, head_start_ms, preferred, prefers_ms, .. } => {
                let preferred =
                    preferred.clone().map(|agent| Preferred { agent, for_ms: *prefers_ms });
                self.prioritised(*call, *head_start_ms, preferred);
            }
            FactBody::Steered { what, call: Some(call), agent, detail, .. } => {
                self.steered(what, *call, agent.as_ref(), detail);
            }
            _ => {}
        }
    }

    /// Which offers were not the same again: of each call the first that went to somebody else,
    /// or that there was only once.
    pub fn differences(&self) -> Vec<Difference> {
        let mut of: BTreeMap<CallId, (Vec<&OfferMade>, Vec<&OfferMade>)> = BTreeMap::new();
        for then in &self.then {
            of.entry(then.call).or_default().0.push(then);
        }
        for again in &self.again {
            of.entry(again.call).or_default().1.push(again);
        }
        let differs = |(then, again): &(Vec<&OfferMade>, Vec<&OfferMade>)| {
            (0..then.len().max(again.len())).find_map(|at| {
                let (then, again) = (then.get(at).copied(), again.get(at).copied());
                let is_same = then.map(|offer| &offer.agent) == again.map(|offer| &offer.agent);
                (!is_same).then(|| Difference { then: then.cloned(), again: again.cloned() })
            })
        };
        let mut differences: Vec<Difference> = of.values().filter_map(differs).collect();
        differences.sort_by_key(|difference| {
            let both = difference.then.iter().chain(&difference.again);
            both.map(|offer| offer.at).min()
        });
        differences
    }

    fn at(&self, wall: Wall) -> Mono {
        let since_us = u64::try_from(wall.0.saturating_sub(self.begins.0)).unwrap_or(0);
        // A clock that was put back does not turn the order around.
        Mono(since_us.saturating_mul(1_000)).max(self.now)
    }

    fn run_until(&mut self, until: Mono) {
        while let Some((due, _)) = self.acd.poll_timeout().filter(|(due, _)| *due <= until) {
            self.now = self.now.max(due);
            self.acd.handle_timeout(due);
            self.drain();
        }
        self.now = until;
    }

    fn tell(&mut self, input: Input) {
        self.inputs.push((self.now, input.clone()));
        self.acd.handle_input(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        let since_us = i64::try_from(self.now.0 / 1_000).unwrap_or(i64::MAX);
        let at = Wall(self.begins.0.saturating_add(since_us));
        while let Some(output) = self.acd.poll_output() {
            if let Output::Offer { call, queue, agent, .. } = output {
                self.again.push(OfferMade { at, call, queue, agent });
            }
        }
    }

    /// The offer of this call that the agent has not yet answered.
    fn open_offer(&self, agent: &AgentId, call: CallId) -> Option<OfferId> {
        let view = self.acd.agent(agent)?;
        view.offer.filter(|_| view.call == Some(call))
    }

    fn queued(&mut self, call: CallId, queue: &QueueId, before_ms: u64, permission: Option<&str>) {
        let place = self.acd.position(call);
        if place.as_ref().is_some_and(|place| place.queue == *queue) {
            return;
        }
        if place.is_some() {
            self.leaves(call);
        }
        self.let_go(call);
        let permission = permission.and_then(Permission::from_name);
        let (now, queue) = (self.now, queue.clone());
        let first = *self.entered.entry(call).or_insert(now);
        let entered = Mono(now.0.saturating_sub(before_ms.saturating_mul(1_000_000)));
        let favoured = self.favoured.entry(call).or_default();
        let head_start_ms = now.ms_since(first) + favoured.0;
        let preferred = favoured.1.take();
        self.tell(match self.answered.contains_key(&call) {
            true => Input::ComeBack { call, queue, permission, entered, head_start_ms },
            false => Input::Enqueue { call, queue, permission, entered, head_start_ms, preferred },
        });
    }

    /// A call is put forward: from now on where it waits already, else when it comes to a queue.
    fn prioritised(&mut self, call: CallId, more_ms: u64, preferred: Option<Preferred>) {
        let favoured = self.favoured.entry(call).or_default();
        favoured.0 = favoured.0.saturating_add(more_ms);
        match self.acd.position(call) {
            Some(_) => self.tell(Input::Prefer { call, more_ms, preferred }),
            None => favoured.1 = preferred,
        }
    }

    /// Whoever is in conversation in this call is so no more.
    fn let_go(&mut self, call: CallId) {
        let Some(agent) = self.answered.get(&call).cloned() else { return };
        let view = self.acd.agent(&agent);
        if view.is_some_and(|view| view.state == AgentState::Talking && view.call == Some(call)) {
            self.tell(Input::AgentLeft { agent, call });
        }
    }

    fn overflowed(&mut self, call: CallId, why: &str, to: &OverflowTarget) {
        let by_people = why == "chosen" || why == "moved";
        let stays = matches!(to, OverflowTarget::Queue(_));
        if by_people && !stays {
            self.leaves(call);
        }
    }

    fn leaves(&mut self, call: CallId) {
        if self.acd.position(call).is_some() {
            self.tell(Input::Leave { call, why: Left::Elsewhere });
        }
    }

    fn steered(&mut self, what: &str, call: CallId, agent: Option<&AgentId>, detail: &str) {
        let (more_ms, preferred) = match (what, agent) {
            ("prefer_call", _) => (detail.parse().unwrap_or(0), None),
            ("assign_call", Some(agent)) => {
                (0, Some(Preferred { agent: agent.clone(), for_ms: ASSIGNED_MS }))
            }
            _ => return,
        };
        self.tell(Input::Prefer { call, more_ms, preferred });
    }

    /// The agent is made what the fact says, where they are not.
    fn agent_is(
        &mut self,
        agent: &AgentId,
        wanted: AgentStatus,
        (state, call): (AgentState, Option<CallId>),
        day: Option<&AgentDay>,
    ) {
        let Some(view) = self.acd.agent(agent) else { return };
        if let AgentState::Talking = view.state
            && let Some(with) =
                view.call.filter(|with| state != AgentState::Talking || call != Some(*with))
        {
            self.is_out_of(agent, with, state);
        }
        self.chooses(agent, wanted);
        let Some(view) = self.acd.agent(agent) else { return };
        match (view.state, state, view.call) {
            (AgentState::Acw, AgentState::Acw, _) => self.extends(&view, day),
            (AgentState::Acw, _, Some(after)) => {
                self.tell(Input::WrapUp { agent: agent.clone(), call: after });
            }
            _ => {}
        }
        let is_idle = self.acd.agent(agent).is_some_and(|view| view.state == AgentState::Idle);
        if let (true, AgentState::Talking, Some(call)) = (is_idle, state, call)
            && !self.entered.contains_key(&call)
        {
            self.engaged.insert(agent.clone(), call);
            self.tell(Input::Engage { agent: agent.clone(), call });
        }
    }

    fn is_out_of(&mut self, agent: &AgentId, call: CallId, state: AgentState) {
        let (agent, own) = (agent.clone(), self.engaged.remove(agent));
        self.tell(match (own, state) {
            (Some(_), AgentState::Idle) => Input::Disengage { agent, call },
            _ => Input::AgentLeft { agent, call },
        });
    }

    fn chooses(&mut self, agent: &AgentId, wanted: AgentStatus) {
        let Some(view) = self.acd.agent(agent) else { return };
        if view.next_status.unwrap_or(view.status) == wanted {
            return;
        }
        let agent = || agent.clone();
        self.tell(match wanted {
            AgentStatus::Ready => Input::Ready { agent: agent() },
            AgentStatus::SignedOut => Input::SignOut { agent: agent() },
            AgentStatus::NotReady { reason } => Input::NotReady { agent: agent(), reason },
        });
        // The fact says that it is so: somebody has approved of it.
        if self.acd.agent(&agent()).is_some_and(|view| view.asks.is_some()) {
            self.tell(Input::Approve { agent: agent() });
        }
    }

    fn extends(&mut self, view: &AgentView, day: Option<&AgentDay>) {
        let until = day.and_then(|day| day.acw).map(|(until, _)| self.at(until));
        let Some((until, again)) = until.zip(view.acw_until) else { return };
        let ms = until.ms_since(again);
        if ms >= EXTENDED_MS {
            self.tell(Input::ExtendAcw { agent: view.agent.clone(), ms });
        }
    }

    /// What was still to come until this moment has come.
    pub fn finish(&mut self, at: Wall) {
        self.run_until(self.at(at));
    }
}
