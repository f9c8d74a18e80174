//! Several agents for one call: the queue's strategy rings them together, and the first who
//! answers has it.
//!
//! Such a call is offered like any other, to the agent whose turn it is. What else rings for it
//! stands beside that, so that a call of another queue pays nothing: more agents are asked when
//! nobody waits any more whom they could serve instead, and never more at once than the rule says.

use std::cmp::Reverse;
use std::time::Duration;

use model::{CallId, Mono, OfferId};

use crate::agent::AgentIndex;
use crate::call::{Call, Place, Progress};
use crate::config::MAX_RINGING;
use crate::strategy::Strategy;
use crate::timer::Timer;
use crate::{Acd, Output, RingRule, Withdrawal};

/// An offer that is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) offer: OfferId,
    pub(crate) agent: AgentIndex,
    pub(crate) deadline: Mono,
}

/// What rings for a call besides the offer that its progress names.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    /// The other offers, oldest first.
    pub(crate) others: Vec<Open>,
    /// How many may ring now, that one included.
    pub(crate) allowed: usize,
    /// When more may.
    pub(crate) more_at: Option<Mono>,
}

impl Ring {
    pub(crate) fn has_room(&self) -> bool {
        self.others.len() + 1 < self.allowed
    }
}

impl RingRule {
    /// The rule as a strategy goes by it; `None` where that rings one agent at a time.
    pub(crate) fn of(self, strategy: Strategy) -> Option<Self> {
        let adds = strategy == Strategy::RingProgressive;
        strategy.rings_several().then_some(if adds { self } else { Self { add: 0, ..self } })
    }
}

impl Acd {
    /// A call that was just offered to one agent rings others as well, where its queue says so.
    /// Those who are called back do not, nor who waits for one agent alone, nor an agent who asks.
    pub(crate) fn begin_ring(&mut self, call: &Call, is_preferred: bool) {
        let Some(rule) = self.queues[call.queue as usize].ring else { return };
        if call.callback.is_some() || call.singly || is_preferred {
            return;
        }
        let id = call.place.call;
        let (others, allowed) = (Vec::new(), usize::from(rule.at_once));
        self.rings.insert(id, Ring { others, allowed, more_at: None });
        self.await_more(id, rule);
        self.note_room(call);
    }

    /// Sets the time from which on more agents ring, if there is one.
    fn await_more(&mut self, id: CallId, rule: RingRule) {
        let Some(ring) = self.rings.get_mut(&id) else { return };
        ring.more_at = (rule.add > 0 && ring.allowed < usize::from(MAX_RINGING))
            .then(|| self.now + Duration::from_millis(rule.add_after_ms));
        if let Some(at) = ring.more_at {
            self.timers.set(at, Timer::RingMore(id));
        }
    }

