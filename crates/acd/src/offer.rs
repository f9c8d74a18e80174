//! From the queue to an agent's ear: enqueued, offered, answered or missed, ended.

use std::time::Duration;

use model::{AgentStatus, CallId, MissedCause, Mono, NotReadyReason, OfferId, Permission, QueueId};

use crate::agent::{Activity, AgentIndex};
use crate::call::{Call, Place, Progress};
use crate::config::MAX_HEAD_START_MS;
use crate::timer::Timer;
use crate::{Acd, NotEnqueued, Output, Withdrawal};

/// An offer that is not yet answered.
#[derive(Debug, Clone, Copy)]
struct Offered {
    call: Call,
    agent: AgentIndex,
}

impl Acd {
    pub(crate) fn enqueue(
        &mut self,
        call: CallId,
        queue: QueueId,
        permission: Option<Permission>,
        entered: Mono,
        head_start_ms: u64,
    ) {
        if self.calls.contains_key(&call) {
            return self.not_enqueued(call, queue, NotEnqueued::AlreadyKnown);
        }
        if let Err(why) = self.takes(&queue, permission) {
            return self.not_enqueued(call, queue, why);
        }
        let Some(at) = self.queue_index(&queue) else { return };
        let known = &self.queues[at as usize];
        let entered = entered.min(self.now);
        let head_start_ms =
            known.head_start_ms.saturating_add(head_start_ms).min(MAX_HEAD_START_MS);
        let waiting = Call {
            queue: at,
            place: Place::new(call, entered, head_start_ms),
            entered,
            permission,
            reached: 0,
            next_step_at: None,
            progress: Progress::Waiting,
        };
        self.calls.insert(call, waiting);
        self.queue_mut(at).join(&waiting);
        self.open_tiers(call);
        self.serve_call(call);
    }

    fn not_enqueued(&mut self, call: CallId, queue: QueueId, why: NotEnqueued) {
        self.outputs.push_back(Output::NotEnqueued { call, queue, why });
    }

    /// Calls reach their next tiers at `due`: all of them before any is offered, the best one
    /// first, so that none gets an agent whom a better one may have from the same moment on.
    pub(crate) fn reach_tiers(&mut self, first: CallId, due: Mono) {
        let mut reaching = vec![first];
        while let Some(call) = self.timers.pop_tier(due) {
            reaching.push(call);
        }
        for call in &reaching {
            self.open_tiers(*call);
        }
        reaching.sort_by_key(|call| self.calls.get(call).map(|call| call.place));
        for call in reaching {
            self.serve_call(call);
        }
    }

    /// Opens a call to the tiers whose time has come, and sets the time of the next one.
    fn open_tiers(&mut self, id: CallId) {
        let Some(mut call) = self.calls.get(&id).copied() else { return };
        let waits = call.progress == Progress::Waiting;
        let queue = &mut self.queues[call.queue as usize];
        if waits {
            queue.unwait(&call);
        }
        call.next_step_at = None;
        while let Some(step) = queue.steps.get(call.reached) {
            let at = call.entered + Duration::from_millis(step.after_ms);
            if at > self.now {
                call.next_step_at = Some(at);
                self.timers.set(at, Timer::Tier(id));
                break;
            }
            call.reached += 1;
            // A tier that takes calls from the start is not reached, it is there.
            if step.after_ms > 0 {
                let (queue, tier) = (queue.id.clone(), step.tier);
                self.outputs.push_back(Output::TierReached { call: id, queue, tier });
            }
        }
        if waits {
            queue.wait(&call);
        }
        self.calls.insert(id, call);
    }

    /// Offers a waiting call to the longest idle agent who may take it, if there is one.
    fn serve_call(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.progress != Progress::Waiting {
            return;
        }
        if let Some(agent) = self.queues[call.queue as usize].best_agent(call) {
            self.offer(id, agent);
        }
    }

    /// Offers an agent the call with the highest score of those they may take, if there is one.
    pub(crate) fn serve_agent(&mut self, at: AgentIndex) {
        let agent = self.agent_at(at);
        if !agent.is_available() {
            return;
        }
        let best = agent
            .serves
            .iter()
            .filter_map(|serves| self.queues[serves.queue as usize].best_call(serves.step))
            .min();
        if let Some(place) = best {
            self.offer(place.call, at);
        }
    }

    fn offer(&mut self, id: CallId, at: AgentIndex) {
        let deadline = self.now + Duration::from_millis(self.reserve_timeout_ms);
        let offer = OfferId(self.ids.mint());
        let Some(call) = self.calls.get_mut(&id) else { return };
        let before = *call;
        call.progress = Progress::Offered { offer, agent: at, deadline };
        let queue = self.queue_mut(before.queue);
        queue.unwait(&before);
        queue.set_offered(true);
        let queue = queue.id.clone();
        self.offers.insert(offer, id);
        self.timers.set(deadline, Timer::Offer(offer));
        self.outputs.push_back(Output::Offer {
            offer,
            call: id,
            queue,
            agent: self.agent_at(at).id.clone(),
            waited_ms: self.now.ms_since(before.entered),
            score: before.place.score(self.now),
        });
        self.change(at, |agent| agent.activity = Activity::Reserved { call: id, offer });
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
        self.set_offer_deadline(call, deadline);
        let call = call.place.call;
        self.change(agent, |agent| agent.activity = Activity::Ringing { call, offer });
    }

