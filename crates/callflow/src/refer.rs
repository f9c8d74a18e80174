//! The agent gives the call away by the phone: REFER (RFC 3515) inside the agent's own dialog is
//! what the desktop's transfer is. Nobody else may say so, for whoever did could have the engine
//! call whom they like (§5.2).

use call::{Referral, Replaces};
use cti::CommandError;
use model::{AgentId, CallId, LegId, LegRole, MissedCause, Pii, Target, TransferEnd};
use sip::{Flow, FromBrain, Message, Name, NameAddr, Scheme, ServerTx, Uri};
use trunk::NoWay;

use crate::phones::{Instance, Whose};
use crate::{Callflow, Output};

/// A REFER that was accepted, on the leg of the phone that sent it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Referred {
    leg: LegId,
    referral: Referral,
}

/// Whom a phone means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) whom: Target,
    /// Which of an agent's phones, where a GRUU says so: no other is rung (RFC 5627 §5.1).
    pub(crate) instance: Option<Instance>,
}

impl From<Target> for Called {
    fn from(whom: Target) -> Self {
        Self { whom, instance: None }
    }
}

/// What a REFER asks for.
enum Asked {
    /// That someone gets the call.
    Give(Called),
    /// That the phone's two dialogs are joined, or why they cannot be.
    Join(Result<(), u16>),
}

impl Callflow {
    /// A party wants its call given to someone else.
    pub(crate) fn handle_referred(&mut self, leg: LegId, tx: ServerTx, request: &Message) {
        let asked = self.referred_by(leg).and_then(|(agent, call)| {
            let address = request.first(Name::ReferTo).and_then(NameAddr::parse);
            let uri = address.as_ref().and_then(NameAddr::uri).ok_or(BAD_REQUEST)?;
            // Calls are given on by INVITE, and nothing else is (RFC 3515 §2.1).
            if uri.params().value("method").is_some_and(|method| method != "INVITE") {
                return Err(NOT_IMPLEMENTED);
            }
            if let Some(joined) = self.joined_by_refer((call, leg), &uri) {
                return Ok((agent, Asked::Join(joined)));
            }
            let to = self.called_by(&uri)?;
            self.call_to_move(&agent).map_err(|_| REQUEST_PENDING)?;
            Ok((agent, Asked::Give(to)))
        });
        match asked {
            Ok((agent, Asked::Give(to))) => self.follow_refer(leg, (tx, request), &agent, to),
            Ok((agent, Asked::Join(joined))) => {
                self.join_by_refer(leg, (tx, request), &agent, joined);
            }
            Err(status) => {
                self.with_leg(leg, |entry| entry.leg.refuse_refer(tx, request, status));
            }
        }
    }

    /// A REFER in no dialog of ours (RFC 3515 §4.1): it is followed where it names a dialog of the
    /// agent's own phone that sends it, as it would be in that dialog (RFC 4538, RFC 5589 §6.1).
    /// Who else asks would have us call for them.
    pub(crate) fn handle_refer_outside(&mut self, tx: ServerTx, request: Message, flow: Flow) {
        if !self.is_from_phone(&flow) {
            return self.respond(tx, &request, FORBIDDEN);
        }
        let user = match self.check_credentials(&request, &flow, Whose::Phone) {
            Ok(user) => user,
            Err(message) => {
                return self.outputs.push_back(Output::Sip(FromBrain::Respond { tx, message }));
            }
        };
        let meant = match self.registrar.is_phone_of(flow.remote, &user) {
            true => self.leg_to_give(&AgentId::from(user), &request),
            false => Err(FORBIDDEN),
        };
        match meant {
            Ok(leg) => {
                self.handle_referred(leg, tx, &request);
                self.drain_leg(leg);
            }
            Err(status) => self.respond(tx, &request, status),
        }
    }

