//! Into the queue, and open to more and more agents while waiting there.

use std::cmp::Reverse;
use std::time::Duration;

use model::{AgentStatus, CallId, Permission, QueueId};

use crate::call::{Call, Place, Preference, Progress};
use crate::config::{MAX_HEAD_START_MS, MAX_PREFERENCE_MS};
use crate::overflow::Newcomer;
use crate::timer::Timer;
use crate::{Acd, NotEnqueued, Output, Preferred};

impl Acd {
    pub(crate) fn enqueue(
        &mut self,
        newcomer: Newcomer,
        queue: QueueId,
        preferred: Option<Preferred>,
    ) {
        let call = newcomer.call;
        let Some(first) = self.new_in(call, queue, false) else { return };
        let newcomer = Newcomer { entered: newcomer.entered.min(self.now), ..newcomer };
        let Some(at) = self.admit(&newcomer, first) else { return };
        self.join_queue(&newcomer, at, preferred.filter(|_| at == first));
        self.serve_call(call);
    }

    /// An agent asks the queue: offered to one agent at a time.
    pub(crate) fn ask(&mut self, call: CallId, queue: QueueId, permission: Option<Permission>) {
        let newcomer = Newcomer::new(call, permission, self.now, 0);
        self.enqueue(Newcomer { singly: true, ..newcomer }, queue, None);
    }

    /// A call is in line again, as after an offer that was missed.
    pub(crate) fn come_back(&mut self, returning: Newcomer, queue: QueueId) {
        let call = returning.call;
        let Some(at) = self.new_in(call, queue, true) else { return };
        let returning = Newcomer { entered: returning.entered.min(self.now), ..returning };
        self.queue_mut(at).balance.offered += 1;
        self.join_queue(&returning, at, None);
        self.opened.extend(self.calls.get(&call).map(|call| call.place));
        self.returned.insert(call);
    }

    /// The queue that a call comes to; `None`, and told, if there is none or it is known already.
    /// One that is configured no more is known to those alone who were in it.
    fn new_in(&mut self, call: CallId, queue: QueueId, was_in: bool) -> Option<u32> {
        let at = if was_in { self.queue_index(&queue) } else { self.open_index(&queue) };
        if self.calls.contains_key(&call) {
            self.not_enqueued(call, queue, NotEnqueued::AlreadyKnown);
            return None;
        }
        if at.is_none() {
            self.not_enqueued(call, queue, NotEnqueued::UnknownQueue);
        }
        at
    }

