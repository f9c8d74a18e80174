//! What a desktop is told.

use std::sync::Arc;

use model::{
    AgentAction, AgentId, AgentState, AgentStatus, AgentTotals, CallId, Direction, LegRole,
    LineQuality, Lookup, NotReadyReason, OfferId, Outcome, PauseReason, Pii, QueueId, RecordingId,
    Target, TransferEnd, TransferKind, TrunkId, Wall,
};

/// Where a call is, as a board shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallPhase {
    /// An agent calls out: the agent's phone rings, or the number is being reached.
    Dialling,
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
    /// The caller waits with music for someone whom the agent gives the call to.
    Transferring,
    /// The caller waits with music, or talks, while the agent asks someone.
    Consulting,
    /// Caller, agent and a third one talk.
    Conference,
    /// Over.
    Ended,
}

impl CallPhase {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dialling => "dialling",
            Self::Menu => "menu",
            Self::Queued => "queued",
            Self::Offered => "offered",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Transferring => "transferring",
            Self::Consulting => "consulting",
            Self::Conference => "conference",
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

/// Someone who is brought into a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestState {
    /// Whom.
    pub whom: Target,
    /// By whom.
    pub by: AgentId,
    /// To have the call, or to be asked about it first.
    pub kind: TransferKind,
    /// Whether they have answered.
    pub answered: bool,
    /// Whether the agent hears the caller.
    pub with_caller: bool,
}

/// How good the line of one party of a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartyLine {
    /// Whose.
    pub role: LegRole,
    /// Since the party came into the call.
    pub quality: LineQuality,
}

/// A colleague to whom a call can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    /// Who.
    pub agent: AgentId,
    /// Their own choice.
    pub status: AgentStatus,
    /// What the engine is doing with them.
    pub state: AgentState,
    /// Whether they could be asked now.
    pub available: bool,
}

/// A queue to which a call can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub queue: QueueId,
    /// Callers in it.
    pub waiting: u32,
    /// Agents of it who are ready and have nothing to do.
    pub idle: u32,
}

/// The most colleagues that [`Event::Targets`] tells.
pub const MAX_COLLEAGUES: usize = 50;

/// How long a newcomer to a queue is likely to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedWait {
    /// Half of them wait no longer, in milliseconds.
    pub median_ms: u64,
    /// Nine of ten wait no longer, in milliseconds.
    pub p90_ms: u64,
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
        /// For what they want to be `NotReady`, if that waits for someone's word.
        asks: Option<NotReadyReason>,
    },
    /// Who is calling and what they are insured for, before the phone rings.
    ScreenPop {
        /// Which call.
        call: CallId,
        /// Which offer of it; a call that was missed pops again under another one.
        offer: OfferId,
        /// The colleague who brings the call, and what for; none for a call of a queue.
        brought: Option<(TransferKind, AgentId)>,
        /// The caller's number.
        ani: Pii<String>,
        /// The dialled number.
        dnis: String,
        /// Whether the customer is to be called back, as they asked for.
        callback: bool,
        /// The queue that the caller waited in; none where an agent called them.
        queue: Option<QueueId>,
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
        /// Who began it.
        direction: Direction,
        /// The number of the one outside: the caller, or who is called.
        ani: Pii<String>,
        /// Our number: what was dialled, or is shown.
        dnis: String,
        /// The queue it waits or waited in.
        queue: Option<QueueId>,
        /// The agent it is offered to or talks with.
        agent: Option<AgentId>,
        /// The recording that runs, or ran last.
        recording: Option<RecordingId>,
        /// Why silence is taped now; none where voices are.
        recording_paused: Option<PauseReason>,
        /// Who is brought in beside caller and agent.
        guest: Option<GuestState>,
        /// How good the lines of its parties are, as far as that is known.
        lines: Vec<PartyLine>,
        /// How it ended.
        outcome: Option<Outcome>,
    },
    /// What became of bringing someone into a call, for the agent who asked.
    TransferEnded {
        /// Which call.
        call: CallId,
        /// Whom.
        to: Target,
        /// To have the call, or to be asked about it first.
        kind: TransferKind,
        /// What became of it.
        end: TransferEnd,
    },
    /// To whom a call can be given, as it was asked for.
    Targets {
        /// What was looked for.
        search: String,
        /// Colleagues, those who are free first; at most [`MAX_COLLEAGUES`].
        agents: Vec<Colleague>,
        /// Queues, by name.
        queues: Vec<Line>,
        /// Whether there are more colleagues than that.
        more: bool,
    },
    /// A queue's figures changed.
    QueueState {
        /// Which queue.
        queue: QueueId,
        /// Callers waiting for an agent or being offered to one.
        waiting: u32,
        /// Those beside them who are called back when their turn comes.
        callbacks: u32,
        /// How long the first of them has waited, in milliseconds, when this was said.
        longest_wait_ms: u64,
        /// How long who comes now is likely to wait; `None` while that is not known.
        expected: Option<ExpectedWait>,
        /// What the queue's agents are doing.
        agents: AgentTotals,
        /// Whether its hours are now; one without hours is open always.
        open: bool,
    },
    /// An emergency plan was put on or off.
    PlanState {
        /// Which.
        plan: Arc<str>,
        /// Whether it is on.
        on: bool,
    },
    /// A line's health or what it carries changed.
    TrunkState {
        /// Which line.
        trunk: TrunkId,
        /// Calls over it now, both ways.
        calls: u32,
        /// Calls that were refused since the engine's start, for their number or its limits.
        refused: u64,
        /// Where it calls out to; 0 for a line that does not.
        targets: u32,
        /// How many of those can be reached.
        reachable: u32,
        /// Whether its carrier has its registration; none where it does not register.
        registered: Option<bool>,
        /// When one of its targets answered a question last.
        answered_at: Option<Wall>,
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
            Self::TransferEnded { .. } => "transfer_ended",
            Self::Targets { .. } => "targets",
            Self::QueueState { .. } => "queue_state",
            Self::PlanState { .. } => "plan_state",
            Self::TrunkState { .. } => "trunk_state",
            Self::Alarm { .. } => "alarm",
        }
    }
}
