//! How a leg calls someone, and what the responses mean (RFC 3261 §13.2).

use std::net::SocketAddr;

use model::{HangupCause, LegId, LegRole, Mono};
use sip::{CSeq, Dialog, Flow, MAX_FORKS, Message, Method, RequestBuilder, ServerTx};

use crate::challenge::Credentials;
use crate::incoming::SDP;
use crate::leg::{Description, Established, Invitation, Leg, Output, Seen, Stage};
use crate::negotiation::description_in;
use crate::outside::Lost;
use crate::reliable::Early;
use crate::{Tokens, reason, session};

/// How often an INVITE is sent again because an interval was too small: once for each proxy that
/// may know better than the one before (RFC 4028 §7.3).
const TOO_SMALL_MAX: u8 = 4;

/// All that our INVITE is made of.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) invitation: Invitation,
    call_id: String,
    pub(crate) offer: String,
    /// What the challenges so far were answered with.
    pub(crate) credentials: Credentials,
    /// The least interval that the way to the phone agrees to.
    pub(crate) min_se_s: u32,
}

/// An INVITE of ours that has no final response.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) ask: Ask,
    pub(crate) invite: Message,
    pub(crate) seen: Seen,
    /// Whether anything has come on this way.
    pub(crate) heard: bool,
    /// This way has failed, and another is looked for.
    pub(crate) lost: Option<Lost>,
    /// We gave up, and wait for the final response.
    pub(crate) cancelled: Option<HangupCause>,
    /// Whether another is left to be called if this one refuses.
    pub(crate) has_others: bool,
    /// Phones that ring reliably (RFC 3262).
    pub(crate) early: Vec<Early>,
    /// The tags of all that have answered provisionally, at most [`MAX_FORKS`] of them.
    pub(crate) tags: Vec<String>,
    /// How often we learned of a longer interval, and how often we were challenged.
    pub(crate) too_small: u8,
}

impl Outgoing {
    /// The early dialog of the phone with that tag.
    pub(crate) fn early_of(&mut self, tag: &str) -> Option<&mut Early> {
        self.early.iter_mut().find(|early| early.dialog.remote_tag() == tag)
    }
}

impl Leg {
    /// A leg that calls someone, receiving media at `local_media`.
    pub fn outgoing(
        id: LegId,
        role: LegRole,
        tokens: &Tokens,
        invitation: Invitation,
        local_media: SocketAddr,
        description: Description,
    ) -> Self {
        let flow = invitation.flow;
        let mut leg = Self::new(id, role, tokens, flow, Stage::Terminated, description);
        leg.local_media = Some(local_media);
        let ask = Ask {
            invitation,
            call_id: tokens.call_id(id),
            offer: leg.negotiation.offer(&leg.capabilities(local_media)),
            credentials: Credentials::default(),
            min_se_s: leg.description.session.min_se_s,
        };
        let invite = leg.invite(&ask, 1);
        leg.outputs.push_back(Output::Invite { message: invite.clone(), flow });
        leg.stage = Stage::Outgoing(Box::new(Outgoing {
            ask,
            invite,
            seen: Seen::Nothing,
            heard: false,
            lost: None,
            cancelled: None,
            has_others: false,
            early: Vec::new(),
            tags: Vec::new(),
            too_small: 0,
        }));
        leg
    }

    fn invite(&self, ask: &Ask, number: u32) -> Message {
        let Ask { invitation, call_id, offer, credentials, min_se_s } = ask;
        let mut request = RequestBuilder::new(Method::Invite, &invitation.target);
        for route in &invitation.route {
            request = request.header("Route", format_args!("<{route}>"));
        }
        request = request
            .from(&invitation.from, &self.tag)
            .to(&format!("<{}>", invitation.to), None)
            .call_id(call_id)
            .cseq(number);
        request = self.introduce(request, &invitation.target);
        let expires_s = self.description.session.expires_s;
        if expires_s > 0 {
            request = request
                .header("Session-Expires", expires_s.max(*min_se_s))
                .header("Min-SE", min_se_s);
        }
        for (name, value) in &invitation.headers {
            request = request.header(name, value);
        }
        for (name, value) in credentials.headers() {
            request = request.header(name.as_str(), value);
        }
        request.body(SDP, offer.as_bytes()).build()
    }

