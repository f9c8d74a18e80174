//! A call in progress, and the legs it has.

use std::net::IpAddr;

use call::Leg;
use cti::MenuInput;
use ivr::Interpreter;
use media::Source;
use model::{
    AgentId, CallId, Direction, HangupCause, LegId, LineQuality, Lookup, MissedCause, Mono,
    OfferId, Outcome, PauseReason, Permission, Pii, PlayId, QueueId, RecordingId, TrunkId, UserId,
};
use sip::locate::Target;
use sip::{CSeq, ClientTx, DialogId, Flow, ServerTx};
use trunk::Destination;

use crate::choices::Asked;
use crate::conversation::Conversation;
use crate::dial::Dialled;
use crate::forks::Fork;
use crate::keys::Keys;
use crate::message::Message;
use crate::outward::Outbound;
use crate::overflow::Onward;
use crate::phones::Instance;
use crate::priority::Counted;

/// One contact.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) direction: Direction,
    /// The line it came on; of an agent's call, the first that may carry it; of one between agents,
    /// none.
    pub(crate) trunk: TrunkId,
    pub(crate) ani: Pii<String>,
    pub(crate) dnis: String,
    /// The number that was dialled first, where the call was diverted here.
    pub(crate) diverted_from: Option<Pii<String>>,
    /// Max-Forwards of the INVITE that began it, or of a later one of its agent's phone if that is
    /// less; none where a desktop began it. What goes on to another leg has one less (RFC 7332 §3).
    pub(crate) hops: Option<u32>,
    /// Where the dialled number goes; nowhere for a call of an agent, unless that is to a queue.
    pub(crate) destination: Option<Destination>,
    /// The leg of the one outside: the caller, or who is called. Where both are agents, that of the
    /// colleague who is called, or of the agent who calls a queue.
    pub(crate) caller: LegId,
    /// Legs that have not ended, the caller's among them.
    pub(crate) legs: Vec<LegId>,
    pub(crate) stage: Stage,
    pub(crate) stage_since: Mono,
    pub(crate) lookup: Lookup,
    pub(crate) menu_path: Vec<String>,
    pub(crate) menu_inputs: Vec<MenuInput>,
    /// The menu answered what the caller asked.
    pub(crate) served: bool,
    /// What is played to the caller.
    pub(crate) playing: Option<PlayId>,
    pub(crate) recording: Option<Tape>,
    /// Who said that the caller does not want to be recorded.
    pub(crate) declined: Option<UserId>,
    /// Agents who are busy with it because one of them called the other, or a queue: free again
    /// when it ends, for there is nothing to work on after it.
    pub(crate) engaged: Vec<AgentId>,
    /// What has stood in queues for its agent, who asked them.
    pub(crate) asked: Vec<CallId>,
    /// The call that asked for it, if this one calls a customer back.
    pub(crate) callback_of: Option<CallId>,
    /// Where else the caller goes whom a queue has sent away, for as long as nobody has them.
    pub(crate) onward: Option<Onward>,
    /// What has put it forward already.
    pub(crate) counted: Counted,
    /// The agent who spoke with the one outside last.
    pub(crate) spoke: Option<AgentId>,
    /// How the call ends, once that is certain.
    pub(crate) outcome: Option<(Outcome, HangupCause)>,
}

/// What a call begins with.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) direction: Direction,
    pub(crate) trunk: TrunkId,
    pub(crate) ani: Pii<String>,
    pub(crate) dnis: String,
    pub(crate) caller: LegId,
    pub(crate) stage: Stage,
    pub(crate) at: Mono,
}

/// Where a call is on its path.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Its port is being taken.
    Arriving,
    /// In the menu.
    Greeting { menu: Box<Interpreter> },
    /// In line, perhaps offered to an agent, or to several at once.
    Waiting { waiting: Waiting, offers: Vec<Offer> },
    /// In conversation.
    Connected(Box<Conversation>),
    /// An agent calls out, and nobody has answered yet.
    Dialled(Box<Dialled>),
    /// Leaves a message for the people of a queue.
    Message(Message),
    /// Told that nobody can take the call.
    Leaving,
    /// Nothing more will be done for the caller.
    Over,
}

