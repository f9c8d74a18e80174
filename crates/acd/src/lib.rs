//! Queues, tiers, agents and the distribution of calls.
//!
//! **Which call**: the one with the highest score among those that the agent may take now, unless
//! the agent is configured to go by level or by shares ([`CallChoice`]). The score of a call is one
//! integer, in nanoseconds: its age, which is the time since it `entered` and its head start (that
//! of its queue and its own), and what its queue adds for each second of age ([`QueueConfig`]). A
//! call that comes back from a missed offer keeps its `entered`. Equal scores go by the call's id.
//! Head starts and gains are bounded ([`MAX_HEAD_START_MS`], [`MAX_GAIN_MS`]), so nobody starves:
//! by score a call is never overtaken by one that entered later than both together.
//!
//! **Which agent**: by the queue's [`Strategy`], such as the longest idle among those who may take
//! the call now. An agent who was offered a call that hung up before the answer keeps the old turn.
//! A call may first wait for one agent alone ([`Preferred`]), and ring several at once where the
//! strategy says so ([`RingRule`]): whom nobody else waits for rings along, and the first who
//! answers has it.
//!
//! **Who may take a call now**: an agent who is `Ready`, has nothing to do, has a phone that can be
//! rung, does not rest after a missed offer ([`MissedRule`]), is of a step of its queue that the
//! call has reached and that no later one has replaced ([`TierStep`]), and whose tier holds the
//! permission that the call needs, if it needs one.
//!
//! **Who does not wait**: each queue has limits, and says where callers go then ([`Limits`]); many
//! can be switched at once by a [`Plan`]. Who would rather not wait is called back, with the place
//! that they have ([`CallbackRule`]). What became of everyone adds up ([`Balance`]).
//!
//! **What is configured may change** while calls wait and agents talk ([`Changes`]): nobody loses a
//! place, an offer or a sign-in, and who may take what is settled anew.
//!
//! **What survives** is told as facts, and a room can be made from a snapshot and the facts after
//! it ([`Acd::keep_facts`], [`Acd::restore`]).
//!
//! **Why**: every decision is kept for a while, with those who were next and how many were not
//! chosen from ([`Acd::why`]).
//!
//! After every input and every timer no such agent is left idle while such a call waits. Timers act
//! at their deadline, not when the engine comes to look: an input runs what is due before it, so
//! the same inputs at the same times give the same outputs however late `handle_timeout` is called.
//!
//! One shape as everywhere: [`Acd::handle_input`], [`Acd::handle_timeout`], [`Acd::poll_output`],
//! [`Acd::poll_timeout`]. Inputs and outputs are values that could cross a network; what comes too
//! late (an answer to an offer that was withdrawn) is ignored, what cannot be is refused by an
//! [`Output`].

mod acd;
mod agent;
mod answered;
mod balance;
mod call;
mod callback;
mod calls;
mod check;
mod choose;
mod config;
mod configure;
mod decided;
mod dense;
mod dialled;
mod engage;
mod enqueue;
mod escalate;
mod estimate;
mod hours;
mod input;
mod invite;
mod limits;
mod line;
mod offer;
mod output;
mod overflow;
mod presence;
mod queue;
mod recall;
mod reconfigure;
mod record;
mod recover;
mod ring;
mod step;
mod stored_day;
mod strategy;
mod timer;
mod view;
#[cfg(test)]
mod walk_tests;
mod whatif;
mod why;
mod why_not;

pub use acd::Acd;
pub use answered::ServedPiece;
pub use balance::{Balance, CallbackBalance, Left};
pub use callback::{
    CallbackEnd, CallbackInput, CallbackOutput, CallbackRule, First, MAX_CALLBACKS, NoCallback,
    Party, RestoredCallback,
};
pub use check::ConfigError;
pub use config::{
    ASSIGNED_MS, AcwRule, AgentConfig, Config, MAX_GAIN_MS, MAX_GAIN_PERMILLE, MAX_HEAD_START_MS,
    MAX_LEVEL, MAX_PREFERENCE_MS, MAX_RINGING, MIN_OBJECTIVE_MS, MIN_REST_MS, MIN_RING_ADD_MS,
    MissedRule, MissedRules, OBJECTIVE_UNIT_MS, QueueConfig, RingRule, Served,
};
pub use configure::{Changes, Times};
pub use estimate::{Estimate, PaceRecord};
pub use hours::{
    Calendar, Day, HoursError, MAX_DAYS_AHEAD, MAX_NAMED_DAYS, MAX_SPANS, NamedDay,
    SHANGHAI_OFFSET_S, Span, Weekday,
};
pub use input::{Input, Preferred, RestoredAcw, RestoredAgent, RestoredDay};
pub use limits::{
    Limits, MAX_PLANS, Overflow, OverflowCause, Plan, Rule, SHORT_ABANDON_MS, WaitLimit,
};
pub use output::{NotEnqueued, NotServed, Output, Refusal, Withdrawal};
pub use record::{
    AgentRecord, CallRecord, CallbackRecord, Change, Fact, MissingFact, QueueRecord, RingRecord,
    Snapshot, Stage, Turns,
};
pub use step::{MAX_STEPS, MAX_WINDOW_MS, ServiceRule, Skill, TierStep, in_force};
pub use stored_day::{Difference, OfferMade, StoredDay};
pub use strategy::{CallChoice, Strategy, Work};
pub use view::{AgentView, MissedCounts, Position, QueueView};
pub use whatif::{Comparison, End, Fate, Sum, replay, what_if};
pub use why::{Choice, Decision, ExcludedAgents, ExcludedCalls, MAX_DECISIONS, MAX_NEXT};
pub use why_not::{Known, Moment, named, why_not};
