//! Customers who are called back before the agent's phone rings: an agent is reserved and sees whom
//! it is about, the customer is called, and the phone rings as soon as they answer. Nobody is
//! answered by nobody: who picks up is a caller of the queue from then on, at its head.

use acd::{CallbackInput, Input as AcdInput};
use cti::CallPhase;
use model::{AgentId, CallId, FactBody, HangupCause, LegId, MissedCause, OfferId, QueueId};

use crate::Callflow;
use crate::calls::Stage;

impl Callflow {
    /// An agent is reserved: the screen pops, and the customer is called.
    pub(crate) fn dial_customer(
        &mut self,
        callback: CallId,
        offer: OfferId,
        queue: QueueId,
        agent: AgentId,
    ) {
        let place = self.acd.position(callback);
        let waited_ms = place.map_or(0, |place| self.now.ms_since(place.entered));
        let number = self.callbacks.get(callback).map(|entry| entry.number.clone());
        let begun = self.begin_attempt(callback, waited_ms);
        let (Some(number), Some(call)) = (number, begun) else {
            return self.customer_missed(callback, MissedCause::Error);
        };
        self.callbacks.await_customer(callback);
        self.pop(offer, call, queue, agent);
        let ways = self.config.trunks.ways_out(number.reveal()).unwrap_or_default();
        let customer = self.call_over(call, number.reveal(), ways);
        if let Some(known) = self.calls.get_mut(&call) {
            known.caller = customer;
        }
        self.publish_call(call, CallPhase::Dialling);
    }

    /// The callback for which a customer is being called while an agent is reserved.
    pub(crate) fn awaited_customer(&self, call: CallId) -> Option<CallId> {
        let callback = self.calls.get(&call)?.callback_of?;
        self.callbacks.awaits_customer(callback, call).then_some(callback)
    }

    /// The customer answered: a caller of the queue, for whom the reserved agent's phone rings now.
    /// False if nobody waits for that.
    pub(crate) fn customer_is_there(&mut self, call: CallId, leg: LegId) -> bool {
        let Some(callback) = self.awaited_customer(call) else { return false };
        let Some(known) = self.calls.get(&call).filter(|known| known.caller == leg) else {
            return false;
        };
        let Stage::Waiting { waiting, .. } = &known.stage else { return false };
        let (queue, entered) = (waiting.queue.clone(), self.now);
        let permission = waiting.permission.map(|permission| permission.as_str().to_owned());
        self.note(FactBody::CallAnswered { call });
        self.note(FactBody::Queued { call, queue, entered, permission });
        let answered = CallbackInput::AnsweredBy { call: callback, by: call };
        self.acd.handle_input(AcdInput::Callback(answered), self.now);
        self.play(call, self.config.prompts.callback.hello.clone(), false);
        true
    }

    /// The customer did not answer, or could not be called. False if nobody waits for that.
    pub(crate) fn customer_is_not_there(&mut self, call: CallId, cause: HangupCause) -> bool {
        let Some(callback) = self.awaited_customer(call) else { return false };
        self.customer_missed(callback, call::not_reached(cause));
        true
    }

    /// The reserved agent would rather not: the customer is not called any more, and loses nothing.
    pub(crate) fn decline_customer(
        &mut self,
        call: CallId,
        offer: OfferId,
        agent: &AgentId,
    ) -> bool {
        let Some(callback) = self.awaited_customer(call) else { return false };
        let (agent, cause) = (agent.clone(), MissedCause::Rejected);
        self.note(FactBody::Missed { call, offer, agent, cause });
        self.agent_gave_up(callback);
        true
    }

    /// The agent for whom a customer is being called is gone before they answered: no attempt of
    /// the customer's is used up.
    pub(crate) fn agent_gave_up(&mut self, callback: CallId) {
        self.end_attempt(callback);
        let gave_up = CallbackInput::AgentGaveUp { call: callback };
        self.acd.handle_input(AcdInput::Callback(gave_up), self.now);
    }
}