    /// The INVITE once more as it now has to be, with the next number.
    pub(crate) fn invite_once_more(&mut self) {
        let Stage::Outgoing(outgoing) = &self.stage else { return };
        let number = outgoing.invite.cseq().map_or(1, |cseq| cseq.number) + 1;
        let message = self.invite(&outgoing.ask, number);
        let flow = outgoing.ask.invitation.flow;
        if let Stage::Outgoing(outgoing) = &mut self.stage {
            outgoing.invite = message.clone();
        }
        self.outputs.push_back(Output::Invite { message, flow });
    }

    /// A response to a request of ours.
    pub fn handle_response(&mut self, response: &Message, flow: Flow, now: Mono) {
        let (Some(status), Some(cseq)) = (response.status(), response.cseq()) else { return };
        match &self.stage {
            // A PRACK may be challenged; what else it is answered with changes nothing.
            Stage::Outgoing(_) if cseq.method != Method::Invite => {
                self.answer_prack_challenge(response, cseq);
            }
            // What a way that was given up answers after all.
            Stage::Outgoing(outgoing) if outgoing.invite.cseq() != Some(cseq) => {
                if (200..300).contains(&status) {
                    self.refuse_fork(response, flow);
                }
            }
            Stage::Outgoing(_) => match status {
                100..=199 => self.handle_provisional(response, status, flow),
                200..=299 => self.handle_success(response, flow, now),
                _ => self.handle_failure(response, status),
            },
            Stage::Established(established) => {
                let pending = established.pending.as_ref();
                if pending.is_some_and(|pending| pending.cseq == cseq) {
                    self.handle_pending_response(response, status, flow, now);
                } else if (200..300).contains(&status) && cseq.method == Method::Invite {
                    let tag = response.to().and_then(|to| to.tag()).unwrap_or("");
                    if established.dialog.remote_tag() != tag {
                        self.refuse_fork(response, flow);
                    }
                }
            }
            Stage::Terminated => {
                if (200..300).contains(&status) && cseq.method == Method::Invite {
                    self.refuse_fork(response, flow);
                }
            }
            Stage::Incoming(_) => {}
        }
    }

    /// Nobody answered the request of ours with this CSeq (RFC 3261 §17.1, timers B and F).
    pub fn handle_no_response(&mut self, cseq: CSeq, cause: HangupCause, now: Mono) {
        match &self.stage {
            Stage::Outgoing(outgoing) => {
                if outgoing.invite.cseq() == Some(cseq) {
                    self.lose_way((cause, cause), None);
                }
            }
            Stage::Established(_) => self.handle_pending_lost(cseq, cause, now),
            Stage::Incoming(_) | Stage::Terminated => {}
        }
    }

