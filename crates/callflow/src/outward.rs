//! Calls to the outside: who may make them, over which line, and over another where one fails.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use call::{Description, Invitation, Leg, LegState, Outside};
use cti::CommandError;
use model::{
    AgentId, CallId, Direction, FactBody, HangupCause, LegId, LegRole, Mono, Permission, Pii,
    RefusalKind, Target as Whom, TransferKind, TrunkId, UserId,
};
use sip::Flow;
use sip::locate::Target as Server;
use trunk::{NoWay, Outward, Peer, Target, Trunk, Way};

use crate::calls::{Call, Invite, LegEntry, Opening};
use crate::conversation::{Conversation, Guest, Step};
use crate::diverted::{self, Before};
use crate::redirected::Redirects;
use crate::sides::Side;
use crate::trunks::domain;
use crate::{Callflow, Output};

/// How many targets, over all lines, are tried for one call.
const TRIES_MAX: usize = 6;

/// Why a number outside is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotCalled {
    /// The agent's tier may not call out.
    Forbidden,
    /// It is no telephone number.
    NotANumber,
    /// No line may call it.
    NotAllowed,
}

impl NotCalled {
    /// For programs: stable.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotANumber => "bad_number",
            Self::NotAllowed => "number_not_allowed",
        }
    }

    /// For people.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Forbidden => "your tier may not call numbers outside",
            Self::NotANumber => "that is no telephone number",
            Self::NotAllowed => "no line may call that number",
        }
    }
}

/// How a telephone outside is called.
#[derive(Debug)]
pub(crate) struct Outbound {
    /// The number as the agent dialled it.
    number: Pii<String>,
    /// What has not been tried.
    pub(crate) left: VecDeque<Try>,
    /// The line among whose calls it counts.
    trunk: Option<TrunkId>,
    /// What is tried now.
    pub(crate) current: Option<Try>,
    /// When it is given up if nobody answers; counts from the first try.
    answer_by: Option<Mono>,
    /// Where carriers have sent it on.
    pub(crate) redirects: Redirects,
}

/// One way to call a number.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    pub(crate) way: Way,
    pub(crate) target: Target,
    /// Which of the servers that its name led to; none where it is an address, or is not looked
    /// at yet.
    pub(crate) server: Option<Server>,
    /// The Request-URI where a carrier has named the place; else it is made from the way.
    pub(crate) uri: Option<String>,
}

impl Outbound {
    /// The line that is tried now, or took the call.
    pub(crate) fn line(&self) -> Option<&TrunkId> {
        self.current.as_ref().map(|current| &current.way.trunk)
    }
}

impl Try {
    fn peer(&self) -> Peer {
        let (trunk, target) = (self.way.trunk.clone(), self.target.clone());
        Peer { trunk, target, server: self.server }
    }
}

impl Callflow {
    /// The lines that `agent` may call `number` over, in order. What may not be called is refused
    /// and noted, whoever asks: a number that saves lives may always be.
    ///
    /// # Errors
    /// The agent may not call out, or no line may call the number.
    pub(crate) fn route_outward(
        &mut self,
        agent: &AgentId,
        number: &str,
    ) -> Result<Vec<Way>, NotCalled> {
        let routed = self.config.trunks.ways_out(number);
        let may = self.may_call_out(agent);
        let ways = match routed {
            Ok(ways) if may => Ok(ways),
            Ok(ways) => {
                let open: Vec<Way> = ways.into_iter().filter(|way| way.is_emergency).collect();
                if open.is_empty() { Err(NotCalled::Forbidden) } else { Ok(open) }
            }
            Err(_) if !may => Err(NotCalled::Forbidden),
            Err(NoWay::NotANumber) => Err(NotCalled::NotANumber),
            Err(NoWay::NotAllowed) => Err(NotCalled::NotAllowed),
        };
        if let Err(NotCalled::Forbidden | NotCalled::NotAllowed) = ways {
            let shown = Pii::new(trunk::normalise(number));
            self.note(FactBody::Refused {
                user: Some(UserId::from(agent.as_str())),
                source: String::new(),
                kind: RefusalKind::Forbidden,
                what: format!("call {}: {}", shown.masked(), Permission::CallOutbound),
            });
        }
        ways
    }

