//! The rules of limits, hours and emergencies, and the balance counted a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use acd::{
    Acd, Balance, CallbackBalance, Config, Input, Left, NotEnqueued, Overflow, OverflowCause, Rule,
};
use model::{AgentStatus, CallId, Mono, Permission, QueueId};

use super::callbacks::Request;
use super::reference::{Reference, Stage, Waiting};

/// What is switched, what became of everyone, and where a newcomer has to go.
pub(super) struct Limits {
    pub(super) closed: BTreeSet<QueueId>,
    pub(super) on: BTreeSet<Arc<str>>,
    pub(super) counts: BTreeMap<QueueId, (Balance, CallbackBalance)>,
    /// What the queue to which the newcomer comes must say; `None` once it said so.
    way: Option<Way>,
    /// What the input asks about a callback.
    pub(super) asked: Option<Request>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    In,
    Refused(NotEnqueued),
    Over(OverflowCause, Overflow),
}

impl Limits {
    pub(super) fn new(config: &Config) -> Self {
        let queues = config.queues.iter().map(|queue| (queue.queue.clone(), Default::default()));
        Self { closed: [].into(), on: [].into(), counts: queues.collect(), way: None, asked: None }
    }

    pub(super) fn count(&mut self, queue: &QueueId) -> &mut Balance {
        &mut self.counts.get_mut(queue).unwrap().0
    }

    pub(super) fn count_callbacks(&mut self, queue: &QueueId) -> &mut CallbackBalance {
        &mut self.counts.get_mut(queue).unwrap().1
    }

    pub(super) fn is_open(&self, queue: &QueueId) -> bool {
        !self.closed.contains(queue)
    }
}

impl Reference {
    pub(super) fn expect_switch(&mut self, input: &Input) {
        self.limits.asked = None;
        match input {
            Input::QueueOpen { queue, open: false } => {
                self.limits.closed.insert(queue.clone());
                self.close_callbacks(queue);
            }
            Input::QueueOpen { queue, open: true } => {
                self.limits.closed.remove(queue);
            }
            Input::Emergency { plan, on: true } => {
                let known = self.config.plans.iter().find(|known| known.name == *plan);
                self.limits.on.extend(known.map(|known| known.name.clone()));
            }
            Input::Emergency { plan, on: false } => {
                self.limits.on.remove(plan);
            }
            _ => {}
        }
    }

    pub(super) fn emergency(&self, queue: &QueueId) -> Option<&Rule> {
        let on = self.config.plans.iter().filter(|plan| self.limits.on.contains(&plan.name));
        on.filter_map(|plan| plan.queues.get(queue)).next()
    }

    fn is_unstaffed(&self, queue: &QueueId) -> bool {
        let mut agents = self.agents.values().filter(|agent| self.serves(agent, queue));
        agents.all(|agent| agent.view.status == AgentStatus::SignedOut)
    }

    fn live(&self, queue: &QueueId) -> usize {
        let line = self.line(queue);
        let newcomer = self.newcomer;
        let live = |id: &&CallId| self.calls[id].callback.is_none() && Some(**id) != newcomer;
        line.iter().filter(live).count()
    }

    /// What a queue must say to who comes now.
    fn way(&self, queue: &QueueId, permission: Option<Permission>) -> Option<Way> {
        let config = self.queue(queue).filter(|_| self.takes_newcomers(queue))?;
        let limits = &config.limits;
        if let Some(rule) = self.emergency(queue) {
            return Some(Way::Over(OverflowCause::Emergency, rule.to.clone()));
        }
        if !self.limits.is_open(queue) {
            let rule = limits.closed.as_ref();
            return Some(match rule {
                Some(rule) => Way::Over(OverflowCause::Closed, rule.to.clone()),
                None => Way::Refused(NotEnqueued::Closed),
            });
        }
        if let Some(rule) = limits.unstaffed.as_ref().filter(|_| self.is_unstaffed(queue)) {
            return Some(Way::Over(OverflowCause::Unstaffed, rule.to.clone()));
        }
        if self.live(queue) >= config.max_waiting {
            return Some(match &limits.full {
                Some(to) => Way::Over(OverflowCause::Full, to.clone()),
                None => Way::Refused(NotEnqueued::QueueFull),
            });
        }
        let anyone = config.steps.iter().any(|step| self.may_hold(step, permission));
        Some(if anyone { Way::In } else { Way::Refused(NotEnqueued::NobodyMay) })
    }

