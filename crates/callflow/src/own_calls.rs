//! An agent's phone calls by itself: a number outside, a colleague or a queue, or, with a caller on
//! hold, someone who is asked about the call (RFC 5359 §2.5). What the agent may is what they may
//! on the desktop.

use std::net::SocketAddr;

use acd::Input as AcdInput;
use call::{Description, Leg, LegState};
use cti::{CallPhase, CommandError};
use media::MediaCommand;
use model::{AgentId, CallId, HangupCause, LegId, LegRole, MissedCause, Pii, Target};
use sip::{Flow, FromBrain, Message, Name, ResponseBuilder, ServerTx};

use crate::calls::{Invite, Opening, Stage};
use crate::conversation::Guest;
use crate::dial::DialStep;
use crate::phones::Whose;
use crate::refer::{Called, status_of};
use crate::{Callflow, Output};

const FORBIDDEN: u16 = 403;
const UNAVAILABLE: u16 = 503;

/// What an INVITE of an agent's phone begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) call: CallId,
    /// The leg that it takes the place of (RFC 3891).
    pub(crate) replaces: Option<LegId>,
}

impl Callflow {
    /// An INVITE from where a phone is registered. Whoever can send from there could have the
    /// engine call, so that it needs the phone's credentials as its REGISTER does.
    pub(crate) fn handle_phone_invite(&mut self, tx: ServerTx, invite: Message, flow: Flow) {
        let user = match self.check_credentials(&invite, &flow, Whose::Phone) {
            Ok(user) => user,
            Err(message) => {
                return self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
            }
        };
        if !self.registrar.is_phone_of(flow.remote, &user) {
            return self.respond(tx, &invite, FORBIDDEN);
        }
        if let Some(least) = call::interval_too_small(&invite, self.config.session) {
            let response = ResponseBuilder::to(&invite, 422).to_tag("short");
            let message = response.header("Min-SE", least).build();
            return self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
        }
        let (agent, leg) = (AgentId::from(user), self.mint_leg());
        let begun = match invite.first(Name::Replaces).is_some() {
            true => self.replace(&agent, &invite),
            false => self.call_by_phone(&agent, leg, &invite),
        };
        match begun {
            Ok(begun) => self.add_own_leg((begun, leg), agent, (tx, invite, flow)),
            Err(status) => self.respond(tx, &invite, status),
        }
    }

    fn call_by_phone(
        &mut self,
        agent: &AgentId,
        leg: LegId,
        invite: &Message,
    ) -> Result<Begun, u16> {
        let uri = sip::Uri::parse(invite.uri()).ok_or(416_u16)?;
        let called = self.called_by(&uri)?;
        let has_call = self.acd.agent(agent).is_some_and(|view| view.call.is_some());
        let call = match (has_call, called) {
            (true, called) => self.ask_by_phone(agent, leg, called),
            (false, Called { whom: Target::Number(number), .. }) => {
                self.dial_by_phone(agent, leg, &number)
            }
            (false, Called { whom: Target::Agent(colleague), instance }) => {
                let step = DialStep::Number { rings: false };
                self.call_colleague(agent, leg, (colleague, instance), step)
            }
            (false, Called { whom: Target::Queue(queue), .. }) => {
                self.call_queue(agent, leg, queue, Stage::Arriving)
            }
        };
        let call = call.map_err(|error| status_of(&error))?;
        Ok(Begun { call, replaces: None })
    }

    /// The caller is on hold at the phone, and someone is asked by `leg`.
    fn ask_by_phone(
        &mut self,
        agent: &AgentId,
        leg: LegId,
        called: Called,
    ) -> Result<CallId, CommandError> {
        let call = self.consult(agent, called, true)?;
        if let Some(guest) = self.guest_of(call) {
            guest.own = Some(leg);
        }
        self.bridge(call);
        self.publish_conversation(call);
        Ok(call)
    }

    /// A number outside is called by `leg`, as the desktop would.
    fn dial_by_phone(
        &mut self,
        agent: &AgentId,
        leg: LegId,
        number: &Pii<String>,
    ) -> Result<CallId, CommandError> {
        let ways = self.may_dial_out(agent, number)?;
        let call = self.mint_call();
        self.ask_acd(AcdInput::Engage { agent: agent.clone(), call })?;
        let caller = self.mint_leg();
        let step = DialStep::Number { rings: false };
        self.place(call, (caller, leg), (agent.clone(), step), number, &ways);
        self.publish_call(call, CallPhase::Dialling);
        Ok(call)
    }

