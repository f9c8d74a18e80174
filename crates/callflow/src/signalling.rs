//! SIP events to the leg they are about, and what legs want to the transaction layer.

use std::net::SocketAddr;
use std::time::Duration;

use call::Output as LegOutput;
use media::{LegMedia, MediaCommand, Rtcp, Source};
use model::{DialogSnapshot, FactBody, HangupCause, LegId, LegRole, Transport};
use sip::{
    CSeq, ClientTx, DialogId, Flow, FromBrain, Message, Method, Name, ResponseBuilder, ServerTx,
    ToBrain,
};

use crate::calls::{Invite, LegEntry};
use crate::keys::Way;
use crate::{Callflow, Output};

/// Our tag in responses outside of any dialog: it only has to be there (RFC 3261 §8.2.6.2).
const STATELESS_TAG: &str = "hotline";

impl Callflow {
    pub(crate) fn handle_sip(&mut self, event: ToBrain) {
        let is_done = self.handle_probe_event(&event)
            || self.handle_line_event(&event)
            || self.handle_farewell_event(&event);
        if is_done {
            return;
        }
        match event {
            ToBrain::Request { tx, message, flow } => self.handle_request(tx, message, flow),
            ToBrain::Ack { message, flow: _ } => {
                self.with_dialog(&message, |entry| entry.leg.handle_ack(&message));
            }
            ToBrain::Cancelled { tx, cancel } => self.with_incoming(tx, |entry| {
                entry.leg.handle_cancelled(&cancel);
            }),
            ToBrain::AckTimeout { tx } => self.with_incoming(tx, |entry| {
                entry.leg.handle_ack_timeout();
            }),
            ToBrain::Response { tx, message, flow } => {
                let now = self.now;
                let Some(leg) = self.outgoing.get(&tx).copied() else {
                    return self.refuse_late(tx, &message, &flow);
                };
                self.note_target(leg, Some(&message));
                self.guard_account(leg, &message, &flow);
                self.with_outgoing(tx, |entry| entry.leg.handle_response(&message, flow, now));
                if message.status().is_some_and(|status| status >= 200) {
                    self.forget_request(tx);
                }
            }
            ToBrain::Timeout { tx } => self.handle_lost(tx, HangupCause::TransactionTimeout),
            ToBrain::TransportFailed { tx } => self.handle_lost(tx, HangupCause::TransportError),
            ToBrain::FlowClosed { flow } => {
                self.registrar.handle_flow_closed(flow);
                self.drain_registrar();
            }
        }
    }

    fn handle_request(&mut self, tx: ServerTx, message: Message, flow: Flow) {
        // RFC 3891 §3: it means nothing in any other request.
        if message.method() != Method::Invite && message.first(Name::Replaces).is_some() {
            return self.respond(tx, &message, 400);
        }
        if message.to().is_some_and(|to| to.tag().is_some()) {
            return self.handle_dialog_request(tx, &message, flow);
        }
        match message.method() {
            Method::Invite => self.handle_invite(tx, message, flow),
            Method::Register => self.handle_register(tx, &message, flow),
            Method::Bye | Method::Info | Method::Update | Method::Prack | Method::Notify => {
                self.respond(tx, &message, 481);
            }
            Method::Refer => self.handle_refer_outside(tx, message.with_flow(flow), flow),
            Method::Options
            | Method::Ack
            | Method::Cancel
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other => self.handle_question(tx, &message, &flow),
        }
    }

    fn handle_dialog_request(&mut self, tx: ServerTx, message: &Message, flow: Flow) {
        let now = self.now;
        let Some(leg) = self.leg_of(message) else { return self.respond(tx, message, 481) };
        if message.method() == Method::Invite
            && let Some(entry) = self.legs.get_mut(&leg)
        {
            if let Some(before) = entry.reinvite.replace(tx) {
                self.incoming.remove(&before);
            }
            self.incoming.insert(tx, leg);
        }
        self.with_leg(leg, |entry| entry.leg.handle_request(tx, message, flow, now));
    }

    /// A request of ours got no answer.
    fn handle_lost(&mut self, tx: ClientTx, cause: HangupCause) {
        let now = self.now;
        if let Some(leg) = self.outgoing.get(&tx).copied() {
            self.note_target(leg, None);
        }
        self.with_outgoing(tx, |entry| {
            let lost = entry.requests.iter().find(|(_, sent)| *sent == tx);
            if let Some((cseq, _)) = lost.copied() {
                entry.leg.handle_no_response(cseq, cause, now);
            }
        });
        self.forget_request(tx);
    }