    pub(super) fn expect_way(&mut self, queue: &QueueId, permission: Option<Permission>) {
        let way = self.way(queue, permission);
        let before = std::mem::replace(&mut self.limits.way, way);
        assert!(matches!(before, None | Some(Way::In)), "seed {}: {before:?}", self.seed);
        if self.takes_newcomers(queue) {
            self.limits.count(queue).offered += 1;
        }
    }

    pub(super) fn refused(&mut self, queue: &QueueId, why: NotEnqueued) {
        assert_eq!(self.limits.way.take(), Some(Way::Refused(why)), "seed {}", self.seed);
        let count = self.limits.count(queue);
        match why {
            NotEnqueued::Closed => count.closed += 1,
            _ => count.rejected += 1,
        }
    }

    /// A newcomer is sent on, or a call that waits has to go.
    pub(super) fn overflowed(
        &mut self,
        id: CallId,
        queue: &QueueId,
        why: OverflowCause,
        to: &Overflow,
        now: Mono,
    ) {
        let seed = self.seed;
        let told = (why, to.clone());
        if self.newcomer == Some(id) {
            let way = self.limits.way.take();
            assert_eq!(way, Some(Way::Over(why, to.clone())), "seed {seed}: {id} at {queue}");
        } else {
            assert_eq!(self.calls[&id].stage, Stage::Waiting, "seed {seed}: {id}");
            assert_eq!(self.must_go(id, now), Some(told), "seed {seed}: {id} from {queue}");
        }
        if why == OverflowCause::TimedOut {
            self.serves_caller(id, false, now);
        }
        let count = self.limits.count(queue);
        match why {
            OverflowCause::Closed => count.closed += 1,
            OverflowCause::TimedOut => count.timed_out += 1,
            _ => count.overflowed += 1,
        }
        let call = self.calls[&id].clone();
        assert_eq!(call.queue, *queue, "seed {seed}: {id}");
        let Overflow::Queue(next) = to else {
            self.calls.get_mut(&id).unwrap().stage = Stage::Over;
            self.newcomer = None;
            return;
        };
        // Not in line while it is decided whether it may be.
        self.newcomer = Some(id);
        self.reached_anew.remove(&id);
        let entry = self.entry(next, call.permission, call.entered, call.own_head_start_ms, now);
        self.calls.insert(id, entry);
        self.expect_way(next, call.permission);
    }

    /// Where a call that waits has to go.
    fn must_go(&self, id: CallId, now: Mono) -> Option<(OverflowCause, Overflow)> {
        let call = &self.calls[&id];
        let limits = &self.queue(&call.queue)?.limits;
        let rules = [
            (OverflowCause::Emergency, self.emergency(&call.queue), true),
            (OverflowCause::Closed, limits.closed.as_ref(), !self.limits.is_open(&call.queue)),
            (OverflowCause::Unstaffed, limits.unstaffed.as_ref(), self.is_unstaffed(&call.queue)),
        ];
        for (why, rule, in_force) in rules {
            if let Some(rule) = rule.filter(|rule| in_force && rule.waiting_too) {
                return Some((why, rule.to.clone()));
            }
        }
        let wait = limits.wait.as_ref()?;
        let over = call.joined + Duration::from_millis(wait.ms) <= now;
        over.then(|| (OverflowCause::TimedOut, wait.to.clone()))
    }

    pub(super) fn count_left(&mut self, id: CallId, input: Option<&Input>, now: Mono) {
        let call = &self.calls[&id];
        let (queue, waited_ms) = (call.queue.clone(), now.ms_since(call.entered));
        let short_ms = self.queue(&queue).unwrap().limits.short_ms;
        let gave_up = !matches!(input, Some(Input::Leave { .. }));
        if gave_up && waited_ms >= short_ms {
            self.serves_caller(id, false, now);
        }
        let count = self.limits.count(&queue);
        match input {
            Some(Input::Leave { why: Left::Elsewhere, .. }) => count.overflowed += 1,
            Some(Input::Leave { why: Left::Error, .. }) => count.error += 1,
            Some(Input::Leave { why: Left::EngineLost, .. }) => count.engine_lost += 1,
            _ if waited_ms < short_ms => count.short_abandoned += 1,
            _ => count.abandoned += 1,
        }
    }

