//! The record of one call, as reports, inspectors and the law ask for it.

use model::{
    AgentId, CallId, Certificate, Decision, Direction, HangupCause, LegId, LegRole, LineQuality,
    MissedCause, OfferId, Outcome, OverflowTarget, Pii, QueueId, RecordingId, Seal, Target, Tier,
    TransferEnd, TransferKind, TrunkId, UserId, Wall,
};

/// One call. There is exactly one per call; it is written when the call ends, and again when its
/// recordings are sealed or the agent has wrapped up.
///
/// Durations are measured on the engine's monotonic clock. They are `None` where the thing did not
/// happen, and where the engine was lost before its end was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// Who began it.
    pub direction: Direction,
    /// The line it came on, or went out over last; empty for a call between agents.
    pub trunk: TrunkId,
    /// The number of the one outside: who called, as the carrier wrote it, or was called. Of a call
    /// between agents, who called.
    pub ani: Pii<String>,
    /// Our number: what they dialled, or were shown; or the colleague or queue that was called.
    pub dnis: String,
    /// The number that was dialled first, where a line that is believed says that there was one.
    pub diverted_from: Option<Pii<String>>,
    /// The call whose caller asked to be called back by this one.
    pub callback_of: Option<CallId>,
    /// SIP's Call-ID of the caller's leg, for comparing with a carrier.
    pub sip_call_id: String,
    /// When the INVITE came.
    pub arrived: Wall,
    /// When we answered the caller.
    pub answered: Option<Wall>,
    /// When it first entered a queue.
    pub queued: Option<Wall>,
    /// When an agent answered.
    pub agent_answered: Option<Wall>,
    /// When it ended.
    pub ended: Wall,
    /// The menu's nodes in the order they were entered, at most [`CallRecord::MENU_LIMIT`].
    pub menu_path: Vec<String>,
    /// What was keyed and where, masked where it identifies a person; at most
    /// [`CallRecord::MENU_LIMIT`].
    pub inputs: Vec<Input>,
    /// The last queue it was in.
    pub queue: Option<QueueId>,
    /// The highest tier that became eligible while it waited.
    pub tier: Option<Tier>,
    /// From entering the queue to the agent's answer, or to the end for a call nobody answered; all
    /// waits together where it was given to another queue.
    pub waited_ms: Option<u64>,
    /// How long the last offered agent's phone rang.
    pub rang_ms: Option<u64>,
    /// From the agent's answer to the end of the conversation, those after other waits included.
    pub talked_ms: Option<u64>,
    /// How long the agent worked afterwards.
    pub acw_ms: Option<u64>,
    /// Whom it was offered to, in order; at most [`CallRecord::OFFER_LIMIT`].
    pub offers: Vec<Offer>,
    /// Everyone who was in it or was rung, in order; at most [`CallRecord::LEG_LIMIT`].
    pub legs: Vec<CallLeg>,
    /// Whom it was given to, or who was asked about it, in order; at most
    /// [`CallRecord::TRANSFER_LIMIT`].
    pub transfers: Vec<Transfer>,
    /// Which queues did not take it, or kept it no longer, in order; at most
    /// [`CallRecord::OVERFLOW_LIMIT`].
    pub overflows: Vec<Overflow>,
    /// Who answered; of several the one who had the call last.
    pub agent: Option<AgentId>,
    /// How it ended, as a report counts it.
    pub outcome: Outcome,
    /// What the network or a party said at the end.
    pub cause: HangupCause,
    /// What the look-up said: `found`, `unknown`, `late` or `failed`.
    pub lookup: Option<String>,
    /// How long the look-up took.
    pub lookup_ms: Option<u64>,
    /// Whose call it was, if that is known.
    pub customer_id: Option<String>,
    /// What was taped, in order.
    pub recordings: Vec<Recording>,
    /// The code the agent chose.
    pub disposition: Option<String>,
    /// Whether nothing more is expected: every recording is sealed, every line measured and the
    /// agent's after-call work over. A later disposition may still change the record.
    pub settled: bool,
}

