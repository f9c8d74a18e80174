//! The rules, checked the slow way: by looking at every agent and every call at every step.
//!
//! The reference folds what the room says, in order, and never asks the room what to expect.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use acd::{
    Acd, AgentConfig, AgentView, CallChoice, Choice, Config, Input, MAX_GAIN_MS, MAX_RINGING,
    NotEnqueued, Output, QueueConfig, Served, Strategy, TierStep, Withdrawal,
};
use model::{
    AgentId, AgentState, AgentStatus, CallId, Mono, NotReadyReason, OfferId, Opened, Permission,
    QueueId, Tier,
};

use super::answered;
use super::callbacks::Asked;
use super::limits::Limits;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Offered(OfferId),
    /// The customer of a callback is being called.
    Dialing(OfferId),
    /// A callback until its next attempt, or until the queue opens.
    Resting(Option<Mono>),
    Talking,
    Over,
}

#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) queue: QueueId,
    pub(super) permission: Option<Permission>,
    pub(super) entered: Mono,
    /// Its own, and with that of the queue.
    pub(super) own_head_start_ms: u64,
    pub(super) head_start_ms: u64,
    pub(super) joined: Mono,
    /// When the queue to which it had to go would have refused it last.
    pub(super) refused_at: Option<Mono>,
    /// Whether it would have been when that was looked at last.
    pub(super) was_refused: bool,
    pub(super) reached: usize,
    /// It is said that a later step is open to it as well, but not yet which.
    pub(super) opens_more: bool,
    /// Who alone may take it, and until when.
    pub(super) preferred: Option<(AgentId, Mono)>,
    pub(super) callback: Option<Asked>,
    pub(super) stage: Stage,
    /// What rings besides the offer of its stage, and whom.
    pub(super) beside: BTreeMap<OfferId, AgentId>,
    /// Since when it rings as many as its queue's strategy says, if it does.
    pub(super) rings_since: Option<Mono>,
    /// It rings so many at most, since the rule changed by which it rang.
    pub(super) rings_at_most: Option<usize>,
    pub(super) agent: Option<AgentId>,
}

#[derive(Debug)]
pub(super) struct Working {
    pub(super) config: AgentConfig,
    pub(super) view: AgentView,
    /// What waits for approval.
    pub(super) asks: Option<NotReadyReason>,
    idle_since: Mono,
    /// The caller hung up while the agent was being offered the call.
    pub(super) keeps_turn: bool,
    pub(super) tally: Tally,
    /// The queue of the call that was answered last.
    pub(super) talked_in: Option<QueueId>,
    /// The shortest and the longest after-call work, as it was when that began.
    pub(super) acw: (u64, u64),
    /// Is configured no more.
    pub(super) leaving: bool,
}

/// What strategies go by.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Since signing in.
    since: Mono,
    answered: u64,
    busy_ns: u64,
    occupied_ppm: u64,
    pub(super) offers: BTreeMap<QueueId, u64>,
    /// The number of the last offer from each queue, counted over all offers.
    pub(super) turns: BTreeMap<QueueId, u64>,
}

/// The rules and what is known so far.
pub(crate) struct Reference {
    /// With queues that are configured no more and have calls left.
    pub(super) config: Config,
    /// Without them.
    pub(super) configured: Config,
    /// The configuration has changed since the start.
    pub(super) was_changed: bool,
    /// Calls that have reached by the change what they would have by now.
    pub(super) reached_anew: BTreeSet<CallId>,
    pub(super) seed: u64,
    pub(super) agents: BTreeMap<AgentId, Working>,
    pub(super) calls: BTreeMap<CallId, Waiting>,
    offers: u64,
    /// The tally of an agent before the offer that is open.
    pub(super) before_offer: BTreeMap<AgentId, (Tally, Mono)>,
    /// The call that the input just enqueued, until the room says whether it is.
    pub(super) newcomer: Option<CallId>,
    pub(super) limits: Limits,
    pub(super) served: BTreeMap<QueueId, answered::Served>,
}