    /// Whether an agent's tier may call out at all.
    pub(crate) fn may_call_out(&self, agent: &AgentId) -> bool {
        let tier = self.acd.agent(agent).map(|view| view.tier);
        let held = tier.and_then(|tier| self.config.acd.permissions.get(&tier));
        held.is_some_and(|held| held.contains(&Permission::CallOutbound))
    }

    /// Calls a number outside for `agent`, as a leg of `call` with the role
    /// [`LegRole::Number`]. What becomes of it comes back by [`Callflow::number_rings`],
    /// [`Callflow::number_answered`] and [`Callflow::number_left`].
    ///
    /// # Errors
    /// As [`Callflow::route_outward`].
    pub(crate) fn call_outward(
        &mut self,
        call: CallId,
        agent: &AgentId,
        number: &str,
    ) -> Result<LegId, NotCalled> {
        let ways = self.route_outward(agent, number)?;
        Ok(self.call_over(call, number, ways))
    }

    /// The same over these lines, whoever wants it.
    pub(crate) fn call_over(&mut self, call: CallId, number: &str, ways: Vec<Way>) -> LegId {
        let leg = self.mint_leg();
        let outbound = self.outbound(number, ways);
        for target in outbound.left.iter().map(|tried| tried.target.clone()) {
            self.find_target(&target);
        }
        self.opening.insert(leg, Opening::Number { call, outbound });
        self.outputs.push_back(Output::OpenMedia { call, leg });
        leg
    }

    /// Every target of every line, in order. One that cannot be reached is left out; where nobody
    /// asks it whether it is back, and for a call that saves lives, it is tried last.
    fn outbound(&self, number: &str, ways: Vec<Way>) -> Outbound {
        let (number, left, redirects) = (Pii::from(number), self.tries(ways), Redirects::default());
        Outbound { number, left, trunk: None, current: None, answer_by: None, redirects }
    }

    /// What may be tried for these ways, in order.
    pub(crate) fn tries(&self, ways: Vec<Way>) -> VecDeque<Try> {
        let (mut left, mut last) = (VecDeque::new(), Vec::new());
        for way in ways {
            let trunk = self.config.trunks.by_id(&way.trunk);
            let Some(outward) = trunk.and_then(|trunk| trunk.outward.as_ref()) else { continue };
            for target in &outward.targets {
                let (way_there, target_there) = (way.clone(), target.clone());
                let tried = Try { way: way_there, target: target_there, server: None, uri: None };
                if self.lines.is_reachable(&way.trunk, target) {
                    left.push_back(tried);
                } else if way.is_emergency || outward.options_interval_ms == 0 {
                    last.push(tried);
                }
            }
        }
        left.extend(last);
        left.truncate(TRIES_MAX);
        left
    }

    /// The port is there: the INVITE leaves, unless the call is over meanwhile.
    pub(crate) fn invite_number(
        &mut self,
        (call, leg): (CallId, LegId),
        mut outbound: Outbound,
        address: Option<SocketAddr>,
    ) {
        let is_wanted = self.calls.get(&call).is_some_and(|known| known.outcome.is_none());
        let (true, Some(address)) = (is_wanted, address) else {
            if address.is_some() {
                self.outputs.push_back(Output::Media(media::MediaCommand::Close { leg }));
            }
            return self.number_left(call, leg, HangupCause::Response(503));
        };
        if outbound.left.iter().any(|tried| self.lines.places.is_searched(&tried.target)) {
            self.opening.insert(leg, Opening::Number { call, outbound });
            return self.lines.places.wait(leg, address);
        }
        let Some((invitation, description)) = self.next_way(call, leg, &mut outbound) else {
            self.release(&mut outbound);
            self.outputs.push_back(Output::Media(media::MediaCommand::Close { leg }));
            return self.number_left(call, leg, HangupCause::Response(503));
        };
        let role = LegRole::Number(outbound.number.clone());
        if self.is_called_guest(call, leg) {
            let number = outbound.number.clone();
            self.note(FactBody::Dialled { call, leg, number });
        }
        let machine = Leg::outgoing(leg, role, &self.tokens, invitation, address, description);
        self.add_leg(call, machine, Invite::Ours(None));
        if let Some(entry) = self.legs.get_mut(&leg) {
            entry.outbound = Some(outbound);
        }
        if let Some(known) = self.calls.get_mut(&call) {
            known.legs.push(leg);
        }
        self.drain_leg(leg);
    }

