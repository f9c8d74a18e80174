//! What the other side asks for inside the dialog: re-INVITE, UPDATE, INFO, OPTIONS, REFER,
//! BYE.

use model::{HangupCause, Mono};
use sip::{Flow, Message, Method, ServerTx};

use crate::incoming::SDP;
use crate::leg::{ALLOW, Leg, Output, Stage, allows_update, tell_abilities};
use crate::negotiation::description_in;
use crate::reason;
use crate::session;

impl Leg {
    /// A request with our tag in To.
    pub fn handle_request(&mut self, tx: ServerTx, request: &Message, flow: Flow, now: Mono) {
        if self.is_referrals(request) {
            return self.handle_referrals_request(tx, request);
        }
        let established = match &mut self.stage {
            Stage::Established(established) => established,
            Stage::Outgoing(_) => return self.handle_ringing_request(tx, request),
            Stage::Incoming(_) | Stage::Terminated => {
                return self.handle_early_request(tx, request, now);
            }
        };
        // RFC 3261 §12.2.2: a number that is not higher is out of order, 500.
        if let Err(refusal) = established.dialog.accept_request(request) {
            let message = refusal.response(request, &self.tag);
            return self.outputs.push_back(Output::Respond { tx, message });
        }
        established.dialog.came_by(flow);
        if request.method() != Method::Bye {
            self.follow();
        }
        match request.method() {
            Method::Bye => {
                self.answer(tx, request, 200);
                self.end(reason::read_cause(request, HangupCause::RemoteBye));
            }
            Method::Invite | Method::Update => self.handle_change(tx, request, now),
            Method::Info => self.handle_info(tx, request),
            Method::Options => self.answer_options(tx, request),
            Method::Refer => self.handle_refer(tx, request),
            Method::Subscribe => self.handle_subscribe(tx, request),
            // Nothing of ours waits for one any more (RFC 3262 §3).
            Method::Prack => self.answer(tx, request, 481),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Notify
            | Method::Message
            | Method::Publish
            | Method::Other => {
                let message = self.response(request, 405).header("Allow", ALLOW).build();
                self.outputs.push_back(Output::Respond { tx, message });
            }
        }
    }

    /// Whether a re-INVITE or UPDATE comes at a time when it can be served (RFC 3261 §14.2,
    /// RFC 3311 §5.2).
    fn handle_change(&mut self, tx: ServerTx, request: &Message, now: Mono) {
        let Stage::Established(established) = &mut self.stage else { return };
        let is_invite = request.method() == Method::Invite;
        let pending = established.pending.as_ref().map(|pending| pending.cseq.method);
        let crosses = match (is_invite, pending) {
            (true, Some(Method::Invite)) => true,
            // An offer of ours is on its way, or waits for its answer in an ACK.
            (_, _) => self.negotiation.is_offering() && (is_invite || !request.body().is_empty()),
        };
        if crosses {
            return self.answer(tx, request, 491);
        }
        established.takes_update |= allows_update(request);
        let limits = self.description.session;
        if let Some(min_se_s) = session::interval_too_small(request, limits) {
            let message = self.response(request, 422).header("Min-SE", min_se_s).build();
            return self.outputs.push_back(Output::Respond { tx, message });
        }
        self.change(tx, request, now);
    }

    /// RFC 3261 §14: a new offer, or the wish for ours, or a sign that the session lasts.
    fn change(&mut self, tx: ServerTx, request: &Message, now: Mono) {
        let Some(local_media) = self.local_media else { return self.answer(tx, request, 500) };
        let is_invite = request.method() == Method::Invite;
        let (mut body, mut changed) = (None, false);
        match description_in(request) {
            Ok(Some(offer)) => match self.answer_offer(&offer, local_media) {
                Ok((answer, is_new)) => (body, changed) = (Some(answer), is_new),
                // RFC 3261 §14.2: what was agreed on before stays.
                Err(status) => return self.answer(tx, request, status),
            },
            Ok(None) if is_invite => {
                let capabilities = self.capabilities(local_media);
                body = Some(self.negotiation.offer(&capabilities));
            }
            Ok(None) => {}
            Err(status) => return self.answer(tx, request, status),
        }
        let is_offering = self.negotiation.is_offering();
        let limits = self.description.session;
        let mut response = self.full_response(request, 200);
        if let Stage::Established(established) = &mut self.stage {
            if is_invite && is_offering {
                established.answered_by_ack = request.cseq().map(|cseq| cseq.number);
            }
            let refresher = established.timer.map(|timer| timer.interval.refresher);
            let interval = session::answer(request, limits, refresher);
            established.restart(interval, now);
            response = session::announce(response, interval);
        }
        if let Some(body) = body {
            response = response.body(SDP, body.as_bytes());
        }
        self.outputs.push_back(Output::Respond { tx, message: response.build() });
        if changed {
            self.outputs.push_back(Output::MediaChanged);
        }
    }

    /// What we can (RFC 3261 §11.2).
    pub(crate) fn answer_options(&mut self, tx: ServerTx, request: &Message) {
        let message = tell_abilities(self.response(request, 200), self.description.session).build();
        self.outputs.push_back(Output::Respond { tx, message });
    }
}
