//! Step 1: an INVITE becomes a call. The caller's look-up starts now, not later.

use std::net::SocketAddr;

use call::{Description, Leg, RETRY_AFTER_S};
use media::MediaCommand;
use model::{CallId, Direction, FactBody, HangupCause, LegId, LegRole, LineQuality, Outcome};
use sip::{Flow, FromBrain, Message, Name, ResponseBuilder, ServerTx};
use trunk::Destination;

use crate::calls::{Beginning, Call, Invite, LegEntry, Opening, Stage};
use crate::identify::{Arrived, Identified};
use crate::keys::Keys;
use crate::replaces::named_in;
use crate::{Callflow, Output};

impl Callflow {
    pub(crate) fn handle_invite(&mut self, tx: ServerTx, invite: Message, flow: Flow) {
        // A phone's own call may be one for help: there is always room for that.
        if !self.takes_calls() && !self.is_from_phone(&flow) {
            return self.turn_away(tx, &invite, RETRY_AFTER_S);
        }
        match self.identify(&invite, &flow) {
            // What is broken is so whoever sends it, and says nothing of us.
            Identified::Refused(_) | Identified::Challenged(_)
                if invite.first(Name::Replaces).is_some() && named_in(&invite).is_err() =>
            {
                self.respond(tx, &invite, 400);
            }
            Identified::Refused(status) => self.respond(tx, &invite, status),
            Identified::Phone => self.handle_phone_invite(tx, invite, flow),
            Identified::Challenged(answer) => {
                let message = *answer;
                self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
            }
            Identified::Caller(_) if invite.first(Name::Replaces).is_some() => {
                let status = self.refuse_replaces(&invite);
                self.respond(tx, &invite, status);
            }
            Identified::Caller(arrived) => self.begin_call((tx, invite, flow), *arrived),
        }
    }

    /// Whether there is room for a customer's call.
    pub(crate) fn takes_calls(&self) -> bool {
        self.calls.len() < self.config.calls_max && self.welcomes_calls && !self.stopping
    }

    /// A customer's INVITE becomes a call, if its line has room.
    fn begin_call(&mut self, (tx, invite, flow): (ServerTx, Message, Flow), arrived: Arrived) {
        let Arrived { trunk, ani, dnis, diverted_from, destination } = arrived;
        let line = self.config.trunks.by_id(&trunk);
        let lacks = line.and_then(|line| sip::require(&invite, &line.requires).err());
        if let Some(refusal) = lacks {
            let message = refusal.response(&invite, "lacks");
            return self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
        }
        if let Some(least) = call::interval_too_small(&invite, self.config.session) {
            // RFC 4028 §9: the caller asks again with a longer interval.
            let response = ResponseBuilder::to(&invite, 422).to_tag("short");
            let message = response.header("Min-SE", least).build();
            return self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
        }
        if let Err(refusal) = self.loads.handle_call(&trunk, self.now) {
            let retry_after_s = refusal.retry_after_s().unwrap_or(RETRY_AFTER_S);
            self.show_trunk_later(trunk);
            return self.turn_away(tx, &invite, retry_after_s);
        }
        let (call, leg) = (self.mint_call(), self.mint_leg());
        self.note(FactBody::CallArrived {
            call,
            leg,
            trunk: trunk.clone(),
            ani: ani.clone(),
            dnis: dnis.clone(),
            sip_call_id: invite.call_id().to_owned(),
        });
        if let Some(number) = diverted_from.clone() {
            self.note(FactBody::CallDiverted { call, number });
        }
        self.lookup.handle_ask(call, ani.clone(), self.now);
        let begun = Call::begin(Beginning {
            direction: Direction::Inbound,
            trunk: trunk.clone(),
            ani,
            dnis: dnis.clone(),
            caller: leg,
            stage: Stage::Arriving,
            at: self.now,
        });
        let (destination, legs) = (Some(destination), vec![leg]);
        let mut begun = Call { diverted_from, destination, legs, ..begun };
        begun.count_hops(&invite);
        self.calls.insert(call, begun);
        let mut description = self.description(dnis);
        let mut account = None;
        if let Some(line) = self.config.trunks.by_id(&trunk) {
            description.codecs.clone_from(&line.codecs);
            description.srtp = line.srtp;
            account = line.outward.as_ref().and_then(|outward| outward.account.clone());
        }
        self.show_trunk_later(trunk.clone());
        description.browser = self.browser_in(&invite, &flow);
        let (role, came) = (LegRole::Caller, (tx, invite, flow));
        let mut leg_machine = Leg::incoming(leg, role, &self.tokens, came, description);
        leg_machine.keep_account(account);
        self.add_leg(call, leg_machine, Invite::Theirs(tx));
        self.opening.insert(leg, Opening::Caller { call });
        self.outputs.push_back(Output::OpenMedia { call, leg });
    }

