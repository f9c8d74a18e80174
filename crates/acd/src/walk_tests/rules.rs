//! The rules, looked up in the configuration and in the tables of agents and calls alone: none of
//! the room's indexes is trusted, all of them are counted again.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use model::{AgentStatus, AgentTotals, CallId, Mono};

use super::TICK;
use crate::agent::{Activity, Agent, AgentIndex};
use crate::call::{Call, Preference, Progress};
use crate::queue::Queue;
use crate::timer::Timer;
use crate::{
    Acd, Balance, CallbackBalance, CallbackEnd, CallbackOutput, Choice, First, Input, MAX_RINGING,
    NotEnqueued, Output, Overflow, TierStep,
};

macro_rules! hold {
    ($holds:expr, $($told:tt)+) => {
        if !$holds {
            return Err(format!($($told)+));
        }
    };
}

/// Nobody waits longer than one may, in a queue that sends those who wait away, or for an attempt
/// that is due.
fn judge_limits(acd: &Acd) -> Result<(), String> {
    for call in acd.calls.values() {
        let queue: &Queue = &acd.queues[call.queue as usize];
        let Some(callback) = call.callback else {
            let wait = queue.limits.wait.as_ref();
            let ms = wait.map_or(u64::MAX / TICK, |wait| wait.ms);
            let over = call.joined + Duration::from_millis(ms) <= acd.now;
            let waits = call.progress == Progress::Waiting;
            hold!(!(waits && over) || call.kept, "{call:?} waits beyond {ms} ms");
            let sent = queue.emergency.as_ref().is_some_and(|rule| rule.waiting_too);
            hold!(!(waits && sent), "{call:?} waits in an emergency");
            continue;
        };
        match call.progress {
            Progress::Waiting => hold!(queue.open, "{call:?} may be called at night"),
            Progress::Resting { until: None } => hold!(!queue.open, "{call:?} is forgotten"),
            Progress::Resting { until: Some(until) } => {
                hold!(until > acd.now, "{call:?} rests too long");
            }
            Progress::Offered { .. } | Progress::Dialing { .. } | Progress::Talking { .. } => {
                continue;
            }
        }
        let known = acd.parties.get(&callback.party) == Some(&call.place.call);
        hold!(known && call.limit_at.is_some(), "{call:?} is kept for ever");
    }
    let callbacks = acd.calls.values().filter(|call| call.callback.is_some()).count();
    hold!(acd.parties.len() == callbacks, "{} parties, {callbacks} callbacks", acd.parties.len());
    Ok(())
}

/// Judges a state that the room shows to others, and how it came about.
pub(super) fn judge(before: &Acd, acd: &mut Acd, input: Option<&Input>) -> Result<(), String> {
    judge_moment(before, acd, input)?;
    for call in acd.calls.values().filter(|call| call.progress == Progress::Waiting) {
        for agent in acd.agents.iter().filter(|agent| agent.is_available()) {
            hold!(!may(acd, agent, call), "{} is idle and {call:?} waits", agent.id);
        }
    }
    for (agent, limit_ms) in acd.agents.iter().filter_map(|agent| match agent.activity {
        Activity::Reserved { call, .. } => Some((agent, reserved_ms(acd, call))),
        Activity::Ringing { .. } => Some((agent, acd.ring_timeout_ms)),
        Activity::Idle | Activity::Talking { .. } | Activity::Acw { .. } => None,
    }) {
        let until = agent.since + Duration::from_millis(limit_ms);
        hold!(acd.now < until, "{} is {:?} beyond {limit_ms} ms", agent.id, agent.activity);
    }
    judge_steps(acd)?;
    judge_limits(acd)
}

/// How long an agent may be reserved for a call: while its customer is called, or until it rings.
fn reserved_ms(acd: &Acd, call: CallId) -> u64 {
    let known = acd.calls.get(&call);
    let dialing = known.filter(|call| matches!(call.progress, Progress::Dialing { .. }));
    let rule = dialing.and_then(|call| acd.queues[call.queue as usize].callbacks);
    rule.map_or(acd.reserve_timeout_ms, |rule| rule.dial_timeout_ms)
}

