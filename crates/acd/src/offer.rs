//! From the offer to an agent's ear: offered, answered or missed, ended.

use std::time::Duration;

use model::{AgentStatus, CallId, MissedCause, Mono, NotReadyReason, OfferId};

use crate::agent::{Activity, AgentIndex};
use crate::balance::Left;
use crate::call::{Call, Preference, Progress};
use crate::callback::{Callback, First};
use crate::timer::Timer;
use crate::view::MissedCounts;
use crate::why::Choice;
use crate::{Acd, AcwRule, Output, Withdrawal};

/// An offer that is not yet answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offered {
    call: Call,
    agent: AgentIndex,
}

impl Acd {
    /// Reserves an agent for a call, which waits for one agent alone no longer.
    pub(crate) fn offer(&mut self, id: CallId, at: AgentIndex, choice: Choice) {
        let offer = OfferId(self.ids.mint());
        let Some(before) = self.calls.get(&id).copied() else { return };
        let is_preferred = choice == Choice::Preferred;
        let seq = self.keep(offer, &before, at, choice);
        self.unwait(&before);
        if let Some(Preference { until, .. }) = before.preference {
            self.timers.cancel(until, Timer::Preference(id));
        }
        match before.callback {
            Some(Callback { first: First::Customer, .. }) => self.dial(&before, at, offer),
            Some(Callback { first: First::Agent, .. }) | None => {
                self.reserve_for(&before, at, offer);
                self.begin_ring(&before, is_preferred);
                self.tell_offer(&before, at, offer);
            }
        }
        let now = self.now;
        self.change(at, |agent| {
            agent.reserve(id, offer, now);
            agent.take_turn(before.queue, seq);
        });
    }

    /// A call is being offered to an agent, who has so long to be rung.
    pub(crate) fn reserve_for(&mut self, call: &Call, agent: AgentIndex, offer: OfferId) {
        let id = call.place.call;
        let deadline = self.now + Duration::from_millis(self.reserve_timeout_ms);
        let progress = Progress::Offered { offer, agent, deadline };
        self.calls.insert(id, Call { progress, preference: None, ..*call });
        self.queue_mut(call.queue).set_offered(true);
        self.offers.insert(offer, id);
        self.timers.set(deadline, Timer::Offer(offer));
    }

    pub(crate) fn offer_ringing(&mut self, offer: OfferId) {
        let Some(Offered { call, agent }) = self.open_offer(offer) else { return };
        match self.agent_at(agent).activity {
            Activity::Reserved { .. } => {}
            Activity::Idle
            | Activity::Ringing { .. }
            | Activity::Talking { .. }
            | Activity::Acw { .. } => return,
        }
        let deadline = self.now + Duration::from_millis(self.ring_timeout_ms);
        self.set_offer_deadline(call, offer, deadline);
        let call = call.place.call;
        self.change(agent, |agent| agent.activity = Activity::Ringing { call, offer });
    }

    pub(crate) fn offer_answered(&mut self, offer: OfferId) {
        let Some(id) = self.offers.get(&offer).copied() else { return };
        let freed = self.ring_alone(id, offer, Withdrawal::AnsweredElsewhere);
        let Some(Offered { call, agent }) = self.close_offer(offer) else { return };
        match call.callback {
            Some(_) => self.dial_for(&call, agent, offer),
            None => self.connected(&call, agent, offer),
        }
        self.let_all_go(&freed, call.queue);
    }

    /// A call that is in its line alone has an agent.
    pub(crate) fn connected(&mut self, call: &Call, agent: AgentIndex, offer: OfferId) {
        let id = call.place.call;
        self.leave_queue(call);
        let waited_ms = self.now.ms_since(call.entered);
        let queue = &mut self.queues[call.queue as usize];
        queue.balance.answered += 1;
        queue.count_served(self.now, true, waited_ms);
        let (progress, limit_at) = (Progress::Talking { agent }, None);
        self.calls.insert(id, Call { progress, limit_at, next_step_at: None, ..*call });
        self.outputs.push_back(Output::Connected {
            offer,
            call: id,
            queue: self.queues[call.queue as usize].id.clone(),
            agent: self.agent_at(agent).id.clone(),
            waited_ms,
        });
        self.change(agent, |agent| {
            agent.activity = Activity::Talking { call: id };
            agent.missed_in_row = MissedCounts::default();
            agent.work.calls += 1;
        });
    }

