//! Who may join a queue, who may stay, and who goes elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use model::{CallId, Mono, Permission, QueueId};

use crate::call::{Call, Progress};
use crate::limits::{Overflow, OverflowCause, Rule};
use crate::timer::Timer;
use crate::{Acd, NotEnqueued, NotServed, Output};

/// How long a call stays that has to go and finds no room, until that is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A call that comes to a queue, from outside or from another queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newcomer {
    pub(crate) call: CallId,
    pub(crate) permission: Option<Permission>,
    pub(crate) entered: Mono,
    /// Its own, without that of a queue.
    pub(crate) head_start_ms: u64,
    /// It is offered to one agent at a time, whatever its queue's strategy.
    pub(crate) singly: bool,
    /// How many steps of the same queue it has reached already.
    pub(crate) reached: usize,
}

impl Newcomer {
    /// A call that is offered as its queue's strategy says.
    pub(crate) const fn new(
        call: CallId,
        permission: Option<Permission>,
        entered: Mono,
        head_start_ms: u64,
    ) -> Self {
        Self { call, permission, entered, head_start_ms, singly: false, reached: 0 }
    }
}

/// What a queue says to who comes.
enum Gate {
    Open,
    Refused(NotEnqueued),
    Over(OverflowCause, Overflow),
}

impl Acd {
    /// Whether a queue takes a call that nobody else has, or sends it elsewhere, and if neither why
    /// not.
    ///
    /// # Errors
    /// What [`Output::NotEnqueued`] would say.
    pub fn takes(&self, queue: &QueueId, needs: Option<Permission>) -> Result<(), NotEnqueued> {
        match self.serves(queue, needs) {
            Ok(()) | Err(NotServed::SentAway(_)) => Ok(()),
            Err(NotServed::Refused(why)) => Err(why),
        }
    }

    /// Whether a call that comes to a queue now waits in it, or in another one that it is sent on
    /// to: what is asked before somebody who is being served is sent there.
    ///
    /// # Errors
    /// Nobody would serve the call, and why.
    pub fn serves(&self, queue: &QueueId, needs: Option<Permission>) -> Result<(), NotServed> {
        let unknown = NotServed::Refused(NotEnqueued::UnknownQueue);
        self.serves_at(self.open_index(queue).ok_or(unknown)?, needs)
    }

    fn serves_at(&self, first: u32, needs: Option<Permission>) -> Result<(), NotServed> {
        let mut at = first;
        loop {
            match self.gate(at, needs) {
                Gate::Open => return Ok(()),
                Gate::Refused(why) => return Err(NotServed::Refused(why)),
                Gate::Over(why, to) => match self.next_queue(&to) {
                    Some(next) => at = next,
                    None => return Err(NotServed::SentAway(why)),
                },
            }
        }
    }

    /// Finds the queue that takes a call, going from one to the next (never in a circle: the
    /// configuration has none). `None` once the call went elsewhere, or was refused; both are told.
    pub(crate) fn admit(&mut self, newcomer: &Newcomer, first: u32) -> Option<u32> {
        let mut at = first;
        loop {
            self.note_queue(at);
            self.queues[at as usize].balance.offered += 1;
            match self.gate(at, newcomer.permission) {
                Gate::Open => return Some(at),
                Gate::Refused(why) => {
                    let queue = &mut self.queues[at as usize];
                    match why {
                        NotEnqueued::Closed => queue.balance.closed += 1,
                        NotEnqueued::UnknownQueue
                        | NotEnqueued::AlreadyKnown
                        | NotEnqueued::QueueFull
                        | NotEnqueued::NobodyMay => queue.balance.rejected += 1,
                    }
                    let queue = queue.id.clone();
                    let call = newcomer.call;
                    self.outputs.push_back(Output::NotEnqueued { call, queue, why });
                    return None;
                }
                Gate::Over(why, to) => at = self.send(newcomer, at, why, to)?,
            }
        }
    }

    fn gate(&self, at: u32, permission: Option<Permission>) -> Gate {
        let queue = &self.queues[at as usize];
        if let Some(rule) = &queue.emergency {
            return Gate::Over(OverflowCause::Emergency, rule.to.clone());
        }
        if !queue.open {
            return match &queue.limits.closed {
                Some(rule) => Gate::Over(OverflowCause::Closed, rule.to.clone()),
                None => Gate::Refused(NotEnqueued::Closed),
            };
        }
        if let Some(rule) = &queue.limits.unstaffed
            && queue.is_unstaffed()
        {
            return Gate::Over(OverflowCause::Unstaffed, rule.to.clone());
        }
        if queue.is_full() {
            return match &queue.limits.full {
                Some(to) => Gate::Over(OverflowCause::Full, to.clone()),
                None => Gate::Refused(NotEnqueued::QueueFull),
            };
        }
        match queue.anyone_may(permission) {
            true => Gate::Open,
            false => Gate::Refused(NotEnqueued::NobodyMay),
        }
    }

