//! Customers who are called back: an entry of the line without a caller, whose turn comes as if
//! they had stayed. The agent's screen pops and the phone rings, and then the customer is called.
//!
//! In the queue the entry has the id of the call that asked for it; each time that the customer is
//! called is a call of its own, which begins when the first agent is offered it.

use std::collections::BTreeMap;

use acd::{
    CallbackEnd, CallbackInput, CallbackOutput, First, Input as AcdInput, Party, RestoredCallback,
};
use cti::CallPhase;
use model::{
    AgentId, CallId, Direction, Fact, FactBody, HangupCause, MissedCause, Mono, OfferId, Outcome,
    Permission, Pii, QueueId, Target, Wall,
};

use crate::Callflow;
use crate::calls::{Beginning, Call, Stage, Waiting};
use crate::dial::{DialStep, Dialled};

/// One who is called back.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Where.
    pub(crate) number: Pii<String>,
    queue: QueueId,
    /// How long they had waited, in milliseconds, when their time in the queue began to count.
    pub(crate) before_ms: u64,
    /// The call by which they are called back, once it has begun.
    attempt: Option<CallId>,
    /// Whether an agent is reserved who is rung when the customer has answered.
    awaits_customer: bool,
}

/// All who are called back; as many as the queues keep.
#[derive(Debug, Default)]
pub(crate) struct Callbacks {
    /// By the call that asked for it.
    entries: BTreeMap<CallId, Entry>,
    by_number: BTreeMap<Pii<String>, CallId>,
}

impl Callbacks {
    /// False if the customer is to be called back already.
    pub(crate) fn add(
        &mut self,
        call: CallId,
        queue: QueueId,
        number: Pii<String>,
        before_ms: u64,
    ) -> bool {
        if self.by_number.contains_key(&number) || self.entries.contains_key(&call) {
            return false;
        }
        self.by_number.insert(number.clone(), call);
        let (attempt, awaits_customer) = (None, false);
        let entry = Entry { number, queue, before_ms, attempt, awaits_customer };
        self.entries.insert(call, entry);
        true
    }

    pub(crate) fn get(&self, call: CallId) -> Option<&Entry> {
        self.entries.get(&call)
    }

    pub(crate) fn has(&self, call: CallId) -> bool {
        self.entries.contains_key(&call)
    }

    /// The call by which the customer is called back who asked for it in `call`.
    pub(crate) fn attempt(&self, call: CallId) -> Option<CallId> {
        self.entries.get(&call)?.attempt
    }

    fn take_attempt(&mut self, call: CallId) -> Option<CallId> {
        let entry = self.entries.get_mut(&call)?;
        entry.awaits_customer = false;
        entry.attempt.take()
    }

    /// The customer is being called, and an agent reserved for them.
    pub(crate) fn await_customer(&mut self, call: CallId) {
        if let Some(entry) = self.entries.get_mut(&call) {
            entry.awaits_customer = true;
        }
    }

    /// Whether that is so, by the call `attempt`.
    pub(crate) fn awaits_customer(&self, call: CallId, attempt: CallId) -> bool {
        let entry = self.entries.get(&call);
        entry.is_some_and(|entry| entry.awaits_customer && entry.attempt == Some(attempt))
    }

    fn remove(&mut self, call: CallId) -> Option<Entry> {
        let entry = self.entries.remove(&call)?;
        self.by_number.remove(&entry.number);
        Some(entry)
    }

    /// Whose number it is, if they are called back for that queue.
    fn of(&self, number: &Pii<String>, queue: &QueueId) -> Option<CallId> {
        let call = *self.by_number.get(number)?;
        self.entries.get(&call).filter(|entry| entry.queue == *queue).map(|_| call)
    }
}

/// A callback as known before a restart.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    queue: QueueId,
    number: Pii<String>,
    /// What the agent must be allowed to do, if something special.
    permission: Option<Permission>,
    /// The time that counts for its place.
    entered: Wall,
    /// When it was asked for.
    booked: Wall,
    /// Attempts that were in vain.
    attempts: u32,
    /// Not before this, after the last of them.
    again_at: Option<Wall>,
}