    pub(crate) fn offer_timed_out(&mut self, offer: OfferId) {
        let Some(Offered { call, agent }) = self.open_offer(offer) else { return };
        let (why, cause) = match self.agent_at(agent).activity {
            Activity::Ringing { .. } => (Withdrawal::RangOut, MissedCause::NoAnswer),
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Talking { .. }
            | Activity::Acw { .. } => (Withdrawal::NeverRang, MissedCause::Error),
        };
        self.withdrawn(offer, &call, agent, why);
        self.offer_missed(offer, cause);
    }

    /// The agent has a reason not to be offered the next call, and the call its old place again,
    /// unless it rings others.
    pub(crate) fn offer_missed(&mut self, offer: OfferId, cause: MissedCause) {
        let Some(Offered { call, agent }) = self.open_offer(offer) else { return };
        let rings_on = self.drop_offer(&call, offer).is_some();
        if !rings_on {
            self.close_offer(offer);
        }
        let id = call.place.call;
        self.outputs.push_back(Output::Missed {
            offer,
            call: id,
            agent: self.agent_at(agent).id.clone(),
            cause,
        });
        self.miss_by(agent, cause);
        if rings_on {
            return;
        }
        let call = Call { progress: Progress::Waiting, ..call };
        self.calls.insert(id, call);
        self.queue_mut(call.queue);
        self.wait(&call);
        if call.callback.is_some() && !self.queues[call.queue as usize].open {
            self.rest_till_opening(&call);
        }
        self.opened.insert(call.place);
        self.returned.insert(id);
    }

    /// An agent missed an offer, whoever made it: the rule for the cause says what that means.
    pub(crate) fn miss_by(&mut self, at: AgentIndex, cause: MissedCause) {
        let (now, reason, rule) = (self.now, reason_of(cause), self.missed.of(cause));
        self.change(at, |agent| {
            agent.missed.count(cause);
            agent.missed_in_row.count(cause);
            if agent.missed_in_row.of(cause) >= rule.limit {
                // What the agent chose meanwhile goes before what the engine would set.
                agent.next_status.get_or_insert(AgentStatus::NotReady { reason });
            } else {
                agent.rests_until = Some(now + Duration::from_millis(rule.rest_ms));
            }
            agent.finish(now);
        });
        self.start_rest(at);
    }