/// Judges a state at one moment among several of the same time.
pub(super) fn judge_moment(
    before: &Acd,
    acd: &mut Acd,
    input: Option<&Input>,
) -> Result<(), String> {
    let said: Vec<Output> = std::iter::from_fn(|| acd.poll_output()).collect();
    judge_pairs(acd)?;
    judge_rings(acd)?;
    judge_choices(before, acd, &said)?;
    judge_ends(before, acd, &said, input)?;
    judge_after_call_work(before, acd, input)?;
    judge_indexes(acd)
}

/// One call, one agent.
fn judge_pairs(acd: &Acd) -> Result<(), String> {
    let mut with_agent = BTreeSet::new();
    for (at, agent) in (0..).map(AgentIndex::at_start).zip(&acd.agents) {
        let idle = agent.activity == Activity::Idle;
        hold!(idle || agent.status == AgentStatus::Ready, "{} is busy, not ready", agent.id);
        let ready = idle && agent.status == AgentStatus::Ready;
        hold!(agent.reachable || !ready, "{} is ready without a phone", agent.id);
        let (call, expected) = match agent.activity {
            Activity::Idle | Activity::Acw { .. } => continue,
            Activity::Reserved { call, offer } | Activity::Ringing { call, offer } => {
                (call, Some(offer))
            }
            Activity::Talking { call } => (call, None),
        };
        let beside = |offer| acd.calls.get(&call).and_then(|known| acd.open_beside(known, offer));
        if let Some(open) = expected.and_then(beside) {
            hold!(open.agent == at, "{} has an offer of another", agent.id);
            continue;
        }
        hold!(with_agent.insert(call), "{call} has two agents");
        let agrees = match acd.calls.get(&call).map(|call| call.progress) {
            Some(Progress::Offered { offer, agent, .. }) => agent == at && expected == Some(offer),
            Some(Progress::Dialing { offer, agent, .. }) => {
                let first = acd.calls[&call].callback.map(|callback| callback.first);
                let reserved = (first == Some(First::Customer)).then_some(offer);
                agent == at && expected == reserved
            }
            Some(Progress::Talking { agent }) => agent == at && expected.is_none(),
            Some(Progress::Waiting | Progress::Resting { .. }) | None => false,
        };
        hold!(agrees, "{} has {call}, which does not know", agent.id);
    }
    for call in acd.calls.values() {
        let id = &call.place.call;
        let waits = matches!(call.progress, Progress::Waiting | Progress::Resting { .. });
        hold!(waits != with_agent.contains(id), "{id} is {:?} without an agent", call.progress);
    }
    Ok(())
}

/// What rings for a call are offers of agents who know it, no more than may, and nobody who could
/// ring along is idle.
fn judge_rings(acd: &Acd) -> Result<(), String> {
    for (id, ring) in &acd.rings {
        let call = acd.calls.get(id).ok_or_else(|| format!("{id} rings, but is gone"))?;
        let is_offered = matches!(call.progress, Progress::Offered { .. });
        hold!(is_offered, "{id} rings, but is {:?}", call.progress);
        let ringing = ring.others.len() + 1;
        hold!(ringing <= ring.allowed, "{id}: {ringing} ring, {} may", ring.allowed);
        hold!(ring.allowed <= usize::from(MAX_RINGING), "{id}: {} may ring", ring.allowed);
        for open in &ring.others {
            let agent = acd.agent_at(open.agent);
            let knows = match agent.activity {
                Activity::Reserved { call, offer } | Activity::Ringing { call, offer } => {
                    (call, offer) == (*id, open.offer)
                }
                Activity::Idle | Activity::Talking { .. } | Activity::Acw { .. } => false,
            };
            hold!(knows, "{} does not know that {id} rings", agent.id);
            hold!(acd.offers.get(&open.offer) == Some(id), "{id}: a lost offer");
        }
        let queue: &Queue = &acd.queues[call.queue as usize];
        let listed = queue.roomy.contains(&call.place);
        hold!(listed == (ringing < ring.allowed), "{id}: {ringing} ring, listed {listed}");
        for agent in
            acd.agents.iter().filter(|agent| ringing < ring.allowed && agent.is_available())
        {
            hold!(!may(acd, agent, call), "{} is idle and {id} may ring more", agent.id);
        }
    }
    for queue in &acd.queues {
        let known = queue.roomy.iter().all(|place| acd.rings.contains_key(&place.call));
        hold!(known && acd.widened.is_empty(), "{}: rings that are over", queue.id);
    }
    Ok(())
}

