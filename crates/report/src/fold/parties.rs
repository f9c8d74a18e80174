//! Who else is in a call: legs that come and go, transfers and how they end.

use model::{
    Direction, Fact, FactBody, HangupCause, LegId, LegRole, LineQuality, Target, TransferEnd, Wall,
};

use super::{Fold, Moment, Service, begun, push_bounded};
use crate::record::{CallLeg, CallRecord, Transfer};

impl Fold {
    /// Someone is brought into the call.
    pub(super) fn bring_in(&mut self, fact: &Fact) -> bool {
        let now = Moment::of(fact);
        match &fact.body {
            FactBody::Dialled { leg, number, .. } => {
                self.join(begun(*leg, LegRole::Number(number.clone()), fact.wall))
            }
            // Who calls inside has their leg from the start of the call.
            FactBody::PhoneRung { leg, agent, .. } if self.leg(*leg).is_none() => {
                self.join(begun(*leg, LegRole::Agent(agent.clone()), fact.wall))
            }
            FactBody::TransferBegun { by, to, kind, by_phone, .. } => {
                let transfer = Transfer {
                    by: by.clone(),
                    to: to.clone(),
                    kind: *kind,
                    by_phone: *by_phone,
                    at: fact.wall,
                    end: None,
                    ended: None,
                };
                push_bounded(&mut self.record.transfers, transfer, CallRecord::TRANSFER_LIMIT)
            }
            FactBody::TransferEnded { to, end, .. } => self.end_transfer(to, *end, fact.wall),
            FactBody::GuestAnswered { .. } => {
                self.stop_ringing(now, |_| true);
                false
            }
            FactBody::CallTaken { leg, role, .. } => self.take(*leg, role, now),
            _ => false,
        }
    }

    pub(super) fn join(&mut self, leg: CallLeg) -> bool {
        push_bounded(&mut self.record.legs, leg, CallRecord::LEG_LIMIT)
    }

    pub(super) fn leg(&mut self, leg: LegId) -> Option<&mut CallLeg> {
        self.record.legs.iter_mut().find(|known| known.leg == leg)
    }

    /// The leg of the number that an agent called: the first to it, for whoever else is brought in
    /// comes after its answer.
    pub(super) fn called(&self) -> Option<LegId> {
        let is_called = |leg: &&CallLeg| match &leg.role {
            LegRole::Number(number) => *number == self.record.ani,
            LegRole::Caller | LegRole::Agent(_) => false,
        };
        self.record.legs.iter().find(is_called).map(|leg| leg.leg)
    }

    /// Someone else has the call; the conversation with the caller goes on.
    pub(super) fn take(&mut self, leg: LegId, role: &LegRole, now: Moment) -> bool {
        self.stop_ringing(now, |_| true);
        self.record.agent = role.agent().cloned().or_else(|| self.record.agent.clone());
        let since = match self.service {
            Service::Talking { since, .. } => since,
            Service::None | Service::Talked | Service::Acw { .. } | Service::Over => now,
        };
        self.service = Service::Talking { leg, since };
        true
    }

    pub(super) fn end_transfer(&mut self, to: &Target, end: TransferEnd, at: Wall) -> bool {
        let open = |transfer: &&mut Transfer| transfer.end.is_none() && transfer.to == *to;
        let Some(transfer) = self.record.transfers.iter_mut().rev().find(open) else {
            return false;
        };
        transfer.end = Some(end);
        transfer.ended = Some(at);
        true
    }

    /// A leg's end changes no record by itself: the call's end will. How good its line was.
    pub(super) fn let_go(&mut self, fact: &Fact) -> bool {
        match &fact.body {
            FactBody::LegEnded { leg, role, cause, measured, .. } => {
                self.unmeasured += usize::from(*measured);
                self.end_leg(*leg, role, *cause, fact)
            }
            FactBody::LegMeasured { leg, quality, .. } => self.measure(*leg, *quality),
            _ => false,
        }
    }

    /// How good a leg's line was. The record is written again when the last one is known.
    fn measure(&mut self, leg: LegId, quality: LineQuality) -> bool {
        self.unmeasured = self.unmeasured.saturating_sub(1);
        if let Some(known) = self.leg(leg) {
            known.quality = Some(quality);
        }
        self.unmeasured == 0
    }

    fn end_leg(&mut self, leg: LegId, role: &LegRole, cause: HangupCause, fact: &Fact) -> bool {
        let now = Moment::of(fact);
        self.dialogs.retain(|dialog| dialog.leg != leg);
        if let Some(known) = self.leg(leg) {
            known.ended = Some(fact.wall);
            known.cause = Some(cause);
        }
        let caller = match role {
            LegRole::Caller => true,
            // Who was called has the caller's place.
            LegRole::Number(_) => {
                self.record.direction == Direction::Outbound && self.called() == Some(leg)
            }
            LegRole::Agent(_) => false,
        };
        if caller || self.ringing.iter().any(|ringing| ringing.leg == leg) {
            self.stop_ringing(now, |ringing| caller || ringing.leg == leg);
        }
        if caller || self.service.is_talking_on(leg) {
            self.stop_talking(now);
        }
        if caller {
            self.stop_waiting(now);
        }
        false
    }
}
