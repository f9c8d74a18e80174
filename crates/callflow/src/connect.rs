//! Step 6: caller and agent talk, and both sides are taped.

use acd::Input as AcdInput;
use cti::CallPhase;
use media::MediaCommand;
use model::{
    AgentId, CallId, FactBody, HangupCause, LegId, LegRole, MissedCause, OfferId, Outcome, QueueId,
    RecordingId, Seal, TransferEnd, UnpauseCause,
};

use crate::calls::{Offer, Stage, Tape};
use crate::conversation::{Conversation, Party, Talk};
use crate::{Callflow, Output};

impl Callflow {
    /// The agent's phone answered: whether in time is for the queue to say.
    pub(crate) fn phone_answered(&mut self, call: CallId, leg: LegId) {
        if self.dialler_answered(call, leg) || self.dialled_answered(call, leg) {
            return;
        }
        self.stop_other_phones(call, leg);
        let offer = self.calls.get(&call).and_then(|known| known.offer_by(leg));
        match offer.map(|offer| offer.offer) {
            Some(offer) => self.acd.handle_input(AcdInput::OfferAnswered { offer }, self.now),
            None => self.hang_up_leg(leg, HangupCause::LocalBye),
        }
    }

    /// The answer was in time.
    pub(crate) fn connect(&mut self, call: CallId, offer: OfferId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Stage::Waiting { waiting, offers } = &mut known.stage else { return };
        let Some(at) = offers.iter().position(|open| open.offer == offer) else { return };
        let open = offers.swap_remove(at);
        let Some(leg) = open.leg() else { return };
        let Offer { offer, agent, .. } = open;
        let waiting = Some(waiting.clone());
        let holder = Some(Party { role: LegRole::Agent(agent.clone()), leg });
        let conversation = Conversation { waiting, holder, talk: Talk::Together };
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Connected(Box::new(conversation)));
        self.last_calls.insert(agent.clone(), call);
        self.note(FactBody::AgentAnswered { call, offer, agent: agent.clone(), leg });
        if let Some(known) = self.calls.get_mut(&call) {
            known.playing = None;
        }
        self.bridge(call);
        self.start_tape(call, &agent, leg);
        self.publish_call(call, CallPhase::Talking);
    }

    /// Both sides are taped, if conversations are.
    pub(crate) fn start_tape(&mut self, call: CallId, agent: &AgentId, leg: LegId) {
        if !self.config.records {
            return;
        }
        self.tape(call, Some((agent.clone(), leg)), None);
        self.go_on_untaped(call);
    }

    /// Tapes the caller with an agent; or alone, as a message for the people of a queue, with word
    /// of so many milliseconds of quiet.
    pub(crate) fn tape(
        &mut self,
        call: CallId,
        with: Option<(AgentId, LegId)>,
        message: Option<(QueueId, u64)>,
    ) -> Option<RecordingId> {
        let recording = RecordingId(self.ids.mint());
        let path = recording::relative_path(recording, self.wall());
        let (agent, leg) = with.unzip();
        let (mailbox, quiet_ms) = message.unzip();
        self.note(FactBody::RecordingStarted {
            call,
            recording,
            agent: agent.unwrap_or_else(|| AgentId::from("")),
            path: path.clone(),
            mailbox,
        });
        self.recordings.insert(recording, call);
        let known = self.calls.get_mut(&call)?;
        let agents = leg.into_iter().collect();
        known.recording = Some(Tape { recording, agents, paused: None, is_running: true });
        self.outputs.push_back(Output::Media(MediaCommand::StartRecording {
            call,
            recording,
            caller: known.caller,
            agent: leg,
            path,
            at: self.now,
            quiet_ms,
        }));
        Some(recording)
    }

    /// The agents' channel has the voices of `agents` from now on.
    pub(crate) fn follow_with_tape(&mut self, call: CallId, agents: Vec<LegId>) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(tape) = known.recording.as_mut().filter(|tape| tape.agents != agents) else {
            return;
        };
        tape.agents = agents;
        if tape.paused.is_none() {
            self.tape_voices(call);
        }
    }

    /// Nothing more is taped of this conversation.
    pub(crate) fn stop_tape(&mut self, call: CallId) {
        self.unpause(call, None, UnpauseCause::Ended);
        let tape = self.calls.get_mut(&call).and_then(|known| known.recording.as_mut());
        if let Some(tape) = tape {
            tape.is_running = false;
            let recording = tape.recording;
            let stop = MediaCommand::StopRecording { recording, at: self.now };
            self.outputs.push_back(Output::Media(stop));
        }
    }

    /// What a leg ended with, and what that means for its call.
    pub(crate) fn handle_leg_ended(&mut self, leg: LegId, cause: HangupCause) {
        let Some(entry) = self.legs.remove(&leg) else { return };
        let call = entry.call;
        self.forget_leg(leg, &entry);
        let (role, measured) = (entry.leg.role().clone(), entry.has_port);
        self.note(FactBody::LegEnded { call, leg, role, cause, measured });
        let Some(known) = self.calls.get_mut(&call) else { return };
        known.legs.retain(|other| *other != leg);
        if let Some(cause) = self.lose_dialled(call, leg, cause) {
            self.party_is_gone(call, (leg, entry.leg.role()), cause);
        }
        self.end_if_empty(call);
        if let LegRole::Agent(agent) = entry.leg.role() {
            self.phone_is_free(agent, leg);
        }
    }

    fn party_is_gone(&mut self, call: CallId, (leg, role): (LegId, &LegRole), cause: HangupCause) {
        if self.calls.get(&call).is_some_and(|known| known.caller == leg) {
            self.caller_left(call, cause);
        } else if let LegRole::Number(_) = role {
            self.number_left(call, leg, cause);
        } else {
            self.phone_left(call, leg, cause);
        }
    }

    fn caller_left(&mut self, call: CallId, cause: HangupCause) {
        if self.customer_is_not_there(call, cause) {
            return;
        }
        let Some(known) = self.calls.get(&call) else { return };
        match &known.stage {
            Stage::Arriving => {
                let refused = matches!(cause, HangupCause::Response(_));
                let outcome = if refused { Outcome::Refused } else { Outcome::AbandonedInMenu };
                self.decide(call, outcome, cause);
            }
            Stage::Greeting { .. } => {
                let served = known.served;
                let outcome = if served { Outcome::SelfService } else { Outcome::AbandonedInMenu };
                self.decide(call, outcome, cause);
            }
            Stage::Waiting { .. } => self.abandon(call, cause),
            Stage::Connected(_) => self.disconnect(call, cause),
            Stage::Dialled(_) => self.end_dialled(call, cause),
            Stage::Message(_) => self.left_message(call, cause),
            Stage::Leaving => self.left_unserved(call, cause),
            Stage::Over => {}
        }
    }

    fn phone_left(&mut self, call: CallId, leg: LegId, cause: HangupCause) {
        let Some(known) = self.calls.get(&call) else { return };
        match &known.stage {
            Stage::Waiting { .. } => self.phone_refused(call, leg, cause),
            Stage::Connected(_) => self.party_left(call, leg, cause),
            Stage::Dialled(dialled) if dialled.phone == leg => self.agent_left_dialled(call, cause),
            Stage::Dialled(_)
            | Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => {}
        }
    }

    /// The conversation is over for all who are in it.
    pub(crate) fn disconnect(&mut self, call: CallId, cause: HangupCause) {
        self.end_transfer(call, TransferEnd::CallerLeft);
        self.stop_tape(call);
        // Whom a queue sent to a number that has not answered has talked with nobody.
        let outcome = match self.is_sent_on(call) {
            true => Outcome::Abandoned,
            false => Outcome::Answered,
        };
        self.decide(call, outcome, cause);
        self.acd.handle_input(AcdInput::CallEnded { call }, self.now);
        let legs = self.calls.get(&call).map(|known| known.legs.clone()).unwrap_or_default();
        for leg in legs {
            self.hang_up_leg(leg, HangupCause::LocalBye);
        }
    }

    /// The agent ends the call on the desktop, leaves it to others, or declines the offer.
    pub(crate) fn handle_hang_up(&mut self, call: CallId, agent: &AgentId) -> bool {
        let Some(known) = self.calls.get(&call) else { return false };
        let leg = known.conversation().and_then(|conversation| conversation.leg_of(agent));
        let offer = known.offers().iter().find(|offer| offer.agent == *agent);
        let offer = offer.map(|offer| offer.offer);
        match (leg, offer) {
            (Some(leg), _) => {
                self.hang_up_leg(leg, HangupCause::AgentHangUp);
                true
            }
            (None, Some(offer)) => {
                if !self.decline_customer(call, offer, agent) {
                    self.miss(offer, MissedCause::Rejected);
                }
                true
            }
            (None, None) => self.hang_up_inside(call, agent) || self.hang_up_dialled(call),
        }
    }

    pub(crate) fn hang_up_leg(&mut self, leg: LegId, cause: HangupCause) {
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.leg.hang_up(cause, 480);
            self.drain_leg(leg);
        } else if self.opening.remove(&leg).is_some() {
            self.outputs.push_back(Output::Media(MediaCommand::Close { leg }));
        }
    }

    pub(crate) fn handle_sealed(&mut self, recording: RecordingId, seal: Seal) {
        if let Some(call) = self.recordings.remove(&recording) {
            self.note(FactBody::RecordingSealed { call, recording, seal, recovered: false });
        }
        // Those that will never be whole are told of until another one is.
        let awaited = &self.recordings;
        self.gaps.retain(|gapped| awaited.contains_key(gapped) || *gapped == recording);
        self.gap_is_over(recording);
    }

    /// There will be no seal before the next start, or none at all.
    pub(crate) fn handle_tape_lost(
        &mut self,
        recording: RecordingId,
        error: String,
        is_left: bool,
    ) {
        if let Some(call) = self.recordings.remove(&recording) {
            let error = error.clone();
            self.note(match is_left {
                true => FactBody::RecordingGap { call, recording, error },
                false => FactBody::RecordingLost { call, recording, error },
            });
        }
        self.gaps.insert(recording);
        self.raise_alarm("recording", error);
    }

    pub(crate) fn handle_gap(&mut self, recording: RecordingId, error: String) {
        if let Some(call) = self.recordings.get(&recording).copied() {
            self.note(FactBody::RecordingGap { call, recording, error: error.clone() });
        }
        self.gaps.insert(recording);
        self.raise_alarm("recording", error);
    }

    pub(crate) fn handle_resumed(&mut self, recording: RecordingId) {
        if let Some(call) = self.recordings.get(&recording).copied() {
            self.note(FactBody::RecordingResumed { call, recording });
        }
        self.gap_is_over(recording);
    }

    /// The alarm is there until the last recording that has a gap goes on or is over.
    fn gap_is_over(&mut self, recording: RecordingId) {
        self.gaps.remove(&recording);
        if self.gaps.is_empty() {
            self.clear_alarm("recording");
        }
    }
}
