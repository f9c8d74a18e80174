//! Facts: what happened, appended once. Everything that is counted is a fold over them.

use std::sync::Arc;

use crate::{
    AgentDay, AgentId, AgentState, AgentStatus, CallId, Decision, DialogSnapshot, HangupCause,
    LegId, LineQuality, MissedCause, Mono, OfferId, Opened, Outcome, PauseReason, Pii, PromptId,
    QueueId, RecordingId, Target, Tier, TransferEnd, TransferKind, TrunkId, UnpauseCause, UserId,
    Wall,
    taping::{Certificate, Deletion},
};

/// The version of the shapes below. A fact of an older version is still read.
pub const SCHEMA_VERSION: u16 = 1;

/// One fact.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fact {
    /// Where it happened.
    pub site: u16,
    /// The engine's start count there.
    pub epoch: u32,
    /// Gap-free within the epoch, from 1.
    pub seq: u64,
    /// When, on the engine's clock.
    pub mono: Mono,
    /// When, for people.
    pub wall: Wall,
    /// [`SCHEMA_VERSION`] of the code that wrote it.
    pub version: u16,
    /// What.
    pub body: FactBody,
}

/// What a leg is in its call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum LegRole {
    /// The one who called in.
    Caller,
    /// An agent's phone.
    Agent(AgentId),
    /// A telephone outside that an agent brought in.
    Number(#[cfg_attr(feature = "serde", serde(with = "crate::stored"))] Pii<String>),
}

impl LegRole {
    /// Whose phone it is, if an agent's.
    pub const fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::Caller | Self::Number(_) => None,
        }
    }
}

/// Where a call goes that a queue does not take, or keeps no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum OverflowTarget {
    /// To another queue, with its place.
    Queue(QueueId),
    /// The caller hears this, and the call ends.
    Announcement(PromptId),
    /// To a telephone, over the lines that may call it.
    Number(#[cfg_attr(feature = "serde", serde(with = "crate::stored"))] Pii<String>),
    /// The caller may leave a message for the people of this queue.
    Mailbox(QueueId),
    /// The caller is called back: [`FactBody::CallbackBooked`] follows.
    Callback,
}

/// What was refused to someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RefusalKind {
    /// A missing permission.
    Forbidden,
    /// A wrong password.
    WrongPassword,
    /// Too many wrong passwords.
    LockedOut,
}

/// What makes a recording provable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seal {
    /// SHA-256 of the whole file, in hexadecimal.
    pub sha256: String,
    /// The file's length.
    pub bytes: u64,
    /// Frames a channel, at 8,000 a second.
    pub frames: u64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(tag = "type", rename_all = "snake_case"))]
#[expect(missing_docs, reason = "fields are named after the nouns of this crate")]
pub enum FactBody {
    /// The engine began an epoch.
    EngineStarted { code_version: String, config_sha256: String },
    /// The engine ended an epoch in order.
    EngineStopped,

    /// An INVITE came and was accepted for handling.
    CallArrived {
        call: CallId,
        leg: LegId,
        trunk: TrunkId,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        ani: Pii<String>,
        dnis: String,
        sip_call_id: String,
    },
    /// The call was for another number first and was diverted here, as a believed line says.
    CallDiverted {
        call: CallId,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        number: Pii<String>,
    },
    /// An agent calls a number outside; `shown` is the number that the called party sees.
    CallPlaced {
        call: CallId,
        agent: AgentId,
        trunk: TrunkId,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        number: Pii<String>,
        shown: String,
    },
    /// An agent calls a colleague, or a queue as a caller does, over no line; `leg` is theirs.
    CalledInside { call: CallId, leg: LegId, agent: AgentId, to: Target },
    /// The INVITE to an agent's phone left without an offer: the agent makes the call, or a
    /// colleague calls them.
    PhoneRung { call: CallId, leg: LegId, agent: AgentId },
    /// The one whom an agent called answered.
    NumberAnswered { call: CallId, leg: LegId, agent: AgentId },
    /// We sent 200 to the caller.
    CallAnswered { call: CallId },
    /// A dialog can now be ended by a BYE: kept so that a restarted engine can.
    DialogEstablished {
        call: CallId,
        leg: LegId,
        role: LegRole,
        dialog: DialogSnapshot,
        /// The line whose carrier is at the other end, where that may be told the line's account.
        #[cfg_attr(feature = "serde", serde(default))]
        trunk: Option<TrunkId>,
    },
    /// The menu moved to a node.
    MenuEntered { call: CallId, node: String },
    /// The caller keyed digits; those that identify a person are masked.
    DigitsCollected { call: CallId, node: String, digits: String },
    /// It is known who calls, or that it is not (`found`, `unknown`, `late`, `failed`).
    LookupEnded { call: CallId, result: String, customer_id: Option<String>, took_ms: u64 },

