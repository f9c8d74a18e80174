//! What the room shows of agents and queues, counted again.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{Acd, Input, Output, QueueConfig, TierStep};
use model::{AgentId, AgentState, AgentStatus, AgentTotals, CallId, Mono, QueueId};

use super::reference::{Reference, Stage};

impl Reference {
    /// Whatever is said about it, an agent asks for the last thing that needs approval.
    pub(super) fn judge_asking(&mut self, input: Option<&Input>, said: &[Output]) {
        let refused = |id: &AgentId| {
            said.iter().any(|output| matches!(output, Output::Refused { agent, .. } if agent == id))
        };
        match input {
            Some(Input::NotReady { agent, reason }) => {
                let needs = self.config.approval.contains(reason);
                let asks = needs.then_some(*reason);
                self.agents.get_mut(agent).unwrap().asks = asks;
            }
            Some(Input::Approve { agent } | Input::Decline { agent }) => {
                let asked = self.agents.get_mut(agent).unwrap().asks.take();
                assert_eq!(asked.is_none(), refused(agent), "seed {}: {agent}", self.seed);
                let view = &self.agents[agent].view;
                if let (Some(Input::Approve { .. }), Some(reason)) = (input, asked) {
                    let status = AgentStatus::NotReady { reason };
                    let approved = view.status == status || view.next_status == Some(status);
                    assert!(approved, "seed {}: {view:?}", self.seed);
                }
            }
            Some(Input::SignOut { agent }) => self.agents.get_mut(agent).unwrap().asks = None,
            Some(Input::Ready { agent }) if !refused(agent) => {
                self.agents.get_mut(agent).unwrap().asks = None;
            }
            _ => {}
        }
        for working in self.agents.values() {
            assert_eq!(working.view.asks, working.asks, "seed {}: {working:?}", self.seed);
        }
    }

    /// Agents and calls have each other, and nobody is stuck.
    pub(super) fn judge_agents(&self, acd: &Acd, now: Mono) {
        let seed = self.seed;
        let mut with_call = BTreeMap::new();
        let mut ringing_along = 0;
        for (agent, working) in &self.agents {
            let view = acd.agent(agent).unwrap();
            assert_eq!(working.view, view, "seed {seed}: what was told is not what is");
            let busy = view.state != AgentState::Idle;
            assert!(!busy || view.status == AgentStatus::Ready, "seed {seed}: {view:?}");
            let ready = view.status == AgentStatus::Ready && !busy;
            assert!(!ready || view.phone_reachable, "seed {seed}: ready without a phone {view:?}");
            let limit_ms = match view.state {
                AgentState::Reserved => self.reserved_ms(view.call.unwrap()),
                AgentState::Ringing => self.config.ring_timeout_ms,
                AgentState::Idle | AgentState::Talking | AgentState::Acw => u64::MAX / 2_000_000,
            };
            let limit = view.since + Duration::from_millis(limit_ms);
            assert!(now < limit, "seed {seed}: stuck {view:?} at {now:?}");
            if let Some(until) = view.acw_until {
                let (least_ms, most_ms) = working.acw;
                let least = view.since + Duration::from_millis(least_ms);
                let most = view.since + Duration::from_millis(most_ms);
                assert!((least..=most).contains(&until) && now < until, "seed {seed}: {view:?}");
            }
            if let Some(call) = view.call.filter(|_| view.state != AgentState::Acw) {
                let waiting = &self.calls[&call];
                if let Some(rung) = view.offer.and_then(|offer| waiting.beside.get(&offer)) {
                    assert_eq!(rung, agent, "seed {seed}: {call}");
                    ringing_along += 1;
                    continue;
                }
                assert_eq!(with_call.insert(call, agent), None, "seed {seed}: {call} twice");
                assert_eq!(waiting.agent.as_ref(), Some(agent), "seed {seed}: {call}");
                let agrees = match (waiting.stage, view.offer) {
                    (Stage::Offered(offer), shown) => shown == Some(offer),
                    (Stage::Dialing(offer), shown) => self.agrees_dialing(waiting, offer, shown),
                    (Stage::Talking, shown) => shown.is_none(),
                    (Stage::Waiting | Stage::Resting(_) | Stage::Over, _) => false,
                };
                assert!(agrees, "seed {seed}: {call} {waiting:?} {view:?}");
            }
        }
        let beside: usize = self.calls.values().map(|call| call.beside.len()).sum();
        assert_eq!(beside, ringing_along, "seed {seed}: offers without an agent");
        for (call, waiting) in &self.calls {
            let has_agent =
                matches!(waiting.stage, Stage::Offered(_) | Stage::Dialing(_) | Stage::Talking);
            assert_eq!(has_agent, with_call.contains_key(call), "seed {seed}: ghost {call}");
        }
    }

