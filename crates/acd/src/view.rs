//! What the room shows of itself.

use model::{
    AgentAction, AgentId, AgentState, AgentStatus, AgentTotals, CallId, MissedCause, Mono,
    NotReadyReason, OfferId, QueueId, Tier,
};

/// One agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// Who.
    pub agent: AgentId,
    /// The agent's level.
    pub tier: Tier,
    /// The agent's own choice.
    pub status: AgentStatus,
    /// What the engine is doing with the agent.
    pub state: AgentState,
    /// The call that the agent is reserved for, rung for, talking with or working after.
    pub call: Option<CallId>,
    /// The offer that is not yet answered.
    pub offer: Option<OfferId>,
    /// Since when status and state are these.
    pub since: Mono,
    /// The status that begins when the present call and its after-call work are over.
    pub next_status: Option<AgentStatus>,
    /// For what the agent wants to be `NotReady`, if that waits for someone's approval.
    pub asks: Option<NotReadyReason>,
    /// When after-call work ends by itself.
    pub acw_until: Option<Mono>,
    /// Whether the agent's phone can be rung.
    pub phone_reachable: bool,
    /// What the agent may ask for now.
    pub allowed: &'static [AgentAction],
    /// Offers missed since signing in.
    pub missed: MissedCounts,
    /// Until when a ready agent is left alone after a missed offer; asking for `Ready` ends it.
    pub rests_until: Option<Mono>,
}

impl AgentView {
    /// Whether the agent could be offered a call now.
    pub const fn is_available(&self) -> bool {
        let is_ready = matches!(self.status, AgentStatus::Ready);
        let is_idle = matches!(self.state, AgentState::Idle) && self.rests_until.is_none();
        is_ready && is_idle && self.phone_reachable
    }
}

/// Offers missed since signing in, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MissedCounts {
    /// Rang out.
    pub no_answer: u32,
    /// Declined.
    pub rejected: u32,
    /// The phone was busy.
    pub busy: u32,
    /// The phone could not be reached.
    pub unreachable: u32,
    /// Anything else.
    pub error: u32,
}

impl MissedCounts {
    pub(crate) fn count(&mut self, cause: MissedCause) {
        let counter = match cause {
            MissedCause::NoAnswer => &mut self.no_answer,
            MissedCause::Rejected => &mut self.rejected,
            MissedCause::Busy => &mut self.busy,
            MissedCause::Unreachable => &mut self.unreachable,
            MissedCause::Error => &mut self.error,
        };
        *counter = counter.saturating_add(1);
    }

    /// How many there were of one cause.
    pub const fn of(&self, cause: MissedCause) -> u32 {
        match cause {
            MissedCause::NoAnswer => self.no_answer,
            MissedCause::Rejected => self.rejected,
            MissedCause::Busy => self.busy,
            MissedCause::Unreachable => self.unreachable,
            MissedCause::Error => self.error,
        }
    }
}

/// One queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueView {
    /// Which.
    pub queue: QueueId,
    /// Callers in it, those included whose call is being offered.
    pub waiting: u32,
    /// Those in it who are called back.
    pub callbacks: u32,
    /// How many of both are being offered.
    pub offered: u32,
    /// When the caller who waits longest entered.
    pub longest_since: Option<Mono>,
    /// What the agents who serve it are doing.
    pub agents: AgentTotals,
    /// Within its hours.
    pub open: bool,
}

/// A caller's place in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// In which queue.
    pub queue: QueueId,
    /// 1 is next. Those being offered still count: an offer that is missed sets nobody back.
    pub position: u32,
    /// Everyone in the queue, those who are called back included.
    pub waiting: u32,
    /// When the caller entered.
    pub entered: Mono,
}
