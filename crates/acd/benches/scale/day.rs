//! A day of 100,000 calls, as it is stored, and a queue that its last agent leaves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use acd::{Acd, AgentConfig, Config, Input, Limits, Output, Overflow, QueueConfig, Rule, TierStep};
use model::{AgentId, CallId, Id, IdSource, Mono, QueueId, Tier};

use crate::center;

const CALLS: u32 = 100_000;
const AGENTS: usize = 1_000;
const DAY_S: u64 = 10 * 3_600;
const TALK_S: u64 = 300;

/// What is to come, by time: the numbers stand for what they are about.
type Planned = BinaryHeap<Reverse<(Mono, u32, Next)>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Comes(u32),
    HangsUp(CallId),
    Leaves(CallId),
}

/// The configuration of the day and all that was put into the room.
pub(crate) fn stored() -> (Config, Vec<(Mono, Input)>) {
    let config = center::config(AGENTS);
    let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
    let mut inputs: Vec<(Mono, Input)> = Vec::new();
    for at in 0..AGENTS {
        let agent = || center::agent(at);
        let phone = Input::PhoneReachable { agent: agent(), reachable: true };
        for input in [phone, Input::Ready { agent: agent() }] {
            inputs.push((Mono::default(), input));
        }
    }
    for (at, input) in &inputs {
        acd.handle_input(input.clone(), *at);
    }
    let mut planned: Planned = (0..CALLS)
        .map(|nth| {
            let at = u64::from(nth) * DAY_S * 1_000 / u64::from(CALLS);
            Reverse((Mono::from_ms(at), nth, Next::Comes(nth)))
        })
        .collect();
    let mut plans = CALLS;
    while let Some(Reverse((now, _, next))) = planned.pop() {
        let mut due = vec![match next {
            Next::Comes(nth) => {
                let call = CallId(Id::new(1, 1, nth + 1));
                plans += 1;
                let until = now + Duration::from_secs(120);
                planned.push(Reverse((until, plans, Next::Leaves(call))));
                comes(call, nth, now)
            }
            Next::HangsUp(call) => Input::CallEnded { call },
            Next::Leaves(call) => Input::Dequeue { call },
        }];
        while let Some(input) = due.pop() {
            acd.handle_input(input.clone(), now);
            inputs.push((now, input));
            while let Some(output) = acd.poll_output() {
                if let Output::Offer { offer, .. } = output {
                    due.extend([Input::OfferAnswered { offer }, Input::OfferRinging { offer }]);
                } else if let Output::Connected { call, .. } = output {
                    plans += 1;
                    let talk = TALK_S / 2 + u64::from(plans) * 7_919 % TALK_S;
                    let until = now + Duration::from_secs(talk);
                    planned.push(Reverse((until, plans, Next::HangsUp(call))));
                }
            }
        }
    }
    (config, inputs)
}

fn comes(call: CallId, nth: u32, now: Mono) -> Input {
    Input::Enqueue {
        call,
        queue: center::queue(nth as usize * 37 % center::QUEUES),
        permission: None,
        entered: now,
        head_start_ms: 0,
        preferred: None,
    }
}

/// How long it takes that the last agent of a queue signs out for whom 10,000 wait, who go to
/// another queue or to an announcement then; how many did.
pub(crate) fn last_sign_out(to: &Overflow) -> (Duration, usize) {
    let tier = Tier { level: 1 };
    let queue = |name: &str| QueueConfig {
        max_waiting: center::WAITING,
        ..QueueConfig::new(name.into(), vec![TierStep::new(tier, 0)])
    };
    let unstaffed = Some(Rule { to: to.clone(), waiting_too: true });
    let left = QueueConfig { limits: Limits { unstaffed, ..Limits::default() }, ..queue("left") };
    let served = |name: &str| vec![QueueId::from(name).into()];
    let agents = ["left", "other"].map(|name| AgentConfig::new(name.into(), tier, served(name), 0));
    let queues = vec![left, queue("other")];
    let config = Config { queues, agents: agents.into(), ..Config::default() };
    let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
    for agent in ["left", "other"].map(AgentId::from) {
        acd.handle_input(Input::SignIn { agent }, Mono::default());
    }
    for nth in 1..=center::WAITING {
        let at = Mono::from_ms(nth as u64);
        let input = Input::Enqueue {
            call: CallId(Id::new(1, 1, u32::try_from(nth).unwrap())),
            queue: "left".into(),
            permission: None,
            entered: at,
            head_start_ms: 0,
            preferred: None,
        };
        acd.handle_input(input, at);
    }
    while acd.poll_output().is_some() {}
    let began = Instant::now();
    acd.handle_input(Input::SignOut { agent: "left".into() }, Mono::from_ms(20_000));
    let said = std::iter::from_fn(|| acd.poll_output());
    let sent = said.filter(|output| matches!(output, Output::Overflowed { .. })).count();
    (began.elapsed(), sent)
}