impl Reference {
    pub(crate) fn new(config: &Config, seed: u64) -> Self {
        let acd = Acd::new(config, model::IdSource::new(1, 1)).unwrap();
        let agents = config.agents.iter().map(|agent| {
            let working = Working::new(agent, acd.agent(&agent.agent).unwrap());
            (agent.agent.clone(), working)
        });
        Self {
            config: config.clone(),
            configured: config.clone(),
            was_changed: false,
            reached_anew: BTreeSet::new(),
            seed,
            agents: agents.collect(),
            calls: BTreeMap::new(),
            offers: 0,
            before_offer: BTreeMap::new(),
            newcomer: None,
            limits: Limits::new(config),
            served: BTreeMap::new(),
        }
    }

    /// Notes what an input says before the room hears it.
    pub(crate) fn expect(&mut self, input: &Input, now: Mono) {
        self.expect_switch(input);
        if let Input::Configure(changes) = input {
            return self.expect_change(changes, now);
        }
        if let Input::Callback(input) = input {
            return self.expect_callback(input, now);
        }
        if let Input::ComeBack { .. } = input {
            return self.expect_back(input, now);
        }
        let Input::Enqueue { call, queue, permission, entered, head_start_ms, preferred } = input
        else {
            return;
        };
        if self.calls.get(call).is_some_and(|call| call.stage != Stage::Over) {
            return;
        }
        let queue_config = self.queue(queue);
        let preferred = preferred.as_ref().filter(|preferred| {
            self.agents.get(&preferred.agent).is_some_and(|working| {
                let of_queue = queue_config.is_some_and(|q| self.serves(working, &q.queue));
                let may = of_queue && self.holds(&working.config, *permission);
                may && working.view.status == AgentStatus::Ready && preferred.for_ms > 0
            })
        });
        let preferred = preferred.map(|preferred| {
            (preferred.agent.clone(), now + Duration::from_millis(preferred.for_ms))
        });
        let waiting = self.entry(queue, *permission, (*entered).min(now), *head_start_ms, now);
        self.expect_way(queue, *permission);
        self.calls.insert(*call, Waiting { preferred, ..waiting });
        self.newcomer = Some(*call);
    }

    /// Who comes back is in line whatever the queue's limits say.
    fn expect_back(&mut self, input: &Input, now: Mono) {
        let Input::ComeBack { call, queue, permission, entered, head_start_ms } = input else {
            return;
        };
        if self.calls.get(call).is_some_and(|call| call.stage != Stage::Over) {
            return;
        }
        let back = self.entry(queue, *permission, (*entered).min(now), *head_start_ms, now);
        self.calls.insert(*call, back);
        match self.queue(queue) {
            Some(_) => self.limits.count(queue).offered += 1,
            None => self.newcomer = Some(*call),
        }
    }

    /// An entry that joins a queue now.
    pub(super) fn entry(
        &self,
        queue: &QueueId,
        permission: Option<Permission>,
        entered: Mono,
        own_head_start_ms: u64,
        now: Mono,
    ) -> Waiting {
        let config = self.queue(queue);
        let at_once = |queue: &QueueConfig| {
            let is_open = |step: &TierStep| step.opens.after_ms == Some(0);
            queue.steps.iter().rposition(is_open).map_or(0, |at| at + 1)
        };
        Waiting {
            queue: queue.clone(),
            permission,
            entered,
            own_head_start_ms,
            head_start_ms: own_head_start_ms + config.map_or(0, |queue| queue.head_start_ms),
            joined: now,
            refused_at: None,
            was_refused: false,
            reached: config.map_or(0, at_once),
            opens_more: false,
            preferred: None,
            callback: None,
            stage: Stage::Waiting,
            beside: BTreeMap::new(),
            rings_since: None,
            rings_at_most: None,
            agent: None,
        }
    }