    /// A request of ours is over, but for the first INVITE: other phones may still answer it.
    fn forget_request(&mut self, tx: ClientTx) {
        let Some(leg) = self.outgoing.get(&tx) else { return };
        let Some(entry) = self.legs.get_mut(leg) else { return };
        if !matches!(entry.invite, Invite::Ours(Some(first)) if first == tx) {
            entry.requests.retain(|(_, sent)| *sent != tx);
            self.outgoing.remove(&tx);
        }
    }

    fn leg_of(&self, request: &Message) -> Option<LegId> {
        self.leg_of_tag(request.to().and_then(|to| to.tag())?)
    }

    /// The leg whose tag that is, to the letter.
    pub(crate) fn leg_of_tag(&self, tag: &str) -> Option<LegId> {
        let leg = self.dialogs.get(&call::tag_number(tag)?)?;
        self.legs.get(leg).filter(|entry| entry.leg.tag() == tag).map(|_| *leg)
    }

    /// The leg whose dialog a request belongs to: by our tag, which no two legs share.
    fn with_dialog(&mut self, request: &Message, act: impl FnOnce(&mut LegEntry)) -> bool {
        let leg = self.leg_of(request);
        leg.is_some_and(|leg| self.with_leg(leg, act))
    }

    fn with_incoming(&mut self, tx: ServerTx, act: impl FnOnce(&mut LegEntry)) {
        if let Some(leg) = self.incoming.get(&tx).copied() {
            self.with_leg(leg, act);
        }
    }

    fn with_outgoing(&mut self, tx: ClientTx, act: impl FnOnce(&mut LegEntry)) {
        if let Some(leg) = self.outgoing.get(&tx).copied() {
            self.with_leg(leg, act);
        }
    }

    pub(crate) fn with_leg(&mut self, leg: LegId, act: impl FnOnce(&mut LegEntry)) -> bool {
        let Some(entry) = self.legs.get_mut(&leg) else { return false };
        act(entry);
        self.drain_leg(leg);
        true
    }

    /// Does what a leg wants, until it wants nothing more.
    pub(crate) fn drain_leg(&mut self, leg: LegId) {
        while let Some(entry) = self.legs.get_mut(&leg) {
            let Some(output) = entry.leg.poll_output() else {
                return self.leg_timers.set(leg, entry.leg.poll_timeout());
            };
            self.perform_leg(leg, output);
        }
    }

    fn perform_leg(&mut self, leg: LegId, output: LegOutput) {
        let Some(entry) = self.legs.get(&leg) else { return };
        let (call, invite) = (entry.call, entry.invite);
        match output {
            LegOutput::Respond { tx, message } => {
                self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
            }
            LegOutput::Invite { message, flow } => {
                let tx = self.send_for(leg, message, flow);
                if let Some(entry) = self.legs.get_mut(&leg) {
                    entry.invite = Invite::Ours(Some(tx));
                }
            }
            LegOutput::Request { message, flow } => {
                self.send_for(leg, message, flow);
            }
            LegOutput::Cancel(reason) => {
                if let Invite::Ours(Some(tx)) = invite {
                    self.outputs.push_back(Output::Sip(FromBrain::Cancel { tx, reason }));
                }
            }
            LegOutput::Ack { message, flow } => {
                let number = message.cseq().map_or(0, |cseq| cseq.number);
                let is_it = |cseq: CSeq| cseq.number == number && cseq.method == Method::Invite;
                let sent = entry.requests.iter().find(|(cseq, _)| is_it(*cseq));
                if let Some((_, tx)) = sent.copied() {
                    self.outputs.push_back(Output::Sip(FromBrain::Ack { tx, message, flow }));
                }
            }
            LegOutput::Send { message, flow, farewell } => {
                let host = entry.host;
                let to = flow.remote.ip();
                let farewell = farewell.filter(|one| self.is_for(one.account(), host, to));
                self.bid_farewell((message, flow), farewell);
            }
            LegOutput::Progressed => self.phone_responds(call, leg),
            LegOutput::Unreachable { cause, retry_after_s } => {
                self.try_next_way(leg, cause, retry_after_s);
            }
            LegOutput::Redirected { status, contacts } => {
                self.follow_redirect(leg, status, &contacts);
            }
            LegOutput::Ringing => {
                self.number_rings(call, leg);
                self.tell_own(call);
            }
            LegOutput::SendsEarly => {
                self.set_media(leg);
                self.number_sends(call, leg);
                self.tell_own(call);
            }
            LegOutput::Established(dialog) => self.handle_established(leg, *dialog),
            LegOutput::Moved(dialog) => {
                let role = entry.leg.role().clone();
                // It may have moved because it was located: what a name leads to may be another
                // place each time that it is asked for.
                let is_located = entry.leg.is_located();
                let (trunk, dialog) = (self.line_of(leg, &dialog), *dialog);
                self.note(FactBody::DialogEstablished { call, leg, role, dialog, trunk });
                if !is_located {
                    self.locate_dialog(leg);
                }
            }
            LegOutput::MediaChanged => self.handle_media_changed(leg),
            LegOutput::Referred { tx, message } => self.handle_referred(leg, tx, &message),
            LegOutput::Digit(digit) => self.handle_key(leg, digit, Way::Info, Duration::ZERO),
            LegOutput::Ended(cause) => self.handle_leg_ended(leg, cause),
        }
    }

