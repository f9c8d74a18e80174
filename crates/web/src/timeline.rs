//! A call's facts as JSON: what happened, in order.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use model::{
    AgentStatus, Fact, FactBody, HangupCause, LegId, LegRole, OverflowTarget, Target, UserId,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::line::LineBody;
use crate::names::{
    CauseName, MissedName, OutcomeName, PauseReasonName, ReasonName, StateName, StatusName,
    TransferEndName, TransferKindName, UnpauseCauseName, reason_of, sip_status,
};
use crate::time::rfc3339;
use crate::wire::Sight;

/// One thing that happened in a call. Beside `seq`, `at` and `type` it has the fields that its
/// type needs; the others are left out.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct FactEntry<'a> {
    /// The fact's number within one start of the engine.
    seq: u64,
    /// When, RFC 3339 with offset.
    at: String,
    /// What: `call_arrived`, `call_diverted`, `call_answered`, `call_placed`, `called_inside`,
    /// `phone_rung`, `trunk_tried`, `number_answered`,
    /// `menu_entered`, `digits_collected`, `lookup_ended`, `queued`, `overflowed`,
    /// `callback_booked`, `callback_begun`, `callback_missed`, `callback_ended`, `tier_reached`,
    /// `offered`,
    /// `popped`, `rang`, `missed`, `agent_answered`, `dialog_established`, `transfer_begun`,
    /// `dialled`, `guest_answered`, `conference_begun`, `call_taken`, `transfer_ended`, `held`,
    /// `retrieved`, `leg_ended`, `leg_measured`, `call_ended`, `wrapped_up`,
    /// `recording_started`, `message_left`, `message_done`, `recording_gap`, `recording_resumed`,
    /// `recording_paused`, `recording_unpaused`, `recording_lost`, `recording_sealed`,
    /// `recording_archived`, `recording_held`, `recording_released`, `recording_doomed`,
    /// `recording_deleted`,
    /// `steered`, `agent_changed`, `played` or `traced`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The leg.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg_id: Option<String>,
    /// The agent; absent for the caller's leg.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<&'a str>,
    /// The caller's number; masked without `customer.unmask`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ani: Option<Cow<'a, str>>,
    /// The number that was dialled.
    #[serde(skip_serializing_if = "Option::is_none")]
    dnis: Option<&'a str>,
    /// The place in the menu.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    /// The digits; always masked where they identify a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    digits: Option<&'a str>,
    /// What the look-up said.
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<&'a str>,
    /// How long the look-up took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    /// Whose call it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<&'a str>,
    /// The queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a str>,
    /// Why the queue did not take the call, or keeps it no longer: `closed`, `unstaffed`, `full`,
    /// `timed_out` or `emergency`; `chosen` by the caller, `moved` by a supervisor; why the
    /// recording is held; by which rule it is deleted; what put the caller forward: `class`,
    /// `elderly`, `open_claim`, `repeat`, `steward` or `last_agent`, several with commas between;
    /// what opened a step of the queue: `waited`, `estimate`, `service`, `idle`, or a `later` step
    /// that opens those before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// The queue to which the call goes then.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_queue: Option<&'a str>,
    /// What the caller hears before the end, where it goes to no queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    announcement: Option<&'a str>,
    /// The queue for whose people a message is.
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<&'a str>,
    /// That the caller is to be called back.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_back: Option<bool>,
    /// The call that asked for the callback that this call is; of a callback that is over, the call
    /// by which the customer was reached, or who dialled again has its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_call_id: Option<String>,
    /// The number of the attempt to reach a customer, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// When it is tried again, RFC 3339 with offset; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    again_at: Option<String>,
    /// By how much the caller was put forward, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    head_start_ms: Option<u64>,
    /// What a supervisor did: the name of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    steered: Option<&'a str>,
    /// With what: a queue, a status, a reason, a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// What became of a callback: `reached`, `gave_up`, `expired`, `cancelled` or `rejoined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_end: Option<&'a str>,
    /// The tier; of a step that opened to a waiting call, that of its agents, if of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u8>,
    /// The number of the queue's step that opened to a waiting call, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<u32>,
    /// The offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer_id: Option<String>,
    /// Whether a desktop was there to show the pop.
    #[serde(skip_serializing_if = "Option::is_none")]
    desktop: Option<bool>,
    /// Why the offer was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<MissedName>,
    /// Why the leg or the call ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseName>,
    /// The SIP status, where `cause` is `response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sip_status: Option<u16>,
    /// How the call ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeName>,
    /// The code that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition: Option<&'a str>,
    /// The recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_id: Option<String>,
    /// What went wrong with the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// SHA-256 of the recording's seal, or of the file that is deleted, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    /// Whether the recording was completed after a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    /// How good the leg's line was.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<LineBody>,
    /// The agent's own choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusName>,
    /// Why, where the status is `not_ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonName>,
    /// What the engine is doing with the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateName>,
    /// The telephone outside; masked without `customer.unmask`.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<Cow<'a, str>>,
    /// Who brought someone in, called inside, steered, or paused, resumed, held or released the
    /// recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    /// Why the recording was paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_reason: Option<PauseReasonName>,
    /// Why a pause was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpause_cause: Option<UnpauseCauseName>,
    /// How someone is brought in.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferKindName>,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_end: Option<TransferEndName>,
    /// Who played the recording or looked at the messages; only for those who hold `call.view_all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
}

