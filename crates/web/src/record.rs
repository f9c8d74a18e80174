//! Calls and recordings as JSON, personal data masked for those who may not see it. The doc
//! comments here are the protocol's reference: OpenAPI and `docs/protocol.md` show them.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use model::{CallId, LegRole, OverflowTarget, Target};
use report::CallRecord;
use serde::Serialize;
use utoipa::ToSchema;

use crate::line::LineBody;
use crate::names::{
    CauseName, DirectionName, LegRoleName, MissedName, OutcomeName, TransferEndName,
    TransferKindName, sip_status,
};
use crate::time::rfc3339;
use crate::wire::{InputData, Sight};

/// Frames a channel, a second, of every recording.
const FRAMES_A_SECOND: u64 = 8_000;

/// One call that is over. Durations are measured on a clock that never jumps; they are null where
/// the thing did not happen, or where the engine was lost before its end.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallBody<'a> {
    /// The call.
    call_id: String,
    /// Who began it.
    direction: DirectionName,
    /// The line that it came on, or went out over last.
    trunk: &'a str,
    /// The number of the one outside, who called or was called; masked without `customer.unmask`.
    ani: Cow<'a, str>,
    /// Our number: the one that was dialled, or that the called one was shown.
    dnis: &'a str,
    /// The number that was dialled first, where the call was diverted here; masked without
    /// `customer.unmask`.
    diverted_from: Option<Cow<'a, str>>,
    /// The call whose caller asked to be called back by this one.
    callback_of: Option<String>,
    /// SIP's Call-ID of the leg of the one outside.
    sip_call_id: &'a str,
    /// When it came, RFC 3339 with offset.
    arrived_at: String,
    /// When the engine answered it, RFC 3339 with offset.
    answered_at: Option<String>,
    /// When it first entered a queue, RFC 3339 with offset.
    queued_at: Option<String>,
    /// When an agent answered it, RFC 3339 with offset.
    agent_answered_at: Option<String>,
    /// When it ended, RFC 3339 with offset.
    ended_at: String,
    /// The places of the menu that the caller passed, in order.
    menu_path: &'a [String],
    /// What the caller keyed.
    inputs: Vec<InputData<'a>>,
    /// The last queue that it was in.
    queue: Option<&'a str>,
    /// The highest tier that became eligible while it waited.
    tier: Option<u8>,
    /// From entering the queue to the agent's answer or the end, in milliseconds.
    waited_ms: Option<u64>,
    /// How long the last offered agent's phone rang, in milliseconds.
    rang_ms: Option<u64>,
    /// How long caller and agent talked, in milliseconds.
    talked_ms: Option<u64>,
    /// How long the agent worked afterwards, in milliseconds.
    acw_ms: Option<u64>,
    /// Whom it was offered to, in order.
    offers: Vec<OfferBody<'a>>,
    /// Everyone who was in it or was rung, in order.
    legs: Vec<LegBody<'a>>,
    /// Whom it was given to, or who was asked about it, in order.
    transfers: Vec<TransferBody<'a>>,
    /// Which queues did not take it, or kept it no longer, in order.
    overflows: Vec<OverflowBody<'a>>,
    /// Who answered; of several the one who had the call last.
    agent_id: Option<&'a str>,
    /// How it ended.
    outcome: OutcomeName,
    /// What the network or a party said at the end.
    cause: CauseName,
    /// The SIP status, where `cause` is `response`.
    sip_status: Option<u16>,
    /// What the look-up said: `found`, `unknown`, `late` or `failed`.
    lookup: Option<&'a str>,
    /// How long the look-up took, in milliseconds.
    lookup_ms: Option<u64>,
    /// Whose call it was, where that is known.
    customer_id: Option<&'a str>,
    /// What was recorded, in order.
    recordings: Vec<RecordingBody<'a>>,
    /// The code that the agent chose at wrap-up.
    disposition: Option<&'a str>,
    /// Whether nothing more is expected: recordings sealed, lines measured, after-call work over.
    settled: bool,
}

/// One offer of a call to an agent.
#[derive(Serialize, ToSchema)]
pub(crate) struct OfferBody<'a> {
    /// The offer.
    offer_id: String,
    /// To whom.
    agent_id: &'a str,
    /// When, RFC 3339 with offset.
    at: String,
    /// How long the phone rang, in milliseconds; null if it never did.
    rang_ms: Option<u64>,
    /// Why it was not taken; null if it was, or if the caller left first.
    missed: Option<MissedName>,
}

/// One party's part in a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegBody<'a> {
    /// The leg.
    leg_id: String,
    /// What the party is.
    role: LegRoleName,
    /// The agent, where it is one.
    agent_id: Option<&'a str>,
    /// The telephone outside, where it is one; masked without `customer.unmask`.
    number: Option<Cow<'a, str>>,
    /// When its INVITE came or left, RFC 3339 with offset.
    began_at: String,
    /// When it was answered, RFC 3339 with offset.
    answered_at: Option<String>,
    /// When it ended, RFC 3339 with offset.
    ended_at: Option<String>,
    /// What the network or the party said at its end.
    cause: Option<CauseName>,
    /// The SIP status, where `cause` is `response`.
    sip_status: Option<u16>,
    /// How good its line was; null where that was not measured.
    line: Option<LineBody>,
}

