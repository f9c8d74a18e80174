//! One small call center made from a seed, and what happens in it.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{
    Acd, AcwRule, AgentConfig, CallChoice, CallbackInput, CallbackRule, Changes, Config, First,
    Input, Left, Limits, MissedRule, MissedRules, Overflow, Party, Plan, Preferred, QueueConfig,
    RingRule, Rule, Served, ServiceRule, Skill, Strategy, TierStep, WaitLimit,
};
use model::{
    AgentId, CallId, Id, MissedCause, Mono, NotReadyReason, OfferId, Opens, Permission, QueueId,
    Tier,
};

/// SplitMix64 (Steele, Lea, Flood 2014): a seed gives the same sequence for ever.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `bound - 1`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// A small call center.
pub(crate) struct World {
    /// At the start.
    first: Config,
    /// Now.
    config: Config,
    now: Mono,
    calls: u32,
    /// The last offer seen, perhaps over by now.
    last_offer: OfferId,
    /// What happens first, last one first.
    prologue: Vec<Input>,
}

impl World {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let count = rng.below(3) + 1;
        let mut queues: Vec<QueueConfig> = (0..count).map(|at| queue(rng, at, count)).collect();
        for (at, queue) in queues.iter_mut().enumerate() {
            // A third of the worlds is as simple as call centers are.
            if !rng.one_in(3) {
                queue.limits = limits(rng, at, count);
                queue.callbacks = rng.pick(&[None, Some(CALLBACKS), Some(CALLBACKS)]);
            }
        }
        let plans = vec![plan(rng, "fire", &queues), plan(rng, "flood", &queues)];
        let agents: Vec<AgentConfig> =
            (0..=rng.below(5)).map(|at| agent(rng, at, &queues)).collect();
        let permissions = BTreeMap::from([
            (tier(1), [Permission::PolicyView].into()),
            (tier(2), [Permission::PolicyView, Permission::PolicyEndorse].into()),
            (
                tier(3),
                [Permission::PolicyView, Permission::PolicyEndorse, Permission::ClaimSettle].into(),
            ),
        ]);
        let mut prologue = Vec::new();
        for agent in &agents {
            if !rng.one_in(4) {
                prologue.push(Input::Ready { agent: agent.agent.clone() });
            }
            prologue.push(Input::PhoneReachable { agent: agent.agent.clone(), reachable: true });
        }
        let again = MissedRule { limit: 2, rest_ms: 2_500 };
        let missed = match rng.one_in(2) {
            true => MissedRules { busy: again, no_answer: again, ..MissedRules::default() },
            false => MissedRules::default(),
        };
        let mut config = Config { queues, agents, permissions, missed, plans, ..Config::default() };
        config.approval = rng.pick(&[None, Some(NotReadyReason::Meal)]).into_iter().collect();
        let last_offer = OfferId::default();
        let first = config.clone();
        Self { first, config, now: Mono::default(), calls: 0, last_offer, prologue }
    }

    /// The configuration at the start.
    pub(crate) fn first(&self) -> &Config {
        &self.first
    }

    /// Lets a time pass that often meets deadlines exactly.
    pub(crate) fn advance(&mut self, rng: &mut Rng) -> Mono {
        let ms = rng.pick(&[0, 0, 0, 1, 300, 1_000, 2_500, 5_000, 5_000, 10_000, 20_000]);
        self.now = self.now + Duration::from_millis(ms);
        self.now
    }

    /// What happens next; the room is asked only for the offers that are open.
    pub(crate) fn input(&mut self, rng: &mut Rng, acd: &Acd) -> Input {
        if let Some(input) = self.prologue.pop() {
            return input;
        }
        match rng.below(25) {
            24 => self.configure(rng),
            0..=4 => self.enqueue(rng),
            5 => self.come_back(rng),
            6..=12 => self.about_an_offer(rng, acd),
            13 => self.leaves(rng),
            20 => self.switch(rng),
            21..=23 => Input::Callback(self.about_a_callback(rng)),
            14..=15 => Input::CallEnded { call: self.any_call(rng) },
            _ => self.by_an_agent(rng, acd),
        }
    }

    /// How many events end everything.
    pub(crate) fn endings(&self) -> usize {
        2 * self.calls.max(1) as usize
    }

    /// The `step`th of the events that end everything: callbacks are taken back, then what waits
    /// leaves, and what talks ends.
    pub(crate) fn ending(&self, step: usize) -> Input {
        let calls = self.calls.max(1);
        let counter = u32::try_from(step).unwrap();
        let call = call(counter % calls + 1);
        match counter < calls {
            true => Input::Callback(CallbackInput::Cancel { call }),
            false => Input::CallEnded { call },
        }
    }

    fn leaves(&self, rng: &mut Rng) -> Input {
        let call = self.any_call(rng);
        match rng.below(6) {
            0 => Input::Leave { call, why: Left::Elsewhere },
            1 => Input::Leave { call, why: Left::Error },
            2 => Input::Leave { call, why: Left::EngineLost },
            _ => Input::Dequeue { call },
        }
    }

    fn switch(&self, rng: &mut Rng) -> Input {
        let queue = self.config.queues[rng.below(self.config.queues.len())].queue.clone();
        match rng.below(4) {
            0 => Input::QueueOpen { queue, open: false },
            1 => Input::QueueOpen { queue, open: true },
            2 => Input::Emergency { plan: rng.pick(&["fire", "flood", "none"]).into(), on: false },
            _ => Input::Emergency { plan: rng.pick(&["fire", "flood"]).into(), on: true },
        }
    }

    fn about_a_callback(&mut self, rng: &mut Rng) -> CallbackInput {
        let party = Party(rng.pick(&[1, 2, 3]));
        let first = rng.pick(&[First::Agent, First::Customer]);
        let known = self.any_call(rng);
        let newest = call(self.calls.max(1));
        match rng.below(12) {
            0..=3 => CallbackInput::Ask { call: rng.pick(&[known, newest]), party, first },
            4 => {
                let Input::Enqueue { call, queue, permission, entered, head_start_ms, .. } =
                    self.enqueue(rng)
                else {
                    unreachable!("that is what it makes");
                };
                CallbackInput::Book {
                    call,
                    queue,
                    permission,
                    entered,
                    head_start_ms,
                    party,
                    first,
                }
            }
            5..=6 => {
                self.calls += u32::from(!rng.one_in(4));
                CallbackInput::Rejoin { call: call(self.calls.max(1)), party }
            }
            7..=9 => CallbackInput::Answered { call: known },
            10 => CallbackInput::Missed { call: known, cause: MissedCause::NoAnswer },
            _ => CallbackInput::Cancel { call: known },
        }
    }

    fn enqueue(&mut self, rng: &mut Rng) -> Input {
        let again = rng.one_in(12);
        self.calls += u32::from(!again);
        let queue = match rng.below(30) {
            0 => "nowhere".into(),
            // Perhaps one that was there.
            1 => name(rng.below(3)),
            _ => self.config.queues[rng.below(self.config.queues.len())].queue.clone(),
        };
        let ago = rng.pick(&[0, 0, 0, 3_000_000_000, 25_000_000_000]);
        let permission = match rng.below(6) {
            0 => Some(Permission::PolicyEndorse),
            1 => Some(Permission::ClaimSettle),
            _ => None,
        };
        Input::Enqueue {
            call: call(self.calls.max(1)),
            queue,
            permission,
            entered: Mono(self.now.0.saturating_sub(ago)),
            head_start_ms: rng.pick(&[0, 0, 0, 7_000]),
            preferred: rng.one_in(4).then(|| Preferred {
                agent: self.config.agents[rng.below(self.config.agents.len())].agent.clone(),
                for_ms: rng.pick(&[0, 2_500, 5_000, 20_000]),
            }),
        }
    }

    fn come_back(&mut self, rng: &mut Rng) -> Input {
        let Input::Enqueue { call, queue, permission, entered, head_start_ms, .. } =
            self.enqueue(rng)
        else {
            unreachable!("that is what it makes");
        };
        Input::ComeBack { call, queue, permission, entered, head_start_ms }
    }

    fn about_an_offer(&mut self, rng: &mut Rng, acd: &Acd) -> Input {
        let open: Vec<OfferId> = acd.agents().filter_map(|agent| agent.offer).collect();
        let offer = match open.is_empty() || rng.one_in(15) {
            true => self.last_offer,
            false => open[rng.below(open.len())],
        };
        self.last_offer = offer;
        let causes = [
            MissedCause::NoAnswer,
            MissedCause::Rejected,
            MissedCause::Busy,
            MissedCause::Unreachable,
            MissedCause::Error,
        ];
        match rng.below(7) {
            0..=2 => Input::OfferRinging { offer },
            3..=4 => Input::OfferAnswered { offer },
            5 => Input::OfferMissed { offer, cause: rng.pick(&causes) },
            _ => Input::Dequeue { call: self.any_call(rng) },
        }
    }

    fn by_an_agent(&mut self, rng: &mut Rng, acd: &Acd) -> Input {
        let agents = &self.config.agents;
        let agent: AgentId = agents[rng.below(agents.len())].agent.clone();
        let reason = rng.pick(&[NotReadyReason::Break, NotReadyReason::Meal]);
        let call = acd.agent(&agent).and_then(|agent| agent.call).unwrap_or_default();
        match rng.below(16) {
            14 => Input::Approve { agent },
            15 => Input::Decline { agent },
            0..=4 => Input::Ready { agent },
            5..=6 => Input::NotReady { agent, reason },
            7 => Input::SignIn { agent },
            8 => Input::SignOut { agent },
            9 => Input::ExtendAcw { agent, ms: rng.pick(&[1, 15_000, u64::MAX]) },
            10 => Input::WrapUp { agent, call },
            11 => Input::PhoneReachable { agent, reachable: false },
            _ => Input::PhoneReachable { agent, reachable: true },
        }
    }

    fn any_call(&self, rng: &mut Rng) -> CallId {
        call(1 + u32::try_from(rng.below(self.calls.max(1) as usize)).unwrap())
    }
}

