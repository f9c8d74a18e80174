//! An agent calls someone, most often a number outside: the agent's phone is rung first, then the
//! number. A call that the phone begins goes on here, too, to a number or a colleague.

use std::net::SocketAddr;
use std::time::Duration;

use acd::Input as AcdInput;
use call::{Description, Leg, Outside};
use cti::{CallPhase, CommandError};
use media::{MediaCommand, Source};
use model::{
    AgentId, AgentState, AgentStatus, CallId, Direction, FactBody, HangupCause, LegId, LegRole,
    Outcome, Pii, Target,
};
use sip::Flow;
use trunk::Way;

use crate::calls::{Beginning, Call, Invite, Stage, Waiting};
use crate::conversation::{Conversation, Party, Talk};
use crate::dial_forks::Also;
use crate::phones::Instance;
use crate::{Callflow, Output};

/// What an agent's phone is told whose call may not be made after all.
const FORBIDDEN: u16 = 403;

/// A call that an agent makes, until it is answered: then it is a conversation like any other, in
/// which the one who was called has the place of the caller.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) agent: AgentId,
    /// The leg to the agent's phone; while several ring, to the first of them.
    pub(crate) phone: LegId,
    /// Other phones that ring: of the agent's, then of the colleague's who is called.
    pub(crate) also: Also,
    /// Who is called: a number outside, a colleague, or, while the agent's phone rings, a queue.
    pub(crate) whom: Target,
    /// Which of the colleague's phones, if one is meant.
    pub(crate) instance: Option<Instance>,
    pub(crate) step: DialStep,
    /// The callback that it is, and the place in line that this one has.
    pub(crate) callback: Option<(CallId, Waiting)>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DialStep {
    /// The agent's phone rings; then the number is called.
    Phone,
    /// The number is called.
    Number { rings: bool },
}

impl Dialled {
    pub(crate) const fn phase(&self) -> CallPhase {
        match self.step {
            DialStep::Phone | DialStep::Number { rings: false } => CallPhase::Dialling,
            DialStep::Number { rings: true } => CallPhase::Ringing,
        }
    }
}

impl Callflow {
    /// An agent asks for a call: to a colleague or a queue by name, as a phone would, else to a
    /// number outside.
    pub(crate) fn handle_dial(
        &mut self,
        agent: AgentId,
        number: &Pii<String>,
    ) -> Result<(), CommandError> {
        match self.named_inside(&trunk::normalise(number.reveal())) {
            Some(whom) => self.dial_inside(&agent, whom),
            None => self.dial_outside(agent, number),
        }
    }

    fn dial_outside(&mut self, agent: AgentId, number: &Pii<String>) -> Result<(), CommandError> {
        let ways = self.may_dial_out(&agent, number)?;
        let call = self.mint_call();
        self.ask_acd(AcdInput::Engage { agent: agent.clone(), call })?;
        let contacts = self.phone_contacts(&agent, None);
        if contacts.is_empty() {
            self.disengage(&agent, call);
            return Err(not_registered());
        }
        let (caller, phone) = (self.mint_leg(), self.mint_leg());
        self.place(call, (caller, phone), (agent, DialStep::Phone), number, &ways);
        self.ring_diallers(call, phone, contacts);
        self.publish_call(call, CallPhase::Dialling);
        Ok(())
    }

    /// The lines that a number may be called over now.
    pub(crate) fn may_dial_out(
        &mut self,
        agent: &AgentId,
        number: &Pii<String>,
    ) -> Result<Vec<Way>, CommandError> {
        let ways = self
            .route_outward(agent, number.reveal())
            .map_err(|why| CommandError::new(why.as_str(), why.text()))?;
        self.has_room(ways.iter().any(|way| way.is_emergency))?;
        Ok(ways)
    }