/// The callbacks that wait after these facts, by the call that asked for each.
fn kept(facts: &[Fact]) -> BTreeMap<CallId, Kept> {
    let mut all = BTreeMap::new();
    for fact in facts {
        match &fact.body {
            FactBody::CallbackBooked { call, queue, number, permission, entered } => {
                let (queue, number) = (queue.clone(), number.clone());
                let permission = permission.as_deref().and_then(Permission::from_name);
                let (entered, booked) = (*entered, fact.wall);
                let (attempts, again_at) = (0, None);
                let one = Kept { queue, number, permission, entered, booked, attempts, again_at };
                all.insert(*call, one);
            }
            FactBody::CallbackMissed { call, attempt, again_at, .. } => {
                if let Some(known) = all.get_mut(call) {
                    (known.attempts, known.again_at) = (*attempt, *again_at);
                }
            }
            FactBody::CallbackEnded { call, .. } => {
                all.remove(call);
            }
            _ => {}
        }
    }
    all
}

impl Callflow {
    /// What the queue says of callbacks.
    pub(crate) fn handle_callback(&mut self, output: CallbackOutput) {
        match output {
            CallbackOutput::Booked { call, queue, entered } => {
                self.sent_to_callback(call);
                self.callback_booked(call, queue, entered);
            }
            CallbackOutput::Refused { call, why: _ } => {
                // Who dials again, and has none to join, is no entry either.
                if self.is_sent_on(call) && self.is_waiting(call) {
                    self.callbacks.remove(call);
                    self.send_on(call);
                } else if self.is_choosing(call) {
                    self.callbacks.remove(call);
                    self.callback_refused(call);
                }
            }
            CallbackOutput::Dial { offer, call, queue, agent, first, attempt: _ } => match first {
                First::Agent => self.dial_back(call, agent),
                First::Customer => self.dial_customer(call, offer, queue, agent),
            },
            CallbackOutput::Missed { call, queue: _, attempt, cause, again_at } => {
                let again_at = again_at.map(|at| self.wall_at(at));
                if self.callbacks.has(call) {
                    self.note(FactBody::CallbackMissed { call, attempt, cause, again_at });
                }
                self.end_attempt(call);
            }
            CallbackOutput::Ended { call, queue: _, end } => self.callback_over(call, end),
        }
    }

    fn callback_over(&mut self, call: CallId, end: CallbackEnd) {
        if !self.callbacks.has(call) {
            return;
        }
        let attempt = self.callbacks.attempt(call);
        let (name, by) = match end {
            CallbackEnd::Reached => ("reached", attempt),
            CallbackEnd::GaveUp => ("gave_up", None),
            CallbackEnd::Expired => ("expired", None),
            CallbackEnd::Cancelled => ("cancelled", None),
            CallbackEnd::Rejoined { by } => ("rejoined", Some(by)),
        };
        self.note(FactBody::CallbackEnded { call, end: name.to_owned(), by });
        match end {
            // The call goes on under the id that it has in the queue until the agent has it; unless
            // it has its own there by now.
            CallbackEnd::Reached => {
                let attempt = attempt.filter(|by| !self.callbacks.awaits_customer(call, *by));
                self.asked.extend(attempt.map(|attempt| (call, attempt)));
            }
            CallbackEnd::GaveUp
            | CallbackEnd::Expired
            | CallbackEnd::Cancelled
            | CallbackEnd::Rejoined { .. } => self.end_attempt(call),
        }
        self.callbacks.remove(call);
    }

    /// The turn of one who is called back has come.
    pub(crate) fn offer_callback(
        &mut self,
        (entry, waited_ms): (CallId, u64),
        offer: OfferId,
        queue: QueueId,
        agent: AgentId,
    ) {
        match self.callbacks.attempt(entry).or_else(|| self.begin_attempt(entry, waited_ms)) {
            Some(attempt) => self.pop(offer, attempt, queue, agent),
            None => self.miss(offer, MissedCause::Error),
        }
    }