    /// 503: what is full now may have room later.
    pub(crate) fn turn_away(&mut self, tx: ServerTx, request: &Message, retry_after_s: u32) {
        let response = ResponseBuilder::to(request, 503).to_tag("full");
        let message = response.header("Retry-After", retry_after_s).build();
        self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
    }

    pub(crate) fn handle_media_opened(&mut self, leg: LegId, address: Option<SocketAddr>) {
        let opening = self.opening.remove(&leg);
        self.note_port(leg, address);
        match (opening, address) {
            (Some(Opening::Caller { call: _ }), Some(address)) => self.answer(leg, address),
            (Some(Opening::Caller { call }), None) => {
                self.give_up(call, Outcome::Error, HangupCause::Response(503), 503);
            }
            (Some(Opening::Agent { call, offer, flow, target, route }), address) => {
                self.invite_phone((call, offer, leg), (flow, target, route), address);
            }
            (Some(Opening::Dialler { call, flow, target, route }), address) => {
                self.invite_dialler((call, leg), (flow, target, route), address);
            }
            (Some(Opening::Number { call, outbound }), address) => {
                self.invite_number((call, leg), outbound, address);
            }
            (Some(Opening::Colleague { call, flow, target, route }), address) => {
                self.invite_colleague((call, leg), (flow, target, route), address);
            }
            (Some(Opening::Own), address) => self.own_leg_opened(leg, address),
            // Nobody wants it any more.
            (None, Some(_)) => self.outputs.push_back(Output::Media(MediaCommand::Close { leg })),
            (None, None) => {}
        }
        self.note_port(leg, address);
    }

    /// Legs of our own begin only now, the caller's was there before.
    fn note_port(&mut self, leg: LegId, address: Option<SocketAddr>) {
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.has_port = address.is_some();
        }
    }

    /// Answers the caller with 200 at once, or as soon as the caller has heard that it rings where
    /// the INVITE asks for that (RFC 3262).
    fn answer(&mut self, leg: LegId, address: SocketAddr) {
        let now = self.now;
        self.with_leg(leg, |entry| entry.leg.accept(address, now));
    }

    /// The 200 left.
    pub(crate) fn caller_answered(&mut self, call: CallId) {
        if !matches!(self.calls.get(&call), Some(Call { stage: Stage::Arriving, .. })) {
            return;
        }
        self.note(FactBody::CallAnswered { call });
        match self.calls.get(&call).and_then(|call| call.destination.clone()) {
            Some(Destination::Script(script)) => self.greet(call, &script),
            Some(Destination::Queue(queue)) => self.enter_queue(call, queue, None),
            None => {}
        }
    }

    pub(crate) fn add_leg(&mut self, call: CallId, leg: Leg, invite: Invite) {
        self.dialogs.extend(call::tag_number(leg.tag()).map(|tag| (tag, leg.id())));
        if let Invite::Theirs(tx) = invite {
            self.incoming.insert(tx, leg.id());
        }
        let entry = LegEntry {
            host: leg.flow().remote.ip(),
            leg,
            call,
            invite,
            hears: media::Source::Silence,
            holds: false,
            requests: Vec::new(),
            reinvite: None,
            outbound: None,
            target: None,
            dialog: None,
            replaces: None,
            has_port: false,
            quality: LineQuality::default(),
            keys: Keys::default(),
        };
        self.legs.insert(entry.leg.id(), Box::new(entry));
    }

    /// What we say of ourselves to a phone; to a line it is said with that one's codecs.
    pub(crate) fn description(&self, user: String) -> Description {
        let codecs = self.config.phone_codecs.clone();
        let session = self.config.session;
        Description { user, codecs, srtp: self.config.phone_srtp, browser: None, session }
    }

    /// What a browser on that way is shown; `None` where there is none: a phone that speaks SIP
    /// over WebSocket (RFC 7118).
    pub(crate) fn browser_on(&self, flow: &Flow) -> Option<sdp::Fingerprint> {
        self.config.browsers.filter(|_| flow.transport.is_web())
    }

    /// What the one who sent an INVITE is shown, if that is a browser.
    pub(crate) fn browser_in(&self, invite: &Message, flow: &Flow) -> Option<sdp::Fingerprint> {
        self.config.browsers.filter(|_| Leg::is_of_browser(invite, flow.transport))
    }
}
