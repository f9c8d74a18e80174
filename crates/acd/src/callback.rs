//! Callbacks: an entry of the line without a caller, who keeps the place and is called.
//!
//! A callback has the original time, head start and tiers of the call that asked for it, and that
//! call's id; it is chosen among the calls of its queue as they are. What differs is what follows:
//! agent first, the agent answers and then the customer is called; customer first, an agent is
//! reserved and rung when the customer has answered. From then on it is a call like any other.
//!
//! A customer who is not reached is tried again after a rest, with the same place. Every callback
//! ends exactly once ([`Output::CallbackEnded`](crate::Output::CallbackEnded)).

use std::time::Duration;

use model::{AgentId, CallId, MissedCause, Mono, OfferId, Permission, QueueId};

use crate::Acd;
use crate::call::{Call, Place};
use crate::overflow::Newcomer;

/// Callbacks that a queue may keep, unless it says otherwise.
pub const MAX_CALLBACKS: usize = 1_000;

/// Who calls back whom: a number of the customer's that says nothing about them, such as a keyed
/// hash of their telephone number. Made by who knows it; here it is compared only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party(pub u64);

/// Who is called first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum First {
    /// The agent, who then waits for the customer.
    Agent,
    /// The customer, while an agent is reserved.
    Customer,
}

/// How a queue calls back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackRule {
    /// Callbacks in it at once, at least 1; no more are taken then.
    pub max: usize,
    /// How often a customer is tried, at least 1.
    pub attempts: u32,
    /// How long until the next attempt, at least 1.
    pub retry_ms: u64,
    /// How long an attempt may take, at least 1.
    pub dial_timeout_ms: u64,
    /// How long a callback is kept after it was asked for, at least 1. One that is being tried is
    /// not cut short.
    pub keep_ms: u64,
}

impl Default for CallbackRule {
    /// Three attempts, five minutes apart, of 45 s at most; within a day.
    fn default() -> Self {
        Self {
            max: MAX_CALLBACKS,
            attempts: 3,
            retry_ms: 300_000,
            dial_timeout_ms: 45_000,
            keep_ms: 86_400_000,
        }
    }
}

impl CallbackRule {
    pub(crate) const fn makes_sense(&self) -> bool {
        let Self { max, attempts, retry_ms, dial_timeout_ms, keep_ms } = *self;
        max > 0 && attempts > 0 && retry_ms > 0 && dial_timeout_ms > 0 && keep_ms > 0
    }
}

/// How a callback ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallbackEnd {
    /// The customer answered.
    Reached,
    /// The last attempt was in vain.
    GaveUp,
    /// It was kept for as long as the queue keeps one.
    Expired,
    /// It was taken back.
    Cancelled,
    /// The customer dialled again, and this call has the place.
    Rejoined {
        /// Which call.
        by: CallId,
    },
}

/// Why a callback is not taken, or not joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoCallback {
    /// There is no such queue.
    UnknownQueue,
    /// The call does not wait in a queue, or is a callback already.
    NotWaiting,
    /// An agent is being offered the call: the caller should stay.
    BeingOffered,
    /// The queue calls nobody back.
    NotOffered,
    /// The queue has as many callbacks as it takes.
    Full,
    /// Nobody of the queue may do what the call needs.
    NobodyMay,
    /// The customer has a callback already.
    AskedAlready,
    /// The customer has no callback.
    NoneAsked,
    /// The queue is closed, or an emergency plan is on: nobody joins it.
    Closed,
    /// The call is in a queue, or with an agent.
    AlreadyKnown,
}

/// What the room is told about callbacks. What names a callback that is over is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackInput {
    /// A caller in line wants to be called back instead. That they hang up then changes nothing.
    Ask {
        /// Which call.
        call: CallId,
        /// Who.
        party: Party,
        /// Who is called first.
        first: First,
    },
    /// A customer who is in no line wants to be called back: from a page, or after a queue sent
    /// them elsewhere.
    Book {
        /// The entry's id, new.
        call: CallId,
        /// In which queue. Limits and hours of those who wait do not count; nobody is called while
        /// it is closed.
        queue: QueueId,
        /// What the agent must be allowed to do, if something special.
        permission: Option<Permission>,
        /// The time that counts for its place; not in the future.
        entered: Mono,
        /// How much earlier than that it is deemed to have entered.
        head_start_ms: u64,
        /// Who.
        party: Party,
        /// Who is called first.
        first: First,
    },
    /// Who has a callback calls again, or stays on the line after all: this call has the place.
    Rejoin {
        /// The call, new, or that which asked for the callback.
        call: CallId,
        /// Who.
        party: Party,
    },
    /// A callback is not wanted any more.
    Cancel {
        /// Which.
        call: CallId,
    },
    /// The customer who was called answered.
    Answered {
        /// Which callback.
        call: CallId,
    },
    /// The same, where the call by which they were called goes on under an id of its own, which is
    /// new: the entry's is that of the call that asked for it. What follows names `by`.
    AnsweredBy {
        /// Which callback.
        call: CallId,
        /// The call by which they were called.
        by: CallId,
    },
    /// The agent for whom the customer is being called gave up before they answered, or declined:
    /// who says so stops calling. The entry has its place again and no attempt less, and the agent
    /// has missed it as one who rejects an offer.
    AgentGaveUp {
        /// Which callback.
        call: CallId,
    },
    /// The customer who was called did not answer.
    Missed {
        /// Which callback.
        call: CallId,
        /// Why.
        cause: MissedCause,
    },
}

