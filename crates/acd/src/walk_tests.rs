//! Small call centers walked through exhaustively: every order of everything that can happen.
//!
//! Time goes in ticks of 1 ms, and all that is configured lasts one to three of them, so that
//! between any two events any number of deadlines may pass: the order of timers is as free as that
//! of events. A call that is over leaves its room for another one, so that the walk has no depth:
//! it ends when no event leads to a state that is not known (but for the largest world, which is
//! left after so many events).
//!
//! States are told apart by what can make a difference later: ages only as far as they are
//! compared, ids only by their order, and agents who are configured alike change places freely.
//!
//! `cargo test` walks the small worlds; `make walk` the large ones as well.

#[path = "walk_tests/rules.rs"]
mod rules;
#[path = "walk_tests/state.rs"]
mod state;

use std::collections::{BTreeMap, HashSet};

use model::{
    CallId, Id, IdSource, MissedCause, Mono, NotReadyReason, Opens, Permission, QueueId, Tier,
};

use crate::agent::Activity;
use crate::call::{Call, Progress};
use crate::{
    Acd, AgentConfig, CallbackInput, CallbackRule, Config, First, Input, Limits, MissedRule,
    Overflow, Party, Plan, Preferred, QueueConfig, RingRule, Rule, Skill, Strategy, TierStep,
    WaitLimit,
};

/// A world to walk through.
struct World {
    name: &'static str,
    config: Config,
    /// How many calls may be there at once.
    calls: usize,
    /// How many events from the start, where all would be too many.
    events: usize,
    /// What may happen besides offers, deadlines and calls that come and go.
    agents_may: &'static [May],
}

/// What agents and phones may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    SignOut,
    NotReady,
    LosePhone,
    ExtendAcw,
    /// Agent A is the steward of some callers, who wait a tick for them alone.
    BePreferred,
    /// Two offers in a row may be missed; after the first the agent rests for a tick.
    Rest,
    /// Callers may ask for a callback, of one attempt again after a tick, and dial again.
    CallBack(First),
    /// Queue a closes and opens; there is an emergency in b, and is none.
    Close,
}

#[derive(Debug, Clone)]
enum Event {
    Tick,
    Input(Input),
}

/// How a state was reached, for the report of a fault.
struct Trail {
    from: u32,
    event: Event,
}

struct Node {
    acd: Acd,
    trail: u32,
}

/// Walks until nothing is new. Returns how many states there are and how many steps lead to them.
fn walk(world: &World) -> (usize, usize) {
    let mut start = Acd::new(&world.config, IdSource::new(1, 1)).unwrap();
    for queue in &mut start.queues {
        // As brief as all else here.
        queue.ring = queue.ring.map(|rule| RingRule { add_after_ms: 1, ..rule });
    }
    if world.agents_may.contains(&May::Rest) {
        // Shorter than a configuration may say, but of the length of all else here.
        start.missed.busy = MissedRule { limit: 2, rest_ms: 1 };
    }
    let mut known = HashSet::from([state::key(&start)]);
    let mut trails = vec![Trail { from: 0, event: Event::Tick }];
    let mut level = vec![Node { acd: start, trail: 0 }];
    let mut steps = 0;
    for _ in 0..world.events {
        if level.is_empty() {
            break;
        }
        let mut next = Vec::new();
        for node in &level {
            for event in events(world, &node.acd) {
                let mut acd = node.acd.clone();
                steps += 1;
                if let Err(fault) = take(&mut acd, &event) {
                    panic!("{}: {fault}\n{}", world.name, told(&trails, node.trail, &event));
                }
                if known.insert(state::key(&acd)) {
                    let trail = u32::try_from(trails.len()).unwrap();
                    trails.push(Trail { from: node.trail, event });
                    next.push(Node { acd, trail });
                }
            }
        }
        level = next;
    }
    (known.len(), steps)
}

/// What led to a state, one event a line.
fn told(trails: &[Trail], mut at: u32, last: &Event) -> String {
    let mut events = vec![format!("{last:?}")];
    while at != 0 {
        let trail = &trails[at as usize];
        events.push(format!("{:?}", trail.event));
        at = trail.from;
    }
    events.reverse();
    events.join("\n")
}

