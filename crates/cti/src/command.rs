//! What a desktop may ask.

use std::fmt;

use model::{CallId, NotReadyReason, OfferId, Permission};

/// The longest command id, in bytes.
pub const MAX_COMMAND_ID: usize = 64;
/// The longest disposition code, in bytes.
pub const MAX_DISPOSITION: usize = 64;
/// The most that one command prolongs after-call work by: one hour.
pub const MAX_EXTEND_MS: u64 = 3_600_000;

/// Something a desktop asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Take calls.
    Ready,
    /// Take no calls; while busy, afterwards.
    NotReady {
        /// Why: one that agents may choose.
        reason: NotReadyReason,
    },
    /// Leave; while busy with a call, afterwards.
    SignOut,
    /// The pop is on the screen: the phone may ring.
    PopShown {
        /// Which pop.
        offer: OfferId,
    },
    /// End or decline the call.
    HangUp,
    /// Prolong after-call work.
    ExtendAcw {
        /// By how much, in milliseconds.
        ms: u64,
    },
    /// Say what the call was about; ends after-call work.
    WrapUp {
        /// Which call.
        call: CallId,
        /// The code chosen.
        disposition: String,
    },
}

impl Command {
    /// The name on the wire.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady { .. } => "not_ready",
            Self::SignOut => "sign_out",
            Self::PopShown { .. } => "pop_shown",
            Self::HangUp => "hang_up",
            Self::ExtendAcw { .. } => "extend_acw",
            Self::WrapUp { .. } => "wrap_up",
        }
    }

    /// What is needed to ask it: every command is about one's own calls.
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Ready
            | Self::NotReady { .. }
            | Self::SignOut
            | Self::PopShown { .. }
            | Self::HangUp
            | Self::ExtendAcw { .. }
            | Self::WrapUp { .. } => Permission::CallHandle,
        }
    }

    /// Whether the command makes sense by itself.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        match self {
            Self::NotReady { reason } if !reason.is_agents_choice() => Err(CommandError::new(
                "bad_reason",
                format!("'{}' is set by the engine; choose another reason", reason.as_str()),
            )),
            Self::ExtendAcw { ms } if !(1..=MAX_EXTEND_MS).contains(ms) => Err(CommandError::new(
                "bad_duration",
                format!("after-call work is prolonged by 1 to {MAX_EXTEND_MS} ms, not {ms}"),
            )),
            Self::WrapUp { disposition, .. }
                if disposition.is_empty() || disposition.len() > MAX_DISPOSITION =>
            {
                Err(CommandError::new(
                    "bad_disposition",
                    format!("a disposition has 1 to {MAX_DISPOSITION} bytes"),
                ))
            }
            Self::Ready
            | Self::NotReady { .. }
            | Self::SignOut
            | Self::PopShown { .. }
            | Self::HangUp
            | Self::ExtendAcw { .. }
            | Self::WrapUp { .. } => Ok(()),
        }
    }
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// For programs: stable, in snake_case.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl CommandError {
    /// An error with its stable code and its message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for CommandError {}