/// The configuration changes.
impl World {
    /// Queues, agents and rules are otherwise, or there no more, or new.
    fn configure(&mut self, rng: &mut Rng) -> Input {
        let before = self.config.clone();
        let mut named: Vec<usize> = (0..3).filter(|_| !rng.one_in(3)).collect();
        if named.is_empty() {
            named.push(rng.below(3));
        }
        let next = &mut self.config;
        next.queues = named.iter().map(|at| another_queue(rng, *at, &before)).collect();
        let known: Vec<QueueId> = next.queues.iter().map(|queue| queue.queue.clone()).collect();
        let leads = |to: &Overflow| match to {
            Overflow::Queue(queue) => known.contains(queue),
            _ => true,
        };
        for queue in &mut next.queues {
            let Limits { full, wait, unstaffed, closed, short_ms: _ } = &mut queue.limits;
            full.take_if(|to| !leads(to));
            wait.take_if(|wait| !leads(&wait.to));
            unstaffed.take_if(|rule| !leads(&rule.to));
            closed.take_if(|rule| !leads(&rule.to));
            let unknown = |step: &TierStep| match &step.skill {
                Skill::Of(other) => !known.contains(other),
                Skill::Own | Skill::None => false,
            };
            if let Some(first) = queue.steps.iter().position(unknown) {
                queue.steps.truncate(first);
            }
        }
        let plans = ["fire", "flood"].into_iter().filter(|_| !rng.one_in(4));
        let plans: Vec<&str> = plans.collect();
        next.plans = plans.into_iter().map(|name| plan(rng, name, &next.queues)).collect();
        for plan in &mut next.plans {
            // Never back to where somebody may come from.
            plan.queues.retain(|queue, rule| match &rule.to {
                Overflow::Queue(to) => to > queue && leads(&rule.to),
                _ => true,
            });
        }
        let mut agents: Vec<usize> = (0..5).filter(|_| !rng.one_in(3)).collect();
        if agents.is_empty() {
            agents.push(rng.below(5));
        }
        next.agents = agents.iter().map(|at| another_agent(rng, *at, &before, next)).collect();
        if rng.one_in(3) {
            let lists = [tier(1), tier(2), tier(3)].map(|tier| (tier, rng.one_in(2)));
            let held = |(tier, more)| match more {
                true => (tier, [Permission::PolicyEndorse, Permission::ClaimSettle].into()),
                false => (tier, [Permission::PolicyView].into()),
            };
            next.permissions = lists.into_iter().map(held).collect();
        }
        next.approval = rng.pick(&[None, Some(NotReadyReason::Meal)]).into_iter().collect();
        next.check().unwrap();
        let changes = Changes::between(&before, next);
        let mut made = before;
        changes.make(&mut made);
        assert!(Changes::between(&made, next).is_empty(), "made is what was wanted");
        Input::Configure(Box::new(changes))
    }
}