/// A place in line.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) queue: QueueId,
    /// What the agent must be allowed to do, if something special.
    pub(crate) permission: Option<Permission>,
    pub(crate) entered: Mono,
    /// How long the caller was in line or in conversation before, in milliseconds: nobody who
    /// came later goes before. With it what they were put forward by.
    pub(crate) before_ms: u64,
    /// The position that the caller was told last.
    pub(crate) told: Option<u32>,
    /// Until when they were told to wait at most: nothing earlier is told them any more.
    pub(crate) told_until: Option<Mono>,
    /// What they were asked who would rather not wait.
    pub(crate) asked: Option<Asked>,
}

/// A reservation of an agent.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) offer: OfferId,
    pub(crate) agent: AgentId,
    /// Which of the agent's phones, if one is meant.
    pub(crate) instance: Option<Instance>,
    /// The agent's phones that ring.
    pub(crate) forks: Vec<Fork>,
    /// Whether an INVITE has left.
    pub(crate) rings: bool,
    /// Why phones did not take it that ring no more: what says most of the agent.
    pub(crate) missed: Option<MissedCause>,
}

impl Call {
    pub(crate) fn begin(beginning: Beginning) -> Self {
        let Beginning { direction, trunk, ani, dnis, caller, stage, at } = beginning;
        Self {
            direction,
            trunk,
            ani,
            dnis,
            diverted_from: None,
            hops: None,
            destination: None,
            caller,
            legs: Vec::new(),
            stage,
            stage_since: at,
            lookup: match direction {
                Direction::Inbound | Direction::Outbound => Lookup::Pending,
                // Agents are no customers.
                Direction::Internal => Lookup::Unknown,
            },
            menu_path: Vec::new(),
            menu_inputs: Vec::new(),
            served: false,
            playing: None,
            recording: None,
            declined: None,
            engaged: Vec::new(),
            asked: Vec::new(),
            callback_of: None,
            onward: None,
            counted: Counted::default(),
            spoke: None,
            outcome: None,
        }
    }

    /// An INVITE that came is part of the call.
    pub(crate) fn count_hops(&mut self, invite: &sip::Message) {
        self.hops = [self.hops, invite.max_forwards()].into_iter().flatten().min();
    }

    /// Max-Forwards of an INVITE of ours in the call, where it is bridged with one that came: so a
    /// loop through a carrier ends by 483.
    pub(crate) fn hops_left(&self) -> Option<(&'static str, String)> {
        self.hops.map(|hops| ("Max-Forwards", hops.saturating_sub(1).to_string()))
    }

