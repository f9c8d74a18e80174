//! What is kept with the facts of offers and agents, so that it outlives the engine: why an agent
//! was chosen, and what an agent's day has come to; and agents put back from that.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{AgentRecord, MissedCounts, RestoredAcw, RestoredAgent, RestoredDay, Work};
use model::{
    AgentDay, AgentId, AgentState, AgentStatus, CallId, Choice, Decision, Mono, OfferId, QueueId,
    Wall,
};

use crate::{Callflow, KeptAgent};

impl Callflow {
    /// Why an agent, who is reserved by now, is offered a call.
    pub(crate) fn why(&self, agent: &AgentId, offer: OfferId) -> Option<Box<Decision>> {
        let in_line = self.acd.agent(agent)?.call?;
        let mut why = self.acd.decided(in_line, offer)?;
        if let Choice::Calls { next, .. } = &mut why.choice {
            next.iter_mut().for_each(|(call, _)| *call = self.about(*call));
        }
        Some(Box::new(why))
    }

    /// What an agent's day has come to.
    pub(crate) fn day(&self, agent: &AgentId) -> Option<Box<AgentDay>> {
        let record = self.acd.record(agent)?;
        Some(Box::new(day_of(&record, |mono| self.wall_at(mono))))
    }

    /// Puts agents back as they were when the last engine ended; `queues` says of which queue the
    /// calls were that ended with it.
    pub(crate) fn restore_agents(
        &mut self,
        agents: Vec<KeptAgent>,
        queues: &BTreeMap<CallId, QueueId>,
    ) {
        let ranks = ranks(&agents);
        for kept in agents {
            let phone_reachable = self.registrar.reachable(kept.agent.as_str()) > 0;
            let acw = self.acw_left(&kept, queues);
            if let Some(acw) = acw {
                // Its disposition may still be chosen.
                self.last_calls.insert(kept.agent.clone(), acw.call);
            }
            let since = ranks.get(&kept.agent).copied();
            let day = kept.day.as_ref().map(|day| self.restored_day(day, kept.state, since));
            let KeptAgent { agent, status, .. } = kept;
            let day = day.unwrap_or_default();
            let restored = RestoredAgent { agent, status, phone_reachable, acw, day };
            if status == AgentStatus::Ready && !phone_reachable {
                let later = RestoredAgent { phone_reachable: true, acw: None, ..restored.clone() };
                self.was_ready.insert(later.agent.clone(), later);
            }
            self.acd.restore_agent(restored, self.now);
        }
    }

    /// What is left of an agent's after-call work. Who was talking has all of it before them: their
    /// call ends now.
    fn acw_left(
        &self,
        kept: &KeptAgent,
        queues: &BTreeMap<CallId, QueueId>,
    ) -> Option<RestoredAcw> {
        let call = kept.call?;
        match kept.state {
            AgentState::Acw => {
                let (until, at_most) = kept.day.as_ref()?.acw?;
                let (until, at_most) = (self.mono_of(until), self.mono_of(at_most));
                Some(RestoredAcw { call, until, at_most })
            }
            AgentState::Talking => {
                let rule = self.acd.acw_rule(&kept.agent, queues.get(&call))?;
                let after = |ms| self.now + Duration::from_millis(ms);
                Some(RestoredAcw { call, until: after(rule.ms), at_most: after(rule.limit_ms) })
            }
            AgentState::Idle | AgentState::Reserved | AgentState::Ringing => None,
        }
    }

    fn restored_day(&self, day: &AgentDay, state: AgentState, since: Option<Mono>) -> RestoredDay {
        let now = self.wall();
        // An offer that was lost is none: as if the caller had hung up.
        let was_busy = match state {
            AgentState::Talking | AgentState::Acw => true,
            AgentState::Idle | AgentState::Reserved | AgentState::Ringing => false,
        };
        let busy_ns = day.busy_since.filter(|_| was_busy).map_or(0, |since| nanos(since, now));
        RestoredDay {
            idle_since: since.filter(|_| !was_busy),
            missed: missed_of(day.missed),
            missed_in_row: missed_of(day.missed_in_row),
            rests_until: day.rests_until.map(|until| self.mono_of(until)),
            asks: day.asks,
            work: Work {
                calls: day.calls,
                since: self.now,
                before_ns: nanos(day.since, now),
                busy_since: None,
                busy_ns: day.busy_us.saturating_mul(1_000).saturating_add(busy_ns),
                occupied_ppm: day.occupied_ppm,
            },
            turns: day.turns.clone(),
        }
    }

    /// A time of day on the engine's clock; its zero for what was before.
    fn mono_of(&self, wall: Wall) -> Mono {
        Mono(nanos(self.wall_at(Mono::default()), wall))
    }
}

/// The agents' order by since when they are idle, as times on the engine's clock, which knows none
/// before its start: a microsecond apart, which is as much as facts tell.
fn ranks(agents: &[KeptAgent]) -> BTreeMap<AgentId, Mono> {
    let since = |kept: &KeptAgent| kept.day.as_ref().map(|day| day.idle_since);
    let mut order: Vec<(Option<Wall>, &AgentId)> =
        agents.iter().map(|kept| (since(kept), &kept.agent)).collect();
    order.sort_unstable();
    (0..)
        .map(|rank: u64| Mono(rank * 1_000))
        .zip(order)
        .map(|(at, (_, a))| (a.clone(), at))
        .collect()
}

fn day_of(record: &AgentRecord, wall: impl Fn(Mono) -> Wall) -> AgentDay {
    let work = &record.work;
    let signed_in = wall(work.since).0 - i64::try_from(work.before_ns / 1_000).unwrap_or(0);
    let offered = record.turns.iter().filter(|(_, turns)| turns.offers > 0 || turns.last_turn > 0);
    AgentDay {
        since: Wall(signed_in),
        idle_since: wall(record.idle_since),
        missed: missed_as(&record.missed),
        missed_in_row: missed_as(&record.missed_in_row),
        rests_until: record.rests_until.map(&wall),
        acw: record.acw.map(|(until, at_most)| (wall(until), wall(at_most))),
        asks: record.asks,
        calls: work.calls,
        busy_since: work.busy_since.map(&wall),
        busy_us: work.busy_ns / 1_000,
        occupied_ppm: work.occupied_ppm,
        turns: offered
            .map(|(queue, turns)| (queue.clone(), (turns.offers, turns.last_turn)))
            .collect(),
    }
}

const fn missed_as(counts: &MissedCounts) -> [u32; 5] {
    let MissedCounts { no_answer, rejected, busy, unreachable, error } = *counts;
    [no_answer, rejected, busy, unreachable, error]
}

const fn missed_of([no_answer, rejected, busy, unreachable, error]: [u32; 5]) -> MissedCounts {
    MissedCounts { no_answer, rejected, busy, unreachable, error }
}

/// Nanoseconds from one time of day to another; none if that is earlier.
fn nanos(from: Wall, to: Wall) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0).saturating_mul(1_000)
}
