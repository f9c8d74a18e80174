//! What of a call is taped, and when each recording is sealed.

use model::{AgentId, Fact, FactBody, RecordingId, Seal, Wall};

use super::{Fold, push_bounded};
use crate::open_call::OpenRecording;
use crate::record::{CallRecord, Message, Recording};

impl Fold {
    /// Taping.
    pub(super) fn apply_tape(&mut self, fact: &Fact) -> bool {
        match &fact.body {
            FactBody::RecordingStarted { recording, agent, path, mailbox, .. } => {
                self.tape(*recording, agent, path, fact.wall);
                let message = mailbox.clone().map(|mailbox| {
                    let (left, done) = (None, None);
                    Message { mailbox, left, done }
                });
                self.recording(*recording).map(|begun| begun.message = message).is_some()
            }
            FactBody::MessageLeft { recording, .. } => {
                let message = self.recording(*recording).and_then(|made| made.message.as_mut());
                message.map(|message| message.left = Some(fact.wall)).is_some()
            }
            FactBody::MessageDone { recording, by, .. } => {
                let message = self.recording(*recording).and_then(|made| made.message.as_mut());
                message.map(|message| message.done = Some((by.clone(), fact.wall))).is_some()
            }
            FactBody::RecordingGap { recording, .. } => {
                self.recording(*recording).map(|gapped| gapped.gaps += 1).is_some()
            }
            FactBody::RecordingPaused { recording, .. } => {
                self.recording(*recording).map(|paused| paused.pauses += 1).is_some()
            }
            FactBody::RecordingLost { recording, .. } => {
                self.recording(*recording).map(|lost| lost.lost = true).is_some()
            }
            FactBody::RecordingHeld { recording, why, .. } => {
                self.recording(*recording).map(|held| held.held = Some(why.clone())).is_some()
            }
            FactBody::RecordingReleased { recording, .. } => {
                self.recording(*recording).map(|held| held.held = None).is_some()
            }
            FactBody::RecordingDoomed { recording, .. } => {
                self.recording(*recording).map(|doomed| doomed.doomed = true).is_some()
            }
            FactBody::RecordingDeleted { recording, certificate, .. } => {
                let of = self.recording(*recording);
                of.map(|gone| gone.deleted = Some((fact.wall, (**certificate).clone()))).is_some()
            }
            FactBody::RecordingSealed { recording, seal, recovered, .. } => {
                self.seal(*recording, seal, *recovered)
            }
            _ => false,
        }
    }

    pub(super) fn tape(
        &mut self,
        recording: RecordingId,
        agent: &AgentId,
        path: &str,
        at: Wall,
    ) -> bool {
        let begun = Recording {
            recording,
            agent: agent.clone(),
            message: None,
            path: path.to_owned(),
            started: at,
            gaps: 0,
            pauses: 0,
            lost: false,
            seal: None,
            recovered: false,
            held: None,
            doomed: false,
            deleted: None,
        };
        push_bounded(&mut self.record.recordings, begun, CallRecord::RECORDING_LIMIT)
    }

    pub(super) fn seal(&mut self, recording: RecordingId, seal: &Seal, recovered: bool) -> bool {
        let sealed = self.recording(recording).map(|sealed| {
            sealed.seal = Some(seal.clone());
            sealed.recovered = recovered;
        });
        sealed.is_some()
    }

    /// The recordings that are not sealed.
    pub(crate) fn unsealed(&self) -> impl Iterator<Item = OpenRecording> + '_ {
        let awaited = |taped: &&Recording| taped.seal.is_none() && !taped.lost;
        self.record.recordings.iter().filter(awaited).map(|taped| OpenRecording {
            call: self.record.call,
            recording: taped.recording,
            agent: taped.agent.clone(),
            path: taped.path.clone(),
        })
    }

    pub(super) fn recording(&mut self, recording: RecordingId) -> Option<&mut Recording> {
        self.record.recordings.iter_mut().find(|taped| taped.recording == recording)
    }
}