    /// The leg of `agent` that a REFER in no dialog is about: what its Target-Dialog names, or the
    /// other one of the two that its Refer-To joins.
    fn leg_to_give(&self, agent: &AgentId, request: &Message) -> Result<LegId, u16> {
        let targets: Vec<&str> = request.headers("Target-Dialog").collect();
        if request.all(Name::ReferTo).count() != 1 || targets.len() > 1 {
            return Err(BAD_REQUEST);
        }
        let address = request.first(Name::ReferTo).and_then(NameAddr::parse);
        let uri = address.as_ref().and_then(NameAddr::uri).ok_or(BAD_REQUEST)?;
        let leg = match targets.first() {
            Some(value) => {
                let target = Replaces::of_target_dialog(value).ok_or(BAD_REQUEST)?;
                self.named_by(&target).map_err(|_| FORBIDDEN)?
            }
            None => {
                let replaces = Replaces::in_uri(&uri).ok_or(FORBIDDEN)?;
                let named = self.named_by(&replaces).map_err(|_| FORBIDDEN)?;
                self.beside(named).ok_or(FORBIDDEN)?
            }
        };
        let role = self.legs.get(&leg).map(|entry| entry.leg.role());
        if role.and_then(LegRole::agent) == Some(agent) { Ok(leg) } else { Err(FORBIDDEN) }
    }

    /// The other leg of an agent's phone that has two in one call.
    fn beside(&self, leg: LegId) -> Option<LegId> {
        let call = self.legs.get(&leg).map(|entry| entry.call)?;
        let conversation = self.calls.get(&call)?.conversation()?;
        let holder = conversation.holder.as_ref()?.leg;
        let own = conversation.guest()?.own?;
        match leg {
            _ if leg == holder => Some(own),
            _ if leg == own => Some(holder),
            _ => None,
        }
    }

    /// The agent whose phone sent a REFER and who has the call.
    fn referred_by(&self, leg: LegId) -> Result<(AgentId, CallId), u16> {
        let entry = self.legs.get(&leg).ok_or(FORBIDDEN)?;
        let LegRole::Agent(agent) = entry.leg.role() else { return Err(FORBIDDEN) };
        let known = self.calls.get(&entry.call).and_then(|known| known.conversation());
        let holds = known.is_some_and(|conversation| conversation.agent() == Some(agent));
        if holds { Ok((agent.clone(), entry.call)) } else { Err(FORBIDDEN) }
    }

    /// Whom a phone means by a URI: an agent or a queue of ours by name, else a number.
    ///
    /// # Errors
    /// The status that it is answered with.
    pub(crate) fn called_by(&self, uri: &Uri<'_>) -> Result<Called, u16> {
        let is_ours = match uri.scheme() {
            Scheme::Sip | Scheme::Sips => self.is_ours(uri),
            Scheme::Tel => true,
            Scheme::Other => return Err(UNSUPPORTED_SCHEME),
        };
        let user = trunk::normalise(&uri.user_decoded());
        if !is_ours {
            return Err(FORBIDDEN);
        }
        if uri.params().has("gr") {
            return self.agent_of_gruu(uri, user.into());
        }
        if let Some(inside) = self.named_inside(&user) {
            Ok(inside.into())
        } else if self.config.trunks.ways_out(&user) != Err(NoWay::NotANumber) {
            Ok(Target::Number(Pii::new(user)).into())
        } else {
            Err(NOT_FOUND)
        }
    }

    /// Whose phone a GRUU of ours is (RFC 5627 §5.1): 480 where that one is registered no more, 404
    /// where there never was one, a temporary one that is over among them.
    fn agent_of_gruu(&self, gruu: &Uri<'_>, named: AgentId) -> Result<Called, u16> {
        let bound = self.registrar.binding_of(gruu).and_then(|(aor, binding)| {
            Some((AgentId::from(aor), Instance(binding.instance.clone()?)))
        });
        match bound.filter(|(agent, _)| self.acd.agent(agent).is_some()) {
            Some((agent, instance)) => {
                Ok(Called { whom: Target::Agent(agent), instance: Some(instance) })
            }
            None if self.acd.agent(&named).is_some() => Err(UNAVAILABLE),
            None => Err(NOT_FOUND),
        }
    }

    /// The phone joins the caller and the one whom it has asked: both of its dialogs end. Where
    /// that cannot be it is told by NOTIFY, as what an INVITE with Replaces would have been
    /// answered: 481 for the REFER itself would say that the caller's dialog is gone (RFC 5057
    /// §5.1).
    fn join_by_refer(
        &mut self,
        leg: LegId,
        (tx, request): (ServerTx, &Message),
        agent: &AgentId,
        joined: Result<(), u16>,
    ) {
        if joined.is_err() && call::is_quiet(request) {
            // No NOTIFY could say it.
            self.with_leg(leg, |entry| entry.leg.refuse_refer(tx, request, DECLINE));
            return;
        }
        let mut referral = None;
        self.with_leg(leg, |entry| referral = Some(entry.leg.accept_refer(tx, request)));
        let Some(referral) = referral else { return };
        let referred = Referred { leg, referral };
        if let Err(status) = joined {
            return self.notify_referral(referred, status);
        }
        let call = self.legs.get(&leg).map(|entry| entry.call);
        let known = call.and_then(|call| self.calls.get_mut(&call));
        let conversation = known.and_then(|known| known.conversation_mut());
        if let Some(guest) = conversation.and_then(|talking| talking.guest_mut()) {
            guest.referred = Some(referred);
        }
        if let Err(error) = self.handle_complete(agent) {
            self.notify_referral(referred, status_of(&error));
        }
    }

