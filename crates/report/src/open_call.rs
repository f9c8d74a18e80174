//! What a restarted engine finds of the calls that its predecessor lost.

use model::{
    AgentId, CallId, DialogSnapshot, FactBody, HangupCause, LegId, LegRole, Outcome, QueueId,
    RecordingId, TrunkId,
};

/// A call without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCall {
    /// The call.
    pub call: CallId,
    /// The last queue that it was in.
    pub queue: Option<QueueId>,
    /// The dialogs that were established and did not end: each can be sent a BYE.
    pub dialogs: Vec<OpenDialog>,
}

impl OpenCall {
    /// The facts that end this call as lost: its established legs, then the call.
    pub fn lost(&self) -> impl Iterator<Item = FactBody> + '_ {
        let call = self.call;
        let cause = HangupCause::EngineLost;
        self.dialogs
            .iter()
            .map(move |dialog| FactBody::LegEnded {
                call,
                leg: dialog.leg,
                role: dialog.role.clone(),
                cause,
                measured: false,
            })
            .chain([FactBody::CallEnded { call, outcome: Outcome::EngineLost, cause }])
    }
}

/// An established dialog of an open call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDialog {
    /// The leg it belongs to.
    pub leg: LegId,
    /// Whose leg.
    pub role: LegRole,
    /// Enough to send a BYE.
    pub dialog: DialogSnapshot,
    /// The line whose account the other end may be told.
    pub trunk: Option<TrunkId>,
}

/// A recording that began and is not sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRecording {
    /// Of this call.
    pub call: CallId,
    /// The recording.
    pub recording: RecordingId,
    /// Whose conversation.
    pub agent: AgentId,
    /// The file, relative to the recordings' folder.
    pub path: String,
}
