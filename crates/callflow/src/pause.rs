//! Pausing a recording: while something is said that must not be kept, silence stands in its place
//! and keeps its time. Nobody's voice reaches the recorder meanwhile.

use std::time::Duration;

use cti::CommandError;
use media::{MediaCommand, TapedVoices};
use model::{AgentAction, AgentId, CallId, FactBody, PauseReason, UnpauseCause, UserId};

use crate::calls::Tape;
use crate::timers::Timer;
use crate::{Callflow, Output};

impl Tape {
    /// What is taped now.
    pub(crate) fn voices(&self, caller: model::LegId) -> TapedVoices {
        let (customers, agents) = match self.paused {
            None => ([caller].into(), self.agents.as_slice().into()),
            Some(_) => ([].into(), [].into()),
        };
        TapedVoices { recording: self.recording, customers, agents }
    }
}

impl Callflow {
    /// Someone asks for silence in a recording.
    pub(crate) fn handle_pause(
        &mut self,
        by: &AgentId,
        call: Option<CallId>,
        reason: PauseReason,
    ) -> Result<(), CommandError> {
        let call = self.taped_call(by, call)?;
        let after = Duration::from_millis(self.config.pause_max_ms);
        let Some(tape) = self.running_tape(call) else { return Err(not_recorded()) };
        if tape.paused.is_some() {
            return Err(CommandError::new("already_paused", "the recording is paused already"));
        }
        tape.paused = Some(reason);
        let recording = tape.recording;
        let by = UserId::from(by.as_str());
        match reason {
            // Nobody tapes against a refusal because time has passed.
            PauseReason::Declined => self.decline_tape(call, Some(by.clone())),
            PauseReason::Secret | PauseReason::Private => {
                self.timers.set(call, Timer::Pause, self.now + after);
            }
        }
        self.note(FactBody::RecordingPaused { call, recording, by, reason });
        self.tape_voices(call);
        self.publish_pause(call);
        Ok(())
    }

    /// Someone asks that voices are taped again.
    pub(crate) fn handle_resume(
        &mut self,
        by: &AgentId,
        call: Option<CallId>,
    ) -> Result<(), CommandError> {
        let call = self.taped_call(by, call)?;
        let Some(tape) = self.running_tape(call) else { return Err(not_recorded()) };
        if tape.paused.is_none() {
            return Err(CommandError::new("not_paused", "the recording is not paused"));
        }
        self.decline_tape(call, None);
        self.unpause(call, Some(UserId::from(by.as_str())), UnpauseCause::Asked);
        Ok(())
    }

    fn decline_tape(&mut self, call: CallId, by: Option<UserId>) {
        if let Some(known) = self.calls.get_mut(&call) {
            known.declined = by;
        }
    }

    /// Who did not want to be recorded by the one who had the call before does not want it now.
    pub(crate) fn go_on_untaped(&mut self, call: CallId) {
        let Some(by) = self.calls.get(&call).and_then(|known| known.declined.clone()) else {
            return;
        };
        let Some(tape) = self.running_tape(call) else { return };
        let reason = PauseReason::Declined;
        tape.paused = Some(reason);
        let recording = tape.recording;
        self.note(FactBody::RecordingPaused { call, recording, by, reason });
        self.tape_voices(call);
    }

    /// A pause was as long as it may be: nobody forgets for how long nothing is taped.
    pub(crate) fn handle_pause_timeout(&mut self, call: CallId) {
        self.unpause(call, None, UnpauseCause::TimeOver);
    }

    /// Ends a pause, if there is one.
    pub(crate) fn unpause(&mut self, call: CallId, by: Option<UserId>, cause: UnpauseCause) {
        self.timers.stop(call, Timer::Pause);
        let Some(tape) = self.running_tape(call) else { return };
        if tape.paused.take().is_none() {
            return;
        }
        let recording = tape.recording;
        self.note(FactBody::RecordingUnpaused { call, recording, by, cause });
        match cause {
            UnpauseCause::Asked | UnpauseCause::TimeOver => {
                self.tape_voices(call);
                self.publish_pause(call);
            }
            UnpauseCause::Ended => {}
        }
    }

    /// What of pausing and resuming an agent may ask for in their call.
    pub(crate) fn allowed_of_tape(&self, agent: &AgentId, call: CallId) -> Option<AgentAction> {
        let known = self.calls.get(&call).filter(|known| known.agent() == Some(agent))?;
        let tape = known.recording.as_ref().filter(|tape| tape.is_running)?;
        Some(match tape.paused {
            None => AgentAction::PauseRecording,
            Some(_) => AgentAction::ResumeRecording,
        })
    }

    /// Tells the media worker who is taped.
    pub(crate) fn tape_voices(&mut self, call: CallId) {
        let Some(known) = self.calls.get(&call) else { return };
        let Some(tape) = &known.recording else { return };
        let voices = tape.voices(known.caller);
        self.outputs.push_back(Output::Media(MediaCommand::TapeVoices(voices)));
    }

    /// The call that is meant: the one named, or the agent's own.
    fn taped_call(&self, by: &AgentId, call: Option<CallId>) -> Result<CallId, CommandError> {
        let own = || self.acd.agent(by).and_then(|view| view.call);
        let is_own =
            |call: &CallId| self.calls.get(call).is_some_and(|known| known.agent() == Some(by));
        call.or_else(|| own().filter(is_own)).ok_or_else(not_recorded)
    }

    fn running_tape(&mut self, call: CallId) -> Option<&mut Tape> {
        self.calls.get_mut(&call)?.recording.as_mut().filter(|tape| tape.is_running)
    }

    /// Tells what the recording does, and what may be asked for now.
    fn publish_pause(&mut self, call: CallId) {
        self.publish_again(call);
        if let Some(agent) = self.calls.get(&call).and_then(|known| known.agent()).cloned() {
            self.publish_agent(&agent);
        }
    }
}

fn not_recorded() -> CommandError {
    CommandError::new("not_recorded", "nothing is being recorded there")
}