fn another_queue(rng: &mut Rng, at: usize, before: &Config) -> QueueConfig {
    let old = before.queues.iter().find(|queue| queue.queue == name(at));
    let fresh = queue(rng, at, 3);
    let Some(old) = old.filter(|_| !rng.one_in(4)) else { return fresh };
    match rng.below(6) {
        0 => QueueConfig { steps: fresh.steps, ..old.clone() },
        1 => QueueConfig { strategy: fresh.strategy, ring: fresh.ring, ..old.clone() },
        2 => QueueConfig {
            limits: limits(rng, at, 3),
            callbacks: rng.pick(&[None, Some(CALLBACKS)]),
            ..old.clone()
        },
        3 => QueueConfig {
            head_start_ms: fresh.head_start_ms,
            gain_permille: fresh.gain_permille,
            acw: fresh.acw,
            max_waiting: fresh.max_waiting,
            ..old.clone()
        },
        _ => old.clone(),
    }
}

fn another_agent(rng: &mut Rng, at: usize, before: &Config, next: &Config) -> AgentConfig {
    let fresh = agent(rng, at, &next.queues);
    let old = before.agents.iter().find(|old| old.agent == fresh.agent);
    let fits = |old: &&AgentConfig| {
        let agents = vec![(*old).clone()];
        Config { agents, ..next.clone() }.check().is_ok()
    };
    old.filter(fits).filter(|_| !rng.one_in(3)).cloned().unwrap_or(fresh)
}

