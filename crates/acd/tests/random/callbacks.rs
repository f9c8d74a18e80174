//! The rules of callbacks.

use std::time::Duration;

use acd::{
    Acd, CallbackEnd, CallbackInput, CallbackOutput, CallbackRule, First, NoCallback, Party,
};
use model::{CallId, Mono, OfferId, QueueId};

use super::reference::{Reference, Stage, Waiting};

/// What makes an entry a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    party: Party,
    first: First,
    attempts: u32,
    booked: Mono,
}

/// What is asked about a callback, and why it must be refused, if it must.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    call: CallId,
    asked: Option<Asked>,
    why_not: Option<NoCallback>,
    /// The caller is in line.
    is_waiting: bool,
}

impl Reference {
    /// Notes a booking, which the room then takes or refuses.
    pub(super) fn expect_callback(&mut self, input: &CallbackInput, now: Mono) {
        match input {
            CallbackInput::Ask { call, party, first } => {
                let asked = Asked { party: *party, first: *first, attempts: 0, booked: now };
                let why_not = self.why_not_ask(*call, *party);
                let (call, asked) = (*call, Some(asked));
                self.limits.asked = Some(Request { call, asked, why_not, is_waiting: true });
            }
            CallbackInput::Book {
                call,
                queue,
                permission,
                entered,
                head_start_ms,
                party,
                first,
            } => {
                let asked = Asked { party: *party, first: *first, attempts: 0, booked: now };
                let known = self.calls.get(call).is_some_and(|call| call.stage != Stage::Over);
                let may = self.queue(queue).is_some_and(|queue| {
                    queue.steps.iter().any(|step| self.may_hold(step, *permission))
                });
                let why_not = match known {
                    _ if !self.takes_newcomers(queue) => Some(NoCallback::UnknownQueue),
                    true => Some(NoCallback::AlreadyKnown),
                    false => self
                        .why_not_take(queue, *party)
                        .or_else(|| (!may).then_some(NoCallback::NobodyMay)),
                };
                if why_not.is_none() {
                    let entered = (*entered).min(now);
                    let entry = self.entry(queue, *permission, entered, *head_start_ms, now);
                    self.calls.insert(*call, entry);
                }
                let (call, asked) = (*call, Some(asked));
                self.limits.asked = Some(Request { call, asked, why_not, is_waiting: false });
            }
            CallbackInput::Rejoin { call, party } => {
                let why_not = self.why_not_rejoin(*call, *party);
                let (call, asked) = (*call, None);
                self.limits.asked = Some(Request { call, asked, why_not, is_waiting: false });
            }
            CallbackInput::Cancel { .. }
            | CallbackInput::Answered { .. }
            | CallbackInput::AnsweredBy { .. }
            | CallbackInput::AgentGaveUp { .. }
            | CallbackInput::Missed { .. } => {}
        }
    }

    fn why_not_rejoin(&self, call: CallId, party: Party) -> Option<NoCallback> {
        let known = self.calls.get(&call).is_some_and(|call| call.stage != Stage::Over);
        let entry = self.entry_of(party);
        if known && entry != Some(call) {
            return Some(NoCallback::AlreadyKnown);
        }
        let Some(entry) = entry else { return Some(NoCallback::NoneAsked) };
        let queue = &self.calls[&entry].queue;
        let open = self.limits.is_open(queue) && self.emergency(queue).is_none();
        (!open).then_some(NoCallback::Closed)
    }

    fn why_not_ask(&self, call: CallId, party: Party) -> Option<NoCallback> {
        let Some(call) = self.calls.get(&call) else { return Some(NoCallback::NotWaiting) };
        match (call.stage, call.callback) {
            (Stage::Waiting, None) => self.why_not_take(&call.queue, party),
            (Stage::Offered(_), None) => Some(NoCallback::BeingOffered),
            _ => Some(NoCallback::NotWaiting),
        }
    }

    fn why_not_take(&self, queue: &QueueId, party: Party) -> Option<NoCallback> {
        let Some(rule) = self.queue(queue).and_then(|queue| queue.callbacks) else {
            return Some(NoCallback::NotOffered);
        };
        if self.entry_of(party).is_some() {
            return Some(NoCallback::AskedAlready);
        }
        let line = self.line(queue);
        let callbacks = line.iter().filter(|id| self.calls[id].callback.is_some());
        (callbacks.count() >= rule.max).then_some(NoCallback::Full)
    }