    /// Whether a URI is of this engine: by its realm, a domain of its phones, or an address that it
    /// is reached at.
    pub(crate) fn is_ours(&self, uri: &Uri<'_>) -> bool {
        let mut names = std::iter::once(&self.config.realm).chain(&self.config.domains);
        let named = names.any(|name| uri.host().eq_ignore_ascii_case(name));
        let listens = |ip| self.config.listeners.iter().any(|one| one.local.ip() == ip);
        named || uri.ip().is_some_and(listens)
    }

    fn follow_refer(
        &mut self,
        leg: LegId,
        (tx, request): (ServerTx, &Message),
        agent: &AgentId,
        to: Called,
    ) {
        let mut referral = None;
        self.with_leg(leg, |entry| referral = Some(entry.leg.accept_refer(tx, request)));
        let Some(referral) = referral else { return };
        let referred = Referred { leg, referral };
        // Who gives a call to a queue is out of it at once: what is to be said is said before.
        if self.takes_call_of(agent, &to.whom) {
            self.notify_referral(referred, 200);
        }
        match self.handle_transfer(agent, to, true) {
            Ok(()) => {
                let call = self.legs.get(&leg).map(|entry| entry.call);
                let known = call.and_then(|call| self.calls.get_mut(&call));
                let conversation = known.and_then(|known| known.conversation_mut());
                if let Some(guest) = conversation.and_then(|talking| talking.guest_mut()) {
                    guest.referred = Some(referred);
                }
            }
            Err(error) => self.notify_referral(referred, status_of(&error)),
        }
    }

    /// Whether a queue would serve the call of `agent` now.
    fn takes_call_of(&self, agent: &AgentId, to: &Target) -> bool {
        let Target::Queue(queue) = to else { return false };
        let call = self.call_held_by(agent).ok().and_then(|call| self.calls.get(&call));
        let conversation = call.and_then(|known| known.conversation());
        conversation.is_some_and(|talk| self.acd.serves(queue, talk.permission()).is_ok())
    }

    fn notify_referral(&mut self, referred: Referred, status: u16) {
        let Referred { leg, referral } = referred;
        self.with_leg(leg, |entry| entry.leg.notify_referral(referral, status));
    }

    /// What became of it, if the phone is still there to be told.
    pub(crate) fn end_referral(&mut self, referred: Referred, end: TransferEnd) {
        let status = match end {
            TransferEnd::Completed | TransferEnd::GuestLeft => 200,
            TransferEnd::Missed(MissedCause::NoAnswer | MissedCause::Unreachable) => 480,
            TransferEnd::Missed(MissedCause::Busy) => 486,
            TransferEnd::Missed(MissedCause::Rejected) => 603,
            TransferEnd::Missed(MissedCause::Error) => 500,
            TransferEnd::TakenBack | TransferEnd::CallerLeft => 487,
        };
        self.notify_referral(referred, status);
    }
}

const BAD_REQUEST: u16 = 400;
const FORBIDDEN: u16 = 403;
const NOT_FOUND: u16 = 404;
const UNSUPPORTED_SCHEME: u16 = 416;
const UNAVAILABLE: u16 = 480;
const NOT_IMPLEMENTED: u16 = 501;
const DECLINE: u16 = 603;
/// Someone is brought into the call already.
const REQUEST_PENDING: u16 = 491;

/// What a phone is told that asked for what cannot be.
pub(crate) fn status_of(error: &CommandError) -> u16 {
    match error.code {
        "already_transferring" => REQUEST_PENDING,
        "lines_full" => 503,
        "unknown_target" | "bad_number" => NOT_FOUND,
        "agent_not_available" | "queue_full" => 486,
        "phone_unreachable" | "queue_closed" | "queue_unstaffed" => UNAVAILABLE,
        "yourself" => 482,
        _ => FORBIDDEN,
    }
}
