//! A small call center for the scenarios: the demo's queues and tiers, and short words for what
//! happens in it. Not every scenario uses every word.
#![allow(dead_code, reason = "shared by several test files, each of which uses a part")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::collections::{BTreeMap, BTreeSet};

use acd::{Acd, AgentConfig, AgentView, Config, Input, Output, QueueConfig, TierStep};
use model::{
    AgentId, AgentState, AgentStatus, CallId, Id, IdSource, MissedCause, Mono, NotReadyReason,
    OfferId, Permission, QueueId, Tier,
};

pub(crate) fn tier(level: u8) -> Tier {
    Tier { level }
}

pub(crate) fn call(counter: u32) -> CallId {
    CallId(Id::new(1, 1, counter))
}

pub(crate) fn steps(steps: &[(u8, u64)]) -> Vec<TierStep> {
    steps.iter().map(|&(level, after_ms)| TierStep::new(tier(level), after_ms)).collect()
}

pub(crate) fn queue(name: &str, opens: &[(u8, u64)]) -> QueueConfig {
    QueueConfig { max_waiting: 100, ..QueueConfig::new(name.into(), steps(opens)) }
}

pub(crate) fn agent(id: &str, level: u8, queues: &[&str]) -> AgentConfig {
    let queues = queues.iter().map(|&queue| QueueId::from(queue).into()).collect();
    AgentConfig::new(id.into(), tier(level), queues, 10_000)
}

/// The demo's queues and tiers with two agents of tier 1 and one of each other.
pub(crate) fn demo() -> Config {
    let one = [Permission::PolicyView, Permission::ClaimRegister];
    let two = [Permission::PolicyEndorse, Permission::ComplaintHandle];
    let three = [Permission::ClaimSettle, Permission::CustomerUnmask];
    let upto = |lists: &[[Permission; 2]]| lists.iter().flatten().copied().collect();
    let all = ["general", "claims", "complaints"];
    Config {
        queues: vec![
            queue("general", &[(1, 0), (2, 20_000), (3, 40_000)]),
            queue("claims", &[(1, 0), (2, 20_000), (3, 40_000)]),
            queue("complaints", &[(2, 0), (3, 20_000)]),
        ],
        agents: vec![
            agent("8001", 1, &all[..2]),
            agent("8002", 1, &all[..2]),
            agent("8011", 2, &all),
            agent("8021", 3, &all),
        ],
        permissions: BTreeMap::<Tier, BTreeSet<Permission>>::from([
            (tier(1), upto(&[one])),
            (tier(2), upto(&[one, two])),
            (tier(3), upto(&[one, two, three])),
        ]),
        ..Config::default()
    }
}

/// The room with its clock.
pub(crate) struct Room {
    pub(crate) acd: Acd,
    pub(crate) now_ms: u64,
    /// Everything said since the last [`Room::said`], queue figures left out.
    outputs: Vec<Output>,
}

impl Room {
    pub(crate) fn new(config: &Config) -> Self {
        let acd = Acd::new(config, IdSource::new(1, 1)).unwrap();
        Self { acd, now_ms: 0, outputs: Vec::new() }
    }

    pub(crate) fn demo() -> Self {
        Self::new(&demo())
    }

    pub(crate) fn now(&self) -> Mono {
        Mono::from_ms(self.now_ms)
    }

    pub(crate) fn tell(&mut self, input: Input) -> &mut Self {
        self.acd.handle_input(input, Mono::from_ms(self.now_ms));
        self.drain();
        self
    }

    /// Lets time pass, looking at every deadline.
    pub(crate) fn pass(&mut self, ms: u64) -> &mut Self {
        let until = self.now_ms + ms;
        while let Some((due, reason)) = self.acd.poll_timeout()
            && due <= Mono::from_ms(until)
        {
            assert!(!reason.is_empty());
            self.acd.handle_timeout(due);
            self.drain();
        }
        self.now_ms = until;
        self
    }

    fn drain(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            if !matches!(output, Output::QueueChanged(_)) {
                self.outputs.push(output);
            }
        }
    }

    /// What was said since the last time.
    pub(crate) fn said(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// The offers made since the last time, as call and agent.
    pub(crate) fn offers(&mut self) -> Vec<(CallId, String)> {
        let offered = |output| match output {
            Output::Offer { call, agent, .. } => Some((call, agent.to_string())),
            _ => None,
        };
        self.said().into_iter().filter_map(offered).collect()
    }

    pub(crate) fn ready(&mut self, agent: &str) -> &mut Self {
        let agent: AgentId = agent.into();
        self.tell(Input::PhoneReachable { agent: agent.clone(), reachable: true });
        self.tell(Input::Ready { agent })
    }

    pub(crate) fn not_ready(&mut self, agent: &str) -> &mut Self {
        self.tell(Input::NotReady { agent: agent.into(), reason: NotReadyReason::Break })
    }

    pub(crate) fn enqueue(&mut self, counter: u32, queue: &str) -> &mut Self {
        self.enqueue_at(counter, queue, None, self.now_ms)
    }

    pub(crate) fn enqueue_at(
        &mut self,
        counter: u32,
        queue: &str,
        permission: Option<Permission>,
        entered_ms: u64,
    ) -> &mut Self {
        self.tell(Input::Enqueue {
            call: call(counter),
            queue: queue.into(),
            permission,
            entered: Mono::from_ms(entered_ms),
            head_start_ms: 0,
            preferred: None,
        })
    }

    pub(crate) fn view(&self, agent: &str) -> AgentView {
        self.acd.agent(&agent.into()).unwrap()
    }

    pub(crate) fn state(&self, agent: &str) -> (AgentStatus, AgentState) {
        let view = self.view(agent);
        (view.status, view.state)
    }

    /// The offer that an agent has not answered yet.
    pub(crate) fn offer(&self, agent: &str) -> OfferId {
        self.view(agent).offer.unwrap()
    }

    pub(crate) fn ringing(&mut self, agent: &str) -> &mut Self {
        let offer = self.offer(agent);
        self.tell(Input::OfferRinging { offer })
    }

    pub(crate) fn answer(&mut self, agent: &str) -> &mut Self {
        let offer = self.offer(agent);
        self.tell(Input::OfferRinging { offer });
        self.tell(Input::OfferAnswered { offer })
    }

    pub(crate) fn miss(&mut self, agent: &str, cause: MissedCause) -> &mut Self {
        let offer = self.offer(agent);
        self.tell(Input::OfferMissed { offer, cause })
    }

    pub(crate) fn dequeue(&mut self, counter: u32) -> &mut Self {
        self.tell(Input::Dequeue { call: call(counter) })
    }

    pub(crate) fn end(&mut self, counter: u32) -> &mut Self {
        self.tell(Input::CallEnded { call: call(counter) })
    }

    pub(crate) fn line(&self, queue: &str) -> Vec<CallId> {
        self.acd.line(&QueueId::from(queue)).collect()
    }
}

pub(crate) fn not_ready(reason: NotReadyReason) -> AgentStatus {
    AgentStatus::NotReady { reason }
}