/// What the room decides about callbacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackOutput {
    /// An entry of the line is a callback from now on.
    Booked {
        /// Which.
        call: CallId,
        /// In which queue.
        queue: QueueId,
        /// The time that counts for its place: that of the call that asked for it.
        entered: Mono,
    },
    /// A callback was not taken, or not joined; nothing changed.
    Refused {
        /// Which call.
        call: CallId,
        /// Why.
        why: NoCallback,
    },
    /// Call the customer now.
    Dial {
        /// The reservation of the agent; with [`First::Customer`] it becomes an
        /// [`Output::Offer`](crate::Output::Offer) when the customer answers.
        offer: OfferId,
        /// Which callback.
        call: CallId,
        /// From which queue.
        queue: QueueId,
        /// For whom.
        agent: AgentId,
        /// Who is called first: whether the agent is on the line already.
        first: First,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// An attempt was in vain: stop calling. The agent is free.
    Missed {
        /// Which callback.
        call: CallId,
        /// From which queue.
        queue: QueueId,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// Why.
        cause: MissedCause,
        /// When it is tried again; `None` if that was the last one.
        again_at: Option<Mono>,
    },
    /// A callback is over; if the customer was being called for it, and was not reached, stop.
    Ended {
        /// Which.
        call: CallId,
        /// Of which queue.
        queue: QueueId,
        /// How.
        end: CallbackEnd,
    },
}

/// A callback as known before a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredCallback {
    /// The entry's id.
    pub call: CallId,
    /// In which queue.
    pub queue: QueueId,
    /// What the agent must be allowed to do, if something special.
    pub permission: Option<Permission>,
    /// Who.
    pub party: Party,
    /// Who is called first.
    pub first: First,
    /// How long ago it entered, in milliseconds: it has the place that it had, however long that
    /// is. Tiers and the time for which it is kept count anew.
    pub waited_ms: u64,
    /// Attempts that were in vain.
    pub attempts: u32,
    /// How long until the next one, in milliseconds; 0: at once.
    pub rests_ms: u64,
}

impl Acd {
    /// Takes over a callback as a restart found it, before any input; false where its queue, or
    /// what it asks for, is not configured any more, or it was tried often enough.
    pub fn restore_callback(&mut self, restored: &RestoredCallback, now: Mono) -> bool {
        self.handle_timeout(now);
        self.now = self.now.max(now);
        let &RestoredCallback { call: id, permission, party, first, attempts, .. } = restored;
        let Some(at) = self.queue_index(&restored.queue) else { return false };
        let queue = &self.queues[at as usize];
        let is_tried = queue.callbacks.is_some_and(|rule| attempts < rule.attempts);
        let (head_start_ms, may) = (queue.head_start_ms, queue.anyone_may(permission));
        let is_new = !self.calls.contains_key(&id) && self.takes_callback(at, party).is_ok();
        if !is_tried || !may || !is_new {
            return false;
        }
        let newcomer = Newcomer::new(id, permission, self.now, 0);
        let call = self.new_call(&newcomer, at);
        // Everyone else has entered after the restart: no head start can be as large as this.
        let waited_ms = head_start_ms.saturating_add(restored.waited_ms);
        let place = Place::new(id, self.now, waited_ms);
        let call = Call { place, head_start_ms: restored.waited_ms, ..call };
        let rests_until = self.now + Duration::from_millis(restored.rests_ms);
        let rests_until = (restored.rests_ms > 0).then_some(rests_until);
        let callback = Callback { party, first, attempts, booked: self.now };
        self.keep_callback(call, callback, rests_until);
        self.serve_more();
        self.tell_facts();
        true
    }
}

/// What makes an entry of the line a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) party: Party,
    pub(crate) first: First,
    /// Attempts that were in vain.
    pub(crate) attempts: u32,
    /// When it was asked for.
    pub(crate) booked: Mono,
}