    /// The call entered a queue. `entered` is the time that counts for its place; whoever takes it
    /// must hold `permission`, if that is named.
    Queued {
        call: CallId,
        queue: QueueId,
        entered: Mono,
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        permission: Option<String>,
    },
    /// A queue does not take the call, or keeps it no longer: it is `closed`, `unstaffed` or
    /// `full`, the call has `timed_out`, an `emergency` plan is on, the caller has `chosen`
    /// something else, or a supervisor `moved` it. [`FactBody::Queued`] follows where it goes to
    /// another queue. Once more where the first place that the queue names was none for the caller.
    Overflowed { call: CallId, queue: QueueId, why: String, to: OverflowTarget },
    /// The caller hangs up and is called back: `call` keeps its place in line, which it entered at
    /// `entered`; whoever takes it must hold `permission`, if that is named.
    CallbackBooked {
        call: CallId,
        queue: QueueId,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        number: Pii<String>,
        permission: Option<String>,
        entered: Wall,
    },
    /// A callback's turn has come: `call` is the one by which the customer is called back who
    /// asked for it in `callback`.
    CallbackBegun {
        call: CallId,
        callback: CallId,
        queue: QueueId,
        trunk: TrunkId,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        number: Pii<String>,
        shown: String,
    },
    /// The customer was not reached; tried again at `again_at`, or never.
    CallbackMissed { call: CallId, attempt: u32, cause: MissedCause, again_at: Option<Wall> },
    /// What became of a callback: `reached` by the call `by`, `gave_up`, `expired`, `cancelled`, or
    /// `rejoined` where the customer dialled again and the call `by` has the place.
    CallbackEnded { call: CallId, end: String, by: Option<CallId> },
    /// A step of its queue opened a waiting call to more agents: those of a tier, or of all.
    TierReached {
        call: CallId,
        queue: QueueId,
        tier: Option<Tier>,
        /// Its number, from 1; 0 where an older engine did not say.
        #[cfg_attr(feature = "serde", serde(default))]
        step: u32,
        #[cfg_attr(feature = "serde", serde(default))]
        why: Opened,
    },
    /// A call was reserved for an agent; one that an agent made and gives away has no queue.
    Offered {
        call: CallId,
        offer: OfferId,
        queue: Option<QueueId>,
        agent: AgentId,
        /// Why this agent, where a queue decided it.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        why: Option<Box<Decision>>,
    },
    /// The screen pop left for the agent's desktop; `desktop` is false where none is connected.
    Popped { call: CallId, offer: OfferId, agent: AgentId, desktop: bool },
    /// The INVITE to the agent's phone left.
    Rang { call: CallId, offer: OfferId, agent: AgentId, leg: LegId },
    /// The agent did not take the call; it keeps its place.
    Missed { call: CallId, offer: OfferId, agent: AgentId, cause: MissedCause },
    /// The agent answered.
    AgentAnswered { call: CallId, offer: OfferId, agent: AgentId, leg: LegId },
    /// An agent asked for someone: to have the call, or to be asked about it. `by_phone` where the
    /// phone said so by REFER rather than the desktop.
    TransferBegun { call: CallId, by: AgentId, to: Target, kind: TransferKind, by_phone: bool },
    /// The INVITE to a telephone outside left.
    Dialled {
        call: CallId,
        leg: LegId,
        #[cfg_attr(feature = "serde", serde(with = "crate::stored"))]
        number: Pii<String>,
    },
    /// Who is asked about a call answered; the caller waits with music.
    GuestAnswered { call: CallId, leg: LegId, role: LegRole },
    /// Caller, agent and guest hear each other.
    ConferenceBegun { call: CallId, by: AgentId, leg: LegId },
    /// The call is another one's from now on.
    CallTaken { call: CallId, leg: LegId, role: LegRole },
    /// What became of it.
    TransferEnded { call: CallId, by: AgentId, to: Target, kind: TransferKind, end: TransferEnd },
    /// The party of a leg put the other side on hold: it hears nothing, the other side music.
    Held { call: CallId, leg: LegId, role: LegRole },
    /// It took the other side back.
    Retrieved { call: CallId, leg: LegId, role: LegRole },
    /// The INVITE to a telephone outside left over this line; once more where another is tried.
    TrunkTried { call: CallId, leg: LegId, trunk: TrunkId, target: String },
    /// A leg ended.
    LegEnded {
        call: CallId,
        leg: LegId,
        role: LegRole,
        cause: HangupCause,
        /// How good its line was is known in a moment: [`FactBody::LegMeasured`] follows.
        #[cfg_attr(feature = "serde", serde(default))]
        measured: bool,
    },
    /// How good the line of a leg was that ended: over its whole life.
    LegMeasured { call: CallId, leg: LegId, quality: LineQuality },
    /// The call is over. The last fact of every call but for its recording and wrap-up, and for
    /// how good its lines were.
    CallEnded { call: CallId, outcome: Outcome, cause: HangupCause },
    /// The agent chose a disposition.
    WrappedUp { call: CallId, agent: AgentId, disposition: String },