    /// A way leads nowhere: the next one, if there is any.
    pub(crate) fn try_next_way(&mut self, leg: LegId, cause: HangupCause, rest_s: Option<u32>) {
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        let call = entry.call;
        let mut outbound = entry.outbound.take();
        let failed = outbound.as_mut().and_then(|outbound| outbound.current.take());
        if let Some(failed) = failed {
            self.learn_from_try(&failed.peer(), cause, rest_s);
        }
        let next = outbound.as_mut().and_then(|outbound| self.next_way(call, leg, outbound));
        let Some(entry) = self.legs.get_mut(&leg) else { return };
        entry.outbound = outbound;
        match next {
            Some((invitation, description)) => {
                entry.host = invitation.flow.remote.ip();
                let others =
                    entry.outbound.as_ref().is_some_and(|outbound| outbound.has_redirects_left());
                entry.leg.invite_again(&self.tokens, invitation, description);
                entry.leg.expect_others(others);
                self.number_sends(call, leg);
            }
            None => {
                entry.leg.give_up();
                // Its CANCEL may take a while: nobody waits for that.
                if entry.leg.state() != LegState::Terminated {
                    match entry.leg.role() {
                        LegRole::Agent(_) => self.dialled_phone_lost(call, leg, cause),
                        LegRole::Number(_) | LegRole::Caller => self.number_left(call, leg, cause),
                    }
                }
            }
        }
    }

    /// Takes the next target that can be tried, on a line that has room for the call.
    fn next_way(
        &mut self,
        call: CallId,
        leg: LegId,
        outbound: &mut Outbound,
    ) -> Option<(Invitation, Description)> {
        while let Some(tried) = outbound.left.pop_front() {
            let Some(flow) = self.flow_of(&tried, outbound) else { continue };
            let Try { way, target, server: _, uri } = tried.clone();
            if !self.take_line(&way, outbound) {
                continue;
            }
            let trunk = self.config.trunks.by_id(&way.trunk)?.clone();
            let outward = trunk.outward.as_ref()?;
            let now = self.now;
            let ring = Duration::from_millis(outward.ring_timeout_ms);
            let outside = Outside {
                account: outward.account.clone(),
                respond_by: now + Duration::from_millis(self.config.unreachable_after_ms),
                answer_by: *outbound.answer_by.get_or_insert(now + ring),
            };
            let mut invitation = invitation(&trunk, outward, &way, &target, (flow, outside));
            let given_on = self.given_on(call, &trunk, &way, &target);
            invitation.headers.extend(given_on.into_iter().flatten());
            invitation.headers.extend(self.calls.get(&call).and_then(Call::hops_left));
            outbound.redirects.address(&mut invitation, uri, (&way.number, &target));
            let mut description = self.description(outward.caller_id.clone());
            description.codecs.clone_from(&trunk.codecs);
            description.srtp = trunk.srtp;
            let target = tried.peer().to_string();
            outbound.current = Some(tried);
            self.note(FactBody::TrunkTried { call, leg, trunk: way.trunk, target });
            return Some((invitation, description));
        }
        None
    }