    pub(crate) fn offer_answered(&mut self, offer: OfferId) {
        let Some(Offered { call, agent }) = self.close_offer(offer) else { return };
        let id = call.place.call;
        self.leave_queue(&call);
        self.calls.insert(id, Call { progress: Progress::Talking { agent }, ..call });
        self.outputs.push_back(Output::Connected {
            offer,
            call: id,
            queue: self.queues[call.queue as usize].id.clone(),
            agent: self.agent_at(agent).id.clone(),
            waited_ms: self.now.ms_since(call.entered),
        });
        self.change(agent, |agent| agent.activity = Activity::Talking { call: id });
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

    /// The call has its old place again, and the agent a reason not to be offered the next one.
    pub(crate) fn offer_missed(&mut self, offer: OfferId, cause: MissedCause) {
        let Some(Offered { call, agent }) = self.close_offer(offer) else { return };
        let id = call.place.call;
        self.outputs.push_back(Output::Missed {
            offer,
            call: id,
            agent: self.agent_at(agent).id.clone(),
            cause,
        });
        let (now, reason) = (self.now, reason_of(cause));
        self.change(agent, |agent| {
            agent.missed.count(cause);
            // What the agent chose meanwhile goes before what the engine would set.
            agent.next_status.get_or_insert(AgentStatus::NotReady { reason });
            agent.finish(now);
        });
        let call = Call { progress: Progress::Waiting, ..call };
        self.calls.insert(id, call);
        self.queue_mut(call.queue).wait(&call);
        self.serve_call(id);
    }

    pub(crate) fn dequeue(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        let freed = match call.progress {
            Progress::Talking { .. } => return,
            Progress::Waiting => {
                self.queue_mut(call.queue).unwait(&call);
                None
            }
            Progress::Offered { offer, agent, .. } => {
                self.close_offer(offer);
                self.withdrawn(offer, &call, agent, Withdrawal::CallerLeft);
                Some(agent)
            }
        };
        self.leave_queue(&call);
        self.calls.remove(&id);
        self.outputs.push_back(Output::Dequeued {
            call: id,
            queue: self.queues[call.queue as usize].id.clone(),
            waited_ms: self.now.ms_since(call.entered),
        });
        if let Some(agent) = freed {
            self.change(agent, |agent| {
                let idle_since = agent.idle_since;
                agent.finish(idle_since);
            });
            self.serve_agent(agent);
        }
    }

    pub(crate) fn call_ended(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        match call.progress {
            Progress::Waiting | Progress::Offered { .. } => self.dequeue(id),
            Progress::Talking { agent } => {
                self.calls.remove(&id);
                match self.agent_at(agent).acw_ms {
                    0 => self.finish_acw(agent),
                    ms => self.start_acw(agent, id, self.now + Duration::from_millis(ms)),
                }
            }
        }
    }

    fn open_offer(&self, offer: OfferId) -> Option<Offered> {
        let call = self.calls.get(self.offers.get(&offer)?)?;
        match call.progress {
            Progress::Offered { agent, .. } => Some(Offered { call: *call, agent }),
            Progress::Waiting | Progress::Talking { .. } => None,
        }
    }

    /// Ends an offer, whatever comes of it; `None` if it is over already.
    fn close_offer(&mut self, offer: OfferId) -> Option<Offered> {
        let offered = self.open_offer(offer)?;
        if let Progress::Offered { deadline, .. } = offered.call.progress {
            self.timers.cancel(deadline, Timer::Offer(offer));
        }
        self.offers.remove(&offer);
        self.queue_mut(offered.call.queue).set_offered(false);
        Some(offered)
    }

    fn set_offer_deadline(&mut self, call: Call, later: Mono) {
        if let Progress::Offered { offer, agent, deadline } = call.progress {
            self.timers.cancel(deadline, Timer::Offer(offer));
            self.timers.set(later, Timer::Offer(offer));
            let progress = Progress::Offered { offer, agent, deadline: later };
            self.calls.insert(call.place.call, Call { progress, ..call });
        }
    }

    fn withdrawn(&mut self, offer: OfferId, call: &Call, agent: AgentIndex, why: Withdrawal) {
        let (call, agent) = (call.place.call, self.agent_at(agent).id.clone());
        self.outputs.push_back(Output::OfferWithdrawn { offer, call, agent, why });
    }

    /// A call is in line no longer.
    fn leave_queue(&mut self, call: &Call) {
        if let Some(at) = call.next_step_at {
            self.timers.cancel(at, Timer::Tier(call.place.call));
        }
        self.queue_mut(call.queue).leave(call);
    }
}

pub(crate) const fn reason_of(cause: MissedCause) -> NotReadyReason {
    match cause {
        MissedCause::NoAnswer => NotReadyReason::NoAnswer,
        MissedCause::Rejected => NotReadyReason::Rejected,
        MissedCause::Busy => NotReadyReason::Busy,
        MissedCause::Unreachable => NotReadyReason::Unreachable,
        MissedCause::Error => NotReadyReason::Error,
    }
}