    /// The call may ring more agents than so far.
    pub(crate) fn ring_more(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id).copied() else { return };
        let Some(ring) = self.rings.get_mut(&id) else { return };
        ring.more_at = None;
        // The rule may have gone with a restart.
        if let Some(rule) = self.queues[call.queue as usize].ring {
            let allowed = ring.allowed + usize::from(rule.add);
            ring.allowed = allowed.min(usize::from(MAX_RINGING));
            self.await_more(id, rule);
        }
        self.note_room(&call);
    }

    /// Enters a call into the list of those that may ring more agents, or takes it out.
    pub(crate) fn note_room(&mut self, call: &Call) {
        let Some(ring) = self.rings.get(&call.place.call) else { return };
        let queue = &mut self.queues[call.queue as usize];
        match ring.has_room() {
            true => {
                queue.roomy.insert(call.place);
                self.widened.insert(call.queue);
            }
            false => {
                queue.roomy.remove(&call.place);
            }
        }
    }

    /// Agents who are idle, with nobody waiting whom they could serve, ring along for calls that
    /// may ring more: the one with the highest score first.
    pub(crate) fn widen(&mut self) {
        let queues = std::mem::take(&mut self.widened);
        let mut places: Vec<(Reverse<u64>, CallId)> = Vec::new();
        for at in queues {
            let roomy = self.queues[at as usize].roomy.iter();
            places.extend(roomy.map(|place: &Place| (Reverse(self.score(at, *place)), place.call)));
        }
        places.sort_unstable();
        for (_, call) in places {
            while self.ring_one_more(call) {}
        }
    }

    /// False if nobody is left to ring, or no more may.
    fn ring_one_more(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.get(&id).copied() else { return false };
        if !self.rings.get(&id).is_some_and(Ring::has_room) {
            return false;
        }
        let Some(turn) = self.queues[call.queue as usize].best_agent(&call) else { return false };
        let (at, choice) = (turn.index, self.among_agents(&call, turn));
        let offer = OfferId(self.ids.mint());
        let seq = self.keep(offer, &call, at, choice);
        let deadline = self.now + Duration::from_millis(self.reserve_timeout_ms);
        self.offers.insert(offer, id);
        self.timers.set(deadline, Timer::Offer(offer));
        self.calls.mark(id);
        if let Some(ring) = self.rings.get_mut(&id) {
            ring.others.push(Open { offer, agent: at, deadline });
            if !ring.has_room() {
                self.queues[call.queue as usize].roomy.remove(&call.place);
            }
        }
        self.tell_offer(&call, at, offer);
        let now = self.now;
        self.change(at, |agent| {
            agent.reserve(id, offer, now);
            agent.take_turn(call.queue, seq);
        });
        true
    }

    /// One of several offers of a call is over, and the others ring on; `None` if it is the only
    /// one.
    pub(crate) fn drop_offer(&mut self, call: &Call, offer: OfferId) -> Option<Call> {
        let id = call.place.call;
        let ring = self.rings.get_mut(&id).filter(|ring| !ring.others.is_empty())?;
        let mut call = *call;
        let dropped = match ring.others.iter().position(|open| open.offer == offer) {
            Some(at) => ring.others.remove(at),
            None => {
                let Open { offer, agent, deadline } = ring.others.remove(0);
                let next = Progress::Offered { offer, agent, deadline };
                lead(std::mem::replace(&mut call.progress, next))?
            }
        };
        self.timers.cancel(dropped.deadline, Timer::Offer(dropped.offer));
        self.offers.remove(&dropped.offer);
        self.calls.insert(id, call);
        self.note_room(&call);
        Some(call)
    }

    /// Withdraws all offers of a call but one, and rings nobody else for it; the agents, who are to
    /// be let go.
    pub(crate) fn ring_alone(
        &mut self,
        id: CallId,
        kept: OfferId,
        why: Withdrawal,
    ) -> Vec<AgentIndex> {
        let mut freed = Vec::new();
        // Most calls have one offer, and no call of the room has more where no queue rings many.
        while !self.rings.is_empty()
            && let Some(call) = self.calls.get(&id).copied()
            && let Some(other) = self.another_offer(&call, kept)
        {
            self.withdrawn(other.offer, &call, other.agent, why);
            self.drop_offer(&call, other.offer);
            freed.push(other.agent);
        }
        freed
    }

    fn another_offer(&self, call: &Call, kept: OfferId) -> Option<Open> {
        let ring = self.rings.get(&call.place.call)?;
        if ring.others.is_empty() {
            return None;
        }
        lead(call.progress)
            .into_iter()
            .chain(ring.others.iter().copied())
            .find(|open| open.offer != kept)
    }

    /// A call is offered to nobody, or to one who has it: it rings nobody else.
    pub(crate) fn end_ring(&mut self, call: &Call) {
        if self.rings.is_empty() {
            return;
        }
        let id = call.place.call;
        if let Some(ring) = self.rings.remove(&id) {
            if let Some(at) = ring.more_at {
                self.timers.cancel(at, Timer::RingMore(id));
            }
            self.queues[call.queue as usize].roomy.remove(&call.place);
        }
    }

    /// An offer of a call that rings several agents, if it is open.
    pub(crate) fn open_beside(&self, call: &Call, offer: OfferId) -> Option<Open> {
        let ring = self.rings.get(&call.place.call)?;
        ring.others.iter().copied().find(|open| open.offer == offer)
    }

    /// An offer has another deadline.
    pub(crate) fn set_deadline_beside(&mut self, id: CallId, offer: OfferId, later: Mono) {
        self.calls.mark(id);
        let ring = self.rings.get_mut(&id);
        let open = ring.and_then(|ring| ring.others.iter_mut().find(|open| open.offer == offer));
        if let Some(open) = open {
            self.timers.cancel(open.deadline, Timer::Offer(offer));
            self.timers.set(later, Timer::Offer(offer));
            open.deadline = later;
        }
    }

    /// Agents who were rung in vain are free at the same moment: of the calls that they may take,
    /// the one with the highest score goes first, to the one whose turn it is.
    pub(crate) fn let_all_go(&mut self, agents: &[AgentIndex], queue: u32) {
        for at in agents {
            self.change(*at, |agent| agent.release(Some(queue)));
        }
        // Who waited for one of them that signs out by this is everyone's before others choose.
        let calls: Vec<CallId> = self.opened.iter().map(|place| place.call).collect();
        for call in calls {
            self.end_vain_preference(call);
        }
        while let Some(call) = agents.iter().filter_map(|at| self.first_for(*at)).min() {
            self.serve_first(call.1);
        }
    }

    fn serve_first(&mut self, id: CallId) {
        if let Some(call) = self.calls.get(&id) {
            self.queues[call.queue as usize].pace.step();
        }
        self.serve_call(id);
    }

    /// The call with the highest score that an agent may take now.
    fn first_for(&self, at: AgentIndex) -> Option<(Reverse<u64>, CallId)> {
        let agent = self.agent_at(at);
        if !agent.is_available() {
            return None;
        }
        let of_queue = |queue: u32, place: Place| (Reverse(self.score(queue, place)), place.call);
        let shared = agent.serves.iter().flat_map(|serves| {
            let open = self.queues[serves.queue as usize].open_to(serves.class);
            open.filter_map(move |places| Some(of_queue(serves.queue, *places.first()?)))
        });
        let own = agent.preferred.iter().map(|(queue, place)| of_queue(*queue, *place));
        shared.chain(own).min()
    }

    /// Tells that a call is offered to an agent.
    pub(crate) fn tell_offer(&mut self, call: &Call, agent: AgentIndex, offer: OfferId) {
        self.outputs.push_back(Output::Offer {
            offer,
            call: call.place.call,
            queue: self.queues[call.queue as usize].id.clone(),
            agent: self.agent_at(agent).id.clone(),
            waited_ms: self.now.ms_since(call.entered),
            score: self.score(call.queue, call.place),
        });
    }
}

/// The offer that a call's progress names.
const fn lead(progress: Progress) -> Option<Open> {
    match progress {
        Progress::Offered { offer, agent, deadline } => Some(Open { offer, agent, deadline }),
        Progress::Waiting
        | Progress::Dialing { .. }
        | Progress::Resting { .. }
        | Progress::Talking { .. } => None,
    }
}
