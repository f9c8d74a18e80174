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

/// Our provisional response, until its PRACK and after it.
#[derive(Debug)]
pub(crate) struct Reliable {
    pub(crate) dialog: Dialog,
    response: Message,
    rseq: u64,
    wait: Wait,
    /// Whether the offer that came with the INVITE is answered in it: then no other response
    /// answers it again (§5).
    has_answer: bool,
    /// The call is answered as soon as it is acknowledged.
    picks_up: bool,
    /// What is said as soon as it is acknowledged: never two at a time (§3).
    next: Option<(u16, Option<String>)>,
}

/// Whether the PRACK is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// It is waited for.
    Open { interval: Duration, repeat_at: Mono, gives_up_at: Mono },
    /// It has come.
    Over,
}

impl Wait {
    fn begin(now: Mono) -> Self {
        Self::Open { interval: T1, repeat_at: now + T1, gives_up_at: now + T1_64 }
    }
}

impl Reliable {
    /// When it is repeated, or given up.
    pub(crate) fn next_at(&self) -> Option<Mono> {
        match self.wait {
            Wait::Open { repeat_at, gives_up_at, .. } => Some(repeat_at.min(gives_up_at)),
            Wait::Over => None,
        }
    }

    /// Whether the offer of the INVITE has its answer already.
    pub(crate) const fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// Whether `prack` acknowledges it: RAck names its RSeq and its INVITE (§7.2). Once only.
    fn is_acknowledged_by(&self, prack: &Message) -> bool {
        if self.wait == Wait::Over {
            return false;
        }
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
    /// Answers a call whose INVITE wants provisional responses reliably: the caller is told first
    /// that it rings, unless they know, and gets the 200 when that is acknowledged.
    pub(crate) fn answer_reliably(&mut self, now: Mono) {
        let Stage::Incoming(incoming) = &mut self.stage else { return };
        match &mut incoming.reliable {
            Some(sent) if sent.wait == Wait::Over => self.answer_call(now),
            Some(sent) => sent.picks_up = true,
            None => {
                self.tell_reliably((180, None), now);
                if let Stage::Incoming(incoming) = &mut self.stage
                    && let Some(sent) = &mut incoming.reliable
                {
                    sent.picks_up = true;
                }
            }
        }
    }

    /// Tells the caller reliably how far the call is: with the `answer` to their offer, if one is
    /// there. While the one before is not acknowledged it waits, and what says no more than that
    /// one is left out.
    pub(crate) fn tell_reliably(&mut self, (status, answer): (u16, Option<String>), now: Mono) {
        let Stage::Incoming(incoming) = &mut self.stage else { return };
        match &mut incoming.reliable {
            Some(sent) if sent.response.status() == Some(status) && answer.is_none() => {}
            Some(sent) if sent.has_answer && answer.is_none() => {}
            Some(sent) if sent.wait != Wait::Over => sent.next = Some((status, answer)),
            Some(sent) => {
                let (rseq, dialog) = (sent.rseq + 1, sent.dialog.clone());
                self.send_reliable((status, answer), rseq, Some(dialog), now);
            }
            None => {
                let rseq = 1 + self.chance.below(FIRST_RSEQ_BOUND - 1);
                self.send_reliable((status, answer), rseq, None, now);
            }
        }
    }

    /// An INVITE without an offer gets ours here, for the first reliable response has to have it
    /// (§5).
    fn send_reliable(
        &mut self,
        (status, answer): (u16, Option<String>),
        rseq: u64,
        dialog: Option<Dialog>,
        now: Mono,
    ) {
        let (Stage::Incoming(incoming), Some(local_media)) = (&self.stage, self.local_media) else {
            return;
        };
        let (tx, invite) = (incoming.tx, incoming.invite.clone());
        let offer = match description_in(&invite) {
            Ok(None) if dialog.is_none() => {
                Some(self.negotiation.offer(&self.capabilities(local_media)))
            }
            Ok(_) => None,
            Err(status) => return self.hang_up(HangupCause::Response(status), status),
        };
        let status = if offer.is_some() { 183 } else { status };
        let mut response =
            self.full_response(&invite, status).header("Require", "100rel").header("RSeq", rseq);
        let has_answer = answer.is_some();
        if let Some(body) = offer.or(answer) {
            response = response.body(SDP, body.as_bytes());
        }
        let response = response.build();
        let Some(dialog) = dialog.or_else(|| Dialog::uas(&invite, &response, &self.flow)) else {
            return self.hang_up(HangupCause::Response(400), 400);
        };
        let dialog = dialog.with_phone(self.is_phone());
        self.outputs.push_back(Output::Respond { tx, message: response.clone() });
        if let Stage::Incoming(incoming) = &mut self.stage {
            let wait = Wait::begin(now);
            incoming.reliable = Some(Reliable {
                dialog,
                response,
                rseq,
                wait,
                has_answer,
                picks_up: false,
                next: None,
            });
        }
    }

    /// Repeats it, each time after twice as long; in the end the INVITE is refused (§3).
    pub(crate) fn repeat_reliable(&mut self, now: Mono) {
        let Stage::Incoming(incoming) = &mut self.stage else { return };
        let Some(sent) = &mut incoming.reliable else { return };
        let Wait::Open { interval, repeat_at, gives_up_at } = sent.wait else { return };
        if now >= gives_up_at {
            return self.hang_up(HangupCause::TransactionTimeout, 504);
        }
        if now >= repeat_at {
            let interval = interval * 2;
            sent.wait = Wait::Open { interval, repeat_at: now + interval, gives_up_at };
            let message = sent.response.clone();
            self.outputs.push_back(Output::Respond { tx: incoming.tx, message });
        }
    }

    /// The PRACK: what waited for it follows, the answer to the call or what is to be told next.
    pub(crate) fn handle_prack(&mut self, tx: ServerTx, prack: &Message, now: Mono) {
        let Stage::Incoming(incoming) = &mut self.stage else {
            return self.answer(tx, prack, 481);
        };
        let sent = incoming.reliable.as_mut().filter(|sent| sent.is_acknowledged_by(prack));
        let Some(sent) = sent else { return self.answer(tx, prack, 481) };
        sent.wait = Wait::Over;
        let (picks_up, next) = (sent.picks_up, sent.next.take());
        match self.read_prack(prack) {
            Ok(answer) => {
                let response = self.response(prack, 200);
                let message = match &answer {
                    Some(answer) => response.body(SDP, answer.as_bytes()).build(),
                    None => response.build(),
                };
                self.outputs.push_back(Output::Respond { tx, message });
                if answer.is_some() {
                    self.outputs.push_back(Output::MediaChanged);
                }
            }
            // What was agreed on before stays (§5); without that there is no call.
            Err(status) if self.negotiation.agreed().is_some() => self.answer(tx, prack, status),
            Err(status) => {
                self.answer(tx, prack, status);
                return self.hang_up(HangupCause::Response(status), status);
            }
        }
        match (picks_up, next) {
            (true, _) => self.answer_call(now),
            (false, Some(next)) => self.tell_reliably(next, now),
            (false, None) => {}
        }
    }

    /// The answer to our offer that a PRACK brings, or an offer of its own, with our answer (§5).
    fn read_prack(&mut self, prack: &Message) -> Result<Option<String>, u16> {
        let described = description_in(prack)?;
        if self.negotiation.is_offering() {
            let answer = described.ok_or(400_u16)?;
            self.negotiation.accept(&answer)?;
            return Ok(None);
        }
        match (described, self.local_media, self.negotiation.agreed()) {
            (Some(offer), Some(local_media), Some(_)) => {
                self.answer_offer(&offer, local_media).map(|(answer, _)| Some(answer))
            }
            (_, _, _) => Ok(None),
        }
    }

    /// Acknowledges a reliable provisional response to our INVITE (§4): once, and in order.
    pub(crate) fn acknowledge_reliable(&mut self, response: &Message, flow: Flow) {
        let is_phone = self.is_phone();
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
            outgoing.early.push(Early::new(dialog.with_phone(is_phone), rseq));
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