/// Lets one event happen, and judges the room after it and after each deadline that it meets.
fn take(acd: &mut Acd, event: &Event) -> Result<(), String> {
    match event {
        Event::Input(input) => {
            let before = acd.clone();
            acd.handle_input(input.clone(), before.now);
            rules::judge(&before, acd, Some(input))
        }
        Event::Tick => {
            let now = Mono(acd.now.0 + TICK);
            let mut before = acd.clone();
            while acd.act(now) {
                rules::judge_moment(&before, acd, None)?;
                before = acd.clone();
            }
            acd.now = now;
            rules::judge(&acd.clone(), acd, None)
        }
    }
}

/// One millisecond.
const TICK: u64 = 1_000_000;

/// Everything that can happen next.
fn events(world: &World, acd: &Acd) -> Vec<Event> {
    let mut inputs = newcomers(world, acd);
    for known in acd.calls.values() {
        let call = known.place.call;
        match known.progress {
            Progress::Waiting | Progress::Offered { .. } => inputs.push(Input::Dequeue { call }),
            Progress::Talking { .. } => inputs.push(Input::CallEnded { call }),
            Progress::Dialing { .. } => {
                let cause = MissedCause::NoAnswer;
                inputs.push(Input::CallEnded { call });
                inputs.push(Input::Callback(CallbackInput::Answered { call }));
                inputs.push(Input::Callback(CallbackInput::Missed { call, cause }));
                inputs.push(Input::Callback(CallbackInput::AgentGaveUp { call }));
            }
            Progress::Resting { .. } => {}
        }
        inputs.extend(about_callbacks(world, known));
    }
    if acd.parties.contains_key(&Party(1)) {
        let newest = acd.calls.newest();
        let call = CallId(Id::new(1, 1, newest + 1));
        inputs.push(Input::Callback(CallbackInput::Rejoin { call, party: Party(1) }));
    }
    if world.agents_may.contains(&May::Close) {
        let (queue, open) = ("a".into(), !acd.queues[0].open);
        inputs.push(Input::QueueOpen { queue, open });
        inputs
            .push(Input::Emergency { plan: "fire".into(), on: acd.queues[1].emergency.is_none() });
    }
    for agent in &acd.agents {
        let id = || agent.id.clone();
        inputs.push(Input::Ready { agent: id() });
        if let Activity::Acw { call, .. } = agent.activity {
            inputs.push(Input::WrapUp { agent: id(), call });
        }
        match agent.activity {
            Activity::Reserved { offer, .. } | Activity::Ringing { offer, .. } => {
                inputs.push(Input::OfferRinging { offer });
                inputs.push(Input::OfferAnswered { offer });
                inputs.push(Input::OfferMissed { offer, cause: MissedCause::Busy });
            }
            Activity::Idle | Activity::Talking { .. } | Activity::Acw { .. } => {}
        }
        let reachable = !agent.reachable;
        if reachable || world.agents_may.contains(&May::LosePhone) {
            inputs.push(Input::PhoneReachable { agent: id(), reachable });
        }
        inputs.extend(world.agents_may.iter().filter_map(|may| match may {
            May::SignOut => Some(Input::SignOut { agent: id() }),
            May::NotReady => Some(Input::NotReady { agent: id(), reason: NotReadyReason::Break }),
            May::ExtendAcw => Some(Input::ExtendAcw { agent: id(), ms: 1 }),
            May::LosePhone | May::BePreferred | May::Rest | May::CallBack(_) | May::Close => None,
        }));
    }
    inputs.into_iter().map(Event::Input).chain([Event::Tick]).collect()
}

/// Who may call now.
fn newcomers(world: &World, acd: &Acd) -> Vec<Input> {
    let mut inputs = Vec::new();
    if acd.calls.len() < world.calls {
        let newest = acd.calls.newest();
        for queue in &world.config.queues {
            for permission in [None, Some(Permission::PolicyEndorse)] {
                inputs.push(Input::Enqueue {
                    call: CallId(Id::new(1, 1, newest + 1)),
                    queue: queue.queue.clone(),
                    permission,
                    entered: acd.now,
                    head_start_ms: 0,
                    preferred: None,
                });
            }
            if world.agents_may.contains(&May::BePreferred) {
                inputs.push(Input::Enqueue {
                    call: CallId(Id::new(1, 1, newest + 1)),
                    queue: queue.queue.clone(),
                    permission: None,
                    entered: acd.now,
                    head_start_ms: 0,
                    preferred: Some(Preferred { agent: "A".into(), for_ms: 1 }),
                });
            }
        }
    }
    inputs
}

