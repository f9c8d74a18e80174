//! What the room decides.

use model::{AgentId, CallId, MissedCause, Mono, OfferId, Opened, QueueId, Tier};

use crate::{AgentView, CallbackOutput, Overflow, OverflowCause, QueueView};

/// What the room decides. In the order of deciding, what happened before what it changed about the
/// agent; but [`Output::QueueChanged`] comes once for each queue, when all else has been polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A queue that is configured no more has lost its last call, and is gone.
    QueueGone {
        /// Which.
        queue: QueueId,
    },
    /// An agent who is configured no more has finished the last work, and is gone.
    AgentGone {
        /// Who.
        agent: AgentId,
    },
    /// A call is reserved for an agent: show the pop, then ring the phone.
    Offer {
        /// The reservation.
        offer: OfferId,
        /// Which call.
        call: CallId,
        /// From which queue.
        queue: QueueId,
        /// For whom.
        agent: AgentId,
        /// How long it has waited since it entered.
        waited_ms: u64,
        /// The score that won: nanoseconds waited and head start (see the crate's page).
        score: u64,
    },
    /// An offer is over before it was answered: stop the agent's phone.
    OfferWithdrawn {
        /// Which offer.
        offer: OfferId,
        /// Of which call.
        call: CallId,
        /// To whom.
        agent: AgentId,
        /// Why.
        why: Withdrawal,
    },
    /// An offer was missed, whoever noticed; the call has its old place again.
    Missed {
        /// Which offer.
        offer: OfferId,
        /// Of which call.
        call: CallId,
        /// By whom.
        agent: AgentId,
        /// Why.
        cause: MissedCause,
    },
    /// An answer was in time: the call has left the queue and is the agent's.
    Connected {
        /// Which offer.
        offer: OfferId,
        /// Which call.
        call: CallId,
        /// From which queue.
        queue: QueueId,
        /// Whose.
        agent: AgentId,
        /// From entering to the answer.
        waited_ms: u64,
    },
    /// An agent is reserved for a call that a colleague brings: show the pop, then ring the phone.
    Invited {
        /// The reservation.
        offer: OfferId,
        /// Which call.
        call: CallId,
        /// Who.
        agent: AgentId,
    },
    /// An agent whom a colleague asked answered in time.
    Joined {
        /// Which offer.
        offer: OfferId,
        /// Which call.
        call: CallId,
        /// Who.
        agent: AgentId,
    },
    /// A call left its queue without an agent, as the room was told.
    Dequeued {
        /// Which call.
        call: CallId,
        /// Which queue.
        queue: QueueId,
        /// How long it had waited since it entered.
        waited_ms: u64,
    },
    /// A call was not enqueued.
    NotEnqueued {
        /// Which call.
        call: CallId,
        /// Which queue.
        queue: QueueId,
        /// Why.
        why: NotEnqueued,
    },
    /// A queue does not take a call, or keeps it no longer. To another queue it goes by itself:
    /// what that queue makes of it is told next (nothing, if it waits there).
    Overflowed {
        /// Which call.
        call: CallId,
        /// Which queue.
        queue: QueueId,
        /// Why.
        why: OverflowCause,
        /// Where to.
        to: Overflow,
        /// The time that counts for its place, wherever it goes.
        entered: Mono,
        /// How long it has waited since.
        waited_ms: u64,
    },
    /// About callbacks.
    Callback(CallbackOutput),
    /// A step of its queue is open to a call: from now on the step's agents may take it.
    TierReached {
        /// Which call.
        call: CallId,
        /// In which queue.
        queue: QueueId,
        /// Of which tier the step's agents are, if of one.
        tier: Option<Tier>,
        /// The step's number, from 1.
        step: u32,
        /// What opened it.
        why: Opened,
    },
    /// Something about an agent changed.
    AgentChanged(AgentView),
    /// An agent's request was refused; nothing changed.
    Refused {
        /// Whose.
        agent: AgentId,
        /// Why.
        why: Refusal,
    },
    /// A queue's figures changed.
    QueueChanged(QueueView),
}

/// Why an offer is over before it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withdrawal {
    /// The call was dequeued or ended.
    CallerLeft,
    /// The phone rang for `ring_timeout_ms`.
    RangOut,
    /// The phone did not ring within `reserve_timeout_ms`.
    NeverRang,
    /// Another agent whom the call rang has answered it.
    AnsweredElsewhere,
    /// The colleague who asked does so no more.
    TakenBack,
}

/// Why a call is not enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotEnqueued {
    /// There is no such queue.
    UnknownQueue,
    /// The call is in a queue, or with an agent, already.
    AlreadyKnown,
    /// The queue has `max_waiting` callers.
    QueueFull,
    /// The queue is closed.
    Closed,
    /// None of the queue's tiers holds the permission: the call would wait for ever.
    NobodyMay,
}

/// Why nobody would serve a call that came to a queue now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotServed {
    /// The queue refuses it.
    Refused(NotEnqueued),
    /// The queue sends it elsewhere, and no queue has it then.
    SentAway(OverflowCause),
}

/// Why an agent's request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// There is no such agent.
    UnknownAgent,
    /// The agent's phone is not registered or does not respond.
    PhoneUnreachable,
    /// The agent is not in after-call work.
    NotInAcw,
    /// After-call work is as long as it may be.
    AcwLimit,
    /// A colleague asked for an agent who cannot be offered a call now.
    NotAvailable,
    /// The agent is busy, or not at work.
    NotIdle,
    /// The agent asks for nothing that could be approved.
    NothingAsked,
}

impl Refusal {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownAgent => "unknown_agent",
            Self::PhoneUnreachable => "phone_unreachable",
            Self::NotInAcw => "not_in_acw",
            Self::AcwLimit => "acw_limit",
            Self::NotAvailable => "agent_not_available",
            Self::NotIdle => "agent_not_idle",
            Self::NothingAsked => "nothing_asked",
        }
    }
}
