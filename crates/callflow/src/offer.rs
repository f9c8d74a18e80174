//! Step 5: an agent is reserved, the screen pops, and only then the phone rings.

use std::net::SocketAddr;
use std::time::Duration;

use acd::Input as AcdInput;
use call::{Description, Invitation, Leg, LegState};
use cti::{Audience, CallPhase, Event};
use model::{
    AgentId, CallId, FactBody, HangupCause, LegId, LegRole, MissedCause, OfferId, QueueId, UserId,
};
use sip::Flow;

use crate::calls::{Call, Invite, Offer, Opening, Stage};
use crate::timers::Timer;
use crate::{Callflow, Output};

/// How long the INVITE of an offer waits for the end of the one before.
const PHONE_FREE: Duration = Duration::from_millis(500);

impl Callflow {
    pub(crate) fn handle_acd(&mut self, output: acd::Output) {
        match output {
            acd::Output::Offer { offer, call, queue, agent, waited_ms, score: _ }
                if self.callbacks.has(call) =>
            {
                self.offer_callback((call, waited_ms), offer, queue, agent);
            }
            acd::Output::Offer { offer, call, queue, agent, waited_ms: _, score: _ } => {
                match self.asked.get(&call).copied() {
                    Some(about) => self.offer_asked(about, offer, queue, agent),
                    // The agent who was reserved until the customer answered.
                    None if self.is_offered(call, offer) => self.ring(call, offer),
                    None => self.pop(offer, call, queue, agent),
                }
            }
            acd::Output::OfferWithdrawn { offer, call, agent: _, why } => {
                let cause = match why {
                    acd::Withdrawal::RangOut => MissedCause::NoAnswer,
                    acd::Withdrawal::CallerLeft
                    | acd::Withdrawal::NeverRang
                    | acd::Withdrawal::TakenBack => MissedCause::Error,
                    acd::Withdrawal::AnsweredElsewhere => {
                        return self.withdraw_offer(call, offer, HangupCause::AnsweredElsewhere);
                    }
                };
                self.handle_offer_over(offer, self.about(call), cause);
            }
            acd::Output::Missed { offer, call, agent, cause } => {
                let call = self.about(call);
                self.note(FactBody::Missed { call, offer, agent, cause });
                self.handle_offer_over(offer, call, cause);
            }
            acd::Output::Connected { offer, call, queue: _, agent, waited_ms: _ } => {
                match self.asked.get(&call).copied() {
                    Some(about) if self.is_callback(about) => {
                        self.callback_connected(call, about, agent);
                    }
                    Some(about) => self.asked_answered((call, about), offer, agent),
                    None => self.connect(call, offer),
                }
            }
            acd::Output::Invited { offer, call: _, agent: _ } => self.invited = Some(offer),
            acd::Output::Joined { offer, call, agent: _ } => self.guest_answered(call, offer),
            acd::Output::Dequeued { .. } => {}
            acd::Output::NotEnqueued { call, queue, why } => match self.asked.get(&call).copied() {
                Some(about) => self.guest_missed(about, MissedCause::Error),
                None => self.not_enqueued(call, queue, why),
            },
            acd::Output::Overflowed { call, queue, why, to, entered, waited_ms: _ } => {
                match self.asked.get(&call).copied() {
                    Some(about) => self.asked_overflowed(about, &to),
                    None => self.overflowed(call, queue, why, to, entered),
                }
            }
            acd::Output::Callback(output) => self.handle_callback(output),
            acd::Output::Refused { agent: _, why } => self.refusal = Some(why),
            // It says how long a caller waits, not who asks or is called back.
            acd::Output::TierReached { call, .. }
                if self.asked.contains_key(&call) || self.callbacks.has(call) => {}
            acd::Output::TierReached { call, queue, tier, step, why } => {
                self.note(FactBody::TierReached { call, queue, tier, step, why });
            }
            acd::Output::AgentChanged(change) => self.handle_agent_changed(&change),
            acd::Output::QueueGone { queue } => self.queue_gone(&queue),
            // That the agent is signed out has been told.
            acd::Output::AgentGone { .. } => {}
            acd::Output::QueueChanged(figures) => self.publish_queue(&figures),
        }
    }

    /// Whether that offer of a call stands, and its screen has popped.
    fn is_offered(&self, call: CallId, offer: OfferId) -> bool {
        self.calls.get(&call).is_some_and(|known| known.offer(offer).is_some())
    }

    /// Shows the agent who is calling; the phone waits for the screen.
    pub(crate) fn pop(&mut self, offer: OfferId, call: CallId, queue: QueueId, agent: AgentId) {
        let why = self.why(&agent, offer);
        let queue = Some(queue);
        self.note(FactBody::Offered { call, offer, queue, agent: agent.clone(), why });
        let Some(known) = self.calls.get_mut(&call) else {
            return self.miss(offer, MissedCause::Error);
        };
        let Stage::Waiting { offers, .. } = &mut known.stage else {
            return self.miss(offer, MissedCause::Error);
        };
        offers.push(Offer::new(offer, agent.clone(), None));
        self.show_pop(offer, call, agent);
        // Other phones may ring for it already.
        let rings = self.calls.get(&call).is_some_and(|known| known.offers().len() > 1);
        let phase = self.phase(call).filter(|_| rings).unwrap_or(CallPhase::Offered);
        self.publish_call(call, phase);
    }