    fn next_queue(&self, to: &Overflow) -> Option<u32> {
        match to {
            Overflow::Queue(queue) => self.open_index(queue),
            Overflow::Number(_)
            | Overflow::Announcement(_)
            | Overflow::Mailbox(_)
            | Overflow::Callback => None,
        }
    }

    /// Counts and tells that a call goes elsewhere; the queue, if it is one.
    fn send(
        &mut self,
        newcomer: &Newcomer,
        from: u32,
        why: OverflowCause,
        to: Overflow,
    ) -> Option<u32> {
        let next = self.next_queue(&to);
        let queue = &mut self.queues[from as usize];
        queue.balance.count_overflow(why);
        let waited_ms = self.now.ms_since(newcomer.entered);
        if why == OverflowCause::TimedOut {
            queue.count_served(self.now, false, waited_ms);
        }
        self.outputs.push_back(Output::Overflowed {
            call: newcomer.call,
            queue: queue.id.clone(),
            why,
            to,
            entered: newcomer.entered,
            waited_ms,
        });
        next
    }

    /// Whether, and for what, a call that waits has to go.
    fn must_go(&self, call: &Call) -> Option<(OverflowCause, Overflow)> {
        let queue = &self.queues[call.queue as usize];
        let limits = &queue.limits;
        let too = |rule: &Option<Rule>, why| {
            let rule = rule.as_ref().filter(|rule| rule.waiting_too)?;
            Some((why, rule.to.clone()))
        };
        let emergency = too(&queue.emergency, OverflowCause::Emergency);
        let closed = || too(&limits.closed, OverflowCause::Closed).filter(|_| !queue.open);
        let unstaffed =
            || too(&limits.unstaffed, OverflowCause::Unstaffed).filter(|_| queue.is_unstaffed());
        let timed_out = || {
            let wait = limits.wait.as_ref()?;
            let over = call.joined + Duration::from_millis(wait.ms) <= self.now;
            over.then(|| (OverflowCause::TimedOut, wait.to.clone()))
        };
        // Nobody had room for it a moment ago.
        let is_kept = call.kept && call.limit_at.is_some_and(|at| at > self.now);
        let late = || unstaffed().or_else(timed_out).filter(|_| !is_kept);
        emergency.or_else(closed).or_else(late)
    }

    /// Whether a call is better off where it waits: the queue to which it has to go would refuse
    /// it, and it is not closed out of the one that it is in.
    fn stays(&self, call: &Call, why: OverflowCause, to: &Overflow) -> bool {
        match why {
            OverflowCause::Unstaffed | OverflowCause::TimedOut => {
                let next = self.next_queue(to);
                let told = next.map(|next| self.serves_at(next, call.permission));
                matches!(told, Some(Err(NotServed::Refused(_))))
            }
            OverflowCause::Emergency | OverflowCause::Closed | OverflowCause::Full => false,
        }
    }

    /// A call that had to go stays, until that is looked at again.
    fn let_stay(&mut self, call: &Call) {
        let id = call.place.call;
        if let Some(at) = call.limit_at {
            self.timers.cancel(at, Timer::Limit(id));
        }
        let again = self.now + LOOK_AGAIN;
        let at = self.time_limit(call).map_or(again, |limit| limit.min(again));
        self.timers.set(at, Timer::Limit(id));
        self.calls.insert(id, Call { limit_at: Some(at), kept: true, ..*call });
    }

    /// A call that need not go any more has to when its longest time is over, as from the start.
    fn limit_anew(&mut self, call: &Call) {
        let Some(at) = self.time_limit(call).filter(|_| call.limit_at.is_none()) else { return };
        self.timers.set(at, Timer::Limit(call.place.call));
        self.calls.insert(call.place.call, Call { limit_at: Some(at), kept: false, ..*call });
    }

    /// When a call's longest time in its queue will be over; `None` if that is past, or there is
    /// none.
    fn time_limit(&self, call: &Call) -> Option<Mono> {
        let wait = self.queues[call.queue as usize].limits.wait.as_ref()?;
        Some(call.joined + Duration::from_millis(wait.ms)).filter(|at| *at > self.now)
    }

    /// A call that waits goes elsewhere if it has to, and is not refused there. It is offered with
    /// the others whom agents may take anew, if that is another queue.
    pub(crate) fn send_away(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        match call.progress {
            Progress::Waiting | Progress::Resting { .. } => {}
            Progress::Offered { .. } | Progress::Dialing { .. } | Progress::Talking { .. } => {
                return;
            }
        }
        if call.callback.is_some() {
            return self.expire_callback(&call);
        }
        let Some((why, to)) = self.must_go(&call) else { return self.limit_anew(&call) };
        if self.stays(&call, why, &to) {
            return self.let_stay(&call);
        }
        self.unwait(&call);
        self.leave_queue(&call);
        self.calls.remove(&id);
        let Call { permission, entered, head_start_ms, singly, .. } = call;
        let newcomer = Newcomer { singly, ..Newcomer::new(id, permission, entered, head_start_ms) };
        let next = self.send(&newcomer, call.queue, why, to);
        if let Some(queue) = next.and_then(|next| self.admit(&newcomer, next)) {
            self.join_queue(&newcomer, queue, None);
            self.opened.extend(self.calls.get(&id).map(|call| call.place));
        }
    }