    /// Whether an agent may begin a call now; one for help always while the engine runs.
    pub(crate) fn has_room(&self, is_emergency: bool) -> Result<(), CommandError> {
        let is_full = self.calls.len() >= self.config.calls_max;
        if self.stopping || (!is_emergency && (is_full || !self.welcomes_calls)) {
            let message = "the engine takes no more calls now; try again in a moment";
            return Err(CommandError::new("lines_full", message));
        }
        Ok(())
    }

    pub(crate) fn place(
        &mut self,
        call: CallId,
        (caller, phone): (LegId, LegId),
        (agent, step): (AgentId, DialStep),
        number: &Pii<String>,
        ways: &[Way],
    ) {
        let Some(first) = ways.first().map(|way| way.trunk.clone()) else { return };
        let trunk = self.config.trunks.by_id(&first);
        let outward = trunk.and_then(|trunk| trunk.outward.as_ref());
        let shown = outward.map(|outward| outward.caller_id.clone()).unwrap_or_default();
        let number = Pii::new(trunk::normalise(number.reveal()));
        self.note(FactBody::CallPlaced {
            call,
            agent: agent.clone(),
            trunk: first.clone(),
            number: number.clone(),
            shown: shown.clone(),
        });
        let whom = Target::Number(number.clone());
        let begun = Call::begin(Beginning {
            direction: Direction::Outbound,
            trunk: first,
            ani: number,
            dnis: shown,
            caller,
            stage: Stage::Dialled(Box::new(Dialled {
                agent,
                phone,
                also: Also::default(),
                whom,
                instance: None,
                step,
                callback: None,
            })),
            at: self.now,
        });
        self.calls.insert(call, begun);
    }