/// Whoever was offered a call got the best of those left, and is the best of those left.
fn judge_choices(before: &Acd, acd: &Acd, said: &[Output]) -> Result<(), String> {
    for output in said {
        let (call, agent) = match output {
            Output::Callback(CallbackOutput::Dial {
                call, agent, first: First::Customer, ..
            }) => (call, agent),
            // The choice for a customer who is on the line now was made before the call.
            Output::Offer { call, agent, .. } if !was_dialing(before, *call) => (call, agent),
            _ => continue,
        };
        let Some((at, one)) =
            (0..).map(AgentIndex::at_start).zip(&acd.agents).find(|(_, one)| one.id == *agent)
        else {
            continue;
        };
        // The offer has ended the preference by which it was made.
        let preferred = acd.why(*call).last().is_some_and(|why| why.choice == Choice::Preferred);
        let until = Mono(u64::MAX);
        let preference = match before.calls.get(call) {
            Some(call) => call
                .preference
                .filter(|preference| acd.agent_at(preference.agent).status == AgentStatus::Ready),
            None => preferred.then_some(Preference { agent: at, until }),
        };
        let chosen = &Call { preference, ..acd.calls[call] };
        hold!(may(acd, one, chosen), "{agent} may not take {call}");
        for other in acd.calls.values().filter(|call| call.progress == Progress::Waiting) {
            let key = |call: &Call| (Reverse(acd.score(call.queue, call.place)), call.place.call);
            let worse = key(chosen) < key(other) || !may(acd, one, other);
            hold!(worse, "{agent} got {call} before {}", other.place.call);
        }
        for other in acd.agents.iter().filter(|agent| agent.is_available()) {
            let later = (one.idle_since, &one.id) < (other.idle_since, &other.id);
            hold!(later || !may(acd, other, chosen), "{agent} got {call} before {}", other.id);
        }
    }
    Ok(())
}

/// Every call that was there is still there or has ended, once, in a way that was told.
fn judge_ends(
    before: &Acd,
    acd: &Acd,
    said: &[Output],
    input: Option<&Input>,
) -> Result<(), String> {
    for output in said {
        if let Output::Dequeued { call, .. } = output {
            let waited = before.calls.get(call).map(|call| call.progress);
            let was_in_line = !matches!(waited, None | Some(Progress::Talking { .. }));
            hold!(was_in_line && !acd.calls.contains_key(call), "{call} left, but did not");
        }
    }
    for call in before.calls.values() {
        let id = &call.place.call;
        let told = said.iter().filter(|output| match output {
            Output::Dequeued { call, .. } => call == id,
            Output::Overflowed { call, to, .. } => call == id && !matches!(to, Overflow::Queue(_)),
            Output::NotEnqueued { call, why, .. } => {
                call == id && *why != NotEnqueued::AlreadyKnown
            }
            Output::Callback(CallbackOutput::Ended { call, end, .. }) => {
                let goes_on = CallbackEnd::Rejoined { by: *id };
                call == id && ![CallbackEnd::Reached, goes_on].contains(end)
            }
            _ => false,
        });
        let ends = told.count() + usize::from(ended_by(input, *id, call));
        let gone = usize::from(!acd.calls.contains_key(id));
        hold!(ends == gone, "{id} ended {ends} times");
    }
    Ok(())
}

fn was_dialing(before: &Acd, call: CallId) -> bool {
    let progress = before.calls.get(&call).map(|call| call.progress);
    matches!(progress, Some(Progress::Dialing { .. }))
}

fn ended_by(input: Option<&Input>, id: CallId, call: &Call) -> bool {
    let talking = matches!(call.progress, Progress::Talking { .. });
    matches!(input, Some(Input::CallEnded { call }) if *call == id) && talking
}