    /// The reservations of agents that are not answered yet.
    pub(crate) fn offers(&self) -> &[Offer] {
        match &self.stage {
            Stage::Waiting { offers, .. } => offers,
            Stage::Connected(conversation) => {
                conversation.offer().map_or(&[][..], std::slice::from_ref)
            }
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Dialled(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => &[],
        }
    }

    /// The reservation of that number.
    pub(crate) fn offer(&self, offer: OfferId) -> Option<&Offer> {
        self.offers().iter().find(|open| open.offer == offer)
    }

    pub(crate) fn offer_mut(&mut self, offer: OfferId) -> Option<&mut Offer> {
        match &mut self.stage {
            Stage::Waiting { offers, .. } => offers.iter_mut().find(|open| open.offer == offer),
            Stage::Connected(conversation) => {
                conversation.offer_mut().filter(|open| open.offer == offer)
            }
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Dialled(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    /// The reservation by which a leg rings.
    pub(crate) fn offer_by(&self, leg: LegId) -> Option<&Offer> {
        self.offers().iter().find(|open| open.has_leg(leg))
    }

    pub(crate) fn queue(&self) -> Option<&QueueId> {
        match &self.stage {
            Stage::Waiting { waiting, .. } => Some(&waiting.queue),
            Stage::Connected(conversation) => {
                conversation.waiting.as_ref().map(|waiting| &waiting.queue)
            }
            Stage::Dialled(dialled) => dialled.callback.as_ref().map(|(_, waiting)| &waiting.queue),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    /// Another phone of the agent who was called has their place; false where nobody talks or rings
    /// who could go on.
    pub(crate) fn put_caller_in_place(&mut self, new: LegId) -> bool {
        match &self.stage {
            Stage::Connected(_) | Stage::Dialled(_) => {}
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => return false,
        }
        self.caller = new;
        // Their voice is taped anew.
        if let Some(tape) = &mut self.recording {
            tape.agents.clear();
        }
        true
    }

    /// How the call ends where nobody is left who would take it.
    pub(crate) const fn outcome_unserved(&self) -> Outcome {
        match self.direction {
            Direction::Inbound => Outcome::Error,
            // The agent who called them has talked with them.
            Direction::Outbound => Outcome::Answered,
            Direction::Internal => Outcome::Unanswered,
        }
    }

    /// The conversation that goes on, if one does.
    pub(crate) fn conversation(&self) -> Option<&Conversation> {
        match &self.stage {
            Stage::Connected(conversation) => Some(conversation),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Dialled(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    pub(crate) fn conversation_mut(&mut self) -> Option<&mut Conversation> {
        match &mut self.stage {
            Stage::Connected(conversation) => Some(conversation),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Waiting { .. }
            | Stage::Dialled(_)
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }

    /// The agents whom a call in line is offered to.
    pub(crate) fn rung(&self) -> impl Iterator<Item = AgentId> + '_ {
        let offers = match &self.stage {
            Stage::Waiting { offers, .. } => &offers[..],
            _ => &[],
        };
        offers.iter().map(|offer| offer.agent.clone())
    }

    /// The agent whom the call is offered to or who has it; none while it rings several.
    pub(crate) fn agent(&self) -> Option<&AgentId> {
        match &self.stage {
            Stage::Waiting { offers, .. } => match &offers[..] {
                [offer] => Some(&offer.agent),
                _ => None,
            },
            Stage::Connected(conversation) => conversation.agent(),
            Stage::Dialled(dialled) => Some(&dialled.agent),
            Stage::Arriving
            | Stage::Greeting { .. }
            | Stage::Message(_)
            | Stage::Leaving
            | Stage::Over => None,
        }
    }
}

/// What is recorded of a call, and whose voice is on the agents' channel.
#[derive(Debug)]
pub(crate) struct Tape {
    pub(crate) recording: RecordingId,
    /// Whose voices are on the agents' channel.
    pub(crate) agents: Vec<LegId>,
    /// Why silence is taped in place of them.
    pub(crate) paused: Option<PauseReason>,
    /// Whether it has not been stopped.
    pub(crate) is_running: bool,
}

/// A leg with what the machine knows of it.
#[derive(Debug)]
pub(crate) struct LegEntry {
    pub(crate) leg: Leg,
    pub(crate) call: CallId,
    /// The INVITE, theirs or ours.
    pub(crate) invite: Invite,
    /// What the party hears.
    pub(crate) hears: Source,
    /// Whether the party has put the other side on hold.
    pub(crate) holds: bool,
    /// Our requests for the leg that may still be answered.
    pub(crate) requests: Vec<(CSeq, ClientTx)>,
    /// Their re-INVITE that we answered last: its ACK may never come.
    pub(crate) reinvite: Option<ServerTx>,
    /// Where its first INVITE came from, or went to last.
    pub(crate) host: IpAddr,
    /// How a telephone outside is called.
    pub(crate) outbound: Option<Outbound>,
    /// Where its dialog's next hop was located, if that is a name.
    pub(crate) target: Option<Target>,
    /// Its dialog, once that stands.
    pub(crate) dialog: Option<DialogId>,
    /// The leg whose place it takes when it is answered (RFC 3891).
    pub(crate) replaces: Option<LegId>,
    /// Whether it has a port: how good its line was is told when that is closed.
    pub(crate) has_port: bool,
    /// How good its line is.
    pub(crate) quality: LineQuality,
    /// The keys that it was told of.
    pub(crate) keys: Keys,
}

/// The first INVITE by its transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Invite {
    Theirs(ServerTx),
    /// None until it leaves; the last one where it had to be sent again.
    Ours(Option<ClientTx>),
}

/// A leg that waits for its port.
#[derive(Debug)]
pub(crate) enum Opening {
    Caller {
        call: CallId,
    },
    Agent {
        call: CallId,
        offer: OfferId,
        flow: Flow,
        target: String,
        route: Vec<String>,
    },
    Dialler {
        call: CallId,
        flow: Flow,
        target: String,
        route: Vec<String>,
    },
    Number {
        call: CallId,
        outbound: Outbound,
    },
    Colleague {
        call: CallId,
        flow: Flow,
        target: String,
        route: Vec<String>,
    },
    /// A phone's own call.
    Own,
}