    pub(crate) fn dialled(&mut self, call: CallId) -> Option<&mut Dialled> {
        match &mut self.calls.get_mut(&call)?.stage {
            Stage::Dialled(dialled) => Some(dialled),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Connected(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    /// The port for the agent's phone is there.
    pub(crate) fn invite_dialler(
        &mut self,
        (call, leg): (CallId, LegId),
        (flow, target, route): (Flow, String, Vec<String>),
        address: Option<SocketAddr>,
    ) {
        let agent = self.dialled(call).map(|dialled| dialled.agent.clone());
        let (Some(agent), Some(address)) = (agent, address) else {
            if address.is_some() {
                self.outputs.push_back(Output::Media(MediaCommand::Close { leg }));
            }
            return self.dialled_phone_lost(call, leg, HangupCause::Response(503));
        };
        let browser = self.browser_on(&flow);
        let (mut invitation, user) = self.invitation(call, &agent, flow, target, route);
        if self.calls.get(&call).is_some_and(|known| known.direction == Direction::Internal) {
            // Whom the agent calls is no customer: the phone shows them.
            invitation.from = format!("<sip:{user}@{}>", self.config.realm);
        }
        let patience = Duration::from_millis(self.config.unreachable_after_ms);
        let ring = Duration::from_millis(self.config.acd.ring_timeout_ms);
        invitation.outside = Some(Outside {
            account: None,
            respond_by: self.now + patience,
            answer_by: self.now + ring,
        });
        self.note_rung(&agent, leg);
        self.note(FactBody::PhoneRung { call, leg, agent: agent.clone() });
        let role = LegRole::Agent(agent);
        let description = Description { browser, ..self.description(user) };
        let machine = Leg::outgoing(leg, role, &self.tokens, invitation, address, description);
        self.add_leg(call, machine, Invite::Ours(None));
        if let Some(known) = self.calls.get_mut(&call) {
            known.legs.push(leg);
        }
        self.drain_leg(leg);
    }

    /// The agent picked up: now the number is called. False if `leg` rang for something else.
    pub(crate) fn dialler_answered(&mut self, call: CallId, leg: LegId) -> bool {
        if !self.take_dialler(call, leg) {
            return false;
        }
        let Some(dialled) = self.dialled(call) else { return false };
        dialled.step = DialStep::Number { rings: false };
        self.call_dialled(call);
        true
    }

    /// The agent is on the line: the number, or the colleague, is called.
    pub(crate) fn call_dialled(&mut self, call: CallId) {
        let dialled = self.dialled(call).map(|one| (one.agent.clone(), one.whom.clone()));
        let Some((agent, whom)) = dialled else { return };
        let called = match whom {
            Target::Number(number) => {
                self.call_outward(call, &agent, number.reveal()).map_err(|_| FORBIDDEN)
            }
            Target::Agent(colleague) => self.ring_colleague(call, &colleague),
            Target::Queue(_) => {
                // Who called it is in it as a caller from now on.
                self.enter_stage(call, Stage::Arriving);
                return self.caller_answered(call);
            }
        };
        match called {
            Ok(callee) => {
                if let Some(known) = self.calls.get_mut(&call) {
                    known.caller = callee;
                }
            }
            Err(status) => self.end_dialled(call, HangupCause::Response(status)),
        }
    }

    /// The number rings.
    pub(crate) fn dialled_rings(&mut self, call: CallId) {
        let Some(dialled) = self.dialled(call) else { return };
        if dialled.step == (DialStep::Number { rings: false }) {
            dialled.step = DialStep::Number { rings: true };
            self.bridge(call);
            self.publish_call(call, CallPhase::Ringing);
        }
    }

    /// The number answered: they talk, and are taped. False if nobody waits for that.
    pub(crate) fn dialled_answered(&mut self, call: CallId, leg: LegId) -> bool {
        let is_callee = self.take_callee(call, leg);
        let Some(dialled) = self.dialled(call).filter(|_| is_callee) else { return false };
        let (agent, phone) = (dialled.agent.clone(), dialled.phone);
        let callback = dialled.callback.take();
        let (callback, waiting) = callback.unzip();
        let holder = Some(Party { role: LegRole::Agent(agent.clone()), leg: phone });
        let conversation = Conversation { waiting, holder, talk: Talk::Together };
        self.enter_stage(call, Stage::Connected(Box::new(conversation)));
        self.last_calls.insert(agent.clone(), call);
        self.note(FactBody::NumberAnswered { call, leg, agent: agent.clone() });
        match self.calls.get(&call).map(|known| known.direction) {
            // Who is called back was looked up before.
            Some(Direction::Outbound) if callback.is_none() => self.look_up(call),
            Some(Direction::Inbound | Direction::Outbound | Direction::Internal) | None => {}
        }
        if let Some(callback) = callback {
            self.customer_answered(callback);
        }
        self.bridge(call);
        self.start_tape(call, &agent, phone);
        self.publish_conversation(call);
        self.tell_own(call);
        true
    }

    /// Who was called is looked up for colleagues whom the call may be given to.
    pub(crate) fn look_up(&mut self, call: CallId) {
        let Some(number) = self.calls.get(&call).map(|known| known.ani.clone()) else { return };
        self.lookup.handle_ask(call, number, self.now);
    }

    /// Before the answer the agent hears what the other's line sends, or that it rings.
    pub(crate) fn ring_back(&mut self, call: CallId) {
        let Some(callee) = self.calls.get(&call).map(|known| known.caller) else { return };
        let Some((phone, step)) = self.dialled(call).map(|dialled| (dialled.phone, dialled.step))
        else {
            return;
        };
        let sends = self.legs.get(&callee).is_some_and(|entry| entry.leg.media().is_some());
        match step {
            DialStep::Phone | DialStep::Number { .. } if sends => {
                self.hear(phone, Source::Leg(callee));
            }
            DialStep::Phone | DialStep::Number { rings: false } => {}
            DialStep::Number { rings: true } => {
                let tone = self.ringback(phone);
                self.hear(phone, tone);
            }
        }
    }

    /// The agent gives it up on the desktop; false if it is no call that an agent makes.
    pub(crate) fn hang_up_dialled(&mut self, call: CallId) -> bool {
        let is_dialled = self.dialled(call).is_some();
        self.agent_left_dialled(call, HangupCause::AgentHangUp);
        is_dialled
    }

    /// The agent is gone before the one who is called answered: so is the call. A customer who was
    /// to be called back is called again, by somebody else.
    pub(crate) fn agent_left_dialled(&mut self, call: CallId, cause: HangupCause) {
        let callback = self.dialled(call).and_then(|dialled| dialled.callback.take());
        self.end_dialled(call, cause);
        if let Some((callback, _)) = callback {
            self.agent_gave_up(callback);
        }
    }

    /// One of the two is gone, or the agent gives it up, before they talk: so is the other.
    pub(crate) fn end_dialled(&mut self, call: CallId, cause: HangupCause) {
        let Some(dialled) = self.dialled(call) else { return };
        let (agent, phone) = (dialled.agent.clone(), dialled.phone);
        let callback = dialled.callback.take();
        let also = std::mem::take(&mut dialled.also);
        let Some(callee) = self.calls.get(&call).map(|known| known.caller) else { return };
        self.decide(call, Outcome::Unanswered, cause);
        match callback {
            Some((callback, _)) => self.customer_missed(callback, call::not_reached(cause)),
            None => self.disengage(&agent, call),
        }
        let ours = match cause {
            HangupCause::AgentHangUp => cause,
            _ => HangupCause::LocalBye,
        };
        self.hang_up_leg(callee, ours);
        for leg in also.legs {
            self.hang_up_leg(leg, ours);
        }
        self.refuse_leg(phone, ours, passed_on(cause));
        self.end_if_empty(call);
    }

    pub(crate) fn disengage(&mut self, agent: &AgentId, call: CallId) {
        let input = AcdInput::Disengage { agent: agent.clone(), call };
        self.acd.handle_input(input, self.now);
    }

    /// Whether the desktop's field for a number is open to an agent now.
    pub(crate) fn may_dial(&self, view: &acd::AgentView) -> bool {
        let at_work = match view.status {
            AgentStatus::SignedOut => false,
            AgentStatus::NotReady { .. } | AgentStatus::Ready => true,
        };
        at_work
            && view.state == AgentState::Idle
            && view.phone_reachable
            && self.may_call_out(&view.agent)
    }
}

/// The agent's own phone cannot be rung.
pub(crate) fn not_registered() -> CommandError {
    let why = acd::Refusal::PhoneUnreachable.as_str();
    CommandError::new(why, "your phone is not registered: connect it first")
}

/// What a phone that called by itself is told where the one it called did not answer: what that one
/// said, if it is about them; else that they cannot be reached.
const fn passed_on(cause: HangupCause) -> u16 {
    match cause {
        HangupCause::Response(status @ (403 | 404 | 410 | 480 | 484..=486 | 503 | 600..=699)) => {
            status
        }
        HangupCause::Q850(cause) => call::status_of_cause(cause),
        HangupCause::Response(_)
        | HangupCause::TransactionTimeout
        | HangupCause::TransportError
        | HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::AnsweredElsewhere
        | HangupCause::AckTimeout
        | HangupCause::MediaTimeout
        | HangupCause::SessionExpired
        | HangupCause::EngineLost => 480,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_told_what_the_called_one_said_and_nothing_of_our_own_dealings() {
        for (cause, status) in [
            (HangupCause::Response(486), 486),
            (HangupCause::Response(603), 603),
            (HangupCause::Q850(17), 486),
            (HangupCause::Q850(21), 603),
            (HangupCause::Q850(1), 404),
            (HangupCause::Q850(34), 503),
            (HangupCause::Response(401), 480),
            (HangupCause::Response(302), 480),
            (HangupCause::TransactionTimeout, 480),
        ] {
            assert_eq!(passed_on(cause), status, "{cause:?}");
        }
    }
}
