//! How a leg answers an INVITE that came (RFC 3261 §13.3).

use std::net::SocketAddr;

use model::{HangupCause, LegId, LegRole, Mono, Transport};
use sip::{Dialog, Flow, Message, Method, ServerTx};

use crate::early::requires_reliable;
use crate::leg::{Description, Established, Incoming, Leg, Output, Stage};
use crate::negotiation::description_in;
use crate::session;
use crate::{Tokens, reason};

/// SDP's media type.
pub(crate) const SDP: &str = "application/sdp";

/// The longest that a peer is asked to wait with what came at the wrong time, in seconds
/// (RFC 3261 §14.2).
const RETRY_AFTER_MAX_S: u64 = 10;

impl Leg {
    /// The leg of an INVITE that came.
    pub fn incoming(
        id: LegId,
        role: LegRole,
        tokens: &Tokens,
        (tx, invite, flow): (ServerTx, Message, Flow),
        description: Description,
    ) -> Self {
        let stage =
            Stage::Incoming(Box::new(Incoming { tx, invite, reliable: None, account: None }));
        Self::new(id, role, tokens, flow, stage, description)
    }

    /// Answers the INVITE that came with 200, receiving media at `local_media`. An INVITE without
    /// an offer gets ours (RFC 3261 §13.2.1); one that requires 100rel is told first that it
    /// rings, and gets its 200 when that is acknowledged (RFC 3262 §3).
    ///
    /// Where there is no common ground the INVITE is answered 488, a body that is no SDP 400 or
    /// 415, and the leg ends.
    pub fn accept(&mut self, local_media: SocketAddr, now: Mono) {
        let Stage::Incoming(incoming) = &self.stage else { return };
        let reliably = requires_reliable(&incoming.invite);
        self.local_media = Some(local_media);
        match reliably {
            true => self.answer_reliably(now),
            false => self.answer_call(now),
        }
    }

    /// Whether an INVITE is a browser's, by what it offers; of one that offers nothing it is what
    /// its `way` here says.
    pub fn is_of_browser(invite: &Message, way: Transport) -> bool {
        match description_in(invite) {
            Ok(Some(offer)) => offer.is_of_browser(),
            Ok(None) => way.is_web(),
            Err(_) => false,
        }
    }

    /// The 200.
    pub(crate) fn answer_call(&mut self, now: Mono) {
        let (Stage::Incoming(incoming), Some(local_media)) = (&mut self.stage, self.local_media)
        else {
            return;
        };
        let (tx, invite) = (incoming.tx, incoming.invite.clone());
        let early = incoming.reliable.take();
        let is_answered = early.as_ref().is_some_and(|sent| sent.has_answer());
        let early = early.map(|sent| sent.dialog);
        let account = incoming.account.take();
        let mut answered_by_ack = None;
        let body = match description_in(&invite) {
            Err(status) => return self.hang_up(HangupCause::Response(status), status),
            // What was said reliably is not said again (RFC 3262 §5).
            Ok(Some(_)) if is_answered => None,
            Ok(Some(offer)) => match self.answer_offer(&offer, local_media) {
                Ok((answer, _)) => Some(answer),
                Err(status) => return self.hang_up(HangupCause::Response(status), status),
            },
            // Offer and answer were in the provisional response and its PRACK.
            Ok(None) if self.negotiation.agreed().is_some() => None,
            Ok(None) => {
                answered_by_ack = invite.cseq().map(|cseq| cseq.number);
                let capabilities = self.capabilities(local_media);
                Some(self.negotiation.offer(&capabilities))
            }
        };
        let limits = self.description.session;
        let interval = session::answer(&invite, limits, None);
        let mut response = session::announce(self.full_response(&invite, 200), interval);
        if let Some(body) = body {
            response = response.body(SDP, body.as_bytes());
        }
        let response = response.build();
        let Some(dialog) = early.or_else(|| Dialog::uas(&invite, &response, &self.flow)) else {
            return self.hang_up(HangupCause::Response(400), 400);
        };
        let dialog = dialog.with_phone(self.is_phone());
        self.outputs.push_back(Output::Respond { tx, message: response });
        let mut established = Established::new(dialog, &invite, false);
        established.answered_by_ack = answered_by_ack;
        established.account = account;
        established.restart(interval, now);
        self.establish(established);
    }

    /// The ACK of a 2xx of ours came: the answer to our offer may be in it. A call whose first
    /// offer is not answered there has no media and ends; a later one stays as it was.
    pub fn handle_ack(&mut self, ack: &Message) {
        let Stage::Established(established) = &mut self.stage else { return };
        let number = ack.cseq().map(|cseq| cseq.number);
        if established.answered_by_ack.is_none() || established.answered_by_ack != number {
            return;
        }
        established.answered_by_ack = None;
        let answer = description_in(ack).and_then(|answer| answer.ok_or(400));
        match answer.and_then(|answer| self.negotiation.accept(&answer)) {
            Ok(true) => self.outputs.push_back(Output::MediaChanged),
            Ok(false) => {}
            Err(_) => {
                self.negotiation.withdraw();
                if self.negotiation.agreed().is_none() {
                    self.hang_up(HangupCause::Response(488), 488);
                }
            }
        }
    }

    /// The caller cancelled their INVITE: 487 (RFC 3261 §9.2).
    pub fn handle_cancelled(&mut self, cancel: &Message) {
        if matches!(self.stage, Stage::Incoming(_)) {
            let cause = reason::read_cause(cancel, HangupCause::RemoteCancel);
            self.hang_up(cause, 487);
        }
    }

    /// Our 2xx was never acknowledged: the dialog is there and gets a BYE (RFC 3261 §13.3.1.4).
    pub fn handle_ack_timeout(&mut self) {
        if matches!(self.stage, Stage::Established(_)) {
            self.hang_up(HangupCause::AckTimeout, 408);
        }
    }

    /// Before the answer only few requests mean something.
    pub(crate) fn handle_early_request(&mut self, tx: ServerTx, request: &Message, now: Mono) {
        let Stage::Incoming(incoming) = &mut self.stage else {
            return self.answer(tx, request, 481);
        };
        if let Some(sent) = &mut incoming.reliable
            && let Err(refusal) = sent.dialog.accept_request(request)
        {
            return self.answer(tx, request, refusal.status);
        }
        match request.method() {
            // It gives the call up (RFC 3261 §15).
            Method::Bye => {
                self.answer(tx, request, 200);
                self.hang_up(reason::read_cause(request, HangupCause::RemoteBye), 487);
            }
            Method::Prack => self.handle_prack(tx, request, now),
            // Their INVITE has no answer yet (RFC 3261 §14.2, RFC 3311 §5.2).
            Method::Invite | Method::Update => self.ask_to_wait(tx, request),
            Method::Options => self.answer_options(tx, request),
            Method::Info => self.pass_over_info(tx, request),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Refer
            | Method::Notify
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other => self.answer(tx, request, 481),
        }
    }

    /// 500 with a time to try again.
    pub(crate) fn ask_to_wait(&mut self, tx: ServerTx, request: &Message) {
        let seconds = self.chance.below(RETRY_AFTER_MAX_S + 1);
        let message = self.response(request, 500).header("Retry-After", seconds).build();
        self.outputs.push_back(Output::Respond { tx, message });
    }
}
