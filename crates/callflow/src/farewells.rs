//! Goodbyes to dialogs that no leg has: BYEs that a carrier challenges when their legs are gone
//! (RFC 3261 §22.3), and the ends of dialogs that late 2xx make (§13.2.2.4).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use call::{Farewell, Unwanted};
use model::{DialogSnapshot, Found, HangupCause, LegId, TrunkId};
use sip::digest::Account;
use sip::{
    Chance, ClientTx, Dialog, DialogId, Flow, FromBrain, MAX_FORKS, Message, Method, ToBrain,
};
use trunk::Trunk;

use crate::calls::LegEntry;
use crate::trunks::NO_LEG;
use crate::{Callflow, Output};

/// How many BYEs may wait for their final response with what a challenge is answered with. Each is
/// over after 64 × T1 (32 s) at the latest; one more leaves without, and ends our side as well.
const FAREWELLS_MAX: usize = 10_000;

/// How many dialogs that a late 2xx made are remembered: each copy of one is acknowledged, but the
/// BYE is sent once. One more forgets the oldest, whose next copy gets another BYE. Of one INVITE
/// they are [`MAX_FORKS`] at most: one more gets no BYE, for whoever had that INVITE could have us
/// send as many as they like to whom they like.
const LATE_MAX: usize = 256;

/// What is left of legs that are gone.
#[derive(Debug, Default)]
pub(crate) struct Farewells {
    /// BYEs that have no final response.
    open: Found<ClientTx, Box<Farewell>>,
    /// Dialogs of late 2xx that were told goodbye.
    late: VecDeque<DialogId>,
}

impl Farewells {
    fn keep(&mut self, tx: ClientTx, farewell: Box<Farewell>) {
        if self.open.len() < FAREWELLS_MAX {
            self.open.insert(tx, farewell);
        }
    }

    /// Whether a late 2xx is the first that makes this dialog, and one of the first of its INVITE.
    fn is_first(&mut self, dialog: &DialogId) -> bool {
        let is_sibling =
            |late: &&DialogId| late.call_id == dialog.call_id && late.local_tag == dialog.local_tag;
        let siblings = self.late.iter().filter(is_sibling).count();
        if self.late.contains(dialog) || siblings == MAX_FORKS {
            return false;
        }
        if self.late.len() == LATE_MAX {
            self.late.pop_front();
        }
        self.late.push_back(dialog.clone());
        true
    }
}

impl Callflow {
    /// A leg says goodbye.
    pub(crate) fn bid_farewell(
        &mut self,
        (message, flow): (Message, Flow),
        farewell: Option<Box<Farewell>>,
    ) {
        let tx = self.send(message, flow);
        if let Some(farewell) = farewell {
            self.farewells.keep(tx, farewell);
        }
    }

    /// What became of a BYE; false if it is about something else.
    pub(crate) fn handle_farewell_event(&mut self, event: &ToBrain) -> bool {
        match event {
            ToBrain::Response { tx, message, .. } => {
                if message.status().is_some_and(|status| status < 200) {
                    return self.farewells.open.contains_key(tx);
                }
                let Some(mut farewell) = self.farewells.open.remove(tx) else { return false };
                if let Some(again) = farewell.handle_response(message) {
                    self.bid_farewell(again, Some(farewell));
                }
                true
            }
            ToBrain::Timeout { tx } | ToBrain::TransportFailed { tx } => {
                self.farewells.open.remove(tx).is_some()
            }
            ToBrain::Request { .. }
            | ToBrain::Ack { .. }
            | ToBrain::Cancelled { .. }
            | ToBrain::AckTimeout { .. }
            | ToBrain::FlowClosed { .. } => false,
        }
    }

    /// A 2xx to an INVITE of ours that no leg knows: it came after we had given up and were done,
    /// or from one more phone that the INVITE was forked to. Whoever sent it is told goodbye, for
    /// they believe that they talk with us.
    pub(crate) fn refuse_late(&mut self, tx: ClientTx, answer: &Message, flow: &Flow) {
        let is_accepted = answer.status().is_some_and(|status| (200..300).contains(&status));
        if !is_accepted || answer.method() != Method::Invite {
            return;
        }
        let Some(unwanted) = Unwanted::of(answer, flow) else { return };
        // One more copy of what our re-INVITE was answered with: that dialog stands.
        let leg = self.leg_of_tag(&unwanted.id().local_tag);
        let entry = leg.and_then(|leg| self.legs.get(&leg));
        if entry.is_some_and(|entry| has_dialog(entry, unwanted.id())) {
            return;
        }
        let (message, flow) = (unwanted.ack.clone(), unwanted.flow());
        self.outputs.push_back(Output::Sip(FromBrain::Ack { tx, message, flow }));
        if self.farewells.is_first(unwanted.id()) {
            let (account, chance) = (self.account_at(&flow), self.farewell_chance(unwanted.id()));
            let (bye, flow, farewell) = unwanted.goodbye(account, chance);
            self.bid_farewell((bye, flow), farewell);
        }
    }

