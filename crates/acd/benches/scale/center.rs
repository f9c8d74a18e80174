//! A call center in which everyone is busy and the lines are kept full.

use std::time::{Duration, Instant};

use acd::{Acd, AgentConfig, Config, Input, Output, QueueConfig, Served, TierStep};
use model::{AgentId, CallId, Id, IdSource, Mono, OfferId, QueueId, Tier};

pub(crate) const QUEUES: usize = 200;
pub(crate) const WAITING: usize = 10_000;
/// Queues that an agent serves.
const SERVED: usize = 5;
/// How long a call waits for the first tier alone.
const STEP_MS: u64 = 20_000;
/// Of so many who come, one hangs up again while waiting.
const ABANDONS: u32 = 10;

/// The agents, some of whom are of the second tier; each serves five of the queues.
pub(crate) fn config(agents: usize) -> Config {
    let tier = |level| Tier { level };
    let steps = || vec![TierStep::new(tier(1), 0), TierStep::new(tier(2), STEP_MS)];
    let served = |at: usize| {
        let queues = (0..SERVED).map(|step| (at * 7 + step * 41) % QUEUES);
        queues.map(|at| Served::from(queue(at))).collect()
    };
    let agent = |at| AgentConfig::new(agent(at), tier(1 + u8::from(at % 4 == 3)), served(at), 0);
    Config {
        queues: (0..QUEUES).map(|at| QueueConfig::new(queue(at), steps())).collect(),
        agents: (0..agents).map(agent).collect(),
        ..Config::default()
    }
}

pub(crate) fn queue(at: usize) -> QueueId {
    QueueId::from(format!("queue-{at:03}"))
}

pub(crate) fn agent(at: usize) -> AgentId {
    AgentId::from(format!("{at:06}"))
}

pub(crate) struct Center {
    acd: Acd,
    /// The queues' names, made once, as who tells the room has them.
    queues: Vec<QueueId>,
    now: Mono,
    rng: u64,
    calls: u32,
    waiting: usize,
    offers: Vec<OfferId>,
    talking: Vec<CallId>,
    /// Who hangs up next while waiting.
    impatient: Vec<CallId>,
    pub(crate) events: u64,
    /// How long each choice of a call for an agent took, in nanoseconds.
    pub(crate) decisions: Vec<u64>,
}

impl Center {
    /// All agents talk, and the lines are full.
    pub(crate) fn new(agents: usize) -> Self {
        let mut center = Self {
            acd: Acd::new(&config(agents), IdSource::new(1, 1)).unwrap(),
            queues: (0..QUEUES).map(queue).collect(),
            now: Mono::default(),
            rng: 1,
            calls: 0,
            waiting: 0,
            offers: Vec::new(),
            talking: Vec::new(),
            impatient: Vec::new(),
            events: 0,
            decisions: Vec::new(),
        };
        for at in 0..agents {
            center.tell(Input::PhoneReachable { agent: agent(at), reachable: true });
            center.tell(Input::Ready { agent: agent(at) });
        }
        loop {
            while center.waiting < WAITING {
                center.enter();
                center.answer_all();
            }
            if center.talking.len() == agents {
                break;
            }
            // The second tier's time comes, sooner than an offer could time out.
            center.now = center.now + Duration::from_secs(1);
            center.acd.handle_timeout(center.now);
            center.listen();
            center.answer_all();
            // Whoever is idle still serves queues in which nobody waits.
            for _ in 0..QUEUES {
                center.enter();
                center.answer_all();
            }
        }
        (center.events, center.decisions) = (0, Vec::new());
        center
    }

    /// A call ends, its agent is offered the best one of five queues, the phone rings, the agent
    /// answers, and another caller enters; now and then one who waits hangs up.
    pub(crate) fn round(&mut self) {
        let at = self.random(self.talking.len());
        let call = self.talking.swap_remove(at);
        self.now = self.now + Duration::from_millis(2);
        let before = Instant::now();
        self.tell(Input::CallEnded { call });
        self.decisions.push(u64::try_from(before.elapsed().as_nanos()).unwrap());
        self.answer_all();
        if self.impatient.len() > 100 {
            self.tell(Input::Dequeue { call: self.impatient[0] });
            self.impatient.remove(0);
        }
        while self.waiting < WAITING {
            self.enter();
            self.answer_all();
        }
    }

    /// How long it takes to say what a newcomer would wait in each queue, in nanoseconds; how many
    /// queues say it.
    pub(crate) fn expected(&self) -> (u128, usize) {
        let before = Instant::now();
        let told = self.queues.iter().filter_map(|queue| self.acd.newcomers_estimate(queue));
        let told = told.filter(|told| told.median_ms > 0).count();
        (before.elapsed().as_nanos() / QUEUES as u128, told)
    }

    fn random(&mut self, bound: usize) -> usize {
        self.rng = self.rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.rng >> 33) as usize % bound
    }

    fn tell(&mut self, input: Input) {
        self.events += 1;
        self.acd.handle_input(input, self.now);
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            match output {
                Output::Offer { offer, .. } => self.offers.push(offer),
                Output::Connected { call, .. } => {
                    self.waiting -= 1;
                    self.talking.push(call);
                    // Whoever has an agent does not hang up for having none.
                    if let Some(at) = self.impatient.iter().position(|other| *other == call) {
                        self.impatient.remove(at);
                    }
                }
                Output::Dequeued { .. } => self.waiting -= 1,
                Output::OfferWithdrawn { .. }
                | Output::Missed { .. }
                | Output::NotEnqueued { .. }
                | Output::Overflowed { .. }
                | Output::Callback(_)
                | Output::TierReached { .. }
                | Output::Invited { .. }
                | Output::Joined { .. }
                | Output::AgentChanged(_)
                | Output::Refused { .. }
                | Output::QueueGone { .. }
                | Output::AgentGone { .. }
                | Output::QueueChanged(_) => {}
            }
        }
    }

    fn enter(&mut self) {
        self.now = self.now + Duration::from_millis(2);
        self.calls += 1;
        self.waiting += 1;
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
        if self.calls.is_multiple_of(ABANDONS) {
            self.impatient.push(call);
        }
    }

    fn answer_all(&mut self) {
        while let Some(offer) = self.offers.pop() {
            self.tell(Input::OfferRinging { offer });
            self.tell(Input::OfferAnswered { offer });
        }
    }
}