    /// Taping began; `path` is relative to the recordings' folder. Of a message there is no agent
    /// (the name is empty), and it is for the people of the queue `mailbox`.
    RecordingStarted {
        call: CallId,
        recording: RecordingId,
        agent: AgentId,
        path: String,
        #[cfg_attr(feature = "serde", serde(default))]
        mailbox: Option<QueueId>,
    },
    /// A caller left a message: it is there to be heard and dealt with. What was too short for one
    /// has no such fact.
    MessageLeft { call: CallId, recording: RecordingId, mailbox: QueueId, length_ms: u64 },
    /// Somebody has dealt with a message.
    MessageDone { call: CallId, recording: RecordingId, by: UserId },
    /// Taping failed or was interrupted; the call went on.
    RecordingGap { call: CallId, recording: RecordingId, error: String },
    /// Taping works again.
    RecordingResumed { call: CallId, recording: RecordingId },
    /// Someone paused taping: from here on there is silence in place.
    RecordingPaused { call: CallId, recording: RecordingId, by: UserId, reason: PauseReason },
    /// The pause is over; `by` where someone ended it.
    RecordingUnpaused {
        call: CallId,
        recording: RecordingId,
        by: Option<UserId>,
        cause: UnpauseCause,
    },
    /// There will never be a whole recording: nothing was written, or it is not to be had.
    RecordingLost { call: CallId, recording: RecordingId, error: String },
    /// The recording is complete. `recovered` after a crash.
    RecordingSealed { call: CallId, recording: RecordingId, seal: Seal, recovered: bool },

    /// Its file is the archive of what was sealed from here on: so many bytes, with this SHA-256 in
    /// hexadecimal digits.
    RecordingArchived { call: CallId, recording: RecordingId, bytes: u64, sha256: String },
    /// The recording must not be deleted.
    RecordingHeld { call: CallId, recording: RecordingId, by: UserId, why: String },
    /// It may be deleted again when its time is over.
    RecordingReleased { call: CallId, recording: RecordingId, by: UserId },
    /// Its time is over: what is in its file was noted, and the file is about to be removed.
    RecordingDoomed { call: CallId, recording: RecordingId, deletion: Box<Deletion> },
    /// Its file was removed: the certificate of that.
    RecordingDeleted {
        call: CallId,
        recording: RecordingId,
        deletion: Box<Deletion>,
        certificate: Box<Certificate>,
    },

