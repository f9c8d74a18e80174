//! Random calls through the room: agents answer at once, nobody has after-call work.

use std::collections::{BTreeMap, BTreeSet};

use acd::{Acd, AgentConfig, Config, Input, Output, QueueConfig, TierStep};
use model::{AgentId, CallId, Id, IdSource, Mono, OfferId, QueueId, Tier};

use crate::formulas::{Figures, Load};

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Exponential, in nanoseconds.
    fn after(&mut self, mean_s: f64) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (-(1.0 - uniform).ln() * mean_s * 1e9) as u64
    }
}

/// What happens next, in the order of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Arrives,
    LosesPatience(CallId),
    HangsUp(CallId),
}

/// A queue with its callers and agents.
pub(crate) struct Day<'a> {
    load: &'a Load,
    acd: Acd,
    rng: Rng,
    now: Mono,
    next: BTreeSet<(Mono, Next)>,
    calls: u32,
    patience: BTreeMap<CallId, Mono>,
    talking: usize,
    /// What the present batch has measured.
    sums: Sums,
}

#[derive(Default)]
struct Sums {
    arrived: usize,
    waited: usize,
    wait_ns: u64,
    within: usize,
    left: usize,
    talked_ns: f64,
}

/// One queue, one tier, no after-call work.
fn config(agents: impl Iterator<Item = String>) -> Config {
    let tier = Tier { level: 1 };
    let agent =
        |name: String| AgentConfig::new(name.into(), tier, vec![QueueId::from("plain").into()], 0);
    let queue = QueueConfig::new("plain".into(), vec![TierStep::new(tier, 0)]);
    Config {
        queues: vec![QueueConfig { max_waiting: 100_000, ..queue }],
        agents: agents.map(agent).collect(),
        ..Config::default()
    }
}

impl<'a> Day<'a> {
    pub(crate) fn new(load: &'a Load, seed: u64) -> Self {
        let names = (0..load.agents).map(|at| format!("{at:04}"));
        let mut acd = Acd::new(&config(names.clone()), IdSource::new(1, 1)).unwrap();
        for name in names {
            let agent: AgentId = name.into();
            let phone = Input::PhoneReachable { agent: agent.clone(), reachable: true };
            acd.handle_input(phone, Mono::default());
            acd.handle_input(Input::Ready { agent }, Mono::default());
        }
        while acd.poll_output().is_some() {}
        Self {
            load,
            acd,
            rng: Rng(seed),
            now: Mono::default(),
            next: BTreeSet::from([(Mono::default(), Next::Arrives)]),
            calls: 0,
            patience: BTreeMap::new(),
            talking: 0,
            sums: Sums::default(),
        }
    }

    /// Goes on until so many calls have arrived.
    pub(crate) fn run(&mut self, calls: usize) -> Figures {
        let began = self.now;
        self.sums = Sums::default();
        while self.sums.arrived < calls {
            let (at, next) = self.next.pop_first().unwrap();
            self.sums.talked_ns += self.talking as f64 * (at.0 - self.now.0) as f64;
            self.now = at;
            match next {
                Next::Arrives => self.arrive(),
                Next::LosesPatience(call) => self.tell(Input::Dequeue { call }),
                Next::HangsUp(call) => {
                    self.talking -= 1;
                    self.tell(Input::CallEnded { call });
                }
            }
        }
        let (arrived, sums) = (calls as f64, &self.sums);
        let agents_ns = (self.now.0 - began.0) as f64 * self.load.agents as f64;
        Figures {
            waits: sums.waited as f64 / arrived,
            mean_wait_s: sums.wait_ns as f64 / 1e9 / arrived,
            within: sums.within as f64 / arrived,
            leaves: sums.left as f64 / arrived,
            occupancy: sums.talked_ns / agents_ns,
        }
    }

    fn arrive(&mut self) {
        let gap = self.rng.after(1.0 / self.load.arrivals_a_s);
        self.next.insert((Mono(self.now.0 + gap), Next::Arrives));
        self.calls += 1;
        self.sums.arrived += 1;
        let call = CallId(Id::new(1, 1, self.calls));
        if let Some(mean_s) = self.load.patience_s {
            let until = Mono(self.now.0 + self.rng.after(mean_s));
            self.patience.insert(call, until);
            self.next.insert((until, Next::LosesPatience(call)));
        }
        self.tell(Input::Enqueue {
            call,
            queue: "plain".into(),
            permission: None,
            entered: self.now,
            head_start_ms: 0,
            preferred: None,
        });
        if self.acd.position(call).is_some() {
            self.sums.waited += 1;
        }
    }

    fn tell(&mut self, input: Input) {
        self.acd.handle_input(input, self.now);
        let mut offers = Vec::new();
        loop {
            while let Some(output) = self.acd.poll_output() {
                match output {
                    Output::Offer { offer, .. } => offers.push(offer),
                    Output::Connected { call, waited_ms, .. } => self.connected(call, waited_ms),
                    Output::Dequeued { waited_ms, .. } => {
                        self.sums.left += 1;
                        self.sums.wait_ns += waited_ms * 1_000_000;
                    }
                    Output::OfferWithdrawn { .. }
                    | Output::Missed { .. }
                    | Output::NotEnqueued { .. }
                    | Output::Overflowed { .. }
                    | Output::Callback(_)
                    | Output::TierReached { .. }
                    | Output::AgentChanged(_)
                    | Output::Invited { .. }
                    | Output::Joined { .. }
                    | Output::Refused { .. }
                    | Output::QueueGone { .. }
                    | Output::AgentGone { .. }
                    | Output::QueueChanged(_) => {}
                }
            }
            let Some(offer) = offers.pop() else { return };
            self.answer(offer);
        }
    }

    fn answer(&mut self, offer: OfferId) {
        self.acd.handle_input(Input::OfferRinging { offer }, self.now);
        self.acd.handle_input(Input::OfferAnswered { offer }, self.now);
    }

    fn connected(&mut self, call: CallId, waited_ms: u64) {
        if let Some(until) = self.patience.remove(&call) {
            self.next.remove(&(until, Next::LosesPatience(call)));
        }
        self.sums.wait_ns += waited_ms * 1_000_000;
        self.sums.within += usize::from(waited_ms as f64 <= self.load.within_s * 1e3);
        self.talking += 1;
        let until = Mono(self.now.0 + self.rng.after(self.load.handling_s));
        self.next.insert((until, Next::HangsUp(call)));
    }
}
