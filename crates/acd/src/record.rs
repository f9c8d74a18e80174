//! What of the room survives: records of agents, calls and queues, and the facts that change them.
//!
//! A fact says how something is from now on, all of it: whoever applies the facts of a room to a
//! snapshot of it has the next snapshot, and need not know why. They are told after each input and
//! each deadline ([`Acd::poll_fact`](crate::Acd::poll_fact)), numbered without gaps, and belong
//! together if `at` and `last` say so: a snapshot is whole after a `last` one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{
    AgentId, AgentState, AgentStatus, CallId, IdSource, Mono, NotReadyReason, OfferId, Permission,
    QueueId,
};

use crate::answered::ServedPiece;
use crate::callback::{First, Party};
use crate::estimate::PaceRecord;
use crate::strategy::Work;
use crate::{AgentConfig, Balance, CallbackBalance, MissedCounts, QueueConfig, Served};

/// How something is from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Mono,
    /// The last one of what happened at once: after it a snapshot is whole.
    pub last: bool,
    /// What.
    pub change: Change,
}

/// What a fact is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An agent.
    Agent(AgentRecord),
    /// A call that waits, is being offered, is called back or has an agent.
    Call(CallRecord),
    /// A call that is none of these any more.
    CallGone(CallId),
    /// An agent who is there no more.
    AgentGone(AgentId),
    /// A queue.
    Queue(QueueRecord),
    /// A queue that is there no more.
    QueueGone(QueueId),
    /// The emergency plans that are on.
    Plans(BTreeSet<Arc<str>>),
    /// The numbers that are given to offers and decisions.
    Counters {
        /// Where the next offer's number comes from.
        ids: IdSource,
        /// The number of the last decision.
        decisions: u64,
    },
}

/// One agent, as far as the configuration does not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRecord {
    /// Who.
    pub agent: AgentId,
    /// The agent's own choice.
    pub status: AgentStatus,
    /// What the engine is doing with the agent.
    pub state: AgentState,
    /// The call that this is about.
    pub call: Option<CallId>,
    /// The offer that is not yet answered.
    pub offer: Option<OfferId>,
    /// Until when an offer that no queue made may stay so.
    pub invited_until: Option<Mono>,
    /// The agent is in the call by a colleague, or by having made it.
    pub joined: bool,
    /// The queue that had the agent for a colleague who asked it.
    pub asked_by: Option<QueueId>,
    /// When after-call work ends by itself, and the latest time to which it can be extended.
    pub acw: Option<(Mono, Mono)>,
    /// The status that is to come.
    pub next_status: Option<AgentStatus>,
    /// What waits for approval.
    pub asks: Option<NotReadyReason>,
    /// Whether the phone can be rung.
    pub reachable: bool,
    /// Since when status and state are these.
    pub since: Mono,
    /// Since when the agent could take a call.
    pub idle_since: Mono,
    /// Offers missed since signing in.
    pub missed: MissedCounts,
    /// Offers missed in a row.
    pub missed_in_row: MissedCounts,
    /// Until when the agent is left alone.
    pub rests_until: Option<Mono>,
    /// What the agent has done since signing in.
    pub work: Work,
    /// What the agent was offered from each queue.
    pub turns: BTreeMap<QueueId, Turns>,
    /// Queues that are configured no more, of which the agent takes the calls that are left.
    pub also_serves: Vec<Served>,
    /// As the agent was configured, who is so no more.
    pub leaving: Option<Box<AgentConfig>>,
}

/// What an agent was offered from a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turns {
    /// Offers since signing in.
    pub offers: u64,
    /// The number of the last decision for the agent.
    pub last_turn: u64,
    /// The same before the offer that is open.
    pub turn_before: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Which.
    pub call: CallId,
    /// In which queue, or from which.
    pub queue: QueueId,
    /// The time that counts for its place.
    pub entered: Mono,
    /// How much earlier it is deemed to have entered, the queue's own left out.
    pub head_start_ms: u64,
    /// When it joined the queue.
    pub joined: Mono,
    /// What the agent must be allowed to do.
    pub permission: Option<Permission>,
    /// How many of the queue's steps it has reached.
    pub reached: usize,
    /// When it has been in the queue for as long as one may, or that is looked at again.
    pub limit_at: Option<Mono>,
    /// It had to go, and stays until `limit_at` because nobody had room for it.
    pub kept: bool,
    /// Which agent alone may take it, and until when.
    pub preferred: Option<(AgentId, Mono)>,
    /// It is offered to one agent at a time, whatever its queue's strategy.
    pub singly: bool,
    /// What makes it a callback.
    pub callback: Option<CallbackRecord>,
    /// What rings for it besides the offer of its stage, where several may.
    pub ring: Option<RingRecord>,
    /// How far it is.
    pub stage: Stage,
}

