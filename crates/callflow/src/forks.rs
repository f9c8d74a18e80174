//! Several phones of one agent ring together, and the first that answers has the call: RFC 3261
//! §16.6 and §16.7 as far as they are the business of who rings for an agent, RFC 5359 §2.12.

use model::{AgentId, CallId, HangupCause, LegId, MissedCause, OfferId};

use crate::Callflow;
use crate::calls::Offer;
use crate::phones::Instance;
use crate::timers::Timer;

/// A phone that rings for an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fork {
    /// Its leg, from the moment its port is asked for.
    pub(crate) leg: LegId,
    /// Whether it has said anything.
    pub(crate) responds: bool,
}

impl Offer {
    pub(crate) const fn new(offer: OfferId, agent: AgentId, instance: Option<Instance>) -> Self {
        Self { offer, agent, instance, forks: Vec::new(), rings: false, missed: None }
    }

    /// The legs to the agent's phones that ring; once one of them has answered, that one alone.
    pub(crate) fn legs(&self) -> impl Iterator<Item = LegId> + '_ {
        self.forks.iter().map(|fork| fork.leg)
    }

    /// The first of them: the one that answered, once one has.
    pub(crate) fn leg(&self) -> Option<LegId> {
        self.legs().next()
    }

    pub(crate) fn has_leg(&self, leg: LegId) -> bool {
        self.legs().any(|known| known == leg)
    }

    pub(crate) fn add_leg(&mut self, leg: LegId) {
        self.forks.push(Fork { leg, responds: false });
    }

    pub(crate) fn leg_mut(&mut self, leg: LegId) -> Option<&mut LegId> {
        self.forks.iter_mut().map(|fork| &mut fork.leg).find(|known| **known == leg)
    }

    /// One phone did not take the call: why the agent has missed it, if no other phone rings on.
    fn lose(&mut self, leg: LegId, cause: MissedCause) -> Option<MissedCause> {
        let before = self.forks.len();
        self.forks.retain(|fork| fork.leg != leg);
        if self.forks.len() == before {
            return None;
        }
        let said = self.missed.filter(|said| says(*said) >= says(cause)).unwrap_or(cause);
        self.missed = Some(said);
        self.forks.is_empty().then_some(said)
    }
}

/// How much an answer says of the agent, and not of a telephone: of those of several phones the
/// one that says most is why the agent missed the call (RFC 3261 §16.7 step 6 chooses for whoever
/// could ask again, which nobody does here).
pub(crate) const fn says(cause: MissedCause) -> u8 {
    match cause {
        MissedCause::Rejected => 4,
        MissedCause::Busy => 3,
        MissedCause::NoAnswer => 2,
        MissedCause::Error => 1,
        MissedCause::Unreachable => 0,
    }
}

/// Whether a phone has spoken for the agent wherever they are (RFC 3261 §21.6): then no other one
/// rings on (§16.7 step 5).
pub(crate) const fn is_for_all(cause: HangupCause) -> bool {
    matches!(cause, HangupCause::Response(600..=699))
}

impl Callflow {
    /// One phone of the agent's has answered: the others stop ringing, and hear that the call was
    /// completed elsewhere (RFC 3326 §2).
    pub(crate) fn stop_other_phones(&mut self, call: CallId, leg: LegId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(offer) = known.offer_by(leg).map(|offer| offer.offer) else { return };
        let Some(offer) = known.offer_mut(offer) else { return };
        let others: Vec<Fork> = offer.forks.extract_if(.., |fork| fork.leg != leg).collect();
        for other in others {
            self.stop_phone(other.leg, HangupCause::AnsweredElsewhere);
        }
    }

    /// A phone that waits for its port is let go when it has one.
    pub(crate) fn stop_phone(&mut self, leg: LegId, cause: HangupCause) {
        self.with_leg(leg, |entry| entry.leg.hang_up(cause, 480));
    }