    fn add_own_leg(
        &mut self,
        (begun, leg): (Begun, LegId),
        agent: AgentId,
        (tx, invite, flow): (ServerTx, Message, Flow),
    ) {
        let Begun { call, replaces } = begun;
        if let Some(known) = self.calls.get_mut(&call) {
            known.count_hops(&invite);
        }
        let user = sip::Uri::parse(invite.uri()).map(|uri| uri.user().to_owned());
        let browser = self.browser_in(&invite, &flow);
        let description = Description { browser, ..self.description(user.unwrap_or_default()) };
        let role = LegRole::Agent(agent);
        let came = (tx, invite, flow);
        let machine = Leg::incoming(leg, role, &self.tokens, came, description);
        self.add_leg(call, machine, Invite::Theirs(tx));
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.replaces = replaces;
        }
        if let Some(known) = self.calls.get_mut(&call) {
            known.legs.push(leg);
        }
        self.opening.insert(leg, Opening::Own);
        self.outputs.push_back(Output::OpenMedia { call, leg });
    }

    /// The port for a phone's own call is there.
    pub(crate) fn own_leg_opened(&mut self, leg: LegId, address: Option<SocketAddr>) {
        let Some(entry) = self.legs.get(&leg) else {
            return self.outputs.push_back(Output::Media(MediaCommand::Close { leg }));
        };
        let (call, now, takes_over) = (entry.call, self.now, entry.replaces.is_some());
        let Some(address) = address else {
            return self.refuse_leg(leg, HangupCause::Response(UNAVAILABLE), UNAVAILABLE);
        };
        if takes_over {
            self.with_leg(leg, |entry| entry.leg.accept(address, now));
            return;
        }
        let stage = self.calls.get(&call).map(|known| &known.stage);
        match stage {
            // It called a queue, as a caller does.
            Some(Stage::Arriving) => {
                self.with_leg(leg, |entry| entry.leg.accept(address, now));
            }
            Some(Stage::Dialled(dialled)) if dialled.phone == leg => {
                self.with_leg(leg, |entry| entry.leg.take_media(address));
                self.call_dialled(call);
            }
            Some(
                Stage::Dialled(_)
                | Stage::Greeting { .. }
                | Stage::Waiting { .. }
                | Stage::Connected(_)
                | Stage::Message(_)
                | Stage::Leaving
                | Stage::Over,
            )
            | None => {
                self.with_leg(leg, |entry| entry.leg.take_media(address));
                self.tell_own(call);
            }
        }
    }

    /// Tells the phone that calls by itself how far the one is whom it calls: it rings, sends
    /// something to hear, has answered.
    pub(crate) fn tell_own(&mut self, call: CallId) {
        let Some((own, other, is_there)) = self.own_and_called(call) else {
            return self.ring_who_asks(call);
        };
        let Some(entry) = self.legs.get(&other) else { return };
        let (state, sends) = (entry.leg.state(), entry.leg.media().is_some());
        let now = self.now;
        let waits = self.legs.get(&own).is_some_and(|own| own.leg.state() == LegState::Incoming);
        if !waits {
            return;
        }
        self.with_leg(own, |entry| match state {
            _ if is_there => entry.leg.pick_up(now),
            LegState::Outgoing | LegState::Ringing | LegState::Early if sends => {
                entry.leg.ring_with_media(now);
            }
            LegState::Ringing => entry.leg.ring(now),
            LegState::Incoming
            | LegState::Outgoing
            | LegState::Early
            | LegState::Established
            | LegState::Terminated => {}
        });
    }

    /// The leg by which a phone calls, the one it calls, and whether that one has answered.
    fn own_and_called(&self, call: CallId) -> Option<(LegId, LegId, bool)> {
        let known = self.calls.get(&call)?;
        match &known.stage {
            Stage::Dialled(dialled) => Some((dialled.phone, known.caller, false)),
            Stage::Connected(conversation) => match conversation.guest() {
                Some(guest) => {
                    Some((guest.own?, self.foremost(guest)?, guest.answered().is_some()))
                }
                None => Some((conversation.holder.as_ref()?.leg, known.caller, true)),
            },
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    /// The leg of a guest; of several phones one that rings, if any does.
    fn foremost(&self, guest: &Guest) -> Option<LegId> {
        let rings = |leg: &LegId| {
            self.legs.get(leg).is_some_and(|entry| entry.leg.state() == LegState::Ringing)
        };
        guest.offer().and_then(|offer| offer.legs().find(rings)).or_else(|| guest.leg())
    }

    fn guest_of(&mut self, call: CallId) -> Option<&mut Guest> {
        self.calls.get_mut(&call)?.conversation_mut()?.guest_mut()
    }

    /// A phone that called by itself hears the one it called from now on, or has taken a leg's
    /// place.
    pub(crate) fn own_leg_answered(&mut self, call: CallId, leg: LegId) {
        match self.legs.get(&leg).and_then(|entry| entry.replaces) {
            Some(old) => self.take_place(call, old, leg),
            None => {
                self.bridge(call);
                self.caller_answered(call);
            }
        }
    }

    /// The agent's own leg to a guest is over: nobody is asked by it any more.
    pub(crate) fn release_own(&mut self, call: CallId, cause: Option<MissedCause>) {
        let Some(own) = self.guest_of(call).and_then(|guest| guest.own.take()) else { return };
        let status = match cause {
            Some(MissedCause::Busy) => 486,
            Some(MissedCause::Rejected) => 603,
            Some(MissedCause::NoAnswer | MissedCause::Unreachable) | None => 480,
            Some(MissedCause::Error) => 500,
        };
        self.refuse_leg(own, HangupCause::LocalBye, status);
    }

    /// Ends a leg; an INVITE that has no answer gets `status`.
    pub(crate) fn refuse_leg(&mut self, leg: LegId, cause: HangupCause, status: u16) {
        self.opening.remove(&leg);
        self.with_leg(leg, |entry| entry.leg.hang_up(cause, status));
    }
}