/// What a caller may want instead of waiting, and a customer instead of being called.
fn about_callbacks(world: &World, call: &Call) -> Vec<Input> {
    let (call, callback) = (call.place.call, call.callback);
    let first = [First::Agent, First::Customer]
        .into_iter()
        .find(|first| world.agents_may.contains(&May::CallBack(*first)));
    let Some(first) = first else { return Vec::new() };
    let inputs = match callback {
        None => vec![CallbackInput::Ask { call, party: Party(1), first }],
        Some(_) => {
            vec![CallbackInput::Rejoin { call, party: Party(1) }, CallbackInput::Cancel { call }]
        }
    };
    inputs.into_iter().map(Input::Callback).collect()
}

/// How many ticks things last.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    reserve: u64,
    ring: u64,
    acw: u64,
    step: u64,
}

/// Two queues that open to two tiers in different orders, and agents of both tiers.
fn config(levels: &[u8], ticks: Ticks) -> Config {
    let tier = |level| Tier { level };
    let step = |level, after_ms| TierStep::new(tier(level), after_ms);
    let queue = |name: &str, steps, head_start_ms| QueueConfig {
        max_waiting: 3,
        head_start_ms,
        ..QueueConfig::new(name.into(), steps)
    };
    let served = |name: &str| QueueId::from(name).into();
    let agent = |(at, &level): (usize, &u8)| {
        let queues = vec![served("a"), served("b")];
        AgentConfig::new(["A", "B", "C"][at].into(), tier(level), queues, ticks.acw)
    };
    Config {
        queues: vec![
            queue("a", vec![step(1, 0), step(2, ticks.step)], 0),
            queue("b", vec![step(2, 0), step(1, ticks.step)], 1),
        ],
        agents: levels.iter().enumerate().map(agent).collect(),
        permissions: BTreeMap::from([(tier(2), [Permission::PolicyEndorse].into())]),
        reserve_timeout_ms: ticks.reserve,
        ring_timeout_ms: ticks.ring,
        acw_limit_ms: ticks.acw + 1,
        ..Config::default()
    }
}

/// Who waits two ticks in a goes to b, where there is room for one; from b to a number.
fn limited() -> Config {
    let mut config = config(&[1, 2], BRIEF);
    let number = || Overflow::Number("10086".into());
    let rule = |to| Some(Rule { to, waiting_too: true });
    config.queues[0].limits = Limits {
        full: Some(number()),
        wait: Some(WaitLimit { ms: 2, to: Overflow::Queue("b".into()) }),
        closed: rule(Overflow::Queue("b".into())),
        ..Limits::default()
    };
    config.queues[1].max_waiting = 1;
    config.queues[1].limits =
        Limits { full: Some(number()), unstaffed: rule(Overflow::Callback), ..Limits::default() };
    config.queues[1].head_start_ms = 0;
    let queues = BTreeMap::from([("b".into(), Rule { to: number(), waiting_too: true })]);
    config.plans = vec![Plan { name: "fire".into(), queues }];
    config
}

/// Callbacks of two attempts, a tick apart, of one tick each, kept for three.
fn calling_back() -> Config {
    let mut config = config(&[1, 2], BRIEF);
    for queue in &mut config.queues {
        let (attempts, retry_ms, dial_timeout_ms, keep_ms) = (2, 1, 1, 3);
        queue.callbacks =
            Some(CallbackRule { max: 2, attempts, retry_ms, dial_timeout_ms, keep_ms });
    }
    config
}

/// The calls of a ring two agents and then a third after a tick, those of b all at once.
fn ringing() -> Config {
    let mut config = config(&[1, 1, 1], BRIEF);
    for (queue, strategy) in
        config.queues.iter_mut().zip([Strategy::RingProgressive, Strategy::RingAll])
    {
        queue.strategy = strategy;
        queue.steps = vec![TierStep::new(Tier { level: 1 }, 0)];
    }
    config.queues[0].ring = RingRule { at_once: 2, add: 1, ..RingRule::default() };
    config
}

