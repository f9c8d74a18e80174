//! What an event costs with many agents, queues and callers: `cargo bench -p acd`, or for certain
//! numbers of agents alone: `cargo bench -p acd -- 10000`.
//!
//! Everyone is busy and the lines are kept full: a call ends, its agent is offered the best call of
//! five queues, the phone rings, the agent answers, another caller enters. All that the room says
//! is taken from it.
#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped was made here")]

use std::time::Instant;

use acd::{Acd, AgentConfig, Config, Input, Output, QueueConfig, Served, TierStep};
use model::{AgentId, CallId, Id, IdSource, Mono, OfferId, QueueId, Tier};

const QUEUES: usize = 200;
const WAITING: u32 = 10_000;
const ROUNDS: usize = 40_000;

struct Center {
    acd: Acd,
    /// The queues' names, made once, as who tells the room has them.
    queues: Vec<QueueId>,
    now: Mono,
    rng: u64,
    calls: u32,
    offers: Vec<OfferId>,
    talking: Vec<CallId>,
    events: u64,
}

fn queue(at: usize) -> QueueId {
    QueueId::from(format!("queue-{at:03}"))
}

fn agent(at: usize) -> AgentId {
    AgentId::from(format!("{at:06}"))
}

fn config(agents: usize) -> Config {
    let tier = |level| Tier { level };
    let steps = || vec![TierStep::new(tier(1), 0), TierStep::new(tier(2), 20_000)];
    let served = |at: usize| {
        let queues = (0..5).map(|step| (at * 7 + step * 41) % QUEUES);
        queues.map(|at| Served::from(queue(at))).collect()
    };
    let agent = |at| AgentConfig::new(agent(at), tier(1 + u8::from(at % 4 == 3)), served(at), 0);
    Config {
        queues: (0..QUEUES).map(|at| QueueConfig::new(queue(at), steps())).collect(),
        agents: (0..agents).map(agent).collect(),
        ..Config::default()
    }
}

impl Center {
    /// All agents talk, and the lines are full.
    fn new(agents: usize) -> Self {
        let acd = Acd::new(&config(agents), IdSource::new(1, 1)).unwrap();
        let (offers, talking) = (Vec::new(), Vec::new());
        let queues = (0..QUEUES).map(queue).collect();
        let now = Mono::default();
        let mut center = Self { acd, queues, now, rng: 1, calls: 0, offers, talking, events: 0 };
        for at in 0..agents {
            center.tell(Input::PhoneReachable { agent: agent(at), reachable: true });
            center.tell(Input::Ready { agent: agent(at) });
        }
        let full = u32::try_from(agents).unwrap() + WAITING;
        while center.talking.len() < agents || center.calls < full {
            center.enter();
            center.answer_all();
        }
        center
    }

    fn random(&mut self, bound: usize) -> usize {
        self.rng = self.rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.rng >> 33) as usize % bound
    }

    fn tell(&mut self, input: Input) {
        self.now = Mono(self.now.0 + 1_000);
        self.events += 1;
        self.acd.handle_input(input, self.now);
        while let Some(output) = self.acd.poll_output() {
            match output {
                Output::Offer { offer, .. } => self.offers.push(offer),
                Output::Connected { call, .. } => self.talking.push(call),
                Output::OfferWithdrawn { .. }
                | Output::Missed { .. }
                | Output::Dequeued { .. }
                | Output::NotEnqueued { .. }
                | Output::Overflowed { .. }
                | Output::Callback(_)
                | Output::TierReached { .. }
                | Output::Invited { .. }
                | Output::Joined { .. }
                | Output::AgentChanged(_)
                | Output::Refused { .. }
                | Output::QueueChanged(_) => {}
            }
        }
    }

    fn enter(&mut self) {
        self.calls += 1;
        let at = self.random(QUEUES);
        let call = CallId(Id::new(1, 1, self.calls));
        self.tell(Input::Enqueue {
            call,
            queue: self.queues[at].clone(),
            permission: None,
            entered: self.now,
            head_start_ms: 0,
            preferred: None,
        });
    }

    fn answer_all(&mut self) {
        while let Some(offer) = self.offers.pop() {
            self.tell(Input::OfferRinging { offer });
            self.tell(Input::OfferAnswered { offer });
        }
    }
}

/// How long this thread has had a processor: what others take from it on a busy machine is not in
/// it. 0 where the system does not tell.
fn cpu_ns() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn main() {
    println!("{QUEUES} queues, {WAITING} callers waiting, 5 queues an agent");
    let asked: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![100, 1_000, 10_000, 100_000] } else { asked };
    for agents in sizes {
        let mut center = Center::new(agents);
        center.events = 0;
        let mut decisions: Vec<u64> = Vec::with_capacity(ROUNDS);
        let began = Instant::now();
        let cpu_before = cpu_ns();
        for _ in 0..ROUNDS {
            let at = center.random(center.talking.len());
            let call = center.talking.swap_remove(at);
            let before = Instant::now();
            center.tell(Input::CallEnded { call });
            decisions.push(u64::try_from(before.elapsed().as_nanos()).unwrap());
            center.answer_all();
            center.enter();
        }
        let took = began.elapsed();
        decisions.sort_unstable();
        let at = |permille: usize| decisions[decisions.len() * permille / 1_000] as f64 / 1e3;
        println!(
            "{agents:>7} agents: {:>9.0} events/s, {:.0} a second of processor; \
             a decision: p50 {:.1} us, p99 {:.1} us",
            center.events as f64 / took.as_secs_f64(),
            center.events as f64 * 1e9 / (cpu_ns() - cpu_before).max(1) as f64,
            at(500),
            at(990),
        );
    }
}
