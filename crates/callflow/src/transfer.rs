//! The agent gives the call away: to a colleague, to a number outside, or back to a queue
//! (RFC 5359 §2.4). The caller hears music until someone answers; a call that nobody takes comes
//! back.

use acd::{Input as AcdInput, NotEnqueued, NotServed, OverflowCause};
use cti::{Audience, CommandError, Event};
use model::{
    AgentId, CallId, FactBody, HangupCause, LegId, LegRole, MissedCause, OfferId, Outcome, QueueId,
    Target, TransferEnd, TransferKind, UserId,
};

use crate::Callflow;
use crate::calls::{Offer, Stage, Waiting};
use crate::conversation::{Guest, Party, Step, Talk};
use crate::phones::Instance;
use crate::queue::Coming;
use crate::refer::Called;
use crate::timers::Timer;

impl Callflow {
    /// The agent gives the call to someone else without asking them first.
    pub(crate) fn handle_transfer(
        &mut self,
        agent: &AgentId,
        to: impl Into<Called>,
        by_phone: bool,
    ) -> Result<(), CommandError> {
        let call = self.call_to_move(agent)?;
        let kind = TransferKind::Blind;
        let Called { whom, instance } = to.into();
        match whom {
            Target::Queue(queue) => self.transfer_to_queue(call, agent, queue, by_phone),
            Target::Agent(colleague) => {
                let colleague = (colleague, instance);
                self.invite(call, agent, (colleague, kind, by_phone), Talk::Transferring)
            }
            Target::Number(number) => {
                let called = self.call_guest(call, agent, (number, kind, by_phone));
                self.bring_in(call, called?, Talk::Transferring);
                self.publish_conversation(call);
                Ok(())
            }
        }
    }

    /// The call of an agent who may move it: one that they have, with nobody else in it.
    pub(crate) fn call_to_move(&self, agent: &AgentId) -> Result<CallId, CommandError> {
        let call = self.call_held_by(agent)?;
        let conversation = self.calls.get(&call).and_then(|known| known.conversation());
        match conversation.map(|conversation| &conversation.talk) {
            Some(Talk::Together) => Ok(call),
            Some(Talk::Transferring(_) | Talk::Consulting { .. } | Talk::Conference(_)) | None => {
                let message = "someone is brought into this call already";
                Err(CommandError::new("already_transferring", message))
            }
        }
    }

    /// The call that an agent has.
    pub(crate) fn call_held_by(&self, agent: &AgentId) -> Result<CallId, CommandError> {
        let call = self.acd.agent(agent).and_then(|view| view.call);
        let holds = |call: &CallId| {
            let conversation = self.calls.get(call).and_then(|known| known.conversation());
            conversation.is_some_and(|conversation| conversation.agent() == Some(agent))
        };
        call.filter(holds)
            .ok_or_else(|| CommandError::new("no_call", "you have no call to give away"))
    }

    fn transfer_to_queue(
        &mut self,
        call: CallId,
        agent: &AgentId,
        queue: QueueId,
        by_phone: bool,
    ) -> Result<(), CommandError> {
        let Some(conversation) = self.calls.get(&call).and_then(|known| known.conversation())
        else {
            return Ok(());
        };
        let waiting = conversation.waiting.clone();
        self.acd.serves(&queue, conversation.permission()).map_err(not_served)?;
        let (by, kind) = (agent.clone(), TransferKind::Blind);
        let to = Target::Queue(queue.clone());
        self.note(FactBody::TransferBegun { call, by: by.clone(), to: to.clone(), kind, by_phone });
        let end = TransferEnd::Completed;
        self.note(FactBody::TransferEnded { call, by, to, kind, end });
        self.wait_again(call, (queue, Coming::Anew), waiting);
        Ok(())
    }