    /// The call by which the customer is called begins; nobody is in it yet.
    pub(crate) fn begin_attempt(&mut self, callback: CallId, waited_ms: u64) -> Option<CallId> {
        let Entry { number, queue, before_ms, .. } = self.callbacks.get(callback)?.clone();
        let (call, caller) = (self.mint_call(), self.mint_leg());
        let ways = self.config.trunks.ways_out(number.reveal()).unwrap_or_default();
        let trunk = ways.first().map(|way| way.trunk.clone()).unwrap_or_else(|| "".into());
        let outward = self.config.trunks.by_id(&trunk).and_then(|line| line.outward.as_ref());
        let shown = outward.map(|outward| outward.caller_id.clone()).unwrap_or_default();
        self.note(FactBody::CallbackBegun {
            call,
            callback,
            queue: queue.clone(),
            trunk: trunk.clone(),
            number: number.clone(),
            shown: shown.clone(),
        });
        let waiting = Waiting {
            queue,
            permission: None,
            entered: self.now,
            before_ms: before_ms.saturating_add(waited_ms),
            told: None,
            told_until: None,
            asked: None,
        };
        let begun = Call::begin(Beginning {
            direction: Direction::Outbound,
            trunk,
            ani: number,
            dnis: shown,
            caller,
            stage: Stage::Waiting { waiting, offers: Vec::new() },
            at: self.now,
        });
        self.calls.insert(call, Call { callback_of: Some(callback), ..begun });
        self.callbacks.entries.get_mut(&callback)?.attempt = Some(call);
        self.look_up(call);
        Some(call)
    }

    /// The agent is there: now the customer.
    fn dial_back(&mut self, callback: CallId, agent: AgentId) {
        let Some(call) = self.callbacks.attempt(callback) else {
            return self.customer_missed(callback, MissedCause::Error);
        };
        let number = self.callbacks.get(callback).map(|entry| entry.number.clone());
        let known = self.calls.get_mut(&call);
        let (Some(number), Some(Stage::Waiting { waiting, offers })) =
            (number, known.map(|known| &mut known.stage))
        else {
            return self.customer_missed(callback, MissedCause::Error);
        };
        let Some(phone) = offers.pop().and_then(|offer| offer.leg) else {
            return self.customer_missed(callback, MissedCause::Error);
        };
        let waiting = waiting.clone();
        let dialled = Dialled {
            agent: agent.clone(),
            phone,
            whom: Target::Number(number.clone()),
            instance: None,
            step: DialStep::Number { rings: false },
            callback: Some((callback, waiting)),
        };
        self.timers.stop_all(call);
        self.enter_stage(call, Stage::Dialled(Box::new(dialled)));
        self.last_calls.insert(agent, call);
        self.publish_call(call, CallPhase::Dialling);
        let ways = self.config.trunks.ways_out(number.reveal()).unwrap_or_default();
        let customer = self.call_over(call, number.reveal(), ways);
        if let Some(known) = self.calls.get_mut(&call) {
            known.caller = customer;
        }
    }

    /// The customer is there: the queue has them connected.
    pub(crate) fn customer_answered(&mut self, callback: CallId) {
        let answered = CallbackInput::Answered { call: callback };
        self.acd.handle_input(AcdInput::Callback(answered), self.now);
    }

    /// The customer is not there; ignored if the queue has said so itself.
    pub(crate) fn customer_missed(&mut self, callback: CallId, cause: MissedCause) {
        let missed = CallbackInput::Missed { call: callback, cause };
        self.acd.handle_input(AcdInput::Callback(missed), self.now);
    }

    /// Agent and customer talk: in the queue's eyes it is the agent's from now on by its own id.
    pub(crate) fn callback_connected(&mut self, entry: CallId, call: CallId, agent: AgentId) {
        self.acd.handle_input(AcdInput::Bring { agent, call: entry, into: call }, self.now);
    }

