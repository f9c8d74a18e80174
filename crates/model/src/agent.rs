//! The two axes on which an agent is described: the agent's own choice, and the engine's doing.

/// The agent's own choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "status", rename_all = "snake_case"))]
pub enum AgentStatus {
    /// Not at work (签出).
    SignedOut,
    /// At work, takes no calls (示忙).
    NotReady {
        /// Why.
        reason: NotReadyReason,
    },
    /// Takes calls (示闲).
    Ready,
}

/// Why an agent takes no calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum NotReadyReason {
    /// Just signed in, not yet ready.
    SignedIn,
    /// 小休.
    Break,
    /// 用餐.
    Meal,
    /// 培训.
    Training,
    /// 会议.
    Meeting,
    /// 后台事务.
    BackOffice,
    /// Set by the engine: an offered call rang out unanswered (久振不应).
    NoAnswer,
    /// Set by the engine: the agent's phone rejected an offered call.
    Rejected,
    /// Set by the engine: the agent's phone was busy.
    Busy,
    /// Set by the engine: the agent's phone is not registered or does not respond.
    Unreachable,
    /// Set by the engine: the agent's phone failed in another way.
    Error,
}

impl NotReadyReason {
    /// Every reason, in the order in which a desktop lists them.
    pub const ALL: [Self; 11] = [
        Self::SignedIn,
        Self::Break,
        Self::Meal,
        Self::Training,
        Self::Meeting,
        Self::BackOffice,
        Self::NoAnswer,
        Self::Rejected,
        Self::Busy,
        Self::Unreachable,
        Self::Error,
    ];

    /// Whether an agent may choose this reason; the others are the engine's.
    pub const fn is_agents_choice(self) -> bool {
        match self {
            Self::Break | Self::Meal | Self::Training | Self::Meeting | Self::BackOffice => true,
            Self::SignedIn
            | Self::NoAnswer
            | Self::Rejected
            | Self::Busy
            | Self::Unreachable
            | Self::Error => false,
        }
    }

    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Break => "break",
            Self::Meal => "meal",
            Self::Training => "training",
            Self::Meeting => "meeting",
            Self::BackOffice => "back_office",
            Self::NoAnswer => "no_answer",
            Self::Rejected => "rejected",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Error => "error",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// What the engine is doing with the agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AgentState {
    /// Nothing.
    #[default]
    Idle,
    /// A call is meant for the agent; the screen is being shown, the phone does not ring yet.
    Reserved,
    /// The phone rings.
    Ringing,
    /// In conversation.
    Talking,
    /// After-call work (话后处理).
    Acw,
}

impl AgentState {
    /// The name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Reserved => "reserved",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Acw => "acw",
        }
    }
}

/// What an agent may ask for now: the buttons of the desktop that are not grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum AgentAction {
    /// Take calls; ends after-call work.
    Ready,
    /// Take no calls; while busy, afterwards.
    NotReady,
    /// Leave; while busy with a call, afterwards.
    SignOut,
    /// End or decline the call.
    HangUp,
    /// Prolong after-call work.
    ExtendAcw,
    /// Choose a disposition and end after-call work.
    WrapUp,
    /// Give the call to someone else.
    Transfer,
    /// Ask someone while the caller waits.
    Consult,
    /// Give the call to who is asked.
    CompleteTransfer,
    /// Talk with the caller again while who is asked waits, and back.
    SwapParties,
    /// Let all three talk.
    Conference,
    /// Take the caller back and let who is asked go.
    CancelConsult,
    /// Call a number outside.
    Dial,
    /// Stop taping for a while.
    PauseRecording,
    /// Tape again.
    ResumeRecording,
}

impl AgentAction {
    /// The name on the wire: that of the command it allows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not_ready",
            Self::SignOut => "sign_out",
            Self::HangUp => "hang_up",
            Self::ExtendAcw => "extend_acw",
            Self::WrapUp => "wrap_up",
            Self::Transfer => "transfer",
            Self::Consult => "consult",
            Self::CompleteTransfer => "complete_transfer",
            Self::SwapParties => "swap_parties",
            Self::Conference => "conference",
            Self::CancelConsult => "cancel_consult",
            Self::Dial => "dial",
            Self::PauseRecording => "pause_recording",
            Self::ResumeRecording => "resume_recording",
        }
    }

    /// Every action, in the order of a desktop's buttons.
    pub const ALL: [Self; 15] = [
        Self::Ready,
        Self::NotReady,
        Self::SignOut,
        Self::HangUp,
        Self::ExtendAcw,
        Self::WrapUp,
        Self::Transfer,
        Self::Consult,
        Self::CompleteTransfer,
        Self::SwapParties,
        Self::Conference,
        Self::CancelConsult,
        Self::Dial,
        Self::PauseRecording,
        Self::ResumeRecording,
    ];
}

/// How many of a queue's agents are doing what. Every agent is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AgentTotals {
    /// Not at work.
    pub signed_out: u32,
    /// At work, taking no calls.
    pub not_ready: u32,
    /// Ready, with nothing to do.
    pub idle: u32,
    /// Meant for a call; the phone does not ring yet.
    pub reserved: u32,
    /// Being rung.
    pub ringing: u32,
    /// In conversation.
    pub talking: u32,
    /// In after-call work.
    pub acw: u32,
}

impl AgentTotals {
    /// Whether anyone is, ready or not.
    pub const fn is_anyone_at_work(&self) -> bool {
        self.not_ready + self.idle + self.reserved + self.ringing + self.talking + self.acw > 0
    }
}