    /// Nobody is where they may not be.
    pub(super) fn judge_limits(&mut self, acd: &Acd, now: Mono) {
        let seed = self.seed;
        let way = self.limits.way.take();
        assert!(matches!(way, None | Some(Way::In)), "seed {seed}: {way:?} did not happen");
        self.judge_who_stays(now);
        self.judge_callbacks(now);
        for queue in &self.config.queues {
            for permission in [None, Some(Permission::ClaimSettle)] {
                let told = acd.takes(&queue.queue, permission);
                assert_eq!(told, self.takes(&queue.queue, permission), "seed {seed}");
            }
        }
    }

    /// Who has to go has gone, unless another queue would have refused them within the time after
    /// which it is asked again.
    fn judge_who_stays(&mut self, now: Mono) {
        let seed = self.seed;
        let waiting = |call: &Waiting| {
            matches!(call.stage, Stage::Waiting | Stage::Offered(_)) && call.callback.is_none()
        };
        let waiting = self.calls.iter().filter(|(_, call)| waiting(call));
        let ids: Vec<CallId> = waiting.map(|(id, _)| *id).collect();
        // Who was taken at once may have filled a queue for as long as it was asked for room.
        let somebody_came = self.calls.values().any(|call| call.joined == now);
        for id in ids {
            let Some((why, to)) = self.must_go(id, now) else { continue };
            let call = &self.calls[&id];
            let late = [OverflowCause::TimedOut, OverflowCause::Unstaffed].contains(&why);
            let is_refused = match &to {
                Overflow::Queue(next) => self.takes(next, call.permission).is_err(),
                Overflow::Number(_)
                | Overflow::Announcement(_)
                | Overflow::Mailbox(_)
                | Overflow::Callback => false,
            };
            if call.stage != Stage::Waiting {
                // It is asked for when the offer is missed.
                self.calls.get_mut(&id).unwrap().was_refused = is_refused;
                continue;
            }
            // Room may have come only after it was asked for, or have gone before, at this moment.
            let maybe = is_refused || call.was_refused || somebody_came;
            let refused_at = match (&to, call.refused_at) {
                (Overflow::Queue(_), None) => Some(now),
                (Overflow::Queue(_), Some(_)) if maybe => Some(now),
                (_, at) => at,
            };
            let again = refused_at.is_some_and(|at| now < at + Duration::from_secs(30));
            assert!(late && again, "seed {seed}: {id} {call:?} at {now:?}");
            let call = self.calls.get_mut(&id).unwrap();
            (call.refused_at, call.was_refused) = (refused_at, is_refused);
        }
    }

    fn takes(&self, queue: &QueueId, needs: Option<Permission>) -> Result<(), NotEnqueued> {
        match self.way(queue, needs) {
            Some(Way::Refused(why)) => Err(why),
            Some(Way::Over(_, Overflow::Queue(next))) => self.takes(&next, needs),
            Some(Way::In | Way::Over(..)) => Ok(()),
            None => Err(NotEnqueued::UnknownQueue),
        }
    }

    /// What the room counts is what was counted here, and it adds up.
    pub(super) fn judge_balance(&self, acd: &Acd, queue: &QueueId) {
        let seed = self.seed;
        let line = self.line(queue);
        let callbacks = line.iter().filter(|id| self.calls[id].callback.is_some()).count();
        let (mut balance, mut called) = self.limits.counts[queue];
        balance.waiting = (line.len() - callbacks) as u64;
        called.waiting = callbacks as u64;
        assert_eq!(acd.balance(queue), Some(balance), "seed {seed}: {queue}");
        assert_eq!(acd.callback_balance(queue), Some(called), "seed {seed}: {queue}");
        let callbacks = called.residual_since(&CallbackBalance::default());
        let residuals = (balance.residual_since(&Balance::default()), callbacks);
        assert_eq!(residuals, (0, 0), "seed {seed}: {queue} {balance:?} {called:?}");
    }
}
