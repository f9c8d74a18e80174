//! An event of `cti` as the shape that a desktop is told, and as text.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use model::{AgentTotals, CustomerCard, Lookup, PolicyCard, Target, Wall};

use super::{
    AgentStateData, AgentTotalsData, AlarmData, CallStateData, ClaimData, ColleagueData,
    CustomerData, EventBody, EventFrame, ExpectedWaitData, GuestData, InputData, IvrData, LineData,
    PartyLineData, PlanStateData, PolicyData, QueueStateData, ScreenPopData, ScreenPopUpdateData,
    Sight, TargetsData, TransferEndedData, TrunkStateData,
};
use crate::names::{ActionName, OutcomeName, ReasonName, StatusName, reason_of};
use crate::time::rfc3339;

/// An event ready to be sent.
pub(crate) struct Encoded {
    /// One JSON object.
    pub(crate) text: String,
    /// What personal data it shows in clear, as an audit names it; none where it shows none.
    pub(crate) unmasked: Option<String>,
}

/// Encodes one event for a viewer.
pub(crate) fn encode(stamped: &cti::Stamped, sight: Sight, zone: &TimeZone) -> Encoded {
    let body = body(stamped, sight, zone);
    let frame = EventFrame { seq: stamped.seq, at: rfc3339(stamped.at, zone), body };
    // Strings and numbers always serialize.
    let text = serde_json::to_string(&frame).unwrap_or_default();
    Encoded { text, unmasked: if sight.personal { personal(&stamped.event) } else { None } }
}

/// Whose personal data an event holds, if any, apart from what is always masked.
fn personal(event: &cti::Event) -> Option<String> {
    match event {
        cti::Event::ScreenPop { call, .. } => Some(format!("screen_pop {call}")),
        cti::Event::ScreenPopUpdate { call, lookup } => {
            lookup.card().map(|_| format!("screen_pop_update {call}"))
        }
        cti::Event::AgentState { .. }
        | cti::Event::CallState { .. }
        | cti::Event::TransferEnded { .. }
        | cti::Event::Targets { .. }
        | cti::Event::QueueState { .. }
        | cti::Event::PlanState { .. }
        | cti::Event::TrunkState { .. }
        | cti::Event::Alarm { .. } => None,
    }
}

#[expect(clippy::too_many_lines, reason = "one arm an event, each a plain translation")]
fn body<'a>(stamped: &'a cti::Stamped, sight: Sight, zone: &TimeZone) -> EventBody<'a> {
    match stamped.event.as_ref() {
        cti::Event::AgentState {
            agent,
            status,
            state,
            since,
            next_status,
            allowed,
            call,
            acw_until,
            phone_reachable,
            asks,
        } => EventBody::AgentState(AgentStateData {
            agent_id: agent.to_string(),
            status: (*status).into(),
            reason: reason_of(*status),
            state: (*state).into(),
            since: rfc3339(*since, zone),
            next_status: next_status.map(StatusName::from),
            next_reason: next_status.and_then(reason_of),
            allowed: allowed.iter().copied().map(ActionName::from).collect(),
            call_id: call.map(|call| call.to_string()),
            acw_until: acw_until.map(|until| rfc3339(until, zone)),
            phone_reachable: *phone_reachable,
            asks: asks.map(ReasonName::from),
        }),
        cti::Event::ScreenPop {
            call,
            offer,
            brought,
            ani,
            dnis,
            callback,
            queue,
            waited_ms,
            ivr_path,
            ivr_inputs,
            lookup,
        } => EventBody::ScreenPop(ScreenPopData {
            call_id: call.to_string(),
            offer_id: offer.to_string(),
            brought_by: brought.as_ref().map(|(_, by)| by.as_str()),
            transfer: brought.as_ref().map(|(kind, _)| (*kind).into()),
            callback: *callback,
            ani: sight.show(ani),
            dnis,
            queue: queue.as_ref().map(model::QueueId::as_str),
            waited_ms: *waited_ms,
            ivr: IvrData {
                path: ivr_path,
                inputs: ivr_inputs
                    .iter()
                    .map(|input| InputData { node: &input.node, digits: &input.digits })
                    .collect(),
            },
            lookup: lookup.into(),
            customer: customer(lookup, sight),
            policies: policies(lookup, sight),
        }),
        cti::Event::ScreenPopUpdate { call, lookup } => {
            EventBody::ScreenPopUpdate(ScreenPopUpdateData {
                call_id: call.to_string(),
                lookup: lookup.into(),
                customer: customer(lookup, sight),
                policies: policies(lookup, sight),
            })
        }
        cti::Event::CallState {
            call,
            phase,
            since,
            direction,
            ani,
            dnis,
            queue,
            agent,
            recording,
            recording_paused,
            guest,
            lines,
            outcome,
        } => EventBody::CallState(CallStateData {
            call_id: call.to_string(),
            state: (*phase).into(),
            since: rfc3339(*since, zone),
            direction: (*direction).into(),
            ani: Cow::Owned(ani.masked().to_string()),
            dnis,
            queue: queue.as_ref().map(|queue| queue.as_str()),
            agent_id: agent.as_ref().map(|agent| agent.as_str()),
            recording_id: recording.map(|recording| recording.to_string()),
            recording_paused: recording_paused.map(Into::into),
            guest: guest.as_ref().map(|brought| guest_data(brought)),
            lines: lines.iter().map(line_data).collect(),
            outcome: outcome.map(OutcomeName::from),
        }),
        cti::Event::TransferEnded { call, to, kind, end } => {
            let (agent_id, number, queue) = party(to);
            EventBody::TransferEnded(TransferEndedData {
                call_id: call.to_string(),
                agent_id,
                number,
                queue,
                transfer: (*kind).into(),
                end: (*end).into(),
            })
        }
        cti::Event::Targets { search, agents, queues, more } => EventBody::Targets(TargetsData {
            search,
            agents: agents.iter().map(colleague).collect(),
            queues: queues.iter().map(line).collect(),
            more: *more,
        }),
        cti::Event::QueueState {
            queue,
            waiting,
            callbacks,
            longest_wait_ms,
            expected,
            agents,
            open,
        } => {
            let since = earlier(stamped.at, *longest_wait_ms);
            EventBody::QueueState(QueueStateData {
                queue: queue.to_string(),
                waiting: *waiting,
                callbacks: *callbacks,
                longest_wait_ms: *longest_wait_ms,
                longest_wait_since: (*waiting > 0).then(|| rfc3339(since, zone)),
                expected_wait: expected.map(|cti::ExpectedWait { median_ms, p90_ms }| {
                    ExpectedWaitData { median_ms, p90_ms }
                }),
                agents: totals(*agents),
                open: *open,
            })
        }
        cti::Event::PlanState { plan, on } => EventBody::PlanState(PlanStateData { plan, on: *on }),
        cti::Event::TrunkState {
            trunk,
            calls,
            refused,
            targets,
            reachable,
            registered,
            answered_at,
        } => EventBody::TrunkState(TrunkStateData {
            trunk: trunk.as_str(),
            calls: *calls,
            refused: *refused,
            targets: *targets,
            reachable: *reachable,
            registered: *registered,
            answered_at: answered_at.map(|at| rfc3339(at, zone)),
        }),
        cti::Event::Alarm { alarm, raised, detail } => {
            EventBody::Alarm(AlarmData { alarm, raised: *raised, detail })
        }
    }
}

