//! What the room is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{
    AgentId, AgentStatus, CallId, MissedCause, Mono, NotReadyReason, OfferId, Permission, QueueId,
};

use crate::{CallbackInput, Changes, Left, MissedCounts, Work};

/// What the room is told. Whatever names an agent that is not configured is refused; whatever names
/// a call or an offer that is over is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The agent comes to work: `NotReady` until they say otherwise.
    SignIn {
        /// Who.
        agent: AgentId,
    },
    /// The agent leaves: at once when idle or in after-call work, else when the present call and
    /// its after-call work are over.
    SignOut {
        /// Who.
        agent: AgentId,
    },
    /// The agent takes calls. Signs in as well; ends after-call work; takes back a `NotReady` or
    /// `SignOut` that is still to come. Refused while the agent's phone cannot be rung.
    Ready {
        /// Who.
        agent: AgentId,
    },
    /// The agent takes no calls: at once when idle, else when the present call and its after-call
    /// work are over. Signs in as well. With a reason that needs approval
    /// ([`Config::approval`](crate::Config::approval)) nothing changes but that the agent asks for
    /// it, until someone approves or declines, or the agent says otherwise.
    NotReady {
        /// Who.
        agent: AgentId,
        /// Why.
        reason: NotReadyReason,
    },
    /// What the agent asks for is approved: as if they had not needed to ask. Who may do so is not
    /// this room's business. Refused if the agent asks for nothing.
    Approve {
        /// Who asked.
        agent: AgentId,
    },
    /// What the agent asks for is not approved. Refused if the agent asks for nothing.
    Decline {
        /// Who asked.
        agent: AgentId,
    },
    /// Whether the agent's phone can be rung. An agent whose phone is lost while idle becomes
    /// `NotReady`, and does not become ready again by itself.
    PhoneReachable {
        /// Whose.
        agent: AgentId,
        /// False when the registration is gone or the phone does not respond.
        reachable: bool,
    },
    /// A call wants an agent.
    Enqueue {
        /// Which call.
        call: CallId,
        /// In which queue.
        queue: QueueId,
        /// What the agent must be allowed to do, if something special.
        permission: Option<Permission>,
        /// The time that counts for its place and for the tiers it has reached; not in the future.
        entered: Mono,
        /// How much earlier than that it is deemed to have entered, compared with other calls.
        head_start_ms: u64,
        /// Who should take it, if someone; not in a queue to which it overflows.
        preferred: Option<Preferred>,
    },
    /// An agent asks a queue about a call: someone of it is wanted, as by a caller who comes now,
    /// but it is offered to one agent at a time, whatever the queue's strategy.
    Ask {
        /// What stands in the queue for them.
        call: CallId,
        /// Which queue.
        queue: QueueId,
        /// What the agent must be allowed to do, if something special.
        permission: Option<Permission>,
    },
    /// A call that had left a queue for an agent, or stood in it for a colleague, is back in it:
    /// the queue has taken it once, and takes it now though it be full, closed or unstaffed. It
    /// goes where those go who wait there, if they have to.
    ComeBack {
        /// Which call.
        call: CallId,
        /// Into which queue.
        queue: QueueId,
        /// What the agent must be allowed to do, if something special.
        permission: Option<Permission>,
        /// The time that counts for its place and for the tiers it has reached; not in the future.
        entered: Mono,
        /// How much earlier than that it is deemed to have entered, compared with other calls.
        head_start_ms: u64,
    },
    /// The caller hung up. An offer of it is withdrawn. Ignored for a callback: who asked for one
    /// may hang up.
    Dequeue {
        /// Which call.
        call: CallId,
    },
    /// The same, with the reason why.
    Leave {
        /// Which call.
        call: CallId,
        /// Why.
        why: Left,
    },
    /// A call that waits is deemed to have entered so much earlier than it was before, and waits
    /// for `preferred` alone for a while. Ignored for a callback, and for a call that is being
    /// offered.
    Prefer {
        /// Which call.
        call: CallId,
        /// How much earlier; at most [`MAX_HEAD_START_MS`](crate::MAX_HEAD_START_MS) in all.
        more_ms: u64,
        /// Who should take it, if someone.
        preferred: Option<Preferred>,
    },
    /// The hours of a queue begin or end; at the start every queue is open. Ignored for a queue
    /// that is not configured.
    QueueOpen {
        /// Which.
        queue: QueueId,
        /// Whether it is open from now on.
        open: bool,
    },
    /// An emergency plan is put on or off: from now on, for all its queues. Ignored for a plan that
    /// is not configured.
    Emergency {
        /// Which.
        plan: Arc<str>,
        /// Whether it is on from now on.
        on: bool,
    },
    /// Something is configured otherwise from now on ([`Changes`]): calls, places in line, offers
    /// and sign-ins go on.
    Configure(Box<Changes>),
    /// About callbacks.
    Callback(CallbackInput),
    /// The INVITE to the agent's phone has left.
    OfferRinging {
        /// Which offer.
        offer: OfferId,
    },
    /// The agent answered.
    OfferAnswered {
        /// Which offer.
        offer: OfferId,
    },
    /// The agent's phone declined, was busy, could not be reached or failed.
    OfferMissed {
        /// Which offer.
        offer: OfferId,
        /// Why.
        cause: MissedCause,
    },
    /// A colleague asks the agent to take a call that has left its queue, or to join it. Refused
    /// unless the agent could be offered a call now; [`Output::Invited`](crate::Output::Invited)
    /// has the offer, which goes on as one of a queue does.
    Invite {
        /// Who.
        agent: AgentId,
        /// Which call.
        call: CallId,
    },
    /// Who asked does so no more. Ignored for an offer of a queue.
    TakeBack {
        /// Which offer.
        offer: OfferId,
    },
    /// The agent is out of a call that goes on with others, or goes back to a queue: after-call
    /// work. Ignored unless the agent is in conversation in that call.
    AgentLeft {
        /// Who.
        agent: AgentId,
        /// Which call.
        call: CallId,
    },
    /// The conversation is over: the agent is in after-call work. A call that still waits is
    /// dequeued.
    CallEnded {
        /// Which call.
        call: CallId,
    },
    /// The agent has taken `call` from a queue for a colleague who asks about another one, and is
    /// in conversation in that one from now on: `call` is over. Ignored unless the agent is in
    /// conversation in `call`.
    Bring {
        /// Who.
        agent: AgentId,
        /// The call that was in the queue.
        call: CallId,
        /// The call that it was about.
        into: CallId,
    },
    /// The agent calls someone, and is busy with that until [`Input::Disengage`], or, once they
    /// talk, [`Input::AgentLeft`] or [`Input::CallEnded`]. Refused unless the agent is at work,
    /// idle, and has a phone that can be rung.
    Engage {
        /// Who.
        agent: AgentId,
        /// With which call.
        call: CallId,
    },
    /// Nobody answered the call that the agent was engaged with: there is no after-call work.
    /// Ignored for any other call.
    Disengage {
        /// Who.
        agent: AgentId,
        /// Which call.
        call: CallId,
    },
    /// The agent needs more time after the call.
    ExtendAcw {
        /// Who.
        agent: AgentId,
        /// How much more, in milliseconds.
        ms: u64,
    },
    /// The agent is done with what comes after the call. Ignored if that is over already.
    WrapUp {
        /// Who.
        agent: AgentId,
        /// After which call.
        call: CallId,
    },
}