    /// The rule by which those are called back who asked for it while there was one.
    fn rule(&self, queue: &QueueId) -> Option<CallbackRule> {
        self.queue(queue).map(|queue| queue.callbacks.unwrap_or_default())
    }

    fn entry_of(&self, party: Party) -> Option<CallId> {
        let mut entries = self.calls.iter().filter(|(_, call)| call.stage != Stage::Over);
        let is_theirs = |asked: Asked| asked.party == party;
        entries.find(|(_, call)| call.callback.is_some_and(is_theirs)).map(|(id, _)| *id)
    }

    /// The stage of an entry that is offered again.
    pub(super) fn again(&self, call: &Waiting) -> Stage {
        match call.callback {
            Some(_) if !self.limits.is_open(&call.queue) => Stage::Resting(None),
            Some(_) | None => Stage::Waiting,
        }
    }

    /// Callbacks whose time has come are offered again.
    pub(super) fn wake(&mut self, now: Mono) {
        let due = |stage| match stage {
            Stage::Resting(until) => until.is_none_or(|until| until <= now),
            _ => false,
        };
        let resting: Vec<CallId> =
            self.calls.iter().filter(|(_, call)| due(call.stage)).map(|(id, _)| *id).collect();
        for id in resting {
            let stage = self.again(&self.calls[&id]);
            self.calls.get_mut(&id).unwrap().stage = stage;
        }
    }

    /// A queue closes: nobody is called any more.
    pub(super) fn close_callbacks(&mut self, queue: &QueueId) {
        for call in self.calls.values_mut().filter(|call| call.queue == *queue) {
            if call.stage == Stage::Waiting && call.callback.is_some() {
                call.stage = Stage::Resting(None);
            }
        }
    }

    pub(super) fn fold_callback(&mut self, acd: &Acd, output: &CallbackOutput, now: Mono) {
        let seed = self.seed;
        match output {
            CallbackOutput::Booked { call, queue, entered } => {
                let request = self.limits.asked.take().unwrap();
                assert_eq!((request.call, request.why_not), (*call, None), "seed {seed}");
                let waiting = &self.calls[call];
                assert_eq!((&waiting.queue, waiting.entered), (queue, *entered), "seed {seed}");
                self.limits.count(queue).called_back += u64::from(request.is_waiting);
                self.limits.count_callbacks(queue).booked += 1;
                let waiting = self.calls.get_mut(call).unwrap();
                waiting.callback = request.asked;
                waiting.preferred = None;
                let stage = self.again(&self.calls[call]);
                self.calls.get_mut(call).unwrap().stage = stage;
            }
            CallbackOutput::Refused { call, why } => self.judge_refused(*call, *why),
            CallbackOutput::Dial { offer, call, queue, agent, first, attempt } => {
                let asked = self.calls[call].callback.unwrap();
                assert_eq!((*first, *attempt), (asked.first, asked.attempts + 1), "seed {seed}");
                assert!(self.limits.is_open(queue) || *first == First::Agent, "seed {seed}");
                match first {
                    First::Customer => {
                        self.chosen(acd, *call, queue, agent, Stage::Dialing(*offer), now);
                    }
                    First::Agent => {
                        self.move_on(*call, Stage::Offered(*offer), Stage::Dialing(*offer));
                    }
                }
            }
            CallbackOutput::Missed { call, queue, attempt, again_at, .. } => {
                let rule = self.rule(queue).unwrap();
                let again = now + Duration::from_millis(rule.retry_ms);
                let expected = (*attempt < rule.attempts).then_some(again);
                assert_eq!(*again_at, expected, "seed {seed}: {call}");
                self.let_go(*call);
                let waiting = self.calls.get_mut(call).unwrap();
                assert!(matches!(waiting.stage, Stage::Dialing(_)), "seed {seed}: {call}");
                waiting.stage = Stage::Resting(*again_at);
                let asked = waiting.callback.as_mut().unwrap();
                asked.attempts += 1;
                assert_eq!(asked.attempts, *attempt, "seed {seed}: {call}");
            }
            CallbackOutput::Ended { call, queue, end } => self.ended(*call, queue, *end, now),
        }
    }