/// That someone was brought into a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransferBody<'a> {
    /// By which agent.
    by: &'a str,
    /// The colleague, where it is one.
    agent_id: Option<&'a str>,
    /// The queue, where it is one.
    queue: Option<&'a str>,
    /// The telephone outside, where it is one; masked without `customer.unmask`.
    number: Option<Cow<'a, str>>,
    /// To have the call, or to be asked about it first.
    kind: TransferKindName,
    /// Whether the phone said so, by REFER, rather than the desktop.
    by_phone: bool,
    /// When, RFC 3339 with offset.
    at: String,
    /// What became of it; null where the engine was lost before.
    end: Option<TransferEndName>,
    /// When that was, RFC 3339 with offset.
    ended_at: Option<String>,
}

/// That a queue did not take a call, or kept it no longer.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverflowBody<'a> {
    /// The queue.
    queue: &'a str,
    /// Why: `closed`, `unstaffed`, `full`, `timed_out`, `emergency`, `chosen` or `moved`.
    why: &'a str,
    /// The queue to which it went, where it is one.
    to_queue: Option<&'a str>,
    /// What the caller heard before the end, where that was all.
    announcement: Option<&'a str>,
    /// The telephone that was called, where it is one; masked without `customer.unmask`.
    to_number: Option<Cow<'a, str>>,
    /// The queue for whose people the caller could leave a message.
    mailbox: Option<&'a str>,
    /// Whether the caller was to be called back.
    calls_back: bool,
    /// When, RFC 3339 with offset.
    at: String,
}

/// One recording: a WAV file of two channels, the caller left and the agent right.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordingBody<'a> {
    /// The recording.
    recording_id: String,
    /// The call that it belongs to.
    call_id: String,
    /// Whose conversation it holds; empty for a message.
    agent_id: &'a str,
    /// Of a message: the queue for whose people it is. Null for a conversation.
    mailbox: Option<&'a str>,
    /// When somebody had dealt with it, RFC 3339 with offset; null until then, and for a
    /// conversation.
    done_at: Option<String>,
    /// Who that was.
    done_by: Option<&'a str>,
    /// When it began, RFC 3339 with offset.
    started_at: String,
    /// How long it is, in milliseconds; null until it is sealed.
    duration_ms: Option<u64>,
    /// The length of the file, in bytes; null until it is sealed.
    bytes: Option<u64>,
    /// SHA-256 of its seal in hexadecimal; null until it is sealed.
    sha256: Option<&'a str>,
    /// How often recording was interrupted.
    gaps: u32,
    /// How often someone paused it: there it has silence.
    pauses: u32,
    /// Whether it will never be whole: nothing was written, or it is not to be had.
    lost: bool,
    /// Whether it was completed after a crash rather than in order.
    recovered: bool,
    /// Why it is under legal hold; null where it is not.
    held: Option<&'a str>,
    /// When it was deleted because its time was over, RFC 3339 with offset; else null.
    deleted_at: Option<String>,
    /// The certificate of that, text of a line each; null where it was not deleted.
    certificate: Option<&'a str>,
}

/// A call as `sight` may see it.
pub(crate) fn call<'a>(record: &'a CallRecord, sight: Sight, zone: &TimeZone) -> CallBody<'a> {
    let inputs = record.inputs.iter();
    CallBody {
        call_id: record.call.to_string(),
        direction: record.direction.into(),
        trunk: record.trunk.as_str(),
        ani: sight.show(&record.ani),
        dnis: &record.dnis,
        diverted_from: record.diverted_from.as_ref().map(|number| sight.show(number)),
        callback_of: record.callback_of.map(|call| call.to_string()),
        sip_call_id: &record.sip_call_id,
        arrived_at: rfc3339(record.arrived, zone),
        answered_at: record.answered.map(|at| rfc3339(at, zone)),
        queued_at: record.queued.map(|at| rfc3339(at, zone)),
        agent_answered_at: record.agent_answered.map(|at| rfc3339(at, zone)),
        ended_at: rfc3339(record.ended, zone),
        menu_path: &record.menu_path,
        inputs: inputs
            .map(|keyed| InputData { node: &keyed.node, digits: &keyed.digits })
            .collect(),
        queue: record.queue.as_ref().map(|queue| queue.as_str()),
        tier: record.tier.map(|tier| tier.level),
        waited_ms: record.waited_ms,
        rang_ms: record.rang_ms,
        talked_ms: record.talked_ms,
        acw_ms: record.acw_ms,
        offers: record.offers.iter().map(|made| offer(made, zone)).collect(),
        legs: record.legs.iter().map(|party| leg(party, sight, zone)).collect(),
        transfers: record.transfers.iter().map(|made| transfer(made, sight, zone)).collect(),
        overflows: record.overflows.iter().map(|sent| overflow(sent, sight, zone)).collect(),
        agent_id: record.agent.as_ref().map(|agent| agent.as_str()),
        outcome: record.outcome.into(),
        cause: record.cause.into(),
        sip_status: sip_status(record.cause),
        lookup: record.lookup.as_deref(),
        lookup_ms: record.lookup_ms,
        customer_id: record.customer_id.as_deref(),
        recordings: record
            .recordings
            .iter()
            .map(|made| recording(record.call, made, zone))
            .collect(),
        disposition: record.disposition.as_deref(),
        settled: record.settled,
    }
}

