//! The rules, checked the slow way: by looking at every agent and every call at every step.
//!
//! The reference folds what the room says, in order, and never asks the room what to expect.

use std::collections::BTreeMap;
use std::time::Duration;

use acd::{
    Acd, AgentConfig, AgentView, CallChoice, Choice, Config, Input, MAX_GAIN_MS, NotEnqueued,
    Output, QueueConfig, Served, Strategy, TierStep, Withdrawal,
};
use model::{
    AgentId, AgentState, AgentStatus, AgentTotals, CallId, Mono, OfferId, Permission, QueueId,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Offered(OfferId),
    Talking,
    Over,
}

#[derive(Debug)]
struct Waiting {
    queue: QueueId,
    permission: Option<Permission>,
    entered: Mono,
    head_start_ms: u64,
    reached: usize,
    /// Who alone may take it, and until when.
    preferred: Option<(AgentId, Mono)>,
    stage: Stage,
    agent: Option<AgentId>,
}

#[derive(Debug)]
struct Working {
    config: AgentConfig,
    view: AgentView,
    idle_since: Mono,
    /// The caller hung up while the agent was being offered the call.
    keeps_turn: bool,
    tally: Tally,
    /// The queue of the call that was answered last.
    talked_in: Option<QueueId>,
}

/// What strategies go by.
#[derive(Debug, Clone, Default)]
struct Tally {
    /// Since signing in.
    since: Mono,
    answered: u64,
    busy_ns: u64,
    occupied_ppm: u64,
    offers: BTreeMap<QueueId, u64>,
    /// The number of the last offer from each queue, counted over all offers.
    turns: BTreeMap<QueueId, u64>,
}

/// The rules and what is known so far.
pub(crate) struct Reference {
    config: Config,
    seed: u64,
    agents: BTreeMap<AgentId, Working>,
    calls: BTreeMap<CallId, Waiting>,
    offers: u64,
    /// The tally of an agent before the offer that is open.
    before_offer: BTreeMap<AgentId, (Tally, Mono)>,
    /// The call that the input just enqueued, until the room says whether it is.
    newcomer: Option<CallId>,
}

impl Reference {
    pub(crate) fn new(config: &Config, seed: u64) -> Self {
        let acd = Acd::new(config, model::IdSource::new(1, 1)).unwrap();
        let working = |config: &AgentConfig| Working {
            config: config.clone(),
            view: acd.agent(&config.agent).unwrap(),
            idle_since: Mono::default(),
            keeps_turn: false,
            tally: Tally::default(),
            talked_in: None,
        };
        let agents = config.agents.iter().map(|agent| (agent.agent.clone(), working(agent)));
        Self {
            config: config.clone(),
            seed,
            agents: agents.collect(),
            calls: BTreeMap::new(),
            offers: 0,
            before_offer: BTreeMap::new(),
            newcomer: None,
        }
    }

    /// Notes what an input says before the room hears it.
    pub(crate) fn expect(&mut self, input: &Input, now: Mono) {
        let Input::Enqueue { call, queue, permission, entered, head_start_ms, preferred } = input
        else {
            return;
        };
        if self.calls.get(call).is_some_and(|call| call.stage != Stage::Over) {
            return;
        }
        let queue_config = self.queue(queue);
        let at_once = queue_config
            .map_or(0, |queue| queue.steps.iter().filter(|step| step.after_ms == 0).count());
        let preferred = preferred.as_ref().filter(|preferred| {
            self.agents.get(&preferred.agent).is_some_and(|working| {
                let step = queue_config.and_then(|queue| opening(&working.config, queue));
                let may = step.is_some_and(|step| self.holds(step, *permission));
                may && working.view.status == AgentStatus::Ready && preferred.for_ms > 0
            })
        });
        let preferred = preferred.map(|preferred| {
            (preferred.agent.clone(), now + Duration::from_millis(preferred.for_ms))
        });
        let waiting = Waiting {
            preferred,
            queue: queue.clone(),
            permission: *permission,
            entered: (*entered).min(now),
            head_start_ms: head_start_ms + queue_config.map_or(0, |queue| queue.head_start_ms),
            reached: at_once,
            stage: Stage::Waiting,
            agent: None,
        };
        self.calls.insert(*call, waiting);
        self.newcomer = Some(*call);
    }