    fn ended(&mut self, id: CallId, queue: &QueueId, end: CallbackEnd, now: Mono) {
        let seed = self.seed;
        let call = self.calls[&id].clone();
        let asked = call.callback.unwrap();
        let rule = self.rule(queue).unwrap();
        let rests = matches!(call.stage, Stage::Waiting | Stage::Resting(_));
        let over = asked.booked + Duration::from_millis(rule.keep_ms) <= now;
        let count = self.limits.count_callbacks(queue);
        match end {
            CallbackEnd::Reached => {
                assert!(matches!(call.stage, Stage::Dialing(_)), "seed {seed}: {id}");
                count.reached += 1;
                self.limits.count(queue).offered += 1;
                let call = self.calls.get_mut(&id).unwrap();
                (call.callback, call.joined) = (None, now);
                return;
            }
            CallbackEnd::GaveUp => {
                assert!(asked.attempts >= rule.attempts, "seed {seed}: {id}");
                count.gave_up += 1;
            }
            CallbackEnd::Expired => {
                assert!(over && rests, "seed {seed}: {id} {call:?} at {now:?}");
                count.expired += 1;
            }
            CallbackEnd::Cancelled => count.cancelled += 1,
            CallbackEnd::Rejoined { .. } => count.rejoined += 1,
        }
        self.let_go(id);
        self.calls.get_mut(&id).unwrap().stage = Stage::Over;
        if let CallbackEnd::Rejoined { by } = end {
            let request = self.limits.asked.take().unwrap();
            assert_eq!((request.call, request.why_not), (by, None), "seed {seed}");
            let entered = call.entered;
            let entry = self.entry(queue, call.permission, entered, call.own_head_start_ms, now);
            // What was open to it stays open.
            self.calls.insert(by, Waiting { reached: call.reached, ..entry });
            self.limits.count(queue).offered += 1;
        }
    }

    /// The agent for whom a customer was being called was not busy after all, unless on the line.
    fn let_go(&mut self, id: CallId) {
        let call = &self.calls[&id];
        let reserved = matches!(call.stage, Stage::Dialing(_))
            && call.callback.is_some_and(|asked| asked.first == First::Customer);
        if let Some(agent) = call.agent.clone().filter(|_| reserved) {
            self.keep_turn(&agent);
        }
    }

    fn judge_refused(&mut self, call: CallId, why: NoCallback) {
        let seed = self.seed;
        let request = self.limits.asked.take().unwrap();
        assert_eq!((request.call, request.why_not), (call, Some(why)), "seed {seed}");
    }

    /// How long an agent may be reserved for a call.
    pub(super) fn reserved_ms(&self, call: CallId) -> u64 {
        let call = &self.calls[&call];
        match call.stage {
            // The rule may have changed since.
            Stage::Dialing(_) if self.was_changed => CallbackRule::default().dial_timeout_ms,
            Stage::Dialing(_) => self.rule(&call.queue).unwrap().dial_timeout_ms,
            _ => self.config.reserve_timeout_ms,
        }
    }

    /// Whether an agent shows the offer of an entry whose customer is being called: only while the
    /// agent waits to be rung.
    pub(super) fn agrees_dialing(
        &self,
        call: &Waiting,
        offer: OfferId,
        shown: Option<OfferId>,
    ) -> bool {
        let first = call.callback.map(|asked| asked.first);
        shown == (first == Some(First::Customer)).then_some(offer)
    }

    /// Nobody is kept for ever, and nobody is called outside the hours.
    pub(super) fn judge_callbacks(&self, now: Mono) {
        let seed = self.seed;
        assert!(self.limits.asked.is_none(), "seed {seed}: no answer {:?}", self.limits.asked);
        for (id, call) in &self.calls {
            let Some(asked) = call.callback else { continue };
            let rests = match call.stage {
                Stage::Waiting => {
                    assert!(self.limits.is_open(&call.queue), "seed {seed}: {id} {call:?}");
                    true
                }
                Stage::Resting(_) => true,
                _ => false,
            };
            if call.stage == Stage::Over {
                continue;
            }
            let keep_ms = self.rule(&call.queue).unwrap().keep_ms;
            let over = asked.booked + Duration::from_millis(keep_ms) <= now;
            assert!(!(rests && over), "seed {seed}: {id} {call:?} is kept");
        }
    }
}
