//! One day of a queue whose load, agents and handling times change from hour to hour.

use std::collections::{BTreeMap, BTreeSet};

use acd::{Acd, AgentConfig, Config, Input, Output, QueueConfig, TierStep};
use model::{
    AgentId, AgentStatus, CallId, Id, IdSource, Mono, NotReadyReason, OfferId, QueueId, Tier,
};

const AGENTS: usize = 40;
const HOURS: u64 = 12;
const HOUR: u64 = 3_600_000_000_000;
const PATIENCE_S: f64 = 600.0;

/// One caller who was asked about, and what was said.
pub(crate) struct Asked {
    /// In line, 1 is next.
    pub(crate) position: usize,
    pub(crate) waited_s: f64,
    pub(crate) median_s: f64,
    pub(crate) p90_s: f64,
    pub(crate) oracle_s: f64,
    pub(crate) naive_s: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    HourBegins,
    Arrives,
    LosesPatience(CallId),
    HangsUp(CallId),
}

/// A day in the making.
pub(crate) struct Shift {
    acd: Acd,
    rng: u64,
    now: Mono,
    next: BTreeSet<(Mono, Next)>,
    calls: u32,
    at_work: usize,
    /// This hour's.
    handling_s: f64,
    arrivals_a_s: f64,
    patience: BTreeMap<CallId, Mono>,
    waiting: BTreeMap<CallId, (Mono, Asked)>,
    asked: Vec<Asked>,
    /// Handling times of the calls that have ended, for the naive formula.
    handled: (f64, f64),
}

impl Shift {
    pub(crate) fn new(seed: u64) -> Self {
        let tier = Tier { level: 1 };
        let agent =
            |at: usize| AgentConfig::new(name(at), tier, vec![QueueId::from("claims").into()], 0);
        let queue = QueueConfig::new("claims".into(), vec![TierStep::new(tier, 0)]);
        let agents = (0..AGENTS).map(agent).collect();
        let config = Config { queues: vec![queue], agents, ..Config::default() };
        let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
        for at in 0..AGENTS {
            let phone = Input::PhoneReachable { agent: name(at), reachable: true };
            acd.handle_input(phone, Mono::default());
        }
        Self {
            acd,
            rng: seed,
            now: Mono::default(),
            next: BTreeSet::from([
                (Mono::default(), Next::HourBegins),
                (Mono::default(), Next::Arrives),
            ]),
            calls: 0,
            at_work: 0,
            handling_s: 200.0,
            arrivals_a_s: 0.1,
            patience: BTreeMap::new(),
            waiting: BTreeMap::new(),
            asked: Vec::new(),
            handled: (0.0, 0.0),
        }
    }

    /// The whole day; what was said to the patient callers who had to wait.
    pub(crate) fn run(mut self) -> Vec<Asked> {
        while self.now < Mono(HOURS * HOUR) {
            let (at, next) = self.next.pop_first().unwrap();
            self.now = at;
            match next {
                Next::HourBegins => self.begin_hour(),
                Next::Arrives => self.arrive(),
                Next::LosesPatience(call) => self.tell(Input::Dequeue { call }),
                Next::HangsUp(call) => self.tell(Input::CallEnded { call }),
            }
        }
        self.asked
    }

    /// SplitMix64 (Steele, Lea, Flood 2014), from 0 to 1.
    fn random(&mut self) -> f64 {
        self.rng = self.rng.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.rng;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn after(&mut self, mean_s: f64) -> Mono {
        let nanos = -(1.0 - self.random()).ln() * mean_s * 1e9;
        Mono(self.now.0 + nanos as u64)
    }

    /// Other agents, other handling times, and a load from light to more than can be carried.
    fn begin_hour(&mut self) {
        let agents = 16 + (self.random() * 20.0) as usize;
        self.handling_s *= 0.9 + 0.2 * self.random();
        let load = 0.85 + 0.4 * self.random();
        self.arrivals_a_s = load * agents as f64 / self.handling_s;
        self.at_work = agents;
        for at in 0..AGENTS {
            let agent = name(at);
            let ready = self.acd.agent(&agent).unwrap().status == AgentStatus::Ready;
            let reason = NotReadyReason::BackOffice;
            match (at < agents, ready) {
                (true, _) => self.tell(Input::Ready { agent }),
                (false, true) => self.tell(Input::NotReady { agent, reason }),
                (false, false) => {}
            }
        }
        self.next.insert((Mono(self.now.0 + HOUR), Next::HourBegins));
    }

    fn arrive(&mut self) {
        let next = self.after(1.0 / self.arrivals_a_s);
        self.next.insert((next, Next::Arrives));
        self.calls += 1;
        let call = CallId(Id::new(1, 1, self.calls));
        let patient = self.calls.is_multiple_of(10);
        if !patient {
            let until = self.after(PATIENCE_S);
            self.patience.insert(call, until);
            self.next.insert((until, Next::LosesPatience(call)));
        }
        self.tell(Input::Enqueue {
            call,
            queue: "claims".into(),
            permission: None,
            entered: self.now,
            head_start_ms: 0,
            preferred: None,
        });
        if patient {
            self.ask(call);
        }
    }

    fn ask(&mut self, call: CallId) {
        let Some(position) = self.acd.position(call).map(|place| place.position as usize) else {
            return;
        };
        // The first hour is the room's to learn.
        let Some(told) = self.acd.estimate(call).filter(|_| self.now > Mono(HOUR)) else { return };
        assert!(told.median_ms <= told.p90_ms);
        let agents = self.at_work as f64;
        let asked = Asked {
            position,
            waited_s: 0.0,
            median_s: told.median_ms as f64 / 1e3,
            p90_s: told.p90_ms as f64 / 1e3,
            oracle_s: oracle_s(position, agents / self.handling_s),
            naive_s: position as f64 * (self.handled.0 / self.handled.1) / agents,
        };
        self.waiting.insert(call, (self.now, asked));
    }

    fn tell(&mut self, input: Input) {
        self.acd.handle_input(input, self.now);
        let mut offers = Vec::new();
        loop {
            while let Some(output) = self.acd.poll_output() {
                match output {
                    Output::Offer { offer, .. } => offers.push(offer),
                    Output::Connected { call, .. } => self.connected(call),
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

    fn connected(&mut self, call: CallId) {
        if let Some(until) = self.patience.remove(&call) {
            self.next.remove(&(until, Next::LosesPatience(call)));
        }
        if let Some((since, mut asked)) = self.waiting.remove(&call) {
            asked.waited_s = self.now.since(since).as_secs_f64();
            self.asked.push(asked);
        }
        let until = self.after(self.handling_s);
        self.handled.0 += until.since(self.now).as_secs_f64();
        self.handled.1 += 1.0;
        self.next.insert((until, Next::HangsUp(call)));
    }
}

fn name(at: usize) -> AgentId {
    AgentId::from(format!("{at:02}"))
}

/// The median wait where the true rates are known: by Wilson and Hilferty's cube.
fn oracle_s(position: usize, served_a_s: f64) -> f64 {
    let rates = (0..position).map(|ahead| served_a_s + ahead as f64 * 0.9 / PATIENCE_S);
    let (mean, variance) = rates.fold((0.0, 0.0), |(mean, variance), rate| {
        (mean + 1.0 / rate, variance + 1.0 / (rate * rate))
    });
    let shape: f64 = mean * mean / variance;
    mean * (1.0 - 1.0 / (9.0 * shape)).powi(3)
}