    /// Judges everything that the room says at `now`, after `input` or after a deadline.
    pub(crate) fn judge(&mut self, acd: &mut Acd, input: Option<&Input>, now: Mono) -> Vec<Output> {
        let said: Vec<Output> = std::iter::from_fn(|| acd.poll_output())
            .filter(|output| !matches!(output, Output::QueueChanged(_)))
            .collect();
        self.wake(now);
        for output in &said {
            self.fold(acd, output, input, now);
        }
        self.newcomer = None;
        self.reached_anew.clear();
        self.judge_former();
        self.judge_asking(input, &said);
        self.judge_limits(acd, now);
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
                let expected = self.score(&self.calls[call], now);
                assert_eq!(*score, expected, "seed {seed}");
                let waiting = &self.calls[call];
                assert_eq!(*waited_ms, now.ms_since(waiting.entered), "seed {seed}");
                // The agent for a customer who is on the line now was reserved before.
                let dialled = waiting.stage == Stage::Dialing(*offer) && waiting.callback.is_none();
                if waiting.rings_since.is_some() {
                    return self.rings_along(acd, *call, queue, agent, *offer, now);
                }
                match dialled {
                    true => self.move_on(*call, Stage::Dialing(*offer), Stage::Offered(*offer)),
                    false => self.chosen(acd, *call, queue, agent, Stage::Offered(*offer), now),
                }
            }
            Output::OfferWithdrawn { offer, call, agent, why } => {
                let waiting = self.calls.get_mut(call).unwrap();
                let is_beside = waiting.beside.contains_key(offer);
                assert!(is_beside || waiting.stage == Stage::Offered(*offer), "seed {seed}");
                match why {
                    Withdrawal::CallerLeft => self.keep_turn(agent),
                    Withdrawal::AnsweredElsewhere => {
                        assert!(waiting.rings_on_without(*offer), "seed {seed}: nobody has it");
                        self.keep_turn(agent);
                    }
                    Withdrawal::RangOut | Withdrawal::NeverRang | Withdrawal::TakenBack => {}
                }
            }
            Output::Missed { offer, call, .. } => {
                self.missed(*call, *offer);
            }
            Output::Connected { offer, call, agent, queue, .. } => {
                let working = self.agents.get_mut(agent).unwrap();
                working.tally.answered += 1;
                working.talked_in = Some(queue.clone());
                self.limits.count(queue).answered += 1;
                self.serves_caller(*call, true, now);
                let from = self.calls[call].stage;
                let expected = [Stage::Offered(*offer), Stage::Dialing(*offer)];
                assert!(expected.contains(&from), "seed {seed}: {call} {from:?}");
                assert_eq!(self.calls[call].callback, None, "seed {seed}: nobody is there");
                assert!(self.calls[call].beside.is_empty(), "seed {seed}: {call} rings on");
                self.move_on(*call, from, Stage::Talking);
            }
            Output::Dequeued { call, .. } => {
                let from = self.calls[call].stage;
                assert!(matches!(from, Stage::Waiting | Stage::Offered(_)), "seed {seed}");
                assert_eq!(self.calls[call].callback, None, "seed {seed}");
                self.calls.get_mut(call).unwrap().beside.clear();
                self.count_left(*call, input, now);
                self.move_on(*call, from, Stage::Over);
            }
            Output::Overflowed { call, queue, why, to, .. } => {
                self.overflowed(*call, queue, *why, to, now);
            }
            Output::Callback(output) => self.fold_callback(acd, output, now),
            Output::NotEnqueued { call, queue, why } => self.judge_not_enqueued(*call, queue, *why),
            Output::TierReached { call, queue, tier, step, why } => {
                self.reaches(*call, queue, (*tier, *step), *why, now);
            }
            Output::AgentChanged(view) => self.fold_agent(view, input, now),
            Output::AgentGone { agent } => self.fold_agent_gone(acd, agent),
            Output::QueueGone { queue } => self.fold_queue_gone(acd, queue),
            // Nobody is invited here: tests/invited.rs is about that.
            Output::Invited { .. }
            | Output::Joined { .. }
            | Output::Refused { .. }
            | Output::QueueChanged(_) => {}
        }
    }

    /// A step is open to a call, for a reason that there is.
    fn reaches(
        &mut self,
        id: CallId,
        queue: &QueueId,
        (tier, number): (Option<Tier>, u32),
        why: Opened,
        now: Mono,
    ) {
        if self.reached_anew.contains(&id) {
            let call = self.calls.get_mut(&id).unwrap();
            call.reached = call.reached.max(number as usize);
            call.opens_more = why == Opened::Later;
            return;
        }
        let (seed, call) = (self.seed, &self.calls[&id]);
        let config = self.queue(queue).unwrap();
        let step = &config.steps[call.reached];
        assert_eq!((step.tier, call.reached + 1), (tier, number as usize), "seed {seed}: {id}");
        let is_right = match why {
            Opened::Waited => step
                .opens
                .after_ms
                .is_some_and(|ms| call.entered + Duration::from_millis(ms) <= now),
            Opened::Idle => {
                let agents = self.agents.values();
                let idle = agents.filter(|working| self.is_open_to(working, call, now)).count();
                step.opens.idle.is_some_and(|most| idle <= most as usize)
            }
            Opened::Service => {
                let permille = self.service_permille(config, now);
                let least = step.opens.service_permille.map(u64::from);
                permille.zip(least).is_some_and(|(permille, least)| permille < least)
            }
            // What the estimate was then is not known any more; that nobody was idle is.
            Opened::Estimate => {
                let mut agents = self.agents.values();
                let is_idle = agents.any(|working| self.is_open_to(working, call, now));
                step.opens.estimate_ms.is_some() && (call.opens_more || !is_idle)
            }
            Opened::Later => call.reached + 1 < config.steps.len(),
        };
        assert!(is_right, "seed {seed}: {id} reached {number} by {why:?} at {now:?}: {call:?}");
        let call = self.calls.get_mut(&id).unwrap();
        call.reached += 1;
        call.opens_more = why == Opened::Later;
    }

    fn missed(&mut self, call: CallId, offer: OfferId) {
        if !self.calls.get_mut(&call).unwrap().rings_on_without(offer) {
            let next = self.again(&self.calls[&call]);
            self.move_on(call, Stage::Offered(offer), next);
        }
    }

    fn fold_agent(&mut self, view: &AgentView, input: Option<&Input>, now: Mono) {
        if !self.agents.contains_key(&view.agent) {
            return self.fold_newcomer(view);
        }
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
            // Who waited for a customer in vain has not talked; that was told before.
            let call = self.calls.get_mut(&before.call.unwrap()).unwrap();
            if call.stage == Stage::Talking {
                call.stage = Stage::Over;
            }
        }
        if view.state == AgentState::Acw && before.state != AgentState::Acw {
            let working = &self.agents[&view.agent];
            let queue = working.talked_in.as_ref().and_then(|queue| self.queue(queue));
            let own = (working.config.acw_ms, self.config.acw_limit_ms);
            let rule = queue.and_then(|queue| queue.acw);
            let acw = rule.map_or(own, |rule| (rule.ms, rule.limit_ms));
            self.agents.get_mut(&view.agent).unwrap().acw = acw;
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

    /// An offer that comes to nothing leaves the agent as before.
    pub(super) fn keep_turn(&mut self, agent: &AgentId) {
        let working = self.agents.get_mut(agent).unwrap();
        working.keeps_turn = true;
        working.tally = self.before_offer.remove(agent).unwrap().0;
    }

    /// A call goes to an agent.
    pub(super) fn chosen(
        &mut self,
        acd: &Acd,
        call: CallId,
        queue: &QueueId,
        agent: &AgentId,
        stage: Stage,
        now: Mono,
    ) {
        self.judge_choice(acd, call, agent, now);
        let rings = self.queue(queue).is_some_and(|queue| rings_many(queue.strategy));
        let waiting = self.calls.get_mut(&call).unwrap();
        assert_eq!((&waiting.queue, waiting.stage), (queue, Stage::Waiting), "seed {}", self.seed);
        waiting.stage = stage;
        waiting.agent = Some(agent.clone());
        waiting.preferred = None;
        let last = acd.why(call).filter(|decision| decision.agent == *agent).last().unwrap();
        let rings = rings && waiting.callback.is_none() && last.choice != Choice::Preferred;
        waiting.rings_since = rings.then_some(now);
        self.take_turn(queue, agent, now);
    }

    /// A call that is being offered rings another agent as well.
    fn rings_along(
        &mut self,
        acd: &Acd,
        call: CallId,
        queue: &QueueId,
        agent: &AgentId,
        offer: OfferId,
        now: Mono,
    ) {
        let room = self.room(&self.calls[&call], now);
        assert!(room > 0, "seed {}: {call} rings too many", self.seed);
        self.judge_choice(acd, call, agent, now);
        let waiting = self.calls.get_mut(&call).unwrap();
        assert_eq!(waiting.queue, *queue, "seed {}", self.seed);
        waiting.beside.insert(offer, agent.clone());
        self.take_turn(queue, agent, now);
    }

    /// How many more agents a call may ring.
    fn room(&self, call: &Waiting, now: Mono) -> usize {
        let (Stage::Offered(_), Some(since)) = (call.stage, call.rings_since) else { return 0 };
        if let Some(most) = call.rings_at_most {
            return most.saturating_sub(call.beside.len() + 1);
        }
        let queue = self.queue(&call.queue).unwrap();
        let times = now.ms_since(since) / queue.ring.add_after_ms;
        let more = match queue.strategy {
            Strategy::RingProgressive => u64::from(queue.ring.add) * times,
            _ => 0,
        };
        let may = (u64::from(queue.ring.at_once) + more).min(u64::from(MAX_RINGING));
        usize::try_from(may).unwrap().saturating_sub(call.beside.len() + 1)
    }

    fn take_turn(&mut self, queue: &QueueId, agent: &AgentId, now: Mono) {
        self.offers += 1;
        let tally = &mut self.agents.get_mut(agent).unwrap().tally;
        self.before_offer.insert(agent.clone(), (tally.clone(), now));
        *tally.offers.entry(queue.clone()).or_default() += 1;
        tally.turns.insert(queue.clone(), self.offers);
    }

    pub(super) fn move_on(&mut self, call: CallId, from: Stage, to: Stage) {
        let waiting = self.calls.get_mut(&call).unwrap();
        (waiting.rings_since, waiting.rings_at_most) = (None, None);
        assert_eq!(waiting.stage, from, "seed {}: {call}", self.seed);
        waiting.stage = to;
    }

    /// The call is the best for the agent, and the agent the one whose turn it is.
    fn judge_choice(&self, acd: &Acd, id: CallId, agent: &AgentId, now: Mono) {
        let (call, working) = (&self.calls[&id], &self.agents[agent]);
        let seed = self.seed;
        let rings_along = call.rings_since.is_some();
        let may = match rings_along {
            true => self.may_ring(working, call, now),
            false => self.may_take(working, call, now),
        };
        assert!(
            may,
            "seed {seed}: {agent} may not take {id} at {now:?}: {call:?} {:?}",
            working.view
        );
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
            if rings_along {
                let waits = self.may_take(working, other, now);
                assert!(!waits, "seed {seed}: {agent} rings for {id}, and {other_id} waits");
            } else if other_id != id && self.may_take(working, other, now) {
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
                Strategy::LongestIdle | Strategy::RingAll => 0,
                Strategy::LeastOccupied => tally.occupied_ppm,
                Strategy::SkillFirst | Strategy::RingProgressive => {
                    10 - u64::from(served(&agent.config, &call.queue).level)
                }
                Strategy::RoundRobin => tally.turns.get(&call.queue).copied().unwrap_or(0),
                Strategy::FewestCalls => tally.answered,
            };
            (key, agent.idle_since, id.clone())
        };
        for (other_agent, other) in &self.agents {
            let could = match rings_along {
                true => self.may_ring(other, call, now),
                false => self.may_take(other, call, now),
            };
            if other_agent != agent && could {
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
        self.calls.remove(&call).unwrap();
        if why == NotEnqueued::UnknownQueue {
            let known = self.takes_newcomers(queue);
            assert!(!known, "seed {seed}: {queue} is known");
            return;
        }
        self.refused(queue, why);
    }

    /// Nobody who could take a call now is idle while it waits.
    fn judge_nobody_left(&self, now: Mono) {
        for (agent, working) in &self.agents {
            for (call, waiting) in &self.calls {
                let left = self.may_take(working, waiting, now);
                assert!(!left, "seed {}: {agent} idle, {call} waits at {now:?}", self.seed);
                let left = self.may_ring(working, waiting, now);
                assert!(!left, "seed {}: {agent} idle, {call} rings at {now:?}", self.seed);
            }
        }
    }

    /// A queue's calls without an agent, in order.
    pub(super) fn line(&self, queue: &QueueId) -> Vec<CallId> {
        let mut line: Vec<(i128, CallId)> = self
            .calls
            .iter()
            .filter(|(_, call)| {
                call.queue == *queue && !matches!(call.stage, Stage::Talking | Stage::Over)
            })
            .map(|(&id, call)| {
                let head_start = i128::from(call.head_start_ms) * 1_000_000;
                (i128::from(call.entered.0) - head_start, id)
            })
            .collect();
        line.sort_unstable();
        line.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether an agent could ring along for a call that is being offered.
    fn may_ring(&self, working: &Working, call: &Waiting, now: Mono) -> bool {
        self.room(call, now) > 0 && self.is_open_to(working, call, now)
    }

    fn may_take(&self, working: &Working, call: &Waiting, now: Mono) -> bool {
        call.stage == Stage::Waiting && self.is_open_to(working, call, now)
    }

    fn is_open_to(&self, working: &Working, call: &Waiting, now: Mono) -> bool {
        if !is_free(&working.view) {
            return false;
        }
        let Some(queue) = self.queue(&call.queue) else { return false };
        let opens = |steps: &[TierStep]| {
            let mut steps = steps.iter();
            let of_step = steps.any(|step| step.admits(&working.config, &call.queue));
            of_step && self.holds(&working.config, call.permission)
        };
        let in_force = call.preferred.as_ref().filter(|(_, until)| now < *until);
        let reached = &queue.steps[..call.reached];
        match in_force {
            Some((agent, _)) => *agent == working.view.agent && opens(&queue.steps),
            None => match reached.iter().rposition(|step| step.replaces) {
                Some(first) => opens(&reached[first..]),
                None => opens(reached),
            },
        }
    }

    /// Whether an agent is allowed what a call needs.
    pub(super) fn holds(&self, agent: &AgentConfig, permission: Option<Permission>) -> bool {
        let held = self.config.permissions.get(&agent.tier);
        permission.is_none_or(|needed| held.is_some_and(|held| held.contains(&needed)))
    }

    /// Whether an agent of a step may be.
    pub(super) fn may_hold(&self, step: &TierStep, permission: Option<Permission>) -> bool {
        let mut held = self.config.permissions.iter();
        permission.is_none_or(|needed| {
            held.any(|(tier, held)| {
                step.tier.is_none_or(|of| of == *tier) && held.contains(&needed)
            })
        })
    }

    /// Whether any of a queue's steps opens its calls to an agent.
    pub(super) fn serves(&self, working: &Working, queue: &QueueId) -> bool {
        !working.leaving && is_admitted(&working.config, self.queue(queue).unwrap())
    }

    pub(super) fn queue(&self, queue: &QueueId) -> Option<&QueueConfig> {
        self.config.queues.iter().find(|config| config.queue == *queue)
    }
}

impl Waiting {
    /// One of its offers is over; false if that was the only one.
    fn rings_on_without(&mut self, offer: OfferId) -> bool {
        if self.beside.remove(&offer).is_some() {
            return true;
        }
        let Some((next, agent)) = self.beside.pop_first() else { return false };
        (self.stage, self.agent) = (Stage::Offered(next), Some(agent));
        true
    }
}

fn rings_many(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::RingAll | Strategy::RingProgressive)
}

fn is_free(view: &AgentView) -> bool {
    view.status == AgentStatus::Ready
        && view.state == AgentState::Idle
        && view.phone_reachable
        && view.rests_until.is_none()
}

/// How an agent serves a queue: with the lowest level and share where only a step says so.
fn served(agent: &AgentConfig, queue: &QueueId) -> Served {
    let own = agent.queues.iter().find(|served| served.queue == *queue);
    own.cloned().unwrap_or_else(|| queue.clone().into())
}

/// Whether a step of a queue opens it to an agent at all.
pub(super) fn is_admitted(agent: &AgentConfig, queue: &QueueConfig) -> bool {
    queue.steps.iter().any(|step| step.admits(agent, &queue.queue))
}

impl Working {
    pub(super) fn new(config: &AgentConfig, view: AgentView) -> Self {
        Self {
            config: config.clone(),
            view,
            asks: None,
            idle_since: Mono::default(),
            keeps_turn: false,
            tally: Tally::default(),
            talked_in: None,
            acw: (0, 0),
            leaving: false,
        }
    }
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
