//! What of a state can make a difference later, as one number of 128 bits.

use std::collections::BTreeMap;

use model::{AgentStatus, CallId, Mono, NotReadyReason, Permission};

use super::TICK;
use crate::agent::{Activity, Agent};
use crate::call::{Call, Progress};
use crate::{Acd, AgentConfig, First};

/// The longest head start of a call that is yet to come, in ticks: older than this is older than
/// all of them.
const AGE_MAX: u64 = 2;

/// Two states with one key go on alike, apart from names.
pub(super) fn key(acd: &Acd) -> u128 {
    let mut line: Vec<&Call> = acd
        .calls
        .values()
        .filter(|call| !matches!(call.progress, Progress::Talking { .. }))
        .collect();
    line.sort_by_key(|call| call.place);
    let labels: BTreeMap<CallId, u8> =
        (0..).zip(&line).map(|(at, call)| (call.place.call, at)).collect();
    let mut agents: Vec<[u8; 11]> =
        acd.agents.iter().map(|agent| of_agent(acd, agent, &labels)).collect();
    agents.sort_unstable();
    let calls = line.iter().flat_map(|call| of_call(acd, call));
    let queues = acd
        .queues
        .iter()
        .map(|queue| u8::from(queue.open) * 2 + u8::from(queue.emergency.is_some()));
    fnv(agents.iter().flatten().copied().chain([u8::MAX]).chain(queues).chain(calls))
}

fn of_agent(acd: &Acd, agent: &Agent, labels: &BTreeMap<CallId, u8>) -> [u8; 11] {
    let label = |call: CallId| labels.get(&call).copied().unwrap_or(u8::MAX);
    let since = |limit_ms: u64| ticks_left(acd.now, Mono(agent.since.0 + limit_ms * TICK));
    let (activity, call, left, at_most) = match agent.activity {
        Activity::Idle => (0, 0, 0, 0),
        Activity::Reserved { call, .. } => (1, label(call), since(acd.reserve_timeout_ms), 0),
        Activity::Ringing { call, .. } => (2, label(call), since(acd.ring_timeout_ms), 0),
        Activity::Talking { .. } => (3, 0, 0, 0),
        Activity::Acw { until, at_most, .. } => {
            (4, 0, ticks_left(acd.now, until), ticks_left(acd.now, at_most))
        }
    };
    [
        configured_like(acd, agent),
        of_status(Some(agent.status)) * 8 + of_status(agent.next_status),
        activity,
        call,
        left,
        at_most,
        u8::from(agent.reachable),
        turn(acd, agent),
        u8::try_from(agent.missed_in_row.busy).unwrap(),
        agent.rests_until.map_or(0, |until| ticks_left(acd.now, until)),
        agent.preferred.iter().map(|(_, place)| 1 << label(place.call)).sum(),
    ]
}

/// The first agent who is configured as this one is.
fn configured_like(acd: &Acd, agent: &Agent) -> u8 {
    let agents = &acd.config.agents;
    let known = agents.iter().find(|one| one.agent == agent.id).unwrap();
    let alike = |one: &AgentConfig| {
        let served = one.tier == known.tier && one.queues == known.queues;
        served && one.groups == known.groups && one.site == known.site
    };
    u8::try_from(agents.iter().position(alike).unwrap()).unwrap()
}

/// An agent's turn among those who could be compared with this one, and whether someone who
/// becomes idle at this moment would be level.
fn turn(acd: &Acd, agent: &Agent) -> u8 {
    let has_turn = |agent: &Agent| match agent.activity {
        Activity::Idle => agent.status == AgentStatus::Ready,
        Activity::Reserved { .. } | Activity::Ringing { .. } => true,
        Activity::Talking { .. } | Activity::Acw { .. } => false,
    };
    if !has_turn(agent) {
        return 0;
    }
    let before = |other: &&Agent| has_turn(other) && other.idle_since < agent.idle_since;
    let ahead = u8::try_from(acd.agents.iter().filter(before).count()).unwrap();
    2 + 2 * ahead + u8::from(agent.idle_since == acd.now)
}

fn of_call(acd: &Acd, call: &Call) -> [u8; 12] {
    let ring = acd.rings.get(&call.place.call);
    let age = (call.place.age(acd.now) / TICK).min(AGE_MAX);
    [
        u8::try_from(call.queue).unwrap(),
        u8::try_from(age).unwrap(),
        u8::from(call.permission == Some(Permission::PolicyEndorse)),
        u8::try_from(call.reached).unwrap(),
        call.next_step_at.map_or(0, |at| ticks_left(acd.now, at)),
        of_progress(acd, call),
        call.limit_at.map_or(0, |at| ticks_left(acd.now, at)),
        call.callback.map_or(0, |callback| u8::try_from(callback.attempts).unwrap() + 1),
        call.callback.map_or(0, |callback| u8::from(callback.first == First::Customer)),
        call.preference.map_or(0, |preference| ticks_left(acd.now, preference.until)),
        ring.map_or(0, |ring| u8::try_from(ring.allowed).unwrap()),
        ring.and_then(|ring| ring.more_at).map_or(0, |at| ticks_left(acd.now, at)),
    ]
}

fn of_progress(acd: &Acd, call: &Call) -> u8 {
    match call.progress {
        Progress::Offered { .. } | Progress::Talking { .. } => 0,
        Progress::Waiting => 1,
        Progress::Resting { until: None } => 2,
        Progress::Resting { until: Some(until) } => 3 + ticks_left(acd.now, until),
        Progress::Dialing { deadline, .. } => 100 + ticks_left(acd.now, deadline),
    }
}

fn of_status(status: Option<AgentStatus>) -> u8 {
    match status {
        None => 0,
        Some(AgentStatus::SignedOut) => 1,
        Some(AgentStatus::Ready) => 2,
        // All reasons are alike to the room, but for the one that is shown.
        Some(AgentStatus::NotReady { reason: NotReadyReason::Break }) => 3,
        Some(AgentStatus::NotReady { .. }) => 4,
    }
}

fn ticks_left(now: Mono, until: Mono) -> u8 {
    u8::try_from(until.0.saturating_sub(now.0).div_ceil(TICK)).unwrap()
}

/// FNV-1a of 128 bits.
fn fnv(bytes: impl Iterator<Item = u8>) -> u128 {
    bytes.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}
