//! One dialog in the place of another (RFC 3891): another phone of the agent takes over the
//! agent's own leg, and a phone that has asked someone joins the two (RFC 5589 §7).

use std::collections::VecDeque;

use call::{LegState, Replaces};
use model::{AgentId, CallId, FactBody, HangupCause, LegId, LegRole};
use sip::{DialogId, Message, Uri};

use crate::Callflow;
use crate::calls::{LegEntry, Stage};
use crate::conversation::{Guest, Step};
use crate::own_calls::Begun;

/// How many of the agents' dialogs are remembered after their end: one more forgets the oldest,
/// and a Replaces that names it is answered 481 in place of 603.
const ENDED_MAX: usize = 256;

const BAD_REQUEST: u16 = 400;
const FORBIDDEN: u16 = 403;
const NO_SUCH_DIALOG: u16 = 481;
const BUSY: u16 = 486;
const DECLINE: u16 = 603;

/// Dialogs of agents' phones that are over.
#[derive(Debug, Default)]
pub(crate) struct Ended(VecDeque<DialogId>);

impl Ended {
    pub(crate) fn keep(&mut self, dialog: DialogId) {
        if self.0.len() == ENDED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(dialog);
    }

    fn has(&self, replaces: &Replaces) -> bool {
        self.0.iter().any(|dialog| {
            dialog.call_id == replaces.call_id
                && dialog.local_tag == replaces.to_tag
                && dialog.remote_tag == replaces.from_tag
        })
    }
}

impl Callflow {
    /// An INVITE of `agent` with Replaces: what it takes the place of (RFC 3891 §3).
    pub(crate) fn replace(&mut self, agent: &AgentId, invite: &Message) -> Result<Begun, u16> {
        let replaces = named_in(invite)?;
        let entry = self.legs.get(&self.named_by(&replaces)?).ok_or(NO_SUCH_DIALOG)?;
        if entry.leg.role().agent() != Some(agent) {
            return Err(FORBIDDEN);
        }
        may_be_replaced(entry, &replaces)?;
        Ok(Begun { call: entry.call, replaces: Some(entry.leg.id()) })
    }

    /// What a line is answered that sends an INVITE with Replaces: only an agent's phone may take a
    /// place, and only one of its own. The header is judged first, so that 403 says no more than
    /// that the dialog is not the line's to take (RFC 3891 §3).
    pub(crate) fn refuse_replaces(&self, invite: &Message) -> u16 {
        let judged = named_in(invite).and_then(|replaces| {
            let entry = self.legs.get(&self.named_by(&replaces)?).ok_or(NO_SUCH_DIALOG)?;
            may_be_replaced(entry, &replaces)
        });
        judged.err().unwrap_or(FORBIDDEN)
    }

    /// The leg whose dialog a Replaces names: 603 where that is over, 481 where there is none.
    pub(crate) fn named_by(&self, replaces: &Replaces) -> Result<LegId, u16> {
        let leg = self.leg_of_tag(&replaces.to_tag);
        let entry = leg.and_then(|leg| self.legs.get(&leg));
        match entry.filter(|entry| entry.leg.is_named_by(replaces)) {
            Some(entry) => Ok(entry.leg.id()),
            None if self.ended.has(replaces) => Err(DECLINE),
            None => Err(NO_SUCH_DIALOG),
        }
    }

    /// A dialog of an agent's phone is over.
    pub(crate) fn keep_ended(&mut self, entry: &LegEntry) {
        if let (LegRole::Agent(_), Some(dialog)) = (entry.leg.role(), &entry.dialog) {
            self.ended.keep(dialog.clone());
        }
    }

    /// `new` was answered: it has the place of `old`, which is ended (RFC 3891 §3).
    pub(crate) fn take_place(&mut self, call: CallId, old: LegId, new: LegId) {
        let Some(before) = self.legs.get(&old).map(|entry| entry.leg.state()) else {
            return self.hang_up_leg(new, HangupCause::LocalBye);
        };
        let role = self.legs.get(&new).map(|entry| entry.leg.role().clone());
        let Some(role) = role.filter(|_| self.put_in_place(call, old, new)) else {
            return self.hang_up_leg(new, HangupCause::LocalBye);
        };
        if let Some(agent) = role.agent() {
            self.note_rung(agent, new);
        }
        if before == LegState::Established {
            self.note(FactBody::CallTaken { call, leg: new, role });
            self.hang_up_leg(old, HangupCause::LocalBye);
            self.bridge(call);
        } else {
            self.hang_up_leg(old, HangupCause::LocalBye);
            self.phone_answered(call, new);
        }
    }

