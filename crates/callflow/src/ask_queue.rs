//! An agent asks a queue about their call: whoever of it is free next, as a caller would get them.
//! What stands in the queue is a number of its own, for the agent's call has left its queue; who
//! answers is in the agent's call from then on.

use acd::{Input as AcdInput, Overflow};
use call::LegState;
use cti::CommandError;
use model::{
    AgentId, CallId, FactBody, HangupCause, LegRole, MissedCause, OfferId, QueueId, Target,
    TransferEnd, TransferKind,
};

use crate::Callflow;
use crate::calls::Offer;
use crate::conversation::{Guest, Step, Talk, With};
use crate::queue::Coming;
use crate::transfer::not_served;

impl Callflow {
    /// The caller waits with music, and the agent for someone of the queue.
    pub(crate) fn ask_queue(
        &mut self,
        call: CallId,
        agent: &AgentId,
        queue: QueueId,
        by_phone: bool,
    ) -> Result<(), CommandError> {
        let conversation = self.calls.get(&call).and_then(|known| known.conversation());
        let permission = conversation.and_then(|conversation| conversation.permission());
        self.acd.serves(&queue, permission).map_err(not_served)?;
        let (asked, by, kind) = (self.mint_call(), agent.clone(), TransferKind::Consult);
        let whom = Target::Queue(queue.clone());
        let to = whom.clone();
        self.note(FactBody::TransferBegun { call, by: by.clone(), to, kind, by_phone });
        let (by, queued, step) = (Some(by), Some(asked), Step::Queued);
        let guest = Guest { whom, role: None, queued, by, kind, step, own: None, referred: None };
        self.asked.insert(asked, call);
        if let Some(known) = self.calls.get_mut(&call) {
            known.asked.push(asked);
        }
        self.bring_in(call, guest, |guest| Talk::Consulting { guest, with: With::Guest });
        self.publish_conversation(call);
        self.acd.handle_input(AcdInput::Ask { call: asked, queue, permission }, self.now);
        Ok(())
    }

    /// The call that an agent is busy with, where `call` is what stood in a queue for it: for one
    /// who asks about it, or for a customer who is called back.
    pub(crate) fn about(&self, call: CallId) -> CallId {
        let asked = self.asked.get(&call).copied();
        asked.or_else(|| self.callbacks.attempt(call)).unwrap_or(call)
    }

    fn guest_from_queue(&mut self, call: CallId) -> Option<&mut Guest> {
        let conversation = self.calls.get_mut(&call)?.conversation_mut()?;
        conversation.guest_mut().filter(|guest| guest.asks_queue().is_some())
    }

    /// The queue has someone: their screen pops, and their phone rings then.
    pub(crate) fn offer_asked(
        &mut self,
        call: CallId,
        offer: OfferId,
        queue: QueueId,
        agent: AgentId,
    ) {
        let Some(guest) = self.guest_from_queue(call) else {
            return self.miss(offer, MissedCause::Error);
        };
        guest.role = Some(LegRole::Agent(agent.clone()));
        guest.step = Step::Offered(Offer::new(offer, agent.clone(), None));
        let (queue, why) = (Some(queue), self.why(&agent, offer));
        self.note(FactBody::Offered { call, offer, queue, agent: agent.clone(), why });
        self.show_pop(offer, call, agent);
        self.publish_conversation(call);
    }

    /// Whoever the queue had did not take it: the next one is waited for.
    pub(crate) fn ask_on(&mut self, call: CallId) {
        self.timers.stop_offers(call);
        let Some(guest) = self.guest_from_queue(call) else { return };
        guest.role = None;
        if let Step::Offered(offer) = std::mem::replace(&mut guest.step, Step::Queued) {
            for leg in offer.legs() {
                self.hang_up_leg(leg, HangupCause::LocalBye);
            }
        }
        self.bridge(call);
        self.publish_conversation(call);
    }

    /// Someone of the queue answered in time: they are in the agent's call now.
    pub(crate) fn asked_answered(
        &mut self,
        (asked, about): (CallId, CallId),
        offer: OfferId,
        agent: AgentId,
    ) {
        self.acd.handle_input(AcdInput::Bring { agent, call: asked, into: about }, self.now);
        if let Some(guest) = self.guest_from_queue(about) {
            guest.queued = None;
            self.guest_answered(about, offer);
        }
    }

    /// The queue sends elsewhere whoever waits in it: who asks goes along to another queue, and is
    /// told nobody is there otherwise.
    pub(crate) fn asked_overflowed(&mut self, call: CallId, to: &Overflow) {
        match to {
            Overflow::Queue(_) => {}
            Overflow::Number(_)
            | Overflow::Announcement(_)
            | Overflow::Mailbox(_)
            | Overflow::Callback => self.guest_missed(call, MissedCause::NoAnswer),
        }
    }

    /// The agent waits no longer for the queue: the caller does, in the one in which they were in
    /// line for them by then.
    pub(crate) fn give_to_asked(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Some(conversation) = known.conversation() else { return };
        let Some(guest) = conversation.guest() else { return };
        let Some(asked) = guest.asks_queue().cloned() else { return };
        // It may have sent them on.
        let place = guest.queued.and_then(|queued| self.acd.position(queued));
        let queue = place.map_or(asked, |place| place.queue);
        let (waiting, holder) = (conversation.waiting.clone(), conversation.agent().cloned());
        self.end_transfer(call, TransferEnd::Completed);
        self.release_own(call, None);
        self.dismiss_guest(call);
        self.wait_again(call, (queue, Coming::Back), waiting);
        if let Some(agent) = holder {
            self.publish_agent(&agent);
        }
    }

    /// Nobody asks the queue any more.
    pub(crate) fn leave_line(&mut self, queued: Option<CallId>) {
        if let Some(call) = queued {
            self.acd.handle_input(AcdInput::Dequeue { call }, self.now);
        }
    }

    /// The call ends: whoever it asked is not waited for any more.
    pub(crate) fn ask_no_more(&mut self, call: CallId) {
        let asked = self.calls.get_mut(&call).map(|known| std::mem::take(&mut known.asked));
        for one in asked.unwrap_or_default() {
            self.leave_line(Some(one));
            self.asked.remove(&one);
        }
    }

    /// The phone that asks a queue by a call of its own hears that it rings while it waits.
    pub(crate) fn ring_who_asks(&mut self, call: CallId) {
        let Some(own) = self.guest_from_queue(call).and_then(|guest| guest.own) else { return };
        let now = self.now;
        if self.legs.get(&own).is_some_and(|entry| entry.leg.state() == LegState::Incoming) {
            self.with_leg(own, |entry| entry.leg.ring(now));
        }
    }
}
