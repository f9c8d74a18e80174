//! Who gets a call, and which call an agent takes; what was chosen from is kept with the choice.

use std::cmp::Reverse;

use model::{CallId, OfferId};

use crate::Acd;
use crate::agent::{Agent, AgentIndex, Serves};
use crate::call::{Call, Place, Preference, Progress};
use crate::config::MAX_LEVEL;
use crate::strategy::{CallChoice, Turn};
use crate::why::{Choice, Decision, ExcludedCalls, MAX_NEXT};

/// A call that an agent may take, by what they go by: the lowest is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    key: u64,
    score: Reverse<u64>,
    call: CallId,
}

/// The first candidates, in order.
#[derive(Debug, Default)]
struct First {
    kept: [Option<Candidate>; MAX_NEXT + 1],
}

impl First {
    /// Keeps a candidate if it is among the first; false if it is not.
    fn insert(&mut self, candidate: Candidate) -> bool {
        let after = |kept: &Option<Candidate>| kept.is_none_or(|kept| candidate < kept);
        let Some(at) = self.kept.iter().position(after) else { return false };
        self.kept[at..].rotate_right(1);
        self.kept[at] = Some(candidate);
        true
    }

    /// All but one call, with their scores.
    fn others(&self, best: CallId) -> Vec<(CallId, u64)> {
        let others = self.kept.iter().flatten().filter(|candidate| candidate.call != best);
        others.map(|Candidate { score, call, .. }| (*call, score.0)).take(MAX_NEXT).collect()
    }
}

impl Acd {
    /// Offers a waiting call to the agent whose turn it is among those who may take it, if there is
    /// one.
    pub(crate) fn serve_call(&mut self, id: CallId) {
        let Some(mut call) = self.calls.get(&id) else { return };
        if call.progress != Progress::Waiting {
            return;
        }
        if self.queues[call.queue as usize].opens_early && call.preference.is_none() {
            self.open_early(id);
            let Some(opened) = self.calls.get(&id) else { return };
            call = opened;
        }
        let chosen = match call.preference {
            Some(Preference { agent, .. }) => {
                self.agent_at(agent).is_available().then_some((agent, Choice::Preferred))
            }
            None => {
                let turn = self.queues[call.queue as usize].best_agent(call);
                turn.map(|turn| (turn.index, self.among_agents(call, turn)))
            }
        };
        if let Some((agent, choice)) = chosen {
            self.offer(id, agent, choice);
        }
    }

    /// Offers an agent the best of the calls that they may take, if there is one.
    pub(crate) fn serve_agent(&mut self, at: AgentIndex) {
        let agent = self.agent_at(at);
        if !agent.is_available() {
            return;
        }
        let Some((best, choice)) = self.among_calls(agent) else { return };
        if let Some(call) = self.calls.get(&best) {
            self.queues[call.queue as usize].pace.step();
        }
        self.offer(best, at, choice);
    }

    fn candidate(&self, agent: &Agent, serves: &Serves, place: Place) -> Candidate {
        let key = match agent.choice {
            CallChoice::HighestScore => 0,
            CallChoice::SkillFirst => u64::from(MAX_LEVEL - serves.level),
            CallChoice::Shares => serves.offers.saturating_mul(1_000_000) / u64::from(serves.share),
        };
        let score = Reverse(self.score(serves.queue, place));
        Candidate { key, score, call: place.call }
    }

    /// What a call's agent was chosen from.
    pub(crate) fn among_agents(&self, call: &Call, best: Turn) -> Choice {
        let queue = &self.queues[call.queue as usize];
        let next = queue.next_agents(call, MAX_NEXT);
        let named = |turn: Turn| (self.agent_at(turn.index).id.clone(), turn.key);
        Choice::Agents {
            strategy: queue.strategy,
            key: best.key,
            next: next.into_iter().map(named).collect(),
            excluded: queue.barred_from(call),
        }
    }

    /// The best call for an agent, and what it was chosen from; `None` if there is none. Looks at a
    /// few calls of each kind that the agent may take, however many there are.
    fn among_calls(&self, agent: &Agent) -> Option<(CallId, Choice)> {
        let mut first = First::default();
        for serves in &agent.serves {
            // The lists of a queue are in the order of their scores.
            for places in self.queues[serves.queue as usize].open_to(serves.class) {
                let mut candidates = places.iter().map(|at| self.candidate(agent, serves, *at));
                while candidates.next().is_some_and(|candidate| first.insert(candidate)) {}
            }
            let own = preferring(agent, serves.queue);
            let mut candidates = own.map(|at| self.candidate(agent, serves, at));
            while candidates.next().is_some_and(|candidate| first.insert(candidate)) {}
        }
        let best = first.kept[0]?;
        let mut excluded = ExcludedCalls::default();
        for serves in &agent.serves {
            excluded.add(self.queues[serves.queue as usize].closed_to(serves.class));
        }
        let own = u32::try_from(agent.preferred.len()).unwrap_or(u32::MAX);
        excluded.preferring = excluded.preferring.saturating_sub(own);
        let Reverse(score) = best.score;
        let next = first.others(best.call);
        Some((best.call, Choice::Calls { score, next, excluded }))
    }

    /// Keeps why a call is offered to an agent; the number of the decision.
    pub(crate) fn keep(
        &mut self,
        offer: OfferId,
        call: &Call,
        at: AgentIndex,
        choice: Choice,
    ) -> u64 {
        let seq = self.decisions.next_seq();
        let queue = self.queues[call.queue as usize].id.clone();
        let (agent, call) = (self.agent_at(at).id.clone(), call.place.call);
        self.decisions.keep(Decision { seq, at: self.now, offer, call, queue, agent, choice });
        seq
    }
}

/// The calls of a queue that wait for this agent alone, first in line first.
fn preferring(agent: &Agent, queue: u32) -> impl Iterator<Item = Place> + '_ {
    let first = (queue, Place::FIRST);
    let own = agent.preferred.range(first..).take_while(move |(of, _)| *of == queue);
    own.map(|&(_, place)| place)
}