    /// A caller was put forward in their queue by what is known of them, or waits for one agent
    /// alone for `prefers_ms`; `why` lists the reasons, with commas between.
    Prioritised {
        call: CallId,
        head_start_ms: u64,
        why: String,
        preferred: Option<AgentId>,
        prefers_ms: u64,
    },
    /// A supervisor steered: `what` was done, as the command is named, to a call or an agent;
    /// `detail` says more (a queue, a status, a reason, a time). Also that the configuration was
    /// changed (`configure`) by a user, by a signal (`hangup`) or in the table of accounts
    /// (`accounts`), and that a queue which is configured no more is gone (`queue_gone`).
    Steered {
        by: UserId,
        what: String,
        call: Option<CallId>,
        agent: Option<AgentId>,
        detail: String,
    },
    /// An emergency plan was put on or off.
    PlanSwitched { plan: String, on: bool, by: UserId },
    /// An agent's status or state changed.
    AgentChanged {
        agent: AgentId,
        status: AgentStatus,
        state: AgentState,
        call: Option<CallId>,
        /// The status that follows when the agent is done with the call, where that is another:
        /// the one of after a restart, too.
        #[cfg_attr(feature = "serde", serde(default))]
        next: Option<AgentStatus>,
        /// What the agent's day has come to.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        day: Option<Box<AgentDay>>,
    },
    /// A phone registered, or renewed; `expires` on the wall clock, so that it outlives a restart.
    Registered {
        aor: String,
        contact: String,
        path: Vec<String>,
        flow: String,
        sip_call_id: String,
        cseq: u32,
        expires: Wall,
        /// The phone said that it takes OPTIONS.
        #[cfg_attr(feature = "serde", serde(default))]
        answers_options: bool,
        /// The phone's own identity (`+sip.instance`, RFC 5626 §4.1), if it tells one.
        #[cfg_attr(feature = "serde", serde(default))]
        instance: Option<String>,
        /// Which of its own ways this is (`reg-id`), if it has several.
        #[cfg_attr(feature = "serde", serde(default))]
        reg_id: Option<u32>,
    },
    /// A phone's registration is gone.
    Unregistered { aor: String, contact: String },

    /// Someone signed in on the web.
    SessionOpened { user: UserId, source: String },
    /// Something was refused, and to whom.
    Refused { user: Option<UserId>, source: String, kind: RefusalKind, what: String },
    /// Someone saw personal data unmasked.
    Unmasked { user: UserId, what: String },
    /// Someone played a recording.
    Played { user: UserId, recording: RecordingId, call: CallId },
    /// Someone looked at a call's SIP messages.
    Traced { user: UserId, call: CallId },
    /// A target of a line answers again.
    TrunkReachable { trunk: TrunkId, target: String },
    /// It does not answer, or asks to be left alone: calls do not go there.
    TrunkUnreachable { trunk: TrunkId, target: String },
    /// The hours of a queue began or ended, or this is how they are when the engine starts; `why`
    /// says what the day is: a `weekday`, a `holiday`, a `make_up` day or one with `own_hours`; or
    /// that the queue has `no_hours` any more.
    HoursChanged { queue: QueueId, open: bool, why: String },
    /// A line is registered with its carrier.
    TrunkRegistered { trunk: TrunkId },
    /// It is not; the carrier's last answer, if there was one.
    TrunkUnregistered { trunk: TrunkId, status: Option<u16> },
    /// Something an operator must see.
    AlarmRaised { alarm: Arc<str>, detail: String },
    /// It is over.
    AlarmCleared { alarm: Arc<str> },
}

