//! How calls and offers end.

/// How a call ended, as a report counts it. Every call has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Outcome {
    /// Caller and agent talked.
    Answered,
    /// The caller hung up while waiting for an agent, or while the agent's phone rang.
    Abandoned,
    /// The caller got what they wanted from the menu and never asked for a human.
    SelfService,
    /// The caller hung up in the menu before choosing.
    AbandonedInMenu,
    /// The engine refused the call before answering it (unknown number, limits).
    Refused,
    /// We called and nobody answered; the cause says why.
    Unanswered,
    /// No queue took or kept the call (closed, full, nobody at work, too long a wait): the caller
    /// was told so, and that was the end.
    TurnedAway,
    /// The caller asked to be called back, and keeps the place in line.
    CalledBack,
    /// The engine could not go on (no media port, failed script).
    Error,
    /// The engine stopped or died while the call was in progress.
    EngineLost,
}

impl Outcome {
    /// The name in API and store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Abandoned => "abandoned",
            Self::SelfService => "self_service",
            Self::AbandonedInMenu => "abandoned_in_menu",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
            Self::TurnedAway => "turned_away",
            Self::CalledBack => "called_back",
            Self::Error => "error",
            Self::EngineLost => "engine_lost",
        }
    }
}

/// Who began a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Direction {
    /// Someone outside called us.
    #[default]
    Inbound,
    /// An agent called someone outside.
    Outbound,
    /// An agent called a colleague, or a queue as a caller does.
    Internal,
}

impl Direction {
    /// The name in API and store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Internal => "internal",
        }
    }
}

/// What the network or a party said when a leg ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum HangupCause {
    /// The other side sent BYE.
    RemoteBye,
    /// The caller sent CANCEL before the final response.
    RemoteCancel,
    /// We sent BYE or CANCEL: the other leg ended or the flow was over.
    LocalBye,
    /// The agent asked for it on the desktop.
    AgentHangUp,
    /// We sent CANCEL or BYE: another agent whom the call rang has answered it.
    AnsweredElsewhere,
    /// A final response of 300 or more came, or we sent one.
    Response(u16),
    /// The 2xx was never acknowledged (RFC 3261 §13.3.1.4).
    AckTimeout,
    /// A request of ours got no answer (RFC 3261 §17.1).
    TransactionTimeout,
    /// No media came for too long.
    MediaTimeout,
    /// Nobody said any more that the session lasts (RFC 4028 §10).
    SessionExpired,
    /// The other side ended it and gave this Q.850 cause, other than normal clearing (RFC 3326).
    Q850(u8),
    /// The transport failed.
    TransportError,
    /// The engine was restarted.
    EngineLost,
}

/// Why an offered call was not taken. Each cause has its own counter, delay and limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum MissedCause {
    /// Rang out.
    NoAnswer,
    /// Declined (603, 480 with a choice, the desktop's reject).
    Rejected,
    /// 486 or 600.
    Busy,
    /// Not registered, or no response at all.
    Unreachable,
    /// Any other failure.
    Error,
}
