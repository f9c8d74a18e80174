//! What a desktop may ask.

use std::fmt;

use model::{
    AgentId, AgentStatus, CallId, NotReadyReason, OfferId, PauseReason, Permission, Pii, QueueId,
    Target,
};

/// The longest command id, in bytes.
pub const MAX_COMMAND_ID: usize = 64;
/// The longest disposition code, in bytes.
pub const MAX_DISPOSITION: usize = 64;
/// The longest name of an agent or queue, or number, that a call is given to, in bytes.
pub const MAX_TARGET: usize = 64;
/// The longest number that is dialled, in bytes: E.164 has 15 digits, people write more between.
pub const MAX_NUMBER: usize = 64;
/// The most that one command prolongs after-call work by: one hour.
pub const MAX_EXTEND_MS: u64 = 3_600_000;
/// The most that one command prefers a waiting call by: one hour.
pub(crate) const MAX_PREFER_MS: u64 = 3_600_000;

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
    /// Call a number outside, a colleague or a queue: one's own phone rings first.
    Dial {
        /// Which number, as people write it, or whose name.
        number: Pii<String>,
    },
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
    /// Tell to whom a call could be given.
    ListTargets {
        /// Part of the name of an agent or queue; empty for all.
        search: String,
    },
    /// Give the call to someone else.
    Transfer {
        /// To whom.
        to: Target,
    },
    /// Ask someone while the caller waits with music.
    Consult {
        /// Whom.
        to: Target,
    },
    /// Give the call to who is asked.
    CompleteTransfer,
    /// Talk with the caller while who is asked waits with music, and back.
    SwapParties,
    /// Let caller, agent and who is asked talk together.
    Conference,
    /// Take the caller back; who is asked is let go.
    CancelConsult,
    /// Tape silence until it is resumed, or for as long as may be.
    PauseRecording {
        /// Of which call; one's own if none is named.
        call: Option<CallId>,
        /// Why.
        reason: PauseReason,
    },
    /// Tape again.
    ResumeRecording {
        /// Of which call; one's own if none is named.
        call: Option<CallId>,
    },
    /// Put a waiting call into another queue, with the time that it has waited.
    MoveCall {
        /// Which.
        call: CallId,
        /// Where.
        queue: QueueId,
    },
    /// Let a waiting call wait for one agent alone for a while, who gets it as soon as they can.
    AssignCall {
        /// Which.
        call: CallId,
        /// To whom.
        agent: AgentId,
    },
    /// Have a waiting call deemed to have entered so much earlier.
    PreferCall {
        /// Which.
        call: CallId,
        /// By how much, in milliseconds.
        ms: u64,
    },
    /// Take a callback back: the customer is not called.
    CancelCallback {
        /// The call that asked for it.
        call: CallId,
    },
    /// Change an agent's status as the agent could.
    SetAgent {
        /// Whose.
        agent: AgentId,
        /// What it is to be; while they are busy, afterwards.
        status: AgentStatus,
    },
    /// Decide on what an agent asks for.
    DecideReason {
        /// Who asks.
        agent: AgentId,
        /// Whether they may.
        approved: bool,
    },
    /// Put an emergency plan on or off.
    SwitchPlan {
        /// Which.
        plan: String,
        /// Whether it is on from now on.
        on: bool,
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
            Self::Dial { .. } => "dial",
            Self::ExtendAcw { .. } => "extend_acw",
            Self::WrapUp { .. } => "wrap_up",
            Self::ListTargets { .. } => "list_targets",
            Self::Transfer { .. } => "transfer",
            Self::Consult { .. } => "consult",
            Self::CompleteTransfer => "complete_transfer",
            Self::SwapParties => "swap_parties",
            Self::Conference => "conference",
            Self::CancelConsult => "cancel_consult",
            Self::PauseRecording { .. } => "pause_recording",
            Self::ResumeRecording { .. } => "resume_recording",
            Self::MoveCall { .. } => "move_call",
            Self::AssignCall { .. } => "assign_call",
            Self::PreferCall { .. } => "prefer_call",
            Self::CancelCallback { .. } => "cancel_callback",
            Self::SetAgent { .. } => "set_agent",
            Self::DecideReason { .. } => "decide_reason",
            Self::SwitchPlan { .. } => "switch_plan",
        }
    }

    /// What is needed to ask it: a command is about one's own calls unless it names another.
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Ready
            | Self::NotReady { .. }
            | Self::SignOut
            | Self::PopShown { .. }
            | Self::HangUp
            // Numbers that save lives need no permission: callflow looks which it is.
            | Self::Dial { .. }
            | Self::ExtendAcw { .. }
            | Self::WrapUp { .. }
            | Self::ListTargets { .. }
            | Self::Transfer { .. }
            | Self::Consult { .. }
            | Self::CompleteTransfer
            | Self::SwapParties
            | Self::Conference
            | Self::CancelConsult
            | Self::PauseRecording { call: None, .. }
            | Self::ResumeRecording { call: None } => Permission::CallHandle,
            Self::PauseRecording { call: Some(_), .. }
            | Self::ResumeRecording { call: Some(_) } => Permission::RecordingPause,
            Self::MoveCall { .. }
            | Self::AssignCall { .. }
            | Self::PreferCall { .. }
            | Self::CancelCallback { .. }
            | Self::SetAgent { .. }
            | Self::DecideReason { .. }
            | Self::SwitchPlan { .. } => Permission::FloorSteer,
        }
    }

    /// Whether the command makes sense by itself.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        match self {
            Self::NotReady { reason }
            | Self::SetAgent { status: AgentStatus::NotReady { reason }, .. }
                if !reason.is_agents_choice() =>
            {
                Err(CommandError::new(
                    "bad_reason",
                    format!("'{}' is set by the engine; choose another reason", reason.as_str()),
                ))
            }
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
            Self::ListTargets { search } if search.len() > MAX_TARGET => Err(CommandError::new(
                "bad_target",
                format!("what is looked for has at most {MAX_TARGET} bytes"),
            )),
            Self::Transfer { to } | Self::Consult { to } => check_target(to),
            Self::MoveCall { queue, .. } => check_target(&Target::Queue(queue.clone())),
            Self::AssignCall { agent, .. }
            | Self::SetAgent { agent, .. }
            | Self::DecideReason { agent, .. } => check_target(&Target::Agent(agent.clone())),
            Self::PreferCall { ms, .. } if !(1..=MAX_PREFER_MS).contains(ms) => {
                Err(CommandError::new(
                    "bad_duration",
                    format!("a call is preferred by 1 to {MAX_PREFER_MS} ms, not {ms}"),
                ))
            }
            Self::SwitchPlan { plan, .. } if !(1..=MAX_TARGET).contains(&plan.len()) => {
                let message = format!("a plan's name has 1 to {MAX_TARGET} bytes");
                Err(CommandError::new("unknown_plan", message))
            }
            Self::Dial { number } if !(1..=MAX_NUMBER).contains(&number.reveal().len()) => {
                Err(CommandError::new(
                    "bad_number",
                    format!("a number has 1 to {MAX_NUMBER} characters"),
                ))
            }
            Self::Ready
            | Self::NotReady { .. }
            | Self::SignOut
            | Self::PopShown { .. }
            | Self::HangUp
            | Self::Dial { .. }
            | Self::ExtendAcw { .. }
            | Self::WrapUp { .. }
            | Self::ListTargets { .. }
            | Self::CompleteTransfer
            | Self::SwapParties
            | Self::Conference
            | Self::CancelConsult
            | Self::PauseRecording { .. }
            | Self::ResumeRecording { .. }
            | Self::PreferCall { .. }
            | Self::CancelCallback { .. }
            | Self::SwitchPlan { .. } => Ok(()),
        }
    }
}

/// Whether someone can be meant by it at all: no name is empty or longer than
/// [`MAX_TARGET`], and a number has digits, after a `+` perhaps.
fn check_target(to: &Target) -> Result<(), CommandError> {
    let (name, is_number) = match to {
        Target::Agent(agent) => (agent.as_str(), false),
        Target::Queue(queue) => (queue.as_str(), false),
        Target::Number(number) => (number.reveal().as_str(), true),
    };
    let digits = name.strip_prefix('+').unwrap_or(name);
    let is_dialled = digits.chars().all(|c| c.is_ascii_digit() || "*#".contains(c));
    if digits.is_empty() || name.len() > MAX_TARGET || (is_number && !is_dialled) {
        let message = format!("a target has 1 to {MAX_TARGET} bytes; a number has digits only");
        return Err(CommandError::new("bad_target", message));
    }
    Ok(())
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