    /// Puts a leg in the place of another wherever the call has that one.
    fn put_in_place(&mut self, call: CallId, old: LegId, new: LegId) -> bool {
        let Some(known) = self.calls.get_mut(&call) else { return false };
        if known.caller == old {
            return known.put_caller_in_place(new);
        }
        let place = match &mut known.stage {
            Stage::Waiting { offers, .. } => offers.iter_mut().find_map(|offer| offer.leg_mut(old)),
            Stage::Dialled(dialled) => dialled.leg_mut(old),
            Stage::Connected(conversation) => {
                let holder = conversation.holder.as_mut().map(|holder| &mut holder.leg);
                match holder.filter(|leg| **leg == old) {
                    Some(leg) => Some(leg),
                    None => conversation.talk.guest_mut().and_then(|guest| leg_of(guest, old)),
                }
            }
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        };
        let Some(place) = place.filter(|leg| **leg == old) else { return false };
        *place = new;
        true
    }

    /// A REFER with Replaces on `leg`: the phone has asked someone by a call of its own, and gives
    /// the caller to them; none where it has no Replaces. Both dialogs are the phone's, in one call
    /// (RFC 5589 §7.3): whichever of the two the REFER came in, the other one is named.
    ///
    /// # Errors
    /// The status by which an INVITE with that Replaces would be refused.
    pub(crate) fn joined_by_refer(
        &self,
        (call, leg): (CallId, LegId),
        uri: &Uri<'_>,
    ) -> Option<Result<(), u16>> {
        let replaces = Replaces::in_uri(uri)?;
        Some(self.joined_by((call, leg), &replaces))
    }

    fn joined_by(&self, (call, leg): (CallId, LegId), replaces: &Replaces) -> Result<(), u16> {
        let other = self.named_by(replaces)?;
        let conversation = self.calls.get(&call).and_then(|known| known.conversation());
        let holder = conversation.and_then(|talk| talk.holder.as_ref()).map(|party| party.leg);
        let own = conversation.and_then(|talk| talk.guest()).and_then(|guest| guest.own);
        let (Some(holder), Some(own)) = (holder, own) else { return Err(NO_SUCH_DIALOG) };
        if (leg, other) != (holder, own) && (leg, other) != (own, holder) {
            return Err(NO_SUCH_DIALOG);
        }
        match self.legs.get(&other).map(|entry| entry.leg.state()) {
            Some(LegState::Established) if replaces.early_only => Err(BUSY),
            Some(LegState::Established) => Ok(()),
            // The one who is asked still rings. Only who began an early dialog may be told to
            // replace it (RFC 3891 §3), and that is the phone: it waits for the answer, or cancels
            // and gives the call away without asking (RFC 5589 §7.6).
            Some(
                LegState::Incoming
                | LegState::Outgoing
                | LegState::Ringing
                | LegState::Early
                | LegState::Terminated,
            )
            | None => Err(NO_SUCH_DIALOG),
        }
    }
}

/// The dialog that an INVITE with Replaces names.
///
/// # Errors
/// 400: several, or one beside what else joins dialogs, mean nothing; nor does half of one.
pub(crate) fn named_in(invite: &Message) -> Result<Replaces, u16> {
    let mut values = invite.headers("Replaces");
    let (value, more) = (values.next().unwrap_or_default(), values.next());
    if more.is_some() || invite.header("Join").is_some() {
        return Err(BAD_REQUEST);
    }
    Replaces::parse(value).ok_or(BAD_REQUEST)
}

/// Whether the state of a dialog allows another in its place.
fn may_be_replaced(entry: &LegEntry, replaces: &Replaces) -> Result<(), u16> {
    match entry.leg.state() {
        LegState::Established if replaces.early_only => Err(BUSY),
        // An early dialog that the other side began cannot be replaced here.
        LegState::Incoming | LegState::Terminated => Err(NO_SUCH_DIALOG),
        LegState::Outgoing | LegState::Ringing | LegState::Early | LegState::Established => Ok(()),
    }
}

/// The leg of a guest, or of who asks, that is `old`.
fn leg_of(guest: &mut Guest, old: LegId) -> Option<&mut LegId> {
    if guest.own == Some(old) {
        return guest.own.as_mut();
    }
    match &mut guest.step {
        Step::Queued => None,
        Step::Offered(offer) => offer.leg_mut(old),
        Step::Called { leg, .. } | Step::Answered { leg } => Some(leg),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog(number: usize) -> DialogId {
        DialogId {
            call_id: format!("call-{number}"),
            local_tag: "ours".to_owned(),
            remote_tag: "theirs".to_owned(),
        }
    }

    fn named(number: usize) -> Replaces {
        let value = format!("call-{number};to-tag=ours;from-tag=theirs");
        Replaces::parse(&value).expect("it names a dialog")
    }

    #[test]
    fn ended_dialogs_are_remembered_up_to_a_limit() {
        let mut ended = Ended::default();
        for number in 0..=ENDED_MAX {
            ended.keep(dialog(number));
        }
        assert!(!ended.has(&named(0)), "the oldest is forgotten");
        assert!(ended.has(&named(1)) && ended.has(&named(ENDED_MAX)));
        assert_eq!(ended.0.len(), ENDED_MAX);
        let swapped = Replaces::parse("call-1;to-tag=theirs;from-tag=ours").expect("it names one");
        assert!(!ended.has(&swapped), "the tags are told apart");
    }
}