/// After-call work ends at its time, or by the agent.
fn judge_after_call_work(before: &Acd, acd: &Acd, input: Option<&Input>) -> Result<(), String> {
    for (was, is) in before.agents.iter().zip(&acd.agents) {
        let Activity::Acw { until, at_most, .. } = was.activity else { continue };
        hold!(until <= at_most, "{}: after-call work beyond its limit", was.id);
        let own = match input {
            Some(
                Input::Ready { agent } | Input::SignOut { agent } | Input::WrapUp { agent, .. },
            ) => *agent == was.id,
            _ => false,
        };
        let goes_on = matches!(is.activity, Activity::Acw { until: now, .. } if now >= until);
        hold!(own || goes_on || until <= acd.now, "{}: after-call work was cut", was.id);
    }
    Ok(())
}

/// Lines, figures and deadlines are those of the agents and calls that there are.
fn judge_indexes(acd: &Acd) -> Result<(), String> {
    hold!(acd.opened.is_empty(), "not offered yet: {:?}", acd.opened);
    hold!(acd.returned.is_empty() && acd.swept.is_empty(), "not looked at yet");
    for agent in &acd.agents {
        hold!(agent.listed == agent.is_available(), "{} listed: {}", agent.id, agent.listed);
    }
    for agent in acd.agents.iter().filter(|agent| agent.rests_until.is_some()) {
        let ready = agent.activity == Activity::Idle && agent.status == AgentStatus::Ready;
        hold!(ready, "{} rests, but is not ready", agent.id);
    }
    for (at, queue) in (0..).zip(&acd.queues) {
        let mut line: Vec<&Call> = acd
            .calls
            .values()
            .filter(|call| call.queue == at && !matches!(call.progress, Progress::Talking { .. }))
            .collect();
        line.sort_by_key(|call| call.place);
        let ids: Vec<CallId> = line.iter().map(|call| call.place.call).collect();
        hold!(queue.calls().eq(ids.iter().copied()), "the line of {}: {ids:?}", queue.id);
        let view = queue.view();
        let resting = |call: &&&Call| matches!(call.progress, Progress::Resting { .. });
        let resting = line.iter().filter(resting).count();
        hold!(queue.resting_calls as usize == resting, "{}: {resting} rest", queue.id);
        let waiting = line.iter().filter(|call| call.progress == Progress::Waiting).count();
        let offered = line.len() - waiting - resting;
        hold!(view.offered as usize == offered, "{}: {offered} are offered", queue.id);
        let live = || line.iter().filter(|call| call.callback.is_none());
        hold!(view.waiting as usize == live().count(), "{}: {} wait", queue.id, view.waiting);
        let residuals = (
            queue.balance.residual_since(&Balance::default()),
            queue.called.residual_since(&CallbackBalance::default()),
        );
        hold!(residuals == (0, 0), "{}: {:?} {:?}", queue.id, queue.balance, queue.called);
        let longest = live().map(|call| call.entered).min();
        hold!(view.longest_since == longest, "{}: longest since {longest:?}", queue.id);
        hold!(view.agents == totals(acd, at), "{}: {:?}", queue.id, view.agents);
    }
    let deadlines: BTreeSet<(Mono, Timer)> = deadlines(acd).collect();
    hold!(acd.timers.all() == &deadlines, "deadlines {:?}", acd.timers);
    let offers =
        acd.calls.values().filter(|call| matches!(call.progress, Progress::Offered { .. }));
    let beside: usize = acd.rings.values().map(|ring| ring.others.len()).sum();
    hold!(acd.offers.len() == offers.count() + beside, "offers {:?}", acd.offers);
    Ok(())
}

fn totals(acd: &Acd, queue: u32) -> AgentTotals {
    let mut totals = AgentTotals::default();
    for agent in
        acd.agents.iter().filter(|agent| agent.serves.iter().any(|serves| serves.queue == queue))
    {
        *match (agent.activity, agent.status) {
            (Activity::Idle, AgentStatus::SignedOut) => &mut totals.signed_out,
            (Activity::Idle, AgentStatus::NotReady { .. }) => &mut totals.not_ready,
            (Activity::Idle, AgentStatus::Ready) => &mut totals.idle,
            (Activity::Reserved { .. }, _) => &mut totals.reserved,
            (Activity::Ringing { .. }, _) => &mut totals.ringing,
            (Activity::Talking { .. }, _) => &mut totals.talking,
            (Activity::Acw { .. }, _) => &mut totals.acw,
        } += 1;
    }
    totals
}

