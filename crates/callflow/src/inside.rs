//! Calls between agents: a phone calls a colleague, or a queue as a caller does. No line is used,
//! and nobody outside is in them; while they last their agents are offered nothing.

use std::net::SocketAddr;
use std::time::Duration;

use acd::Input as AcdInput;
use call::{Description, Leg, Outside};
use cti::{CallPhase, CommandError};
use media::MediaCommand;
use model::{
    AgentId, AgentStatus, CallId, Direction, FactBody, HangupCause, LegId, LegRole, Pii, QueueId,
    Target, TrunkId,
};
use sip::Flow;
use trunk::Destination;

use crate::calls::{Beginning, Call, Invite, Opening, Stage};
use crate::dial::{DialStep, Dialled, not_registered};
use crate::dial_forks::Also;
use crate::phones::Instance;
use crate::transfer::not_taken;
use crate::{Callflow, Output};

const UNAVAILABLE: u16 = 480;
const NO_PORT: u16 = 503;

impl Callflow {
    /// An agent asks on the desktop for a colleague or a queue: their own phone is rung first.
    pub(crate) fn dial_inside(
        &mut self,
        agent: &AgentId,
        whom: Target,
    ) -> Result<(), CommandError> {
        let (step, phone) = (DialStep::Phone, self.mint_leg());
        let contacts = self.phone_contacts(agent, None);
        if contacts.is_empty() {
            return Err(not_registered());
        }
        let call = match whom {
            Target::Agent(colleague) => {
                self.call_colleague(agent, phone, (colleague, None), step)?
            }
            Target::Queue(queue) => {
                let dialled = Dialled {
                    agent: agent.clone(),
                    phone,
                    also: Also::default(),
                    whom: Target::Queue(queue.clone()),
                    instance: None,
                    step,
                    callback: None,
                };
                self.call_queue(agent, phone, queue, Stage::Dialled(Box::new(dialled)))?
            }
            Target::Number(_) => return Ok(()),
        };
        self.ring_diallers(call, phone, contacts);
        self.publish_call(call, CallPhase::Dialling);
        Ok(())
    }

    /// An agent or a queue of ours by name. A number that saves lives is that number, whoever else
    /// is called so.
    pub(crate) fn named_inside(&self, name: &str) -> Option<Target> {
        let ways = self.config.trunks.ways_out(name);
        if ways.is_ok_and(|ways| ways.iter().any(|way| way.is_emergency)) {
            return None;
        }
        let (agent, queue) = (AgentId::from(name), QueueId::from(name));
        if self.acd.agent(&agent).is_some() {
            return Some(Target::Agent(agent));
        }
        self.acd.queue_snapshot(&queue).map(|_| Target::Queue(queue))
    }

    /// A colleague is called by `leg` of the agent's phone, now or, by `step`, when that is
    /// answered. Both are busy from now on; whoever is not ready may be called all the same, and is
    /// so again afterwards.
    pub(crate) fn call_colleague(
        &mut self,
        agent: &AgentId,
        leg: LegId,
        (colleague, instance): (AgentId, Option<Instance>),
        step: DialStep,
    ) -> Result<CallId, CommandError> {
        if *agent == colleague {
            return Err(CommandError::new("yourself", "that is your own number"));
        }
        self.has_room(false)?;
        let call = self.mint_call();
        self.ask_acd(AcdInput::Engage { agent: agent.clone(), call })?;
        let asked = AcdInput::Engage { agent: colleague.clone(), call };
        if self.ask_acd(asked).is_err() {
            self.disengage(agent, call);
            return Err(self.not_there(&colleague));
        }
        let callee = self.mint_leg();
        let whom = Target::Agent(colleague.clone());
        let dialled = Dialled {
            agent: agent.clone(),
            phone: leg,
            also: Also::default(),
            whom: whom.clone(),
            instance,
            step,
            callback: None,
        };
        let stage = Stage::Dialled(Box::new(dialled));
        self.begin_inside((call, leg), agent, whom, (callee, stage));
        if let Some(known) = self.calls.get_mut(&call) {
            known.engaged.push(colleague);
        }
        self.publish_call(call, CallPhase::Dialling);
        Ok(call)
    }

    /// A queue is called by `leg` of the agent's phone: it may hear there what a caller would hear
    /// of a queue that is closed.
    pub(crate) fn call_queue(
        &mut self,
        agent: &AgentId,
        leg: LegId,
        queue: QueueId,
        stage: Stage,
    ) -> Result<CallId, CommandError> {
        self.has_room(false)?;
        self.acd.takes(&queue, None).map_err(not_taken)?;
        let call = self.mint_call();
        self.ask_acd(AcdInput::Engage { agent: agent.clone(), call })?;
        let whom = Target::Queue(queue.clone());
        self.begin_inside((call, leg), agent, whom, (leg, stage));
        if let Some(known) = self.calls.get_mut(&call) {
            known.destination = Some(Destination::Queue(queue));
        }
        Ok(call)
    }

