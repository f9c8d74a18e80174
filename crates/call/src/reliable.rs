//! Reliable provisional responses (RFC 3262): ours until their PRACK, theirs with ours.

use std::time::Duration;

use model::{HangupCause, Mono};
use sdp::{Negotiated, Session};
use sip::{CSeq, Dialog, Flow, MAX_FORKS, Message, Method, Name, ServerTx, T1, T1_64};

use crate::challenge::Credentials;
use crate::incoming::SDP;
use crate::leg::{Leg, Output, Stage};
use crate::negotiation::description_in;

/// The highest first RSeq, without and with this (§3).
const FIRST_RSEQ_BOUND: u64 = 1 << 31;

/// Our provisional response that waits for its PRACK.
#[derive(Debug)]
pub(crate) struct Reliable {
    pub(crate) dialog: Dialog,
    response: Message,
    rseq: u64,
    interval: Duration,
    repeat_at: Mono,
    gives_up_at: Mono,
}

impl Reliable {
    pub(crate) fn next_at(&self) -> Mono {
        self.repeat_at.min(self.gives_up_at)
    }

    /// Whether `prack` acknowledges it: RAck names its RSeq and its INVITE (§7.2).
    fn is_acknowledged_by(&self, prack: &Message) -> bool {
        let Some(rack) = prack.first(Name::RAck) else { return false };
        let mut words = rack.split_ascii_whitespace();
        let numbers = [words.next(), words.next()].map(|word| word.and_then(|w| w.parse().ok()));
        let invite = self.response.cseq().map(|cseq| u64::from(cseq.number));
        numbers == [Some(self.rseq), invite] && words.next() == Some("INVITE")
    }
}

/// The other side's early dialog: one for each phone that answers our INVITE.
#[derive(Debug)]
pub(crate) struct Early {
    pub(crate) dialog: Dialog,
    /// The RSeq that was acknowledged last.
    rseq: u32,
    /// The answer to our offer, if a reliable response had it (§5).
    pub(crate) answer: Option<Session>,
    /// What was agreed on after that by an offer of theirs (RFC 3311 §5.1).
    pub(crate) renewed: Option<Negotiated>,
    /// Our last PRACK.
    prack: Option<Message>,
    /// The answers that it carries.
    credentials: Credentials,
}

impl Early {
    fn new(dialog: Dialog, rseq: u32) -> Self {
        Self {
            dialog,
            rseq: rseq.wrapping_sub(1),
            answer: None,
            renewed: None,
            prack: None,
            credentials: Credentials::default(),
        }
    }

    /// Our PRACK for what `rack` names (§7.2).
    fn acknowledge(&mut self, rack: &str) -> Message {
        let prack = self.dialog.request(Method::Prack).header("RAck", rack);
        let headers = self.credentials.headers().iter();
        let prack = headers.fold(prack, |prack, (name, value)| prack.header(name.as_str(), value));
        let prack = prack.build();
        self.prack = Some(prack.clone());
        prack
    }
}

impl Leg {
    /// Tells the caller reliably that it rings. An INVITE without an offer gets ours here, for the
    /// first reliable response has to have it (§5).
    pub(crate) fn ring_reliably(&mut self, now: Mono) {
        let (Stage::Incoming(incoming), Some(local_media)) = (&self.stage, self.local_media) else {
            return;
        };
        let (tx, invite) = (incoming.tx, incoming.invite.clone());
        let rseq = 1 + self.chance.below(FIRST_RSEQ_BOUND - 1);
        let offer = match description_in(&invite) {
            Ok(Some(_)) => None,
            Ok(None) => Some(self.negotiation.offer(&self.capabilities(local_media))),
            Err(status) => return self.hang_up(HangupCause::Response(status), status),
        };
        let status = if offer.is_some() { 183 } else { 180 };
        let mut response =
            self.full_response(&invite, status).header("Require", "100rel").header("RSeq", rseq);
        if let Some(offer) = offer {
            response = response.body(SDP, offer.as_bytes());
        }
        let response = response.build();
        let Some(dialog) = Dialog::uas(&invite, &response, &self.flow) else {
            return self.hang_up(HangupCause::Response(400), 400);
        };
        self.outputs.push_back(Output::Respond { tx, message: response.clone() });
        if let Stage::Incoming(incoming) = &mut self.stage {
            incoming.reliable = Some(Reliable {
                dialog,
                response,
                rseq,
                interval: T1,
                repeat_at: now + T1,
                gives_up_at: now + T1_64,
            });
        }
    }