const CALLBACKS: CallbackRule =
    CallbackRule { max: 2, attempts: 2, retry_ms: 2_500, dial_timeout_ms: 5_000, keep_ms: 60_000 };

/// Limits of the queue of this number: it overflows only to queues of higher ones.
fn limits(rng: &mut Rng, at: usize, count: usize) -> Limits {
    let mut to = || {
        let later = at + 1 + rng.below(count - at);
        let elsewhere = [
            Overflow::Callback,
            Overflow::Number("10086".into()),
            Overflow::Announcement("closed".into()),
            Overflow::Mailbox("general".into()),
        ];
        match later < count {
            true => Overflow::Queue(name(later)),
            false => elsewhere[rng.below(4)].clone(),
        }
    };
    let (full, timed_out, unstaffed, closed) = (to(), to(), to(), to());
    let mut rule = |to| (!rng.one_in(3)).then_some(Rule { to, waiting_too: rng.one_in(2) });
    Limits {
        unstaffed: rule(unstaffed),
        closed: rule(closed),
        full: rule(full).map(|rule| rule.to),
        wait: rule(timed_out)
            .map(|Rule { to, .. }| WaitLimit { ms: rng.pick(&[5_000, 20_000, 45_000]), to }),
        short_ms: rng.pick(&[0, 5_000]),
    }
}

/// A plan for some of the queues, from which it overflows as limits do.
fn plan(rng: &mut Rng, name: &str, queues: &[QueueConfig]) -> Plan {
    let mut rules = BTreeMap::new();
    for (at, queue) in queues.iter().enumerate() {
        let full = limits(rng, at, queues.len()).full;
        let waiting_too = rng.one_in(2);
        rules.extend(full.map(|to| (queue.queue.clone(), Rule { to, waiting_too })));
    }
    Plan { name: name.into(), queues: rules }
}

fn name(at: usize) -> QueueId {
    QueueId::from(["a", "b", "c"][at])
}

fn tier(level: u8) -> Tier {
    Tier { level }
}

fn call(counter: u32) -> CallId {
    CallId(Id::new(1, 1, counter))
}

fn queue(rng: &mut Rng, at: usize, count: usize) -> QueueConfig {
    let tiers: &[u8] = rng.pick(&[&[1_u8, 2, 3][..], &[1, 2], &[2, 3], &[3, 1], &[1], &[2]]);
    let apart_ms = rng.pick(&[0, 5_000, 20_000]);
    let first_ms = rng.pick(&[0, 0, 0, 1_000]);
    let after_ms = |at: usize| first_ms + apart_ms * at as u64;
    let experts = rng.one_in(3);
    let step = |(at, &level)| TierStep {
        min_level: if experts { 5 } else { 1 },
        ..TierStep::new(tier(level), after_ms(at))
    };
    let mut steps: Vec<TierStep> = tiers.iter().enumerate().map(step).collect();
    if experts {
        // Later the others of the first tier as well.
        steps.push(TierStep::new(tier(tiers[0]), after_ms(tiers.len())));
    }
    if rng.one_in(3) {
        escalate(rng, &mut steps, count);
    }
    let strategies = [
        Strategy::LongestIdle,
        Strategy::LongestIdle,
        Strategy::LeastOccupied,
        Strategy::SkillFirst,
        Strategy::RoundRobin,
        Strategy::FewestCalls,
        Strategy::RingAll,
        Strategy::RingProgressive,
    ];
    QueueConfig {
        max_waiting: rng.pick(&[2, 100, 100]),
        head_start_ms: rng.pick(&[0, 0, 4_000]),
        gain_permille: rng.pick(&[0, 0, 0, 1_500]),
        objective_ms: rng.pick(&[None, None, Some(20_000), Some(1_000)]),
        strategy: rng.pick(&strategies),
        ring: RingRule {
            at_once: rng.pick(&[1, 2, 3, 16]),
            add: rng.pick(&[1, 2]),
            add_after_ms: rng.pick(&[2_500, 5_000]),
        },
        service: Some(ServiceRule { within_ms: rng.pick(&[2_500, 5_000]), window_ms: 30_000 }),
        acw: rng.pick(&[None, None, Some(AcwRule { ms: 2_500, limit_ms: 10_000 })]),
        ..QueueConfig::new(name(at), steps)
    }
}