    /// A leg's dialog stands: it is written down, and whoever waited for it goes on.
    fn handle_established(&mut self, leg: LegId, dialog: DialogSnapshot) {
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        let (call, invite, role) = (entry.call, entry.invite, entry.leg.role().clone());
        entry.dialog = Some(DialogId {
            call_id: dialog.call_id.clone(),
            local_tag: dialog.local_tag.clone(),
            remote_tag: dialog.remote_tag.clone(),
        });
        let trunk = self.line_of(leg, &dialog);
        let role_of = role.clone();
        self.note(FactBody::DialogEstablished { call, leg, role: role_of, dialog, trunk });
        self.locate_dialog(leg);
        match (invite, role) {
            (Invite::Theirs(_), LegRole::Agent(_)) => self.own_leg_answered(call, leg),
            (Invite::Theirs(_), LegRole::Caller | LegRole::Number(_)) => self.caller_answered(call),
            (Invite::Ours(_), LegRole::Number(_)) => self.number_answered(call, leg),
            (Invite::Ours(_), LegRole::Caller | LegRole::Agent(_)) => {
                self.phone_answered(call, leg);
            }
        }
    }

    /// Offer and answer changed something: perhaps a party holds, or takes the other side back
    /// (RFC 5359 §2.1).
    fn handle_media_changed(&mut self, leg: LegId) {
        self.set_media(leg);
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        let (call, role, holds) = (entry.call, entry.leg.role().clone(), entry.leg.is_holding());
        if std::mem::replace(&mut entry.holds, holds) == holds {
            return;
        }
        self.note(match holds {
            true => FactBody::Held { call, leg, role },
            false => FactBody::Retrieved { call, leg, role },
        });
        self.bridge(call);
    }

    /// Sends a leg's request, whose responses are the leg's.
    fn send_for(&mut self, leg: LegId, message: Message, flow: Flow) -> ClientTx {
        let cseq = message.cseq();
        let message = match self.legs.get(&leg).map(|entry| entry.leg.role()) {
            Some(LegRole::Agent(_)) => on_its_flow(message),
            Some(LegRole::Caller | LegRole::Number(_)) | None => message,
        };
        let tx = self.send(message, flow);
        self.outgoing.insert(tx, leg);
        if let (Some(entry), Some(cseq)) = (self.legs.get_mut(&leg), cseq) {
            entry.requests.push((cseq, tx));
        }
        tx
    }

    /// Sends a request of ours: over TCP by the worker that owns the connections, else by that of
    /// its Call-ID, which has the other transactions of the call.
    pub(crate) fn send(&mut self, message: Message, flow: Flow) -> ClientTx {
        let worker = match flow.transport {
            Transport::Udp => sip::worker_of(message.call_id(), self.config.sip_workers),
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => 0,
        };
        let tx = ClientTx::new(worker, self.next_tx);
        self.next_tx += 1;
        self.outputs.push_back(Output::Sip(FromBrain::Request { tx, message, flow }));
        tx
    }

    pub(crate) fn respond(&mut self, tx: ServerTx, request: &Message, status: u16) {
        let response = ResponseBuilder::to(request, status).to_tag(STATELESS_TAG);
        let message = match (status, request.method()) {
            (405, _) | (200, Method::Options) => {
                call::tell_abilities(response, self.config.session).build()
            }
            (489, _) => response.header("Allow-Events", call::EVENT).build(),
            (503, _) => response.header("Retry-After", call::RETRY_AFTER_S).build(),
            _ => response.build(),
        };
        self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
    }