    /// Lines, places and figures are those of the calls and agents that there are.
    pub(super) fn judge_queues(&self, acd: &Acd, now: Mono) {
        let seed = self.seed;
        for queue in &self.config.queues {
            let line = self.line(&queue.queue);
            assert!(acd.line(&queue.queue).eq(line.iter().copied()), "seed {seed}: {line:?}");
            let view = acd.queue_snapshot(&queue.queue).unwrap();
            for (at, call) in line.iter().enumerate() {
                let position = acd.position(*call).unwrap();
                let expected = (at + 1, line.len());
                let told = (position.position as usize, position.waiting as usize);
                assert_eq!(told, expected, "seed {seed}");
                self.judge_steps(queue, *call, now);
            }
            let live = || line.iter().filter(|call| self.calls[call].callback.is_none());
            let longest = live().map(|call| self.calls[call].entered).min();
            let offered = |call: &&CallId| {
                matches!(self.calls[call].stage, Stage::Offered(_) | Stage::Dialing(_))
            };
            let figures = (live().count(), line.iter().filter(offered).count(), longest);
            let told = (view.waiting as usize, view.offered as usize, view.longest_since);
            assert_eq!((told, view.agents), (figures, self.totals(&queue.queue)), "seed {seed}");
            assert_eq!(view.callbacks as usize, line.len() - live().count(), "seed {seed}");
            self.judge_balance(acd, &queue.queue);
        }
    }

    /// A call has reached the steps whose time has come, and none that so few who are idle open
    /// is left closed to it while it waits.
    fn judge_steps(&self, queue: &QueueConfig, id: CallId, now: Mono) {
        let (seed, call) = (self.seed, &self.calls[&id]);
        let due = |step: &TierStep| {
            step.opens.after_ms.is_some_and(|ms| call.entered + Duration::from_millis(ms) <= now)
        };
        let by_time = queue.steps.iter().rposition(due).map_or(0, |at| at + 1);
        assert!(call.reached >= by_time, "seed {seed}: steps of {id}: {call:?}");
        assert!(!call.opens_more, "seed {seed}: {id} was to reach more: {call:?}");
        let next = queue.steps.get(call.reached).and_then(|step| step.opens.idle);
        let waits = call.stage == Stage::Waiting && call.preferred.is_none();
        assert!(!waits || next.is_none(), "seed {seed}: nobody is idle for {id}: {call:?}");
    }

    fn totals(&self, queue: &QueueId) -> AgentTotals {
        let mut totals = AgentTotals::default();
        for working in self.agents.values().filter(|agent| self.serves(agent, queue)) {
            *match (working.view.state, working.view.status) {
                (AgentState::Idle, AgentStatus::SignedOut) => &mut totals.signed_out,
                (AgentState::Idle, AgentStatus::NotReady { .. }) => &mut totals.not_ready,
                (AgentState::Idle, AgentStatus::Ready) => &mut totals.idle,
                (AgentState::Reserved, _) => &mut totals.reserved,
                (AgentState::Ringing, _) => &mut totals.ringing,
                (AgentState::Talking, _) => &mut totals.talking,
                (AgentState::Acw, _) => &mut totals.acw,
            } += 1;
        }
        totals
    }
}
