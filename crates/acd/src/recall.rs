//! What happens to callbacks: asked for, tried, tried again, joined, ended.

use std::time::Duration;

use model::{CallId, MissedCause, Mono, OfferId, QueueId};

use crate::agent::{Activity, AgentIndex};
use crate::call::{Call, Place, Progress};
use crate::callback::{
    Callback, CallbackEnd, CallbackInput, CallbackOutput, First, NoCallback, Party,
};
use crate::config::MAX_HEAD_START_MS;
use crate::overflow::Newcomer;
use crate::timer::Timer;
use crate::view::MissedCounts;
use crate::{Acd, Output, Withdrawal};

impl Acd {
    /// The callback that a customer has, if one.
    pub fn callback_of(&self, party: Party) -> Option<CallId> {
        self.parties.get(&party).copied()
    }

    pub(crate) fn handle_callback(&mut self, input: CallbackInput) {
        match input {
            CallbackInput::Ask { call, party, first } => self.ask_callback(call, party, first),
            CallbackInput::Book {
                call,
                queue,
                permission,
                entered,
                head_start_ms,
                party,
                first,
            } => {
                let newcomer = Newcomer::new(call, permission, entered, head_start_ms);
                self.book_callback(&newcomer, &queue, party, first);
            }
            CallbackInput::Rejoin { call, party } => self.rejoin(call, party),
            CallbackInput::Cancel { call } => self.cancel_callback(call),
            CallbackInput::Answered { call } => self.customer_answered(call, call),
            CallbackInput::AnsweredBy { call, by } => self.customer_answered(call, by),
            CallbackInput::AgentGaveUp { call } => self.agent_gave_up(call),
            CallbackInput::Missed { call, cause } => self.customer_missed(call, cause),
        }
    }

    /// A caller in line wants to be called back instead.
    fn ask_callback(&mut self, id: CallId, party: Party, first: First) {
        let Some(call) = self.calls.get(&id).copied() else {
            return self.no_callback(id, NoCallback::NotWaiting);
        };
        let refused = match call.progress {
            Progress::Waiting if call.callback.is_none() => {
                self.takes_callback(call.queue, party).err()
            }
            Progress::Offered { .. } if call.callback.is_none() => Some(NoCallback::BeingOffered),
            Progress::Waiting
            | Progress::Offered { .. }
            | Progress::Dialing { .. }
            | Progress::Resting { .. }
            | Progress::Talking { .. } => Some(NoCallback::NotWaiting),
        };
        if let Some(why) = refused {
            return self.no_callback(id, why);
        }
        self.unwait(&call);
        self.leave_queue(&call);
        self.queues[call.queue as usize].balance.called_back += 1;
        let callback = Callback { party, first, attempts: 0, booked: self.now };
        self.keep_callback(Call { preference: None, ..call }, callback, None);
    }

    /// A customer who is in no line wants to be called back.
    fn book_callback(&mut self, newcomer: &Newcomer, queue: &QueueId, party: Party, first: First) {
        let id = newcomer.call;
        let why = match self.open_index(queue) {
            None => NoCallback::UnknownQueue,
            Some(_) if self.calls.contains_key(&id) => NoCallback::AlreadyKnown,
            Some(at) => match self.takes_callback(at, party) {
                Err(why) => why,
                Ok(()) if !self.queues[at as usize].anyone_may(newcomer.permission) => {
                    NoCallback::NobodyMay
                }
                Ok(()) => {
                    let call = self.new_call(newcomer, at);
                    let callback = Callback { party, first, attempts: 0, booked: self.now };
                    return self.keep_callback(call, callback, None);
                }
            },
        };
        self.no_callback(id, why);
    }

    pub(crate) fn takes_callback(&self, queue: u32, party: Party) -> Result<(), NoCallback> {
        let queue = &self.queues[queue as usize];
        let rule = queue.callbacks.ok_or(NoCallback::NotOffered)?;
        if self.parties.contains_key(&party) {
            return Err(NoCallback::AskedAlready);
        }
        if queue.callbacks_len() >= rule.max { Err(NoCallback::Full) } else { Ok(()) }
    }

    fn no_callback(&mut self, call: CallId, why: NoCallback) {
        self.outputs.push_back(Output::Callback(CallbackOutput::Refused { call, why }));
    }