    /// A call that waits is put forward in its line. Whether the line takes newcomers does not
    /// matter: it is there already.
    pub(crate) fn put_forward(&mut self, id: CallId, more_ms: u64, preferred: Option<Preferred>) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        if call.progress != Progress::Waiting || call.callback.is_some() {
            return;
        }
        self.unwait(&call);
        self.leave_queue(&call);
        self.calls.remove(&id);
        let Call { permission, entered, queue, singly, reached, .. } = call;
        let head_start_ms = call.head_start_ms.saturating_add(more_ms).min(MAX_HEAD_START_MS);
        let newcomer = Newcomer::new(id, permission, entered, head_start_ms);
        let newcomer = Newcomer { singly, reached, ..newcomer };
        self.join_queue(&newcomer, queue, preferred);
        self.serve_call(id);
    }

    /// A newcomer is in line; it can be offered from now on.
    pub(crate) fn join_queue(
        &mut self,
        newcomer: &Newcomer,
        at: u32,
        preferred: Option<Preferred>,
    ) {
        let id = newcomer.call;
        let preference =
            preferred.and_then(|preferred| self.prefer(&preferred, at, newcomer.permission));
        if let Some(Preference { until, .. }) = preference {
            self.timers.set(until, Timer::Preference(id));
        }
        let mut call = self.with_limit(Call { preference, ..self.new_call(newcomer, at) });
        self.reach_tiers(&mut call);
        self.queue_mut(at).join(&call);
        self.wait(&call);
        self.calls.insert(id, call);
    }

    /// A call with the time until which it may stay, and its deadline.
    pub(crate) fn with_limit(&mut self, call: Call) -> Call {
        let wait = self.queues[call.queue as usize].limits.wait.as_ref();
        let limit_at = wait.map(|wait| call.joined + Duration::from_millis(wait.ms));
        if let Some(at) = limit_at {
            self.timers.set(at, Timer::Limit(call.place.call));
        }
        Call { limit_at, kept: false, ..call }
    }

    fn not_enqueued(&mut self, call: CallId, queue: QueueId, why: NotEnqueued) {
        self.outputs.push_back(Output::NotEnqueued { call, queue, why });
    }

    /// The preference of a call that enters a queue; `None` if waiting for the agent is in vain.
    fn prefer(
        &self,
        preferred: &Preferred,
        queue: u32,
        permission: Option<Permission>,
    ) -> Option<Preference> {
        let at = self.known_agent(&preferred.agent)?;
        let agent = self.agent_at(at);
        let serves = agent.serves.iter().find(|serves| serves.queue == queue)?;
        let may = self.queues[queue as usize].classes.get(serves.class)?.may(permission);
        let for_ms = preferred.for_ms.min(MAX_PREFERENCE_MS);
        let until = self.now + Duration::from_millis(for_ms);
        let worth_it = may && agent.status == AgentStatus::Ready && for_ms > 0;
        worth_it.then_some(Preference { agent: at, until })
    }

    /// A call of the line can be offered: to one agent, or to all whom it has reached.
    pub(crate) fn wait(&mut self, call: &Call) {
        let queue = &mut self.queues[call.queue as usize];
        match call.preference {
            Some(Preference { agent, .. }) => {
                queue.preferring += 1;
                let agent = &mut self.agents[agent.at()];
                agent.preferred.insert((call.queue, call.place));
            }
            None => {
                queue.wait(call);
                if queue.watched > 0 {
                    self.keep_watch(call.queue);
                }
            }
        }
    }

    /// A call of the line can no longer be offered, or no longer to the same agents.
    pub(crate) fn unwait(&mut self, call: &Call) {
        let queue = &mut self.queues[call.queue as usize];
        match call.preference {
            Some(Preference { agent, .. }) => {
                queue.preferring -= 1;
                let agent = &mut self.agents[agent.at()];
                agent.preferred.remove(&(call.queue, call.place));
            }
            None => queue.unwait(call),
        }
    }

    /// Offers the calls that more agents may take than before, the one with the highest score
    /// first: none gets an agent whom a better one may have from the same moment on.
    pub(crate) fn serve_more(&mut self) {
        self.sweep();
        if !self.opened.is_empty() {
            self.serve_opened();
        }
        if !self.widened.is_empty() {
            self.widen();
        }
    }

    fn serve_opened(&mut self) {
        let opened = std::mem::take(&mut self.opened);
        let mut calls: Vec<CallId> = opened.into_iter().map(|place| place.call).collect();
        for call in &calls {
            self.end_vain_preference(*call);
        }
        calls.sort_by_key(|id| {
            let score = self.calls.get(id).map(|call| self.score(call.queue, call.place));
            (Reverse(score), *id)
        });
        for call in calls {
            self.serve_call(call);
        }
    }

    /// A call whose agent is ready no longer is everyone's.
    pub(crate) fn end_vain_preference(&mut self, id: CallId) {
        let preference = self.calls.get(&id).and_then(|call| call.preference);
        if let Some(Preference { agent, .. }) = preference
            && self.agent_at(agent).status != AgentStatus::Ready
        {
            self.end_preference(id);
        }
    }

    /// A call that waits waits for one agent alone no longer.
    pub(crate) fn end_preference(&mut self, id: CallId) {
        let Some(mut call) = self.calls.get(&id).copied() else { return };
        if let Some(Preference { until, .. }) = call.preference {
            self.timers.cancel(until, Timer::Preference(id));
            self.unwait(&call);
            call.preference = None;
            self.wait(&call);
            self.calls.insert(id, call);
        }
    }

    /// A call's score now.
    pub(crate) fn score(&self, queue: u32, place: Place) -> u64 {
        self.queues[queue as usize].gain.score(place.age(self.now))
    }
}
