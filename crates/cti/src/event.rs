//! What a desktop is told.

use std::sync::Arc;

use model::{
    AgentAction, AgentId, AgentState, AgentStatus, AgentTotals, CallId, Lookup, OfferId, Outcome,
    Pii, QueueId, RecordingId, Wall,
};

/// Where a call is, as a board shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallPhase {
    /// In the menu.
    Menu,
    /// Waiting for an agent.
    Queued,
    /// Meant for an agent; the phone does not ring yet.
    Offered,
    /// The agent's phone rings.
    Ringing,
    /// Caller and agent talk.
    Talking,
    /// Over.
    Ended,
}

impl CallPhase {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Menu => "menu",
            Self::Queued => "queued",
            Self::Offered => "offered",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Ended => "ended",
        }
    }
}

/// What the caller keyed at one place of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuInput {
    /// The place, as the script names it.
    pub node: String,
    /// The digits; those that identify a person are masked already.
    pub digits: String,
}

/// Something a desktop is told. Every event tells a whole state, so that the same one twice, as in
/// a snapshot, changes nothing: a [`Event::ScreenPop`] is known by its offer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// An agent's status or state, or what the agent may ask for, changed.
    AgentState {
        /// Who.
        agent: AgentId,
        /// The agent's own choice, with its reason.
        status: AgentStatus,
        /// What the engine is doing with the agent.
        state: AgentState,
        /// Since when status and state are these.
        since: Wall,
        /// What was asked for and begins when the present work is over.
        next_status: Option<AgentStatus>,
        /// What may be asked for now.
        allowed: Vec<AgentAction>,
        /// The call that the agent is busy with.
        call: Option<CallId>,
        /// When after-call work ends by itself.
        acw_until: Option<Wall>,
        /// Whether the agent's phone can be rung.
        phone_reachable: bool,
    },
    /// Who is calling and what they are insured for, before the phone rings.
    ScreenPop {
        /// Which call.
        call: CallId,
        /// Which offer of it; a call that was missed pops again under another one.
        offer: OfferId,
        /// The caller's number.
        ani: Pii<String>,
        /// The dialled number.
        dnis: String,
        /// The queue that the caller waited in.
        queue: QueueId,
        /// How long, in milliseconds.
        waited_ms: u64,
        /// The places of the menu that the caller passed, in order.
        ivr_path: Vec<String>,
        /// What the caller keyed there.
        ivr_inputs: Vec<MenuInput>,
        /// The customer, or why there is none (yet).
        lookup: Lookup,
    },
    /// The look-up ended after the pop was shown.
    ScreenPopUpdate {
        /// Which call.
        call: CallId,
        /// The customer, or why there is none.
        lookup: Lookup,
    },
    /// A call moved on.
    CallState {
        /// Which call.
        call: CallId,
        /// Where it is now.
        phase: CallPhase,
        /// Since when.
        since: Wall,
        /// The caller's number.
        ani: Pii<String>,
        /// The dialled number.
        dnis: String,
        /// The queue it waits or waited in.
        queue: Option<QueueId>,
        /// The agent it is offered to or talks with.
        agent: Option<AgentId>,
        /// The recording that runs, or ran last.
        recording: Option<RecordingId>,
        /// How it ended.
        outcome: Option<Outcome>,
    },
    /// A queue's figures changed.
    QueueState {
        /// Which queue.
        queue: QueueId,
        /// Callers waiting for an agent or being offered to one.
        waiting: u32,
        /// How long the first of them has waited, in milliseconds, when this was said.
        longest_wait_ms: u64,
        /// What the queue's agents are doing.
        agents: AgentTotals,
    },
    /// Something an operator must see began or is over.
    Alarm {
        /// Its name.
        alarm: Arc<str>,
        /// False when it is over.
        raised: bool,
        /// What is wrong and what to do.
        detail: String,
    },
}

impl Event {
    /// The name on the wire.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::AgentState { .. } => "agent_state",
            Self::ScreenPop { .. } => "screen_pop",
            Self::ScreenPopUpdate { .. } => "screen_pop_update",
            Self::CallState { .. } => "call_state",
            Self::QueueState { .. } => "queue_state",
            Self::Alarm { .. } => "alarm",
        }
    }
}