    fn begin_inside(
        &mut self,
        (call, leg): (CallId, LegId),
        agent: &AgentId,
        to: Target,
        (caller, stage): (LegId, Stage),
    ) {
        let dnis = match &to {
            Target::Agent(colleague) => colleague.as_str().to_owned(),
            Target::Queue(queue) => queue.as_str().to_owned(),
            Target::Number(_) => String::new(),
        };
        self.note(FactBody::CalledInside { call, leg, agent: agent.clone(), to });
        let mut begun = Call::begin(Beginning {
            direction: Direction::Internal,
            trunk: TrunkId::from(""),
            ani: Pii::from(agent.as_str()),
            dnis,
            caller,
            stage,
            at: self.now,
        });
        begun.engaged.push(agent.clone());
        self.calls.insert(call, begun);
    }

    /// Why a colleague is not called: they talk, or nobody is there.
    fn not_there(&self, colleague: &AgentId) -> CommandError {
        let is_there = self
            .acd
            .agent(colleague)
            .is_some_and(|view| view.phone_reachable && view.status != AgentStatus::SignedOut);
        match is_there {
            true => {
                let message = format!("agent {colleague} has another call");
                CommandError::new("agent_not_available", message)
            }
            false => {
                let message = format!("the phone of agent {colleague} cannot be reached");
                CommandError::new("phone_unreachable", message)
            }
        }
    }

    /// The port for the agent who calls is there: the colleague's phone is rung as soon as it has
    /// one, too.
    pub(crate) fn ring_colleague(
        &mut self,
        call: CallId,
        colleague: &AgentId,
    ) -> Result<LegId, u16> {
        let instance = self.dialled(call).and_then(|dialled| dialled.instance.clone());
        let contacts = self.phone_contacts(colleague, instance.as_ref());
        let mut legs = Vec::new();
        for (flow, target, route) in contacts {
            let leg = self.mint_leg();
            self.opening.insert(leg, Opening::Colleague { call, flow, target, route });
            self.outputs.push_back(Output::OpenMedia { call, leg });
            legs.push(leg);
        }
        let mut legs = legs.into_iter();
        let first = legs.next().ok_or(UNAVAILABLE)?;
        self.rings_also(call, legs.collect());
        Ok(first)
    }

    /// The port for the colleague's phone is there.
    pub(crate) fn invite_colleague(
        &mut self,
        (call, leg): (CallId, LegId),
        (flow, target, route): (Flow, String, Vec<String>),
        address: Option<SocketAddr>,
    ) {
        let dialled = self.dialled(call).map(|dialled| (dialled.agent.clone(), &dialled.whom));
        let (Some((agent, Target::Agent(colleague))), Some(address)) = (dialled, address) else {
            if address.is_some() {
                self.outputs.push_back(Output::Media(MediaCommand::Close { leg }));
            }
            return self.dialled_phone_lost(call, leg, HangupCause::Response(NO_PORT));
        };
        let colleague = colleague.clone();
        let browser = self.browser_on(&flow);
        let (mut invitation, _) = self.invitation(call, &colleague, flow, target, route);
        // Who calls is no customer: the phone shows them, and calls them back.
        let realm = &self.config.realm;
        invitation.from = format!("<sip:{agent}@{realm}>");
        invitation.outside = Some(Outside {
            account: None,
            respond_by: self.now + Duration::from_millis(self.config.unreachable_after_ms),
            answer_by: self.now + Duration::from_millis(self.config.acd.ring_timeout_ms),
        });
        self.note_rung(&colleague, leg);
        self.note(FactBody::PhoneRung { call, leg, agent: colleague.clone() });
        let description = Description { browser, ..self.description(agent.as_str().to_owned()) };
        let role = LegRole::Agent(colleague);
        let machine = Leg::outgoing(leg, role, &self.tokens, invitation, address, description);
        self.add_leg(call, machine, Invite::Ours(None));
        if let Some(known) = self.calls.get_mut(&call) {
            known.legs.push(leg);
        }
        self.drain_leg(leg);
    }

    /// An agent who called a queue, or was called by a colleague, hangs up on the desktop; false if
    /// they have no such place in the call.
    pub(crate) fn hang_up_inside(&mut self, call: CallId, agent: &AgentId) -> bool {
        let caller = self.calls.get(&call).map(|known| known.caller);
        let theirs = caller.filter(|leg| {
            let role = self.legs.get(leg).map(|entry| entry.leg.role());
            role.and_then(LegRole::agent) == Some(agent)
        });
        if let Some(leg) = theirs {
            self.hang_up_leg(leg, HangupCause::AgentHangUp);
        }
        theirs.is_some()
    }

    /// A call between agents is over: they are as before it.
    pub(crate) fn set_free(&mut self, call: CallId) {
        let engaged = self.calls.get_mut(&call).map(|known| std::mem::take(&mut known.engaged));
        for agent in engaged.unwrap_or_default() {
            self.disengage(&agent, call);
        }
    }
}