/// Whom that is: a colleague, a telephone outside (masked), a queue.
fn party(whom: &Target) -> (Option<&str>, Option<String>, Option<&str>) {
    match whom {
        Target::Agent(agent) => (Some(agent.as_str()), None, None),
        Target::Number(number) => (None, Some(number.masked().to_string()), None),
        Target::Queue(queue) => (None, None, Some(queue.as_str())),
    }
}

fn guest_data(guest: &cti::GuestState) -> GuestData<'_> {
    let (agent_id, number, queue) = party(&guest.whom);
    GuestData {
        agent_id,
        number,
        queue,
        by: guest.by.as_str(),
        transfer: guest.kind.into(),
        answered: guest.answered,
        with_caller: guest.with_caller,
    }
}

fn colleague(colleague: &cti::Colleague) -> ColleagueData<'_> {
    ColleagueData {
        agent_id: colleague.agent.as_str(),
        status: colleague.status.into(),
        reason: reason_of(colleague.status),
        state: colleague.state.into(),
        available: colleague.available,
    }
}

fn line(line: &cti::Line) -> LineData<'_> {
    LineData { queue: line.queue.as_str(), waiting: line.waiting, idle: line.idle }
}

/// The time of day `ms` before `wall`.
fn earlier(wall: Wall, ms: u64) -> Wall {
    let micros = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000);
    Wall(wall.0.saturating_sub(micros))
}

fn totals(agents: AgentTotals) -> AgentTotalsData {
    let AgentTotals { signed_out, not_ready, idle, reserved, ringing, talking, acw } = agents;
    AgentTotalsData { signed_out, not_ready, idle, reserved, ringing, talking, acw }
}

fn customer(lookup: &Lookup, sight: Sight) -> Option<CustomerData<'_>> {
    let card: &CustomerCard = lookup.card()?;
    Some(CustomerData {
        customer_id: &card.customer_id,
        name: sight.show(&card.name),
        phone: sight.show(&card.phone),
        identity_number: sight.show(&card.identity_number),
        class: &card.class,
        city: &card.city,
    })
}

fn policies(lookup: &Lookup, sight: Sight) -> Vec<PolicyData<'_>> {
    let Some(card) = lookup.card().filter(|_| sight.policies) else {
        return Vec::new();
    };
    card.policies.iter().map(|card| policy(card, sight)).collect()
}

fn policy(card: &PolicyCard, sight: Sight) -> PolicyData<'_> {
    let claims = card.claims.iter().map(|claim| ClaimData {
        claim_number: &claim.claim_number,
        lost_on: &claim.lost_on,
        status: &claim.status,
        paid_fen: claim.paid_fen,
    });
    PolicyData {
        policy_number: &card.policy_number,
        product: &card.product,
        plate: sight.show(&card.plate),
        vehicle: &card.vehicle,
        status: card.status.into(),
        starts_on: &card.starts_on,
        ends_on: &card.ends_on,
        premium_fen: card.premium_fen,
        claims: claims.collect(),
    }
}

fn line_data(line: &cti::PartyLine) -> PartyLineData {
    PartyLineData { role: (&line.role).into(), line: (&line.quality).into() }
}