/// That one agent should take a call: the customer's steward, or who spoke with them last.
///
/// For a while the call waits for this agent alone, whatever tier it has reached, if the agent
/// serves its queue, may take it, and is `Ready` (busy or not); it is everyone's as soon as the
/// agent is not, or misses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferred {
    /// Who.
    pub agent: AgentId,
    /// For how long from now; at most [`MAX_PREFERENCE_MS`](crate::MAX_PREFERENCE_MS).
    pub for_ms: u64,
}

/// An agent as known before a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredAgent {
    /// Who.
    pub agent: AgentId,
    /// The status that was acknowledged last (of one that was to come, that one).
    pub status: AgentStatus,
    /// Whether the phone's registration is still good.
    pub phone_reachable: bool,
    /// What is left of after-call work, if the agent was in it or in a call that the restart ended.
    pub acw: Option<RestoredAcw>,
    /// What the agent's day had come to.
    pub day: RestoredDay,
}

/// What an agent's day had come to before a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoredDay {
    /// Since when the agent is idle, on the present clock; `None` if the agent was busy, and is
    /// idle from now on. Only the order among agents counts.
    pub idle_since: Option<Mono>,
    /// Offers missed since signing in.
    pub missed: MissedCounts,
    /// Offers missed in a row.
    pub missed_in_row: MissedCounts,
    /// Until when the agent is left alone after a missed offer, on the present clock.
    pub rests_until: Option<Mono>,
    /// What waits for someone's approval.
    pub asks: Option<NotReadyReason>,
    /// What the agent has done since signing in.
    pub work: Work,
    /// From each queue: offers since signing in, and the number of the last decision for the agent.
    pub turns: BTreeMap<QueueId, (u64, u64)>,
}

/// What is left of after-call work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoredAcw {
    /// After which call.
    pub call: CallId,
    /// Until when, on the present clock.
    pub until: Mono,
    /// The latest time to which it can be extended.
    pub at_most: Mono,
}
