//! Agents whom a colleague asks to join a call, or to take it: they are offered it as by a queue,
//! and busy with it as long as they are in it.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{CallId, MissedCause, Mono, OfferId};

use crate::agent::{Activity, AgentIndex};
use crate::call::Progress;
use crate::timer::Timer;
use crate::{Acd, Output, Refusal, Withdrawal};

/// An offer that is not yet answered.
#[derive(Debug, Clone, Copy)]
struct Invited {
    call: CallId,
    agent: AgentIndex,
    deadline: Mono,
}

/// Who is in a call by a colleague, or by having made it, and who is asked to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invitations {
    open: BTreeMap<OfferId, Invited>,
    /// Who is in a call, and the queue that had them for it, if one did.
    joined: BTreeMap<(CallId, AgentIndex), Option<u32>>,
}

impl Invitations {
    pub(crate) fn has(&self, offer: OfferId) -> bool {
        self.open.contains_key(&offer)
    }

    /// An agent is asked.
    pub(crate) fn invite(
        &mut self,
        offer: OfferId,
        call: CallId,
        agent: AgentIndex,
        deadline: Mono,
    ) {
        self.open.insert(offer, Invited { call, agent, deadline });
    }

    /// Until when an offer may stay unanswered; `None` if it is none of these.
    pub(crate) fn deadline(&self, offer: OfferId) -> Option<Mono> {
        self.open.get(&offer).map(|invited| invited.deadline)
    }

    /// Whether the agent is in a call that no queue gave them, and which queue had them for it.
    pub(crate) fn joined(&self, call: CallId, agent: AgentIndex) -> Option<Option<u32>> {
        self.joined.get(&(call, agent)).copied()
    }

    /// The agent is in a call that no queue gave them; `queue` had them for a colleague in it.
    pub(crate) fn join(&mut self, call: CallId, agent: AgentIndex, queue: Option<u32>) {
        self.joined.insert((call, agent), queue);
    }

    /// Whether a queue had anyone for a call who is in it still.
    pub(crate) fn are_of(&self, queue: u32) -> bool {
        self.joined.values().any(|of| *of == Some(queue))
    }

    /// The agent is so no more; `None` if they were not, else the queue that had them for it.
    pub(crate) fn leave(&mut self, call: CallId, agent: AgentIndex) -> Option<Option<u32>> {
        self.joined.remove(&(call, agent))
    }
}

impl Acd {
    /// Reserves an agent who could be offered a call now.
    pub(crate) fn invite(&mut self, at: AgentIndex, call: CallId) {
        if !self.agent_at(at).is_available() {
            let agent = self.agent_at(at).id.clone();
            self.outputs.push_back(Output::Refused { agent, why: Refusal::NotAvailable });
            return;
        }
        let offer = OfferId(self.ids.mint());
        let deadline = self.now + Duration::from_millis(self.reserve_timeout_ms);
        self.invitations.invite(offer, call, at, deadline);
        self.timers.set(deadline, Timer::Offer(offer));
        let agent = self.agent_at(at).id.clone();
        self.outputs.push_back(Output::Invited { offer, call, agent });
        let now = self.now;
        self.change(at, |agent| agent.reserve(call, offer, now));
    }

    pub(crate) fn invited_ringing(&mut self, offer: OfferId) {
        let deadline = self.now + Duration::from_millis(self.ring_timeout_ms);
        let Some(invited) = self.invitations.open.get_mut(&offer) else { return };
        let Invited { call, agent, deadline: before } = *invited;
        match self.agents[agent.at()].activity {
            Activity::Reserved { .. } => {}
            Activity::Idle
            | Activity::Ringing { .. }
            | Activity::Talking { .. }
            | Activity::Acw { .. } => return,
        }
        invited.deadline = deadline;
        self.timers.cancel(before, Timer::Offer(offer));
        self.timers.set(deadline, Timer::Offer(offer));
        self.change(agent, |agent| agent.activity = Activity::Ringing { call, offer });
    }

    pub(crate) fn invited_answered(&mut self, offer: OfferId) {
        let Some(Invited { call, agent, .. }) = self.close_invitation(offer) else { return };
        self.invitations.join(call, agent, None);
        let id = self.agent_at(agent).id.clone();
        self.outputs.push_back(Output::Joined { offer, call, agent: id });
        self.change(agent, |agent| agent.activity = Activity::Talking { call });
    }