    pub(crate) fn dequeue(&mut self, id: CallId, why: Left) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        match call.progress {
            Progress::Talking { .. } => return,
            // Who is to be called back has hung up, or may do so.
            _ if call.callback.is_some() => return,
            Progress::Waiting => self.queue_mut(call.queue).pace.leave(),
            Progress::Offered { .. } | Progress::Dialing { .. } | Progress::Resting { .. } => {}
        }
        let mut freed = self.stop_others(&call);
        freed.extend(self.stop_progress(&call));
        self.leave_queue(&call);
        self.calls.remove(&id);
        let waited_ms = self.now.ms_since(call.entered);
        let queue = &mut self.queues[call.queue as usize];
        queue.balance.count_left(why, waited_ms, queue.limits.short_ms);
        if why == Left::Abandoned && waited_ms >= queue.limits.short_ms {
            queue.count_served(self.now, false, waited_ms);
        }
        let queue = queue.id.clone();
        self.outputs.push_back(Output::Dequeued { call: id, queue, waited_ms });
        match freed[..] {
            [] => {}
            [agent] => self.let_go(agent, call.queue),
            _ => self.let_all_go(&freed, call.queue),
        }
    }

    /// Ends all offers but the one that a call's progress names.
    fn stop_others(&mut self, call: &Call) -> Vec<AgentIndex> {
        match call.progress {
            Progress::Offered { offer, .. } => {
                self.ring_alone(call.place.call, offer, Withdrawal::CallerLeft)
            }
            Progress::Waiting
            | Progress::Dialing { .. }
            | Progress::Resting { .. }
            | Progress::Talking { .. } => Vec::new(),
        }
    }

    pub(crate) fn call_ended(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        match call.progress {
            Progress::Dialing { .. } => self.customer_missed(id, MissedCause::Error),
            Progress::Waiting | Progress::Offered { .. } | Progress::Resting { .. } => {
                self.dequeue(id, Left::Abandoned);
            }
            Progress::Talking { agent } => {
                self.calls.remove(&id);
                self.work_after(agent, id, Some(call.queue));
            }
        }
    }

    /// After-call work, by the rule of the queue that the call came from, else by the agent's own.
    pub(crate) fn work_after(&mut self, at: AgentIndex, call: CallId, queue: Option<u32>) {
        let own = AcwRule { ms: self.agent_at(at).acw_ms, limit_ms: self.acw_limit_ms };
        let of_queue = queue.and_then(|queue| self.queues[queue as usize].acw);
        let rule = of_queue.unwrap_or(own);
        match rule.ms {
            0 => self.finish_acw(at),
            _ => self.start_acw(at, call, rule),
        }
    }

    fn open_offer(&self, offer: OfferId) -> Option<Offered> {
        let call = self.calls.get(self.offers.get(&offer)?)?;
        match call.progress {
            Progress::Offered { offer: lead, agent, .. } if lead == offer => {
                Some(Offered { call: *call, agent })
            }
            Progress::Offered { .. } => {
                let agent = self.open_beside(call, offer)?.agent;
                Some(Offered { call: *call, agent })
            }
            Progress::Waiting
            | Progress::Dialing { .. }
            | Progress::Resting { .. }
            | Progress::Talking { .. } => None,
        }
    }

    /// Ends the only offer of a call, whatever comes of it; `None` if it is over already.
    pub(crate) fn close_offer(&mut self, offer: OfferId) -> Option<Offered> {
        let offered = self.open_offer(offer)?;
        if let Progress::Offered { deadline, .. } = offered.call.progress {
            self.timers.cancel(deadline, Timer::Offer(offer));
        }
        self.offers.remove(&offer);
        self.end_ring(&offered.call);
        self.queue_mut(offered.call.queue).set_offered(false);
        Some(offered)
    }

    fn set_offer_deadline(&mut self, call: Call, which: OfferId, later: Mono) {
        match call.progress {
            Progress::Offered { offer, agent, deadline } if offer == which => {
                self.timers.cancel(deadline, Timer::Offer(offer));
                self.timers.set(later, Timer::Offer(offer));
                let progress = Progress::Offered { offer, agent, deadline: later };
                self.calls.insert(call.place.call, Call { progress, ..call });
            }
            _ => self.set_deadline_beside(call.place.call, which, later),
        }
    }

    pub(crate) fn withdrawn(
        &mut self,
        offer: OfferId,
        call: &Call,
        agent: AgentIndex,
        why: Withdrawal,
    ) {
        let (call, agent) = (call.place.call, self.agent_at(agent).id.clone());
        self.outputs.push_back(Output::OfferWithdrawn { offer, call, agent, why });
    }

    /// A call is in line no longer.
    pub(crate) fn leave_queue(&mut self, call: &Call) {
        if let Some(at) = call.next_step_at {
            self.timers.cancel(at, Timer::Tier(call.place.call));
        }
        if let Some(Preference { until, .. }) = call.preference {
            self.timers.cancel(until, Timer::Preference(call.place.call));
        }
        if let Some(at) = call.limit_at {
            self.timers.cancel(at, Timer::Limit(call.place.call));
        }
        self.queue_mut(call.queue).leave(call);
    }
}

const fn reason_of(cause: MissedCause) -> NotReadyReason {
    match cause {
        MissedCause::NoAnswer => NotReadyReason::NoAnswer,
        MissedCause::Rejected => NotReadyReason::Rejected,
        MissedCause::Busy => NotReadyReason::Busy,
        MissedCause::Unreachable => NotReadyReason::Unreachable,
        MissedCause::Error => NotReadyReason::Error,
    }
}