    /// Changes what a party hears.
    pub(crate) fn hear(&mut self, leg: LegId, source: Source) {
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.hears = source;
            self.set_media(leg);
        }
    }

    /// Tells the media worker all that it has to know of a leg.
    fn set_media(&mut self, leg: LegId) {
        let Some(entry) = self.legs.get(&leg) else { return };
        let Some(media) = entry.leg.media() else { return };
        // A browser is found by its checks, wherever it says that it is.
        let place = |described: SocketAddr| match media.browser {
            Some(_) if described.ip().is_unspecified() => described,
            Some(_) | None => reachable(described, entry.leg.flow()),
        };
        let wanted = LegMedia {
            call: entry.call,
            leg,
            remote: place(media.remote),
            codec: media.codec,
            payload_type: media.payload_type,
            packet_ms: media.ptime_ms,
            max_packet_ms: media.max_ptime_ms,
            digits_payload_type: media.digits_payload_type,
            digits_clock_rate: media.digits_clock_rate,
            opus: media.opus,
            noise_payload_type: media.noise_payload_type,
            rtcp: media.rtcp.map(|rtcp| Rtcp { remote: place(rtcp.remote), ..rtcp }),
            hears: entry.hears.clone(),
            sends: media.direction.sends(),
            receives: media.direction.receives(),
            secured: media.secured,
            browser: media.browser,
        };
        self.outputs.push_back(Output::Media(MediaCommand::Set(wanted)));
    }
}

/// A request to a phone that registered: a long one does not look for another way (RFC 5626 §5.3).
/// One that is not long has none, and is not touched.
pub(crate) fn on_its_flow(request: Message) -> Message {
    match request.as_bytes().len() + sip::MAX_DATAGRAM_REQUEST / 4 > sip::MAX_DATAGRAM_REQUEST {
        true => request.to_stay_on_flow(),
        false => request,
    }
}

/// Where a party's media is reached. One on this host that speaks SIP over loopback is reached over
/// loopback, whatever address of the host it wrote: from a loopback socket no other can be. One
/// that wrote a host name, an address of its own network behind a translator, or one of the other
/// family than that of its signalling and our socket is looked for where its signalling comes from,
/// and its port is learned from its packets.
fn reachable(described: SocketAddr, flow: &Flow) -> SocketAddr {
    let is_unknown = described.ip().is_unspecified();
    let is_out_of_reach =
        described.is_ipv4() != flow.remote.is_ipv4() || sip::is_hidden(described, flow);
    let is_here = flow.remote.ip().is_loopback() && !described.ip().is_loopback();
    if is_unknown || is_out_of_reach || is_here {
        SocketAddr::new(flow.remote.ip(), described.port())
    } else {
        described
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_might_leave_its_flow_is_told_to_stay() {
        let of = |length: usize| {
            let request = sip::RequestBuilder::new(Method::Invite, "sip:8001@192.0.2.7");
            on_its_flow(request.body("text/plain", &vec![b'x'; length]).build())
        };
        assert!(!of(100).stays_on_flow());
        assert!(of(1_100).stays_on_flow());
    }

    #[test]
    fn a_phone_on_this_host_is_reached_over_loopback() {
        let at = |text: &str| -> SocketAddr { text.parse().expect("an address") };
        let flow = |remote: &str| Flow {
            transport: model::Transport::Udp,
            local: at("127.0.0.1:5060"),
            remote: at(remote),
            connection: 0,
            listener: 0,
        };
        let described = at("192.0.2.7:4000");
        assert_eq!(reachable(described, &flow("127.0.0.1:5070")), at("127.0.0.1:4000"));
        assert_eq!(reachable(described, &flow("198.51.100.1:5060")), described);
        let named = reachable(at("0.0.0.0:4000"), &flow("198.51.100.1:5060"));
        assert_eq!(named, at("198.51.100.1:4000"), "it wrote a name in place of an address");
        let hidden = at("192.168.1.7:4000");
        assert_eq!(reachable(hidden, &flow("198.51.100.1:5060")), at("198.51.100.1:4000"), "NAT");
        assert_eq!(reachable(hidden, &flow("10.0.0.1:5060")), hidden, "one private network");
        let six = at("[2001:db8::7]:4000");
        assert_eq!(reachable(six, &flow("198.51.100.1:5060")), at("198.51.100.1:4000"));
        let other = at("127.0.0.9:4000");
        assert_eq!(reachable(other, &flow("127.0.0.1:5070")), other);
    }
}