/// One fact of a call as `sight` may see it; none for what is about no call.
pub(crate) fn entry<'a>(fact: &'a Fact, sight: Sight, zone: &TimeZone) -> Option<FactEntry<'a>> {
    fact.body.call()?;
    let mut entry = FactEntry {
        seq: fact.seq,
        at: rfc3339(fact.wall, zone),
        kind: fact.body.kind(),
        ..FactEntry::default()
    };
    tell(&mut entry, &fact.body, sight);
    tell_callback(&mut entry, &fact.body, (sight, zone));
    Some(entry)
}

#[expect(clippy::too_many_lines, reason = "one arm a fact, each a plain translation")]
fn tell<'a>(entry: &mut FactEntry<'a>, body: &'a FactBody, sight: Sight) {
    match body {
        FactBody::CallArrived { leg, trunk, ani, dnis, .. } => {
            entry.leg_id = Some(leg.to_string());
            entry.trunk = Some(trunk.as_str());
            entry.ani = Some(sight.show(ani));
            entry.dnis = Some(dnis);
        }
        FactBody::CallDiverted { number, .. } => entry.number = Some(sight.show(number)),
        FactBody::CallPlaced { agent, trunk, number, shown, .. } => {
            entry.agent_id = Some(agent.as_str());
            entry.trunk = Some(trunk.as_str());
            entry.ani = Some(sight.show(number));
            entry.dnis = Some(shown);
        }
        FactBody::TrunkTried { leg, trunk, .. } => {
            entry.leg_id = Some(leg.to_string());
            entry.trunk = Some(trunk.as_str());
        }
        FactBody::PhoneRung { leg, agent, .. } | FactBody::NumberAnswered { leg, agent, .. } => {
            entry.leg_id = Some(leg.to_string());
            entry.agent_id = Some(agent.as_str());
        }
        FactBody::DialogEstablished { leg, role, .. } => {
            tell_leg(entry, *leg, role, sight);
        }
        FactBody::MenuEntered { node, .. } => entry.node = Some(node),
        FactBody::DigitsCollected { node, digits, .. } => {
            entry.node = Some(node);
            entry.digits = Some(digits);
        }
        FactBody::LookupEnded { result, customer_id, took_ms, .. } => {
            entry.lookup = Some(result);
            entry.customer_id = customer_id.as_deref();
            entry.took_ms = Some(*took_ms);
        }
        FactBody::Queued { queue, .. } => entry.queue = Some(queue.as_str()),
        FactBody::Overflowed { queue, why, to, .. } => {
            entry.queue = Some(queue.as_str());
            entry.why = Some(why);
            match to {
                OverflowTarget::Queue(next) => entry.to_queue = Some(next.as_str()),
                OverflowTarget::Announcement(said) => entry.announcement = Some(said.as_str()),
                OverflowTarget::Number(number) => entry.number = Some(sight.show(number)),
                OverflowTarget::Mailbox(mailbox) => entry.mailbox = Some(mailbox.as_str()),
                OverflowTarget::Callback => entry.calls_back = Some(true),
            }
        }
        FactBody::TierReached { queue, tier, step, why, .. } => {
            entry.queue = Some(queue.as_str());
            entry.tier = tier.map(|tier| tier.level);
            entry.step = Some(*step).filter(|step| *step > 0);
            entry.why = Some(why.as_str());
        }
        FactBody::Offered { offer, queue, agent, .. } => {
            entry.offer_id = Some(offer.to_string());
            entry.queue = queue.as_ref().map(model::QueueId::as_str);
            entry.agent_id = Some(agent.as_str());
        }
        FactBody::Popped { offer, agent, desktop, .. } => {
            entry.offer_id = Some(offer.to_string());
            entry.agent_id = Some(agent.as_str());
            entry.desktop = Some(*desktop);
        }
        FactBody::Rang { offer, agent, leg, .. }
        | FactBody::AgentAnswered { offer, agent, leg, .. } => {
            entry.offer_id = Some(offer.to_string());
            entry.agent_id = Some(agent.as_str());
            entry.leg_id = Some(leg.to_string());
        }
        FactBody::Missed { offer, agent, cause, .. } => {
            entry.offer_id = Some(offer.to_string());
            entry.agent_id = Some(agent.as_str());
            entry.missed = Some((*cause).into());
        }
        FactBody::CalledInside { leg, agent, to, .. } => {
            entry.leg_id = Some(leg.to_string());
            entry.by = Some(agent.as_str());
            tell_target(entry, to, sight);
        }
        FactBody::TransferBegun { by, to, kind, .. } => {
            entry.by = Some(by.as_str());
            entry.transfer = Some((*kind).into());
            tell_target(entry, to, sight);
        }
        FactBody::TransferEnded { by, to, kind, end, .. } => {
            entry.by = Some(by.as_str());
            entry.transfer = Some((*kind).into());
            entry.transfer_end = Some((*end).into());
            tell_target(entry, to, sight);
        }
        FactBody::Dialled { leg, number, .. } => {
            entry.leg_id = Some(leg.to_string());
            entry.number = Some(sight.show(number));
        }
        FactBody::ConferenceBegun { by, leg, .. } => {
            entry.by = Some(by.as_str());
            entry.leg_id = Some(leg.to_string());
        }
        FactBody::GuestAnswered { leg, role, .. }
        | FactBody::CallTaken { leg, role, .. }
        | FactBody::Held { leg, role, .. }
        | FactBody::Retrieved { leg, role, .. } => tell_leg(entry, *leg, role, sight),
        FactBody::LegEnded { leg, role, cause, .. } => {
            tell_leg(entry, *leg, role, sight);
            ended(entry, *cause);
        }
        FactBody::LegMeasured { leg, quality, .. } => {
            entry.leg_id = Some(leg.to_string());
            entry.line = Some(quality.into());
        }
        FactBody::CallEnded { outcome, cause, .. } => {
            entry.outcome = Some((*outcome).into());
            ended(entry, *cause);
        }
        FactBody::WrappedUp { agent, disposition, .. } => {
            entry.agent_id = Some(agent.as_str());
            entry.disposition = Some(disposition);
        }
        FactBody::RecordingStarted { recording, agent, mailbox, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.agent_id = Some(agent.as_str()).filter(|agent| !agent.is_empty());
            entry.mailbox = mailbox.as_ref().map(model::QueueId::as_str);
        }
        FactBody::MessageLeft { recording, mailbox, length_ms, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.mailbox = Some(mailbox.as_str());
            entry.took_ms = Some(*length_ms);
        }
        FactBody::MessageDone { recording, by, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.by = Some(by.as_str());
        }
        FactBody::RecordingPaused { recording, by, reason, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.by = Some(by.as_str());
            entry.pause_reason = Some((*reason).into());
        }
        FactBody::RecordingUnpaused { recording, by, cause, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.by = by.as_ref().map(UserId::as_str);
            entry.unpause_cause = Some((*cause).into());
        }
        FactBody::RecordingGap { recording, error, .. }
        | FactBody::RecordingLost { recording, error, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.error = Some(error);
        }
        FactBody::RecordingResumed { recording, .. } => {
            entry.recording_id = Some(recording.to_string());
        }
        FactBody::RecordingHeld { recording, by, why, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.by = Some(by.as_str());
            entry.why = Some(why);
        }
        FactBody::RecordingReleased { recording, by, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.by = Some(by.as_str());
        }
        FactBody::RecordingArchived { recording, sha256, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.sha256 = Some(sha256);
        }
        FactBody::RecordingDoomed { recording, deletion, .. }
        | FactBody::RecordingDeleted { recording, deletion, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.why = Some(&deletion.rule);
            entry.sha256 = deletion.sha256.as_deref();
        }
        FactBody::RecordingSealed { recording, seal, recovered, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.sha256 = Some(&seal.sha256);
            entry.recovered = Some(*recovered);
        }
        FactBody::AgentChanged { agent, status, state, .. } => {
            entry.agent_id = Some(agent.as_str());
            changed(entry, *status);
            entry.state = Some((*state).into());
        }
        FactBody::Prioritised { head_start_ms, why, preferred, .. } => {
            entry.agent_id = preferred.as_ref().map(model::AgentId::as_str);
            entry.why = Some(why);
            entry.head_start_ms = Some(*head_start_ms);
        }
        FactBody::Steered { by, what, agent, detail, .. } => {
            entry.by = Some(by.as_str());
            entry.agent_id = agent.as_ref().map(model::AgentId::as_str);
            entry.steered = Some(what);
            entry.detail = Some(detail);
        }
        FactBody::Played { user, recording, .. } => {
            entry.recording_id = Some(recording.to_string());
            entry.user = Some(user.as_str());
        }
        FactBody::Traced { user, .. } => entry.user = Some(user.as_str()),
        FactBody::CallbackBooked { .. }
        | FactBody::CallbackBegun { .. }
        | FactBody::CallbackMissed { .. }
        | FactBody::CallbackEnded { .. }
        | FactBody::CallAnswered { .. }
        | FactBody::EngineStarted { .. }
        | FactBody::EngineStopped
        | FactBody::Registered { .. }
        | FactBody::Unregistered { .. }
        | FactBody::SessionOpened { .. }
        | FactBody::Refused { .. }
        | FactBody::Unmasked { .. }
        | FactBody::TrunkReachable { .. }
        | FactBody::TrunkUnreachable { .. }
        | FactBody::HoursChanged { .. }
        | FactBody::PlanSwitched { .. }
        | FactBody::TrunkRegistered { .. }
        | FactBody::TrunkUnregistered { .. }
        | FactBody::AlarmRaised { .. }
        | FactBody::AlarmCleared { .. } => {}
    }
}