fn deadlines(acd: &Acd) -> impl Iterator<Item = (Mono, Timer)> {
    let offers = acd.calls.values().filter_map(|call| match call.progress {
        Progress::Offered { offer, deadline, .. } => Some((deadline, Timer::Offer(offer))),
        Progress::Dialing { deadline, .. } => Some((deadline, Timer::Dial(call.place.call))),
        Progress::Resting { until } => Some((until?, Timer::Again(call.place.call))),
        Progress::Waiting | Progress::Talking { .. } => None,
    });
    let limits =
        acd.calls.values().filter_map(|call| Some((call.limit_at?, Timer::Limit(call.place.call))));
    let tiers = acd
        .calls
        .values()
        .filter(|call| !matches!(call.progress, Progress::Talking { .. }))
        .filter_map(|call| Some((call.next_step_at?, Timer::Tier(call.place.call))));
    let preferences = acd
        .calls
        .values()
        .filter_map(|call| Some((call.preference?.until, Timer::Preference(call.place.call))));
    let rests = (0..)
        .map(AgentIndex::at_start)
        .zip(&acd.agents)
        .filter_map(|(at, agent)| Some((agent.rests_until?, Timer::Rest(at))));
    let works = (0..).map(AgentIndex::at_start).zip(&acd.agents).filter_map(|(at, agent)| {
        match agent.activity {
            Activity::Acw { until, .. } => Some((until, Timer::Acw(at))),
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Ringing { .. }
            | Activity::Talking { .. } => None,
        }
    });
    let beside = acd.rings.iter().flat_map(|(call, ring)| {
        let more = ring.more_at.map(|at| (at, Timer::RingMore(*call)));
        let open = ring.others.iter().map(|open| (open.deadline, Timer::Offer(open.offer)));
        open.chain(more)
    });
    let watches =
        (0..).zip(&acd.queues).filter_map(|(at, queue)| Some((queue.watch_at?, Timer::Watch(at))));
    let of_calls = offers.chain(beside).chain(limits).chain(tiers).chain(preferences);
    of_calls.chain(rests).chain(works).chain(watches)
}

/// Whether the steps that a call has reached, and the agent's permissions, let them take it now.
fn may(acd: &Acd, agent: &Agent, call: &Call) -> bool {
    let queue = &acd.config.queues[call.queue as usize];
    let Some(known) = acd.config.agents.iter().find(|known| known.agent == agent.id) else {
        return false;
    };
    let admits = |step: &TierStep| step.admits(known, &queue.queue);
    let alone = call.preference.filter(|preference| acd.now < preference.until);
    let open = match alone {
        Some(preference) => {
            acd.agent_at(preference.agent).id == agent.id && queue.steps.iter().any(admits)
        }
        None => {
            let reached = &queue.steps[..call.reached];
            let from = reached.iter().rposition(|step| step.replaces).unwrap_or(0);
            reached[from..].iter().any(admits)
        }
    };
    let held = acd.config.permissions.get(&agent.tier);
    let is_held = |needed| held.is_some_and(|held| held.contains(&needed));
    open && call.permission.is_none_or(is_held)
}

/// A call has reached the steps whose time has come, and beyond those only what so few idle agents
/// open; and none of that is closed to a call that waits.
fn judge_steps(acd: &Acd) -> Result<(), String> {
    for call in acd.calls.values().filter(|c| !matches!(c.progress, Progress::Talking { .. })) {
        let steps = &acd.config.queues[call.queue as usize].steps;
        let due = |ms| call.entered + Duration::from_millis(ms) <= acd.now;
        let by_time = steps.iter().rposition(|step| step.opens.after_ms.is_some_and(due));
        let by_time = by_time.map_or(0, |at| at + 1);
        let beyond = steps.get(by_time..call.reached).unwrap_or_default();
        let by_idle = beyond.iter().all(|step| step.opens.idle.is_some());
        hold!(call.reached >= by_time && by_idle, "{call:?}: {by_time} steps are due");
        let next = steps.get(call.reached).and_then(|step| step.opens.idle);
        let waits = call.progress == Progress::Waiting && call.preference.is_none();
        hold!(!waits || next.is_none(), "{call:?} waits, though nobody is idle");
    }
    Ok(())
}