    /// A phone that rang for an offer is over. The others ring on, unless it has spoken for all;
    /// after the last one the agent has missed the call.
    pub(crate) fn phone_refused(&mut self, call: CallId, leg: LegId, cause: HangupCause) {
        let known = self.calls.get_mut(&call);
        let Some(offer) = known.and_then(|known| known.offer_by(leg)).map(|offer| offer.offer)
        else {
            return;
        };
        let missed = call::missed(cause);
        match is_for_all(cause) {
            true => self.miss(offer, missed),
            false => self.lose_phone(call, (offer, leg), missed),
        }
    }

    /// One phone does not take the call.
    pub(crate) fn lose_phone(
        &mut self,
        call: CallId,
        (id, leg): (OfferId, LegId),
        cause: MissedCause,
    ) {
        let known = self.calls.get_mut(&call);
        let Some(offer) = known.and_then(|known| known.offer_mut(id)) else { return };
        if let Some(cause) = offer.lose(leg, cause) {
            self.timers.stop(call, Timer::PhoneResponds(id));
            return self.miss(id, cause);
        }
        self.stop_listening(call, id);
    }

    /// A phone says something; one that was given up may do so while another one is awaited.
    pub(crate) fn phone_responds(&mut self, call: CallId, leg: LegId) {
        let Some(known) = self.calls.get_mut(&call) else { return };
        let Some(id) = known.offer_by(leg).map(|offer| offer.offer) else { return };
        let forks = known.offer_mut(id).into_iter().flat_map(|offer| &mut offer.forks);
        for fork in forks.filter(|fork| fork.leg == leg) {
            fork.responds = true;
        }
        self.stop_listening(call, id);
    }

    /// Once each phone that rings has said something no sign of life is waited for.
    fn stop_listening(&mut self, call: CallId, id: OfferId) {
        let offer = self.calls.get(&call).and_then(|known| known.offer(id));
        if offer.is_some_and(|offer| offer.forks.iter().all(|fork| fork.responds)) {
            self.timers.stop(call, Timer::PhoneResponds(id));
        }
    }

    /// Phones that have said nothing at all for too long are given up.
    pub(crate) fn give_up_silent(&mut self, call: CallId, id: OfferId) {
        let Some(offer) = self.calls.get(&call).and_then(|known| known.offer(id)) else { return };
        let silent = offer.forks.iter().filter(|fork| !fork.responds).map(|fork| fork.leg);
        for leg in silent.collect::<Vec<_>>() {
            self.lose_phone(call, (id, leg), MissedCause::Unreachable);
            self.stop_phone(leg, HangupCause::LocalBye);
        }
    }

    /// A phone of the agent's is rung.
    pub(crate) fn note_rung(&mut self, agent: &AgentId, leg: LegId) {
        let legs = &self.legs;
        let rung = self.rung.entry(agent.clone()).or_default();
        rung.retain(|known| legs.contains_key(known));
        rung.push(leg);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Id;

    fn leg(number: u64) -> LegId {
        LegId(Id(number))
    }

    fn rung(phones: u64) -> Offer {
        let mut offer = Offer::new(OfferId::default(), "8001".into(), None);
        (1..=phones).for_each(|number| offer.add_leg(leg(number)));
        offer
    }

    #[test]
    fn an_offer_is_missed_with_its_last_phone_for_what_says_most_of_the_agent() {
        use MissedCause::{Busy, Error, NoAnswer, Rejected, Unreachable};
        for (answers, cause) in [
            ([Busy, Unreachable, Error], Busy),
            ([Unreachable, Rejected, Busy], Rejected),
            ([Unreachable, Unreachable, Error], Error),
            ([Error, Unreachable, NoAnswer], NoAnswer),
        ] {
            let mut offer = rung(3);
            assert_eq!(offer.lose(leg(1), answers[0]), None);
            assert_eq!(offer.lose(leg(1), Rejected), None, "it is out already");
            assert_eq!(offer.lose(leg(2), answers[1]), None);
            assert_eq!(offer.lose(leg(3), answers[2]), Some(cause));
        }
    }

    #[test]
    fn only_who_speaks_for_the_agent_everywhere_stops_the_other_phones() {
        for (status, all) in [(486, false), (480, false), (302, false), (600, true), (603, true)] {
            assert_eq!(is_for_all(HangupCause::Response(status)), all, "{status}");
        }
        assert!(!is_for_all(HangupCause::TransactionTimeout));
    }
}