    /// The call goes back to a queue with the place that it had, or, where it had none, as one that
    /// comes now; who has it is done with it.
    pub(crate) fn wait_again(
        &mut self,
        call: CallId,
        to: (QueueId, Coming),
        before: Option<Waiting>,
    ) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Connected(conversation) = std::mem::replace(&mut known.stage, Stage::Leaving)
        else {
            return;
        };
        self.timers.stop_all(call);
        self.stop_tape(call);
        if let Some(known) = self.calls.get_mut(&call) {
            known.recording = None;
        }
        if let Some(holder) = conversation.holder {
            self.leave(call, &holder);
        }
        let before_ms =
            before.as_ref().map_or(0, |place| place.before_ms + self.now.ms_since(place.entered));
        let permission = before.and_then(|place| place.permission);
        self.wait(call, to, permission, before_ms);
    }

    /// Someone is out of a call that goes on.
    pub(crate) fn leave(&mut self, call: CallId, party: &Party) {
        if let Some(agent) = party.role.agent().cloned() {
            let engaged = self.calls.get_mut(&call).map(|known| &mut known.engaged);
            let was_engaged = engaged.is_some_and(|engaged| {
                let before = engaged.len();
                engaged.retain(|other| *other != agent);
                engaged.len() < before
            });
            match was_engaged {
                true => self.disengage(&agent, call),
                false => self.acd.handle_input(AcdInput::AgentLeft { agent, call }, self.now),
            }
        }
        self.hang_up_leg(party.leg, HangupCause::LocalBye);
    }

    /// Reserves a colleague, shows them the call and rings them.
    pub(crate) fn invite(
        &mut self,
        call: CallId,
        by: &AgentId,
        ((colleague, instance), kind, by_phone): ((AgentId, Option<Instance>), TransferKind, bool),
        talk: impl FnOnce(Guest) -> Talk,
    ) -> Result<(), CommandError> {
        if *by == colleague {
            return Err(CommandError::new("yourself", "you have this call already"));
        }
        self.invited = None;
        let asked = AcdInput::Invite { agent: colleague.clone(), call };
        self.ask_acd(asked).map_err(|error| not_free(&colleague, error))?;
        let Some(offer) = self.invited.take() else { return Ok(()) };
        let to = Target::Agent(colleague.clone());
        self.note(FactBody::TransferBegun { call, by: by.clone(), to, kind, by_phone });
        let reserved = Offer::new(offer, colleague.clone(), instance);
        let guest = Guest {
            whom: Target::Agent(colleague.clone()),
            role: Some(LegRole::Agent(colleague.clone())),
            queued: None,
            by: Some(by.clone()),
            kind,
            step: Step::Offered(reserved),
            own: None,
            referred: None,
        };
        let queue = self.calls.get(&call).and_then(|known| known.queue()).cloned();
        self.note(FactBody::Offered { call, offer, queue, agent: colleague.clone(), why: None });
        self.bring_in(call, guest, talk);
        self.show_pop(offer, call, colleague);
        self.publish_conversation(call);
        Ok(())
    }

    /// Someone is brought into the conversation.
    pub(crate) fn bring_in(
        &mut self,
        call: CallId,
        guest: Guest,
        talk: impl FnOnce(Guest) -> Talk,
    ) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        if let Some(conversation) = known.conversation_mut() {
            conversation.talk = talk(guest);
        }
        known.stage_since = self.now;
        self.bridge(call);
    }

    /// Whoever is brought in answered in time: the call is theirs, or they are asked about it.
    pub(crate) fn guest_answered(&mut self, call: CallId, offer: OfferId) {
        self.timers.stop(call, Timer::PhoneResponds(offer));
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(guest) = known.conversation_mut().and_then(|talk| talk.guest_mut()) else {
            return;
        };
        let Some(leg) = guest.offer().filter(|now| now.offer == offer).and_then(Offer::leg) else {
            return;
        };
        self.guest_is_there(call, leg);
    }

    /// Whoever is brought in is on the line by `leg`.
    pub(crate) fn guest_is_there(&mut self, call: CallId, leg: LegId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(guest) = known.conversation_mut().and_then(|talk| talk.guest_mut()) else {
            return;
        };
        guest.step = Step::Answered { leg };
        if let Some(agent) = guest.agent().cloned() {
            self.last_calls.insert(agent, call);
        }
        let Some(role) = guest.role.clone() else { return };
        match known.conversation().map(|conversation| &conversation.talk) {
            Some(Talk::Transferring(_)) => self.hand_over(call),
            Some(Talk::Consulting { .. } | Talk::Conference(_) | Talk::Together) | None => {
                self.note(FactBody::GuestAnswered { call, leg, role });
                self.bridge(call);
                self.tell_own(call);
                self.publish_conversation(call);
            }
        }
    }

    /// The call is the guest's, who has answered; who had it is out of it.
    pub(crate) fn hand_over(&mut self, call: CallId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(conversation) = known.conversation_mut() else { return };
        let Some((role, leg)) =
            conversation.guest().and_then(|guest| Some((guest.role.clone()?, guest.answered()?)))
        else {
            return;
        };
        self.end_transfer(call, TransferEnd::Completed);
        self.note(FactBody::CallTaken { call, leg, role: role.clone() });
        let Some(known) = self.calls.get_mut(&call) else { return };
        known.stage_since = self.now;
        let Some(conversation) = known.conversation_mut() else { return };
        let asked = std::mem::replace(&mut conversation.talk, Talk::Together);
        let before = conversation.holder.replace(Party { role, leg });
        if let Some(before) = before {
            self.leave(call, &before);
        }
        if let Some(own) = asked.into_guest().and_then(|guest| guest.own) {
            self.hang_up_leg(own, HangupCause::LocalBye);
        }
        self.bridge(call);
        self.publish_conversation(call);
    }

    /// Whoever is brought in did not take the call: it is the agent's again, or waits again where
    /// it came from.
    pub(crate) fn guest_missed(&mut self, call: CallId, cause: MissedCause) {
        self.end_transfer(call, TransferEnd::Missed(cause));
        self.release_own(call, Some(cause));
        self.dismiss_guest(call);
        self.come_back(call);
    }

    /// The guest, answered or not, is out of the call.
    pub(crate) fn dismiss_guest(&mut self, call: CallId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(conversation) = known.conversation_mut() else { return };
        let talk = std::mem::replace(&mut conversation.talk, Talk::Together);
        let Some(guest) = talk.into_guest() else { return };
        known.stage_since = self.now;
        self.timers.stop_offers(call);
        match guest.step {
            Step::Called { leg, .. } | Step::Answered { leg } => {
                if let Some(role) = guest.role {
                    self.leave(call, &Party { role, leg });
                }
            }
            Step::Queued => self.leave_line(guest.queued),
            Step::Offered(Offer { offer, forks, .. }) => {
                match guest.queued {
                    Some(_) => self.leave_line(guest.queued),
                    None => self.acd.handle_input(AcdInput::TakeBack { offer }, self.now),
                }
                for fork in forks {
                    self.hang_up_leg(fork.leg, HangupCause::LocalBye);
                }
            }
        }
        if let Some(own) = guest.own {
            self.hang_up_leg(own, HangupCause::LocalBye);
        }
    }

    /// Without a guest the call is with who has it, else in its queue. One that an agent made has
    /// no queue: whom they called is told that nobody is there any more.
    pub(crate) fn come_back(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Some(conversation) = known.conversation() else { return };
        if conversation.holder.is_none() {
            if self.is_sent_on(call) {
                return self.send_on(call);
            }
            let Some(waiting) = conversation.waiting.clone() else { return self.part(call) };
            let to = (waiting.queue.clone(), Coming::Back);
            return self.wait_again(call, to, Some(waiting));
        }
        self.bridge(call);
        self.publish_conversation(call);
    }

    /// Nobody is left who has the call, nor a queue for it. A colleague who was called is busy
    /// until they have heard so.
    fn part(&mut self, call: CallId) {
        self.stop_tape(call);
        if let Some(known) = self.calls.get_mut(&call) {
            known.outcome.get_or_insert((Outcome::Answered, HangupCause::LocalBye));
        }
        self.apologise(call);
    }

    /// Someone of a conversation hung up.
    pub(crate) fn party_left(&mut self, call: CallId, leg: LegId, cause: HangupCause) {
        let Some(conversation) = self.calls.get(&call).and_then(|known| known.conversation())
        else {
            return;
        };
        if conversation.holder.as_ref().is_some_and(|holder| holder.leg == leg) {
            self.holder_left(call, cause);
        } else if conversation.offer().is_some_and(|offer| offer.has_leg(leg)) {
            self.phone_refused(call, leg, cause);
        } else if conversation.guest().and_then(Guest::leg) == Some(leg) {
            self.guest_left(call, cause);
        } else if conversation.guest().is_some_and(|guest| guest.own == Some(leg)) {
            // The phone gave up its own call to the guest.
            self.end_transfer(call, TransferEnd::TakenBack);
            self.dismiss_guest(call);
            self.come_back(call);
        }
    }

    /// Who has the call hung up: whom they brought in has it, if anyone; the caller stays.
    fn holder_left(&mut self, call: CallId, cause: HangupCause) {
        let Some(conversation) =
            self.calls.get_mut(&call).and_then(|known| known.conversation_mut())
        else {
            return;
        };
        let Some(guest) = conversation.guest() else { return self.disconnect(call, cause) };
        if guest.answered().is_some() {
            return self.hand_over(call);
        }
        if guest.asks_queue().is_some() {
            return self.give_to_asked(call);
        }
        let guest = guest.clone();
        conversation.talk = Talk::Transferring(guest);
        let holder = conversation.holder.take();
        self.release_own(call, None);
        if let Some(holder) = holder {
            self.leave(call, &holder);
            if let Some(agent) = holder.role.agent() {
                self.publish_agent(agent);
            }
        }
        self.bridge(call);
        self.publish_conversation(call);
    }

    /// The guest hung up, or never answered.
    fn guest_left(&mut self, call: CallId, cause: HangupCause) {
        let Some(conversation) = self.calls.get(&call).and_then(|known| known.conversation())
        else {
            return;
        };
        let Some(guest) = conversation.guest() else { return };
        match &guest.step {
            Step::Queued | Step::Offered(_) => {}
            Step::Called { .. } => self.guest_missed(call, call::not_reached(cause)),
            Step::Answered { .. } => {
                self.end_transfer(call, TransferEnd::GuestLeft);
                self.dismiss_guest(call);
                self.come_back(call);
            }
        }
    }

    /// Writes down, and tells the agent who asked, what became of bringing someone in.
    pub(crate) fn end_transfer(&mut self, call: CallId, end: TransferEnd) {
        let Some(conversation) = self.calls.get(&call).and_then(|known| known.conversation())
        else {
            return;
        };
        let Some(Guest { whom, by, kind, referred, .. }) = conversation.guest().cloned() else {
            return;
        };
        if let Some(referred) = referred {
            self.end_referral(referred, end);
        }
        // Where a queue sent the caller there is nobody to tell, and other facts say it.
        let Some(by) = by else { return };
        let to = whom;
        self.note(FactBody::TransferEnded { call, by: by.clone(), to: to.clone(), kind, end });
        let event = Event::TransferEnded { call, to, kind, end };
        self.cti.publish(Audience::User(UserId::from(by.as_str())), event, self.wall());
    }

    /// The agent may do other things now.
    pub(crate) fn publish_conversation(&mut self, call: CallId) {
        if let Some(phase) = self.phase(call) {
            self.publish_call(call, phase);
        }
        let Some(conversation) = self.calls.get(&call).and_then(|known| known.conversation())
        else {
            return;
        };
        if let Some(agent) = conversation.agent().cloned() {
            self.publish_agent(&agent);
        }
    }
}