/// What makes an entry of the line a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallbackRecord {
    /// Who.
    pub party: Party,
    /// Who is called first.
    pub first: First,
    /// Attempts that were in vain.
    pub attempts: u32,
    /// When it was asked for.
    pub booked: Mono,
}

/// What rings for a call besides one offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingRecord {
    /// The other offers, oldest first: to whom, and until when.
    pub others: Vec<(OfferId, AgentId, Mono)>,
    /// How many may ring now, the one offer included.
    pub allowed: usize,
    /// When more may.
    pub more_at: Option<Mono>,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of an offer")]
pub enum Stage {
    /// In line.
    Waiting,
    /// In line, and being offered.
    Offered { offer: OfferId, agent: AgentId, deadline: Mono },
    /// A callback whose customer is being called.
    Dialing { offer: OfferId, agent: AgentId, deadline: Mono },
    /// A callback that is not offered, until then or until the queue opens.
    Resting { until: Option<Mono> },
    /// With an agent.
    Talking { agent: AgentId },
}

/// One queue, as far as the configuration and its calls do not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueRecord {
    /// Which.
    pub queue: QueueId,
    /// Within its hours.
    pub open: bool,
    /// What became of its calls.
    pub balance: Balance,
    /// What became of its callbacks.
    pub callbacks: CallbackBalance,
    /// How fast it moves.
    pub pace: PaceRecord,
    /// What its service level is taken from, oldest first.
    pub served: Vec<ServedPiece>,
    /// When it is looked at next whether an estimate or the service level opens a step.
    pub watch_at: Option<Mono>,
    /// As it was configured, where it is so no more and has calls left.
    pub closing: Option<Box<QueueConfig>>,
}

/// All that survives, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of the last fact that is in it.
    pub seq: u64,
    /// The time that the room had reached when that was told.
    pub at: Mono,
    /// The agents.
    pub agents: BTreeMap<AgentId, AgentRecord>,
    /// The calls.
    pub calls: BTreeMap<CallId, CallRecord>,
    /// The queues.
    pub queues: BTreeMap<QueueId, QueueRecord>,
    /// The emergency plans that are on.
    pub plans: BTreeSet<Arc<str>>,
    /// Where the next offer's number comes from.
    pub ids: IdSource,
    /// The number of the last decision.
    pub decisions: u64,
}

impl Snapshot {
    /// Makes a fact true. One that is in the snapshot already changes nothing, so that facts may be
    /// applied from anywhere before it on.
    ///
    /// # Errors
    /// [`MissingFact`] if one before it is missing; nothing is changed then.
    pub fn apply(&mut self, fact: &Fact) -> Result<(), MissingFact> {
        if fact.seq <= self.seq {
            return Ok(());
        }
        if fact.seq != self.seq + 1 {
            return Err(MissingFact { seq: self.seq + 1 });
        }
        (self.seq, self.at) = (fact.seq, fact.at);
        match fact.change.clone() {
            Change::Agent(record) => {
                self.agents.insert(record.agent.clone(), record);
            }
            Change::Call(record) => {
                self.calls.insert(record.call, record);
            }
            Change::CallGone(call) => {
                self.calls.remove(&call);
            }
            Change::AgentGone(agent) => {
                self.agents.remove(&agent);
            }
            Change::QueueGone(queue) => {
                self.queues.remove(&queue);
            }
            Change::Queue(record) => {
                self.queues.insert(record.queue.clone(), record);
            }
            Change::Plans(plans) => self.plans = plans,
            Change::Counters { ids, decisions } => (self.ids, self.decisions) = (ids, decisions),
        }
        Ok(())
    }
}

/// A fact is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingFact {
    /// Its number.
    pub seq: u64,
}