    /// Judges everything that the room says at `now`, after `input` or after a deadline.
    pub(crate) fn judge(&mut self, acd: &mut Acd, input: Option<&Input>, now: Mono) -> Vec<Output> {
        let said: Vec<Output> = std::iter::from_fn(|| acd.poll_output())
            .filter(|output| !matches!(output, Output::QueueChanged(_)))
            .collect();
        for output in &said {
            self.fold(acd, output, input, now);
        }
        self.newcomer = None;
        self.judge_agents(acd, now);
        self.judge_nobody_left(now);
        self.judge_queues(acd, now);
        said
    }

    /// When everything has been ended, everything is over.
    pub(crate) fn judge_end(&self) {
        for (call, waiting) in &self.calls {
            assert_eq!(waiting.stage, Stage::Over, "seed {}: {call} never ended", self.seed);
        }
    }

    fn fold(&mut self, acd: &Acd, output: &Output, input: Option<&Input>, now: Mono) {
        let seed = self.seed;
        match output {
            Output::Offer { offer, call, queue, agent, waited_ms, score } => {
                self.judge_choice(acd, *call, agent, now);
                let expected = self.score(&self.calls[call], now);
                let waiting = self.calls.get_mut(call).unwrap();
                assert_eq!((&waiting.queue, waiting.stage), (queue, Stage::Waiting), "seed {seed}");
                assert_eq!(*waited_ms, now.ms_since(waiting.entered), "seed {seed}");
                assert_eq!(*score, expected, "seed {seed}");
                waiting.stage = Stage::Offered(*offer);
                waiting.agent = Some(agent.clone());
                waiting.preferred = None;
                self.offers += 1;
                let tally = &mut self.agents.get_mut(agent).unwrap().tally;
                self.before_offer.insert(agent.clone(), (tally.clone(), now));
                *tally.offers.entry(queue.clone()).or_default() += 1;
                tally.turns.insert(queue.clone(), self.offers);
            }
            Output::OfferWithdrawn { offer, call, agent, why } => {
                assert_eq!(self.calls[call].stage, Stage::Offered(*offer), "seed {seed}");
                let working = self.agents.get_mut(agent).unwrap();
                working.keeps_turn = *why == Withdrawal::CallerLeft;
                if working.keeps_turn {
                    working.tally = self.before_offer.remove(agent).unwrap().0;
                }
            }
            Output::Missed { offer, call, .. } => {
                self.move_on(*call, Stage::Offered(*offer), Stage::Waiting);
            }
            Output::Connected { offer, call, agent, queue, .. } => {
                let working = self.agents.get_mut(agent).unwrap();
                working.tally.answered += 1;
                working.talked_in = Some(queue.clone());
                self.move_on(*call, Stage::Offered(*offer), Stage::Talking);
            }
            Output::Dequeued { call, .. } => {
                let from = self.calls[call].stage;
                assert!(matches!(from, Stage::Waiting | Stage::Offered(_)), "seed {seed}");
                self.move_on(*call, from, Stage::Over);
            }
            Output::NotEnqueued { call, queue, why } => self.judge_not_enqueued(*call, queue, *why),
            Output::TierReached { call, queue, tier } => {
                let step = self.queue(queue).unwrap().steps[self.calls[call].reached];
                assert_eq!(step.tier, *tier, "seed {seed}: {call}");
                self.calls.get_mut(call).unwrap().reached += 1;
            }
            Output::AgentChanged(view) => self.fold_agent(view, input, now),
            // Nobody is invited here: tests/invited.rs is about that.
            Output::Invited { .. }
            | Output::Joined { .. }
            | Output::Refused { .. }
            | Output::QueueChanged(_) => {}
        }
    }