    /// Shows the pop of an offer of the call, and rings when it is shown.
    pub(crate) fn show_pop(&mut self, offer: OfferId, call: CallId, agent: AgentId) {
        let user = UserId::from(agent.as_str());
        let desktop = self.cti.is_connected(&user);
        if let Some(event) = self.pop_event(call, offer) {
            self.pops.insert(agent.clone(), event.clone());
            self.cti.publish(Audience::User(user), event, self.wall());
        }
        self.note(FactBody::Popped { call, offer, agent, desktop });
        if desktop {
            let patience = Duration::from_millis(self.config.pop_timeout_ms);
            self.timers.set(call, Timer::PopShown(offer), self.now + patience);
        } else {
            self.ring(call, offer);
        }
    }

    /// The screen pop of an offer of the call.
    fn pop_event(&self, call: CallId, offer: OfferId) -> Option<Event> {
        let known = self.calls.get(&call)?;
        let offer = known.offer(offer)?.offer;
        let (queue, waited_ms) = match &known.stage {
            Stage::Waiting { waiting, .. } => (
                Some(waiting.queue.clone()),
                waiting.before_ms + self.now.ms_since(waiting.entered),
            ),
            Stage::Connected(_) => (known.queue().cloned(), 0),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Dialled(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => return None,
        };
        let guest = known.conversation().and_then(|conversation| conversation.guest());
        Some(Event::ScreenPop {
            call,
            offer,
            brought: guest.and_then(|guest| Some((guest.kind, guest.by.clone()?))),
            ani: known.ani.clone(),
            dnis: known.dnis.clone(),
            callback: known.callback_of.is_some(),
            queue,
            waited_ms,
            ivr_path: known.menu_path.clone(),
            ivr_inputs: known.menu_inputs.clone(),
            lookup: known.lookup.clone(),
        })
    }

    /// The desktop says that the screen is shown.
    pub(crate) fn handle_pop_shown(&mut self, offer: OfferId, agent: &AgentId) -> bool {
        let view = self.acd.agent(agent);
        let Some(call) = view.filter(|view| view.offer == Some(offer)).and_then(|view| view.call)
        else {
            return false;
        };
        self.ring(self.about(call), offer);
        true
    }

    /// Rings the agent's phones, once an offer. One that still rings for a call that is gone is let
    /// go first: it would answer that it is busy. Its 487 is on its way; who never sends it keeps
    /// nobody waiting for long.
    pub(crate) fn ring(&mut self, call: CallId, id: OfferId) {
        self.timers.stop(call, Timer::PopShown(id));
        if self.awaited_customer(call).is_some() {
            return;
        }
        let Some(offer) = self.calls.get(&call).and_then(|call| call.offer(id)) else { return };
        match self.still_rings(&offer.agent) && offer.forks.is_empty() {
            true => self.timers.set(call, Timer::PhoneFree(id), self.now + PHONE_FREE),
            false => self.ring_now(call, id),
        }
    }

    /// Whether a phone of the agent's still rings for a call before.
    fn still_rings(&self, agent: &AgentId) -> bool {
        let rung = self.rung.get(agent).into_iter().flatten();
        let mut rung = rung.filter_map(|leg| self.legs.get(leg));
        rung.any(|entry| entry.leg.state() != LegState::Established)
    }

    /// A leg of the agent's is over: a call that waited for the phones rings them.
    pub(crate) fn phone_is_free(&mut self, agent: &AgentId, leg: LegId) {
        let Some(rung) = self.rung.get_mut(agent) else { return };
        let Some(at) = rung.iter().position(|known| *known == leg) else { return };
        rung.swap_remove(at);
        if rung.is_empty() {
            self.rung.remove(agent);
        }
        if self.still_rings(agent) {
            return;
        }
        let offered = self.acd.agent(agent).and_then(|view| view.call.zip(view.offer));
        let offered = offered.map(|(call, offer)| (self.about(call), offer));
        let waits =
            |(call, offer): &(CallId, OfferId)| self.timers.is_set(*call, Timer::PhoneFree(*offer));
        if let Some((call, offer)) = offered.filter(waits) {
            self.ring(call, offer);
        }
    }

    /// Rings them whatever they do.
    pub(crate) fn ring_now(&mut self, call: CallId, id: OfferId) {
        self.timers.stop(call, Timer::PhoneFree(id));
        let Some(offer) = self.calls.get(&call).and_then(|call| call.offer(id)) else { return };
        if !offer.forks.is_empty() {
            return;
        }
        let contacts = self.phone_contacts(&offer.agent, offer.instance.as_ref());
        if contacts.is_empty() {
            return self.miss(id, MissedCause::Unreachable);
        }
        for (flow, target, route) in contacts {
            let leg = self.mint_leg();
            if let Some(offer) = self.calls.get_mut(&call).and_then(|call| call.offer_mut(id)) {
                offer.add_leg(leg);
            }
            self.opening.insert(leg, Opening::Agent { call, offer: id, flow, target, route });
            self.outputs.push_back(Output::OpenMedia { call, leg });
        }
    }

    /// The port is there: the INVITE leaves, unless the offer is gone or answered meanwhile.
    pub(crate) fn invite_phone(
        &mut self,
        (call, offer, leg): (CallId, OfferId, LegId),
        (flow, target, route): (Flow, String, Vec<String>),
        address: Option<SocketAddr>,
    ) {
        let current = self.calls.get(&call).and_then(|call| call.offer(offer));
        let agent = current.filter(|current| current.has_leg(leg)).map(|one| one.agent.clone());
        let (Some(agent), Some(address)) = (agent, address) else {
            if address.is_some() {
                self.outputs.push_back(Output::Media(media::MediaCommand::Close { leg }));
            } else {
                self.lose_phone(call, (offer, leg), MissedCause::Error);
            }
            return;
        };
        let browser = self.browser_on(&flow);
        let invitation = self.invitation(call, &agent, flow, target, route);
        let description = Description { browser, ..self.description(invitation.1) };
        let role = LegRole::Agent(agent.clone());
        let machine = Leg::outgoing(leg, role, &self.tokens, invitation.0, address, description);
        self.note_rung(&agent, leg);
        self.note(FactBody::Rang { call, offer, agent, leg });
        self.add_leg(call, machine, Invite::Ours(None));
        if let Some(known) = self.calls.get_mut(&call) {
            known.legs.push(leg);
            if let Some(offer) = known.offer_mut(offer) {
                offer.rings = true;
            }
        }
        self.drain_leg(leg);
        self.acd.handle_input(AcdInput::OfferRinging { offer }, self.now);
        let patience = Duration::from_millis(self.config.unreachable_after_ms);
        self.timers.set(call, Timer::PhoneResponds(offer), self.now + patience);
        if let Some(phase) = self.phase(call) {
            self.publish_call(call, phase);
        }
    }

    /// What the agent's phone is told of the call. The phone shows the caller's number masked: who
    /// may see it in clear sees it on the screen.
    pub(crate) fn invitation(
        &self,
        call: CallId,
        agent: &AgentId,
        flow: Flow,
        target: String,
        route: Vec<String>,
    ) -> (Invitation, String) {
        let known = self.calls.get(&call);
        let (ani, dnis) = known.map_or_else(Default::default, |known| {
            (known.ani.masked().to_string(), known.dnis.clone())
        });
        let realm = &self.config.realm;
        let user = sip::escape_user(&dnis);
        let shown: String =
            ani.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        let hops = known.and_then(Call::hops_left);
        let ours = ("X-Hotline-Call", call.to_string());
        let invitation = Invitation {
            target,
            route,
            flow,
            from: format!("\"{shown}\" <sip:{user}@{realm}>"),
            to: format!("sip:{agent}@{realm}"),
            headers: [ours].into_iter().chain(hops).collect(),
            outside: None,
        };
        (invitation, dnis)
    }

    /// Says that an offer failed; the room withdraws it and the call keeps its place.
    pub(crate) fn miss(&mut self, offer: OfferId, cause: MissedCause) {
        self.acd.handle_input(AcdInput::OfferMissed { offer, cause }, self.now);
    }

    /// The offer is over without an answer.
    fn handle_offer_over(&mut self, offer: OfferId, call: CallId, cause: MissedCause) {
        let Some(known) = self.calls.get(&call) else { return };
        if let Some(talking) = known.conversation().filter(|talking| talking.has(offer)) {
            return match talking.guest().is_some_and(|guest| guest.asks_queue().is_some()) {
                true => self.ask_on(call),
                false => self.guest_missed(call, cause),
            };
        }
        if known.offer(offer).is_some() {
            self.withdraw_offer(call, offer, HangupCause::LocalBye);
            // Others may ring on.
            self.publish_again(call);
        }
    }

    /// Stops all phones that ring for a caller in line, and forgets the offers.
    pub(crate) fn withdraw_offers(&mut self, call: CallId) {
        let offers = self.calls.get(&call).map(|known| known.offers()).unwrap_or_default();
        let offers: Vec<OfferId> = offers.iter().map(|offer| offer.offer).collect();
        for offer in offers {
            self.withdraw_offer(call, offer, HangupCause::LocalBye);
        }
    }

    /// Stops the agent's phones, if they ring, and forgets the offer. The same for one who is
    /// brought into a conversation is `guest_missed`.
    fn withdraw_offer(&mut self, call: CallId, offer: OfferId, cause: HangupCause) {
        self.timers.stop_offer(call, offer);
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Waiting { offers, .. } = &mut known.stage else { return };
        let Some(at) = offers.iter().position(|open| open.offer == offer) else { return };
        for fork in offers.remove(at).forks {
            self.stop_phone(fork.leg, cause);
        }
    }
}
