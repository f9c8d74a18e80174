//! Who is brought into a call beside the caller and the agent, and what becomes of it.

use crate::{AgentId, MissedCause, Pii, QueueId};

/// Whom a call goes to, or who is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Target {
    /// A named colleague.
    Agent(AgentId),
    /// Whoever of a queue is free next.
    Queue(QueueId),
    /// A telephone outside.
    Number(#[cfg_attr(feature = "serde", serde(with = "crate::stored"))] Pii<String>),
}

/// How someone is brought into a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum TransferKind {
    /// They get the call as soon as they answer.
    Blind,
    /// They are asked first; the caller waits with music.
    Consult,
}

impl TransferKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Consult => "consult",
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum TransferEnd {
    /// The call is theirs, or waits in their queue.
    Completed,
    /// They did not take it.
    Missed(MissedCause),
    /// The agent took the caller back.
    TakenBack,
    /// They had answered, and hung up.
    GuestLeft,
    /// The caller hung up meanwhile.
    CallerLeft,
}

impl TransferEnd {
    /// The name on the wire; a miss is told by its cause.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Missed(MissedCause::NoAnswer) => "no_answer",
            Self::Missed(MissedCause::Rejected) => "rejected",
            Self::Missed(MissedCause::Busy) => "busy",
            Self::Missed(MissedCause::Unreachable) => "unreachable",
            Self::Missed(MissedCause::Error) => "error",
            Self::TakenBack => "taken_back",
            Self::GuestLeft => "guest_left",
            Self::CallerLeft => "caller_left",
        }
    }

    /// Every end, in the order of this page.
    pub const ALL: [Self; 9] = [
        Self::Completed,
        Self::Missed(MissedCause::NoAnswer),
        Self::Missed(MissedCause::Rejected),
        Self::Missed(MissedCause::Busy),
        Self::Missed(MissedCause::Unreachable),
        Self::Missed(MissedCause::Error),
        Self::TakenBack,
        Self::GuestLeft,
        Self::CallerLeft,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_end_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = TransferEnd::ALL.map(TransferEnd::as_str).into();
        assert_eq!(names.len(), TransferEnd::ALL.len());
    }

    #[test]
    fn a_number_that_a_call_goes_to_is_printed_masked() {
        let shown = format!("{:?}", Target::Number(Pii::from("13800138000")));
        assert!(!shown.contains("13800138000"), "{shown}");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_target_is_read_back_as_written() {
        for target in [
            Target::Agent("8001".into()),
            Target::Queue("claims".into()),
            Target::Number(Pii::from("13800138000")),
        ] {
            let text = serde_json::to_string(&target).unwrap();
            assert_eq!(serde_json::from_str::<Target>(&text).unwrap(), target, "{text}");
        }
    }
}