/// What is told of callbacks, if the fact is about one.
fn tell_callback<'a>(
    entry: &mut FactEntry<'a>,
    body: &'a FactBody,
    (sight, zone): (Sight, &TimeZone),
) {
    match body {
        FactBody::CallbackBooked { queue, number, .. } => {
            entry.queue = Some(queue.as_str());
            entry.number = Some(sight.show(number));
        }
        FactBody::CallbackBegun { callback, queue, trunk, number, shown, .. } => {
            entry.other_call_id = Some(callback.to_string());
            entry.queue = Some(queue.as_str());
            entry.trunk = Some(trunk.as_str());
            entry.ani = Some(sight.show(number));
            entry.dnis = Some(shown);
        }
        FactBody::CallbackMissed { attempt, cause, again_at, .. } => {
            entry.attempt = Some(*attempt);
            entry.missed = Some((*cause).into());
            entry.again_at = again_at.map(|at| rfc3339(at, zone));
        }
        FactBody::CallbackEnded { end, by, .. } => {
            entry.callback_end = Some(end);
            entry.other_call_id = by.map(|by| by.to_string());
        }
        _ => {}
    }
}

fn tell_leg<'a>(entry: &mut FactEntry<'a>, leg: LegId, role: &'a LegRole, sight: Sight) {
    entry.leg_id = Some(leg.to_string());
    match role {
        LegRole::Agent(agent) => entry.agent_id = Some(agent.as_str()),
        LegRole::Number(number) => entry.number = Some(sight.show(number)),
        LegRole::Caller => {}
    }
}

fn tell_target<'a>(entry: &mut FactEntry<'a>, to: &'a Target, sight: Sight) {
    match to {
        Target::Agent(agent) => entry.agent_id = Some(agent.as_str()),
        Target::Queue(queue) => entry.queue = Some(queue.as_str()),
        Target::Number(number) => entry.number = Some(sight.show(number)),
    }
}

fn ended(entry: &mut FactEntry<'_>, cause: HangupCause) {
    entry.cause = Some(cause.into());
    entry.sip_status = sip_status(cause);
}

fn changed(entry: &mut FactEntry<'_>, status: AgentStatus) {
    entry.status = Some(status.into());
    entry.reason = reason_of(status);
}