impl CallRecord {
    /// How many menu steps, and how many inputs, a record keeps.
    pub const MENU_LIMIT: usize = 200;
    /// How many offers a record keeps; the latest is always among them.
    pub const OFFER_LIMIT: usize = 100;
    /// How many legs a record keeps: the first ones.
    pub const LEG_LIMIT: usize = 100;
    /// How many transfers a record keeps: the first ones.
    pub const TRANSFER_LIMIT: usize = 100;
    /// How many overflows a record keeps: the first ones.
    pub const OVERFLOW_LIMIT: usize = 100;
    /// How many recordings a record keeps.
    pub const RECORDING_LIMIT: usize = 100;
}

/// Digits that were keyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The menu's node.
    pub node: String,
    /// The digits, masked where they identify a person.
    pub digits: String,
}

/// One offer to one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The offer.
    pub offer: OfferId,
    /// To whom.
    pub agent: AgentId,
    /// When.
    pub at: Wall,
    /// How long the phone rang; `None` if it never did.
    pub rang_ms: Option<u64>,
    /// Why it was not taken; `None` if it was, or if the caller left first.
    pub missed: Option<MissedCause>,
    /// Why it was this agent; `None` where no queue decided it.
    pub why: Option<Box<Decision>>,
}

/// One party's part in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLeg {
    /// The leg.
    pub leg: LegId,
    /// Whose.
    pub role: LegRole,
    /// When its INVITE came or left.
    pub began: Wall,
    /// When it was answered.
    pub answered: Option<Wall>,
    /// When it ended.
    pub ended: Option<Wall>,
    /// What the network or the party said at its end.
    pub cause: Option<HangupCause>,
    /// How good its line was; `None` where that was not measured.
    pub quality: Option<LineQuality>,
}

/// That a queue did not take a call, or kept it no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow {
    /// Which queue.
    pub queue: QueueId,
    /// Why: `closed`, `unstaffed`, `full`, `timed_out`, `emergency`, `chosen` or `moved`.
    pub why: String,
    /// Where it went.
    pub to: OverflowTarget,
    /// When.
    pub at: Wall,
}

/// That someone was brought into a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// By whom.
    pub by: AgentId,
    /// Whom.
    pub to: Target,
    /// To have the call, or to be asked about it first.
    pub kind: TransferKind,
    /// Whether the phone said so rather than the desktop.
    pub by_phone: bool,
    /// When.
    pub at: Wall,
    /// What became of it; `None` where the engine was lost before.
    pub end: Option<TransferEnd>,
    /// When that was.
    pub ended: Option<Wall>,
}

/// What a caller left who spoke with nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// For the people of this queue.
    pub mailbox: QueueId,
    /// When it was complete; nothing where too little was said, or the engine was lost meanwhile.
    pub left: Option<Wall>,
    /// Who has dealt with it, and when.
    pub done: Option<(UserId, Wall)>,
}

/// One recording of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The recording.
    pub recording: RecordingId,
    /// Whose conversation; of a message an empty name.
    pub agent: AgentId,
    /// Of a message: what is known of it.
    pub message: Option<Message>,
    /// The file, relative to the recordings' folder.
    pub path: String,
    /// When taping began.
    pub started: Wall,
    /// How often taping was interrupted.
    pub gaps: u32,
    /// How often someone paused it.
    pub pauses: u32,
    /// Whether it will never be whole: nothing was written, or it is not to be had.
    pub lost: bool,
    /// What makes it provable, once it is complete.
    pub seal: Option<Seal>,
    /// Whether it was completed after a crash.
    pub recovered: bool,
    /// Why it must not be deleted.
    pub held: Option<String>,
    /// Whether its time is over and its file is about to be removed: nothing keeps it any more.
    pub doomed: bool,
    /// When it was deleted, and the certificate of that.
    pub deleted: Option<(Wall, Certificate)>,
}