/// Why a colleague is not asked, in words about the colleague.
fn not_free(colleague: &AgentId, error: CommandError) -> CommandError {
    match error.code {
        "unknown_agent" => {
            CommandError::new("unknown_target", format!("there is no agent {colleague}"))
        }
        "agent_not_available" => {
            CommandError::new(error.code, format!("agent {colleague} cannot take a call now"))
        }
        _ => error,
    }
}

/// Why a queue does not take a call.
pub(crate) fn not_taken(why: NotEnqueued) -> CommandError {
    match why {
        NotEnqueued::UnknownQueue | NotEnqueued::AlreadyKnown => {
            CommandError::new("unknown_target", "there is no such queue")
        }
        NotEnqueued::Closed => CommandError::new("queue_closed", "the queue is closed"),
        NotEnqueued::QueueFull => CommandError::new("queue_full", "the queue is full"),
        NotEnqueued::NobodyMay => {
            CommandError::new("nobody_may", "nobody of that queue may do what the caller needs")
        }
    }
}

/// Why nobody would serve a call that an agent gave to a queue.
pub(crate) fn not_served(why: NotServed) -> CommandError {
    match why {
        NotServed::Refused(why) => not_taken(why),
        NotServed::SentAway(OverflowCause::Closed) => not_taken(NotEnqueued::Closed),
        NotServed::SentAway(OverflowCause::Full | OverflowCause::TimedOut) => {
            not_taken(NotEnqueued::QueueFull)
        }
        NotServed::SentAway(OverflowCause::Emergency) => {
            CommandError::new("queue_closed", "the queue takes no calls: an emergency plan is on")
        }
        NotServed::SentAway(OverflowCause::Unstaffed) => {
            CommandError::new("queue_unstaffed", "nobody of that queue is at work")
        }
    }
}
