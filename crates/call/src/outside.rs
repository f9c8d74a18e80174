//! A leg to the outside: its carrier's challenges (RFC 3261 §22.3), how long it is waited for, and
//! other ways where one fails (RFC 3263 §4.3).

use model::{HangupCause, Mono};
use sdp::Suite;
use sip::digest::Account;
use sip::{Message, Method};

use crate::challenge::Credentials;
use crate::leg::{Description, Invitation, Leg, Output, Seen, Stage};
use crate::outgoing::Ask;
use crate::token::Tokens;

/// The other side was alerted and nobody answered (Q.850 §2.2.7).
const NO_ANSWER: HangupCause = HangupCause::Q850(19);

/// What a call to the outside needs beyond one to a phone of ours.
#[derive(Debug, Clone)]
pub struct Outside {
    /// What challenges are answered with: for this way's host, and for the realm it names alone.
    pub account: Option<Account>,
    /// When this way is given up if nothing at all has been heard on it.
    pub respond_by: Mono,
    /// When the call is given up if nobody has answered.
    pub answer_by: Mono,
}

/// Why a way does not lead to the called one; another may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    cause: HangupCause,
    /// Whether its INVITE has no final response: it was cancelled, and 2xx and CANCEL may cross.
    is_open: bool,
}

impl Lost {
    /// A way whose INVITE has its final response.
    pub(crate) const fn closed(cause: HangupCause) -> Self {
        Self { cause, is_open: false }
    }
}

impl Leg {
    /// The carrier asks who calls: the same INVITE once more with what answers it, if anything does
    /// and it was not refused before. Whether it leaves.
    pub(crate) fn answer_challenge(&mut self, response: &Message) -> bool {
        let cnonce = format!("{:016x}", self.chance.below(u64::MAX));
        let Stage::Outgoing(outgoing) = &mut self.stage else { return false };
        let Ask { invitation, credentials, .. } = &mut outgoing.ask;
        let account = invitation.outside.as_ref().and_then(|outside| outside.account.as_ref());
        let request = (Method::Invite, &*invitation.target);
        let is_answered = credentials.answer(response, account, request, &cnonce);
        if is_answered {
            self.invite_once_more();
        }
        is_answered
    }

