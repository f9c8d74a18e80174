//! Step 7: the call is over; the agent says what it was about.

use acd::Input as AcdInput;
use cti::{CallPhase, CommandError};
use media::MediaCommand;
use model::{AgentId, CallId, Direction, FactBody, HangupCause, LegId, Outcome};

use crate::calls::{Invite, LegEntry, Stage};
use crate::conversation::Talk;
use crate::{Callflow, Output};

impl Callflow {
    /// How the call ends is certain: the first word counts.
    pub(crate) fn decide(&mut self, call: CallId, outcome: Outcome, cause: HangupCause) {
        self.timers.stop_all(call);
        if let Some(known) = self.calls.get_mut(&call) {
            known.outcome.get_or_insert((outcome, cause));
            if matches!(known.stage, Stage::Connected(_)) {
                known.spoke = known.agent().cloned();
            }
        }
        self.publish_call_ended(call);
        self.enter_stage(call, Stage::Over);
        self.set_free(call);
        self.ask_no_more(call);
    }

    /// The engine ends the call: the caller's INVITE is refused with `status`, or gets a BYE.
    pub(crate) fn give_up(
        &mut self,
        call: CallId,
        outcome: Outcome,
        cause: HangupCause,
        status: u16,
    ) {
        if matches!(self.calls.get(&call).map(|known| &known.stage), Some(Stage::Waiting { .. })) {
            self.withdraw_offers(call);
            self.acd.handle_input(AcdInput::Dequeue { call }, self.now);
        }
        self.decide(call, outcome, cause);
        let Some(caller) = self.calls.get(&call).map(|known| known.caller) else { return };
        if let Some(entry) = self.legs.get_mut(&caller) {
            entry.leg.hang_up(cause, status);
            self.drain_leg(caller);
        }
        self.end_if_empty(call);
    }

    /// The call is over when its last leg is.
    pub(crate) fn end_if_empty(&mut self, call: CallId) {
        let is_empty = self.calls.get(&call).is_some_and(|known| known.legs.is_empty());
        if !is_empty || self.seeks_agent(call) {
            return;
        }
        self.timers.stop_all(call);
        if let Some(known) = self.calls.remove(&call) {
            match known.direction {
                Direction::Inbound => {
                    self.loads.handle_ended(&known.trunk);
                    self.show_trunk_later(known.trunk.clone());
                }
                // Its leg has given the line back, if it had one.
                Direction::Outbound | Direction::Internal => {}
            }
            let (outcome, cause) =
                known.outcome.unwrap_or((Outcome::Error, HangupCause::TransportError));
            self.remember(&known, outcome);
            self.note(FactBody::CallEnded { call, outcome, cause });
        }
    }

    /// Everything but the leg itself.
    pub(crate) fn forget_leg(&mut self, leg: LegId, entry: &LegEntry) {
        if let Some(tag) = call::tag_number(entry.leg.tag()) {
            self.dialogs.remove(&tag);
        }
        self.leg_timers.stop(leg);
        self.keep_ended(entry);
        for (_, tx) in &entry.requests {
            self.outgoing.remove(tx);
        }
        if let Some(tx) = entry.reinvite {
            self.incoming.remove(&tx);
        }
        match entry.invite {
            Invite::Theirs(tx) => {
                self.incoming.remove(&tx);
            }
            Invite::Ours(Some(tx)) => {
                self.outgoing.remove(&tx);
            }
            Invite::Ours(None) => {}
        }
        self.opening.remove(&leg);
        self.release_line(entry);
        self.outputs.push_back(Output::Media(MediaCommand::Close { leg }));
    }

    /// The agent chose a disposition for the call that was theirs last.
    pub(crate) fn handle_wrap_up(
        &mut self,
        agent: &AgentId,
        call: CallId,
        disposition: String,
    ) -> Result<(), CommandError> {
        if self.last_calls.get(agent) != Some(&call) {
            let message = format!("call {call} is not the last one of agent {agent}");
            return Err(CommandError::new("not_your_call", message));
        }
        if !self.config.dispositions.contains(&disposition) {
            let known = self.config.dispositions.join(", ");
            let message = format!("there is no disposition {disposition:?}; choose among {known}");
            return Err(CommandError::new("bad_disposition", message));
        }
        self.note(FactBody::WrappedUp { call, agent: agent.clone(), disposition });
        self.acd.handle_input(AcdInput::WrapUp { agent: agent.clone(), call }, self.now);
        Ok(())
    }

    pub(crate) fn enter_stage(&mut self, call: CallId, stage: Stage) {
        if let Some(known) = self.calls.get_mut(&call) {
            known.stage = stage;
            known.stage_since = self.now;
        }
    }

    pub(crate) fn phase(&self, call: CallId) -> Option<CallPhase> {
        Some(match &self.calls.get(&call)?.stage {
            Stage::Arriving | Stage::Greeting { .. } | Stage::Message(_) | Stage::Leaving => {
                CallPhase::Menu
            }
            Stage::Waiting { offers, .. } if offers.is_empty() => CallPhase::Queued,
            Stage::Waiting { offers, .. } if offers.iter().any(|offer| offer.rings) => {
                CallPhase::Ringing
            }
            Stage::Waiting { .. } => CallPhase::Offered,
            Stage::Connected(conversation) => match &conversation.talk {
                Talk::Together => CallPhase::Talking,
                Talk::Transferring(_) => CallPhase::Transferring,
                Talk::Consulting { .. } => CallPhase::Consulting,
                Talk::Conference(_) => CallPhase::Conference,
            },
            Stage::Dialled(dialled) => dialled.phase(),
            Stage::Over => CallPhase::Ended,
        })
    }
}