/// Queue a opens to b's agents when nobody of its own is idle, and after a tick to the team alone;
/// b to whoever is at the site as soon as one or none is left, and after a tick to all.
fn escalating() -> Config {
    let mut config = config(&[1, 1, 2], BRIEF);
    let opens = |idle, after_ms| Opens { idle, after_ms, ..Opens::default() };
    let step = |skill, opens| TierStep::of(skill, opens);
    let b = || Skill::Of("b".into());
    config.queues[0].steps = vec![
        TierStep::new(Tier { level: 1 }, 0),
        TierStep { tier: Some(Tier { level: 2 }), ..step(b(), opens(Some(0), None)) },
        TierStep {
            groups: ["team".into()].into(),
            replaces: true,
            ..step(Skill::None, opens(None, Some(1)))
        },
    ];
    config.queues[1].steps = vec![
        TierStep::new(Tier { level: 2 }, 0),
        TierStep { sites: ["east".into()].into(), ..step(Skill::None, opens(Some(1), None)) },
        step(Skill::None, opens(None, Some(1))),
    ];
    for (agent, queue) in config.agents.iter_mut().zip(["a", "a", "b"]) {
        agent.queues = vec![QueueId::from(queue).into()];
    }
    config.agents[1].groups = ["team".into()].into();
    config.agents[1].site = Some("east".into());
    config
}

fn run(world: &World) {
    let (states, steps) = walk(world);
    assert!(states > 1_000 && steps > states, "{}: only {states} states", world.name);
}

const BRIEF: Ticks = Ticks { reserve: 1, ring: 1, acw: 1, step: 1 };

fn two_agents_two_calls(ticks: Ticks) -> World {
    World {
        name: "two agents, two calls",
        config: config(&[1, 2], ticks),
        calls: 2,
        events: usize::MAX,
        agents_may: &[May::SignOut, May::NotReady, May::LosePhone, May::ExtendAcw],
    }
}

fn obedient(name: &'static str, levels: &[u8], calls: usize, events: usize) -> World {
    World { name, config: config(levels, BRIEF), calls, events, agents_may: &[] }
}

/// Whether the large worlds are walked through as well: minutes.
const WHOLE: bool = option_env!("ACD_WALK").is_some();

#[test]
fn every_rule_holds_in_every_order_of_events_with_two_agents() {
    let orders = [
        BRIEF,
        Ticks { ring: 2, ..BRIEF },
        Ticks { reserve: 2, step: 2, ..BRIEF },
        Ticks { acw: 2, step: 2, ..BRIEF },
    ];
    for ticks in if WHOLE { &orders[..] } else { &orders[..1] } {
        run(&two_agents_two_calls(*ticks));
    }
    run(&World {
        name: "two agents, two calls, a steward and second chances",
        config: config(&[1, 2], BRIEF),
        calls: 2,
        events: usize::MAX,
        agents_may: &[May::NotReady, May::BePreferred, May::Rest],
    });
    run(&World {
        name: "two agents, three calls",
        config: config(&[1, 2], BRIEF),
        calls: 3,
        events: usize::MAX,
        agents_may: &[May::NotReady],
    });
}

#[test]
fn every_rule_holds_in_every_order_of_events_with_limits_and_callbacks() {
    run(&World {
        name: "limits, hours and an emergency",
        config: limited(),
        calls: 2,
        events: usize::MAX,
        agents_may: &[May::SignOut, May::Close],
    });
    for first in [First::Agent, First::Customer] {
        run(&World {
            name: "callbacks",
            config: calling_back(),
            calls: 2,
            events: if WHOLE { usize::MAX } else { 9 },
            agents_may: match first {
                First::Agent => &[May::NotReady, May::CallBack(First::Agent)],
                First::Customer => &[May::NotReady, May::CallBack(First::Customer), May::Close],
            },
        });
    }
}

#[test]
fn every_rule_holds_in_every_order_of_events_where_several_phones_ring() {
    run(&World {
        name: "three agents, two calls that ring several",
        config: ringing(),
        calls: 2,
        events: if WHOLE { usize::MAX } else { 13 },
        agents_may: &[May::NotReady],
    });
}

#[test]
fn every_rule_holds_in_every_order_of_events_where_steps_open_by_who_is_idle() {
    run(&World {
        name: "three agents, two calls, steps that replace others and open when few are idle",
        config: escalating(),
        calls: 2,
        events: if WHOLE { usize::MAX } else { 11 },
        agents_may: &[May::NotReady],
    });
    run(&World {
        name: "the same with a steward and second chances",
        config: escalating(),
        calls: 2,
        events: if WHOLE { 14 } else { 9 },
        agents_may: &[May::BePreferred, May::Rest],
    });
}

#[test]
fn every_rule_holds_in_every_order_of_events_with_three_agents() {
    let events = if WHOLE { 12 } else { 7 };
    run(&obedient("three agents, four calls, the first events", &[1, 1, 2], 4, events));
    if WHOLE {
        run(&obedient("two agents, four calls", &[1, 2], 4, usize::MAX));
        run(&obedient("three agents, two calls", &[1, 1, 2], 2, usize::MAX));
    }
}