    /// This way has failed, `by` a status or by silence; `told` is why, as the other side has it.
    /// For a leg to the outside that is not the end yet.
    pub(crate) fn lose_way(
        &mut self,
        (by, told): (HangupCause, HangupCause),
        retry_after_s: Option<u32>,
    ) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        if let Some(given_up) = outgoing.cancelled {
            return self.end(given_up);
        }
        let is_worth_it = leads_elsewhere(by) || (outgoing.has_others && is_ones_own(by));
        if outgoing.ask.invitation.outside.is_none() || !is_worth_it {
            return self.end(told);
        }
        outgoing.lost = Some(Lost::closed(told));
        self.outputs.push_back(Output::Unreachable { cause: by, retry_after_s });
    }

    /// Calls the same party another way, after [`Output::Unreachable`]: a new request in the same
    /// call, with a number and keys of its own: who was asked first is not to hear what the next
    /// one is told. Nothing where no way was lost.
    pub fn invite_again(
        &mut self,
        tokens: &Tokens,
        invitation: Invitation,
        description: Description,
    ) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        if outgoing.lost.take().is_none() {
            return;
        }
        let invite = outgoing.invite.cseq().map_or(1, |cseq| cseq.number) + 1;
        self.keys = Suite::ALL.map(|suite| tokens.master_key(self.id, suite, invite));
        self.remember_invite();
        self.flow = invitation.flow;
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        outgoing.ask.invitation = invitation;
        outgoing.seen = Seen::Nothing;
        outgoing.heard = false;
        outgoing.early.clear();
        outgoing.tags.clear();
        outgoing.ask.credentials = Credentials::default();
        outgoing.too_small = 0;
        outgoing.ask.min_se_s = description.session.min_se_s;
        self.description = description;
        self.negotiation.begin_again();
        if let Some(local_media) = self.local_media {
            let offer = self.negotiation.offer(&self.capabilities(local_media));
            if let Stage::Outgoing(outgoing) = &mut self.stage {
                outgoing.ask.offer = offer;
            }
        }
        self.invite_once_more();
    }

    /// There is no other way, after [`Output::Unreachable`]: [`Output::Ended`] follows, at once
    /// unless an INVITE may still be answered.
    pub fn give_up(&mut self) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        match outgoing.lost.take() {
            Some(Lost { cause, is_open: false }) => self.end(cause),
            Some(Lost { cause, is_open: true }) => outgoing.cancelled = Some(cause),
            None => {}
        }
    }

    /// We give up while another way is looked for.
    pub(crate) fn hang_up_between(&mut self, lost: Lost, cause: HangupCause) {
        if let Stage::Outgoing(outgoing) = &mut self.stage {
            outgoing.lost = Some(Lost { cause, ..lost });
        }
        self.give_up();
    }

    /// Until when a call that is not answered is waited for, and why.
    pub(crate) fn patience(&self) -> Option<(Mono, &'static str)> {
        let Stage::Outgoing(outgoing) = &self.stage else { return None };
        let outside = outgoing.ask.invitation.outside.as_ref()?;
        if outgoing.cancelled.is_some() || outgoing.lost.is_some() {
            return None;
        }
        let answer = (outside.answer_by, "the called party's answer");
        let respond = (!outgoing.heard).then_some((outside.respond_by, "the carrier's response"));
        respond.into_iter().chain([answer]).min()
    }

    /// Nobody answered in time, or not even the carrier.
    pub(crate) fn lose_patience(&mut self, now: Mono) {
        if self.patience().is_none_or(|(at, _)| at > now) {
            return;
        }
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let answer_by = outgoing.ask.invitation.outside.as_ref().map(|outside| outside.answer_by);
        if answer_by.is_some_and(|at| at <= now) {
            return self.hang_up(NO_ANSWER, 480);
        }
        let cause = HangupCause::TransactionTimeout;
        outgoing.lost = Some(Lost { cause, is_open: true });
        self.outputs.push_back(Output::Cancel(crate::reason(cause)));
        self.outputs.push_back(Output::Unreachable { cause, retry_after_s: None });
    }
}

/// Whether another way may lead to the called one where this one ended so: the server failed, was
/// overloaded or not there (RFC 3261 §21.5, RFC 3263 §4.3). What the called one says itself, or
/// what is wrong with the request, is the same on every way.
const fn leads_elsewhere(cause: HangupCause) -> bool {
    match cause {
        HangupCause::Response(status) => matches!(status, 408 | 430 | 500..=599),
        HangupCause::TransactionTimeout | HangupCause::TransportError => true,
        HangupCause::RemoteBye
        | HangupCause::RemoteCancel
        | HangupCause::LocalBye
        | HangupCause::AgentHangUp
        | HangupCause::AnsweredElsewhere
        | HangupCause::AckTimeout
        | HangupCause::MediaTimeout
        | HangupCause::SessionExpired
        | HangupCause::Q850(_)
        | HangupCause::EngineLost => false,
    }
}

/// Whether a refusal speaks for the one who was called and for no other (RFC 3261 §21.6).
const fn is_ones_own(cause: HangupCause) -> bool {
    matches!(cause, HangupCause::Response(300..=599))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_says_of_itself_leads_elsewhere() {
        for status in [408, 430, 500, 502, 503, 504, 580] {
            assert!(leads_elsewhere(HangupCause::Response(status)), "{status}");
        }
        for status in [302, 401, 403, 404, 407, 480, 484, 486, 487, 488, 600, 603, 604] {
            assert!(!leads_elsewhere(HangupCause::Response(status)), "{status}");
        }
        assert!(leads_elsewhere(HangupCause::TransportError));
        assert!(!leads_elsewhere(HangupCause::LocalBye));
    }
}