    fn fold_agent(&mut self, view: &AgentView, input: Option<&Input>, now: Mono) {
        let seed = self.seed;
        let working = self.agents.get_mut(&view.agent).unwrap();
        let before = std::mem::replace(&mut working.view, view.clone());
        assert_ne!(before, *view, "seed {seed}: told twice");
        if before.state == AgentState::Acw && view.state != AgentState::Acw {
            let own = match input {
                Some(
                    Input::Ready { agent } | Input::SignOut { agent } | Input::WrapUp { agent, .. },
                ) => *agent == view.agent,
                _ => false,
            };
            assert!(own || before.acw_until <= Some(now), "seed {seed}: after-call work cut");
        }
        if before.state == AgentState::Talking && view.state != AgentState::Talking {
            let call = before.call.unwrap();
            assert_eq!(self.calls[&call].stage, Stage::Talking, "seed {seed}");
            self.calls.get_mut(&call).unwrap().stage = Stage::Over;
        }
        let working = self.agents.get_mut(&view.agent).unwrap();
        let idle = |view: &AgentView| view.state == AgentState::Idle;
        if before.status == AgentStatus::SignedOut && view.status != AgentStatus::SignedOut {
            let turns = std::mem::take(&mut working.tally.turns);
            working.tally = Tally { since: now, turns, ..Tally::default() };
        }
        let stops = idle(view) && !idle(&before) && !working.keeps_turn;
        if stops || (is_free(view) && before.status != view.status) {
            let offered = self.before_offer.remove(&view.agent).filter(|_| stops);
            working.tally.finish(offered, now);
        }
        if is_free(view) && !is_free(&before) && !working.keeps_turn {
            working.idle_since = now;
        }
        if view.status != AgentStatus::Ready {
            for call in self.calls.values_mut() {
                call.preferred.take_if(|(agent, _)| *agent == view.agent);
            }
        }
        working.keeps_turn = false;
    }

    fn move_on(&mut self, call: CallId, from: Stage, to: Stage) {
        let waiting = self.calls.get_mut(&call).unwrap();
        assert_eq!(waiting.stage, from, "seed {}: {call}", self.seed);
        waiting.stage = to;
    }

    /// The call is the best for the agent, and the agent the one whose turn it is.
    fn judge_choice(&self, acd: &Acd, id: CallId, agent: &AgentId, now: Mono) {
        let (call, working) = (&self.calls[&id], &self.agents[agent]);
        let seed = self.seed;
        assert!(self.may_take(working, call, now), "seed {seed}: {agent} may not take {id}");
        let decision = acd.why(id).filter(|decision| decision.agent == *agent).last().unwrap();
        // What an agent goes by counts when the agent chooses; else scores do.
        let chooses = matches!(decision.choice, Choice::Calls { .. });
        let choice = if chooses { working.config.choice } else { CallChoice::HighestScore };
        let key = |id: CallId, call: &Waiting| {
            let of_queue = match choice {
                CallChoice::HighestScore => 0,
                CallChoice::SkillFirst => {
                    10 - u64::from(served(&working.config, &call.queue).level)
                }
                CallChoice::Shares => {
                    let offers = working.tally.offers.get(&call.queue).copied().unwrap_or(0);
                    offers * 1_000_000 / u64::from(served(&working.config, &call.queue).share)
                }
            };
            (of_queue, std::cmp::Reverse(self.score(call, now)), id)
        };
        for (&other_id, other) in &self.calls {
            if other_id != id && self.may_take(working, other, now) {
                let in_order = key(id, call) < key(other_id, other);
                assert!(
                    in_order,
                    "seed {seed}: {agent} got {id} before {other_id} at {now:?}: {call:?} \
                     {other:?} {decision:?}"
                );
            }
        }
        let strategy = self.queue(&call.queue).unwrap().strategy;
        let turn = |id: &AgentId, agent: &Working| {
            let tally = &agent.tally;
            let key = match strategy {
                Strategy::LongestIdle => 0,
                Strategy::LeastOccupied => tally.occupied_ppm,
                Strategy::SkillFirst => 10 - u64::from(served(&agent.config, &call.queue).level),
                Strategy::RoundRobin => tally.turns.get(&call.queue).copied().unwrap_or(0),
                Strategy::FewestCalls => tally.answered,
            };
            (key, agent.idle_since, id.clone())
        };
        for (other_agent, other) in &self.agents {
            if other_agent != agent && self.may_take(other, call, now) {
                let in_turn = turn(agent, working) < turn(other_agent, other);
                assert!(
                    in_turn,
                    "seed {seed}: {agent} before {other_agent} at {now:?}, {strategy:?}: {:?} {:?}",
                    turn(agent, working),
                    turn(other_agent, other),
                );
            }
        }
    }