fn offer<'a>(made: &'a report::Offer, zone: &TimeZone) -> OfferBody<'a> {
    OfferBody {
        offer_id: made.offer.to_string(),
        agent_id: made.agent.as_str(),
        at: rfc3339(made.at, zone),
        rang_ms: made.rang_ms,
        missed: made.missed.map(MissedName::from),
    }
}

fn leg<'a>(party: &'a report::CallLeg, sight: Sight, zone: &TimeZone) -> LegBody<'a> {
    let (agent_id, number) = match &party.role {
        LegRole::Caller => (None, None),
        LegRole::Agent(agent) => (Some(agent.as_str()), None),
        LegRole::Number(number) => (None, Some(sight.show(number))),
    };
    LegBody {
        leg_id: party.leg.to_string(),
        role: (&party.role).into(),
        agent_id,
        number,
        began_at: rfc3339(party.began, zone),
        answered_at: party.answered.map(|at| rfc3339(at, zone)),
        ended_at: party.ended.map(|at| rfc3339(at, zone)),
        cause: party.cause.map(CauseName::from),
        sip_status: party.cause.and_then(sip_status),
        line: party.quality.as_ref().map(LineBody::from),
    }
}

fn transfer<'a>(made: &'a report::Transfer, sight: Sight, zone: &TimeZone) -> TransferBody<'a> {
    let (agent_id, queue, number) = match &made.to {
        Target::Agent(agent) => (Some(agent.as_str()), None, None),
        Target::Queue(queue) => (None, Some(queue.as_str()), None),
        Target::Number(number) => (None, None, Some(sight.show(number))),
    };
    TransferBody {
        by: made.by.as_str(),
        agent_id,
        queue,
        number,
        kind: made.kind.into(),
        by_phone: made.by_phone,
        at: rfc3339(made.at, zone),
        end: made.end.map(TransferEndName::from),
        ended_at: made.ended.map(|at| rfc3339(at, zone)),
    }
}

fn overflow<'a>(sent: &'a report::Overflow, sight: Sight, zone: &TimeZone) -> OverflowBody<'a> {
    let mut body = OverflowBody {
        queue: sent.queue.as_str(),
        why: sent.why.as_str(),
        to_queue: None,
        announcement: None,
        to_number: None,
        mailbox: None,
        calls_back: false,
        at: rfc3339(sent.at, zone),
    };
    match &sent.to {
        OverflowTarget::Queue(queue) => body.to_queue = Some(queue.as_str()),
        OverflowTarget::Announcement(prompt) => body.announcement = Some(prompt.as_str()),
        OverflowTarget::Number(number) => body.to_number = Some(sight.show(number)),
        OverflowTarget::Mailbox(mailbox) => body.mailbox = Some(mailbox.as_str()),
        OverflowTarget::Callback => body.calls_back = true,
    }
    body
}

/// A recording.
pub(crate) fn recording<'a>(
    call: CallId,
    made: &'a report::Recording,
    zone: &TimeZone,
) -> RecordingBody<'a> {
    let seal = made.seal.as_ref();
    let done = made.message.as_ref().and_then(|message| message.done.as_ref());
    RecordingBody {
        recording_id: made.recording.to_string(),
        call_id: call.to_string(),
        agent_id: made.agent.as_str(),
        mailbox: made.message.as_ref().map(|message| message.mailbox.as_str()),
        done_at: done.map(|(_, at)| rfc3339(*at, zone)),
        done_by: done.map(|(by, _)| by.as_str()),
        started_at: rfc3339(made.started, zone),
        duration_ms: seal.map(|seal| seal.frames.saturating_mul(1_000) / FRAMES_A_SECOND),
        bytes: seal.map(|seal| seal.bytes),
        sha256: seal.map(|seal| seal.sha256.as_str()),
        gaps: made.gaps,
        pauses: made.pauses,
        lost: made.lost,
        recovered: made.recovered,
        held: made.held.as_deref(),
        deleted_at: made.deleted.as_ref().map(|(deleted, _)| rfc3339(*deleted, zone)),
        certificate: made.deleted.as_ref().map(|(_, certificate)| certificate.text.as_str()),
    }
}