    fn handle_provisional(&mut self, response: &Message, status: u16, flow: Flow) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let given_up = outgoing.cancelled.is_some();
        outgoing.heard = true;
        let before = outgoing.seen;
        match status {
            180 => outgoing.seen = Seen::Ringing,
            183 => outgoing.seen = Seen::Early,
            _ => {}
        }
        self.outputs.push_back(Output::Progressed);
        if status == 180 && before != Seen::Ringing && !given_up {
            self.outputs.push_back(Output::Ringing);
        }
        if status > 100 {
            self.know_early(response);
            self.acknowledge_reliable(response, flow);
        }
    }

    /// Who answered provisionally, and what they let us hear before the answer (RFC 3261 §13.2.1).
    fn know_early(&mut self, response: &Message) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let tag = response.to().and_then(|to| to.tag()).unwrap_or("");
        if outgoing.tags.len() < MAX_FORKS && outgoing.tags.iter().all(|known| known != tag) {
            outgoing.tags.push(tag.to_owned());
        }
        let given_up = outgoing.cancelled.is_some();
        let is_renewed = outgoing.early_of(tag).is_some_and(|early| early.renewed.is_some());
        if let Ok(Some(answer)) = description_in(response)
            && !(given_up || is_renewed)
            && self.negotiation.preview(&answer)
        {
            self.outputs.push_back(Output::SendsEarly);
        }
    }

    fn handle_failure(&mut self, response: &Message, status: u16) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let learned = session::min_se(response);
        let is_more = status == 422 && learned > outgoing.ask.min_se_s;
        let given_up = outgoing.cancelled.is_some();
        if is_more && outgoing.too_small < TOO_SMALL_MAX && !given_up {
            // RFC 4028 §7.3: the same once more, with the interval that the way asks for.
            outgoing.ask.min_se_s = learned;
            outgoing.too_small += 1;
            outgoing.early.clear();
            self.invite_once_more();
        } else if (300..400).contains(&status) && !given_up {
            self.handle_redirect(response, status);
        } else if given_up || !self.answer_challenge(response) {
            // RFC 6432: the network may say more than the status does.
            let by = HangupCause::Response(status);
            let told = reason::read_cause(response, by);
            self.lose_way((by, told), response.retry_after_s());
        }
    }

    fn handle_success(&mut self, response: &Message, flow: Flow, now: Mono) {
        self.remember_invite();
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let (invite, cancelled) = (outgoing.invite.clone(), outgoing.cancelled);
        let early = std::mem::take(&mut outgoing.early);
        let min_se_s = outgoing.ask.min_se_s;
        let outside = outgoing.ask.invitation.outside.as_ref();
        let account = outside.and_then(|outside| outside.account.clone());
        let Some(dialog) = Dialog::uac(&invite, response, &flow) else {
            return self.end(HangupCause::Response(500));
        };
        let mut dialog = dialog.with_phone(self.is_phone());
        let early = early.into_iter().find(|one| one.dialog.id() == dialog.id());
        if let Some(early) = &early {
            dialog.go_on(&early.dialog);
        }
        self.flow = dialog.flow();
        let message = dialog.ack(&invite).build();
        self.outputs.push_back(Output::Ack { message, flow: self.flow });
        if let Some(cause) = cancelled {
            self.send_bye(dialog, account, cause);
            return self.end(cause);
        }
        match self.conclude(response, early) {
            Ok(()) => {
                let mut established = Established::new(dialog, response, true);
                established.min_se_s = min_se_s;
                established.account = account;
                established.restart(session::agreed(response, self.description.session), now);
                self.establish(established);
            }
            Err(status) => {
                let cause = HangupCause::Response(status);
                self.send_bye(dialog, account, cause);
                self.end(cause);
            }
        }
    }

    /// What is agreed on with who answers, by the 2xx or by what came reliably before it (RFC 3262
    /// §5).
    fn conclude(&mut self, response: &Message, early: Option<Early>) -> Result<(), u16> {
        let (answer, renewed) =
            early.map(|early| (early.answer, early.renewed)).unwrap_or_default();
        if let Some(renewed) = renewed {
            self.negotiation.settle(renewed);
            return Ok(());
        }
        let answer = description_in(response)?.or(answer).ok_or(400_u16)?;
        self.negotiation.accept(&answer).map(|_| ())
    }

    /// A request of the called phone before its answer. An offer has to wait until ours is answered
    /// (RFC 3311 §5.2).
    pub(crate) fn handle_ringing_request(&mut self, tx: ServerTx, request: &Message) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let tag = request.from().and_then(|from| from.tag()).unwrap_or("");
        let Some(early) = outgoing.early_of(tag) else { return self.answer(tx, request, 481) };
        let refused = early.dialog.accept_request(request).err().map(|refusal| refusal.status);
        let is_answered = early.answer.is_some();
        match (refused, request.method()) {
            (Some(status), _) => self.answer(tx, request, status),
            (None, Method::Update) if request.body().is_empty() => {
                let message = self.full_response(request, 200).build();
                self.outputs.push_back(Output::Respond { tx, message });
            }
            (None, Method::Update) if is_answered => self.renew_early(tx, request),
            (None, Method::Update) => self.answer(tx, request, 491),
            (None, Method::Options) => self.answer_options(tx, request),
            (None, Method::Info) => self.pass_over_info(tx, request),
            // RFC 3261 §15: who is called does not end an early dialog by BYE.
            (None, _) => self.answer(tx, request, 481),
        }
    }

    /// The called phone offers anew before its 2xx, after its answer to our offer came reliably
    /// (RFC 3311 §5.1). Other phones may still answer what we offered.
    fn renew_early(&mut self, tx: ServerTx, request: &Message) {
        let Some(local_media) = self.local_media else { return self.answer(tx, request, 500) };
        let answered = description_in(request)
            .and_then(|offer| self.answer_offer(&offer.ok_or(400_u16)?, local_media));
        let (answer, changed) = match answered {
            Ok(answered) => answered,
            Err(status) => return self.answer(tx, request, status),
        };
        let response = self.full_response(request, 200).body(SDP, answer.as_bytes());
        self.outputs.push_back(Output::Respond { tx, message: response.build() });
        let renewed = self.negotiation.agreed().copied();
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let tag = request.from().and_then(|from| from.tag()).unwrap_or("");
        if let Some(early) = outgoing.early_of(tag) {
            early.renewed = renewed;
        }
        if changed {
            self.outputs.push_back(Output::SendsEarly);
        }
    }
}