    /// Repeats it, each time after twice as long; in the end the INVITE is refused (§3).
    pub(crate) fn repeat_reliable(&mut self, now: Mono) {
        let Stage::Incoming(incoming) = &mut self.stage else { return };
        let Some(sent) = &mut incoming.reliable else { return };
        if now >= sent.gives_up_at {
            return self.hang_up(HangupCause::TransactionTimeout, 504);
        }
        if now >= sent.repeat_at {
            sent.interval *= 2;
            sent.repeat_at = now + sent.interval;
            let message = sent.response.clone();
            self.outputs.push_back(Output::Respond { tx: incoming.tx, message });
        }
    }

    /// The PRACK: the call is answered now.
    pub(crate) fn handle_prack(&mut self, tx: ServerTx, prack: &Message, now: Mono) {
        let Stage::Incoming(incoming) = &self.stage else {
            return self.answer(tx, prack, 481);
        };
        if !incoming.reliable.as_ref().is_some_and(|sent| sent.is_acknowledged_by(prack)) {
            return self.answer(tx, prack, 481);
        }
        if self.negotiation.is_offering() {
            let answer = description_in(prack).and_then(|answer| answer.ok_or(400));
            if let Err(status) = answer.and_then(|answer| self.negotiation.accept(&answer)) {
                self.answer(tx, prack, status);
                return self.hang_up(HangupCause::Response(status), status);
            }
        }
        self.answer(tx, prack, 200);
        self.answer_call(now);
    }

    /// Acknowledges a reliable provisional response to our INVITE (§4): once, and in order.
    pub(crate) fn acknowledge_reliable(&mut self, response: &Message, flow: Flow) {
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let is_reliable = response.all(Name::Require).any(|tag| tag.eq_ignore_ascii_case("100rel"));
        let rseq = response.first(Name::RSeq).and_then(|value| value.trim().parse::<u32>().ok());
        let (true, Some(rseq), Some(number)) = (is_reliable, rseq, response.cseq()) else { return };
        let tag = response.to().and_then(|to| to.tag()).unwrap_or("");
        let known = outgoing.early.iter().position(|early| early.dialog.remote_tag() == tag);
        let at = known.unwrap_or(outgoing.early.len());
        if known.is_none() {
            let dialog = Dialog::uac(&outgoing.invite, response, &flow);
            let Some(dialog) = dialog.filter(|_| at < MAX_FORKS) else { return };
            outgoing.early.push(Early::new(dialog, rseq));
        }
        let Some(early) = outgoing.early.get_mut(at) else { return };
        if rseq != early.rseq.wrapping_add(1) {
            // Again, or one before it is missing: that one will come again, too.
            return;
        }
        early.rseq = rseq;
        if let Ok(Some(answer)) = description_in(response) {
            early.answer.get_or_insert(answer);
        }
        let rack = format!("{rseq} {} INVITE", number.number);
        early.credentials = Credentials::default();
        let message = early.acknowledge(&rack);
        // RFC 3261 §12.2.1.1: a request in the dialog goes where its route set and target say.
        let flow = early.dialog.flow();
        self.outputs.push_back(Output::Request { message, flow });
    }

    /// The carrier asks who acknowledges: the same PRACK once more with what answers it, as for
    /// the INVITE (RFC 3261 §22.3).
    pub(crate) fn answer_prack_challenge(&mut self, response: &Message, cseq: CSeq) {
        let cnonce = format!("{:016x}", self.chance.below(u64::MAX));
        let Stage::Outgoing(outgoing) = &mut self.stage else { return };
        let Some(outside) = &outgoing.ask.invitation.outside else { return };
        let tag = response.to().and_then(|to| to.tag()).unwrap_or("");
        let early = outgoing.early.iter_mut().find(|early| early.dialog.remote_tag() == tag);
        let Some(early) = early else { return };
        let Some(prack) = early.prack.take_if(|prack| prack.cseq() == Some(cseq)) else { return };
        let request = (Method::Prack, prack.uri());
        if !early.credentials.answer(response, outside.account.as_ref(), request, &cnonce) {
            return;
        }
        let Some(rack) = prack.first(Name::RAck) else { return };
        let message = early.acknowledge(rack);
        let flow = early.dialog.flow();
        self.outputs.push_back(Output::Request { message, flow });
    }
}