/// Steps that open by more than time, to others than who serves the queue, or in place of others.
fn escalate(rng: &mut Rng, steps: &mut Vec<TierStep>, count: usize) {
    for _ in 0..=rng.below(2) {
        let skill = match rng.below(3) {
            0 => Skill::Own,
            1 => Skill::Of(name(rng.below(count))),
            _ => Skill::None,
        };
        let last_ms = steps.iter().filter_map(|step| step.opens.after_ms).max().unwrap_or(0);
        let mut step = TierStep::of(skill, Opens::after(last_ms + rng.pick(&[0, 5_000])));
        step.tier = rng.pick(&[None, None, Some(tier(2))]);
        step.groups.extend(rng.one_in(3).then(|| "team".into()));
        step.sites.extend(rng.one_in(3).then(|| "east".into()));
        steps.push(step);
    }
    for step in &mut steps[1..] {
        step.replaces = rng.one_in(4);
        let timed = step.opens.after_ms;
        step.opens = Opens {
            after_ms: timed.filter(|_| rng.one_in(2)),
            estimate_ms: rng.one_in(3).then_some(rng.pick(&[1, 8_000])),
            service_permille: rng.one_in(3).then_some(rng.pick(&[300, 900])),
            idle: rng.one_in(2).then_some(rng.pick(&[0, 0, 1, 2])),
        };
        if step.opens.is_never() {
            step.opens.after_ms = timed;
        }
    }
    // Who was named before may be named again only where that was replaced.
    let mut named: Vec<TierStep> = Vec::new();
    steps.retain(|step| {
        if step.replaces {
            named.clear();
        }
        let agents = |step: &TierStep| {
            let TierStep { tier, skill, groups, sites, .. } = step.clone();
            (tier, skill, groups, sites)
        };
        let is_new =
            |before: &TierStep| agents(before) != agents(step) || before.min_level > step.min_level;
        let is_new = named.iter().all(is_new);
        named.push(step.clone());
        is_new
    });
}

fn agent(rng: &mut Rng, at: usize, queues: &[QueueConfig]) -> AgentConfig {
    let tier = tier(rng.pick(&[1, 1, 1, 2, 2, 3]));
    let mut one = AgentConfig::new(
        // In an order other than that of their names.
        ["d", "b", "e", "a", "c"][at].into(),
        tier,
        Vec::new(),
        rng.pick(&[0, 5_000, 10_000]),
    );
    one.groups.extend(rng.one_in(2).then(|| "team".into()));
    one.site = rng.pick(&[None, Some("east"), Some("west")]).map(Into::into);
    for queue in queues {
        let (level, share) = (rng.pick(&[1, 4, 5, 9]), rng.pick(&[1, 1, 3]));
        one.queues.push(Served { queue: queue.queue.clone(), level, share });
        let admits = |step: &TierStep| step.admits(&one, &queue.queue);
        if !queue.steps.iter().any(admits) || rng.one_in(4) {
            one.queues.pop();
        }
    }
    // A step may have opened a queue by a skill in another that is not the agent's after all.
    let known = one.clone();
    one.queues.retain(|served| {
        let queue = queues.iter().find(|queue| queue.queue == served.queue).unwrap();
        queue.steps.iter().any(|step| step.admits(&known, &queue.queue))
    });
    let choices = [CallChoice::HighestScore, CallChoice::SkillFirst, CallChoice::Shares];
    AgentConfig { choice: rng.pick(&choices), ..one }
}