    /// An entry that is in no index joins its line as a callback, and is offered after its rest.
    pub(crate) fn keep_callback(
        &mut self,
        mut call: Call,
        callback: Callback,
        rests_until: Option<Mono>,
    ) {
        let id = call.place.call;
        let queue = &mut self.queues[call.queue as usize];
        let keep_ms = queue.callbacks.unwrap_or_default().keep_ms;
        queue.called.booked += 1;
        let open = queue.open;
        let limit_at = self.now + Duration::from_millis(keep_ms);
        let rests = rests_until.is_some() || !open;
        call.callback = Some(callback);
        call.limit_at = Some(limit_at);
        call.progress = match rests {
            true => Progress::Resting { until: rests_until },
            false => Progress::Waiting,
        };
        self.timers.set(limit_at, Timer::Limit(id));
        if let Some(until) = rests_until {
            self.timers.set(until, Timer::Again(id));
        }
        self.parties.insert(callback.party, id);
        let queue = self.queue_mut(call.queue);
        queue.join(&call);
        queue.resting_calls += u32::from(rests);
        self.calls.insert(id, call);
        let queue = self.queues[call.queue as usize].id.clone();
        self.outputs.push_back(Output::Callback(CallbackOutput::Booked {
            call: id,
            queue,
            entered: call.entered,
        }));
        if !rests {
            self.wait(&call);
        }
        self.open_tiers(id);
        self.serve_call(id);
    }

    /// The agent who was offered a callback is there: now the customer.
    pub(crate) fn dial_for(&mut self, call: &Call, at: AgentIndex, offer: OfferId) {
        let id = call.place.call;
        self.dial(call, at, offer);
        self.change(at, |agent| {
            agent.activity = Activity::Talking { call: id };
            agent.missed_in_row = MissedCounts::default();
        });
    }

    /// Has the customer called; the entry stays in line meanwhile, as one that is being offered.
    pub(crate) fn dial(&mut self, call: &Call, agent: AgentIndex, offer: OfferId) {
        let Some(callback) = call.callback else { return };
        let id = call.place.call;
        let queue = self.queue_mut(call.queue);
        queue.set_offered(true);
        let dial_ms = queue.callbacks.unwrap_or_default().dial_timeout_ms;
        let queue = queue.id.clone();
        let deadline = self.now + Duration::from_millis(dial_ms);
        self.timers.set(deadline, Timer::Dial(id));
        let progress = Progress::Dialing { offer, agent, deadline };
        self.calls.insert(id, Call { progress, preference: None, ..*call });
        self.outputs.push_back(Output::Callback(CallbackOutput::Dial {
            offer,
            call: id,
            queue,
            agent: self.agent_at(agent).id.clone(),
            first: callback.first,
            attempt: callback.attempts + 1,
        }));
    }

    /// The customer is there, in the call `id` from now on.
    fn customer_answered(&mut self, entry: CallId, id: CallId) {
        let Some((call, agent)) = self.dialing(entry) else { return };
        let Progress::Dialing { offer, .. } = call.progress else { return };
        if id != entry && self.calls.contains_key(&id) {
            return;
        }
        self.stop_dialing(&call);
        self.end_booking(&call, CallbackEnd::Reached);
        let call = self.renamed(call, id);
        let live = Call { callback: None, joined: self.now, limit_at: None, ..call };
        let queue = self.queue_mut(call.queue);
        queue.balance.offered += 1;
        queue.join(&live);
        let queue = queue.id.clone();
        match self.agent_at(agent).activity {
            Activity::Talking { .. } => {
                self.calls.insert(id, live);
                self.connected(&live, agent, offer);
            }
            Activity::Idle
            | Activity::Reserved { .. }
            | Activity::Ringing { .. }
            | Activity::Acw { .. } => {
                let live = self.with_limit(live);
                self.outputs.push_back(Output::Offer {
                    offer,
                    call: id,
                    queue,
                    agent: self.agent_at(agent).id.clone(),
                    waited_ms: self.now.ms_since(live.entered),
                    score: self.score(live.queue, live.place),
                });
                self.reserve_for(&live, agent, offer);
                // The time to ring begins now.
                let now = self.now;
                self.change(agent, |agent| {
                    agent.activity = Activity::Reserved { call: id, offer };
                    agent.since = now;
                });
            }
        }
    }

    /// The customer is not there: the agent is free, and the entry rests or ends.
    pub(crate) fn customer_missed(&mut self, id: CallId, cause: MissedCause) {
        let Some((mut call, agent)) = self.dialing(id) else { return };
        let Some(mut callback) = call.callback else { return };
        self.stop_dialing(&call);
        callback.attempts += 1;
        let queue = &self.queues[call.queue as usize];
        let (rule, queue) = (queue.callbacks.unwrap_or_default(), queue.id.clone());
        let tries_again = callback.attempts < rule.attempts;
        let again_at = self.now + Duration::from_millis(rule.retry_ms);
        self.outputs.push_back(Output::Callback(CallbackOutput::Missed {
            call: id,
            queue,
            attempt: callback.attempts,
            cause,
            again_at: tries_again.then_some(again_at),
        }));
        call.callback = Some(callback);
        if tries_again {
            self.timers.set(again_at, Timer::Again(id));
            call.progress = Progress::Resting { until: Some(again_at) };
            self.queue_mut(call.queue).resting_calls += 1;
            self.calls.insert(id, call);
            self.returned.insert(id);
        } else {
            self.end_callback(&call, CallbackEnd::GaveUp);
        }
        self.let_go(agent, call.queue);
    }