    /// A call's score, as the room's page says it.
    fn score(&self, call: &Waiting, now: Mono) -> u64 {
        let queue = self.queue(&call.queue).unwrap();
        let age = now.0 - call.entered.0 + call.head_start_ms * 1_000_000;
        let objective = queue.objective_ms.map_or(0, |ms| 60_000_000 / ms);
        let gained = u128::from(age) * u128::from(queue.gain_permille + objective) / 1_000;
        age + u64::try_from(gained.min(u128::from(MAX_GAIN_MS * 1_000_000))).unwrap()
    }

    fn judge_not_enqueued(&mut self, call: CallId, queue: &QueueId, why: NotEnqueued) {
        let seed = self.seed;
        if why == NotEnqueued::AlreadyKnown {
            assert_ne!(self.calls[&call].stage, Stage::Over, "seed {seed}");
            assert_eq!(self.newcomer, None, "seed {seed}");
            return;
        }
        assert_eq!(self.newcomer.take(), Some(call), "seed {seed}");
        let permission = self.calls.remove(&call).unwrap().permission;
        let reason_holds = match (why, self.queue(queue)) {
            (NotEnqueued::UnknownQueue, config) => config.is_none(),
            (NotEnqueued::QueueFull, Some(config)) => self.line(queue).len() >= config.max_waiting,
            (NotEnqueued::NobodyMay, Some(config)) => {
                !config.steps.iter().any(|step| self.holds(step, permission))
            }
            (NotEnqueued::AlreadyKnown | NotEnqueued::QueueFull | NotEnqueued::NobodyMay, _) => {
                false
            }
        };
        assert!(reason_holds, "seed {seed}: {call} refused for {why:?}");
    }

    fn judge_agents(&self, acd: &Acd, now: Mono) {
        let seed = self.seed;
        let mut with_call = BTreeMap::new();
        for (agent, working) in &self.agents {
            let view = acd.agent(agent).unwrap();
            assert_eq!(working.view, view, "seed {seed}: what was told is not what is");
            let busy = view.state != AgentState::Idle;
            assert!(!busy || view.status == AgentStatus::Ready, "seed {seed}: {view:?}");
            let ready = view.status == AgentStatus::Ready && !busy;
            assert!(!ready || view.phone_reachable, "seed {seed}: ready without a phone {view:?}");
            let limit_ms = match view.state {
                AgentState::Reserved => self.config.reserve_timeout_ms,
                AgentState::Ringing => self.config.ring_timeout_ms,
                AgentState::Idle | AgentState::Talking | AgentState::Acw => u64::MAX / 2_000_000,
            };
            let limit = view.since + Duration::from_millis(limit_ms);
            assert!(now < limit, "seed {seed}: stuck {view:?} at {now:?}");
            if let Some(until) = view.acw_until {
                let queue = working.talked_in.as_ref().and_then(|queue| self.queue(queue));
                let rule = queue.and_then(|queue| queue.acw);
                let (least_ms, most_ms) = rule
                    .map_or((working.config.acw_ms, self.config.acw_limit_ms), |rule| {
                        (rule.ms, rule.limit_ms)
                    });
                let least = view.since + Duration::from_millis(least_ms);
                let most = view.since + Duration::from_millis(most_ms);
                assert!((least..=most).contains(&until) && now < until, "seed {seed}: {view:?}");
            }
            if let Some(call) = view.call.filter(|_| view.state != AgentState::Acw) {
                assert_eq!(with_call.insert(call, agent), None, "seed {seed}: {call} twice");
                let waiting = &self.calls[&call];
                assert_eq!(waiting.agent.as_ref(), Some(agent), "seed {seed}: {call}");
                let stage = view.offer.map_or(Stage::Talking, Stage::Offered);
                assert_eq!(waiting.stage, stage, "seed {seed}: {call}");
            }
        }
        for (call, waiting) in &self.calls {
            let has_agent = matches!(waiting.stage, Stage::Offered(_) | Stage::Talking);
            assert_eq!(has_agent, with_call.contains_key(call), "seed {seed}: ghost {call}");
        }
    }

    /// Nobody who could take a call now is idle while it waits.
    fn judge_nobody_left(&self, now: Mono) {
        for (agent, working) in &self.agents {
            for (call, waiting) in &self.calls {
                let left = self.may_take(working, waiting, now);
                assert!(!left, "seed {}: {agent} idle, {call} waits at {now:?}", self.seed);
            }
        }
    }