    pub(crate) fn invited_timed_out(&mut self, offer: OfferId) {
        let Some(Invited { call, agent, .. }) = self.invitations.open.get(&offer).copied() else {
            return;
        };
        let (why, cause) = match self.agent_at(agent).activity {
            Activity::Ringing { .. } => (Withdrawal::RangOut, MissedCause::NoAnswer),
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Talking { .. }
            | Activity::Acw { .. } => (Withdrawal::NeverRang, MissedCause::Error),
        };
        let id = self.agent_at(agent).id.clone();
        self.outputs.push_back(Output::OfferWithdrawn { offer, call, agent: id, why });
        self.invited_missed(offer, cause);
    }

    pub(crate) fn invited_missed(&mut self, offer: OfferId, cause: MissedCause) {
        let Some(Invited { call, agent, .. }) = self.close_invitation(offer) else { return };
        let id = self.agent_at(agent).id.clone();
        self.outputs.push_back(Output::Missed { offer, call, agent: id, cause });
        self.miss_by(agent, cause);
        self.serve_agent(agent);
    }

    /// Who asked does so no more: the agent is as before.
    pub(crate) fn take_back(&mut self, offer: OfferId) {
        let Some(Invited { call, agent, .. }) = self.close_invitation(offer) else { return };
        let id = self.agent_at(agent).id.clone();
        let why = Withdrawal::TakenBack;
        self.outputs.push_back(Output::OfferWithdrawn { offer, call, agent: id, why });
        self.change(agent, |agent| agent.release(None));
        self.serve_agent(agent);
    }

    /// An agent is out of a call that goes on.
    pub(crate) fn agent_left(&mut self, at: AgentIndex, call: CallId) {
        if self.agent_at(at).activity != (Activity::Talking { call }) {
            return;
        }
        let asked = self.invitations.leave(call, at).flatten();
        let dials = |progress| matches!(progress, Progress::Dialing { .. });
        if self.calls.get(&call).is_some_and(|known| dials(known.progress)) {
            // The customer was not there yet: the attempt was in vain.
            return self.customer_missed(call, MissedCause::Error);
        }
        let had_it = |progress| matches!(progress, Progress::Talking { agent } if agent == at);
        let had = self.calls.get(&call).filter(|known| had_it(known.progress));
        let queue = had.map(|known| known.queue);
        if queue.is_some() {
            self.calls.remove(&call);
        }
        self.work_after(at, call, queue.or(asked));
    }

    /// Whoever took a call that a colleague had put into a queue joins the one that it is about.
    pub(crate) fn bring(&mut self, at: AgentIndex, call: CallId, into: CallId) {
        let known = self.calls.get(&call);
        let (had, queue) = (known.map(|known| known.progress), known.map(|known| known.queue));
        // Who waits for the customer of a callback is in no conversation yet.
        let waits = matches!(had, Some(Progress::Dialing { .. }));
        if waits || self.agent_at(at).activity != (Activity::Talking { call }) {
            return;
        }
        self.calls.remove(&call);
        self.invitations.leave(call, at);
        self.invitations.join(into, at, queue);
        self.change(at, |agent| agent.activity = Activity::Talking { call: into });
    }

    /// The call is over: nobody is asked any more, and everyone who was in it works after it.
    pub(crate) fn end_invitations(&mut self, call: CallId) {
        let open = self.invitations.open.iter().filter(|(_, invited)| invited.call == call);
        let open: Vec<OfferId> = open.map(|(offer, _)| *offer).collect();
        for offer in open {
            self.take_back(offer);
        }
        let all = (call, AgentIndex::FIRST)..=(call, AgentIndex::LAST);
        let joined: Vec<AgentIndex> =
            self.invitations.joined.range(all).map(|((_, agent), _)| *agent).collect();
        for agent in joined {
            let queue = self.invitations.leave(call, agent).flatten();
            self.work_after(agent, call, queue);
        }
    }

    fn close_invitation(&mut self, offer: OfferId) -> Option<Invited> {
        let invited = self.invitations.open.remove(&offer)?;
        self.timers.cancel(invited.deadline, Timer::Offer(offer));
        Some(invited)
    }
}
