//! One agent: status, activity, and what may be asked for in each.

use model::{
    AgentAction, AgentId, AgentState, AgentStatus, CallId, Mono, NotReadyReason, OfferId, Tier,
};

use crate::view::{AgentView, MissedCounts};

/// An agent's place in the table, which is in the order of the agents' ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgentIndex(pub(crate) u32);

/// What the engine is doing with an agent. Whoever is not `Idle` is `Ready` by status: what an
/// agent asks for meanwhile is kept in `next_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Idle,
    Reserved { call: CallId, offer: OfferId },
    Ringing { call: CallId, offer: OfferId },
    Talking { call: CallId },
    Acw { call: CallId, until: Mono, at_most: Mono },
}

/// One agent.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) tier: Tier,
    pub(crate) acw_ms: u64,
    /// The queues served, each with the step that opens it to the agent's tier.
    pub(crate) serves: Vec<Serves>,
    pub(crate) status: AgentStatus,
    pub(crate) activity: Activity,
    pub(crate) next_status: Option<AgentStatus>,
    pub(crate) reachable: bool,
    /// Since when status and state are these.
    pub(crate) since: Mono,
    /// Since when the agent could take a call, or could have but for one that hung up.
    pub(crate) idle_since: Mono,
    pub(crate) missed: MissedCounts,
}

/// That an agent serves a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Serves {
    /// The queue's place in the table.
    pub(crate) queue: u32,
    /// The place of the step that opens it to the agent's tier.
    pub(crate) step: usize,
}

impl Agent {
    pub(crate) const fn state(&self) -> AgentState {
        match self.activity {
            Activity::Idle => AgentState::Idle,
            Activity::Reserved { .. } => AgentState::Reserved,
            Activity::Ringing { .. } => AgentState::Ringing,
            Activity::Talking { .. } => AgentState::Talking,
            Activity::Acw { .. } => AgentState::Acw,
        }
    }

    /// Whether the agent could be offered a call now.
    pub(crate) const fn is_available(&self) -> bool {
        match (self.status, self.activity) {
            (AgentStatus::Ready, Activity::Idle) => self.reachable,
            (AgentStatus::SignedOut | AgentStatus::NotReady { .. } | AgentStatus::Ready, _) => {
                false
            }
        }
    }

    /// Becomes idle with the status that was to come, at the end of all work.
    pub(crate) fn finish(&mut self, now: Mono) {
        self.activity = Activity::Idle;
        self.idle_since = now;
        let status = self.next_status.take().unwrap_or(AgentStatus::Ready);
        self.set_status(status);
    }

    /// Sets the status of an idle agent. Nobody is ready whose phone cannot be rung.
    pub(crate) fn set_status(&mut self, status: AgentStatus) {
        let unreachable = AgentStatus::NotReady { reason: NotReadyReason::Unreachable };
        self.status = match status {
            AgentStatus::Ready if !self.reachable => unreachable,
            AgentStatus::SignedOut | AgentStatus::NotReady { .. } | AgentStatus::Ready => status,
        };
    }

    pub(crate) fn view(&self) -> AgentView {
        let (call, offer, acw_until) = match self.activity {
            Activity::Idle => (None, None, None),
            Activity::Reserved { call, offer } | Activity::Ringing { call, offer } => {
                (Some(call), Some(offer), None)
            }
            Activity::Talking { call } => (Some(call), None, None),
            Activity::Acw { call, until, .. } => (Some(call), None, Some(until)),
        };
        AgentView {
            agent: self.id.clone(),
            tier: self.tier,
            status: self.status,
            state: self.state(),
            call,
            offer,
            since: self.since,
            next_status: self.next_status,
            acw_until,
            phone_reachable: self.reachable,
            allowed: self.allowed(),
            missed: self.missed,
        }
    }

    /// What the agent may ask for now.
    fn allowed(&self) -> &'static [AgentAction] {
        use AgentAction::{ExtendAcw, HangUp, NotReady, Ready, SignOut, WrapUp};
        match (self.activity, self.status, self.reachable) {
            (Activity::Idle, AgentStatus::SignedOut, true) => &[Ready, NotReady],
            (Activity::Idle, AgentStatus::SignedOut, false) => &[NotReady],
            (Activity::Idle, AgentStatus::NotReady { .. }, true) => &[Ready, NotReady, SignOut],
            (Activity::Idle, AgentStatus::NotReady { .. } | AgentStatus::Ready, _) => {
                &[NotReady, SignOut]
            }
            (Activity::Reserved { .. }, _, _) => match self.next_status {
                Some(_) => &[Ready, NotReady, SignOut],
                None => &[NotReady, SignOut],
            },
            (Activity::Ringing { .. } | Activity::Talking { .. }, _, _) => match self.next_status {
                Some(_) => &[Ready, NotReady, SignOut, HangUp],
                None => &[NotReady, SignOut, HangUp],
            },
            (Activity::Acw { .. }, _, true) => &[Ready, NotReady, SignOut, ExtendAcw, WrapUp],
            (Activity::Acw { .. }, _, false) => &[NotReady, SignOut, ExtendAcw, WrapUp],
        }
    }
}
