//! What agents are doing and for how long they did what: the time of each state, and of how much of
//! their time at work they were busy.

use std::collections::BTreeMap;

use model::{AgentId, AgentState, AgentStatus, Mono};

/// What an agent is doing, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// At work, taking no calls.
    NotReady,
    /// Ready, with nothing to do.
    Idle,
    /// Meant for a call; the phone does not ring yet.
    Reserved,
    /// Being rung.
    Ringing,
    /// In conversation.
    Talking,
    /// In after-call work.
    Acw,
}

impl Doing {
    /// Everything.
    pub const ALL: [Self; 6] =
        [Self::NotReady, Self::Idle, Self::Reserved, Self::Ringing, Self::Talking, Self::Acw];

    /// The name on the metrics page.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::Idle => "idle",
            Self::Reserved => "reserved",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Acw => "acw",
        }
    }

    /// `None` for one who is not at work.
    const fn of(status: AgentStatus, state: AgentState) -> Option<Self> {
        match (state, status) {
            (AgentState::Idle, AgentStatus::SignedOut) => None,
            (AgentState::Idle, AgentStatus::NotReady { .. }) => Some(Self::NotReady),
            (AgentState::Idle, AgentStatus::Ready) => Some(Self::Idle),
            (AgentState::Reserved, _) => Some(Self::Reserved),
            (AgentState::Ringing, _) => Some(Self::Ringing),
            (AgentState::Talking, _) => Some(Self::Talking),
            (AgentState::Acw, _) => Some(Self::Acw),
        }
    }

    const fn is_busy(self) -> bool {
        match self {
            Self::NotReady | Self::Idle => false,
            Self::Reserved | Self::Ringing | Self::Talking | Self::Acw => true,
        }
    }
}

/// So many agents do something now, and for so long did they all together, since the figures began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Agents now.
    pub agents: u64,
    /// Of all agents, in milliseconds.
    pub ms: u64,
}

/// The fold, of which each agent is one entry.
#[derive(Debug, Default)]
pub(crate) struct AgentTimes {
    now: BTreeMap<AgentId, (Doing, Mono)>,
    done: BTreeMap<Doing, Done>,
}

impl AgentTimes {
    /// An agent is this from now on.
    pub(crate) fn change(
        &mut self,
        agent: &AgentId,
        (status, state): (AgentStatus, AgentState),
        at: Mono,
    ) {
        if let Some((doing, since)) = self.now.remove(agent) {
            let done = self.done.entry(doing).or_default();
            done.agents = done.agents.saturating_sub(1);
            done.ms += at.ms_since(since);
        }
        if let Some(doing) = Doing::of(status, state) {
            self.now.insert(agent.clone(), (doing, at));
            self.done.entry(doing).or_default().agents += 1;
        }
    }

    /// A new engine knows nothing of the agents; how long they did what stays counted.
    pub(crate) fn begin_anew(&mut self) {
        self.now.clear();
        self.done.values_mut().for_each(|done| done.agents = 0);
    }

    /// Each thing that agents do, up to now.
    pub(crate) fn until(&self, now: Mono) -> BTreeMap<Doing, Done> {
        let mut all: BTreeMap<Doing, Done> =
            Doing::ALL.into_iter().map(|doing| (doing, Done::default())).collect();
        all.extend(self.done.iter().map(|(doing, done)| (*doing, *done)));
        for (doing, since) in self.now.values() {
            if let Some(done) = all.get_mut(doing) {
                done.ms += now.ms_since(*since);
            }
        }
        all
    }
}

/// How much of their time at work agents were busy, in thousandths: with a call that is offered, in
/// it, or with the work after it. `None` while nobody was at work.
pub fn occupancy_permille(done: &BTreeMap<Doing, Done>) -> Option<u64> {
    let busy = done.iter().filter(|(doing, _)| doing.is_busy()).map(|(_, done)| done.ms);
    let all: u64 = done.values().map(|done| done.ms).sum();
    (busy.sum::<u64>() * 1_000).checked_div(all)
}

#[cfg(test)]
mod tests {
    use model::NotReadyReason;

    use super::*;

    const READY: AgentStatus = AgentStatus::Ready;

    #[test]
    fn every_moment_at_work_is_counted_once_and_none_after_it() {
        let mut times = AgentTimes::default();
        let agent = AgentId::from("8001");
        let meal = AgentStatus::NotReady { reason: NotReadyReason::Meal };
        for (at_ms, now) in [
            (0, (meal, AgentState::Idle)),
            (1_000, (READY, AgentState::Idle)),
            (3_000, (READY, AgentState::Reserved)),
            (3_100, (READY, AgentState::Ringing)),
            (4_000, (READY, AgentState::Talking)),
            (8_000, (READY, AgentState::Acw)),
        ] {
            times.change(&agent, now, Mono::from_ms(at_ms));
        }
        let working = times.until(Mono::from_ms(9_000));
        assert_eq!(working[&Doing::Acw], Done { agents: 1, ms: 1_000 });
        times.change(&agent, (AgentStatus::SignedOut, AgentState::Idle), Mono::from_ms(10_000));
        let over = times.until(Mono::from_ms(99_000));
        let ms: Vec<u64> = Doing::ALL.iter().map(|doing| over[doing].ms).collect();
        assert_eq!(ms, [1_000, 2_000, 100, 900, 4_000, 2_000]);
        assert!(over.values().all(|done| done.agents == 0), "{over:?}");
        assert_eq!(occupancy_permille(&over), Some(700));
    }

    #[test]
    fn nobody_at_work_has_no_occupancy() {
        assert_eq!(occupancy_permille(&AgentTimes::default().until(Mono(1))), None);
    }

    #[test]
    fn a_new_engine_begins_with_nobody_and_keeps_what_was_counted() {
        let mut times = AgentTimes::default();
        times.change(&"8001".into(), (READY, AgentState::Idle), Mono(0));
        times.change(&"8001".into(), (READY, AgentState::Talking), Mono::from_ms(500));
        times.begin_anew();
        let done = times.until(Mono::from_ms(9_000));
        assert_eq!(done[&Doing::Idle], Done { agents: 0, ms: 500 });
        assert_eq!(done[&Doing::Talking], Done::default());
    }
}