    /// The longest time is over; a call that is being offered goes only if the offer is missed.
    pub(crate) fn limit_reached(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.limit_at = None;
        }
        self.returned.insert(id);
    }

    /// Sends away who has to go: of those whose time is over or whose offer was missed, by id, and
    /// of the queues where a rule came into force, by name, in the order of their lines.
    pub(crate) fn sweep(&mut self) {
        while let Some(call) = self.returned.pop_first() {
            self.send_away(call);
        }
        while !self.swept.is_empty() {
            let mut swept: Vec<u32> = std::mem::take(&mut self.swept).into_iter().collect();
            swept.sort_by(|one, other| self.queue_name(*one).cmp(self.queue_name(*other)));
            for queue in swept {
                let line: Vec<CallId> = self.queues[queue as usize].calls().collect();
                for call in line {
                    self.send_away(call);
                }
            }
        }
    }

    /// The hours of a queue begin or end.
    pub(crate) fn queue_open(&mut self, queue: &QueueId, open: bool) {
        let Some(at) = self.queue_index(queue) else { return };
        if self.queues[at as usize].open == open {
            return;
        }
        self.queue_mut(at).open = open;
        match open {
            true => self.wake_callbacks(at),
            false => self.rest_callbacks(at),
        }
        self.swept.insert(at);
    }

    /// An emergency plan is put on or off.
    pub(crate) fn emergency(&mut self, name: &str, on: bool) {
        let Some(plan) = self.plans.iter().position(|(plan, _)| *plan.name == *name) else {
            return;
        };
        self.plans[plan].1 = on;
        if let Some(journal) = &mut self.journal {
            journal.plans = true;
        }
        self.apply_plans();
    }

    /// The plans that are on, by name.
    pub(crate) fn plans_on(&self) -> BTreeSet<Arc<str>> {
        let on = self.plans.iter().filter(|(_, on)| *on);
        on.map(|(plan, _)| plan.name.clone()).collect()
    }

    /// Puts the rules of the plans that are on into force, and no others.
    pub(crate) fn apply_plans(&mut self) {
        for at in 0..self.queues.len() {
            let id = &self.queues[at].id;
            let on = self.plans.iter().filter(|(_, on)| *on);
            let rule = on.filter_map(|(plan, _)| plan.queues.get(id)).next().cloned();
            if self.queues[at].emergency != rule {
                self.queues[at].emergency = rule;
                let at = u32::try_from(at).unwrap_or(u32::MAX);
                self.changed_queues.insert(at);
                self.swept.insert(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{AgentStatus, IdSource, NotReadyReason, Tier};

    use super::*;
    use crate::agent::AgentIndex;
    use crate::{AgentConfig, Config, Limits, QueueConfig, TierStep};

    /// Two agents of one queue that has such a rule for when nobody is signed in.
    fn room(unstaffed: Option<Rule>) -> Acd {
        let tier = Tier { level: 1 };
        let steps = vec![TierStep::new(tier, 0)];
        let limits = Limits { unstaffed, ..Limits::default() };
        let queues = vec![QueueConfig { limits, ..QueueConfig::new("a".into(), steps) }];
        let agent = |id: &str| AgentConfig::new(id.into(), tier, vec![a()], 0);
        let agents = vec![agent("8001"), agent("8002")];
        let config = Config { queues, agents, ..Config::default() };
        let mut acd = Acd::new(&config, IdSource::new(1, 1)).unwrap();
        for at in 0..2 {
            let reason = NotReadyReason::Break;
            acd.change(AgentIndex::at_start(at), |agent| {
                agent.status = AgentStatus::NotReady { reason }
            });
        }
        acd
    }

    fn a() -> crate::Served {
        QueueId::from("a").into()
    }

    fn signs_out(acd: &mut Acd, at: u32) -> usize {
        acd.change(AgentIndex::at_start(at), |agent| agent.status = AgentStatus::SignedOut);
        std::mem::take(&mut acd.swept).len()
    }

    #[test]
    fn who_signs_out_has_no_line_looked_at_from_which_nobody_has_to_go() {
        let to = Overflow::Announcement("no_agents".into());
        let mut strict = room(Some(Rule { to: to.clone(), waiting_too: true }));
        assert_eq!(signs_out(&mut strict, 0), 0, "a colleague is there");
        assert_eq!(signs_out(&mut strict, 1), 1, "the last one");
        for unstaffed in [None, Some(Rule { to, waiting_too: false })] {
            let mut lenient = room(unstaffed);
            assert_eq!((signs_out(&mut lenient, 0), signs_out(&mut lenient, 1)), (0, 0));
        }
    }
}