    /// What the INVITE to a number says of the one whom the call was for before, if an agent gives
    /// on a call that came in.
    fn given_on(
        &self,
        call: CallId,
        trunk: &Trunk,
        way: &Way,
        target: &Target,
    ) -> Option<[(&'static str, String); 2]> {
        let known = self.calls.get(&call).filter(|known| known.direction == Direction::Inbound)?;
        let outward = trunk.outward.as_ref()?;
        // Another's number is for those alone whom we believe, too.
        let first = known.diverted_from.as_ref().filter(|_| trunk.asserts_identity);
        let before = Before {
            ours: &known.dnis,
            hides: outward.hides_caller_id && !way.is_emergency,
            first: first.map(|number| number.reveal().as_str()),
        };
        Some(diverted::headers(before, (&domain(outward, target), &way.number)))
    }

    /// The way of a try. A name's is that of its best server; the others are tried next (RFC 3263
    /// §4.3).
    fn flow_of(&self, tried: &Try, outbound: &mut Outbound) -> Option<Flow> {
        if let Some(server) = &tried.server {
            return self.flow_to(server, Side::Carrier);
        }
        let servers = self.servers(&tried.target);
        if let Some((None, flow)) = servers.first() {
            return Some(*flow);
        }
        let tries = servers.into_iter().map(|(server, _)| Try { server, ..tried.clone() });
        let (mut tries, down): (Vec<Try>, Vec<Try>) =
            tries.partition(|one| self.lines.is_up(&one.peer()));
        if tried.way.is_emergency || !self.is_asked(&tried.way.trunk) {
            tries.extend(down);
        }
        for one in tries.into_iter().rev() {
            outbound.left.push_front(one);
        }
        outbound.left.truncate(TRIES_MAX);
        None
    }

    /// Whether a line's servers are asked whether they are there.
    fn is_asked(&self, trunk: &TrunkId) -> bool {
        let outward = self.config.trunks.by_id(trunk).and_then(|trunk| trunk.outward.as_ref());
        outward.is_some_and(|outward| outward.options_interval_ms > 0)
    }

    /// Counts the call among those of a line, if that one has room; it is no other line's then.
    fn take_line(&mut self, way: &Way, outbound: &mut Outbound) -> bool {
        if outbound.trunk.as_ref() == Some(&way.trunk) {
            return true;
        }
        self.release(outbound);
        if way.is_emergency {
            self.loads.handle_emergency(&way.trunk);
        } else if self.loads.handle_call(&way.trunk, self.now).is_err() {
            // A line that is full is so for all of its targets.
            outbound.left.retain(|left| left.way.trunk != way.trunk);
            return false;
        }
        outbound.trunk = Some(way.trunk.clone());
        self.show_trunk_later(way.trunk.clone());
        true
    }

    fn release(&mut self, outbound: &mut Outbound) {
        if let Some(trunk) = outbound.trunk.take() {
            self.loads.handle_ended(&trunk);
            self.show_trunk_later(trunk);
        }
    }

    /// A leg to the outside is over: its line has room for another.
    pub(crate) fn release_line(&mut self, entry: &LegEntry) {
        let trunk = entry.outbound.as_ref().and_then(|outbound| outbound.trunk.as_ref());
        if let Some(trunk) = trunk {
            self.loads.handle_ended(trunk);
            self.show_trunk_later(trunk.clone());
        }
    }

    /// The way that a call to the outside is begun on.
    pub(crate) fn first_flow(&self, outbound: &Outbound) -> Option<Flow> {
        outbound.left.iter().find_map(|tried| self.line_flow(&tried.target))
    }

    /// Calls a number outside that `by` brings into a call of theirs.
    ///
    /// # Errors
    /// The agent may not call out, or no line may call the number.
    pub(crate) fn call_guest(
        &mut self,
        call: CallId,
        by: &AgentId,
        (number, kind, by_phone): (Pii<String>, TransferKind, bool),
    ) -> Result<Guest, CommandError> {
        let leg = self
            .call_outward(call, by, number.reveal())
            .map_err(|why| CommandError::new(why.as_str(), why.text()))?;
        let (by, whom) = (by.clone(), Whom::Number(number.clone()));
        let to = whom.clone();
        self.note(FactBody::TransferBegun { call, by: by.clone(), to, kind, by_phone });
        Ok(Self::called_guest((whom, number, leg), Some(by), kind))
    }

    /// Someone at a telephone outside that is called by `leg`.
    pub(crate) fn called_guest(
        (whom, number, leg): (Whom, Pii<String>, LegId),
        by: Option<AgentId>,
        kind: TransferKind,
    ) -> Guest {
        let (role, queued) = (Some(LegRole::Number(number)), None);
        let step = Step::Called { leg, sends: false };
        Guest { whom, role, queued, by, kind, step, own: None, referred: None }
    }

    /// Whether `leg` is the one by which somebody is brought into the call who has not answered.
    fn is_called_guest(&self, call: CallId, leg: LegId) -> bool {
        let conversation = self.calls.get(&call).and_then(|known| known.conversation());
        match conversation.and_then(Conversation::guest).map(|guest| &guest.step) {
            Some(Step::Called { leg: called, .. }) => *called == leg,
            Some(Step::Queued | Step::Offered(_) | Step::Answered { .. }) | None => false,
        }
    }

    /// The telephone of the one who is called rings.
    pub(crate) fn number_rings(&mut self, call: CallId, leg: LegId) {
        self.put_first_who_rings(call, leg);
        if self.calls.get(&call).is_some_and(|known| known.caller == leg) {
            self.dialled_rings(call);
        }
    }

    /// The line of the one who is called lets us hear something before the answer, or, where
    /// another way is tried, nothing any more.
    pub(crate) fn number_sends(&mut self, call: CallId, leg: LegId) {
        let has_media = self.legs.get(&leg).is_some_and(|entry| entry.leg.media().is_some());
        let conversation = self.calls.get_mut(&call).and_then(|known| known.conversation_mut());
        let guest = conversation.and_then(|talk| talk.guest_mut());
        if let Some(Step::Called { leg: called, sends }) = guest.map(|guest| &mut guest.step)
            && *called == leg
        {
            *sends = has_media;
        }
        self.bridge(call);
    }

    /// The one who is called answered. Where nobody waits for that any more the line is cut.
    pub(crate) fn number_answered(&mut self, call: CallId, leg: LegId) {
        if self.is_called_guest(call, leg) {
            self.guest_is_there(call, leg);
        } else if !self.dialled_answered(call, leg) && !self.customer_is_there(call, leg) {
            self.hang_up_leg(leg, HangupCause::LocalBye);
        }
    }

    /// The one who is called is gone, or was never reached.
    pub(crate) fn number_left(&mut self, call: CallId, leg: LegId, cause: HangupCause) {
        if self.calls.get(&call).is_some_and(|known| known.caller == leg) {
            if !self.customer_is_not_there(call, cause) {
                self.end_dialled(call, cause);
            }
        } else {
            self.party_left(call, leg, cause);
        }
    }
}

/// The INVITE to a carrier. Who calls is asserted to a carrier that is trusted (RFC 3325 §9.3);
/// where the number is to be hidden, From says nothing to anyone (RFC 3323 §4.1.1.3). One that
/// saves lives is never hidden.
fn invitation(
    trunk: &Trunk,
    outward: &Outward,
    way: &Way,
    target: &Target,
    (flow, outside): (Flow, Outside),
) -> Invitation {
    let host = domain(outward, target);
    let ours = format!("<sip:{}@{host}>", outward.caller_id);
    let hides = outward.hides_caller_id && !way.is_emergency;
    let mut headers = Vec::new();
    if trunk.asserts_identity {
        headers.push(("P-Asserted-Identity", ours.clone()));
        headers.extend(hides.then(|| ("Privacy", "id".to_owned())));
    }
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    Invitation {
        target: format!("sip:{}@{host}", way.number),
        route: Vec::new(),
        flow,
        from: if hides { anonymous.to_owned() } else { ours },
        to: format!("sip:{}@{host}", way.number),
        headers,
        outside: Some(outside),
    }
}