impl FactBody {
    /// The name on the wire and in the store: the tag of the serialized form.
    #[expect(clippy::too_many_lines, reason = "a table: a line for each fact")]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::EngineStarted { .. } => "engine_started",
            Self::EngineStopped => "engine_stopped",
            Self::CallArrived { .. } => "call_arrived",
            Self::CallDiverted { .. } => "call_diverted",
            Self::CallPlaced { .. } => "call_placed",
            Self::CalledInside { .. } => "called_inside",
            Self::PhoneRung { .. } => "phone_rung",
            Self::NumberAnswered { .. } => "number_answered",
            Self::CallAnswered { .. } => "call_answered",
            Self::DialogEstablished { .. } => "dialog_established",
            Self::MenuEntered { .. } => "menu_entered",
            Self::DigitsCollected { .. } => "digits_collected",
            Self::LookupEnded { .. } => "lookup_ended",
            Self::Queued { .. } => "queued",
            Self::Overflowed { .. } => "overflowed",
            Self::CallbackBooked { .. } => "callback_booked",
            Self::CallbackBegun { .. } => "callback_begun",
            Self::CallbackMissed { .. } => "callback_missed",
            Self::CallbackEnded { .. } => "callback_ended",
            Self::TierReached { .. } => "tier_reached",
            Self::Offered { .. } => "offered",
            Self::Popped { .. } => "popped",
            Self::Rang { .. } => "rang",
            Self::Missed { .. } => "missed",
            Self::AgentAnswered { .. } => "agent_answered",
            Self::TransferBegun { .. } => "transfer_begun",
            Self::Dialled { .. } => "dialled",
            Self::GuestAnswered { .. } => "guest_answered",
            Self::ConferenceBegun { .. } => "conference_begun",
            Self::CallTaken { .. } => "call_taken",
            Self::TransferEnded { .. } => "transfer_ended",
            Self::Held { .. } => "held",
            Self::Retrieved { .. } => "retrieved",
            Self::TrunkTried { .. } => "trunk_tried",
            Self::LegEnded { .. } => "leg_ended",
            Self::LegMeasured { .. } => "leg_measured",
            Self::CallEnded { .. } => "call_ended",
            Self::WrappedUp { .. } => "wrapped_up",
            Self::RecordingStarted { .. } => "recording_started",
            Self::MessageLeft { .. } => "message_left",
            Self::MessageDone { .. } => "message_done",
            Self::RecordingGap { .. } => "recording_gap",
            Self::RecordingResumed { .. } => "recording_resumed",
            Self::RecordingPaused { .. } => "recording_paused",
            Self::RecordingUnpaused { .. } => "recording_unpaused",
            Self::RecordingLost { .. } => "recording_lost",
            Self::RecordingSealed { .. } => "recording_sealed",
            Self::RecordingArchived { .. } => "recording_archived",
            Self::RecordingHeld { .. } => "recording_held",
            Self::RecordingReleased { .. } => "recording_released",
            Self::RecordingDoomed { .. } => "recording_doomed",
            Self::RecordingDeleted { .. } => "recording_deleted",
            Self::Prioritised { .. } => "prioritised",
            Self::Steered { .. } => "steered",
            Self::PlanSwitched { .. } => "plan_switched",
            Self::AgentChanged { .. } => "agent_changed",
            Self::Registered { .. } => "registered",
            Self::Unregistered { .. } => "unregistered",
            Self::SessionOpened { .. } => "session_opened",
            Self::Refused { .. } => "refused",
            Self::Unmasked { .. } => "unmasked",
            Self::Played { .. } => "played",
            Self::Traced { .. } => "traced",
            Self::TrunkReachable { .. } => "trunk_reachable",
            Self::TrunkUnreachable { .. } => "trunk_unreachable",
            Self::HoursChanged { .. } => "hours_changed",
            Self::TrunkRegistered { .. } => "trunk_registered",
            Self::TrunkUnregistered { .. } => "trunk_unregistered",
            Self::AlarmRaised { .. } => "alarm_raised",
            Self::AlarmCleared { .. } => "alarm_cleared",
        }
    }

    /// The call this fact belongs to, if any.
    #[expect(clippy::too_many_lines, reason = "a table: a line for each fact")]
    pub const fn call(&self) -> Option<CallId> {
        match self {
            Self::CallArrived { call, .. }
            | Self::CallDiverted { call, .. }
            | Self::CallPlaced { call, .. }
            | Self::CalledInside { call, .. }
            | Self::PhoneRung { call, .. }
            | Self::NumberAnswered { call, .. }
            | Self::CallAnswered { call }
            | Self::DialogEstablished { call, .. }
            | Self::MenuEntered { call, .. }
            | Self::DigitsCollected { call, .. }
            | Self::LookupEnded { call, .. }
            | Self::Queued { call, .. }
            | Self::Overflowed { call, .. }
            | Self::CallbackBooked { call, .. }
            | Self::CallbackBegun { call, .. }
            | Self::CallbackMissed { call, .. }
            | Self::CallbackEnded { call, .. }
            | Self::TierReached { call, .. }
            | Self::Offered { call, .. }
            | Self::Popped { call, .. }
            | Self::Rang { call, .. }
            | Self::Missed { call, .. }
            | Self::AgentAnswered { call, .. }
            | Self::TransferBegun { call, .. }
            | Self::Dialled { call, .. }
            | Self::GuestAnswered { call, .. }
            | Self::ConferenceBegun { call, .. }
            | Self::CallTaken { call, .. }
            | Self::TransferEnded { call, .. }
            | Self::Held { call, .. }
            | Self::Retrieved { call, .. }
            | Self::TrunkTried { call, .. }
            | Self::LegEnded { call, .. }
            | Self::LegMeasured { call, .. }
            | Self::CallEnded { call, .. }
            | Self::WrappedUp { call, .. }
            | Self::RecordingStarted { call, .. }
            | Self::MessageLeft { call, .. }
            | Self::MessageDone { call, .. }
            | Self::RecordingGap { call, .. }
            | Self::RecordingResumed { call, .. }
            | Self::RecordingPaused { call, .. }
            | Self::RecordingUnpaused { call, .. }
            | Self::RecordingLost { call, .. }
            | Self::RecordingSealed { call, .. }
            | Self::RecordingArchived { call, .. }
            | Self::RecordingHeld { call, .. }
            | Self::RecordingReleased { call, .. }
            | Self::RecordingDoomed { call, .. }
            | Self::RecordingDeleted { call, .. }
            | Self::Prioritised { call, .. }
            | Self::Played { call, .. }
            | Self::Traced { call, .. } => Some(*call),
            Self::AgentChanged { call, .. } | Self::Steered { call, .. } => *call,
            Self::EngineStarted { .. }
            | Self::EngineStopped
            | Self::Registered { .. }
            | Self::Unregistered { .. }
            | Self::SessionOpened { .. }
            | Self::Refused { .. }
            | Self::Unmasked { .. }
            | Self::TrunkReachable { .. }
            | Self::TrunkUnreachable { .. }
            | Self::HoursChanged { .. }
            | Self::PlanSwitched { .. }
            | Self::TrunkRegistered { .. }
            | Self::TrunkUnregistered { .. }
            | Self::AlarmRaised { .. }
            | Self::AlarmCleared { .. } => None,
        }
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;
    use crate::Id;

    #[test]
    fn a_kind_is_the_tag_of_the_serialized_form() {
        let call = CallId(Id::new(1, 1, 1));
        let bodies = [
            FactBody::EngineStopped,
            FactBody::CallAnswered { call },
            FactBody::RecordingGap { call, recording: RecordingId(Id(2)), error: String::new() },
            FactBody::Unmasked { user: UserId::from("qa"), what: String::new() },
        ];
        for body in bodies {
            let tag = serde_json::to_value(&body).unwrap()["type"].clone();
            assert_eq!(tag, body.kind());
        }
    }
}