    /// The rest after an attempt is over; outside the hours nobody is called.
    pub(crate) fn callback_again(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).copied() else { return };
        let open = self.queues[call.queue as usize].open;
        let progress = match open {
            true => Progress::Waiting,
            false => Progress::Resting { until: None },
        };
        let call = Call { progress, ..call };
        self.calls.insert(id, call);
        if open {
            self.queue_mut(call.queue).resting_calls -= 1;
            self.wait(&call);
            self.opened.insert(call.place);
        }
    }

    /// The hours begin: callbacks that rested for them are offered again.
    pub(crate) fn wake_callbacks(&mut self, queue: u32) {
        for id in self.callbacks_in(queue) {
            let progress = self.calls.get(&id).map(|call| call.progress);
            if progress == Some(Progress::Resting { until: None }) {
                self.callback_again(id);
            }
        }
    }

    /// The hours end: nobody is called but those who are being called.
    pub(crate) fn rest_callbacks(&mut self, queue: u32) {
        for id in self.callbacks_in(queue) {
            let Some(call) = self.calls.get(&id).copied() else { continue };
            if call.progress == Progress::Waiting {
                self.rest_till_opening(&call);
            }
        }
    }

    pub(crate) fn rest_till_opening(&mut self, call: &Call) {
        self.unwait(call);
        self.queue_mut(call.queue).resting_calls += 1;
        let progress = Progress::Resting { until: None };
        self.calls.insert(call.place.call, Call { progress, ..*call });
    }

    fn callbacks_in(&self, queue: u32) -> Vec<CallId> {
        let line = self.queues[queue as usize].calls();
        let is_callback = |id: &CallId| self.calls.get(id).is_some_and(|c| c.callback.is_some());
        line.filter(is_callback).collect()
    }

    /// A customer dialled again, or stays after all: the call has the place of their entry, and
    /// nothing that goes on with that one goes on.
    fn rejoin(&mut self, id: CallId, party: Party) {
        let entry = self.parties.get(&party).and_then(|entry| self.calls.get(entry)).copied();
        let why = match entry {
            Some(entry) if self.calls.contains_key(&id) && entry.place.call != id => {
                NoCallback::AlreadyKnown
            }
            None if self.calls.contains_key(&id) => NoCallback::AlreadyKnown,
            None => NoCallback::NoneAsked,
            Some(entry) => {
                let queue = &self.queues[entry.queue as usize];
                if queue.open && queue.emergency.is_none() {
                    return self.take_over(id, &entry);
                }
                NoCallback::Closed
            }
        };
        self.no_callback(id, why);
    }

    fn take_over(&mut self, id: CallId, entry: &Call) {
        let freed = self.stop_progress(entry);
        self.end_callback(entry, CallbackEnd::Rejoined { by: id });
        let Call { permission, entered, head_start_ms, queue, reached, .. } = *entry;
        let newcomer = Newcomer::new(id, permission, entered, head_start_ms);
        let newcomer = Newcomer { reached, ..newcomer };
        self.queues[queue as usize].balance.offered += 1;
        self.join_queue(&newcomer, queue, None);
        self.returned.insert(id);
        let Some(agent) = freed else { return self.serve_call(id) };
        self.release(agent, queue);
        self.open_early(id);
        // The one whose turn it is gets the call, and the one who was let go the best one left.
        let call = self.calls.get(&id);
        let next = call.and_then(|call| self.queues[queue as usize].best_agent(call));
        match next.is_some_and(|turn| turn.index == agent) {
            true => {
                self.serve_agent(agent);
                self.serve_call(id);
            }
            false => {
                self.serve_call(id);
                self.serve_agent(agent);
            }
        }
    }

    /// A callback is taken back.
    fn cancel_callback(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).copied().filter(|call| call.callback.is_some()) else {
            return;
        };
        let freed = self.stop_progress(&call);
        self.end_callback(&call, CallbackEnd::Cancelled);
        if let Some(agent) = freed {
            self.let_go(agent, call.queue);
        }
    }

    /// A callback that nothing goes on with was kept for long enough, perhaps.
    pub(crate) fn expire_callback(&mut self, call: &Call) {
        let Some(callback) = call.callback else { return };
        let rule = self.queues[call.queue as usize].callbacks.unwrap_or_default();
        if callback.booked + Duration::from_millis(rule.keep_ms) <= self.now {
            self.stop_progress(call);
            self.end_callback(call, CallbackEnd::Expired);
        }
    }

    /// An entry that is only in its line is no callback any more, and gone.
    fn end_callback(&mut self, call: &Call, end: CallbackEnd) {
        self.end_booking(call, end);
        self.calls.remove(&call.place.call);
    }

    /// Takes a callback out of its line, counts and tells how it ended.
    fn end_booking(&mut self, call: &Call, end: CallbackEnd) {
        let id = call.place.call;
        if let Some(callback) = call.callback {
            self.parties.remove(&callback.party);
        }
        // Of what has deadlines only the tiers go on, with a customer who was reached.
        if end == CallbackEnd::Reached {
            if let Some(at) = call.limit_at {
                self.timers.cancel(at, Timer::Limit(id));
            }
            self.queue_mut(call.queue).leave(call);
        } else {
            self.leave_queue(call);
        }
        let queue = &mut self.queues[call.queue as usize];
        let column = match end {
            CallbackEnd::Reached => &mut queue.called.reached,
            CallbackEnd::GaveUp => &mut queue.called.gave_up,
            CallbackEnd::Expired => &mut queue.called.expired,
            CallbackEnd::Cancelled => &mut queue.called.cancelled,
            CallbackEnd::Rejoined { .. } => &mut queue.called.rejoined,
        };
        *column += 1;
        let queue = queue.id.clone();
        self.outputs.push_back(Output::Callback(CallbackOutput::Ended { call: id, queue, end }));
    }

    /// The callback for which the customer is being called, and the agent.
    pub(crate) fn dialing(&self, id: CallId) -> Option<(Call, AgentIndex)> {
        let call = self.calls.get(&id)?;
        match call.progress {
            Progress::Dialing { agent, .. } => Some((*call, agent)),
            Progress::Waiting
            | Progress::Offered { .. }
            | Progress::Resting { .. }
            | Progress::Talking { .. } => None,
        }
    }

    pub(crate) fn stop_dialing(&mut self, call: &Call) {
        if let Progress::Dialing { deadline, .. } = call.progress {
            self.timers.cancel(deadline, Timer::Dial(call.place.call));
            self.queue_mut(call.queue).set_offered(false);
        }
    }

    /// Ends what goes on with an entry of the line, which then is in its line alone; the agent who
    /// is to be let go.
    pub(crate) fn stop_progress(&mut self, call: &Call) -> Option<AgentIndex> {
        match call.progress {
            Progress::Waiting => {
                self.unwait(call);
                None
            }
            Progress::Resting { until } => {
                if let Some(until) = until {
                    self.timers.cancel(until, Timer::Again(call.place.call));
                }
                self.queue_mut(call.queue).resting_calls -= 1;
                None
            }
            Progress::Offered { offer, agent, .. } => {
                self.close_offer(offer);
                self.withdrawn(offer, call, agent, Withdrawal::CallerLeft);
                Some(agent)
            }
            Progress::Dialing { agent, .. } => {
                self.stop_dialing(call);
                Some(agent)
            }
            Progress::Talking { .. } => None,
        }
    }

    /// An agent has nothing to do with a call any more that never became a conversation.
    pub(crate) fn let_go(&mut self, at: AgentIndex, queue: u32) {
        self.release(at, queue);
        self.serve_agent(at);
    }

    fn release(&mut self, at: AgentIndex, queue: u32) {
        let now = self.now;
        match self.agent_at(at).activity {
            Activity::Reserved { .. } | Activity::Ringing { .. } => {
                self.change(at, |agent| agent.release(Some(queue)));
            }
            Activity::Talking { .. } => self.change(at, |agent| agent.finish(now)),
            Activity::Idle | Activity::Acw { .. } => {}
        }
    }

    /// A newcomer as an entry of a queue, in no index yet.
    pub(crate) fn new_call(&self, newcomer: &Newcomer, queue: u32) -> Call {
        let Newcomer { call, permission, entered, head_start_ms, singly, reached } = *newcomer;
        let of_queue = self.queues[queue as usize].head_start_ms;
        let head_start = of_queue.saturating_add(head_start_ms).min(MAX_HEAD_START_MS);
        let entered = entered.min(self.now);
        Call {
            queue,
            place: Place::new(call, entered, head_start),
            entered,
            head_start_ms,
            joined: self.now,
            permission,
            reached,
            next_step_at: None,
            limit_at: None,
            kept: false,
            preference: None,
            singly,
            callback: None,
            progress: Progress::Waiting,
        }
    }
}
