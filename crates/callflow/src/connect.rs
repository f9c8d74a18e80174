//! Step 6: caller and agent talk, and both sides are taped.

use acd::Input as AcdInput;
use cti::CallPhase;
use media::{MediaCommand, Play, Source};
use model::{
    CallId, FactBody, HangupCause, LegId, MissedCause, OfferId, Outcome, PlayId, RecordingId, Seal,
};

use crate::calls::{Offer, Stage, Waiting};
use crate::timers::Timer;
use crate::{Callflow, Output};

impl Callflow {
    /// The agent's phone answered: whether in time is for the queue to say.
    pub(crate) fn phone_answered(&mut self, call: CallId, leg: LegId) {
        let offer = self.calls.get(&call).and_then(|known| known.offer());
        match offer.filter(|offer| offer.leg == Some(leg)).map(|offer| offer.offer) {
            Some(offer) => self.acd.handle_input(AcdInput::OfferAnswered { offer }, self.now),
            None => self.hang_up_leg(leg, HangupCause::LocalBye),
        }
    }

    /// The answer was in time.
    pub(crate) fn connect(&mut self, call: CallId, offer: OfferId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let caller = known.caller;
        let Stage::Waiting { waiting: Waiting { queue, .. }, offer: slot } = &mut known.stage
        else {
            return;
        };
        let Some(Offer { offer, agent, leg: Some(leg), .. }) =
            slot.take_if(|current| current.offer == offer)
        else {
            return;
        };
        let queue = queue.clone();
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Connected { queue, agent: agent.clone(), leg });
        self.last_calls.insert(agent.clone(), call);
        self.note(FactBody::AgentAnswered { call, offer, agent: agent.clone(), leg });
        if let Some(known) = self.calls.get_mut(&call) {
            known.playing = None;
        }
        self.bridge(call);
        if self.config.records {
            let recording = RecordingId(self.ids.mint());
            let path = recording::relative_path(recording, self.wall());
            let fact = FactBody::RecordingStarted { call, recording, agent, path: path.clone() };
            self.note(fact);
            self.recordings.insert(recording, call);
            if let Some(known) = self.calls.get_mut(&call) {
                known.recording = Some(recording);
            }
            let at = self.now;
            let start =
                MediaCommand::StartRecording { call, recording, caller, agent: leg, path, at };
            self.outputs.push_back(Output::Media(start));
        }
        self.publish_call(call, CallPhase::Talking);
    }

    /// Caller and agent hear each other; who is on hold hears music. To who holds nothing is sent,
    /// whatever there is to hear.
    pub(crate) fn bridge(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Stage::Connected { leg, .. } = known.stage else { return };
        for (hearing, other) in [(known.caller, leg), (leg, known.caller)] {
            let is_held = self.legs.get(&other).is_some_and(|entry| entry.holds);
            let source = if is_held {
                let id = PlayId(self.ids.mint());
                let prompts = self.config.prompts.music.clone();
                Source::Play(Play { id, prompts, repeat: true })
            } else {
                Source::Leg(other)
            };
            self.hear(hearing, source);
        }
    }

    /// What a leg ended with, and what that means for its call.
    pub(crate) fn handle_leg_ended(&mut self, leg: LegId, cause: HangupCause) {
        let Some(entry) = self.legs.remove(&leg) else { return };
        let call = entry.call;
        self.forget_leg(leg, &entry);
        self.note(FactBody::LegEnded { call, leg, role: entry.leg.role().clone(), cause });
        let Some(known) = self.calls.get_mut(&call) else { return };
        known.legs.retain(|other| *other != leg);
        if known.caller == leg {
            self.caller_left(call, cause);
        } else {
            self.phone_left(call, leg, cause);
        }
        self.end_if_empty(call);
    }

    fn caller_left(&mut self, call: CallId, cause: HangupCause) {
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
            Stage::Connected { leg, .. } => {
                let leg = *leg;
                self.disconnect(call, cause);
                self.hang_up_leg(leg, HangupCause::LocalBye);
            }
            Stage::Leaving => self.decide(call, Outcome::Error, cause),
            Stage::Over => {}
        }
    }

    fn phone_left(&mut self, call: CallId, leg: LegId, cause: HangupCause) {
        let Some(known) = self.calls.get(&call) else { return };
        match &known.stage {
            Stage::Waiting { offer: Some(offer), .. } if offer.leg == Some(leg) => {
                let offer = offer.offer;
                self.timers.stop(call, Timer::PhoneResponds);
                self.miss(offer, call::missed(cause));
            }
            Stage::Connected { leg: connected, .. } if *connected == leg => {
                let caller = known.caller;
                self.disconnect(call, cause);
                self.hang_up_leg(caller, HangupCause::LocalBye);
            }
            Stage::Waiting { .. }
            | Stage::Connected { .. }
            | Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Leaving
            | Stage::Over => {}
        }
    }

    /// The conversation is over.
    fn disconnect(&mut self, call: CallId, cause: HangupCause) {
        if let Some(recording) = self.calls.get(&call).and_then(|known| known.recording) {
            let stop = MediaCommand::StopRecording { recording, at: self.now };
            self.outputs.push_back(Output::Media(stop));
        }
        self.decide(call, Outcome::Answered, cause);
        self.acd.handle_input(AcdInput::CallEnded { call }, self.now);
    }

    /// The agent ends the call on the desktop, or declines the offer.
    pub(crate) fn handle_hang_up(&mut self, call: CallId) -> bool {
        match self.calls.get(&call).map(|known| &known.stage) {
            Some(Stage::Connected { leg, .. }) => {
                let leg = *leg;
                self.hang_up_leg(leg, HangupCause::AgentHangUp);
                true
            }
            Some(Stage::Waiting { offer: Some(offer), .. }) => {
                let offer = offer.offer;
                self.miss(offer, MissedCause::Rejected);
                true
            }
            Some(
                Stage::Waiting { offer: None, .. }
                | Stage::Arriving
                | Stage::Greeting { .. }
                | Stage::Leaving
                | Stage::Over,
            )
            | None => false,
        }
    }

    pub(crate) fn hang_up_leg(&mut self, leg: LegId, cause: HangupCause) {
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.leg.hang_up(cause, 480);
            self.drain_leg(leg);
        }
    }

    pub(crate) fn handle_sealed(&mut self, recording: RecordingId, seal: Seal) {
        if let Some(call) = self.recordings.remove(&recording) {
            self.note(FactBody::RecordingSealed { call, recording, seal, recovered: false });
        }
    }

    pub(crate) fn handle_gap(&mut self, recording: RecordingId, error: String) {
        if let Some(call) = self.recordings.get(&recording).copied() {
            self.note(FactBody::RecordingGap { call, recording, error: error.clone() });
        }
        self.raise_alarm("recording", error);
    }

    pub(crate) fn handle_resumed(&mut self, recording: RecordingId) {
        if let Some(call) = self.recordings.get(&recording).copied() {
            self.note(FactBody::RecordingResumed { call, recording });
        }
        self.clear_alarm("recording");
    }
}