    /// Ends a dialog of a call that was lost, of `trunk` where that is known. It was written down
    /// only where the line's carrier was at the other end; what names lead to is not known yet.
    pub(crate) fn end_lost_dialog(&mut self, dialog: Dialog, trunk: Option<&TrunkId>) {
        let of_line = trunk.and_then(|line| self.config.trunks.iter().find(|one| one.id == *line));
        let account = match of_line {
            Some(line) => line.outward.as_ref().and_then(|outward| outward.account.clone()),
            None => self.account_at(&dialog.flow()),
        };
        let chance = self.farewell_chance(dialog.id());
        let (bye, flow, farewell) =
            Farewell::goodbye(dialog, HangupCause::EngineLost, account, chance);
        self.bid_farewell((bye, flow), farewell);
    }

    /// The line of a leg whose dialog goes to a host that may be told its account.
    pub(crate) fn line_of(&self, leg: LegId, dialog: &DialogSnapshot) -> Option<TrunkId> {
        let entry = self.legs.get(&leg)?;
        if !self.is_for(entry.leg.account()?, entry.host, dialog.remote.ip()) {
            return None;
        }
        match &entry.outbound {
            Some(outbound) => outbound.line().cloned(),
            None => self.calls.get(&entry.call).map(|known| known.trunk.clone()),
        }
    }

    /// What challenges from there are answered with: the account of the first line that has one and
    /// leads there or comes from there.
    fn account_at(&self, flow: &Flow) -> Option<Account> {
        let of_host = |trunk: &&Arc<Trunk>| self.is_host_of(trunk, flow.remote.ip());
        let trunks = self.config.trunks.iter().filter(of_host);
        trunks.filter_map(|trunk| trunk.outward.as_ref()?.account.clone()).next()
    }

    /// Whether an account may be told to a host: the one that its call came from or went to, or
    /// another of its line. Whoever calls could have named any other in their Contact, to be told
    /// there (RFC 3261 §22.4).
    pub(crate) fn is_for(&self, account: &Account, host: IpAddr, to: IpAddr) -> bool {
        let has_it = |trunk: &Trunk| {
            trunk.outward.as_ref().is_some_and(|outward| outward.account.as_ref() == Some(account))
        };
        let mut trunks = self.config.trunks.iter();
        host == to || trunks.any(|trunk| has_it(trunk) && self.is_host_of(trunk, to))
    }

    /// A challenge from, or for, a host that a leg's account is not for is left unanswered.
    pub(crate) fn guard_account(&mut self, leg: LegId, response: &Message, from: &Flow) {
        let (Some(401 | 407), Some(entry)) = (response.status(), self.legs.get(&leg)) else {
            return;
        };
        let Some(account) = entry.leg.account() else { return };
        let (host, hosts) = (entry.host, [entry.leg.flow(), from].map(|flow| flow.remote.ip()));
        if hosts.into_iter().all(|to| self.is_for(account, host, to)) {
            return;
        }
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.leg.forget_account();
        }
    }

    /// The chance of one goodbye: nobody outside can guess it, and a replay makes it again.
    fn farewell_chance(&self, dialog: &DialogId) -> Chance {
        let DialogId { call_id, local_tag, remote_tag } = dialog;
        let token = format!("farewell {call_id} {local_tag} {remote_tag}");
        let token = self.tokens.token(NO_LEG, &token);
        Chance(u64::from_str_radix(&token, 16).unwrap_or(0))
    }
}

fn has_dialog(entry: &LegEntry, dialog: &DialogId) -> bool {
    entry.dialog.as_ref() == Some(dialog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialogs_of_late_answers_are_remembered_up_to_a_limit() {
        let dialog = |number: usize| DialogId {
            call_id: number.to_string(),
            local_tag: "ours".to_owned(),
            remote_tag: number.to_string(),
        };
        let mut farewells = Farewells::default();
        assert!((0..=LATE_MAX).all(|number| farewells.is_first(&dialog(number))));
        assert!(!farewells.is_first(&dialog(LATE_MAX)) && !farewells.is_first(&dialog(1)));
        assert!(farewells.is_first(&dialog(0)), "the oldest is forgotten");
        assert_eq!(farewells.late.len(), LATE_MAX);
    }

    #[test]
    fn one_invite_gets_so_many_goodbyes_and_no_more() {
        let dialog = |call_id: &str, number: usize| DialogId {
            call_id: call_id.to_owned(),
            local_tag: "ours".to_owned(),
            remote_tag: number.to_string(),
        };
        let mut farewells = Farewells::default();
        assert!((0..MAX_FORKS).all(|number| farewells.is_first(&dialog("one", number))));
        let more = MAX_FORKS..2 * LATE_MAX;
        assert!(more.into_iter().all(|number| !farewells.is_first(&dialog("one", number))));
        assert!(farewells.is_first(&dialog("another", 0)));
        assert!(!farewells.is_first(&dialog("one", 0)), "none was forgotten for it");
    }
}