    /// Nothing goes on with a callback any more: nor does the call by which it went on.
    pub(crate) fn end_attempt(&mut self, callback: CallId) {
        let Some(call) = self.callbacks.take_attempt(callback) else { return };
        if let Some(dialled) = self.dialled(call) {
            dialled.callback = None;
            self.end_dialled(call, HangupCause::LocalBye);
        } else if self.is_waiting(call) {
            let customer = self.calls.get(&call).map(|known| known.caller);
            self.give_up(call, Outcome::Unanswered, HangupCause::LocalBye, 480);
            // It may still wait for its port.
            if let Some(customer) = customer {
                self.hang_up_leg(customer, HangupCause::LocalBye);
            }
        }
    }

    /// A customer who dials again has the place that they have in this queue; when they entered it.
    pub(crate) fn rejoin(&mut self, call: CallId, queue: &QueueId) -> Option<(Mono, u64)> {
        let known = self.calls.get(&call).filter(|known| known.direction == Direction::Inbound)?;
        let number = Pii::new(trunk::normalise(known.ani.reveal()));
        let entry = self.callbacks.of(&number, queue)?;
        let before_ms = self.callbacks.get(entry)?.before_ms;
        let input = CallbackInput::Rejoin { call, party: Party(entry.0.0) };
        self.acd.handle_input(AcdInput::Callback(input), self.now);
        let place = self.acd.position(call)?;
        Some((place.entered, before_ms))
    }

    /// Whether a call has nobody in it yet, because an agent is sought who calls the customer back.
    pub(crate) fn seeks_agent(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|known| match known.stage {
            Stage::Waiting { .. } => known.callback_of.is_some(),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Connected(_)
            | Stage::Dialled(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => false,
        })
    }

    /// Those who were to be called back before a restart are again, with their place.
    pub(crate) fn restore_callbacks(&mut self, standing: &[Fact]) {
        let begun = self.wall();
        for (call, kept) in kept(standing) {
            let Kept { queue, number, permission, entered, booked, attempts, again_at } = kept;
            let before_ms = begun.ms_since(entered);
            if !self.callbacks.add(call, queue.clone(), number, before_ms) {
                continue;
            }
            let restored = RestoredCallback {
                call,
                first: self.first_of(&queue),
                queue,
                permission,
                party: Party(call.0.0),
                waited_ms: before_ms,
                attempts,
                rests_ms: again_at.map_or(0, |at| at.ms_since(begun)),
            };
            if begun.ms_since(booked) >= self.keeps_ms(&restored.queue) {
                self.callback_over(call, CallbackEnd::Expired);
            } else if !self.acd.restore_callback(&restored, self.now) {
                self.callback_over(call, CallbackEnd::Cancelled);
            }
        }
    }

    /// Who is called first where that queue calls back.
    pub(crate) fn first_of(&self, queue: &QueueId) -> First {
        match self.config.customer_first.contains(queue) {
            true => First::Customer,
            false => First::Agent,
        }
    }

    /// For how long a queue keeps a callback, in milliseconds; 0 where it has none.
    fn keeps_ms(&self, queue: &QueueId) -> u64 {
        let known = self.config.acd.queues.iter().find(|known| known.queue == *queue);
        known.and_then(|known| known.callbacks).map_or(0, |rule| rule.keep_ms)
    }

    /// Whether a call is one by which a customer is called back.
    pub(crate) fn is_callback(&self, call: CallId) -> bool {
        self.calls.get(&call).is_some_and(|known| known.callback_of.is_some())
    }

    /// The engine ends: callbacks are kept for the next one, and nobody is called by this one.
    pub(crate) fn leave_callbacks(&mut self) {
        let entries: Vec<CallId> = self.callbacks.entries.keys().copied().collect();
        for call in entries {
            self.end_attempt(call);
            self.callbacks.remove(call);
            self.acd.handle_input(AcdInput::Callback(CallbackInput::Cancel { call }), self.now);
        }
    }
}
