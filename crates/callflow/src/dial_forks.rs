//! Of an agent who calls, or of a colleague who is called, all phones ring together, and the first
//! that answers has the call: what `forks` does for offers (RFC 3261 §16.6 and §16.7).
//!
//! One of them stands for all in the call, as its phone or as the one who is called; when that one
//! is over another takes its place.

use model::{CallId, HangupCause, LegId};

use crate::calls::{Opening, Stage};
use crate::dial::{DialStep, Dialled};
use crate::forks::{is_for_all, says};
use crate::phones::Contact;
use crate::{Callflow, Output};

/// The phones that ring beside the one that stands for all.
#[derive(Debug, Default)]
pub(crate) struct Also {
    pub(crate) legs: Vec<LegId>,
    /// Of how those ended that ring no more, what says most.
    said: Option<HangupCause>,
}

impl Also {
    /// One phone is over: what says most of all that are.
    fn note(&mut self, cause: HangupCause) -> HangupCause {
        let weight = |cause: HangupCause| says(call::missed(cause));
        let said = self.said.filter(|said| weight(*said) >= weight(cause)).unwrap_or(cause);
        self.said = Some(said);
        said
    }
}

impl Dialled {
    /// Where the call has a leg of the phones that ring.
    pub(crate) fn leg_mut(&mut self, leg: LegId) -> Option<&mut LegId> {
        let all = std::iter::once(&mut self.phone).chain(&mut self.also.legs);
        all.into_iter().find(|known| **known == leg)
    }
}

impl Callflow {
    /// Rings the agent's phones, the first by the leg that stands for all.
    pub(crate) fn ring_diallers(&mut self, call: CallId, first: LegId, contacts: Vec<Contact>) {
        let mut also = Vec::new();
        for (number, (flow, target, route)) in contacts.into_iter().enumerate() {
            let leg = if number == 0 { first } else { self.mint_leg() };
            self.opening.insert(leg, Opening::Dialler { call, flow, target, route });
            self.outputs.push_back(Output::OpenMedia { call, leg });
            also.extend((number > 0).then_some(leg));
        }
        self.rings_also(call, also);
    }

    /// These ring beside the one that stands for all.
    pub(crate) fn rings_also(&mut self, call: CallId, legs: Vec<LegId>) {
        if let Some(dialled) = self.dialled(call) {
            dialled.also = Also { legs, said: None };
        }
    }

    /// The leg that stands for all that ring now: the agent's, then the colleague's.
    fn foremost_dialled(&self, call: CallId) -> Option<LegId> {
        let known = self.calls.get(&call)?;
        let Stage::Dialled(dialled) = &known.stage else { return None };
        Some(match dialled.step {
            DialStep::Phone => dialled.phone,
            DialStep::Number { .. } => known.caller,
        })
    }

    /// One of the others stands for all from now on, the one before beside it; false if it is none
    /// of them.
    fn put_first(&mut self, call: CallId, leg: LegId) -> bool {
        let Some(first) = self.foremost_dialled(call) else { return false };
        let Some(known) = self.calls.get_mut(&call) else { return false };
        let Stage::Dialled(dialled) = &mut known.stage else { return false };
        let Some(place) = dialled.also.legs.iter_mut().find(|other| **other == leg) else {
            return false;
        };
        *place = first;
        // Who calls a queue is the caller, too.
        if known.caller == first {
            known.caller = leg;
        }
        if dialled.step == DialStep::Phone {
            dialled.phone = leg;
        }
        true
    }

    /// A phone of the colleague's rings: the agent hears that, whatever the others do.
    pub(crate) fn put_first_who_rings(&mut self, call: CallId, leg: LegId) {
        let Some(Dialled { step: DialStep::Number { rings: false }, .. }) = self.dialled(call)
        else {
            return;
        };
        self.put_first(call, leg);
    }

    /// A phone of the agent's who calls answered: it has the call, and the others stop. False if
    /// it rings for something else.
    pub(crate) fn take_dialler(&mut self, call: CallId, leg: LegId) -> bool {
        let Some(step) = self.dialled(call).map(|dialled| dialled.step) else { return false };
        if step == DialStep::Phone {
            self.put_first(call, leg);
        }
        let is_it = self.dialled(call).is_some_and(|dialled| dialled.phone == leg);
        if is_it && step == DialStep::Phone {
            self.stop_also(call);
        }
        is_it
    }

    /// The same for who is called.
    pub(crate) fn take_callee(&mut self, call: CallId, leg: LegId) -> bool {
        let step = self.dialled(call).map(|dialled| dialled.step);
        let is_called = matches!(step, Some(DialStep::Number { .. }));
        if is_called {
            self.put_first(call, leg);
        }
        let is_it = self.calls.get(&call).is_some_and(|known| known.caller == leg);
        if is_it && is_called {
            self.stop_also(call);
        }
        is_it
    }

    /// The other phones hear that the call was completed elsewhere (RFC 3326 §2).
    fn stop_also(&mut self, call: CallId) {
        let also = self.dialled(call).map(|dialled| std::mem::take(&mut dialled.also));
        for leg in also.unwrap_or_default().legs {
            self.hang_up_leg(leg, HangupCause::AnsweredElsewhere);
        }
    }

    /// A leg is over: nothing more is to be done where others ring on. Else it is over for what
    /// says most of those that rang.
    pub(crate) fn lose_dialled(
        &mut self,
        call: CallId,
        leg: LegId,
        cause: HangupCause,
    ) -> Option<HangupCause> {
        let first = self.foremost_dialled(call);
        let Some(dialled) = self.dialled(call) else { return Some(cause) };
        let next = dialled.also.legs.first().copied();
        let rang = first == Some(leg) || dialled.also.legs.contains(&leg);
        // Agents speak for all their phones on the desktop, and some phones do so themselves.
        let for_all = is_for_all(cause) || cause == HangupCause::AgentHangUp;
        if rang && for_all {
            self.put_first(call, leg);
            return Some(cause);
        }
        match next.filter(|_| rang) {
            Some(next) if first == Some(leg) => drop(self.put_first(call, next)),
            Some(_) => {}
            None if rang => return Some(dialled.also.note(cause)),
            None => return Some(cause),
        }
        let dialled = self.dialled(call)?;
        dialled.also.legs.retain(|other| *other != leg);
        dialled.also.note(cause);
        // That one may ring already, and the agent who calls hears so.
        self.tell_own(call);
        None
    }

    /// A phone cannot be rung, or says nothing at all.
    pub(crate) fn dialled_phone_lost(&mut self, call: CallId, leg: LegId, cause: HangupCause) {
        if let Some(cause) = self.lose_dialled(call, leg, cause) {
            self.end_dialled(call, cause);
        }
    }
}
