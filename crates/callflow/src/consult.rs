//! The agent asks someone while the caller waits with music, and then gives the call to them, takes
//! the caller back, or lets all three talk (RFC 5359 §2.5, §2.10).

use cti::CommandError;
use model::{AgentId, CallId, FactBody, Target, TransferEnd, TransferKind};

use crate::Callflow;
use crate::conversation::{Guest, Talk, With};
use crate::refer::Called;

impl Callflow {
    /// The caller waits, and someone is asked.
    pub(crate) fn handle_consult(
        &mut self,
        agent: &AgentId,
        to: Target,
    ) -> Result<(), CommandError> {
        self.consult(agent, to.into(), false).map(drop)
    }

    /// Someone is asked about the call of `agent`, which is returned.
    pub(crate) fn consult(
        &mut self,
        agent: &AgentId,
        Called { whom, instance }: Called,
        by_phone: bool,
    ) -> Result<CallId, CommandError> {
        let call = self.call_to_move(agent)?;
        let kind = TransferKind::Consult;
        match whom {
            Target::Agent(colleague) => {
                let consulting = |guest| Talk::Consulting { guest, with: With::Guest };
                let colleague = (colleague, instance);
                self.invite(call, agent, (colleague, kind, by_phone), consulting)?;
            }
            Target::Queue(queue) => self.ask_queue(call, agent, queue, by_phone)?,
            Target::Number(number) => {
                let called = self.call_guest(call, agent, (number, kind, by_phone));
                let consulting = |guest| Talk::Consulting { guest, with: With::Guest };
                self.bring_in(call, called?, consulting);
                self.publish_conversation(call);
            }
        }
        Ok(call)
    }

    /// The guest gets the call: at once if they have answered, else as soon as they do.
    pub(crate) fn handle_complete(&mut self, agent: &AgentId) -> Result<(), CommandError> {
        let call = self.call_held_by(agent)?;
        let Some(known) = self.calls.get_mut(&call) else { return Err(no_consult()) };
        let Some(conversation) = known.conversation_mut() else { return Err(no_consult()) };
        let guest = match &conversation.talk {
            Talk::Consulting { guest, .. } | Talk::Conference(guest) => guest.clone(),
            Talk::Together | Talk::Transferring(_) => return Err(no_consult()),
        };
        if guest.answered().is_some() {
            self.hand_over(call);
        } else if guest.asks_queue().is_some() {
            self.give_to_asked(call);
        } else {
            conversation.talk = Talk::Transferring(guest);
            self.release_own(call, None);
            self.bridge(call);
            self.publish_conversation(call);
        }
        Ok(())
    }

    /// The agent hears the caller in place of the guest, or the guest again.
    pub(crate) fn handle_swap(&mut self, agent: &AgentId) -> Result<(), CommandError> {
        let call = self.call_held_by(agent)?;
        let conversation = self.calls.get_mut(&call).and_then(|known| known.conversation_mut());
        let Some(Talk::Consulting { with, guest: Guest { own: None, .. } }) =
            conversation.map(|talking| &mut talking.talk)
        else {
            return Err(no_consult());
        };
        *with = match with {
            With::Guest => With::Caller,
            With::Caller => With::Guest,
        };
        self.bridge(call);
        self.publish_conversation(call);
        Ok(())
    }

    /// The agent takes the caller back; who was asked, rung or joined is let go.
    pub(crate) fn handle_cancel_consult(&mut self, agent: &AgentId) -> Result<(), CommandError> {
        let call = self.call_held_by(agent)?;
        let conversation = self.calls.get(&call).and_then(|known| known.conversation());
        if conversation.and_then(|talking| talking.guest()).is_none() {
            return Err(no_consult());
        }
        self.end_transfer(call, TransferEnd::TakenBack);
        self.dismiss_guest(call);
        self.come_back(call);
        Ok(())
    }

    /// All three talk.
    pub(crate) fn handle_conference(&mut self, agent: &AgentId) -> Result<(), CommandError> {
        let call = self.call_held_by(agent)?;
        let conversation = self.calls.get_mut(&call).and_then(|known| known.conversation_mut());
        let Some(conversation) = conversation else { return Err(no_consult()) };
        let Talk::Consulting { guest, .. } = &conversation.talk else { return Err(no_consult()) };
        // The phone would have to join its two calls itself.
        if guest.own.is_some() {
            return Err(no_consult());
        }
        let Some(leg) = guest.answered() else {
            let message = "who is asked has not answered yet";
            return Err(CommandError::new("not_answered", message));
        };
        conversation.talk = Talk::Conference(Guest::clone(guest));
        self.note(FactBody::ConferenceBegun { call, by: agent.clone(), leg });
        self.bridge(call);
        self.publish_conversation(call);
        Ok(())
    }
}

fn no_consult() -> CommandError {
    CommandError::new("no_consult", "nobody is brought into your call")
}