    fn judge_queues(&self, acd: &Acd, now: Mono) {
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
                let due = |step: &&TierStep| {
                    self.calls[call].entered + Duration::from_millis(step.after_ms) <= now
                };
                let reached = queue.steps.iter().filter(due).count();
                assert_eq!(self.calls[call].reached, reached, "seed {seed}: tiers of {call}");
            }
            let longest = line.iter().map(|call| self.calls[call].entered).min();
            let offered = |call: &&CallId| matches!(self.calls[call].stage, Stage::Offered(_));
            let figures = (line.len(), line.iter().filter(offered).count(), longest);
            let told = (view.waiting as usize, view.offered as usize, view.longest_since);
            assert_eq!((told, view.agents), (figures, self.totals(&queue.queue)), "seed {seed}");
        }
    }

    fn totals(&self, queue: &QueueId) -> AgentTotals {
        let mut totals = AgentTotals::default();
        for working in self.agents.values().filter(|agent| serves(&agent.config, queue)) {
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

    /// A queue's calls without an agent, in order.
    fn line(&self, queue: &QueueId) -> Vec<CallId> {
        let mut line: Vec<(i128, CallId)> = self
            .calls
            .iter()
            .filter(|(_, call)| {
                call.queue == *queue && matches!(call.stage, Stage::Waiting | Stage::Offered(_))
            })
            .map(|(&id, call)| {
                let head_start = i128::from(call.head_start_ms) * 1_000_000;
                (i128::from(call.entered.0) - head_start, id)
            })
            .collect();
        line.sort_unstable();
        line.into_iter().map(|(_, id)| id).collect()
    }

    fn may_take(&self, working: &Working, call: &Waiting, now: Mono) -> bool {
        if call.stage != Stage::Waiting || !is_free(&working.view) {
            return false;
        }
        let Some(queue) = self.queue(&call.queue) else { return false };
        let opens = |steps: &[TierStep]| {
            let mut steps = steps.iter();
            let step = steps.find(|step| is_open(&working.config, &call.queue, step));
            step.is_some_and(|step| self.holds(step, call.permission))
        };
        let in_force = call.preferred.as_ref().filter(|(_, until)| now < *until);
        match in_force {
            Some((agent, _)) => *agent == working.view.agent && opens(&queue.steps),
            None => opens(&queue.steps[..call.reached]),
        }
    }

    fn holds(&self, step: &TierStep, permission: Option<Permission>) -> bool {
        let held = self.config.permissions.get(&step.tier);
        permission.is_none_or(|needed| held.is_some_and(|held| held.contains(&needed)))
    }

    fn queue(&self, queue: &QueueId) -> Option<&QueueConfig> {
        self.config.queues.iter().find(|config| config.queue == *queue)
    }
}

fn is_free(view: &AgentView) -> bool {
    view.status == AgentStatus::Ready
        && view.state == AgentState::Idle
        && view.phone_reachable
        && view.rests_until.is_none()
}

fn serves(agent: &AgentConfig, queue: &QueueId) -> bool {
    agent.queues.iter().any(|served| served.queue == *queue)
}

fn served<'a>(agent: &'a AgentConfig, queue: &QueueId) -> &'a Served {
    agent.queues.iter().find(|served| served.queue == *queue).unwrap()
}

fn is_open(agent: &AgentConfig, queue: &QueueId, step: &TierStep) -> bool {
    step.tier == agent.tier && serves(agent, queue) && step.min_level <= served(agent, queue).level
}

/// The step that opens a queue to an agent.
fn opening<'a>(agent: &AgentConfig, queue: &'a QueueConfig) -> Option<&'a TierStep> {
    queue.steps.iter().find(|step| is_open(agent, &queue.queue, step))
}

impl Tally {
    /// The agent becomes idle, or ready; the offer that is over by that began then.
    fn finish(&mut self, offered: Option<(Tally, Mono)>, now: Mono) {
        if let Some((_, since)) = offered {
            self.busy_ns += now.0 - since.0;
        }
        let whole = u128::from(now.0 - self.since.0).max(1);
        self.occupied_ppm = u64::try_from(u128::from(self.busy_ns) * 1_000_000 / whole).unwrap();
    }
}
